/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every command gets: the parsed command line, the user's configuration, a crypto table, and
 * how to speak (text or JSON, colours, progress). One app is made by mun_app_main for the one
 * command of the process.
 *
 * Ownership: the app lives in mun_app_main; commands borrow it. Threads: the main thread only,
 * except mun_interrupted.
 */
#ifndef MUN_CLI_APP_H
#define MUN_CLI_APP_H

#include "base/buf.h"
#include "base/error.h"
#include "cli/args.h"
#include "cli/user_config.h"

#include <muniment/evidence.h>
#include <muniment/keys.h>
#include <muniment/ledger.h>

typedef struct mun_app {
    mun_args args;
    char **argv;
    mun_user_config config;
    mun_crypto crypto;
    bool json, quiet;
    bool colour;   /* standard output is a terminal that wants colours */
    bool progress; /* standard error is a terminal */
    int exit_code; /* for a verdict: the exit status where the command itself succeeded */
} mun_app;

typedef mun_code (*mun_command_run)(mun_app *app, mun_error *err);
typedef struct mun_command_entry {
    mun_command_id id;
    mun_command_run run;
} mun_command_entry;

/* The whole of a program that runs these commands. Returns the exit status. */
int mun_app_main(int argc, char **argv, const mun_command_entry *commands, size_t commands_len);

/* True once after the other: the user pressed Ctrl-C; the command should stop at a good place.
 * Before mun_interrupt_catch, Ctrl-C ends the process; afterwards only the second one does. */
void mun_interrupt_catch(void);
bool mun_interrupted(void);

/* ---- Shortcuts for commands ---- */

static inline const char *mun_app_value(const mun_app *app, mun_option_id id)
{
    return mun_args_value(&app->args, id);
}

static inline bool mun_app_has(const mun_app *app, mun_option_id id)
{
    return mun_args_has(&app->args, id);
}

/* A text option as a slice, empty when not given. MUN_E_USAGE when it is not UTF-8. */
MUN_MUST mun_code mun_app_text(const mun_app *app, mun_option_id id, mun_slice *ret,
                               mun_error *err);

/*
 * The passphrase in the file that the option names: its first line without the line end. Appended
 * to ret, a fixed buffer that the caller cleanses; nothing when the option is not given.
 */
MUN_MUST mun_code mun_app_passphrase(const mun_app *app, mun_option_id id, mun_buf *ret,
                                     mun_error *err);

/* -l, else MUNIMENT_LEDGER, else the configuration. MUN_E_USAGE: none of them says. */
MUN_MUST mun_code mun_app_ledger_path(const mun_app *app, const char **ret, mun_error *err);

typedef enum mun_ledger_use {
    MUN_USE_READ, /* read, perhaps sign when the keys are there without passphrase */
    MUN_USE_SIGN, /* read and sign: asks for the passphrase where one is needed */
    MUN_USE_WRITE /* become the writer */
} mun_ledger_use;

/* Opens the ledger of mun_app_ledger_path, asking for the passphrase where needed. */
MUN_MUST mun_code mun_app_ledger_open(const mun_app *app, mun_ledger_use use, mun_ledger **ret,
                                      mun_error *err);
MUN_MUST mun_code mun_app_ledger_open_at(const mun_app *app, const char *path, mun_ledger_use use,
                                         mun_ledger **ret, mun_error *err);

/* Milliseconds since 1970. */
uint64_t mun_wall_clock_ms(void);

#endif
