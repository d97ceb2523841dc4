/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small worlds: every input of one and two bytes, and every input of three whose first byte opens
 * something, against a second checker. That one is recursive and naive, and written from
 * docs/format/cbor.md alone. [CBOR-1] [CBOR-2] [CBOR-4] [CBOR-5] [CBOR-6] [CBOR-7] [CBOR-10]
 * [CBOR-11]
 */
#include "support/cmocka_all.h"

#include "codec/cbor.h"

typedef struct plain {
    const uint8_t *p;
    size_t len, at;
    bool strict;
} plain;

/* What a map key is, for comparing: type, number or length, place of its content. */
typedef struct plain_key {
    unsigned major;
    uint64_t n;
    size_t content;
} plain_key;

#define BREAK 2

static bool plain_utf8(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t more = p[i] < 0x80 ? 0 : p[i] < 0xc2 ? 9 : p[i] < 0xe0 ? 1 : p[i] < 0xf0 ? 2 : 3;
        if (p[i] > 0xf4 || i + more >= n) return false;
        uint32_t v = more == 0 ? p[i] : p[i] & (0x3f >> more);
        for (size_t k = 1; k <= more; k++) {
            if (p[i + k] < 0x80 || p[i + k] > 0xbf) return false;
            v = v * 64 + p[i + k] - 0x80;
        }
        if ((more == 2 && v < 0x800) || (more == 3 && (v < 0x10000 || v > 0x10ffff))) return false;
        if (v >= 0xd800 && v < 0xe000) return false;
        i += more + 1;
    }
    return true;
}

static int plain_item(plain *s, plain_key *key, unsigned depth);

static bool plain_same(const plain *s, const plain_key *a, const plain_key *b)
{
    if (a->major != b->major || a->n != b->n) return false;
    return a->major < 2 || memcmp(s->p + a->content, s->p + b->content, a->n) == 0;
}

static bool plain_map(plain *s, bool indefinite, uint64_t n, unsigned depth)
{
    plain_key keys[8];
    for (uint64_t i = 0; indefinite || i < n; i++) {
        int got = plain_item(s, &keys[i], depth);
        if (got == BREAK) return indefinite;
        if (got == 0 || keys[i].major > 3) return false;
        for (uint64_t j = 0; j < i; j++)
            if (plain_same(s, &keys[i], &keys[j])) return false;
        plain_key ignored;
        if (plain_item(s, &ignored, depth) != 1) return false;
    }
    return true;
}

static bool plain_array(plain *s, bool indefinite, uint64_t n, unsigned depth)
{
    for (uint64_t i = 0; indefinite || i < n; i++) {
        plain_key ignored;
        int got = plain_item(s, &ignored, depth);
        if (got == BREAK) return indefinite;
        if (got == 0) return false;
    }
    return true;
}

static bool plain_chunks(plain *s, unsigned major)
{
    for (;;) {
        size_t at = s->at;
        plain_key chunk;
        int got = plain_item(s, &chunk, 0);
        if (got == BREAK) return true;
        if (got == 0 || chunk.major != major || (s->p[at] & 31) == 31) return false;
    }
}

/* 1: an item, 0: none, BREAK. */
static int plain_item(plain *s, plain_key *key, unsigned depth)
{
    if (s->at == s->len || depth > 16) return 0;
    unsigned major = s->p[s->at] >> 5, info = s->p[s->at] & 31;
    uint64_t n = info;
    size_t width = info < 24 ? 0 : (size_t)1 << (info - 24);
    s->at++;
    key->major = major;
    if (major == 7 && info == 31) return BREAK;
    bool indefinite = info == 31;
    if (info > 27 && !indefinite) return 0;
    if (indefinite && (s->strict || major < 2 || major > 5)) return 0;
    if (!indefinite && width > 0) {
        if (s->len - s->at < width) return 0;
        n = 0;
        for (size_t i = 0; i < width; i++) n = n * 256 + s->p[s->at++];
        if (major == 7 && width == 1 && n < 32) return 0;
        uint64_t least = width == 1 ? 24 : (uint64_t)1 << (width * 4);
        if (s->strict && major != 7 && n < least) return 0;
    }
    key->n = n;
    key->content = s->at;
    if (major < 2 || major == 7) return 1;
    if (major == 6) return plain_item(s, &(plain_key){0}, depth + 1) == 1;
    if (major == 5 && indefinite) key->major = 5;
    if (major == 5) return plain_map(s, indefinite, n, depth + 1);
    if (major == 4) return plain_array(s, indefinite, n, depth + 1);
    if (indefinite) {
        key->major = 9; /* no key */
        return plain_chunks(s, major);
    }
    if (n > s->len - s->at) return 0;
    s->at += n;
    return major == 2 || plain_utf8(s->p + key->content, n);
}

static bool plain_check(const uint8_t *p, size_t len, bool strict)
{
    plain s = {p, len, 0, strict};
    plain_key ignored;
    return plain_item(&s, &ignored, 0) == 1 && s.at == len;
}

static unsigned accepted;

static void compare(const uint8_t *p, size_t len)
{
    bool strict = mun_cbor_check(mun_slice_of(p, len), MUN_CBOR_STRICT, NULL) == MUN_OK;
    bool carried = mun_cbor_check(mun_slice_of(p, len), MUN_CBOR_CARRIED, NULL) == MUN_OK;
    if (strict != plain_check(p, len, true) || carried != plain_check(p, len, false))
        fail_msg("%02x %02x %02x (%zu bytes): strict %d carried %d", p[0], p[1], p[2], len, strict,
                 carried);
    mun_cursor c = mun_cursor_over(mun_slice_of(p, len));
    mun_cbor_item item = mun_cbor_take(&c);
    if (carried && (item.type == MUN_CBOR_NONE || item.whole.len != len))
        fail_msg("%02x %02x %02x: accepted, but the reader does not take it", p[0], p[1], p[2]);
    accepted += carried;
}

static void test_nothing(void **state)
{
    (void)state;
    assert_int_equal(mun_cbor_check((mun_slice){0}, MUN_CBOR_CARRIED, NULL), MUN_E_MALFORMED);
}

static void test_one_byte(void **state)
{
    (void)state;
    accepted = 0;
    for (unsigned a = 0; a < 256; a++) compare((uint8_t[3]){(uint8_t)a}, 1);
    /* 24 + 24 integers, 4 empty containers and strings, 24 simple values */
    assert_int_equal(accepted, 24 + 24 + 4 + 24);
}

static void test_two_bytes(void **state)
{
    (void)state;
    accepted = 0;
    for (unsigned ab = 0; ab < 65536; ab++)
        compare((uint8_t[3]){(uint8_t)(ab >> 8), (uint8_t)ab}, 2);
    assert_true(accepted > 1000);
}

static void test_three_bytes(void **state)
{
    (void)state;
    static const uint8_t first[] = {0x19, 0x41, 0x42, 0x5f, 0x61, 0x62, 0x7f, 0x81,
                                    0x82, 0x9f, 0xa1, 0xbf, 0xc1, 0xd8, 0xf9, 0x58};
    accepted = 0;
    for (size_t i = 0; i < sizeof first; i++)
        for (unsigned bc = 0; bc < 65536; bc++)
            compare((uint8_t[3]){first[i], (uint8_t)(bc >> 8), (uint8_t)bc}, 3);
    assert_true(accepted > 65536);
}

/* Maps of two pairs with every two one-byte heads as keys. */
static void test_two_keys(void **state)
{
    (void)state;
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            uint8_t map[] = {0xa2, (uint8_t)a, 0x00, (uint8_t)b, 0x00};
            compare(map, sizeof map);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),   cmocka_unit_test(test_one_byte),
        cmocka_unit_test(test_two_bytes), cmocka_unit_test(test_three_bytes),
        cmocka_unit_test(test_two_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
