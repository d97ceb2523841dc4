/* SPDX-License-Identifier: Apache-2.0 */
/* verify: which evidence belongs to which document, single files and whole folders. */
#include "cli/audit.h"
#include "cli/commands.h"
#include "cli/subject.h"
#include "vfs/files.h"

#include <stdio.h>
#include <string.h>

#define ENDING ".scitt"

typedef struct verifier {
    mun_app *app;
    mun_trust_flags flags;
    mun_audit audit;
    const char *evidence; /* of --evidence, or NULL */
    bool evidence_is_folder;
} verifier;

static bool exists(const char *path)
{
    mun_file_info info;
    return mun_file_look(path, true, &info, NULL) == MUN_OK && info.kind != MUN_FILE_MISSING;
}

static void check(verifier *v, const char *document, const char *evidence)
{
    mun_checked checked;
    mun_check_document(v->app, &v->flags, document, evidence, &checked);
    mun_audit_checked(&v->audit, &checked);
    mun_checked_free(&checked);
}

static mun_code join(const char *folder, const char *relative, const char *ending, char *ret,
                     mun_error *err)
{
    int len = snprintf(ret, MUN_PATH_BYTES_MAX, "%s/%s%s", folder, relative, ending);
    if (len > 0 && len < MUN_PATH_BYTES_MAX) return MUN_OK;
    return mun_failf(err, MUN_E_LIMIT, 0, "the path of the evidence of %s is too long",
                     MUN_PLAIN_PATH(relative));
}

/* In a folder made by register --out: by the path as listed, or by the name alone. */
static mun_code evidence_in_folder(const verifier *v, const char *document, char *ret,
                                   mun_error *err)
{
    char clean[MUN_PATH_BYTES_MAX];
    if (strlen(document) >= sizeof clean) {
        return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "the path of the document is too long");
    }
    mun_path_clean(document, clean);
    MUN_TRY(join(v->evidence, clean, ENDING, ret, err));
    if (exists(ret)) return MUN_OK;
    return join(v->evidence, mun_path_name(document), ENDING, ret, err);
}

static mun_code check_one(verifier *v, const char *document, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    if (v->evidence == NULL && mun_path_ends(document, ENDING)) {
        check(v, NULL, document);
        return MUN_OK;
    }
    if (v->evidence == NULL && strcmp(document, "-") == 0) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "the document comes from standard input; name its evidence with "
                        "--evidence");
    }
    if (v->evidence == NULL) {
        MUN_TRY(mun_path_with(document, ENDING, path, sizeof path, err));
    } else if (v->evidence_is_folder) {
        MUN_TRY(evidence_in_folder(v, document, path, err));
    } else {
        MUN_TRY(mun_path_with(v->evidence, "", path, sizeof path, err));
    }
    check(v, document, path);
    return MUN_OK;
}

/* ---- Folders ---- */

static mun_code audit_evidence(verifier *v, const mun_walk_entry *entry, mun_error *err)
{
    char document[MUN_PATH_BYTES_MAX];
    size_t len = strlen(entry->path) - strlen(ENDING);
    MUN_TRY(mun_path_with(entry->path, "", document, sizeof document, err));
    document[len] = '\0';
    if (!exists(document)) mun_audit_lone(&v->audit, MUN_DOC_MISSING, document, entry->path);
    return MUN_OK;
}

static mun_code audit_file(void *ctx, const mun_walk_entry *entry, mun_error *err)
{
    verifier *v = ctx;
    char evidence[MUN_PATH_BYTES_MAX];
    if (mun_interrupted()) {
        return mun_fail(err, MUN_E_AGAIN, MUN_NO_OFFSET, "interrupted; not everything was checked");
    }
    if (entry->info.kind != MUN_FILE_REGULAR) return MUN_OK;
    if (mun_file_is_temporary(mun_path_name(entry->path))) return MUN_OK;
    bool is_evidence = mun_path_ends(entry->path, ENDING);
    if (is_evidence) return v->evidence == NULL ? audit_evidence(v, entry, err) : MUN_OK;
    if (v->evidence != NULL) {
        MUN_TRY(join(v->evidence, entry->relative, ENDING, evidence, err));
    } else {
        MUN_TRY(mun_path_with(entry->path, ENDING, evidence, sizeof evidence, err));
    }
    if (exists(evidence)) {
        check(v, entry->path, evidence);
    } else {
        mun_audit_lone(&v->audit, MUN_DOC_UNREGISTERED, entry->path, NULL);
    }
    return MUN_OK;
}

static mun_code audit_unreadable(void *ctx, const mun_walk_entry *entry, const mun_error *why)
{
    verifier *v = ctx;
    mun_audit_unreadable(&v->audit, entry->path, why);
    return MUN_OK;
}

/* Evidence that lies apart from the documents: which of it has lost its document? */
typedef struct apart {
    verifier *v;
    const char *root;
} apart;

static mun_code audit_apart(void *ctx, const mun_walk_entry *entry, mun_error *err)
{
    apart *a = ctx;
    char document[MUN_PATH_BYTES_MAX];
    if (entry->info.kind != MUN_FILE_REGULAR || !mun_path_ends(entry->path, ENDING)) return MUN_OK;
    MUN_TRY(join(a->root, entry->relative, "", document, err));
    document[strlen(document) - strlen(ENDING)] = '\0';
    if (!exists(document)) mun_audit_lone(&a->v->audit, MUN_DOC_MISSING, document, entry->path);
    return MUN_OK;
}

static mun_code audit_folder(verifier *v, const char *folder, bool only, mun_error *err)
{
    mun_walk walk = {.ctx = v, .file = audit_file, .unreadable = audit_unreadable};
    if (v->evidence != NULL && !v->evidence_is_folder) {
        return mun_failf(err, MUN_E_USAGE, 0,
                         "%s is one file; for a folder of documents --evidence is the folder that "
                         "was given to register --out",
                         MUN_PLAIN_PATH(v->evidence));
    }
    MUN_TRY(mun_dir_walk(folder, &walk, err));
    if (v->evidence == NULL || !only) return MUN_OK;
    apart a = {.v = v, .root = folder};
    mun_walk second = {.ctx = &a, .file = audit_apart, .unreadable = audit_unreadable};
    second.unreadable = NULL;
    return mun_dir_walk(v->evidence, &second, err);
}

static mun_code check_operand(verifier *v, const char *operand, bool only, mun_error *err)
{
    mun_file_info info;
    if (strcmp(operand, "-") == 0) return check_one(v, operand, err);
    MUN_TRY(mun_file_look(operand, true, &info, err));
    if (info.kind == MUN_FILE_MISSING) {
        mun_error why;
        mun_failf(&why, MUN_E_NOT_FOUND, 0, "there is no file %s", MUN_PLAIN_PATH(operand));
        mun_audit_unreadable(&v->audit, operand, &why);
        return MUN_OK;
    }
    if (info.kind != MUN_FILE_DIRECTORY) return check_one(v, operand, err);
    if (v->audit.summing) return audit_folder(v, operand, only, err);
    return mun_failf(err, MUN_E_USAGE, 0, "%s is a folder; -r checks whole folders",
                     MUN_PLAIN_PATH(operand));
}

static mun_code check_operands(verifier *v, mun_error *err)
{
    const mun_args *args = &v->app->args;
    if (v->evidence != NULL && !v->evidence_is_folder && args->operands_len > 1) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "--evidence names one file, which belongs to one document; give one DOC, "
                        "or a folder of evidence");
    }
    if (args->operands_len == 0) check(v, NULL, v->evidence);
    for (size_t i = 0; i < args->operands_len; i++) {
        MUN_TRY(check_operand(v, args->operands[i], args->operands_len == 1, err));
    }
    return mun_audit_end(&v->audit, err);
}

mun_code mun_cmd_verify(mun_app *app, mun_error *err)
{
    verifier v = {.app = app, .evidence = mun_app_value(app, MUN_OPT_EVIDENCE)};
    mun_file_info info = {0};
    bool summing = mun_app_has(app, MUN_OPT_RECURSIVE);
    if (v.evidence != NULL && strcmp(v.evidence, "-") != 0) {
        MUN_TRY(mun_file_look(v.evidence, true, &info, err));
        v.evidence_is_folder = info.kind == MUN_FILE_DIRECTORY;
    }
    if (app->args.operands_len == 0 && (v.evidence == NULL || v.evidence_is_folder)) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "verify needs a document: muniment verify DOC...");
    }
    MUN_TRY(mun_trust_flags_load(app, &v.flags, err));
    mun_interrupt_catch();
    mun_audit_begin(&v.audit, app, summing, app->args.operands_len > 1);
    mun_code code = check_operands(&v, err);
    if (code == MUN_OK) app->exit_code = v.audit.exit_code;
    mun_audit_free(&v.audit);
    mun_trust_flags_free(&v.flags);
    return code;
}
