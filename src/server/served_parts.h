/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of served.h, shared by served_set.c (which ledgers there are) and served.c (opening,
 * lending and closing one).
 *
 * Threads. A set's `lock` guards its list and table, `closing` the choice of whom to close; a
 * served's own mutex guards the rest of it. Taken in this order: closing, lock, a served's mutex.
 * None of them is held while a disk is waited for: what a disk that does not answer holds up is the
 * thread that asked it, and those who need that ledger.
 */
#ifndef MUN_SERVER_SERVED_PARTS_H
#define MUN_SERVER_SERVED_PARTS_H

#include "server/access.h"
#include "server/served.h"
#include "server/work_queue.h"

#include <pthread.h>
#include <stdatomic.h>

#define SERVED_BUCKETS 4096 /* by host and base: a power of two */

struct mun_served {
    mun_served_set *set;
    mun_served *next;           /* in its bucket, or among the removed */
    mun_served_options options; /* the strings are its own */
    mun_buf pub_text;           /* of ledger.pub */
    mun_ledger_pub pub;         /* points into that */
    _Atomic bool known;         /* both are there, and stay as they are */

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    mun_ledger *ledger;  /* NULL: not open */
    uint64_t lock_inode; /* of the writer's lock in its directory when it was opened; 0: none */
    size_t users;
    bool moving;            /* a thread opens or closes it */
    uint64_t moving_ns;     /* since when */
    bool reopen;            /* the last who uses it closes it */
    bool removed, replaced; /* replaced: by one that is configured in another way */
    mun_served_state state;
    mun_error why;      /* of FULL, FAILED, DAMAGED, or of the last opening that failed */
    unsigned failures;  /* one after the other: what the pause before the next opening grows by */
    uint64_t failed_ns; /* the last of them */
    uint64_t probed_ns; /* last write that was let through while the disk was full */
    uint64_t refreshed_ns; /* a reader's last look at what the writer has added */
    uint64_t used_ns;
    /* For those who only look. */
    _Atomic bool open;     /* ledger != NULL */
    _Atomic uint64_t size; /* entries, when it was last opened or given back */

    /* Registrations that wait, in order; the queue's own (register_queue.c), under its mutex. */
    struct mun_register_job *first_job, *last_job;
    size_t jobs; /* so many */
    mun_served *next_turn;
    bool in_round;
    size_t turns;             /* of it that are being served */
    _Atomic unsigned batches; /* of it that workers have (batch.c) */

    mun_work_share work; /* the work queue's */
};

struct mun_served_set {
    pthread_rwlock_t lock;
    mun_served *list[MUN_LEDGERS_MAX];
    size_t len;
    mun_served *bucket[SERVED_BUCKETS];
    mun_served *removed; /* requests may still hold them */
    mun_served_grown grown;
    void *grown_ctx;
    struct mun_metrics *metrics; /* NULL: nobody counts */

    pthread_mutex_t closing;
    size_t open_max;
    _Atomic size_t open;
};

/* Reads ledger.pub, for whoever makes or opens this one. MUN_E_NOT_FOUND; MUN_E_DAMAGED. */
MUN_MUST mun_code mun_served_identify(mun_served *served, mun_error *err);
/* Logs why, and changes that to what clients may be told. Gives the state that it is in thereby. */
mun_served_state mun_served_not_opened(const mun_served *served, mun_error *why);
/* Its share of changing and destroying. */
void mun_served_init(mun_served *served);
void mun_served_finish(mun_served *served);
void mun_served_retire(mun_served *served, bool replaced);
/* One that is to be opened when another one, which holds its directory, is closed: hold before
 * anybody knows it; release waits for that, a moment at most. */
void mun_served_hold(mun_served *served);
void mun_served_release(mun_served *served, mun_served *other);

#endif
