/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys as text and JSON, for every command that shows one. Threads: the main thread. */
#ifndef MUN_CLI_KEY_TEXT_H
#define MUN_CLI_KEY_TEXT_H

#include "cli/speak.h"
#include "trust/keyfile.h"

/* Kind, thumbprint and own name, a line each. */
void mun_key_print(const mun_app *app, const mun_public_key *key);
void mun_out_key(const mun_app *app, json_t *object, const mun_public_key *key);
void mun_key_file_print(const mun_app *app, const mun_key_file *file);
void mun_out_key_file(const mun_app *app, json_t *object, const mun_key_file *file);

/* A ledger's identity: origin, both keys, fingerprint. */
void mun_identity_print(const mun_app *app, const mun_ledger_pub *pub);
void mun_out_identity(const mun_app *app, json_t *object, const mun_ledger_pub *pub);

/* Whether the PEM text is a private key of whatever kind. */
bool mun_is_private_pem(mun_slice text);

#endif
