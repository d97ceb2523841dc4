/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is particular to a terminal: colours, a progress bar, questions. Everything here does
 * nothing, or says so, where there is no terminal.
 * Threads: the main thread; mun_progress_set may come from any thread.
 */
#ifndef MUN_CLI_SCREEN_H
#define MUN_CLI_SCREEN_H

#include "base/buf.h"
#include "base/error.h"

bool mun_screen_wants_colour(void); /* standard output: a terminal, and NO_COLOR not set */
bool mun_screen_is_output(void);    /* standard output is a terminal */
bool mun_screen_is_errors(void);    /* standard error is a terminal */
unsigned mun_screen_width(void);    /* of standard output; 80 where it is no terminal */

/* A line on standard error that is written again as work goes on, ten times a second at most. */
typedef struct mun_progress {
    bool shown;
    const char *what;
    uint64_t last_ms;
    bool drawn;
} mun_progress;

void mun_progress_begin(mun_progress *p, bool shown, const char *what);
void mun_progress_set(mun_progress *p, uint64_t done, uint64_t all); /* all 0: not known */
void mun_progress_end(mun_progress *p);                              /* wipes the line */

/* Asks on standard error and reads a line from standard input without echo. MUN_E_USAGE: standard
 * input is no terminal; the sentence says which option to use instead. */
MUN_MUST mun_code mun_ask_passphrase(const char *question, const char *option, mun_buf *ret,
                                     mun_error *err);
/* Asks for the word yes. MUN_E_USAGE as above. */
MUN_MUST mun_code mun_ask_yes(const char *question, const char *option, bool *ret, mun_error *err);

#endif
