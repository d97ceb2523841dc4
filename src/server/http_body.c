/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies: refused by their declared length before a byte is read, collected within the limits of
 * route, principal and process. Memory is counted as bytes arrive, so that declared lengths alone
 * cannot fill the account.
 */
#include "server/http_parts.h"

static bool refuse(http_exchange *exchange, unsigned status, const char *title, const char *detail)
{
    mun_problem(&exchange->request, &exchange->response, status, title, detail);
    return false;
}

static bool too_large(http_exchange *exchange)
{
    return refuse(exchange, 413, MUN_TITLE_TOO_LARGE,
                  exchange->body_max == 0 ? "This resource takes no body."
                                          : "The body is larger than this resource takes.");
}

static bool no_room(http_exchange *exchange)
{
    mun_metrics_count(exchange->server->metrics, MUN_COUNT_SHED, 1);
    return refuse(exchange, 503, MUN_TITLE_BUSY, "Too many bodies are on their way; try again.");
}

bool http_body_begin(http_exchange *exchange)
{
    const mun_framing *framing = &exchange->framing;
    const mun_route *route = exchange->request.route;
    mun_slice expect = exchange->request.fields[MUN_FIELD_EXPECT];
    exchange->body_max = route->body_max;
    if (route->body_max == MUN_BATCH_BODY_MAX &&
        exchange->server->service->limits.batch_bytes > 0) {
        exchange->body_max = exchange->server->service->limits.batch_bytes;
    }
    if (exchange->admitted.body_max > 0 && exchange->admitted.body_max < exchange->body_max) {
        exchange->body_max = exchange->admitted.body_max;
    }
    exchange->body_first = true;
    if (expect.len > 0 && !framing->continues) {
        return refuse(exchange, 417, "Expectation Failed",
                      "The only expectation known is 100-continue.");
    }
    uint64_t declared = framing->length == MUN_NO_OFFSET ? 0 : framing->length;
    if (declared > exchange->body_max || (framing->chunked && exchange->body_max == 0)) {
        return too_large(exchange);
    }
    uint64_t held = atomic_load_explicit(&exchange->server->body_bytes, memory_order_relaxed);
    if (held + declared > MUN_BODIES_IN_FLIGHT) return no_room(exchange);
    return true;
}

/* Chunked: the framing bytes between this piece and the last one, where they are still there. They
 * are not when the piece stands at the buffer's start: then they came in an earlier read. */
static bool chunk_head_good(http_exchange *exchange, mun_slice bytes)
{
    const uint8_t *before = exchange->body_at;
    bool first = exchange->body_first;
    exchange->body_at = bytes.ptr + bytes.len;
    exchange->body_first = false;
    if (!exchange->server->layout_known || bytes.ptr <= before) return true;
    return mun_chunk_head_valid(mun_slice_of(before, (size_t)(bytes.ptr - before)), first);
}

bool http_body_take(http_exchange *exchange, mun_slice bytes)
{
    mun_http_server *server = exchange->server;
    if (exchange->framing.chunked && !chunk_head_good(exchange, bytes)) {
        mun_metrics_count(server->metrics, MUN_COUNT_FRAMING_REFUSED, 1);
        return refuse(exchange, 400, MUN_TITLE_MALFORMED,
                      "A chunk is not framed as RFC 9112 says.");
    }
    if (exchange->body.len + bytes.len > exchange->body_max) return too_large(exchange);
    uint64_t held = atomic_fetch_add_explicit(&server->body_bytes, bytes.len, memory_order_relaxed);
    exchange->body_reserved += bytes.len;
    mun_metrics_gauge(server->metrics, MUN_GAUGE_BODY_BYTES, (int64_t)bytes.len);
    if (held + bytes.len > MUN_BODIES_IN_FLIGHT) return no_room(exchange);
    mun_buf_put(&exchange->body, bytes);
    return mun_buf_ok(&exchange->body) || no_room(exchange);
}

void http_body_release(http_exchange *exchange)
{
    if (exchange->body_reserved == 0) return;
    atomic_fetch_sub_explicit(&exchange->server->body_bytes, exchange->body_reserved,
                              memory_order_relaxed);
    mun_metrics_gauge(exchange->server->metrics, MUN_GAUGE_BODY_BYTES,
                      -(int64_t)exchange->body_reserved);
    exchange->body_reserved = 0;
}
