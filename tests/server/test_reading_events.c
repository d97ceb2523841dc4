/* SPDX-License-Identifier: Apache-2.0 */
/* The stream of events: what is sent is checked against the ledger itself. */
#include "server/reading_world.h"
#include "support/cmocka_all.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

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
    assert_int_equal(reading_ask(r, "/v1/events?after=4"), 200);
    assert_string_equal(r->response.content_type, "text/event-stream");
    drain(r, text, sizeof text - 1, 7, false);
    ids_are(text, 5, 8);
    assert_int_equal(drain(r, text, sizeof text - 1, 4096, false), 0);
    reading_one_more(r, 200);
    drain(r, text, sizeof text - 1, 1, false);
    ids_are(text, 8, 9);
    drain(r, text, sizeof text - 1, 100, true);
    assert_string_equal(text, ":\n\n");
    r->response.stream.close(r->response.stream.ctx);
    assert_int_equal(reading_ask_with(r, "/v1/events?after=1", MUN_FIELD_LAST_EVENT_ID, "6"), 200);
    drain(r, text, sizeof text - 1, 4096, false);
    ids_are(text, 7, 9);
    r->response.stream.close(r->response.stream.ctx);
    assert_int_equal(reading_ask(r, "/v1/events"), 200);
    drain(r, text, sizeof text - 1, 4096, false);
    ids_are(text, 0, 9);
    r->response.stream.close(r->response.stream.ctx);
    assert_int_equal(reading_ask_with(r, "/v1/events", MUN_FIELD_LAST_EVENT_ID, "x"), 400);
    reading_refused(r, "/v1/events?after=-1", 400, "after");
    assert_int_equal(reading_ask_with(r, "/v1/events", MUN_FIELD_ACCEPT, "application/json"), 406);
}

/* More entries than a page has, and a stream that is ahead of the ledger. */
static void many_events(void **state)
{
    reading *r = *state;
    static char text[1 << 20];
    for (unsigned i = 0; i < 150; i++) reading_one_more(r, 1000 + i);
    assert_int_equal(reading_ask(r, "/v1/events?after=2"), 200);
    drain(r, text, sizeof text - 1, 1000, false);
    ids_are(text, 3, 158);
    r->response.stream.close(r->response.stream.ctx);
    assert_int_equal(reading_ask(r, "/v1/events?after=158"), 200);
    drain(r, text, sizeof text - 1, 1000, false);
    reading_one_more(r, 2000);
    assert_int_equal(drain(r, text, sizeof text - 1, 1000, false), 0);
    reading_one_more(r, 2001);
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
    assert_int_equal(reading_ask(r, "/v1/events?after=1"), 200);
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
    for (unsigned i = 0; i < 90; i++) reading_one_more(r, 5000 + i);
    assert_int_equal(reading_ask(r, "/v1/events?after=3"), 200);
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
    assert_int_equal(reading_ask(r, target), 200);
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
    reading_one_more(r, 300);
    assert_int_equal(other.read(other.ctx, (uint8_t *)text, sizeof text, false), MUN_STREAM_FETCH);
    assert_int_equal(apart.read(apart.ctx, (uint8_t *)text, sizeof text, false), MUN_STREAM_FETCH);
    one.close(one.ctx);
    other.close(other.ctx);
    apart.close(apart.ctx);
}

/* ---- Tiles -------------------------------------------------------------------------------------
 */

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, reading_set_up, reading_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(events),
        TEST(many_events),
        TEST(events_to_fetch),
        TEST(events_fetched_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
