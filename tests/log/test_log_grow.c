/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal grows when flushes follow each other closely by the times of the batches. A burst
 * here fills five eighths of the ring: one flush is due, and no commit has to wait for room.
 */
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "log/log_fault.h"
#include "log/log_parts.h"
#include "log/log_world.h"
#include "log/store_layout.h"

#define APART_MS   2000u                                                 /* FLUSHES_APART */
#define NO_ROOM_MS 60000u                                                /* the same name */
#define FAR_ENOUGH (MUN_LOG_RING_MAX < 1024u ? MUN_LOG_RING_MAX : 1024u) /* blocks to test with */

/* The disk's table with an eye on new journals. */
static const mun_vfs *under;
static mun_vfs watched;
static _Atomic bool room;
static _Atomic unsigned tries;

static mun_code watched_open(void *ctx, const char *name, unsigned flags, mun_file **ret,
                             mun_error *err)
{
    if (strcmp(name, MUN_FILE_JOURNAL_NEW) == 0) {
        atomic_fetch_add(&tries, 1);
        if (!atomic_load(&room)) {
            return mun_fail(err, MUN_E_NO_SPACE, MUN_NO_OFFSET, "planted: no room for this one");
        }
    }
    return under->open(ctx, name, flags, ret, err);
}

static mun_log *open_log(world *w, const mun_vfs *vfs)
{
    mun_log *log = NULL;
    mun_log_config config = world_config(w);
    config.vfs = vfs;
    config.no_dedup = true;
    assert_ok(mun_log_open(&config, &log, err));
    return log;
}

static mun_log *setup(world *w, uint64_t seed, fault *ret)
{
    world_open(w, seed);
    mun_log_config config = world_config(w);
    assert_ok(mun_log_create(&config, err));
    if (ret == NULL) {
        under = &w->vfs;
        watched = *under;
        watched.open = watched_open;
        atomic_store(&room, true);
        atomic_store(&tries, 0);
        return open_log(w, &watched);
    }
    fault_init(ret, &w->vfs);
    return open_log(w, &ret->vfs);
}

static uint32_t ring(mun_log *log)
{
    pthread_mutex_lock(&log->gate);
    while (log->growing) pthread_cond_wait(&log->ring, &log->gate);
    uint32_t blocks = mun_store_ring_blocks(log->store);
    pthread_mutex_unlock(&log->gate);
    return blocks;
}

/* One commit, of one block. */
static mun_code append(world *w, mun_log *log)
{
    uint8_t bytes[MUN_LOG_BLOCK - MUN_LOG_HEADER_BYTES - 2] = {0};
    mun_slice entry = mun_slice_of(bytes, sizeof bytes);
    mun_appended got;
    (void)!world_bytes(w, bytes, 16);
    MUN_TRY(mun_log_append(log, &entry, 1, &got, NULL, NULL));
    reference_add(&w->ref, entry, got.time_ms);
    return MUN_OK;
}

static void wait_flushed(mun_log *log)
{
    for (int i = 0; mun_store_flushed(log->store) < mun_log_head(log).size; i++) {
        assert_true(i < 20000);
        usleep(1000);
    }
}

/* As many blocks as five eighths of the ring, then rest. One block more, and rest again: then the
 * follower has been through with the flush that was due. */
static void burst(world *w, mun_log *log)
{
    uint32_t blocks = ring(log) / 8 * 5;
    for (uint32_t i = 0; i < blocks; i++) assert_int_equal(append(w, log), MUN_OK);
    wait_flushed(log);
    assert_int_equal(append(w, log), MUN_OK);
    wait_flushed(log);
}

/* Bursts at one time until that many new journals were tried. On a busy machine the follower may
 * find itself idle in the middle of a burst, and flush before it is due. */
static void bursts_until(world *w, mun_log *log, unsigned want)
{
    for (int i = 0; atomic_load(&tries) < want; i++) {
        assert_true(i < 60);
        burst(w, log);
    }
    assert_int_equal(atomic_load(&tries), want);
}

static void teardown(world *w, mun_log *log, uint32_t want)
{
    reference_check(w, log);
    assert_ok(mun_log_close(log, err));
    log = open_log(w, &w->vfs);
    assert_int_equal(ring(log), want);
    reference_check(w, log);
    assert_ok(mun_log_close(log, err));
    mun_log_config config = world_config(w);
    assert_ok(mun_log_fsck(&config, NULL, NULL, err));
    world_close(w);
}

/* Two flushes close together: the commit behind them lets it grow. And so on, in the small world up
 * to the maximum. */
static void test_grows_when_crowded(void **state)
{
    (void)state;
    world w;
    mun_log *log = setup(&w, 1, NULL);
    uint32_t want = MUN_LOG_RING_FIRST;
    assert_int_equal(ring(log), want);
    burst(&w, log);
    assert_int_equal(append(&w, log), MUN_OK);
    assert_int_equal(ring(log), want); /* one flush alone is not close to another */
    wait_flushed(log);
    for (unsigned grown = 0; want < FAR_ENOUGH; grown++) {
        w.now += APART_MS - 1;
        bursts_until(&w, log, grown + 1);
        want = want * 4 < MUN_LOG_RING_MAX ? want * 4 : MUN_LOG_RING_MAX;
        assert_int_equal(ring(log), want);
        assert_int_equal(atomic_load(&tries), grown + 1);
        wait_flushed(log);
    }
    unsigned so_far = atomic_load(&tries);
    for (int i = 0; i < 2 && want == MUN_LOG_RING_MAX; i++) {
        burst(&w, log);
        assert_int_equal(append(&w, log), MUN_OK);
        assert_int_equal(ring(log), MUN_LOG_RING_MAX);
        wait_flushed(log);
    }
    assert_int_equal(atomic_load(&tries), so_far);
    teardown(&w, log, want);
}

static void test_stays_when_apart(void **state)
{
    (void)state;
    world w;
    mun_log *log = setup(&w, 2, NULL);
    for (int i = 0; i < 5; i++) {
        burst(&w, log);
        w.now += APART_MS;
    }
    assert_int_equal(append(&w, log), MUN_OK);
    assert_int_equal(ring(log), MUN_LOG_RING_FIRST);
    assert_int_equal(atomic_load(&tries), 0);
    teardown(&w, log, MUN_LOG_RING_FIRST);
}

/* No room for a larger journal: the log goes on with this one, and does not fill what room is left
 * again and again. When there is room, it grows at last. */
static void test_no_room_for_a_larger_one(void **state)
{
    (void)state;
    world w;
    mun_log *log = setup(&w, 3, NULL);
    atomic_store(&room, false);
    bursts_until(&w, log, 1);
    for (int i = 0; i < 4; i++) burst(&w, log);
    assert_int_equal(ring(log), MUN_LOG_RING_FIRST);
    assert_int_equal(atomic_load(&tries), 1);
    reference_check(&w, log);
    wait_flushed(log);
    w.now += NO_ROOM_MS;
    bursts_until(&w, log, 2);
    wait_flushed(log);
    atomic_store(&room, true);
    w.now += NO_ROOM_MS;
    bursts_until(&w, log, 3);
    assert_int_equal(ring(log), 4 * MUN_LOG_RING_FIRST);
    wait_flushed(log);
    teardown(&w, log, 4 * MUN_LOG_RING_FIRST);
}

/* A full disk holds up the follower: a commit that finds room in the ring is not refused because
 * the ring was to grow. */
static void test_crowded_on_a_full_disk(void **state)
{
    (void)state;
    world w;
    fault f;
    mun_log *log = setup(&w, 4, &f);
    for (int i = 0; i < 3; i++) assert_int_equal(append(&w, log), MUN_OK);
    wait_flushed(log);
    atomic_store(&f.full, true);
    assert_int_equal(append(&w, log), MUN_OK);
    for (int i = 0; i < 3; i++) {
        atomic_store(&log->hurried, true);
        assert_int_equal(append(&w, log), MUN_OK);
    }
    mun_code code = MUN_OK;
    for (int i = 0; i < 1000 && code == MUN_OK; i++) code = append(&w, log);
    assert_int_equal(code, MUN_E_NO_SPACE); /* when the ring is full */
    reference_check(&w, log);
    atomic_store(&f.full, false);
    for (int i = 0; append(&w, log) != MUN_OK; i++) {
        assert_true(i < 1000);
        usleep(10000);
    }
    wait_flushed(log);
    teardown(&w, log, ring(log));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows_when_crowded),
        cmocka_unit_test(test_stays_when_apart),
        cmocka_unit_test(test_no_room_for_a_larger_one),
        cmocka_unit_test(test_crowded_on_a_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
