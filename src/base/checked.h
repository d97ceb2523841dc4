/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic that reports overflow instead of wrapping. True: the result is good. */
#ifndef MUN_BASE_CHECKED_H
#define MUN_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool mun_add_u64(uint64_t a, uint64_t b, uint64_t *ret)
{
    return !__builtin_add_overflow(a, b, ret);
}

static inline bool mun_mul_u64(uint64_t a, uint64_t b, uint64_t *ret)
{
    return !__builtin_mul_overflow(a, b, ret);
}

static inline bool mun_add_size(size_t a, size_t b, size_t *ret)
{
    return !__builtin_add_overflow(a, b, ret);
}

static inline bool mun_mul_size(size_t a, size_t b, size_t *ret)
{
    return !__builtin_mul_overflow(a, b, ret);
}

/* a rounded up to the next multiple of unit, a power of two. The caller knows that it fits. */
static inline uint64_t mun_round_up(uint64_t a, uint64_t unit)
{
    return (a + unit - 1) & ~(unit - 1);
}

#endif
