/* SPDX-License-Identifier: Apache-2.0 */
/* The pool of exchanges: last given back is first taken, because its memory is warm. */
#include "server/http_parts.h"

#include <stdlib.h>

void http_pool_init(http_pool *pool)
{
    pthread_mutex_init(&pool->mutex, NULL);
}

static void exchange_free(http_exchange *exchange)
{
    mun_buf_free(&exchange->body);
    mun_buf_free(&exchange->response.body);
    free(exchange);
}

void http_pool_finish(http_pool *pool)
{
    while (pool->kept != NULL) {
        http_exchange *exchange = pool->kept;
        pool->kept = exchange->next;
        exchange_free(exchange);
    }
    pthread_mutex_destroy(&pool->mutex);
}

static http_exchange *kept_one(http_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    http_exchange *exchange = pool->kept;
    if (exchange != NULL) {
        pool->kept = exchange->next;
        pool->kept_len--;
    }
    pthread_mutex_unlock(&pool->mutex);
    return exchange;
}

static http_exchange *new_one(void)
{
    http_exchange *exchange = malloc(sizeof *exchange);
    if (exchange == NULL) return NULL;
    *exchange = (http_exchange){0};
    exchange->body = mun_buf_growable(HTTP_BODY_MAX);
    exchange->response.body = mun_buf_growable(MUN_RESPONSE_BODY_MAX);
    return exchange;
}

/* All but the buffers begins anew; text_bytes is left as it is. */
static void begin(http_exchange *exchange, http_connection *connection)
{
    mun_response_reset(&exchange->response);
    mun_buf body = exchange->body;
    mun_buf_clear(&body);
    mun_response response = exchange->response;
    memset(exchange, 0, offsetof(http_exchange, text_bytes));
    exchange->body = body;
    exchange->response = response;
    exchange->text = mun_buf_fixed(exchange->text_bytes, sizeof exchange->text_bytes);
    exchange->server = connection->listener->server;
    exchange->connection = connection;
    exchange->mhd = connection->mhd;
}

http_exchange *http_exchange_take(http_connection *connection)
{
    http_pool *pool = &connection->listener->server->pool;
    http_exchange *exchange = kept_one(pool);
    if (exchange == NULL) exchange = new_one();
    if (exchange == NULL) return NULL;
    atomic_fetch_add(&pool->in_use, 1);
    begin(exchange, connection);
    return exchange;
}

static void trim(mun_buf *buf)
{
    if (buf->cap <= HTTP_KEPT_BYTES) return;
    size_t max = buf->max;
    mun_buf_free(buf);
    *buf = mun_buf_growable(max);
}

void http_exchange_give(http_exchange *exchange)
{
    http_pool *pool = &exchange->server->pool;
    trim(&exchange->body);
    trim(&exchange->response.body);
    pthread_mutex_lock(&pool->mutex);
    bool keep = pool->kept_len < HTTP_KEPT_MAX;
    if (keep) {
        exchange->next = pool->kept;
        pool->kept = exchange;
        pool->kept_len++;
    }
    pthread_mutex_unlock(&pool->mutex);
    if (!keep) exchange_free(exchange);
    atomic_fetch_sub(&pool->in_use, 1);
}
