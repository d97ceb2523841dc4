/* SPDX-License-Identifier: Apache-2.0 */
#include "vfs/file_place.h"

#include "base/buf.h"
#include "vfs/sys_error.h"
#include "vfs/temp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX    1024
#define MODE_SECRET 0600

/* 0 or an errno; name NULL: the open file at. */
static int place_of(int at, const char *name, mun_file_place *ret)
{
    struct statx st;
    int flags = name == NULL ? AT_EMPTY_PATH : 0;
    if (statx(at, name == NULL ? "" : name, flags, STATX_INO | STATX_BTIME, &st) != 0) return errno;
    *ret = (mun_file_place){.inode = st.stx_ino};
    ret->born_known = (st.stx_mask & STATX_BTIME) != 0;
    if (ret->born_known) {
        ret->born_seconds = st.stx_btime.tv_sec;
        ret->born_nanoseconds = st.stx_btime.tv_nsec;
    }
    return 0;
}

mun_code mun_file_place_look(const char *path, mun_file_place *ret, mun_error *err)
{
    int sys_errno = place_of(AT_FDCWD, path, ret);
    return sys_errno == 0 ? MUN_OK : mun_sys_fail(err, sys_errno, "look at", path, NULL);
}

static int fill(int fd, mun_file_place_text text, void *ctx)
{
    char bytes[TEXT_MAX];
    mun_buf buf = mun_buf_fixed(bytes, sizeof bytes);
    mun_file_place place;
    int sys_errno = place_of(fd, NULL, &place);
    if (sys_errno != 0) return sys_errno;
    text(ctx, &place, &buf);
    if (!mun_buf_ok(&buf)) return EFBIG;
    ssize_t put = write(fd, buf.ptr, buf.len);
    if (put != (ssize_t)buf.len) return put < 0 ? errno : ENOSPC;
    return fsync(fd) == 0 ? 0 : errno;
}

static int write_placed(int dir, const char *name, mun_file_place_text text, void *ctx)
{
    char temp[MUN_TEMP_NAME_SIZE];
    int fd = -1;
    int sys_errno = mun_temp_create(dir, MODE_SECRET, temp, &fd);
    if (sys_errno != 0) return sys_errno;
    sys_errno = fill(fd, text, ctx);
    if (close(fd) != 0 && sys_errno == 0) sys_errno = errno;
    if (sys_errno == 0) sys_errno = mun_temp_place(dir, temp, name, false);
    if (sys_errno != 0) unlinkat(dir, temp, 0);
    return sys_errno;
}

mun_code mun_file_place_write(const char *path, mun_file_place_text text, void *ctx, mun_error *err)
{
    int dir;
    const char *name;
    MUN_TRY(mun_parent_open(path, &dir, &name, err));
    int sys_errno = write_placed(dir, name, text, ctx);
    if (sys_errno == 0 && fsync(dir) != 0) sys_errno = errno;
    close(dir);
    return sys_errno == 0 ? MUN_OK : mun_sys_fail(err, sys_errno, "write", path, NULL);
}
