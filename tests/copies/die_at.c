/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded (LD_PRELOAD): kills the process as kill -9 does directly before its Nth change of the
 * disk, N = MUN_DIE_AT: a file made, named, removed, or synced. So N = 1, 2, 3 ... until the
 * process ends by itself walks through every state that a crash can leave between two changes.
 * With MUN_NO_SYNC=1 syncs do nothing: for tests that make many files which nobody will miss.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long left;
static int no_sync;

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("MUN_DIE_AT");
    left = at == NULL ? 0 : atol(at);
    no_sync = getenv("MUN_NO_SYNC") != NULL;
}

static void step(void)
{
    if (atomic_load(&left) > 0 && atomic_fetch_sub(&left, 1) == 1) {
        kill(getpid(), SIGKILL);
        pause();
    }
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int rename(const char *from, const char *to)
{
    step();
    return REAL(rename)(from, to);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    step();
    return REAL(renameat)(from_dir, from, to_dir, to);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    step();
    return REAL(renameat2)(from_dir, from, to_dir, to, flags);
}

int unlink(const char *path)
{
    step();
    return REAL(unlink)(path);
}

int unlinkat(int dir, const char *path, int flags)
{
    step();
    return REAL(unlinkat)(dir, path, flags);
}

int mkdir(const char *path, mode_t mode)
{
    step();
    return REAL(mkdir)(path, mode);
}

int mkdirat(int dir, const char *path, mode_t mode)
{
    step();
    return REAL(mkdirat)(dir, path, mode);
}

char *mkdtemp(char *template)
{
    step();
    return REAL(mkdtemp)(template);
}

static int open_with(int dir, const char *path, int flags, mode_t mode)
{
    if (flags & O_CREAT) step();
    return REAL(openat)(dir, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    return open_with(AT_FDCWD, path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    return open_with(dir, path, flags, mode);
}

int fsync(int fd)
{
    if (no_sync) return 0;
    step();
    return REAL(fsync)(fd);
}

int fdatasync(int fd)
{
    if (no_sync) return 0;
    step();
    return REAL(fdatasync)(fd);
}
