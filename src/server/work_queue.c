/* SPDX-License-Identifier: Apache-2.0 */
#include "server/work_queue.h"

#include "server/service_limits.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define LEFT_TO_OTHERS 4 /* one in so many workers is not taken by one share alone */
#define PLACES_SHARE   7 /* times the free places: so many a share may hold */

unsigned mun_workers_default(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    long suits = processors > 0 ? processors * MUN_WORKERS_EACH : 0;
    if (suits > MUN_WORKERS_MAX) return MUN_WORKERS_MAX;
    return suits > MUN_WORKERS_MIN ? (unsigned)suits : MUN_WORKERS_MIN;
}

struct mun_work_queue {
    pthread_mutex_t mutex; /* guards all below but `threads` */
    pthread_cond_t work;
    mun_work_share *first, *last; /* the round: those with items that may run now */
    mun_work_share common;        /* of the items that name none */
    size_t len, max;
    size_t share_max;
    bool ending;
    mun_metrics *metrics;
    size_t threads_len;
    pthread_t threads[];
};

static void waiting_changed(mun_work_queue *queue, int64_t change)
{
    if (queue->metrics != NULL) mun_metrics_gauge(queue->metrics, MUN_GAUGE_WORK_QUEUE, change);
}

size_t mun_work_share_max(size_t workers)
{
    size_t left = workers / LEFT_TO_OTHERS;
    if (workers < 2) return workers;
    return workers - (left > 0 ? left : 1);
}

/* ---- The round; all with the mutex ----------------------------------------------------------- */

static bool may_run(const mun_work_queue *queue, const mun_work_share *share)
{
    return share == &queue->common || share->running < queue->share_max;
}

/* A share with items stands in the round once, or not at all while it has all its workers. */
static void round_push(mun_work_queue *queue, mun_work_share *share)
{
    if (share->in_round || share->first == NULL || !may_run(queue, share)) return;
    share->in_round = true;
    share->next = NULL;
    if (queue->last == NULL) {
        queue->first = share;
    } else {
        queue->last->next = share;
    }
    queue->last = share;
}

static mun_work_item *turn_take(mun_work_queue *queue)
{
    mun_work_share *share = queue->first;
    queue->first = share->next;
    if (queue->first == NULL) queue->last = NULL;
    share->in_round = false;
    mun_work_item *item = share->first;
    share->first = item->next;
    share->waiting--;
    share->running++;
    queue->len--;
    round_push(queue, share);
    return item;
}

static void item_push(mun_work_queue *queue, mun_work_share *share, mun_work_item *item)
{
    item->next = item->first ? share->first : NULL;
    if (item->first || share->first == NULL) {
        share->first = item;
    } else {
        share->last->next = item;
    }
    if (item->next == NULL) share->last = item;
    share->waiting++;
    queue->len++;
    round_push(queue, share);
}

/* As the queue of registrations has it: beside others nobody takes the last places. */
static bool has_room(const mun_work_queue *queue, const mun_work_share *share)
{
    if (queue->len >= queue->max) return false;
    return share == &queue->common || share->waiting < PLACES_SHARE * (queue->max - queue->len);
}

/* ---- Workers --------------------------------------------------------------------------------- */

/* The next item, or NULL when the queue ends and is empty. done: whose item this worker has run;
 * what waits there may be this worker's next, so nobody need be called for it. */
static mun_work_item *next_item(mun_work_queue *queue, mun_work_share *done)
{
    pthread_mutex_lock(&queue->mutex);
    if (done != NULL) {
        done->running--;
        round_push(queue, done);
    }
    while (queue->first == NULL && !queue->ending) {
        pthread_cond_wait(&queue->work, &queue->mutex);
    }
    mun_work_item *item = queue->first != NULL ? turn_take(queue) : NULL;
    pthread_mutex_unlock(&queue->mutex);
    return item;
}

/* The item is its submitter's again, and may be gone, once it was run. */
static void *serve(void *ctx)
{
    mun_work_queue *queue = ctx;
    mun_work_share *share = NULL;
    mun_work_item *item;
    while ((item = next_item(queue, share)) != NULL) {
        share = item->share;
        waiting_changed(queue, -1);
        item->run(item->ctx);
    }
    return NULL;
}

mun_code mun_work_queue_create(size_t workers, size_t queue_max, mun_metrics *metrics,
                               mun_work_queue **ret, mun_error *err)
{
    mun_work_queue *queue = calloc(1, sizeof *queue + workers * sizeof(pthread_t));
    if (queue == NULL) {
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory for the workers");
    }
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->work, NULL);
    queue->max = queue_max;
    queue->share_max = mun_work_share_max(workers);
    queue->metrics = metrics;
    for (; queue->threads_len < workers; queue->threads_len++) {
        int failed = pthread_create(&queue->threads[queue->threads_len], NULL, serve, queue);
        if (failed != 0) {
            size_t started = queue->threads_len;
            mun_work_queue_destroy(queue);
            return mun_failf(err, MUN_E_MEMORY, failed, "cannot start worker %zu of %zu",
                             started + 1, workers);
        }
    }
    *ret = queue;
    return MUN_OK;
}

void mun_work_queue_destroy(mun_work_queue *queue)
{
    if (queue == NULL) return;
    pthread_mutex_lock(&queue->mutex);
    queue->ending = true;
    pthread_cond_broadcast(&queue->work);
    pthread_mutex_unlock(&queue->mutex);
    for (size_t i = 0; i < queue->threads_len; i++) pthread_join(queue->threads[i], NULL);
    pthread_cond_destroy(&queue->work);
    pthread_mutex_destroy(&queue->mutex);
    free(queue);
}

bool mun_work_submit(mun_work_queue *queue, mun_work_item *item)
{
    if (item->share == NULL) item->share = &queue->common;
    pthread_mutex_lock(&queue->mutex);
    bool room = has_room(queue, item->share), call = false;
    if (room) {
        item_push(queue, item->share, item);
        call = item->share->in_round; /* else a worker of its own comes to it */
        waiting_changed(queue, 1);
    }
    pthread_mutex_unlock(&queue->mutex);
    if (call) pthread_cond_signal(&queue->work);
    return room;
}
