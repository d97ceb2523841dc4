/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing. A writer loads all that the ledger has said about itself, for it decides by
 * it; a reader does so only when asked. */
#include "ledger/home.h"
#include "ledger/ledger_parts.h"

#include <stdlib.h>

static const mun_ledger_open_options default_options = {0};

/* ---- Parts ----------------------------------------------------------------------------------- */

static void locks_init(mun_ledger *ledger)
{
    pthread_rwlockattr_t attr;
    pthread_rwlockattr_init(&attr);
    /* Registrations never end; a change of the issuers must get its turn all the same. */
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&ledger->control_lock, &attr);
    pthread_rwlockattr_destroy(&attr);
    pthread_mutex_init(&ledger->checkpoint_mutex, NULL);
    mun_crypto_pool_init(&ledger->pool);
}

static mun_code path_check(const char *directory, mun_error *err)
{
    size_t len = strlen(directory);
    if (len > 0 && len < MUN_PATH_BYTES_MAX - 64) return MUN_OK;
    return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "the ledger's path is empty or too long");
}

static mun_ledger *ledger_new(const char *directory, const mun_ledger_open_options *options)
{
    mun_ledger *ledger = calloc(1, sizeof *ledger);
    if (ledger == NULL) return NULL;
    memcpy(ledger->directory, directory, strlen(directory) + 1);
    ledger->read_only = options->read_only;
    ledger->no_index = options->no_index;
    ledger->clock_ms = options->clock_ms != NULL ? options->clock_ms : mun_system_clock_ms;
    ledger->clock_ctx = options->clock_ctx;
    if (options->observer != NULL) ledger->observer = *options->observer;
    ledger->pub_text = mun_buf_growable(MUN_LEDGER_PUB_MAX);
    ledger->checkpoint = mun_buf_growable(MUN_CHECKPOINT_MAX);
    locks_init(ledger);
    return ledger;
}

/* The keys of a ledger made before keys/home are bound where they are written from first [LOG-33].
 */
static mun_code home_look(mun_ledger *ledger, const mun_crypto *crypto, mun_error *err)
{
    mun_home home = MUN_HOME_NONE;
    mun_error why;
    mun_code code = mun_home_look(crypto, ledger->directory, MUN_KEYS_FOLDER, &home,
                                  &ledger->elsewhere_why, &why);
    if (code == MUN_E_PERMISSION && ledger->read_only) return MUN_OK; /* nor can it load a key */
    if (code != MUN_OK) {
        if (err != NULL) *err = why;
        return code;
    }
    if (home == MUN_HOME_ELSEWHERE) ledger->copy = true;
    if (home != MUN_HOME_NONE || ledger->read_only || ledger->copy) return MUN_OK;
    code = mun_home_make(ledger->directory, MUN_KEYS_FOLDER, &why);
    /* Another process was quicker, or the disk is full: then at the next opening. */
    if (code == MUN_OK || code == MUN_E_EXISTS || code == MUN_E_NO_SPACE) return MUN_OK;
    if (err != NULL) *err = why;
    return code;
}

/* A copy is a ledger without keys, one that says so, or one whose keys are of another place
 * [LOG-3], [LOG-32]. */
static mun_code copy_look(mun_ledger *ledger, const mun_crypto *crypto, mun_error *err)
{
    bool marked = false, keys = false;
    mun_error why;
    MUN_TRY(mun_ledger_file_exists(ledger->directory, MUN_COPY_FILE, &marked, err));
    mun_code code = mun_ledger_file_exists(ledger->directory, MUN_RECEIPTS_KEY, &keys, &why);
    /* Somebody else's ledger: its key folder cannot be looked into, and need not be. */
    if (code != MUN_OK && ledger->read_only)
        keys = true;
    else if (code != MUN_OK) {
        if (err != NULL) *err = why;
        return code;
    }
    ledger->copy = marked || !keys;
    ledger->keys_there = keys;
    if (keys) MUN_TRY(home_look(ledger, crypto, err));
    if (ledger->copy && !ledger->adopting) ledger->read_only = true;
    return MUN_OK;
}

static mun_code key_load(const mun_ledger *ledger, const char *name, mun_slice passphrase,
                         const mun_public_key *expected, mun_signing_key *ret, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    MUN_TRY(mun_path_join(ledger->directory, name, path, err));
    MUN_TRY(mun_signing_key_read(path, passphrase, ret, err));
    const mun_public_key *key = &ret->signer.key;
    if (key->crv == expected->crv && key->x_len == expected->x_len &&
        memcmp(key->x, expected->x, key->x_len) == 0 && key->y_len == expected->y_len &&
        memcmp(key->y, expected->y, key->y_len) == 0) {
        return MUN_OK;
    }
    return mun_failf(err, MUN_E_DAMAGED, 0,
                     "the private key %s does not belong to the public one in ledger.pub", name);
}

static mun_code keys_load(mun_ledger *ledger, mun_slice passphrase, mun_error *err)
{
    if (ledger->elsewhere_why != NULL) return mun_ledger_elsewhere(ledger, err);
    if (ledger->copy) {
        return mun_fail(err, MUN_E_REFUSED, MUN_NO_OFFSET,
                        "this ledger is a copy without keys of its own and signs nothing; its "
                        "receipts come from the original, or after muniment adopt");
    }
    MUN_TRY(key_load(ledger, MUN_RECEIPTS_KEY, passphrase, &ledger->pub.receipts,
                     &ledger->receipts_key, err));
    return key_load(ledger, MUN_CHECKPOINTS_KEY, passphrase, &ledger->pub.checkpoints,
                    &ledger->checkpoints_key, err);
}

static void keys_drop(mun_ledger *ledger)
{
    mun_signing_key_free(&ledger->receipts_key);
    mun_signing_key_free(&ledger->checkpoints_key);
}

/* A reader goes on without keys and says why when it should sign. */
static mun_code keys_open(mun_ledger *ledger, const mun_ledger_open_options *options,
                          mun_error *err)
{
    mun_error why = {0};
    if (options->no_keys) {
        mun_fail(&ledger->no_keys, MUN_E_USAGE, MUN_NO_OFFSET,
                 "this ledger was opened without its keys, so it signs nothing");
        return MUN_OK;
    }
    mun_code code = keys_load(ledger, options->passphrase, &why);
    if (code == MUN_OK) return MUN_OK;
    keys_drop(ledger);
    if (!ledger->read_only) {
        if (err != NULL) *err = why;
        return code;
    }
    ledger->no_keys = why;
    return MUN_OK;
}

/* A reader that finds what a writer left when it died does the writer's recovery first, where it
 * may write here; somebody else may be quicker. */
static mun_code log_recover(mun_log_config config, mun_error *err)
{
    mun_log *writer = NULL;
    config.read_only = false;
    mun_code code = mun_log_open(&config, &writer, err);
    if (code == MUN_E_BUSY) return MUN_OK;
    MUN_TRY(code);
    return mun_log_close(writer, err);
}

static mun_code log_open(mun_ledger *ledger, mun_error *err)
{
    mun_log_config config = mun_ledger_log_config(&ledger->vfs, ledger->pub.origin);
    config.read_only = ledger->read_only;
    config.clock_ms = ledger->clock_ms;
    config.clock_ctx = ledger->clock_ctx;
    config.committed = ledger->observer.committed;
    config.committed_ctx = ledger->observer.ctx;
    mun_code code = mun_log_open(&config, &ledger->log, err);
    if (code != MUN_E_AGAIN || !ledger->read_only) return code;
    mun_error why = {0};
    code = log_recover(config, &why);
    if (code == MUN_E_PERMISSION) return MUN_E_AGAIN; /* err says what to do */
    if (code != MUN_OK) {
        if (err != NULL) *err = why;
        return code;
    }
    return mun_log_open(&config, &ledger->log, err);
}

/* ---- What the ledger has said about itself ------------------------------------------------------
 */

static bool keys_are(const mun_ledger *ledger, const mun_crypto *crypto, const mun_policy *policy)
{
    uint8_t receipts[MUN_HASH_SIZE], checkpoints[MUN_HASH_SIZE];
    mun_key_thumbprint(crypto, &ledger->pub.receipts, receipts);
    mun_key_thumbprint(crypto, &ledger->pub.checkpoints, checkpoints);
    return memcmp(receipts, policy->keys.receipts.kid, MUN_HASH_SIZE) == 0 &&
           memcmp(checkpoints, policy->keys.checkpoints.kid, MUN_HASH_SIZE) == 0;
}

/* ledger.pub is what people hand out: it must be what the log says. A reader looks for later
 * policies only when the first one has other keys; an adoption is about to make one. */
static mun_code policy_fits(mun_ledger *ledger, const mun_crypto *crypto, mun_error *err)
{
    const mun_policy *policy = mun_control_policy(&ledger->control.state);
    if (!mun_slice_equal(mun_policy_origin(policy), ledger->pub.origin)) {
        return mun_fail(err, MUN_E_DAMAGED, MUN_NO_OFFSET,
                        "ledger.pub names another origin than the policy on the log");
    }
    if (ledger->adopting || keys_are(ledger, crypto, policy)) return MUN_OK;
    MUN_TRY(mun_control_current(ledger, crypto, err));
    if (keys_are(ledger, crypto, mun_control_policy(&ledger->control.state))) return MUN_OK;
    return mun_failf(err, MUN_E_DAMAGED, 0,
                     "ledger.pub holds other keys than the policy on the log%s",
                     ledger->copy ? ": an adoption or a hand-over was interrupted here; finish it "
                                    "with muniment adopt DIR, or muniment handover DIR NEW.pub"
                                  : "");
}

static mun_code control_open(mun_ledger *ledger, const mun_crypto *crypto, mun_error *err)
{
    if (ledger->read_only) {
        MUN_TRY(mun_control_genesis(ledger, crypto, err));
    } else {
        MUN_TRY(mun_control_load(ledger, crypto, err));
        atomic_store(&ledger->saved_size, ledger->control.looked);
        MUN_TRY(mun_control_follow(ledger, crypto, err));
    }
    ledger->any_issuer = mun_control_policy(&ledger->control.state)->any_issuer;
    return policy_fits(ledger, crypto, err);
}

/* ---- Opening ------------------------------------------------------------------------------------
 */

static mun_code open_with(mun_ledger *ledger, const mun_ledger_open_options *options,
                          const mun_crypto *crypto, mun_error *err)
{
    MUN_TRY(mun_ledger_pub_read(crypto, ledger->directory, &ledger->pub_text, &ledger->pub, err));
    MUN_TRY(copy_look(ledger, crypto, err));
    MUN_TRY(keys_open(ledger, options, err));
    MUN_TRY(mun_vfs_posix_open(ledger->directory, &ledger->vfs, err));
    MUN_TRY(log_open(ledger, err));
    MUN_TRY(control_open(ledger, crypto, err));
    mun_row_follower_start(&ledger->follower, ledger);
    return MUN_OK;
}

static mun_code finish(mun_ledger *ledger, mun_error *err)
{
    mun_row_follower_stop(&ledger->follower);
    mun_code code = MUN_OK;
    if (ledger->log != NULL) code = mun_log_close(ledger->log, err);
    if (ledger->vfs.ctx != NULL) mun_vfs_posix_close(&ledger->vfs);
    keys_drop(ledger);
    mun_control_close(&ledger->control);
    mun_crypto_pool_finish(&ledger->pool);
    mun_buf_free(&ledger->pub_text);
    mun_buf_free(&ledger->checkpoint);
    pthread_mutex_destroy(&ledger->checkpoint_mutex);
    pthread_rwlock_destroy(&ledger->control_lock);
    free(ledger);
    return code;
}

mun_code mun_ledger_open(const char *directory, const mun_ledger_open_options *options,
                         mun_ledger **ret, mun_error *err)
{
    return mun_ledger_open_as(directory, options, false, ret, err);
}

mun_code mun_ledger_open_as(const char *directory, const mun_ledger_open_options *options,
                            bool adopting, mun_ledger **ret, mun_error *err)
{
    mun_crypto *crypto = NULL;
    if (options == NULL) options = &default_options;
    MUN_TRY(path_check(directory, err));
    mun_ledger *ledger = ledger_new(directory, options);
    if (ledger == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    ledger->adopting = adopting;
    mun_code code = mun_crypto_pool_take(&ledger->pool, &crypto, err);
    if (code == MUN_OK) code = open_with(ledger, options, crypto, err);
    mun_crypto_pool_give(&ledger->pool, crypto);
    if (code != MUN_OK) {
        mun_code ignored = finish(ledger, NULL);
        (void)ignored; /* the first failure is the one to tell */
        return code;
    }
    *ret = ledger;
    return MUN_OK;
}

/* What saves time at the next opening, if there is anything new. */
static void keep_derived(mun_ledger *ledger)
{
    if (ledger->read_only || mun_log_head(ledger->log).size == atomic_load(&ledger->saved_size))
        return;
    MUN_BUF_AUTO mun_buf checkpoint = mun_buf_growable(MUN_CHECKPOINT_MAX);
    mun_control_save(ledger);
    mun_code code = mun_ledger_checkpoint(ledger, &checkpoint, NULL);
    (void)code;
}

mun_code mun_ledger_close(mun_ledger *ledger, mun_error *err)
{
    if (ledger == NULL) return MUN_OK;
    keep_derived(ledger);
    return finish(ledger, err);
}
