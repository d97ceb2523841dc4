/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every operation of log.h while its first, second, third ... call of the disk fails, its reads
 * come back short or with one bit wrong, its allocations or threads are refused: until a run
 * passes. Each call answers with an error that says something, or rightly; and afterwards the log
 * opens and holds all that was acknowledged [LOG-10]. In the small world only.
 */
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log/log_world.h"
#include "log/nth_alloc.h"
#include "log/nth_disk.h"
#include "log/params.h"

#define BASE       300u /* entries before */
#define LATE       5u   /* of them only in the journal, in the crashed log */
#define TEXT_MAX   4096u
#define ENTRY_MAX  600u
#define ACKED_MAX  64u
#define CLOCK_BASE 1000u
#define SIZES      (sizeof sizes / sizeof sizes[0])
#define HANG_AFTER 300u /* seconds: a call that never returns ends the program */

static const uint64_t sizes[] = {0, 1, 3, 64, 129, 256, 299, BASE};

typedef struct acked {
    uint64_t index, number;
} acked;

typedef struct stage {
    world w;
    mun_log_config config; /* the disk that fails */
    mun_log_config calm;
    nth_disk disk;
    nth_disk empty, clean, crashed, bare; /* where runs begin; bare: no hash files */
    mun_hash root[SIZES];
    acked acked[ACKED_MAX];
    unsigned acked_count;
    uint64_t runs;
    bool once; /* the run is the first: nothing is planned, everything must be right */
} stage;

static stage st;
static uint8_t room[1u << 20];

/* The number tells the whole entry. */
static mun_slice text_of(char text[TEXT_MAX], uint64_t number)
{
    size_t want = number >= 1000000 ? 3500 : number * 37 % ENTRY_MAX;
    size_t len = (size_t)snprintf(text, TEXT_MAX, "entry %llu", (unsigned long long)number);
    for (; len < want; len++) text[len] = '.';
    return mun_slice_of(text, len);
}

static bool is_text_of(mun_slice entry, uint64_t number)
{
    char text[TEXT_MAX];
    return mun_slice_equal(entry, text_of(text, number));
}

/* Whether a call went well; a failure must say what it is. */
static bool fine(mun_code code, mun_error *err)
{
    if (code == MUN_OK) return true;
    if (err->text[0] == '\0') fail_msg("%s without a sentence", mun_code_name(code));
    if (st.once) fail_msg("%s: %s", mun_code_name(code), err->text);
    *err = (mun_error){0};
    return false;
}

/* ---- reading ---------------------------------------------------------------------------------*/

static mun_code visit(void *ctx, uint64_t index, uint64_t time, mun_slice entry,
                      const mun_hash *leaf, mun_error *err)
{
    uint64_t *next = ctx;
    (void)leaf, (void)err;
    assert_int_equal(index, (*next)++);
    if (index < BASE) {
        assert_true(is_text_of(entry, index));
        assert_int_equal(time, CLOCK_BASE + index / 5);
    } else {
        char text[32] = {0};
        memcpy(text, entry.ptr, entry.len < 31 ? entry.len : 31);
        assert_true(is_text_of(entry, strtoull(text + 6, NULL, 10)));
    }
    return MUN_OK;
}

static void read_entries(mun_log *log, uint64_t size)
{
    mun_error err = {0};
    static const uint64_t some[] = {0, 31, 32, 63, 100, 160, 200, 230, 270, BASE - 1, BASE};
    for (size_t i = 0; i < sizeof some / sizeof some[0] && some[i] < size; i++) {
        mun_buf buf = mun_buf_fixed(room, sizeof room);
        uint64_t time;
        if (fine(mun_log_read(log, some[i], &buf, &time, &err), &err) && some[i] < BASE) {
            assert_true(is_text_of(mun_buf_slice(&buf), some[i]));
            assert_int_equal(time, CLOCK_BASE + some[i] / 5);
        }
        if (fine(mun_log_time(log, some[i], &time, &err), &err) && some[i] < BASE) {
            assert_int_equal(time, CLOCK_BASE + some[i] / 5);
        }
    }
    uint64_t next = 0;
    if (fine(mun_log_scan(log, 0, size, visit, &next, &err), &err)) assert_int_equal(next, size);
}

static void leaf_of(uint64_t number, mun_hash *ret)
{
    char text[TEXT_MAX];
    mun_hash_leaf(&st.w.crypto, text_of(text, number), ret);
}

static void read_tree(mun_log *log, uint64_t size)
{
    mun_error err = {0};
    mun_hash leaf, got, root;
    mun_path path;
    for (size_t i = 0; i < SIZES && sizes[i] <= size; i++) {
        if (fine(mun_log_root(log, sizes[i], &got, &err), &err)) {
            assert_true(mun_hash_equal(&got, &st.root[i]));
        }
        if (sizes[i] == 0) continue;
        uint64_t index = sizes[i] / 3;
        leaf_of(index, &leaf);
        if (fine(mun_log_leaf(log, index, &got, &err), &err)) {
            assert_true(!st.once || mun_hash_equal(&got, &leaf));
        }
        if (fine(mun_log_inclusion(log, index, sizes[i], &path, &err), &err)) {
            assert_int_equal(mun_inclusion_fold(&st.w.crypto, index, sizes[i], &leaf, path.node,
                                                path.len, &root),
                             MUN_OK);
            assert_true(mun_hash_equal(&root, &st.root[i]));
        }
        if (i < 2) continue;
        if (fine(mun_log_consistency(log, sizes[i - 1], sizes[i], &path, &err), &err)) {
            assert_int_equal(mun_consistency_check(&st.w.crypto, sizes[i - 1], &st.root[i - 1],
                                                   sizes[i], &st.root[i], path.node, path.len),
                             MUN_OK);
        }
    }
}

static void find_some(mun_log *log, uint64_t size)
{
    mun_error err = {0};
    mun_hash leaf;
    for (uint64_t i = 7; i < size && i < BASE; i += 97) {
        uint64_t index;
        leaf_of(i, &leaf);
        if (fine(mun_log_find(log, &leaf, &index, &err), &err)) assert_int_equal(index, i);
    }
    uint64_t index;
    leaf_of(999, &leaf);
    mun_code code = mun_log_find(log, &leaf, &index, &err);
    assert_true(code != MUN_OK);
    assert_true(!st.once || code == MUN_E_NOT_FOUND);
}

static void read_tiles(mun_log *log)
{
    mun_error err = {0};
    for (int level = -1; level < 5; level++) {
        mun_buf buf = mun_buf_fixed(room, sizeof room);
        unsigned width = level == 4 ? 1 : 3 + (unsigned)(level < 3);
        if (!fine(mun_log_tile(log, level, 0, width, &buf, &err), &err) || level != -1) continue;
        for (uint64_t i = 0; i < width; i++) {
            size_t len = (size_t)buf.ptr[0] << 8 | buf.ptr[1];
            assert_true(!st.once || is_text_of(mun_slice_of(buf.ptr + 2, len), i));
            buf.ptr += 2 + len;
        }
    }
}

static void read_all(mun_log *log)
{
    mun_error err = {0};
    mun_log_status status;
    mun_tree_head head = mun_log_head(log);
    if (fine(mun_log_status_get(log, &status, &err), &err)) {
        assert_int_equal(status.head.size, head.size);
    }
    read_entries(log, head.size);
    read_tree(log, head.size);
    read_tiles(log);
    find_some(log, head.size);
    fine(mun_log_refresh(log, &err), &err);
}

static void run_reader(void)
{
    mun_error err = {0};
    mun_log *log;
    mun_log_config config = st.config;
    config.read_only = true;
    if (!fine(mun_log_open(&config, &log, &err), &err)) return;
    assert_true(!st.once || mun_log_head(log).size == BASE);
    read_all(log);
    assert_int_equal(mun_log_close(log, &err), MUN_OK);
}

/* Beside a writer, whose own disk is sound. */
static void run_peer(void)
{
    mun_error err = {0};
    mun_log *log, *writer;
    mun_log_config config = st.config;
    char text[TEXT_MAX];
    mun_appended got;
    config.read_only = true;
    nth_plan plan = st.disk.plan;
    st.disk.plan = NTH_NOTHING;
    mun_slice entry = text_of(text, 5000);
    if (!fine(mun_log_open(&st.calm, &writer, &err), &err)) return;
    st.disk.plan = plan;
    if (fine(mun_log_open(&config, &log, &err), &err)) {
        fine(mun_log_append(writer, &entry, 1, &got, NULL, &err), &err);
        fine(mun_log_refresh(log, &err), &err);
        find_some(log, mun_log_head(log).size);
        read_tree(log, mun_log_head(log).size);
        assert_int_equal(mun_log_close(log, &err), MUN_OK);
    }
    (void)!mun_log_close(writer, NULL);
}

/* ---- writing ---------------------------------------------------------------------------------*/

static void run_create(void)
{
    mun_error err = {0};
    fine(mun_log_create(&st.config, &err), &err);
}

static void remember(uint64_t index, uint64_t number)
{
    assert_true(st.acked_count < ACKED_MAX);
    st.acked[st.acked_count++] = (acked){index, number};
}

/* n entries with numbers from first, by append or append_at. */
static void add(mun_log *log, uint64_t first, size_t n, bool at)
{
    static char text[40][TEXT_MAX];
    mun_slice entry[40];
    mun_appended got[40];
    mun_tree_head head;
    mun_error err = {0};
    memset(got, 0xa5,
           sizeof got); /* not a valid bool: UBSan sees who reads what was never written */
    for (size_t i = 0; i < n; i++) entry[i] = text_of(text[i], first + i);
    mun_code code = at ? mun_log_append_at(log, entry, n, 7000, &head, &err)
                       : mun_log_append(log, entry, n, got, &head, &err);
    if (!fine(code, &err)) return;
    for (size_t i = 0; i < n; i++) {
        uint64_t index = at ? head.size - n + i : got[i].index;
        assert_true(index < head.size);
        if (!at && first + i < BASE) assert_int_equal(index, first + i);
        remember(index, first + i);
    }
}

static void close_writer(mun_log *log)
{
    mun_error err = {0};
    fine(mun_log_close(log, &err), &err);
}

static void run_writer(void)
{
    mun_error err = {0};
    mun_log *log;
    if (!fine(mun_log_open(&st.config, &log, &err), &err)) return;
    add(log, 1000, 1, false);
    add(log, BASE - 3, 3, false); /* known */
    add(log, 2000, 8, false);
    read_entries(log, mun_log_head(log).size);
    add(log, 3000, 3, true);
    find_some(log, mun_log_head(log).size);
    add(log, 1000, 1, false);
    close_writer(log);
}

/* More than the ring holds: it grows, and commits wait for it. */
static void run_big_writer(void)
{
    mun_error err = {0};
    mun_log *log;
    if (!fine(mun_log_open(&st.config, &log, &err), &err)) return;
    add(log, 1000000, 12, false);
    add(log, 2000000, 12, false);
    add(log, 3000000, 10, true);
    close_writer(log);
}

static void run_opening(void)
{
    mun_error err = {0};
    mun_log *log;
    if (!fine(mun_log_open(&st.config, &log, &err), &err)) return;
    mun_tree_head head = mun_log_head(log);
    assert_int_equal(head.size, BASE);
    assert_true(mun_hash_equal(&head.root, &st.root[SIZES - 1]));
    close_writer(log);
}

static void run_fsck(void)
{
    mun_error err = {0};
    mun_tree_head head;
    if (!fine(mun_log_fsck(&st.config, NULL, &head, &err), &err)) return;
    assert_true(!st.once || head.size == BASE);
}

static void run_rebuild(void)
{
    mun_error err = {0};
    fine(mun_log_rebuild(&st.config, NULL, &err), &err);
}

/* ---- afterwards, on a disk that is sound again -----------------------------------------------*/

static void no_check(void) {}

/* All that was there and all that was acknowledged, and nothing that nobody sent. */
static void check_log(void)
{
    mun_log *log;
    mun_tree_head head;
    uint64_t next = 0;
    st.disk.held = false; /* what failed while it held the lock has ended */
    assert_ok(mun_log_open(&st.calm, &log, err));
    head = mun_log_head(log);
    assert_true(head.size >= BASE);
    assert_ok(mun_log_scan(log, 0, head.size, visit, &next, err));
    for (unsigned i = 0; i < st.acked_count; i++) {
        mun_buf buf = mun_buf_fixed(room, sizeof room);
        assert_ok(mun_log_read(log, st.acked[i].index, &buf, NULL, err));
        assert_true(is_text_of(mun_buf_slice(&buf), st.acked[i].number));
    }
    assert_ok(mun_log_close(log, err));
    if (st.runs++ % 4 == 0) assert_ok(mun_log_fsck(&st.calm, NULL, &head, err));
}

static void check_created(void)
{
    mun_log *log;
    mun_error again;
    mun_code code = mun_log_create(&st.calm, &again);
    assert_true(code == MUN_OK || code == MUN_E_EXISTS);
    assert_ok(mun_log_open(&st.calm, &log, err));
    assert_int_equal(mun_log_head(log).size, 0);
    assert_ok(mun_log_close(log, err));
    assert_ok(mun_log_fsck(&st.calm, NULL, NULL, err));
}

static void check_rebuilt(void)
{
    st.disk.held = false;
    assert_ok(mun_log_rebuild(&st.calm, NULL, err));
    check_log();
}

/* ---- one run after another -------------------------------------------------------------------*/

typedef struct trial {
    nth_disk *from;
    void (*run)(void);
    void (*check)(void);
} trial;

static void begin(const trial *t)
{
    nth_disk_copy(&st.disk, t->from);
    st.acked_count = 0;
    st.w.now = 5000;
    st.once = false;
}

/* Every call of the beginning, where opening and recovery are; of the rest, which repeats, a fifth.
 */
static uint64_t after(uint64_t n, uint64_t step)
{
    return n < 64 ? n + step : n + 5 * step;
}

static void calls_fail(const trial *t, nth_plan plan, mun_code code, uint64_t first, uint64_t step)
{
    bool struck = true;
    for (uint64_t n = first; struck; n = after(n, step)) {
        assert_true(n < 20000);
        begin(t);
        nth_disk_plan(&st.disk, plan, n, code);
        t->run();
        struck = atomic_load(&st.disk.struck);
        st.disk.plan = NTH_NOTHING;
        t->check();
    }
}

static void resources_fail(const trial *t, bool threads, bool for_ever, uint64_t step)
{
    bool struck = true;
    for (uint64_t n = 1; struck; n = after(n, step)) {
        assert_true(n < 20000);
        begin(t);
        if (threads) {
            nth_thread_plan(n, for_ever);
        } else {
            nth_alloc_plan(n, for_ever);
        }
        t->run();
        struck = nth_alloc_struck();
        nth_alloc_plan(0, false);
        nth_thread_plan(0, false);
        t->check();
    }
}

static const trial trials[] = {
    {&st.empty, run_create, check_created}, {&st.clean, run_reader, no_check},
    {&st.clean, run_peer, no_check},        {&st.clean, run_opening, check_log},
    {&st.crashed, run_opening, check_log},  {&st.clean, run_writer, check_log},
    {&st.clean, run_big_writer, check_log}, {&st.clean, run_fsck, no_check},
    {&st.crashed, run_fsck, check_log},     {&st.bare, run_rebuild, check_rebuilt},
};

#define TRIALS (sizeof trials / sizeof trials[0])

static void test_nothing_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRIALS; i++) {
        begin(&trials[i]);
        st.once = true;
        trials[i].run();
        st.once = false;
        trials[i].check();
    }
}

static void test_a_call_fails(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRIALS; i++) calls_fail(&trials[i], NTH_ONCE, MUN_E_IO, 1, 1);
}

static void test_other_failures(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRIALS; i++) {
        calls_fail(&trials[i], NTH_FOR_EVER, MUN_E_IO, 2, 5);
        calls_fail(&trials[i], NTH_ONCE, MUN_E_PERMISSION, 3, 7);
        calls_fail(&trials[i], NTH_ONCE, MUN_E_NO_SPACE, 1, 9);
    }
}

/* A writer that is told wrong bytes cannot know what was acknowledged: so readers only. */
static void test_reads_lie(void **state)
{
    (void)state;
    static const trial lied[] = {
        {&st.clean, run_reader, check_log},     {&st.clean, run_peer, no_check},
        {&st.clean, run_fsck, check_log},       {&st.crashed, run_fsck, check_log},
        {&st.bare, run_rebuild, check_rebuilt},
    };
    for (size_t i = 0; i < sizeof lied / sizeof lied[0]; i++) {
        calls_fail(&lied[i], NTH_SHORT, MUN_OK, 1, 1);
        calls_fail(&lied[i], NTH_FLIP, MUN_OK, 1, 1);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRIALS; i++) {
        resources_fail(&trials[i], false, false, 1);
        resources_fail(&trials[i], false, true, 3);
    }
}

static void test_no_threads(void **state)
{
    (void)state;
    for (size_t i = 0; i < TRIALS; i++) {
        resources_fail(&trials[i], true, false, 1);
        resources_fail(&trials[i], true, true, 1);
    }
}

static mun_code tile(mun_log *log, int level, uint64_t n, unsigned width, size_t cap)
{
    mun_error err;
    mun_buf buf = mun_buf_fixed(room, cap);
    return mun_log_tile(log, level, n, width, &buf, &err);
}

static void test_tiles_refused(void **state)
{
    (void)state;
    mun_log *log;
    mun_log_config config = st.calm;
    begin(&trials[1]);
    config.read_only = true;
    assert_true(nth_disk_flip(&st.disk, "hashes/0", 4 * 32 * 5));
    assert_ok(mun_log_open(&config, &log, err));
    assert_int_equal(tile(log, 0, 0, 0, sizeof room), MUN_E_NOT_FOUND);
    assert_int_equal(tile(log, 0, 0, MUN_LOG_TILE_WIDTH + 1, sizeof room), MUN_E_NOT_FOUND);
    assert_int_equal(tile(log, 0, BASE / 4 + 1, 1, sizeof room), MUN_E_NOT_FOUND);
    assert_int_equal(tile(log, 3, 1, 1, sizeof room), MUN_E_NOT_FOUND);
    assert_int_equal(tile(log, 60, 0, 1, sizeof room), MUN_E_NOT_FOUND);
    assert_int_equal(tile(log, 0, 0, 4, 31), MUN_E_LIMIT);
    assert_int_equal(tile(log, -1, 0, 4, 5), MUN_E_LIMIT);
    assert_int_equal(tile(log, 0, 5, 4, sizeof room), MUN_E_DAMAGED);
    assert_int_equal(tile(log, 0, 6, 4, sizeof room), MUN_OK);
    assert_ok(mun_log_close(log, err));
}

/* ---- the logs where runs begin ---------------------------------------------------------------*/

static void append_base(mun_log *log, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        char text[TEXT_MAX];
        mun_slice entry = text_of(text, i);
        mun_appended got;
        st.w.now = CLOCK_BASE + i / 5;
        assert_ok(mun_log_append(log, &entry, 1, &got, NULL, err));
        reference_add(&st.w.ref, entry, got.time_ms);
    }
}

static int make_logs(void **state)
{
    (void)state;
    mun_log *log;
    alarm(HANG_AFTER);
    world_open(&st.w, 1);
    nth_disk *disks[] = {&st.disk, &st.empty, &st.clean, &st.crashed, &st.bare};
    for (size_t i = 0; i < sizeof disks / sizeof disks[0]; i++) nth_disk_init(disks[i]);
    st.config = world_config(&st.w);
    st.config.threads = 2;
    st.calm = st.config;
    st.config.vfs = &st.disk.vfs;
    st.calm.vfs = &st.disk.calm;
    assert_ok(mun_log_create(&st.calm, err));
    assert_ok(mun_log_open(&st.calm, &log, err));
    append_base(log, 0, BASE - LATE);
    assert_ok(mun_log_close(log, err));
    assert_ok(mun_log_open(&st.calm, &log, err));
    append_base(log, BASE - LATE, BASE);
    nth_disk_copy(&st.crashed, &st.disk);
    assert_ok(mun_log_close(log, err));
    nth_disk_copy(&st.clean, &st.disk);
    nth_disk_copy(&st.bare, &st.disk);
    assert_true(nth_disk_remove(&st.bare, "hashes/0") && nth_disk_remove(&st.bare, "hashes/1"));
    assert_true(nth_disk_flip(&st.bare, "offsets", 77));
    for (size_t i = 0; i < SIZES; i++) reference_root(&st.w, sizes[i], &st.root[i]);
    return 0;
}

static int drop_logs(void **state)
{
    (void)state;
    nth_disk *disks[] = {&st.disk, &st.empty, &st.clean, &st.crashed, &st.bare};
    for (size_t i = 0; i < sizeof disks / sizeof disks[0]; i++) nth_disk_empty(disks[i]);
    world_close(&st.w);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_fails),  cmocka_unit_test(test_a_call_fails),
        cmocka_unit_test(test_other_failures), cmocka_unit_test(test_reads_lie),
        cmocka_unit_test(test_no_memory),      cmocka_unit_test(test_no_threads),
        cmocka_unit_test(test_tiles_refused),
    };
    return cmocka_run_group_tests(tests, make_logs, drop_logs);
}
