/* SPDX-License-Identifier: Apache-2.0 */
/* Searches of the reading interface: what is found is checked against the ledger itself. */
#include "base/buf.h"
#include "server/reading_world.h"
#include "support/cmocka_all.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static void entries_of_a_ledger(void **state)
{
    reading *r = *state;
    assert_int_equal(reading_ask(r, "/v1/entries"), 200);
    assert_string_equal(r->response.content_type, "application/json");
    json_t *page = reading_json(r);
    json_t *entries = json_object_get(page, "entries");
    assert_int_equal(json_array_size(entries), 8); /* genesis, the issuer, six */
    assert_int_equal(reading_number(page, "size"), 8);
    assert_true(json_is_null(json_object_get(page, "next")));
    assert_non_null(strstr(reading_text(page, "checkpoint"), WORLD_ORIGIN "\n8\n"));
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(reading_number(json_array_get(entries, i), "index"), i);
    }
    json_t *entry = json_array_get(entries, 3);
    assert_string_equal(reading_text(entry, "iss"), WORLD_ISSUER);
    assert_string_equal(reading_text(entry, "sub"), "subject 1");
    assert_string_equal(reading_text(entry, "content_type"), "text/plain");
    assert_string_equal(reading_text(entry, "time"), "2026-11-22T12:00:02.000Z");
    assert_string_equal(reading_text(entry, "signed"), "2026-11-22T12:00:00.000Z");
    assert_string_equal(reading_text(entry, "alg"), "ES256");
    assert_true(json_is_false(json_object_get(entry, "inline")));
    assert_int_equal(strncmp(reading_text(entry, "location"), "/deeds/entries/", 15), 0);
    assert_int_equal(strlen(reading_text(entry, "location")), 15 + 43);
    json_decref(page);
}

static size_t found_by(reading *r, const char *target, uint64_t *ret_first)
{
    if (reading_ask(r, target) != 200) fail_msg("%s: %u", target, r->response.status);
    json_t *page = reading_json(r), *entries = json_object_get(page, "entries");
    size_t n = json_array_size(entries);
    if (n > 0) *ret_first = reading_number(json_array_get(entries, 0), "index");
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

/* A cursor goes on where the page ended, also when the ledger has grown since. */
static void pages(void **state)
{
    reading *r = *state;
    char target[512] = "/v1/entries?limit=3&iss=https%3A%2F%2Fissuer.example";
    uint64_t want = 2;
    for (unsigned turn = 0; turn < 3; turn++) {
        assert_int_equal(reading_ask(r, target), 200);
        json_t *page = reading_json(r), *entries = json_object_get(page, "entries");
        for (size_t i = 0; i < json_array_size(entries); i++) {
            json_t *entry = json_array_get(entries, i);
            assert_int_equal(reading_number(entry, "index"), want++);
            assert_true(reading_number(entry, "index") < reading_number(page, "size"));
        }
        assert_int_equal(json_array_size(entries), turn < 2 ? 3 : 1);
        if (turn == 0) reading_one_more(r, 100);
        if (turn < 2) {
            snprintf(target, sizeof target,
                     "/v1/entries?iss=https://issuer.example&cursor=%s&limit=3",
                     reading_text(page, "next"));
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
    assert_int_equal(reading_ask(r, "/v1/entries?after=2&limit=2"), 200);
    json_t *page = reading_json(r);
    snprintf(target, sizeof target, "/v1/entries?limit=9&cursor=%s&after=2",
             reading_text(page, "next"));
    assert_int_equal(found_by(r, target, &first), 3);
    assert_int_equal(first, 5);
    snprintf(target, sizeof target, "/v1/entries?cursor=%s&after=3", reading_text(page, "next"));
    reading_refused(r, target, 400, "another search");
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
        assert_int_equal(reading_ask(r, target), 200);
        json_t *page = reading_json(r), *entries = json_object_get(page, "entries");
        for (size_t i = 0; i < json_array_size(entries) && *ret_len < 16; i++) {
            ret[(*ret_len)++] = reading_number(json_array_get(entries, i), "index");
        }
        more = !json_is_null(json_object_get(page, "next"));
        if (more) {
            snprintf(target, sizeof target, "/v1/entries?%s&cursor=%s", question,
                     reading_text(page, "next"));
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
    reading_refused(r, "/v1/entries?issuer=a", 400, "issuer");
    reading_refused(r, "/v1/entries?iss=a&iss=b", 400, "iss");
    reading_refused(r, "/v1/entries?digest=00", 400, "digest");
    reading_refused(r, "/v1/entries?digest=zz", 400, "digest");
    reading_refused(r, "/v1/entries?kid=0", 400, "kid");
    reading_refused(r, "/v1/entries?since=yesterday", 400, "since");
    reading_refused(r, "/v1/entries?until=2026", 400, "until");
    reading_refused(r, "/v1/entries?after=-1", 400, "after");
    reading_refused(r, "/v1/entries?after=9223372036854775808", 400, "after");
    reading_refused(r, "/v1/entries?limit=0", 400, "limit");
    reading_refused(r, "/v1/entries?limit=1001", 400, "limit");
    reading_refused(r, "/v1/entries?cursor=AAAA", 400, "cursor");
    reading_refused(r, "/v1/entries?sub=", 400, "sub");
    assert_int_equal(reading_ask(r, "/v1/entries?limit=1"), 200);
    json_t *page = reading_json(r);
    char target[512];
    snprintf(target, sizeof target, "/v1/entries?sub=subject+1&cursor=%s",
             reading_text(page, "next"));
    json_decref(page);
    reading_refused(r, target, 400, "another search");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, reading_set_up, reading_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(entries_of_a_ledger), TEST(conditions), TEST(pages), TEST(after), TEST(windows),
        TEST(searches_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
