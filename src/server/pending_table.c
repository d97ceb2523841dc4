/* SPDX-License-Identifier: Apache-2.0 */
#include "server/pending_table.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct row {
    uint8_t leaf[MUN_HASH_SIZE];
    mun_fate fate; /* UNKNOWN: a free row */
    mun_error why;
    size_t next;     /* in its bucket, or among the free ones */
    uint64_t number; /* of failures: the lowest is the oldest */
} row;

#define NONE SIZE_MAX

struct mun_pending_table {
    pthread_mutex_t mutex;
    size_t max, free;
    uint64_t failures;
    size_t *bucket; /* max of them */
    row *rows;
};

/* Leaves are digests: any eight bytes are as good as a hash. Whoever grinds them to collide only
 * makes a walk through at most max rows longer. */
static size_t *bucket_of(mun_pending_table *table, const uint8_t leaf[MUN_HASH_SIZE])
{
    uint64_t key = 0;
    memcpy(&key, leaf, sizeof key);
    return &table->bucket[key % table->max];
}

static row *find(mun_pending_table *table, const uint8_t leaf[MUN_HASH_SIZE])
{
    for (size_t at = *bucket_of(table, leaf); at != NONE; at = table->rows[at].next) {
        if (memcmp(table->rows[at].leaf, leaf, MUN_HASH_SIZE) == 0) return &table->rows[at];
    }
    return NULL;
}

static void forget(mun_pending_table *table, row *gone)
{
    size_t index = (size_t)(gone - table->rows);
    size_t *at = bucket_of(table, gone->leaf);
    while (*at != index) at = &table->rows[*at].next;
    *at = gone->next;
    gone->fate = MUN_FATE_UNKNOWN;
    gone->next = table->free;
    table->free = index;
}

static void forget_oldest_failure(mun_pending_table *table)
{
    row *oldest = NULL;
    for (size_t i = 0; i < table->max; i++) {
        row *r = &table->rows[i];
        if (r->fate == MUN_FATE_FAILED && (oldest == NULL || r->number < oldest->number)) {
            oldest = r;
        }
    }
    if (oldest != NULL) forget(table, oldest);
}

static row *add(mun_pending_table *table, const uint8_t leaf[MUN_HASH_SIZE])
{
    if (table->free == NONE) forget_oldest_failure(table);
    if (table->free == NONE) return NULL;
    row *r = &table->rows[table->free];
    size_t *bucket = bucket_of(table, leaf);
    size_t index = table->free;
    table->free = r->next;
    memcpy(r->leaf, leaf, MUN_HASH_SIZE);
    r->next = *bucket;
    *bucket = index;
    return r;
}

mun_code mun_pending_create(size_t max, mun_pending_table **ret, mun_error *err)
{
    mun_pending_table *table = calloc(1, sizeof *table);
    if (max == 0) max = 1;
    if (table != NULL) {
        pthread_mutex_init(&table->mutex, NULL);
        table->max = max;
        table->bucket = malloc(max * sizeof table->bucket[0]);
        table->rows = calloc(max, sizeof table->rows[0]);
    }
    if (table == NULL || table->bucket == NULL || table->rows == NULL) {
        mun_pending_destroy(table);
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    }
    for (size_t i = 0; i < max; i++) {
        table->bucket[i] = NONE;
        table->rows[i].next = i + 1 < max ? i + 1 : NONE;
    }
    *ret = table;
    return MUN_OK;
}

void mun_pending_destroy(mun_pending_table *table)
{
    if (table == NULL) return;
    pthread_mutex_destroy(&table->mutex);
    free(table->bucket);
    free(table->rows);
    free(table);
}

mun_code mun_pending_add(mun_pending_table *table, const uint8_t leaf[MUN_HASH_SIZE],
                         mun_error *err)
{
    pthread_mutex_lock(&table->mutex);
    row *r = find(table, leaf);
    if (r == NULL) r = add(table, leaf);
    if (r != NULL) r->fate = MUN_FATE_PENDING;
    pthread_mutex_unlock(&table->mutex);
    if (r != NULL) return MUN_OK;
    return mun_fail(err, MUN_E_AGAIN, MUN_NO_OFFSET,
                    "too many registrations are under way; try again");
}

void mun_pending_done(mun_pending_table *table, const uint8_t leaf[MUN_HASH_SIZE])
{
    pthread_mutex_lock(&table->mutex);
    row *r = find(table, leaf);
    if (r != NULL) forget(table, r);
    pthread_mutex_unlock(&table->mutex);
}

void mun_pending_failed(mun_pending_table *table, const uint8_t leaf[MUN_HASH_SIZE],
                        const mun_error *why)
{
    pthread_mutex_lock(&table->mutex);
    row *r = find(table, leaf);
    if (r != NULL) {
        r->fate = MUN_FATE_FAILED;
        r->why = *why;
        r->number = table->failures++;
    }
    pthread_mutex_unlock(&table->mutex);
}

mun_fate mun_pending_fate(mun_pending_table *table, const uint8_t leaf[MUN_HASH_SIZE],
                          mun_error *ret_why)
{
    pthread_mutex_lock(&table->mutex);
    const row *r = find(table, leaf);
    mun_fate fate = r == NULL ? MUN_FATE_UNKNOWN : r->fate;
    if (fate == MUN_FATE_FAILED && ret_why != NULL) *ret_why = r->why;
    pthread_mutex_unlock(&table->mutex);
    return fate;
}
