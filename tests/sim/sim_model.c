/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_model.h"

#include "base/assert.h"
#include "base/slice.h"

#include <stdlib.h>
#include <string.h>

static uint8_t *extend(sim_bytes *b, size_t len)
{
    if (b->len + len > b->cap) {
        b->cap = (b->len + len) * 2;
        b->ptr = realloc(b->ptr, b->cap);
        MUN_ASSERT(b->ptr != NULL);
    }
    uint8_t *at = b->ptr + b->len;
    b->len += len;
    return at;
}

static void put_integer(uint8_t *at, uint64_t v, unsigned width)
{
    while (width-- > 0) {
        at[width] = (uint8_t)v;
        v >>= 8;
    }
}

void sim_batch_finish(sim_batch *b)
{
    free(b->records.ptr);
    *b = (sim_batch){0};
}

void sim_batch_clear(sim_batch *b)
{
    b->records.len = 0;
    b->count = 0;
}

void sim_batch_add(sim_batch *b, mun_slice entry)
{
    uint8_t *at = extend(&b->records, 2 + entry.len);
    put_integer(at, entry.len, 2);
    memcpy(at + 2, entry.ptr, entry.len);
    b->count++;
}

mun_slice sim_batch_entry(const sim_batch *b, size_t *at)
{
    const uint8_t *p = b->records.ptr + *at;
    size_t len = (size_t)p[0] << 8 | p[1];
    *at += 2 + len;
    return mun_slice_of(p + 2, len);
}

void sim_model_finish(sim_model *m)
{
    sim_tree_finish(&m->tree);
    free(m->root_at);
    free(m->records.ptr);
    free(m->record_at);
    free(m->time_of);
    free(m->offsets.ptr);
    free(m->commits.ptr);
    *m = (sim_model){0};
}

static void note_root(sim_model *m)
{
    if (m->size >= m->root_cap) {
        m->root_cap = m->size * 2 + 16;
        m->root_at = realloc(m->root_at, m->root_cap * sizeof *m->root_at);
        MUN_ASSERT(m->root_at != NULL);
    }
    sim_tree_root(&m->tree, m->crypto, &m->root);
    m->root_at[m->size] = m->root;
}

void sim_model_clear(sim_model *m, const mun_crypto *crypto)
{
    m->crypto = crypto;
    m->size = m->batches = m->last_time = m->last_mark = 0;
    m->last_count = 0;
    m->records.len = m->offsets.len = m->commits.len = 0;
    sim_tree_clear(&m->tree);
    note_root(m);
}

/* [LOG-13]: the records, zeros, and over all of it the digest. */
static void append_commit(sim_model *m, uint64_t time_ms)
{
    size_t i = m->batches % MUN_LOG_COMMITS_IN_BLOCK;
    if (i == 0) memset(extend(&m->commits, MUN_LOG_BLOCK), 0, MUN_LOG_BLOCK);
    uint8_t *block = m->commits.ptr + m->commits.len - MUN_LOG_BLOCK;
    put_integer(block + 16 * i, m->size, 8);
    put_integer(block + 16 * i + 8, time_ms, 8);
    mun_slice covered = mun_slice_of(block, MUN_LOG_BLOCK - 32);
    m->crypto->sha256(m->crypto->ctx, &covered, 1, block + MUN_LOG_BLOCK - 32);
}

static void append_entry(sim_model *m, const uint8_t *record, mun_slice entry, uint64_t time_ms)
{
    if (m->size + 1 >= m->record_cap) {
        m->record_cap = m->size * 2 + 64;
        m->record_at = realloc(m->record_at, m->record_cap * sizeof *m->record_at);
        m->time_of = realloc(m->time_of, m->record_cap * sizeof *m->time_of);
        MUN_ASSERT(m->record_at != NULL && m->time_of != NULL);
    }
    uint64_t first = m->size / MUN_LOG_SEGMENT_ENTRIES * MUN_LOG_SEGMENT_ENTRIES;
    m->record_at[m->size] = m->records.len;
    m->time_of[m->size] = time_ms;
    put_integer(extend(&m->offsets, 4), m->records.len - m->record_at[first], 4);
    memcpy(extend(&m->records, 2 + entry.len), record, 2 + entry.len);
    sim_tree_append(&m->tree, m->crypto, entry);
    m->size++;
    m->record_at[m->size] = m->records.len;
}

void sim_model_append(sim_model *m, const sim_batch *b)
{
    append_commit(m, b->time_ms);
    for (size_t at = 0; at < b->records.len;) {
        const uint8_t *record = b->records.ptr + at;
        append_entry(m, record, sim_batch_entry(b, &at), b->time_ms);
    }
    m->batches++;
    m->last_time = b->time_ms;
    m->last_mark = b->mark;
    m->last_count = b->count;
    note_root(m);
}

mun_slice sim_model_segment(const sim_model *m, uint64_t n)
{
    uint64_t first = n * MUN_LOG_SEGMENT_ENTRIES;
    uint64_t end = first + MUN_LOG_SEGMENT_ENTRIES;
    if (first >= m->size) return (mun_slice){0};
    uint64_t stop = end < m->size ? m->record_at[end] : m->records.len;
    return mun_slice_of(m->records.ptr + m->record_at[first], stop - m->record_at[first]);
}

mun_slice sim_model_level(const sim_model *m, unsigned level)
{
    unsigned height = level * MUN_LOG_TILE_BITS;
    return mun_slice_of(m->tree.node[height], m->tree.count[height] * sizeof(mun_hash));
}
