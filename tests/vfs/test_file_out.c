/* SPDX-License-Identifier: Apache-2.0 */
/* Files written in pieces: whole under their name, or not there at all. */
#include "support/cmocka_all.h"
#include "vfs/file_out.h"
#include "vfs/files.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct world {
    char folder[MUN_PATH_BYTES_MAX];
    char path[MUN_PATH_BYTES_MAX + 16];
    mun_error err;
} world;

static int setup(void **state)
{
    world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    assert_int_equal(mun_dir_make_temp(".", w->folder, &w->err), MUN_OK);
    snprintf(w->path, sizeof w->path, "%s/a", w->folder);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world *w = *state;
    assert_int_equal(mun_dir_remove_all(w->folder, &w->err), MUN_OK);
    free(w);
    return 0;
}

static bool empty(world *w)
{
    bool ret = false;
    assert_int_equal(mun_dir_empty(w->folder, &ret, &w->err), MUN_OK);
    return ret;
}

static void pieces_become_a_file(void **state)
{
    world *w = *state;
    mun_file_out *out;
    uint8_t room[16];
    mun_buf read = mun_buf_fixed(room, sizeof room);
    mun_file_info info;
    mode_t mask = umask(027);
    assert_int_equal(mun_file_out_begin(w->path, &out, &w->err), MUN_OK);
    assert_int_equal(mun_file_out_put(out, MUN_LITERAL("one "), &w->err), MUN_OK);
    assert_int_equal(mun_file_out_put(out, (mun_slice){0}, &w->err), MUN_OK);
    assert_int_equal(mun_file_look(w->path, false, &info, &w->err), MUN_OK);
    assert_int_equal(info.kind, MUN_FILE_MISSING);
    assert_int_equal(mun_file_out_put(out, MUN_LITERAL("two"), &w->err), MUN_OK);
    assert_int_equal(mun_file_out_commit(out, &w->err), MUN_OK);
    assert_int_equal(mun_file_read(w->path, sizeof room, &read, &w->err), MUN_OK);
    assert_true(mun_slice_equal(mun_buf_slice(&read), MUN_LITERAL("one two")));
    assert_int_equal(mun_file_look(w->path, false, &info, &w->err), MUN_OK);
    assert_int_equal(info.mode, 0640);
    umask(mask);
}

static mun_code count_temporary(void *ctx, const mun_walk_entry *entry, mun_error *err)
{
    unsigned *n = ctx;
    (void)err;
    *n += mun_file_is_temporary(entry->relative);
    return MUN_OK;
}

/* Whoever walks the folder meanwhile knows the file for what it is. */
static void temporary_name_is_known(void **state)
{
    world *w = *state;
    mun_file_out *out;
    unsigned n = 0;
    const mun_walk walk = {.ctx = &n, .file = count_temporary};
    assert_int_equal(mun_file_out_begin(w->path, &out, &w->err), MUN_OK);
    assert_int_equal(mun_dir_walk(w->folder, &walk, &w->err), MUN_OK);
    assert_int_equal(n, 1);
    mun_file_out_abandon(out);
    assert_true(empty(w));
}

static void nothing_is_overwritten(void **state)
{
    world *w = *state;
    mun_file_out *out;
    assert_int_equal(mun_file_out_begin(w->path, &out, &w->err), MUN_OK);
    assert_int_equal(mun_file_write(w->path, MUN_LITERAL("faster"), 0, &w->err), MUN_OK);
    assert_int_equal(mun_file_out_commit(out, &w->err), MUN_E_EXISTS);
    assert_int_equal(mun_file_out_begin(w->path, &out, &w->err), MUN_E_EXISTS);
    assert_int_equal(mun_file_remove(w->path, &w->err), MUN_OK);
    assert_true(empty(w)); /* no temporary name is left */
}

static void abandoned_leaves_nothing(void **state)
{
    world *w = *state;
    mun_file_out *out;
    assert_int_equal(mun_file_out_begin(w->path, &out, &w->err), MUN_OK);
    assert_int_equal(mun_file_out_put(out, MUN_LITERAL("x"), &w->err), MUN_OK);
    mun_file_out_abandon(out);
    mun_file_out_abandon(NULL);
    assert_true(empty(w));
    snprintf(w->path, sizeof w->path, "%s/none/a", w->folder);
    assert_int_equal(mun_file_out_begin(w->path, &out, &w->err), MUN_E_NOT_FOUND);
}

static void temporary_names(void **state)
{
    (void)state;
    assert_true(mun_file_is_temporary(".tmp-0123456789abcdef"));
    assert_false(mun_file_is_temporary(".tmp-0123456789abcde"));
    assert_false(mun_file_is_temporary(".tmp-0123456789abcdeg"));
    assert_false(mun_file_is_temporary("xtmp-0123456789abcdef"));
    assert_false(mun_file_is_temporary(".tmp-0123456789abcdef0"));
    assert_false(mun_file_is_temporary(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pieces_become_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(temporary_name_is_known, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_overwritten, setup, teardown),
        cmocka_unit_test_setup_teardown(abandoned_leaves_nothing, setup, teardown),
        cmocka_unit_test(temporary_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
