/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 by RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF. */
#ifndef MUN_CODEC_UTF8_H
#define MUN_CODEC_UTF8_H

#include "base/cursor.h"

/* The next code point; the cursor's latch and 0 when the bytes are not UTF-8. */
uint32_t mun_utf8_take(mun_cursor *c);

bool mun_utf8_valid(mun_slice text);

/* The characters of Unicode's White_Space property, ASCII ones included. */
bool mun_unicode_is_space(uint32_t code_point);

/* What can play tricks on the reader of a terminal: controls, line separators, marks that turn the
 * direction of writing. */
bool mun_unicode_is_hidden(uint32_t code_point);

#endif
