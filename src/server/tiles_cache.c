/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of a few slots, each set with a lock of its own: a tile's key says which set it may stand
 * in, and the slot unused for longest makes room. Each set has its share of the bytes.
 */
#include "server/tiles_cache.h"

#include <pthread.h>
#include <stdlib.h>

#define SETS      32u
#define WAYS      96u
#define SET_BYTES (MUN_TILES_CACHE_BYTES / SETS)

typedef struct slot {
    mun_tile_key key;
    uint8_t *bytes; /* NULL: empty */
    size_t len;
    uint64_t used;
} slot;

typedef struct set {
    pthread_mutex_t mutex;
    slot slots[WAYS];
    size_t bytes;
    uint64_t clock;
} set;

static set sets[SETS] = {[0 ... SETS - 1] = {.mutex = PTHREAD_MUTEX_INITIALIZER}};

/* FNV-1a, 64 bits. */
static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < len; i++) hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

uint64_t mun_tile_ledger(const char *directory, mun_slice key)
{
    uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), directory, strlen(directory) + 1);
    return mix(hash, key.ptr, key.len);
}

static set *set_of(const mun_tile_key *key)
{
    uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), &key->ledger, sizeof key->ledger);
    hash = mix(hash, &key->n, sizeof key->n);
    hash = mix(hash, &key->level, sizeof key->level);
    return &sets[(hash ^ hash >> 32) % SETS];
}

static bool same(const mun_tile_key *a, const mun_tile_key *b)
{
    return a->ledger == b->ledger && a->n == b->n && a->level == b->level && a->gzip == b->gzip;
}

bool mun_tiles_cache_get(const mun_tile_key *key, mun_buf *ret)
{
    set *s = set_of(key);
    bool found = false;
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < WAYS && !found; i++) {
        slot *at = &s->slots[i];
        if (at->bytes == NULL || !same(&at->key, key)) continue;
        at->used = ++s->clock;
        mun_buf_put(ret, mun_slice_of(at->bytes, at->len));
        found = true;
    }
    pthread_mutex_unlock(&s->mutex);
    return found;
}

static void drop(set *s, slot *at)
{
    s->bytes -= at->len;
    free(at->bytes);
    *at = (slot){0};
}

/* An empty slot counts as never used. */
static slot *oldest(set *s)
{
    slot *ret = &s->slots[0];
    for (size_t i = 1; i < WAYS; i++) {
        if (s->slots[i].used < ret->used) ret = &s->slots[i];
    }
    return ret;
}

/* NULL: the set is empty. */
static slot *oldest_full(set *s)
{
    slot *ret = NULL;
    for (size_t i = 0; i < WAYS; i++) {
        slot *at = &s->slots[i];
        if (at->bytes != NULL && (ret == NULL || at->used < ret->used)) ret = at;
    }
    return ret;
}

static void put(set *s, const mun_tile_key *key, mun_slice bytes)
{
    for (size_t i = 0; i < WAYS; i++) {
        if (s->slots[i].bytes != NULL && same(&s->slots[i].key, key)) return;
    }
    uint8_t *copy = malloc(bytes.len);
    if (copy == NULL) return; /* it is only a cache */
    memcpy(copy, bytes.ptr, bytes.len);
    for (slot *out; s->bytes + bytes.len > SET_BYTES; drop(s, out)) {
        out = oldest_full(s);
        if (out == NULL) break;
    }
    slot *at = oldest(s);
    if (at->bytes != NULL) drop(s, at);
    *at = (slot){.key = *key, .bytes = copy, .len = bytes.len, .used = ++s->clock};
    s->bytes += bytes.len;
}

void mun_tiles_cache_put(const mun_tile_key *key, mun_slice bytes)
{
    if (bytes.len == 0 || bytes.len > SET_BYTES) return;
    set *s = set_of(key);
    pthread_mutex_lock(&s->mutex);
    put(s, key, bytes);
    pthread_mutex_unlock(&s->mutex);
}
