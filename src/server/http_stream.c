/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers without an end: the library asks for bytes; while there are none the connection waits
 * suspended, until the ledger grows, a ping is due, or the server ends. A stream that was woken
 * while it was being read is read again before it waits, so no entry is missed. What must be waited
 * for (a ledger that is closed, entries far back) a worker fetches; the connection stays suspended
 * until it is through, whoever wakes the stream meanwhile.
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
    bool room = atomic_load(&streams->len) < MUN_HTTP_STREAMS && !streams->ending;
    if (room) {
        exchange->stream_prev = NULL;
        exchange->stream_next = streams->first;
        if (streams->first != NULL) streams->first->stream_prev = exchange;
        streams->first = exchange;
        atomic_fetch_add(&streams->len, 1);
        exchange->streaming = true;
        exchange->budget = budget_of_one(streams);
        atomic_store(&exchange->stream_ms, http_now_ns() / HTTP_NS_PER_MS);
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
    exchange->ping = exchange->woken = exchange->stale = false;
    if (exchange->refill > 0) exchange->budget = exchange->refill;
    exchange->refill = 0;
    pthread_mutex_unlock(&streams->mutex);
    return !ended;
}

/* Under the mutex. What a worker fetches for is woken when that one is through. */
static void wake(http_exchange *exchange)
{
    exchange->woken = true;
    exchange->stale = false;
    if (!exchange->waiting || exchange->fetching) return;
    exchange->waiting = false;
    MHD_resume_connection(exchange->mhd);
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

/* Under the mutex: it is woken in the next round. True: the sweeper must be called for that. */
static bool next_round(http_streams *streams, http_exchange *exchange)
{
    exchange->stale = true;
    if (streams->due_ms != UINT64_MAX) return false;
    streams->due_ms = streams->last_ms + pause_ms(streams);
    return true;
}

/* It has had its share and waits for the next round, whether or not there is more to read. False:
 * the end has come. */
static bool take_turns(http_exchange *exchange)
{
    http_streams *streams = &exchange->server->streams;
    pthread_mutex_lock(&streams->mutex);
    bool waits = !streams->ending, call = false;
    if (waits) {
        exchange->waiting = true;
        MHD_suspend_connection(exchange->mhd);
        call = next_round(streams, exchange);
    }
    pthread_mutex_unlock(&streams->mutex);
    if (call) http_sweeper_call(exchange->server);
    return waits;
}

/* ---- What a worker fetches ------------------------------------------------------------------- */

/* The exchange may be gone once it is woken. */
static void fetch_done(http_exchange *exchange, mun_fetched fetched)
{
    mun_http_server *server = exchange->server;
    pthread_mutex_lock(&server->streams.mutex);
    exchange->fetching = false;
    if (fetched == MUN_FETCH_FAILED) exchange->ended = true;
    if (fetched != MUN_FETCH_LATER || exchange->woken) wake(exchange);
    pthread_mutex_unlock(&server->streams.mutex);
    atomic_fetch_sub(&server->jobs, 1);
}

static void run_fetch(void *ctx)
{
    http_exchange *exchange = ctx;
    const mun_stream *stream = &exchange->response.stream;
    fetch_done(exchange, stream->fetch(stream->ctx));
}

/* Suspended before it is submitted, as every request is. False: the end has come. */
static bool fetch_begin(http_exchange *exchange)
{
    mun_http_server *server = exchange->server;
    atomic_fetch_add(&server->jobs, 1);
    pthread_mutex_lock(&server->streams.mutex);
    bool goes_on = !server->streams.ending && !atomic_load(&server->stopping);
    if (goes_on) {
        exchange->waiting = exchange->fetching = true;
        MHD_suspend_connection(exchange->mhd);
    } else {
        exchange->ended = true;
    }
    pthread_mutex_unlock(&server->streams.mutex);
    if (!goes_on) atomic_fetch_sub(&server->jobs, 1);
    return goes_on;
}

/* Where the workers have too much to do, it is tried again in the next round. */
static bool fetch_elsewhere(http_exchange *exchange)
{
    mun_http_server *server = exchange->server;
    if (!fetch_begin(exchange)) return false;
    exchange->work = (mun_work_item){.run = run_fetch,
                                     .ctx = exchange,
                                     .share = mun_served_work_share(exchange->request.served)};
    if (mun_work_submit(server->work, &exchange->work)) return true;
    pthread_mutex_lock(&server->streams.mutex);
    bool call = next_round(&server->streams, exchange);
    pthread_mutex_unlock(&server->streams.mutex);
    fetch_done(exchange, MUN_FETCH_LATER);
    if (call) http_sweeper_call(server);
    return true;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static void note_sent(http_exchange *exchange, size_t n)
{
    exchange->budget -= n < exchange->budget ? n : exchange->budget;
    exchange->bytes += n;
    atomic_store(&exchange->stream_ms, http_now_ns() / HTTP_NS_PER_MS);
}

static ssize_t read_stream(void *cls, uint64_t position, char *to, size_t max)
{
    http_exchange *exchange = cls;
    mun_stream *stream = &exchange->response.stream;
    bool ping;
    (void)position;
    for (;;) {
        if (!begin_read(exchange, &ping)) return MHD_CONTENT_READER_END_OF_STREAM;
        if (!mun_access_lasts(&exchange->admitted, exchange->request.route->scope)) {
            return MHD_CONTENT_READER_END_OF_STREAM; /* the client asks again, and is refused */
        }
        if (exchange->budget == 0) {
            if (take_turns(exchange)) return 0;
            continue; /* the end has come */
        }
        ptrdiff_t got = stream->read(stream->ctx, (uint8_t *)to, max, ping);
        if (got == MUN_STREAM_FETCH) {
            if (fetch_elsewhere(exchange)) return 0;
            continue; /* the end has come */
        }
        if (got < 0) return MHD_CONTENT_READER_END_OF_STREAM;
        if (got > 0) {
            note_sent(exchange, (size_t)got);
            return got;
        }
        if (wait_for_more(exchange)) return 0;
    }
}

struct MHD_Response *http_stream_response(http_exchange *exchange)
{
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, exchange,
                                             NULL);
}

/* ---- Growth ---------------------------------------------------------------------------------- */

static void wake_stale(http_streams *streams, uint64_t now_ms)
{
    size_t budget = budget_of_one(streams);
    for (http_exchange *at = streams->first; at != NULL; at = at->stream_next) {
        if (!at->stale) continue;
        at->refill = budget;
        wake(at);
    }
    streams->due_ms = UINT64_MAX;
    streams->last_ms = now_ms;
}

/* A few are woken at once, by whoever made the ledger grow; the rest by the sweeper. */
void mun_http_wake(mun_http_server *server, const struct mun_served *served)
{
    if (server == NULL || atomic_load(&server->streams.len) == 0) return;
    http_streams *streams = &server->streams;
    uint64_t now_ms = http_now_ns() / HTTP_NS_PER_MS;
    pthread_mutex_lock(&streams->mutex);
    bool found = false, waits = streams->due_ms != UINT64_MAX;
    for (http_exchange *at = streams->first; at != NULL; at = at->stream_next) {
        if (at->request.served != served) continue;
        at->stale = found = true;
    }
    uint64_t due_ms = streams->last_ms + pause_ms(streams);
    bool now = now_ms >= due_ms && atomic_load(&streams->len) <= STREAMS_FEW;
    if (found && now) wake_stale(streams, now_ms);
    if (found && !now && !waits) streams->due_ms = due_ms > now_ms ? due_ms : now_ms;
    pthread_mutex_unlock(&streams->mutex);
    if (found && !now && !waits) http_sweeper_call(server);
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
