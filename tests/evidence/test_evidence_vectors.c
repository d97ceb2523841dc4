/* SPDX-License-Identifier: Apache-2.0 */
/* Statements, keys, receipts and CWTs of other implementations, with real cryptography. */
#include "support/cmocka_all.h"

#include <stdlib.h>

#include "evidence/cose.h"
#include "evidence/receipt.h"
#include "support/native_crypto.h"
#include "support/vectors.h"
#include <muniment/keys.h>

#define BLOB_MAX 16384

typedef struct blob {
    uint8_t bytes[BLOB_MAX];
    size_t len;
} blob;

static mun_slice hex_member(const json_t *object, const char *member, blob *ret)
{
    ret->len = vectors_hex(object, member, ret->bytes, sizeof ret->bytes);
    return mun_slice_of(ret->bytes, ret->len);
}

static mun_public_key key_member(const json_t *object, const char *member)
{
    blob b;
    mun_public_key key;
    mun_error err = {0};
    if (mun_cose_key_parse(hex_member(object, member, &b), &key, NULL, &err) != MUN_OK)
        fail_msg("%s", err.text);
    return key;
}

static mun_public_key pem_member(const json_t *object, const char *member)
{
    mun_public_key key;
    mun_slice pem = mun_slice_cstr(vectors_text(object, member));
    assert_int_equal(mun_public_key_from_pem(pem, &key, NULL), MUN_OK);
    return key;
}

static void assert_bytes(mun_slice got, const json_t *object, const char *member)
{
    blob b;
    if (!mun_slice_equal(got, hex_member(object, member, &b)))
        fail_msg("%s: %s differs", vectors_text(object, "name"), member);
}

static void shape_check(const json_t *one, const mun_statement *s, const mun_public_key *key)
{
    const char *shape = vectors_text(one, "shape");
    bool chain = strcmp(shape, "x5chain") == 0;
    assert_int_equal(s->is_hash_envelope, strcmp(shape, "hash") == 0);
    assert_int_equal(s->x5chain_len, chain ? 2 : 0);
    mun_public_key self;
    mun_code code = mun_statement_self_key(&crypto, s, &self, NULL);
    assert_int_equal(code, chain ? MUN_OK : MUN_E_NOT_FOUND);
    if (chain) assert_memory_equal(&self, key, sizeof self); /* [KEY-10] */
    if (!chain) assert_true(s->have_kid);
}

/* [VER-7] Without any key known here: a certificate of its own is enough to check the signature,
 * not to trust the issuer. */
static void unknown_check(const json_t *one, mun_slice bytes)
{
    bool chain = strcmp(vectors_text(one, "shape"), "x5chain") == 0;
    mun_verify_input input = {.evidence = bytes};
    mun_report report;
    assert_int_equal(mun_verify(&crypto, &input, &report, NULL, NULL), MUN_OK);
    assert_int_equal(report.verdict, 3);
    assert_int_equal(report.checks[MUN_CHECK_STATEMENT_SIGNATURE].result,
                     chain ? MUN_RESULT_PASS : MUN_RESULT_UNCHECKED);
    assert_int_equal(report.checks[MUN_CHECK_ISSUER].result, MUN_RESULT_UNCHECKED);
}

/* [STMT-1] to [STMT-22] on 25 statements by five makers. */
static void test_statements(void **state)
{
    (void)state;
    json_t *all = vectors_array("cose-sign1/statements.json", 25), *one;
    size_t i;
    json_array_foreach(all, i, one)
    {
        blob bytes;
        mun_statement s;
        mun_error err = {0};
        mun_code code = mun_statement_parse(hex_member(one, "statement", &bytes), &s, &err);
        if (code != MUN_OK) fail_msg("%s: %s", vectors_text(one, "name"), err.text);
        assert_int_equal(s.alg, vectors_int(one, "alg"));
        assert_true(mun_slice_equal(s.iss, mun_slice_cstr(vectors_text(one, "iss"))));
        assert_bytes(s.protected_bytes, one, "protected");
        assert_bytes(s.payload, one, "payload");
        assert_bytes(s.signature, one, "signature");
        if (s.have_kid) assert_bytes(s.kid, one, "kid");
        uint8_t entry_bytes[BLOB_MAX], leaf[MUN_HASH_SIZE];
        mun_buf entry = mun_buf_fixed(entry_bytes, sizeof entry_bytes);
        assert_int_equal(mun_statement_entry(&s, &entry, NULL), MUN_OK);
        assert_bytes(mun_buf_slice(&entry), one, "entry");
        mun_statement_leaf(&crypto, &s, leaf);
        assert_bytes(mun_slice_of(leaf, sizeof leaf), one, "leaf_hash");
        mun_public_key key = key_member(one, "cose_key"), pem = pem_member(one, "public_key_pem");
        assert_memory_equal(&key, &pem, sizeof key);
        assert_int_equal(mun_statement_check(&crypto, &s, &key, NULL), MUN_OK);
        shape_check(one, &s, &key);
        unknown_check(one, s.bytes);
        bytes.bytes[bytes.len - 1] ^= 1;
        assert_int_equal(mun_statement_check(&crypto, &s, &key, NULL), MUN_E_INVALID);
    }
    json_decref(all);
}

static void test_signed_bytes(void **state)
{
    (void)state;
    json_t *all = vectors_array("cose-sign1/statements.json", 25), *one;
    size_t i;
    json_array_foreach(all, i, one)
    {
        blob bytes;
        mun_statement s;
        assert_int_equal(mun_statement_parse(hex_member(one, "statement", &bytes), &s, NULL), 0);
        mun_signed_bytes input;
        mun_signed_bytes_make(&input, s.protected_bytes, s.payload);
        uint8_t joined[BLOB_MAX];
        mun_buf buf = mun_buf_fixed(joined, sizeof joined);
        for (size_t k = 0; k < MUN_SIGNED_PARTS; k++) mun_buf_put(&buf, input.parts[k]);
        assert_bytes(mun_buf_slice(&buf), one, "sig_structure");
    }
    json_decref(all);
}

/* [KEY-3] [KEY-7] [KEY-8] */
static void test_thumbprints(void **state)
{
    (void)state;
    json_t *all = vectors_array("cose-keys/thumbprints.json", 18), *one;
    size_t i;
    json_array_foreach(all, i, one)
    {
        blob expected;
        mun_public_key key = key_member(one, "cose_key");
        uint8_t written[MUN_COSE_KEY_MAX], thumbprint[MUN_HASH_SIZE];
        mun_buf buf = mun_buf_fixed(written, sizeof written);
        mun_cose_key_write(&key, (mun_slice){0}, 0, &buf);
        assert_true(mun_slice_equal(mun_buf_slice(&buf), hex_member(one, "cose_key", &expected)));
        mun_key_thumbprint(&crypto, &key, thumbprint);
        hex_member(one, "thumbprint_sha256", &expected);
        assert_memory_equal(thumbprint, expected.bytes, sizeof thumbprint);
        if (json_object_get(one, "pem") == NULL) continue;
        mun_public_key pem = pem_member(one, "pem");
        assert_memory_equal(&pem, &key, sizeof pem);
        buf.len = 0;
        mun_key_thumbprint_uri(&crypto, &key, &buf);
        const char *tail = vectors_text(one, "base64url");
        mun_slice uri = mun_buf_slice(&buf),
                  prefix = MUN_LITERAL("urn:ietf:params:oauth:ckt:sha-256:");
        assert_true(mun_slice_starts(uri, prefix));
        assert_true(mun_slice_equal(mun_slice_of(uri.ptr + prefix.len, uri.len - prefix.len),
                                    mun_slice_cstr(tail)));
    }
    json_decref(all);
}

/* The bytes of a base58btc text, for the check below only. */
static size_t unbase58(const char *text, uint8_t *ret, size_t cap)
{
    static const char digits[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    memset(ret, 0, cap);
    for (; *text != '\0'; text++) {
        unsigned carry = (unsigned)(strchr(digits, *text) - digits);
        for (size_t i = cap; i-- > 0;) {
            carry += ret[i] * 58u;
            ret[i] = (uint8_t)carry;
            carry >>= 8;
        }
        assert_int_equal(carry, 0);
    }
    return cap;
}

/* [KEY-9] The key of the test vectors of W3C vc-di-eddsa: its name from its bytes and back. */
static void test_did_key(void **state)
{
    (void)state;
    static const char did[] = "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2";
    uint8_t bytes[34], text[128];
    unbase58(did + 9, bytes, sizeof bytes);
    assert_memory_equal(bytes, "\xed\x01", 2);
    mun_public_key key = {.kty = MUN_KTY_OKP, .crv = MUN_CRV_ED25519, .x_len = 32};
    memcpy(key.x, bytes + 2, 32);
    mun_buf buf = mun_buf_fixed(text, sizeof text);
    assert_int_equal(mun_did_key_write(&key, &buf, NULL), MUN_OK);
    assert_true(mun_slice_equal(mun_buf_slice(&buf), mun_slice_cstr(did)));
}

static const json_t *by_name(const json_t *all, const char *name)
{
    size_t i;
    json_t *one;
    json_array_foreach(all, i, one) if (strcmp(vectors_text(one, "name"), name) == 0) return one;
    fail_msg("no statement %s", name);
    return NULL;
}

static void receipt_check(const json_t *one, const json_t *statement)
{
    const char *name = vectors_text(one, "name");
    bool accept = strcmp(vectors_text(one, "expect"), "accept") == 0;
    blob bytes, leaf;
    mun_receipt r;
    uint8_t root[MUN_HASH_SIZE];
    mun_public_key key = key_member(one, "ledger_cose_key");
    hex_member(statement, "leaf_hash", &leaf);
    mun_code code = mun_receipt_parse(hex_member(one, "receipt", &bytes), &r, NULL);
    if (code == MUN_OK) code = mun_receipt_check(&crypto, &r, leaf.bytes, &key, root, NULL);
    if ((code == MUN_OK) != accept) fail_msg("%s: %d", name, code);
    if (code != MUN_OK) return;
    assert_bytes(mun_slice_of(root, sizeof root), one, "root");
    assert_int_equal(r.proofs[0].size, vectors_int(one, "tree_size"));
    assert_int_equal(r.proofs[0].index_or_new, vectors_int(one, "leaf_index"));
    assert_true(r.have_kid && r.have_iat && r.iss.len > 0 && r.sub.len > 0 && !r.have_leaf);
}

/* The transparent statement by the whole procedure: valid, its registration time not proven, since
 * these receipts do not name their leaf. */
static void transparent_check(const json_t *one, const json_t *statement)
{
    blob evidence, kid = {.len = 0}, receipt;
    mun_receipt r;
    assert_int_equal(mun_receipt_parse(hex_member(one, "receipt", &receipt), &r, NULL), MUN_OK);
    mun_trusted_key keys[2] = {
        {.role = MUN_ROLE_ISSUER, .key = key_member(statement, "cose_key"), .trusted = true},
        {.role = MUN_ROLE_LEDGER,
         .name = r.iss,
         .key = key_member(one, "ledger_cose_key"),
         .trusted = true}};
    keys[0].name = mun_slice_cstr(vectors_text(statement, "iss"));
    if (json_is_string(json_object_get(statement, "kid"))) {
        keys[0].kids[0] = hex_member(statement, "kid", &kid);
        keys[0].kids_len = kid.len > 0;
    }
    mun_verify_input input = {.evidence = hex_member(one, "transparent_statement", &evidence),
                              .keys = keys,
                              .keys_len = 2};
    mun_report report;
    assert_int_equal(mun_verify(&crypto, &input, &report, NULL, NULL), MUN_OK);
    if (report.verdict != 0) fail_msg("%s: %s", vectors_text(one, "name"), report.summary);
    assert_int_equal(report.checks[MUN_CHECK_TIMES].result, MUN_RESULT_UNCHECKED);
    assert_false(report.have_registered);
    keys[1].name.len--;
    assert_int_equal(mun_verify(&crypto, &input, &report, NULL, NULL), MUN_OK);
    assert_int_equal(report.verdict, 3);
}

/* [RCPT-5] to [RCPT-16] on 50 receipts by scitt-cose. */
static void test_receipts(void **state)
{
    (void)state;
    json_t *statements = vectors_array("cose-sign1/statements.json", 25);
    json_t *all = vectors_array("cose-receipts/receipts.json", 50), *one;
    size_t i, accepted = 0;
    json_array_foreach(all, i, one)
    {
        const json_t *statement = by_name(statements, vectors_text(one, "statement"));
        receipt_check(one, statement);
        if (strcmp(vectors_text(one, "expect"), "accept") != 0) continue;
        transparent_check(one, statement);
        accepted++;
    }
    assert_int_equal(accepted, 45);
    json_decref(all);
    json_decref(statements);
}

static mun_hash hash_member(const json_t *one, const char *member)
{
    blob b;
    mun_hash hash;
    hex_member(one, member, &b);
    assert_int_equal(b.len, MUN_HASH_SIZE);
    memcpy(hash.bytes, b.bytes, MUN_HASH_SIZE);
    return hash;
}

/* The working group's examples: the arithmetic is right; their key was not published. */
static void test_rfc9942_examples(void **state)
{
    (void)state;
    json_t *all = vectors_array("cose-receipts/rfc9942-examples.json", 2), *one;
    size_t i;
    json_array_foreach(all, i, one)
    {
        blob bytes;
        mun_receipt r;
        assert_int_equal(mun_receipt_parse(hex_member(one, "receipt", &bytes), &r, NULL), MUN_OK);
        assert_bytes(r.signature, one, "signature");
        assert_true(r.iss.len > 0 && r.sub.len == 0);
        uint8_t path[MUN_PROOF_PATH_MAX + 1][MUN_HASH_SIZE];
        assert_int_equal(mun_receipt_path(&r, 0, path, NULL), MUN_OK);
        mun_hash root;
        if (!r.is_consistency) {
            mun_hash leaf = hash_member(one, "leaf_hash"), expected = hash_member(one, "root");
            assert_int_equal(mun_receipt_fold(&crypto, &r, &leaf, &root, NULL), MUN_OK);
            assert_memory_equal(&root, &expected, sizeof root);
        } else {
            mun_hash old = hash_member(one, "old_root"), expected = hash_member(one, "new_root");
            assert_int_equal(mun_consistency_root(&crypto, r.proofs[0].size, &old,
                                                  r.proofs[0].index_or_new, (mun_hash *)path,
                                                  r.proofs[0].path_len, &root),
                             MUN_OK);
            assert_memory_equal(&root, &expected, sizeof root);
        }
    }
    json_decref(all);
}

/* Claims in the header make a statement, claims in the payload do not. */
static void test_cwt(void **state)
{
    (void)state;
    json_t *all = vectors_array("cwt/cwt.json", 5), *one;
    size_t i;
    json_array_foreach(all, i, one)
    {
        blob bytes;
        mun_statement s;
        mun_error err = {0};
        bool accept = strcmp(vectors_text(one, "as_scitt_statement"), "accept") == 0;
        mun_code code = mun_statement_parse(hex_member(one, "message", &bytes), &s, &err);
        assert_int_equal(code, accept ? MUN_OK : MUN_E_MALFORMED);
        if (!accept) assert_string_equal(err.rule, "claims-missing");
        mun_public_key key = key_member(one, "cose_key");
        if (accept) assert_int_equal(mun_statement_check(&crypto, &s, &key, NULL), MUN_OK);
    }
    json_decref(all);
}

/* The signature of a COSE_Sign1 that is no statement by our rules (its kid is missing). */
static mun_code bare_check(mun_slice bytes, const mun_public_key *key)
{
    static const mun_cose_profile any = {.shape_rule = "shape", .shape_text = "shape"};
    mun_cose_sign1 m;
    assert_int_equal(mun_cose_parse(bytes, &any, &m, NULL), MUN_OK);
    return mun_cose_check(&crypto, m.alg, m.protected_bytes, m.payload.inside, m.signature, key,
                          "signature", NULL);
}

/* Their leaf entry is the hash of the statement; their receipts lack kid, iss and sub. */
static void test_scitt_cose(void **state)
{
    (void)state;
    json_t *all = vectors_array("scitt-cose-vectors/v1.json", 6), *one;
    size_t i;
    json_array_foreach(all, i, one)
    {
        blob bytes, entry;
        const json_t *expected = json_object_get(one, "expected");
        mun_public_key issuer = pem_member(one, "issuer_key_pub"),
                       log = pem_member(one, "log_key_pub");
        mun_code code = bare_check(hex_member(one, "statement_cose", &bytes), &issuer);
        assert_int_equal(code == MUN_OK, vectors_bool(expected, "statement_signature_valid"));
        mun_receipt r;
        mun_hash leaf;
        uint8_t root[MUN_HASH_SIZE];
        mun_hash_leaf(&crypto, hex_member(expected, "leaf_entry", &entry), &leaf);
        code = mun_receipt_parse(hex_member(one, "receipt_cose", &bytes), &r, NULL);
        bool other_structure = strstr(vectors_text(one, "name"), "vds") != NULL;
        assert_int_equal(code, other_structure ? MUN_E_UNSUPPORTED : MUN_OK);
        if (other_structure) continue;
        code = mun_receipt_check(&crypto, &r, leaf.bytes, &log, root, NULL);
        assert_int_equal(code == MUN_OK, vectors_bool(expected, "receipt_valid"));
        if (code == MUN_OK) assert_bytes(mun_slice_of(root, 32), expected, "reconstructed_root");
    }
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_statements),  cmocka_unit_test(test_signed_bytes),
        cmocka_unit_test(test_thumbprints), cmocka_unit_test(test_did_key),
        cmocka_unit_test(test_receipts),    cmocka_unit_test(test_rfc9942_examples),
        cmocka_unit_test(test_cwt),         cmocka_unit_test(test_scitt_cose),
    };
    return cmocka_run_group_tests(tests, crypto_set_up, crypto_tear_down);
}
