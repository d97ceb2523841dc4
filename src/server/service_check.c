/* SPDX-License-Identifier: Apache-2.0 */
/* serve --check: what would keep the service from running, found without running it. */
#include "server/service_parts.h"

#include "trust/keyfile.h"
#include "trust/passphrase_file.h"
#include "vfs/files.h"

#include <muniment/keys.h>
#include <stdio.h>

/* A reader needs no private keys, so that these can be read is seen by reading them. */
static mun_code check_keys(const mun_config_ledger *ledger, mun_slice passphrase, mun_error *err)
{
    static const char *const files[] = {"receipts", "checkpoints"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[MUN_PATH_BYTES_MAX];
        mun_signing_key key;
        snprintf(path, sizeof path, "%s/keys/%s.pem", ledger->directory, files[i]);
        MUN_TRY(mun_signing_key_read(path, passphrase, &key, err));
        mun_signing_key_free(&key);
    }
    return MUN_OK;
}

static mun_code check_ledger(const mun_config_ledger *ledger, mun_error *err)
{
    uint8_t room[MUN_PASSPHRASE_MAX];
    mun_buf secret = mun_buf_fixed(room, sizeof room);
    mun_ledger *opened;
    mun_access *access;
    mun_access_options rules = {.tokens_file = ledger->tokens,
                                .certificates_file = ledger->certificates};
    MUN_TRY(service_secret_check(ledger, err));
    MUN_TRY(mun_access_create(&rules, &access, err));
    mun_access_give(access);
    const char *file = ledger->passphrase_file;
    mun_code code = file == NULL ? MUN_OK : mun_passphrase_read(file, &secret, err);
    if (code == MUN_OK) {
        mun_ledger_open_options options = {
            .read_only = true, .no_index = true, .passphrase = mun_buf_slice(&secret)};
        code = mun_ledger_open(ledger->directory, &options, &opened, err);
    }
    if (code == MUN_OK) {
        bool copy = mun_ledger_is_copy(opened);
        code = mun_ledger_close(opened, err);
        if (code == MUN_OK && !copy && !ledger->read_only) {
            code = check_keys(ledger, mun_buf_slice(&secret), err);
        }
    }
    mun_cleanse(room, sizeof room);
    return code;
}

mun_code service_ledgers_check(const mun_config *config, mun_error *err)
{
    mun_operation *operation;
    MUN_TRY(mun_operation_create(config, NULL, &operation, err));
    mun_operation_destroy(operation);
    for (size_t i = 0; i < config->ledgers_len; i++) {
        mun_code code = check_ledger(&config->ledgers[i], err);
        if (code == MUN_OK) continue;
        char prefix[MUN_LEDGER_NAME_MAX + 16];
        snprintf(prefix, sizeof prefix, "ledger %s", config->ledgers[i].name);
        return mun_error_prefix(err, code, prefix);
    }
    return MUN_OK;
}
