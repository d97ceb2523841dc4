/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is written from the table of options: help, manual pages, completion scripts.
 * Overflow of the buffer is the caller's to check. Threads: no shared state.
 */
#ifndef MUN_CLI_PAGES_H
#define MUN_CLI_PAGES_H

#include "base/buf.h"
#include "cli/options.h"

#define MUN_PAGE_MAX (1u << 20)

/* Plain text, at most width columns. command NULL: the list of all. */
void mun_help_write(mun_buf *ret, const mun_command *command, unsigned width);
/* All commands with that name (issuer: its verbs). False: there is none. */
bool mun_help_write_name(mun_buf *ret, const char *name, unsigned width);
/* mdoc: muniment(1) for NULL, muniment-NAME(1) with all verbs of the name otherwise. */
bool mun_man_write(mun_buf *ret, const char *name);
/* shell: "bash", "zsh" or "fish". */
void mun_completion_write(mun_buf *ret, const char *shell);

#endif
