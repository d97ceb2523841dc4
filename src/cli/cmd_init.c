/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/key_text.h"
#include "vfs/files.h"

#include <stdio.h>

static mun_code create(mun_app *app, const char *directory, mun_slice origin, mun_error *err)
{
    uint8_t room[MUN_PASSPHRASE_MAX];
    mun_buf secret = mun_buf_fixed(room, sizeof room);
    mun_ledger_create_options options = {
        .origin = origin,
        .receipt_alg = mun_args_is(&app->args, MUN_OPT_ALG, "es384")     ? MUN_ALG_ES384
                       : mun_args_is(&app->args, MUN_OPT_ALG, "ed25519") ? MUN_ALG_EDDSA
                                                                         : MUN_ALG_ES256,
        .any_issuer = mun_app_has(app, MUN_OPT_ANY_ISSUER),
    };
    mun_code code = mun_app_passphrase(app, MUN_OPT_PASSPHRASE_FILE, &secret, err);
    options.passphrase = mun_buf_slice(&secret);
    if (code == MUN_OK) code = mun_ledger_create(directory, &options, err);
    mun_cleanse(room, sizeof room);
    return code;
}

static void report(mun_app *app, const char *directory, const mun_key_file *file)
{
    if (app->json) {
        json_t *object = mun_out_new("ledger");
        mun_out_path(object, "directory", directory);
        mun_out_bool(object, "any_issuer", mun_app_has(app, MUN_OPT_ANY_ISSUER));
        mun_out_key_file(app, object, file);
        mun_out_print(app, object);
        return;
    }
    if (app->quiet) return;
    mun_key_file_print(app, file);
    printf("Hand out %s/ledger.pub; whoever receives it compares the fingerprint with you.\n",
           MUN_PLAIN_PATH(directory));
    if (!mun_app_has(app, MUN_OPT_ANY_ISSUER)) {
        printf("Next: muniment issuer add -l %s --issuer NAME KEY.pub says who may register.\n",
               MUN_PLAIN_PATH(directory));
    }
}

mun_code mun_cmd_init(mun_app *app, mun_error *err)
{
    const char *directory = app->args.operands[0];
    char public_file[MUN_PATH_BYTES_MAX];
    mun_slice origin;
    mun_key_file file;
    MUN_TRY(mun_app_text(app, MUN_OPT_NAME, &origin, err));
    if (origin.len == 0) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "a ledger needs a name, for ever: --name log.example.org/contracts");
    }
    MUN_TRY(mun_path_with(directory, "/ledger.pub", public_file, sizeof public_file, err));
    MUN_TRY(create(app, directory, origin, err));
    MUN_TRY(mun_key_file_read(&app->crypto, public_file, &file, err));
    report(app, directory, &file);
    return MUN_OK;
}
