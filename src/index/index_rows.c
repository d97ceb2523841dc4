/* SPDX-License-Identifier: Apache-2.0 */
/* Rows in and out. A query names its SQLite index by making the others' columns unusable for one
 * (unary plus): the plan never depends on statistics. */
#include "index/index_parts.h"

#include <stdio.h>
#include <string.h>

#define SQL_MAX 512

static void bind_text(sqlite3_stmt *stmt, int at, mun_slice text)
{
    sqlite3_bind_text(stmt, at, text.ptr == NULL ? "" : (const char *)text.ptr, (int)text.len,
                      SQLITE_STATIC);
}

static void bind_blob(sqlite3_stmt *stmt, int at, mun_slice bytes)
{
    sqlite3_bind_blob(stmt, at, bytes.ptr == NULL ? (const void *)"" : bytes.ptr, (int)bytes.len,
                      SQLITE_STATIC);
}

/* ---- Writing ----------------------------------------------------------------------------- */

mun_code mun_index_begin(mun_index *index, mun_error *err)
{
    MUN_TRY(mun_index_execute(index->writer.db, "BEGIN IMMEDIATE", err));
    int64_t size = 0;
    mun_code code = mun_index_number(
        index->writer.db, "SELECT CAST(value AS INTEGER) FROM meta WHERE key='size'", &size, err);
    if (code != MUN_OK)
        mun_index_rollback(index);
    else
        index->size = (uint64_t)size;
    return code;
}

void mun_index_rollback(mun_index *index)
{
    (void)sqlite3_exec(index->writer.db, "ROLLBACK", NULL, NULL, NULL);
}

static const char put_sql[] =
    "INSERT INTO entry (idx, leaf, iss, sub, digest, digest_alg, envelope, content_type, alg, kid,"
    " signer, issuer_time, registered_ms, size)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";

static void row_bind(sqlite3_stmt *stmt, const mun_index_row *row)
{
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)row->index);
    bind_blob(stmt, 2, row->leaf);
    bind_text(stmt, 3, row->iss);
    bind_text(stmt, 4, row->sub);
    bind_blob(stmt, 5, row->digest);
    sqlite3_bind_int(stmt, 6, row->digest_alg);
    sqlite3_bind_int(stmt, 7, row->envelope ? 1 : 0);
    if (row->have_content_type) bind_text(stmt, 8, row->content_type);
    sqlite3_bind_int(stmt, 9, row->alg);
    if (row->have_kid) bind_blob(stmt, 10, row->kid);
    bind_blob(stmt, 11, row->signer);
    if (row->have_issuer_time) sqlite3_bind_int64(stmt, 12, row->issuer_time);
    sqlite3_bind_int64(stmt, 13, (sqlite3_int64)row->registered_ms);
    sqlite3_bind_int64(stmt, 14, (sqlite3_int64)row->size);
}

mun_code mun_index_put(mun_index *index, const mun_index_row *row, mun_error *err)
{
    mun_index_link *link = &index->writer;
    if (row->index != index->size) {
        mun_index_rollback(index);
        return mun_failf(err, MUN_E_DAMAGED, 0,
                         "the index (index.sqlite) has %llu rows, entry %llu "
                         "does not follow",
                         (unsigned long long)index->size, (unsigned long long)row->index);
    }
    MUN_TRY(mun_index_prepare(link->db, &link->put, put_sql, err));
    row_bind(link->put, row);
    int rc = sqlite3_step(link->put);
    sqlite3_reset(link->put);
    sqlite3_clear_bindings(link->put);
    if (rc != SQLITE_DONE) {
        mun_code code = mun_index_failed(link->db, rc, "adding a row", err);
        mun_index_rollback(index);
        return code;
    }
    index->size++;
    return MUN_OK;
}

static mun_code size_put(mun_index *index, mun_error *err)
{
    mun_index_link *link = &index->writer;
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)index->size);
    MUN_TRY(mun_index_prepare(link->db, &link->set_size,
                              "UPDATE meta SET value=?1 WHERE key='size'", err));
    sqlite3_bind_text(link->set_size, 1, digits, -1, SQLITE_STATIC);
    int rc = sqlite3_step(link->set_size);
    sqlite3_reset(link->set_size);
    sqlite3_clear_bindings(link->set_size);
    return rc == SQLITE_DONE ? MUN_OK : mun_index_failed(link->db, rc, "counting rows", err);
}

mun_code mun_index_commit(mun_index *index, mun_error *err)
{
    mun_code code = size_put(index, err);
    if (code == MUN_OK) code = mun_index_execute(index->writer.db, "COMMIT", err);
    if (code != MUN_OK) mun_index_rollback(index);
    return code;
}

/* ---- Reading ----------------------------------------------------------------------------- */

static mun_code size_read(mun_index_link *link, uint64_t *ret, mun_error *err)
{
    MUN_TRY(
        mun_index_prepare(link->db, &link->size, "SELECT value FROM meta WHERE key='size'", err));
    int rc = sqlite3_step(link->size);
    sqlite3_int64 size = rc == SQLITE_ROW ? sqlite3_column_int64(link->size, 0) : -1;
    sqlite3_reset(link->size);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        return mun_index_failed(link->db, rc, "reading it", err);
    }
    if (size < 0) {
        return mun_fail(err, MUN_E_DAMAGED, MUN_NO_OFFSET,
                        "the index (index.sqlite) does not say how many rows it has");
    }
    *ret = (uint64_t)size;
    return MUN_OK;
}

mun_code mun_index_size(mun_index *index, uint64_t *ret, mun_error *err)
{
    pthread_mutex_lock(&index->reader.mutex);
    mun_code code = size_read(&index->reader, ret, err);
    pthread_mutex_unlock(&index->reader.mutex);
    return code;
}

enum {
    HAVE_DIGEST = 1,
    HAVE_SUB = 2,
    HAVE_ISS = 4,
    HAVE_CONTENT_TYPE = 8,
    HAVE_KID = 16,
    NEWEST = 32
};

/* The most selective column that is given leads; the rest only filters. */
static void find_sql(unsigned shape, char ret[SQL_MAX])
{
    static const struct {
        unsigned bit;
        const char *column, *hint, *parameter;
    } columns[] = {
        {HAVE_DIGEST, "digest", " INDEXED BY entry_digest", "?3"},
        {HAVE_SUB, "sub", " INDEXED BY entry_sub", "?4"},
        {HAVE_ISS, "iss", " INDEXED BY entry_iss", "?5"},
        {HAVE_CONTENT_TYPE, "content_type", "", "?6"},
        {HAVE_KID, "kid", "", "?7"},
    };
    char terms[SQL_MAX / 2] = "";
    const char *hint = "";
    size_t at = 0;
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        if ((shape & columns[i].bit) == 0) continue;
        bool leads = at == 0;
        if (leads) hint = columns[i].hint;
        at += (size_t)snprintf(terms + at, sizeof terms - at, " AND %s%s = %s", leads ? "" : "+",
                               columns[i].column, columns[i].parameter);
    }
    snprintf(
        ret, SQL_MAX,
        "SELECT idx FROM entry%s WHERE idx >= ?1 AND idx < ?2%s ORDER BY idx%s LIMIT ?8 OFFSET ?9",
        hint, terms, (shape & NEWEST) != 0 ? " DESC" : "");
}

static unsigned shape_of(const mun_index_query *query)
{
    return (query->have_digest ? HAVE_DIGEST : 0u) | (query->have_sub ? HAVE_SUB : 0u) |
           (query->have_iss ? HAVE_ISS : 0u) | (query->have_content_type ? HAVE_CONTENT_TYPE : 0u) |
           (query->have_kid ? HAVE_KID : 0u) | (query->newest ? NEWEST : 0u);
}

static sqlite3_int64 bounded(uint64_t v)
{
    return v > INT64_MAX ? INT64_MAX : (sqlite3_int64)v;
}

static void query_bind(sqlite3_stmt *stmt, const mun_index_query *query, size_t cap)
{
    sqlite3_bind_int64(stmt, 1, bounded(query->first));
    sqlite3_bind_int64(stmt, 2, bounded(query->end));
    if (query->have_digest) bind_blob(stmt, 3, query->digest);
    if (query->have_sub) bind_text(stmt, 4, query->sub);
    if (query->have_iss) bind_text(stmt, 5, query->iss);
    if (query->have_content_type) bind_text(stmt, 6, query->content_type);
    if (query->have_kid) bind_blob(stmt, 7, query->kid);
    sqlite3_bind_int64(stmt, 8, bounded(cap));
    sqlite3_bind_int64(stmt, 9, bounded(query->skip));
}

static mun_code find(mun_index_link *link, const mun_index_query *query, uint64_t *ret, size_t cap,
                     size_t *ret_len, mun_error *err)
{
    unsigned shape = shape_of(query);
    char sql[SQL_MAX];
    find_sql(shape, sql);
    MUN_TRY(mun_index_prepare(link->db, &link->find[shape], sql, err));
    sqlite3_stmt *stmt = link->find[shape];
    query_bind(stmt, query, cap);
    size_t len = 0;
    int rc = sqlite3_step(stmt);
    for (; rc == SQLITE_ROW && len < cap; rc = sqlite3_step(stmt)) {
        ret[len++] = (uint64_t)sqlite3_column_int64(stmt, 0);
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        return mun_index_failed(link->db, rc, "searching it", err);
    }
    *ret_len = len;
    return MUN_OK;
}

mun_code mun_index_find(mun_index *index, const mun_index_query *query, uint64_t *ret, size_t cap,
                        size_t *ret_len, mun_error *err)
{
    pthread_mutex_lock(&index->reader.mutex);
    mun_code code = find(&index->reader, query, ret, cap, ret_len, err);
    pthread_mutex_unlock(&index->reader.mutex);
    return code;
}

static mun_slice column_bytes(sqlite3_stmt *stmt, int at)
{
    const void *ptr = sqlite3_column_blob(stmt, at); /* a text's bytes as well */
    return mun_slice_of(ptr, (size_t)sqlite3_column_bytes(stmt, at));
}

static mun_index_row row_read(sqlite3_stmt *stmt)
{
    return (mun_index_row){
        .index = (uint64_t)sqlite3_column_int64(stmt, 0),
        .leaf = column_bytes(stmt, 1),
        .iss = column_bytes(stmt, 2),
        .sub = column_bytes(stmt, 3),
        .digest = column_bytes(stmt, 4),
        .digest_alg = sqlite3_column_int(stmt, 5),
        .envelope = sqlite3_column_int(stmt, 6) != 0,
        .have_content_type = sqlite3_column_type(stmt, 7) != SQLITE_NULL,
        .content_type = column_bytes(stmt, 7),
        .alg = sqlite3_column_int(stmt, 8),
        .have_kid = sqlite3_column_type(stmt, 9) != SQLITE_NULL,
        .kid = column_bytes(stmt, 9),
        .signer = column_bytes(stmt, 10),
        .have_issuer_time = sqlite3_column_type(stmt, 11) != SQLITE_NULL,
        .issuer_time = sqlite3_column_int64(stmt, 11),
        .registered_ms = (uint64_t)sqlite3_column_int64(stmt, 12),
        .size = (uint64_t)sqlite3_column_int64(stmt, 13),
    };
}

static mun_code scan(mun_index_link *link, uint64_t first, uint64_t end, mun_index_visit visit,
                     void *ctx, mun_error *err)
{
    sqlite3_stmt *stmt = NULL;
    MUN_TRY(mun_index_prepare(link->db, &stmt,
                              "SELECT idx, leaf, iss, sub, digest, digest_alg, envelope,"
                              " content_type, alg, kid, signer, issuer_time, registered_ms, size"
                              " FROM entry WHERE idx >= ?1 AND idx < ?2 ORDER BY idx",
                              err));
    sqlite3_bind_int64(stmt, 1, bounded(first));
    sqlite3_bind_int64(stmt, 2, bounded(end));
    mun_code code = MUN_OK;
    int rc = sqlite3_step(stmt);
    for (; rc == SQLITE_ROW && code == MUN_OK; rc = sqlite3_step(stmt)) {
        mun_index_row row = row_read(stmt);
        code = visit(ctx, &row, err);
    }
    sqlite3_finalize(stmt);
    if (code == MUN_OK && rc != SQLITE_DONE) {
        return mun_index_failed(link->db, rc, "reading its rows", err);
    }
    return code;
}

mun_code mun_index_scan(mun_index *index, uint64_t first, uint64_t end, mun_index_visit visit,
                        void *ctx, mun_error *err)
{
    pthread_mutex_lock(&index->reader.mutex);
    mun_code code = scan(&index->reader, first, end, visit, ctx, err);
    pthread_mutex_unlock(&index->reader.mutex);
    return code;
}

static mun_code integrity(sqlite3 *db, mun_error *err)
{
    sqlite3_stmt *stmt = NULL;
    MUN_TRY(mun_index_prepare(db, &stmt, "PRAGMA integrity_check(1)", err));
    int rc = sqlite3_step(stmt);
    mun_code code = MUN_OK;
    if (rc != SQLITE_ROW) {
        code = mun_index_failed(db, rc, "checking it", err);
    } else if (strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") != 0) {
        code = mun_failf(err, MUN_E_DAMAGED, 0, "the index (index.sqlite) is damaged: %s",
                         (const char *)sqlite3_column_text(stmt, 0));
    }
    sqlite3_finalize(stmt);
    return code;
}

mun_code mun_index_integrity(mun_index *index, mun_error *err)
{
    pthread_mutex_lock(&index->reader.mutex);
    mun_code code = integrity(index->reader.db, err);
    pthread_mutex_unlock(&index->reader.mutex);
    return code;
}
