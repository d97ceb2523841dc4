/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log opened for reading while another process may write it (LOG-16): what `published` names, if
 * it belongs to the newest superblock and either a writer is there or nothing waits in the ring.
 * Whatever is believed is compared with the root that the hash files give.
 */
#include <stdlib.h>
#include <time.h>

#include "log/log_parts.h"
#include "log/store_recover.h"
#include "log/store_version.h"

#define TRIES 100 /* torn reads of a block that is being written, a journal being replaced */
/* An opening pauses between those behind the first few: the writer may be recovering, or syncing
 * the folder between a larger journal's name and what it publishes then. Together two seconds. */
#define TRIES_AT_ONCE 20
#define PAUSE_NS      25000000L

static mun_code try_again(mun_error *err)
{
    return mun_fail(err, MUN_E_AGAIN, MUN_NO_OFFSET,
                    "the ledger is being opened by its writer; try again");
}

/* MUN_E_NOT_FOUND: not intact (at the moment). */
static mun_code read_published(mun_log *log, const mun_crypto *crypto, mun_published *ret,
                               mun_error *err)
{
    const mun_vfs *vfs = log->config.vfs;
    uint8_t block[MUN_LOG_BLOCK];
    size_t got = 0;
    mun_file *file;
    MUN_TRY(vfs->open(vfs->ctx, MUN_FILE_PUBLISHED, MUN_OPEN_READ, &file, err));
    mun_code code = vfs->read(vfs->ctx, file, 0, block, sizeof block, &got, err);
    vfs->close(vfs->ctx, file);
    if (code != MUN_OK) return code;
    if (got != sizeof block || !mun_published_decode(block, crypto, ret)) return MUN_E_NOT_FOUND;
    return MUN_OK;
}

/* The root of the first size entries by the hash files. */
static mun_code files_agree(mun_log *log, mun_worker *worker, const mun_published *p,
                            bool *ret_agree, mun_error *err)
{
    mun_hash root;
    MUN_TRY(mun_worker_window(worker, err));
    mun_tile_window_open(worker->window, log->reader, p->size);
    mun_level_source levels = {
        .ctx = worker->window, .read = mun_tile_window_read, .crypto = &worker->crypto};
    mun_node_source source = {.ctx = &levels, .get = mun_level_node};
    mun_code code = mun_tree_root(&worker->crypto, &source, p->size, &root, err);
    *ret_agree = code == MUN_OK && mun_hash_equal(&root, &p->root);
    return code == MUN_E_DAMAGED ? MUN_OK : code;
}

/* What a reader has seen does not go away; of two threads that look, the slower one saw less. */
static void accept(mun_log *log, const mun_published *p)
{
    pthread_rwlock_wrlock(&log->recent.lock);
    if (p->size >= atomic_load(&log->peer_size)) {
        atomic_store(&log->peer_size, p->size);
        log->recent.head = (mun_tree_head){.size = p->size, .root = p->root};
    }
    pthread_rwlock_unlock(&log->recent.lock);
}

/* The newest superblock, and, for ret_replay, what stands behind it. */
static mun_code look_at_journal(mun_log *log, const mun_crypto *crypto, mun_superblock *ret,
                                mun_replay *ret_replay, mun_error *err)
{
    const mun_vfs *vfs = log->config.vfs;
    mun_journal journal = {0};
    mun_streams streams = {0};
    mun_hash id;
    uint8_t *tails = NULL;
    crypto->sha256(crypto->ctx, &log->config.origin, 1, id.bytes);
    MUN_TRY(mun_journal_open(&journal, vfs, MUN_OPEN_READ, err));
    mun_code code = mun_aligned((size_t)MUN_STREAMS * MUN_LOG_BLOCK, &tails, err);
    if (code == MUN_OK) code = mun_journal_superblock(&journal, &id, crypto, ret, tails, err);
    if (code == MUN_OK && ret_replay != NULL) {
        code = mun_streams_init(&streams, vfs, err);
        if (code == MUN_OK) code = mun_streams_open(&streams, ret, tails, MUN_OPEN_READ, err);
        if (code == MUN_OK)
            code = mun_replay_read(ret_replay, &journal, &streams, ret, crypto, err);
        mun_streams_finish(&streams);
    }
    free(tails);
    mun_journal_close(&journal);
    return code;
}

/* A writer is there: it says what is readable. MUN_E_NOT_FOUND: not yet. */
static mun_code open_beside_writer(mun_log *log, mun_worker *worker, mun_error *err)
{
    mun_superblock sb;
    mun_published p;
    bool agree = false;
    MUN_TRY(look_at_journal(log, &worker->crypto, &sb, NULL, err));
    MUN_TRY(read_published(log, &worker->crypto, &p, err));
    if (memcmp(p.nonce, sb.nonce, MUN_NONCE_SIZE) != 0) return MUN_E_NOT_FOUND;
    MUN_TRY(files_agree(log, worker, &p, &agree, err));
    if (!agree) return MUN_E_NOT_FOUND;
    accept(log, &p);
    return MUN_OK;
}

/* The block at which the next batch would stand: whether one stands there. */
static mun_code batch_waits(mun_log *log, const mun_crypto *crypto, const mun_superblock *sb,
                            bool *ret, mun_error *err)
{
    const mun_vfs *vfs = log->config.vfs;
    mun_journal journal = {0};
    mun_batch_header h;
    uint8_t *block = NULL;
    size_t got = 0;
    MUN_TRY(mun_journal_open(&journal, vfs, MUN_OPEN_READ, err));
    uint64_t at = MUN_LOG_RING_AT + sb->start % journal.blocks * MUN_LOG_BLOCK;
    mun_code code = mun_aligned(MUN_LOG_BLOCK, &block, err);
    if (code == MUN_OK)
        code = vfs->read(vfs->ctx, journal.ring, at, block, MUN_LOG_BLOCK, &got, err);
    if (code == MUN_OK) {
        *ret = got != MUN_LOG_BLOCK ||
               (mun_batch_header_decode(block, sb->nonce, crypto, &h) && h.lsn == sb->start);
    }
    free(block);
    mun_journal_close(&journal);
    return code;
}

/* The usual case, without reading the whole ring: the last writer published what it flushed, and
 * nothing came after. */
static mun_code closed_cleanly(mun_log *log, mun_worker *worker, bool *ret, mun_error *err)
{
    mun_superblock sb;
    mun_published p;
    bool agree = false;
    bool waits = true;
    *ret = false;
    MUN_TRY(look_at_journal(log, &worker->crypto, &sb, NULL, err));
    mun_code code = read_published(log, &worker->crypto, &p, err);
    if (code == MUN_E_NOT_FOUND) return MUN_OK;
    if (code != MUN_OK) return code;
    if (memcmp(p.nonce, sb.nonce, MUN_NONCE_SIZE) != 0 || p.size != sb.size ||
        !mun_hash_equal(&p.root, &sb.root)) {
        return MUN_OK;
    }
    MUN_TRY(files_agree(log, worker, &p, &agree, err));
    MUN_TRY(batch_waits(log, &worker->crypto, &sb, &waits, err));
    *ret = agree && !waits;
    if (*ret) accept(log, &p);
    return MUN_OK;
}

/* Nobody writes: everything must be in the streams. */
static mun_code open_at_rest(mun_log *log, mun_worker *worker, mun_error *err)
{
    mun_superblock sb;
    mun_replay replay;
    bool clean;
    MUN_TRY(closed_cleanly(log, worker, &clean, err));
    if (clean) return MUN_OK;
    MUN_TRY(look_at_journal(log, &worker->crypto, &sb, &replay, err));
    uint64_t waiting = replay.batches;
    mun_replay_finish(&replay);
    if (waiting != 0) {
        return mun_fail(err, MUN_E_AGAIN, MUN_NO_OFFSET,
                        "the ledger was not closed properly; open it once for writing (any "
                        "command that registers does), so that it restores its newest entries");
    }
    mun_published p = {.size = sb.size, .root = sb.root};
    accept(log, &p);
    return MUN_OK;
}

static mun_code open_once(mun_log *log, mun_worker *worker, mun_error *err)
{
    const mun_vfs *vfs = log->config.vfs;
    if (vfs->locked(vfs->ctx, MUN_FILE_LOCK)) return open_beside_writer(log, worker, err);
    mun_code code = open_at_rest(log, worker, err);
    /* Someone may have begun to write while we looked; then what we saw says nothing. */
    if (code != MUN_OK && vfs->locked(vfs->ctx, MUN_FILE_LOCK)) return MUN_E_NOT_FOUND;
    return code;
}

mun_code mun_peer_open(mun_log *log, mun_error *err)
{
    mun_worker *worker;
    MUN_TRY(mun_store_version(log->config.vfs, err));
    MUN_TRY(mun_worker_take(log, &worker, err));
    mun_code code = MUN_E_NOT_FOUND;
    for (int i = 0; i < TRIES && code == MUN_E_NOT_FOUND; i++) {
        const struct timespec pause = {.tv_nsec = PAUSE_NS};
        if (i >= TRIES_AT_ONCE) nanosleep(&pause, NULL);
        code = open_once(log, worker, err);
    }
    mun_worker_give(log, worker);
    return code == MUN_E_NOT_FOUND ? try_again(err) : code;
}

/* Looks at the journal only when there is something new. */
static mun_code refresh(mun_log *log, mun_worker *worker, mun_error *err)
{
    for (int i = 0; i < TRIES; i++) {
        mun_published p;
        mun_code code = read_published(log, &worker->crypto, &p, err);
        if (code == MUN_OK && p.size <= atomic_load(&log->peer_size)) return MUN_OK;
        if (code == MUN_OK) code = open_once(log, worker, err);
        /* The writer is just opening, or it went without a proper end: what we have stands. */
        if (code == MUN_OK || code == MUN_E_AGAIN) return MUN_OK;
        if (code != MUN_E_NOT_FOUND) return code;
    }
    return MUN_OK; /* later */
}

mun_code mun_log_refresh(mun_log *log, mun_error *err)
{
    if (log->store != NULL) return MUN_OK;
    mun_worker *worker;
    MUN_TRY(mun_worker_take(log, &worker, err));
    mun_code code = refresh(log, worker, err);
    mun_worker_give(log, worker);
    return code;
}
