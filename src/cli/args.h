/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command line, parsed by the table of options.h: long options with = or the next word, bundled
 * short ones, options and operands in any order, -- before operands that begin with a dash. What
 * does not fit is refused with the nearest thing that would.
 *
 * Ownership: borrows argv; free with mun_args_free. Threads: a value.
 */
#ifndef MUN_CLI_ARGS_H
#define MUN_CLI_ARGS_H

#include "base/error.h"
#include "base/slice.h"
#include "cli/options.h"

typedef struct mun_given {
    mun_option_id id;
    const char *value; /* NULL for flags */
} mun_given;

typedef struct mun_args {
    const mun_command *command;
    mun_given *given; /* in the order of the command line */
    size_t given_len;
    const char **operands;
    size_t operands_len;
} mun_args;

/*
 * argv[0] is the program. `muniment`, `muniment --help` and `muniment COMMAND --help` parse as the
 * command help, `muniment --version` as version; --help is then among what was given.
 * MUN_E_USAGE: the sentence says what is wrong and what may have been meant.
 */
MUN_MUST mun_code mun_args_parse(int argc, char **argv, mun_args *ret, mun_error *err);
void mun_args_free(mun_args *args);

bool mun_args_has(const mun_args *args, mun_option_id id);
/* The last value given, or NULL. */
const char *mun_args_value(const mun_args *args, mun_option_id id);
/* The value of a MUN_VALUE_NUMBER option; otherwise when not given. */
uint64_t mun_args_number(const mun_args *args, mun_option_id id, uint64_t otherwise);
/* True when a MUN_VALUE_CHOICE option has this value; not given, it has the first choice. */
bool mun_args_is(const mun_args *args, mun_option_id id, const char *choice);
/* The n-th value of an option that repeats, or NULL. */
const char *mun_args_nth(const mun_args *args, mun_option_id id, size_t n);

/* Decimal, 0 .. 2^63-1, nothing else. */
bool mun_number_parse(const char *text, uint64_t *ret);

#endif
