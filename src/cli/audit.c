/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/audit.h"

#include "vfs/files.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    const char *words;
    char colour;
} categories[MUN_CATEGORIES] = {
    [MUN_DOC_FINE] = {"fine", "fine", 'g'},
    [MUN_DOC_UNTRUSTED] = {"untrusted", "not fully checked", 'y'},
    [MUN_DOC_CHANGED] = {"changed", "changed", 'r'},
    [MUN_DOC_INVALID] = {"invalid", "with contradictions in the evidence", 'r'},
    [MUN_DOC_MISSING] = {"missing", "missing", 'r'},
    [MUN_DOC_UNREGISTERED] = {"unregistered", "unregistered", 'y'},
    [MUN_DOC_MALFORMED] = {"malformed", "with malformed evidence", 'r'},
    [MUN_DOC_UNREADABLE] = {"unreadable", "unreadable", 'r'},
};

void mun_audit_begin(mun_audit *audit, mun_app *app, bool summing, bool several)
{
    const char *csv = mun_app_value(app, MUN_OPT_CSV);
    bool to_output = csv != NULL && strcmp(csv, "-") == 0;
    *audit = (mun_audit){.app = app, .summing = summing};
    audit->verbose = mun_app_has(app, MUN_OPT_VERBOSE) || (!summing && !several);
    audit->silent = to_output || app->quiet;
    audit->csv = mun_buf_growable(MUN_AUDIT_CSV_MAX);
    if (csv != NULL) {
        mun_buf_text(&audit->csv, "document,evidence,result,verdict,issuer,subject,ledger,"
                                  "registered,summary\r\n");
    }
    mun_progress_begin(&audit->progress, app->progress && summing, "checked");
}

void mun_audit_free(mun_audit *audit)
{
    mun_buf_free(&audit->csv);
}

static mun_category category_of(const mun_checked *c)
{
    if (c->code == MUN_OK) {
        if (c->report.verdict == 0) return MUN_DOC_FINE;
        if (c->report.verdict == 3) return MUN_DOC_UNTRUSTED;
        bool changed = c->report.checks[MUN_CHECK_DOCUMENT].result == MUN_RESULT_FAIL;
        return changed ? MUN_DOC_CHANGED : MUN_DOC_INVALID;
    }
    return mun_code_exit(c->code) == 4 ? MUN_DOC_MALFORMED : MUN_DOC_UNREADABLE;
}

/* A cell of RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe. */
static void cell(mun_buf *out, mun_slice text, bool last)
{
    mun_buf_u8(out, '"');
    if (text.len > 0 && strchr("=+-@\t\r", text.ptr[0]) != NULL) mun_buf_u8(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"') mun_buf_u8(out, '"');
        mun_buf_u8(out, text.ptr[i]);
    }
    mun_buf_text(out, last ? "\"\r\n" : "\",");
}

static void row(mun_audit *audit, mun_category category, int exit_code, const char *document,
                const char *evidence, const mun_checked *c)
{
    if (!mun_app_has(audit->app, MUN_OPT_CSV)) return;
    bool have = c != NULL && c->code == MUN_OK;
    char verdict[8], time[MUN_TIME_TEXT] = "", shown[512];
    const char *summary = have ? c->report.summary : c != NULL ? c->error.text : "";
    snprintf(verdict, sizeof verdict, "%d", exit_code);
    if (have && c->report.have_registered) {
        mun_moment_text((uint64_t)c->report.registered * 1000, time);
    }
    mun_slice cells[] = {
        mun_slice_cstr(document != NULL ? document : ""),
        mun_slice_cstr(evidence != NULL ? evidence : ""),
        mun_slice_cstr(categories[category].name),
        mun_slice_cstr(verdict),
        have ? c->statement.iss : (mun_slice){0},
        have ? c->statement.sub : (mun_slice){0},
        have ? c->report.ledger : (mun_slice){0},
        mun_slice_cstr(time),
        mun_slice_cstr(mun_plain(shown, sizeof shown, mun_slice_cstr(summary))),
    };
    size_t n = sizeof cells / sizeof cells[0];
    for (size_t i = 0; i < n; i++) cell(&audit->csv, cells[i], i + 1 == n);
}

static void count(mun_audit *audit, mun_category category, int exit_code)
{
    audit->counts[category]++;
    audit->all++;
    audit->exit_code = mun_worse_exit(audit->exit_code, exit_code);
    mun_progress_set(&audit->progress, audit->all, 0);
}

static void print_line(const mun_audit *audit, mun_category category, const char *path)
{
    char word[16];
    snprintf(word, sizeof word, "%-12s", categories[category].name);
    mun_print_coloured(audit->app, categories[category].colour, word);
    printf("  %s\n", MUN_PLAIN_PATH(path));
}

static void print_checked(mun_audit *audit, mun_category category, const mun_checked *c)
{
    mun_app *app = audit->app;
    if (app->json) {
        json_t *object = mun_report_json(app, c);
        mun_out_cstr(object, "category", categories[category].name);
        mun_out_print(app, object);
        return;
    }
    if (audit->silent) return;
    if (audit->summing && category == MUN_DOC_FINE && !audit->verbose) return;
    mun_progress_end(&audit->progress);
    if (audit->summing && !audit->verbose) {
        print_line(audit, category, c->document != NULL ? c->document : c->evidence);
        if (category == MUN_DOC_CHANGED) return;
    }
    if (!audit->summing || audit->verbose || category != MUN_DOC_UNTRUSTED) {
        mun_report_print(app, c, !audit->verbose);
    }
}

void mun_audit_checked(mun_audit *audit, const mun_checked *checked)
{
    mun_category category = category_of(checked);
    int exit_code = mun_checked_exit(checked);
    print_checked(audit, category, checked);
    row(audit, category, exit_code, checked->document, checked->evidence, checked);
    count(audit, category, exit_code);
}

void mun_audit_lone(mun_audit *audit, mun_category category, const char *document,
                    const char *evidence)
{
    int exit_code = mun_code_exit(MUN_E_NOT_FOUND);
    if (audit->app->json) {
        json_t *object = mun_out_new("report");
        if (document != NULL) mun_out_path(object, "document", document);
        if (evidence != NULL) mun_out_path(object, "evidence", evidence);
        mun_out_uint(object, "verdict", (uint64_t)exit_code);
        mun_out_cstr(object, "category", categories[category].name);
        mun_out_print(audit->app, object);
    } else if (!audit->silent) {
        mun_progress_end(&audit->progress);
        print_line(audit, category, document != NULL ? document : evidence);
    }
    row(audit, category, exit_code, document, evidence, NULL);
    count(audit, category, exit_code);
}

void mun_audit_unreadable(mun_audit *audit, const char *path, const mun_error *why)
{
    mun_checked c = {.document = path, .evidence = "", .code = why->code, .error = *why};
    mun_audit_checked(audit, &c);
}

static void print_sum(mun_audit *audit)
{
    mun_app *app = audit->app;
    if (app->json) {
        json_t *object = mun_out_new("audit");
        mun_out_uint(object, "documents", audit->all);
        for (int i = 0; i < MUN_CATEGORIES; i++) {
            mun_out_uint(object, categories[i].name, audit->counts[i]);
        }
        mun_out_uint(object, "verdict", (uint64_t)audit->exit_code);
        mun_out_print(app, object);
        return;
    }
    if (audit->silent) return;
    printf("%llu documents: %llu changed, %llu missing, %llu unregistered, %llu fine",
           (unsigned long long)audit->all, (unsigned long long)audit->counts[MUN_DOC_CHANGED],
           (unsigned long long)audit->counts[MUN_DOC_MISSING],
           (unsigned long long)audit->counts[MUN_DOC_UNREGISTERED],
           (unsigned long long)audit->counts[MUN_DOC_FINE]);
    static const mun_category rare[] = {MUN_DOC_UNTRUSTED, MUN_DOC_INVALID, MUN_DOC_MALFORMED,
                                        MUN_DOC_UNREADABLE};
    for (size_t i = 0; i < sizeof rare / sizeof rare[0]; i++) {
        if (audit->counts[rare[i]] == 0) continue;
        printf(", %llu %s", (unsigned long long)audit->counts[rare[i]], categories[rare[i]].words);
    }
    putchar('\n');
}

mun_code mun_audit_end(mun_audit *audit, mun_error *err)
{
    const char *csv = mun_app_value(audit->app, MUN_OPT_CSV);
    mun_progress_end(&audit->progress);
    if (audit->summing) print_sum(audit);
    if (csv == NULL) return MUN_OK;
    if (!mun_buf_ok(&audit->csv)) {
        return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "the table would be larger than 1 GiB");
    }
    return mun_file_write(csv, mun_buf_slice(&audit->csv), MUN_WRITE_REPLACE, err);
}
