/* SPDX-License-Identifier: Apache-2.0 */
/* The reading interface, handler by handler: entries, documents, proofs, the description, tiles.
 * What is answered is checked against the ledger itself. */
#include "base/buf.h"
#include "base/cursor.h"
#include "codec/radix.h"
#include "merkle/merkle.h"
#include "server/reading_world.h"
#include "support/cmocka_all.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static void one_entry(void **state)
{
    reading *r = *state;
    mun_statement statement;
    mun_receipt receipt;
    assert_int_equal(reading_ask(r, "/v1/entries/3"), 200);
    assert_non_null(strstr(r->response.cache_control, "immutable"));
    assert_int_equal(r->response.etag[0], '"');
    json_t *entry = reading_json(r);
    assert_int_equal(reading_number(entry, "index"), 3);
    json_decref(entry);
    assert_int_equal(reading_ask(r, "/v1/entries/3/statement"), 200);
    assert_string_equal(r->response.content_type, "application/scitt-statement+cose");
    must(mun_statement_parse(reading_body(r), &statement, err));
    assert_true(mun_slice_equal(statement.sub, MUN_LITERAL("subject 1")));
    assert_int_equal(reading_ask(r, "/v1/entries/3/receipt"), 200);
    must(mun_receipt_parse(reading_body(r), &receipt, err));
    assert_null(r->response.cache_control);
    assert_int_equal(
        reading_ask_with(r, "/v1/entries/3/receipt", MUN_FIELD_ACCEPT, "application/cose"), 200);
    assert_string_equal(r->response.content_type, "application/cose");
    assert_string_equal(r->response.vary, "Accept");
    assert_int_equal(reading_ask_with(r, "/v1/entries/3/receipt", MUN_FIELD_ACCEPT, "text/html"),
                     406);
    reading_refused(r, "/v1/entries/8", 404, "8");
    reading_refused(r, "/v1/entries/08", 400, "index");
    reading_refused(r, "/v1/entries/x/receipt", 400, "index");
    reading_refused(r, "/v1/entries/3?x=1", 400, "x");
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
    assert_int_equal(reading_ask(r, target), 200);
    assert_string_equal(r->response.content_location, "/v1/entries/6/evidence");
    must(mun_ledger_open(r->w->path, &(mun_ledger_open_options){.read_only = true}, &r->w->ledger,
                         err));
    assert_int_equal(world_verdict(r->w, reading_body(r), 4, &report), 0);
    world_close(r->w);
    reading_one_more(
        r, 4 + 0); /* the same document again is the same entry only if it is the same statement */
    snprintf(target, sizeof target, "/v1/documents/%s", hex);
    assert_int_equal(reading_ask(r, target), 200);
    json_t *entry = reading_json(r);
    assert_true(reading_number(entry, "index") >= 6);
    char location[64];
    snprintf(location, sizeof location, "/v1/entries/%u", (unsigned)reading_number(entry, "index"));
    assert_string_equal(r->response.content_location, location);
    json_decref(entry);
    strcat(target, "?iss=somebody");
    reading_refused(r, target, 404, "digest");
    reading_refused(r, "/v1/documents/00", 400, "digest");
    hex[0] = hex[0] == '0' ? '1' : '0';
    snprintf(target, sizeof target, "/v1/documents/%s/receipt", hex);
    reading_refused(r, target, 404, "digest");
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
    assert_true(mun_base64_take(mun_slice_cstr(reading_text(answer, key)), &to));
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
            assert_int_equal(reading_ask(r, target), 200);
            json_t *answer = reading_json(r);
            size_t len = hashes_of(answer, path);
            mun_hash old_root = hash_in(answer, "from_root"), new_root = hash_in(answer, "to_root");
            assert_int_equal(
                mun_consistency_check(&r->w->crypto, from, &old_root, to, &new_root, path, len),
                MUN_OK);
            json_decref(answer);
            snprintf(target, sizeof target, "/v1/entries/%u/inclusion?size=%u", from - 1, to);
            assert_int_equal(reading_ask(r, target), 200);
            answer = reading_json(r);
            len = hashes_of(answer, path);
            mun_buf bytes = mun_buf_fixed(leaf.bytes, sizeof leaf.bytes);
            assert_true(mun_hex_take(mun_slice_cstr(reading_text(answer, "leaf")), &bytes));
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
    reading_refused(r, "/v1/consistency", 400, "from");
    reading_refused(r, "/v1/consistency?from=0", 400, "from");
    reading_refused(r, "/v1/consistency?from=9", 400, "from");
    reading_refused(r, "/v1/consistency?from=3&to=2", 400, "from");
    reading_refused(r, "/v1/consistency?from=3&to=9", 400, "to");
    reading_refused(r, "/v1/consistency?from=3&to=x", 400, "to");
    reading_refused(r, "/v1/entries/3/inclusion?size=3", 400, "size");
    reading_refused(r, "/v1/entries/3/inclusion?size=9", 400, "size");
    reading_refused(r, "/v1/entries/9/inclusion", 404, "9");
    mun_receipt receipt;
    assert_int_equal(
        reading_ask_with(r, "/v1/consistency?from=3", MUN_FIELD_ACCEPT, "application/cose"), 200);
    must(mun_receipt_parse(reading_body(r), &receipt, err));
    assert_true(receipt.is_consistency);
    assert_int_equal(
        reading_ask_with(r, "/v1/consistency?from=3&to=5", MUN_FIELD_ACCEPT, "application/cose"),
        400);
    assert_int_equal(reading_ask_with(r, "/v1/consistency?from=3", MUN_FIELD_ACCEPT, "text/html"),
                     406);
}

/* ---- The ledger --------------------------------------------------------------------------------
 */

static void description(void **state)
{
    reading *r = *state;
    assert_int_equal(reading_ask(r, "/v1"), 200);
    json_t *answer = reading_json(r);
    assert_string_equal(reading_text(answer, "origin"), WORLD_ORIGIN);
    assert_string_equal(reading_text(answer, "base"), "/deeds");
    assert_string_equal(reading_text(answer, "state"), "ready");
    assert_int_equal(reading_number(answer, "size"), 8);
    json_t *keys = json_object_get(answer, "keys");
    assert_int_equal(json_array_size(keys), 2);
    assert_string_equal(reading_text(json_array_get(keys, 1), "role"), "checkpoints");
    assert_int_equal(strncmp(reading_text(json_array_get(keys, 1), "vkey"), WORLD_ORIGIN "+",
                             strlen(WORLD_ORIGIN) + 1),
                     0);
    assert_true(json_is_true(json_object_get(json_array_get(keys, 0), "current")));
    assert_string_equal(reading_text(json_object_get(answer, "links"), "register"),
                        "/deeds/entries");
    json_decref(answer);
    assert_int_equal(reading_ask(r, "/v1/issuers"), 200);
    answer = reading_json(r);
    json_t *issuer = json_array_get(json_object_get(answer, "issuers"), 0);
    assert_string_equal(reading_text(issuer, "iss"), WORLD_ISSUER);
    assert_int_equal(reading_number(issuer, "added"), 1);
    json_decref(answer);
    r->service.public_url = "https://ledger.example";
    assert_int_equal(reading_ask(r, "/v1"), 200);
    answer = reading_json(r);
    assert_string_equal(reading_text(json_object_get(answer, "links"), "register"),
                        "https://ledger.example/deeds/entries");
    json_decref(answer);
    r->service.public_url = NULL;
}

static void openapi_page(void **state)
{
    reading *r = *state;
    assert_int_equal(reading_ask(r, "/v1/openapi.json"), 200);
    json_t *page = reading_json(r);
    assert_string_equal(reading_text(page, "openapi"), "3.1.0");
    json_decref(page);
    assert_int_equal(r->response.etag[0], '"');
}

static void check_tile(reading *r, const char *target, int level, uint64_t n, unsigned width)
{
    MUN_BUF_AUTO mun_buf want = mun_buf_growable(1 << 20);
    mun_ledger *ledger = NULL;
    for (unsigned again = 0; again < 2; again++) { /* the second comes from the cache */
        if (reading_ask(r, target) != 200) fail_msg("%s: %u", target, r->response.status);
        assert_string_equal(r->response.content_type, "application/octet-stream");
        assert_non_null(strstr(r->response.cache_control, "public, max-age=31536000, immutable"));
        mun_buf_clear(&want);
        must(mun_served_use(r->served, true, &ledger, err));
        must(mun_ledger_tile(ledger, level, n, width, &want, err));
        mun_served_done(r->served, ledger, MUN_OK);
        assert_true(mun_slice_equal(reading_body(r), mun_buf_slice(&want)));
    }
}

static void tiles(void **state)
{
    reading *r = *state;
    for (unsigned i = 0; i < 300; i++) reading_one_more(r, 3000 + i); /* 308 in all */
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
    assert_int_equal(reading_ask(r, "/tile/0/001.p/53"), 404);
    assert_int_equal(reading_ask(r, "/tile/0/001"), 404);
    assert_int_equal(reading_ask(r, "/tile/entries/001.p/53"), 404);
    assert_int_equal(reading_ask(r, "/tile/entries/002.p/1"), 404);
    assert_int_equal(reading_ask(r, "/tile/1/000.p/2"), 404);
    assert_int_equal(reading_ask(r, "/tile/2/000.p/1"), 404);
    assert_int_equal(reading_ask(r, "/tile/63/000.p/1"), 404);
    assert_int_equal(reading_ask(r, "/tile/0/x999/x999/x999/x999/x999/999"), 404);
    assert_int_equal(reading_ask(r, "/tile/0/000.p/0"), 404);
    assert_string_equal(r->response.content_type, "application/concise-problem-details+cbor");
    char plain_tag[MUN_RESPONSE_TEXT];
    assert_int_equal(reading_ask(r, "/tile/entries/000"), 200);
    memcpy(plain_tag, r->response.etag, sizeof plain_tag);
    assert_string_equal(r->response.vary, "Accept-Encoding");
    assert_int_equal(reading_ask_with(r, "/tile/entries/000", MUN_FIELD_ACCEPT_ENCODING, "gzip"),
                     200);
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
        assert_int_equal(reading_ask(r, target), 200);
        if (!mun_slice_equal(reading_body(r), mun_buf_slice(&want)))
            fail_msg("%s differs", files[i]);
    }
    reading_one_more(r, 5000);
    MUN_BUF_AUTO mun_buf want = mun_buf_growable(1 << 20);
    assert_true(snprintf(out, sizeof out, "%.4000s/out/commits", r->w->folder) > 0);
    must(mun_file_read(out, 1 << 20, &want, err));
    assert_int_equal(reading_ask(r, "/commits?size=8"), 200);
    assert_true(mun_slice_equal(reading_body(r), mun_buf_slice(&want)));
    assert_int_equal(reading_ask(r, "/commits?size=10"), 404);
    assert_int_equal(reading_ask(r, "/commits?size=0"), 400);
    assert_int_equal(reading_ask(r, "/commits?from=8&size=8"), 400);
    assert_int_equal(reading_ask(r, "/commits?from=3&size=8"),
                     200); /* one second between any two */
    assert_int_equal(reading_body(r).len, 4096);
    mun_cursor c = mun_cursor_over(reading_body(r));
    for (uint64_t i = 3; i < 8; i++) {
        assert_int_equal(mun_cursor_u64(&c), i);
        assert_int_equal(mun_cursor_u64(&c), WORLD_START + (i - 1) * 1000);
    }
    assert_int_equal(mun_cursor_u64(&c), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, reading_set_up, reading_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(one_entry),   TEST(documents),    TEST(proofs), TEST(proofs_refused),
        TEST(description), TEST(openapi_page), TEST(tiles),  TEST(as_an_export),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
