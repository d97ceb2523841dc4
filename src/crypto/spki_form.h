/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SubjectPublicKeyInfo of EC and Ed25519 keys is a fixed beginning and the coordinates
 * ([KEY-10]'s table). Reading and writing it by comparison takes microseconds where OpenSSL's
 * decoders and encoders take more than all of a verification. The verify core has the same table
 * for certificates (src/evidence/certificate.c), which it cannot share with this room.
 * Threads: values.
 */
#ifndef MUN_CRYPTO_SPKI_FORM_H
#define MUN_CRYPTO_SPKI_FORM_H

#include <muniment/crypto.h>

/* False: another form. The point is not checked to lie on its curve. */
bool spki_form_read(mun_slice der, mun_public_key *ret);
/* False: a key that has no fixed form (RSA). */
bool spki_form_write(const mun_public_key *key, mun_buf *ret);

#endif
