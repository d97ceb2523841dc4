/* SPDX-License-Identifier: Apache-2.0 */
/* docs/api/openapi.json and the tables of routes say the same: each row stands in the file, each
 * operation of the file has a row. */
#include "server/openapi.h"
#include "server/route.h"
#include "support/cmocka_all.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const mun_route *const tables[] = {mun_routes_scrapi, mun_routes_tiles, mun_routes_api,
                                          mun_routes_operation};

static json_t *read_page(void)
{
    json_error_t why;
    json_t *page =
        json_loadb((const char *)mun_openapi_bytes, mun_openapi_len, JSON_REJECT_DUPLICATES, &why);
    if (page == NULL) fail_msg("line %d: %s", why.line, why.text);
    return page;
}

/* "/v1/entries/{index}/receipt" as "/v1/entries/{}/receipt"; an operation whose path the language
 * of the file cannot say names its row's pattern in x-route. */
static void pattern_of(const char *path, const json_t *operation, char ret[256])
{
    const char *told = json_string_value(json_object_get(operation, "x-route"));
    size_t at = 0;
    bool inside = false;
    for (const char *c = told != NULL ? told : path; *c != '\0' && at < 254; c++) {
        if (!inside || *c == '}' || told != NULL) ret[at++] = *c;
        if (*c == '{') inside = true;
        if (*c == '}') inside = false;
    }
    ret[at] = '\0';
}

static bool method_is(const mun_route *route, const char *method)
{
    return (strcmp(method, "get") == 0 && (route->methods & MUN_METHOD_GET) != 0) ||
           (strcmp(method, "post") == 0 && (route->methods & MUN_METHOD_POST) != 0);
}

static bool row_exists(const char *pattern, const char *method)
{
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        for (const mun_route *route = tables[t]; route->name != NULL; route++) {
            if (strcmp(route->pattern, pattern) == 0 && method_is(route, method)) return true;
        }
    }
    return false;
}

static void each_operation_has_a_row(void **state)
{
    (void)state;
    json_t *page = read_page(), *path_item, *operation;
    const char *path, *method;
    size_t n = 0;
    json_object_foreach(json_object_get(page, "paths"), path, path_item)
    {
        json_object_foreach(path_item, method, operation)
        {
            char pattern[256];
            pattern_of(path, operation, pattern);
            if (!row_exists(pattern, method)) fail_msg("%s %s has no row", method, pattern);
            n++;
        }
    }
    assert_true(n >= 30);
    json_decref(page);
}

static bool stands_in(const json_t *page, const char *wanted, const char *wanted_method)
{
    json_t *path_item, *operation;
    const char *path, *method;
    json_object_foreach(json_object_get(page, "paths"), path, path_item)
    {
        json_object_foreach(path_item, method, operation)
        {
            char pattern[256];
            pattern_of(path, operation, pattern);
            if (strcmp(pattern, wanted) == 0 && strcmp(method, wanted_method) == 0) return true;
        }
    }
    return false;
}

static void each_row_stands_in_the_file(void **state)
{
    (void)state;
    json_t *page = read_page();
    size_t n = 0;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        for (const mun_route *route = tables[t]; route->name != NULL; route++, n++) {
            bool post = (route->methods & MUN_METHOD_POST) != 0;
            if (!stands_in(page, route->pattern, post ? "post" : "get")) {
                fail_msg("%s (%s) does not stand in docs/api/openapi.json", route->pattern,
                         route->name);
            }
        }
    }
    assert_true(n >= 30);
    json_decref(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operation_has_a_row),
        cmocka_unit_test(each_row_stands_in_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
