/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one writer: appends bytes, big-endian integers and text to a mun_buf (muniment/base.h).
 * Overflow latches; check buf->overflow, or mun_buf_ok, once at the end.
 */
#ifndef MUN_BASE_BUF_H
#define MUN_BASE_BUF_H

#include "base/slice.h"

/* A fixed buffer over the caller's bytes. */
static inline mun_buf mun_buf_fixed(void *ptr, size_t cap)
{
    return (mun_buf){.ptr = ptr, .cap = cap, .max = cap};
}

static inline bool mun_buf_ok(const mun_buf *buf)
{
    return !buf->overflow;
}

static inline mun_slice mun_buf_slice(const mun_buf *buf)
{
    return mun_slice_of(buf->ptr, buf->len);
}

/* Room for n more bytes: the address to fill, already counted as written, or NULL on overflow. */
uint8_t *mun_buf_reserve(mun_buf *buf, size_t n);

void mun_buf_put(mun_buf *buf, mun_slice bytes);
void mun_buf_u8(mun_buf *buf, uint8_t v);
void mun_buf_u16(mun_buf *buf, uint16_t v); /* this and the next two: big-endian */
void mun_buf_u32(mun_buf *buf, uint32_t v);
void mun_buf_u64(mun_buf *buf, uint64_t v);
void mun_buf_text(mun_buf *buf, const char *text);
void mun_buf_decimal(mun_buf *buf, uint64_t v);
void mun_buf_hex(mun_buf *buf, mun_slice bytes); /* lower case */

/* Empties it and clears the latch; keeps the memory. */
static inline void mun_buf_clear(mun_buf *buf)
{
    buf->len = 0;
    buf->overflow = buf->no_memory = false;
}

#define MUN_BUF_AUTO __attribute__((cleanup(mun_buf_free)))

#endif
