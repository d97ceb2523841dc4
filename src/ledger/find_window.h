/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far one answer to a stranger's search goes. A search that filters looks at more entries than
 * it gives, at all of them where nothing matches; whoever serves it to others asks here first, and
 * lets them go on from there.
 *
 * Threads: any.
 */
#ifndef MUN_LEDGER_FIND_WINDOW_H
#define MUN_LEDGER_FIND_WINDOW_H

#include <muniment/ledger.h>

/* An `end` for this query with which mun_ledger_find looks at about `rows` entries at most: some
 * more than it gives, where the index does not have all of them. It is query->end, which is not 0
 * and not beyond the ledger's size, where that is as far as it needs to go. */
MUN_MUST mun_code mun_ledger_find_window(mun_ledger *ledger, const mun_query *query, uint64_t rows,
                                         uint64_t *ret_end, mun_error *err);

#endif
