/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections from their arrival to their end. The library would stop accepting at its own limit
 * and leave further clients in silence, so its limit is never reached: beyond ours a client gets a
 * 503 with Retry-After at once and is closed.
 */
#include "server/http_parts.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

void http_registry_init(http_registry *registry)
{
    pthread_mutex_init(&registry->mutex, NULL);
}

void http_registry_finish(http_registry *registry)
{
    pthread_mutex_destroy(&registry->mutex);
}

void http_phase_set(http_connection *connection, http_phase phase)
{
    atomic_store_explicit(&connection->state, mun_clock_ms() << 4 | (uint64_t)phase,
                          memory_order_relaxed);
}

http_connection *http_connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? NULL : info->socket_context;
}

/* ---- Answers past the library ---------------------------------------------------------------- */

#define RAW_HEAD_MAX 512

/* One send on a socket whose buffer is empty: a kernel that does not take a kilobyte there has a
 * client that is gone. */
void http_raw_answer(int fd, const mun_response *response)
{
    char head[RAW_HEAD_MAX];
    int len = snprintf(head, sizeof head,
                       "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                       "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                       "Connection: close\r\n",
                       response->status, http_reason(response->status), response->content_type,
                       response->body.len);
    if (response->retry_after > 0) {
        len += snprintf(head + len, sizeof head - (size_t)len, "Retry-After: %u\r\n",
                        response->retry_after);
    }
    len += snprintf(head + len, sizeof head - (size_t)len, "\r\n");
    struct iovec parts[2] = {{head, (size_t)len}, {response->body.ptr, response->body.len}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    if (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) shutdown(fd, SHUT_WR);
}

void http_raw_problem(int fd, unsigned status, const char *title, const char *detail)
{
    uint8_t bytes[1024];
    mun_request request = {.path = MUN_LITERAL("/")};
    mun_response response = {.body = mun_buf_fixed(bytes, sizeof bytes)};
    mun_problem(&request, &response, status, title, detail);
    http_raw_answer(fd, &response);
}

/* ---- Arrival --------------------------------------------------------------------------------- */

/* RFC 4291 section 2.5.5.2: a socket for both kinds of addresses tells IPv4 clients as
 * ::ffff:a.b.c.d, all of which stand in one /64. They are the same clients as on a socket for IPv4.
 */
void http_address_plain(char *text, size_t cap)
{
    struct in6_addr six;
    struct in_addr four;
    if (strchr(text, ':') == NULL || inet_pton(AF_INET6, text, &six) != 1) return;
    if (!IN6_IS_ADDR_V4MAPPED(&six)) return;
    memcpy(&four, six.s6_addr + 12, sizeof four);
    inet_ntop(AF_INET, &four, text, (socklen_t)cap);
}

static void address_text(struct MHD_Connection *mhd, char *ret, size_t cap)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    snprintf(ret, cap, "unix");
    if (info == NULL || info->client_addr == NULL) return;
    const void *address = info->client_addr;
    if (info->client_addr->sa_family == AF_INET) {
        struct sockaddr_in four;
        memcpy(&four, address, sizeof four);
        inet_ntop(AF_INET, &four.sin_addr, ret, (socklen_t)cap);
    } else if (info->client_addr->sa_family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, address, sizeof six);
        inet_ntop(AF_INET6, &six.sin6_addr, ret, (socklen_t)cap);
        http_address_plain(ret, cap);
    }
}

static http_connection **bucket_of(http_registry *registry, const char *address)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *address != '\0'; address++) hash = (hash ^ (uint8_t)*address) * 16777619u;
    return &registry->buckets[hash % HTTP_BUCKETS];
}

/* Connections of the same address; the chain is short, because none is kept beyond the limit. */
static size_t peers(http_connection *const *bucket, const char *address)
{
    size_t n = 0;
    for (const http_connection *peer = *bucket; peer != NULL; peer = peer->peer_next) {
        n += strcmp(peer->address, address) == 0;
    }
    return n;
}

/* All connections through a proxy have one address, so none is looked for in the chain. */
static void peer_push(http_connection **bucket, http_connection *connection)
{
    connection->peer_next = *bucket;
    connection->peer_at = bucket;
    if (*bucket != NULL) (*bucket)->peer_at = &connection->peer_next;
    *bucket = connection;
}

static void peer_drop(http_connection *connection)
{
    if (connection->peer_at == NULL) return;
    *connection->peer_at = connection->peer_next;
    if (connection->peer_next != NULL) connection->peer_next->peer_at = connection->peer_at;
}

/* NULL, or why it cannot stay. */
static const char *enter(http_registry *registry, const mun_http_options *options,
                         http_connection *connection)
{
    const char *why = NULL;
    pthread_mutex_lock(&registry->mutex);
    http_connection **bucket = bucket_of(registry, connection->address);
    if (registry->len >= options->connections) {
        why = "There are too many connections; try again later.";
    } else if (options->per_address > 0 && strcmp(connection->address, "unix") != 0 &&
               peers(bucket, connection->address) >= options->per_address) {
        why = "There are too many connections from this address; try again later.";
    }
    registry->len++;
    connection->next = registry->first;
    if (connection->next != NULL) connection->next->prev = connection;
    registry->first = connection;
    if (why == NULL) peer_push(bucket, connection);
    pthread_mutex_unlock(&registry->mutex);
    return why;
}

static void leave(http_registry *registry, http_connection *connection)
{
    pthread_mutex_lock(&registry->mutex);
    peer_drop(connection);
    if (connection->prev != NULL) connection->prev->next = connection->next;
    if (connection->next != NULL) connection->next->prev = connection->prev;
    if (registry->first == connection) registry->first = connection->next;
    registry->len--;
    pthread_mutex_unlock(&registry->mutex);
}

static http_connection *connection_new(http_io *io, struct MHD_Connection *mhd)
{
    http_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) return NULL;
    connection->io = io;
    connection->listener = io->listener;
    connection->mhd = mhd;
    connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    address_text(mhd, connection->address, sizeof connection->address);
    http_phase_set(connection, HTTP_IDLE);
    return connection;
}

static void arrived(http_io *io, struct MHD_Connection *mhd, void **ret)
{
    mun_http_server *server = io->listener->server;
    http_connection *connection = connection_new(io, mhd);
    *ret = connection;
    if (connection == NULL) return; /* its first request is closed for want of an exchange */
    const char *why = enter(&server->registry, &server->options, connection);
    mun_metrics_gauge(server->metrics, MUN_GAUGE_CONNECTIONS, 1);
    if (why == NULL) {
        mun_metrics_count(server->metrics, MUN_COUNT_CONNECTIONS, 1);
        return;
    }
    mun_metrics_count(server->metrics, MUN_COUNT_CONNECTIONS_REFUSED, 1);
    http_phase_set(connection, HTTP_OVER);
    http_raw_problem(connection->fd, 503, MUN_TITLE_BUSY, why);
}

void http_connection_notify(void *cls, struct MHD_Connection *mhd, void **socket_context,
                            enum MHD_ConnectionNotificationCode code)
{
    http_io *io = cls;
    mun_http_server *server = io->listener->server;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        arrived(io, mhd, socket_context);
        return;
    }
    http_connection *connection = *socket_context;
    if (connection == NULL) return;
    *socket_context = NULL;
    leave(&server->registry, connection);
    if (connection->linger) http_linger_keep(&server->linger, connection->fd);
    mun_metrics_gauge(server->metrics, MUN_GAUGE_CONNECTIONS, -1);
    free(connection);
}
