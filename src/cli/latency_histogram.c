/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/latency_histogram.h"

#include "base/assert.h"

#define BITS  MUN_LATENCY_PARTS_BITS
#define PARTS MUN_LATENCY_PARTS

/* Values below PARTS have a bucket each; above, the top BITS + 1 bits choose it. */
static unsigned bucket_of(uint64_t ns)
{
    if (ns < PARTS) return (unsigned)ns;
    unsigned power = 63 - (unsigned)__builtin_clzll(ns);
    unsigned shift = power - BITS;
    unsigned bucket = (shift + 1) * PARTS + (unsigned)((ns >> shift) - PARTS);
    return bucket < MUN_LATENCY_BUCKETS ? bucket : MUN_LATENCY_BUCKETS - 1;
}

/* The greatest value that falls into the bucket. */
static uint64_t bound_of(unsigned bucket)
{
    if (bucket < PARTS) return bucket;
    unsigned shift = bucket / PARTS - 1;
    return ((uint64_t)(bucket % PARTS) + PARTS + 1) * (UINT64_C(1) << shift) - 1;
}

void mun_latencies_add(mun_latencies *l, uint64_t ns)
{
    l->buckets[bucket_of(ns)]++;
    l->count++;
    l->sum += ns;
    if (ns > l->greatest) l->greatest = ns;
}

uint64_t mun_latencies_at(const mun_latencies *l, double part)
{
    MUN_ASSERT(part >= 0 && part <= 1);
    uint64_t seen = 0, wanted = (uint64_t)(part * (double)l->count);
    if ((double)wanted < part * (double)l->count) wanted++;
    if (wanted == 0) wanted = 1;
    for (unsigned i = 0; i < MUN_LATENCY_BUCKETS; i++) {
        seen += l->buckets[i];
        if (seen < wanted) continue;
        uint64_t bound = bound_of(i);
        return bound < l->greatest && i + 1 < MUN_LATENCY_BUCKETS ? bound : l->greatest;
    }
    return 0;
}
