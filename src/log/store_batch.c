/* SPDX-License-Identifier: Apache-2.0 */
/* Batches in memory, and the tree nodes that they complete. */
#include "log/store_batch.h"

#include <stdlib.h>

#include "base/assert.h"
#include "log/store_layout.h"

#define NODES_EXTRA 64u /* nodes completed on the way up, beyond one for each leaf */

static mun_code no_memory(mun_error *err)
{
    return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory for a batch of entries");
}

mun_code mun_batch_init(mun_batch *ret, size_t payload_cap, uint32_t entries_cap, mun_error *err)
{
    MUN_ASSERT(payload_cap <= UINT32_MAX && entries_cap <= (UINT32_C(1) << 31));
    mun_batch b = {.payload_cap = payload_cap, .entries_cap = entries_cap};
    size_t bytes = (size_t)mun_batch_blocks(payload_cap) * MUN_LOG_BLOCK;
    void *block = NULL;
    if (posix_memalign(&block, MUN_LOG_BLOCK, bytes) != 0) return no_memory(err);
    b.block = block;
    b.start = malloc(((size_t)entries_cap + 1) * sizeof *b.start);
    b.node = malloc((2 * (size_t)entries_cap + NODES_EXTRA) * sizeof *b.node);
    if (b.start == NULL || b.node == NULL) {
        mun_batch_finish(&b);
        return no_memory(err);
    }
    b.start[0] = 0;
    *ret = b;
    return MUN_OK;
}

void mun_batch_finish(mun_batch *batch)
{
    free(batch->block);
    free(batch->start);
    free(batch->node);
    *batch = (mun_batch){0};
}

void mun_batch_clear(mun_batch *batch)
{
    mun_batch kept = *batch;
    *batch = (mun_batch){
        .block = kept.block,
        .payload_cap = kept.payload_cap,
        .entries_cap = kept.entries_cap,
        .start = kept.start,
        .node = kept.node,
    };
    batch->start[0] = 0;
}

bool mun_batch_add(mun_batch *batch, mun_slice entry)
{
    uint8_t *at = mun_batch_reserve(batch, entry.len);
    if (at == NULL) return false;
    memcpy(at, entry.ptr, entry.len);
    return true;
}

uint8_t *mun_batch_reserve(mun_batch *batch, size_t len)
{
    MUN_ASSERT(len >= 1 && len <= MUN_ENTRY_MAX);
    if (batch->count == batch->entries_cap) return NULL;
    if (batch->payload_cap - batch->payload_len < 2 + len) return NULL;
    uint8_t *at = mun_batch_payload(batch) + batch->payload_len;
    at[0] = (uint8_t)(len >> 8);
    at[1] = (uint8_t)len;
    batch->payload_len += 2 + len;
    batch->start[++batch->count] = (uint32_t)batch->payload_len;
    return at + 2;
}

mun_code mun_batch_copy(const mun_batch *batch, mun_batch *ret, mun_error *err)
{
    mun_batch b = *batch;
    size_t nodes = batch->node_at[MUN_BATCH_HEIGHTS];
    size_t bytes = MUN_LOG_HEADER_BYTES + batch->payload_len;
    b.block = malloc(bytes);
    b.start = malloc(((size_t)batch->count + 1) * sizeof *b.start);
    b.node = malloc((nodes + 1) * sizeof *b.node);
    if (b.block == NULL || b.start == NULL || b.node == NULL) {
        mun_batch_finish(&b);
        return no_memory(err);
    }
    memcpy(b.block, batch->block, bytes);
    memcpy(b.start, batch->start, ((size_t)batch->count + 1) * sizeof *b.start);
    memcpy(b.node, batch->node, nodes * sizeof *b.node);
    b.payload_cap = b.payload_len;
    b.entries_cap = b.count;
    *ret = b;
    return MUN_OK;
}

mun_slice mun_batch_entry(const mun_batch *batch, uint32_t i)
{
    MUN_ASSERT(i < batch->count);
    uint32_t start = batch->start[i];
    const uint8_t *payload = batch->block + MUN_LOG_HEADER_BYTES;
    return mun_slice_of(payload + start + 2, batch->start[i + 1] - start - 2);
}

const mun_hash *mun_batch_node(const mun_batch *batch, unsigned height, uint64_t index)
{
    if (height >= MUN_BATCH_HEIGHTS) return NULL;
    uint64_t base = batch->first >> height;
    uint64_t end = (batch->first + batch->count) >> height;
    if (index < base || index >= end) return NULL;
    return &batch->node[batch->node_at[height] + (size_t)(index - base)];
}

mun_code mun_batch_parse(mun_batch *batch, uint32_t count, size_t payload_len)
{
    MUN_ASSERT(payload_len <= batch->payload_cap && count <= batch->entries_cap);
    const uint8_t *payload = mun_batch_payload(batch);
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (payload_len - at < 2) return MUN_E_MALFORMED;
        size_t len = (size_t)payload[at] << 8 | payload[at + 1];
        if (len == 0 || payload_len - at - 2 < len) return MUN_E_MALFORMED;
        at += 2 + len;
        batch->start[i + 1] = (uint32_t)at;
    }
    if (at != payload_len) return MUN_E_MALFORMED;
    batch->count = count;
    batch->payload_len = payload_len;
    return MUN_OK;
}

/* The leaf hashes of the very bytes that go to the disk; false: they are not what the maker said.
 */
static bool derive_leaves(mun_batch *b, const mun_crypto *crypto)
{
    for (uint32_t i = 0; i < b->count; i++) {
        mun_hash leaf;
        mun_hash_leaf(crypto, mun_batch_entry(b, i), &leaf);
        if (!b->leaf_given) {
            b->node[i] = leaf;
        } else if (!mun_hash_equal(&leaf, &b->node[i])) {
            return false;
        }
    }
    return true;
}

/* Nodes of height h + 1 from those of height h; a first left child is on the frontier. */
static void derive_height(mun_batch *b, const mun_frontier *before, unsigned h,
                          const mun_crypto *crypto)
{
    uint64_t low = before->size >> h; /* the first node of height h that this batch completed */
    uint64_t first = before->size >> (h + 1);
    uint64_t end = (before->size + b->count) >> (h + 1);
    const mun_hash *below = b->node + b->node_at[h];
    mun_hash *out = b->node + b->node_at[h + 1];
    for (uint64_t i = first; i < end; i++) {
        uint64_t left = 2 * i;
        const mun_hash *l = left < low ? &before->node[h] : &below[left - low];
        mun_hash_node(crypto, l, &below[left + 1 - low], out++);
    }
    b->node_at[h + 2] = b->node_at[h + 1] + (size_t)(end - first);
}

static void derive_frontier(const mun_batch *b, const mun_frontier *before, mun_frontier *ret)
{
    ret->size = before->size + b->count;
    for (uint64_t rest = ret->size; rest != 0; rest &= rest - 1) {
        unsigned h = (unsigned)__builtin_ctzll(rest);
        uint64_t index = (ret->size >> h) - 1;
        const mun_hash *own = mun_batch_node(b, h, index);
        ret->node[h] = own != NULL ? *own : before->node[h];
    }
}

bool mun_batch_derive(mun_batch *b, const mun_frontier *before, const mun_crypto *crypto,
                      mun_frontier *ret_after)
{
    MUN_ASSERT(before->size + b->count <= MUN_LOG_ENTRIES_MAX);
    b->first = before->size;
    if (!derive_leaves(b, crypto)) return false;
    b->node_at[0] = 0;
    b->node_at[1] = b->count;
    for (unsigned h = 0; h + 1 < MUN_BATCH_HEIGHTS; h++) derive_height(b, before, h, crypto);
    mun_frontier after;
    derive_frontier(b, before, &after);
    mun_frontier_root(&after, crypto, &b->root);
    *ret_after = after;
    return true;
}
