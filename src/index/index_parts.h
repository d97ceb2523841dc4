/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this room share: connections and statements. Threads: see index.h. */
#ifndef MUN_INDEX_INDEX_PARTS_H
#define MUN_INDEX_INDEX_PARTS_H

#include "index/index.h"

#include <pthread.h>
#include <sqlite3.h>

#define MUN_INDEX_SHAPES 64 /* which of the five columns a query restricts; from which end */

/* One connection; its statements are prepared when first needed, used under the mutex. */
typedef struct mun_index_link {
    pthread_mutex_t mutex;
    sqlite3 *db;
    sqlite3_stmt *size;
    sqlite3_stmt *find[MUN_INDEX_SHAPES];
    sqlite3_stmt *put;
    sqlite3_stmt *set_size;
} mun_index_link;

struct mun_index {
    mun_index_link reader; /* any thread, under its mutex */
    mun_index_link writer; /* the follower's; db is NULL when opened for reading */
    uint64_t size;         /* the writer's: rows after the open transaction's puts */
};

/* An error of SQLite as one of ours, with what was being done. */
mun_code mun_index_failed(sqlite3 *db, int rc, const char *doing, mun_error *err);
MUN_MUST mun_code mun_index_prepare(sqlite3 *db, sqlite3_stmt **stmt, const char *sql,
                                    mun_error *err);
MUN_MUST mun_code mun_index_execute(sqlite3 *db, const char *sql, mun_error *err);
MUN_MUST mun_code mun_index_number(sqlite3 *db, const char *sql, int64_t *ret, mun_error *err);
/* Schema and identity [IDX-1]. */
MUN_MUST mun_code mun_index_schema_make(sqlite3 *db, mun_slice origin, mun_error *err);
MUN_MUST mun_code mun_index_schema_check(sqlite3 *db, mun_slice origin, mun_error *err);

#endif
