/* SPDX-License-Identifier: Apache-2.0 */
/* Making private keys and signing with them (muniment/keys.h). */
#include "crypto/private_key.h"

#include "base/slice.h"
#include "crypto/ecdsa_der.h"
#include "crypto/evp_key.h"

#include <openssl/err.h>
#include <stdlib.h>

/* The algorithm that we sign with under such a key, or NULL. */
static const scheme *signing_scheme(const mun_public_key *key)
{
    static const int32_t ours[] = {MUN_ALG_ES256, MUN_ALG_ES384, MUN_ALG_EDDSA};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        const scheme *s = scheme_find(ours[i]);
        if (scheme_fits(s, key)) return s;
    }
    return NULL;
}

/* Whether the two halves belong together: a file can say anything. Ed25519 files hold one only. */
static bool halves_match(EVP_PKEY *pkey)
{
    if (!EVP_PKEY_is_a(pkey, "EC")) return true;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    bool good = ctx != NULL && EVP_PKEY_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good;
}

static mun_code fill(mun_private_key *key, mun_error *err)
{
    bool known = evp_to_public(key->pkey, &key->public_key);
    key->scheme = known ? signing_scheme(&key->public_key) : NULL;
    if (key->scheme == NULL) {
        return mun_fail(err, MUN_E_UNSUPPORTED, MUN_NO_OFFSET,
                        "the private key is of a kind that Muniment does not sign with; it must be "
                        "EC on P-256 or P-384, or Ed25519");
    }
    if (!halves_match(key->pkey)) {
        return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET,
                        "the private key does not belong to the public key beside it; the file is "
                        "damaged");
    }
    if (!hash_set_fetch(&key->hashes)) {
        return mun_fail(err, MUN_E_CRYPTO, MUN_NO_OFFSET, "OpenSSL offers no SHA-2");
    }
    return MUN_OK;
}

mun_code private_key_wrap(EVP_PKEY *pkey, mun_private_key **ret, mun_error *err)
{
    mun_private_key *key = calloc(1, sizeof *key);
    if (key == NULL) {
        EVP_PKEY_free(pkey);
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    }
    key->pkey = pkey;
    mun_code code = fill(key, err);
    ERR_clear_error();
    if (code != MUN_OK) {
        mun_private_key_free(key);
        return code;
    }
    *ret = key;
    return MUN_OK;
}

mun_code mun_private_key_generate(int32_t alg, mun_private_key **ret, mun_error *err)
{
    EVP_PKEY *pkey = NULL;
    switch (alg) {
    case MUN_ALG_ES256: pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"); break;
    case MUN_ALG_ES384: pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384"); break;
    case MUN_ALG_EDDSA:
    case MUN_ALG_ED25519: pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"); break;
    default:
        return mun_fail(err, MUN_E_UNSUPPORTED, MUN_NO_OFFSET,
                        "Muniment makes keys for es256, es384 and ed25519 only");
    }
    if (pkey == NULL) {
        ERR_clear_error();
        return mun_fail(
            err, MUN_E_CRYPTO, MUN_NO_OFFSET,
            "OpenSSL could not make a key; its source of random numbers may be missing");
    }
    return private_key_wrap(pkey, ret, err);
}

static bool sign_digest(const mun_private_key *key, mun_slice digest, uint8_t *ret)
{
    uint8_t der[ECDSA_DER_MAX];
    size_t len = sizeof der;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
    bool good = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
                EVP_PKEY_sign(ctx, der, &len, digest.ptr, digest.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good && ecdsa_der_to_raw(mun_slice_of(der, len), key->scheme->signature_len / 2, ret);
}

static mun_code sign_ecdsa(const mun_private_key *key, EVP_MD_CTX *ctx, const mun_slice *parts,
                           size_t n_parts, uint8_t *ret)
{
    uint8_t digest[MUN_DIGEST_MAX];
    const EVP_MD *md = key->hashes.md[key->scheme->hash];
    size_t len = digest_parts(ctx, md, parts, n_parts, digest);
    return sign_digest(key, mun_slice_of(digest, len), ret) ? MUN_OK : MUN_E_CRYPTO;
}

static mun_code sign_ed25519(const mun_private_key *key, EVP_MD_CTX *ctx, const mun_slice *parts,
                             size_t n_parts, uint8_t *ret)
{
    mun_slice message;
    uint8_t *heap = NULL;
    if (!join_parts(parts, n_parts, &message, &heap)) return MUN_E_MEMORY;
    size_t len = key->scheme->signature_len;
    bool good = EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, key->pkey, NULL) == 1 &&
                EVP_DigestSign(ctx, ret, &len, message.ptr, message.len) == 1 &&
                len == key->scheme->signature_len;
    free(heap);
    return good ? MUN_OK : MUN_E_CRYPTO;
}

/* Contexts of its own on each call: the price of being callable by several threads (under 2 us). */
static mun_code private_key_sign(void *ctx, const mun_slice *parts, size_t n_parts,
                                 uint8_t ret[MUN_SIGNATURE_MAX], size_t *ret_len)
{
    const mun_private_key *key = ctx;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (digest == NULL) return MUN_E_MEMORY;
    mun_code code = key->scheme->hash == HASH_NONE ? sign_ed25519(key, digest, parts, n_parts, ret)
                                                   : sign_ecdsa(key, digest, parts, n_parts, ret);
    EVP_MD_CTX_free(digest);
    if (code == MUN_OK) *ret_len = key->scheme->signature_len;
    ERR_clear_error();
    return code;
}

void mun_private_key_signer(mun_private_key *key, mun_signer *ret)
{
    *ret = (mun_signer){
        .ctx = key,
        .alg = key->scheme->alg,
        .key = key->public_key,
        .sign = private_key_sign,
    };
}

/* OpenSSL cleanses the secret numbers inside an EVP_PKEY when the last reference goes. */
void mun_private_key_free(mun_private_key *key)
{
    if (key == NULL) return;
    EVP_PKEY_free(key->pkey);
    hash_set_free(&key->hashes);
    free(key);
}
