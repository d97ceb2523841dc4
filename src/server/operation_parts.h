/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by operation.c (who may look, health) and operation_metrics.c (the numbers). */
#ifndef MUN_SERVER_OPERATION_PARTS_H
#define MUN_SERVER_OPERATION_PARTS_H

#include "server/operation.h"

#include <stdatomic.h>

struct mun_operation {
    mun_access *access; /* the operators' tokens */
    struct mun_rate *addresses;
    _Atomic int who; /* mun_operator_access; AUTO has been decided */
    _Atomic bool ready;
};

/* False: the response says why not. */
bool operation_may_look(const mun_request *request, mun_response *response);
void operation_metrics_get(const mun_request *request, mun_response *response);

#endif
