/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The right edge of a growing tree. The complete subtrees that make up a tree of n leaves are the
 * set bits of n, so appending a leaf is adding one to a binary counter: each carry is one hash.
 */
#include "merkle/merkle.h"

#include "base/assert.h"
#include "base/error.h"

void mun_frontier_append(mun_frontier *f, const mun_crypto *crypto, const mun_hash *leaf,
                         mun_node_sink sink, void *sink_ctx)
{
    MUN_ASSERT(f->size < MUN_TREE_SIZE_MAX);
    mun_hash node = *leaf;
    unsigned height = 0;
    if (sink != NULL) sink(sink_ctx, 0, f->size, &node);
    for (; (f->size >> height & 1) != 0; height++) {
        mun_hash_node(crypto, &f->node[height], &node, &node);
        if (sink != NULL) sink(sink_ctx, height + 1, f->size >> (height + 1), &node);
    }
    f->node[height] = node;
    f->size++;
}

void mun_frontier_root(const mun_frontier *f, const mun_crypto *crypto, mun_hash *ret)
{
    if (f->size == 0) {
        mun_hash_empty(crypto, ret);
        return;
    }
    uint64_t rest = f->size;
    mun_hash root = f->node[__builtin_ctzll(rest)];
    for (rest &= rest - 1; rest != 0; rest &= rest - 1) {
        mun_hash_node(crypto, &f->node[__builtin_ctzll(rest)], &root, &root);
    }
    *ret = root;
}

mun_code mun_frontier_load(mun_frontier *ret, uint64_t size, const mun_node_source *source,
                           mun_error *err)
{
    if (size > MUN_TREE_SIZE_MAX) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "a tree of more than 2^63-1 leaves was asked for; use a smaller size");
    }
    mun_frontier f = {.size = size};
    for (uint64_t rest = size; rest != 0; rest &= rest - 1) {
        unsigned height = (unsigned)__builtin_ctzll(rest);
        MUN_TRY(source->get(source->ctx, height, (size >> height) - 1, &f.node[height], err));
    }
    *ret = f;
    return MUN_OK;
}
