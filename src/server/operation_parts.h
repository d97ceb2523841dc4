/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by operation.c (who may look, health) and operation_metrics.c (the numbers). */
#ifndef MUN_SERVER_OPERATION_PARTS_H
#define MUN_SERVER_OPERATION_PARTS_H

#include "server/operation.h"

#include <pthread.h>
#include <stdatomic.h>

/* What was last seen of a ledger: looking walks its directory, so that not every scrape looks at
 * every ledger when there are many. */
typedef struct operation_look {
    const mun_served *served; /* NULL: never looked */
    mun_ledger_status status;
} operation_look;

struct mun_operation {
    mun_access *access; /* the operators' tokens */
    struct mun_rate *addresses;
    _Atomic int who; /* mun_operator_access; AUTO has been decided */
    _Atomic bool ready;
    pthread_mutex_t looking; /* guards these */
    operation_look *looks;   /* MUN_LEDGERS_MAX, by the ledger's place in the set */
    size_t next;             /* with whom the next scrape begins to look */
};

/* False: the response says why not. */
bool operation_may_look(const mun_request *request, mun_response *response);
void operation_metrics_get(const mun_request *request, mun_response *response);

#endif
