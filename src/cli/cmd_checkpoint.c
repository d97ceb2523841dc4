/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"
#include "cli/holder.h"
#include "cli/speak.h"
#include "merkle/merkle.h"
#include "vfs/files.h"

#include <stdio.h>
#include <string.h>

/* An earlier checkpoint that this ledger has signed. Borrows from the bytes. */
static mun_code read_old(const mun_app *app, mun_holder *holder, const char *path, mun_buf *bytes,
                         mun_checkpoint *ret, mun_error *err)
{
    const mun_ledger_pub *pub = mun_holder_identity(holder);
    const char *shown = MUN_PLAIN_PATH(path);
    mun_note note;
    MUN_TRY(mun_file_read(path, MUN_NOTE_MAX, bytes, err));
    mun_code code = mun_note_parse(mun_buf_slice(bytes), &note, err);
    if (code == MUN_OK) code = mun_checkpoint_parse(note.text, ret, err);
    if (code != MUN_OK) return mun_error_prefix(err, code, shown);
    if (!mun_slice_equal(ret->origin, pub->origin)) {
        return mun_failf(err, MUN_E_INVALID, 0, "%s is a checkpoint of another ledger, %s", shown,
                         MUN_PLAIN(ret->origin));
    }
    code = mun_holder_check_note(app, holder, &note, err);
    return code == MUN_OK ? MUN_OK : mun_error_prefix(err, code, shown);
}

static mun_code contradiction(const char *path, const mun_checkpoint *old, mun_error *err)
{
    return mun_failf(err, MUN_E_INVALID, 0,
                     "this ledger contradicts %s: its first %llu entries are not those that were "
                     "signed then. Keep both: together they prove that history was changed",
                     MUN_PLAIN_PATH(path), (unsigned long long)old->size);
}

static mun_code check_growth(const mun_app *app, mun_holder *holder, const char *path,
                             const mun_checkpoint *old, mun_tree now, mun_error *err)
{
    mun_hash old_root, new_root, path_nodes[MUN_PROOF_PATH_MAX + 1];
    size_t len = 0;
    if (old->size > now.size) {
        return mun_failf(err, MUN_E_INVALID, 0,
                         "%s was signed at %llu entries and this ledger has only %llu: entries "
                         "were lost, or this is an older copy",
                         MUN_PLAIN_PATH(path), (unsigned long long)old->size,
                         (unsigned long long)now.size);
    }
    if (old->size == 0) return MUN_OK;
    memcpy(old_root.bytes, old->root, sizeof old_root.bytes);
    memcpy(new_root.bytes, now.root, sizeof new_root.bytes);
    uint8_t raw[MUN_PROOF_PATH_MAX + 1][MUN_HASH_SIZE];
    MUN_TRY(mun_holder_consistency(holder, old->size, now.size, raw, &len, err));
    for (size_t i = 0; i < len; i++) memcpy(path_nodes[i].bytes, raw[i], MUN_HASH_SIZE);
    mun_code code = mun_consistency_check(&app->crypto, old->size, &old_root, now.size, &new_root,
                                          path_nodes, len);
    return code == MUN_OK ? MUN_OK : contradiction(path, old, err);
}

/* The checkpoint that was signed says which tree it is of: the writer may go on meanwhile. */
static mun_code tree_of(mun_slice checkpoint, mun_tree *ret, mun_error *err)
{
    mun_note note;
    mun_checkpoint parsed;
    MUN_TRY(mun_note_parse(checkpoint, &note, err));
    MUN_TRY(mun_checkpoint_parse(note.text, &parsed, err));
    ret->size = parsed.size;
    memcpy(ret->root, parsed.root, sizeof ret->root);
    return MUN_OK;
}

static mun_code deliver(mun_app *app, const mun_ledger_pub *pub, mun_slice text, mun_tree now,
                        const mun_checkpoint *old, mun_error *err)
{
    const char *output = mun_app_value(app, MUN_OPT_OUTPUT);
    if (output != NULL) MUN_TRY(mun_file_write(output, text, MUN_WRITE_REPLACE, err));
    if (app->json) {
        json_t *object = mun_out_new("checkpoint");
        mun_out_text(object, "origin", pub->origin);
        mun_out_uint(object, "size", now.size);
        mun_out_hex(object, "root", mun_slice_of(now.root, sizeof now.root));
        mun_out_text(object, "checkpoint", text);
        if (old != NULL) mun_out_uint(object, "grown_from", old->size);
        mun_out_print(app, object);
        return MUN_OK;
    }
    if (output == NULL) mun_print_bytes(text);
    if (old == NULL || app->quiet) return MUN_OK;
    fprintf(stderr, "The log has only grown since: from %llu to %llu entries.\n",
            (unsigned long long)old->size, (unsigned long long)now.size);
    return MUN_OK;
}

static mun_code run(mun_app *app, mun_holder *holder, mun_error *err)
{
    const char *since = mun_app_value(app, MUN_OPT_SINCE);
    mun_buf text MUN_BUF_AUTO = mun_buf_growable(MUN_NOTE_MAX);
    mun_buf old_bytes MUN_BUF_AUTO = mun_buf_growable(MUN_NOTE_MAX);
    mun_checkpoint old;
    mun_tree now;
    MUN_TRY(mun_holder_checkpoint(holder, &text, err));
    MUN_TRY(tree_of(mun_buf_slice(&text), &now, err));
    if (since != NULL) {
        MUN_TRY(read_old(app, holder, since, &old_bytes, &old, err));
        MUN_TRY(check_growth(app, holder, since, &old, now, err));
    }
    return deliver(app, mun_holder_identity(holder), mun_buf_slice(&text), now,
                   since != NULL ? &old : NULL, err);
}

mun_code mun_cmd_checkpoint(mun_app *app, mun_error *err)
{
    mun_holder holder;
    MUN_TRY(mun_holder_open(app, MUN_USE_SIGN, &holder, err));
    mun_code code = run(app, &holder, err);
    (void)mun_holder_close(&holder, NULL);
    return code;
}
