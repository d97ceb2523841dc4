/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared vectors data/merkle (its README says who made them): roots, proofs and tiles of trees
 * whose leaf i is the ASCII decimal of i, and the cases of transparency-dev/merkle.
 */
#include "merkle/plain_tree.h"
#include "support/cmocka_all.h"
#include "support/vectors.h"

#include <string.h>

#define SIZE_MAX_OF_VECTORS 70000

static plain_table world;
static mun_node_source source;

static int setup(void **state)
{
    if (plain_setup(state) != 0) return -1;
    world = plain_table_make(SIZE_MAX_OF_VECTORS);
    source = plain_table_source(&world);
    return 0;
}

static int teardown(void **state)
{
    plain_table_free(&world);
    return plain_teardown(state);
}

static void hash_of(const json_t *object, const char *member, mun_hash *ret)
{
    assert_int_equal(vectors_hex(object, member, ret->bytes, MUN_HASH_SIZE), MUN_HASH_SIZE);
}

static void check_path(const json_t *list, const mun_path *path)
{
    assert_int_equal(json_array_size(list), path->len);
    for (size_t i = 0; i < path->len; i++) {
        uint8_t want[MUN_HASH_SIZE];
        const char *text = json_string_value(json_array_get(list, i));
        assert_non_null(text);
        assert_int_equal(vectors_unhex(text, want, sizeof want), sizeof want);
        assert_memory_equal(path->node[i].bytes, want, sizeof want);
    }
}

static void test_roots(void **state)
{
    (void)state;
    json_t *all = vectors_array("merkle/roots.json", 64);
    size_t i;
    json_t *one;
    json_array_foreach(all, i, one)
    {
        mun_hash want, root;
        hash_of(one, "root", &want);
        uint64_t size = (uint64_t)vectors_int(one, "size");
        assert_int_equal(mun_tree_root(&plain_crypto, &source, size, &root, NULL), MUN_OK);
        assert_true(mun_hash_equal(&root, &want));
    }
    json_decref(all);
}

static void test_inclusion(void **state)
{
    (void)state;
    json_t *all = vectors_array("merkle/inclusion.json", 900);
    size_t i;
    json_t *one;
    json_array_foreach(all, i, one)
    {
        uint64_t size = (uint64_t)vectors_int(one, "size");
        uint64_t index = (uint64_t)vectors_int(one, "index");
        mun_hash leaf, root, folded;
        mun_path path;
        hash_of(one, "leaf_hash", &leaf);
        assert_true(mun_hash_equal(&leaf, &world.node[0][index]));
        assert_int_equal(mun_inclusion_make(&plain_crypto, &source, index, size, &path, NULL),
                         MUN_OK);
        check_path(vectors_list(one, "path"), &path);
        assert_int_equal(mun_tree_root(&plain_crypto, &source, size, &root, NULL), MUN_OK);
        assert_int_equal(
            mun_inclusion_fold(&plain_crypto, index, size, &leaf, path.node, path.len, &folded),
            MUN_OK);
        assert_true(mun_hash_equal(&root, &folded));
    }
    json_decref(all);
}

static void test_consistency(void **state)
{
    (void)state;
    json_t *all = vectors_array("merkle/consistency.json", 800);
    size_t i;
    json_t *one;
    json_array_foreach(all, i, one)
    {
        uint64_t m = (uint64_t)vectors_int(one, "size1");
        uint64_t n = (uint64_t)vectors_int(one, "size2");
        mun_hash old_root, root;
        mun_path path;
        assert_int_equal(mun_consistency_make(&plain_crypto, &source, m, n, &path, NULL), MUN_OK);
        check_path(vectors_list(one, "path"), &path);
        assert_int_equal(mun_tree_root(&plain_crypto, &source, m, &old_root, NULL), MUN_OK);
        assert_int_equal(mun_tree_root(&plain_crypto, &source, n, &root, NULL), MUN_OK);
        assert_int_equal(
            mun_consistency_check(&plain_crypto, m, &old_root, n, &root, path.node, path.len),
            MUN_OK);
    }
    json_decref(all);
}

/* SHA-256 of the tile whose path our own mun_tile_path writes as `name`; false: there is none. */
static bool tile_digest(const char *name, uint64_t size, uint8_t ret[MUN_HASH_SIZE])
{
    for (unsigned level = 0; level < 8; level++) {
        for (uint64_t n = 0;; n++) {
            unsigned width = mun_tile_width(level, n, size);
            if (width == 0) break;
            char path[MUN_TILE_PATH_MAX];
            mun_tile_path(path, (int)level, n, width);
            if (strcmp(path, name) != 0) continue;
            const mun_hash *first = &world.node[8 * level][256 * n];
            const mun_slice bytes = {first->bytes, (size_t)width * MUN_HASH_SIZE};
            plain_crypto.sha256(plain_crypto.ctx, &bytes, 1, ret);
            return true;
        }
    }
    return false;
}

static void test_tiles(void **state)
{
    (void)state;
    json_t *all = vectors_array("merkle/tiles.json", 11);
    size_t i, tiles = 0;
    json_t *one;
    json_array_foreach(all, i, one)
    {
        uint64_t size = (uint64_t)vectors_int(one, "size");
        const char *name;
        json_t *digest;
        json_object_foreach(json_object_get(one, "tiles_sha256"), name, digest)
        {
            uint8_t want[MUN_HASH_SIZE], got[MUN_HASH_SIZE];
            vectors_unhex(json_string_value(digest), want, sizeof want);
            assert_true(tile_digest(name, size, got));
            assert_memory_equal(got, want, sizeof want);
            tiles++;
        }
    }
    assert_true(tiles >= 40);
    json_decref(all);
}

/*
 * A hash of transparency-dev's cases; true when it is one. Some are texts of another length, which
 * our types cannot hold: they are filled up with zeros.
 */
static bool loose_hash(const char *text, mun_hash *ret)
{
    uint8_t bytes[64] = {0};
    size_t len = vectors_unbase64(text, bytes, sizeof bytes);
    memcpy(ret->bytes, bytes, MUN_HASH_SIZE);
    return len == MUN_HASH_SIZE;
}

static size_t loose_path(const json_t *one, mun_hash *ret, size_t cap)
{
    const json_t *list = json_object_get(one, "proof"); /* null stands for the empty one */
    size_t len = json_array_size(list);
    assert_true(len <= cap);
    for (size_t i = 0; i < len; i++) {
        loose_hash(json_string_value(json_array_get(list, i)), &ret[i]);
    }
    return len;
}

static bool inclusion_accepted(const json_t *one)
{
    mun_hash leaf, root, folded, path[80];
    size_t len = loose_path(one, path, 80);
    if (!loose_hash(vectors_text(one, "leafHash"), &leaf)) return false;
    if (!loose_hash(vectors_text(one, "root"), &root)) return false;
    return mun_inclusion_fold(&plain_crypto, vectors_u64(one, "leafIdx"),
                              vectors_u64(one, "treeSize"), &leaf, path, len, &folded) == MUN_OK &&
           mun_hash_equal(&folded, &root);
}

static bool consistency_accepted(const json_t *one)
{
    mun_hash old_root, root, path[80];
    size_t len = loose_path(one, path, 80);
    loose_hash(vectors_text(one, "root1"), &old_root);
    loose_hash(vectors_text(one, "root2"), &root);
    return mun_consistency_check(&plain_crypto, vectors_u64(one, "size1"), &old_root,
                                 vectors_u64(one, "size2"), &root, path, len) == MUN_OK;
}

static void test_transparency_dev(void **state)
{
    (void)state;
    json_t *all = vectors_array("merkle/transparency-dev.json", 196);
    size_t i, accepted = 0;
    json_t *one;
    json_array_foreach(all, i, one)
    {
        bool inclusion = strncmp(vectors_text(one, "file"), "inclusion", 9) == 0;
        bool good = inclusion ? inclusion_accepted(one) : consistency_accepted(one);
        if (good == vectors_bool(one, "wantErr")) fail_msg("%s", vectors_text(one, "file"));
        accepted += good;
    }
    assert_int_equal(accepted, 12);
    json_decref(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roots),
        cmocka_unit_test(test_inclusion),
        cmocka_unit_test(test_consistency),
        cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_transparency_dev),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
