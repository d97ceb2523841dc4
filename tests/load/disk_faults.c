/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into the service (LD_PRELOAD): a disk that fails, controlled from outside through a
 * small mapped file named by MUN_DISK_FAULTS. Only files below MUN_DISK_FAULTS_BELOW are concerned,
 * and not the index there, which can be made again.
 *
 * A failing sync does what a real one may do: it answers EIO and the bytes written since the last
 * good sync are gone, although the process has read them back from the cache until then (the old
 * ones stand there again). So whatever was acknowledged before its sync is found missing later.
 *
 * With MUN_DISK_FAULTS_ONLY only syncs of files whose path holds that text are counted and fail.
 *
 * The mapped file: eight u64. [0] syncs seen; [1] the sync with this number fails, then it is 0;
 * [2] syncs failed; [3] not 0: writes that make files grow answer ENOSPC; [4] such answers;
 * [5] not 0: every so many-th sync fails; [6] not 0: the disk does not answer (reads, writes, syncs
 * and looks at the file system wait until it is 0 again); [7] calls that wait so now.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { SYNCS, FAIL_AT, FAILED, NO_SPACE, REFUSED, FAIL_EVERY, HANGS, WAITING, WORDS };

#define SAVED_MAX                                                                                  \
    (64u << 20) /* bytes of old content that are kept; beyond it this file's are forgotten */

/* What stood where something was written since the last good sync. */
typedef struct saved {
    struct saved *older;
    ino_t file;
    off_t offset;
    size_t len, old_len;
    uint8_t *old;
} saved;

static _Atomic uint64_t *control;
static const char *below, *only;
static saved *newest;
static size_t saved_bytes;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fstatvfs)(int, struct statvfs *);
static int (*real_fallocate)(int, int, off_t, off_t);

__attribute__((constructor)) static void begin(void)
{
    *(void **)&real_fsync = dlsym(RTLD_NEXT, "fsync");
    *(void **)&real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    *(void **)&real_pread = dlsym(RTLD_NEXT, "pread64");
    *(void **)&real_fstatvfs = dlsym(RTLD_NEXT, "fstatvfs");
    *(void **)&real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    *(void **)&real_fallocate = dlsym(RTLD_NEXT, "fallocate64");
    const char *path = getenv("MUN_DISK_FAULTS");
    below = getenv("MUN_DISK_FAULTS_BELOW");
    only = getenv("MUN_DISK_FAULTS_ONLY");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0 || below == NULL) return;
    void *at = mmap(NULL, WORDS * sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED) control = at;
    close(fd);
}

/* Where it was opened; "" where that cannot be said. */
static void path_of(int fd, char path[PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, PATH_MAX - 1);
    path[len > 0 ? len : 0] = '\0';
}

static int concerned(int fd)
{
    char path[PATH_MAX];
    if (control == NULL) return 0;
    path_of(fd, path);
    return strncmp(path, below, strlen(below)) == 0 &&
           strstr(path + strlen(below), "index") == NULL;
}

static void wait_while_it_hangs(void)
{
    const struct timespec step = {.tv_nsec = 2000000};
    if (atomic_load(&control[HANGS]) == 0) return;
    atomic_fetch_add(&control[WAITING], 1);
    while (atomic_load(&control[HANGS]) != 0) nanosleep(&step, NULL);
    atomic_fetch_sub(&control[WAITING], 1);
}

static ino_t file_of(int fd)
{
    struct stat s;
    return fstat(fd, &s) == 0 ? s.st_ino : 0;
}

/* The same file through the cache: fd may be open past it (O_DIRECT), where lengths and addresses
 * must fit. */
static int open_again(int fd)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int again = open(link, O_RDWR | O_CLOEXEC);
    if (again < 0) abort();
    return again;
}

static void put_back(int fd, saved *s)
{
    int again = open_again(fd);
    memset(s->old + s->old_len, 0, s->len - s->old_len);
    if (real_pwrite(again, s->old, s->len, s->offset) != (ssize_t)s->len) abort();
    close(again);
}

/* Forgets (or puts back) what was saved of this file. With the lock held. */
static void settle(int fd, int lost)
{
    ino_t file = file_of(fd);
    saved **at = &newest;
    while (*at != NULL) {
        saved *s = *at;
        if (s->file != file) {
            at = &s->older;
            continue;
        }
        if (lost) put_back(fd, s); /* newest first, so the oldest content stays */
        saved_bytes -= s->len;
        *at = s->older;
        free(s->old);
        free(s);
    }
}

static void save(int fd, size_t len, off_t offset)
{
    saved *s = malloc(sizeof *s);
    if (s == NULL) abort();
    s->old = malloc(len);
    if (s->old == NULL) abort();
    int again = open_again(fd);
    ssize_t got = real_pread(again, s->old, len, offset);
    close(again);
    s->older = newest;
    s->file = file_of(fd);
    s->offset = offset;
    s->len = len;
    s->old_len = got > 0 ? (size_t)got : 0;
    newest = s;
    saved_bytes += len;
    if (saved_bytes > SAVED_MAX) settle(fd, 0);
}

static int fails_now(int fd)
{
    char path[PATH_MAX];
    path_of(fd, path);
    if (only != NULL && strstr(path + strlen(below), only) == NULL) return 0;
    uint64_t number = atomic_fetch_add(&control[SYNCS], 1) + 1;
    uint64_t every = atomic_load(&control[FAIL_EVERY]), at = atomic_load(&control[FAIL_AT]);
    int fails = (every != 0 && number % every == 0) || (at != 0 && number >= at);
    if (fails) {
        atomic_store(&control[FAIL_AT], 0);
        atomic_fetch_add(&control[FAILED], 1);
    }
    return fails;
}

static int sync_with(int fd, int (*real)(int))
{
    if (!concerned(fd)) return real(fd);
    wait_while_it_hangs();
    pthread_mutex_lock(&lock);
    int fails = fails_now(fd);
    settle(fd, fails);
    pthread_mutex_unlock(&lock);
    if (fails) {
        errno = EIO;
        return -1;
    }
    return real(fd);
}

int fsync(int fd)
{
    return sync_with(fd, real_fsync);
}

int fdatasync(int fd)
{
    return sync_with(fd, real_fdatasync);
}

static int full(int fd, off_t end)
{
    struct stat s;
    if (atomic_load(&control[NO_SPACE]) == 0 || fstat(fd, &s) != 0 || end <= s.st_size) return 0;
    atomic_fetch_add(&control[REFUSED], 1);
    errno = ENOSPC;
    return 1;
}

static ssize_t write_at(int fd, const void *bytes, size_t len, off_t offset)
{
    if (!concerned(fd)) return real_pwrite(fd, bytes, len, offset);
    wait_while_it_hangs();
    if (full(fd, offset + (off_t)len)) return -1;
    pthread_mutex_lock(&lock);
    save(fd, len, offset);
    ssize_t done = real_pwrite(fd, bytes, len, offset);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    return write_at(fd, bytes, len, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t offset)
{
    return write_at(fd, bytes, len, offset);
}

static ssize_t read_at(int fd, void *bytes, size_t len, off_t offset)
{
    if (concerned(fd)) wait_while_it_hangs();
    return real_pread(fd, bytes, len, offset);
}

ssize_t pread(int fd, void *bytes, size_t len, off_t offset)
{
    return read_at(fd, bytes, len, offset);
}

ssize_t pread64(int fd, void *bytes, size_t len, off_t offset)
{
    return read_at(fd, bytes, len, offset);
}

int fstatvfs(int fd, struct statvfs *ret)
{
    if (concerned(fd)) wait_while_it_hangs();
    return real_fstatvfs(fd, ret);
}

static int allocate(int fd, int mode, off_t offset, off_t len)
{
    if (concerned(fd) && full(fd, offset + len)) return -1;
    return real_fallocate(fd, mode, offset, len);
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
    return allocate(fd, mode, offset, len);
}

int fallocate64(int fd, int mode, off_t offset, off_t len)
{
    return allocate(fd, mode, offset, len);
}
