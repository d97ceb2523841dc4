/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of docs/format/receipt.md, one message for each; signing and checking. */
#include "support/cmocka_all.h"

#include <stdio.h>

#include "codec/cbor.h"
#include "evidence/fake_crypto.h"
#include "evidence/maker.h"
#include "merkle/merkle.h"

static uint8_t store[200000];

static mun_buf fresh(void)
{
    return mun_buf_fixed(store, sizeof store);
}

#define ALG    "0126"
#define VDS    "19018b01"
#define KID    "04416b"
#define CLAIMS "0fa2016169026173"

/* { 396: { -1: [ << [1, 0, []] >> ] } } */
#define EMPTY "a119018ca1208144 83010080"

typedef struct row {
    mun_code code;
    const char *rule;
    const char *protected_map, *unprotected_map, *payload;
} row;

#define OK   MUN_OK, ""
#define BAD  MUN_E_MALFORMED
#define UNS  MUN_E_UNSUPPORTED
#define FULL "a4" ALG KID CLAIMS VDS

static const row rows[] = {
    {OK, FULL, EMPTY, "f6"},
    {OK, "a2" ALG VDS, EMPTY, "f6"}, /* claims and kid may be missing */
    {OK, "a3" ALG "0fa0" VDS, EMPTY, "f6"},
    {OK, "a3" ALG "0fa2016169 3a000100a500" VDS, EMPTY, "f6"}, /* other claims are left alone */
    /* [RCPT-5] */
    {BAD, "not-a-receipt", FULL, "80", "f6"},
    {BAD, "not-a-receipt", FULL, EMPTY, "f7"},
    {BAD, "protected-invalid", "80", EMPTY, "f6"},
    {BAD, "label-invalid", "a5" ALG KID CLAIMS VDS "410000", EMPTY, "f6"},
    {BAD, "label-in-both", "a5" ALG KID CLAIMS VDS "186300", "a2 186300 19018ca1208144 83010080",
     "f6"},
    {BAD, "label-legacy", "a5" ALG KID CLAIMS VDS "386e01", EMPTY, "f6"},
    {BAD, "alg-missing", "a1" VDS, EMPTY, "f6"},
    {OK, "a5" ALG "02840104 0f 19018b" KID CLAIMS VDS, EMPTY, "f6"},
    {BAD, "crit-unknown",
     "a5" ALG "028103"
     "0300" CLAIMS VDS,
     EMPTY, "f6"},
    /* [RCPT-6] */
    {BAD, "vds-missing", "a2" ALG KID, EMPTY, "f6"},
    {BAD, "vds-missing", "a2" ALG "19018bf5", EMPTY, "f6"}, /* true is not 1 */
    {UNS, "vds-unsupported", "a2" ALG "19018b02", EMPTY, "f6"},
    {UNS, "vds-unsupported", "a2" ALG "19018b1b0000000100000001", EMPTY, "f6"},
    {UNS, "alg-unsupported", "a2 013903e7" VDS, EMPTY, "f6"},
    {UNS, "vds-unsupported", "a2" ALG "19018b02", "a0", "40"}, /* not looked at further */
    /* [RCPT-7] */
    {BAD, "kid-invalid", "a3" ALG "0440" VDS, EMPTY, "f6"},
    {BAD, "kid-invalid", "a3" ALG "04616b" VDS, EMPTY, "f6"},
    {BAD, "label-misplaced", "a2" ALG VDS, "a2 04416b 19018ca1208144 83010080", "f6"},
    {BAD, "label-misplaced", "a2" ALG VDS, "a2 0fa0 19018ca1208144 83010080", "f6"},
    {BAD, "claims-invalid", "a3" ALG "0f80" VDS, EMPTY, "f6"},
    {BAD, "claims-invalid", "a3" ALG "0fa10160" VDS, EMPTY, "f6"},
    {BAD, "claims-invalid", "a3" ALG "0fa1024173" VDS, EMPTY, "f6"},
    {BAD, "claims-invalid", "a3" ALG "0fa1 3a000100a4 4100" VDS, EMPTY, "f6"},
    {BAD, "claims-invalid", "a3" ALG "0fa1 3a000100a4 00" VDS, EMPTY, "f6"},
    {BAD, "label-invalid", "a3" ALG "0fa14000" VDS, EMPTY, "f6"},
    /* [RCPT-8] */
    {BAD, "label-misplaced", "a3" ALG VDS "19018a8140", EMPTY, "f6"},
    {BAD, "label-misplaced", "a3" ALG VDS "19018ca0", "a0", "f6"},
    {BAD, "label-misplaced", "a3" ALG VDS "1901022f", EMPTY, "f6"},
    {BAD, "label-misplaced", "a3" ALG VDS "19010300", EMPTY, "f6"},
    {BAD, "label-misplaced", "a3" ALG VDS "19010460", EMPTY, "f6"},
    {BAD, "label-misplaced", "a2" ALG VDS, "a2 028101 19018ca1208144 83010080", "f6"},
    {BAD, "label-misplaced", "a1" ALG, "a2 19018b01 19018ca1208144 83010080", "f6"},
    /* [RCPT-9] */
    {BAD, "proof-invalid", FULL, "a0", "f6"},
    {BAD, "proof-invalid", FULL, "a119018c80", "f6"},
    {BAD, "proof-invalid", FULL, "a119018ca0", "f6"},
    {BAD, "proof-invalid", FULL, "a119018ca1 22 8144 83010080", "f6"},
    {BAD, "proof-invalid", FULL, "a119018ca2 20 8144 83010080 21 8144 83010080", "f6"},
    {OK, FULL, "a119018ca2 20 8144 83010080 22 00", "f6"},
    {BAD, "proof-invalid", FULL, "a119018ca1 20 80", "f6"},
    {BAD, "proof-invalid", FULL, "a119018ca1 20 44 83010080", "f6"},
    {BAD, "proof-invalid", FULL, "a119018ca1 20 81 83010080", "f6"},
    {OK, FULL, "a119018ca1 21 8144 83010280", "f6"},
    {BAD, "proof-invalid", FULL, "a119018ca1 21 80", "f6"},
    {BAD, "proof-invalid", FULL, "a119018ca1 21 8244 83010280 44 83010280", "f6"},
    /* [RCPT-10] */
    {BAD, "proof-invalid", FULL, "a119018ca1 20 8145 8301180080", "f6"},
    {BAD, "proof-invalid", FULL, "a119018ca1 20 8145 8301008000", "f6"},
    {BAD, "proof-invalid", FULL, "a119018ca1 20 8143 820100", "f6"},
    {BAD, "proof-invalid", FULL, "a119018ca1 20 8145 8401008000", "f6"},
    {BAD, "proof-invalid", FULL, "a119018ca1 20 8144 83200080", "f6"},
    {BAD, "proof-invalid", FULL, "a119018ca1 20 8144 83010040", "f6"},
    {BAD, "proof-invalid", FULL, "a119018ca1 20 8145 8301008100", "f6"},
    {BAD, "proof-invalid", FULL, "a119018ca1 20 8144 a0010080", "f6"},
    {BAD, "proof-invalid", FULL, "a119018ca1 20 8145 83c2410180", "f6"}, /* a bignum */
    {BAD, "proof-invalid", FULL, "a119018ca1 20 8140", "f6"},
    {OK, FULL, "a119018ca1 20 8145 8301008140", "f6"}, /* lengths of nodes: [RCPT-12] */
    /* [RCPT-11] */
    {BAD, "payload-attached", FULL, EMPTY, "40"},
    {BAD, "payload-attached", FULL, "a119018ca1 21 8144 83010280", "40"},
};

static void test_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mun_buf buf = fresh();
        mun_slice bytes = make_message(&buf, rows[i].protected_map, rows[i].unprotected_map,
                                       rows[i].payload, NULL);
        mun_receipt r;
        mun_error err = {0};
        mun_code code = mun_receipt_parse(bytes, &r, &err);
        if (code != rows[i].code || strcmp(err.rule, rows[i].rule) != 0)
            fail_msg("row %zu (%s, %s): code %d, rule %s, %s", i, rows[i].protected_map,
                     rows[i].unprotected_map, code, err.rule, err.text);
    }
}

static mun_receipt parsed(mun_slice bytes)
{
    mun_receipt r;
    mun_error err = {0};
    if (mun_receipt_parse(bytes, &r, &err) != MUN_OK) fail_msg("%s: %s", err.rule, err.text);
    return r;
}

static void test_limits(void **state)
{
    (void)state;
    mun_receipt r;
    mun_error err = {0};
    assert_int_equal(mun_receipt_parse(mun_slice_of(store, MUN_STATEMENT_MAX + 1), &r, &err),
                     MUN_E_MALFORMED);
    assert_string_equal(err.rule, "receipt-too-large");
    for (unsigned n = 16; n <= 17; n++) {
        char proofs[512];
        int at = snprintf(proofs, sizeof proofs, "a119018ca120%02x", 0x80 + n);
        for (unsigned i = 0; i < n; i++) at += snprintf(proofs + at, 64, "4483010080");
        mun_buf buf = fresh();
        mun_slice bytes = make_message(&buf, FULL, proofs, "f6", NULL);
        assert_int_equal(mun_receipt_parse(bytes, &r, NULL), n == 16 ? MUN_OK : MUN_E_MALFORMED);
    }
}

/* A tree of n leaves: leaf i is the byte i, hashed by the fake. */
typedef struct tree {
    mun_crypto crypto;
    mun_frontier frontier;
    mun_hash node[7][40];
} tree;

static void keep_node(void *ctx, unsigned height, uint64_t index, const mun_hash *node)
{
    tree *t = ctx;
    t->node[height][index] = *node;
}

static mun_code give_node(void *ctx, unsigned height, uint64_t index, mun_hash *ret, mun_error *err)
{
    (void)err;
    *ret = ((tree *)ctx)->node[height][index];
    return MUN_OK;
}

static void grow(tree *t, mun_crypto crypto, uint64_t size)
{
    *t = (tree){.crypto = crypto};
    for (uint64_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)i;
        mun_hash leaf;
        mun_hash_leaf(&crypto, mun_slice_of(&byte, 1), &leaf);
        mun_frontier_append(&t->frontier, &crypto, &leaf, keep_node, t);
    }
}

static mun_receipt_params params_of(tree *t, uint64_t index, uint64_t size, mun_path *path)
{
    const mun_node_source source = {t, give_node};
    mun_hash root;
    assert_int_equal(mun_inclusion_make(&t->crypto, &source, index, size, path, NULL), MUN_OK);
    assert_int_equal(mun_tree_root(&t->crypto, &source, size, &root, NULL), MUN_OK);
    mun_receipt_params p = {.iss = MUN_LITERAL("ledger.example"),
                            .sub = MUN_LITERAL("s"),
                            .iat = 1795348903,
                            .size = size,
                            .index = index,
                            .path = path->node[0].bytes,
                            .path_len = path->len};
    memcpy(p.root, root.bytes, MUN_HASH_SIZE);
    memcpy(p.leaf, t->node[0][index].bytes, MUN_HASH_SIZE);
    return p;
}

/* [RCPT-1] [RCPT-2] [RCPT-4] [RCPT-13] [RCPT-14] [RCPT-16]: every leaf of every tree to 20, signed,
 * read and checked; no other leaf and no other key passes. */
static void test_every_leaf(void **state)
{
    (void)state;
    static tree t;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    grow(&t, crypto, 20);
    mun_signer signer = fake_signer(&fake, MUN_ALG_ES256, 3), other = fake_signer(&fake, -7, 4);
    for (uint64_t size = 1; size <= 20; size++)
        for (uint64_t index = 0; index < size; index++) {
            mun_path path;
            mun_receipt_params p = params_of(&t, index, size, &path);
            mun_buf buf = fresh();
            assert_int_equal(mun_receipt_sign(&p, &signer, &buf, NULL), MUN_OK);
            mun_slice bytes = mun_buf_slice(&buf);
            assert_int_equal(mun_cbor_check(bytes, MUN_CBOR_DETERMINISTIC, NULL), MUN_OK);
            mun_receipt r = parsed(bytes);
            assert_int_equal(mun_cbor_check(r.protected_bytes, MUN_CBOR_DETERMINISTIC, NULL), 0);
            assert_true(mun_slice_equal(r.iss, p.iss) && mun_slice_equal(r.sub, p.sub));
            assert_true(r.have_iat && r.iat == p.iat && r.have_kid && r.have_leaf);
            assert_memory_equal(r.leaf, p.leaf, MUN_HASH_SIZE);
            assert_true(r.proofs_len == 1 && r.proofs[0].size == size);
            uint8_t root[MUN_HASH_SIZE];
            assert_int_equal(mun_receipt_check(&crypto, &r, p.leaf, &signer.key, root, NULL), 0);
            assert_memory_equal(root, p.root, MUN_HASH_SIZE);
            mun_error err = {0};
            assert_int_equal(mun_receipt_check(&crypto, &r, p.leaf, &other.key, root, &err),
                             MUN_E_INVALID);
            assert_string_equal(err.rule, "receipt-signature");
            r.have_leaf = false; /* without the claim, the path still binds the leaf */
            const uint8_t *wrong = t.node[0][index + 1].bytes;
            assert_int_equal(mun_receipt_check(&crypto, &r, wrong, &signer.key, root, &err),
                             MUN_E_INVALID);
            r.have_leaf = true;
            r.leaf[0] ^= 1;
            assert_int_equal(mun_receipt_check(&crypto, &r, p.leaf, &signer.key, root, &err),
                             MUN_E_INVALID);
            assert_string_equal(err.rule, "receipt-leaf");
        }
}

/* The bytes of a receipt, spelled out: the table at the head of receipt.md. */
static void test_layout(void **state)
{
    (void)state;
    static tree t;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    grow(&t, crypto, 2);
    mun_signer signer = fake_signer(&fake, MUN_ALG_EDDSA, 3);
    mun_path path;
    mun_receipt_params p = params_of(&t, 1, 2, &path);
    mun_buf buf = fresh();
    assert_int_equal(mun_receipt_sign(&p, &signer, &buf, NULL), MUN_OK);
    uint8_t expected[512];
    mun_buf e = mun_buf_fixed(expected, sizeof expected);
    put_hex(&e, "d284 586c a4 0127 04 5820");
    mun_buf_put(&e, mun_slice_of(signer.kid, 32));
    put_hex(&e, "0f a4 01 6e");
    mun_buf_text(&e, "ledger.example");
    put_hex(&e, "02 6173 06 1a6b02d9a7 3a000100a4 5820");
    mun_buf_put(&e, mun_slice_of(p.leaf, 32));
    put_hex(&e, "19018b 01 a1 19018c a1 20 81 5826 83 02 01 81 5820");
    mun_buf_put(&e, mun_slice_of(path.node[0].bytes, 32));
    put_hex(&e, "f6 5840");
    assert_int_equal(buf.len, e.len + 64);
    assert_memory_equal(store, expected, e.len);
}

/* [RCPT-12]: index, length and node sizes that cannot be; [RCPT-15]: two proofs. */
static void test_impossible(void **state)
{
    (void)state;
    static const char *const proofs[] = {
        "8144 83010180",                  /* index = size */
        "8144 83000080",                  /* empty tree */
        "8144 83020080",                  /* a path that is missing */
        "8145 8301008140",                /* a path too many */
        "8145 8302008140",                /* a node of no bytes */
        "814c 831b800000000000000000 80", /* 2^63 */
        "8245 8302008140 44 83010080",
    };
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    mun_public_key key = fake_key(-7, 1);
    uint8_t leaf[MUN_HASH_SIZE] = {0}, root[MUN_HASH_SIZE];
    for (size_t i = 0; i < sizeof proofs / sizeof proofs[0]; i++) {
        char map[128];
        snprintf(map, sizeof map, "a119018ca120 %s", proofs[i]);
        mun_buf buf = fresh();
        mun_receipt r = parsed(make_message(&buf, FULL, map, "f6", NULL));
        mun_error err = {0};
        assert_int_equal(mun_receipt_check(&crypto, &r, leaf, &key, root, &err), MUN_E_INVALID);
        assert_string_equal(err.rule, "inclusion");
    }
    assert_int_equal(fake.verifies, 0);
}

/* A path of 200 nodes is read and refused. */
static void test_long_path(void **state)
{
    (void)state;
    mun_buf buf = fresh();
    put_hex(&buf, "83 02 00 98c8");
    for (unsigned i = 0; i < 200; i++) {
        put_hex(&buf, "5820");
        memset(mun_buf_reserve(&buf, 32), 0, 32);
    }
    mun_cbor_wrap_bytes(&buf, 0);
    static char hex[20000] = "a119018ca12081";
    size_t at = strlen(hex);
    for (size_t i = 0; i < buf.len; i++)
        at += (size_t)snprintf(hex + at, sizeof hex - at, "%02x", store[i]);
    buf = fresh();
    mun_receipt r = parsed(make_message(&buf, FULL, hex, "f6", NULL));
    assert_int_equal(r.proofs[0].path_len, 200);
    uint8_t path[MUN_PROOF_PATH_MAX + 1][MUN_HASH_SIZE];
    mun_error err = {0};
    assert_int_equal(mun_receipt_path(&r, 0, path, &err), MUN_E_INVALID);
    assert_string_equal(err.rule, "inclusion");
}

/* [RCPT-15]: two good proofs of one root, and of two. */
static void test_several_proofs(void **state)
{
    (void)state;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    mun_public_key key = fake_key(-7, 1);
    uint8_t leaf[MUN_HASH_SIZE] = {0}, root[MUN_HASH_SIZE];
    mun_buf buf = fresh();
    mun_error err = {0};
    mun_receipt r =
        parsed(make_message(&buf, FULL, "a119018ca120 8244 83010080 44 83010080", "f6", NULL));
    assert_int_equal(mun_receipt_check(&crypto, &r, leaf, &key, root, &err), MUN_E_INVALID);
    assert_string_equal(err.rule, "receipt-signature"); /* the proofs agree */
    char map[256] = "a119018ca120 8244 83010080 5826 830200815820";
    memset(map + strlen(map), '0', 64);
    r = parsed(make_message(&buf, FULL, map, "f6", NULL));
    assert_int_equal(mun_receipt_check(&crypto, &r, leaf, &key, root, &err), MUN_E_INVALID);
    assert_string_equal(err.rule, "inclusion");
}

/* [RCPT-17] [RCPT-18]: every pair of sizes to 20. */
static void test_consistency(void **state)
{
    (void)state;
    static tree t;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    grow(&t, crypto, 20);
    const mun_node_source source = {&t, give_node};
    mun_signer signer = fake_signer(&fake, MUN_ALG_ES384, 3);
    for (uint64_t new_size = 2; new_size <= 20; new_size++)
        for (uint64_t old_size = 1; old_size < new_size; old_size++) {
            mun_path path;
            mun_hash old_root, new_root;
            assert_int_equal(
                mun_consistency_make(&crypto, &source, old_size, new_size, &path, NULL), MUN_OK);
            assert_int_equal(mun_tree_root(&crypto, &source, old_size, &old_root, NULL), MUN_OK);
            assert_int_equal(mun_tree_root(&crypto, &source, new_size, &new_root, NULL), MUN_OK);
            mun_receipt_params p = {.iss = MUN_LITERAL("l"),
                                    .sub = MUN_LITERAL("l"),
                                    .iat = 5,
                                    .size = old_size,
                                    .index = new_size,
                                    .path = path.node[0].bytes,
                                    .path_len = path.len,
                                    .is_consistency = true};
            memcpy(p.root, new_root.bytes, MUN_HASH_SIZE);
            mun_buf buf = fresh();
            assert_int_equal(mun_receipt_sign(&p, &signer, &buf, NULL), MUN_OK);
            mun_receipt r = parsed(mun_buf_slice(&buf));
            assert_true(r.is_consistency && !r.have_leaf);
            uint8_t root[MUN_HASH_SIZE];
            mun_error err = {0};
            const uint8_t *old = old_root.bytes;
            assert_int_equal(
                mun_receipt_check_consistency(&crypto, &r, old_size, old, &signer.key, root, &err),
                MUN_OK);
            assert_memory_equal(root, new_root.bytes, MUN_HASH_SIZE);
            assert_int_equal(mun_receipt_check_consistency(&crypto, &r, old_size + 1, old,
                                                           &signer.key, root, &err),
                             MUN_E_INVALID);
            assert_int_equal(mun_receipt_check_consistency(&crypto, &r, old_size, new_root.bytes,
                                                           &signer.key, root, &err),
                             MUN_E_INVALID);
            /* where size 1 is a power of two the path begins with the old root itself */
            assert_string_equal(err.rule, (old_size & (old_size - 1)) == 0 ? "receipt-signature"
                                                                           : "consistency");
            mun_public_key other = fake_key(MUN_ALG_ES384, 99);
            assert_int_equal(
                mun_receipt_check_consistency(&crypto, &r, old_size, old, &other, root, &err),
                MUN_E_INVALID);
            assert_string_equal(err.rule, "receipt-signature");
            r.attached = true;
            r.payload = mun_slice_of(new_root.bytes, MUN_HASH_SIZE);
            assert_int_equal(
                mun_receipt_check_consistency(&crypto, &r, old_size, old, &signer.key, root, &err),
                MUN_OK);
            r.payload = mun_slice_of(old, MUN_HASH_SIZE);
            assert_int_equal(
                mun_receipt_check_consistency(&crypto, &r, old_size, old, &signer.key, root, &err),
                MUN_E_INVALID);
        }
}

/* An attached root of a consistency receipt is read; each kind is refused by the other's check. */
static void test_kinds(void **state)
{
    (void)state;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    mun_public_key key = fake_key(-7, 1);
    uint8_t hash[MUN_HASH_SIZE] = {0}, root[MUN_HASH_SIZE];
    mun_buf buf = fresh();
    mun_receipt r = parsed(make_message(&buf, FULL, "a119018ca1 21 8144 83010280", NULL, NULL));
    assert_true(r.attached && r.payload.len == 32);
    mun_error err = {0};
    assert_int_equal(mun_receipt_check(&crypto, &r, hash, &key, root, &err), MUN_E_INVALID);
    assert_int_equal(mun_receipt_check_consistency(&crypto, &r, 1, hash, &key, root, &err),
                     MUN_E_INVALID); /* no node */
    r = parsed(make_message(&buf, FULL, "a119018ca1 21 8145 8301028140", "f6", NULL));
    assert_int_equal(mun_receipt_check_consistency(&crypto, &r, 1, hash, &key, root, &err),
                     MUN_E_INVALID); /* a node of no bytes */
    r = parsed(make_message(&buf, FULL, EMPTY, "f6", NULL));
    assert_int_equal(mun_receipt_check_consistency(&crypto, &r, 1, hash, &key, root, &err),
                     MUN_E_INVALID);
    assert_string_equal(err.rule, "consistency");
}

static void test_sign_refused(void **state)
{
    (void)state;
    static tree t;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    grow(&t, crypto, 5);
    mun_signer signer = fake_signer(&fake, -7, 3);
    mun_path path;
    const mun_receipt_params good = params_of(&t, 3, 5, &path);
    mun_receipt_params p = good;
    mun_buf whole = fresh();
    assert_int_equal(mun_receipt_sign(&good, &signer, &whole, NULL), MUN_OK);
    for (size_t room = 0; room < whole.len; room++) {
        mun_buf small = mun_buf_fixed(store, room);
        assert_int_equal(mun_receipt_sign(&good, &signer, &small, NULL), MUN_E_LIMIT);
        assert_int_equal(small.len, 0);
    }
    mun_buf buf = fresh();
    p.path_len = 65;
    assert_int_equal(mun_receipt_sign(&p, &signer, &buf, NULL), MUN_E_USAGE);
    p = good;
    p.iat = -1;
    assert_int_equal(mun_receipt_sign(&p, &signer, &buf, NULL), MUN_E_USAGE);
    p.iat = MUN_TIME_MAX + 1;
    assert_int_equal(mun_receipt_sign(&p, &signer, &buf, NULL), MUN_E_USAGE);
    signer.sign = fake_sign_fails;
    assert_int_equal(mun_receipt_sign(&good, &signer, &buf, NULL), MUN_E_CRYPTO);
    assert_int_equal(buf.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),          cmocka_unit_test(test_limits),
        cmocka_unit_test(test_every_leaf),     cmocka_unit_test(test_layout),
        cmocka_unit_test(test_impossible),     cmocka_unit_test(test_long_path),
        cmocka_unit_test(test_several_proofs), cmocka_unit_test(test_consistency),
        cmocka_unit_test(test_kinds),          cmocka_unit_test(test_sign_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
