/* SPDX-License-Identifier: Apache-2.0 */
#include "server/server_world.h"

#include "codec/cbor.h"
#include "server/problem.h"
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mun_served *server_world_add(server_world *s, const mun_served_options *options)
{
    must(mun_served_add(s->service.ledgers, options, err));
    return mun_served_at(s->service.ledgers, mun_served_count(s->service.ledgers) - 1);
}

int server_world_set_up(void **state)
{
    server_world *s = calloc(1, sizeof *s);
    void *inner = NULL;
    assert_non_null(s);
    assert_int_equal(world_set_up(&inner), 0);
    s->ledger = inner;
    world_close(s->ledger);
    mun_event_log_init(MUN_EVENT_LOGFMT, MUN_EVENT_ERROR - 1);
    s->service.metrics = mun_metrics_create();
    assert_non_null(s->service.metrics);
    must(mun_served_set_create(8, &s->service.ledgers, err));
    mun_served_observe(s->service.ledgers, s->service.metrics);
    s->served = server_world_add(
        s, &(mun_served_options){.name = "deeds", .directory = s->ledger->path, .base = ""});
    *state = s;
    return 0;
}

int server_world_tear_down(void **state)
{
    server_world *s = *state;
    void *inner = s->ledger;
    mun_register_queue_destroy(s->service.registrations);
    mun_served_set_destroy(s->service.ledgers);
    mun_metrics_destroy(s->service.metrics);
    world_tear_down(&inner);
    free(s);
    return 0;
}

void server_world_queue(server_world *s, size_t workers, size_t queue_max)
{
    must(
        mun_register_queue_create(&s->service, workers, queue_max, &s->service.registrations, err));
}

static void done(void *ctx)
{
    exchange *e = ctx;
    pthread_mutex_lock(&e->mutex);
    e->done++;
    pthread_cond_signal(&e->changed);
    pthread_mutex_unlock(&e->mutex);
}

long server_metric(mun_metrics *metrics, const char *name)
{
    char start[128];
    MUN_BUF_AUTO mun_buf out = mun_buf_growable(MUN_RESPONSE_BODY_MAX);
    mun_metrics_print(metrics, &out);
    mun_buf_u8(&out, 0);
    snprintf(start, sizeof start, "\n%s ", name);
    const char *at = strstr((const char *)out.ptr, start);
    assert_non_null(at);
    return strtol(at + strlen(start), NULL, 10);
}

void exchange_open(exchange *e, server_world *s, mun_served *served, const char *path)
{
    *e = (exchange){
        .request = {.id = "test-1",
                    .method = MUN_METHOD_GET,
                    .path = mun_slice_cstr(path),
                    .service = &s->service,
                    .served = served},
        .response = {.body = mun_buf_growable(MUN_RESPONSE_BODY_MAX), .entry = MUN_NO_OFFSET},
    };
    e->job = (mun_register_job){
        .request = &e->request, .response = &e->response, .done = done, .ctx = e};
    pthread_mutex_init(&e->mutex, NULL);
    pthread_cond_init(&e->changed, NULL);
}

void exchange_close(exchange *e)
{
    pthread_cond_destroy(&e->changed);
    pthread_mutex_destroy(&e->mutex);
    mun_buf_free(&e->response.body);
}

void exchange_wait(exchange *e)
{
    pthread_mutex_lock(&e->mutex);
    while (e->done == 0) pthread_cond_wait(&e->changed, &e->mutex);
    pthread_mutex_unlock(&e->mutex);
}

bool exchange_submit(exchange *e, mun_register_queue *queue)
{
    mun_response_reset(&e->response);
    e->done = 0;
    if (!mun_register_submit(queue, &e->job)) return false;
    exchange_wait(e);
    return true;
}

unsigned exchange_post(exchange *e, mun_slice statement)
{
    e->request.method = MUN_METHOD_POST;
    e->request.path = MUN_LITERAL("/entries");
    e->request.body = statement;
    if (e->request.fields[MUN_FIELD_CONTENT_TYPE].len == 0) {
        e->request.fields[MUN_FIELD_CONTENT_TYPE] = MUN_LITERAL("application/cose");
    }
    assert_true(exchange_submit(e, e->request.service->registrations));
    return e->response.status;
}

unsigned exchange_run(exchange *e, const char *name, const char *capture)
{
    mun_response_reset(&e->response);
    e->request.captures[0] = mun_slice_cstr(capture);
    for (const mun_route *row = mun_routes_scrapi; row->name != NULL; row++) {
        if (strcmp(row->name, name) != 0) continue;
        row->run(&e->request, &e->response);
        return e->response.status;
    }
    fail_msg("no route is named %s", name);
    return 0;
}

void exchange_problem(const exchange *e, unsigned status, const char *title)
{
    mun_slice body = mun_buf_slice(&e->response.body);
    assert_int_equal(e->response.status, status);
    assert_string_equal(e->response.content_type, "application/concise-problem-details+cbor");
    assert_string_equal(e->response.title, title);
    must(mun_cbor_check(body, MUN_CBOR_DETERMINISTIC, err));
    mun_cursor c = mun_cursor_over(body);
    mun_cbor_item map = mun_cbor_take(&c);
    assert_int_equal(map.type, MUN_CBOR_MAP);
    assert_int_equal(map.value, 3);
    const int64_t keys[] = {-1, -2, -4};
    mun_cursor inside = mun_cbor_open(&map);
    for (size_t i = 0; i < 3; i++) {
        int64_t number = 0;
        mun_cbor_item key = mun_cbor_take(&inside), value = mun_cbor_take(&inside);
        assert_true(mun_cbor_int(&key, &number));
        assert_int_equal(number, keys[i]);
        if (i == 0) assert_true(mun_slice_equal(value.inside, mun_slice_cstr(title)));
        if (i == 1) assert_true(value.type == MUN_CBOR_TEXT && value.inside.len > 10);
        if (i == 2) assert_int_equal(value.value, status);
    }
}
