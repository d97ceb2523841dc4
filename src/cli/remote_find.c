/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of a ledger that a service keeps: by index, by leaf, by search. */
#include "cli/remote.h"
#include "cli/speak.h"
#include "codec/radix.h"

#include <stdio.h>
#include <string.h>

#define BUNDLE_WORTH 4 /* so many entries wanted from one bundle: better than one by one */

/* ---- Entries ---- */

/* The entry's place in a bundle: (u16 length, bytes) end to end (C2SP tlog-tiles). */
static bool in_bundle(const mun_buf *bundle, unsigned place, mun_slice *ret)
{
    size_t at = 0;
    for (unsigned i = 0;; i++) {
        if (bundle->len - at < 2) return false;
        size_t len = (size_t)bundle->ptr[at] << 8 | bundle->ptr[at + 1];
        if (bundle->len - at - 2 < len) return false;
        if (i == place) {
            *ret = mun_slice_of(bundle->ptr + at + 2, len);
            return true;
        }
        at += 2 + len;
    }
}

static bool bundle_holds(const mun_remote *remote, uint64_t index)
{
    return remote->bundle_width > 0 && index / MUN_TILE_WIDTH == remote->bundle_n &&
           index % MUN_TILE_WIDTH < remote->bundle_width;
}

static mun_code fetch_bundle(mun_remote *remote, uint64_t n, mun_error *err)
{
    char path[MUN_TILE_PATH_MAX + 1] = "/";
    unsigned width = mun_tile_width(0, n, remote->tree.size);
    mun_tile_path(path + 1, -1, n, width);
    mun_code code = mun_remote_get(remote, path, "*/*", MUN_BUNDLE_MAX, err);
    if (code == MUN_E_NOT_FOUND && width < MUN_TILE_WIDTH) {
        width = MUN_TILE_WIDTH;
        mun_tile_path(path + 1, -1, n, width);
        code = mun_remote_get(remote, path, "*/*", MUN_BUNDLE_MAX, err);
    }
    MUN_TRY(code);
    mun_buf_clear(&remote->bundle);
    mun_buf_put(&remote->bundle, mun_buf_slice(&remote->answer.body));
    remote->bundle_n = n;
    remote->bundle_width = width;
    return MUN_OK;
}

static mun_code entry_read(mun_remote *remote, uint64_t index, mun_buf *ret, mun_error *err)
{
    char path[64];
    mun_slice entry;
    if (bundle_holds(remote, index)) {
        if (!in_bundle(&remote->bundle, (unsigned)(index % MUN_TILE_WIDTH), &entry)) {
            return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET,
                            "the service's bundle of entries is cut off");
        }
        mun_buf_put(ret, entry);
        return MUN_OK;
    }
    snprintf(path, sizeof path, "/v1/entries/%llu/statement", (unsigned long long)index);
    MUN_TRY(mun_remote_get(remote, path, "application/scitt-statement+cose, application/cose;q=0.5",
                           MUN_EVIDENCE_MAX, err));
    mun_buf_put(ret, mun_buf_slice(&remote->answer.body));
    return mun_buf_ok(ret) ? MUN_OK : mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "a long entry");
}

mun_code mun_remote_evidence(mun_remote *remote, uint64_t index, mun_buf *ret, mun_error *err)
{
    char path[64];
    uint64_t got;
    snprintf(path, sizeof path, "/v1/entries/%llu/evidence", (unsigned long long)index);
    MUN_TRY(mun_remote_get(remote, path, "application/cose", MUN_EVIDENCE_MAX, err));
    mun_slice bytes = mun_buf_slice(&remote->answer.body);
    MUN_TRY(mun_remote_judge(remote, bytes, NULL, &got, err));
    if (got != index) {
        return mun_failf(err, MUN_E_INVALID, 0,
                         "asked for entry %llu, the service answers with evidence of entry %llu",
                         (unsigned long long)index, (unsigned long long)got);
    }
    mun_buf_put(ret, bytes);
    return mun_buf_ok(ret) ? MUN_OK : mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "long evidence");
}

/* The receipt over the statement, as evidence that can be judged. */
static mun_code judge_receipt(mun_remote *remote, const mun_statement *statement,
                              const uint8_t leaf[MUN_HASH_SIZE], mun_slice receipt,
                              uint64_t *ret_index, mun_error *err)
{
    mun_buf evidence MUN_BUF_AUTO = mun_buf_growable(MUN_EVIDENCE_MAX);
    MUN_TRY(mun_evidence_write(statement, &receipt, 1, NULL, 0, &evidence, err));
    return mun_remote_judge(remote, mun_buf_slice(&evidence), leaf, ret_index, err);
}

mun_code mun_remote_lookup(mun_remote *remote, const uint8_t leaf[MUN_HASH_SIZE],
                           const mun_statement *statement, uint64_t *ret_index, mun_error *err)
{
    uint8_t room[128];
    mun_buf path = mun_buf_fixed(room, sizeof room);
    /* Receipts that hold need no question: what was registered stays registered. */
    bool has_proof = statement->receipts_len > 0 || statement->proofs_len > 0;
    if (has_proof && mun_remote_judge(remote, statement->bytes, leaf, ret_index, NULL) == MUN_OK) {
        return MUN_OK;
    }
    mun_buf_text(&path, "/entries/");
    mun_base64url_put(&path, mun_slice_of(leaf, MUN_HASH_SIZE));
    mun_buf_u8(&path, '\0');
    MUN_TRY(mun_remote_get(remote, (const char *)room, "application/cose", MUN_EVIDENCE_MAX, err));
    return judge_receipt(remote, statement, leaf, mun_buf_slice(&remote->answer.body), ret_index,
                         err);
}

mun_code mun_remote_evidence_of(mun_remote *remote, mun_slice statement, mun_slice receipt,
                                uint64_t index, mun_buf *ret, mun_error *err)
{
    mun_path path;
    mun_statement parsed;
    mun_slice proof = {0};
    uint8_t leaf[MUN_HASH_SIZE];
    mun_buf text MUN_BUF_AUTO = mun_buf_growable(MUN_NOTE_MAX);
    MUN_TRY(mun_statement_parse(statement, &parsed, err));
    mun_statement_leaf(&remote->app->crypto, &parsed, leaf);
    bool covered = remote->have_tree && index < remote->tree.size;
    const bool down = remote->down; /* evidence does without a tlog-proof */
    covered = covered && mun_remote_prove(remote, index, leaf, &path, err) == MUN_OK;
    remote->down = down;
    if (covered) {
        mun_tlog_proof tlog = {
            .index = index, .path_len = path.len, .note = mun_buf_slice(&remote->checkpoint)};
        for (size_t i = 0; i < path.len; i++) {
            memcpy(tlog.path[i], path.node[i].bytes, MUN_HASH_SIZE);
        }
        mun_tlog_proof_write(&tlog, &text);
        if (mun_buf_ok(&text)) proof = mun_buf_slice(&text);
    }
    size_t from = ret->len;
    MUN_TRY(mun_evidence_write(&parsed, &receipt, 1, &proof, proof.len > 0, ret, err));
    return mun_remote_judge(remote, mun_slice_of(ret->ptr + from, ret->len - from), leaf, NULL,
                            err);
}

/* ---- Searching ---- */

/* Of a path without its cursor: services take targets of a few thousand bytes, while an issuer or a
 * subject may have 8,192, and three times as many when they are percent-encoded. */
#define QUESTION_MAX 3000
#define CURSOR_MAX   1024
_Static_assert(QUESTION_MAX + CURSOR_MAX + sizeof "&cursor=" <= MUN_FETCH_URL_MAX, "both fit");

enum { WITHOUT_SUB = 1, WITHOUT_ISS = 2, WITHOUT_BOTH = 3 };

typedef struct search {
    mun_remote *remote;
    const mun_query *query;
    unsigned without; /* what is too long to be asked for, and sorted out here */
    mun_ledger_found each;
    mun_remote_hint hint; /* instead of each */
    void *ctx;
    uint64_t given; /* handed to each */
    bool have_last;
    uint64_t last;         /* index seen: the next one is greater */
    unsigned empty;        /* pages without an entry */
    char next[CURSOR_MAX]; /* "" at the end */
} search;

static void put_parameter(mun_buf *path, const char *name, mun_slice value)
{
    if (value.len == 0) return;
    mun_buf_u8(path, memchr(path->ptr, '?', path->len) != NULL ? '&' : '?');
    mun_buf_text(path, name);
    mun_buf_u8(path, '=');
    mun_percent_put(path, value);
}

static void put_time(mun_buf *path, const char *name, uint64_t ms)
{
    char text[MUN_TIME_TEXT], exact[40];
    if (ms == 0) return;
    mun_moment_text(ms, text);
    text[strcspn(text, "Z")] = '\0';
    snprintf(exact, sizeof exact, "%s.%03uZ", text, (unsigned)(ms % 1000));
    put_parameter(path, name, mun_slice_cstr(exact));
}

static void put_hex(mun_buf *path, const char *name, mun_slice bytes)
{
    uint8_t room[2 * MUN_KID_MAX];
    mun_buf hex = mun_buf_fixed(room, sizeof room);
    mun_buf_hex(&hex, bytes);
    put_parameter(path, name, mun_buf_slice(&hex));
}

static void put_number(mun_buf *path, const char *name, uint64_t number)
{
    uint8_t room[24];
    mun_buf digits = mun_buf_fixed(room, sizeof room);
    mun_buf_decimal(&digits, number);
    put_parameter(path, name, mun_buf_slice(&digits));
}

static bool make_path(const search *s, char *ret, size_t cap)
{
    const mun_query *q = s->query;
    bool all = q->limit == 0 || s->without != 0;
    uint64_t left = all ? MUN_REMOTE_PAGE_MAX : q->limit - s->given;
    mun_buf path = mun_buf_fixed(ret, cap);
    mun_buf_text(&path, "/v1/entries");
    if ((s->without & WITHOUT_ISS) == 0) put_parameter(&path, "iss", q->iss);
    if ((s->without & WITHOUT_SUB) == 0) put_parameter(&path, "sub", q->sub);
    put_parameter(&path, "content-type", q->content_type);
    put_hex(&path, "digest", q->digest);
    put_hex(&path, "kid", q->kid);
    put_time(&path, "since", q->since_ms);
    put_time(&path, "until", q->until_ms);
    if (q->have_after) put_number(&path, "after", q->after);
    put_number(&path, "limit", left < MUN_REMOTE_PAGE_MAX ? left : MUN_REMOTE_PAGE_MAX);
    put_parameter(&path, "cursor", mun_slice_cstr(s->next));
    mun_buf_u8(&path, '\0');
    return mun_buf_ok(&path);
}

/* Once for all pages: a cursor is good for the question that it was given for. */
static mun_code decide(search *s, char *path, mun_error *err)
{
    for (s->without = 0; s->without <= WITHOUT_BOTH; s->without++) {
        if (make_path(s, path, QUESTION_MAX)) return MUN_OK;
    }
    return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "what is searched for is too long for a URL");
}

static bool lists(const json_t *entry, const char *name, mun_slice wanted)
{
    const json_t *value = json_object_get(entry, name);
    return wanted.len == 0 || (json_is_string(value) &&
                               mun_slice_equal(wanted, mun_slice_of(json_string_value(value),
                                                                    json_string_length(value))));
}

/* An entry that the service was not asked to leave out. What the list hides so, it could as well
 * not have listed; what it shows is read from the entry itself. */
static bool is_other(const search *s, const json_t *entry)
{
    return ((s->without & WITHOUT_SUB) != 0 && !lists(entry, "sub", s->query->sub)) ||
           ((s->without & WITHOUT_ISS) != 0 && !lists(entry, "iss", s->query->iss));
}

/* "2026-11-22T12:00:00.000Z" */
static mun_code take_time(const json_t *value, uint64_t *ret, mun_error *err)
{
    char text[MUN_TIME_TEXT];
    const char *given = json_string_value(value);
    uint64_t ms = 0;
    if (given == NULL || strlen(given) != 24 || given[19] != '.' || given[23] != 'Z') {
        return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET, "the service sends no time");
    }
    for (int i = 20; i < 23; i++) {
        if (given[i] < '0' || given[i] > '9') {
            return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET, "the service sends no time");
        }
        ms = ms * 10 + (uint64_t)(given[i] - '0');
    }
    snprintf(text, sizeof text, "%.19sZ", given);
    MUN_TRY(mun_moment_parse(text, ret, err));
    *ret += ms;
    return MUN_OK;
}

static bool matches_text(mun_slice wanted, mun_slice has)
{
    return wanted.len == 0 || mun_slice_equal(wanted, has);
}

static bool matches_type(const mun_statement *s, mun_slice wanted)
{
    char digits[24];
    const mun_text_or_uint *type =
        s->is_hash_envelope ? &s->preimage_content_type : &s->content_type;
    if (wanted.len == 0) return true;
    if (!type->present) return false;
    if (type->is_text) return mun_slice_equal(wanted, type->text);
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)type->number);
    return mun_slice_equal(wanted, mun_slice_cstr(digits));
}

static bool matches_digest(const mun_crypto *crypto, const mun_statement *s, mun_slice wanted)
{
    uint8_t digest[MUN_DIGEST_MAX];
    size_t len = 0;
    if (wanted.len == 0) return true;
    if (s->is_hash_envelope) return mun_slice_equal(wanted, s->payload);
    return crypto->digest(crypto->ctx, MUN_HASH_SHA256, &s->payload, 1, digest, &len) == MUN_OK &&
           mun_slice_equal(wanted, mun_slice_of(digest, len));
}

static mun_code not_asked(const mun_found *found, mun_error *err)
{
    return mun_failf(err, MUN_E_INVALID, 0,
                     "the service answers with entry %llu, which is not what was searched for",
                     (unsigned long long)found->index);
}

/* That the service answers what was asked is seen from the entries themselves. */
static mun_code check_match(const search *s, const mun_found *found, mun_error *err)
{
    const mun_query *q = s->query;
    const mun_statement *st = found->statement;
    bool match = matches_text(q->iss, st->iss) && matches_text(q->sub, st->sub) &&
                 (q->kid.len == 0 || (st->have_kid && mun_slice_equal(q->kid, st->kid))) &&
                 matches_type(st, q->content_type) &&
                 matches_digest(&s->remote->app->crypto, st, q->digest) &&
                 (q->since_ms == 0 || found->time_ms >= q->since_ms) &&
                 (q->until_ms == 0 || found->time_ms < q->until_ms);
    return match ? MUN_OK : not_asked(found, err);
}

static mun_code check_leaf(const search *s, const mun_found *found, const json_t *entry,
                           mun_error *err)
{
    uint8_t leaf[MUN_HASH_SIZE], room[MUN_HASH_SIZE];
    mun_buf told = mun_buf_fixed(room, sizeof room);
    const char *hex = json_string_value(json_object_get(entry, "leaf"));
    mun_statement_leaf(&s->remote->app->crypto, found->statement, leaf);
    bool same = hex != NULL && mun_hex_take(mun_slice_cstr(hex), &told) &&
                mun_slice_equal(mun_buf_slice(&told), mun_slice_of(leaf, sizeof leaf));
    if (!same) {
        return mun_failf(err, MUN_E_INVALID, 0,
                         "the service shows another entry %llu in its list than in its log",
                         (unsigned long long)found->index);
    }
    mun_path path;
    return s->remote->check ? mun_remote_prove(s->remote, found->index, leaf, &path, err) : MUN_OK;
}

/* Results come in order of index; this also ends a list that goes round in a circle. */
static mun_code check_order(search *s, uint64_t index, mun_error *err)
{
    if (s->have_last && index <= s->last) {
        return mun_failf(err, MUN_E_INVALID, 0,
                         "the service answers with entry %llu after entry %llu, out of order",
                         (unsigned long long)index, (unsigned long long)s->last);
    }
    s->have_last = true;
    s->last = index;
    return MUN_OK;
}

static mun_code one_entry(search *s, const json_t *entry, mun_error *err)
{
    mun_buf bytes MUN_BUF_AUTO = mun_buf_growable(MUN_EVIDENCE_MAX);
    mun_statement statement;
    const json_t *index = json_object_get(entry, "index");
    if (!json_is_integer(index) || json_integer_value(index) < 0) {
        return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET, "the service sends no index");
    }
    mun_found found = {.index = (uint64_t)json_integer_value(index), .statement = &statement};
    MUN_TRY(check_order(s, found.index, err));
    if (s->query->have_after && found.index <= s->query->after) return not_asked(&found, err);
    if (is_other(s, entry)) return MUN_OK;
    if (s->hint != NULL) return s->hint(s->ctx, entry, err);
    MUN_TRY(take_time(json_object_get(entry, "time"), &found.time_ms, err));
    MUN_TRY(entry_read(s->remote, found.index, &bytes, err));
    found.entry = mun_buf_slice(&bytes);
    MUN_TRY(mun_statement_parse(found.entry, &statement, err));
    MUN_TRY(check_match(s, &found, err));
    MUN_TRY(check_leaf(s, &found, entry, err));
    s->given++;
    return s->each(s->ctx, &found, err);
}

/* Many entries of one bundle are fetched together. */
static mun_code look_ahead(search *s, json_t *entries, size_t at, mun_error *err)
{
    size_t same = 0;
    uint64_t index =
        (uint64_t)json_integer_value(json_object_get(json_array_get(entries, at), "index"));
    if (bundle_holds(s->remote, index) || index >= s->remote->tree.size) return MUN_OK;
    for (size_t i = at; i < json_array_size(entries) && same < BUNDLE_WORTH; i++) {
        json_t *other = json_object_get(json_array_get(entries, i), "index");
        if ((uint64_t)json_integer_value(other) / MUN_TILE_WIDTH == index / MUN_TILE_WIDTH) same++;
    }
    return same < BUNDLE_WORTH ? MUN_OK : fetch_bundle(s->remote, index / MUN_TILE_WIDTH, err);
}

static mun_code take_next(search *s, const json_t *page, mun_error *err)
{
    const json_t *next = json_object_get(page, "next");
    s->next[0] = '\0';
    if (!json_is_string(next)) return MUN_OK;
    if (json_string_length(next) < sizeof s->next) {
        memcpy(s->next, json_string_value(next), json_string_length(next) + 1);
        return MUN_OK;
    }
    return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET, "the service's cursor is too long");
}

static mun_code take_page(search *s, json_t *page, mun_error *err)
{
    json_t *entries = json_object_get(page, "entries");
    const json_t *checkpoint = json_object_get(page, "checkpoint");
    if (!json_is_array(entries)) {
        return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET, "the service's list has no entries");
    }
    if (json_is_string(checkpoint)) {
        mun_slice text =
            mun_slice_of(json_string_value(checkpoint), json_string_length(checkpoint));
        MUN_TRY(mun_remote_take_checkpoint(s->remote, text, err));
    } else if (s->remote->check) {
        MUN_TRY(mun_remote_checkpoint(s->remote, err)); /* a copy that cannot sign */
    }
    for (size_t i = 0; i < json_array_size(entries); i++) {
        if (s->query->limit > 0 && s->given >= s->query->limit) break;
        if (s->remote->have_tree && s->hint == NULL) MUN_TRY(look_ahead(s, entries, i, err));
        MUN_TRY(one_entry(s, json_array_get(entries, i), err));
    }
    s->empty = json_array_size(entries) == 0 ? s->empty + 1 : 0;
    if (s->empty > MUN_REMOTE_EMPTY) {
        return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET,
                        "the service sends one empty page after the other");
    }
    return take_next(s, page, err);
}

static mun_code run(search *s, mun_error *err)
{
    char path[MUN_FETCH_URL_MAX];
    const mun_query *query = s->query;
    MUN_TRY(decide(s, path, err));
    do {
        json_t *page;
        if (mun_interrupted()) return mun_fail(err, MUN_E_AGAIN, MUN_NO_OFFSET, "interrupted");
        (void)make_path(s, path, sizeof path); /* with its cursor; it fits, as was decided */
        MUN_TRY(mun_remote_get_json(s->remote, path, &page, err));
        mun_code code = take_page(s, page, err);
        json_decref(page);
        MUN_TRY(code);
    } while (s->next[0] != '\0' && (query->limit == 0 || s->given < query->limit));
    return MUN_OK;
}

mun_code mun_remote_find(mun_remote *remote, const mun_query *query, mun_ledger_found each,
                         void *ctx, mun_error *err)
{
    search s = {.remote = remote, .query = query, .each = each, .ctx = ctx};
    return run(&s, err);
}

mun_code mun_remote_hints(mun_remote *remote, const mun_query *query, mun_remote_hint each,
                          void *ctx, mun_error *err)
{
    search s = {.remote = remote, .query = query, .hint = each, .ctx = ctx};
    return run(&s, err);
}
