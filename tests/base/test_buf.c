/* SPDX-License-Identifier: Apache-2.0 */
/* The latching writer, over fixed memory and growing up to its maximum. */
#include "base/buf.h"

#include "base/error.h"
#include "support/cmocka_all.h"

static void test_values(void **state)
{
    (void)state;
    uint8_t memory[64];
    mun_buf buf = mun_buf_fixed(memory, sizeof memory);
    mun_buf_u8(&buf, 0x01);
    mun_buf_u16(&buf, 0x0203);
    mun_buf_u32(&buf, 0x04050607);
    mun_buf_u64(&buf, UINT64_C(0x08090a0b0c0d0e0f));
    mun_buf_text(&buf, "text");
    mun_buf_put(&buf, MUN_LITERAL("put"));
    mun_buf_put(&buf, (mun_slice){0});
    mun_buf_text(&buf, "");
    static const uint8_t want[] = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
                                  "textput";
    assert_int_equal(buf.len, sizeof want - 1);
    assert_memory_equal(memory, want, sizeof want - 1);
    assert_true(mun_buf_ok(&buf));
    assert_ptr_equal(mun_buf_slice(&buf).ptr, memory);
}

static void check_decimal(uint64_t v, const char *want)
{
    uint8_t memory[20];
    mun_buf buf = mun_buf_fixed(memory, sizeof memory);
    mun_buf_decimal(&buf, v);
    assert_true(mun_slice_equal(mun_buf_slice(&buf), mun_slice_cstr(want)));
}

static void test_numbers_as_text(void **state)
{
    (void)state;
    check_decimal(0, "0");
    check_decimal(9, "9");
    check_decimal(10, "10");
    check_decimal(UINT64_C(1234567890), "1234567890");
    check_decimal(UINT64_MAX, "18446744073709551615");
    uint8_t memory[16];
    mun_buf buf = mun_buf_fixed(memory, sizeof memory);
    mun_buf_hex(&buf, MUN_LITERAL("\x00\x09\x0a\xf0\xff"));
    assert_true(mun_slice_equal(mun_buf_slice(&buf), MUN_LITERAL("00090af0ff")));
}

/* Every capacity from none to enough: all of a write or nothing, and the latch. */
static void test_fixed_overflow(void **state)
{
    (void)state;
    for (size_t cap = 0; cap <= 8; cap++) {
        uint8_t memory[9] = {0};
        memory[cap] = 0xee;
        mun_buf buf = mun_buf_fixed(memory, cap);
        mun_buf_u64(&buf, UINT64_MAX);
        assert_int_equal(mun_buf_ok(&buf), cap == 8);
        assert_int_equal(buf.len, cap == 8 ? 8 : 0);
        assert_int_equal(memory[cap], 0xee);
        if (cap == 8) continue;
        mun_buf_u8(&buf, 1); /* there may be room for this one: the latch holds */
        assert_int_equal(buf.len, 0);
        assert_null(mun_buf_reserve(&buf, 0));
        mun_buf_clear(&buf);
        assert_true(mun_buf_ok(&buf));
        if (cap == 0) continue;
        mun_buf_u8(&buf, 1);
        assert_int_equal(buf.len, 1);
    }
}

static void test_huge_requests(void **state)
{
    (void)state;
    uint8_t memory[4];
    mun_buf fixed = mun_buf_fixed(memory, sizeof memory);
    mun_buf_u8(&fixed, 1);
    assert_null(mun_buf_reserve(&fixed, SIZE_MAX));
    assert_false(mun_buf_ok(&fixed));
    MUN_BUF_AUTO mun_buf growable = mun_buf_growable(1000);
    mun_buf_u8(&growable, 1);
    assert_null(mun_buf_reserve(&growable, SIZE_MAX));
    assert_false(mun_buf_ok(&growable));
    assert_int_equal(growable.len, 1);
}

/* Nothing asked of an empty writer is no overflow. */
static void test_reserve_nothing(void **state)
{
    (void)state;
    MUN_BUF_AUTO mun_buf growable = mun_buf_growable(10);
    mun_buf_reserve(&growable, 0);
    assert_true(mun_buf_ok(&growable));
    mun_buf fixed = mun_buf_fixed(NULL, 0);
    mun_buf_reserve(&fixed, 0);
    assert_true(mun_buf_ok(&fixed));
    assert_int_equal(fixed.len, 0);
}

static void test_growth(void **state)
{
    (void)state;
    const size_t maxima[] = {0, 1, 255, 256, 257, 1000, 70000};
    for (size_t m = 0; m < sizeof maxima / sizeof maxima[0]; m++) {
        MUN_BUF_AUTO mun_buf buf = mun_buf_growable(maxima[m]);
        for (size_t i = 0; i < maxima[m]; i++) mun_buf_u8(&buf, (uint8_t)(i * 7));
        assert_true(mun_buf_ok(&buf));
        assert_int_equal(buf.len, maxima[m]);
        assert_true(buf.cap <= maxima[m]);
        for (size_t i = 0; i < maxima[m]; i++) assert_int_equal(buf.ptr[i], (uint8_t)(i * 7));
        mun_buf_u8(&buf, 1);
        assert_false(mun_buf_ok(&buf));
        assert_int_equal(buf.len, maxima[m]);
    }
}

static void test_growth_in_one_step(void **state)
{
    (void)state;
    MUN_BUF_AUTO mun_buf buf = mun_buf_growable(100000);
    uint8_t *at = mun_buf_reserve(&buf, 100000);
    assert_non_null(at);
    memset(at, 0x5a, 100000);
    assert_int_equal(buf.len, 100000);
    assert_int_equal(buf.cap, 100000);
}

static void test_buf_free(void **state)
{
    (void)state;
    mun_buf_free(NULL);
    mun_buf empty = {0};
    mun_buf_free(&empty);
    uint8_t memory[4] = {1, 2, 3, 4};
    mun_buf fixed = mun_buf_fixed(memory, sizeof memory);
    mun_buf_free(&fixed);
    assert_null(fixed.ptr);
    assert_int_equal(memory[3], 4);
    mun_buf growable = mun_buf_growable(10);
    mun_buf_u8(&growable, 1);
    mun_buf_free(&growable);
    mun_buf_free(&growable);
    assert_int_equal(growable.cap, 0);
}

static bool no_memory(mun_buf *buf, size_t need)
{
    (void)need;
    buf->no_memory = true;
    return false;
}

/* Whoever is told that something is too large must not be told so because the machine is busy. */
static void why_it_overflowed(void **state)
{
    (void)state;
    mun_error err = {0};
    mun_buf poor = {.max = 100, .grow = no_memory};
    mun_buf_text(&poor, "text");
    assert_false(mun_buf_ok(&poor));
    assert_int_equal(mun_buf_fail(&poor, &err, "too large"), MUN_E_MEMORY);
    mun_buf_clear(&poor);
    assert_false(poor.no_memory);
    mun_buf small = mun_buf_growable(3);
    mun_buf_text(&small, "text");
    assert_int_equal(mun_buf_fail(&small, &err, "too large"), MUN_E_LIMIT);
    assert_string_equal(err.text, "too large");
    mun_buf_free(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(why_it_overflowed),       cmocka_unit_test(test_values),
        cmocka_unit_test(test_numbers_as_text),    cmocka_unit_test(test_fixed_overflow),
        cmocka_unit_test(test_huge_requests),      cmocka_unit_test(test_growth),
        cmocka_unit_test(test_growth_in_one_step), cmocka_unit_test(test_buf_free),
        cmocka_unit_test(test_reserve_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
