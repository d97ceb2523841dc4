/* SPDX-License-Identifier: Apache-2.0 */
/* The writer makes the shortest form of everything [CBOR-13], and the reader gives it back. */
#include "support/cmocka_all.h"

#include "codec/cbor.h"

static uint8_t store[1024];

static mun_buf fresh(void)
{
    return mun_buf_fixed(store, sizeof store);
}

static void test_heads(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        size_t len;
    } heads[] = {{0, 1},         {23, 1},         {24, 2},
                 {255, 2},       {256, 3},        {65535, 3},
                 {65536, 5},     {UINT32_MAX, 5}, {(uint64_t)UINT32_MAX + 1, 9},
                 {UINT64_MAX, 9}};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        for (mun_cbor_type type = MUN_CBOR_UINT; type <= MUN_CBOR_NEGATIVE; type++) {
            mun_buf buf = fresh();
            mun_cbor_put_head(&buf, type, heads[i].value);
            assert_int_equal(buf.len, heads[i].len);
            assert_int_equal(mun_cbor_check(mun_buf_slice(&buf), MUN_CBOR_STRICT, NULL), MUN_OK);
            mun_cursor c = mun_cursor_over(mun_buf_slice(&buf));
            mun_cbor_item item = mun_cbor_take(&c);
            assert_int_equal(item.type, type);
            assert_true(item.value == heads[i].value);
        }
}

static void test_ints_round_trip(void **state)
{
    (void)state;
    static const int64_t values[] = {0,   1,    -1,   23,    24,     -24,       -25,
                                     255, -256, -257, 65535, -65701, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        mun_buf buf = fresh();
        mun_cbor_put_int(&buf, values[i]);
        mun_cursor c = mun_cursor_over(mun_buf_slice(&buf));
        mun_cbor_item item = mun_cbor_take(&c);
        int64_t back;
        assert_true(mun_cbor_int(&item, &back) && back == values[i]);
    }
}

static void test_strings_and_null(void **state)
{
    (void)state;
    mun_buf buf = fresh();
    mun_cbor_put_head(&buf, MUN_CBOR_ARRAY, 3);
    mun_cbor_put_bytes(&buf, MUN_LITERAL("\x01\x02"));
    mun_cbor_put_text(&buf, MUN_LITERAL("é"));
    mun_cbor_put_null(&buf);
    assert_memory_equal(store, "\x83\x42\x01\x02\x62\xc3\xa9\xf6", 8);
    assert_int_equal(buf.len, 8);
}

/* mun_cbor_wrap_bytes with contents around every change of head length. */
static void test_wrap(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 23, 24, 255, 256, 300};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        mun_buf buf = fresh();
        mun_buf_u8(&buf, 0x81);
        for (size_t k = 0; k < lengths[i]; k++) mun_buf_u8(&buf, (uint8_t)k);
        mun_cbor_wrap_bytes(&buf, 1);
        mun_cursor c = mun_cursor_over(mun_buf_slice(&buf));
        mun_cbor_item array = mun_cbor_take(&c);
        mun_cursor inner = mun_cbor_open(&array);
        mun_cbor_item bytes = mun_cbor_take(&inner);
        assert_true(mun_cursor_done(&c) && mun_cursor_done(&inner));
        assert_int_equal(bytes.inside.len, lengths[i]);
        for (size_t k = 0; k < lengths[i]; k++) assert_int_equal(bytes.inside.ptr[k], (uint8_t)k);
    }
}

static void test_wrap_without_room(void **state)
{
    (void)state;
    uint8_t small[4];
    mun_buf buf = mun_buf_fixed(small, sizeof small);
    mun_buf_u32(&buf, 1);
    mun_cbor_wrap_bytes(&buf, 0);
    assert_false(mun_buf_ok(&buf));
    mun_cbor_wrap_bytes(&buf, 0); /* latched: nothing happens */
    assert_int_equal(buf.len, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_ints_round_trip),
        cmocka_unit_test(test_strings_and_null),
        cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_wrap_without_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
