/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of the process: set up in the order in which things need each other, wait for signals,
 * and take down in the opposite order. Signals are blocked in every thread and taken by this one
 * with sigtimedwait, so nothing here runs in a signal handler.
 */
#include "server/service.h"

#include "server/clock.h"
#include "server/event_out.h"
#include "server/operation.h"
#include "server/service_parts.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TICK_NS  500000000 /* how often changed files are looked for, and the watchdog is fed */
#define WARM_MAX 64        /* ledgers that are opened at once after the start */

#define HEAD_START_STEPS 100 /* of 5 ms: how long the transport waits for them */

static void block_signals(sigset_t *ret)
{
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(ret);
    sigaddset(ret, SIGTERM);
    sigaddset(ret, SIGINT);
    sigaddset(ret, SIGHUP);
    pthread_sigmask(SIG_BLOCK, ret, NULL);
}

/* On a worker: a ledger has grown. */
static void wake_streams(void *ctx, const mun_served *served)
{
    service_run *run = ctx;
    pthread_rwlock_rdlock(&run->waking);
    if (run->wake != NULL) mun_http_wake(run->wake, served);
    pthread_rwlock_unlock(&run->waking);
}

static void wake_whom(service_run *run, mun_http_server *http)
{
    pthread_rwlock_wrlock(&run->waking);
    run->wake = http;
    pthread_rwlock_unlock(&run->waking);
}

/* ---- Up ---- */

static mun_code start_parts(service_run *run, mun_error *err)
{
    const mun_limits *limits = &run->service.limits;
    run->service.limits = run->config.limits;
    service_files_raise(&run->service.limits, run->config.ledgers_len);
    run->service.started_ms = mun_clock_wall_ms();
    run->service.public_url = run->config.public_url;
    run->service.metrics = mun_metrics_create();
    if (run->service.metrics == NULL) {
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory for the metrics");
    }
    MUN_TRY(mun_rate_create(MUN_PRINCIPALS_TRACKED, &run->principals, err));
    MUN_TRY(mun_rate_create(MUN_ADDRESSES_TRACKED, &run->addresses, err));
    MUN_TRY(mun_operation_create(&run->config, run->addresses, &run->service.operation, err));
    MUN_TRY(mun_served_set_create(limits->open_ledgers, &run->service.ledgers, err));
    mun_served_observe(run->service.ledgers, run->service.metrics);
    mun_served_on_grown(run->service.ledgers, wake_streams, run);
    MUN_TRY(service_ledgers_add(run, err));
    return mun_register_queue_create(&run->service, limits->workers, limits->queue,
                                     &run->service.registrations, err);
}

static mun_code start_transport(service_run *run, mun_error *err)
{
    int sockets[MUN_LISTEN_MAX + MUN_INHERITED_MAX];
    bool proxies[MUN_LISTEN_MAX + MUN_INHERITED_MAX];
    const mun_limits *limits = &run->service.limits;
    for (size_t i = 0; i < run->sockets_len; i++) {
        sockets[i] = run->sockets[i].fd;
        proxies[i] = run->sockets[i].proxy;
    }
    mun_http_options options = {.service = &run->service,
                                .sockets = sockets,
                                .behind_proxy = proxies,
                                .sockets_len = run->sockets_len,
                                .workers = limits->workers,
                                .connections = limits->connections,
                                .head_seconds = limits->head_seconds,
                                .write_seconds = limits->write_seconds,
                                .body_seconds = limits->body_seconds,
                                .idle_seconds = limits->idle_seconds};
    run->sockets_given = true; /* taken over, whatever comes of it */
    MUN_TRY(mun_http_start(&options, &run->service.http, err));
    wake_whom(run, run->service.http);
    return MUN_OK;
}

/*
 * Opens the ledgers once, so that recovery does not wait for the first request and what is wrong is
 * said at once. With more of them than WARM_MAX the others are opened on use.
 */
static void *warm_up(void *ctx)
{
    service_run *run = ctx;
    mun_served *served;
    for (size_t i = 0; i < WARM_MAX && !atomic_load(&run->stopping); i++) {
        mun_ledger *ledger;
        mun_error why = {.code = MUN_OK};
        served = mun_served_at(run->service.ledgers, i);
        if (served == NULL) break;
        mun_code code = mun_served_use(served, true, &ledger, &why);
        if (code == MUN_OK) mun_served_done(served, ledger, MUN_OK);
    }
    mun_operation_set_ready(run->service.operation, true);
    atomic_store(&run->warm, true);
    return NULL;
}

/* Small ledgers are open before the first request is accepted, so that nobody is told to come back;
 * a long recovery is what /readyz is for. */
static void wait_for_warmth(service_run *run)
{
    const struct timespec step = {.tv_nsec = 5000000};
    for (int i = 0; i < HEAD_START_STEPS && !atomic_load(&run->warm); i++) nanosleep(&step, NULL);
}

/* ---- Signals ---- */

static void reload(service_run *run)
{
    mun_error why = {.code = MUN_OK};
    mun_manager_tell_reloading(&run->manager);
    if (service_reload(run, &why) != MUN_OK) {
        mun_event(MUN_EVENT_ERROR, "reload_refused", MUN_KV("reason", why.text));
        mun_manager_tell(&run->manager,
                         "READY=1\nSTATUS=Running; the new configuration was refused, see the log");
    } else {
        mun_manager_tell(&run->manager, "READY=1\nSTATUS=Running");
    }
}

/* The manager wants a sign of life twice in the time it gives (sd_watchdog_enabled(3)). */
static struct timespec tick_of(const service_run *run)
{
    uint64_t ns = TICK_NS;
    if (run->manager.watchdog_ns != 0 && run->manager.watchdog_ns / 3 < ns) {
        ns = run->manager.watchdog_ns / 3;
    }
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000),
                             .tv_nsec = (long)(ns % 1000000000)};
}

/* Returns the signal that ends it. */
static int wait_for_end(service_run *run, const sigset_t *signals)
{
    struct timespec tick = tick_of(run);
    for (;;) {
        int number = sigtimedwait(signals, NULL, &tick);
        if (number == SIGTERM || number == SIGINT) return number;
        if (number == SIGHUP) reload(run);
        if (number < 0) service_tokens_refresh(run);
        if (run->manager.watchdog_ns != 0) mun_manager_tell(&run->manager, "WATCHDOG=1");
    }
}

/* ---- Down ---- */

static void stop_transport(service_run *run)
{
    if (run->service.http == NULL) return;
    mun_operation_set_ready(run->service.operation, false);
    service_sockets_unlink(run);
    mun_http_drain(run->service.http, run->config.limits.drain_seconds);
    wake_whom(run, NULL);
    mun_http_stop(run->service.http);
    run->service.http = NULL;
}

static void free_parts(service_run *run)
{
    if (run->service.registrations != NULL) {
        mun_register_queue_destroy(run->service.registrations);
    }
    mun_operation_stop(run->service.operation);
    if (run->service.ledgers != NULL) mun_served_set_destroy(run->service.ledgers);
    mun_operation_destroy(run->service.operation);
    mun_rate_destroy(run->principals);
    mun_rate_destroy(run->addresses);
    mun_metrics_destroy(run->service.metrics);
    service_sockets_free(run);
    mun_manager_close(&run->manager);
    mun_config_free(&run->config);
}

static void tell_started(service_run *run)
{
    if (!run->options->quiet) service_greet(run);
    mun_event(MUN_EVENT_NOTICE, "started", MUN_KV("version", MUN_VERSION),
              MUN_KV_NUMBER("ledgers", run->config.ledgers_len),
              MUN_KV_NUMBER("listeners", run->sockets_len));
    mun_manager_tell(&run->manager, "READY=1\nSTATUS=Running");
}

static mun_code answer(service_run *run, const sigset_t *signals, mun_error *err)
{
    MUN_TRY(start_transport(run, err));
    tell_started(run);
    int number = wait_for_end(run, signals);
    mun_manager_tell_stopping(&run->manager, run->config.limits.drain_seconds);
    mun_event(MUN_EVENT_NOTICE, "stopping", MUN_KV("signal", number == SIGINT ? "INT" : "TERM"));
    atomic_store(&run->stopping, true);
    stop_transport(run);
    return MUN_OK;
}

static mun_code serve(service_run *run, const sigset_t *signals, mun_error *err)
{
    pthread_t warmer;
    MUN_TRY(mun_event_out_start(err));
    mun_manager_open(&run->manager);
    MUN_TRY(start_parts(run, err));
    MUN_TRY(service_sockets_open(run, err));
    if (pthread_create(&warmer, NULL, warm_up, run) != 0) {
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "cannot start a thread");
    }
    wait_for_warmth(run);
    mun_code code = answer(run, signals, err);
    atomic_store(&run->stopping, true);
    pthread_join(warmer, NULL);
    return code;
}

static mun_code check_only(const mun_service_options *options, const mun_config *config,
                           mun_error *err)
{
    MUN_TRY(service_sockets_check(options, config, err));
    MUN_TRY(service_ledgers_check(config, err));
    if (options->quiet) return MUN_OK;
    if (options->json_log) {
        printf("{\"type\":\"checked\",\"ledgers\":%zu}\n", config->ledgers_len);
    } else {
        printf("The configuration is good: %zu ledger%s.\n", config->ledgers_len,
               config->ledgers_len == 1 ? "" : "s");
    }
    return MUN_OK;
}

mun_code mun_service_run(const mun_service_options *options, mun_error *err)
{
    sigset_t signals;
    service_run *run = calloc(1, sizeof *run);
    if (run == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory");
    run->options = options;
    run->manager.socket = -1;
    pthread_rwlock_init(&run->waking, NULL);
    mun_code code = service_config(options, &run->config, err);
    if (code == MUN_OK && options->check_only) {
        code = check_only(options, &run->config, err);
    } else if (code == MUN_OK) {
        block_signals(&signals);
        mun_event_log_init(options->json_log ? MUN_EVENT_JSON : run->config.log_format,
                           run->config.log_level);
        code = serve(run, &signals, err);
        if (code == MUN_OK) mun_event_list(MUN_EVENT_NOTICE, "stopped", NULL, 0);
        if (code != MUN_OK) service_sockets_unlink(run);
    }
    free_parts(run);
    mun_event_out_stop();
    pthread_rwlock_destroy(&run->waking);
    free(run);
    return code;
}
