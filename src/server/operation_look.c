/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at ledgers for the metrics: how many bytes each has on the disk, how far its index is.
 * That walks a directory, on a disk that may not answer, so a thread of its own does it, and a
 * round that takes longer than WAIT_NS is not waited for: who asks then prints what was last seen.
 * The thread is started by whoever asks first.
 */
#include "server/operation_parts.h"

#include "server/clock.h"
#include "server/served.h"

#include <errno.h>
#include <stdlib.h>

#define LOOK_NS 250000000  /* of a round; the next one goes on where it ended */
#define WAIT_NS 1000000000 /* a busy machine needs more than that */

mun_code operation_look_init(operation_look *look, mun_error *err)
{
    pthread_mutex_init(&look->mutex, NULL);
    mun_clock_cond_init(&look->changed);
    look->seen = calloc(MUN_LEDGERS_MAX, sizeof *look->seen);
    return look->seen != NULL ? MUN_OK
                              : mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory to look");
}

void operation_look_finish(operation_look *look)
{
    operation_look_stop(look);
    free(look->seen);
    pthread_cond_destroy(&look->changed);
    pthread_mutex_destroy(&look->mutex);
}

/* ---- The thread ------------------------------------------------------------------------------ */

static void look_at(operation_look *look, size_t at, mun_served *served)
{
    mun_ledger *ledger;
    mun_ledger_status status;
    if (!mun_served_is_open(served)) return;
    if (mun_served_use(served, false, &ledger, NULL) != MUN_OK) return;
    mun_code code = mun_ledger_status_get(ledger, &status, NULL);
    mun_served_done(served, ledger, MUN_OK); /* a look that failed is no failure of the ledger */
    if (code == MUN_OK) {
        pthread_mutex_lock(&look->mutex);
        look->seen[at] = (operation_seen){served, status};
        pthread_mutex_unlock(&look->mutex);
    }
    mun_served_look_for_room(served);
}

static void look_round(operation_look *look)
{
    uint64_t begin = mun_clock_ns();
    size_t n = mun_served_count(look->set);
    for (size_t done = 0; done < n && mun_clock_ns() - begin < LOOK_NS; done++) {
        size_t at = look->next < n ? look->next : 0;
        mun_served *served = mun_served_at(look->set, at);
        look->next = at + 1;
        if (served != NULL) look_at(look, at, served);
    }
}

static void *looker(void *ctx)
{
    operation_look *look = ctx;
    pthread_mutex_lock(&look->mutex);
    while (!look->ends) {
        if (look->asked == look->begun) {
            pthread_cond_wait(&look->changed, &look->mutex);
            continue;
        }
        uint64_t round = look->begun = look->asked;
        look->begun_ns = mun_clock_ns();
        pthread_mutex_unlock(&look->mutex);
        look_round(look);
        pthread_mutex_lock(&look->mutex);
        look->done = round;
        pthread_cond_broadcast(&look->changed);
    }
    pthread_mutex_unlock(&look->mutex);
    return NULL;
}

/* ---- Who asks -------------------------------------------------------------------------------- */

/* With the mutex: the round that begins from now on; where there is no thread to be had, none. */
static uint64_t ask(operation_look *look, mun_served_set *set)
{
    look->set = set;
    if (!look->runs) look->runs = pthread_create(&look->thread, NULL, looker, look) == 0;
    if (!look->runs) return look->done;
    look->asked = look->begun + 1;
    pthread_cond_broadcast(&look->changed);
    return look->asked;
}

void operation_look_ask(operation_look *look, mun_served_set *set)
{
    pthread_mutex_lock(&look->mutex);
    (void)ask(look, set);
    pthread_mutex_unlock(&look->mutex);
}

void operation_look_wait(operation_look *look, mun_served_set *set)
{
    pthread_mutex_lock(&look->mutex);
    bool running = look->begun != look->done;
    struct timespec at = mun_clock_at((running ? look->begun_ns : mun_clock_ns()) + WAIT_NS);
    uint64_t round = ask(look, set);
    int waited = 0;
    while (look->done < round && waited != ETIMEDOUT) {
        waited = pthread_cond_timedwait(&look->changed, &look->mutex, &at);
    }
    pthread_mutex_unlock(&look->mutex);
}

bool operation_look_seen(operation_look *look, size_t at, const mun_served *served,
                         mun_ledger_status *ret)
{
    pthread_mutex_lock(&look->mutex);
    bool seen = look->seen[at].served == served;
    if (seen) *ret = look->seen[at].status;
    pthread_mutex_unlock(&look->mutex);
    return seen;
}

void operation_look_stop(operation_look *look)
{
    if (!look->runs) return;
    pthread_mutex_lock(&look->mutex);
    look->ends = true;
    pthread_cond_broadcast(&look->changed);
    pthread_mutex_unlock(&look->mutex);
    pthread_join(look->thread, NULL);
    look->runs = false;
}
