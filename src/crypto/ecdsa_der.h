/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECDSA signatures: COSE carries r || s, each of the curve's width (RFC 9053 section 2.1); OpenSSL
 * wants and gives SEQUENCE { INTEGER r, INTEGER s } in DER. Pure functions.
 */
#ifndef MUN_CRYPTO_ECDSA_DER_H
#define MUN_CRYPTO_ECDSA_DER_H

#include "base/slice.h"

/* Two integers of 67 bytes with heads of two bytes each, and a head of three. */
#define ECDSA_DER_MAX (3 + 2 * (2 + 67))

/* raw has an even length, 2 to 2*66. Returns the length of the DER. */
size_t ecdsa_raw_to_der(mun_slice raw, uint8_t ret[ECDSA_DER_MAX]);
/* r and s, of width bytes each, into ret; false when der is not OpenSSL's form of a signature. */
bool ecdsa_der_to_raw(mun_slice der, size_t width, uint8_t *ret);

#endif
