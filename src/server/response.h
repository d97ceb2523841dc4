/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One answer, filled by a handler and sent by the transport. A zeroed response with an empty body
 * buffer is what a handler gets; the transport keeps the buffer's memory for the connection's next
 * request.
 *
 * Ownership: `body` and the strings in the object are the response's own; `fixed` is borrowed for
 * ever (string literals, the service's own pages). Threads: one at a time.
 */
#ifndef MUN_SERVER_RESPONSE_H
#define MUN_SERVER_RESPONSE_H

#include "base/buf.h"
#include "server/request.h"

#define MUN_STREAM_END   (-1) /* it is whole; of an endless one: the client is to ask again */
#define MUN_STREAM_FETCH (-2) /* what comes next must be waited for: call fetch, then read */

typedef enum mun_fetched {
    MUN_FETCHED,     /* read has something now */
    MUN_FETCH_LATER, /* as where read gives 0; perhaps the ledger is being opened */
    MUN_FETCH_FAILED /* the end */
} mun_fetched;

/*
 * A body without an end (server-sent events), or one whose length is not known yet. read and close
 * are called by the thread that serves the connection, fetch by a worker, wants by anybody, never
 * two at the same time. read copies at most max bytes and waits for nothing; 0 means nothing now:
 * the transport calls fetch or read again when the ledger has grown (mun_served_grew), and read
 * when MUN_HTTP_STREAM_PING_SECONDS have passed (with `ping` true: write a comment line). wants is
 * a number for what fetch would get: of the streams of one ledger that want the same one fetches,
 * and the others read after it what it has left for them. `whole`: it ends by itself
 * (MUN_STREAM_END) and is worth nothing without its end, so it takes no turns with the endless
 * ones, and where it fails it is cut off.
 */
typedef struct mun_stream {
    void *ctx;
    bool whole;
    ptrdiff_t (*read)(void *ctx, uint8_t *to, size_t max, bool ping); /* or MUN_STREAM_... */
    mun_fetched (*fetch)(void *ctx);
    uint64_t (*wants)(void *ctx);
    void (*close)(void *ctx);
} mun_stream;

#define MUN_RESPONSE_BODY_MAX (64u << 20)
#define MUN_RESPONSE_TEXT     128

typedef struct mun_response {
    unsigned status;           /* 0: nobody has answered yet */
    const char *content_type;  /* literal; NULL only where there is no body */
    const char *cache_control; /* literal; NULL: "no-store" */
    const char *content_encoding;
    const char *vary;
    const char *allow;                /* with 405 */
    const char *challenge;            /* of WWW-Authenticate, literal; with 401 and 403 */
    bool only_plain;                  /* with 415: no content coding is taken */
    unsigned retry_after;             /* seconds; 0: not said */
    char location[MUN_RESPONSE_TEXT]; /* relative to the ledger's base, starts with '/'; "": none */
    char content_location[MUN_RESPONSE_TEXT];
    char etag[MUN_RESPONSE_TEXT];          /* with its quotes; a matching If-None-Match gives 304 */
    char link_next[MUN_RESPONSE_TEXT * 4]; /* target of a rel="next" link; "": none */
    mun_slice fixed;                       /* when not empty, instead of body */
    mun_buf body;
    mun_stream stream; /* when read is not NULL, instead of both */
    /* For the log line and the metrics. */
    const char *title; /* of a problem, literal */
    uint64_t entry;    /* index concerned, or MUN_NO_OFFSET */
} mun_response;

/* As a handler gets it: keeps the buffer's memory, forgets everything else. */
void mun_response_reset(mun_response *response);
/* 200 with this literal type and Cache-Control (NULL: no-store); the body follows in `body`. */
void mun_response_ok(mun_response *response, const char *content_type, const char *cache_control);
/* Sets `etag` from the SHA-256 of type and body as they stand: RFC 9110 section 8.8.3 wants another
 * one for each type in which a resource can be had. */
void mun_response_etag(mun_response *response);

#endif
