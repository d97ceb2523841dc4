/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP client: GET and POST with limits on time and bytes, retries as SCRAPI asks (Retry-After,
 * else exponential backoff with jitter and a cap), connections kept between requests. libcurl does
 * the work; it is opened at run time, when the first mun_fetch is made, so that commands that fetch
 * nothing neither need nor load it.
 *
 * What is refused: other schemes than http and https, user names and fragments in a URL, plain http
 * beyond loopback unless allowed, certificates that do not verify, redirects (none is followed: a
 * token would travel with it). Nothing is decompressed. Proxies come from the environment, as curl
 * takes them. The token is a field of the request only; it is in no error and no URL.
 *
 * Ownership: strings in the options are copied. An answer's body belongs to the caller
 * (mun_buf_free). Threads: one mun_fetch belongs to one thread at a time; make one for each thread,
 * the first of them before the others start.
 */
#ifndef MUN_FETCH_FETCH_H
#define MUN_FETCH_FETCH_H

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"

#define MUN_FETCH_URL_MAX      4096
#define MUN_FETCH_FIELD_MAX    512
#define MUN_FETCH_TOKEN_MAX    512
#define MUN_FETCH_ATTEMPTS     6   /* of one request, the first included */
#define MUN_FETCH_SECONDS      60  /* one attempt */
#define MUN_FETCH_CONNECT_SECS 10  /* of these: until connected */
#define MUN_FETCH_WAIT_FIRST   250 /* ms before the second attempt; doubles */
#define MUN_FETCH_WAIT_CAP     10000
#define MUN_FETCH_RETRY_AFTER  120 /* seconds: a service that asks for more is not waited for */

typedef struct mun_fetch mun_fetch;

typedef struct mun_fetch_options {
    const char *token;     /* sent as Authorization: Bearer; NULL: none */
    const char *ca_file;   /* PEM; NULL: the system's */
    const char *cert_file; /* client certificate, PEM; NULL: none */
    const char *key_file;  /* and its key; NULL: in cert_file */
    bool plain_http;       /* http beyond loopback is meant */
    unsigned attempts;     /* 0: MUN_FETCH_ATTEMPTS */
    unsigned seconds;      /* 0: MUN_FETCH_SECONDS */
    bool (*stopped)(void); /* true ends what runs with MUN_E_AGAIN; NULL: never */
    /* Told before each wait, for a line to the user; NULL: nobody. */
    void (*waiting)(void *ctx, unsigned ms, const char *why);
    void *waiting_ctx;
    /* Bytes for the jitter; NULL: waits without jitter. */
    mun_code (*random)(void *ctx, uint8_t *ret, size_t len);
} mun_fetch_options;

/* MUN_E_UNSUPPORTED: there is no libcurl on this machine; the sentence names the package. */
MUN_MUST mun_code mun_fetch_open(const mun_fetch_options *options, mun_fetch **ret, mun_error *err);
void mun_fetch_close(mun_fetch *fetch); /* accepts NULL */

typedef struct mun_fetch_request {
    const char *url;
    bool post;                 /* everything here may be sent twice: registering is idempotent */
    const char *accept;        /* NULL: anything */
    const char *content_type;  /* with post */
    const char *last_event_id; /* NULL: none */
    mun_slice body;            /* with post; borrowed during the call */
    size_t body_max;           /* of the answer; more is MUN_E_LIMIT */
} mun_fetch_request;

typedef struct mun_fetch_answer {
    unsigned status;
    char content_type[MUN_FETCH_FIELD_MAX]; /* without parameters, lower case; "" where not sent */
    char location[MUN_FETCH_FIELD_MAX];     /* as sent; "" where not */
    char content_location[MUN_FETCH_FIELD_MAX];
    char etag[MUN_FETCH_FIELD_MAX];
    char request_id[MUN_FETCH_FIELD_MAX]; /* X-Request-Id */
    unsigned retry_after;                 /* seconds; 0: not said */
    mun_buf body;
} mun_fetch_answer;

/*
 * One request with its retries: again after a connection that failed, and after 429, 502, 503 and
 * 504. MUN_OK: there is an answer, whatever its status; the last one when retries are used up.
 * MUN_E_AGAIN: the service cannot be reached, or the user stopped. MUN_E_UNTRUSTED: TLS.
 * MUN_E_LIMIT, MUN_E_USAGE (the URL), MUN_E_IO, MUN_E_MEMORY.
 * ret: bodies of an earlier answer in it are kept as memory; zero it before the first use.
 */
MUN_MUST mun_code mun_fetch_run(mun_fetch *fetch, const mun_fetch_request *request,
                                mun_fetch_answer *ret, mun_error *err);
/* Waits as a retry would: seconds asked for (0: by backoff, attempt from 0). MUN_E_AGAIN: more than
 * MUN_FETCH_RETRY_AFTER, or stopped. For answers that say "not yet" (SCRAPI 202, 204). */
MUN_MUST mun_code mun_fetch_wait(mun_fetch *fetch, unsigned attempt, unsigned seconds,
                                 const char *why, mun_error *err);
void mun_fetch_answer_free(mun_fetch_answer *answer);

/* ---- URLs ---- */

/* The parts of "https://host:port/path", "http://..." and "unix:SOCKET[:/path]". */
typedef struct mun_url {
    bool tls;
    bool loopback;  /* the host is this machine by its name or address, or a socket in a file */
    char host[256]; /* "" with a socket */
    char port[6];   /* "" where not said */
    char socket[108];
    char path[MUN_FETCH_URL_MAX]; /* "" or begins with '/', without a '/' at its end */
} mun_url;

/* Whether the text is meant as a URL rather than as a file: http:, https:, unix:. */
bool mun_url_like(const char *text);
/* MUN_E_USAGE says which part is wrong. */
MUN_MUST mun_code mun_url_parse(const char *text, mun_url *ret, mun_error *err);
/* The URL with path and rest (which begins with '/' or is empty) as "http://host:port/path...". For
 * a socket the host is "localhost". MUN_E_LIMIT. */
MUN_MUST mun_code mun_url_text(const mun_url *url, const char *rest, char *ret, size_t cap,
                               mun_error *err);

#endif
