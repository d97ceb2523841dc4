/* SPDX-License-Identifier: Apache-2.0 */
#include "server/media_type.h"

#include "base/cursor.h"
#include "server/ascii.h"

#define SIGN1 "cose-sign1"

static void skip_space(mun_cursor *c)
{
    while (mun_cursor_left(c) > 0 && mun_ascii_space(*c->at)) c->at++;
}

static mun_slice token(mun_cursor *c)
{
    const uint8_t *from = c->at;
    while (mun_cursor_left(c) > 0 && mun_ascii_token(*c->at)) c->at++;
    return mun_slice_of(from, (size_t)(c->at - from));
}

/* A token, or a quoted string, whose escapes are left in it. False: neither. */
static bool value(mun_cursor *c, mun_slice *ret)
{
    if (mun_cursor_left(c) == 0 || *c->at != '"') {
        *ret = token(c);
        return ret->len > 0;
    }
    const uint8_t *from = ++c->at;
    for (; mun_cursor_left(c) > 0 && *c->at != '"'; c->at++) {
        if (*c->at == '\\' && mun_cursor_left(c) > 1) c->at++;
    }
    if (mun_cursor_left(c) == 0) return false;
    *ret = mun_slice_of(from, (size_t)(c->at - from));
    c->at++;
    return true;
}

/* The next parameter: 1, none left: 0, not in the form of RFC 9110 section 5.6.6: -1. */
static int parameter(mun_cursor *c, mun_slice *ret_name, mun_slice *ret_value)
{
    skip_space(c);
    while (mun_cursor_left(c) > 0 && *c->at == ';') {
        c->at++;
        skip_space(c);
        *ret_name = token(c);
        if (ret_name->len == 0) continue;
        if (mun_cursor_left(c) == 0 || *c->at != '=') return -1;
        c->at++;
        return value(c, ret_value) ? 1 : -1;
    }
    return mun_cursor_left(c) == 0 ? 0 : -1;
}

/* The essence; parameters stand behind it. */
static mun_slice essence(mun_cursor *c)
{
    skip_space(c);
    const uint8_t *from = c->at;
    mun_slice family = token(c);
    if (family.len == 0 || mun_cursor_left(c) == 0 || *c->at != '/') return (mun_slice){0};
    c->at++;
    if (token(c).len == 0) return (mun_slice){0};
    return mun_slice_of(from, (size_t)(c->at - from));
}

/* Reads it whole; cose_type: of the parameter with this name, or empty. */
static bool read(mun_slice content_type, mun_slice *ret_essence, mun_slice *ret_cose_type)
{
    mun_cursor c = mun_cursor_over(content_type);
    mun_slice name, text;
    int more = 0;
    *ret_essence = essence(&c);
    *ret_cose_type = (mun_slice){0};
    while ((more = parameter(&c, &name, &text)) == 1) {
        if (mun_ascii_same(name, MUN_LITERAL("cose-type"))) *ret_cose_type = text;
    }
    return more == 0 && ret_essence->len > 0;
}

bool mun_media_is_statement(mun_slice content_type)
{
    mun_slice type, cose_type;
    if (!read(content_type, &type, &cose_type)) return false;
    if (mun_ascii_same(type, MUN_LITERAL("application/scitt-statement+cose"))) return true;
    return mun_ascii_same(type, MUN_LITERAL("application/cose")) &&
           (cose_type.ptr == NULL || mun_ascii_same(cose_type, MUN_LITERAL(SIGN1)));
}

bool mun_media_is(mun_slice content_type, const char *type)
{
    mun_slice essence_text, cose_type;
    return read(content_type, &essence_text, &cose_type) &&
           mun_ascii_same(essence_text, mun_slice_cstr(type));
}

bool mun_media_is_plain(mun_slice content_encoding)
{
    return content_encoding.len == 0 || mun_ascii_same(content_encoding, MUN_LITERAL("identity"));
}
