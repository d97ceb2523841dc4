/* SPDX-License-Identifier: Apache-2.0 */
/* Making, opening and closing ledgers: what is on the disk, who may open what, and what survives.
 */
#include "ledger/ledger_world.h"
#include "support/cmocka_all.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned mode_of(const world *w, const char *name)
{
    char path[MUN_PATH_BYTES_MAX];
    struct stat st;
    world_file(w, name, path);
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777;
}

/* [KEY-11]; the folder of the keys, too. */
static void secrets_are_secret(void **state)
{
    world *w = *state;
    assert_int_equal(mode_of(w, "keys"), 0700);
    assert_int_equal(mode_of(w, "keys/receipts.pem"), 0600);
    assert_int_equal(mode_of(w, "keys/checkpoints.pem"), 0600);
}

static void refuses_keys_that_others_read(void **state)
{
    world *w = *state;
    char path[MUN_PATH_BYTES_MAX];
    mun_error why;
    mun_ledger *ledger = NULL;
    world_close(w);
    world_file(w, "keys/receipts.pem", path);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(mun_ledger_open(w->path, NULL, &ledger, &why), MUN_E_PERMISSION);
    assert_non_null(strstr(why.text, "chmod 600"));
    /* A reader goes on, and says why when it should sign. */
    mun_ledger_open_options reader = {.read_only = true};
    ledger = world_open_with(w, &reader);
    MUN_BUF_AUTO mun_buf receipt = mun_buf_growable(65536);
    assert_int_equal(mun_ledger_receipt(ledger, 0, &receipt, &why), MUN_E_PERMISSION);
    assert_non_null(strstr(why.text, "chmod 600"));
    must(mun_ledger_close(ledger, err));
}

/* [POL-1], [POL-3], [LOG-1] */
static void genesis_is_the_policy(void **state)
{
    world *w = *state;
    MUN_BUF_AUTO mun_buf entry = mun_buf_growable(MUN_STATEMENT_MAX);
    mun_statement statement;
    uint64_t time_ms = 0;
    must(mun_ledger_entry(w->ledger, 0, &entry, &time_ms, err));
    must(mun_statement_parse(mun_buf_slice(&entry), &statement, err));
    assert_int_equal(time_ms, WORLD_START);
    assert_int_equal(statement.iat, WORLD_START / 1000);
    assert_true(mun_slice_equal(statement.iss, MUN_LITERAL(WORLD_ORIGIN)));
    assert_true(mun_slice_equal(statement.sub, MUN_LITERAL(WORLD_ORIGIN)));
    const mun_ledger_pub *pub = mun_ledger_identity(w->ledger);
    must(mun_statement_check(&w->crypto, &statement, &pub->receipts, err));
    assert_true(mun_slice_equal(pub->origin, MUN_LITERAL(WORLD_ORIGIN)));
}

static void restart_keeps_everything(void **state)
{
    world *w = *state;
    made statement;
    world_statement(w, 1, &statement);
    uint64_t index = world_register(w, &statement);
    mun_tree before = mun_ledger_tree(w->ledger);
    world_close(w);
    w->now_ms -= 86400000; /* the clock set back by a day */
    world_open(w);
    mun_tree after = mun_ledger_tree(w->ledger);
    assert_int_equal(after.size, before.size);
    assert_memory_equal(after.root, before.root, MUN_HASH_SIZE);
    assert_int_equal(world_register(w, &statement), index);
    made more;
    world_statement(w, 2, &more);
    mun_slice bytes = made_slice(&more);
    mun_registration result;
    must(mun_ledger_register(w->ledger, &bytes, 1, &result, NULL, err));
    assert_int_equal(result.code, MUN_OK);
    assert_int_equal(result.time_ms, WORLD_START); /* times never go back */
}

static void one_writer(void **state)
{
    world *w = *state;
    mun_ledger *second = NULL;
    mun_error why;
    assert_int_equal(mun_ledger_open(w->path, NULL, &second, &why), MUN_E_BUSY);
    assert_null(second);
}

static void reader_beside_writer(void **state)
{
    world *w = *state;
    made statement;
    mun_ledger_open_options options = {.read_only = true};
    mun_ledger *reader = world_open_with(w, &options);
    uint64_t before = mun_ledger_tree(reader).size;
    world_statement(w, 1, &statement);
    uint64_t index = world_register(w, &statement);
    uint64_t size = 0;
    for (int tries = 0; tries < 5000 && size <= index; tries++) {
        must(mun_ledger_refresh(reader, err));
        size = mun_ledger_tree(reader).size;
        if (size <= index) usleep(10000);
    }
    assert_true(size > before);
    mun_slice bytes = made_slice(&statement);
    mun_registration result;
    mun_error why;
    assert_int_equal(mun_ledger_register(reader, &bytes, 1, &result, NULL, &why), MUN_E_USAGE);
    must(mun_ledger_admits(reader, bytes, err));
    MUN_BUF_AUTO mun_buf evidence = mun_buf_growable(MUN_EVIDENCE_MAX);
    mun_report report;
    must(mun_ledger_evidence(reader, index, &evidence, err)); /* it can read the keys */
    assert_int_equal(world_verdict(w, mun_buf_slice(&evidence), 1, &report), 0);
    must(mun_ledger_close(reader, err));
}

/* Another process reads while this one writes. */
static void reader_in_another_process(void **state)
{
    world *w = *state;
    made statement;
    world_statement(w, 1, &statement);
    uint64_t index = world_register(w, &statement);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        mun_ledger *ledger = NULL;
        mun_error why;
        mun_ledger_open_options options = {.read_only = true};
        if (mun_ledger_open(w->path, &options, &ledger, &why) != MUN_OK) _exit(2);
        for (int i = 0; i < 5000 && mun_ledger_tree(ledger).size <= index; i++) {
            usleep(10000);
            if (mun_ledger_refresh(ledger, &why) != MUN_OK) _exit(3);
        }
        mun_buf entry = mun_buf_growable(MUN_STATEMENT_MAX);
        if (mun_ledger_entry(ledger, index, &entry, NULL, &why) != MUN_OK) _exit(4);
        bool same =
            entry.len == statement.len && memcmp(entry.ptr, statement.bytes, entry.len) == 0;
        _exit(same ? 0 : 5);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- Creating -------------------------------------------------------------------------------- */

static mun_code create_at(const char *path, const char *origin, mun_error *err)
{
    mun_ledger_create_options options = {.origin = mun_slice_cstr(origin)};
    return mun_ledger_create(path, &options, err);
}

static size_t names_in(const char *path)
{
    bool empty = false;
    must(mun_dir_empty(path, &empty, err));
    return empty ? 0 : 1;
}

static void creates_only_where_nothing_is(void **state)
{
    world *w = *state;
    mun_error why;
    char path[MUN_PATH_BYTES_MAX + 16];
    assert_int_equal(create_at(w->path, "a.example", &why), MUN_E_EXISTS);
    snprintf(path, sizeof path, "%s/file", w->folder);
    must(mun_file_write(path, MUN_LITERAL("x"), 0, err));
    assert_int_equal(create_at(path, "a.example", &why), MUN_E_EXISTS);
    snprintf(path, sizeof path, "%s/deep/er/ledger/", w->folder);
    must(create_at(path, "a.example", err));
    mun_ledger *ledger = NULL;
    must(mun_ledger_open(path, NULL, &ledger, err));
    assert_int_equal(mun_ledger_tree(ledger).size, 1);
    must(mun_ledger_close(ledger, err));
}

/* An empty folder that exists may be a mount point, or the one we stand in: it stays itself. */
static void creates_in_an_empty_folder(void **state)
{
    world *w = *state;
    char path[MUN_PATH_BYTES_MAX + 16];
    struct stat before, after;
    snprintf(path, sizeof path, "%s/empty", w->folder);
    must(mun_dir_make(path, err));
    assert_int_equal(stat(path, &before), 0);
    must(create_at(path, "a.example", err));
    assert_int_equal(stat(path, &after), 0);
    assert_true(before.st_ino == after.st_ino);
    mun_ledger *ledger = NULL;
    must(mun_ledger_open(path, NULL, &ledger, err));
    must(mun_ledger_close(ledger, err));
    must(mun_ledger_fsck(path, true, NULL, NULL, err));
}

/* [KEY-12] */
static void bad_origins_leave_nothing_behind(void **state)
{
    static const char *const bad[] = {"",
                                      "https://x.example",
                                      "a b",
                                      "a+b",
                                      "a\tb",
                                      "a/b/",
                                      "a\x7f",
                                      "\xff",
                                      ("a\xc2\xa0"
                                       "b")};
    world *w = *state;
    char path[MUN_PATH_BYTES_MAX + 16];
    snprintf(path, sizeof path, "%s/empty", w->folder);
    must(mun_dir_make(path, err));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mun_error why;
        assert_int_equal(create_at(path, bad[i], &why), MUN_E_USAGE);
        assert_int_equal(names_in(path), 0);
    }
    char longest[257];
    memset(longest, 'a', 256);
    longest[256] = '\0';
    mun_error why;
    assert_int_equal(create_at(path, longest, &why), MUN_E_USAGE);
    longest[255] = '\0';
    must(create_at(path, longest, err));
}

/* Files may not grow beyond some limit: creation fails at ever later steps, until it passes. */
static void failed_creation_leaves_nothing_behind(void **state)
{
    world *w = *state;
    char beside[MUN_PATH_BYTES_MAX + 16], inside[MUN_PATH_BYTES_MAX + 16];
    struct rlimit unlimited, limit;
    size_t failures = 0;
    mun_error why;
    mun_code code = MUN_E_IO;
    snprintf(beside, sizeof beside, "%s/some/ledger", w->folder);
    snprintf(inside, sizeof inside, "%s/some/empty", w->folder);
    must(mun_dir_make(inside, err));
    world_close(w); /* its own writing must not meet the limit */
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &unlimited), 0);
    for (rlim_t bytes = 64; code != MUN_OK; bytes *= 2) {
        limit = (struct rlimit){.rlim_cur = bytes, .rlim_max = unlimited.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        code = create_at(beside, "a.example", &why);
        mun_code code_inside = create_at(inside, "a.example", &why);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
        assert_int_equal(code == MUN_OK, code_inside == MUN_OK);
        if (code == MUN_OK) continue;
        failures++;
        assert_int_equal(names_in(inside), 0);
        must(mun_dir_remove_all(inside, err));
        snprintf(beside, sizeof beside, "%s/some", w->folder);
        assert_int_equal(names_in(beside), 0);
        must(mun_dir_make(inside, err));
        snprintf(beside, sizeof beside, "%s/some/ledger", w->folder);
    }
    assert_true(failures > 3);
}

static void passphrase_is_needed(void **state)
{
    world *w = *state;
    char path[MUN_PATH_BYTES_MAX + 16];
    mun_error why;
    mun_ledger *ledger = NULL;
    snprintf(path, sizeof path, "%s/locked", w->folder);
    mun_ledger_create_options create = {.origin = MUN_LITERAL("a.example"),
                                        .passphrase = MUN_LITERAL("horse")};
    must(mun_ledger_create(path, &create, err));
    assert_int_equal(mun_ledger_open(path, NULL, &ledger, &why), MUN_E_USAGE);
    mun_ledger_open_options wrong = {.passphrase = MUN_LITERAL("mule")};
    assert_int_equal(mun_ledger_open(path, &wrong, &ledger, &why), MUN_E_USAGE);
    mun_ledger_open_options right = {.passphrase = MUN_LITERAL("horse")};
    must(mun_ledger_open(path, &right, &ledger, err));
    must(mun_ledger_close(ledger, err));
    mun_ledger_open_options reader = {.read_only = true};
    must(mun_ledger_open(path, &reader, &ledger, err));
    must(mun_ledger_close(ledger, err));
}

static void every_receipt_algorithm(void **state)
{
    static const int32_t algs[] = {MUN_ALG_ES256, MUN_ALG_ES384, MUN_ALG_EDDSA};
    world *w = *state;
    for (size_t i = 0; i < 3; i++) {
        made statement;
        mun_report report;
        world_close(w);
        must(mun_dir_remove_all(w->path, err));
        world_make(w, false, algs[i]);
        world_open(w);
        world_issuer_add(w, WORLD_ISSUER, &w->issuer);
        world_statement(w, 1, &statement);
        uint64_t index = world_register(w, &statement);
        MUN_BUF_AUTO mun_buf evidence = mun_buf_growable(MUN_EVIDENCE_MAX);
        must(mun_ledger_evidence(w->ledger, index, &evidence, err));
        assert_int_equal(world_verdict(w, mun_buf_slice(&evidence), 1, &report), 0);
    }
    mun_error why;
    mun_ledger_create_options bad = {.origin = MUN_LITERAL("a"), .receipt_alg = MUN_ALG_PS256};
    assert_int_equal(mun_ledger_create("/nowhere", &bad, &why), MUN_E_USAGE);
}

static void no_ledger_there(void **state)
{
    world *w = *state;
    mun_ledger *ledger = NULL;
    mun_error why;
    assert_int_equal(mun_ledger_open(w->folder, NULL, &ledger, &why), MUN_E_NOT_FOUND);
    assert_non_null(strstr(why.text, "muniment init"));
}

/* ledger.pub and the keys belong to the policy on the log. */
static void foreign_parts_are_noticed(void **state)
{
    world *w = *state;
    char path[MUN_PATH_BYTES_MAX], other[MUN_PATH_BYTES_MAX + 16], from[MUN_PATH_BYTES_MAX + 64];
    mun_error why;
    mun_ledger *ledger = NULL;
    world_close(w);
    snprintf(other, sizeof other, "%s/other", w->folder);
    must(create_at(other, WORLD_ORIGIN, err));
    static const char *const names[] = {"keys/receipts.pem", "keys/checkpoints.pem", "ledger.pub"};
    for (size_t i = 0; i < 3; i++) {
        MUN_BUF_AUTO mun_buf mine = mun_buf_growable(65536);
        MUN_BUF_AUTO mun_buf theirs = mun_buf_growable(65536);
        world_file(w, names[i], path);
        snprintf(from, sizeof from, "%s/%s", other, names[i]);
        must(mun_file_read(path, 65536, &mine, err));
        must(mun_file_read(from, 65536, &theirs, err));
        unsigned flags = MUN_WRITE_REPLACE | (i < 2 ? MUN_WRITE_SECRET : 0u);
        must(mun_file_write(path, mun_buf_slice(&theirs), flags, err));
        assert_int_equal(mun_ledger_open(w->path, NULL, &ledger, &why), MUN_E_DAMAGED);
        must(mun_file_write(path, mun_buf_slice(&mine), flags, err));
    }
    world_open(w);
}

int main(void)
{
#define listed(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        listed(secrets_are_secret),
        listed(refuses_keys_that_others_read),
        listed(genesis_is_the_policy),
        listed(restart_keeps_everything),
        listed(one_writer),
        listed(reader_beside_writer),
        listed(reader_in_another_process),
        listed(creates_only_where_nothing_is),
        listed(creates_in_an_empty_folder),
        listed(bad_origins_leave_nothing_behind),
        listed(failed_creation_leaves_nothing_behind),
        listed(passphrase_is_needed),
        listed(every_receipt_algorithm),
        listed(no_ledger_there),
        listed(foreign_parts_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
