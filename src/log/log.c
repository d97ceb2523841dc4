/* SPDX-License-Identifier: Apache-2.0 */
/* Making, opening and closing a log; its head and status; the workers. */
#include "log/log.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "log/log_parts.h"
#include "log/store_layout.h"

/* ---- workers ---------------------------------------------------------------------------------*/

mun_code mun_worker_take(mun_log *log, mun_worker **ret, mun_error *err)
{
    pthread_mutex_lock(&log->worker_lock);
    mun_worker *worker = log->workers;
    if (worker != NULL) log->workers = worker->next;
    pthread_mutex_unlock(&log->worker_lock);
    if (worker == NULL) {
        worker = calloc(1, sizeof *worker);
        if (worker == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
        mun_code code = log->config.crypto_new(&worker->crypto, err);
        if (code != MUN_OK) {
            free(worker);
            return code;
        }
    }
    *ret = worker;
    return MUN_OK;
}

void mun_worker_give(mun_log *log, mun_worker *worker)
{
    if (worker == NULL) return;
    pthread_mutex_lock(&log->worker_lock);
    worker->next = log->workers;
    log->workers = worker;
    pthread_mutex_unlock(&log->worker_lock);
}

mun_code mun_worker_window(mun_worker *worker, mun_error *err)
{
    if (worker->window != NULL) return MUN_OK;
    worker->window = malloc(sizeof *worker->window);
    if (worker->window != NULL) return MUN_OK;
    return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory for tree hashes");
}

static void drop_workers(mun_log *log)
{
    while (log->workers != NULL) {
        mun_worker *worker = log->workers;
        log->workers = worker->next;
        log->config.crypto_free(&worker->crypto);
        free(worker->window);
        free(worker);
    }
}

uint32_t mun_log_threads(const mun_log_config *config)
{
    if (config->threads != 0) return config->threads;
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (uint32_t)n;
}

/* ---- create, open, close ---------------------------------------------------------------------*/

static mun_store_config store_config(const mun_log_config *config)
{
    return (mun_store_config){
        .vfs = config->vfs,
        .origin = config->origin,
        .random = config->random,
        .random_ctx = config->random_ctx,
    };
}

mun_code mun_log_create(const mun_log_config *config, mun_error *err)
{
    mun_store_config store = store_config(config);
    mun_crypto crypto;
    MUN_TRY(config->crypto_new(&crypto, err));
    mun_code code = mun_store_create(&store, &crypto, err);
    config->crypto_free(&crypto);
    return code;
}

static mun_log *log_new(const mun_log_config *config)
{
    mun_log *log = calloc(1, sizeof *log);
    if (log == NULL) return NULL;
    log->config = *config;
    if (config->origin.len <= sizeof log->origin) {
        memcpy(log->origin, config->origin.ptr, config->origin.len);
        log->config.origin.ptr = (const uint8_t *)log->origin;
    }
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&log->worker_lock, NULL);
    pthread_mutex_init(&log->gate, NULL);
    pthread_cond_init(&log->room, NULL);
    pthread_cond_init(&log->ring, NULL);
    pthread_cond_init(&log->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    mun_recent_init(&log->recent);
    mun_node_cache_init(&log->nodes);
    return log;
}

static void log_free(mun_log *log)
{
    mun_known_finish(log);
    mun_store_close(log->store);
    mun_reader_free(log->reader);
    mun_recent_finish(&log->recent);
    mun_node_cache_finish(&log->nodes);
    mun_log_pool_drop(log);
    drop_workers(log);
    pthread_mutex_destroy(&log->worker_lock);
    pthread_mutex_destroy(&log->gate);
    pthread_cond_destroy(&log->room);
    pthread_cond_destroy(&log->ring);
    pthread_cond_destroy(&log->work);
    free(log);
}

static mun_code open_writer(mun_log *log, mun_error *err)
{
    mun_store_config config = store_config(&log->config);
    mun_worker *worker;
    MUN_TRY(mun_worker_take(log, &worker, err));
    mun_code code = mun_store_open(&config, &worker->crypto, &log->store, err);
    mun_worker_give(log, worker);
    if (code != MUN_OK) return code;
    log->payload_max = mun_store_payload_max(log->store);
    log->recent.head = mun_store_head(log->store);
    log->recent.last_time_ms = mun_store_last_time(log->store);
    log->recent.batches = mun_store_batches(log->store);
    return MUN_OK;
}

mun_code mun_log_open(const mun_log_config *config, mun_log **ret, mun_error *err)
{
    mun_log *log = log_new(config);
    if (log == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    mun_code code = mun_reader_new(config->vfs, &log->reader, err);
    if (code == MUN_OK) code = config->read_only ? mun_peer_open(log, err) : open_writer(log, err);
    if (code == MUN_OK) code = mun_known_init(log, err);
    if (code != MUN_OK) {
        log_free(log);
        return code;
    }
    *ret = log;
    return MUN_OK;
}

mun_code mun_log_check(const mun_log *log, mun_error *err)
{
    if (log->store == NULL || !mun_store_failed(log->store)) return MUN_OK;
    return mun_fail(err, MUN_E_FAILED, MUN_NO_OFFSET,
                    "a write to the ledger failed; it must be opened again before its newest "
                    "entries can be read");
}

mun_code mun_log_close(mun_log *log, mun_error *err)
{
    if (log == NULL) return MUN_OK;
    mun_code code = MUN_OK;
    if (log->store != NULL) {
        pthread_mutex_lock(&log->gate);
        mun_error unused;
        /* What is pending without a follower gets one for its last work. */
        if (log->recent.count > 0) (void)!mun_follower_start(log, &unused);
        mun_follower_stop(log);
        if (log->failed || mun_store_failed(log->store)) {
            code = mun_fail(err, MUN_E_FAILED, MUN_NO_OFFSET,
                            "a write to the ledger failed; what was acknowledged is in its "
                            "journal and will be restored when it is opened again");
        } else if (log->recent.count > 0 || mun_store_dirty(log->store)) {
            code = mun_failf(err, log->stuck != MUN_OK ? log->stuck : MUN_E_AGAIN, 0,
                             "the newest entries are only in the journal, for lack of room%s; "
                             "they will be put in place when the ledger is opened again",
                             log->stuck == MUN_E_NO_SPACE ? " on the disk" : "");
        }
        pthread_mutex_unlock(&log->gate);
    }
    log_free(log);
    return code;
}

/* ---- head and status -------------------------------------------------------------------------*/

mun_tree_head mun_log_head(mun_log *log)
{
    return mun_recent_head(&log->recent);
}

uint64_t mun_log_on_disk(const mun_log *log)
{
    if (log->store != NULL) return mun_store_followed(log->store);
    return atomic_load(&log->peer_size);
}

static uint64_t file_bytes(const mun_vfs *vfs, const char *name)
{
    mun_file *file;
    uint64_t size = 0;
    if (vfs->open(vfs->ctx, name, MUN_OPEN_READ, &file, NULL) != MUN_OK) return 0;
    if (vfs->size(vfs->ctx, file, &size, NULL) != MUN_OK) size = 0;
    vfs->close(vfs->ctx, file);
    return size;
}

static mun_code batches(mun_log *log, mun_log_status *status, mun_error *err)
{
    if (log->store != NULL) {
        pthread_rwlock_rdlock(&log->recent.lock);
        status->batches = log->recent.batches;
        status->last_time_ms = log->recent.last_time_ms;
        pthread_rwlock_unlock(&log->recent.lock);
        return MUN_OK;
    }
    mun_worker *worker;
    MUN_TRY(mun_worker_take(log, &worker, err));
    mun_code code = mun_reader_batches(log->reader, &worker->crypto, &status->batches,
                                       &status->last_time_ms, err);
    mun_worker_give(log, worker);
    return code;
}

mun_code mun_log_status_get(mun_log *log, mun_log_status *ret, mun_error *err)
{
    const mun_vfs *vfs = log->config.vfs;
    mun_log_status status = {.head = mun_log_head(log)};
    status.journal_bytes = file_bytes(vfs, MUN_FILE_JOURNAL);
    if (log->store != NULL) {
        status.flushed = mun_store_flushed(log->store);
    } else {
        status.flushed = status.head.size;
        status.writer = vfs->locked(vfs->ctx, MUN_FILE_LOCK);
    }
    MUN_TRY(batches(log, &status, err));
    *ret = status;
    return MUN_OK;
}
