/* SPDX-License-Identifier: Apache-2.0 */
/* Digests against the examples of FIPS 180-4; random bytes; the life of a table. */
#include "base/slice.h"
#include "support/native_crypto.h"
#include "support/unhex.h"

#include <muniment/keys.h>
#include <string.h>

#define TWO_BLOCKS "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"

static const struct {
    int32_t alg;
    const char *message, *digest;
} examples[] = {
    {MUN_HASH_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {MUN_HASH_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {MUN_HASH_SHA256, TWO_BLOCKS,
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {MUN_HASH_SHA384, "abc",
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
     "8086072ba1e7cc2358baeca134c825a7"},
    {MUN_HASH_SHA512, "abc",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
};

/* Every way of cutting the message into three parts gives the same digest. */
static void check_example(size_t i)
{
    mun_slice whole = mun_slice_cstr(examples[i].message);
    uint8_t want[MUN_DIGEST_MAX];
    size_t want_len = unhex(examples[i].digest, want, sizeof want);
    for (size_t a = 0; a <= whole.len; a++) {
        for (size_t b = a; b <= whole.len; b++) {
            const mun_slice parts[] = {
                {whole.ptr, a}, {whole.ptr + a, b - a}, {whole.ptr + b, whole.len - b}};
            uint8_t got[MUN_DIGEST_MAX] = {0};
            size_t len = 0;
            assert_int_equal(crypto.digest(crypto.ctx, examples[i].alg, parts, 3, got, &len),
                             MUN_OK);
            assert_int_equal(len, want_len);
            assert_memory_equal(got, want, want_len);
        }
    }
}

static void test_fips_180(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) check_example(i);
}

static void test_sha256_agrees(void **state)
{
    (void)state;
    const mun_slice parts[] = {MUN_LITERAL("ab"), {NULL, 0}, MUN_LITERAL("c")};
    uint8_t one[MUN_HASH_SIZE], other[MUN_DIGEST_MAX];
    size_t len = 0;
    crypto.sha256(crypto.ctx, parts, 3, one);
    assert_int_equal(crypto.digest(crypto.ctx, MUN_HASH_SHA256, parts, 3, other, &len), MUN_OK);
    assert_memory_equal(one, other, sizeof one);
    /* No parts at all: the empty message. */
    crypto.sha256(crypto.ctx, NULL, 0, one);
    unhex(examples[0].digest, other, sizeof other);
    assert_memory_equal(one, other, sizeof one);
}

static void test_unknown_digest(void **state)
{
    (void)state;
    uint8_t got[MUN_DIGEST_MAX];
    size_t len = 7;
    const int32_t unknown[] = {0, -14, -15, -17, -18, MUN_ALG_ES256, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_int_equal(crypto.digest(crypto.ctx, unknown[i], NULL, 0, got, &len),
                         MUN_E_UNSUPPORTED);
    }
    assert_int_equal(len, 7);
}

static void test_random(void **state)
{
    (void)state;
    uint8_t bytes[256] = {0};
    assert_int_equal(mun_native_random(NULL, bytes, 0), MUN_OK);
    assert_int_equal(bytes[0], 0);
    assert_int_equal(mun_native_random(NULL, bytes, sizeof bytes - 1), MUN_OK);
    assert_int_equal(bytes[255], 0);
    unsigned ones = 0;
    for (size_t i = 0; i < 255; i++) ones += (unsigned)__builtin_popcount(bytes[i]);
    /* 2040 fair coins: outside of 700..1340 with a chance below 2^-140. */
    assert_true(ones > 700 && ones < 1340);
}

static void test_cleanse(void **state)
{
    (void)state;
    char secret[] = "secret";
    mun_cleanse(secret, 3);
    assert_memory_equal(secret, "\0\0\0ret", 6);
}

static void test_free_accepts_nothing(void **state)
{
    (void)state;
    mun_crypto none = {0};
    mun_native_crypto_free(NULL);
    mun_native_crypto_free(&none);
    mun_private_key_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fips_180),       cmocka_unit_test(test_sha256_agrees),
        cmocka_unit_test(test_unknown_digest), cmocka_unit_test(test_random),
        cmocka_unit_test(test_cleanse),        cmocka_unit_test(test_free_accepts_nothing),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}
