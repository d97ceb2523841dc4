/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of registration share: ledgers on the disk, served by a set, with metrics and a
 * queue; and requests made by hand that go through the real handlers.
 */
#ifndef MUN_TESTS_SERVER_WORLD_H
#define MUN_TESTS_SERVER_WORLD_H

#include "ledger/ledger_world.h"
#include "server/register_queue.h"
#include "server/route.h"
#include "server/service.h"

#include <pthread.h>

typedef struct server_world {
    world *ledger; /* its ledger is closed: the set opens it */
    mun_service service;
    mun_served *served; /* "deeds" at the root */
} server_world;

/* cmocka fixtures: one ledger in listed mode, no queue yet. */
int server_world_set_up(void **state);
int server_world_tear_down(void **state);

void server_world_queue(server_world *s, size_t workers, size_t queue_max);
mun_served *server_world_add(server_world *s, const mun_served_options *options);

/* What /metrics says: the value of the sample of this whole name. */
long server_metric(mun_metrics *metrics, const char *name);

/* One request with its response. Give it a body and fields before it is run. */
typedef struct exchange {
    mun_request request;
    mun_response response;
    mun_register_job job;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned done;
} exchange;

void exchange_open(exchange *e, server_world *s, mun_served *served, const char *path);
void exchange_close(exchange *e);
/* Through the queue, and waits; false: the queue was full. */
bool exchange_submit(exchange *e, mun_register_queue *queue);
void exchange_wait(exchange *e);
/* POST /entries with application/cose, from beginning to end; the status. */
unsigned exchange_post(exchange *e, mun_slice statement);
/* The row's handler with this capture. name: of a row in mun_routes_scrapi. */
unsigned exchange_run(exchange *e, const char *name, const char *capture);

/* The problem's title, detail and response code as CBOR; fails the test when it is another form. */
void exchange_problem(const exchange *e, unsigned status, const char *title);

#endif
