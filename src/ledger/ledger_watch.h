/* SPDX-License-Identifier: Apache-2.0 */
/* A caller's watch, called by one thread at a time, with its findings counted. */
#ifndef MUN_LEDGER_LEDGER_WATCH_H
#define MUN_LEDGER_LEDGER_WATCH_H

#include "log/log.h"

#include <muniment/ledger.h>
#include <pthread.h>

typedef struct mun_watcher {
    const mun_watch *watch; /* may be NULL */
    pthread_mutex_t mutex;
    const char *stage;
    uint64_t findings;
    mun_error first; /* the first finding as an error, MUN_E_DAMAGED */
} mun_watcher;

void mun_watcher_init(mun_watcher *watcher, const mun_watch *watch);
void mun_watcher_finish(mun_watcher *watcher);

__attribute__((format(printf, 5, 6))) void mun_watcher_find(mun_watcher *watcher, const char *file,
                                                            uint64_t offset, uint64_t entry,
                                                            const char *format, ...);
void mun_watcher_progress(mun_watcher *watcher, const char *stage, uint64_t done, uint64_t all);
void mun_watcher_notice(mun_watcher *watcher, const char *sentence);
/* MUN_OK, or MUN_E_DAMAGED with the first finding and how many there are. */
MUN_MUST mun_code mun_watcher_verdict(mun_watcher *watcher, mun_error *err);

/* The watch for the log's own checks, which become the stage. */
mun_log_watch mun_watcher_log(mun_watcher *watcher, const char *stage);

#endif
