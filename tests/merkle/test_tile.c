/* SPDX-License-Identifier: Apache-2.0 */
/* Tile coordinates against the text of C2SP tlog-tiles, and nodes out of tiles against the tree. */
#include "merkle/plain_tree.h"
#include "support/cmocka_all.h"

#define SIZE 70000

static void test_widths(void **state)
{
    (void)state;
    /* The specification's example: 70,000 entries. */
    assert_int_equal(mun_tile_width(0, 0, SIZE), 256);
    assert_int_equal(mun_tile_width(0, 272, SIZE), 256);
    assert_int_equal(mun_tile_width(0, 273, SIZE), 112);
    assert_int_equal(mun_tile_width(0, 274, SIZE), 0);
    assert_int_equal(mun_tile_width(1, 0, SIZE), 256);
    assert_int_equal(mun_tile_width(1, 1, SIZE), 17);
    assert_int_equal(mun_tile_width(1, 2, SIZE), 0);
    assert_int_equal(mun_tile_width(2, 0, SIZE), 1);
    assert_int_equal(mun_tile_width(3, 0, SIZE), 0);
    /* 256: one full tile, and the level above begins. */
    assert_int_equal(mun_tile_width(0, 0, 256), 256);
    assert_int_equal(mun_tile_width(0, 1, 256), 0);
    assert_int_equal(mun_tile_width(1, 0, 256), 1);
    assert_int_equal(mun_tile_width(0, 0, 255), 255);
    assert_int_equal(mun_tile_width(1, 0, 255), 0);
    assert_int_equal(mun_tile_width(0, 0, 0), 0);
    /* The top of the largest tree, and levels that no tree has. */
    assert_int_equal(mun_tile_width(7, 0, MUN_TREE_SIZE_MAX), 127);
    assert_int_equal(mun_tile_width(8, 0, UINT64_MAX), 0);
    assert_int_equal(mun_tile_width(63, 0, UINT64_MAX), 0);
}

/* Every node to height 17 that a tree of SIZE has lies where its tile says. */
static void test_node_in_its_tile(void **state)
{
    (void)state;
    plain_table table = plain_table_make(SIZE);
    for (unsigned h = 0; h < 17; h++) {
        uint64_t step = h < 4 ? 1009 : 1; /* low heights: a sample */
        for (uint64_t i = 0; i < (uint64_t)SIZE >> h; i += step) {
            unsigned first, count;
            mun_tile tile = mun_tile_of_node(h, i, &first, &count);
            assert_int_equal(tile.level, h / 8);
            assert_int_equal(count, 1u << (h % 8));
            assert_int_equal(tile.width, first + count);
            assert_true(tile.width <= mun_tile_width(tile.level, tile.n, SIZE));
            /* The run covers the node's leaves. */
            assert_int_equal((tile.n * 256 + first) << (8 * tile.level), i << h);
            mun_hash node;
            mun_node_from_tile(&plain_crypto, &table.node[8 * tile.level][256 * tile.n], h, i,
                               &node);
            assert_true(mun_hash_equal(&node, &table.node[h][i]));
        }
    }
    plain_table_free(&table);
}

static void test_runs(void **state)
{
    (void)state;
    plain_table table = plain_table_make(4096);
    for (unsigned h = 0; h <= 12; h++) {
        for (uint64_t i = 0; i < 4096u >> h; i += 1 + (4096u >> h) / 3) {
            mun_hash node;
            mun_hash_run(&plain_crypto, &table.node[0][i << h], 1u << h, &node);
            assert_true(mun_hash_equal(&node, &table.node[h][i]));
        }
    }
    plain_table_free(&table);
}

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        int level;
        uint64_t n;
        unsigned width;
        const char *path;
    } cases[] = {
        {0, 0, 256, "tile/0/000"},
        {0, 255, 256, "tile/0/255"},
        {0, 999, 1, "tile/0/999.p/1"},
        {1, 1000, 255, "tile/1/x001/000.p/255"},
        {0, 1067, 12, "tile/0/x001/067.p/12"},
        {2, 1234067, 256, "tile/2/x001/x234/067"},
        {-1, 0, 256, "tile/entries/000"},
        {-1, 1234067, 7, "tile/entries/x001/x234/067.p/7"},
        {63, 999999999, 256, "tile/63/x999/x999/999"},
        {0, 1000000000, 256, "tile/0/x001/x000/x000/000"},
        {-1, UINT64_MAX, 255, "tile/entries/x018/x446/x744/x073/x709/x551/615.p/255"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char path[MUN_TILE_PATH_MAX];
        mun_tile_path(path, cases[i].level, cases[i].n, cases[i].width);
        assert_string_equal(path, cases[i].path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_widths),
        cmocka_unit_test(test_node_in_its_tile),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests(tests, plain_setup, plain_teardown);
}
