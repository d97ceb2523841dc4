/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log's core: files, order of writes, recovery - without threads (docs/format/log.md). Every
 * step is a call, so that the simulated disk can drive it deterministically and stop it anywhere;
 * log.c runs the same steps from its sequencer and its follower.
 *
 * A store has two halves. The sequencer's: mun_store_write, mun_store_sync. The follower's:
 * mun_store_follow, mun_store_publish, mun_store_flush_step, mun_store_grow. Each half belongs to
 * one thread at a time; the two may run at the same time, except that mun_store_grow needs both.
 *
 * The life of a batch: fill it (mun_batch_add) - has it room? (mun_store_has_room; if not: follow
 * and flush first) - mun_store_write - mun_store_sync: now it is durable, acknowledge - later
 * mun_store_follow, batch by batch in order, mun_store_publish, and when mun_store_flush_due (or
 * idle, or closing) mun_store_flush.
 *
 * Failures: a failed write or sync of the sequencer's half, and every failure of the follower's
 * half other than MUN_E_NO_SPACE and MUN_E_AGAIN, is final: from then on everything returns
 * MUN_E_FAILED and only a new mun_store_open helps. MUN_E_NO_SPACE from follow, publish or grow, or
 * MUN_E_AGAIN (a file could not be opened: no file handles) from these or a flush: nothing happened
 * that cannot be repeated; call again when there is room.
 */
#ifndef MUN_LOG_STORE_H
#define MUN_LOG_STORE_H

#include <stdatomic.h>

#include "log/log.h"
#include "log/params.h"

typedef struct mun_store mun_store;

typedef struct mun_store_config {
    const mun_vfs *vfs; /* outlives the store */
    mun_slice origin;   /* copied as its digest, the ledger id */
    mun_code (*random)(void *ctx, uint8_t *ret, size_t len); /* the journal's nonce */
    void *random_ctx;
    uint32_t ring_blocks; /* for create; 0: MUN_LOG_RING_FIRST */
    const char *holder;   /* for open: what the lock file says about us; NULL: "a process" */
} mun_store_config;

/* ---- batches ---------------------------------------------------------------------------------*/

#define MUN_BATCH_ENTRIES_MAX 32768u
#define MUN_BATCH_HEIGHTS     42

/*
 * Entries on their way to the log, and after mun_store_write everything that the streams and the
 * readers of the newest entries need of them. Owned by its maker; one thread at a time until
 * written, constant from then on.
 */
typedef struct mun_batch {
    uint8_t *block; /* MUN_LOG_BLOCK aligned: header, then payload, then zeros */
    size_t payload_cap;
    size_t payload_len; /* (u16 length, entry)* */
    uint32_t entries_cap;
    uint32_t count;
    uint32_t *start; /* where record i starts in the payload; [count] is payload_len */
    mun_hash *node;  /* [0..count) leaf hashes, then the nodes completed, height by height */
    size_t node_at[MUN_BATCH_HEIGHTS + 1]; /* nodes of height h: node[node_at[h]..node_at[h+1]) */
    bool leaf_given;  /* the maker filled the leaf hashes too: write compares them */
    uint64_t time_ms; /* set by the maker: registration time, not before the last batch's */
    uint64_t mark;    /* set by the maker: network height, 0 alone */

    uint64_t first; /* set by write: index of the first entry, place, tree after it */
    uint64_t lsn;
    uint32_t blocks;
    mun_hash root;
} mun_batch;

/* Room for that many payload bytes (2 + length for each entry) and entries. Free with _finish. */
MUN_MUST mun_code mun_batch_init(mun_batch *ret, size_t payload_cap, uint32_t entries_cap,
                                 mun_error *err);
void mun_batch_finish(mun_batch *batch); /* accepts a zeroed one */
void mun_batch_clear(mun_batch *batch);  /* empty again, memory kept */
/* Copies one entry of 1..MUN_ENTRY_MAX bytes; false when it does not fit. */
bool mun_batch_add(mun_batch *batch, mun_slice entry);
/* A compact copy of a written batch. */
MUN_MUST mun_code mun_batch_copy(const mun_batch *batch, mun_batch *ret, mun_error *err);
/* Entry i (from 0 inside the batch), in the batch's memory. */
mun_slice mun_batch_entry(const mun_batch *batch, uint32_t i);
/* Node (height, index) if this batch completed it, else NULL. Written batches only. */
const mun_hash *mun_batch_node(const mun_batch *batch, unsigned height, uint64_t index);

/* ---- making, opening, closing ----------------------------------------------------------------*/

/* An empty log. MUN_E_EXISTS when there is one; what a torn earlier attempt left is overwritten. */
MUN_MUST mun_code mun_store_create(const mun_store_config *config, const mun_crypto *crypto,
                                   mun_error *err);
/*
 * Takes the lock, reads everything it needs, refuses damage before the first write (MUN_E_DAMAGED),
 * replays the journal, flushes and publishes. MUN_E_NOT_FOUND, MUN_E_BUSY, MUN_E_VERSION,
 * MUN_E_INVALID (the files belong to another origin).
 */
MUN_MUST mun_code mun_store_open(const mun_store_config *config, const mun_crypto *crypto,
                                 mun_store **ret, mun_error *err);
/* A failure was latched: nothing more is written. */
bool mun_store_failed(const mun_store *store);
/* Closes the files and frees, without flushing: for a clean end call mun_store_flush first. */
void mun_store_close(mun_store *store); /* accepts NULL */

/* ---- the sequencer's half --------------------------------------------------------------------*/

/* Whether the ring has room for this batch now; and whether it ever can without growing. */
bool mun_store_has_room(const mun_store *store, const mun_batch *batch);
bool mun_store_can_hold(const mun_store *store, const mun_batch *batch);
/* The largest payload that the ring can hold (half of it, at most MUN_BATCH_BYTES_MAX). */
size_t mun_store_payload_max(const mun_store *store);

/*
 * Derives leaf hashes, nodes and the root from the bytes in the batch (an empty batch is allowed),
 * and writes it to the journal. MUN_E_AGAIN: no room in the ring, nothing happened. MUN_E_INVALID:
 * the maker's leaf hashes are not those of the bytes, or the time goes back; nothing happened.
 */
MUN_MUST mun_code mun_store_write(mun_store *store, const mun_crypto *crypto, mun_batch *batch,
                                  mun_error *err);
/* Makes the batch written last durable. Only then mun_store_head covers it. */
MUN_MUST mun_code mun_store_sync(mun_store *store, const mun_batch *batch, mun_error *err);

mun_tree_head mun_store_head(const mun_store *store); /* durable; sequencer's half */
uint64_t mun_store_last_time(const mun_store *store);
uint64_t mun_store_last_mark(const mun_store *store);

/* ---- the follower's half ---------------------------------------------------------------------*/

/* Puts the next synced batch into the streams. */
MUN_MUST mun_code mun_store_follow(mun_store *store, const mun_crypto *crypto,
                                   const mun_batch *batch, mun_error *err);
/* Lets readers see all that was followed. */
MUN_MUST mun_code mun_store_publish(mun_store *store, const mun_crypto *crypto, mun_error *err);
uint64_t mun_store_followed(const mun_store *store); /* entries in the streams, settled */
uint64_t mun_store_flushed(const mun_store *store);  /* entries durable in the streams */
uint64_t mun_store_batches(const mun_store *store);  /* followed */
uint32_t mun_store_ring_blocks(const mun_store *store);

/* Half the ring is used by batches that were followed but not flushed. */
bool mun_store_flush_due(const mun_store *store);
/* Whether a flush would change anything. */
bool mun_store_dirty(const mun_store *store);
/*
 * One step of: settle and take the state - sync the streams - sync the directory when a segment is
 * new - write the superblock - sync it - give the ring space back. *ret_done after the last one.
 * Batches may be written, synced and followed between two steps.
 */
MUN_MUST mun_code mun_store_flush_step(mun_store *store, const mun_crypto *crypto, bool *ret_done,
                                       mun_error *err);
/* All steps (finishes a flush under way first, then makes everything followed durable). */
MUN_MUST mun_code mun_store_flush(mun_store *store, const mun_crypto *crypto, mun_error *err);
/*
 * Replaces the journal by one of that many blocks. Both halves: everything must be followed, no
 * batch written but not synced. Flushes first.
 */
MUN_MUST mun_code mun_store_grow(mun_store *store, const mun_crypto *crypto, uint32_t ring_blocks,
                                 mun_error *err);

#endif
