/* SPDX-License-Identifier: Apache-2.0 */
/* What a ledger says about itself, replayed: policies, issuers, and whose word counts when. */
#include "trust/control_state.h"

#include "base/spki_form.h"
#include "support/cmocka_all.h"
#include "trust/trust_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN  "ledger.example/deeds"
#define CREATED 1795348800

typedef struct fixture {
    mun_signing_key receipts, checkpoints, receipts2, checkpoints2, issuer;
    mun_policy policy;
    mun_control_state state;
} fixture;

typedef struct bytes {
    uint8_t at[16384];
    size_t len;
} bytes;

static mun_slice slice(const bytes *b)
{
    return mun_slice_of(b->at, b->len);
}

static void policy_statement(const mun_policy *policy, const mun_signing_key *key, bytes *ret)
{
    mun_buf buf = mun_buf_fixed(ret->at, sizeof ret->at);
    must(mun_policy_statement_sign(policy, &key->signer, &buf, err));
    ret->len = buf.len;
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    bytes genesis;
    f->receipts = new_signing_key(MUN_ALG_ES256);
    f->checkpoints = new_signing_key(MUN_ALG_EDDSA);
    f->receipts2 = new_signing_key(MUN_ALG_ES256);
    f->checkpoints2 = new_signing_key(MUN_ALG_EDDSA);
    f->issuer = new_signing_key(MUN_ALG_ES256);
    must(mun_policy_init(MUN_LITERAL(ORIGIN), CREATED, false, &f->receipts.signer,
                         &f->checkpoints.signer, &f->policy, err));
    policy_statement(&f->policy, &f->receipts, &genesis);
    must(mun_control_open(trust_crypto(), slice(&genesis), &f->state, err));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    mun_control_free(&f->state);
    mun_signing_key_free(&f->receipts);
    mun_signing_key_free(&f->checkpoints);
    mun_signing_key_free(&f->receipts2);
    mun_signing_key_free(&f->checkpoints2);
    mun_signing_key_free(&f->issuer);
    free(f);
    return 0;
}

static mun_code apply(fixture *f, uint64_t index, const bytes *b, mun_error *ret)
{
    mun_statement statement;
    must(mun_statement_parse(slice(b), &statement, err));
    mun_code checked = mun_control_check(trust_crypto(), &f->state, &statement, ret);
    mun_code code = mun_control_apply(trust_crypto(), &f->state, index, &statement, ret);
    assert_int_equal(code, checked);
    return code;
}

/* ---- Genesis [POL-1], [POL-3]
 * -------------------------------------------------------------------- */

static void genesis_refused(const bytes *b, const char *why_not)
{
    mun_control_state state = {0};
    mun_error why = {0};
    if (mun_control_open(trust_crypto(), slice(b), &state, &why) == MUN_OK) {
        fail_msg("taken as genesis: %s", why_not);
    }
    assert_int_equal(why.code, MUN_E_DAMAGED);
}

static void genesis_refusals(void **state)
{
    const fixture *f = *state;
    bytes b;
    policy_statement(&f->policy, &f->receipts2, &b);
    genesis_refused(&b, "signed by a key that is not in it");
    policy_statement(&f->policy, &f->checkpoints, &b);
    genesis_refused(&b, "signed by the checkpoints key");
    mun_signing_key forger = f->receipts2;
    memcpy(forger.signer.kid, f->receipts.signer.kid, MUN_HASH_SIZE);
    policy_statement(&f->policy, &forger, &b);
    genesis_refused(&b, "another key under the right kid");
    policy_statement(&f->policy, &f->receipts, &b);
    for (size_t bit = 0; bit < b.len * 8; bit += 13) {
        b.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        mun_control_state ignored = {0};
        if (mun_control_open(trust_crypto(), slice(&b), &ignored, NULL) == MUN_OK) {
            fail_msg("taken with bit %zu flipped", bit);
        }
        b.at[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

/* A document under the ledger's key, as anything the caller says. */
static void own(const fixture *f, const char *iss, const char *sub, const char *type, int64_t iat,
                mun_slice payload, bytes *ret)
{
    mun_statement_params params = {
        .iss = mun_slice_cstr(iss),
        .sub = mun_slice_cstr(sub),
        .content_type = mun_slice_cstr(type),
        .with_iat = true,
        .iat = iat,
        .inline_payload = true,
        .payload = payload,
    };
    mun_buf buf = mun_buf_fixed(ret->at, sizeof ret->at);
    must(mun_statement_sign(&params, &f->receipts.signer, &buf, err));
    ret->len = buf.len;
}

static void genesis_claims(void **state)
{
    const fixture *f = *state;
    bytes b;
    uint8_t json[8192];
    mun_buf text = mun_buf_fixed(json, sizeof json);
    must(mun_policy_write(&f->policy, &text, err));
    mun_slice payload = mun_buf_slice(&text);
    own(f, ORIGIN, ORIGIN, MUN_POLICY_CONTENT_TYPE, CREATED, payload, &b);
    mun_control_state good = {0};
    must(mun_control_open(trust_crypto(), slice(&b), &good, err));
    mun_control_free(&good);
    own(f, "other.example", ORIGIN, MUN_POLICY_CONTENT_TYPE, CREATED, payload, &b);
    genesis_refused(&b, "another iss");
    own(f, ORIGIN, "other.example", MUN_POLICY_CONTENT_TYPE, CREATED, payload, &b);
    genesis_refused(&b, "another sub");
    own(f, ORIGIN, ORIGIN, "application/json", CREATED, payload, &b);
    genesis_refused(&b, "another content type");
    own(f, ORIGIN, ORIGIN, MUN_POLICY_CONTENT_TYPE, CREATED + 1, payload, &b);
    genesis_refused(&b, "another time");
    own(f, ORIGIN, ORIGIN, MUN_POLICY_CONTENT_TYPE, CREATED, MUN_LITERAL("{}"), &b);
    genesis_refused(&b, "an empty object");
}

/* ---- Later policies [POL-14], [POL-15]
 * ------------------------------------------------------------ */

static mun_policy later(const fixture *f)
{
    mun_policy policy;
    must(mun_policy_init(MUN_LITERAL(ORIGIN), CREATED + 5, false, &f->receipts2.signer,
                         &f->checkpoints2.signer, &policy, err));
    return policy;
}

static void later_policies(void **state)
{
    fixture *f = *state;
    bytes b;
    mun_error why;
    mun_policy policy = later(f);
    policy_statement(&policy, &f->checkpoints2, &b);
    assert_int_equal(apply(f, 7, &b, &why),
                     MUN_E_REFUSED); /* a new key, but not the receipts key */
    policy_statement(&policy, &f->receipts, &b);
    must(apply(f, 7, &b, err));
    assert_false(f->state.epochs[1]->self_announced);
    assert_true(mun_control_policy_at(&f->state, 7) == &f->state.epochs[0]->policy);
    assert_true(mun_control_policy_at(&f->state, 8) == &f->state.epochs[1]->policy);
    assert_true(mun_control_policy_at(&f->state, 0) == &f->state.epochs[0]->policy);
    /* The old keys are of no force now. */
    policy_statement(&f->policy, &f->receipts2, &b);
    must(apply(f, 9, &b, err));
    policy_statement(&policy, &f->checkpoints, &b);
    must(apply(f, 10, &b, err));
    policy_statement(&f->policy, &f->receipts, &b);
    must(apply(f, 11, &b, err));
    assert_true(f->state.epochs[4]->self_announced);
}

static void later_policies_keep_what_is_genesis(void **state)
{
    fixture *f = *state;
    bytes b;
    mun_error why;
    mun_policy policy = later(f);
    policy.any_issuer = true;
    policy_statement(&policy, &f->receipts, &b);
    assert_int_equal(apply(f, 7, &b, &why), MUN_E_REFUSED);
    assert_string_equal(why.rule, "policy-changes-genesis");
    assert_int_equal(f->state.epochs_len, 1);
}

/* [POL-12]: in the ledger's own name nothing else may stand. */
static void other_statements_of_its_own(void **state)
{
    fixture *f = *state;
    bytes b;
    mun_error why;
    own(f, ORIGIN, "x", "text/plain", CREATED, MUN_LITERAL("hello"), &b);
    assert_int_equal(apply(f, 3, &b, &why), MUN_E_REFUSED);
    assert_string_equal(why.rule, "origin-reserved");
    own(f, "x", "x", MUN_ISSUER_CONTENT_TYPE, CREATED, MUN_LITERAL("{}"), &b);
    assert_int_equal(apply(f, 3, &b, &why), MUN_E_REFUSED);
}

/* ---- Issuers [POL-6] to [POL-9]
 * -------------------------------------------------------------------- */

static void issuer_statement(const fixture *f, bool remove, const char *iss,
                             const mun_signing_key *by, bytes *ret)
{
    uint8_t cose[MUN_COSE_KEY_MAX];
    mun_buf key = mun_buf_fixed(cose, sizeof cose), buf = mun_buf_fixed(ret->at, sizeof ret->at);
    mun_cose_key_write(&f->issuer.signer.key, (mun_slice){0}, 0, &key);
    mun_issuer_document document = {
        .remove = remove, .issuer = mun_slice_cstr(iss), .cose_key = mun_buf_slice(&key)};
    must(
        mun_issuer_statement_sign(MUN_LITERAL(ORIGIN), &document, CREATED, &by->signer, &buf, err));
    ret->len = buf.len;
}

static mun_code admitted_at(const fixture *f, uint64_t at, char rule[48])
{
    mun_statement_params params = {.iss = MUN_LITERAL("urn:x"),
                                   .sub = MUN_LITERAL("s"),
                                   .inline_payload = true,
                                   .payload = MUN_LITERAL("p")};
    uint8_t memory[1024], signer[MUN_HASH_SIZE], again[MUN_HASH_SIZE];
    mun_buf buf = mun_buf_fixed(memory, sizeof memory);
    mun_statement statement;
    mun_error why = {0};
    must(mun_statement_sign(&params, &f->issuer.signer, &buf, err));
    must(mun_statement_parse(mun_buf_slice(&buf), &statement, err));
    mun_code code = mun_admit(trust_crypto(), &f->state, at, &statement, signer, &why);
    assert_int_equal(mun_admitted_under(trust_crypto(), &f->state, at, &statement, again, NULL),
                     code);
    if (code == MUN_OK) {
        assert_memory_equal(signer, f->issuer.signer.kid, MUN_HASH_SIZE);
        assert_memory_equal(again, signer, MUN_HASH_SIZE);
    }
    memcpy(rule, why.rule, sizeof why.rule);
    return code;
}

/* Added at 5, removed at 8, added at 12, for ever: the list of every index stays known. [POL-9] */
static void the_list_of_each_index(void **state)
{
    fixture *f = *state;
    bytes b;
    char rule[48];
    issuer_statement(f, false, "urn:x", &f->receipts, &b);
    must(apply(f, 5, &b, err));
    issuer_statement(f, true, "urn:x", &f->receipts, &b);
    must(apply(f, 8, &b, err));
    issuer_statement(f, false, "urn:x", &f->receipts, &b);
    must(apply(f, 12, &b, err));
    for (uint64_t at = 1; at < 20; at++) {
        bool listed = (at > 5 && at <= 8) || at > 12;
        assert_int_equal(admitted_at(f, at, rule), listed ? MUN_OK : MUN_E_REFUSED);
        if (!listed) assert_string_equal(rule, "issuer-not-listed");
    }
    assert_int_equal(admitted_at(f, MUN_INDEX_NOW, rule), MUN_OK);
}

/* Enough DER for the walk of [KEY-10]: a serial number, four empty fields, the key. */
static void certificate(const mun_public_key *key, bytes *ret)
{
    mun_slice head = MUN_LITERAL("\x30\x68\x30\x66\x02\x01\x07\x30\x00\x30\x00\x30\x00\x30\x00");
    mun_buf buf = mun_buf_fixed(ret->at, sizeof ret->at);
    mun_buf_put(&buf, head);
    assert_true(mun_spki_form_write(key, &buf));
    ret->len = buf.len;
    assert_int_equal(ret->len, 2 + 0x68);
}

static const char *admitted_with(const fixture *f, const bytes *chain, mun_slice x5t)
{
    static char rule[sizeof((mun_error *)NULL)->rule];
    uint8_t signer[MUN_HASH_SIZE];
    bytes b;
    mun_statement statement;
    mun_error why = {0};
    mun_statement_params params = {.iss = MUN_LITERAL("urn:x"),
                                   .sub = MUN_LITERAL("s"),
                                   .inline_payload = true,
                                   .payload = MUN_LITERAL("p")};
    mun_buf buf = mun_buf_fixed(b.at, sizeof b.at);
    must(mun_statement_sign(&params, &f->issuer.signer, &buf, err));
    must(mun_statement_parse(mun_buf_slice(&buf), &statement, err));
    statement.x5chain[0] = slice(chain);
    statement.x5chain_len = 1;
    statement.have_x5t = x5t.len > 0;
    statement.x5t_alg = MUN_HASH_SHA256;
    statement.x5t_hash = x5t;
    mun_code code = mun_admit(trust_crypto(), &f->state, 9, &statement, signer, &why);
    assert_int_equal(code, why.rule[0] == '\0' ? MUN_OK : MUN_E_REFUSED);
    memcpy(rule, why.rule, sizeof rule);
    return rule;
}

/* A certificate that is signed along is the signer's own. [POL-11] rule 9 */
static void certificates_agree(void **state)
{
    fixture *f = *state;
    bytes b, mine, others, none = {.len = 1};
    uint8_t digest[MUN_HASH_SIZE];
    issuer_statement(f, false, "urn:x", &f->receipts, &b);
    must(apply(f, 5, &b, err));
    certificate(&f->issuer.signer.key, &mine);
    certificate(&f->receipts2.signer.key, &others);
    const mun_slice nothing = {0}, part = slice(&mine);
    mun_crypto *crypto = trust_crypto();
    crypto->sha256(crypto->ctx, &part, 1, digest);
    assert_string_equal(admitted_with(f, &mine, nothing), "");
    assert_string_equal(admitted_with(f, &none, nothing), "");
    assert_string_equal(admitted_with(f, &mine, mun_slice_of(digest, sizeof digest)), "");
    assert_string_equal(admitted_with(f, &others, nothing), "certificate-mismatch");
    assert_string_equal(admitted_with(f, &mine, MUN_LITERAL("another")), "certificate-mismatch");
}

static void issuer_statements_need_the_receipts_key(void **state)
{
    fixture *f = *state;
    bytes b;
    mun_error why;
    const mun_signing_key *others[] = {&f->checkpoints, &f->receipts2, &f->issuer};
    for (size_t i = 0; i < 3; i++) {
        issuer_statement(f, false, "urn:x", others[i], &b);
        assert_int_equal(apply(f, 5, &b, &why), MUN_E_REFUSED);
        assert_string_equal(why.rule, "signature-invalid");
    }
    own(f, ORIGIN, "urn:y", MUN_ISSUER_CONTENT_TYPE, CREATED,
        MUN_LITERAL("{\"version\":1,\"action\":\"remove\",\"issuer\":\"urn:x\"}"), &b);
    assert_int_equal(apply(f, 5, &b, &why), MUN_E_REFUSED);
    assert_string_equal(why.rule, "issuer-subject");
}

/* More names than the table begins with. */
static void many_names(void **state)
{
    fixture *f = *state;
    mun_issuer_set *set = f->state.issuers;
    enum { NAMES = 1000 };
    char name[32];
    for (uint64_t i = 0; i < NAMES; i++) {
        snprintf(name, sizeof name, "urn:%u", (unsigned)i);
        mun_issuer_document d = {.issuer = mun_slice_cstr(name), .cose_key = MUN_LITERAL("k")};
        must(mun_issuer_set_apply(set, i + 1, &d, err));
    }
    const mun_issuer_record *r = mun_issuer_set_first(set);
    for (uint64_t i = 0; i < NAMES; i++, r = r->next_added) {
        snprintf(name, sizeof name, "urn:%u", (unsigned)i);
        assert_true(mun_issuer_set_name(set, mun_slice_cstr(name)) == r);
        assert_int_equal(r->from, i + 1);
    }
    assert_null(r);
    assert_null(mun_issuer_set_name(set, MUN_LITERAL("urn:")));
}

int main(void)
{
#define with(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        with(genesis_refusals),
        with(genesis_claims),
        with(later_policies),
        with(later_policies_keep_what_is_genesis),
        with(other_statements_of_its_own),
        with(the_list_of_each_index),
        with(certificates_agree),
        with(issuer_statements_need_the_receipts_key),
        with(many_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
