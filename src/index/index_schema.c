/* SPDX-License-Identifier: Apache-2.0 */
/* The schema of docs/format/index.md, and the small things done with SQLite everywhere. */
#include "index/index_parts.h"

#include <errno.h>
#include <stdio.h>

#define TEXT_OF_(x) #x
#define TEXT_OF(x)  TEXT_OF_(x)

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "PRAGMA application_id=" TEXT_OF(
        MUN_INDEX_APPLICATION_ID) ";"
                                  "PRAGMA user_version=" TEXT_OF(
                                      MUN_INDEX_SCHEMA) ";"
                                                        "CREATE TABLE meta (key TEXT PRIMARY KEY, "
                                                        "value TEXT NOT NULL) WITHOUT ROWID;"
                                                        "CREATE TABLE entry (idx INTEGER PRIMARY "
                                                        "KEY, leaf BLOB NOT NULL, iss TEXT NOT "
                                                        "NULL,"
                                                        " sub TEXT NOT NULL, digest BLOB NOT NULL, "
                                                        "digest_alg INTEGER NOT NULL,"
                                                        " envelope INTEGER NOT NULL, content_type "
                                                        "TEXT, alg INTEGER NOT NULL, kid BLOB,"
                                                        " signer BLOB NOT NULL, issuer_time "
                                                        "INTEGER, registered_ms INTEGER NOT NULL,"
                                                        " size INTEGER NOT NULL);"
                                                        "CREATE INDEX entry_sub ON entry (sub, "
                                                        "idx);"
                                                        "CREATE INDEX entry_iss ON entry (iss, "
                                                        "idx);"
                                                        "CREATE INDEX entry_digest ON entry "
                                                        "(digest, idx);"
                                                        "CREATE INDEX entry_time ON entry "
                                                        "(registered_ms, idx);"
                                                        "INSERT INTO meta VALUES ('schema', "
                                                        "'" TEXT_OF(
                                                            MUN_INDEX_SCHEMA) "'), ('size', '0');"
                                                                              "COMMIT";

/* SQLite has one code for all reasons why a file cannot be opened. */
static mun_code not_opened(sqlite3 *db)
{
    int sys_errno = db == NULL ? 0 : sqlite3_system_errno(db);
    bool forbidden = sys_errno == EACCES || sys_errno == EPERM || sys_errno == EROFS;
    return forbidden ? MUN_E_PERMISSION : MUN_E_NOT_FOUND;
}

mun_code mun_index_failed(sqlite3 *db, int rc, const char *doing, mun_error *err)
{
    mun_code code = MUN_E_IO;
    switch (rc & 0xff) {
    case SQLITE_NOMEM: code = MUN_E_MEMORY; break;
    case SQLITE_FULL: code = MUN_E_NO_SPACE; break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: code = MUN_E_BUSY; break;
    case SQLITE_PERM:
    case SQLITE_READONLY: code = MUN_E_PERMISSION; break;
    case SQLITE_CANTOPEN: code = not_opened(db); break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* a table or column that is not there */
    case SQLITE_CONSTRAINT: code = MUN_E_DAMAGED; break;
    default: break;
    }
    return mun_failf(err, code, 0,
                     "the index (index.sqlite): %s: %s; muniment rebuild makes it anew", doing,
                     db == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(db));
}

mun_code mun_index_prepare(sqlite3 *db, sqlite3_stmt **stmt, const char *sql, mun_error *err)
{
    if (*stmt != NULL) return MUN_OK;
    int rc = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, stmt, NULL);
    return rc == SQLITE_OK ? MUN_OK : mun_index_failed(db, rc, "preparing a query", err);
}

mun_code mun_index_execute(sqlite3 *db, const char *sql, mun_error *err)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? MUN_OK : mun_index_failed(db, rc, "setting it up", err);
}

mun_code mun_index_number(sqlite3 *db, const char *sql, int64_t *ret, mun_error *err)
{
    sqlite3_stmt *stmt = NULL;
    MUN_TRY(mun_index_prepare(db, &stmt, sql, err));
    int rc = sqlite3_step(stmt);
    int64_t number = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    if (rc != SQLITE_ROW) return mun_index_failed(db, rc, "reading it", err);
    *ret = number;
    return MUN_OK;
}

static mun_code origin_put(sqlite3 *db, mun_slice origin, mun_error *err)
{
    sqlite3_stmt *stmt = NULL;
    MUN_TRY(mun_index_prepare(db, &stmt, "INSERT INTO meta VALUES ('origin', ?1)", err));
    sqlite3_bind_text(stmt, 1, (const char *)origin.ptr, (int)origin.len, SQLITE_STATIC);
    int rc = sqlite3_step(stmt);
    sqlite3_finalize(stmt);
    return rc == SQLITE_DONE ? MUN_OK : mun_index_failed(db, rc, "naming it", err);
}

mun_code mun_index_schema_make(sqlite3 *db, mun_slice origin, mun_error *err)
{
    MUN_TRY(mun_index_execute(db, schema, err));
    return origin_put(db, origin, err);
}

static mun_code origin_check(sqlite3 *db, mun_slice origin, mun_error *err)
{
    sqlite3_stmt *stmt = NULL;
    MUN_TRY(mun_index_prepare(db, &stmt, "SELECT value FROM meta WHERE key='origin'", err));
    int rc = sqlite3_step(stmt);
    mun_slice found = {0};
    if (rc == SQLITE_ROW) {
        found.ptr = sqlite3_column_text(stmt, 0);
        found.len = (size_t)sqlite3_column_bytes(stmt, 0);
    }
    bool same = rc == SQLITE_ROW && mun_slice_equal(found, origin);
    sqlite3_finalize(stmt);
    if (same) return MUN_OK;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) return mun_index_failed(db, rc, "reading it", err);
    return mun_fail(err, MUN_E_DAMAGED, MUN_NO_OFFSET,
                    "the index (index.sqlite) belongs to another ledger");
}

mun_code mun_index_schema_check(sqlite3 *db, mun_slice origin, mun_error *err)
{
    int64_t application = 0, version = 0;
    MUN_TRY(mun_index_number(db, "PRAGMA application_id", &application, err));
    MUN_TRY(mun_index_number(db, "PRAGMA user_version", &version, err));
    if (application != MUN_INDEX_APPLICATION_ID) {
        return mun_fail(err, MUN_E_DAMAGED, MUN_NO_OFFSET,
                        "index.sqlite is not an index made by Muniment");
    }
    if (version != MUN_INDEX_SCHEMA) {
        return mun_failf(err, MUN_E_VERSION, 0,
                         "index.sqlite has schema %lld, this program knows %d; muniment rebuild "
                         "makes it anew",
                         (long long)version, MUN_INDEX_SCHEMA);
    }
    return origin_check(db, origin, err);
}
