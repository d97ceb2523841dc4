/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers on borrowed bytes (mun_slice, muniment/base.h). */
#ifndef MUN_BASE_SLICE_H
#define MUN_BASE_SLICE_H

#include <muniment/base.h>
#include <string.h>

static inline mun_slice mun_slice_of(const void *ptr, size_t len)
{
    return (mun_slice){ptr, len};
}

/* The bytes of a string literal, without its NUL. */
#define MUN_LITERAL(text) ((mun_slice){(const uint8_t *)(text), sizeof(text) - 1})

static inline mun_slice mun_slice_cstr(const char *text)
{
    size_t len = 0;
    while (text[len] != '\0') len++;
    return mun_slice_of(text, len);
}

static inline bool mun_slice_equal(mun_slice a, mun_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool mun_slice_starts(mun_slice whole, mun_slice prefix)
{
    return whole.len >= prefix.len &&
           (prefix.len == 0 || memcmp(whole.ptr, prefix.ptr, prefix.len) == 0);
}

/* Copies the bytes to *at, where the caller has made room, and moves it behind them. */
static inline mun_slice mun_slice_copy(uint8_t **at, mun_slice bytes)
{
    uint8_t *start = *at;
    if (bytes.len > 0) memcpy(start, bytes.ptr, bytes.len);
    *at += bytes.len;
    return mun_slice_of(start, bytes.len);
}

#endif
