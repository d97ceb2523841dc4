/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts, checkpoints, tlog-proofs, evidence files. Nothing is signed over a root that was not
 * derived a second time: the log does it for its tree heads, and a receipt's path is folded from
 * the leaf to that same root before the signature. */
#include "ledger/ledger_parts.h"

#include <stdio.h>

#define RECEIPT_MAX    65535
#define TLOG_PROOF_MAX 16384

static mun_code no_room(mun_error *err)
{
    return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
}

mun_code mun_receipt_make(mun_ledger *ledger, const mun_receipt_request *request, mun_buf *ret,
                          mun_error *err)
{
    mun_path path;
    MUN_TRY(mun_ledger_need_keys(ledger, err));
    MUN_TRY(mun_log_inclusion_to(ledger->log, &request->leaf, request->index, &request->head, &path,
                                 err));
    mun_receipt_params params = {
        .iss = ledger->pub.origin,
        .sub = request->sub,
        .iat = (int64_t)(request->time_ms / 1000),
        .size = request->head.size,
        .index = request->index,
        .path = path.node[0].bytes,
        .path_len = path.len,
    };
    memcpy(params.root, request->head.root.bytes, MUN_HASH_SIZE);
    memcpy(params.leaf, request->leaf.bytes, MUN_HASH_SIZE);
    MUN_TRY(mun_log_check(ledger->log, err)); /* the time may be one that the disk lost */
    MUN_TRY(mun_receipt_sign(&params, &ledger->receipts_key.signer, ret, err));
    return mun_buf_ok(ret) ? MUN_OK : no_room(err);
}

static mun_code receipt_at(mun_ledger *ledger, const mun_crypto *crypto, uint64_t index,
                           mun_buf *ret, mun_error *err)
{
    MUN_BUF_AUTO mun_buf entry = mun_buf_growable(MUN_ENTRY_MAX);
    mun_receipt_request request = {.index = index, .head = mun_log_head(ledger->log)};
    mun_statement statement;
    MUN_TRY(mun_ledger_statement(ledger, index, &entry, &request.time_ms, &statement, err));
    request.sub = statement.sub;
    mun_hash_leaf(crypto, mun_buf_slice(&entry), &request.leaf);
    return mun_receipt_make(ledger, &request, ret, err);
}

mun_code mun_ledger_receipt(mun_ledger *ledger, uint64_t index, mun_buf *ret, mun_error *err)
{
    mun_crypto *crypto = NULL;
    MUN_TRY(mun_crypto_pool_take(&ledger->pool, &crypto, err));
    mun_code code = receipt_at(ledger, crypto, index, ret, err);
    mun_crypto_pool_give(&ledger->pool, crypto);
    return code;
}

mun_code mun_ledger_consistency_receipt(mun_ledger *ledger, uint64_t old_size, mun_buf *ret,
                                        mun_error *err)
{
    mun_tree_head head = mun_log_head(ledger->log);
    if (old_size == 0 || old_size >= head.size) {
        return mun_failf(err, MUN_E_USAGE, 0,
                         "a consistency receipt leads from an older size to the present %llu: give "
                         "a size from 1 to %llu",
                         (unsigned long long)head.size, (unsigned long long)head.size - 1);
    }
    mun_path path;
    uint64_t time_ms = 0;
    MUN_TRY(mun_ledger_need_keys(ledger, err));
    MUN_TRY(mun_log_consistency(ledger->log, old_size, head.size, &path, err));
    MUN_TRY(mun_log_time(ledger->log, head.size - 1, &time_ms, err));
    mun_receipt_params params = {
        .iss = ledger->pub.origin,
        .sub = ledger->pub.origin,
        .iat = (int64_t)(time_ms / 1000),
        .size = old_size,
        .index = head.size,
        .path = path.node[0].bytes,
        .path_len = path.len,
        .is_consistency = true,
    };
    mun_hash_bytes(&head.root, params.root);
    MUN_TRY(mun_receipt_sign(&params, &ledger->receipts_key.signer, ret, err));
    return mun_buf_ok(ret) ? MUN_OK : no_room(err);
}

/* ---- Checkpoints ---------------------------------------------------------------------------- */

/* By the keys of ledger.pub, or those of an earlier time of the ledger: what is newest on a copy
 * may have been signed before the keys changed. */
static bool kept_signed(mun_ledger *ledger, const mun_crypto *crypto, const mun_note *note)
{
    const mun_control_state *state = &ledger->control.state;
    mun_slice origin = ledger->pub.origin;
    if (mun_note_check(crypto, note, origin, MUN_VKEY_LOG, &ledger->pub.checkpoints, NULL, NULL) ==
        MUN_OK) {
        return true;
    }
    if (mun_control_current(ledger, crypto, NULL) != MUN_OK) return false;
    bool good = false;
    pthread_rwlock_rdlock(&ledger->control_lock);
    for (size_t i = 0; i < state->epochs_len && !good; i++) {
        good = mun_note_check(crypto, note, origin, MUN_VKEY_LOG,
                              &state->epochs[i]->policy.keys.checkpoints.key, NULL, NULL) == MUN_OK;
    }
    pthread_rwlock_unlock(&ledger->control_lock);
    return good;
}

bool mun_checkpoint_is_own(mun_ledger *ledger, const mun_crypto *crypto, mun_slice text,
                           mun_tree_head *ret)
{
    mun_note note;
    mun_checkpoint checkpoint;
    if (mun_note_parse(text, &note, NULL) != MUN_OK ||
        mun_checkpoint_parse(note.text, &checkpoint, NULL) != MUN_OK ||
        !kept_signed(ledger, crypto, &note)) {
        return false;
    }
    ret->size = checkpoint.size;
    memcpy(ret->root.bytes, checkpoint.root, MUN_HASH_SIZE);
    return checkpoint.size > 0;
}

/* Whether the note is of a tree that is on our log, and signed. MUN_E_AGAIN: of one that we do not
 * see yet. */
static mun_code kept_check(mun_ledger *ledger, const mun_crypto *crypto, mun_slice bytes,
                           const mun_tree_head *head, mun_tree_head *ret)
{
    mun_note note;
    mun_checkpoint checkpoint;
    MUN_TRY(mun_note_parse(bytes, &note, NULL));
    MUN_TRY(mun_checkpoint_parse(note.text, &checkpoint, NULL));
    ret->size = checkpoint.size;
    if (checkpoint.size == 0 || (!ledger->copy && checkpoint.size != head->size)) {
        return MUN_E_INVALID;
    }
    if (checkpoint.size > head->size) return MUN_E_AGAIN;
    MUN_TRY(mun_log_root(ledger->log, checkpoint.size, &ret->root, NULL));
    if (memcmp(checkpoint.root, ret->root.bytes, MUN_HASH_SIZE) != 0) return MUN_E_INVALID;
    return kept_signed(ledger, crypto, &note) ? MUN_OK : MUN_E_INVALID;
}

/* What this opening gave last; a standby's checkpoint is a moment ahead of what readers see. */
static mun_code kept_before(mun_ledger *ledger, mun_tree_head *ret_head, mun_buf *ret,
                            mun_error *err)
{
    pthread_mutex_lock(&ledger->checkpoint_mutex);
    bool have = ledger->checkpoint_head.size > 0;
    if (have) mun_buf_put(ret, mun_buf_slice(&ledger->checkpoint));
    if (have) *ret_head = ledger->checkpoint_head;
    pthread_mutex_unlock(&ledger->checkpoint_mutex);
    return have ? MUN_OK : mun_ledger_need_keys(ledger, err);
}

static void kept_remember(mun_ledger *ledger, const mun_tree_head *head, mun_slice bytes)
{
    pthread_mutex_lock(&ledger->checkpoint_mutex);
    mun_buf_clear(&ledger->checkpoint);
    mun_buf_put(&ledger->checkpoint, bytes);
    ledger->checkpoint_head = mun_buf_ok(&ledger->checkpoint) ? *head : (mun_tree_head){0};
    pthread_mutex_unlock(&ledger->checkpoint_mutex);
}

/* A copy has no key, but it holds the checkpoint that came with it, or, a standby, the last one
 * that it has taken all entries of; more may be on its log by now. */
static mun_code checkpoint_kept(mun_ledger *ledger, const mun_crypto *crypto, mun_tree_head *head,
                                mun_buf *ret, mun_error *err)
{
    MUN_BUF_AUTO mun_buf bytes = mun_buf_growable(MUN_CHECKPOINT_MAX);
    mun_tree_head kept = {0};
    if (mun_ledger_file_read(ledger->directory, MUN_CHECKPOINT_FILE, MUN_CHECKPOINT_MAX, &bytes,
                             NULL) != MUN_OK) {
        return mun_ledger_need_keys(ledger, err);
    }
    mun_slice text = mun_buf_slice(&bytes);
    mun_code code = kept_check(ledger, crypto, text, head, &kept);
    if (code == MUN_E_AGAIN && mun_log_refresh(ledger->log, NULL) == MUN_OK) {
        *head = mun_log_head(ledger->log);
        code = kept_check(ledger, crypto, text, head, &kept);
    }
    if (code == MUN_E_AGAIN) return kept_before(ledger, head, ret, err);
    if (code != MUN_OK) return mun_ledger_need_keys(ledger, err);
    kept_remember(ledger, &kept, text);
    mun_buf_put(ret, text);
    if (!mun_buf_ok(ret)) return no_room(err);
    *head = kept;
    return MUN_OK;
}

static mun_code checkpoint_sign(mun_ledger *ledger, const mun_crypto *crypto,
                                const mun_tree_head *head, mun_error *err)
{
    mun_checkpoint checkpoint = {.origin = ledger->pub.origin, .size = head->size};
    memcpy(checkpoint.root, head->root.bytes, MUN_HASH_SIZE);
    mun_buf_clear(&ledger->checkpoint);
    ledger->checkpoint_head = (mun_tree_head){0};
    MUN_TRY(mun_checkpoint_sign(crypto, &checkpoint, &ledger->checkpoints_key.signer,
                                &ledger->checkpoint, err));
    if (!mun_buf_ok(&ledger->checkpoint)) return no_room(err);
    ledger->checkpoint_head = *head;
    return MUN_OK;
}

/* Ed25519 signs the same text to the same bytes, so the last one is kept only for speed. head: in,
 * the tree that is wanted; out, the tree of the checkpoint, which on a copy may be an older one. */
static mun_code checkpoint_at(mun_ledger *ledger, const mun_crypto *crypto, mun_tree_head *head,
                              mun_buf *ret, mun_error *err)
{
    if (ledger->no_keys.code != MUN_OK) return checkpoint_kept(ledger, crypto, head, ret, err);
    pthread_mutex_lock(&ledger->checkpoint_mutex);
    mun_code code = MUN_OK;
    bool same = ledger->checkpoint_head.size == head->size && head->size > 0;
    if (!same) code = checkpoint_sign(ledger, crypto, head, err);
    if (code == MUN_OK) mun_buf_put(ret, mun_buf_slice(&ledger->checkpoint));
    pthread_mutex_unlock(&ledger->checkpoint_mutex);
    if (code != MUN_OK) return code;
    return mun_buf_ok(ret) ? MUN_OK : no_room(err);
}

/* The newest checkpoint stands in the directory, for whoever looks there; it is derived. Those who
 * ask again and again for the same one do not write it again. */
static void checkpoint_keep(mun_ledger *ledger, uint64_t size, mun_slice note)
{
    if (ledger->read_only || atomic_exchange(&ledger->checkpoint_kept, size) == size) return;
    mun_code code = mun_ledger_file_write(ledger->directory, MUN_CHECKPOINT_FILE, note,
                                          MUN_WRITE_REPLACE | MUN_WRITE_NO_SYNC, NULL);
    (void)code;
}

mun_code mun_ledger_checkpoint(mun_ledger *ledger, mun_buf *ret, mun_error *err)
{
    mun_crypto *crypto = NULL;
    MUN_TRY(mun_crypto_pool_take(&ledger->pool, &crypto, err));
    mun_tree_head head = mun_log_head(ledger->log);
    size_t start = ret->len;
    mun_code code = checkpoint_at(ledger, crypto, &head, ret, err);
    mun_crypto_pool_give(&ledger->pool, crypto);
    if (code == MUN_OK) {
        checkpoint_keep(ledger, head.size, mun_slice_of(ret->ptr + start, ret->len - start));
    }
    return code;
}

/* ---- tlog-proofs and evidence files --------------------------------------------------------- */

static mun_code tlog_proof_at(mun_ledger *ledger, const mun_crypto *crypto, uint64_t index,
                              const mun_hash *leaf, mun_tree_head head, mun_buf *ret,
                              mun_error *err)
{
    MUN_BUF_AUTO mun_buf note = mun_buf_growable(MUN_CHECKPOINT_MAX);
    mun_path path;
    MUN_TRY(checkpoint_at(ledger, crypto, &head, &note, err));
    if (index >= head.size) {
        return mun_failf(err, MUN_E_AGAIN, 0,
                         "this copy holds entry %llu, but no checkpoint yet that covers it; try "
                         "again in a moment",
                         (unsigned long long)index);
    }
    MUN_TRY(mun_log_inclusion_to(ledger->log, leaf, index, &head, &path, err));
    mun_tlog_proof proof = {.index = index, .path_len = path.len, .note = mun_buf_slice(&note)};
    if (path.len > MUN_PROOF_PATH_MAX) return no_room(err);
    memcpy(proof.path, path.node, path.len * MUN_HASH_SIZE);
    mun_tlog_proof_write(&proof, ret);
    return mun_buf_ok(ret) ? MUN_OK : no_room(err);
}

static mun_code tlog_proof(mun_ledger *ledger, const mun_crypto *crypto, uint64_t index,
                           mun_buf *ret, mun_error *err)
{
    mun_hash leaf;
    mun_tree_head head = mun_log_head(ledger->log);
    MUN_TRY(mun_log_leaf(ledger->log, index, &leaf, err));
    return tlog_proof_at(ledger, crypto, index, &leaf, head, ret, err);
}

mun_code mun_ledger_tlog_proof(mun_ledger *ledger, uint64_t index, mun_buf *ret, mun_error *err)
{
    mun_crypto *crypto = NULL;
    MUN_TRY(mun_crypto_pool_take(&ledger->pool, &crypto, err));
    mun_code code = tlog_proof(ledger, crypto, index, ret, err);
    mun_crypto_pool_give(&ledger->pool, crypto);
    return code;
}

static mun_code evidence(mun_ledger *ledger, const mun_crypto *crypto, uint64_t index, mun_buf *ret,
                         mun_error *err)
{
    MUN_BUF_AUTO mun_buf entry = mun_buf_growable(MUN_ENTRY_MAX);
    MUN_BUF_AUTO mun_buf receipt = mun_buf_growable(RECEIPT_MAX);
    MUN_BUF_AUTO mun_buf proof = mun_buf_growable(TLOG_PROOF_MAX);
    mun_statement statement;
    mun_receipt_request request = {.index = index, .head = mun_log_head(ledger->log)};
    MUN_TRY(mun_ledger_statement(ledger, index, &entry, &request.time_ms, &statement, err));
    request.sub = statement.sub;
    mun_hash_leaf(crypto, mun_buf_slice(&entry), &request.leaf);
    MUN_TRY(mun_receipt_make(ledger, &request, &receipt, err));
    MUN_TRY(tlog_proof_at(ledger, crypto, index, &request.leaf, request.head, &proof, err));
    mun_slice receipts[] = {mun_buf_slice(&receipt)}, proofs[] = {mun_buf_slice(&proof)};
    MUN_TRY(mun_evidence_write(&statement, receipts, 1, proofs, 1, ret, err));
    return mun_buf_ok(ret) ? MUN_OK : no_room(err);
}

mun_code mun_ledger_evidence(mun_ledger *ledger, uint64_t index, mun_buf *ret, mun_error *err)
{
    mun_crypto *crypto = NULL;
    MUN_TRY(mun_crypto_pool_take(&ledger->pool, &crypto, err));
    mun_code code = evidence(ledger, crypto, index, ret, err);
    mun_crypto_pool_give(&ledger->pool, crypto);
    return code;
}
