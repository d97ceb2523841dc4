/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that this user trusts: each bound to one role and one exact name, with a reason and a
 * date. Kept as JSON (docs/format/trust.md): a folder of *.json files (the default:
 * muniment/trust.d in the XDG configuration directory), or one file. Read strictly: an unknown
 * member or version is refused, and so is a file that everybody may write.
 *
 * Ownership: the store owns all that it hands out, until the next load or put, or its free.
 * Threads: one store belongs to one thread while it is loaded; afterwards it may be read by many.
 */
#ifndef MUN_TRUST_TRUST_STORE_H
#define MUN_TRUST_TRUST_STORE_H

#include "base/buf.h"
#include "base/error.h"

#include <muniment/evidence.h>

#define MUN_TRUST_ENTRIES_MAX 10000      /* keys in one store */
#define MUN_TRUST_FILE_MAX    (4u << 20) /* bytes of one file */
#define MUN_TRUST_REASON_MAX  1024

/* A key with what the user said about it. name, kids: as in muniment/evidence.h. */
typedef struct mun_trust_entry {
    mun_trusted_key key; /* trusted is always true */
    mun_slice reason;    /* UTF-8, may be empty */
    int64_t added;       /* seconds since 1970 */
    const char *file;    /* where it stands; NULL for one that was put in by mun_trust_store_put */
} mun_trust_entry;

typedef struct mun_trust_store mun_trust_store;

/* "issuer", "ledger", "witness", "tsa"; the second: false when the text is no role. */
const char *mun_role_name(mun_role role);
bool mun_role_parse(mun_slice text, mun_role *ret);

/* $XDG_CONFIG_HOME/muniment/trust.d, else $HOME/.config/... MUN_E_USAGE: neither is set. */
MUN_MUST mun_code mun_trust_default_path(char *ret, size_t cap, mun_error *err);

MUN_MUST mun_code mun_trust_store_new(mun_trust_store **ret, mun_error *err);
void mun_trust_store_free(mun_trust_store *store); /* accepts NULL */

/*
 * Adds what stands in a file, or in every *.json of a folder. MUN_E_NOT_FOUND: there is nothing
 * (for the default path the caller takes that as an empty store). MUN_E_MALFORMED names file and
 * member. The same key for the same role and name twice: kept once.
 */
MUN_MUST mun_code mun_trust_store_load(mun_trust_store *store, const char *path, mun_error *err);
/* Adds one in memory only (a key given on the command line); everything is copied. */
MUN_MUST mun_code mun_trust_store_put(mun_trust_store *store, const mun_trusted_key *key,
                                      mun_error *err);

size_t mun_trust_store_size(const mun_trust_store *store);
const mun_trust_entry *mun_trust_store_at(const mun_trust_store *store, size_t i);
/* All keys as mun_verify takes them; *ret_len is mun_trust_store_size. */
const mun_trusted_key *mun_trust_store_keys(const mun_trust_store *store, size_t *ret_len);

/*
 * Writes one entry: into a folder (made when missing) as a file of its own, or into a
 * file whose name ends in ".json" (made when missing, rewritten whole). ret_file (may be NULL):
 * the file's path. MUN_E_EXISTS: this key stands there for this role and name.
 */
MUN_MUST mun_code mun_trust_add(const mun_crypto *crypto, const char *path,
                                const mun_trust_entry *entry, mun_buf *ret_file, mun_error *err);
/* Removes the entries of this role and name; thumbprint (may be NULL) restricts to one key.
 * *ret_removed counts them; MUN_E_NOT_FOUND when there were none. */
MUN_MUST mun_code mun_trust_remove(const mun_crypto *crypto, const char *path, mun_role role,
                                   mun_slice name, const uint8_t *thumbprint, size_t *ret_removed,
                                   mun_error *err);

#endif
