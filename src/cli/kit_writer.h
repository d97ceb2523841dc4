/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a kit goes: a new folder, or a zip file. Nothing is left behind on failure.
 * Ownership: ended by mun_kit_commit or mun_kit_abandon. Threads: one.
 */
#ifndef MUN_CLI_KIT_WRITER_H
#define MUN_CLI_KIT_WRITER_H

#include "base/error.h"
#include "base/slice.h"

typedef struct mun_kit_writer mun_kit_writer;

/* What a kind of kit does. name: relative, UTF-8, '/' between folders. */
typedef struct mun_kit_table {
    mun_code (*file)(mun_kit_writer *kit, const char *name, mun_slice bytes, mun_error *err);
    mun_code (*copy)(mun_kit_writer *kit, const char *name, const char *from, mun_error *err);
    mun_code (*commit)(mun_kit_writer *kit, mun_error *err); /* frees, whatever the result */
    void (*abandon)(mun_kit_writer *kit);
} mun_kit_table;

struct mun_kit_writer {
    const mun_kit_table *table;
};

/* MUN_E_EXISTS: path is there. time: of the files in a zip, seconds since 1970. */
MUN_MUST mun_code mun_kit_folder_open(const char *path, mun_kit_writer **ret, mun_error *err);
MUN_MUST mun_code mun_kit_zip_open(const char *path, int64_t time, mun_kit_writer **ret,
                                   mun_error *err);

#endif
