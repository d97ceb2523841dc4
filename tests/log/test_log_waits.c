/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call waits for: an entry that somebody else is bringing is acknowledged when it is
 * durable, whatever became meanwhile of the group that the call had joined before.
 */
#include "support/cmocka_all.h"

#include <muniment/keys.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "log/log_parts.h"
#include "log/log_world.h"
#include "log/store_layout.h"

#define AT_ONCE  256u /* entries that a call hashes and places at a time */
#define LONG_US  30000000u
#define SHORT_US 200000u

/* Somewhere threads stop until they are let go. */
typedef struct halt {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool shut;
    unsigned inside; /* threads that have stopped here since it was shut */
} halt;

static halt at_sync = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
static halt at_hash = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};

static void halt_set(halt *h, bool shut)
{
    pthread_mutex_lock(&h->lock);
    h->shut = shut;
    h->inside = 0;
    pthread_cond_broadcast(&h->moved);
    pthread_mutex_unlock(&h->lock);
}

static void halt_pass(halt *h)
{
    pthread_mutex_lock(&h->lock);
    if (h->shut) h->inside++;
    pthread_cond_broadcast(&h->moved);
    while (h->shut) pthread_cond_wait(&h->moved, &h->lock);
    pthread_mutex_unlock(&h->lock);
}

static void halt_await(halt *h)
{
    pthread_mutex_lock(&h->lock);
    while (h->inside == 0) pthread_cond_wait(&h->moved, &h->lock);
    pthread_mutex_unlock(&h->lock);
}

/* The journal's sync stops at one place, hashing the text "last" for the long call at another. */
static const mun_vfs *under;
static _Thread_local bool hashes_slowly;
static void (*sha256)(void *ctx, const mun_slice *parts, size_t n, uint8_t ret[MUN_HASH_SIZE]);

static mun_code slow_sync(void *ctx, mun_file *file, mun_error *err)
{
    halt_pass(&at_sync);
    return under->sync(ctx, file, err);
}

static void slow_sha256(void *ctx, const mun_slice *parts, size_t n, uint8_t ret[MUN_HASH_SIZE])
{
    if (hashes_slowly && n == 2 && mun_slice_equal(parts[1], MUN_LITERAL("last"))) {
        halt_pass(&at_hash);
    }
    sha256(ctx, parts, n, ret);
}

static mun_code slow_crypto_new(mun_crypto *ret, mun_error *err)
{
    MUN_TRY(mun_native_crypto_new(ret, err));
    ret->sha256 = slow_sha256;
    return MUN_OK;
}

typedef struct caller {
    pthread_t thread;
    mun_log *log;
    uint64_t first; /* of the numbers in its texts */
    size_t n;
    bool last; /* and then the text "last" */
    _Atomic bool done;
    mun_code code;
    mun_error err;
    mun_appended got[AT_ONCE + 1];
} caller;

static void *call(void *arg)
{
    caller *c = arg;
    static _Thread_local char text[AT_ONCE][32];
    mun_slice entries[AT_ONCE + 1];
    hashes_slowly = c->n > 0;
    for (size_t i = 0; i < c->n; i++) {
        int len =
            snprintf(text[i], sizeof text[i], "entry %llu", (unsigned long long)(c->first + i));
        entries[i] = mun_slice_of(text[i], (size_t)len);
    }
    if (c->last) entries[c->n] = MUN_LITERAL("last");
    c->code = mun_log_append(c->log, entries, c->n + c->last, c->got, NULL, &c->err);
    atomic_store(&c->done, true);
    return NULL;
}

static void begin(caller *c, mun_log *log, uint64_t first, size_t n, bool last)
{
    *c = (caller){.log = log, .first = first, .n = n, .last = last};
    assert_int_equal(pthread_create(&c->thread, NULL, call, c), 0);
}

static void end(caller *c)
{
    pthread_join(c->thread, NULL);
    if (c->code != MUN_OK) fail_msg("append: %s: %s", mun_code_name(c->code), c->err.text);
}

/* Until the entry with that index is in the group that gathers, or else in the one in flight. */
static void await_entry(mun_log *log, uint64_t index, bool in_flight)
{
    for (unsigned us = 0;; us += 1000) {
        pthread_mutex_lock(&log->gate);
        const mun_group *g = in_flight ? log->flight : log->gather;
        bool there = g != NULL && index >= g->first && index < g->first + g->batch->count;
        pthread_mutex_unlock(&log->gate);
        if (there) return;
        assert_true(us < LONG_US);
        usleep(1000);
    }
}

/*
 * A long call puts its first part into a group that another call leads. While it prepares the rest,
 * that group becomes durable, and the next one is on its way with an entry that the rest repeats.
 */
static void test_known_in_a_later_group(void **state)
{
    (void)state;
    world w;
    caller first, leader, later;
    caller *large = calloc(1, sizeof *large);
    mun_log *log = NULL;
    world_open(&w, 1);
    sha256 = w.crypto.sha256;
    mun_vfs vfs = w.vfs;
    under = &w.vfs;
    vfs.sync = slow_sync;
    mun_log_config config = world_config(&w);
    assert_ok(mun_log_create(&config, err));
    config.vfs = &vfs;
    config.crypto_new = slow_crypto_new;
    assert_ok(mun_log_open(&config, &log, err));

    halt_set(&at_sync, true);
    halt_set(&at_hash, true);
    begin(&first, log, 1000, 1, false);
    await_entry(log, 0, true);
    begin(&leader, log, 2000, 1, false);
    await_entry(log, 1, false);
    begin(large, log, 0, AT_ONCE, true);
    halt_await(&at_hash); /* its first part is in leader's group */
    halt_set(&at_sync, false);
    end(&first);
    end(&leader);
    halt_set(&at_sync, true);
    begin(&later, log, 0, 0, true);
    await_entry(log, 2 + AT_ONCE, true);
    halt_set(&at_hash, false);
    usleep(SHORT_US);
    assert_false(atomic_load(&large->done)); /* not while its last entry is not durable */
    halt_set(&at_sync, false);
    end(&later);
    end(large);
    assert_true(large->got[AT_ONCE].existed);
    assert_int_equal(large->got[AT_ONCE].index, later.got[0].index);

    assert_ok(mun_log_close(log, err));
    free(large);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_in_a_later_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
