/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/ledger_world.h"

#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t world_clock(void *ctx)
{
    const world *w = ctx;
    return w->now_ms;
}

void world_make(world *w, bool any_issuer, int32_t receipt_alg)
{
    mun_ledger_create_options options = {
        .origin = MUN_LITERAL(WORLD_ORIGIN),
        .receipt_alg = receipt_alg,
        .any_issuer = any_issuer,
        .clock_ms = world_clock,
        .clock_ctx = w,
    };
    must(mun_ledger_create(w->path, &options, err));
}

mun_ledger *world_open_with(const world *w, const mun_ledger_open_options *options)
{
    mun_ledger *ledger = NULL;
    must(mun_ledger_open(w->path, options, &ledger, err));
    return ledger;
}

void world_open(world *w)
{
    mun_ledger_open_options options = {.clock_ms = world_clock, .clock_ctx = w};
    w->ledger = world_open_with(w, &options);
}

void world_close(world *w)
{
    mun_ledger *ledger = w->ledger;
    w->ledger = NULL;
    must(mun_ledger_close(ledger, err));
}

void world_file(const world *w, const char *name, char ret[MUN_PATH_BYTES_MAX])
{
    assert_true(snprintf(ret, MUN_PATH_BYTES_MAX, "%s/%s", w->path, name) < MUN_PATH_BYTES_MAX);
}

static int set_up(void **state, bool any_issuer)
{
    world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    must(mun_dir_make_temp(NULL, w->folder, err));
    assert_true(snprintf(w->path, sizeof w->path, "%.4000s/ledger", w->folder) > 0);
    w->now_ms = WORLD_START;
    must(mun_native_crypto_new(&w->crypto, err));
    w->issuer = new_signing_key(MUN_ALG_ES256);
    w->other = new_signing_key(MUN_ALG_EDDSA);
    world_make(w, any_issuer, 0);
    world_open(w);
    if (!any_issuer) world_issuer_add(w, WORLD_ISSUER, &w->issuer);
    *state = w;
    return 0;
}

int world_set_up(void **state)
{
    return set_up(state, false);
}

int world_set_up_any(void **state)
{
    return set_up(state, true);
}

int world_tear_down(void **state)
{
    world *w = *state;
    if (w->ledger != NULL) world_close(w);
    mun_signing_key_free(&w->issuer);
    mun_signing_key_free(&w->other);
    mun_native_crypto_free(&w->crypto);
    must(mun_dir_remove_all(w->folder, err));
    free(w);
    return 0;
}

/* With a table of its own: tests call these from several threads. */
static void digest_of(unsigned document, uint8_t ret[MUN_HASH_SIZE])
{
    char text[32];
    int len = snprintf(text, sizeof text, "document %u", document);
    mun_slice part = mun_slice_of(text, (size_t)len);
    mun_crypto crypto;
    must(mun_native_crypto_new(&crypto, err));
    crypto.sha256(crypto.ctx, &part, 1, ret);
    mun_native_crypto_free(&crypto);
}

void world_digest(const world *w, unsigned document, uint8_t ret[MUN_HASH_SIZE])
{
    (void)w;
    digest_of(document, ret);
}

void world_sign(const mun_signing_key *key, const char *iss, const char *sub, unsigned document,
                made *ret)
{
    uint8_t digest[MUN_HASH_SIZE];
    digest_of(document, digest);
    mun_statement_params params = {
        .iss = mun_slice_cstr(iss),
        .sub = mun_slice_cstr(sub),
        .content_type = MUN_LITERAL("text/plain"),
        .with_iat = true,
        .iat = (int64_t)(WORLD_START / 1000),
        .payload = mun_slice_of(digest, sizeof digest),
        .hash_alg = MUN_HASH_SHA256,
    };
    mun_buf buf = mun_buf_fixed(ret->bytes, sizeof ret->bytes);
    must(mun_statement_sign(&params, &key->signer, &buf, err));
    ret->len = buf.len;
}

void world_statement(const world *w, unsigned n, made *ret)
{
    char sub[32];
    snprintf(sub, sizeof sub, "subject %u", n);
    world_sign(&w->issuer, WORLD_ISSUER, sub, n, ret);
}

uint64_t world_register(world *w, const made *statement)
{
    mun_slice bytes = made_slice(statement);
    mun_registration result;
    must(mun_ledger_register(w->ledger, &bytes, 1, &result, NULL, err));
    if (result.code != MUN_OK) {
        fail_msg("not registered: %s %s", result.error.rule, result.error.text);
    }
    return result.index;
}

mun_code world_refused(world *w, mun_slice statement, mun_error *ret)
{
    mun_registration result;
    uint64_t before = mun_ledger_tree(w->ledger).size;
    must(mun_ledger_register(w->ledger, &statement, 1, &result, NULL, err));
    assert_int_not_equal(result.code, MUN_OK);
    assert_int_equal(result.code, result.error.code);
    assert_true(mun_ledger_tree(w->ledger).size == before);
    mun_error why = {0};
    assert_int_equal(mun_ledger_admits(w->ledger, statement, &why), result.code);
    assert_string_equal(why.rule, result.error.rule);
    *ret = result.error;
    return result.code;
}

uint64_t world_issuer_add(world *w, const char *iss, const mun_signing_key *key)
{
    uint64_t index = 0;
    mun_issuer_key issuer = {.key = key->signer.key};
    must(mun_ledger_issuer_add(w->ledger, mun_slice_cstr(iss), &issuer, &index, err));
    return index;
}

int world_verdict(const world *w, mun_slice evidence, unsigned document, mun_report *ret)
{
    uint8_t digest[MUN_HASH_SIZE];
    const mun_ledger_pub *pub = mun_ledger_identity(w->ledger);
    world_digest(w, document, digest);
    mun_trusted_key keys[] = {
        {.role = MUN_ROLE_ISSUER,
         .name = MUN_LITERAL(WORLD_ISSUER),
         .key = w->issuer.signer.key,
         .trusted = true},
        {.role = MUN_ROLE_LEDGER, .name = pub->origin, .key = pub->receipts, .trusted = true},
        {.role = MUN_ROLE_LEDGER, .name = pub->origin, .key = pub->checkpoints, .trusted = true},
    };
    mun_verify_input input = {
        .evidence = evidence,
        .have_document = true,
        .document_digest = mun_slice_of(digest, sizeof digest),
        .keys = keys,
        .keys_len = 3,
    };
    mun_crypto crypto;
    must(mun_native_crypto_new(&crypto, err));
    must(mun_verify(&crypto, &input, ret, NULL, err));
    mun_native_crypto_free(&crypto);
    return ret->verdict;
}

void findings_note(void *ctx, const char *file, uint64_t offset, uint64_t entry,
                   const char *sentence)
{
    findings *f = ctx;
    (void)offset;
    if (f->len++ > 0) return;
    f->entry = entry;
    snprintf(f->file, sizeof f->file, "%s", file);
    snprintf(f->sentence, sizeof f->sentence, "%s", sentence);
}
