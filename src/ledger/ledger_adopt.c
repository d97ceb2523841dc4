/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A copy becomes a ledger of its own: new keys, announced on the log under what can still sign
 * [POL-15]. The order makes a crash at any point harmless: the new keys are on the disk under a
 * name of their own, then the log says so, then ledger.pub, then the keys get their place, then the
 * mark of a copy goes. Run again, it goes on from where it was.
 */
#include "ledger/home.h"
#include "ledger/ledger_parts.h"

#include <stdio.h>

#define OLD_FOLDER   "keys.old"
#define OLD_KEPT_MAX 100 /* adoptions of one directory whose old keys are kept apart */

typedef struct adopting {
    mun_ledger *ledger;
    const mun_ledger_adopt_options *options;
    const mun_crypto *crypto;
    mun_ledger_signers fresh;
    mun_signing_key old; /* what can still sign, if anything */
    bool placed;         /* an earlier try got as far as keys_place */
} adopting;

static const mun_policy *policy_of(const adopting *a)
{
    return mun_control_policy(&a->ledger->control.state);
}

static bool announced(const adopting *a)
{
    return memcmp(policy_of(a)->keys.receipts.kid, a->fresh.receipts.signer.kid, MUN_HASH_SIZE) ==
           0;
}

/* Keys that were made here and are in force, in a ledger still marked as a copy: an earlier try was
 * interrupted when only the mark was left to remove. */
static mun_code placed_look(adopting *a, mun_error *err)
{
    mun_home home = MUN_HOME_NONE;
    const char *why = NULL;
    const char *directory = a->ledger->directory;
    if (!a->ledger->keys_there) return MUN_OK;
    MUN_TRY(mun_home_look(a->crypto, directory, MUN_KEYS_FOLDER, &home, &why, err));
    if (home != MUN_HOME_HERE) return MUN_OK;
    mun_ledger_signers signers;
    if (mun_ledger_keys_read(directory, MUN_KEYS_FOLDER, a->options->passphrase, &signers, NULL) !=
        MUN_OK) {
        return MUN_OK;
    }
    a->fresh = signers;
    const mun_control_state *state = &a->ledger->control.state;
    a->placed = state->epochs[state->epochs_len - 1]->index > 0 && announced(a);
    if (!a->placed) mun_ledger_signers_free(&a->fresh);
    return MUN_OK;
}

static mun_code fresh_keys(adopting *a, mun_error *err)
{
    bool there = false;
    mun_ledger *ledger = a->ledger;
    mun_slice passphrase = a->options->passphrase;
    MUN_TRY(mun_ledger_file_exists(ledger->directory, MUN_NEW_KEYS_FOLDER "/" MUN_HOME_FILE, &there,
                                   err));
    if (there) {
        return mun_ledger_keys_read(ledger->directory, MUN_NEW_KEYS_FOLDER, passphrase, &a->fresh,
                                    err);
    }
    MUN_TRY(placed_look(a, err));
    if (a->placed) return MUN_OK;
    /* Half a set, from a crash while it was made: it was never announced. */
    char path[MUN_PATH_BYTES_MAX];
    mun_file_info info;
    MUN_TRY(mun_path_join(ledger->directory, MUN_NEW_KEYS_FOLDER, path, err));
    MUN_TRY(mun_file_look(path, false, &info, err));
    if (info.kind != MUN_FILE_MISSING) MUN_TRY(mun_dir_remove_all(path, err));
    return mun_ledger_keys_make(&ledger->vfs, ledger->directory, MUN_NEW_KEYS_FOLDER,
                                policy_of(a)->keys.receipts.alg, passphrase, &a->fresh, err);
}

/* An old key that was given must be one of the ledger's, else a mistake would go unnoticed. */
static mun_code old_key_given(adopting *a, mun_error *err)
{
    const mun_ledger_adopt_options *o = a->options;
    bool receipts = o->old_receipts_key_pem.len > 0;
    mun_slice pem = receipts ? o->old_receipts_key_pem : o->old_checkpoints_key_pem;
    const mun_policy_key *expected =
        receipts ? &policy_of(a)->keys.receipts : &policy_of(a)->keys.checkpoints;
    MUN_TRY(mun_signing_key_parse(pem, o->old_passphrase, &a->old, err));
    if (memcmp(a->old.signer.kid, expected->kid, MUN_HASH_SIZE) == 0) return MUN_OK;
    return mun_failf(err, MUN_E_USAGE, 0, "the key that was given is not the %s key of this ledger",
                     receipts ? "receipts" : "checkpoints");
}

/* A copied directory brought the keys in force with it: they vouch for the new ones. */
static mun_code old_key_brought(adopting *a, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    MUN_TRY(mun_path_join(a->ledger->directory, MUN_RECEIPTS_KEY, path, err));
    mun_code code = mun_signing_key_read(path, a->options->old_passphrase, &a->old, err);
    if (code != MUN_OK) {
        return mun_error_prefix(err, code,
                                "the copy's own key cannot vouch for new ones (give "
                                "--old-passphrase-file, or move its folder keys away)");
    }
    if (memcmp(a->old.signer.kid, policy_of(a)->keys.receipts.kid, MUN_HASH_SIZE) == 0)
        return MUN_OK;
    mun_signing_key_free(&a->old); /* not in force: it vouches for nothing */
    return MUN_OK;
}

static mun_code old_key(adopting *a, mun_error *err)
{
    const mun_ledger_adopt_options *o = a->options;
    if (o->old_receipts_key_pem.len > 0 || o->old_checkpoints_key_pem.len > 0) {
        return old_key_given(a, err);
    }
    return a->ledger->keys_there ? old_key_brought(a, err) : MUN_OK;
}

/* Whoever prepared a hand-over means to wait for it: without it there would be two histories. */
static mun_code handed_over(const adopting *a, mun_error *err)
{
    bool prepared = false;
    MUN_TRY(mun_ledger_file_exists(a->ledger->directory, MUN_NEW_PUB_FILE, &prepared, err));
    if (!prepared || a->old.handle != NULL) return MUN_OK;
    return mun_fail(err, MUN_E_REFUSED, MUN_NO_OFFSET,
                    "this copy waits for a hand-over (ledger.pub.new) that is not on its log: run "
                    "muniment handover at the original, then muniment standby DIR --once here; if "
                    "the original is gone for good, remove ledger.pub.new and adopt again");
}

static mun_code announce(adopting *a, mun_error *err)
{
    const mun_policy *now = policy_of(a);
    mun_ledger *ledger = a->ledger;
    if (announced(a)) return MUN_OK; /* an earlier try got this far, or the original did it */
    MUN_TRY(old_key(a, err));
    MUN_TRY(handed_over(a, err));
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
static mun_code old_keys_aside(const adopting *a, mun_error *err)
{
    const mun_vfs *vfs = &a->ledger->vfs;
    mun_error why;
    char name[32];
    bool taken = true;
    for (unsigned n = 1; taken && n <= OLD_KEPT_MAX; n++) {
        snprintf(name, sizeof name, n == 1 ? OLD_FOLDER : OLD_FOLDER ".%u", n);
        MUN_TRY(mun_ledger_file_exists(a->ledger->directory, name, &taken, err));
    }
    mun_code code = vfs->rename(vfs->ctx, MUN_KEYS_FOLDER, name, &why);
    if (code == MUN_OK) return MUN_OK;
    return mun_failf(err, code, why.sys_errno, "the old folder keys could not be moved to %s",
                     name);
}

static mun_code keys_place(const adopting *a, mun_error *err)
{
    const mun_vfs *vfs = &a->ledger->vfs;
    bool there = false;
    if (a->placed) return MUN_OK;
    MUN_TRY(mun_ledger_file_exists(a->ledger->directory, MUN_KEYS_FOLDER, &there, err));
    if (there) MUN_TRY(old_keys_aside(a, err));
    MUN_TRY(vfs->rename(vfs->ctx, MUN_NEW_KEYS_FOLDER, MUN_KEYS_FOLDER, err));
    return vfs->sync_dir(vfs->ctx, "", err);
}

static mun_code adopt(adopting *a, mun_error *err)
{
    mun_ledger *ledger = a->ledger;
    /* A directory whose only sign of being a copy is its keys would look like a ledger again before
     * all is done; the mark says otherwise until the end. */
    MUN_TRY(mun_ledger_mark_copy(ledger->directory, err));
    MUN_TRY(fresh_keys(a, err));
    if (a->options->prepare) {
        return mun_ledger_pub_put(a->crypto, ledger->directory, MUN_NEW_PUB_FILE,
                                  ledger->pub.origin, &a->fresh, MUN_WRITE_REPLACE, err);
    }
    MUN_TRY(announce(a, err));
    MUN_TRY(mun_ledger_pub_put(a->crypto, ledger->directory, MUN_LEDGER_PUB_FILE,
                               ledger->pub.origin, &a->fresh, MUN_WRITE_REPLACE, err));
    MUN_TRY(keys_place(a, err));
    /* Signed by a key that ledger.pub names no more; the next one asked for is signed anew. */
    MUN_TRY(mun_ledger_file_remove(ledger->directory, MUN_CHECKPOINT_FILE, err));
    MUN_TRY(mun_ledger_file_remove(ledger->directory, MUN_NEW_PUB_FILE, err));
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
