/* SPDX-License-Identifier: Apache-2.0 */
/* fsck finds every kind of damage and names the place; rebuild gives the same bytes. */
#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log/log_world.h"
#include "log/params.h"
#include "log/store_layout.h"

#define ENTRIES 300 /* nine segments and a part, in the small world */

static mun_slice text_of(char *text, size_t cap, uint64_t i)
{
    int len = snprintf(text, cap, "%llu: %.*s", (unsigned long long)i, (int)(i * 7 % 50),
                       "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
    return mun_slice_of(text, (size_t)len);
}

/* A closed log with entries in batches of several sizes. */
static void make_log(world *w, uint64_t entries)
{
    mun_log *log;
    world_open(w, 1);
    mun_log_config config = world_config(w);
    assert_ok(mun_log_create(&config, err));
    assert_ok(mun_log_open(&config, &log, err));
    for (uint64_t i = 0; i < entries;) {
        char text[16][80];
        mun_slice slices[16];
        mun_appended got[16];
        size_t n = 1 + (size_t)(i % 16);
        if (n > entries - i) n = (size_t)(entries - i);
        for (size_t k = 0; k < n; k++) slices[k] = text_of(text[k], sizeof text[k], i + k);
        w->now++;
        assert_ok(mun_log_append(log, slices, n, got, NULL, err));
        for (size_t k = 0; k < n; k++) reference_add(&w->ref, slices[k], w->now);
        i += n;
    }
    assert_ok(mun_log_close(log, err));
}

typedef struct findings {
    uint64_t count;
    char file[64];
    uint64_t offset, entry;
} findings;

static void note(void *ctx, const mun_log_finding *finding)
{
    findings *f = ctx;
    if (f->count++ > 0) return;
    snprintf(f->file, sizeof f->file, "%s", finding->file);
    f->offset = finding->offset;
    f->entry = finding->entry;
    assert_true(strlen(finding->sentence) > 10);
}

static mun_code check(world *w, findings *ret)
{
    mun_log_config config = world_config(w);
    mun_log_watch watch = {.ctx = ret, .finding = note};
    mun_tree_head head = {0};
    mun_error err = {0};
    *ret = (findings){0};
    mun_code code = mun_log_fsck(&config, &watch, &head, &err);
    if (code == MUN_OK) {
        mun_hash root;
        reference_root(w, w->ref.count, &root);
        assert_int_equal(head.size, w->ref.count);
        assert_true(mun_hash_equal(&head.root, &root));
        assert_int_equal(ret->count, 0);
    } else if (code == MUN_E_DAMAGED) {
        assert_true(strlen(err.text) > 10);
    }
    return code;
}

/* Damage that fsck does not mind must really be harmless: the log opens and has everything. */
static void check_harmless(world *w)
{
    mun_log *log;
    mun_log_config config = world_config(w);
    assert_ok(mun_log_open(&config, &log, err));
    reference_check(w, log);
    assert_ok(mun_log_close(log, err));
}

static void test_sound(void **state)
{
    (void)state;
    world w;
    findings f;
    make_log(&w, ENTRIES);
    assert_int_equal(check(&w, &f), MUN_OK);
    mun_log *log;
    mun_log_config config = world_config(&w);
    assert_ok(mun_log_open(&config, &log, err));
    assert_int_equal(mun_log_fsck(&config, NULL, NULL, NULL), MUN_E_BUSY);
    assert_ok(mun_log_close(log, err));
    world_close(&w);
    make_log(&w, 0);
    assert_int_equal(check(&w, &f), MUN_OK);
    world_close(&w);
}

typedef struct place {
    const char *file;
    uint64_t offset;
    uint64_t entry; /* or MUN_NO_OFFSET: not looked at */
} place;

/* Flips one bit at the place; fsck must name file, and the entry. */
static void expect_named(world *w, place p)
{
    size_t len;
    findings f;
    uint8_t *bytes = world_file(w, p.file, &len);
    assert_true(p.offset < len);
    bytes[p.offset] ^= 0x10;
    world_put(w, p.file, bytes, len);
    assert_int_equal(check(w, &f), MUN_E_DAMAGED);
    assert_string_equal(f.file, p.file);
    if (p.entry != MUN_NO_OFFSET) assert_int_equal(f.entry, p.entry);
    bytes[p.offset] ^= 0x10;
    world_put(w, p.file, bytes, len);
    free(bytes);
    assert_int_equal(check(w, &f), MUN_OK);
}

static void test_place_is_named(void **state)
{
    (void)state;
    world w;
    size_t at = 0;
    make_log(&w, 700);
    for (size_t i = 0; i < 5; i++) at += 2 + reference_entry(&w.ref, i).len;
    expect_named(&w, (place){"entries/0000000000", at + 3, 5});
    expect_named(&w, (place){"entries/0000000000", at + 1, 5}); /* its length */
    expect_named(&w, (place){"offsets", 4 * 6 + 3, 6});
    expect_named(&w, (place){"offsets", 4 * 699 + 2, 699});
    expect_named(&w, (place){"hashes/0", 32 * 7 + 9, 7});
    expect_named(&w, (place){"hashes/0", 32 * 699 + 1, 699});
    expect_named(&w, (place){"hashes/1", 32 * 1 + 9, MUN_LOG_TILE_WIDTH});
    expect_named(&w, (place){"commits", 21, MUN_NO_OFFSET});
    expect_named(&w, (place){"commits", MUN_LOG_BLOCK - 1, MUN_NO_OFFSET});
    world_close(&w);
}

/* Every file, bit after bit (all of the small ones, a sample of the others). */
static void flip_file(world *w, const char *name, unsigned *ret_found)
{
    size_t len;
    uint8_t *bytes = world_file(w, name, &len);
    size_t step = len < 400 ? 1 : len / 150;
    for (size_t at = 0; at < len; at += 1 + (size_t)world_random(w, 2 * step)) {
        findings f;
        uint8_t bit = (uint8_t)(1u << world_random(w, 8));
        bytes[at] ^= bit;
        world_put(w, name, bytes, len);
        mun_code code = check(w, &f);
        if (code == MUN_OK) {
            size_t n;
            check_harmless(w);
            free(bytes);
            bytes = world_file(w, name, &n); /* opening may have written it again */
            assert_int_equal(n, len);
        } else {
            assert_true(code == MUN_E_DAMAGED || code == MUN_E_VERSION || code == MUN_E_INVALID);
            ++*ret_found;
            bytes[at] ^= bit;
            world_put(w, name, bytes, len);
        }
    }
    free(bytes);
}

static void test_flipped_bits(void **state)
{
    (void)state;
    world w;
    findings f;
    static const char *const all[] = {"format",  "journal",  "published", "offsets",
                                      "commits", "hashes/0", "hashes/1",  "entries/0000000000"};
    make_log(&w, ENTRIES);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        unsigned found = 0;
        flip_file(&w, all[i], &found);
        bool truth = strcmp(all[i], "journal") != 0 && strcmp(all[i], "published") != 0;
        if (truth) assert_true(found > 0);
        assert_int_equal(check(&w, &f), MUN_OK);
    }
    world_close(&w);
}

/* [LOG-26] */
static void test_rebuild_gives_the_same_bytes(void **state)
{
    (void)state;
    static const char *const files[] = {"offsets",  "hashes/0", "hashes/1",
                                        "hashes/2", "hashes/3", "hashes/4"};
    world w;
    findings f;
    make_log(&w, 700);
    mun_log_config config = world_config(&w);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        size_t len, again;
        uint8_t *before = world_file(&w, files[i], &len);
        assert_ok(w.vfs.remove(w.vfs.ctx, files[i], err));
        assert_int_equal(check(&w, &f), MUN_E_DAMAGED);
        assert_string_equal(f.file, files[i]);
        assert_ok(mun_log_rebuild(&config, NULL, err));
        uint8_t *after = world_file(&w, files[i], &again);
        assert_int_equal(len, again);
        assert_memory_equal(before, after, len);
        free(before);
        free(after);
    }
    assert_int_equal(check(&w, &f), MUN_OK);
    size_t len;
    uint8_t *segment = world_file(&w, "entries/0000000000", &len);
    segment[5] ^= 1;
    world_put(&w, "entries/0000000000", segment, len);
    free(segment);
    assert_int_equal(mun_log_rebuild(&config, NULL, NULL), MUN_E_DAMAGED);
    assert_false(world_has(&w, "offsets.new"));
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),
        cmocka_unit_test(test_place_is_named),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_rebuild_gives_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
