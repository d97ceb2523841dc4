/* SPDX-License-Identifier: Apache-2.0 */
/* kit: all that a stranger needs to verify one document in thirty years. */
#include "cli/check_document.h"
#include "cli/commands.h"
#include "cli/kit_writer.h"
#include "cli/sibling.h"
#include "cli/subject.h"
#include "vfs/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (1u << 20)

typedef struct kit {
    mun_app *app;
    const mun_checked *checked;
    mun_kit_writer *out;
    char document[MUN_PATH_BYTES_MAX]; /* its name in the kit */
    mun_trusted_key *keys;             /* those that the evidence names */
    size_t keys_len;
} kit;

static mun_code put(kit *k, const char *name, mun_buf *text, mun_error *err)
{
    if (!mun_buf_ok(text)) return mun_failf(err, MUN_E_LIMIT, 0, "%s gets too long", name);
    return k->out->table->file(k->out, name, mun_buf_slice(text), err);
}

/* ---- Keys ---- */

static bool names_key(const mun_checked *c, const mun_trusted_key *key)
{
    if (key->role == MUN_ROLE_ISSUER) return mun_slice_equal(key->name, c->statement.iss);
    if (key->role == MUN_ROLE_WITNESS) return c->report.cosignatures > 0;
    if (key->role != MUN_ROLE_LEDGER) return false;
    if (mun_slice_equal(key->name, c->report.ledger)) return true;
    for (size_t i = 0; i < c->statement.receipts_len; i++) {
        mun_receipt receipt;
        if (mun_receipt_parse(c->statement.receipts[i], &receipt, NULL) == MUN_OK &&
            mun_slice_equal(receipt.iss, key->name)) {
            return true;
        }
    }
    return false;
}

static void keep_named(kit *k)
{
    size_t kept = 0;
    for (size_t i = 0; i < k->keys_len; i++) {
        if (names_key(k->checked, &k->keys[i])) k->keys[kept++] = k->keys[i];
    }
    k->keys_len = kept;
}

static void key_file_name(const kit *k, size_t i, char ret[64])
{
    snprintf(ret, 64, "keys/%s-%zu.pem", mun_role_name(k->keys[i].role), i + 1);
}

static mun_code put_trust_json(kit *k, mun_error *err)
{
    json_t *list = json_array();
    for (size_t i = 0; i < k->keys_len; i++) {
        const mun_trusted_key *key = &k->keys[i];
        mun_buf cose MUN_BUF_AUTO = mun_buf_growable(MUN_COSE_KEY_MAX);
        mun_cose_key_write(&key->key, (mun_slice){0}, 0, &cose);
        json_t *entry = json_object(), *kids = json_array();
        mun_out_cstr(entry, "role", mun_role_name(key->role));
        mun_out_text(entry, "name", key->name);
        mun_out_hex(entry, "key", mun_buf_slice(&cose));
        for (size_t n = 0; n < key->kids_len; n++) {
            json_array_append_new(kids, json_string(MUN_HEX(key->kids[n].ptr, key->kids[n].len)));
        }
        mun_out_put(entry, "kids", kids);
        mun_out_bool(entry, "trusted", key->trusted);
        json_array_append_new(list, entry);
    }
    char *text = json_dumps(list, JSON_INDENT(2));
    json_decref(list);
    if (text == NULL) return mun_failf(err, MUN_E_MEMORY, 0, "no memory for the keys");
    mun_code code = k->out->table->file(k->out, "keys/trust.json", mun_slice_cstr(text), err);
    free(text);
    return code;
}

static mun_code put_keys(kit *k, mun_error *err)
{
    for (size_t i = 0; i < k->keys_len; i++) {
        char name[64];
        mun_buf pem MUN_BUF_AUTO = mun_buf_growable(MUN_PEM_MAX);
        key_file_name(k, i, name);
        mun_public_key_to_pem(&k->keys[i].key, &pem);
        MUN_TRY(put(k, name, &pem, err));
    }
    return put_trust_json(k, err);
}

/* ---- Words ---- */

static void line(mun_buf *out, const char *a, const char *b, const char *c)
{
    mun_buf_text(out, a);
    mun_buf_text(out, b);
    mun_buf_text(out, c);
    mun_buf_u8(out, '\n');
}

/* In single quotes for a shell. */
static void quoted(mun_buf *out, mun_slice text)
{
    mun_buf_u8(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'') mun_buf_text(out, "'\\''");
        if (text.ptr[i] != '\'') mun_buf_u8(out, text.ptr[i]);
    }
    mun_buf_u8(out, '\'');
}

static void put_command(const kit *k, mun_buf *out)
{
    mun_buf_text(out, "    muniment verify ");
    char path[MUN_PATH_BYTES_MAX + 16];
    snprintf(path, sizeof path, "document/%s", k->document);
    quoted(out, mun_slice_cstr(path));
    for (size_t i = 0; i < k->keys_len; i++) {
        char name[64];
        const mun_trusted_key *key = &k->keys[i];
        if (key->role != MUN_ROLE_ISSUER && key->role != MUN_ROLE_LEDGER) continue;
        key_file_name(k, i, name);
        mun_buf_text(out, key->role == MUN_ROLE_ISSUER ? " \\\n        --issuer-key "
                                                       : " \\\n        --ledger-key ");
        mun_buf value MUN_BUF_AUTO = mun_buf_growable(MUN_NAME_MAX + 128);
        mun_buf_put(&value, key->name);
        mun_buf_u8(&value, '=');
        mun_buf_text(&value, name);
        quoted(out, mun_buf_slice(&value));
    }
    mun_buf_u8(out, '\n');
}

static mun_code put_readme(kit *k, mun_error *err)
{
    mun_buf text MUN_BUF_AUTO = mun_buf_growable(TEXT_MAX);
    char path[MUN_PATH_BYTES_MAX + 32];
    line(&text, "HOW TO VERIFY THIS DOCUMENT\n", "", "");
    mun_buf_text(&text,
                 "This folder holds a document and the evidence that somebody signed it and that a "
                 "ledger\nregistered it. Nobody has to be asked and nothing has to be fetched to "
                 "check that.\n\n");
    line(&text, "  document/   the document, and beside it its evidence (.scitt)", "", "");
    line(&text, "  keys/       the public keys with which it was checked, and whose they are", "",
         "");
    line(&text, "  REPORT.txt  what was found when this kit was made", "", "");
    line(&text, "  verifier/   a program in Python that checks the evidence; it needs Python only",
         "", "");
    line(&text,
         "  format/     the documents that define every byte, to write such a program anew\n", "",
         "");
    line(&text, "With Python 3, in this folder:\n", "", "");
    mun_buf_text(&text, "    python3 verifier/verify.py verify ");
    snprintf(path, sizeof path, "document/%s", k->document);
    quoted(&text, mun_slice_cstr(path));
    mun_buf_text(&text, " \\\n        --evidence ");
    snprintf(path, sizeof path, "document/%s.scitt", k->document);
    quoted(&text, mun_slice_cstr(path));
    mun_buf_text(&text, " --trust-json keys/trust.json\n\n");
    line(&text, "With Muniment:\n", "", "");
    put_command(k, &text);
    mun_buf_text(&text,
                 "\nThe keys in this kit were trusted by whoever made it. If you do not trust that "
                 "person, get\nthe issuer's and the ledger's public keys from somewhere else and "
                 "compare.\n");
    return put(k, "README.txt", &text, err);
}

static mun_code put_report(kit *k, mun_error *err)
{
    char time[MUN_TIME_TEXT], shown[512];
    mun_buf text MUN_BUF_AUTO = mun_buf_growable(TEXT_MAX);
    line(&text, "Document:   ", mun_plain(shown, sizeof shown, mun_slice_cstr(k->document)), "");
    line(&text, "Checked:    ", mun_moment_text(mun_wall_clock_ms(), time),
         " with Muniment " MUN_VERSION);
    mun_report_text(k->checked, &text);
    line(&text, "\nKeys", "", "");
    for (size_t i = 0; i < k->keys_len; i++) {
        char name[64];
        uint8_t thumbprint[MUN_HASH_SIZE];
        key_file_name(k, i, name);
        mun_key_thumbprint(&k->app->crypto, &k->keys[i].key, thumbprint);
        line(&text, "  ", name, "");
        line(&text, "    speaks for  ", mun_plain(shown, sizeof shown, k->keys[i].name), "");
        line(&text, "    thumbprint  ", MUN_HEX(thumbprint, sizeof thumbprint), "");
    }
    return put(k, "REPORT.txt", &text, err);
}

static mun_code put_report_json(kit *k, mun_error *err)
{
    json_t *object = mun_report_json(k->app, k->checked);
    char *text = json_dumps(object, JSON_INDENT(2));
    json_decref(object);
    if (text == NULL) return mun_failf(err, MUN_E_MEMORY, 0, "no memory for the report");
    mun_code code = k->out->table->file(k->out, "report.json", mun_slice_cstr(text), err);
    free(text);
    return code;
}

/* ---- What is installed with Muniment ---- */

typedef struct copying {
    kit *k;
    const char *prefix;
} copying;

static bool enter(void *ctx, const mun_walk_entry *folder)
{
    (void)ctx;
    const char *name = mun_path_name(folder->path);
    return strcmp(name, "__pycache__") != 0 && strcmp(name, "tests") != 0;
}

static mun_code copy_one(void *ctx, const mun_walk_entry *entry, mun_error *err)
{
    copying *c = ctx;
    char name[MUN_PATH_BYTES_MAX];
    if (entry->info.kind != MUN_FILE_REGULAR || mun_path_ends(entry->path, ".pyc")) return MUN_OK;
    int len = snprintf(name, sizeof name, "%s/%s", c->prefix, entry->relative);
    if (len < 0 || (size_t)len >= sizeof name) return MUN_OK;
    return c->k->out->table->copy(c->k->out, name, entry->path, err);
}

static mun_code put_tree(kit *k, const char *data, const char *prefix, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    copying c = {k, prefix};
    mun_walk walk = {.ctx = &c, .file = copy_one, .enter = enter};
    MUN_TRY(mun_data_find(data, path, sizeof path, err));
    return mun_dir_walk(path, &walk, err);
}

static mun_code fill(kit *k, mun_error *err)
{
    char name[MUN_PATH_BYTES_MAX + 16];
    snprintf(name, sizeof name, "document/%s", k->document);
    MUN_TRY(k->out->table->copy(k->out, name, k->checked->document, err));
    snprintf(name, sizeof name, "document/%s.scitt", k->document);
    MUN_TRY(k->out->table->file(k->out, name, mun_buf_slice(&k->checked->bytes), err));
    MUN_TRY(put_readme(k, err));
    MUN_TRY(put_report(k, err));
    MUN_TRY(put_report_json(k, err));
    MUN_TRY(put_keys(k, err));
    MUN_TRY(put_tree(k, "format", "format", err));
    return put_tree(k, "ref", "verifier", err);
}

/* ---- The command ---- */

static mun_code name_document(kit *k, mun_error *err)
{
    mun_buf name = mun_buf_fixed(k->document, sizeof k->document - 1);
    MUN_TRY(mun_subject_make(NULL, mun_path_name(k->checked->document), &name, err));
    k->document[name.len] = '\0';
    return MUN_OK;
}

static mun_code open_out(const kit *k, const char *path, mun_kit_writer **ret, mun_error *err)
{
    const mun_report *r = &k->checked->report;
    int64_t time = r->have_registered ? r->registered : (int64_t)(mun_wall_clock_ms() / 1000);
    return mun_path_ends(path, ".zip") ? mun_kit_zip_open(path, time, ret, err)
                                       : mun_kit_folder_open(path, ret, err);
}

static mun_code pack(kit *k, const char *path, mun_error *err)
{
    keep_named(k);
    MUN_TRY(name_document(k, err));
    MUN_TRY(open_out(k, path, &k->out, err));
    mun_code code = fill(k, err);
    if (code == MUN_OK) return k->out->table->commit(k->out, err);
    k->out->table->abandon(k->out);
    return code;
}

static mun_code refuse_bad(const mun_checked *c, mun_error *err)
{
    if (c->code != MUN_OK) {
        *err = c->error;
        return c->code;
    }
    if (c->report.verdict != 1) return MUN_OK;
    return mun_failf(err, MUN_E_INVALID, 0, "this is not packed, for it proves nothing. %s",
                     MUN_PLAIN(mun_slice_cstr(c->report.summary)));
}

static void report(mun_app *app, const mun_checked *c, const char *path)
{
    app->exit_code = c->report.verdict;
    if (app->json) {
        json_t *object = mun_out_new("kit");
        mun_out_path(object, "kit", path);
        mun_out_uint(object, "verdict", (uint64_t)c->report.verdict);
        mun_out_print(app, object);
        return;
    }
    if (app->quiet) return;
    printf("%s: packed. %s\n", MUN_PLAIN_PATH(path), MUN_PLAIN(mun_slice_cstr(c->report.summary)));
}

static mun_code run(mun_app *app, const mun_trust_flags *flags, const char *evidence,
                    const char *path, mun_error *err)
{
    mun_checked checked;
    kit k = {.app = app, .checked = &checked};
    mun_check_document(app, flags, app->args.operands[0], evidence, &checked);
    mun_code code = refuse_bad(&checked, err);
    if (code == MUN_OK) {
        code = mun_trust_flags_for(flags, &checked.statement, &k.keys, &k.keys_len, err);
    }
    if (code == MUN_OK) code = pack(&k, path, err);
    if (code == MUN_OK) report(app, &checked, path);
    free(k.keys);
    mun_checked_free(&checked);
    return code;
}

mun_code mun_cmd_kit(mun_app *app, mun_error *err)
{
    const char *document = app->args.operands[0];
    const char *given = mun_app_value(app, MUN_OPT_EVIDENCE);
    const char *output = mun_app_value(app, MUN_OPT_OUTPUT);
    char evidence[MUN_PATH_BYTES_MAX], path[MUN_PATH_BYTES_MAX];
    mun_trust_flags flags;
    MUN_TRY(mun_path_with(given != NULL ? given : document, given != NULL ? "" : ".scitt", evidence,
                          sizeof evidence, err));
    MUN_TRY(mun_path_with(output != NULL ? output : document, output != NULL ? "" : ".kit.zip",
                          path, sizeof path, err));
    MUN_TRY(mun_trust_flags_load(app, &flags, err));
    mun_code code = run(app, &flags, evidence, path, err);
    mun_trust_flags_free(&flags);
    return code;
}
