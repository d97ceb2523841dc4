/* SPDX-License-Identifier: Apache-2.0 */
/* Searching: the same answers with the index, without it, and while it lags. */
#include "ledger/find_window.h"
#include "ledger/ledger_world.h"
#include "support/cmocka_all.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRIES = 40 };

typedef struct answer {
    size_t len;
    uint64_t index[2 * ENTRIES];
} answer;

static mun_code note(void *ctx, const mun_found *found, mun_error *err)
{
    answer *a = ctx;
    (void)err;
    assert_true(a->len < 2 * ENTRIES);
    if (a->len > 0) assert_true(found->index > a->index[a->len - 1]);
    assert_non_null(found->statement);
    a->index[a->len++] = found->index;
    return MUN_OK;
}

static answer find(mun_ledger *ledger, const mun_query *query)
{
    answer a = {0};
    must(mun_ledger_find(ledger, query, note, &a, err));
    return a;
}

/* Entry 2 + i: subject "subject i/10", document i, one a minute from WORLD_START. */
static void fill(world *w)
{
    for (unsigned i = 0; i < ENTRIES; i++) {
        char sub[32];
        made statement;
        snprintf(sub, sizeof sub, "subject %u", i / 10);
        world_sign(&w->issuer, WORLD_ISSUER, sub, i, &statement);
        w->now_ms = WORLD_START + i * 60000;
        assert_int_equal(world_register(w, &statement), 2 + i);
    }
}

static void expect(const answer *a, uint64_t first, size_t len)
{
    assert_int_equal(a->len, len);
    for (size_t i = 0; i < len; i++) assert_int_equal(a->index[i], first + i);
}

/* What entries are asked for by. The digest is that of entry 9. */
typedef struct words {
    mun_slice iss, sub, kid, type, digest;
    uint8_t digest_bytes[MUN_HASH_SIZE];
} words;

static void words_take(world *w, words *ret)
{
    world_digest(w, 7, ret->digest_bytes);
    ret->iss = MUN_LITERAL(WORLD_ISSUER);
    ret->sub = MUN_LITERAL("subject 2");
    ret->kid = mun_slice_of(w->issuer.signer.kid, MUN_HASH_SIZE);
    ret->type = MUN_LITERAL("text/plain");
    ret->digest = mun_slice_of(ret->digest_bytes, sizeof ret->digest_bytes);
}

static void finds_by_everything(world *w, mun_ledger *ledger)
{
    words is;
    words_take(w, &is);
    const struct {
        mun_query query;
        uint64_t first;
        size_t len;
    } cases[] = {
        {{.limit = 0}, 0, 2 + ENTRIES},
        {{.iss = is.iss}, 2, ENTRIES},
        {{.iss = MUN_LITERAL(WORLD_ORIGIN)}, 0, 2},
        {{.iss = is.iss, .end = 12}, 2, 10},
        {{.sub = is.sub, .newest = true}, 31, 1},
        {{.sub = is.sub, .end = 30, .newest = true}, 29, 1},
        {{.sub = MUN_LITERAL("nothing"), .newest = true}, 0, 0},
        {{.newest = true}, 1 + ENTRIES, 1},
        {{.sub = is.sub}, 22, 10},
        {{.kid = is.kid}, 2, ENTRIES},
        {{.content_type = is.type}, 2, ENTRIES},
        {{.digest = is.digest}, 9, 1},
        {{.iss = is.iss,
          .sub = MUN_LITERAL("subject 0"),
          .digest = is.digest,
          .content_type = is.type,
          .kid = is.kid},
         9,
         1},
        {{.iss = is.iss, .sub = is.sub, .digest = is.digest}, 0, 0},
        {{.sub = is.sub, .limit = 3}, 22, 3},
        {{.sub = is.sub, .limit = 3, .have_after = true, .after = 24}, 25, 3},
        {{.sub = is.sub, .have_after = true, .after = 31}, 0, 0},
        {{.have_after = true, .after = UINT64_MAX}, 0, 0},
        {{.since_ms = WORLD_START + 60000, .until_ms = WORLD_START + 180000}, 3, 2},
        {{.since_ms = WORLD_START + 60001, .until_ms = WORLD_START + 180001}, 4, 2},
        {{.since_ms = WORLD_START + ENTRIES * 60000}, 0, 0},
        {{.until_ms = WORLD_START}, 0, 0},
        {{.sub = is.sub, .since_ms = WORLD_START + 25 * 60000}, 27, 5},
        {{.sub = MUN_LITERAL("subject")}, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        answer a = find(ledger, &cases[i].query);
        if (a.len != cases[i].len) fail_msg("case %zu: %zu found, not %zu", i, a.len, cases[i].len);
        expect(&a, cases[i].first, cases[i].len);
    }
}

/* How often is asked until all of the answer is there, with windows of so many rows. */
static size_t by_windows(mun_ledger *ledger, mun_query query, uint64_t rows, answer *ret)
{
    size_t asked = 0;
    const uint64_t size = 2 + ENTRIES;
    do {
        uint64_t end = 0;
        query.end = size;
        must(mun_ledger_find_window(ledger, &query, rows, &end, err));
        assert_in_range(end, query.have_after ? query.after + 1 : 1, size);
        query.end = end;
        must(mun_ledger_find(ledger, &query, note, ret, err));
        query.have_after = true;
        query.after = end - 1;
        asked++;
    } while (query.end < size);
    return asked;
}

/* The same answers through windows of any size, and not more of them than the rows ask for. */
static void finds_by_windows(world *w, mun_ledger *ledger, bool indexed)
{
    words is;
    words_take(w, &is);
    const struct {
        mun_query query;
        size_t looked_at; /* rows, by an index that has them all; 0: all that are given */
    } cases[] = {
        {{.limit = 0}, 0},
        {{.sub = is.sub}, 0},
        {{.digest = is.digest}, 0},
        {{.iss = is.iss}, 0},
        {{.iss = is.iss, .sub = is.sub}, 10},
        {{.sub = is.sub, .content_type = is.type}, 10},
        {{.sub = is.sub, .kid = is.kid, .since_ms = WORLD_START + 25 * 60000}, 5},
        {{.sub = is.sub, .kid = MUN_LITERAL("nobody's")}, 10},
        {{.iss = is.iss, .content_type = MUN_LITERAL("none/such")}, ENTRIES},
        {{.iss = is.iss, .sub = is.sub, .digest = is.digest}, 1},
        {{.kid = is.kid}, 2 + ENTRIES},
        {{.content_type = is.type, .until_ms = WORLD_START + 5 * 60000}, 7},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        answer whole = find(ledger, &cases[i].query);
        for (uint64_t rows = 1; rows < 14; rows++) {
            answer parts = {0};
            size_t asked = by_windows(ledger, cases[i].query, rows, &parts);
            assert_int_equal(parts.len, whole.len);
            assert_memory_equal(parts.index, whole.index, whole.len * sizeof whole.index[0]);
            if (!indexed) continue;
            size_t most = (cases[i].looked_at + rows - 1) / rows;
            if (asked != (most == 0 ? 1 : most)) {
                fail_msg("case %zu, %llu rows: asked %zu times", i, (unsigned long long)rows,
                         asked);
            }
        }
    }
}

static uint64_t rows(world *w, mun_ledger *ledger)
{
    mun_ledger_status status;
    must(mun_ledger_status_get(ledger, &status, err));
    assert_true(status.tree.size == mun_ledger_tree(w->ledger).size);
    return status.index_rows;
}

static void wait_for_rows(world *w)
{
    for (int i = 0; i < 5000 && rows(w, w->ledger) < mun_ledger_tree(w->ledger).size; i++) {
        usleep(10000);
    }
    assert_int_equal(rows(w, w->ledger), mun_ledger_tree(w->ledger).size);
}

static void with_a_lagging_index(void **state)
{
    world *w = *state;
    fill(w);
    finds_by_everything(w, w->ledger); /* the newest rows are hardly there yet */
    wait_for_rows(w);
    finds_by_everything(w, w->ledger);
    finds_by_windows(w, w->ledger, true);
}

static void without_index(void **state)
{
    world *w = *state;
    fill(w);
    world_close(w);
    mun_ledger_open_options options = {.no_index = true};
    w->ledger = world_open_with(w, &options);
    finds_by_everything(w, w->ledger);
    finds_by_windows(w, w->ledger, false);
    assert_int_equal(rows(w, w->ledger), 0);
}

static void by_a_reader(void **state)
{
    world *w = *state;
    fill(w);
    wait_for_rows(w);
    mun_ledger_open_options options = {.read_only = true};
    mun_ledger *reader = world_open_with(w, &options);
    for (int i = 0; i < 5000 && mun_ledger_tree(reader).size < 2 + ENTRIES; i++) {
        usleep(10000);
        must(mun_ledger_refresh(reader, err));
    }
    finds_by_everything(w, reader);
    assert_int_equal(rows(w, reader), 2 + ENTRIES);
    must(mun_ledger_close(reader, err));
}

static void remove_named(world *w, const char *name)
{
    char path[MUN_PATH_BYTES_MAX];
    mun_error why;
    world_file(w, name, path);
    mun_code code = mun_file_remove(path, &why);
    assert_true(code == MUN_OK || code == MUN_E_NOT_FOUND);
}

/* [LOG-26]: deleted, or no database at all, it comes back with the same rows. */
static void comes_back(void **state)
{
    world *w = *state;
    char path[MUN_PATH_BYTES_MAX];
    fill(w);
    world_close(w);
    world_file(w, "index.sqlite", path);
    for (int kind = 0; kind < 3; kind++) {
        remove_named(w, "index.sqlite");
        remove_named(w, "index.sqlite-wal");
        remove_named(w, "index.sqlite-shm");
        if (kind == 1) must(mun_file_write(path, MUN_LITERAL("no database"), 0, err));
        if (kind == 2) {
            sqlite3 *db = NULL;
            assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
            assert_int_equal(sqlite3_exec(db, "CREATE TABLE x (y)", NULL, NULL, NULL), SQLITE_OK);
            sqlite3_close(db);
        }
        world_open(w);
        wait_for_rows(w);
        finds_by_everything(w, w->ledger);
        world_close(w);
        must(mun_ledger_fsck(w->path, true, NULL, NULL, err));
    }
}

static void sql(const world *w, const char *text)
{
    char path[MUN_PATH_BYTES_MAX];
    sqlite3 *db = NULL;
    char *why = NULL;
    world_file(w, "index.sqlite", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK) fail_msg("%s: %s", text, why);
    sqlite3_close(db);
}

/* [IDX-3]: a forged row is never shown, and fsck names it; so does it a missing one [IDX-2]. */
static void forged_rows_are_noticed(void **state)
{
    static const struct {
        const char *sql;
        uint64_t entry;
    } forgeries[] = {
        {"UPDATE entry SET sub='subject 9' WHERE idx=5", 5},
        {"UPDATE entry SET digest=x'00' WHERE idx=6", 6},
        {"UPDATE entry SET registered_ms=registered_ms+1 WHERE idx=7", 7},
        {"UPDATE entry SET signer=zeroblob(32) WHERE idx=8", 8},
        {"UPDATE entry SET kid=NULL WHERE idx=9", 9},
        {"DELETE FROM entry WHERE idx=10", 10},
        {"DELETE FROM entry WHERE idx=41", 41},
        {"UPDATE meta SET value='40' WHERE key='size'", 40},
    };
    world *w = *state;
    fill(w);
    for (size_t i = 0; i < sizeof forgeries / sizeof forgeries[0]; i++) {
        findings f = {0};
        mun_error why;
        mun_watch watch = {.ctx = &f, .finding = findings_note};
        world_close(w);
        sql(w, forgeries[i].sql);
        assert_int_equal(mun_ledger_fsck(w->path, true, &watch, NULL, &why), MUN_E_DAMAGED);
        assert_true(f.len >= 1);
        assert_string_equal(f.file, "index.sqlite");
        assert_int_equal(f.entry, forgeries[i].entry);
        must(mun_ledger_rebuild(w->path, NULL, err));
        must(mun_ledger_fsck(w->path, true, NULL, NULL, err));
        world_open(w);
    }
    world_close(w);
    sql(w, "UPDATE entry SET sub='subject 9' WHERE idx=5");
    world_open(w);
    mun_query query = {.sub = MUN_LITERAL("subject 9")};
    answer a = {0};
    mun_error why;
    assert_int_equal(mun_ledger_find(w->ledger, &query, note, &a, &why), MUN_E_DAMAGED);
    assert_int_equal(a.len, 0);
    assert_non_null(strstr(why.text, "rebuild"));
}

/* An index that is ahead of its log, as after a partial restore, is made anew. */
static void index_ahead_of_the_log(void **state)
{
    world *w = *state;
    fill(w);
    wait_for_rows(w);
    world_close(w);
    sql(w, "UPDATE meta SET value='1000' WHERE key='size'");
    world_open(w);
    wait_for_rows(w);
    finds_by_everything(w, w->ledger);
}

static ino_t index_inode(const world *w)
{
    char path[MUN_PATH_BYTES_MAX];
    struct stat st;
    world_file(w, "index.sqlite", path);
    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

/* No more file handles than are open now and `more`. */
static void limit_handles(rlim_t more)
{
    struct rlimit limit;
    int lowest = dup(0);
    assert_true(lowest >= 0);
    close(lowest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = (rlim_t)lowest + more;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* An index that cannot be opened just now, for want of file handles, is not thrown away: to make it
 * anew takes a large ledger minutes. The search reads the log. */
static void kept_when_handles_are_short(void **state)
{
    world *w = *state;
    fill(w);
    wait_for_rows(w);
    world_close(w);
    ino_t before = index_inode(w);
    struct rlimit usual;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    for (rlim_t more = 0; more < 12; more++) {
        uint64_t time_ms = 0;
        MUN_BUF_AUTO mun_buf entry = mun_buf_growable(65536);
        world_open(w);
        must(mun_ledger_entry(w->ledger, 5, &entry, &time_ms, err)); /* the log's files are open */
        limit_handles(more);
        finds_by_everything(w, w->ledger);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
        world_close(w);
        assert_int_equal(index_inode(w), before);
    }
}

int main(void)
{
#define listed(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        listed(with_a_lagging_index),
        listed(without_index),
        listed(by_a_reader),
        listed(comes_back),
        listed(forged_rows_are_noticed),
        listed(index_ahead_of_the_log),
        listed(kept_when_handles_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
