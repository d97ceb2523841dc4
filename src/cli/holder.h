/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a command finds its ledger: a directory on this machine or a service somewhere else. The
 * functions are those of muniment/ledger.h that commands need; what a service answers has been
 * checked when they return (remote.h).
 *
 * Ownership: mun_holder_close. Threads: main.
 */
#ifndef MUN_CLI_HOLDER_H
#define MUN_CLI_HOLDER_H

#include "cli/remote.h"

typedef struct mun_holder {
    mun_ledger *ledger; /* one of both is set */
    mun_remote *remote;
} mun_holder;

/* The ledger of mun_app_ledger_path. use: for one on this machine. */
MUN_MUST mun_code mun_holder_open(mun_app *app, mun_ledger_use use, mun_holder *ret,
                                  mun_error *err);
mun_code mun_holder_close(mun_holder *holder, mun_error *err);

const mun_ledger_pub *mun_holder_identity(const mun_holder *holder);
/* Whether the note is signed by the ledger's key for checkpoints. */
MUN_MUST mun_code mun_holder_check_note(const mun_app *app, const mun_holder *holder,
                                        const mun_note *note, mun_error *err);
MUN_MUST mun_code mun_holder_checkpoint(mun_holder *holder, mun_buf *ret, mun_error *err);
MUN_MUST mun_code mun_holder_consistency(mun_holder *holder, uint64_t old_size, uint64_t new_size,
                                         uint8_t ret_path[][MUN_HASH_SIZE], size_t *ret_len,
                                         mun_error *err);
/* statement: parsed from an evidence file or alone. */
MUN_MUST mun_code mun_holder_lookup(mun_holder *holder, const uint8_t leaf[MUN_HASH_SIZE],
                                    const mun_statement *statement, uint64_t *ret_index,
                                    mun_error *err);
MUN_MUST mun_code mun_holder_receipt(mun_holder *holder, uint64_t index, mun_buf *ret,
                                     mun_error *err);
MUN_MUST mun_code mun_holder_tlog_proof(mun_holder *holder, uint64_t index, mun_buf *ret,
                                        mun_error *err);
MUN_MUST mun_code mun_holder_evidence(mun_holder *holder, uint64_t index, mun_buf *ret,
                                      mun_error *err);
MUN_MUST mun_code mun_holder_find(mun_holder *holder, const mun_query *query, mun_ledger_found each,
                                  void *ctx, mun_error *err);

#endif
