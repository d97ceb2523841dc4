/* SPDX-License-Identifier: Apache-2.0 */
/* The procedure of docs/format/verification.md, case by case, with a recording table. */
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/utf8.h"
#include "evidence/fake_crypto.h"
#include "evidence/maker.h"
#include "evidence/world.h"

static fake_crypto fake;
static mun_crypto crypto;
static mun_signer issuer, receipts, checkpoints, w1, w2, stranger;
static world the;

/* All keys that a test can put in, trusted; a test takes the first n or alters some. */
enum { ISSUER, LEDGER, LEDGER_LOG, WITNESS1, WITNESS2, KEYS };
static mun_trusted_key keys[KEYS];

static int set_up(void **state)
{
    (void)state;
    crypto = fake_table(&fake);
    issuer = fake_signer(&fake, MUN_ALG_ES256, 1);
    receipts = fake_signer(&fake, MUN_ALG_ES256, 2);
    checkpoints = fake_signer(&fake, MUN_ALG_EDDSA, 3);
    w1 = fake_signer(&fake, MUN_ALG_EDDSA, 4);
    w2 = fake_signer(&fake, MUN_ALG_EDDSA, 5);
    stranger = fake_signer(&fake, MUN_ALG_ES256, 6);
    memset(&the, 0, sizeof the);
    the.crypto = &crypto;
    the.issuer = &issuer;
    the.receipts = &receipts;
    the.checkpoints = &checkpoints;
    the.witness[0] = &w1;
    the.witness[1] = &w2;
    world_make(&the, NULL);
    keys[ISSUER] = fake_trust(MUN_ROLE_ISSUER, WORLD_ISSUER, &issuer, true);
    keys[LEDGER] = fake_trust(MUN_ROLE_LEDGER, WORLD_ORIGIN, &receipts, true);
    keys[LEDGER_LOG] = fake_trust(MUN_ROLE_LEDGER, WORLD_ORIGIN, &checkpoints, true);
    keys[WITNESS1] = fake_trust(MUN_ROLE_WITNESS, WORLD_W1, &w1, true);
    keys[WITNESS2] = fake_trust(MUN_ROLE_WITNESS, WORLD_W2, &w2, true);
    return 0;
}

static mun_report report;

/* [VER-14], from the letters. */
static char verdict_by_the_book(const char *letters, bool have_document)
{
    if (strchr(letters, 'f') != NULL) return '1';
    bool good = letters[1] == 'p' && letters[2] == 'p' && strchr("pw", letters[3]) != NULL &&
                strchr("pw", letters[4]) != NULL && letters[5] == 'p' &&
                (!have_document || letters[0] == 'p');
    return good ? '0' : '3';
}

/* [VER-16]: no fact is there without the check that proves it. */
static void facts_check(const char *letters)
{
    bool good_receipt = letters[3] == 'p' || letters[3] == 'w';
    bool good_proof = report.cosignatures > 0;
    assert_int_equal(report.have_root, good_receipt);
    assert_true(good_receipt || (report.ledger.len == 0 && !report.have_registered));
    assert_int_equal(report.have_position, good_proof);
    assert_true(good_proof || report.cosigned == 0);
    assert_true(letters[6] != 'p' || good_proof);
}

/* One letter for each check, in their order: p f u w a, then the verdict. */
static void expect(mun_slice evidence, bool have_document, const char *letters)
{
    mun_verify_input input = {.evidence = evidence,
                              .have_document = have_document,
                              .document_digest = mun_slice_of(the.digest, MUN_HASH_SIZE),
                              .keys = keys,
                              .keys_len = KEYS};
    mun_error err = {0};
    memset(&report, 0x7f, sizeof report);
    mun_code code = mun_verify(&crypto, &input, &report, NULL, &err);
    if (code != MUN_OK) fail_msg("%s: %s", err.rule, err.text);
    char got[MUN_CHECKS + 2] = "";
    for (size_t i = 0; i < MUN_CHECKS; i++) {
        const char *sentence = report.checks[i].sentence;
        got[i] = mun_check_result_name(report.checks[i].result)[0];
        assert_true(strlen(sentence) > 10 && sentence[strlen(sentence) - 1] == '.');
        assert_true(mun_utf8_valid(mun_slice_cstr(sentence)) && strchr(sentence, '%') == NULL);
    }
    assert_int_equal('0' + report.verdict, verdict_by_the_book(got, have_document));
    facts_check(got);
    got[MUN_CHECKS] = (char)('0' + report.verdict);
    assert_true(strlen(report.summary) > 10 && strchr(report.summary, '%') == NULL);
    if (strcmp(got, letters) != 0) fail_msg("%s instead of %s; %s", got, letters, report.summary);
}

static mun_slice good_receipt(void)
{
    mun_receipt_params p = world_receipt_params(&the);
    return world_receipt(&the, &p, &receipts);
}

static mun_slice with_receipt(mun_slice receipt)
{
    return world_evidence(&the, &receipt, 1, NULL, 0);
}

static void test_names(void **state)
{
    (void)state;
    static const char *const ids[] = {
        "document", "statement-signature", "issuer", "receipt-signature", "inclusion",
        "ledger",   "cosignatures",        "times"};
    assert_int_equal(MUN_CHECKS, 8); /* [VER-2] */
    for (mun_check_id i = 0; i < MUN_CHECKS; i++) assert_string_equal(mun_check_name(i), ids[i]);
    static const char *const results[] = {"pass", "fail", "unchecked", "warning", "absent"};
    for (mun_check_result i = 0; i < 5; i++)
        assert_string_equal(mun_check_result_name(i), results[i]); /* [VER-3] */
    assert_string_equal(mun_check_name(MUN_CHECKS), "unknown");
    assert_string_equal(mun_check_result_name(5), "unknown");
}

static void test_all_good(void **state)
{
    (void)state;
    mun_slice receipt = good_receipt(), proof = world_proof(&the, 2, WORLD_SEEN);
    mun_slice evidence = world_evidence(&the, &receipt, 1, &proof, 1);
    expect(evidence, true, "pppppppp0");
    assert_string_equal(report.summary,
                        "Valid: https://issuer.example signed this document, and the ledger "
                        "ledger.example/deeds registered it on 22 November 2026, 12:01:43 UTC.");
    assert_memory_equal(report.leaf, the.leaf.bytes, MUN_HASH_SIZE);
    assert_memory_equal(report.root, the.root.bytes, MUN_HASH_SIZE);
    assert_true(report.have_root && report.have_registered && report.registered == WORLD_TIME);
    assert_true(mun_slice_equal(report.ledger, MUN_LITERAL(WORLD_ORIGIN)));
    assert_true(report.have_position && report.index == 1 && report.size == 2);
    assert_true(report.cosignatures == 2 && report.cosigned == WORLD_SEEN + 1);
    expect(evidence, false, "uppppppp0");
    assert_int_equal(strncmp(report.summary, "Valid, without its document", 27), 0);
}

/* [VER-4] */
static void test_malformed(void **state)
{
    (void)state;
    mun_verify_input input = {.evidence = mun_slice_of(the.statement.ptr, 10)};
    memset(&report, 0x7f, sizeof report);
    mun_error err;
    assert_int_equal(mun_verify(&crypto, &input, &report, NULL, &err), MUN_E_MALFORMED);
    assert_int_equal(report.verdict, 0x7f7f7f7f); /* untouched */
}

static void test_statement_out(void **state)
{
    (void)state;
    mun_statement s;
    mun_verify_input input = {.evidence = the.statement};
    assert_int_equal(mun_verify(&crypto, &input, &report, &s, NULL), MUN_OK);
    assert_true(mun_slice_equal(s.sub, MUN_LITERAL(WORLD_SUBJECT)));
}

/* [VER-5] */
static void test_document(void **state)
{
    (void)state;
    mun_slice evidence = with_receipt(good_receipt());
    the.digest[31] ^= 1;
    expect(evidence, true, "fpppppap1");
    assert_int_equal(strncmp(report.summary, "Not valid. The document is not", 30), 0);
}

static void inline_world(mun_slice document)
{
    mun_statement_params p = {.iss = MUN_LITERAL(WORLD_ISSUER),
                              .sub = MUN_LITERAL(WORLD_SUBJECT),
                              .inline_payload = true,
                              .payload = document};
    mun_buf buf = mun_buf_fixed(the.statement_bytes, sizeof the.statement_bytes);
    assert_int_equal(mun_statement_sign(&p, &issuer, &buf, NULL), MUN_OK);
    the.statement = mun_buf_slice(&buf);
}

static void test_inline_document(void **state)
{
    (void)state;
    mun_slice document = MUN_LITERAL("inline");
    inline_world(document);
    crypto.sha256(crypto.ctx, &document, 1, the.digest);
    expect(the.statement, true, "pppaaaaa3");
    the.digest[0] ^= 1;
    expect(the.statement, true, "fppaaaaa1");
}

/* An envelope under a hash that is not known here. */
static void test_unknown_hash(void **state)
{
    (void)state;
    mun_buf buf = mun_buf_fixed(the.statement_bytes, sizeof the.statement_bytes);
    the.statement =
        make_message(&buf, "a4 0126 04416b 0fa2016169026173 1901020e", "a0", "40", NULL);
    expect(the.statement, true, "uuuaaaaa3");
    assert_non_null(strstr(report.checks[0].sentence, "kind of fingerprint"));
}

/* [VER-6] [VER-7] [VER-1]: keys of the issuer. */
static void test_issuer_keys(void **state)
{
    (void)state;
    mun_slice evidence = with_receipt(good_receipt());
    expect(evidence, true, "ppppppap0");
    keys[ISSUER].trusted = false;
    expect(evidence, true, "ppupppap3");
    keys[ISSUER].trusted = true;
    keys[ISSUER].role = MUN_ROLE_TSA;
    expect(evidence, true, "puupppap3");
}

static void test_issuer_wrong_name(void **state)
{
    (void)state;
    static const char *const names[] = {"https://issuer.exampl", "https://issuer.example2",
                                        "https://Issuer.example", ""};
    mun_slice evidence = with_receipt(good_receipt());
    for (size_t i = 0; i < 4; i++) {
        keys[ISSUER].name = mun_slice_cstr(names[i]);
        expect(evidence, true, "puupppap3");
    }
}

/* A registered kid says which key it must be: then a wrong signature contradicts. */
static void test_issuer_wrong_key(void **state)
{
    (void)state;
    mun_slice evidence = with_receipt(good_receipt());
    keys[ISSUER].key = stranger.key;
    expect(evidence, true, "puupppap3"); /* its thumbprint is not the kid */
    keys[ISSUER].kids[0] = mun_slice_of(issuer.kid, MUN_HASH_SIZE);
    keys[ISSUER].kids_len = 1;
    expect(evidence, true, "pfupppap1");
    keys[WITNESS1] = fake_trust(MUN_ROLE_ISSUER, WORLD_ISSUER, &issuer, false);
    expect(evidence, true, "ppupppap3"); /* another entry under which it is right */
    keys[WITNESS1].trusted = true;
    expect(evidence, true, "ppppppap0");
}

/* The statement brings its key: cnf under its own name. */
static void test_self_declared(void **state)
{
    (void)state;
    uint8_t name[128];
    mun_buf uri = mun_buf_fixed(name, sizeof name - 1);
    mun_key_thumbprint_uri(&crypto, &issuer.key, &uri);
    name[uri.len] = '\0';
    world_make(&the, (const char *)name);
    mun_slice evidence = with_receipt(good_receipt());
    expect(evidence, true, "ppupppap3");
    assert_non_null(strstr(report.checks[MUN_CHECK_ISSUER].sentence, "comes with the statement"));
    the.statement_bytes[the.statement.len - 1] ^= 1;
    expect(the.statement, true, "pfuaaaau1");
    the.statement_bytes[the.statement.len - 1] ^= 1;
    keys[ISSUER].name = mun_slice_cstr((const char *)name);
    expect(evidence, true, "ppppppap0");
}

/* An algorithm that nobody here knows; a machine that cannot check. */
static void test_unsupported(void **state)
{
    (void)state;
    mun_buf buf = mun_buf_fixed(the.statement_bytes, sizeof the.statement_bytes);
    the.statement = make_message(&buf, "a3 013903e7 04416b 0fa2016169026173", "a0", NULL, NULL);
    expect(the.statement, false, "uuuaaaaa3");
    assert_int_equal(fake.verifies, 0);
    world_make(&the, NULL);
    mun_slice evidence = with_receipt(good_receipt());
    fake.verify_with = MUN_E_UNSUPPORTED;
    expect(evidence, true, "puuuuuau3");
    fake.verify_with = MUN_E_CRYPTO;
    expect(evidence, true, "puuuuuau3");
}

static void test_self_declared_unable(void **state)
{
    (void)state;
    uint8_t name[128];
    mun_buf uri = mun_buf_fixed(name, sizeof name - 1);
    mun_key_thumbprint_uri(&crypto, &issuer.key, &uri);
    name[uri.len] = '\0';
    world_make(&the, (const char *)name);
    fake.verify_with = MUN_E_UNSUPPORTED;
    expect(the.statement, true, "puuaaaau3");
}

/* [VER-8] [EVID-3]: each case of judge(), alone and beside a good one. */
typedef struct receipt_case {
    const char *what;
    const char *alone, *beside;
} receipt_case;

static mun_slice odd_receipt(size_t which)
{
    static const uint8_t two_paths[64];
    mun_receipt_params p = world_receipt_params(&the);
    const mun_signer *signer = &receipts;
    switch (which) {
    case 0: return MUN_LITERAL("not a receipt");
    case 1: p.sub = MUN_LITERAL("another"); break;
    case 2: p.leaf[5] ^= 1; break;
    case 3: p.root[5] ^= 1; break;
    case 4: p.path = two_paths, p.path_len = 2; break; /* impossible */
    case 5: p.index = 2; break;                        /* impossible */
    case 6: p.iss = MUN_LITERAL("ledger.example/other"); break;
    case 7: signer = &stranger; break; /* a kid that is not registered */
    case 8: p.is_consistency = true, p.size = 1, p.index = 2; break;
    default: p.index = 0; break; /* leaf 0 of 2: another root */
    }
    return world_receipt(&the, &p, signer);
}

static void test_receipts(void **state)
{
    (void)state;
    static const receipt_case cases[] = {
        {"malformed", "pppfuuau1", "pppwppap0"},      {"another subject", "pppfuuau1", "pppwppap0"},
        {"another leaf", "pppfuuau1", "pppwppap0"},   {"wrong root", "pppfuuau1", "pppwppap0"},
        {"path too long", "pppufuau1", "ppppwpap0"},  {"index too large", "pppufuau1", "ppppwpap0"},
        {"another ledger", "pppuuuau3", "ppppppap0"}, {"unknown kid", "pppuuuau3", "ppppppap0"},
        {"consistency", "pppfuuau1", "pppwppap0"},    {"another index", "pppfuuau1", "pppwppap0"},
    };
    mun_slice pair[2] = {good_receipt()};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pair[1] = odd_receipt(i);
        expect(world_evidence(&the, &pair[1], 1, NULL, 0), true, cases[i].alone);
        expect(world_evidence(&the, pair, 2, NULL, 0), true, cases[i].beside);
        the.buf.len = pair[0].len;
    }
    pair[0] = odd_receipt(3);
    pair[1] = odd_receipt(5);
    expect(world_evidence(&the, pair, 2, NULL, 0), true, "pppffuau1");
}

/* Receipts of other makers: without claims, without kid, unsupported. */
static void test_foreign_receipts(void **state)
{
    (void)state;
    uint8_t store[1024];
    mun_buf buf = mun_buf_fixed(store, sizeof store);
    mun_slice none =
        make_message(&buf, "a2 0126 19018b01", "a119018ca120 8145 8301008140", "f6", NULL);
    expect(with_receipt(none), true, "pppufuau1"); /* [RCPT-12] a node of no bytes */
    none = make_message(&buf, "a2 0126 19018b01", "a119018ca120 8144 83010080", "f6", NULL);
    expect(with_receipt(none), true, "pppuuuau3"); /* no iss */
    none = make_message(&buf, "a2 0126 19018b02", "a0", "f6", NULL);
    expect(with_receipt(none), true, "pppuuuau3"); /* another structure */
}

/* [VER-1] for ledgers; known is not trusted. */
static void test_ledger_keys(void **state)
{
    (void)state;
    mun_slice evidence = with_receipt(good_receipt());
    keys[LEDGER].trusted = false;
    expect(evidence, true, "pppppuap3");
    assert_non_null(strstr(report.summary, "not trusted"));
    keys[LEDGER].name = MUN_LITERAL("ledger.example/deed");
    expect(evidence, true, "pppuuuau3");
    keys[LEDGER].name = MUN_LITERAL(WORLD_ORIGIN);
    keys[LEDGER].role = MUN_ROLE_ISSUER;
    expect(evidence, true, "pppuuuau3");
    keys[LEDGER].role = MUN_ROLE_LEDGER;
    keys[LEDGER].key = stranger.key;
    keys[LEDGER].kids[0] = mun_slice_of(receipts.kid, MUN_HASH_SIZE);
    keys[LEDGER].kids_len = 1;
    expect(evidence, true, "pppfuuau1");
    keys[WITNESS1] = fake_trust(MUN_ROLE_LEDGER, WORLD_ORIGIN, &receipts, true);
    expect(evidence, true, "ppppppap0");
}

/* Two good receipts: the one of the trusted ledger is shown, wherever it stands. */
static void test_shown_receipt(void **state)
{
    (void)state;
    mun_receipt_params p = world_receipt_params(&the);
    mun_slice pair[2] = {world_receipt(&the, &p, &receipts)};
    p.iss = MUN_LITERAL("other.example");
    p.iat = WORLD_TIME + 50;
    pair[1] = world_receipt(&the, &p, &stranger);
    for (unsigned trusted = 0; trusted < 2; trusted++) {
        keys[LEDGER].trusted = trusted == 0;
        keys[WITNESS1] = fake_trust(MUN_ROLE_LEDGER, "other.example", &stranger, trusted == 1);
        for (unsigned turn = 0; turn < 2; turn++) {
            expect(world_evidence(&the, pair, 2, NULL, 0), true, "ppppppap0");
            assert_true(mun_slice_equal(report.ledger, trusted == 0
                                                           ? MUN_LITERAL(WORLD_ORIGIN)
                                                           : MUN_LITERAL("other.example")));
            assert_int_equal(report.registered, trusted == 0 ? WORLD_TIME : WORLD_TIME + 50);
            mun_slice first = pair[0];
            pair[0] = pair[1];
            pair[1] = first;
        }
    }
}

/* [VER-10] [VER-11] */
static void test_cosignatures(void **state)
{
    (void)state;
    mun_slice receipt = good_receipt();
    mun_slice good = world_proof(&the, 1, WORLD_SEEN), bad = MUN_LITERAL("no proof");
    mun_slice none = world_proof(&the, 0, WORLD_SEEN);
    mun_slice pair[2] = {good, bad};
    expect(world_evidence(&the, &receipt, 1, &good, 1), true, "pppppppp0");
    assert_int_equal(report.cosignatures, 1);
    expect(world_evidence(&the, &receipt, 1, pair, 2), true, "ppppppwp0");
    expect(world_evidence(&the, &receipt, 1, &bad, 1), true, "ppppppwp0");
    expect(world_evidence(&the, &receipt, 1, &none, 1), true, "ppppppup0");
    assert_false(report.have_position);                                 /* [VER-9] */
    expect(world_evidence(&the, NULL, 0, &good, 1), true, "pppaaapu3"); /* no receipt: not valid */
    expect(world_evidence(&the, NULL, 0, &bad, 1), true, "pppaaafu1");
    assert_non_null(strstr(report.summary, "witnesses"));
}

static void test_cosignature_keys(void **state)
{
    (void)state;
    mun_slice receipt = good_receipt(), proof = world_proof(&the, 2, WORLD_SEEN);
    mun_slice evidence = world_evidence(&the, &receipt, 1, &proof, 1);
    keys[WITNESS1].trusted = false;
    expect(evidence, true, "pppppppp0");
    assert_int_equal(report.cosignatures, 1);
    keys[WITNESS2].trusted = false;
    expect(evidence, true, "ppppppup0");
    keys[WITNESS2] = keys[WITNESS1];
    keys[WITNESS2].trusted = keys[WITNESS1].trusted = true;
    expect(evidence, true, "pppppppp0");
    assert_int_equal(report.cosignatures, 1); /* one witness listed twice is one */
    keys[LEDGER_LOG].trusted = false;
    expect(evidence, true, "ppppppup0");
    keys[LEDGER_LOG].name = MUN_LITERAL("other.example");
    expect(evidence, true, "ppppppup0");
    keys[LEDGER_LOG].name = MUN_LITERAL(WORLD_ORIGIN);
    keys[LEDGER_LOG].trusted = true;
    keys[WITNESS1].role = keys[WITNESS2].role = MUN_ROLE_TSA;
    expect(evidence, true, "ppppppup0");
}

/* Proofs whose path does not lead there, or with a wrong signature of a known key. */
static void test_bad_proofs(void **state)
{
    (void)state;
    mun_slice receipt = good_receipt(), proof = world_proof(&the, 1, WORLD_SEEN);
    uint8_t *bytes = the.store + (proof.ptr - the.store);
    mun_slice evidence = world_evidence(&the, &receipt, 1, &proof, 1);
    expect(evidence, true, "pppppppp0");
    static const size_t from_end[] = {4, 130}; /* in the cosignature, in the log's signature */
    for (size_t i = 0; i < 2; i++) {
        uint8_t *at = bytes + proof.len - from_end[i];
        uint8_t old = *at;
        *at = old == 'A' ? 'B' : 'A';
        expect(world_evidence(&the, &receipt, 1, &proof, 1), true, "ppppppwp0");
        *at = old;
    }
    bytes[23 + 6] = '0'; /* index 0 */
    expect(world_evidence(&the, &receipt, 1, &proof, 1), true, "ppppppwp0");
    bytes[23 + 6] = '7';
    expect(world_evidence(&the, &receipt, 1, &proof, 1), true, "ppppppwp0");
}

/* [VER-12] [VER-13] */
static void test_times(void **state)
{
    (void)state;
    mun_receipt_params p = world_receipt_params(&the);
    mun_slice pair[2] = {world_receipt(&the, &p, &receipts)};
    p.iat = WORLD_TIME + 1;
    pair[1] = world_receipt(&the, &p, &receipts);
    expect(world_evidence(&the, pair, 2, NULL, 0), true, "ppppppaw0");
    assert_non_null(strstr(report.checks[MUN_CHECK_TIMES].sentence, "two different times"));
    the.buf.len = 0;
    p.iat = WORLD_SIGNED - 86400;
    pair[0] = world_receipt(&the, &p, &receipts);
    expect(world_evidence(&the, pair, 1, NULL, 0), true, "ppppppap0");
    p.iat--;
    pair[0] = world_receipt(&the, &p, &receipts);
    expect(world_evidence(&the, pair, 1, NULL, 0), true, "ppppppaw0");
    assert_non_null(strstr(report.checks[MUN_CHECK_TIMES].sentence, "issuer dated"));
    keys[ISSUER].role = MUN_ROLE_TSA; /* an unsigned claim contradicts nothing */
    expect(world_evidence(&the, pair, 1, NULL, 0), true, "puupppap3");
}

static void test_witness_times(void **state)
{
    (void)state;
    mun_slice receipt = good_receipt();
    mun_slice proof = world_proof(&the, 1, WORLD_TIME - 86400);
    expect(world_evidence(&the, &receipt, 1, &proof, 1), true, "pppppppp0");
    proof = world_proof(&the, 1, WORLD_TIME - 86401);
    expect(world_evidence(&the, &receipt, 1, &proof, 1), true, "pppppppw0");
    assert_non_null(strstr(report.checks[MUN_CHECK_TIMES].sentence, "A witness saw"));
}

/* No time anywhere; a time that nothing proves; a receipt without leaf claim proves none. */
static void test_unproven_times(void **state)
{
    (void)state;
    expect(the.statement, true, "pppaaaau3");
    inline_world(MUN_LITERAL("x"));
    expect(the.statement, false, "uppaaaaa3");
    mun_slice proof = world_proof(&the, 1, 5);
    expect(world_evidence(&the, NULL, 0, &proof, 1), false, "uppaaafa1"); /* of another leaf */
}

/* Names from the evidence are cut and cannot play tricks on the screen. */
static void test_hostile_names(void **state)
{
    (void)state;
    char name[600];
    for (size_t i = 0; i + 3 < sizeof name; i += 3) memcpy(name + i, "\xe2\x80\xae", 4);
    world_make(&the, name);
    expect(the.statement, true, "puuaaaau3");
    assert_null(strstr(report.checks[MUN_CHECK_ISSUER].sentence, "\xe2\x80\xae"));
    for (size_t i = 0; i + 3 < sizeof name; i += 3) memcpy(name + i, "\xe2\x82\xac", 4);
    world_make(&the, name);
    expect(the.statement, true, "puuaaaau3");
    assert_non_null(strstr(report.checks[MUN_CHECK_ISSUER].sentence, "\xe2\x82\xac…"));
    world_make(&the, "\x1b[31m\x7f%i%s");
    mun_verify_input input = {.evidence = the.statement};
    assert_int_equal(mun_verify(&crypto, &input, &report, NULL, NULL), MUN_OK);
    const char *sentence = report.checks[MUN_CHECK_ISSUER].sentence;
    assert_null(strchr(sentence, '\x1b'));
    assert_non_null(strstr(sentence, "?[31m?%i%s")); /* a name is no pattern */
}

/* Dates, against the C library's. */
static void test_dates(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } dates[] = {{0, "1 January 1970, 00:00:00 UTC"},
                 {951782399, "28 February 2000, 23:59:59 UTC"},
                 {951782400, "29 February 2000, 00:00:00 UTC"},
                 {4107542400, "1 March 2100, 00:00:00 UTC"},
                 {MUN_TIME_MAX, "31 December 9999, 23:59:59 UTC"}};
    for (size_t i = 0; i < 5; i++) {
        the.buf.len = 0;
        mun_receipt_params p = world_receipt_params(&the);
        p.iat = dates[i].seconds;
        expect(with_receipt(world_receipt(&the, &p, &receipts)), true,
               i < 3 ? "ppppppaw0" : "ppppppap0");
        assert_non_null(strstr(report.summary, dates[i].text));
    }
}

#define T(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_names),
        T(test_all_good),
        T(test_malformed),
        T(test_statement_out),
        T(test_document),
        T(test_inline_document),
        T(test_unknown_hash),
        T(test_issuer_keys),
        T(test_issuer_wrong_name),
        T(test_issuer_wrong_key),
        T(test_self_declared),
        T(test_unsupported),
        T(test_self_declared_unable),
        T(test_receipts),
        T(test_foreign_receipts),
        T(test_ledger_keys),
        T(test_shown_receipt),
        T(test_cosignatures),
        T(test_cosignature_keys),
        T(test_bad_proofs),
        T(test_times),
        T(test_witness_times),
        T(test_unproven_times),
        T(test_hostile_names),
        T(test_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
