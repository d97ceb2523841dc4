/* SPDX-License-Identifier: Apache-2.0 */
#include "server/query.h"

#include "base/buf.h"
#include "codec/lines.h"
#include "codec/radix.h"
#include "codec/utf8.h"
#include "server/api_time.h"
#include "server/ascii.h"

#define NAME_SHOWN 40 /* bytes of somebody's parameter name in an error */

static mun_code wrong(mun_error *err, const char *name, const char *what)
{
    return mun_failf(err, MUN_E_USAGE, 0, "the parameter %s %s", name, what);
}

/* Only what is harmless in a log or on a terminal is repeated. */
static mun_code unknown(mun_error *err, mun_slice name)
{
    char shown[NAME_SHOWN + 1];
    size_t len = name.len < NAME_SHOWN ? name.len : NAME_SHOWN;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = name.ptr[i];
        shown[i] = c > 0x20 && c < 0x7f ? (char)c : '?';
    }
    shown[len] = '\0';
    return mun_failf(err, MUN_E_USAGE, 0, "there is no parameter \"%s\" here", shown);
}

static bool decode(mun_slice text, mun_buf *ret)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == '%') {
            if (text.len - i < 3) return false;
            int high = mun_ascii_hex(text.ptr[i + 1]), low = mun_ascii_hex(text.ptr[i + 2]);
            if (high < 0 || low < 0) return false;
            c = (uint8_t)(high * 16 + low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        mun_buf_u8(ret, c);
    }
    return mun_buf_ok(ret);
}

static mun_slice until(mun_slice text, uint8_t mark, bool *ret_found)
{
    const uint8_t *at = text.len == 0 ? NULL : memchr(text.ptr, mark, text.len);
    *ret_found = at != NULL;
    return at == NULL ? text : mun_slice_of(text.ptr, (size_t)(at - text.ptr));
}

static mun_slice after(mun_slice text, size_t n)
{
    return mun_slice_of(text.ptr + n, text.len - n);
}

static mun_code take_pair(mun_parameters *p, mun_slice pair, mun_buf *bytes, mun_error *err)
{
    bool has_value = false;
    mun_slice name = until(pair, '=', &has_value);
    size_t at = 0;
    while (p->names[at] != NULL && !mun_slice_equal(name, mun_slice_cstr(p->names[at]))) at++;
    if (p->names[at] == NULL) return unknown(err, name);
    if (!has_value) return wrong(err, p->names[at], "has no value: write name=value");
    if (p->have[at]) return wrong(err, p->names[at], "is given more than once");
    size_t start = bytes->len;
    if (!decode(after(pair, name.len + 1), bytes)) {
        return wrong(err, p->names[at], "is not percent-encoded as it should be");
    }
    p->have[at] = true;
    p->value[at] = mun_slice_of(p->bytes + start, bytes->len - start);
    return MUN_OK;
}

mun_code mun_query_parse(mun_slice query, const char *const *names, mun_parameters *ret,
                         mun_error *err)
{
    ret->names = names;
    memset(ret->have, 0, sizeof ret->have);
    memset(ret->value, 0, sizeof ret->value);
    mun_buf bytes = mun_buf_fixed(ret->bytes, sizeof ret->bytes);
    while (query.len > 0) {
        bool more = false;
        mun_slice pair = until(query, '&', &more);
        MUN_TRY(take_pair(ret, pair, &bytes, err));
        query = after(query, pair.len + (more ? 1 : 0));
    }
    return MUN_OK;
}

mun_code mun_query_none(mun_slice query, mun_error *err)
{
    bool more = false;
    if (query.len == 0) return MUN_OK;
    mun_slice pair = until(query, '&', &more);
    return unknown(err, until(pair, '=', &more));
}

mun_code mun_query_number(const mun_parameters *p, size_t at, uint64_t min, uint64_t max,
                          uint64_t *ret, mun_error *err)
{
    uint64_t number = 0;
    if (!p->have[at]) return MUN_OK;
    if (mun_decimal_take(p->value[at], max, &number) && number >= min) {
        *ret = number;
        return MUN_OK;
    }
    return mun_failf(err, MUN_E_USAGE, 0,
                     "the parameter %s is a decimal number from %llu to %llu, without leading "
                     "zeros",
                     p->names[at], (unsigned long long)min, (unsigned long long)max);
}

mun_code mun_query_time(const mun_parameters *p, size_t at, uint64_t *ret_ms, mun_error *err)
{
    if (!p->have[at] || mun_time_take(p->value[at], ret_ms)) return MUN_OK;
    return wrong(err, p->names[at],
                 "is a time as in RFC 3339, such as 2026-11-22T12:00:00.000Z, from 1970 to 9999");
}

mun_code mun_query_text(const mun_parameters *p, size_t at, mun_slice *ret, mun_error *err)
{
    if (!p->have[at]) return MUN_OK;
    if (p->value[at].len == 0) return wrong(err, p->names[at], "is empty");
    if (!mun_utf8_valid(p->value[at])) return wrong(err, p->names[at], "is not UTF-8");
    *ret = p->value[at];
    return MUN_OK;
}

mun_code mun_query_hex(const mun_parameters *p, size_t at, size_t min, size_t max, uint8_t *ret,
                       size_t *ret_len, mun_error *err)
{
    if (!p->have[at]) return MUN_OK;
    mun_buf bytes = mun_buf_fixed(ret, max);
    if (!mun_hex_take(p->value[at], &bytes) || bytes.len < min) {
        return mun_failf(err, MUN_E_USAGE, 0,
                         "the parameter %s is written in %zu to %zu hexadecimal digits",
                         p->names[at], min * 2, max * 2);
    }
    *ret_len = bytes.len;
    return MUN_OK;
}

bool mun_digest_take(mun_slice text, uint8_t ret[64], size_t *ret_len)
{
    mun_buf bytes = mun_buf_fixed(ret, 64);
    if (text.len != 64 && text.len != 96 && text.len != 128) return false;
    if (!mun_hex_take(text, &bytes)) return false;
    *ret_len = bytes.len;
    return true;
}
