/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a mun_log, shared by the log_*.c files.
 *
 * Threads. The sequencer is not a thread but a role: the first caller to put an entry into a group
 * leads it, and commits it as soon as the group before it is durable; the others wait. The follower
 * is a thread that is started with the first commit and ends when there has been nothing to do for
 * a while. So a lone append costs no switch of threads, and an idle ledger has none.
 *
 * Locks, outermost first: `gate` (groups, pool, follower's state), a dedup sub-table's,
 * `recent.lock` (the head and the batches not yet in the streams). Disk writes hold none of them.
 */
#ifndef MUN_LOG_LOG_PARTS_H
#define MUN_LOG_LOG_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "log/dedup.h"
#include "log/log.h"
#include "log/node_cache.h"
#include "log/store.h"
#include "log/store_reader.h"

#define BATCH_POOL_MAX    12u         /* big batches in use or waiting for the follower */
#define PENDING_BYTES_MAX (16u << 20) /* in small batches waiting for the follower */
#define WAITS_TO_GROW     16u /* commits that waited for a large journal, to make it larger */
#define SMALL_BATCH       (64u << 10) /* up to this, a committed batch is copied out of its pool */

/* What a thread needs while it is inside: taken from the log's list, and given back. */
typedef struct mun_worker {
    struct mun_worker *next;
    mun_crypto crypto;
    mun_tile_window *window; /* made when first needed */
} mun_worker;

/* A batch that gathers, then commits. Guarded by the gate, but for the batch of a detached one. */
typedef struct mun_group {
    mun_batch *batch;
    uint64_t first;
    size_t payload_max;
    unsigned refs;    /* callers that will look at the outcome */
    unsigned copying; /* callers that are still copying entries in */
    bool detached;    /* takes no more entries */
    bool alone;       /* takes one caller's entries only */
    bool done;
    uint64_t time_ms; /* given when alone, otherwise set at commit */
    mun_tree_head head;
    mun_code code;
    mun_error err;
    pthread_cond_t lead;     /* its leader waits here */
    pthread_cond_t finished; /* the others */
} mun_group;

typedef struct mun_pending {
    mun_batch *batch;
    bool pooled;
} mun_pending;

/* The head, and the newest batches until the streams have them. */
typedef struct mun_recent {
    pthread_rwlock_t lock;
    mun_tree_head head;
    uint64_t last_time_ms;
    uint64_t batches;  /* durable */
    mun_pending *item; /* a ring of cap */
    size_t at, count, cap;
    _Atomic size_t bytes; /* in small batches */
} mun_recent;

typedef struct mun_known_thread {
    pthread_t thread;
    mun_log *log;
    unsigned number;
} mun_known_thread;

/* The set of known entries, and its filling. See log_known.c. */
typedef struct mun_known {
    pthread_mutex_t lock;
    pthread_cond_t ready_cond;
    mun_dedup *dedup;
    uint64_t filled;        /* entries 0 .. filled-1 are in it */
    bool live;              /* appends keep it current */
    _Atomic bool ready;     /* filled to where appends take over */
    uint64_t target;        /* the background fills to here */
    _Atomic uint64_t chunk; /* the next ones to gather, to fill, to check */
    _Atomic unsigned sub;
    _Atomic uint64_t check;
    unsigned threads, gathering, filling; /* in all, and not yet through with it */
    mun_known_thread *thread;
    mun_dedup_sheaf **sheaf; /* one for each thread */
    unsigned sheaves;
    _Atomic bool stop;
    mun_code code; /* a failure of filling, or damage found by the check */
    mun_error err;
    _Atomic bool bad;
} mun_known;

struct mun_log {
    mun_log_config config;
    char origin[MUN_ORIGIN_MAX];
    mun_store *store; /* NULL: read-only */
    mun_reader *reader;
    pthread_mutex_t worker_lock;
    mun_worker *workers; /* not in use */

    pthread_mutex_t gate;
    pthread_cond_t room; /* for callers: a group opened, or a batch came back to the pool */
    pthread_cond_t ring; /* for the leader in flight: the journal has room */
    pthread_cond_t work; /* for the follower */
    mun_group *gather;
    mun_group *flight;
    size_t payload_max;
    mun_batch *pool[BATCH_POOL_MAX]; /* free */
    unsigned pool_free, pool_out;
    bool failed;
    mun_code stuck; /* MUN_OK, or why the follower cannot go on for now */
    bool need_room; /* the leader in flight waits for the ring */
    bool grow;      /* and for it to become larger */
    bool growing, stop;
    bool follow_next; /* the follower's turn: a step of a flush, or more batches */
    bool follower_runs, follower_joinable;
    unsigned waits;        /* commits that had to wait since the journal grew */
    uint64_t flushed_ms;   /* time of the newest entry at the last flush, or 0 */
    _Atomic bool hurried;  /* flushes follow each other closely: the next commit lets it grow */
    uint64_t grow_from_ms; /* by the same times: the disk had no room for a larger journal */
    uint32_t want_ring;    /* blocks that a batch needs */
    size_t followed;       /* of the pending batches, when a full disk stopped the follower */
    pthread_t follower;

    mun_recent recent;
    mun_node_cache nodes;
    mun_known known;
    _Atomic uint64_t peer_size; /* read-only: in the streams for us */
};

/* log.c */
MUN_MUST mun_code mun_worker_take(mun_log *log, mun_worker **ret, mun_error *err);
void mun_worker_give(mun_log *log, mun_worker *worker); /* accepts NULL */
MUN_MUST mun_code mun_worker_window(mun_worker *worker, mun_error *err);
uint32_t mun_log_threads(const mun_log_config *config);
/* Entries in the streams, readable by files. */
uint64_t mun_log_on_disk(const mun_log *log);

/* log_recent.c */
void mun_recent_init(mun_recent *recent);
void mun_recent_finish(mun_recent *recent);
mun_tree_head mun_recent_head(mun_recent *recent);
/* Room for one more, so that the push cannot fail. */
MUN_MUST mun_code mun_recent_reserve(mun_recent *recent, mun_error *err);
void mun_recent_push(mun_recent *recent, mun_pending pending, mun_tree_head head);
/* The oldest ones, at most max, without removing them. */
size_t mun_recent_oldest(mun_recent *recent, mun_pending *ret, size_t max);
void mun_recent_pop(mun_recent *recent, size_t n);
/* These look among the batches not popped yet; false: not there, so it is in the streams. */
bool mun_recent_node(mun_recent *recent, unsigned height, uint64_t index, mun_hash *ret);
bool mun_recent_entry(mun_recent *recent, uint64_t index, mun_buf *ret, uint64_t *ret_time);

/* log_follow.c; all with the gate held. */
MUN_MUST mun_code mun_follower_start(mun_log *log, mun_error *err);
/* Blocks that the journal should have now. */
uint32_t mun_follower_ring(const mun_log *log);
void mun_follower_stop(mun_log *log); /* gives the gate up while it waits */

/* log_group.c; all with the gate held. */
void mun_log_pool_give(mun_log *log, mun_batch *batch);
void mun_log_pool_drop(mun_log *log);
bool mun_log_pool_exhausted(mun_log *log);
/* MUN_E_FAILED after a failure that is final. */
MUN_MUST mun_code mun_log_closed(const mun_log *log, mun_error *err);
/* The error for log->stuck, which is not MUN_OK. */
mun_code mun_log_stuck(mun_log *log, mun_error *err);
#if defined(MUN_ANALYZED) && !defined(MUN_DEFINES_STUCK)
#define mun_log_stuck(...) mun_never_ok(mun_log_stuck(__VA_ARGS__))
#endif
/* The next group behind the one in flight. */
MUN_MUST mun_code mun_group_new(mun_log *log, mun_group **ret, mun_error *err);
/* One caller has looked at the outcome; the last one frees it. */
void mun_group_release(mun_group *g);
/* One entry always fits: if it is larger than the journal can hold, the journal grows. */
bool mun_group_fits(const mun_group *g, size_t len);
void mun_group_finish(mun_log *log, mun_group *g, mun_code code, const mun_error *err);
/* The gathering group, which has not begun to commit, will not: its leader finds it detached. */
void mun_group_take_back(mun_log *log, mun_group *g, mun_code code, const mun_error *err);
/* Nothing of the group in flight was acknowledged. The one behind it counted on its entries: it is
 * refused as well. */
void mun_group_refuse(mun_log *log, mun_group *g, mun_code code, const mun_error *err);

/* log_commit.c. With the gate, which it gives up meanwhile: the leader's whole work. */
void mun_group_lead(mun_log *log, mun_worker *worker, mun_group *g);

/* log_known.c */
MUN_MUST mun_code mun_known_init(mun_log *log, mun_error *err);
void mun_known_finish(mun_log *log);
/* Appends from here on keep the set current; waits until it is filled. */
MUN_MUST mun_code mun_known_live(mun_log *log, mun_worker *worker, mun_error *err);
/* Leaves of entries that are durable. ctx: a mun_log. */
mun_code mun_log_leaf_get(void *ctx, uint64_t index, mun_hash *ret, mun_error *err);

/* log_peer.c */
MUN_MUST mun_code mun_peer_open(mun_log *log, mun_error *err);

/* log_read.c */
/* What came of reading up to this entry, unless the disk lost what the log had written there: then
 * neither what was read, nor damage that was seen, nor a visitor's word that it has enough counts.
 */
MUN_MUST mun_code mun_log_unless_lost(const mun_log *log, uint64_t last, mun_code code,
                                      mun_error *err);
/* The record of an entry at *at, which moves behind it. MUN_E_DAMAGED: it does not end before end,
 * or is not the entry of this leaf hash. */
MUN_MUST mun_code mun_log_record_take(const mun_crypto *crypto, uint64_t index,
                                      const mun_hash *leaf, const uint8_t **at, const uint8_t *end,
                                      mun_slice *ret_entry, mun_error *err);

#endif
