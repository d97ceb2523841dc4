/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded pool of threads for requests that may wait for the disk. Those who have items take
 * turns, an item each; within one of them it is first come, first served. Whoever's disk does not
 * answer holds his share of the workers and of the places, and leaves the others theirs.
 *
 * Ownership: an item belongs to its submitter (it stands in the exchange) and must stay until `run`
 * was called; run may hand it in again. A share stays as long as the queue. Threads: submit from
 * any thread; run is called on a worker.
 */
#ifndef MUN_SERVER_WORK_QUEUE_H
#define MUN_SERVER_WORK_QUEUE_H

#include "server/metrics.h"

#include "base/error.h"

/* Of one ledger. Begins as zeros; all of it is the queue's, under its mutex. */
typedef struct mun_work_share {
    struct mun_work_item *first, *last; /* what waits, in order */
    size_t waiting, running;
    struct mun_work_share *next; /* in the round */
    bool in_round;
} mun_work_share;

typedef struct mun_work_item {
    void (*run)(void *ctx);
    void *ctx;
    mun_work_share *share;      /* whose it is; NULL: one that may hold all workers and places */
    bool first;                 /* before those of its share that wait already */
    struct mun_work_item *next; /* private */
} mun_work_item;

typedef struct mun_work_queue mun_work_queue;

/* How many threads suit this machine: some wait for the disk while others compute, but each that is
 * woken takes the processor from one that was about to finish. Measured on 2 processors: 4 answer a
 * sixth more than 8. */
unsigned mun_workers_default(void);

/* metrics: for the gauge of what waits; borrowed, may be NULL. */
MUN_MUST mun_code mun_work_queue_create(size_t workers, size_t queue_max, mun_metrics *metrics,
                                        mun_work_queue **ret, mun_error *err);
/* Runs what waits, then ends the threads. Accepts NULL. */
void mun_work_queue_destroy(mun_work_queue *queue);

/* Workers that one share may hold at once: a quarter is left to others, at least one of two. */
size_t mun_work_share_max(size_t workers);

/* False: the queue is full, or the item's share of it, and nothing was taken. */
bool mun_work_submit(mun_work_queue *queue, mun_work_item *item);

#endif
