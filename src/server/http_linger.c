/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lingering: closing a socket while bytes are still unread makes the kernel reset the connection,
 * and a client that is still sending then never sees why it was refused (RFC 9112 section 9.6). The
 * sockets of requests that were refused before their body are therefore kept by a duplicate after
 * the library has closed its own, and read dry by this thread: for LINGER_SECONDS at most, and
 * LINGER_MAX of them; beyond that they are simply closed.
 *
 * Threads: http_linger_keep by the I/O threads; the rest belongs to the thread.
 */
#include "server/http_parts.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINGER_SECONDS 5
#define LINGER_POLL_MS 50 /* until a new socket is taken up */
#define LINGER_READ    65536
#define OVER           (-1) /* instead of a socket's number */

static void forget(http_linger *linger, size_t at)
{
    close(linger->sockets[at].fd);
    linger->sockets[at] = linger->sockets[--linger->len];
}

/* False: the other side has ended, or an error says so. */
static bool read_dry(int fd)
{
    static uint8_t ignored[LINGER_READ]; /* one thread; nobody reads it */
    ssize_t got = recv(fd, ignored, sizeof ignored, MSG_DONTWAIT);
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Only this thread removes, so what was there at the beginning still is. */
static void look(http_linger *linger)
{
    struct pollfd polled[LINGER_MAX];
    pthread_mutex_lock(&linger->mutex);
    size_t n = linger->len;
    for (size_t i = 0; i < n; i++) {
        polled[i] = (struct pollfd){.fd = linger->sockets[i].fd, .events = POLLIN};
    }
    pthread_mutex_unlock(&linger->mutex);
    (void)poll(polled, (nfds_t)n, LINGER_POLL_MS);
    for (size_t i = 0; i < n; i++) {
        if (polled[i].revents != 0 && !read_dry(polled[i].fd)) polled[i].fd = OVER;
    }
    uint64_t now = mun_clock_ns();
    pthread_mutex_lock(&linger->mutex);
    for (size_t i = n; i-- > 0;) { /* from the end: what takes a freed place was looked at */
        if (polled[i].fd == OVER || now > linger->sockets[i].until_ns) forget(linger, i);
    }
    pthread_mutex_unlock(&linger->mutex);
}

static void *lingerer(void *ctx)
{
    http_linger *linger = ctx;
    for (;;) {
        pthread_mutex_lock(&linger->mutex);
        while (linger->len == 0 && !linger->ends) {
            pthread_cond_wait(&linger->wake, &linger->mutex);
        }
        bool ends = linger->ends;
        pthread_mutex_unlock(&linger->mutex);
        if (ends) return NULL;
        look(linger);
    }
}

void http_linger_keep(http_linger *linger, int fd)
{
    int kept = dup(fd);
    if (kept < 0) return;
    shutdown(kept, SHUT_WR); /* the answer is out */
    pthread_mutex_lock(&linger->mutex);
    bool room = linger->len < linger->max && !linger->ends;
    if (room) {
        linger->sockets[linger->len++] =
            (http_lingering){kept, mun_clock_ns() + LINGER_SECONDS * MUN_SECOND_NS};
        pthread_cond_signal(&linger->wake);
    }
    pthread_mutex_unlock(&linger->mutex);
    if (!room) close(kept);
}

mun_code http_linger_start(http_linger *linger, size_t max, mun_error *err)
{
    linger->max = max < LINGER_MAX ? max : LINGER_MAX;
    pthread_mutex_init(&linger->mutex, NULL);
    pthread_cond_init(&linger->wake, NULL);
    int failed = pthread_create(&linger->thread, NULL, lingerer, linger);
    if (failed != 0) {
        return mun_failf(err, MUN_E_MEMORY, failed, "cannot start the thread of refused bodies");
    }
    linger->runs = true;
    return MUN_OK;
}

void http_linger_stop(http_linger *linger)
{
    if (!linger->runs) return;
    pthread_mutex_lock(&linger->mutex);
    linger->ends = true;
    pthread_cond_signal(&linger->wake);
    pthread_mutex_unlock(&linger->mutex);
    pthread_join(linger->thread, NULL);
    while (linger->len > 0) forget(linger, 0);
    pthread_cond_destroy(&linger->wake);
    pthread_mutex_destroy(&linger->mutex);
    linger->runs = false;
}
