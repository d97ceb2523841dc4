/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Query strings, strictly: a caller names the parameters it takes, everything else is an error that
 * names it. Percent-decoded as application/x-www-form-urlencoded (a plus sign is a space, as every
 * client library writes it).
 *
 * Ownership: decoded values stand in the object itself; MUN_HTTP_TARGET_MAX bounds them.
 * Threads: values.
 */
#ifndef MUN_SERVER_QUERY_H
#define MUN_SERVER_QUERY_H

#include "base/error.h"
#include "base/slice.h"
#include "server/service_limits.h"

#define MUN_QUERY_PARAMETERS_MAX 12

typedef struct mun_parameters {
    const char *const *names; /* ended by NULL */
    bool have[MUN_QUERY_PARAMETERS_MAX];
    mun_slice value[MUN_QUERY_PARAMETERS_MAX];
    uint8_t bytes[MUN_HTTP_TARGET_MAX];
} mun_parameters;

/* MUN_E_USAGE: an unknown or repeated parameter, one without '=', or a bad escape. */
MUN_MUST mun_code mun_query_parse(mun_slice query, const char *const *names, mun_parameters *ret,
                                  mun_error *err);
/* Nothing may be asked for. */
MUN_MUST mun_code mun_query_none(mun_slice query, mun_error *err);

/* Values by their place in names; left alone where the parameter was not given. Each names the
 * parameter in its error, MUN_E_USAGE. */
MUN_MUST mun_code mun_query_number(const mun_parameters *p, size_t at, uint64_t min, uint64_t max,
                                   uint64_t *ret, mun_error *err);
MUN_MUST mun_code mun_query_time(const mun_parameters *p, size_t at, uint64_t *ret_ms,
                                 mun_error *err);
/* Not empty, UTF-8. */
MUN_MUST mun_code mun_query_text(const mun_parameters *p, size_t at, mun_slice *ret,
                                 mun_error *err);
/* Hexadecimal; ret_len between min and max bytes of ret. */
MUN_MUST mun_code mun_query_hex(const mun_parameters *p, size_t at, size_t min, size_t max,
                                uint8_t *ret, size_t *ret_len, mun_error *err);

/* A digest of 32, 48 or 64 bytes, in hexadecimal digits of either case. */
MUN_MUST bool mun_digest_take(mun_slice text, uint8_t ret[64], size_t *ret_len);

#endif
