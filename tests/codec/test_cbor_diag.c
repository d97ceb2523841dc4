/* SPDX-License-Identifier: Apache-2.0 */
/* Diagnostic notation: the examples of RFC 8949 appendix A that fit here, and what is opened. */
#include "support/cmocka_all.h"

#include <stdio.h>

#include "codec/cbor.h"
#include "codec/radix.h"

static char shown[8192];

static const char *diag(const char *hex)
{
    uint8_t bytes[2048];
    mun_buf in = mun_buf_fixed(bytes, sizeof bytes);
    assert_true(mun_hex_take(mun_slice_cstr(hex), &in));
    mun_buf out = mun_buf_fixed(shown, sizeof shown - 1);
    assert_int_equal(mun_cbor_diag(mun_buf_slice(&in), &out, NULL), MUN_OK);
    shown[out.len] = '\0';
    return shown;
}

static void test_appendix_a(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *text;
    } examples[] = {
        {"00", "0"},
        {"1bffffffffffffffff", "18446744073709551615"},
        {"3bffffffffffffffff", "-18446744073709551616"},
        {"3903e7", "-1000"},
        {"f4", "false"},
        {"f5", "true"},
        {"f6", "null"},
        {"f7", "undefined"},
        {"f0", "simple(16)"},
        {"f8ff", "simple(255)"},
        {"c11a514b67b0", "1(1363896240)"},
        {"40", "h''"},
        {"4401020304", "h'01020304'"},
        {"62225c", "\"\\\"\\\\\""},
        {"62c3bc", "\"ü\""},
        {"80", "[]"},
        {"a0", "{}"},
        {"83010203", "[\n  1,\n  2,\n  3\n]"},
        {"a201020304", "{\n  1: 2,\n  3: 4\n}"},
        {"8201820203", "[\n  1,\n  [\n    2,\n    3\n  ]\n]"},
        {"5f42010243030405ff", "(_ h'0102', h'030405')"},
        {"7f61616162ff", "(_ \"a\", \"b\")"},
        {"9fff", "[_]"},
        {"9f01ff", "[_\n  1\n]"},
        {"bf61619f0203ffff", "{_\n  \"a\": [_\n    2,\n    3\n  ]\n}"},
        {"f97e00", "float'7e00'"},
        {"fb3ff199999999999a", "float'3ff199999999999a'"},
        {"1801", "1_0"},
        {"190001", "1_1"},
        {"1a00000001", "1_2"},
        {"1b0000000000000001", "1_3"},
        {"3801", "-2_0"},
        {"580100", "h'00'_0"},
        {"980100", "[_0\n  0\n]"},
        {"d80100", "1_0(0)"},
        {"63e280ae", "\"\\u202e\""}, /* turns the writing direction */
        {"610a", "\"\\u000a\""},
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++)
        assert_string_equal(diag(examples[i].hex), examples[i].text);
}

/* A protected header, a receipt in a header, and a proof in that are opened; the rest is not. */
static void test_opened(void **state)
{
    (void)state;
    static const char receipt[] = "d28443a10126a119018ca1208149830201814401020304f64161";
    char hex[256];
    snprintf(hex, sizeof hex, "d28443a10126a119018a8158%02zx%s43a1012642aabb",
             (sizeof receipt - 1) / 2, receipt);
    assert_string_equal(diag(hex), "18([\n"
                                   "  << {\n"
                                   "    1: -7\n"
                                   "  } >>,\n"
                                   "  {\n"
                                   "    394: [\n"
                                   "      << 18([\n"
                                   "        << {\n"
                                   "          1: -7\n"
                                   "        } >>,\n"
                                   "        {\n"
                                   "          396: {\n"
                                   "            -1: [\n"
                                   "              << [\n"
                                   "                2,\n"
                                   "                1,\n"
                                   "                [\n"
                                   "                  h'01020304'\n"
                                   "                ]\n"
                                   "              ] >>\n"
                                   "            ]\n"
                                   "          }\n"
                                   "        },\n"
                                   "        null,\n"
                                   "        h'61'\n"
                                   "      ]) >>\n"
                                   "    ]\n"
                                   "  },\n"
                                   "  h'a10126',\n"
                                   "  h'aabb'\n"
                                   "])");
}

static void test_not_opened(void **state)
{
    (void)state;
    assert_string_equal(diag("43a10126"), "h'a10126'");
    assert_string_equal(diag("d18443a10126a04040"), "17([\n  h'a10126',\n  {},\n  h'',\n  h''\n])");
    assert_string_equal(diag("d28443a10100a04040"), "18([\n  << {\n    1: 0\n  } >>,\n  {},\n  h'',"
                                                    "\n  h''\n])");
    assert_string_equal(diag("d28443a20100a04040"),
                        "18([\n  h'a20100',\n  {},\n  h'',\n  h''\n])"); /* not well-formed */
    assert_string_equal(diag("42d284"), "h'd284'");
}

/* Opened strings in each other: the third level stays closed, and the stack holds. */
static void test_nesting(void **state)
{
    (void)state;
    uint8_t bytes[512];
    mun_buf buf = mun_buf_fixed(bytes, sizeof bytes);
    mun_buf_text(&buf, "\x41"
                       "a");
    for (unsigned level = 0; level < 4; level++) {
        uint8_t inner[512];
        mun_buf wrapped = mun_buf_fixed(inner, sizeof inner);
        for (unsigned i = 0; i < 14; i++) mun_buf_u8(&wrapped, 0x81);
        mun_buf_text(&wrapped, "\xd2\x84");
        mun_buf_text(&wrapped, "\x40\xa0\x40");
        mun_cbor_put_bytes(&wrapped, mun_buf_slice(&buf));
        mun_buf_clear(&buf);
        mun_buf_text(&buf, "\xd2\x84\x40\xa0\x40");
        mun_cbor_put_bytes(&buf, mun_slice_of(inner, wrapped.len));
    }
    mun_buf out = mun_buf_fixed(shown, sizeof shown);
    assert_int_equal(mun_cbor_diag(mun_buf_slice(&buf), &out, NULL), MUN_OK);
}

static void test_refused(void **state)
{
    (void)state;
    mun_error err;
    mun_buf out = mun_buf_fixed(shown, sizeof shown);
    assert_int_equal(mun_cbor_diag(MUN_LITERAL("\x82\x01"), &out, &err), MUN_E_MALFORMED);
    mun_buf tiny = mun_buf_fixed(shown, 3);
    assert_int_equal(mun_cbor_diag(MUN_LITERAL("\x82\x01\x02"), &tiny, &err), MUN_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appendix_a), cmocka_unit_test(test_opened),
        cmocka_unit_test(test_not_opened), cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
