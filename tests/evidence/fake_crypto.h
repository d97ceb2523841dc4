/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crypto table without cryptography, for tests of the verify core: the "hash" is a mixing of the
 * bytes, a "signature" that hash over key, algorithm and message. It records what it was asked, so
 * that a test can say which bytes were signed or checked, with which key, and how often.
 *
 * One fake belongs to one test.
 */
#ifndef MUN_TESTS_FAKE_CRYPTO_H
#define MUN_TESTS_FAKE_CRYPTO_H

#include "base/buf.h"
#include <muniment/evidence.h>

#define FAKE_CALLS 64

typedef struct fake_call {
    int32_t alg;
    uint8_t key_first; /* first byte of x (RSA: n) of the key used */
    size_t message_len;
    mun_code answer;
} fake_call;

typedef struct fake_crypto {
    size_t hashes;
    size_t verifies;
    fake_call calls[FAKE_CALLS]; /* the first ones */
    uint8_t message[4096];       /* of the last verification or signing */
    size_t message_len;
    mun_code verify_with; /* not MUN_OK: verify says this, whatever the signature */
} fake_crypto;

/* The table over a fake, emptied. */
mun_crypto fake_table(fake_crypto *fake);

/* A key of the algorithm's kind whose coordinates are all `fill`. */
mun_public_key fake_key(int32_t alg, uint8_t fill);

/* A signer with that key; its context is the fake. */
mun_signer fake_signer(fake_crypto *fake, int32_t alg, uint8_t fill);
/* What `sign` of a signer is that always fails: MUN_E_CRYPTO. */
mun_code fake_sign_fails(void *ctx, const mun_slice *parts, size_t n,
                         uint8_t ret[MUN_SIGNATURE_MAX], size_t *ret_len);

/* A trust entry for it, without kids but the thumbprint. */
mun_trusted_key fake_trust(mun_role role, const char *name, const mun_signer *signer, bool trusted);

#endif
