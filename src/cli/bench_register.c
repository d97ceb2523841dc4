/* SPDX-License-Identifier: Apache-2.0 */
/* register_full with crypto_floor, register_latency: the whole way of a statement. */
#include "cli/bench.h"
#include "trust/keyfile.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ISSUER        "https://bench.invalid"
#define ORIGIN        "bench.invalid/register"
#define PADDING       722 /* of the subject: makes the entry 1 KiB */
#define CALL          64  /* statements in one call of register_full */
#define TURNS         4
#define TURN_CALLS    256 /* calls in one turn, which ends with a search over all of them */
#define LATENCY_RUNS  4000
#define FLOOR_MESSAGE 1024

typedef struct yard {
    mun_bench *b;
    mun_signing_key key;
    mun_ledger *ledger;
    mun_buf *statements; /* signed before the clock runs */
    size_t statements_len;
    uint64_t made;
} yard;

static mun_code sign_one(const yard *y, uint64_t number, mun_buf *ret, mun_error *err)
{
    char subject[PADDING + 1];
    uint8_t digest[MUN_HASH_SIZE] = {0};
    memset(subject, 'x', sizeof subject);
    int len = snprintf(subject, sizeof subject, "%020llu", (unsigned long long)number);
    subject[len] = '-';
    memcpy(digest, &number, sizeof number);
    mun_statement_params params = {.iss = MUN_LITERAL(ISSUER),
                                   .sub = mun_slice_of(subject, PADDING),
                                   .with_iat = true,
                                   .iat = 1700000000,
                                   .payload = mun_slice_of(digest, sizeof digest),
                                   .hash_alg = MUN_HASH_SHA256};
    return mun_statement_sign(&params, &y->key.signer, ret, err);
}

static mun_code sign_all(yard *y, size_t n, mun_error *err)
{
    for (size_t i = 0; i < n; i++) {
        y->statements[i].len = 0;
        MUN_TRY(sign_one(y, y->made++, &y->statements[i], err));
    }
    y->statements_len = n;
    return MUN_OK;
}

/* ---- register_full: callers share the statements ---- */

typedef struct callers {
    yard *y;
    atomic_size_t next;
    atomic_int code;
} callers;

static mun_code one_call(yard *y, size_t first, mun_buf *receipts, mun_registration *results)
{
    mun_slice slices[CALL];
    mun_error why;
    size_t n = y->statements_len - first < CALL ? y->statements_len - first : CALL;
    for (size_t i = 0; i < n; i++) {
        slices[i] = mun_buf_slice(&y->statements[first + i]);
        receipts[i].len = 0;
    }
    MUN_TRY(mun_ledger_register(y->ledger, slices, n, results, receipts, &why));
    for (size_t i = 0; i < n; i++) MUN_TRY(results[i].code);
    return MUN_OK;
}

static void *caller_thread(void *arg)
{
    callers *c = arg;
    mun_buf receipts[CALL];
    mun_registration *results = calloc(CALL, sizeof *results);
    for (size_t i = 0; i < CALL; i++) receipts[i] = mun_buf_growable(MUN_EVIDENCE_MAX);
    for (;;) {
        size_t first = atomic_fetch_add(&c->next, CALL);
        if (first >= c->y->statements_len || results == NULL) break;
        mun_code code = one_call(c->y, first, receipts, results);
        if (code == MUN_OK) continue;
        atomic_store(&c->code, (int)code);
        break;
    }
    for (size_t i = 0; i < CALL; i++) mun_buf_free(&receipts[i]);
    free(results);
    return NULL;
}

static mun_code found_one(void *ctx, const mun_found *found, mun_error *err)
{
    (void)err;
    *(uint64_t *)ctx = found->index;
    return MUN_OK;
}

/* A search that has to see everything registered: it waits for the index where it lags. */
static mun_code search_all(mun_ledger *ledger, mun_error *err)
{
    uint64_t size = mun_ledger_tree(ledger).size, seen = 0;
    mun_query query = {.iss = MUN_LITERAL(ISSUER), .have_after = true, .after = size - 2};
    MUN_TRY(mun_ledger_find(ledger, &query, found_one, &seen, err));
    if (seen == size - 1) return MUN_OK;
    return mun_fail(err, MUN_E_FAILED, MUN_NO_OFFSET, "a search missed what was registered");
}

static mun_code register_turn(yard *y, double *took, uint64_t *count, mun_error *err)
{
    callers c = {.y = y};
    atomic_init(&c.next, 0);
    atomic_init(&c.code, MUN_OK);
    MUN_TRY(sign_all(y, (size_t)CALL * TURN_CALLS, err));
    double start = mun_bench_now();
    bool all = mun_bench_at_once(y->b->cores * 2, caller_thread, &c);
    mun_code code = (mun_code)atomic_load(&c.code);
    if (code != MUN_OK || !all) {
        return mun_fail(err, code != MUN_OK ? code : MUN_E_MEMORY, MUN_NO_OFFSET,
                        "a registration failed");
    }
    MUN_TRY(search_all(y->ledger, err));
    *took += mun_bench_now() - start;
    *count += y->statements_len;
    return MUN_OK;
}

/* ---- crypto_floor: one verification and one signature for each, nothing else ---- */

typedef struct floor_thread {
    const mun_signing_key *key;
    double seconds;
    uint64_t count;
    bool failed;
} floor_thread;

static void *floor_work(void *arg)
{
    floor_thread *t = arg;
    mun_crypto crypto;
    uint8_t message[FLOOR_MESSAGE], signature[MUN_SIGNATURE_MAX], again[MUN_SIGNATURE_MAX];
    size_t len = 0, again_len = 0;
    mun_slice part = mun_slice_of(message, sizeof message);
    const mun_signer *signer = &t->key->signer;
    mun_bench_entry(message, sizeof message, 7);
    t->failed = mun_native_crypto_new(&crypto, NULL) != MUN_OK;
    if (t->failed) return NULL;
    t->failed = signer->sign(signer->ctx, &part, 1, signature, &len) != MUN_OK;
    double start = mun_bench_now();
    while (!t->failed && mun_bench_now() - start < t->seconds) {
        for (int i = 0; i < 16; i++) {
            mun_code code = crypto.verify(crypto.ctx, signer->alg, &signer->key, &part, 1,
                                          mun_slice_of(signature, len));
            if (code != MUN_OK) t->failed = true;
            code = signer->sign(signer->ctx, &part, 1, again, &again_len);
            if (code != MUN_OK) t->failed = true;
        }
        t->count += 16;
    }
    mun_native_crypto_free(&crypto);
    return NULL;
}

static mun_code floor_turn(const yard *y, double seconds, double *took, uint64_t *count,
                           mun_error *err)
{
    pthread_t threads[MUN_BENCH_AT_ONCE];
    floor_thread work[MUN_BENCH_AT_ONCE];
    unsigned n = y->b->cores < MUN_BENCH_AT_ONCE ? y->b->cores : MUN_BENCH_AT_ONCE, started = 0;
    bool failed = false;
    double start = mun_bench_now();
    for (; started < n; started++) {
        work[started] = (floor_thread){.key = &y->key, .seconds = seconds};
        if (pthread_create(&threads[started], NULL, floor_work, &work[started]) != 0) break;
    }
    for (unsigned i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        *count += work[i].count;
        failed |= work[i].failed;
    }
    *took += mun_bench_now() - start;
    if (!failed && started == n) return MUN_OK;
    return mun_fail(err, MUN_E_CRYPTO, MUN_NO_OFFSET, "signing or verifying failed");
}

static mun_code measure_full(yard *y, mun_error *err)
{
    double took = 0, floor_took = 0;
    uint64_t count = 0, floor_count = 0;
    mun_bench *b = y->b;
    if (!mun_bench_wants(b, "register_full") && !mun_bench_wants(b, "crypto_floor")) return MUN_OK;
    mun_bench_say(b, "registering, in turns with bare signatures");
    for (int i = 0; i < TURNS && !mun_interrupted(); i++) {
        MUN_TRY(floor_turn(y, 1.0, &floor_took, &floor_count, err));
        MUN_TRY(register_turn(y, &took, &count, err));
    }
    double full = (double)count / took, floor = (double)floor_count / floor_took;
    mun_bench_result(b, "register_full", full, "1/s",
                     "%.0f %% of crypto_floor; ES256 verified, deduplicated, indexed, receipt "
                     "signed, durable; %u callers, %d statements of 1 KiB a call, %u cores, %s",
                     100 * full / floor, b->cores * 2, CALL, b->cores, b->fs.type);
    mun_bench_result(b, "crypto_floor", floor, "1/s",
                     "one ES256 verification and one signature each, %u threads, in turns with "
                     "register_full",
                     b->cores);
    return MUN_OK;
}

/* ---- register_latency ---- */

static mun_code measure_latency(yard *y, mun_error *err)
{
    mun_bench *b = y->b;
    static double took[LATENCY_RUNS];
    mun_buf receipt MUN_BUF_AUTO = mun_buf_growable(MUN_EVIDENCE_MAX);
    mun_registration result;
    if (!mun_bench_wants(b, "register_latency")) return MUN_OK;
    mun_bench_say(b, "registering one at a time");
    MUN_TRY(sign_all(y, LATENCY_RUNS, err));
    for (size_t i = 0; i < LATENCY_RUNS && !mun_interrupted(); i++) {
        mun_slice statement = mun_buf_slice(&y->statements[i]);
        receipt.len = 0;
        double start = mun_bench_now();
        MUN_TRY(mun_ledger_register(y->ledger, &statement, 1, &result, &receipt, err));
        took[i] = mun_bench_now() - start;
        if (result.code != MUN_OK)
            return mun_fail(err, result.code, MUN_NO_OFFSET, "not registered");
    }
    mun_bench_sort(took, LATENCY_RUNS);
    mun_bench_result(b, "register_latency", 1000 * took[LATENCY_RUNS / 2], "ms",
                     "p50; p99 %.3f, greatest %.3f; one caller, from statement to receipt, %d "
                     "registrations of 1 KiB, %s",
                     1000 * took[LATENCY_RUNS * 99 / 100], 1000 * took[LATENCY_RUNS - 1],
                     LATENCY_RUNS, b->fs.type);
    return MUN_OK;
}

/* ---- The yard ---- */

static mun_code open_yard(yard *y, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX], key_path[MUN_PATH_BYTES_MAX];
    mun_ledger_create_options options = {.origin = MUN_LITERAL(ORIGIN)};
    mun_public_key public_key;
    uint64_t index;
    MUN_TRY(mun_bench_path(y->b, "register", path, err));
    MUN_TRY(mun_bench_path(y->b, "register.key", key_path, err));
    MUN_TRY(mun_key_files_make(key_path, MUN_ALG_ES256, (mun_slice){0}, &public_key, err));
    MUN_TRY(mun_signing_key_read(key_path, (mun_slice){0}, &y->key, err));
    MUN_TRY(mun_ledger_create(path, &options, err));
    MUN_TRY(mun_ledger_open(path, NULL, &y->ledger, err));
    mun_issuer_key issuer = {.key = public_key};
    return mun_ledger_issuer_add(y->ledger, MUN_LITERAL(ISSUER), &issuer, &index, err);
}

static mun_code run(yard *y, mun_error *err)
{
    size_t room = (size_t)CALL * TURN_CALLS;
    if (room < LATENCY_RUNS) room = LATENCY_RUNS;
    y->statements = calloc(room, sizeof *y->statements);
    if (y->statements == NULL) return mun_failf(err, MUN_E_MEMORY, 0, "no memory for statements");
    for (size_t i = 0; i < room; i++) y->statements[i] = mun_buf_growable(MUN_STATEMENT_MAX);
    mun_code code = measure_latency(y, err);
    if (code == MUN_OK) code = measure_full(y, err);
    for (size_t i = 0; i < room; i++) mun_buf_free(&y->statements[i]);
    free(y->statements);
    return code;
}

mun_code mun_bench_registers(mun_bench *b, mun_error *err)
{
    yard y = {.b = b};
    if (!mun_bench_wants(b, "register_full") && !mun_bench_wants(b, "crypto_floor") &&
        !mun_bench_wants(b, "register_latency")) {
        return MUN_OK;
    }
    mun_code code = open_yard(&y, err);
    if (code == MUN_OK) code = run(&y, err);
    mun_code closed = mun_ledger_close(y.ledger, code == MUN_OK ? err : NULL);
    mun_signing_key_free(&y.key);
    MUN_TRY(code != MUN_OK ? code : closed);
    return mun_bench_remove(b, "register", err);
}
