/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user's configuration, muniment/config in the XDG configuration directory: lines
 * NAME = VALUE with the names key, issuer, ledger and token-file; empty lines; comment lines
 * beginning with #. The value is the rest of the line without white space at its ends. In key,
 * ledger and token-file a leading ~/ is the home directory, and other relative paths are relative
 * to the configuration's folder; a ledger may be the URL of a service.
 *
 * Ownership: values are inside the struct. Threads: a value.
 */
#ifndef MUN_CLI_USER_CONFIG_H
#define MUN_CLI_USER_CONFIG_H

#include "base/error.h"

#define MUN_USER_CONFIG_MAX  65536 /* bytes of the file */
#define MUN_USER_CONFIG_PATH 4096

typedef struct mun_user_config {
    char key[MUN_USER_CONFIG_PATH]; /* "" where not set; the same below */
    char issuer[MUN_USER_CONFIG_PATH];
    char ledger[MUN_USER_CONFIG_PATH];
    char token_file[MUN_USER_CONFIG_PATH];
} mun_user_config;

/* A missing file gives an empty configuration. MUN_E_USAGE with file and line: an unknown name, a
 * name twice, a line that is none of these. MUN_E_IO... */
MUN_MUST mun_code mun_user_config_load(mun_user_config *ret, mun_error *err);
/* The same from text; path is for messages and for relative paths, home for ~/ (may be NULL). */
MUN_MUST mun_code mun_user_config_parse(mun_slice text, const char *path, const char *home,
                                        mun_user_config *ret, mun_error *err);

#endif
