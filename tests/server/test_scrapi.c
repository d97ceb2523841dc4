/* SPDX-License-Identifier: Apache-2.0 */
/* SCRAPI draft-11 through the real handlers: statuses, titles, negotiation, locations, keys, and a
 * backend that commits later. */
#include "server/backend.h"
#include "server/clock.h"
#include "server/pending_table.h"
#include "server/problem.h"
#include "server/scrapi.h"
#include "server/server_world.h"

#include "codec/cbor.h"
#include "codec/radix.h"
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- Statements of all kinds ----------------------------------------------------------------- */

/* The statement with other protected bytes, payload (NULL: nil) and signature. */
static void rebuild(made *ret, mun_slice protected_bytes, const mun_slice *payload,
                    mun_slice signature)
{
    mun_buf buf = mun_buf_fixed(ret->bytes, sizeof ret->bytes);
    mun_buf_put(&buf, MUN_LITERAL("\xd2\x84"));
    mun_cbor_put_bytes(&buf, protected_bytes);
    mun_buf_u8(&buf, 0xa0);
    if (payload == NULL) {
        mun_cbor_put_null(&buf);
    } else {
        mun_cbor_put_bytes(&buf, *payload);
    }
    mun_cbor_put_bytes(&buf, signature);
    ret->len = buf.len;
}

static void without_payload(const made *from, made *ret)
{
    mun_statement s;
    must(mun_statement_parse(made_slice(from), &s, err));
    rebuild(ret, s.protected_bytes, NULL, s.signature);
}

/* alg -260 (WalnutDSA), as in the draft's own example of a bad algorithm. */
static void with_other_algorithm(const made *from, made *ret)
{
    mun_statement s;
    uint8_t bytes[4096];
    mun_buf buf = mun_buf_fixed(bytes, sizeof bytes);
    must(mun_statement_parse(made_slice(from), &s, err));
    assert_memory_equal(s.protected_bytes.ptr + 1, "\x01\x26", 2);
    mun_buf_put(&buf, mun_slice_of(s.protected_bytes.ptr, 2));
    mun_buf_put(&buf, MUN_LITERAL("\x39\x01\x03"));
    mun_buf_put(&buf, mun_slice_of(s.protected_bytes.ptr + 3, s.protected_bytes.len - 3));
    rebuild(ret, mun_buf_slice(&buf), &s.payload, s.signature);
}

static void leaf_of(const server_world *s, mun_slice statement, uint8_t ret[MUN_HASH_SIZE])
{
    mun_statement parsed;
    must(mun_statement_parse(statement, &parsed, err));
    mun_statement_leaf(&s->ledger->crypto, &parsed, ret);
}

/* The response's receipt is good for the statement under the ledger's key. */
static void receipt_is_good(const server_world *s, const exchange *e, mun_slice statement)
{
    mun_receipt parsed;
    uint8_t leaf[MUN_HASH_SIZE], root[MUN_HASH_SIZE];
    leaf_of(s, statement, leaf);
    must(mun_receipt_parse(mun_buf_slice(&e->response.body), &parsed, err));
    must(mun_receipt_check(&s->ledger->crypto, &parsed, leaf,
                           &mun_served_identity(s->served)->receipts, root, err));
}

/* ---- POST and GET ---------------------------------------------------------------------------- */

static void registers(void **state)
{
    server_world *s = *state;
    exchange e, get;
    made statement;
    server_world_queue(s, 2, 0);
    exchange_open(&e, s, s->served, "/entries");
    world_statement(s->ledger, 1, &statement);
    assert_int_equal(exchange_post(&e, made_slice(&statement)), 201);
    assert_string_equal(e.response.content_type, "application/cose");
    assert_string_equal(e.response.vary, "Accept");
    assert_int_equal(strlen(e.response.location), strlen("/entries/") + 43);
    assert_int_equal(e.response.entry, 2);
    receipt_is_good(s, &e, made_slice(&statement));

    exchange_open(&get, s, s->served, e.response.location);
    assert_int_equal(exchange_run(&get, "entries_get", e.response.location + 9), 200);
    assert_string_equal(get.response.content_type, "application/cose");
    assert_string_equal(get.response.location, e.response.location);
    receipt_is_good(s, &get, made_slice(&statement));
    exchange_close(&get);
    exchange_close(&e);
}

/* The same for ever: for a duplicate, for the same with unprotected content, after a restart. */
static void location_is_stable(void **state)
{
    server_world *s = *state;
    exchange e;
    made statement, more;
    char first[MUN_RESPONSE_TEXT];
    server_world_queue(s, 2, 0);
    exchange_open(&e, s, s->served, "/entries");
    world_statement(s->ledger, 1, &statement);
    assert_int_equal(exchange_post(&e, made_slice(&statement)), 201);
    strcpy(first, e.response.location);
    world_statement(s->ledger, 2, &more);
    assert_int_equal(exchange_post(&e, made_slice(&more)), 201);
    assert_string_not_equal(e.response.location, first);
    assert_int_equal(exchange_post(&e, made_slice(&statement)), 201);
    assert_string_equal(e.response.location, first);
    assert_int_equal(e.response.entry, 2);
    receipt_is_good(s, &e, made_slice(&statement));

    mun_register_queue_destroy(s->service.registrations);
    mun_served_set_destroy(s->service.ledgers);
    must(mun_served_set_create(8, &s->service.ledgers, err));
    s->served = server_world_add(
        s, &(mun_served_options){.name = "deeds", .directory = s->ledger->path, .base = ""});
    server_world_queue(s, 1, 0);
    e.request.served = s->served;
    assert_int_equal(exchange_post(&e, made_slice(&statement)), 201);
    assert_string_equal(e.response.location, first);
    assert_int_equal(e.response.entry, 2);
    exchange_close(&e);
}

static void titles_of_refusals(void **state)
{
    server_world *s = *state;
    exchange e;
    made good, bad;
    server_world_queue(s, 1, 0);
    exchange_open(&e, s, s->served, "/entries");
    world_statement(s->ledger, 1, &good);

    exchange_post(&e, MUN_LITERAL("hello"));
    exchange_problem(&e, 400, MUN_TITLE_MALFORMED);
    exchange_post(&e, (mun_slice){0});
    exchange_problem(&e, 400, MUN_TITLE_MALFORMED);
    exchange_post(&e, mun_slice_of(good.bytes, good.len - 1));
    exchange_problem(&e, 400, MUN_TITLE_MALFORMED);
    without_payload(&good, &bad);
    exchange_post(&e, made_slice(&bad));
    exchange_problem(&e, 400, MUN_TITLE_PAYLOAD);
    with_other_algorithm(&good, &bad);
    exchange_post(&e, made_slice(&bad));
    exchange_problem(&e, 400, MUN_TITLE_ALGORITHM);
    bad = good;
    bad.bytes[bad.len - 1] ^= 1;
    exchange_post(&e, made_slice(&bad));
    exchange_problem(&e, 400, MUN_TITLE_REJECTED);
    world_sign(&s->ledger->issuer, "https://stranger.example", "x", 1, &bad);
    exchange_post(&e, made_slice(&bad));
    exchange_problem(&e, 400, MUN_TITLE_REJECTED);
    assert_int_equal(e.response.location[0], 0);
    /* None of it got in. */
    assert_int_equal(exchange_post(&e, made_slice(&good)), 201);
    assert_int_equal(e.response.entry, 2);
    exchange_close(&e);
}

typedef struct negotiation {
    const char *content_type, *accept, *content_encoding;
    unsigned status;
    const char *answer; /* the answer's type, or the title */
} negotiation;

static const negotiation negotiations[] = {
    {"application/cose", "", "", 201, "application/cose"},
    {"application/cose", "*/*", "", 201, "application/cose"},
    {"application/cose", "application/*", "", 201, "application/cose"},
    {"application/cose", "application/cose", "", 201, "application/cose"},
    {"application/cose", "application/scitt-receipt+cose", "", 201,
     "application/scitt-receipt+cose"},
    {"application/cose", "application/cose;q=0.1, application/scitt-receipt+cose", "", 201,
     "application/scitt-receipt+cose"},
    {"application/scitt-statement+cose", "application/cbor;q=0.5, */*;q=0.1", "", 201,
     "application/cose"},
    {"application/cose; cose-type=\"cose-sign1\"", "", "", 201, "application/cose"},
    {"application/cose", "application/json", "", 406, MUN_TITLE_ACCEPT},
    {"application/cose", "application/cose;q=0", "", 406, MUN_TITLE_ACCEPT},
    {"application/cose", "text/*", "", 406, MUN_TITLE_ACCEPT},
    {"application/json", "", "", 415, MUN_TITLE_MEDIA},
    {"application/cose; cose-type=\"cose-sign\"", "", "", 415, MUN_TITLE_MEDIA},
    {"application/scitt-receipt+cose", "", "", 415, MUN_TITLE_MEDIA},
    {"application/cose", "", "gzip", 415, MUN_TITLE_MEDIA},
};

static void negotiates(void **state)
{
    server_world *s = *state;
    exchange e;
    made statement;
    server_world_queue(s, 1, 0);
    world_statement(s->ledger, 1, &statement);
    for (size_t i = 0; i < sizeof negotiations / sizeof negotiations[0]; i++) {
        const negotiation *n = &negotiations[i];
        exchange_open(&e, s, s->served, "/entries");
        e.request.fields[MUN_FIELD_CONTENT_TYPE] = mun_slice_cstr(n->content_type);
        e.request.fields[MUN_FIELD_ACCEPT] = mun_slice_cstr(n->accept);
        e.request.fields[MUN_FIELD_CONTENT_ENCODING] = mun_slice_cstr(n->content_encoding);
        exchange_post(&e, made_slice(&statement));
        if (n->status == 201) {
            assert_int_equal(e.response.status, 201);
            assert_string_equal(e.response.content_type, n->answer);
        } else {
            exchange_problem(&e, n->status, n->answer);
        }
        exchange_close(&e);
    }
}

static void locators(void **state)
{
    server_world *s = *state;
    exchange e;
    exchange_open(&e, s, s->served, "/entries/x");
    static const char *const invalid[] = {
        "x",
        "0",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", /* 44 */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",  /* unused bits */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+A",
    };
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        exchange_run(&e, "entries_get", invalid[i]);
        exchange_problem(&e, 400, MUN_TITLE_LOCATOR);
    }
    exchange_run(&e, "entries_get", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    exchange_problem(&e, 404, MUN_TITLE_NOT_FOUND);
    e.request.fields[MUN_FIELD_ACCEPT] = MUN_LITERAL("text/html");
    exchange_run(&e, "entries_get", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    exchange_problem(&e, 406, MUN_TITLE_ACCEPT);
    exchange_close(&e);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static void key_is(const server_world *s, mun_slice cose_key)
{
    mun_public_key key;
    mun_slice kid;
    uint8_t thumbprint[MUN_HASH_SIZE];
    const mun_public_key *ours = &mun_served_identity(s->served)->receipts;
    must(mun_cbor_check(cose_key, MUN_CBOR_DETERMINISTIC, err));
    must(mun_cose_key_parse(cose_key, &key, &kid, err));
    assert_memory_equal(key.x, ours->x, ours->x_len);
    mun_key_thumbprint(&s->ledger->crypto, ours, thumbprint);
    assert_true(mun_slice_equal(kid, mun_slice_of(thumbprint, sizeof thumbprint)));
}

static void keys(void **state)
{
    server_world *s = *state;
    exchange e;
    uint8_t kid[MUN_HASH_SIZE];
    char text[64];
    mun_buf buf = mun_buf_fixed(text, sizeof text - 1);
    exchange_open(&e, s, s->served, "/.well-known/scitt-keys");
    assert_int_equal(exchange_run(&e, "scitt_keys", ""), 200);
    assert_string_equal(e.response.content_type, "application/cbor");
    assert_non_null(strstr(e.response.cache_control, "max-age="));
    assert_int_equal(e.response.body.ptr[0], 0x81);
    key_is(s, mun_slice_of(e.response.body.ptr + 1, e.response.body.len - 1));

    mun_key_thumbprint(&s->ledger->crypto, &mun_served_identity(s->served)->receipts, kid);
    mun_base64url_put(&buf, mun_slice_of(kid, sizeof kid));
    text[buf.len] = '\0';
    assert_int_equal(exchange_run(&e, "scitt_key", text), 200);
    key_is(s, mun_buf_slice(&e.response.body));
    /* The raw spelling, as the transport hands it over after percent-decoding. */
    mun_response_reset(&e.response);
    e.request.captures[0] = mun_slice_of(kid, sizeof kid);
    for (const mun_route *row = mun_routes_scrapi; row->name != NULL; row++) {
        if (strcmp(row->name, "scitt_key") == 0) row->run(&e.request, &e.response);
    }
    assert_int_equal(e.response.status, 200);
    key_is(s, mun_buf_slice(&e.response.body));

    static const char *const unknown[] = {"x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                          "01234567890123456789012345678901"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        exchange_run(&e, "scitt_key", unknown[i]);
        exchange_problem(&e, 404, MUN_TITLE_NO_KEY);
    }
    exchange_close(&e);
}

/* A retired key is still told, but is not among the current ones. */
static void retired_keys(void **state)
{
    server_world *s = *state;
    exchange e;
    uint8_t old_kid[MUN_HASH_SIZE];
    char out[MUN_PATH_BYTES_MAX], copy[MUN_PATH_BYTES_MAX], text[64];
    mun_buf buf = mun_buf_fixed(text, sizeof text - 1);
    snprintf(out, sizeof out, "%.4000s/out", s->ledger->folder);
    snprintf(copy, sizeof copy, "%.4000s/copy", s->ledger->folder);
    world_open(s->ledger);
    must(mun_ledger_export(s->ledger->ledger, out, NULL, err));
    world_close(s->ledger);
    must(mun_ledger_import(out, copy, NULL, err));
    mun_ledger_adopt_options options = {0};
    must(mun_ledger_adopt(copy, &options, err));
    mun_served *adopted =
        server_world_add(s, &(mun_served_options){.name = "c", .directory = copy, .base = "/c"});
    exchange_open(&e, s, adopted, "/.well-known/scitt-keys");
    assert_int_equal(exchange_run(&e, "scitt_keys", ""), 200);
    assert_int_equal(e.response.body.ptr[0], 0x81);
    mun_key_thumbprint(&s->ledger->crypto, &mun_served_identity(s->served)->receipts, old_kid);
    assert_null(memmem(e.response.body.ptr, e.response.body.len, old_kid, sizeof old_kid));
    mun_base64url_put(&buf, mun_slice_of(old_kid, sizeof old_kid));
    text[buf.len] = '\0';
    assert_int_equal(exchange_run(&e, "scitt_key", text), 200);
    key_is(s, mun_buf_slice(&e.response.body));
    exchange_close(&e);
}

/* ---- Copies, full disks, damage -------------------------------------------------------------- */

static void copies_only_read(void **state)
{
    server_world *s = *state;
    exchange e;
    made statement;
    char out[MUN_PATH_BYTES_MAX], copy[MUN_PATH_BYTES_MAX], location[MUN_RESPONSE_TEXT];
    server_world_queue(s, 1, 0);
    exchange_open(&e, s, s->served, "/entries");
    world_statement(s->ledger, 1, &statement);
    assert_int_equal(exchange_post(&e, made_slice(&statement)), 201);
    strcpy(location, e.response.location);
    snprintf(out, sizeof out, "%.4000s/out", s->ledger->folder);
    snprintf(copy, sizeof copy, "%.4000s/copy", s->ledger->folder);
    mun_ledger *ledger = NULL;
    must(mun_served_use(s->served, true, &ledger, err));
    must(mun_ledger_export(ledger, out, NULL, err));
    mun_served_done(s->served, ledger, MUN_OK);
    must(mun_ledger_import(out, copy, NULL, err));
    e.request.served =
        server_world_add(s, &(mun_served_options){.name = "c", .directory = copy, .base = "/c"});
    exchange_post(&e, made_slice(&statement));
    exchange_problem(&e, 403, MUN_TITLE_COPY);
    exchange_run(&e, "entries_get", location + 9);
    exchange_problem(&e, 403, MUN_TITLE_COPY);
    exchange_run(&e, "entries_get", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    exchange_problem(&e, 404, MUN_TITLE_NOT_FOUND);
    exchange_close(&e);
}

static void locked_by_another(void **state)
{
    server_world *s = *state;
    exchange e;
    server_world_queue(s, 1, 0);
    world_open(s->ledger);
    exchange_open(&e, s, s->served, "/entries");
    uint64_t begun = mun_clock_ns();
    exchange_post(&e, MUN_LITERAL("x"));
    exchange_problem(&e, 503, MUN_TITLE_BUSY);
    assert_int_equal(e.response.retry_after, 1);
    assert_int_equal(mun_served_state_get(s->served, NULL), MUN_SERVED_FAILED);
    world_close(s->ledger);
    unsigned tries = 0; /* it is tried again, but not at once */
    while (tries < 3000 && exchange_post(&e, MUN_LITERAL("x")) == 503) {
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
        tries++;
    }
    assert_in_range(tries, 0, 2999);
    assert_true(mun_clock_ns() - begun >= MUN_SERVED_RETRY_MS * UINT64_C(1000000));
    exchange_problem(&e, 400, MUN_TITLE_MALFORMED);
    exchange_close(&e);
}

static void full_disk(void **state)
{
    server_world *s = *state;
    exchange e;
    made statement;
    mun_ledger *ledger = NULL;
    server_world_queue(s, 1, 0);
    world_statement(s->ledger, 1, &statement);
    must(mun_served_use(s->served, true, &ledger, err));
    mun_served_done(s->served, ledger, MUN_E_NO_SPACE); /* as a refused append tells it */
    assert_int_equal(mun_served_state_get(s->served, NULL), MUN_SERVED_FULL);
    exchange_open(&e, s, s->served, "/entries");
    exchange_post(&e, made_slice(&statement));
    exchange_problem(&e, 507, MUN_TITLE_FULL);
    assert_int_equal(e.response.retry_after, 1);
    mun_served_wrote(s->served);
    assert_int_equal(mun_served_state_get(s->served, NULL), MUN_SERVED_READY);
    assert_int_equal(exchange_post(&e, made_slice(&statement)), 201);
    exchange_close(&e);
}

static void damage_met_by_a_reader(void **state)
{
    server_world *s = *state;
    exchange e;
    mun_error why = {.code = MUN_E_DAMAGED, .text = "at entry 7"};
    mun_ledger *ledger = NULL;
    server_world_queue(s, 1, 0);
    exchange_open(&e, s, s->served, "/entries");
    must(mun_served_use(s->served, true, &ledger, err));
    mun_problem_error(&e.request, &e.response, &why);
    mun_served_done(s->served, ledger, MUN_E_DAMAGED);
    assert_int_equal(mun_served_state_get(s->served, &why), MUN_SERVED_DAMAGED);
    assert_string_equal(why.text, "at entry 7");
    exchange_post(&e, MUN_LITERAL("x"));
    exchange_problem(&e, 500, MUN_TITLE_INTERNAL);
    exchange_run(&e, "entries_get", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    exchange_problem(&e, 404, MUN_TITLE_NOT_FOUND); /* it still reads */
    exchange_close(&e);
}

/* ---- A backend that commits later ------------------------------------------------------------ */

typedef struct later {
    const server_world *s;
    mun_pending_table *table;
} later;

/* Accepts what can be parsed, and commits nothing yet. */
static mun_code later_submit(void *ctx, mun_ledger *ledger, const mun_slice *statements, size_t n,
                             mun_registration *ret, bool *ret_pending, mun_buf *ret_receipts,
                             mun_error *err)
{
    later *l = ctx;
    (void)ledger;
    (void)ret_receipts;
    (void)err;
    for (size_t i = 0; i < n; i++) {
        mun_statement parsed;
        ret[i] = (mun_registration){0};
        ret[i].code = mun_statement_parse(statements[i], &parsed, &ret[i].error);
        if (ret[i].code != MUN_OK) continue;
        mun_statement_leaf(&l->s->ledger->crypto, &parsed, ret[i].leaf);
        ret[i].code = mun_pending_add(l->table, ret[i].leaf, &ret[i].error);
        ret_pending[i] = ret[i].code == MUN_OK;
    }
    return MUN_OK;
}

static mun_fate later_fate(void *ctx, const uint8_t leaf[MUN_HASH_SIZE], mun_error *ret_why)
{
    later *l = ctx;
    return mun_pending_fate(l->table, leaf, ret_why);
}

static void later_commit(later *l, mun_slice statement)
{
    mun_ledger *ledger = NULL;
    mun_registration result;
    must(mun_served_use(l->s->served, true, &ledger, err));
    must(mun_ledger_register(ledger, &statement, 1, &result, NULL, err));
    mun_served_done(l->s->served, ledger, MUN_OK);
    mun_pending_done(l->table, result.leaf);
}

static void pending_then_receipt(void **state)
{
    server_world *s = *state;
    later l = {.s = s};
    exchange e, get;
    made first, second;
    must(mun_pending_create(1, &l.table, err));
    const mun_backend backend = {&l, later_submit, later_fate, 3};
    mun_served *served = s->served;
    s->served = server_world_add(
        s, &(mun_served_options){
               .name = "n", .directory = s->ledger->path, .base = "/n", .backend = &backend});
    server_world_queue(s, 1, 0);
    exchange_open(&e, s, s->served, "/entries");
    world_statement(s->ledger, 1, &first);
    world_statement(s->ledger, 2, &second);
    assert_int_equal(exchange_post(&e, made_slice(&first)), 202);
    assert_int_equal(e.response.body.len, 0);
    assert_null(e.response.content_type);
    assert_null(e.response.cache_control); /* no-store */
    assert_int_equal(e.response.retry_after, 3);
    exchange_open(&get, s, s->served, "/entries/x");
    assert_int_equal(exchange_run(&get, "entries_get", e.response.location + 9), 204);
    assert_int_equal(get.response.retry_after, 3);
    assert_int_equal(get.response.body.len, 0);
    assert_null(get.response.cache_control);
    /* The same again: the same location, still pending. A second one finds the table full. */
    assert_int_equal(exchange_post(&e, made_slice(&first)), 202);
    assert_string_equal(get.response.location, e.response.location);
    exchange_post(&e, made_slice(&second));
    exchange_problem(&e, 503, MUN_TITLE_BUSY);
    exchange_post(&e, MUN_LITERAL("x"));
    exchange_problem(&e, 400, MUN_TITLE_MALFORMED);

    later_commit(&l, made_slice(&first));
    uint8_t leaf[MUN_HASH_SIZE];
    char location[MUN_LOCATION_MAX];
    leaf_of(s, made_slice(&first), leaf);
    mun_scrapi_location(leaf, location);
    assert_int_equal(exchange_run(&get, "entries_get", location + 9), 200);
    receipt_is_good(s, &get, made_slice(&first));

    assert_int_equal(exchange_post(&e, made_slice(&second)), 202);
    strcpy(location, e.response.location);
    mun_error why = {.code = MUN_E_REFUSED, .text = "the validators did not agree"};
    leaf_of(s, made_slice(&second), leaf);
    mun_pending_failed(l.table, leaf, &why);
    exchange_run(&get, "entries_get", location + 9);
    exchange_problem(&get, 404, MUN_TITLE_FAILED);
    /* Submitted again it is pending again. */
    assert_int_equal(exchange_post(&e, made_slice(&second)), 202);
    assert_int_equal(exchange_run(&get, "entries_get", location + 9), 204);
    exchange_close(&get);
    exchange_close(&e);
    mun_served_remove(s->service.ledgers, s->served);
    mun_pending_destroy(l.table);
    s->served = served;
}

static void pending_table_is_bounded(void **state)
{
    (void)state;
    mun_pending_table *table = NULL;
    mun_error why = {.code = MUN_E_REFUSED, .text = "no"};
    uint8_t leaf[40][MUN_HASH_SIZE] = {{0}};
    must(mun_pending_create(8, &table, err));
    for (size_t i = 0; i < 40; i++) leaf[i][0] = (uint8_t)i;
    for (size_t i = 0; i < 8; i++) must(mun_pending_add(table, leaf[i], err));
    assert_int_equal(mun_pending_add(table, leaf[8], NULL), MUN_E_AGAIN);
    for (size_t i = 0; i < 8; i++) mun_pending_failed(table, leaf[(i * 3) % 8], &why);
    for (size_t i = 8; i < 11; i++) must(mun_pending_add(table, leaf[i], err));
    /* Forgotten in the order of failing: 0, 3, 6. */
    for (size_t i = 0; i < 8; i++) {
        mun_fate expected = i == 0 || i == 3 || i == 6 ? MUN_FATE_UNKNOWN : MUN_FATE_FAILED;
        assert_int_equal(mun_pending_fate(table, leaf[i], NULL), expected);
    }
    assert_int_equal(mun_pending_fate(table, leaf[9], NULL), MUN_FATE_PENDING);
    mun_pending_done(table, leaf[9]);
    mun_pending_done(table, leaf[9]);
    mun_pending_failed(table, leaf[30], &why);
    assert_int_equal(mun_pending_fate(table, leaf[9], NULL), MUN_FATE_UNKNOWN);
    assert_int_equal(mun_pending_fate(table, leaf[30], NULL), MUN_FATE_UNKNOWN);
    mun_pending_destroy(table);
    mun_pending_destroy(NULL);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, server_world_set_up, server_world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(registers),
        TEST(location_is_stable),
        TEST(titles_of_refusals),
        TEST(negotiates),
        TEST(locators),
        TEST(keys),
        TEST(retired_keys),
        TEST(copies_only_read),
        TEST(locked_by_another),
        TEST(full_disk),
        TEST(damage_met_by_a_reader),
        TEST(pending_then_receipt),
        cmocka_unit_test(pending_table_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
