/* SPDX-License-Identifier: Apache-2.0 */
/* What the ledger says about itself: its issuers, and its keys. Each change is a statement on the
 * log; it takes effect at its index because nothing is admitted while it is being appended. */
#include "ledger/ledger_parts.h"

#include <muniment/keys.h>

#define SECONDS_AHEAD_MAX 60
#define SAVED_ALWAYS      256 /* statements by the ledger in the file */

static mun_code say_locked(mun_ledger *ledger, const mun_crypto *crypto, mun_slice bytes,
                           uint64_t *ret_index, mun_error *err)
{
    mun_statement statement;
    mun_appended appended;
    MUN_TRY(mun_statement_parse(bytes, &statement, err));
    MUN_TRY(mun_control_check(crypto, &ledger->control.state, &statement, err));
    MUN_TRY(mun_log_append(ledger->log, &bytes, 1, &appended, NULL, err));
    if (!appended.existed) {
        MUN_TRY(mun_control_apply(crypto, &ledger->control.state, appended.index, &statement, err));
        MUN_TRY(mun_control_note(&ledger->control, appended.index, err));
    }
    *ret_index = appended.index;
    return MUN_OK;
}

mun_code mun_ledger_say(mun_ledger *ledger, const mun_crypto *crypto, mun_slice statement,
                        uint64_t *ret_index, mun_error *err)
{
    pthread_rwlock_wrlock(&ledger->control_lock);
    mun_code code = say_locked(ledger, crypto, statement, ret_index, err);
    bool few = ledger->control.indexes_len <= SAVED_ALWAYS;
    pthread_rwlock_unlock(&ledger->control_lock);
    if (code != MUN_OK) return code;
    mun_row_follower_kick(&ledger->follower);
    /* While the file is short it is always the newest. */
    if (few)
        mun_control_save(ledger);
    else
        mun_control_save_due(ledger);
    return MUN_OK;
}

/* Two changes of one second can be the same bytes under a deterministic signature, and would then
 * count as registered already: the later one is dated into the next free second. */
static mun_code say_document(mun_ledger *ledger, const mun_crypto *crypto,
                             const mun_issuer_document *document, uint64_t *ret_index,
                             mun_error *err)
{
    MUN_BUF_AUTO mun_buf bytes = mun_buf_growable(MUN_ENTRY_MAX);
    int64_t iat = (int64_t)(ledger->clock_ms(ledger->clock_ctx) / 1000);
    for (int tries = 0; tries < SECONDS_AHEAD_MAX; tries++) {
        mun_hash leaf;
        uint64_t index = 0;
        mun_buf_clear(&bytes);
        MUN_TRY(mun_issuer_statement_sign(ledger->pub.origin, document, iat + tries,
                                          &ledger->receipts_key.signer, &bytes, err));
        mun_hash_leaf(crypto, mun_buf_slice(&bytes), &leaf);
        mun_code found = mun_log_find(ledger->log, &leaf, &index, err);
        if (found == MUN_OK) continue;
        if (found != MUN_E_NOT_FOUND) return found;
        return mun_ledger_say(ledger, crypto, mun_buf_slice(&bytes), ret_index, err);
    }
    return mun_fail(err, MUN_E_AGAIN, MUN_NO_OFFSET,
                    "too many equal changes of the list of issuers within a minute; wait a moment");
}

static mun_code change(mun_ledger *ledger, mun_issuer_document *document, const mun_public_key *key,
                       uint64_t *ret_index, mun_error *err)
{
    MUN_TRY(mun_ledger_need_writer(ledger, err));
    MUN_TRY(mun_ledger_need_keys(ledger, err));
    if (document->issuer.len == 0 || document->issuer.len > MUN_NAME_MAX) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "an issuer's name must have 1 to 8,192 bytes");
    }
    if (key != NULL) MUN_TRY(mun_public_key_check(key, err));
    uint8_t cose[MUN_COSE_KEY_MAX];
    mun_buf buf = mun_buf_fixed(cose, sizeof cose);
    mun_crypto *crypto = NULL;
    MUN_TRY(mun_crypto_pool_take(&ledger->pool, &crypto, err));
    if (key != NULL) {
        mun_cose_key_write(key, (mun_slice){0}, 0, &buf);
        document->cose_key = mun_buf_slice(&buf);
        mun_key_thumbprint(crypto, key, document->thumbprint);
        document->have_thumbprint = true;
    }
    mun_code code = say_document(ledger, crypto, document, ret_index, err);
    mun_crypto_pool_give(&ledger->pool, crypto);
    return code;
}

mun_code mun_ledger_issuer_add(mun_ledger *ledger, mun_slice iss, const mun_issuer_key *key,
                               uint64_t *ret_index, mun_error *err)
{
    mun_issuer_document document = {.issuer = iss, .kids_len = key->kids_len};
    if (key->kids_len > MUN_TRUST_KIDS_MAX) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "a key can have at most 4 other key ids");
    }
    memcpy(document.kids, key->kids, key->kids_len * sizeof document.kids[0]);
    return change(ledger, &document, &key->key, ret_index, err);
}

mun_code mun_ledger_issuer_remove(mun_ledger *ledger, mun_slice iss, const mun_public_key *key,
                                  uint64_t *ret_index, mun_error *err)
{
    mun_issuer_document document = {.issuer = iss, .remove = true};
    return change(ledger, &document, key, ret_index, err);
}

/* The control state as of now, held for reading until control_lock is unlocked. */
static mun_code control_hold(mun_ledger *ledger, mun_error *err)
{
    mun_crypto *crypto = NULL;
    MUN_TRY(mun_crypto_pool_take(&ledger->pool, &crypto, err));
    mun_code code = mun_control_current(ledger, crypto, err);
    mun_crypto_pool_give(&ledger->pool, crypto);
    if (code == MUN_OK) pthread_rwlock_rdlock(&ledger->control_lock);
    return code;
}

static mun_code issuers_visit(const mun_control_state *state, mun_issuer_visit each, void *ctx,
                              mun_error *err)
{
    const mun_issuer_record *r = mun_issuer_set_first(state->issuers);
    for (; r != NULL; r = r->next_added) {
        if (!mun_issuer_record_at(r, MUN_INDEX_NOW)) continue;
        mun_issuer_key key = {.kids_len = r->kids_len};
        mun_slice kid;
        MUN_TRY(mun_cose_key_parse(r->cose_key, &key.key, &kid, err));
        memcpy(key.kids, r->kids, r->kids_len * sizeof key.kids[0]);
        MUN_TRY(each(ctx, r->iss, &key, r->from, err));
    }
    return MUN_OK;
}

mun_code mun_ledger_issuers(mun_ledger *ledger, mun_issuer_visit each, void *ctx, mun_error *err)
{
    MUN_TRY(control_hold(ledger, err));
    mun_code code = issuers_visit(&ledger->control.state, each, ctx, err);
    pthread_rwlock_unlock(&ledger->control_lock);
    return code;
}

/* ---- Keys -------------------------------------------------------------------------------------
 */

static mun_code keys_visit(const mun_control_state *state, mun_key_epoch_visit each, void *ctx,
                           mun_error *err)
{
    for (size_t i = 0; i < state->epochs_len; i++) {
        const mun_policy_epoch *epoch = state->epochs[i];
        mun_ledger_key_epoch keys = {
            .from = epoch->index,
            .self_announced = epoch->self_announced,
            .receipts = epoch->policy.keys.receipts.key,
            .checkpoints = epoch->policy.keys.checkpoints.key,
        };
        MUN_TRY(each(ctx, &keys, err));
    }
    return MUN_OK;
}

mun_code mun_ledger_keys(mun_ledger *ledger, mun_key_epoch_visit each, void *ctx, mun_error *err)
{
    MUN_TRY(control_hold(ledger, err));
    mun_code code = keys_visit(&ledger->control.state, each, ctx, err);
    pthread_rwlock_unlock(&ledger->control_lock);
    return code;
}
