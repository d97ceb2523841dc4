/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that end in one LF, decimals without ornament, and the C2SP signature line. */
#ifndef MUN_CODEC_LINES_H
#define MUN_CODEC_LINES_H

#include "base/cursor.h"

/* The next line without its LF; latches when no LF follows. */
mun_slice mun_line_take(mun_cursor *c);

/* After the prefix, or latch: "origin ", say. */
void mun_line_expect(mun_cursor *c, mun_slice prefix);

/* 0, or digits without a leading zero, up to max. */
MUN_MUST bool mun_decimal_take(mun_slice text, uint64_t max, uint64_t *ret);

/* C2SP signed-note: EM DASH, space, key name, space, base64. Splits only; decodes nothing. */
MUN_MUST bool mun_signature_line_split(mun_slice line, mun_slice *ret_name, mun_slice *ret_base64);
#define MUN_SIGNATURE_LINE_MARK "\xe2\x80\x94 "

/* C2SP: a key name is UTF-8, not empty, has no Unicode space and no '+'. */
bool mun_key_name_valid(mun_slice name);

#endif
