/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   tile/<L>/<N>[.p/<W>]   tile/entries/<N>[.p/<W>]
 *   L  0 to 63, W  1 to 255: decimal without leading zeros
 *   N  groups of three digits, all but the last led by x; the first of several is not x000
 */
#include "server/tile_name.h"

#include "base/cursor.h"
#include "codec/lines.h"

#define LEVEL_MAX  63
#define GROUPS_MAX 6 /* 10^18 tiles of 256: more than a log can have */
#define FULL       256

static bool take_level(mun_slice *text, int *ret)
{
    uint64_t level = 0;
    const uint8_t *slash = text->len == 0 ? NULL : memchr(text->ptr, '/', text->len);
    if (slash == NULL) return false;
    mun_slice word = mun_slice_of(text->ptr, (size_t)(slash - text->ptr));
    *text = mun_slice_of(slash + 1, text->len - word.len - 1);
    *ret = -1;
    if (mun_slice_equal(word, MUN_LITERAL("entries"))) return true;
    if (!mun_decimal_take(word, LEVEL_MAX, &level)) return false;
    *ret = (int)level;
    return true;
}

/* ".p/12" at the end, or nothing. */
static bool take_width(mun_slice *text, unsigned *ret)
{
    uint64_t width = 0;
    *ret = FULL;
    for (size_t i = 0; i + 3 <= text->len; i++) {
        if (memcmp(text->ptr + i, ".p/", 3) != 0) continue;
        mun_slice digits = mun_slice_of(text->ptr + i + 3, text->len - i - 3);
        if (!mun_decimal_take(digits, FULL - 1, &width) || width == 0) return false;
        text->len = i;
        *ret = (unsigned)width;
        return true;
    }
    return true;
}

static unsigned take_group(mun_cursor *c)
{
    unsigned value = 0;
    for (unsigned i = 0; i < 3; i++) {
        uint8_t d = mun_cursor_u8(c);
        if (d < '0' || d > '9') c->failed = true;
        value = value * 10 + (unsigned)(d - '0');
    }
    return value;
}

static bool take_number(mun_slice text, uint64_t *ret)
{
    mun_cursor c = mun_cursor_over(text);
    uint64_t n = 0;
    for (unsigned groups = 1; groups <= GROUPS_MAX; groups++) {
        bool more = mun_cursor_left(&c) > 0 && *c.at == 'x';
        if (more) (void)mun_cursor_u8(&c);
        unsigned group = take_group(&c);
        if (more && groups == 1 && group == 0) return false;
        n = n * 1000 + group;
        if (!more) {
            *ret = n;
            return mun_cursor_done(&c);
        }
        if (mun_cursor_u8(&c) != '/') return false;
    }
    return false;
}

bool mun_tile_name_take(mun_slice text, mun_tile_name *ret)
{
    mun_tile_name name;
    if (!take_level(&text, &name.level) || !take_width(&text, &name.width) ||
        !take_number(text, &name.n)) {
        return false;
    }
    *ret = name;
    return true;
}
