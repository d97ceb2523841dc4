/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers statements from several threads for ever (or a given number) and writes one line for
 * each acknowledgement:
 *
 *     ack INDEX TIME_MS LEAF_HEX SUBJECT
 *
 * in one write(2), after mun_ledger_register returned. The test that runs it kills it at a random
 * instant and asks later whether everything acknowledged is there; or traces its system calls and
 * asks whether a sync stands before each line. Every tenth statement is one that was registered
 * before. Usage: crash_load LEDGER THREADS COUNT(0: for ever) TAG
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include <muniment/keys.h>
#include <muniment/ledger.h>

#define STATEMENT_CAP 4096
#define BATCH         8

static mun_ledger *ledger;
static const char *tag;
static unsigned long count;

static void die(const char *what, const mun_error *err)
{
    fprintf(stderr, "crash_load: %s: %s\n", what, err->text);
    exit(mun_code_exit(err->code));
}

typedef struct maker {
    mun_crypto crypto;
    mun_private_key *key;
    mun_signer signer;
    mun_buf name; /* the key's thumbprint URI */
} maker;

static void maker_init(maker *m)
{
    mun_error err = {0};
    if (mun_native_crypto_new(&m->crypto, &err) != MUN_OK) die("crypto", &err);
    if (mun_private_key_generate(MUN_ALG_EDDSA, &m->key, &err) != MUN_OK) die("key", &err);
    mun_private_key_signer(m->key, &m->signer);
    mun_key_thumbprint(&m->crypto, &m->signer.key, m->signer.kid);
    m->name = mun_buf_growable(256);
    mun_key_thumbprint_uri(&m->crypto, &m->signer.key, &m->name);
}

static void make_statement(maker *m, const char *subject, mun_buf *ret)
{
    mun_error err = {0};
    uint8_t digest[MUN_HASH_SIZE];
    mun_slice sub = mun_slice_cstr(subject);
    m->crypto.sha256(m->crypto.ctx, &sub, 1, digest);
    mun_statement_params params = {
        .iss = mun_buf_slice(&m->name),
        .sub = sub,
        .payload = mun_slice_of(digest, sizeof digest),
        .hash_alg = MUN_HASH_SHA256,
    };
    if (mun_statement_sign(&params, &m->signer, ret, &err) != MUN_OK) die("sign", &err);
}

static void acknowledge(const mun_registration *done, const char *subject)
{
    uint8_t line[512];
    mun_buf out = mun_buf_fixed(line, sizeof line);
    mun_buf_text(&out, "ack ");
    mun_buf_decimal(&out, done->index);
    mun_buf_text(&out, " ");
    mun_buf_decimal(&out, done->time_ms);
    mun_buf_text(&out, " ");
    mun_buf_hex(&out, mun_slice_of(done->leaf, sizeof done->leaf));
    mun_buf_text(&out, " ");
    mun_buf_text(&out, subject);
    mun_buf_text(&out, "\n");
    if (write(STDOUT_FILENO, out.ptr, out.len) != (ssize_t)out.len) exit(errno == EPIPE ? 0 : 5);
}

static void register_round(maker *m, unsigned long thread, unsigned long round)
{
    static _Thread_local uint8_t bytes[BATCH][STATEMENT_CAP];
    static _Thread_local mun_registration done[BATCH];
    static _Thread_local mun_slice statement[BATCH];
    static _Thread_local char subject[BATCH][96];
    size_t n = round % BATCH + 1;
    for (size_t i = 0; i < n; i++) {
        if (round % 10 != 9 || statement[i].len == 0) {
            mun_buf out = mun_buf_fixed(bytes[i], sizeof bytes[i]);
            snprintf(subject[i], sizeof subject[i], "sub-%s-%lu-%lu-%zu-end", tag, thread, round,
                     i);
            make_statement(m, subject[i], &out);
            statement[i] = mun_buf_slice(&out);
        }
    }
    mun_error err = {0};
    if (mun_ledger_register(ledger, statement, n, done, NULL, &err) != MUN_OK)
        die("register", &err);
    for (size_t i = 0; i < n; i++) {
        if (done[i].code != MUN_OK) die("refused", &done[i].error);
        acknowledge(&done[i], subject[i]);
    }
}

static void *load(void *arg)
{
    unsigned long thread = (unsigned long)(uintptr_t)arg;
    maker m;
    maker_init(&m);
    for (unsigned long round = 0; count == 0 || round < count; round++)
        register_round(&m, thread, round);
    mun_buf_free(&m.name);
    mun_private_key_free(m.key);
    mun_native_crypto_free(&m.crypto);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: crash_load LEDGER THREADS COUNT TAG\n");
        return 2;
    }
    unsigned long threads = strtoul(argv[2], NULL, 10);
    count = strtoul(argv[3], NULL, 10);
    tag = argv[4];
    mun_error err = {0};
    if (mun_ledger_open(argv[1], NULL, &ledger, &err) != MUN_OK) die("open", &err);
    pthread_t id[16];
    if (threads < 1 || threads > 16) return 2;
    for (unsigned long i = 0; i < threads; i++)
        if (pthread_create(&id[i], NULL, load, (void *)(uintptr_t)i) != 0) return 5;
    for (unsigned long i = 0; i < threads; i++) pthread_join(id[i], NULL);
    if (mun_ledger_close(ledger, &err) != MUN_OK) die("close", &err);
    return 0;
}
