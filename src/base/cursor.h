/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one reader: a bounded cursor over borrowed bytes that latches on failure. Read all fields,
 * then check mun_cursor_ok (or mun_cursor_done: everything consumed as well) once. A failed cursor
 * returns zeros and empty slices, and remembers where it failed.
 */
#ifndef MUN_BASE_CURSOR_H
#define MUN_BASE_CURSOR_H

#include "base/slice.h"

typedef struct mun_cursor {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
} mun_cursor;

static inline mun_cursor mun_cursor_over(mun_slice bytes)
{
    return (mun_cursor){bytes.ptr, bytes.ptr, bytes.len == 0 ? bytes.ptr : bytes.ptr + bytes.len,
                        false};
}

static inline size_t mun_cursor_left(const mun_cursor *c)
{
    return (size_t)(c->end - c->at);
}

static inline size_t mun_cursor_offset(const mun_cursor *c)
{
    return (size_t)(c->at - c->start);
}

static inline bool mun_cursor_ok(const mun_cursor *c)
{
    return !c->failed;
}

static inline bool mun_cursor_done(const mun_cursor *c)
{
    return !c->failed && c->at == c->end;
}

/* The next n bytes; an empty slice and the latch when there are fewer. */
mun_slice mun_cursor_take(mun_cursor *c, size_t n);
uint8_t mun_cursor_u8(mun_cursor *c);
uint16_t mun_cursor_u16(mun_cursor *c); /* this and the next two: big-endian */
uint32_t mun_cursor_u32(mun_cursor *c);
uint64_t mun_cursor_u64(mun_cursor *c);

#endif
