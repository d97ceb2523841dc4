/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SubjectPublicKeyInfo of EC and Ed25519 keys is a fixed beginning and the coordinates
 * ([KEY-10]'s table). Reading and writing it by comparison takes microseconds where OpenSSL's
 * decoders and encoders take more than all of a verification, and the verify core, which has no
 * OpenSSL, reads certificates by it. Here since both stand on this floor only.
 * Threads: values.
 */
#ifndef MUN_BASE_SPKI_FORM_H
#define MUN_BASE_SPKI_FORM_H

#include <muniment/crypto.h>

/* False: another form. The point is not checked to lie on its curve. */
bool mun_spki_form_read(mun_slice der, mun_public_key *ret);
/* False: a key that has no fixed form (RSA). */
bool mun_spki_form_write(const mun_public_key *key, mun_buf *ret);

#endif
