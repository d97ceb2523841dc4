/* SPDX-License-Identifier: Apache-2.0 */
/* Start, drain and stop of the transport. Some threads for each listening socket, each with a
 * daemon of the library (http_io.c). */
#include "server/http_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define IO_THREADS            2
#define DRAIN_PAUSE           20 /* ms between two looks at what still runs */
#define DRAIN_RECEIVE_SECONDS 5  /* what a request that is still coming may take then */
#define POOL_BYTES                                                                                 \
    (24u << 10)           /* the library's memory for one connection: a head, and its notes        \
                           */
#define POOL_STEP    1024 /* what its read buffer grows by */
#define LINGER_SHARE 8    /* one refused socket is read dry for so many connections allowed */
#define LISTEN_SHARE 2    /* the library's own limit is a multiple of ours: never reached */

/* 0.9.76 has levels of discipline and refuses by itself what we read from the layout before. */
#define DISCIPLINE_VERSION 0x00097600
#define DISCIPLINE_LEVEL   3

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value == 0 ? otherwise : value;
}

static mun_http_options completed(const mun_http_options *given)
{
    mun_http_options options = *given;
    options.io_threads = or_default(options.io_threads, IO_THREADS);
    if (options.io_threads > HTTP_IO_MAX) options.io_threads = HTTP_IO_MAX;
    options.workers = or_default(options.workers, mun_workers_default());
    options.connections = or_default(options.connections, MUN_HTTP_CONNECTIONS);
    options.per_address =
        or_default(options.per_address, given->service->limits.connections_per_address);
    options.head_seconds = or_default(options.head_seconds, MUN_HTTP_HEAD_SECONDS);
    options.body_seconds = or_default(options.body_seconds, MUN_HTTP_BODY_SECONDS);
    options.idle_seconds = or_default(options.idle_seconds, MUN_HTTP_IDLE_SECONDS);
    options.write_seconds = or_default(options.write_seconds, MUN_HTTP_WRITE_SECONDS);
    return options;
}

/* The target stays as it was sent: handlers decode what they capture. */
static size_t leave_escaped(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls;
    (void)mhd;
    return strlen(text);
}

/* Of a connection, whatever it is doing; large answers have one of their own (http_answer.c). */
static unsigned library_timeout(const mun_http_options *options)
{
    return options->idle_seconds >= options->write_seconds ? options->idle_seconds + 2
                                                           : options->write_seconds;
}

static struct MHD_Daemon *daemon_start(const http_listener *listener, http_io *io)
{
    const mun_http_options *options = &listener->server->options;
    const unsigned flags =
        MHD_USE_EPOLL | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, http_handle, NULL, MHD_OPTION_EXTERNAL_LOGGER, http_library_says,
        listener->server, MHD_OPTION_LISTEN_SOCKET, listener->socket, MHD_OPTION_CONNECTION_LIMIT,
        LISTEN_SHARE * options->connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)POOL_STEP, MHD_OPTION_CONNECTION_TIMEOUT,
        listener->server->library_seconds, MHD_OPTION_URI_LOG_CALLBACK, http_request_line, NULL,
        MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_NOTIFY_CONNECTION,
        http_connection_notify, io, MHD_OPTION_NOTIFY_COMPLETED, http_completed, NULL,
#if MHD_VERSION >= DISCIPLINE_VERSION
        MHD_OPTION_CLIENT_DISCIPLINE_LVL, DISCIPLINE_LEVEL,
#else
        MHD_OPTION_STRICT_FOR_CLIENT, 1,
#endif
        MHD_OPTION_END);
}

static mun_code start_listener(http_listener *listener, mun_error *err)
{
    while (listener->io_len < listener->server->options.io_threads) {
        http_io *io = &listener->io[listener->io_len];
        io->listener = listener;
        struct MHD_Daemon *daemon = daemon_start(listener, io);
        if (daemon == NULL) {
            return mun_failf(err, MUN_E_IO, errno, "cannot start the HTTP server on a socket");
        }
        listener->io_len++;
        MUN_TRY(http_io_start(io, daemon, err));
    }
    return MUN_OK;
}

static mun_code start_all(mun_http_server *server, mun_error *err)
{
    const mun_http_options *options = &server->options;
    MUN_TRY(mun_work_queue_create(options->workers, MUN_WORK_QUEUE, server->metrics, &server->work,
                                  err));
    MUN_TRY(http_sweeper_start(server, err));
    MUN_TRY(http_linger_start(&server->linger, options->connections / LINGER_SHARE + 1, err));
    for (size_t n = 0; n < options->sockets_len; n++) {
        http_listener *listener = &server->listeners[server->listeners_len++];
        listener->server = server;
        listener->socket = options->sockets[n];
        listener->behind_proxy = options->behind_proxy != NULL && options->behind_proxy[n];
        MUN_TRY(start_listener(listener, err));
    }
    return MUN_OK;
}

/* The library that runs may be newer than the one we were compiled with. */
static bool library_before_discipline(void)
{
    static const char series[] = "0.9.";
    const char *version = MHD_get_version();
    size_t len = sizeof series - 1;
    return strncmp(version, series, len) == 0 && strtoul(version + len, NULL, 10) < 76;
}

mun_code mun_http_start(const mun_http_options *given, mun_http_server **ret, mun_error *err)
{
    if (given->sockets_len == 0 || given->sockets_len > MUN_LISTEN_MAX) {
        return mun_failf(err, MUN_E_USAGE, 0, "the service listens on 1 to %d sockets",
                         MUN_LISTEN_MAX);
    }
    mun_http_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory for the HTTP server");
    }
    server->options = completed(given);
    server->library_seconds = library_timeout(&server->options);
    server->service = given->service;
    server->metrics = given->service->metrics;
    server->layout_known = library_before_discipline();
    atomic_init(&server->next_id, mun_clock_ns() << 20);
    http_registry_init(&server->registry);
    http_pool_init(&server->pool);
    http_streams_init(&server->streams);
    http_sweeper_init(server);
    mun_code code = start_all(server, err);
    if (code != MUN_OK) {
        mun_http_stop(server);
        return code;
    }
    *ret = server;
    return MUN_OK;
}

static void pause_ms(long ms)
{
    struct timespec pause = {0, ms * (long)MUN_MS_NS};
    nanosleep(&pause, NULL);
}

/* Closing the socket is ours, once the library has forgotten it everywhere. */
static void stop_accepting(mun_http_server *server)
{
    for (size_t i = 0; i < server->listeners_len; i++) {
        http_listener *listener = &server->listeners[i];
        if (listener->socket < 0) continue;
        for (size_t n = 0; n < listener->io_len; n++) http_io_quiesce(&listener->io[n]);
        for (size_t n = 0; n < listener->io_len; n++) {
            while (!http_io_is_quiet(&listener->io[n])) pause_ms(1);
        }
        close(listener->socket);
        listener->socket = -1;
    }
}

static void stop_listeners(mun_http_server *server)
{
    for (size_t i = 0; i < server->listeners_len; i++) {
        http_listener *listener = &server->listeners[i];
        for (size_t n = 0; n < listener->io_len; n++) http_io_stop(&listener->io[n]);
    }
}

/* Nobody is left who could wake one of their threads. */
static void finish_listeners(mun_http_server *server)
{
    for (size_t i = 0; i < server->listeners_len; i++) {
        http_listener *listener = &server->listeners[i];
        for (size_t n = 0; n < listener->io_len; n++) http_io_finish(&listener->io[n]);
    }
}

void mun_http_drain(mun_http_server *server, unsigned seconds)
{
    uint64_t begun = mun_clock_ns();
    uint64_t until = begun + (uint64_t)seconds * MUN_SECOND_NS;
    uint64_t patience = begun + DRAIN_RECEIVE_SECONDS * MUN_SECOND_NS;
    atomic_store(&server->draining, true);
    stop_accepting(server);
    http_streams_end(server);
    bool fresh;
    do {
        pause_ms(DRAIN_PAUSE); /* what was accepted this instant is among the connections then */
        fresh = http_close_idle(server, mun_clock_ns() > patience);
    } while ((fresh || atomic_load(&server->pool.in_use) > 0) && mun_clock_ns() < until);
}

/* The library wants no connection suspended when it ends: jobs run to their end, streams end. */
void mun_http_stop(mun_http_server *server)
{
    if (server == NULL) return;
    atomic_store(&server->draining, true);
    atomic_store(&server->stopping, true);
    stop_accepting(server);
    while (atomic_load(&server->jobs) > 0) pause_ms(1);
    http_sweeper_stop(server);
    http_streams_end(server);
    stop_listeners(server);
    http_linger_stop(&server->linger);
    mun_work_queue_destroy(server->work);
    finish_listeners(server);
    http_sweeper_finish(server);
    http_streams_finish(&server->streams);
    http_pool_finish(&server->pool);
    http_registry_finish(&server->registry);
    free(server);
}
