/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /commits: registration times in the form of an exported tree (docs/format/export.md). A
 * follower asks for what it has not got, up to its checkpoint; whoever asks for all gets all, as
 * from a static file server, however long it is: what is longer than a part is a stream, each part
 * made by a worker when the one before it was taken. It ends with the last chunk or is cut off.
 */
#include "server/api.h"
#include "server/query.h"
#include "server/served.h"

#include <stdlib.h>

/* Of 254 times and 4,096 bytes. To find where a part begins costs as much as to write some blocks,
 * so those of a stream are larger than what is answered at once. */
#define FIRST_BLOCKS 2
#define PART_BLOCKS  16
#define TYPE_OCTETS  "application/octet-stream"
#define PART_BYTES   ((size_t)PART_BLOCKS * 4096)

typedef struct commits_stream {
    mun_served *served;
    uint64_t next, size; /* entries whose times are not in the part yet */
    size_t sent;         /* bytes of the part */
    mun_buf part;
} commits_stream;

static mun_fetched stream_fetch(void *ctx)
{
    commits_stream *s = ctx;
    mun_ledger *ledger = NULL;
    mun_code code = mun_served_use(s->served, true, &ledger, NULL);
    if (code == MUN_E_AGAIN) return MUN_FETCH_LATER;
    if (code != MUN_OK) return MUN_FETCH_FAILED;
    mun_buf_clear(&s->part);
    s->sent = 0;
    code = mun_ledger_commits(ledger, s->next, s->size, PART_BLOCKS, &s->part, &s->next, NULL);
    mun_served_done(s->served, ledger, code);
    return code == MUN_OK ? MUN_FETCHED : MUN_FETCH_FAILED;
}

static ptrdiff_t stream_read(void *ctx, uint8_t *to, size_t max, bool ping)
{
    commits_stream *s = ctx;
    size_t left = s->part.len - s->sent, n = left < max ? left : max;
    (void)ping; /* nothing can stand between two blocks */
    if (n == 0) return s->next < s->size ? MUN_STREAM_FETCH : MUN_STREAM_END;
    memcpy(to, s->part.ptr + s->sent, n);
    s->sent += n;
    return (ptrdiff_t)n;
}

/* Nobody else wants the same: a part is kept for its own stream alone. */
static uint64_t stream_wants(void *ctx)
{
    return (uintptr_t)ctx;
}

static void stream_close(void *ctx)
{
    commits_stream *s = ctx;
    mun_buf_free(&s->part);
    free(s);
}

/* The first part is in the body already. */
static mun_code stream_start(mun_api_call *call, uint64_t next, uint64_t size, mun_error *err)
{
    commits_stream *s = calloc(1, sizeof *s);
    if (s == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    s->served = call->request->served;
    s->next = next;
    s->size = size;
    s->part = mun_buf_growable(PART_BYTES);
    mun_buf_put(&s->part, mun_buf_slice(&call->response->body));
    if (!mun_buf_ok(&s->part)) {
        stream_close(s);
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    }
    call->response->stream = (mun_stream){.ctx = s,
                                          .whole = true,
                                          .read = stream_read,
                                          .fetch = stream_fetch,
                                          .wants = stream_wants,
                                          .close = stream_close};
    return MUN_OK;
}

static mun_code run(mun_api_call *call, mun_error *err)
{
    static const char *const names[] = {"size", "from", NULL};
    mun_parameters parameters;
    uint64_t size = mun_ledger_tree(call->ledger).size, first = 0;
    MUN_TRY(mun_query_parse(call->request->query, names, &parameters, err));
    MUN_TRY(mun_query_number(&parameters, 0, 1, INT64_MAX, &size, err));
    MUN_TRY(mun_query_number(&parameters, 1, 0, size - 1, &first, err));
    MUN_TRY(mun_ledger_commits(call->ledger, first, size, FIRST_BLOCKS, &call->response->body,
                               &first, err));
    mun_response_ok(call->response, TYPE_OCTETS, mun_api_for_a_moment(call->request));
    return first < size ? stream_start(call, first, size, err) : MUN_OK;
}

void mun_api_commits(const mun_request *request, mun_response *response)
{
    mun_api_answer(request, response, run);
}
