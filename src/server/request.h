/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request as the handlers see it, whatever carried it. The transport (http_server.h) has
 * checked the framing, collected the body and found the route; access.h has found the principal.
 *
 * Ownership: everything here is borrowed from the transport until the response is given.
 * Threads: one request belongs to one thread at a time.
 */
#ifndef MUN_SERVER_REQUEST_H
#define MUN_SERVER_REQUEST_H

#include "base/error.h"
#include "base/slice.h"

#include <muniment/ledger.h>

typedef enum mun_method {
    MUN_METHOD_GET = 1,
    MUN_METHOD_HEAD = 2, /* answered as GET; the transport drops the body */
    MUN_METHOD_POST = 4,
    MUN_METHOD_OTHER = 8
} mun_method;

/* The fields that somebody here reads; others are not kept. */
typedef enum mun_field {
    MUN_FIELD_ACCEPT,
    MUN_FIELD_ACCEPT_ENCODING,
    MUN_FIELD_AUTHORIZATION, /* never logged */
    MUN_FIELD_CONTENT_TYPE,
    MUN_FIELD_CONTENT_ENCODING,
    MUN_FIELD_EXPECT,
    MUN_FIELD_HOST,
    MUN_FIELD_IF_MATCH,
    MUN_FIELD_IF_NONE_MATCH,
    MUN_FIELD_LAST_EVENT_ID,
    MUN_FIELD_X_REQUEST_ID,
    MUN_FIELD_X_FORWARDED_FOR, /* believed only from a listener that is said to be a proxy's */
    MUN_FIELD_X_FORWARDED_PROTO,
    MUN_FIELD_X_CLIENT_CERT_SHA256, /* the same: SHA-256 of the client certificate's DER, hex */
    MUN_FIELD_X_CLIENT_CERT,        /* the same, for nginx, which has no SHA-256 of it: the
                                       certificate, PEM, percent-escaped; counts where it is sent */
    MUN_FIELDS
} mun_field;

#define MUN_CAPTURES_MAX 2

struct mun_route;
struct mun_served;
struct mun_principal;
struct mun_service;

typedef struct mun_request {
    char id[33];      /* ours, or X-Request-Id where it is 1..32 of [A-Za-z0-9_-]; NUL-terminated */
    char address[64]; /* the client's, as text; "unix" for a local socket */
    mun_method method;
    mun_slice target; /* as received: path and query */
    mun_slice path;   /* below the ledger's base, starts with '/', still percent-encoded */
    mun_slice query;  /* after '?', still percent-encoded; see query.h */
    mun_slice body;
    mun_slice fields[MUN_FIELDS];          /* empty: not sent; duplicates were refused */
    mun_slice captures[MUN_CAPTURES_MAX];  /* the {parts} of the route's pattern, percent-decoded */
    const struct mun_route *route;         /* NULL: none matched */
    struct mun_service *service;           /* what the process shares (service.h) */
    struct mun_served *served;             /* the ledger; NULL on the service's own routes */
    const struct mun_principal *principal; /* never NULL once dispatched; may be "anyone" */
    uint64_t arrived_ns;                   /* CLOCK_MONOTONIC when the head was complete */
} mun_request;

#endif
