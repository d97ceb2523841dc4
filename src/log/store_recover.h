/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reading half of recovery: what the log is, according to the newest superblock, the streams
 * behind it and the ring. Reads only; refuses damage. What it finds is replayed by the store
 * (writer), or tells a reader whether the writer must recover first, or is examined by fsck.
 *
 * Owned by one thread; the replay object holds the whole ring in memory until finished.
 */
#ifndef MUN_LOG_STORE_RECOVER_H
#define MUN_LOG_STORE_RECOVER_H

#include "log/store_journal.h"
#include "log/store_streams.h"

/* The tree and what must not go back, after some batch. */
typedef struct mun_log_state {
    mun_frontier frontier;
    mun_hash root;
    uint64_t time_ms;
    uint64_t mark;
} mun_log_state;

typedef struct mun_replay {
    const mun_journal *journal;
    const mun_crypto *crypto;
    mun_superblock sb;
    uint8_t *ring;
    mun_log_state at_f; /* at the superblock */
    mun_log_state end;  /* after the last batch of the ring */
    uint64_t end_lsn;
    uint64_t batches; /* in the ring, behind F */
    mun_batch batch;  /* the one looked at last */
} mun_replay;

/* streams: opened at sb. MUN_E_DAMAGED names the place. */
MUN_MUST mun_code mun_replay_read(mun_replay *ret, const mun_journal *journal,
                                  const mun_streams *streams, const mun_superblock *sb,
                                  const mun_crypto *crypto, mun_error *err);
void mun_replay_finish(mun_replay *replay); /* accepts a zeroed one */

/*
 * Steps through the ring from *lsn (sb.start at first) with the state before it: the next batch is
 * in replay->batch, state and *lsn behind it. MUN_E_NOT_FOUND: here the log ends.
 */
MUN_MUST mun_code mun_replay_next(mun_replay *replay, mun_log_state *state, uint64_t *lsn,
                                  mun_error *err);

/*
 * Overwrites the block where the log ends, whatever it holds; the caller syncs. The remains of an
 * unfinished batch left there could be completed by a torn write of the next one (headers of
 * batches at one place begin alike; zeros at the end are alike), and a batch that this recovery
 * has shown as absent would come back. LOG-27. Only after the recovery's own superblock is
 * durable: the one it started from may be known to the cache only, and the one before that may
 * need the block.
 */
MUN_MUST mun_code mun_replay_bury(mun_replay *replay, mun_journal *journal, mun_error *err);

#endif
