/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The durable log: an append-only sequence of entries under one RFC 9162 tree, in one directory
 * (docs/format/log.md). Appends are durable when they return. Several threads may call everything
 * here at once; one process writes, any number of others read.
 *
 * Inside: a sequencer gathers and commits batches through the journal, a follower writes the dense
 * streams behind it. A failed write or sync is final: MUN_E_FAILED until the log is reopened.
 */
#ifndef MUN_LOG_LOG_H
#define MUN_LOG_LOG_H

#include "merkle/merkle.h"
#include "vfs/vfs.h"

#define MUN_ENTRY_MAX       65535      /* tlog-tiles entry bundles: u16 length */
#define MUN_BATCH_BYTES_MAX (1u << 20) /* a batch is closed at this size */
#define MUN_ORIGIN_MAX      255

typedef struct mun_log mun_log;

typedef struct mun_log_config {
    const mun_vfs *vfs; /* outlives the log */
    mun_slice origin;   /* the ledger's name; its SHA-256 is the ledger id in the files */
    bool read_only;     /* no lock, no writes; sees a consistent prefix of a live writer's log */
    bool no_dedup;      /* append without looking for the entry among the known ones */
    /* Milliseconds since 1970; asked once for each batch. Times on the log never go back. */
    uint64_t (*clock_ms)(void *ctx);
    void *clock_ctx;
    /* Fills with random bytes (the journal's nonce). */
    mun_code (*random)(void *ctx, uint8_t *ret, size_t len);
    void *random_ctx;
    /* Makes a crypto table for one more thread, and frees it. */
    mun_code (*crypto_new)(mun_crypto *ret, mun_error *err);
    void (*crypto_free)(mun_crypto *crypto);
    uint32_t threads; /* for recovery, dedup filling and fsck; 0: one for each core */
    /* Told of each batch that is durable: its entries, and how long its sync took. NULL: nobody.
     * Called by the thread that commits, which others wait for: it must not block. */
    void (*committed)(void *ctx, uint64_t entries, uint64_t sync_ns);
    void *committed_ctx;
} mun_log_config;

typedef struct mun_tree_head {
    uint64_t size;
    mun_hash root;
} mun_tree_head;

typedef struct mun_appended {
    uint64_t index;
    uint64_t time_ms; /* registration time of the entry's batch */
    bool existed;     /* the same bytes were on the log already, at this index */
} mun_appended;

/* Makes the files of an empty log in config->vfs's directory. MUN_E_EXISTS when one is there. */
MUN_MUST mun_code mun_log_create(const mun_log_config *config, mun_error *err);
/* Opens and, for the writer, recovers. MUN_E_BUSY names the holder; MUN_E_DAMAGED the place. */
MUN_MUST mun_code mun_log_open(const mun_log_config *config, mun_log **ret, mun_error *err);
/* Flushes, stops the threads, frees. Accepts NULL. The code tells whether the flush succeeded. */
mun_code mun_log_close(mun_log *log, mun_error *err);

/*
 * Appends n entries (each 1..MUN_ENTRY_MAX bytes, copied), in order, in as few batches as they fit.
 * Returns when all are durable. ret[i] for each; ret_head (may be NULL) is a tree head that covers
 * them all. On failure none is acknowledged (some may be found on the log later).
 * MUN_E_NO_SPACE / MUN_E_AGAIN: refused cleanly. MUN_E_FAILED: reopen; what was on its way then is
 * on the log or is not.
 */
MUN_MUST mun_code mun_log_append(mun_log *log, const mun_slice *entries, size_t n,
                                 mun_appended *ret, mun_tree_head *ret_head, mun_error *err);

/*
 * As mun_log_append, as one batch with a given registration time (import, a network's block): the
 * batch must fit, the time must not be before the last one, and known entries are appended again.
 */
MUN_MUST mun_code mun_log_append_at(mun_log *log, const mun_slice *entries, size_t n,
                                    uint64_t time_ms, mun_tree_head *ret_head, mun_error *err);

/*
 * MUN_E_FAILED once a write or sync has failed: what was read from this opening's files just before
 * may be what the disk held before the writes that were lost, and must not be signed or kept.
 */
MUN_MUST mun_code mun_log_check(const mun_log *log, mun_error *err);

/* The newest durable tree head; for a reader in another process the newest published one. */
mun_tree_head mun_log_head(mun_log *log);
/* Reader: look for what the writer has published since. No-op for the writer. */
MUN_MUST mun_code mun_log_refresh(mun_log *log, mun_error *err);

/* Reads below go up to mun_log_head(). MUN_E_NOT_FOUND beyond. Entries are checked against their
 * leaf hash, hashes against the tree where cheap: MUN_E_DAMAGED names file, offset and entry. */
MUN_MUST mun_code mun_log_read(mun_log *log, uint64_t index, mun_buf *ret_entry,
                               uint64_t *ret_time_ms, mun_error *err);
typedef mun_code (*mun_log_visit)(void *ctx, uint64_t index, uint64_t time_ms, mun_slice entry,
                                  const mun_hash *leaf, mun_error *err);
/* Entries first .. end-1 in order; stops at the first visit that does not return MUN_OK. */
MUN_MUST mun_code mun_log_scan(mun_log *log, uint64_t first, uint64_t end, mun_log_visit visit,
                               void *ctx, mun_error *err);
MUN_MUST mun_code mun_log_leaf(mun_log *log, uint64_t index, mun_hash *ret, mun_error *err);
MUN_MUST mun_code mun_log_time(mun_log *log, uint64_t index, uint64_t *ret_time_ms, mun_error *err);
/* Registration times of entries first .. end-1, in order: of the first, then of each whose time is
 * not its predecessor's. Stops at the first visit that does not return MUN_OK. */
typedef mun_code (*mun_log_time_visit)(void *ctx, uint64_t index, uint64_t time_ms, mun_error *err);
MUN_MUST mun_code mun_log_times(mun_log *log, uint64_t first, uint64_t end,
                                mun_log_time_visit visit, void *ctx, mun_error *err);
/* The index of the entry with this leaf hash: exact. MUN_E_NOT_FOUND. */
MUN_MUST mun_code mun_log_find(mun_log *log, const mun_hash *leaf, uint64_t *ret, mun_error *err);

MUN_MUST mun_code mun_log_root(mun_log *log, uint64_t size, mun_hash *ret, mun_error *err);
MUN_MUST mun_code mun_log_inclusion(mun_log *log, uint64_t index, uint64_t size, mun_path *ret,
                                    mun_error *err);
/* The path from a leaf that the caller knows to the root of a head that it got: MUN_E_DAMAGED when
 * the hash files do not lead there. */
MUN_MUST mun_code mun_log_inclusion_to(mun_log *log, const mun_hash *leaf, uint64_t index,
                                       const mun_tree_head *head, mun_path *ret, mun_error *err);
/* Keeps the leaf of an entry that was appended just now at hand: its receipt comes next. */
void mun_log_keep_leaf(mun_log *log, uint64_t index, const mun_hash *leaf);
MUN_MUST mun_code mun_log_consistency(mun_log *log, uint64_t old_size, uint64_t new_size,
                                      mun_path *ret, mun_error *err);
/* The bytes of a tile (level >= 0) or of an entry bundle (level -1) at the given width, appended to
 * ret. A full tile was held against the hash above it, an entry against its leaf hash; a tile that
 * is not full is as its file has it. */
MUN_MUST mun_code mun_log_tile(mun_log *log, int level, uint64_t n, unsigned width, mun_buf *ret,
                               mun_error *err);

typedef struct mun_log_status {
    mun_tree_head head;
    uint64_t flushed; /* entries durable in the streams */
    uint64_t batches;
    uint64_t last_time_ms;
    uint64_t journal_bytes;
    bool writer; /* another process holds the writer's lock */
} mun_log_status;

MUN_MUST mun_code mun_log_status_get(mun_log *log, mun_log_status *ret, mun_error *err);

/* fsck and rebuild work on a closed log (they take the lock). */
typedef struct mun_log_finding {
    const char *file;
    uint64_t offset;
    uint64_t entry; /* or MUN_NO_OFFSET */
    const char *sentence;
} mun_log_finding;

typedef struct mun_log_watch {
    void *ctx;
    void (*finding)(void *ctx, const mun_log_finding *finding); /* may be NULL */
    void (*progress)(void *ctx, uint64_t done, uint64_t all);   /* may be NULL; any thread */
} mun_log_watch;

/*
 * Recomputes everything from the entries, in parallel, and compares every derived byte. Reads only.
 * MUN_OK: sound. MUN_E_DAMAGED: there were findings.
 */
MUN_MUST mun_code mun_log_fsck(const mun_log_config *config, const mun_log_watch *watch,
                               mun_tree_head *ret_head, mun_error *err);
/* Restores hash files and offsets from the entries, to the same bytes. */
MUN_MUST mun_code mun_log_rebuild(const mun_log_config *config, const mun_log_watch *watch,
                                  mun_error *err);

#endif
