/* SPDX-License-Identifier: Apache-2.0 */
/* A full disk, failing writes and syncs, a process killed: nothing acknowledged is lost. */
#include "support/cmocka_all.h"

#include <muniment/keys.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "log/log_fault.h"
#include "log/log_parts.h"
#include "log/log_world.h"
#include "log/params.h"

#define CALLERS 4

/* A file of its own because the fault table stands between. */
typedef struct broken_world {
    world w;
    fault f;
    mun_log *log;
} broken_world;

static mun_log_config config_of(broken_world *b)
{
    mun_log_config config = world_config(&b->w);
    config.vfs = &b->f.vfs;
    return config;
}

static void setup(broken_world *b, uint64_t seed)
{
    world_open(&b->w, seed);
    fault_init(&b->f, &b->w.vfs);
    mun_log_config config = config_of(b);
    assert_ok(mun_log_create(&config, err));
    assert_ok(mun_log_open(&config, &b->log, err));
}

static mun_slice text_of(char *text, size_t cap, uint64_t i)
{
    size_t len = (size_t)snprintf(text, cap, "entry %llu", (unsigned long long)i);
    size_t want = len + i * 37 % 400;
    for (; len < want && len < cap; len++) text[len] = '.';
    return mun_slice_of(text, len);
}

static mun_code append(broken_world *b, uint64_t i)
{
    char text[512];
    mun_slice entry = text_of(text, sizeof text, i);
    mun_appended got;
    mun_error err;
    mun_code code = mun_log_append(b->log, &entry, 1, &got, NULL, &err);
    if (code == MUN_OK && !got.existed) {
        assert_int_equal(got.index, b->w.ref.count);
        reference_add(&b->w.ref, entry, got.time_ms);
    }
    return code;
}

static void check(broken_world *b)
{
    reference_check(&b->w, b->log);
}

static void teardown(broken_world *b)
{
    mun_log_config config = config_of(b);
    mun_tree_head head;
    assert_ok(mun_log_close(b->log, err));
    assert_ok(mun_log_fsck(&config, NULL, &head, err));
    assert_int_equal(head.size, b->w.ref.count);
    world_close(&b->w);
}

static void test_full_disk(void **state)
{
    (void)state;
    broken_world b;
    setup(&b, 1);
    uint64_t i = 0;
    for (; i < 50; i++) assert_int_equal(append(&b, i), MUN_OK);
    for (int round = 0; round < 3; round++) {
        atomic_store(&b.f.full, true);
        mun_code code = MUN_OK;
        uint64_t end = i + 200000;
        for (; i < end && code == MUN_OK; i++) code = append(&b, i);
        assert_int_equal(code, MUN_E_NO_SPACE); /* the journal took what it could */
        /* A flush that was under way may have given room since; then that is taken as well. */
        for (code = MUN_OK; i < end && code == MUN_OK; i++) code = append(&b, i);
        assert_int_equal(code, MUN_E_NO_SPACE);
        check(&b);
        atomic_store(&b.f.full, false);
        for (int tries = 0; append(&b, i - 1) != MUN_OK; tries++) { /* what was refused, again */
            assert_true(tries < 1000);
            usleep(10000);
        }
        for (uint64_t more = i + 300; i < more; i++) assert_int_equal(append(&b, i), MUN_OK);
        check(&b);
    }
    teardown(&b);
}

/* For a while the process has no file handle to spare: a segment that cannot be begun, a journal
 * that cannot grow, a folder that cannot be synced wait until it has; nothing of it is final. In
 * the real world no segment ends here, and the journal goes on as it is. */
static void test_no_handles(void **state)
{
    (void)state;
    broken_world b;
    setup(&b, 3);
    const bool ends = MUN_LOG_SEGMENT_ENTRIES < 300;
    uint64_t i = 0;
    for (; i < 20; i++) assert_int_equal(append(&b, i), MUN_OK);
    for (int round = 0; round < 6; round++) {
        mun_code code = MUN_OK;
        atomic_store(&b.f.no_handles, true);
        if (round % 2 != 0) atomic_store(&b.log->hurried, true);
        for (uint64_t end = i + (ends ? 300 : 60); i < end && code == MUN_OK; i++) {
            code = append(&b, i);
        }
        if (ends || code != MUN_OK) assert_int_equal(code, MUN_E_AGAIN);
        atomic_store(&b.f.no_handles, false);
        for (int tries = 0; append(&b, i - 1) != MUN_OK; tries++) { /* what was refused, again */
            assert_true(tries < 1000);
            usleep(10000);
        }
        for (uint64_t more = i + 50; i < more; i++) assert_int_equal(append(&b, i), MUN_OK);
        check(&b);
    }
    teardown(&b);
}

static pthread_t opener;
static const mun_vfs *below;

static mun_code open_for_opener(void *ctx, const char *name, unsigned flags, mun_file **ret,
                                mun_error *err)
{
    if (pthread_equal(pthread_self(), opener) == 0 && strncmp(name, "hashes/", 7) == 0) {
        return mun_fail(err, MUN_E_AGAIN, MUN_NO_OFFSET, "planted: too many open files");
    }
    return below->open(ctx, name, flags, ret, err);
}

/* The threads that fill the set of known entries need no handle of their own: where one is missing
 * it is the opening that says so, and not every append from then on. */
static void test_no_handles_behind_the_opening(void **state)
{
    (void)state;
    enum { MANY = MUN_LOG_KNOWN_THREADS + 50 };
    broken_world b;
    setup(&b, 5);
    char(*text)[16] = malloc(MANY * sizeof *text);
    mun_slice *entries = malloc(MANY * sizeof *entries);
    mun_appended *got = malloc(MANY * sizeof *got);
    for (unsigned i = 0; i < MANY; i++) {
        int len = snprintf(text[i], sizeof text[i], "known %u", i);
        entries[i] = mun_slice_of(text[i], (size_t)len);
    }
    assert_ok(mun_log_append(b.log, entries, MANY, got, NULL, err));
    assert_ok(mun_log_close(b.log, err));
    mun_log_config config = config_of(&b);
    mun_vfs vfs = b.f.vfs;
    below = &b.f.vfs;
    vfs.open = open_for_opener;
    config.vfs = &vfs;
    opener = pthread_self();
    assert_ok(mun_log_open(&config, &b.log, err));
    assert_ok(mun_log_append(b.log, entries, 1, got, NULL, err));
    assert_true(got[0].existed);
    mun_log_close(b.log, NULL);
    world_close(&b.w);
    free(text), free(entries), free(got);
}

static void test_closed_on_a_full_disk(void **state)
{
    (void)state;
    broken_world b;
    setup(&b, 2);
    mun_log_config config = config_of(&b);
    uint64_t i = 0;
    for (; i < 50; i++) assert_int_equal(append(&b, i), MUN_OK);
    usleep(400000); /* idle: flushed, the ring is empty */
    atomic_store(&b.f.full, true);
    for (; i < 53; i++) assert_int_equal(append(&b, i), MUN_OK);
    mun_error why;
    mun_code code = mun_log_close(b.log, &why);
    assert_true(code == MUN_E_NO_SPACE);
    assert_int_equal(mun_log_open(&config, &b.log, &why), MUN_E_NO_SPACE);
    atomic_store(&b.f.full, false);
    assert_ok(mun_log_open(&config, &b.log, err));
    check(&b);
    teardown(&b);
}

/* [LOG-10]: after the first failure everything is refused; a new opening has all acknowledged
 * entries, and at most the one whose outcome was unknown besides. */
static void test_failed_calls_are_final(void **state)
{
    (void)state;
    for (int at = 1; at <= 60; at++) {
        broken_world b;
        setup(&b, (uint64_t)at);
        mun_log_config config = config_of(&b);
        uint64_t i = 0;
        for (; i < 20; i++) assert_int_equal(append(&b, i), MUN_OK);
        atomic_store(at % 2 == 0 ? &b.f.sync_fails : &b.f.write_fails, at / 2);
        mun_code code = MUN_OK;
        for (; i < 400 && code == MUN_OK; i++) code = append(&b, i);
        mun_log_close(b.log, NULL);
        if (code != MUN_OK) assert_true(code == MUN_E_IO || code == MUN_E_FAILED);
        atomic_store(&b.f.sync_fails, 0);
        atomic_store(&b.f.write_fails, 0);
        assert_ok(mun_log_open(&config, &b.log, err));
        if (mun_log_head(b.log).size == b.w.ref.count + 1) {
            char text[512];
            uint64_t time;
            assert_ok(mun_log_time(b.log, b.w.ref.count, &time, err));
            reference_add(&b.w.ref, text_of(text, sizeof text, i - 1), time);
        }
        check(&b);
        teardown(&b);
    }
}

static void test_refused_after_failure(void **state)
{
    (void)state;
    broken_world b;
    setup(&b, 3);
    mun_log_config config = config_of(&b);
    assert_int_equal(append(&b, 0), MUN_OK);
    atomic_store(&b.f.sync_fails, 1);
    mun_code code = append(&b, 1);
    while (code == MUN_OK) code = append(&b, 2); /* the follower's sync took it */
    assert_int_equal(append(&b, 3), MUN_E_FAILED);
    assert_int_equal(append(&b, 4), MUN_E_FAILED);
    mun_error why;
    assert_int_equal(mun_log_close(b.log, &why), MUN_E_FAILED);
    assert_ok(mun_log_open(&config, &b.log, err));
    assert_ok(mun_log_close(b.log, err));
    world_close(&b.w);
}

/* Some file systems tell only at the journal's write or sync that there is no room. Then it is not
 * true that nothing was registered: that shows when the log is opened again. */
static void test_journal_without_room(void **state)
{
    (void)state;
    for (int by_sync = 0; by_sync < 2; by_sync++) {
        broken_world b;
        setup(&b, 4);
        mun_log_config config = config_of(&b);
        for (uint64_t i = 0; i < 5; i++) assert_int_equal(append(&b, i), MUN_OK);
        while (mun_store_flushed(b.log->store) < 5) usleep(1000); /* nobody else writes now */
        usleep(50000);
        atomic_store(&b.f.as_full, true);
        atomic_store(by_sync ? &b.f.sync_fails : &b.f.write_fails, 1);
        assert_int_equal(append(&b, 5), MUN_E_FAILED);
        assert_int_equal(mun_log_close(b.log, NULL), MUN_E_FAILED);
        assert_ok(mun_log_open(&config, &b.log, err));
        uint64_t size = mun_log_head(b.log).size;
        assert_true(size == 5 || size == 6);
        mun_log_close(b.log, NULL);
        world_close(&b.w);
    }
}

/* A visitor that has enough early. */
static mun_code only_one(void *ctx, uint64_t index, uint64_t time, mun_slice entry,
                         const mun_hash *leaf, mun_error *err)
{
    (void)ctx, (void)index, (void)time, (void)entry, (void)leaf, (void)err;
    return MUN_E_LIMIT;
}

/* After a failed sync what stands in the streams beyond the last good one may be older than what
 * was written: nobody gets it, nor one who stops there. */
static void test_nothing_unsynced_after_failure(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (int at = 1; at <= 12; at++) {
        broken_world b;
        setup(&b, (uint64_t)at);
        uint64_t i = 0;
        for (; i < 20; i++) assert_int_equal(append(&b, i), MUN_OK);
        atomic_store(&b.f.sync_fails, at);
        mun_code code = MUN_OK;
        for (; i < 2000 && code == MUN_OK; i++) code = append(&b, i);
        uint64_t last = mun_log_head(b.log).size - 1;
        if (code != MUN_OK && last < mun_log_on_disk(b.log) &&
            last >= mun_store_flushed(b.log->store)) {
            seen++;
            assert_int_equal(mun_log_scan(b.log, last, last + 1, only_one, NULL, NULL),
                             MUN_E_FAILED);
        }
        mun_log_close(b.log, NULL);
        world_close(&b.w);
    }
    assert_true(seen > 0);
}

/* An opening that is refused leaves the disk as it was [LOG-23]. */
static void test_refused_opening_writes_nothing(void **state)
{
    (void)state;
    broken_world b;
    setup(&b, 4);
    mun_log_config config = config_of(&b);
    size_t len, again;
    for (uint64_t i = 0; i < 300; i++) assert_int_equal(append(&b, i), MUN_OK);
    assert_ok(mun_log_close(b.log, err));
    uint8_t *hashes = world_file(&b.w, "hashes/2", &len);
    uint8_t *journal = world_file(&b.w, "journal", &again);
    if (len == 0) { /* the real world's level 2 is empty: take away level 1 */
        world_put(&b.w, "hashes/1", "", 0);
        (void)!b.w.vfs.remove(b.w.vfs.ctx, "hashes/1", NULL);
    } else {
        world_put(&b.w, "hashes/2", "", 0);
        (void)!b.w.vfs.remove(b.w.vfs.ctx, "hashes/2", NULL);
    }
    mun_error why;
    assert_int_equal(mun_log_open(&config, &b.log, &why), MUN_E_DAMAGED);
    assert_non_null(strstr(why.text, "hashes/"));
    size_t after;
    uint8_t *same = world_file(&b.w, "journal", &after);
    assert_int_equal(again, after);
    assert_memory_equal(journal, same, again);
    free(hashes), free(journal), free(same);
    assert_ok(mun_log_rebuild(&config, NULL, err));
    assert_ok(mun_log_open(&config, &b.log, err));
    check(&b);
    teardown(&b);
}

/* ---- refusals among several callers ----------------------------------------------------------*/

typedef struct persistent {
    pthread_t thread;
    broken_world *b;
    unsigned number;
    uint64_t done, refused;
    uint64_t index[400];
    bool wrong;
} persistent;

/* Brings its entries again and again until they are in; four at a time, one of them shared. */
static void *persist(void *arg)
{
    persistent *p = arg;
    for (uint64_t i = 0; i < 400;) {
        char text[4][512];
        mun_slice entries[4];
        mun_appended got[4];
        mun_error err;
        for (uint64_t k = 0; k < 4; k++) {
            uint64_t which = k == 3 ? 1000000 + i : (i + k) * 10 + p->number;
            entries[k] = text_of(text[k], sizeof text[k], which);
        }
        mun_code code = mun_log_append(p->b->log, entries, 4, got, NULL, &err);
        if (code == MUN_OK) {
            for (uint64_t k = 0; k < 4; k++) p->index[i++] = got[k].index;
        } else if (code == MUN_E_NO_SPACE || code == MUN_E_AGAIN) {
            p->refused++;
            usleep(2000);
        } else {
            p->wrong = true;
            return NULL;
        }
    }
    return NULL;
}

static void test_full_disk_many_callers(void **state)
{
    (void)state;
    broken_world b;
    static persistent p[CALLERS];
    setup(&b, 6);
    for (unsigned i = 0; i < CALLERS; i++) {
        p[i] = (persistent){.b = &b, .number = i};
        assert_int_equal(pthread_create(&p[i].thread, NULL, persist, &p[i]), 0);
    }
    for (int i = 0; i < 12; i++) {
        atomic_store(&b.f.full, i % 2 == 0);
        usleep(60000);
    }
    atomic_store(&b.f.full, false);
    for (unsigned i = 0; i < CALLERS; i++) {
        pthread_join(p[i].thread, NULL);
        assert_false(p[i].wrong);
        for (uint64_t k = 0; k < 400; k++) {
            char text[512];
            uint8_t bytes[512];
            mun_buf buf = mun_buf_fixed(bytes, sizeof bytes);
            uint64_t which = k % 4 == 3 ? 1000000 + k - 3 : k * 10 + i;
            assert_ok(mun_log_read(b.log, p[i].index[k], &buf, NULL, err));
            assert_true(mun_slice_equal(mun_buf_slice(&buf), text_of(text, sizeof text, which)));
        }
    }
    /* Every entry once: refused ones left no trace. */
    assert_int_equal(mun_log_head(b.log).size, CALLERS * 300 + 100);
    mun_log_config config = config_of(&b);
    assert_ok(mun_log_close(b.log, err));
    assert_ok(mun_log_fsck(&config, NULL, NULL, err));
    world_close(&b.w);
}

/* A crypto table that changes the caller's bytes once they were hashed. */
static uint8_t *_Atomic victim;

static void sha256_and_change(void *ctx, const mun_slice *parts, size_t n_parts, uint8_t *ret)
{
    const mun_crypto *honest = ctx;
    uint8_t *change = atomic_load(&victim);
    honest->sha256(honest->ctx, parts, n_parts, ret);
    for (size_t i = 0; i < n_parts; i++) {
        if (change != NULL && parts[i].ptr == change) change[0] ^= 1;
    }
}

static mun_code changing_new(mun_crypto *ret, mun_error *err)
{
    mun_crypto *honest = calloc(1, sizeof *honest);
    assert_non_null(honest);
    MUN_TRY(mun_native_crypto_new(honest, err));
    *ret = (mun_crypto){.ctx = honest, .sha256 = sha256_and_change};
    return MUN_OK;
}

static void changing_free(mun_crypto *crypto)
{
    mun_native_crypto_free(crypto->ctx);
    free(crypto->ctx);
}

static void test_entry_changed_meanwhile(void **state) /* [LOG-9] */
{
    (void)state;
    broken_world b;
    setup(&b, 7);
    assert_ok(mun_log_close(b.log, err));
    mun_log_config config = config_of(&b);
    config.crypto_new = changing_new;
    config.crypto_free = changing_free;
    assert_ok(mun_log_open(&config, &b.log, err));
    assert_int_equal(append(&b, 0), MUN_OK);
    uint8_t bytes[] = "an entry that does not stay as it is";
    mun_slice entry = mun_slice_of(bytes, sizeof bytes);
    mun_appended got;
    mun_error why;
    atomic_store(&victim, bytes);
    assert_int_equal(mun_log_append(b.log, &entry, 1, &got, NULL, &why), MUN_E_INVALID);
    atomic_store(&victim, NULL);
    assert_int_equal(mun_log_head(b.log).size, 1);
    for (uint64_t i = 1; i < 30; i++) assert_int_equal(append(&b, i), MUN_OK);
    check(&b);
    assert_ok(mun_log_close(b.log, err));
    config = config_of(&b);
    assert_ok(mun_log_fsck(&config, NULL, NULL, err));
    world_close(&b.w);
}

/* ---- kill -9 ---------------------------------------------------------------------------------*/

typedef struct killed_caller {
    broken_world *b;
    unsigned number;
    int pipe;
} killed_caller;

static void *append_for_ever(void *arg)
{
    killed_caller *c = arg;
    for (uint64_t i = 0;; i++) {
        char text[512];
        uint64_t which = (i << 8 | c->number) << 20 | c->b->w.seed % 1000003;
        mun_slice entry = text_of(text, sizeof text, which);
        mun_appended got;
        mun_error err;
        if (mun_log_append(c->b->log, &entry, 1, &got, NULL, &err) != MUN_OK) _exit(3);
        uint64_t said[3] = {which, got.index, got.time_ms};
        if (write(c->pipe, said, sizeof said) != sizeof said) _exit(4);
    }
    return NULL;
}

static void child(broken_world *b, int to)
{
    mun_log_config config = config_of(b);
    killed_caller caller[CALLERS];
    pthread_t thread;
    if (mun_log_open(&config, &b->log, NULL) != MUN_OK) _exit(2);
    for (unsigned i = 0; i < CALLERS; i++) {
        caller[i] = (killed_caller){.b = b, .number = i, .pipe = to};
        if (pthread_create(&thread, NULL, append_for_ever, &caller[i]) != 0) _exit(5);
    }
    pause();
}

static uint64_t check_said(broken_world *b, int from)
{
    uint64_t said[3];
    uint64_t n = 0;
    while (read(from, said, sizeof said) == sizeof said) {
        char text[512];
        uint8_t bytes[512];
        uint64_t time;
        mun_buf buf = mun_buf_fixed(bytes, sizeof bytes);
        assert_ok(mun_log_read(b->log, said[1], &buf, &time, err));
        assert_true(mun_slice_equal(mun_buf_slice(&buf), text_of(text, sizeof text, said[0])));
        assert_int_equal(time, said[2]);
        n++;
    }
    return n;
}

/* Without a writer to restore it a log that was not closed is not read, or it is whole [LOG-16]. */
static void reader_after_kill(broken_world *b)
{
    mun_log_config config = config_of(b);
    mun_log *reader;
    mun_error why;
    config.read_only = true;
    mun_code code = mun_log_open(&config, &reader, &why);
    assert_true(code == MUN_OK || code == MUN_E_AGAIN);
    if (code == MUN_OK) assert_ok(mun_log_close(reader, err));
}

static void test_killed(void **state)
{
    (void)state;
    broken_world b;
    uint64_t all = 0;
    setup(&b, 5);
    mun_log_config config = config_of(&b);
    assert_ok(mun_log_close(b.log, err));
    /* More where it is so slow that none of these has registered anything before its end. */
    for (int round = 0; round < 12 || (all == 0 && round < 200); round++) {
        int ends[2];
        int status;
        assert_int_equal(pipe(ends), 0);
        world_random(&b.w, 10);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            close(ends[0]);
            child(&b, ends[1]);
            _exit(0);
        }
        close(ends[1]);
        usleep(20000 + (useconds_t)world_random(&b.w, 150000));
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        reader_after_kill(&b);
        assert_ok(mun_log_open(&config, &b.log, err));
        all += check_said(&b, ends[0]);
        close(ends[0]);
        assert_ok(mun_log_close(b.log, err));
        assert_ok(mun_log_fsck(&config, NULL, NULL, err));
    }
    assert_true(all > 0);
    world_close(&b.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_no_handles),
        cmocka_unit_test(test_no_handles_behind_the_opening),
        cmocka_unit_test(test_closed_on_a_full_disk),
        cmocka_unit_test(test_failed_calls_are_final),
        cmocka_unit_test(test_refused_after_failure),
        cmocka_unit_test(test_journal_without_room),
        cmocka_unit_test(test_nothing_unsynced_after_failure),
        cmocka_unit_test(test_refused_opening_writes_nothing),
        cmocka_unit_test(test_full_disk_many_callers),
        cmocka_unit_test(test_entry_changed_meanwhile),
        cmocka_unit_test(test_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
