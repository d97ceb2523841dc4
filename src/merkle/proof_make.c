/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roots and proofs from a source of complete subtrees.
 *
 * Both kinds of proof are the siblings met on the way from one node up to the root. All of them are
 * complete subtrees but one at most: where the way is the left child and the right one is the
 * ragged end of the tree. That sibling is folded here from the complete subtrees that make it up.
 */
#include "merkle/merkle.h"

#include "base/assert.h"
#include "base/error.h"
#include "base/slice.h"

/* The root of the last (size mod 2^height) leaves; at least one. */
static mun_code ragged_end(const mun_crypto *crypto, const mun_node_source *source, uint64_t size,
                           unsigned height, mun_hash *ret, mun_error *err)
{
    uint64_t rest = height < 64 ? size & ((UINT64_C(1) << height) - 1) : size;
    MUN_ASSERT(rest != 0);
    unsigned h = (unsigned)__builtin_ctzll(rest);
    mun_hash root;
    MUN_TRY(source->get(source->ctx, h, (size >> h) - 1, &root, err));
    for (rest &= rest - 1; rest != 0; rest &= rest - 1) {
        h = (unsigned)__builtin_ctzll(rest);
        mun_hash left;
        MUN_TRY(source->get(source->ctx, h, (size >> h) - 1, &left, err));
        mun_hash_node(crypto, &left, &root, &root);
    }
    *ret = root;
    return MUN_OK;
}

/* Appends to path the siblings from the complete node (height, index) up to the root. */
static mun_code climb(const mun_crypto *crypto, const mun_node_source *source, unsigned height,
                      uint64_t index, uint64_t size, mun_path *path, mun_error *err)
{
    uint64_t last = (size - 1) >> height; /* index of the rightmost node, complete or not */
    for (; last != 0; height++, index >>= 1, last >>= 1) {
        uint64_t sibling = index ^ 1;
        if (sibling > last) continue; /* a node without sibling is carried up as it is */
        MUN_ASSERT(path->len < MUN_PATH_MAX);
        mun_hash *at = &path->node[path->len];
        bool complete = sibling < size >> height;
        if (complete) {
            MUN_TRY(source->get(source->ctx, height, sibling, at, err));
        } else {
            MUN_TRY(ragged_end(crypto, source, size, height, at, err));
        }
        path->len++;
    }
    return MUN_OK;
}

/* Copies only the hashes in use: a path is 2 KiB, a proof seldom half of that. */
static void hand_out(mun_path *ret, const mun_path *path)
{
    memcpy(ret->node, path->node, path->len * sizeof path->node[0]);
    ret->len = path->len;
}

static mun_code check_size(uint64_t size, mun_error *err)
{
    if (size <= MUN_TREE_SIZE_MAX) return MUN_OK;
    return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                    "a tree of more than 2^63-1 leaves was asked for; use a smaller size");
}

mun_code mun_tree_root(const mun_crypto *crypto, const mun_node_source *source, uint64_t size,
                       mun_hash *ret, mun_error *err)
{
    MUN_TRY(check_size(size, err));
    if (size == 0) {
        mun_hash_empty(crypto, ret);
        return MUN_OK;
    }
    return ragged_end(crypto, source, size, 64, ret, err);
}

mun_code mun_inclusion_make(const mun_crypto *crypto, const mun_node_source *source, uint64_t index,
                            uint64_t size, mun_path *ret, mun_error *err)
{
    MUN_TRY(check_size(size, err));
    if (index >= size) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "an inclusion proof needs an index smaller than the size of the tree");
    }
    mun_path path;
    path.len = 0;
    MUN_TRY(climb(crypto, source, 0, index, size, &path, err));
    hand_out(ret, &path);
    return MUN_OK;
}

mun_code mun_consistency_make(const mun_crypto *crypto, const mun_node_source *source,
                              uint64_t old_size, uint64_t new_size, mun_path *ret, mun_error *err)
{
    MUN_TRY(check_size(new_size, err));
    if (old_size == 0 || old_size > new_size) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "a consistency proof needs an old size of at least 1 and not larger than "
                        "the new size");
    }
    mun_path path;
    path.len = 0;
    if (old_size != new_size) {
        /* The last complete subtree of the old tree. Where it is the whole old tree, the verifier
         * has it already: its root (RFC 9162 section 2.1.4.1, the flag b). */
        unsigned height = (unsigned)__builtin_ctzll(old_size);
        uint64_t index = (old_size >> height) - 1;
        if (index != 0) {
            MUN_TRY(source->get(source->ctx, height, index, &path.node[0], err));
            path.len = 1;
        }
        MUN_TRY(climb(crypto, source, height, index, new_size, &path, err));
    }
    hand_out(ret, &path);
    return MUN_OK;
}
