/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checking signatures, with the keys used last kept ready: building an OpenSSL key from its bytes
 * takes a third of the time of checking a signature with it. Belongs to one thread at a time.
 */
#ifndef MUN_CRYPTO_SIGNATURE_CHECK_H
#define MUN_CRYPTO_SIGNATURE_CHECK_H

#include "crypto/scheme.h"

#include <openssl/evp.h>

#define KEY_CACHE_SIZE 64

typedef struct ready_key {
    const scheme *scheme; /* NULL: the slot is free */
    uint64_t used;        /* the cache's clock at the last use */
    mun_public_key key;
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *ctx; /* set up for the scheme; NULL for Ed25519 */
} ready_key;

typedef struct key_cache {
    uint64_t clock;
    ready_key slot[KEY_CACHE_SIZE];
} key_cache;

/* The key made ready for the scheme: from the cache, or built in place of the one unused longest.
 * Valid until the next call. MUN_OK, MUN_E_INVALID (no such key can be), MUN_E_MEMORY. */
mun_code key_cache_get(key_cache *cache, const scheme *s, const mun_public_key *key,
                       ready_key **ret);
void key_cache_clear(key_cache *cache);

/* As verify of mun_crypto. digest is the hash of the message for s->hash, or with HASH_NONE the
 * message itself. MUN_OK, MUN_E_INVALID, MUN_E_MEMORY. */
mun_code signature_check(ready_key *ready, mun_slice digest, mun_slice signature);

#endif
