/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines. The library's own timeout begins anew with each byte, so a client that sends one byte
 * now and then would stay for ever. Once a second this thread looks at what every connection has
 * been doing since when, tells those that are too late (408) and ends their sockets; the library
 * then finds them closed. A reader that takes nothing is the library's timeout's business
 * (http_answer.c).
 */
#include "server/http_parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#define POLLED         256 /* connections asked about in one call */
#define OVER_SECONDS   2   /* for a refused client to read why */
#define ROUND_MS       1000
#define DRIBBLE_PERIOD 4   /* passes between two looks at idle connections' bytes */
#define DRIBBLE_SLACK  200 /* ms by which the kernel's and our notes may differ */
#define FRESH_MS       500 /* a stop leaves a silent connection this time from its begin */

typedef struct http_round {
    const mun_http_options *options;
    uint64_t now_ms;
    bool dribbles; /* look for them this time */
} http_round;

static bool late(const http_round *now, uint64_t since_ms, uint32_t seconds)
{
    return now->now_ms > since_ms && now->now_ms - since_ms >= (uint64_t)seconds * 1000;
}

/* Whether bytes came since then although no request line has. Unix sockets cannot tell. */
static bool received_since(int fd, const http_round *now, uint64_t since_ms)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0) return false;
    uint64_t last = now->now_ms - info.tcpi_last_data_recv;
    return last > since_ms + DRIBBLE_SLACK;
}

/* A request line that comes byte by byte: late head_seconds after it was first seen. */
static bool dribbles(const http_round *now, http_connection *connection, uint64_t state)
{
    if (connection->dribble_of != state) {
        if (!now->dribbles || !received_since(connection->fd, now, state >> 4)) return false;
        connection->dribble_of = state;
        connection->dribble = now->now_ms;
    }
    return late(now, connection->dribble, now->options->head_seconds);
}

static void too_late(const http_connection *connection, const char *what)
{
    http_raw_problem(connection->fd, 408, "Request Timeout", what);
    shutdown(connection->fd, SHUT_RDWR);
}

static void look(const http_round *now, http_connection *connection)
{
    uint64_t state = atomic_load_explicit(&connection->state, memory_order_relaxed);
    uint64_t since = state >> 4;
    switch ((http_phase)(state & 15)) {
    case HTTP_IDLE:
        if (late(now, since, now->options->idle_seconds)) {
            shutdown(connection->fd, SHUT_RD); /* a request that comes this instant is served */
        } else if (dribbles(now, connection, state)) {
            too_late(connection, "The request line did not arrive in time.");
        }
        break;
    case HTTP_HEAD:
        if (late(now, since, now->options->head_seconds)) {
            too_late(connection, "The header fields did not arrive in time.");
        }
        break;
    case HTTP_BODY:
        if (late(now, since, now->options->body_seconds)) {
            too_late(connection, "The body did not arrive in time.");
        }
        break;
    case HTTP_OVER:
        if (late(now, since, OVER_SECONDS)) shutdown(connection->fd, SHUT_RDWR);
        break;
    case HTTP_WORK:
    case HTTP_WRITE:
    case HTTP_STREAM: break;
    }
}

/* ---- Clients that left ----------------------------------------------------------------------- */

/*
 * The library waits for edges, and does not read again after a read that did not fill its buffer:
 * where a client's last bytes and its end come together, the end is never seen. Shutting down our
 * receiving side makes another edge and loses nothing: what came is still read, then the end.
 */
static void wake_if_gone(const struct pollfd *polled, http_connection *const *connections, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (polled[i].revents == 0) continue;
        uint64_t phase = atomic_load_explicit(&connections[i]->state, memory_order_relaxed) & 15;
        if (phase <= HTTP_BODY) shutdown(connections[i]->fd, SHUT_RD);
    }
}

static void wake_gone(http_registry *registry)
{
    struct pollfd polled[POLLED];
    http_connection *connections[POLLED];
    size_t n = 0;
    for (http_connection *at = registry->first; at != NULL; at = at->next) {
        connections[n] = at;
        polled[n++] = (struct pollfd){.fd = at->fd, .events = POLLRDHUP};
        if (n < POLLED && at->next != NULL) continue;
        if (poll(polled, (nfds_t)n, 0) > 0) wake_if_gone(polled, connections, n);
        n = 0;
    }
}

/* ---- Rounds ---------------------------------------------------------------------------------- */

static void sweep(mun_http_server *server, bool with_dribbles)
{
    http_round now = {&server->options, mun_clock_ms(), with_dribbles};
    pthread_mutex_lock(&server->registry.mutex);
    for (http_connection *at = server->registry.first; at != NULL; at = at->next) look(&now, at);
    wake_gone(&server->registry);
    pthread_mutex_unlock(&server->registry.mutex);
    http_streams_ping(server, now.now_ms);
    http_library_tell(server);
}

/* A client that has just connected, or just been answered, is about to ask: closed on it, it would
 * get no answer to what it sends this instant. */
static bool is_fresh(uint64_t state, uint64_t now_ms)
{
    return (state & 15) == HTTP_IDLE && now_ms < (state >> 4) + FRESH_MS;
}

bool http_close_idle(mun_http_server *server, bool receiving)
{
    http_phase last = receiving ? HTTP_BODY : HTTP_IDLE;
    uint64_t now_ms = mun_clock_ms();
    bool fresh = false;
    pthread_mutex_lock(&server->registry.mutex);
    for (http_connection *at = server->registry.first; at != NULL; at = at->next) {
        uint64_t state = atomic_load_explicit(&at->state, memory_order_relaxed);
        if (is_fresh(state, now_ms)) {
            fresh = true;
        } else if ((state & 15) <= (uint64_t)last) {
            shutdown(at->fd, SHUT_RD);
        }
    }
    wake_gone(&server->registry);
    pthread_mutex_unlock(&server->registry.mutex);
    return fresh;
}

/* Under sweeper_mutex: until then, or until somebody calls. */
static void rest(mun_http_server *server, uint64_t until_ms)
{
    struct timespec until = mun_clock_at(until_ms * MUN_MS_NS);
    int waited = 0;
    while (!server->sweeper_ends && !server->sweeper_called && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&server->sweeper_wake, &server->sweeper_mutex, &until);
    }
    server->sweeper_called = false;
}

static void *sweeper(void *ctx)
{
    mun_http_server *server = ctx;
    uint64_t round_ms = mun_clock_ms() + ROUND_MS;
    unsigned rounds = 0;
    pthread_mutex_lock(&server->sweeper_mutex);
    while (!server->sweeper_ends) {
        pthread_mutex_unlock(&server->sweeper_mutex);
        uint64_t now_ms = mun_clock_ms();
        if (now_ms >= round_ms) {
            sweep(server, rounds++ % DRIBBLE_PERIOD == 0);
            round_ms = now_ms + ROUND_MS;
        }
        uint64_t due_ms = http_streams_due(server, now_ms);
        pthread_mutex_lock(&server->sweeper_mutex);
        rest(server, due_ms < round_ms ? due_ms : round_ms);
    }
    pthread_mutex_unlock(&server->sweeper_mutex);
    http_library_tell(server);
    return NULL;
}

void http_sweeper_call(mun_http_server *server)
{
    pthread_mutex_lock(&server->sweeper_mutex);
    server->sweeper_called = true;
    pthread_cond_signal(&server->sweeper_wake);
    pthread_mutex_unlock(&server->sweeper_mutex);
}

void http_sweeper_init(mun_http_server *server)
{
    pthread_mutex_init(&server->sweeper_mutex, NULL);
    mun_clock_cond_init(&server->sweeper_wake);
}

/* Apart from stopping: until the end somebody may call. */
void http_sweeper_finish(mun_http_server *server)
{
    pthread_cond_destroy(&server->sweeper_wake);
    pthread_mutex_destroy(&server->sweeper_mutex);
}

mun_code http_sweeper_start(mun_http_server *server, mun_error *err)
{
    int failed = pthread_create(&server->sweeper, NULL, sweeper, server);
    if (failed != 0) {
        return mun_failf(err, MUN_E_MEMORY, failed, "cannot start the thread of deadlines");
    }
    server->sweeper_runs = true;
    return MUN_OK;
}

void http_sweeper_stop(mun_http_server *server)
{
    if (!server->sweeper_runs) return;
    pthread_mutex_lock(&server->sweeper_mutex);
    server->sweeper_ends = true;
    pthread_cond_signal(&server->sweeper_wake);
    pthread_mutex_unlock(&server->sweeper_mutex);
    pthread_join(server->sweeper, NULL);
    server->sweeper_runs = false;
}
