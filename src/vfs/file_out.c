/* SPDX-License-Identifier: Apache-2.0 */
#include "vfs/file_out.h"

#include "vfs/files.h"
#include "vfs/sys_error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct mun_file_out {
    int fd;
    char path[MUN_PATH_BYTES_MAX];
    char temp[MUN_PATH_BYTES_MAX];
};

static mun_code name_temp(mun_file_out *out, const char *path, mun_error *err)
{
    size_t len = strlen(path);
    if (len >= sizeof out->path - 16) return mun_sys_fail(err, ENAMETOOLONG, "write", path, NULL);
    memcpy(out->path, path, len + 1);
    const char *slash = strrchr(path, '/');
    int folder = slash == NULL ? 0 : (int)(slash - path) + 1;
    snprintf(out->temp, sizeof out->temp, "%.*s.tmp-XXXXXX", folder, path);
    return MUN_OK;
}

mun_code mun_file_out_begin(const char *path, mun_file_out **ret, mun_error *err)
{
    mun_file_info info;
    MUN_TRY(mun_file_look(path, false, &info, err));
    if (info.kind != MUN_FILE_MISSING) return mun_sys_fail(err, EEXIST, "write", path, NULL);
    mun_file_out *out = calloc(1, sizeof *out);
    if (out == NULL) return mun_sys_fail(err, ENOMEM, "write", path, NULL);
    mun_code code = name_temp(out, path, err);
    if (code == MUN_OK) {
        out->fd = mkostemp(out->temp, O_CLOEXEC);
        if (out->fd < 0) code = mun_sys_fail(err, errno, "create", path, NULL);
    }
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

/* mkostemp makes 0600; an ordinary file has what the umask leaves of 0666. */
static int give_mode(int fd)
{
    mode_t mask = umask(0);
    umask(mask);
    return fchmod(fd, 0666 & ~mask);
}

mun_code mun_file_out_commit(mun_file_out *out, mun_error *err)
{
    mun_code code = MUN_OK;
    if (give_mode(out->fd) != 0 || fsync(out->fd) != 0) {
        code = mun_sys_fail(err, errno, "write", out->path, NULL);
    } else if (renameat2(AT_FDCWD, out->temp, AT_FDCWD, out->path, RENAME_NOREPLACE) != 0) {
        code = mun_sys_fail(err, errno, "write", out->path, NULL);
    }
    if (code != MUN_OK) {
        mun_file_out_abandon(out);
        return code;
    }
    close(out->fd);
    free(out);
    return MUN_OK;
}

void mun_file_out_abandon(mun_file_out *out)
{
    if (out == NULL) return;
    close(out->fd);
    unlink(out->temp);
    free(out);
}
