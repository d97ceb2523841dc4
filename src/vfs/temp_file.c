/* SPDX-License-Identifier: Apache-2.0 */
#include "vfs/temp_file.h"

#include "vfs/files.h"
#include "vfs/sys_error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define TEMP_START  ".tmp-"
#define TEMP_DIGITS 16
#define TEMP_TRIES  16

mun_code mun_parent_open(const char *path, int *ret_dir, const char **ret_name, mun_error *err)
{
    char parent[MUN_PATH_BYTES_MAX];
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    if (len >= sizeof parent) return mun_sys_fail(err, ENAMETOOLONG, "write", path, NULL);
    if (name[0] == '\0') return mun_sys_fail(err, EISDIR, "write", path, NULL);
    memcpy(parent, path, len);
    parent[len] = '\0';
    const char *folder = slash == NULL ? "." : len == 0 ? "/" : parent;
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) return mun_sys_fail(err, errno, "write into folder", folder, NULL);
    *ret_dir = dir;
    *ret_name = name;
    return MUN_OK;
}

bool mun_file_is_temporary(const char *name)
{
    size_t start = strlen(TEMP_START);
    if (strncmp(name, TEMP_START, start) != 0) return false;
    return strlen(name) == start + TEMP_DIGITS &&
           strspn(name + start, "0123456789abcdef") == TEMP_DIGITS;
}

int mun_temp_create(int dir, mode_t mode, char ret_name[MUN_TEMP_NAME_SIZE], int *ret_fd)
{
    for (int i = 0; i < TEMP_TRIES; i++) {
        uint64_t random;
        if (getrandom(&random, sizeof random, 0) != sizeof random) return errno;
        snprintf(ret_name, MUN_TEMP_NAME_SIZE, TEMP_START "%016llx", (unsigned long long)random);
        int fd = openat(dir, ret_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd >= 0) {
            *ret_fd = fd;
            return 0;
        }
        if (errno != EEXIST) return errno;
    }
    return EEXIST;
}

int mun_temp_place(int dir, const char *temp, const char *name, bool replace)
{
    if (replace) return renameat(dir, temp, dir, name) == 0 ? 0 : errno;
    if (renameat2(dir, temp, dir, name, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return errno;
    if (linkat(dir, temp, dir, name, 0) != 0) return errno; /* file systems without the flag */
    return unlinkat(dir, temp, 0) == 0 ? 0 : errno;
}
