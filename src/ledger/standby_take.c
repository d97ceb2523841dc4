/* SPDX-License-Identifier: Apache-2.0 */
/* Entries on their way into a standby. Two passes, so that nothing is kept before the signed root
 * is known to cover it, whatever the number of entries: first the leaf hashes alone, of which a
 * digest for each tile is remembered, then the entries against these digests. */
#include "ledger/standby_parts.h"

#include "base/cursor.h"

#include <stdio.h>

#define PROGRESS_STEP 64

/* ---- Leaf hashes ------------------------------------------------------------------------------
 */

static mun_code contradicts(mun_error *err)
{
    return mun_fail(err, MUN_E_AGAIN, MUN_NO_OFFSET,
                    "the source's tiles do not give the root that its checkpoint signs: it is "
                    "damaged or in the middle of an update; nothing was taken from it");
}

static void leaves_append(mun_standby *s, mun_frontier *f, uint64_t first, const uint8_t *leaves,
                          unsigned width)
{
    for (unsigned i = 0; i < width; i++) {
        mun_hash leaf;
        if (first + i < f->size) continue; /* held already */
        memcpy(leaf.bytes, leaves + (size_t)i * MUN_HASH_SIZE, MUN_HASH_SIZE);
        mun_frontier_append(f, s->crypto, &leaf, NULL, NULL);
    }
}

mun_code mun_standby_leaves(mun_standby *s, mun_source_nodes *nodes, mun_buf *ret_digests,
                            mun_error *err)
{
    mun_frontier f;
    mun_hash root;
    mun_node_source source = mun_source_nodes_of(nodes);
    MUN_BUF_AUTO mun_buf tile = mun_buf_growable(MUN_TILE_BYTES);
    MUN_TRY(mun_frontier_load(&f, s->have.size, &source, err));
    mun_frontier_root(&f, s->crypto, &root);
    if (!mun_hash_equal(&root, &s->have.root)) return contradicts(err);
    for (uint64_t n = f.size / MUN_TILE_WIDTH; f.size < s->head.size; n++) {
        uint8_t digest[MUN_HASH_SIZE];
        unsigned width = mun_tile_width(0, n, s->head.size);
        MUN_TRY(mun_source_tile(&s->source, 0, n, width, &tile, err));
        leaves_append(s, &f, n * MUN_TILE_WIDTH, tile.ptr, width);
        mun_slice bytes = mun_buf_slice(&tile);
        s->crypto->sha256(s->crypto->ctx, &bytes, 1, digest);
        mun_buf_put(ret_digests, mun_slice_of(digest, sizeof digest));
        if (!mun_buf_ok(ret_digests)) {
            return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
        }
    }
    mun_frontier_root(&f, s->crypto, &root);
    return mun_hash_equal(&root, &s->head.root) ? MUN_OK : contradicts(err);
}

/* ---- Entries ----------------------------------------------------------------------------------
 */

typedef struct taking {
    mun_standby *s;
    mun_source_times times;
    uint64_t time_ms, until; /* of the batch; entries below `until` have the same */
    mun_buf bundle, leaves, canonical;
    mun_slice batch[MUN_TILE_WIDTH]; /* in the bundle's buffer */
    size_t batch_len, batch_bytes;
    uint64_t next; /* index of the first entry of the batch */
} taking;

static mun_code batch_append(taking *t, mun_error *err)
{
    if (t->batch_len == 0) return MUN_OK;
    MUN_TRY(mun_log_append_at(t->s->ledger->log, t->batch, t->batch_len, t->time_ms, NULL, err));
    t->next += t->batch_len;
    t->batch_len = 0;
    t->batch_bytes = 0;
    mun_row_follower_kick(&t->s->ledger->follower);
    return MUN_OK;
}

/* The ledger's own statement takes effect at its index, and so before the next entry is judged. */
static mun_code own_apply(taking *t, uint64_t index, const mun_statement *statement, mun_error *err)
{
    mun_ledger *ledger = t->s->ledger;
    pthread_rwlock_wrlock(&ledger->control_lock);
    mun_control *control = &ledger->control;
    mun_code code = mun_control_check(t->s->crypto, &control->state, statement, err);
    if (code == MUN_OK) code = batch_append(t, err);
    if (code == MUN_OK) {
        code = mun_control_apply(t->s->crypto, &control->state, index, statement, err);
    }
    if (code == MUN_OK) code = mun_control_note(control, index, err);
    pthread_rwlock_unlock(&ledger->control_lock);
    return code;
}

/* [STMT-21] and [POL-11]: what the original was not allowed to register is not taken over. */
static mun_code admit(taking *t, const mun_statement *statement, mun_slice entry, mun_error *err)
{
    uint8_t signer[MUN_HASH_SIZE];
    mun_buf_clear(&t->canonical);
    MUN_TRY(mun_statement_entry(statement, &t->canonical, err));
    if (!mun_slice_equal(mun_buf_slice(&t->canonical), entry)) {
        return mun_fail(err, MUN_E_INVALID, MUN_NO_OFFSET,
                        "its bytes are not the canonical form of an entry");
    }
    return mun_admit(t->s->crypto, &t->s->ledger->control.state, MUN_INDEX_NOW, statement, signer,
                     err);
}

static mun_code inadmissible(mun_error *err, uint64_t index)
{
    char prefix[160];
    snprintf(prefix, sizeof prefix,
             "the source signs a tree whose entry %llu may not stand there; it and what follows "
             "were not taken",
             (unsigned long long)index);
    if (err != NULL) err->code = MUN_E_INVALID;
    return mun_error_prefix(err, MUN_E_INVALID, prefix);
}

static void batch_put(taking *t, mun_slice entry)
{
    t->batch[t->batch_len++] = entry;
    t->batch_bytes += entry.len + 2;
}

static mun_code entry_take(taking *t, mun_slice entry, mun_error *err)
{
    mun_statement statement;
    uint64_t index = t->next + t->batch_len;
    if (entry.len + 2 > MUN_BATCH_BYTES_MAX - t->batch_bytes || index >= t->until) {
        MUN_TRY(batch_append(t, err));
    }
    if (index >= t->until) {
        MUN_TRY(mun_source_times_at(&t->times, index, &t->time_ms, &t->until, err));
    }
    mun_code code = mun_statement_parse(entry, &statement, err);
    if (code != MUN_OK) return inadmissible(err, index);
    if (mun_control_is_own(&t->s->ledger->control.state, &statement)) {
        MUN_TRY(batch_append(t, err)); /* those before it */
        batch_put(t, entry);
        code = own_apply(t, index, &statement, err);
        return code == MUN_E_REFUSED ? inadmissible(err, index) : code;
    }
    if (admit(t, &statement, entry, err) != MUN_OK) return inadmissible(err, index);
    batch_put(t, entry);
    return MUN_OK;
}

static mun_code leaves_check(taking *t, uint64_t n, unsigned width, mun_slice digest,
                             mun_error *err)
{
    uint8_t have[MUN_HASH_SIZE];
    const mun_crypto *crypto = t->s->crypto;
    mun_cursor c = mun_cursor_over(mun_buf_slice(&t->bundle));
    mun_buf_clear(&t->leaves);
    for (unsigned i = 0; i < width; i++) {
        mun_hash leaf;
        mun_hash_leaf(crypto, mun_cursor_take(&c, mun_cursor_u16(&c)), &leaf);
        mun_buf_put(&t->leaves, mun_slice_of(leaf.bytes, MUN_HASH_SIZE));
    }
    mun_slice leaves = mun_buf_slice(&t->leaves);
    crypto->sha256(crypto->ctx, &leaves, 1, have);
    if (memcmp(have, digest.ptr, MUN_HASH_SIZE) == 0) return MUN_OK;
    return mun_failf(err, MUN_E_AGAIN, 0,
                     "the source's bundle %llu does not hold the entries that its checkpoint "
                     "signs: it is damaged; nothing of that bundle was taken",
                     (unsigned long long)n);
}

static mun_code bundle_take(taking *t, uint64_t n, mun_slice digest, mun_error *err)
{
    unsigned width = mun_tile_width(0, n, t->s->head.size);
    MUN_TRY(mun_source_tile(&t->s->source, -1, n, width, &t->bundle, err));
    MUN_TRY(leaves_check(t, n, width, digest, err));
    mun_cursor c = mun_cursor_over(mun_buf_slice(&t->bundle));
    for (unsigned i = 0; i < width; i++) {
        mun_slice entry = mun_cursor_take(&c, mun_cursor_u16(&c));
        if (n * MUN_TILE_WIDTH + i >= t->s->have.size) MUN_TRY(entry_take(t, entry, err));
    }
    return batch_append(t, err); /* the entries lie in the bundle's buffer */
}

static mun_code bundles_take(taking *t, mun_slice digests, mun_error *err)
{
    uint64_t first = t->s->have.size / MUN_TILE_WIDTH;
    for (uint64_t i = 0; i < digests.len / MUN_HASH_SIZE; i++) {
        mun_slice digest = mun_slice_of(digests.ptr + i * MUN_HASH_SIZE, MUN_HASH_SIZE);
        MUN_TRY(bundle_take(t, first + i, digest, err));
        if (i % PROGRESS_STEP == 0) {
            mun_watcher_progress(&t->s->watcher, "entries", t->next, t->s->head.size);
        }
    }
    return MUN_OK;
}

mun_code mun_standby_take(mun_standby *s, mun_slice digests, mun_error *err)
{
    taking t = {.s = s,
                .next = s->have.size,
                .bundle = mun_buf_growable(MUN_TREE_BUNDLE_MAX),
                .leaves = mun_buf_growable(MUN_TILE_BYTES),
                .canonical = mun_buf_growable(MUN_ENTRY_MAX)};
    mun_source_times_init(&t.times, &s->source, s->crypto, s->head.size);
    mun_code code = bundles_take(&t, digests, err);
    mun_source_times_finish(&t.times);
    mun_buf_free(&t.bundle);
    mun_buf_free(&t.leaves);
    mun_buf_free(&t.canonical);
    MUN_TRY(code);
    s->have = mun_log_head(s->ledger->log);
    if (mun_hash_equal(&s->have.root, &s->head.root)) return MUN_OK;
    return mun_fail(err, MUN_E_DAMAGED, MUN_NO_OFFSET,
                    "what was taken does not give the signed root; run muniment fsck");
}
