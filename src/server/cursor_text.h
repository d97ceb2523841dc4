/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cursors of paged answers. To the client a cursor is opaque; inside it is the last index given and
 * a digest of what was asked, so that it is good for this question on this ledger only, after any
 * growth and any restart: 1 byte version 1 || u64 index || first 16 bytes of
 * SHA-256("muniment cursor 1" || origin and question, each with its length || index).
 * Threads: values; a mun_crypto belongs to one thread.
 */
#ifndef MUN_SERVER_CURSOR_TEXT_H
#define MUN_SERVER_CURSOR_TEXT_H

#include "base/buf.h"

#include <muniment/crypto.h>

#define MUN_CURSOR_TEXT 36 /* base64url of 25 bytes is 34 */

typedef struct mun_cursor_of {
    mun_slice origin;
    mun_slice question; /* canonical bytes of all parameters but cursor and limit */
} mun_cursor_of;

void mun_cursor_write(const mun_crypto *crypto, const mun_cursor_of *of, uint64_t index,
                      char ret[MUN_CURSOR_TEXT]);
/* MUN_E_USAGE: not a cursor, or not of this question. */
MUN_MUST mun_code mun_cursor_read(const mun_crypto *crypto, const mun_cursor_of *of, mun_slice text,
                                  uint64_t *ret_index, mun_error *err);

#endif
