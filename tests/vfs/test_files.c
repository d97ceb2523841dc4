/* SPDX-License-Identifier: Apache-2.0 */
/* User files by path: odd names, pipes, atomic writes, walks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "vfs/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ODD_NAME "odd \n\xff\\name"

typedef struct world {
    char path[MUN_PATH_BYTES_MAX];
    char name[MUN_PATH_BYTES_MAX];
    mun_error err;
} world;

static int setup(void **state)
{
    world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    assert_int_equal(mun_dir_make_temp(".", w->path, &w->err), MUN_OK);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world *w = *state;
    assert_int_equal(mun_dir_remove_all(w->path, &w->err), MUN_OK);
    free(w);
    return 0;
}

static const char *in(world *w, const char *name)
{
    int len = snprintf(w->name, sizeof w->name, "%s/%s", w->path, name);
    assert_true((size_t)len < sizeof w->name);
    return w->name;
}

static size_t names_in(const char *folder);

static void path_text(void **state)
{
    (void)state;
    char text[24];
    mun_path_text(text, sizeof text, "a b/\xc3\xa9");
    assert_string_equal(text, "a b/\xc3\xa9");
    mun_path_text(text, sizeof text, "\n\xff\\\x7f");
    assert_string_equal(text, "\\x0a\\xff\\x5c\\x7f");
    mun_path_text(text, sizeof text, "\xed\xa0\x80"); /* a surrogate is not UTF-8 */
    assert_string_equal(text, "\\xed\\xa0\\x80");
    mun_path_text(text, sizeof text, "\xc2\x9b"); /* C1: could steer a terminal */
    assert_string_equal(text, "\\xc2\\x9b");
    mun_path_text(text, sizeof text, "0123456789/0123456789/0123456789/end");
    assert_memory_equal(text, "...", 3);
    assert_true(strlen(text) < sizeof text);
    assert_string_equal(text + strlen(text) - 4, "/end");
}

static void look(void **state)
{
    world *w = *state;
    mun_file_info info;
    assert_int_equal(mun_file_look(in(w, "x"), true, &info, &w->err), MUN_OK);
    assert_int_equal(info.kind, MUN_FILE_MISSING);
    assert_int_equal(mun_file_write(in(w, "x"), MUN_LITERAL("abc"), 0, &w->err), MUN_OK);
    assert_int_equal(mun_file_look(in(w, "x"), true, &info, &w->err), MUN_OK);
    assert_int_equal(info.kind, MUN_FILE_REGULAR);
    assert_int_equal(info.size, 3);
    assert_int_equal(symlink("x", in(w, "link")), 0);
    assert_int_equal(mun_file_look(in(w, "link"), false, &info, &w->err), MUN_OK);
    assert_int_equal(info.kind, MUN_FILE_LINK);
    assert_int_equal(mun_file_look(in(w, "link"), true, &info, &w->err), MUN_OK);
    assert_int_equal(info.kind, MUN_FILE_REGULAR);
    assert_int_equal(mun_file_look(in(w, "x/y"), true, &info, &w->err), MUN_OK);
    assert_int_equal(info.kind, MUN_FILE_MISSING);
    assert_int_equal(mkfifo(in(w, "pipe"), 0600), 0);
    assert_int_equal(mun_file_look(in(w, "pipe"), true, &info, &w->err), MUN_OK);
    assert_int_equal(info.kind, MUN_FILE_PIPE);
    assert_int_equal(mun_file_look("/dev/null", true, &info, &w->err), MUN_OK);
    assert_int_equal(info.kind, MUN_FILE_OTHER);
}

static void read_limits(void **state)
{
    world *w = *state;
    assert_int_equal(mun_file_write(in(w, ODD_NAME), MUN_LITERAL("12345"), 0, &w->err), MUN_OK);
    for (size_t max = 0; max < 8; max++) {
        MUN_BUF_AUTO mun_buf got = mun_buf_growable(100);
        mun_code code = mun_file_read(in(w, ODD_NAME), max, &got, &w->err);
        assert_int_equal(code, max < 5 ? MUN_E_LIMIT : MUN_OK);
        if (code == MUN_OK)
            assert_true(mun_slice_equal(mun_buf_slice(&got), MUN_LITERAL("12345")));
        else
            assert_non_null(strstr(w->err.text, "odd \\x0a\\xff\\x5cname"));
    }
    MUN_BUF_AUTO mun_buf got = mun_buf_growable(100);
    assert_int_equal(mun_file_read(w->path, 10, &got, &w->err), MUN_E_IO);
    assert_non_null(strstr(w->err.text, "directory"));
    assert_int_equal(mun_file_read(in(w, "none"), 10, &got, &w->err), MUN_E_NOT_FOUND);
    /* Endless input: the limit holds without a size to look at. */
    assert_int_equal(mun_file_read("/dev/zero", 100, &got, &w->err), MUN_E_LIMIT);
    /* The caller's own buffer is smaller than the limit. */
    MUN_BUF_AUTO mun_buf small = mun_buf_growable(3);
    assert_int_equal(mun_file_read(in(w, ODD_NAME), 10, &small, &w->err), MUN_E_LIMIT);
}

static void read_standard_input(void **state)
{
    world *w = *state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "piped", 5), 5);
    close(ends[1]);
    int kept = dup(STDIN_FILENO);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    MUN_BUF_AUTO mun_buf got = mun_buf_growable(100);
    assert_int_equal(mun_file_read("-", 10, &got, &w->err), MUN_OK);
    assert_true(mun_slice_equal(mun_buf_slice(&got), MUN_LITERAL("piped")));
    dup2(kept, STDIN_FILENO);
    close(kept);
    close(ends[0]);
}

static void write_is_careful(void **state)
{
    world *w = *state;
    assert_int_equal(mun_file_write(in(w, "f"), MUN_LITERAL("one"), 0, &w->err), MUN_OK);
    assert_int_equal(mun_file_write(in(w, "f"), MUN_LITERAL("two"), 0, &w->err), MUN_E_EXISTS);
    assert_int_equal(names_in(w->path), 1); /* no temporary file left */
    unsigned replace = MUN_WRITE_REPLACE | MUN_WRITE_NO_SYNC;
    assert_int_equal(mun_file_write(in(w, "f"), MUN_LITERAL("three"), replace, &w->err), MUN_OK);
    MUN_BUF_AUTO mun_buf got = mun_buf_growable(100);
    assert_int_equal(mun_file_read(in(w, "f"), 10, &got, &w->err), MUN_OK);
    assert_true(mun_slice_equal(mun_buf_slice(&got), MUN_LITERAL("three")));
    assert_int_equal(names_in(w->path), 1);
    mode_t mask = umask(0);
    assert_int_equal(mun_file_write(in(w, "k"), MUN_LITERAL("k"), MUN_WRITE_SECRET, &w->err),
                     MUN_OK);
    umask(mask);
    mun_file_info info;
    assert_int_equal(mun_file_look(in(w, "k"), false, &info, &w->err), MUN_OK);
    assert_int_equal(info.mode, 0600);
    assert_int_equal(mun_file_write(w->path, MUN_LITERAL("x"), replace, &w->err), MUN_E_IO);
    assert_int_equal(mun_file_write(in(w, "no/f"), MUN_LITERAL("x"), 0, &w->err), MUN_E_NOT_FOUND);
    assert_int_equal(mun_file_write(in(w, "new/"), MUN_LITERAL("x"), 0, &w->err), MUN_E_IO);
    assert_int_equal(mun_file_remove(in(w, "f"), &w->err), MUN_OK);
    assert_int_equal(mun_file_remove(in(w, "f"), &w->err), MUN_E_NOT_FOUND);
}

/* A link is replaced, so that nobody can make us write through it; a device is written to. */
static void write_targets(void **state)
{
    world *w = *state;
    assert_int_equal(mun_file_write(in(w, "f"), MUN_LITERAL("old"), 0, &w->err), MUN_OK);
    assert_int_equal(symlink("f", in(w, "link")), 0);
    assert_int_equal(mun_file_write(in(w, "link"), MUN_LITERAL("new"), 0, &w->err), MUN_E_EXISTS);
    mun_code code = mun_file_write(in(w, "link"), MUN_LITERAL("new"), MUN_WRITE_REPLACE, &w->err);
    assert_int_equal(code, MUN_OK);
    MUN_BUF_AUTO mun_buf got = mun_buf_growable(100);
    assert_int_equal(mun_file_read(in(w, "f"), 10, &got, &w->err), MUN_OK);
    assert_true(mun_slice_equal(mun_buf_slice(&got), MUN_LITERAL("old")));
    assert_int_equal(mun_file_write("/dev/null", MUN_LITERAL("x"), 0, &w->err), MUN_OK);
    assert_int_equal(mun_file_write("/dev/full", MUN_LITERAL("x"), 0, &w->err), MUN_E_NO_SPACE);
}

typedef struct sum {
    uint64_t bytes;
    uint64_t size;
    unsigned visits;
    unsigned stop_at;
} sum;

static mun_code add(void *ctx, mun_slice chunk, uint64_t done, uint64_t size, mun_error *err)
{
    sum *s = ctx;
    assert_int_equal(done, s->bytes);
    s->bytes += chunk.len;
    s->size = size;
    return ++s->visits == s->stop_at ? mun_fail(err, MUN_E_AGAIN, 0, "stop") : MUN_OK;
}

static void stream(void **state)
{
    world *w = *state;
    int fd = open(in(w, "sparse"), O_WRONLY | O_CREAT, 0600);
    off_t size = 3 * (off_t)MUN_STREAM_CHUNK + 17;
    assert_int_equal(ftruncate(fd, size), 0);
    close(fd);
    sum s = {0};
    assert_int_equal(mun_file_stream(w->name, add, &s, &w->err), MUN_OK);
    assert_int_equal(s.bytes, size);
    assert_int_equal(s.size, size);
    assert_int_equal(s.visits, 4);
    s = (sum){.stop_at = 2};
    assert_int_equal(mun_file_stream(w->name, add, &s, &w->err), MUN_E_AGAIN);
    assert_int_equal(s.visits, 2);
    s = (sum){0};
    assert_int_equal(mun_file_stream("/dev/null", add, &s, &w->err), MUN_OK);
    assert_int_equal(s.visits, 0);
    assert_int_equal(mun_file_stream(w->path, add, &s, &w->err), MUN_E_IO);
}

typedef struct seen {
    char text[1024];
    const char *skip;
    unsigned unreadable;
} seen;

static mun_code note(void *ctx, const mun_walk_entry *entry, mun_error *err)
{
    (void)err;
    seen *s = ctx;
    static const char letter[] = {
        [MUN_FILE_REGULAR] = 'f', [MUN_FILE_LINK] = 'l', [MUN_FILE_PIPE] = 'p'};
    size_t len = strlen(s->text);
    snprintf(s->text + len, sizeof s->text - len, "%c:%s|", letter[entry->info.kind],
             entry->relative);
    return MUN_OK;
}

static bool enter(void *ctx, const mun_walk_entry *folder)
{
    const seen *s = ctx;
    return s->skip == NULL || strcmp(folder->relative, s->skip) != 0;
}

static mun_code count_unreadable(void *ctx, const mun_walk_entry *entry, const mun_error *why)
{
    seen *s = ctx;
    assert_non_null(strstr(why->text, entry->relative));
    s->unreadable++;
    return MUN_OK;
}

static size_t names_in(const char *folder)
{
    seen s = {0};
    mun_walk walk = {.ctx = &s, .file = note};
    assert_int_equal(mun_dir_walk(folder, &walk, NULL), MUN_OK);
    size_t n = 0;
    for (const char *p = s.text; *p != '\0'; p++) n += *p == '|';
    return n;
}

static void make_tree(world *w)
{
    assert_int_equal(mun_dir_make(in(w, "a/b/c"), &w->err), MUN_OK);
    assert_int_equal(mun_dir_make(in(w, "a/b/c/"), &w->err), MUN_OK);
    assert_int_equal(mun_dir_make(in(w, "z"), &w->err), MUN_OK);
    const char *files[] = {"b", "a/2", "a/10", ("a/b/c/" ODD_NAME), "a.b", "z/.hidden"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        assert_int_equal(mun_file_write(in(w, files[i]), MUN_LITERAL("x"), 0, &w->err), MUN_OK);
    }
    assert_int_equal(symlink("..", in(w, "a/up")), 0);
}

static void walk_in_order(void **state)
{
    world *w = *state;
    make_tree(w);
    seen s = {0};
    mun_walk walk = {.ctx = &s, .file = note, .enter = enter};
    assert_int_equal(mun_dir_walk(w->path, &walk, &w->err), MUN_OK);
    assert_string_equal(s.text, "f:a/10|f:a/2|f:a/b/c/" ODD_NAME "|l:a/up|f:a.b|f:b|f:z/.hidden|");
    s = (seen){.skip = "a"};
    assert_int_equal(mun_dir_walk(w->path, &walk, &w->err), MUN_OK);
    assert_string_equal(s.text, "f:a.b|f:b|f:z/.hidden|");
    assert_int_equal(mun_dir_walk(in(w, "none"), &walk, &w->err), MUN_E_NOT_FOUND);
    assert_int_equal(mun_dir_walk(in(w, "b"), &walk, &w->err), MUN_E_NOT_FOUND);
}

static void walk_with_trailing_slash(void **state)
{
    world *w = *state;
    make_tree(w);
    seen s = {.skip = "a"};
    mun_walk walk = {.ctx = &s, .file = note, .enter = enter};
    assert_int_equal(mun_dir_walk(in(w, ""), &walk, &w->err), MUN_OK);
    assert_string_equal(s.text, "f:a.b|f:b|f:z/.hidden|");
}

static void walk_too_deep(void **state)
{
    world *w = *state;
    char path[MUN_PATH_BYTES_MAX];
    size_t len = (size_t)snprintf(path, sizeof path, "%s", w->path);
    for (unsigned i = 0; i < MUN_WALK_DEPTH_MAX; i++) {
        memcpy(path + len, "/d", 3);
        len += 2;
    }
    assert_int_equal(mun_dir_make(path, &w->err), MUN_OK);
    seen s = {0};
    mun_walk walk = {.ctx = &s, .file = note};
    assert_int_equal(mun_dir_walk(w->path, &walk, &w->err), MUN_E_LIMIT);
    path[len - 2] = '\0'; /* one level less is allowed; leave that to teardown as well */
    assert_int_equal(mun_dir_remove_all(path, &w->err), MUN_OK);
    assert_int_equal(mun_dir_walk(w->path, &walk, &w->err), MUN_OK);
}

/* A folder that is gone when the walk wants to enter it stands for all that cannot be read. */
static bool remove_then_enter(void *ctx, const mun_walk_entry *folder)
{
    (void)ctx;
    return strcmp(folder->relative, "gone") != 0 || rmdir(folder->path) == 0;
}

static void walk_unreadable(void **state)
{
    world *w = *state;
    seen s = {0};
    mun_walk walk = {.ctx = &s, .file = note, .enter = remove_then_enter};
    walk.unreadable = count_unreadable;
    assert_int_equal(mun_dir_make(in(w, "gone"), &w->err), MUN_OK);
    assert_int_equal(mun_file_write(in(w, "z"), MUN_LITERAL("x"), 0, &w->err), MUN_OK);
    assert_int_equal(mun_dir_walk(w->path, &walk, &w->err), MUN_OK);
    assert_int_equal(s.unreadable, 1);
    assert_string_equal(s.text, "f:z|");
    walk.unreadable = NULL;
    assert_int_equal(mun_dir_make(in(w, "gone"), &w->err), MUN_OK);
    assert_int_equal(mun_dir_walk(w->path, &walk, &w->err), MUN_E_NOT_FOUND);
    assert_non_null(strstr(w->err.text, "gone"));
}

static void folders(void **state)
{
    world *w = *state;
    bool empty = false;
    assert_int_equal(mun_dir_empty(w->path, &empty, &w->err), MUN_OK);
    assert_true(empty);
    assert_int_equal(mun_file_write(in(w, "f"), MUN_LITERAL(""), 0, &w->err), MUN_OK);
    assert_int_equal(mun_dir_empty(w->path, &empty, &w->err), MUN_OK);
    assert_false(empty);
    assert_int_equal(mun_dir_empty(in(w, "f"), &empty, &w->err), MUN_E_NOT_FOUND);
    assert_int_equal(mun_dir_make(in(w, "f/x"), &w->err), MUN_E_NOT_FOUND);
    mun_fs_info fs;
    assert_int_equal(mun_fs_look(w->path, &fs, &w->err), MUN_OK);
    assert_true(fs.free <= fs.capacity);
    assert_int_equal(mun_fs_look("/proc", &fs, &w->err), MUN_OK);
    assert_false(fs.memory);
    assert_int_equal(mun_fs_look(in(w, "none"), &fs, &w->err), MUN_E_NOT_FOUND);
    if (mun_fs_look("/dev/shm", &fs, NULL) == MUN_OK && strcmp(fs.type, "tmpfs") == 0) {
        assert_true(fs.memory);
    }
}

/* What a link points to survives the removal of the folder that holds the link. */
static void remove_follows_no_link(void **state)
{
    world *w = *state;
    assert_int_equal(mun_dir_make(in(w, "keep"), &w->err), MUN_OK);
    assert_int_equal(mun_file_write(in(w, "keep/f"), MUN_LITERAL("x"), 0, &w->err), MUN_OK);
    assert_int_equal(mun_dir_make(in(w, "gone/sub/deep"), &w->err), MUN_OK);
    assert_int_equal(symlink("../keep", in(w, "gone/link")), 0);
    assert_int_equal(mun_dir_remove_all(in(w, "gone"), &w->err), MUN_OK);
    assert_int_equal(names_in(w->path), 1);
    assert_int_equal(mun_dir_remove_all(in(w, "gone"), &w->err), MUN_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_text),
        cmocka_unit_test_setup_teardown(look, setup, teardown),
        cmocka_unit_test_setup_teardown(read_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(read_standard_input, setup, teardown),
        cmocka_unit_test_setup_teardown(write_is_careful, setup, teardown),
        cmocka_unit_test_setup_teardown(write_targets, setup, teardown),
        cmocka_unit_test_setup_teardown(stream, setup, teardown),
        cmocka_unit_test_setup_teardown(walk_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(walk_with_trailing_slash, setup, teardown),
        cmocka_unit_test_setup_teardown(walk_too_deep, setup, teardown),
        cmocka_unit_test_setup_teardown(walk_unreadable, setup, teardown),
        cmocka_unit_test_setup_teardown(folders, setup, teardown),
        cmocka_unit_test_setup_teardown(remove_follows_no_link, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
