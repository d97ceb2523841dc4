/* SPDX-License-Identifier: Apache-2.0 */
/* Lines, decimals, signature lines, UTF-8. */
#include "support/cmocka_all.h"

#include "codec/lines.h"
#include "codec/utf8.h"

static void test_line_take(void **state)
{
    (void)state;
    mun_cursor c = mun_cursor_over(MUN_LITERAL("one\n\ntwo"));
    assert_int_equal(mun_line_take(&c).len, 3);
    assert_int_equal(mun_line_take(&c).len, 0);
    assert_true(mun_cursor_ok(&c));
    assert_int_equal(mun_line_take(&c).len, 0);
    assert_false(mun_cursor_ok(&c)); /* no line end */
}

static void test_line_expect(void **state)
{
    (void)state;
    mun_cursor c = mun_cursor_over(MUN_LITERAL("origin x"));
    mun_line_expect(&c, MUN_LITERAL("origin "));
    assert_true(mun_cursor_ok(&c));
    assert_int_equal(mun_cursor_left(&c), 1);
    mun_line_expect(&c, MUN_LITERAL("y"));
    assert_false(mun_cursor_ok(&c));
}

static void test_decimal(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t max;
        bool good;
        uint64_t value;
    } rows[] = {{"0", 9, true, 0},
                {"9", 9, true, 9},
                {"10", 9, false, 0},
                {"", 9, false, 0},
                {"01", 9, false, 0},
                {"00", 9, false, 0},
                {"-1", 9, false, 0},
                {"+1", 9, false, 0},
                {"1 ", 99, false, 0},
                {"1a", 99, false, 0},
                {"9223372036854775807", INT64_MAX, true, INT64_MAX},
                {"9223372036854775808", INT64_MAX, false, 0},
                {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
                {"18446744073709551616", UINT64_MAX, false, 0},
                {"99999999999999999999", UINT64_MAX, false, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t value = 0;
        bool good = mun_decimal_take(mun_slice_cstr(rows[i].text), rows[i].max, &value);
        assert_int_equal(good, rows[i].good);
        assert_true(value == rows[i].value);
    }
}

static void test_signature_line(void **state)
{
    (void)state;
    mun_slice name, base64;
    assert_true(mun_signature_line_split(MUN_LITERAL("— a b c"), &name, &base64));
    assert_true(mun_slice_equal(name, MUN_LITERAL("a")));
    assert_true(mun_slice_equal(base64, MUN_LITERAL("b c")));
    static const char *const bad[] = {"", "- a b", "– a b", "—a b", "— ", "— ab"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(mun_signature_line_split(mun_slice_cstr(bad[i]), &name, &base64));
}

/* [CKPT-4] */
static void test_key_name(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "example.com/foo", "ü", "\xe2\x82\xac",
                                       "\xf0\x9f\x98\x80"};
    static const char *const bad[] = {"",
                                      "a b",
                                      "a+b",
                                      "a\tb",
                                      "a\xc2\xa0",
                                      "\xc2\x85",
                                      "\xe1\x9a\x80",
                                      "\xe2\x80\x80",
                                      "\xe2\x80\x8a",
                                      "\xe2\x80\xa8",
                                      "\xe2\x80\xa9",
                                      "\xe2\x80\xaf",
                                      "\xe2\x81\x9f",
                                      "\xe3\x80\x80",
                                      "\xff",
                                      "a\xc3"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(mun_key_name_valid(mun_slice_cstr(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(mun_key_name_valid(mun_slice_cstr(bad[i])));
}

/* Every code point there and back; every other sequence of two and three bytes is refused by count:
 * as many are accepted as there are code points. [CBOR-5] */
static void test_utf8_all(void **state)
{
    (void)state;
    unsigned two = 0, three = 0;
    for (unsigned n = 0; n < 65536; n++) {
        uint8_t bytes[2] = {(uint8_t)(n >> 8), (uint8_t)n};
        mun_cursor c = mun_cursor_over(mun_slice_of(bytes, 2));
        mun_utf8_take(&c);
        if (mun_cursor_done(&c)) two++;
    }
    assert_int_equal(two, 0x800 - 0x80);
    for (unsigned n = 0x800000; n < 0x1000000; n++) {
        uint8_t bytes[3] = {(uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
        mun_cursor c = mun_cursor_over(mun_slice_of(bytes, 3));
        mun_utf8_take(&c);
        if (mun_cursor_done(&c)) three++;
    }
    assert_int_equal(three, 0x10000 - 0x800 - 0x800);
}

static void test_utf8_four(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } rows[] = {{"\xf0\x90\x80\x80", true},
                {"\xf4\x8f\xbf\xbf", true},
                {"\xf0\x8f\xbf\xbf", false},
                {"\xf4\x90\x80\x80", false},
                {"\xf8\x88\x80\x80", false},
                {"\xf0\x90\x80", false},
                {"\xf0\x90\x80\x41", false},
                {"\x80", false},
                {"\xff", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(mun_utf8_valid(mun_slice_cstr(rows[i].text)), rows[i].good);
}

static void test_hidden(void **state)
{
    (void)state;
    static const uint32_t hidden[] = {0, 0x1b, 0x7f, 0x9b, 0x200b, 0x202e, 0x2028, 0x2066, 0xfeff};
    static const uint32_t shown[] = {' ', 'a', 0xa0, 0xe9, 0x2010, 0x20ac, 0x1f600};
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        assert_true(mun_unicode_is_hidden(hidden[i]));
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        assert_false(mun_unicode_is_hidden(shown[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_take), cmocka_unit_test(test_line_expect),
        cmocka_unit_test(test_decimal),   cmocka_unit_test(test_signature_line),
        cmocka_unit_test(test_key_name),  cmocka_unit_test(test_utf8_all),
        cmocka_unit_test(test_utf8_four), cmocka_unit_test(test_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
