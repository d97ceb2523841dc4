/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading private key files: PKCS#8 (RFC 5958) as PEM, in the clear or encrypted by PBES2 (RFC
 * 8018) with scrypt (RFC 7914), as we write it, or PBKDF2, as other tools do.
 */
#include "crypto/pem.h"
#include "crypto/private_key.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>

/* Cost of what we read: a file must not be able to keep the reader busy for minutes. */
#define ITERATIONS_MAX  INT64_C(10000000)
#define SCRYPT_COST_MAX (UINT64_C(1) << 23) /* N * r * p */

static bool label_is(const pem_block *block, const char *label)
{
    return mun_slice_equal(mun_slice_cstr(block->label), mun_slice_cstr(label));
}

/* N, r, p of scrypt within the bound. */
static bool scrypt_bearable(const SCRYPT_PARAMS *params)
{
    uint64_t n = 0, r = 0, p = 0, cost = 0;
    return ASN1_INTEGER_get_uint64(&n, params->costParameter) == 1 &&
           ASN1_INTEGER_get_uint64(&r, params->blockSize) == 1 &&
           ASN1_INTEGER_get_uint64(&p, params->parallelizationParameter) == 1 &&
           !__builtin_mul_overflow(n, r, &cost) && !__builtin_mul_overflow(cost, p, &cost) &&
           cost <= SCRYPT_COST_MAX;
}

static bool kdf_bearable(const X509_ALGOR *kdf)
{
    bool good = false;
    int kind = OBJ_obj2nid(kdf->algorithm);
    if (kind == NID_id_pbkdf2) {
        PBKDF2PARAM *params =
            ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), kdf->parameter);
        int64_t iterations = 0;
        good = params != NULL && ASN1_INTEGER_get_int64(&iterations, params->iter) == 1 &&
               iterations > 0 && iterations <= ITERATIONS_MAX;
        PBKDF2PARAM_free(params);
    } else if (kind == NID_id_scrypt) {
        SCRYPT_PARAMS *params =
            ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), kdf->parameter);
        good = params != NULL && scrypt_bearable(params);
        SCRYPT_PARAMS_free(params);
    }
    return good;
}

/* PBES2 with a known, not too costly derivation. */
static bool encryption_bearable(const X509_SIG *sealed)
{
    const X509_ALGOR *algorithm = NULL;
    X509_SIG_get0(sealed, &algorithm, NULL);
    if (OBJ_obj2nid(algorithm->algorithm) != NID_pbes2) return false;
    PBE2PARAM *params = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);
    bool good = params != NULL && kdf_bearable(params->keyfunc);
    PBE2PARAM_free(params);
    return good;
}

mun_code private_key_passphrase(mun_slice passphrase, mun_error *err)
{
    if (passphrase.len == 0) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "the private key is encrypted; give its passphrase (--passphrase-file)");
    }
    if (passphrase.len > MUN_PASSPHRASE_MAX) {
        return mun_failf(err, MUN_E_LIMIT, 0, "the passphrase is longer than %d bytes",
                         MUN_PASSPHRASE_MAX);
    }
    return MUN_OK;
}

static mun_code unseal(const pem_block *block, mun_slice passphrase, PKCS8_PRIV_KEY_INFO **ret,
                       mun_error *err)
{
    MUN_TRY(private_key_passphrase(passphrase, err));
    const unsigned char *at = block->der;
    X509_SIG *sealed = d2i_X509_SIG(NULL, &at, (long)block->len);
    if (sealed == NULL || at != block->der + block->len) {
        X509_SIG_free(sealed);
        return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET,
                        "the encrypted private key is not valid PKCS#8; the file is damaged");
    }
    bool bearable = encryption_bearable(sealed);
    if (bearable) *ret = PKCS8_decrypt(sealed, (const char *)passphrase.ptr, (int)passphrase.len);
    X509_SIG_free(sealed);
    if (!bearable) {
        return mun_fail(
            err, MUN_E_UNSUPPORTED, MUN_NO_OFFSET,
            "the private key is encrypted in a way that is not supported, or that takes "
            "too long to undo; write it again with \"openssl pkcs8 -topk8\"");
    }
    if (*ret != NULL) return MUN_OK;
    return mun_fail(
        err, MUN_E_USAGE, MUN_NO_OFFSET,
        "the passphrase does not open the private key; it is the wrong one, or the file "
        "is damaged");
}

static mun_code open_clear(const pem_block *block, PKCS8_PRIV_KEY_INFO **ret, mun_error *err)
{
    const unsigned char *at = block->der;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)block->len);
    if (info != NULL && at == block->der + block->len) {
        *ret = info;
        return MUN_OK;
    }
    PKCS8_PRIV_KEY_INFO_free(info);
    return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET,
                    "the private key is not valid PKCS#8; the file is damaged");
}

static mun_code open_block(const pem_block *block, mun_slice passphrase, PKCS8_PRIV_KEY_INFO **ret,
                           mun_error *err)
{
    if (label_is(block, PKCS8_LABEL_ENCRYPTED)) return unseal(block, passphrase, ret, err);
    if (label_is(block, PKCS8_LABEL_CLEAR)) return open_clear(block, ret, err);
    if (label_is(block, "PUBLIC KEY")) {
        return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET,
                        "this is a public key where a private one is wanted; give the file without "
                        ".pub");
    }
    return mun_failf(err, MUN_E_UNSUPPORTED, 0,
                     "the PEM block is a \"%.40s\"; a PRIVATE KEY (PKCS#8) is wanted. \"openssl "
                     "pkcs8 -topk8 -nocrypt\" converts older forms",
                     block->label);
}

mun_code mun_private_key_from_pem(mun_slice pem, mun_slice passphrase, mun_private_key **ret,
                                  mun_error *err)
{
    PEM_BLOCK_AUTO pem_block block = {0};
    MUN_TRY(pem_read(pem, &block, err));
    PKCS8_PRIV_KEY_INFO *info = NULL;
    mun_code code = open_block(&block, passphrase, &info, err);
    ERR_clear_error();
    MUN_TRY(code);
    EVP_PKEY *pkey = EVP_PKCS82PKEY(info);
    PKCS8_PRIV_KEY_INFO_free(info);
    ERR_clear_error();
    if (pkey == NULL) {
        return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET,
                        "OpenSSL cannot read the private key: its kind is unknown or its numbers "
                        "are damaged");
    }
    return private_key_wrap(pkey, ret, err);
}

bool mun_private_key_encrypted(mun_slice pem)
{
    PEM_BLOCK_AUTO pem_block block = {0};
    return pem_read(pem, &block, NULL) == MUN_OK && label_is(&block, PKCS8_LABEL_ENCRYPTED);
}
