/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the library's view of a head to a mun_request.
 *
 * libmicrohttpd 0.9.75 does not say that a line ended with a bare LF, that a NUL cut a value or the
 * target, or that a folded line was glued to a field's name. But it parses in place: method,
 * target, version, names and values are pointers into the head as received, in which it has
 * overwritten separators by NULs, and it tells the head's size. So the layout tells: with every
 * line ended by CRLF, no NUL and no folding, each part stands exactly where the one before it ends,
 * and the last one ends four bytes before the head does. Any other layout is refused. Later
 * versions refuse these by themselves (MHD_OPTION_CLIENT_DISCIPLINE_LVL) and may lay the head out
 * in another way: there the check is left out (server->layout_known).
 */
#include "server/http_parts.h"

#include "server/ascii.h"

#include <stdio.h>

#define TARGET_START                                                                               \
    64 /* what is kept of a target that is too long: enough to tell errors' form                   \
        */

/* ---- The request line ------------------------------------------------------------------------ */

void *http_request_line(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    (void)cls;
    http_connection *connection = http_connection_of(mhd);
    if (connection == NULL) return NULL;
    if ((atomic_load(&connection->state) & 15) == HTTP_OVER) return NULL;
    http_exchange *exchange = http_exchange_take(connection);
    if (exchange == NULL) return NULL;
    http_phase_set(connection, HTTP_HEAD);
    exchange->target_len = uri == NULL ? 0 : strlen(uri);
    exchange->target_long = exchange->target_len > MUN_HTTP_TARGET_MAX;
    size_t kept = exchange->target_long ? TARGET_START : exchange->target_len;
    mun_buf_put(&exchange->text, mun_slice_of(uri, kept));
    exchange->request.target = mun_buf_slice(&exchange->text);
    return exchange;
}

/* ---- The layout ------------------------------------------------------------------------------ */

typedef struct layout {
    mun_framing *framing;
    bool check;
    const char *at; /* where the next line must begin */
} layout;

#define LAYOUT_WHY "The head holds a line that does not end with CRLF, a folded line or a NUL byte."

static enum MHD_Result take_field(void *cls, enum MHD_ValueKind kind, const char *key,
                                  size_t key_len, const char *value, size_t value_len)
{
    layout *head = cls;
    (void)kind;
    if (head->check) {
        bool placed = key == head->at && value != NULL && value > key + key_len;
        for (const char *c = key + key_len + 1; placed && c < value; c++) {
            placed = *c == ' ' || *c == '\t';
        }
        if (!placed) mun_framing_refuse(head->framing, 400, LAYOUT_WHY);
        head->at = value + value_len + 2;
    }
    mun_framing_field(head->framing, mun_slice_of(key, key_len),
                      mun_slice_of(value, value == NULL ? 0 : value_len));
    return head->framing->status == 0 ? MHD_YES : MHD_NO;
}

/* Where the fields begin, when method, target and version stand behind each other. */
static const char *after_request_line(const http_exchange *exchange, const char *method,
                                      const char *url, const char *version)
{
    bool placed = url == method + strlen(method) + 1 && version == url + exchange->target_len + 1;
    return placed ? version + strlen(version) + 2 : NULL;
}

static void read_fields(http_exchange *exchange, const char *method, const char *url,
                        const char *version)
{
    mun_framing *framing = &exchange->framing;
    layout head = {framing, exchange->server->layout_known, NULL};
    mun_framing_begin(framing, mun_slice_cstr(version), &exchange->text);
    if (head.check) {
        head.at = after_request_line(exchange, method, url, version);
        if (head.at == NULL) mun_framing_refuse(framing, 400, LAYOUT_WHY);
    }
    MHD_get_connection_values_n(exchange->mhd, MHD_HEADER_KIND, take_field, &head);
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(exchange->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    size_t bytes = size == NULL ? 0 : size->header_size;
    if (bytes > MUN_HTTP_HEAD_MAX) {
        mun_framing_refuse(framing, 431, "The header fields are larger than 16 KiB.");
    }
    if (head.check && framing->status == 0 && head.at + 2 != method + bytes) {
        mun_framing_refuse(framing, 400, LAYOUT_WHY);
    }
    mun_framing_end(framing);
    exchange->body_at = (const uint8_t *)method + bytes;
}

/* ---- What the request says ------------------------------------------------------------------- */

static mun_method method_of(const char *method)
{
    if (strcmp(method, "GET") == 0) return MUN_METHOD_GET;
    if (strcmp(method, "HEAD") == 0) return MUN_METHOD_HEAD;
    if (strcmp(method, "POST") == 0) return MUN_METHOD_POST;
    return MUN_METHOD_OTHER;
}

static bool is_id(mun_slice id)
{
    for (size_t i = 0; i < id.len; i++) {
        uint8_t c = id.ptr[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_') return false;
    }
    return id.len > 0 && id.len < sizeof((mun_request *)0)->id;
}

static void set_id(http_exchange *exchange)
{
    static const char hex[] = "0123456789abcdef";
    mun_slice given = exchange->request.fields[MUN_FIELD_X_REQUEST_ID];
    char *id = exchange->request.id;
    if (is_id(given)) {
        memcpy(id, given.ptr, given.len);
        id[given.len] = '\0';
        return;
    }
    uint64_t number =
        atomic_fetch_add_explicit(&exchange->server->next_id, 1, memory_order_relaxed);
    for (int i = 15; i >= 0; i--, number >>= 4) id[i] = hex[number & 15];
    id[16] = '\0';
}

/* The last element of X-Forwarded-For is what our own proxy saw. */
static mun_slice last_forwarded(mun_slice list)
{
    if (list.len == 0) return list;
    size_t start = list.len;
    while (start > 0 && list.ptr[start - 1] != ',') start--;
    return mun_ascii_trimmed(mun_slice_of(list.ptr + start, list.len - start));
}

static bool is_address(mun_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\0' || strchr("0123456789abcdefABCDEF.:", text.ptr[i]) == NULL) {
            return false;
        }
    }
    return text.len > 0 && text.len < sizeof((mun_request *)0)->address;
}

/* Forwarded fields are believed from a proxy's listener alone. */
static void set_address(http_exchange *exchange)
{
    mun_request *request = &exchange->request;
    const http_connection *connection = exchange->connection;
    snprintf(request->address, sizeof request->address, "%s", connection->address);
    if (!connection->listener->behind_proxy) { /* X-Forwarded-For stays: whoever sent it, its being
                                                  there tells that this is not the operator */
        request->fields[MUN_FIELD_X_FORWARDED_PROTO] = (mun_slice){0};
        request->fields[MUN_FIELD_X_CLIENT_CERT_SHA256] = (mun_slice){0};
        request->fields[MUN_FIELD_X_CLIENT_CERT] = (mun_slice){0};
        return;
    }
    mun_slice seen = last_forwarded(request->fields[MUN_FIELD_X_FORWARDED_FOR]);
    if (!is_address(seen)) {
        snprintf(request->address, sizeof request->address, "unknown"); /* not the proxy's own */
        return;
    }
    memcpy(request->address, seen.ptr, seen.len);
    request->address[seen.len] = '\0';
    http_address_plain(request->address, sizeof request->address);
}

static bool refuse(http_exchange *exchange, unsigned status, const char *title, const char *detail)
{
    mun_problem(&exchange->request, &exchange->response, status, title, detail);
    return false;
}

static const char *split_target(http_exchange *exchange)
{
    mun_request *request = &exchange->request;
    mun_target target;
    const char *why = mun_target_split(request->target, &target);
    if (why != NULL) return why;
    mun_slice *host = &request->fields[MUN_FIELD_HOST];
    /* HTTP/1.0 knows no Host: there the target says it alone (RFC 9112 section 3.2.2). */
    if (target.host.len > 0 && host->ptr == NULL) *host = target.host;
    if (target.host.len > 0 && !mun_ascii_same(target.host, *host)) {
        return "The host in the request target is not the one in Host.";
    }
    if (!mun_path_normal(&target.path, &exchange->text)) {
        return "The head is too long for the escapes in the request target.";
    }
    request->path = target.path;
    request->query = target.query;
    return NULL;
}

/* Errors have their form by path, so a refused head needs one too, as far as it can be read. */
static void guess_path(http_exchange *exchange)
{
    mun_request *request = &exchange->request;
    mun_slice path = request->target, rest;
    const uint8_t *mark = path.len == 0 ? NULL : memchr(path.ptr, '?', path.len);
    if (mark != NULL) path.len = (size_t)(mark - path.ptr);
    if (path.len == 0 || path.ptr[0] != '/') return;
    struct mun_served *served =
        mun_served_find(request->service->ledgers, request->fields[MUN_FIELD_HOST], path, &rest);
    request->path = served == NULL ? path : rest;
}

static const char *framing_title(unsigned status)
{
    return status == 414   ? "URI Too Long"
           : status == 431 ? "Request Header Fields Too Large"
           : status == 501 ? "Not Implemented"
                           : MUN_TITLE_MALFORMED;
}

bool http_request_head(http_exchange *exchange, const char *method, const char *url,
                       const char *version)
{
    mun_request *request = &exchange->request;
    mun_framing *framing = &exchange->framing;
    request->service = exchange->server->service;
    request->arrived_ns = mun_clock_ns();
    request->method = method_of(method);
    request->path = MUN_LITERAL("/");
    read_fields(exchange, method, url, version);
    memcpy(request->fields, framing->fields, sizeof request->fields);
    set_id(exchange);
    set_address(exchange);
    exchange->close = true; /* until the framing is known to be good */
    if (exchange->target_long) {
        mun_framing_refuse(framing, 414, "The request target is longer than 4096 bytes.");
    }
    const char *why = framing->status == 0 ? split_target(exchange) : NULL;
    if (why != NULL) mun_framing_refuse(framing, 400, why);
    if (framing->status != 0) {
        mun_metrics_count(exchange->server->metrics, MUN_COUNT_FRAMING_REFUSED, 1);
        guess_path(exchange);
        return refuse(exchange, framing->status, framing_title(framing->status), framing->why);
    }
    /* A connection that carried chunks is not used again: the library does not show every byte of
     * their framing, and nothing can hide behind the last request of a connection. */
    exchange->close = framing->chunked;
    return true;
}

/* ---- Ledger and route ------------------------------------------------------------------------ */

static bool decode_captures(http_exchange *exchange)
{
    mun_request *request = &exchange->request;
    for (size_t i = 0; i < MUN_CAPTURES_MAX; i++) {
        if (request->captures[i].len == 0) continue;
        size_t start = exchange->text.len;
        if (!mun_percent_decode(request->captures[i], &exchange->text)) {
            return refuse(exchange, 400, MUN_TITLE_MALFORMED,
                          "The path holds an escape that cannot be decoded.");
        }
        request->captures[i] = mun_slice_of(exchange->text.ptr + start, exchange->text.len - start);
    }
    return true;
}

static bool not_allowed(http_exchange *exchange, const char *allow)
{
    refuse(exchange, 405, MUN_TITLE_METHOD, "This resource has no such method; see Allow.");
    exchange->response.allow = allow;
    return false;
}

bool http_request_route(http_exchange *exchange)
{
    mun_request *request = &exchange->request;
    mun_slice whole = request->path, rest;
    const char *allow = NULL;
    request->route = mun_route_find(request->method, whole, true, request->captures, &allow);
    if (request->route == NULL && allow == NULL) {
        request->served = mun_served_find(request->service->ledgers,
                                          request->fields[MUN_FIELD_HOST], whole, &rest);
        if (request->served == NULL) {
            return refuse(exchange, 404, MUN_TITLE_NOT_FOUND,
                          "There is no ledger at this address.");
        }
        request->path = rest;
        request->route = mun_route_find(request->method, rest, false, request->captures, &allow);
    }
    if (request->route != NULL) return decode_captures(exchange);
    if (allow != NULL) return not_allowed(exchange, allow);
    return refuse(exchange, 404, MUN_TITLE_NOT_FOUND, "There is nothing at this path.");
}
