/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/row_follower.h"

#include "ledger/ledger_parts.h"

#include <stdio.h>
#include <time.h>

#define ROWS_PER_COMMIT 4096
#define GATHER_MS       250    /* pause between commits while nobody waits */
#define RETRY_MS        1000   /* after a full disk or a busy database */
#define WAIT_MS         1000   /* a search waits so long: on a full disk rows may never come */
#define CLOSING_ROWS    65536u /* rows that closing still waits for */

/* ---- Rows ---------------------------------------------------------------------------------- */

typedef struct putting {
    mun_ledger *ledger;
    mun_index *index;
    const mun_crypto *crypto;
} putting;

static mun_code put_entry(void *ctx, uint64_t index, uint64_t time_ms, mun_slice entry,
                          const mun_hash *leaf, mun_error *err)
{
    putting *p = ctx;
    mun_statement statement;
    mun_row_memory memory;
    mun_index_row row;
    MUN_TRY(mun_row_of_entry(p->ledger, p->crypto, index, time_ms, entry, leaf->bytes, &statement,
                             &memory, &row, err));
    return mun_index_put(p->index, &row, err);
}

/* One transaction, up to end; the number of rows afterwards. */
static mun_code commit_some(mun_row_follower *f, const mun_crypto *crypto, uint64_t end,
                            mun_error *err)
{
    uint64_t first = atomic_load(&f->size);
    if (end - first > ROWS_PER_COMMIT) end = first + ROWS_PER_COMMIT;
    putting p = {f->ledger, f->index, crypto};
    MUN_TRY(mun_index_begin(f->index, err));
    mun_code code = mun_log_scan(f->ledger->log, first, end, put_entry, &p, err);
    if (code == MUN_OK) code = mun_log_check(f->ledger->log, err);
    if (code == MUN_OK) code = mun_index_commit(f->index, err);
    if (code == MUN_OK)
        atomic_store(&f->size, end);
    else
        mun_index_rollback(f->index);
    return code;
}

/* ---- The thread ---------------------------------------------------------------------------- */

static struct timespec after_ms(long ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

static bool nothing_new(mun_row_follower *f)
{
    return atomic_load(&f->size) >= mun_log_head(f->ledger->log).size;
}

/* Until there is something to do; false: stop. What gathers within GATHER_MS goes in at once, for
 * a transaction costs as much as some dozen rows. */
static bool wait_for_work(mun_row_follower *f)
{
    pthread_mutex_lock(&f->mutex);
    while (!f->stop && f->waiting == 0 && !atomic_exchange(&f->kicked, false)) {
        pthread_cond_wait(&f->wake, &f->mutex);
    }
    struct timespec until = after_ms(GATHER_MS);
    int rc = 0;
    while (!f->stop && f->waiting == 0 && rc == 0) {
        rc = pthread_cond_timedwait(&f->wake, &f->mutex, &until);
    }
    bool stop = f->stop && nothing_new(f);
    pthread_mutex_unlock(&f->mutex);
    return !stop;
}

static void tell_moved(mun_row_follower *f)
{
    pthread_mutex_lock(&f->mutex);
    pthread_cond_broadcast(&f->moved);
    pthread_mutex_unlock(&f->mutex);
}

static void pause_ms(mun_row_follower *f, long ms)
{
    struct timespec until = after_ms(ms);
    pthread_mutex_lock(&f->mutex);
    while (!f->stop) {
        if (pthread_cond_timedwait(&f->wake, &f->mutex, &until) != 0) break;
    }
    pthread_mutex_unlock(&f->mutex);
}

static bool may_pass(mun_code code)
{
    return code == MUN_E_NO_SPACE || code == MUN_E_BUSY || code == MUN_E_AGAIN;
}

/* Whether the thread was told to stop and is not to go on: after a failure, or when there is more
 * left than a closing should wait for. The next opening goes on from there. */
static bool stop_now(mun_row_follower *f, bool failed)
{
    uint64_t left = mun_log_head(f->ledger->log).size - atomic_load(&f->size);
    pthread_mutex_lock(&f->mutex);
    bool stop = f->stop && (failed || left > CLOSING_ROWS);
    pthread_mutex_unlock(&f->mutex);
    return stop;
}

/* Everything but the last handful, which may gather. */
static mun_code catch_up(mun_row_follower *f, const mun_crypto *crypto, mun_error *err)
{
    uint64_t left = 0;
    do {
        if (nothing_new(f)) break;
        mun_code code = commit_some(f, crypto, mun_log_head(f->ledger->log).size, err);
        if (code != MUN_OK && !may_pass(code)) return code;
        atomic_store(&f->stuck, code != MUN_OK);
        if (stop_now(f, code != MUN_OK)) return MUN_E_AGAIN;
        if (code != MUN_OK) pause_ms(f, RETRY_MS);
        tell_moved(f);
        left = mun_log_head(f->ledger->log).size - atomic_load(&f->size);
    } while (left >= ROWS_PER_COMMIT);
    return MUN_OK;
}

static void give_up(mun_row_follower *f, const mun_error *why)
{
    pthread_mutex_lock(&f->mutex);
    f->failed = true;
    f->why = *why;
    pthread_cond_broadcast(&f->moved);
    pthread_mutex_unlock(&f->mutex);
}

static void *follow(void *ctx)
{
    mun_row_follower *f = ctx;
    mun_crypto *crypto = NULL;
    mun_error why = {0};
    mun_code code = mun_crypto_pool_take(&f->ledger->pool, &crypto, &why);
    while (code == MUN_OK) {
        code = catch_up(f, crypto, &why);
        if (code == MUN_OK && !wait_for_work(f)) break;
    }
    if (code != MUN_OK) give_up(f, &why);
    mun_crypto_pool_give(&f->ledger->pool, crypto);
    return NULL;
}

/* ---- Starting and stopping ------------------------------------------------------------------- */

static void delete_files(const char *directory)
{
    static const char *const names[] = {MUN_INDEX_FILE, MUN_INDEX_FILE "-wal",
                                        MUN_INDEX_FILE "-shm"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        mun_code code = mun_ledger_file_remove(directory, names[i], NULL);
        (void)code;
    }
}

typedef struct last_seen {
    mun_hash leaf;
    uint64_t time_ms;
} last_seen;

static mun_code last_row(void *ctx, const mun_index_row *row, mun_error *err)
{
    last_seen *last = ctx;
    (void)err;
    if (row->leaf.len == MUN_HASH_SIZE) memcpy(last->leaf.bytes, row->leaf.ptr, MUN_HASH_SIZE);
    last->time_ms = row->registered_ms;
    return MUN_OK;
}

static mun_code misfit(mun_error *err)
{
    return mun_fail(err, MUN_E_DAMAGED, MUN_NO_OFFSET,
                    "the index (index.sqlite) does not fit the log");
}

/* An index that runs ahead of the log, or whose newest row is of another history (both after files
 * were put back from a backup), is not of use. A reader's log may be a moment behind the index. */
static mun_code fit_check(mun_ledger *ledger, mun_index *index, uint64_t *ret_size, mun_error *err)
{
    last_seen row = {0};
    mun_hash leaf = {{0}};
    uint64_t time_ms = 0, size = 0, head = mun_log_head(ledger->log).size;
    MUN_TRY(mun_index_size(index, &size, err));
    if (size > head && !ledger->read_only) return misfit(err);
    *ret_size = size;
    uint64_t both = size < head ? size : head;
    if (both == 0) return MUN_OK;
    MUN_TRY(mun_index_scan(index, both - 1, both, last_row, &row, err));
    MUN_TRY(mun_log_leaf(ledger->log, both - 1, &leaf, err));
    MUN_TRY(mun_log_time(ledger->log, both - 1, &time_ms, err));
    bool fits = mun_hash_equal(&row.leaf, &leaf) && row.time_ms == time_ms;
    return fits ? MUN_OK : misfit(err);
}

static mun_code open_index(mun_ledger *ledger, mun_index **ret, uint64_t *ret_size, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    mun_index *index = NULL;
    MUN_TRY(mun_path_join(ledger->directory, MUN_INDEX_FILE, path, err));
    mun_code code = ledger->read_only
                        ? mun_index_open_reader(path, ledger->pub.origin, &index, err)
                        : mun_index_open_writer(path, ledger->pub.origin, &index, err);
    if (code == MUN_OK) code = fit_check(ledger, index, ret_size, err);
    if (code == MUN_OK) {
        *ret = index;
    } else {
        mun_index_close(index);
    }
    return code;
}

/* Whether the file itself is the reason, so that a new one helps. To make a large one anew takes
 * minutes: it is not thrown away for want of memory, of file handles or of a lock. */
static bool past_use(mun_code code)
{
    return code == MUN_E_DAMAGED || code == MUN_E_VERSION || code == MUN_E_PERMISSION;
}

static void init(mun_row_follower *f, mun_ledger *ledger)
{
    pthread_condattr_t attr;
    *f = (mun_row_follower){.ledger = ledger};
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&f->mutex, NULL);
    pthread_cond_init(&f->wake, &attr);
    pthread_cond_init(&f->moved, &attr);
    pthread_condattr_destroy(&attr);
}

void mun_row_follower_start(mun_row_follower *f, mun_ledger *ledger)
{
    init(f, ledger);
    atomic_store(&f->begun, ledger->no_index);
}

/* With the mutex. */
static void begin(mun_row_follower *f)
{
    uint64_t size = 0;
    mun_ledger *ledger = f->ledger;
    mun_index *index = NULL;
    mun_code code = open_index(ledger, &index, &size, &f->why);
    if (past_use(code) && !ledger->read_only) {
        delete_files(ledger->directory);
        code = open_index(ledger, &index, &size, &f->why);
    }
    if (code != MUN_OK) return;
    f->index = index;
    atomic_store(&f->size, size);
    atomic_store(&f->kicked, true);
    if (ledger->read_only) return;
    f->running = mun_thread_start(&f->thread, follow, f);
    f->failed = !f->running;
}

static void begin_once(mun_row_follower *f)
{
    if (atomic_load(&f->begun)) return;
    pthread_mutex_lock(&f->mutex);
    if (!atomic_load(&f->begun)) begin(f);
    atomic_store(&f->begun, true);
    pthread_mutex_unlock(&f->mutex);
}

mun_index *mun_row_follower_index(mun_row_follower *f)
{
    begin_once(f);
    return f->index;
}

mun_code mun_row_follower_build(mun_ledger *ledger, const mun_crypto *crypto, mun_watcher *watcher,
                                mun_error *err)
{
    mun_row_follower f;
    char path[MUN_PATH_BYTES_MAX];
    MUN_TRY(mun_path_join(ledger->directory, MUN_INDEX_FILE, path, err));
    delete_files(ledger->directory);
    init(&f, ledger);
    uint64_t size = mun_log_head(ledger->log).size;
    mun_code code = mun_index_open_writer(path, ledger->pub.origin, &f.index, err);
    while (code == MUN_OK && atomic_load(&f.size) < size) {
        code = commit_some(&f, crypto, size, err);
        mun_watcher_progress(watcher, "index", atomic_load(&f.size), size);
    }
    mun_row_follower_stop(&f);
    return code;
}

void mun_row_follower_stop(mun_row_follower *f)
{
    if (f->ledger == NULL) return;
    if (f->running) {
        pthread_mutex_lock(&f->mutex);
        f->stop = true;
        pthread_cond_broadcast(&f->wake);
        pthread_mutex_unlock(&f->mutex);
        pthread_join(f->thread, NULL);
    }
    mun_index_close(f->index);
    pthread_cond_destroy(&f->wake);
    pthread_cond_destroy(&f->moved);
    pthread_mutex_destroy(&f->mutex);
    *f = (mun_row_follower){0};
}

void mun_row_follower_kick(mun_row_follower *f)
{
    begin_once(f);
    if (!f->running || atomic_exchange(&f->kicked, true)) return;
    pthread_mutex_lock(&f->mutex);
    pthread_cond_signal(&f->wake);
    pthread_mutex_unlock(&f->mutex);
}

bool mun_row_follower_wait(mun_row_follower *f, uint64_t size)
{
    if (!f->running || atomic_load(&f->stuck)) return false;
    struct timespec until = after_ms(WAIT_MS);
    int rc = 0;
    atomic_store(&f->kicked, true);
    pthread_mutex_lock(&f->mutex);
    f->waiting++;
    pthread_cond_signal(&f->wake);
    while (!f->failed && !f->stop && rc == 0 && atomic_load(&f->size) < size) {
        rc = pthread_cond_timedwait(&f->moved, &f->mutex, &until);
    }
    f->waiting--;
    pthread_mutex_unlock(&f->mutex);
    return atomic_load(&f->size) >= size;
}
