/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ledger: one log with its keys, policy and index in one directory. Make one, register signed
 * statements, get receipts, find, prove, check.
 *
 * Threads: every function that takes a mun_ledger may be called by several threads at once, except
 * mun_ledger_close. Concurrent registrations share one disk sync. One process writes a ledger; any
 * number of others may open it read-only and see a consistent prefix.
 *
 * Durability: what a function reports as registered is on the disk. MUN_E_FAILED means that a write
 * failed: close, and open again.
 */
#ifndef MUNIMENT_LEDGER_H
#define MUNIMENT_LEDGER_H

#include <muniment/evidence.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mun_ledger mun_ledger;

typedef struct mun_ledger_create_options {
    mun_slice origin;     /* docs/format/policy.md: host and path, no scheme, 1..255 bytes */
    int32_t receipt_alg;  /* MUN_ALG_ES256 (0 means this), MUN_ALG_ES384 or MUN_ALG_EDDSA */
    bool any_issuer;      /* admit self-declared keys */
    mun_slice passphrase; /* empty: keys are stored unencrypted, mode 0600 */
    uint64_t (*clock_ms)(void *ctx); /* NULL: the system's clock */
    void *clock_ctx;
} mun_ledger_create_options;

/* Makes the directory (or uses an empty one), keys, log and entry 0. Nothing is left behind on
 * failure. MUN_E_EXISTS, MUN_E_USAGE (origin), MUN_E_IO... */
MUN_API MUN_MUST mun_code mun_ledger_create(const char *directory,
                                            const mun_ledger_create_options *options,
                                            mun_error *err);

/* What one call of mun_ledger_register took, in nanoseconds, all its statements together. */
typedef struct mun_ledger_stages {
    uint64_t statements; /* that went through parsing and verifying, signing for those admitted */
    uint64_t receipts;   /* that were signed */
    uint64_t parse_ns;   /* parsing, and looking for the entry among the known ones */
    uint64_t verify_ns;  /* the policy and the issuers' signatures */
    uint64_t append_ns;  /* waiting until the entries are durable: a time for all, not for each */
    uint64_t sign_ns;    /* inclusion paths and receipts */
} mun_ledger_stages;

/* Somebody who counts. Any of the functions may be NULL; they are called by any thread, several at
 * once, while others wait: they must neither block nor call the ledger. */
typedef struct mun_ledger_observer {
    void *ctx;
    void (*registered)(void *ctx, const mun_ledger_stages *stages);
    /* A batch is durable: its entries, and the time of its disk sync. */
    void (*committed)(void *ctx, uint64_t entries, uint64_t sync_ns);
} mun_ledger_observer;

typedef struct mun_ledger_open_options {
    bool read_only;
    bool no_index;        /* do not open or follow the SQLite index */
    bool no_keys;         /* do not load the private keys: this opening signs nothing */
    mun_slice passphrase; /* for encrypted keys; read-only opens need none unless they sign */
    uint64_t (*clock_ms)(void *ctx);
    void *clock_ctx;
    const mun_ledger_observer *observer; /* copied; NULL: nobody */
} mun_ledger_open_options;

/* options may be NULL. A writer recovers; a reader that finds no writer but an unclean end does so
 * too, where it may write. A reader may still sign receipts when it can read the
 * keys. MUN_E_NOT_FOUND: no ledger there; MUN_E_BUSY names the writer; MUN_E_DAMAGED the place. */
MUN_API MUN_MUST mun_code mun_ledger_open(const char *directory,
                                          const mun_ledger_open_options *options, mun_ledger **ret,
                                          mun_error *err);
MUN_API mun_code mun_ledger_close(mun_ledger *ledger, mun_error *err); /* accepts NULL */

/* Borrowed until close. */
MUN_API const mun_ledger_pub *mun_ledger_identity(const mun_ledger *ledger);
MUN_API bool mun_ledger_any_issuer(const mun_ledger *ledger);
/* True for an imported or restored ledger that was not adopted: it only reads. */
MUN_API bool mun_ledger_is_copy(const mun_ledger *ledger);

typedef struct mun_registration {
    mun_code code;   /* MUN_OK, or why this statement was not registered */
    mun_error error; /* filled when code is not MUN_OK */
    uint64_t index;
    uint64_t time_ms; /* registration time */
    bool existed;     /* it was registered before: same index, same time */
    uint8_t leaf[MUN_HASH_SIZE];
} mun_registration;

/*
 * Registers n signed statements (COSE_Sign1; unprotected content is dropped) in one call. Each gets
 * its own result in ret; one refused statement does not hold up the others. Returns MUN_OK when
 * every statement got an answer of its own, whatever it is; otherwise nothing was acknowledged:
 * MUN_E_NO_SPACE, MUN_E_AGAIN: nothing is on the log either, try again; MUN_E_FAILED, MUN_E_IO: it
 * may be, the same statements sent again give the same indexes; MUN_E_REFUSED: a copy.
 * ret_receipts: NULL, or n buffers to which a receipt (RFC 9942) for each registered one is
 * appended; a registration without its receipt is not reported as registered.
 */
MUN_API MUN_MUST mun_code mun_ledger_register(mun_ledger *ledger, const mun_slice *statements,
                                              size_t n, mun_registration *ret,
                                              mun_buf *ret_receipts, mun_error *err);

/* Checks a statement against the policy in force without registering it. MUN_E_REFUSED,
 * MUN_E_MALFORMED, MUN_E_UNSUPPORTED with the rule in err. */
MUN_API MUN_MUST mun_code mun_ledger_admits(mun_ledger *ledger, mun_slice statement,
                                            mun_error *err);

typedef struct mun_tree {
    uint64_t size;
    uint8_t root[MUN_HASH_SIZE];
} mun_tree;

/* The newest durable tree: what the functions below reach up to. */
MUN_API mun_tree mun_ledger_tree(mun_ledger *ledger);
/* For a read-only ledger: look for what the writer has added since. */
MUN_API MUN_MUST mun_code mun_ledger_refresh(mun_ledger *ledger, mun_error *err);

/* The bytes of entry index (from 0), appended to ret, checked against its leaf hash; ret_time_ms
 * may be NULL. MUN_E_NOT_FOUND: there is no such entry (yet); MUN_E_DAMAGED names the place. */
MUN_API MUN_MUST mun_code mun_ledger_entry(mun_ledger *ledger, uint64_t index, mun_buf *ret,
                                           uint64_t *ret_time_ms, mun_error *err);
/* The index of the entry with this leaf hash. MUN_E_NOT_FOUND. */
MUN_API MUN_MUST mun_code mun_ledger_lookup(mun_ledger *ledger, const uint8_t leaf[MUN_HASH_SIZE],
                                            uint64_t *ret_index, mun_error *err);
/* Entries first .. end-1 in order, each borrowed during the call; stops at the first visit that
 * does not return MUN_OK, with its code. */
typedef mun_code (*mun_ledger_visit)(void *ctx, uint64_t index, uint64_t time_ms, mun_slice entry,
                                     mun_error *err);
MUN_API MUN_MUST mun_code mun_ledger_iterate(mun_ledger *ledger, uint64_t first, uint64_t end,
                                             mun_ledger_visit visit, void *ctx, mun_error *err);

/* What is signed below needs the private keys: MUN_E_REFUSED on a copy, else why they could not be
 * read. Everything is appended to its buffer. A fresh receipt (RFC 9942) for the tree of the day,
 * at most 65,535 bytes: */
MUN_API MUN_MUST mun_code mun_ledger_receipt(mun_ledger *ledger, uint64_t index, mun_buf *ret,
                                             mun_error *err);
/* A consistency receipt (RFC 9942) from old_size, 1 or more, to the larger tree of the day. */
MUN_API MUN_MUST mun_code mun_ledger_consistency_receipt(mun_ledger *ledger, uint64_t old_size,
                                                         mun_buf *ret, mun_error *err);
/* The evidence file: the entry with a receipt and a tlog-proof (C2SP) inside. */
MUN_API MUN_MUST mun_code mun_ledger_evidence(mun_ledger *ledger, uint64_t index, mun_buf *ret,
                                              mun_error *err);
MUN_API MUN_MUST mun_code mun_ledger_tlog_proof(mun_ledger *ledger, uint64_t index, mun_buf *ret,
                                                mun_error *err);
/* The signed checkpoint (C2SP) of the tree of the day. The same tree gives the same bytes. A copy
 * gives the last one that came with its entries. */
MUN_API MUN_MUST mun_code mun_ledger_checkpoint(mun_ledger *ledger, mun_buf *ret, mun_error *err);
/* Bare proofs (RFC 9162 sections 2.1.3 and 2.1.4) as 32-byte hashes, lowest first, each checked
 * against a root. ret_path: room for MUN_PROOF_PATH_MAX + 1. index < size, old_size <= new_size,
 * sizes up to the tree's: else MUN_E_NOT_FOUND or MUN_E_USAGE. */
MUN_API MUN_MUST mun_code mun_ledger_inclusion(mun_ledger *ledger, uint64_t index, uint64_t size,
                                               uint8_t ret_path[][MUN_HASH_SIZE], size_t *ret_len,
                                               mun_error *err);
MUN_API MUN_MUST mun_code mun_ledger_consistency(mun_ledger *ledger, uint64_t old_size,
                                                 uint64_t new_size,
                                                 uint8_t ret_path[][MUN_HASH_SIZE], size_t *ret_len,
                                                 mun_error *err);
MUN_API MUN_MUST mun_code mun_ledger_root(mun_ledger *ledger, uint64_t size,
                                          uint8_t ret[MUN_HASH_SIZE], mun_error *err);

/* C2SP tlog-tiles: the bytes of a hash tile (level >= 0) or of an entry bundle (level -1), width 1
 * to 256, of the tree as it is now; a full tile may be asked for at any width. A full tile is
 * checked against the hash above it, an entry against its leaf hash. Appended to ret, at most 8,192
 * bytes or 256 * 65,537. MUN_E_NOT_FOUND: the tree has no such tile yet. */
MUN_API MUN_MUST mun_code mun_ledger_tile(mun_ledger *ledger, int level, uint64_t n, unsigned width,
                                          mun_buf *ret, mun_error *err);
/* Registration times of the entries first .. size-1: with first 0 the file `commits` of an exported
 * tree (docs/format/export.md), else one in the same form that begins with entry first. At most
 * `blocks` blocks of 4,096 bytes (0: all of them); ret_next: the entry that the rest begins with,
 * which stands directly behind this in the whole; size where nothing is left.
 * MUN_E_NOT_FOUND: there are not so many entries. */
MUN_API MUN_MUST mun_code mun_ledger_commits(mun_ledger *ledger, uint64_t first, uint64_t size,
                                             size_t blocks, mun_buf *ret, uint64_t *ret_next,
                                             mun_error *err);

/* Searching. Empty slices and zeros do not restrict. Results in order of index. */
typedef struct mun_query {
    mun_slice iss, sub, content_type;
    mun_slice digest; /* of the document, whatever its hash algorithm */
    mun_slice kid;
    uint64_t since_ms, until_ms; /* registration time, since <= t < until; 0: open */
    bool have_after;
    uint64_t after; /* only indexes greater than this */
    uint64_t end;   /* only indexes lower than this; 0: no limit */
    uint64_t limit; /* 0: no limit */
    bool newest;    /* only the matching entry with the highest index */
} mun_query;

typedef struct mun_found {
    uint64_t index;
    uint64_t time_ms;
    mun_slice entry;                /* borrowed during the call; the row was checked against it */
    const mun_statement *statement; /* entry, parsed */
} mun_found;

typedef mun_code (*mun_ledger_found)(void *ctx, const mun_found *found, mun_error *err);
MUN_API MUN_MUST mun_code mun_ledger_find(mun_ledger *ledger, const mun_query *query,
                                          mun_ledger_found each, void *ctx, mun_error *err);

/* Issuers, as statements on the log signed by the ledger. The newest entry wins, by index. */
typedef struct mun_issuer_key {
    mun_public_key key;
    mun_slice kids[MUN_TRUST_KIDS_MAX]; /* besides the thumbprint */
    size_t kids_len;
} mun_issuer_key;

MUN_API MUN_MUST mun_code mun_ledger_issuer_add(mun_ledger *ledger, mun_slice iss,
                                                const mun_issuer_key *key, uint64_t *ret_index,
                                                mun_error *err);
/* key NULL: the issuer with all its keys. */
MUN_API MUN_MUST mun_code mun_ledger_issuer_remove(mun_ledger *ledger, mun_slice iss,
                                                   const mun_public_key *key, uint64_t *ret_index,
                                                   mun_error *err);
/* Called while changes of the list wait: do not call the ledger from inside. */
typedef mun_code (*mun_issuer_visit)(void *ctx, mun_slice iss, const mun_issuer_key *key,
                                     uint64_t added_index, mun_error *err);
MUN_API MUN_MUST mun_code mun_ledger_issuers(mun_ledger *ledger, mun_issuer_visit each, void *ctx,
                                             mun_error *err);

/* The keys with which the ledger signed, oldest first: its genesis' and, after each adoption, the
 * new ones. What was signed with earlier keys remains signed; `from` is the index of the policy. */
typedef struct mun_ledger_key_epoch {
    uint64_t from;
    bool self_announced; /* by nobody who knew the keys before */
    mun_public_key receipts, checkpoints;
} mun_ledger_key_epoch;

typedef mun_code (*mun_key_epoch_visit)(void *ctx, const mun_ledger_key_epoch *epoch,
                                        mun_error *err);
MUN_API MUN_MUST mun_code mun_ledger_keys(mun_ledger *ledger, mun_key_epoch_visit each, void *ctx,
                                          mun_error *err);

typedef struct mun_ledger_status {
    mun_tree tree;
    uint64_t last_time_ms;
    uint64_t index_rows; /* rows the SQLite index holds; lag = size - rows */
    uint64_t disk_bytes; /* everything in the directory */
    uint64_t disk_free;
    uint64_t journal_bytes;
    uint64_t key_created_ms;
    bool writer; /* a process is writing it now */
    bool copy;
    bool self_announced; /* nobody who knew the old keys has vouched for the present ones */
} mun_ledger_status;

MUN_API MUN_MUST mun_code mun_ledger_status_get(mun_ledger *ledger, mun_ledger_status *ret,
                                                mun_error *err);

/* Maintenance, on a ledger that no process writes. */
typedef struct mun_watch {
    void *ctx;
    /* One finding: file, offset and entry (MUN_NO_OFFSET where there is none), a sentence. */
    void (*finding)(void *ctx, const char *file, uint64_t offset, uint64_t entry,
                    const char *sentence);
    void (*progress)(void *ctx, const char *stage, uint64_t done, uint64_t all);
    /* Something worth knowing that is no damage. */
    void (*notice)(void *ctx, const char *sentence);
} mun_watch; /* any of them may be NULL; calls come one at a time, from any thread */

/* Recomputes the tree from the entries; deep: signatures, index and dedup as well. Reads only. */
MUN_API MUN_MUST mun_code mun_ledger_fsck(const char *directory, bool deep, const mun_watch *watch,
                                          mun_tree *ret, mun_error *err);
MUN_API MUN_MUST mun_code mun_ledger_rebuild(const char *directory, const mun_watch *watch,
                                             mun_error *err);
/* A static tlog-tiles tree with what import needs (docs/format/export.md). Written under another
 * name and renamed: out must not exist. */
MUN_API MUN_MUST mun_code mun_ledger_export(mun_ledger *ledger, const char *out,
                                            const mun_watch *watch, mun_error *err);
typedef struct mun_backup {
    mun_tree tree;        /* what the backup now holds */
    uint64_t size_before; /* what it held */
    uint64_t files_written, bytes_written;
} mun_backup;
/* The same tree kept up to date in place: only what is new is written, the checkpoint last. Another
 * process may be writing the ledger. out: missing, empty, or an earlier backup of this ledger.
 * MUN_E_INVALID: the backup holds another history, and was left as it is. ret may be NULL. */
MUN_API MUN_MUST mun_code mun_ledger_backup(mun_ledger *ledger, const char *out,
                                            const mun_watch *watch, mun_backup *ret,
                                            mun_error *err);
/*
 * Where a tree of docs/format/export.md is read from: a folder, a web server. read appends the file
 * `name` ("checkpoint", "tile/0/000", ...), at most max bytes of it. MUN_E_NOT_FOUND: there is no
 * such file; MUN_E_AGAIN: the source cannot be reached now. queries: a name may end in a query
 * ("commits?from=1000"), which the source may heed or not.
 */
typedef struct mun_source {
    void *ctx;
    bool queries;
    mun_code (*read)(void *ctx, const char *name, size_t max, mun_buf *ret, mun_error *err);
} mun_source;

/* A read-only ledger from an exported tree or a backup, everything verified. */
MUN_API MUN_MUST mun_code mun_ledger_import(const char *exported, const char *directory,
                                            const mun_watch *watch, mun_error *err);
/* The same from anywhere: the entries must give the signed root; tiles are made, not fetched. */
MUN_API MUN_MUST mun_code mun_ledger_import_from(const mun_source *source, const char *directory,
                                                 const mun_watch *watch, mun_error *err);

/*
 * A standby: a copy that follows its original. It only reads, and others may read it meanwhile;
 * mun_ledger_adopt makes it a ledger of its own once the standby is closed.
 */
typedef struct mun_standby mun_standby;
typedef struct mun_standby_step {
    mun_tree tree;        /* what the standby now holds */
    uint64_t size_before; /* what it held */
    uint64_t source_size; /* of the source's checkpoint; less than size_before: an older one */
} mun_standby_step;
/* Opens the copy in directory, or makes it where there is nothing. The source (by value) must live
 * until the standby is closed. MUN_E_USAGE: what is there is no copy. */
MUN_API MUN_MUST mun_code mun_standby_open(const char *directory, const mun_source *source,
                                           const mun_watch *watch, mun_standby **ret,
                                           mun_error *err);
/*
 * Takes what the source has more, checked before it is kept: signature, consistency with all that
 * is held, the root over every entry, admission. MUN_E_AGAIN: it cannot be reached, or its files do
 * not fit together (yet). MUN_E_INVALID: it is not signed by a known key, holds what was not to be
 * admitted, or contradicts what is held; where two histories were signed, both checkpoints are kept
 * in the standby's file fork-SIZE.txt. Nothing is ever taken back.
 */
MUN_API MUN_MUST mun_code mun_standby_follow(mun_standby *standby, mun_standby_step *ret,
                                             mun_error *err);
MUN_API mun_code mun_standby_close(mun_standby *standby, mun_error *err); /* accepts NULL */

/* Makes a copy a ledger of its own again (design: new keys, announced on the log under what can
 * still sign). old_receipts_key_pem: the original's receipt key, when it is still there. */
typedef struct mun_ledger_adopt_options {
    mun_slice old_receipts_key_pem;
    mun_slice old_checkpoints_key_pem;
    mun_slice old_passphrase;
    mun_slice passphrase; /* for the new keys */
    /* Only makes the new keys and writes their public halves to ledger.pub.new, for a hand-over by
     * the original; once the copy has followed it onto its log, adopting announces nothing more. */
    bool prepare;
} mun_ledger_adopt_options;
MUN_API MUN_MUST mun_code mun_ledger_adopt(const char *directory,
                                           const mun_ledger_adopt_options *options, mun_error *err);
/*
 * Ends the writing here and hands it over: announces the keys of successor (ledger.pub.new of a
 * prepared copy) on the log under the present ones, signs the last checkpoint with these, and marks
 * the directory as a copy, in an order that a crash cannot spoil: called again, it goes on.
 * ret_tree: what the successor must have followed before it adopts. MUN_E_REFUSED: a copied
 * directory, or another successor was named before.
 */
MUN_API MUN_MUST mun_code mun_ledger_handover(const char *directory,
                                              const mun_ledger_pub *successor, mun_slice passphrase,
                                              mun_tree *ret_tree, mun_error *err);

#ifdef __cplusplus
}
#endif
#endif
