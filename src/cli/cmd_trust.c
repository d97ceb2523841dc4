/* SPDX-License-Identifier: Apache-2.0 */
/* trust add, list, remove: the keys that this user trusts. */
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/key_text.h"
#include "cli/kids.h"
#include "cli/remote.h"
#include "cli/screen.h"
#include "codec/radix.h"
#include "trust/trust_store.h"
#include "vfs/files.h"

#include <stdio.h>
#include <string.h>

static mun_code trust_path(const mun_app *app, char *ret, size_t cap, mun_error *err)
{
    const char *given = mun_app_value(app, MUN_OPT_TRUST);
    if (given == NULL) return mun_trust_default_path(ret, cap, err);
    if (mun_args_nth(&app->args, MUN_OPT_TRUST, 1) != NULL) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "--trust was given twice; this command works on one trust folder");
    }
    return mun_path_with(given, "", ret, cap, err);
}

/* ---- add ---- */

typedef struct adding {
    mun_app *app;
    char path[MUN_PATH_BYTES_MAX];
    mun_key_file file;
    mun_kids kids;
    mun_role role;
    mun_slice name, reason;
} adding;

static mun_code read_what(adding *a, mun_error *err)
{
    mun_app *app = a->app;
    const char *role = mun_app_value(app, MUN_OPT_ROLE);
    bool is_ledger = a->file.format == MUN_KEY_FORMAT_LEDGER_PUB;
    MUN_TRY(mun_app_text(app, MUN_OPT_REASON, &a->reason, err));
    MUN_TRY(mun_app_text(app, MUN_OPT_NAME, &a->name, err));
    mun_slice own = mun_slice_of(a->file.name, a->file.name_len);
    if (is_ledger && a->name.len > 0 && !mun_slice_equal(a->name, own)) {
        return mun_failf(err, MUN_E_USAGE, 0,
                         "this ledger.pub is that of %s; it speaks for no "
                         "other name",
                         MUN_PLAIN(own));
    }
    if (is_ledger && role != NULL && strcmp(role, "ledger") != 0) {
        return mun_failf(err, MUN_E_USAGE, 0, "a ledger.pub speaks as a ledger, not as %s", role);
    }
    if (!is_ledger && role == NULL) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "trusted as what? Give --role issuer, ledger, witness or tsa");
    }
    if (a->name.len == 0) a->name = own;
    if (a->name.len == 0) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "whose key is it? Give the exact name it speaks for with --name");
    }
    a->role = MUN_ROLE_LEDGER;
    if (role != NULL) (void)mun_role_parse(mun_slice_cstr(role), &a->role);
    return mun_kids_read(app, mun_slice_of(a->file.kid, a->file.kid_len), &a->kids, err);
}

/* The moment in which trust begins: somebody has to compare. */
static mun_code confirm(adding *a, mun_error *err)
{
    bool yes = false;
    if (a->file.format != MUN_KEY_FORMAT_LEDGER_PUB) return MUN_OK;
    if (mun_app_has(a->app, MUN_OPT_YES)) return MUN_OK;
    uint8_t room[256];
    mun_buf words = mun_buf_fixed(room, sizeof room);
    mun_ledger_pub pub = {.origin = mun_slice_of(a->file.name, a->file.name_len),
                          .receipts = a->file.keys[0],
                          .checkpoints = a->file.keys[1]};
    mun_ledger_fingerprint(&a->app->crypto, &pub, &words);
    fprintf(stderr, "ledger %s\n\n    %s\n\n", MUN_PLAIN(pub.origin),
            MUN_PLAIN(mun_buf_slice(&words)));
    MUN_TRY(
        mun_ask_yes("Are these the words that the ledger's owner reads out?", "yes", &yes, err));
    if (yes) return MUN_OK;
    return mun_fail(err, MUN_E_UNTRUSTED, MUN_NO_OFFSET, "nothing was added");
}

static void report_added(adding *a, const mun_public_key *key, const char *file)
{
    mun_app *app = a->app;
    if (app->json) {
        json_t *object = mun_out_new("trust-added");
        mun_out_cstr(object, "role", mun_role_name(a->role));
        mun_out_text(object, "name", a->name);
        mun_out_key(app, object, key);
        mun_out_path(object, "file", file);
        mun_out_print(app, object);
        return;
    }
    if (app->quiet) return;
    printf("%s: trusted as %s\n", MUN_PLAIN(a->name), mun_role_name(a->role));
    mun_key_print(app, key);
}

static mun_code add_key(adding *a, const mun_public_key *key, mun_error *err)
{
    mun_buf file MUN_BUF_AUTO = mun_buf_growable(MUN_PATH_BYTES_MAX);
    mun_trust_entry entry = {
        .key = {.role = a->role, .name = a->name, .key = *key, .trusted = true},
        .reason = a->reason,
        .added = (int64_t)(mun_wall_clock_ms() / 1000),
    };
    entry.key.kids_len = a->kids.len;
    memcpy(entry.key.kids, a->kids.kids, a->kids.len * sizeof entry.key.kids[0]);
    MUN_TRY(mun_trust_add(&a->app->crypto, a->path, &entry, &file, err));
    mun_buf_u8(&file, '\0');
    report_added(a, key, mun_buf_ok(&file) ? (const char *)file.ptr : "");
    return MUN_OK;
}

/* The one place where a key is taken from the network: the user says so by giving a URL, and
 * compares the words before it counts. */
static mun_code fetch_file(adding *a, const char *url, mun_error *err)
{
    mun_remote *remote;
    MUN_TRY(mun_remote_connect(a->app, url, &remote, err));
    mun_code code = mun_remote_identity(remote, err);
    if (code == MUN_OK) {
        code = mun_key_file_parse(&a->app->crypto, mun_buf_slice(&remote->pub_text), &a->file, err);
    }
    mun_remote_close(remote);
    return code;
}

static mun_code read_file(adding *a, const char *operand, mun_error *err)
{
    if (mun_url_like(operand)) return fetch_file(a, operand, err);
    return mun_key_file_read(&a->app->crypto, operand, &a->file, err);
}

mun_code mun_cmd_trust_add(mun_app *app, mun_error *err)
{
    static adding a;
    a.app = app;
    MUN_TRY(trust_path(app, a.path, sizeof a.path, err));
    MUN_TRY(read_file(&a, app->args.operands[0], err));
    MUN_TRY(read_what(&a, err));
    MUN_TRY(confirm(&a, err));
    size_t known = 0;
    for (size_t i = 0; i < a.file.keys_len; i++) {
        mun_code code = add_key(&a, &a.file.keys[i], err);
        if (code == MUN_E_EXISTS && ++known < a.file.keys_len) continue; /* the other is new */
        MUN_TRY(code);
    }
    return MUN_OK;
}

/* ---- list ---- */

static void print_entry(mun_app *app, const mun_trust_entry *entry)
{
    const mun_trusted_key *key = &entry->key;
    if (app->json) {
        json_t *object = mun_out_new("trust");
        json_t *kids = json_array();
        mun_out_cstr(object, "role", mun_role_name(key->role));
        mun_out_text(object, "name", key->name);
        mun_out_key(app, object, &key->key);
        for (size_t i = 0; i < key->kids_len; i++) {
            json_array_append_new(kids, json_string(MUN_HEX(key->kids[i].ptr, key->kids[i].len)));
        }
        mun_out_put(object, "kids", kids);
        mun_out_text(object, "reason", entry->reason);
        mun_out_time(object, "added", entry->added > 0 ? (uint64_t)entry->added * 1000 : 0);
        if (entry->file != NULL) mun_out_path(object, "file", entry->file);
        mun_out_print(app, object);
        return;
    }
    char time[MUN_TIME_TEXT];
    mun_moment_text(entry->added > 0 ? (uint64_t)entry->added * 1000 : 0, time);
    printf("%s %s\n", mun_role_name(key->role), MUN_PLAIN(key->name));
    mun_key_print(app, &key->key);
    for (size_t i = 0; i < key->kids_len; i++) {
        printf("  kid         %s\n", MUN_HEX(key->kids[i].ptr, key->kids[i].len));
    }
    printf("  added       %s\n", time);
    if (entry->reason.len > 0) printf("  reason      %s\n", MUN_PLAIN(entry->reason));
}

static mun_code load(const char *path, mun_trust_store **ret, mun_error *err)
{
    mun_trust_store *store;
    MUN_TRY(mun_trust_store_new(&store, err));
    mun_code code = mun_trust_store_load(store, path, err);
    if (code != MUN_OK && code != MUN_E_NOT_FOUND) {
        mun_trust_store_free(store);
        return code;
    }
    *ret = store;
    return MUN_OK;
}

mun_code mun_cmd_trust_list(mun_app *app, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    mun_trust_store *store;
    MUN_TRY(trust_path(app, path, sizeof path, err));
    MUN_TRY(load(path, &store, err));
    for (size_t i = 0; i < mun_trust_store_size(store); i++) {
        print_entry(app, mun_trust_store_at(store, i));
    }
    if (mun_trust_store_size(store) == 0 && !app->json && !app->quiet) {
        printf("Nobody is trusted yet: there is nothing in %s\n", MUN_PLAIN_PATH(path));
    }
    mun_trust_store_free(store);
    return MUN_OK;
}

/* ---- remove ---- */

static bool matches(const mun_app *app, const mun_trust_entry *entry, mun_slice name,
                    mun_slice thumbprint)
{
    const char *role = mun_app_value(app, MUN_OPT_ROLE);
    if (role != NULL && strcmp(role, mun_role_name(entry->key.role)) != 0) return false;
    uint8_t own[MUN_HASH_SIZE];
    mun_key_thumbprint(&app->crypto, &entry->key.key, own);
    return mun_slice_equal(entry->key.name, name) ||
           mun_slice_equal(mun_slice_of(own, sizeof own), thumbprint);
}

static mun_code remove_all(const mun_app *app, const char *path, const mun_trust_store *store,
                           size_t *removed, mun_error *err)
{
    uint8_t room[MUN_HASH_SIZE], own[MUN_HASH_SIZE];
    mun_buf thumbprint = mun_buf_fixed(room, sizeof room);
    mun_slice name = mun_slice_cstr(app->args.operands[0]);
    bool is_hex = mun_hex_take(name, &thumbprint) && thumbprint.len == sizeof room;
    mun_slice wanted = is_hex ? mun_buf_slice(&thumbprint) : (mun_slice){0};
    for (size_t i = 0; i < mun_trust_store_size(store); i++) {
        const mun_trust_entry *entry = mun_trust_store_at(store, i);
        size_t n = 0;
        if (!matches(app, entry, name, wanted)) continue;
        mun_key_thumbprint(&app->crypto, &entry->key.key, own);
        MUN_TRY(
            mun_trust_remove(&app->crypto, path, entry->key.role, entry->key.name, own, &n, err));
        *removed += n;
    }
    if (*removed > 0) return MUN_OK;
    return mun_failf(err, MUN_E_NOT_FOUND, 0,
                     "nothing is trusted under %s; muniment trust list shows what is",
                     MUN_PLAIN(name));
}

mun_code mun_cmd_trust_remove(mun_app *app, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    mun_trust_store *store;
    size_t removed = 0;
    MUN_TRY(trust_path(app, path, sizeof path, err));
    MUN_TRY(load(path, &store, err));
    mun_code code = remove_all(app, path, store, &removed, err);
    mun_trust_store_free(store);
    if (code != MUN_OK) return code;
    if (app->json) {
        json_t *object = mun_out_new("trust-removed");
        mun_out_text(object, "name", mun_slice_cstr(app->args.operands[0]));
        mun_out_uint(object, "removed", removed);
        mun_out_print(app, object);
    } else if (!app->quiet) {
        printf("%s: trusted no more (%zu removed)\n", MUN_PLAIN_PATH(app->args.operands[0]),
               removed);
    }
    return MUN_OK;
}
