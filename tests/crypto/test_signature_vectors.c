/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signatures of 25 statements by five other implementations (data/cose-sign1): each verifies
 * under its PEM key, none does with one bit changed.
 */
#include "base/buf.h"
#include "base/slice.h"
#include "support/cmocka_all.h"
#include "support/native_crypto.h"
#include "support/vectors.h"

#include <muniment/keys.h>
#include <stdlib.h>
#include <string.h>

#define STATEMENTS 25

typedef struct vector {
    int32_t alg;
    mun_public_key key;
    uint8_t message[8192], signature[MUN_SIGNATURE_MAX];
    size_t message_len, signature_len;
} vector;

static void load(const json_t *one, vector *ret)
{
    const char *pem = vectors_text(one, "public_key_pem");
    mun_error err = {0};
    ret->alg = (int32_t)vectors_int(one, "alg");
    if (mun_public_key_from_pem(mun_slice_cstr(pem), &ret->key, &err) != MUN_OK) {
        fail_msg("%s: %s", vectors_text(one, "name"), err.text);
    }
    ret->message_len = vectors_hex(one, "sig_structure", ret->message, sizeof ret->message);
    ret->signature_len = vectors_hex(one, "signature", ret->signature, sizeof ret->signature);
}

static mun_code verify(const vector *v)
{
    const mun_slice part = mun_slice_of(v->message, v->message_len);
    return crypto.verify(crypto.ctx, v->alg, &v->key, &part, 1,
                         mun_slice_of(v->signature, v->signature_len));
}

/* One bit in every byte of the signature, and in 16 bytes spread over what is signed. */
static void check_bits(vector *v)
{
    for (size_t at = 0; at < v->signature_len; at++) {
        v->signature[at] ^= (uint8_t)(1u << (at % 8));
        assert_int_equal(verify(v), MUN_E_INVALID);
        v->signature[at] ^= (uint8_t)(1u << (at % 8));
    }
    for (size_t i = 0; i < 16; i++) {
        size_t at = v->message_len * i / 16;
        v->message[at] ^= (uint8_t)(1u << (i % 8));
        assert_int_equal(verify(v), MUN_E_INVALID);
        v->message[at] ^= (uint8_t)(1u << (i % 8));
    }
    assert_int_equal(verify(v), MUN_OK);
}

static void test_statements(void **state)
{
    (void)state;
    json_t *all = vectors_array("cose-sign1/statements.json", STATEMENTS);
    static vector v;
    size_t i;
    json_t *one;
    json_array_foreach(all, i, one)
    {
        load(one, &v);
        if (verify(&v) != MUN_OK) fail_msg("%s does not verify", vectors_text(one, "name"));
        check_bits(&v);
    }
    json_decref(all);
}

/* Each key is written back as the PEM it came from; a statement's key checks no other's. */
static void test_keys(void **state)
{
    (void)state;
    json_t *all = vectors_array("cose-sign1/statements.json", STATEMENTS);
    static vector v, other;
    size_t i, k;
    json_t *one, *two;
    json_array_foreach(all, i, one)
    {
        load(one, &v);
        uint8_t pem[MUN_PUBLIC_PEM_MAX];
        mun_buf buf = mun_buf_fixed(pem, sizeof pem);
        mun_public_key_to_pem(&v.key, &buf);
        mun_slice want = mun_slice_cstr(vectors_text(one, "public_key_pem"));
        assert_true(mun_slice_equal(mun_buf_slice(&buf), want));
        json_array_foreach(all, k, two)
        {
            load(two, &other);
            bool same = memcmp(&other.key, &v.key, sizeof v.key) == 0;
            v.key = other.key;
            mun_code code = verify(&v);
            if (same) assert_int_equal(code, MUN_OK);
            if (!same) assert_true(code == MUN_E_INVALID || code == MUN_E_UNSUPPORTED);
            load(one, &v);
        }
    }
    json_decref(all);
}

/* Real certificates: the public key in PEM is the one that OpenSSL put there. */
static void test_certificates(void **state)
{
    (void)state;
    static const char *const files[] = {"rfc3161/ca.pem", "rfc3161/tsa.pem"};
    for (size_t i = 0; i < 2; i++) {
        size_t len = 0;
        uint8_t *pem = vectors_file(files[i], &len);
        mun_public_key key;
        mun_error err = {0};
        if (mun_public_key_from_pem(mun_slice_of(pem, len), &key, &err) != MUN_OK) {
            fail_msg("%s: %s", files[i], err.text);
        }
        assert_int_equal(mun_public_key_check(&key, NULL), MUN_OK);
        free(pem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statements),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_certificates),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}
