/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy becomes a ledger of its own: new keys, announced on the log under what can still sign
 * [POL-15]. The order makes a crash at any point harmless: the new keys are on the disk under a
 * name of their own, then the log says so, then ledger.pub, then the keys get their place, then the
 * mark of a copy goes. Run again, it goes on from where it was.
 */
#include "ledger/ledger_parts.h"

#include <muniment/keys.h>

#define NEW_FOLDER "keys.new"
#define OLD_FOLDER "keys.old"

typedef struct adopting {
    mun_ledger *ledger;
    const mun_ledger_adopt_options *options;
    const mun_crypto *crypto;
    mun_ledger_signers fresh;
    mun_signing_key old; /* what can still sign, if anything */
} adopting;

static const mun_policy *policy_of(const adopting *a)
{
    return mun_control_policy(&a->ledger->control.state);
}

static mun_code fresh_keys(adopting *a, mun_error *err)
{
    bool there = false;
    mun_ledger *ledger = a->ledger;
    mun_slice passphrase = a->options->passphrase;
    MUN_TRY(mun_ledger_file_exists(ledger->directory, NEW_FOLDER "/checkpoints.pem", &there, err));
    if (there) {
        return mun_ledger_keys_read(ledger->directory, NEW_FOLDER, passphrase, &a->fresh, err);
    }
    /* Half a pair, from a crash between the two: it was never announced. */
    char path[MUN_PATH_BYTES_MAX];
    mun_file_info info;
    MUN_TRY(mun_path_join(ledger->directory, NEW_FOLDER, path, err));
    MUN_TRY(mun_file_look(path, false, &info, err));
    if (info.kind != MUN_FILE_MISSING) MUN_TRY(mun_dir_remove_all(path, err));
    return mun_ledger_keys_make(&ledger->vfs, ledger->directory, NEW_FOLDER,
                                policy_of(a)->keys.receipts.alg, passphrase, &a->fresh, err);
}

/* An old key that was given must be one of the ledger's, else a mistake would go unnoticed. */
static mun_code old_key(adopting *a, mun_error *err)
{
    const mun_ledger_adopt_options *o = a->options;
    bool receipts = o->old_receipts_key_pem.len > 0;
    mun_slice pem = receipts ? o->old_receipts_key_pem : o->old_checkpoints_key_pem;
    const mun_policy_key *expected =
        receipts ? &policy_of(a)->keys.receipts : &policy_of(a)->keys.checkpoints;
    if (pem.len == 0) return MUN_OK;
    MUN_TRY(mun_signing_key_parse(pem, o->old_passphrase, &a->old, err));
    if (memcmp(a->old.signer.kid, expected->kid, MUN_HASH_SIZE) == 0) return MUN_OK;
    return mun_failf(err, MUN_E_USAGE, 0, "the key that was given is not the %s key of this ledger",
                     receipts ? "receipts" : "checkpoints");
}

static mun_code announce(adopting *a, mun_error *err)
{
    const mun_policy *now = policy_of(a);
    mun_ledger *ledger = a->ledger;
    if (memcmp(now->keys.receipts.kid, a->fresh.receipts.signer.kid, MUN_HASH_SIZE) == 0) {
        return MUN_OK; /* an earlier try got this far */
    }
    mun_policy policy;
    int64_t created = (int64_t)(ledger->clock_ms(ledger->clock_ctx) / 1000);
    MUN_TRY(mun_policy_init(ledger->pub.origin, created, now->any_issuer, &a->fresh.receipts.signer,
                            &a->fresh.checkpoints.signer, &policy, err));
    memcpy(policy.algorithms, now->algorithms, sizeof policy.algorithms);
    policy.algorithms_len = now->algorithms_len;
    const mun_signer *signer = a->old.handle != NULL ? &a->old.signer : &a->fresh.receipts.signer;
    MUN_BUF_AUTO mun_buf statement = mun_buf_growable(MUN_ENTRY_MAX);
    uint64_t index = 0;
    MUN_TRY(mun_policy_statement_sign(&policy, signer, &statement, err));
    return mun_ledger_say(ledger, a->crypto, mun_buf_slice(&statement), &index, err);
}

/* Keys that came with the copy (a restored backup) are kept aside: they are not in force any more,
 * but what they signed is. */
static mun_code keys_place(const adopting *a, mun_error *err)
{
    const mun_vfs *vfs = &a->ledger->vfs;
    bool there = false;
    MUN_TRY(mun_ledger_file_exists(a->ledger->directory, MUN_KEYS_FOLDER, &there, err));
    if (there) {
        mun_error why;
        mun_code code = vfs->rename(vfs->ctx, MUN_KEYS_FOLDER, OLD_FOLDER, &why);
        if (code != MUN_OK) {
            return mun_failf(err, code, why.sys_errno,
                             "the old folder keys could not be moved to keys.old");
        }
    }
    MUN_TRY(vfs->rename(vfs->ctx, NEW_FOLDER, MUN_KEYS_FOLDER, err));
    return vfs->sync_dir(vfs->ctx, "", err);
}

static mun_code adopt(adopting *a, mun_error *err)
{
    mun_ledger *ledger = a->ledger;
    MUN_TRY(fresh_keys(a, err));
    MUN_TRY(old_key(a, err));
    MUN_TRY(announce(a, err));
    MUN_TRY(mun_ledger_pub_put(a->crypto, ledger->directory, ledger->pub.origin, &a->fresh,
                               MUN_WRITE_REPLACE, err));
    MUN_TRY(keys_place(a, err));
    /* Signed by a key that ledger.pub names no more; the next one asked for is signed anew. */
    MUN_TRY(mun_ledger_file_remove(ledger->directory, MUN_CHECKPOINT_FILE, err));
    MUN_TRY(mun_ledger_file_remove(ledger->directory, MUN_COPY_FILE, err));
    return ledger->vfs.sync_dir(ledger->vfs.ctx, "", err);
}

static mun_code adopt_opened(mun_ledger *ledger, const mun_ledger_adopt_options *options,
                             mun_error *err)
{
    mun_crypto *crypto = NULL;
    if (!ledger->copy) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "this ledger is no copy: it has its keys, and there is nothing to adopt");
    }
    MUN_TRY(mun_crypto_pool_take(&ledger->pool, &crypto, err));
    adopting a = {.ledger = ledger, .options = options, .crypto = crypto};
    mun_code code = adopt(&a, err);
    mun_ledger_signers_free(&a.fresh);
    mun_signing_key_free(&a.old);
    mun_crypto_pool_give(&ledger->pool, crypto);
    return code;
}

mun_code mun_ledger_adopt(const char *directory, const mun_ledger_adopt_options *options,
                          mun_error *err)
{
    static const mun_ledger_adopt_options none = {0};
    mun_ledger *ledger = NULL;
    mun_ledger_open_options open = {.no_keys = true};
    MUN_TRY(mun_ledger_open_as(directory, &open, true, &ledger, err));
    mun_code code = adopt_opened(ledger, options != NULL ? options : &none, err);
    mun_code closed = mun_ledger_close(ledger, code == MUN_OK ? err : NULL);
    return code == MUN_OK ? closed : code;
}
