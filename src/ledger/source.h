/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading somebody's tree of docs/format/export.md through a mun_source, wherever it is.
 * Nothing that comes from one is believed. Threads: one at a time for each source.
 */
#ifndef MUN_LEDGER_SOURCE_H
#define MUN_LEDGER_SOURCE_H

#include "merkle/merkle.h"

#include <muniment/ledger.h>

/* The files below a folder; the path is borrowed. */
mun_source mun_source_folder(const char *path);

/* Replaces what is in ret. */
MUN_MUST mun_code mun_source_read(const mun_source *source, const char *name, size_t max,
                                  mun_buf *ret, mun_error *err);
/* A tile (level >= 0) or bundle (-1), exactly `width` entries of it. Where the one that is not full
 * is gone because the tree has grown, the front of the full one. MUN_E_INVALID: of another length,
 * an entry empty or cut short. */
MUN_MUST mun_code mun_source_tile(const mun_source *source, int level, uint64_t n, unsigned width,
                                  mun_buf *ret, mun_error *err);
/* The checkpoint, its origin and its signature by that key; ret_note is replaced. */
MUN_MUST mun_code mun_source_checkpoint(const mun_source *source, const mun_crypto *crypto,
                                        const mun_ledger_pub *pub, mun_buf *ret_note, mun_tree *ret,
                                        mun_error *err);

/* Nodes of the tree of `size` from a source's tiles, some of which are kept. */
#define MUN_SOURCE_TILES 16
typedef struct mun_source_nodes {
    const mun_source *source;
    const mun_crypto *crypto;
    uint64_t size;
    mun_tile kept[MUN_SOURCE_TILES];
    mun_hash hash[MUN_SOURCE_TILES][MUN_TILE_WIDTH];
    size_t kept_len, next;
    mun_buf buf;
} mun_source_nodes;

void mun_source_nodes_init(mun_source_nodes *nodes, const mun_source *source,
                           const mun_crypto *crypto, uint64_t size);
void mun_source_nodes_finish(mun_source_nodes *nodes);
mun_node_source mun_source_nodes_of(mun_source_nodes *nodes);

#endif
