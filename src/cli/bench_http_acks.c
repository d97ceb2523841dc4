/* SPDX-License-Identifier: Apache-2.0 */
/* The receipts of a run, and the judgement over them. */
#include "cli/bench_http.h"
#include "codec/cbor.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK       (4u << 20)
#define KEYS_PAGE   65536
#define NO_INDEX    UINT64_MAX
#define FIRST_BLOCK 64

/* ---- Keeping ---- */

static uint8_t *room_for(mun_bench_acks *acks, size_t n)
{
    if (n > BLOCK) return NULL;
    if (acks->block_left < n) {
        uint8_t **blocks = realloc(acks->blocks, (acks->blocks_len + 1) * sizeof *blocks);
        if (blocks == NULL) return NULL;
        acks->blocks = blocks;
        acks->blocks[acks->blocks_len] = malloc(BLOCK);
        if (acks->blocks[acks->blocks_len] == NULL) return NULL;
        acks->blocks_len++;
        acks->block_left = BLOCK;
    }
    uint8_t *at = acks->blocks[acks->blocks_len - 1] + (BLOCK - acks->block_left);
    acks->block_left -= n;
    return at;
}

void mun_bench_acks_put(mun_bench_acks *acks, uint64_t statement, mun_slice receipt,
                        mun_slice location)
{
    if (acks->len == acks->cap) {
        size_t cap = acks->cap > 0 ? acks->cap * 2 : FIRST_BLOCK;
        mun_bench_ack *grown = realloc(acks->list, cap * sizeof *grown);
        if (grown == NULL) {
            acks->lost++;
            return;
        }
        acks->list = grown;
        acks->cap = cap;
    }
    uint8_t *bytes = room_for(acks, receipt.len + location.len);
    if (bytes == NULL) {
        acks->lost++;
        return;
    }
    memcpy(bytes, receipt.ptr, receipt.len);
    if (location.len > 0) memcpy(bytes + receipt.len, location.ptr, location.len);
    acks->list[acks->len++] = (mun_bench_ack){.statement = statement,
                                              .len = (uint32_t)receipt.len,
                                              .location_len = (uint32_t)location.len,
                                              .bytes = bytes};
}

void mun_bench_acks_free(mun_bench_acks *acks)
{
    for (size_t i = 0; i < acks->blocks_len; i++) free(acks->blocks[i]);
    free(acks->blocks);
    free(acks->list);
    *acks = (mun_bench_acks){0};
}

/* ---- Keys ---- */

static mun_code take_key(mun_slice bytes, mun_bench_keys *ret, mun_error *err)
{
    mun_slice kid;
    MUN_TRY(mun_cose_key_parse(bytes, &ret->key[ret->len], &kid, err));
    if (kid.len > MUN_KID_MAX) return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "a long kid");
    if (kid.len > 0) memcpy(ret->kid[ret->len], kid.ptr, kid.len);
    ret->kid_len[ret->len++] = kid.len;
    return MUN_OK;
}

mun_code mun_bench_keys_read(const mun_load_target *target, mun_bench_keys *ret, mun_error *err)
{
    mun_buf page MUN_BUF_AUTO = mun_buf_growable(KEYS_PAGE);
    *ret = (mun_bench_keys){0};
    MUN_TRY(mun_load_get(target, "/.well-known/scitt-keys", "application/cbor", &page, err));
    MUN_TRY(mun_cbor_check(mun_buf_slice(&page), MUN_CBOR_CARRIED, err));
    mun_cursor c = mun_cursor_over(mun_buf_slice(&page));
    mun_cbor_item set = mun_cbor_take(&c);
    if (!mun_cbor_is(&set, MUN_CBOR_ARRAY)) {
        return mun_fail(err, MUN_E_MALFORMED, 0, "the service's keys are no COSE_KeySet");
    }
    mun_cursor keys = mun_cbor_open(&set);
    while (mun_cbor_more(&keys) && ret->len < MUN_BENCH_KEYS) {
        mun_cbor_item key = mun_cbor_take(&keys);
        MUN_TRY(take_key(key.whole, ret, err));
    }
    if (ret->len > 0) return MUN_OK;
    return mun_fail(err, MUN_E_MALFORMED, 0, "the service shows no keys");
}

/* ---- Verifying ---- */

typedef struct judge {
    const mun_bench_acks *acks;
    const mun_bench_pool *pool;
    const mun_bench_keys *keys;
    _Atomic uint64_t *indexes; /* of each statement, as its first receipt says */
    atomic_size_t next, bad, disagreeing;
} judge;

static bool by_some_key(const mun_crypto *crypto, const judge *j, const mun_receipt *receipt,
                        const uint8_t leaf[MUN_HASH_SIZE])
{
    uint8_t root[MUN_HASH_SIZE];
    for (size_t i = 0; i < j->keys->len; i++) {
        mun_slice kid = mun_slice_of(j->keys->kid[i], j->keys->kid_len[i]);
        if (receipt->have_kid && kid.len > 0 && !mun_slice_equal(receipt->kid, kid)) continue;
        mun_code code = mun_receipt_check(crypto, receipt, leaf, &j->keys->key[i], root, NULL);
        if (code == MUN_OK) return true;
    }
    return false;
}

static bool is_good(const mun_crypto *crypto, judge *j, const mun_bench_ack *ack)
{
    mun_receipt receipt;
    mun_statement statement;
    uint8_t leaf[MUN_HASH_SIZE];
    mun_slice bytes = mun_bench_pool_at(j->pool, ack->statement);
    if (mun_statement_parse(bytes, &statement, NULL) != MUN_OK) return false;
    if (mun_receipt_parse(mun_slice_of(ack->bytes, ack->len), &receipt, NULL) != MUN_OK) {
        return false;
    }
    mun_statement_leaf(crypto, &statement, leaf);
    if (receipt.proofs_len == 0 || !by_some_key(crypto, j, &receipt, leaf)) return false;
    uint64_t index = receipt.proofs[0].index_or_new, before = NO_INDEX;
    if (!atomic_compare_exchange_strong(&j->indexes[ack->statement], &before, index) &&
        before != index) {
        atomic_fetch_add(&j->disagreeing, 1);
    }
    return true;
}

static void *judge_thread(void *arg)
{
    judge *j = arg;
    mun_crypto crypto;
    if (mun_native_crypto_new(&crypto, NULL) != MUN_OK) return NULL;
    for (;;) {
        size_t i = atomic_fetch_add(&j->next, 1);
        if (i >= j->acks->len) break;
        if (!is_good(&crypto, j, &j->acks->list[i])) atomic_fetch_add(&j->bad, 1);
    }
    mun_native_crypto_free(&crypto);
    return NULL;
}

static mun_code sentence(judge *j, mun_error *err)
{
    size_t bad = atomic_load(&j->bad), disagreeing = atomic_load(&j->disagreeing);
    if (atomic_load(&j->next) < j->acks->len || j->acks->lost > 0) {
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "not every receipt could be verified");
    }
    if (bad == 0 && disagreeing == 0) return MUN_OK;
    return mun_failf(err, MUN_E_INVALID, 0,
                     "of %zu receipts %zu do not verify, and %zu name another entry than an "
                     "earlier receipt of the same statement",
                     j->acks->len, bad, disagreeing);
}

mun_code mun_bench_acks_verify(const mun_bench_acks *acks, const mun_bench_pool *pool,
                               const mun_bench_keys *keys, unsigned cores, mun_error *err)
{
    judge j = {.acks = acks, .pool = pool, .keys = keys};
    j.indexes = malloc((pool->len + 1) * sizeof *j.indexes);
    if (j.indexes == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    for (size_t i = 0; i < pool->len; i++) atomic_init(&j.indexes[i], NO_INDEX);
    atomic_init(&j.next, 0);
    atomic_init(&j.bad, 0);
    atomic_init(&j.disagreeing, 0);
    /* One is enough; where there was none, sentence sees that nothing was judged. */
    (void)mun_bench_at_once(cores, judge_thread, &j);
    mun_code code = sentence(&j, err);
    free(j.indexes);
    return code;
}
