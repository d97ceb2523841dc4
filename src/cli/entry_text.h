/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of a ledger as a line of text or JSON; parts of statements for show. Threads: main. */
#ifndef MUN_CLI_ENTRY_TEXT_H
#define MUN_CLI_ENTRY_TEXT_H

#include "cli/speak.h"

void mun_entry_print(mun_app *app, const mun_found *found);
/* issuer, subject, types, digest and so on of a statement. */
void mun_out_statement(const mun_app *app, json_t *object, const mun_statement *statement);
/* The digest of the document that the statement is about; false: it is not known. */
bool mun_statement_digest(const mun_app *app, const mun_statement *statement,
                          uint8_t ret[MUN_DIGEST_MAX], size_t *ret_len);

#endif
