/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between our public keys, which are values, and OpenSSL's, which are objects. No shared state.
 * On failure OpenSSL's error queue is left as it is.
 */
#ifndef MUN_CRYPTO_EVP_KEY_H
#define MUN_CRYPTO_EVP_KEY_H

#include <muniment/crypto.h>
#include <openssl/evp.h>

/* An OpenSSL key, to be freed with EVP_PKEY_free; NULL when the key is not well-formed, its point
 * is not on its curve, or OpenSSL fails. */
EVP_PKEY *evp_from_public(const mun_public_key *key);

/* The public half; false when the key is not of a kind in docs/format/key.md, or out of range. */
bool evp_to_public(const EVP_PKEY *pkey, mun_public_key *ret);

#endif
