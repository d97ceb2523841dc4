/* SPDX-License-Identifier: Apache-2.0 */
/* proof_memory and proof_cold: inclusion proofs made and verified. */
#include "cli/bench.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define HEIGHTS 32
#define TURN    5.0 /* seconds, at most what the user said */

/* All nodes of a tree in memory: those of height h one after the other. */
typedef struct memory_tree {
    uint64_t size;
    mun_hash *level[HEIGHTS];
    mun_hash root;
} memory_tree;

static mun_code memory_get(void *ctx, unsigned height, uint64_t index, mun_hash *ret,
                           mun_error *err)
{
    const memory_tree *t = ctx;
    (void)err;
    *ret = t->level[height][index];
    return MUN_OK;
}

static void memory_put(void *ctx, unsigned height, uint64_t index, const mun_hash *node)
{
    memory_tree *t = ctx;
    t->level[height][index] = *node;
}

static void memory_free(memory_tree *t)
{
    for (unsigned h = 0; h < HEIGHTS; h++) free(t->level[h]);
}

static mun_code memory_build(const mun_crypto *crypto, uint64_t size, memory_tree *ret,
                             mun_error *err)
{
    mun_frontier frontier = {0};
    *ret = (memory_tree){.size = size};
    for (unsigned h = 0; h < HEIGHTS && size >> h > 0; h++) {
        ret->level[h] = malloc((size >> h) * sizeof(mun_hash));
        if (ret->level[h] != NULL) continue;
        memory_free(ret);
        return mun_failf(err, MUN_E_MEMORY, 0, "no memory for a tree; give smaller --entries");
    }
    for (uint64_t i = 0; i < size; i++) {
        mun_hash leaf;
        mun_hash_leaf(crypto, mun_slice_of(&i, sizeof i), &leaf);
        mun_frontier_append(&frontier, crypto, &leaf, memory_put, ret);
    }
    mun_frontier_root(&frontier, crypto, &ret->root);
    return MUN_OK;
}

/* ---- Provers: one thread for each core ---- */

typedef struct prover {
    const memory_tree *tree; /* one of both */
    mun_log *log;
    mun_tree_head head;
    double until;
    uint64_t seed, count;
    mun_code code;
} prover;

static mun_code make_and_check(prover *p, const mun_crypto *crypto, uint64_t index, mun_error *err)
{
    mun_path path;
    mun_hash leaf, root;
    if (p->tree != NULL) {
        memory_tree *tree = (memory_tree *)(uintptr_t)p->tree;
        mun_node_source source = {.ctx = tree, .get = memory_get};
        MUN_TRY(mun_inclusion_make(crypto, &source, index, p->head.size, &path, err));
        leaf = tree->level[0][index];
    } else {
        MUN_TRY(mun_log_inclusion(p->log, index, p->head.size, &path, err));
        MUN_TRY(mun_log_leaf(p->log, index, &leaf, err));
    }
    MUN_TRY(mun_inclusion_fold(crypto, index, p->head.size, &leaf, path.node, path.len, &root));
    return mun_hash_equal(&root, &p->head.root) ? MUN_OK : MUN_E_INVALID;
}

static void *prove(void *arg)
{
    prover *p = arg;
    mun_crypto crypto;
    mun_error err;
    uint64_t x = p->seed;
    p->code = mun_native_crypto_new(&crypto, &err);
    if (p->code != MUN_OK) return NULL;
    while (p->code == MUN_OK && mun_bench_now() < p->until) {
        for (int i = 0; i < 64 && p->code == MUN_OK; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            p->code = make_and_check(p, &crypto, x % p->head.size, &err);
        }
        p->count += 64;
    }
    mun_native_crypto_free(&crypto);
    return NULL;
}

static mun_code prove_all(const mun_bench *b, const prover *model, double *ret_per_second,
                          mun_error *err)
{
    pthread_t threads[MUN_BENCH_AT_ONCE];
    prover work[MUN_BENCH_AT_ONCE];
    unsigned n = b->cores < MUN_BENCH_AT_ONCE ? b->cores : MUN_BENCH_AT_ONCE, started = 0;
    uint64_t count = 0;
    double seconds = b->seconds < TURN ? b->seconds : TURN, start = mun_bench_now();
    mun_code code = MUN_OK;
    for (; started < n; started++) {
        work[started] = *model;
        work[started].until = start + seconds;
        work[started].seed = UINT64_C(0x9e3779b97f4a7c15) * (started + 1);
        if (pthread_create(&threads[started], NULL, prove, &work[started]) != 0) break;
    }
    for (unsigned i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        count += work[i].count;
        if (work[i].code != MUN_OK) code = work[i].code;
    }
    *ret_per_second = (double)count / (mun_bench_now() - start);
    if (code == MUN_OK && started == n) return MUN_OK;
    return mun_fail(err, code != MUN_OK ? code : MUN_E_MEMORY, MUN_NO_OFFSET, "a proof failed");
}

static mun_code measure_memory(mun_bench *b, mun_error *err)
{
    memory_tree tree;
    double per_second = 0;
    if (!mun_bench_wants(b, "proof_memory")) return MUN_OK;
    mun_bench_say(b, "proofs from a tree in memory");
    MUN_TRY(memory_build(&b->app->crypto, b->entries, &tree, err));
    prover model = {.tree = &tree, .head = {.size = tree.size, .root = tree.root}};
    mun_code code = prove_all(b, &model, &per_second, err);
    memory_free(&tree);
    MUN_TRY(code);
    mun_bench_result(b, "proof_memory", per_second, "1/s",
                     "inclusion proofs made and verified, random entries of %llu, all nodes in "
                     "memory, %u threads",
                     (unsigned long long)b->entries, b->cores);
    return MUN_OK;
}

static mun_code measure_cold(mun_bench *b, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    mun_bench_log log;
    double warm_up = 0, per_second = 0;
    if (!mun_bench_wants(b, "proof_cold")) return MUN_OK;
    MUN_TRY(mun_bench_big_log(b, path, err));
    mun_bench_say(b, "proofs from the files of a log");
    MUN_TRY(mun_bench_log_open(path, MUN_BENCH_READ_ONLY, &log, err));
    prover model = {.log = log.log, .head = mun_log_head(log.log)};
    mun_code code = prove_all(b, &model, &warm_up, err); /* fills the page cache */
    mun_code closed = mun_bench_log_close(&log, code == MUN_OK ? err : NULL);
    MUN_TRY(code != MUN_OK ? code : closed);
    MUN_TRY(mun_bench_log_open(path, MUN_BENCH_READ_ONLY, &log, err));
    model.log = log.log;
    code = prove_all(b, &model, &per_second, err);
    closed = mun_bench_log_close(&log, code == MUN_OK ? err : NULL);
    MUN_TRY(code != MUN_OK ? code : closed);
    mun_bench_result(b, "proof_cold", per_second, "1/s",
                     "inclusion proofs made from the files and verified, random entries of %llu, "
                     "page cache warm, log just opened, %u threads",
                     (unsigned long long)model.head.size, b->cores);
    return MUN_OK;
}

mun_code mun_bench_proofs(mun_bench *b, mun_error *err)
{
    MUN_TRY(measure_memory(b, err));
    return measure_cold(b, err);
}
