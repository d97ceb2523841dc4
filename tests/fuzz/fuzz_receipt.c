/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a receipt, checked with keys under which nothing was signed but the seeds. */
#include "evidence/fake_crypto.h"
#include "fuzz/fuzz_need.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    mun_public_key key = fake_key(MUN_ALG_ES256, 2);
    mun_receipt r;
    mun_error err;
    mun_code code = mun_receipt_parse((mun_slice){data, size}, &r, &err);
    if (code != MUN_OK) {
        need(code == MUN_E_MALFORMED || code == MUN_E_UNSUPPORTED);
        need(err.rule[0] != '\0');
        return 0;
    }
    need(r.proofs_len >= 1 && r.proofs_len <= (r.is_consistency ? 1 : MUN_PROOFS_MAX));
    uint8_t leaf[MUN_HASH_SIZE] = {0}, root[MUN_HASH_SIZE], other[MUN_HASH_SIZE];
    if (r.have_leaf) memcpy(leaf, r.leaf, sizeof leaf);
    code = mun_receipt_check(&crypto, &r, leaf, &key, root, NULL);
    need(code != MUN_OK || !r.is_consistency);
    code = mun_receipt_check_consistency(&crypto, &r, r.proofs[0].size, leaf, &key, other, NULL);
    need(code != MUN_OK || r.is_consistency);
    return 0;
}
