/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service says about why it did not: RFC 9290 (CBOR) and RFC 9457 (JSON) problem details as
 * errors. Texts from the service are made harmless for a terminal. Threads: no shared state.
 */
#ifndef MUN_CLI_PROBLEM_READ_H
#define MUN_CLI_PROBLEM_READ_H

#include "base/error.h"
#include "base/slice.h"

/* Which of our codes a status stands for. 400 is the policy's under some of SCRAPI's titles. */
mun_code mun_problem_code(unsigned status, mun_slice title);
/* Never MUN_OK. A response-code inside (RFC 9290: -4) counts instead of status; 202, "not yet", is
 * MUN_E_UNSUPPORTED with the rule "pending". Bytes that are no problem give the status alone. */
mun_code mun_problem_read(mun_slice item, unsigned status, mun_error *err);
mun_code mun_problem_read_json(mun_slice body, unsigned status, mun_error *err);

#endif
