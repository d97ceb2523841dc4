/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys: making, signing from several threads, PKCS#8 files with and without passphrase. */
#include "base/buf.h"
#include "base/slice.h"
#include "support/native_crypto.h"
#include "support/unhex.h"

#include <muniment/keys.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <string.h>

static const struct {
    int32_t asked, alg, kty, crv;
    size_t signature_len;
} kinds[] = {
    {MUN_ALG_ES256, MUN_ALG_ES256, MUN_KTY_EC2, MUN_CRV_P256, 64},
    {MUN_ALG_ES384, MUN_ALG_ES384, MUN_KTY_EC2, MUN_CRV_P384, 96},
    {MUN_ALG_EDDSA, MUN_ALG_EDDSA, MUN_KTY_OKP, MUN_CRV_ED25519, 64},
    {MUN_ALG_ED25519, MUN_ALG_EDDSA, MUN_KTY_OKP, MUN_CRV_ED25519, 64},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

static mun_private_key *make(int32_t alg)
{
    mun_private_key *key = NULL;
    assert_int_equal(mun_private_key_generate(alg, &key, NULL), MUN_OK);
    return key;
}

static mun_signer signer_of(mun_private_key *key)
{
    mun_signer signer;
    mun_private_key_signer(key, &signer);
    return signer;
}

static void check_signer(const mun_signer *signer, size_t signature_len)
{
    const mun_slice parts[] = {MUN_LITERAL("one"), {NULL, 0}, MUN_LITERAL("two")};
    const mun_slice whole = MUN_LITERAL("onetwo"), other = MUN_LITERAL("onetwp");
    uint8_t signature[MUN_SIGNATURE_MAX];
    size_t len = 0;
    for (int i = 0; i < 50; i++) { /* often enough to meet short r and s */
        assert_int_equal(signer->sign(signer->ctx, parts, 3, signature, &len), MUN_OK);
        assert_int_equal(len, signature_len);
        mun_slice s = mun_slice_of(signature, len);
        assert_int_equal(crypto.verify(crypto.ctx, signer->alg, &signer->key, &whole, 1, s),
                         MUN_OK);
        assert_int_equal(crypto.verify(crypto.ctx, signer->alg, &signer->key, &other, 1, s),
                         MUN_E_INVALID);
    }
    assert_int_equal(signer->sign(signer->ctx, NULL, 0, signature, &len), MUN_OK);
    assert_int_equal(
        crypto.verify(crypto.ctx, signer->alg, &signer->key, NULL, 0, mun_slice_of(signature, len)),
        MUN_OK);
}

static void test_generate_and_sign(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        mun_private_key *key = make(kinds[i].asked), *second = make(kinds[i].asked);
        mun_signer signer = signer_of(key), other = signer_of(second);
        assert_int_equal(signer.alg, kinds[i].alg);
        assert_int_equal(signer.key.kty, kinds[i].kty);
        assert_int_equal(signer.key.crv, kinds[i].crv);
        assert_int_equal(mun_public_key_check(&signer.key, NULL), MUN_OK);
        assert_memory_not_equal(signer.key.x, other.key.x, signer.key.x_len);
        check_signer(&signer, kinds[i].signature_len);
        mun_private_key_free(key);
        mun_private_key_free(second);
    }
    mun_private_key *none = NULL;
    const int32_t unknown[] = {0, MUN_ALG_ES512, MUN_ALG_PS256, MUN_ALG_ESP256};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(mun_private_key_generate(unknown[i], &none, NULL), MUN_E_UNSUPPORTED);
    }
    assert_null(none);
}

/* RFC 8032 section 7.1, tests 1 to 3: the signature follows from key and message. */
static void test_ed25519_examples(void **state)
{
    (void)state;
    static const char *const examples[][3] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701"
         "c"
         "f9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d"
         "0"
         "f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f7609"
         "8"
         "4dc6594a7c15e9716ed28dc027beceea1ec40a"},
    };
    for (size_t i = 0; i < 3; i++) {
        uint8_t der[48], base64[80], message[8], want[64], got[MUN_SIGNATURE_MAX];
        size_t len = unhex("302e020100300506032b657004220420", der, sizeof der);
        len += unhex(examples[i][0], der + len, sizeof der - len);
        EVP_EncodeBlock(base64, der, (int)len);
        char pem[200];
        snprintf(pem, sizeof pem, "-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n",
                 (const char *)base64);
        mun_private_key *key = NULL;
        assert_int_equal(mun_private_key_from_pem(mun_slice_cstr(pem), (mun_slice){0}, &key, NULL),
                         MUN_OK);
        mun_signer signer = signer_of(key);
        const mun_slice part = mun_slice_of(message, unhex(examples[i][1], message, 8));
        unhex(examples[i][2], want, sizeof want);
        assert_int_equal(signer.sign(signer.ctx, &part, 1, got, &len), MUN_OK);
        assert_int_equal(len, sizeof want);
        assert_memory_equal(got, want, sizeof want);
        mun_private_key_free(key);
    }
}

static void *sign_often(void *arg)
{
    const mun_signer *signer = arg;
    mun_crypto own;
    if (mun_native_crypto_new(&own, NULL) != MUN_OK) return arg;
    void *failed = NULL;
    for (int i = 0; i < 100 && failed == NULL; i++) {
        const mun_slice part = mun_slice_of(&i, sizeof i);
        uint8_t signature[MUN_SIGNATURE_MAX];
        size_t len = 0;
        if (signer->sign(signer->ctx, &part, 1, signature, &len) != MUN_OK ||
            own.verify(own.ctx, signer->alg, &signer->key, &part, 1,
                       mun_slice_of(signature, len)) != MUN_OK) {
            failed = arg;
        }
    }
    mun_native_crypto_free(&own);
    return failed;
}

static void test_signing_threads(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i += 2) {
        mun_private_key *key = make(kinds[i].asked);
        mun_signer signer = signer_of(key);
        pthread_t threads[4];
        for (size_t t = 0; t < 4; t++) {
            assert_int_equal(pthread_create(&threads[t], NULL, sign_often, &signer), 0);
        }
        for (size_t t = 0; t < 4; t++) {
            void *failed = NULL;
            assert_int_equal(pthread_join(threads[t], &failed), 0);
            assert_null(failed);
        }
        mun_private_key_free(key);
    }
}

static void test_pem_there_and_back(void **state)
{
    (void)state;
    const mun_slice passphrases[] = {{NULL, 0}, MUN_LITERAL("correct horse\0battery")};
    for (size_t i = 0; i < KINDS; i++) {
        mun_private_key *key = make(kinds[i].asked);
        for (size_t p = 0; p < 2; p++) {
            uint8_t pem[MUN_PRIVATE_PEM_MAX];
            mun_buf buf = mun_buf_fixed(pem, sizeof pem);
            assert_int_equal(mun_private_key_to_pem(key, passphrases[p], &buf, NULL), MUN_OK);
            assert_int_equal(mun_private_key_encrypted(mun_buf_slice(&buf)), p == 1);
            mun_private_key *back = NULL;
            assert_int_equal(
                mun_private_key_from_pem(mun_buf_slice(&buf), passphrases[p], &back, NULL), MUN_OK);
            mun_signer a = signer_of(key), b = signer_of(back);
            assert_memory_equal(&a.key, &b.key, sizeof a.key);
            assert_int_equal(a.alg, b.alg);
            check_signer(&b, kinds[i].signature_len);
            mun_private_key_free(back);
        }
        mun_private_key_free(key);
    }
}

static void expect_refusal(mun_slice pem, mun_slice passphrase, mun_code code, const char *part)
{
    mun_private_key *key = NULL;
    mun_error err = {0};
    assert_int_equal(mun_private_key_from_pem(pem, passphrase, &key, &err), code);
    assert_null(key);
    assert_int_equal(err.code, code);
    if (strstr(err.text, part) == NULL) fail_msg("\"%s\" lacks \"%s\"", err.text, part);
    /* Neither the passphrase nor a line of the key stands in it. */
    assert_null(strstr(err.text, "hunter2"));
}

static void test_passphrases(void **state)
{
    (void)state;
    mun_private_key *key = make(MUN_ALG_ES256);
    uint8_t pem[MUN_PRIVATE_PEM_MAX];
    mun_buf buf = mun_buf_fixed(pem, sizeof pem);
    assert_int_equal(mun_private_key_to_pem(key, MUN_LITERAL("hunter2"), &buf, NULL), MUN_OK);
    mun_slice text = mun_buf_slice(&buf);
    expect_refusal(text, (mun_slice){0}, MUN_E_USAGE, "encrypted");
    expect_refusal(text, MUN_LITERAL("hunter"), MUN_E_USAGE, "passphrase");
    expect_refusal(text, MUN_LITERAL("hunter23"), MUN_E_USAGE, "passphrase");
    static uint8_t large[MUN_PASSPHRASE_MAX + 1];
    memset(large, 'x', sizeof large);
    expect_refusal(text, mun_slice_of(large, sizeof large), MUN_E_LIMIT, "1024");
    mun_buf_clear(&buf);
    assert_int_equal(mun_private_key_to_pem(key, mun_slice_of(large, sizeof large), &buf, NULL),
                     MUN_E_LIMIT);
    /* A passphrase that is not needed is ignored. */
    mun_buf_clear(&buf);
    assert_int_equal(mun_private_key_to_pem(key, (mun_slice){0}, &buf, NULL), MUN_OK);
    mun_private_key *back = NULL;
    assert_int_equal(
        mun_private_key_from_pem(mun_buf_slice(&buf), MUN_LITERAL("hunter2"), &back, NULL), MUN_OK);
    mun_private_key_free(back);
    buf = mun_buf_fixed(pem, 50);
    assert_int_equal(mun_private_key_to_pem(key, (mun_slice){0}, &buf, NULL), MUN_E_LIMIT);
    mun_private_key_free(key);
}

/* PKCS#8 as OpenSSL writes it, encrypted by the given password-based scheme. */
static size_t openssl_pem(EVP_PKEY *pkey, int nid, const EVP_CIPHER *cipher, char *ret, size_t cap)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char pass[] = "hunter2";
    if (nid != 0) {
        assert_int_equal(PEM_write_bio_PKCS8PrivateKey_nid(bio, pkey, nid, pass, 7, NULL, NULL), 1);
    } else {
        assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, cipher, pass, 7, NULL, NULL), 1);
    }
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    assert_true(len > 0 && (size_t)len <= cap);
    memcpy(ret, data, (size_t)len);
    BIO_free(bio);
    return (size_t)len;
}

/* What "openssl genpkey -aes-256-cbc" and "-aes128" write, by PBKDF2. */
static void test_openssl_files(void **state)
{
    (void)state;
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
    const EVP_CIPHER *ciphers[] = {NULL, EVP_aes_256_cbc(), EVP_aes_128_cbc()};
    for (size_t i = 0; i < 3; i++) {
        char pem[2048];
        size_t len = openssl_pem(pkey, 0, ciphers[i], pem, sizeof pem);
        mun_private_key *key = NULL;
        assert_int_equal(
            mun_private_key_from_pem(mun_slice_of(pem, len), MUN_LITERAL("hunter2"), &key, NULL),
            MUN_OK);
        assert_int_equal(signer_of(key).alg, MUN_ALG_ES384);
        mun_private_key_free(key);
    }
    char pem[2048]; /* PKCS #12's old scheme is none of ours */
    size_t len = openssl_pem(pkey, NID_pbe_WithSHA1And3_Key_TripleDES_CBC, NULL, pem, sizeof pem);
    expect_refusal(mun_slice_of(pem, len), MUN_LITERAL("hunter2"), MUN_E_UNSUPPORTED, "pkcs8");
    EVP_PKEY_free(pkey);
}

static void test_other_kinds(void **state)
{
    (void)state;
    EVP_PKEY *others[] = {EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-521"),
                          EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1"),
                          EVP_PKEY_Q_keygen(NULL, NULL, "X25519"),
                          EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)};
    for (size_t i = 0; i < 4; i++) {
        char pem[4096];
        size_t len = openssl_pem(others[i], 0, NULL, pem, sizeof pem);
        expect_refusal(mun_slice_of(pem, len), (mun_slice){0}, MUN_E_UNSUPPORTED, "P-256");
        EVP_PKEY_free(others[i]);
    }
}

static void refuse_text(const char *pem, mun_code code, const char *part)
{
    expect_refusal(mun_slice_cstr(pem), MUN_LITERAL("hunter2"), code, part);
}

static void test_other_texts(void **state)
{
    (void)state;
    refuse_text("", MUN_E_MALFORMED, "PEM");
    refuse_text("-----BEGIN PRIVATE KEY-----\nAAAA\n", MUN_E_MALFORMED, "PEM");
    refuse_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", MUN_E_MALFORMED,
                "PKCS#8");
    refuse_text(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        MUN_E_MALFORMED, "PKCS#8");
    refuse_text("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", MUN_E_MALFORMED,
                ".pub");
    refuse_text("-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n",
                MUN_E_UNSUPPORTED, "pkcs8");
    refuse_text("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
                "DEK-Info: AES-128-CBC,00000000000000000000000000000000\n\nAAAA\n"
                "-----END RSA PRIVATE KEY-----\n",
                MUN_E_MALFORMED, "pkcs8");
    assert_false(mun_private_key_encrypted(MUN_LITERAL("no key")));
}

/* DER as PEM, and what becomes of it. */
static void refuse_der(const char *label, const uint8_t *der, size_t len, mun_code code,
                       const char *part)
{
    char pem[1024];
    uint8_t base64[700];
    EVP_EncodeBlock(base64, der, (int)len);
    snprintf(pem, sizeof pem, "-----BEGIN %s-----\n%s\n-----END %s-----\n", label,
             (const char *)base64, label);
    refuse_text(pem, code, part);
}

/* A file that would keep its reader busy for hours is refused at once. */
static void test_costly_derivations(void **state)
{
    (void)state;
    static const char *const files[] = {
        /* PBES2 { PBKDF2 { salt, 2^31-1 iterations }, AES-256-CBC }, 16 bytes of data */
        "305a 3046 06092a864886f70d01050d 3039"
        " 3018 06092a864886f70d01050c 300b 04030102030204 7fffffff"
        " 301d 060960864801650304012a 0410 00000000000000000000000000000000"
        " 0410 00000000000000000000000000000000",
        /* PBES2 { scrypt { salt, N = 2^30, r = 8, p = 1 }, AES-256-CBC } */
        "3060 304c 06092a864886f70d01050d 303f"
        " 301e 06092b06010401da47040b 3011 0403010203 020440000000 020108 020101"
        " 301d 060960864801650304012a 0410 00000000000000000000000000000000"
        " 0410 00000000000000000000000000000000",
    };
    for (size_t i = 0; i < 2; i++) {
        uint8_t der[128];
        size_t len = unhex(files[i], der, sizeof der);
        refuse_der("ENCRYPTED PRIVATE KEY", der, len, MUN_E_UNSUPPORTED, "too long");
        der[len] = 0; /* a byte left over */
        refuse_der("ENCRYPTED PRIVATE KEY", der, len + 1, MUN_E_MALFORMED, "PKCS#8");
    }
}

/* An EC file whose public half belongs to another key; one with bytes left over. */
static void test_mixed_halves(void **state)
{
    (void)state;
    mun_private_key *one = make(MUN_ALG_ES256), *two = make(MUN_ALG_ES256);
    uint8_t pem[2][MUN_PRIVATE_PEM_MAX], der[2][256];
    size_t len[2];
    mun_private_key *keys[] = {one, two};
    for (size_t i = 0; i < 2; i++) {
        mun_buf buf = mun_buf_fixed(pem[i], sizeof pem[i]);
        assert_int_equal(mun_private_key_to_pem(keys[i], (mun_slice){0}, &buf, NULL), MUN_OK);
        BIO *bio = BIO_new_mem_buf(buf.ptr, (int)buf.len);
        char *label = NULL, *header = NULL;
        unsigned char *bytes = NULL;
        long n = 0;
        assert_int_equal(PEM_read_bio(bio, &label, &header, &bytes, &n), 1);
        len[i] = (size_t)n;
        memcpy(der[i], bytes, len[i]);
        OPENSSL_free(label);
        OPENSSL_free(header);
        OPENSSL_free(bytes);
        BIO_free(bio);
    }
    assert_int_equal(len[0], len[1]);
    memcpy(der[0] + len[0] - 64, der[1] + len[1] - 64, 64);
    refuse_der("PRIVATE KEY", der[0], len[0], MUN_E_MALFORMED, "does not belong");
    der[1][len[1]] = 0;
    refuse_der("PRIVATE KEY", der[1], len[1] + 1, MUN_E_MALFORMED, "PKCS#8");
    mun_private_key_free(one);
    mun_private_key_free(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generate_and_sign),  cmocka_unit_test(test_ed25519_examples),
        cmocka_unit_test(test_signing_threads),    cmocka_unit_test(test_pem_there_and_back),
        cmocka_unit_test(test_passphrases),        cmocka_unit_test(test_openssl_files),
        cmocka_unit_test(test_other_kinds),        cmocka_unit_test(test_other_texts),
        cmocka_unit_test(test_costly_derivations), cmocka_unit_test(test_mixed_halves),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}
