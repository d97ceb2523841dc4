/* SPDX-License-Identifier: Apache-2.0 */
#include "server/work_queue.h"

#include "server/service_limits.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

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
    mun_work_item *first, **last;
    size_t len, max;
    bool ending;
    mun_metrics *metrics;
    size_t threads_len;
    pthread_t threads[];
};

static void waiting_changed(mun_work_queue *queue, int64_t change)
{
    if (queue->metrics != NULL) mun_metrics_gauge(queue->metrics, MUN_GAUGE_WORK_QUEUE, change);
}

/* The next item, or NULL when the queue ends and is empty. */
static mun_work_item *next_item(mun_work_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    while (queue->first == NULL && !queue->ending) {
        pthread_cond_wait(&queue->work, &queue->mutex);
    }
    mun_work_item *item = queue->first;
    if (item != NULL) {
        queue->first = item->next;
        if (queue->first == NULL) queue->last = &queue->first;
        queue->len--;
    }
    pthread_mutex_unlock(&queue->mutex);
    return item;
}

static void *serve(void *ctx)
{
    mun_work_queue *queue = ctx;
    mun_work_item *item;
    while ((item = next_item(queue)) != NULL) {
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
    queue->last = &queue->first;
    queue->max = queue_max;
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
    item->next = NULL;
    pthread_mutex_lock(&queue->mutex);
    bool room = queue->len < queue->max;
    if (room) {
        *queue->last = item;
        queue->last = &item->next;
        queue->len++;
        waiting_changed(queue, 1);
    }
    pthread_mutex_unlock(&queue->mutex);
    if (room) pthread_cond_signal(&queue->work);
    return room;
}
