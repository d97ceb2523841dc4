/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/kit_writer.h"

#include "cli/speak.h"
#include "vfs/file_out.h"
#include "vfs/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct folder {
    mun_kit_writer base;
    char path[MUN_PATH_BYTES_MAX];
} folder;

/* The place of a file in the folder, whose own folder is made. */
static mun_code place(const folder *f, const char *name, char ret[MUN_PATH_BYTES_MAX],
                      mun_error *err)
{
    int len = snprintf(ret, MUN_PATH_BYTES_MAX, "%s/%s", f->path, name);
    if (len < 0 || len >= MUN_PATH_BYTES_MAX) {
        return mun_failf(err, MUN_E_LIMIT, 0, "the path of %s is too long", MUN_PLAIN_PATH(name));
    }
    char *slash = strrchr(ret, '/');
    *slash = '\0';
    mun_code code = mun_dir_make(ret, err);
    *slash = '/';
    return code;
}

static mun_code folder_file(mun_kit_writer *kit, const char *name, mun_slice bytes, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    MUN_TRY(place((folder *)kit, name, path, err));
    return mun_file_write(path, bytes, 0, err);
}

static mun_code copy_chunk(void *ctx, mun_slice chunk, uint64_t done, uint64_t size, mun_error *err)
{
    (void)done;
    (void)size;
    return mun_file_out_put(ctx, chunk, err);
}

static mun_code folder_copy(mun_kit_writer *kit, const char *name, const char *from, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    mun_file_out *out;
    MUN_TRY(place((folder *)kit, name, path, err));
    MUN_TRY(mun_file_out_begin(path, &out, err));
    mun_code code = mun_file_stream(from, copy_chunk, out, err);
    if (code == MUN_OK) return mun_file_out_commit(out, err);
    mun_file_out_abandon(out);
    return code;
}

static mun_code folder_commit(mun_kit_writer *kit, mun_error *err)
{
    (void)err;
    free(kit);
    return MUN_OK;
}

static void folder_abandon(mun_kit_writer *kit)
{
    /* The first error is told; that some of the folder may be left adds nothing to it. */
    mun_code ignored = mun_dir_remove_all(((folder *)kit)->path, NULL);
    (void)ignored;
    free(kit);
}

static const mun_kit_table folder_table = {folder_file, folder_copy, folder_commit, folder_abandon};

mun_code mun_kit_folder_open(const char *path, mun_kit_writer **ret, mun_error *err)
{
    mun_file_info info;
    MUN_TRY(mun_file_look(path, false, &info, err));
    if (info.kind != MUN_FILE_MISSING) {
        return mun_failf(err, MUN_E_EXISTS, 0, "%s is there already; give another name with -o",
                         MUN_PLAIN_PATH(path));
    }
    folder *f = calloc(1, sizeof *f);
    if (f == NULL) return mun_failf(err, MUN_E_MEMORY, 0, "no memory for the kit");
    f->base.table = &folder_table;
    snprintf(f->path, sizeof f->path, "%s", path);
    mun_code code = mun_dir_make(path, err);
    if (code != MUN_OK) free(f);
    if (code == MUN_OK) *ret = &f->base;
    return code;
}
