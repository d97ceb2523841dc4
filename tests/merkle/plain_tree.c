/* SPDX-License-Identifier: Apache-2.0 */
#include "merkle/plain_tree.h"

#include "base/error.h"
#include "base/slice.h"
#include "support/cmocka_all.h"

#include <muniment/keys.h>
#include <stdio.h>
#include <stdlib.h>

mun_crypto plain_crypto;

int plain_setup(void **state)
{
    (void)state;
    return mun_native_crypto_new(&plain_crypto, NULL) == MUN_OK ? 0 : -1;
}

int plain_teardown(void **state)
{
    (void)state;
    mun_native_crypto_free(&plain_crypto);
    return 0;
}

/* HASH(0x01 || left || right), three parts as the RFC writes it. */
static mun_hash join(const mun_hash *left, const mun_hash *right)
{
    const mun_slice parts[] = {MUN_LITERAL("\x01"), {left->bytes, 32}, {right->bytes, 32}};
    mun_hash hash;
    plain_crypto.sha256(plain_crypto.ctx, parts, 3, hash.bytes);
    return hash;
}

/* The largest power of two smaller than n; n > 1. */
static uint64_t split(uint64_t n)
{
    uint64_t k = 1;
    while (k < n - k) k *= 2;
    return k;
}

mun_hash plain_root(const mun_hash *leaves, uint64_t n)
{
    if (n == 1) return leaves[0];
    uint64_t k = split(n);
    mun_hash left = plain_root(leaves, k), right = plain_root(leaves + k, n - k);
    return join(&left, &right);
}

size_t plain_path(uint64_t m, const mun_hash *leaves, uint64_t n, mun_hash *ret)
{
    if (n == 1) return 0;
    uint64_t k = split(n);
    bool in_left = m < k;
    size_t len =
        in_left ? plain_path(m, leaves, k, ret) : plain_path(m - k, leaves + k, n - k, ret);
    ret[len] = in_left ? plain_root(leaves + k, n - k) : plain_root(leaves, k);
    return len + 1;
}

static size_t subproof(uint64_t m, const mun_hash *leaves, uint64_t n, bool whole, mun_hash *ret)
{
    if (m == n) {
        if (!whole) ret[0] = plain_root(leaves, n);
        return whole ? 0 : 1;
    }
    uint64_t k = split(n);
    bool in_left = m <= k;
    size_t len = in_left ? subproof(m, leaves, k, whole, ret)
                         : subproof(m - k, leaves + k, n - k, false, ret);
    ret[len] = in_left ? plain_root(leaves + k, n - k) : plain_root(leaves, k);
    return len + 1;
}

size_t plain_proof(uint64_t m, const mun_hash *leaves, uint64_t n, mun_hash *ret)
{
    return subproof(m, leaves, n, true, ret);
}

/* Takes from the end of path, as PATH appends there. */
static bool back_inclusion(uint64_t m, uint64_t n, const mun_hash *leaf, const mun_hash *path,
                           size_t *len, mun_hash *ret)
{
    if (n == 1) {
        *ret = *leaf;
        return true;
    }
    if (*len == 0) return false;
    const mun_hash *last = &path[--*len];
    uint64_t k = split(n);
    mun_hash inner;
    if (!back_inclusion(m < k ? m : m - k, m < k ? k : n - k, leaf, path, len, &inner)) {
        return false;
    }
    *ret = m < k ? join(&inner, last) : join(last, &inner);
    return true;
}

bool plain_inclusion_root(uint64_t m, uint64_t n, const mun_hash *leaf, const mun_hash *path,
                          size_t path_len, mun_hash *ret)
{
    return m < n && back_inclusion(m, n, leaf, path, &path_len, ret) && path_len == 0;
}

/* The roots before and after, as far as SUBPROOF(m, D[n], whole) is concerned. */
static bool back_subproof(uint64_t m, uint64_t n, const mun_hash *whole, const mun_hash *path,
                          size_t *len, mun_hash *ret_old, mun_hash *ret_new)
{
    if (m == n) {
        if (whole == NULL && *len == 0) return false;
        *ret_old = *ret_new = whole != NULL ? *whole : path[--*len];
        return true;
    }
    if (*len == 0) return false;
    const mun_hash *last = &path[--*len];
    uint64_t k = split(n);
    mun_hash before, after;
    if (m <= k) {
        if (!back_subproof(m, k, whole, path, len, &before, &after)) return false;
        *ret_old = before;
        *ret_new = join(&after, last);
        return true;
    }
    if (!back_subproof(m - k, n - k, NULL, path, len, &before, &after)) return false;
    *ret_old = join(last, &before);
    *ret_new = join(last, &after);
    return true;
}

bool plain_consistency_roots(uint64_t m, uint64_t n, const mun_hash *old_root, const mun_hash *path,
                             size_t path_len, mun_hash *ret_old, mun_hash *ret_new)
{
    return m >= 1 && m <= n && back_subproof(m, n, old_root, path, &path_len, ret_old, ret_new) &&
           path_len == 0;
}

plain_table plain_table_make(uint64_t size)
{
    plain_table table = {.size = size};
    for (unsigned h = 0; h < PLAIN_HEIGHTS; h++) {
        table.node[h] = malloc(((size >> h) + 1) * sizeof(mun_hash));
        assert_non_null(table.node[h]);
    }
    for (uint64_t i = 0; i < size; i++) {
        char text[24];
        int len = snprintf(text, sizeof text, "%llu", (unsigned long long)i);
        const mun_slice parts[] = {MUN_LITERAL("\0"), mun_slice_of(text, (size_t)len)};
        plain_crypto.sha256(plain_crypto.ctx, parts, 2, table.node[0][i].bytes);
    }
    for (unsigned h = 1; h < PLAIN_HEIGHTS; h++) {
        for (uint64_t i = 0; i < size >> h; i++) {
            table.node[h][i] = join(&table.node[h - 1][2 * i], &table.node[h - 1][2 * i + 1]);
        }
    }
    return table;
}

void plain_table_free(plain_table *table)
{
    for (unsigned h = 0; h < PLAIN_HEIGHTS; h++) free(table->node[h]);
}

static mun_code table_get(void *ctx, unsigned height, uint64_t index, mun_hash *ret, mun_error *err)
{
    plain_table *table = ctx;
    assert_true(height < PLAIN_HEIGHTS);
    assert_true(index < table->size >> height);
    if (++table->calls == table->fail_at) {
        return mun_fail(err, MUN_E_IO, 77, "the source failed as the test wanted");
    }
    *ret = table->node[height][index];
    return MUN_OK;
}

mun_node_source plain_table_source(plain_table *table)
{
    return (mun_node_source){table, table_get};
}
