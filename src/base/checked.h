/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic that reports overflow instead of wrapping. True: the result is good. */
#ifndef MUN_BASE_CHECKED_H
#define MUN_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>

static inline bool mun_add_size(size_t a, size_t b, size_t *ret)
{
    return !__builtin_add_overflow(a, b, ret);
}

#endif
