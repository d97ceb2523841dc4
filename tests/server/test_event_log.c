/* SPDX-License-Identifier: Apache-2.0 */
/* The log line by line, and the metrics added up by many threads. */
#include "server/event_log.h"
#include "server/event_out.h"
#include "server/metrics.h"
#include "server/route.h"
#include "server/service_limits.h"
#include "support/cmocka_all.h"

#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int saved = -1, reader = -1;

static int catch_errors(void **state)
{
    int ends[2];
    (void)state;
    if (pipe(ends) != 0) return -1;
    saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    reader = ends[0];
    return 0;
}

static int let_go(void **state)
{
    (void)state;
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(reader);
    return 0;
}

/* What was written since, NUL-terminated; one write each, so one read. */
static const char *line(void)
{
    static char text[16384];
    ssize_t n = read(reader, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void logfmt(void **state)
{
    (void)state;
    mun_event_log_init(MUN_EVENT_LOGFMT, MUN_EVENT_INFO);
    mun_event(MUN_EVENT_INFO, "x", MUN_KV("plain", "a-b/c"), MUN_KV("empty", ""),
              MUN_KV("words", "two words"), MUN_KV("equal", "a=b"), MUN_KV("quote", "say \"\\\""),
              MUN_KV_NUMBER("n", UINT64_MAX));
    const char *text = strstr(line(), " level=");
    assert_non_null(text);
    assert_string_equal(text, " level=info event=x plain=a-b/c empty=\"\" words=\"two words\" "
                              "equal=\"a=b\" quote=\"say \\\"\\\\\\\"\" "
                              "n=18446744073709551615\n");
    mun_event(MUN_EVENT_DEBUG, "y", MUN_KV("a", "b"));
    mun_event(MUN_EVENT_ERROR, "z", MUN_KV("a", "b"));
    assert_non_null(strstr(line(), "level=error event=z a=b\n")); /* and y was not wanted */
}

/* Whatever bytes a client sends, a JSON reader reads the line, and it is one line. */
static void json_of_anything(void **state)
{
    (void)state;
    char text[1024];
    unsigned seed = 1;
    mun_event_log_init(MUN_EVENT_JSON, MUN_EVENT_INFO);
    for (int round = 0; round < 2000; round++) {
        size_t len = (size_t)(round % 600);
        for (size_t i = 0; i < len; i++) text[i] = (char)(1 + rand_r(&seed) % 255);
        text[len] = '\0';
        mun_event(MUN_EVENT_INFO, "x", MUN_KV("value", text), MUN_KV_NUMBER("n", 7));
        const char *got = line();
        assert_true(strchr(got, '\n') == got + strlen(got) - 1);
        for (const char *at = got; *at != '\n'; at++) assert_true((unsigned char)*at >= ' ');
        json_t *object = json_loads(got, JSON_REJECT_DUPLICATES, NULL);
        if (object == NULL) fail_msg("no JSON: %s", got);
        assert_int_equal(json_integer_value(json_object_get(object, "n")), 7);
        json_decref(object);
    }
}

static void cut(void **state)
{
    (void)state;
    char text[MUN_EVENT_VALUE_MAX + 100];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    memcpy(text + MUN_EVENT_VALUE_MAX - 1, "\xc3\xa4", 2); /* not cut in two */
    mun_event_log_init(MUN_EVENT_JSON, MUN_EVENT_INFO);
    mun_event(MUN_EVENT_INFO, "x", MUN_KV("value", text));
    json_t *object = json_loads(line(), 0, NULL);
    assert_non_null(object);
    const char *value = json_string_value(json_object_get(object, "value"));
    assert_int_equal(strlen(value), MUN_EVENT_VALUE_MAX - 1 + 3);
    assert_string_equal(value + MUN_EVENT_VALUE_MAX - 1, "...");
    json_decref(object);
    memset(text, 1, sizeof text - 1); /* each byte becomes six */
    mun_event(MUN_EVENT_INFO, "x", MUN_KV("first", text), MUN_KV("second", text));
    object = json_loads(line(), 0, NULL);
    assert_non_null(object);
    assert_true(json_is_true(json_object_get(object, "truncated")));
    assert_non_null(json_object_get(object, "first"));
    assert_null(json_object_get(object, "second"));
    json_decref(object);
}

/* ---- A reader that does not read --------------------------------------------------------------
 */

/* The next line of what was caught, without its end; NULL: nothing comes for a second. */
static char *next_line(char text[8192])
{
    static char got[16384];
    static size_t at, got_len;
    for (size_t len = 0;;) {
        struct pollfd caught = {reader, POLLIN, 0};
        if (at == got_len) {
            if (poll(&caught, 1, 1000) != 1) return NULL;
            ssize_t n = read(reader, got, sizeof got);
            if (n <= 0) return NULL;
            at = 0;
            got_len = (size_t)n;
        }
        text[len] = got[at++];
        if (text[len] == '\n') {
            text[len] = '\0';
            return text;
        }
        len++;
    }
}

static uint64_t number_after(const char *text, const char *key)
{
    const char *at = strstr(text, key);
    return at != NULL ? strtoull(at + strlen(key), NULL, 10) : UINT64_MAX;
}

/* Nobody reads, and nobody who logs waits; then somebody reads, and has every line that fitted, in
 * its order, errors after the requests had filled their share, and how many are missing. */
static void unread(void **state)
{
    (void)state;
    char text[8192], filler[MUN_EVENT_VALUE_MAX];
    uint64_t written = 6 * (MUN_EVENT_BACKLOG / MUN_EVENT_VALUE_MAX), read_lines = 0;
    memset(filler, 'f', sizeof filler);
    filler[sizeof filler - 1] = '\0';
    mun_event_log_init(MUN_EVENT_LOGFMT, MUN_EVENT_INFO);
    assert_int_equal(mun_event_out_start(NULL), MUN_OK);
    alarm(60);
    for (uint64_t i = 0; i < written; i++) {
        mun_event(MUN_EVENT_INFO, "x", MUN_KV("filler", filler), MUN_KV_NUMBER("n", i));
    }
    uint64_t lost = mun_event_out_lost();
    assert_in_range(lost, written / 2, written - 1);
    mun_event(MUN_EVENT_ERROR, "kept", MUN_KV("a", "b"));
    assert_int_equal(mun_event_out_lost(), lost);
    for (; next_line(text) != NULL && strstr(text, "event=x") != NULL; read_lines++) {
        assert_int_equal(number_after(text, " n="), read_lines);
    }
    assert_non_null(strstr(text, "level=error event=kept a=b"));
    assert_int_equal(read_lines, written - lost);
    assert_non_null(next_line(text));
    assert_non_null(strstr(text, "level=warning event=log_lost"));
    assert_int_equal(number_after(text, "lines="), lost);
    mun_event(MUN_EVENT_INFO, "after", MUN_KV("a", "b"));
    mun_event_out_stop();
    assert_non_null(strstr(next_line(text), "event=after"));
    alarm(0);
}

/* Many write while a slow one reads: lines stay whole and none is told twice or left out silently.
 */
static void *shout(void *ctx)
{
    for (uint64_t i = 0; i < 3000; i++) {
        mun_event(MUN_EVENT_INFO, "x", MUN_KV_NUMBER("who", (uint64_t)(uintptr_t)ctx),
                  MUN_KV_NUMBER("n", i));
    }
    return NULL;
}

static void together(void **state)
{
    (void)state;
    pthread_t threads[4];
    uint64_t next[4] = {0};
    char text[8192];
    mun_event_log_init(MUN_EVENT_LOGFMT, MUN_EVENT_INFO);
    assert_int_equal(mun_event_out_start(NULL), MUN_OK);
    for (uintptr_t i = 0; i < 4; i++) pthread_create(&threads[i], NULL, shout, (void *)i);
    for (int i = 0; i < 4 * 3000; i++) {
        assert_non_null(next_line(text));
        uint64_t who = number_after(text, "who=");
        assert_in_range(who, 0, 3);
        assert_int_equal(number_after(text, " n="), next[who]++);
    }
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    mun_event_out_stop();
    assert_int_equal(mun_event_out_lost(), 0);
}

/* ---- Metrics --------------------------------------------------------------------------------- */

#define THREADS 4
#define ROUNDS  5000

static const mun_route routes[3] = {{.name = "a"}, {.name = "b"}, {.name = "c"}};

static void *work(void *ctx)
{
    mun_metrics *metrics = ctx;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        mun_metrics_count(metrics, MUN_COUNT_REGISTERED, 2);
        mun_metrics_gauge(metrics, MUN_GAUGE_CONNECTIONS, i % 2 == 0 ? 1 : -1);
        mun_metrics_stage(metrics, MUN_STAGE_VERIFY, i * 1000);
        mun_metrics_batch(metrics, i % 70);
        mun_metrics_request(metrics, &routes[i % 3], i % 5 == 0 ? 418 : 200, 1500000, 10);
        mun_metrics_request(metrics, NULL, 404, 1, 0);
    }
    return NULL;
}

static double sample(const char *text, const char *name)
{
    const char *at = text;
    size_t len = strlen(name);
    while ((at = strstr(at, name)) != NULL) {
        if ((at == text || at[-1] == '\n') && at[len] == ' ') return strtod(at + len, NULL);
        at += len;
    }
    fail_msg("no %s", name);
    return -1;
}

static void added_up(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    mun_metrics *metrics = mun_metrics_create();
    mun_buf out = mun_buf_growable(1 << 20);
    assert_non_null(metrics);
    for (size_t i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, metrics);
    mun_metrics_print(metrics, &out); /* while they work */
    mun_buf_clear(&out);
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    mun_metrics_print(metrics, &out);
    mun_buf_u8(&out, '\0');
    assert_true(mun_buf_ok(&out));
    const char *text = (const char *)out.ptr;
    const double all = THREADS * ROUNDS;
    assert_true(sample(text, "muniment_registered_total") == 2 * all);
    assert_true(sample(text, "muniment_open_connections") == 0);
    assert_true(sample(text, "muniment_stage_seconds_count{stage=\"verify\"}") == all);
    assert_true(sample(text, "muniment_stage_seconds_bucket{stage=\"verify\",le=\"+Inf\"}") == all);
    assert_true(sample(text, "muniment_stage_seconds_bucket{stage=\"verify\",le=\"0.00001\"}") ==
                THREADS * 11);
    assert_true(sample(text, "muniment_batch_statements_bucket{le=\"1\"}") ==
                THREADS * 2 * (ROUNDS / 70 + 1));
    assert_true(sample(text, "muniment_http_requests_total{route=\"none\",status=\"404\"}") == all);
    assert_true(sample(text, "muniment_http_requests_total{route=\"a\",status=\"other\"}") > 0);
    assert_true(sample(text, "muniment_http_response_bytes_total{route=\"a\"}") +
                    sample(text, "muniment_http_response_bytes_total{route=\"b\"}") +
                    sample(text, "muniment_http_response_bytes_total{route=\"c\"}") ==
                10 * all);
    assert_true(sample(text, "muniment_http_request_seconds_bucket{route=\"a\",le=\"0.001\"}") ==
                0);
    mun_buf_free(&out);
    mun_metrics_destroy(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(logfmt, catch_errors, let_go),
        cmocka_unit_test_setup_teardown(json_of_anything, catch_errors, let_go),
        cmocka_unit_test_setup_teardown(cut, catch_errors, let_go),
        cmocka_unit_test_setup_teardown(unread, catch_errors, let_go),
        cmocka_unit_test_setup_teardown(together, catch_errors, let_go),
        cmocka_unit_test(added_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
