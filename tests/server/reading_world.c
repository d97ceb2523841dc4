/* SPDX-License-Identifier: Apache-2.0 */
#include "server/reading_world.h"

#include "base/buf.h"
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int reading_set_up(void **state)
{
    reading *r = calloc(1, sizeof *r);
    void *w = NULL;
    assert_non_null(r);
    assert_int_equal(world_set_up(&w), 0);
    r->w = w;
    for (unsigned i = 0; i < 6; i++) {
        made statement;
        r->w->now_ms += 1000;
        world_statement(r->w, i, &statement);
        world_register(r->w, &statement);
    }
    world_close(r->w);
    must(mun_served_set_create(8, &r->service.ledgers, err));
    mun_served_options options = {.name = "deeds", .directory = r->w->path, .base = "/deeds"};
    must(mun_served_add(r->service.ledgers, &options, err));
    r->served = mun_served_at(r->service.ledgers, 0);
    r->response.body = mun_buf_growable(MUN_RESPONSE_BODY_MAX);
    *state = r;
    return 0;
}

int reading_tear_down(void **state)
{
    reading *r = *state;
    void *w = r->w;
    mun_served_set_destroy(r->service.ledgers);
    mun_buf_free(&r->response.body);
    free(r);
    return world_tear_down(&w);
}

/* Asks, and returns the status. */
unsigned reading_ask_with(reading *r, const char *target, mun_field field, const char *value)
{
    const char *allow = NULL;
    assert_true(snprintf(r->target, sizeof r->target, "%s", target) < (int)sizeof r->target);
    char *query = strchr(r->target, '?');
    memset(&r->request, 0, sizeof r->request);
    r->request.method = MUN_METHOD_GET;
    r->request.path =
        mun_slice_of(r->target, query == NULL ? strlen(r->target) : (size_t)(query - r->target));
    if (query != NULL) r->request.query = mun_slice_cstr(query + 1);
    r->request.service = &r->service;
    r->request.served = r->served;
    if (value != NULL) r->request.fields[field] = mun_slice_cstr(value);
    mun_response_reset(&r->response);
    const mun_route *route =
        mun_route_find(MUN_METHOD_GET, r->request.path, false, r->request.captures, &allow);
    if (route == NULL) fail_msg("no route for %s", target);
    route->run(&r->request, &r->response);
    return r->response.status;
}

unsigned reading_ask(reading *r, const char *target)
{
    return reading_ask_with(r, target, MUN_FIELD_ACCEPT, NULL);
}

mun_slice reading_body(const reading *r)
{
    return r->response.fixed.len > 0 ? r->response.fixed : mun_buf_slice(&r->response.body);
}

json_t *reading_json(const reading *r)
{
    json_error_t why;
    mun_slice text = reading_body(r);
    json_t *ret = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &why);
    if (ret == NULL) fail_msg("%s: %.*s", why.text, (int)text.len, (const char *)text.ptr);
    return ret;
}

uint64_t reading_number(const json_t *object, const char *key)
{
    assert_true(json_is_integer(json_object_get(object, key)));
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

const char *reading_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (text == NULL) fail_msg("no text under %s", key);
    return text;
}

/* A refusal that names what it is about, as problem JSON or CBOR. */
void reading_refused(reading *r, const char *target, unsigned status, const char *named)
{
    unsigned got = reading_ask(r, target);
    mun_slice text = reading_body(r);
    if (got != status) fail_msg("%s: %u, not %u", target, got, status);
    if (memmem(text.ptr, text.len, named, strlen(named)) == NULL) {
        fail_msg("%s: %.*s", target, (int)text.len, (const char *)text.ptr);
    }
}

void reading_one_more(reading *r, unsigned n)
{
    mun_ledger *ledger = NULL;
    made statement;
    mun_registration result;
    world_statement(r->w, n, &statement);
    mun_slice bytes = made_slice(&statement);
    must(mun_served_use(r->served, true, &ledger, err));
    must(mun_ledger_register(ledger, &bytes, 1, &result, NULL, err));
    assert_int_equal(result.code, MUN_OK);
    mun_served_done(r->served, ledger, MUN_OK);
}
