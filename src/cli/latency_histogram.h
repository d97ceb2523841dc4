/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log-linear histogram of times in nanoseconds, as HdrHistogram has it: each power of two is cut
 * into 64 equal parts, so a percentile is at most 1/64 greater than what was measured, from
 * nanoseconds to more than an hour, in a fixed 20 KiB.
 * Threads: one at a time.
 */
#ifndef MUN_CLI_LATENCY_HISTOGRAM_H
#define MUN_CLI_LATENCY_HISTOGRAM_H

#include <stdint.h>

#define MUN_LATENCY_PARTS_BITS 6
#define MUN_LATENCY_PARTS      (1u << MUN_LATENCY_PARTS_BITS)
#define MUN_LATENCY_POWERS     37 /* up to 2^42 ns, 73 minutes; what is longer counts there */
#define MUN_LATENCY_BUCKETS    (MUN_LATENCY_POWERS * MUN_LATENCY_PARTS)

typedef struct mun_latencies {
    uint64_t count;
    uint64_t greatest, sum; /* exact */
    uint64_t buckets[MUN_LATENCY_BUCKETS];
} mun_latencies;

void mun_latencies_add(mun_latencies *l, uint64_t ns);
/* The least bound that at least part (0..1) of the values do not exceed; 0 without values. Never
 * more than the greatest. */
uint64_t mun_latencies_at(const mun_latencies *l, double part);

#endif
