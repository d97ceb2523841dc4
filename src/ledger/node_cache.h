/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tree nodes near the right edge, kept because every fresh receipt needs them again: a complete
 * subtree never changes, so what is kept stays right. Without it each receipt hashes its way
 * through most of a tile on every level.
 *
 * Memory: a table whose pages are made when something is put there, so that a small ledger has few
 * of them; an older node gives way. Threads: every function may be called by any thread, but for
 * init and finish.
 */
#ifndef MUN_LEDGER_NODE_CACHE_H
#define MUN_LEDGER_NODE_CACHE_H

#include "log/log.h"

#include <pthread.h>
#include <stdatomic.h>

#define MUN_NODE_CACHE_SLOTS  65536
#define MUN_NODE_CACHE_PAGE   128 /* slots made together */
#define MUN_NODE_CACHE_PAGES  (MUN_NODE_CACHE_SLOTS / MUN_NODE_CACHE_PAGE)
#define MUN_NODE_CACHE_SHARDS 64
#define MUN_NODE_CACHE_FRESH  8192 /* entries from the head back for which it is of use */

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

/* The leaf of an entry that was appended just now. */
void mun_node_cache_leaf(mun_node_cache *cache, uint64_t index, const mun_hash *leaf);
/* As mun_log_inclusion for a fresh entry; for others it is mun_log_inclusion. */
MUN_MUST mun_code mun_node_cache_inclusion(mun_node_cache *cache, const mun_crypto *crypto,
                                           mun_log *log, uint64_t index, uint64_t size,
                                           mun_path *ret, mun_error *err);

#endif
