/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every call to the disk fails once, one after the other, in everything that the log does: each
 * time there is a clean error with a sentence, nothing leaks, and nothing acknowledged is lost.
 */
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "log/log_fault.h"
#include "log/log_world.h"
#include "log/params.h"

#define MAX_CALLS 3000 /* more than any of these needs */

typedef struct failing_world {
    world w;
    fault f;
} failing_world;

static mun_log_config config_of(failing_world *b)
{
    mun_log_config config = world_config(&b->w);
    config.vfs = &b->f.vfs;
    return config;
}

static void setup(failing_world *b, uint64_t seed)
{
    world_open(&b->w, seed);
    fault_init(&b->f, &b->w.vfs);
}

static void arm(failing_world *b, int call)
{
    atomic_store(&b->f.call_fails, call);
}

/* True when the failure came; then it was one, and said why. */
static bool failed(failing_world *b, mun_code code, const mun_error *err)
{
    bool struck = atomic_load(&b->f.call_fails) == 0;
    arm(b, 0);
    if (code != MUN_OK) {
        assert_true(struck);
        assert_true(strlen(err->text) > 5);
    }
    return struck;
}

static mun_code append(failing_world *b, mun_log *log, uint64_t n, mun_error *err)
{
    for (uint64_t i = 0; i < n; i++) {
        char text[300];
        mun_appended got;
        size_t at = b->w.ref.count;
        int len = snprintf(text, sizeof text, "entry %zu %.*s", at, (int)(at * 31 % 200),
                           "ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss");
        mun_slice entry = mun_slice_of(text, (size_t)len);
        MUN_TRY(mun_log_append(log, &entry, 1, &got, NULL, err));
        if (!got.existed) reference_add(&b->w.ref, entry, got.time_ms);
    }
    return MUN_OK;
}

static mun_code compare(void *ctx, uint64_t index, uint64_t time, mun_slice entry,
                        const mun_hash *leaf, mun_error *err)
{
    world *w = ctx;
    (void)leaf, (void)err;
    if (index >= w->ref.count) return MUN_OK;
    assert_true(mun_slice_equal(entry, reference_entry(&w->ref, (size_t)index)));
    assert_int_equal(time, w->ref.time[index]);
    return MUN_OK;
}

/* Everything acknowledged, and at most one entry more whose outcome was unknown; it becomes known.
 */
static void check(failing_world *b)
{
    mun_log *log;
    mun_log_config config = config_of(b);
    assert_ok(mun_log_open(&config, &log, err));
    uint64_t size = mun_log_head(log).size;
    assert_true(size == b->w.ref.count || size == b->w.ref.count + 1);
    assert_ok(mun_log_scan(log, 0, size, compare, &b->w, err));
    if (size > b->w.ref.count) {
        uint8_t bytes[300];
        mun_buf buf = mun_buf_fixed(bytes, sizeof bytes);
        uint64_t time;
        assert_ok(mun_log_read(log, size - 1, &buf, &time, err));
        reference_add(&b->w.ref, mun_buf_slice(&buf), time);
    }
    assert_ok(mun_log_close(log, err));
}

static void test_create(void **state)
{
    (void)state;
    bool struck = true;
    for (int call = 1; struck && call < MAX_CALLS; call++) {
        failing_world b;
        mun_error why = {0};
        setup(&b, 1);
        mun_log_config config = config_of(&b);
        arm(&b, call);
        mun_code code = mun_log_create(&config, &why);
        struck = failed(&b, code, &why);
        /* Half made is not there yet, or there; a second attempt tells. */
        code = mun_log_create(&config, &why);
        assert_true(code == MUN_OK || code == MUN_E_EXISTS);
        check(&b);
        world_close(&b.w);
    }
    assert_false(struck);
}

static void test_append(void **state)
{
    (void)state;
    bool struck = true;
    failing_world b;
    setup(&b, 2);
    mun_log_config config = config_of(&b);
    assert_ok(mun_log_create(&config, err));
    for (int call = 1; struck && call < MAX_CALLS; call += 1 + call / 20) {
        mun_log *log;
        mun_error why = {0};
        arm(&b, call);
        mun_code code = mun_log_open(&config, &log, &why);
        if (code == MUN_OK) {
            code = append(&b, log, 40, &why);
            mun_error at_close = {0};
            mun_code end = mun_log_close(log, &at_close);
            if (code == MUN_OK && end != MUN_OK) {
                code = end;
                why = at_close;
            }
        }
        struck = failed(&b, code, &why);
        check(&b);
    }
    assert_false(struck);
    assert_ok(mun_log_fsck(&config, NULL, NULL, err));
    world_close(&b.w);
}

/* Batches that only the journal has: opening must bring them back, whatever fails on the way. */
static void leave_in_journal(failing_world *b)
{
    mun_log *log;
    mun_log_config config = config_of(b);
    mun_error why;
    assert_ok(mun_log_open(&config, &log, err));
    atomic_store(&b->f.full, true);
    mun_code code = append(b, log, 4, &why);
    assert_true(code == MUN_OK || code == MUN_E_NO_SPACE);
    (void)mun_log_close(log, NULL);
    atomic_store(&b->f.full, false);
}

static void test_recovery(void **state)
{
    (void)state;
    bool struck = true;
    failing_world b;
    setup(&b, 3);
    mun_log_config config = config_of(&b);
    assert_ok(mun_log_create(&config, err));
    check(&b);
    for (int call = 1; struck && call < MAX_CALLS; call++) {
        mun_log *log;
        mun_error why = {0};
        leave_in_journal(&b);
        arm(&b, call);
        mun_code code = mun_log_open(&config, &log, &why);
        struck = failed(&b, code, &why);
        if (code == MUN_OK) assert_ok(mun_log_close(log, err));
        check(&b);
    }
    assert_false(struck);
    world_close(&b.w);
}

static mun_code read_everything(failing_world *b, mun_error *err)
{
    mun_log *log;
    mun_log_config config = config_of(b);
    mun_path path;
    mun_hash leaf;
    mun_log_status status;
    uint64_t found;
    config.read_only = true;
    MUN_TRY(mun_log_open(&config, &log, err));
    uint64_t size = mun_log_head(log).size;
    mun_buf MUN_BUF_AUTO buf = mun_buf_growable(1u << 24);
    mun_code code = mun_log_scan(log, 0, size, compare, &b->w, err);
    if (code == MUN_OK) code = mun_log_refresh(log, err);
    if (code == MUN_OK) code = mun_log_inclusion(log, size / 2, size, &path, err);
    if (code == MUN_OK) code = mun_log_consistency(log, size / 3, size, &path, err);
    if (code == MUN_OK) code = mun_log_root(log, size - 1, &leaf, err);
    if (code == MUN_OK) code = mun_log_leaf(log, size / 2, &leaf, err);
    if (code == MUN_OK) code = mun_log_find(log, &leaf, &found, err);
    if (code == MUN_OK) code = mun_log_status_get(log, &status, err);
    if (code == MUN_OK) code = mun_log_tile(log, 0, 0, MUN_LOG_TILE_WIDTH, &buf, err);
    if (code == MUN_OK) code = mun_log_tile(log, -1, 0, MUN_LOG_TILE_WIDTH, &buf, err);
    mun_error unused;
    (void)mun_log_close(log, &unused);
    return code;
}

static void fill(failing_world *b)
{
    mun_log *log;
    mun_log_config config = config_of(b);
    assert_ok(mun_log_create(&config, err));
    assert_ok(mun_log_open(&config, &log, err));
    assert_ok(append(b, log, 300, err));
    assert_ok(mun_log_close(log, err));
}

static void test_reader(void **state)
{
    (void)state;
    failing_world b;
    setup(&b, 4);
    fill(&b);
    for (int short_reads = 0; short_reads < 2; short_reads++) {
        bool struck = true;
        atomic_store(&b.f.reads_fail, short_reads == 1);
        for (int call = 1; struck && call < MAX_CALLS; call += 1 + call / 30) {
            mun_error why = {0};
            arm(&b, call);
            mun_code code = read_everything(&b, &why);
            struck = failed(&b, code, &why);
        }
        assert_false(struck);
    }
    world_close(&b.w);
}

static void test_fsck_and_rebuild(void **state)
{
    (void)state;
    failing_world b;
    setup(&b, 5);
    fill(&b);
    mun_log_config config = config_of(&b);
    config.threads = 1;
    for (int which = 0; which < 3; which++) {
        bool struck = true;
        atomic_store(&b.f.reads_fail, which == 1);
        for (int call = 1; struck && call < MAX_CALLS; call++) {
            mun_error why = {0};
            arm(&b, call);
            mun_code code = which < 2 ? mun_log_fsck(&config, NULL, NULL, &why)
                                      : mun_log_rebuild(&config, NULL, &why);
            struck = failed(&b, code, &why);
        }
        assert_false(struck);
        if (which == 2) assert_ok(mun_log_rebuild(&config, NULL, err));
        check(&b);
    }
    world_close(&b.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),           cmocka_unit_test(test_append),
        cmocka_unit_test(test_recovery),         cmocka_unit_test(test_reader),
        cmocka_unit_test(test_fsck_and_rebuild),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
