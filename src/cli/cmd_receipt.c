/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/holder.h"
#include "cli/screen.h"
#include "cli/speak.h"
#include "vfs/files.h"

#include <stdio.h>
#include <string.h>

/* The leaf hash of the statement in a file, with a hint for those who gave the document. */
static mun_code leaf_of_file(const mun_app *app, const char *path, mun_buf *bytes,
                             mun_statement *statement, uint8_t leaf[MUN_HASH_SIZE], mun_error *err)
{
    MUN_TRY(mun_file_read(path, MUN_EVIDENCE_MAX, bytes, err));
    if (mun_statement_parse(mun_buf_slice(bytes), statement, err) != MUN_OK) {
        return mun_failf(err, MUN_E_MALFORMED, 0,
                         "%s is no signed statement or evidence; if it is a document, give its "
                         ".scitt file, or find its index with muniment find --file",
                         MUN_PLAIN_PATH(path));
    }
    mun_statement_leaf(&app->crypto, statement, leaf);
    return MUN_OK;
}

static mun_code check_index(mun_holder *holder, const char *operand, uint64_t index, mun_error *err)
{
    if (holder->ledger == NULL) return MUN_OK; /* the service says */
    uint64_t size = mun_ledger_tree(holder->ledger).size;
    if (index < size) return MUN_OK;
    return mun_failf(err, MUN_E_NOT_FOUND, 0,
                     "there is no entry %s; the ledger has entries 0 to %llu", operand,
                     (unsigned long long)(size - 1));
}

static mun_code find_index(const mun_app *app, mun_holder *holder, const char *operand,
                           uint64_t *ret, mun_error *err)
{
    uint8_t leaf[MUN_HASH_SIZE];
    mun_statement statement;
    mun_buf bytes MUN_BUF_AUTO = mun_buf_growable(MUN_EVIDENCE_MAX);
    if (mun_number_parse(operand, ret)) return check_index(holder, operand, *ret, err);
    MUN_TRY(leaf_of_file(app, operand, &bytes, &statement, leaf, err));
    mun_code code = mun_holder_lookup(holder, leaf, &statement, ret, err);
    if (code != MUN_E_NOT_FOUND) return code;
    return mun_failf(err, MUN_E_NOT_FOUND, 0, "the statement in %s is not on this ledger",
                     MUN_PLAIN_PATH(operand));
}

static mun_code make(const mun_app *app, mun_holder *holder, uint64_t index, mun_buf *ret,
                     mun_error *err)
{
    if (mun_args_is(&app->args, MUN_OPT_FORMAT, "tlog-proof")) {
        return mun_holder_tlog_proof(holder, index, ret, err);
    }
    if (mun_args_is(&app->args, MUN_OPT_FORMAT, "evidence")) {
        return mun_holder_evidence(holder, index, ret, err);
    }
    return mun_holder_receipt(holder, index, ret, err);
}

static mun_code deliver(mun_app *app, uint64_t index, mun_slice bytes, mun_error *err)
{
    const char *output = mun_app_value(app, MUN_OPT_OUTPUT);
    bool is_text = mun_args_is(&app->args, MUN_OPT_FORMAT, "tlog-proof");
    if (output != NULL) MUN_TRY(mun_file_write(output, bytes, 0, err));
    if (app->json) {
        json_t *object = mun_out_new("receipt");
        mun_out_uint(object, "index", index);
        if (output != NULL) mun_out_path(object, "file", output);
        if (output == NULL && is_text) mun_out_text(object, "text", bytes);
        if (output == NULL && !is_text) mun_out_hex(object, "hex", bytes);
        mun_out_print(app, object);
        return MUN_OK;
    }
    if (output != NULL) return MUN_OK;
    if (!is_text && mun_screen_is_output()) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "a receipt is binary and would spoil the terminal; give a file with -o");
    }
    mun_print_bytes(bytes);
    return MUN_OK;
}

mun_code mun_cmd_receipt(mun_app *app, mun_error *err)
{
    mun_holder holder;
    uint64_t index = 0;
    mun_buf bytes MUN_BUF_AUTO = mun_buf_growable(MUN_EVIDENCE_MAX);
    MUN_TRY(mun_holder_open(app, MUN_USE_SIGN, &holder, err));
    mun_code code = find_index(app, &holder, app->args.operands[0], &index, err);
    if (code == MUN_OK) code = make(app, &holder, index, &bytes, err);
    (void)mun_holder_close(&holder, NULL);
    return code == MUN_OK ? deliver(app, index, mun_buf_slice(&bytes), err) : code;
}
