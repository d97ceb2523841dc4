/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public key in a certificate, by the walk of [KEY-10]: enough DER to reach the
 * SubjectPublicKeyInfo, and not a byte more. Path validation is not done here.
 *
 *   30 certificate { 30 tbs { [a0 version] 02 serial 30 alg 30 issuer 30 validity 30 subject 30
 * SPKI
 */
#include "base/cursor.h"
#include "base/error.h"
#include "base/spki_form.h"
#include <muniment/evidence.h>

#define DER_INTEGER  0x02
#define DER_BITS     0x03
#define DER_SEQUENCE 0x30
#define DER_VERSION  0xa0
#define RSA_MIN      256

/* Minimal length: short form, or 81, 82, 83. */
static size_t der_length_take(mun_cursor *c)
{
    uint8_t first = mun_cursor_u8(c);
    if (first < 0x80) return first;
    unsigned width = first & 0x7f;
    if (width < 1 || width > 3) {
        c->failed = true;
        return 0;
    }
    size_t length = 0;
    for (unsigned i = 0; i < width && !c->failed; i++) length = length << 8 | mun_cursor_u8(c);
    size_t least = width <= 1 ? 0x80 : (size_t)1 << (8 * (width - 1));
    if (length < least) c->failed = true;
    return length;
}

/* The content of the next element, which must have this tag. */
static mun_slice der_take(mun_cursor *c, uint8_t tag)
{
    if (mun_cursor_u8(c) != tag) c->failed = true;
    size_t length = c->failed ? 0 : der_length_take(c);
    return mun_cursor_take(c, length);
}

static mun_cursor der_open(mun_cursor *c, uint8_t tag)
{
    mun_slice content = der_take(c, tag);
    mun_cursor inner = mun_cursor_over(content);
    inner.failed = c->failed;
    return inner;
}

/* The SubjectPublicKeyInfo with its head; empty when the walk fails. */
static mun_slice spki_find(mun_slice der)
{
    mun_cursor outer = mun_cursor_over(der);
    mun_cursor certificate = der_open(&outer, DER_SEQUENCE);
    if (!mun_cursor_done(&outer)) return (mun_slice){0};
    mun_cursor tbs = der_open(&certificate, DER_SEQUENCE);
    if (mun_cursor_ok(&tbs) && mun_cursor_left(&tbs) > 0 && *tbs.at == DER_VERSION)
        der_take(&tbs, DER_VERSION);
    der_take(&tbs, DER_INTEGER);
    for (unsigned i = 0; i < 4; i++) der_take(&tbs, DER_SEQUENCE);
    const uint8_t *start = tbs.at;
    der_take(&tbs, DER_SEQUENCE);
    if (!mun_cursor_ok(&tbs)) return (mun_slice){0};
    return mun_slice_of(start, (size_t)(tbs.at - start));
}

/* A minimal positive INTEGER, its leading 00 taken off. */
static mun_slice der_number_take(mun_cursor *c)
{
    mun_slice n = der_take(c, DER_INTEGER);
    if (n.len == 0 || n.ptr[0] >= 0x80) c->failed = true;
    if (c->failed || n.ptr[0] != 0) return n;
    if (n.len == 1 || n.ptr[1] < 0x80) c->failed = true;
    return mun_slice_of(n.ptr + 1, n.len - 1);
}

static bool rsa_read(mun_slice spki, mun_public_key *ret)
{
    const mun_slice algorithm = MUN_LITERAL("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
                                            "\x05\x00");
    mun_cursor outer = mun_cursor_over(spki);
    mun_cursor c = der_open(&outer, DER_SEQUENCE);
    if (!mun_slice_equal(mun_cursor_take(&c, algorithm.len), algorithm)) return false;
    mun_cursor bits = der_open(&c, DER_BITS);
    if (mun_cursor_u8(&bits) != 0) bits.failed = true; /* no unused bits */
    mun_cursor key = der_open(&bits, DER_SEQUENCE);
    mun_slice n = der_number_take(&key), e = der_number_take(&key);
    if (!mun_cursor_done(&c) || !mun_cursor_done(&bits) || !mun_cursor_done(&key)) return false;
    if (n.len < RSA_MIN || n.len > sizeof ret->n || e.len > sizeof ret->e) return false;
    *ret = (mun_public_key){.kty = MUN_KTY_RSA, .n_len = (uint16_t)n.len, .e_len = (uint16_t)e.len};
    memcpy(ret->n, n.ptr, n.len);
    memcpy(ret->e, e.ptr, e.len);
    return true;
}

mun_code mun_certificate_key(mun_slice der, mun_public_key *ret, mun_error *err)
{
    mun_slice spki = spki_find(der);
    if (mun_spki_form_read(spki, ret) || rsa_read(spki, ret)) return MUN_OK;
    return mun_fail(err, MUN_E_UNSUPPORTED, MUN_NO_OFFSET,
                    "the certificate holds no key of a kind that is supported");
}
