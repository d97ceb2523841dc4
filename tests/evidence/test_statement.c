/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of docs/format/statement.md, one message for each; signing; entry and leaf. */
#include "support/cmocka_all.h"

#include <stdio.h>

#include "codec/cbor.h"
#include "evidence/fake_crypto.h"
#include "evidence/maker.h"

static uint8_t store[200000];

static mun_buf fresh(void)
{
    return mun_buf_fixed(store, sizeof store);
}

/* 1: -7, 4: 'k', 15: {1: "i", 2: "s"} without the map's head. */
#define ALG    "0126"
#define KID    "04416b"
#define CLAIMS "0fa2016169026173"

typedef struct row {
    const char *rule; /* NULL: accepted */
    const char *protected_map, *unprotected_map;
    const char *payload, *signature;
} row;

#define ZEROS48                                                                                    \
    "5830"                                                                                         \
    "000000000000000000000000"                                                                     \
    "000000000000000000000000"                                                                     \
    "000000000000000000000000"                                                                     \
    "000000000000000000000000"

static const row rows[] = {
    {NULL, "a3" ALG KID CLAIMS, "a0", NULL, NULL},
    /* [STMT-2] */
    {"protected-invalid", "80", "a0", NULL, NULL},
    {"protected-invalid", "", "a0", NULL, NULL},
    {"protected-invalid", "a3" ALG KID CLAIMS "00", "a0", NULL, NULL},
    {"protected-invalid", "a4" ALG ALG KID CLAIMS, "a0", NULL, NULL},
    /* [STMT-2] carried: unsorted, longer heads, indefinite */
    {NULL, "a3" CLAIMS KID ALG, "a0", NULL, NULL},
    {NULL, "b803" ALG KID CLAIMS, "a0", NULL, NULL},
    {NULL, "bf" ALG KID CLAIMS "ff", "a0", NULL, NULL},
    {NULL, "a3" ALG KID "0fbf016169026173ff", "a0", NULL, NULL},
    {NULL,
     "a3"
     "180126" KID CLAIMS,
     "a0", NULL, NULL},
    /* [STMT-3] */
    {"label-invalid", "a4" ALG KID CLAIMS "410000", "a0", NULL, NULL},
    {"label-invalid", "a3" ALG KID CLAIMS, "a1410000", NULL, NULL},
    {"label-invalid",
     "a3" ALG KID "0fa3016169026173"
     "410000",
     "a0", NULL, NULL},
    {NULL, "a4" ALG KID CLAIMS "617800", "a1617900", NULL, NULL},
    /* [STMT-4] */
    {"label-in-both", "a4" ALG KID CLAIMS "617800", "a1617800", NULL, NULL},
    {"label-in-both", "a3" ALG KID CLAIMS, "a104416b", NULL, NULL},
    {"label-in-both", "a3" ALG KID CLAIMS, "a10126", NULL, NULL},
    {"label-in-both", "a4" ALG KID CLAIMS "196d6000", "a1196d6000", NULL, NULL},
    {NULL, "a4" ALG KID CLAIMS "617800", "a162787800", NULL, NULL},
    {NULL, "a4" ALG KID CLAIMS "6000", "a1617800", NULL, NULL},
    {"label-in-both", "a4" ALG KID CLAIMS "6000", "a16000", NULL, NULL},
    /* [STMT-5] 391, 392, 393, -111, -222, -6800, -6801, -6802 */
    {"label-legacy", "a4" ALG KID CLAIMS "19018700", "a0", NULL, NULL},
    {"label-legacy", "a4" ALG KID CLAIMS "19018800", "a0", NULL, NULL},
    {"label-legacy", "a4" ALG KID CLAIMS "19018900", "a0", NULL, NULL},
    {"label-legacy", "a3" ALG KID CLAIMS, "a1386e00", NULL, NULL},
    {"label-legacy", "a3" ALG KID CLAIMS, "a138dd00", NULL, NULL},
    {"label-legacy", "a4" ALG KID CLAIMS "391a8f2f", "a0", NULL, NULL},
    {"label-legacy", "a4" ALG KID CLAIMS "391a9000", "a0", NULL, NULL},
    {"label-legacy", "a4" ALG KID CLAIMS "391a9100", "a0", NULL, NULL},
    /* [STMT-6] */
    {NULL, "a4" ALG "02820104" KID CLAIMS, "a0", NULL, NULL},
    {NULL, "a5" ALG "028110" KID CLAIMS "106161", "a0", NULL, NULL},
    {"crit-unknown", "a4" ALG "0280" KID CLAIMS, "a0", NULL, NULL},
    {"crit-unknown", "a4" ALG "0201" KID CLAIMS, "a0", NULL, NULL},
    {"crit-unknown", "a5" ALG "02811863" KID CLAIMS "186300", "a0", NULL, NULL},
    {"crit-unknown", "a4" ALG "028103" KID CLAIMS, "a0", NULL, NULL}, /* 3 is not there */
    {"crit-unknown", "a5" ALG "02816178" KID CLAIMS "617800", "a0", NULL, NULL},
    {"crit-unknown", "a4" ALG "028102" KID CLAIMS, "a0", NULL, NULL},
    /* [STMT-7] */
    {"alg-missing", "a2" KID CLAIMS, "a0", NULL, NULL},
    {"alg-missing",
     "a3"
     "01654553323536" KID CLAIMS,
     "a0", NULL, NULL},
    {"alg-missing", "a2" KID CLAIMS, "a10126", NULL, NULL},
    {NULL,
     "a3"
     "013903e7" KID CLAIMS,
     "a0", NULL, NULL},
    /* [STMT-8], [STMT-9] */
    {"claims-missing", "a2" ALG KID, "a0", NULL, NULL},
    {"claims-missing", "a2" ALG KID, "a1" CLAIMS, NULL, NULL},
    {"claims-missing", "a3" ALG KID "0f80", "a0", NULL, NULL},
    {"claims-missing", "a3" ALG KID "0fa1016169", "a0", NULL, NULL},
    {"claims-missing", "a3" ALG KID "0fa1026173", "a0", NULL, NULL},
    {"claims-invalid", "a3" ALG KID "0fa20160026173", "a0", NULL, NULL},
    {"claims-invalid", "a3" ALG KID "0fa2016169024173", "a0", NULL, NULL},
    {"claims-invalid", "a3" ALG KID "0fa2017f6169ff026173", "a0", NULL, NULL}, /* [CBOR-12] */
    /* [STMT-10], [STMT-11] */
    {"kid-missing", "a2" ALG CLAIMS, "a0", NULL, NULL},
    {"kid-missing", "a2" ALG CLAIMS, "a104416b", NULL, NULL},
    {"kid-invalid", "a3" ALG "04616b" CLAIMS, "a0", NULL, NULL},
    {"kid-invalid", "a3" ALG "0440" CLAIMS, "a0", NULL, NULL},
    {"kid-invalid", "a3" ALG "045f416bff" CLAIMS, "a0", NULL, NULL}, /* [CBOR-12] */
    {"kid-invalid", "a3" ALG "04d82a416b" CLAIMS, "a0", NULL, NULL}, /* [CBOR-9] */
    /* [STMT-12] */
    {NULL, "a3" ALG CLAIMS "1821416b", "a0", NULL, NULL},
    {NULL, "a3" ALG CLAIMS "182182416b416c", "a0", NULL, NULL},
    {NULL, "a3" ALG CLAIMS "1821884040404040404040", "a0", NULL, NULL},
    {"certificate-header-invalid", "a3" ALG CLAIMS "182181416b", "a0", NULL, NULL},
    {"certificate-header-invalid", "a3" ALG CLAIMS "182180", "a0", NULL, NULL},
    {"certificate-header-invalid", "a3" ALG CLAIMS "182182416b00", "a0", NULL, NULL},
    {"certificate-header-invalid", "a3" ALG CLAIMS "182189404040404040404040", "a0", NULL, NULL},
    {"certificate-header-invalid", "a3" ALG CLAIMS "182100", "a0", NULL, NULL},
    {NULL, "a3" ALG CLAIMS "1822822f416b", "a0", NULL, NULL},
    {NULL, "a3" ALG CLAIMS "1822826178416b", "a0", NULL, NULL},
    {"certificate-header-invalid", "a3" ALG CLAIMS "1822812f", "a0", NULL, NULL},
    {"certificate-header-invalid", "a3" ALG CLAIMS "1822832f416b00", "a0", NULL, NULL},
    {"certificate-header-invalid", "a3" ALG CLAIMS "182282416b416b", "a0", NULL, NULL},
    {"certificate-header-invalid", "a3" ALG CLAIMS "1822822f616b", "a0", NULL, NULL},
    {"certificate-header-invalid", "a3" ALG CLAIMS "1822416b", "a0", NULL, NULL},
    {NULL, "a3" ALG KID CLAIMS, "a2182100182200", NULL, NULL}, /* unprotected: left alone */
    /* [STMT-13] */
    {NULL, "a4" ALG "0300" KID CLAIMS, "a0", NULL, NULL},
    {NULL, "a4" ALG "036174" KID CLAIMS, "a0", NULL, NULL},
    {"content-type-invalid", "a4" ALG "0320" KID CLAIMS, "a0", NULL, NULL},
    {"content-type-invalid", "a4" ALG "034174" KID CLAIMS, "a0", NULL, NULL},
    {NULL, "a3" ALG KID CLAIMS, "a10320", NULL, NULL},
    /* [STMT-14] */
    {"label-misplaced", "a3" ALG KID CLAIMS, "a11901022f", NULL, NULL},
    {"label-misplaced", "a3" ALG KID CLAIMS, "a119010300", NULL, NULL},
    {"label-misplaced", "a3" ALG KID CLAIMS, "a119010460", NULL, NULL},
    {"label-misplaced", "a3" ALG KID CLAIMS, "a1028104", NULL, NULL},
    {"label-misplaced", "a4" ALG KID CLAIMS "19018a8140", "a0", NULL, NULL},
    {"label-misplaced", "a4" ALG KID CLAIMS "19018ca0", "a0", NULL, NULL},
    {"label-misplaced", "a4" ALG KID CLAIMS "3a000100a38140", "a0", NULL, NULL},
    {NULL, "a4" ALG KID CLAIMS "19018b01", "a0", NULL, NULL}, /* 395 is carried */
    /* [STMT-15] */
    {NULL, "a4" ALG KID CLAIMS "1901022f", "a0", NULL, NULL},
    {NULL,
     "a6" ALG KID CLAIMS "1901022f"
     "1901036174"
     "190104616c",
     "a0", NULL, NULL},
    {NULL,
     "a5" ALG KID CLAIMS "1901022f"
     "19010318c8",
     "a0", NULL, NULL},
    {"hash-envelope-invalid", "a4" ALG KID CLAIMS "190102616b", "a0", NULL, NULL},
    {"hash-envelope-invalid",
     "a5" ALG KID CLAIMS "1901022f"
     "19010320",
     "a0", NULL, NULL},
    {"hash-envelope-invalid",
     "a5" ALG KID CLAIMS "1901022f"
     "1901044174",
     "a0", NULL, NULL},
    {"hash-envelope-invalid",
     "a5" ALG KID CLAIMS "1901022f"
     "0300",
     "a0", NULL, NULL},
    {"hash-envelope-invalid", "a4" ALG KID CLAIMS "1901022f", "a10300", NULL, NULL},
    {NULL,
     "a5" ALG KID CLAIMS "19010320"
     "19010420",
     "a0", NULL, NULL}, /* without 258 */
    {NULL, "a4" ALG KID CLAIMS "1901023b7fffffffffffffff", "a0", NULL, NULL},
    /* [STMT-16] */
    {"digest-length", "a4" ALG KID CLAIMS "190102382a", "a0", NULL, NULL},
    {"digest-length", "a4" ALG KID CLAIMS "190102382b", "a0", NULL, NULL},
    {"digest-length", "a4" ALG KID CLAIMS "1901022f", "a0", "40", NULL},
    {NULL, "a4" ALG KID CLAIMS "190102382a", "a0", ZEROS48, NULL},
    {NULL, "a4" ALG KID CLAIMS "1901020e", "a0", "40", NULL}, /* unknown: any length */
    /* [STMT-17] */
    {"payload-detached", "a3" ALG KID CLAIMS, "a0", "f6", NULL},
    /* [STMT-18] */
    {NULL,
     "a5" ALG KID CLAIMS "1863f97e00"
     "1864c100",
     "a2186500617af7", "40", "40"},
    /* [STMT-1] */
    {"not-a-statement", "a3" ALG KID CLAIMS, "80", NULL, NULL},
    {"not-a-statement", "a3" ALG KID CLAIMS, "f7", NULL, NULL},
    {"not-a-statement", "a3" ALG KID CLAIMS, "a0", "f7", NULL},
    {"not-a-statement", "a3" ALG KID CLAIMS, "a0", "00", NULL},
    {"not-a-statement", "a3" ALG KID CLAIMS, "a0", NULL, "f6"},
    {"not-a-statement", "a3" ALG KID CLAIMS, "a0", NULL, "410000"},
    {"not-a-statement", "a3" ALG KID CLAIMS, "a0", NULL, "580100"},
    {"not-a-statement", "a3" ALG KID CLAIMS, "bfff", NULL, NULL},
    /* [EVID-2] */
    {NULL, "a3" ALG KID CLAIMS, "a119018a8140", NULL, NULL},
    {NULL, "a3" ALG KID CLAIMS,
     "a13a000100a3824100"
     "40",
     NULL, NULL},
    {"evidence-invalid", "a3" ALG KID CLAIMS, "a119018a80", NULL, NULL},
    {"evidence-invalid", "a3" ALG KID CLAIMS, "a119018a40", NULL, NULL},
    {"evidence-invalid", "a3" ALG KID CLAIMS, "a119018a8100", NULL, NULL},
    {"evidence-invalid", "a3" ALG KID CLAIMS, "a13a000100a380", NULL, NULL},
    {"evidence-invalid", "a3" ALG KID CLAIMS, "a13a000100a38160", NULL, NULL},
};

static void test_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const row *r = &rows[i];
        mun_buf buf = fresh();
        mun_slice bytes =
            make_message(&buf, r->protected_map, r->unprotected_map, r->payload, r->signature);
        mun_statement s;
        mun_error err = {0};
        mun_code code = mun_statement_parse(bytes, &s, &err);
        if ((code == MUN_OK) != (r->rule == NULL))
            fail_msg("row %zu (%s): code %d, %s: %s", i, r->protected_map, code, err.rule,
                     err.text);
        if (code == MUN_OK) continue;
        assert_int_equal(code, MUN_E_MALFORMED);
        if (strcmp(err.rule, r->rule) != 0)
            fail_msg("row %zu: rule %s instead of %s", i, err.rule, r->rule);
        assert_true(err.offset < bytes.len && err.text[0] != '\0');
    }
}

static mun_statement parsed(mun_slice bytes)
{
    mun_statement s;
    mun_error err = {0};
    if (mun_statement_parse(bytes, &s, &err) != MUN_OK) fail_msg("%s: %s", err.rule, err.text);
    return s;
}

static void assert_slice(mun_slice got, const char *expected)
{
    if (!mun_slice_equal(got, mun_slice_cstr(expected)))
        fail_msg("%.*s instead of %s", (int)got.len, (const char *)got.ptr, expected);
}

/* [STMT-1]: no tag, another tag, other shapes. */
static void test_envelope(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "a0",
        "84 4ba3" ALG KID CLAIMS "a0 4100 4100",
        "d1 84 4ba3" ALG KID CLAIMS "a0 4100 4100",
        "d2 85 4ba3" ALG KID CLAIMS "a0 4100 4100 00",
        "d2 83 4ba3" ALG KID CLAIMS "a0 4100",
        "d2 40",
        "d2 d2 84 4ba3" ALG KID CLAIMS "a0 4100 4100",
        "d2 84 a3" ALG KID CLAIMS "a0 4100 4100",
        "d2 9f 4ba3" ALG KID CLAIMS "a0 4100 4100 ff",
        "d8 12 84 4ba3" ALG KID CLAIMS "a0 4100 4100",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mun_buf buf = fresh();
        put_hex(&buf, bad[i]);
        mun_statement s;
        mun_error err = {0};
        assert_int_equal(mun_statement_parse(mun_buf_slice(&buf), &s, &err), MUN_E_MALFORMED);
        assert_string_equal(err.rule, "not-a-statement");
    }
}

/* Every prefix is refused, and everything with a byte more. */
static void test_cut_and_longer(void **state)
{
    (void)state;
    mun_buf buf = fresh();
    mun_slice bytes = make_message(&buf, "a3" ALG KID CLAIMS, "a119018a8140", NULL, NULL);
    mun_statement s;
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_equal(mun_statement_parse(mun_slice_of(bytes.ptr, len), &s, NULL),
                         MUN_E_MALFORMED);
    for (unsigned extra = 0; extra < 256; extra++) {
        store[bytes.len] = (uint8_t)extra;
        assert_int_equal(mun_statement_parse(mun_slice_of(bytes.ptr, bytes.len + 1), &s, NULL),
                         MUN_E_MALFORMED);
    }
    assert_int_equal(mun_statement_parse(bytes, &s, NULL), MUN_OK);
}

static void test_fields(void **state)
{
    (void)state;
    mun_buf buf = fresh();
    mun_slice bytes = make_message(&buf,
                                   "a9" ALG KID "0fa3 016169 026173 06186f"
                                   "182182416341 64"
                                   "1822822f4168"
                                   "1901022f"
                                   "1901036174"
                                   "190104616c"
                                   "2000",
                                   "a2 19018a 82 4172 40  3a000100a3 81 4170", NULL, "4173");
    mun_statement s = parsed(bytes);
    assert_int_equal(s.alg, -7);
    assert_true(s.have_kid && s.have_iat && s.have_x5t && !s.have_cnf);
    assert_slice(s.kid, "k");
    assert_slice(s.iss, "i");
    assert_slice(s.sub, "s");
    assert_int_equal(s.iat, 111);
    assert_int_equal(s.x5chain_len, 2);
    assert_slice(s.x5chain[0], "c");
    assert_slice(s.x5chain[1], "d");
    assert_int_equal(s.x5t_alg, -16);
    assert_slice(s.x5t_hash, "h");
    assert_true(s.is_hash_envelope && s.hash_alg == MUN_HASH_SHA256);
    assert_slice(s.preimage_content_type.text, "t");
    assert_slice(s.location, "l");
    assert_int_equal(s.receipts_len, 2);
    assert_slice(s.receipts[0], "r");
    assert_int_equal(s.proofs_len, 1);
    assert_slice(s.proofs[0], "p");
    assert_slice(s.signature, "s");
    assert_int_equal(s.payload.len, 32);
    assert_int_equal(mun_statement_document_hash(&s), MUN_HASH_SHA256);
}

static void test_numbers_that_do_not_fit(void **state)
{
    (void)state;
    mun_buf buf = fresh();
    mun_statement s = parsed(make_message(
        &buf, "a4 013b7fffffffffffffff" KID CLAIMS "1901021bffffffffffffffff", "a0", NULL, NULL));
    assert_int_equal(s.alg, 0);
    assert_int_equal(s.hash_alg, 0);
    assert_int_equal(mun_statement_document_hash(&s), 0);
    buf = fresh();
    s = parsed(make_message(&buf, "a4" ALG "0318c8" KID CLAIMS, "a0", NULL, NULL));
    assert_true(s.content_type.present && !s.content_type.is_text);
    assert_int_equal(s.content_type.number, 200);
    assert_int_equal(mun_statement_document_hash(&s), MUN_HASH_SHA256);
}

/* What counts as a time, and what does not. */
static void test_iat(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool time;
        int64_t value;
    } times[] = {
        {"00", true, 0},
        {"1a6b02d9a4", true, 1795348900},
        {"1b0000003afff4417f", true, INT64_C(253402300799)},
        {"1b0000003afff44180", false, 0},
        {"20", false, 0},
        {"fb41d95000000000 00", false, 0},
        {"c11a6b02d9a4", true, 1795348900},
        {"c120", false, 0},
        {"c1c100", false, 0},
        {"c000", false, 0},
        {"d801186f", true, 111}, /* carried: a longer head */
        {"6130", false, 0},
        {"f6", false, 0},
    };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        char map[128];
        snprintf(map, sizeof map, "a3" ALG KID "0fa3 016169 026173 06%s", times[i].hex);
        mun_buf buf = fresh();
        mun_statement s = parsed(make_message(&buf, map, "a0", NULL, NULL));
        if (s.have_iat != times[i].time || s.iat != times[i].value)
            fail_msg("iat %s: %d %lld", times[i].hex, s.have_iat, (long long)s.iat);
    }
}

/* Issuer and subject of 8,192 bytes, kid of 256, evidence of 1 MiB: the last good and the first
 * bad. */
static void test_limits(void **state)
{
    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        mun_buf buf = fresh();
        put_hex(&buf, "a3" ALG KID "0fa2 01");
        mun_cbor_put_head(&buf, MUN_CBOR_TEXT, MUN_NAME_MAX + extra);
        memset(mun_buf_reserve(&buf, MUN_NAME_MAX + extra), 'i', MUN_NAME_MAX + extra);
        put_hex(&buf, "026173");
        mun_cbor_wrap_bytes(&buf, 0);
        memmove(store + 2, store, buf.len);
        memcpy(store, "\xd2\x84", 2);
        buf.len += 2;
        put_hex(&buf, "a0 4100 4100");
        mun_statement s;
        mun_code code = mun_statement_parse(mun_buf_slice(&buf), &s, NULL);
        assert_int_equal(code, extra == 0 ? MUN_OK : MUN_E_MALFORMED);
    }
    static uint8_t huge[MUN_EVIDENCE_MAX + 1];
    mun_statement s;
    mun_error err = {0};
    assert_int_equal(mun_statement_parse(mun_slice_of(huge, sizeof huge), &s, &err), MUN_E_LIMIT);
    assert_string_equal(err.rule, "evidence-too-large");
}

static void test_kid_limit(void **state)
{
    (void)state;
    for (size_t len = MUN_KID_MAX; len <= MUN_KID_MAX + 1; len++) {
        char map[1024];
        size_t at = (size_t)snprintf(map, sizeof map, "a3" ALG CLAIMS "0459%04zx", len);
        memset(map + at, '1', 2 * len);
        map[at + 2 * len] = '\0';
        mun_buf buf = fresh();
        mun_statement s;
        mun_slice bytes = make_message(&buf, map, "a0", NULL, NULL);
        mun_code code = mun_statement_parse(bytes, &s, NULL);
        assert_int_equal(code, len == MUN_KID_MAX ? MUN_OK : MUN_E_MALFORMED);
    }
}

/* [STMT-21], [STMT-22]: the entry is the statement with an empty unprotected header; the leaf hash
 * is over it, and the same with or without receipts. */
static void test_entry_and_leaf(void **state)
{
    (void)state;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    mun_buf buf = fresh();
    mun_slice with = make_message(&buf, "a3" CLAIMS KID ALG, "a1617800", NULL, NULL);
    mun_slice without = make_message(&buf, "a3" CLAIMS KID ALG, "a0", NULL, NULL);
    mun_statement s = parsed(with);
    uint8_t entry_bytes[256], leaf[MUN_HASH_SIZE], expected[MUN_HASH_SIZE];
    mun_buf entry = mun_buf_fixed(entry_bytes, sizeof entry_bytes);
    assert_int_equal(mun_statement_entry(&s, &entry, NULL), MUN_OK);
    assert_true(mun_slice_equal(mun_buf_slice(&entry), without));
    mun_statement_leaf(&crypto, &s, leaf);
    const mun_slice parts[] = {MUN_LITERAL("\0"), without};
    crypto.sha256(crypto.ctx, parts, 2, expected);
    assert_memory_equal(leaf, expected, sizeof leaf);
    mun_buf small = mun_buf_fixed(entry_bytes, without.len - 1);
    mun_error err = {0};
    assert_int_equal(mun_statement_entry(&s, &small, &err), MUN_E_LIMIT);
    assert_int_equal(small.len, 0);
}

/* [STMT-23] */
static void test_entry_limit(void **state)
{
    (void)state;
    fake_crypto fake;
    fake_table(&fake);
    mun_signer signer = fake_signer(&fake, MUN_ALG_ES256, 7);
    static uint8_t document[MUN_STATEMENT_MAX], out[70000], entry_bytes[70000];
    mun_statement_params p = {.iss = MUN_LITERAL("i"),
                              .sub = MUN_LITERAL("s"),
                              .inline_payload = true,
                              .payload = mun_slice_of(document, 60000)};
    mun_buf buf = mun_buf_fixed(out, sizeof out);
    assert_int_equal(mun_statement_sign(&p, &signer, &buf, NULL), MUN_OK);
    size_t most = 60000 + MUN_STATEMENT_MAX - buf.len;
    for (size_t len = most; len <= most + 1; len++) {
        p.payload = mun_slice_of(document, len);
        mun_buf_clear(&buf);
        mun_error err = {0};
        mun_code code = mun_statement_sign(&p, &signer, &buf, &err);
        assert_int_equal(code, len == most ? MUN_OK : MUN_E_LIMIT);
        if (code == MUN_OK) assert_int_equal(buf.len, MUN_STATEMENT_MAX);
        if (code != MUN_OK) assert_string_equal(err.rule, "entry-too-large");
    }
    mun_buf raw = mun_buf_fixed(out, sizeof out);
    mun_slice head = make_message(&raw, "a3" ALG KID CLAIMS, "a0", "59ffff", NULL);
    size_t start = head.len - 2;
    memset(out + start, 0, 65535);
    memcpy(out + start + 65535, "\x41", 2);
    mun_statement s = parsed(mun_slice_of(out, start + 65535 + 2));
    mun_buf entry = mun_buf_fixed(entry_bytes, sizeof entry_bytes);
    mun_error err = {0};
    assert_int_equal(mun_statement_entry(&s, &entry, &err), MUN_E_LIMIT);
    assert_string_equal(err.rule, "entry-too-large");
}

/* [STMT-19]: exactly these bytes are checked, with this key and this algorithm, once. */
static void test_signed_bytes(void **state)
{
    (void)state;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    mun_public_key key = fake_key(MUN_ALG_ES256, 9);
    mun_buf buf = fresh();
    char signature[200] = "5840";
    memset(signature + 4, '0', 128);
    mun_statement s =
        parsed(make_message(&buf, "a3" ALG KID CLAIMS, "a1617800", "4101", signature));
    mun_error err = {0};
    assert_int_equal(mun_statement_check(&crypto, &s, &key, &err), MUN_E_INVALID);
    assert_string_equal(err.rule, "statement-signature");
    assert_int_equal(fake.verifies, 1);
    assert_int_equal(fake.calls[0].alg, -7);
    assert_int_equal(fake.calls[0].key_first, 9);
    uint8_t expected[128];
    mun_buf e = mun_buf_fixed(expected, sizeof expected);
    put_hex(&e, "846a5369676e617475726531 4e a3" ALG KID CLAIMS "40 4101");
    assert_int_equal(fake.message_len, e.len);
    assert_memory_equal(fake.message, expected, e.len);
}

/* [KEY-4], [STMT-20]: the wrong kind of key and the wrong length never reach the table; other
 * failures of the table are not taken for a wrong signature. */
static void test_check_refusals(void **state)
{
    (void)state;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    mun_public_key p256 = fake_key(MUN_ALG_ES256, 9), p384 = fake_key(MUN_ALG_ES384, 9);
    mun_buf buf = fresh();
    char signature[200] = "5840";
    memset(signature + 4, '0', 128);
    mun_slice bytes = make_message(&buf, "a3" ALG KID CLAIMS, "a0", "4101", signature);
    mun_statement s = parsed(bytes);
    assert_int_equal(mun_statement_check(&crypto, &s, &p384, NULL), MUN_E_INVALID);
    s.signature.len = 63;
    assert_int_equal(mun_statement_check(&crypto, &s, &p256, NULL), MUN_E_INVALID);
    assert_int_equal(fake.verifies, 0);
    s.signature.len = 64;
    s.alg = -260;
    assert_int_equal(mun_statement_check(&crypto, &s, &p256, NULL), MUN_E_UNSUPPORTED);
    assert_int_equal(fake.verifies, 0);
    s.alg = -7;
    fake.verify_with = MUN_E_CRYPTO;
    assert_int_equal(mun_statement_check(&crypto, &s, &p256, NULL), MUN_E_CRYPTO);
    assert_int_equal(fake.verifies, 1);
}

/* All algorithms of key.md against all kinds of keys: a signature of the right length is good
 * exactly where the row of the table says so. */
static void test_algorithms(void **state)
{
    (void)state;
    static const int32_t algs[] = {-7, -9, -35, -51, -36, -52, -8, -19, -37, -38, -39};
    static const int32_t kinds[] = {-7, -35, -36, -8, -37};
    static const size_t kind_of[] = {0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
    for (size_t a = 0; a < 11; a++) {
        assert_true(mun_alg_supported(algs[a]));
        for (size_t k = 0; k < 5; k++) {
            mun_public_key key = fake_key(kinds[k], 1);
            assert_int_equal(mun_alg_fits(algs[a], &key), kind_of[a] == k);
        }
    }
    static const int32_t not[] = {0, -6, -10, -16, -44, -48, -53, -257, -260, 5};
    for (size_t i = 0; i < sizeof not/ sizeof not[0]; i++) assert_false(mun_alg_supported(not[i]));
}

/* What was signed is read back the same, is deterministic CBOR, and its signature is good. */
static mun_statement signed_and_checked(const mun_statement_params *p, const mun_signer *signer,
                                        fake_crypto *fake, mun_buf *buf)
{
    mun_crypto crypto = fake_table(fake);
    mun_error err = {0};
    size_t start = buf->len;
    if (mun_statement_sign(p, signer, buf, &err) != MUN_OK) fail_msg("%s %s", err.rule, err.text);
    mun_slice bytes = mun_slice_of(buf->ptr + start, buf->len - start);
    mun_statement s = parsed(bytes);
    assert_int_equal(mun_cbor_check(bytes, MUN_CBOR_DETERMINISTIC, NULL), MUN_OK);
    assert_int_equal(mun_cbor_check(s.protected_bytes, MUN_CBOR_DETERMINISTIC, NULL), MUN_OK);
    assert_int_equal(mun_statement_check(&crypto, &s, &signer->key, &err), MUN_OK);
    assert_true(mun_slice_equal(s.kid, mun_slice_of(signer->kid, MUN_HASH_SIZE)));
    assert_true(mun_slice_equal(s.iss, p->iss) && mun_slice_equal(s.sub, p->sub));
    assert_int_equal(s.have_iat, p->with_iat);
    assert_int_equal(s.alg, signer->alg);
    return s;
}

/* [STMT-24], [STMT-27] */
static void test_sign_envelope(void **state)
{
    (void)state;
    fake_crypto fake;
    static const int32_t algs[] = {MUN_ALG_ES256, MUN_ALG_ES384, MUN_ALG_EDDSA};
    static const uint8_t digest[64] = {1, 2, 3};
    static const struct {
        int32_t alg;
        size_t len;
    } hashes[] = {{-16, 32}, {-43, 48}, {-44, 64}};
    for (size_t i = 0; i < 3; i++)
        for (size_t h = 0; h < 3; h++) {
            mun_signer signer = fake_signer(&fake, algs[i], 7);
            mun_statement_params p = {.iss = MUN_LITERAL("https://issuer.example"),
                                      .sub = MUN_LITERAL("a/b.txt"),
                                      .with_iat = true,
                                      .iat = 1795348900,
                                      .payload = mun_slice_of(digest, hashes[h].len),
                                      .hash_alg = hashes[h].alg};
            mun_buf buf = fresh();
            mun_statement s = signed_and_checked(&p, &signer, &fake, &buf);
            assert_true(s.is_hash_envelope && s.hash_alg == hashes[h].alg && !s.have_cnf);
            assert_slice(s.preimage_content_type.text, "application/octet-stream");
            assert_int_equal(s.location.len, 0);
            assert_int_equal(s.iat, 1795348900);
            p.location = MUN_LITERAL("https://x.example/y");
            p.content_type = MUN_LITERAL("text/plain");
            p.with_iat = false;
            s = signed_and_checked(&p, &signer, &fake, &buf);
            assert_slice(s.preimage_content_type.text, "text/plain");
            assert_slice(s.location, "https://x.example/y");
            assert_false(s.content_type.present);
        }
}

/* [STMT-25] */
static void test_sign_inline(void **state)
{
    (void)state;
    fake_crypto fake;
    mun_signer signer = fake_signer(&fake, MUN_ALG_ES256, 7);
    mun_statement_params p = {.iss = MUN_LITERAL("i"),
                              .sub = MUN_LITERAL("s"),
                              .inline_payload = true,
                              .payload = MUN_LITERAL("the document"),
                              .content_type = MUN_LITERAL("text/plain")};
    mun_buf buf = fresh();
    mun_statement s = signed_and_checked(&p, &signer, &fake, &buf);
    assert_slice(s.payload, "the document");
    assert_slice(s.content_type.text, "text/plain");
    assert_false(s.is_hash_envelope);
    p.payload = (mun_slice){0}; /* an empty document is one, too */
    s = signed_and_checked(&p, &signer, &fake, &buf);
    assert_int_equal(s.payload.len, 0);
}

/* [STMT-26]: the key goes in exactly when the issuer is one of its own names. */
static void test_sign_own_name(void **state)
{
    (void)state;
    static const int32_t algs[] = {MUN_ALG_ES256, MUN_ALG_ES384, MUN_ALG_EDDSA};
    for (size_t i = 0; i < 3; i++) {
        fake_crypto fake;
        mun_crypto crypto = fake_table(&fake);
        mun_signer signer = fake_signer(&fake, algs[i], (uint8_t)(20 + i));
        uint8_t names[2][128];
        mun_buf uri = mun_buf_fixed(names[0], 128), did = mun_buf_fixed(names[1], 128);
        mun_key_thumbprint_uri(&crypto, &signer.key, &uri);
        assert_int_equal(mun_did_key_write(&signer.key, &did, NULL), MUN_OK);
        mun_slice both[] = {mun_buf_slice(&uri), mun_buf_slice(&did)};
        for (size_t n = 0; n < 2; n++) {
            mun_statement_params p = {.iss = both[n],
                                      .sub = MUN_LITERAL("s"),
                                      .inline_payload = true,
                                      .with_iat = n == 0,
                                      .iat = 5};
            mun_buf buf = fresh();
            mun_statement s = signed_and_checked(&p, &signer, &fake, &buf);
            assert_true(s.have_cnf);
            assert_memory_equal(&s.cnf, &signer.key, sizeof s.cnf);
            mun_public_key self;
            assert_int_equal(mun_statement_self_key(&crypto, &s, &self, NULL), MUN_OK);
            assert_memory_equal(&self, &signer.key, sizeof self);
            store[buf.len] = 0;
            p.iss.len--; /* not quite its name */
            s = signed_and_checked(&p, &signer, &fake, &buf);
            assert_false(s.have_cnf);
            assert_int_equal(mun_statement_self_key(&crypto, &s, &self, NULL), MUN_E_NOT_FOUND);
        }
    }
}

/* Bad parameters, a signer that fails, no room: nothing is written. */
static void test_sign_refused(void **state)
{
    (void)state;
    fake_crypto fake;
    static const uint8_t digest[64];
    static uint8_t name[MUN_NAME_MAX + 1];
    memset(name, 'n', sizeof name);
    mun_signer signer = fake_signer(&fake, MUN_ALG_ES256, 7);
    const mun_statement_params good = {.iss = MUN_LITERAL("i"),
                                       .sub = MUN_LITERAL("s"),
                                       .payload = mun_slice_of(digest, 32),
                                       .hash_alg = -16};
    mun_statement_params bad[10];
    for (size_t i = 0; i < 10; i++) bad[i] = good;
    bad[0].iss.len = 0;
    bad[1].sub = mun_slice_of(name, sizeof name);
    bad[2].iss = MUN_LITERAL("\xff");
    bad[3].content_type = MUN_LITERAL("\xff");
    bad[4].location = MUN_LITERAL("\xff");
    bad[5].payload.len = 31;
    bad[6].hash_alg = -15;
    bad[6].payload.len = 0;
    bad[7].with_iat = true;
    bad[7].iat = -1;
    bad[8].with_iat = true;
    bad[8].iat = MUN_TIME_MAX + 1;
    bad[9].hash_alg = -43;
    for (size_t i = 0; i < 10; i++) {
        mun_buf buf = fresh();
        mun_error err = {0};
        assert_int_equal(mun_statement_sign(&bad[i], &signer, &buf, &err), MUN_E_USAGE);
        assert_true(buf.len == 0 && err.text[0] != '\0' && err.rule[0] != '\0');
    }
    mun_buf whole = fresh();
    assert_int_equal(mun_statement_sign(&good, &signer, &whole, NULL), MUN_OK);
    for (size_t room = 0; room < whole.len; room++) {
        mun_buf small = mun_buf_fixed(store, room);
        assert_int_equal(mun_statement_sign(&good, &signer, &small, NULL), MUN_E_LIMIT);
        assert_int_equal(small.len, 0);
    }
    signer.sign = fake_sign_fails;
    mun_buf buf = fresh();
    assert_int_equal(mun_statement_sign(&good, &signer, &buf, NULL), MUN_E_CRYPTO);
    assert_int_equal(buf.len, 0);
}

/* [EVID-4] [EVID-5]: entry bytes with the receipts, as they are, in place of a0. */
static void test_evidence_write(void **state)
{
    (void)state;
    mun_buf buf = fresh();
    mun_statement s = parsed(make_message(&buf, "a3" ALG KID CLAIMS, "a1617800", "4101", "4102"));
    const mun_slice blobs[] = {MUN_LITERAL("r1"), MUN_LITERAL("r2")};
    static const struct {
        size_t receipts, proofs;
        const char *unprotected;
    } rows2[] = {{0, 0, "a0"},
                 {1, 0, "a119018a81427231"},
                 {2, 1, "a219018a82427231427232 3a000100a381427231"},
                 {0, 1, "a13a000100a381427231"}};
    for (size_t i = 0; i < 4; i++) {
        mun_slice expected =
            make_message(&buf, "a3" ALG KID CLAIMS, rows2[i].unprotected, "4101", "4102");
        uint8_t out[256];
        mun_buf written = mun_buf_fixed(out, sizeof out);
        assert_int_equal(mun_evidence_write(&s, blobs, rows2[i].receipts, blobs, rows2[i].proofs,
                                            &written, NULL),
                         MUN_OK);
        assert_true(mun_slice_equal(mun_buf_slice(&written), expected));
        mun_buf small = mun_buf_fixed(out, expected.len - 1);
        assert_int_equal(
            mun_evidence_write(&s, blobs, rows2[i].receipts, blobs, rows2[i].proofs, &small, NULL),
            MUN_E_LIMIT);
        assert_int_equal(small.len, 0);
    }
    mun_buf out = fresh();
    assert_int_equal(mun_evidence_write(&s, blobs, 17, blobs, 0, &out, NULL), MUN_E_LIMIT);
    assert_int_equal(mun_evidence_write(&s, blobs, 0, blobs, 17, &out, NULL), MUN_E_LIMIT);
}

/* Which of the keys in the statement speaks: docs/format/verification.md, declared_key. */
static void test_self_key(void **state)
{
    (void)state;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    mun_buf buf = fresh();
    mun_public_key self;
    /* cnf whose key is not a key; no cnf; a name that is not the key's. */
    static const char *const none[] = {
        "a3" ALG KID CLAIMS,
        "a3" ALG KID "0fa3 016169 026173 08a101a10102",
        "a3" ALG KID "0fa3 016169 026173 08a0",
        "a3" ALG KID "0fa3 016169 026173 0800",
        "a3" ALG "1821416b" CLAIMS, /* a certificate that is none */
    };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        mun_statement s = parsed(make_message(&buf, none[i], "a0", NULL, NULL));
        assert_false(s.have_cnf);
        assert_int_equal(mun_statement_self_key(&crypto, &s, &self, NULL), MUN_E_NOT_FOUND);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_envelope),
        cmocka_unit_test(test_cut_and_longer),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_numbers_that_do_not_fit),
        cmocka_unit_test(test_iat),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_kid_limit),
        cmocka_unit_test(test_entry_and_leaf),
        cmocka_unit_test(test_entry_limit),
        cmocka_unit_test(test_signed_bytes),
        cmocka_unit_test(test_check_refusals),
        cmocka_unit_test(test_algorithms),
        cmocka_unit_test(test_sign_envelope),
        cmocka_unit_test(test_sign_inline),
        cmocka_unit_test(test_sign_own_name),
        cmocka_unit_test(test_sign_refused),
        cmocka_unit_test(test_evidence_write),
        cmocka_unit_test(test_self_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
