/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what on one ledger, and how much of it. A principal is a bearer token (kept as a
 * hash), a client certificate (its SHA-256, told by the proxy), or anyone. Refusal is cheap: one
 * hash and one look-up, before the body is read.
 *
 * Ownership: an access object is counted (take, give). What it admits by is a roster of its own,
 * replaced as a whole by a reload or a changed file; the principal of an admitted request lives
 * until mun_access_leave. Threads: any.
 */
#ifndef MUN_SERVER_ACCESS_H
#define MUN_SERVER_ACCESS_H

#include "server/request.h"
#include "server/route.h"
#include "server/service_limits.h"

typedef struct mun_principal {
    char name[MUN_PRINCIPAL_NAME_MAX + 1]; /* "anyone" without token or certificate */
    unsigned scopes;                       /* mun_scope bits */
    bool anyone; /* no token or certificate; a token may have the name "anyone", too */
} mun_principal;

/* What one principal or address may use; 0: no limit. */
typedef struct mun_allowance {
    uint32_t requests_per_second;
    uint32_t burst;
    uint32_t concurrent;
    uint32_t body_bytes;
} mun_allowance;

/* Where use is counted: one for all principals and one for all addresses of the process, of fixed
 * size, so that a thousand ledgers need no more memory than one. */
struct mun_rate;

typedef struct mun_access_options {
    unsigned open_scopes;          /* what anyone may do: READ | SUBMIT for an open ledger */
    const char *tokens_file;       /* made by `muniment token new`; NULL: none */
    const char *certificates_file; /* NULL: none */
    mun_allowance per_principal;   /* "anyone" is held by per_address alone */
    mun_allowance per_address;     /* an IPv6 address counts with its /64 */
    struct mun_rate *principals;   /* borrowed; NULL: nobody is counted */
    struct mun_rate *addresses;
} mun_access_options;

typedef struct mun_access mun_access;

/* Reads the files. MUN_E_PERMISSION: others can read the tokens file; MUN_E_MALFORMED names the
 * line; MUN_E_NOT_FOUND... The strings are copied. */
MUN_MUST mun_code mun_access_create(const mun_access_options *options, mun_access **ret,
                                    mun_error *err);
void mun_access_give(mun_access *access); /* accepts NULL */
mun_access *mun_access_take(mun_access *access);

/* Other rules from now on, for requests that are not admitted yet. On failure the old ones hold. */
MUN_MUST mun_code mun_access_update(mun_access *access, const mun_access_options *options,
                                    mun_error *err);
/* Reads a file anew that has changed since. On failure the old ones hold. ret_changed is set in
 * either case: whether this is news, because a file is not as it was when this was last called. */
MUN_MUST mun_code mun_access_refresh(mun_access *access, bool *ret_changed, mun_error *err);
/* Whether anyone may do this. */
bool mun_access_open(mun_access *access, unsigned scope);

typedef struct mun_admitted {
    mun_access *access;
    const mun_principal *principal;
    uint64_t body_max;        /* by the allowances; the route has its own */
    struct mun_roster *rules; /* private, as slots: what mun_access_leave gives back */
    uint32_t slots[2];
} mun_admitted;

/*
 * Admits a request to a route, or fills the response with 401, 403, 413 or 429 and returns false.
 * Called when the head is complete, before the body is read. now_ns: CLOCK_MONOTONIC.
 * content_length: MUN_NO_OFFSET where it is not said (chunked); then body_max is the caller's to
 * hold. access NULL: anyone may read and submit, nobody is counted.
 */
bool mun_access_enter(mun_access *access, const mun_request *request, const mun_route *route,
                      uint64_t content_length, uint64_t now_ns, mun_admitted *ret,
                      mun_response *response);
/* Whether who was admitted would be so now: for an answer that goes on for ever. False: the token
 * or certificate was revoked, has expired or lost the scope, or the ledger is not open any more. */
bool mun_access_lasts(const mun_admitted *admitted, unsigned scope);
void mun_access_leave(mun_admitted *admitted); /* accepts a zeroed one */

#endif
