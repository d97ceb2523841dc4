/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file written in pieces, whole or not at all, for what is too large to hold: a temporary name in
 * the same folder until it is committed, as mun_file_write does for what fits into memory.
 *
 * Ownership: end it with mun_file_out_commit or mun_file_out_abandon, both of which free it.
 * Threads: one at a time. Errors: as in files.h.
 */
#ifndef MUN_VFS_FILE_OUT_H
#define MUN_VFS_FILE_OUT_H

#include "base/error.h"
#include "base/slice.h"

typedef struct mun_file_out mun_file_out;

/* The folder must exist. */
MUN_MUST mun_code mun_file_out_begin(const char *path, mun_file_out **ret, mun_error *err);
MUN_MUST mun_code mun_file_out_put(mun_file_out *out, mun_slice bytes, mun_error *err);
/* Syncs and puts it in place; MUN_E_EXISTS when something has that name. Frees in any case. */
MUN_MUST mun_code mun_file_out_commit(mun_file_out *out, mun_error *err);
void mun_file_out_abandon(mun_file_out *out); /* accepts NULL */

#endif
