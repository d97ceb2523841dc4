/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and the native crypto table: what OpenSSL does for Muniment. Private keys are made, read,
 * written (PKCS#8 PEM, with or without passphrase) and turned into signers; public keys come from
 * and go to SPKI PEM and DER, and are taken out of X.509 certificates.
 *
 * Ownership: a mun_private_key and the ctx of a native table belong to the caller until freed; a
 * signer borrows its private key. The frees accept NULL (and a zeroed table). Secret bytes are
 * cleansed before their memory is given back and never appear in an error.
 *
 * Threads: a native table belongs to one thread at a time. A private key is immutable; any number
 * of threads may sign with it at once, as long as nobody frees it. mun_native_random is free for
 * all.
 */
#ifndef MUNIMENT_KEYS_H
#define MUNIMENT_KEYS_H

#include <muniment/crypto.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MUN_PEM_MAX         16384 /* the largest key file that is read */
#define MUN_CERTIFICATE_MAX 16384 /* the largest DER certificate that is read */
#define MUN_SPKI_MAX        600   /* DER of any key we accept: RSA 4096 with an 8-byte exponent */
#define MUN_RSA_BITS_MIN    2048
#define MUN_RSA_BITS_MAX    4096
#define MUN_PASSPHRASE_MAX  1024

/* Fills a table for one thread. MUN_E_CRYPTO, MUN_E_MEMORY. */
MUN_API MUN_MUST mun_code mun_native_crypto_new(mun_crypto *ret, mun_error *err);
MUN_API void mun_native_crypto_free(mun_crypto *crypto);
/* Fills ret with random bytes good enough for keys; ctx is not used. MUN_OK or MUN_E_CRYPTO. */
MUN_API MUN_MUST mun_code mun_native_random(void *ctx, uint8_t *ret, size_t len);

#ifdef __cplusplus
}
#endif
#endif
