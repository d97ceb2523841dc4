/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flushing and growing: the only places that give ring space back. The order of the steps in
 * mun_store_flush_step is the log's whole safety argument (LOG-7, LOG-17).
 */
#include <stdlib.h>

#include "base/assert.h"
#include "log/store_parts.h"

bool mun_store_flush_due(const mun_store *store)
{
    uint64_t used = store->followed_lsn - atomic_load(&store->journal.start);
    return store->flush_at != FLUSH_IDLE || used >= store->journal.blocks / 2;
}

bool mun_store_dirty(const mun_store *store)
{
    return store->flush_at != FLUSH_IDLE || store->followed_any;
}

/* As it is now. */
static void superblock_of(const mun_store *store, mun_superblock *ret)
{
    const mun_streams *streams = &store->streams;
    *ret = (mun_superblock){
        .generation = atomic_load(&store->journal.generation) + 1,
        .start = store->followed_lsn,
        .ring_blocks = store->journal.blocks,
        .size = streams->size,
        .segment_bytes = streams->stream[MUN_STREAM_SEGMENT].len,
        .root = store->followed_root,
        .ledger_id = store->ledger_id,
        .mark = store->followed_mark,
        .batches = streams->batches,
    };
    memcpy(ret->nonce, store->journal.nonce, MUN_NONCE_SIZE);
}

#ifdef MUN_FAULT_NO_TAIL
static const uint8_t *kept_tails(const mun_store *store)
{
    static const uint8_t none[MUN_STREAMS * MUN_LOG_BLOCK];
    (void)store;
    return none;
}
#else
static const uint8_t *kept_tails(const mun_store *store)
{
    return store->streams.tails;
}
#endif

static mun_code begin(mun_store *store, const mun_crypto *crypto, mun_error *err)
{
    if (!mun_streams_whole(&store->streams)) {
        return mun_fail(err, MUN_E_NO_SPACE, MUN_NO_OFFSET,
                        "the newest entries do not fit on the disk; make room there");
    }
    MUN_TRY(mun_streams_settle(&store->streams, crypto, err));
    if (store->slot == NULL) MUN_TRY(mun_aligned(MUN_LOG_SLOT_BYTES, &store->slot, err));
    superblock_of(store, &store->flush_sb);
    mun_superblock_encode(&store->flush_sb, kept_tails(store), crypto, store->slot);
    store->followed_any = false;
    store->flush_dir = store->streams.new_segment;
    store->streams.new_segment = false;
    store->flush_at = FLUSH_STREAM;
    return MUN_OK;
}

static mun_code sync_directory(mun_store *store, mun_error *err)
{
    if (!store->flush_dir) return MUN_OK;
#ifdef MUN_FAULT_DIR_ONCE
    store->flush_dir = false;
#endif
#ifdef MUN_FAULT_NO_DIR_SYNC
    (void)err;
#else
    MUN_TRY(store->vfs->sync_dir(store->vfs->ctx, MUN_DIR_ENTRIES, err));
#endif
    store->flush_dir = false;
    return MUN_OK;
}

static void give_back(mun_store *store)
{
    atomic_store(&store->journal.start, store->flush_sb.start);
    atomic_store(&store->flushed_size, store->flush_sb.size);
}

/* What one step does; flush_at says which. */
static mun_code step(mun_store *store, const mun_crypto *crypto, mun_error *err)
{
    uint64_t generation = store->flush_sb.generation;
    switch (store->flush_at) {
    case FLUSH_IDLE: return begin(store, crypto, err);
    case FLUSH_DIR: MUN_TRY(sync_directory(store, err)); break;
    case FLUSH_WRITE:
        MUN_TRY(mun_journal_write_slot(&store->journal, generation, store->slot, err));
#ifdef MUN_FAULT_EARLY_REUSE
        give_back(store);
#endif
        break;
    case FLUSH_SYNC:
#ifdef MUN_FAULT_NO_REPLAY_SYNC
        if (store->streams.recovering) break;
#endif
        MUN_TRY(mun_journal_sync(&store->journal, store->journal.slots, err));
        break;
    default:
#ifdef MUN_FAULT_NO_REPLAY_SYNC
        if (store->streams.recovering) break;
#endif
        MUN_TRY(mun_streams_sync(&store->streams, (unsigned)(store->flush_at - FLUSH_STREAM), err));
    }
    store->flush_at++;
    return MUN_OK;
}

static void end(mun_store *store)
{
    atomic_store(&store->journal.generation, store->flush_sb.generation);
    give_back(store);
    free(store->slot);
    store->slot = NULL;
    store->flush_at = FLUSH_IDLE;
}

#ifdef MUN_FAULT_EARLY_SUPERBLOCK
/* Planted: superblock and its sync first, the streams after them. */
static mun_code early(mun_store *store, mun_error *err)
{
    MUN_TRY(mun_journal_write_slot(&store->journal, store->flush_sb.generation, store->slot, err));
    return mun_journal_sync(&store->journal, store->journal.slots, err);
}
#endif

mun_code mun_store_flush_step(mun_store *store, const mun_crypto *crypto, bool *ret_done,
                              mun_error *err)
{
    MUN_TRY(mun_store_check(store, err));
    bool beginning = store->flush_at == FLUSH_IDLE;
    mun_code code = step(store, crypto, err);
#ifdef MUN_FAULT_EARLY_SUPERBLOCK
    if (code == MUN_OK && beginning) code = early(store, err);
#endif
    /* A folder that could not be opened was not synced either: no failed sync, the step again. */
    if (code == MUN_E_AGAIN && store->flush_at == FLUSH_DIR) return code;
    MUN_TRY(mun_store_latch(store, code, beginning));
    bool done = store->flush_at > FLUSH_SYNC;
    if (done) end(store);
    *ret_done = done;
    return MUN_OK;
}

mun_code mun_store_flush(mun_store *store, const mun_crypto *crypto, mun_error *err)
{
    bool under_way = store->flush_at != FLUSH_IDLE;
    for (int round = under_way ? 0 : 1; round < 2; round++) {
        for (bool done = false; !done;) {
            MUN_TRY(mun_store_flush_step(store, crypto, &done, err));
        }
    }
    return MUN_OK;
}

/* ---- growing ---------------------------------------------------------------------------------*/

/* The new journal begins where the flush left the log: LSN 0, generation 1, its own nonce. */
static mun_code prepare(mun_store *store, const mun_crypto *crypto, uint32_t ring_blocks,
                        mun_superblock *ret, mun_error *err)
{
    superblock_of(store, ret);
    ret->generation = 1;
    ret->start = 0;
    ret->ring_blocks = ring_blocks;
    mun_code code = store->random(store->random_ctx, ret->nonce, MUN_NONCE_SIZE);
    if (code != MUN_OK) {
        return mun_fail(err, code, MUN_NO_OFFSET, "no random bytes for a new journal");
    }
    code = mun_journal_prepare(store->vfs, ret, kept_tails(store), crypto, err);
    mun_error ignored;
    if (code != MUN_OK) (void)!mun_journal_discard(store->vfs, &ignored);
    return code;
}

static mun_code change_over(mun_store *store, const mun_superblock *sb, mun_error *err)
{
    mun_journal *journal = &store->journal;
    MUN_TRY(mun_journal_install(store->vfs, err));
    mun_journal_close(journal);
    MUN_TRY(mun_journal_open(journal, store->vfs, MUN_OPEN_WRITE, err));
    memcpy(journal->nonce, sb->nonce, MUN_NONCE_SIZE);
    atomic_store(&journal->next, sb->start);
    atomic_store(&journal->start, sb->start);
    atomic_store(&journal->generation, sb->generation);
    store->followed_lsn = sb->start;
    return MUN_OK;
}

mun_code mun_store_grow(mun_store *store, const mun_crypto *crypto, uint32_t ring_blocks,
                        mun_error *err)
{
    MUN_TRY(mun_store_flush(store, crypto, err));
    MUN_ASSERT(store->followed_lsn == atomic_load(&store->journal.next) && !store->written);
    mun_superblock sb;
    mun_code code = prepare(store, crypto, ring_blocks, &sb, err);
    MUN_TRY(mun_store_latch(store, code, true));
    MUN_TRY(mun_store_latch(store, change_over(store, &sb, err), false));
    return mun_store_publish(store, crypto, err);
}
