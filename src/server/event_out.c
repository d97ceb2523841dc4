/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll says that a pipe or a socket has room for PIPE_BUF bytes, and while the lock is held nobody
 * else writes: such a write does not wait. O_NONBLOCK would not do: it belongs to the open file,
 * which other processes share with us.
 */
#include "server/event_out.h"

#include "server/event_log.h"
#include "server/service_limits.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS  50 /* how often the thread looks whether it shall end, while the reader is slow */
#define FLUSH_MS 2000
#define TURN     8 /* writes while others wait for the lock */

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    pthread_t thread;
    uint8_t *room; /* a ring; NULL: not started */
    size_t first, len;
    uint64_t lost, told;
    bool ends;
} out = {.mutex = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};

static bool takes_more(int ms)
{
    struct pollfd reader = {STDERR_FILENO, POLLOUT, 0};
    return poll(&reader, 1, ms) > 0;
}

/* How much was taken; what cannot be written at all counts as taken: there is nobody to tell. */
static size_t write_some(const uint8_t *bytes, size_t len)
{
    ssize_t n = write(STDERR_FILENO, bytes, len < MUN_EVENT_LINE_MAX ? len : MUN_EVENT_LINE_MAX);
    if (n < 0) return errno == EINTR || errno == EAGAIN ? 0 : len;
    return (size_t)n;
}

static void write_waiting(mun_slice line)
{
    while (line.len > 0) {
        size_t n = write_some(line.ptr, line.len);
        line = mun_slice_of(line.ptr + n, line.len - n);
        if (n == 0) takes_more(LOOK_MS);
    }
}

/* ---- The backlog, under the lock ---- */

static void keep(mun_slice line)
{
    for (size_t i = 0; i < line.len; i++) {
        out.room[(out.first + out.len + i) % MUN_EVENT_BACKLOG] = line.ptr[i];
    }
    out.len += line.len;
    pthread_cond_signal(&out.filled);
}

static void write_kept(void)
{
    for (int i = 0; i < TURN && out.len > 0 && takes_more(0); i++) {
        size_t to_end = MUN_EVENT_BACKLOG - out.first;
        size_t n = write_some(out.room + out.first, out.len < to_end ? out.len : to_end);
        out.first = (out.first + n) % MUN_EVENT_BACKLOG;
        out.len -= n;
    }
    if (out.len == 0) out.first = 0; /* memory that a backlog never reached is never touched */
}

void mun_event_out_line(mun_slice line, bool worth_room)
{
    size_t n = 0, most = worth_room ? MUN_EVENT_BACKLOG : MUN_EVENT_BACKLOG / 4 * 3;
    pthread_mutex_lock(&out.mutex);
    if (out.room == NULL) {
        write_waiting(line);
    } else {
        if (out.len == 0 && takes_more(0)) n = write_some(line.ptr, line.len);
        line = mun_slice_of(line.ptr + n, line.len - n);
        if (line.len > 0 && n == 0 && out.len + line.len > most) {
            out.lost++;
        } else if (line.len > 0) {
            keep(line);
        }
    }
    pthread_mutex_unlock(&out.mutex);
}

uint64_t mun_event_out_lost(void)
{
    pthread_mutex_lock(&out.mutex);
    uint64_t lost = out.lost;
    pthread_mutex_unlock(&out.mutex);
    return lost;
}

/* ---- The thread ---- */

/* Said when everything before the gap has been taken, so that it stands where the lines are
 * missing. */
static void tell_lost(void)
{
    uint64_t lines = out.lost - out.told;
    if (out.len > 0 || lines == 0) return;
    out.told = out.lost;
    pthread_mutex_unlock(&out.mutex);
    mun_event(MUN_EVENT_WARNING, "log_lost", MUN_KV_NUMBER("lines", lines));
    pthread_mutex_lock(&out.mutex);
}

static void *writer(void *ctx)
{
    (void)ctx;
    pthread_mutex_lock(&out.mutex);
    while (!out.ends) {
        if (out.len == 0) {
            pthread_cond_wait(&out.filled, &out.mutex);
        } else {
            pthread_mutex_unlock(&out.mutex);
            takes_more(LOOK_MS);
            pthread_mutex_lock(&out.mutex);
        }
        write_kept();
        tell_lost();
    }
    pthread_mutex_unlock(&out.mutex);
    return NULL;
}

mun_code mun_event_out_start(mun_error *err)
{
    uint8_t *room = malloc(MUN_EVENT_BACKLOG);
    if (room == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory for the log");
    pthread_mutex_lock(&out.mutex);
    out.first = out.len = 0;
    out.lost = out.told = 0;
    out.ends = false;
    bool runs = pthread_create(&out.thread, NULL, writer, NULL) == 0;
    if (runs) out.room = room;
    pthread_mutex_unlock(&out.mutex);
    if (runs) return MUN_OK;
    free(room);
    return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "cannot start a thread for the log");
}

void mun_event_out_stop(void)
{
    if (out.room == NULL) return;
    pthread_mutex_lock(&out.mutex);
    for (int waited = 0; out.len > 0 && waited < FLUSH_MS;) {
        pthread_mutex_unlock(&out.mutex);
        waited += takes_more(LOOK_MS) ? 1 : LOOK_MS;
        pthread_mutex_lock(&out.mutex);
        write_kept();
    }
    out.ends = true;
    pthread_cond_signal(&out.filled);
    pthread_mutex_unlock(&out.mutex);
    pthread_join(out.thread, NULL);
    pthread_mutex_lock(&out.mutex);
    free(out.room);
    out.room = NULL;
    pthread_mutex_unlock(&out.mutex);
}
