/* SPDX-License-Identifier: Apache-2.0 */
#include "server/negotiate.h"

#include "server/ascii.h"

#define Q_ONE 1000 /* weights have three decimal places: in thousandths */

/* The part before the mark, trimmed; rest is what stands after it. A mark in quotes counts too: no
 * parameter that matters here is quoted. */
static mun_slice part(mun_slice *rest, uint8_t mark)
{
    const uint8_t *at = rest->len == 0 ? NULL : memchr(rest->ptr, mark, rest->len);
    mun_slice ret = at == NULL ? *rest : mun_slice_of(rest->ptr, (size_t)(at - rest->ptr));
    size_t skip = at == NULL ? rest->len : ret.len + 1;
    *rest = rest->len == 0 ? *rest : mun_slice_of(rest->ptr + skip, rest->len - skip);
    return mun_ascii_trimmed(ret);
}

/* "0", "0.5", "1.000"; anything else counts as 1. */
static unsigned weight(mun_slice text)
{
    unsigned value = 0, scale = Q_ONE;
    if (text.len == 0 || text.len > 5 || (text.ptr[0] != '0' && text.ptr[0] != '1')) return Q_ONE;
    if (text.ptr[0] == '1') return Q_ONE;
    for (size_t i = 2; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++) {
        scale /= 10;
        value += (unsigned)(text.ptr[i] - '0') * scale;
    }
    return value;
}

static unsigned weight_of(mun_slice parameters)
{
    while (parameters.len > 0) {
        mun_slice value = part(&parameters, ';');
        mun_slice name = part(&value, '=');
        if (mun_ascii_same(name, MUN_LITERAL("q"))) return weight(mun_ascii_trimmed(value));
    }
    return Q_ONE;
}

/* How closely a range of an Accept field names the type: 0 not at all, 3 exactly. */
static unsigned closeness(mun_slice range, mun_slice type)
{
    if (mun_ascii_same(range, type)) return 3;
    if (mun_ascii_same(range, MUN_LITERAL("*/*"))) return 1;
    if (range.len < 2 || range.ptr[range.len - 1] != '*' || range.ptr[range.len - 2] != '/') {
        return 0;
    }
    size_t family = range.len - 1;
    return type.len > family &&
                   mun_ascii_same(mun_slice_of(range.ptr, family), mun_slice_of(type.ptr, family))
               ? 2
               : 0;
}

/* RFC 9110 section 12.5.1: the closest range gives the weight. */
static unsigned weight_for(mun_slice accept, const char *type)
{
    unsigned closest = 0, ret = 0;
    while (accept.len > 0) {
        mun_slice parameters = part(&accept, ',');
        mun_slice range = part(&parameters, ';');
        unsigned close = closeness(range, mun_slice_cstr(type));
        if (close <= closest) continue;
        closest = close;
        ret = weight_of(parameters);
    }
    return ret;
}

const char *mun_negotiate_type(mun_slice accept, const char *const *offered)
{
    const char *best = NULL;
    unsigned best_weight = 0;
    if (memchr(accept.len == 0 ? (const void *)"" : accept.ptr, '/', accept.len) == NULL) {
        return offered[0];
    }
    for (; *offered != NULL; offered++) {
        unsigned w = weight_for(accept, *offered);
        if (w <= best_weight) continue;
        best_weight = w;
        best = *offered;
    }
    return best;
}

bool mun_negotiate_gzip(mun_slice accept_encoding)
{
    unsigned any = 0;
    while (accept_encoding.len > 0) {
        mun_slice parameters = part(&accept_encoding, ',');
        mun_slice coding = part(&parameters, ';');
        if (mun_ascii_same(coding, MUN_LITERAL("gzip")) ||
            mun_ascii_same(coding, MUN_LITERAL("x-gzip"))) {
            return weight_of(parameters) > 0; /* two names of one: RFC 9110 section 8.4.1.3 */
        }
        if (mun_ascii_same(coding, MUN_LITERAL("*"))) any = weight_of(parameters);
    }
    return any > 0;
}
