/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/cbor.h"

#define MAJOR_SHIFT 5
#define INFO_U8     24

void mun_cbor_put_head(mun_buf *buf, mun_cbor_type type, uint64_t value)
{
    uint8_t major = (uint8_t)(type << MAJOR_SHIFT);
    if (value < INFO_U8) {
        mun_buf_u8(buf, (uint8_t)(major | value));
    } else if (value <= UINT8_MAX) {
        mun_buf_u8(buf, major | INFO_U8);
        mun_buf_u8(buf, (uint8_t)value);
    } else if (value <= UINT16_MAX) {
        mun_buf_u8(buf, major | (INFO_U8 + 1));
        mun_buf_u16(buf, (uint16_t)value);
    } else if (value <= UINT32_MAX) {
        mun_buf_u8(buf, major | (INFO_U8 + 2));
        mun_buf_u32(buf, (uint32_t)value);
    } else {
        mun_buf_u8(buf, major | (INFO_U8 + 3));
        mun_buf_u64(buf, value);
    }
}

void mun_cbor_put_int(mun_buf *buf, int64_t v)
{
    if (v < 0)
        mun_cbor_put_head(buf, MUN_CBOR_NEGATIVE, (uint64_t)(-1 - v));
    else
        mun_cbor_put_head(buf, MUN_CBOR_UINT, (uint64_t)v);
}

void mun_cbor_put_bytes(mun_buf *buf, mun_slice bytes)
{
    mun_cbor_put_head(buf, MUN_CBOR_BYTES, bytes.len);
    mun_buf_put(buf, bytes);
}

void mun_cbor_put_text(mun_buf *buf, mun_slice text)
{
    mun_cbor_put_head(buf, MUN_CBOR_TEXT, text.len);
    mun_buf_put(buf, text);
}

void mun_cbor_put_null(mun_buf *buf)
{
    mun_buf_u8(buf, 0xf6);
}

void mun_cbor_wrap_bytes(mun_buf *buf, size_t from)
{
    if (!mun_buf_ok(buf)) return;
    uint8_t head[MUN_CBOR_HEAD_MAX];
    mun_buf head_buf = mun_buf_fixed(head, sizeof head);
    size_t length = buf->len - from;
    mun_cbor_put_head(&head_buf, MUN_CBOR_BYTES, length);
    if (mun_buf_reserve(buf, head_buf.len) == NULL) return;
    memmove(buf->ptr + from + head_buf.len, buf->ptr + from, length);
    memcpy(buf->ptr + from, head, head_buf.len);
}
