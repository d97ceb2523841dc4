/* SPDX-License-Identifier: Apache-2.0 */
/* A copied directory notices that it is one: docs/format/log.md [LOG-31] to [LOG-34]. */
#include "ledger/ledger_world.h"
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (16u << 20)

/* ---- Copying, as a person would ---------------------------------------------------------------
 */

typedef struct copying {
    const char *to;
} copying;

static mun_code copy_file(void *ctx, const mun_walk_entry *entry, mun_error *outer)
{
    const copying *c = ctx;
    char path[2 * MUN_PATH_BYTES_MAX], folder[2 * MUN_PATH_BYTES_MAX];
    MUN_BUF_AUTO mun_buf bytes = mun_buf_growable(FILE_MAX);
    (void)outer;
    snprintf(path, sizeof path, "%s/%s", c->to, entry->relative);
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    must(mun_dir_make(folder, err));
    must(mun_file_read(entry->path, FILE_MAX, &bytes, err));
    must(mun_file_write(path, mun_buf_slice(&bytes),
                        entry->info.mode == 0600 ? MUN_WRITE_SECRET : 0, err));
    return MUN_OK;
}

static void copy_folder(const char *from, const char *to)
{
    copying c = {to};
    mun_walk walk = {.ctx = &c, .file = copy_file};
    must(mun_dir_walk(from, &walk, err));
}

static void copy_ledger(world *w, char ret[MUN_PATH_BYTES_MAX + 16])
{
    snprintf(ret, MUN_PATH_BYTES_MAX + 16, "%s/copied", w->folder);
    copy_folder(w->path, ret);
}

static mun_ledger *open_path(const char *path, bool read_only)
{
    mun_ledger *ledger = NULL;
    mun_ledger_open_options options = {.read_only = read_only};
    must(mun_ledger_open(path, &options, &ledger, err));
    return ledger;
}

static void reads_and_signs_nothing(world *w, const char *path, const char *reason)
{
    for (int read_only = 0; read_only < 2; read_only++) {
        made statement;
        mun_error why = {0};
        mun_registration result;
        mun_ledger *ledger = open_path(path, read_only == 1);
        assert_true(mun_ledger_is_copy(ledger));
        world_statement(w, 77, &statement);
        mun_slice bytes = made_slice(&statement);
        assert_int_equal(mun_ledger_register(ledger, &bytes, 1, &result, NULL, &why),
                         MUN_E_REFUSED);
        assert_non_null(strstr(why.text, reason));
        assert_non_null(strstr(why.text, "muniment adopt"));
        MUN_BUF_AUTO mun_buf out = mun_buf_growable(1u << 20);
        assert_int_equal(mun_ledger_receipt(ledger, 1, &out, &why), MUN_E_REFUSED);
        assert_int_equal(mun_ledger_consistency_receipt(ledger, 1, &out, &why), MUN_E_REFUSED);
        assert_int_equal(mun_ledger_evidence(ledger, 1, &out, &why), MUN_E_REFUSED);
        assert_non_null(strstr(why.text, reason));
        must(mun_ledger_entry(ledger, 1, &out, NULL, err)); /* what is on it can be read */
        must(mun_ledger_close(ledger, err));
    }
}

static void writes(world *w, const char *path, unsigned n)
{
    made statement;
    mun_registration result;
    MUN_BUF_AUTO mun_buf receipt = mun_buf_growable(65536);
    mun_ledger *ledger = open_path(path, false);
    assert_false(mun_ledger_is_copy(ledger));
    world_statement(w, n, &statement);
    mun_slice bytes = made_slice(&statement);
    must(mun_ledger_register(ledger, &bytes, 1, &result, &receipt, err));
    assert_int_equal(result.code, MUN_OK);
    must(mun_ledger_close(ledger, err));
}

static void home_of(const char *path, char ret[2 * MUN_PATH_BYTES_MAX])
{
    snprintf(ret, (size_t)2 * MUN_PATH_BYTES_MAX, "%s/keys/home", path);
}

/* ---- Tests ------------------------------------------------------------------------------------
 */

/* [LOG-32] */
static void a_copied_directory_only_reads(void **state)
{
    world *w = *state;
    made statement;
    char copied[MUN_PATH_BYTES_MAX + 16];
    world_statement(w, 1, &statement);
    world_register(w, &statement);
    world_close(w);
    copy_ledger(w, copied);
    reads_and_signs_nothing(w, copied, "copied or restored");
    mun_ledger_status status;
    mun_ledger *ledger = open_path(copied, true);
    must(mun_ledger_status_get(ledger, &status, err));
    assert_true(status.copy);
    must(mun_ledger_close(ledger, err));
    must(mun_ledger_fsck(copied, true, NULL, NULL, err));
    writes(w, w->path, 2); /* the original goes on */
}

/* [LOG-31] */
static void a_renamed_directory_is_the_same(void **state)
{
    world *w = *state;
    char moved[MUN_PATH_BYTES_MAX + 16];
    world_close(w);
    snprintf(moved, sizeof moved, "%s/moved", w->folder);
    assert_int_equal(rename(w->path, moved), 0);
    writes(w, moved, 1);
    assert_int_equal(rename(moved, w->path), 0);
    writes(w, w->path, 2);
}

/* [LOG-33]: made before there was a home; the first writing opening binds it. */
static void without_home_it_is_bound_when_written(void **state)
{
    world *w = *state;
    char home[2 * MUN_PATH_BYTES_MAX], copied[MUN_PATH_BYTES_MAX + 16];
    mun_file_info info;
    world_close(w);
    home_of(w->path, home);
    must(mun_file_look(home, false, &info, err));
    assert_int_equal(info.kind, MUN_FILE_REGULAR);
    assert_int_equal(info.mode, 0600);
    must(mun_file_remove(home, err));
    mun_ledger *ledger = open_path(w->path, true);
    assert_false(mun_ledger_is_copy(ledger));
    must(mun_ledger_close(ledger, err));
    must(mun_file_look(home, false, &info, err));
    assert_int_equal(info.kind, MUN_FILE_MISSING); /* a reader writes nothing */
    writes(w, w->path, 1);
    must(mun_file_look(home, false, &info, err));
    assert_int_equal(info.kind, MUN_FILE_REGULAR);
    copy_ledger(w, copied);
    reads_and_signs_nothing(w, copied, "copied or restored");
}

/* The text put into the very file, which stays the same one. */
static void overwrite(const char *path, const char *text, size_t len)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* [LOG-32], [LOG-34] */
static void another_machine_or_unknown_text(void **state)
{
    world *w = *state;
    char home[2 * MUN_PATH_BYTES_MAX];
    MUN_BUF_AUTO mun_buf kept = mun_buf_growable(4096);
    world_close(w);
    home_of(w->path, home);
    must(mun_file_read(home, 4096, &kept, err));
    mun_buf_u8(&kept, 0);
    char *text = (char *)kept.ptr, *machine = strstr(text, "machine ") + 8;
    assert_non_null(machine);
    if (*machine != '-') {
        char was = *machine;
        *machine = was == '0' ? '1' : '0';
        overwrite(home, text, kept.len - 1);
        reads_and_signs_nothing(w, w->path, "another machine");
        *machine = was;
    }
    text[14] = '7';
    overwrite(home, text, kept.len - 1);
    reads_and_signs_nothing(w, w->path, "not one that this version reads");
    text[14] = '1';
    overwrite(home, text, kept.len - 1);
    writes(w, w->path, 1);
}

/* The same owner on a new disk: new keys, which the old ones vouch for without being named. */
static void a_copied_directory_is_adopted_by_its_own_keys(void **state)
{
    world *w = *state;
    char copied[MUN_PATH_BYTES_MAX + 16], again[MUN_PATH_BYTES_MAX + 32];
    world_close(w);
    copy_ledger(w, copied);
    must(mun_ledger_adopt(copied, NULL, err));
    mun_ledger *ledger = open_path(copied, false);
    mun_ledger_status status;
    must(mun_ledger_status_get(ledger, &status, err));
    assert_false(status.copy);
    assert_false(status.self_announced);
    must(mun_ledger_close(ledger, err));
    writes(w, copied, 1);
    must(mun_ledger_fsck(copied, true, NULL, NULL, err));
    /* And once more: the keys of both earlier places are kept. */
    snprintf(again, sizeof again, "%s/again", w->folder);
    copy_folder(copied, again);
    reads_and_signs_nothing(w, again, "copied or restored");
    must(mun_ledger_adopt(again, NULL, err));
    writes(w, again, 2);
    must(mun_ledger_fsck(again, true, NULL, NULL, err));
}

int main(void)
{
#define listed(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        listed(a_copied_directory_only_reads),
        listed(a_renamed_directory_is_the_same),
        listed(without_home_it_is_bound_when_written),
        listed(another_machine_or_unknown_text),
        listed(a_copied_directory_is_adopted_by_its_own_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
