/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys from and to SubjectPublicKeyInfo (muniment/keys.h; RFC 5280 section 4.1.2.7). */
#include "base/buf.h"
#include "base/error.h"
#include "base/spki_form.h"
#include "crypto/evp_key.h"
#include "crypto/pem.h"
#include "crypto/scheme.h"

#include <muniment/keys.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#define KINDS "EC on P-256, P-384 or P-521, Ed25519, or RSA of 2048 to 4096 bits"

static mun_code unknown_kind(mun_error *err)
{
    return mun_fail(err, MUN_E_UNSUPPORTED, MUN_NO_OFFSET,
                    "the public key is of a kind that Muniment does not use; it must be " KINDS);
}

mun_code mun_public_key_check(const mun_public_key *key, mun_error *err)
{
    if (key->kty != MUN_KTY_RSA && curve_find(key->kty, key->crv) == NULL) {
        return unknown_kind(err);
    }
    if (!key_well_formed(key)) {
        return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET,
                        "a number of the public key has the wrong length; it must be " KINDS);
    }
    EVP_PKEY *pkey = evp_from_public(key);
    bool good = pkey != NULL;
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    if (good) return MUN_OK;
    return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET,
                    "the public key is not a point on its curve; it is damaged or made up");
}

/* Writes the DER into a fixed buffer: keys are small. Empty: the key is none, or OpenSSL failed. */
static mun_slice encode(const mun_public_key *key, uint8_t ret[MUN_PUBLIC_DER_MAX])
{
    mun_buf fixed = mun_buf_fixed(ret, MUN_PUBLIC_DER_MAX);
    EVP_PKEY *pkey = evp_from_public(key);
    int len = 0;
    if (pkey != NULL && mun_spki_form_write(key, &fixed)) {
        len = (int)fixed.len;
    } else if (pkey != NULL) {
        len = i2d_PUBKEY(pkey, NULL);
        unsigned char *at = ret;
        if (len > 0 && len <= MUN_PUBLIC_DER_MAX) len = i2d_PUBKEY(pkey, &at);
    }
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return len > 0 && len <= MUN_PUBLIC_DER_MAX ? mun_slice_of(ret, (size_t)len) : (mun_slice){0};
}

/* There is one form only: what we would write. It excludes BER, compressed points, curves spelt
 * out as parameters, and bytes left over. */
static mun_code check_form(const mun_public_key *key, mun_slice der, mun_error *err)
{
    uint8_t ours[MUN_PUBLIC_DER_MAX];
    if (mun_slice_equal(encode(key, ours), der)) return MUN_OK;
    return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET,
                    "the public key is not written in the usual form (DER, named curve, "
                    "uncompressed point); write it again with \"openssl pkey -pubin -pubout\"");
}

mun_code mun_public_key_from_der(mun_slice der, mun_public_key *ret, mun_error *err)
{
    if (der.len > MUN_PEM_MAX) {
        return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "the public key is too large to be one");
    }
    mun_public_key key;
    if (mun_spki_form_read(der, &key)) {
        MUN_TRY(mun_public_key_check(&key, err));
        *ret = key;
        return MUN_OK;
    }
    const unsigned char *at = der.ptr;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)der.len);
    bool known = pkey != NULL && evp_to_public(pkey, &key);
    bool parsed = pkey != NULL;
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    if (!parsed) {
        return mun_fail(
            err, MUN_E_MALFORMED, MUN_NO_OFFSET,
            "the bytes are not a public key (SubjectPublicKeyInfo), or its point is not "
            "on its curve");
    }
    if (!known) return unknown_kind(err);
    MUN_TRY(check_form(&key, der, err));
    *ret = key;
    return MUN_OK;
}

static mun_code from_certificate(mun_slice der, mun_public_key *ret, mun_error *err)
{
    const unsigned char *at = der.ptr;
    unsigned char *spki = NULL;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.len);
    int len = certificate != NULL ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki) : 0;
    X509_free(certificate);
    ERR_clear_error();
    if (len <= 0) {
        return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET,
                        "the CERTIFICATE is not valid; the file is damaged");
    }
    mun_code code = mun_public_key_from_der(mun_slice_of(spki, (size_t)len), ret, err);
    OPENSSL_free(spki);
    return code;
}

static bool label_ends(mun_slice label, mun_slice end)
{
    return label.len >= end.len &&
           mun_slice_equal(mun_slice_of(label.ptr + label.len - end.len, end.len), end);
}

mun_code mun_public_key_from_pem(mun_slice pem, mun_public_key *ret, mun_error *err)
{
    PEM_BLOCK_AUTO pem_block block = {0};
    MUN_TRY(pem_read(pem, &block, err));
    mun_slice der = mun_slice_of(block.der, block.len);
    mun_slice label = mun_slice_cstr(block.label);
    if (mun_slice_equal(label, MUN_LITERAL("PUBLIC KEY"))) {
        return mun_public_key_from_der(der, ret, err);
    }
    if (mun_slice_equal(label, MUN_LITERAL("CERTIFICATE"))) {
        return from_certificate(der, ret, err);
    }
    if (label_ends(label, MUN_LITERAL("PRIVATE KEY"))) {
        return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET,
                        "this is a private key where a public one is wanted; give the file beside "
                        "it that ends in .pub, and do not hand this one out");
    }
    return mun_failf(err, MUN_E_UNSUPPORTED, 0,
                     "the PEM block is a \"%.40s\"; a PUBLIC KEY or a CERTIFICATE is wanted",
                     block.label);
}

void mun_public_key_to_der(const mun_public_key *key, mun_buf *ret)
{
    uint8_t der[MUN_PUBLIC_DER_MAX];
    mun_slice bytes = encode(key, der);
    if (bytes.len == 0) ret->overflow = true;
    mun_buf_put(ret, bytes);
}

void mun_public_key_to_pem(const mun_public_key *key, mun_buf *ret)
{
    uint8_t der[MUN_PUBLIC_DER_MAX];
    mun_slice bytes = encode(key, der);
    if (bytes.len == 0) ret->overflow = true;
    pem_write("PUBLIC KEY", bytes, ret);
}
