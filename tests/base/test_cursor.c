/* SPDX-License-Identifier: Apache-2.0 */
/* The latching cursor: values, bounds, and that a failure stays. And the helpers on slices. */
#include "base/cursor.h"
#include "support/cmocka_all.h"

static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0xff};

static void test_big_endian(void **state)
{
    (void)state;
    mun_cursor c = mun_cursor_over(mun_slice_of(bytes, sizeof bytes));
    assert_int_equal(mun_cursor_u8(&c), 0x01);
    assert_int_equal(mun_cursor_u16(&c), 0x0203);
    assert_int_equal(mun_cursor_u32(&c), 0x04050607);
    assert_int_equal(mun_cursor_offset(&c), 7);
    assert_int_equal(mun_cursor_left(&c), 2);
    assert_true(mun_cursor_ok(&c));
    assert_false(mun_cursor_done(&c));
    c = mun_cursor_over(mun_slice_of(bytes + 1, 8));
    assert_true(mun_cursor_u64(&c) == UINT64_C(0x02030405060708ff));
    assert_true(mun_cursor_done(&c));
}

/* Each reader over each shorter input: zero, the latch, and the place where it failed. */
static void test_too_short(void **state)
{
    (void)state;
    const size_t widths[] = {1, 2, 4, 8};
    for (size_t w = 0; w < 4; w++) {
        for (size_t len = 0; len < widths[w]; len++) {
            mun_cursor c = mun_cursor_over(mun_slice_of(bytes, len));
            uint64_t v = w == 0   ? mun_cursor_u8(&c)
                         : w == 1 ? mun_cursor_u16(&c)
                         : w == 2 ? mun_cursor_u32(&c)
                                  : mun_cursor_u64(&c);
            assert_true(v == 0);
            assert_false(mun_cursor_ok(&c));
            assert_false(mun_cursor_done(&c));
            assert_int_equal(mun_cursor_offset(&c), 0);
        }
    }
}

static void test_latch(void **state)
{
    (void)state;
    mun_cursor c = mun_cursor_over(mun_slice_of(bytes, sizeof bytes));
    assert_int_equal(mun_cursor_take(&c, 3).len, 3);
    mun_slice none = mun_cursor_take(&c, SIZE_MAX);
    assert_true(none.len == 0 && none.ptr == NULL);
    assert_int_equal(mun_cursor_offset(&c), 3);
    /* There are bytes left, but no reader gives them any more. */
    assert_int_equal(mun_cursor_u8(&c), 0);
    assert_int_equal(mun_cursor_take(&c, 0).len, 0);
    assert_int_equal(mun_cursor_offset(&c), 3);
    assert_false(mun_cursor_ok(&c));
}

static void test_take(void **state)
{
    (void)state;
    mun_cursor c = mun_cursor_over(mun_slice_of(bytes, sizeof bytes));
    mun_slice all = mun_cursor_take(&c, sizeof bytes);
    assert_ptr_equal(all.ptr, bytes); /* borrowed, not copied */
    assert_int_equal(all.len, sizeof bytes);
    assert_true(mun_cursor_done(&c));
    assert_int_equal(mun_cursor_take(&c, 0).len, 0);
    assert_true(mun_cursor_done(&c));
}

static void test_nothing(void **state)
{
    (void)state;
    mun_cursor c = mun_cursor_over((mun_slice){0});
    assert_true(mun_cursor_done(&c));
    assert_int_equal(mun_cursor_left(&c), 0);
    assert_int_equal(mun_cursor_take(&c, 0).len, 0);
    assert_true(mun_cursor_done(&c));
    assert_int_equal(mun_cursor_u8(&c), 0);
    assert_false(mun_cursor_ok(&c));
}

static void test_slices(void **state)
{
    (void)state;
    const mun_slice none = {0}, empty = MUN_LITERAL(""), abc = MUN_LITERAL("abc");
    assert_int_equal(abc.len, 3);
    assert_int_equal(mun_slice_cstr("abcd").len, 4);
    assert_true(mun_slice_equal(none, empty));
    assert_true(mun_slice_equal(abc, mun_slice_cstr("abc")));
    assert_false(mun_slice_equal(abc, mun_slice_cstr("abd")));
    assert_false(mun_slice_equal(abc, mun_slice_cstr("ab")));
    assert_true(mun_slice_starts(abc, none));
    assert_true(mun_slice_starts(none, empty));
    assert_true(mun_slice_starts(abc, mun_slice_cstr("ab")));
    assert_true(mun_slice_starts(abc, abc));
    assert_false(mun_slice_starts(abc, mun_slice_cstr("ac")));
    assert_false(mun_slice_starts(abc, mun_slice_cstr("abcd")));
    assert_true(mun_slice_equal(MUN_LITERAL("a\0b"), mun_slice_of("a\0b", 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_big_endian), cmocka_unit_test(test_too_short),
        cmocka_unit_test(test_latch),      cmocka_unit_test(test_take),
        cmocka_unit_test(test_nothing),    cmocka_unit_test(test_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
