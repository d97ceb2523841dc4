/* SPDX-License-Identifier: Apache-2.0 */
/* The small readers and writers of the reading interface: query strings, Accept fields, cursors,
 * times, JSON text, tile names, gzip. */
#include "base/buf.h"
#include "server/api_time.h"
#include "server/cursor_text.h"
#include "server/gzip.h"
#include "server/negotiate.h"
#include "server/query.h"
#include "server/tile_name.h"
#include "support/cmocka_all.h"

#include <muniment/keys.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

/* ---- Query strings --------------------------------------------------------------------------- */

static const char *const names[] = {"iss", "limit", "since", "kid", NULL};

static mun_code parse(const char *text, mun_parameters *ret, mun_error *err)
{
    return mun_query_parse(mun_slice_cstr(text), names, ret, err);
}

static void query_values(void **state)
{
    (void)state;
    mun_parameters p;
    mun_slice iss = {0};
    uint64_t number = 7;
    mun_error err;
    assert_int_equal(parse("iss=a%20b+c%2Bd%26&limit=10", &p, &err), MUN_OK);
    assert_int_equal(mun_query_text(&p, 0, &iss, &err), MUN_OK);
    assert_true(mun_slice_equal(iss, MUN_LITERAL("a b c+d&")));
    assert_int_equal(mun_query_number(&p, 1, 1, 10, &number, &err), MUN_OK);
    assert_int_equal(number, 10);
    assert_false(p.have[2]);
    assert_int_equal(parse("", &p, &err), MUN_OK);
    assert_false(p.have[0]);
    assert_int_equal(mun_query_number(&p, 1, 1, 10, &number, &err), MUN_OK);
    assert_int_equal(number, 10); /* left alone */
}

static void query_refused(void **state)
{
    (void)state;
    static const struct {
        const char *query, *named;
    } cases[] = {
        {"issuer=a", "issuer"}, {"iss=a&iss=b", "iss"},     {"iss", "iss"},
        {"iss=%4", "iss"},      {"iss=%zz", "iss"},         {"&iss=a", "\"\""},
        {"=a", "\"\""},         {"iss=a&&limit=1", "\"\""}, {"a\x1b[2J=1", "a?[2J"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mun_parameters p;
        mun_error err;
        assert_int_equal(parse(cases[i].query, &p, &err), MUN_E_USAGE);
        if (strstr(err.text, cases[i].named) == NULL) fail_msg("%s: %s", cases[i].query, err.text);
    }
}

static void query_values_refused(void **state)
{
    (void)state;
    static const char *const numbers[] = {"",   "01",  "-1",  "+1", "0",
                                          "11", "1e3", "0x5", "1 ", "18446744073709551617"};
    mun_parameters p;
    mun_error err;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char query[64];
        uint64_t number;
        snprintf(query, sizeof query, "limit=%s", numbers[i]);
        assert_int_equal(parse(query, &p, &err), MUN_OK);
        assert_int_equal(mun_query_number(&p, 1, 1, 10, &number, &err), MUN_E_USAGE);
        assert_non_null(strstr(err.text, "limit"));
    }
    mun_slice text;
    assert_int_equal(parse("iss=", &p, &err), MUN_OK);
    assert_int_equal(mun_query_text(&p, 0, &text, &err), MUN_E_USAGE);
    assert_int_equal(parse("iss=%ff", &p, &err), MUN_OK);
    assert_int_equal(mun_query_text(&p, 0, &text, &err), MUN_E_USAGE);
    uint8_t kid[4];
    size_t len;
    assert_int_equal(parse("kid=0102030405", &p, &err), MUN_OK);
    assert_int_equal(mun_query_hex(&p, 3, 1, sizeof kid, kid, &len, &err), MUN_E_USAGE);
    assert_int_equal(parse("kid=01AF", &p, &err), MUN_OK);
    assert_int_equal(mun_query_hex(&p, 3, 1, sizeof kid, kid, &len, &err), MUN_OK);
    assert_int_equal(len, 2);
    assert_int_equal(kid[1], 0xaf);
}

/* ---- Times ------------------------------------------------------------------------------------
 */

static void times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00.001Z", 1},
        {"2000-02-29T12:00:00Z", UINT64_C(951825600000)},
        {"2026-11-22T12:00:00.000Z", UINT64_C(1795348800000)},
        {"2026-11-22T13:30:00.5+01:30", UINT64_C(1795348800500)},
        {"2026-11-22T11:00:00.123456789-01:00", UINT64_C(1795348800124)},
        {"2026-11-22T11:00:00.123000000-01:00", UINT64_C(1795348800123)},
        {"2026-11-22T11:59:59.999000001Z", UINT64_C(1795348800000)},
        {"9999-12-31T23:59:59.999Z", UINT64_C(253402300799999)},
        {"2016-12-31T23:59:60Z", UINT64_C(1483228800000)},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t ms = 1;
        if (!mun_time_take(mun_slice_cstr(good[i].text), &ms)) fail_msg("%s", good[i].text);
        assert_int_equal(ms, good[i].ms);
    }
    static const char *const bad[] = {
        "",
        "2026-11-22",
        "2026-11-22T12:00:00",
        "2026-11-22t12:00:00z",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22 12:00:00Z",
        "2026-11-22T12:00:00.Z",
        "2026-11-22T12:00:00.1234567890Z",
        "2026-11-22T12:00:00+0100",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "2026-11-22T12:00:00Zx",
        "2026-11-22T12:60:00Z",
        "9999-12-31T23:59:59-00:01",
        "20261122T120000Z",
        "2026-11-22T12:00:61Z",
        "2026-00-10T00:00:00Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t ms = 1;
        if (mun_time_take(mun_slice_cstr(bad[i]), &ms)) fail_msg("%s was accepted", bad[i]);
        assert_int_equal(ms, 1);
    }
}

/* Every day from 1970 to 2400 in a row, printed and read again. */
static void times_there_and_back(void **state)
{
    (void)state;
    char before[MUN_TIME_TEXT_MAX] = "";
    for (uint64_t day = 0; day < 157000; day++) {
        uint64_t ms = day * 86400000 + day % 86400000, again = 0;
        char text[MUN_TIME_TEXT_MAX];
        mun_time_print(ms, text);
        assert_true(strcmp(before, text) < 0);
        assert_true(mun_time_take(mun_slice_cstr(text), &again));
        assert_int_equal(ms, again);
        memcpy(before, text, sizeof before);
    }
    mun_time_print(UINT64_MAX, before);
    assert_string_equal(before, "9999-12-31T23:59:59.999Z");
}

/* ---- Accept ------------------------------------------------------------------------------------
 */

static void accept_types(void **state)
{
    (void)state;
    static const char *const offered[] = {MUN_TYPE_RECEIPT, MUN_TYPE_COSE, NULL};
    static const struct {
        const char *accept, *want;
    } cases[] = {
        {"", MUN_TYPE_RECEIPT},
        {"*/*", MUN_TYPE_RECEIPT},
        {"application/*", MUN_TYPE_RECEIPT},
        {"application/cose", MUN_TYPE_COSE},
        {"Application/COSE", MUN_TYPE_COSE},
        {"application/scitt-receipt+cose;q=0.5, application/cose", MUN_TYPE_COSE},
        {"application/cose;q=0.2 ,*/*;q=0.1", MUN_TYPE_COSE},
        {"application/cose;q=0, */*", MUN_TYPE_RECEIPT},
        {"application/scitt-receipt+cose;q=0, application/cose;q=0", NULL},
        {"text/html", NULL},
        {"*/*;q=0", NULL},
        {"application/json, application/*;q=0.3", MUN_TYPE_RECEIPT},
        {"application/cose;profile=\"x\";q=0.9", MUN_TYPE_COSE},
        {"nonsense", MUN_TYPE_RECEIPT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *type = mun_negotiate_type(mun_slice_cstr(cases[i].accept), offered);
        if (cases[i].want == NULL && type != NULL) fail_msg("%s gave %s", cases[i].accept, type);
        if (cases[i].want != NULL) {
            assert_non_null(type);
            assert_string_equal(type, cases[i].want);
        }
    }
}

static void accept_gzip(void **state)
{
    (void)state;
    assert_true(mun_negotiate_gzip(MUN_LITERAL("gzip")));
    assert_true(mun_negotiate_gzip(MUN_LITERAL("br, GZIP;q=0.5")));
    assert_true(mun_negotiate_gzip(MUN_LITERAL("*")));
    assert_true(mun_negotiate_gzip(MUN_LITERAL("compress, X-GZip")));
    assert_false(mun_negotiate_gzip(MUN_LITERAL("x-gzip;q=0")));
    assert_false(mun_negotiate_gzip(MUN_LITERAL("")));
    assert_false(mun_negotiate_gzip(MUN_LITERAL("gzip;q=0")));
    assert_false(mun_negotiate_gzip(MUN_LITERAL("gzip;q=0.000, *")));
    assert_false(mun_negotiate_gzip(MUN_LITERAL("identity, br")));
    assert_false(mun_negotiate_gzip(MUN_LITERAL("*;q=0")));
}

/* ---- Cursors -----------------------------------------------------------------------------------
 */

static void cursors(void **state)
{
    (void)state;
    mun_crypto crypto;
    mun_error err;
    char text[MUN_CURSOR_TEXT];
    uint64_t index = 0;
    mun_cursor_of of = {MUN_LITERAL("ledger.example"), MUN_LITERAL("question")};
    assert_int_equal(mun_native_crypto_new(&crypto, &err), MUN_OK);
    mun_cursor_write(&crypto, &of, UINT64_C(0x123456789abcd), text);
    assert_int_equal(mun_cursor_read(&crypto, &of, mun_slice_cstr(text), &index, &err), MUN_OK);
    assert_int_equal(index, UINT64_C(0x123456789abcd));
    mun_cursor_of other = {MUN_LITERAL("ledger.examplequ"), MUN_LITERAL("estion")};
    assert_int_equal(mun_cursor_read(&crypto, &other, mun_slice_cstr(text), &index, &err),
                     MUN_E_USAGE);
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) { /* no character of it can be another one */
        char changed[MUN_CURSOR_TEXT];
        memcpy(changed, text, sizeof changed);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        mun_code code = mun_cursor_read(&crypto, &of, mun_slice_cstr(changed), &index, &err);
        assert_int_equal(code, MUN_E_USAGE);
        assert_non_null(strstr(err.text, "cursor"));
    }
    for (size_t n = 0; n < len; n++) {
        assert_int_equal(mun_cursor_read(&crypto, &of, mun_slice_of(text, n), &index, &err),
                         MUN_E_USAGE);
    }
    mun_native_crypto_free(&crypto);
}

/* ---- JSON --------------------------------------------------------------------------------------
 */

static void json_texts(void **state)
{
    (void)state;
    static const struct {
        mun_slice text;
        const char *want;
    } cases[] = {
        {MUN_LITERAL("plain"), "\"plain\""},
        {MUN_LITERAL("\"\\/"), "\"\\\"\\\\/\""},
        {MUN_LITERAL("\n\t\r\x7f"), "\"\\n\\t\\u000d\\u007f\""},
        {MUN_LITERAL("\0x"), "\"\\u0000x\""},
        {MUN_LITERAL("\xc3\xa4\xf0\x9f\x93\x9c"), "\"\xc3\xa4\xf0\x9f\x93\x9c\""},
        {MUN_LITERAL("a\xff\xc3\xa4\xc3"), "\"a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\""},
        {MUN_LITERAL("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {MUN_LITERAL(""), "\"\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char room[64] = {0};
        mun_buf out = mun_buf_fixed(room, sizeof room - 1);
        mun_reply json = {.out = &out};
        mun_reply_text(&json, cases[i].text);
        assert_string_equal(room, cases[i].want);
    }
}

static void json_commas(void **state)
{
    (void)state;
    char room[128] = {0};
    mun_buf out = mun_buf_fixed(room, sizeof room - 1);
    mun_reply json = {.out = &out};
    mun_reply_open(&json, '{');
    mun_reply_key(&json, "a");
    mun_reply_open(&json, '[');
    mun_reply_uint(&json, 1);
    mun_reply_open(&json, '{');
    mun_reply_close(&json, '}');
    mun_reply_null(&json);
    mun_reply_close(&json, ']');
    mun_reply_put_bool(&json, "b", true);
    mun_reply_put_hex(&json, "c", MUN_LITERAL("\x01\xff"));
    mun_reply_put_base64(&json, "d", MUN_LITERAL("\x01\xff"));
    mun_reply_close(&json, '}');
    assert_string_equal(room, "{\"a\":[1,{},null],\"b\":true,\"c\":\"01ff\",\"d\":\"Af8=\"}");
}

/* ---- Tiles -------------------------------------------------------------------------------------
 */

static void tile_names(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        mun_tile_name want;
    } good[] = {
        {"0/000", {0, 0, 256}},
        {"entries/005", {-1, 5, 256}},
        {"63/x001/x234/067.p/255", {63, 1234067, 255}},
        {"1/x001/000.p/1", {1, 1000, 1}},
        {"0/x999/x999/x999/x999/x999/999", {0, UINT64_C(999999999999999999), 256}},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        mun_tile_name name;
        if (!mun_tile_name_take(mun_slice_cstr(good[i].text), &name)) fail_msg("%s", good[i].text);
        assert_int_equal(name.level, good[i].want.level);
        assert_int_equal(name.n, good[i].want.n);
        assert_int_equal(name.width, good[i].want.width);
    }
    static const char *const bad[] = {
        "",
        "0",
        "0/",
        "0/0",
        "0/00",
        "0/0000",
        "0/001/",
        "00/000",
        "64/000",
        "-1/000",
        "+1/000",
        "x/000",
        "0/x000/001",
        "0/x000/x001/000",
        "0/001/002",
        "0/x001",
        "0/x001/",
        "0/x001/x002",
        "0/1000",
        "0/000.p",
        "0/000.p/",
        "0/000.p/0",
        "0/000.p/256",
        "0/000.p/01",
        "0/000.p/-1",
        "0/000.p/1/",
        "0/000.p/1.p/1",
        "0/.p/1",
        "entries/",
        "Entries/000",
        "0/ 000",
        "0/000 ",
        "0/X001/000",
        "0/000?",
        "0//000",
        "data/000",
        "0/x001/x000/x000/x000/x000/x000/000",
        "0/%30%30%30",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mun_tile_name name;
        if (mun_tile_name_take(mun_slice_cstr(bad[i]), &name)) fail_msg("%s was accepted", bad[i]);
    }
}

static void gzip_there_and_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 255, 65536, 1 << 20};
    static uint8_t bytes[1 << 20], again[1 << 20];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 2654435761u >> (i % 19));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        MUN_BUF_AUTO mun_buf out = mun_buf_growable(2 << 20);
        mun_error err;
        assert_int_equal(mun_gzip_put(mun_slice_of(bytes, sizes[i]), &out, &err), MUN_OK);
        z_stream z = {.next_in = out.ptr, .avail_in = (uInt)out.len};
        z.next_out = again;
        z.avail_out = sizeof again;
        assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
        assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
        assert_int_equal(z.total_out, sizes[i]);
        assert_int_equal(z.avail_in, 0);
        assert_memory_equal(again, bytes, sizes[i]);
        inflateEnd(&z);
    }
    uint8_t room[8];
    mun_buf small = mun_buf_fixed(room, sizeof room);
    mun_error err;
    assert_int_equal(mun_gzip_put(mun_slice_of(bytes, 1000), &small, &err), MUN_E_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(query_values),         cmocka_unit_test(query_refused),
        cmocka_unit_test(query_values_refused), cmocka_unit_test(times),
        cmocka_unit_test(times_there_and_back), cmocka_unit_test(accept_types),
        cmocka_unit_test(accept_gzip),          cmocka_unit_test(cursors),
        cmocka_unit_test(json_texts),           cmocka_unit_test(json_commas),
        cmocka_unit_test(tile_names),           cmocka_unit_test(gzip_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
