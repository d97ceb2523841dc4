/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree as RFC 9162 section 2.1 defines it, by recursion over all leaf hashes: slow, plain, and
 * written without looking at src/merkle. Everything of src/merkle is compared with it.
 *
 * Besides, a node source over a table of all complete subtrees; it stops the test when it is asked
 * for a subtree that is not complete, and can be made to fail on the nth call.
 */
#ifndef MUN_TESTS_PLAIN_TREE_H
#define MUN_TESTS_PLAIN_TREE_H

#include "merkle/merkle.h"

/* The table's crypto; made by plain_setup (a cmocka group setup), freed by plain_teardown. */
extern mun_crypto plain_crypto;
int plain_setup(void **state);
int plain_teardown(void **state);

/* MTH, PATH and PROOF of section 2.1; they return the number of hashes written to ret. */
mun_hash plain_root(const mun_hash *leaves, uint64_t n);
size_t plain_path(uint64_t m, const mun_hash *leaves, uint64_t n, mun_hash *ret);
size_t plain_proof(uint64_t m, const mun_hash *leaves, uint64_t n, mun_hash *ret);

/*
 * What a proof implies, by the same recursion run backwards: the roots that it leads to, or false
 * when it has too few or too many hashes.
 */
bool plain_inclusion_root(uint64_t m, uint64_t n, const mun_hash *leaf, const mun_hash *path,
                          size_t path_len, mun_hash *ret);
bool plain_consistency_roots(uint64_t m, uint64_t n, const mun_hash *old_root, const mun_hash *path,
                             size_t path_len, mun_hash *ret_old, mun_hash *ret_new);

#define PLAIN_HEIGHTS 20

typedef struct plain_table {
    uint64_t size;
    mun_hash *node[PLAIN_HEIGHTS]; /* node[h][i] for complete subtrees */
    unsigned calls;
    unsigned fail_at; /* the nth call fails with MUN_E_IO; 0: none */
} plain_table;

/* Leaf i is the ASCII decimal of i, as in the shared vectors. */
plain_table plain_table_make(uint64_t size);
void plain_table_free(plain_table *table);
mun_node_source plain_table_source(plain_table *table);

#endif
