/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets from their names: "127.0.0.1:8080", "[::1]:8080", "localhost:8080",
 * "unix:PATH". Loopback and unix sockets are the rule; anything else must be meant, because this
 * server speaks plain HTTP and leaves the public to a proxy.
 */
#include "server/http_server.h"
#include "vfs/files.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG      4096 /* the kernel cuts it to net.core.somaxconn */
#define HOST_MAX     255
#define UNIX         "unix:"
#define SOCKET_MODE  0660 /* owner and group: the proxy's user is put in the group */
#define SOCKET_FLAGS (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)

static mun_code listen_fail(mun_error *err, int fd, const char *what, const char *where)
{
    int failed = errno;
    if (fd >= 0) close(fd);
    mun_code code = failed == EADDRINUSE ? MUN_E_BUSY
                    : failed == EACCES   ? MUN_E_PERMISSION
                                         : MUN_E_IO;
    return mun_failf(err, code, failed, "cannot %s %s", what, where);
}

static mun_code name_fail(mun_error *err, const char *where)
{
    return mun_failf(err, MUN_E_USAGE, 0,
                     "cannot listen on \"%s\": write ADDRESS:PORT, [IPV6-ADDRESS]:PORT or "
                     "unix:/PATH",
                     where);
}

/* Whether somebody accepts connections there. */
static bool answers(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return true; /* not known: leave it alone */
    bool refused = connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
                   errno == ECONNREFUSED;
    close(fd);
    return !refused;
}

/* A socket file that nobody listens on is what a killed process left behind. */
static mun_code clear_old(const char *where, const struct sockaddr_un *address, mun_error *err)
{
    mun_file_info info;
    MUN_TRY(mun_file_look(address->sun_path, false, &info, err));
    if (info.kind == MUN_FILE_MISSING) return MUN_OK;
    if (info.kind != MUN_FILE_SOCKET) {
        return mun_failf(err, MUN_E_EXISTS, 0, "cannot listen on %s: that is not a socket", where);
    }
    if (answers(address)) {
        return mun_failf(err, MUN_E_BUSY, 0, "cannot listen on %s: another process does", where);
    }
    return mun_file_remove(address->sun_path, err);
}

static mun_code unix_address(const char *where, const char *path, struct sockaddr_un *ret,
                             mun_error *err)
{
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof ret->sun_path) {
        return mun_failf(err, MUN_E_USAGE, 0, "%s: the path of a socket has 1 to %zu bytes", where,
                         sizeof ret->sun_path - 1);
    }
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret->sun_path, path, len);
    return MUN_OK;
}

static mun_code listen_unix(const char *where, const char *path, int *ret, mun_error *err)
{
    struct sockaddr_un address;
    MUN_TRY(unix_address(where, path, &address, err));
    MUN_TRY(clear_old(where, &address, err));
    int fd = socket(AF_UNIX, SOCKET_FLAGS, 0);
    if (fd < 0) return listen_fail(err, fd, "make a socket for", where);
    mode_t mask = umask(0777 & ~SOCKET_MODE);
    int bound = bind(fd, (const struct sockaddr *)&address, sizeof address);
    int why = errno;
    umask(mask);
    errno = why;
    if (bound != 0) return listen_fail(err, fd, "bind", where);
    if (listen(fd, BACKLOG) != 0) return listen_fail(err, fd, "listen on", where);
    *ret = fd;
    return MUN_OK;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, address, sizeof six);
        return IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
    }
    struct sockaddr_in four;
    memcpy(&four, address, sizeof four);
    return ntohl(four.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static mun_code listen_address(const char *where, const struct addrinfo *info, int *ret,
                               mun_error *err)
{
    int fd = socket(info->ai_family, SOCKET_FLAGS, 0);
    if (fd < 0) return listen_fail(err, fd, "make a socket for", where);
    int one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (info->ai_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    }
    if (bind(fd, info->ai_addr, info->ai_addrlen) != 0) return listen_fail(err, fd, "bind", where);
    if (listen(fd, BACKLOG) != 0) return listen_fail(err, fd, "listen on", where);
    *ret = fd;
    return MUN_OK;
}

/* The resolver would cut a larger number down to some other port. */
static bool is_port(const char *text)
{
    unsigned long port = 0;
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] < '0' || text[i] > '9' || i == 5) return false;
        port = port * 10 + (unsigned long)(text[i] - '0');
    }
    return port <= 65535;
}

/* "HOST:PORT" or "[HOST]:PORT" into its parts. */
static bool split(const char *where, char host[HOST_MAX + 1], const char **ret_port)
{
    const char *colon = strrchr(where, ':');
    if (colon == NULL || colon == where || colon[1] == '\0') return false;
    size_t len = (size_t)(colon - where);
    if (where[0] == '[') {
        if (len < 3 || where[len - 1] != ']') return false;
        where++;
        len -= 2;
    } else if (memchr(where, ':', len) != NULL) {
        return false; /* an IPv6 address without its brackets */
    }
    if (len > HOST_MAX || !is_port(colon + 1)) return false;
    memcpy(host, where, len);
    host[len] = '\0';
    *ret_port = colon + 1;
    return true;
}

/* The first address of the name, where it may be listened on; free with freeaddrinfo. */
static mun_code resolve(const char *where, bool public_address, struct addrinfo **ret,
                        mun_error *err)
{
    char host[HOST_MAX + 1];
    const char *port;
    if (!split(where, host, &port)) return name_fail(err, where);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    struct addrinfo *found = NULL;
    int failed = getaddrinfo(host, port, &hints, &found);
    if (failed != 0) {
        return mun_failf(err, MUN_E_USAGE, 0, "cannot listen on %s: %s", where,
                         gai_strerror(failed));
    }
    if (public_address || is_loopback(found->ai_addr)) {
        *ret = found;
        return MUN_OK;
    }
    freeaddrinfo(found);
    return mun_failf(err, MUN_E_USAGE, 0,
                     "%s is not a loopback address: put a proxy in front, or say that plain HTTP "
                     "is meant to be reached from other machines (--public)",
                     where);
}

static bool is_unix(const char *where)
{
    return strncmp(where, UNIX, strlen(UNIX)) == 0;
}

mun_code mun_http_listen(const char *where, bool public_address, int *ret, mun_error *err)
{
    struct addrinfo *found;
    if (is_unix(where)) return listen_unix(where, where + strlen(UNIX), ret, err);
    MUN_TRY(resolve(where, public_address, &found, err));
    mun_code code = listen_address(where, found, ret, err);
    freeaddrinfo(found);
    return code;
}

mun_code mun_http_listen_check(const char *where, bool public_address, mun_error *err)
{
    struct sockaddr_un address;
    struct addrinfo *found;
    if (is_unix(where)) return unix_address(where, where + strlen(UNIX), &address, err);
    MUN_TRY(resolve(where, public_address, &found, err));
    freeaddrinfo(found);
    return MUN_OK;
}
