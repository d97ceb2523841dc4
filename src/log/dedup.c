/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slot: tag (24 bits) << 40 | index + 1; 0 is empty, index + 1 of all ones was removed. The tag is
 * the hash's bytes 1 to 3; its top bits are the slot's home in the sub-table, so doubling needs no
 * look at the hash again. With n slots the remaining 24 - log2(n) bits keep most foreign entries
 * from being fetched (at 10 M entries one lookup in a hundred fetches one in vain).
 */
#include "log/dedup.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/slice.h"
#include "log/params.h"

#define SUBS         256u
#define INDEX_BITS   40
#define INDEX_MASK   ((UINT64_C(1) << INDEX_BITS) - 1)
#define REMOVED      INDEX_MASK
#define TAG_BITS     24
#define BITS_FIRST   3u
#define SAME_TAG_MAX 8u  /* more equal tags than this are looked into before one more is added */
#define PREFETCH     16u /* entries ahead while filling */

typedef struct sub_table {
    pthread_mutex_t lock;
    _Atomic(uint64_t *) slot;
    _Atomic unsigned bits;
    uint32_t used; /* with removed ones */
} sub_table;

struct mun_dedup {
    sub_table sub[SUBS];
};

static mun_code no_memory(mun_error *err)
{
    return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET,
                    "out of memory for the table of known entries");
}

mun_code mun_dedup_new(mun_dedup **ret, mun_error *err)
{
    mun_dedup *dedup = calloc(1, sizeof *dedup);
    if (dedup == NULL) return no_memory(err);
    for (unsigned i = 0; i < SUBS; i++) pthread_mutex_init(&dedup->sub[i].lock, NULL);
    *ret = dedup;
    return MUN_OK;
}

void mun_dedup_free(mun_dedup *dedup)
{
    if (dedup == NULL) return;
    for (unsigned i = 0; i < SUBS; i++) {
        pthread_mutex_destroy(&dedup->sub[i].lock);
        free(atomic_load(&dedup->sub[i].slot));
    }
    free(dedup);
}

static uint32_t tag_of(const mun_hash *leaf)
{
    return (uint32_t)leaf->bytes[1] << 16 | (uint32_t)leaf->bytes[2] << 8 | leaf->bytes[3];
}

static uint64_t slot_of(uint32_t tag, uint64_t index)
{
    return (uint64_t)tag << INDEX_BITS | (index + 1);
}

static uint32_t home_of(uint32_t tag, unsigned bits)
{
    return bits <= TAG_BITS ? tag >> (TAG_BITS - bits) : tag << (bits - TAG_BITS);
}

/* The allocator's mapped pages are zero already: a big table costs nothing until it is touched. */
static mun_code resize(sub_table *sub, unsigned bits, mun_error *err)
{
    uint64_t *old = atomic_load(&sub->slot);
    size_t old_size = old == NULL ? 0 : (size_t)1 << sub->bits;
    uint64_t *slot = calloc((size_t)1 << bits, sizeof *slot);
    uint32_t mask = (uint32_t)(((size_t)1 << bits) - 1);
    if (slot == NULL) return no_memory(err);
    uint32_t used = 0;
    for (size_t i = 0; i < old_size; i++) {
        if (old[i] == 0 || (old[i] & INDEX_MASK) == REMOVED) continue;
        uint32_t at = home_of((uint32_t)(old[i] >> INDEX_BITS), bits);
        while (slot[at] != 0) at = (at + 1) & mask;
        slot[at] = old[i];
        used++;
    }
    atomic_store(&sub->slot, slot);
    atomic_store(&sub->bits, bits);
    sub->used = used;
    free(old);
    return MUN_OK;
}

/* Room for one more at a load of at most 3/4. */
static mun_code make_room(sub_table *sub, mun_error *err)
{
    uint64_t *slot = atomic_load_explicit(&sub->slot, memory_order_relaxed);
    if (slot == NULL) return resize(sub, BITS_FIRST, err);
    uint64_t size = UINT64_C(1) << sub->bits;
    if ((uint64_t)(sub->used + 1) * 4 <= size * 3) return MUN_OK;
    return resize(sub, sub->bits + 1, err);
}

mun_code mun_dedup_reserve(mun_dedup *dedup, uint64_t entries, mun_error *err)
{
    uint64_t each = entries / SUBS + entries / SUBS / 32 + 16;
    unsigned bits = BITS_FIRST;
    while ((UINT64_C(1) << bits) * 3 < each * 4) bits++;
    mun_code code = MUN_OK;
    for (unsigned i = 0; i < SUBS && code == MUN_OK; i++) {
        sub_table *sub = &dedup->sub[i];
        pthread_mutex_lock(&sub->lock);
        if (atomic_load(&sub->slot) == NULL || sub->bits < bits) code = resize(sub, bits, err);
        pthread_mutex_unlock(&sub->lock);
    }
    return code;
}

void mun_dedup_prefetch(const mun_dedup *dedup, const mun_hash *leaf)
{
    const sub_table *sub = &dedup->sub[leaf->bytes[0]];
    const uint64_t *slot = atomic_load_explicit(&sub->slot, memory_order_relaxed);
    unsigned bits = atomic_load_explicit(&sub->bits, memory_order_relaxed);
    if (slot != NULL) __builtin_prefetch(&slot[home_of(tag_of(leaf), bits)], 1);
}

/* The smallest confirmed index below *best, along the chain; *ret_same counts equal tags. */
static mun_code search(const sub_table *sub, const mun_hash *leaf, const mun_leaf_source *source,
                       uint64_t *best, mun_error *err)
{
    const uint64_t *slot = atomic_load_explicit(&sub->slot, memory_order_relaxed);
    uint32_t mask = (uint32_t)((UINT64_C(1) << sub->bits) - 1);
    uint32_t tag = tag_of(leaf);
    if (slot == NULL) return MUN_OK;
    for (uint32_t at = home_of(tag, sub->bits); slot[at] != 0; at = (at + 1) & mask) {
        if (slot[at] >> INDEX_BITS != tag || (slot[at] & INDEX_MASK) == REMOVED) continue;
        uint64_t index = (slot[at] & INDEX_MASK) - 1;
        mun_hash found;
        if (index >= *best) continue;
        mun_code code = source->leaf(source->ctx, index, &found, err);
        if (code == MUN_E_NOT_FOUND) continue;
        if (code != MUN_OK) return code;
        if (mun_hash_equal(&found, leaf)) *best = index;
    }
    return MUN_OK;
}

mun_code mun_dedup_find(mun_dedup *dedup, const mun_hash *leaf, const mun_leaf_source *source,
                        uint64_t *ret, mun_error *err)
{
    sub_table *sub = &dedup->sub[leaf->bytes[0]];
    uint64_t best = UINT64_MAX;
    pthread_mutex_lock(&sub->lock);
    mun_code code = search(sub, leaf, source, &best, err);
    pthread_mutex_unlock(&sub->lock);
    if (code != MUN_OK) return code;
    if (best == UINT64_MAX) return MUN_E_NOT_FOUND;
    *ret = best;
    return MUN_OK;
}

/* With the lock. Many equal tags are either one entry many times over, which need not stand here
 * more than once, or someone's effort; either way a chain must not grow without bound. */
static mun_code insert_locked(sub_table *sub, const mun_hash *leaf, uint64_t index,
                              const mun_leaf_source *source, mun_error *err)
{
    MUN_TRY(make_room(sub, err));
    uint64_t *slot = atomic_load_explicit(&sub->slot, memory_order_relaxed);
    uint32_t mask = (uint32_t)((UINT64_C(1) << sub->bits) - 1);
    uint32_t tag = tag_of(leaf);
    unsigned same = 0;
    uint32_t at = home_of(tag, sub->bits);
    for (; slot[at] != 0; at = (at + 1) & mask) {
        if (slot[at] >> INDEX_BITS == tag) same++;
    }
    if (same >= SAME_TAG_MAX) {
        uint64_t best = index;
        MUN_TRY(search(sub, leaf, source, &best, err));
        if (best != index) return MUN_OK;
    }
    slot[at] = slot_of(tag, index);
    sub->used++;
    return MUN_OK;
}

mun_code mun_dedup_insert(mun_dedup *dedup, const mun_hash *leaf, uint64_t index,
                          const mun_leaf_source *source, mun_error *err)
{
    MUN_ASSERT(index < MUN_LOG_ENTRIES_MAX);
    sub_table *sub = &dedup->sub[leaf->bytes[0]];
    pthread_mutex_lock(&sub->lock);
    mun_code code = insert_locked(sub, leaf, index, source, err);
    pthread_mutex_unlock(&sub->lock);
    return code;
}

void mun_dedup_remove(mun_dedup *dedup, const mun_hash *leaf, uint64_t index)
{
    sub_table *sub = &dedup->sub[leaf->bytes[0]];
    pthread_mutex_lock(&sub->lock);
    uint64_t *slot = atomic_load(&sub->slot);
    uint32_t mask = (uint32_t)((UINT64_C(1) << sub->bits) - 1);
    uint64_t want = slot_of(tag_of(leaf), index);
    uint32_t at = home_of(tag_of(leaf), sub->bits);
    while (slot != NULL && slot[at] != 0 && slot[at] != want) at = (at + 1) & mask;
    if (slot != NULL && slot[at] == want) slot[at] |= REMOVED;
    pthread_mutex_unlock(&sub->lock);
}

/* Counting sort by first byte: order[] lists the entries sub-table by sub-table. */
static void sort_by_sub(const mun_hash *leaf, uint32_t count, uint32_t *start, uint32_t *order)
{
    memset(start, 0, (SUBS + 1) * sizeof *start);
    for (uint32_t i = 0; i < count; i++) start[leaf[i].bytes[0] + 1]++;
    for (unsigned s = 0; s < SUBS; s++) start[s + 1] += start[s];
    uint32_t next[SUBS];
    memcpy(next, start, sizeof next);
    for (uint32_t i = 0; i < count; i++) order[next[leaf[i].bytes[0]]++] = i;
}

mun_code mun_dedup_insert_run(mun_dedup *dedup, const mun_hash *leaf, uint32_t count,
                              uint64_t first, const mun_leaf_source *source, mun_error *err)
{
    uint32_t start[SUBS + 1];
    uint32_t *order = malloc((size_t)count * sizeof *order);
    if (order == NULL) return no_memory(err);
    sort_by_sub(leaf, count, start, order);
    mun_code code = MUN_OK;
    for (unsigned s = 0; s < SUBS && code == MUN_OK; s++) {
        sub_table *sub = &dedup->sub[s];
        pthread_mutex_lock(&sub->lock);
        for (uint32_t i = start[s]; i < start[s + 1] && code == MUN_OK; i++) {
            if (i + PREFETCH < count) mun_dedup_prefetch(dedup, &leaf[order[i + PREFETCH]]);
            code = insert_locked(sub, &leaf[order[i]], first + order[i], source, err);
        }
        pthread_mutex_unlock(&sub->lock);
    }
    free(order);
    return code;
}

uint64_t mun_dedup_bytes(mun_dedup *dedup)
{
    uint64_t sum = sizeof *dedup;
    for (unsigned i = 0; i < SUBS; i++) {
        if (atomic_load(&dedup->sub[i].slot) != NULL) sum += UINT64_C(8) << dedup->sub[i].bits;
    }
    return sum;
}
