/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cursor.h"

mun_slice mun_cursor_take(mun_cursor *c, size_t n)
{
    if (c->failed || n > mun_cursor_left(c)) {
        c->failed = true;
        return (mun_slice){0};
    }
    mun_slice bytes = mun_slice_of(c->at, n);
    if (n > 0) c->at += n;
    return bytes;
}

static uint64_t take_big_endian(mun_cursor *c, size_t width)
{
    mun_slice bytes = mun_cursor_take(c, width);
    uint64_t v = 0;
    for (size_t i = 0; i < bytes.len; i++) v = v << 8 | bytes.ptr[i];
    return v;
}

uint8_t mun_cursor_u8(mun_cursor *c)
{
    return (uint8_t)take_big_endian(c, 1);
}

uint16_t mun_cursor_u16(mun_cursor *c)
{
    return (uint16_t)take_big_endian(c, 2);
}

uint32_t mun_cursor_u32(mun_cursor *c)
{
    return (uint32_t)take_big_endian(c, 4);
}

uint64_t mun_cursor_u64(mun_cursor *c)
{
    return take_big_endian(c, 8);
}
