/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The measurements of a service over HTTP: http_*. A pool of statements is signed before the clock
 * starts; receipts are kept and verified after it stopped, every one.
 *
 * Ownership: mun_http_bench lives in bench_http.c; pools and answers are freed by their _free.
 * Threads: the measuring itself is one thread; signing and verifying take all cores.
 */
#ifndef MUN_CLI_BENCH_HTTP_H
#define MUN_CLI_BENCH_HTTP_H

#include "cli/bench.h"
#include "cli/load_run.h"
#include "trust/keyfile.h"

#define MUN_BENCH_SIGNERS   16 /* keys of an any-issuer ledger's users */
#define MUN_BENCH_KEYS      16 /* keys of a service that are read */
#define MUN_BENCH_STATEMENT 1024

/* Who signs: keys made for the run, or the one given with --key. */
typedef struct mun_bench_signers {
    mun_signing_key given;
    mun_private_key *made[MUN_BENCH_SIGNERS];
    mun_signer signer[MUN_BENCH_SIGNERS];
    uint8_t name[MUN_BENCH_SIGNERS][256];
    mun_slice iss[MUN_BENCH_SIGNERS];
    size_t len;
    uint64_t next; /* number of the next statement: no two are the same */
} mun_bench_signers;

MUN_MUST mun_code mun_bench_signers_begin(const mun_app *app, mun_bench_signers *ret,
                                          mun_error *err);
void mun_bench_signers_end(mun_bench_signers *signers);

/* Statements of one size, end to end. */
typedef struct mun_bench_pool {
    uint8_t *bytes;
    size_t each, len;
} mun_bench_pool;

MUN_MUST mun_code mun_bench_pool_make(mun_bench_signers *signers, size_t n, unsigned cores,
                                      mun_bench_pool *ret, mun_error *err);
void mun_bench_pool_free(mun_bench_pool *pool);
static inline mun_slice mun_bench_pool_at(const mun_bench_pool *pool, uint64_t n)
{
    return mun_slice_of(pool->bytes + n * pool->each, pool->each);
}

/* A receipt that came back, and for which statement. */
typedef struct mun_bench_ack {
    uint64_t statement;
    uint32_t len, location_len;
    uint8_t *bytes; /* the receipt, then the location */
} mun_bench_ack;

typedef struct mun_bench_acks {
    mun_bench_ack *list;
    size_t len, cap;
    uint8_t **blocks; /* memory of the receipts */
    size_t blocks_len;
    size_t block_left;
    uint64_t lost; /* that did not fit into memory */
} mun_bench_acks;

void mun_bench_acks_put(mun_bench_acks *acks, uint64_t statement, mun_slice receipt,
                        mun_slice location);
void mun_bench_acks_free(mun_bench_acks *acks);

/* The keys of the service, from its /.well-known/scitt-keys (SCRAPI). */
typedef struct mun_bench_keys {
    mun_public_key key[MUN_BENCH_KEYS];
    uint8_t kid[MUN_BENCH_KEYS][MUN_KID_MAX];
    size_t kid_len[MUN_BENCH_KEYS];
    size_t len;
} mun_bench_keys;

MUN_MUST mun_code mun_bench_keys_read(const mun_load_target *target, mun_bench_keys *ret,
                                      mun_error *err);
/*
 * Verifies every receipt over its statement, and that receipts of one statement agree on the entry.
 * MUN_E_INVALID says how many do not. bad counts them.
 */
MUN_MUST mun_code mun_bench_acks_verify(const mun_bench_acks *acks, const mun_bench_pool *pool,
                                        const mun_bench_keys *keys, unsigned cores, mun_error *err);

/* A service of our own on a fresh ledger in the bench's folder. */
typedef struct mun_bench_service {
    pid_t pid;
    char url[64];
} mun_bench_service;

MUN_MUST mun_code mun_bench_service_start(mun_bench *b, mun_bench_service *ret, mun_error *err);
void mun_bench_service_stop(mun_bench_service *service);

/* What a registration costs by stage: the difference of two readings of /metrics. */
#define MUN_BENCH_STAGES 16
typedef struct mun_bench_stages {
    char name[MUN_BENCH_STAGES][24];
    double seconds[MUN_BENCH_STAGES];
    double count[MUN_BENCH_STAGES];
    size_t len;
    double syncs, batches, batched; /* syncs to the disk; calls of register, statements in them */
    double cpu;                     /* seconds of processor time of the whole service */
    double rss;                     /* bytes; 0: not told */
} mun_bench_stages;

/* An empty reading where the service has no such page. */
void mun_bench_stages_read(const mun_load_target *target, mun_bench_stages *ret);
void mun_bench_stages_print(mun_bench *b, const mun_bench_stages *before,
                            const mun_bench_stages *after);

#endif
