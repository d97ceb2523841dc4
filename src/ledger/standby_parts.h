/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a standby, shared by standby.c (what may be taken) and standby_take.c (taking it).
 * Threads: one at a time.
 */
#ifndef MUN_LEDGER_STANDBY_PARTS_H
#define MUN_LEDGER_STANDBY_PARTS_H

#include "ledger/ledger_parts.h"
#include "ledger/ledger_watch.h"
#include "ledger/source.h"
#include "ledger/source_times.h"
#include "ledger/tree_out.h"

struct mun_standby {
    char directory[MUN_PATH_BYTES_MAX];
    mun_source source;
    mun_watcher watcher;
    mun_ledger *ledger; /* open for writing, without keys */
    mun_crypto *crypto;
    mun_buf note;       /* the source's checkpoint */
    mun_tree_head have; /* what the standby holds */
    mun_tree_head head; /* what the checkpoint signs */
};

/* The leaf hashes that the source's tiles give must lead from what the standby holds to the signed
 * root; ret_digests: SHA-256 of each tile of leaf hashes from the one that holds have.size on. */
MUN_MUST mun_code mun_standby_leaves(mun_standby *s, mun_source_nodes *nodes, mun_buf *ret_digests,
                                     mun_error *err);
/* The entries from have.size to head.size: fetched, held against the digests, admitted, appended
 * under their registration times. */
MUN_MUST mun_code mun_standby_take(mun_standby *s, mun_slice digests, mun_error *err);

#endif
