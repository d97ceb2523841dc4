/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/batch: one result for each statement, in order; all or nothing where the body does not
 * split; pending ones; ledgers that stop in the middle. */
#include "server/backend.h"
#include "server/problem.h"
#include "server/server_world.h"
#include "server/service_limits.h"

#include "codec/cbor.h"
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

static unsigned post(exchange *e, server_world *s, mun_slice body)
{
    exchange_open(e, s, s->served, "/v1/batch");
    e->request.method = MUN_METHOD_POST;
    e->request.fields[MUN_FIELD_CONTENT_TYPE] = MUN_LITERAL("application/cbor-seq");
    e->request.body = body;
    return exchange_run(e, "batch_post", "");
}

/* The nth result: a receipt's bytes, or the problem's response code in ret_status. */
static mun_slice result(const exchange *e, size_t n, unsigned *ret_status)
{
    mun_cursor c = mun_cursor_over(mun_buf_slice(&e->response.body));
    mun_cbor_item item = {.type = MUN_CBOR_NONE};
    for (size_t i = 0; i <= n; i++) item = mun_cbor_take(&c);
    *ret_status = 0;
    if (item.type != MUN_CBOR_MAP) return item.whole;
    mun_cursor inside = mun_cbor_open(&item);
    while (mun_cbor_more(&inside)) {
        int64_t key = 0;
        mun_cbor_item k = mun_cbor_take(&inside), v = mun_cbor_take(&inside);
        if (mun_cbor_int(&k, &key) && key == -4) *ret_status = (unsigned)v.value;
    }
    return item.whole;
}

static size_t results(const exchange *e)
{
    mun_cursor c = mun_cursor_over(mun_buf_slice(&e->response.body));
    size_t n = 0;
    while (mun_cursor_left(&c) > 0 && mun_cbor_take(&c).type != MUN_CBOR_NONE) n++;
    assert_true(mun_cursor_done(&c));
    return n;
}

static void good_and_bad_in_order(void **state)
{
    server_world *s = *state;
    exchange e;
    made statement;
    unsigned status = 0;
    MUN_BUF_AUTO mun_buf body = mun_buf_growable(1 << 20);
    uint8_t leaf[300][MUN_HASH_SIZE];
    for (unsigned i = 0; i < 300; i++) { /* more than one chunk */
        mun_statement parsed;
        world_statement(s->ledger, i, &statement);
        if (i % 50 == 7) statement.bytes[statement.len - 1] ^= 1;
        must(mun_statement_parse(made_slice(&statement), &parsed, err));
        mun_statement_leaf(&s->ledger->crypto, &parsed, leaf[i]);
        mun_buf_put(&body, made_slice(&statement));
    }
    assert_int_equal(post(&e, s, mun_buf_slice(&body)), 200);
    assert_string_equal(e.response.content_type, "application/cbor-seq");
    assert_int_equal(results(&e), 300);
    for (unsigned i = 0; i < 300; i++) {
        mun_receipt receipt;
        uint8_t root[MUN_HASH_SIZE];
        mun_slice item = result(&e, i, &status);
        assert_int_equal(status, i % 50 == 7 ? 400 : 0);
        if (status != 0) continue;
        must(mun_receipt_parse(item, &receipt, err));
        must(mun_receipt_check(&s->ledger->crypto, &receipt, leaf[i],
                               &mun_served_identity(s->served)->receipts, root, err));
    }
    exchange_close(&e);
}

static void json_problem(const exchange *e, unsigned status, const char *title)
{
    assert_int_equal(e->response.status, status);
    assert_string_equal(e->response.title, title);
    assert_string_equal(e->response.content_type, "application/problem+json");
}

static void refused_as_a_whole(void **state)
{
    server_world *s = *state;
    exchange e;
    made statement;
    MUN_BUF_AUTO mun_buf body = mun_buf_growable(1 << 20);
    world_statement(s->ledger, 1, &statement);
    mun_buf_put(&body, made_slice(&statement));
    mun_buf_put(&body, mun_slice_of(statement.bytes, statement.len / 2));
    post(&e, s, mun_buf_slice(&body));
    json_problem(&e, 400, MUN_TITLE_MALFORMED);
    exchange_close(&e);
    post(&e, s, (mun_slice){0});
    json_problem(&e, 400, MUN_TITLE_MALFORMED);
    exchange_close(&e);
    mun_buf_clear(&body);
    memset(mun_buf_reserve(&body, MUN_BATCH_STATEMENTS_MAX + 1), 0x01,
           MUN_BATCH_STATEMENTS_MAX + 1);
    post(&e, s, mun_buf_slice(&body));
    json_problem(&e, 413, MUN_TITLE_TOO_LARGE);
    exchange_run(&e, "batch_post", "");
    e.request.fields[MUN_FIELD_CONTENT_TYPE] = MUN_LITERAL("application/cbor");
    exchange_run(&e, "batch_post", "");
    json_problem(&e, 415, MUN_TITLE_MEDIA);
    exchange_close(&e);
    mun_ledger *ledger = NULL;
    must(mun_served_use(s->served, true, &ledger, err));
    assert_int_equal(mun_ledger_tree(ledger).size, 2);
    mun_served_done(s->served, ledger, MUN_OK);
}

/* ---- Ledgers that refuse or stop ------------------------------------------------------------- */

static void ledger_unusable(void **state)
{
    server_world *s = *state;
    exchange e;
    mun_ledger *ledger = NULL;
    must(mun_served_use(s->served, true, &ledger, err));
    mun_served_done(s->served, ledger, MUN_E_NO_SPACE);
    post(&e, s, MUN_LITERAL("\x01"));
    json_problem(&e, 507, MUN_TITLE_FULL);
    exchange_close(&e);
    mun_served_remove(s->service.ledgers, s->served);
    s->served = server_world_add(
        s, &(mun_served_options){
               .name = "r", .directory = s->ledger->path, .base = "", .read_only = true});
    post(&e, s, MUN_LITERAL("\x01"));
    json_problem(&e, 403, MUN_TITLE_COPY);
    exchange_close(&e);
    mun_served_remove(s->service.ledgers, s->served);
    post(&e, s, MUN_LITERAL("\x01"));
    json_problem(&e, 404, MUN_TITLE_NOT_FOUND);
    exchange_close(&e);
}

/* Answers `calls` times, then fails; leaves every third pending. */
typedef struct limited {
    unsigned calls;
} limited;

static mun_code limited_submit(void *ctx, mun_ledger *ledger, const mun_slice *statements, size_t n,
                               mun_registration *ret, bool *ret_pending, mun_buf *ret_receipts,
                               mun_error *err)
{
    limited *l = ctx;
    (void)ledger;
    if (l->calls == 0) return mun_fail(err, MUN_E_NO_SPACE, MUN_NO_OFFSET, "no room");
    l->calls--;
    for (size_t i = 0; i < n; i++) {
        ret[i] = (mun_registration){.existed = true};
        ret_pending[i] = i % 3 == 2;
        if (!ret_pending[i]) mun_buf_put(&ret_receipts[i], statements[i]);
    }
    return MUN_OK;
}

static mun_fate no_fate(void *ctx, const uint8_t leaf[MUN_HASH_SIZE], mun_error *ret_why)
{
    (void)ctx;
    (void)leaf;
    (void)ret_why;
    return MUN_FATE_UNKNOWN;
}

static void stops_in_the_middle(void **state)
{
    server_world *s = *state;
    exchange e;
    limited l = {.calls = 1};
    unsigned status = 0;
    const mun_backend backend = {&l, limited_submit, no_fate, 1};
    mun_served_remove(s->service.ledgers, s->served);
    s->served = server_world_add(
        s, &(mun_served_options){
               .name = "l", .directory = s->ledger->path, .base = "", .backend = &backend});
    MUN_BUF_AUTO mun_buf body = mun_buf_growable(1 << 20);
    memset(mun_buf_reserve(&body, 400), 0x01, 400);
    assert_int_equal(post(&e, s, mun_buf_slice(&body)), 200);
    assert_int_equal(results(&e), 400);
    for (size_t i = 0; i < 400; i++) {
        result(&e, i, &status);
        assert_int_equal(status, i >= 256 ? 507 : i % 3 == 2 ? 202 : 0);
    }
    exchange_close(&e);
    assert_int_equal(mun_served_state_get(s->served, NULL), MUN_SERVED_FULL);
    post(&e, s, mun_buf_slice(&body));
    json_problem(&e, 507, MUN_TITLE_FULL);
    exchange_close(&e);
    mun_served_remove(s->service.ledgers, s->served);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, server_world_set_up, server_world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(good_and_bad_in_order),
        TEST(refused_as_a_whole),
        TEST(ledger_unusable),
        TEST(stops_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
