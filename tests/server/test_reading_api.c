/* SPDX-License-Identifier: Apache-2.0 */
/* The reading interface, handler by handler, on a real ledger and without a socket: what is
 * answered is checked against the ledger itself. */
#include "base/buf.h"
#include "base/cursor.h"
#include "codec/radix.h"
#include "ledger/ledger_world.h"
#include "merkle/merkle.h"
#include "server/route.h"
#include "server/service.h"
#include "support/cmocka_all.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reading {
    world *w;
    mun_service service;
    mun_served *served;
    mun_request request;
    mun_response response;
    char target[2048];
} reading;

static int set_up(void **state)
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

static int tear_down(void **state)
{
    reading *r = *state;
    void *w = r->w;
    mun_served_set_destroy(r->service.ledgers);
    mun_buf_free(&r->response.body);
    free(r);
    return world_tear_down(&w);
}

/* Asks, and returns the status. */
static unsigned ask_with(reading *r, const char *target, mun_field field, const char *value)
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

static unsigned ask(reading *r, const char *target)
{
    return ask_with(r, target, MUN_FIELD_ACCEPT, NULL);
}

static mun_slice body(const reading *r)
{
    return r->response.fixed.len > 0 ? r->response.fixed : mun_buf_slice(&r->response.body);
}

static json_t *body_json(const reading *r)
{
    json_error_t why;
    mun_slice text = body(r);
    json_t *ret = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES, &why);
    if (ret == NULL) fail_msg("%s: %.*s", why.text, (int)text.len, (const char *)text.ptr);
    return ret;
}

static uint64_t number_in(const json_t *object, const char *key)
{
    assert_true(json_is_integer(json_object_get(object, key)));
    return (uint64_t)json_integer_value(json_object_get(object, key));
}

static const char *text_in(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (text == NULL) fail_msg("no text under %s", key);
    return text;
}

/* A refusal that names what it is about, as problem JSON or CBOR. */
static void refused(reading *r, const char *target, unsigned status, const char *named)
{
    unsigned got = ask(r, target);
    mun_slice text = body(r);
    if (got != status) fail_msg("%s: %u, not %u", target, got, status);
    if (memmem(text.ptr, text.len, named, strlen(named)) == NULL) {
        fail_msg("%s: %.*s", target, (int)text.len, (const char *)text.ptr);
    }
}

/* ---- Search ------------------------------------------------------------------------------------
 */

static void entries_of_a_ledger(void **state)
{
    reading *r = *state;
    assert_int_equal(ask(r, "/v1/entries"), 200);
    assert_string_equal(r->response.content_type, "application/json");
    json_t *page = body_json(r);
    json_t *entries = json_object_get(page, "entries");
    assert_int_equal(json_array_size(entries), 8); /* genesis, the issuer, six */
    assert_int_equal(number_in(page, "size"), 8);
    assert_true(json_is_null(json_object_get(page, "next")));
    assert_non_null(strstr(text_in(page, "checkpoint"), WORLD_ORIGIN "\n8\n"));
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(number_in(json_array_get(entries, i), "index"), i);
    }
    json_t *entry = json_array_get(entries, 3);
    assert_string_equal(text_in(entry, "iss"), WORLD_ISSUER);
    assert_string_equal(text_in(entry, "sub"), "subject 1");
    assert_string_equal(text_in(entry, "content_type"), "text/plain");
    assert_string_equal(text_in(entry, "time"), "2026-11-22T12:00:02.000Z");
    assert_string_equal(text_in(entry, "signed"), "2026-11-22T12:00:00.000Z");
    assert_string_equal(text_in(entry, "alg"), "ES256");
    assert_true(json_is_false(json_object_get(entry, "inline")));
    assert_int_equal(strncmp(text_in(entry, "location"), "/deeds/entries/", 15), 0);
    assert_int_equal(strlen(text_in(entry, "location")), 15 + 43);
    json_decref(page);
}

static size_t found_by(reading *r, const char *target, uint64_t *ret_first)
{
    if (ask(r, target) != 200) fail_msg("%s: %u", target, r->response.status);
    json_t *page = body_json(r), *entries = json_object_get(page, "entries");
    size_t n = json_array_size(entries);
    if (n > 0) *ret_first = number_in(json_array_get(entries, 0), "index");
    json_decref(page);
    return n;
}

static void conditions(void **state)
{
    reading *r = *state;
    uint8_t digest[MUN_HASH_SIZE];
    char target[512], hex[65] = {0};
    uint64_t first = 99;
    mun_buf out = mun_buf_fixed(hex, 64);
    world_digest(r->w, 4, digest);
    mun_buf_hex(&out, mun_slice_of(digest, sizeof digest));
    snprintf(target, sizeof target, "/v1/entries?digest=%s", hex);
    assert_int_equal(found_by(r, target, &first), 1);
    assert_int_equal(first, 6);
    assert_int_equal(found_by(r, "/v1/entries?sub=subject+2", &first), 1);
    assert_int_equal(first, 4);
    assert_int_equal(found_by(r, "/v1/entries?iss=https://issuer.example", &first), 6);
    assert_int_equal(found_by(r, "/v1/entries?iss=nobody", &first), 0);
    assert_int_equal(found_by(r, "/v1/entries?content-type=text/plain&limit=2", &first), 2);
    assert_int_equal(first, 2);
    assert_int_equal(found_by(r, "/v1/entries?since=2026-11-22T12:00:05Z", &first), 2);
    assert_int_equal(first, 6);
    assert_int_equal(found_by(r, "/v1/entries?until=2026-11-22T12:00:02Z", &first), 3);
    assert_int_equal(found_by(r, "/v1/entries?until=1970-01-01T00:00:00Z", &first), 0);
    assert_int_equal(found_by(r, "/v1/entries?kid=00", &first), 0);
}

static void one_more(reading *r, unsigned n)
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

/* A cursor goes on where the page ended, also when the ledger has grown since. */
static void pages(void **state)
{
    reading *r = *state;
    char target[512] = "/v1/entries?limit=3&iss=https%3A%2F%2Fissuer.example";
    uint64_t want = 2;
    for (unsigned turn = 0; turn < 3; turn++) {
        assert_int_equal(ask(r, target), 200);
        json_t *page = body_json(r), *entries = json_object_get(page, "entries");
        for (size_t i = 0; i < json_array_size(entries); i++) {
            json_t *entry = json_array_get(entries, i);
            assert_int_equal(number_in(entry, "index"), want++);
            assert_true(number_in(entry, "index") < number_in(page, "size"));
        }
        assert_int_equal(json_array_size(entries), turn < 2 ? 3 : 1);
        if (turn == 0) one_more(r, 100);
        if (turn < 2) {
            snprintf(target, sizeof target,
                     "/v1/entries?iss=https://issuer.example&cursor=%s&limit=3",
                     text_in(page, "next"));
        } else {
            assert_true(json_is_null(json_object_get(page, "next")));
        }
        json_decref(page);
    }
    assert_int_equal(want, 9);
}

/* From an index on, with and without other conditions, page by page, up to and beyond the end. */
static void after(void **state)
{
    reading *r = *state;
    uint64_t first = 0;
    char target[256];
    assert_int_equal(found_by(r, "/v1/entries?after=0", &first), 7);
    assert_int_equal(first, 1);
    assert_int_equal(found_by(r, "/v1/entries?after=4&iss=https://issuer.example", &first), 3);
    assert_int_equal(first, 5);
    assert_int_equal(found_by(r, "/v1/entries?after=5&content-type=text/plain", &first), 2);
    assert_int_equal(found_by(r, "/v1/entries?after=6&until=2026-11-22T12:00:02Z", &first), 0);
    assert_int_equal(found_by(r, "/v1/entries?after=7", &first), 0);
    assert_int_equal(found_by(r, "/v1/entries?after=9223372036854775807", &first), 0);
    assert_int_equal(ask(r, "/v1/entries?after=2&limit=2"), 200);
    json_t *page = body_json(r);
    snprintf(target, sizeof target, "/v1/entries?limit=9&cursor=%s&after=2", text_in(page, "next"));
    assert_int_equal(found_by(r, target, &first), 3);
    assert_int_equal(first, 5);
    snprintf(target, sizeof target, "/v1/entries?cursor=%s&after=3", text_in(page, "next"));
    refused(r, target, 400, "another search");
    json_decref(page);
}

/* Asks until there is nothing more; returns how often. */
static unsigned follow(reading *r, const char *question, uint64_t ret[16], size_t *ret_len)
{
    char target[512];
    unsigned asked = 0;
    *ret_len = 0;
    snprintf(target, sizeof target, "/v1/entries?%s", question);
    for (bool more = true; more; asked++) {
        assert_int_equal(ask(r, target), 200);
        json_t *page = body_json(r), *entries = json_object_get(page, "entries");
        for (size_t i = 0; i < json_array_size(entries) && *ret_len < 16; i++) {
            ret[(*ret_len)++] = number_in(json_array_get(entries, i), "index");
        }
        more = !json_is_null(json_object_get(page, "next"));
        if (more) {
            snprintf(target, sizeof target, "/v1/entries?%s&cursor=%s", question,
                     text_in(page, "next"));
        }
        json_decref(page);
    }
    return asked;
}

/* What is looked at for one page is bounded; a page may be empty and have a cursor nevertheless. */
static void windows(void **state)
{
    reading *r = *state;
    const struct {
        const char *question;
        size_t len, looked_at;
    } cases[] = {
        {"iss=https://issuer.example", 6, 0},
        {"iss=https://issuer.example&content-type=none/such", 0, 6},
        {"iss=https://issuer.example&sub=subject+2", 1, 1},
        {"content-type=text/plain", 6, 8},
        {"content-type=text/plain&until=2026-11-22T12:00:04Z", 3, 5},
        {"kid=00", 0, 8},
        {"kid=00&after=3", 0, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t whole[16], parts[16];
        size_t whole_len = 0, len = 0;
        r->service.find_rows = 0;
        assert_int_equal(follow(r, cases[i].question, whole, &whole_len), 1);
        assert_int_equal(whole_len, cases[i].len);
        for (r->service.find_rows = 1; r->service.find_rows < 9; r->service.find_rows++) {
            size_t most = (cases[i].looked_at + r->service.find_rows - 1) / r->service.find_rows;
            unsigned asked = follow(r, cases[i].question, parts, &len);
            assert_int_equal(asked, most == 0 ? 1 : most);
            assert_int_equal(len, whole_len);
            assert_memory_equal(parts, whole, len * sizeof parts[0]);
        }
    }
}

static void searches_refused(void **state)
{
    reading *r = *state;
    refused(r, "/v1/entries?issuer=a", 400, "issuer");
    refused(r, "/v1/entries?iss=a&iss=b", 400, "iss");
    refused(r, "/v1/entries?digest=00", 400, "digest");
    refused(r, "/v1/entries?digest=zz", 400, "digest");
    refused(r, "/v1/entries?kid=0", 400, "kid");
    refused(r, "/v1/entries?since=yesterday", 400, "since");
    refused(r, "/v1/entries?until=2026", 400, "until");
    refused(r, "/v1/entries?after=-1", 400, "after");
    refused(r, "/v1/entries?after=9223372036854775808", 400, "after");
    refused(r, "/v1/entries?limit=0", 400, "limit");
    refused(r, "/v1/entries?limit=1001", 400, "limit");
    refused(r, "/v1/entries?cursor=AAAA", 400, "cursor");
    refused(r, "/v1/entries?sub=", 400, "sub");
    assert_int_equal(ask(r, "/v1/entries?limit=1"), 200);
    json_t *page = body_json(r);
    char target[512];
    snprintf(target, sizeof target, "/v1/entries?sub=subject+1&cursor=%s", text_in(page, "next"));
    json_decref(page);
    refused(r, target, 400, "another search");
}

/* ---- One entry ---------------------------------------------------------------------------------
 */

static void one_entry(void **state)
{
    reading *r = *state;
    mun_statement statement;
    mun_receipt receipt;
    assert_int_equal(ask(r, "/v1/entries/3"), 200);
    assert_non_null(strstr(r->response.cache_control, "immutable"));
    assert_int_equal(r->response.etag[0], '"');
    json_t *entry = body_json(r);
    assert_int_equal(number_in(entry, "index"), 3);
    json_decref(entry);
    assert_int_equal(ask(r, "/v1/entries/3/statement"), 200);
    assert_string_equal(r->response.content_type, "application/scitt-statement+cose");
    must(mun_statement_parse(body(r), &statement, err));
    assert_true(mun_slice_equal(statement.sub, MUN_LITERAL("subject 1")));
    assert_int_equal(ask(r, "/v1/entries/3/receipt"), 200);
    must(mun_receipt_parse(body(r), &receipt, err));
    assert_null(r->response.cache_control);
    assert_int_equal(ask_with(r, "/v1/entries/3/receipt", MUN_FIELD_ACCEPT, "application/cose"),
                     200);
    assert_string_equal(r->response.content_type, "application/cose");
    assert_string_equal(r->response.vary, "Accept");
    assert_int_equal(ask_with(r, "/v1/entries/3/receipt", MUN_FIELD_ACCEPT, "text/html"), 406);
    refused(r, "/v1/entries/8", 404, "8");
    refused(r, "/v1/entries/08", 400, "index");
    refused(r, "/v1/entries/x/receipt", 400, "index");
    refused(r, "/v1/entries/3?x=1", 400, "x");
}

/* The newest entry about a document, and the evidence that a verifier accepts. */
static void documents(void **state)
{
    reading *r = *state;
    uint8_t digest[MUN_HASH_SIZE];
    char target[512], hex[65] = {0};
    mun_report report;
    mun_buf out = mun_buf_fixed(hex, 64);
    world_digest(r->w, 4, digest);
    mun_buf_hex(&out, mun_slice_of(digest, sizeof digest));
    snprintf(target, sizeof target, "/v1/documents/%s/evidence", hex);
    assert_int_equal(ask(r, target), 200);
    assert_string_equal(r->response.content_location, "/v1/entries/6/evidence");
    must(mun_ledger_open(r->w->path, &(mun_ledger_open_options){.read_only = true}, &r->w->ledger,
                         err));
    assert_int_equal(world_verdict(r->w, body(r), 4, &report), 0);
    world_close(r->w);
    one_more(
        r, 4 + 0); /* the same document again is the same entry only if it is the same statement */
    snprintf(target, sizeof target, "/v1/documents/%s", hex);
    assert_int_equal(ask(r, target), 200);
    json_t *entry = body_json(r);
    assert_true(number_in(entry, "index") >= 6);
    char location[64];
    snprintf(location, sizeof location, "/v1/entries/%u", (unsigned)number_in(entry, "index"));
    assert_string_equal(r->response.content_location, location);
    json_decref(entry);
    strcat(target, "?iss=somebody");
    refused(r, target, 404, "digest");
    refused(r, "/v1/documents/00", 400, "digest");
    hex[0] = hex[0] == '0' ? '1' : '0';
    snprintf(target, sizeof target, "/v1/documents/%s/receipt", hex);
    refused(r, target, 404, "digest");
}

/* ---- Proofs ------------------------------------------------------------------------------------
 */

static size_t hashes_of(const json_t *answer, mun_hash ret[MUN_PATH_MAX])
{
    json_t *hashes = json_object_get(answer, "hashes");
    for (size_t i = 0; i < json_array_size(hashes); i++) {
        mun_buf to = mun_buf_fixed(ret[i].bytes, MUN_HASH_SIZE);
        assert_true(
            mun_base64_take(mun_slice_cstr(json_string_value(json_array_get(hashes, i))), &to));
        assert_int_equal(to.len, MUN_HASH_SIZE);
    }
    return json_array_size(hashes);
}

static mun_hash hash_in(const json_t *answer, const char *key)
{
    mun_hash ret;
    mun_buf to = mun_buf_fixed(ret.bytes, sizeof ret.bytes);
    assert_true(mun_base64_take(mun_slice_cstr(text_in(answer, key)), &to));
    return ret;
}

static void proofs(void **state)
{
    reading *r = *state;
    for (unsigned from = 1; from <= 8; from++) {
        for (unsigned to = from; to <= 8; to++) {
            char target[128];
            mun_hash path[MUN_PATH_MAX], leaf, root;
            snprintf(target, sizeof target, "/v1/consistency?from=%u&to=%u", from, to);
            assert_int_equal(ask(r, target), 200);
            json_t *answer = body_json(r);
            size_t len = hashes_of(answer, path);
            mun_hash old_root = hash_in(answer, "from_root"), new_root = hash_in(answer, "to_root");
            assert_int_equal(
                mun_consistency_check(&r->w->crypto, from, &old_root, to, &new_root, path, len),
                MUN_OK);
            json_decref(answer);
            snprintf(target, sizeof target, "/v1/entries/%u/inclusion?size=%u", from - 1, to);
            assert_int_equal(ask(r, target), 200);
            answer = body_json(r);
            len = hashes_of(answer, path);
            mun_buf bytes = mun_buf_fixed(leaf.bytes, sizeof leaf.bytes);
            assert_true(mun_hex_take(mun_slice_cstr(text_in(answer, "leaf")), &bytes));
            assert_int_equal(
                mun_inclusion_fold(&r->w->crypto, from - 1, to, &leaf, path, len, &root), MUN_OK);
            mun_hash told = hash_in(answer, "root");
            assert_true(mun_hash_equal(&root, &told));
            assert_true(mun_hash_equal(&root, &new_root));
            json_decref(answer);
        }
    }
}

static void proofs_refused(void **state)
{
    reading *r = *state;
    refused(r, "/v1/consistency", 400, "from");
    refused(r, "/v1/consistency?from=0", 400, "from");
    refused(r, "/v1/consistency?from=9", 400, "from");
    refused(r, "/v1/consistency?from=3&to=2", 400, "from");
    refused(r, "/v1/consistency?from=3&to=9", 400, "to");
    refused(r, "/v1/consistency?from=3&to=x", 400, "to");
    refused(r, "/v1/entries/3/inclusion?size=3", 400, "size");
    refused(r, "/v1/entries/3/inclusion?size=9", 400, "size");
    refused(r, "/v1/entries/9/inclusion", 404, "9");
    mun_receipt receipt;
    assert_int_equal(ask_with(r, "/v1/consistency?from=3", MUN_FIELD_ACCEPT, "application/cose"),
                     200);
    must(mun_receipt_parse(body(r), &receipt, err));
    assert_true(receipt.is_consistency);
    assert_int_equal(
        ask_with(r, "/v1/consistency?from=3&to=5", MUN_FIELD_ACCEPT, "application/cose"), 400);
    assert_int_equal(ask_with(r, "/v1/consistency?from=3", MUN_FIELD_ACCEPT, "text/html"), 406);
}

/* ---- The ledger --------------------------------------------------------------------------------
 */

static void description(void **state)
{
    reading *r = *state;
    assert_int_equal(ask(r, "/v1"), 200);
    json_t *answer = body_json(r);
    assert_string_equal(text_in(answer, "origin"), WORLD_ORIGIN);
    assert_string_equal(text_in(answer, "base"), "/deeds");
    assert_string_equal(text_in(answer, "state"), "ready");
    assert_int_equal(number_in(answer, "size"), 8);
    json_t *keys = json_object_get(answer, "keys");
    assert_int_equal(json_array_size(keys), 2);
    assert_string_equal(text_in(json_array_get(keys, 1), "role"), "checkpoints");
    assert_int_equal(strncmp(text_in(json_array_get(keys, 1), "vkey"), WORLD_ORIGIN "+",
                             strlen(WORLD_ORIGIN) + 1),
                     0);
    assert_true(json_is_true(json_object_get(json_array_get(keys, 0), "current")));
    assert_string_equal(text_in(json_object_get(answer, "links"), "register"), "/deeds/entries");
    json_decref(answer);
    assert_int_equal(ask(r, "/v1/issuers"), 200);
    answer = body_json(r);
    json_t *issuer = json_array_get(json_object_get(answer, "issuers"), 0);
    assert_string_equal(text_in(issuer, "iss"), WORLD_ISSUER);
    assert_int_equal(number_in(issuer, "added"), 1);
    json_decref(answer);
    r->service.public_url = "https://ledger.example";
    assert_int_equal(ask(r, "/v1"), 200);
    answer = body_json(r);
    assert_string_equal(text_in(json_object_get(answer, "links"), "register"),
                        "https://ledger.example/deeds/entries");
    json_decref(answer);
    r->service.public_url = NULL;
}

static void openapi_page(void **state)
{
    reading *r = *state;
    assert_int_equal(ask(r, "/v1/openapi.json"), 200);
    json_t *page = body_json(r);
    assert_string_equal(text_in(page, "openapi"), "3.1.0");
    json_decref(page);
    assert_int_equal(r->response.etag[0], '"');
}

/* ---- Events ------------------------------------------------------------------------------------
 */

/* Reads the stream in bites of this size until it has nothing more. */
static size_t drain(reading *r, char *to, size_t room, size_t bite, bool ping)
{
    const mun_stream *stream = &r->response.stream;
    size_t len = 0;
    for (;;) {
        ptrdiff_t n = stream->read(stream->ctx, (uint8_t *)to + len,
                                   bite < room - len ? bite : room - len, ping);
        if (n == MUN_STREAM_FETCH) {
            assert_int_equal(stream->fetch(stream->ctx), MUN_FETCHED);
            continue;
        }
        assert_true(n >= 0);
        if (n == 0) break;
        len += (size_t)n;
        ping = false;
    }
    to[len] = '\0';
    return len;
}

static void ids_are(const char *text, uint64_t first, uint64_t end)
{
    const char *at = text;
    for (uint64_t i = first; i < end; i++) {
        char line[64];
        snprintf(line, sizeof line, "\nid: %u\ndata: {\"index\":%u,", (unsigned)i, (unsigned)i);
        at = strstr(at, line);
        if (at == NULL) fail_msg("entry %u is missing in %s", (unsigned)i, text);
        at += strlen(line);
    }
    if (strstr(at, "id:") != NULL) fail_msg("more than wanted: %s", at);
}

static void events(void **state)
{
    reading *r = *state;
    static char text[1 << 20];
    assert_int_equal(ask(r, "/v1/events?after=4"), 200);
    assert_string_equal(r->response.content_type, "text/event-stream");
    drain(r, text, sizeof text - 1, 7, false);
    ids_are(text, 5, 8);
    assert_int_equal(drain(r, text, sizeof text - 1, 4096, false), 0);
    one_more(r, 200);
    drain(r, text, sizeof text - 1, 1, false);
    ids_are(text, 8, 9);
    drain(r, text, sizeof text - 1, 100, true);
    assert_string_equal(text, ":\n\n");
    r->response.stream.close(r->response.stream.ctx);
    assert_int_equal(ask_with(r, "/v1/events?after=1", MUN_FIELD_LAST_EVENT_ID, "6"), 200);
    drain(r, text, sizeof text - 1, 4096, false);
    ids_are(text, 7, 9);
    r->response.stream.close(r->response.stream.ctx);
    assert_int_equal(ask(r, "/v1/events"), 200);
    drain(r, text, sizeof text - 1, 4096, false);
    ids_are(text, 0, 9);
    r->response.stream.close(r->response.stream.ctx);
    assert_int_equal(ask_with(r, "/v1/events", MUN_FIELD_LAST_EVENT_ID, "x"), 400);
    refused(r, "/v1/events?after=-1", 400, "after");
    assert_int_equal(ask_with(r, "/v1/events", MUN_FIELD_ACCEPT, "application/json"), 406);
}

/* More entries than a page has, and a stream that is ahead of the ledger. */
static void many_events(void **state)
{
    reading *r = *state;
    static char text[1 << 20];
    for (unsigned i = 0; i < 150; i++) one_more(r, 1000 + i);
    assert_int_equal(ask(r, "/v1/events?after=2"), 200);
    drain(r, text, sizeof text - 1, 1000, false);
    ids_are(text, 3, 158);
    r->response.stream.close(r->response.stream.ctx);
    assert_int_equal(ask(r, "/v1/events?after=158"), 200);
    drain(r, text, sizeof text - 1, 1000, false);
    one_more(r, 2000);
    assert_int_equal(drain(r, text, sizeof text - 1, 1000, false), 0);
    one_more(r, 2001);
    drain(r, text, sizeof text - 1, 1000, false);
    ids_are(text, 159, 160);
    r->response.stream.close(r->response.stream.ctx);
}

/* The thread of the connection neither opens a ledger nor reads from it; a worker does. */
static void events_to_fetch(void **state)
{
    reading *r = *state;
    static char text[1 << 20];
    uint8_t byte;
    mun_ledger *ledger = NULL;
    assert_int_equal(ask(r, "/v1/events?after=1"), 200);
    const mun_stream stream = r->response.stream;
    while (text[0] == '\0' || strstr(text, "retry: 2000\n\n") == NULL) { /* its first lines */
        ptrdiff_t n = stream.read(stream.ctx, &byte, 1, false);
        assert_int_equal(n, 1);
        snprintf(text + strlen(text), 2, "%c", byte);
    }
    must(mun_served_use(r->served, true, &ledger, err));
    mun_served_done(r->served, ledger, MUN_E_FAILED); /* so it is closed */
    assert_false(mun_served_is_open(r->served));
    assert_int_equal(stream.read(stream.ctx, &byte, 1, true), 1); /* a ping goes out all the same */
    assert_int_equal(byte, ':');
    assert_int_equal(stream.read(stream.ctx, (uint8_t *)text, 99, false), 2);
    assert_int_equal(stream.read(stream.ctx, &byte, 1, false), MUN_STREAM_FETCH);
    assert_false(mun_served_is_open(r->served));
    assert_int_equal(stream.fetch(stream.ctx), MUN_FETCHED);
    assert_true(mun_served_is_open(r->served));
    drain(r, text, sizeof text - 1, 100, false);
    ids_are(text, 2, 8);
    assert_int_equal(stream.fetch(stream.ctx), MUN_FETCH_LATER); /* there is nothing more */
    stream.close(stream.ctx);
    for (unsigned i = 0; i < 90; i++) one_more(r, 5000 + i);
    assert_int_equal(ask(r, "/v1/events?after=3"), 200);
    assert_true(r->response.stream.read(r->response.stream.ctx, (uint8_t *)text, 99, false) > 0);
    assert_int_equal(r->response.stream.read(r->response.stream.ctx, &byte, 1, false),
                     MUN_STREAM_FETCH);
    drain(r, text, sizeof text - 1, 1000, false);
    ids_are(text, 4, 98);
    mun_served_remove(r->service.ledgers, r->served);
    assert_int_equal(r->response.stream.read(r->response.stream.ctx, &byte, 1, false),
                     MUN_STREAM_END);
    assert_int_equal(r->response.stream.fetch(r->response.stream.ctx), MUN_FETCH_FAILED);
    r->response.stream.close(r->response.stream.ctx);
}

static mun_stream stream_of(reading *r, const char *target)
{
    char text[64];
    assert_int_equal(ask(r, target), 200);
    mun_stream stream = r->response.stream;
    memset(&r->response.stream, 0, sizeof r->response.stream);
    assert_int_equal(stream.read(stream.ctx, (uint8_t *)text, sizeof text, false), 13);
    return stream;
}

/* What streams that stand at one place want is read from the ledger once, the last entry too. */
static void events_fetched_once(void **state)
{
    reading *r = *state;
    static char text[1 << 16];
    mun_stream one = stream_of(r, "/v1/events?after=6"), other = stream_of(r, "/v1/events?after=6");
    mun_stream apart = stream_of(r, "/v1/events?after=5");
    assert_int_equal(one.wants(one.ctx), other.wants(other.ctx));
    assert_int_not_equal(one.wants(one.ctx), apart.wants(apart.ctx));
    assert_int_equal(one.read(one.ctx, (uint8_t *)text, sizeof text, false), MUN_STREAM_FETCH);
    assert_int_equal(other.read(other.ctx, (uint8_t *)text, sizeof text, false), MUN_STREAM_FETCH);
    assert_int_equal(one.fetch(one.ctx), MUN_FETCHED);
    ptrdiff_t len = other.read(other.ctx, (uint8_t *)text, sizeof text - 1, false);
    assert_true(len > 0);
    text[len] = '\0';
    ids_are(text, 7, 8);
    assert_int_equal(one.read(one.ctx, (uint8_t *)text, sizeof text, false), len);
    assert_int_equal(one.wants(one.ctx), other.wants(other.ctx));
    assert_int_equal(other.read(other.ctx, (uint8_t *)text, sizeof text, false), 0);
    one_more(r, 300);
    assert_int_equal(other.read(other.ctx, (uint8_t *)text, sizeof text, false), MUN_STREAM_FETCH);
    assert_int_equal(apart.read(apart.ctx, (uint8_t *)text, sizeof text, false), MUN_STREAM_FETCH);
    one.close(one.ctx);
    other.close(other.ctx);
    apart.close(apart.ctx);
}

/* ---- Tiles -------------------------------------------------------------------------------------
 */

static void check_tile(reading *r, const char *target, int level, uint64_t n, unsigned width)
{
    MUN_BUF_AUTO mun_buf want = mun_buf_growable(1 << 20);
    mun_ledger *ledger = NULL;
    for (unsigned again = 0; again < 2; again++) { /* the second comes from the cache */
        if (ask(r, target) != 200) fail_msg("%s: %u", target, r->response.status);
        assert_string_equal(r->response.content_type, "application/octet-stream");
        assert_non_null(strstr(r->response.cache_control, "public, max-age=31536000, immutable"));
        mun_buf_clear(&want);
        must(mun_served_use(r->served, true, &ledger, err));
        must(mun_ledger_tile(ledger, level, n, width, &want, err));
        mun_served_done(r->served, ledger, MUN_OK);
        assert_true(mun_slice_equal(body(r), mun_buf_slice(&want)));
    }
}

static void tiles(void **state)
{
    reading *r = *state;
    for (unsigned i = 0; i < 300; i++) one_more(r, 3000 + i); /* 308 in all */
    check_tile(r, "/tile/0/000", 0, 0, 256);
    check_tile(r, "/tile/entries/000", -1, 0, 256);
    check_tile(r, "/tile/1/000.p/1", 1, 0, 1);
    for (unsigned width = 1; width < 256; width += 13) {
        char target[64];
        snprintf(target, sizeof target, "/tile/0/000.p/%u", width);
        check_tile(r, target, 0, 0, width);
        snprintf(target, sizeof target, "/tile/entries/000.p/%u", width);
        check_tile(r, target, -1, 0, width);
    }
    check_tile(r, "/tile/0/001.p/52", 0, 1, 52);
    assert_int_equal(ask(r, "/tile/0/001.p/53"), 404);
    assert_int_equal(ask(r, "/tile/0/001"), 404);
    assert_int_equal(ask(r, "/tile/entries/001.p/53"), 404);
    assert_int_equal(ask(r, "/tile/entries/002.p/1"), 404);
    assert_int_equal(ask(r, "/tile/1/000.p/2"), 404);
    assert_int_equal(ask(r, "/tile/2/000.p/1"), 404);
    assert_int_equal(ask(r, "/tile/63/000.p/1"), 404);
    assert_int_equal(ask(r, "/tile/0/x999/x999/x999/x999/x999/999"), 404);
    assert_int_equal(ask(r, "/tile/0/000.p/0"), 404);
    assert_string_equal(r->response.content_type, "application/concise-problem-details+cbor");
    char plain_tag[MUN_RESPONSE_TEXT];
    assert_int_equal(ask(r, "/tile/entries/000"), 200);
    memcpy(plain_tag, r->response.etag, sizeof plain_tag);
    assert_string_equal(r->response.vary, "Accept-Encoding");
    assert_int_equal(ask_with(r, "/tile/entries/000", MUN_FIELD_ACCEPT_ENCODING, "gzip"), 200);
    assert_string_equal(r->response.content_encoding, "gzip");
    assert_string_not_equal(r->response.etag, plain_tag);
    assert_int_equal(r->response.body.ptr[0], 0x1f);
}

/* What an exported tree has, to the byte. */
static void as_an_export(void **state)
{
    reading *r = *state;
    static const char *const files[] = {"checkpoint", "export", "ledger.pub", "commits"};
    char out[MUN_PATH_BYTES_MAX];
    mun_ledger *ledger = NULL;
    assert_true(snprintf(out, sizeof out, "%.4000s/out", r->w->folder) > 0);
    must(mun_served_use(r->served, true, &ledger, err));
    must(mun_ledger_export(ledger, out, NULL, err));
    mun_served_done(r->served, ledger, MUN_OK);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        MUN_BUF_AUTO mun_buf want = mun_buf_growable(1 << 20);
        char path[MUN_PATH_BYTES_MAX], target[64];
        assert_true(snprintf(path, sizeof path, "%.4000s/%s", out, files[i]) > 0);
        snprintf(target, sizeof target, "/%s", files[i]);
        must(mun_file_read(path, 1 << 20, &want, err));
        assert_int_equal(ask(r, target), 200);
        if (!mun_slice_equal(body(r), mun_buf_slice(&want))) fail_msg("%s differs", files[i]);
    }
    one_more(r, 5000);
    MUN_BUF_AUTO mun_buf want = mun_buf_growable(1 << 20);
    assert_true(snprintf(out, sizeof out, "%.4000s/out/commits", r->w->folder) > 0);
    must(mun_file_read(out, 1 << 20, &want, err));
    assert_int_equal(ask(r, "/commits?size=8"), 200);
    assert_true(mun_slice_equal(body(r), mun_buf_slice(&want)));
    assert_int_equal(ask(r, "/commits?size=10"), 404);
    assert_int_equal(ask(r, "/commits?size=0"), 400);
    assert_int_equal(ask(r, "/commits?from=8&size=8"), 400);
    assert_int_equal(ask(r, "/commits?from=3&size=8"), 200); /* one second between any two */
    assert_int_equal(body(r).len, 4096);
    mun_cursor c = mun_cursor_over(body(r));
    for (uint64_t i = 3; i < 8; i++) {
        assert_int_equal(mun_cursor_u64(&c), i);
        assert_int_equal(mun_cursor_u64(&c), WORLD_START + (i - 1) * 1000);
    }
    assert_int_equal(mun_cursor_u64(&c), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(entries_of_a_ledger),
        TEST(conditions),
        TEST(pages),
        TEST(after),
        TEST(windows),
        TEST(searches_refused),
        TEST(one_entry),
        TEST(documents),
        TEST(proofs),
        TEST(proofs_refused),
        TEST(description),
        TEST(openapi_page),
        TEST(events),
        TEST(many_events),
        TEST(events_to_fetch),
        TEST(events_fetched_once),
        TEST(tiles),
        TEST(as_an_export),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
