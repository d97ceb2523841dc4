/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/node_cache.h"

#include "base/buf.h"

#include <stdlib.h>

#define HEIGHT_SHIFT 57 /* an index at height 0 is below 2^57: more than any disk holds */

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

/* Neighbours of one height lie side by side; heights are spread over the table. */
static size_t slot_of(unsigned height, uint64_t index)
{
    return (size_t)((index + height * UINT64_C(0x9e3779b97f4a7c15)) % MUN_NODE_CACHE_SLOTS);
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
    return &cache->shards[at / 64 % MUN_NODE_CACHE_SHARDS];
}

static bool get(mun_node_cache *cache, unsigned height, uint64_t index, mun_hash *ret)
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

static void put(mun_node_cache *cache, unsigned height, uint64_t index, const mun_hash *hash)
{
    size_t at = slot_of(height, index);
    mun_node_slot *slot = slot_at(cache, at, true);
    if (slot == NULL) return;
    pthread_mutex_lock(shard_of(cache, at));
    *slot = (mun_node_slot){.key = key_of(height, index), .hash = *hash};
    pthread_mutex_unlock(shard_of(cache, at));
}

void mun_node_cache_leaf(mun_node_cache *cache, uint64_t index, const mun_hash *leaf)
{
    put(cache, 0, index, leaf);
}

/* ---- A source of nodes -------------------------------------------------------------------------
 */

typedef struct source {
    mun_node_cache *cache;
    const mun_crypto *crypto;
    mun_log *log;
} source;

/* Nodes at a tile's own height come from the tile; what lies before them in it comes along. */
static mun_code from_tile(source *s, unsigned height, uint64_t index, mun_hash *ret, mun_error *err)
{
    uint8_t bytes[MUN_TILE_BYTES];
    mun_buf tile = mun_buf_fixed(bytes, sizeof bytes);
    uint64_t n = index / MUN_TILE_WIDTH;
    unsigned width = (unsigned)(index % MUN_TILE_WIDTH) + 1;
    MUN_TRY(mun_log_tile(s->log, (int)(height / MUN_TILE_HEIGHT), n, width, &tile, err));
    for (unsigned i = 0; i < width; i++) {
        memcpy(ret->bytes, bytes + i * MUN_HASH_SIZE, MUN_HASH_SIZE);
        put(s->cache, height, n * MUN_TILE_WIDTH + i, ret);
    }
    return MUN_OK;
}

/* Recursion goes down to the next height that tiles have: at most seven deep. */
static mun_code node_get(void *ctx, unsigned height, uint64_t index, mun_hash *ret, mun_error *err)
{
    source *s = ctx;
    mun_hash left, right;
    if (get(s->cache, height, index, ret)) return MUN_OK;
    if (height % MUN_TILE_HEIGHT == 0) return from_tile(s, height, index, ret, err);
    MUN_TRY(node_get(ctx, height - 1, index * 2, &left, err));
    MUN_TRY(node_get(ctx, height - 1, index * 2 + 1, &right, err));
    mun_hash_node(s->crypto, &left, &right, ret);
    put(s->cache, height, index, ret);
    return MUN_OK;
}

mun_code mun_node_cache_inclusion(mun_node_cache *cache, const mun_crypto *crypto, mun_log *log,
                                  uint64_t index, uint64_t size, mun_path *ret, mun_error *err)
{
    bool fresh = index < size && size - index <= MUN_NODE_CACHE_FRESH;
    if (!fresh) return mun_log_inclusion(log, index, size, ret, err);
    source s = {cache, crypto, log};
    mun_node_source nodes = {.ctx = &s, .get = node_get};
    return mun_inclusion_make(crypto, &nodes, index, size, ret, err);
}
