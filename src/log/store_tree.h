/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tree nodes from the hash levels: the files keep the nodes of every MUN_LOG_TILE_BITS-th height,
 * those between are hashed from a run of the level below.
 */
#ifndef MUN_LOG_STORE_TREE_H
#define MUN_LOG_STORE_TREE_H

#include "log/params.h"
#include "merkle/merkle.h"

/* Where the hashes of the levels come from. */
typedef struct mun_level_source {
    void *ctx;
    mun_code (*read)(void *ctx, unsigned level, uint64_t first, uint32_t count, mun_hash *ret,
                     mun_error *err);
    const mun_crypto *crypto;
} mun_level_source;

/* A mun_node_source's get; ctx is a mun_level_source. */
MUN_MUST mun_code mun_level_node(void *ctx, unsigned height, uint64_t index, mun_hash *ret,
                                 mun_error *err);

/* The level whose hashes make up a node of that height. */
static inline unsigned mun_level_of(unsigned height)
{
    unsigned level = height / MUN_LOG_TILE_BITS;
    return level < MUN_LOG_LEVELS ? level : MUN_LOG_LEVELS - 1;
}

#endif
