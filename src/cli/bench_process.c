/* SPDX-License-Identifier: Apache-2.0 */
/* verify_process and wasm_size: the size of what everyone runs. */
#include "cli/bench.h"
#include "cli/document.h"
#include "cli/sibling.h"
#include "trust/keyfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNS       300
#define DOCUMENT   4096
#define ISSUER     "https://bench.invalid"
#define ORIGIN     "bench.invalid/ledger"
#define WASM       "muniment-verify.wasm"
#define TRACE_RUNS 20 /* first runs, not counted: they fill the page cache */

/* The files of one verification, below the bench's folder. */
typedef struct setting {
    char program[MUN_PATH_BYTES_MAX];
    char ledger[MUN_PATH_BYTES_MAX], key[MUN_PATH_BYTES_MAX], key_pub[MUN_PATH_BYTES_MAX];
    char document[MUN_PATH_BYTES_MAX], evidence[MUN_PATH_BYTES_MAX], pub[MUN_PATH_BYTES_MAX];
} setting;

static mun_code find_paths(const mun_bench *b, setting *s, mun_error *err)
{
    MUN_TRY(mun_sibling_find("muniment", s->program, sizeof s->program, err));
    MUN_TRY(mun_bench_path(b, "process", s->ledger, err));
    MUN_TRY(mun_bench_path(b, "process/ledger.pub", s->pub, err));
    MUN_TRY(mun_bench_path(b, "key", s->key, err));
    MUN_TRY(mun_bench_path(b, "key.pub", s->key_pub, err));
    MUN_TRY(mun_bench_path(b, "document", s->document, err));
    return mun_bench_path(b, "document.scitt", s->evidence, err);
}

static mun_code register_document(const mun_signing_key *key, mun_ledger *ledger, const setting *s,
                                  mun_error *err)
{
    uint8_t bytes[DOCUMENT];
    mun_document document;
    mun_registration result;
    mun_buf statement MUN_BUF_AUTO = mun_buf_growable(MUN_STATEMENT_MAX);
    mun_buf evidence MUN_BUF_AUTO = mun_buf_growable(MUN_EVIDENCE_MAX);
    mun_issuer_key issuer = {.key = key->signer.key};
    mun_bench_entry(bytes, sizeof bytes, 1);
    MUN_TRY(mun_file_write(s->document, mun_slice_of(bytes, sizeof bytes), 0, err));
    MUN_TRY(mun_document_digest(s->document, MUN_HASH_SHA256, &document, err));
    mun_statement_params params = {.iss = MUN_LITERAL(ISSUER),
                                   .sub = MUN_LITERAL("document"),
                                   .payload = mun_slice_of(document.digest, document.digest_len),
                                   .hash_alg = MUN_HASH_SHA256};
    MUN_TRY(mun_ledger_issuer_add(ledger, params.iss, &issuer, &result.index, err));
    MUN_TRY(mun_statement_sign(&params, &key->signer, &statement, err));
    mun_slice one = mun_buf_slice(&statement);
    MUN_TRY(mun_ledger_register(ledger, &one, 1, &result, NULL, err));
    if (result.code != MUN_OK) {
        *err = result.error;
        return result.code;
    }
    MUN_TRY(mun_ledger_evidence(ledger, result.index, &evidence, err));
    return mun_file_write(s->evidence, mun_buf_slice(&evidence), 0, err);
}

static mun_code prepare(const setting *s, mun_error *err)
{
    mun_public_key public_key;
    mun_signing_key key;
    mun_ledger *ledger = NULL;
    mun_ledger_create_options options = {.origin = MUN_LITERAL(ORIGIN)};
    MUN_TRY(mun_ledger_create(s->ledger, &options, err));
    MUN_TRY(mun_key_files_make(s->key, MUN_ALG_ES256, (mun_slice){0}, &public_key, err));
    MUN_TRY(mun_signing_key_read(s->key, (mun_slice){0}, &key, err));
    mun_code code = mun_ledger_open(s->ledger, NULL, &ledger, err);
    if (code == MUN_OK) code = register_document(&key, ledger, s, err);
    mun_code closed = mun_ledger_close(ledger, code == MUN_OK ? err : NULL);
    mun_signing_key_free(&key);
    return code != MUN_OK ? code : closed;
}

/* One whole process, from fork to its end, in seconds. */
static mun_code run_once(const setting *s, double *ret_seconds, mun_error *err)
{
    double start = mun_bench_now();
    pid_t child = fork();
    if (child == 0) {
        execl(s->program, "muniment", "verify", "--quiet", s->document, "--issuer-key", s->key_pub,
              "--ledger-key", s->pub, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return mun_fail(err, MUN_E_IO, MUN_NO_OFFSET, "cannot start a process");
    }
    *ret_seconds = mun_bench_now() - start;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return MUN_OK;
    return mun_failf(err, MUN_E_IO, 0, "muniment verify did not end well (status %d)", status);
}

static mun_code measure_verify(mun_bench *b, mun_error *err)
{
    static setting s;
    double took[RUNS];
    if (!mun_bench_wants(b, "verify_process")) return MUN_OK;
    mun_bench_say(b, "verifying one document, whole process");
    MUN_TRY(find_paths(b, &s, err));
    MUN_TRY(prepare(&s, err));
    for (int i = 0; i < TRACE_RUNS; i++) MUN_TRY(run_once(&s, &took[0], err));
    for (int i = 0; i < RUNS && !mun_interrupted(); i++) MUN_TRY(run_once(&s, &took[i], err));
    mun_bench_sort(took, RUNS);
    mun_bench_result(b, "verify_process", 1000 * took[RUNS / 2], "ms",
                     "median of %d processes, fork to exit; least %.2f, p90 %.2f; 4 KiB document, "
                     "ES256 statement, receipt and tlog-proof",
                     RUNS, 1000 * took[0], 1000 * took[RUNS * 9 / 10]);
    return MUN_OK;
}

/* In a build tree the WebAssembly build is a neighbour; installed it is among the data. */
static bool find_wasm(mun_file_info *ret)
{
    char path[MUN_PATH_BYTES_MAX];
    bool found = mun_sibling_find("../wasm/" WASM, path, sizeof path, NULL) == MUN_OK ||
                 mun_sibling_find(WASM, path, sizeof path, NULL) == MUN_OK ||
                 mun_data_find(WASM, path, sizeof path, NULL) == MUN_OK;
    return found && mun_file_look(path, true, ret, NULL) == MUN_OK;
}

static mun_code measure_wasm(mun_bench *b)
{
    mun_file_info info;
    if (!mun_bench_wants(b, "wasm_size")) return MUN_OK;
    if (find_wasm(&info)) {
        mun_bench_result(b, "wasm_size", (double)info.size / 1024, "KiB",
                         "verify core with report, clang -Oz and LTO, not compressed");
    } else {
        mun_bench_say(b, "wasm_size is left out: " WASM " is not built (cmake --preset wasm)");
    }
    return MUN_OK;
}

mun_code mun_bench_processes(mun_bench *b, mun_error *err)
{
    MUN_TRY(measure_verify(b, err));
    return measure_wasm(b);
}
