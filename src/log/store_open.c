/* SPDX-License-Identifier: Apache-2.0 */
/* Making a log, and opening one: LOG-1, LOG-2, LOG-12, LOG-18 to LOG-24. */
#include <stdlib.h>

#include "base/assert.h"
#include "log/store_parts.h"
#include "log/store_version.h"

static void ledger_id(mun_slice origin, const mun_crypto *crypto, mun_hash *ret)
{
    crypto->sha256(crypto->ctx, &origin, 1, ret->bytes);
}

/* ---- create ----------------------------------------------------------------------------------*/

static mun_code refuse_existing(const mun_vfs *vfs, mun_error *err)
{
    mun_file *file;
    mun_error ignored;
    mun_code code = vfs->open(vfs->ctx, MUN_FILE_JOURNAL, MUN_OPEN_READ, &file, &ignored);
    if (code == MUN_E_NOT_FOUND) return MUN_OK;
    if (code != MUN_OK) {
        if (err != NULL) *err = ignored;
        return code;
    }
    vfs->close(vfs->ctx, file);
    return mun_fail(err, MUN_E_EXISTS, MUN_NO_OFFSET, "there is a ledger in this folder already");
}

static mun_code make_dir(const mun_vfs *vfs, const char *name, mun_error *err)
{
    mun_error ignored;
    mun_code code = vfs->make_dir(vfs->ctx, name, &ignored);
    if (code == MUN_OK || code == MUN_E_EXISTS) return MUN_OK;
    if (err != NULL) *err = ignored;
    return code;
}

static mun_code write_file(const mun_vfs *vfs, const char *name, const void *bytes, size_t len,
                           mun_error *err)
{
    mun_file *file;
    MUN_TRY(vfs->open(vfs->ctx, name, MUN_OPEN_WRITE | MUN_OPEN_CREATE, &file, err));
    mun_code code = vfs->truncate(vfs->ctx, file, 0, err);
    if (code == MUN_OK) code = vfs->write(vfs->ctx, file, 0, bytes, len, err);
    if (code == MUN_OK) code = vfs->sync(vfs->ctx, file, err);
    vfs->close(vfs->ctx, file);
    return code;
}

/* Everything but the journal, whose name is what makes a folder a ledger. */
static mun_code make_files(const mun_vfs *vfs, const mun_superblock *sb, const mun_crypto *crypto,
                           mun_error *err)
{
    uint8_t block[MUN_LOG_BLOCK];
    char format[MUN_FORMAT_TEXT_MAX];
    mun_published p = {.size = 0, .root = sb->root};
    memcpy(p.nonce, sb->nonce, MUN_NONCE_SIZE);
    mun_published_encode(&p, crypto, block);
    size_t len = mun_format_text(format);
    MUN_TRY(make_dir(vfs, MUN_DIR_ENTRIES, err));
    MUN_TRY(make_dir(vfs, MUN_DIR_HASHES, err));
    MUN_TRY(mun_streams_make_files(vfs, err));
    MUN_TRY(write_file(vfs, MUN_FILE_PUBLISHED, block, sizeof block, err));
    MUN_TRY(write_file(vfs, MUN_FILE_FORMAT, format, len, err));
    MUN_TRY(vfs->sync_dir(vfs->ctx, MUN_DIR_HASHES, err));
    MUN_TRY(vfs->sync_dir(vfs->ctx, MUN_DIR_ENTRIES, err));
    return vfs->sync_dir(vfs->ctx, "", err);
}

mun_code mun_store_create(const mun_store_config *config, const mun_crypto *crypto, mun_error *err)
{
    static const uint8_t no_tails[MUN_STREAMS * MUN_LOG_BLOCK];
    const mun_vfs *vfs = config->vfs;
    mun_superblock sb = {
        .generation = 1,
        .ring_blocks = config->ring_blocks != 0 ? config->ring_blocks : MUN_LOG_RING_FIRST,
    };
    if (config->origin.len == 0 || config->origin.len > MUN_ORIGIN_MAX) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "a ledger's name (origin) has 1 to 255 bytes");
    }
    ledger_id(config->origin, crypto, &sb.ledger_id);
    mun_hash_empty(crypto, &sb.root);
    if (config->random(config->random_ctx, sb.nonce, MUN_NONCE_SIZE) != MUN_OK) {
        return mun_fail(err, MUN_E_CRYPTO, MUN_NO_OFFSET, "no random bytes for the journal");
    }
    MUN_TRY(refuse_existing(vfs, err));
    MUN_TRY(make_files(vfs, &sb, crypto, err));
    MUN_TRY(mun_journal_prepare(vfs, &sb, no_tails, crypto, err));
    return mun_journal_install(vfs, err);
}

/* ---- open ------------------------------------------------------------------------------------*/

mun_code mun_store_version(const mun_vfs *vfs, mun_error *err)
{
    uint8_t bytes[MUN_FORMAT_TEXT_MAX];
    size_t len = 0;
    mun_file *file;
    mun_error ignored;
    mun_code code = vfs->open(vfs->ctx, MUN_FILE_FORMAT, MUN_OPEN_READ, &file, &ignored);
    if (code == MUN_E_NOT_FOUND) {
        return mun_fail(err, MUN_E_NOT_FOUND, MUN_NO_OFFSET,
                        "there is no ledger in this folder (no file `format`)");
    }
    if (code != MUN_OK) {
        if (err != NULL) *err = ignored;
        return code;
    }
    code = vfs->read(vfs->ctx, file, 0, bytes, sizeof bytes, &len, err);
    vfs->close(vfs->ctx, file);
    if (code != MUN_OK) return code;
    return mun_format_check(mun_slice_of(bytes, len), err);
}

/* The state as the streams have it at the superblock; replayed batches follow from there. */
static void start_from(mun_store *store, const mun_replay *replay)
{
    mun_journal *journal = &store->journal;
    memcpy(journal->nonce, replay->sb.nonce, MUN_NONCE_SIZE);
    atomic_store(&journal->next, replay->end_lsn);
    atomic_store(&journal->start, replay->sb.start);
    atomic_store(&journal->generation, replay->sb.generation);
    store->state = replay->end;
    store->followed_root = replay->at_f.root;
    store->followed_mark = replay->at_f.mark;
    store->followed_lsn = replay->sb.start;
    atomic_store(&store->flushed_size, replay->sb.size);
}

/*
 * A process killed between the journal's rename and the sync of its directory leaves a name that
 * only the cache knows: whatever is then acknowledged in the new journal goes with the name. The
 * same for a rebuild killed behind its renames: what is appended to its files goes with them.
 */
static mun_code keep_names(const mun_vfs *vfs, mun_error *err)
{
#if defined(MUN_FAULT_NO_DIR_SYNC) || defined(MUN_FAULT_NO_OPEN_DIR_SYNC)
    (void)vfs;
    (void)err;
    return MUN_OK;
#else
    MUN_TRY(vfs->sync_dir(vfs->ctx, MUN_DIR_HASHES, err));
    return vfs->sync_dir(vfs->ctx, "", err);
#endif
}

/*
 * Two superblocks with this state, one after the other. After a failed sync the cache shows what
 * the disk does not hold: a last batch in the ring, the superblock this opening began with. Then an
 * older superblock does not lead to the same log, and the newest must not stand alone against a
 * rotten block. Between the two the remains at the log's end are buried.
 */
static mun_code flush_replayed(mun_store *store, mun_replay *replay, const mun_crypto *crypto,
                               mun_error *err)
{
    MUN_TRY(mun_store_flush(store, crypto, err));
#ifdef MUN_FAULT_NO_BURY
    (void)replay;
#else
    MUN_TRY(mun_replay_bury(replay, &store->journal, err));
#endif
#ifdef MUN_FAULT_ONE_SUPERBLOCK
    return MUN_OK;
#else
    return mun_store_flush(store, crypto, err);
#endif
}

/*
 * The first writes of an opening. What the journal showed is made durable before any slot is
 * written: a row of killed openings must not replace every durable superblock by an unsynced one.
 */
static mun_code replay_batches(mun_store *store, mun_replay *replay, const mun_crypto *crypto,
                               mun_error *err)
{
    mun_log_state state = replay->at_f;
    uint64_t lsn = replay->sb.start;
    store->streams.recovering = true;
    MUN_TRY(mun_journal_sync(&store->journal, store->journal.slots, err));
    MUN_TRY(keep_names(store->vfs, err));
    MUN_TRY(mun_streams_restore(&store->streams, err));
    while (lsn < replay->end_lsn) {
        mun_code code = mun_replay_next(replay, &state, &lsn, err);
        MUN_ASSERT(code != MUN_E_NOT_FOUND); /* the same memory gave it before */
        if (code != MUN_OK) return code;
        MUN_TRY(mun_store_follow(store, crypto, &replay->batch, err));
    }
    MUN_TRY(mun_streams_settle(&store->streams, crypto, err));
    MUN_TRY(mun_streams_cut(&store->streams, err));
    MUN_TRY(flush_replayed(store, replay, crypto, err));
    mun_replay_finish(replay);
    store->streams.recovering = false;
    return mun_store_publish(store, crypto, err);
}

static mun_code recover(mun_store *store, const mun_crypto *crypto, mun_error *err)
{
    const mun_vfs *vfs = store->vfs;
    mun_superblock sb;
    uint8_t *tails;
    MUN_TRY(mun_aligned((size_t)MUN_STREAMS * MUN_LOG_BLOCK, &tails, err));
    mun_code code =
        mun_journal_superblock(&store->journal, &store->ledger_id, crypto, &sb, tails, err);
    if (code == MUN_OK) {
        code = mun_streams_open(&store->streams, &sb, tails, MUN_OPEN_WRITE, err);
    }
    free(tails);
    if (code != MUN_OK) return code;
    mun_replay replay;
    MUN_TRY(mun_replay_read(&replay, &store->journal, &store->streams, &sb, crypto, err));
    start_from(store, &replay);
    code = mun_journal_discard(vfs, err);
    if (code == MUN_OK) {
        code = vfs->open(vfs->ctx, MUN_FILE_PUBLISHED, MUN_OPEN_WRITE | MUN_OPEN_CREATE,
                         &store->published, err);
    }
    if (code == MUN_OK) code = replay_batches(store, &replay, crypto, err);
    mun_replay_finish(&replay);
    return code;
}

static mun_code open_parts(mun_store *store, const mun_store_config *config,
                           const mun_crypto *crypto, mun_error *err)
{
    const mun_vfs *vfs = config->vfs;
    const char *holder = config->holder != NULL ? config->holder : "";
    MUN_TRY(mun_store_version(vfs, err));
    MUN_TRY(vfs->lock(vfs->ctx, MUN_FILE_LOCK, holder, &store->lock, err));
    MUN_TRY(mun_journal_open(&store->journal, vfs, MUN_OPEN_WRITE, err));
    MUN_TRY(mun_streams_init(&store->streams, vfs, err));
    return recover(store, crypto, err);
}

mun_code mun_store_open(const mun_store_config *config, const mun_crypto *crypto, mun_store **ret,
                        mun_error *err)
{
    mun_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory for a ledger");
    }
    store->vfs = config->vfs;
    store->random = config->random;
    store->random_ctx = config->random_ctx;
    ledger_id(config->origin, crypto, &store->ledger_id);
    mun_code code = open_parts(store, config, crypto, err);
    if (code != MUN_OK) {
        mun_store_close(store);
        return code;
    }
    *ret = store;
    return MUN_OK;
}
