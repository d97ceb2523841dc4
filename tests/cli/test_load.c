/* SPDX-License-Identifier: Apache-2.0 */
/* The load generator's own parts: the histogram, the reader of answers; the set of known documents.
 */
#include "cli/known_set.h"
#include "cli/latency_histogram.h"
#include "cli/load_wire.h"
#include "support/cmocka_all.h"

#include <muniment/keys.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Histogram ---- */

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Against the sorted values: never less than the true percentile, at most 1/64 more. */
static void percentiles(void **state)
{
    enum { N = 20000 };
    static uint64_t values[N];
    static mun_latencies l;
    static const double parts[] = {0, 0.01, 0.5, 0.9, 0.99, 0.999, 1};
    uint64_t x = 88172645463325252u;
    (void)state;
    for (size_t i = 0; i < N; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        values[i] = (x >> 8) % (UINT64_C(1) << (x % 40));
        mun_latencies_add(&l, values[i]);
    }
    qsort(values, N, sizeof values[0], by_value);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        size_t rank = (size_t)(parts[i] * N);
        uint64_t exact = values[rank > 0 ? rank - 1 : 0], got = mun_latencies_at(&l, parts[i]);
        if (got < exact || got > exact + exact / 64) {
            fail_msg("p%g: %llu for %llu", parts[i], (unsigned long long)got,
                     (unsigned long long)exact);
        }
    }
    assert_int_equal(l.greatest, values[N - 1]);
    assert_int_equal(l.count, N);
}

static void edges(void **state)
{
    static mun_latencies l;
    (void)state;
    assert_int_equal(mun_latencies_at(&l, 0.5), 0);
    for (uint64_t v = 0; v < 300; v++) {
        static mun_latencies one;
        memset(&one, 0, sizeof one);
        mun_latencies_add(&one, v);
        assert_int_equal(mun_latencies_at(&one, 0.5), v);
    }
    mun_latencies_add(&l, UINT64_MAX); /* longer than the scale: the greatest is still exact */
    assert_true(mun_latencies_at(&l, 1) == UINT64_MAX);
    mun_latencies_add(&l, 5);
    assert_int_equal(l.count, 2);
    assert_int_equal(mun_latencies_at(&l, 0.5), 5);
    assert_true(mun_latencies_at(&l, 1) == UINT64_MAX);
}

/* ---- Answers ---- */

/* Every prefix asks for more, the whole is taken, and what follows is left alone. */
static void taken(const char *text, unsigned status, const char *body)
{
    char bytes[512];
    size_t len = strlen(text);
    mun_load_answer a;
    for (size_t i = 0; i < len; i++) {
        memcpy(bytes, text, len);
        if (mun_load_parse((uint8_t *)bytes, i, &a) != MUN_LOAD_MORE) {
            fail_msg("%zu bytes of %s are taken", i, text);
        }
    }
    snprintf(bytes, sizeof bytes, "%sHTTP/1.1 rest", text);
    assert_int_equal(mun_load_parse((uint8_t *)bytes, strlen(bytes), &a), MUN_LOAD_DONE);
    assert_int_equal(a.status, status);
    assert_int_equal(a.whole, len);
    assert_int_equal(a.body.len, strlen(body));
    assert_memory_equal(a.body.ptr, body, a.body.len);
}

static void good_answers(void **state)
{
    mun_load_answer a;
    char text[] = "HTTP/1.1 201 Created\r\nLOCATION:  /x/y \r\ncontent-length: 0\r\n"
                  "Connection: close\r\n\r\n";
    (void)state;
    taken("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello");
    taken("HTTP/1.1 204 x\r\nA: b\r\n\r\n", 204, "");
    taken("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n"
          "0\r\n\r\n",
          200, "abc0123456789");
    assert_int_equal(mun_load_parse((uint8_t *)text, strlen(text), &a), MUN_LOAD_DONE);
    assert_true(a.closes && mun_slice_equal(a.location, MUN_LITERAL("/x/y")));
}

static void broken_answers(void **state)
{
    static const char *const bad[] = {
        "HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n",
        "garbage\r\n\r\n",
        "HTTP/1.1 20x OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char bytes[512];
        mun_load_answer a;
        snprintf(bytes, sizeof bytes, "%s", bad[i]);
        if (mun_load_parse((uint8_t *)bytes, strlen(bytes), &a) != MUN_LOAD_BROKEN) {
            fail_msg("taken: %s", bad[i]);
        }
    }
}

/* ---- Known documents ---- */

static void known_documents(void **state)
{
    enum { N = 5000 };
    mun_crypto crypto;
    mun_known_set set = {0};
    uint8_t id[MUN_HASH_SIZE], other[MUN_HASH_SIZE];
    mun_slice digest = MUN_LITERAL("digest");
    (void)state;
    assert_int_equal(mun_native_crypto_new(&crypto, NULL), MUN_OK);
    mun_known_id(&crypto, MUN_LITERAL("a"), MUN_LITERAL("bc"), digest, id);
    mun_known_id(&crypto, MUN_LITERAL("ab"), MUN_LITERAL("c"), digest, other);
    assert_memory_not_equal(id, other, sizeof id);
    assert_false(mun_known_set_has(&set, id));
    for (uint32_t i = 0; i < N; i++) {
        mun_known_id(&crypto, mun_slice_of(&i, sizeof i), MUN_LITERAL("t"), digest, id);
        assert_false(mun_known_set_has(&set, id));
        assert_int_equal(mun_known_set_put(&set, id, NULL), MUN_OK);
        assert_int_equal(mun_known_set_put(&set, id, NULL), MUN_OK);
    }
    assert_int_equal(set.len, N);
    for (uint32_t i = 0; i < 2 * N; i++) {
        mun_known_id(&crypto, mun_slice_of(&i, sizeof i), MUN_LITERAL("t"), digest, id);
        assert_int_equal(mun_known_set_has(&set, id), i < N);
    }
    mun_known_set_free(&set);
    mun_native_crypto_free(&crypto);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles),     cmocka_unit_test(edges),
        cmocka_unit_test(good_answers),    cmocka_unit_test(broken_answers),
        cmocka_unit_test(known_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
