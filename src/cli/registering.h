/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registering many documents or statements: batches of hundreds share one disk sync, evidence that
 * is there already is recognised, one failure does not stop the rest.
 *
 * Ownership: mun_registering_end frees all. Threads: main.
 */
#ifndef MUN_CLI_REGISTERING_H
#define MUN_CLI_REGISTERING_H

#include "cli/holder.h"
#include "cli/known_set.h"
#include "cli/screen.h"
#include "cli/signing.h"

#define MUN_REGISTER_BATCH 256 /* documents registered in one call */

typedef struct mun_register_item {
    char *path;     /* the document, or the statement's file */
    char *evidence; /* where its evidence goes */
    bool replace;   /* a file is there that may be replaced */
    bool kept;      /* ... and that is this statement, written before it was sent */
    mun_buf statement;
    mun_buf receipt; /* from a service */
} mun_register_item;

typedef struct mun_registering {
    mun_app *app;
    mun_holder *holder;
    const mun_signing *signing; /* NULL: files are statements */
    const char *out;            /* of --out, or NULL */
    bool brief;                 /* one line for all instead of one for each */
    bool admitted;              /* the ledger admits what this key signs */
    bool asked_hints;           /* the service's list of this issuer and key was asked for... */
    bool have_hints;            /* ... and is complete in hints */
    mun_known_set hints;
    mun_code stopped; /* why the first one failed at a service, when the others were not tried */
    mun_register_item items[MUN_REGISTER_BATCH];
    size_t items_len;
    size_t items_bytes;
    uint64_t registered, known, present, failed;
    uint64_t expected; /* how many files there are, for the progress bar; 0: not known */
    int exit_code;
    mun_progress progress;
} mun_registering;

void mun_registering_begin(mun_registering *r, mun_app *app, mun_holder *holder,
                           const mun_signing *signing, bool brief);
/*
 * One file. relative: what {path} stands for, and the place under --out. Failures of this file are
 * printed and counted; what comes back is only what stops everything: the ledger or the user.
 */
MUN_MUST mun_code mun_registering_add(mun_registering *r, const char *path, const char *relative,
                                      mun_error *err);
/* Registers what is gathered and writes its evidence. */
MUN_MUST mun_code mun_registering_flush(mun_registering *r, mun_error *err);
/* The sum, and the exit code in the app. */
void mun_registering_end(mun_registering *r, bool print_sum);

#endif
