/* SPDX-License-Identifier: Apache-2.0 */
/* The log with its threads: many callers, known entries, proofs, readers in another opening. */
#include "support/cmocka_all.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log/log_world.h"
#include "log/params.h"

#define CALLERS      6
#define CALLS        40
#define MAX_PER_CALL 50

static mun_log *open_log(world *w, bool read_only)
{
    mun_log_config config = world_config(w);
    mun_log *log = NULL;
    config.read_only = read_only;
    assert_ok(mun_log_open(&config, &log, err));
    return log;
}

static void create(world *w, uint64_t seed)
{
    world_open(w, seed);
    mun_log_config config = world_config(w);
    assert_ok(mun_log_create(&config, err));
    assert_int_equal(mun_log_create(&config, NULL), MUN_E_EXISTS);
}

/* Takes what is on the log as the reference; the tests know what should be on it otherwise. */
static mun_code collect(void *ctx, uint64_t index, uint64_t time, mun_slice entry,
                        const mun_hash *leaf, mun_error *err)
{
    world *w = ctx;
    mun_hash want;
    (void)err;
    assert_int_equal(index, w->ref.count);
    mun_hash_leaf(&w->crypto, entry, &want);
    assert_true(mun_hash_equal(leaf, &want));
    if (index > 0) assert_true(time >= w->ref.time[index - 1]);
    reference_add(&w->ref, entry, time);
    return MUN_OK;
}

static void check_proofs(world *w, mun_log *log)
{
    mun_tree_head head = mun_log_head(log);
    mun_path path;
    mun_hash root, leaf, old;
    for (int i = 0; i < 60 && head.size > 0; i++) {
        uint64_t size = 1 + world_random(w, head.size);
        uint64_t index = world_random(w, size);
        if (i % 3 == 0) size = head.size;
        reference_root(w, size, &root);
        assert_ok(mun_log_root(log, size, &old, err));
        assert_true(mun_hash_equal(&root, &old));
        assert_ok(mun_log_inclusion(log, index, size, &path, err));
        assert_ok(mun_log_leaf(log, index, &leaf, err));
        assert_int_equal(
            mun_inclusion_fold(&w->crypto, index, size, &leaf, path.node, path.len, &old), MUN_OK);
        assert_true(mun_hash_equal(&root, &old));
        uint64_t before = 1 + world_random(w, size);
        reference_root(w, before, &old);
        assert_ok(mun_log_consistency(log, before, size, &path, err));
        assert_int_equal(
            mun_consistency_check(&w->crypto, before, &old, size, &root, path.node, path.len),
            MUN_OK);
    }
}

static void check_reads(world *w, mun_log *log)
{
    mun_tree_head head = mun_log_head(log);
    for (int i = 0; i < 100 && head.size > 0; i++) {
        uint64_t index = world_random(w, head.size);
        uint8_t bytes[MUN_ENTRY_MAX];
        mun_buf buf = mun_buf_fixed(bytes, sizeof bytes);
        uint64_t time, found;
        mun_hash leaf;
        assert_ok(mun_log_read(log, index, &buf, &time, err));
        assert_true(mun_slice_equal(mun_buf_slice(&buf), reference_entry(&w->ref, index)));
        assert_int_equal(time, w->ref.time[index]);
        assert_ok(mun_log_leaf(log, index, &leaf, err));
        assert_ok(mun_log_find(log, &leaf, &found, err));
        assert_true(found <= index);
        leaf.bytes[31] ^= 1;
        assert_int_equal(mun_log_find(log, &leaf, &found, NULL), MUN_E_NOT_FOUND);
    }
    mun_buf none = mun_buf_fixed(NULL, 0);
    assert_int_equal(mun_log_read(log, head.size, &none, NULL, NULL), MUN_E_NOT_FOUND);
}

static void check_tiles(world *w, mun_log *log)
{
    mun_tree_head head = mun_log_head(log);
    mun_buf MUN_BUF_AUTO buf = mun_buf_growable(1u << 26);
    for (int level = -1; level < 3; level++) {
        unsigned height = level < 0 ? 0 : (unsigned)level * MUN_LOG_TILE_BITS;
        uint64_t have = head.size >> height;
        for (uint64_t n = 0; n * MUN_LOG_TILE_WIDTH < have; n++) {
            uint64_t left = have - n * MUN_LOG_TILE_WIDTH;
            unsigned width = left < MUN_LOG_TILE_WIDTH ? (unsigned)left : MUN_LOG_TILE_WIDTH;
            mun_buf_clear(&buf);
            assert_ok(mun_log_tile(log, level, n, width, &buf, err));
            if (level >= 0) {
                assert_int_equal(buf.len, width * MUN_HASH_SIZE);
                continue;
            }
            size_t at = 0;
            for (unsigned i = 0; i < width; i++) {
                mun_slice want = reference_entry(&w->ref, (size_t)n * MUN_LOG_TILE_WIDTH + i);
                assert_int_equal(buf.ptr[at] << 8 | buf.ptr[at + 1], want.len);
                assert_memory_equal(buf.ptr + at + 2, want.ptr, want.len);
                at += 2 + want.len;
            }
            assert_int_equal(at, buf.len);
        }
        assert_int_equal(mun_log_tile(log, level, have / MUN_LOG_TILE_WIDTH + 1, 1, &buf, NULL),
                         MUN_E_NOT_FOUND);
    }
}

typedef struct told_times {
    const world *w;
    uint64_t first, next; /* entries below next have been told */
    uint64_t time;
} told_times;

static void times_until(told_times *t, uint64_t end)
{
    for (; t->next < end; t->next++) assert_int_equal(t->w->ref.time[t->next], t->time);
}

static mun_code each_time(void *ctx, uint64_t index, uint64_t time, mun_error *err)
{
    told_times *t = ctx;
    (void)err;
    if (index == t->first) t->next = index;
    times_until(t, index);
    assert_true(index == t->first || time != t->time); /* only changes are told */
    t->time = time;
    return MUN_OK;
}

static void check_times(world *w, mun_log *log)
{
    mun_tree_head head = mun_log_head(log);
    for (int i = 0; i < 20 && head.size > 0; i++) {
        uint64_t end = i == 0 ? head.size : 1 + world_random(w, head.size);
        told_times t = {.w = w, .first = i == 0 ? 0 : world_random(w, end), .next = UINT64_MAX};
        assert_ok(mun_log_times(log, t.first, end, each_time, &t, err));
        times_until(&t, end);
        assert_int_equal(t.next, end);
    }
    told_times none = {.w = w};
    assert_int_equal(mun_log_times(log, 0, head.size + 1, each_time, &none, NULL), MUN_E_NOT_FOUND);
}

static void check_all(world *w, mun_log *log)
{
    mun_hash root;
    mun_tree_head head = mun_log_head(log);
    free(w->ref.bytes), free(w->ref.at), free(w->ref.time);
    w->ref = (reference){0};
    assert_ok(mun_log_scan(log, 0, head.size, collect, w, err));
    check_times(w, log);
    assert_int_equal(w->ref.count, head.size);
    reference_root(w, head.size, &root);
    assert_true(mun_hash_equal(&root, &head.root));
    check_proofs(w, log);
    check_reads(w, log);
    check_tiles(w, log);
}

/* ---- many callers ----------------------------------------------------------------------------*/

typedef struct caller {
    pthread_t thread;
    mun_log *log;
    unsigned number;
    uint64_t seed;
    uint64_t appended, existed;
    bool wrong;
} caller;

/* Entry texts are drawn from a small set, so that callers bring the same ones all the time. */
static size_t entry_text(char *ret, size_t cap, uint64_t which)
{
    size_t len = (size_t)snprintf(ret, cap, "entry %llu ", (unsigned long long)which);
    size_t want = len + which % 97 * (which % 13 == 0 ? 20 : 1);
    for (; len < want && len + 1 < cap; len++) ret[len] = (char)('a' + len % 26);
    return len;
}

static void *call_often(void *arg)
{
    caller *c = arg;
    world w = {.seed = c->seed};
    static _Thread_local char text[MAX_PER_CALL][2048];
    for (int i = 0; i < CALLS; i++) {
        mun_slice entries[MAX_PER_CALL];
        mun_appended got[MAX_PER_CALL];
        size_t n = 1 + (size_t)world_random(&w, MAX_PER_CALL);
        for (size_t k = 0; k < n; k++) {
            size_t len = entry_text(text[k], sizeof text[k], world_random(&w, 3000));
            entries[k] = mun_slice_of(text[k], len);
        }
        mun_error err = {0};
        mun_tree_head head;
        if (mun_log_append(c->log, entries, n, got, &head, &err) != MUN_OK) {
            fprintf(stderr, "append: %s\n", err.text);
            c->wrong = true;
            return NULL;
        }
        for (size_t k = 0; k < n; k++) {
            uint8_t bytes[4096];
            uint64_t time;
            mun_buf buf = mun_buf_fixed(bytes, sizeof bytes);
            if (got[k].index >= head.size ||
                mun_log_read(c->log, got[k].index, &buf, &time, &err) != MUN_OK ||
                time != got[k].time_ms || !mun_slice_equal(mun_buf_slice(&buf), entries[k])) {
                c->wrong = true;
            }
            if (got[k].existed) {
                c->existed++;
            } else {
                c->appended++;
            }
        }
        mun_path path;
        if (mun_log_inclusion(c->log, got[0].index, head.size, &path, &err) != MUN_OK) {
            fprintf(stderr, "proof: %s\n", err.text);
            c->wrong = true;
        }
    }
    return NULL;
}

static void run_callers(world *w, mun_log *log, uint64_t *ret_appended)
{
    caller callers[CALLERS];
    uint64_t appended = 0;
    for (unsigned i = 0; i < CALLERS; i++) {
        callers[i] = (caller){.log = log, .number = i, .seed = w->seed + 77 * i + 1};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
    }
    for (unsigned i = 0; i < CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_false(callers[i].wrong);
        appended += callers[i].appended;
    }
    *ret_appended = appended;
}

static void test_many_callers(void **state)
{
    (void)state;
    world w;
    uint64_t appended, again;
    create(&w, 1);
    mun_log *log = open_log(&w, false);
    run_callers(&w, log, &appended);
    assert_int_equal(mun_log_head(log).size, appended); /* each text once */
    check_all(&w, log);
    assert_ok(mun_log_close(log, err));
    log = open_log(&w, false);
    run_callers(&w, log, &again);
    assert_int_equal(mun_log_head(log).size, appended + again);
    check_all(&w, log);
    mun_log_status status;
    assert_ok(mun_log_status_get(log, &status, err));
    assert_int_equal(status.head.size, appended + again);
    assert_true(status.batches > 0);
    assert_ok(mun_log_close(log, err));
    world_close(&w);
}

/* ---- one caller ------------------------------------------------------------------------------*/

static void test_one_by_one(void **state)
{
    (void)state;
    world w;
    create(&w, 2);
    mun_log *log = open_log(&w, false);
    for (uint64_t i = 0; i < 700; i++) {
        char text[2048];
        mun_appended got;
        mun_tree_head head;
        size_t len = entry_text(text, sizeof text, i);
        mun_slice entry = mun_slice_of(text, len);
        w.now = 5000 - i; /* a clock that runs backwards: times do not [LOG-11] */
        assert_ok(mun_log_append(log, &entry, 1, &got, &head, err));
        assert_int_equal(got.index, i);
        assert_int_equal(got.time_ms, 5000);
        assert_false(got.existed);
        assert_int_equal(head.size, i + 1);
        if (i % 50 == 49) {
            mun_appended same;
            check_all(&w, log);
            assert_ok(mun_log_append(log, &entry, 1, &same, NULL, err));
            assert_true(same.existed);
            assert_int_equal(same.index, i);
            assert_int_equal(same.time_ms, 5000);
        }
        if (i % 190 == 189) {
            assert_ok(mun_log_close(log, err));
            log = open_log(&w, false);
        }
    }
    check_all(&w, log);
    assert_ok(mun_log_close(log, err));
    world_close(&w);
}

static void test_arguments(void **state)
{
    (void)state;
    world w;
    static uint8_t big[MUN_ENTRY_MAX + 1];
    mun_appended got;
    create(&w, 3);
    mun_log *log = open_log(&w, false);
    mun_slice empty = mun_slice_of(big, 0);
    mun_slice large = mun_slice_of(big, sizeof big);
    mun_slice largest = mun_slice_of(big, MUN_ENTRY_MAX);
    assert_int_equal(mun_log_append(log, &empty, 1, &got, NULL, NULL), MUN_E_LIMIT);
    assert_int_equal(mun_log_append(log, &large, 1, &got, NULL, NULL), MUN_E_LIMIT);
    assert_int_equal(mun_log_head(log).size, 0);
#if MUN_LOG_RING_MAX >= 64u && MUN_LOG_BLOCK == 4096u
    assert_ok(mun_log_append(log, &largest, 1, &got, NULL, err));
#endif
    (void)largest;
    check_all(&w, log);
    assert_ok(mun_log_close(log, err));
    assert_ok(mun_log_close(NULL, err));
    world_close(&w);
}

static void test_batches_with_a_time(void **state)
{
    (void)state;
    world w;
    create(&w, 4);
    mun_log *log = open_log(&w, false);
    char text[40][2048];
    mun_slice entries[40];
    mun_tree_head head;
    for (uint64_t i = 0; i < 40; i++) {
        entries[i] = mun_slice_of(text[i], entry_text(text[i], sizeof text[i], i / 2));
    }
    assert_ok(mun_log_append_at(log, entries, 40, 100, &head, err));
    assert_int_equal(head.size, 40); /* known entries are appended again */
    assert_ok(mun_log_append_at(log, NULL, 0, 150, &head, err));
    assert_int_equal(mun_log_append_at(log, entries, 1, 149, &head, NULL), MUN_E_INVALID);
    assert_ok(mun_log_append_at(log, entries, 40, 150, &head, err));
    assert_int_equal(head.size, 80);
    uint64_t index, time;
    mun_hash leaf;
    mun_hash_leaf(&w.crypto, entries[39], &leaf);
    assert_ok(mun_log_find(log, &leaf, &index, err));
    assert_int_equal(index, 38); /* the first of the four */
    mun_appended got;
    w.now = 10;
    assert_ok(mun_log_append(log, &entries[39], 1, &got, NULL, err));
    assert_true(got.existed);
    assert_int_equal(got.index, 38);
    assert_ok(mun_log_time(log, 40, &time, err));
    assert_int_equal(time, 150);
    check_all(&w, log);
    assert_ok(mun_log_close(log, err));
    log = open_log(&w, false);
    assert_ok(mun_log_find(log, &leaf, &index, err));
    assert_int_equal(index, 38);
    check_all(&w, log);
    assert_ok(mun_log_close(log, err));
    world_close(&w);
}

/* Batches with a time among ordinary callers: each stays one batch, of its own entries only. */
static void *append_at_often(void *arg)
{
    caller *c = arg;
    world w = {.seed = c->seed};
    for (int i = 0; i < CALLS; i++) {
        char text[5][2048];
        mun_slice entries[5];
        mun_tree_head head;
        mun_error err = {0};
        for (size_t k = 0; k < 5; k++) {
            size_t len = entry_text(text[k], sizeof text[k], world_random(&w, 3000));
            entries[k] = mun_slice_of(text[k], len);
        }
        if (mun_log_append_at(c->log, entries, 5, 1000000, &head, &err) != MUN_OK) {
            c->wrong = true;
            return NULL;
        }
        for (size_t k = 0; k < 5; k++) {
            uint8_t bytes[2048];
            mun_buf buf = mun_buf_fixed(bytes, sizeof bytes);
            mun_code code = mun_log_read(c->log, head.size - 5 + k, &buf, NULL, &err);
            if (code != MUN_OK || !mun_slice_equal(mun_buf_slice(&buf), entries[k])) {
                c->wrong = true;
            }
        }
    }
    return NULL;
}

static void test_both_kinds_of_callers(void **state)
{
    (void)state;
    world w;
    caller callers[4];
    create(&w, 11);
    w.now = 1000000;
    mun_log *log = open_log(&w, false);
    for (unsigned i = 0; i < 4; i++) {
        callers[i] = (caller){.log = log, .number = i, .seed = 991 * i + 1};
        assert_int_equal(pthread_create(&callers[i].thread, NULL,
                                        i < 2 ? append_at_often : call_often, &callers[i]),
                         0);
    }
    uint64_t appended = 2 * 5 * CALLS;
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_false(callers[i].wrong);
        appended += callers[i].appended;
    }
    assert_int_equal(mun_log_head(log).size, appended);
    check_all(&w, log);
    assert_ok(mun_log_close(log, err));
    world_close(&w);
}

/* ---- readers ---------------------------------------------------------------------------------*/

static void append_some(world *w, mun_log *log, uint64_t from, uint64_t to)
{
    (void)w;
    for (uint64_t i = from; i < to; i++) {
        char text[2048];
        mun_appended got;
        mun_slice entry = mun_slice_of(text, entry_text(text, sizeof text, i));
        assert_ok(mun_log_append(log, &entry, 1, &got, NULL, err));
    }
}

static void test_readers(void **state) /* [LOG-16] */
{
    (void)state;
    world w;
    mun_log_status status;
    create(&w, 5);
    mun_log *writer = open_log(&w, false);
    mun_log *reader = open_log(&w, true);
    assert_int_equal(mun_log_head(reader).size, 0);
    append_some(&w, writer, 0, 300);
    for (int i = 0; i < 5000 && mun_log_head(reader).size < 300; i++) {
        assert_ok(mun_log_refresh(reader, err));
    }
    assert_int_equal(mun_log_head(reader).size, 300);
    check_all(&w, reader);
    assert_ok(mun_log_status_get(reader, &status, err));
    assert_true(status.writer);
    assert_int_equal(status.batches, 300);
    char text[8] = "new";
    mun_slice entry = mun_slice_of(text, 3);
    mun_appended got;
    assert_int_equal(mun_log_append(reader, &entry, 1, &got, NULL, NULL), MUN_E_USAGE);
    assert_ok(mun_log_close(writer, err));
    assert_ok(mun_log_close(reader, err));
    reader = open_log(&w, true);
    assert_int_equal(mun_log_head(reader).size, 300);
    check_all(&w, reader);
    assert_ok(mun_log_status_get(reader, &status, err));
    assert_false(status.writer);
    assert_ok(mun_log_close(reader, err));
    world_close(&w);
}

/* ---- large calls, a large log ----------------------------------------------------------------*/

#define LARGE 20000u /* more than is filled by whoever asks first */

static void append_large(mun_log *log, uint64_t from, uint64_t n, mun_appended *got)
{
    char(*text)[40] = malloc(n * sizeof *text);
    mun_slice *entries = malloc(n * sizeof *entries);
    for (uint64_t i = 0; i < n; i++) {
        int len = snprintf(text[i], sizeof text[i], "large %llu", (unsigned long long)(from + i));
        entries[i] = mun_slice_of(text[i], (size_t)len);
    }
    assert_ok(mun_log_append(log, entries, n, got, NULL, err));
    free(text);
    free(entries);
}

static void test_large_call(void **state)
{
    (void)state;
    world w;
    mun_appended *got = malloc(LARGE * sizeof *got);
    mun_log_status before, after;
    create(&w, 6);
    mun_log *log = open_log(&w, false);
    assert_ok(mun_log_status_get(log, &before, err));
    append_large(log, 0, LARGE, got);
    for (uint64_t i = 0; i < LARGE; i++) assert_int_equal(got[i].index, i);
    assert_ok(mun_log_status_get(log, &after, err));
    assert_true(after.batches > before.batches);
    check_all(&w, log);
    assert_ok(mun_log_close(log, err));
    log = open_log(&w, false); /* filled in the background */
    append_large(log, LARGE - 5, 10, got);
    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(got[i].index, LARGE - 5 + i);
        assert_int_equal(got[i].existed, i < 5);
    }
    check_all(&w, log);
    assert_ok(mun_log_close(log, err));
    free(got);
    world_close(&w);
}

/* A flipped bit in the leaf hashes would hide an entry: it stops appending instead. */
static void damaged_leaf_stops_appending(uint64_t entries)
{
    world w;
    size_t len;
    mun_appended *got = malloc(LARGE * sizeof *got);
    create(&w, 7);
    mun_log *log = open_log(&w, false);
    append_large(log, 0, entries, got);
    assert_ok(mun_log_close(log, err));
    uint8_t *hashes = world_file(&w, "hashes/0", &len);
    hashes[32 * 3 + 7] ^= 1; /* in a full tile: opening does not look at it */
    world_put(&w, "hashes/0", hashes, len);
    free(hashes);
    log = open_log(&w, false);
    mun_slice entry = MUN_LITERAL("one more");
    mun_error why = {0};
    mun_code code = MUN_OK;
    for (int i = 0; i < 2000 && code == MUN_OK; i++) { /* the check comes after the filling */
        code = mun_log_append(log, &entry, 1, got, NULL, &why);
        if (code == MUN_OK) {
            struct timespec pause = {.tv_nsec = 5000000};
            nanosleep(&pause, NULL);
        }
    }
    assert_int_equal(code, MUN_E_DAMAGED);
    assert_non_null(strstr(why.text, "hashes/0"));
    mun_path path;
    assert_int_equal(mun_log_inclusion(log, 2, mun_log_head(log).size, &path, NULL),
                     MUN_E_DAMAGED); /* its sibling is the damaged one: no wrong proof */
    (void)mun_log_close(log, NULL);
    free(got);
    world_close(&w);
}

static void test_damaged_leaf(void **state)
{
    (void)state;
    damaged_leaf_stops_appending(1000);
    damaged_leaf_stops_appending(LARGE);
}

static void test_without_dedup(void **state)
{
    (void)state;
    world w;
    mun_log *log;
    mun_appended got[10];
    uint64_t found;
    mun_hash leaf;
    create(&w, 8);
    mun_log_config config = world_config(&w);
    config.no_dedup = true;
    assert_ok(mun_log_open(&config, &log, err));
    for (int i = 0; i < 3; i++) append_large(log, 0, 10, got);
    assert_int_equal(mun_log_head(log).size, 30);
    assert_false(got[0].existed);
    assert_ok(mun_log_leaf(log, 29, &leaf, err));
    assert_ok(mun_log_find(log, &leaf, &found, err));
    assert_int_equal(found, 9);
    append_large(log, 100, 10, got);
    assert_ok(mun_log_leaf(log, 35, &leaf, err));
    assert_ok(mun_log_find(log, &leaf, &found, err));
    assert_int_equal(found, 35);
    check_all(&w, log);
    assert_ok(mun_log_close(log, err));
    world_close(&w);
}

/* The ring of a new ledger is small; waiting for it makes it grow. */
static void test_journal_grows(void **state)
{
    (void)state;
    enum { N = 64, LEN = 4000 };
    world w;
    mun_log_status before, after;
    static uint8_t bytes[N][LEN];
    mun_slice entries[N];
    mun_appended got[N];
    create(&w, 9);
    mun_log *log = open_log(&w, false);
    assert_ok(mun_log_status_get(log, &before, err));
    after = before;
    for (int round = 0; round < 400 && after.journal_bytes == before.journal_bytes; round++) {
        for (size_t i = 0; i < N; i++) {
            (void)!world_bytes(&w, bytes[i], 16);
            entries[i] = mun_slice_of(bytes[i], LEN);
        }
        assert_ok(mun_log_append(log, entries, N, got, NULL, err));
        assert_ok(mun_log_status_get(log, &after, err));
    }
    assert_true(after.journal_bytes > before.journal_bytes);
    assert_ok(mun_log_append_at(log, entries, 8, 1u << 30, NULL, err));
    check_all(&w, log);
    assert_ok(mun_log_close(log, err));
    log = open_log(&w, false);
    check_all(&w, log);
    assert_ok(mun_log_close(log, err));
    world_close(&w);
}

/* A single batch that the small ring cannot hold makes it grow at once. */
static void test_batch_larger_than_the_ring(void **state)
{
    (void)state;
    world w;
    size_t len = (size_t)MUN_LOG_RING_FIRST * MUN_LOG_BLOCK / 8;
    uint8_t *bytes = calloc(8, len);
    mun_slice entries[8];
    mun_tree_head head;
    create(&w, 10);
    mun_log *log = open_log(&w, false);
    for (size_t i = 0; i < 8; i++) entries[i] = mun_slice_of(bytes + i * len, len - i);
    assert_ok(mun_log_append_at(log, entries, 8, 1, &head, err));
    assert_int_equal(head.size, 8);
    check_all(&w, log);
    mun_slice many[40];
    static uint8_t big[MUN_ENTRY_MAX];
    for (size_t i = 0; i < 40; i++) many[i] = mun_slice_of(big, sizeof big);
    assert_int_equal(mun_log_append_at(log, many, 40, 1, &head, NULL), MUN_E_LIMIT);
    assert_ok(mun_log_close(log, err));
    free(bytes);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_callers),
        cmocka_unit_test(test_one_by_one),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_batches_with_a_time),
        cmocka_unit_test(test_readers),
        cmocka_unit_test(test_both_kinds_of_callers),
        cmocka_unit_test(test_large_call),
        cmocka_unit_test(test_damaged_leaf),
        cmocka_unit_test(test_without_dedup),
        cmocka_unit_test(test_journal_grows),
        cmocka_unit_test(test_batch_larger_than_the_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
