/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searching. The index proposes, the entry decides: a row is checked against its entry before it is
 * shown [IDX-3]. What the index does not hold yet (or no index at all) is read from the log, so a
 * search answers for everything that was registered before it began.
 */
#include "ledger/find_window.h"
#include "ledger/ledger_parts.h"

#include <stdlib.h>

#define ROWS_AT_ONCE 256
#define TAIL_SHORT   256   /* entries that are read from the log rather than waited for */
#define TAIL_LONG    65536 /* a lag beyond this is not waited for either */

typedef struct search {
    mun_ledger *ledger;
    const mun_crypto *crypto;
    const mun_query *query;
    mun_ledger_found each;
    void *ctx;
    uint64_t given;
    bool full; /* the limit was reached */
} search;

static bool matches(const search *s, const mun_statement *statement)
{
    const mun_query *q = s->query;
    mun_row_memory memory;
    mun_index_row row;
    if (q->iss.len > 0 && !mun_slice_equal(q->iss, statement->iss)) return false;
    if (q->sub.len > 0 && !mun_slice_equal(q->sub, statement->sub)) return false;
    if (q->kid.len > 0 && !(statement->have_kid && mun_slice_equal(q->kid, statement->kid))) {
        return false;
    }
    if (q->digest.len == 0 && q->content_type.len == 0) return true;
    mun_row_of_statement(s->crypto, statement, &memory, &row);
    if (q->digest.len > 0 && !mun_slice_equal(q->digest, row.digest)) return false;
    return q->content_type.len == 0 || mun_slice_equal(q->content_type, row.content_type);
}

static mun_code show(search *s, uint64_t index, uint64_t time_ms, mun_slice entry,
                     const mun_statement *statement, mun_error *err)
{
    mun_found found = {.index = index, .time_ms = time_ms, .entry = entry, .statement = statement};
    MUN_TRY(s->each(s->ctx, &found, err));
    s->given++;
    s->full = s->query->limit != 0 && s->given >= s->query->limit;
    return MUN_OK;
}

/* ---- By the index -------------------------------------------------------------------------- */

static mun_code show_row(search *s, uint64_t index, mun_buf *entry, mun_error *err)
{
    mun_statement statement;
    uint64_t time_ms = 0;
    mun_buf_clear(entry);
    MUN_TRY(mun_ledger_statement(s->ledger, index, entry, &time_ms, &statement, err));
    if (!matches(s, &statement)) {
        return mun_failf(err, MUN_E_DAMAGED, 0,
                         "row %llu of the index (index.sqlite) does not agree with its entry; the "
                         "log is not concerned: run muniment rebuild",
                         (unsigned long long)index);
    }
    return show(s, index, time_ms, mun_buf_slice(entry), &statement, err);
}

static mun_index_query index_query(const mun_query *q, uint64_t first, uint64_t end)
{
    return (mun_index_query){
        .have_iss = q->iss.len > 0,
        .have_sub = q->sub.len > 0,
        .have_digest = q->digest.len > 0,
        .have_content_type = q->content_type.len > 0,
        .have_kid = q->kid.len > 0,
        .iss = q->iss,
        .sub = q->sub,
        .digest = q->digest,
        .content_type = q->content_type,
        .kid = q->kid,
        .first = first,
        .end = end,
        .newest = q->newest,
    };
}

static mun_code find_rows(search *s, uint64_t first, uint64_t end, mun_error *err)
{
    MUN_BUF_AUTO mun_buf entry = mun_buf_growable(MUN_ENTRY_MAX);
    uint64_t rows[ROWS_AT_ONCE];
    size_t len = ROWS_AT_ONCE;
    while (first < end && !s->full && len == ROWS_AT_ONCE) {
        mun_index_query q = index_query(s->query, first, end);
        MUN_TRY(mun_index_find(s->ledger->follower.index, &q, rows, ROWS_AT_ONCE, &len, err));
        for (size_t i = 0; i < len && !s->full; i++) MUN_TRY(show_row(s, rows[i], &entry, err));
        if (len > 0) first = rows[len - 1] + 1;
    }
    return MUN_OK;
}

/* ---- By the log ---------------------------------------------------------------------------- */

static mun_code look_at(void *ctx, uint64_t index, uint64_t time_ms, mun_slice entry,
                        const mun_hash *leaf, mun_error *err)
{
    (void)leaf;
    search *s = ctx;
    mun_statement statement;
    MUN_TRY(mun_statement_parse(entry, &statement, err));
    if (!matches(s, &statement)) return MUN_OK;
    MUN_TRY(show(s, index, time_ms, entry, &statement, err));
    return s->full ? MUN_E_AGAIN : MUN_OK; /* ends the scan; find_entries takes it back */
}

static mun_code find_entries(search *s, uint64_t first, uint64_t end, mun_error *err)
{
    if (first >= end || s->full) return MUN_OK;
    mun_code code = mun_log_scan(s->ledger->log, first, end, look_at, s, err);
    return s->full ? MUN_OK : code;
}

/* ---- Bounds -------------------------------------------------------------------------------- */

/* The first index below end whose registration time is not before time_ms; times never go down. */
static mun_code first_at(mun_ledger *ledger, uint64_t end, uint64_t time_ms, uint64_t *ret,
                         mun_error *err)
{
    uint64_t low = 0, high = end;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2, at = 0;
        MUN_TRY(mun_log_time(ledger->log, middle, &at, err));
        if (at < time_ms)
            low = middle + 1;
        else
            high = middle;
    }
    *ret = low;
    return MUN_OK;
}

static mun_code bounds(mun_ledger *ledger, const mun_query *q, uint64_t *ret_first,
                       uint64_t *ret_end, mun_error *err)
{
    uint64_t first = 0, end = mun_log_head(ledger->log).size;
    if (q->until_ms != 0) MUN_TRY(first_at(ledger, end, q->until_ms, &end, err));
    if (q->since_ms != 0) MUN_TRY(first_at(ledger, end, q->since_ms, &first, err));
    if (q->end != 0 && q->end < end) end = q->end;
    if (q->have_after && q->after >= first) first = q->after < end ? q->after + 1 : end;
    *ret_first = first;
    *ret_end = end;
    return MUN_OK;
}

/* How far the index can answer, after waiting for it where that is worth it. */
static uint64_t indexed(mun_ledger *ledger, uint64_t end)
{
    mun_row_follower *f = &ledger->follower;
    mun_index *index = mun_row_follower_index(f);
    if (index == NULL) return 0;
    uint64_t size = atomic_load(&f->size);
    if (ledger->read_only && mun_index_size(index, &size, NULL) != MUN_OK) return 0;
    if (size < end && end - size > TAIL_SHORT && end - size <= TAIL_LONG) {
        size = mun_row_follower_wait(f, end) ? end : atomic_load(&f->size);
    }
    return size < end ? size : end;
}

/* ---- The newest alone ---------------------------------------------------------------------- */

typedef struct newest {
    search *search;
    bool have;
    uint64_t index;
} newest;

static mun_code newest_look_at(void *ctx, uint64_t index, uint64_t time_ms, mun_slice entry,
                               const mun_hash *leaf, mun_error *err)
{
    (void)time_ms;
    (void)leaf;
    newest *n = ctx;
    mun_statement statement;
    MUN_TRY(mun_statement_parse(entry, &statement, err));
    if (!matches(n->search, &statement)) return MUN_OK;
    n->have = true;
    n->index = index;
    return MUN_OK;
}

/* What the index does not hold is newer than what it holds. */
static mun_code find_newest(search *s, uint64_t first, uint64_t rows, uint64_t end, mun_error *err)
{
    MUN_BUF_AUTO mun_buf entry = mun_buf_growable(MUN_ENTRY_MAX);
    newest n = {.search = s};
    uint64_t tail = first < rows ? rows : first;
    if (tail < end) MUN_TRY(mun_log_scan(s->ledger->log, tail, end, newest_look_at, &n, err));
    if (!n.have && first < rows) {
        mun_index_query q = index_query(s->query, first, rows);
        size_t len = 0;
        MUN_TRY(mun_index_find(s->ledger->follower.index, &q, &n.index, 1, &len, err));
        n.have = len > 0;
    }
    return n.have ? show_row(s, n.index, &entry, err) : MUN_OK;
}

static mun_code find(search *s, mun_error *err)
{
    uint64_t first = 0, end = 0;
    MUN_TRY(bounds(s->ledger, s->query, &first, &end, err));
    uint64_t rows = indexed(s->ledger, end);
    if (s->query->newest) return find_newest(s, first, rows, end, err);
    if (first < rows) MUN_TRY(find_rows(s, first, rows, err));
    return find_entries(s, first < rows ? rows : first, end, err);
}

mun_code mun_ledger_find(mun_ledger *ledger, const mun_query *query, mun_ledger_found each,
                         void *ctx, mun_error *err)
{
    mun_crypto *crypto = NULL;
    MUN_TRY(mun_crypto_pool_take(&ledger->pool, &crypto, err));
    search s = {.ledger = ledger, .crypto = crypto, .query = query, .each = each, .ctx = ctx};
    mun_code code = find(&s, err);
    mun_crypto_pool_give(&ledger->pool, crypto);
    return code;
}

/* ---- Windows ------------------------------------------------------------------------------- */

/* The same question by its leading column alone; false where that is all it asks, so that every row
 * looked at is one that is given. */
static bool leader_of(mun_index_query *q)
{
    unsigned columns =
        (unsigned)q->have_digest + q->have_sub + q->have_iss + q->have_content_type + q->have_kid;
    if (q->have_digest) q->have_sub = false;
    if (q->have_digest || q->have_sub) q->have_iss = false;
    q->have_content_type = q->have_kid = q->newest = false;
    return columns > (unsigned)q->have_digest + q->have_sub + q->have_iss;
}

/* Where the rows end that may be looked at; `end` where they are fewer. */
static mun_code rows_window(mun_ledger *ledger, mun_index_query *leader, uint64_t rows,
                            uint64_t *ret_end, mun_error *err)
{
    size_t len = 0;
    if (!leader->have_digest && !leader->have_sub &&
        !leader->have_iss) { /* every row is looked at */
        *ret_end = leader->end - leader->first > rows ? leader->first + rows : leader->end;
        return MUN_OK;
    }
    leader->skip = rows;
    *ret_end = leader->end;
    return mun_index_find(ledger->follower.index, leader, ret_end, 1, &len, err);
}

mun_code mun_ledger_find_window(mun_ledger *ledger, const mun_query *query, uint64_t rows,
                                uint64_t *ret_end, mun_error *err)
{
    uint64_t first = 0, end = 0;
    MUN_TRY(bounds(ledger, query, &first, &end, err));
    uint64_t have = indexed(ledger, end), cut = have;
    mun_index_query leader = index_query(query, first, have);
    if (first < have && leader_of(&leader)) {
        MUN_TRY(rows_window(ledger, &leader, rows, &cut, err));
    }
    if (cut == have) { /* on by the log */
        uint64_t from = first < have ? have : first;
        cut = end > from && end - from > rows ? from + rows : end;
    }
    *ret_end = cut < end ? cut : query->end;
    return MUN_OK;
}
