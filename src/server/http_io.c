/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads that read and write sockets. Each has a daemon of the library of its own, which it
 * runs without ever letting it wait: libmicrohttpd 0.9.75 takes 128 events at a time and, when
 * there were 128 exactly, waits for the next one before it handles those. All clients of that
 * thread got no answer until somebody else came or a connection timed out. So we wait, on the
 * daemon's epoll, and the daemon only looks.
 *
 * Who resumes a connection must wake its thread by http_io_resume: the daemon clears its own signal
 * after it has looked for what is to be resumed, and what came in between would wait as well.
 */
#include "server/http_parts.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- Waking ---------------------------------------------------------------------------------- */

/* One signal is enough for all who call before the thread has taken it. */
static void call(http_io *io)
{
    const uint64_t one = 1;
    if (atomic_exchange(&io->called, true)) return;
    ssize_t written = write(io->wake, &one, sizeof one);
    (void)written; /* it fails only where as many signals as fit are waiting: it is awake */
}

/* Taken before the daemon runs, so that who calls after this is looked for in the next round. */
static void take_call(http_io *io)
{
    uint64_t count = 0;
    ssize_t taken = read(io->wake, &count, sizeof count);
    (void)taken;
    atomic_store(&io->called, false);
}

void http_io_resume(http_exchange *exchange)
{
    http_io *io = exchange->connection->io; /* the exchange may be gone when it is resumed */
    MHD_resume_connection(exchange->mhd);
    call(io);
}

/* ---- The thread ------------------------------------------------------------------------------ */

/* How long nothing needs to be done unless somebody calls or sends. */
static int timeout_ms(http_io *io)
{
    unsigned long long left = 0;
    if (MHD_get_timeout(io->daemon, &left) != MHD_YES) return -1;
    return left > INT_MAX ? INT_MAX : (int)left;
}

/* By the thread itself: the library takes its listening socket out of an epoll that it is using. */
static void quiesce(http_io *io)
{
    if (!atomic_load(&io->quiet) || atomic_load(&io->quiesced)) return;
    MHD_quiesce_daemon(io->daemon);
    atomic_store(&io->quiesced, true);
}

static void *run(void *ctx)
{
    http_io *io = ctx;
    struct pollfd on[] = {
        {MHD_get_daemon_info(io->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, POLLIN, 0},
        {io->wake, POLLIN, 0}};
    while (!atomic_load(&io->ends)) {
        if (poll(on, 2, timeout_ms(io)) < 0) on[1].revents = 0;
        if (on[1].revents != 0) take_call(io);
        quiesce(io);
        MHD_run_wait(io->daemon, 0);
    }
    return NULL;
}

/* ---- Start and stop -------------------------------------------------------------------------- */

mun_code http_io_start(http_io *io, struct MHD_Daemon *daemon, mun_error *err)
{
    io->daemon = daemon;
    io->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (io->wake < 0) return mun_failf(err, MUN_E_IO, errno, "cannot wake a thread of sockets");
    int failed = pthread_create(&io->thread, NULL, run, io);
    if (failed != 0) return mun_failf(err, MUN_E_MEMORY, failed, "cannot start a thread");
    io->runs = true;
    return MUN_OK;
}

void http_io_quiesce(http_io *io)
{
    atomic_store(&io->quiet, true);
    if (io->runs) {
        call(io);
    } else if (io->daemon != NULL) {
        quiesce(io);
    }
}

bool http_io_is_quiet(const http_io *io)
{
    return io->daemon == NULL || atomic_load(&io->quiesced);
}

void http_io_stop(http_io *io)
{
    if (io->runs) {
        atomic_store(&io->ends, true);
        call(io);
        pthread_join(io->thread, NULL);
        io->runs = false;
    }
    if (io->daemon != NULL) MHD_stop_daemon(io->daemon);
    io->daemon = NULL;
}

void http_io_finish(http_io *io)
{
    if (io->wake > 0) close(io->wake);
}
