/* SPDX-License-Identifier: Apache-2.0 */
/* The sequencer's half: write, sync. The follower's: follow, publish. See store.h. */
#include "log/store.h"

#include <stdlib.h>

#include "base/assert.h"
#include "log/store_batch.h"
#include "log/store_parts.h"

mun_code mun_store_latch(mun_store *store, mun_code code, bool retryable)
{
    bool passes = code == MUN_E_NO_SPACE || code == MUN_E_AGAIN;
    if (code == MUN_OK || (retryable && passes)) return code;
    atomic_store(&store->failed, true);
    return code;
}

mun_code mun_store_check(const mun_store *store, mun_error *err)
{
    if (!atomic_load(&store->failed)) return MUN_OK;
    return mun_fail(err, MUN_E_FAILED, MUN_NO_OFFSET,
                    "an earlier write to the ledger failed; nothing more is written until it has "
                    "been opened again");
}

bool mun_store_failed(const mun_store *store)
{
    return atomic_load(&store->failed);
}

void mun_store_close(mun_store *store)
{
    if (store == NULL) return;
    mun_streams_finish(&store->streams);
    store->vfs->close(store->vfs->ctx, store->published);
    mun_journal_close(&store->journal);
    if (store->lock != NULL) store->vfs->unlock(store->vfs->ctx, store->lock);
    free(store->slot);
    free(store);
}

/* ---- the sequencer's half --------------------------------------------------------------------*/

bool mun_store_has_room(const mun_store *store, const mun_batch *batch)
{
    uint64_t used = atomic_load(&store->journal.next) - atomic_load(&store->journal.start);
    uint64_t room = store->journal.blocks;
#ifdef MUN_FAULT_RING_OVERFULL
    room++;
#endif
    return used + mun_batch_blocks(batch->payload_len) <= room;
}

bool mun_store_can_hold(const mun_store *store, const mun_batch *batch)
{
    return batch->payload_len <= mun_store_payload_max(store);
}

size_t mun_store_payload_max(const mun_store *store)
{
    uint64_t half = store->journal.blocks / 2 * MUN_LOG_BLOCK - MUN_LOG_HEADER_BYTES;
    return half < MUN_BATCH_BYTES_MAX ? (size_t)half : MUN_BATCH_BYTES_MAX;
}

static mun_code check_batch(mun_store *store, const mun_batch *batch, mun_error *err)
{
    MUN_TRY(mun_store_check(store, err));
    if (!mun_store_can_hold(store, batch)) {
        return mun_fail(err, MUN_E_AGAIN, MUN_NO_OFFSET,
                        "the batch is larger than half the journal; the journal must grow first");
    }
    if (!mun_store_has_room(store, batch)) {
        return mun_fail(err, MUN_E_AGAIN, MUN_NO_OFFSET,
                        "the journal is full until the entries in it have reached their files");
    }
    if (batch->time_ms < store->state.time_ms || batch->mark < store->state.mark) {
        return mun_fail(err, MUN_E_INVALID, MUN_NO_OFFSET,
                        "the batch's registration time or height is before the last one's");
    }
    if (batch->count > MUN_LOG_ENTRIES_MAX - store->state.frontier.size) {
        return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "the log holds as many entries as it can");
    }
    return MUN_OK;
}

/* Header before the payload, zeros behind it up to the block's end. */
static void frame(mun_store *store, const mun_crypto *crypto, mun_batch *batch)
{
    mun_batch_header h = {
        .lsn = batch->lsn,
        .first = batch->first,
        .count = batch->count,
        .payload_len = (uint32_t)batch->payload_len,
        .mark = batch->mark,
        .generation = atomic_load(&store->journal.generation),
        .root = batch->root,
        .time_ms = batch->time_ms,
    };
    memcpy(h.nonce, store->journal.nonce, MUN_NONCE_SIZE);
    mun_batch_header_encode(&h, crypto, batch->block);
    size_t used = MUN_LOG_HEADER_BYTES + batch->payload_len;
    memset(batch->block + used, 0, (size_t)batch->blocks * MUN_LOG_BLOCK - used);
}

#ifdef MUN_FAULT_EARLY_PUBLISH
static void publish_early(mun_store *store, const mun_crypto *crypto, const mun_batch *batch)
{
    uint8_t block[MUN_LOG_BLOCK];
    mun_published p = {.size = batch->first + batch->count, .root = batch->root};
    memcpy(p.nonce, store->journal.nonce, MUN_NONCE_SIZE);
    mun_published_encode(&p, crypto, block);
    (void)!store->vfs->write(store->vfs->ctx, store->published, 0, block, sizeof block, NULL);
}
#endif

mun_code mun_store_write(mun_store *store, const mun_crypto *crypto, mun_batch *batch,
                         mun_error *err)
{
    MUN_TRY(check_batch(store, batch, err));
    MUN_ASSERT(!store->written); /* a failed write leaves it set, but was refused above */
    mun_log_state *coming = &store->coming;
    if (!mun_batch_derive(batch, &store->state.frontier, crypto, &coming->frontier)) {
        return mun_fail(err, MUN_E_INVALID, MUN_NO_OFFSET,
                        "an entry changed while it was being registered");
    }
    coming->root = batch->root;
    coming->time_ms = batch->time_ms;
    coming->mark = batch->mark;
    batch->lsn = atomic_load(&store->journal.next);
    batch->blocks = (uint32_t)mun_batch_blocks(batch->payload_len);
    frame(store, crypto, batch);
#ifdef MUN_FAULT_EARLY_PUBLISH
    publish_early(store, crypto, batch);
#endif
    store->written = true;
    return mun_store_latch(
        store, mun_journal_write(&store->journal, batch->lsn, batch->block, batch->blocks, err),
        false);
}

mun_code mun_store_sync(mun_store *store, const mun_batch *batch, mun_error *err)
{
    MUN_TRY(mun_store_check(store, err));
    MUN_ASSERT(store->written && batch->lsn == atomic_load(&store->journal.next));
#ifndef MUN_FAULT_EARLY_ACK
    mun_code code = mun_journal_sync(&store->journal, store->journal.ring, err);
    MUN_TRY(mun_store_latch(store, code, false));
    /* The follower's half may have failed meanwhile: then this sync may have been told of less. */
    MUN_TRY(mun_store_check(store, err));
#endif
    store->written = false;
    store->state = store->coming;
    atomic_store(&store->journal.next, batch->lsn + batch->blocks);
    return MUN_OK;
}

mun_tree_head mun_store_head(const mun_store *store)
{
    return (mun_tree_head){.size = store->state.frontier.size, .root = store->state.root};
}

uint64_t mun_store_last_time(const mun_store *store)
{
    return store->state.time_ms;
}

uint64_t mun_store_last_mark(const mun_store *store)
{
    return store->state.mark;
}

/* ---- the follower's half ---------------------------------------------------------------------*/

mun_code mun_store_follow(mun_store *store, const mun_crypto *crypto, const mun_batch *batch,
                          mun_error *err)
{
    MUN_TRY(mun_store_check(store, err));
    MUN_ASSERT(batch->lsn == store->followed_lsn);
    mun_code code = mun_streams_append(&store->streams, crypto, batch, err);
    MUN_TRY(mun_store_latch(store, code, true));
    store->followed_root = batch->root;
    store->followed_mark = batch->mark;
    store->followed_lsn = batch->lsn + batch->blocks;
    store->followed_any = true;
    return MUN_OK;
}

mun_code mun_store_publish(mun_store *store, const mun_crypto *crypto, mun_error *err)
{
    MUN_TRY(mun_store_check(store, err));
    MUN_TRY(mun_store_latch(store, mun_streams_settle(&store->streams, crypto, err), true));
    uint8_t block[MUN_LOG_BLOCK];
    mun_published p = {.size = store->streams.size, .root = store->followed_root};
    memcpy(p.nonce, store->journal.nonce, MUN_NONCE_SIZE);
    mun_published_encode(&p, crypto, block);
    mun_code code =
        store->vfs->write(store->vfs->ctx, store->published, 0, block, sizeof block, err);
    MUN_TRY(mun_store_latch(store, code, true));
    atomic_store(&store->published_size, p.size);
    return MUN_OK;
}

uint64_t mun_store_followed(const mun_store *store)
{
    return atomic_load(&store->published_size);
}

uint64_t mun_store_flushed(const mun_store *store)
{
    return atomic_load(&store->flushed_size);
}

uint64_t mun_store_batches(const mun_store *store)
{
    return store->streams.batches;
}

uint32_t mun_store_ring_blocks(const mun_store *store)
{
    return (uint32_t)store->journal.blocks;
}
