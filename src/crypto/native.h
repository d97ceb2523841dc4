/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests by OpenSSL: fetched once, since fetching takes longer than hashing a node of the tree.
 */
#ifndef MUN_CRYPTO_NATIVE_H
#define MUN_CRYPTO_NATIVE_H

#include "crypto/scheme.h"

#include <openssl/evp.h>

typedef struct hash_set {
    EVP_MD *md[HASH_KINDS];
} hash_set;

bool hash_set_fetch(hash_set *ret);
void hash_set_free(hash_set *set);

/* One digest over the parts, in a context that the caller reuses. Cannot fail. Returns its size. */
size_t digest_parts(EVP_MD_CTX *ctx, const EVP_MD *md, const mun_slice *parts, size_t n_parts,
                    uint8_t *ret);

/*
 * The parts as one slice: the part itself where there is one, else a copy on the heap that
 * *ret_heap owns (free it). False: out of memory.
 */
bool join_parts(const mun_slice *parts, size_t n_parts, mun_slice *ret, uint8_t **ret_heap);

#endif
