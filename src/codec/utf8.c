/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/utf8.h"

/* RFC 3629 section 3: how many bytes follow the first, the bits it gives, the least value that
 * may be written so. */
typedef struct form {
    uint8_t mask, lead, more;
    uint32_t bits, least;
} form;

static const form forms[] = {
    {0xe0, 0xc0, 1, 0x1f, 0x80},
    {0xf0, 0xe0, 2, 0x0f, 0x800},
    {0xf8, 0xf0, 3, 0x07, 0x10000},
};

#define CODE_POINT_MAX  0x10ffff
#define SURROGATE_FIRST 0xd800
#define SURROGATE_LAST  0xdfff

static uint32_t multibyte_take(mun_cursor *c, const form *f, uint8_t first)
{
    uint32_t v = first & f->bits;
    for (unsigned i = 0; i < f->more; i++) {
        uint8_t next = mun_cursor_u8(c);
        if ((next & 0xc0) != 0x80) c->failed = true;
        v = v << 6 | (next & 0x3f);
    }
    bool surrogate = v >= SURROGATE_FIRST && v <= SURROGATE_LAST;
    if (v < f->least || v > CODE_POINT_MAX || surrogate) c->failed = true;
    return c->failed ? 0 : v;
}

uint32_t mun_utf8_take(mun_cursor *c)
{
    uint8_t first = mun_cursor_u8(c);
    if (first < 0x80) return first;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if ((first & forms[i].mask) == forms[i].lead) return multibyte_take(c, &forms[i], first);
    c->failed = true;
    return 0;
}

bool mun_utf8_valid(mun_slice text)
{
    mun_cursor c = mun_cursor_over(text);
    while (mun_cursor_ok(&c) && mun_cursor_left(&c) > 0) mun_utf8_take(&c);
    return mun_cursor_ok(&c);
}

bool mun_unicode_is_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

bool mun_unicode_is_hidden(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) || c == 0xfeff;
}
