/* SPDX-License-Identifier: Apache-2.0 */
/* Policy documents and issuer documents: what is made is read back, and nothing else is taken. */
#include "trust/policy_document.h"

#include "support/cmocka_all.h"
#include "trust/trust_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct fixture {
    mun_signing_key receipts, checkpoints, other;
    char text[8192]; /* a good policy */
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    mun_policy policy;
    f->receipts = new_signing_key(MUN_ALG_ES256);
    f->checkpoints = new_signing_key(MUN_ALG_EDDSA);
    f->other = new_signing_key(MUN_ALG_EDDSA);
    must(mun_policy_init(MUN_LITERAL("ledger.example/deeds"), 1795348800, false,
                         &f->receipts.signer, &f->checkpoints.signer, &policy, err));
    mun_buf buf = mun_buf_fixed(f->text, sizeof f->text - 1);
    must(mun_policy_write(&policy, &buf, err));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    mun_signing_key_free(&f->receipts);
    mun_signing_key_free(&f->checkpoints);
    mun_signing_key_free(&f->other);
    free(f);
    return 0;
}

static void round_trip(void **state)
{
    const fixture *f = *state;
    mun_policy policy;
    must(mun_policy_parse(trust_crypto(), mun_slice_cstr(f->text), &policy, err));
    assert_true(mun_slice_equal(mun_policy_origin(&policy), MUN_LITERAL("ledger.example/deeds")));
    assert_int_equal(policy.created, 1795348800);
    assert_int_equal(policy.algorithms_len, 11);
    assert_true(mun_policy_allows(&policy, MUN_ALG_PS512));
    assert_false(mun_policy_allows(&policy, -11));
    assert_false(policy.any_issuer);
    assert_int_equal(policy.threshold, 1);
    assert_memory_equal(policy.administrators[0], f->receipts.signer.kid, MUN_HASH_SIZE);
    assert_memory_equal(policy.keys.checkpoints.kid, f->checkpoints.signer.kid, MUN_HASH_SIZE);
    char again[8192] = "";
    mun_buf buf = mun_buf_fixed(again, sizeof again - 1);
    must(mun_policy_write(&policy, &buf, err));
    assert_string_equal(again, f->text);
}

static void refused(const char *text, const char *what)
{
    mun_policy policy;
    mun_error why = {0};
    if (mun_policy_parse(trust_crypto(), mun_slice_cstr(text), &policy, &why) == MUN_OK) {
        fail_msg("taken all the same: %s", what);
    }
    assert_true(strlen(why.text) > 10);
}

/* [POL-2], [POL-4], [POL-5]: one change each, and it is no policy any more. */
static void everything_else_is_refused(void **state)
{
    static const char *const changes[][2] = {
        {"{\"version\"", "\xef\xbb\xbf{\"version\""},
        {"{\"version\":1", "{\"version\":1,\"version\":1"},
        {"{\"version\":1", "{\"version\":1,\"more\":1"},
        {"{\"version\":1", "{\"version\":0"},
        {"{\"version\":1", "{\"version\":1.0"},
        {"{\"version\":1", "{\"version\":\"1\""},
        {"\"version\":1,", ""},
        {"\"origin\":\"ledger.example/deeds\",", ""},
        {"ledger.example/deeds", "ledger.example/deeds/"},
        {"ledger.example/deeds", "ledger example"},
        {"ledger.example/deeds", "https://ledger.example"},
        {"ledger.example/deeds", ""},
        {"2026-11-22T12:00:00Z", "2026-11-22T12:00:00"},
        {"2026-11-22T12:00:00Z", "2026-11-31T12:00:00Z"},
        {"2026-11-22T12:00:00Z", "2026-11-22 12:00:00Z"},
        {"cose-sign1-empty-unprotected/1", "cose-sign1-empty-unprotected/2"},
        {"\"issuerMode\":\"listed\"", "\"issuerMode\":\"open\""},
        {"\"algorithms\":[-7,", "\"algorithms\":[-7,-7,"},
        {"\"algorithms\":[-7,", "\"algorithms\":[-6,"},
        {"\"algorithms\":[-7,", "\"algorithms\":[\"-7\","},
        {"\"threshold\":1", "\"threshold\":2"},
        {"\"threshold\":1", "\"threshold\":0"},
        {"\"threshold\":1", "\"threshold\":1,\"x\":1"},
        {"\"role\":\"receipts\"", "\"role\":\"checkpoints\""},
        {"\"role\":\"checkpoints\"", "\"role\":\"administrator\""},
        {"\"role\":\"receipts\"", "\"role\":\"receipt\""},
        {"\"role\":\"receipts\",\"alg\":-7", "\"role\":\"receipts\",\"alg\":-35"},
        {"\"role\":\"receipts\",\"alg\":-7", "\"role\":\"receipts\",\"alg\":-8"},
        {"\"role\":\"receipts\"", "\"role\":\"receipts\",\"x\":null"},
    };
    const fixture *f = *state;
    char text[9000];
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        trust_replace(f->text, changes[i][0], changes[i][1], text, sizeof text);
        refused(text, changes[i][1]);
    }
    for (size_t len = 0; len < strlen(f->text); len++) {
        snprintf(text, sizeof text, "%.*s", (int)len, f->text);
        refused(text, "a shorter one");
    }
    snprintf(text, sizeof text, "%sx", f->text);
    refused(text, "a longer one");
    refused("[]", "an array");
    refused("null", "null");
}

/* Any character of a kid or key changed. [POL-4] */
static void changed_keys_are_refused(void **state)
{
    const fixture *f = *state;
    char text[8192];
    memcpy(text, f->text, sizeof text);
    char *keys = strstr(text, "\"keys\":["), *end = strstr(text, "\"issuerMode\"");
    for (char *at = strstr(keys, "\"kid\":\"") + 7; at < end; at++) {
        char before = *at;
        *at = before == 'A' ? 'B' : 'A';
        mun_policy policy;
        if (mun_policy_parse(trust_crypto(), mun_slice_cstr(text), &policy, NULL) == MUN_OK) {
            fail_msg("taken with the %zu. character changed", (size_t)(at - text));
        }
        *at = before;
    }
}

/* [FMT-1] */
static void newer_version(void **state)
{
    const fixture *f = *state;
    char text[9000];
    mun_policy policy;
    mun_error why;
    trust_replace(f->text, "\"version\":1", "\"version\":2,\"quorum\":7", text, sizeof text);
    assert_int_equal(mun_policy_parse(trust_crypto(), mun_slice_cstr(text), &policy, &why),
                     MUN_E_VERSION);
    assert_non_null(strstr(why.text, "newer version"));
}

static void administrators_are_keys_of_the_policy(void **state)
{
    const fixture *f = *state;
    char text[9000], kid[64] = "";
    const char *at = strstr(f->text, "\"kids\":[\"") + 9;
    snprintf(kid, sizeof kid, "%.43s", at);
    char twice[200], other[200];
    snprintf(twice, sizeof twice, "\"kids\":[\"%s\",\"%s\"]", kid, kid);
    snprintf(other, sizeof other, "\"kids\":[\"%s\"]", kid);
    trust_replace(f->text, other, twice, text, sizeof text);
    refused(text, "an administrator twice");
    trust_replace(f->text, other, "\"kids\":[]", text, sizeof text);
    refused(text, "no administrator");
    trust_replace(f->text, other, "\"kids\":[\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]",
                  text, sizeof text);
    refused(text, "an administrator without key");
}

/* ---- Issuer documents [POL-6] ------------------------------------------------------------------
 */

static mun_code issuer_parse(const char *text, mun_issuer_document *ret)
{
    mun_error why;
    return mun_issuer_document_parse(trust_crypto(), mun_slice_cstr(text), ret, &why);
}

static void issuer_round_trip(void **state)
{
    const fixture *f = *state;
    uint8_t cose[MUN_COSE_KEY_MAX];
    char text[4096] = "", again[4096] = "";
    mun_buf key = mun_buf_fixed(cose, sizeof cose), buf = mun_buf_fixed(text, sizeof text - 1);
    mun_cose_key_write(&f->other.signer.key, (mun_slice){0}, 0, &key);
    mun_issuer_document add = {.issuer = MUN_LITERAL("urn:a\0b"),
                               .cose_key = mun_buf_slice(&key),
                               .kids = {MUN_LITERAL("one"), MUN_LITERAL("two")},
                               .kids_len = 2},
                        read;
    must(mun_issuer_document_write(&add, &buf, err));
    assert_int_equal(issuer_parse(text, &read), MUN_OK);
    assert_true(mun_slice_equal(read.issuer, add.issuer));
    assert_true(mun_slice_equal(read.cose_key, add.cose_key));
    assert_true(mun_slice_equal(read.kids[1], MUN_LITERAL("two")));
    assert_memory_equal(read.thumbprint, f->other.signer.kid, MUN_HASH_SIZE);
    buf = mun_buf_fixed(again, sizeof again - 1);
    must(mun_issuer_document_write(&read, &buf, err));
    assert_string_equal(text, again);
    mun_issuer_document_free(&read);
}

static void issuer_refusals(void **state)
{
    static const char *const texts[] = {
        "{\"version\":1,\"action\":\"remove\",\"issuer\":\"\"}",
        "{\"version\":1,\"action\":\"remove\"}",
        "{\"version\":1,\"action\":\"delete\",\"issuer\":\"x\"}",
        "{\"version\":1,\"action\":\"remove\",\"issuer\":\"x\",\"kids\":[]}",
        "{\"version\":1,\"action\":\"remove\",\"issuer\":\"x\",\"thumbprint\":\"AAAA\"}",
        "{\"version\":1,\"action\":\"remove\",\"issuer\":\"x\"}x",
        "{\"version\":1,\"action\":\"add\",\"issuer\":\"x\",\"kids\":[]}",
        "{\"version\":1,\"action\":\"add\",\"issuer\":\"x\",\"coseKey\":\"AAAA\",\"kids\":[]}",
        ("{\"version\":1,\"action\":\"add\",\"issuer\":\"x\",\"coseKey\":\"pAECIA\",\"kids\":[\"\"]"
         "}"),
        "{\"action\":\"remove\",\"issuer\":\"x\"}",
    };
    (void)state;
    mun_issuer_document read;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (issuer_parse(texts[i], &read) == MUN_OK) fail_msg("taken: %s", texts[i]);
    }
    assert_int_equal(issuer_parse("{\"version\":1,\"action\":\"remove\",\"issuer\":\"x\"}", &read),
                     MUN_OK);
    assert_true(read.remove);
    assert_false(read.have_thumbprint);
    mun_issuer_document_free(&read);
    assert_int_equal(issuer_parse("{\"version\":2}", &read), MUN_E_VERSION);
}

/* ---- Times --------------------------------------------------------------------------------------
 */

static void utc_both_ways(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } known[] = {
        {0, "1970-01-01T00:00:00Z"},
        {951782399, "2000-02-28T23:59:59Z"},
        {951782400, "2000-02-29T00:00:00Z"},
        {1795348800, "2026-11-22T12:00:00Z"},
        {4107542399, "2100-02-28T23:59:59Z"},
        {4107542400, "2100-03-01T00:00:00Z"},
        {253402300799, "9999-12-31T23:59:59Z"},
    };
    (void)state;
    char text[MUN_UTC_TEXT];
    int64_t seconds = 0;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        mun_utc_text(known[i].seconds, text);
        assert_string_equal(text, known[i].text);
        assert_true(mun_utc_parse(mun_slice_cstr(known[i].text), &seconds));
        assert_int_equal(seconds, known[i].seconds);
    }
    for (int64_t day = 0; day < 100000; day++) { /* each of 270 years */
        mun_utc_text(day * 86400 + 43199, text);
        assert_true(mun_utc_parse(mun_slice_cstr(text), &seconds));
        assert_int_equal(seconds, day * 86400 + 43199);
    }
    static const char *const bad[] = {"1969-12-31T23:59:59Z",
                                      "2023-02-29T00:00:00Z",
                                      "2023-00-01T00:00:00Z",
                                      "2023-13-01T00:00:00Z",
                                      "2023-01-00T00:00:00Z",
                                      "2023-01-01T24:00:00Z",
                                      "2023-01-01T00:60:00Z",
                                      "2023-01-01T00:00:60Z",
                                      "2023-01-01T00:00:0xZ",
                                      "2023-01-01t00:00:00Z",
                                      ""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(mun_utc_parse(mun_slice_cstr(bad[i]), &seconds));
    }
}

int main(void)
{
#define with_keys(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        with_keys(round_trip),
        with_keys(everything_else_is_refused),
        with_keys(changed_keys_are_refused),
        with_keys(newer_version),
        with_keys(administrators_are_keys_of_the_policy),
        with_keys(issuer_round_trip),
        cmocka_unit_test(issuer_refusals),
        cmocka_unit_test(utc_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
