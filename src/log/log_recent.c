/* SPDX-License-Identifier: Apache-2.0 */
/* The newest batches, which the streams do not have yet, and answers from them. */
#include <stdlib.h>

#include "base/error.h"
#include "log/log_parts.h"

#define ITEMS_FIRST 32u

void mun_recent_init(mun_recent *recent)
{
    pthread_rwlock_init(&recent->lock, NULL);
}

void mun_recent_finish(mun_recent *recent)
{
    for (size_t i = 0; i < recent->count; i++) {
        mun_pending *p = &recent->item[(recent->at + i) % recent->cap];
        mun_batch_finish(p->batch);
        free(p->batch);
    }
    free(recent->item);
    pthread_rwlock_destroy(&recent->lock);
}

mun_tree_head mun_recent_head(mun_recent *recent)
{
    pthread_rwlock_rdlock(&recent->lock);
    mun_tree_head head = recent->head;
    pthread_rwlock_unlock(&recent->lock);
    return head;
}

mun_code mun_recent_reserve(mun_recent *recent, mun_error *err)
{
    if (recent->count < recent->cap) return MUN_OK;
    size_t cap = recent->cap == 0 ? ITEMS_FIRST : 2 * recent->cap;
    mun_pending *item = malloc(cap * sizeof *item);
    if (item == NULL) {
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory for new entries");
    }
    pthread_rwlock_wrlock(&recent->lock);
    for (size_t i = 0; i < recent->count; i++) {
        item[i] = recent->item[(recent->at + i) % recent->cap];
    }
    free(recent->item);
    recent->item = item;
    recent->cap = cap;
    recent->at = 0;
    pthread_rwlock_unlock(&recent->lock);
    return MUN_OK;
}

static size_t small_bytes(mun_pending p)
{
    return p.pooled ? 0 : p.batch->payload_len + 2 * MUN_HASH_SIZE * (size_t)p.batch->count;
}

void mun_recent_push(mun_recent *recent, mun_pending pending, mun_tree_head head)
{
    pthread_rwlock_wrlock(&recent->lock);
    recent->item[(recent->at + recent->count) % recent->cap] = pending;
    recent->count++;
    recent->head = head;
    recent->last_time_ms = pending.batch->time_ms;
    recent->batches++;
    recent->bytes += small_bytes(pending);
    pthread_rwlock_unlock(&recent->lock);
}

size_t mun_recent_oldest(mun_recent *recent, mun_pending *ret, size_t max)
{
    pthread_rwlock_rdlock(&recent->lock);
    size_t n = recent->count < max ? recent->count : max;
    for (size_t i = 0; i < n; i++) ret[i] = recent->item[(recent->at + i) % recent->cap];
    pthread_rwlock_unlock(&recent->lock);
    return n;
}

void mun_recent_pop(mun_recent *recent, size_t n)
{
    pthread_rwlock_wrlock(&recent->lock);
    for (size_t i = 0; i < n; i++) {
        recent->bytes -= small_bytes(recent->item[(recent->at + i) % recent->cap]);
    }
    recent->at = (recent->at + n) % recent->cap;
    recent->count -= n;
    pthread_rwlock_unlock(&recent->lock);
}

/* With the lock: the batch that holds an entry. An empty batch begins where the next one does, so
 * the last one that begins at or before the entry is the right one. */
static const mun_batch *batch_of(const mun_recent *recent, uint64_t index)
{
    size_t low = 0, high = recent->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const mun_batch *b = recent->item[(recent->at + middle) % recent->cap].batch;
        if (b->first <= index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) return NULL;
    const mun_batch *b = recent->item[(recent->at + low - 1) % recent->cap].batch;
    return index < b->first + b->count ? b : NULL;
}

/* A node belongs to the batch that holds its last entry. */
bool mun_recent_node(mun_recent *recent, unsigned height, uint64_t index, mun_hash *ret)
{
    uint64_t last = ((index + 1) << height) - 1;
    pthread_rwlock_rdlock(&recent->lock);
    const mun_batch *b = batch_of(recent, last);
    const mun_hash *node = b == NULL ? NULL : mun_batch_node(b, height, index);
    if (node != NULL) *ret = *node;
    pthread_rwlock_unlock(&recent->lock);
    return node != NULL;
}

bool mun_recent_entry(mun_recent *recent, uint64_t index, mun_buf *ret, uint64_t *ret_time)
{
    pthread_rwlock_rdlock(&recent->lock);
    const mun_batch *b = batch_of(recent, index);
    if (b != NULL) {
        if (ret != NULL) mun_buf_put(ret, mun_batch_entry(b, (uint32_t)(index - b->first)));
        if (ret_time != NULL) *ret_time = b->time_ms;
    }
    pthread_rwlock_unlock(&recent->lock);
    return b != NULL;
}
