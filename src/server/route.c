/* SPDX-License-Identifier: Apache-2.0 */
/* Matching a path against the tables, row by row: there are some forty of them, and a comparison
 * ends at the first byte that differs. */
#include "server/route.h"

#include "base/slice.h"

static const mun_route *const tables[] = {mun_routes_scrapi, mun_routes_tiles, mun_routes_api,
                                          mun_routes_operation};

#define TABLES (sizeof tables / sizeof tables[0])

static bool hole(const char *pattern, const char **ret_rest, bool *ret_whole)
{
    if (pattern[0] != '{') return false;
    *ret_whole = pattern[1] == '*';
    *ret_rest = pattern + (*ret_whole ? 3 : 2);
    return true;
}

/* The length of what {} (one segment, not empty) or {*} (all that is left) stands for. */
static size_t hole_length(mun_slice path, size_t at, bool whole)
{
    if (whole) return path.len - at;
    size_t end = at;
    while (end < path.len && path.ptr[end] != '/') end++;
    return end - at;
}

static bool matches(const char *pattern, mun_slice path, mun_slice captures[MUN_CAPTURES_MAX])
{
    size_t at = 0, captured = 0;
    while (*pattern != '\0') {
        const char *rest = NULL;
        bool whole = false;
        if (!hole(pattern, &rest, &whole)) {
            if (at == path.len || path.ptr[at] != (uint8_t)*pattern) return false;
            at++;
            pattern++;
            continue;
        }
        size_t len = hole_length(path, at, whole);
        if (len == 0 || captured == MUN_CAPTURES_MAX) return false;
        captures[captured++] = mun_slice_of(path.ptr + at, len);
        at += len;
        pattern = rest;
    }
    return at == path.len;
}

static bool method_fits(unsigned methods, mun_method method)
{
    if ((methods & MUN_METHOD_GET) != 0) methods |= MUN_METHOD_HEAD;
    return (methods & method) != 0;
}

static const char *allow_text(unsigned methods)
{
    bool get = (methods & MUN_METHOD_GET) != 0, post = (methods & MUN_METHOD_POST) != 0;
    if (get && post) return "GET, HEAD, POST";
    if (get) return "GET, HEAD";
    return post ? "POST" : NULL;
}

const mun_route *mun_route_find(mun_method method, mun_slice path, bool of_service,
                                mun_slice captures[MUN_CAPTURES_MAX], const char **ret_allow)
{
    unsigned seen = 0;
    for (size_t t = 0; t < TABLES; t++) {
        for (const mun_route *route = tables[t]; route->name != NULL; route++) {
            mun_slice found[MUN_CAPTURES_MAX] = {{0}};
            if (route->of_service != of_service || !matches(route->pattern, path, found)) continue;
            seen |= route->methods;
            if (!method_fits(route->methods, method)) continue;
            memcpy(captures, found, sizeof found);
            *ret_allow = NULL;
            return route;
        }
    }
    *ret_allow = allow_text(seen);
    return NULL;
}
