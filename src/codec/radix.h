/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as text: hexadecimal, base64 and base64url (RFC 4648), base58btc (for did:key).
 * Readers take the canonical form only: no white space, no other padding, unused bits zero.
 */
#ifndef MUN_CODEC_RADIX_H
#define MUN_CODEC_RADIX_H

#include "base/buf.h"

void mun_base64_put(mun_buf *ret, mun_slice bytes);    /* with padding */
void mun_base64url_put(mun_buf *ret, mun_slice bytes); /* without padding */

/* False, and nothing promised about ret, when the text is not canonical or ret is too small. */
MUN_MUST bool mun_base64_take(mun_slice text, mun_buf *ret);
MUN_MUST bool mun_base64url_take(mun_slice text, mun_buf *ret);
/* Whether mun_base64_take would accept it, and how many bytes it would give. */
MUN_MUST bool mun_base64_valid(mun_slice text, size_t *ret_len);
MUN_MUST bool mun_hex_take(mun_slice text, mun_buf *ret); /* either case */

/* At most MUN_BASE58_BYTES_MAX bytes; longer input latches the overflow of ret. */
#define MUN_BASE58_BYTES_MAX 64
void mun_base58_put(mun_buf *ret, mun_slice bytes);

#endif
