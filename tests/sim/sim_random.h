/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulator's only source of chance: 64 bits of state, so that one seed gives one run on every
 * machine (the additive generator with a mixing function known as SplitMix64).
 */
#ifndef MUN_SIM_RANDOM_H
#define MUN_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

typedef struct sim_random {
    uint64_t state;
} sim_random;

static inline uint64_t sim_next(sim_random *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 .. n-1; 0 for n = 0. The bias of the multiplication is of no account here. */
static inline uint64_t sim_below(sim_random *r, uint64_t n)
{
    return (uint64_t)(((__uint128_t)sim_next(r) * n) >> 64);
}

/* low .. high, both included. */
static inline uint64_t sim_between(sim_random *r, uint64_t low, uint64_t high)
{
    return low + sim_below(r, high - low + 1);
}

/* True once in n times. */
static inline bool sim_once_in(sim_random *r, uint64_t n)
{
    return sim_below(r, n) == 0;
}

#endif
