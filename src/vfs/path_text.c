/* SPDX-License-Identifier: Apache-2.0 */
/* File names for human eyes: a name is bytes, a message is UTF-8 on one line. */
#include "vfs/files.h"

/* Bytes of the well-formed UTF-8 character at p (RFC 3629 section 4), 0 when it is not one. */
static size_t utf8_length(const uint8_t *p, size_t left)
{
    uint8_t a = p[0];
    size_t len = a < 0x80                 ? 1
                 : a >= 0xc2 && a <= 0xdf ? 2
                 : (a & 0xf0) == 0xe0     ? 3
                 : a >= 0xf0 && a <= 0xf4 ? 4
                                          : 0;
    if (len == 0 || len > left) return 0;
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0;
    }
    if (len < 3) return len;
    uint8_t low = a == 0xe0 ? 0xa0 : a == 0xf0 ? 0x90 : 0x80;
    uint8_t high = a == 0xed ? 0x9f : a == 0xf4 ? 0x8f : 0xbf;
    return p[1] >= low && p[1] <= high ? len : 0;
}

/* Bytes that may be shown as they are at p: no control characters, C1 (U+0080..9F) included. */
static size_t shown_length(const uint8_t *p, size_t left)
{
    size_t len = utf8_length(p, left);
    if (len == 1 && (p[0] < 0x20 || p[0] == 0x7f || p[0] == '\\')) return 0;
    if (len == 2 && p[0] == 0xc2 && p[1] < 0xa0) return 0;
    return len;
}

/* Writes the text of path[from..] when it fits into cap; true when it did. */
static bool put_text(char *ret, size_t cap, const uint8_t *path, size_t from, size_t len)
{
    static const char digit[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = from; i < len;) {
        size_t shown = shown_length(path + i, len - i);
        if (at + (shown > 0 ? shown : 4) >= cap) return false;
        if (shown > 0) {
            memcpy(ret + at, path + i, shown);
        } else {
            memcpy(ret + at, (char[]){'\\', 'x', digit[path[i] >> 4], digit[path[i] & 15]}, 4);
        }
        at += shown > 0 ? shown : 4;
        i += shown > 0 ? shown : 1;
    }
    ret[at] = '\0';
    return true;
}

void mun_path_text(char *ret, size_t cap, const char *path)
{
    const uint8_t *bytes = (const uint8_t *)path;
    size_t len = mun_slice_cstr(path).len;
    if (put_text(ret, cap, bytes, 0, len)) return;
    static const char dots[] = "...";
    memcpy(ret, dots, sizeof dots);
    size_t from = len > cap ? len - cap : 0;
    while (!put_text(ret + 3, cap - 3, bytes, ++from, len)) continue;
}
