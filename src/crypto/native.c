/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of functions of muniment/crypto.h, filled from OpenSSL. What lies behind its ctx is a
 * reused digest context and the keys that were built last; it belongs to one thread at a time.
 */
#include "crypto/native.h"

#include "base/error.h"
#include "base/slice.h"
#include "crypto/signature_check.h"

#include <muniment/keys.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>

typedef struct native {
    hash_set hashes;
    EVP_MD_CTX *digest;
    key_cache keys;
} native;

static void native_sha256(void *ctx, const mun_slice *parts, size_t n_parts,
                          uint8_t ret[MUN_HASH_SIZE])
{
    native *n = ctx;
    digest_parts(n->digest, n->hashes.md[HASH_SHA256], parts, n_parts, ret);
}

static mun_code native_digest(void *ctx, int32_t hash_alg, const mun_slice *parts, size_t n_parts,
                              uint8_t ret[MUN_DIGEST_MAX], size_t *ret_len)
{
    native *n = ctx;
    unsigned hash = HASH_NONE;
    switch (hash_alg) {
    case MUN_HASH_SHA256: hash = HASH_SHA256; break;
    case MUN_HASH_SHA384: hash = HASH_SHA384; break;
    case MUN_HASH_SHA512: hash = HASH_SHA512; break;
    default: return MUN_E_UNSUPPORTED;
    }
    *ret_len = digest_parts(n->digest, n->hashes.md[hash], parts, n_parts, ret);
    return MUN_OK;
}

static mun_code native_verify(void *ctx, int32_t alg, const mun_public_key *key,
                              const mun_slice *parts, size_t n_parts, mun_slice signature)
{
    native *n = ctx;
    const scheme *s = scheme_find(alg);
    if (s == NULL || !scheme_fits(s, key)) return MUN_E_UNSUPPORTED;
    ready_key *ready = NULL;
    MUN_TRY(key_cache_get(&n->keys, s, key, &ready));
    if (s->hash != HASH_NONE) {
        uint8_t digest[MUN_DIGEST_MAX];
        size_t len = digest_parts(n->digest, n->hashes.md[s->hash], parts, n_parts, digest);
        return signature_check(ready, mun_slice_of(digest, len), signature);
    }
    mun_slice message;
    uint8_t *heap = NULL;
    if (!join_parts(parts, n_parts, &message, &heap)) return MUN_E_MEMORY;
    mun_code code = signature_check(ready, message, signature);
    free(heap);
    return code;
}

static void native_free(native *n)
{
    if (n == NULL) return;
    key_cache_clear(&n->keys);
    EVP_MD_CTX_free(n->digest);
    hash_set_free(&n->hashes);
    free(n);
}

mun_code mun_native_crypto_new(mun_crypto *ret, mun_error *err)
{
    native *n = calloc(1, sizeof *n);
    if (n == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    n->digest = EVP_MD_CTX_new();
    if (n->digest == NULL || !hash_set_fetch(&n->hashes)) {
        native_free(n);
        return mun_fail(err, MUN_E_CRYPTO, MUN_NO_OFFSET,
                        "OpenSSL offers no SHA-256, SHA-384 or SHA-512; check its configuration "
                        "(openssl.cnf, OPENSSL_CONF)");
    }
    *ret = (mun_crypto){
        .ctx = n,
        .sha256 = native_sha256,
        .digest = native_digest,
        .verify = native_verify,
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

void mun_cleanse(void *ptr, size_t len)
{
    OPENSSL_cleanse(ptr, len);
}
