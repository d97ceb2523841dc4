/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transport: HTTP/1.1 by libmicrohttpd at its strictest on TCP and unix sockets, or on sockets
 * inherited from the service manager. Checks what the library lets us see of the framing
 * (framing.h), finds ledger and route, asks access.h, collects the body within its limits, has the
 * request answered in its lane, and sends the answer. Connections wait suspended while a worker
 * works, so a few threads serve thousands of them.
 *
 * Threads: start, drain and stop by one thread; mun_http_wake by any.
 */
#ifndef MUN_SERVER_HTTP_SERVER_H
#define MUN_SERVER_HTTP_SERVER_H

#include "server/register_queue.h"
#include "server/service.h"

typedef struct mun_http_server mun_http_server;

typedef struct mun_http_options {
    struct mun_service *service;
    const int *sockets;       /* listening already; taken over */
    const bool *behind_proxy; /* for each socket: forwarded fields are believed */
    size_t sockets_len;
    unsigned io_threads;  /* 0: 2 */
    unsigned workers;     /* 0: mun_workers_default */
    uint32_t connections; /* and these from service_limits.h, 0: the constant */
    uint32_t per_address; /* connections of one address; 0: no limit */
    uint32_t head_seconds, body_seconds, idle_seconds, write_seconds;
} mun_http_options;

MUN_MUST mun_code mun_http_start(const mun_http_options *options, mun_http_server **ret,
                                 mun_error *err);
/* No new connections; idle ones are closed; waits at most so long for the requests that run. */
void mun_http_drain(mun_http_server *server, unsigned seconds);
void mun_http_stop(mun_http_server *server); /* accepts NULL */
/* The ledger has grown: its event streams read on. */
void mun_http_wake(mun_http_server *server, const struct mun_served *served);

/* A listening socket for "127.0.0.1:8080", "[::1]:8080" or "unix:PATH" (mode 0660, an old socket
 * that nobody listens on is replaced). Other addresses than loopback need `public`. */
MUN_MUST mun_code mun_http_listen(const char *where, bool public_address, int *ret, mun_error *err);
/* Its errors, as far as they can be known without taking the address. */
MUN_MUST mun_code mun_http_listen_check(const char *where, bool public_address, mun_error *err);

#endif
