/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes kept for proofs: what is put there comes back as it was or not at all. */
#include "support/cmocka_all.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "log/node_cache.h"

#define THREADS 4
#define ROUNDS  20000

static mun_hash hash_of(unsigned height, uint64_t index)
{
    mun_hash hash;
    uint64_t seed = index * 64 + height + 1;
    for (size_t i = 0; i < sizeof hash.bytes; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        hash.bytes[i] = (uint8_t)(seed >> 56);
    }
    return hash;
}

static void put(mun_node_cache *cache, unsigned height, uint64_t index)
{
    mun_hash hash = hash_of(height, index);
    mun_node_cache_put(cache, height, index, &hash);
}

/* Whether it is kept; if so, it is the right one. */
static bool kept(mun_node_cache *cache, unsigned height, uint64_t index)
{
    mun_hash got, want = hash_of(height, index);
    memset(&got, 0x5a, sizeof got);
    const mun_hash untouched = got;
    bool found = mun_node_cache_get(cache, height, index, &got);
    assert_memory_equal(&got, found ? &want : &untouched, sizeof got);
    return found;
}

static mun_node_cache *made(void)
{
    mun_node_cache *cache = malloc(sizeof *cache);
    assert_non_null(cache);
    mun_node_cache_init(cache);
    return cache;
}

static void dropped(mun_node_cache *cache)
{
    mun_node_cache_finish(cache);
    free(cache);
}

static size_t pages(const mun_node_cache *cache)
{
    size_t n = 0;
    for (size_t i = 0; i < MUN_NODE_CACHE_PAGES; i++) n += atomic_load(&cache->page[i]) != NULL;
    return n;
}

static void test_kept(void **state)
{
    (void)state;
    mun_node_cache *cache = made();
    for (unsigned height = 0; height < 41; height++) {
        for (uint64_t index = 0; index < 20; index++) {
            assert_false(kept(cache, height, index));
            put(cache, height, index);
            assert_true(kept(cache, height, index));
            put(cache, height, index); /* twice is once */
            assert_true(kept(cache, height, index));
        }
    }
    for (unsigned height = 0; height < 41; height++) {
        for (uint64_t index = 0; index < 20; index++) assert_true(kept(cache, height, index));
    }
    dropped(cache);
}

/* The last index that a log can have, and the last height: neither is taken for another node. */
static void test_far_ones(void **state)
{
    (void)state;
    mun_node_cache *cache = made();
    const uint64_t last = (UINT64_C(1) << 40) - 3;
    for (unsigned height = 0; height <= 40; height++) {
        put(cache, height, last >> height);
        assert_true(kept(cache, height, last >> height));
        assert_false(kept(cache, height + 1, last >> height));
        assert_false(kept(cache, height, (last >> height) + 1));
        if (last >> height > 0) assert_false(kept(cache, height, (last >> height) - 1));
    }
    put(cache, 63, 0);
    assert_true(kept(cache, 63, 0));
    assert_false(kept(cache, 0, 0));
    dropped(cache);
}

/* One slot, two nodes: the newer one stays, and the older one is not found in its place. */
static void replaced(unsigned height, uint64_t slots)
{
    mun_node_cache *cache = made();
    for (uint64_t round = 0; round < 4; round++) {
        put(cache, height, 7 + round * slots);
        assert_true(kept(cache, height, 7 + round * slots));
        for (uint64_t i = 0; i < round; i++) assert_false(kept(cache, height, 7 + i * slots));
    }
    put(cache, height, 7);
    assert_true(kept(cache, height, 7));
    dropped(cache);
}

static void test_replaced(void **state)
{
    (void)state;
    replaced(0, MUN_NODE_CACHE_FRESH);
    replaced(MUN_NODE_CACHE_FROM - 1, MUN_NODE_CACHE_FRESH >> (MUN_NODE_CACHE_FROM - 1));
    replaced(MUN_NODE_CACHE_FROM, MUN_NODE_CACHE_MID);
    replaced(MUN_TILE_HEIGHT, MUN_NODE_CACHE_TOP);
}

/* The lowest nodes, those below a tile's root and those above do not take each other's places. */
static void test_parts(void **state)
{
    (void)state;
    mun_node_cache *cache = made();
    put(cache, 0, 1);
    put(cache, MUN_TILE_HEIGHT, 1);
    put(cache, 20, 1);
    for (uint64_t i = 0; i < MUN_NODE_CACHE_MID; i++) put(cache, MUN_NODE_CACHE_FROM, i);
    assert_true(kept(cache, 0, 1));
    assert_true(kept(cache, MUN_TILE_HEIGHT, 1));
    assert_true(kept(cache, 20, 1));
    assert_int_equal(pages(cache), MUN_NODE_CACHE_MID / MUN_NODE_CACHE_PAGE + 3);
    for (uint64_t i = 0; i < MUN_NODE_CACHE_TOP; i++) put(cache, MUN_TILE_HEIGHT, i);
    for (uint64_t i = 0; i < MUN_NODE_CACHE_FRESH; i++) put(cache, 0, i);
    for (uint64_t i = 0; i < MUN_NODE_CACHE_MID; i++) {
        assert_true(kept(cache, MUN_NODE_CACHE_FROM, i));
    }
    dropped(cache);
}

/* All of the lowest nodes of the newest entries are kept at once, and a log that grows at its edge
 * takes no more of the table for them. */
static void test_edge(void **state)
{
    (void)state;
    mun_node_cache *cache = made();
    uint64_t end = 3 * MUN_NODE_CACHE_FRESH + 1000;
    for (unsigned height = 0; height < MUN_NODE_CACHE_FROM; height++) {
        for (uint64_t i = 0; i < end >> height; i++) put(cache, height, i);
    }
    for (unsigned height = 0; height < MUN_NODE_CACHE_FROM; height++) {
        uint64_t last = end >> height, fresh = MUN_NODE_CACHE_FRESH >> height;
        for (uint64_t i = last - fresh; i < last; i++) assert_true(kept(cache, height, i));
    }
    assert_true(pages(cache) <= MUN_NODE_CACHE_LOW / MUN_NODE_CACHE_PAGE);
    dropped(cache);
}

/* However many nodes come, the table has its size and no more. */
static void test_bounds(void **state)
{
    (void)state;
    mun_node_cache *cache = made();
    assert_int_equal(pages(cache), 0);
    put(cache, 0, 0);
    assert_int_equal(pages(cache), 1);
    for (unsigned height = 0; height < 41; height++) {
        for (uint64_t i = 0; i < 20000; i++) put(cache, height, i * 31);
    }
    assert_true(pages(cache) <= MUN_NODE_CACHE_PAGES);
    assert_int_equal(MUN_NODE_CACHE_PAGES * MUN_NODE_CACHE_PAGE, MUN_NODE_CACHE_ALL);
    assert_int_equal(sizeof(mun_node_slot), 40);
    dropped(cache);
}

static void test_forgotten(void **state)
{
    (void)state;
    mun_node_cache *cache = made();
    mun_node_cache_clear(cache); /* an empty one */
    assert_int_equal(pages(cache), 0);
    for (uint64_t i = 0; i < 5000; i++) put(cache, (unsigned)(i % 12), i);
    mun_node_cache_clear(cache);
    for (uint64_t i = 0; i < 5000; i++) assert_false(kept(cache, (unsigned)(i % 12), i));
    put(cache, 6, 3);
    assert_true(kept(cache, 6, 3));
    dropped(cache);
}

static void test_suits(void **state)
{
    (void)state;
    const uint64_t size = 100000, edge = size - MUN_NODE_CACHE_FRESH;
    for (unsigned height = 0; height < 17; height++) {
        uint64_t last = (size >> height) - 1; /* complete, nearest to the edge */
        assert_true(mun_node_cache_suits(height, last, size));
        bool upper = height >= MUN_NODE_CACHE_FROM;
        assert_int_equal(mun_node_cache_suits(height, 0, size), upper);
        /* It counts where a node ends. */
        if (upper) continue;
        assert_true(mun_node_cache_suits(height, (edge >> height), size));
        assert_false(mun_node_cache_suits(height, (edge >> height) - 1, size));
    }
    assert_true(mun_node_cache_suits(0, 0, 1));
    assert_true(mun_node_cache_suits(0, 0, MUN_NODE_CACHE_FRESH));
    assert_false(mun_node_cache_suits(0, 0, MUN_NODE_CACHE_FRESH + 1));
}

typedef struct user {
    pthread_t thread;
    mun_node_cache *cache;
    uint64_t seed;
    unsigned found;
    bool wrong;
} user;

/* Few slots, many nodes for each: all threads write and read the same ones. */
static void *use(void *arg)
{
    user *u = arg;
    for (int i = 0; i < ROUNDS; i++) {
        u->seed = u->seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint64_t drawn = u->seed >> 33;
        unsigned height = (unsigned)(drawn % 10);
        uint64_t slots = height < MUN_NODE_CACHE_FROM ? MUN_NODE_CACHE_FRESH >> height
                         : height < MUN_TILE_HEIGHT   ? MUN_NODE_CACHE_MID
                                                      : MUN_NODE_CACHE_TOP;
        uint64_t index = drawn / 16 % 50 * 61 + drawn / 1024 % 3 * slots;
        mun_hash got, want = hash_of(height, index);
        if (mun_node_cache_get(u->cache, height, index, &got)) {
            u->found++;
            if (memcmp(&got, &want, sizeof got) != 0) u->wrong = true;
        } else {
            mun_node_cache_put(u->cache, height, index, &want);
        }
        if (i % 5000 == 4999) mun_node_cache_clear(u->cache);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    user users[THREADS];
    mun_node_cache *cache = made();
    for (unsigned i = 0; i < THREADS; i++) {
        users[i] = (user){.cache = cache, .seed = i + 1};
        assert_int_equal(pthread_create(&users[i].thread, NULL, use, &users[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(users[i].thread, NULL);
        assert_false(users[i].wrong);
        assert_true(users[i].found > 0);
    }
    dropped(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept),      cmocka_unit_test(test_far_ones),
        cmocka_unit_test(test_replaced),  cmocka_unit_test(test_parts),
        cmocka_unit_test(test_edge),      cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_forgotten), cmocka_unit_test(test_suits),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
