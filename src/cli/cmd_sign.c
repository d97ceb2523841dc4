/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/signing.h"
#include "cli/speak.h"
#include "cli/subject.h"
#include "vfs/files.h"

#include <stdio.h>
#include <string.h>

static mun_code output_path(const mun_app *app, const char *document, char *ret, size_t cap,
                            mun_error *err)
{
    const char *given = mun_app_value(app, MUN_OPT_OUTPUT);
    if (given != NULL) return mun_path_with(given, "", ret, cap, err);
    if (strcmp(document, "-") == 0) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "the document comes from standard input; say with -o where to write the "
                        "statement");
    }
    return mun_path_with(document, ".cose", ret, cap, err);
}

static void report_signed(mun_app *app, const mun_signing *s, mun_slice subject,
                          const mun_document *document, const char *output)
{
    if (app->json) {
        json_t *object = mun_out_new("signed");
        mun_out_path(object, "statement", output);
        mun_out_text(object, "issuer", s->issuer);
        mun_out_text(object, "subject", subject);
        mun_out_hex(object, "digest", mun_slice_of(document->digest, document->digest_len));
        mun_out_print(app, object);
        return;
    }
    if (app->quiet) return;
    if (s->inline_payload) {
        fputs("muniment: the document itself is in the statement; once registered it stays on the "
              "log for ever\n",
              stderr);
    }
    if (strcmp(output, "-") == 0) return;
    printf("%s: statement by %s about %s\n", MUN_PLAIN_PATH(output), MUN_PLAIN(s->issuer),
           MUN_PLAIN(subject));
}

static mun_code sign_with(mun_app *app, const mun_signing *s, mun_error *err)
{
    const char *path = app->args.operands[0];
    const char *subject_path = strcmp(path, "-") == 0 ? "" : mun_path_name(path);
    char output[MUN_PATH_BYTES_MAX];
    MUN_TRY(output_path(app, path, output, sizeof output, err));
    mun_document document;
    mun_buf content MUN_BUF_AUTO = mun_buf_growable(MUN_STATEMENT_MAX);
    mun_buf subject MUN_BUF_AUTO = mun_buf_growable(MUN_NAME_MAX);
    mun_buf statement MUN_BUF_AUTO = mun_buf_growable(MUN_STATEMENT_MAX);
    MUN_TRY(mun_subject_make(s->subject, subject_path, &subject, err));
    MUN_TRY(mun_signing_read(s, path, &document, &content, err));
    MUN_TRY(mun_signing_make(s, &document, mun_buf_slice(&content), mun_buf_slice(&subject),
                             &statement, err));
    mun_code code = mun_file_write(output, mun_buf_slice(&statement), 0, err);
    if (code == MUN_E_EXISTS) {
        return mun_failf(err, MUN_E_EXISTS, 0, "%s is there already; choose another file with -o",
                         MUN_PLAIN_PATH(output));
    }
    MUN_TRY(code);
    report_signed(app, s, mun_buf_slice(&subject), &document, output);
    return MUN_OK;
}

mun_code mun_cmd_sign(mun_app *app, mun_error *err)
{
    const char *key = mun_signing_key_path(app);
    if (key == NULL) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "which key signs? Give it with --key F; muniment key new F makes one");
    }
    mun_signing signing;
    MUN_TRY(mun_signing_begin(app, key, &signing, err));
    mun_code code = sign_with(app, &signing, err);
    mun_signing_end(&signing);
    return code;
}
