/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check_document.h"

#include "vfs/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mun_code read_evidence(const char *path, mun_buf *bytes, mun_error *err)
{
    mun_file_info info;
    if (strcmp(path, "-") != 0) {
        MUN_TRY(mun_file_look(path, true, &info, err));
        if (info.kind == MUN_FILE_MISSING) {
            return mun_failf(err, MUN_E_NOT_FOUND, 0,
                             "there is no evidence file %s; name it with --evidence, or register "
                             "the document",
                             MUN_PLAIN_PATH(path));
        }
        if (info.kind == MUN_FILE_DIRECTORY) {
            return mun_failf(err, MUN_E_USAGE, 0, "%s is a folder, not an evidence file",
                             MUN_PLAIN_PATH(path));
        }
    }
    return mun_file_read(path, MUN_EVIDENCE_MAX, bytes, err);
}

static mun_code verify_with(const mun_app *app, const mun_trust_flags *flags, mun_checked *c,
                            const mun_document *document, mun_error *err)
{
    mun_trusted_key *keys = NULL;
    size_t keys_len = 0;
    MUN_TRY(mun_trust_flags_for(flags, &c->statement, &keys, &keys_len, err));
    mun_verify_input input = {
        .evidence = mun_buf_slice(&c->bytes),
        .have_document = c->document != NULL,
        .document_digest = mun_slice_of(document->digest, document->digest_len),
        .keys = keys,
        .keys_len = keys_len,
    };
    mun_code code = mun_verify(&app->crypto, &input, &c->report, &c->statement, err);
    free(keys);
    return code;
}

static mun_code check(const mun_app *app, const mun_trust_flags *flags, mun_checked *c,
                      mun_error *err)
{
    mun_document document = {0};
    MUN_TRY(read_evidence(c->evidence, &c->bytes, err));
    MUN_TRY(mun_statement_parse(mun_buf_slice(&c->bytes), &c->statement, err));
    int32_t hash = mun_statement_document_hash(&c->statement);
    if (c->document != NULL && hash != 0) {
        MUN_TRY(mun_document_digest(c->document, hash, &document, err));
    }
    return verify_with(app, flags, c, &document, err);
}

void mun_check_document(const mun_app *app, const mun_trust_flags *flags, const char *document,
                        const char *evidence, mun_checked *ret)
{
    *ret = (mun_checked){.document = document, .evidence = evidence};
    ret->bytes = mun_buf_growable(MUN_EVIDENCE_MAX);
    ret->code = check(app, flags, ret, &ret->error);
}

void mun_checked_free(mun_checked *checked)
{
    mun_buf_free(&checked->bytes);
}

int mun_checked_exit(const mun_checked *checked)
{
    return checked->code == MUN_OK ? checked->report.verdict : mun_code_exit(checked->code);
}

int mun_worse_exit(int a, int b)
{
    static const int order[] = {0, 3, 5, 4, 6, 1};
    size_t rank_a = 6, rank_b = 6;
    for (size_t i = 0; i < 6; i++) {
        if (order[i] == a) rank_a = i;
        if (order[i] == b) rank_b = i;
    }
    return rank_a >= rank_b ? a : b;
}
