/* SPDX-License-Identifier: Apache-2.0 */
/* In which order the log writes and syncs, seen by a vfs that writes every call down. */
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "log/log_bytes.h"
#include "log/traced_vfs.h"

typedef struct tracer {
    traced t;
    writer *wr;
} tracer;

static int set_up(void **state)
{
    tracer *r = malloc(sizeof *r);
    assert_non_null(r);
    r->wr = writer_new(24);
    traced_init(&r->t, &r->wr->w.vfs);
    r->wr->vfs = &r->t.vfs;
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    tracer *r = *state;
    writer_free(r->wr);
    free(r);
    return 0;
}

/* ---- a new journal [LOG-12] --------------------------------------------------------------------
 */

/* All of it zeros, synced; then the first superblock, synced; then the name, and the folder. */
static void check_new_journal(const traced *t, size_t from, uint64_t blocks)
{
    uint64_t end = 0;
    size_t i = traced_find(t, from, TRACE_CREATE, "journal.new");
    assert_true(i < t->count);
    for (i++; t->call[i].kind == TRACE_WRITE; i++) {
        assert_string_equal(t->call[i].name, "journal.new");
        assert_int_equal(t->call[i].offset, end);
        assert_true(t->call[i].zeros);
        end += t->call[i].len;
    }
    assert_int_equal(end, RING_AT + blocks * BLOCK);
    static const struct {
        trace_kind kind;
        const char *name;
    } then[] = {{TRACE_SYNC, "journal.new"},
                {TRACE_WRITE, "journal.new"},
                {TRACE_SYNC, "journal.new"},
                {TRACE_RENAME, "journal"},
                {TRACE_SYNC_DIR, ""}};
    for (size_t k = 0; k < sizeof then / sizeof then[0]; k++, i++) {
        assert_true(i < t->count);
        assert_int_equal(t->call[i].kind, then[k].kind);
        assert_string_equal(t->call[i].name, then[k].name);
        if (then[k].kind != TRACE_WRITE) continue;
        assert_int_equal(t->call[i].offset, SLOT_BYTES); /* generation 1 */
        assert_int_equal(t->call[i].len, SLOT_BYTES);
        assert_memory_equal(t->call[i].head, "MUNSUPR1", 8);
        assert_int_equal(get_be(t->call[i].head + SB_GENERATION, 8), 1);
        assert_int_equal(get_be(t->call[i].head + SB_START, 8), 0);
    }
}

static void new_journal_when_made(void **unused)
{
    (void)unused;
    world w;
    static traced t;
    world_open(&w, 3);
    traced_init(&t, &w.vfs);
    mun_store_config config = {.vfs = &t.vfs,
                               .origin = MUN_LITERAL(WORLD_ORIGIN),
                               .random = world_bytes,
                               .random_ctx = &w};
    assert_ok(mun_store_create(&config, &w.crypto, err));
    check_new_journal(&t, 0, 64);
    size_t renamed = traced_find(&t, 0, TRACE_RENAME, "journal");
    assert_false(traced_has(&t, renamed, TRACE_WRITE, NULL)); /* its name makes it a ledger */
    world_close(&w);
}

static void new_journal_when_grown(void **state)
{
    tracer *r = *state;
    assert_ok(writer_open(r->wr, err));
    writer_commit(r->wr, 3, 300);
    writer_follow(r->wr);
    size_t from = r->t.count;
    assert_ok(mun_store_grow(r->wr->store, &r->wr->w.crypto, 96, err));
    check_new_journal(&r->t, from, 96);
    writer_close(r->wr);
    writer_check(r->wr);
}

/* ---- appends -----------------------------------------------------------------------------------
 */

/* [LOG-8]: until the sync has returned the tree head does not cover the batch. */
static void head_after_sync(void **state)
{
    tracer *r = *state;
    writer *wr = r->wr;
    mun_batch b;
    assert_ok(writer_open(wr, err));
    writer_commit(wr, 2, 50);
    writer_fill(wr, &b, 2, 50, false);
    size_t from = r->t.count;
    assert_ok(mun_store_write(wr->store, &wr->w.crypto, &b, err));
    assert_int_equal(mun_store_head(wr->store).size, 2);
    assert_false(traced_has(&r->t, from, TRACE_SYNC, "journal"));
    r->t.fail = true;
    r->t.fail_kind = TRACE_SYNC;
    r->t.fail_name = "journal";
    assert_int_equal(mun_store_sync(wr->store, &b, NULL), MUN_E_IO);
    assert_int_equal(mun_store_head(wr->store).size, 2);
    size_t sync = traced_find(&r->t, from, TRACE_SYNC, "journal");
    assert_false(traced_has(&r->t, sync + 1, TRACE_SYNC, "journal")); /* not tried again */
    mun_batch_finish(&b);
    r->t.fail = false;
    writer_close(wr);
}

static void append_one(world *w, mun_log *log, unsigned i)
{
    mun_appended got;
    mun_tree_head head;
    uint8_t bytes[200];
    memset(bytes, (int)i + 1, sizeof bytes);
    mun_slice entry = mun_slice_of(bytes, 10 + i);
    w->now += 5;
    assert_ok(mun_log_append(log, &entry, 1, &got, &head, err));
    assert_int_equal(got.index, i);
    assert_int_equal(head.size, i + 1);
}

/* Every ring write that ends at that size or beyond has a sync between itself and `at`. */
static bool covered(const traced *t, size_t at, uint64_t size)
{
    bool synced = false;
    for (size_t i = at; i-- > 0;) {
        const trace_call *c = &t->call[i];
        if (c->kind == TRACE_SYNC && strcmp(c->name, "journal") == 0) synced = true;
        if (c->kind != TRACE_WRITE || strcmp(c->name, "journal") != 0) continue;
        if (memcmp(c->head, "MUNJRNL1", 8) != 0) continue;
        uint64_t first = get_be(c->head + JB_FIRST, 8);
        if (first < size) return synced && first + get_be(c->head + JB_COUNT, 4) >= size;
    }
    return false;
}

/* [LOG-8], [LOG-15] with the threads of the real log: each acknowledgement and each `published`
 * has the sync of the journal before it that covers it. */
static void acknowledged_and_published_after_sync(void **unused)
{
    (void)unused;
    world w;
    mun_log *log;
    static traced t;
    world_open(&w, 5);
    traced_init(&t, &w.vfs);
    mun_log_config config = world_config(&w);
    config.vfs = &t.vfs;
    assert_ok(mun_log_create(&config, err));
    assert_ok(mun_log_open(&config, &log, err));
    for (unsigned i = 0; i < 150; i++) {
        append_one(&w, log, i);
        pthread_mutex_lock(&t.lock);
        bool good = covered(&t, t.count, i + 1);
        pthread_mutex_unlock(&t.lock);
        assert_true(good);
    }
    assert_ok(mun_log_close(log, err));
    assert_true(t.count < TRACE_MAX);
    unsigned published = 0;
    for (size_t i = 0; i < t.count; i++) {
        if (t.call[i].kind != TRACE_WRITE || strcmp(t.call[i].name, "published") != 0) continue;
        uint64_t size = get_be(t.call[i].head + PUB_SIZE, 8);
        if (size == 0) continue;
        assert_true(covered(&t, i, size));
        published++;
    }
    assert_true(published > 0);
    world_close(&w);
}

/* ---- flushes -----------------------------------------------------------------------------------
 */

static const char *const written[] = {"offsets", "hashes/0", "entries/0000000000", "commits"};

/* [LOG-17]: streams, folder, superblock, its sync. Returns where the superblock was written. */
static size_t check_flush(const traced *t, size_t from, uint64_t generation, bool new_segment)
{
    size_t superblock = traced_find(t, from, TRACE_WRITE, "journal");
    assert_true(superblock < t->count);
    assert_int_equal(t->call[superblock].offset, generation % SLOTS * SLOT_BYTES);
    assert_int_equal(get_be(t->call[superblock].head + SB_GENERATION, 8), generation);
    size_t last = from;
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
        size_t at = traced_find(t, from, TRACE_SYNC, written[i]);
        assert_true(at < superblock);
        if (at > last) last = at;
        /* and nothing is written to it between its sync and the superblock */
        assert_true(traced_find(t, at, TRACE_WRITE, written[i]) > superblock);
    }
    size_t dir = traced_find(t, from, TRACE_SYNC_DIR, "entries");
    if (new_segment) assert_true(last < dir && dir < superblock);
    assert_true(traced_find(t, superblock, TRACE_SYNC, "journal") < t->count);
    return superblock;
}

static void flush_in_order(void **state)
{
    tracer *r = *state;
    writer *wr = r->wr;
    assert_ok(writer_open(wr, err));
    for (unsigned i = 0; i < 6; i++) {
        uint64_t generation = newest_generation(&wr->w) + 1;
        writer_commit(wr, 3, 500);
        size_t from = r->t.count;
        writer_flush(wr);
        check_flush(&r->t, from, generation, i == 0);
        assert_int_equal(newest_generation(&wr->w), generation);
    }
}

static bool one_more_fits(writer *wr)
{
    mun_batch b;
    writer_fill(wr, &b, 1, 10, false);
    bool fits = mun_store_has_room(wr->store, &b);
    mun_batch_finish(&b);
    return fits;
}

static void fill_ring(writer *wr)
{
    assert_ok(writer_open(wr, err));
    while (one_more_fits(wr)) writer_commit(wr, 1, 3000);
    writer_follow(wr);
}

/* [LOG-7]: ring space comes back with the return of the superblock's sync, not before. */
static void ring_space_after_sync(void **state)
{
    tracer *r = *state;
    writer *wr = r->wr;
    bool done = false;
    fill_ring(wr);
    size_t from = r->t.count;
    while (!done) {
        assert_false(one_more_fits(wr));
        assert_ok(mun_store_flush_step(wr->store, &wr->w.crypto, &done, err));
    }
    assert_true(one_more_fits(wr));
    size_t superblock = traced_find(&r->t, from, TRACE_WRITE, "journal");
    assert_true(traced_has(&r->t, superblock, TRACE_SYNC, "journal"));
}

static void no_ring_space_after_failed_sync(void **state)
{
    tracer *r = *state;
    writer *wr = r->wr;
    fill_ring(wr);
    r->t.fail = true;
    r->t.fail_kind = TRACE_SYNC;
    r->t.fail_name = "journal";
    assert_int_equal(mun_store_flush(wr->store, &wr->w.crypto, NULL), MUN_E_IO);
    assert_false(one_more_fits(wr));
    r->t.fail = false;
    writer_close(wr);
    writer_check(wr);
}

/* ---- failures [LOG-10] -------------------------------------------------------------------------
 */

typedef struct failure {
    trace_kind kind;
    const char *name;
    uint64_t from;
} failure;

static void nothing_goes_on(tracer *r)
{
    writer *wr = r->wr;
    bool done;
    mun_batch b;
    size_t from = r->t.count;
    r->t.fail = false; /* the disk is well again; that must not matter */
    writer_fill(wr, &b, 1, 10, false);
    b.time_ms += 100;
    assert_true(mun_store_failed(wr->store));
    assert_int_equal(mun_store_write(wr->store, &wr->w.crypto, &b, NULL), MUN_E_FAILED);
    assert_int_equal(mun_store_publish(wr->store, &wr->w.crypto, NULL), MUN_E_FAILED);
    assert_int_equal(mun_store_flush_step(wr->store, &wr->w.crypto, &done, NULL), MUN_E_FAILED);
    assert_int_equal(mun_store_flush(wr->store, &wr->w.crypto, NULL), MUN_E_FAILED);
    assert_int_equal(mun_store_grow(wr->store, &wr->w.crypto, 96, NULL), MUN_E_FAILED);
    assert_int_equal(r->t.count, from); /* not one call more */
    mun_batch_finish(&b);
}

static void fails_for_good(tracer *r, failure f)
{
    writer *wr = r->wr;
    mun_batch b;
    assert_ok(writer_open(wr, err));
    writer_commit(wr, 2, 100);
    wr->w.now += 10;
    writer_fill(wr, &b, 2, 100, false);
    r->t.fail = true;
    r->t.fail_kind = f.kind;
    r->t.fail_name = f.name;
    r->t.fail_from = f.from;
    mun_code code = mun_store_write(wr->store, &wr->w.crypto, &b, NULL);
    if (code == MUN_OK) code = mun_store_sync(wr->store, &b, NULL);
    if (code == MUN_OK) { /* acknowledged: it must be there in the end */
        for (uint32_t i = 0; i < 2; i++)
            reference_add(&wr->w.ref, mun_batch_entry(&b, i), wr->w.now);
        assert_ok(mun_batch_copy(&b, &wr->queue[wr->queued++], err));
        writer_follow(wr);
        code = mun_store_flush(wr->store, &wr->w.crypto, NULL);
    }
    mun_batch_finish(&b);
    if (code != MUN_E_IO) fail_msg("%s gave %s", f.name, mun_code_name(code));
    nothing_goes_on(r);
    writer_close(wr);
    /* A batch whose write or sync failed may be there or not. */
    assert_ok(writer_open(wr, err));
    uint64_t size = mun_store_head(wr->store).size;
    assert_true(size == wr->w.ref.count || size == wr->w.ref.count + 2);
    writer_close(wr);
}

static void every_failure_is_final(void **unused)
{
    (void)unused;
    static const failure failures[] = {
        {TRACE_WRITE, "journal", RING_AT}, {TRACE_SYNC, "journal", 0},
        {TRACE_WRITE, "journal", 0},       {TRACE_SYNC, "offsets", 0},
        {TRACE_SYNC, "hashes/0", 0},       {TRACE_SYNC, "entries/0000000000", 0},
        {TRACE_SYNC, "commits", 0},        {TRACE_SYNC_DIR, "entries", 0},
    };
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        void *state;
        set_up(&state);
        fails_for_good(state, failures[i]);
        tear_down(&state);
    }
}

/* [LOG-8], [LOG-10] for callers: a failed sync acknowledges nothing, and is final. */
static void failed_append_is_not_acknowledged(void **unused)
{
    (void)unused;
    world w;
    mun_log *log;
    mun_appended got;
    mun_error why;
    static traced t;
    mun_slice entry = MUN_LITERAL("not acknowledged");
    world_open(&w, 5);
    traced_init(&t, &w.vfs);
    mun_log_config config = world_config(&w);
    config.vfs = &t.vfs;
    assert_ok(mun_log_create(&config, err));
    assert_ok(mun_log_open(&config, &log, err));
    append_one(&w, log, 0);
    pthread_mutex_lock(&t.lock);
    t.fail = true;
    t.fail_kind = TRACE_SYNC;
    t.fail_name = "journal";
    pthread_mutex_unlock(&t.lock);
    assert_int_not_equal(mun_log_append(log, &entry, 1, &got, NULL, &why), MUN_OK);
    assert_int_equal(mun_log_head(log).size, 1);
    pthread_mutex_lock(&t.lock);
    t.fail = false;
    pthread_mutex_unlock(&t.lock);
    assert_int_equal(mun_log_append(log, &entry, 1, &got, NULL, &why), MUN_E_FAILED);
    assert_int_not_equal(mun_log_close(log, NULL), MUN_OK);
    world_close(&w);
}

/* ---- recovery ----------------------------------------------------------------------------------
 */

static bool changes(const trace_call *c)
{
    return c->kind == TRACE_WRITE || c->kind == TRACE_TRUNCATE || c->kind == TRACE_RENAME ||
           c->kind == TRACE_REMOVE || c->kind == TRACE_CREATE;
}

/* Reads, then writes; the journal synced before a superblock; the folder before anything is shown.
 * Returns how many superblocks were written. */
static unsigned check_recovery(const traced *t, size_t from)
{
    unsigned superblocks = 0;
    size_t first_change = from;
    while (first_change < t->count && !changes(&t->call[first_change])) first_change++;
    assert_false(traced_has(t, first_change, TRACE_READ, NULL)); /* [LOG-23] */
    size_t shown = traced_find(t, from, TRACE_WRITE, "published");
    assert_true(shown < t->count);
    assert_true(traced_find(t, from, TRACE_SYNC_DIR, "") < shown); /* [LOG-28] */
    assert_true(traced_find(t, from, TRACE_SYNC_DIR, "hashes") < shown);
    bool synced = false; /* the journal, since its last superblock */
    for (size_t i = from; i < t->count; i++) {
        const trace_call *c = &t->call[i];
        if (strcmp(c->name, "journal") != 0) continue;
        if (c->kind == TRACE_SYNC) synced = true;
        if (c->kind != TRACE_WRITE || c->offset >= RING_AT) continue;
        assert_true(synced); /* [LOG-29] */
        assert_true(i < shown);
        synced = false;
        superblocks++;
    }
    assert_true(synced);
    assert_true(traced_find(t, shown, TRACE_WRITE, "journal") == t->count); /* [LOG-24] */
    return superblocks;
}

static void recovery_in_order(void **state)
{
    tracer *r = *state;
    writer *wr = r->wr;
    assert_ok(writer_open(wr, err));
    for (unsigned i = 0; i < 3; i++) writer_commit(wr, 2, 700);
    uint64_t generation = newest_generation(&wr->w);
    writer_close(wr); /* three batches are in the ring only */
    size_t from = r->t.count;
    assert_ok(writer_open(wr, err));
    assert_int_equal(check_recovery(&r->t, from), 2);
    check_flush(&r->t, from, generation + 1, true); /* [LOG-24] by [LOG-17] */
    assert_int_equal(newest_generation(&wr->w), generation + 2);
    assert_int_equal(mun_store_flushed(wr->store), 6);
    writer_close(wr);
    from = r->t.count;
    assert_ok(writer_open(wr, err)); /* nothing to replay: two superblocks all the same */
    assert_int_equal(check_recovery(&r->t, from), 2);
    writer_close(wr);
    writer_check(wr);
}

#define TRACED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_journal_when_made),
        TRACED(new_journal_when_grown),
        TRACED(head_after_sync),
        cmocka_unit_test(acknowledged_and_published_after_sync),
        TRACED(flush_in_order),
        TRACED(ring_space_after_sync),
        TRACED(no_ring_space_after_failed_sync),
        cmocka_unit_test(every_failure_is_final),
        cmocka_unit_test(failed_append_is_not_acknowledged),
        TRACED(recovery_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
