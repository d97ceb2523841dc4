/* SPDX-License-Identifier: Apache-2.0 */
#include "server/service_manager.h"

#include "server/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_INHERITED 3 /* SD_LISTEN_FDS_START */
#define NOTE_MAX        1024
#define BUSY_MS         100 /* a manager whose queue of notes is full is waited for, */
#define BUSY_TRIES      50  /* so often: without READY=1 it would end us */
#define STOP_SECONDS    15  /* closing the ledgers, after the last answer */

/* ---- Sockets ---- */

/* A variable that holds a decimal number; -1: not there, or something else. */
static long number_of(const char *variable)
{
    const char *text = getenv(variable);
    char *end = NULL;
    if (text == NULL || text[0] < '0' || text[0] > '9') return -1;
    errno = 0;
    long value = strtol(text, &end, 10);
    return errno == 0 && *end == '\0' ? value : -1;
}

static bool socket_says(int fd, int option, int expected)
{
    int value = 0;
    socklen_t len = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 && value == expected;
}

/* The transport accepts in several threads, so that one of them may come too late: never wait. */
static mun_code inherit(int fd, const char **names, mun_inherited *ret, mun_error *err)
{
    size_t len = strcspn(*names, ":");
    if (!socket_says(fd, SO_TYPE, SOCK_STREAM) || !socket_says(fd, SO_ACCEPTCONN, 1)) {
        return mun_failf(err, MUN_E_USAGE, 0,
                         "the service manager handed over descriptor %d, which is not a listening "
                         "stream socket (ListenStream=, Accept=no)",
                         fd);
    }
    int one = 1;
    if (ioctl(fd, FIONBIO, &one) != 0) {
        return mun_failf(err, MUN_E_IO, errno, "cannot use inherited descriptor %d", fd);
    }
    ret->socket = fd;
    snprintf(ret->name, sizeof ret->name, "%.*s", len > 0 ? (int)len : 7,
             len > 0 ? *names : "unknown");
    *names += (*names)[len] == ':' ? len + 1 : len;
    return MUN_OK;
}

mun_code mun_inherited_take(mun_inherited ret[MUN_INHERITED_MAX], size_t *ret_len, mun_error *err)
{
    long pid = number_of("LISTEN_PID"), n = number_of("LISTEN_FDS");
    const char *names = getenv("LISTEN_FDNAMES");
    if (pid != (long)getpid() || n < 0) n = 0; /* meant for another process */
    if (n > MUN_INHERITED_MAX) {
        return mun_failf(err, MUN_E_USAGE, 0,
                         "the service manager handed over %ld sockets; %d are the most", n,
                         MUN_INHERITED_MAX);
    }
    if (names == NULL) names = "";
    for (long i = 0; i < n; i++) MUN_TRY(inherit(FIRST_INHERITED + (int)i, &names, &ret[i], err));
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    *ret_len = (size_t)n;
    return MUN_OK;
}

/* ---- Notes ---- */

/* The socket's name is a path, or "@" and an abstract name, which begins with a NUL instead. */
static bool address_of(const char *name, struct sockaddr_un *ret, socklen_t *ret_len)
{
    size_t len = strlen(name);
    if (len < 2 || len >= sizeof ret->sun_path || (name[0] != '/' && name[0] != '@')) return false;
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret->sun_path, name, len);
    if (name[0] == '@') ret->sun_path[0] = '\0';
    *ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    return true;
}

static int connect_to(const char *name)
{
    struct sockaddr_un address;
    socklen_t len;
    if (name == NULL || !address_of(name, &address, &len)) return -1;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, len) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

void mun_manager_open(mun_manager *ret)
{
    long usec = number_of("WATCHDOG_USEC"), pid = number_of("WATCHDOG_PID");
    bool ours = pid < 0 || pid == (long)getpid();
    *ret = (mun_manager){.socket = connect_to(getenv("NOTIFY_SOCKET"))};
    if (usec > 0 && ours) ret->watchdog_ns = (uint64_t)usec * 1000;
}

void mun_manager_close(mun_manager *manager)
{
    if (manager->socket >= 0) close(manager->socket);
    manager->socket = -1;
}

void mun_manager_tell(const mun_manager *manager, const char *lines)
{
    struct pollfd room = {manager->socket, POLLOUT, 0};
    if (manager->socket < 0) return;
    for (int i = 0; i < BUSY_TRIES; i++) {
        if (send(manager->socket, lines, strlen(lines), MSG_NOSIGNAL) >= 0) return;
        if (errno != EINTR && errno != EAGAIN) return;
        poll(&room, 1, BUSY_MS);
    }
}

void mun_manager_tell_reloading(const mun_manager *manager)
{
    char lines[NOTE_MAX];
    snprintf(lines, sizeof lines, "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=Reloading",
             (unsigned long long)(mun_clock_ns() / 1000));
    mun_manager_tell(manager, lines);
}

void mun_manager_tell_stopping(const mun_manager *manager, unsigned seconds)
{
    char lines[NOTE_MAX];
    snprintf(lines, sizeof lines,
             "STOPPING=1\nEXTEND_TIMEOUT_USEC=%llu\nSTATUS=Answering what has been asked",
             ((unsigned long long)seconds + STOP_SECONDS) * 1000000);
    mun_manager_tell(manager, lines);
}
