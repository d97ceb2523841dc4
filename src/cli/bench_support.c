/* SPDX-License-Identifier: Apache-2.0 */
/* Logs, entries and threads for the measurements. */
#include "cli/bench.h"
#include "cli/speak.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mun_code mun_bench_path(const mun_bench *b, const char *name, char ret[MUN_PATH_BYTES_MAX],
                        mun_error *err)
{
    int len = snprintf(ret, MUN_PATH_BYTES_MAX, "%s/%s", b->folder, name);
    if (len > 0 && len < MUN_PATH_BYTES_MAX) return MUN_OK;
    return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "the path is too long");
}

mun_code mun_bench_remove(const mun_bench *b, const char *name, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    MUN_TRY(mun_bench_path(b, name, path, err));
    return mun_dir_remove_all(path, err);
}

mun_code mun_bench_room(const mun_bench *b, uint64_t bytes, mun_error *err)
{
    mun_fs_info fs;
    char need[24], have[24];
    MUN_TRY(mun_fs_look(b->folder, &fs, err));
    if (fs.free / 11 * 10 > bytes) return MUN_OK;
    return mun_failf(err, MUN_E_NO_SPACE, 0,
                     "this needs %s and the disk has %s free; give smaller --entries or --seconds",
                     mun_size_text(bytes, need), mun_size_text(fs.free, have));
}

static uint64_t clock_ms(void *ctx)
{
    (void)ctx;
    return mun_wall_clock_ms();
}

mun_log_config mun_bench_config(const mun_vfs *vfs)
{
    return (mun_log_config){
        .vfs = vfs,
        .origin = MUN_LITERAL(MUN_BENCH_ORIGIN),
        .clock_ms = clock_ms,
        .random = mun_native_random,
        .crypto_new = mun_native_crypto_new,
        .crypto_free = mun_native_crypto_free,
    };
}

mun_code mun_bench_log_open(const char *path, unsigned flags, mun_bench_log *ret, mun_error *err)
{
    if (flags & MUN_BENCH_CREATE) MUN_TRY(mun_dir_make(path, err));
    MUN_TRY(mun_vfs_posix_open(path, &ret->vfs, err));
    mun_log_config config = mun_bench_config(&ret->vfs);
    config.no_dedup = flags & MUN_BENCH_NO_DEDUP;
    config.read_only = flags & MUN_BENCH_READ_ONLY;
    mun_code code = flags & MUN_BENCH_CREATE ? mun_log_create(&config, err) : MUN_OK;
    if (code == MUN_OK) code = mun_log_open(&config, &ret->log, err);
    if (code != MUN_OK) mun_vfs_posix_close(&ret->vfs);
    return code;
}

mun_code mun_bench_log_close(mun_bench_log *log, mun_error *err)
{
    mun_code code = mun_log_close(log->log, err);
    mun_vfs_posix_close(&log->vfs);
    return code;
}

void mun_bench_entry(uint8_t *ret, size_t size, uint64_t number)
{
    /* Bytes that do not repeat, so that no file system makes them smaller than they are. */
    uint64_t x = number * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t i = 0; i + 8 <= size; i += 8) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        memcpy(ret + i, &x, 8);
    }
    memcpy(ret, &number, sizeof number);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void mun_bench_sort(double *values, size_t n)
{
    qsort(values, n, sizeof values[0], by_size);
}

/* ---- Threads ---- */

bool mun_bench_at_once(unsigned threads, void *(*run)(void *ctx), void *ctx)
{
    pthread_t thread[MUN_BENCH_AT_ONCE];
    unsigned n = threads < MUN_BENCH_AT_ONCE ? threads : MUN_BENCH_AT_ONCE, started = 0;
    while (started < n && pthread_create(&thread[started], NULL, run, ctx) == 0) started++;
    for (unsigned i = 0; i < started; i++) pthread_join(thread[i], NULL);
    return started == n;
}

/* ---- Appending by threads ---- */

typedef struct crew {
    mun_bench_load *load;
    double until;
    atomic_uint_fast64_t next; /* number of the next batch's first entry */
    atomic_uint_fast64_t added;
    pthread_mutex_t lock;
    mun_code code;
    mun_error *err;
} crew;

static bool claim(crew *c, uint64_t *ret_first)
{
    const mun_bench_load *load = c->load;
    if (c->code != MUN_OK || mun_interrupted()) return false;
    if (load->seconds > 0 && mun_bench_now() >= c->until) return false;
    *ret_first = atomic_fetch_add(&c->next, load->batch);
    return load->entries == 0 || *ret_first < load->first_number + load->entries;
}

static void give_up(crew *c, mun_code code, const mun_error *why)
{
    pthread_mutex_lock(&c->lock);
    if (c->code == MUN_OK && c->err != NULL) *c->err = *why;
    if (c->code == MUN_OK) c->code = code;
    pthread_mutex_unlock(&c->lock);
}

static void append_batches(crew *c, uint8_t *bytes, mun_slice *entries, mun_appended *results)
{
    const mun_bench_load *load = c->load;
    uint64_t first;
    /* The bytes once; then only what makes each entry another one changes: 16 bytes. */
    for (size_t i = 0; i < load->batch; i++) {
        mun_bench_entry(bytes + i * load->entry_bytes, load->entry_bytes, i);
        entries[i] = mun_slice_of(bytes + i * load->entry_bytes, load->entry_bytes);
    }
    while (claim(c, &first)) {
        for (size_t i = 0; i < load->batch; i++) {
            uint64_t number = first + i;
            memcpy(bytes + i * load->entry_bytes, &number, sizeof number);
        }
        mun_error why = {.code = MUN_OK};
        mun_code code = mun_log_append(load->log, entries, load->batch, results, NULL, &why);
        if (code != MUN_OK) {
            give_up(c, code, &why);
            return;
        }
        atomic_fetch_add(&c->added, load->batch);
    }
}

static void *append_thread(void *arg)
{
    crew *c = arg;
    uint8_t *bytes = malloc(c->load->batch * c->load->entry_bytes);
    mun_slice *entries = calloc(c->load->batch, sizeof *entries);
    mun_appended *results = calloc(c->load->batch, sizeof *results);
    if (bytes != NULL && entries != NULL && results != NULL) {
        append_batches(c, bytes, entries, results);
    } else {
        give_up(c, MUN_E_MEMORY, &(mun_error){.code = MUN_E_MEMORY, .text = "out of memory"});
    }
    free(bytes);
    free(entries);
    free(results);
    return NULL;
}

mun_code mun_bench_append(mun_bench_load *load, uint64_t *ret_entries, double *ret_seconds,
                          mun_error *err)
{
    double start = mun_bench_now();
    crew c = {.load = load, .until = start + load->seconds, .err = err};
    atomic_init(&c.next, load->first_number);
    atomic_init(&c.added, 0);
    pthread_mutex_init(&c.lock, NULL);
    bool all = mun_bench_at_once(load->threads, append_thread, &c);
    pthread_mutex_destroy(&c.lock);
    if (c.code != MUN_OK) return c.code;
    if (!all) return mun_failf(err, MUN_E_MEMORY, 0, "cannot start a thread");
    *ret_entries = atomic_load(&c.added);
    *ret_seconds = mun_bench_now() - start;
    load->first_number = atomic_load(&c.next);
    return MUN_OK;
}

/* ---- Cold files ---- */

static mun_code cool_file(void *ctx, const mun_walk_entry *entry, mun_error *err)
{
    const mun_vfs *vfs = ctx;
    mun_file *file;
    if (entry->info.kind != MUN_FILE_REGULAR) return MUN_OK;
    MUN_TRY(vfs->open(vfs->ctx, entry->relative, MUN_OPEN_WRITE, &file, err));
    mun_code code = vfs->sync(vfs->ctx, file, err); /* only clean pages can be given back */
    vfs->drop_cache(vfs->ctx, file, 0, entry->info.size);
    vfs->close(vfs->ctx, file);
    return code;
}

mun_code mun_bench_make_cold(const char *path, mun_error *err)
{
    mun_vfs vfs;
    MUN_TRY(mun_vfs_posix_open(path, &vfs, err));
    mun_walk walk = {.ctx = &vfs, .file = cool_file};
    mun_code code = mun_dir_walk(path, &walk, err);
    mun_vfs_posix_close(&vfs);
    return code;
}
