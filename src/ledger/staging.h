/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a directory whole or not at all: it is built under another name beside (or, where the
 * target exists and is empty, inside) its place, and put there by renaming.
 *
 * Ownership: a value. After a successful begin either commit or abort. Threads: one at a time.
 */
#ifndef MUN_LEDGER_STAGING_H
#define MUN_LEDGER_STAGING_H

#include "vfs/files.h"

typedef struct mun_staging {
    char target[MUN_PATH_BYTES_MAX];
    char parent[MUN_PATH_BYTES_MAX]; /* where the temporary folder is */
    char temp[MUN_PATH_BYTES_MAX];   /* build here */
    bool inside;                     /* target exists: temp lies in it */
} mun_staging;

/* MUN_E_EXISTS: something is there already. Folders above the target are made. */
MUN_MUST mun_code mun_staging_begin(const char *target, mun_staging *ret, mun_error *err);
/* last: the name in it that appears last where the target existed, and so tells that all is there.
 * On failure what was put in place is removed again. */
MUN_MUST mun_code mun_staging_commit(mun_staging *staging, const char *last, mun_error *err);
void mun_staging_abort(mun_staging *staging);

#endif
