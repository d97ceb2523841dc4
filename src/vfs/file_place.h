/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tells a file from a copy of it: its inode number and the moment it was made. Renaming the
 * file or a folder above it changes neither; copying, restoring from an archive and moving to
 * another file system give another file.
 *
 * Ownership: values. Threads: no shared state. Errors: as in files.h.
 */
#ifndef MUN_VFS_FILE_PLACE_H
#define MUN_VFS_FILE_PLACE_H

#include "base/error.h"
#include "base/slice.h"

typedef struct mun_file_place {
    uint64_t inode;
    bool born_known; /* not every file system keeps it */
    int64_t born_seconds;
    uint32_t born_nanoseconds;
} mun_file_place;

/* MUN_E_NOT_FOUND, MUN_E_PERMISSION, MUN_E_IO. */
MUN_MUST mun_code mun_file_place_look(const char *path, mun_file_place *ret, mun_error *err);

/* The content of a file that speaks of its own place. */
typedef void (*mun_file_place_text)(void *ctx, const mun_file_place *place, mun_buf *ret);
/* Writes a secret file (mode 0600) whose content depends on where it came to lie: made under a
 * temporary name, synced, renamed. It must not exist (MUN_E_EXISTS). */
MUN_MUST mun_code mun_file_place_write(const char *path, mun_file_place_text text, void *ctx,
                                       mun_error *err);

#endif
