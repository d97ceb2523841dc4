/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/registering.h"

#include "cli/check_document.h"
#include "cli/entry_text.h"
#include "cli/subject.h"
#include "codec/radix.h"
#include "vfs/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES (1u << 20) /* statements in one call */

void mun_registering_begin(mun_registering *r, mun_app *app, mun_holder *holder,
                           const mun_signing *signing, bool brief)
{
    *r = (mun_registering){.app = app, .holder = holder, .signing = signing, .brief = brief};
    r->out = mun_app_value(app, MUN_OPT_OUT);
    mun_progress_begin(&r->progress, app->progress && brief, "registered");
}

static uint64_t done(const mun_registering *r)
{
    return r->registered + r->known + r->present + r->failed;
}

static void fail_one(mun_registering *r, const char *path, const mun_error *why)
{
    mun_progress_end(&r->progress);
    mun_print_error(r->app, path, why);
    r->failed++;
    r->stopped = why->code;
    r->exit_code = mun_worse_exit(r->exit_code, mun_code_exit(why->code));
}

typedef struct outcome {
    const char *what; /* "registered", "known", "present" */
    uint64_t index;
    uint64_t time_ms; /* 0: not asked */
    const uint8_t *leaf;
} outcome;

static void report(mun_registering *r, const char *path, const char *evidence, const outcome *o)
{
    mun_app *app = r->app;
    mun_progress_set(&r->progress, done(r), r->expected);
    if (app->json) {
        json_t *object = mun_out_new(o->what);
        mun_out_path(object, "file", path);
        mun_out_path(object, "evidence", evidence);
        mun_out_uint(object, "index", o->index);
        if (o->time_ms != 0) mun_out_time(object, "registered", o->time_ms);
        if (o->time_ms != 0) mun_out_uint(object, "registered_ms", o->time_ms);
        if (o->leaf != NULL) mun_out_hex(object, "leaf", mun_slice_of(o->leaf, MUN_HASH_SIZE));
        mun_out_print(app, object);
        return;
    }
    if (app->quiet || r->brief) return;
    bool is_new = strcmp(o->what, "registered") == 0;
    printf("%s: %s entry %llu, evidence in %s\n", MUN_PLAIN_PATH(path),
           is_new ? "registered as" : "is on the ledger already as", (unsigned long long)o->index,
           MUN_PLAIN_PATH(evidence));
}

/* ---- Evidence files ---- */

static mun_code make_parent(const char *path, mun_error *err)
{
    char folder[MUN_PATH_BYTES_MAX];
    MUN_TRY(mun_path_with(path, "", folder, sizeof folder, err));
    char *slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder) return MUN_OK;
    *slash = '\0';
    return mun_dir_make(folder, err);
}

/* item: NULL for an entry that was there before. */
static mun_code make_evidence(mun_registering *r, const mun_register_item *item, uint64_t index,
                              mun_buf *ret, mun_error *err)
{
    if (item == NULL || item->receipt.len == 0)
        return mun_holder_evidence(r->holder, index, ret, err);
    return mun_remote_evidence_of(r->holder->remote, mun_buf_slice(&item->statement),
                                  mun_buf_slice(&item->receipt), index, ret, err);
}

static mun_code write_evidence(mun_registering *r, const mun_register_item *item, const char *path,
                               bool replace, uint64_t index, bool many, mun_error *err)
{
    mun_buf bytes MUN_BUF_AUTO = mun_buf_growable(MUN_EVIDENCE_MAX);
    MUN_TRY(make_evidence(r, item, index, &bytes, err));
    if (r->out != NULL) MUN_TRY(make_parent(path, err));
    /* Many evidence files are not synced one by one: the ledger is, and gives them again. */
    unsigned flags = (many ? MUN_WRITE_NO_SYNC : 0) | (replace ? MUN_WRITE_REPLACE : 0);
    mun_code code = mun_file_write(path, mun_buf_slice(&bytes), flags, err);
    if (code != MUN_E_PERMISSION || r->out != NULL) return code;
    return mun_failf(err, code, 0,
                     "cannot write %s: permission denied. It is registered as entry %llu; --out "
                     "DIR writes the evidence elsewhere",
                     MUN_PLAIN_PATH(path), (unsigned long long)index);
}

/* Where the evidence of a file belongs. NAME.cose has NAME.scitt. */
static mun_code evidence_path(const mun_registering *r, const char *path, const char *relative,
                              char *ret, size_t cap, mun_error *err)
{
    const char *base = r->out != NULL ? relative : path;
    size_t len = strlen(base);
    if (r->signing == NULL && mun_path_ends(base, ".cose") && len > 5) len -= 5;
    int n = r->out != NULL ? snprintf(ret, cap, "%s/%.*s.scitt", r->out, (int)len, base)
                           : snprintf(ret, cap, "%.*s.scitt", (int)len, base);
    if (n > 0 && (size_t)n < cap) return MUN_OK;
    return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "the path of its evidence is too long");
}

/* What lies where the evidence is to go. */
typedef struct present {
    bool there;       /* something that is this statement's or document's evidence */
    bool replaceable; /* an empty file, or a statement without receipts */
    bool on_ledger;
    uint64_t index;
    uint8_t leaf[MUN_HASH_SIZE];
    mun_buf kept; /* for a service: the statement that an interrupted run left, to be sent again */
} present;

static mun_code refuse(const char *path, const char *what, mun_error *err)
{
    return mun_failf(err, MUN_E_EXISTS, 0, "%s is there and %s; move it away, or use --out",
                     MUN_PLAIN_PATH(path), what);
}

/* Whether the statement is about the document that has this SHA-256 digest at path. */
static mun_code about_document(const mun_app *app, const mun_statement *statement, const char *path,
                               const mun_document *document, bool *ret, mun_error *err)
{
    uint8_t digest[MUN_DIGEST_MAX];
    size_t len = 0;
    mun_document other = *document;
    int32_t hash = mun_statement_document_hash(statement);
    *ret = false;
    if (hash == 0 || !mun_statement_digest(app, statement, digest, &len)) return MUN_OK;
    if (hash != MUN_HASH_SHA256) MUN_TRY(mun_document_digest(path, hash, &other, err));
    *ret = mun_slice_equal(mun_slice_of(digest, len), mun_slice_of(other.digest, other.digest_len));
    return MUN_OK;
}

static mun_code judge_present(mun_registering *r, const mun_statement *statement,
                              const char *evidence, present *ret, mun_error *err)
{
    mun_statement_leaf(&r->app->crypto, statement, ret->leaf);
    bool bare = statement->receipts_len == 0 && statement->proofs_len == 0;
    /* Asking a service about a statement costs as much as sending it. */
    bool ask = !bare || r->holder->ledger != NULL;
    mun_code code = ask ? mun_holder_lookup(r->holder, ret->leaf, statement, &ret->index, err)
                        : MUN_E_NOT_FOUND;
    if (code != MUN_OK && code != MUN_E_NOT_FOUND) return code;
    ret->on_ledger = code == MUN_OK;
    ret->there = ret->on_ledger && !bare;
    ret->replaceable = bare;
    if (ret->there || bare) return MUN_OK;
    return refuse(evidence, "holds receipts of another ledger", err);
}

/* document: the digest of the document; or own_leaf: that of the statement to be registered. */
static mun_code look_present(mun_registering *r, const char *path, const char *evidence,
                             const mun_document *document, const uint8_t *own_leaf, present *ret,
                             mun_error *err)
{
    mun_file_info info;
    mun_statement statement;
    bool same = false;
    *ret = (present){0};
    MUN_TRY(mun_file_look(evidence, true, &info, err));
    if (info.kind == MUN_FILE_MISSING) return MUN_OK;
    if (info.kind != MUN_FILE_REGULAR) return refuse(evidence, "is no file", err);
    ret->replaceable = info.size == 0;
    if (info.size == 0) return MUN_OK;
    mun_buf bytes MUN_BUF_AUTO = mun_buf_growable(MUN_EVIDENCE_MAX);
    MUN_TRY(mun_file_read(evidence, MUN_EVIDENCE_MAX, &bytes, err));
    if (mun_statement_parse(mun_buf_slice(&bytes), &statement, NULL) != MUN_OK) {
        return refuse(evidence, "is no evidence file", err);
    }
    if (document != NULL) {
        MUN_TRY(about_document(r->app, &statement, path, document, &same, err));
        if (!same) return refuse(evidence, "is the evidence of another document", err);
    }
    MUN_TRY(judge_present(r, &statement, evidence, ret, err));
    if (ret->replaceable && r->holder->remote != NULL && r->signing != NULL) {
        ret->kept = bytes;
        bytes = (mun_buf){0};
    }
    if (own_leaf != NULL && memcmp(own_leaf, ret->leaf, MUN_HASH_SIZE) != 0) {
        return refuse(evidence, "is the evidence of another statement", err);
    }
    return MUN_OK;
}

/* ---- One file ---- */

static mun_code keep_first(void *ctx, const mun_found *found, mun_error *err)
{
    uint64_t *index = ctx;
    (void)err;
    if (*index == MUN_NO_OFFSET) *index = found->index;
    return MUN_OK;
}

static mun_slice own_type(const mun_registering *r)
{
    const mun_slice given = r->signing->content_type;
    return given.len > 0 ? given : MUN_LITERAL("application/octet-stream");
}

static mun_code take_hint(void *ctx, const json_t *entry, mun_error *err)
{
    mun_registering *r = ctx;
    uint8_t digest[MUN_DIGEST_MAX], id[MUN_HASH_SIZE];
    mun_buf bytes = mun_buf_fixed(digest, sizeof digest);
    mun_slice hex = mun_remote_text(json_object_get(entry, "digest"), "value");
    if (!mun_hex_take(hex, &bytes)) return MUN_OK;
    mun_known_id(&r->app->crypto, mun_remote_text(entry, "sub"),
                 mun_remote_text(entry, "content_type"), mun_buf_slice(&bytes), id);
    return mun_known_set_put(&r->hints, id, err);
}

/* Many documents: what the service has by this issuer and key is asked for once, as a list. */
static mun_code ask_hints(mun_registering *r, mun_error *err)
{
    const mun_signing *s = r->signing;
    mun_query query = {.iss = s->issuer,
                       .kid = mun_slice_of(s->key.signer.kid, sizeof s->key.signer.kid)};
    if (r->asked_hints) return MUN_OK;
    r->asked_hints = true;
    mun_code code = mun_remote_hints(r->holder->remote, &query, take_hint, r, err);
    r->have_hints = code == MUN_OK;
    return code == MUN_E_LIMIT ? MUN_OK : code;
}

/* Whether the service need not be asked: it has no such document. */
static mun_code surely_unknown(mun_registering *r, const mun_document *document, mun_slice subject,
                               bool *ret, mun_error *err)
{
    uint8_t id[MUN_HASH_SIZE];
    *ret = false;
    if (r->holder->remote == NULL || !r->brief) return MUN_OK;
    MUN_TRY(ask_hints(r, err));
    if (!r->have_hints) return MUN_OK;
    mun_known_id(&r->app->crypto, subject, own_type(r),
                 mun_slice_of(document->digest, document->digest_len), id);
    *ret = !mun_known_set_has(&r->hints, id);
    return MUN_OK;
}

/* The entry of the same document under the same names and key; MUN_NO_OFFSET: none. */
static mun_code find_known(mun_registering *r, const mun_document *document, mun_slice subject,
                           uint64_t *ret, mun_error *err)
{
    const mun_signing *s = r->signing;
    mun_query query = {
        .iss = s->issuer,
        .sub = subject,
        .content_type = own_type(r),
        .digest = mun_slice_of(document->digest, document->digest_len),
        .kid = mun_slice_of(s->key.signer.kid, sizeof s->key.signer.kid),
        .limit = 1,
    };
    *ret = MUN_NO_OFFSET;
    bool unknown;
    MUN_TRY(surely_unknown(r, document, subject, &unknown, err));
    if (unknown) return MUN_OK;
    return mun_holder_find(r->holder, &query, keep_first, ret, err);
}

/* Puts a statement into the batch; takes over its bytes. */
static mun_code put_item(mun_registering *r, const char *path, const char *evidence, bool replace,
                         mun_buf *statement, mun_error *err)
{
    mun_register_item *item = &r->items[r->items_len];
    *item = (mun_register_item){.path = strdup(path),
                                .evidence = strdup(evidence),
                                .replace = replace,
                                .statement = *statement};
    *statement = (mun_buf){0};
    r->items_len++;
    if (item->path == NULL || item->evidence == NULL) {
        return mun_failf(err, MUN_E_MEMORY, 0, "no memory for the batch");
    }
    r->items_bytes += item->statement.len;
    return MUN_OK;
}

static mun_code already(mun_registering *r, const char *path, const char *evidence,
                        const present *p)
{
    r->present++;
    outcome o = {.what = "present", .index = p->index, .leaf = p->leaf};
    report(r, path, evidence, &o);
    return MUN_OK;
}

/* Whether the kept statement says what this run would sign, but for the time. */
static bool says_this(const mun_registering *r, const mun_buf *kept, mun_slice subject)
{
    mun_statement s;
    const mun_signing *own = r->signing;
    mun_slice kid = mun_slice_of(own->key.signer.kid, sizeof own->key.signer.kid);
    if (kept->len == 0 || mun_statement_parse(mun_buf_slice(kept), &s, NULL) != MUN_OK)
        return false;
    const mun_text_or_uint *has = s.is_hash_envelope ? &s.preimage_content_type : &s.content_type;
    return mun_slice_equal(s.iss, own->issuer) && mun_slice_equal(s.sub, subject) && s.have_kid &&
           mun_slice_equal(s.kid, kid) && has->is_text && mun_slice_equal(has->text, own_type(r)) &&
           s.is_hash_envelope != own->inline_payload && mun_slice_equal(s.location, own->location);
}

static mun_code add_document(mun_registering *r, const char *path, const char *relative,
                             mun_error *err)
{
    char evidence[MUN_PATH_BYTES_MAX];
    mun_document document;
    present p;
    uint64_t known;
    mun_buf content MUN_BUF_AUTO = mun_buf_growable(MUN_STATEMENT_MAX);
    mun_buf subject MUN_BUF_AUTO = mun_buf_growable(MUN_NAME_MAX);
    mun_buf statement MUN_BUF_AUTO = mun_buf_growable(MUN_STATEMENT_MAX);
    MUN_TRY(evidence_path(r, path, relative, evidence, sizeof evidence, err));
    MUN_TRY(mun_subject_make(r->signing->subject, relative, &subject, err));
    MUN_TRY(mun_signing_read(r->signing, path, &document, &content, err));
    MUN_TRY(look_present(r, path, evidence, &document, NULL, &p, err));
    if (p.there) return already(r, path, evidence, &p);
    if (!says_this(r, &p.kept, mun_buf_slice(&subject))) mun_buf_free(&p.kept);
    if (p.kept.len > 0) {
        MUN_TRY(put_item(r, path, evidence, true, &p.kept, err));
        r->items[r->items_len - 1].kept = true;
        return MUN_OK;
    }
    MUN_TRY(find_known(r, &document, mun_buf_slice(&subject), &known, err));
    if (known != MUN_NO_OFFSET) {
        MUN_TRY(write_evidence(r, NULL, evidence, p.replaceable, known, r->brief, err));
        r->known++;
        report(r, path, evidence, &(outcome){.what = "known", .index = known});
        return MUN_OK;
    }
    MUN_TRY(mun_signing_make(r->signing, &document, mun_buf_slice(&content),
                             mun_buf_slice(&subject), &statement, err));
    return put_item(r, path, evidence, p.replaceable, &statement, err);
}

static mun_code add_statement(mun_registering *r, const char *path, const char *relative,
                              mun_error *err)
{
    char evidence[MUN_PATH_BYTES_MAX];
    uint8_t leaf[MUN_HASH_SIZE];
    mun_statement statement;
    present p;
    mun_buf bytes MUN_BUF_AUTO = mun_buf_growable(MUN_EVIDENCE_MAX);
    MUN_TRY(evidence_path(r, path, relative, evidence, sizeof evidence, err));
    MUN_TRY(mun_file_read(path, MUN_EVIDENCE_MAX, &bytes, err));
    mun_code code = mun_statement_parse(mun_buf_slice(&bytes), &statement, err);
    if (code != MUN_OK) {
        return mun_error_prefix(err, code,
                                "this is no signed statement; to register a document, "
                                "give a key with --key");
    }
    mun_statement_leaf(&r->app->crypto, &statement, leaf);
    MUN_TRY(look_present(r, path, evidence, NULL, leaf, &p, err));
    if (p.there) return already(r, path, evidence, &p);
    return put_item(r, path, evidence, p.replaceable, &bytes, err);
}

/* What cannot get better with the next file. */
static bool stops_everything(const mun_registering *r, mun_code code)
{
    if (r->holder->remote != NULL && r->holder->remote->down) return true;
    return code == MUN_E_MEMORY || code == MUN_E_FAILED || code == MUN_E_DAMAGED ||
           code == MUN_E_BUSY || code == MUN_E_NO_SPACE;
}

/* A service is asked by registering the first of several alone. */
static mun_code ask_by_registering(mun_registering *r, mun_error *err)
{
    uint64_t failed = r->failed;
    r->admitted = true;
    if (!r->brief && r->app->args.operands_len < 2) return MUN_OK;
    MUN_TRY(mun_registering_flush(r, err));
    if (r->failed == failed) return MUN_OK;
    return mun_fail(err, r->stopped, MUN_NO_OFFSET,
                    "the first document could not be registered; the others were not tried");
}

/* All statements of one key share issuer and key: if the ledger refuses the first, it is no use
 * to try thousands. */
static mun_code ask_admission(mun_registering *r, mun_error *err)
{
    if (r->signing == NULL || r->admitted || r->items_len == 0) return MUN_OK;
    if (r->holder->ledger == NULL) return ask_by_registering(r, err);
    MUN_TRY(mun_ledger_admits(r->holder->ledger, mun_buf_slice(&r->items[0].statement), err));
    r->admitted = true;
    return MUN_OK;
}

mun_code mun_registering_add(mun_registering *r, const char *path, const char *relative,
                             mun_error *err)
{
    mun_error why = {.code = MUN_OK};
    mun_code code = r->signing != NULL ? add_document(r, path, relative, &why)
                                       : add_statement(r, path, relative, &why);
    if (code != MUN_OK && stops_everything(r, code)) {
        *err = why;
        return code;
    }
    if (code != MUN_OK) fail_one(r, path, &why);
    MUN_TRY(ask_admission(r, err));
    mun_progress_set(&r->progress, done(r) + r->items_len, r->expected);
    if (r->items_len < MUN_REGISTER_BATCH && r->items_bytes < BATCH_BYTES) return MUN_OK;
    return mun_registering_flush(r, err);
}

/* ---- A batch ---- */

static void finish_item(mun_registering *r, mun_register_item *item, const mun_registration *result)
{
    mun_error why = result->error;
    bool many = r->brief || r->items_len > 1;
    if (result->code == MUN_OK && write_evidence(r, item, item->evidence, item->replace,
                                                 result->index, many, &why) == MUN_OK) {
        if (result->existed) r->known++;
        if (!result->existed) r->registered++;
        outcome o = {result->existed ? "known" : "registered", result->index, result->time_ms,
                     result->leaf};
        report(r, item->path, item->evidence, &o);
        return;
    }
    fail_one(r, item->path, &why);
}

static void clear_items(mun_registering *r)
{
    for (size_t i = 0; i < r->items_len; i++) {
        free(r->items[i].path);
        free(r->items[i].evidence);
        mun_buf_free(&r->items[i].statement);
        mun_buf_free(&r->items[i].receipt);
    }
    r->items_len = 0;
    r->items_bytes = 0;
}

static mun_code another_run(const char *evidence, mun_error *err)
{
    return mun_failf(err, MUN_E_EXISTS, 0,
                     "%s was written meanwhile: another run registers the same documents. Start "
                     "again when it has ended; what is done is recognised",
                     MUN_PLAIN_PATH(evidence));
}

/* Signatures differ each time. What is about to be sent is kept where its evidence will be, so that
 * a run that is started again after an interruption sends the same bytes, which are then the same
 * entry. */
static mun_code keep_items(mun_registering *r, mun_error *err)
{
    if (r->signing == NULL) return MUN_OK; /* the statements are files already */
    for (size_t i = 0; i < r->items_len; i++) {
        mun_register_item *item = &r->items[i];
        unsigned flags = MUN_WRITE_NO_SYNC | (item->replace ? MUN_WRITE_REPLACE : 0);
        if (item->kept) continue;
        if (r->out != NULL) MUN_TRY(make_parent(item->evidence, err));
        mun_code code = mun_file_write(item->evidence, mun_buf_slice(&item->statement), flags, err);
        if (code == MUN_E_EXISTS) return another_run(item->evidence, err);
        if (code != MUN_OK) return code;
        item->replace = item->kept = true;
    }
    return MUN_OK;
}

/* A statement that the service has refused leaves nothing behind. */
static void forget_refused(const mun_register_item *item, const mun_registration *result)
{
    mun_code code = MUN_OK;
    if (item->kept && result->code != MUN_OK) code = mun_file_remove(item->evidence, NULL);
    (void)code; /* what is left says itself that it has no receipt */
}

static mun_code register_there(mun_registering *r, const mun_slice *statements,
                               mun_registration *results, mun_error *err)
{
    mun_buf receipts[MUN_REGISTER_BATCH];
    MUN_TRY(keep_items(r, err));
    for (size_t i = 0; i < r->items_len; i++) receipts[i] = mun_buf_growable(MUN_EVIDENCE_MAX);
    mun_code code =
        mun_remote_register(r->holder->remote, statements, r->items_len, results, receipts, err);
    for (size_t i = 0; i < r->items_len; i++) r->items[i].receipt = receipts[i];
    MUN_TRY(code);
    for (size_t i = 0; i < r->items_len; i++) forget_refused(&r->items[i], &results[i]);
    /* The checkpoint of after: with it the evidence gets its tlog-proofs. Where it cannot be had
     * the receipts are enough; one that contradicts stops everything. */
    const bool down = r->holder->remote->down;
    code = mun_remote_checkpoint(r->holder->remote, err);
    if (code == MUN_E_INVALID) return code;
    r->holder->remote->down = down;
    return MUN_OK;
}

static mun_code register_items(mun_registering *r, const mun_slice *statements,
                               mun_registration *results, mun_error *err)
{
    if (r->holder->ledger == NULL) return register_there(r, statements, results, err);
    return mun_ledger_register(r->holder->ledger, statements, r->items_len, results, NULL, err);
}

mun_code mun_registering_flush(mun_registering *r, mun_error *err)
{
    static mun_registration results[MUN_REGISTER_BATCH];
    mun_slice statements[MUN_REGISTER_BATCH];
    if (r->items_len == 0) return MUN_OK;
    for (size_t i = 0; i < r->items_len; i++) statements[i] = mun_buf_slice(&r->items[i].statement);
    memset(results, 0, sizeof results);
    mun_code code = register_items(r, statements, results, err);
    if (code == MUN_OK) {
        for (size_t i = 0; i < r->items_len; i++) finish_item(r, &r->items[i], &results[i]);
    }
    clear_items(r);
    return code;
}

static void print_sum(mun_registering *r)
{
    mun_app *app = r->app;
    if (app->json) {
        json_t *object = mun_out_new("summary");
        mun_out_uint(object, "files", done(r));
        mun_out_uint(object, "registered", r->registered);
        mun_out_uint(object, "known", r->known);
        mun_out_uint(object, "present", r->present);
        mun_out_uint(object, "failed", r->failed);
        mun_out_print(app, object);
        return;
    }
    if (app->quiet || !r->brief) return;
    unsigned long long files = done(r), on_ledger = r->known + r->present;
    printf("%llu files: %llu registered, %llu on the ledger already, %llu failed\n", files,
           (unsigned long long)r->registered, on_ledger, (unsigned long long)r->failed);
}

void mun_registering_end(mun_registering *r, bool should_print_sum)
{
    mun_progress_end(&r->progress);
    if (should_print_sum) print_sum(r);
    r->app->exit_code = r->exit_code;
    mun_known_set_free(&r->hints);
    clear_items(r);
}
