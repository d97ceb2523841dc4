/* SPDX-License-Identifier: Apache-2.0 */
#include "vfs/file_out.h"

#include "vfs/files.h"
#include "vfs/sys_error.h"
#include "vfs/temp_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODE_PLAIN 0666 /* less the umask */

struct mun_file_out {
    int dir, fd;
    const char *name; /* in path */
    char path[MUN_PATH_BYTES_MAX];
    char temp[MUN_TEMP_NAME_SIZE];
};

static mun_code open_both(mun_file_out *out, mun_error *err)
{
    MUN_TRY(mun_parent_open(out->path, &out->dir, &out->name, err));
    int sys_errno = mun_temp_create(out->dir, MODE_PLAIN, out->temp, &out->fd);
    if (sys_errno == 0) return MUN_OK;
    close(out->dir);
    return mun_sys_fail(err, sys_errno, "create", out->path, NULL);
}

mun_code mun_file_out_begin(const char *path, mun_file_out **ret, mun_error *err)
{
    mun_file_info info;
    size_t len = strlen(path);
    if (len >= MUN_PATH_BYTES_MAX) return mun_sys_fail(err, ENAMETOOLONG, "write", path, NULL);
    MUN_TRY(mun_file_look(path, false, &info, err));
    if (info.kind != MUN_FILE_MISSING) return mun_sys_fail(err, EEXIST, "write", path, NULL);
    mun_file_out *out = calloc(1, sizeof *out);
    if (out == NULL) return mun_sys_fail(err, ENOMEM, "write", path, NULL);
    memcpy(out->path, path, len + 1);
    mun_code code = open_both(out, err);
    if (code != MUN_OK) {
        free(out);
        return code;
    }
    *ret = out;
    return MUN_OK;
}

mun_code mun_file_out_put(mun_file_out *out, mun_slice bytes, mun_error *err)
{
    for (size_t done = 0; done < bytes.len;) {
        ssize_t put = write(out->fd, bytes.ptr + done, bytes.len - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return mun_sys_fail(err, errno, "write", out->path, NULL);
        done += (size_t)put;
    }
    return MUN_OK;
}

static void end(mun_file_out *out)
{
    close(out->fd);
    close(out->dir);
    free(out);
}

mun_code mun_file_out_commit(mun_file_out *out, mun_error *err)
{
    int sys_errno = fsync(out->fd) == 0 ? 0 : errno;
    if (sys_errno == 0) sys_errno = mun_temp_place(out->dir, out->temp, out->name, false);
    if (sys_errno != 0) {
        mun_code code = mun_sys_fail(err, sys_errno, "write", out->path, NULL);
        mun_file_out_abandon(out);
        return code;
    }
    mun_code code = MUN_OK;
    if (fsync(out->dir) != 0) {
        code = mun_sys_fail(err, errno, "sync the folder of", out->path, NULL);
    }
    end(out);
    return code;
}

void mun_file_out_abandon(mun_file_out *out)
{
    if (out == NULL) return;
    unlinkat(out->dir, out->temp, 0);
    end(out);
}
