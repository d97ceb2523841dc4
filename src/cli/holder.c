/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/holder.h"

mun_code mun_holder_open(mun_app *app, mun_ledger_use use, mun_holder *ret, mun_error *err)
{
    const char *path;
    mun_holder holder = {0};
    MUN_TRY(mun_app_ledger_path(app, &path, err));
    if (mun_url_like(path)) {
        MUN_TRY(mun_remote_open(app, path, &holder.remote, err));
    } else {
        MUN_TRY(mun_app_ledger_open_at(app, path, use, &holder.ledger, err));
    }
    *ret = holder;
    return MUN_OK;
}

mun_code mun_holder_close(mun_holder *holder, mun_error *err)
{
    mun_remote_close(holder->remote);
    mun_code code = mun_ledger_close(holder->ledger, err);
    *holder = (mun_holder){0};
    return code;
}

const mun_ledger_pub *mun_holder_identity(const mun_holder *holder)
{
    return holder->ledger != NULL ? mun_ledger_identity(holder->ledger) : &holder->remote->pub;
}

mun_code mun_holder_check_note(const mun_app *app, const mun_holder *holder, const mun_note *note,
                               mun_error *err)
{
    uint64_t time;
    const mun_ledger_pub *pub = mun_holder_identity(holder);
    if (holder->ledger != NULL) {
        return mun_note_check(&app->crypto, note, pub->origin, MUN_VKEY_LOG, &pub->checkpoints,
                              &time, err);
    }
    return mun_remote_note_check(holder->remote, note, err);
}

mun_code mun_holder_checkpoint(mun_holder *holder, mun_buf *ret, mun_error *err)
{
    if (holder->ledger != NULL) return mun_ledger_checkpoint(holder->ledger, ret, err);
    MUN_TRY(mun_remote_checkpoint(holder->remote, err));
    mun_buf_put(ret, mun_buf_slice(&holder->remote->checkpoint));
    return mun_buf_ok(ret)
               ? MUN_OK
               : mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "the checkpoint is too long");
}

mun_code mun_holder_consistency(mun_holder *holder, uint64_t old_size, uint64_t new_size,
                                uint8_t ret_path[][MUN_HASH_SIZE], size_t *ret_len, mun_error *err)
{
    if (holder->ledger != NULL) {
        return mun_ledger_consistency(holder->ledger, old_size, new_size, ret_path, ret_len, err);
    }
    return mun_remote_consistency(holder->remote, old_size, new_size, ret_path, ret_len, err);
}

mun_code mun_holder_lookup(mun_holder *holder, const uint8_t leaf[MUN_HASH_SIZE],
                           const mun_statement *statement, uint64_t *ret_index, mun_error *err)
{
    if (holder->ledger != NULL) return mun_ledger_lookup(holder->ledger, leaf, ret_index, err);
    return mun_remote_lookup(holder->remote, leaf, statement, ret_index, err);
}

/* A part of the evidence that a service gave and that was judged as a whole. */
static mun_code part_of(mun_remote *remote, uint64_t index, bool receipt, mun_buf *ret,
                        mun_error *err)
{
    mun_buf evidence MUN_BUF_AUTO = mun_buf_growable(MUN_EVIDENCE_MAX);
    mun_statement statement;
    MUN_TRY(mun_remote_evidence(remote, index, &evidence, err));
    MUN_TRY(mun_statement_parse(mun_buf_slice(&evidence), &statement, err));
    if ((receipt ? statement.receipts_len : statement.proofs_len) == 0) {
        return mun_fail(err, MUN_E_NOT_FOUND, MUN_NO_OFFSET,
                        "the service gives evidence without what was asked for");
    }
    mun_buf_put(ret, receipt ? statement.receipts[0] : statement.proofs[0]);
    return mun_buf_ok(ret) ? MUN_OK : mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "it is too long");
}

mun_code mun_holder_receipt(mun_holder *holder, uint64_t index, mun_buf *ret, mun_error *err)
{
    if (holder->ledger != NULL) return mun_ledger_receipt(holder->ledger, index, ret, err);
    return part_of(holder->remote, index, true, ret, err);
}

mun_code mun_holder_tlog_proof(mun_holder *holder, uint64_t index, mun_buf *ret, mun_error *err)
{
    if (holder->ledger != NULL) return mun_ledger_tlog_proof(holder->ledger, index, ret, err);
    return part_of(holder->remote, index, false, ret, err);
}

mun_code mun_holder_evidence(mun_holder *holder, uint64_t index, mun_buf *ret, mun_error *err)
{
    if (holder->ledger != NULL) return mun_ledger_evidence(holder->ledger, index, ret, err);
    return mun_remote_evidence(holder->remote, index, ret, err);
}

mun_code mun_holder_find(mun_holder *holder, const mun_query *query, mun_ledger_found each,
                         void *ctx, mun_error *err)
{
    if (holder->ledger != NULL) return mun_ledger_find(holder->ledger, query, each, ctx, err);
    return mun_remote_find(holder->remote, query, each, ctx, err);
}
