# SPDX-License-Identifier: Apache-2.0
# What the client reads: URLs from its user, answers from a service.
mun_fuzz(fuzz_url SOURCES fuzz_url.c USES fetch PARSES fetch/url.c)
if(TARGET mun_cli_load)
    mun_fuzz(fuzz_answer SOURCES fuzz_answer.c USES cli_load cli PARSES cli/load_parse.c cli/problem_read.c)
endif()
