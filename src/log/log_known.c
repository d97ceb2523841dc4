/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling the set of known entries from the level-0 hash file. A writer with many entries fills it
 * with threads from the moment of opening; the first append waits for the rest. A small log, a
 * reader, and a writer that appends without looking fill it when it is first asked.
 *
 * A flipped bit in a hash file would hide an entry from the set: so behind the filling every full
 * tile is compared with its hash one level up (the right edge was compared with the root at
 * opening), and damage stops appending.
 */
#include <signal.h>
#include <stdlib.h>

#include "log/log_parts.h"
#include "log/store_layout.h"

#define FILL_CHUNK MUN_LOG_KNOWN_CHUNK
#define CHECK_STEP 16u /* tiles read at a time */

typedef mun_hash fill_chunk[FILL_CHUNK];

static mun_code no_memory(mun_error *err)
{
    return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET,
                    "out of memory for the table of known entries");
}

static mun_leaf_source durable_leaves(mun_log *log)
{
    return (mun_leaf_source){.ctx = log, .leaf = mun_log_leaf_get};
}

/* Leaves of entries from .. to-1, at most a chunk, into the sheaf. */
static mun_code gather(mun_log *log, mun_dedup_sheaf *sheaf, mun_hash *chunk, uint64_t from,
                       uint64_t to, mun_error *err)
{
    uint32_t count = (uint32_t)(to - from);
    if (to <= mun_log_on_disk(log)) {
        MUN_TRY(mun_reader_hashes(log->reader, 0, from, count, chunk, err));
    } else {
        for (uint32_t i = 0; i < count; i++) {
            MUN_TRY(mun_log_leaf_get(log, from + i, &chunk[i], err));
        }
    }
    return mun_dedup_gather(sheaf, chunk, count, from, err);
}

/* ---- the check of the tiles ------------------------------------------------------------------*/

/* Full tiles of all levels, numbered through: level and place of number i. False: no such. */
static bool tile_number(uint64_t size, uint64_t i, unsigned *ret_level, uint64_t *ret_n)
{
    for (unsigned level = 0; level + 1 < MUN_LOG_LEVELS; level++) {
        uint64_t tiles = size >> ((level + 1) * MUN_LOG_TILE_BITS);
        if (i < tiles) {
            *ret_level = level;
            *ret_n = i;
            return true;
        }
        i -= tiles;
    }
    return false;
}

static mun_code check_tile(mun_log *log, const mun_crypto *crypto, uint64_t i, bool *ret_more,
                           mun_error *err)
{
    unsigned level;
    uint64_t n;
    mun_hash hash[MUN_LOG_TILE_WIDTH], want, have;
    *ret_more = tile_number(log->known.target, i, &level, &n);
    if (!*ret_more) return MUN_OK;
    uint64_t first = n * MUN_LOG_TILE_WIDTH;
    MUN_TRY(mun_reader_hashes(log->reader, level, first, MUN_LOG_TILE_WIDTH, hash, err));
    MUN_TRY(mun_reader_hashes(log->reader, level + 1, n, 1, &want, err));
    mun_hash_run(crypto, hash, MUN_LOG_TILE_WIDTH, &have);
    if (mun_hash_equal(&want, &have)) return MUN_OK;
    char name[MUN_FILE_NAME_MAX];
    mun_stream_name(name, MUN_STREAM_LEVEL + level, 0);
    return mun_damage(err, name, first * MUN_HASH_SIZE, first << (level * MUN_LOG_TILE_BITS),
                      "the tile that begins here does not match its hash one level up; run fsck");
}

/* ---- in the background -----------------------------------------------------------------------*/

static void note(mun_known *known, mun_code code, const mun_error *err)
{
    pthread_mutex_lock(&known->lock);
    if (known->code == MUN_OK) {
        known->code = code;
        known->err = *err;
        atomic_store(&known->bad, true);
    }
    pthread_mutex_unlock(&known->lock);
}

static bool go_on(mun_known *known)
{
    return !atomic_load(&known->stop) && !atomic_load(&known->bad);
}

static mun_code gather_chunks(mun_log *log, mun_dedup_sheaf *sheaf, mun_hash *chunk, mun_error *err)
{
    mun_known *known = &log->known;
    while (go_on(known)) {
        uint64_t from = atomic_fetch_add(&known->chunk, 1) * FILL_CHUNK;
        if (from >= known->target) break;
        uint64_t to = from + FILL_CHUNK < known->target ? from + FILL_CHUNK : known->target;
        MUN_TRY(gather(log, sheaf, chunk, from, to, err));
    }
    return MUN_OK;
}

static mun_code fill_tables(mun_log *log, mun_error *err)
{
    mun_known *known = &log->known;
    const mun_leaf_source source = durable_leaves(log);
    while (go_on(known)) {
        unsigned sub = atomic_fetch_add(&known->sub, 1);
        if (sub >= MUN_DEDUP_SUBS) break;
        MUN_TRY(mun_dedup_fill(known->dedup, sub, known->sheaf, known->sheaves, &source, err));
    }
    return MUN_OK;
}

static mun_code check_tiles(mun_log *log, const mun_crypto *crypto, mun_error *err)
{
    mun_known *known = &log->known;
    while (go_on(known)) {
        uint64_t from = atomic_fetch_add(&known->check, CHECK_STEP);
        for (uint64_t i = from; i < from + CHECK_STEP; i++) {
            bool more;
            MUN_TRY(check_tile(log, crypto, i, &more, err));
            if (!more) return MUN_OK;
        }
    }
    return MUN_OK;
}

static void drop_sheaves(mun_known *known)
{
    for (unsigned i = 0; i < known->sheaves; i++) mun_dedup_sheaf_free(known->sheaf[i]);
    free(known->sheaf);
    known->sheaf = NULL;
    known->sheaves = 0;
}

/* Waits for all threads to have come this far; the last one does what is to be done between. */
static void meet(mun_known *known, unsigned *left)
{
    pthread_mutex_lock(&known->lock);
    if (--*left == 0) {
        if (left == &known->filling) {
            known->filled = known->target;
            drop_sheaves(known);
        }
        pthread_cond_broadcast(&known->ready_cond);
    }
    while (left == &known->gathering && *left > 0) {
        pthread_cond_wait(&known->ready_cond, &known->lock);
    }
    pthread_mutex_unlock(&known->lock);
}

static mun_code fill_in_background(mun_log *log, unsigned number, mun_error *err)
{
    mun_hash *chunk = malloc(sizeof(fill_chunk));
    mun_code code = chunk == NULL ? no_memory(err) : MUN_OK;
    if (code == MUN_OK) code = gather_chunks(log, log->known.sheaf[number], chunk, err);
    free(chunk);
    if (code != MUN_OK) note(&log->known, code, err);
    meet(&log->known, &log->known.gathering);
    if (code == MUN_OK) {
        code = fill_tables(log, err);
        if (code != MUN_OK) note(&log->known, code, err);
    }
    meet(&log->known, &log->known.filling);
    return code;
}

static void *known_main(void *arg)
{
    mun_known_thread *self = arg;
    mun_log *log = self->log;
    mun_worker *worker = NULL;
    mun_error err = {0};
    mun_code code = fill_in_background(log, self->number, &err);
    if (code == MUN_OK) code = mun_worker_take(log, &worker, &err);
    if (code == MUN_OK) {
        code = check_tiles(log, &worker->crypto, &err);
        if (code != MUN_OK) note(&log->known, code, &err);
    }
    mun_worker_give(log, worker);
    return NULL;
}

static mun_code make_sheaves(mun_known *known, unsigned n, mun_error *err)
{
    known->sheaf = calloc(n, sizeof(*known->sheaf));
    if (known->sheaf == NULL) return no_memory(err);
    for (; known->sheaves < n; known->sheaves++) {
        MUN_TRY(mun_dedup_sheaf_new(&known->sheaf[known->sheaves], err));
    }
    return MUN_OK;
}

/* A thread that cannot be had leaves its share to the others. */
static mun_code start_threads(mun_log *log, mun_error *err)
{
    mun_known *known = &log->known;
    unsigned n = mun_log_threads(&log->config);
    MUN_TRY(make_sheaves(known, n, err));
    known->thread = calloc(n, sizeof *known->thread);
    if (known->thread == NULL) return no_memory(err);
    known->filling = n;
    known->gathering = n;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    for (unsigned i = 0; i < n; i++) {
        mun_known_thread *t = &known->thread[known->threads];
        *t = (mun_known_thread){.log = log, .number = known->threads};
        if (pthread_create(&t->thread, NULL, known_main, t) == 0) known->threads++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_mutex_lock(&known->lock);
    known->gathering -= n - known->threads;
    known->filling -= n - known->threads;
    pthread_cond_broadcast(&known->ready_cond);
    pthread_mutex_unlock(&known->lock);
    if (known->threads > 0) return MUN_OK;
    return mun_fail(err, MUN_E_AGAIN, MUN_NO_OFFSET,
                    "no thread to fill the table of known entries");
}

/* The files that the threads will read, opened here: what fails behind the opening fails every
 * append, and a file handle that is missing now may be there at the next opening. */
static mun_code open_levels(mun_log *log, mun_error *err)
{
    for (unsigned level = 0; level < MUN_LOG_LEVELS; level++) {
        mun_hash first;
        if (log->known.target >> (level * MUN_LOG_TILE_BITS) == 0) break;
        MUN_TRY(mun_reader_hashes(log->reader, level, 0, 1, &first, err));
    }
    return MUN_OK;
}

mun_code mun_known_init(mun_log *log, mun_error *err)
{
    mun_known *known = &log->known;
    pthread_mutex_init(&known->lock, NULL);
    pthread_cond_init(&known->ready_cond, NULL);
    if (log->store == NULL || log->config.no_dedup) return MUN_OK;
    known->target = log->recent.head.size;
    if (known->target < MUN_LOG_KNOWN_THREADS) return MUN_OK;
    MUN_TRY(open_levels(log, err));
    MUN_TRY(mun_dedup_new(&known->dedup, err));
    return start_threads(log, err);
}

void mun_known_finish(mun_log *log)
{
    mun_known *known = &log->known;
    atomic_store(&known->stop, true);
    for (unsigned i = 0; i < known->threads; i++) pthread_join(known->thread[i].thread, NULL);
    free(known->thread);
    drop_sheaves(known);
    mun_dedup_free(known->dedup);
}

/* ---- on demand -------------------------------------------------------------------------------*/

static mun_code fill_alone(mun_log *log, mun_dedup_sheaf *sheaf, mun_hash *chunk, uint64_t size,
                           mun_error *err)
{
    mun_known *known = &log->known;
    const mun_leaf_source source = durable_leaves(log);
    for (uint64_t from = known->filled; from < size; from += FILL_CHUNK) {
        uint64_t to = size - from < FILL_CHUNK ? size : from + FILL_CHUNK;
        MUN_TRY(gather(log, sheaf, chunk, from, to, err));
    }
    for (unsigned sub = 0; sub < MUN_DEDUP_SUBS; sub++) {
        MUN_TRY(mun_dedup_fill(known->dedup, sub, &sheaf, 1, &source, err));
    }
    known->filled = size;
    return MUN_OK;
}

/* With the lock: entries up to size are in. */
static mun_code fill_here(mun_log *log, uint64_t size, mun_error *err)
{
    mun_known *known = &log->known;
    mun_dedup_sheaf *sheaf = NULL;
    if (known->dedup == NULL) MUN_TRY(mun_dedup_new(&known->dedup, err));
    if (known->filled >= size) return MUN_OK;
    mun_hash *chunk = malloc(sizeof(fill_chunk));
    mun_code code = chunk == NULL ? no_memory(err) : mun_dedup_sheaf_new(&sheaf, err);
    if (code == MUN_OK) code = fill_alone(log, sheaf, chunk, size, err);
    mun_dedup_sheaf_free(sheaf);
    free(chunk);
    return code;
}

/* With the lock: what was filled here is checked here; the threads check what they filled. */
static mun_code check_here(mun_log *log, const mun_crypto *crypto, mun_error *err)
{
    bool more = log->known.threads == 0;
    for (uint64_t i = 0; more; i++) MUN_TRY(check_tile(log, crypto, i, &more, err));
    return MUN_OK;
}

static mun_code bad(mun_known *known, mun_error *err)
{
    pthread_mutex_lock(&known->lock);
    mun_code code = known->code;
    if (err != NULL) *err = known->err;
    pthread_mutex_unlock(&known->lock);
    return code;
}

mun_code mun_known_live(mun_log *log, mun_worker *worker, mun_error *err)
{
    mun_known *known = &log->known;
    if (atomic_load(&known->bad)) return bad(known, err);
    if (atomic_load(&known->ready)) return MUN_OK;
    mun_code code = MUN_OK;
    pthread_mutex_lock(&known->lock);
    while (known->filling > 0) pthread_cond_wait(&known->ready_cond, &known->lock);
    if (!known->live && !atomic_load(&known->bad)) {
        code = fill_here(log, known->target, err);
        if (code == MUN_OK) code = check_here(log, &worker->crypto, err);
        known->live = code == MUN_OK;
        atomic_store(&known->ready, known->live);
    }
    pthread_mutex_unlock(&known->lock);
    if (code == MUN_OK && atomic_load(&known->bad)) return bad(known, err);
    return code;
}

static mun_code make_current(mun_log *log, uint64_t size, mun_error *err)
{
    mun_worker *worker;
    mun_code code;
    if (log->store != NULL && !log->config.no_dedup) {
        MUN_TRY(mun_worker_take(log, &worker, err));
        code = mun_known_live(log, worker, err);
        mun_worker_give(log, worker);
        return code;
    }
    pthread_mutex_lock(&log->known.lock);
    code = fill_here(log, size, err);
    pthread_mutex_unlock(&log->known.lock);
    return code;
}

mun_code mun_log_find(mun_log *log, const mun_hash *leaf, uint64_t *ret, mun_error *err)
{
    mun_tree_head head = mun_log_head(log);
    const mun_leaf_source source = durable_leaves(log);
    uint64_t index;
    MUN_TRY(make_current(log, head.size, err));
    mun_code code = mun_dedup_find(log->known.dedup, leaf, &source, &index, err);
    if (code == MUN_E_NOT_FOUND) {
        return mun_fail(err, MUN_E_NOT_FOUND, MUN_NO_OFFSET, "no such entry is on the log");
    }
    if (code != MUN_OK) return code;
    *ret = index;
    return MUN_OK;
}
