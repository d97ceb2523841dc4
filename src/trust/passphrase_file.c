/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/passphrase_file.h"

#include "vfs/files.h"

#include <muniment/keys.h>

#define FILE_BYTES_MAX                                                                             \
    (2 * MUN_PASSPHRASE_MAX) /* what stands below the first line is not looked at */

static size_t first_line(mun_slice text)
{
    size_t len = 0;
    while (len < text.len && text.ptr[len] != '\n' && text.ptr[len] != '\r') len++;
    return len;
}

static mun_code take(const char *path, mun_slice text, mun_buf *ret, mun_error *err)
{
    char name[MUN_PATH_TEXT_MAX];
    size_t len = first_line(text);
    if (len > 0 && len <= MUN_PASSPHRASE_MAX) {
        mun_buf_put(ret, mun_slice_of(text.ptr, len));
        return mun_buf_ok(ret) ? MUN_OK : mun_buf_fail(ret, err, "no room for the passphrase");
    }
    mun_path_text(name, sizeof name, path);
    if (len == 0) {
        return mun_failf(err, MUN_E_USAGE, 0,
                         "the first line of %s is empty; it should be the passphrase", name);
    }
    return mun_failf(err, MUN_E_USAGE, 0,
                     "the first line of %s is longer than a passphrase may be (%d)", name,
                     MUN_PASSPHRASE_MAX);
}

mun_code mun_passphrase_read(const char *path, mun_buf *ret, mun_error *err)
{
    uint8_t room[FILE_BYTES_MAX];
    mun_buf text = mun_buf_fixed(room, sizeof room);
    mun_code code = mun_file_read(path, sizeof room, &text, err);
    if (code == MUN_OK) code = take(path, mun_buf_slice(&text), ret, err);
    mun_cleanse(room, sizeof room);
    return code;
}
