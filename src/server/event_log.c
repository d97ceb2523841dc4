/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event, one line, one write: made on the stack, so that it works when memory is short, and
 * never more than MUN_EVENT_LINE_MAX, so that lines of several threads do not mix. What does not
 * fit is left out and said ("truncated"). Text from outside can neither end a line nor a value:
 * controls and bytes that are not UTF-8 are escaped.
 */
#include "server/event_log.h"

#include "base/buf.h"
#include "codec/utf8.h"
#include "server/api_time.h"
#include "server/clock.h"
#include "server/event_out.h"
#include "vfs/journald.h"

#include <stdio.h>

#define LINE_RESERVE 24 /* for saying that something was left out, and the line's end */

static struct {
    mun_event_format format;
    mun_event_level level;
    bool journal; /* journald reads: it keeps the time, and wants the priority in front */
} settings = {.format = MUN_EVENT_LOGFMT, .level = MUN_EVENT_INFO};

static const char *const level_texts[] = {"emerg",   "alert",  "crit", "error",
                                          "warning", "notice", "info", "debug"};

void mun_event_log_init(mun_event_format format, mun_event_level level)
{
    settings.format = format;
    settings.level = level;
    settings.journal = mun_journald_reads_errors();
}

bool mun_event_wanted(mun_event_level level)
{
    return level <= settings.level;
}

/* One code point at the cursor, written so that it ends neither value nor line. */
static void put_code_point(mun_buf *out, mun_cursor *text)
{
    const uint8_t *start = text->at;
    mun_cursor probe = *text;
    uint32_t c = mun_utf8_take(&probe);
    if (!mun_cursor_ok(&probe)) {
        text->at++;
        mun_buf_text(out, "\\ufffd");
        return;
    }
    text->at = probe.at;
    if (c == '"' || c == '\\') {
        mun_buf_u8(out, '\\');
        mun_buf_u8(out, (uint8_t)c);
    } else if (mun_unicode_is_hidden(c)) {
        char escaped[16];
        if (c > 0xffff) {
            c -= 0x10000;
            snprintf(escaped, sizeof escaped, "\\u%04x\\u%04x", 0xd800 + (c >> 10 & 0x3ff),
                     0xdc00 + (c & 0x3ff));
        } else {
            snprintf(escaped, sizeof escaped, "\\u%04x", c);
        }
        mun_buf_text(out, escaped);
    } else {
        mun_buf_put(out, mun_slice_of(start, (size_t)(text->at - start)));
    }
}

static bool is_plain(uint8_t c)
{
    return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

static void put_quoted(mun_buf *out, mun_slice text)
{
    bool cut = text.len > MUN_EVENT_VALUE_MAX;
    if (cut) text.len = MUN_EVENT_VALUE_MAX;
    while (cut && text.len > 0 && (text.ptr[text.len] & 0xc0) == 0x80) text.len--;
    mun_cursor c = mun_cursor_over(text);
    mun_buf_u8(out, '"');
    while (mun_cursor_left(&c) > 0) {
        const uint8_t *start = c.at;
        while (c.at < c.end && is_plain(*c.at)) c.at++;
        mun_buf_put(out, mun_slice_of(start, (size_t)(c.at - start)));
        if (c.at < c.end) put_code_point(out, &c);
    }
    if (cut) mun_buf_text(out, "...");
    mun_buf_u8(out, '"');
}

/* logfmt leaves the quotes away where nothing asks for them. */
static bool is_bare(mun_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (!is_plain(c) || c == ' ' || c == '=') return false;
    }
    return text.len > 0 && text.len <= MUN_EVENT_VALUE_MAX;
}

static void put_key(mun_buf *out, const char *key, bool first)
{
    bool json = settings.format == MUN_EVENT_JSON;
    if (!first) mun_buf_u8(out, json ? ',' : ' ');
    if (json) mun_buf_u8(out, '"');
    mun_buf_text(out, key);
    mun_buf_text(out, json ? "\":" : "=");
}

static void put_text(mun_buf *out, const char *key, mun_slice text, bool first)
{
    put_key(out, key, first);
    if (settings.format == MUN_EVENT_JSON || !is_bare(text)) {
        put_quoted(out, text);
    } else {
        mun_buf_put(out, text);
    }
}

static void put_time(mun_buf *out)
{
    char text[MUN_TIME_TEXT_MAX];
    bool json = settings.format == MUN_EVENT_JSON;
    mun_time_print(mun_clock_wall_ms(), text);
    put_key(out, "time", true);
    if (json) mun_buf_u8(out, '"');
    mun_buf_text(out, text);
    if (json) mun_buf_u8(out, '"');
}

static void put_head(mun_buf *out, mun_event_level level, const char *event)
{
    if (settings.journal) {
        mun_buf_u8(out, '<');
        mun_buf_decimal(out, level);
        mun_buf_u8(out, '>');
    }
    if (settings.format == MUN_EVENT_JSON) mun_buf_u8(out, '{');
    if (!settings.journal) put_time(out);
    put_text(out, "level", mun_slice_cstr(level_texts[level]), settings.journal);
    put_text(out, "event", mun_slice_cstr(event), false);
}

void mun_event_list(mun_event_level level, const char *event, const mun_kv *list, size_t n)
{
    if (!mun_event_wanted(level)) return;
    bool json = settings.format == MUN_EVENT_JSON;
    uint8_t room[MUN_EVENT_LINE_MAX];
    mun_buf out = mun_buf_fixed(room, sizeof room - LINE_RESERVE);
    put_head(&out, level, event);
    for (size_t i = 0; i < n && list[i].key != NULL; i++) {
        size_t before = out.len;
        if (list[i].text != NULL) {
            put_text(&out, list[i].key, mun_slice_cstr(list[i].text), false);
        } else {
            put_key(&out, list[i].key, false);
            mun_buf_decimal(&out, list[i].number);
        }
        if (mun_buf_ok(&out)) continue;
        out.len = before;
        out.overflow = false;
        out.cap = out.max = sizeof room;
        mun_buf_text(&out, json ? ",\"truncated\":true" : " truncated=true");
        break;
    }
    out.cap = out.max = sizeof room;
    mun_buf_text(&out, json ? "}\n" : "\n");
    mun_event_out_line(mun_buf_slice(&out), level <= MUN_EVENT_NOTICE);
}
