/* SPDX-License-Identifier: Apache-2.0 */
/* A verification report for people and for programs. Only what is signed is shown as proven
 * [VER-16]; what the evidence merely says is marked as claimed. */
#include "cli/check_document.h"
#include "cli/screen.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define SENTENCE_COLUMN 29 /* behind the mark and the name of a check */

static const char *verdict_word(const mun_checked *c)
{
    if (c->code != MUN_OK) return c->code == MUN_E_NOT_FOUND ? "not found" : "cannot be checked";
    if (c->report.verdict == 0) return "valid";
    return c->report.verdict == 1 ? "NOT VALID" : "not fully checked";
}

static char verdict_colour(const mun_checked *c)
{
    if (c->code != MUN_OK || c->report.verdict == 1) return 'r';
    return c->report.verdict == 0 ? 'g' : 'y';
}

static const char *mark(mun_check_result result)
{
    switch (result) {
    case MUN_RESULT_PASS: return "ok";
    case MUN_RESULT_FAIL: return "FAIL";
    case MUN_RESULT_WARNING: return "warn";
    case MUN_RESULT_UNCHECKED: return "?";
    default: return "-";
    }
}

static char mark_colour(mun_check_result result)
{
    if (result == MUN_RESULT_PASS || result == MUN_RESULT_ABSENT) return 'g';
    return result == MUN_RESULT_FAIL ? 'r' : 'y';
}

static const char *shown_name(const mun_checked *c)
{
    const char *name = c->document != NULL ? c->document : c->evidence;
    return strcmp(name, "-") == 0 ? "standard input" : name;
}

/* Words up to the terminal's width, further lines under the first. Elsewhere: one line. */
static void print_wrapped(const char *text, unsigned indent)
{
    unsigned width = mun_screen_is_output() ? mun_screen_width() : UINT_MAX, column = indent;
    while (*text != '\0') {
        size_t word = strcspn(text, " ");
        if (column > indent && column + 1 + word > width) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        printf("%.*s", (int)word, text);
        column += (unsigned)word;
        text += word + strspn(text + word, " ");
    }
    putchar('\n');
}

static void print_check(const mun_app *app, mun_check_id id, const mun_check *check)
{
    char word[8];
    snprintf(word, sizeof word, "%-4s", mark(check->result));
    fputs("  ", stdout);
    mun_print_coloured(app, mark_colour(check->result), word);
    printf("  %-20s ", mun_check_name(id));
    print_wrapped(MUN_PLAIN(mun_slice_cstr(check->sentence)), SENTENCE_COLUMN);
}

static bool is_proven(const mun_report *r, mun_check_id id)
{
    return r->checks[id].result == MUN_RESULT_PASS || r->checks[id].result == MUN_RESULT_WARNING;
}

static void print_facts(const mun_checked *c)
{
    const mun_report *r = &c->report;
    char time[MUN_TIME_TEXT];
    const char *claimed = is_proven(r, MUN_CHECK_STATEMENT_SIGNATURE) ? "" : " (claimed)";
    printf("  issuer      %s%s\n", MUN_PLAIN(c->statement.iss), claimed);
    printf("  subject     %s%s\n", MUN_PLAIN(c->statement.sub), claimed);
    if (r->ledger.len > 0) printf("  ledger      %s\n", MUN_PLAIN(r->ledger));
    if (r->have_registered && r->registered >= 0) {
        printf("  registered  %s\n", mun_moment_text((uint64_t)r->registered * 1000, time));
    }
}

void mun_report_print(const mun_app *app, const mun_checked *c, bool brief)
{
    printf("%s: ", MUN_PLAIN_PATH(shown_name(c)));
    mun_print_coloured(app, verdict_colour(c), verdict_word(c));
    if (c->code != MUN_OK) {
        printf("\n  %s\n", MUN_PLAIN(mun_slice_cstr(c->error.text)));
        return;
    }
    putchar('\n');
    if (!brief) print_facts(c);
    for (mun_check_id id = 0; id < MUN_CHECKS; id++) {
        const mun_check *check = &c->report.checks[id];
        bool passed = check->result == MUN_RESULT_PASS || check->result == MUN_RESULT_ABSENT;
        bool quiet_unchecked = c->report.verdict == 0 && check->result == MUN_RESULT_UNCHECKED;
        if (brief && (passed || quiet_unchecked)) continue;
        print_check(app, id, check);
    }
    if (!brief) print_wrapped(MUN_PLAIN(mun_slice_cstr(c->report.summary)), 0);
}

static json_t *checks_json(const mun_report *report)
{
    json_t *list = json_array();
    for (mun_check_id id = 0; id < MUN_CHECKS; id++) {
        json_t *check = json_object();
        mun_out_cstr(check, "id", mun_check_name(id));
        mun_out_cstr(check, "result", mun_check_result_name(report->checks[id].result));
        mun_out_cstr(check, "sentence", report->checks[id].sentence);
        json_array_append_new(list, check);
    }
    return list;
}

static void put_proven(json_t *object, const mun_checked *c)
{
    const mun_report *r = &c->report;
    json_t *proven = json_object();
    if (is_proven(r, MUN_CHECK_STATEMENT_SIGNATURE)) {
        mun_out_text(proven, "issuer", c->statement.iss);
        mun_out_text(proven, "subject", c->statement.sub);
    }
    if (r->ledger.len > 0) mun_out_text(proven, "ledger", r->ledger);
    if (r->have_registered) mun_out_time(proven, "registered", (uint64_t)r->registered * 1000);
    if (r->have_root) mun_out_hex(proven, "root", mun_slice_of(r->root, sizeof r->root));
    if (r->have_position) {
        mun_out_uint(proven, "index", r->index);
        mun_out_uint(proven, "tree_size", r->size);
    }
    if (r->cosignatures > 0) {
        mun_out_uint(proven, "cosignatures", r->cosignatures);
        mun_out_time(proven, "cosigned", r->cosigned * 1000);
    }
    mun_out_put(object, "proven", proven);
}

json_t *mun_report_json(const mun_app *app, const mun_checked *c)
{
    (void)app;
    json_t *object = mun_out_new("report");
    if (c->document != NULL) mun_out_path(object, "document", c->document);
    mun_out_path(object, "evidence", c->evidence);
    mun_out_uint(object, "verdict", (uint64_t)mun_checked_exit(c));
    if (c->code != MUN_OK) {
        mun_out_cstr(object, "code", mun_code_name(c->code));
        mun_out_cstr(object, "text", MUN_PLAIN(mun_slice_cstr(c->error.text)));
        if (c->error.rule[0] != '\0') mun_out_cstr(object, "rule", c->error.rule);
        return object;
    }
    mun_out_cstr(object, "summary", c->report.summary);
    mun_out_put(object, "checks", checks_json(&c->report));
    mun_out_hex(object, "leaf", mun_slice_of(c->report.leaf, sizeof c->report.leaf));
    mun_out_text(object, "issuer", c->statement.iss);
    mun_out_text(object, "subject", c->statement.sub);
    put_proven(object, c);
    return object;
}

static void text_line(mun_buf *ret, const char *label, mun_slice value)
{
    char shown[1024];
    mun_buf_text(ret, label);
    mun_buf_text(ret, mun_plain(shown, sizeof shown, value));
    mun_buf_u8(ret, '\n');
}

void mun_report_text(const mun_checked *c, mun_buf *ret)
{
    char time[MUN_TIME_TEXT];
    text_line(ret, "Verdict:    ", mun_slice_cstr(verdict_word(c)));
    text_line(ret, "Summary:    ", mun_slice_cstr(c->report.summary));
    text_line(ret, "Issuer:     ", c->statement.iss);
    text_line(ret, "Subject:    ", c->statement.sub);
    if (c->report.ledger.len > 0) text_line(ret, "Ledger:     ", c->report.ledger);
    if (c->report.have_registered) {
        mun_moment_text((uint64_t)c->report.registered * 1000, time);
        text_line(ret, "Registered: ", mun_slice_cstr(time));
    }
    mun_buf_u8(ret, '\n');
    for (mun_check_id id = 0; id < MUN_CHECKS; id++) {
        mun_buf_text(ret, mun_check_name(id));
        mun_buf_text(ret, ": ");
        mun_buf_text(ret, mun_check_result_name(c->report.checks[id].result));
        text_line(ret, "\n    ", mun_slice_cstr(c->report.checks[id].sentence));
    }
}
