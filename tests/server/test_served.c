/* SPDX-License-Identifier: Apache-2.0 */
/* The ledgers of a process: who is meant by a path and host, opening on use, closing the idlest,
 * reopening after a failed write, removal while in use. */
#include "server/served.h"
#include "server/server_world.h"

#include "support/cmocka_all.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* ---- Names ----------------------------------------------------------------------------------- */

static mun_code add(server_world *s, const char *name, const char *base, const char *host)
{
    return mun_served_add(
        s->service.ledgers,
        &(mun_served_options){
            .name = name, .directory = s->ledger->path, .base = base, .host = host},
        NULL);
}

static void finds(void **state)
{
    server_world *s = *state;
    mun_served_remove(s->service.ledgers, s->served);
    assert_int_equal(add(s, "a", "/a", NULL), MUN_OK);
    assert_int_equal(add(s, "b.c", "/b.c", NULL), MUN_OK);
    assert_int_equal(add(s, "h", "", "log.example"), MUN_OK);
    assert_int_equal(add(s, "ha", "/a", "log.example"), MUN_OK);
    assert_int_equal(add(s, "six", "", "[::1]"), MUN_OK);
    static const struct {
        const char *host, *path, *name, *rest;
    } cases[] = {
        {"x.example", "/a/entries", "a", "/entries"},
        {"", "/a", "a", "/"},
        {"", "/a/", "a", "/"},
        {"", "/b.c/v1/entries", "b.c", "/v1/entries"},
        {"", "/", NULL, NULL},
        {"", "", NULL, NULL},
        {"", "/ab/entries", NULL, NULL},
        {"", "/A/entries", NULL, NULL},
        {"", "/%61/entries", NULL, NULL},
        {"", "//a", NULL, NULL},
        {"log.example", "/checkpoint", "h", "/checkpoint"},
        {"LOG.example:8080", "/checkpoint", "h", "/checkpoint"},
        {"log.example", "/a/checkpoint", "ha", "/checkpoint"},
        {"log.example", "/b.c/checkpoint", "h", "/b.c/checkpoint"},
        {"[::1]:80", "/checkpoint", "six", "/checkpoint"},
        {"[::1]", "/checkpoint", "six", "/checkpoint"},
        {"log.example.", "/checkpoint", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mun_slice rest = {0};
        mun_served *found = mun_served_find(s->service.ledgers, mun_slice_cstr(cases[i].host),
                                            mun_slice_cstr(cases[i].path), &rest);
        if (cases[i].name == NULL) {
            if (found != NULL) fail_msg("%s%s found", cases[i].host, cases[i].path);
            continue;
        }
        if (found == NULL) fail_msg("%s%s not found", cases[i].host, cases[i].path);
        assert_string_equal(mun_served_options_of(found)->name, cases[i].name);
        assert_true(mun_slice_equal(rest, mun_slice_cstr(cases[i].rest)));
    }
}

static void refuses_names(void **state)
{
    server_world *s = *state;
    assert_int_equal(add(s, "deeds", "/x", NULL), MUN_E_EXISTS);
    assert_int_equal(add(s, "other", "", NULL), MUN_E_EXISTS);
    assert_int_equal(add(s, "other", "", "log.example"), MUN_OK);
    assert_int_equal(add(s, "third", "", "LOG.example"), MUN_E_EXISTS);
    static const char *const names[] = {"", ".", "..", "a b", "a/b", "a\xc3\xa4", "a%20"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(add(s, names[i], "/n", NULL), MUN_E_USAGE);
    }
    static const char *const bases[] = {"/",   "n",        "/n/",      "/a/b",    "/..",
                                        "/v1", "/healthz", "/metrics", "/readyz", "/.well-known"};
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        assert_int_equal(add(s, "n", bases[i], NULL), MUN_E_USAGE);
    }
    mun_error why = {0};
    mun_served_options nowhere = {.name = "n", .directory = s->ledger->folder, .base = "/n"};
    assert_int_equal(mun_served_add(s->service.ledgers, &nowhere, &why), MUN_E_NOT_FOUND);
    assert_non_null(strstr(why.text, "ledger.pub"));
}

/* ---- Opening and closing --------------------------------------------------------------------- */

#define MANY 6

static void make_ledgers(const server_world *s, char path[MANY][MUN_PATH_BYTES_MAX])
{
    for (size_t i = 0; i < MANY; i++) {
        snprintf(path[i], MUN_PATH_BYTES_MAX, "%.4000s/l%zu", s->ledger->folder, i);
        mun_ledger_create_options options = {.origin = MUN_LITERAL("ledger.example/l")};
        must(mun_ledger_create(path[i], &options, err));
    }
}

/* Named and based by their numbers: l0 at /l0... */
static void add_ledgers(mun_served_set *set, char path[MANY][MUN_PATH_BYTES_MAX])
{
    for (size_t i = 0; i < MANY; i++) {
        char name[8], base[8];
        snprintf(name, sizeof name, "l%zu", i);
        snprintf(base, sizeof base, "/l%zu", i);
        must(mun_served_add(
            set, &(mun_served_options){.name = name, .directory = path[i], .base = base}, err));
    }
}

static void closes_the_idlest(void **state)
{
    server_world *s = *state;
    static char path[MANY][MUN_PATH_BYTES_MAX];
    mun_served *served[MANY];
    mun_ledger *ledger = NULL, *held = NULL;
    mun_served_set *set = NULL;
    make_ledgers(s, path);
    must(mun_served_set_create(3, &set, err));
    add_ledgers(set, path);
    for (size_t i = 0; i < MANY; i++) {
        served[i] = mun_served_at(set, i);
        assert_false(mun_served_is_open(served[i]));
    }
    assert_null(mun_served_at(set, MANY));
    must(mun_served_use(served[0], true, &held, err)); /* in use all the time */
    for (size_t i = 1; i < MANY; i++) {
        must(mun_served_use(served[i], true, &ledger, err));
        mun_served_done(served[i], ledger, MUN_OK);
        assert_in_range(mun_served_open_count(set), 1, 3);
    }
    assert_true(mun_served_is_open(served[0]));
    assert_true(mun_served_is_open(served[MANY - 1]));
    assert_true(mun_served_is_open(served[MANY - 2]));
    assert_false(mun_served_is_open(served[1]));
    assert_int_equal(mun_served_state_get(served[1], NULL), MUN_SERVED_CLOSED);
    assert_int_equal(mun_ledger_tree(held).size, 1);
    mun_served_done(served[0], held, MUN_OK);
    must(mun_served_use(served[1], true, &ledger, err)); /* and comes back */
    mun_served_done(served[1], ledger, MUN_OK);
    mun_served_set_destroy(set);
}

/* Threads that use more ledgers than may be open: all get theirs. */
typedef struct walker {
    pthread_t thread;
    mun_served_set *set;
    unsigned seed;
    _Atomic unsigned *failures;
} walker;

static void *walk(void *ctx)
{
    walker *w = ctx;
    for (unsigned i = 0; i < 40; i++) {
        mun_ledger *ledger = NULL;
        mun_served *served = mun_served_at(w->set, (i * 5 + w->seed * 3) % MANY);
        mun_code code = MUN_E_AGAIN; /* what others wait for an opening or closing has an end */
        while (code == MUN_E_AGAIN) code = mun_served_use(served, true, &ledger, NULL);
        if (code != MUN_OK) {
            atomic_fetch_add(w->failures, 1);
            continue;
        }
        if (mun_ledger_tree(ledger).size != 1) atomic_fetch_add(w->failures, 1);
        mun_served_done(served, ledger, MUN_OK);
    }
    return NULL;
}

static void many_walk(void **state)
{
    server_world *s = *state;
    static char path[MANY][MUN_PATH_BYTES_MAX];
    walker walkers[4];
    _Atomic unsigned failures = 0;
    mun_served_set *set = NULL;
    make_ledgers(s, path);
    must(mun_served_set_create(2, &set, err));
    add_ledgers(set, path);
    for (unsigned i = 0; i < 4; i++) {
        walkers[i] = (walker){.set = set, .seed = i, .failures = &failures};
        assert_int_equal(pthread_create(&walkers[i].thread, NULL, walk, &walkers[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) pthread_join(walkers[i].thread, NULL);
    assert_int_equal(failures, 0);
    mun_served_set_destroy(set);
}

/* ---- Changing -------------------------------------------------------------------------------- */

static const char *name_at(mun_served_set *set, const char *path)
{
    mun_slice rest;
    mun_served *served = mun_served_find(set, (mun_slice){0}, mun_slice_cstr(path), &rest);
    return served == NULL ? "(none)" : mun_served_options_of(served)->name;
}

/* Asks all the time who is at two paths: somebody always is. */
typedef struct asker {
    pthread_t thread;
    mun_served_set *set;
    _Atomic bool done;
    unsigned asked, missed;
} asker;

static void *ask(void *ctx)
{
    asker *a = ctx;
    while (!atomic_load(&a->done)) {
        a->asked++;
        a->missed += strcmp(name_at(a->set, "/l0/x"), "(none)") == 0;
        a->missed += strcmp(name_at(a->set, "/l1/x"), "(none)") == 0;
    }
    return NULL;
}

static void changes_places(void **state)
{
    server_world *s = *state;
    static char path[MANY][MUN_PATH_BYTES_MAX];
    mun_served_set *set = NULL;
    mun_ledger *ledger = NULL;
    make_ledgers(s, path);
    must(mun_served_set_create(MANY, &set, err));
    add_ledgers(set, path);
    asker a = {.set = set};
    assert_int_equal(pthread_create(&a.thread, NULL, ask, &a), 0);
    for (size_t n = 0; n < 100; n++) {
        mun_served_options there[2] = {{.name = "l0", .directory = path[0]},
                                       {.name = "l1", .directory = path[1]}};
        there[0].base = n % 2 == 0 ? "/l1" : "/l0";
        there[1].base = n % 2 == 0 ? "/l0" : "/l1";
        mun_slice rest;
        mun_served_change changes[2];
        for (size_t i = 0; i < 2; i++) {
            const mun_slice now = n % 2 == i ? MUN_LITERAL("/l0") : MUN_LITERAL("/l1");
            changes[i] = (mun_served_change){
                .old = mun_served_find(set, (mun_slice){0}, now, &rest), .options = &there[i]};
        }
        must(mun_served_use(changes[0].old, true, &ledger, err));
        mun_served_done(changes[0].old, ledger, MUN_OK);
        must(mun_served_change_all(set, changes, 2, err));
        assert_string_equal(name_at(set, "/l0"), n % 2 == 0 ? "l1" : "l0");
        assert_string_equal(name_at(set, "/l1"), n % 2 == 0 ? "l0" : "l1");
        assert_int_equal(mun_served_use(changes[0].old, true, &ledger, NULL), MUN_E_AGAIN);
    }
    atomic_store(&a.done, true);
    pthread_join(a.thread, NULL);
    assert_in_range(a.asked, 100, UINT32_MAX);
    assert_int_equal(a.missed, 0);
    mun_served_set_destroy(set);
}

/* The last of several is refused: those before it have not changed either. */
static void changes_all_or_none(void **state)
{
    server_world *s = *state;
    static char path[MANY][MUN_PATH_BYTES_MAX];
    mun_served_set *set = NULL;
    mun_ledger *ledger = NULL;
    mun_served *zero, *one;
    mun_slice rest;
    make_ledgers(s, path);
    must(mun_served_set_create(MANY, &set, err));
    add_ledgers(set, path);
    zero = mun_served_find(set, (mun_slice){0}, MUN_LITERAL("/l0"), &rest);
    one = mun_served_find(set, (mun_slice){0}, MUN_LITERAL("/l1"), &rest);
    const mun_served_options moved = {.name = "l0", .directory = path[0], .base = "/new"};
    const struct {
        mun_served_options last;
        mun_code code;
    } cases[] = {
        {{.name = "more", .directory = path[1], .base = "/l2"}, MUN_E_EXISTS},
        {{.name = "l3", .directory = path[1], .base = "/more"}, MUN_E_EXISTS},
        {{.name = "more", .directory = path[1], .base = "/new"}, MUN_E_EXISTS},
        {{.name = "l0", .directory = path[1], .base = "/more"}, MUN_E_EXISTS},
        {{.name = "more", .directory = s->ledger->folder, .base = "/more"}, MUN_E_NOT_FOUND},
        {{.name = "m/ore", .directory = path[1], .base = "/more"}, MUN_E_USAGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mun_served_change changes[] = {
            {.old = zero, .options = &moved}, {.old = one}, {.options = &cases[i].last}};
        assert_int_equal(mun_served_change_all(set, changes, 3, NULL), cases[i].code);
        assert_int_equal(mun_served_count(set), MANY);
        assert_string_equal(name_at(set, "/l0"), "l0");
        assert_string_equal(name_at(set, "/l1"), "l1");
        assert_string_equal(name_at(set, "/new"), "(none)");
        assert_string_equal(name_at(set, "/more"), "(none)");
        must(mun_served_use(zero, true, &ledger, err));
        mun_served_done(zero, ledger, MUN_OK);
        assert_false(mun_served_is_removed(one));
    }
    /* What goes makes room: another one may have its name and its place in the same step. */
    const mun_served_options heir = {.name = "l1", .directory = path[0], .base = "/l0"};
    mun_served_change changes[] = {{.old = zero}, {.old = one, .options = &heir}};
    must(mun_served_change_all(set, changes, 2, err));
    assert_string_equal(name_at(set, "/l0"), "l1");
    assert_string_equal(name_at(set, "/l1"), "(none)");
    assert_int_equal(mun_served_use(zero, true, &ledger, NULL), MUN_E_NOT_FOUND);
    assert_int_equal(mun_served_count(set), MANY - 1);
    mun_served *next = mun_served_find(set, (mun_slice){0}, MUN_LITERAL("/l0"), &rest);
    must(mun_served_use(next, true, &ledger, err)); /* at once: nobody else has the directory */
    mun_served_done(next, ledger, MUN_OK);
    mun_served_set_destroy(set);
}

/* ---- Failure --------------------------------------------------------------------------------- */

/* What is tried again after a pause. */
static mun_code use_soon(mun_served *served, mun_ledger **ret)
{
    mun_code code = MUN_E_AGAIN;
    for (unsigned tries = 0; tries < 3000 && code != MUN_OK; tries++) {
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
        code = mun_served_use(served, true, ret, NULL);
    }
    return code;
}

static void reopens_after_a_failed_write(void **state)
{
    server_world *s = *state;
    mun_ledger *one = NULL, *two = NULL, *again = NULL;
    mun_error why = {0};
    must(mun_served_use(s->served, true, &one, err));
    must(mun_served_use(s->served, true, &two, err));
    mun_served_done(s->served, one, MUN_E_FAILED);
    assert_int_equal(mun_served_state_get(s->served, &why), MUN_SERVED_FAILED);
    assert_int_equal(why.code, MUN_E_FAILED);
    /* Nobody gets it while it is being given back; then at once. The second time not so soon. */
    assert_int_equal(mun_served_use(s->served, false, &again, &why), MUN_E_AGAIN);
    mun_served_done(s->served, two, MUN_OK);
    assert_false(mun_served_is_open(s->served));
    must(mun_served_use(s->served, true, &again, err));
    assert_int_equal(mun_served_state_get(s->served, &why), MUN_SERVED_READY);
    /* The pause doubles with each failure: a machine that stands still for the first one does not
     * for all of them. */
    mun_code code = MUN_OK;
    for (unsigned tries = 0; tries < 4 && code == MUN_OK; tries++) {
        mun_served_done(s->served, again, mun_served_write_result(MUN_E_IO));
        assert_false(mun_served_is_open(s->served));
        code = mun_served_use(s->served, true, &again, &why);
    }
    assert_int_equal(code, MUN_E_FAILED);
    assert_int_equal(use_soon(s->served, &again), MUN_OK);
    mun_served_done(s->served, again, MUN_E_FAILED);
    /* Another process may have it by then. */
    world_open(s->ledger);
    world_close(s->ledger);
}

static void removal_waits_for_users(void **state)
{
    server_world *s = *state;
    mun_ledger *ledger = NULL, *again = NULL;
    must(mun_served_use(s->served, true, &ledger, err));
    mun_served_remove(s->service.ledgers, s->served);
    assert_int_equal(mun_served_count(s->service.ledgers), 0);
    assert_int_equal(mun_ledger_tree(ledger).size, 2); /* still good */
    assert_int_equal(mun_served_use(s->served, true, &again, NULL), MUN_E_NOT_FOUND);
    mun_served_done(s->served, ledger, MUN_OK);
    assert_false(mun_served_is_open(s->served));
    assert_int_equal(add(s, "deeds", "", NULL), MUN_OK); /* its name and place are free again */
}

static void wrong_passphrase_and_missing_file(void **state)
{
    server_world *s = *state;
    char path[MUN_PATH_BYTES_MAX], file[MUN_PATH_BYTES_MAX];
    mun_ledger *ledger = NULL;
    snprintf(path, sizeof path, "%.4000s/secret", s->ledger->folder);
    snprintf(file, sizeof file, "%.4000s/passphrase", s->ledger->folder);
    mun_ledger_create_options options = {.origin = MUN_LITERAL("ledger.example/s"),
                                         .passphrase = MUN_LITERAL("correct horse")};
    must(mun_ledger_create(path, &options, err));
    mun_served *none = server_world_add(
        s, &(mun_served_options){
               .name = "s", .directory = path, .base = "/s", .passphrase_file = file});
    assert_int_equal(mun_served_use(none, true, &ledger, NULL), MUN_E_IO);
    assert_int_equal(mun_served_state_get(none, NULL), MUN_SERVED_FAILED);
    must(mun_file_write(file, MUN_LITERAL("correct horse\r\nsecond line"), MUN_WRITE_SECRET, err));
    mun_served *right = server_world_add(
        s, &(mun_served_options){
               .name = "r", .directory = path, .base = "/r", .passphrase_file = file});
    must(mun_served_use(right, true, &ledger, err));
    mun_served_done(right, ledger, MUN_OK);
}

/* An opening that takes long (here: until somebody gives it the passphrase) holds up the thread
 * that does it, others only for a moment. */
static void *open_slowly(void *ctx)
{
    mun_ledger *ledger = NULL;
    mun_served *served = ctx;
    if (mun_served_use(served, true, &ledger, NULL) != MUN_OK) return NULL;
    mun_served_done(served, ledger, MUN_OK);
    return ctx;
}

static void slow_opening_holds_up_nobody(void **state)
{
    server_world *s = *state;
    char path[MUN_PATH_BYTES_MAX], pipe_path[MUN_PATH_BYTES_MAX];
    pthread_t thread;
    mun_ledger *ledger = NULL;
    void *opened = NULL;
    snprintf(path, sizeof path, "%.4000s/slow", s->ledger->folder);
    snprintf(pipe_path, sizeof pipe_path, "%.4000s/pipe", s->ledger->folder);
    mun_ledger_create_options options = {.origin = MUN_LITERAL("ledger.example/slow"),
                                         .passphrase = MUN_LITERAL("slow")};
    must(mun_ledger_create(path, &options, err));
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    mun_served *slow = server_world_add(
        s, &(mun_served_options){
               .name = "slow", .directory = path, .base = "/slow", .passphrase_file = pipe_path});
    assert_int_equal(pthread_create(&thread, NULL, open_slowly, slow), 0);
    while (mun_served_state_get(slow, NULL) != MUN_SERVED_OPENING) sched_yield();
    assert_int_equal(mun_served_use(slow, false, &ledger, NULL), MUN_E_AGAIN);
    for (unsigned i = 0; i < 20; i++) { /* not 20 times 250 ms, or the test would be slow */
        assert_int_equal(mun_served_use(slow, true, &ledger, NULL), MUN_E_AGAIN);
    }
    must(mun_served_use(s->served, true, &ledger, err)); /* another ledger */
    mun_served_done(s->served, ledger, MUN_OK);
    must(mun_file_write(pipe_path, MUN_LITERAL("slow\n"), MUN_WRITE_REPLACE, err));
    pthread_join(thread, &opened);
    assert_ptr_equal(opened, slow);
    assert_true(mun_served_is_open(slow));
}

/* A reader beside another process's writer sees what was added, and says so. */
static void count_growth(void *ctx, const mun_served *served)
{
    (void)served;
    atomic_fetch_add((_Atomic unsigned *)ctx, 1);
}

static void readers_follow(void **state)
{
    server_world *s = *state;
    _Atomic unsigned grown = 0;
    made statement;
    mun_ledger *ledger = NULL;
    mun_served_on_grown(s->service.ledgers, count_growth, &grown);
    world_open(s->ledger);
    mun_served *reader = server_world_add(
        s, &(mun_served_options){
               .name = "r", .directory = s->ledger->path, .base = "/r", .read_only = true});
    must(mun_served_use(reader, true, &ledger, err));
    assert_int_equal(mun_ledger_tree(ledger).size, 2);
    mun_served_done(reader, ledger, MUN_OK);
    world_statement(s->ledger, 1, &statement);
    world_register(s->ledger, &statement);
    uint64_t size = 2;
    for (unsigned tries = 0; tries < 1000 && size < 3; tries++) {
        struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
        nanosleep(&pause, NULL);
        must(mun_served_use(reader, true, &ledger, err));
        size = mun_ledger_tree(ledger).size;
        mun_served_done(reader, ledger, MUN_OK);
    }
    assert_int_equal(size, 3);
    assert_int_equal(grown, 1);
    world_close(s->ledger);
}

/* What is registered after the directory was taken away would be acknowledged and then gone. */
static void acknowledges_nothing_in_a_directory_that_is_gone(void **state)
{
    server_world *s = *state;
    char moved[MUN_PATH_BYTES_MAX];
    mun_ledger *ledger = NULL;
    mun_error why = {0};
    snprintf(moved, sizeof moved, "%.4000s/moved", s->ledger->folder);
    must(mun_served_use(s->served, true, &ledger, err));
    must(mun_served_may_write(s->served, err));
    assert_int_equal(rename(s->ledger->path, moved), 0);
    assert_int_equal(mun_served_may_write(s->served, &why), MUN_E_FAILED);
    assert_non_null(strstr(why.text, "directory"));
    assert_int_equal(mun_served_state_get(s->served, NULL), MUN_SERVED_FAILED);
    mun_served_done(s->served, ledger, MUN_OK);
    assert_false(mun_served_is_open(s->served));
    assert_int_not_equal(mun_served_use(s->served, true, &ledger, NULL), MUN_OK);
    assert_int_equal(rename(moved, s->ledger->path), 0);
    assert_int_equal(use_soon(s->served, &ledger), MUN_OK);
    must(mun_served_may_write(s->served, err));
    mun_served_done(s->served, ledger, MUN_OK);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, server_world_set_up, server_world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(finds),
        TEST(refuses_names),
        TEST(closes_the_idlest),
        TEST(many_walk),
        TEST(reopens_after_a_failed_write),
        TEST(changes_places),
        TEST(changes_all_or_none),
        TEST(removal_waits_for_users),
        TEST(wrong_passphrase_and_missing_file),
        TEST(slow_opening_holds_up_nobody),
        TEST(readers_follow),
        TEST(acknowledges_nothing_in_a_directory_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
