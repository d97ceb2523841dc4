/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs and data that belong to this program, wherever it was installed or built: helper
 * programs beside it or in the libexec directory, data in share/muniment.
 * Threads: no shared state.
 */
#ifndef MUN_CLI_SIBLING_H
#define MUN_CLI_SIBLING_H

#include "base/error.h"

/* Becomes the helper program, with the same arguments. Returns only to say why it could not. */
MUN_MUST mun_code mun_sibling_run(const char *program, char **argv, mun_error *err);
/* The path of this very program, or of one beside it or in libexec. MUN_E_NOT_FOUND. */
MUN_MUST mun_code mun_sibling_find(const char *program, char *ret, size_t cap, mun_error *err);
/* The path of something under share/muniment ("format", "ref"). MUN_E_NOT_FOUND. */
MUN_MUST mun_code mun_data_find(const char *name, char *ret, size_t cap, mun_error *err);

#endif
