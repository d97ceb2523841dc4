/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated disk itself: what was synced survives everything, what was not shows every fate
 * that simdisk.h promises, and all of it follows from the seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slice.h"
#include "sim/simdisk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR 512
#define SEEDS  400

typedef struct world {
    sim_disk *disk;
    const mun_vfs *vfs;
    void *ctx;
    mun_error err;
} world;

static world start(uint64_t seed)
{
    world w = {.disk = sim_disk_new(SECTOR, SECTOR, seed)};
    w.vfs = sim_disk_vfs(w.disk);
    w.ctx = w.vfs->ctx;
    return w;
}

static mun_file *create(world *w, const char *name)
{
    mun_file *file = NULL;
    unsigned flags = MUN_OPEN_WRITE | MUN_OPEN_CREATE;
    assert_int_equal(w->vfs->open(w->ctx, name, flags, &file, &w->err), MUN_OK);
    return file;
}

static void fill(world *w, mun_file *file, uint64_t offset, size_t len, int byte)
{
    static uint8_t bytes[16 * SECTOR];
    memset(bytes, byte, len);
    assert_int_equal(w->vfs->write(w->ctx, file, offset, bytes, len, &w->err), MUN_OK);
}

/* A file of `sectors` sectors of 'a', durable with its name; open. */
static mun_file *durable(world *w, const char *name, unsigned sectors)
{
    mun_file *file = create(w, name);
    fill(w, file, 0, (size_t)sectors * SECTOR, 'a');
    assert_int_equal(w->vfs->sync(w->ctx, file, &w->err), MUN_OK);
    assert_int_equal(w->vfs->sync_dir(w->ctx, "", &w->err), MUN_OK);
    return file;
}

static mun_slice bytes_of(const world *w, const char *name)
{
    mun_slice bytes = {0};
    assert_true(sim_disk_bytes(w->disk, name, &bytes));
    return bytes;
}

static bool all(mun_slice bytes, int byte)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] != byte) return false;
    }
    return true;
}

static void synced_survives(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        world w = start(seed);
        w.vfs->close(w.ctx, durable(&w, "f", 3));
        sim_disk_power_cut(w.disk);
        mun_slice bytes = bytes_of(&w, "f");
        assert_int_equal(bytes.len, 3 * SECTOR);
        assert_true(all(bytes, 'a'));
        sim_disk_free(w.disk);
    }
}

/* Over many seeds one overwritten sector meets each fate, and none that was not promised. */
static void fates_of_a_sector(void **state)
{
    (void)state;
    unsigned old = 0, between = 0, latest = 0, torn = 0, garbled = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        world w = start(seed);
        mun_file *file = durable(&w, "f", 3);
        fill(&w, file, SECTOR, SECTOR, 'b');
        fill(&w, file, SECTOR, SECTOR, 'c');
        w.vfs->close(w.ctx, file);
        assert_true(all(mun_slice_of(bytes_of(&w, "f").ptr + SECTOR, SECTOR), 'c'));
        sim_disk_power_cut(w.disk);
        mun_slice bytes = bytes_of(&w, "f");
        assert_int_equal(bytes.len, 3 * SECTOR);
        assert_true(all(mun_slice_of(bytes.ptr, SECTOR), 'a'));
        assert_true(all(mun_slice_of(bytes.ptr + 2 * SECTOR, SECTOR), 'a'));
        mun_slice middle = mun_slice_of(bytes.ptr + SECTOR, SECTOR);
        uint8_t first = middle.ptr[0], last = middle.ptr[SECTOR - 1];
        if (all(middle, 'a'))
            old++;
        else if (all(middle, 'b'))
            between++;
        else if (all(middle, 'c'))
            latest++;
        else if (first != last && first >= 'a' && first <= 'c' && last >= 'a' && last <= 'c')
            torn++;
        else
            garbled++;
        sim_disk_free(w.disk);
    }
    assert_true(old > 0 && between > 0 && latest > 0 && torn > 0 && garbled > 0);
    assert_int_equal(old + between + latest + torn + garbled, SEEDS);
}

static void sizes_old_new_between(void **state)
{
    (void)state;
    unsigned old = 0, between = 0, latest = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        world w = start(seed);
        mun_file *file = durable(&w, "f", 1);
        fill(&w, file, SECTOR, 3 * SECTOR, 'b');
        w.vfs->close(w.ctx, file);
        sim_disk_power_cut(w.disk);
        size_t len = bytes_of(&w, "f").len;
        assert_true(len >= SECTOR && len <= 4 * SECTOR);
        if (len == SECTOR)
            old++;
        else if (len == 4 * SECTOR)
            latest++;
        else
            between++;
        sim_disk_free(w.disk);
    }
    assert_true(old > 0 && between > 0 && latest > 0);
}

/* A file cut short without a sync may be as long as before, with its old bytes. */
static void truncation_may_come_back(void **state)
{
    (void)state;
    unsigned back = 0, gone = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        world w = start(seed);
        mun_file *file = durable(&w, "f", 2);
        assert_int_equal(w.vfs->truncate(w.ctx, file, 10, &w.err), MUN_OK);
        w.vfs->close(w.ctx, file);
        sim_disk_power_cut(w.disk);
        mun_slice bytes = bytes_of(&w, "f");
        if (bytes.len == 2 * SECTOR && all(bytes, 'a')) back++;
        if (bytes.len == 10) gone++;
        sim_disk_free(w.disk);
    }
    assert_true(back > 0 && gone > 0);
}

static void names_without_sync_dir(void **state)
{
    (void)state;
    unsigned made = 0, moved = 0, removed = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        world w = start(seed);
        w.vfs->close(w.ctx, durable(&w, "old", 1));
        w.vfs->close(w.ctx, durable(&w, "victim", 1));
        w.vfs->close(w.ctx, create(&w, "new"));
        assert_int_equal(w.vfs->rename(w.ctx, "old", "moved", &w.err), MUN_OK);
        assert_int_equal(w.vfs->remove(w.ctx, "victim", &w.err), MUN_OK);
        sim_disk_power_cut(w.disk);
        mun_slice bytes;
        made += sim_disk_bytes(w.disk, "new", &bytes);
        removed += !sim_disk_bytes(w.disk, "victim", &bytes);
        bool there = sim_disk_bytes(w.disk, "moved", &bytes);
        assert_int_equal(there, !sim_disk_bytes(w.disk, "old", &bytes)); /* never both or none */
        moved += there;
        sim_disk_free(w.disk);
    }
    assert_true(made > 0 && made < SEEDS);
    assert_true(moved > 0 && moved < SEEDS);
    assert_true(removed > 0 && removed < SEEDS);
}

static void a_lost_folder_takes_its_files(void **state)
{
    (void)state;
    unsigned lost = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        world w = start(seed);
        mun_slice bytes;
        assert_int_equal(w.vfs->make_dir(w.ctx, "d", &w.err), MUN_OK);
        w.vfs->close(w.ctx, create(&w, "d/f"));
        assert_int_equal(w.vfs->sync_dir(w.ctx, "d", &w.err), MUN_OK);
        sim_disk_power_cut(w.disk);
        lost += !sim_disk_bytes(w.disk, "d/f", &bytes);
        sim_disk_free(w.disk);
    }
    assert_true(lost > 0 && lost < SEEDS);
}

static void a_kill_loses_nothing(void **state)
{
    (void)state;
    world w = start(1);
    mun_file *file = create(&w, "f");
    fill(&w, file, 0, 100, 'x');
    w.vfs->close(w.ctx, file);
    sim_disk_kill(w.disk);
    assert_int_equal(bytes_of(&w, "f").len, 100);
    assert_true(all(bytes_of(&w, "f"), 'x'));
    sim_disk_free(w.disk);
}

/* After a failed sync the cache shows all, a second sync says yes, and the disk has only a part. */
static void a_failed_sync_lies(void **state)
{
    (void)state;
    unsigned missing = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        world w = start(seed);
        mun_file *file = durable(&w, "f", 4);
        fill(&w, file, 0, 4 * SECTOR, 'b');
        sim_disk_plan(w.disk, SIM_FAIL_ONCE, 1, SIM_SYNC);
        assert_int_equal(w.vfs->sync(w.ctx, file, &w.err), MUN_E_IO);
        assert_true(sim_disk_struck(w.disk));
        assert_true(all(bytes_of(&w, "f"), 'b'));
        assert_int_equal(w.vfs->sync(w.ctx, file, &w.err), MUN_OK);
        w.vfs->close(w.ctx, file);
        sim_disk_power_cut(w.disk);
        missing += !all(bytes_of(&w, "f"), 'b');
        sim_disk_free(w.disk);
    }
    assert_true(missing > SEEDS / 2);
}

static void calls_fail_once_or_for_ever(void **state)
{
    (void)state;
    world w = start(1);
    mun_file *file = durable(&w, "f", 1);
    uint64_t size;
    sim_disk_plan(w.disk, SIM_FAIL_ONCE, 2, SIM_SIZE);
    assert_int_equal(w.vfs->size(w.ctx, file, &size, &w.err), MUN_OK);
    assert_int_equal(w.vfs->size(w.ctx, file, &size, &w.err), MUN_E_IO);
    assert_int_equal(w.vfs->size(w.ctx, file, &size, &w.err), MUN_OK);
    sim_disk_plan(w.disk, SIM_FAIL_FOREVER, 1, SIM_SIZE);
    assert_int_equal(w.vfs->size(w.ctx, file, &size, &w.err), MUN_E_IO);
    assert_int_equal(w.vfs->size(w.ctx, file, &size, &w.err), MUN_E_IO);
    assert_int_equal(w.vfs->sync(w.ctx, file, &w.err), MUN_OK); /* not of its kind */
    sim_disk_calm(w.disk);
    assert_int_equal(w.vfs->size(w.ctx, file, &size, &w.err), MUN_OK);
    w.vfs->close(w.ctx, file);
    sim_disk_free(w.disk);
}

static void nothing_works_without_power(void **state)
{
    (void)state;
    world w = start(1);
    mun_file *file = durable(&w, "f", 1);
    uint64_t changes = sim_disk_changes(w.disk);
    sim_disk_plan(w.disk, SIM_KILL, 1, SIM_SIZE);
    uint64_t size;
    assert_int_equal(w.vfs->size(w.ctx, file, &size, &w.err), MUN_E_IO);
    assert_true(sim_disk_is_off(w.disk));
    assert_int_equal(w.vfs->write(w.ctx, file, 0, "x", 1, &w.err), MUN_E_IO);
    assert_int_equal(w.vfs->remove(w.ctx, "f", &w.err), MUN_E_IO);
    assert_int_equal(w.vfs->truncate(w.ctx, file, 0, &w.err), MUN_E_IO);
    assert_int_equal(sim_disk_changes(w.disk), changes);
    w.vfs->close(w.ctx, file);
    sim_disk_calm(w.disk);
    sim_disk_kill(w.disk);
    w.vfs->close(w.ctx, create(&w, "f"));
    assert_true(all(bytes_of(&w, "f"), 'a'));
    sim_disk_free(w.disk);
}

static void the_disk_fills_up(void **state)
{
    (void)state;
    world w = start(1);
    mun_file *file = durable(&w, "f", 1);
    sim_disk_set_budget(w.disk, sim_disk_used(w.disk) + 10);
    assert_int_equal(w.vfs->write(w.ctx, file, SECTOR, "0123456789ab", 12, &w.err), MUN_E_NO_SPACE);
    assert_int_equal(bytes_of(&w, "f").len, SECTOR + 10); /* what fitted is there */
    fill(&w, file, 0, SECTOR, 'b');                       /* no growth, no complaint */
    uint64_t room = 1;
    assert_int_equal(w.vfs->free_space(w.ctx, &room, &w.err), MUN_OK);
    assert_int_equal(room, 0);
    assert_int_equal(w.vfs->truncate(w.ctx, file, 5, &w.err), MUN_OK);
    assert_int_equal(w.vfs->write(w.ctx, file, 5, "x", 1, &w.err), MUN_OK);
    w.vfs->close(w.ctx, file);
    sim_disk_free(w.disk);
}

static void one_read_lies(void **state)
{
    (void)state;
    world w = start(1);
    mun_file *file = durable(&w, "f", 1);
    uint8_t got[SECTOR];
    size_t len;
    uint64_t offset;
    sim_disk_plan(w.disk, SIM_FLIP, 2, SIM_READ);
    assert_int_equal(w.vfs->read(w.ctx, file, 0, got, SECTOR, &len, &w.err), MUN_OK);
    assert_true(all(mun_slice_of(got, SECTOR), 'a'));
    assert_int_equal(w.vfs->read(w.ctx, file, 0, got, SECTOR, &len, &w.err), MUN_OK);
    assert_string_equal(sim_disk_flip_place(w.disk, &offset), "f");
    assert_int_not_equal(got[offset], 'a');
    assert_true(all(bytes_of(&w, "f"), 'a'));
    sim_disk_flip(w.disk, "f", 7, 0);
    assert_int_equal(bytes_of(&w, "f").ptr[7], 'a' ^ 1);
    w.vfs->close(w.ctx, file);
    sim_disk_free(w.disk);
}

/* Through the cache a byte makes its page dirty, and with it the page's other sectors. */
static void pages_are_written_whole(void **state)
{
    (void)state;
    unsigned neighbour = 0;
    for (int direct = 0; direct < 2; direct++) {
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            world w = {.disk = sim_disk_new(SECTOR, 4096, seed)};
            w.vfs = sim_disk_vfs(w.disk);
            w.ctx = w.vfs->ctx;
            w.vfs->close(w.ctx, durable(&w, "f", 8));
            mun_file *file = NULL;
            unsigned flags = MUN_OPEN_WRITE | (direct ? MUN_OPEN_DIRECT : 0);
            assert_int_equal(w.vfs->open(w.ctx, "f", flags, &file, &w.err), MUN_OK);
            fill(&w, file, 0, SECTOR, 'b');
            w.vfs->close(w.ctx, file);
            sim_disk_power_cut(w.disk);
            bool same = all(mun_slice_of(bytes_of(&w, "f").ptr + SECTOR, 7 * SECTOR), 'a');
            if (direct)
                assert_true(same);
            else
                neighbour += !same;
            sim_disk_free(w.disk);
        }
    }
    assert_true(neighbour > 0);
}

static void locks_end_with_the_process(void **state)
{
    (void)state;
    world w = start(1);
    mun_file *lock = NULL;
    mun_file *second = NULL;
    assert_int_equal(w.vfs->lock(w.ctx, "lock", "", &lock, &w.err), MUN_OK);
    assert_int_equal(w.vfs->lock(w.ctx, "lock", "", &second, &w.err), MUN_E_BUSY);
    assert_true(w.vfs->locked(w.ctx, "lock"));
    w.vfs->close(w.ctx, lock); /* not unlocked: as when the process dies */
    sim_disk_kill(w.disk);
    assert_false(w.vfs->locked(w.ctx, "lock"));
    assert_int_equal(w.vfs->lock(w.ctx, "lock", "", &lock, &w.err), MUN_OK);
    w.vfs->unlock(w.ctx, lock);
    sim_disk_free(w.disk);
}

static void count(void *ctx, const char *entry)
{
    (void)entry;
    ++*(unsigned *)ctx;
}

/* Some work with accidents, summed up in one number. */
static uint64_t run(sim_disk *disk)
{
    const mun_vfs *vfs = sim_disk_vfs(disk);
    mun_error err;
    mun_file *file;
    unsigned names = 0;
    for (int i = 0; i < 20; i++) {
        char name[8];
        snprintf(name, sizeof name, "f%d", i % 3);
        sim_disk_plan(disk, SIM_FAIL_ONCE, 5, SIM_ANY);
        if (vfs->open(vfs->ctx, name, MUN_OPEN_WRITE | MUN_OPEN_CREATE, &file, &err) != MUN_OK)
            continue;
        (void)!vfs->write(vfs->ctx, file, (uint64_t)i * 100, "some bytes", 10, &err);
        (void)!vfs->sync(vfs->ctx, file, &err);
        (void)!vfs->sync_dir(vfs->ctx, "", &err);
        (void)!vfs->write(vfs->ctx, file, (uint64_t)i * 130, "more bytes", 10, &err);
        vfs->close(vfs->ctx, file);
        sim_disk_calm(disk);
        sim_disk_power_cut(disk);
    }
    (void)!vfs->list(vfs->ctx, "", count, &names, &err);
    uint64_t sum = names;
    for (size_t i = 0; i < sim_disk_files(disk); i++) {
        mun_slice bytes;
        if (!sim_disk_bytes(disk, sim_disk_file_name(disk, i), &bytes)) continue;
        for (size_t at = 0; at < bytes.len; at++) sum = sum * 31 + bytes.ptr[at];
    }
    return sum;
}

static void a_seed_gives_one_run(void **state)
{
    (void)state;
    sim_disk *a = sim_disk_new(SECTOR, SECTOR, 9);
    sim_disk *b = sim_disk_new(SECTOR, SECTOR, 1);
    uint64_t first = run(a);
    (void)run(b);
    sim_disk_reset(b, 9); /* what was there before leaves no trace */
    assert_int_equal(run(b), first);
    sim_disk_copy(b, a, 77);
    sim_disk *c = sim_disk_new(SECTOR, SECTOR, 0);
    sim_disk_copy(c, a, 77);
    assert_int_equal(run(b), run(c));
    sim_disk_free(a);
    sim_disk_free(b);
    sim_disk_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(synced_survives),
        cmocka_unit_test(fates_of_a_sector),
        cmocka_unit_test(sizes_old_new_between),
        cmocka_unit_test(truncation_may_come_back),
        cmocka_unit_test(names_without_sync_dir),
        cmocka_unit_test(a_lost_folder_takes_its_files),
        cmocka_unit_test(a_kill_loses_nothing),
        cmocka_unit_test(a_failed_sync_lies),
        cmocka_unit_test(calls_fail_once_or_for_ever),
        cmocka_unit_test(nothing_works_without_power),
        cmocka_unit_test(the_disk_fills_up),
        cmocka_unit_test(one_read_lies),
        cmocka_unit_test(pages_are_written_whole),
        cmocka_unit_test(locks_end_with_the_process),
        cmocka_unit_test(a_seed_gives_one_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
