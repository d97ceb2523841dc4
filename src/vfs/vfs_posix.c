/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vfs table on POSIX and Linux. All names are resolved relative to one open directory, so a
 * ledger keeps working when the process changes its own directory or the ledger is renamed.
 *
 * Ownership: the table owns its context (mun_vfs_posix_close), a mun_file its descriptor.
 * Threads: nothing here is written after it was made, so everything may be shared.
 */
#include "vfs/vfs.h"

#include "vfs/files.h"
#include "vfs/sys_error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define MODE_PLAIN     0644
#define MODE_SECRET    0600
#define MODE_DIRECTORY 0755
#define IO_STEP        (1u << 30) /* one system call moves at most 2 GiB - 4 KiB on Linux */
#define HOLDER_MAX     400        /* bytes kept in the lock file */

typedef struct posix {
    int dir;
    char path[]; /* for messages only */
} posix;

struct mun_file {
    int fd;
    const posix *in;
    char name[];
};

static mun_code fail(const posix *in, const char *name, const char *what, mun_error *err)
{
    return mun_sys_fail(err, errno, what, in->path, name);
}

/* A process without a handle to spare may have one in a moment: nothing is wrong with the file. */
static mun_code fail_open(const posix *in, const char *name, const char *what, mun_error *err)
{
    bool no_handle = errno == EMFILE || errno == ENFILE;
    mun_code code = fail(in, name, what, err);
    if (!no_handle) return code;
    if (err != NULL) err->code = MUN_E_AGAIN;
    return MUN_E_AGAIN;
}

static mun_code file_new(const posix *in, int fd, const char *name, mun_file **ret, mun_error *err)
{
    size_t size = strlen(name) + 1;
    mun_file *file = malloc(sizeof *file + size);
    if (file == NULL) {
        close(fd);
        return mun_sys_fail(err, ENOMEM, "open", in->path, name);
    }
    file->fd = fd;
    file->in = in;
    memcpy(file->name, name, size);
    *ret = file;
    return MUN_OK;
}

static int open_retry(int dir, const char *name, int flags, mode_t mode)
{
    int fd;
    do {
        fd = openat(dir, name, flags | O_CLOEXEC | O_NOCTTY, mode);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

static mun_code posix_open(void *ctx, const char *name, unsigned flags, mun_file **ret,
                           mun_error *err)
{
    const posix *in = ctx;
    int how = flags & MUN_OPEN_WRITE ? O_RDWR : O_RDONLY;
    if (flags & MUN_OPEN_CREATE) how |= O_CREAT;
    if (flags & MUN_OPEN_FRESH) how |= O_EXCL;
    mode_t mode = flags & MUN_OPEN_SECRET ? MODE_SECRET : MODE_PLAIN;
    int direct = flags & MUN_OPEN_DIRECT ? O_DIRECT : 0;
    int fd = open_retry(in->dir, name, how | direct, mode);
    if (fd < 0 && errno == EINVAL && direct != 0) {
        /* A file system without O_DIRECT may have created the file before it refused. */
        fd = open_retry(in->dir, name, how & ~O_EXCL, mode);
    }
    if (fd < 0) return fail_open(in, name, flags & MUN_OPEN_CREATE ? "create" : "open", err);
    return file_new(in, fd, name, ret, err);
}

static void posix_close(void *ctx, mun_file *file)
{
    (void)ctx;
    if (file == NULL) return;
    close(file->fd);
    free(file);
}

/* Some file systems take O_DIRECT at open and refuse the transfer: then go on through the cache. */
static bool give_up_direct(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_DIRECT) != 0 && fcntl(fd, F_SETFL, flags & ~O_DIRECT) == 0;
}

static bool worth_retrying(int fd)
{
    return errno == EINTR || (errno == EINVAL && give_up_direct(fd));
}

static mun_code posix_read(void *ctx, mun_file *file, uint64_t offset, void *ret, size_t len,
                           size_t *ret_len, mun_error *err)
{
    (void)ctx;
    size_t done = 0;
    while (done < len) {
        size_t step = len - done < IO_STEP ? len - done : IO_STEP;
        ssize_t got = pread(file->fd, (char *)ret + done, step, (off_t)(offset + done));
        if (got < 0 && worth_retrying(file->fd)) continue;
        if (got < 0) return fail(file->in, file->name, "read", err);
        if (got == 0) break;
        done += (size_t)got;
    }
    *ret_len = done;
    return MUN_OK;
}

static mun_code posix_write(void *ctx, mun_file *file, uint64_t offset, const void *bytes,
                            size_t len, mun_error *err)
{
    (void)ctx;
    for (size_t done = 0; done < len;) {
        size_t step = len - done < IO_STEP ? len - done : IO_STEP;
        ssize_t put = pwrite(file->fd, (const char *)bytes + done, step, (off_t)(offset + done));
        if (put < 0 && worth_retrying(file->fd)) continue;
        if (put == 0) errno = ENOSPC; /* POSIX leaves room for it; never loop on it */
        if (put <= 0) return fail(file->in, file->name, "write", err);
        done += (size_t)put;
    }
    return MUN_OK;
}

/*
 * Not repeated, not even on EINTR: the kernel reports a failed write-back once and then calls the
 * pages clean, so a second fdatasync could succeed over bytes that never reached the disk.
 */
static mun_code posix_sync(void *ctx, mun_file *file, mun_error *err)
{
    (void)ctx;
    if (fdatasync(file->fd) != 0) return fail(file->in, file->name, "sync", err);
    return MUN_OK;
}

static mun_code posix_size(void *ctx, mun_file *file, uint64_t *ret, mun_error *err)
{
    (void)ctx;
    struct stat st;
    if (fstat(file->fd, &st) != 0) return fail(file->in, file->name, "look at", err);
    *ret = (uint64_t)st.st_size;
    return MUN_OK;
}

static mun_code posix_truncate(void *ctx, mun_file *file, uint64_t size, mun_error *err)
{
    (void)ctx;
    int done;
    do {
        done = ftruncate(file->fd, (off_t)size);
    } while (done != 0 && errno == EINTR);
    return done == 0 ? MUN_OK : fail(file->in, file->name, "set the size of", err);
}

static void posix_write_back(void *ctx, mun_file *file, uint64_t offset, uint64_t len)
{
    (void)ctx;
    sync_file_range(file->fd, (off_t)offset, (off_t)len, SYNC_FILE_RANGE_WRITE);
}

static void posix_drop_cache(void *ctx, mun_file *file, uint64_t offset, uint64_t len)
{
    (void)ctx;
    posix_fadvise(file->fd, (off_t)offset, (off_t)len, POSIX_FADV_DONTNEED);
}

static mun_code posix_make_dir(void *ctx, const char *name, mun_error *err)
{
    const posix *in = ctx;
    if (mkdirat(in->dir, name, MODE_DIRECTORY) != 0) return fail(in, name, "make folder", err);
    return MUN_OK;
}

static mun_code posix_rename(void *ctx, const char *from, const char *to, mun_error *err)
{
    const posix *in = ctx;
    if (renameat(in->dir, from, in->dir, to) != 0) return fail(in, from, "rename", err);
    return MUN_OK;
}

static mun_code posix_remove(void *ctx, const char *name, mun_error *err)
{
    const posix *in = ctx;
    if (unlinkat(in->dir, name, 0) == 0) return MUN_OK;
    if (errno == EISDIR && unlinkat(in->dir, name, AT_REMOVEDIR) == 0) return MUN_OK;
    return fail(in, name, "remove", err);
}

static int open_dir(const posix *in, const char *name)
{
    return open_retry(in->dir, name[0] == '\0' ? "." : name, O_RDONLY | O_DIRECTORY, 0);
}

static mun_code posix_sync_dir(void *ctx, const char *name, mun_error *err)
{
    const posix *in = ctx;
    int fd = open_dir(in, name);
    if (fd < 0) return fail_open(in, name, "open folder", err);
    mun_code code = fsync(fd) == 0 ? MUN_OK : fail(in, name, "sync folder", err);
    close(fd);
    return code;
}

static mun_code list_stream(const posix *in, const char *name, DIR *dir,
                            void (*each)(void *each_ctx, const char *entry), void *each_ctx,
                            mun_error *err)
{
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(dir);
        if (entry == NULL) break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        each(each_ctx, entry->d_name);
    }
    return errno == 0 ? MUN_OK : fail(in, name, "list folder", err);
}

static mun_code posix_list(void *ctx, const char *name,
                           void (*each)(void *each_ctx, const char *entry), void *each_ctx,
                           mun_error *err)
{
    const posix *in = ctx;
    int fd = open_dir(in, name);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        mun_code code = fail(in, name, "open folder", err);
        if (fd >= 0) close(fd);
        return code;
    }
    mun_code code = list_stream(in, name, dir, each, each_ctx, err);
    closedir(dir);
    return code;
}

/* "process 4711 (muniment) on host since 2026-11-22T10:00:00Z", then the caller's own words. */
static void holder_text(char ret[HOLDER_MAX], const char *holder)
{
    char host[65] = "this machine";
    char since[32] = "";
    struct tm tm;
    time_t now = time(NULL);
    gethostname(host, sizeof host - 1);
    if (gmtime_r(&now, &tm) != NULL) strftime(since, sizeof since, "%Y-%m-%dT%H:%M:%SZ", &tm);
    bool words = holder != NULL && holder[0] != '\0';
    snprintf(ret, HOLDER_MAX, "process %ld (%.60s) on %s since %s%s%.200s\n", (long)getpid(),
             program_invocation_short_name, host, since, words ? ": " : "", words ? holder : "");
}

/* The lock is the kernel's, not the file's content: text left by a dead process does no harm. */
static mun_code busy(const posix *in, int fd, const char *name, mun_error *err)
{
    char raw[HOLDER_MAX];
    char shown[HOLDER_MAX];
    ssize_t len = pread(fd, raw, sizeof raw - 1, 0);
    raw[len > 0 ? len : 0] = '\0';
    raw[strcspn(raw, "\n")] = '\0';
    mun_path_text(shown, sizeof shown, raw);
    char path[MUN_PATH_TEXT_MAX];
    mun_path_text(path, sizeof path, in->path);
    return mun_failf(err, MUN_E_BUSY, 0, "%.160s is being written by %.280s (lock file %.24s)",
                     path, shown[0] != '\0' ? shown : "another process", name);
}

static int lock_call(int fd, int command, struct flock *ret)
{
    *ret = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int done;
    do {
        done = fcntl(fd, command, ret);
    } while (done != 0 && errno == EINTR);
    return done;
}

static mun_code take_lock(const posix *in, int fd, const char *name, const char *holder,
                          mun_error *err)
{
    struct flock lock;
    if (lock_call(fd, F_OFD_SETLK, &lock) != 0) {
        if (errno == EAGAIN || errno == EACCES) return busy(in, fd, name, err);
        return fail(in, name, "lock", err);
    }
    char text[HOLDER_MAX];
    holder_text(text, holder);
    /* On a full disk the lock holds all the same; only the message of the next one is poorer. */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, strlen(text), 0) < 0) errno = 0;
    return MUN_OK;
}

static mun_code posix_lock(void *ctx, const char *name, const char *holder, mun_file **ret,
                           mun_error *err)
{
    const posix *in = ctx;
    int fd = open_retry(in->dir, name, O_RDWR | O_CREAT, MODE_PLAIN);
    if (fd < 0) return fail(in, name, "create lock file", err);
    mun_code code = take_lock(in, fd, name, holder, err);
    if (code != MUN_OK) {
        close(fd);
        return code;
    }
    return file_new(in, fd, name, ret, err);
}

static bool posix_locked(void *ctx, const char *name)
{
    const posix *in = ctx;
    int fd = open_retry(in->dir, name, O_RDONLY, 0);
    if (fd < 0) return false;
    struct flock lock;
    bool locked = lock_call(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(fd);
    return locked;
}

static mun_code posix_free_space(void *ctx, uint64_t *ret, mun_error *err)
{
    const posix *in = ctx;
    struct statvfs st;
    if (fstatvfs(in->dir, &st) != 0) return fail(in, "", "look at the file system of", err);
    *ret = (uint64_t)st.f_bavail * st.f_frsize;
    return MUN_OK;
}

static const mun_vfs posix_table = {
    .open = posix_open,
    .close = posix_close,
    .read = posix_read,
    .write = posix_write,
    .sync = posix_sync,
    .size = posix_size,
    .truncate = posix_truncate,
    .write_back = posix_write_back,
    .drop_cache = posix_drop_cache,
    .make_dir = posix_make_dir,
    .rename = posix_rename,
    .remove = posix_remove,
    .sync_dir = posix_sync_dir,
    .list = posix_list,
    .lock = posix_lock,
    .unlock = posix_close,
    .locked = posix_locked,
    .free_space = posix_free_space,
};

mun_code mun_vfs_posix_open(const char *directory, mun_vfs *ret, mun_error *err)
{
    size_t size = strlen(directory) + 1;
    posix *in = malloc(sizeof *in + size);
    if (in == NULL) return mun_sys_fail(err, ENOMEM, "open", directory, NULL);
    memcpy(in->path, directory, size);
    in->dir = open_retry(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY, 0);
    if (in->dir < 0) {
        mun_code code = fail(in, NULL, "open folder", err);
        free(in);
        return code;
    }
    *ret = posix_table;
    ret->ctx = in;
    return MUN_OK;
}

void mun_vfs_posix_close(mun_vfs *vfs)
{
    posix *in = vfs->ctx;
    if (in != NULL) {
        close(in->dir);
        free(in);
    }
    *vfs = (mun_vfs){0};
}
