/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers without an end: the library asks for bytes; while there are none the connection waits
 * suspended, until the ledger grows, a ping is due, or the server ends. A stream that was woken
 * while it was being read is read again before it waits, so no entry is missed.
 */
#include "server/http_parts.h"

#define STREAM_BLOCK 8192

void http_streams_init(http_streams *streams)
{
    pthread_mutex_init(&streams->mutex, NULL);
}

void http_streams_finish(http_streams *streams)
{
    pthread_mutex_destroy(&streams->mutex);
}

static void source_close(mun_stream *stream)
{
    if (stream->close != NULL) stream->close(stream->ctx);
    *stream = (mun_stream){0};
}

bool http_stream_open(http_exchange *exchange)
{
    mun_http_server *server = exchange->server;
    http_streams *streams = &server->streams;
    pthread_mutex_lock(&streams->mutex);
    bool room = atomic_load(&streams->len) < MUN_HTTP_STREAMS && !streams->ending;
    if (room) {
        exchange->stream_prev = NULL;
        exchange->stream_next = streams->first;
        if (streams->first != NULL) streams->first->stream_prev = exchange;
        streams->first = exchange;
        atomic_fetch_add(&streams->len, 1);
        exchange->streaming = true;
        exchange->stream_ms = http_now_ns() / HTTP_NS_PER_MS;
    }
    pthread_mutex_unlock(&streams->mutex);
    if (!room) {
        source_close(&exchange->response.stream);
        return false;
    }
    mun_metrics_gauge(server->metrics, MUN_GAUGE_STREAMS, 1);
    return true;
}

void http_stream_close(http_exchange *exchange)
{
    http_streams *streams = &exchange->server->streams;
    if (!exchange->streaming) {
        source_close(&exchange->response.stream);
        return;
    }
    pthread_mutex_lock(&streams->mutex);
    if (exchange->stream_prev != NULL) exchange->stream_prev->stream_next = exchange->stream_next;
    if (exchange->stream_next != NULL) exchange->stream_next->stream_prev = exchange->stream_prev;
    if (streams->first == exchange) streams->first = exchange->stream_next;
    atomic_fetch_sub(&streams->len, 1);
    exchange->streaming = false;
    pthread_mutex_unlock(&streams->mutex);
    source_close(&exchange->response.stream);
    mun_metrics_gauge(exchange->server->metrics, MUN_GAUGE_STREAMS, -1);
}

/* What the reader must know before it reads; clears what it answers. */
static bool begin_read(http_exchange *exchange, bool *ret_ping)
{
    http_streams *streams = &exchange->server->streams;
    pthread_mutex_lock(&streams->mutex);
    bool ended = exchange->ended || streams->ending;
    *ret_ping = exchange->ping;
    exchange->ping = exchange->woken = false;
    pthread_mutex_unlock(&streams->mutex);
    return !ended;
}

/* True: it waits now, suspended. False: it was woken meanwhile. */
static bool wait_for_more(http_exchange *exchange)
{
    http_streams *streams = &exchange->server->streams;
    pthread_mutex_lock(&streams->mutex);
    bool waits = !exchange->woken && !streams->ending;
    if (waits) {
        exchange->waiting = true;
        MHD_suspend_connection(exchange->mhd);
    }
    pthread_mutex_unlock(&streams->mutex);
    return waits;
}

static ssize_t read_stream(void *cls, uint64_t position, char *to, size_t max)
{
    http_exchange *exchange = cls;
    mun_stream *stream = &exchange->response.stream;
    bool ping;
    (void)position;
    do {
        if (!begin_read(exchange, &ping)) return MHD_CONTENT_READER_END_OF_STREAM;
        ptrdiff_t got = stream->read(stream->ctx, (uint8_t *)to, max, ping);
        if (got < 0) return MHD_CONTENT_READER_END_OF_STREAM;
        if (got > 0) {
            exchange->bytes += (uint64_t)got;
            exchange->stream_ms = http_now_ns() / HTTP_NS_PER_MS;
            return got;
        }
    } while (!wait_for_more(exchange));
    return 0;
}

struct MHD_Response *http_stream_response(http_exchange *exchange)
{
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, exchange,
                                             NULL);
}

/* Under the mutex. */
static void wake(http_exchange *exchange)
{
    exchange->woken = true;
    if (!exchange->waiting) return;
    exchange->waiting = false;
    MHD_resume_connection(exchange->mhd);
}

void mun_http_wake(mun_http_server *server, const struct mun_served *served)
{
    if (server == NULL || atomic_load(&server->streams.len) == 0) return;
    pthread_mutex_lock(&server->streams.mutex);
    for (http_exchange *at = server->streams.first; at != NULL; at = at->stream_next) {
        if (at->request.served == served) wake(at);
    }
    pthread_mutex_unlock(&server->streams.mutex);
}

void http_streams_ping(mun_http_server *server, uint64_t now_ms)
{
    if (atomic_load(&server->streams.len) == 0) return;
    pthread_mutex_lock(&server->streams.mutex);
    for (http_exchange *at = server->streams.first; at != NULL; at = at->stream_next) {
        if (!at->waiting || now_ms < at->stream_ms + MUN_HTTP_STREAM_PING_SECONDS * 1000) continue;
        at->ping = true;
        wake(at);
    }
    pthread_mutex_unlock(&server->streams.mutex);
}

void http_streams_end(mun_http_server *server)
{
    pthread_mutex_lock(&server->streams.mutex);
    server->streams.ending = true;
    for (http_exchange *at = server->streams.first; at != NULL; at = at->stream_next) wake(at);
    pthread_mutex_unlock(&server->streams.mutex);
}
