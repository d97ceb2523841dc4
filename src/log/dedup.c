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
#include <sys/mman.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/slice.h"
#include "log/params.h"

#define SUBS         MUN_DEDUP_SUBS
#define INDEX_BITS   40
#define INDEX_MASK   ((UINT64_C(1) << INDEX_BITS) - 1)
#define REMOVED      INDEX_MASK
#define TAG_BITS     24
#define BITS_FIRST   3u
#define BUNDLE_ITEMS 1022u /* with its head 8 KiB */
#define SLAB_BUNDLES 255u  /* mapped at a time, 2 MiB */
#define SAME_TAG_MAX 8u    /* more equal tags than this are looked into before one more is added */

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

void mun_dedup_prefetch(const mun_dedup *dedup, const mun_hash *leaf)
{
    const sub_table *sub = &dedup->sub[leaf->bytes[0]];
    const uint64_t *slot = atomic_load_explicit(&sub->slot, memory_order_relaxed);
    unsigned bits = atomic_load_explicit(&sub->bits, memory_order_relaxed);
    if (slot != NULL) __builtin_prefetch(&slot[home_of(tag_of(leaf), bits)], 1);
}

/* The smallest confirmed index below *best, along the chain, and the free slot at its end. */
static mun_code search(const sub_table *sub, const mun_hash *leaf, const mun_leaf_source *source,
                       uint64_t *best, uint32_t *ret_end, mun_error *err)
{
    const uint64_t *slot = atomic_load_explicit(&sub->slot, memory_order_relaxed);
    uint32_t mask = (uint32_t)((UINT64_C(1) << sub->bits) - 1);
    uint32_t tag = tag_of(leaf);
    if (slot == NULL) return MUN_OK;
    uint32_t at = home_of(tag, sub->bits);
    for (; slot[at] != 0; at = (at + 1) & mask) {
        if (slot[at] >> INDEX_BITS != tag || (slot[at] & INDEX_MASK) == REMOVED) continue;
        uint64_t index = (slot[at] & INDEX_MASK) - 1;
        mun_hash found;
        if (index >= *best) continue;
        mun_code code = source->leaf(source->ctx, index, &found, err);
        if (code == MUN_E_NOT_FOUND) continue;
        if (code != MUN_OK) return code;
        if (mun_hash_equal(&found, leaf)) *best = index;
    }
    *ret_end = at;
    return MUN_OK;
}

mun_code mun_dedup_find(mun_dedup *dedup, const mun_hash *leaf, const mun_leaf_source *source,
                        uint64_t *ret, mun_error *err)
{
    sub_table *sub = &dedup->sub[leaf->bytes[0]];
    uint64_t best = UINT64_MAX;
    uint32_t end;
    pthread_mutex_lock(&sub->lock);
    mun_code code = search(sub, leaf, source, &best, &end, err);
    pthread_mutex_unlock(&sub->lock);
    if (code != MUN_OK) return code;
    if (best == UINT64_MAX) return MUN_E_NOT_FOUND;
    *ret = best;
    return MUN_OK;
}

/* With the lock. Many equal tags are either one entry many times over, which need not stand here
 * more than once, or someone's effort; either way a chain must not grow without bound. The leaf may
 * be NULL: then the source has it. */
static mun_code insert_locked(sub_table *sub, uint64_t item, const mun_hash *leaf,
                              const mun_leaf_source *source, mun_error *err)
{
    MUN_TRY(make_room(sub, err));
    uint64_t *slot = atomic_load_explicit(&sub->slot, memory_order_relaxed);
    unsigned bits = atomic_load_explicit(&sub->bits, memory_order_relaxed);
    uint32_t mask = (uint32_t)((UINT64_C(1) << bits) - 1);
    uint32_t tag = (uint32_t)(item >> INDEX_BITS);
    unsigned same = 0;
    uint32_t at = home_of(tag, bits);
    for (; slot[at] != 0; at = (at + 1) & mask) {
        if (slot[at] >> INDEX_BITS == tag) same++;
    }
    if (same >= SAME_TAG_MAX) {
        uint64_t index = (item & INDEX_MASK) - 1;
        uint64_t best = index;
        mun_hash own;
        if (leaf == NULL) MUN_TRY(source->leaf(source->ctx, index, &own, err));
        MUN_TRY(search(sub, leaf != NULL ? leaf : &own, source, &best, &at, err));
        if (best != index) return MUN_OK;
    }
    slot[at] = item;
    sub->used++;
    return MUN_OK;
}

mun_code mun_dedup_insert(mun_dedup *dedup, const mun_hash *leaf, uint64_t index,
                          const mun_leaf_source *source, mun_error *err)
{
    MUN_ASSERT(index < MUN_LOG_ENTRIES_MAX);
    sub_table *sub = &dedup->sub[leaf->bytes[0]];
    pthread_mutex_lock(&sub->lock);
    mun_code code = insert_locked(sub, slot_of(tag_of(leaf), index), leaf, source, err);
    pthread_mutex_unlock(&sub->lock);
    return code;
}

static mun_code find_or_insert_locked(sub_table *sub, const mun_hash *leaf, uint64_t index,
                                      const mun_leaf_source *source, uint64_t *ret, mun_error *err)
{
    uint64_t best = UINT64_MAX;
    uint32_t end = 0;
    MUN_TRY(make_room(sub, err));
    MUN_TRY(search(sub, leaf, source, &best, &end, err));
    if (best != UINT64_MAX) {
        *ret = best;
        return MUN_OK;
    }
    atomic_load_explicit(&sub->slot, memory_order_relaxed)[end] = slot_of(tag_of(leaf), index);
    sub->used++;
    return MUN_E_NOT_FOUND;
}

mun_code mun_dedup_find_or_insert(mun_dedup *dedup, const mun_hash *leaf, uint64_t index,
                                  const mun_leaf_source *source, uint64_t *ret, mun_error *err)
{
    MUN_ASSERT(index < MUN_LOG_ENTRIES_MAX);
    sub_table *sub = &dedup->sub[leaf->bytes[0]];
    pthread_mutex_lock(&sub->lock);
    mun_code code = find_or_insert_locked(sub, leaf, index, source, ret, err);
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

/* ---- filling ---------------------------------------------------------------------------------*/

typedef struct bundle {
    struct bundle *next;
    uint32_t count;
    uint64_t item[BUNDLE_ITEMS];
} bundle;

/* Mapped, not allocated: the allocator would keep what is needed only for a moment. */
typedef struct slab {
    struct slab *next;
    uint32_t used;
    bundle bundle[SLAB_BUNDLES];
} slab;

struct mun_dedup_sheaf {
    slab *slabs;
    bundle *bundle[SUBS];
    uint64_t count[SUBS];
};

mun_code mun_dedup_sheaf_new(mun_dedup_sheaf **ret, mun_error *err)
{
    mun_dedup_sheaf *sheaf = calloc(1, sizeof *sheaf);
    if (sheaf == NULL) return no_memory(err);
    *ret = sheaf;
    return MUN_OK;
}

void mun_dedup_sheaf_free(mun_dedup_sheaf *sheaf)
{
    while (sheaf != NULL && sheaf->slabs != NULL) {
        slab *s = sheaf->slabs;
        sheaf->slabs = s->next;
        munmap(s, sizeof *s);
    }
    free(sheaf);
}

static bundle *bundle_new(mun_dedup_sheaf *sheaf, unsigned sub)
{
    slab *s = sheaf->slabs;
    if (s == NULL || s->used == SLAB_BUNDLES) {
        s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (s == MAP_FAILED) return NULL;
        s->next = sheaf->slabs;
        sheaf->slabs = s;
    }
    bundle *b = &s->bundle[s->used++];
    b->next = sheaf->bundle[sub];
    sheaf->bundle[sub] = b;
    return b;
}

mun_code mun_dedup_gather(mun_dedup_sheaf *sheaf, const mun_hash *leaf, uint32_t count,
                          uint64_t first, mun_error *err)
{
    MUN_ASSERT(first + count <= MUN_LOG_ENTRIES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        unsigned sub = leaf[i].bytes[0];
        bundle *b = sheaf->bundle[sub];
        if (b == NULL || b->count == BUNDLE_ITEMS) {
            b = bundle_new(sheaf, sub);
            if (b == NULL) return no_memory(err);
        }
        b->item[b->count++] = slot_of(tag_of(&leaf[i]), first + i);
        sheaf->count[sub]++;
    }
    return MUN_OK;
}

/* Room for n more at once, so that filling need not double step by step. */
static mun_code make_much_room(sub_table *sub, uint64_t n, mun_error *err)
{
    unsigned bits = BITS_FIRST;
    while ((UINT64_C(1) << bits) * 3 < (sub->used + n) * 4) bits++;
    if (atomic_load(&sub->slot) != NULL && sub->bits >= bits) return MUN_OK;
    return resize(sub, bits, err);
}

static mun_code fill_locked(sub_table *sub, const bundle *b, const mun_leaf_source *source,
                            mun_error *err)
{
    for (; b != NULL; b = b->next) {
        for (uint32_t i = 0; i < b->count; i++) {
            MUN_TRY(insert_locked(sub, b->item[i], NULL, source, err));
        }
    }
    return MUN_OK;
}

mun_code mun_dedup_fill(mun_dedup *dedup, unsigned sub, mun_dedup_sheaf **sheaf, unsigned n,
                        const mun_leaf_source *source, mun_error *err)
{
    MUN_ASSERT(sub < SUBS);
    sub_table *table = &dedup->sub[sub];
    uint64_t all = 0;
    for (unsigned i = 0; i < n; i++) all += sheaf[i]->count[sub];
    if (all == 0) return MUN_OK;
    pthread_mutex_lock(&table->lock);
    mun_code code = make_much_room(table, all, err);
    for (unsigned i = 0; i < n && code == MUN_OK; i++) {
        code = fill_locked(table, sheaf[i]->bundle[sub], source, err);
    }
    pthread_mutex_unlock(&table->lock);
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
