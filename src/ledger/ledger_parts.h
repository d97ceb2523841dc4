/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this room share: the ledger object and its parts.
 *
 * Threads: the fields above the first lock are written while opening only. `control` is read under
 * its lock held for reading and changed under it held for writing; every registration holds it for
 * reading around "check and append", so that issuer changes take effect by log index [POL-9].
 * Locks are taken in this order: control_lock, then follower or checkpoint mutex, then the pool's.
 */
#ifndef MUN_LEDGER_LEDGER_PARTS_H
#define MUN_LEDGER_LEDGER_PARTS_H

#include "base/buf.h"
#include "base/error.h"
#include "ledger/crypto_pool.h"
#include "ledger/row_follower.h"
#include "log/log.h"
#include "trust/control_state.h"
#include "trust/keyfile.h"
#include "vfs/files.h"
#include "vfs/vfs.h"

#include <muniment/ledger.h>
#include <pthread.h>

#define MUN_LEDGER_PUB_MAX 4096
#define MUN_CHECKPOINT_MAX 4096

#define MUN_KEYS_FOLDER     "keys"
#define MUN_NEW_PUB_FILE    "ledger.pub.new" /* a prepared copy's, for its original */
#define MUN_NEW_KEYS_FOLDER "keys.new"       /* while an adoption is under way */
#define MUN_RECEIPTS_KEY    "keys/receipts.pem"
#define MUN_CHECKPOINTS_KEY "keys/checkpoints.pem"
#define MUN_LEDGER_PUB_FILE "ledger.pub"
#define MUN_CHECKPOINT_FILE "checkpoint"
#define MUN_COPY_FILE       "copy"
#define MUN_CONTROL_FILE    "control"
#define MUN_INDEX_FILE      "index.sqlite"

/* Replayed statements of the ledger about itself, and how far they were looked for. */
typedef struct mun_control {
    mun_control_state state;
    bool loaded;       /* readers load it when it is first asked for */
    uint64_t looked;   /* entries below this were looked through (a writer: all of them) */
    uint64_t *indexes; /* where they stand, ascending; the first is 0 */
    size_t indexes_len, indexes_cap;
} mun_control;

struct mun_ledger {
    char directory[MUN_PATH_BYTES_MAX];
    bool read_only;
    bool copy;
    bool keys_there;           /* private keys, of whatever worth */
    const char *elsewhere_why; /* NULL, or how it shows that the keys belong to another place */
    bool adopting;             /* a copy that is being made a ledger again: written without keys */
    bool no_index;
    uint64_t (*clock_ms)(void *ctx);
    void *clock_ctx;
    mun_ledger_observer observer;
    mun_vfs vfs;
    mun_log *log;
    mun_crypto_pool pool;
    mun_buf pub_text; /* ledger.pub, which pub's origin points into */
    mun_ledger_pub pub;
    bool any_issuer;
    mun_signing_key receipts_key, checkpoints_key;
    mun_error no_keys; /* why they are not there; code MUN_OK: they are */

    pthread_rwlock_t control_lock;
    mun_control control;

    atomic_uint_fast64_t saved_size; /* the tree's when the control file was written, or 0 */

    pthread_mutex_t checkpoint_mutex;
    mun_tree_head checkpoint_head; /* of the checkpoint that was signed last */
    mun_buf checkpoint;
    atomic_uint_fast64_t checkpoint_kept; /* size of the one that was written to the directory */

    mun_row_follower follower;
};

/* directory/name; MUN_E_USAGE when that is too long. */
MUN_MUST mun_code mun_path_join(const char *directory, const char *name,
                                char ret[MUN_PATH_BYTES_MAX], mun_error *err);
/* A file of the ledger's directory, whole. */
MUN_MUST mun_code mun_ledger_file_read(const char *directory, const char *name, size_t max,
                                       mun_buf *ret, mun_error *err);
MUN_MUST mun_code mun_ledger_file_write(const char *directory, const char *name, mun_slice bytes,
                                        unsigned flags, mun_error *err);
/* Accepts a missing one. */
MUN_MUST mun_code mun_ledger_file_remove(const char *directory, const char *name, mun_error *err);
MUN_MUST mun_code mun_ledger_file_exists(const char *directory, const char *name, bool *ret,
                                         mun_error *err);

/* The public form of a tree head; a bare hash from one. */
mun_tree mun_tree_of(const mun_tree_head *head);
void mun_hash_bytes(const mun_hash *hash, uint8_t ret[MUN_HASH_SIZE]);

uint64_t mun_system_clock_ms(void *ctx);
mun_log_config mun_ledger_log_config(const mun_vfs *vfs, mun_slice origin);

/* ledger.pub of a directory; MUN_E_NOT_FOUND says that no ledger is there. */
MUN_MUST mun_code mun_ledger_pub_read(const mun_crypto *crypto, const char *directory,
                                      mun_buf *ret_text, mun_ledger_pub *ret, mun_error *err);

/* The state after entry 0 alone; then all that the control file lists. */
MUN_MUST mun_code mun_control_genesis(mun_ledger *ledger, const mun_crypto *crypto, mun_error *err);
MUN_MUST mun_code mun_control_load(mun_ledger *ledger, const mun_crypto *crypto, mun_error *err);
/* Looks through what was added since; the caller holds the lock for writing. */
MUN_MUST mun_code mun_control_follow(mun_ledger *ledger, const mun_crypto *crypto, mun_error *err);
/* For a reader: as far as the log reaches now. For a writer nothing is to do. Takes the lock. */
MUN_MUST mun_code mun_control_current(mun_ledger *ledger, const mun_crypto *crypto, mun_error *err);
/* Writes the derived file `control`, which saves looking through everything at the next opening.
 * A failure costs only that time. */
void mun_control_save(mun_ledger *ledger);
/* Saves it when much was added since the last time. Any thread. */
void mun_control_save_due(mun_ledger *ledger);
MUN_MUST mun_code mun_control_note(mun_control *control, uint64_t index, mun_error *err);
void mun_control_close(mun_control *control);

MUN_MUST mun_code mun_ledger_open_as(const char *directory, const mun_ledger_open_options *options,
                                     bool adopting, mun_ledger **ret, mun_error *err);

/* The keys with which a ledger signs, made in its key folder (which is made too). */
typedef struct mun_ledger_signers {
    mun_signing_key receipts, checkpoints;
} mun_ledger_signers;

MUN_MUST mun_code mun_ledger_keys_make(const mun_vfs *vfs, const char *directory,
                                       const char *folder, int32_t receipt_alg,
                                       mun_slice passphrase, mun_ledger_signers *ret,
                                       mun_error *err);
MUN_MUST mun_code mun_ledger_keys_read(const char *directory, const char *folder,
                                       mun_slice passphrase, mun_ledger_signers *ret,
                                       mun_error *err);
void mun_ledger_signers_free(mun_ledger_signers *signers);
/* Writes ledger.pub, or a file of that form. */
MUN_MUST mun_code mun_ledger_pub_put(const mun_crypto *crypto, const char *directory,
                                     const char *name, mun_slice origin,
                                     const mun_ledger_signers *signers, unsigned flags,
                                     mun_error *err);

/* Marks the directory as a copy; fine when it is marked already. */
MUN_MUST mun_code mun_ledger_mark_copy(const char *directory, mun_error *err);
/* MUN_E_REFUSED for a copy and for a ledger opened for reading. */
MUN_MUST mun_code mun_ledger_need_writer(const mun_ledger *ledger, mun_error *err);
/* MUN_E_REFUSED: says how it shows that this is a copied directory, and what to do. */
MUN_MUST mun_code mun_ledger_elsewhere(const mun_ledger *ledger, mun_error *err);
MUN_MUST mun_code mun_ledger_need_keys(const mun_ledger *ledger, mun_error *err);

/* Whether the text is a checkpoint signed by a key that this ledger has or had. */
bool mun_checkpoint_is_own(mun_ledger *ledger, const mun_crypto *crypto, mun_slice text,
                           mun_tree_head *ret);

/* A receipt for the entry at index < head.size, whose inclusion is checked before it is signed. */
typedef struct mun_receipt_request {
    uint64_t index;
    uint64_t time_ms;
    mun_slice sub;
    mun_hash leaf;
    mun_tree_head head;
} mun_receipt_request;

MUN_MUST mun_code mun_receipt_make(mun_ledger *ledger, const mun_receipt_request *request,
                                   mun_buf *ret, mun_error *err);

/* Reads and parses an entry; the statement points into ret_entry. */
MUN_MUST mun_code mun_ledger_statement(mun_ledger *ledger, uint64_t index, mun_buf *ret_entry,
                                       uint64_t *ret_time_ms, mun_statement *ret, mun_error *err);

/* Signs a statement of the ledger about itself, appends it and applies it. */
MUN_MUST mun_code mun_ledger_say(mun_ledger *ledger, const mun_crypto *crypto, mun_slice statement,
                                 uint64_t *ret_index, mun_error *err);

#endif
