/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/events: the entries after an index as server-sent events (WHATWG HTML section 9.2), for
 * ever. A stream holds an index and at most one page of text; it borrows the ledger only while a
 * worker reads that page. What a slow reader does not take waits on the log, not in memory.
 *
 * Threads: as response.h says, one at a time. The thread of the connection takes pages that a
 * worker has made (events_pages.h), and makes none: the disk may not answer, and whoever gives a
 * ledger back may have to close it.
 */
#include "server/api_entry.h"
#include "server/events_pages.h"
#include "server/negotiate.h"
#include "server/query.h"
#include "server/service.h"
#include "server/tiles_cache.h"

#include "codec/lines.h"

#include <stdlib.h>

#define PAGE_ENTRIES 64u
#define PAGE_TEXT    (12u << 10) /* a page ends here, after the entry that passes it */
#define PAGE_KEEP    (4u << 10)  /* a stream that waits keeps no more memory than this */
#define PAGE_MAX     (1u << 20)  /* one entry's text: 64 KiB of names, escaped six-fold, and more */
#define FIRST_LINES  "retry: 2000\n\n"

typedef struct event_stream {
    mun_request request; /* for URLs: served and service only */
    uint64_t ledger;     /* for events_pages.h */
    uint64_t next;       /* index of the next entry */
    uint64_t seen;       /* size of the ledger when it was last looked at */
    bool looks;          /* another process writes: nobody tells of its growth unless one looks */
    mun_buf page;
    size_t sent; /* bytes of the page */
} event_stream;

/* ---- Reading a page -------------------------------------------------------------------------- */

typedef struct paging {
    event_stream *stream;
    const mun_crypto *crypto;
} paging;

/* One event. An entry that is no statement (which our own ledgers never admit) has no data. */
static mun_code put_event(void *ctx, uint64_t index, uint64_t time_ms, mun_slice entry,
                          mun_error *err)
{
    paging *p = ctx;
    mun_buf *out = &p->stream->page;
    mun_reply json = {.out = out};
    mun_api_entry_of of = {
        .request = &p->stream->request, .crypto = p->crypto, .index = index, .time_ms = time_ms};
    mun_buf_text(out, "event: entry\nid: ");
    mun_buf_decimal(out, index);
    mun_buf_text(out, "\ndata: ");
    MUN_TRY(mun_api_entry_put_bytes(&json, &of, entry, err));
    mun_buf_text(out, "\n\n");
    if (!mun_buf_ok(out)) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    p->stream->next = index + 1;
    return out->len < PAGE_TEXT ? MUN_OK : MUN_E_LIMIT; /* page_fill takes that back */
}

static mun_code page_write(event_stream *s, mun_ledger *ledger, uint64_t size, mun_error *err)
{
    uint64_t end = size - s->next > PAGE_ENTRIES ? s->next + PAGE_ENTRIES : size;
    paging p = {.stream = s};
    mun_crypto *crypto = NULL;
    MUN_TRY(mun_api_crypto_take(&crypto, err));
    p.crypto = crypto;
    mun_code code = mun_ledger_iterate(ledger, s->next, end, put_event, &p, err);
    mun_api_crypto_give(crypto);
    return code == MUN_E_LIMIT && s->page.len >= PAGE_TEXT ? MUN_OK : code;
}

/* The page that another stream's worker has made, if it is still there. */
static bool page_kept(event_stream *s)
{
    mun_event_page page = {.ledger = s->ledger, .first = s->next};
    if (!mun_event_pages_get(&page, &s->page)) return false;
    s->next = page.next;
    return true;
}

static mun_code page_make(event_stream *s, mun_ledger *ledger, mun_error *err)
{
    mun_event_page page = {.ledger = s->ledger, .first = s->next};
    s->seen = mun_ledger_tree(ledger).size;
    if (s->next >= s->seen || page_kept(s)) return MUN_OK;
    MUN_TRY(page_write(s, ledger, s->seen, err));
    page.next = s->next;
    mun_event_pages_put(&page, mun_buf_slice(&s->page));
    return MUN_OK;
}

static void page_begin(event_stream *s)
{
    mun_buf_clear(&s->page);
    if (s->page.cap > PAGE_KEEP && s->next >= s->seen) {
        mun_buf_free(&s->page);
        s->page = mun_buf_growable(PAGE_MAX);
    }
    s->sent = 0;
}

/* ---- The stream ------------------------------------------------------------------------------ */

static mun_fetched stream_fetch(void *ctx)
{
    event_stream *s = ctx;
    mun_ledger *ledger = NULL;
    page_begin(s);
    mun_code code = mun_served_use(s->request.served, true, &ledger, NULL);
    if (code == MUN_E_AGAIN) return MUN_FETCH_LATER;
    if (code != MUN_OK) return MUN_FETCH_FAILED;
    code = page_make(s, ledger, NULL);
    mun_served_done(s->request.served, ledger, code);
    if (code != MUN_OK) return MUN_FETCH_FAILED;
    return s->page.len > 0 ? MUN_FETCHED : MUN_FETCH_LATER;
}

/* A page is a function of these two. */
static uint64_t stream_wants(void *ctx)
{
    const event_stream *s = ctx;
    return s->ledger ^ s->next * UINT64_C(0x9e3779b97f4a7c15);
}

/* A ledger that was closed for idleness has not grown: it is not opened only to see that. */
static bool page_wanted(event_stream *s)
{
    s->seen = mun_served_size(s->request.served);
    if (s->next >= s->seen) return s->looks;
    return !page_kept(s);
}

/* A ping goes out before anything is fetched, which may take longer than the client waits. */
static ptrdiff_t stream_read(void *ctx, uint8_t *to, size_t max, bool ping)
{
    event_stream *s = ctx;
    if (s->sent == s->page.len) {
        page_begin(s);
        if (mun_served_is_removed(s->request.served)) return MUN_STREAM_END;
        if (page_wanted(s) && !ping) return MUN_STREAM_FETCH;
        if (s->page.len == 0 && ping) mun_buf_text(&s->page, ":\n\n");
    }
    size_t left = s->page.len - s->sent, n = left < max ? left : max;
    if (n > 0) memcpy(to, s->page.ptr + s->sent, n);
    s->sent += n;
    return (ptrdiff_t)n;
}

static void stream_close(void *ctx)
{
    event_stream *s = ctx;
    mun_buf_free(&s->page);
    free(s);
}

/* The text of an entry depends on how the ledger is named in URLs, too. */
static uint64_t ledger_number(mun_api_call *call)
{
    const mun_ledger_pub *pub = mun_ledger_identity(call->ledger);
    uint8_t room[1024];
    mun_buf name = mun_buf_fixed(room, sizeof room);
    mun_buf_put(&name, mun_slice_of(pub->checkpoints.x, pub->checkpoints.x_len));
    mun_api_url_put(call->request, &name, "", (mun_slice){0});
    return mun_tile_ledger(mun_served_options_of(call->request->served)->directory,
                           mun_buf_slice(&name));
}

static mun_code start(mun_api_call *call, uint64_t next, mun_error *err)
{
    event_stream *s = calloc(1, sizeof *s);
    if (s == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    s->request.served = call->request->served;
    s->request.service = call->request->service;
    s->ledger = ledger_number(call);
    s->next = next;
    s->looks =
        mun_served_options_of(s->request.served)->read_only || mun_ledger_is_copy(call->ledger);
    s->page = mun_buf_growable(PAGE_MAX);
    mun_buf_text(&s->page, FIRST_LINES);
    mun_response_ok(call->response, MUN_TYPE_EVENTS, NULL);
    call->response->stream = (mun_stream){.ctx = s,
                                          .read = stream_read,
                                          .fetch = stream_fetch,
                                          .wants = stream_wants,
                                          .close = stream_close};
    return MUN_OK;
}

/* A client that comes back says where it was in the field, whatever its URL says. */
static mun_code first_of(mun_api_call *call, uint64_t *ret, mun_error *err)
{
    static const char *const names[] = {"after", NULL};
    mun_slice last = call->request->fields[MUN_FIELD_LAST_EVENT_ID];
    mun_parameters parameters;
    uint64_t after = 0;
    MUN_TRY(mun_query_parse(call->request->query, names, &parameters, err));
    MUN_TRY(mun_query_number(&parameters, 0, 0, INT64_MAX, &after, err));
    if (last.len > 0 && !mun_decimal_take(last, INT64_MAX, &after)) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "the field Last-Event-ID is the index of an entry, a decimal number");
    }
    *ret = last.len > 0 || parameters.have[0] ? after + 1 : 0;
    return MUN_OK;
}

static mun_code run(mun_api_call *call, mun_error *err)
{
    static const char *const types[] = {MUN_TYPE_EVENTS, NULL};
    uint64_t next = 0;
    MUN_TRY(first_of(call, &next, err));
    return mun_api_type(call, types) == NULL ? MUN_OK : start(call, next, err);
}

void mun_api_events(const mun_request *request, mun_response *response)
{
    mun_api_answer(request, response, run);
}
