/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/codec_text.h"

#include <stdio.h>

#define ROW 16

static void dump_row(mun_slice bytes, size_t at, mun_buf *ret)
{
    char line[96];
    size_t n = bytes.len - at < ROW ? bytes.len - at : ROW;
    size_t len = (size_t)snprintf(line, sizeof line, "%08zx ", at);
    for (size_t i = 0; i < ROW; i++) {
        const char *gap = i == ROW / 2 ? "  " : " ";
        len += i < n ? (size_t)snprintf(line + len, sizeof line - len, "%s%02x", gap,
                                        bytes.ptr[at + i])
                     : (size_t)snprintf(line + len, sizeof line - len, "%s  ", gap);
    }
    mun_buf_put(ret, mun_slice_of(line, len));
    mun_buf_text(ret, "  ");
    for (size_t i = 0; i < n; i++) {
        uint8_t c = bytes.ptr[at + i];
        mun_buf_u8(ret, c >= 0x20 && c < 0x7f ? c : '.');
    }
    mun_buf_u8(ret, '\n');
}

void mun_hex_dump(mun_slice bytes, mun_buf *ret)
{
    for (size_t at = 0; at < bytes.len; at += ROW) dump_row(bytes, at, ret);
}
