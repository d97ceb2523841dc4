/* SPDX-License-Identifier: Apache-2.0 */
/* Registration: what comes in, what is refused and by which rule, and what the receipts are good
 * for. */
#include "ledger/ledger_world.h"
#include "support/cmocka_all.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void registers_and_verifies(void **state)
{
    world *w = *state;
    made statement;
    mun_report report;
    world_statement(w, 1, &statement);
    w->now_ms += 12345;
    uint64_t index = world_register(w, &statement);
    assert_int_equal(index, 2); /* genesis, issuer, this */
    MUN_BUF_AUTO mun_buf evidence = mun_buf_growable(MUN_EVIDENCE_MAX);
    must(mun_ledger_evidence(w->ledger, index, &evidence, err));
    assert_int_equal(world_verdict(w, mun_buf_slice(&evidence), 1, &report), 0);
    assert_true(report.have_registered);
    assert_int_equal(report.registered, (WORLD_START + 12345) / 1000);
    assert_int_equal(world_verdict(w, mun_buf_slice(&evidence), 2, &report), 1);
}

/* [RCPT-3]: the claims of every re-issue are the same, whatever the tree has become. */
static void same_statement_same_index(void **state)
{
    world *w = *state;
    made statement, more;
    mun_registration first, again;
    world_statement(w, 1, &statement);
    mun_slice bytes = made_slice(&statement);
    must(mun_ledger_register(w->ledger, &bytes, 1, &first, NULL, err));
    w->now_ms += 5000;
    world_statement(w, 2, &more);
    world_register(w, &more);
    MUN_BUF_AUTO mun_buf receipt = mun_buf_growable(65536);
    must(mun_ledger_register(w->ledger, &bytes, 1, &again, &receipt, err));
    assert_int_equal(again.code, MUN_OK);
    assert_false(first.existed);
    assert_true(again.existed);
    assert_int_equal(again.index, first.index);
    assert_int_equal(again.time_ms, first.time_ms);
    mun_receipt parsed;
    uint8_t root[MUN_HASH_SIZE];
    must(mun_receipt_parse(mun_buf_slice(&receipt), &parsed, err));
    must(mun_receipt_check(&w->crypto, &parsed, again.leaf,
                           &mun_ledger_identity(w->ledger)->receipts, root, err));
    assert_int_equal(parsed.iat, WORLD_START / 1000);
    assert_memory_equal(root, mun_ledger_tree(w->ledger).root, MUN_HASH_SIZE);
}

/* Unprotected content is dropped, so it does not make another statement. */
static void unprotected_content_is_dropped(void **state)
{
    world *w = *state;
    made statement;
    world_statement(w, 1, &statement);
    uint64_t index = world_register(w, &statement);
    MUN_BUF_AUTO mun_buf evidence = mun_buf_growable(MUN_EVIDENCE_MAX);
    must(mun_ledger_evidence(w->ledger, index, &evidence, err));
    mun_registration again;
    mun_slice bytes = mun_buf_slice(&evidence);
    must(mun_ledger_register(w->ledger, &bytes, 1, &again, NULL, err));
    assert_true(again.existed);
    assert_int_equal(again.index, index);
    MUN_BUF_AUTO mun_buf entry = mun_buf_growable(MUN_STATEMENT_MAX);
    must(mun_ledger_entry(w->ledger, index, &entry, NULL, err));
    assert_int_equal(entry.len, statement.len);
    assert_memory_equal(entry.ptr, statement.bytes, entry.len);
}

/* One refused statement does not hold up the others; more than one batch's worth in one call. */
static void many_in_one_call(void **state)
{
    enum { N = 600, BAD = 77 };
    world *w = *state;
    made *made_n = calloc(N, sizeof *made_n);
    mun_slice bytes[N];
    mun_registration results[N];
    mun_buf receipts[N];
    for (unsigned i = 0; i < N; i++) {
        world_statement(w, i, &made_n[i]);
        bytes[i] = made_slice(&made_n[i]);
        receipts[i] = mun_buf_growable(65536);
    }
    made_n[BAD].bytes[made_n[BAD].len - 1] ^= 1;
    bytes[N - 1] = bytes[0]; /* a repetition within the call */
    must(mun_ledger_register(w->ledger, bytes, N, results, receipts, err));
    for (unsigned i = 0; i < N; i++) {
        mun_receipt receipt;
        uint8_t root[MUN_HASH_SIZE];
        if (i == BAD) {
            assert_int_equal(results[i].code, MUN_E_REFUSED);
            assert_int_equal(receipts[i].len, 0);
            continue;
        }
        assert_int_equal(results[i].code, MUN_OK);
        must(mun_receipt_parse(mun_buf_slice(&receipts[i]), &receipt, err));
        must(mun_receipt_check(&w->crypto, &receipt, results[i].leaf,
                               &mun_ledger_identity(w->ledger)->receipts, root, err));
        mun_buf_free(&receipts[i]);
    }
    assert_int_equal(results[N - 1].index, results[0].index);
    assert_int_equal(mun_ledger_tree(w->ledger).size, 2 + N - 2);
    free(made_n);
}

/* ---- Refusals [POL-11] -------------------------------------------------------------------------
 */

static void refused_by(world *w, mun_slice statement, const char *rule)
{
    mun_error why;
    mun_code code = world_refused(w, statement, &why);
    if (strcmp(why.rule, rule) != 0) {
        fail_msg("refused by %s, not by %s: %s", why.rule, rule, why.text);
    }
    assert_int_equal(code, MUN_E_REFUSED);
    assert_true(strlen(why.text) > 20);
}

/* The first place of the bytes in the statement. */
static uint8_t *place_of(made *statement, const void *bytes, size_t len)
{
    uint8_t *at = memmem(statement->bytes, statement->len, bytes, len);
    assert_non_null(at);
    return at;
}

static void refuses_too_large(void **state)
{
    world *w = *state;
    made statement, large = {.len = 0};
    mun_statement parsed;
    world_statement(w, 1, &statement);
    must(mun_statement_parse(made_slice(&statement), &parsed, err));
    mun_buf buf = mun_buf_fixed(large.bytes, sizeof large.bytes);
    size_t head = (size_t)(parsed.protected_bytes.ptr - statement.bytes);
    mun_buf_put(&buf, mun_slice_of(statement.bytes, head + parsed.protected_bytes.len));
    mun_buf_put(&buf, mun_slice_of("\xa0\x5a\x00\x01\x00\x00", 6));
    memset(mun_buf_reserve(&buf, 65536), 'x', 65536);
    mun_buf_put(&buf, mun_slice_of("\x58\x40", 2));
    mun_buf_put(&buf, parsed.signature);
    /* Without 258, or the length of the digest would be wrong. */
    uint8_t *label = memmem(large.bytes, buf.len, "\x19\x01\x02\x2f", 4);
    assert_non_null(label);
    memcpy(label, "\x19\x03\xff\x2f", 4);
    label = memmem(large.bytes, buf.len, "\x19\x01\x03", 3);
    assert_non_null(label);
    memcpy(label, "\x19\x03\xfe", 3);
    assert_true(mun_buf_ok(&buf));
    refused_by(w, mun_buf_slice(&buf), "entry-too-large");
}

static void refuses_algorithms(void **state)
{
    world *w = *state;
    made statement;
    world_statement(w, 1, &statement);
    uint8_t *alg = place_of(&statement, "\x01\x26\x04\x58\x20", 5);
    alg[1] = 0x2a; /* -11 */
    refused_by(w, made_slice(&statement), "algorithm-not-allowed");
    alg[1] = 0x26;
    uint8_t *hash = place_of(&statement, "\x19\x01\x02\x2f", 4);
    hash[3] = 0x2e; /* SHA-256/64 */
    refused_by(w, made_slice(&statement), "hash-algorithm-not-allowed");
}

static void refuses_names(void **state)
{
    world *w = *state;
    made statement;
    world_sign(&w->issuer, WORLD_ORIGIN, "x", 1, &statement);
    refused_by(w, made_slice(&statement), "origin-reserved");
    world_sign(&w->issuer, WORLD_ISSUER "/", "x", 1, &statement);
    refused_by(w, made_slice(&statement), "issuer-not-listed");
    world_sign(&w->other, WORLD_ISSUER, "x", 1, &statement);
    refused_by(w, made_slice(&statement), "kid-not-listed");
}

/* The right kid over another key's signature. */
static void refuses_forged_kid(void **state)
{
    world *w = *state;
    made statement;
    mun_signing_key forger = new_signing_key(MUN_ALG_ES256);
    memcpy(forger.signer.kid, w->issuer.signer.kid, MUN_HASH_SIZE);
    world_sign(&forger, WORLD_ISSUER, "x", 1, &statement);
    refused_by(w, made_slice(&statement), "signature-invalid");
    mun_signing_key_free(&forger);
}

/* A statement by the ledger's own key that the ledger did not make just now: somebody has a backup
 * of the key, say. [POL-11] rule 4 */
static void refuses_foreign_issuer_statement(void **state)
{
    world *w = *state;
    char path[MUN_PATH_BYTES_MAX];
    mun_signing_key key;
    world_file(w, "keys/receipts.pem", path);
    must(mun_signing_key_read(path, (mun_slice){0}, &key, err));
    mun_statement_params params = {
        .iss = MUN_LITERAL(WORLD_ORIGIN),
        .sub = MUN_LITERAL("https://evil.example"),
        .content_type = MUN_LITERAL("application/vnd.muniment.issuer+json"),
        .inline_payload = true,
        .payload = MUN_LITERAL("{\"version\":1,\"action\":\"remove\",\"issuer\":\"https://evil."
                               "example\"}"),
    };
    made statement;
    mun_buf buf = mun_buf_fixed(statement.bytes, sizeof statement.bytes);
    must(mun_statement_sign(&params, &key.signer, &buf, err));
    refused_by(w, mun_buf_slice(&buf), "origin-reserved");
    mun_signing_key_free(&key);
}

/* Every single-bit change of a good statement is refused. */
static void refuses_every_flipped_bit(void **state)
{
    world *w = *state;
    made statement;
    world_statement(w, 1, &statement);
    for (size_t bit = 0; bit < statement.len * 8; bit++) {
        mun_error why = {0};
        statement.bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (mun_ledger_admits(w->ledger, made_slice(&statement), &why) == MUN_OK) {
            fail_msg("bit %zu flipped, admitted all the same", bit);
        }
        statement.bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    must(mun_ledger_admits(w->ledger, made_slice(&statement), err));
}

/* ---- Any-issuer ledgers ------------------------------------------------------------------------
 */

static void own_name(const world *w, const mun_signing_key *key, bool did, char ret[256])
{
    mun_buf name = mun_buf_fixed(ret, 255);
    if (did)
        must(mun_did_key_write(&key->signer.key, &name, err));
    else
        mun_key_thumbprint_uri(&w->crypto, &key->signer.key, &name);
    ret[name.len] = '\0';
}

static void any_issuer_declares_itself(void **state)
{
    world *w = *state;
    const mun_signing_key *keys[] = {&w->issuer, &w->other};
    assert_true(mun_ledger_any_issuer(w->ledger));
    for (unsigned i = 0; i < 4; i++) {
        made statement;
        char name[256];
        own_name(w, keys[i % 2], i < 2, name);
        world_sign(keys[i % 2], name, "x", i, &statement);
        assert_int_equal(world_register(w, &statement), 1 + i);
    }
}

static void any_issuer_refuses(void **state)
{
    world *w = *state;
    made statement;
    char name[256];
    world_sign(&w->issuer, WORLD_ISSUER, "x", 1, &statement);
    refused_by(w, made_slice(&statement), "self-declared-key-missing");
    own_name(w, &w->issuer, false, name);
    world_sign(&w->issuer, name, "x", 1, &statement);
    uint8_t *iss = place_of(&statement, name, strlen(name));
    iss[strlen(name) - 5] ^= 1;
    refused_by(w, made_slice(&statement), "self-declared-name-mismatch");
    iss[strlen(name) - 5] ^= 1;
    statement.bytes[statement.len - 1] ^= 1;
    refused_by(w, made_slice(&statement), "signature-invalid");
    world_sign(&w->issuer, WORLD_ORIGIN, "x", 1, &statement);
    refused_by(w, made_slice(&statement), "origin-reserved");
    uint64_t index;
    mun_error why = {0};
    mun_issuer_key key = {.key = w->issuer.signer.key};
    assert_int_equal(mun_ledger_issuer_add(w->ledger, MUN_LITERAL("x"), &key, &index, &why),
                     MUN_E_REFUSED);
    assert_string_equal(why.rule, "issuer-mode-any"); /* [POL-10] */
}

static void malformed_is_not_refused_by_policy(void **state)
{
    world *w = *state;
    mun_error why;
    assert_int_equal(world_refused(w, MUN_LITERAL("hello"), &why), MUN_E_MALFORMED);
    assert_int_equal(world_refused(w, (mun_slice){0}, &why), MUN_E_MALFORMED);
}

/* ---- Threads ------------------------------------------------------------------------------------
 */

enum { THREADS = 8, EACH = 60, SHARED = 10 };

typedef struct hand {
    world *w;
    unsigned number;
    made *mine;   /* EACH */
    made *shared; /* SHARED, the same for all */
    uint64_t index[EACH];
    uint64_t shared_index[SHARED];
} hand;

static void *register_many(void *ctx)
{
    hand *h = ctx;
    for (unsigned i = 0; i < EACH; i++) {
        MUN_BUF_AUTO mun_buf evidence = mun_buf_growable(MUN_EVIDENCE_MAX);
        mun_report report;
        h->index[i] = world_register(h->w, &h->mine[i]);
        if (i < SHARED) h->shared_index[i] = world_register(h->w, &h->shared[i]);
        if (i % 8 != 0) continue;
        must(mun_ledger_evidence(h->w->ledger, h->index[i], &evidence, err));
        assert_int_equal(
            world_verdict(h->w, mun_buf_slice(&evidence), h->number * EACH + i, &report), 0);
    }
    return NULL;
}

static void threads_register_together(void **state)
{
    world *w = *state;
    hand *hands = calloc(THREADS, sizeof *hands);
    made *shared = calloc(SHARED, sizeof *shared);
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < SHARED; i++) world_statement(w, 10000 + i, &shared[i]);
    for (unsigned t = 0; t < THREADS; t++) {
        hands[t] =
            (hand){.w = w, .number = t, .mine = calloc(EACH, sizeof(made)), .shared = shared};
        for (unsigned i = 0; i < EACH; i++) world_statement(w, t * EACH + i, &hands[t].mine[i]);
    }
    for (unsigned t = 0; t < THREADS; t++) {
        assert_int_equal(pthread_create(&threads[t], NULL, register_many, &hands[t]), 0);
    }
    /* The list of issuers changes meanwhile, ten times. */
    for (unsigned i = 0; i < 10; i++) world_issuer_add(w, "https://second.example", &w->other);
    for (unsigned t = 0; t < THREADS; t++) pthread_join(threads[t], NULL);
    uint64_t size = mun_ledger_tree(w->ledger).size;
    assert_int_equal(size, 2 + 10 + THREADS * EACH + SHARED);
    uint8_t *seen = calloc(size, 1);
    for (unsigned t = 0; t < THREADS; t++) {
        for (unsigned i = 0; i < EACH; i++) assert_int_equal(seen[hands[t].index[i]]++, 0);
        for (unsigned i = 0; i < SHARED; i++) {
            assert_int_equal(hands[t].shared_index[i], hands[0].shared_index[i]);
        }
        free(hands[t].mine);
    }
    free(seen);
    free(shared);
    free(hands);
}

/* ---- Whoever counts is told ------------------------------------------------------------------ */

typedef struct told {
    mun_ledger_stages stages;
    unsigned calls, syncs;
    uint64_t entries, sync_ns;
} told;

static void told_registered(void *ctx, const mun_ledger_stages *stages)
{
    told *t = ctx;
    t->stages = *stages;
    t->calls++;
}

static void told_committed(void *ctx, uint64_t entries, uint64_t sync_ns)
{
    told *t = ctx;
    t->syncs++;
    t->entries += entries;
    t->sync_ns += sync_ns;
}

static void observer_is_told(void **state)
{
    world *w = *state;
    told t = {0};
    const mun_ledger_observer observer = {&t, told_registered, told_committed};
    mun_ledger_open_options options = {.observer = &observer};
    made made_ones[3];
    mun_slice statements[4];
    mun_registration results[4];
    mun_buf receipts[4];
    world_close(w);
    w->ledger = world_open_with(w, &options);
    for (unsigned i = 0; i < 3; i++) {
        world_statement(w, i, &made_ones[i]);
        statements[i] = made_slice(&made_ones[i]);
    }
    statements[3] = MUN_LITERAL("no statement");
    for (size_t i = 0; i < 4; i++) receipts[i] = mun_buf_growable(65536);
    must(mun_ledger_register(w->ledger, statements, 4, results, receipts, err));
    assert_int_equal(t.calls, 1);
    assert_int_equal(t.stages.statements, 4);
    assert_int_equal(t.stages.receipts, 3);
    assert_true(t.stages.parse_ns > 0 && t.stages.verify_ns > 0 && t.stages.sign_ns > 0);
    assert_true(t.stages.append_ns >= t.sync_ns && t.sync_ns > 0);
    assert_true(t.syncs == 1 && t.entries == 3);
    /* Known ones are signed for, but neither verified nor written. */
    for (size_t i = 0; i < 4; i++) mun_buf_clear(&receipts[i]);
    must(mun_ledger_register(w->ledger, statements, 3, results, receipts, err));
    assert_int_equal(t.calls, 2);
    assert_int_equal(t.stages.receipts, 3);
    assert_int_equal(t.stages.verify_ns, 0);
    assert_int_equal(t.syncs, 1);
    for (size_t i = 0; i < 4; i++) mun_buf_free(&receipts[i]);
}

int main(void)
{
#define listed(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)
#define any(test)    cmocka_unit_test_setup_teardown(test, world_set_up_any, world_tear_down)
    const struct CMUnitTest tests[] = {
        listed(registers_and_verifies),
        listed(same_statement_same_index),
        listed(unprotected_content_is_dropped),
        listed(many_in_one_call),
        listed(refuses_too_large),
        listed(refuses_algorithms),
        listed(refuses_names),
        listed(refuses_forged_kid),
        listed(refuses_foreign_issuer_statement),
        listed(refuses_every_flipped_bit),
        any(any_issuer_declares_itself),
        any(any_issuer_refuses),
        listed(malformed_is_not_refused_by_policy),
        listed(threads_register_together),
        listed(observer_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
