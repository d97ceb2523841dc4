/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what on one ledger, and how much of it. A principal is a bearer token (kept as a
 * hash), a client certificate (its SHA-256, told by the proxy), or anyone. Refusal is cheap: one
 * hash and one look-up, before the body is read.
 *
 * Ownership: the access object owns its principals; they live until it is destroyed (a reload makes
 * a new one and lets the old one go when its last request has ended: take, give).
 * Threads: any.
 */
#ifndef MUN_SERVER_ACCESS_H
#define MUN_SERVER_ACCESS_H

#include "server/request.h"
#include "server/route.h"
#include "server/service_limits.h"

typedef struct mun_principal {
    char name[MUN_PRINCIPAL_NAME_MAX + 1]; /* "anyone" without token or certificate */
    unsigned scopes;                       /* mun_scope bits */
} mun_principal;

/* What one principal or address may use; 0: no limit. */
typedef struct mun_allowance {
    uint32_t requests_per_second;
    uint32_t burst;
    uint32_t concurrent;
    uint32_t body_bytes;
} mun_allowance;

typedef struct mun_access_options {
    unsigned open_scopes;          /* what anyone may do: READ | SUBMIT for an open ledger */
    const char *tokens_file;       /* made by `muniment token new`; NULL: none */
    const char *certificates_file; /* NULL: none */
    mun_allowance per_principal, per_address;
} mun_access_options;

typedef struct mun_access mun_access;

MUN_MUST mun_code mun_access_create(const mun_access_options *options, mun_access **ret,
                                    mun_error *err);
void mun_access_give(mun_access *access); /* accepts NULL */
mun_access *mun_access_take(mun_access *access);

typedef struct mun_admitted {
    mun_access *access;
    const mun_principal *principal;
    uint32_t slots[2]; /* private: what mun_access_leave gives back */
} mun_admitted;

/*
 * Admits a request to a route, or fills the response with 401, 403, 413 or 429 and returns false.
 * Called when the head is complete, before the body is read. now_ns: CLOCK_MONOTONIC.
 * access NULL: anyone may read and submit, nobody is counted.
 */
bool mun_access_enter(mun_access *access, const mun_request *request, const mun_route *route,
                      uint64_t content_length, uint64_t now_ns, mun_admitted *ret,
                      mun_response *response);
void mun_access_leave(mun_admitted *admitted);

#endif
