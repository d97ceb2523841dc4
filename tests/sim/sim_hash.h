/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes for the simulator: a fast stand-in for SHA-256 behind the crypto table, and the tree of
 * RFC 9162 computed once more, straight from its definition, to compare the log with.
 */
#ifndef MUN_SIM_HASH_H
#define MUN_SIM_HASH_H

#include "merkle/merkle.h"

/* Not cryptographic; good against accidents, and about twenty times as fast on short input. */
mun_crypto sim_fast_crypto(void);

/* A tree that keeps all its complete nodes. */
typedef struct sim_tree {
    uint64_t size;
    mun_hash *node[40]; /* by height */
    size_t count[40];
    size_t cap[40];
} sim_tree;

void sim_tree_finish(sim_tree *t);
void sim_tree_clear(sim_tree *t);
void sim_tree_append(sim_tree *t, const mun_crypto *crypto, mun_slice entry);
/* RFC 9162 section 2.1.1, MTH(D[size]). */
void sim_tree_root(const sim_tree *t, const mun_crypto *crypto, mun_hash *ret);

#endif
