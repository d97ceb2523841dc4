/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused before the host's table is asked [KEY-4] [KEY-6]: its verify says yes to all. */
#include "support/cmocka_all.h"

#include "evidence/cose.h"

static mun_code yes(void *ctx, int32_t alg, const mun_public_key *key, const mun_slice *parts,
                    size_t n_parts, mun_slice signature)
{
    (void)alg, (void)key, (void)parts, (void)n_parts, (void)signature;
    ++*(int *)ctx;
    return MUN_OK;
}

static mun_code ask(int32_t alg, const mun_public_key *key, size_t signature_len, int *ret_asked)
{
    static const uint8_t signature[64];
    *ret_asked = 0;
    mun_crypto crypto = {.ctx = ret_asked, .verify = yes};
    mun_slice message = MUN_LITERAL("message");
    return mun_signature_check(&crypto, alg, key, &message, 1,
                               mun_slice_of(signature, signature_len));
}

static mun_public_key ed25519(uint8_t first, uint8_t middle, uint8_t last)
{
    mun_public_key key = {.kty = MUN_KTY_OKP, .crv = MUN_CRV_ED25519, .x_len = 32};
    memset(key.x, middle, 32);
    key.x[0] = first;
    key.x[31] = last;
    return key;
}

static void refused(int32_t alg, mun_public_key key, size_t signature_len)
{
    int asked;
    assert_int_equal(ask(alg, &key, signature_len, &asked), MUN_E_INVALID);
    assert_int_equal(asked, 0);
}

static void asked(mun_public_key key)
{
    int times;
    assert_int_equal(ask(MUN_ALG_EDDSA, &key, 64, &times), MUN_OK);
    assert_int_equal(times, 1);
}

/* RFC 8032 section 5.1.3. p = 2^255 - 19 is ed ff .. ff 7f. */
static void test_ed25519_keys_that_do_not_decode(void **state)
{
    (void)state;
    for (unsigned first = 0xed; first <= 0xff; first++) {
        refused(MUN_ALG_EDDSA, ed25519((uint8_t)first, 0xff, 0x7f), 64);
        refused(MUN_ALG_EDDSA, ed25519((uint8_t)first, 0xff, 0xff), 64);
    }
    refused(MUN_ALG_ED25519, ed25519(0x01, 0x00, 0x80), 64); /* y = 1, so x = 0, with a sign */
    refused(MUN_ALG_ED25519, ed25519(0xec, 0xff, 0xff), 64); /* y = p - 1 */
}

static void test_ed25519_keys_at_the_border_are_asked_about(void **state)
{
    (void)state;
    asked(ed25519(0x01, 0x00, 0x00));
    asked(ed25519(0xec, 0xff, 0x7f));
    asked(ed25519(0xeb, 0xff, 0xff));
    asked(ed25519(0xed, 0xff, 0x7e));
    asked(ed25519(0x02, 0x00, 0x80));
    mun_public_key key = ed25519(0xff, 0xff, 0x7f);
    key.x[17] = 0xfe;
    asked(key);
    key = ed25519(0x01, 0x00, 0x80);
    key.x[9] = 1;
    asked(key);
}

static void test_width_kind_and_algorithm(void **state)
{
    (void)state;
    int times;
    mun_public_key key = ed25519(0x02, 0x00, 0x00);
    refused(MUN_ALG_EDDSA, key, 63);
    refused(MUN_ALG_EDDSA, key, 0);
    refused(MUN_ALG_ES256, key, 64);
    assert_int_equal(ask(-260, &key, 64, &times), MUN_E_UNSUPPORTED);
    assert_int_equal(times, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ed25519_keys_that_do_not_decode),
        cmocka_unit_test(test_ed25519_keys_at_the_border_are_asked_about),
        cmocka_unit_test(test_width_kind_and_algorithm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
