/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ASCII text as HTTP compares it: names of fields, schemes, hosts, codings and types without regard
 * to case, values without the spaces around them (RFC 9110 sections 4.2.3, 5.1, 5.5). No locale has
 * a say.
 *
 * Threads: pure functions.
 */
#ifndef MUN_SERVER_ASCII_H
#define MUN_SERVER_ASCII_H

#include "base/slice.h"

static inline uint8_t mun_ascii_lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static inline bool mun_ascii_starts(mun_slice text, mun_slice start)
{
    if (start.len > text.len) return false;
    for (size_t i = 0; i < start.len; i++) {
        if (mun_ascii_lower(text.ptr[i]) != mun_ascii_lower(start.ptr[i])) return false;
    }
    return true;
}

static inline bool mun_ascii_same(mun_slice a, mun_slice b)
{
    return a.len == b.len && mun_ascii_starts(a, b);
}

/* RFC 9110 section 5.6.3: optional white space is spaces and tabs. */
static inline bool mun_ascii_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static inline mun_slice mun_ascii_trimmed(mun_slice text)
{
    while (text.len > 0 && mun_ascii_space(text.ptr[text.len - 1])) text.len--;
    while (text.len > 0 && mun_ascii_space(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    return text;
}

/* RFC 9110 section 5.6.2: tchar. */
static inline bool mun_ascii_token(uint8_t c)
{
    uint8_t letter = mun_ascii_lower(c);
    if ((c >= '0' && c <= '9') || (letter >= 'a' && letter <= 'z')) return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

/* -1: no hexadecimal digit. */
static inline int mun_ascii_hex(uint8_t c)
{
    uint8_t letter = mun_ascii_lower(c);
    if (c >= '0' && c <= '9') return c - '0';
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

#endif
