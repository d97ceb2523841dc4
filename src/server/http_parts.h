/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private to the transport (http_*.c): one server, its listeners, connections and exchanges.
 *
 * A connection is small and lives as long as its socket; an exchange (request, response, their
 * buffers) is taken from a pool when a request line arrives and given back when the answer is out,
 * so an idle connection holds no buffers of ours.
 *
 * Threads: a connection and its exchange belong to the I/O thread of its listener that accepted it,
 * except while a worker has the exchange (then the connection is suspended). The sweeper looks at
 * `state` and `fd` alone, under the registry's mutex; a connection leaves the registry before its
 * socket is closed, so the number in `fd` is never somebody else's.
 */
#ifndef MUN_SERVER_HTTP_PARTS_H
#define MUN_SERVER_HTTP_PARTS_H

#include "server/access.h"
#include "server/clock.h"
#include "server/framing.h"
#include "server/http_server.h"
#include "server/problem.h"
#include "server/work_queue.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>

#define HTTP_TEXT_MAX                                                                              \
    (2 * MUN_HTTP_TARGET_MAX + 1024) /* target, decoded captures, joined lines                     \
                                      */
#define HTTP_KEPT_BYTES (64u << 10)  /* a buffer that grew beyond this is not kept */
#define HTTP_KEPT_MAX   512          /* exchanges kept while nobody uses them */
#define HTTP_DISCARD_MAX                                                                           \
    (64u << 10)                   /* a refused body up to this is read, so the connection stays */
#define HTTP_BODY_MAX (64u << 20) /* what the configuration may allow for one body */
#define HTTP_BUCKETS  1024
#define HTTP_IO_MAX   16 /* threads of one listener */

/* What a connection is doing, as the sweeper needs to know it. */
typedef enum http_phase {
    HTTP_IDLE,   /* no complete request line yet */
    HTTP_HEAD,   /* fields are coming */
    HTTP_BODY,   /* the body is coming */
    HTTP_WORK,   /* a handler has it */
    HTTP_WRITE,  /* the answer is going out */
    HTTP_STREAM, /* an answer without an end */
    HTTP_OVER    /* refused at its arrival; to be closed */
} http_phase;

struct http_listener;

/* A thread that reads and writes sockets of one listener. */
typedef struct http_io {
    const struct http_listener *listener;
    struct MHD_Daemon *daemon; /* NULL: not started, or stopped */
    pthread_t thread;
    bool runs;
    int wake;                   /* an eventfd */
    atomic_bool called;         /* it has been signalled and did not see it yet */
    atomic_bool quiet;          /* it is to accept nobody any more */
    atomic_bool quiesced, ends; /* it does not; it is to end */
} http_io;

typedef struct http_listener {
    mun_http_server *server;
    int socket;
    bool behind_proxy;
    http_io io[HTTP_IO_MAX];
    size_t io_len;
} http_listener;

struct http_exchange;

typedef struct http_connection {
    http_io *io; /* whose it is */
    const http_listener *listener;
    struct MHD_Connection *mhd;
    int fd;
    atomic_uint_fast64_t state; /* http_phase | milliseconds since when << 4 */
    uint64_t dribble;           /* the sweeper's: when bytes without a whole line were first seen */
    uint64_t dribble_of;        /* and in which state */
    bool linger;                /* a body that nobody reads is still coming */
    struct http_connection *prev, *next; /* the registry's */
    struct http_connection *peer_next;   /* connections of addresses with the same hash */
    struct http_connection **peer_at;    /* what points to this one there; NULL: not among them */
    char address[48];
} http_connection;

typedef enum http_stage {
    HTTP_AT_HEAD,
    HTTP_AT_BODY,
    HTTP_AT_DISCARD, /* refused; the rest of a small body is read first */
    HTTP_AT_WORK,
    HTTP_AT_ANSWER, /* the response is filled */
    HTTP_AT_SEND    /* given to the library */
} http_stage;

typedef struct http_exchange {
    mun_http_server *server;
    http_connection *connection;
    struct MHD_Connection *mhd;
    http_stage stage;
    bool close; /* after this answer */
    bool raw;   /* the answer was written past the library */
    mun_request request;
    mun_response response;
    mun_framing framing;
    mun_admitted admitted;
    mun_buf body;
    uint64_t body_max, body_reserved;
    uint64_t answer_reserved;
    bool hurried;           /* the library's timeout is the one for large answers */
    const uint8_t *body_at; /* chunked: where the next framing bytes stand, see http_body.c */
    bool body_first;
    mun_register_job job;
    mun_work_item work;
    uint64_t body_ns, answered_ns;
    uint64_t bytes; /* of the answer's body */
    /* Streams; under the registry of streams. */
    struct http_exchange *stream_prev, *stream_next;
    bool streaming, waiting, woken, stale, ping, ended;
    bool dry;      /* it waits for its ledger to grow, and for nothing else */
    bool fetching; /* a worker has it, or its leader: it stays suspended until that is through */
    bool alone;    /* it has followed: if that was in vain, it fetches by itself */
    uint64_t wants, fetch_turn;                    /* while it fetches; the turn at its begin */
    struct http_exchange *leader_next;             /* the next that fetches */
    struct http_exchange *followers, *follow_next; /* those that want what it fetches */
    atomic_uint_fast64_t stream_ms;                /* when something was last written */
    size_t budget;              /* bytes that it may send until it is woken again: the reader's */
    size_t refill;              /* what it is then: under the mutex */
    struct http_exchange *next; /* in the pool */
    size_t target_len;
    bool target_long;
    mun_buf text;
    uint8_t text_bytes[HTTP_TEXT_MAX];
} http_exchange;

typedef struct http_registry {
    pthread_mutex_t mutex;
    http_connection *first;
    http_connection *buckets[HTTP_BUCKETS];
    size_t len;
} http_registry;

typedef struct http_pool {
    pthread_mutex_t mutex;
    http_exchange *kept;
    size_t kept_len;
    atomic_size_t in_use;
} http_pool;

typedef struct http_streams {
    pthread_mutex_t mutex;
    http_exchange *first;
    http_exchange *leaders; /* what workers fetch now */
    atomic_size_t len;
    bool ending;
    uint64_t turn;    /* of telling the streams that ledgers have grown; from 1 */
    uint64_t last_ms; /* when streams were last woken for what was added */
    uint64_t due_ms;  /* when they must be again; UINT64_MAX: nothing was added since */
} http_streams;

#define HTTP_LIBRARY_STATUSES 7 /* of its own pages; the last stands for all others */

typedef struct http_library {
    atomic_uint_fast64_t refused[HTTP_LIBRARY_STATUSES];
    uint64_t told[HTTP_LIBRARY_STATUSES]; /* the sweeper's */
} http_library;

#define LINGER_MAX 256

typedef struct http_lingering {
    int fd;
    uint64_t until_ns;
} http_lingering;

typedef struct http_linger {
    pthread_mutex_t mutex; /* guards sockets, len, ends */
    pthread_cond_t wake;
    pthread_t thread;
    bool runs, ends;
    size_t len, max;
    http_lingering sockets[LINGER_MAX];
} http_linger;

struct mun_http_server {
    mun_http_options options; /* with nothing left at 0 */
    unsigned library_seconds; /* the library's timeout of a connection */
    struct mun_service *service;
    mun_metrics *metrics;
    http_listener listeners[MUN_LISTEN_MAX];
    size_t listeners_len;
    mun_work_queue *work;
    http_registry registry;
    http_pool pool;
    http_streams streams;
    http_linger linger;
    http_library library;
    atomic_uint_fast64_t body_bytes;   /* of all bodies in flight */
    atomic_uint_fast64_t answer_bytes; /* of all large answers on their way */
    atomic_size_t jobs;                /* exchanges that a worker has */
    atomic_uint_fast64_t next_id;
    atomic_bool draining; /* answers end their connections */
    atomic_bool stopping; /* no more work for the workers */
    bool layout_known;    /* see http_request.c */
    pthread_t sweeper;
    bool sweeper_runs;
    pthread_mutex_t sweeper_mutex;
    pthread_cond_t sweeper_wake;
    bool sweeper_ends, sweeper_called;
};

/* http_io.c: the threads that read and write sockets. */
/* The daemon is the thread's from here on, also on failure. */
MUN_MUST mun_code http_io_start(http_io *io, struct MHD_Daemon *daemon, mun_error *err);
/* It goes on with a connection that was suspended. Any thread. */
void http_io_resume(http_exchange *exchange);
/* It accepts nobody any more, in a moment; then the listening socket may be closed. */
void http_io_quiesce(http_io *io);
bool http_io_is_quiet(const http_io *io);
/* Ends the thread and its daemon; what it was told by others is no harm until http_io_finish. */
void http_io_stop(http_io *io);
void http_io_finish(http_io *io);

/* http_connection.c: the registry, limits at arrival, phases. */
void http_registry_init(http_registry *registry);
void http_registry_finish(http_registry *registry);
void http_connection_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
                            enum MHD_ConnectionNotificationCode code);
http_connection *http_connection_of(struct MHD_Connection *mhd);
/* An IPv4 address in the dress of an IPv6 one is written as what it is; others stay. */
void http_address_plain(char *text, size_t cap);
void http_phase_set(http_connection *connection, http_phase phase);
/* Writes a whole problem answer on the socket, past the library, and ends our side of it. For
 * connections on which the library is not writing. */
void http_raw_answer(int fd, const mun_response *response);
void http_raw_problem(int fd, unsigned status, const char *title, const char *detail);

/* http_sweeper.c: deadlines. */
void http_sweeper_init(mun_http_server *server);
void http_sweeper_finish(mun_http_server *server);
MUN_MUST mun_code http_sweeper_start(mun_http_server *server, mun_error *err);
void http_sweeper_stop(mun_http_server *server);
/* It looks at http_streams_due anew. */
void http_sweeper_call(mun_http_server *server);
/* Ends idle connections, and with `receiving` those whose request is still coming. True: there are
 * some that have been there for a moment only, and whose first bytes may be on their way. */
bool http_close_idle(mun_http_server *server, bool receiving);

/* http_linger.c: what a refused client still sends is read, so that it sees the answer. */
/* max: sockets at once; LINGER_MAX at most. */
MUN_MUST mun_code http_linger_start(http_linger *linger, size_t max, mun_error *err);
void http_linger_stop(http_linger *linger);
void http_linger_keep(http_linger *linger, int fd);

/* http_library.c: what the library says and refuses by itself. */
__attribute__((format(printf, 2, 0))) void http_library_says(void *cls, const char *format,
                                                             va_list arguments);
/* One line for each status that it refused with since the last call. */
void http_library_tell(mun_http_server *server);

/* http_exchange.c: the pool. */
void http_pool_init(http_pool *pool);
void http_pool_finish(http_pool *pool);
http_exchange *http_exchange_take(http_connection *connection); /* NULL: no memory */
void http_exchange_give(http_exchange *exchange);

/* http_request.c: from the library's view of a head to a mun_request. */
void *http_request_line(void *cls, const char *uri, struct MHD_Connection *mhd);
/* Fills framing, fields, target, id and address. False: refused, the response is filled. */
bool http_request_head(http_exchange *exchange, const char *method, const char *url,
                       const char *version);
/* Path below the base, ledger, route and captures. False: refused. */
bool http_request_route(http_exchange *exchange);

/* http_body.c: collecting the body within the limits. */
bool http_body_begin(http_exchange *exchange); /* false: refused by what the head declares */
/* False: refused; the answer goes past the library and the connection is closed. */
bool http_body_take(http_exchange *exchange, mun_slice bytes);
void http_body_release(http_exchange *exchange);

/* http_dispatch.c: the life of a request. */
enum MHD_Result http_handle(void *cls, struct MHD_Connection *mhd, const char *url,
                            const char *method, const char *version, const char *upload,
                            size_t *upload_len, void **request_context);
void http_completed(void *cls, struct MHD_Connection *mhd, void **request_context,
                    enum MHD_RequestTerminationCode why);

/* http_answer.c: from a mun_response to the library's. */
enum MHD_Result http_send(http_exchange *exchange);
void http_answer_release(http_exchange *exchange);
/* After an answer that went well: the connection has the time of an idle one again. */
void http_answer_calm(http_exchange *exchange);
const char *http_reason(unsigned status);

/* http_stream.c: answers without an end. */
void http_streams_init(http_streams *streams);
void http_streams_finish(http_streams *streams);
bool http_stream_open(http_exchange *exchange); /* false: there are too many */
struct MHD_Response *http_stream_response(http_exchange *exchange);
void http_stream_close(http_exchange *exchange);
/* With the streams' mutex. What a worker fetches for is woken when that one is through. */
void http_stream_wake(http_exchange *exchange);
/* With the mutex: it is woken in the next round, for which the sweeper must be called. */
void http_stream_next_round(http_exchange *exchange);
void http_streams_ping(mun_http_server *server, uint64_t now_ms);
void http_streams_end(mun_http_server *server);
/* Wakes those for which it is time; when it will be for the others. */
uint64_t http_streams_due(mun_http_server *server, uint64_t now_ms);

/* http_fetch.c: what streams send is fetched by workers. With the streams' mutex, suspended, and
 * resumed when it was fetched. news: before what else waits for its ledger, for a search may take
 * its time. False: nothing is fetched any more, the end has come. */
bool http_fetch_begin(http_exchange *exchange, bool news);

#endif
