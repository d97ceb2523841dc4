/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refusing what two readers could read in two ways. Where a standard lets a recipient choose
 * between repairing and refusing, we refuse.
 */
#include "server/framing.h"

#include "server/ascii.h"

/* How a field that we read behaves when it comes twice. */
typedef enum repeat {
    ONCE, /* twice is ambiguous */
    LIST  /* lines of a list, RFC 9110 section 5.3 */
} repeat;

static const struct known {
    const char *name;
    repeat repeat;
} known_fields[MUN_FIELDS] = {
    [MUN_FIELD_ACCEPT] = {"Accept", LIST},
    [MUN_FIELD_ACCEPT_ENCODING] = {"Accept-Encoding", LIST},
    [MUN_FIELD_AUTHORIZATION] = {"Authorization", ONCE},
    [MUN_FIELD_CONTENT_TYPE] = {"Content-Type", ONCE},
    [MUN_FIELD_CONTENT_ENCODING] = {"Content-Encoding", ONCE},
    [MUN_FIELD_EXPECT] = {"Expect", ONCE},
    [MUN_FIELD_HOST] = {"Host", ONCE},
    [MUN_FIELD_IF_MATCH] = {"If-Match", LIST},
    [MUN_FIELD_IF_NONE_MATCH] = {"If-None-Match", LIST},
    [MUN_FIELD_LAST_EVENT_ID] = {"Last-Event-ID", ONCE},
    [MUN_FIELD_X_REQUEST_ID] = {"X-Request-Id", ONCE},
    [MUN_FIELD_X_FORWARDED_FOR] = {"X-Forwarded-For", LIST},
    [MUN_FIELD_X_FORWARDED_PROTO] = {"X-Forwarded-Proto", ONCE},
    [MUN_FIELD_X_CLIENT_CERT_SHA256] = {"X-Client-Cert-SHA256", ONCE},
    [MUN_FIELD_X_CLIENT_CERT] = {"X-Client-Cert", ONCE},
};
_Static_assert(MUN_FIELDS == 15, "every field that is kept has its name here");

static bool is_token(mun_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!mun_ascii_token(text.ptr[i])) return false;
    }
    return text.len > 0;
}

/* RFC 9110 section 5.5: visible bytes, spaces, tabs and obs-text; no other control characters. */
static bool is_field_value(mun_slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
    }
    return true;
}

void mun_framing_refuse(mun_framing *framing, unsigned status, const char *why)
{
    if (framing->status != 0) return;
    framing->status = status;
    framing->why = why;
}

void mun_framing_begin(mun_framing *framing, mun_slice version, mun_buf *join)
{
    *framing = (mun_framing){.length = MUN_NO_OFFSET, .join = join};
    framing->http_1_0 = mun_slice_equal(version, MUN_LITERAL("HTTP/1.0"));
    if (!framing->http_1_0 && !mun_slice_equal(version, MUN_LITERAL("HTTP/1.1"))) {
        mun_framing_refuse(framing, 400, "The version is not HTTP/1.1 or HTTP/1.0.");
    }
}

/* RFC 9110 section 8.6: digits alone; a list of equal lengths may be repaired or refused. */
static void take_length(mun_framing *framing, mun_slice value)
{
    if (framing->length != MUN_NO_OFFSET) {
        mun_framing_refuse(framing, 400, "There is more than one Content-Length.");
        return;
    }
    uint64_t length = 0;
    bool good = value.len > 0 && value.len <= 15; /* far beyond any body, far from overflow */
    for (size_t i = 0; good && i < value.len; i++) {
        good = value.ptr[i] >= '0' && value.ptr[i] <= '9';
        length = length * 10 + (value.ptr[i] - (uint8_t)'0');
    }
    if (!good) {
        mun_framing_refuse(framing, 400, "Content-Length is not one decimal number.");
        return;
    }
    framing->length = length;
}

/* RFC 9112 section 6.1: codings that are not implemented are answered with 501. */
static void take_coding(mun_framing *framing, mun_slice value)
{
    if (framing->chunked) {
        mun_framing_refuse(framing, 400, "There is more than one Transfer-Encoding.");
    } else if (!mun_ascii_same(value, MUN_LITERAL("chunked"))) {
        mun_framing_refuse(framing, 501, "The only transfer coding supported is chunked.");
    }
    framing->chunked = true;
}

/* A list field in several lines becomes one line, joined by commas. */
static void join_lines(mun_framing *framing, mun_slice *field, mun_slice value)
{
    mun_buf *join = framing->join;
    size_t start = join->len;
    if (value.len == 0) return;
    if (field->len == 0) {
        *field = value;
        return;
    }
    mun_buf_put(join, *field);
    mun_buf_text(join, ", ");
    mun_buf_put(join, value);
    if (!mun_buf_ok(join)) {
        mun_framing_refuse(framing, 431, "A field that was sent in several lines is too long.");
        return;
    }
    *field = mun_slice_of(join->ptr + start, join->len - start);
}

static void take_known(mun_framing *framing, size_t at, mun_slice value)
{
    mun_slice *field = &framing->fields[at];
    if (field->ptr == NULL) {
        *field = value;
    } else if (known_fields[at].repeat == ONCE) {
        mun_framing_refuse(framing, 400,
                           at == MUN_FIELD_HOST ? "There is more than one Host."
                                                : "A field that has one value was sent twice.");
    } else {
        join_lines(framing, field, value);
    }
}

void mun_framing_field(mun_framing *framing, mun_slice name, mun_slice value)
{
    if (framing->status != 0) return;
    if (++framing->count > MUN_FRAMING_FIELDS_MAX) {
        mun_framing_refuse(framing, 431, "There are more than 100 header fields.");
        return;
    }
    if (!is_token(name)) {
        mun_framing_refuse(framing, 400, "A field name holds a byte that names cannot hold.");
        return;
    }
    if (!is_field_value(value)) {
        mun_framing_refuse(framing, 400, "A field value holds a control character.");
        return;
    }
    value = mun_ascii_trimmed(value);
    if (mun_ascii_same(name, MUN_LITERAL("Content-Length"))) {
        take_length(framing, value);
        return;
    }
    if (mun_ascii_same(name, MUN_LITERAL("Transfer-Encoding"))) {
        take_coding(framing, value);
        return;
    }
    for (size_t i = 0; i < MUN_FIELDS; i++) {
        if (mun_ascii_same(name, mun_slice_cstr(known_fields[i].name))) {
            take_known(framing, i, value);
            return;
        }
    }
}

/* RFC 3986 section 3.2.2 without userinfo: a name, an address or [an IPv6 address], and a port. */
static bool is_host(mun_slice host)
{
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.ptr[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool digit = c >= '0' && c <= '9';
        if (!letter && !digit && (c == '\0' || strchr("-._~:[]", c) == NULL)) return false;
    }
    return host.len <= 255 + sizeof ":65535";
}

void mun_framing_end(mun_framing *framing)
{
    mun_slice expect = framing->fields[MUN_FIELD_EXPECT];
    mun_slice host = framing->fields[MUN_FIELD_HOST];
    if (framing->chunked && framing->length != MUN_NO_OFFSET) {
        mun_framing_refuse(framing, 400, "There are both Content-Length and Transfer-Encoding.");
    }
    if (framing->chunked && framing->http_1_0) {
        mun_framing_refuse(framing, 400, "HTTP/1.0 has no Transfer-Encoding.");
    }
    if (!framing->http_1_0 && host.ptr == NULL) {
        mun_framing_refuse(framing, 400, "There is no Host.");
    }
    if (!is_host(host)) mun_framing_refuse(framing, 400, "Host is not a host and port.");
    framing->continues = mun_ascii_same(expect, MUN_LITERAL("100-continue"));
}

/* ---- Targets --------------------------------------------------------------------------------- */

static bool is_escape(mun_slice text, size_t at)
{
    return at + 2 < text.len && mun_ascii_hex(text.ptr[at + 1]) >= 0 &&
           mun_ascii_hex(text.ptr[at + 2]) >= 0;
}

/* RFC 3986: unreserved, reserved (no fragment) and escapes. */
static bool is_target(mun_slice raw)
{
    for (size_t i = 0; i < raw.len; i++) {
        uint8_t c = raw.ptr[i];
        if (c <= 0x20 || c >= 0x7f || strchr("\"#<>\\^`{|}", c) != NULL) return false;
        if (c == '%' && !is_escape(raw, i)) return false;
    }
    return true;
}

static mun_slice from(mun_slice text, size_t at)
{
    return mun_slice_of(text.ptr + at, text.len - at);
}

/* The authority of "http://authority/path"; rest is what follows it. */
static bool split_absolute(mun_slice raw, mun_slice *ret_host, mun_slice *ret_rest)
{
    size_t start = 0;
    if (mun_ascii_starts(raw, MUN_LITERAL("http://"))) start = sizeof "http://" - 1;
    if (mun_ascii_starts(raw, MUN_LITERAL("https://"))) start = sizeof "https://" - 1;
    if (start == 0) return false;
    size_t end = start;
    while (end < raw.len && raw.ptr[end] != '/' && raw.ptr[end] != '?') end++;
    *ret_host = mun_slice_of(raw.ptr + start, end - start);
    *ret_rest = from(raw, end);
    return end > start && is_host(*ret_host);
}

const char *mun_target_split(mun_slice raw, mun_target *ret)
{
    mun_target target = {.path = raw};
    if (raw.len == 0 || !is_target(raw)) {
        return "The request target holds a byte or an escape that URLs cannot hold.";
    }
    if (raw.ptr[0] != '/' && !split_absolute(raw, &target.host, &target.path)) {
        return "The request target is neither a path nor an http URL.";
    }
    const uint8_t *mark =
        target.path.len == 0 ? NULL : memchr(target.path.ptr, '?', target.path.len);
    if (mark != NULL) {
        size_t at = (size_t)(mark - target.path.ptr);
        target.query = from(target.path, at + 1);
        target.path.len = at;
    }
    if (target.path.len == 0) target.path = MUN_LITERAL("/");
    *ret = target;
    return NULL;
}

static uint8_t escaped(mun_slice text, size_t at)
{
    return (uint8_t)(mun_ascii_hex(text.ptr[at + 1]) * 16 + mun_ascii_hex(text.ptr[at + 2]));
}

/* RFC 3986 section 2.3. */
static bool is_unreserved(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static bool escapes_in_vain(mun_slice path, size_t at)
{
    return path.ptr[at] == '%' && is_escape(path, at) && is_unreserved(escaped(path, at));
}

bool mun_path_normal(mun_slice *path, mun_buf *text)
{
    size_t first = 0, start = text->len;
    while (first < path->len && !escapes_in_vain(*path, first)) first++;
    if (first == path->len || path->len > MUN_PATH_ESCAPED_MAX) return true;
    for (size_t i = 0; i < path->len; i++) {
        bool in_vain = escapes_in_vain(*path, i);
        mun_buf_u8(text, in_vain ? escaped(*path, i) : path->ptr[i]);
        if (in_vain) i += 2;
    }
    if (!mun_buf_ok(text)) return false;
    *path = mun_slice_of(text->ptr + start, text->len - start);
    return true;
}

bool mun_percent_decode(mun_slice text, mun_buf *ret)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == '%') {
            if (!is_escape(text, i)) return false;
            c = escaped(text, i);
            if (c == '\0') return false;
            i += 2;
        }
        mun_buf_u8(ret, c);
    }
    return mun_buf_ok(ret);
}

/* ---- Chunks ---------------------------------------------------------------------------------- */

bool mun_chunk_head_valid(mun_slice bytes, bool first)
{
    size_t at = 0;
    if (!first) {
        if (bytes.len < 2 || bytes.ptr[0] != '\r' || bytes.ptr[1] != '\n') return false;
        at = 2;
    }
    size_t digits = at;
    while (at < bytes.len && mun_ascii_hex(bytes.ptr[at]) >= 0) at++;
    if (at == digits || bytes.len - at < 2) return false;
    if (bytes.ptr[bytes.len - 2] != '\r' || bytes.ptr[bytes.len - 1] != '\n') return false;
    mun_slice extension = mun_slice_of(bytes.ptr + at, bytes.len - at - 2);
    if (extension.len == 0) return true;
    return (extension.ptr[0] == ';' || mun_ascii_space(extension.ptr[0])) &&
           is_field_value(extension);
}
