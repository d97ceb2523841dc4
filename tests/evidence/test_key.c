/* SPDX-License-Identifier: Apache-2.0 */
/* COSE_Keys, the names of a key, keys in certificates (docs/format/key.md), without cryptography.
 */
#include "support/cmocka_all.h"

#include <stdio.h>

#include "codec/cbor.h"
#include "evidence/fake_crypto.h"
#include "evidence/maker.h"

static uint8_t store[4096];

static mun_slice hex(const char *text)
{
    mun_buf buf = mun_buf_fixed(store, sizeof store);
    put_hex(&buf, text);
    return mun_buf_slice(&buf);
}

#define B32 "5820 1111111111111111 1111111111111111 1111111111111111 1111111111111111"
#define B31 "581f 1111111111111111 1111111111111111 1111111111111111 11111111111111"
#define B33 "5821 1111111111111111 1111111111111111 1111111111111111 1111111111111111 11"

/* [KEY-1] [KEY-2] */
static void test_parse(void **state)
{
    (void)state;
    static const struct {
        mun_code code;
        const char *hex;
    } rows[] = {
        {MUN_OK, "a4 0102 2001 21" B32 "22" B32},
        {MUN_OK, "a4 22" B32 "21" B32 "2001 0102"},           /* any order */
        {MUN_OK, "a6 0102 02416b 0326 2001 21" B32 "22" B32}, /* others are ignored */
        {MUN_OK, "a6 0102 0200 410000 2001 21" B32 "22" B32},
        {MUN_OK, "a3 0101 2006 21" B32},
        {MUN_E_MALFORMED, "a4 0102 2001 21" B31 "22" B32},
        {MUN_E_MALFORMED, "a4 0102 2001 21" B33 "22" B32},
        {MUN_E_MALFORMED, "a4 0102 2001 21" B32 "22" B31},
        {MUN_E_MALFORMED, "a4 0102 2001 21" B32 "22f5"}, /* a compressed point */
        {MUN_E_MALFORMED, "a3 0102 2001 21" B32},
        {MUN_E_MALFORMED, "a4 0102 2002 21" B32 "22" B32}, /* P-384 needs 48 */
        {MUN_E_MALFORMED, "a4 0102 2003 21" B32 "22" B32},
        {MUN_E_UNSUPPORTED, "a4 0102 2008 21" B32 "22" B32}, /* secp256k1 */
        {MUN_E_UNSUPPORTED, "a3 0102 21" B32 "22" B32},
        {MUN_E_MALFORMED, "a5 0102 2001 21" B32 "22" B32 "23" B32}, /* private */
        {MUN_E_MALFORMED, "a4 0101 2006 21" B32 "23" B32},
        {MUN_E_UNSUPPORTED, "a3 0101 2004 21" B32}, /* X25519 */
        {MUN_E_UNSUPPORTED, "a3 0107 2006 21" B32},
        {MUN_E_UNSUPPORTED, "a2 2006 21" B32},
        {MUN_E_UNSUPPORTED, "a3 01 634f4b50 2006 21" B32},
        {MUN_E_MALFORMED, "80"},
        {MUN_E_MALFORMED, "a4 0102 2001 21" B32 "22" B32 "00"},
        {MUN_E_MALFORMED, "a3 0101 1901012006 21" B32},
        {MUN_E_MALFORMED, "a4 0101 2006 2006 21" B32},
        {MUN_E_MALFORMED, "bf 0101 2006 21" B32 "ff"},  /* strict in files */
        {MUN_E_MALFORMED, "a3 0103 2041ff 2143010001"}, /* RSA, too short */
        {MUN_E_MALFORMED, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mun_public_key key;
        mun_slice kid;
        mun_error err = {0};
        mun_code code = mun_cose_key_parse(hex(rows[i].hex), &key, &kid, &err);
        if (code != rows[i].code) fail_msg("%s: %d %s", rows[i].hex, code, err.text);
    }
}

/* Keys of all kinds are written deterministically and read back; the kid comes back, too. */
static void test_write(void **state)
{
    (void)state;
    static const int32_t algs[] = {-7, -35, -36, -8, -37};
    for (size_t i = 0; i < 5; i++)
        for (unsigned with = 0; with < 2; with++) {
            mun_public_key key = fake_key(algs[i], 0x55), back;
            mun_slice kid = with ? MUN_LITERAL("the kid") : (mun_slice){0}, kid_back;
            mun_buf buf = mun_buf_fixed(store, sizeof store);
            mun_cose_key_write(&key, kid, with ? algs[i] : 0, &buf);
            mun_slice bytes = mun_buf_slice(&buf);
            assert_true(mun_buf_ok(&buf) && buf.len <= MUN_COSE_KEY_MAX);
            assert_int_equal(mun_cbor_check(bytes, MUN_CBOR_DETERMINISTIC, NULL), MUN_OK);
            assert_int_equal(mun_cose_key_parse(bytes, &back, &kid_back, NULL), MUN_OK);
            assert_memory_equal(&back, &key, sizeof key);
            assert_true(mun_slice_equal(kid, kid_back));
            assert_int_equal(mun_cose_key_parse(bytes, &back, NULL, NULL), MUN_OK);
        }
}

/* RSA: n of 256 to 512 bytes, e of 1 to 8, no leading zero, no private exponent. */
static void test_rsa(void **state)
{
    (void)state;
    static const struct {
        size_t n, e;
        bool zero_n, zero_e, secret, good;
    } rows[] = {
        {256, 3, false, false, false, true},  {512, 8, false, false, false, true},
        {255, 3, false, false, false, false}, {513, 3, false, false, false, false},
        {256, 0, false, false, false, false}, {256, 9, false, false, false, false},
        {256, 3, true, false, false, false},  {256, 3, false, true, false, false},
        {256, 3, false, false, true, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t number[600];
        memset(number, 0x81, sizeof number);
        mun_buf buf = mun_buf_fixed(store, sizeof store);
        put_hex(&buf, rows[i].secret ? "a4 0103 20" : "a3 0103 20");
        number[0] = rows[i].zero_n ? 0 : 0x81;
        mun_cbor_put_bytes(&buf, mun_slice_of(number, rows[i].n));
        put_hex(&buf, "21");
        number[0] = rows[i].zero_e ? 0 : 0x81;
        mun_cbor_put_bytes(&buf, mun_slice_of(number, rows[i].e));
        if (rows[i].secret) put_hex(&buf, "22 4101");
        mun_public_key key;
        mun_code code = mun_cose_key_parse(mun_buf_slice(&buf), &key, NULL, NULL);
        if ((code == MUN_OK) != rows[i].good) fail_msg("row %zu: %d", i, code);
    }
}

/* [KEY-9] A key owns its two names to the byte, and no other. */
static void test_own_names(void **state)
{
    (void)state;
    fake_crypto fake;
    mun_crypto crypto = fake_table(&fake);
    static const int32_t algs[] = {-7, -35, -8, -36, -37};
    for (size_t i = 0; i < 5; i++) {
        mun_public_key key = fake_key(algs[i], 0x21), other = fake_key(algs[i], 0x22);
        uint8_t name[2][200];
        mun_buf uri = mun_buf_fixed(name[0], 200), did = mun_buf_fixed(name[1], 200);
        mun_key_thumbprint_uri(&crypto, &key, &uri);
        assert_true(mun_key_owns_name(&crypto, &key, mun_buf_slice(&uri)));
        assert_false(mun_key_owns_name(&crypto, &other, mun_buf_slice(&uri)));
        mun_code code = mun_did_key_write(&key, &did, NULL);
        assert_int_equal(code, i < 3 ? MUN_OK : MUN_E_UNSUPPORTED);
        mun_slice both[] = {mun_buf_slice(&uri), mun_buf_slice(&did)};
        for (size_t n = 0; n < (i < 3 ? 2 : 1); n++) {
            assert_true(mun_key_owns_name(&crypto, &key, both[n]));
            for (size_t at = 0; at < both[n].len; at++) {
                name[n][at] ^= 1;
                assert_false(mun_key_owns_name(&crypto, &key, both[n]));
                name[n][at] ^= 1;
            }
            both[n].len--;
            assert_false(mun_key_owns_name(&crypto, &key, both[n]));
        }
        assert_false(mun_key_owns_name(&crypto, &key, (mun_slice){0}));
    }
}

/* ---- Certificates [KEY-10] ---------------------------------------------------------------- */

/* A DER element of a tag around what was written since `from`. */
static void der_wrap(mun_buf *buf, size_t from, uint8_t tag)
{
    size_t length = buf->len - from;
    uint8_t head[4] = {tag, (uint8_t)length};
    size_t head_len = 2;
    if (length >= 256) {
        head[1] = 0x82;
        head[2] = (uint8_t)(length >> 8);
        head[3] = (uint8_t)length;
        head_len = 4;
    } else if (length >= 128) {
        head[1] = 0x81;
        head[2] = (uint8_t)length;
        head_len = 3;
    }
    assert_non_null(mun_buf_reserve(buf, head_len));
    memmove(buf->ptr + from + head_len, buf->ptr + from, length);
    memcpy(buf->ptr + from, head, head_len);
}

static mun_slice certificate(mun_buf *buf, bool version, const char *spki_head, size_t key_len)
{
    buf->len = 0;
    if (version) put_hex(buf, "a0 03 020102");
    put_hex(buf, "02 01 05  30 00  30 02 0500  30 00  30 00");
    put_hex(buf, spki_head);
    memset(mun_buf_reserve(buf, key_len), 0x42, key_len);
    put_hex(buf, "a3 00"); /* extensions: not looked at */
    der_wrap(buf, 0, 0x30);
    put_hex(buf, "30 00 03 01 00");
    der_wrap(buf, 0, 0x30);
    return mun_buf_slice(buf);
}

static const struct {
    const char *head;
    size_t len;
    int32_t crv;
} spkis[] = {
    {"3059 3013 0607 2a8648ce3d0201 0608 2a8648ce3d030107 0342 00 04", 64, MUN_CRV_P256},
    {"3076 3010 0607 2a8648ce3d0201 0605 2b81040022 0362 00 04", 96, MUN_CRV_P384},
    {"30819b 3010 0607 2a8648ce3d0201 0605 2b81040023 038186 00 04", 132, MUN_CRV_P521},
    {"302a 3005 0603 2b6570 0321 00", 32, MUN_CRV_ED25519},
};

static void test_certificates(void **state)
{
    (void)state;
    mun_buf buf = mun_buf_fixed(store, sizeof store);
    mun_public_key key;
    for (size_t i = 0; i < sizeof spkis / sizeof spkis[0]; i++)
        for (unsigned version = 0; version < 2; version++) {
            mun_slice der = certificate(&buf, version, spkis[i].head, spkis[i].len);
            assert_int_equal(mun_certificate_key(der, &key, NULL), MUN_OK);
            assert_int_equal(key.crv, spkis[i].crv);
            assert_int_equal(key.x[0], 0x42);
            for (size_t len = 0; len < der.len; len++)
                assert_int_equal(mun_certificate_key(mun_slice_of(der.ptr, len), &key, NULL),
                                 MUN_E_UNSUPPORTED);
            store[der.len] = 0;
            der.len++;
            assert_int_equal(mun_certificate_key(der, &key, NULL), MUN_E_UNSUPPORTED);
        }
}

/* A flipped bit before the key is refused, or it lies where the walk does not look. */
static void test_certificate_flips(void **state)
{
    (void)state;
    mun_buf buf = mun_buf_fixed(store, sizeof store);
    mun_public_key key;
    mun_slice der = certificate(&buf, true, spkis[0].head, spkis[0].len);
    unsigned refused = 0;
    for (size_t bit = 0; bit < 8 * der.len; bit++) {
        store[bit / 8] ^= (uint8_t)(1 << bit % 8);
        refused += mun_certificate_key(der, &key, NULL) != MUN_OK;
        store[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(refused > 8 * 27); /* at least every bit of the fixed part of the key's form */
}

static mun_slice rsa_certificate(mun_buf *buf, const char *n_head, size_t n_len, const char *e)
{
    buf->len = 0;
    put_hex(buf, "02 01 05  30 00  30 00  30 00  30 00");
    size_t spki = buf->len;
    put_hex(buf, "300d 0609 2a864886f70d010101 0500");
    size_t bits = buf->len;
    put_hex(buf, "00");
    size_t pair = buf->len;
    put_hex(buf, n_head);
    memset(mun_buf_reserve(buf, n_len), 0x91, n_len);
    der_wrap(buf, pair, 0x02);
    put_hex(buf, e);
    der_wrap(buf, pair, 0x30);
    der_wrap(buf, bits, 0x03);
    der_wrap(buf, spki, 0x30);
    der_wrap(buf, 0, 0x30);
    der_wrap(buf, 0, 0x30);
    return mun_buf_slice(buf);
}

static void test_rsa_certificates(void **state)
{
    (void)state;
    static const struct {
        const char *n_head;
        size_t n_len;
        const char *e;
        bool good;
    } rows[] = {
        {"00", 256, "0203010001", true},
        {"00", 512, "020103", true},
        {"00", 255, "0203010001", false},
        {"00", 513, "0203010001", false},
        {"", 256, "0203010001", false},     /* negative */
        {"0011", 256, "0203010001", false}, /* not minimal */
        {"00", 256, "0200", false},
        {"00", 256, "020100", false},
        {"00", 256, "02020080", true},
        {"00", 256, "02020001", false},
        {"00", 256, "0209 010000000000000001", false},
        {"00", 256, "0203010001 00", false},
        {"00", 256, "", false},
        {"7f", 256, "0203010001", true},
    };
    mun_buf buf = mun_buf_fixed(store, sizeof store);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mun_public_key key;
        mun_slice der = rsa_certificate(&buf, rows[i].n_head, rows[i].n_len, rows[i].e);
        mun_code code = mun_certificate_key(der, &key, NULL);
        if ((code == MUN_OK) != rows[i].good) fail_msg("row %zu: %d", i, code);
        if (code == MUN_OK) assert_true(key.kty == MUN_KTY_RSA && key.n[0] != 0 && key.e[0] != 0);
    }
}

/* Lengths that are not minimal, too wide, or indefinite. */
static void test_der_lengths(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",   "30",   "3080", "308100", "30817f", "3082007f", "308300ffff", "3084010000 00",
        "31", "3005", "3000",
    };
    mun_public_key key;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(mun_certificate_key(hex(bad[i]), &key, NULL), MUN_E_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_rsa),
        cmocka_unit_test(test_own_names),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_certificate_flips),
        cmocka_unit_test(test_rsa_certificates),
        cmocka_unit_test(test_der_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
