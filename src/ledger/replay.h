/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replaying a ledger: what it has said about itself, then whether every entry was admissible at its
 * index, signatures included [POL-12], [POL-13]; and whether the index says the same as the log.
 * For fsck --deep and for import.
 *
 * Threads: both use one thread for each core inside; one call at a time.
 */
#ifndef MUN_LEDGER_REPLAY_H
#define MUN_LEDGER_REPLAY_H

#include "ledger/ledger_parts.h"
#include "ledger/ledger_watch.h"

/* Findings go to the watcher. A failure other than a finding (I/O) is returned. */
MUN_MUST mun_code mun_replay_entries(mun_ledger *ledger, mun_watcher *watcher, mun_error *err);
/* Every row of index.sqlite against its entry; a missing file is no finding. */
MUN_MUST mun_code mun_replay_index(mun_ledger *ledger, mun_watcher *watcher, mun_error *err);

#endif
