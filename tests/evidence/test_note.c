/* SPDX-License-Identifier: Apache-2.0 */
/* Notes, checkpoints, cosignatures, tlog-proofs (docs/format/checkpoint.md), without cryptography.
 */
#include "support/cmocka_all.h"

#include <stdio.h>

#include "codec/radix.h"
#include "evidence/fake_crypto.h"

static uint8_t store[1100000];

#define ROOT "Y4r6mAIpJbrP3a2xXvIv0BmcGsmcKXO2FYJD0T/OBcI=\n"
#define TEXT "ledger.example/x\n1000\n" ROOT
#define LINE "— k AQIDBAU=\n"

static mun_code note(const char *text, mun_note *ret, mun_error *err)
{
    return mun_note_parse(mun_slice_cstr(text), ret, err);
}

/* [CKPT-1] [CKPT-2] [CKPT-3] [CKPT-4] */
static void test_note_rules(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *rule; /* NULL: accepted */
    } rows[] = {
        {"a\n\n" LINE, NULL},
        {"a\n\n" LINE LINE, NULL},
        {"a\n\nb\n\n" LINE, NULL}, /* empty lines in the text */
        {"\n\n" LINE, NULL},       /* a text of one empty line */
        {"\xc3\xbc\n\n" LINE, NULL},
        {"", "note-invalid"},
        {"a\n" LINE, "note-invalid"},
        {"a\n\n— k AQIDBAU=", "note-invalid"},
        {"a\x01\n\n" LINE, "note-invalid"},
        {"a\r\n\n" LINE, "note-invalid"},
        {"a\t\n\n" LINE, "note-invalid"},
        {"\xff\n\n" LINE, "note-invalid"},
        {"a\n\n", "note-signatures"},
        {"a\n\n" LINE "\n", "note-signatures"}, /* the last empty line is at the end */
        {"a\n\nb\n", "note-signature-line"},
        {"a\n\n" LINE "b\n", "note-signature-line"},
        {"a\n\n— k AQIDBA==\n", "note-signature-line"}, /* a key id and nothing */
        {"a\n\n— k AQIDBAU\n", "note-signature-line"},
        {"a\n\n— k AQIDBAV=\n", "note-signature-line"}, /* not canonical */
        {"a\n\n— k  AQIDBAU=\n", "note-signature-line"},
        {"a\n\n— k AQIDBAU= \n", "note-signature-line"},
        {"a\n\n—  AQIDBAU=\n", "note-signature-line"},
        {"a\n\n— k+k AQIDBAU=\n", "note-signature-line"},
        {"a\n\n— k\xc2\xa0k AQIDBAU=\n", "note-signature-line"},
        {"a\n\n- k AQIDBAU=\n", "note-signature-line"},
        {"a\n\n—k AQIDBAU=\n", "note-signature-line"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static mun_note n;
        mun_error err = {0};
        mun_code code = note(rows[i].text, &n, &err);
        if ((code == MUN_OK) != (rows[i].rule == NULL)) fail_msg("row %zu: %s", i, err.text);
        if (code != MUN_OK) assert_string_equal(err.rule, rows[i].rule);
        if (code == MUN_OK) assert_memory_equal(n.signatures[0].key_id, "\1\2\3\4", 4);
    }
}

/* A hundred signatures pass, one more does not; a mebibyte passes, one more does not. */
static void test_note_limits(void **state)
{
    (void)state;
    static mun_note n;
    mun_error err = {0};
    for (unsigned count = 100; count <= 101; count++) {
        mun_buf buf = mun_buf_fixed(store, sizeof store);
        mun_buf_text(&buf, "a\n\n");
        for (unsigned i = 0; i < count; i++) mun_buf_text(&buf, LINE);
        assert_int_equal(mun_note_parse(mun_buf_slice(&buf), &n, &err),
                         count == 100 ? MUN_OK : MUN_E_MALFORMED);
    }
    for (size_t size = MUN_NOTE_MAX; size <= MUN_NOTE_MAX + 1; size++) {
        memset(store, 'a', sizeof store);
        mun_slice tail = MUN_LITERAL("\n\n" LINE);
        memcpy(store + size - tail.len, tail.ptr, tail.len);
        assert_int_equal(mun_note_parse(mun_slice_of(store, size), &n, &err),
                         size == MUN_NOTE_MAX ? MUN_OK : MUN_E_MALFORMED);
        mun_tlog_proof proof;
        assert_int_equal(mun_tlog_proof_parse(mun_slice_of(store, size), &proof, &err),
                         MUN_E_MALFORMED);
    }
}

/* [CKPT-8] [CKPT-9] [CKPT-10] */
static void test_checkpoint_rules(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        uint64_t size;
    } rows[] = {
        {TEXT, true, 1000},
        {TEXT "more\n", true, 1000},
        {"o\n0\n" ROOT, true, 0},
        {"o\n9223372036854775807\n" ROOT, true, INT64_MAX},
        {"o\n9223372036854775808\n" ROOT, false, 0},
        {"\n1\n" ROOT, false, 0},
        {"o\n01\n" ROOT, false, 0},
        {"o\n+1\n" ROOT, false, 0},
        {"o\n\n" ROOT, false, 0},
        {"o\n1\nY4r6\n", false, 0},
        {"o\n1\n\n", false, 0},
        {"o\n1\n", false, 0},
        {"o\n", false, 0},
        {"o", false, 0},
        {"", false, 0},
        {"o\n1\nY4r6mAIpJbrP3a2xXvIv0BmcGsmcKXO2FYJD0T/OBcI=", false, 0},
        {"o\n1\nY4r6mAIpJbrP3a2xXvIv0BmcGsmcKXO2FYJD0T/OBcJ=\n", false, 0},
        {TEXT "\n", false, 0},
        {TEXT "\nmore\n", false, 0},
        {TEXT "more", false, 0},
        {"\xff\n1\n" ROOT, false, 0},
        {"o\t\n1\n" ROOT, false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mun_checkpoint c;
        mun_error err = {0};
        mun_code code = mun_checkpoint_parse(mun_slice_cstr(rows[i].text), &c, &err);
        if ((code == MUN_OK) != rows[i].good) fail_msg("row %zu: %s", i, err.text);
        if (code != MUN_OK) continue;
        assert_true(c.size == rows[i].size);
        uint8_t again[256];
        mun_buf buf = mun_buf_fixed(again, sizeof again);
        mun_checkpoint_text(&c, &buf);
        assert_true(mun_slice_equal(mun_buf_slice(&buf), mun_slice_cstr(rows[i].text)));
    }
}

static mun_checkpoint some_checkpoint(void)
{
    mun_checkpoint c = {.origin = MUN_LITERAL("ledger.example/x"), .size = 1000};
    for (size_t i = 0; i < MUN_HASH_SIZE; i++) c.root[i] = (uint8_t)i;
    return c;
}

/* [CKPT-5] [CKPT-6] [CKPT-11] [CKPT-13]: a checkpoint with two cosignatures. */
static void test_sign_and_check(void **state)
{
    (void)state;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    mun_signer log = fake_signer(&fake, MUN_ALG_EDDSA, 1), w1 = fake_signer(&fake, -8, 2),
               w2 = fake_signer(&fake, -8, 3);
    mun_checkpoint c = some_checkpoint();
    mun_buf buf = mun_buf_fixed(store, sizeof store);
    assert_int_equal(mun_checkpoint_sign(&crypto, &c, &log, &buf, NULL), MUN_OK);
    static mun_note n;
    assert_int_equal(mun_note_parse(mun_buf_slice(&buf), &n, NULL), MUN_OK);
    mun_slice name1 = MUN_LITERAL("witness.example/1"), name2 = MUN_LITERAL("witness.example/2");
    assert_int_equal(mun_cosignature_sign(&crypto, n.text, name1, 111, &w1, &buf, NULL), MUN_OK);
    assert_int_equal(mun_cosignature_sign(&crypto, n.text, name2, INT64_MAX, &w2, &buf, NULL), 0);
    assert_int_equal(mun_note_parse(mun_buf_slice(&buf), &n, NULL), MUN_OK);
    assert_int_equal(n.signatures_len, 3);
    uint64_t time = 0;
    assert_int_equal(mun_note_check(&crypto, &n, c.origin, 1, &log.key, NULL, NULL), MUN_OK);
    assert_int_equal(mun_note_check(&crypto, &n, name1, 4, &w1.key, &time, NULL), MUN_OK);
    assert_int_equal(time, 111);
    mun_slice head = MUN_LITERAL("cosignature/v1\ntime 111\n");
    assert_memory_equal(fake.message, head.ptr, head.len);
    assert_memory_equal(fake.message + head.len, n.text.ptr, n.text.len);
    assert_int_equal(fake.message_len, head.len + n.text.len);
    assert_int_equal(mun_note_check(&crypto, &n, name2, 4, &w2.key, &time, NULL), MUN_OK);
    assert_true(time == INT64_MAX);
    /* names, types and keys are not interchangeable */
    assert_int_equal(mun_note_check(&crypto, &n, name2, 4, &w1.key, NULL, NULL), MUN_E_NOT_FOUND);
    assert_int_equal(mun_note_check(&crypto, &n, name1, 1, &w1.key, NULL, NULL), MUN_E_NOT_FOUND);
    assert_int_equal(mun_note_check(&crypto, &n, c.origin, 4, &log.key, NULL, NULL),
                     MUN_E_NOT_FOUND);
    mun_public_key ec = fake_key(-7, 1);
    assert_int_equal(mun_note_check(&crypto, &n, c.origin, 1, &ec, NULL, NULL), MUN_E_NOT_FOUND);
    fake.verify_with = MUN_E_UNSUPPORTED;
    assert_int_equal(mun_note_check(&crypto, &n, name1, 4, &w1.key, &time, NULL),
                     MUN_E_UNSUPPORTED);
}

/* One line of a known key whose blob is `blob` bytes, the signature a right one for `time`. */
static mun_code check_blob(fake_crypto *fake, const mun_signer *signer, uint8_t type,
                           const uint8_t *after_id, size_t len)
{
    mun_crypto crypto = fake_table(fake);
    uint8_t blob[100], vkey[200];
    mun_slice name = MUN_LITERAL("n");
    mun_buf vkey_buf = mun_buf_fixed(vkey, sizeof vkey), id = mun_buf_fixed(blob, sizeof blob);
    mun_vkey_write(&crypto, name, type, &signer->key, &vkey_buf);
    assert_true(mun_hex_take(mun_slice_of(vkey + 2, 8), &id));
    mun_buf_put(&id, mun_slice_of(after_id, len));
    mun_buf buf = mun_buf_fixed(store, sizeof store);
    mun_buf_text(&buf, TEXT "\n— n ");
    mun_base64_put(&buf, mun_buf_slice(&id));
    mun_buf_u8(&buf, '\n');
    static mun_note n;
    assert_int_equal(mun_note_parse(mun_buf_slice(&buf), &n, NULL), MUN_OK);
    uint64_t time = 7;
    mun_code code = mun_note_check(&crypto, &n, name, type, &signer->key, &time, NULL);
    if (code != MUN_OK) assert_int_equal(time, 7);
    return code;
}

static void test_wrong_lines(void **state)
{
    (void)state;
    fake_crypto fake;
    mun_signer signer = fake_signer(&fake, -8, 2);
    uint8_t after[90] = {0};
    for (size_t len = 1; len < 80; len++) {
        assert_int_equal(check_blob(&fake, &signer, 1, after, len), MUN_E_INVALID);
        assert_int_equal(fake.verifies, len == 64);
        assert_int_equal(check_blob(&fake, &signer, 4, after, len), MUN_E_INVALID);
        assert_int_equal(fake.verifies, len == 72);
    }
    after[0] = 0x80; /* a time above 2^63 - 1 is not even checked */
    assert_int_equal(check_blob(&fake, &signer, 4, after, 72), MUN_E_INVALID);
    assert_int_equal(fake.verifies, 0);
}

/* Of several lines of one key the first counts. */
static void test_first_line_counts(void **state)
{
    (void)state;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    mun_signer log = fake_signer(&fake, -8, 1);
    mun_checkpoint c = some_checkpoint();
    mun_buf buf = mun_buf_fixed(store, sizeof store);
    assert_int_equal(mun_checkpoint_sign(&crypto, &c, &log, &buf, NULL), MUN_OK);
    mun_slice good = mun_buf_slice(&buf);
    static mun_note n;
    assert_int_equal(mun_note_parse(good, &n, NULL), MUN_OK);
    size_t line_at = n.text.len + 1;
    uint8_t line[200], wrong[200];
    size_t line_len = good.len - line_at;
    memcpy(line, good.ptr + line_at, line_len);
    memcpy(wrong, line, line_len);
    wrong[line_len - 20] = wrong[line_len - 20] == 'A' ? 'B' : 'A';
    for (unsigned wrong_first = 0; wrong_first < 2; wrong_first++) {
        buf.len = line_at;
        mun_buf_put(&buf, mun_slice_of(wrong_first ? wrong : line, line_len));
        mun_buf_put(&buf, mun_slice_of(wrong_first ? line : wrong, line_len));
        assert_int_equal(mun_note_parse(mun_buf_slice(&buf), &n, NULL), MUN_OK);
        assert_int_equal(mun_note_check(&crypto, &n, c.origin, 1, &log.key, NULL, NULL),
                         wrong_first ? MUN_E_INVALID : MUN_OK);
    }
}

static void test_sign_refused(void **state)
{
    (void)state;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    mun_signer log = fake_signer(&fake, -8, 1), ec = fake_signer(&fake, -7, 2);
    mun_checkpoint c = some_checkpoint();
    mun_slice text = MUN_LITERAL(TEXT), name = MUN_LITERAL("w");
    mun_buf buf = mun_buf_fixed(store, sizeof store);
    assert_int_equal(mun_checkpoint_sign(&crypto, &c, &ec, &buf, NULL), MUN_E_USAGE);
    assert_int_equal(mun_cosignature_sign(&crypto, text, name, 1, &ec, &buf, NULL), MUN_E_USAGE);
    assert_int_equal(mun_cosignature_sign(&crypto, text, MUN_LITERAL("a b"), 1, &log, &buf, NULL),
                     MUN_E_USAGE);
    assert_int_equal(
        mun_cosignature_sign(&crypto, text, name, (uint64_t)INT64_MAX + 1, &log, &buf, NULL),
        MUN_E_USAGE);
    mun_buf whole = mun_buf_fixed(store, sizeof store);
    assert_int_equal(mun_checkpoint_sign(&crypto, &c, &log, &whole, NULL), MUN_OK);
    for (size_t room = 0; room < whole.len; room++) {
        mun_buf small = mun_buf_fixed(store, room);
        assert_int_equal(mun_checkpoint_sign(&crypto, &c, &log, &small, NULL), MUN_E_LIMIT);
    }
    mun_buf small = mun_buf_fixed(store, 20);
    assert_int_equal(mun_cosignature_sign(&crypto, text, name, 1, &log, &small, NULL), MUN_E_LIMIT);
    assert_int_equal(small.len, 0);
    log.sign = fake_sign_fails;
    assert_int_equal(mun_checkpoint_sign(&crypto, &c, &log, &buf, NULL), MUN_E_CRYPTO);
    assert_int_equal(mun_cosignature_sign(&crypto, text, name, 1, &log, &buf, NULL), MUN_E_CRYPTO);
    assert_int_equal(buf.len, 0);
    c.origin = MUN_LITERAL("a b");
    assert_int_equal(mun_checkpoint_sign(&crypto, &c, &log, &buf, NULL), MUN_E_USAGE);
}

#define HEAD "c2sp.org/tlog-proof@v1\n"
#define NOTE TEXT "\n" LINE
#define NODE ROOT

/* [CKPT-14] [CKPT-15] [CKPT-16] */
static void test_tlog_proof_rules(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {HEAD "index 0\n\n" NOTE, true},
        {HEAD "index 0\n" NODE "\n" NOTE, true},
        {HEAD "extra AAAA\nindex 5\n" NODE NODE "\n" NOTE, true},
        {HEAD "extra \nindex 5\n\n" NOTE, true},
        {HEAD "index 9223372036854775807\n\n" NOTE, true},
        {HEAD "index 9223372036854775808\n\n" NOTE, false},
        {HEAD "index 00\n\n" NOTE, false},
        {HEAD "index\n\n" NOTE, false},
        {HEAD "extra A\nindex 0\n\n" NOTE, false},
        {HEAD "index 0\nextra AAAA\n\n" NOTE, false},
        {HEAD "extra AAAA\nextra AAAA\nindex 0\n\n" NOTE, false},
        {"c2sp.org/tlog-proof@v2\nindex 0\n\n" NOTE, false},
        {"index 0\n\n" NOTE, false},
        {"", false},
        {HEAD "index 0\n" NODE NOTE, false},
        {HEAD "index 0\nY4r6\n\n" NOTE, false},
        {HEAD "index 0\n\n" TEXT, false},
        {HEAD "index 0\n\n\n" NOTE, false},
        {HEAD "index 0\n\nnot a checkpoint\n\n" LINE, false},
        {HEAD "index 0", false},
        {HEAD "index 0\n", false},
        {HEAD "index 0\n" NODE, false},
        {HEAD, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mun_tlog_proof p;
        mun_error err = {0};
        mun_code code = mun_tlog_proof_parse(mun_slice_cstr(rows[i].text), &p, &err);
        if ((code == MUN_OK) != rows[i].good) fail_msg("row %zu: %s", i, err.text);
        if (code != MUN_OK || p.extra.ptr != NULL) continue;
        mun_buf buf = mun_buf_fixed(store, sizeof store);
        mun_tlog_proof_write(&p, &buf);
        assert_true(mun_slice_equal(mun_buf_slice(&buf), mun_slice_cstr(rows[i].text)));
    }
}

static void test_tlog_proof_limits(void **state)
{
    (void)state;
    for (unsigned nodes = 63; nodes <= 64; nodes++) {
        mun_buf buf = mun_buf_fixed(store, sizeof store);
        mun_buf_text(&buf, HEAD "index 0\n");
        for (unsigned i = 0; i < nodes; i++) mun_buf_text(&buf, NODE);
        mun_buf_text(&buf, "\n" NOTE);
        mun_tlog_proof p;
        mun_code code = mun_tlog_proof_parse(mun_buf_slice(&buf), &p, NULL);
        assert_int_equal(code, nodes == 63 ? MUN_OK : MUN_E_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_note_rules),        cmocka_unit_test(test_note_limits),
        cmocka_unit_test(test_checkpoint_rules),  cmocka_unit_test(test_sign_and_check),
        cmocka_unit_test(test_wrong_lines),       cmocka_unit_test(test_first_line_counts),
        cmocka_unit_test(test_sign_refused),      cmocka_unit_test(test_tlog_proof_rules),
        cmocka_unit_test(test_tlog_proof_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
