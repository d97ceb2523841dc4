/* SPDX-License-Identifier: Apache-2.0 */
/* export, import, adopt: a ledger as static files, and a ledger from them. */
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/key_text.h"
#include "cli/watching.h"
#include "vfs/files.h"

#include <stdio.h>

static void report(mun_app *app, const char *type, const char *from, const char *to,
                   const char *sentence)
{
    if (app->json) {
        json_t *object = mun_out_new(type);
        mun_out_path(object, "from", from);
        mun_out_path(object, "to", to);
        mun_out_print(app, object);
        return;
    }
    if (!app->quiet) printf("%s: %s\n", MUN_PLAIN_PATH(to), sentence);
}

mun_code mun_cmd_export(mun_app *app, mun_error *err)
{
    const char *from = app->args.operands[0], *to = app->args.operands[1];
    mun_ledger *ledger;
    mun_watching w;
    MUN_TRY(mun_app_ledger_open_at(app, from, MUN_USE_SIGN, &ledger, err));
    mun_watching_begin(&w, app);
    mun_code code = mun_ledger_export(ledger, to, &w.watch, err);
    mun_watching_end(&w);
    (void)mun_ledger_close(ledger, NULL);
    if (code == MUN_OK) report(app, "exported", from, to, "exported; any web server can serve it");
    return code;
}

/* Whose copy it is, its fingerprint says, which whoever trusts the ledger can compare. */
static mun_code report_copy(mun_app *app, const char *type, const char *sentence, mun_error *err)
{
    const char *from = app->args.operands[0], *to = app->args.operands[1];
    char public_file[MUN_PATH_BYTES_MAX];
    mun_key_file file;
    MUN_TRY(mun_path_with(to, "/ledger.pub", public_file, sizeof public_file, err));
    MUN_TRY(mun_key_file_read(&app->crypto, public_file, &file, err));
    if (app->json) {
        json_t *object = mun_out_new(type);
        mun_out_path(object, "from", from);
        mun_out_path(object, "to", to);
        mun_out_key_file(app, object, &file);
        mun_out_print(app, object);
    } else if (!app->quiet) {
        printf("%s: %s\n", MUN_PLAIN_PATH(to), sentence);
        mun_key_file_print(app, &file);
    }
    return MUN_OK;
}

mun_code mun_import_as(mun_app *app, const char *type, const char *sentence, mun_error *err)
{
    mun_watching w;
    mun_watching_begin(&w, app);
    mun_code code = mun_ledger_import(app->args.operands[0], app->args.operands[1], &w.watch, err);
    mun_watching_end(&w);
    MUN_TRY(code);
    return report_copy(app, type, sentence, err);
}

mun_code mun_cmd_import(mun_app *app, mun_error *err)
{
    return mun_import_as(app, "imported",
                         "a verified copy that only reads; muniment adopt makes it register again",
                         err);
}

/* The original's keys, where they are still there. */
static mun_code read_old(const char *folder, const char *name, mun_buf *ret, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    mun_file_info info;
    MUN_TRY(mun_path_with(folder, name, path, sizeof path, err));
    MUN_TRY(mun_file_look(path, true, &info, err));
    if (info.kind == MUN_FILE_MISSING) return MUN_OK;
    return mun_file_read(path, MUN_PEM_MAX, ret, err);
}

typedef struct secrets {
    uint8_t receipts[MUN_PEM_MAX], checkpoints[MUN_PEM_MAX];
    uint8_t old_passphrase[MUN_PASSPHRASE_MAX], passphrase[MUN_PASSPHRASE_MAX];
} secrets;

static mun_code adopt_with(mun_app *app, secrets *s, mun_error *err)
{
    const char *old_keys = mun_app_value(app, MUN_OPT_OLD_KEYS);
    mun_buf receipts = mun_buf_fixed(s->receipts, sizeof s->receipts);
    mun_buf checkpoints = mun_buf_fixed(s->checkpoints, sizeof s->checkpoints);
    mun_buf old_secret = mun_buf_fixed(s->old_passphrase, sizeof s->old_passphrase);
    mun_buf secret = mun_buf_fixed(s->passphrase, sizeof s->passphrase);
    if (old_keys != NULL) {
        MUN_TRY(read_old(old_keys, "/receipts.pem", &receipts, err));
        MUN_TRY(read_old(old_keys, "/checkpoints.pem", &checkpoints, err));
        if (receipts.len == 0 && checkpoints.len == 0) {
            return mun_failf(err, MUN_E_NOT_FOUND, 0,
                             "there is neither receipts.pem nor checkpoints.pem in %s",
                             MUN_PLAIN_PATH(old_keys));
        }
    }
    MUN_TRY(mun_app_passphrase(app, MUN_OPT_OLD_PASSPHRASE_FILE, &old_secret, err));
    MUN_TRY(mun_app_passphrase(app, MUN_OPT_PASSPHRASE_FILE, &secret, err));
    mun_ledger_adopt_options options = {
        .old_receipts_key_pem = mun_buf_slice(&receipts),
        .old_checkpoints_key_pem = mun_buf_slice(&checkpoints),
        .old_passphrase = mun_buf_slice(&old_secret),
        .passphrase = mun_buf_slice(&secret),
        .prepare = mun_app_has(app, MUN_OPT_PREPARE),
    };
    return mun_ledger_adopt(app->args.operands[0], &options, err);
}

static mun_code report_prepared(mun_app *app, const char *directory, mun_error *err)
{
    char public_file[MUN_PATH_BYTES_MAX];
    mun_key_file file;
    MUN_TRY(mun_path_with(directory, "/ledger.pub.new", public_file, sizeof public_file, err));
    MUN_TRY(mun_key_file_read(&app->crypto, public_file, &file, err));
    if (app->json) {
        json_t *object = mun_out_new("prepared");
        mun_out_path(object, "directory", directory);
        mun_out_path(object, "successor", public_file);
        mun_out_key_file(app, object, &file);
        mun_out_print(app, object);
    } else if (!app->quiet) {
        printf("%s: its new keys are ready. At the original: muniment handover DIR %s\n",
               MUN_PLAIN_PATH(directory), MUN_PLAIN_PATH(public_file));
        mun_key_file_print(app, &file);
    }
    return MUN_OK;
}

mun_code mun_cmd_adopt(mun_app *app, mun_error *err)
{
    static secrets s;
    const char *directory = app->args.operands[0];
    char public_file[MUN_PATH_BYTES_MAX];
    mun_key_file file;
    mun_code code = adopt_with(app, &s, err);
    mun_cleanse(&s, sizeof s);
    MUN_TRY(code);
    if (mun_app_has(app, MUN_OPT_PREPARE)) return report_prepared(app, directory, err);
    MUN_TRY(mun_path_with(directory, "/ledger.pub", public_file, sizeof public_file, err));
    MUN_TRY(mun_key_file_read(&app->crypto, public_file, &file, err));
    if (app->json) {
        json_t *object = mun_out_new("adopted");
        mun_out_path(object, "directory", directory);
        mun_out_key_file(app, object, &file);
        mun_out_print(app, object);
    } else if (!app->quiet) {
        printf("%s: adopted; it has new keys and registers again. Hand out its new ledger.pub.\n",
               MUN_PLAIN_PATH(directory));
        mun_key_file_print(app, &file);
    }
    return MUN_OK;
}
