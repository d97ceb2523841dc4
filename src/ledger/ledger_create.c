/* SPDX-License-Identifier: Apache-2.0 */
/* A new ledger: keys, log, entry 0, ledger.pub; whole or not at all. */
#include "ledger/home.h"
#include "ledger/ledger_parts.h"
#include "ledger/staging.h"

#include <muniment/keys.h>
#include <stdio.h>

#define LAST_FILE   "format" /* without it a directory is no ledger */
#define RECEIPTS    "receipts.pem"
#define CHECKPOINTS "checkpoints.pem"

/* The key folder has mode 0700, which a temporary folder has from its first moment. */
static mun_code key_folder(const mun_vfs *vfs, const char *directory, const char *folder,
                           mun_error *err)
{
    char temp[MUN_PATH_BYTES_MAX];
    MUN_TRY(mun_dir_make_temp(directory, temp, err));
    return vfs->rename(vfs->ctx, strrchr(temp, '/') + 1, folder, err);
}

static mun_code key_path(const char *directory, const char *folder, const char *name,
                         char ret[MUN_PATH_BYTES_MAX], mun_error *err)
{
    int len = snprintf(ret, MUN_PATH_BYTES_MAX, "%s/%s/%s", directory, folder, name);
    if (len > 0 && len < MUN_PATH_BYTES_MAX) return MUN_OK;
    return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "the ledger's path is too long");
}

static mun_code key_make(const char *path, int32_t alg, mun_slice passphrase, mun_signing_key *ret,
                         mun_error *err)
{
    uint8_t bytes[MUN_PRIVATE_PEM_MAX];
    mun_buf pem = mun_buf_fixed(bytes, sizeof bytes);
    mun_private_key *key = NULL;
    MUN_TRY(mun_private_key_generate(alg, &key, err));
    mun_code code = mun_private_key_to_pem(key, passphrase, &pem, err);
    mun_private_key_free(key);
    if (code == MUN_OK) code = mun_file_write(path, mun_buf_slice(&pem), MUN_WRITE_SECRET, err);
    /* Read back what will be there next time, not what memory says. */
    if (code == MUN_OK) code = mun_signing_key_read(path, passphrase, ret, err);
    mun_cleanse(bytes, sizeof bytes);
    return code;
}

mun_code mun_ledger_keys_make(const mun_vfs *vfs, const char *directory, const char *folder,
                              int32_t receipt_alg, mun_slice passphrase, mun_ledger_signers *ret,
                              mun_error *err)
{
    char receipts[MUN_PATH_BYTES_MAX], checkpoints[MUN_PATH_BYTES_MAX];
    mun_ledger_signers signers = {0};
    MUN_TRY(key_path(directory, folder, RECEIPTS, receipts, err));
    MUN_TRY(key_path(directory, folder, CHECKPOINTS, checkpoints, err));
    MUN_TRY(key_folder(vfs, directory, folder, err));
    mun_code code = key_make(receipts, receipt_alg, passphrase, &signers.receipts, err);
    if (code == MUN_OK) {
        code = key_make(checkpoints, MUN_ALG_EDDSA, passphrase, &signers.checkpoints, err);
    }
    if (code == MUN_OK) code = mun_home_make(directory, folder, err);
    if (code == MUN_OK) code = vfs->sync_dir(vfs->ctx, folder, err);
    if (code != MUN_OK) {
        mun_ledger_signers_free(&signers);
        return code;
    }
    *ret = signers;
    return MUN_OK;
}

mun_code mun_ledger_keys_read(const char *directory, const char *folder, mun_slice passphrase,
                              mun_ledger_signers *ret, mun_error *err)
{
    char receipts[MUN_PATH_BYTES_MAX], checkpoints[MUN_PATH_BYTES_MAX];
    mun_ledger_signers signers = {0};
    MUN_TRY(key_path(directory, folder, RECEIPTS, receipts, err));
    MUN_TRY(key_path(directory, folder, CHECKPOINTS, checkpoints, err));
    MUN_TRY(mun_signing_key_read(receipts, passphrase, &signers.receipts, err));
    mun_code code = mun_signing_key_read(checkpoints, passphrase, &signers.checkpoints, err);
    if (code != MUN_OK) {
        mun_ledger_signers_free(&signers);
        return code;
    }
    *ret = signers;
    return MUN_OK;
}

void mun_ledger_signers_free(mun_ledger_signers *signers)
{
    mun_signing_key_free(&signers->receipts);
    mun_signing_key_free(&signers->checkpoints);
}

mun_code mun_ledger_pub_put(const mun_crypto *crypto, const char *directory, const char *name,
                            mun_slice origin, const mun_ledger_signers *signers, unsigned flags,
                            mun_error *err)
{
    mun_ledger_pub pub = {.origin = origin,
                          .receipts = signers->receipts.signer.key,
                          .checkpoints = signers->checkpoints.signer.key};
    uint8_t bytes[MUN_LEDGER_PUB_MAX];
    mun_buf text = mun_buf_fixed(bytes, sizeof bytes);
    mun_ledger_pub_write(crypto, &pub, &text);
    if (!mun_buf_ok(&text)) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    return mun_ledger_file_write(directory, name, mun_buf_slice(&text), flags, err);
}

static mun_code first_entry(const mun_log_config *config, mun_slice genesis, mun_error *err)
{
    mun_log *log = NULL;
    mun_appended appended;
    MUN_TRY(mun_log_create(config, err));
    MUN_TRY(mun_log_open(config, &log, err));
    mun_code code = mun_log_append(log, &genesis, 1, &appended, NULL, err);
    mun_code closed = mun_log_close(log, code == MUN_OK ? err : NULL);
    return code == MUN_OK ? closed : code;
}

static mun_code genesis_make(const mun_ledger_create_options *options, uint64_t now_ms,
                             const mun_ledger_signers *signers, mun_buf *ret, mun_error *err)
{
    mun_policy policy;
    MUN_TRY(mun_policy_init(options->origin, (int64_t)(now_ms / 1000), options->any_issuer,
                            &signers->receipts.signer, &signers->checkpoints.signer, &policy, err));
    return mun_policy_statement_sign(&policy, &signers->receipts.signer, ret, err);
}

static mun_code populate_with(const mun_vfs *vfs, const char *directory,
                              const mun_ledger_create_options *options, const mun_crypto *crypto,
                              const mun_ledger_signers *signers, mun_error *err)
{
    MUN_BUF_AUTO mun_buf genesis = mun_buf_growable(MUN_ENTRY_MAX);
    mun_log_config config = mun_ledger_log_config(vfs, options->origin);
    if (options->clock_ms != NULL) {
        config.clock_ms = options->clock_ms;
        config.clock_ctx = options->clock_ctx;
    }
    uint64_t now_ms = config.clock_ms(config.clock_ctx);
    MUN_TRY(mun_ledger_pub_put(crypto, directory, MUN_LEDGER_PUB_FILE, options->origin, signers, 0,
                               err));
    MUN_TRY(genesis_make(options, now_ms, signers, &genesis, err));
    MUN_TRY(first_entry(&config, mun_buf_slice(&genesis), err));
    return vfs->sync_dir(vfs->ctx, "", err);
}

static mun_code populate(const char *directory, const mun_ledger_create_options *options,
                         const mun_crypto *crypto, mun_error *err)
{
    mun_vfs vfs;
    mun_ledger_signers signers;
    int32_t alg = options->receipt_alg == 0 ? MUN_ALG_ES256 : options->receipt_alg;
    MUN_TRY(mun_vfs_posix_open(directory, &vfs, err));
    mun_code code = mun_ledger_keys_make(&vfs, directory, MUN_KEYS_FOLDER, alg, options->passphrase,
                                         &signers, err);
    if (code == MUN_OK) {
        code = populate_with(&vfs, directory, options, crypto, &signers, err);
        mun_ledger_signers_free(&signers);
    }
    mun_vfs_posix_close(&vfs);
    return code;
}

static mun_code create(const char *directory, const mun_ledger_create_options *options,
                       const mun_crypto *crypto, mun_error *err)
{
    mun_staging staging;
    MUN_TRY(mun_staging_begin(directory, &staging, err));
    mun_code code = populate(staging.temp, options, crypto, err);
    if (code == MUN_OK) return mun_staging_commit(&staging, LAST_FILE, err);
    mun_staging_abort(&staging);
    return code;
}

mun_code mun_ledger_create(const char *directory, const mun_ledger_create_options *options,
                           mun_error *err)
{
    MUN_TRY(mun_origin_check(options->origin, err));
    int32_t alg = options->receipt_alg;
    if (alg != 0 && alg != MUN_ALG_ES256 && alg != MUN_ALG_ES384 && alg != MUN_ALG_EDDSA) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "a ledger's receipts are signed with es256, es384 or ed25519");
    }
    mun_crypto crypto;
    MUN_TRY(mun_native_crypto_new(&crypto, err));
    mun_code code = create(directory, options, &crypto, err);
    mun_native_crypto_free(&crypto);
    return code;
}
