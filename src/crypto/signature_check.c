/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/signature_check.h"

#include "base/slice.h"
#include "crypto/ecdsa_der.h"
#include "crypto/evp_key.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

static bool same_key(const mun_public_key *a, const mun_public_key *b)
{
    return a->kty == b->kty && a->crv == b->crv && a->x_len == b->x_len && a->y_len == b->y_len &&
           a->n_len == b->n_len && a->e_len == b->e_len && memcmp(a->x, b->x, a->x_len) == 0 &&
           memcmp(a->y, b->y, a->y_len) == 0 && memcmp(a->n, b->n, a->n_len) == 0 &&
           memcmp(a->e, b->e, a->e_len) == 0;
}

/* RFC 8230 section 2: MGF1 over the same hash, a salt exactly as long as the hash ([KEY-6]). */
static bool set_pss(EVP_PKEY_CTX *ctx, unsigned hash)
{
    const EVP_MD *md = hash == HASH_SHA256   ? EVP_sha256()
                       : hash == HASH_SHA384 ? EVP_sha384()
                                             : EVP_sha512();
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1 &&
           EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1;
}

static bool make_ready(ready_key *ready, const scheme *s, const mun_public_key *key)
{
    ready->pkey = evp_from_public(key);
    if (ready->pkey == NULL) return false;
    ready->key = *key;
    ready->scheme = s;
    if (s->hash == HASH_NONE) return true;
    ready->ctx = EVP_PKEY_CTX_new_from_pkey(NULL, ready->pkey, NULL);
    if (ready->ctx == NULL || EVP_PKEY_verify_init(ready->ctx) != 1) return false;
    return s->kty != MUN_KTY_RSA || set_pss(ready->ctx, s->hash);
}

static void drop(ready_key *ready)
{
    EVP_PKEY_CTX_free(ready->ctx);
    EVP_PKEY_free(ready->pkey);
    *ready = (ready_key){0};
}

/* ES256 and ESP256 share a key; PS256 and PS384 need it set up each in its own way. */
static bool serves(const ready_key *ready, const scheme *s, const mun_public_key *key)
{
    return ready->scheme != NULL && ready->scheme->hash == s->hash && same_key(&ready->key, key);
}

/* Out of memory says nothing about a signature; all else that OpenSSL refuses is a wrong one. */
static mun_code refusal(void)
{
    bool memory = ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
    ERR_clear_error();
    return memory ? MUN_E_MEMORY : MUN_E_INVALID;
}

mun_code key_cache_get(key_cache *cache, const scheme *s, const mun_public_key *key,
                       ready_key **ret)
{
    ready_key *oldest = &cache->slot[0];
    cache->clock++;
    for (size_t i = 0; i < KEY_CACHE_SIZE; i++) {
        ready_key *at = &cache->slot[i];
        if (serves(at, s, key)) {
            at->used = cache->clock;
            *ret = at;
            return MUN_OK;
        }
        if (at->used < oldest->used) oldest = at;
    }
    ready_key fresh = {0};
    if (!make_ready(&fresh, s, key)) {
        drop(&fresh);
        return refusal();
    }
    drop(oldest);
    *oldest = fresh;
    oldest->used = cache->clock;
    *ret = oldest;
    return MUN_OK;
}

void key_cache_clear(key_cache *cache)
{
    for (size_t i = 0; i < KEY_CACHE_SIZE; i++) drop(&cache->slot[i]);
}

static int check_ed25519(EVP_PKEY *pkey, mun_slice message, mun_slice signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int result = ctx != NULL ? EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, pkey, NULL) : 0;
    if (result == 1) {
        result = EVP_DigestVerify(ctx, signature.ptr, signature.len, message.ptr, message.len);
    }
    EVP_MD_CTX_free(ctx);
    return result;
}

mun_code signature_check(ready_key *ready, mun_slice digest, mun_slice signature)
{
    const scheme *s = ready->scheme;
    size_t want = s->signature_len != 0 ? s->signature_len : ready->key.n_len;
    if (signature.len != want) return MUN_E_INVALID;
    int result = 0;
    if (s->hash == HASH_NONE) {
        result = check_ed25519(ready->pkey, digest, signature);
    } else {
        uint8_t der[ECDSA_DER_MAX];
        if (s->kty == MUN_KTY_EC2) signature = mun_slice_of(der, ecdsa_raw_to_der(signature, der));
        result = EVP_PKEY_verify(ready->ctx, signature.ptr, signature.len, digest.ptr, digest.len);
    }
    return result == 1 ? MUN_OK : refusal();
}
