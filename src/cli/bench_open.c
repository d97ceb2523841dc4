/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open_clean and open_crashed: a whole ledger with keys, index and policy, its files cold.
 *
 * Signing millions of statements would take minutes that measure nothing: the entries are one
 * statement with its subject and digest counted up, put onto the log below the ledger. Their
 * signatures are wrong, and opening, which does not check them again, cannot know.
 */
#include "cli/bench.h"
#include "trust/keyfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COUNTER     "00000000000000000000" /* in the subject */
#define COUNTER_LEN (sizeof COUNTER - 1)
#define CHUNK       1024
#define CRASH_NS    1500000000 /* of registering before the kill */
#define CRASH_CALL  16
#define POLL_NS     20000000

typedef struct opening {
    mun_bench *b;
    char path[MUN_PATH_BYTES_MAX];
    mun_signing_key key;
    uint8_t iss_room[256];
    mun_slice iss;
    uint64_t made; /* statements that were really signed */
} opening;

static mun_code sign_one(opening *o, mun_slice subject, mun_buf *ret, mun_error *err)
{
    uint8_t digest[MUN_HASH_SIZE] = {1};
    uint64_t number = ++o->made;
    memcpy(digest + 8, &number, sizeof number);
    mun_statement_params params = {.iss = o->iss,
                                   .sub = subject,
                                   .payload = mun_slice_of(digest, sizeof digest),
                                   .hash_alg = MUN_HASH_SHA256};
    return mun_statement_sign(&params, &o->key.signer, ret, err);
}

static mun_code make_ledger(opening *o, mun_error *err)
{
    char key_path[MUN_PATH_BYTES_MAX];
    mun_public_key public_key;
    mun_ledger_create_options options = {.origin = MUN_LITERAL(MUN_BENCH_ORIGIN),
                                         .any_issuer = true};
    MUN_TRY(mun_bench_path(o->b, "open", o->path, err));
    MUN_TRY(mun_bench_path(o->b, "open.key", key_path, err));
    MUN_TRY(mun_key_files_make(key_path, MUN_ALG_ES256, (mun_slice){0}, &public_key, err));
    MUN_TRY(mun_signing_key_read(key_path, (mun_slice){0}, &o->key, err));
    mun_buf name = mun_buf_fixed(o->iss_room, sizeof o->iss_room);
    mun_key_thumbprint_uri(&o->b->app->crypto, &public_key, &name);
    o->iss = mun_buf_slice(&name);
    return mun_ledger_create(o->path, &options, err);
}

/* ---- Filling the log ---- */

static void count_up(uint8_t *entry, size_t digits_at, size_t digest_at, uint64_t number)
{
    char digits[COUNTER_LEN + 1];
    snprintf(digits, sizeof digits, "%020llu", (unsigned long long)number);
    memcpy(entry + digits_at, digits, COUNTER_LEN);
    memcpy(entry + digest_at, &number, sizeof number);
}

static mun_code fill_with(opening *o, mun_log *log, mun_slice model, uint8_t *bytes, mun_error *err)
{
    static mun_slice entries[CHUNK];
    static mun_appended results[CHUNK];
    mun_statement statement;
    MUN_TRY(mun_statement_parse(model, &statement, err));
    size_t digest_at = (size_t)(statement.payload.ptr - model.ptr);
    size_t digits_at = (size_t)(statement.sub.ptr - model.ptr);
    for (size_t i = 0; i < CHUNK; i++) {
        memcpy(bytes + i * model.len, model.ptr, model.len);
        entries[i] = mun_slice_of(bytes + i * model.len, model.len);
    }
    for (uint64_t done = 0; done < o->b->entries && !mun_interrupted(); done += CHUNK) {
        for (size_t i = 0; i < CHUNK; i++) {
            count_up(bytes + i * model.len, digits_at, digest_at, done + i);
        }
        MUN_TRY(mun_log_append(log, entries, CHUNK, results, NULL, err));
    }
    return MUN_OK;
}

static mun_code fill(opening *o, mun_error *err)
{
    mun_bench_log log;
    mun_buf model MUN_BUF_AUTO = mun_buf_growable(MUN_STATEMENT_MAX);
    MUN_TRY(sign_one(o, MUN_LITERAL(COUNTER), &model, err));
    MUN_TRY(mun_bench_room(o->b, o->b->entries * (model.len + 400), err));
    uint8_t *bytes = malloc(CHUNK * model.len);
    if (bytes == NULL) return mun_failf(err, MUN_E_MEMORY, 0, "no memory for entries");
    mun_code code = mun_bench_log_open(o->path, 0, &log, err);
    if (code == MUN_OK) {
        code = fill_with(o, log.log, mun_buf_slice(&model), bytes, err);
        mun_code closed = mun_bench_log_close(&log, code == MUN_OK ? err : NULL);
        if (code == MUN_OK) code = closed;
    }
    free(bytes);
    return code;
}

/* The first opening looks through what was put there behind the ledger's back, and indexes it. */
static mun_code settle(opening *o, mun_error *err)
{
    mun_ledger *ledger;
    mun_ledger_status status = {0};
    mun_bench_say(o->b, "indexing it");
    MUN_TRY(mun_ledger_open(o->path, NULL, &ledger, err));
    mun_code code = MUN_OK;
    do {
        nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
        code = mun_ledger_status_get(ledger, &status, err);
    } while (code == MUN_OK && status.index_rows < status.tree.size && !mun_interrupted());
    mun_code closed = mun_ledger_close(ledger, code == MUN_OK ? err : NULL);
    return code != MUN_OK ? code : closed;
}

/* ---- Opening ---- */

static mun_code time_reading(opening *o, double *ret_seconds, mun_error *err)
{
    mun_ledger *ledger;
    mun_ledger_open_options options = {.read_only = true};
    mun_buf entry MUN_BUF_AUTO = mun_buf_growable(MUN_STATEMENT_MAX);
    MUN_TRY(mun_bench_make_cold(o->path, err));
    double start = mun_bench_now();
    MUN_TRY(mun_ledger_open(o->path, &options, &ledger, err));
    mun_code code = mun_ledger_entry(ledger, mun_ledger_tree(ledger).size / 2, &entry, NULL, err);
    *ret_seconds = mun_bench_now() - start;
    mun_code closed = mun_ledger_close(ledger, code == MUN_OK ? err : NULL);
    return code != MUN_OK ? code : closed;
}

static mun_code register_one(mun_ledger *ledger, mun_slice statement, mun_error *err)
{
    mun_registration result;
    mun_buf receipt MUN_BUF_AUTO = mun_buf_growable(MUN_EVIDENCE_MAX);
    MUN_TRY(mun_ledger_register(ledger, &statement, 1, &result, &receipt, err));
    if (result.code != MUN_OK && err != NULL) *err = result.error;
    return result.code;
}

static mun_code time_writing(opening *o, double *ret_seconds, mun_error *err)
{
    mun_ledger *ledger;
    mun_buf statement MUN_BUF_AUTO = mun_buf_growable(MUN_STATEMENT_MAX);
    MUN_TRY(sign_one(o, MUN_LITERAL("first"), &statement, err));
    MUN_TRY(mun_bench_make_cold(o->path, err));
    double start = mun_bench_now();
    MUN_TRY(mun_ledger_open(o->path, NULL, &ledger, err));
    mun_code code = register_one(ledger, mun_buf_slice(&statement), err);
    *ret_seconds = mun_bench_now() - start;
    mun_code closed = mun_ledger_close(ledger, code == MUN_OK ? err : NULL);
    return code != MUN_OK ? code : closed;
}

/* A process that registers without end. It says one byte when the first is acknowledged. */
static mun_code register_for_ever(opening *o, int to)
{
    mun_ledger *ledger;
    mun_slice slices[CRASH_CALL];
    mun_buf statements[CRASH_CALL];
    mun_registration results[CRASH_CALL];
    for (size_t i = 0; i < CRASH_CALL; i++) statements[i] = mun_buf_growable(MUN_STATEMENT_MAX);
    MUN_TRY(mun_ledger_open(o->path, NULL, &ledger, NULL));
    o->made += UINT64_C(1) << 40; /* statements of its own */
    for (bool said = false;; said = true) {
        for (size_t i = 0; i < CRASH_CALL; i++) {
            statements[i].len = 0;
            MUN_TRY(sign_one(o, MUN_LITERAL("endless"), &statements[i], NULL));
            slices[i] = mun_buf_slice(&statements[i]);
        }
        MUN_TRY(mun_ledger_register(ledger, slices, CRASH_CALL, results, NULL, NULL));
        if (!said && write(to, "", 1) != 1) return MUN_E_IO;
    }
}

static mun_code crash(opening *o, mun_error *err)
{
    mun_bench_child c;
    int to;
    bool is_child;
    uint8_t word;
    MUN_TRY(mun_bench_start_child(&c, &to, &is_child, err));
    if (is_child) _exit(register_for_ever(o, to) == MUN_OK ? 0 : 1);
    ssize_t got = read(c.from, &word, 1);
    struct timespec rest = {CRASH_NS / 1000000000, CRASH_NS % 1000000000};
    if (got == 1) nanosleep(&rest, NULL);
    mun_bench_kill_child(&c);
    if (got == 1) return MUN_OK;
    return mun_fail(err, MUN_E_IO, MUN_NO_OFFSET, "the ledger that was to be killed did not open");
}

static mun_code measure(opening *o, mun_error *err)
{
    mun_bench *b = o->b;
    double reading, writing, crashed;
    mun_bench_say(b, "making a large ledger");
    MUN_TRY(make_ledger(o, err));
    MUN_TRY(fill(o, err));
    MUN_TRY(settle(o, err));
    mun_bench_say(b, "opening it");
    MUN_TRY(time_reading(o, &reading, err));
    MUN_TRY(time_writing(o, &writing, err));
    mun_bench_result(b, "open_clean", writing, "s",
                     "until the first receipt; until reading %.3f s; ledger of %llu statements "
                     "with keys and index, files cold, closed cleanly, %s",
                     reading, (unsigned long long)b->entries, b->fs.type);
    if (!mun_bench_wants(b, "open_crashed")) return MUN_OK;
    MUN_TRY(crash(o, err));
    MUN_TRY(time_writing(o, &crashed, err));
    mun_bench_result(b, "open_crashed", crashed, "s",
                     "until the first receipt after kill -9 while registering; the same ledger, "
                     "files cold");
    return MUN_OK;
}

mun_code mun_bench_opens(mun_bench *b, mun_error *err)
{
    static opening o;
    o.b = b;
    if (!mun_bench_wants(b, "open_clean") && !mun_bench_wants(b, "open_crashed")) return MUN_OK;
    mun_code code = measure(&o, err);
    mun_signing_key_free(&o.key);
    return code == MUN_OK ? mun_bench_remove(b, "open", err) : code;
}
