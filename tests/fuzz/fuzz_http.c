/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a request's head: "METHOD target version" and field lines, each ended by a line
 * feed, judged as ambiguous or not; the target taken apart, its query and its segments decoded, its
 * fields understood. What is taken has the promised form.
 */
#include "fuzz/fuzz_need.h"
#include "server/api_time.h"
#include "server/framing.h"
#include "server/media_type.h"
#include "server/negotiate.h"
#include "server/query.h"
#include "server/tile_name.h"

static mun_slice next_until(mun_slice *rest, char end)
{
    const uint8_t *mark = rest->len == 0 ? NULL : memchr(rest->ptr, end, rest->len);
    size_t len = mark == NULL ? rest->len : (size_t)(mark - rest->ptr);
    mun_slice part = mun_slice_of(rest->ptr, len);
    size_t skip = len + (mark != NULL);
    *rest = mun_slice_of(rest->len == 0 ? rest->ptr : rest->ptr + skip, rest->len - skip);
    return part;
}

static bool has(mun_slice text, const char *byte)
{
    return text.len > 0 && memchr(text.ptr, *byte, text.len) != NULL;
}

static void need_clean(mun_slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        need((value.ptr[i] >= 0x20 || value.ptr[i] == '\t') && value.ptr[i] != 0x7f);
    }
    if (value.len > 0) need(value.ptr[0] != ' ' && value.ptr[value.len - 1] != ' ');
}

static void understand(const mun_framing *framing)
{
    static const char *const offered[] = {MUN_TYPE_RECEIPT, MUN_TYPE_COSE, MUN_TYPE_JSON, NULL};
    mun_slice codings = framing->fields[MUN_FIELD_ACCEPT_ENCODING];
    mun_slice type = framing->fields[MUN_FIELD_CONTENT_TYPE];
    const char *chosen = mun_negotiate_type(framing->fields[MUN_FIELD_ACCEPT], offered);
    need(chosen == NULL || chosen == offered[0] || chosen == offered[1] || chosen == offered[2]);
    need(!mun_negotiate_gzip(codings) || codings.len >= 1);
    bool statement = mun_media_is_statement(type);
    bool cose = mun_media_is(type, "application/cose") ||
                mun_media_is(type, "application/scitt-statement+cose");
    need(!statement || cose);
}

static void judged(const mun_framing *framing, mun_slice version)
{
    if (framing->status != 0) {
        need(framing->why != NULL &&
             (framing->status == 400 || framing->status == 431 || framing->status == 501));
        return;
    }
    need(!framing->chunked || framing->length == MUN_NO_OFFSET);
    need(framing->length == MUN_NO_OFFSET || framing->length < 1000000000000000u);
    need(framing->http_1_0 == mun_slice_equal(version, MUN_LITERAL("HTTP/1.0")));
    need(framing->http_1_0 || framing->fields[MUN_FIELD_HOST].ptr != NULL);
    need(!framing->http_1_0 || !framing->chunked);
    for (size_t i = 0; i < MUN_FIELDS; i++) need_clean(framing->fields[i]);
    understand(framing);
}

static void query(mun_slice text)
{
    static const char *const names[] = {"iss", "limit", "since", "digest", NULL};
    static mun_parameters p;
    mun_error err = {0};
    if (mun_query_parse(text, names, &p, &err) != MUN_OK) {
        need(err.text[0] != '\0');
        return;
    }
    mun_slice iss = {0};
    uint64_t number = 0, time_ms = 0;
    uint8_t digest[64];
    size_t len = 0;
    if (mun_query_text(&p, 0, &iss, &err) == MUN_OK && p.have[0]) need(iss.len > 0);
    if (mun_query_number(&p, 1, 1, 1000, &number, &err) == MUN_OK && p.have[1]) {
        need(number >= 1 && number <= 1000);
    }
    if (mun_query_time(&p, 2, &time_ms, &err) == MUN_OK && p.have[2]) {
        char printed[MUN_TIME_TEXT_MAX];
        uint64_t again = 0;
        mun_time_print(time_ms, printed);
        need(mun_time_take(mun_slice_cstr(printed), &again) && again == time_ms);
    }
    if (mun_query_hex(&p, 3, 1, sizeof digest, digest, &len, &err) == MUN_OK && p.have[3]) {
        need(len >= 1 && len <= sizeof digest);
    }
}

static void segments(mun_slice path)
{
    static const char tile[] = "/tile/";
    mun_slice all = path;
    while (path.len > 0) {
        uint8_t bytes[4096], digest[64];
        size_t len;
        mun_slice segment = next_until(&path, '/');
        mun_buf decoded = mun_buf_fixed(bytes, sizeof bytes);
        if (mun_percent_decode(segment, &decoded)) {
            need(decoded.len <= segment.len && !has(mun_buf_slice(&decoded), ""));
            if (mun_digest_take(mun_buf_slice(&decoded), digest, &len)) {
                need(len == 32 || len == 48 || len == 64);
            }
        }
    }
    mun_tile_name name;
    if (!mun_slice_starts(all, mun_slice_cstr(tile))) return;
    if (mun_tile_name_take(mun_slice_of(all.ptr + 6, all.len - 6), &name)) {
        need(name.width >= 1 && name.width <= 256 && name.level >= -1 && name.level < 64);
    }
}

/* What a path becomes is a path, no longer than it was, and stays what it is. */
static void normal(mun_slice path)
{
    uint8_t bytes[2 * MUN_HTTP_TARGET_MAX];
    mun_buf text = mun_buf_fixed(bytes, sizeof bytes);
    mun_slice once = path, twice;
    need(mun_path_normal(&once, &text));
    need(once.len > 0 && once.len <= path.len && once.ptr[0] == '/' && !has(once, "?"));
    twice = once;
    need(mun_path_normal(&twice, &text) && twice.ptr == once.ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mun_slice rest = {data, size};
    mun_slice line = next_until(&rest, '\n');
    (void)next_until(&line, ' ');
    mun_slice raw = next_until(&line, ' ');
    uint8_t joined[1024];
    mun_buf join = mun_buf_fixed(joined, sizeof joined);
    mun_framing framing;
    mun_framing_begin(&framing, line, &join);
    while (rest.len > 0) {
        mun_slice value = next_until(&rest, '\n');
        if (value.len == 0) break;
        mun_slice name = next_until(&value, ':');
        mun_framing_field(&framing, name, value);
    }
    mun_framing_end(&framing);
    judged(&framing, line);
    mun_target target;
    if (raw.len <= MUN_HTTP_TARGET_MAX && mun_target_split(raw, &target) == NULL) {
        need(target.path.len > 0 && target.path.ptr[0] == '/' && !has(target.path, "?"));
        query(target.query);
        segments(target.path);
        normal(target.path);
    }
    if (mun_chunk_head_valid(rest, true)) need(rest.len >= 3 && !mun_chunk_head_valid(rest, false));
    (void)mun_chunk_head_valid(rest, false);
    return 0;
}
