/* SPDX-License-Identifier: Apache-2.0 */
/* Connecting to a service: token, TLS, who the ledger is, and by which keys it is judged. */
#include "cli/remote.h"
#include "cli/speak.h"
#include "trust/keyfile.h"
#include "vfs/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUB_MAX         65536
#define OTHERS_MAY_MASK 077u

/* ---- The token ---- */

/* The option, else the user's configuration. Never an argument or the environment: other users
 * could read those. */
static const char *token_path(const mun_app *app)
{
    const char *given = mun_app_value(app, MUN_OPT_TOKEN_FILE);
    if (given != NULL) return given;
    return app->config.token_file[0] != '\0' ? app->config.token_file : NULL;
}

static mun_code read_token(const char *path, char ret[MUN_FETCH_TOKEN_MAX + 1], mun_error *err)
{
    mun_file_info info;
    uint8_t room[MUN_FETCH_TOKEN_MAX + 2];
    mun_buf text = mun_buf_fixed(room, sizeof room);
    MUN_TRY(mun_file_look(path, true, &info, err));
    if (info.kind == MUN_FILE_REGULAR && (info.mode & OTHERS_MAY_MASK) != 0) {
        return mun_failf(err, MUN_E_PERMISSION, 0,
                         "the token in %s can be read by other users of this machine; "
                         "chmod 600 makes it yours alone",
                         MUN_PLAIN_PATH(path));
    }
    mun_code code = mun_file_read(path, sizeof room, &text, err);
    size_t len = 0;
    while (len < text.len && text.ptr[len] > ' ') len++;
    if (code == MUN_OK && len <= MUN_FETCH_TOKEN_MAX) {
        memcpy(ret, room, len);
        ret[len] = '\0';
    } else if (code == MUN_OK) {
        code = mun_failf(err, MUN_E_LIMIT, 0, "what is in %s is too long for a token",
                         MUN_PLAIN_PATH(path));
    }
    mun_cleanse(room, sizeof room);
    return code;
}

/* ---- Connecting ---- */

static void tell_waiting(void *ctx, unsigned ms, const char *why)
{
    const mun_app *app = ctx;
    if (app->quiet || app->json) return;
    fprintf(stderr, "... the service makes us wait %.1f s: %s\n", ms / 1000.0, why);
}

static mun_code open_fetch(mun_app *app, mun_fetch **ret, mun_error *err)
{
    char token[MUN_FETCH_TOKEN_MAX + 1] = "";
    const char *path = token_path(app);
    if (path != NULL) MUN_TRY(read_token(path, token, err));
    mun_fetch_options options = {
        .token = path != NULL ? token : NULL,
        .ca_file = mun_app_value(app, MUN_OPT_CA_FILE),
        .cert_file = mun_app_value(app, MUN_OPT_CLIENT_CERT),
        .key_file = mun_app_value(app, MUN_OPT_CLIENT_KEY),
        .plain_http = mun_app_has(app, MUN_OPT_PLAIN_HTTP),
        .stopped = mun_interrupted,
        .waiting = tell_waiting,
        .waiting_ctx = app,
        .random = mun_native_random,
    };
    mun_code code = mun_fetch_open(&options, ret, err);
    mun_cleanse(token, sizeof token);
    return code;
}

mun_code mun_remote_connect(mun_app *app, const char *url, mun_remote **ret, mun_error *err)
{
    mun_remote *remote = calloc(1, sizeof *remote);
    if (remote == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    remote->app = app;
    remote->pub_text = mun_buf_growable(PUB_MAX);
    remote->checkpoint = mun_buf_growable(MUN_NOTE_MAX);
    remote->bundle = mun_buf_growable(MUN_BUNDLE_MAX);
    mun_code code = mun_url_parse(url, &remote->url, err);
    if (code == MUN_OK) code = open_fetch(app, &remote->fetch, err);
    if (code == MUN_OK) {
        *ret = remote;
        return MUN_OK;
    }
    mun_remote_close(remote);
    return code;
}

void mun_remote_close(mun_remote *remote)
{
    if (remote == NULL) return;
    mun_fetch_close(remote->fetch);
    mun_fetch_answer_free(&remote->answer);
    mun_trust_store_free(remote->store);
    mun_buf_free(&remote->pub_text);
    mun_buf_free(&remote->checkpoint);
    mun_buf_free(&remote->bundle);
    free(remote->keys);
    free(remote->tiles);
    free(remote);
}

/* ---- Who it is ---- */

mun_code mun_remote_identity(mun_remote *remote, mun_error *err)
{
    mun_code code = mun_remote_get(remote, "/ledger.pub", "*/*", PUB_MAX, err);
    if (code == MUN_E_NOT_FOUND) {
        return mun_failf(err, code, 0,
                         "there is no ledger at %s%s%s: a service with several has each at /NAME "
                         "(muniment status URL of the service lists them)",
                         remote->url.socket[0] != '\0' ? remote->url.socket : remote->url.host,
                         remote->url.port[0] != '\0' ? ":" : "", remote->url.port);
    }
    MUN_TRY(code);
    mun_buf_clear(&remote->pub_text);
    mun_buf_put(&remote->pub_text, mun_buf_slice(&remote->answer.body));
    code = mun_ledger_pub_parse(&remote->app->crypto, mun_buf_slice(&remote->pub_text),
                                &remote->pub, err);
    return code == MUN_OK ? MUN_OK : mun_error_prefix(err, code, "the service's ledger.pub");
}

/* ---- By which keys ---- */

static mun_code add_key(mun_remote *remote, const mun_public_key *key, mun_error *err)
{
    mun_trusted_key *grown = realloc(remote->keys, (remote->keys_len + 1) * sizeof *remote->keys);
    if (grown == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    remote->keys = grown;
    remote->keys[remote->keys_len++] = (mun_trusted_key){
        .role = MUN_ROLE_LEDGER, .name = remote->pub.origin, .key = *key, .trusted = true};
    return MUN_OK;
}

/* --ledger-key: a ledger.pub of this origin, or a bare key or vkey for whatever it is. */
static mun_code add_given(mun_remote *remote, const char *path, mun_error *err)
{
    mun_key_file file;
    MUN_TRY(mun_key_file_read(&remote->app->crypto, path, &file, err));
    mun_slice name = mun_slice_of(file.name, file.name_len);
    if (name.len > 0 && !mun_slice_equal(name, remote->pub.origin)) {
        return mun_failf(err, MUN_E_INVALID, 0,
                         "the service keeps the ledger %s, but %s is the key of another, %s",
                         MUN_PLAIN(remote->pub.origin), MUN_PLAIN_PATH(path), MUN_PLAIN(name));
    }
    for (size_t i = 0; i < file.keys_len; i++) MUN_TRY(add_key(remote, &file.keys[i], err));
    return MUN_OK;
}

static mun_code load_store(mun_remote *remote, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    mun_file_info info;
    MUN_TRY(mun_trust_store_new(&remote->store, err));
    if (mun_trust_default_path(path, sizeof path, NULL) != MUN_OK) return MUN_OK;
    if (mun_file_look(path, true, &info, NULL) != MUN_OK) return MUN_OK; /* HOME is not ours */
    mun_code code = mun_trust_store_load(remote->store, path, err);
    return code == MUN_E_NOT_FOUND ? MUN_OK : code;
}

static mun_code add_stored(mun_remote *remote, mun_error *err)
{
    size_t len;
    const mun_trusted_key *keys = mun_trust_store_keys(remote->store, &len);
    for (size_t i = 0; i < len; i++) {
        if (keys[i].role != MUN_ROLE_LEDGER || !keys[i].trusted ||
            !mun_slice_equal(keys[i].name, remote->pub.origin)) {
            continue;
        }
        MUN_TRY(add_key(remote, &keys[i].key, err));
    }
    return MUN_OK;
}

static void warn(const mun_remote *remote)
{
    if (remote->app->quiet) return;
    if (remote->app->json) {
        json_t *notice = json_pack("{s:s, s:s, s:s}", "type", "notice", "notice",
                                   "ledger-untrusted", "origin", MUN_PLAIN(remote->pub.origin));
        json_dumpf(notice, stderr, JSON_COMPACT);
        fputc('\n', stderr);
        json_decref(notice);
        return;
    }
    fprintf(stderr,
            "Note: no key of %s is trusted here. What the service answers is checked against the "
            "keys that it shows itself; whose they are is not known. After comparing them: "
            "muniment trust add URL\n",
            MUN_PLAIN(remote->pub.origin));
}

static mun_code find_keys(mun_remote *remote, mun_error *err)
{
    const char *value;
    const mun_args *args = &remote->app->args;
    for (size_t i = 0; (value = mun_args_nth(args, MUN_OPT_LEDGER_KEY, i)) != NULL; i++) {
        MUN_TRY(add_given(remote, value, err));
    }
    if (remote->keys_len == 0) {
        MUN_TRY(load_store(remote, err));
        MUN_TRY(add_stored(remote, err));
    }
    remote->trusted = remote->keys_len > 0;
    if (remote->trusted) return MUN_OK;
    warn(remote);
    MUN_TRY(add_key(remote, &remote->pub.receipts, err));
    return add_key(remote, &remote->pub.checkpoints, err);
}

mun_code mun_remote_open(mun_app *app, const char *url, mun_remote **ret, mun_error *err)
{
    mun_remote *remote;
    MUN_TRY(mun_remote_connect(app, url, &remote, err));
    mun_code code = mun_remote_identity(remote, err);
    if (code == MUN_OK) code = find_keys(remote, err);
    if (code == MUN_OK) {
        *ret = remote;
        return MUN_OK;
    }
    mun_remote_close(remote);
    return code;
}
