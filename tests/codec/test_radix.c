/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as text, both ways; the canonical form only. */
#include "support/cmocka_all.h"

#include "codec/radix.h"

static uint8_t out_bytes[512];

static mun_buf fresh(void)
{
    return mun_buf_fixed(out_bytes, sizeof out_bytes);
}

/* RFC 4648 section 10. */
static const struct {
    const char *plain, *padded, *url;
} vectors[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xfe", "+//+", "-__-"},
};

static void test_base64_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        mun_slice plain = mun_slice_cstr(vectors[i].plain);
        mun_buf buf = fresh();
        mun_base64_put(&buf, plain);
        assert_true(mun_slice_equal(mun_buf_slice(&buf), mun_slice_cstr(vectors[i].padded)));
        buf = fresh();
        mun_base64url_put(&buf, plain);
        assert_true(mun_slice_equal(mun_buf_slice(&buf), mun_slice_cstr(vectors[i].url)));
        buf = fresh();
        assert_true(mun_base64_take(mun_slice_cstr(vectors[i].padded), &buf));
        assert_true(mun_slice_equal(mun_buf_slice(&buf), plain));
        buf = fresh();
        assert_true(mun_base64url_take(mun_slice_cstr(vectors[i].url), &buf));
        assert_true(mun_slice_equal(mun_buf_slice(&buf), plain));
        size_t len = 99;
        assert_true(mun_base64_valid(mun_slice_cstr(vectors[i].padded), &len));
        assert_int_equal(len, plain.len);
    }
}

/* All texts of four characters out of a few: accepted exactly when writing what was read gives the
 * text back. */
static void test_base64_canonical(void **state)
{
    (void)state;
    static const char some[] = "AQgwZ/+-_=9 \n";
    unsigned accepted = 0;
    for (unsigned n = 0; n < 13 * 13 * 13 * 13; n++) {
        char text[4];
        for (unsigned i = 0, rest = n; i < 4; i++, rest /= 13) text[i] = some[rest % 13];
        uint8_t bytes[3], again[4];
        mun_buf read = mun_buf_fixed(bytes, 3), written = mun_buf_fixed(again, 4);
        mun_slice whole = mun_slice_of(text, 4);
        bool good = mun_base64_take(whole, &read);
        size_t len;
        assert_int_equal(mun_base64_valid(whole, &len), good);
        if (!good) continue;
        mun_base64_put(&written, mun_buf_slice(&read));
        assert_true(mun_slice_equal(mun_buf_slice(&written), whole));
        assert_int_equal(len, read.len);
        accepted++;
    }
    /* seven digits: 7^4 full groups, 7^3 with one pad by zero bits in the third, 7^2 with two */
    assert_true(accepted > 2401);
}

static void test_base64_refused(void **state)
{
    (void)state;
    static const char *const padded[] = {"Z",    "Zg",   "Zg=",   "Zg===", "====",   "=",
                                         "Zh==", "Zm9=", "Zm9v=", "Zm 9",  "Zm9v\n", "Zg==Zg=="};
    for (size_t i = 0; i < sizeof padded / sizeof padded[0]; i++) {
        mun_buf buf = fresh();
        assert_false(mun_base64_take(mun_slice_cstr(padded[i]), &buf));
    }
    static const char *const url[] = {"Z", "Zg==", "Zh", "Zm9", "+//+", "Zm9vY"};
    for (size_t i = 0; i < sizeof url / sizeof url[0]; i++) {
        mun_buf buf = fresh();
        assert_false(mun_base64url_take(mun_slice_cstr(url[i]), &buf));
    }
    uint8_t small[2];
    mun_buf no_room = mun_buf_fixed(small, sizeof small);
    assert_false(mun_base64_take(MUN_LITERAL("Zm9v"), &no_room));
}

static void test_hex(void **state)
{
    (void)state;
    mun_buf buf = fresh();
    assert_true(mun_hex_take(MUN_LITERAL("00aAfF9"
                                         "1"),
                             &buf));
    assert_memory_equal(out_bytes, "\x00\xaa\xff\x91", 4);
    static const char *const bad[] = {"0", "0g", "g0", "/0", ":0", "@0", "`0", " 0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        buf = fresh();
        assert_false(mun_hex_take(mun_slice_cstr(bad[i]), &buf));
    }
}

/* draft-msporny-base58 section 5, and leading zeros. */
static void test_base58(void **state)
{
    (void)state;
    static const struct {
        mun_slice bytes;
        const char *text;
    } examples[] = {
        {MUN_LITERAL("Hello World!"), "2NEpo7TZRRrLZSi2U"},
        {MUN_LITERAL("The quick brown fox jumps over the lazy dog."),
         "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z"},
        {MUN_LITERAL("\x00\x00\x28\x7f\xb4\xcd"), "11233QC4"},
        {MUN_LITERAL(""), ""},
        {MUN_LITERAL("\x00"), "1"},
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        mun_buf buf = fresh();
        mun_base58_put(&buf, examples[i].bytes);
        assert_true(mun_slice_equal(mun_buf_slice(&buf), mun_slice_cstr(examples[i].text)));
    }
    uint8_t most[MUN_BASE58_BYTES_MAX + 1];
    memset(most, 0xff, sizeof most);
    mun_buf buf = fresh();
    mun_base58_put(&buf, mun_slice_of(most, MUN_BASE58_BYTES_MAX));
    assert_true(mun_buf_ok(&buf) && buf.len == 88);
    mun_base58_put(&buf, mun_slice_of(most, sizeof most));
    assert_false(mun_buf_ok(&buf));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64_vectors), cmocka_unit_test(test_base64_canonical),
        cmocka_unit_test(test_base64_refused), cmocka_unit_test(test_hex),
        cmocka_unit_test(test_base58),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
