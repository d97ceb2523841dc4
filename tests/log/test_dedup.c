/* SPDX-License-Identifier: Apache-2.0 */
/* The table of known entries against a plain list. */
#include "support/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "log/dedup.h"
#include "log/log_world.h"
#include "log/params.h"

#define MANY 60000u

typedef struct list {
    mun_hash *leaf;
    uint64_t count;
    uint64_t asked;
    bool fails;
} list;

static mun_code leaf_of(void *ctx, uint64_t index, mun_hash *ret, mun_error *err)
{
    list *l = ctx;
    l->asked++;
    if (l->fails) return mun_fail(err, MUN_E_IO, MUN_NO_OFFSET, "planted");
    if (index >= l->count) return MUN_E_NOT_FOUND;
    *ret = l->leaf[index];
    return MUN_OK;
}

static void random_leaf(world *w, mun_hash *ret)
{
    (void)!world_bytes(w, ret->bytes, sizeof ret->bytes);
}

static void expect(mun_dedup *d, list *l, const mun_hash *leaf, uint64_t want)
{
    const mun_leaf_source source = {.ctx = l, .leaf = leaf_of};
    uint64_t found = 0;
    mun_code code = mun_dedup_find(d, leaf, &source, &found, NULL);
    assert_int_equal(code, want == UINT64_MAX ? MUN_E_NOT_FOUND : MUN_OK);
    if (want != UINT64_MAX) assert_int_equal(found, want);
}

/* Fills from runs of entries, gathered in as many sheaves. */
static void fill(mun_dedup *d, list *l, const uint64_t (*run)[2], unsigned n)
{
    const mun_leaf_source source = {.ctx = l, .leaf = leaf_of};
    mun_dedup_sheaf *sheaf[4];
    for (unsigned i = 0; i < n; i++) {
        assert_ok(mun_dedup_sheaf_new(&sheaf[i], err));
        assert_ok(mun_dedup_gather(sheaf[i], &l->leaf[run[i][0]], (uint32_t)(run[i][1] - run[i][0]),
                                   run[i][0], err));
    }
    for (unsigned sub = 0; sub < MUN_DEDUP_SUBS; sub++) {
        assert_ok(mun_dedup_fill(d, sub, sheaf, n, &source, err));
    }
    for (unsigned i = 0; i < n; i++) mun_dedup_sheaf_free(sheaf[i]);
}

static void test_insert_find_remove(void **state)
{
    (void)state;
    world w = {.seed = 11};
    list l = {.leaf = calloc(MANY, sizeof(mun_hash)), .count = MANY};
    const mun_leaf_source source = {.ctx = &l, .leaf = leaf_of};
    mun_dedup *d;
    mun_hash other;
    assert_ok(mun_dedup_new(&d, err));
    random_leaf(&w, &other);
    expect(d, &l, &other, UINT64_MAX); /* nothing is allocated yet */
    mun_dedup_prefetch(d, &other);
    mun_dedup_remove(d, &other, 0);
    for (uint64_t i = 0; i < MANY; i++) {
        random_leaf(&w, &l.leaf[i]);
        assert_ok(mun_dedup_insert(d, &l.leaf[i], i, &source, err));
    }
    for (uint64_t i = 0; i < MANY; i++) {
        expect(d, &l, &l.leaf[i], i);
        random_leaf(&w, &other);
        expect(d, &l, &other, UINT64_MAX);
    }
    assert_true(mun_dedup_bytes(d) < 22 * MANY + 65536);
    for (uint64_t i = 0; i < MANY; i += 2) mun_dedup_remove(d, &l.leaf[i], i);
    for (uint64_t i = 0; i < MANY; i++) expect(d, &l, &l.leaf[i], i % 2 == 0 ? UINT64_MAX : i);
    for (uint64_t i = 0; i < MANY; i += 2) {
        assert_ok(mun_dedup_insert(d, &l.leaf[i], i, &source, err));
    }
    for (uint64_t i = 0; i < MANY; i++) expect(d, &l, &l.leaf[i], i);
    for (uint64_t i = 0; i < MANY; i += 7) {
        uint64_t found;
        assert_ok(mun_dedup_find_or_insert(d, &l.leaf[i], 1, &source, &found, err));
        assert_int_equal(found, i);
        mun_dedup_remove(d, &l.leaf[i], i);
        assert_int_equal(mun_dedup_find_or_insert(d, &l.leaf[i], i, &source, &found, NULL),
                         MUN_E_NOT_FOUND);
        expect(d, &l, &l.leaf[i], i);
    }
    mun_dedup_free(d);
    mun_dedup_free(NULL);
    free(l.leaf);
}

/* Hashes that agree in all bytes the table keeps are told apart by the leaves themselves. */
static void test_equal_tags(void **state)
{
    (void)state;
    world w = {.seed = 12};
    enum { N = 40 };
    list l = {.leaf = calloc(N, sizeof(mun_hash)), .count = N};
    const mun_leaf_source source = {.ctx = &l, .leaf = leaf_of};
    mun_dedup *d;
    mun_hash absent;
    assert_ok(mun_dedup_new(&d, err));
    for (uint64_t i = 0; i < N; i++) {
        random_leaf(&w, &l.leaf[i]);
        memcpy(l.leaf[i].bytes, "same", 4);
        assert_ok(mun_dedup_insert(d, &l.leaf[i], i, &source, err));
    }
    for (uint64_t i = 0; i < N; i++) expect(d, &l, &l.leaf[i], i);
    random_leaf(&w, &absent);
    memcpy(absent.bytes, "same", 4);
    expect(d, &l, &absent, UINT64_MAX);
    uint64_t found;
    l.fails = true;
    assert_int_equal(mun_dedup_find(d, &absent, &source, &found, NULL), MUN_E_IO);
    assert_int_equal(mun_dedup_insert(d, &absent, 1, &source, NULL), MUN_E_IO);
    mun_dedup_free(d);
    free(l.leaf);
}

/* One entry a thousand times: the smallest index is given, and the table stays small. */
static void test_one_entry_often(void **state)
{
    (void)state;
    enum { N = 2000 };
    world w = {.seed = 13};
    list l = {.leaf = calloc(N, sizeof(mun_hash)), .count = N};
    const mun_leaf_source source = {.ctx = &l, .leaf = leaf_of};
    for (int filled = 0; filled < 2; filled++) {
        mun_dedup *d;
        assert_ok(mun_dedup_new(&d, err));
        random_leaf(&w, &l.leaf[0]);
        for (uint64_t i = 1; i < N; i++) l.leaf[i] = l.leaf[0];
        l.asked = 0;
        if (filled == 0) {
            for (uint64_t i = 0; i < N; i++) {
                assert_ok(mun_dedup_insert(d, &l.leaf[i], i, &source, err));
            }
        } else { /* chunks come in any order */
            fill(d, &l, (const uint64_t[][2]){{1000, 2000}, {0, 1000}}, 2);
        }
        expect(d, &l, &l.leaf[0], 0);
        assert_true(l.asked < 20 * N);
        assert_true(mun_dedup_bytes(d) < 60000);
        mun_dedup_free(d);
    }
    free(l.leaf);
}

static void test_filling(void **state)
{
    (void)state;
    world w = {.seed = 14};
    list l = {.leaf = calloc(MANY, sizeof(mun_hash)), .count = MANY};
    mun_dedup *d;
    assert_ok(mun_dedup_new(&d, err));
    for (uint64_t i = 0; i < MANY; i++) random_leaf(&w, &l.leaf[i]);
    fill(d, &l, (const uint64_t[][2]){{0, 10}}, 1);
    fill(d, &l, (const uint64_t[][2]){{10, 20000}, {20000, 20001}, {20001, MANY - 5}}, 3);
    fill(d, &l, (const uint64_t[][2]){{MANY - 5, MANY}}, 1); /* a reader that catches up */
    for (uint64_t i = 0; i < MANY; i++) expect(d, &l, &l.leaf[i], i);
    mun_dedup_free(d);
    mun_dedup_sheaf_free(NULL);
    free(l.leaf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_insert_find_remove),
        cmocka_unit_test(test_equal_tags),
        cmocka_unit_test(test_one_entry_often),
        cmocka_unit_test(test_filling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
