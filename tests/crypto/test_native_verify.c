/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures against the examples of RFC 8032 section 7.1 and RFC 6979 appendix A.2, RSA-PSS
 * against OpenSSL, and all that must be refused: [KEY-1], [KEY-4], [KEY-5], [KEY-6].
 */
#include "base/slice.h"
#include "crypto/signature_check.h"
#include "support/native_crypto.h"
#include "support/unhex.h"

#include <muniment/keys.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

static const struct example {
    int32_t alg, alias;
    int32_t kty, crv;
    const char *x, *y, *message, *signature;
} examples[] = {
    {MUN_ALG_EDDSA, MUN_ALG_ED25519, MUN_KTY_OKP, MUN_CRV_ED25519,
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
     "b46bd25bf5f0595bbe24655141438e7a100b"},
    {MUN_ALG_EDDSA, MUN_ALG_ED25519, MUN_KTY_OKP, MUN_CRV_ED25519,
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
     "1d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {MUN_ALG_EDDSA, MUN_ALG_ED25519, MUN_KTY_OKP, MUN_CRV_ED25519,
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
     "c6594a7c15e9716ed28dc027beceea1ec40a"},
    /* "sample" */
    {MUN_ALG_ES256, MUN_ALG_ESP256, MUN_KTY_EC2, MUN_CRV_P256,
     "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6",
     "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299", "73616d706c65",
     "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
     "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"},
    {MUN_ALG_ES384, MUN_ALG_ESP384, MUN_KTY_EC2, MUN_CRV_P384,
     "EC3A4E415B4E19A4568618029F427FA5DA9A8BC4AE92E02E06AAE5286B300C64"
     "DEF8F0EA9055866064A254515480BC13",
     "8015D9B72D7D57244EA8EF9AC0C621896708A59367F9DFB9F54CA84B3F1C9DB1"
     "288B231C3AE0D4FE7344FD2533264720",
     "73616d706c65",
     "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C"
     "81A648152E44ACF96E36DD1E80FABE46"
     "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94F"
     "A329C145786E679E7B82C71A38628AC8"},
    {MUN_ALG_ES512, MUN_ALG_ESP512, MUN_KTY_EC2, MUN_CRV_P521,
     "01894550D0785932E00EAA23B694F213F8C3121F86DC97A04E5A7167DB4E5BCD37"
     "1123D46E45DB6B5D5370A7F20FB633155D38FFA16D2BD761DCAC474B9A2F5023A4",
     "00493101C962CD4D2FDDF782285E64584139C2F91B47F87FF82354D6630F746A28"
     "A0DB25741B5B34A828008B22ACC23F924FAAFBD4D33F81EA66956DFEAA2BFDFCF5",
     "73616d706c65",
     "00C328FAFCBD79DD77850370C46325D987CB525569FB63C5D3BC53950E6D4C5F17"
     "4E25A1EE9017B5D450606ADD152B534931D7D4E8455CC91F9B15BF05EC36E377FA"
     "00617CCE7CF5064806C467F678D3B4080D6F1CC50AF26CA209417308281B68AF28"
     "2623EAA63E5B5C0723D8B8C37FF0777B1A20F8CCB1DCCC43997F1EE0E44DA4A67A"},
};
#define EXAMPLES (sizeof examples / sizeof examples[0])

static const int32_t all_algs[] = {
    MUN_ALG_ES256, MUN_ALG_EDDSA, MUN_ALG_ESP256, MUN_ALG_ED25519, MUN_ALG_ES384,  MUN_ALG_ES512,
    MUN_ALG_PS256, MUN_ALG_PS384, MUN_ALG_PS512,  MUN_ALG_ESP384,  MUN_ALG_ESP512,
};
#define ALGS (sizeof all_algs / sizeof all_algs[0])

typedef struct signed_bytes {
    mun_public_key key;
    uint8_t message[16], signature[MUN_SIGNATURE_MAX];
    size_t message_len, signature_len;
} signed_bytes;

static signed_bytes load(const struct example *e)
{
    signed_bytes s = {.key = {.kty = e->kty, .crv = e->crv}};
    s.key.x_len = (uint16_t)unhex(e->x, s.key.x, sizeof s.key.x);
    s.key.y_len = (uint16_t)unhex(e->y, s.key.y, sizeof s.key.y);
    s.message_len = unhex(e->message, s.message, sizeof s.message);
    s.signature_len = unhex(e->signature, s.signature, sizeof s.signature);
    return s;
}

static mun_code verify(int32_t alg, const signed_bytes *s)
{
    const mun_slice message = mun_slice_of(s->message, s->message_len);
    return crypto.verify(crypto.ctx, alg, &s->key, &message, 1,
                         mun_slice_of(s->signature, s->signature_len));
}

static void test_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        signed_bytes s = load(&examples[i]);
        assert_int_equal(mun_public_key_check(&s.key, NULL), MUN_OK);
        assert_int_equal(verify(examples[i].alg, &s), MUN_OK);
        assert_int_equal(verify(examples[i].alias, &s), MUN_OK);
        /* The message in two parts, and with an empty one, is the same message. */
        size_t half = s.message_len / 2;
        const mun_slice parts[] = {
            {s.message, half}, {NULL, 0}, {s.message + half, s.message_len - half}};
        mun_slice signature = mun_slice_of(s.signature, s.signature_len);
        assert_int_equal(crypto.verify(crypto.ctx, examples[i].alg, &s.key, parts, 3, signature),
                         MUN_OK);
    }
}

/* [KEY-4] */
static void test_label_must_fit_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        signed_bytes s = load(&examples[i]);
        for (size_t a = 0; a < ALGS; a++) {
            bool fits = all_algs[a] == examples[i].alg || all_algs[a] == examples[i].alias;
            assert_int_equal(verify(all_algs[a], &s), fits ? MUN_OK : MUN_E_UNSUPPORTED);
        }
        const int32_t unknown[] = {0, 1, -6, -10, -36 - 1000, -257, INT32_MIN, INT32_MAX};
        for (size_t a = 0; a < sizeof unknown / sizeof unknown[0]; a++) {
            assert_int_equal(verify(unknown[a], &s), MUN_E_UNSUPPORTED);
        }
    }
}

static void test_single_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        signed_bytes s = load(&examples[i]);
        for (size_t at = 0; at < s.signature_len; at++) {
            s.signature[at] ^= (uint8_t)(1u << (at % 8));
            assert_int_equal(verify(examples[i].alg, &s), MUN_E_INVALID);
            s.signature[at] ^= (uint8_t)(1u << (at % 8));
        }
        for (size_t bit = 0; bit < 8 * s.message_len; bit++) {
            s.message[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            assert_int_equal(verify(examples[i].alg, &s), MUN_E_INVALID);
            s.message[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        s.message_len++;
        assert_int_equal(verify(examples[i].alg, &s), MUN_E_INVALID);
    }
}

static void test_signature_lengths(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        signed_bytes s = load(&examples[i]);
        size_t right = s.signature_len;
        for (s.signature_len = 0; s.signature_len < right + 3; s.signature_len++) {
            if (s.signature_len == right) continue;
            assert_int_equal(verify(examples[i].alg, &s), MUN_E_INVALID);
        }
        s.signature_len = MUN_SIGNATURE_MAX;
        assert_int_equal(verify(examples[i].alg, &s), MUN_E_INVALID);
    }
}

/* [KEY-5]: 1 <= r, s < n; s and n-s are both good. n is the order of P-256 (FIPS 186). */
static void test_ecdsa_ranges(void **state)
{
    (void)state;
    uint8_t n[32], high[32];
    unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", n, sizeof n);
    for (size_t half = 0; half < 2; half++) {
        signed_bytes s = load(&examples[3]);
        memset(s.signature + 32 * half, 0, 32);
        assert_int_equal(verify(MUN_ALG_ES256, &s), MUN_E_INVALID);
        memcpy(s.signature + 32 * half, n, 32);
        assert_int_equal(verify(MUN_ALG_ES256, &s), MUN_E_INVALID);
        memset(s.signature + 32 * half, 0xff, 32);
        assert_int_equal(verify(MUN_ALG_ES256, &s), MUN_E_INVALID);
    }
    signed_bytes s = load(&examples[3]);
    unsigned borrow = 0;
    for (size_t i = 32; i-- > 0;) {
        unsigned d = 256u + n[i] - s.signature[32 + i] - borrow;
        high[i] = (uint8_t)d;
        borrow = d < 256;
    }
    memcpy(s.signature + 32, high, 32);
    assert_int_equal(verify(MUN_ALG_ES256, &s), MUN_OK);
}

/* [KEY-6]: S must be below the order L of the group; S + L would be a second valid signature. */
static void test_ed25519_malleability(void **state)
{
    (void)state;
    signed_bytes s = load(&examples[1]);
    uint8_t order[32]; /* little-endian, as in the signature */
    unhex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", order, sizeof order);
    unsigned carry = 0;
    for (size_t i = 0; i < 32; i++) {
        carry += s.signature[32 + i] + order[i];
        s.signature[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(verify(MUN_ALG_EDDSA, &s), MUN_E_INVALID);
}

/* [KEY-1] and points that are on no curve: every signature under such a key is wrong. */
static void test_bad_points(void **state)
{
    (void)state;
    for (size_t i = 3; i < EXAMPLES; i++) {
        signed_bytes s = load(&examples[i]);
        mun_error err = {0};
        s.key.y[s.key.y_len - 1] ^= 1;
        assert_int_equal(verify(examples[i].alg, &s), MUN_E_INVALID);
        assert_int_equal(mun_public_key_check(&s.key, &err), MUN_E_MALFORMED);
        assert_non_null(strstr(err.text, "curve"));
        s = load(&examples[i]);
        memset(s.key.x, 0xff, s.key.x_len); /* not below the field's prime */
        assert_int_equal(verify(examples[i].alg, &s), MUN_E_INVALID);
        memset(s.key.x, 0, s.key.x_len);
        memset(s.key.y, 0, s.key.y_len);
        assert_int_equal(verify(examples[i].alg, &s), MUN_E_INVALID);
    }
}

static void test_bad_widths(void **state)
{
    (void)state;
    for (size_t i = 0; i < EXAMPLES; i++) {
        for (int change = -1; change <= 1; change += 2) {
            signed_bytes s = load(&examples[i]);
            s.key.x_len = (uint16_t)(s.key.x_len + change);
            assert_int_equal(verify(examples[i].alg, &s), MUN_E_INVALID);
            assert_int_equal(mun_public_key_check(&s.key, NULL), MUN_E_MALFORMED);
            if (s.key.kty == MUN_KTY_OKP) continue;
            s = load(&examples[i]);
            s.key.y_len = (uint16_t)(s.key.y_len + change);
            assert_int_equal(verify(examples[i].alg, &s), MUN_E_INVALID);
            assert_int_equal(mun_public_key_check(&s.key, NULL), MUN_E_MALFORMED);
        }
    }
    mun_public_key unknown = {.kty = 4, .crv = 1};
    assert_int_equal(mun_public_key_check(&unknown, NULL), MUN_E_UNSUPPORTED);
    unknown = (mun_public_key){.kty = MUN_KTY_OKP, .crv = MUN_CRV_P256, .x_len = 32};
    assert_int_equal(mun_public_key_check(&unknown, NULL), MUN_E_UNSUPPORTED);
}

/* More keys than the cache holds, in turns, so that slots are reused; each checks its own only. */
static void test_many_keys(void **state)
{
    (void)state;
    enum { KEYS = 70 };
    static signed_bytes made[KEYS];
    for (size_t i = 0; i < KEYS; i++) {
        mun_private_key *key = NULL;
        mun_signer signer;
        assert_int_equal(
            mun_private_key_generate(i % 2 == 0 ? MUN_ALG_ES256 : MUN_ALG_EDDSA, &key, NULL),
            MUN_OK);
        mun_private_key_signer(key, &signer);
        made[i] = (signed_bytes){.key = signer.key, .message = "many", .message_len = 4};
        const mun_slice message = mun_slice_of(made[i].message, 4);
        assert_int_equal(
            signer.sign(signer.ctx, &message, 1, made[i].signature, &made[i].signature_len),
            MUN_OK);
        mun_private_key_free(key);
    }
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < KEYS; i++) {
            int32_t alg = i % 2 == 0 ? MUN_ALG_ES256 : MUN_ALG_EDDSA;
            assert_int_equal(verify(alg, &made[i]), MUN_OK);
            signed_bytes other = made[i];
            other.key = made[(i + 2) % KEYS].key;
            assert_int_equal(verify(alg, &other), MUN_E_INVALID);
        }
    }
}

static mun_public_key cache_key(unsigned i)
{
    mun_public_key key = {.kty = MUN_KTY_OKP, .crv = MUN_CRV_ED25519, .x_len = 32};
    key.x[0] = (uint8_t)i;
    return key;
}

static EVP_PKEY *ready(key_cache *cache, unsigned i)
{
    mun_public_key key = cache_key(i);
    ready_key *got = NULL;
    assert_int_equal(key_cache_get(cache, scheme_find(MUN_ALG_EDDSA), &key, &got), MUN_OK);
    return got->pkey;
}

/* The one that goes is the one unused longest; a key that cannot be built drives none out. */
static void test_cache_order(void **state)
{
    (void)state;
    static key_cache cache;
    EVP_PKEY *held[KEY_CACHE_SIZE];
    for (unsigned i = 0; i < KEY_CACHE_SIZE; i++) held[i] = ready(&cache, i);
    assert_ptr_equal(ready(&cache, 0), held[0]); /* now 1 is the oldest */
    for (unsigned i = 0; i < KEY_CACHE_SIZE; i++) EVP_PKEY_up_ref(held[i]);
    mun_public_key bad = cache_key(9);
    bad.x_len = 31;
    ready_key *got = NULL;
    assert_int_equal(key_cache_get(&cache, scheme_find(MUN_ALG_EDDSA), &bad, &got), MUN_E_INVALID);
    assert_null(got);
    ready(&cache, 200);
    for (unsigned i = 0; i < KEY_CACHE_SIZE; i++) {
        if (i != 1) assert_ptr_equal(ready(&cache, i), held[i]);
    }
    assert_ptr_not_equal(ready(&cache, 1), held[1]);
    for (unsigned i = 0; i < KEY_CACHE_SIZE; i++) EVP_PKEY_free(held[i]);
    key_cache_clear(&cache);
}

/* ---- RSA ---- */

static EVP_PKEY *rsa;
static signed_bytes rsa_signed; /* its key only */

static int rsa_setup(void **state)
{
    (void)state;
    rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    BIGNUM *n = NULL, *e = NULL;
    if (rsa == NULL || EVP_PKEY_get_bn_param(rsa, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
        EVP_PKEY_get_bn_param(rsa, OSSL_PKEY_PARAM_RSA_E, &e) != 1) {
        return -1;
    }
    mun_public_key *key = &rsa_signed.key;
    key->kty = MUN_KTY_RSA;
    key->n_len = (uint16_t)BN_bn2bin(n, key->n);
    key->e_len = (uint16_t)BN_bn2bin(e, key->e);
    BN_free(n);
    BN_free(e);
    return 0;
}

static int rsa_teardown(void **state)
{
    (void)state;
    EVP_PKEY_free(rsa);
    return 0;
}

/* A signature over "sample" by OpenSSL, with what the caller asks for. */
static signed_bytes rsa_sign(const EVP_MD *md, const EVP_MD *mgf, int padding, int salt)
{
    signed_bytes s = rsa_signed;
    s.message_len = 6;
    memcpy(s.message, "sample", 6);
    s.signature_len = sizeof s.signature;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *how = NULL;
    assert_int_equal(EVP_DigestSignInit(ctx, &how, md, NULL, rsa), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(how, padding), 1);
    if (padding == RSA_PKCS1_PSS_PADDING) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(how, salt), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md(how, mgf), 1);
    }
    assert_int_equal(EVP_DigestSign(ctx, s.signature, &s.signature_len, s.message, 6), 1);
    EVP_MD_CTX_free(ctx);
    return s;
}

static void test_pss(void **state)
{
    (void)state;
    const int32_t algs[] = {MUN_ALG_PS256, MUN_ALG_PS384, MUN_ALG_PS512};
    const EVP_MD *mds[] = {EVP_sha256(), EVP_sha384(), EVP_sha512()};
    for (size_t i = 0; i < 3; i++) {
        signed_bytes s = rsa_sign(mds[i], mds[i], RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST);
        for (size_t a = 0; a < ALGS; a++) {
            bool pss = all_algs[a] <= MUN_ALG_PS256 && all_algs[a] >= MUN_ALG_PS512;
            mun_code want = all_algs[a] == algs[i] ? MUN_OK
                            : pss                  ? MUN_E_INVALID
                                                   : MUN_E_UNSUPPORTED;
            assert_int_equal(verify(all_algs[a], &s), want);
        }
        s.signature[100] ^= 1;
        assert_int_equal(verify(algs[i], &s), MUN_E_INVALID);
        s.signature[100] ^= 1;
        s.signature_len--;
        assert_int_equal(verify(algs[i], &s), MUN_E_INVALID);
        s.signature_len += 2;
        assert_int_equal(verify(algs[i], &s), MUN_E_INVALID);
    }
}

/* [KEY-6]: the salt is as long as the hash, MGF1 uses the same hash; PKCS #1 v1.5 is none of ours.
 */
static void test_pss_parameters(void **state)
{
    (void)state;
    const int salts[] = {0, 31, 33, 64, RSA_PSS_SALTLEN_MAX};
    for (size_t i = 0; i < 5; i++) {
        signed_bytes s = rsa_sign(EVP_sha256(), EVP_sha256(), RSA_PKCS1_PSS_PADDING, salts[i]);
        assert_int_equal(verify(MUN_ALG_PS256, &s), MUN_E_INVALID);
    }
    signed_bytes s = rsa_sign(EVP_sha256(), EVP_sha384(), RSA_PKCS1_PSS_PADDING, 32);
    assert_int_equal(verify(MUN_ALG_PS256, &s), MUN_E_INVALID);
    s = rsa_sign(EVP_sha256(), NULL, RSA_PKCS1_PADDING, 0);
    assert_int_equal(verify(MUN_ALG_PS256, &s), MUN_E_INVALID);
}

static void refused_key(const signed_bytes *s)
{
    assert_int_equal(verify(MUN_ALG_PS256, s), MUN_E_INVALID);
    assert_int_equal(mun_public_key_check(&s->key, NULL), MUN_E_MALFORMED);
}

/* [KEY-1]: 256 to 512 bytes, no leading zero; the same for e with 1 to 8. */
static void test_rsa_sizes(void **state)
{
    (void)state;
    signed_bytes good =
        rsa_sign(EVP_sha256(), EVP_sha256(), RSA_PKCS1_PSS_PADDING, RSA_PSS_SALTLEN_DIGEST);
    assert_int_equal(mun_public_key_check(&good.key, NULL), MUN_OK);
    signed_bytes s = good;
    s.key.n_len = 255;
    refused_key(&s);
    s.key.n_len = 513;
    refused_key(&s);
    s = good; /* the same numbers behind a zero byte */
    memmove(s.key.n + 1, s.key.n, s.key.n_len++);
    s.key.n[0] = 0;
    refused_key(&s);
    s = good;
    memmove(s.key.e + 1, s.key.e, s.key.e_len++);
    s.key.e[0] = 0;
    refused_key(&s);
    s = good;
    memset(s.key.e, 1, sizeof s.key.e);
    s.key.e_len = 0;
    refused_key(&s);
    s.key.e_len = 9;
    refused_key(&s);
    assert_int_equal(verify(MUN_ALG_PS256, &good), MUN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_label_must_fit_key),
        cmocka_unit_test(test_single_bits),
        cmocka_unit_test(test_signature_lengths),
        cmocka_unit_test(test_ecdsa_ranges),
        cmocka_unit_test(test_ed25519_malleability),
        cmocka_unit_test(test_bad_points),
        cmocka_unit_test(test_bad_widths),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_cache_order),
        cmocka_unit_test_setup_teardown(test_pss, rsa_setup, rsa_teardown),
        cmocka_unit_test_setup_teardown(test_pss_parameters, rsa_setup, rsa_teardown),
        cmocka_unit_test_setup_teardown(test_rsa_sizes, rsa_setup, rsa_teardown),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}
