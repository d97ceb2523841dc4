/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of registrations. One mutex guards it: what is done under it is a few pointers' worth.
 * A ledger with jobs stands in the round of turns once, or not at all while it has as many turns
 * under way as it may; a worker that leaves jobs behind puts it at the round's end.
 */
#include "server/register_queue.h"

#include "server/clock.h"
#include "server/metrics.h"
#include "server/scrapi.h"
#include "server/served_parts.h"
#include "server/service.h"
#include "server/work_queue.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define PLACES_SHARE 7 /* times the free places: so many a ledger may hold beside others */

typedef struct worker {
    mun_register_queue *queue;
    pthread_t thread;
    mun_turn turn;
} worker;

struct mun_register_queue {
    mun_service *service;
    size_t waiting_max;
    pthread_mutex_t mutex;
    pthread_cond_t work;
    mun_served *first, *last; /* the round: ledgers that have jobs */
    size_t waiting;
    size_t turns_max; /* of one ledger at once */
    size_t share_max; /* and beside others */
    bool alone;       /* there was one ledger, when a job was last handed in */
    size_t idle;      /* workers that wait for work and were not called yet */
    bool stop;
    size_t workers_len;
    worker *workers;
};

/* ---- The round; all with the mutex ----------------------------------------------------------- */

/* Puts a ledger with jobs into the round, unless it is there, or has its share of the workers: so
 * a ledger whose disk does not answer leaves some to the others. */
static bool round_push(mun_register_queue *queue, mun_served *served)
{
    size_t most = queue->alone ? queue->turns_max : queue->share_max;
    if (served->in_round || served->first_job == NULL || served->turns >= most) return false;
    served->in_round = true;
    served->next_turn = NULL;
    if (queue->last == NULL) {
        queue->first = served;
    } else {
        queue->last->next_turn = served;
    }
    queue->last = served;
    return true;
}

static mun_served *round_pop(mun_register_queue *queue)
{
    mun_served *served = queue->first;
    queue->first = served->next_turn;
    if (queue->first == NULL) queue->last = NULL;
    served->in_round = false;
    return served;
}

/* Calls a worker, if one waits; the others come by when they are done. Once for each ledger that
 * joins the round: a further job of it joins its turn. */
static void call_worker(mun_register_queue *queue)
{
    if (queue->idle == 0) return;
    queue->idle--;
    pthread_cond_signal(&queue->work);
}

static void job_push(mun_register_queue *queue, mun_served *served, mun_register_job *job)
{
    job->next = NULL;
    if (served->first_job == NULL) {
        served->first_job = job;
    } else {
        served->last_job->next = job;
    }
    served->last_job = job;
    served->jobs++;
    queue->waiting++;
    if (round_push(queue, served)) call_worker(queue);
}

/* The jobs of the ledger whose turn it is. */
static mun_served *turn_take(mun_register_queue *queue, mun_turn *turn)
{
    mun_served *served = round_pop(queue);
    turn->n = 0;
    while (turn->n < MUN_REGISTER_TURN && served->first_job != NULL) {
        turn->job[turn->n++] = served->first_job;
        served->first_job = served->first_job->next;
    }
    queue->waiting -= turn->n;
    served->jobs -= turn->n;
    served->turns++;
    (void)round_push(queue, served);
    if (queue->first != NULL) call_worker(queue);
    return served;
}

static void turn_end(mun_register_queue *queue, mun_served *served)
{
    pthread_mutex_lock(&queue->mutex);
    served->turns--;
    (void)round_push(queue, served);
    pthread_mutex_unlock(&queue->mutex);
}

/* ---- Workers --------------------------------------------------------------------------------- */

static void turn_measure(const mun_register_queue *queue, const mun_turn *turn)
{
    mun_metrics *metrics = queue->service->metrics;
    uint64_t now = mun_clock_ns();
    mun_metrics_gauge(metrics, MUN_GAUGE_REGISTER_QUEUE, -(int64_t)turn->n);
    for (size_t i = 0; i < turn->n; i++) {
        mun_metrics_stage(metrics, MUN_STAGE_QUEUE, now - turn->job[i]->queued_ns);
    }
}

static mun_served *wait_for_turn(mun_register_queue *queue, mun_turn *turn)
{
    mun_served *served = NULL;
    pthread_mutex_lock(&queue->mutex);
    while (queue->first == NULL && !queue->stop) {
        queue->idle++;
        pthread_cond_wait(&queue->work, &queue->mutex);
    }
    if (queue->first != NULL) served = turn_take(queue, turn);
    pthread_mutex_unlock(&queue->mutex);
    return served;
}

static void *work(void *ctx)
{
    worker *w = ctx;
    for (;;) {
        mun_served *served = wait_for_turn(w->queue, &w->turn);
        if (served == NULL) return NULL;
        turn_measure(w->queue, &w->turn);
        mun_scrapi_register(served, &w->turn);
        turn_end(w->queue, served); /* and this worker looks for the next one itself */
    }
}

/* Signals are the service's main thread's. */
static bool worker_start(worker *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&w->thread, NULL, work, w) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

/* Turns of one ledger at once: enough that every processor verifies while one turn is being synced.
 * More of them would only make the turns smaller: measured, 8 at once cost a sixth more processor
 * time for each registration than 3 on 2 processors. */
static size_t turns_max_of(size_t workers)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t most = processors > 0 ? (size_t)processors + 1 : 2;
    return most < workers ? most : workers;
}

/* ---- From outside ---------------------------------------------------------------------------- */

static mun_code workers_start(mun_register_queue *queue, size_t workers, mun_error *err)
{
    for (; queue->workers_len < workers; queue->workers_len++) {
        worker *w = &queue->workers[queue->workers_len];
        w->queue = queue;
        if (!worker_start(w)) {
            return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET,
                            "no more threads can be started for the registrations");
        }
    }
    return MUN_OK;
}

mun_code mun_register_queue_create(mun_service *service, size_t workers, size_t queue_max,
                                   mun_register_queue **ret, mun_error *err)
{
    if (workers == 0) workers = mun_workers_default();
    mun_register_queue *queue = calloc(1, sizeof *queue);
    if (queue == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->work, NULL);
    queue->service = service;
    queue->turns_max = turns_max_of(workers);
    queue->share_max = turns_max_of(mun_work_share_max(workers));
    queue->waiting_max = queue_max > 0 ? queue_max : MUN_REGISTER_QUEUE;
    queue->workers = calloc(workers, sizeof queue->workers[0]);
    mun_code code = queue->workers == NULL
                        ? mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory")
                        : workers_start(queue, workers, err);
    if (code != MUN_OK) {
        mun_register_queue_destroy(queue);
        return code;
    }
    *ret = queue;
    return MUN_OK;
}

void mun_register_queue_destroy(mun_register_queue *queue)
{
    if (queue == NULL) return;
    pthread_mutex_lock(&queue->mutex);
    queue->stop = true;
    pthread_cond_broadcast(&queue->work);
    pthread_mutex_unlock(&queue->mutex);
    for (size_t i = 0; i < queue->workers_len; i++) {
        pthread_join(queue->workers[i].thread, NULL);
    }
    pthread_cond_destroy(&queue->work);
    pthread_mutex_destroy(&queue->mutex);
    free(queue->workers);
    free(queue);
}

/* A ledger that is served alone may fill the queue. Beside others it may hold PLACES_SHARE times
 * what is free: seven eighths, or two of them seven fifteenths each, so that one whose disk does
 * not answer leaves places to the rest. */
static bool has_room(const mun_register_queue *queue, const mun_served *served, bool alone)
{
    if (queue->stop || queue->waiting >= queue->waiting_max) return false;
    return alone || served->jobs < PLACES_SHARE * (queue->waiting_max - queue->waiting);
}

bool mun_register_submit(mun_register_queue *queue, mun_register_job *job)
{
    mun_served *served = job->request->served;
    bool alone = mun_served_count(queue->service->ledgers) <= 1;
    job->queued_ns = mun_clock_ns();
    pthread_mutex_lock(&queue->mutex);
    queue->alone = alone;
    bool room = has_room(queue, served, alone);
    if (room) job_push(queue, served, job);
    pthread_mutex_unlock(&queue->mutex);
    if (room) mun_metrics_gauge(queue->service->metrics, MUN_GAUGE_REGISTER_QUEUE, 1);
    return room;
}
