/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small world, whole: every tree of up to 40 leaves, every inclusion and consistency proof in it,
 * every single-bit change, every wrong index and size, against the plain tree of plain_tree.h.
 */
#include "merkle/plain_tree.h"
#include "support/cmocka_all.h"

#include <string.h>

#ifndef LEAVES
#define LEAVES 40
#endif
/* Pairs of sizes up to here are tried as wrong sizes for each proof. */
#define WRONG_SIZES 20

static plain_table world;
static mun_node_source source;
static mun_hash roots[LEAVES + 1];

static int setup(void **state)
{
    if (plain_setup(state) != 0) return -1;
    world = plain_table_make(LEAVES);
    source = plain_table_source(&world);
    mun_hash_empty(&plain_crypto, &roots[0]);
    for (uint64_t n = 1; n <= LEAVES; n++) roots[n] = plain_root(world.node[0], n);
    return 0;
}

static int teardown(void **state)
{
    plain_table_free(&world);
    return plain_teardown(state);
}

static bool fold_gives(uint64_t index, uint64_t size, const mun_hash *leaf, const mun_hash *path,
                       size_t len, const mun_hash *root)
{
    mun_hash got;
    mun_code code = mun_inclusion_fold(&plain_crypto, index, size, leaf, path, len, &got);
    if (code != MUN_OK) {
        assert_int_equal(code, MUN_E_INVALID);
        return false;
    }
    return mun_hash_equal(&got, root);
}

static bool consistent(uint64_t m, uint64_t n, const mun_hash *old_root, const mun_hash *new_root,
                       const mun_hash *path, size_t len)
{
    mun_code code = mun_consistency_check(&plain_crypto, m, old_root, n, new_root, path, len);
    assert_true(code == MUN_OK || code == MUN_E_INVALID);
    return code == MUN_OK;
}

static void flip(mun_hash *hash, unsigned bit)
{
    hash->bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
}

static void test_hashes(void **state)
{
    (void)state;
    /* SHA-256 of nothing, as RFC 9162 section 2.1.1 gives it for the empty tree. */
    static const uint8_t empty[] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                    0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                                    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
                                    0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
    assert_memory_equal(roots[0].bytes, empty, sizeof empty);
    mun_hash leaf, node;
    mun_hash_leaf(&plain_crypto, (mun_slice){(const uint8_t *)"7", 1}, &leaf);
    assert_true(mun_hash_equal(&leaf, &world.node[0][7]));
    mun_hash_node(&plain_crypto, &world.node[0][6], &world.node[0][7], &node);
    assert_true(mun_hash_equal(&node, &world.node[1][3]));
    for (unsigned bit = 0; bit < 256; bit++) {
        mun_hash other = node;
        flip(&other, bit);
        assert_false(mun_hash_equal(&node, &other));
    }
}

static void test_roots_and_frontiers(void **state)
{
    (void)state;
    mun_frontier grown = {0};
    for (uint64_t n = 0; n <= LEAVES; n++) {
        mun_hash root;
        assert_int_equal(mun_tree_root(&plain_crypto, &source, n, &root, NULL), MUN_OK);
        assert_true(mun_hash_equal(&root, &roots[n]));
        mun_frontier_root(&grown, &plain_crypto, &root);
        assert_true(mun_hash_equal(&root, &roots[n]));
        mun_frontier loaded;
        assert_int_equal(mun_frontier_load(&loaded, n, &source, NULL), MUN_OK);
        assert_int_equal(loaded.size, n);
        mun_frontier_root(&loaded, &plain_crypto, &root);
        assert_true(mun_hash_equal(&root, &roots[n]));
        if (n < LEAVES) {
            mun_frontier_append(&grown, &plain_crypto, &world.node[0][n], NULL, NULL);
        }
    }
}

typedef struct seen {
    uint64_t size;   /* of the tree before the append */
    unsigned height; /* the next one expected */
    unsigned nodes;
} seen;

static void see(void *ctx, unsigned height, uint64_t index, const mun_hash *node)
{
    seen *s = ctx;
    assert_int_equal(height, s->height++);
    assert_int_equal((index + 1) << height, s->size + 1);
    assert_true(mun_hash_equal(node, &world.node[height][index]));
    s->nodes++;
}

static void test_sink_sees_each_node_once(void **state)
{
    (void)state;
    mun_frontier f = {0};
    seen s = {0};
    for (uint64_t n = 0; n < LEAVES; n++) {
        s.size = n;
        s.height = 0;
        mun_frontier_append(&f, &plain_crypto, &world.node[0][n], see, &s);
    }
    unsigned complete = 0;
    for (unsigned h = 0; h < 7; h++) complete += LEAVES >> h;
    assert_int_equal(s.nodes, complete);
}

static void test_inclusion_proofs(void **state)
{
    (void)state;
    for (uint64_t size = 1; size <= LEAVES; size++) {
        for (uint64_t i = 0; i < size; i++) {
            mun_path path;
            mun_hash plain[MUN_PATH_MAX + 1];
            assert_int_equal(mun_inclusion_make(&plain_crypto, &source, i, size, &path, NULL),
                             MUN_OK);
            size_t len = plain_path(i, world.node[0], size, plain);
            assert_int_equal(path.len, len);
            assert_int_equal(mun_inclusion_length(i, size), len);
            assert_memory_equal(path.node, plain, len * sizeof plain[0]);
            const mun_hash *leaf = &world.node[0][i];
            assert_true(fold_gives(i, size, leaf, plain, len, &roots[size]));
            plain[len] = roots[0]; /* one hash too many, one too few */
            assert_false(fold_gives(i, size, leaf, plain, len + 1, &roots[size]));
            if (len > 0) assert_false(fold_gives(i, size, leaf, plain, len - 1, &roots[size]));
            if (len > 0) assert_false(fold_gives(i, size, leaf, plain + 1, len - 1, &roots[size]));
        }
    }
}

static void test_inclusion_single_bits(void **state)
{
    (void)state;
    for (uint64_t size = 1; size <= LEAVES; size++) {
        for (uint64_t i = 0; i < size; i++) {
            mun_hash path[MUN_PATH_MAX], leaf = world.node[0][i];
            size_t len = plain_path(i, world.node[0], size, path);
            for (unsigned bit = 0; bit < 256; bit++) {
                flip(&leaf, bit);
                assert_false(fold_gives(i, size, &leaf, path, len, &roots[size]));
                flip(&leaf, bit);
                for (size_t at = 0; at < len; at++) {
                    flip(&path[at], bit);
                    assert_false(fold_gives(i, size, &leaf, path, len, &roots[size]));
                    flip(&path[at], bit);
                }
            }
        }
    }
}

/*
 * A wrong index never leads to the root. A wrong size may (leaf 5 of 8 reads as 5 of 7): there the
 * plain recursion says what RFC 9162 makes of it, and ours must say the same.
 */
static void test_inclusion_wrong_places(void **state)
{
    (void)state;
    for (uint64_t size = 1; size <= LEAVES; size++) {
        for (uint64_t i = 0; i < size; i++) {
            mun_hash path[MUN_PATH_MAX];
            const mun_hash *leaf = &world.node[0][i];
            size_t len = plain_path(i, world.node[0], size, path);
            for (uint64_t j = 0; j <= 2 * LEAVES; j++) {
                if (j != i) assert_false(fold_gives(j, size, leaf, path, len, &roots[size]));
            }
            for (unsigned bit = 0; bit < 64; bit++) {
                uint64_t index = i ^ UINT64_C(1) << bit;
                assert_false(fold_gives(index, size, leaf, path, len, &roots[size]));
            }
            for (uint64_t n = 0; n <= 2 * LEAVES; n++) {
                mun_hash root;
                bool plain = plain_inclusion_root(i, n, leaf, path, len, &root) &&
                             mun_hash_equal(&root, &roots[size]);
                assert_int_equal(fold_gives(i, n, leaf, path, len, &roots[size]), plain);
            }
        }
    }
}

static void test_consistency_proofs(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= LEAVES; n++) {
        for (uint64_t m = 1; m <= n; m++) {
            mun_path path;
            mun_hash plain[MUN_PATH_MAX + 1];
            assert_int_equal(mun_consistency_make(&plain_crypto, &source, m, n, &path, NULL),
                             MUN_OK);
            size_t len = plain_proof(m, world.node[0], n, plain);
            assert_int_equal(path.len, len);
            assert_memory_equal(path.node, plain, len * sizeof plain[0]);
            assert_true(consistent(m, n, &roots[m], &roots[n], plain, len));
            plain[len] = roots[0];
            assert_false(consistent(m, n, &roots[m], &roots[n], plain, len + 1));
            if (len == 0) continue;
            assert_false(consistent(m, n, &roots[m], &roots[n], plain, len - 1));
            assert_false(consistent(m, n, &roots[m], &roots[n], plain + 1, len - 1));
            assert_false(consistent(n, m, &roots[n], &roots[m], plain, len));
        }
    }
}

/* The new root that a path implies: the right one from the right old root, none from another. */
static void test_consistency_root(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= LEAVES; n++) {
        for (uint64_t m = 1; m <= n; m++) {
            mun_hash path[MUN_PATH_MAX], root = roots[0], other = roots[m];
            size_t len = plain_proof(m, world.node[0], n, path);
            mun_code code = mun_consistency_root(&plain_crypto, m, &roots[m], n, path, len, &root);
            assert_int_equal(code, m < n ? MUN_OK : MUN_E_INVALID);
            assert_true(mun_hash_equal(&root, m < n ? &roots[n] : &roots[0]));
            root = roots[0];
            flip(&other, 0);
            code = mun_consistency_root(&plain_crypto, m, &other, n, path, len, &root);
            bool whole = (m & (m - 1)) == 0; /* then the old root is itself part of the path */
            assert_int_equal(code, whole && m < n ? MUN_OK : MUN_E_INVALID);
            assert_false(mun_hash_equal(&root, &roots[n]));
        }
    }
}

static void consistency_bits(uint64_t m, uint64_t n)
{
    mun_hash path[MUN_PATH_MAX], before = roots[m], after = roots[n];
    size_t len = plain_proof(m, world.node[0], n, path);
    for (unsigned bit = 0; bit < 256; bit++) {
        flip(&before, bit);
        assert_false(consistent(m, n, &before, &after, path, len));
        flip(&before, bit);
        flip(&after, bit);
        assert_false(consistent(m, n, &before, &after, path, len));
        flip(&after, bit);
        for (size_t at = 0; at < len; at++) {
            flip(&path[at], bit);
            assert_false(consistent(m, n, &before, &after, path, len));
            flip(&path[at], bit);
        }
    }
}

static void test_consistency_single_bits(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= LEAVES; n++) {
        for (uint64_t m = 1; m <= n; m++) consistency_bits(m, n);
    }
}

/* As for inclusion: what the plain recursion makes of the wrong sizes, ours must as well. */
static void wrong_sizes(uint64_t m, uint64_t n, uint64_t m2, uint64_t n2)
{
    mun_hash path[MUN_PATH_MAX], before, after;
    size_t len = plain_proof(m, world.node[0], n, path);
    bool plain = plain_consistency_roots(m2, n2, &roots[m], path, len, &before, &after) &&
                 mun_hash_equal(&before, &roots[m]) && mun_hash_equal(&after, &roots[n]);
    assert_int_equal(consistent(m2, n2, &roots[m], &roots[n], path, len), plain);
}

static void test_consistency_wrong_sizes(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= WRONG_SIZES; n++) {
        for (uint64_t m = 1; m <= n; m++) {
            for (uint64_t n2 = 0; n2 <= WRONG_SIZES; n2++) {
                for (uint64_t m2 = 0; m2 <= WRONG_SIZES; m2++) wrong_sizes(m, n, m2, n2);
            }
        }
    }
    for (uint64_t n = 2; n <= LEAVES; n++) {
        for (unsigned bit = 0; bit < 6; bit++) {
            wrong_sizes(n - 1, n, (n - 1) ^ 1u << bit, n);
            wrong_sizes(n / 2, n, n / 2, n ^ 1u << bit);
        }
    }
}

static void test_failing_source(void **state)
{
    (void)state;
    if (LEAVES < 31) skip();
    for (unsigned nth = 1; nth <= 5; nth++) {
        mun_error err = {0};
        mun_hash root = {{1}}, root_before = root;
        mun_path path = {.len = 99};
        mun_frontier f = {.size = 99};
        world.fail_at = nth;
        world.calls = 0;
        assert_int_equal(mun_tree_root(&plain_crypto, &source, 31, &root, &err), MUN_E_IO);
        assert_int_equal(err.offset, 77);
        assert_true(mun_hash_equal(&root, &root_before));
        world.calls = 0;
        assert_int_equal(mun_inclusion_make(&plain_crypto, &source, 21, 31, &path, NULL), MUN_E_IO);
        world.calls = 0;
        assert_int_equal(mun_consistency_make(&plain_crypto, &source, 7, 31, &path, NULL),
                         MUN_E_IO);
        assert_int_equal(path.len, 99);
        world.calls = 0;
        assert_int_equal(mun_frontier_load(&f, 31, &source, NULL), MUN_E_IO);
        assert_int_equal(f.size, 99);
    }
    world.fail_at = 0;
}

static void test_wrong_calls(void **state)
{
    (void)state;
    const mun_crypto *c = &plain_crypto;
    const uint64_t over = (uint64_t)MUN_TREE_SIZE_MAX + 1;
    mun_path path = {.len = 99};
    mun_hash root;
    mun_frontier f;
    mun_error err = {0};
    assert_int_equal(mun_inclusion_make(c, &source, 5, 5, &path, &err), MUN_E_USAGE);
    assert_non_null(strstr(err.text, "index"));
    assert_int_equal(mun_inclusion_make(c, &source, 0, 0, &path, NULL), MUN_E_USAGE);
    assert_int_equal(mun_inclusion_make(c, &source, 0, over, &path, NULL), MUN_E_USAGE);
    assert_int_equal(mun_consistency_make(c, &source, 0, 5, &path, NULL), MUN_E_USAGE);
    assert_int_equal(mun_consistency_make(c, &source, 6, 5, &path, &err), MUN_E_USAGE);
    assert_int_equal(mun_consistency_make(c, &source, 6, over, &path, NULL), MUN_E_USAGE);
    assert_int_equal(mun_tree_root(c, &source, over, &root, NULL), MUN_E_USAGE);
    assert_int_equal(mun_frontier_load(&f, over, &source, NULL), MUN_E_USAGE);
    assert_int_equal(path.len, 99);
    assert_false(consistent(0, 5, &roots[0], &roots[5], NULL, 0));
    assert_false(consistent(0, 0, &roots[0], &roots[0], NULL, 0));
    assert_false(consistent(5, 5, &roots[5], &roots[4], NULL, 0));
    assert_false(consistent(3, 5, &roots[3], &roots[5], NULL, 0));
    assert_false(consistent(4, 5, &roots[4], &roots[5], NULL, 0));
    assert_false(consistent(over, over, &roots[5], &roots[5], NULL, 0));
    assert_false(fold_gives(0, over, &roots[1], NULL, 0, &roots[1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_roots_and_frontiers),
        cmocka_unit_test(test_sink_sees_each_node_once),
        cmocka_unit_test(test_inclusion_proofs),
        cmocka_unit_test(test_inclusion_single_bits),
        cmocka_unit_test(test_inclusion_wrong_places),
        cmocka_unit_test(test_consistency_proofs),
        cmocka_unit_test(test_consistency_root),
        cmocka_unit_test(test_consistency_single_bits),
        cmocka_unit_test(test_consistency_wrong_sizes),
        cmocka_unit_test(test_failing_source),
        cmocka_unit_test(test_wrong_calls),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
