/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file `commits` of an export: registration times, in blocks of 254 records (u64 first index,
 * u64 time in ms) and a SHA-256 of the block's records [LOG-13]. An export has one record for each
 * change of time. Ownership: values. Threads: one at a time.
 */
#ifndef MUN_LEDGER_COMMITS_H
#define MUN_LEDGER_COMMITS_H

#include "log/log.h"

#define MUN_COMMITS_BLOCK   4096
#define MUN_COMMITS_RECORDS 254

/* Appends the records for entries first .. size-1 of the log; a file of an export begins with 0. At
 * most `blocks` blocks (0: all of them); ret_next: the entry that the rest begins with, or size.
 * What is written from there on, behind this, is what would have been written at once. */
MUN_MUST mun_code mun_commits_write(const mun_crypto *crypto, mun_log *log, uint64_t first,
                                    uint64_t size, size_t blocks, mun_buf *ret, uint64_t *ret_next,
                                    mun_error *err);

/* Walks through the records of a file's bytes, which mun_commits_check has accepted. */
typedef struct mun_commits {
    mun_slice bytes;
    uint64_t records;
} mun_commits;

typedef struct mun_commit_record {
    uint64_t first;
    uint64_t time_ms;
} mun_commit_record;

/* [LOG-13], [LOG-14], and a record for entry `first`; those for entries at or above size (> 0) are
 * left out [EXP-9]. MUN_E_INVALID with the offset. */
MUN_MUST mun_code mun_commits_check(const mun_crypto *crypto, mun_slice bytes, uint64_t first,
                                    uint64_t size, mun_commits *ret, mun_error *err);
mun_commit_record mun_commits_at(const mun_commits *commits, uint64_t record);

#endif
