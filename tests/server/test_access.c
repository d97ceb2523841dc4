/* SPDX-License-Identifier: Apache-2.0 */
/* Rates to the nanosecond, the table when it is full, and an access object whose rules change while
 * requests are inside. Over HTTP: tests/service/test_access.py. */
#include "server/access.h"
#include "server/rate.h"
#include "server/tokens.h"
#include "support/cmocka_all.h"
#include "vfs/files.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define SECOND 1000000000ull

/* ---- Rates ----------------------------------------------------------------------------------- */

static mun_rate *make(size_t slots)
{
    mun_rate *rate;
    assert_int_equal(mun_rate_create(slots, &rate, NULL), MUN_OK);
    return rate;
}

static bool once(mun_rate *rate, uint64_t key, const mun_allowance *a, uint64_t now, unsigned *wait)
{
    uint32_t slot;
    if (!mun_rate_enter(rate, key, a, now, &slot, wait)) return false;
    mun_rate_leave(rate, slot);
    return true;
}

static void burst_and_refill(void **state)
{
    (void)state;
    mun_rate *rate = make(64);
    const mun_allowance a = {.requests_per_second = 4, .burst = 10};
    uint64_t now = 100 * SECOND;
    unsigned wait = 0, good = 0;
    for (int i = 0; i < 30; i++) good += once(rate, 7, &a, now, &wait);
    assert_int_equal(good, 10);
    assert_int_equal(wait, 1);
    now += SECOND / 4 - 1;
    assert_false(once(rate, 7, &a, now, &wait));
    assert_true(once(rate, 7, &a, now + 1, &wait));
    assert_false(once(rate, 7, &a, now + 1, &wait));
    now += 1000 * SECOND; /* a full bucket holds no more than the burst */
    good = 0;
    for (int i = 0; i < 30; i++) good += once(rate, 7, &a, now, &wait);
    assert_int_equal(good, 10);
    assert_true(once(rate, 8, &a, now, &wait));
    mun_rate_destroy(rate);
}

/* One in ten seconds cannot be said; one a second with a burst of one: the wait is a whole second.
 */
static void waits(void **state)
{
    (void)state;
    mun_rate *rate = make(8);
    const mun_allowance a = {.requests_per_second = 1, .burst = 1};
    unsigned wait = 0;
    assert_true(once(rate, 1, &a, SECOND, &wait));
    assert_false(once(rate, 1, &a, SECOND, &wait));
    assert_int_equal(wait, 1);
    assert_false(once(rate, 1, &a, 2 * SECOND - 1, &wait));
    assert_true(once(rate, 1, &a, 2 * SECOND, &wait));
    const mun_allowance no_burst = {.requests_per_second = 3};
    unsigned good = 0;
    for (int i = 0; i < 9; i++) good += once(rate, 2, &no_burst, SECOND, &wait);
    assert_int_equal(good, 3);
    mun_rate_destroy(rate);
}

static void concurrent(void **state)
{
    (void)state;
    mun_rate *rate = make(8);
    const mun_allowance a = {.concurrent = 2};
    uint32_t first, second, third;
    unsigned wait;
    assert_true(mun_rate_enter(rate, 5, &a, SECOND, &first, &wait));
    assert_true(mun_rate_enter(rate, 5, &a, SECOND, &second, &wait));
    assert_false(mun_rate_enter(rate, 5, &a, 9 * SECOND, &third, &wait));
    assert_int_equal(wait, 1);
    mun_rate_leave(rate, first);
    assert_true(mun_rate_enter(rate, 5, &a, SECOND, &third, &wait));
    mun_rate_leave(rate, second);
    mun_rate_leave(rate, third);
    mun_rate_leave(rate, MUN_RATE_NO_SLOT);
    mun_rate_destroy(rate);
}

/* Eight places: a ninth key pushes out the one that owes least, never one that is running; with
 * eight running it goes uncounted. */
static void full_table(void **state)
{
    (void)state;
    mun_rate *rate = make(8);
    const mun_allowance a = {.requests_per_second = 1, .burst = 4, .concurrent = 9};
    uint32_t slots[8], slot;
    unsigned wait;
    for (uint64_t key = 1; key <= 8; key++) {
        for (uint64_t i = 0; i < (key == 3 ? 1 : 3); i++) {
            assert_true(once(rate, key, &a, SECOND, &wait));
        }
    }
    assert_true(once(rate, 99, &a, SECOND, &wait)); /* in the place of 3 */
    assert_true(once(rate, 1, &a, SECOND, &wait));
    assert_false(once(rate, 1, &a, SECOND, &wait)); /* 1 was not forgotten */
    mun_rate_destroy(rate);
    rate = make(8);
    for (uint64_t key = 1; key <= 8; key++) {
        assert_true(mun_rate_enter(rate, key, &a, SECOND, &slots[key - 1], &wait));
    }
    assert_true(mun_rate_enter(rate, 99, &a, SECOND, &slot, &wait));
    assert_int_equal(slot, MUN_RATE_NO_SLOT);
    for (int i = 0; i < 8; i++) mun_rate_leave(rate, slots[i]);
    mun_rate_destroy(rate);
}

static void keys(void **state)
{
    (void)state;
    mun_rate *rate = make(8), *other = make(8);
    uint64_t key = mun_rate_key(rate, 1, MUN_LITERAL("192.0.2.1"));
    assert_true(key == mun_rate_key(rate, 1, MUN_LITERAL("192.0.2.1")));
    assert_true(key != mun_rate_key(rate, 2, MUN_LITERAL("192.0.2.1")));
    assert_true(key != mun_rate_key(rate, 1, MUN_LITERAL("192.0.2.10")));
    assert_true(key != mun_rate_key(other, 1, MUN_LITERAL("192.0.2.1")));
    mun_rate_destroy(rate);
    mun_rate_destroy(other);
}

/* ---- Access ---------------------------------------------------------------------------------- */

static const mun_route read_route = {.name = "r", .scope = MUN_SCOPE_READ};

typedef struct world {
    char folder[MUN_PATH_BYTES_MAX];
    char tokens[MUN_PATH_BYTES_MAX + 16];
    char text[MUN_TOKEN_CHARS + 1];
    mun_access_options options;
    mun_access *access;
} world;

static void write_tokens(world *w, const mun_token *token)
{
    mun_token copy = *token;
    mun_token_list list = {.tokens = &copy, .len = 1};
    mun_buf text = mun_buf_growable(4096);
    mun_token_list_put(&text, &list);
    assert_int_equal(
        mun_file_write(w->tokens, mun_buf_slice(&text), MUN_WRITE_REPLACE | MUN_WRITE_SECRET, NULL),
        MUN_OK);
    mun_buf_free(&text);
}

static void world_open(world *w)
{
    mun_token token = {.principal = {.name = "x", .scopes = MUN_SCOPE_READ}, .created = 1};
    *w = (world){.options = {.principals = make(64), .addresses = make(64)}};
    assert_int_equal(mun_dir_make_temp(NULL, w->folder, NULL), MUN_OK);
    snprintf(w->tokens, sizeof w->tokens, "%s/tokens", w->folder);
    assert_int_equal(mun_token_make(w->text, token.hash, NULL), MUN_OK);
    write_tokens(w, &token);
    w->options.tokens_file = w->tokens;
    w->options.per_principal = (mun_allowance){.concurrent = 4};
    assert_int_equal(mun_access_create(&w->options, &w->access, NULL), MUN_OK);
}

static void world_close(world *w)
{
    mun_access_give(w->access);
    mun_rate_destroy(w->options.principals);
    mun_rate_destroy(w->options.addresses);
    assert_int_equal(mun_dir_remove_all(w->folder, NULL), MUN_OK);
}

/* 0 when admitted, else the status. */
static unsigned enter(mun_access *access, const char *token, uint64_t length, mun_admitted *ret)
{
    char field[128];
    mun_request request = {.address = "192.0.2.1", .path = MUN_LITERAL("/checkpoint")};
    mun_response response = {.body = mun_buf_growable(4096)};
    snprintf(field, sizeof field, "Bearer %s", token != NULL ? token : "");
    if (token != NULL) request.fields[MUN_FIELD_AUTHORIZATION] = mun_slice_cstr(field);
    bool in = mun_access_enter(access, &request, &read_route, length, SECOND, ret, &response);
    mun_buf_free(&response.body);
    return in ? 0 : response.status;
}

static void rules_change(void **state)
{
    (void)state;
    world w;
    mun_admitted inside, later;
    bool changed;
    world_open(&w);
    assert_int_equal(enter(w.access, w.text, 0, &inside), 0);
    assert_string_equal(inside.principal->name, "x");
    assert_int_equal(enter(w.access, NULL, 0, &later), 401);
    assert_int_equal(mun_access_refresh(w.access, &changed, NULL), MUN_OK);
    assert_false(changed);
    mun_token other = {.principal = {.name = "y", .scopes = MUN_SCOPE_SUBMIT}, .created = 1};
    write_tokens(&w, &other);
    assert_int_equal(mun_access_refresh(w.access, &changed, NULL), MUN_OK);
    assert_true(changed);
    assert_int_equal(enter(w.access, w.text, 0, &later), 401);
    assert_string_equal(inside.principal->name, "x"); /* still there for who is inside */
    mun_access_leave(&inside);
    mun_access_leave(&inside); /* harmless */
    assert_int_equal(mun_file_remove(w.tokens, NULL), MUN_OK);
    assert_int_not_equal(mun_access_refresh(w.access, &changed, NULL), MUN_OK);
    assert_true(changed);
    assert_int_not_equal(mun_access_refresh(w.access, &changed, NULL), MUN_OK);
    assert_false(changed); /* it is still refused, which was told */
    write_tokens(&w, &other);
    assert_int_equal(mun_access_refresh(w.access, &changed, NULL), MUN_OK);
    assert_true(changed);
    assert_int_equal(mun_access_refresh(w.access, &changed, NULL), MUN_OK);
    assert_false(changed);
    w.options.tokens_file = NULL;
    w.options.open_scopes = MUN_SCOPE_READ;
    w.options.per_address.body_bytes = 100;
    assert_false(mun_access_open(w.access, MUN_SCOPE_READ));
    assert_int_equal(mun_access_update(w.access, &w.options, NULL), MUN_OK);
    assert_true(mun_access_open(w.access, MUN_SCOPE_READ));
    assert_int_equal(enter(w.access, NULL, 101, &later), 413);
    assert_int_equal(enter(w.access, NULL, MUN_NO_OFFSET, &later), 0);
    assert_int_equal(later.body_max, 100);
    mun_access_leave(&later);
    world_close(&w);
}

/* The object may go while a request is inside; the request's own reference keeps it. */
static void given_back_while_inside(void **state)
{
    (void)state;
    world w;
    mun_admitted inside;
    world_open(&w);
    assert_int_equal(enter(w.access, w.text, 0, &inside), 0);
    mun_access_give(w.access);
    w.access = NULL;
    assert_string_equal(inside.principal->name, "x");
    mun_access_leave(&inside);
    world_close(&w);
}

static void without_rules(void **state)
{
    (void)state;
    mun_admitted admitted;
    assert_int_equal(enter(NULL, NULL, 0, &admitted), 0);
    assert_string_equal(admitted.principal->name, "anyone");
    mun_access_leave(&admitted);
}

/* ---- Many threads ---------------------------------------------------------------------------- */

typedef struct crowd {
    world w;
    atomic_bool stop;
    atomic_uint admitted, most, inside;
} crowd;

static void *come_and_go(void *ctx)
{
    crowd *c = ctx;
    while (!atomic_load(&c->stop)) {
        mun_admitted admitted;
        if (enter(c->w.access, c->w.text, 0, &admitted) != 0) continue;
        unsigned inside = atomic_fetch_add(&c->inside, 1) + 1;
        if (inside > atomic_load(&c->most)) atomic_store(&c->most, inside);
        atomic_fetch_add(&c->admitted, 1);
        atomic_fetch_sub(&c->inside, 1);
        mun_access_leave(&admitted);
    }
    return NULL;
}

static void many_threads(void **state)
{
    (void)state;
    static crowd c;
    pthread_t threads[6];
    world_open(&c.w);
    for (size_t i = 0; i < 6; i++) pthread_create(&threads[i], NULL, come_and_go, &c);
    /* At least so often, and until somebody came in: a busy machine starts threads late. */
    for (int i = 0; i < 200 || (atomic_load(&c.admitted) == 0 && i < 1000000); i++) {
        assert_int_equal(mun_access_update(c.w.access, &c.w.options, NULL), MUN_OK);
    }
    atomic_store(&c.stop, true);
    for (size_t i = 0; i < 6; i++) pthread_join(threads[i], NULL);
    assert_true(atomic_load(&c.admitted) > 0);
    assert_true(atomic_load(&c.most) <= 4); /* concurrent = 4, whatever was updated meanwhile */
    world_close(&c.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(burst_and_refill),
        cmocka_unit_test(waits),
        cmocka_unit_test(concurrent),
        cmocka_unit_test(full_table),
        cmocka_unit_test(keys),
        cmocka_unit_test(rules_change),
        cmocka_unit_test(given_back_while_inside),
        cmocka_unit_test(without_rules),
        cmocka_unit_test(many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
