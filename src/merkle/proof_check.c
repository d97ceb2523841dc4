/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checking proofs, step by step as RFC 9162 writes it: fn and sn are its names. fn is the node's
 * index at the height reached, sn that of the last node there.
 */
#include "merkle/merkle.h"

#include "base/assert.h"
#include "base/error.h"

size_t mun_inclusion_length(uint64_t index, uint64_t size)
{
    /* Below the height where index and the last leaf part, every level has a sibling; above it only
     * those where the way is a right child: the set bits. */
    uint64_t parting = index ^ (size - 1);
    unsigned inner = parting == 0 ? 0 : 64 - (unsigned)__builtin_clzll(parting);
    uint64_t above = inner < 64 ? index >> inner : 0;
    return inner + (size_t)__builtin_popcountll(above);
}

/* Section 2.1.3.2 step 4b: to the next height where this node is a right child. */
static void skip_lone_levels(uint64_t *fn, uint64_t *sn)
{
    while ((*fn & 1) == 0 && *fn != 0) {
        *fn >>= 1;
        *sn >>= 1;
    }
}

mun_code mun_inclusion_fold(const mun_crypto *crypto, uint64_t index, uint64_t size,
                            const mun_hash *leaf, const mun_hash *path, size_t path_len,
                            mun_hash *ret_root)
{
    if (index >= size || size > MUN_TREE_SIZE_MAX) return MUN_E_INVALID;
    if (path_len != mun_inclusion_length(index, size)) return MUN_E_INVALID;
    uint64_t fn = index, sn = size - 1;
    mun_hash r = *leaf;
    for (size_t i = 0; i < path_len; i++) {
        if ((fn & 1) != 0 || fn == sn) {
            mun_hash_node(crypto, &path[i], &r, &r);
            skip_lone_levels(&fn, &sn);
        } else {
            mun_hash_node(crypto, &r, &path[i], &r);
        }
        fn >>= 1;
        sn >>= 1;
    }
    MUN_ASSERT(sn == 0); /* the length was right */
    *ret_root = r;
    return MUN_OK;
}

/* Section 2.1.4.2 steps 5 to 7; path does not hold the seed. */
static mun_code consistency_fold(const mun_crypto *crypto, uint64_t fn, uint64_t sn,
                                 const mun_hash *path, size_t path_len, mun_hash *fr, mun_hash *sr)
{
    for (size_t i = 0; i < path_len; i++) {
        if (sn == 0) return MUN_E_INVALID;
        if ((fn & 1) != 0 || fn == sn) {
            mun_hash_node(crypto, &path[i], fr, fr);
            mun_hash_node(crypto, &path[i], sr, sr);
            skip_lone_levels(&fn, &sn);
        } else {
            mun_hash_node(crypto, sr, &path[i], sr);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 ? MUN_OK : MUN_E_INVALID;
}

mun_code mun_consistency_root(const mun_crypto *crypto, uint64_t old_size, const mun_hash *old_root,
                              uint64_t new_size, const mun_hash *path, size_t path_len,
                              mun_hash *ret_new_root)
{
    if (old_size == 0 || old_size >= new_size || new_size > MUN_TREE_SIZE_MAX) return MUN_E_INVALID;
    if (path_len == 0) return MUN_E_INVALID;
    /* Step 2: where the old tree is one complete subtree its root stands for the first hash. */
    bool whole = (old_size & (old_size - 1)) == 0;
    mun_hash fr = whole ? *old_root : path[0];
    mun_hash sr = fr;
    size_t seed = whole ? 0 : 1;
    /* Step 4: up to the last complete subtree of the old tree. */
    unsigned height = (unsigned)__builtin_ctzll(old_size);
    uint64_t fn = (old_size - 1) >> height, sn = (new_size - 1) >> height;
    if (consistency_fold(crypto, fn, sn, path + seed, path_len - seed, &fr, &sr) != MUN_OK) {
        return MUN_E_INVALID;
    }
    if (!mun_hash_equal(&fr, old_root)) return MUN_E_INVALID;
    *ret_new_root = sr;
    return MUN_OK;
}

mun_code mun_consistency_check(const mun_crypto *crypto, uint64_t old_size,
                               const mun_hash *old_root, uint64_t new_size,
                               const mun_hash *new_root, const mun_hash *path, size_t path_len)
{
    if (old_size == 0 || new_size > MUN_TREE_SIZE_MAX) return MUN_E_INVALID;
    if (old_size == new_size) {
        return path_len == 0 && mun_hash_equal(old_root, new_root) ? MUN_OK : MUN_E_INVALID;
    }
    mun_hash root;
    MUN_TRY(mun_consistency_root(crypto, old_size, old_root, new_size, path, path_len, &root));
    return mun_hash_equal(&root, new_root) ? MUN_OK : MUN_E_INVALID;
}
