/* SPDX-License-Identifier: Apache-2.0 */
/* token new, list, revoke: the tokens file of a service. */
#include "cli/commands.h"
#include "cli/speak.h"
#include "server/tokens.h"
#include "vfs/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_SECONDS  86400
#define HOUR_SECONDS 3600

static mun_code tokens_path(const mun_app *app, const char **ret, mun_error *err)
{
    *ret = mun_app_value(app, MUN_OPT_TOKENS);
    if (*ret != NULL) return MUN_OK;
    return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                    "which file? --tokens FILE, the one that the service's configuration names");
}

/* Replacing a link would leave the file as it was that the service reads by its own name: what is
 * revoked would go on being accepted. */
static mun_code link_refuse(const char *path, mun_error *err)
{
    mun_file_info info;
    char name[MUN_PATH_TEXT_MAX];
    MUN_TRY(mun_file_look(path, false, &info, err));
    if (info.kind != MUN_FILE_LINK) return MUN_OK;
    mun_path_text(name, sizeof name, path);
    return mun_failf(err, MUN_E_USAGE, 0,
                     "%s is a link, which would be replaced; name the file that it leads to", name);
}

/* A file that is not there is an empty list, and is not held: *ret_held is -1. */
static mun_code list_take(const char *path, int *ret_held, mun_token_list *ret, mun_error *err)
{
    int held = -1;
    mun_file_info info;
    MUN_TRY(link_refuse(path, err));
    MUN_TRY(mun_file_look(path, true, &info, err));
    *ret_held = -1;
    if (info.kind == MUN_FILE_MISSING) return mun_token_list_parse((mun_slice){0}, ret, err);
    MUN_TRY(mun_file_hold(path, &held, err));
    mun_code code = mun_token_list_read(path, true, ret, err);
    if (code == MUN_OK) *ret_held = held;
    if (code != MUN_OK) mun_file_let_go(held);
    return code;
}

/* Held from the reading to here: a token that somebody revoked meanwhile must not come back. */
static mun_code list_write(const char *path, int held, const mun_token_list *list, mun_error *err)
{
    mun_buf text MUN_BUF_AUTO = mun_buf_growable(MUN_TOKENS_FILE_MAX);
    mun_token_list_put(&text, list);
    if (!mun_buf_ok(&text)) {
        return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "the tokens file is full");
    }
    unsigned flags = MUN_WRITE_SECRET | (held >= 0 ? MUN_WRITE_REPLACE : 0u);
    return mun_file_write(path, mun_buf_slice(&text), flags, err);
}

static mun_token *list_find(const mun_token_list *list, const char *name)
{
    for (size_t i = 0; i < list->len; i++) {
        if (strcmp(list->tokens[i].principal.name, name) == 0) return &list->tokens[i];
    }
    return NULL;
}

/* ---- new ---- */

/* "90d" or "12h" from now; false where it is not of this form. */
static bool span_parse(const char *text, int64_t now, int64_t *ret)
{
    size_t len = strlen(text);
    char digits[8] = "";
    uint64_t n;
    if (len < 2 || len > sizeof digits) return false;
    memcpy(digits, text, len - 1);
    if (!mun_number_parse(digits, &n) || n == 0) return false;
    if (text[len - 1] != 'd' && text[len - 1] != 'h') return false;
    *ret = now + (int64_t)n * (text[len - 1] == 'd' ? DAY_SECONDS : HOUR_SECONDS);
    return true;
}

static mun_code expiry_parse(const char *text, int64_t now, int64_t *ret, mun_error *err)
{
    uint64_t ms;
    int64_t seconds = 0;
    if (text != NULL && !span_parse(text, now, &seconds)) {
        MUN_TRY(mun_moment_parse(text, &ms, err));
        seconds = (int64_t)(ms / 1000);
    }
    if (text != NULL && seconds <= now) {
        return mun_failf(err, MUN_E_USAGE, 0, "%s is in the past", text);
    }
    *ret = seconds;
    return MUN_OK;
}

static mun_code token_of_args(const mun_app *app, mun_token *ret, mun_error *err)
{
    const char *name = mun_app_value(app, MUN_OPT_NAME);
    const char *scope = mun_app_value(app, MUN_OPT_SCOPE);
    if (name == NULL || !mun_principal_name_valid(mun_slice_cstr(name))) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "a token needs a name: --name N, 1 to 64 of A-Z a-z 0-9 . _ - @");
    }
    if (scope == NULL || !mun_scopes_parse(mun_slice_cstr(scope), &ret->principal.scopes)) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "a token needs a scope: --scope with submit, read or admin, or several of "
                        "them separated by commas");
    }
    snprintf(ret->principal.name, sizeof ret->principal.name, "%s", name);
    ret->created = (int64_t)(mun_wall_clock_ms() / 1000);
    return expiry_parse(mun_app_value(app, MUN_OPT_EXPIRES), ret->created, &ret->expires, err);
}

static mun_code list_add(mun_token_list *list, const mun_token *token, mun_error *err)
{
    if (list_find(list, token->principal.name) != NULL) {
        return mun_failf(err, MUN_E_EXISTS, 0,
                         "there is a token named %s; revoke it first, or choose another name",
                         token->principal.name);
    }
    if (list->len == MUN_TOKENS_MAX) {
        return mun_failf(err, MUN_E_LIMIT, 0, "a file holds at most %d tokens", MUN_TOKENS_MAX);
    }
    mun_token *more = realloc(list->tokens, (list->len + 1) * sizeof *more);
    if (more == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory");
    list->tokens = more;
    list->tokens[list->len++] = *token;
    return MUN_OK;
}

static void out_token(json_t *object, const mun_token *token)
{
    char room[32];
    mun_buf scopes = mun_buf_fixed(room, sizeof room);
    mun_scopes_put(&scopes, token->principal.scopes);
    mun_out_cstr(object, "name", token->principal.name);
    mun_out_text(object, "scope", mun_buf_slice(&scopes));
    mun_out_time(object, "created", (uint64_t)token->created * 1000);
    if (token->expires != 0) mun_out_time(object, "expires", (uint64_t)token->expires * 1000);
}

/* The text stands alone on its line, so that it can be taken by a program. */
static void print_new(mun_app *app, const mun_token *token, const char *text)
{
    if (app->json) {
        json_t *object = mun_out_new("token");
        out_token(object, token);
        mun_out_cstr(object, "token", text);
        mun_out_print(app, object);
        return;
    }
    printf("%s\n", text);
    if (fflush(stdout) != 0 || app->quiet) return;
    fprintf(stderr, "That is the token of %s. It is not shown again.\n", token->principal.name);
}

mun_code mun_cmd_token_new(mun_app *app, mun_error *err)
{
    const char *path;
    char text[MUN_TOKEN_CHARS + 1];
    mun_token token = {0};
    mun_token_list list;
    int held;
    MUN_TRY(tokens_path(app, &path, err));
    MUN_TRY(token_of_args(app, &token, err));
    MUN_TRY(list_take(path, &held, &list, err));
    mun_code code = mun_token_make(text, token.hash, err);
    if (code == MUN_OK) code = list_add(&list, &token, err);
    if (code == MUN_OK) code = list_write(path, held, &list, err);
    mun_file_let_go(held);
    if (code == MUN_OK) print_new(app, &token, text);
    if (code == MUN_OK && (fflush(stdout) != 0 || ferror(stdout) != 0)) {
        code = mun_failf(err, MUN_E_IO, 0,
                         "the token of %s could not be written out, so nobody has it: revoke it, "
                         "and make another one",
                         token.principal.name);
    }
    mun_cleanse(text, sizeof text);
    mun_token_list_free(&list);
    return code;
}

/* ---- list ---- */

static void print_token(mun_app *app, const mun_token *token)
{
    char room[32], created[MUN_TIME_TEXT], expires[MUN_TIME_TEXT];
    mun_buf scopes = mun_buf_fixed(room, sizeof room);
    bool over = token->expires != 0 && token->expires <= (int64_t)(mun_wall_clock_ms() / 1000);
    if (app->json) {
        json_t *object = mun_out_new("token");
        out_token(object, token);
        mun_out_bool(object, "expired", over);
        mun_out_print(app, object);
        return;
    }
    mun_scopes_put(&scopes, token->principal.scopes);
    mun_moment_text((uint64_t)token->created * 1000, created);
    mun_moment_text((uint64_t)token->expires * 1000, expires);
    printf("%-24s %-18.*s %s  %s%s\n", token->principal.name, (int)scopes.len, room, created,
           token->expires == 0 ? "never expires"
           : over              ? "expired "
                               : "until ",
           token->expires == 0 ? "" : expires);
}

mun_code mun_cmd_token_list(mun_app *app, mun_error *err)
{
    const char *path;
    mun_token_list list;
    MUN_TRY(tokens_path(app, &path, err));
    MUN_TRY(mun_token_list_read(path, true, &list, err));
    for (size_t i = 0; i < list.len; i++) print_token(app, &list.tokens[i]);
    mun_token_list_free(&list);
    return MUN_OK;
}

/* ---- revoke ---- */

static void print_revoked(mun_app *app, const char *name)
{
    if (app->json) {
        json_t *object = mun_out_new("token-revoked");
        mun_out_cstr(object, "name", name);
        mun_out_print(app, object);
    } else if (!app->quiet) {
        printf("%s is revoked.\n", name);
    }
}

mun_code mun_cmd_token_revoke(mun_app *app, mun_error *err)
{
    const char *path;
    mun_token_list list;
    int held;
    MUN_TRY(tokens_path(app, &path, err));
    MUN_TRY(list_take(path, &held, &list, err));
    mun_token *found = list_find(&list, app->args.operands[0]);
    mun_code code = MUN_OK;
    if (found == NULL) {
        code = mun_failf(err, MUN_E_NOT_FOUND, 0, "there is no token named %s in %s",
                         MUN_PLAIN_PATH(app->args.operands[0]), MUN_PLAIN_PATH(path));
    } else {
        size_t after = list.len - (size_t)(found - list.tokens) - 1;
        memmove(found, found + 1, after * sizeof *found);
        list.len--;
        code = list_write(path, held, &list, err);
    }
    mun_file_let_go(held);
    if (code == MUN_OK) print_revoked(app, app->args.operands[0]);
    mun_token_list_free(&list);
    return code;
}
