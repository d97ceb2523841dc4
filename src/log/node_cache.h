/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tree nodes that proofs need again and again. The hash files keep every eighth height only, and a
 * node between two of them costs up to 255 hashes; a complete subtree never changes, so what is
 * kept stays right. Kept are all heights near the right edge, where fresh receipts come from, and
 * elsewhere those from MUN_NODE_CACHE_FROM on: an older proof then costs 31 hashes, not hundreds.
 *
 * Memory: a table whose pages are made when something is put there, so that a small log has few of
 * them; an older node gives way. At most MUN_NODE_CACHE_ALL slots of 40 bytes.
 * Threads: every function may be called by any thread, but for init and finish.
 */
#ifndef MUN_LOG_NODE_CACHE_H
#define MUN_LOG_NODE_CACHE_H

#include "merkle/merkle.h"

#include <pthread.h>
#include <stdatomic.h>

#define MUN_NODE_CACHE_FRESH 8192 /* entries from the right edge: every height is kept */
#define MUN_NODE_CACHE_FROM  5    /* height from which nodes of every entry are kept */
/* Slots: below MUN_NODE_CACHE_FROM, from there on below a tile's root, and above. */
#define MUN_NODE_CACHE_LOW    (2 * MUN_NODE_CACHE_FRESH)
#define MUN_NODE_CACHE_MID    65536
#define MUN_NODE_CACHE_TOP    131072
#define MUN_NODE_CACHE_ALL    (MUN_NODE_CACHE_LOW + MUN_NODE_CACHE_MID + MUN_NODE_CACHE_TOP)
#define MUN_NODE_CACHE_PAGE   128 /* slots made together */
#define MUN_NODE_CACHE_PAGES  (MUN_NODE_CACHE_ALL / MUN_NODE_CACHE_PAGE)
#define MUN_NODE_CACHE_SHARDS 64

typedef struct mun_node_slot {
    uint64_t key; /* height and index, plus one; 0: empty */
    mun_hash hash;
} mun_node_slot;

typedef struct mun_node_cache {
    _Atomic(mun_node_slot *) page[MUN_NODE_CACHE_PAGES];
    pthread_mutex_t shards[MUN_NODE_CACHE_SHARDS];
} mun_node_cache;

void mun_node_cache_init(mun_node_cache *cache);
void mun_node_cache_finish(mun_node_cache *cache);

/* Whether a node is worth keeping in a tree of that size. */
bool mun_node_cache_suits(unsigned height, uint64_t index, uint64_t size);
/* False: not kept. */
bool mun_node_cache_get(mun_node_cache *cache, unsigned height, uint64_t index, mun_hash *ret);
void mun_node_cache_put(mun_node_cache *cache, unsigned height, uint64_t index,
                        const mun_hash *hash);
/* Forgets every node: one of them came from a damaged file. */
void mun_node_cache_clear(mun_node_cache *cache);

#endif
