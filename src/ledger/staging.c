/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/staging.h"

#include "vfs/vfs.h"

#include <stdio.h>
#include <stdlib.h>

#define NAMES_MAX 64 /* in a new ledger or export at its top */

static mun_code exists(const char *path, mun_error *err)
{
    char text[MUN_PATH_TEXT_MAX];
    mun_path_text(text, sizeof text, path);
    return mun_failf(err, MUN_E_EXISTS, 0,
                     "%s exists already and is not an empty folder; nothing was changed there",
                     text);
}

/* Target without slashes at its end, and the folder that it lies in. */
static mun_code paths_split(const char *target, mun_staging *ret, mun_error *err)
{
    size_t len = strlen(target);
    while (len > 1 && target[len - 1] == '/') len--;
    if (len == 0 || len >= MUN_PATH_BYTES_MAX) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        len == 0 ? "the directory's name is empty" : "the path is too long");
    }
    memcpy(ret->target, target, len);
    ret->target[len] = '\0';
    memcpy(ret->parent, ret->target, len + 1);
    char *slash = strrchr(ret->parent, '/');
    if (slash == NULL)
        memcpy(ret->parent, ".", 2);
    else if (slash == ret->parent)
        ret->parent[1] = '\0';
    else
        *slash = '\0';
    return MUN_OK;
}

mun_code mun_staging_begin(const char *target, mun_staging *ret, mun_error *err)
{
    mun_file_info info;
    bool empty = false;
    mun_staging staging = {0};
    MUN_TRY(paths_split(target, &staging, err));
    MUN_TRY(mun_file_look(staging.target, true, &info, err));
    if (info.kind == MUN_FILE_MISSING) {
        MUN_TRY(mun_dir_make(staging.parent, err));
    } else {
        if (info.kind != MUN_FILE_DIRECTORY) return exists(target, err);
        MUN_TRY(mun_dir_empty(staging.target, &empty, err));
        if (!empty) return exists(target, err);
        staging.inside = true;
        memcpy(staging.parent, staging.target, sizeof staging.parent);
    }
    MUN_TRY(mun_dir_make_temp(staging.parent, staging.temp, err));
    *ret = staging;
    return MUN_OK;
}

void mun_staging_abort(mun_staging *staging)
{
    mun_code code = mun_dir_remove_all(staging->temp, NULL);
    (void)code; /* whoever aborts tells another failure */
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* ---- Beside: one rename ---------------------------------------------------------------------- */

static mun_code commit_beside(const mun_staging *staging, const mun_vfs *parent, mun_error *err)
{
    MUN_TRY(parent->rename(parent->ctx, base_name(staging->temp), base_name(staging->target), err));
    return parent->sync_dir(parent->ctx, "", err);
}

/* ---- Inside: name by name -------------------------------------------------------------------- */

typedef struct names {
    size_t len;
    bool too_many;
    char *name[NAMES_MAX];
} names;

static void collect(void *ctx, const char *entry)
{
    names *n = ctx;
    char *copy = n->len < NAMES_MAX ? strdup(entry) : NULL;
    if (copy == NULL)
        n->too_many = true;
    else
        n->name[n->len++] = copy;
}

static mun_code move_up(const mun_vfs *vfs, const char *temp, const char *name, bool back,
                        mun_error *err)
{
    char inner[MUN_PATH_BYTES_MAX];
    if ((size_t)snprintf(inner, sizeof inner, "%s/%s", temp, name) >= sizeof inner) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "the path is too long");
    }
    return back ? vfs->rename(vfs->ctx, name, inner, err) : vfs->rename(vfs->ctx, inner, name, err);
}

static mun_code move_all(const mun_vfs *vfs, const char *temp, const names *n, const char *last,
                         mun_error *err)
{
    mun_code code = MUN_OK;
    size_t moved = 0;
    for (; moved < n->len && code == MUN_OK; moved++) {
        if (strcmp(n->name[moved], last) == 0) continue;
        code = move_up(vfs, temp, n->name[moved], false, err);
    }
    if (code == MUN_OK) code = vfs->sync_dir(vfs->ctx, "", err);
    if (code == MUN_OK) code = move_up(vfs, temp, last, false, err);
    if (code == MUN_OK) return vfs->sync_dir(vfs->ctx, "", err);
    for (size_t i = 0; i < moved; i++) {
        mun_code undone = move_up(vfs, temp, n->name[i], true, NULL);
        (void)undone;
    }
    return code;
}

static mun_code commit_inside(const mun_staging *staging, const mun_vfs *vfs, const char *last,
                              mun_error *err)
{
    const char *temp = base_name(staging->temp);
    names n = {0};
    mun_code code = vfs->list(vfs->ctx, temp, collect, &n, err);
    if (code == MUN_OK && n.too_many) {
        code = mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "too many names in a new folder");
    }
    if (code == MUN_OK) code = move_all(vfs, temp, &n, last, err);
    for (size_t i = 0; i < n.len; i++) free(n.name[i]);
    return code;
}

mun_code mun_staging_commit(mun_staging *staging, const char *last, mun_error *err)
{
    mun_vfs vfs = {0};
    mun_code code = mun_vfs_posix_open(staging->parent, &vfs, err);
    if (code == MUN_OK) {
        code = staging->inside ? commit_inside(staging, &vfs, last, err)
                               : commit_beside(staging, &vfs, err);
    }
    if (vfs.ctx != NULL) mun_vfs_posix_close(&vfs);
    if (code != MUN_OK || staging->inside) mun_staging_abort(staging);
    return code;
}
