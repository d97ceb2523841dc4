/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/subject.h"

#include "base/slice.h"
#include "cli/document.h"
#include "codec/utf8.h"

#include <muniment/evidence.h>
#include <string.h>

static void put_encoded(mun_buf *ret, mun_slice path)
{
    static const char digit[] = "0123456789ABCDEF";
    bool whole = mun_utf8_valid(path);
    for (size_t i = 0; i < path.len;) {
        mun_cursor c = mun_cursor_over(mun_slice_of(path.ptr + i, path.len - i));
        (void)mun_utf8_take(&c);
        size_t len = mun_cursor_ok(&c) ? mun_cursor_offset(&c) : 1;
        bool encode = !whole && (!mun_cursor_ok(&c) || path.ptr[i] == '%');
        if (encode) {
            mun_buf_u8(ret, '%');
            mun_buf_u8(ret, (uint8_t)digit[path.ptr[i] >> 4]);
            mun_buf_u8(ret, (uint8_t)digit[path.ptr[i] & 15]);
        } else {
            mun_buf_put(ret, mun_slice_of(path.ptr + i, len));
        }
        i += len;
    }
}

mun_code mun_subject_make(const char *template, const char *path, mun_buf *ret, mun_error *err)
{
    size_t from = ret->len;
    const char *t = template != NULL ? template : "{path}";
    while (*t != '\0') {
        if (strncmp(t, "{path}", 6) == 0) {
            put_encoded(ret, mun_slice_cstr(path));
            t += 6;
        } else if (strncmp(t, "{name}", 6) == 0) {
            put_encoded(ret, mun_slice_cstr(mun_path_name(path)));
            t += 6;
        } else {
            mun_buf_u8(ret, (uint8_t)*t++);
        }
    }
    if (!mun_buf_ok(ret) || ret->len - from > MUN_NAME_MAX) {
        return mun_failf(err, MUN_E_LIMIT, 0,
                         "the subject is longer than %d bytes; give a shorter "
                         "one with --subject",
                         MUN_NAME_MAX);
    }
    if (ret->len > from) return MUN_OK;
    return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                    "there is no subject; say with --subject what the statement is about");
}

char *mun_path_clean(const char *path, char *ret)
{
    size_t at = 0;
    while (*path != '\0') {
        size_t len = strcspn(path, "/");
        bool here = len == 0 || (len == 1 && path[0] == '.');
        bool up = len == 2 && path[0] == '.' && path[1] == '.';
        if (up) { /* out of the part before it, if there is one */
            while (at > 0 && ret[at - 1] != '/') at--;
            if (at > 0) at--;
        } else if (!here) {
            if (at > 0) ret[at++] = '/';
            memmove(ret + at, path, len);
            at += len;
        }
        path += len + (path[len] == '/');
    }
    ret[at] = '\0';
    return ret;
}
