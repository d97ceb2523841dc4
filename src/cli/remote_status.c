/* SPDX-License-Identifier: Apache-2.0 */
/* status and show of a service's ledger, and of a service with all its ledgers. */
#include "cli/key_text.h"
#include "cli/remote.h"
#include "cli/speak.h"

#include <stdio.h>
#include <string.h>

static bool is_true(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

static void print_json(const mun_remote *remote, const char *url, const json_t *about)
{
    mun_app *app = remote->app;
    json_t *object = mun_out_new("status");
    mun_out_cstr(object, "url", url);
    mun_out_identity(app, object, &remote->pub);
    mun_out_bool(object, "trusted", remote->trusted);
    mun_out_bool(object, "any_issuer", is_true(about, "any_issuer"));
    mun_out_bool(object, "copy", is_true(about, "copy"));
    mun_out_text(object, "state", mun_remote_text(about, "state"));
    mun_out_uint(object, "size", remote->tree.size);
    mun_out_hex(object, "root", mun_slice_of(remote->tree.root, sizeof remote->tree.root));
    mun_out_print(app, object);
}

static void print_text(const mun_remote *remote, const char *url, const json_t *about)
{
    mun_identity_print(remote->app, &remote->pub);
    printf("  service      %s\n", MUN_PLAIN_PATH(url));
    printf("  trusted      %s\n", remote->trusted
                                      ? "yes: its checkpoint is signed by a key trusted here"
                                      : "no: the keys above are what the service itself shows");
    printf("  entries      %llu\n", (unsigned long long)remote->tree.size);
    printf("  root         %s\n", MUN_HEX(remote->tree.root, sizeof remote->tree.root));
    printf("  issuers      %s\n", is_true(about, "any_issuer")
                                      ? "any, under the name of its own key, and those on the list"
                                      : "those on the list");
    printf("  state        %s%s\n", MUN_PLAIN(mun_remote_text(about, "state")),
           is_true(about, "copy") ? ", a copy that only reads" : "");
}

/* A service's list: what it says, no more; each ledger's own status has what can be checked. */
static mun_code print_service(mun_remote *remote, const json_t *service, mun_error *err)
{
    size_t i;
    json_t *ledger, *ledgers = json_object_get(service, "ledgers");
    if (!json_is_array(ledgers)) {
        return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET, "the service lists no ledgers");
    }
    json_array_foreach(ledgers, i, ledger)
    {
        json_int_t size = json_integer_value(json_object_get(ledger, "size"));
        if (remote->app->json) {
            json_t *object = mun_out_new("served");
            mun_out_text(object, "name", mun_remote_text(ledger, "name"));
            mun_out_text(object, "base", mun_remote_text(ledger, "base"));
            mun_out_text(object, "origin", mun_remote_text(ledger, "origin"));
            mun_out_text(object, "state", mun_remote_text(ledger, "state"));
            mun_out_uint(object, "size", size > 0 ? (uint64_t)size : 0);
            mun_out_print(remote->app, object);
            continue;
        }
        printf("%-24s %-10s %12lld entries  %s\n", MUN_PLAIN(mun_remote_text(ledger, "name")),
               MUN_PLAIN(mun_remote_text(ledger, "state")), (long long)size,
               MUN_PLAIN(mun_remote_text(ledger, "origin")));
    }
    return MUN_OK;
}

static mun_code one_ledger(mun_app *app, const char *url, mun_error *err)
{
    mun_remote *remote;
    json_t *about = NULL;
    MUN_TRY(mun_remote_open(app, url, &remote, err));
    mun_code code = mun_remote_checkpoint(remote, err);
    if (code == MUN_OK) code = mun_remote_get_json(remote, "/v1", &about, err);
    if (code == MUN_OK && app->json) print_json(remote, url, about);
    if (code == MUN_OK && !app->json) print_text(remote, url, about);
    json_decref(about);
    mun_remote_close(remote);
    return code;
}

/* Several ledgers stand at /NAME below the service's root; one alone stands at the root itself. */
static mun_code several(mun_remote *root, bool *ret, mun_error *err)
{
    json_t *service = NULL;
    *ret = false;
    if (root->url.path[0] != '\0') return MUN_OK;
    mun_code code = mun_remote_get_json(root, "/v1/service", &service, err);
    if (code == MUN_E_NOT_FOUND || code == MUN_E_PERMISSION) return MUN_OK;
    MUN_TRY(code);
    json_t *ledgers = json_object_get(service, "ledgers");
    bool only_here = json_array_size(ledgers) == 1 &&
                     mun_remote_text(json_array_get(ledgers, 0), "base").len == 0;
    *ret = !only_here;
    if (*ret) code = print_service(root, service, err);
    json_decref(service);
    return code;
}

mun_code mun_remote_status(mun_app *app, const char *url, mun_error *err)
{
    mun_remote *root;
    bool listed = false;
    MUN_TRY(mun_remote_connect(app, url, &root, err));
    mun_code code = several(root, &listed, err);
    mun_remote_close(root);
    return code != MUN_OK || listed ? code : one_ledger(app, url, err);
}
