/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of index.sqlite against the log [IDX-2], [IDX-3]. */
#include "ledger/replay.h"

#define PROGRESS_STEP 4096

typedef struct comparison {
    mun_ledger *ledger;
    mun_watcher *watcher;
    const mun_crypto *crypto;
    mun_buf entry;
    uint64_t next; /* the row that must come now */
    uint64_t size;
} comparison;

static void find_row(comparison *c, uint64_t row, const char *what)
{
    mun_watcher_find(c->watcher, MUN_INDEX_FILE, MUN_NO_OFFSET, row,
                     "row %llu %s; muniment rebuild makes the index anew", (unsigned long long)row,
                     what);
}

static bool same_bytes(const mun_index_row *a, const mun_index_row *b)
{
    return mun_slice_equal(a->leaf, b->leaf) && mun_slice_equal(a->iss, b->iss) &&
           mun_slice_equal(a->sub, b->sub) && mun_slice_equal(a->digest, b->digest) &&
           a->have_content_type == b->have_content_type &&
           mun_slice_equal(a->content_type, b->content_type) && a->have_kid == b->have_kid &&
           mun_slice_equal(a->kid, b->kid) && mun_slice_equal(a->signer, b->signer);
}

static bool same_numbers(const mun_index_row *a, const mun_index_row *b)
{
    return a->digest_alg == b->digest_alg && a->envelope == b->envelope && a->alg == b->alg &&
           a->have_issuer_time == b->have_issuer_time &&
           (!a->have_issuer_time || a->issuer_time == b->issuer_time) &&
           a->registered_ms == b->registered_ms && a->size == b->size;
}

static mun_code compare(comparison *c, const mun_index_row *row, mun_error *err)
{
    mun_statement statement;
    mun_row_memory memory;
    mun_index_row expected;
    mun_hash leaf;
    uint64_t time_ms = 0;
    mun_buf_clear(&c->entry);
    MUN_TRY(mun_log_read(c->ledger->log, row->index, &c->entry, &time_ms, err));
    mun_hash_leaf(c->crypto, mun_buf_slice(&c->entry), &leaf);
    /* An entry that is no statement is found elsewhere; no row can agree with it. */
    mun_code code =
        mun_row_of_entry(c->ledger, c->crypto, row->index, time_ms, mun_buf_slice(&c->entry),
                         leaf.bytes, &statement, &memory, &expected, NULL);
    if (code != MUN_OK || !same_bytes(row, &expected) || !same_numbers(row, &expected)) {
        find_row(c, row->index, "does not agree with its entry");
    }
    return MUN_OK;
}

static mun_code row_visit(void *ctx, const mun_index_row *row, mun_error *err)
{
    comparison *c = ctx;
    if (row->index >= c->size) {
        find_row(c, row->index, "stands beyond what the index says it holds");
        return MUN_OK;
    }
    if (row->index != c->next) find_row(c, c->next, "is missing");
    c->next = row->index + 1;
    if (c->next % PROGRESS_STEP == 0) {
        mun_watcher_progress(c->watcher, "index", c->next, c->size);
    }
    return compare(c, row, err);
}

static mun_code compare_all(comparison *c, mun_index *index, mun_error *err)
{
    uint64_t head = mun_log_head(c->ledger->log).size;
    MUN_TRY(mun_index_integrity(index, err));
    MUN_TRY(mun_index_size(index, &c->size, err));
    if (c->size > head) {
        mun_watcher_find(c->watcher, MUN_INDEX_FILE, MUN_NO_OFFSET, MUN_NO_OFFSET,
                         "it has %llu rows for %llu entries; muniment rebuild makes it anew",
                         (unsigned long long)c->size, (unsigned long long)head);
        return MUN_OK;
    }
    MUN_TRY(mun_index_scan(index, 0, UINT64_MAX, row_visit, c, err));
    if (c->next < c->size) find_row(c, c->next, "is missing");
    return MUN_OK;
}

static mun_code open_and_compare(comparison *c, mun_error *err)
{
    char path[MUN_PATH_BYTES_MAX];
    bool there = false;
    mun_index *index = NULL;
    MUN_TRY(mun_ledger_file_exists(c->ledger->directory, MUN_INDEX_FILE, &there, err));
    if (!there) return MUN_OK;
    MUN_TRY(mun_path_join(c->ledger->directory, MUN_INDEX_FILE, path, err));
    mun_code code = mun_index_open_reader(path, c->ledger->pub.origin, &index, err);
    if (code == MUN_OK) code = compare_all(c, index, err);
    mun_index_close(index);
    return code;
}

mun_code mun_replay_index(mun_ledger *ledger, mun_watcher *watcher, mun_error *err)
{
    mun_crypto *crypto = NULL;
    mun_error why = {0};
    MUN_TRY(mun_crypto_pool_take(&ledger->pool, &crypto, err));
    comparison c = {.ledger = ledger, .watcher = watcher, .crypto = crypto};
    c.entry = mun_buf_growable(MUN_ENTRY_MAX);
    mun_code code = open_and_compare(&c, &why);
    mun_buf_free(&c.entry);
    mun_crypto_pool_give(&ledger->pool, crypto);
    if (code == MUN_E_DAMAGED || code == MUN_E_VERSION) {
        mun_watcher_find(watcher, MUN_INDEX_FILE, MUN_NO_OFFSET, MUN_NO_OFFSET, "%s", why.text);
        return MUN_OK;
    }
    if (code != MUN_OK && err != NULL) *err = why;
    return code;
}
