/* SPDX-License-Identifier: Apache-2.0 */
/* SubjectPublicKeyInfo as DER and PEM: one form of each key, everything else refused. */
#include "base/buf.h"
#include "base/slice.h"
#include "support/cmocka_all.h"

#include <muniment/keys.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

/* OpenSSL's own encoding of its own key. */
static size_t openssl_der(EVP_PKEY *pkey, uint8_t *ret, size_t cap)
{
    unsigned char *at = ret;
    int len = i2d_PUBKEY(pkey, NULL);
    assert_true(len > 0 && (size_t)len <= cap);
    return (size_t)i2d_PUBKEY(pkey, &at);
}

static const struct {
    const char *type, *group;
    int32_t kty, crv;
} kinds[] = {
    {"EC", "P-256", MUN_KTY_EC2, MUN_CRV_P256},
    {"EC", "P-384", MUN_KTY_EC2, MUN_CRV_P384},
    {"EC", "P-521", MUN_KTY_EC2, MUN_CRV_P521},
    {"ED25519", NULL, MUN_KTY_OKP, MUN_CRV_ED25519},
    {"RSA", NULL, MUN_KTY_RSA, 0},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

static EVP_PKEY *keys[KINDS];

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        keys[i] = kinds[i].group != NULL ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", kinds[i].group)
                  : kinds[i].crv != 0    ? EVP_PKEY_Q_keygen(NULL, NULL, kinds[i].type)
                                         : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
        if (keys[i] == NULL) return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) EVP_PKEY_free(keys[i]);
    return 0;
}

static void test_der_there_and_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        uint8_t der[MUN_PUBLIC_DER_MAX], ours[MUN_PUBLIC_DER_MAX];
        size_t len = openssl_der(keys[i], der, sizeof der);
        mun_public_key key;
        assert_int_equal(mun_public_key_from_der(mun_slice_of(der, len), &key, NULL), MUN_OK);
        assert_int_equal(key.kty, kinds[i].kty);
        assert_int_equal(key.crv, kinds[i].crv);
        mun_buf buf = mun_buf_fixed(ours, sizeof ours);
        mun_public_key_to_der(&key, &buf);
        assert_true(mun_buf_ok(&buf));
        assert_int_equal(buf.len, len);
        assert_memory_equal(ours, der, len);
    }
}

static void test_pem_is_openssls(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        uint8_t der[MUN_PUBLIC_DER_MAX], pem[MUN_PUBLIC_PEM_MAX];
        size_t len = openssl_der(keys[i], der, sizeof der);
        mun_public_key key, again;
        assert_int_equal(mun_public_key_from_der(mun_slice_of(der, len), &key, NULL), MUN_OK);
        mun_buf buf = mun_buf_fixed(pem, sizeof pem);
        mun_public_key_to_pem(&key, &buf);
        assert_true(mun_buf_ok(&buf));
        BIO *bio = BIO_new(BIO_s_mem());
        char *theirs = NULL;
        assert_int_equal(PEM_write_bio_PUBKEY(bio, keys[i]), 1);
        assert_int_equal(BIO_get_mem_data(bio, &theirs), buf.len);
        assert_memory_equal(theirs, pem, buf.len);
        BIO_free(bio);
        assert_int_equal(mun_public_key_from_pem(mun_buf_slice(&buf), &again, NULL), MUN_OK);
        assert_memory_equal(&again, &key, sizeof key);
    }
}

/* The largest key there can be fits into the buffers that the header promises. */
static void test_sizes_promised(void **state)
{
    (void)state;
    mun_public_key key = {.kty = MUN_KTY_RSA, .n_len = MUN_RSA_MODULUS_MAX, .e_len = 8};
    memset(key.n, 0xff, sizeof key.n);
    memset(key.e, 0xff, sizeof key.e);
    uint8_t bytes[MUN_PUBLIC_PEM_MAX];
    mun_buf buf = mun_buf_fixed(bytes, MUN_PUBLIC_DER_MAX);
    mun_public_key_to_der(&key, &buf);
    assert_true(mun_buf_ok(&buf));
    mun_public_key back;
    assert_int_equal(mun_public_key_from_der(mun_buf_slice(&buf), &back, NULL), MUN_OK);
    assert_memory_equal(&back, &key, sizeof key);
    buf = mun_buf_fixed(bytes, sizeof bytes);
    mun_public_key_to_pem(&key, &buf);
    assert_true(mun_buf_ok(&buf));
    buf = mun_buf_fixed(bytes, 100);
    mun_public_key_to_pem(&key, &buf);
    assert_false(mun_buf_ok(&buf));
}

static void test_bad_key_latches(void **state)
{
    (void)state;
    mun_public_key key = {.kty = MUN_KTY_EC2, .crv = MUN_CRV_P256, .x_len = 32, .y_len = 32};
    uint8_t bytes[MUN_PUBLIC_PEM_MAX];
    mun_buf buf = mun_buf_fixed(bytes, sizeof bytes);
    mun_public_key_to_der(&key, &buf);
    assert_false(mun_buf_ok(&buf));
    buf = mun_buf_fixed(bytes, sizeof bytes);
    mun_public_key_to_pem(&key, &buf);
    assert_false(mun_buf_ok(&buf));
}

/* No single-bit change outside the key's own numbers, no cut and no addition is read. */
static void test_der_changes(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        uint8_t der[MUN_PUBLIC_DER_MAX + 1];
        size_t len = openssl_der(keys[i], der, MUN_PUBLIC_DER_MAX);
        mun_public_key key;
        for (size_t bit = 0; bit < 8 * len; bit++) {
            der[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            mun_code code = mun_public_key_from_der(mun_slice_of(der, len), &key, NULL);
            bool number = kinds[i].kty != MUN_KTY_EC2; /* any number may be a key there */
            if (code == MUN_OK && !number) fail_msg("bit %zu of a %s key", bit, kinds[i].type);
            if (bit < 8 * 6) assert_int_not_equal(code, MUN_OK);
            der[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        for (size_t cut = 0; cut < len; cut++) {
            assert_int_not_equal(mun_public_key_from_der(mun_slice_of(der, cut), &key, NULL),
                                 MUN_OK);
        }
        der[len] = 0;
        assert_int_not_equal(mun_public_key_from_der(mun_slice_of(der, len + 1), &key, NULL),
                             MUN_OK);
    }
}

static mun_code read_openssl(EVP_PKEY *pkey)
{
    uint8_t der[2048];
    size_t len = openssl_der(pkey, der, sizeof der);
    mun_public_key key;
    mun_code code = mun_public_key_from_der(mun_slice_of(der, len), &key, NULL);
    EVP_PKEY_free(pkey);
    return code;
}

static void test_other_kinds(void **state)
{
    (void)state;
    assert_int_equal(read_openssl(EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024)),
                     MUN_E_UNSUPPORTED);
    assert_int_equal(read_openssl(EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1")),
                     MUN_E_UNSUPPORTED);
    assert_int_equal(read_openssl(EVP_PKEY_Q_keygen(NULL, NULL, "X25519")), MUN_E_UNSUPPORTED);
    assert_int_equal(read_openssl(EVP_PKEY_Q_keygen(NULL, NULL, "ED448")), MUN_E_UNSUPPORTED);
}

/* A compressed point and a curve spelt out as parameters are the same keys in other bytes. */
static void test_other_forms(void **state)
{
    (void)state;
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    assert_int_equal(EVP_PKEY_set_utf8_string_param(pkey, "point-format", "compressed"), 1);
    assert_int_equal(read_openssl(pkey), MUN_E_MALFORMED);
    pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    assert_int_equal(EVP_PKEY_set_utf8_string_param(pkey, "encoding", "explicit"), 1);
    assert_int_not_equal(read_openssl(pkey), MUN_OK);
}

static void expect_pem(const char *pem, mun_code want, const char *part)
{
    mun_public_key key;
    mun_error err = {0};
    assert_int_equal(mun_public_key_from_pem(mun_slice_cstr(pem), &key, &err), want);
    assert_non_null(strstr(err.text, part));
}

static void test_other_pem(void **state)
{
    (void)state;
    expect_pem("", MUN_E_MALFORMED, "PEM");
    expect_pem("hello", MUN_E_MALFORMED, "PEM");
    expect_pem("-----BEGIN PUBLIC KEY-----\nMFkw\n", MUN_E_MALFORMED, "PEM");
    expect_pem("-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n", MUN_E_MALFORMED,
               "public key");
    expect_pem("-----BEGIN CERTIFICATE-----\nMFkw\n-----END CERTIFICATE-----\n", MUN_E_MALFORMED,
               "CERTIFICATE");
    expect_pem("-----BEGIN PRIVATE KEY-----\nMFkw\n-----END PRIVATE KEY-----\n", MUN_E_MALFORMED,
               ".pub");
    expect_pem("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMFkw\n-----END ENCRYPTED PRIVATE KEY-----\n",
               MUN_E_MALFORMED, ".pub");
    expect_pem("-----BEGIN X509 CRL-----\nMFkw\n-----END X509 CRL-----\n", MUN_E_UNSUPPORTED,
               "X509 CRL");
    static char large[MUN_PEM_MAX + 2];
    memset(large, 'a', sizeof large - 1);
    expect_pem(large, MUN_E_LIMIT, "65536");
}

/* A certificate made for each kind of key gives that key. */
static void test_certificates(void **state)
{
    (void)state;
    EVP_PKEY *issuer = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    for (size_t i = 0; i < KINDS; i++) {
        X509 *certificate = X509_new();
        assert_int_equal(X509_set_pubkey(certificate, keys[i]), 1);
        assert_true(X509_gmtime_adj(X509_getm_notBefore(certificate), 0) != NULL);
        assert_true(X509_gmtime_adj(X509_getm_notAfter(certificate), 60) != NULL);
        assert_true(X509_sign(certificate, issuer, EVP_sha256()) > 0);
        BIO *bio = BIO_new(BIO_s_mem());
        assert_int_equal(PEM_write_bio_X509(bio, certificate), 1);
        char *pem = NULL;
        long len = BIO_get_mem_data(bio, &pem);
        mun_public_key key, want;
        uint8_t der[MUN_PUBLIC_DER_MAX];
        size_t der_len = openssl_der(keys[i], der, sizeof der);
        assert_int_equal(mun_public_key_from_der(mun_slice_of(der, der_len), &want, NULL), MUN_OK);
        assert_int_equal(mun_public_key_from_pem(mun_slice_of(pem, (size_t)len), &key, NULL),
                         MUN_OK);
        assert_memory_equal(&key, &want, sizeof key);
        BIO_free(bio);
        X509_free(certificate);
    }
    EVP_PKEY_free(issuer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_der_there_and_back), cmocka_unit_test(test_pem_is_openssls),
        cmocka_unit_test(test_sizes_promised),     cmocka_unit_test(test_bad_key_latches),
        cmocka_unit_test(test_der_changes),        cmocka_unit_test(test_other_kinds),
        cmocka_unit_test(test_other_forms),        cmocka_unit_test(test_other_pem),
        cmocka_unit_test(test_certificates),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
