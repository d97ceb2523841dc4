/* SPDX-License-Identifier: Apache-2.0 */
/* append_batched, append_single with sync_floor, dedup_cost: the bare log. */
#include "cli/bench.h"

#include <stdlib.h>

#define FLOOR_BLOCK  4096
#define FLOOR_BLOCKS 4096 /* a prepared file of 16 MiB, as the journal is */
#define TURNS        6

/* ---- The floor: a prepared 4 KiB block, written and synced ---- */

typedef struct floor_file {
    mun_vfs vfs;
    mun_file *file;
    uint8_t *block; /* aligned, as O_DIRECT wants it */
    uint64_t at;
} floor_file;

static mun_code floor_prepare(floor_file *f, mun_error *err)
{
    for (uint64_t i = 0; i < FLOOR_BLOCKS; i++) {
        MUN_TRY(f->vfs.write(f->vfs.ctx, f->file, i * FLOOR_BLOCK, f->block, FLOOR_BLOCK, err));
    }
    return f->vfs.sync(f->vfs.ctx, f->file, err);
}

static mun_code floor_open(const mun_bench *b, floor_file *f, mun_error *err)
{
    unsigned flags = MUN_OPEN_WRITE | MUN_OPEN_CREATE | MUN_OPEN_DIRECT;
    *f = (floor_file){.block = aligned_alloc(FLOOR_BLOCK, FLOOR_BLOCK)};
    if (f->block == NULL) return mun_failf(err, MUN_E_MEMORY, 0, "no memory for a block");
    mun_bench_entry(f->block, FLOOR_BLOCK, 1);
    MUN_TRY(mun_vfs_posix_open(b->folder, &f->vfs, err));
    MUN_TRY(f->vfs.open(f->vfs.ctx, "floor", flags, &f->file, err));
    return floor_prepare(f, err);
}

static void floor_close(floor_file *f)
{
    if (f->vfs.close != NULL) f->vfs.close(f->vfs.ctx, f->file);
    if (f->vfs.close != NULL) mun_vfs_posix_close(&f->vfs);
    free(f->block);
}

static mun_code floor_turn(floor_file *f, double seconds, uint64_t *count, double *took,
                           mun_error *err)
{
    double start = mun_bench_now();
    while (mun_bench_now() - start < seconds) {
        mun_bench_entry(f->block, 64, f->at);
        uint64_t offset = f->at % FLOOR_BLOCKS * FLOOR_BLOCK;
        MUN_TRY(f->vfs.write(f->vfs.ctx, f->file, offset, f->block, FLOOR_BLOCK, err));
        MUN_TRY(f->vfs.sync(f->vfs.ctx, f->file, err));
        f->at++;
        ++*count;
    }
    *took += mun_bench_now() - start;
    return MUN_OK;
}

mun_code mun_bench_floor(mun_bench *b, double seconds, double *ret_per_second, mun_error *err)
{
    floor_file f;
    uint64_t count = 0;
    double took = 0;
    mun_code code = floor_open(b, &f, err);
    if (code == MUN_OK) code = floor_turn(&f, seconds, &count, &took, err);
    floor_close(&f);
    if (code == MUN_OK) *ret_per_second = (double)count / took;
    return code;
}

/* ---- append_single beside it, in turns ---- */

typedef struct single {
    uint64_t appended, synced;
    double append_took, sync_took;
} single;

static mun_code append_turn(mun_log *log, double seconds, uint64_t *number, single *s,
                            mun_error *err)
{
    uint8_t entry[MUN_BENCH_ENTRY];
    mun_appended result;
    double start = mun_bench_now();
    while (mun_bench_now() - start < seconds) {
        mun_bench_entry(entry, sizeof entry, (*number)++);
        mun_slice slice = mun_slice_of(entry, sizeof entry);
        MUN_TRY(mun_log_append(log, &slice, 1, &result, NULL, err));
        s->appended++;
    }
    s->append_took += mun_bench_now() - start;
    return MUN_OK;
}

static mun_code single_turns(mun_bench *b, mun_log *log, floor_file *f, single *s, mun_error *err)
{
    double turn = (double)b->seconds / 3 / TURNS;
    uint64_t number = 0;
    for (int i = 0; i < TURNS && !mun_interrupted(); i++) {
        MUN_TRY(floor_turn(f, turn, &s->synced, &s->sync_took, err));
        MUN_TRY(append_turn(log, turn, &number, s, err));
    }
    return MUN_OK;
}

static mun_code measure_single(mun_bench *b, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    mun_bench_log log;
    floor_file f;
    single s = {0};
    if (!mun_bench_wants(b, "append_single") && !mun_bench_wants(b, "sync_floor")) return MUN_OK;
    mun_bench_say(b, "appending one at a time, in turns with bare syncs");
    MUN_TRY(mun_bench_path(b, "single", path, err));
    MUN_TRY(mun_bench_log_open(path, MUN_BENCH_CREATE, &log, err));
    mun_code code = floor_open(b, &f, err);
    if (code == MUN_OK) code = single_turns(b, log.log, &f, &s, err);
    floor_close(&f);
    mun_code closed = mun_bench_log_close(&log, code == MUN_OK ? err : NULL);
    MUN_TRY(code != MUN_OK ? code : closed);
    double floor = (double)s.synced / s.sync_took, alone = (double)s.appended / s.append_took;
    mun_bench_result(b, "append_single", alone, "1/s",
                     "%.0f %% of sync_floor; 1 caller, 1 KiB entries, checkpoint not signed, in "
                     "%d turns of %.1f s, %s",
                     100 * alone / floor, TURNS, s.append_took / TURNS, b->fs.type);
    mun_bench_result(b, "sync_floor", floor, "1/s",
                     "fdatasync of a prepared 4 KiB block, in turns with append_single, %s",
                     b->fs.type);
    return mun_bench_remove(b, "single", err);
}

/* ---- append_batched ---- */

static mun_code batched_run(mun_bench *b, const char *name, unsigned flags, double seconds,
                            double *ret_per_second, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    mun_bench_log log;
    uint64_t entries = 0;
    double took = 0;
    MUN_TRY(mun_bench_path(b, name, path, err));
    MUN_TRY(mun_bench_log_open(path, flags | MUN_BENCH_CREATE, &log, err));
    mun_bench_load load = {.log = log.log,
                           .threads = MUN_BENCH_THREADS,
                           .batch = MUN_BENCH_BATCH,
                           .entry_bytes = MUN_BENCH_ENTRY,
                           .seconds = seconds};
    mun_code code = mun_bench_append(&load, &entries, &took, err);
    mun_code closed = mun_bench_log_close(&log, code == MUN_OK ? err : NULL);
    MUN_TRY(code != MUN_OK ? code : closed);
    *ret_per_second = (double)entries / took;
    return mun_bench_remove(b, name, err);
}

static mun_code measure_batched(mun_bench *b, mun_error *err)
{
    double per_second;
    if (!mun_bench_wants(b, "append_batched")) return MUN_OK;
    mun_bench_say(b, "appending in batches");
    MUN_TRY(mun_bench_room(b, (uint64_t)b->seconds * 700000 * MUN_BENCH_ENTRY, err));
    MUN_TRY(batched_run(b, "batched", 0, b->seconds, &per_second, err));
    mun_bench_result(b, "append_batched", per_second, "1/s",
                     "%d threads, %d entries of 1 KiB a call, exact dedup, no index, %u s, %u "
                     "cores, %s",
                     MUN_BENCH_THREADS, MUN_BENCH_BATCH, b->seconds, b->cores, b->fs.type);
    return MUN_OK;
}

/* With and without, in turns, so that a busy disk is busy for both. */
static mun_code measure_dedup(mun_bench *b, mun_error *err)
{
    double turn = (double)b->seconds / TURNS, with = 0, without = 0;
    if (!mun_bench_wants(b, "dedup_cost")) return MUN_OK;
    mun_bench_say(b, "appending with and without dedup");
    for (int i = 0; i < TURNS / 2; i++) {
        double a, c;
        MUN_TRY(batched_run(b, "with", 0, turn, &a, err));
        MUN_TRY(batched_run(b, "without", MUN_BENCH_NO_DEDUP, turn, &c, err));
        with += a;
        without += c;
    }
    with /= TURNS / 2.0;
    without /= TURNS / 2.0;
    mun_bench_result(b, "dedup_cost", 100 * (1 - with / without), "%",
                     "%.0f/s with, %.0f/s without, in %d turns of %.1f s, as append_batched", with,
                     without, TURNS, turn);
    return MUN_OK;
}

mun_code mun_bench_appends(mun_bench *b, mun_error *err)
{
    MUN_TRY(measure_batched(b, err));
    MUN_TRY(measure_single(b, err));
    return measure_dedup(b, err);
}
