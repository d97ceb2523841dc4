/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and the native crypto table: what OpenSSL does for Muniment. Private keys are made, read,
 * written (PKCS#8 PEM, with or without passphrase) and turned into signers; public keys come from
 * and go to SubjectPublicKeyInfo as DER and PEM (docs/format/key.md).
 *
 * Ownership: a mun_private_key and a native table belong to the caller until freed; a signer
 * borrows its private key. The frees accept NULL (and a zeroed table). Secret bytes are cleansed
 * before their memory is given back and never appear in an error; what the caller was given
 * (mun_private_key_to_pem) the caller cleanses, with mun_cleanse.
 *
 * Threads: a native table belongs to one thread at a time. A private key is immutable: any number
 * of threads may sign with it at once, as long as nobody frees it. The rest has no shared state.
 */
#ifndef MUNIMENT_KEYS_H
#define MUNIMENT_KEYS_H

#include <muniment/crypto.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MUN_PEM_MAX         65536 /* the largest PEM text that is read */
#define MUN_PRIVATE_PEM_MAX 1024  /* enough for any mun_private_key_to_pem */
#define MUN_PUBLIC_DER_MAX  600   /* enough for any mun_public_key_to_der: RSA 4096 */
#define MUN_PUBLIC_PEM_MAX  900   /* enough for any mun_public_key_to_pem */
#define MUN_PASSPHRASE_MAX  1024

/*
 * Fills a table for one thread; its verify keeps the 64 keys that it used last, ready built.
 * MUN_E_CRYPTO, MUN_E_MEMORY. Beyond what muniment/crypto.h says, verify may return these two as
 * well when OpenSSL itself fails.
 */
MUN_API MUN_MUST mun_code mun_native_crypto_new(mun_crypto *ret, mun_error *err);
MUN_API void mun_native_crypto_free(mun_crypto *crypto);
/* Fills ret with random bytes good enough for keys; ctx is not used. MUN_OK or MUN_E_CRYPTO. */
MUN_API MUN_MUST mun_code mun_native_random(void *ctx, uint8_t *ret, size_t len);
/* Overwrites secret bytes in a way that the compiler does not remove. */
MUN_API void mun_cleanse(void *ptr, size_t len);

/*
 * Public keys. Reading checks all of KEY-1 and that a point lies on its curve: MUN_E_MALFORMED,
 * MUN_E_UNSUPPORTED (another kind of key), MUN_E_LIMIT.
 */
MUN_API MUN_MUST mun_code mun_public_key_check(const mun_public_key *key, mun_error *err);
MUN_API MUN_MUST mun_code mun_public_key_from_der(mun_slice der, mun_public_key *ret,
                                                  mun_error *err);
/* The first block of the text: PUBLIC KEY, or CERTIFICATE, whose key is taken as it stands. A
 * private key is refused with the advice to give its public one. */
MUN_API MUN_MUST mun_code mun_public_key_from_pem(mun_slice pem, mun_public_key *ret,
                                                  mun_error *err);
/* Appends SubjectPublicKeyInfo; overflow latches as well for a key that mun_public_key_check would
 * refuse. */
MUN_API void mun_public_key_to_der(const mun_public_key *key, mun_buf *ret);
MUN_API void mun_public_key_to_pem(const mun_public_key *key, mun_buf *ret);

typedef struct mun_private_key mun_private_key;

/* A new key: MUN_ALG_ES256, _ES384, _EDDSA (or _ED25519, the same). MUN_E_UNSUPPORTED. */
MUN_API MUN_MUST mun_code mun_private_key_generate(int32_t alg, mun_private_key **ret,
                                                   mun_error *err);
/*
 * From the first PKCS#8 block of a PEM text. MUN_E_USAGE: it is encrypted and the passphrase is
 * empty or wrong. MUN_E_MALFORMED, MUN_E_UNSUPPORTED (another kind of key or of encryption),
 * MUN_E_LIMIT. A passphrase for a key that is not encrypted is ignored.
 */
MUN_API MUN_MUST mun_code mun_private_key_from_pem(mun_slice pem, mun_slice passphrase,
                                                   mun_private_key **ret, mun_error *err);
/* Whether the first block is an encrypted private key: ask for its passphrase. */
MUN_API bool mun_private_key_encrypted(mun_slice pem);
/*
 * Appends PKCS#8 PEM; with a passphrase encrypted (PBES2: scrypt, AES-256-CBC). Give a fixed buffer
 * of MUN_PRIVATE_PEM_MAX bytes (a growable one leaves copies behind) and cleanse it after use.
 */
MUN_API MUN_MUST mun_code mun_private_key_to_pem(const mun_private_key *key, mun_slice passphrase,
                                                 mun_buf *ret, mun_error *err);
/* A signer that borrows the key. Its kid is left zero: the thumbprint is made by the room above
 * (mun_key_thumbprint, muniment/evidence.h). */
MUN_API void mun_private_key_signer(mun_private_key *key, mun_signer *ret);
MUN_API void mun_private_key_free(mun_private_key *key);

#ifdef __cplusplus
}
#endif
#endif
