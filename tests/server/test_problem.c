/* SPDX-License-Identifier: Apache-2.0 */
/* Problems: RFC 9290 to the byte, RFC 9457, and which error gets which status and title. */
#include "server/event_log.h"
#include "server/problem.h"
#include "support/cmocka_all.h"

#include <string.h>

typedef struct fixture {
    mun_request request;
    mun_response response;
} fixture;

static fixture at(const char *path)
{
    return (fixture){.request = {.id = "id-7", .path = mun_slice_cstr(path)},
                     .response = {.body = mun_buf_growable(65536)}};
}

static void concise_to_the_byte(void **state)
{
    (void)state;
    fixture f = at("/entries");
    mun_problem(&f.request, &f.response, 429, MUN_TITLE_TOO_MANY, "wait");
    static const char expected[] = "\xa3\x20\x71"
                                   "Too Many Requests"
                                   "\x21\x64"
                                   "wait"
                                   "\x23\x19\x01\xad";
    assert_int_equal(f.response.body.len, sizeof expected - 1);
    assert_memory_equal(f.response.body.ptr, expected, sizeof expected - 1);
    assert_string_equal(f.response.content_type, "application/concise-problem-details+cbor");
    assert_int_equal(f.response.retry_after, 1);
    assert_null(f.response.cache_control);
    mun_buf_free(&f.response.body);
}

static void json_escapes(void **state)
{
    (void)state;
    fixture f = at("/v1/entries");
    f.response.retry_after = 7;
    mun_problem(&f.request, &f.response, 503, MUN_TITLE_BUSY, "a \"b\" \\ \n\x01 \xc3\xa4");
    static const char expected[] =
        "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\",\"status\":503,"
        "\"detail\":\"a \\\"b\\\" \\\\ \\u000a\\u0001 \xc3\xa4\",\"instance\":\"id-7\"}\n";
    assert_int_equal(f.response.body.len, sizeof expected - 1);
    assert_memory_equal(f.response.body.ptr, expected, sizeof expected - 1);
    assert_string_equal(f.response.content_type, "application/problem+json");
    assert_int_equal(f.response.retry_after, 7);
    mun_buf_free(&f.response.body);
}

/* What a hostile text left of UTF-8 does not reach the client. */
static void invalid_utf8_is_replaced(void **state)
{
    (void)state;
    fixture f = at("/v1");
    mun_problem(&f.request, &f.response, 400, MUN_TITLE_MALFORMED, "x \xff\xc3 y");
    f.response.body.ptr[f.response.body.len - 1] = '\0';
    assert_non_null(strstr((const char *)f.response.body.ptr, "\"detail\":\"x ?? y\""));
    mun_buf_free(&f.response.body);
}

static void form_by_path(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        bool json;
    } cases[] = {
        {"/v1", true},        {"/v1/", true},     {"/v1/entries", true}, {"/healthz", true},
        {"/readyz", true},    {"/metrics", true}, {"/v1x", false},       {"/entries", false},
        {"/healthz/", false}, {"/", false},       {"", false},           {"/.well-known/v1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(mun_problem_is_json(mun_slice_cstr(cases[i].path)), cases[i].json);
    }
}

/* Nothing of an answer that was begun is left in a problem. */
static void forgets_the_answer_begun(void **state)
{
    (void)state;
    fixture f = at("/checkpoint");
    mun_buf_text(&f.response.body, "half a body");
    f.response.cache_control = "public, max-age=5";
    strcpy(f.response.location, "/entries/x");
    strcpy(f.response.etag, "\"y\"");
    f.response.fixed = MUN_LITERAL("fixed");
    mun_problem(&f.request, &f.response, 404, MUN_TITLE_NOT_FOUND, "not here");
    assert_null(f.response.cache_control);
    assert_int_equal(f.response.location[0], 0);
    assert_int_equal(f.response.etag[0], 0);
    assert_int_equal(f.response.fixed.len, 0);
    assert_int_equal(f.response.body.ptr[0], 0xa3);
    mun_buf_free(&f.response.body);
}

typedef struct expectation {
    mun_code code;
    const char *rule;
    unsigned status, refusal_status;
    const char *title, *refusal_title;
    bool told; /* the error's own sentence reaches the client */
} expectation;

static const expectation expectations[] = {
    {MUN_E_MALFORMED, "cbor", 400, 400, MUN_TITLE_MALFORMED, MUN_TITLE_MALFORMED, true},
    {MUN_E_MALFORMED, "payload-detached", 400, 400, MUN_TITLE_MALFORMED, MUN_TITLE_PAYLOAD, true},
    {MUN_E_UNSUPPORTED, "", 400, 400, MUN_TITLE_MALFORMED, MUN_TITLE_ALGORITHM, true},
    {MUN_E_REFUSED, "algorithm-not-allowed", 403, 400, MUN_TITLE_FORBIDDEN, MUN_TITLE_ALGORITHM,
     true},
    {MUN_E_REFUSED, "issuer-not-listed", 403, 400, MUN_TITLE_FORBIDDEN, MUN_TITLE_REJECTED, true},
    {MUN_E_REFUSED, "self-declared-key-missing", 403, 400, MUN_TITLE_FORBIDDEN, MUN_TITLE_CNF,
     true},
    {MUN_E_REFUSED, MUN_RULE_COPY, 403, 403, MUN_TITLE_COPY, MUN_TITLE_COPY, true},
    {MUN_E_INVALID, "", 422, 400, MUN_TITLE_FORBIDDEN, MUN_TITLE_REJECTED, true},
    {MUN_E_LIMIT, "entry-too-large", 413, 400, MUN_TITLE_TOO_LARGE, MUN_TITLE_REJECTED, true},
    {MUN_E_NOT_FOUND, "", 404, 404, MUN_TITLE_NOT_FOUND, MUN_TITLE_NOT_FOUND, true},
    {MUN_E_IO, "", 503, 503, MUN_TITLE_BUSY, MUN_TITLE_BUSY, false},
    {MUN_E_DAMAGED, "", 500, 500, MUN_TITLE_INTERNAL, MUN_TITLE_INTERNAL, false},
    {MUN_E_PERMISSION, "", 500, 500, MUN_TITLE_INTERNAL, MUN_TITLE_INTERNAL, false},
    {MUN_E_MEMORY, "", 503, 503, MUN_TITLE_BUSY, MUN_TITLE_BUSY, false},
    {MUN_E_FAILED, "", 503, 503, MUN_TITLE_BUSY, MUN_TITLE_BUSY, false},
    {MUN_E_BUSY, "", 503, 503, MUN_TITLE_BUSY, MUN_TITLE_BUSY, false},
    {MUN_E_AGAIN, "", 503, 503, MUN_TITLE_BUSY, MUN_TITLE_BUSY, false},
    {MUN_E_NO_SPACE, "", 507, 507, MUN_TITLE_FULL, MUN_TITLE_FULL, false},
};

static bool body_has(const mun_response *response, const char *text)
{
    return memmem(response->body.ptr, response->body.len, text, strlen(text)) != NULL;
}

static void errors_and_their_problems(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof expectations / sizeof expectations[0]; i++) {
        const expectation *x = &expectations[i];
        fixture f = at("/entries");
        mun_error error = {.code = x->code, .text = "a sentence with /srv/ledger in it"};
        strcpy(error.rule, x->rule);
        mun_problem_error(&f.request, &f.response, &error);
        assert_int_equal(f.response.status, x->status);
        assert_string_equal(f.response.title, x->title);
        assert_int_equal(body_has(&f.response, "/srv/ledger"), x->told);
        mun_response_reset(&f.response);
        mun_problem_refusal(&f.request, &f.response, &error);
        assert_int_equal(f.response.status, x->refusal_status);
        assert_string_equal(f.response.title, x->refusal_title);
        assert_int_equal(body_has(&f.response, x->rule) && x->told, x->told);
        assert_int_equal(f.response.retry_after,
                         x->refusal_status == 503 || x->refusal_status == 507 ? 1 : 0);
        MUN_BUF_AUTO mun_buf item = mun_buf_growable(4096);
        mun_problem_item(&item, &error);
        assert_int_equal(item.len, f.response.body.len);
        assert_memory_equal(item.ptr, f.response.body.ptr, item.len);
        mun_buf_free(&f.response.body);
    }
}

int main(void)
{
    mun_event_log_init(MUN_EVENT_LOGFMT, MUN_EVENT_ERROR - 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(concise_to_the_byte),      cmocka_unit_test(json_escapes),
        cmocka_unit_test(invalid_utf8_is_replaced), cmocka_unit_test(form_by_path),
        cmocka_unit_test(forgets_the_answer_begun), cmocka_unit_test(errors_and_their_problems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
