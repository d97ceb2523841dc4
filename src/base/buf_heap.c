/* SPDX-License-Identifier: Apache-2.0 */
/* Growable buffers, apart from buf.c so that the verify core links without an allocator. */
#include "base/buf.h"

#include <stdlib.h>

#define FIRST_CAPACITY 256

static bool grow_heap(mun_buf *buf, size_t need)
{
    if (need > buf->max - buf->len) return false;
    size_t cap = buf->cap < FIRST_CAPACITY ? FIRST_CAPACITY : buf->cap;
    while (cap < buf->len + need) cap = cap > buf->max / 2 ? buf->max : cap * 2;
    if (cap > buf->max) cap = buf->max;
    uint8_t *ptr = realloc(buf->ptr, cap);
    if (ptr == NULL) {
        buf->no_memory = true;
        return false;
    }
    buf->ptr = ptr;
    buf->cap = cap;
    return true;
}

mun_buf mun_buf_growable(size_t max)
{
    return (mun_buf){.max = max, .grow = grow_heap};
}

void mun_buf_free(mun_buf *buf)
{
    if (buf == NULL) return;
    if (buf->grow != NULL) free(buf->ptr);
    *buf = (mun_buf){0};
}
