/* SPDX-License-Identifier: Apache-2.0 */
/* The clock by which the service measures and waits: it never goes back, and nobody sets it. */
#ifndef MUN_SERVER_CLOCK_H
#define MUN_SERVER_CLOCK_H

#include <stdint.h>
#include <time.h>

#define MUN_SECOND_NS UINT64_C(1000000000)

/* CLOCK_MONOTONIC, nanoseconds. */
static inline uint64_t mun_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * MUN_SECOND_NS + (uint64_t)now.tv_nsec;
}

/* The same moment for pthread_cond_timedwait on a condition with this clock. */
static inline struct timespec mun_clock_at(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / MUN_SECOND_NS),
                             .tv_nsec = (long)(ns % MUN_SECOND_NS)};
}

#endif
