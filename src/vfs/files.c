/* SPDX-License-Identifier: Apache-2.0 */
/* Single files by path: look, read, stream, write whole. See files.h. */
#include "vfs/files.h"

#include "base/buf.h"
#include "vfs/sys_error.h"
#include "vfs/temp_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_STEP   (64u << 10)
#define MODE_PLAIN  0666 /* less the umask */
#define MODE_SECRET 0600

static bool is_dash(const char *path)
{
    return strcmp(path, "-") == 0;
}

static mun_file_kind kind_of(mode_t mode)
{
    if (S_ISREG(mode)) return MUN_FILE_REGULAR;
    if (S_ISDIR(mode)) return MUN_FILE_DIRECTORY;
    if (S_ISLNK(mode)) return MUN_FILE_LINK;
    if (S_ISSOCK(mode)) return MUN_FILE_SOCKET;
    return S_ISFIFO(mode) ? MUN_FILE_PIPE : MUN_FILE_OTHER;
}

void mun_file_info_of(const struct stat *st, mun_file_info *ret)
{
    *ret = (mun_file_info){
        .kind = kind_of(st->st_mode),
        .size = (uint64_t)st->st_size,
        .mode = st->st_mode & 07777,
        .inode = st->st_ino,
        .changed_ns = (uint64_t)st->st_ctim.tv_sec * 1000000000 + (uint64_t)st->st_ctim.tv_nsec,
    };
}

mun_code mun_file_look(const char *path, bool follow_links, mun_file_info *ret, mun_error *err)
{
    struct stat st;
    if (fstatat(AT_FDCWD, path, &st, follow_links ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT && errno != ENOTDIR) {
            return mun_sys_fail(err, errno, "look at", path, NULL);
        }
        *ret = (mun_file_info){.kind = MUN_FILE_MISSING};
        return MUN_OK;
    }
    mun_file_info_of(&st, ret);
    return MUN_OK;
}

/* Opens for reading; *ret_size is 0 for what is not a regular file. */
static mun_code open_input(const char *path, int *ret_fd, uint64_t *ret_size, mun_error *err)
{
    int fd = is_dash(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return mun_sys_fail(err, errno, "open", path, NULL);
    struct stat st;
    int sys_errno = fstat(fd, &st) != 0 ? errno : S_ISDIR(st.st_mode) ? EISDIR : 0;
    if (sys_errno != 0) {
        if (!is_dash(path)) close(fd);
        return mun_sys_fail(err, sys_errno, "read", path, NULL);
    }
    *ret_fd = fd;
    *ret_size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    return MUN_OK;
}

static void close_input(int fd)
{
    if (fd != STDIN_FILENO) close(fd);
}

static ssize_t read_retry(int fd, void *ret, size_t len)
{
    ssize_t got;
    do {
        got = read(fd, ret, len);
    } while (got < 0 && errno == EINTR);
    return got;
}

/* Fills ret as far as the input reaches, so that pipes give whole chunks too. */
static ssize_t read_full(int fd, uint8_t *ret, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t got = read_retry(fd, ret + done, len - done);
        if (got < 0) return got;
        if (got == 0) break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

static mun_code too_large(const char *path, size_t max, mun_error *err)
{
    char text[MUN_PATH_TEXT_MAX];
    mun_path_text(text, sizeof text, path);
    return mun_failf(err, MUN_E_LIMIT, 0, "%s is larger than the %zu bytes allowed here", text,
                     max);
}

static mun_code read_all(const char *path, int fd, size_t max, uint8_t *step, mun_buf *ret,
                         mun_error *err)
{
    for (size_t total = 0;;) {
        size_t want = max - total < READ_STEP ? max - total + 1 : READ_STEP;
        ssize_t got = read_full(fd, step, want);
        if (got < 0) return mun_sys_fail(err, errno, "read", path, NULL);
        if ((size_t)got > max - total) return too_large(path, max, err);
        total += (size_t)got;
        mun_buf_put(ret, mun_slice_of(step, (size_t)got));
        if (!mun_buf_ok(ret)) return too_large(path, ret->max, err);
        if ((size_t)got < want) return MUN_OK;
    }
}

mun_code mun_file_read(const char *path, size_t max, mun_buf *ret, mun_error *err)
{
    int fd;
    uint64_t size;
    MUN_TRY(open_input(path, &fd, &size, err));
    uint8_t *step = malloc(READ_STEP + 1);
    mun_code code;
    if (step == NULL) {
        code = mun_sys_fail(err, ENOMEM, "read", path, NULL);
    } else {
        code = size > max ? too_large(path, max, err) : read_all(path, fd, max, step, ret, err);
    }
    free(step);
    close_input(fd);
    return code;
}

static mun_code stream_chunks(const char *path, int fd, uint64_t size, uint8_t *chunk,
                              mun_file_visit visit, void *ctx, mun_error *err)
{
    for (uint64_t done = 0;;) {
        ssize_t got = read_full(fd, chunk, MUN_STREAM_CHUNK);
        if (got < 0) return mun_sys_fail(err, errno, "read", path, NULL);
        if (got == 0) return MUN_OK;
        MUN_TRY(visit(ctx, mun_slice_of(chunk, (size_t)got), done, size, err));
        done += (uint64_t)got;
    }
}

mun_code mun_file_stream(const char *path, mun_file_visit visit, void *ctx, mun_error *err)
{
    int fd;
    uint64_t size;
    MUN_TRY(open_input(path, &fd, &size, err));
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    uint8_t *chunk = malloc(MUN_STREAM_CHUNK);
    mun_code code = chunk == NULL ? mun_sys_fail(err, ENOMEM, "read", path, NULL)
                                  : stream_chunks(path, fd, size, chunk, visit, ctx, err);
    free(chunk);
    close_input(fd);
    return code;
}

static int write_full(int fd, mun_slice bytes)
{
    for (size_t done = 0; done < bytes.len;) {
        ssize_t put = write(fd, bytes.ptr + done, bytes.len - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return errno;
        done += (size_t)put;
    }
    return 0;
}

/* A pipe, a device or standard output: nothing to make atomic. */
static mun_code write_through(const char *path, mun_slice bytes, mun_error *err)
{
    int fd = is_dash(path) ? STDOUT_FILENO : open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) return mun_sys_fail(err, errno, "open", path, NULL);
    int sys_errno = write_full(fd, bytes);
    if (!is_dash(path) && close(fd) != 0 && sys_errno == 0) sys_errno = errno;
    return sys_errno == 0 ? MUN_OK : mun_sys_fail(err, sys_errno, "write", path, NULL);
}

static int fill(int fd, mun_slice bytes, unsigned flags)
{
    /* A strange umask could leave a secret without the owner's own rights; be exact. */
    int sys_errno = flags & MUN_WRITE_SECRET && fchmod(fd, MODE_SECRET) != 0 ? errno : 0;
    if (sys_errno == 0) sys_errno = write_full(fd, bytes);
    if (sys_errno == 0 && !(flags & MUN_WRITE_NO_SYNC) && fsync(fd) != 0) sys_errno = errno;
    if (close(fd) != 0 && sys_errno == 0) sys_errno = errno;
    return sys_errno;
}

/* A secret that root replaces stays its owner's, who could not read it any more. */
static int keep_owner(int dir, const char *temp, const char *name, unsigned flags)
{
    struct stat old, new;
    if (!(flags & MUN_WRITE_REPLACE) || !(flags & MUN_WRITE_SECRET) || geteuid() != 0) return 0;
    if (fstatat(dir, name, &old, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT ? 0 : errno;
    if (!S_ISREG(old.st_mode)) return 0;
    if (fstatat(dir, temp, &new, AT_SYMLINK_NOFOLLOW) != 0) return errno;
    if (old.st_uid == new.st_uid && old.st_gid == new.st_gid) return 0;
    return fchownat(dir, temp, old.st_uid, old.st_gid, AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
}

static mun_code write_whole(const char *path, int dir, const char *name, mun_slice bytes,
                            unsigned flags, mun_error *err)
{
    char temp[MUN_TEMP_NAME_SIZE];
    int fd = -1;
    int sys_errno =
        mun_temp_create(dir, flags & MUN_WRITE_SECRET ? MODE_SECRET : MODE_PLAIN, temp, &fd);
    if (sys_errno != 0) return mun_sys_fail(err, sys_errno, "create", path, NULL);
    sys_errno = fill(fd, bytes, flags);
    if (sys_errno == 0) sys_errno = keep_owner(dir, temp, name, flags);
    if (sys_errno == 0) sys_errno = mun_temp_place(dir, temp, name, flags & MUN_WRITE_REPLACE);
    if (sys_errno != 0) {
        unlinkat(dir, temp, 0);
        return mun_sys_fail(err, sys_errno, "write", path, NULL);
    }
    if (!(flags & MUN_WRITE_NO_SYNC) && fsync(dir) != 0) {
        return mun_sys_fail(err, errno, "sync the folder of", path, NULL);
    }
    return MUN_OK;
}

mun_code mun_file_write(const char *path, mun_slice bytes, unsigned flags, mun_error *err)
{
    if (is_dash(path)) return write_through(path, bytes, err);
    mun_file_info info;
    MUN_TRY(mun_file_look(path, true, &info, err));
    if (info.kind >= MUN_FILE_PIPE) { /* pipes, sockets, devices */
        return write_through(path, bytes, err);
    }
    if (info.kind == MUN_FILE_DIRECTORY) return mun_sys_fail(err, EISDIR, "write", path, NULL);
    int dir;
    const char *name;
    MUN_TRY(mun_parent_open(path, &dir, &name, err));
    mun_code code = write_whole(path, dir, name, bytes, flags, err);
    close(dir);
    return code;
}

mun_code mun_file_hold(const char *path, int *ret, mun_error *err)
{
    for (;;) {
        struct stat held, now;
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0) return mun_sys_fail(err, errno, "open", path, NULL);
        bool failed = flock(fd, LOCK_EX) != 0 || fstat(fd, &held) != 0 || stat(path, &now) != 0;
        if (failed) {
            int sys_errno = errno;
            close(fd);
            return mun_sys_fail(err, sys_errno, "lock", path, NULL);
        }
        if (held.st_dev == now.st_dev && held.st_ino == now.st_ino) {
            *ret = fd;
            return MUN_OK;
        }
        close(fd); /* replaced by the one we waited for */
    }
}

void mun_file_let_go(int held)
{
    if (held >= 0) close(held);
}

mun_code mun_file_remove(const char *path, mun_error *err)
{
    if (unlink(path) != 0) return mun_sys_fail(err, errno, "remove", path, NULL);
    return MUN_OK;
}
