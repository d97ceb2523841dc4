/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api_json.h"

#include "codec/radix.h"
#include "codec/utf8.h"
#include "server/api_time.h"

static void lead(mun_reply *json)
{
    if (json->comma) mun_buf_u8(json->out, ',');
    json->comma = true;
}

void mun_reply_open(mun_reply *json, char bracket)
{
    lead(json);
    mun_buf_u8(json->out, (uint8_t)bracket);
    json->comma = false;
}

void mun_reply_close(mun_reply *json, char bracket)
{
    mun_buf_u8(json->out, (uint8_t)bracket);
    json->comma = true;
}

void mun_reply_key(mun_reply *json, const char *key)
{
    lead(json);
    mun_buf_u8(json->out, '"');
    mun_buf_text(json->out, key);
    mun_buf_text(json->out, "\":");
    json->comma = false;
}

/* RFC 8259 section 7: what must be escaped; U+007F as well, for those who look at it in a terminal.
 */
static bool plain(uint8_t c)
{
    return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

static void escaped(mun_buf *out, uint8_t c)
{
    uint8_t letter = c == '\n' ? 'n' : c == '\t' ? 't' : c == '"' || c == '\\' ? c : 0;
    if (letter != 0) {
        mun_buf_u8(out, '\\');
        mun_buf_u8(out, letter);
        return;
    }
    mun_buf_text(out, "\\u00");
    mun_buf_hex(out, mun_slice_of(&c, 1));
}

static void put_utf8(mun_buf *out, mun_slice text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t start = at;
        while (at < text.len && plain(text.ptr[at])) at++;
        if (at > start) mun_buf_put(out, mun_slice_of(text.ptr + start, at - start));
        if (at < text.len) escaped(out, text.ptr[at++]);
    }
}

/* Byte by byte: each that belongs to no character becomes U+FFFD. */
static void put_repaired(mun_buf *out, mun_slice text)
{
    mun_cursor c = mun_cursor_over(text);
    while (mun_cursor_left(&c) > 0) {
        const uint8_t *start = c.at;
        (void)mun_utf8_take(&c);
        if (mun_cursor_ok(&c)) {
            put_utf8(out, mun_slice_of(start, (size_t)(c.at - start)));
            continue;
        }
        mun_buf_text(out, "\xef\xbf\xbd");
        size_t left = (size_t)(text.ptr + text.len - (start + 1));
        c = mun_cursor_over(mun_slice_of(start + 1, left));
    }
}

void mun_reply_text(mun_reply *json, mun_slice text)
{
    lead(json);
    mun_buf_u8(json->out, '"');
    if (mun_utf8_valid(text))
        put_utf8(json->out, text);
    else
        put_repaired(json->out, text);
    mun_buf_u8(json->out, '"');
}

void mun_reply_uint(mun_reply *json, uint64_t number)
{
    lead(json);
    mun_buf_decimal(json->out, number);
}

void mun_reply_bool(mun_reply *json, bool value)
{
    lead(json);
    mun_buf_text(json->out, value ? "true" : "false");
}

void mun_reply_null(mun_reply *json)
{
    lead(json);
    mun_buf_text(json->out, "null");
}

void mun_reply_hex(mun_reply *json, mun_slice bytes)
{
    lead(json);
    mun_buf_u8(json->out, '"');
    mun_buf_hex(json->out, bytes);
    mun_buf_u8(json->out, '"');
}

void mun_reply_base64(mun_reply *json, mun_slice bytes)
{
    lead(json);
    mun_buf_u8(json->out, '"');
    mun_base64_put(json->out, bytes);
    mun_buf_u8(json->out, '"');
}

void mun_reply_time(mun_reply *json, uint64_t time_ms)
{
    char text[MUN_TIME_TEXT_MAX];
    mun_time_print(time_ms, text);
    mun_reply_text(json, mun_slice_cstr(text));
}

void mun_reply_put_text(mun_reply *json, const char *key, mun_slice text)
{
    mun_reply_key(json, key);
    mun_reply_text(json, text);
}

void mun_reply_put_cstr(mun_reply *json, const char *key, const char *text)
{
    mun_reply_put_text(json, key, mun_slice_cstr(text));
}

void mun_reply_put_uint(mun_reply *json, const char *key, uint64_t number)
{
    mun_reply_key(json, key);
    mun_reply_uint(json, number);
}

void mun_reply_put_bool(mun_reply *json, const char *key, bool value)
{
    mun_reply_key(json, key);
    mun_reply_bool(json, value);
}

void mun_reply_put_hex(mun_reply *json, const char *key, mun_slice bytes)
{
    mun_reply_key(json, key);
    mun_reply_hex(json, bytes);
}

void mun_reply_put_base64(mun_reply *json, const char *key, mun_slice bytes)
{
    mun_reply_key(json, key);
    mun_reply_base64(json, bytes);
}

void mun_reply_put_time(mun_reply *json, const char *key, uint64_t time_ms)
{
    mun_reply_key(json, key);
    mun_reply_time(json, time_ms);
}
