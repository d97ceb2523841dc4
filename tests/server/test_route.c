/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes: what matches, what is allowed, and that the rows make sense together. */
#include "server/route.h"

#include "base/slice.h"
#include "support/cmocka_all.h"

#include <string.h>

typedef struct expectation {
    mun_method method;
    const char *path;
    const char *name; /* NULL: none */
    const char *allow;
    const char *captured;
} expectation;

static const expectation of_ledgers[] = {
    {MUN_METHOD_POST, "/entries", "entries_post", NULL, NULL},
    {MUN_METHOD_GET, "/entries", NULL, "POST", NULL},
    {MUN_METHOD_OTHER, "/entries", NULL, "POST", NULL},
    {MUN_METHOD_GET, "/entries/abc", "entries_get", NULL, "abc"},
    {MUN_METHOD_HEAD, "/entries/%2f", "entries_get", NULL, "%2f"},
    {MUN_METHOD_POST, "/entries/abc", NULL, "GET, HEAD", NULL},
    {MUN_METHOD_GET, "/entries/", NULL, NULL, NULL},
    {MUN_METHOD_GET, "/entries/a/b", NULL, NULL, NULL},
    {MUN_METHOD_GET, "/entries/a/", NULL, NULL, NULL},
    {MUN_METHOD_GET, "//entries/a", NULL, NULL, NULL},
    {MUN_METHOD_GET, "/Entries/a", NULL, NULL, NULL},
    {MUN_METHOD_GET, "/entriesx", NULL, NULL, NULL},
    {MUN_METHOD_GET, "/entrie", NULL, NULL, NULL},
    {MUN_METHOD_GET, "/", NULL, NULL, NULL},
    {MUN_METHOD_GET, "", NULL, NULL, NULL},
    {MUN_METHOD_GET, "/.well-known/scitt-keys", "scitt_keys", NULL, NULL},
    {MUN_METHOD_GET, "/.well-known/scitt-keys/k", "scitt_key", NULL, "k"},
    {MUN_METHOD_POST, "/v1/batch", "batch_post", NULL, NULL},
    {MUN_METHOD_GET, "/healthz", NULL, NULL, NULL}, /* the service's, not a ledger's */
};

static void expect(const expectation *x, bool of_service)
{
    mun_slice captures[MUN_CAPTURES_MAX] = {{0}};
    const char *allow = "unset";
    const mun_route *route =
        mun_route_find(x->method, mun_slice_cstr(x->path), of_service, captures, &allow);
    if (x->name == NULL) {
        if (route != NULL) fail_msg("%s matches %s", x->path, route->name);
    } else {
        if (route == NULL) fail_msg("%s matches nothing", x->path);
        assert_string_equal(route->name, x->name);
    }
    if (x->allow == NULL) {
        assert_null(allow);
    } else {
        assert_string_equal(allow, x->allow);
    }
    mun_slice captured = x->captured == NULL ? (mun_slice){0} : mun_slice_cstr(x->captured);
    assert_true(mun_slice_equal(captures[0], captured));
}

static void matches(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof of_ledgers / sizeof of_ledgers[0]; i++) {
        expect(&of_ledgers[i], false);
    }
    static const expectation health = {MUN_METHOD_GET, "/healthz", "healthz", NULL, NULL};
    static const expectation entries = {MUN_METHOD_POST, "/entries", NULL, NULL, NULL};
    expect(&health, true);
    expect(&entries, true);
}

/* Names are labels of metrics: they are unique. A row has a handler exactly where it is not
 * gathered, and takes a body exactly where it is a POST. */
static void rows_are_whole(void **state)
{
    (void)state;
    const mun_route *const tables[] = {mun_routes_scrapi, mun_routes_tiles, mun_routes_api,
                                       mun_routes_operation};
    const mun_route *seen[256];
    size_t n = 0;
    for (size_t t = 0; t < 4; t++) {
        for (const mun_route *row = tables[t]; row->name != NULL; row++) {
            for (size_t i = 0; i < n; i++) assert_string_not_equal(seen[i]->name, row->name);
            assert_int_equal(row->run == NULL, row->lane == MUN_LANE_REGISTER);
            assert_int_equal(row->body_max > 0, (row->methods & MUN_METHOD_POST) != 0);
            assert_int_equal(row->pattern[0], '/');
            assert_in_range(n, 0, 255);
            seen[n++] = row;
        }
    }
    assert_in_range(n, 20, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(matches), cmocka_unit_test(rows_are_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
