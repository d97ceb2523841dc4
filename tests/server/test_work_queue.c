/* SPDX-License-Identifier: Apache-2.0 */
/* work_queue.h: everything taken is run once, no more waits than may, the end waits for all; who
 * hangs leaves workers and places to others. */
#include "server/server_world.h"
#include "server/work_queue.h"
#include "support/cmocka_all.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define ITEMS 500

static atomic_size_t ran;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void count(void *ctx)
{
    atomic_fetch_add((atomic_size_t *)ctx, 1);
    atomic_fetch_add(&ran, 1);
}

static void wait_at_gate(void *ctx)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    count(ctx);
}

static void each_once(void **state)
{
    (void)state;
    static atomic_size_t times[ITEMS];
    static mun_work_item items[ITEMS];
    mun_work_queue *queue;
    assert_int_equal(mun_work_queue_create(4, ITEMS, NULL, &queue, NULL), MUN_OK);
    for (size_t i = 0; i < ITEMS; i++) {
        items[i] = (mun_work_item){.run = count, .ctx = &times[i]};
        assert_true(mun_work_submit(queue, &items[i]));
    }
    mun_work_queue_destroy(queue);
    for (size_t i = 0; i < ITEMS; i++) assert_int_equal(times[i], 1);
}

static void full_is_said(void **state)
{
    (void)state;
    atomic_size_t times[4] = {0};
    mun_metrics *metrics = mun_metrics_create();
    mun_work_item items[4];
    mun_work_queue *queue;
    atomic_store(&ran, 0);
    assert_int_equal(mun_work_queue_create(1, 2, metrics, &queue, NULL), MUN_OK);
    pthread_mutex_lock(&gate);
    size_t taken = 0;
    for (size_t i = 0; i < 4; i++) {
        items[i] = (mun_work_item){.run = wait_at_gate, .ctx = &times[i]};
        taken += mun_work_submit(queue, &items[i]);
    }
    /* One may have been fetched by the worker, two wait: at least one was turned away. */
    assert_in_range(taken, 2, 3);
    assert_int_equal(atomic_load(&ran), 0);
    assert_in_range(server_metric(metrics, "muniment_work_queue"), 1, 2);
    pthread_mutex_unlock(&gate);
    mun_work_queue_destroy(queue);
    assert_int_equal(atomic_load(&ran), taken);
    assert_int_equal(server_metric(metrics, "muniment_work_queue"), 0);
    mun_metrics_destroy(metrics);
}

static void nothing_to_do(void **state)
{
    (void)state;
    mun_work_queue *queue;
    assert_int_equal(mun_work_queue_create(3, 1, NULL, &queue, NULL), MUN_OK);
    mun_work_queue_destroy(queue);
    mun_work_queue_destroy(NULL);
}

/* ---- Shares ---------------------------------------------------------------------------------- */

#define WORKERS 4

static atomic_size_t arrived;

static void hang(void *ctx)
{
    atomic_fetch_add(&arrived, 1);
    wait_at_gate(ctx);
}

/* False after ten seconds: what should come does not. */
static bool reaches(const atomic_size_t *what, size_t wanted)
{
    const struct timespec pause = {0, 1000000};
    for (unsigned i = 0; i < 10000 && atomic_load(what) < wanted; i++) nanosleep(&pause, NULL);
    return atomic_load(what) == wanted;
}

static void hung_create(size_t workers, size_t places, mun_work_queue **ret)
{
    atomic_store(&arrived, 0);
    atomic_store(&ran, 0);
    assert_int_equal(mun_work_queue_create(workers, places, NULL, ret, NULL), MUN_OK);
    pthread_mutex_lock(&gate);
}

static void hung_end(mun_work_queue *queue)
{
    pthread_mutex_unlock(&gate);
    mun_work_queue_destroy(queue);
}

static void a_hung_share_leaves_workers(void **state)
{
    (void)state;
    static mun_work_item items[ITEMS], others[ITEMS];
    atomic_size_t hung = 0, other = 0;
    mun_work_share a = {0}, b = {0};
    for (size_t workers = 2; workers <= 9; workers++) {
        mun_work_queue *queue;
        hung_create(workers, 4 * ITEMS, &queue);
        hung = other = 0;
        for (size_t i = 0; i < ITEMS; i++) {
            items[i] = (mun_work_item){.run = hang, .ctx = &hung, .share = &a};
            others[i] = (mun_work_item){.run = count, .ctx = &other, .share = &b};
            assert_true(mun_work_submit(queue, &items[i]));
        }
        for (size_t i = 0; i < ITEMS; i++) assert_true(mun_work_submit(queue, &others[i]));
        assert_true(reaches(&other, ITEMS));
        assert_true(reaches(&arrived, mun_work_share_max(workers)));
        assert_int_equal(hung, 0);
        hung_end(queue);
        assert_int_equal(hung, ITEMS);
        assert_int_equal(atomic_load(&ran), 2 * ITEMS);
    }
}

static void how_large_a_share_is(void **state)
{
    (void)state;
    static const size_t most[] = {0, 1, 1, 2, 3, 4, 5, 6, 6};
    for (size_t i = 0; i < sizeof most / sizeof most[0]; i++) {
        assert_int_equal(mun_work_share_max(i), most[i]);
    }
    assert_int_equal(mun_work_share_max(256), 192);
}

static void a_hung_share_leaves_places(void **state)
{
    (void)state;
    mun_work_item items[64], another;
    atomic_size_t times = 0;
    mun_work_share a = {0}, b = {0};
    mun_work_queue *queue;
    hung_create(1, 32, &queue);
    size_t taken = 0;
    for (size_t i = 0; i < 64; i++) {
        items[i] = (mun_work_item){.run = hang, .ctx = &times, .share = &a};
        taken += mun_work_submit(queue, &items[i]);
        if (i == 0) assert_true(reaches(&arrived, 1));
    }
    assert_int_equal(taken, 1 + 28); /* seven eighths of 32 wait */
    another = (mun_work_item){.run = count, .ctx = &times, .share = &b};
    assert_true(mun_work_submit(queue, &another));
    hung_end(queue);
    assert_int_equal(times, taken + 1);
}

/* Nobody is kept waiting for workers that no other would take. */
static void without_a_share_all_workers(void **state)
{
    (void)state;
    mun_work_item items[WORKERS];
    atomic_size_t times = 0;
    mun_work_queue *queue;
    hung_create(WORKERS, WORKERS, &queue);
    for (size_t i = 0; i < WORKERS; i++) {
        items[i] = (mun_work_item){.run = hang, .ctx = &times};
        assert_true(mun_work_submit(queue, &items[i]));
    }
    assert_true(reaches(&arrived, WORKERS));
    hung_end(queue);
    assert_int_equal(times, WORKERS);
}

static const char *order[16]; /* one worker writes it */
static size_t order_len;

static void note(void *ctx)
{
    order[order_len++] = ctx;
}

/* Items with these names, submitted while the only worker is held: letters of one share, capitals
 * of another; those among `first` go before the others of theirs. */
static void order_is(const char *names, const char *first, const char *turns)
{
    mun_work_item blocking, items[8];
    atomic_size_t times = 0;
    mun_work_share much = {0}, little = {0};
    mun_work_queue *queue;
    order_len = 0;
    hung_create(1, 64, &queue);
    blocking = (mun_work_item){.run = hang, .ctx = &times};
    assert_true(mun_work_submit(queue, &blocking));
    assert_true(reaches(&arrived, 1));
    for (size_t i = 0; i < 8; i++) {
        items[i] = (mun_work_item){.run = note,
                                   .ctx = (void *)(uintptr_t)&names[i],
                                   .share = names[i] >= 'a' ? &much : &little,
                                   .first = strchr(first, names[i]) != NULL};
        assert_true(mun_work_submit(queue, &items[i]));
    }
    hung_end(queue);
    assert_int_equal(order_len, 8);
    for (size_t i = 0; i < 8; i++) assert_int_equal(*order[i], turns[i]);
}

/* One who asks for little waits for one item of each who asks for much, and order is kept. */
static void shares_take_turns(void **state)
{
    (void)state;
    order_is("abcdefBC", "", "aBbCcdef");
}

/* First among its own, not before others'; what came after it still has its place. */
static void first_among_its_own(void **state)
{
    (void)state;
    order_is("abBCcDde", "cD", "cDaBbCde");
    order_is("abcdefgh", "ah", "habcdefg");
    order_is("abcdefgh", "abcdefgh", "hgfedcba");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_once),
        cmocka_unit_test(full_is_said),
        cmocka_unit_test(nothing_to_do),
        cmocka_unit_test(how_large_a_share_is),
        cmocka_unit_test(a_hung_share_leaves_workers),
        cmocka_unit_test(a_hung_share_leaves_places),
        cmocka_unit_test(without_a_share_all_workers),
        cmocka_unit_test(shares_take_turns),
        cmocka_unit_test(first_among_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
