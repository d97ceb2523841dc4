/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the service listens: sockets inherited from the service manager, those of the configuration
 * or of the command line, and without any of them one on loopback.
 */
#include "server/service_parts.h"

#include "vfs/files.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_LISTEN "127.0.0.1:8080"
#define INHERITED      "socket:"
#define WHERE_MAX      160

/* "http://127.0.0.1:8080" from the socket itself: the port may have been chosen by the kernel. */
static char *url_of(int fd, const char *otherwise)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
        struct sockaddr_storage room;
    } address = {.any = {.sa_family = AF_UNSPEC}};
    socklen_t len = sizeof address;
    char host[INET6_ADDRSTRLEN] = "", text[WHERE_MAX];
    if (getsockname(fd, &address.any, &len) != 0) address.any.sa_family = AF_UNSPEC;
    if (address.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &address.four.sin_addr, host, sizeof host);
        snprintf(text, sizeof text, "http://%s:%u", host, ntohs(address.four.sin_port));
    } else if (address.any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address.six.sin6_addr, host, sizeof host);
        snprintf(text, sizeof text, "http://[%s]:%u", host, ntohs(address.six.sin6_port));
    } else {
        return strdup(otherwise);
    }
    return strdup(text);
}

static mun_code add_socket(service_run *run, int fd, const char *where, bool proxy, mun_error *err)
{
    service_socket *socket = &run->sockets[run->sockets_len++];
    *socket = (service_socket){.fd = fd, .proxy = proxy, .where = url_of(fd, where)};
    return socket->where != NULL ? MUN_OK : mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory");
}

static bool is_unix(const char *where)
{
    return strncmp(where, "unix:", 5) == 0;
}

static bool is_inherited(const char *where)
{
    return strncmp(where, INHERITED, strlen(INHERITED)) == 0;
}

static bool same_name(const mun_inherited *socket, const char *where)
{
    return is_inherited(where) && strcmp(where + strlen(INHERITED), socket->name) == 0;
}

/* What the configuration says of inherited sockets with this name. */
static bool is_proxy(const mun_config *config, const mun_inherited *socket)
{
    for (size_t i = 0; i < config->listeners_len; i++) {
        if (same_name(socket, config->listeners[i].where)) return config->listeners[i].proxy;
    }
    return false;
}

static void tell_missing(const mun_config *config, const mun_inherited *inherited, size_t len)
{
    for (size_t i = 0; i < config->listeners_len; i++) {
        const char *where = config->listeners[i].where;
        bool found = !is_inherited(where);
        for (size_t j = 0; !found && j < len; j++) found = same_name(&inherited[j], where);
        if (!found) mun_event(MUN_EVENT_WARNING, "socket_not_inherited", MUN_KV("listen", where));
    }
}

static mun_code take_inherited(service_run *run, mun_error *err)
{
    mun_inherited inherited[MUN_INHERITED_MAX];
    size_t len = 0;
    MUN_TRY(mun_inherited_take(inherited, &len, err));
    for (size_t i = 0; i < len; i++) {
        char where[MUN_INHERITED_NAME_MAX + sizeof INHERITED];
        snprintf(where, sizeof where, INHERITED "%s", inherited[i].name);
        bool proxy = is_proxy(&run->config, &inherited[i]);
        MUN_TRY(add_socket(run, inherited[i].socket, where, proxy, err));
        run->sockets[run->sockets_len - 1].inherited = true;
    }
    tell_missing(&run->config, inherited, len);
    return MUN_OK;
}

static mun_code open_one(service_run *run, const char *where, bool proxy, bool public_address,
                         mun_error *err)
{
    int fd;
    if (is_inherited(where)) return MUN_OK;
    MUN_TRY(mun_http_listen(where, public_address, &fd, err));
    return add_socket(run, fd, where, proxy, err);
}

static mun_code open_listeners(service_run *run, mun_error *err)
{
    const mun_service_options *options = run->options;
    for (size_t i = 0; i < options->listen_len; i++) {
        MUN_TRY(open_one(run, options->listen[i], false, options->public_address, err));
    }
    for (size_t i = 0; options->listen_len == 0 && i < run->config.listeners_len; i++) {
        const mun_config_listener *listener = &run->config.listeners[i];
        MUN_TRY(open_one(run, listener->where, listener->proxy,
                         listener->public_address || options->public_address, err));
    }
    return MUN_OK;
}

mun_code service_sockets_open(service_run *run, mun_error *err)
{
    mun_code code = take_inherited(run, err);
    if (code == MUN_OK) code = open_listeners(run, err);
    if (code == MUN_OK && run->sockets_len == 0 && run->config.listeners_len == 0) {
        code = open_one(run, DEFAULT_LISTEN, false, false, err);
    }
    if (code == MUN_OK && run->sockets_len == 0) {
        code = mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "there is nothing to listen on: the service manager handed over none of "
                        "the sockets that the configuration names");
    }
    return code;
}

void service_sockets_unlink(const service_run *run)
{
    for (size_t i = 0; i < run->sockets_len; i++) {
        const service_socket *socket = &run->sockets[i];
        mun_error why = {.code = MUN_OK};
        if (socket->inherited || !is_unix(socket->where)) continue;
        if (mun_file_remove(socket->where + strlen("unix:"), &why) != MUN_OK) {
            mun_event(MUN_EVENT_WARNING, "socket_left", MUN_KV("reason", why.text));
        }
    }
}

void service_sockets_free(service_run *run)
{
    for (size_t i = 0; i < run->sockets_len; i++) {
        if (!run->sockets_given) close(run->sockets[i].fd);
        free(run->sockets[i].where);
    }
    run->sockets_len = 0;
}

/* ---- The greeting ---- */

/* A command to try, where it can be said: an inherited socket may have no address that one knows.
 */
static void greet_try(const service_run *run, bool http)
{
    const mun_config_ledger *ledger = &run->config.ledgers[0];
    const char *where = run->sockets[0].where, *host = ledger->host;
    if (!http && !is_unix(where)) return;
    printf("Try: curl ");
    if (host != NULL) printf("-H 'Host: %s' ", host);
    if (!http) printf("--unix-socket %s ", where + strlen("unix:"));
    printf("%s%s/checkpoint\n", http ? where : "http://localhost", ledger->base);
}

/* A ledger with a host name of its own is there, by the scheme of public-url, or at our port. */
static void root_of(const service_run *run, const char *host, bool http, char ret[WHERE_MAX * 2])
{
    const char *public_url = run->config.public_url, *where = run->sockets[0].where;
    const char *root = public_url != NULL ? public_url : http ? where : "http://localhost";
    if (host == NULL) {
        snprintf(ret, WHERE_MAX * 2, "%s", root);
        return;
    }
    bool tls = strncmp(root, "https:", 6) == 0;
    const char *port = public_url == NULL && http ? strrchr(where, ':') : "";
    snprintf(ret, WHERE_MAX * 2, "%s%.*s%s", tls ? "https://" : "http://", WHERE_MAX, host, port);
}

void service_greet(const service_run *run)
{
    const mun_config *config = &run->config;
    bool http = strncmp(run->sockets[0].where, "http:", 5) == 0, json = run->options->json_log;
    char root[WHERE_MAX * 2];
    for (size_t i = 0; !json && i < run->sockets_len; i++) {
        printf("Listening on %s\n", run->sockets[i].where);
    }
    /* Names and URLs were checked: nothing in them needs an escape in JSON. */
    for (size_t i = 0; i < config->ledgers_len; i++) {
        const mun_config_ledger *ledger = &config->ledgers[i];
        root_of(run, ledger->host, http, root);
        printf(json ? "{\"type\":\"serving\",\"name\":\"%s\",\"url\":\"%s%s/\"}\n" : "%s  %s%s/\n",
               ledger->name, root, ledger->base);
    }
    if (!json) greet_try(run, http);
    fflush(stdout);
    clearerr(stdout); /* nobody reads the greeting: no reason to end with an error one day */
}

/* ---- --check ---- */

static mun_code check_where(const char *where, bool public_address, mun_error *err)
{
    if (is_inherited(where) && where[strlen(INHERITED)] != '\0') return MUN_OK;
    return mun_http_listen_check(where, public_address, err);
}

mun_code service_sockets_check(const mun_service_options *options, const mun_config *config,
                               mun_error *err)
{
    for (size_t i = 0; i < options->listen_len; i++) {
        MUN_TRY(check_where(options->listen[i], options->public_address, err));
    }
    for (size_t i = 0; options->listen_len == 0 && i < config->listeners_len; i++) {
        const mun_config_listener *listener = &config->listeners[i];
        MUN_TRY(
            check_where(listener->where, listener->public_address || options->public_address, err));
    }
    return MUN_OK;
}
