/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees up to the limit of 2^63-1 leaves. All leaves are the same, so node (h, i) depends on h only
 * and a source for any size fits into 64 hashes; positions are still told apart by the directions
 * that a path takes.
 */
#include "merkle/plain_tree.h"
#include "support/cmocka_all.h"

static mun_hash same[64]; /* same[h]: the complete subtree of height h */

static int setup(void **state)
{
    if (plain_setup(state) != 0) return -1;
    mun_hash_leaf(&plain_crypto, (mun_slice){(const uint8_t *)"all", 3}, &same[0]);
    for (unsigned h = 1; h < 64; h++) {
        mun_hash_node(&plain_crypto, &same[h - 1], &same[h - 1], &same[h]);
    }
    return 0;
}

/* ctx: the size of the tree, to notice a request beyond it. */
static mun_code get(void *ctx, unsigned height, uint64_t index, mun_hash *ret, mun_error *err)
{
    (void)err;
    const uint64_t *size = ctx;
    assert_true(height < 63);
    assert_true(index < *size >> height);
    *ret = same[height];
    return MUN_OK;
}

static void check_inclusion(uint64_t index, uint64_t size)
{
    mun_node_source source = {&size, get};
    mun_hash root, folded;
    mun_path path;
    assert_int_equal(mun_tree_root(&plain_crypto, &source, size, &root, NULL), MUN_OK);
    assert_int_equal(mun_inclusion_make(&plain_crypto, &source, index, size, &path, NULL), MUN_OK);
    assert_int_equal(path.len, mun_inclusion_length(index, size));
    assert_int_equal(
        mun_inclusion_fold(&plain_crypto, index, size, &same[0], path.node, path.len, &folded),
        MUN_OK);
    assert_true(mun_hash_equal(&root, &folded));
    mun_frontier f;
    assert_int_equal(mun_frontier_load(&f, size, &source, NULL), MUN_OK);
    mun_frontier_root(&f, &plain_crypto, &folded);
    assert_true(mun_hash_equal(&root, &folded));
}

static void check_consistency(uint64_t old_size, uint64_t size)
{
    mun_node_source source = {&size, get};
    mun_hash old_root, root;
    mun_path path;
    assert_int_equal(mun_tree_root(&plain_crypto, &source, old_size, &old_root, NULL), MUN_OK);
    assert_int_equal(mun_tree_root(&plain_crypto, &source, size, &root, NULL), MUN_OK);
    assert_int_equal(mun_consistency_make(&plain_crypto, &source, old_size, size, &path, NULL),
                     MUN_OK);
    assert_int_equal(
        mun_consistency_check(&plain_crypto, old_size, &old_root, size, &root, path.node, path.len),
        MUN_OK);
    if (old_size == size) return;
    path.node[0].bytes[31] ^= 1;
    assert_int_equal(
        mun_consistency_check(&plain_crypto, old_size, &old_root, size, &root, path.node, path.len),
        MUN_E_INVALID);
}

/* Around every power of two, and pseudo-random ones from a fixed seed. */
static size_t make_sizes(uint64_t *ret, size_t cap)
{
    size_t n = 0;
    for (unsigned h = 0; h < 63; h++) {
        for (int d = -1; d <= 1; d++) {
            uint64_t size = (UINT64_C(1) << h) + (uint64_t)(int64_t)d;
            if (size > 0) ret[n++] = size;
        }
    }
    uint64_t x = 42;
    for (unsigned h = 1; h < 63; h++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        ret[n++] = (x >> (63 - h)) + 1;
    }
    ret[n++] = MUN_TREE_SIZE_MAX;
    assert_true(n <= cap);
    for (size_t i = 0; i < n; i++) {
        if (ret[i] > MUN_TREE_SIZE_MAX) ret[i] = MUN_TREE_SIZE_MAX;
    }
    return n;
}

static void test_inclusion(void **state)
{
    (void)state;
    uint64_t sizes[300];
    size_t n = make_sizes(sizes, 300);
    for (size_t i = 0; i < n; i++) {
        const uint64_t size = sizes[i];
        const uint64_t indexes[] = {0, 1, size / 3, size / 2, size - 2, size - 1};
        for (size_t k = 0; k < 6; k++) {
            if (indexes[k] < size) check_inclusion(indexes[k], size);
        }
    }
}

static void test_consistency(void **state)
{
    (void)state;
    uint64_t sizes[300];
    size_t n = make_sizes(sizes, 300);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = i % 7; k < n; k += 7) {
            if (sizes[k] <= sizes[i]) check_consistency(sizes[k], sizes[i]);
        }
    }
}

/* Paths may not be longer than the buffers that callers keep for them. */
static void test_path_limit(void **state)
{
    (void)state;
    size_t longest = 0;
    for (unsigned h = 1; h < 64; h++) {
        uint64_t size = h == 63 ? (uint64_t)MUN_TREE_SIZE_MAX : UINT64_C(1) << h;
        size_t len = mun_inclusion_length(0, size);
        assert_int_equal(len, h);
        if (len > longest) longest = len;
        assert_int_equal(mun_inclusion_length(size - 1, size), h == 63 ? 62 : h);
    }
    assert_true(longest < MUN_PATH_MAX);
}

static void test_wrong_length_at_the_limit(void **state)
{
    (void)state;
    mun_hash path[MUN_PATH_MAX] = {0}, root;
    for (size_t len = 0; len <= MUN_PATH_MAX; len++) {
        mun_code code =
            mun_inclusion_fold(&plain_crypto, 0, MUN_TREE_SIZE_MAX, &same[0], path, len, &root);
        assert_int_equal(code, len == 63 ? MUN_OK : MUN_E_INVALID);
    }
}

/* One leaf more than the limit, with paths that would fit. */
static void test_beyond_the_limit(void **state)
{
    (void)state;
    const uint64_t over = (uint64_t)MUN_TREE_SIZE_MAX + 1;
    mun_hash path[MUN_PATH_MAX] = {0}, root;
    for (size_t len = 0; len <= MUN_PATH_MAX; len++) {
        assert_int_equal(mun_inclusion_fold(&plain_crypto, 0, over, &same[0], path, len, &root),
                         MUN_E_INVALID);
        assert_int_equal(mun_consistency_root(&plain_crypto, 1, &same[0], over, path, len, &root),
                         MUN_E_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inclusion),        cmocka_unit_test(test_consistency),
        cmocka_unit_test(test_path_limit),       cmocka_unit_test(test_wrong_length_at_the_limit),
        cmocka_unit_test(test_beyond_the_limit),
    };
    return cmocka_run_group_tests(tests, setup, plain_teardown);
}
