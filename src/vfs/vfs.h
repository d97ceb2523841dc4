/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files behind a table of functions, so that the log runs unchanged on POSIX (vfs_posix.c) and on
 * the simulated disk of the tests (tests/sim). The only room that opens, writes and syncs files.
 *
 * Names are relative to the directory the table was made for, '/'-separated, without "..".
 * Every failure names the file in the error's sentence and keeps errno.
 *
 * Threads: a table may be used by several threads; one mun_file by several readers, or one writer
 * and readers of other ranges.
 */
#ifndef MUN_VFS_VFS_H
#define MUN_VFS_VFS_H

#include "base/error.h"
#include "base/slice.h"

typedef struct mun_file mun_file; /* each implementation has its own */

enum {
    MUN_OPEN_READ = 0,
    MUN_OPEN_WRITE = 1,  /* read and write; the file must exist */
    MUN_OPEN_CREATE = 2, /* with WRITE: create it, mode 0644; it may exist */
    MUN_OPEN_FRESH = 4,  /* with WRITE and CREATE: it must not exist (MUN_E_EXISTS) */
    MUN_OPEN_DIRECT = 8, /* bypass the page cache where the file system allows, else buffered;
                            offsets, lengths and addresses are then multiples of 4096 */
    MUN_OPEN_SECRET = 16 /* with CREATE: mode 0600 */
};

typedef struct mun_vfs {
    void *ctx;

    /* MUN_E_NOT_FOUND, MUN_E_EXISTS, MUN_E_PERMISSION, MUN_E_NO_SPACE, MUN_E_IO; MUN_E_AGAIN: the
     * process has no file handle left, nothing was done. */
    mun_code (*open)(void *ctx, const char *name, unsigned flags, mun_file **ret, mun_error *err);
    void (*close)(void *ctx, mun_file *file); /* accepts NULL; syncs nothing */

    /* Reads up to len bytes; *ret_len is short only at the end of the file. */
    mun_code (*read)(void *ctx, mun_file *file, uint64_t offset, void *ret, size_t len,
                     size_t *ret_len, mun_error *err);
    /* Writes all or fails; a failed write may have written any part. Extends the file. */
    mun_code (*write)(void *ctx, mun_file *file, uint64_t offset, const void *bytes, size_t len,
                      mun_error *err);
    /* Data and size durable on return (fdatasync). After a failure nothing is known: give up. */
    mun_code (*sync)(void *ctx, mun_file *file, mun_error *err);
    mun_code (*size)(void *ctx, mun_file *file, uint64_t *ret, mun_error *err);
    mun_code (*truncate)(void *ctx, mun_file *file, uint64_t size, mun_error *err);

    /* Hints, without result: start writing a range back; give its clean cache pages back. */
    void (*write_back)(void *ctx, mun_file *file, uint64_t offset, uint64_t len);
    void (*drop_cache)(void *ctx, mun_file *file, uint64_t offset, uint64_t len);

    mun_code (*make_dir)(void *ctx, const char *name, mun_error *err); /* MUN_E_EXISTS */
    mun_code (*rename)(void *ctx, const char *from, const char *to, mun_error *err);
    mun_code (*remove)(void *ctx, const char *name, mun_error *err);
    /* Names in the directory durable ("" is the root itself). MUN_E_AGAIN: as open. */
    mun_code (*sync_dir)(void *ctx, const char *name, mun_error *err);
    /* Calls each for every name in the directory, in no particular order. */
    mun_code (*list)(void *ctx, const char *name, void (*each)(void *each_ctx, const char *entry),
                     void *each_ctx, mun_error *err);

    /*
     * Takes the writer's lock on a file (created when missing), which ends with the process or with
     * unlock. holder is written into it for the next one's message. MUN_E_BUSY: someone else has
     * it; the sentence holds what that one wrote.
     */
    mun_code (*lock)(void *ctx, const char *name, const char *holder, mun_file **ret,
                     mun_error *err);
    void (*unlock)(void *ctx, mun_file *lock);
    /* True when another process holds the lock now (for readers). */
    bool (*locked)(void *ctx, const char *name);

    /* Bytes free for this user on the file system. */
    mun_code (*free_space)(void *ctx, uint64_t *ret, mun_error *err);
} mun_vfs;

/* The real thing, rooted at an existing directory. Free with mun_vfs_posix_close. */
MUN_MUST mun_code mun_vfs_posix_open(const char *directory, mun_vfs *ret, mun_error *err);
void mun_vfs_posix_close(mun_vfs *vfs); /* accepts a zeroed table */

#endif
