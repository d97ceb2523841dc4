/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/load_wire.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static mun_code find_address(mun_load_target *t, mun_error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    char host[sizeof t->url.host];
    size_t len = strlen(t->url.host);
    bool bracketed = t->url.host[0] == '[';
    snprintf(host, sizeof host, "%.*s", (int)(bracketed ? len - 2 : len),
             t->url.host + (bracketed ? 1 : 0));
    int failed = getaddrinfo(host, t->url.port[0] != '\0' ? t->url.port : "80", &hints, &found);
    if (failed != 0) {
        return mun_failf(err, MUN_E_USAGE, 0, "%s has no address: %s", host, gai_strerror(failed));
    }
    memcpy(&t->address, found->ai_addr, found->ai_addrlen);
    t->address_len = found->ai_addrlen;
    t->family = found->ai_family;
    freeaddrinfo(found);
    return MUN_OK;
}

mun_code mun_load_target_find(const char *url, mun_load_target *ret, mun_error *err)
{
    mun_load_target t = {.family = AF_UNIX};
    MUN_TRY(mun_url_parse(url, &t.url, err));
    if (t.url.tls) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "the load generator does not encrypt: measure the service itself over "
                        "http:// on this machine or unix:SOCKET");
    }
    bool has_port = t.url.port[0] != '\0';
    snprintf(t.host, sizeof t.host, "%s%s%s", t.url.socket[0] != '\0' ? "localhost" : t.url.host,
             has_port ? ":" : "", t.url.port);
    if (t.url.socket[0] == '\0') {
        MUN_TRY(find_address(&t, err));
    } else {
        struct sockaddr_un local = {.sun_family = AF_UNIX};
        memcpy(local.sun_path, t.url.socket, strlen(t.url.socket));
        memcpy(&t.address, &local, sizeof local);
        t.address_len = sizeof local;
    }
    *ret = t;
    return MUN_OK;
}

int mun_load_connect(const mun_load_target *target)
{
    int one = 1;
    int fd = socket(target->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (target->family != AF_UNIX) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (const struct sockaddr *)&target->address, target->address_len) == 0 ||
        errno == EINPROGRESS) {
        return fd;
    }
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}
