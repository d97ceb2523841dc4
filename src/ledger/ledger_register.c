/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registration: parse and verify in the calling thread, append together, sign receipts in the
 * calling thread. What is on the log already is answered before any policy is asked; so a repeated
 * registration costs no signature check, and is answered even where the issuer is no longer listed.
 */
#include "ledger/ledger_parts.h"

#include <stdlib.h>
#include <time.h>

#define CHUNK_STATEMENTS 256
#define CHUNK_BYTES      ((size_t)MUN_BATCH_BYTES_MAX)
#define CHUNK_BUFFER     (CHUNK_BYTES + MUN_ENTRY_MAX)

/* One statement of a chunk on its way. */
typedef struct pending {
    size_t at;    /* which of the caller's */
    size_t start; /* its entry bytes in the chunk's buffer */
    size_t len;
    mun_slice sub;
    mun_hash leaf;
} pending;

typedef struct chunk {
    mun_ledger *ledger;
    const mun_crypto *crypto;
    mun_registration *results;
    mun_buf entries;
    bool timed; /* somebody wants to know the stages */
    mun_ledger_stages stages;
    size_t new_len; /* to be appended */
    pending fresh[CHUNK_STATEMENTS];
    size_t known_len; /* on the log already */
    pending known[CHUNK_STATEMENTS];
    mun_slice slices[CHUNK_STATEMENTS];
    mun_appended appended[CHUNK_STATEMENTS];
} chunk;

/* The time, for whoever counts: it decides nothing. 0 where nobody does. */
static uint64_t stage_clock(const chunk *c)
{
    struct timespec now;
    if (!c->timed) return 0;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static mun_code admit(chunk *c, const mun_statement *statement, mun_error *err)
{
    uint8_t signer[MUN_HASH_SIZE];
    const mun_control_state *state = &c->ledger->control.state;
    uint64_t before = stage_clock(c);
    mun_code code = mun_admit(c->crypto, state, MUN_INDEX_NOW, statement, signer, err);
    c->stages.verify_ns += stage_clock(c) - before;
    return code;
}

/* Looks the entry up, else admits it: one statement's way into the chunk. */
static mun_code statement_take(chunk *c, size_t at, mun_slice bytes, mun_error *err)
{
    mun_statement statement;
    mun_registration *result = &c->results[at];
    pending p = {.at = at, .start = c->entries.len};
    MUN_TRY(mun_statement_parse(bytes, &statement, err));
    p.sub = statement.sub;
    mun_statement_leaf(c->crypto, &statement, p.leaf.bytes);
    memcpy(result->leaf, p.leaf.bytes, MUN_HASH_SIZE);
    mun_code code = mun_log_find(c->ledger->log, &p.leaf, &result->index, err);
    if (code == MUN_OK) {
        MUN_TRY(mun_log_time(c->ledger->log, result->index, &result->time_ms, err));
        result->existed = true;
        c->known[c->known_len++] = p;
        return MUN_OK;
    }
    if (code != MUN_E_NOT_FOUND) return code;
    MUN_TRY(admit(c, &statement, err));
    MUN_TRY(mun_statement_entry(&statement, &c->entries, err));
    p.len = c->entries.len - p.start;
    c->fresh[c->new_len++] = p;
    return MUN_OK;
}

/* Takes statements from first on until the chunk is full; the index after the last one taken. */
static size_t chunk_fill(chunk *c, const mun_slice *statements, size_t first, size_t n)
{
    size_t at = first;
    mun_buf_clear(&c->entries);
    c->new_len = 0;
    c->known_len = 0;
    for (; at < n && at - first < CHUNK_STATEMENTS && c->entries.len < CHUNK_BYTES; at++) {
        mun_registration *result = &c->results[at];
        *result = (mun_registration){.code = MUN_OK};
        result->code = statement_take(c, at, statements[at], &result->error);
    }
    return at;
}

static mun_code chunk_append(chunk *c, mun_tree_head *ret_head, mun_error *err)
{
    for (size_t i = 0; i < c->new_len; i++) {
        c->slices[i] = mun_slice_of(c->entries.ptr + c->fresh[i].start, c->fresh[i].len);
    }
    MUN_TRY(mun_log_append(c->ledger->log, c->slices, c->new_len, c->appended, ret_head, err));
    for (size_t i = 0; i < c->new_len; i++) {
        mun_registration *result = &c->results[c->fresh[i].at];
        result->index = c->appended[i].index;
        result->time_ms = c->appended[i].time_ms;
        result->existed = c->appended[i].existed;
        mun_log_keep_leaf(c->ledger->log, result->index, &c->fresh[i].leaf);
    }
    return MUN_OK;
}

/* Admission and append under one hold of the lock, so that the list that admitted an entry is the
 * one in force at its index. */
static mun_code chunk_register(chunk *c, const mun_slice *statements, size_t first, size_t n,
                               size_t *ret_next, mun_tree_head *ret_head, mun_error *err)
{
    mun_code code = MUN_OK;
    *ret_head = mun_log_head(c->ledger->log);
    pthread_rwlock_rdlock(&c->ledger->control_lock);
    uint64_t begun = stage_clock(c), verified = c->stages.verify_ns;
    *ret_next = chunk_fill(c, statements, first, n);
    uint64_t filled = stage_clock(c);
    if (c->new_len > 0) code = chunk_append(c, ret_head, err);
    c->stages.append_ns += stage_clock(c) - filled;
    pthread_rwlock_unlock(&c->ledger->control_lock);
    c->stages.statements += *ret_next - first;
    c->stages.parse_ns += filled - begun - (c->stages.verify_ns - verified);
    if (code != MUN_OK || c->new_len == 0) return code;
    mun_row_follower_kick(&c->ledger->follower);
    mun_control_save_due(c->ledger);
    return MUN_OK;
}

static mun_code receipts_for(chunk *c, const pending *list, size_t len, const mun_tree_head *head,
                             mun_buf *ret_receipts, mun_error *err)
{
    for (size_t i = 0; i < len; i++) {
        const mun_registration *result = &c->results[list[i].at];
        mun_receipt_request request = {
            .index = result->index,
            .time_ms = result->time_ms,
            .sub = list[i].sub,
            .leaf = list[i].leaf,
            .head = *head,
        };
        /* A known entry may be newer than the head that was taken before it was looked up. */
        if (request.index >= head->size) request.head = mun_log_head(c->ledger->log);
        MUN_TRY(mun_receipt_make(c->ledger, &request, &ret_receipts[list[i].at], err));
    }
    return MUN_OK;
}

static mun_code receipts_make(chunk *c, const mun_tree_head *head, mun_buf *ret_receipts,
                              mun_error *err)
{
    uint64_t begun = stage_clock(c);
    MUN_TRY(receipts_for(c, c->fresh, c->new_len, head, ret_receipts, err));
    MUN_TRY(receipts_for(c, c->known, c->known_len, head, ret_receipts, err));
    c->stages.sign_ns += stage_clock(c) - begun;
    c->stages.receipts += c->new_len + c->known_len;
    return MUN_OK;
}

/* What failed after earlier chunks were acknowledged is told to each statement that it concerns:
 * also to those that the log has already, where receipts are wanted, since they get none now. */
static void fail_rest(mun_registration *results, const chunk *c, size_t next, size_t n,
                      bool receipts, const mun_error *why)
{
    for (size_t i = 0; receipts && i < c->known_len; i++) {
        results[c->known[i].at].code = why->code;
        results[c->known[i].at].error = *why;
    }
    for (size_t i = 0; i < c->new_len; i++) {
        results[c->fresh[i].at].code = why->code;
        results[c->fresh[i].at].error = *why;
    }
    for (size_t i = next; i < n; i++) {
        results[i] = (mun_registration){.code = why->code, .error = *why};
    }
}

static mun_code register_all(chunk *c, const mun_slice *statements, size_t n, mun_buf *ret_receipts,
                             mun_error *err)
{
    for (size_t first = 0; first < n;) {
        size_t next = first;
        mun_tree_head head;
        mun_error why = {0};
        mun_code code = chunk_register(c, statements, first, n, &next, &head, &why);
        if (code != MUN_OK && first == 0 && next == n) {
            if (err != NULL) *err = why;
            return code;
        }
        if (code != MUN_OK) {
            fail_rest(c->results, c, next, n, ret_receipts != NULL, &why);
            return MUN_OK;
        }
        if (ret_receipts != NULL) MUN_TRY(receipts_make(c, &head, ret_receipts, err));
        first = next;
    }
    return MUN_OK;
}

mun_code mun_ledger_register(mun_ledger *ledger, const mun_slice *statements, size_t n,
                             mun_registration *ret, mun_buf *ret_receipts, mun_error *err)
{
    MUN_TRY(mun_ledger_need_writer(ledger, err));
    chunk *c = malloc(sizeof *c);
    if (c == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    c->ledger = ledger;
    c->results = ret;
    c->timed = ledger->observer.registered != NULL;
    c->stages = (mun_ledger_stages){0};
    c->entries = mun_buf_growable(CHUNK_BUFFER);
    mun_crypto *crypto = NULL;
    mun_code code = mun_crypto_pool_take(&ledger->pool, &crypto, err);
    c->crypto = crypto;
    if (code == MUN_OK) code = register_all(c, statements, n, ret_receipts, err);
    mun_crypto_pool_give(&ledger->pool, crypto);
    if (c->timed) ledger->observer.registered(ledger->observer.ctx, &c->stages);
    mun_buf_free(&c->entries);
    free(c);
    return code;
}

static mun_code admits(mun_ledger *ledger, const mun_crypto *crypto, mun_slice bytes,
                       mun_error *err)
{
    mun_statement statement;
    uint8_t signer[MUN_HASH_SIZE];
    mun_hash leaf;
    uint64_t index = 0;
    MUN_TRY(mun_statement_parse(bytes, &statement, err));
    mun_statement_leaf(crypto, &statement, leaf.bytes);
    if (mun_log_find(ledger->log, &leaf, &index, NULL) == MUN_OK) return MUN_OK;
    return mun_admit(crypto, &ledger->control.state, MUN_INDEX_NOW, &statement, signer, err);
}

mun_code mun_ledger_admits(mun_ledger *ledger, mun_slice statement, mun_error *err)
{
    mun_crypto *crypto = NULL;
    MUN_TRY(mun_crypto_pool_take(&ledger->pool, &crypto, err));
    mun_code code = mun_control_current(ledger, crypto, err);
    if (code == MUN_OK) {
        pthread_rwlock_rdlock(&ledger->control_lock);
        code = admits(ledger, crypto, statement, err);
        pthread_rwlock_unlock(&ledger->control_lock);
    }
    mun_crypto_pool_give(&ledger->pool, crypto);
    return code;
}
