/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the static tree of docs/format/export.md into a folder, for an export and for a backup:
 * each file whole or not at all and on the disk before the next step [EXP-6], each tile held
 * against the entries and the root before it is written [EXP-7].
 *
 * Ownership: begin and finish. Threads: one at a time; the ledger may grow meanwhile.
 */
#ifndef MUN_LEDGER_TREE_OUT_H
#define MUN_LEDGER_TREE_OUT_H

#include "ledger/ledger_parts.h"
#include "ledger/ledger_watch.h"

#define MUN_EXPORT_FILE     "export"
#define MUN_EXPORT_LINE     "muniment-export 1\n"
#define MUN_COMMITS_FILE    "commits"
#define MUN_COMMITS_MAX     ((size_t)1 << 30)
#define MUN_TREE_BUNDLE_MAX ((size_t)MUN_TILE_WIDTH * (MUN_ENTRY_MAX + 2))
#define MUN_OUT_LEVELS      8 /* of tiles: enough for 2^64 entries */

typedef struct mun_tree_out {
    mun_ledger *ledger;
    const mun_crypto *crypto;
    mun_watcher *watcher;
    mun_vfs vfs;                    /* the folder */
    mun_tree_head head;             /* what is written */
    uint64_t have;                  /* entries whose full tiles an earlier run has written */
    uint64_t files, bytes;          /* written by this run */
    char folder[MUN_TILE_PATH_MAX]; /* of the last file: synced when the next is another */
    mun_buf tile, again;
    mun_hash edge[MUN_OUT_LEVELS][MUN_TILE_WIDTH]; /* the tiles that are not full */
} mun_tree_out;

/* The folder must exist. */
MUN_MUST mun_code mun_tree_out_begin(mun_tree_out *out, const char *folder, mun_error *err);
void mun_tree_out_finish(mun_tree_out *out); /* accepts a zeroed one */

/* All tiles and bundles of head, and `commits`; durable on return. MUN_E_DAMAGED: they do not give
 * the root of head, and nothing that leads there may be published. */
MUN_MUST mun_code mun_tree_out_tiles(mun_tree_out *out, mun_error *err);
/* One file, replacing one of that name; durable on return. */
MUN_MUST mun_code mun_tree_out_put(mun_tree_out *out, const char *name, mun_slice bytes,
                                   mun_error *err);

/* The tree head that a checkpoint's text speaks of; no signature is checked. */
MUN_MUST mun_code mun_checkpoint_head(mun_slice note, mun_tree_head *ret, mun_error *err);

#endif
