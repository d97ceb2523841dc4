/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom the user trusts for this one command: --trust (without it the user's trust folder),
 * --issuer-key, --ledger-key, and -l, whose ledger stands for its own keys and the issuers on its
 * list. With the URL of a service -l trusts nothing: the keys that it shows are known, so that
 * signatures can be checked, and no more. MUNIMENT_LEDGER and the configuration never make anything
 * trusted here.
 *
 * A bare key of a flag speaks for whatever issuer or ledger the evidence at hand names: the user
 * says whose it is by giving it. That is why the list is made for each evidence file anew.
 *
 * Ownership: mun_trust_flags_free. The list borrows from the flags and from the evidence; free it
 * with free(). Threads: main.
 */
#ifndef MUN_CLI_TRUST_FLAGS_H
#define MUN_CLI_TRUST_FLAGS_H

#include "cli/app.h"
#include "trust/keyfile.h"
#include "trust/trust_store.h"

typedef struct mun_bare_key {
    mun_role role;
    mun_public_key key;
    size_t kid_len;
    uint8_t kid[MUN_KEY_KID_MAX];
} mun_bare_key;

/* A key that a service shows: known, not trusted. */
typedef struct mun_known_key {
    mun_role role;
    uint8_t *name;
    size_t name_len;
    mun_public_key key;
    size_t kids_len;
    uint8_t kids[MUN_TRUST_KIDS_MAX][MUN_KID_MAX];
    size_t kid_lens[MUN_TRUST_KIDS_MAX];
} mun_known_key;

typedef struct mun_trust_flags {
    mun_trust_store *store;
    mun_bare_key *bare;
    size_t bare_len;
    mun_known_key *known;
    size_t known_len;
    mun_ledger *ledger; /* of -l, or NULL */
} mun_trust_flags;

/* The keys of a service's ledger and of the issuers on its list, as known keys (remote_trust.c). */
MUN_MUST mun_code mun_remote_known(mun_app *app, const char *url, mun_trust_flags *flags,
                                   mun_error *err);

MUN_MUST mun_code mun_trust_flags_load(mun_app *app, mun_trust_flags *ret, mun_error *err);
void mun_trust_flags_free(mun_trust_flags *flags);

/* The keys for one evidence file. */
MUN_MUST mun_code mun_trust_flags_for(const mun_trust_flags *flags, const mun_statement *statement,
                                      mun_trusted_key **ret, size_t *ret_len, mun_error *err);

#endif
