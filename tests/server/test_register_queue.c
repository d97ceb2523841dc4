/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue's promises, with real ledgers and many threads (TSan runs this too): each job is
 * answered exactly once and with its own receipt, the queue is bounded, ledgers take turns, and
 * ending it answers what waits.
 */
#include "server/backend.h"
#include "server/scrapi.h"
#include "server/server_world.h"
#include "server/work_queue.h"

#include "support/cmocka_all.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Each its own answer --------------------------------------------------------------------- */

#define CLIENTS 12
#define ROUNDS  20
#define SHARED  5 /* statements that several clients send */

typedef struct client {
    pthread_t thread;
    server_world *s;
    unsigned number;
    unsigned failures;
} client;

static bool answered_right(exchange *e, const made *statement, uint64_t *ret_index)
{
    mun_statement parsed;
    uint8_t leaf[MUN_HASH_SIZE], root[MUN_HASH_SIZE];
    char location[MUN_LOCATION_MAX];
    mun_receipt receipt;
    mun_crypto crypto;
    if (mun_native_crypto_new(&crypto, NULL) != MUN_OK) return false;
    bool good = mun_statement_parse(made_slice(statement), &parsed, NULL) == MUN_OK;
    if (good) mun_statement_leaf(&crypto, &parsed, leaf);
    mun_scrapi_location(leaf, location);
    good =
        good && e->response.status == 201 && strcmp(e->response.location, location) == 0 &&
        mun_receipt_parse(mun_buf_slice(&e->response.body), &receipt, NULL) == MUN_OK &&
        mun_receipt_check(&crypto, &receipt, leaf,
                          &mun_served_identity(e->request.served)->receipts, root, NULL) == MUN_OK;
    mun_native_crypto_free(&crypto);
    *ret_index = e->response.entry;
    return good;
}

static void *client_run(void *ctx)
{
    client *c = ctx;
    exchange e;
    made statement;
    uint64_t index = 0;
    exchange_open(&e, c->s, c->s->served, "/entries");
    e.request.fields[MUN_FIELD_CONTENT_TYPE] = MUN_LITERAL("application/cose");
    for (unsigned round = 0; round < ROUNDS; round++) {
        bool shared = round % 4 == 0, bad = round % 7 == 3;
        unsigned n = shared ? round % SHARED : 100 + c->number * ROUNDS + round;
        world_sign(&c->s->ledger->issuer, bad ? "https://nobody.example" : WORLD_ISSUER, "s", n,
                   &statement);
        e.request.body = made_slice(&statement);
        if (!exchange_submit(&e, c->s->service.registrations) || e.done != 1) {
            c->failures++;
        } else if (bad) {
            if (e.response.status != 400) c->failures++;
        } else if (!answered_right(&e, &statement, &index)) {
            c->failures++;
        }
    }
    exchange_close(&e);
    return NULL;
}

static void each_job_its_own_answer(void **state)
{
    server_world *s = *state;
    client clients[CLIENTS] = {{0}};
    server_world_queue(s, 4, 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = (client){.s = s, .number = i};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, client_run, &clients[i]), 0);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        pthread_join(clients[i].thread, NULL);
        assert_int_equal(clients[i].failures, 0);
    }
    mun_ledger *ledger = NULL;
    must(mun_served_use(s->served, true, &ledger, err));
    /* The signatures differ each time (ECDSA), so "shared" ones are distinct entries as well. */
    uint64_t bad = CLIENTS * 3; /* rounds 3, 10, 17 */
    assert_int_equal(mun_ledger_tree(ledger).size, 2 + CLIENTS * ROUNDS - bad);
    mun_served_done(s->served, ledger, MUN_OK);
}

/* ---- A backend that waits for a sign --------------------------------------------------------- */

typedef struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool open;
    unsigned calls;
    size_t most;      /* statements in one call */
    char order[4096]; /* of the calls: first byte of each call's first statement */
    size_t order_len;
} gate;

static void gate_init(gate *g)
{
    *g = (gate){0};
    pthread_mutex_init(&g->mutex, NULL);
    pthread_cond_init(&g->changed, NULL);
}

static void gate_open(gate *g)
{
    pthread_mutex_lock(&g->mutex);
    g->open = true;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->mutex);
}

static mun_code gate_submit(void *ctx, mun_ledger *ledger, const mun_slice *statements, size_t n,
                            mun_registration *ret, bool *ret_pending, mun_buf *ret_receipts,
                            mun_error *err)
{
    gate *g = ctx;
    (void)ledger;
    (void)ret_pending;
    (void)err;
    pthread_mutex_lock(&g->mutex);
    g->calls++;
    if (n > g->most) g->most = n;
    if (g->order_len < sizeof g->order) g->order[g->order_len++] = (char)statements[0].ptr[0];
    pthread_cond_broadcast(&g->changed);
    while (!g->open) pthread_cond_wait(&g->changed, &g->mutex);
    pthread_mutex_unlock(&g->mutex);
    for (size_t i = 0; i < n; i++) {
        ret[i] = (mun_registration){.index = statements[i].ptr[0]};
        mun_buf_put(&ret_receipts[i], statements[i]);
    }
    return MUN_OK;
}

static mun_fate gate_fate(void *ctx, const uint8_t leaf[MUN_HASH_SIZE], mun_error *ret_why)
{
    (void)ctx;
    (void)leaf;
    (void)ret_why;
    return MUN_FATE_UNKNOWN;
}

static void wait_for_calls(gate *g, unsigned calls)
{
    pthread_mutex_lock(&g->mutex);
    while (g->calls < calls) pthread_cond_wait(&g->changed, &g->mutex);
    pthread_mutex_unlock(&g->mutex);
}

static void prepare(exchange *e, server_world *s, mun_served *served, const char *body)
{
    exchange_open(e, s, served, "/entries");
    e->request.fields[MUN_FIELD_CONTENT_TYPE] = MUN_LITERAL("application/cose");
    e->request.body = mun_slice_cstr(body);
}

#define JOBS 150

/* The worker is held in its first turn; what comes meanwhile waits, and no more than the queue
 * holds. Then it goes in turns of at most MUN_REGISTER_TURN, in order. */
static void bounded_and_in_turns(void **state)
{
    server_world *s = *state;
    gate g;
    static exchange e[JOBS];
    gate_init(&g);
    const mun_backend backend = {&g, gate_submit, gate_fate, 1};
    mun_served *served = server_world_add(
        s, &(mun_served_options){
               .name = "g", .directory = s->ledger->path, .base = "/g", .backend = &backend});
    mun_served_remove(s->service.ledgers, s->served); /* alone, it may fill the queue */
    server_world_queue(s, 1, JOBS - 10);
    mun_register_queue *queue = s->service.registrations;
    for (size_t i = 0; i < JOBS; i++) prepare(&e[i], s, served, "a");
    assert_true(mun_register_submit(queue, &e[0].job));
    wait_for_calls(&g, 1);
    size_t taken = 1;
    while (taken < JOBS && mun_register_submit(queue, &e[taken].job)) taken++;
    assert_int_equal(taken, 1 + JOBS - 10);
    long waiting = server_metric(s->service.metrics, "muniment_register_queue");
    gate_open(&g);
    for (size_t i = 0; i < taken; i++) exchange_wait(&e[i]);
    assert_int_equal(waiting, JOBS - 10);
    assert_int_equal(server_metric(s->service.metrics, "muniment_register_queue"), 0);
    assert_int_equal(g.most, MUN_REGISTER_TURN);
    assert_int_equal(g.calls, 1 + (JOBS - 10 + MUN_REGISTER_TURN - 1) / MUN_REGISTER_TURN);
    for (size_t i = 0; i < JOBS; i++) {
        assert_int_equal(e[i].done, i < taken ? 1 : 0);
        exchange_close(&e[i]);
    }
    mun_served_remove(s->service.ledgers, served);
}

/* One ledger with three turns' worth of work does not make the other two wait for it. */
static void ledgers_take_turns(void **state)
{
    server_world *s = *state;
    gate g;
    static exchange e[3 * MUN_REGISTER_TURN + 3];
    size_t n = 0;
    gate_init(&g);
    const mun_backend backend = {&g, gate_submit, gate_fate, 1};
    mun_served *served[3];
    static const char *const names[] = {"a", "b", "c"};
    static const char *const bases[] = {"/a", "/b", "/c"};
    for (size_t i = 0; i < 3; i++) {
        served[i] = server_world_add(s, &(mun_served_options){.name = names[i],
                                                              .directory = s->ledger->path,
                                                              .base = bases[i],
                                                              .read_only = false,
                                                              .backend = &backend});
    }
    server_world_queue(s, 1, 0);
    mun_register_queue *queue = s->service.registrations;
    prepare(&e[n], s, served[0], "0");
    assert_true(mun_register_submit(queue, &e[n++].job));
    wait_for_calls(&g, 1);
    for (size_t i = 0; i < 3 * MUN_REGISTER_TURN; i++) {
        prepare(&e[n], s, served[0], "a");
        assert_true(mun_register_submit(queue, &e[n++].job));
    }
    for (size_t i = 1; i < 3; i++) {
        prepare(&e[n], s, served[i], names[i]);
        assert_true(mun_register_submit(queue, &e[n++].job));
    }
    gate_open(&g);
    for (size_t i = 0; i < n; i++) exchange_wait(&e[i]);
    /* b and c cannot be opened (the directory is locked by a), so they do not reach the backend,
     * but they were answered; a's turns are whole. */
    assert_int_equal(g.order_len, 4);
    assert_memory_equal(g.order, "0aaa", 4);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(e[i].response.status, i < n - 2 ? 201 : 503);
        exchange_close(&e[i]);
    }
    for (size_t i = 0; i < 3; i++) mun_served_remove(s->service.ledgers, served[i]);
}

/* A ledger whose disk does not answer leaves a worker at least; another is served all the while. */
static void leaves_workers(server_world *s, mun_served *hung, const mun_backend *backend,
                           unsigned workers)
{
    gate *g = backend->ctx;
    exchange e[12], other;
    unsigned most = (unsigned)sysconf(_SC_NPROCESSORS_ONLN) + 1;
    if (most > mun_work_share_max(workers)) most = (unsigned)mun_work_share_max(workers);
    server_world_queue(s, workers, 0);
    for (unsigned i = 0; i < 12; i++) {
        prepare(&e[i], s, hung, "h");
        assert_true(mun_register_submit(s->service.registrations, &e[i].job));
        if (i < most) wait_for_calls(g, i + 1);
    }
    made statement;
    world_statement(s->ledger, 1, &statement);
    exchange_open(&other, s, s->served, "/entries");
    assert_int_equal(exchange_post(&other, made_slice(&statement)), 201);
    exchange_close(&other);
    assert_int_equal(g->calls, most);
    gate_open(g);
    for (size_t i = 0; i < 12; i++) {
        exchange_wait(&e[i]);
        assert_int_equal(e[i].response.status, 201);
        exchange_close(&e[i]);
    }
    assert_in_range(g->calls, most + 1, 12);
    mun_register_queue_destroy(s->service.registrations);
    s->service.registrations = NULL;
}

static void a_hung_ledger_leaves_workers(void **state)
{
    server_world *s = *state;
    gate g;
    const mun_backend backend = {&g, gate_submit, gate_fate, 1};
    char path[MUN_PATH_BYTES_MAX];
    snprintf(path, sizeof path, "%.4000s/hung", s->ledger->folder);
    mun_ledger_create_options options = {.origin = MUN_LITERAL("ledger.example/hung")};
    must(mun_ledger_create(path, &options, err));
    mun_served *hung = server_world_add(
        s, &(mun_served_options){
               .name = "hung", .directory = path, .base = "/hung", .backend = &backend});
    for (unsigned workers = 2; workers <= 6; workers++) {
        gate_init(&g);
        leaves_workers(s, hung, &backend, workers);
    }
    mun_served_remove(s->service.ledgers, hung);
}

/* Nor does it take all places: however many want to register there, another ledger's are taken. */
static void a_hung_ledger_leaves_places(void **state)
{
    server_world *s = *state;
    gate g;
    static exchange e[JOBS];
    exchange other;
    gate_init(&g);
    const mun_backend backend = {&g, gate_submit, gate_fate, 1};
    mun_served *hung = server_world_add(
        s, &(mun_served_options){
               .name = "g", .directory = s->ledger->path, .base = "/g", .backend = &backend});
    server_world_queue(s, 1, 64);
    size_t taken = 0;
    for (size_t i = 0; i < JOBS; i++) prepare(&e[i], s, hung, "h");
    while (taken < JOBS && mun_register_submit(s->service.registrations, &e[taken].job)) {
        if (taken++ == 0) wait_for_calls(&g, 1);
    }
    assert_int_equal(taken, 1 + 56); /* seven eighths of 64 wait */
    prepare(&other, s, s->served, "o");
    assert_true(mun_register_submit(s->service.registrations, &other.job));
    gate_open(&g);
    exchange_wait(&other);
    exchange_close(&other);
    for (size_t i = 0; i < JOBS; i++) {
        if (i < taken) exchange_wait(&e[i]);
        exchange_close(&e[i]);
    }
    mun_served_remove(s->service.ledgers, hung);
}

/* What waits when the queue ends is answered first. */
static void ending_serves_what_waits(void **state)
{
    server_world *s = *state;
    gate g;
    exchange e[20];
    gate_init(&g);
    const mun_backend backend = {&g, gate_submit, gate_fate, 1};
    mun_served *served = server_world_add(
        s, &(mun_served_options){
               .name = "g", .directory = s->ledger->path, .base = "/g", .backend = &backend});
    server_world_queue(s, 2, 0);
    for (size_t i = 0; i < 20; i++) {
        prepare(&e[i], s, served, "x");
        assert_true(mun_register_submit(s->service.registrations, &e[i].job));
    }
    gate_open(&g);
    mun_register_queue_destroy(s->service.registrations);
    s->service.registrations = NULL;
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(e[i].done, 1);
        assert_int_equal(e[i].response.status, 201);
        exchange_close(&e[i]);
    }
    mun_served_remove(s->service.ledgers, served);
}

/* Each keeps its own body: nothing is mixed up between jobs of one turn. */
static void bodies_stay_apart(void **state)
{
    server_world *s = *state;
    gate g;
    exchange e[40];
    char body[40][4];
    gate_init(&g);
    const mun_backend backend = {&g, gate_submit, gate_fate, 1};
    mun_served *served = server_world_add(
        s, &(mun_served_options){
               .name = "g", .directory = s->ledger->path, .base = "/g", .backend = &backend});
    server_world_queue(s, 3, 0);
    for (size_t i = 0; i < 40; i++) {
        snprintf(body[i], sizeof body[i], "%c%02zu", i % 3 == 0 ? 'x' : 'y', i);
        prepare(&e[i], s, served, body[i]);
        if (i % 5 == 4) e[i].request.fields[MUN_FIELD_CONTENT_TYPE] = MUN_LITERAL("text/plain");
        assert_true(mun_register_submit(s->service.registrations, &e[i].job));
    }
    gate_open(&g);
    for (size_t i = 0; i < 40; i++) {
        exchange_wait(&e[i]);
        if (i % 5 == 4) {
            assert_int_equal(e[i].response.status, 415);
        } else {
            assert_int_equal(e[i].response.status, 201);
            assert_true(
                mun_slice_equal(mun_buf_slice(&e[i].response.body), mun_slice_cstr(body[i])));
        }
        exchange_close(&e[i]);
    }
    mun_served_remove(s->service.ledgers, served);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, server_world_set_up, server_world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_job_its_own_answer),     TEST(bounded_and_in_turns),
        TEST(ledgers_take_turns),          TEST(a_hung_ledger_leaves_workers),
        TEST(a_hung_ledger_leaves_places), TEST(ending_serves_what_waits),
        TEST(bodies_stay_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
