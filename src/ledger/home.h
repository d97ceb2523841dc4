/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys/home: what binds private keys to the place where they were made, so that a copied or
 * restored directory is noticed before it signs anything [LOG-31 to LOG-34]. It stands with the
 * keys because they are what a copy must not use.
 *
 * Ownership: nothing is kept. Threads: no shared state.
 */
#ifndef MUN_LEDGER_HOME_H
#define MUN_LEDGER_HOME_H

#include "base/error.h"
#include "base/slice.h"

#include <muniment/crypto.h>

#define MUN_HOME_FILE "home"

typedef enum mun_home {
    MUN_HOME_HERE,
    MUN_HOME_NONE,     /* no such file: keys made before there was one */
    MUN_HOME_ELSEWHERE /* these are copies of the files of another place */
} mun_home;

/* Binds the keys in directory/folder to it. MUN_E_EXISTS: they are bound already. */
MUN_MUST mun_code mun_home_make(const char *directory, const char *folder, mun_error *err);
/* MUN_HOME_ELSEWHERE with the reason, part of a sentence, in ret_why. MUN_E_PERMISSION: whoever
 * may not read it may not read the keys beside it either. */
MUN_MUST mun_code mun_home_look(const mun_crypto *crypto, const char *directory, const char *folder,
                                mun_home *ret, const char **ret_why, mun_error *err);

#endif
