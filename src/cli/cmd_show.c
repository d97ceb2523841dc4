/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/codec_text.h"
#include "cli/commands.h"
#include "cli/explain.h"
#include "cli/key_text.h"
#include "cli/remote.h"
#include "cli/status_text.h"
#include "codec/cbor.h"
#include "vfs/files.h"

#include <stdio.h>
#include <string.h>

#define SHOW_MAX MUN_EVIDENCE_MAX

static mun_code show_ledger(mun_app *app, const char *path, mun_error *err)
{
    mun_ledger *ledger;
    MUN_TRY(mun_app_ledger_open_at(app, path, MUN_USE_READ, &ledger, err));
    mun_code code = mun_status_print(app, path, ledger, err);
    (void)mun_ledger_close(ledger, NULL);
    return code;
}

static mun_code show_text(mun_app *app, const char *type, mun_buf *text, mun_error *err)
{
    if (!mun_buf_ok(text)) return mun_failf(err, MUN_E_LIMIT, 0, "too much to show");
    if (app->json) {
        json_t *object = mun_out_new(type);
        mun_out_text(object, "text", mun_buf_slice(text));
        mun_out_print(app, object);
        return MUN_OK;
    }
    mun_print_bytes(mun_buf_slice(text));
    return MUN_OK;
}

static mun_code show_diag(mun_app *app, mun_slice bytes, mun_error *err)
{
    mun_buf text MUN_BUF_AUTO = mun_buf_growable(MUN_CODEC_TEXT_MAX);
    MUN_TRY(mun_cbor_diag(bytes, &text, err));
    if (text.len > 0 && text.ptr[text.len - 1] != '\n') mun_buf_u8(&text, '\n');
    return show_text(app, "diag", &text, err);
}

static mun_code show_hex(mun_app *app, mun_slice bytes, mun_error *err)
{
    mun_buf text MUN_BUF_AUTO = mun_buf_growable(MUN_CODEC_TEXT_MAX);
    mun_hex_dump(bytes, &text);
    return show_text(app, "hex", &text, err);
}

static mun_code show_file(mun_app *app, const char *path, mun_slice bytes, mun_error *err)
{
    json_t *object;
    if (mun_is_private_pem(bytes) &&
        (mun_app_has(app, MUN_OPT_HEX) || mun_app_has(app, MUN_OPT_DIAG))) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "a private key is never shown");
    }
    if (mun_app_has(app, MUN_OPT_HEX)) return show_hex(app, bytes, err);
    mun_code code = mun_app_has(app, MUN_OPT_DIAG) ? show_diag(app, bytes, err)
                                                   : mun_explain(app, bytes, &object, err);
    if (code != MUN_OK) return mun_error_prefix(err, code, MUN_PLAIN_PATH(path));
    if (mun_app_has(app, MUN_OPT_DIAG)) return MUN_OK;
    if (app->json) {
        mun_out_path(object, "file", path);
        mun_out_print(app, object);
        return MUN_OK;
    }
    mun_explain_print(object);
    json_decref(object);
    return MUN_OK;
}

mun_code mun_cmd_show(mun_app *app, mun_error *err)
{
    const char *path = app->args.operands[0];
    mun_file_info info = {0};
    mun_buf bytes MUN_BUF_AUTO = mun_buf_growable(SHOW_MAX);
    if (mun_url_like(path)) return mun_remote_status(app, path, err);
    if (strcmp(path, "-") != 0) MUN_TRY(mun_file_look(path, true, &info, err));
    if (info.kind == MUN_FILE_DIRECTORY) return show_ledger(app, path, err);
    mun_code code = mun_file_read(path, SHOW_MAX, &bytes, err);
    if (code == MUN_OK) code = show_file(app, path, mun_buf_slice(&bytes), err);
    if (bytes.ptr != NULL && mun_is_private_pem(mun_buf_slice(&bytes))) {
        mun_cleanse(bytes.ptr, bytes.len);
    }
    return code;
}
