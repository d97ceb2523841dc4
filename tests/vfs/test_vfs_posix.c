/* SPDX-License-Identifier: Apache-2.0 */
/* The vfs table on the real file system, in a folder of its own under the build directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vfs/files.h"
#include "vfs/vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct world {
    char path[MUN_PATH_BYTES_MAX];
    mun_vfs vfs;
    mun_error err;
} world;

static int setup(void **state)
{
    world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    /* The build directory, not /tmp: O_DIRECT and fsync should meet a real file system. */
    assert_int_equal(mun_dir_make_temp(".", w->path, &w->err), MUN_OK);
    assert_int_equal(mun_vfs_posix_open(w->path, &w->vfs, &w->err), MUN_OK);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world *w = *state;
    mun_vfs_posix_close(&w->vfs);
    mun_vfs_posix_close(&w->vfs); /* a closed table may be closed again */
    assert_int_equal(mun_dir_remove_all(w->path, &w->err), MUN_OK);
    free(w);
    return 0;
}

static mun_file *open_ok(world *w, const char *name, unsigned flags)
{
    mun_file *file = NULL;
    assert_int_equal(w->vfs.open(w->vfs.ctx, name, flags, &file, &w->err), MUN_OK);
    return file;
}

static void open_flags(void **state)
{
    world *w = *state;
    mun_file *file = NULL;
    mun_code code = w->vfs.open(w->vfs.ctx, "a", MUN_OPEN_WRITE, &file, &w->err);
    assert_int_equal(code, MUN_E_NOT_FOUND);
    assert_null(file);
    assert_int_equal(w->err.sys_errno, ENOENT);
    assert_non_null(strstr(w->err.text, "/a: "));
    unsigned fresh = MUN_OPEN_WRITE | MUN_OPEN_CREATE | MUN_OPEN_FRESH;
    w->vfs.close(w->vfs.ctx, open_ok(w, "a", fresh));
    assert_int_equal(w->vfs.open(w->vfs.ctx, "a", fresh, &file, &w->err), MUN_E_EXISTS);
    w->vfs.close(w->vfs.ctx, open_ok(w, "a", MUN_OPEN_WRITE | MUN_OPEN_CREATE));
    w->vfs.close(w->vfs.ctx, open_ok(w, "s", fresh | MUN_OPEN_SECRET));
    w->vfs.close(w->vfs.ctx, NULL);
    char path[MUN_PATH_BYTES_MAX + 8];
    snprintf(path, sizeof path, "%s/s", w->path);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void read_write(void **state)
{
    world *w = *state;
    mun_file *file = open_ok(w, "data", MUN_OPEN_WRITE | MUN_OPEN_CREATE);
    assert_int_equal(w->vfs.write(w->vfs.ctx, file, 5, "hello", 5, &w->err), MUN_OK);
    uint64_t size = 0;
    assert_int_equal(w->vfs.size(w->vfs.ctx, file, &size, &w->err), MUN_OK);
    assert_int_equal(size, 10);
    char got[16] = "################";
    size_t len = 0;
    assert_int_equal(w->vfs.read(w->vfs.ctx, file, 0, got, 16, &len, &w->err), MUN_OK);
    assert_int_equal(len, 10);
    assert_memory_equal(got, "\0\0\0\0\0hello######", 16);
    assert_int_equal(w->vfs.read(w->vfs.ctx, file, 10, got, 16, &len, &w->err), MUN_OK);
    assert_int_equal(len, 0);
    assert_int_equal(w->vfs.truncate(w->vfs.ctx, file, 7, &w->err), MUN_OK);
    assert_int_equal(w->vfs.size(w->vfs.ctx, file, &size, &w->err), MUN_OK);
    assert_int_equal(size, 7);
    assert_int_equal(w->vfs.sync(w->vfs.ctx, file, &w->err), MUN_OK);
    w->vfs.write_back(w->vfs.ctx, file, 0, 7);
    w->vfs.drop_cache(w->vfs.ctx, file, 0, 7);
    w->vfs.close(w->vfs.ctx, file);
}

static void write_to_reader_fails(void **state)
{
    world *w = *state;
    w->vfs.close(w->vfs.ctx, open_ok(w, "a", MUN_OPEN_WRITE | MUN_OPEN_CREATE));
    mun_file *file = open_ok(w, "a", MUN_OPEN_READ);
    assert_int_equal(w->vfs.write(w->vfs.ctx, file, 0, "x", 1, &w->err), MUN_E_IO);
    assert_int_equal(w->err.sys_errno, EBADF);
    w->vfs.close(w->vfs.ctx, file);
}

static void use_direct(world *w)
{
    uint8_t *block = aligned_alloc(4096, 8192);
    assert_non_null(block);
    memset(block, 7, 8192);
    unsigned flags = MUN_OPEN_WRITE | MUN_OPEN_CREATE | MUN_OPEN_FRESH | MUN_OPEN_DIRECT;
    mun_file *file = open_ok(w, "journal", flags);
    assert_int_equal(w->vfs.write(w->vfs.ctx, file, 4096, block, 8192, &w->err), MUN_OK);
    assert_int_equal(w->vfs.sync(w->vfs.ctx, file, &w->err), MUN_OK);
    size_t len = 0;
    assert_int_equal(w->vfs.read(w->vfs.ctx, file, 8192, block, 8192, &len, &w->err), MUN_OK);
    assert_int_equal(len, 4096);
    assert_int_equal(block[0], 7);
    /* Unaligned: a file system that insists on alignment is then used through its cache. */
    assert_int_equal(w->vfs.write(w->vfs.ctx, file, 1, "x", 1, &w->err), MUN_OK);
    assert_int_equal(w->vfs.read(w->vfs.ctx, file, 1, block, 1, &len, &w->err), MUN_OK);
    assert_int_equal(block[0], 'x');
    w->vfs.close(w->vfs.ctx, file);
    free(block);
}

static void direct(void **state)
{
    use_direct(*state);
}

/* Memory has no way around its cache: some kernels refuse O_DIRECT there at open, some later. */
static void direct_in_memory(void **state)
{
    (void)state;
    world w = {0};
    if (mun_dir_make_temp("/dev/shm", w.path, &w.err) != MUN_OK) skip();
    assert_int_equal(mun_vfs_posix_open(w.path, &w.vfs, &w.err), MUN_OK);
    use_direct(&w);
    mun_vfs_posix_close(&w.vfs);
    assert_int_equal(mun_dir_remove_all(w.path, &w.err), MUN_OK);
}

static void count_entry(void *ctx, const char *entry)
{
    size_t *n = ctx;
    assert_int_not_equal(entry[0], '.');
    (*n)++;
}

static void directories(void **state)
{
    world *w = *state;
    assert_int_equal(w->vfs.make_dir(w->vfs.ctx, "d", &w->err), MUN_OK);
    assert_int_equal(w->vfs.make_dir(w->vfs.ctx, "d", &w->err), MUN_E_EXISTS);
    w->vfs.close(w->vfs.ctx, open_ok(w, "d/x", MUN_OPEN_WRITE | MUN_OPEN_CREATE));
    w->vfs.close(w->vfs.ctx, open_ok(w, "d/\xff\n", MUN_OPEN_WRITE | MUN_OPEN_CREATE));
    assert_int_equal(w->vfs.rename(w->vfs.ctx, "d/x", "d/y", &w->err), MUN_OK);
    assert_int_equal(w->vfs.rename(w->vfs.ctx, "d/x", "d/y", &w->err), MUN_E_NOT_FOUND);
    assert_int_equal(w->vfs.sync_dir(w->vfs.ctx, "d", &w->err), MUN_OK);
    assert_int_equal(w->vfs.sync_dir(w->vfs.ctx, "", &w->err), MUN_OK);
    assert_int_equal(w->vfs.sync_dir(w->vfs.ctx, "none", &w->err), MUN_E_NOT_FOUND);
    size_t n = 0;
    assert_int_equal(w->vfs.list(w->vfs.ctx, "d", count_entry, &n, &w->err), MUN_OK);
    assert_int_equal(n, 2);
    assert_int_equal(w->vfs.list(w->vfs.ctx, "d/y", count_entry, &n, &w->err), MUN_E_NOT_FOUND);
    assert_int_equal(w->vfs.remove(w->vfs.ctx, "d/y", &w->err), MUN_OK);
    assert_int_equal(w->vfs.remove(w->vfs.ctx, "d/y", &w->err), MUN_E_NOT_FOUND);
    assert_int_equal(w->vfs.remove(w->vfs.ctx, "d", &w->err), MUN_E_IO);
    assert_int_equal(w->vfs.remove(w->vfs.ctx, "d/\xff\n", &w->err), MUN_OK);
    assert_int_equal(w->vfs.remove(w->vfs.ctx, "d", &w->err), MUN_OK);
    uint64_t room = 0;
    assert_int_equal(w->vfs.free_space(w->vfs.ctx, &room, &w->err), MUN_OK);
    assert_true(room > 0);
}

static void lock_names_holder(void **state)
{
    world *w = *state;
    mun_file *lock = NULL;
    mun_file *second = NULL;
    assert_false(w->vfs.locked(w->vfs.ctx, "lock"));
    assert_int_equal(w->vfs.lock(w->vfs.ctx, "lock", "bench\nrun", &lock, &w->err), MUN_OK);
    assert_true(w->vfs.locked(w->vfs.ctx, "lock"));
    mun_code code = w->vfs.lock(w->vfs.ctx, "lock", "other", &second, &w->err);
    assert_int_equal(code, MUN_E_BUSY);
    assert_null(second);
    char pid[40];
    snprintf(pid, sizeof pid, "process %ld (test_vfs_posix)", (long)getpid());
    assert_non_null(strstr(w->err.text, pid));
    assert_non_null(strstr(w->err.text, ": bench"));
    assert_null(strchr(w->err.text, '\n'));
    w->vfs.unlock(w->vfs.ctx, lock);
    assert_false(w->vfs.locked(w->vfs.ctx, "lock"));
    assert_int_equal(w->vfs.lock(w->vfs.ctx, "lock", NULL, &lock, &w->err), MUN_OK);
    w->vfs.unlock(w->vfs.ctx, lock);
}

/* The lock dies with its process, whatever text it left. */
static void lock_of_dead_process(void **state)
{
    world *w = *state;
    pid_t child = fork();
    if (child == 0) {
        mun_file *lock;
        _exit(w->vfs.lock(w->vfs.ctx, "lock", "", &lock, NULL) == MUN_OK ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 0);
    mun_file *lock = NULL;
    assert_int_equal(w->vfs.lock(w->vfs.ctx, "lock", "", &lock, &w->err), MUN_OK);
    w->vfs.unlock(w->vfs.ctx, lock);
}

static void missing_folder(void **state)
{
    world *w = *state;
    mun_vfs vfs;
    assert_int_equal(mun_vfs_posix_open("no/such", &vfs, &w->err), MUN_E_NOT_FOUND);
    assert_non_null(strstr(w->err.text, "no/such"));
    assert_int_equal(mun_vfs_posix_open("/etc/passwd", &vfs, NULL), MUN_E_NOT_FOUND);
}

static void permission(void **state)
{
    world *w = *state;
    if (geteuid() == 0) { /* root may do all: /proc is what even root cannot write */
        mun_vfs proc;
        assert_int_equal(mun_vfs_posix_open("/proc", &proc, &w->err), MUN_OK);
        mun_code code = proc.make_dir(proc.ctx, "x", &w->err);
        assert_true(code == MUN_E_NOT_FOUND || code == MUN_E_PERMISSION);
        mun_vfs_posix_close(&proc);
        return;
    }
    assert_int_equal(chmod(w->path, 0500), 0);
    mun_file *file = NULL;
    unsigned flags = MUN_OPEN_WRITE | MUN_OPEN_CREATE;
    assert_int_equal(w->vfs.open(w->vfs.ctx, "a", flags, &file, &w->err), MUN_E_PERMISSION);
    assert_int_equal(w->vfs.lock(w->vfs.ctx, "lock", "", &file, &w->err), MUN_E_PERMISSION);
    assert_int_equal(chmod(w->path, 0700), 0);
}

/* In a child, since limits cannot be raised again: a write beyond the limit is a clean error. */
static void file_size_limit(void **state)
{
    world *w = *state;
    pid_t child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){1000, 1000});
        mun_file *file = NULL;
        static const char bytes[2000];
        unsigned flags = MUN_OPEN_WRITE | MUN_OPEN_CREATE;
        bool ok = w->vfs.open(w->vfs.ctx, "big", flags, &file, &w->err) == MUN_OK &&
                  w->vfs.write(w->vfs.ctx, file, 0, bytes, 2000, &w->err) == MUN_E_IO &&
                  w->err.sys_errno == EFBIG;
        _exit(ok ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* /dev/full answers every write with ENOSPC. */
static void no_space(void **state)
{
    world *w = *state;
    mun_vfs dev;
    assert_int_equal(mun_vfs_posix_open("/dev", &dev, &w->err), MUN_OK);
    mun_file *full = NULL;
    assert_int_equal(dev.open(dev.ctx, "full", MUN_OPEN_WRITE, &full, &w->err), MUN_OK);
    assert_int_equal(dev.write(dev.ctx, full, 0, "x", 1, &w->err), MUN_E_NO_SPACE);
    assert_non_null(strstr(w->err.text, "/dev/full"));
    dev.close(dev.ctx, full);
    mun_vfs_posix_close(&dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(open_flags, setup, teardown),
        cmocka_unit_test_setup_teardown(read_write, setup, teardown),
        cmocka_unit_test_setup_teardown(write_to_reader_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(direct, setup, teardown),
        cmocka_unit_test(direct_in_memory),
        cmocka_unit_test_setup_teardown(directories, setup, teardown),
        cmocka_unit_test_setup_teardown(lock_names_holder, setup, teardown),
        cmocka_unit_test_setup_teardown(lock_of_dead_process, setup, teardown),
        cmocka_unit_test_setup_teardown(missing_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(permission, setup, teardown),
        cmocka_unit_test_setup_teardown(file_size_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(no_space, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
