/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service as a whole: configuration, ledgers, transport, signals, service manager. One object
 * for the process. What handlers may use of it stands in mun_service.
 */
#ifndef MUN_SERVER_SERVICE_H
#define MUN_SERVER_SERVICE_H

#include "server/event_log.h"
#include "server/metrics.h"
#include "server/served.h"

struct mun_http_server;
struct mun_register_queue;
struct mun_operation;

/* The limits that the configuration may change (service_limits.h), as they stand since the start:
 * a reload does not touch them. */
typedef struct mun_limits {
    uint32_t connections, connections_per_address; /* per address 0: no limit */
    uint32_t head_seconds, body_seconds, idle_seconds, write_seconds, drain_seconds;
    uint32_t batch_bytes;  /* body of POST /v1/batch */
    uint32_t queue;        /* registrations waiting */
    uint32_t open_ledgers; /* at once */
    uint32_t workers;
} mun_limits;

typedef struct mun_service {
    mun_served_set *ledgers;
    mun_metrics *metrics;
    struct mun_register_queue *registrations;
    struct mun_http_server *http;
    const char *public_url; /* "https://ledger.example.org", no slash at the end; NULL: as asked */
    uint64_t started_ms;    /* wall clock */
    mun_limits limits;
    uint64_t find_rows;              /* 0: MUN_FIND_ROWS */
    struct mun_operation *operation; /* private to operation.c */
} mun_service;

#define MUN_LISTEN_MAX 16

typedef struct mun_service_options {
    const char *const *directories; /* without configuration: these ledgers, open to anyone */
    size_t directories_len;
    const char *listen[MUN_LISTEN_MAX]; /* empty: 127.0.0.1:8080, or what was inherited */
    size_t listen_len;
    bool public_address;     /* --public: a listener beyond loopback is meant */
    const char *config_path; /* NULL: none */
    bool check_only;         /* read and check everything, serve nothing */
    bool json_log;
    bool quiet;
} mun_service_options;

/* Runs until SIGTERM or SIGINT; SIGHUP reloads. */
MUN_MUST mun_code mun_service_run(const mun_service_options *options, mun_error *err);

#endif
