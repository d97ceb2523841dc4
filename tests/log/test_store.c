/* SPDX-License-Identifier: Apache-2.0 */
/* The store's steps on a real disk: what is acknowledged survives whatever step comes last. */
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "log/log_world.h"
#include "log/store.h"
#include "log/store_layout.h"
#include "log/store_reader.h"

#define QUEUE 64

typedef struct driver {
    world w;
    mun_store *store;
    mun_batch queue[QUEUE]; /* synced, not followed */
    unsigned queued;
} driver;

static mun_store_config config_of(driver *d)
{
    return (mun_store_config){
        .vfs = &d->w.vfs,
        .origin = MUN_LITERAL(WORLD_ORIGIN),
        .random = world_nonce,
        .random_ctx = &d->w,
        .ring_blocks = 24,
    };
}

static void drop_queue(driver *d)
{
    for (unsigned i = 0; i < d->queued; i++) mun_batch_finish(&d->queue[i]);
    d->queued = 0;
}

static void follow_all(driver *d)
{
    for (unsigned i = 0; i < d->queued; i++) {
        assert_ok(mun_store_follow(d->store, &d->w.crypto, &d->queue[i], err));
    }
    drop_queue(d);
    assert_ok(mun_store_publish(d->store, &d->w.crypto, err));
}

static void reopen(driver *d)
{
    mun_store_config config = config_of(d);
    drop_queue(d);
    mun_store_close(d->store);
    assert_ok(mun_store_open(&config, &d->w.crypto, &d->store, err));
}

static void commit(driver *d)
{
    world *w = &d->w;
    mun_batch b;
    assert_ok(mun_batch_init(&b, mun_store_payload_max(d->store), 64, err));
    uint64_t n = world_random(w, 40);
    for (uint64_t i = 0; i < n; i++) {
        uint8_t entry[3000];
        size_t len = 1 + (size_t)world_random(w, world_random(w, 8) == 0 ? sizeof entry : 60);
        (void)!world_bytes(w, entry, len);
        if (!mun_batch_add(&b, mun_slice_of(entry, len))) break;
        reference_add(&w->ref, mun_slice_of(entry, len), w->now);
    }
    b.time_ms = w->now++;
    if (!mun_store_has_room(d->store, &b) || d->queued == QUEUE) {
        follow_all(d);
        assert_ok(mun_store_flush(d->store, &w->crypto, err));
    }
    assert_ok(mun_store_write(d->store, &w->crypto, &b, err));
    assert_ok(mun_store_sync(d->store, &b, err));
    assert_ok(mun_batch_copy(&b, &d->queue[d->queued++], err));
    mun_batch_finish(&b);
}

static void check(driver *d)
{
    world *w = &d->w;
    mun_hash root;
    mun_reader *reader;
    follow_all(d);
    mun_tree_head head = mun_store_head(d->store);
    assert_int_equal(head.size, w->ref.count);
    reference_root(w, w->ref.count, &root);
    assert_true(mun_hash_equal(&root, &head.root));
    assert_ok(mun_reader_new(&w->vfs, &reader, err));
    for (size_t i = 0; i < w->ref.count; i++) {
        uint8_t bytes[4096];
        mun_buf buf = mun_buf_fixed(bytes, sizeof bytes);
        uint64_t time;
        assert_ok(mun_reader_entry(reader, &w->crypto, i, head.size, &buf, NULL, err));
        assert_ok(mun_reader_time(reader, &w->crypto, i, &time, err));
        assert_true(mun_slice_equal(mun_buf_slice(&buf), reference_entry(&w->ref, i)));
        assert_int_equal(time, w->ref.time[i]);
    }
    mun_reader_free(reader);
}

static void act(driver *d)
{
    bool done;
    switch (world_random(&d->w, 10)) {
    case 0: follow_all(d); break;
    case 1:
    case 2: assert_ok(mun_store_flush_step(d->store, &d->w.crypto, &done, err)); break;
    case 3: assert_ok(mun_store_flush(d->store, &d->w.crypto, err)); break;
    case 4:
        if (world_random(&d->w, 4) == 0) reopen(d);
        break;
    case 5:
        if (world_random(&d->w, 20) == 0) {
            follow_all(d);
            assert_ok(mun_store_grow(d->store, &d->w.crypto, 24 + (uint32_t)world_random(&d->w, 40),
                                     err));
        }
        break;
    default: commit(d);
    }
}

static void test_steps_in_any_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        driver d = {0};
        world_open(&d.w, seed);
        mun_store_config config = config_of(&d);
        assert_ok(mun_store_create(&config, &d.w.crypto, err));
        assert_int_equal(mun_store_create(&config, &d.w.crypto, NULL), MUN_E_EXISTS);
        assert_ok(mun_store_open(&config, &d.w.crypto, &d.store, err));
        for (int i = 0; i < 300; i++) act(&d);
        check(&d);
        reopen(&d);
        check(&d);
        mun_store_close(d.store);
        world_close(&d.w);
    }
}

/* ---- damage that opening must see ------------------------------------------------------------*/

#define JOURNAL "journal"

/* A log whose ring holds n batches of one entry that no stream has; *ret_first: LSN of the first.
 */
static void with_waiting_batches(driver *d, unsigned n)
{
    world_open(&d->w, 20);
    mun_store_config config = config_of(d);
    assert_ok(mun_store_create(&config, &d->w.crypto, err));
    assert_ok(mun_store_open(&config, &d->w.crypto, &d->store, err));
    for (unsigned i = 0; i < n; i++) {
        mun_batch b;
        uint8_t text[20] = "entry number";
        text[19] = (uint8_t)i;
        assert_ok(mun_batch_init(&b, 100, 2, err));
        assert_true(mun_batch_add(&b, mun_slice_of(text, sizeof text)));
        b.time_ms = d->w.now;
        assert_ok(mun_store_write(d->store, &d->w.crypto, &b, err));
        assert_ok(mun_store_sync(d->store, &b, err));
        mun_batch_finish(&b);
    }
    mun_store_close(d->store);
    d->store = NULL;
}

/* Opens with a bit flipped in the journal; the flip is taken back, and the log as it was. */
static mun_code open_flipped(driver *d, size_t at, uint64_t *ret_size, mun_error *ret_err)
{
    size_t len, same;
    uint8_t *bytes = world_file(&d->w, JOURNAL, &len);
    mun_store_config config = config_of(d);
    bytes[at] ^= 4;
    world_put(&d->w, JOURNAL, bytes, len);
    mun_code code = mun_store_open(&config, &d->w.crypto, &d->store, ret_err);
    if (code == MUN_OK) {
        *ret_size = mun_store_head(d->store).size;
        mun_store_close(d->store);
    } else { /* [LOG-23] */
        uint8_t *after = world_file(&d->w, JOURNAL, &same);
        assert_int_equal(len, same);
        assert_memory_equal(bytes, after, len);
        free(after);
    }
    bytes[at] ^= 4;
    world_put(&d->w, JOURNAL, bytes, len);
    free(bytes);
    return code;
}

static void test_damaged_batch_is_named(void **state) /* [LOG-22] */
{
    (void)state;
    driver d = {0};
    mun_error why;
    uint64_t size = 0;
    with_waiting_batches(&d, 5);
    for (unsigned i = 0; i < 4; i++) { /* header, payload, padding of each but the last */
        size_t at = MUN_LOG_RING_AT + (size_t)i * MUN_LOG_BLOCK;
        size_t places[] = {at, at + 30, at + 100, at + 110, at + 145, at + MUN_LOG_BLOCK - 1};
        for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
            assert_int_equal(open_flipped(&d, places[k], &size, &why), MUN_E_DAMAGED);
            assert_non_null(strstr(why.text, "LSN"));
            assert_int_equal(why.offset, at);
        }
    }
    /* The last one, unpublished: it looks like one that was never finished. */
    assert_int_equal(open_flipped(&d, MUN_LOG_RING_AT + 4 * MUN_LOG_BLOCK + 150, &size, &why),
                     MUN_OK);
    assert_int_equal(size, 4);
    world_close(&d.w);
}

static void test_damaged_superblock(void **state) /* [LOG-18], [LOG-22] */
{
    (void)state;
    driver d = {0};
    mun_error why;
    size_t len;
    uint64_t size = 0;
    with_waiting_batches(&d, 5);
    mun_store_config config = config_of(&d);
    uint8_t *bytes = world_file(&d.w, JOURNAL, &len);
    /* A header that knows a newer superblock than there is: made by this log's own nonce. */
    mun_superblock sb;
    for (unsigned i = 0; i < MUN_LOG_SLOTS; i++) {
        if (mun_superblock_decode(bytes + i * MUN_LOG_SLOT_BYTES, i, &d.w.crypto, &sb)) break;
    }
    uint8_t *last = bytes + MUN_LOG_RING_AT + 4 * MUN_LOG_BLOCK;
    mun_batch_header h;
    assert_true(mun_batch_header_decode(last, sb.nonce, &d.w.crypto, &h));
    h.generation = 77;
    mun_batch_header_encode(&h, &d.w.crypto, last);
    world_put(&d.w, JOURNAL, bytes, len);
    assert_int_equal(mun_store_open(&config, &d.w.crypto, &d.store, &why), MUN_E_DAMAGED);
    assert_non_null(strstr(why.text, "superblock"));
    /* One that does not continue the entries before it, and one too large [LOG-21]. */
    h.generation = 1;
    h.first = 99;
    mun_batch_header_encode(&h, &d.w.crypto, last);
    world_put(&d.w, JOURNAL, bytes, len);
    assert_int_equal(mun_store_open(&config, &d.w.crypto, &d.store, &why), MUN_E_DAMAGED);
    h.first = 4;
    h.payload_len = 1u << 30;
    mun_batch_header_encode(&h, &d.w.crypto, last);
    world_put(&d.w, JOURNAL, bytes, len);
    assert_int_equal(mun_store_open(&config, &d.w.crypto, &d.store, &why), MUN_E_DAMAGED);
    memset(bytes, 0, MUN_LOG_RING_AT);
    world_put(&d.w, JOURNAL, bytes, len);
    assert_int_equal(mun_store_open(&config, &d.w.crypto, &d.store, &why), MUN_E_DAMAGED);
    world_put(&d.w, JOURNAL, bytes, MUN_LOG_RING_AT);
    assert_int_equal(mun_store_open(&config, &d.w.crypto, &d.store, &why), MUN_E_DAMAGED);
    free(bytes);
    (void)size;
    world_close(&d.w);
}

/* `published` proves that the batch was durable. */
static void test_published_contradicts(void **state)
{
    (void)state;
    driver d = {0};
    mun_error why;
    uint64_t size;
    world_open(&d.w, 21);
    mun_store_config config = config_of(&d);
    assert_ok(mun_store_create(&config, &d.w.crypto, err));
    assert_ok(mun_store_open(&config, &d.w.crypto, &d.store, err));
    for (int i = 0; i < 3; i++) commit(&d);
    follow_all(&d);
    assert_true(mun_store_head(d.store).size > 0);
    mun_store_close(d.store);
    assert_int_equal(open_flipped(&d, MUN_LOG_RING_AT + 3, &size, &why), MUN_E_DAMAGED);
    world_close(&d.w);
}

static void test_limits(void **state) /* [LOG-6] */
{
    (void)state;
    driver d = {0};
    mun_batch b;
    static uint8_t bytes[4000];
    world_open(&d.w, 22);
    mun_store_config config = config_of(&d);
    config.origin = MUN_LITERAL("");
    assert_int_equal(mun_store_create(&config, &d.w.crypto, NULL), MUN_E_USAGE);
    config = config_of(&d);
    assert_ok(mun_store_create(&config, &d.w.crypto, err));
    assert_ok(mun_store_open(&config, &d.w.crypto, &d.store, err));
    assert_ok(mun_batch_init(&b, 1u << 17, 40, err));
    while (mun_store_can_hold(d.store, &b)) {
        assert_true(mun_batch_add(&b, mun_slice_of(bytes, sizeof bytes)));
    }
    assert_int_equal(mun_store_write(d.store, &d.w.crypto, &b, NULL), MUN_E_AGAIN);
    mun_batch_clear(&b);
    mun_error why = {0};
    mun_code code = MUN_OK;
    for (int i = 0; i < 100 && code == MUN_OK; i++) {
        code = mun_store_write(d.store, &d.w.crypto, &b, &why); /* empty batches */
        if (code == MUN_OK) assert_ok(mun_store_sync(d.store, &b, err));
    }
    assert_int_equal(code, MUN_E_AGAIN);
    assert_int_equal(mun_store_last_mark(d.store), 0);
    mun_batch_finish(&b);
    mun_store_close(d.store);
    world_close(&d.w);
}

static void test_second_writer_is_refused(void **state)
{
    (void)state;
    driver d = {0};
    mun_store *second;
    world_open(&d.w, 9);
    mun_store_config config = config_of(&d);
    mun_error refused = {0};
    assert_int_equal(mun_store_open(&config, &d.w.crypto, &second, &refused), MUN_E_NOT_FOUND);
    assert_ok(mun_store_create(&config, &d.w.crypto, err));
    assert_ok(mun_store_open(&config, &d.w.crypto, &d.store, err));
    assert_int_equal(mun_store_open(&config, &d.w.crypto, &second, &refused),
                     MUN_E_BUSY); /* [LOG-2] */
    mun_store_close(d.store);
    config.origin = MUN_LITERAL("another.example");
    assert_int_equal(mun_store_open(&config, &d.w.crypto, &second, &refused), MUN_E_INVALID);
    world_close(&d.w);
}

static void test_newer_format_is_refused(void **state) /* [LOG-1] */
{
    (void)state;
    driver d = {0};
    world_open(&d.w, 10);
    mun_store_config config = config_of(&d);
    mun_error refused = {0};
    assert_ok(mun_store_create(&config, &d.w.crypto, err));
    world_put(&d.w, "format", "muniment-log 2\n", 15);
    assert_int_equal(mun_store_open(&config, &d.w.crypto, &d.store, &refused), MUN_E_VERSION);
    assert_non_null(strstr(refused.text, "version 2"));
    world_put(&d.w, "format", "muniment-log 0\n", 15);
    assert_int_equal(mun_store_open(&config, &d.w.crypto, &d.store, &refused), MUN_E_DAMAGED);
    world_close(&d.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_in_any_order),
        cmocka_unit_test(test_damaged_batch_is_named),
        cmocka_unit_test(test_damaged_superblock),
        cmocka_unit_test(test_published_contradicts),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_second_writer_is_refused),
        cmocka_unit_test(test_newer_format_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
