/* SPDX-License-Identifier: Apache-2.0 */
/* Statements for the load, signed by all cores before the clock starts. */
#include "cli/bench_http.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mun_code one_signer(mun_bench_signers *s, size_t i, mun_error *err)
{
    mun_crypto crypto;
    MUN_TRY(mun_private_key_generate(MUN_ALG_ES256, &s->made[i], err));
    mun_private_key_signer(s->made[i], &s->signer[i]);
    MUN_TRY(mun_native_crypto_new(&crypto, err));
    mun_buf name = mun_buf_fixed(s->name[i], sizeof s->name[i]);
    mun_key_thumbprint(&crypto, &s->signer[i].key, s->signer[i].kid);
    mun_key_thumbprint_uri(&crypto, &s->signer[i].key, &name);
    mun_native_crypto_free(&crypto);
    s->iss[i] = mun_buf_slice(&name);
    s->len = i + 1;
    return MUN_OK;
}

static mun_code given_signer(const mun_app *app, const char *path, mun_bench_signers *s,
                             mun_error *err)
{
    MUN_TRY(mun_signing_key_read(path, (mun_slice){0}, &s->given, err));
    s->signer[0] = s->given.signer;
    s->len = 1;
    MUN_TRY(mun_app_text(app, MUN_OPT_ISSUER, &s->iss[0], err));
    if (s->iss[0].len > 0) return MUN_OK;
    mun_buf name = mun_buf_fixed(s->name[0], sizeof s->name[0]);
    mun_key_thumbprint_uri(&app->crypto, &s->signer[0].key, &name);
    s->iss[0] = mun_buf_slice(&name);
    return MUN_OK;
}

mun_code mun_bench_signers_begin(const mun_app *app, mun_bench_signers *ret, mun_error *err)
{
    const char *path = mun_app_value(app, MUN_OPT_KEY);
    *ret = (mun_bench_signers){0};
    /* Runs against one service must not repeat what earlier ones have registered. */
    ret->next = mun_wall_clock_ms() << 20;
    if (path != NULL) return given_signer(app, path, ret, err);
    mun_code code = MUN_OK;
    for (size_t i = 0; i < MUN_BENCH_SIGNERS && code == MUN_OK; i++) {
        code = one_signer(ret, i, err);
    }
    if (code != MUN_OK) mun_bench_signers_end(ret);
    return code;
}

void mun_bench_signers_end(mun_bench_signers *signers)
{
    for (size_t i = 0; i < MUN_BENCH_SIGNERS; i++) mun_private_key_free(signers->made[i]);
    mun_signing_key_free(&signers->given);
    *signers = (mun_bench_signers){0};
}

static mun_code sign_one(const mun_bench_signers *s, uint64_t number, size_t padding, mun_buf *ret,
                         mun_error *err)
{
    char subject[MUN_BENCH_STATEMENT];
    uint8_t digest[MUN_HASH_SIZE] = {0};
    size_t who = number % s->len;
    memset(subject, 'x', sizeof subject);
    int len = snprintf(subject, sizeof subject, "%020llu", (unsigned long long)number);
    subject[len] = '-';
    memcpy(digest, &number, sizeof number);
    mun_statement_params params = {.iss = s->iss[who],
                                   .sub = mun_slice_of(subject, padding),
                                   .with_iat = true,
                                   .iat = 1700000000,
                                   .payload = mun_slice_of(digest, sizeof digest),
                                   .hash_alg = MUN_HASH_SHA256};
    return mun_statement_sign(&params, &s->signer[who], ret, err);
}

/* How long the subject must be for a statement of 1 KiB. */
static mun_code find_padding(const mun_bench_signers *s, size_t *ret, mun_error *err)
{
    uint8_t room[2 * MUN_BENCH_STATEMENT];
    size_t padding = 512;
    for (int i = 0; i < 3; i++) {
        mun_buf one = mun_buf_fixed(room, sizeof room);
        MUN_TRY(sign_one(s, s->next, padding, &one, err));
        padding = padding + MUN_BENCH_STATEMENT - one.len;
        if (padding < 24 || padding >= MUN_BENCH_STATEMENT) {
            return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "the issuer's name is too long");
        }
    }
    *ret = padding;
    return MUN_OK;
}

typedef struct work {
    const mun_bench_signers *signers;
    mun_bench_pool *pool;
    size_t padding;
    atomic_size_t next;
    atomic_bool failed;
} work;

static void *sign_thread(void *arg)
{
    work *w = arg;
    for (;;) {
        size_t i = atomic_fetch_add(&w->next, 1);
        if (i >= w->pool->len || atomic_load(&w->failed)) break;
        mun_buf one = mun_buf_fixed(w->pool->bytes + i * w->pool->each, w->pool->each);
        mun_code code = sign_one(w->signers, w->signers->next + i, w->padding, &one, NULL);
        if (code != MUN_OK || one.len != w->pool->each) atomic_store(&w->failed, true);
    }
    return NULL;
}

mun_code mun_bench_pool_make(mun_bench_signers *signers, size_t n, unsigned cores,
                             mun_bench_pool *ret, mun_error *err)
{
    mun_bench_pool pool = {.each = MUN_BENCH_STATEMENT, .len = n};
    work w = {.signers = signers, .pool = &pool};
    MUN_TRY(find_padding(signers, &w.padding, err));
    pool.bytes = malloc(n * pool.each + 1);
    if (pool.bytes == NULL) return mun_failf(err, MUN_E_MEMORY, 0, "no memory for statements");
    atomic_init(&w.next, 0);
    atomic_init(&w.failed, false);
    if (!mun_bench_at_once(cores, sign_thread, &w) || atomic_load(&w.failed)) {
        free(pool.bytes);
        return mun_fail(err, MUN_E_CRYPTO, MUN_NO_OFFSET, "signing the statements failed");
    }
    signers->next += n;
    *ret = pool;
    return MUN_OK;
}

void mun_bench_pool_free(mun_bench_pool *pool)
{
    free(pool->bytes);
    *pool = (mun_bench_pool){0};
}
