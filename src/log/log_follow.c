/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The follower: puts committed batches into the streams, publishes, flushes when half the ring is
 * used or nothing happens, grows the journal when commits had to wait or flushes follow each other
 * closely: their syncs hold up those of the commits. A full disk stops it for a while, or a process
 * without a file handle to spare; nothing else does short of a failure that is final.
 */
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "log/log_parts.h"

#define FOLLOW_MAX    64   /* batches between two publications */
#define FOLLOW_POOLED 2    /* of them big ones */
#define FLUSH_IDLE_MS 100  /* without work: flush */
#define LEAVE_IDLE_MS 2000 /* without work: end the thread */
#define RETRY_MS      100  /* the disk was full */
#define GROW_SOON     4096 /* blocks: up to this, one wait is reason enough */
#define GROW_FACTOR   4
#define FLUSHES_APART 2000  /* ms between two flushes; closer ones are reason enough as well */
#define NO_ROOM_MS    60000 /* no room for a larger journal: not tried again for so long */

/* With the gate. */
static void wait_work(mun_log *log, unsigned ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    until.tv_sec += (time_t)(ms / 1000) + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&log->work, &log->gate, &until);
}

/* With the gate. What the store has not latched comes and goes; everything else stays. */
static void outcome(mun_log *log, mun_code code)
{
    if (code == MUN_OK) {
        log->stuck = MUN_OK;
        return;
    }
    if (mun_store_failed(log->store)) {
        log->failed = true;
    } else {
        log->stuck = code;
    }
    pthread_cond_broadcast(&log->ring);
    pthread_cond_broadcast(&log->room);
    if (log->gather != NULL) pthread_cond_broadcast(&log->gather->lead);
}

/* Without the gate. */
static mun_code follow_batches(mun_log *log, mun_worker *worker, const mun_pending *list, size_t n,
                               size_t *done, mun_error *err)
{
    while (*done < n) {
        MUN_TRY(mun_store_follow(log->store, &worker->crypto, list[*done].batch, err));
        ++*done;
    }
    return mun_store_publish(log->store, &worker->crypto, err);
}

static void give_back(mun_log *log, const mun_pending *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i].pooled) {
            mun_log_pool_give(log, list[i].batch);
        } else {
            mun_batch_finish(list[i].batch);
            free(list[i].batch);
        }
    }
}

/* Big batches come back to the pool in small lots, so that callers need not wait for all. */
static size_t few_enough(const mun_pending *list, size_t n)
{
    size_t pooled = 0;
    for (size_t i = 0; i < n; i++) {
        if (list[i].pooled && ++pooled == FOLLOW_POOLED) return i + 1;
    }
    return n;
}

/* The batches leave memory only when readers find them in the streams. What was followed before a
 * full disk stopped the rest is remembered in log->followed. With the gate. */
static void follow(mun_log *log, mun_worker *worker)
{
    mun_pending list[FOLLOW_MAX];
    size_t n = few_enough(list, mun_recent_oldest(&log->recent, list, FOLLOW_MAX));
    size_t done = log->followed;
    mun_error err;
    pthread_mutex_unlock(&log->gate);
    mun_code code = follow_batches(log, worker, list, n, &done, &err);
    pthread_mutex_lock(&log->gate);
    outcome(log, code);
    if (code == MUN_OK) {
        mun_recent_pop(&log->recent, n);
        give_back(log, list, n);
        done = 0;
        pthread_cond_broadcast(&log->room);
    }
    log->followed = done;
}

/* With the gate. By the batches' times: the log has no other clock. */
static void flushed(mun_log *log)
{
    uint64_t now = log->recent.last_time_ms;
    bool close = log->flushed_ms != 0 && now - log->flushed_ms < FLUSHES_APART;
    if (close && mun_store_ring_blocks(log->store) < MUN_LOG_RING_MAX) {
        atomic_store(&log->hurried, true);
    }
    log->flushed_ms = now;
    pthread_cond_broadcast(&log->ring);
}

/* One step of a flush, so that following goes on between its syncs. */
static void flush_step(mun_log *log, mun_worker *worker)
{
    mun_error err;
    bool done = false;
    pthread_mutex_unlock(&log->gate);
    mun_code code = mun_store_flush_step(log->store, &worker->crypto, &done, &err);
    pthread_mutex_lock(&log->gate);
    outcome(log, code);
    if (done) flushed(log);
}

static void flush(mun_log *log, mun_worker *worker)
{
    mun_error err;
    pthread_mutex_unlock(&log->gate);
    mun_code code = mun_store_flush(log->store, &worker->crypto, &err);
    pthread_mutex_lock(&log->gate);
    outcome(log, code);
    pthread_cond_broadcast(&log->ring);
}

uint32_t mun_follower_ring(const mun_log *log)
{
    uint32_t now = mun_store_ring_blocks(log->store);
    uint32_t next = now <= MUN_LOG_RING_MAX / GROW_FACTOR ? GROW_FACTOR * now : MUN_LOG_RING_MAX;
    if (next <= now) return now;
    if (log->want_ring <= now && log->recent.last_time_ms < log->grow_from_ms) return now;
    if (log->want_ring <= now && now >= GROW_SOON && log->waits < WAITS_TO_GROW) return now;
    while (next < log->want_ring && next <= MUN_LOG_RING_MAX / GROW_FACTOR) next *= GROW_FACTOR;
    return next;
}

/* With the gate. The leader in flight waits and has written nothing; everything else that was
 * committed is followed: so both halves of the store are ours. */
static void make_room(mun_log *log, mun_worker *worker)
{
    uint32_t blocks = log->grow ? mun_follower_ring(log) : mun_store_ring_blocks(log->store);
    if (blocks == mun_store_ring_blocks(log->store)) {
        log->grow = false;
        flush(log, worker);
        return;
    }
    mun_error err;
    log->growing = true;
    pthread_mutex_unlock(&log->gate);
    mun_code code = mun_store_grow(log->store, &worker->crypto, blocks, &err);
    pthread_mutex_lock(&log->gate);
    log->growing = false;
    log->grow = false;
    log->waits = 0;
    log->payload_max = mun_store_payload_max(log->store);
    /* No room for a larger one: the old one is empty now, and serves unless a batch needs more. */
    bool passes = code == MUN_E_NO_SPACE || code == MUN_E_AGAIN;
    bool enough = passes && log->want_ring <= mun_store_ring_blocks(log->store);
    outcome(log, enough ? MUN_OK : code);
    /* Each try fills what room is left, if only for a moment. */
    if (enough) log->grow_from_ms = log->recent.last_time_ms + NO_ROOM_MS;
    pthread_cond_broadcast(&log->ring);
}

/* With the gate: one thing, if there is one. */
static bool work_once(mun_log *log, mun_worker *worker)
{
    bool due = mun_store_flush_due(log->store);
    bool pending = log->recent.count > 0;
    if (due && !(pending && log->follow_next)) {
        flush_step(log, worker);
        log->follow_next = true;
    } else if (pending) {
        follow(log, worker);
        log->follow_next = false;
    } else if (log->need_room && !log->growing) {
        log->need_room = false; /* the leader asks again if it was not enough */
        make_room(log, worker);
    } else {
        return false;
    }
    return true;
}

static void follow_until_idle(mun_log *log, mun_worker *worker)
{
    unsigned idle = 0;
    while (!log->failed) {
        if (work_once(log, worker)) {
            idle = 0;
            if (log->stuck != MUN_OK && log->stop) return;
            if (log->stuck != MUN_OK) wait_work(log, RETRY_MS);
            continue;
        }
        if (mun_store_dirty(log->store) && (log->stop || idle >= FLUSH_IDLE_MS)) {
            flush(log, worker);
            if (log->stuck != MUN_OK && log->stop) return;
            continue;
        }
        if (log->stop || idle >= LEAVE_IDLE_MS) return;
        wait_work(log, FLUSH_IDLE_MS);
        idle += FLUSH_IDLE_MS;
    }
}

static void *follower_main(void *arg)
{
    mun_log *log = arg;
    mun_worker *worker = NULL;
    mun_error err;
    mun_code code = mun_worker_take(log, &worker, &err);
    pthread_mutex_lock(&log->gate);
    if (code == MUN_OK) {
        follow_until_idle(log, worker);
    } else {
        outcome(log, code);
    }
    log->follower_runs = false;
    mun_log_pool_drop(log); /* an idle ledger has no big buffers */
    if (log->failed) {
        pthread_cond_broadcast(&log->ring);
        pthread_cond_broadcast(&log->room);
    }
    pthread_mutex_unlock(&log->gate);
    mun_worker_give(log, worker);
    return NULL;
}

mun_code mun_follower_start(mun_log *log, mun_error *err)
{
    if (log->follower_runs) return MUN_OK;
    if (log->follower_joinable) pthread_join(log->follower, NULL); /* it is past its last lock */
    log->follower_joinable = false;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old); /* signals are for the program's own threads */
    int failed = pthread_create(&log->follower, NULL, follower_main, log);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failed != 0) {
        return mun_failf(err, MUN_E_AGAIN, failed, "no thread for the ledger's follower");
    }
    log->follower_runs = true;
    log->follower_joinable = true;
    return MUN_OK;
}

void mun_follower_stop(mun_log *log)
{
    log->stop = true;
    pthread_cond_signal(&log->work);
    bool joinable = log->follower_joinable;
    log->follower_joinable = false;
    pthread_mutex_unlock(&log->gate);
    if (joinable) pthread_join(log->follower, NULL);
    pthread_mutex_lock(&log->gate);
}
