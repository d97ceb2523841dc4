/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load generator: one thread, one epoll, many keep-alive connections.
 *
 * Closed loop: each client asks again as soon as it has its answer. Open loop (rate): requests have
 * intended times that do not wait for answers; a late start counts, since the time is taken from
 * the intended start, not from when a connection was free (no coordinated omission).
 *
 * Ownership: what a shot points to stays until its answer. Threads: the caller's.
 */
#ifndef MUN_CLI_LOAD_RUN_H
#define MUN_CLI_LOAD_RUN_H

#include "cli/latency_histogram.h"
#include "cli/load_wire.h"

#include "base/buf.h"

#define MUN_LOAD_CLIENTS_MAX 16384
#define MUN_LOAD_ANSWER_MAX  (8u << 20)
#define MUN_LOAD_GRACE       10.0 /* seconds for the last answers */

/* One request, in two parts so that heads can be shared. */
typedef struct mun_load_shot {
    mun_slice head, body;
    uint64_t tag; /* the script's */
} mun_load_shot;

typedef struct mun_load_script {
    void *ctx;
    bool (*next)(void *ctx, mun_load_shot *ret); /* false: there is nothing more to ask */
    void (*answered)(void *ctx, const mun_load_shot *shot, const mun_load_answer *answer);
} mun_load_script;

typedef struct mun_load_plan {
    const mun_load_target *target;
    unsigned clients;
    double seconds; /* 0: until there is nothing more to ask */
    double rate;    /* requests a second, open loop; 0: closed loop */
    bool (*stopped)(void);
} mun_load_plan;

typedef struct mun_load_result {
    uint64_t answers;
    uint64_t broken; /* connections lost with a question open */
    double seconds;  /* from the first request to the last answer */
    double own_cpu;  /* seconds that this thread computed */
    mun_latencies latencies;
} mun_load_result;

/* MUN_E_AGAIN: the service cannot be reached. ret: 20 KiB, so better not on a stack. */
MUN_MUST mun_code mun_load_run(const mun_load_plan *plan, const mun_load_script *script,
                               mun_load_result *ret, mun_error *err);
/* One GET, its body appended to ret. MUN_E_NOT_FOUND: another status than 200. */
MUN_MUST mun_code mun_load_get(const mun_load_target *target, const char *path, const char *accept,
                               mun_buf *ret, mun_error *err);

#endif
