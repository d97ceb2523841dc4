/* SPDX-License-Identifier: Apache-2.0 */
/* The clock by which the service measures and waits: it never goes back, and nobody sets it. And
 * the one on the wall. */
#ifndef MUN_SERVER_CLOCK_H
#define MUN_SERVER_CLOCK_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#define MUN_SECOND_NS UINT64_C(1000000000)
#define MUN_MS_NS     UINT64_C(1000000)

/* CLOCK_MONOTONIC, nanoseconds. */
static inline uint64_t mun_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * MUN_SECOND_NS + (uint64_t)now.tv_nsec;
}

static inline uint64_t mun_clock_ms(void)
{
    return mun_clock_ns() / MUN_MS_NS;
}

/* The time of day, which somebody may set: for people and for what expires. Since 1970. */
static inline uint64_t mun_clock_wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / MUN_MS_NS;
}

/* A condition that is waited for by the first clock. */
static inline void mun_clock_cond_init(pthread_cond_t *ret)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(ret, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* The moment for pthread_cond_timedwait on such a condition. */
static inline struct timespec mun_clock_at(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / MUN_SECOND_NS),
                             .tv_nsec = (long)(ns % MUN_SECOND_NS)};
}

#endif
