/* SPDX-License-Identifier: Apache-2.0 */
/* vkeys, origins, ledger.pub and its fingerprint in words (docs/format/key.md). */
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "evidence/fake_crypto.h"
#include "evidence/words.h"

static uint8_t store[4096];

/* [CKPT-7] What is written is read back; every shortened and every altered one is refused. */
static void test_vkey(void **state)
{
    (void)state;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    for (uint8_t type = 1; type <= 4; type += 3) {
        mun_public_key key = fake_key(-8, 0x42), back;
        mun_slice name = MUN_LITERAL("w.example/ü");
        mun_buf buf = mun_buf_fixed(store, sizeof store);
        mun_vkey_write(&crypto, name, type, &key, &buf);
        mun_slice text = mun_buf_slice(&buf), name_back;
        uint8_t type_back;
        assert_int_equal(mun_vkey_parse(&crypto, text, &name_back, &type_back, &back, NULL),
                         MUN_OK);
        assert_true(mun_slice_equal(name, name_back) && type == type_back);
        assert_memory_equal(&key, &back, sizeof key);
        for (size_t i = 0; i < text.len; i++)
            for (unsigned bit = 0; bit < 8; bit++) {
                store[i] ^= (uint8_t)(1 << bit);
                mun_code code = mun_vkey_parse(&crypto, text, &name_back, &type_back, &back, NULL);
                if (code == MUN_OK) fail_msg("bit %u of byte %zu", bit, i);
                store[i] ^= (uint8_t)(1 << bit);
            }
        for (size_t len = 0; len < text.len; len++)
            assert_int_not_equal(mun_vkey_parse(&crypto, mun_slice_of(text.ptr, len), &name_back,
                                                &type_back, &back, NULL),
                                 MUN_OK);
    }
}

static void test_vkey_refused(void **state)
{
    (void)state;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    mun_slice name;
    uint8_t type;
    mun_public_key key;
    static const char *const bad[] = {
        "",
        "name",
        "name+00000000",
        "+00000000+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "a b+00000000+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "n+00000000+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", /* another id */
        "n+00000000+Aeky",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(mun_vkey_parse(&crypto, mun_slice_cstr(bad[i]), &name, &type, &key, NULL),
                         MUN_E_MALFORMED);
    mun_public_key ed = fake_key(-8, 7);
    mun_buf buf = mun_buf_fixed(store, sizeof store);
    mun_vkey_write(&crypto, MUN_LITERAL("n"), 2, &ed, &buf);
    assert_int_equal(mun_vkey_parse(&crypto, mun_buf_slice(&buf), &name, &type, &key, NULL),
                     MUN_E_UNSUPPORTED);
}

/* [KEY-12] */
static void test_origin(void **state)
{
    (void)state;
    static const char *const good[] = {
        "a", "ledger.example", "ledger.example/deeds", "ü", "a:/b", "a//b", "/a"};
    static const char *const bad[] = {"",          "a b",  "a+b",   "https://a",
                                      "a/",        "a\nb", "a\x7f", "\x01",
                                      "a\xc2\xa0", "\xff", "://",   "a\xe2\x80\xa8"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(mun_origin_valid(mun_slice_cstr(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(mun_origin_valid(mun_slice_cstr(bad[i])));
    char name[256];
    memset(name, 'n', sizeof name);
    assert_true(mun_origin_valid(mun_slice_of(name, 255)));
    assert_false(mun_origin_valid(mun_slice_of(name, 256)));
}

static mun_ledger_pub some_pub(int32_t alg)
{
    return (mun_ledger_pub){.origin = MUN_LITERAL("ledger.example/x"),
                            .receipts = fake_key(alg, 0x31),
                            .checkpoints = fake_key(-8, 0x32)};
}

/* [KEY-13] Every single-bit change, every cut and every byte more is refused. */
static void test_pub(void **state)
{
    (void)state;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    static const int32_t algs[] = {-7, -35, -8};
    for (size_t k = 0; k < 3; k++) {
        mun_ledger_pub pub = some_pub(algs[k]), back;
        mun_buf buf = mun_buf_fixed(store, sizeof store);
        mun_ledger_pub_write(&crypto, &pub, &buf);
        mun_slice text = mun_buf_slice(&buf);
        assert_int_equal(mun_ledger_pub_parse(&crypto, text, &back, NULL), MUN_OK);
        assert_true(mun_slice_equal(pub.origin, back.origin));
        assert_memory_equal(&pub.receipts, &back.receipts, sizeof pub.receipts);
        assert_memory_equal(&pub.checkpoints, &back.checkpoints, sizeof pub.checkpoints);
        unsigned other_key = 0;
        for (size_t bit = 0; bit < 8 * text.len; bit++) {
            store[bit / 8] ^= (uint8_t)(1 << bit % 8);
            mun_code code = mun_ledger_pub_parse(&crypto, text, &back, NULL);
            bool same = memcmp(&pub.receipts, &back.receipts, sizeof pub.receipts) == 0;
            if (code == MUN_OK && same) fail_msg("bit %zu", bit);
            other_key += code == MUN_OK; /* a flip inside the receipts key: another key, for now */
            store[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        assert_true(other_key > 0);
        for (size_t len = 0; len < text.len; len++)
            assert_int_not_equal(
                mun_ledger_pub_parse(&crypto, mun_slice_of(text.ptr, len), &back, NULL), MUN_OK);
        mun_buf_u8(&buf, '\n');
        assert_int_not_equal(mun_ledger_pub_parse(&crypto, mun_buf_slice(&buf), &back, NULL),
                             MUN_OK);
    }
}

static void test_pub_refused(void **state)
{
    (void)state;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    mun_ledger_pub back;
    static const int32_t algs[] = {-36, -37}; /* kinds that no ledger uses */
    for (size_t k = 0; k < 2; k++) {
        mun_ledger_pub pub = some_pub(algs[k]);
        mun_buf buf = mun_buf_fixed(store, sizeof store);
        mun_ledger_pub_write(&crypto, &pub, &buf);
        assert_int_equal(mun_ledger_pub_parse(&crypto, mun_buf_slice(&buf), &back, NULL),
                         MUN_E_MALFORMED);
    }
    mun_ledger_pub pub = some_pub(-7);
    pub.origin = MUN_LITERAL("not/");
    mun_buf buf = mun_buf_fixed(store, sizeof store);
    mun_ledger_pub_write(&crypto, &pub, &buf);
    assert_int_equal(mun_ledger_pub_parse(&crypto, mun_buf_slice(&buf), &back, NULL),
                     MUN_E_MALFORMED);
}

/* The vkey must be the log's, under the origin; the COSE_Key without anything beside [KEY-13]. */
static void test_pub_inconsistent(void **state)
{
    (void)state;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    mun_ledger_pub pub = some_pub(-8), back;
    for (unsigned kind = 0; kind < 3; kind++) {
        mun_buf buf = mun_buf_fixed(store, sizeof store);
        mun_buf_text(&buf, "muniment-ledger/1\norigin ledger.example/x\nreceipts ");
        mun_buf_text(&buf, kind == 2 ? "pAEBAgEgBiFYIDExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTEx"
                                     : "owEBIAYhWCAxMTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMQ==");
        mun_buf_text(&buf, "\ncheckpoints ");
        mun_vkey_write(&crypto, kind == 1 ? MUN_LITERAL("other") : pub.origin, kind == 0 ? 4 : 1,
                       &pub.checkpoints, &buf);
        mun_buf_u8(&buf, '\n');
        mun_error err = {0};
        assert_int_equal(mun_ledger_pub_parse(&crypto, mun_buf_slice(&buf), &back, &err),
                         MUN_E_MALFORMED);
    }
}

/* [FMT-1] */
static void test_pub_newer(void **state)
{
    (void)state;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    mun_ledger_pub back;
    static const struct {
        const char *text;
        mun_code code;
    } rows[] = {{"muniment-ledger/2\norigin x\n", MUN_E_VERSION},
                {"muniment-ledger/10\n", MUN_E_VERSION},
                {"muniment-ledger/0\n", MUN_E_MALFORMED},
                {"muniment-ledger/01\n", MUN_E_MALFORMED},
                {"muniment-ledger/\n", MUN_E_MALFORMED},
                {"muniment-ledger/2", MUN_E_MALFORMED},
                {"", MUN_E_MALFORMED}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(mun_ledger_pub_parse(&crypto, mun_slice_cstr(rows[i].text), &back, NULL),
                         rows[i].code);
}

/* [KEY-14] */
static void test_fingerprint(void **state)
{
    (void)state;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    mun_ledger_pub pub = some_pub(-7);
    mun_buf text = mun_buf_fixed(store, sizeof store);
    mun_ledger_pub_write(&crypto, &pub, &text);
    uint8_t hash[MUN_HASH_SIZE], words[256];
    const mun_slice parts[] = {MUN_LITERAL("muniment ledger fingerprint/1\n"),
                               mun_buf_slice(&text)};
    crypto.sha256(crypto.ctx, parts, 2, hash);
    mun_buf buf = mun_buf_fixed(words, sizeof words);
    mun_ledger_fingerprint(&crypto, &pub, &buf);
    char expected[256] = "";
    for (size_t i = 0; i < 12; i++)
        snprintf(expected + strlen(expected), 16, "%s%s", i == 0 ? "" : " ", mun_words[hash[i]]);
    assert_true(mun_slice_equal(mun_buf_slice(&buf), mun_slice_cstr(expected)));
}

/* [KEY-15] The table is docs/format/words.txt. */
static void test_words(void **state)
{
    (void)state;
    FILE *file = fopen(MUN_SOURCE "/docs/format/words.txt", "r");
    assert_non_null(file);
    char line[32];
    for (size_t i = 0; i < MUN_WORDS; i++) {
        assert_non_null(fgets(line, sizeof line, file));
        size_t len = strlen(line) - 1;
        assert_int_equal(line[len], '\n');
        line[len] = '\0';
        assert_string_equal(line, mun_words[i]);
        assert_true(len >= 4 && len <= MUN_WORD_MAX &&
                    strspn(line, "abcdefghijklmnopqrstuvwxyz") == len);
        if (i > 0) assert_true(strcmp(mun_words[i - 1], mun_words[i]) < 0);
    }
    assert_null(fgets(line, sizeof line, file));
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vkey),        cmocka_unit_test(test_vkey_refused),
        cmocka_unit_test(test_origin),      cmocka_unit_test(test_pub),
        cmocka_unit_test(test_pub_refused), cmocka_unit_test(test_pub_inconsistent),
        cmocka_unit_test(test_pub_newer),   cmocka_unit_test(test_fingerprint),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
