/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file is and what is in it, as a JSON object; and any such object as text for people.
 * Nothing is verified here: everything is what the file claims.
 * Ownership: the object belongs to the caller. Threads: main.
 */
#ifndef MUN_CLI_EXPLAIN_H
#define MUN_CLI_EXPLAIN_H

#include "cli/speak.h"

/* MUN_E_MALFORMED: none of the kinds that are known; the sentence says what it looks like. */
MUN_MUST mun_code mun_explain(const mun_app *app, mun_slice bytes, json_t **ret, mun_error *err);
/* Members as indented lines "name  value". */
void mun_explain_print(json_t *object);

#endif
