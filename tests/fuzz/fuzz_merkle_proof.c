/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs from bytes: two sizes (u64 each), then hashes: the leaf or old root, and the path. The
 * folds of src/merkle must say what the plain recursion of tests/merkle/plain_tree.h says.
 */
#include "base/cursor.h"
#include "merkle/plain_tree.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool condition)
{
    if (!condition) abort();
}

static void check_inclusion(uint64_t index, uint64_t size, const mun_hash *leaf,
                            const mun_hash *path, size_t len)
{
    mun_hash ours, plain;
    bool good = mun_inclusion_fold(&plain_crypto, index, size, leaf, path, len, &ours) == MUN_OK;
    bool want = plain_inclusion_root(index, size, leaf, path, len, &plain);
    need(good == want);
    need(!good || mun_hash_equal(&ours, &plain));
}

/* A proof between equal sizes has no path to walk; it is the checker's special case. */
static void check_consistency(uint64_t m, uint64_t n, const mun_hash *old_root,
                              const mun_hash *path, size_t len)
{
    mun_hash ours, before, after;
    bool good = mun_consistency_root(&plain_crypto, m, old_root, n, path, len, &ours) == MUN_OK;
    bool want = m < n && plain_consistency_roots(m, n, old_root, path, len, &before, &after) &&
                mun_hash_equal(&before, old_root);
    need(good == want);
    need(!good || mun_hash_equal(&ours, &after));
    if (good) {
        need(mun_consistency_check(&plain_crypto, m, old_root, n, &after, path, len) == MUN_OK);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (plain_crypto.ctx == NULL) need(plain_setup(NULL) == 0);
    mun_cursor c = mun_cursor_over(mun_slice_of(data, size));
    uint64_t first = mun_cursor_u64(&c), second = mun_cursor_u64(&c);
    mun_hash hashes[1 + MUN_PATH_MAX + 2];
    size_t n = 0;
    while (n < sizeof hashes / sizeof hashes[0] && mun_cursor_left(&c) >= MUN_HASH_SIZE) {
        memcpy(hashes[n++].bytes, mun_cursor_take(&c, MUN_HASH_SIZE).ptr, MUN_HASH_SIZE);
    }
    if (n == 0 || second > MUN_TREE_SIZE_MAX) return 0;
    check_inclusion(first, second, &hashes[0], hashes + 1, n - 1);
    check_consistency(first, second, &hashes[0], hashes + 1, n - 1);
    return 0;
}
