/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set of leaf hashes on the log, in memory: from a hash to the index of its first entry. Eight
 * bytes a slot: 24 bits of the hash (the tag) and the index. The tag only proposes; every answer is
 * confirmed against the whole leaf hash, which the caller fetches from the level-0 file. So the
 * answers are exact, and the table needs no file, no recovery and no format of its own.
 *
 * 256 sub-tables by the hash's first byte, each with its own lock, doubling by itself: growing
 * never needs a second copy of everything, and pauses are short.
 *
 * Threads: any number at once.
 */
#ifndef MUN_LOG_DEDUP_H
#define MUN_LOG_DEDUP_H

#include "merkle/merkle.h"

typedef struct mun_dedup mun_dedup;

/* The leaf hash of entry index. MUN_E_NOT_FOUND: the entry is not to be considered. */
typedef struct mun_leaf_source {
    void *ctx;
    mun_code (*leaf)(void *ctx, uint64_t index, mun_hash *ret, mun_error *err);
} mun_leaf_source;

MUN_MUST mun_code mun_dedup_new(mun_dedup **ret, mun_error *err);
void mun_dedup_free(mun_dedup *dedup); /* accepts NULL */

/* Starts fetching what a find or insert of this hash will touch. */
void mun_dedup_prefetch(const mun_dedup *dedup, const mun_hash *leaf);
/* The smallest index with exactly this leaf hash. MUN_E_NOT_FOUND (err untouched). */
MUN_MUST mun_code mun_dedup_find(mun_dedup *dedup, const mun_hash *leaf,
                                 const mun_leaf_source *source, uint64_t *ret, mun_error *err);
/* index < MUN_LOG_ENTRIES_MAX. */
MUN_MUST mun_code mun_dedup_insert(mun_dedup *dedup, const mun_hash *leaf, uint64_t index,
                                   const mun_leaf_source *source, mun_error *err);
/* Both in one: MUN_OK and the smallest index when it is known, MUN_E_NOT_FOUND (err untouched) when
 * it was not and is now at index. */
MUN_MUST mun_code mun_dedup_find_or_insert(mun_dedup *dedup, const mun_hash *leaf, uint64_t index,
                                           const mun_leaf_source *source, uint64_t *ret,
                                           mun_error *err);
void mun_dedup_remove(mun_dedup *dedup, const mun_hash *leaf, uint64_t index);
/*
 * Filling, in two steps: each thread gathers entries into a sheaf of its own, sorted by sub-table;
 * then the sub-tables are filled one after the other (by any thread, each by one), so that each
 * stays in a core's cache while it is written.
 */
typedef struct mun_dedup_sheaf mun_dedup_sheaf;

MUN_MUST mun_code mun_dedup_sheaf_new(mun_dedup_sheaf **ret, mun_error *err);
void mun_dedup_sheaf_free(mun_dedup_sheaf *sheaf); /* accepts NULL */
/* Entries first, first+1, ... */
MUN_MUST mun_code mun_dedup_gather(mun_dedup_sheaf *sheaf, const mun_hash *leaf, uint32_t count,
                                   uint64_t first, mun_error *err);
#define MUN_DEDUP_SUBS 256u
/* Puts what n sheaves have for sub-table number sub into it. */
MUN_MUST mun_code mun_dedup_fill(mun_dedup *dedup, unsigned sub, mun_dedup_sheaf **sheaf,
                                 unsigned n, const mun_leaf_source *source, mun_error *err);
uint64_t mun_dedup_bytes(mun_dedup *dedup);

#endif
