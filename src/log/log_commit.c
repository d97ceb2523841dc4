/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The leader's work for its group: it waits for the group before and for room in the journal,
 * writes, syncs, and tells the others. Group commit without timers: while one group is on its way
 * to the disk the next one gathers.
 */
#include <stdlib.h>
#include <time.h>

#include "log/log_parts.h"

static bool ring_serves(const mun_log *log, const mun_batch *batch)
{
    return !log->growing && mun_store_can_hold(log->store, batch) &&
           mun_store_has_room(log->store, batch);
}

static bool ring_ready(const mun_log *log, const mun_batch *batch)
{
    return !log->grow && ring_serves(log, batch);
}

/* Without the gate. The journal changes only while its leader waits here. */
static mun_code wait_for_ring(mun_log *log, const mun_batch *batch, mun_error *err)
{
    if (ring_ready(log, batch) && !atomic_load(&log->hurried)) return MUN_OK;
    mun_code code = MUN_OK;
    uint32_t need = 2 * (uint32_t)((MUN_LOG_HEADER_BYTES + batch->payload_len) / MUN_LOG_BLOCK + 1);
    if (need > MUN_LOG_RING_MAX && !mun_store_can_hold(log->store, batch)) {
        return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "the batch is larger than the journal");
    }
    pthread_mutex_lock(&log->gate);
    log->waits = atomic_exchange(&log->hurried, false) ? WAITS_TO_GROW : log->waits + 1;
    log->want_ring = need;
    log->grow = mun_follower_ring(log) > mun_store_ring_blocks(log->store);
    log->stuck = MUN_OK; /* the follower tries once more before we give up */
    while (!ring_ready(log, batch) && code == MUN_OK) {
        code = mun_log_closed(log, err);
        if (code == MUN_OK && log->stuck != MUN_OK && !log->growing) code = mun_log_stuck(log, err);
        if (code == MUN_OK) code = mun_follower_start(log, err);
        if (code != MUN_OK) {
            /* It was to become larger, and cannot now: no reason to refuse what it has room for. */
            if (!log->failed && ring_serves(log, batch)) code = MUN_OK;
            break;
        }
        log->need_room = true;
        pthread_cond_signal(&log->work);
        pthread_cond_wait(&log->ring, &log->gate);
    }
    log->need_room = false;
    log->grow = false;
    pthread_mutex_unlock(&log->gate);
    return code;
}

static uint64_t batch_time(mun_log *log)
{
    uint64_t last = mun_store_last_time(log->store);
    uint64_t now = log->config.clock_ms(log->config.clock_ctx);
    return now > last ? now : last; /* LOG-11 */
}

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* The sync, and word of it to whoever watches. The time goes nowhere else. */
static mun_code sync_told(mun_log *log, const mun_batch *batch, mun_error *err)
{
    const mun_log_config *config = &log->config;
    if (config->committed == NULL) return mun_store_sync(log->store, batch, err);
    uint64_t before = clock_ns();
    MUN_TRY(mun_store_sync(log->store, batch, err));
    config->committed(config->committed_ctx, batch->count, clock_ns() - before);
    return MUN_OK;
}

/* Without the gate: to the journal, and durable. */
static mun_code write_and_sync(mun_log *log, mun_worker *worker, mun_group *g, mun_error *err)
{
    MUN_TRY(wait_for_ring(log, g->batch, err));
    if (!g->alone) g->time_ms = batch_time(log);
    g->batch->time_ms = g->time_ms;
    MUN_TRY(mun_store_write(log->store, &worker->crypto, g->batch, err));
    return sync_told(log, g->batch, err);
}

/* Small batches are copied to their size, so that the big buffers come back at once. */
static mun_pending pending_of(mun_batch *batch)
{
    if (batch->payload_len > SMALL_BATCH || batch->count > SMALL_BATCH / MUN_HASH_SIZE) {
        return (mun_pending){.batch = batch, .pooled = true};
    }
    mun_batch *copy = malloc(sizeof *copy);
    if (copy != NULL && mun_batch_copy(batch, copy, NULL) == MUN_OK) {
        return (mun_pending){.batch = copy, .pooled = false};
    }
    free(copy);
    return (mun_pending){.batch = batch, .pooled = true};
}

static void conclude(mun_log *log, mun_group *g, mun_pending pending)
{
    g->head = (mun_tree_head){.size = g->batch->first + g->batch->count, .root = g->batch->root};
    mun_recent_push(&log->recent, pending, g->head);
    if (pending.pooled) g->batch = NULL; /* comes back to the pool from the follower */
    mun_error unused;
    /* Without a follower (no threads to be had) the batch waits; the next commit tries again. */
    (void)!mun_follower_start(log, &unused);
    pthread_cond_signal(&log->work);
    mun_group_finish(log, g, MUN_OK, NULL);
}

void mun_group_lead(mun_log *log, mun_worker *worker, mun_group *g)
{
    mun_error err = {0};
    while (log->flight != NULL && !g->detached) pthread_cond_wait(&g->lead, &log->gate);
    if (g->detached) { /* refused with the group before */
        while (g->copying > 0) pthread_cond_wait(&g->lead, &log->gate);
        err = g->err;
        mun_group_finish(log, g, g->code, &err);
        return;
    }
    g->detached = true;
    log->gather = NULL;
    log->flight = g;
    pthread_cond_broadcast(&log->room);
    while (g->copying > 0) pthread_cond_wait(&g->lead, &log->gate);
    if (g->batch->count == 0 && !g->alone) { /* opened for an entry that someone else brought */
        log->flight = NULL;
        g->head = log->recent.head;
        mun_group_finish(log, g, MUN_OK, NULL);
        if (log->gather != NULL) pthread_cond_signal(&log->gather->lead);
        return;
    }
    mun_code code = mun_log_closed(log, &err);
    if (code == MUN_OK) code = mun_recent_reserve(&log->recent, &err);
    mun_pending pending = {0};
    if (code == MUN_OK) {
        pthread_mutex_unlock(&log->gate);
        code = write_and_sync(log, worker, g, &err);
        if (code == MUN_OK) pending = pending_of(g->batch);
        pthread_mutex_lock(&log->gate);
    }
    log->flight = NULL;
    if (code == MUN_OK) {
        conclude(log, g, pending);
    } else {
        mun_group_refuse(log, g, code, &err);
    }
    if (log->gather != NULL) pthread_cond_signal(&log->gather->lead);
}
