/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies behind the ctx of a native table: digests fetched once, one reused digest context, and
 * the keys that were built last. Belongs to one thread at a time, as the table does.
 */
#ifndef MUN_CRYPTO_NATIVE_H
#define MUN_CRYPTO_NATIVE_H

#include <muniment/keys.h>
#include <openssl/evp.h>

enum { NATIVE_SHA256, NATIVE_SHA384, NATIVE_SHA512, NATIVE_HASHES };

typedef struct native {
    EVP_MD *md[NATIVE_HASHES];
    EVP_MD_CTX *digest;
} native;

#endif
