# SPDX-License-Identifier: Apache-2.0
# The JSON and the key files that src/trust reads, with real digests: a kid must fit its key.
mun_fuzz(fuzz_policy SOURCES fuzz_policy.c USES trust
         PARSES trust/policy_document.c trust/json_strict.c trust/utc_text.c)
mun_fuzz(fuzz_trust_file SOURCES fuzz_trust_file.c USES trust PARSES trust/trust_text.c)
mun_fuzz(fuzz_key_file SOURCES fuzz_key_file.c USES trust PARSES trust/jwk.c)
