/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters and latency histograms, read out as Prometheus text (exposition format 0.0.4). Recording
 * is a few relaxed atomic additions and never allocates.
 *
 * Threads: any. One object for the process, made by the service.
 */
#ifndef MUN_SERVER_METRICS_H
#define MUN_SERVER_METRICS_H

#include "base/buf.h"

struct mun_route;

/* Stages of a registration, in order. */
typedef enum mun_stage {
    MUN_STAGE_RECEIVE, /* from the head to the whole body */
    MUN_STAGE_QUEUE,   /* waiting for a worker */
    MUN_STAGE_PARSE,   /* parsing and policy */
    MUN_STAGE_VERIFY,  /* the issuer's signature */
    MUN_STAGE_APPEND,  /* waiting for the batch to be durable */
    MUN_STAGE_SIGN,    /* proof and receipt */
    MUN_STAGE_REPLY,   /* from the receipt to the last byte given to the kernel */
    MUN_STAGES
} mun_stage;

typedef enum mun_counter {
    MUN_COUNT_CONNECTIONS, /* accepted */
    MUN_COUNT_CONNECTIONS_REFUSED,
    MUN_COUNT_FRAMING_REFUSED, /* ambiguous HTTP, by us */
    MUN_COUNT_LIBRARY_REFUSED, /* by the HTTP library, which does not ask us */
    MUN_COUNT_REGISTERED,      /* new entries */
    MUN_COUNT_DUPLICATES,
    MUN_COUNT_REFUSED,     /* by policy or form */
    MUN_COUNT_THROTTLED,   /* 429 */
    MUN_COUNT_SHED,        /* 503 for want of room */
    MUN_COUNT_CLIENT_GONE, /* the client left before its answer */
    MUN_COUNTERS
} mun_counter;

typedef enum mun_gauge {
    MUN_GAUGE_CONNECTIONS,
    MUN_GAUGE_STREAMS,
    MUN_GAUGE_REGISTER_QUEUE,
    MUN_GAUGE_WORK_QUEUE,
    MUN_GAUGE_BODY_BYTES,
    MUN_GAUGES
} mun_gauge;

typedef struct mun_metrics mun_metrics;

mun_metrics *mun_metrics_create(void); /* NULL: no memory */
void mun_metrics_destroy(mun_metrics *metrics);

void mun_metrics_count(mun_metrics *metrics, mun_counter counter, uint64_t n);
void mun_metrics_gauge(mun_metrics *metrics, mun_gauge gauge, int64_t change);
void mun_metrics_stage(mun_metrics *metrics, mun_stage stage, uint64_t ns);
void mun_metrics_batch(mun_metrics *metrics, uint64_t entries); /* made durable by one sync */
void mun_metrics_fsync(mun_metrics *metrics, uint64_t ns);
/* One answered request. route NULL: none matched. */
void mun_metrics_request(mun_metrics *metrics, const struct mun_route *route, unsigned status,
                         uint64_t ns, uint64_t bytes);

/* Everything as text. What depends on the ledgers (sizes, index lag, state) is appended by
 * operation.c after this. */
void mun_metrics_print(mun_metrics *metrics, mun_buf *out);

#endif
