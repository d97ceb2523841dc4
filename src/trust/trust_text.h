/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file of the trust store as text (docs/format/trust.md). For trust_store.c and trust_edit.c
 * only. Threads: values.
 */
#ifndef MUN_TRUST_TRUST_TEXT_H
#define MUN_TRUST_TRUST_TEXT_H

#include "trust/trust_store.h"

/* Every entry of the text, in order. The entry's slices live during the call. */
typedef mun_code (*mun_trust_visit)(void *ctx, const mun_trust_entry *entry, mun_error *err);
MUN_MUST mun_code mun_trust_text_parse(mun_slice text, mun_trust_visit visit, void *ctx,
                                       mun_error *err);
MUN_MUST mun_code mun_trust_text_write(const mun_trust_entry *entries, size_t len, mun_buf *ret,
                                       mun_error *err);

/* Only *.json files of a folder belong to the store. */
bool mun_trust_is_store_file(const char *name);

/* Whether both bind the same key to the same role and name. */
bool mun_trust_same_key(const mun_trusted_key *a, const mun_trusted_key *b);

#endif
