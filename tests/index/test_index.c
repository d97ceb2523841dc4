/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and columns: docs/format/index.md to the letter, and what happens to a file that is not it.
 */
#include "index/index.h"

#include "base/buf.h"
#include "support/cmocka_all.h"
#include "support/must.h"
#include "vfs/files.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN MUN_LITERAL("ledger.example/deeds")

typedef struct fixture {
    char folder[MUN_PATH_BYTES_MAX];
    char path[MUN_PATH_BYTES_MAX + 32];
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    must(mun_dir_make_temp(NULL, f->folder, err));
    snprintf(f->path, sizeof f->path, "%s/in dex?#%%.sqlite", f->folder); /* hard in an URI */
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    must(mun_dir_remove_all(f->folder, err));
    free(f);
    return 0;
}

static uint8_t bytes32[64][32];

/* Row i: issuer i%3, subject i%5, digest i, text or no content type, kid or none. */
static mun_index_row row_of(uint64_t i)
{
    static const char *const isses[] = {"urn:a", "urn:a\0b", "urn:c"};
    static const size_t iss_lens[] = {5, 7, 5};
    static const char *const subs[] = {"s0", "s1", "s2", "s3", "s4"};
    return (mun_index_row){
        .index = i,
        .leaf = mun_slice_of(bytes32[i], 32),
        .iss = mun_slice_of(isses[i % 3], iss_lens[i % 3]),
        .sub = mun_slice_cstr(subs[i % 5]),
        .digest = mun_slice_of(bytes32[i], 32),
        .digest_alg = -16,
        .envelope = i % 2 == 0,
        .have_content_type = i % 4 != 0,
        .content_type = i % 4 != 0 ? MUN_LITERAL("text/plain") : (mun_slice){0},
        .alg = -7,
        .have_kid = i % 2 == 0,
        .kid = i % 2 == 0 ? mun_slice_of(bytes32[i % 4], 32) : (mun_slice){0},
        .signer = mun_slice_of(bytes32[1], 32),
        .have_issuer_time = i % 2 == 1,
        .issuer_time = (int64_t)i,
        .registered_ms = 1000 + i,
        .size = 300 + i,
    };
}

static mun_index *open_writer(const fixture *f)
{
    mun_index *index = NULL;
    must(mun_index_open_writer(f->path, ORIGIN, &index, err));
    return index;
}

static void put_rows(mun_index *index, uint64_t first, uint64_t end)
{
    must(mun_index_begin(index, err));
    for (uint64_t i = first; i < end; i++) {
        mun_index_row row = row_of(i);
        must(mun_index_put(index, &row, err));
    }
    must(mun_index_commit(index, err));
}

static uint64_t size_of(mun_index *index)
{
    uint64_t size = 0;
    must(mun_index_size(index, &size, err));
    return size;
}

/* ---- Schema [IDX-1] ---------------------------------------------------------------------------
 */

static int collect(void *ctx, int n, char **values, char **names)
{
    char *text = ctx;
    (void)names;
    for (int i = 0; i < n; i++) {
        size_t len = strlen(text);
        snprintf(text + len, 8192 - len, "%s|", values[i] == NULL ? "" : values[i]);
    }
    strcat(text, "\n");
    return 0;
}

static void describe(sqlite3 *db, char ret[8192])
{
    static const char *const queries[] = {
        "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info('meta')",
        "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info('entry')",
        "SELECT name, \"unique\", origin FROM pragma_index_list('entry') ORDER BY name",
        ("SELECT l.name, i.seqno, i.name FROM pragma_index_list('entry') l,"
         " pragma_index_info(l.name) i ORDER BY 1, 2"),
        "SELECT name, type FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name",
    };
    ret[0] = '\0';
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        assert_int_equal(sqlite3_exec(db, queries[i], collect, ret, NULL), SQLITE_OK);
    }
}

/* The SQL that the document shows makes the same tables as ours. */
static void schema_is_the_documents(void **state)
{
    const fixture *f = *state;
    char ours[8192], theirs[8192], text[65536] = "";
    mun_buf buf = mun_buf_fixed(text, sizeof text - 1);
    must(mun_file_read(MUN_DOCS "/format/index.md", sizeof text - 1, &buf, err));
    char *sql = strstr(text, "```sql\n"), *end = sql == NULL ? NULL : strstr(sql + 7, "```");
    assert_non_null(end);
    *end = '\0';
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql + 7, NULL, NULL, NULL), SQLITE_OK);
    describe(db, theirs);
    sqlite3_close(db);
    mun_index_close(open_writer(f));
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    describe(db, ours);
    sqlite3_close(db);
    assert_string_equal(ours, theirs);
    assert_true(strlen(ours) > 500);
}

static void run(const fixture *f, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void others_are_not_used(void **state)
{
    static const struct {
        const char *sql;
        mun_code code;
    } changes[] = {
        {"PRAGMA user_version=2", MUN_E_VERSION},
        {"PRAGMA application_id=7", MUN_E_DAMAGED},
        {"UPDATE meta SET value='other.example' WHERE key='origin'", MUN_E_DAMAGED},
        {"DELETE FROM meta WHERE key='origin'", MUN_E_DAMAGED},
        {"DROP TABLE meta", MUN_E_DAMAGED},
    };
    const fixture *f = *state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        mun_index *index = NULL;
        mun_error why;
        mun_index_close(open_writer(f));
        run(f, changes[i].sql);
        assert_int_equal(mun_index_open_writer(f->path, ORIGIN, &index, &why), changes[i].code);
        assert_int_equal(mun_index_open_reader(f->path, ORIGIN, &index, &why), changes[i].code);
        must(mun_file_remove(f->path, err));
    }
    mun_index *index = NULL;
    mun_error why;
    assert_int_equal(mun_index_open_reader(f->path, ORIGIN, &index, &why), MUN_E_NOT_FOUND);
    must(mun_file_write(f->path, MUN_LITERAL("this is no database at all"), 0, err));
    assert_int_equal(mun_index_open_writer(f->path, ORIGIN, &index, &why), MUN_E_DAMAGED);
}

/* ---- Rows [IDX-2], [IDX-4] ----------------------------------------------------------------------
 */

static mun_code compare(void *ctx, const mun_index_row *row, mun_error *err)
{
    uint64_t *next = ctx;
    mun_index_row expected = row_of(*next);
    (void)err;
    assert_int_equal(row->index, *next);
    assert_true(mun_slice_equal(row->leaf, expected.leaf));
    assert_true(mun_slice_equal(row->iss, expected.iss));
    assert_true(mun_slice_equal(row->sub, expected.sub));
    assert_true(mun_slice_equal(row->digest, expected.digest));
    assert_int_equal(row->digest_alg, expected.digest_alg);
    assert_int_equal(row->envelope, expected.envelope);
    assert_int_equal(row->have_content_type, expected.have_content_type);
    assert_true(mun_slice_equal(row->content_type, expected.content_type));
    assert_int_equal(row->alg, expected.alg);
    assert_int_equal(row->have_kid, expected.have_kid);
    assert_true(mun_slice_equal(row->kid, expected.kid));
    assert_true(mun_slice_equal(row->signer, expected.signer));
    assert_int_equal(row->have_issuer_time, expected.have_issuer_time);
    if (row->have_issuer_time) assert_int_equal(row->issuer_time, expected.issuer_time);
    assert_int_equal(row->registered_ms, expected.registered_ms);
    assert_int_equal(row->size, expected.size);
    ++*next;
    return MUN_OK;
}

static void rows_come_back(void **state)
{
    const fixture *f = *state;
    mun_index *index = open_writer(f);
    uint64_t next = 0;
    put_rows(index, 0, 10);
    put_rows(index, 10, 30);
    assert_int_equal(size_of(index), 30);
    mun_index_close(index);
    index = open_writer(f);
    assert_int_equal(size_of(index), 30);
    must(mun_index_scan(index, 0, 100, compare, &next, err));
    assert_int_equal(next, 30);
    next = 7;
    must(mun_index_scan(index, 7, 9, compare, &next, err));
    assert_int_equal(next, 9);
    must(mun_index_integrity(index, err));
    mun_index_close(index);
}

/* Rows and size change together, in order, or not at all. */
static void transactions(void **state)
{
    const fixture *f = *state;
    mun_index *index = open_writer(f);
    mun_error why;
    put_rows(index, 0, 3);
    must(mun_index_begin(index, err));
    mun_index_row row = row_of(3), gap = row_of(5);
    must(mun_index_put(index, &row, err));
    assert_int_equal(size_of(index), 3); /* the reading connection sees none of it */
    mun_index_rollback(index);
    assert_int_equal(size_of(index), 3);
    must(mun_index_begin(index, err));
    must(mun_index_put(index, &row, err));
    assert_int_equal(mun_index_put(index, &gap, &why), MUN_E_DAMAGED);
    assert_int_equal(size_of(index), 3);
    put_rows(index, 3, 4);
    assert_int_equal(size_of(index), 4);
    mun_index_close(index);
}

/* ---- Finding ------------------------------------------------------------------------------------
 */

static bool matches(const mun_index_query *q, uint64_t i)
{
    mun_index_row row = row_of(i);
    return i >= q->first && i < q->end && (!q->have_iss || mun_slice_equal(q->iss, row.iss)) &&
           (!q->have_sub || mun_slice_equal(q->sub, row.sub)) &&
           (!q->have_digest || mun_slice_equal(q->digest, row.digest)) &&
           (!q->have_content_type ||
            (row.have_content_type && mun_slice_equal(q->content_type, row.content_type))) &&
           (!q->have_kid || (row.have_kid && mun_slice_equal(q->kid, row.kid)));
}

/* Every combination of restrictions against a plain look through the rows. */
static void every_shape_of_query(void **state)
{
    enum { ROWS = 60, CAP = 7 };
    const fixture *f = *state;
    mun_index *index = open_writer(f);
    put_rows(index, 0, ROWS);
    for (unsigned shape = 0; shape < 32; shape++) {
        for (uint64_t like = 0; like < 12; like++) {
            mun_index_row row = row_of(like);
            mun_index_query q = {
                .have_iss = (shape & 1) != 0,
                .iss = row.iss,
                .have_sub = (shape & 2) != 0,
                .sub = row.sub,
                .have_digest = (shape & 4) != 0,
                .digest = row.digest,
                .have_content_type = (shape & 8) != 0,
                .content_type = MUN_LITERAL("text/plain"),
                .have_kid = (shape & 16) != 0,
                .kid = row.have_kid ? row.kid : row.signer,
                .first = like % 3,
                .end = ROWS - like,
            };
            uint64_t found[CAP];
            size_t len = 0, expected = 0;
            must(mun_index_find(index, &q, found, CAP, &len, err));
            for (uint64_t i = 0; i < ROWS && expected < CAP; i++) {
                if (!matches(&q, i)) continue;
                assert_true(expected < len);
                assert_int_equal(found[expected], i);
                expected++;
            }
            assert_int_equal(len, expected);
        }
    }
    mun_index_close(index);
}

/* Whatever the planner thinks: a query with a digest, subject or issuer uses its index. */
static void queries_use_their_index(void **state)
{
    const fixture *f = *state;
    mun_index_close(open_writer(f));
    sqlite3 *db = NULL;
    char plan[8192] = "";
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "EXPLAIN QUERY PLAN SELECT idx FROM entry INDEXED BY entry_digest"
                                  " WHERE idx >= 1 AND idx < 9 AND digest = x'00' AND +sub = 's'"
                                  " ORDER BY idx LIMIT 3",
                                  collect, plan, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    assert_non_null(strstr(plan, "entry_digest (digest=? AND idx>? AND idx<?)"));
    assert_null(strstr(plan, "TEMP B-TREE"));
}

/* ---- Beside a writer
 * ------------------------------------------------------------------------------ */

typedef struct reading {
    mun_index *index;
    bool wrong;
} reading;

static void *read_on(void *ctx)
{
    reading *r = ctx;
    uint64_t before = 0, size = 0;
    while (size < 60) {
        uint64_t found[64];
        size_t len = 0;
        mun_index_query q = {.end = UINT64_MAX};
        if (mun_index_size(r->index, &size, NULL) != MUN_OK || size < before ||
            mun_index_find(r->index, &q, found, 64, &len, NULL) != MUN_OK || len < size) {
            r->wrong = true;
            break;
        }
        before = size;
    }
    return NULL;
}

static void readers_beside_a_writer(void **state)
{
    const fixture *f = *state;
    mun_index *writer = open_writer(f), *reader = NULL;
    must(mun_index_open_reader(f->path, ORIGIN, &reader, err));
    reading hands[] = {{writer, false}, {reader, false}, {reader, false}};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &hands[i]), 0);
    }
    for (uint64_t i = 0; i < 60; i += 2) put_rows(writer, i, i + 2);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_false(hands[i].wrong);
    }
    mun_index_close(reader);
    mun_index_close(writer);
}

int main(void)
{
#define with(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        with(schema_is_the_documents), with(others_are_not_used),
        with(rows_come_back),          with(transactions),
        with(every_shape_of_query),    with(queries_use_their_index),
        with(readers_beside_a_writer),
    };
    for (size_t i = 0; i < 64; i++) memset(bytes32[i], (int)i, 32);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
