/* SPDX-License-Identifier: Apache-2.0 */
#include "index/index_parts.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * A writer's cache holds the right edges of the four indexes for millions of rows. The WAL is
 * folded back in small steps: each costs two syncs, but the syncs of a large one hold up those of
 * the log.
 */
#define WRITER_CACHE_KIB "-32768"
#define READER_CACHE_KIB "-4096"
#define CHECKPOINT_PAGES "1000"
#define BUSY_MS          5000
/* All caches of the process together: beyond it SQLite recycles pages instead of taking more. Many
 * ledgers in one process would else keep 36 MiB each. */
#define HEAP_SOFT_BYTES (INT64_C(96) << 20)
#define URI_MAX         (3 * 4096 + 64)

static mun_code no_memory(mun_error *err)
{
    return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory for the index");
}

static mun_code link_open(mun_index_link *link, const char *path, int flags, mun_error *err)
{
    int rc = sqlite3_open_v2(path, &link->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) return mun_index_failed(link->db, rc, "opening it", err);
    sqlite3_busy_timeout(link->db, BUSY_MS);
    /* A file from elsewhere is only data: no functions or views of its making run here. */
    sqlite3_db_config(link->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(link->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return MUN_OK;
}

static void statement_close(sqlite3_stmt **stmt)
{
    sqlite3_finalize(*stmt);
    *stmt = NULL;
}

static void link_close(mun_index_link *link)
{
    statement_close(&link->size);
    statement_close(&link->put);
    statement_close(&link->set_size);
    for (size_t i = 0; i < MUN_INDEX_SHAPES; i++) statement_close(&link->find[i]);
    sqlite3_close(link->db);
    link->db = NULL;
    pthread_mutex_destroy(&link->mutex);
}

/* Whoever embeds the library may have set a limit, which then stays. */
static void heap_limit(void)
{
    if (sqlite3_soft_heap_limit64(-1) == 0) sqlite3_soft_heap_limit64(HEAP_SOFT_BYTES);
}

uint64_t mun_index_memory_bytes(void)
{
    return (uint64_t)sqlite3_memory_used();
}

uint64_t mun_index_memory_max_bytes(void)
{
    heap_limit();
    return (uint64_t)sqlite3_soft_heap_limit64(-1);
}

static mun_index *index_new(void)
{
    heap_limit();
    mun_index *index = calloc(1, sizeof *index);
    if (index == NULL) return NULL;
    pthread_mutex_init(&index->reader.mutex, NULL);
    pthread_mutex_init(&index->writer.mutex, NULL);
    return index;
}

void mun_index_close(mun_index *index)
{
    if (index == NULL) return;
    link_close(&index->reader);
    link_close(&index->writer);
    free(index);
}

static mun_code writer_set_up(mun_index_link *link, mun_slice origin, mun_error *err)
{
    MUN_TRY(mun_index_execute(link->db,
                              "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                              "PRAGMA wal_autocheckpoint=" CHECKPOINT_PAGES ";"
                              "PRAGMA cache_size=" WRITER_CACHE_KIB,
                              err));
    int64_t version = 0, tables = 0;
    MUN_TRY(mun_index_number(link->db, "PRAGMA user_version", &version, err));
    MUN_TRY(mun_index_number(link->db, "SELECT count(*) FROM sqlite_master", &tables, err));
    if (version == 0 && tables == 0) MUN_TRY(mun_index_schema_make(link->db, origin, err));
    return mun_index_schema_check(link->db, origin, err);
}

static mun_code reader_set_up(mun_index_link *link, mun_slice origin, mun_error *err)
{
    MUN_TRY(mun_index_execute(link->db, "PRAGMA query_only=1; PRAGMA cache_size=" READER_CACHE_KIB,
                              err));
    return mun_index_schema_check(link->db, origin, err);
}

/*
 * A reader needs the -shm file, which only somebody who may write there can make. Where that is
 * refused (a read-only medium, somebody else's folder) and no WAL is waiting, the file alone is
 * whole and is read as one that does not change.
 */
static mun_code reader_open_fixed(mun_index_link *link, const char *path, mun_error *err)
{
    static const char hex[] = "0123456789ABCDEF";
    char uri[URI_MAX] = "file:";
    size_t at = 5;
    for (const char *p = path; *p != '\0'; p++) {
        if (at + 32 > sizeof uri) return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "path too long");
        uint8_t c = (uint8_t)*p;
        bool plain = c == '/' || c == '.' || c == '-' || c == '_' || (c >= '0' && c <= '9') ||
                     (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!plain) uri[at++] = '%';
        if (!plain) uri[at++] = hex[c >> 4];
        uri[at++] = plain ? (char)c : hex[c & 15];
    }
    snprintf(uri + at, sizeof uri - at, "?immutable=1");
    sqlite3_close(link->db);
    link->db = NULL;
    return link_open(link, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
}

static mun_code reader_open(mun_index_link *link, const char *path, mun_slice origin,
                            mun_error *err)
{
    mun_code code = link_open(link, path, SQLITE_OPEN_READONLY, err);
    if (code == MUN_OK) code = reader_set_up(link, origin, err);
    if (code != MUN_E_PERMISSION && code != MUN_E_IO && code != MUN_E_NOT_FOUND) return code;
    MUN_TRY(reader_open_fixed(link, path, err));
    return reader_set_up(link, origin, err);
}

mun_code mun_index_open_reader(const char *path, mun_slice origin, mun_index **ret, mun_error *err)
{
    mun_index *index = index_new();
    if (index == NULL) return no_memory(err);
    mun_code code = reader_open(&index->reader, path, origin, err);
    if (code != MUN_OK) {
        mun_index_close(index);
        return code;
    }
    *ret = index;
    return MUN_OK;
}

static mun_code writer_open(mun_index *index, const char *path, mun_slice origin, mun_error *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    MUN_TRY(link_open(&index->writer, path, flags, err));
    MUN_TRY(writer_set_up(&index->writer, origin, err));
    MUN_TRY(link_open(&index->reader, path, SQLITE_OPEN_READONLY, err));
    MUN_TRY(reader_set_up(&index->reader, origin, err));
    return mun_index_size(index, &index->size, err);
}

mun_code mun_index_open_writer(const char *path, mun_slice origin, mun_index **ret, mun_error *err)
{
    mun_index *index = index_new();
    if (index == NULL) return no_memory(err);
    mun_code code = writer_open(index, path, origin, err);
    if (code != MUN_OK) {
        mun_index_close(index);
        return code;
    }
    *ret = index;
    return MUN_OK;
}
