/* SPDX-License-Identifier: Apache-2.0 */
/* mun_fetch against a server of a few lines that says what the test tells it to. */
#include "fetch/fetch_parts.h"
#include "support/cmocka_all.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* One answer for each connection, in turn; the last one again and again. NULL: cut it. */
typedef struct server {
    int listener;
    char url[64];
    const char *const *answers;
    size_t answers_len;
    atomic_uint asked;
    char question[4096]; /* the last one */
    pthread_t thread;
} server;

static void answer_one(server *s, int fd)
{
    unsigned n = atomic_fetch_add(&s->asked, 1);
    const char *answer = s->answers[n < s->answers_len ? n : s->answers_len - 1];
    size_t len = 0;
    s->question[0] = '\0';
    while (strstr(s->question, "\r\n\r\n") == NULL && len + 1 < sizeof s->question) {
        ssize_t got = read(fd, s->question + len, sizeof s->question - 1 - len);
        if (got <= 0) break;
        len += (size_t)got;
        s->question[len] = '\0';
    }
    if (answer != NULL) assert_int_equal(write(fd, answer, strlen(answer)), strlen(answer));
    shutdown(fd, SHUT_RDWR);
    close(fd);
}

static void *serve(void *arg)
{
    server *s = arg;
    for (int fd; (fd = accept(s->listener, NULL, NULL)) >= 0;) answer_one(s, fd);
    return NULL;
}

static void start(server *s, const char *const *answers, size_t n)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    memset(s, 0, sizeof *s);
    s->answers = answers;
    s->answers_len = n;
    s->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(s->listener, 16), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&a, &len), 0);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", ntohs(a.sin_port));
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop(server *s)
{
    shutdown(s->listener, SHUT_RDWR);
    close(s->listener);
    pthread_join(s->thread, NULL);
}

typedef struct waits {
    unsigned n;
    unsigned ms[16];
} waits;

static void count_wait(void *ctx, unsigned ms, const char *why)
{
    waits *w = ctx;
    assert_non_null(why);
    if (w->n < 16) w->ms[w->n++] = ms;
}

static mun_fetch *opened(waits *w, const char *token, unsigned attempts)
{
    mun_fetch *fetch;
    mun_error err;
    mun_fetch_options options = {
        .token = token, .waiting = count_wait, .waiting_ctx = w, .attempts = attempts};
    if (mun_fetch_open(&options, &fetch, &err) != MUN_OK) fail_msg("%s", err.text);
    return fetch;
}

#define ANSWERS(...)                                                                               \
    (const char *const[]){__VA_ARGS__},                                                            \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)
#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"

static void fields(void **state)
{
    server s;
    waits w = {0};
    mun_fetch_answer a = {0};
    mun_fetch *fetch = opened(&w, "t-o.k~e+n/=", 1);
    (void)state;
    start(&s, ANSWERS("HTTP/1.1 201 Created\r\nCONTENT-TYPE: Application/COSE; x=y\r\n"
                      "Location:  /entries/x \r\nETag: \"e\"\r\nX-Request-Id: 7\r\n"
                      "Content-Location: /v1/entries/1\r\nRetry-After: 3\r\nContent-Length: 2\r\n"
                      "Connection: close\r\n\r\nhi"));
    mun_fetch_request request = {.url = s.url,
                                 .post = true,
                                 .accept = "a/b",
                                 .content_type = "c/d",
                                 .body = MUN_LITERAL("body"),
                                 .body_max = 10};
    assert_int_equal(mun_fetch_run(fetch, &request, &a, NULL), MUN_OK);
    assert_int_equal(a.status, 201);
    assert_string_equal(a.content_type, "application/cose");
    assert_string_equal(a.location, "/entries/x");
    assert_string_equal(a.etag, "\"e\"");
    assert_string_equal(a.content_location, "/v1/entries/1");
    assert_string_equal(a.request_id, "7");
    assert_int_equal(a.retry_after, 3);
    assert_memory_equal(a.body.ptr, "hi", 2);
    assert_int_equal(a.body.len, 2);
    assert_non_null(strstr(s.question, "POST / HTTP/1.1\r\n"));
    assert_non_null(strstr(s.question, "\r\nAuthorization: Bearer t-o.k~e+n/=\r\n"));
    assert_non_null(strstr(s.question, "\r\nAccept: a/b\r\n"));
    assert_non_null(strstr(s.question, "\r\nContent-Type: c/d\r\n"));
    assert_null(strstr(s.question, "Expect:"));
    stop(&s);
    mun_fetch_answer_free(&a);
    mun_fetch_close(fetch);
}

static void tried_again(void **state)
{
    server s;
    waits w = {0};
    mun_fetch_answer a = {0};
    mun_fetch *fetch = opened(&w, NULL, 0);
    (void)state;
    start(&s, ANSWERS(NULL, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                      "HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
                      "Connection: close\r\n\r\n",
                      OK_ANSWER));
    mun_fetch_request request = {.url = s.url, .body_max = 10};
    assert_int_equal(mun_fetch_run(fetch, &request, &a, NULL), MUN_OK);
    assert_int_equal(a.status, 200);
    assert_int_equal(atomic_load(&s.asked), 4);
    assert_int_equal(w.n, 3);
    assert_int_equal(w.ms[0], MUN_FETCH_WAIT_FIRST);
    assert_int_equal(w.ms[1], 2 * MUN_FETCH_WAIT_FIRST);
    assert_true(w.ms[2] >= 1000); /* what was asked for is the least */
    stop(&s);
    mun_fetch_answer_free(&a);
    mun_fetch_close(fetch);
}

/* The last answer is handed over; other statuses are not tried again. */
static void given_up(void **state)
{
    static const struct {
        const char *answer;
        unsigned asked, status;
    } cases[] = {
        {"HTTP/1.1 503 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 2, 503},
        {"HTTP/1.1 500 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 1, 500},
        {"HTTP/1.1 404 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 1, 404},
        {"HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n"
         "Connection: close\r\n\r\n",
         1, 302},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        server s;
        waits w = {0};
        mun_fetch_answer a = {0};
        mun_fetch *fetch = opened(&w, NULL, 2);
        start(&s, ANSWERS(cases[i].answer));
        mun_fetch_request request = {.url = s.url, .body_max = 10};
        assert_int_equal(mun_fetch_run(fetch, &request, &a, NULL), MUN_OK);
        assert_int_equal(a.status, cases[i].status);
        assert_int_equal(atomic_load(&s.asked), cases[i].asked);
        stop(&s);
        mun_fetch_answer_free(&a);
        mun_fetch_close(fetch);
    }
}

static void limits(void **state)
{
    server s;
    waits w = {0};
    mun_error err;
    mun_fetch_answer a = {0};
    mun_fetch *fetch = opened(&w, NULL, 3);
    (void)state;
    start(&s, ANSWERS(OK_ANSWER));
    mun_fetch_request request = {.url = s.url, .body_max = 1};
    assert_int_equal(mun_fetch_run(fetch, &request, &a, &err), MUN_E_LIMIT);
    assert_int_equal(atomic_load(&s.asked), 1); /* it would be as long the next time */
    request.body_max = 2;
    assert_int_equal(mun_fetch_run(fetch, &request, &a, &err), MUN_OK);
    assert_int_equal(a.body.len, 2);
    stop(&s);
    request.url = "http://log.example.org/";
    assert_int_equal(mun_fetch_run(fetch, &request, &a, &err), MUN_E_USAGE);
    assert_non_null(strstr(err.text, "--plain-http"));
    assert_int_equal(mun_fetch_wait(fetch, 0, MUN_FETCH_RETRY_AFTER + 1, "why", &err), MUN_E_AGAIN);
    mun_fetch_answer_free(&a);
    mun_fetch_close(fetch);
}

static bool always(void)
{
    return true;
}

static void stopped(void **state)
{
    mun_fetch *fetch;
    mun_error err;
    mun_fetch_answer a = {0};
    mun_fetch_options options = {.stopped = always};
    mun_fetch_request request = {.url = "http://127.0.0.1:1/", .body_max = 10};
    (void)state;
    assert_int_equal(mun_fetch_open(&options, &fetch, &err), MUN_OK);
    assert_int_equal(mun_fetch_run(fetch, &request, &a, &err), MUN_E_AGAIN);
    mun_fetch_answer_free(&a);
    mun_fetch_close(fetch);
    mun_fetch_close(NULL);
    mun_fetch_answer_free(NULL);
}

/* What is no token could be a second field; it is in no message either. */
static void tokens(void **state)
{
    static const char *const bad[] = {"", "two words", "a\r\nX: y", "quote\"", "\xff"};
    char long_token[MUN_FETCH_TOKEN_MAX + 2];
    mun_fetch *fetch;
    mun_error err;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mun_fetch_options options = {.token = bad[i]};
        assert_int_equal(mun_fetch_open(&options, &fetch, &err), MUN_E_USAGE);
        if (bad[i][0] != '\0') assert_null(strstr(err.text, bad[i]));
    }
    memset(long_token, 'a', sizeof long_token);
    long_token[sizeof long_token - 1] = '\0';
    mun_fetch_options options = {.token = long_token};
    assert_int_equal(mun_fetch_open(&options, &fetch, &err), MUN_E_USAGE);
    options.token = long_token + 1;
    assert_int_equal(mun_fetch_open(&options, &fetch, &err), MUN_OK);
    mun_fetch_close(fetch);
}

/* ---- What libcurl is told about authorities ---- */

static bool capath_gone, verifies_peer, verifies_host;
static char ca_seen[64];

static CURLcode told(CURL *curl, CURLoption option, ...)
{
    va_list args;
    (void)curl;
    va_start(args, option);
    if (option == CURLOPT_CAPATH) capath_gone = va_arg(args, char *) == NULL;
    if (option == CURLOPT_CAINFO) snprintf(ca_seen, sizeof ca_seen, "%s", va_arg(args, char *));
    if (option == CURLOPT_SSL_VERIFYPEER) verifies_peer = va_arg(args, long) == 1;
    if (option == CURLOPT_SSL_VERIFYHOST) verifies_host = va_arg(args, long) == 2;
    va_end(args);
    return CURLE_OK;
}

static CURLcode fails(CURL *curl)
{
    (void)curl;
    return CURLE_COULDNT_CONNECT;
}

/* --ca-file stands instead of the system's authorities: libcurl would go on to look into their
 * folder. */
static void authorities(void **state)
{
    mun_fetch *fetch;
    mun_error err;
    mun_fetch_answer a = {0};
    mun_fetch_options options = {.ca_file = "/x/ca.pem", .attempts = 1};
    mun_fetch_request request = {.url = "https://ledger.example/", .body_max = 10};
    (void)state;
    assert_int_equal(mun_fetch_open(&options, &fetch, &err), MUN_OK);
    const mun_curl *real = fetch->curl;
    mun_curl fake = *real;
    fake.easy_setopt = told;
    fake.easy_perform = fails;
    fetch->curl = &fake;
    assert_int_equal(mun_fetch_run(fetch, &request, &a, &err), MUN_E_AGAIN);
    fetch->curl = real;
    assert_true(capath_gone && verifies_peer && verifies_host);
    assert_string_equal(ca_seen, "/x/ca.pem");
    mun_fetch_answer_free(&a);
    mun_fetch_close(fetch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),      cmocka_unit_test(tried_again), cmocka_unit_test(given_up),
        cmocka_unit_test(limits),      cmocka_unit_test(stopped),     cmocka_unit_test(tokens),
        cmocka_unit_test(authorities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
