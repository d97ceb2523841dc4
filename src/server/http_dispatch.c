/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a request: head, perhaps body, its lane, the answer. The library calls http_handle
 * again and again; the exchange's stage says where it stands. Cheap checks come first: framing,
 * route, method, access, declared length; only then is a body read.
 */
#include "server/http_parts.h"

/* ---- Lanes ----------------------------------------------------------------------------------- */

/* The exchange is the I/O thread's again from the moment the connection is resumed. */
static void answered(void *ctx)
{
    http_exchange *exchange = ctx;
    mun_http_server *server = exchange->server;
    exchange->answered_ns = mun_clock_ns();
    exchange->stage = HTTP_AT_ANSWER;
    http_io_resume(exchange);
    atomic_fetch_sub(&server->jobs, 1);
}

static void run_handler(void *ctx)
{
    http_exchange *exchange = ctx;
    exchange->request.route->run(&exchange->request, &exchange->response);
    answered(exchange);
}

static bool submit(http_exchange *exchange)
{
    mun_http_server *server = exchange->server;
    if (exchange->request.route->lane != MUN_LANE_REGISTER) {
        mun_served *served = exchange->request.served;
        exchange->work =
            (mun_work_item){.run = run_handler,
                            .ctx = exchange,
                            .share = served == NULL ? NULL : mun_served_work_share(served)};
        return mun_work_submit(server->work, &exchange->work);
    }
    exchange->job = (mun_register_job){.request = &exchange->request,
                                       .response = &exchange->response,
                                       .done = answered,
                                       .ctx = exchange};
    return mun_register_submit(server->service->registrations, &exchange->job);
}

/* Suspended before it is submitted: the answer may come before this function returns. */
static enum MHD_Result hand_over(http_exchange *exchange)
{
    exchange->stage = HTTP_AT_WORK;
    http_phase_set(exchange->connection, HTTP_WORK);
    atomic_fetch_add(&exchange->server->jobs, 1);
    if (atomic_load(&exchange->server->stopping)) { /* nothing may be suspended any more */
        atomic_fetch_sub(&exchange->server->jobs, 1);
        mun_problem(&exchange->request, &exchange->response, 503, MUN_TITLE_BUSY,
                    "The service is stopping; try again.");
        return http_send(exchange);
    }
    MHD_suspend_connection(exchange->mhd);
    if (submit(exchange)) return MHD_YES;
    mun_metrics_count(exchange->server->metrics, MUN_COUNT_SHED, 1);
    mun_problem(&exchange->request, &exchange->response, 503, MUN_TITLE_BUSY,
                "The service has more to do than it can hold; try again.");
    answered(exchange);
    return MHD_YES;
}

/* A thread that reads sockets has thousands of connections: nothing that may wait runs on it. */
static bool answered_here(const mun_request *request, mun_response *response)
{
    const mun_route *route = request->route;
    if (route->quick != NULL) return route->quick(request, response);
    if (route->lane != MUN_LANE_INLINE) return false;
    route->run(request, response);
    return true;
}

static enum MHD_Result dispatch(http_exchange *exchange)
{
    exchange->request.body = mun_buf_slice(&exchange->body);
    exchange->body_ns = mun_clock_ns();
    if (!answered_here(&exchange->request, &exchange->response)) {
        if (exchange->request.route->lane == MUN_LANE_REGISTER) {
            mun_metrics_stage(exchange->server->metrics, MUN_STAGE_RECEIVE,
                              exchange->body_ns - exchange->request.arrived_ns);
        }
        return hand_over(exchange);
    }
    exchange->answered_ns = mun_clock_ns();
    return http_send(exchange);
}

/* ---- The head -------------------------------------------------------------------------------- */

static bool admit(http_exchange *exchange)
{
    const mun_served *served = exchange->request.served;
    struct mun_access *access = served == NULL ? NULL : mun_served_options_of(served)->access;
    bool in =
        mun_access_enter(access, &exchange->request, exchange->request.route,
                         exchange->framing.chunked                   ? MUN_NO_OFFSET
                         : exchange->framing.length == MUN_NO_OFFSET ? 0
                                                                     : exchange->framing.length,
                         exchange->request.arrived_ns, &exchange->admitted, &exchange->response);
    if (in) {
        exchange->request.principal = exchange->admitted.principal;
    } else if (exchange->response.status == 429) {
        mun_metrics_count(exchange->server->metrics, MUN_COUNT_THROTTLED, 1);
    }
    return in;
}

static bool body_follows(const http_exchange *exchange)
{
    const mun_framing *framing = &exchange->framing;
    return framing->chunked || (framing->length != MUN_NO_OFFSET && framing->length > 0);
}

/* A small body that is on its way anyhow is read, so that the client need not connect again. The
 * library ends a connection that it is given an answer for before the body. */
static enum MHD_Result refused(http_exchange *exchange)
{
    const mun_framing *framing = &exchange->framing;
    bool asks_first = framing->fields[MUN_FIELD_EXPECT].len > 0;
    bool small = !framing->chunked && !asks_first && framing->length <= HTTP_DISCARD_MAX;
    exchange->answered_ns = mun_clock_ns();
    if (!exchange->close && (small || !body_follows(exchange))) {
        exchange->stage = HTTP_AT_DISCARD;
        http_phase_set(exchange->connection, HTTP_BODY);
        return MHD_YES;
    }
    exchange->close = exchange->connection->linger = true;
    return http_send(exchange);
}

static enum MHD_Result take_head(http_exchange *exchange, const char *url, const char *method,
                                 const char *version)
{
    if (!http_request_head(exchange, method, url, version)) return refused(exchange);
    if (!http_request_route(exchange)) return refused(exchange);
    if (!admit(exchange)) return refused(exchange);
    if (!http_body_begin(exchange)) return refused(exchange);
    exchange->stage = HTTP_AT_BODY;
    http_phase_set(exchange->connection, HTTP_BODY);
    return MHD_YES;
}

/* ---- The body -------------------------------------------------------------------------------- */

/* In the middle of a body the library takes no answer: it is written past it. */
static enum MHD_Result take_body(http_exchange *exchange, const char *upload, size_t *upload_len)
{
    mun_slice bytes = mun_slice_of(upload, *upload_len);
    *upload_len = 0;
    if (http_body_take(exchange, bytes)) return MHD_YES;
    exchange->raw = exchange->connection->linger = true;
    exchange->bytes = exchange->response.body.len;
    http_raw_answer(exchange->connection->fd, &exchange->response);
    return MHD_NO;
}

static enum MHD_Result found_footer(void *cls, enum MHD_ValueKind kind, const char *key,
                                    const char *value)
{
    (void)kind;
    (void)key;
    (void)value;
    *(bool *)cls = true;
    return MHD_NO;
}

/* RFC 9110 section 6.5: trailer fields would be merged or dropped; nobody here needs any. */
static enum MHD_Result body_complete(http_exchange *exchange)
{
    bool footers = false;
    if (exchange->framing.chunked) {
        MHD_get_connection_values(exchange->mhd, MHD_FOOTER_KIND, found_footer, &footers);
    }
    if (!footers) return dispatch(exchange);
    mun_problem(&exchange->request, &exchange->response, 400, MUN_TITLE_MALFORMED,
                "Trailer fields are not taken.");
    return http_send(exchange);
}

enum MHD_Result http_handle(void *cls, struct MHD_Connection *mhd, const char *url,
                            const char *method, const char *version, const char *upload,
                            size_t *upload_len, void **request_context)
{
    (void)cls;
    (void)mhd;
    http_exchange *exchange = *request_context;
    if (exchange == NULL) return MHD_NO; /* refused at its arrival, or no memory */
    switch (exchange->stage) {
    case HTTP_AT_HEAD: return take_head(exchange, url, method, version);
    case HTTP_AT_BODY:
        if (*upload_len > 0) return take_body(exchange, upload, upload_len);
        return body_complete(exchange);
    case HTTP_AT_DISCARD:
        if (*upload_len == 0) return http_send(exchange);
        *upload_len = 0;
        return MHD_YES;
    case HTTP_AT_ANSWER: return http_send(exchange);
    case HTTP_AT_WORK:
    case HTTP_AT_SEND: break;
    }
    return MHD_YES;
}

/* ---- The end --------------------------------------------------------------------------------- */

static void log_request(const http_exchange *exchange, uint64_t ns)
{
    if (!mun_event_wanted(MUN_EVENT_INFO)) return;
    const mun_request *request = &exchange->request;
    const mun_response *response = &exchange->response;
    static const char *const methods[] = {[MUN_METHOD_GET] = "GET",
                                          [MUN_METHOD_HEAD] = "HEAD",
                                          [MUN_METHOD_POST] = "POST",
                                          [MUN_METHOD_OTHER] = "other"};
    const mun_kv line[] = {
        MUN_KV("id", request->id),
        MUN_KV("method", methods[request->method]),
        MUN_KV("route", request->route == NULL ? "-" : request->route->name),
        MUN_KV_NUMBER("status", response->status),
        MUN_KV_NUMBER("bytes", exchange->bytes),
        MUN_KV_NUMBER("us", ns / 1000),
        MUN_KV("from", request->address),
        MUN_KV("principal", request->principal == NULL ? "-" : request->principal->name),
        MUN_KV("ledger",
               request->served == NULL ? "-" : mun_served_options_of(request->served)->name),
        MUN_KV("title", response->title == NULL ? "-" : response->title),
    };
    mun_event_list(MUN_EVENT_INFO, "request", line, sizeof line / sizeof line[0]);
}

/* Chunks that it cannot read (http_library.c); a client that leaves is told in other ways. */
static bool refused_by_library(const http_exchange *exchange, enum MHD_RequestTerminationCode why)
{
    return exchange->stage == HTTP_AT_BODY && why == MHD_REQUEST_TERMINATED_WITH_ERROR;
}

static void account(const http_exchange *exchange, enum MHD_RequestTerminationCode why)
{
    mun_metrics *metrics = exchange->server->metrics;
    bool answered_well = exchange->raw || (exchange->stage == HTTP_AT_SEND &&
                                           why == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    if (exchange->request.arrived_ns == 0) return; /* never had a complete head */
    uint64_t now = mun_clock_ns();
    if (!answered_well && !refused_by_library(exchange, why)) {
        mun_metrics_count(metrics, MUN_COUNT_CLIENT_GONE, 1);
    }
    if (exchange->response.status == 0) return;
    if (answered_well && exchange->request.route != NULL &&
        exchange->request.route->lane == MUN_LANE_REGISTER) {
        mun_metrics_stage(metrics, MUN_STAGE_REPLY, now - exchange->answered_ns);
    }
    uint64_t ns = now - exchange->request.arrived_ns;
    mun_metrics_request(metrics, exchange->request.route, exchange->response.status, ns,
                        exchange->bytes);
    log_request(exchange, ns);
}

void http_completed(void *cls, struct MHD_Connection *mhd, void **request_context,
                    enum MHD_RequestTerminationCode why)
{
    (void)cls;
    (void)mhd;
    http_exchange *exchange = *request_context;
    if (exchange == NULL) return;
    *request_context = NULL;
    http_stream_close(exchange);
    account(exchange, why);
    if (why == MHD_REQUEST_TERMINATED_COMPLETED_OK) http_answer_calm(exchange);
    mun_access_leave(&exchange->admitted);
    http_body_release(exchange);
    http_answer_release(exchange);
    http_phase_set(exchange->connection, HTTP_IDLE);
    http_exchange_give(exchange);
}
