/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of functions through which Muniment computes digests and checks signatures, and the
 * form in which public keys travel. The verify core calls nothing else from outside: the native
 * library fills the table from OpenSSL (muniment/keys.h), the WebAssembly build from its host.
 *
 * Threads: a table belongs to one thread at a time (its ctx may hold a reused digest context);
 * make one table for each thread.
 */
#ifndef MUNIMENT_CRYPTO_H
#define MUNIMENT_CRYPTO_H

#include <muniment/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MUN_HASH_SIZE       32  /* SHA-256, the log's only hash */
#define MUN_DIGEST_MAX      64  /* SHA-512 */
#define MUN_SIGNATURE_MAX   512 /* RSA 4096 */
#define MUN_KEY_COORD_MAX   66  /* P-521 */
#define MUN_RSA_MODULUS_MAX 512

/* COSE algorithm identifiers (IANA COSE registry; RFC 9053, RFC 9864, RFC 9054). */
enum {
    MUN_ALG_ES256 = -7,
    MUN_ALG_EDDSA = -8,
    MUN_ALG_ESP256 = -9,
    MUN_ALG_ED25519 = -19,
    MUN_ALG_ES384 = -35,
    MUN_ALG_ES512 = -36,
    MUN_ALG_PS256 = -37,
    MUN_ALG_PS384 = -38,
    MUN_ALG_PS512 = -39,
    MUN_ALG_ESP384 = -51,
    MUN_ALG_ESP512 = -52,
    MUN_HASH_SHA256 = -16,
    MUN_HASH_SHA384 = -43,
    MUN_HASH_SHA512 = -44,
};

/* COSE key types and curves (RFC 9053 section 7). */
enum {
    MUN_KTY_OKP = 1,
    MUN_KTY_EC2 = 2,
    MUN_KTY_RSA = 3,
    MUN_CRV_P256 = 1,
    MUN_CRV_P384 = 2,
    MUN_CRV_P521 = 3,
    MUN_CRV_ED25519 = 6,
};

/* A public key by value. EC2: x and y, each of the curve's full width. OKP: x. RSA: n and e,
 * big-endian without leading zeros. */
typedef struct mun_public_key {
    int32_t kty;
    int32_t crv; /* 0 for RSA */
    uint16_t x_len, y_len, n_len, e_len;
    uint8_t x[MUN_KEY_COORD_MAX];
    uint8_t y[MUN_KEY_COORD_MAX];
    uint8_t n[MUN_RSA_MODULUS_MAX];
    uint8_t e[8];
} mun_public_key;

typedef struct mun_crypto {
    void *ctx;
    /* SHA-256 over the parts, one after the other. Cannot fail. */
    void (*sha256)(void *ctx, const mun_slice *parts, size_t n_parts, uint8_t ret[MUN_HASH_SIZE]);
    /* A digest by COSE hash identifier: MUN_OK or MUN_E_UNSUPPORTED. */
    mun_code (*digest)(void *ctx, int32_t hash_alg, const mun_slice *parts, size_t n_parts,
                       uint8_t ret[MUN_DIGEST_MAX], size_t *ret_len);
    /*
     * Checks a raw COSE signature (ECDSA: r||s of fixed width) over the parts. MUN_OK,
     * MUN_E_INVALID (wrong signature), MUN_E_UNSUPPORTED (algorithm unknown or does not fit the
     * key: an ES256 label with a P-384 key is refused, never reinterpreted).
     */
    mun_code (*verify)(void *ctx, int32_t alg, const mun_public_key *key, const mun_slice *parts,
                       size_t n_parts, mun_slice signature);
} mun_crypto;

/* Something that signs with one key. Threads: sign may be called by several threads at once. */
typedef struct mun_signer {
    void *ctx;
    int32_t alg; /* -7, -35 or -8 */
    mun_public_key key;
    uint8_t kid[MUN_HASH_SIZE]; /* RFC 9679 SHA-256 thumbprint of key */
    mun_code (*sign)(void *ctx, const mun_slice *parts, size_t n_parts,
                     uint8_t ret[MUN_SIGNATURE_MAX], size_t *ret_len);
} mun_signer;

#ifdef __cplusplus
}
#endif
#endif
