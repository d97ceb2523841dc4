/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader in another process stays through the end of a writer and the recovery of the next one:
 * whatever it has seen it can read at every moment, with the right time. [LOG-16], [LOG-19]
 */
#include "support/cmocka_all.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log/log_world.h"
#include "log/store.h"
#include "log/store_layout.h"

/* Some are flushed; then as many batches wait in the ring as fit, over the end of a commit block,
 * of a segment in the small world, and of blocks everywhere. */
#define FLUSHED (MUN_LOG_COMMITS_IN_BLOCK - 3)
#define WAITING (MUN_LOG_RING_FIRST / 2)
#define SLOW_US 100000u

typedef struct scene {
    world w;
    mun_vfs vfs; /* the writer's: the reader looks before each of its calls */
    mun_log *reader;
    bool watching, looking;
    unsigned looks;
    _Atomic bool slow; /* the next sync of the ledger's folder takes its time */
} scene;

static scene *stage; /* the table's ctx is the real one's */

/* Everything that the reader has seen. */
static void look(void)
{
    scene *s = stage;
    if (!s->watching || s->looking) return;
    s->looking = true;
    mun_tree_head head = mun_log_head(s->reader);
    for (uint64_t i = 0; i < head.size; i++) {
        uint8_t bytes[256];
        uint64_t time = 0;
        mun_hash leaf, want;
        mun_buf entry = mun_buf_fixed(bytes, sizeof bytes);
        mun_slice right = reference_entry(&s->w.ref, (size_t)i);
        assert_ok(mun_log_read(s->reader, i, &entry, &time, err));
        assert_true(mun_slice_equal(mun_buf_slice(&entry), right));
        assert_int_equal(time, s->w.ref.time[i]);
        assert_ok(mun_log_leaf(s->reader, i, &leaf, err));
        mun_hash_leaf(&s->w.crypto, right, &want);
        assert_true(mun_hash_equal(&leaf, &want));
    }
    s->looks++;
    s->looking = false;
}

static mun_code looked_write(void *ctx, mun_file *file, uint64_t offset, const void *bytes,
                             size_t len, mun_error *err)
{
    look();
    return stage->w.vfs.write(ctx, file, offset, bytes, len, err);
}

static mun_code looked_truncate(void *ctx, mun_file *file, uint64_t size, mun_error *err)
{
    look();
    return stage->w.vfs.truncate(ctx, file, size, err);
}

static mun_code looked_sync(void *ctx, mun_file *file, mun_error *err)
{
    look();
    return stage->w.vfs.sync(ctx, file, err);
}

/* Of a slow disk, when told so. */
static mun_code looked_sync_dir(void *ctx, const char *name, mun_error *err)
{
    look();
    if (name[0] == '\0' && atomic_exchange(&stage->slow, false)) usleep(SLOW_US);
    return stage->w.vfs.sync_dir(ctx, name, err);
}

static mun_store *open_store(scene *s)
{
    mun_store *store = NULL;
    mun_store_config config = {.vfs = &s->vfs,
                               .origin = MUN_LITERAL(WORLD_ORIGIN),
                               .random = world_nonce,
                               .random_ctx = &s->w};
    assert_ok(mun_store_open(&config, &s->w.crypto, &store, err));
    return store;
}

/* Batches of one entry, each with a time of its own; readers are shown them. */
static void add(scene *s, mun_store *store, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char text[64];
        mun_batch batch = {0};
        int len = snprintf(text, sizeof text, "entry %zu", s->w.ref.count);
        mun_slice entry = mun_slice_of(text, (size_t)len);
        assert_ok(mun_batch_init(&batch, 128, 1, err));
        assert_true(mun_batch_add(&batch, entry));
        batch.time_ms = 5000 + s->w.ref.count;
        if (!mun_store_has_room(store, &batch)) {
            assert_ok(mun_store_flush(store, &s->w.crypto, err));
        }
        assert_ok(mun_store_write(store, &s->w.crypto, &batch, err));
        assert_ok(mun_store_sync(store, &batch, err));
        assert_ok(mun_store_follow(store, &s->w.crypto, &batch, err));
        assert_ok(mun_store_publish(store, &s->w.crypto, err));
        reference_add(&s->w.ref, entry, batch.time_ms);
        mun_batch_finish(&batch);
    }
}

static void setup(scene *s, uint64_t seed)
{
    *s = (scene){0};
    stage = s;
    world_open(&s->w, seed);
    s->vfs = s->w.vfs;
    s->vfs.write = looked_write;
    s->vfs.truncate = looked_truncate;
    s->vfs.sync = looked_sync;
    s->vfs.sync_dir = looked_sync_dir;
    mun_log_config config = world_config(&s->w);
    assert_ok(mun_log_create(&config, err));
}

static void test_through_a_recovery(void **state)
{
    (void)state;
    scene s;
    setup(&s, 1);
    mun_log_config config = world_config(&s.w);
    config.read_only = true;
    mun_store *store = open_store(&s);
    add(&s, store, FLUSHED);
    assert_ok(mun_store_flush(store, &s.w.crypto, err));
    add(&s, store, WAITING);
    assert_int_equal(mun_store_flushed(store), FLUSHED);
    assert_ok(mun_log_open(&config, &s.reader, err));
    assert_int_equal(mun_log_head(s.reader).size, s.w.ref.count);
    mun_store_close(store); /* as if it had been killed */
    s.watching = true;
    store = open_store(&s);
    assert_true(s.looks > 10);
    add(&s, store, 5);
    assert_ok(mun_log_refresh(s.reader, err));
    assert_int_equal(mun_log_head(s.reader).size, s.w.ref.count);
    look();
    s.watching = false;
    mun_store_close(store);
    assert_ok(mun_log_close(s.reader, err));
    world_close(&s.w);
}

typedef struct opening {
    scene *s;
    mun_log_config config;
    mun_code code;
    mun_error err;
} opening;

/* Once the folder is being synced, opens and closes. */
static void *open_meanwhile(void *arg)
{
    opening *o = arg;
    while (atomic_load(&o->s->slow)) usleep(100);
    mun_log *log = NULL;
    o->code = mun_log_open(&o->config, &log, &o->err);
    if (o->code == MUN_OK) o->code = mun_log_close(log, &o->err);
    return NULL;
}

/* Between a larger journal's name and what it publishes stands the sync of the folder: who opens
 * for reading then waits for it. */
static void test_opening_while_the_journal_grows(void **state)
{
    (void)state;
    scene s;
    pthread_t thread;
    setup(&s, 2);
    mun_store *store = open_store(&s);
    add(&s, store, WAITING);
    opening o = {.s = &s, .config = world_config(&s.w)};
    o.config.read_only = true;
    atomic_store(&s.slow, true);
    assert_int_equal(pthread_create(&thread, NULL, open_meanwhile, &o), 0);
    assert_ok(mun_store_grow(store, &s.w.crypto, 2 * MUN_LOG_RING_FIRST, err));
    pthread_join(thread, NULL);
    if (o.code != MUN_OK) fail_msg("open: %s: %s", mun_code_name(o.code), o.err.text);
    mun_store_close(store);
    world_close(&s.w);
}

/* A rebuild puts other files in the place of those that a reader has open; what is appended then is
 * in the new ones. */
static void test_through_a_rebuild(void **state)
{
    (void)state;
    scene s;
    setup(&s, 3);
    mun_log_config config = world_config(&s.w);
    mun_store *store = open_store(&s);
    add(&s, store, 2 * MUN_LOG_TILE_WIDTH + 1);
    assert_ok(mun_store_flush(store, &s.w.crypto, err));
    config.read_only = true;
    assert_ok(mun_log_open(&config, &s.reader, err));
    s.watching = true;
    look();
    s.watching = false;
    for (int round = 0; round < 2; round++) {
        mun_path path;
        mun_store_close(store);
        assert_ok(mun_log_rebuild(&config, NULL, err));
        store = open_store(&s);
        add(&s, store, 3 * MUN_LOG_TILE_WIDTH);
        assert_ok(mun_log_refresh(s.reader, err));
        assert_int_equal(mun_log_head(s.reader).size, s.w.ref.count);
        s.watching = true;
        look();
        s.watching = false;
        assert_ok(mun_log_inclusion(s.reader, 1, s.w.ref.count, &path, err));
    }
    mun_store_close(store);
    assert_ok(mun_log_close(s.reader, err));
    world_close(&s.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_through_a_recovery),
        cmocka_unit_test(test_opening_while_the_journal_grows),
        cmocka_unit_test(test_through_a_rebuild),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
