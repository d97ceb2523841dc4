/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/fake_crypto.h"

#include "base/slice.h"

#define FNV_PRIME UINT64_C(0x100000001b3)

static void mix(uint64_t lane[4], const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        for (size_t k = 0; k < 4; k++) lane[k] = (lane[k] ^ (bytes[i] + k)) * FNV_PRIME;
}

static void finish(const uint64_t lane[4], uint8_t ret[MUN_HASH_SIZE])
{
    for (size_t i = 0; i < MUN_HASH_SIZE; i++) {
        uint64_t v = lane[i / 8] ^ lane[i / 8] >> 29;
        ret[i] = (uint8_t)(v * FNV_PRIME >> (8 * (i % 8)));
    }
}

static void hash_parts(const uint8_t *prefix, size_t prefix_len, const mun_slice *parts, size_t n,
                       uint8_t ret[MUN_HASH_SIZE])
{
    uint64_t lane[4] = {UINT64_C(0xcbf29ce484222325), 2, 3, 5};
    mix(lane, prefix, prefix_len);
    for (size_t i = 0; i < n; i++) mix(lane, parts[i].ptr, parts[i].len);
    finish(lane, ret);
}

static void fake_sha256(void *ctx, const mun_slice *parts, size_t n, uint8_t ret[MUN_HASH_SIZE])
{
    fake_crypto *fake = ctx;
    fake->hashes++;
    hash_parts(NULL, 0, parts, n, ret);
}

static mun_code fake_digest(void *ctx, int32_t hash_alg, const mun_slice *parts, size_t n,
                            uint8_t ret[MUN_DIGEST_MAX], size_t *ret_len)
{
    fake_crypto *fake = ctx;
    fake->hashes++;
    if (hash_alg != MUN_HASH_SHA256) return MUN_E_UNSUPPORTED;
    hash_parts(NULL, 0, parts, n, ret);
    *ret_len = MUN_HASH_SIZE;
    return MUN_OK;
}

static size_t signature_len(const mun_public_key *key)
{
    if (key->kty == MUN_KTY_RSA) return key->n_len;
    return key->kty == MUN_KTY_EC2 ? 2 * (size_t)key->x_len : 64;
}

static void sign_parts(const mun_public_key *key, const mun_slice *parts, size_t n, uint8_t *ret)
{
    uint8_t hash[MUN_HASH_SIZE], prefix[2 + sizeof key->x] = {(uint8_t)key->kty, (uint8_t)key->crv};
    const uint8_t *number = key->kty == MUN_KTY_RSA ? key->n : key->x;
    memcpy(prefix + 2, number, sizeof key->x);
    hash_parts(prefix, sizeof prefix, parts, n, hash);
    for (size_t i = 0; i < signature_len(key); i++)
        ret[i] = (uint8_t)(hash[i % MUN_HASH_SIZE] + i / MUN_HASH_SIZE);
}

static void record(fake_crypto *fake, const mun_slice *parts, size_t n)
{
    mun_buf buf = mun_buf_fixed(fake->message, sizeof fake->message);
    for (size_t i = 0; i < n; i++) mun_buf_put(&buf, parts[i]);
    fake->message_len = buf.len;
}

static mun_code fake_verify(void *ctx, int32_t alg, const mun_public_key *key,
                            const mun_slice *parts, size_t n, mun_slice signature)
{
    fake_crypto *fake = ctx;
    uint8_t expected[MUN_SIGNATURE_MAX];
    sign_parts(key, parts, n, expected);
    record(fake, parts, n);
    bool good = mun_slice_equal(signature, mun_slice_of(expected, signature_len(key)));
    mun_code answer = good ? MUN_OK : MUN_E_INVALID;
    if (fake->verify_with != MUN_OK) answer = fake->verify_with;
    if (fake->verifies < FAKE_CALLS)
        fake->calls[fake->verifies] = (fake_call){
            alg, key->kty == MUN_KTY_RSA ? key->n[0] : key->x[0], fake->message_len, answer};
    fake->verifies++;
    return answer;
}

mun_crypto fake_table(fake_crypto *fake)
{
    *fake = (fake_crypto){0};
    return (mun_crypto){
        .ctx = fake, .sha256 = fake_sha256, .digest = fake_digest, .verify = fake_verify};
}

mun_public_key fake_key(int32_t alg, uint8_t fill)
{
    mun_public_key key = {.kty = MUN_KTY_EC2, .crv = MUN_CRV_P256, .x_len = 32, .y_len = 32};
    if (alg == MUN_ALG_ES384)
        key = (mun_public_key){.kty = MUN_KTY_EC2, .crv = MUN_CRV_P384, .x_len = 48, .y_len = 48};
    if (alg == MUN_ALG_ES512)
        key = (mun_public_key){.kty = MUN_KTY_EC2, .crv = MUN_CRV_P521, .x_len = 66, .y_len = 66};
    if (alg == MUN_ALG_EDDSA || alg == MUN_ALG_ED25519)
        key = (mun_public_key){.kty = MUN_KTY_OKP, .crv = MUN_CRV_ED25519, .x_len = 32};
    if (alg == MUN_ALG_PS256) key = (mun_public_key){.kty = MUN_KTY_RSA, .n_len = 256, .e_len = 3};
    memset(key.x, fill, key.x_len);
    memset(key.y, fill, key.y_len);
    memset(key.n, fill, key.n_len);
    memset(key.e, 1, key.e_len);
    return key;
}

/* The signer needs key and fake both: keys are found by their place in this table. */
static mun_public_key signing_keys[256];

static mun_code fake_sign(void *ctx, const mun_slice *parts, size_t n,
                          uint8_t ret[MUN_SIGNATURE_MAX], size_t *ret_len)
{
    const mun_public_key *key = ctx;
    sign_parts(key, parts, n, ret);
    *ret_len = signature_len(key);
    return MUN_OK;
}

mun_signer fake_signer(fake_crypto *fake, int32_t alg, uint8_t fill)
{
    mun_crypto table = {.ctx = fake, .sha256 = fake_sha256};
    signing_keys[fill] = fake_key(alg, fill);
    mun_signer signer = {
        .ctx = &signing_keys[fill], .alg = alg, .key = signing_keys[fill], .sign = fake_sign};
    mun_key_thumbprint(&table, &signer.key, signer.kid);
    return signer;
}

mun_code fake_sign_fails(void *ctx, const mun_slice *parts, size_t n,
                         uint8_t ret[MUN_SIGNATURE_MAX], size_t *ret_len)
{
    (void)ctx, (void)parts, (void)n, (void)ret, (void)ret_len;
    return MUN_E_CRYPTO;
}

mun_trusted_key fake_trust(mun_role role, const char *name, const mun_signer *signer, bool trusted)
{
    return (mun_trusted_key){
        .role = role, .name = mun_slice_cstr(name), .key = signer->key, .trusted = trusted};
}
