/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A caller's way: it hashes its entries and looks for known ones, gets places in the gathering
 * group under the gate, and copies in parallel with the others. Who opened the group leads it
 * (log_commit.c).
 */
#include <stdlib.h>

#include "base/assert.h"
#include "log/log_parts.h"
#include "log/store_batch.h"

#define CHUNK 256u /* entries hashed, and then placed, at a time */

typedef struct call {
    mun_log *log;
    mun_worker *worker;
    const mun_slice *entries;
    mun_appended *ret;
    size_t n;
    mun_group *group; /* the newest one whose outcome is ours */
    bool leading;
    size_t settled; /* entries below this are in finished groups */
    mun_tree_head head;
    mun_hash leaf[CHUNK];
    uint8_t *to[CHUNK]; /* where to copy; NULL: known already */
} call;

/* With the gate: the outcome of the call's group; afterwards it has none. */
static mun_code settle(call *c, size_t placed, mun_error *err)
{
    mun_group *g = c->group;
    if (g == NULL) return MUN_OK;
    if (c->leading) {
        mun_group_lead(c->log, c->worker, g);
    } else {
        while (!g->done) pthread_cond_wait(&g->finished, &c->log->gate);
    }
    mun_code code = g->code;
    if (code == MUN_OK) {
        for (size_t i = c->settled; i < placed; i++) {
            if (!c->ret[i].existed) c->ret[i].time_ms = g->time_ms;
        }
        c->head = g->head;
        c->settled = placed;
    } else if (err != NULL) {
        *err = g->err;
    }
    c->group = NULL;
    c->leading = false;
    mun_group_release(g);
    return code;
}

/* With the gate: until a group opened or closed, or a batch came back from the follower, who is
 * called if there is none: no thread was to be had when the last batch was committed. */
static mun_code await_room(mun_log *log, mun_error *err)
{
    if (log->recent.count > 0) MUN_TRY(mun_follower_start(log, err));
    pthread_cond_wait(&log->room, &log->gate);
    return MUN_OK;
}

/* With the gate: a gathering group with room for len more bytes. Waits for the follower when too
 * much is under way. The call has no group, or the gathering one. */
static mun_code open_group(mun_log *log, size_t len, mun_group **ret, bool *ret_new, mun_error *err)
{
    for (;;) {
        MUN_TRY(mun_log_closed(log, err));
        mun_group *g = log->gather;
        *ret_new = false;
        if (g == NULL && !mun_log_pool_exhausted(log)) {
            MUN_TRY(mun_group_new(log, &g, err));
            log->gather = g;
            *ret_new = true;
        }
        if (g != NULL && !g->alone && mun_group_fits(g, len)) {
            *ret = g;
            return MUN_OK;
        }
        if (g == NULL && log->stuck != MUN_OK) return mun_log_stuck(log, err);
        MUN_TRY(await_room(log, err));
    }
}

/* Copies without the gate, then tells the leader. */
static void copy_in(call *c, mun_group *g, size_t at, size_t from, size_t to)
{
    bool any = false;
    for (size_t i = from; i < to && !any; i++) any = c->to[i] != NULL;
    if (!any) return;
    g->copying++;
    pthread_mutex_unlock(&c->log->gate);
    for (size_t i = from; i < to; i++) {
        if (c->to[i] != NULL) memcpy(c->to[i], c->entries[at + i].ptr, c->entries[at + i].len);
    }
    pthread_mutex_lock(&c->log->gate);
    if (--g->copying == 0) pthread_cond_signal(&g->lead);
}

/* Leaf of an entry that may still be on its way; with the gate. */
static mun_code leaf_under_way(void *ctx, uint64_t index, mun_hash *ret, mun_error *err)
{
    mun_log *log = ctx;
    const mun_group *groups[] = {log->gather, log->flight};
    for (int i = 0; i < 2; i++) {
        const mun_group *g = groups[i];
        if (g != NULL && index >= g->first && index - g->first < g->batch->count) {
            *ret = g->batch->node[index - g->first];
            return MUN_OK;
        }
    }
    return mun_log_leaf_get(log, index, ret, err);
}

/* The group that brings an entry which is not durable yet, or NULL. */
static mun_group *group_of(const mun_log *log, uint64_t index)
{
    if (log->gather != NULL && index >= log->gather->first) return log->gather;
    if (log->flight != NULL && index >= log->flight->first) return log->flight;
    return NULL;
}

/* With the gate: MUN_OK when the entry is known; the call then waits for the group that brings it.
 * MUN_E_NOT_FOUND: new. MUN_E_AGAIN: the call must see the end of its own group first, for that
 * group may be durable before the one that brings the entry: only a group that still gathers is
 * sure to be the later one. */
static mun_code look_up(call *c, const mun_hash *leaf, size_t i, mun_error *err)
{
    mun_log *log = c->log;
    const mun_leaf_source source = {.ctx = log, .leaf = leaf_under_way};
    uint64_t index;
    if (!log->known.live) return MUN_E_NOT_FOUND;
    MUN_TRY(mun_dedup_find(log->known.dedup, leaf, &source, &index, err));
    mun_group *brings = group_of(log, index);
    if (brings != NULL && c->group == NULL) {
        brings->refs++;
        c->group = brings;
    } else if (brings != NULL && c->group != brings && c->group != log->gather) {
        return MUN_E_AGAIN;
    }
    c->ret[i] = (mun_appended){.index = index, .existed = true};
    return MUN_OK;
}

/* With the gate: the next place in g for this entry, whose index is in the set already. */
static void take_place(call *c, mun_group *g, const mun_hash *leaf, size_t i, uint8_t **ret)
{
    mun_batch *b = g->batch;
    c->ret[i] = (mun_appended){.index = g->first + b->count};
    b->node[b->count] = *leaf;
    *ret = mun_batch_reserve(b, c->entries[i].len);
    MUN_ASSERT(*ret != NULL);
}

static mun_code full(mun_error *err)
{
    return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "the log holds as many entries as it can");
}

/* With the gate, known or not: into g. */
static mun_code place(call *c, mun_group *g, const mun_hash *leaf, size_t i, uint8_t **ret,
                      mun_error *err)
{
    mun_log *log = c->log;
    uint64_t index = g->first + g->batch->count;
    const mun_leaf_source source = {.ctx = log, .leaf = leaf_under_way};
    if (index >= MUN_LOG_ENTRIES_MAX) return full(err);
    if (log->known.live) {
        MUN_TRY(mun_dedup_insert(log->known.dedup, leaf, index, &source, err));
    }
    take_place(c, g, leaf, i, ret);
    return MUN_OK;
}

/* With the gate, in the group that gathers and has room, the usual case: one look at the set tells
 * whether the entry is known, and makes it so. What is known is durable no later than g. */
static mun_code place_new(call *c, mun_group *g, const mun_hash *leaf, size_t i, uint8_t **ret,
                          mun_error *err)
{
    mun_log *log = c->log;
    uint64_t index = g->first + g->batch->count;
    uint64_t known;
    const mun_leaf_source source = {.ctx = log, .leaf = leaf_under_way};
    if (index >= MUN_LOG_ENTRIES_MAX) return full(err);
    if (log->known.live) {
        mun_code code =
            mun_dedup_find_or_insert(log->known.dedup, leaf, index, &source, &known, err);
        if (code == MUN_OK) c->ret[i] = (mun_appended){.index = known, .existed = true};
        if (code != MUN_E_NOT_FOUND) return code;
    }
    take_place(c, g, leaf, i, ret);
    return MUN_OK;
}

/* With the gate: whether the call's group is the one that gathers, with room for this entry. */
static bool in_group(const call *c, size_t i)
{
    const mun_group *g = c->log->gather;
    return g != NULL && c->group == g && !g->alone && mun_group_fits(g, c->entries[i].len);
}

/* With the gate: gets there. A group that was ours before is seen to its end first. The gate may be
 * given up meanwhile: the entry is to be looked up again. */
static mun_code reach_group(call *c, size_t at, size_t *copied, size_t i, mun_error *err)
{
    mun_group *g = NULL;
    bool fresh = false;
    if (c->group != NULL) {
        copy_in(c, c->group, at, *copied, i);
        *copied = i;
        return settle(c, at + i, err);
    }
    MUN_TRY(open_group(c->log, c->entries[at + i].len, &g, &fresh, err));
    MUN_ASSERT(g != NULL);
    g->refs++;
    c->group = g;
    c->leading = fresh;
    return MUN_OK;
}

/* With the gate: all entries of the chunk [at, at + count), group after group. ret_placed: how many
 * of them have their place, or had it before; on failure those alone have anything in c->ret. */
static mun_code place_chunk(call *c, size_t at, size_t count, size_t *ret_placed, mun_error *err)
{
    mun_code code = MUN_OK;
    size_t copied = 0;
    size_t i = 0;
    while (i < count && code == MUN_OK) {
        c->to[i] = NULL;
        code = mun_log_closed(c->log, err);
        if (code != MUN_OK) break;
        if (in_group(c, at + i)) {
            code = place_new(c, c->group, &c->leaf[i], at + i, &c->to[i], err);
            if (code == MUN_OK) i++;
            continue;
        }
        code = look_up(c, &c->leaf[i], at + i, err);
        if (code == MUN_OK) i++;
        if (code != MUN_E_NOT_FOUND && code != MUN_E_AGAIN) continue;
        code = reach_group(c, at, &copied, i, err);
    }
    if (c->group != NULL) copy_in(c, c->group, at, copied, i);
    *ret_placed = i;
    return code;
}

static void hash_chunk(call *c, size_t at, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        mun_hash_leaf(&c->worker->crypto, c->entries[at + i], &c->leaf[i]);
        if (c->log->known.live) mun_dedup_prefetch(c->log->known.dedup, &c->leaf[i]);
    }
}

static mun_code append_all(call *c, mun_error *err)
{
    mun_log *log = c->log;
    mun_code code = MUN_OK;
    size_t at = 0;
    while (at < c->n && code == MUN_OK) {
        size_t count = c->n - at < CHUNK ? c->n - at : CHUNK;
        size_t placed;
        hash_chunk(c, at, count);
        pthread_mutex_lock(&log->gate);
        code = place_chunk(c, at, count, &placed, err);
        at += placed;
        /* Also on failure: what was placed goes its way, and its group may need its leader. */
        if (at == c->n || code != MUN_OK) {
            mun_code outcome = settle(c, at, code == MUN_OK ? err : NULL);
            if (code == MUN_OK) code = outcome;
        }
        pthread_mutex_unlock(&log->gate);
    }
    return code;
}

/* Registration times of entries that were there already. */
static mun_code known_times(call *c, mun_error *err)
{
    for (size_t i = 0; i < c->n; i++) {
        if (!c->ret[i].existed) continue;
        MUN_TRY(mun_log_time(c->log, c->ret[i].index, &c->ret[i].time_ms, err));
    }
    return MUN_OK;
}

static mun_code check_arguments(const mun_log *log, const mun_slice *entries, size_t n,
                                mun_error *err)
{
    if (log->store == NULL) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "the ledger was opened for reading only");
    }
    for (size_t i = 0; i < n; i++) {
        if (entries[i].len == 0 || entries[i].len > MUN_ENTRY_MAX) {
            return mun_failf(err, MUN_E_LIMIT, 0,
                             "an entry of %zu bytes cannot be registered: 1 to %d are possible",
                             entries[i].len, MUN_ENTRY_MAX);
        }
    }
    return MUN_OK;
}

mun_code mun_log_append(mun_log *log, const mun_slice *entries, size_t n, mun_appended *ret,
                        mun_tree_head *ret_head, mun_error *err)
{
    MUN_TRY(check_arguments(log, entries, n, err));
    call *c = malloc(sizeof *c);
    if (c == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    *c = (call){.log = log, .entries = entries, .ret = ret, .n = n};
    mun_code code = mun_worker_take(log, &c->worker, err);
    if (code == MUN_OK && !log->config.no_dedup) code = mun_known_live(log, c->worker, err);
    if (code == MUN_OK) code = append_all(c, err);
    if (code == MUN_OK) code = known_times(c, err);
    if (code == MUN_OK && ret_head != NULL) *ret_head = mun_log_head(log);
    mun_worker_give(log, c->worker);
    free(c);
    return code;
}

/* ---- one batch with a given time -------------------------------------------------------------*/

static mun_code check_batch(const mun_slice *entries, size_t n, mun_error *err)
{
    size_t payload = 0;
    for (size_t i = 0; i < n; i++) payload += 2 + entries[i].len;
    if (n <= MUN_BATCH_ENTRIES_MAX && payload <= MUN_BATCH_BYTES_MAX) return MUN_OK;
    return mun_failf(err, MUN_E_LIMIT, 0,
                     "%zu entries of %zu bytes do not fit one batch (at most %u and %u)", n,
                     payload, MUN_BATCH_ENTRIES_MAX, MUN_BATCH_BYTES_MAX);
}

/* With the gate: a group of our own, when no other gathers. */
static mun_code open_alone(mun_log *log, uint64_t time_ms, mun_group **ret, mun_error *err)
{
    while (log->gather != NULL || mun_log_pool_exhausted(log)) {
        MUN_TRY(mun_log_closed(log, err));
        if (log->gather == NULL && log->stuck != MUN_OK) return mun_log_stuck(log, err);
        MUN_TRY(await_room(log, err));
    }
    MUN_TRY(mun_log_closed(log, err));
    MUN_TRY(mun_group_new(log, ret, err));
    (*ret)->alone = true;
    (*ret)->time_ms = time_ms;
    (*ret)->payload_max = MUN_BATCH_BYTES_MAX;
    log->gather = *ret;
    return MUN_OK;
}

static mun_code append_alone(call *c, uint64_t time_ms, mun_error *err)
{
    mun_group *g = NULL;
    MUN_TRY(open_alone(c->log, time_ms, &g, err));
    g->refs++;
    c->group = g;
    c->leading = true;
    mun_code code = MUN_OK;
    for (size_t i = 0; i < c->n && code == MUN_OK; i++) {
        mun_hash leaf;
        uint8_t *to;
        mun_hash_leaf(&c->worker->crypto, c->entries[i], &leaf);
        code = place(c, g, &leaf, i, &to, err);
        if (code == MUN_OK) memcpy(to, c->entries[i].ptr, c->entries[i].len);
    }
    if (code != MUN_OK) { /* the batch is not whole: it must not be written */
        mun_error why = err != NULL ? *err : (mun_error){.code = code};
        mun_group_take_back(c->log, g, code, &why);
    }
    return settle(c, c->n, err);
}

mun_code mun_log_append_at(mun_log *log, const mun_slice *entries, size_t n, uint64_t time_ms,
                           mun_tree_head *ret_head, mun_error *err)
{
    MUN_TRY(check_arguments(log, entries, n, err));
    MUN_TRY(check_batch(entries, n, err));
    call *c = malloc(sizeof *c);
    mun_appended *ret = malloc((n + 1) * sizeof *ret);
    if (c == NULL || ret == NULL) {
        free(c);
        free(ret);
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    }
    *c = (call){.log = log, .entries = entries, .ret = ret, .n = n};
    mun_code code = mun_worker_take(log, &c->worker, err);
    if (code == MUN_OK && !log->config.no_dedup) code = mun_known_live(log, c->worker, err);
    if (code == MUN_OK) {
        pthread_mutex_lock(&log->gate);
        code = append_alone(c, time_ms, err);
        pthread_mutex_unlock(&log->gate);
    }
    if (code == MUN_OK && ret_head != NULL) *ret_head = c->head;
    mun_worker_give(log, c->worker);
    free(ret);
    free(c);
    return code;
}
