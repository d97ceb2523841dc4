/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arithmetic of RFC 9162 section 2.1: leaf and node hashes, roots, inclusion and consistency
 * proofs, and the tile coordinates of C2SP tlog-tiles. Pure functions over a source of hashes: no
 * allocation, no recursion, no I/O of its own.
 *
 * A node is named by (height, index): height 0 are the leaf hashes, node (h, i) covers the leaves
 * i*2^h .. (i+1)*2^h - 1. Sources are asked only for complete subtrees.
 *
 * Limits: a tree has at most MUN_TREE_SIZE_MAX leaves; a path at most MUN_PATH_MAX hashes.
 * Threads: a mun_crypto belongs to one thread at a time; everything else is a value.
 */
#ifndef MUN_MERKLE_MERKLE_H
#define MUN_MERKLE_MERKLE_H

#include <muniment/crypto.h>

#define MUN_TREE_SIZE_MAX INT64_MAX
#define MUN_PATH_MAX      64
#define MUN_TILE_HEIGHT   8
#define MUN_TILE_WIDTH    256
#define MUN_TILE_BYTES    (MUN_TILE_WIDTH * MUN_HASH_SIZE)

typedef struct mun_hash {
    uint8_t bytes[MUN_HASH_SIZE];
} mun_hash;

typedef struct mun_path {
    size_t len;
    mun_hash node[MUN_PATH_MAX]; /* lowest first */
} mun_path;

/* Where nodes come from. get may fail (I/O); its code is handed on unchanged. */
typedef struct mun_node_source {
    void *ctx;
    mun_code (*get)(void *ctx, unsigned height, uint64_t index, mun_hash *ret, mun_error *err);
} mun_node_source;

bool mun_hash_equal(const mun_hash *a, const mun_hash *b);

/* RFC 9162 section 2.1.1: SHA-256(), SHA-256(00 || entry), SHA-256(01 || left || right). */
void mun_hash_empty(const mun_crypto *crypto, mun_hash *ret);
void mun_hash_leaf(const mun_crypto *crypto, mun_slice entry, mun_hash *ret);
void mun_hash_node(const mun_crypto *crypto, const mun_hash *left, const mun_hash *right,
                   mun_hash *ret);

/*
 * The frontier: roots of the complete subtrees that make up a tree, largest first; one for each set
 * bit of size. It is all the state that appending needs.
 */
typedef struct mun_frontier {
    uint64_t size;
    mun_hash node[MUN_PATH_MAX]; /* node[h]: the complete subtree of height h, if bit h of size */
} mun_frontier;

/* Called for each subtree completed by an append: node (height, index), lowest first. May be NULL.
 */
typedef void (*mun_node_sink)(void *ctx, unsigned height, uint64_t index, const mun_hash *node);

void mun_frontier_append(mun_frontier *f, const mun_crypto *crypto, const mun_hash *leaf,
                         mun_node_sink sink, void *sink_ctx);
void mun_frontier_root(const mun_frontier *f, const mun_crypto *crypto, mun_hash *ret);
/* Rebuilds the frontier of a tree of the given size from a source. */
MUN_MUST mun_code mun_frontier_load(mun_frontier *ret, uint64_t size, const mun_node_source *source,
                                    mun_error *err);

/* Root of the first size leaves. */
MUN_MUST mun_code mun_tree_root(const mun_crypto *crypto, const mun_node_source *source,
                                uint64_t size, mun_hash *ret, mun_error *err);
/* RFC 9162 section 2.1.3.1. Needs index < size <= what the source holds; otherwise MUN_E_USAGE. */
MUN_MUST mun_code mun_inclusion_make(const mun_crypto *crypto, const mun_node_source *source,
                                     uint64_t index, uint64_t size, mun_path *ret, mun_error *err);
/* RFC 9162 section 2.1.4.1. Needs 0 < old_size <= new_size; equal sizes give the empty path. */
MUN_MUST mun_code mun_consistency_make(const mun_crypto *crypto, const mun_node_source *source,
                                       uint64_t old_size, uint64_t new_size, mun_path *ret,
                                       mun_error *err);

/* The number of hashes in the inclusion path of index in a tree of size; index < size. */
size_t mun_inclusion_length(uint64_t index, uint64_t size);
/*
 * RFC 9162 section 2.1.3.2: folds the path to the root it implies. MUN_OK says only that the
 * arithmetic is possible; compare or verify the root. MUN_E_INVALID: index >= size, size over the
 * limit, or a path of the wrong length.
 */
MUN_MUST mun_code mun_inclusion_fold(const mun_crypto *crypto, uint64_t index, uint64_t size,
                                     const mun_hash *leaf, const mun_hash *path, size_t path_len,
                                     mun_hash *ret_root);
/*
 * RFC 9162 section 2.1.4.2: MUN_OK when the path proves that the tree (old_size, old_root) is a
 * prefix of (new_size, new_root). Equal sizes: the path must be empty and the roots equal.
 * old_size 0: MUN_E_INVALID (an empty tree is a prefix of anything; that is no proof).
 */
MUN_MUST mun_code mun_consistency_check(const mun_crypto *crypto, uint64_t old_size,
                                        const mun_hash *old_root, uint64_t new_size,
                                        const mun_hash *new_root, const mun_hash *path,
                                        size_t path_len);
/*
 * The same walk for a caller who does not know the newer root: MUN_OK gives the root of the tree of
 * new_size that continues (old_size, old_root). Needs 0 < old_size < new_size and a path.
 */
MUN_MUST mun_code mun_consistency_root(const mun_crypto *crypto, uint64_t old_size,
                                       const mun_hash *old_root, uint64_t new_size,
                                       const mun_hash *path, size_t path_len,
                                       mun_hash *ret_new_root);

/*
 * Tiles (C2SP tlog-tiles): tile (level, n) holds nodes (8*level, 256*n ...). width 1..256. Nodes of
 * the heights between two levels are derived from the tile below them by hashing upward.
 */
typedef struct mun_tile {
    unsigned level;
    uint64_t n;
    unsigned width;
} mun_tile;

/* Tiles at a level for a tree of size: width of tile n (0: the tile does not exist). */
unsigned mun_tile_width(unsigned level, uint64_t n, uint64_t size);
/* The tile that holds node (height, index), and the run of entries inside it that make the node.
 * Its width is the least that reaches the end of the run; a wider tile serves as well. */
mun_tile mun_tile_of_node(unsigned height, uint64_t index, unsigned *ret_first,
                          unsigned *ret_count);
/* Root of a complete run of count (a power of two) hashes. */
void mun_hash_run(const mun_crypto *crypto, const mun_hash *hashes, unsigned count, mun_hash *ret);
/* The node (height, index) from the entries of its tile (see mun_tile_of_node). */
void mun_node_from_tile(const mun_crypto *crypto, const mun_hash *tile, unsigned height,
                        uint64_t index, mun_hash *ret);
/* Path text, e.g. "tile/0/x001/067.p/12" or "tile/entries/000": writes at most 96 bytes with NUL.
 */
#define MUN_TILE_PATH_MAX 96
void mun_tile_path(char ret[MUN_TILE_PATH_MAX], int level /* -1: entries */, uint64_t n,
                   unsigned width);

#endif
