/* SPDX-License-Identifier: Apache-2.0 */
/* The function behind each command, one cmd_NAME.c for each name. Threads: the main thread. */
#ifndef MUN_CLI_COMMANDS_H
#define MUN_CLI_COMMANDS_H

#include "cli/app.h"

mun_code mun_cmd_init(mun_app *app, mun_error *err);
mun_code mun_cmd_issuer_add(mun_app *app, mun_error *err);
mun_code mun_cmd_issuer_remove(mun_app *app, mun_error *err);
mun_code mun_cmd_issuer_list(mun_app *app, mun_error *err);
mun_code mun_cmd_key_new(mun_app *app, mun_error *err);
mun_code mun_cmd_key_show(mun_app *app, mun_error *err);
mun_code mun_cmd_sign(mun_app *app, mun_error *err);
mun_code mun_cmd_register(mun_app *app, mun_error *err);
mun_code mun_cmd_verify(mun_app *app, mun_error *err);
mun_code mun_cmd_trust_add(mun_app *app, mun_error *err);
mun_code mun_cmd_trust_list(mun_app *app, mun_error *err);
mun_code mun_cmd_trust_remove(mun_app *app, mun_error *err);
mun_code mun_cmd_show(mun_app *app, mun_error *err);
mun_code mun_cmd_list(mun_app *app, mun_error *err);
mun_code mun_cmd_find(mun_app *app, mun_error *err);
mun_code mun_cmd_receipt(mun_app *app, mun_error *err);
mun_code mun_cmd_checkpoint(mun_app *app, mun_error *err);
mun_code mun_cmd_export(mun_app *app, mun_error *err);
mun_code mun_cmd_import(mun_app *app, mun_error *err);
mun_code mun_cmd_backup(mun_app *app, mun_error *err);
mun_code mun_cmd_restore(mun_app *app, mun_error *err);
mun_code mun_cmd_standby(mun_app *app, mun_error *err);
mun_code mun_cmd_handover(mun_app *app, mun_error *err);
mun_code mun_cmd_adopt(mun_app *app, mun_error *err);
mun_code mun_cmd_status(mun_app *app, mun_error *err);
mun_code mun_cmd_fsck(mun_app *app, mun_error *err);
mun_code mun_cmd_rebuild(mun_app *app, mun_error *err);
mun_code mun_cmd_completion(mun_app *app, mun_error *err);
mun_code mun_cmd_version(mun_app *app, mun_error *err);
mun_code mun_cmd_help(mun_app *app, mun_error *err);
mun_code mun_cmd_kit(mun_app *app, mun_error *err);   /* the program muniment-kit */
mun_code mun_cmd_bench(mun_app *app, mun_error *err); /* the program muniment-bench */
mun_code mun_cmd_serve(mun_app *app, mun_error *err); /* these: the program muniment-serve */
mun_code mun_cmd_token_new(mun_app *app, mun_error *err);
mun_code mun_cmd_token_list(mun_app *app, mun_error *err);
mun_code mun_cmd_token_revoke(mun_app *app, mun_error *err);

/* Imports operand 0 into operand 1; prints the sentence and whose ledger it is (its keys). */
mun_code mun_import_as(mun_app *app, const char *type, const char *sentence, mun_error *err);

#endif
