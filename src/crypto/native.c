/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/native.h"

#include "base/assert.h"
#include "base/error.h"

#include <openssl/rand.h>
#include <stdlib.h>

/*
 * One digest over the parts. With a fetched algorithm and a context that has been used before
 * OpenSSL has nothing left that can fail; should it fail nevertheless, no hash is better than a
 * wrong one.
 */
static void digest_parts(native *n, const EVP_MD *md, const mun_slice *parts, size_t n_parts,
                         uint8_t *ret)
{
    int good = EVP_DigestInit_ex2(n->digest, md, NULL);
    for (size_t i = 0; i < n_parts; i++) {
        good &= EVP_DigestUpdate(n->digest, parts[i].ptr, parts[i].len);
    }
    good &= EVP_DigestFinal_ex(n->digest, ret, NULL);
    MUN_ASSERT(good == 1);
}

static void native_sha256(void *ctx, const mun_slice *parts, size_t n_parts,
                          uint8_t ret[MUN_HASH_SIZE])
{
    native *n = ctx;
    digest_parts(n, n->md[NATIVE_SHA256], parts, n_parts, ret);
}

static mun_code native_digest(void *ctx, int32_t hash_alg, const mun_slice *parts, size_t n_parts,
                              uint8_t ret[MUN_DIGEST_MAX], size_t *ret_len)
{
    native *n = ctx;
    const EVP_MD *md = NULL;
    switch (hash_alg) {
    case MUN_HASH_SHA256: md = n->md[NATIVE_SHA256]; break;
    case MUN_HASH_SHA384: md = n->md[NATIVE_SHA384]; break;
    case MUN_HASH_SHA512: md = n->md[NATIVE_SHA512]; break;
    default: return MUN_E_UNSUPPORTED;
    }
    digest_parts(n, md, parts, n_parts, ret);
    *ret_len = (size_t)EVP_MD_get_size(md);
    return MUN_OK;
}

static void native_free(native *n)
{
    if (n == NULL) return;
    EVP_MD_CTX_free(n->digest);
    for (int i = 0; i < NATIVE_HASHES; i++) EVP_MD_free(n->md[i]);
    free(n);
}

static bool native_fetch(native *n)
{
    static const char *const names[NATIVE_HASHES] = {"SHA2-256", "SHA2-384", "SHA2-512"};
    for (int i = 0; i < NATIVE_HASHES; i++) {
        n->md[i] = EVP_MD_fetch(NULL, names[i], NULL);
        if (n->md[i] == NULL) return false;
    }
    n->digest = EVP_MD_CTX_new();
    return n->digest != NULL;
}

mun_code mun_native_crypto_new(mun_crypto *ret, mun_error *err)
{
    native *n = calloc(1, sizeof *n);
    if (n == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "Out of memory.");
    if (!native_fetch(n)) {
        native_free(n);
        return mun_fail(err, MUN_E_CRYPTO, MUN_NO_OFFSET,
                        "OpenSSL offers no SHA-256, SHA-384 or SHA-512; check its configuration "
                        "(openssl.cnf, OPENSSL_CONF).");
    }
    *ret = (mun_crypto){
        .ctx = n,
        .sha256 = native_sha256,
        .digest = native_digest,
    };
    return MUN_OK;
}

void mun_native_crypto_free(mun_crypto *crypto)
{
    if (crypto == NULL) return;
    native_free(crypto->ctx);
    *crypto = (mun_crypto){0};
}

mun_code mun_native_random(void *ctx, uint8_t *ret, size_t len)
{
    (void)ctx;
    while (len > 0) {
        int step = len > INT32_MAX ? INT32_MAX : (int)len;
        if (RAND_bytes(ret, step) != 1) return MUN_E_CRYPTO;
        ret += step;
        len -= (size_t)step;
    }
    return MUN_OK;
}
