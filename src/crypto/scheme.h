/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signature algorithms, one row each: which key they go with, which digest, how long a
 * signature is (docs/format/key.md, "Algorithms"; RFC 9053, RFC 9864, RFC 8230). Constant data.
 */
#ifndef MUN_CRYPTO_SCHEME_H
#define MUN_CRYPTO_SCHEME_H

#include <muniment/crypto.h>

#define RSA_MODULUS_MIN 256 /* bytes; the most is MUN_RSA_MODULUS_MAX */

enum { HASH_SHA256, HASH_SHA384, HASH_SHA512, HASH_KINDS, HASH_NONE = HASH_KINDS };

typedef struct scheme {
    int32_t alg;
    int32_t kty;
    int32_t crv;
    unsigned hash;        /* HASH_NONE: the message itself is signed (Ed25519) */
    size_t signature_len; /* 0: as the modulus */
} scheme;

/* The row of a COSE algorithm identifier, or NULL. */
const scheme *scheme_find(int32_t alg);
/* Whether the key is of the type and curve that the scheme names ([KEY-4]). */
bool scheme_fits(const scheme *s, const mun_public_key *key);

typedef struct curve {
    int32_t kty;
    int32_t crv;
    const char *name; /* OpenSSL's */
    size_t width;     /* bytes of a coordinate */
} curve;

/* The curve of a key's type and curve numbers, or NULL. */
const curve *curve_find(int32_t kty, int32_t crv);
/* Whether the key has a known type and members of the right widths ([KEY-1]). */
bool key_well_formed(const mun_public_key *key);

#endif
