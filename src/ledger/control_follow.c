/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding what the ledger has said about itself among millions of entries. The file `control` keeps
 * their places (docs/format/log.md); it is derived, tied to the tree by a root, and every place is
 * checked against its entry. What it does not cover is looked through.
 *
 *   muniment-control 1 LF
 *   size <entries looked through> LF
 *   root <base64 of the root of that tree> LF
 *   entry <index> LF ...
 *   sha256 <hex of all above> LF
 */
#include "codec/lines.h"
#include "codec/radix.h"
#include "ledger/ledger_parts.h"

#include <stdlib.h>

#define CONTROL_FILE_MAX (32u << 20)
#define FIRST_LINE       "muniment-control 1"
#define SAVE_STEP        262144u /* entries that a crash leaves to be looked through */

mun_code mun_control_note(mun_control *control, uint64_t index, mun_error *err)
{
    if (control->indexes_len == control->indexes_cap) {
        size_t cap = control->indexes_cap == 0 ? 16 : control->indexes_cap * 2;
        uint64_t *indexes = realloc(control->indexes, cap * sizeof *indexes);
        if (indexes == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
        control->indexes = indexes;
        control->indexes_cap = cap;
    }
    control->indexes[control->indexes_len++] = index;
    return MUN_OK;
}

void mun_control_close(mun_control *control)
{
    mun_control_free(&control->state);
    free(control->indexes);
    *control = (mun_control){0};
}

/* ---- Looking through entries ------------------------------------------------------------- */

typedef struct looking {
    mun_control *control;
    const mun_crypto *crypto;
    bool listed; /* in the control file: its signature was checked when it was appended */
} looking;

static mun_code damaged_entry(mun_error *err, mun_code code, uint64_t index)
{
    if (code == MUN_E_MEMORY || code == MUN_E_LIMIT || code == MUN_E_VERSION) return code;
    char prefix[96] = "";
    mun_buf buf = mun_buf_fixed(prefix, sizeof prefix - 1);
    mun_buf_text(&buf, "entry ");
    mun_buf_decimal(&buf, index);
    mun_buf_text(&buf, " is in the ledger's own name, but not by its rules");
    if (err != NULL) err->code = MUN_E_DAMAGED;
    return mun_error_prefix(err, MUN_E_DAMAGED, prefix);
}

static mun_code look_at(void *ctx, uint64_t index, uint64_t time_ms, mun_slice entry,
                        const mun_hash *leaf, mun_error *err)
{
    (void)time_ms;
    (void)leaf;
    looking *l = ctx;
    mun_statement statement;
    mun_code code = mun_statement_parse(entry, &statement, err);
    if (code != MUN_OK) return damaged_entry(err, code, index);
    if (!mun_control_is_own(&l->control->state, &statement)) return MUN_OK;
    code = l->listed ? mun_control_reapply(l->crypto, &l->control->state, index, &statement, err)
                     : mun_control_apply(l->crypto, &l->control->state, index, &statement, err);
    if (code != MUN_OK) return damaged_entry(err, code, index);
    return mun_control_note(l->control, index, err);
}

mun_code mun_control_follow(mun_ledger *ledger, const mun_crypto *crypto, mun_error *err)
{
    looking l = {&ledger->control, crypto, false};
    uint64_t size = mun_log_head(ledger->log).size;
    if (ledger->control.looked >= size) return MUN_OK;
    MUN_TRY(mun_log_scan(ledger->log, ledger->control.looked, size, look_at, &l, err));
    ledger->control.looked = size;
    return MUN_OK;
}

/* ---- The file ------------------------------------------------------------------------------ */

typedef struct control_text {
    uint64_t size;
    mun_hash root;
    mun_cursor entries; /* the lines that name entries */
} control_text;

static bool digest_right(const mun_crypto *crypto, mun_slice text, mun_slice *ret_body)
{
    static const size_t tail = 7 + 2 * MUN_HASH_SIZE + 1; /* "sha256 ", hex, LF */
    if (text.len < tail || text.ptr[text.len - 1] != '\n') return false;
    mun_slice body = mun_slice_of(text.ptr, text.len - tail);
    mun_slice last = mun_slice_of(text.ptr + body.len, tail - 1);
    if (!mun_slice_starts(last, MUN_LITERAL("sha256 "))) return false;
    uint8_t given[MUN_HASH_SIZE], digest[MUN_HASH_SIZE];
    mun_buf buf = mun_buf_fixed(given, sizeof given);
    if (!mun_hex_take(mun_slice_of(last.ptr + 7, last.len - 7), &buf)) return false;
    crypto->sha256(crypto->ctx, &body, 1, digest);
    *ret_body = body;
    return buf.len == sizeof given && memcmp(given, digest, sizeof given) == 0;
}

/* The rest of a line behind its word; empty when the line is another one. */
static mun_slice line_after(mun_cursor *c, mun_slice word)
{
    mun_slice line = mun_line_take(c);
    if (!mun_slice_starts(line, word)) c->failed = true;
    if (c->failed) return (mun_slice){0};
    return mun_slice_of(line.ptr + word.len, line.len - word.len);
}

static bool text_parse(const mun_crypto *crypto, mun_slice text, control_text *ret)
{
    mun_slice body;
    if (!digest_right(crypto, text, &body)) return false;
    mun_cursor c = mun_cursor_over(body);
    mun_buf root = mun_buf_fixed(ret->root.bytes, MUN_HASH_SIZE);
    mun_slice first = mun_line_take(&c);
    mun_slice size = line_after(&c, MUN_LITERAL("size "));
    mun_slice hash = line_after(&c, MUN_LITERAL("root "));
    if (!mun_cursor_ok(&c) || !mun_slice_equal(first, MUN_LITERAL(FIRST_LINE))) return false;
    if (!mun_decimal_take(size, MUN_TREE_SIZE_MAX, &ret->size)) return false;
    if (!mun_base64_take(hash, &root) || root.len != MUN_HASH_SIZE) return false;
    ret->entries = c;
    return true;
}

/* Whether the file speaks of the history that is on the log. */
static bool text_fits(mun_ledger *ledger, const control_text *text)
{
    mun_hash root;
    if (text->size == 0 || text->size > mun_log_head(ledger->log).size) return false;
    if (mun_log_root(ledger->log, text->size, &root, NULL) != MUN_OK) return false;
    return mun_hash_equal(&root, &text->root);
}

static bool apply_listed(mun_ledger *ledger, const mun_crypto *crypto, control_text *text)
{
    looking l = {&ledger->control, crypto, true};
    MUN_BUF_AUTO mun_buf entry = mun_buf_growable(MUN_ENTRY_MAX);
    uint64_t previous = 0;
    while (mun_cursor_left(&text->entries) > 0) {
        uint64_t index = 0;
        mun_slice number = line_after(&text->entries, MUN_LITERAL("entry "));
        if (!mun_cursor_ok(&text->entries)) return false;
        if (!mun_decimal_take(number, MUN_TREE_SIZE_MAX, &index)) return false;
        if (index <= previous || index >= text->size) return false;
        mun_buf_clear(&entry);
        if (mun_log_read(ledger->log, index, &entry, NULL, NULL) != MUN_OK) return false;
        size_t before = ledger->control.indexes_len;
        if (look_at(&l, index, 0, mun_buf_slice(&entry), NULL, NULL) != MUN_OK) return false;
        if (ledger->control.indexes_len == before) return false; /* not the ledger's own */
        previous = index;
    }
    ledger->control.looked = text->size;
    return true;
}

static bool load_file(mun_ledger *ledger, const mun_crypto *crypto)
{
    MUN_BUF_AUTO mun_buf bytes = mun_buf_growable(CONTROL_FILE_MAX);
    if (mun_ledger_file_read(ledger->directory, MUN_CONTROL_FILE, CONTROL_FILE_MAX, &bytes, NULL) !=
        MUN_OK) {
        return false;
    }
    control_text text;
    return text_parse(crypto, mun_buf_slice(&bytes), &text) && text_fits(ledger, &text) &&
           apply_listed(ledger, crypto, &text);
}

mun_code mun_control_genesis(mun_ledger *ledger, const mun_crypto *crypto, mun_error *err)
{
    MUN_BUF_AUTO mun_buf genesis = mun_buf_growable(MUN_ENTRY_MAX);
    if (mun_log_head(ledger->log).size == 0) {
        return mun_fail(err, MUN_E_DAMAGED, MUN_NO_OFFSET,
                        "the ledger's log is empty: it lacks entry 0, the ledger's policy");
    }
    MUN_TRY(mun_log_read(ledger->log, 0, &genesis, NULL, err));
    mun_control_close(&ledger->control);
    MUN_TRY(mun_control_open(crypto, mun_buf_slice(&genesis), &ledger->control.state, err));
    ledger->control.looked = 1;
    return mun_control_note(&ledger->control, 0, err);
}

mun_code mun_control_load(mun_ledger *ledger, const mun_crypto *crypto, mun_error *err)
{
    MUN_TRY(mun_control_genesis(ledger, crypto, err));
    /* A file that does not fit may have been applied in part: begin again. */
    if (!load_file(ledger, crypto)) MUN_TRY(mun_control_genesis(ledger, crypto, err));
    ledger->control.loaded = true;
    return MUN_OK;
}

mun_code mun_control_current(mun_ledger *ledger, const mun_crypto *crypto, mun_error *err)
{
    if (!ledger->read_only) return MUN_OK;
    mun_code code = MUN_OK;
    pthread_rwlock_wrlock(&ledger->control_lock);
    if (!ledger->control.loaded) code = mun_control_load(ledger, crypto, err);
    if (code == MUN_OK) code = mun_control_follow(ledger, crypto, err);
    pthread_rwlock_unlock(&ledger->control_lock);
    return code;
}

static bool text_write(mun_ledger *ledger, const mun_crypto *crypto, uint64_t size, mun_buf *ret)
{
    mun_hash root;
    if (mun_log_root(ledger->log, size, &root, NULL) != MUN_OK) return false;
    mun_buf_text(ret, FIRST_LINE "\nsize ");
    mun_buf_decimal(ret, size);
    mun_buf_text(ret, "\nroot ");
    mun_base64_put(ret, mun_slice_of(root.bytes, MUN_HASH_SIZE));
    mun_buf_text(ret, "\n");
    for (size_t i = 1; i < ledger->control.indexes_len; i++) {
        mun_buf_text(ret, "entry ");
        mun_buf_decimal(ret, ledger->control.indexes[i]);
        mun_buf_text(ret, "\n");
    }
    uint8_t digest[MUN_HASH_SIZE];
    mun_slice body = mun_buf_slice(ret);
    crypto->sha256(crypto->ctx, &body, 1, digest);
    mun_buf_text(ret, "sha256 ");
    mun_buf_hex(ret, mun_slice_of(digest, sizeof digest));
    mun_buf_text(ret, "\n");
    return mun_buf_ok(ret);
}

void mun_control_save(mun_ledger *ledger)
{
    mun_crypto *crypto = NULL;
    if (ledger->read_only || mun_crypto_pool_take(&ledger->pool, &crypto, NULL) != MUN_OK) return;
    MUN_BUF_AUTO mun_buf text = mun_buf_growable(CONTROL_FILE_MAX);
    /* Under the lock no statement of the ledger is between the log and the list. */
    pthread_rwlock_rdlock(&ledger->control_lock);
    uint64_t size = mun_log_head(ledger->log).size;
    bool ok = text_write(ledger, crypto, size, &text);
    pthread_rwlock_unlock(&ledger->control_lock);
    mun_crypto_pool_give(&ledger->pool, crypto);
    if (!ok) return;
    atomic_store(&ledger->saved_size, size);
    mun_code code = mun_ledger_file_write(ledger->directory, MUN_CONTROL_FILE, mun_buf_slice(&text),
                                          MUN_WRITE_REPLACE | MUN_WRITE_NO_SYNC, NULL);
    (void)code; /* a failure costs only time at the next opening */
}

void mun_control_save_due(mun_ledger *ledger)
{
    uint64_t size = mun_log_head(ledger->log).size, saved = atomic_load(&ledger->saved_size);
    if (ledger->read_only || size < saved || size - saved < SAVE_STEP) return;
    /* One of the threads that see this does it. */
    if (atomic_compare_exchange_strong(&ledger->saved_size, &saved, size)) mun_control_save(ledger);
}
