/* SPDX-License-Identifier: Apache-2.0 */
/* Folders and file systems by path: make, look, temporary ones. See files.h. */
#include "vfs/files.h"

#include "vfs/sys_error.h"

#include <dirent.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define MODE_DIRECTORY 0777 /* less the umask */
#define MAGIC_XFS      0x58465342
#define MAGIC_ZFS      0x2fc12fc1
#define MAGIC_BCACHEFS 0xca451a4e

static int make_one(const char *path)
{
    if (mkdir(path, MODE_DIRECTORY) == 0) return 0;
    int sys_errno = errno;
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) return 0;
    return sys_errno == EEXIST ? ENOTDIR : sys_errno;
}

mun_code mun_dir_make(const char *path, mun_error *err)
{
    char part[MUN_PATH_BYTES_MAX];
    size_t len = strlen(path);
    if (len >= sizeof part) return mun_sys_fail(err, ENAMETOOLONG, "make folder", path, NULL);
    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (part[i] != '/' && part[i] != '\0') continue;
        char keep = part[i];
        part[i] = '\0';
        int sys_errno = make_one(part);
        if (sys_errno != 0) return mun_sys_fail(err, sys_errno, "make folder", part, NULL);
        part[i] = keep;
    }
    return MUN_OK;
}

mun_code mun_dir_empty(const char *path, bool *ret, mun_error *err)
{
    DIR *dir = opendir(path);
    if (dir == NULL) return mun_sys_fail(err, errno, "read folder", path, NULL);
    bool empty = true;
    struct dirent *entry;
    errno = 0;
    while (empty && (entry = readdir(dir)) != NULL) {
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    }
    int sys_errno = errno;
    closedir(dir);
    if (sys_errno != 0) return mun_sys_fail(err, sys_errno, "read folder", path, NULL);
    *ret = empty;
    return MUN_OK;
}

mun_code mun_dir_make_temp(const char *parent, char ret[MUN_PATH_BYTES_MAX], mun_error *err)
{
    if (parent == NULL) parent = getenv("TMPDIR");
    if (parent == NULL || parent[0] == '\0') parent = "/tmp";
    char path[MUN_PATH_BYTES_MAX];
    int len = snprintf(path, sizeof path, "%s/muniment-XXXXXX", parent);
    int sys_errno = (size_t)len >= sizeof path ? ENAMETOOLONG : mkdtemp(path) == NULL ? errno : 0;
    if (sys_errno != 0)
        return mun_sys_fail(err, sys_errno, "make a temporary folder in", parent, NULL);
    memcpy(ret, path, (size_t)len + 1);
    return MUN_OK;
}

static const struct {
    uint32_t magic;
    const char *name;
} types[] = {
    {EXT4_SUPER_MAGIC, "ext4"},
    {MAGIC_XFS, "xfs"},
    {BTRFS_SUPER_MAGIC, "btrfs"},
    {TMPFS_MAGIC, "tmpfs"},
    {RAMFS_MAGIC, "ramfs"},
    {F2FS_SUPER_MAGIC, "f2fs"},
    {OVERLAYFS_SUPER_MAGIC, "overlayfs"},
    {NFS_SUPER_MAGIC, "nfs"},
    {MAGIC_ZFS, "zfs"},
    {MAGIC_BCACHEFS, "bcachefs"},
    {FUSE_SUPER_MAGIC, "fuse"},
    {V9FS_MAGIC, "9p"},
    {SMB2_SUPER_MAGIC, "smb2"},
    {MSDOS_SUPER_MAGIC, "vfat"},
};

static void type_text(uint32_t magic, char *ret, size_t cap)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i].magic == magic) {
            snprintf(ret, cap, "%s", types[i].name);
            return;
        }
    }
    snprintf(ret, cap, "0x%08x", (unsigned)magic);
}

mun_code mun_fs_look(const char *path, mun_fs_info *ret, mun_error *err)
{
    struct statfs st;
    int done;
    do {
        done = statfs(path, &st);
    } while (done != 0 && errno == EINTR);
    if (done != 0) return mun_sys_fail(err, errno, "look at the file system of", path, NULL);
    uint32_t magic = (uint32_t)st.f_type;
    uint64_t unit = st.f_frsize != 0 ? (uint64_t)st.f_frsize : (uint64_t)st.f_bsize;
    *ret = (mun_fs_info){.memory = magic == TMPFS_MAGIC || magic == RAMFS_MAGIC,
                         .free = st.f_bavail * unit,
                         .capacity = st.f_blocks * unit};
    type_text(magic, ret->type, sizeof ret->type);
    return MUN_OK;
}
