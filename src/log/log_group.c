/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of callers whose entries are committed together, and the pool of batches that they fill:
 * made, finished, refused. Everything here with the gate held.
 */
#define MUN_DEFINES_STUCK
#include <stdlib.h>

#include "log/log_parts.h"

/* ---- pool of batches -------------------------------------------------------------------------*/

void mun_log_pool_give(mun_log *log, mun_batch *batch)
{
    mun_batch_clear(batch);
    log->pool[log->pool_free++] = batch;
    log->pool_out--;
}

void mun_log_pool_drop(mun_log *log)
{
    while (log->pool_free > 0) {
        mun_batch *batch = log->pool[--log->pool_free];
        mun_batch_finish(batch);
        free(batch);
    }
}

static mun_code pool_take(mun_log *log, mun_batch **ret, mun_error *err)
{
    if (log->pool_free > 0) {
        *ret = log->pool[--log->pool_free];
        log->pool_out++;
        return MUN_OK;
    }
    mun_batch *batch = malloc(sizeof *batch);
    if (batch == NULL) {
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory for a batch of entries");
    }
    mun_code code = mun_batch_init(batch, MUN_BATCH_BYTES_MAX, MUN_BATCH_ENTRIES_MAX, err);
    if (code != MUN_OK) {
        free(batch);
        return code;
    }
    log->pool_out++;
    *ret = batch;
    return MUN_OK;
}

bool mun_log_pool_exhausted(mun_log *log)
{
    return log->pool_out >= BATCH_POOL_MAX || atomic_load(&log->recent.bytes) > PENDING_BYTES_MAX;
}

/* ---- groups ----------------------------------------------------------------------------------*/

mun_code mun_log_closed(const mun_log *log, mun_error *err)
{
    if (!log->failed) return MUN_OK;
    return mun_fail(err, MUN_E_FAILED, MUN_NO_OFFSET,
                    "an earlier write to the ledger failed; nothing more is written until it has "
                    "been opened again");
}

mun_code mun_log_stuck(mun_log *log, mun_error *err)
{
    mun_code code = log->stuck;
    const char *why =
        code == MUN_E_NO_SPACE ? "the disk is full: nothing was registered; make room there and "
                                 "try again"
        : code == MUN_E_AGAIN  ? "no file handle is left for the ledger's files (ulimit -n): "
                                 "nothing was registered; try again"
                               : "out of memory: nothing was registered; try again";
    if (!log->follower_runs) log->stuck = MUN_OK; /* who comes next lets it try once more */
    return mun_fail(err, code, MUN_NO_OFFSET, why);
}

mun_code mun_group_new(mun_log *log, mun_group **ret, mun_error *err)
{
    mun_group *g = calloc(1, sizeof *g);
    if (g == NULL) {
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory for a batch of entries");
    }
    mun_code code = pool_take(log, &g->batch, err);
    if (code != MUN_OK) {
        free(g);
        return code;
    }
    pthread_cond_init(&g->lead, NULL);
    pthread_cond_init(&g->finished, NULL);
    const mun_group *before = log->flight;
    g->first = before != NULL ? before->first + before->batch->count : log->recent.head.size;
    g->payload_max = log->payload_max;
    g->batch->leaf_given = true;
    *ret = g;
    return MUN_OK;
}

void mun_group_release(mun_group *g)
{
    if (--g->refs > 0) return;
    pthread_cond_destroy(&g->lead);
    pthread_cond_destroy(&g->finished);
    free(g);
}

/* One entry always fits: if it is larger than the journal can hold, the journal grows. */
bool mun_group_fits(const mun_group *g, size_t len)
{
    return g->batch->count == 0 || (g->batch->count < g->batch->entries_cap &&
                                    g->batch->payload_len + 2 + len <= g->payload_max);
}

/* Takes back what a refused group had added to the set of known entries. */
static void forget(mun_log *log, const mun_group *g)
{
    if (!log->known.live) return;
    for (uint32_t i = 0; i < g->batch->count; i++) {
        mun_dedup_remove(log->known.dedup, &g->batch->node[i], g->first + i);
    }
}

void mun_group_finish(mun_log *log, mun_group *g, mun_code code, const mun_error *err)
{
    g->code = code;
    if (code != MUN_OK) g->err = *err;
    if (g->batch != NULL) mun_log_pool_give(log, g->batch);
    g->batch = NULL;
    g->done = true;
    pthread_cond_broadcast(&g->finished);
    pthread_cond_broadcast(&log->room);
}

void mun_group_take_back(mun_log *log, mun_group *g, mun_code code, const mun_error *err)
{
    forget(log, g);
    g->detached = true;
    g->code = code;
    g->err = *err;
    log->gather = NULL;
    pthread_cond_signal(&g->lead);
    pthread_cond_broadcast(&log->room);
}

/* The journal was written to, and then the write or the sync failed: also for want of room, which
 * some file systems tell that late. What was refused may be found on the log all the same. */
static mun_code outcome_unknown(mun_code code, mun_error *err)
{
    if (code != MUN_E_NO_SPACE && code != MUN_E_AGAIN) return code;
    return mun_fail(err, MUN_E_FAILED, MUN_NO_OFFSET,
                    "the journal could not be written: whether these entries are on the ledger "
                    "shows when it is opened again");
}

void mun_group_refuse(mun_log *log, mun_group *g, mun_code code, const mun_error *err)
{
    mun_error why = *err;
    mun_group *behind = log->gather;
    forget(log, g);
    if (mun_store_failed(log->store)) {
        log->failed = true;
        code = outcome_unknown(code, &why);
    }
    if (behind != NULL) {
        bool own_fault = code == MUN_E_INVALID; /* of a caller in g, not of those behind */
        mun_error again = {.offset = MUN_NO_OFFSET};
        (void)mun_fail(&again, MUN_E_AGAIN, MUN_NO_OFFSET,
                       "the entries before these were refused; try again");
        mun_group_take_back(log, behind, own_fault ? MUN_E_AGAIN : code, own_fault ? &again : &why);
    }
    mun_group_finish(log, g, code, &why);
}
