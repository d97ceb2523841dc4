/* SPDX-License-Identifier: Apache-2.0 */
/* framing.h: what is refused as ambiguous, targets, percent-decoding, heads of chunks. */
#include "server/framing.h"
#include "support/cmocka_all.h"

typedef struct head {
    const char *version;
    const char *fields[8][2];
    unsigned status; /* 0: in order */
} head;

static mun_framing judged(const head *h, mun_buf *join)
{
    mun_framing framing;
    mun_framing_begin(&framing, mun_slice_cstr(h->version), join);
    for (size_t i = 0; i < 8 && h->fields[i][0] != NULL; i++) {
        mun_framing_field(&framing, mun_slice_cstr(h->fields[i][0]),
                          mun_slice_cstr(h->fields[i][1]));
    }
    mun_framing_end(&framing);
    return framing;
}

#define HOST {"Host", "a.example:8080"}
#define CL   {"Content-Length", "5"}
#define TE   {"Transfer-Encoding", "chunked"}

static const head heads[] = {
    {"HTTP/1.1", {HOST}, 0},
    {"HTTP/1.1", {HOST, CL}, 0},
    {"HTTP/1.1", {HOST, TE}, 0},
    {"HTTP/1.1", {HOST, {"transfer-encoding", " CHUNKED\t"}}, 0},
    {"HTTP/1.1", {HOST, {"CONTENT-LENGTH", "\t5 "}}, 0},
    {"HTTP/1.1", {{"Host", ""}}, 0},
    {"HTTP/1.1", {{"Host", "[::1]:80"}}, 0},
    {"HTTP/1.0", {{"X", ""}}, 0},
    {"HTTP/1.1", {HOST, {"Accept", "a"}, {"ACCEPT", "b"}, {"accept", "c"}}, 0},
    {"HTTP/1.1", {HOST, {"X-Unknown", "a"}, {"X-Unknown", "b"}}, 0},
    {"HTTP/1.1", {HOST, CL, TE}, 400},
    {"HTTP/1.1", {HOST, TE, CL}, 400},
    {"HTTP/1.1", {HOST, {"Transfer-Encoding", "gzip, chunked"}}, 501},
    {"HTTP/1.1", {HOST, {"Transfer-Encoding ", "chunked"}}, 400},
    {"HTTP/1.1", {HOST, {"Content-Length ", "30"}}, 400},
    {"HTTP/1.1", {HOST, CL, {"Content-Length", "6"}}, 400},
    {"HTTP/1.1", {HOST, CL, CL}, 400},
    {"HTTP/1.1", {HOST, {"Content-Length", "5, 5"}}, 400},
    {"HTTP/1.1", {HOST, {"Content-Length", "+5"}}, 400},
    {"HTTP/1.1", {HOST, {"Content-Length", "-1"}}, 400},
    {"HTTP/1.1", {HOST, {"Content-Length", "18446744073709551621"}}, 400},
    {"HTTP/1.1", {HOST, {"Content-Length", "0x5"}}, 400},
    {"HTTP/1.1", {HOST, {"Content-Length", ""}}, 400},
    {"HTTP/1.1", {HOST, {"Content-Length", "5 5"}}, 400},
    {"HTTP/1.1", {HOST, TE, TE}, 400},
    {"HTTP/1.1", {HOST, {"Transfer-Encoding", "xchunked"}}, 501},
    {"HTTP/1.1", {HOST, {"Transfer-Encoding", "chunked, chunked"}}, 501},
    {"HTTP/1.1", {HOST, {"Transfer-Encoding", "identity"}}, 501},
    {"HTTP/1.1", {HOST, {"Transfer-Encoding", ""}}, 501},
    {"HTTP/1.0", {HOST, TE}, 400},
    {"HTTP/1.1", {{"X", "y"}}, 400},
    {"HTTP/1.1", {HOST, {"Host", "b.example"}}, 400},
    {"HTTP/1.1", {HOST, HOST}, 400},
    {"HTTP/1.1", {{"Host", "a@b"}}, 400},
    {"HTTP/1.1", {{"Host", "a/b"}}, 400},
    {"HTTP/1.1", {{"Host", "a, b"}}, 400},
    {"HTTP/1.1", {HOST, {"Con tent", "x"}}, 400},
    {"HTTP/1.1", {HOST, {"X(", "x"}}, 400},
    {"HTTP/1.1", {HOST, {"", "x"}}, 400},
    {"HTTP/1.1", {HOST, {"X\x80", "x"}}, 400},
    {"HTTP/1.1", {HOST, {"X", "a\x01"}}, 400},
    {"HTTP/1.1", {HOST, {"X", "a\rb"}}, 400},
    {"HTTP/1.1", {HOST, {"X", "a\nb"}}, 400},
    {"HTTP/1.1", {HOST, {"X", "a\x7f"}}, 400},
    {"HTTP/1.1", {HOST, {"Authorization", "a"}, {"Authorization", "a"}}, 400},
    {"HTTP/1.2", {HOST}, 400},
    {"HTTP/2.0", {HOST}, 400},
    {"", {HOST}, 400},
};

static void heads_are_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        uint8_t bytes[64];
        mun_buf join = mun_buf_fixed(bytes, sizeof bytes);
        mun_framing framing = judged(&heads[i], &join);
        if (framing.status != heads[i].status) {
            fail_msg("head %zu: %u (%s), not %u", i, framing.status,
                     framing.why == NULL ? "" : framing.why, heads[i].status);
        }
        assert_int_equal(framing.why != NULL, framing.status != 0);
    }
}

static void what_is_read(void **state)
{
    (void)state;
    uint8_t bytes[64];
    mun_buf join = mun_buf_fixed(bytes, sizeof bytes);
    head h = {"HTTP/1.1",
              {HOST,
               {"Content-Length", " 0012 "},
               {"Accept", "a"},
               {"accept", "b;q=0.1"},
               {"Expect", "100-Continue"},
               {"Content-Type", "\tapplication/cose "}},
              0};
    mun_framing framing = judged(&h, &join);
    assert_int_equal(framing.status, 0);
    assert_int_equal(framing.length, 12);
    assert_false(framing.chunked);
    assert_true(framing.continues);
    assert_true(mun_slice_equal(framing.fields[MUN_FIELD_ACCEPT], MUN_LITERAL("a, b;q=0.1")));
    assert_true(
        mun_slice_equal(framing.fields[MUN_FIELD_CONTENT_TYPE], MUN_LITERAL("application/cose")));
    assert_int_equal(framing.fields[MUN_FIELD_AUTHORIZATION].len, 0);
}

static void lists_and_numbers_have_ends(void **state)
{
    (void)state;
    uint8_t bytes[8];
    mun_buf join = mun_buf_fixed(bytes, sizeof bytes);
    head h = {"HTTP/1.1", {HOST, {"Accept", "aaaa"}, {"Accept", "bbbb"}}, 431};
    assert_int_equal(judged(&h, &join).status, 431);
    mun_framing framing;
    mun_framing_begin(&framing, MUN_LITERAL("HTTP/1.1"), &join);
    for (size_t i = 0; i < MUN_FRAMING_FIELDS_MAX; i++) {
        mun_framing_field(&framing, MUN_LITERAL("X"), MUN_LITERAL("y"));
    }
    assert_int_equal(framing.status, 0);
    mun_framing_field(&framing, MUN_LITERAL("X"), MUN_LITERAL("y"));
    assert_int_equal(framing.status, 431);
}

static void targets_are_split(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *path, *query, *host; /* path NULL: refused */
    } targets[] = {
        {"/", "/", "", ""},
        {"/a/b?c=d&e=%20", "/a/b", "c=d&e=%20", ""},
        {"/a?b?c", "/a", "b?c", ""},
        {"/%41%2f", "/%41%2f", "", ""},
        {"//a", "//a", "", ""},
        {"http://h.example:1/a?b", "/a", "b", "h.example:1"},
        {"HTTPS://h/a", "/a", "", "h"},
        {"http://h", "/", "", "h"},
        {"http://h?b", "/", "b", "h"},
        {"", NULL, "", ""},
        {"*", NULL, "", ""},
        {"a", NULL, "", ""},
        {"h.example:443", NULL, "", ""},
        {"http:///a", NULL, "", ""},
        {"http://u@h/a", NULL, "", ""},
        {"ftp://h/a", NULL, "", ""},
        {"/a b", NULL, "", ""},
        {"/a#b", NULL, "", ""},
        {"/%", NULL, "", ""},
        {"/%4", NULL, "", ""},
        {"/%4g", NULL, "", ""},
        {"/a?%zz", NULL, "", ""},
        {"/\x80", NULL, "", ""},
        {"/\x1f", NULL, "", ""},
        {"/a\\b", NULL, "", ""},
    };
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        mun_target got = {0};
        const char *why = mun_target_split(mun_slice_cstr(targets[i].raw), &got);
        if ((why == NULL) != (targets[i].path != NULL)) {
            fail_msg("%s: %s", targets[i].raw, why == NULL ? "taken" : why);
        }
        if (why != NULL) continue;
        assert_true(mun_slice_equal(got.path, mun_slice_cstr(targets[i].path)));
        assert_true(mun_slice_equal(got.query, mun_slice_cstr(targets[i].query)));
        assert_true(mun_slice_equal(got.host, mun_slice_cstr(targets[i].host)));
    }
}

static void escapes_are_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *text, *decoded; /* NULL: refused */
    } texts[] = {{"abc", "abc"}, {"%41%62%7A", "Abz"}, {"a%2Fb", "a/b"}, {"%C3%A9", "\xc3\xa9"},
                 {"%25", "%"},   {"%00", NULL},        {"%", NULL},      {"%4", NULL},
                 {"%g1", NULL},  {"%1g", NULL},        {"a+b", "a+b"}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint8_t bytes[16];
        mun_buf ret = mun_buf_fixed(bytes, sizeof bytes);
        bool good = mun_percent_decode(mun_slice_cstr(texts[i].text), &ret);
        assert_int_equal(good, texts[i].decoded != NULL);
        if (good) {
            assert_true(mun_slice_equal(mun_buf_slice(&ret), mun_slice_cstr(texts[i].decoded)));
        }
    }
    uint8_t small[2];
    mun_buf ret = mun_buf_fixed(small, sizeof small);
    assert_false(mun_percent_decode(MUN_LITERAL("abc"), &ret));
}

/* RFC 3986 section 6.2.2.2: escapes of unreserved characters go, all others stay as they are. */
static void escapes_in_vain_go(void **state)
{
    (void)state;
    static const char *const paths[][2] = {
        {"/checkpoint", "/checkpoint"},
        {"/%63heckpoint", "/checkpoint"},
        {"/%2Ewell%2dknown/%41%7e%5f", "/.well-known/A~_"},
        {"/%30%2f%61", "/0%2fa"},
        {"/a%2Fb%00%C3%a9%20", "/a%2Fb%00%C3%a9%20"},
        {"/%2e%2E/%61", "/../a"}, /* never joined to a folder: it is nobody's route */
        {"/%2541", "/%2541"},     /* once, not twice */
        {"/%61%", "/a%"},         /* the end is not read past */
        {"/%61%4", "/a%4"},
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        uint8_t bytes[64];
        mun_buf text = mun_buf_fixed(bytes, sizeof bytes);
        mun_buf_text(&text, "before");
        mun_slice path = mun_slice_cstr(paths[i][0]);
        assert_true(mun_path_normal(&path, &text));
        assert_true(mun_slice_equal(path, mun_slice_cstr(paths[i][1])));
        bool same = strcmp(paths[i][0], paths[i][1]) == 0;
        assert_int_equal(text.len, sizeof "before" - 1 + (same ? 0 : path.len));
    }
}

static void escapes_in_vain_have_ends(void **state)
{
    (void)state;
    uint8_t bytes[4];
    char large[MUN_PATH_ESCAPED_MAX + 2];
    mun_buf text = mun_buf_fixed(bytes, sizeof bytes);
    memset(large, 'a', sizeof large - 1);
    memcpy(large, "/%61", 4);
    large[sizeof large - 1] = '\0';
    mun_slice path = mun_slice_cstr(large), small = MUN_LITERAL("/%61bcd");
    assert_true(mun_path_normal(&path, &text));
    assert_ptr_equal(path.ptr, large);
    assert_false(mun_path_normal(&small, &text));
}

static void heads_of_chunks(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        bool first, good;
    } chunks[] = {
        {"5\r\n", true, true},        {"0005\r\n", true, true},
        {"fF\r\n", true, true},       {"5;a=b\r\n", true, true},
        {"5 ;a\r\n", true, true},     {"\r\n5\r\n", false, true},
        {"5\n", true, false},         {"5;a\n", true, false},
        {"\n5\r\n", false, false},    {"5\r\n", false, false},
        {"\r\n5\r\n", true, false},   {"0x5\r\n", true, false},
        {"+5\r\n", true, false},      {" 5\r\n", true, false},
        {"\r\n", true, false},        {"", true, false},
        {"", false, false},           {"5", true, false},
        {"5;a\x01\r\n", true, false}, {"5g\r\n", true, false},
        {"\r\n5\n", false, false},    {"\r\r\n5\r\n", false, false},
    };
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        bool good = mun_chunk_head_valid(mun_slice_cstr(chunks[i].bytes), chunks[i].first);
        if (good != chunks[i].good) fail_msg("chunk %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_judged),    cmocka_unit_test(what_is_read),
        cmocka_unit_test(targets_are_split),   cmocka_unit_test(lists_and_numbers_have_ends),
        cmocka_unit_test(escapes_are_decoded), cmocka_unit_test(heads_of_chunks),
        cmocka_unit_test(escapes_in_vain_go),  cmocka_unit_test(escapes_in_vain_have_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
