/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/entries: one page of a search. The checkpoint is taken first and bounds the search, so
 * that the answer is complete for exactly the tree it names.
 */
#include "ledger/find_window.h"
#include "server/api_entry.h"
#include "server/cursor_text.h"
#include "server/query.h"
#include "server/service.h"

#define KID_MAX    MUN_KID_MAX
#define PAGE_BYTES (2u << 20) /* a page ends with the entry that passes this: names can be long */

/* What stands before CURSOR is the question, and its number is in the cursors: add at its end. */
enum { ISS, SUB, DIGEST, CONTENT_TYPE, KID, SINCE, UNTIL, AFTER, CURSOR, LIMIT };
static const char *const names[] = {"iss",   "sub",   "digest", "content-type", "kid", "since",
                                    "until", "after", "cursor", "limit",        NULL};

typedef struct page {
    mun_api_call *call;
    const mun_crypto *crypto;
    mun_parameters parameters;
    mun_query query;
    uint8_t digest[MUN_DIGEST_MAX], kid[KID_MAX];
    uint8_t question[MUN_HTTP_TARGET_MAX + 64];
    uint64_t limit, size;
    uint64_t given, last; /* entries written, and the index of the last one */
    bool more;
    mun_reply json;
} page;

/* ---- What is asked --------------------------------------------------------------------------- */

static mun_code digest_read(page *p, mun_error *err)
{
    size_t len = 0;
    if (!p->parameters.have[DIGEST]) return MUN_OK;
    if (!mun_digest_take(p->parameters.value[DIGEST], p->digest, &len)) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "the parameter digest has 64, 96 or 128 hexadecimal digits");
    }
    p->query.digest = mun_slice_of(p->digest, len);
    return MUN_OK;
}

static mun_code kid_read(page *p, mun_error *err)
{
    size_t len = 0;
    MUN_TRY(mun_query_hex(&p->parameters, KID, 1, sizeof p->kid, p->kid, &len, err));
    p->query.kid = mun_slice_of(p->kid, len);
    return MUN_OK;
}

/* A time of 0 would mean "open" to mun_query: nothing is before it, everything is after it. */
static mun_code times_read(page *p, mun_error *err)
{
    MUN_TRY(mun_query_time(&p->parameters, SINCE, &p->query.since_ms, err));
    MUN_TRY(mun_query_time(&p->parameters, UNTIL, &p->query.until_ms, err));
    if (p->parameters.have[UNTIL] && p->query.until_ms == 0) p->query.until_ms = 1;
    return MUN_OK;
}

/* The same question in the same words, whatever the order of its parameters. */
static mun_cursor_of cursor_of(page *p)
{
    mun_buf out = mun_buf_fixed(p->question, sizeof p->question);
    for (size_t i = 0; i < CURSOR; i++) {
        if (!p->parameters.have[i]) continue;
        mun_buf_u8(&out, (uint8_t)i);
        mun_buf_u16(&out, (uint16_t)p->parameters.value[i].len);
        mun_buf_put(&out, p->parameters.value[i]);
    }
    return (mun_cursor_of){.origin = mun_ledger_identity(p->call->ledger)->origin,
                           .question = mun_buf_slice(&out)};
}

/* A cursor of this question lies behind its `after`, wherever it was given. */
static mun_code start_read(page *p, mun_error *err)
{
    p->query.have_after = p->parameters.have[AFTER];
    MUN_TRY(mun_query_number(&p->parameters, AFTER, 0, INT64_MAX, &p->query.after, err));
    if (!p->parameters.have[CURSOR]) return MUN_OK;
    mun_cursor_of of = cursor_of(p);
    MUN_TRY(mun_cursor_read(p->crypto, &of, p->parameters.value[CURSOR], &p->query.after, err));
    p->query.have_after = true;
    return MUN_OK;
}

static mun_code question_read(page *p, mun_error *err)
{
    const mun_parameters *given = &p->parameters;
    MUN_TRY(mun_query_parse(p->call->request->query, names, &p->parameters, err));
    MUN_TRY(mun_query_text(given, ISS, &p->query.iss, err));
    MUN_TRY(mun_query_text(given, SUB, &p->query.sub, err));
    MUN_TRY(mun_query_text(given, CONTENT_TYPE, &p->query.content_type, err));
    MUN_TRY(digest_read(p, err));
    MUN_TRY(kid_read(p, err));
    MUN_TRY(times_read(p, err));
    MUN_TRY(mun_query_number(given, LIMIT, 1, MUN_PAGE_MAX, &p->limit, err));
    return start_read(p, err);
}

/* ---- What is found --------------------------------------------------------------------------- */

static mun_code each_found(void *ctx, const mun_found *found, mun_error *err)
{
    (void)err;
    page *p = ctx;
    if (p->given == p->limit || p->json.out->len > PAGE_BYTES) {
        p->more = true; /* one beyond the page is asked for, to know this */
        return MUN_E_LIMIT;
    }
    mun_api_entry_of of = {.request = p->call->request,
                           .crypto = p->crypto,
                           .index = found->index,
                           .time_ms = found->time_ms,
                           .statement = found->statement};
    mun_api_entry_put(&p->json, &of);
    p->given++;
    p->last = found->index;
    return MUN_OK;
}

/* A search that matches next to nothing would look at all of the log, or of a subject, for one
 * answer: it gets a part of that, and a cursor to go on with. */
static mun_code bound(page *p, mun_error *err)
{
    uint64_t rows = p->call->request->service->find_rows;
    p->query.end = p->size;
    if (p->size == 0) return MUN_OK;
    return mun_ledger_find_window(p->call->ledger, &p->query, rows != 0 ? rows : MUN_FIND_ROWS,
                                  &p->query.end, err);
}

static void next_put(page *p)
{
    char text[MUN_CURSOR_TEXT];
    mun_cursor_of of = cursor_of(p);
    bool window_ended = p->query.end < p->size;
    mun_reply_key(&p->json, "next");
    if (!p->more && !window_ended) {
        mun_reply_null(&p->json);
        return;
    }
    mun_cursor_write(p->crypto, &of, p->more ? p->last : p->query.end - 1, text);
    mun_reply_text(&p->json, mun_slice_cstr(text));
}

static mun_code page_write(page *p, mun_error *err)
{
    MUN_BUF_AUTO mun_buf checkpoint = mun_buf_growable(MUN_CHECKPOINT_TEXT_MAX);
    MUN_TRY(question_read(p, err));
    MUN_TRY(mun_api_checkpoint(p->call->ledger, &checkpoint, &p->size, err));
    MUN_TRY(bound(p, err));
    p->query.limit = p->limit + 1;
    mun_reply_open(&p->json, '{');
    mun_reply_put_uint(&p->json, "size", p->size);
    mun_api_checkpoint_put(&p->json, mun_buf_slice(&checkpoint));
    mun_reply_key(&p->json, "entries");
    mun_reply_open(&p->json, '[');
    if (p->query.end > 0) {
        mun_code code = mun_ledger_find(p->call->ledger, &p->query, each_found, p, err);
        if (code != MUN_OK && !p->more) return code;
    }
    mun_reply_close(&p->json, ']');
    next_put(p);
    mun_reply_close(&p->json, '}');
    return mun_api_json_done(p->call, NULL, err);
}

static mun_code run(mun_api_call *call, mun_error *err)
{
    mun_crypto *crypto = NULL;
    MUN_TRY(mun_api_crypto_take(&crypto, err));
    page p = {.call = call,
              .crypto = crypto,
              .limit = MUN_PAGE_DEFAULT,
              .json = {.out = &call->response->body}};
    mun_code code = page_write(&p, err);
    mun_api_crypto_give(crypto);
    return code;
}

void mun_api_find(const mun_request *request, mun_response *response)
{
    mun_api_answer(request, response, run);
}
