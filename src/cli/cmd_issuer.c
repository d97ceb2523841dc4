/* SPDX-License-Identifier: Apache-2.0 */
/* issuer add, remove, list: who may register on a ledger, as statements on its log. */
#include "cli/commands.h"
#include "cli/key_text.h"
#include "cli/kids.h"

#include <stdio.h>
#include <string.h>

static mun_code issuer_name(const mun_app *app, mun_slice *ret, mun_error *err)
{
    MUN_TRY(mun_app_text(app, MUN_OPT_ISSUER, ret, err));
    if (ret->len > 0) return MUN_OK;
    return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                    "which issuer? Give its exact name with --issuer, such as --issuer "
                    "https://example.org");
}

static mun_code public_key(const mun_app *app, const char *path, mun_key_file *ret, mun_error *err)
{
    MUN_TRY(mun_key_file_read(&app->crypto, path, ret, err));
    if (ret->format != MUN_KEY_FORMAT_LEDGER_PUB) return MUN_OK;
    return mun_failf(err, MUN_E_USAGE, 0, "%s is a ledger's ledger.pub, not an issuer's key",
                     MUN_PLAIN_PATH(path));
}

static void report(mun_app *app, const char *type, mun_slice iss, const mun_public_key *key,
                   uint64_t index)
{
    if (app->json) {
        json_t *object = mun_out_new(type);
        mun_out_text(object, "issuer", iss);
        if (key != NULL) mun_out_key(app, object, key);
        mun_out_uint(object, "index", index);
        mun_out_print(app, object);
        return;
    }
    if (app->quiet) return;
    bool added = strcmp(type, "issuer-added") == 0;
    printf("%s %s, by entry %llu\n", MUN_PLAIN(iss),
           added         ? "may register"
           : key != NULL ? "may register no more under this key"
                         : "may register no more",
           (unsigned long long)index);
    if (key != NULL) mun_key_print(app, key);
}

mun_code mun_cmd_issuer_add(mun_app *app, mun_error *err)
{
    mun_slice iss;
    mun_key_file file;
    mun_kids kids;
    mun_ledger *ledger;
    uint64_t index;
    MUN_TRY(issuer_name(app, &iss, err));
    MUN_TRY(public_key(app, app->args.operands[0], &file, err));
    MUN_TRY(mun_kids_read(app, mun_slice_of(file.kid, file.kid_len), &kids, err));
    mun_issuer_key key = {.key = file.keys[0], .kids_len = kids.len};
    memcpy(key.kids, kids.kids, kids.len * sizeof key.kids[0]);
    MUN_TRY(mun_app_ledger_open(app, MUN_USE_WRITE, &ledger, err));
    mun_code code = mun_ledger_issuer_add(ledger, iss, &key, &index, err);
    mun_code closed = mun_ledger_close(ledger, code == MUN_OK ? err : NULL);
    MUN_TRY(code != MUN_OK ? code : closed);
    report(app, "issuer-added", iss, &key.key, index);
    return MUN_OK;
}

mun_code mun_cmd_issuer_remove(mun_app *app, mun_error *err)
{
    mun_slice iss;
    mun_key_file file;
    mun_ledger *ledger;
    uint64_t index;
    bool one_key = app->args.operands_len > 0;
    MUN_TRY(issuer_name(app, &iss, err));
    if (one_key) MUN_TRY(public_key(app, app->args.operands[0], &file, err));
    const mun_public_key *key = one_key ? &file.keys[0] : NULL;
    MUN_TRY(mun_app_ledger_open(app, MUN_USE_WRITE, &ledger, err));
    mun_code code = mun_ledger_issuer_remove(ledger, iss, key, &index, err);
    mun_code closed = mun_ledger_close(ledger, code == MUN_OK ? err : NULL);
    MUN_TRY(code != MUN_OK ? code : closed);
    report(app, "issuer-removed", iss, key, index);
    return MUN_OK;
}

typedef struct listing {
    mun_app *app;
    uint64_t count;
} listing;

static mun_code list_one(void *ctx, mun_slice iss, const mun_issuer_key *key, uint64_t added_index,
                         mun_error *err)
{
    listing *l = ctx;
    (void)err;
    l->count++;
    if (l->app->json) {
        json_t *object = mun_out_new("issuer");
        json_t *kids = json_array();
        mun_out_text(object, "issuer", iss);
        mun_out_key(l->app, object, &key->key);
        for (size_t i = 0; i < key->kids_len; i++) {
            json_array_append_new(kids, json_string(MUN_HEX(key->kids[i].ptr, key->kids[i].len)));
        }
        mun_out_put(object, "kids", kids);
        mun_out_uint(object, "index", added_index);
        mun_out_print(l->app, object);
        return MUN_OK;
    }
    printf("%s, by entry %llu\n", MUN_PLAIN(iss), (unsigned long long)added_index);
    mun_key_print(l->app, &key->key);
    for (size_t i = 0; i < key->kids_len; i++) {
        printf("  kid         %s\n", MUN_HEX(key->kids[i].ptr, key->kids[i].len));
    }
    return MUN_OK;
}

mun_code mun_cmd_issuer_list(mun_app *app, mun_error *err)
{
    mun_ledger *ledger;
    listing l = {.app = app};
    MUN_TRY(mun_app_ledger_open(app, MUN_USE_READ, &ledger, err));
    mun_code code = mun_ledger_issuers(ledger, list_one, &l, err);
    bool any = mun_ledger_any_issuer(ledger);
    (void)mun_ledger_close(ledger, NULL);
    if (code != MUN_OK || app->json || app->quiet) return code;
    if (any) puts("This ledger also admits any issuer under the name of its own key.");
    if (l.count == 0 && !any) puts("No issuer may register on this ledger yet.");
    return MUN_OK;
}
