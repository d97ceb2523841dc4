/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal file: superblock slots, then the ring of batches. The sequencer writes and syncs
 * batches, the follower superblocks; each half has a file handle of its own, because the kernel
 * reports a failed write-back once to each open file: with one handle the half whose write was
 * good could take the report that the other needs.
 */
#ifndef MUN_LOG_STORE_JOURNAL_H
#define MUN_LOG_STORE_JOURNAL_H

#include <stdatomic.h>

#include "log/store.h"
#include "log/store_layout.h"

typedef struct mun_journal {
    const mun_vfs *vfs;
    mun_file *ring;  /* the sequencer's handle */
    mun_file *slots; /* the follower's handle */
    uint8_t nonce[MUN_NONCE_SIZE];
    uint64_t blocks;             /* N; changed only by growing */
    _Atomic uint64_t next;       /* LSN of the next batch; the sequencer's, durable */
    _Atomic uint64_t start;      /* the follower's: from a superblock whose sync returned */
    _Atomic uint64_t generation; /* the follower's: newest superblock known durable */
} mun_journal;

/* Opens both handles with MUN_OPEN_READ or MUN_OPEN_WRITE; N is what the file's length says. */
MUN_MUST mun_code mun_journal_open(mun_journal *journal, const mun_vfs *vfs, unsigned mode,
                                   mun_error *err);
void mun_journal_close(mun_journal *journal); /* accepts a zeroed one */

/* Reads the slots and takes the newest acceptable superblock; ret_tails: MUN_STREAMS blocks.
 * MUN_E_DAMAGED: none. MUN_E_INVALID: of another origin. */
MUN_MUST mun_code mun_journal_superblock(mun_journal *journal, const mun_hash *ledger_id,
                                         const mun_crypto *crypto, mun_superblock *ret,
                                         uint8_t *ret_tails, mun_error *err);

/* Writes whole blocks at an LSN, round the ring's end where needed. */
MUN_MUST mun_code mun_journal_write(mun_journal *journal, uint64_t lsn, const uint8_t *bytes,
                                    uint64_t blocks, mun_error *err);
MUN_MUST mun_code mun_journal_sync(mun_journal *journal, mun_file *handle, mun_error *err);
/* slot: aligned. */
MUN_MUST mun_code mun_journal_write_slot(mun_journal *journal, uint64_t generation,
                                         const uint8_t *slot, mun_error *err);

/* Makes journal.new with that superblock in it, durable but for its name. */
MUN_MUST mun_code mun_journal_prepare(const mun_vfs *vfs, const mun_superblock *sb,
                                      const uint8_t *tails, const mun_crypto *crypto,
                                      mun_error *err);
/* Gives journal.new the journal's name, durable on return. */
MUN_MUST mun_code mun_journal_install(const mun_vfs *vfs, mun_error *err);
/* Removes what an unfinished growth left; fine when there is nothing. */
MUN_MUST mun_code mun_journal_discard(const mun_vfs *vfs, mun_error *err);

/* Aligned memory for direct reads and writes; free with free(). */
MUN_MUST mun_code mun_aligned(size_t bytes, uint8_t **ret, mun_error *err);

#endif
