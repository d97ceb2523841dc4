/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a store, shared by store.c, store_open.c, store_flush.c. See store.h. */
#ifndef MUN_LOG_STORE_PARTS_H
#define MUN_LOG_STORE_PARTS_H

#include "log/store_journal.h"
#include "log/store_recover.h"
#include "log/store_streams.h"

/* Steps of a flush; between streams and directory one step for each stream. */
enum {
    FLUSH_IDLE = 0,
    FLUSH_STREAM = 1,
    FLUSH_DIR = FLUSH_STREAM + MUN_STREAMS,
    FLUSH_WRITE,
    FLUSH_SYNC,
};

struct mun_store {
    const mun_vfs *vfs;
    mun_code (*random)(void *ctx, uint8_t *ret, size_t len);
    void *random_ctx;
    mun_hash ledger_id;
    mun_file *lock;
    mun_journal journal;
    atomic_bool failed;

    /* The sequencer's. */
    mun_log_state state;  /* durable */
    mun_log_state coming; /* after the batch written but not synced */
    bool written;         /* there is such a batch */

    /* The follower's. */
    mun_streams streams;
    mun_file *published;
    mun_hash followed_root;
    uint64_t followed_mark;
    uint64_t followed_lsn; /* behind the last batch followed */
    bool followed_any;     /* since the last flush was begun */
    _Atomic uint64_t published_size;
    _Atomic uint64_t flushed_size;
    int flush_at;
    bool flush_dir; /* a segment's name waits for this flush */
    mun_superblock flush_sb;
    uint8_t *slot; /* only while flushing */
};

/* Latches a failure of this half's own writes; MUN_E_NO_SPACE, and MUN_E_AGAIN of a file that could
 * not be opened, stay what they are if they may. */
mun_code mun_store_latch(mun_store *store, mun_code code, bool retryable);
/* MUN_E_FAILED when a failure was latched. */
MUN_MUST mun_code mun_store_check(const mun_store *store, mun_error *err);

#endif
