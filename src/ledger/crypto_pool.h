/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Crypto tables for whoever calls the ledger: a table belongs to one thread at a time, and building
 * one costs more than a signature, so they are lent and taken back.
 *
 * Threads: every function may be called by any thread, but for init and finish.
 */
#ifndef MUN_LEDGER_CRYPTO_POOL_H
#define MUN_LEDGER_CRYPTO_POOL_H

#include "base/error.h"

#include <muniment/crypto.h>
#include <pthread.h>

#define MUN_POOL_KEPT 64 /* tables kept while nobody uses them */

typedef struct mun_crypto_pool {
    pthread_mutex_t mutex;
    size_t len;
    mun_crypto *idle[MUN_POOL_KEPT];
} mun_crypto_pool;

void mun_crypto_pool_init(mun_crypto_pool *pool);
void mun_crypto_pool_finish(mun_crypto_pool *pool); /* all tables are back */

MUN_MUST mun_code mun_crypto_pool_take(mun_crypto_pool *pool, mun_crypto **ret, mun_error *err);
void mun_crypto_pool_give(mun_crypto_pool *pool, mun_crypto *crypto); /* accepts NULL */

#endif
