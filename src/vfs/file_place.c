/* SPDX-License-Identifier: Apache-2.0 */
#include "vfs/file_place.h"

#include "base/buf.h"
#include "vfs/files.h"
#include "vfs/sys_error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
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

/* As mun_file_write names them, so that whoever sweeps those away knows this one too. */
static int temp_path(const char *path, char ret[MUN_PATH_BYTES_MAX])
{
    uint64_t random;
    const char *slash = strrchr(path, '/');
    int folder = slash == NULL ? 0 : (int)(slash - path) + 1;
    if (getrandom(&random, sizeof random, 0) != sizeof random) return errno;
    int len = snprintf(ret, MUN_PATH_BYTES_MAX, "%.*s.tmp-%016llx", folder, path,
                       (unsigned long long)random);
    return len < MUN_PATH_BYTES_MAX ? 0 : ENAMETOOLONG;
}

/* Never replaces what has the name already. */
static int name_it(const char *temp, const char *path)
{
    if (renameat2(AT_FDCWD, temp, AT_FDCWD, path, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return errno;
    if (link(temp, path) != 0) return errno;
    return unlink(temp) == 0 ? 0 : errno;
}

static int write_placed(const char *temp, const char *path, mun_file_place_text text, void *ctx)
{
    int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, MODE_SECRET);
    if (fd < 0) return errno;
    int sys_errno = fill(fd, text, ctx);
    if (close(fd) != 0 && sys_errno == 0) sys_errno = errno;
    if (sys_errno == 0) sys_errno = name_it(temp, path);
    if (sys_errno != 0) unlink(temp);
    return sys_errno;
}

static int sync_folder(const char *path)
{
    char folder[MUN_PATH_BYTES_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1,
             slash == NULL ? "." : path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno;
    int sys_errno = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    return sys_errno;
}

mun_code mun_file_place_write(const char *path, mun_file_place_text text, void *ctx, mun_error *err)
{
    char temp[MUN_PATH_BYTES_MAX];
    int sys_errno = temp_path(path, temp);
    if (sys_errno == 0) sys_errno = write_placed(temp, path, text, ctx);
    if (sys_errno == 0) sys_errno = sync_folder(path);
    return sys_errno == 0 ? MUN_OK : mun_sys_fail(err, sys_errno, "write", path, NULL);
}
