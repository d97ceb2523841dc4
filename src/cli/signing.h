/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of sign and register that say who signs what: the loaded key, the issuer's name, and
 * statements made from documents with them.
 *
 * Ownership: mun_signing_end frees the key and wipes it. Names are borrowed from the command line
 * or the configuration. Threads: after mun_signing_begin it is only read; several may sign.
 */
#ifndef MUN_CLI_SIGNING_H
#define MUN_CLI_SIGNING_H

#include "cli/app.h"
#include "cli/document.h"
#include "trust/keyfile.h"

typedef struct mun_signing {
    mun_signing_key key;
    mun_slice issuer;
    mun_slice content_type;
    mun_slice location;
    const char *subject; /* template, or NULL */
    bool inline_payload;
    bool with_time;
    uint8_t own_name[256]; /* the key's thumbprint URI, where that is the issuer */
} mun_signing;

/* The key from --key or the configuration; NULL where none is named. */
const char *mun_signing_key_path(const mun_app *app);
/* Loads the key, asking for its passphrase where needed. */
MUN_MUST mun_code mun_signing_begin(const mun_app *app, const char *key_path, mun_signing *ret,
                                    mun_error *err);
void mun_signing_end(mun_signing *signing);

/* Reads a document as far as the statement needs it. content: used only for inline statements. */
MUN_MUST mun_code mun_signing_read(const mun_signing *signing, const char *path, mun_document *ret,
                                   mun_buf *ret_content, mun_error *err);
/* Signs; appends the statement to ret. */
MUN_MUST mun_code mun_signing_make(const mun_signing *signing, const mun_document *document,
                                   mun_slice content, mun_slice subject, mun_buf *ret,
                                   mun_error *err);

#endif
