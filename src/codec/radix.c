/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/radix.h"

#define NO_DIGIT 0xff

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char base58_digits[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

static void base64_group_put(mun_buf *ret, const char *digits, const uint8_t *in, size_t n)
{
    uint32_t v = (uint32_t)in[0] << 16;
    if (n > 1) v |= (uint32_t)in[1] << 8;
    if (n > 2) v |= in[2];
    for (size_t i = 0; i <= n; i++) mun_buf_u8(ret, (uint8_t)digits[v >> (18 - 6 * i) & 63]);
}

static void base64_write(mun_buf *ret, const char *digits, bool padded, mun_slice bytes)
{
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
        base64_group_put(ret, digits, bytes.ptr + i, n);
        for (size_t pad = n; padded && pad < 3; pad++) mun_buf_u8(ret, '=');
    }
}

void mun_base64_put(mun_buf *ret, mun_slice bytes)
{
    base64_write(ret, base64_digits, true, bytes);
}

void mun_base64url_put(mun_buf *ret, mun_slice bytes)
{
    base64_write(ret, base64url_digits, false, bytes);
}

static uint8_t base64_digit(const char *digits, uint8_t c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return (uint8_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9') return (uint8_t)(c - '0' + 52);
    if (c == (uint8_t)digits[62]) return 62;
    if (c == (uint8_t)digits[63]) return 63;
    return NO_DIGIT;
}

/* 2 to 4 digits give 1 to 3 bytes; the bits left over must be zero. */
static bool base64_group_take(const char *digits, const uint8_t *in, size_t n, uint8_t ret[3])
{
    uint32_t v = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t digit = base64_digit(digits, in[i]);
        if (digit == NO_DIGIT) return false;
        v |= (uint32_t)digit << (18 - 6 * i);
    }
    for (size_t i = 0; i < 3; i++) ret[i] = (uint8_t)(v >> (16 - 8 * i));
    return (v & (UINT32_C(0xffffff) >> (8 * (n - 1)))) == 0;
}

/* ret NULL: checks only. */
static bool base64_read(mun_buf *ret, const char *digits, mun_slice text)
{
    if (text.len % 4 == 1) return false;
    for (size_t i = 0; i < text.len; i += 4) {
        size_t n = text.len - i < 4 ? text.len - i : 4;
        uint8_t group[3];
        if (!base64_group_take(digits, text.ptr + i, n, group)) return false;
        if (ret != NULL) mun_buf_put(ret, mun_slice_of(group, n - 1));
    }
    return ret == NULL || mun_buf_ok(ret);
}

/* The digits without their padding; false when the padding is wrong. */
static bool padding_strip(mun_slice *text)
{
    if (text->len % 4 != 0) return false;
    for (unsigned pads = 0; pads < 2 && text->len > 0 && text->ptr[text->len - 1] == '='; pads++)
        text->len--;
    return true;
}

bool mun_base64_take(mun_slice text, mun_buf *ret)
{
    return padding_strip(&text) && base64_read(ret, base64_digits, text);
}

bool mun_base64url_take(mun_slice text, mun_buf *ret)
{
    return base64_read(ret, base64url_digits, text);
}

bool mun_base64_valid(mun_slice text, size_t *ret_len)
{
    if (!padding_strip(&text) || !base64_read(NULL, base64_digits, text)) return false;
    *ret_len = text.len / 4 * 3 + (text.len % 4 == 0 ? 0 : text.len % 4 - 1);
    return true;
}

static uint8_t hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return (uint8_t)(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return (uint8_t)(c - 'A' + 10);
    return NO_DIGIT;
}

bool mun_hex_take(mun_slice text, mun_buf *ret)
{
    if (text.len % 2 != 0) return false;
    for (size_t i = 0; i < text.len; i += 2) {
        uint8_t high = hex_digit(text.ptr[i]), low = hex_digit(text.ptr[i + 1]);
        if (high == NO_DIGIT || low == NO_DIGIT) return false;
        mun_buf_u8(ret, (uint8_t)(high << 4 | low));
    }
    return mun_buf_ok(ret);
}

/* 138/100 > log 256 / log 58: base58 digits for each byte. */
#define BASE58_TEXT_MAX (MUN_BASE58_BYTES_MAX * 138 / 100 + 1)

/* digits (little-endian, base 58) := digits * 256 + byte; returns how many are in use. */
static size_t base58_add(uint8_t *digits, size_t used, uint8_t byte)
{
    uint32_t carry = byte;
    for (size_t i = 0; i < used || carry > 0; i++) {
        if (i == used) digits[used++] = 0;
        carry += (uint32_t)digits[i] << 8;
        digits[i] = (uint8_t)(carry % 58);
        carry /= 58;
    }
    return used;
}

void mun_base58_put(mun_buf *ret, mun_slice bytes)
{
    if (bytes.len > MUN_BASE58_BYTES_MAX) {
        ret->overflow = true;
        return;
    }
    uint8_t digits[BASE58_TEXT_MAX];
    size_t used = 0, zeros = 0;
    while (zeros < bytes.len && bytes.ptr[zeros] == 0) zeros++;
    for (size_t i = zeros; i < bytes.len; i++) used = base58_add(digits, used, bytes.ptr[i]);
    for (size_t i = 0; i < zeros; i++) mun_buf_u8(ret, (uint8_t)base58_digits[0]);
    while (used > 0) mun_buf_u8(ret, (uint8_t)base58_digits[digits[--used]]);
}
