/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What verify found, document by document: printed, counted, put into a table. Each document falls
 * into one category; the categories have their own exit codes.
 *
 * Ownership: mun_audit_free. Threads: main.
 */
#ifndef MUN_CLI_AUDIT_H
#define MUN_CLI_AUDIT_H

#include "cli/check_document.h"
#include "cli/screen.h"

#define MUN_AUDIT_CSV_MAX (1u << 30)

typedef enum mun_category {
    MUN_DOC_FINE,
    MUN_DOC_UNTRUSTED,    /* a key is not known or not trusted here */
    MUN_DOC_CHANGED,      /* it is not the document that was signed */
    MUN_DOC_INVALID,      /* something else contradicts */
    MUN_DOC_MISSING,      /* evidence without its document */
    MUN_DOC_UNREGISTERED, /* document without evidence */
    MUN_DOC_MALFORMED,    /* its evidence cannot be read */
    MUN_DOC_UNREADABLE,
    MUN_CATEGORIES
} mun_category;

typedef struct mun_audit {
    mun_app *app;
    bool summing; /* a line for each that is not fine, a sum at the end; else whole reports */
    bool verbose;
    bool silent; /* the table goes to standard output */
    uint64_t counts[MUN_CATEGORIES];
    uint64_t all;
    int exit_code;
    mun_buf csv;
    mun_progress progress;
} mun_audit;

void mun_audit_begin(mun_audit *audit, mun_app *app, bool summing, bool several);
void mun_audit_free(mun_audit *audit);
void mun_audit_checked(mun_audit *audit, const mun_checked *checked);
/* A document without evidence, or evidence without document. */
void mun_audit_lone(mun_audit *audit, mun_category category, const char *document,
                    const char *evidence);
/* Something in a folder that could not be read. */
void mun_audit_unreadable(mun_audit *audit, const char *path, const mun_error *why);
/* The sum, and the table where --csv asks for one. */
MUN_MUST mun_code mun_audit_end(mun_audit *audit, mun_error *err);

#endif
