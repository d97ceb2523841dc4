/* SPDX-License-Identifier: Apache-2.0 */
/* A kit as a zip file, through libarchive. Only the program muniment-kit links it. */
#include "cli/kit_writer.h"
#include "vfs/file_out.h"
#include "vfs/files.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

typedef struct zip {
    mun_kit_writer base;
    struct archive *archive;
    mun_file_out *out;
    int64_t time;
    mun_error why; /* of the file below, where libarchive only says that writing failed */
} zip;

static la_ssize_t write_out(struct archive *archive, void *ctx, const void *bytes, size_t len)
{
    zip *z = ctx;
    if (mun_file_out_put(z->out, mun_slice_of(bytes, len), &z->why) == MUN_OK) {
        return (la_ssize_t)len;
    }
    archive_set_error(archive, z->why.sys_errno, "%s", z->why.text);
    return -1;
}

static mun_code failed(zip *z, mun_error *err)
{
    if (z->why.code != MUN_OK) {
        if (err != NULL) *err = z->why;
        return z->why.code;
    }
    const char *text = archive_error_string(z->archive);
    return mun_failf(err, MUN_E_IO, 0, "cannot write the zip file: %s",
                     text != NULL ? text : "no reason given");
}

static mun_code begin_entry(zip *z, const char *name, int64_t size, mun_error *err)
{
    struct archive_entry *entry = archive_entry_new();
    if (entry == NULL) return mun_failf(err, MUN_E_MEMORY, 0, "no memory for the zip file");
    archive_entry_update_pathname_utf8(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, z->time, 0);
    if (size >= 0) archive_entry_set_size(entry, size);
    int status = archive_write_header(z->archive, entry);
    archive_entry_free(entry);
    return status == ARCHIVE_OK ? MUN_OK : failed(z, err);
}

static mun_code put(zip *z, mun_slice bytes, mun_error *err)
{
    if (bytes.len == 0) return MUN_OK;
    la_ssize_t n = archive_write_data(z->archive, bytes.ptr, bytes.len);
    return n >= 0 && (size_t)n == bytes.len ? MUN_OK : failed(z, err);
}

static mun_code zip_file(mun_kit_writer *kit, const char *name, mun_slice bytes, mun_error *err)
{
    zip *z = (zip *)kit;
    MUN_TRY(begin_entry(z, name, (int64_t)bytes.len, err));
    return put(z, bytes, err);
}

static mun_code zip_chunk(void *ctx, mun_slice chunk, uint64_t done, uint64_t size, mun_error *err)
{
    (void)done;
    (void)size;
    return put(ctx, chunk, err);
}

/* The size is left open: a file may grow while it is read. */
static mun_code zip_copy(mun_kit_writer *kit, const char *name, const char *from, mun_error *err)
{
    zip *z = (zip *)kit;
    MUN_TRY(begin_entry(z, name, -1, err));
    return mun_file_stream(from, zip_chunk, z, err);
}

static void zip_abandon(mun_kit_writer *kit)
{
    zip *z = (zip *)kit;
    archive_write_free(z->archive);
    mun_file_out_abandon(z->out);
    free(z);
}

static mun_code zip_commit(mun_kit_writer *kit, mun_error *err)
{
    zip *z = (zip *)kit;
    if (archive_write_close(z->archive) != ARCHIVE_OK) {
        mun_code code = failed(z, err);
        zip_abandon(kit);
        return code;
    }
    archive_write_free(z->archive);
    mun_code code = mun_file_out_commit(z->out, err);
    free(z);
    return code;
}

static const mun_kit_table zip_table = {zip_file, zip_copy, zip_commit, zip_abandon};

static mun_code open_archive(zip *z, mun_error *err)
{
    z->archive = archive_write_new();
    if (z->archive == NULL) return mun_failf(err, MUN_E_MEMORY, 0, "no memory for the zip file");
    if (archive_write_set_format_zip(z->archive) != ARCHIVE_OK ||
        archive_write_set_options(z->archive, "zip:hdrcharset=UTF-8") < ARCHIVE_WARN ||
        archive_write_set_bytes_in_last_block(z->archive, 1) != ARCHIVE_OK ||
        archive_write_open(z->archive, z, NULL, write_out, NULL) != ARCHIVE_OK) {
        return failed(z, err);
    }
    return MUN_OK;
}

mun_code mun_kit_zip_open(const char *path, int64_t time, mun_kit_writer **ret, mun_error *err)
{
    zip *z = calloc(1, sizeof *z);
    if (z == NULL) return mun_failf(err, MUN_E_MEMORY, 0, "no memory for the zip file");
    z->base.table = &zip_table;
    z->time = time;
    mun_code code = mun_file_out_begin(path, &z->out, err);
    if (code == MUN_OK) code = open_archive(z, err);
    if (code != MUN_OK) zip_abandon(&z->base);
    if (code == MUN_OK) *ret = &z->base;
    return code;
}
