/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service's own routes: /healthz, /readyz, /metrics, /v1/service, and who may look at them.
 *
 * Ownership: the service owns the object. Threads: set up before requests come; reloaded by the
 * main thread, read by any.
 */
#ifndef MUN_SERVER_OPERATION_H
#define MUN_SERVER_OPERATION_H

#include "server/config.h"

typedef struct mun_operation mun_operation;

MUN_MUST mun_code mun_operation_create(const mun_config *config, struct mun_rate *addresses,
                                       mun_operation **ret, mun_error *err);
void mun_operation_destroy(mun_operation *operation); /* accepts NULL */
/* Ends what looks at the ledgers, before they are closed; no request comes any more. Accepts NULL.
 */
void mun_operation_stop(mun_operation *operation);

/* After a reload. On failure the old rules hold. */
MUN_MUST mun_code mun_operation_update(mun_operation *operation, const mun_config *config,
                                       mun_error *err);
MUN_MUST mun_code mun_operation_refresh(mun_operation *operation, bool *ret_changed,
                                        mun_error *err);

/* What /readyz says besides the ledgers: false until the ledgers were tried once, and while the
 * service stops. */
void mun_operation_set_ready(mun_operation *operation, bool ready);

#endif
