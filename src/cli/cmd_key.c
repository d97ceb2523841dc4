/* SPDX-License-Identifier: Apache-2.0 */
/* key new, key show. No path here leads a private key to the output. */
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/key_text.h"
#include "cli/screen.h"
#include "cli/speak.h"
#include "trust/keyfile.h"
#include "vfs/files.h"

#include <stdio.h>
#include <string.h>

static void report_new(mun_app *app, const char *path, const mun_public_key *key)
{
    if (app->json) {
        json_t *object = mun_out_new("key");
        mun_out_path(object, "private", path);
        mun_out_key(app, object, key);
        mun_out_print(app, object);
        return;
    }
    if (app->quiet) return;
    printf("%s: private key; keep it secret and keep a copy\n", MUN_PLAIN_PATH(path));
    printf("%s.pub: public key, to be handed out\n", MUN_PLAIN_PATH(path));
    mun_key_print(app, key);
}

mun_code mun_cmd_key_new(mun_app *app, mun_error *err)
{
    int32_t alg = mun_args_is(&app->args, MUN_OPT_ALG, "es384")     ? MUN_ALG_ES384
                  : mun_args_is(&app->args, MUN_OPT_ALG, "ed25519") ? MUN_ALG_EDDSA
                                                                    : MUN_ALG_ES256;
    uint8_t room[MUN_PASSPHRASE_MAX];
    mun_buf secret = mun_buf_fixed(room, sizeof room);
    mun_public_key key;
    mun_code code = mun_app_passphrase(app, MUN_OPT_PASSPHRASE_FILE, &secret, err);
    if (code == MUN_OK) {
        code = mun_key_files_make(app->args.operands[0], alg, mun_buf_slice(&secret), &key, err);
    }
    mun_cleanse(room, sizeof room);
    if (code == MUN_OK) report_new(app, app->args.operands[0], &key);
    return code;
}

/* The public half of a private key: from FILE.pub beside it, else by loading it. */
static mun_code public_of_private(const mun_app *app, const char *path, mun_key_file *ret,
                                  mun_error *err)
{
    char beside[MUN_PATH_BYTES_MAX];
    mun_file_info info;
    MUN_TRY(mun_path_with(path, ".pub", beside, sizeof beside, err));
    MUN_TRY(mun_file_look(beside, true, &info, err));
    if (info.kind == MUN_FILE_REGULAR) return mun_key_file_read(&app->crypto, beside, ret, err);
    uint8_t room[MUN_PASSPHRASE_MAX];
    mun_buf secret = mun_buf_fixed(room, sizeof room);
    mun_signing_key key;
    mun_code code = mun_app_passphrase(app, MUN_OPT_PASSPHRASE_FILE, &secret, err);
    if (code == MUN_OK) code = mun_signing_key_read(path, mun_buf_slice(&secret), &key, err);
    if (code == MUN_E_USAGE && secret.len == 0) {
        code = mun_ask_passphrase("Passphrase of the key", "passphrase-file", &secret, err);
        if (code == MUN_OK) code = mun_signing_key_read(path, mun_buf_slice(&secret), &key, err);
    }
    mun_cleanse(room, sizeof room);
    if (code != MUN_OK) return code;
    *ret = (mun_key_file){.format = MUN_KEY_FORMAT_PEM, .keys_len = 1, .keys = {key.signer.key}};
    mun_signing_key_free(&key);
    return MUN_OK;
}

static mun_code load_public(const mun_app *app, const char *path, mun_key_file *ret, mun_error *err)
{
    uint8_t room[MUN_PEM_MAX];
    mun_buf bytes = mun_buf_fixed(room, sizeof room);
    mun_error ignored;
    bool secret = mun_file_read(path, sizeof room, &bytes, &ignored) == MUN_OK &&
                  mun_is_private_pem(mun_buf_slice(&bytes));
    mun_cleanse(room, sizeof room);
    return secret ? public_of_private(app, path, ret, err)
                  : mun_key_file_read(&app->crypto, path, ret, err);
}

static mun_code vkey_name(const mun_app *app, const mun_key_file *file, mun_slice *ret,
                          mun_error *err)
{
    MUN_TRY(mun_app_text(app, MUN_OPT_NAME, ret, err));
    if (ret->len == 0) *ret = mun_slice_of(file->name, file->name_len);
    if (ret->len > 0) return MUN_OK;
    return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "a vkey holds a name; give it with --name");
}

/* The key in the format asked for; of a ledger.pub the key that the format can hold. */
static mun_code write_format(const mun_app *app, const mun_key_file *file, mun_buf *out,
                             mun_error *err)
{
    const mun_public_key *key = &file->keys[0];
    const mun_args *args = &app->args;
    if (mun_args_is(args, MUN_OPT_FORMAT, "pem")) {
        mun_public_key_to_pem(key, out);
    } else if (mun_args_is(args, MUN_OPT_FORMAT, "cose")) {
        mun_cose_key_write(key, (mun_slice){0}, 0, out);
    } else if (mun_args_is(args, MUN_OPT_FORMAT, "jwk")) {
        mun_jwk_write(key, out);
    } else if (mun_args_is(args, MUN_OPT_FORMAT, "thumbprint")) {
        uint8_t thumbprint[MUN_HASH_SIZE];
        mun_key_thumbprint(&app->crypto, key, thumbprint);
        mun_buf_hex(out, mun_slice_of(thumbprint, sizeof thumbprint));
        mun_buf_u8(out, '\n');
    } else {
        const mun_public_key *signer = &file->keys[file->keys_len - 1];
        mun_slice name;
        if (signer->crv != MUN_CRV_ED25519) {
            return mun_fail(err, MUN_E_UNSUPPORTED, MUN_NO_OFFSET,
                            "only an Ed25519 key can be written as a vkey");
        }
        MUN_TRY(vkey_name(app, file, &name, err));
        mun_vkey_write(&app->crypto, name, file->vkey_type == MUN_VKEY_COSIGNER ? 4 : 1, signer,
                       out);
        mun_buf_u8(out, '\n');
    }
    return MUN_OK;
}

static void show_text(mun_app *app, const mun_key_file *file)
{
    if (app->json) {
        json_t *object = mun_out_new("key");
        mun_out_key_file(app, object, file);
        mun_out_print(app, object);
        return;
    }
    mun_key_file_print(app, file);
}

mun_code mun_cmd_key_show(mun_app *app, mun_error *err)
{
    mun_key_file file;
    const char *output = mun_app_value(app, MUN_OPT_OUTPUT);
    MUN_TRY(load_public(app, app->args.operands[0], &file, err));
    if (mun_args_is(&app->args, MUN_OPT_FORMAT, "text")) {
        show_text(app, &file);
        return MUN_OK;
    }
    mun_buf out MUN_BUF_AUTO = mun_buf_growable(MUN_KEY_FILE_MAX);
    MUN_TRY(write_format(app, &file, &out, err));
    if (!mun_buf_ok(&out)) return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "the key is too long");
    if (output != NULL) return mun_file_write(output, mun_buf_slice(&out), 0, err);
    if (mun_args_is(&app->args, MUN_OPT_FORMAT, "cose") && mun_screen_is_output()) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "a COSE_Key is binary and would spoil the terminal; give a file with -o");
    }
    mun_print_bytes(mun_buf_slice(&out));
    return MUN_OK;
}
