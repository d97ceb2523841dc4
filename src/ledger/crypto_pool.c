/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/crypto_pool.h"

#include <muniment/keys.h>
#include <stdlib.h>

void mun_crypto_pool_init(mun_crypto_pool *pool)
{
    *pool = (mun_crypto_pool){0};
    pthread_mutex_init(&pool->mutex, NULL);
}

static void table_free(mun_crypto *crypto)
{
    mun_native_crypto_free(crypto);
    free(crypto);
}

void mun_crypto_pool_finish(mun_crypto_pool *pool)
{
    for (size_t i = 0; i < pool->len; i++) table_free(pool->idle[i]);
    pool->len = 0;
    pthread_mutex_destroy(&pool->mutex);
}

mun_code mun_crypto_pool_take(mun_crypto_pool *pool, mun_crypto **ret, mun_error *err)
{
    mun_crypto *crypto = NULL;
    pthread_mutex_lock(&pool->mutex);
    if (pool->len > 0) crypto = pool->idle[--pool->len];
    pthread_mutex_unlock(&pool->mutex);
    if (crypto == NULL) {
        crypto = calloc(1, sizeof *crypto);
        if (crypto == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
        mun_code code = mun_native_crypto_new(crypto, err);
        if (code != MUN_OK) {
            free(crypto);
            return code;
        }
    }
    *ret = crypto;
    return MUN_OK;
}

void mun_crypto_pool_give(mun_crypto_pool *pool, mun_crypto *crypto)
{
    if (crypto == NULL) return;
    pthread_mutex_lock(&pool->mutex);
    bool kept = pool->len < MUN_POOL_KEPT;
    if (kept) pool->idle[pool->len++] = crypto;
    pthread_mutex_unlock(&pool->mutex);
    if (!kept) table_free(crypto);
}
