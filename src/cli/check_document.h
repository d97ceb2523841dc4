/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One document against its evidence, as verify and kit do it: reads both, gathers the keys, runs
 * the verify core. Ownership: mun_checked_free. Threads: main.
 */
#ifndef MUN_CLI_CHECK_DOCUMENT_H
#define MUN_CLI_CHECK_DOCUMENT_H

#include "cli/document.h"
#include "cli/speak.h"
#include "cli/trust_flags.h"

typedef struct mun_checked {
    const char *document; /* NULL: evidence alone. Borrowed, as the next */
    const char *evidence;
    mun_code code; /* MUN_OK: there is a report; otherwise why there is none */
    mun_error error;
    mun_report report;
    mun_statement statement; /* borrows from bytes */
    mun_buf bytes;
} mun_checked;

/* Never fails as a whole: what went wrong is in the result. */
void mun_check_document(const mun_app *app, const mun_trust_flags *flags, const char *document,
                        const char *evidence, mun_checked *ret);
void mun_checked_free(mun_checked *checked);
/* The verdict, or the exit code of the error. */
int mun_checked_exit(const mun_checked *checked);
/* The worse of two exit codes in the order 1, 6, 4, 5, 3, 0 [VER-15]; others are worst of all. */
int mun_worse_exit(int a, int b);

/* The report as text: the file, the verdict, each check. brief: only what did not pass. */
void mun_report_print(const mun_app *app, const mun_checked *checked, bool brief);
json_t *mun_report_json(const mun_app *app, const mun_checked *checked);
/* The same as plain text without colour, for the kit. */
void mun_report_text(const mun_checked *checked, mun_buf *ret);

#endif
