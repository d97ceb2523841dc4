/* SPDX-License-Identifier: Apache-2.0 */
/* work_queue.h: everything taken is run once, no more waits than may, the end waits for all. */
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
    mun_work_item items[4];
    mun_work_queue *queue;
    atomic_store(&ran, 0);
    assert_int_equal(mun_work_queue_create(1, 2, NULL, &queue, NULL), MUN_OK);
    pthread_mutex_lock(&gate);
    size_t taken = 0;
    for (size_t i = 0; i < 4; i++) {
        items[i] = (mun_work_item){.run = wait_at_gate, .ctx = &times[i]};
        taken += mun_work_submit(queue, &items[i]);
    }
    /* One may have been fetched by the worker, two wait: at least one was turned away. */
    assert_in_range(taken, 2, 3);
    assert_int_equal(atomic_load(&ran), 0);
    pthread_mutex_unlock(&gate);
    mun_work_queue_destroy(queue);
    assert_int_equal(atomic_load(&ran), taken);
}

static void nothing_to_do(void **state)
{
    (void)state;
    mun_work_queue *queue;
    assert_int_equal(mun_work_queue_create(3, 1, NULL, &queue, NULL), MUN_OK);
    mun_work_queue_destroy(queue);
    mun_work_queue_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_once),
        cmocka_unit_test(full_is_said),
        cmocka_unit_test(nothing_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
