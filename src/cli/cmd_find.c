/* SPDX-License-Identifier: Apache-2.0 */
/* list and find: the same search, with and without conditions. */
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/entry_text.h"
#include "cli/holder.h"
#include "codec/radix.h"

#include <stdio.h>
#include <string.h>

typedef struct search {
    mun_app *app;
    mun_query query;
    uint8_t digest[MUN_DIGEST_MAX];
    uint64_t found;
} search;

static mun_code read_digest(search *s, mun_error *err)
{
    const char *text = mun_app_value(s->app, MUN_OPT_DIGEST);
    if (text == NULL) return MUN_OK;
    if (mun_app_has(s->app, MUN_OPT_FILE)) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "--digest and --file both say which document; give one of them");
    }
    mun_buf digest = mun_buf_fixed(s->digest, sizeof s->digest);
    if (!mun_hex_take(mun_slice_cstr(text), &digest) || digest.len < MUN_HASH_SIZE) {
        return mun_failf(err, MUN_E_USAGE, 0,
                         "--digest %s is no digest: it has 64, 96 or 128 hexadecimal digits",
                         MUN_PLAIN_PATH(text));
    }
    s->query.digest = mun_buf_slice(&digest);
    return MUN_OK;
}

static mun_code read_query(search *s, mun_error *err)
{
    const mun_app *app = s->app;
    const char *since = mun_app_value(app, MUN_OPT_SINCE);
    const char *until = mun_app_value(app, MUN_OPT_UNTIL);
    MUN_TRY(mun_app_text(app, MUN_OPT_ISSUER, &s->query.iss, err));
    MUN_TRY(mun_app_text(app, MUN_OPT_SUBJECT, &s->query.sub, err));
    MUN_TRY(mun_app_text(app, MUN_OPT_CONTENT_TYPE, &s->query.content_type, err));
    if (since != NULL) MUN_TRY(mun_moment_parse(since, &s->query.since_ms, err));
    if (until != NULL) MUN_TRY(mun_moment_parse(until, &s->query.until_ms, err));
    s->query.have_after = mun_app_has(app, MUN_OPT_AFTER);
    s->query.after = mun_args_number(&app->args, MUN_OPT_AFTER, 0);
    s->query.limit = mun_args_number(&app->args, MUN_OPT_LIMIT, 0);
    return read_digest(s, err);
}

static mun_code each_found(void *ctx, const mun_found *found, mun_error *err)
{
    search *s = ctx;
    s->found++;
    mun_entry_print(s->app, found);
    if (!ferror(stdout)) return MUN_OK;
    return mun_fail(err, MUN_E_IO, MUN_NO_OFFSET, "cannot write the output");
}

/* A document may be on the log under any of the three hashes. */
static mun_code find_file(search *s, mun_holder *holder, const char *path, mun_error *err)
{
    static const int32_t hashes[] = {MUN_HASH_SHA256, MUN_HASH_SHA384, MUN_HASH_SHA512};
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0] && s->found == 0; i++) {
        mun_document document;
        MUN_TRY(mun_document_digest(path, hashes[i], &document, err));
        s->query.digest = mun_slice_of(document.digest, document.digest_len);
        MUN_TRY(mun_holder_find(holder, &s->query, each_found, s, err));
        if (strcmp(path, "-") == 0) break;
    }
    return MUN_OK;
}

static mun_code run(search *s, mun_error *err)
{
    mun_holder holder;
    const char *file = mun_app_value(s->app, MUN_OPT_FILE);
    MUN_TRY(read_query(s, err));
    if (s->query.limit == 0 && mun_app_has(s->app, MUN_OPT_LIMIT)) return MUN_OK;
    MUN_TRY(mun_holder_open(s->app, MUN_USE_READ, &holder, err));
    /* On this machine every row is checked against its entry, and the tree is ours. */
    if (holder.remote != NULL) holder.remote->check = mun_app_has(s->app, MUN_OPT_CHECK);
    mun_interrupt_catch();
    mun_code code = file != NULL ? find_file(s, &holder, file, err)
                                 : mun_holder_find(&holder, &s->query, each_found, s, err);
    (void)mun_holder_close(&holder, NULL);
    return code;
}

mun_code mun_cmd_list(mun_app *app, mun_error *err)
{
    search s = {.app = app};
    return run(&s, err);
}

mun_code mun_cmd_find(mun_app *app, mun_error *err)
{
    static const mun_option_id conditions[] = {
        MUN_OPT_ISSUER, MUN_OPT_SUBJECT, MUN_OPT_CONTENT_TYPE, MUN_OPT_DIGEST,
        MUN_OPT_FILE,   MUN_OPT_SINCE,   MUN_OPT_UNTIL,        MUN_OPT_AFTER,
    };
    search s = {.app = app};
    size_t given = 0;
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++) {
        given += mun_app_has(app, conditions[i]);
    }
    if (given == 0) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "find what? Give --issuer, --subject, --digest, --file, --since...; "
                        "muniment list lists everything");
    }
    MUN_TRY(run(&s, err));
    if (s.found > 0) return MUN_OK;
    return mun_fail(err, MUN_E_NOT_FOUND, MUN_NO_OFFSET, "nothing on this ledger matches");
}
