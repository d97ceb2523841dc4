/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/signing.h"

#include "cli/screen.h"

#include <string.h>

#define INLINE_MAX (MUN_STATEMENT_MAX - 1024) /* the document in a statement: room for the rest */

const char *mun_signing_key_path(const mun_app *app)
{
    const char *given = mun_app_value(app, MUN_OPT_KEY);
    if (given != NULL) return given;
    return app->config.key[0] != '\0' ? app->config.key : NULL;
}

static mun_code load_asking(const mun_app *app, const char *path, mun_buf *secret,
                            mun_signing_key *ret, mun_error *err)
{
    MUN_TRY(mun_app_passphrase(app, MUN_OPT_PASSPHRASE_FILE, secret, err));
    mun_code code = mun_signing_key_read(path, mun_buf_slice(secret), ret, err);
    if (code != MUN_E_USAGE || secret->len > 0) return code;
    MUN_TRY(mun_ask_passphrase("Passphrase of the key", "passphrase-file", secret, err));
    return mun_signing_key_read(path, mun_buf_slice(secret), ret, err);
}

static mun_code load_key(const mun_app *app, const char *path, mun_signing_key *ret, mun_error *err)
{
    uint8_t room[MUN_PASSPHRASE_MAX];
    mun_buf secret = mun_buf_fixed(room, sizeof room);
    mun_code code = load_asking(app, path, &secret, ret, err);
    mun_cleanse(room, sizeof room);
    return code;
}

static mun_code read_names(const mun_app *app, mun_signing *s, mun_error *err)
{
    mun_slice subject;
    MUN_TRY(mun_app_text(app, MUN_OPT_ISSUER, &s->issuer, err));
    MUN_TRY(mun_app_text(app, MUN_OPT_CONTENT_TYPE, &s->content_type, err));
    MUN_TRY(mun_app_text(app, MUN_OPT_LOCATION, &s->location, err));
    MUN_TRY(mun_app_text(app, MUN_OPT_SUBJECT, &subject, err));
    s->subject = mun_app_value(app, MUN_OPT_SUBJECT);
    s->inline_payload = mun_app_has(app, MUN_OPT_INLINE);
    s->with_time = !mun_app_has(app, MUN_OPT_NO_TIME);
    if (s->issuer.len == 0) s->issuer = mun_slice_cstr(app->config.issuer);
    if (s->inline_payload && s->location.len > 0) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "--location says where a document is that is not in the statement; with "
                        "--inline it is");
    }
    return MUN_OK;
}

mun_code mun_signing_begin(const mun_app *app, const char *key_path, mun_signing *ret,
                           mun_error *err)
{
    mun_signing s = {0};
    MUN_TRY(read_names(app, &s, err));
    MUN_TRY(load_key(app, key_path, &s.key, err));
    *ret = s;
    if (s.issuer.len > 0) return MUN_OK;
    mun_buf name = mun_buf_fixed(ret->own_name, sizeof ret->own_name);
    mun_key_thumbprint_uri(&app->crypto, &ret->key.signer.key, &name);
    ret->issuer = mun_buf_slice(&name);
    return MUN_OK;
}

void mun_signing_end(mun_signing *signing)
{
    mun_signing_key_free(&signing->key);
}

mun_code mun_signing_read(const mun_signing *signing, const char *path, mun_document *ret,
                          mun_buf *ret_content, mun_error *err)
{
    if (!signing->inline_payload) return mun_document_digest(path, MUN_HASH_SHA256, ret, err);
    return mun_document_read(path, MUN_HASH_SHA256, INLINE_MAX, ret, ret_content, err);
}

mun_code mun_signing_make(const mun_signing *signing, const mun_document *document,
                          mun_slice content, mun_slice subject, mun_buf *ret, mun_error *err)
{
    mun_statement_params params = {
        .iss = signing->issuer,
        .sub = subject,
        .content_type = signing->content_type,
        .with_iat = signing->with_time,
        .iat = (int64_t)(mun_wall_clock_ms() / 1000),
        .inline_payload = signing->inline_payload,
        .payload = signing->inline_payload ? content
                                           : mun_slice_of(document->digest, document->digest_len),
        .hash_alg = MUN_HASH_SHA256,
        .location = signing->location,
    };
    return mun_statement_sign(&params, &signing->key.signer, ret, err);
}
