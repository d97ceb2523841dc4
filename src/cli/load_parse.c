/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1.1 answers for the load generator. */
#include "cli/load_wire.h"

#include <string.h>

typedef struct head {
    unsigned status;
    bool have_length, chunked, closes;
    size_t length;
    mun_slice location;
} head;

/* Whether the line is this field (name in lower case, with its colon); ret: its value. */
static bool is_field(const uint8_t *line, size_t len, const char *name, mun_slice *ret)
{
    size_t n = strlen(name);
    if (len < n) return false;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = line[i];
        if (c >= 'A' && c <= 'Z') c = (uint8_t)(c - 'A' + 'a');
        if (c != (uint8_t)name[i]) return false;
    }
    while (n < len && line[n] == ' ') n++;
    while (len > n && line[len - 1] == ' ') len--;
    *ret = mun_slice_of(line + n, len - n);
    return true;
}

static bool take_length(mun_slice value, head *h)
{
    if (value.len == 0 || value.len > 12 || h->have_length) return false;
    h->length = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9') return false;
        h->length = h->length * 10 + (size_t)(value.ptr[i] - '0');
    }
    h->have_length = true;
    return true;
}

static bool take_line(const uint8_t *line, size_t len, head *h)
{
    mun_slice value;
    if (is_field(line, len, "content-length:", &value)) return take_length(value, h);
    if (is_field(line, len, "location:", &value)) h->location = value;
    if (is_field(line, len, "connection:", &value)) {
        h->closes = mun_slice_equal(value, MUN_LITERAL("close"));
    }
    if (is_field(line, len, "transfer-encoding:", &value)) {
        h->chunked = mun_slice_equal(value, MUN_LITERAL("chunked"));
        return h->chunked;
    }
    return true;
}

static bool take_status(const uint8_t *line, size_t len, head *h)
{
    if (len < 12 || memcmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ') return false;
    h->closes = line[7] == '0';
    for (size_t i = 9; i < 12; i++) {
        if (line[i] < '0' || line[i] > '9') return false;
        h->status = h->status * 10 + (unsigned)(line[i] - '0');
    }
    return h->status >= 200;
}

static bool take_head(const uint8_t *bytes, size_t len, head *h)
{
    bool first = true;
    for (size_t at = 0; at < len;) {
        const uint8_t *end = memchr(bytes + at, '\r', len - at);
        size_t line = end != NULL ? (size_t)(end - bytes) - at : len - at;
        bool good = first ? take_status(bytes + at, line, h) : take_line(bytes + at, line, h);
        if (!good) return false;
        first = false;
        at += line + 2;
    }
    return !(h->chunked && h->have_length);
}

static bool hex_digit(uint8_t c, size_t *ret)
{
    if (c >= '0' && c <= '9')
        *ret = (size_t)c - '0';
    else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        *ret = (size_t)(c | 0x20) - 'a' + 10;
    else
        return false;
    return true;
}

/* One chunk at *at. gather: its bytes are moved to *out. True also for the last one (*ret_size 0).
 */
static mun_load_parsed one_chunk(uint8_t *bytes, size_t len, size_t *at, size_t *out, bool gather,
                                 size_t *ret_size)
{
    size_t size = 0, digit, i = *at;
    while (i < len && hex_digit(bytes[i], &digit)) {
        if (size > (1u << 26)) return MUN_LOAD_BROKEN;
        size = size * 16 + digit;
        i++;
    }
    if (i + 2 > len) return MUN_LOAD_MORE;
    if (i == *at || bytes[i] != '\r' || bytes[i + 1] != '\n') return MUN_LOAD_BROKEN;
    i += 2;
    if (i + size + 2 > len) return MUN_LOAD_MORE;
    if (bytes[i + size] != '\r' || bytes[i + size + 1] != '\n') return MUN_LOAD_BROKEN;
    if (gather) memmove(bytes + *out, bytes + i, size);
    *out += size;
    *at = i + size + 2;
    *ret_size = size;
    return MUN_LOAD_DONE;
}

static mun_load_parsed chunks(uint8_t *bytes, size_t len, size_t from, bool gather, size_t *ret_end,
                              size_t *ret_out)
{
    size_t at = from, out = from, size = 1;
    while (size > 0) {
        mun_load_parsed parsed = one_chunk(bytes, len, &at, &out, gather, &size);
        if (parsed != MUN_LOAD_DONE) return parsed;
    }
    *ret_end = at;
    *ret_out = out;
    return MUN_LOAD_DONE;
}

mun_load_parsed mun_load_parse(uint8_t *bytes, size_t len, mun_load_answer *ret)
{
    head h = {0};
    const uint8_t *end = memmem(bytes, len, "\r\n\r\n", 4);
    if (end == NULL) return len > 16384 ? MUN_LOAD_BROKEN : MUN_LOAD_MORE;
    size_t body = (size_t)(end - bytes) + 4, whole = body, last = body;
    if (!take_head(bytes, body - 4, &h)) return MUN_LOAD_BROKEN;
    if (h.chunked) {
        mun_load_parsed parsed = chunks(bytes, len, body, false, &whole, &last);
        if (parsed != MUN_LOAD_DONE) return parsed;
        (void)chunks(bytes, len, body, true, &whole, &last);
    } else if (h.have_length) {
        whole = last = body + h.length;
        if (len < whole) return MUN_LOAD_MORE;
    } else if (h.status != 204 && h.status != 304) {
        return MUN_LOAD_BROKEN; /* ended by closing: no keep-alive, so nothing to measure */
    }
    *ret = (mun_load_answer){.status = h.status,
                             .location = h.location,
                             .body = mun_slice_of(bytes + body, last - body),
                             .closes = h.closes,
                             .whole = whole};
    return MUN_LOAD_DONE;
}
