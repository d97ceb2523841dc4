/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From requests to mun_ledger_register: registrations wait in one bounded queue for each ledger;
 * a worker takes all that wait for one ledger, at most MUN_REGISTER_TURN, and registers them in one
 * call. While that batch is being synced the next one gathers, and other workers serve it or other
 * ledgers: no timers. Turns go round the ledgers that have work, so one busy ledger does not starve
 * the others.
 *
 * Ownership: a job belongs to its submitter (it stands in the connection's context) and must stay
 * until `done` was called. Threads: submit from any thread; done is called on a worker.
 */
#ifndef MUN_SERVER_REGISTER_QUEUE_H
#define MUN_SERVER_REGISTER_QUEUE_H

#include "server/response.h"

typedef struct mun_register_job {
    const mun_request *request;
    mun_response *response; /* filled before done */
    void (*done)(void *ctx);
    void *ctx;
    uint64_t queued_ns; /* private from here */
    struct mun_register_job *next;
} mun_register_job;

typedef struct mun_register_queue mun_register_queue;

MUN_MUST mun_code mun_register_queue_create(struct mun_service *service, size_t workers,
                                            size_t queue_max, mun_register_queue **ret,
                                            mun_error *err);
/* Serves what waits, then ends the workers. */
void mun_register_queue_destroy(mun_register_queue *queue);

/* False: the queue is full, or the ledger's share of it; nothing was taken, and the caller answers
 * 503 with Retry-After. */
bool mun_register_submit(mun_register_queue *queue, mun_register_job *job);

#endif
