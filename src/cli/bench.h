/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the measurements of muniment-bench share: a folder of their own on the disk that is
 * measured, clocks, entries, results. Each bench_*.c has one group of figures; a group runs when
 * one of its names is wanted, and gives only those.
 *
 * Ownership: mun_bench lives in cmd_bench.c. Threads: groups run one after the other on the main
 * thread and join every thread and child they start.
 */
#ifndef MUN_CLI_BENCH_H
#define MUN_CLI_BENCH_H

#include "cli/app.h"
#include "log/log.h"
#include "vfs/files.h"

#include <unistd.h>

#define MUN_BENCH_ORIGIN  "bench.invalid/log"
#define MUN_BENCH_ENTRY   1024 /* bytes, where nothing else is said */
#define MUN_BENCH_SMALL   256
#define MUN_BENCH_BATCH   256 /* entries in one call */
#define MUN_BENCH_THREADS 8   /* callers of batched appends */
#define MUN_BENCH_AT_ONCE 64  /* threads at most, where there is one for each core */

typedef struct mun_bench {
    mun_app *app;
    char folder[MUN_PATH_BYTES_MAX]; /* made for this run, removed at its end */
    uint64_t entries;                /* size of the large trees */
    unsigned seconds;                /* how long a throughput is measured */
    unsigned cores;
    mun_fs_info fs;
} mun_bench;

/* Whether the user wants this figure. */
bool mun_bench_wants(const mun_bench *b, const char *name);
/* Prints one figure, if it is wanted. conditions: what it was measured with, printf form. */
__attribute__((format(printf, 5, 6))) void mun_bench_result(mun_bench *b, const char *name,
                                                            double value, const char *unit,
                                                            const char *conditions, ...);
/* The same for a name of any kind, unasked. */
void mun_bench_figure(mun_bench *b, const char *name, double value, const char *unit,
                      const char *text);
/* A sentence of progress on standard error. */
void mun_bench_say(const mun_bench *b, const char *what);

double mun_bench_now(void);                    /* seconds, monotonic */
void mun_bench_sort(double *values, size_t n); /* the least first */

/* Runs this in so many threads at once (MUN_BENCH_AT_ONCE at most), all with the same ctx, and
 * waits for them. False: not all of them could be started. */
bool mun_bench_at_once(unsigned threads, void *(*run)(void *ctx), void *ctx);

/* folder/name, and its removal with all that is in it. */
MUN_MUST mun_code mun_bench_path(const mun_bench *b, const char *name, char ret[MUN_PATH_BYTES_MAX],
                                 mun_error *err);
MUN_MUST mun_code mun_bench_remove(const mun_bench *b, const char *name, mun_error *err);
/* Bytes of what is wanted must fit, with a tenth to spare. MUN_E_NO_SPACE. */
MUN_MUST mun_code mun_bench_room(const mun_bench *b, uint64_t bytes, mun_error *err);

/* A child and the read end of what it has to say. */
typedef struct mun_bench_child {
    pid_t pid;
    int from;
} mun_bench_child;

/* Forks; in the child *ret_is_child is true and *ret_to the end to write to. */
MUN_MUST mun_code mun_bench_start_child(mun_bench_child *ret, int *ret_to, bool *ret_is_child,
                                        mun_error *err);
/* Reads what the child says, len bytes, and waits for its end. */
MUN_MUST mun_code mun_bench_end_child(const mun_bench_child *c, void *ret, size_t len,
                                      mun_error *err);
void mun_bench_kill_child(const mun_bench_child *c);

/* A bare log: no keys, no index, no signatures. */
typedef struct mun_bench_log {
    mun_vfs vfs;
    mun_log *log;
} mun_bench_log;

enum { MUN_BENCH_NO_DEDUP = 1, MUN_BENCH_READ_ONLY = 2, MUN_BENCH_CREATE = 4 };
MUN_MUST mun_code mun_bench_log_open(const char *path, unsigned flags, mun_bench_log *ret,
                                     mun_error *err);
MUN_MUST mun_code mun_bench_log_close(mun_bench_log *log, mun_error *err);
mun_log_config mun_bench_config(const mun_vfs *vfs);

/* Fills an entry of size bytes that differs from every other number's. */
void mun_bench_entry(uint8_t *ret, size_t size, uint64_t number);

/*
 * Appends by threads, each with its own batches, until seconds have passed or entries are there
 * (whichever is given, 0: not). Returns how many, and how long it took.
 */
typedef struct mun_bench_load {
    mun_log *log;
    unsigned threads;
    size_t batch;
    size_t entry_bytes;
    double seconds;
    uint64_t entries;
    uint64_t first_number; /* of the entries; moved on by what was appended */
} mun_bench_load;
MUN_MUST mun_code mun_bench_append(mun_bench_load *load, uint64_t *ret_entries, double *ret_seconds,
                                   mun_error *err);

/* The log of b->entries entries of MUN_BENCH_SMALL bytes, folder/big: made once, by a child whose
 * peak of anonymous memory is measured on the way. */
MUN_MUST mun_code mun_bench_big_log(mun_bench *b, char ret_path[MUN_PATH_BYTES_MAX],
                                    mun_error *err);
/* Takes the files below path out of the page cache. */
MUN_MUST mun_code mun_bench_make_cold(const char *path, mun_error *err);

/* The groups. */
MUN_MUST mun_code mun_bench_appends(mun_bench *b, mun_error *err);   /* append_*, sync_floor */
MUN_MUST mun_code mun_bench_registers(mun_bench *b, mun_error *err); /* register_*, crypto_floor */
MUN_MUST mun_code mun_bench_proofs(mun_bench *b, mun_error *err);    /* proof_* */
MUN_MUST mun_code mun_bench_processes(mun_bench *b, mun_error *err); /* verify_process, wasm_size */
MUN_MUST mun_code mun_bench_large(mun_bench *b, mun_error *err);     /* fsck, rss_append, disk */
MUN_MUST mun_code mun_bench_opens(mun_bench *b, mun_error *err);     /* open_* */
MUN_MUST mun_code mun_bench_https(mun_bench *b, mun_error *err);     /* http_*, of a service */
/* One second of synced 4 KiB blocks, to begin with. */
MUN_MUST mun_code mun_bench_floor(mun_bench *b, double seconds, double *ret_per_second,
                                  mun_error *err);

#endif
