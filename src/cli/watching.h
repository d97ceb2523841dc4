/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long work on a whole ledger: findings to standard output, progress to the terminal.
 * Threads: the callbacks may come from any thread of the library; a lock orders them.
 */
#ifndef MUN_CLI_WATCHING_H
#define MUN_CLI_WATCHING_H

#include "cli/screen.h"
#include "cli/speak.h"

#include <pthread.h>

typedef struct mun_watching {
    mun_app *app;
    mun_watch watch; /* give this to the library */
    pthread_mutex_t lock;
    mun_progress progress;
    uint64_t findings;
} mun_watching;

void mun_watching_begin(mun_watching *w, mun_app *app);
void mun_watching_end(mun_watching *w);

#endif
