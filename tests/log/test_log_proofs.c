/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every kind of proof of a growing log, compared hash by hash with the recursions of RFC 9162 over
 * a tree in memory: with nodes kept and without, while the newest entries are in memory only and
 * when they have reached the files, and after opening again. And what damage does to what is kept.
 */
#include "support/cmocka_all.h"

#include <muniment/keys.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log/log_fault.h"
#include "log/log_parts.h"
#include "log/log_world.h"
#include "log/params.h"

#define LARGEST 70000u
#define HEIGHTS 17
#define HELD    60u /* entries that the follower is kept from */

/* ---- the tree in memory ----------------------------------------------------------------------*/

static mun_hash *tree[HEIGHTS];         /* complete subtrees, from the leaves up */
static _Thread_local mun_crypto crypto; /* of a thread that compares */

static mun_slice entry_of(uint64_t i, char ret[16])
{
    return mun_slice_of(ret, (size_t)snprintf(ret, 16, "%llu", (unsigned long long)i));
}

static void tree_make(const mun_crypto *with)
{
    crypto = *with;
    for (unsigned h = 0; h < HEIGHTS; h++) {
        free(tree[h]);
        tree[h] = malloc((LARGEST >> h) * sizeof(mun_hash));
        assert_non_null(tree[h]);
        for (uint64_t i = 0; i < LARGEST >> h; i++) {
            char text[16];
            if (h == 0) {
                mun_hash_leaf(&crypto, entry_of(i, text), &tree[0][i]);
            } else {
                mun_hash_node(&crypto, &tree[h - 1][2 * i], &tree[h - 1][2 * i + 1], &tree[h][i]);
            }
        }
    }
}

static void tree_free(void)
{
    for (unsigned h = 0; h < HEIGHTS; h++) {
        free(tree[h]);
        tree[h] = NULL;
    }
}

/* The largest power of two below n. */
static uint64_t split(uint64_t n)
{
    uint64_t k = 1;
    while (2 * k < n) k *= 2;
    return k;
}

/* MTH(D[first:first+n]), section 2.1.1. */
static void mth(uint64_t first, uint64_t n, mun_hash *ret)
{
    unsigned h = 0;
    while (UINT64_C(1) << h < n) h++;
    if (UINT64_C(1) << h == n) {
        *ret = tree[h][first >> h];
        return;
    }
    mun_hash left, right;
    uint64_t k = split(n);
    mth(first, k, &left);
    mth(first + k, n - k, &right);
    mun_hash_node(&crypto, &left, &right, ret);
}

/* PATH(m, D[first:first+n]), section 2.1.3.1. */
static void path(uint64_t m, uint64_t first, uint64_t n, mun_path *ret)
{
    if (n == 1) return;
    uint64_t k = split(n);
    if (m < k) {
        path(m, first, k, ret);
        mth(first + k, n - k, &ret->node[ret->len++]);
    } else {
        path(m - k, first + k, n - k, ret);
        mth(first, k, &ret->node[ret->len++]);
    }
}

/* SUBPROOF(m, D[first:first+n], whole), section 2.1.4.1. */
static void subproof(uint64_t m, uint64_t first, uint64_t n, bool whole, mun_path *ret)
{
    if (m == n) {
        if (!whole) mth(first, n, &ret->node[ret->len++]);
        return;
    }
    uint64_t k = split(n);
    if (m <= k) {
        subproof(m, first, k, whole, ret);
        mth(first + k, n - k, &ret->node[ret->len++]);
    } else {
        subproof(m - k, first + k, n - k, false, ret);
        mth(first, k, &ret->node[ret->len++]);
    }
}

static void same_path(const mun_path *got, const mun_path *want)
{
    assert_int_equal(got->len, want->len);
    assert_memory_equal(got->node, want->node, got->len * sizeof(mun_hash));
}

/* ---- a log -----------------------------------------------------------------------------------*/

typedef struct proving {
    world w;
    fault f;
    mun_log *log;
} proving;

static void reopen(proving *p)
{
    mun_log_config config = world_config(&p->w);
    config.vfs = &p->f.vfs;
    config.no_dedup = true;
    if (p->log != NULL) assert_ok(mun_log_close(p->log, err));
    p->log = NULL;
    assert_ok(mun_log_open(&config, &p->log, err));
}

static void setup(proving *p, uint64_t seed)
{
    *p = (proving){.log = NULL};
    world_open(&p->w, seed);
    fault_init(&p->f, &p->w.vfs);
    mun_log_config config = world_config(&p->w);
    assert_ok(mun_log_create(&config, err));
    tree_make(&p->w.crypto);
    reopen(p);
}

static void teardown(proving *p)
{
    assert_ok(mun_log_close(p->log, err));
    tree_free();
    world_close(&p->w);
}

/* In calls of at most `each` entries. */
static void grow_to(proving *p, uint64_t size, uint64_t each)
{
    static char text[4096][16];
    static mun_slice entries[4096];
    static mun_appended got[4096];
    for (uint64_t at = mun_log_head(p->log).size; at < size;) {
        uint64_t n = size - at < each ? size - at : each;
        for (uint64_t i = 0; i < n; i++) entries[i] = entry_of(at + i, text[i]);
        assert_ok(mun_log_append(p->log, entries, n, got, NULL, err));
        at += n;
    }
}

static void wait_followed(proving *p)
{
    for (int i = 0; mun_store_flushed(p->log->store) < mun_log_head(p->log).size; i++) {
        assert_true(i < 20000);
        usleep(1000);
    }
}

/* ---- comparing -------------------------------------------------------------------------------*/

static void check_root(proving *p, uint64_t size)
{
    mun_hash got, want;
    mth(0, size, &want);
    assert_ok(mun_log_root(p->log, size, &got, err));
    assert_memory_equal(&got, &want, sizeof got);
}

static void check_inclusion(proving *p, uint64_t index, uint64_t size)
{
    mun_path got, want = {.len = 0};
    mun_tree_head head = {.size = size};
    path(index, 0, size, &want);
    assert_ok(mun_log_inclusion(p->log, index, size, &got, err));
    same_path(&got, &want);
    mth(0, size, &head.root);
    memset(&got, 0, sizeof got);
    assert_ok(mun_log_inclusion_to(p->log, &tree[0][index], index, &head, &got, err));
    same_path(&got, &want);
}

static void check_consistency(proving *p, uint64_t from, uint64_t to)
{
    mun_path got, want = {.len = 0};
    subproof(from, 0, to, true, &want);
    assert_ok(mun_log_consistency(p->log, from, to, &got, err));
    same_path(&got, &want);
}

static void check_every(proving *p, uint64_t first_size, uint64_t end_size)
{
    for (uint64_t size = first_size; size < end_size; size++) {
        check_root(p, size);
        for (uint64_t i = 0; i < size; i++) {
            check_inclusion(p, i, size);
            check_consistency(p, i + 1, size);
        }
    }
}

static const uint32_t landmarks[] = {
    1,     2,     3,     4,     31,    32,    33,    127,   128,   255,   256,  257,  300,
    511,   512,   513,   4095,  4096,  4097,  8191,  8192,  8193,  8447,  8448, 8449, 16384,
    32767, 32768, 57343, 57344, 57345, 65535, 65536, 65537, 65792, 65793, 69999};
#define LANDMARKS (sizeof landmarks / sizeof landmarks[0])

/* Sizes and entries at and around all landmarks, and drawn ones. */
static void check_size(proving *p, uint64_t size)
{
    check_root(p, size);
    for (size_t i = 0; i < LANDMARKS; i++) {
        if (landmarks[i] < size) check_inclusion(p, landmarks[i], size);
        if (landmarks[i] < size) check_inclusion(p, size - landmarks[i], size);
        if (landmarks[i] <= size) check_consistency(p, landmarks[i], size);
    }
    for (int i = 0; i < 12; i++) {
        check_inclusion(p, world_random(&p->w, size), size);
        check_consistency(p, 1 + world_random(&p->w, size), size);
    }
}

static void check_all(proving *p)
{
    uint64_t size = mun_log_head(p->log).size;
    check_size(p, size);
    for (size_t i = 0; i < LANDMARKS; i += 3) {
        if (landmarks[i] < size) check_size(p, landmarks[i]);
    }
    for (int i = 0; i < 4; i++) check_size(p, 1 + world_random(&p->w, size));
}

static void forget(proving *p)
{
    mun_node_cache_clear(&p->log->nodes);
}

/* ---- tests -----------------------------------------------------------------------------------*/

/* Every entry and every older tree, of every size: in growing, forgetful and not, and reopened. */
static void test_every_proof(void **state)
{
    (void)state;
    enum { SMALL = 70, MORE = 290 };
    proving p;
    setup(&p, 1);
    for (uint64_t size = 1; size <= SMALL; size++) {
        grow_to(&p, size, 1);
        check_every(&p, size, size + 1);
    }
    grow_to(&p, MORE, 7);
    forget(&p);
    check_every(&p, 250, 262);
    check_every(&p, MORE, MORE + 1);
    reopen(&p);
    check_every(&p, 1, 30);
    check_every(&p, 255, 258);
    check_every(&p, MORE, MORE + 1);
    teardown(&p);
}

/* The newest entries stay in memory while the disk is full; then the follower takes them, and what
 * was kept meanwhile is still right. */
static void test_before_and_after_following(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {257, 300, 8193, 8449, 16400, 65537, 65800, LARGEST};
    proving p;
    setup(&p, 2);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        grow_to(&p, sizes[i] - HELD, 4096);
        wait_followed(&p);
        atomic_store(&p.f.full, true);
        grow_to(&p, sizes[i], HELD / 4);
        check_size(&p, sizes[i]);
        assert_true(mun_log_on_disk(p.log) < sizes[i]);
        if (i % 2 == 0) forget(&p);
        check_size(&p, sizes[i]);
        atomic_store(&p.f.full, false);
        wait_followed(&p);
        check_size(&p, sizes[i]);
        if (i % 2 == 0) forget(&p);
        check_size(&p, sizes[i]);
    }
    check_all(&p);
    reopen(&p);
    check_all(&p); /* cold at first */
    check_all(&p); /* warm */
    teardown(&p);
}

/* Proofs by several threads while the log grows and its entries go from memory to the files. */
typedef struct prover {
    pthread_t thread;
    proving *p;
    uint64_t seed;
    unsigned proofs;
    bool wrong;
} prover;

static _Atomic bool enough;

static bool proves(prover *v, world *w)
{
    mun_tree_head head = mun_log_head(v->p->log);
    if (head.size == 0) return true;
    uint64_t size = v->proofs % 2 == 0 ? head.size : 1 + world_random(w, head.size);
    uint64_t index = v->proofs % 4 < 2 ? world_random(w, size)
                                       : size - 1 - world_random(w, size < 50 ? size : 50);
    mun_path got, want = {.len = 0};
    v->proofs++;
    path(index, 0, size, &want);
    if (mun_log_inclusion(v->p->log, index, size, &got, NULL) != MUN_OK) return false;
    if (got.len != want.len || memcmp(got.node, want.node, got.len * sizeof(mun_hash)) != 0) {
        return false;
    }
    want.len = 0;
    subproof(index + 1, 0, size, true, &want);
    if (mun_log_consistency(v->p->log, index + 1, size, &got, NULL) != MUN_OK) return false;
    return got.len == want.len && memcmp(got.node, want.node, got.len * sizeof(mun_hash)) == 0;
}

static void *prove_often(void *arg)
{
    prover *v = arg;
    world w = {.seed = v->seed};
    v->wrong = mun_native_crypto_new(&crypto, NULL) != MUN_OK;
    while (!atomic_load(&enough) && !v->wrong) v->wrong = !proves(v, &w);
    mun_native_crypto_free(&crypto);
    return NULL;
}

static void test_while_it_grows(void **state)
{
    (void)state;
    proving p;
    prover provers[3];
    setup(&p, 3);
    atomic_store(&enough, false);
    for (unsigned i = 0; i < 3; i++) {
        provers[i] = (prover){.p = &p, .seed = 2 * i + 1};
        assert_int_equal(pthread_create(&provers[i].thread, NULL, prove_often, &provers[i]), 0);
    }
    for (uint64_t size = 0; size < 6000; size += 1 + world_random(&p.w, 90)) {
        grow_to(&p, size, 40);
        if (size % 20 == 0) forget(&p);
    }
    atomic_store(&enough, true);
    for (unsigned i = 0; i < 3; i++) {
        pthread_join(provers[i].thread, NULL);
        assert_false(provers[i].wrong);
        assert_true(provers[i].proofs > 0);
    }
    teardown(&p);
}

/* ---- damage ----------------------------------------------------------------------------------*/

static void flip(proving *p, const char *name, uint64_t at)
{
    char full[128];
    uint8_t byte;
    snprintf(full, sizeof full, "%s/%s", p->w.dir, name);
    int fd = open(full, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
    byte ^= 4;
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
    close(fd);
}

/* Proofs of many entries: right ones, or none. How many there were none of. */
static unsigned refused(proving *p, uint64_t size)
{
    unsigned n = 0;
    mun_tree_head head = mun_log_head(p->log);
    for (uint64_t i = 0; i < size; i += i < 12 ? 1 : 9) {
        mun_path got, want = {.len = 0};
        path(i, 0, size, &want);
        mun_code code = mun_log_inclusion(p->log, i, size, &got, NULL);
        assert_true(code == MUN_OK || code == MUN_E_DAMAGED);
        if (code == MUN_OK) same_path(&got, &want);
        n += code != MUN_OK;
        if (size == head.size) {
            code = mun_log_inclusion_to(p->log, &tree[0][i], i, &head, &got, NULL);
            assert_true(code == MUN_OK || code == MUN_E_DAMAGED);
            if (code == MUN_OK) same_path(&got, &want);
        }
        want.len = 0;
        subproof(i + 1, 0, size, true, &want);
        code = mun_log_consistency(p->log, i + 1, size, &got, NULL);
        assert_true(code == MUN_OK || code == MUN_E_DAMAGED);
        if (code == MUN_OK) same_path(&got, &want);
        n += code != MUN_OK;
    }
    return n;
}

static void test_damage_and_repair(void **state)
{
    (void)state;
    enum { SIZE = 700 };
    static const struct {
        const char *name;
        uint64_t at;
    } where[] = {{"hashes/0", 3 * 32 + 7}, {"hashes/0", 255 * 32}, {"hashes/1", 31}};
    proving p;
    setup(&p, 4);
    grow_to(&p, SIZE, 50);
    for (size_t i = 0; i < sizeof where / sizeof where[0]; i++) {
        reopen(&p);
        flip(&p, where[i].name, where[i].at);
        assert_true(refused(&p, SIZE) > 0);
        assert_true(refused(&p, SIZE - 3) > 0);
        flip(&p, where[i].name, where[i].at); /* as it was */
        assert_int_equal(refused(&p, SIZE), 0);
        assert_int_equal(refused(&p, SIZE - 3), 0);
        flip(&p, where[i].name, where[i].at); /* what is kept is not touched by it */
        (void)refused(&p, SIZE);
        flip(&p, where[i].name, where[i].at);
        check_all(&p);
    }
    teardown(&p);
}

/* A node kept from a file before it was mended: the proof is made from the file, not refused. */
static void test_wrong_node_kept(void **state)
{
    (void)state;
    proving p;
    setup(&p, 5);
    grow_to(&p, 600, 50);
    for (int kind = 0; kind < 4; kind++) {
        const mun_hash wrong = {{7}};
        mun_path got;
        mun_hash root;
        mun_tree_head head = mun_log_head(p.log);
        mun_node_cache_put(&p.log->nodes, 6, 2, &wrong);
        mun_node_cache_put(&p.log->nodes, 0, 131, &wrong);
        if (kind == 0) assert_ok(mun_log_inclusion(p.log, 130, 600, &got, err));
        if (kind == 1) {
            assert_ok(mun_log_inclusion_to(p.log, &tree[0][130], 130, &head, &got, err));
        }
        if (kind == 2) assert_ok(mun_log_consistency(p.log, 131, 600, &got, err));
        if (kind == 3) assert_ok(mun_log_root(p.log, 193, &root, err));
        check_inclusion(&p, 130, 600);
        check_root(&p, 193);
    }
    teardown(&p);
}

/* Nothing checks a tile that is not full: its hashes are those of the file as it is now, and do not
 * find their way into proofs. */
static void test_tile_of_a_damaged_file(void **state)
{
    (void)state;
    proving p;
    uint8_t bytes[3 * MUN_HASH_SIZE];
    setup(&p, 6);
    grow_to(&p, 2, 1);
    wait_followed(&p);
    atomic_store(&p.f.full, true);
    grow_to(&p, 3, 1);
    for (int round = 0; round < 2; round++) {
        mun_buf buf = mun_buf_fixed(bytes, sizeof bytes);
        flip(&p, "hashes/0", 1 * 32 + 5);
        assert_ok(mun_log_tile(p.log, 0, 0, 3, &buf, err));
        flip(&p, "hashes/0", 1 * 32 + 5);
        mun_buf_clear(&buf);
        assert_ok(mun_log_tile(p.log, 0, 0, 3, &buf, err));
        assert_memory_equal(bytes, tree[0], sizeof bytes);
        check_every(&p, 1, 4);
    }
    atomic_store(&p.f.full, false);
    wait_followed(&p);
    check_every(&p, 1, 4);
    teardown(&p);
}

/* A bundle is given out for ever: a damaged entry in it is an error that names the place. */
static void test_bundle_of_a_damaged_file(void **state)
{
    (void)state;
    enum { WIDTH = 4 }; /* a full tile in the small world */
    proving p;
    mun_error why;
    setup(&p, 7);
    grow_to(&p, 40, 3);
    wait_followed(&p);
    for (uint64_t at = 0, len = 1; at < len; at++) { /* lengths and entries */
        MUN_BUF_AUTO mun_buf buf = mun_buf_growable(1u << 20);
        assert_ok(mun_log_tile(p.log, -1, 0, WIDTH, &buf, err));
        len = buf.len;
        flip(&p, "entries/0000000000", at);
        mun_buf_clear(&buf);
        assert_int_equal(mun_log_tile(p.log, -1, 0, WIDTH, &buf, &why), MUN_E_DAMAGED);
        assert_non_null(strstr(why.text, "entries/0000000000"));
        flip(&p, "entries/0000000000", at);
    }
    teardown(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_proof),
        cmocka_unit_test(test_before_and_after_following),
        cmocka_unit_test(test_while_it_grows),
        cmocka_unit_test(test_damage_and_repair),
        cmocka_unit_test(test_wrong_node_kept),
        cmocka_unit_test(test_tile_of_a_damaged_file),
        cmocka_unit_test(test_bundle_of_a_damaged_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
