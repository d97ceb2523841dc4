/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that get their name when they are whole: a temporary one in the same folder until then. All
 * of them are named alike, so that whoever walks or sweeps a folder knows them
 * (mun_file_is_temporary).
 *
 * Ownership: descriptors belong to the caller. Threads: no shared state. What is returned is 0 or
 * an errno.
 */
#ifndef MUN_VFS_TEMP_FILE_H
#define MUN_VFS_TEMP_FILE_H

#include "base/error.h"

#include <sys/types.h>

#define MUN_TEMP_NAME_SIZE 32

/* The folder of path, open, and the name in it. */
MUN_MUST mun_code mun_parent_open(const char *path, int *ret_dir, const char **ret_name,
                                  mun_error *err);
/* A new file, open for writing, under a name that no other process has. */
int mun_temp_create(int dir, mode_t mode, char ret_name[MUN_TEMP_NAME_SIZE], int *ret_fd);
/* Moves temp to name; without replace it never hits an existing one, not even in a race (EEXIST).
 */
int mun_temp_place(int dir, const char *temp, const char *name, bool replace);

#endif
