/* SPDX-License-Identifier: Apache-2.0 */
#include "log/node_cache.h"

#include <stdlib.h>

#define HEIGHT_SHIFT 57 /* an index at height 0 is below 2^57: more than any disk holds */
#define SHARD_RUN    64 /* slots side by side under one lock; a page is a multiple of it */

void mun_node_cache_init(mun_node_cache *cache)
{
    for (size_t i = 0; i < MUN_NODE_CACHE_PAGES; i++) atomic_init(&cache->page[i], NULL);
    for (size_t i = 0; i < MUN_NODE_CACHE_SHARDS; i++) pthread_mutex_init(&cache->shards[i], NULL);
}

void mun_node_cache_finish(mun_node_cache *cache)
{
    for (size_t i = 0; i < MUN_NODE_CACHE_SHARDS; i++) pthread_mutex_destroy(&cache->shards[i]);
    for (size_t i = 0; i < MUN_NODE_CACHE_PAGES; i++) {
        free(atomic_exchange(&cache->page[i], NULL));
    }
}

static uint64_t key_of(unsigned height, uint64_t index)
{
    return ((uint64_t)height << HEIGHT_SHIFT) + index + 1;
}

/* Three parts, for the nodes far down are so many that they would crowd the others out. Of the
 * lowest only the fresh ones are kept, each height in just the slots it needs; in the other parts
 * neighbours of one height lie side by side and the heights are spread. So a small log uses little
 * of the table, however long it grows at its edge. */
static size_t slot_of(unsigned height, uint64_t index)
{
    if (height < MUN_NODE_CACHE_FROM) {
        size_t first = MUN_NODE_CACHE_LOW - (MUN_NODE_CACHE_LOW >> height);
        return first + (size_t)(index % (MUN_NODE_CACHE_FRESH >> height));
    }
    uint64_t at = index + height * UINT64_C(0x9e3779b97f4a7c15);
    if (height < MUN_TILE_HEIGHT) return MUN_NODE_CACHE_LOW + (size_t)(at % MUN_NODE_CACHE_MID);
    return MUN_NODE_CACHE_LOW + MUN_NODE_CACHE_MID + (size_t)(at % MUN_NODE_CACHE_TOP);
}

/* NULL: nothing was ever put there, or, with make, out of memory: then the log is asked. */
static mun_node_slot *slot_at(mun_node_cache *cache, size_t at, bool make)
{
    _Atomic(mun_node_slot *) *place = &cache->page[at / MUN_NODE_CACHE_PAGE];
    mun_node_slot *page = atomic_load(place);
    if (page == NULL && make) {
        mun_node_slot *fresh = calloc(MUN_NODE_CACHE_PAGE, sizeof *fresh);
        if (fresh != NULL && !atomic_compare_exchange_strong(place, &page, fresh)) {
            free(fresh); /* another thread was quicker */
        } else {
            page = fresh;
        }
    }
    return page == NULL ? NULL : &page[at % MUN_NODE_CACHE_PAGE];
}

static pthread_mutex_t *shard_of(mun_node_cache *cache, size_t at)
{
    return &cache->shards[at / SHARD_RUN % MUN_NODE_CACHE_SHARDS];
}

bool mun_node_cache_suits(unsigned height, uint64_t index, uint64_t size)
{
    return height >= MUN_NODE_CACHE_FROM || size - ((index + 1) << height) < MUN_NODE_CACHE_FRESH;
}

bool mun_node_cache_get(mun_node_cache *cache, unsigned height, uint64_t index, mun_hash *ret)
{
    size_t at = slot_of(height, index);
    const mun_node_slot *slot = slot_at(cache, at, false);
    if (slot == NULL) return false;
    pthread_mutex_lock(shard_of(cache, at));
    bool found = slot->key == key_of(height, index);
    if (found) *ret = slot->hash;
    pthread_mutex_unlock(shard_of(cache, at));
    return found;
}

void mun_node_cache_put(mun_node_cache *cache, unsigned height, uint64_t index,
                        const mun_hash *hash)
{
    size_t at = slot_of(height, index);
    mun_node_slot *slot = slot_at(cache, at, true);
    if (slot == NULL) return;
    pthread_mutex_lock(shard_of(cache, at));
    *slot = (mun_node_slot){.key = key_of(height, index), .hash = *hash};
    pthread_mutex_unlock(shard_of(cache, at));
}

void mun_node_cache_clear(mun_node_cache *cache)
{
    for (size_t at = 0; at < MUN_NODE_CACHE_ALL; at += SHARD_RUN) {
        mun_node_slot *slot = slot_at(cache, at, false);
        if (slot == NULL) continue;
        pthread_mutex_lock(shard_of(cache, at));
        for (size_t i = 0; i < SHARD_RUN; i++) slot[i].key = 0;
        pthread_mutex_unlock(shard_of(cache, at));
    }
}
