/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registration times of a source's entries, from its file `commits`. A service is asked for
 * those of MUN_SOURCE_TIMES entries at a time, so that a ledger of many millions takes no more
 * memory than a small one; a folder, or a web server that knows no parameters, gives the whole.
 * Nothing is believed: [LOG-13], [LOG-14], [EXP-9].
 *
 * Ownership: init and finish. Threads: one at a time.
 */
#ifndef MUN_LEDGER_SOURCE_TIMES_H
#define MUN_LEDGER_SOURCE_TIMES_H

#include "ledger/commits.h"

#include <muniment/ledger.h>

#define MUN_SOURCE_TIMES 65536 /* entries; about a megabyte, if each has a time of its own */

typedef struct mun_source_times {
    const mun_source *source;
    const mun_crypto *crypto;
    uint64_t size;   /* of the signed tree: what is said of later entries does not count */
    uint64_t window; /* entries asked for at a time */
    uint64_t end;    /* the times of entries below this are at hand */
    uint64_t record; /* of the entry that was asked for last */
    uint64_t last_ms;
    mun_buf bytes;
    mun_commits commits;
} mun_source_times;

/* After the checkpoint of that size was read, so that every entry's time is there [EXP-9]. Source
 * and crypto are borrowed. */
void mun_source_times_init(mun_source_times *times, const mun_source *source,
                           const mun_crypto *crypto, uint64_t size);
void mun_source_times_finish(mun_source_times *times); /* accepts a zeroed one */

/* The time of an entry of the tree; they are asked for in order. ret_until: those below it have the
 * same. MUN_E_INVALID, or what the source fails with. */
MUN_MUST mun_code mun_source_times_at(mun_source_times *times, uint64_t index, uint64_t *ret_ms,
                                      uint64_t *ret_until, mun_error *err);

#endif
