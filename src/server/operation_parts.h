/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by operation.c (who may look, health), operation_metrics.c (the numbers) and
 * operation_look.c (where those of ledgers come from). */
#ifndef MUN_SERVER_OPERATION_PARTS_H
#define MUN_SERVER_OPERATION_PARTS_H

#include "server/operation.h"

#include <pthread.h>
#include <stdatomic.h>

/* What was last seen of a ledger: looking walks its directory, so that not every scrape looks at
 * every ledger when there are many. */
typedef struct operation_seen {
    const mun_served *served; /* NULL: never looked */
    mun_ledger_status status;
} operation_seen;

typedef struct operation_look {
    pthread_mutex_t mutex; /* guards all but next */
    pthread_cond_t changed;
    pthread_t thread;
    bool runs, ends;
    uint64_t asked, begun, done; /* rounds */
    uint64_t begun_ns;           /* when the last one was */
    mun_served_set *set;
    operation_seen *seen; /* MUN_LEDGERS_MAX, by the ledger's place in the set */
    size_t next;          /* the thread's: with whom the next round begins */
} operation_look;

struct mun_operation {
    mun_access *access; /* the operators' tokens */
    struct mun_rate *addresses;
    _Atomic int who; /* mun_operator_access; AUTO has been decided */
    _Atomic bool ready;
    operation_look look;
};

/* Begins as zeros. MUN_E_MEMORY; then finish is still to be called. */
MUN_MUST mun_code operation_look_init(operation_look *look, mun_error *err);
void operation_look_finish(operation_look *look);
/* Has the ledgers looked at, soon; waits for nothing. */
void operation_look_ask(operation_look *look, mun_served_set *set);
/* And waits until they were, as long as that takes no longer than it may. */
void operation_look_wait(operation_look *look, mun_served_set *set);
/* What was last seen of the one at this place of the set. False: nothing yet. */
bool operation_look_seen(operation_look *look, size_t at, const mun_served *served,
                         mun_ledger_status *ret);
/* Before the ledgers are closed for good. */
void operation_look_stop(operation_look *look);

/* False: the response says why not. */
bool operation_may_look(const mun_request *request, mun_response *response);
void operation_metrics_get(const mun_request *request, mun_response *response);

#endif
