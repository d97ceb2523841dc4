/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a ledger, for status and show. Threads: main. */
#ifndef MUN_CLI_STATUS_TEXT_H
#define MUN_CLI_STATUS_TEXT_H

#include "cli/speak.h"

MUN_MUST mun_code mun_status_print(mun_app *app, const char *path, mun_ledger *ledger,
                                   mun_error *err);

#endif
