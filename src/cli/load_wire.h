/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 on bare sockets for the load generator: where to connect, and one answer cut out of what
 * has been read. It reads what well-behaved servers send (Content-Length or chunked) and calls
 * everything else broken; the client of the product is src/fetch.
 * Ownership: an answer borrows from the bytes read. Threads: no shared state.
 */
#ifndef MUN_CLI_LOAD_WIRE_H
#define MUN_CLI_LOAD_WIRE_H

#include "base/error.h"
#include "base/slice.h"
#include "fetch/fetch.h"

#include <sys/socket.h>

typedef struct mun_load_target {
    mun_url url;
    struct sockaddr_storage address;
    socklen_t address_len;
    int family;
    char host[300]; /* for the Host field */
} mun_load_target;

/* MUN_E_USAGE: https (the generator does not encrypt), or a name that has no address. */
MUN_MUST mun_code mun_load_target_find(const char *url, mun_load_target *ret, mun_error *err);
/* A socket that connects without blocking; -1 with errno. */
int mun_load_connect(const mun_load_target *target);

typedef struct mun_load_answer {
    unsigned status;
    mun_slice location; /* empty: none */
    mun_slice body;     /* chunks are put together in place */
    bool closes;        /* the server will not take another request here */
    size_t whole;       /* bytes of head and body */
} mun_load_answer;

typedef enum mun_load_parsed { MUN_LOAD_MORE, MUN_LOAD_DONE, MUN_LOAD_BROKEN } mun_load_parsed;

/* The bytes are changed only when chunks are put together, and then only with MUN_LOAD_DONE. */
mun_load_parsed mun_load_parse(uint8_t *bytes, size_t len, mun_load_answer *ret);

#endif
