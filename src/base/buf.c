/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

uint8_t *mun_buf_reserve(mun_buf *buf, size_t n)
{
    if (buf->overflow) return NULL;
    if (n > buf->cap - buf->len && (buf->grow == NULL || !buf->grow(buf, n))) {
        buf->overflow = true;
        return NULL;
    }
    uint8_t *at = buf->len == 0 ? buf->ptr : buf->ptr + buf->len; /* NULL + 0 is undefined */
    buf->len += n;
    return at;
}

void mun_buf_put(mun_buf *buf, mun_slice bytes)
{
    if (bytes.len == 0) return;
    uint8_t *at = mun_buf_reserve(buf, bytes.len);
    if (at != NULL) memcpy(at, bytes.ptr, bytes.len);
}

static void put_big_endian(mun_buf *buf, uint64_t v, size_t width)
{
    uint8_t *at = mun_buf_reserve(buf, width);
    if (at == NULL) return;
    for (size_t i = 0; i < width; i++) at[i] = (uint8_t)(v >> (8 * (width - 1 - i)));
}

void mun_buf_u8(mun_buf *buf, uint8_t v)
{
    put_big_endian(buf, v, 1);
}

void mun_buf_u16(mun_buf *buf, uint16_t v)
{
    put_big_endian(buf, v, 2);
}

void mun_buf_u32(mun_buf *buf, uint32_t v)
{
    put_big_endian(buf, v, 4);
}

void mun_buf_u64(mun_buf *buf, uint64_t v)
{
    put_big_endian(buf, v, 8);
}

void mun_buf_text(mun_buf *buf, const char *text)
{
    mun_buf_put(buf, mun_slice_cstr(text));
}

void mun_buf_decimal(mun_buf *buf, uint64_t v)
{
    uint8_t digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (uint8_t)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    mun_buf_put(buf, mun_slice_of(digits + at, sizeof digits - at));
}

void mun_buf_hex(mun_buf *buf, mun_slice bytes)
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.len; i++) {
        mun_buf_u8(buf, (uint8_t)digit[bytes.ptr[i] >> 4]);
        mun_buf_u8(buf, (uint8_t)digit[bytes.ptr[i] & 15]);
    }
}
