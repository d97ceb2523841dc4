/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers without an end: the library asks for bytes; while there are none the connection waits
 * suspended, until the ledger grows, a ping is due, or the server ends. A stream that was woken
 * while it was being read is read again before it waits, so no entry is missed. What it sends a
 * worker has fetched (http_fetch.c); the connection stays suspended until that one is through,
 * whoever wakes the stream meanwhile.
 */
#include "server/http_parts.h"

#define STREAM_BLOCK    8192
#define STREAM_PAUSE_MS 20 /* between two wakes of the streams, and more for many */
#define STREAMS_FEW     16
#define STREAMS_RATE    (8u << 20) /* bytes a second of all streams together */

void http_streams_init(http_streams *streams)
{
    pthread_mutex_init(&streams->mutex, NULL);
    streams->due_ms = UINT64_MAX;
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

/* Each wake costs a stream a write of up to STREAM_BLOCK bytes, so many are woken less often, and
 * what was added meanwhile goes in one: a millisecond for each keeps them to a thousand writes and
 * STREAMS_RATE bytes a second. */
static uint64_t pause_ms(const http_streams *streams)
{
    return STREAM_PAUSE_MS + atomic_load(&streams->len);
}

/* Bytes that one stream may send until it is woken again: all together STREAMS_RATE a second, so
 * that a thousand followers cannot take the registrations' time. */
static size_t budget_of_one(const http_streams *streams)
{
    size_t len = atomic_load(&streams->len);
    return (size_t)(STREAMS_RATE / 1000 * pause_ms(streams)) / (len == 0 ? 1 : len);
}

bool http_stream_open(http_exchange *exchange)
{
    mun_http_server *server = exchange->server;
    http_streams *streams = &server->streams;
    pthread_mutex_lock(&streams->mutex);
    bool whole = exchange->response.stream.whole;
    bool room = atomic_load(&streams->len) < MUN_HTTP_STREAMS && (whole || !streams->ending);
    if (room) {
        exchange->stream_prev = NULL;
        exchange->stream_next = streams->first;
        if (streams->first != NULL) streams->first->stream_prev = exchange;
        streams->first = exchange;
        atomic_fetch_add(&streams->len, 1);
        exchange->streaming = true;
        exchange->budget = budget_of_one(streams);
        atomic_store(&exchange->stream_ms, mun_clock_ms());
    }
    pthread_mutex_unlock(&streams->mutex);
    if (!room) {
        source_close(&exchange->response.stream);
        return false;
    }
    if (!whole) mun_metrics_gauge(server->metrics, MUN_GAUGE_STREAMS, 1);
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
    bool whole = exchange->response.stream.whole;
    source_close(&exchange->response.stream);
    if (!whole) mun_metrics_gauge(exchange->server->metrics, MUN_GAUGE_STREAMS, -1);
}

/* What the reader must know before it reads; clears what it answers. */
static bool begin_read(http_exchange *exchange, bool *ret_ping)
{
    http_streams *streams = &exchange->server->streams;
    pthread_mutex_lock(&streams->mutex);
    bool ended = exchange->ended || (streams->ending && !exchange->response.stream.whole);
    *ret_ping = exchange->ping;
    exchange->ping = exchange->woken = exchange->stale = exchange->dry = false;
    if (exchange->refill > 0) exchange->budget = exchange->refill;
    exchange->refill = 0;
    pthread_mutex_unlock(&streams->mutex);
    return !ended;
}

void http_stream_wake(http_exchange *exchange)
{
    exchange->woken = true;
    exchange->stale = false;
    if (!exchange->waiting || exchange->fetching) return;
    exchange->waiting = false;
    http_io_resume(exchange);
}

void http_stream_next_round(http_exchange *exchange)
{
    http_streams *streams = &exchange->server->streams;
    exchange->stale = true;
    if (streams->due_ms == UINT64_MAX) streams->due_ms = streams->last_ms + pause_ms(streams);
}

typedef enum wait_for {
    FOR_GROWTH,
    FOR_FETCH,
    FOR_TURN /* it has had its share, whether or not there is more to read */
} wait_for;

/* With the mutex, suspended. False: it was woken meanwhile, or the end has come. */
static bool wait_begin(http_exchange *exchange, wait_for what)
{
    http_streams *streams = &exchange->server->streams;
    if (what == FOR_TURN) {
        http_stream_next_round(exchange);
        return !streams->ending;
    }
    if (what == FOR_FETCH) {
        exchange->ended = !http_fetch_begin(exchange, false);
        return !exchange->ended;
    }
    exchange->dry = true;
    return !exchange->woken && !streams->ending;
}

/* True: it waits now, suspended; or has been resumed already. */
static bool wait_suspended(http_exchange *exchange, wait_for what)
{
    http_streams *streams = &exchange->server->streams;
    pthread_mutex_lock(&streams->mutex);
    bool rests = streams->due_ms == UINT64_MAX;
    exchange->waiting = true;
    bool waits = wait_begin(exchange, what);
    if (waits) {
        MHD_suspend_connection(exchange->mhd); /* nobody can resume it before: we have the mutex */
    } else {
        exchange->waiting = false;
    }
    bool call = rests && streams->due_ms != UINT64_MAX;
    pthread_mutex_unlock(&streams->mutex);
    if (call) http_sweeper_call(exchange->server);
    return waits;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void note_sent(http_exchange *exchange, size_t n)
{
    exchange->alone = false;
    exchange->budget -= n < exchange->budget ? n : exchange->budget;
    exchange->bytes += n;
    atomic_store(&exchange->stream_ms, mun_clock_ms());
}

/* The end of one that is not whole must not look like its end: the connection is closed without the
 * last chunk (RFC 9112 section 8). */
static ssize_t cut_off(const mun_stream *stream)
{
    return stream->whole ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
}

static ssize_t read_stream(void *cls, uint64_t position, char *to, size_t max)
{
    http_exchange *exchange = cls;
    mun_stream *stream = &exchange->response.stream;
    bool ping;
    (void)position;
    for (;;) {
        if (!begin_read(exchange, &ping)) return cut_off(stream);
        if (!mun_access_lasts(&exchange->admitted, exchange->request.route->scope)) {
            return cut_off(stream); /* the client asks again, and is refused */
        }
        wait_for what = FOR_TURN;
        if (exchange->budget > 0 || stream->whole) {
            ptrdiff_t got = stream->read(stream->ctx, (uint8_t *)to, max, ping);
            if (got > 0) {
                note_sent(exchange, (size_t)got);
                return got;
            }
            if (got == MUN_STREAM_END) return MHD_CONTENT_READER_END_OF_STREAM;
            what = got == MUN_STREAM_FETCH ? FOR_FETCH : FOR_GROWTH;
        }
        if (wait_suspended(exchange, what)) return 0;
        /* It was woken meanwhile, or the end has come: begin_read tells. */
    }
}

struct MHD_Response *http_stream_response(http_exchange *exchange)
{
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, exchange,
                                             NULL);
}

/* ---- Growth ---------------------------------------------------------------------------------- */

/* Who waits for just this need not be asked first, which would take two threads more. */
static void tell_grown(http_exchange *exchange)
{
    exchange->stale = false;
    bool asks = exchange->waiting && exchange->dry && !exchange->fetching;
    if (asks && http_fetch_begin(exchange, true)) return;
    http_stream_wake(exchange);
}

static void wake_stale(http_streams *streams, uint64_t now_ms)
{
    size_t budget = budget_of_one(streams);
    streams->due_ms = UINT64_MAX;
    streams->last_ms = now_ms;
    streams->turn++;
    for (http_exchange *at = streams->first; at != NULL; at = at->stream_next) {
        if (!at->stale) continue;
        at->refill = budget;
        tell_grown(at);
    }
}

/* A few are woken at once, by whoever made the ledger grow; the rest by the sweeper. */
void mun_http_wake(mun_http_server *server, const struct mun_served *served)
{
    if (server == NULL || atomic_load(&server->streams.len) == 0) return;
    http_streams *streams = &server->streams;
    uint64_t now_ms = mun_clock_ms();
    pthread_mutex_lock(&streams->mutex);
    bool found = false, waits = streams->due_ms != UINT64_MAX;
    for (http_exchange *at = streams->first; at != NULL; at = at->stream_next) {
        if (at->request.served != served || at->response.stream.whole) continue;
        at->stale = found = true;
    }
    uint64_t due_ms = streams->last_ms + pause_ms(streams);
    bool now = now_ms >= due_ms && atomic_load(&streams->len) <= STREAMS_FEW;
    if (found && now) wake_stale(streams, now_ms);
    if (found && !now && !waits) streams->due_ms = due_ms > now_ms ? due_ms : now_ms;
    bool call = !waits && streams->due_ms != UINT64_MAX;
    pthread_mutex_unlock(&streams->mutex);
    if (call) http_sweeper_call(server);
}

uint64_t http_streams_due(mun_http_server *server, uint64_t now_ms)
{
    http_streams *streams = &server->streams;
    pthread_mutex_lock(&streams->mutex);
    if (now_ms >= streams->due_ms) wake_stale(streams, now_ms);
    uint64_t due_ms = streams->due_ms;
    pthread_mutex_unlock(&streams->mutex);
    return due_ms;
}

void http_streams_ping(mun_http_server *server, uint64_t now_ms)
{
    if (atomic_load(&server->streams.len) == 0) return;
    pthread_mutex_lock(&server->streams.mutex);
    for (http_exchange *at = server->streams.first; at != NULL; at = at->stream_next) {
        if (!at->waiting ||
            now_ms < atomic_load(&at->stream_ms) + MUN_HTTP_STREAM_PING_SECONDS * 1000)
            continue;
        at->ping = true;
        http_stream_wake(at);
    }
    pthread_mutex_unlock(&server->streams.mutex);
}

void http_streams_end(mun_http_server *server)
{
    pthread_mutex_lock(&server->streams.mutex);
    server->streams.ending = true;
    for (http_exchange *at = server->streams.first; at != NULL; at = at->stream_next) {
        http_stream_wake(at);
    }
    pthread_mutex_unlock(&server->streams.mutex);
}
