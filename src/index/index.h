/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite index (docs/format/index.md): rows derived from the entries, for searching and for
 * auditors. This room knows rows and columns only; whoever follows the log fills it, and whoever
 * reads from it checks each row against its entry [IDX-3].
 *
 * Durability: WAL with synchronous=NORMAL. A commit costs no sync; after a power cut the newest
 * rows may be missing, but the database is whole and `size` tells how many there are [IDX-2].
 *
 * Ownership: slices handed in are borrowed during the call.
 * Threads: two connections, each behind its own mutex and opened without SQLite's. Writing
 * (begin, put, commit) belongs to one thread; everything else may be called by any.
 */
#ifndef MUN_INDEX_INDEX_H
#define MUN_INDEX_INDEX_H

#include "base/error.h"
#include "base/slice.h"

#define MUN_INDEX_SCHEMA         1
#define MUN_INDEX_APPLICATION_ID 1297436233 /* "MUNI" */

typedef struct mun_index mun_index;

typedef struct mun_index_row {
    uint64_t index;
    mun_slice leaf;
    mun_slice iss, sub;
    mun_slice digest;
    int32_t digest_alg;
    bool envelope;
    bool have_content_type;
    mun_slice content_type;
    int32_t alg;
    bool have_kid;
    mun_slice kid;
    mun_slice signer;
    bool have_issuer_time;
    int64_t issuer_time;
    uint64_t registered_ms;
    uint64_t size; /* entry bytes */
} mun_index_row;

/*
 * Opens for writing: makes the file when missing. MUN_E_VERSION: another schema; MUN_E_DAMAGED: no
 * database of this ledger, or an unreadable one; then the caller deletes it (with -wal and -shm)
 * and opens again.
 */
MUN_MUST mun_code mun_index_open_writer(const char *path, mun_slice origin, mun_index **ret,
                                        mun_error *err);
/* Opens for reading beside a writer in any process. MUN_E_NOT_FOUND: there is no file. */
MUN_MUST mun_code mun_index_open_reader(const char *path, mun_slice origin, mun_index **ret,
                                        mun_error *err);
void mun_index_close(mun_index *index); /* accepts NULL */

/* Entries indexed and committed so far. */
MUN_MUST mun_code mun_index_size(mun_index *index, uint64_t *ret, mun_error *err);

/* One transaction: rows in order from the present size on. A failed put or commit rolls back. */
MUN_MUST mun_code mun_index_begin(mun_index *index, mun_error *err);
MUN_MUST mun_code mun_index_put(mun_index *index, const mun_index_row *row, mun_error *err);
MUN_MUST mun_code mun_index_commit(mun_index *index, mun_error *err);
void mun_index_rollback(mun_index *index);

/* Equalities on columns; those not present do not restrict. first <= idx < end. */
typedef struct mun_index_query {
    bool have_iss, have_sub, have_digest, have_content_type, have_kid;
    mun_slice iss, sub, digest, content_type, kid;
    uint64_t first, end;
    uint64_t skip; /* so many that match are left out in front */
    bool newest;   /* the highest ones, from the highest down */
} mun_index_query;

/* The lowest matching indexes in order, at most cap. Fewer than cap: there are no more. */
MUN_MUST mun_code mun_index_find(mun_index *index, const mun_index_query *query, uint64_t *ret,
                                 size_t cap, size_t *ret_len, mun_error *err);

/* Rows first <= idx < end in order, for a comparison with the log. Slices live during the visit. */
typedef mun_code (*mun_index_visit)(void *ctx, const mun_index_row *row, mun_error *err);
MUN_MUST mun_code mun_index_scan(mun_index *index, uint64_t first, uint64_t end,
                                 mun_index_visit visit, void *ctx, mun_error *err);
/* SQLite's own check of the file. MUN_E_DAMAGED with its first finding. */
MUN_MUST mun_code mun_index_integrity(mun_index *index, mun_error *err);

/* Of all indexes of the process: what SQLite holds now, and the soft limit from which on it
 * recycles pages. It grows to the limit as the indexes are read and written, and stays there. */
uint64_t mun_index_memory_bytes(void);
uint64_t mun_index_memory_max_bytes(void);

#endif
