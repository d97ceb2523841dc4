/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/lines.h"

#include "codec/utf8.h"

mun_slice mun_line_take(mun_cursor *c)
{
    size_t left = mun_cursor_left(c), n = 0;
    while (n < left && c->at[n] != '\n') n++;
    if (n == left) c->failed = true;
    mun_slice line = mun_cursor_take(c, n);
    mun_cursor_take(c, 1);
    return line;
}

void mun_line_expect(mun_cursor *c, mun_slice prefix)
{
    if (!mun_slice_equal(mun_cursor_take(c, prefix.len), prefix)) c->failed = true;
}

bool mun_decimal_take(mun_slice text, uint64_t max, uint64_t *ret)
{
    if (text.len == 0 || (text.ptr[0] == '0' && text.len > 1)) return false;
    uint64_t v = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
        uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        if (v > max / 10 || digit > max - v * 10) return false;
        v = v * 10 + digit;
    }
    *ret = v;
    return true;
}

bool mun_signature_line_split(mun_slice line, mun_slice *ret_name, mun_slice *ret_base64)
{
    const mun_slice mark = MUN_LITERAL(MUN_SIGNATURE_LINE_MARK);
    if (!mun_slice_starts(line, mark)) return false;
    size_t name_end = mark.len;
    while (name_end < line.len && line.ptr[name_end] != ' ') name_end++;
    if (name_end == line.len) return false;
    *ret_name = mun_slice_of(line.ptr + mark.len, name_end - mark.len);
    *ret_base64 = mun_slice_of(line.ptr + name_end + 1, line.len - name_end - 1);
    return true;
}

bool mun_key_name_valid(mun_slice name)
{
    mun_cursor c = mun_cursor_over(name);
    while (mun_cursor_ok(&c) && mun_cursor_left(&c) > 0) {
        uint32_t point = mun_utf8_take(&c);
        if (point == '+' || mun_unicode_is_space(point)) return false;
    }
    return name.len > 0 && mun_cursor_ok(&c);
}
