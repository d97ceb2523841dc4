/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For backends that commit later (backend.h), of which the tests have the only one so far:
 * statements that were accepted and not committed yet, by leaf hash; and for a while those that
 * came to nothing. Of fixed size: when it is full of pending ones nothing more is taken, and
 * failures are forgotten oldest first.
 *
 * Threads: any.
 */
#ifndef MUN_SERVER_PENDING_TABLE_H
#define MUN_SERVER_PENDING_TABLE_H

#include "server/backend.h"

typedef struct mun_pending_table mun_pending_table;

MUN_MUST mun_code mun_pending_create(size_t max, mun_pending_table **ret, mun_error *err);
void mun_pending_destroy(mun_pending_table *table); /* accepts NULL */

/* Notes it as pending (again, where it had failed). MUN_E_AGAIN: the table is full. */
MUN_MUST mun_code mun_pending_add(mun_pending_table *table, const uint8_t leaf[MUN_HASH_SIZE],
                                  mun_error *err);
/* It is on the log: forgotten here. */
void mun_pending_done(mun_pending_table *table, const uint8_t leaf[MUN_HASH_SIZE]);
/* It came to nothing, for this reason. */
void mun_pending_failed(mun_pending_table *table, const uint8_t leaf[MUN_HASH_SIZE],
                        const mun_error *why);
mun_fate mun_pending_fate(mun_pending_table *table, const uint8_t leaf[MUN_HASH_SIZE],
                          mun_error *ret_why);

#endif
