/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of routes: which method on which path calls which handler, on which thread, under which
 * scope. Everything else about a route (metrics, log, OpenAPI test) hangs on its row.
 *
 * Threads: the table is constant.
 */
#ifndef MUN_SERVER_ROUTE_H
#define MUN_SERVER_ROUTE_H

#include "server/response.h"

typedef enum mun_lane {
    MUN_LANE_INLINE, /* on the thread that reads sockets: quick, and asks neither ledger nor disk */
    MUN_LANE_WORKER, /* on a worker: may wait for the disk */
    MUN_LANE_REGISTER /* gathered with others into one call of mun_ledger_register */
} mun_lane;

typedef enum mun_scope {
    MUN_SCOPE_NONE = 0,
    MUN_SCOPE_READ = 1,
    MUN_SCOPE_SUBMIT = 2,
    MUN_SCOPE_ADMIN = 4
} mun_scope;

typedef void (*mun_handler)(const mun_request *request, mun_response *response);
/* Answers from memory and at once, on the thread that reads sockets; false: it cannot, and has done
 * nothing. */
typedef bool (*mun_quick)(const mun_request *request, mun_response *response);

typedef struct mun_route {
    const char *name; /* label in metrics and log, e.g. "entries_post" */
    unsigned methods; /* mun_method bits; GET includes HEAD */
    const char
        *pattern;    /* "/v1/entries/{}/receipt"; {} one segment, {*} the rest with its slashes */
    bool of_service; /* not below a ledger's base: /healthz, /readyz, /metrics, /v1/service */
    mun_lane lane;
    mun_scope scope;
    size_t body_max; /* 0: no body is accepted */
    mun_quick quick; /* tried before a worker is called; NULL: every request is one's */
    mun_handler run; /* NULL in MUN_LANE_REGISTER */
} mun_route;

/* Rows of each room of handlers, ended by a row without name. */
extern const mun_route mun_routes_scrapi[];    /* scrapi.c */
extern const mun_route mun_routes_tiles[];     /* tiles.c */
extern const mun_route mun_routes_api[];       /* api_routes.c */
extern const mun_route mun_routes_operation[]; /* operation.c */

/* The row for this method and path, with captures filled in (still encoded). When the path exists
 * but not with this method: NULL and ret_allow says which are allowed; otherwise ret_allow NULL. */
const mun_route *mun_route_find(mun_method method, mun_slice path, bool of_service,
                                mun_slice captures[MUN_CAPTURES_MAX], const char **ret_allow);

#endif
