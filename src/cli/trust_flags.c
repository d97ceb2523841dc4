/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/trust_flags.h"

#include "cli/document.h"
#include "cli/speak.h"
#include "codec/utf8.h"
#include "fetch/fetch.h"
#include "vfs/files.h"

#include <stdlib.h>
#include <string.h>

static mun_code put_key(mun_trust_flags *flags, mun_role role, mun_slice name,
                        const mun_public_key *key, mun_slice kid, mun_error *err)
{
    mun_trusted_key entry = {.role = role, .name = name, .key = *key, .trusted = true};
    if (kid.len > 0) entry.kids[entry.kids_len++] = kid;
    return mun_trust_store_put(flags->store, &entry, err);
}

static mun_code put_bare(mun_trust_flags *flags, mun_role role, const mun_key_file *file,
                         mun_error *err)
{
    mun_bare_key *grown = realloc(flags->bare, (flags->bare_len + 1) * sizeof *grown);
    if (grown == NULL) return mun_failf(err, MUN_E_MEMORY, 0, "no memory for the keys");
    flags->bare = grown;
    mun_bare_key *bare = &flags->bare[flags->bare_len++];
    *bare = (mun_bare_key){.role = role, .key = file->keys[0], .kid_len = file->kid_len};
    memcpy(bare->kid, file->kid, file->kid_len);
    return MUN_OK;
}

static mun_code put_ledger_pub(mun_trust_flags *flags, const mun_key_file *file, mun_error *err)
{
    mun_slice origin = mun_slice_of(file->name, file->name_len);
    for (size_t i = 0; i < file->keys_len; i++) {
        MUN_TRY(put_key(flags, MUN_ROLE_LEDGER, origin, &file->keys[i], (mun_slice){0}, err));
    }
    return MUN_OK;
}

/* The '=' of NAME=F; NULL: the whole is a file. A file that exists under the whole name wins. */
static const char *name_end(const char *value)
{
    mun_file_info info;
    if (mun_file_look(value, true, &info, NULL) == MUN_OK && info.kind != MUN_FILE_MISSING) {
        return NULL;
    }
    return strrchr(value, '=');
}

static mun_code put_flag_key(const mun_app *app, mun_trust_flags *flags, mun_role role,
                             const char *value, mun_error *err)
{
    const char *equals = name_end(value);
    mun_slice name = mun_slice_of(value, equals != NULL ? (size_t)(equals - value) : 0);
    mun_key_file file;
    MUN_TRY(mun_key_file_read(&app->crypto, equals != NULL ? equals + 1 : value, &file, err));
    if (!mun_utf8_valid(name)) {
        return mun_failf(err, MUN_E_USAGE, 0, "the name %s is not UTF-8", MUN_PLAIN(name));
    }
    if (file.format == MUN_KEY_FORMAT_LEDGER_PUB) {
        if (role == MUN_ROLE_LEDGER) return put_ledger_pub(flags, &file, err);
        return mun_failf(err, MUN_E_USAGE, 0,
                         "%s is a ledger's ledger.pub, not an issuer's key; "
                         "give it with --ledger-key",
                         MUN_PLAIN_PATH(value));
    }
    if (file.name_len > 0 && name.len == 0 && role == MUN_ROLE_LEDGER) {
        name = mun_slice_of(file.name, file.name_len);
    }
    if (name.len == 0) return put_bare(flags, role, &file, err);
    return put_key(flags, role, name, &file.keys[0], mun_slice_of(file.kid, file.kid_len), err);
}

static mun_code load_trust_path(const mun_app *app, mun_trust_flags *flags, const char *path,
                                mun_error *err)
{
    mun_file_info info;
    mun_key_file file;
    MUN_TRY(mun_file_look(path, true, &info, err));
    if (info.kind == MUN_FILE_REGULAR && !mun_path_ends(path, ".json") &&
        mun_key_file_read(&app->crypto, path, &file, NULL) == MUN_OK) {
        if (file.format == MUN_KEY_FORMAT_LEDGER_PUB) return put_ledger_pub(flags, &file, err);
        return mun_failf(err, MUN_E_USAGE, 0,
                         "%s is a bare key; say what it is with --issuer-key or --ledger-key",
                         MUN_PLAIN_PATH(path));
    }
    return mun_trust_store_load(flags->store, path, err);
}

static mun_code load_default(mun_trust_flags *flags, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    mun_file_info info;
    if (mun_trust_default_path(path, sizeof path, NULL) != MUN_OK) return MUN_OK;
    if (mun_file_look(path, true, &info, NULL) != MUN_OK) return MUN_OK; /* HOME is not ours */
    mun_code code = mun_trust_store_load(flags->store, path, err);
    return code == MUN_E_NOT_FOUND ? MUN_OK : code;
}

static mun_code put_issuer(void *ctx, mun_slice iss, const mun_issuer_key *key,
                           uint64_t added_index, mun_error *err)
{
    mun_trust_flags *flags = ctx;
    mun_trusted_key entry = {
        .role = MUN_ROLE_ISSUER, .name = iss, .key = key->key, .trusted = true};
    (void)added_index;
    entry.kids_len = key->kids_len;
    for (size_t i = 0; i < key->kids_len; i++) entry.kids[i] = key->kids[i];
    return mun_trust_store_put(flags->store, &entry, err);
}

/* Receipts from before an adoption were signed with the keys of then. */
static mun_code put_epoch(void *ctx, const mun_ledger_key_epoch *epoch, mun_error *err)
{
    mun_trust_flags *flags = ctx;
    mun_slice origin = mun_ledger_identity(flags->ledger)->origin, none = {0};
    MUN_TRY(put_key(flags, MUN_ROLE_LEDGER, origin, &epoch->receipts, none, err));
    return put_key(flags, MUN_ROLE_LEDGER, origin, &epoch->checkpoints, none, err);
}

static mun_code load_ledger(const char *path, mun_trust_flags *flags, mun_error *err)
{
    mun_ledger_open_options options = {.read_only = true, .no_index = true, .no_keys = true};
    MUN_TRY(mun_ledger_open(path, &options, &flags->ledger, err));
    MUN_TRY(mun_ledger_keys(flags->ledger, put_epoch, flags, err));
    return mun_ledger_issuers(flags->ledger, put_issuer, flags, err);
}

static mun_code load_all(mun_app *app, mun_trust_flags *flags, mun_error *err)
{
    const char *value;
    MUN_TRY(mun_trust_store_new(&flags->store, err));
    for (size_t i = 0; (value = mun_args_nth(&app->args, MUN_OPT_TRUST, i)) != NULL; i++) {
        MUN_TRY(load_trust_path(app, flags, value, err));
    }
    if (!mun_app_has(app, MUN_OPT_TRUST)) MUN_TRY(load_default(flags, err));
    for (size_t i = 0; (value = mun_args_nth(&app->args, MUN_OPT_ISSUER_KEY, i)) != NULL; i++) {
        MUN_TRY(put_flag_key(app, flags, MUN_ROLE_ISSUER, value, err));
    }
    for (size_t i = 0; (value = mun_args_nth(&app->args, MUN_OPT_LEDGER_KEY, i)) != NULL; i++) {
        MUN_TRY(put_flag_key(app, flags, MUN_ROLE_LEDGER, value, err));
    }
    value = mun_app_value(app, MUN_OPT_LEDGER);
    if (value == NULL) return MUN_OK;
    return mun_url_like(value) ? mun_remote_known(app, value, flags, err)
                               : load_ledger(value, flags, err);
}

mun_code mun_trust_flags_load(mun_app *app, mun_trust_flags *ret, mun_error *err)
{
    mun_trust_flags flags = {0};
    mun_code code = load_all(app, &flags, err);
    if (code == MUN_OK) *ret = flags;
    if (code != MUN_OK) mun_trust_flags_free(&flags);
    return code;
}

void mun_trust_flags_free(mun_trust_flags *flags)
{
    mun_trust_store_free(flags->store);
    free(flags->bare);
    for (size_t i = 0; i < flags->known_len; i++) free(flags->known[i].name);
    free(flags->known);
    (void)mun_ledger_close(flags->ledger, NULL);
    *flags = (mun_trust_flags){0};
}

/* Another maker's kid cannot be told from the key: the flag vouches for it. A kid as long as a
 * thumbprint names its key by itself. */
static void add_bare(mun_trusted_key *list, size_t *len, const mun_bare_key *bare, mun_slice name,
                     bool have_kid, mun_slice kid)
{
    if (name.len == 0) return;
    mun_trusted_key *entry = &list[(*len)++];
    *entry = (mun_trusted_key){.role = bare->role, .name = name, .key = bare->key, .trusted = true};
    if (bare->kid_len > 0) {
        entry->kids[entry->kids_len++] = mun_slice_of(bare->kid, bare->kid_len);
    } else if (have_kid && kid.len != MUN_HASH_SIZE) {
        entry->kids[entry->kids_len++] = kid;
    }
}

static void add_ledger_bare(mun_trusted_key *list, size_t *len, const mun_bare_key *bare,
                            const mun_statement *statement)
{
    for (size_t i = 0; i < statement->receipts_len; i++) {
        mun_receipt receipt;
        if (mun_receipt_parse(statement->receipts[i], &receipt, NULL) != MUN_OK) continue;
        add_bare(list, len, bare, receipt.iss, receipt.have_kid, receipt.kid);
    }
    for (size_t i = 0; i < statement->proofs_len; i++) {
        mun_tlog_proof proof;
        mun_note note;
        mun_checkpoint checkpoint;
        if (mun_tlog_proof_parse(statement->proofs[i], &proof, NULL) != MUN_OK) continue;
        if (mun_note_parse(proof.note, &note, NULL) != MUN_OK) continue;
        if (mun_checkpoint_parse(note.text, &checkpoint, NULL) != MUN_OK) continue;
        add_bare(list, len, bare, checkpoint.origin, false, (mun_slice){0});
    }
}

static void add_known(mun_trusted_key *list, size_t *len, const mun_known_key *known)
{
    mun_trusted_key *entry = &list[(*len)++];
    *entry = (mun_trusted_key){.role = known->role,
                               .name = mun_slice_of(known->name, known->name_len),
                               .key = known->key,
                               .kids_len = known->kids_len};
    for (size_t i = 0; i < known->kids_len; i++) {
        entry->kids[i] = mun_slice_of(known->kids[i], known->kid_lens[i]);
    }
}

mun_code mun_trust_flags_for(const mun_trust_flags *flags, const mun_statement *statement,
                             mun_trusted_key **ret, size_t *ret_len, mun_error *err)
{
    size_t stored;
    const mun_trusted_key *keys = mun_trust_store_keys(flags->store, &stored);
    size_t most =
        stored + flags->known_len + flags->bare_len * (MUN_RECEIPTS_MAX + MUN_PROOFS_MAX + 1);
    mun_trusted_key *list = calloc(most + 1, sizeof *list);
    if (list == NULL) return mun_failf(err, MUN_E_MEMORY, 0, "no memory for the trusted keys");
    size_t len = stored;
    if (stored > 0) memcpy(list, keys, stored * sizeof *list);
    for (size_t i = 0; i < flags->bare_len; i++) {
        const mun_bare_key *bare = &flags->bare[i];
        if (bare->role == MUN_ROLE_LEDGER) {
            add_ledger_bare(list, &len, bare, statement);
        } else {
            add_bare(list, &len, bare, statement->iss, statement->have_kid, statement->kid);
        }
    }
    for (size_t i = 0; i < flags->known_len; i++) add_known(list, &len, &flags->known[i]);
    *ret = list;
    *ret_len = len;
    return MUN_OK;
}
