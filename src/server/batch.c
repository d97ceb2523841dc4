/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/batch: a CBOR sequence (RFC 8742) of signed statements in, a CBOR sequence out with one
 * item for each, in order: its receipt, or an RFC 9290 problem map.
 *
 * A body that does not split into items is refused as a whole before anything is registered, since
 * nobody could say which results belong to what. After that each statement stands for itself: one
 * that is refused, or not an item that could be a statement, does not stop the others.
 */
#include "server/scrapi.h"

#include "base/buf.h"
#include "codec/cbor.h"
#include "server/backend.h"
#include "server/media_type.h"
#include "server/metrics.h"
#include "server/problem.h"
#include "server/query.h"
#include "server/served_parts.h"
#include "server/service.h"

#include <stdlib.h>

#define TYPE_SEQUENCE "application/cbor-seq"
#define CHUNK         256 /* statements registered by one call */
#define RECEIPT_MAX   65535

/* A batch keeps a worker for as long as it lasts: so many at once, so that some are left; and of
 * one ledger beside others one less, so that a disk which does not answer leaves room for theirs.
 */
#define BATCHES_AT_ONCE 3
static _Atomic unsigned batches_running;

typedef struct batch {
    const mun_request *request;
    mun_response *response;
    mun_ledger *ledger;
    const mun_backend *backend;
    size_t n;
    mun_slice *statements;
    mun_code worst;  /* what the ledger's last call said of the ledger */
    bool registered; /* something new was written */
    mun_buf receipt[CHUNK];
    mun_registration result[CHUNK];
    bool pending[CHUNK];
} batch;

/* ---- Reading the sequence -------------------------------------------------------------------- */

static bool refuse(const mun_request *request, mun_response *response, unsigned status,
                   const char *title, const char *detail)
{
    mun_problem(request, response, status, title, detail);
    return false;
}

static bool count(mun_slice body, size_t *ret)
{
    mun_cursor c = mun_cursor_over(body);
    size_t n = 0;
    while (mun_cursor_left(&c) > 0 && n <= MUN_BATCH_STATEMENTS_MAX) {
        mun_cbor_item item = mun_cbor_take(&c);
        if (mun_cbor_is(&item, MUN_CBOR_NONE)) return false;
        n++;
    }
    *ret = n;
    return true;
}

static bool split(batch *b)
{
    if (!count(b->request->body, &b->n)) {
        return refuse(b->request, b->response, 400, MUN_TITLE_MALFORMED,
                      "the body is not a CBOR sequence; nothing was registered");
    }
    if (b->n == 0 || b->n > MUN_BATCH_STATEMENTS_MAX) {
        return refuse(b->request, b->response, b->n == 0 ? 400 : 413,
                      b->n == 0 ? MUN_TITLE_MALFORMED : MUN_TITLE_TOO_LARGE,
                      "a batch holds 1 to 8192 statements; nothing was registered");
    }
    b->statements = malloc(b->n * sizeof b->statements[0]);
    if (b->statements == NULL) {
        return refuse(b->request, b->response, 503, MUN_TITLE_BUSY, "out of memory; try again");
    }
    mun_cursor c = mun_cursor_over(b->request->body);
    for (size_t i = 0; i < b->n; i++) b->statements[i] = mun_cbor_take(&c).whole;
    return true;
}

_Static_assert(MUN_BATCH_STATEMENTS_MAX == 8192, "the sentence above names it");

/* ---- Registering ----------------------------------------------------------------------------- */

static mun_code submit(batch *b, size_t first, size_t len, mun_error *err)
{
    for (size_t i = 0; i < len; i++) {
        mun_buf_clear(&b->receipt[i]);
        b->pending[i] = false;
    }
    MUN_TRY(mun_served_may_write(b->request->served, err));
    if (b->backend == NULL) {
        return mun_ledger_register(b->ledger, b->statements + first, len, b->result, b->receipt,
                                   err);
    }
    return b->backend->submit(b->backend->ctx, b->ledger, b->statements + first, len, b->result,
                              b->pending, b->receipt, err);
}

static void result_put(batch *b, size_t i)
{
    mun_metrics *metrics = b->request->service->metrics;
    const mun_registration *result = &b->result[i];
    mun_buf *out = &b->response->body;
    if (result->code != MUN_OK) {
        mun_problem_item(out, &result->error);
        if (mun_scrapi_is_fault(result->code)) {
            b->worst = result->code;
        } else {
            mun_metrics_count(metrics, MUN_COUNT_REFUSED, 1);
        }
        return;
    }
    if (b->pending[i]) {
        char location[MUN_LOCATION_MAX];
        mun_scrapi_location(result->leaf, location);
        mun_problem_pending(out, location);
        return;
    }
    mun_buf_put(out, mun_buf_slice(&b->receipt[i]));
    mun_metrics_count(metrics, result->existed ? MUN_COUNT_DUPLICATES : MUN_COUNT_REGISTERED, 1);
    if (!result->existed) b->registered = true;
}

/* What stops the ledger is told to each statement that it concerns; where nothing has been
 * acknowledged yet, as the answer to the whole. */
static mun_code chunk_run(batch *b, size_t first, size_t len, mun_error *err)
{
    mun_error why = {0};
    mun_code code = submit(b, first, len, &why);
    if (code != MUN_OK && first == 0) {
        if (err != NULL) *err = why;
        return code;
    }
    for (size_t i = 0; i < len; i++) {
        if (code != MUN_OK) b->result[i] = (mun_registration){.code = code, .error = why};
        result_put(b, i);
    }
    if (code != MUN_OK) b->worst = code;
    return MUN_OK;
}

static mun_code run(batch *b, mun_error *err)
{
    if (mun_served_options_of(b->request->served)->read_only || mun_ledger_is_copy(b->ledger)) {
        return mun_fail_rule(err, MUN_E_REFUSED, MUN_RULE_COPY, MUN_NO_OFFSET,
                             "this ledger only reads here: register at the original");
    }
    for (size_t first = 0; first < b->n; first += CHUNK) {
        size_t len = b->n - first < CHUNK ? b->n - first : CHUNK;
        MUN_TRY(chunk_run(b, first, len, err));
    }
    return MUN_OK;
}

/* ---- The request ----------------------------------------------------------------------------- */

static void answer(batch *b)
{
    mun_error why = {0};
    mun_served *served = b->request->served;
    mun_code code = mun_served_use(served, true, &b->ledger, &why);
    if (code == MUN_OK) {
        code = run(b, &why);
        if (b->registered) mun_served_wrote(served);
        mun_served_done(served, b->ledger,
                        mun_served_write_result(code != MUN_OK ? code : b->worst));
        if (b->registered) mun_served_grew(served);
    }
    if (code != MUN_OK) {
        mun_problem_error(b->request, b->response, &why);
    } else if (!mun_buf_ok(&b->response->body)) {
        mun_problem(b->request, b->response, 500, MUN_TITLE_INTERNAL,
                    "the receipts do not fit into one answer; they are registered, and can be "
                    "had one by one");
    } else {
        mun_response_ok(b->response, TYPE_SEQUENCE, NULL);
    }
}

static void batch_run(const mun_request *request, mun_response *response)
{
    batch *b = calloc(1, sizeof *b);
    if (b == NULL) {
        mun_problem(request, response, 503, MUN_TITLE_BUSY, "out of memory; try again");
        return;
    }
    b->request = request;
    b->response = response;
    b->backend = mun_served_options_of(request->served)->backend;
    for (size_t i = 0; i < CHUNK; i++) b->receipt[i] = mun_buf_growable(RECEIPT_MAX);
    if (split(b)) answer(b);
    for (size_t i = 0; i < CHUNK; i++) mun_buf_free(&b->receipt[i]);
    free(b->statements);
    free(b);
}

void mun_batch_post(const mun_request *request, mun_response *response)
{
    bool plain = mun_media_is_plain(request->fields[MUN_FIELD_CONTENT_ENCODING]);
    if (!mun_media_is(request->fields[MUN_FIELD_CONTENT_TYPE], TYPE_SEQUENCE) || !plain) {
        mun_problem(request, response, 415, MUN_TITLE_MEDIA,
                    "a batch is sent as application/cbor-seq, without a content coding");
        response->only_plain = !plain;
        return;
    }
    mun_served *served = request->served;
    mun_error why = {0};
    if (mun_query_none(request->query, &why) != MUN_OK) {
        mun_problem_error(request, response, &why);
        return;
    }
    unsigned most = BATCHES_AT_ONCE - (mun_served_work_share(served) == NULL ? 0 : 1);
    bool in = atomic_fetch_add(&batches_running, 1) < BATCHES_AT_ONCE;
    if (atomic_fetch_add(&served->batches, 1) < most && in) {
        batch_run(request, response);
    } else {
        mun_metrics_count(request->service->metrics, MUN_COUNT_SHED, 1);
        mun_problem(request, response, 503, MUN_TITLE_BUSY,
                    "other batches are being registered; try again");
    }
    atomic_fetch_sub(&served->batches, 1);
    atomic_fetch_sub(&batches_running, 1);
}
