/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of docs/format/cbor.md one by one, and the reader of items. */
#include "support/cmocka_all.h"

#include "codec/cbor.h"
#include "codec/radix.h"

static mun_slice unhex(const char *hex)
{
    static uint8_t bytes[8192];
    mun_buf buf = mun_buf_fixed(bytes, sizeof bytes);
    assert_true(mun_hex_take(mun_slice_cstr(hex), &buf));
    return mun_buf_slice(&buf);
}

typedef struct row {
    const char *hex;
    bool strict, carried;
    uint64_t offset; /* of the fault in strict mode */
} row;

static const row rows[] = {
    {"0000", false, false, 1},               /* [CBOR-1] bytes after the end */
    {"1c", false, false, 0},                 /* [CBOR-2] reserved */
    {"df", false, false, 0},                 /* tag of indefinite length */
    {"ff", false, false, 0},                 /* break outside */
    {"81ff", false, false, 1},               /* break in a definite array */
    {"bf00ff", false, false, 0},             /* break instead of a value */
    {"f818", false, false, 0},               /* simple 24 in two bytes */
    {"f820", true, true, 0},                 /* simple 32 */
    {"9bffffffffffffffff", false, false, 0}, /* [CBOR-4] */
    {"bbffffffffffffffff", false, false, 0},
    {"5bffffffffffffffff00", false, false, 0},
    {"a2000001", false, false, 0},       /* two pairs in three bytes */
    {"62c328", false, false, 0},         /* [CBOR-5] */
    {"63eda080", false, false, 0},       /* a surrogate */
    {"7f61c361a9ff", false, false, 0},   /* chunks are valid each by itself */
    {"a1800000", false, false, 1},       /* [CBOR-6] an array as key */
    {"a1f500", false, false, 1},         /* a simple value as key */
    {"bf5f4100ff00ff", false, false, 0}, /* an indefinite string as key */
    {"a201000100", false, false, 3},     /* [CBOR-7] */
    {"a20100180100", false, false, 3},   /* the same number, encoded longer */
    {"a2616100780161"
     "00",
     false, false, 0},
    {"a2416100616100", true, true, 0}, /* bytes are not text */
    {"a2200000"
     "00",
     true, true, 0},                       /* -1 is not 0 */
    {"a10081a201000100", false, false, 0}, /* at depth */
    {"1817", false, true, 0},              /* [CBOR-10] */
    {"1900ff", false, true, 0},
    {"1a0000ffff", false, true, 0},
    {"1b00000000ffffffff", false, true, 0},
    {"580100", false, true, 0},
    {"d81200", false, true, 0},
    {"f90000", true, true, 0}, /* floats keep their width */
    {"fa00000000", true, true, 0},
    {"9f00ff", false, true, 0}, /* [CBOR-11] */
    {"5f4100ff", false, true, 0},
    {"5f5f4100ffff", false, false, 0}, /* a chunk of indefinite length */
    {"5f6100ff", false, false, 0},     /* a chunk of another type */
    {"5f", false, false, 0},
    {"5f4100", false, false, 0},
    {"5f42ff", false, false, 0},
    {"bf0001ff", false, true, 0},
    {"a2010002"
     "00",
     true, true, 0},
    {"a2020001"
     "00",
     true, true, 0}, /* unsorted */
};

static void test_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mun_slice bytes = unhex(rows[i].hex);
        mun_error err = {.offset = 99};
        mun_code strict = mun_cbor_check(bytes, MUN_CBOR_STRICT, &err);
        mun_code carried = mun_cbor_check(bytes, MUN_CBOR_CARRIED, NULL);
        if ((strict == MUN_OK) != rows[i].strict || (carried == MUN_OK) != rows[i].carried)
            fail_msg("%s: strict %d carried %d", rows[i].hex, strict, carried);
        if (strict != MUN_OK && rows[i].offset > 0) assert_int_equal(err.offset, rows[i].offset);
        if (strict != MUN_OK) assert_true(err.text[0] != '\0' && err.code == MUN_E_MALFORMED);
    }
}

/* [CBOR-3]: sixteen open, not seventeen; an empty array counts too, and a tag. */
static void test_depth(void **state)
{
    (void)state;
    static const uint8_t openers[] = {0x81, 0xc1, 0x9f};
    for (size_t k = 0; k < sizeof openers; k++)
        for (size_t depth = 15; depth <= 18; depth++) {
            uint8_t bytes[64] = {0};
            size_t len = depth + 1;
            memset(bytes, openers[k], depth);
            if (openers[k] == 0x9f) {
                memset(bytes + len, 0xff, depth);
                len += depth;
            }
            mun_code code = mun_cbor_check(mun_slice_of(bytes, len), MUN_CBOR_CARRIED, NULL);
            assert_int_equal(code, depth <= 16 ? MUN_OK : MUN_E_MALFORMED);
            mun_cursor c = mun_cursor_over(mun_slice_of(bytes, len));
            assert_int_equal(mun_cbor_take(&c).type != MUN_CBOR_NONE, depth <= 16);
        }
    uint8_t sixteen_and_empty[17];
    memset(sixteen_and_empty, 0x81, 16);
    sixteen_and_empty[16] = 0x80;
    mun_slice all = mun_slice_of(sixteen_and_empty, 17);
    assert_int_equal(mun_cbor_check(all, MUN_CBOR_CARRIED, NULL), MUN_E_MALFORMED);
}

/* A map of n pairs, in descending order when asked, definite or not. */
static mun_slice big_map(unsigned n, bool descending, bool indefinite)
{
    static uint8_t bytes[4096];
    mun_buf buf = mun_buf_fixed(bytes, sizeof bytes);
    if (indefinite)
        mun_buf_u8(&buf, 0xbf);
    else
        mun_cbor_put_head(&buf, MUN_CBOR_MAP, n);
    for (unsigned i = 0; i < n; i++) {
        mun_cbor_put_int(&buf, descending ? n - i : i);
        mun_cbor_put_int(&buf, 0);
    }
    if (indefinite) mun_buf_u8(&buf, 0xff);
    return mun_buf_slice(&buf);
}

/* [CBOR-8] */
static void test_pairs(void **state)
{
    (void)state;
    for (unsigned n = 254; n <= 258; n++) {
        mun_code expected = n <= 256 ? MUN_OK : MUN_E_MALFORMED;
        assert_int_equal(mun_cbor_check(big_map(n, false, false), MUN_CBOR_STRICT, NULL), expected);
        assert_int_equal(mun_cbor_check(big_map(n, true, false), MUN_CBOR_STRICT, NULL), expected);
        assert_int_equal(mun_cbor_check(big_map(n, true, true), MUN_CBOR_CARRIED, NULL), expected);
        assert_int_equal(mun_cbor_check(big_map(n, false, false), MUN_CBOR_DETERMINISTIC, NULL),
                         expected);
        assert_int_equal(mun_cbor_check(big_map(n, true, false), MUN_CBOR_DETERMINISTIC, NULL),
                         MUN_E_MALFORMED);
    }
}

/* [CBOR-7] wherever the second one stands among many, and [CBOR-13] the order of some keys. */
static void test_duplicate_anywhere(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 40; first++)
        for (unsigned second = first + 1; second < 40; second++) {
            uint8_t map[2 + 2 * 40 * 2] = {0xb8, 40};
            for (unsigned i = 0; i < 40; i++) {
                unsigned key = (i * 7) % 40;
                if (i == second) key = (first * 7) % 40;
                map[2 + 4 * i] = 0x41;
                map[3 + 4 * i] = (uint8_t)key;
                map[4 + 4 * i] = 0x41;
            }
            mun_slice bytes = mun_slice_of(map, sizeof map);
            assert_int_equal(mun_cbor_check(bytes, MUN_CBOR_STRICT, NULL), MUN_E_MALFORMED);
        }
    mun_slice sorted = unhex("a7"
                             "0100"
                             "0200"
                             "0f00"
                             "19010200"
                             "2000"
                             "2100"
                             "3a000100a300");
    assert_int_equal(mun_cbor_check(sorted, MUN_CBOR_DETERMINISTIC, NULL), MUN_OK);
}

static void test_take(void **state)
{
    (void)state;
    mun_slice bytes = unhex("d28443a10126a04568656c6c6f43616263");
    assert_int_equal(mun_cbor_check(bytes, MUN_CBOR_STRICT, NULL), MUN_OK);
    mun_cursor c = mun_cursor_over(bytes);
    mun_cbor_item tag = mun_cbor_take(&c);
    assert_true(mun_cursor_done(&c));
    assert_int_equal(tag.type, MUN_CBOR_TAG);
    assert_int_equal(tag.value, 18);
    assert_int_equal(tag.whole.len, bytes.len);
    mun_cursor inside = mun_cbor_open(&tag);
    mun_cbor_item array = mun_cbor_take(&inside);
    assert_int_equal(array.value, 4);
    mun_cursor elements = mun_cbor_open(&array);
    size_t n = 0;
    static const mun_cbor_type types[] = {MUN_CBOR_BYTES, MUN_CBOR_MAP, MUN_CBOR_BYTES,
                                          MUN_CBOR_BYTES};
    while (mun_cbor_more(&elements)) assert_int_equal(mun_cbor_take(&elements).type, types[n++]);
    assert_int_equal(n, 4);
    assert_int_equal(mun_cbor_take(&elements).type, MUN_CBOR_NONE);
    assert_false(mun_cursor_ok(&elements));
}

static void test_take_indefinite(void **state)
{
    (void)state;
    mun_slice bytes = unhex("9f015f4101ff02ff");
    mun_cursor c = mun_cursor_over(bytes);
    mun_cbor_item array = mun_cbor_take(&c);
    assert_true(array.indefinite);
    mun_cursor elements = mun_cbor_open(&array);
    assert_int_equal(mun_cbor_take(&elements).value, 1);
    mun_cbor_item chunks = mun_cbor_take(&elements);
    assert_false(mun_cbor_is_string(&chunks, MUN_CBOR_BYTES)); /* [CBOR-12] */
    assert_int_equal(mun_cbor_take(&elements).value, 2);
    assert_false(mun_cbor_more(&elements));
}

static void test_take_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "ff", "8201", "1c", "42aa", "a100", "9f", "5f00ff"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mun_cursor c = mun_cursor_over(unhex(bad[i]));
        assert_int_equal(mun_cbor_take(&c).type, MUN_CBOR_NONE);
        assert_false(mun_cbor_more(&c));
        assert_int_equal(mun_cbor_take(&c).type, MUN_CBOR_NONE);
    }
}

static void test_int(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool fits;
        int64_t value;
    } ints[] = {{"00", true, 0},
                {"20", true, -1},
                {"3a000100a3", true, -65700},
                {"1b7fffffffffffffff", true, INT64_MAX},
                {"3b7fffffffffffffff", true, INT64_MIN},
                {"1b8000000000000000", false, 0},
                {"3b8000000000000000", false, 0},
                {"4100", false, 0}};
    for (size_t i = 0; i < sizeof ints / sizeof ints[0]; i++) {
        mun_cursor c = mun_cursor_over(unhex(ints[i].hex));
        mun_cbor_item item = mun_cbor_take(&c);
        int64_t value = 0;
        assert_int_equal(mun_cbor_int(&item, &value), ints[i].fits);
        assert_true(value == ints[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),    cmocka_unit_test(test_depth),
        cmocka_unit_test(test_pairs),    cmocka_unit_test(test_duplicate_anywhere),
        cmocka_unit_test(test_take),     cmocka_unit_test(test_take_indefinite),
        cmocka_unit_test(test_take_bad), cmocka_unit_test(test_int),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
