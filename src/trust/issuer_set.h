/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuers of a ledger, with their history: which keys stood under which name at which index
 * [POL-7] to [POL-9]. Because nothing is forgotten, the same object answers for the entry that is
 * being admitted now, for the index that follows behind, and for a replay of the whole ledger.
 *
 * Ownership: the set owns all it holds. Threads: readers share; a change needs the set alone.
 */
#ifndef MUN_TRUST_ISSUER_SET_H
#define MUN_TRUST_ISSUER_SET_H

#include "trust/policy_document.h"

#define MUN_ISSUER_SET_BYTES_MAX ((size_t)256 << 20) /* memory for names, keys and kids */
#define MUN_INDEX_NOW            UINT64_MAX          /* "at": after all that was applied */

typedef struct mun_issuer_set mun_issuer_set;

/* One key of one name, in force for entries from < index <= until. */
typedef struct mun_issuer_record {
    mun_slice iss;
    mun_slice cose_key;
    uint8_t thumbprint[MUN_HASH_SIZE];
    uint64_t from;
    uint64_t until;
    size_t kids_len;
    mun_slice kids[MUN_TRUST_KIDS_MAX];
    struct mun_issuer_record *next;       /* of the same name, newest first */
    struct mun_issuer_record *next_added; /* of all, oldest first */
} mun_issuer_record;

MUN_MUST mun_code mun_issuer_set_new(mun_issuer_set **ret, mun_error *err);
void mun_issuer_set_free(mun_issuer_set *set); /* accepts NULL */

/* Whether the statement could be applied: MUN_E_REFUSED ("issuer-keys-limit"), MUN_E_LIMIT. */
MUN_MUST mun_code mun_issuer_set_check(const mun_issuer_set *set,
                                       const mun_issuer_document *document, mun_error *err);
/* Applies the statement that stands at index; indexes go up. */
MUN_MUST mun_code mun_issuer_set_apply(mun_issuer_set *set, uint64_t index,
                                       const mun_issuer_document *document, mun_error *err);

/* The newest record of a name, or NULL; follow ->next, and ask mun_issuer_record_at. */
const mun_issuer_record *mun_issuer_set_name(const mun_issuer_set *set, mun_slice iss);
/* The oldest record of all, or NULL; follow ->next_added. */
const mun_issuer_record *mun_issuer_set_first(const mun_issuer_set *set);

static inline bool mun_issuer_record_at(const mun_issuer_record *record, uint64_t at)
{
    return record->from < at && at <= record->until;
}

/* True when kid is the thumbprint or one of the kids. */
bool mun_issuer_record_fits(const mun_issuer_record *record, mun_slice kid);

#endif
