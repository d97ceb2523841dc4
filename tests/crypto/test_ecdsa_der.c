/* SPDX-License-Identifier: Apache-2.0 */
/* r || s to DER and back: leading zeros, sign bits, the largest width, and damaged DER. */
#include "crypto/ecdsa_der.h"
#include "support/unhex.h"

static void check(const char *raw_hex, const char *der_hex)
{
    uint8_t raw[132], der[ECDSA_DER_MAX], want[ECDSA_DER_MAX], back[132];
    size_t raw_len = unhex(raw_hex, raw, sizeof raw), want_len = unhex(der_hex, want, sizeof want);
    size_t len = ecdsa_raw_to_der(mun_slice_of(raw, raw_len), der);
    assert_int_equal(len, want_len);
    assert_memory_equal(der, want, len);
    assert_true(ecdsa_der_to_raw(mun_slice_of(der, len), raw_len / 2, back));
    assert_memory_equal(back, raw, raw_len);
}

static void test_forms(void **state)
{
    (void)state;
    check("01 02", "3006 020101 020102");
    check("7f 80", "3007 02017f 02020080");
    check("0001 0080", "3007 020101 02020080");
    check("8000 ffff", "300a 0203008000 020300ffff");
    check("0000 0000", "3006 020100 020100");
}

static void test_widest(void **state)
{
    (void)state;
    uint8_t raw[132], der[ECDSA_DER_MAX], back[132];
    for (unsigned first = 0; first < 256; first++) {
        memset(raw, 0xff, sizeof raw);
        raw[0] = raw[66] = (uint8_t)first;
        size_t len = ecdsa_raw_to_der(mun_slice_of(raw, sizeof raw), der);
        assert_true(len <= ECDSA_DER_MAX);
        assert_int_equal(der[1], 0x81);
        assert_true(ecdsa_der_to_raw(mun_slice_of(der, len), 66, back));
        assert_memory_equal(back, raw, sizeof raw);
    }
}

static void test_damaged(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "30",
        "3106020101020102", /* not a SEQUENCE */
        "3005020101020102", /* a length too short, too long */
        "3007020101020102",
        "3006030101020102",     /* not an INTEGER */
        "300602010102010203",   /* bytes left over */
        "300502000201020000",   /* an INTEGER of no bytes */
        "300802030101010201ff", /* wider than asked for */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t der[32], raw[4];
        size_t len = unhex(bad[i], der, sizeof der);
        assert_false(ecdsa_der_to_raw(mun_slice_of(der, len), 2, raw));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_widest),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
