/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The four hashes of RFC 9162 section 2.1.1. The prefix byte keeps leaves and nodes apart: without
 * it an entry of 64 bytes could pose as an inner node.
 */
#include "merkle/merkle.h"

#include "base/assert.h"
#include "base/slice.h"

#define LEAF_PREFIX 0x00
#define NODE_PREFIX 0x01

/* Heights that a run of up to 2^31 hashes can reach below its root. */
#define RUN_HEIGHT_MAX 32

bool mun_hash_equal(const mun_hash *a, const mun_hash *b)
{
    return memcmp(a->bytes, b->bytes, MUN_HASH_SIZE) == 0;
}

void mun_hash_empty(const mun_crypto *crypto, mun_hash *ret)
{
    crypto->sha256(crypto->ctx, NULL, 0, ret->bytes);
}

void mun_hash_leaf(const mun_crypto *crypto, mun_slice entry, mun_hash *ret)
{
    static const uint8_t prefix = LEAF_PREFIX;
    const mun_slice parts[] = {mun_slice_of(&prefix, 1), entry};
    crypto->sha256(crypto->ctx, parts, 2, ret->bytes);
}

void mun_hash_node(const mun_crypto *crypto, const mun_hash *left, const mun_hash *right,
                   mun_hash *ret)
{
    /* One part instead of three: a part costs the digest a call, the copy costs next to nothing. */
    uint8_t block[1 + 2 * MUN_HASH_SIZE];
    block[0] = NODE_PREFIX;
    memcpy(block + 1, left->bytes, MUN_HASH_SIZE);
    memcpy(block + 1 + MUN_HASH_SIZE, right->bytes, MUN_HASH_SIZE);
    const mun_slice part = mun_slice_of(block, sizeof block);
    crypto->sha256(crypto->ctx, &part, 1, ret->bytes);
}

void mun_hash_run(const mun_crypto *crypto, const mun_hash *hashes, unsigned count, mun_hash *ret)
{
    MUN_ASSERT(count != 0 && (count & (count - 1)) == 0);
    if (count == 1) {
        *ret = hashes[0];
        return;
    }
    /* pending[h]: a left child of height h that waits for its sibling, like a bit of a counter. */
    mun_hash pending[RUN_HEIGHT_MAX];
    for (unsigned pair = 0; pair < count / 2; pair++) {
        mun_hash node;
        mun_hash_node(crypto, &hashes[2 * pair], &hashes[2 * pair + 1], &node);
        unsigned height = 0;
        for (; (pair >> height & 1) != 0; height++) {
            mun_hash_node(crypto, &pending[height], &node, &node);
        }
        pending[height] = node;
    }
    *ret = pending[__builtin_ctz(count) - 1];
}
