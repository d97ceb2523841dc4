/* SPDX-License-Identifier: Apache-2.0 */
/* From a mun_response to the library's: header fields, conditional answers, body. */
#include "server/http_parts.h"

#include "server/ascii.h"

#include <stdio.h>

#define FIELD_MAX 1024 /* value of a header field that is put together here */

const char *http_reason(unsigned status)
{
    switch (status) {
    case 400: return "Bad Request";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 503: return "Service Unavailable";
    default: return "Error";
    }
}

static void add(struct MHD_Response *to, const char *name, const char *value)
{
    /* Fails for want of memory, or for a value with a control character, which no handler has. */
    (void)MHD_add_response_header(to, name, value);
}

/* A reference below the ledger's base: absolute where the service knows its own URL, which is not
 * where a ledger with a host name of its own is. */
static void add_place(struct MHD_Response *to, const char *name, const http_exchange *exchange,
                      const char *place, const char *before, const char *after)
{
    const mun_request *request = &exchange->request;
    const mun_served_options *ledger =
        request->served == NULL ? NULL : mun_served_options_of(request->served);
    char url[FIELD_MAX], value[FIELD_MAX];
    const char *base = ledger == NULL ? "" : ledger->base;
    const char *origin = request->service->public_url;
    bool path = place[0] == '/', elsewhere = ledger != NULL && ledger->host != NULL;
    snprintf(url, sizeof url, "%s%s%s", path && origin != NULL && !elsewhere ? origin : "",
             path ? base : "", place);
    snprintf(value, sizeof value, "%s%s%s", before, url, after);
    add(to, name, value);
}

static void add_places(struct MHD_Response *to, const http_exchange *exchange)
{
    const mun_response *from = &exchange->response;
    if (from->location[0] != '\0') add_place(to, "Location", exchange, from->location, "", "");
    if (from->content_location[0] != '\0') {
        add_place(to, "Content-Location", exchange, from->content_location, "", "");
    }
    if (from->link_next[0] != '\0') {
        add_place(to, "Link", exchange, from->link_next, "<", ">; rel=\"next\"");
    }
}

static void add_fields(struct MHD_Response *to, const http_exchange *exchange, bool with_body)
{
    const mun_response *from = &exchange->response;
    char number[16];
    if (with_body && from->content_type != NULL) {
        add(to, "Content-Type", from->content_type);
        add(to, "X-Content-Type-Options", "nosniff");
    }
    if (with_body && from->content_encoding != NULL) {
        add(to, "Content-Encoding", from->content_encoding);
    }
    add(to, "Cache-Control", from->cache_control == NULL ? "no-store" : from->cache_control);
    if (from->vary != NULL) add(to, "Vary", from->vary);
    if (from->etag[0] != '\0') add(to, "ETag", from->etag);
    if (from->allow != NULL) add(to, "Allow", from->allow);
    if (from->challenge != NULL) add(to, "WWW-Authenticate", from->challenge);
    if (from->only_plain) add(to, "Accept-Encoding", "identity"); /* RFC 9110 section 12.5.3 */
    if (from->retry_after > 0) {
        snprintf(number, sizeof number, "%u", from->retry_after);
        add(to, "Retry-After", number);
    }
    add_places(to, exchange);
    add(to, "X-Request-Id", exchange->request.id);
    if (exchange->close) add(to, "Connection", "close");
}

/* RFC 9110 sections 13.1.1 and 13.1.2: a list of entity tags, or "*". Our tags are strong ones, so
 * a weak one is ours in the weak comparison alone. */
static bool tag_matches(mun_slice list, const char *etag, bool weakly)
{
    mun_slice wanted = mun_slice_cstr(etag);
    for (size_t at = 0; at < list.len; at++) {
        size_t start = at;
        while (at < list.len && list.ptr[at] != ',') at++;
        mun_slice tag = mun_ascii_trimmed(mun_slice_of(list.ptr + start, at - start));
        if (mun_slice_equal(tag, MUN_LITERAL("*"))) return true;
        bool weak = mun_slice_starts(tag, MUN_LITERAL("W/"));
        if (weak && weakly) tag = mun_slice_of(tag.ptr + 2, tag.len - 2);
        if (mun_slice_equal(tag, wanted)) return true;
    }
    return false;
}

/* In the order of RFC 9110 section 13.2.2. */
static void meet_conditions(http_exchange *exchange)
{
    mun_response *response = &exchange->response;
    mun_slice wanted = exchange->request.fields[MUN_FIELD_IF_MATCH];
    mun_slice known = exchange->request.fields[MUN_FIELD_IF_NONE_MATCH];
    bool reads =
        exchange->request.method == MUN_METHOD_GET || exchange->request.method == MUN_METHOD_HEAD;
    if (!reads || response->status != 200 || response->etag[0] == '\0') return;
    if (wanted.len > 0 && !tag_matches(wanted, response->etag, false)) {
        mun_problem(&exchange->request, response, 412, MUN_TITLE_CONDITION,
                    "It is not what If-Match names: ask without it, or with its present ETag.");
        response->vary = NULL; /* nobody keeps it */
    } else if (known.len > 0 && tag_matches(known, response->etag, true)) {
        response->status = 304;
    }
}

/* What a handler left in no state to be sent becomes an error of ours. */
static void make_sendable(http_exchange *exchange)
{
    mun_response *response = &exchange->response;
    if (response->status != 0 && mun_buf_ok(&response->body)) return;
    bool large = response->status != 0;
    mun_response_reset(response);
    mun_problem(&exchange->request, response, 500, MUN_TITLE_INTERNAL,
                large ? "The answer is larger than can be sent." : "Nobody answered.");
}

void http_answer_release(http_exchange *exchange)
{
    atomic_fetch_sub_explicit(&exchange->server->answer_bytes, exchange->answer_reserved,
                              memory_order_relaxed);
    exchange->answer_reserved = 0;
}

/* Readers that take nothing keep their answers in memory for as long as the library waits for them,
 * so what large answers take together has a limit, as the bodies of requests have. */
static void reserve(http_exchange *exchange)
{
    mun_response *response = &exchange->response;
    uint64_t bytes = response->body.cap;
    if (bytes <= HTTP_KEPT_BYTES || exchange->answer_reserved > 0) return;
    exchange->answer_reserved = bytes;
    uint64_t held =
        atomic_fetch_add_explicit(&exchange->server->answer_bytes, bytes, memory_order_relaxed);
    if (held + bytes <= MUN_ANSWERS_IN_FLIGHT) return;
    http_answer_release(exchange);
    mun_buf_free(&response->body);
    response->body = mun_buf_growable(MUN_RESPONSE_BODY_MAX);
    mun_metrics_count(exchange->server->metrics, MUN_COUNT_SHED, 1);
    mun_problem(&exchange->request, response, 503, MUN_TITLE_BUSY,
                "Too many large answers are on their way; try again.");
    response->link_next[0] = '\0';
}

static void set_timeout(http_exchange *exchange, unsigned seconds)
{
    MHD_set_connection_option(exchange->mhd, MHD_CONNECTION_OPTION_TIMEOUT, seconds);
}

/* An idle connection may be allowed hours; nobody may hold a large answer for so long. Only these
 * pay for it: the library looks at connections with a timeout of their own one by one. */
static void hurry(http_exchange *exchange)
{
    if (exchange->answer_reserved == 0 && !exchange->response.stream.whole) return;
    exchange->hurried = true;
    set_timeout(exchange, exchange->server->options.write_seconds);
}

void http_answer_calm(http_exchange *exchange)
{
    if (exchange->hurried) set_timeout(exchange, exchange->server->library_seconds);
    exchange->hurried = false;
}

/* Asked for the head of a stream alone, the library would still send the end of the chunks, which
 * the client would take for the start of the next answer (RFC 9112 section 6.3). */
static void without_chunks(struct MHD_Response *stream)
{
    (void)MHD_set_response_options(stream, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
}

/* RFC 9110 section 8.6: the Content-Length of a 304 is that of the 200 it stands for, never 0. The
 * library always tells one, so it is given the body, which it does not send. */
static struct MHD_Response *body_of(http_exchange *exchange)
{
    mun_response *response = &exchange->response;
    bool empty = response->status == 204, sent = response->status != 304;
    if (response->stream.read != NULL && !empty && sent) {
        struct MHD_Response *stream = http_stream_response(exchange);
        if (stream != NULL && !exchange->streaming) without_chunks(stream);
        return stream;
    }
    mun_slice body = response->fixed.len > 0 ? response->fixed : mun_buf_slice(&response->body);
    if (empty) body = (mun_slice){0};
    exchange->bytes = sent && exchange->request.method != MUN_METHOD_HEAD ? body.len : 0;
    /* The library reads only; its parameter is not const. */
    void *bytes = body.len == 0 ? response->location : (void *)(uintptr_t)body.ptr;
    return MHD_create_response_from_buffer(body.len, bytes, MHD_RESPMEM_PERSISTENT);
}

/* Asked for its head alone, a stream is not begun, and the connection ends with the head. */
static void begin_stream(http_exchange *exchange)
{
    if (exchange->response.stream.read == NULL) return;
    if (exchange->request.method == MUN_METHOD_HEAD) {
        exchange->close = true;
    } else if (!http_stream_open(exchange)) {
        mun_metrics_count(exchange->server->metrics, MUN_COUNT_SHED, 1);
        mun_problem(&exchange->request, &exchange->response, 503, MUN_TITLE_BUSY,
                    "There are too many streams; try again later.");
    }
}

enum MHD_Result http_send(http_exchange *exchange)
{
    mun_response *response = &exchange->response;
    make_sendable(exchange);
    reserve(exchange);
    hurry(exchange);
    begin_stream(exchange);
    meet_conditions(exchange);
    bool with_body = response->status != 304 && response->status != 204;
    if (atomic_load_explicit(&exchange->server->draining, memory_order_relaxed)) {
        exchange->close = true;
    }
    struct MHD_Response *answer = body_of(exchange);
    if (answer == NULL) return MHD_NO;
    add_fields(answer, exchange, with_body);
    exchange->stage = HTTP_AT_SEND;
    http_phase_set(exchange->connection, exchange->streaming ? HTTP_STREAM : HTTP_WRITE);
    enum MHD_Result queued = MHD_queue_response(exchange->mhd, response->status, answer);
    MHD_destroy_response(answer);
    return queued;
}
