/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rss_append, fsck, disk_per_entry: what depends on the size of the log. Memory is measured in a
 * child, which is forked while no thread runs.
 */
#include "cli/bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BIG         "big"
#define MIDDLE      "middle"
#define MIDDLE_MOST 2000000
#define SINGLES     20000
#define SAMPLE_NS   20000000
#define MIB         1048576.0

/* ---- Memory ---- */

static uint64_t anonymous_bytes(void)
{
    uint8_t room[8192];
    mun_buf text = mun_buf_fixed(room, sizeof room - 1);
    if (mun_file_read("/proc/self/status", sizeof room - 1, &text, NULL) != MUN_OK) return 0;
    room[text.len] = '\0';
    const char *at = strstr((const char *)room, "RssAnon:");
    return at != NULL ? strtoull(at + 8, NULL, 10) * 1024 : 0;
}

typedef struct sampler {
    atomic_bool stop;
    uint64_t peak;
} sampler;

static void *sample(void *arg)
{
    sampler *s = arg;
    while (!atomic_load(&s->stop)) {
        uint64_t now = anonymous_bytes();
        if (now > s->peak) s->peak = now;
        nanosleep(&(struct timespec){.tv_nsec = SAMPLE_NS}, NULL);
    }
    return NULL;
}

typedef struct built {
    uint64_t entries;
    uint64_t peak;
    double seconds;
} built;

static mun_code build_log(const char *path, uint64_t entries, size_t entry_bytes, built *ret,
                          mun_error *err)
{
    mun_bench_log log;
    pthread_t thread;
    sampler s = {.peak = 0};
    atomic_init(&s.stop, false);
    MUN_TRY(mun_bench_log_open(path, MUN_BENCH_CREATE, &log, err));
    mun_bench_load load = {.log = log.log,
                           .threads = MUN_BENCH_THREADS,
                           .batch = MUN_BENCH_BATCH,
                           .entry_bytes = entry_bytes,
                           .entries = entries};
    bool sampling = pthread_create(&thread, NULL, sample, &s) == 0;
    mun_code code = mun_bench_append(&load, &ret->entries, &ret->seconds, err);
    atomic_store(&s.stop, true);
    if (sampling) pthread_join(thread, NULL);
    ret->peak = s.peak;
    mun_code closed = mun_bench_log_close(&log, code == MUN_OK ? err : NULL);
    return code != MUN_OK ? code : closed;
}

static mun_code build_in_child(const char *path, uint64_t entries, size_t entry_bytes, built *ret,
                               mun_error *err)
{
    mun_bench_child c;
    int to;
    bool is_child;
    MUN_TRY(mun_bench_start_child(&c, &to, &is_child, err));
    if (is_child) {
        built b = {0};
        mun_error why;
        bool good = build_log(path, entries, entry_bytes, &b, &why) == MUN_OK;
        if (!good) fprintf(stderr, "muniment: %s\n", why.text);
        _exit(good && write(to, &b, sizeof b) == sizeof b ? 0 : 1);
    }
    return mun_bench_end_child(&c, ret, sizeof *ret, err);
}

mun_code mun_bench_big_log(mun_bench *b, char ret_path[MUN_PATH_BYTES_MAX], mun_error *err)
{
    mun_file_info info;
    built big;
    MUN_TRY(mun_bench_path(b, BIG, ret_path, err));
    MUN_TRY(mun_file_look(ret_path, true, &info, err));
    if (info.kind == MUN_FILE_DIRECTORY) return MUN_OK;
    mun_bench_say(b, "making the large log");
    MUN_TRY(mun_bench_room(b, b->entries * (MUN_BENCH_SMALL + 64), err));
    MUN_TRY(build_in_child(ret_path, b->entries, MUN_BENCH_SMALL, &big, err));
    mun_bench_result(b, "rss_append", (double)big.peak / MIB, "MiB",
                     "peak of anonymous memory while appending %llu entries of %d B by %d threads; "
                     "64 MiB + 22 B an entry would be %.0f MiB",
                     (unsigned long long)big.entries, MUN_BENCH_SMALL, MUN_BENCH_THREADS,
                     64 + 22 * (double)big.entries / MIB);
    return MUN_OK;
}

/* ---- disk_per_entry ---- */

typedef struct weight {
    uint64_t bytes;
} weight;

/* Everything but the journal, which is given once, and the small files around it. */
static mun_code weigh(void *ctx, const mun_walk_entry *entry, mun_error *err)
{
    static const char *const left_out[] = {"journal", "lock", "format", "published"};
    weight *w = ctx;
    (void)err;
    for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++) {
        if (strcmp(entry->relative, left_out[i]) == 0) return MUN_OK;
    }
    if (entry->info.kind == MUN_FILE_REGULAR) w->bytes += entry->info.size;
    return MUN_OK;
}

static mun_code overhead(const char *path, uint64_t entries, size_t entry_bytes, double *ret,
                         mun_error *err)
{
    weight w = {0};
    mun_walk walk = {.ctx = &w, .file = weigh};
    MUN_TRY(mun_dir_walk(path, &walk, err));
    *ret = (double)w.bytes / (double)entries - (double)entry_bytes;
    return MUN_OK;
}

static mun_code size_of(const char *path, uint64_t *ret, mun_error *err)
{
    mun_bench_log log;
    MUN_TRY(mun_bench_log_open(path, MUN_BENCH_READ_ONLY, &log, err));
    *ret = mun_log_head(log.log).size;
    return mun_bench_log_close(&log, err);
}

static mun_code append_singles(const char *path, mun_error *err)
{
    mun_bench_log log;
    mun_code code = MUN_OK;
    MUN_TRY(mun_bench_log_open(path, MUN_BENCH_CREATE, &log, err));
    for (uint64_t i = 0; i < SINGLES && code == MUN_OK; i++) {
        uint8_t entry[MUN_BENCH_SMALL];
        mun_appended result;
        mun_bench_entry(entry, sizeof entry, i);
        mun_slice slice = mun_slice_of(entry, sizeof entry);
        code = mun_log_append(log.log, &slice, 1, &result, NULL, err);
    }
    mun_code closed = mun_bench_log_close(&log, code == MUN_OK ? err : NULL);
    return code != MUN_OK ? code : closed;
}

static mun_code measure_disk(mun_bench *b, const char *big, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    double batched, single;
    uint64_t size = 0;
    if (!mun_bench_wants(b, "disk_per_entry")) return MUN_OK;
    mun_bench_say(b, "weighing the files");
    MUN_TRY(size_of(big, &size, err));
    MUN_TRY(overhead(big, size, MUN_BENCH_SMALL, &batched, err));
    MUN_TRY(mun_bench_path(b, "singles", path, err));
    MUN_TRY(append_singles(path, err));
    MUN_TRY(overhead(path, SINGLES, MUN_BENCH_SMALL, &single, err));
    mun_bench_result(b, "disk_per_entry", batched, "B",
                     "beyond the entry, journal and index apart: %llu entries in batches of %d by "
                     "%d threads; one by one (%d entries): %.2f B",
                     (unsigned long long)size, MUN_BENCH_BATCH, MUN_BENCH_THREADS, SINGLES, single);
    return mun_bench_remove(b, "singles", err);
}

/* ---- fsck ---- */

static mun_code fsck_once(const char *path, double *ret_per_second, mun_error *err)
{
    mun_vfs vfs;
    mun_tree_head head;
    mun_log_watch watch = {0};
    MUN_TRY(mun_vfs_posix_open(path, &vfs, err));
    mun_log_config config = mun_bench_config(&vfs);
    double start = mun_bench_now();
    mun_code code = mun_log_fsck(&config, &watch, &head, err);
    *ret_per_second = code == MUN_OK ? (double)head.size / (mun_bench_now() - start) : 0;
    mun_vfs_posix_close(&vfs);
    return code;
}

/* The first run fills the page cache, the second counts. */
static mun_code fsck_warm(const char *path, double *ret_per_second, mun_error *err)
{
    MUN_TRY(fsck_once(path, ret_per_second, err));
    return fsck_once(path, ret_per_second, err);
}

static mun_code measure_fsck(mun_bench *b, const char *big, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    double small, large;
    built middle;
    uint64_t entries = b->entries / 5 < MIDDLE_MOST ? b->entries / 5 : MIDDLE_MOST;
    if (!mun_bench_wants(b, "fsck")) return MUN_OK;
    mun_bench_say(b, "checking whole logs");
    MUN_TRY(fsck_warm(big, &small, err));
    MUN_TRY(mun_bench_path(b, MIDDLE, path, err));
    MUN_TRY(mun_bench_room(b, entries * (MUN_BENCH_ENTRY + 64), err));
    MUN_TRY(build_in_child(path, entries, MUN_BENCH_ENTRY, &middle, err));
    MUN_TRY(fsck_warm(path, &large, err));
    mun_bench_result(b, "fsck", small, "1/s",
                     "entries of 256 B checked (%llu of them), page cache warm, %u cores; entries "
                     "of 1 KiB (%llu): %.0f/s",
                     (unsigned long long)b->entries, b->cores, (unsigned long long)entries, large);
    return mun_bench_remove(b, MIDDLE, err);
}

mun_code mun_bench_large(mun_bench *b, mun_error *err)
{
    static const char *const names[] = {"rss_append", "fsck", "disk_per_entry"};
    char big[MUN_PATH_BYTES_MAX];
    bool wanted = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        wanted |= mun_bench_wants(b, names[i]);
    }
    if (!wanted) return MUN_OK;
    MUN_TRY(mun_bench_big_log(b, big, err));
    MUN_TRY(measure_disk(b, big, err));
    return measure_fsck(b, big, err);
}
