/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/ecdsa_der.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/cursor.h"

#define INTEGER   0x02
#define SEQUENCE  0x30
#define LONG_BYTE 0x81 /* the length is in one further byte */
#define SIGN_BIT  0x80 /* set in the first byte: a negative INTEGER, or a length in long form */

/* The shortest form: no leading zero bytes, but one where the number would read as negative. */
static void put_integer(mun_buf *buf, mun_slice number)
{
    while (number.len > 1 && number.ptr[0] == 0) {
        number = mun_slice_of(number.ptr + 1, number.len - 1);
    }
    bool padded = number.ptr[0] >= SIGN_BIT;
    mun_buf_u8(buf, INTEGER);
    mun_buf_u8(buf, (uint8_t)(number.len + padded));
    if (padded) mun_buf_u8(buf, 0);
    mun_buf_put(buf, number);
}

size_t ecdsa_raw_to_der(mun_slice raw, uint8_t ret[ECDSA_DER_MAX])
{
    uint8_t integers[ECDSA_DER_MAX];
    mun_buf both = mun_buf_fixed(integers, sizeof integers);
    put_integer(&both, mun_slice_of(raw.ptr, raw.len / 2));
    put_integer(&both, mun_slice_of(raw.ptr + raw.len / 2, raw.len / 2));
    mun_buf buf = mun_buf_fixed(ret, ECDSA_DER_MAX);
    mun_buf_u8(&buf, SEQUENCE);
    if (both.len >= SIGN_BIT) mun_buf_u8(&buf, LONG_BYTE);
    mun_buf_u8(&buf, (uint8_t)both.len);
    mun_buf_put(&buf, mun_buf_slice(&both));
    MUN_ASSERT(mun_buf_ok(&buf) && mun_buf_ok(&both));
    return buf.len;
}

/* An INTEGER padded with zeros to width bytes. */
static void take_integer(mun_cursor *c, size_t width, uint8_t *ret)
{
    if (mun_cursor_u8(c) != INTEGER) c->failed = true;
    mun_slice number = mun_cursor_take(c, mun_cursor_u8(c));
    if (number.len > width && number.ptr[0] == 0) {
        number = mun_slice_of(number.ptr + 1, number.len - 1);
    }
    if (number.len == 0 || number.len > width) {
        c->failed = true;
        return;
    }
    memset(ret, 0, width - number.len);
    memcpy(ret + width - number.len, number.ptr, number.len);
}

bool ecdsa_der_to_raw(mun_slice der, size_t width, uint8_t *ret)
{
    mun_cursor c = mun_cursor_over(der);
    if (mun_cursor_u8(&c) != SEQUENCE) c.failed = true;
    size_t len = mun_cursor_u8(&c);
    if (len == LONG_BYTE) len = mun_cursor_u8(&c);
    if (len != mun_cursor_left(&c)) c.failed = true;
    take_integer(&c, width, ret);
    take_integer(&c, width, ret + width);
    return mun_cursor_done(&c);
}
