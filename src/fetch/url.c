/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of services, by the part of RFC 3986 that a base URL needs and nothing more. */
#include "fetch/fetch.h"

#include <stdio.h>
#include <string.h>

bool mun_url_like(const char *text)
{
    static const char *const schemes[] = {"http:", "https:", "unix:"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (strncmp(text, schemes[i], strlen(schemes[i])) == 0) return true;
    }
    return false;
}

static mun_code refuse(mun_error *err, const char *what)
{
    return mun_failf(err, MUN_E_USAGE, 0,
                     "%s; a service is named as https://HOST[:PORT][/PATH], http://127.0.0.1:PORT, "
                     "or unix:SOCKET[:/PATH]",
                     what);
}

static bool is_host(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

/* A path as it may stand in a request line; query and fragment are not part of a base. */
static bool is_path(char c)
{
    return is_host(c) || (c != '\0' && strchr("/~!$&'()*+,;=:@%", c) != NULL);
}

static mun_code take_path(const char *text, mun_url *url, mun_error *err)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        if (is_path(text[i])) continue;
        return refuse(err, text[i] == '?' || text[i] == '#'
                               ? "the URL has a query or a fragment"
                               : "the URL's path has a byte that must be percent-encoded");
    }
    while (len > 0 && text[len - 1] == '/') len--;
    if (len >= sizeof url->path - MUN_FETCH_FIELD_MAX) return refuse(err, "the URL is too long");
    memcpy(url->path, text, len);
    url->path[len] = '\0';
    return MUN_OK;
}

static mun_code take_socket(const char *text, mun_url *url, mun_error *err)
{
    const char *colon = strstr(text, ":/");
    size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);
    if (len == 0) return refuse(err, "the socket has no name");
    if (len >= sizeof url->socket) return refuse(err, "the socket's path is longer than 107 bytes");
    memcpy(url->socket, text, len);
    url->socket[len] = '\0';
    url->loopback = true;
    return take_path(colon != NULL ? colon + 1 : "", url, err);
}

static mun_code take_port(const char *text, size_t len, mun_url *url, mun_error *err)
{
    unsigned long port = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || len > 5) return refuse(err, "the port is no number");
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    if (port == 0 || port > 65535) return refuse(err, "the port must be 1 to 65535");
    memcpy(url->port, text, len);
    url->port[len] = '\0';
    return MUN_OK;
}

/* 127.0.0.0/8, ::1 and the name that means them. */
static bool host_is_loopback(const char *host)
{
    if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0) return true;
    if (strncmp(host, "127.", 4) != 0) return false;
    unsigned dots = 0;
    for (const char *p = host; *p != '\0'; p++) {
        if (*p == '.') dots++;
        if (*p != '.' && (*p < '0' || *p > '9')) return false; /* a name like 127.evil.example */
    }
    return dots == 3;
}

static mun_code take_authority(const char *text, size_t len, mun_url *url, mun_error *err)
{
    size_t host = 0;
    if (memchr(text, '@', len) != NULL) {
        return refuse(err, "the URL has a user name in it; a token belongs into a file, for "
                           "--token-file");
    }
    if (len > 0 && text[0] == '[') {
        while (host < len && text[host] != ']') host++;
        if (host == len) return refuse(err, "the address has no closing ]");
        host++;
        if (host < 4 || strspn(text + 1, "0123456789abcdefABCDEF:.") != host - 2) {
            return refuse(err, "what stands in [] is no IPv6 address");
        }
    } else {
        while (host < len && is_host(text[host])) host++;
    }
    if (host == 0) return refuse(err, "the URL has no host");
    if (host >= sizeof url->host) return refuse(err, "the host's name is too long");
    memcpy(url->host, text, host);
    url->host[host] = '\0';
    url->loopback = host_is_loopback(url->host);
    if (host == len) return MUN_OK;
    if (text[host] != ':') return refuse(err, "the host's name has a byte that no name has");
    return take_port(text + host + 1, len - host - 1, url, err);
}

mun_code mun_url_parse(const char *text, mun_url *ret, mun_error *err)
{
    mun_url url = {.tls = strncmp(text, "https://", 8) == 0};
    if (strncmp(text, "unix:", 5) == 0) {
        MUN_TRY(take_socket(text + 5, &url, err));
    } else if (url.tls || strncmp(text, "http://", 7) == 0) {
        const char *authority = text + (url.tls ? 8 : 7);
        size_t len = strcspn(authority, "/?#");
        MUN_TRY(take_authority(authority, len, &url, err));
        MUN_TRY(take_path(authority + len, &url, err));
    } else {
        return refuse(err, "this is no URL of a service");
    }
    *ret = url;
    return MUN_OK;
}

mun_code mun_url_text(const mun_url *url, const char *rest, char *ret, size_t cap, mun_error *err)
{
    int len = snprintf(ret, cap, "%s://%s%s%s%s%s", url->tls ? "https" : "http",
                       url->socket[0] != '\0' ? "localhost" : url->host,
                       url->port[0] != '\0' ? ":" : "", url->port, url->path, rest);
    if (len > 0 && (size_t)len < cap) return MUN_OK;
    return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "the URL is too long");
}
