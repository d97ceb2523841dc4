/* SPDX-License-Identifier: Apache-2.0 */
/* One file of the simulated disk: what the process sees and what lies on the medium. */
#ifndef MUN_SIM_NODE_H
#define MUN_SIM_NODE_H

#include "sim/sim_random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct sim_geometry {
    uint32_t sector;
    uint32_t page; /* a multiple of sector */
} sim_geometry;

/* What a dirty sector held between two writes to it; a write-back in between may have kept it. */
typedef struct sim_version {
    uint32_t sector;
    uint32_t at; /* in sim_node.pool, one sector of bytes */
} sim_version;

typedef struct sim_node {
    bool folder;
    bool marked;    /* for sweeping unreferenced ones */
    uint8_t *cache; /* both cap bytes; zero beyond their size */
    uint8_t *disk;
    size_t cap;   /* a multiple of the page */
    size_t reach; /* beyond it nothing was ever written: zero, clean */
    uint64_t cache_size;
    uint64_t disk_size;
    bool size_dirty;

    uint8_t *flag;     /* for each sector */
    uint32_t *touched; /* sectors where cache and disk may differ */
    size_t touched_count;
    sim_version *version;
    size_t version_count, version_cap;
    uint8_t *pool;
    size_t pool_len, pool_cap;
} sim_node;

/* How a power cut treats what is dirty. */
typedef enum sim_mood {
    SIM_MOOD_MIXED,
    SIM_MOOD_LOST, /* nothing of it reached the disk */
    SIM_MOOD_KEPT, /* all of it did */
    SIM_MOODS
} sim_mood;

void sim_node_finish(sim_node *n);
/* An empty file; keeps memory. */
void sim_node_clear(sim_node *n, const sim_geometry *g);
/* into may hold anything; its memory is used again. */
void sim_node_copy(sim_node *into, const sim_node *from, const sim_geometry *g);
void sim_node_write(sim_node *n, const sim_geometry *g, sim_random *r, uint64_t offset,
                    const void *bytes, size_t len, bool direct);
void sim_node_truncate(sim_node *n, const sim_geometry *g, sim_random *r, uint64_t size);
void sim_node_sync(sim_node *n, const sim_geometry *g);
/* Part of it reaches the disk, all counts as clean. */
void sim_node_sync_badly(sim_node *n, const sim_geometry *g, sim_random *r);
/* Clean pages that differ from the disk (after a failed sync) are read afresh. */
void sim_node_evict(sim_node *n, const sim_geometry *g);
void sim_node_power_cut(sim_node *n, const sim_geometry *g, sim_random *r, sim_mood mood);

#endif
