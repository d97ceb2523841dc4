/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worked example of docs/format/example.json: every value in it is what the library makes or
 * reads, every report is what it gives; and no single-bit change of the evidence file passes.
 */
#include "support/cmocka_all.h"

#include <jansson.h>
#include <stdlib.h>

#include "codec/cbor.h"
#include "codec/radix.h"
#include <muniment/evidence.h>
#include <muniment/keys.h>

static mun_crypto crypto;
static json_t *example;

static int set_up(void **state)
{
    (void)state;
    example = json_load_file(MUN_SOURCE "/docs/format/example.json", JSON_REJECT_DUPLICATES, NULL);
    return example != NULL && mun_native_crypto_new(&crypto, NULL) == MUN_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(example);
    mun_native_crypto_free(&crypto);
    return 0;
}

static uint8_t store[65536];
static mun_buf arena;

/* A text member, by its path of up to two names. */
static mun_slice text_of(const char *first, const char *second)
{
    json_t *value = json_object_get(example, first);
    if (second != NULL) value = json_object_get(value, second);
    if (!json_is_string(value)) fail_msg("no %s %s", first, second == NULL ? "" : second);
    return mun_slice_of(json_string_value(value), json_string_length(value));
}

static mun_slice hex_of(const char *first, const char *second)
{
    size_t start = arena.len;
    assert_true(mun_hex_take(text_of(first, second), &arena));
    return mun_slice_of(store + start, arena.len - start);
}

static int fresh(void **state)
{
    (void)state;
    arena = mun_buf_fixed(store, sizeof store);
    return 0;
}

static mun_public_key key_of(const char *first, const char *second)
{
    mun_public_key key;
    assert_int_equal(mun_cose_key_parse(hex_of(first, second), &key, NULL, NULL), MUN_OK);
    return key;
}

static void assert_same(mun_slice got, mun_slice expected)
{
    assert_int_equal(got.len, expected.len);
    assert_memory_equal(got.ptr, expected.ptr, got.len);
}

static mun_trusted_key keys[4];

static size_t trust(const json_t *who)
{
    size_t n = 0, i;
    json_t *name;
    json_array_foreach(who, i, name)
    {
        const char *role = json_string_value(name);
        if (strcmp(role, "issuer") == 0)
            keys[n++] = (mun_trusted_key){.role = MUN_ROLE_ISSUER,
                                          .name = text_of("issuer", "thumbprint_uri"),
                                          .key = key_of("issuer", "cose_key")};
        else if (strcmp(role, "witness") == 0)
            keys[n++] = (mun_trusted_key){.role = MUN_ROLE_WITNESS,
                                          .name = text_of("witness", "name"),
                                          .key = key_of("witness", "cose_key")};
        else
            for (unsigned k = 0; k < 2; k++)
                keys[n++] = (mun_trusted_key){
                    .role = MUN_ROLE_LEDGER,
                    .name = text_of("ledger", "origin"),
                    .key = key_of("ledger", k ? "checkpoints_cose_key" : "receipts_cose_key")};
    }
    for (i = 0; i < n; i++) keys[i].trusted = true;
    return n;
}

/* A name of the example, or hex. */
static mun_slice bytes_of(const json_t *value)
{
    const char *text = json_string_value(value);
    if (json_is_string(json_object_get(example, text))) return hex_of(text, NULL);
    size_t start = arena.len;
    assert_true(mun_hex_take(mun_slice_cstr(text), &arena));
    return mun_slice_of(store + start, arena.len - start);
}

static void report_check(const json_t *one)
{
    mun_verify_input input = {.evidence = bytes_of(json_object_get(one, "evidence")), .keys = keys};
    input.keys_len = trust(json_object_get(one, "trusted"));
    const json_t *document = json_object_get(one, "document"),
                 *expected = json_object_get(one, "report");
    uint8_t digest[MUN_HASH_SIZE];
    if (!json_is_null(document)) {
        mun_slice bytes = bytes_of(document);
        crypto.sha256(crypto.ctx, &bytes, 1, digest);
        input.have_document = true;
        input.document_digest = mun_slice_of(digest, sizeof digest);
    }
    mun_report report;
    const char *what = json_string_value(json_object_get(one, "what"));
    json_int_t verdict = json_integer_value(json_object_get(expected, "verdict"));
    mun_code code = mun_verify(&crypto, &input, &report, NULL, NULL);
    if (verdict == 4) {
        assert_int_equal(code, MUN_E_MALFORMED);
        return;
    }
    assert_int_equal(code, MUN_OK);
    if (report.verdict != verdict) fail_msg("%s: %s", what, report.summary);
    size_t i;
    json_t *check;
    json_array_foreach(json_object_get(expected, "checks"), i, check)
    {
        const char *result = json_string_value(json_object_get(check, "result"));
        assert_string_equal(json_string_value(json_object_get(check, "id")), mun_check_name(i));
        if (strcmp(result, mun_check_result_name(report.checks[i].result)) != 0)
            fail_msg("%s: %s is not %s: %s", what, mun_check_name(i), result,
                     report.checks[i].sentence);
    }
    assert_int_equal(i, MUN_CHECKS);
}

static void test_reports(void **state)
{
    (void)state;
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(example, "reports"), i, one) report_check(one);
    assert_int_equal(i, 10);
}

static void test_keys(void **state)
{
    (void)state;
    mun_public_key issuer = key_of("issuer", "cose_key");
    mun_public_key log = key_of("ledger", "checkpoints_cose_key");
    uint8_t bytes[1024], thumbprint[MUN_HASH_SIZE];
    mun_buf buf = mun_buf_fixed(bytes, sizeof bytes);
    mun_key_thumbprint(&crypto, &issuer, thumbprint);
    assert_same(mun_slice_of(thumbprint, sizeof thumbprint), hex_of("issuer", "thumbprint"));
    assert_true(mun_key_owns_name(&crypto, &issuer, text_of("issuer", "thumbprint_uri")));
    assert_true(mun_key_owns_name(&crypto, &issuer, text_of("issuer", "did_key")));
    assert_true(mun_key_owns_name(&crypto, &log, text_of("ledger", "checkpoints_did_key")));
    mun_ledger_pub pub;
    mun_slice text = text_of("ledger", "ledger_pub");
    assert_int_equal(mun_ledger_pub_parse(&crypto, text, &pub, NULL), MUN_OK);
    mun_ledger_fingerprint(&crypto, &pub, &buf);
    assert_same(mun_buf_slice(&buf), text_of("ledger", "fingerprint_words"));
    mun_slice name;
    uint8_t type;
    mun_public_key witness, expected = key_of("witness", "cose_key");
    text = text_of("witness", "vkey");
    assert_int_equal(mun_vkey_parse(&crypto, text, &name, &type, &witness, NULL), MUN_OK);
    assert_memory_equal(&witness, &expected, sizeof witness);
}

static void test_statement(void **state)
{
    (void)state;
    mun_statement s;
    uint8_t bytes[4096], leaf[MUN_HASH_SIZE];
    mun_buf entry = mun_buf_fixed(bytes, sizeof bytes);
    assert_int_equal(mun_statement_parse(hex_of("evidence", NULL), &s, NULL), MUN_OK);
    assert_int_equal(mun_statement_entry(&s, &entry, NULL), MUN_OK);
    assert_same(mun_buf_slice(&entry), hex_of("entry", NULL));
    mun_statement_leaf(&crypto, &s, leaf);
    assert_same(mun_slice_of(leaf, sizeof leaf), hex_of("leaf", NULL));
    assert_same(s.payload, hex_of("document_sha256", NULL));
    assert_same(s.receipts[0], hex_of("receipt", NULL));
    assert_same(s.proofs[0], text_of("tlog_proof", NULL));
    assert_int_equal(mun_cbor_check(s.bytes, MUN_CBOR_DETERMINISTIC, NULL), MUN_OK);
    mun_buf evidence = mun_buf_fixed(bytes, sizeof bytes); /* [EVID-4] */
    assert_int_equal(mun_evidence_write(&s, s.receipts, 1, s.proofs, 1, &evidence, NULL), MUN_OK);
    assert_same(mun_buf_slice(&evidence), s.bytes);
    assert_int_equal(mun_statement_parse(hex_of("genesis_entry", NULL), &s, NULL), MUN_OK);
    assert_same(s.payload, text_of("policy", NULL));
}

static void test_receipt(void **state)
{
    (void)state;
    mun_receipt r;
    uint8_t root[MUN_HASH_SIZE];
    mun_public_key key = key_of("ledger", "receipts_cose_key");
    assert_int_equal(mun_receipt_parse(hex_of("receipt", NULL), &r, NULL), MUN_OK);
    mun_slice leaf = hex_of("leaf", NULL);
    assert_int_equal(mun_receipt_check(&crypto, &r, leaf.ptr, &key, root, NULL), MUN_OK);
    assert_same(mun_slice_of(root, sizeof root), hex_of("root", NULL));
    assert_int_equal(r.iat, json_integer_value(json_object_get(example, "registered_ms")) / 1000);
}

/* Everything but the proof in -65700: no flip passes. Inside it: the proof never counts as good. */
static void test_flips(void **state)
{
    (void)state;
    mun_slice evidence = hex_of("evidence", NULL), document = hex_of("document", NULL);
    mun_statement s;
    assert_int_equal(mun_statement_parse(evidence, &s, NULL), MUN_OK);
    size_t proof_start = (size_t)(s.proofs[0].ptr - evidence.ptr) - 9; /* label, array, head */
    size_t proof_end = (size_t)(s.proofs[0].ptr - evidence.ptr) + s.proofs[0].len;
    uint8_t digest[MUN_HASH_SIZE];
    crypto.sha256(crypto.ctx, &document, 1, digest);
    mun_verify_input input = {.evidence = evidence,
                              .have_document = true,
                              .keys = keys,
                              .document_digest = mun_slice_of(digest, sizeof digest)};
    json_t *everyone = json_pack("[sss]", "issuer", "ledger", "witness");
    input.keys_len = trust(everyone);
    json_decref(everyone);
    uint8_t *bytes = store + (evidence.ptr - store);
    mun_report report;
    assert_int_equal(mun_verify(&crypto, &input, &report, NULL, NULL), MUN_OK);
    assert_int_equal(report.verdict, 0);
    unsigned refused = 0;
    for (size_t bit = 0; bit < 8 * evidence.len; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        mun_code code = mun_verify(&crypto, &input, &report, NULL, NULL);
        bool in_proof = bit / 8 >= proof_start && bit / 8 < proof_end;
        bool passes = code == MUN_OK && report.verdict == 0;
        if (passes && !in_proof) fail_msg("bit %zu of byte %zu passes", bit % 8, bit / 8);
        if (passes && report.checks[MUN_CHECK_COSIGNATURES].result == MUN_RESULT_PASS)
            fail_msg("bit %zu of byte %zu leaves the proof good", bit % 8, bit / 8);
        refused += !passes;
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(refused >= 8 * (evidence.len - (proof_end - proof_start)));
}

#define T(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {T(test_reports), T(test_keys), T(test_statement),
                                       T(test_receipt), T(test_flips)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
