/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registering at a service: one statement as SCRAPI has it, several as a batch. Sending the same
 * bytes again is harmless, so everything may be repeated until an answer has come.
 */
#include "cli/problem_read.h"
#include "cli/remote.h"
#include "cli/speak.h"
#include "codec/cbor.h"

#include <stdio.h>
#include <string.h>

#define COSE        "application/cose"
#define PENDING     "pending" /* rule in the error of a result that is yet to come */
#define SEQUENCE    "application/cbor-seq"
#define POLLS_MAX   40 /* questions after a 202 until it is called not possible at the moment */
#define RECEIPT_MAX 65536

typedef struct ours {
    mun_statement statement;
    uint8_t leaf[MUN_HASH_SIZE];
} ours;

static mun_code fail_item(mun_registration *ret, mun_code code, const mun_error *why)
{
    ret->code = code;
    ret->error = *why;
    return code;
}

/* A receipt that came: judged, and told to the caller only when it holds. */
static mun_code take_receipt(mun_remote *remote, const ours *own, mun_slice receipt,
                             mun_registration *ret, mun_buf *ret_receipt, mun_error *err)
{
    mun_receipt parsed;
    mun_buf evidence MUN_BUF_AUTO = mun_buf_growable(MUN_EVIDENCE_MAX);
    MUN_TRY(mun_receipt_parse(receipt, &parsed, err));
    MUN_TRY(mun_evidence_write(&own->statement, &receipt, 1, NULL, 0, &evidence, err));
    MUN_TRY(mun_remote_judge(remote, mun_buf_slice(&evidence), own->leaf, &ret->index, err));
    ret->code = MUN_OK;
    ret->time_ms = parsed.have_iat ? (uint64_t)parsed.iat * 1000 : 0;
    /* What stands below the size that was signed before this was sent had been there already. */
    ret->existed = remote->have_tree && ret->index < remote->tree.size;
    memcpy(ret->leaf, own->leaf, sizeof ret->leaf);
    mun_buf_put(ret_receipt, receipt);
    return mun_buf_ok(ret_receipt)
               ? MUN_OK
               : mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "the receipt is too long");
}

static mun_code parse_own(mun_remote *remote, mun_slice bytes, ours *ret, mun_error *err)
{
    MUN_TRY(mun_statement_parse(bytes, &ret->statement, err));
    mun_statement_leaf(&remote->app->crypto, &ret->statement, ret->leaf);
    return MUN_OK;
}

/* ---- One: SCRAPI ---- */

/* Location below our base: absolute or a path (RFC 9110 section 10.2.2). What points elsewhere is
 * not followed: the token would travel there. */
static mun_code location_path(const mun_remote *remote, const char *location, char *ret, size_t cap,
                              mun_error *err)
{
    char base[MUN_FETCH_URL_MAX];
    const char *path = location;
    MUN_TRY(mun_url_text(&remote->url, "", base, sizeof base, err));
    size_t len = strlen(remote->url.path);
    if (strncmp(location, base, strlen(base)) == 0 && location[strlen(base)] == '/') {
        path = location + strlen(base);
    } else if (location[0] == '/' && location[1] != '/' &&
               strncmp(location, remote->url.path, len) == 0) {
        path = location + len;
    } else {
        return mun_failf(err, MUN_E_INVALID, 0,
                         "the service says that the receipt will be at %s, which is not below %s",
                         MUN_PLAIN(mun_slice_cstr(location)), base);
    }
    int n = snprintf(ret, cap, "%s", path);
    if (n > 0 && (size_t)n < cap && path[0] == '/') return MUN_OK;
    return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET, "the service's Location is not a path");
}

/* 202 and 204 mean "not yet" (SCRAPI); Retry-After says how long, else we back off. */
static mun_code poll(mun_remote *remote, mun_error *err)
{
    char path[MUN_FETCH_FIELD_MAX];
    MUN_TRY(location_path(remote, remote->answer.location, path, sizeof path, err));
    for (unsigned i = 0; i < POLLS_MAX; i++) {
        MUN_TRY(mun_fetch_wait(remote->fetch, i, remote->answer.retry_after,
                               "the statement is being registered", err));
        mun_code code = mun_remote_get(remote, path, COSE, RECEIPT_MAX, err);
        if (code == MUN_OK) return MUN_OK;
        if (remote->answer.status != 204) return code;
    }
    return mun_failf(err, MUN_E_AGAIN, 0,
                     "the service has taken the statement but has no receipt yet; start the same "
                     "command again later");
}

static mun_code post_one(mun_remote *remote, mun_slice statement, mun_error *err)
{
    MUN_TRY(mun_remote_post(remote, "/entries", COSE, COSE, statement, RECEIPT_MAX, err));
    switch (remote->answer.status) {
    case 200:
    case 201: return MUN_OK;
    case 202: return poll(remote, err);
    default: return mun_remote_refusal(remote, "the statement", err);
    }
}

static mun_code register_one(mun_remote *remote, mun_slice statement, mun_registration *ret,
                             mun_buf *ret_receipt, mun_error *err)
{
    ours own;
    mun_error why = {.code = MUN_OK};
    mun_code code = parse_own(remote, statement, &own, &why);
    if (code == MUN_OK) code = post_one(remote, statement, &why);
    if (code == MUN_OK) {
        mun_slice receipt = mun_buf_slice(&remote->answer.body);
        code = take_receipt(remote, &own, receipt, ret, ret_receipt, &why);
    }
    if (code == MUN_OK) return MUN_OK;
    if (remote->down) {
        *err = why;
        return code;
    }
    (void)fail_item(ret, code, &why);
    return MUN_OK;
}

/* ---- Several: /v1/batch ---- */

static mun_code take_result(mun_remote *remote, const ours *own, const mun_cbor_item *item,
                            mun_registration *ret, mun_buf *ret_receipt, mun_error *err)
{
    if (mun_cbor_is(item, MUN_CBOR_MAP)) return mun_problem_read(item->whole, 500, err);
    return take_receipt(remote, own, item->whole, ret, ret_receipt, err);
}

/* What the service will register later (202 in its place) is asked for by itself: sent again it is
 * the same entry. */
static bool is_pending(const mun_registration *result)
{
    return result->code == MUN_E_UNSUPPORTED && strcmp(result->error.rule, PENDING) == 0;
}

static mun_code wait_for_pending(mun_remote *remote, const mun_slice *statements, size_t n,
                                 mun_registration *ret, mun_buf *ret_receipts, mun_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (is_pending(&ret[i])) {
            MUN_TRY(register_one(remote, statements[i], &ret[i], &ret_receipts[i], err));
        }
    }
    return MUN_OK;
}

static mun_code take_results(mun_remote *remote, const mun_slice *statements, size_t n,
                             mun_slice answer, mun_registration *ret, mun_buf *ret_receipts,
                             mun_error *err)
{
    mun_cursor c = mun_cursor_over(answer);
    for (size_t i = 0; i < n; i++) {
        ours own;
        mun_error why = {.code = MUN_OK};
        mun_cbor_item item = mun_cbor_take(&c);
        if (mun_cbor_is(&item, MUN_CBOR_NONE)) {
            return mun_failf(err, MUN_E_MALFORMED, 0,
                             "the service answers a batch of %zu statements with %zu results", n,
                             i);
        }
        mun_code code = parse_own(remote, statements[i], &own, &why);
        if (code == MUN_OK) {
            code = take_result(remote, &own, &item, &ret[i], &ret_receipts[i], &why);
        }
        if (code != MUN_OK) (void)fail_item(&ret[i], code, &why);
    }
    if (mun_cursor_left(&c) == 0) return MUN_OK;
    return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET,
                    "the service answers a batch with more results than statements");
}

typedef enum outcome {
    BATCH_ANSWERED,
    BATCH_UNKNOWN,  /* the service has no such form */
    BATCH_TOO_LARGE /* for this service, or for what stands before it */
} outcome;

static outcome outcome_of(unsigned status)
{
    if (status == 413) return BATCH_TOO_LARGE;
    return status == 404 || status == 405 || status == 501 ? BATCH_UNKNOWN : BATCH_ANSWERED;
}

static size_t bytes_of(const mun_slice *statements, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += statements[i].len;
    return bytes;
}

static mun_code register_batch(mun_remote *remote, const mun_slice *statements, size_t n,
                               mun_registration *ret, mun_buf *ret_receipts, outcome *ret_outcome,
                               mun_error *err)
{
    mun_buf body MUN_BUF_AUTO = mun_buf_growable(bytes_of(statements, n) + 1);
    for (size_t i = 0; i < n; i++) mun_buf_put(&body, statements[i]);
    if (!mun_buf_ok(&body)) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    MUN_TRY(mun_remote_post(remote, "/v1/batch", SEQUENCE, SEQUENCE, mun_buf_slice(&body),
                            MUN_REMOTE_BATCH, err));
    *ret_outcome = outcome_of(remote->answer.status);
    if (remote->answer.status == 200) {
        mun_buf answer MUN_BUF_AUTO = remote->answer.body; /* judging must not overwrite it */
        remote->answer.body = (mun_buf){0};
        MUN_TRY(
            take_results(remote, statements, n, mun_buf_slice(&answer), ret, ret_receipts, err));
        return wait_for_pending(remote, statements, n, ret, ret_receipts, err);
    }
    return *ret_outcome == BATCH_ANSWERED ? mun_remote_refusal(remote, "the batch", err) : MUN_OK;
}

/* How many of these fit into what the service takes at once; the first always does. */
static size_t that_fit(const mun_remote *remote, const mun_slice *statements, size_t n)
{
    size_t fit = 1;
    if (remote->batch_room == 0) return n;
    while (fit < n && bytes_of(statements, fit + 1) <= remote->batch_room) fit++;
    return fit;
}

static mun_code register_some(mun_remote *remote, const mun_slice *statements, size_t n,
                              mun_registration *ret, mun_buf *ret_receipts, outcome *ret_outcome,
                              mun_error *err)
{
    if (n > 1) {
        return register_batch(remote, statements, n, ret, ret_receipts, ret_outcome, err);
    }
    *ret_outcome = BATCH_ANSWERED;
    return register_one(remote, statements[0], ret, ret_receipts, err);
}

mun_code mun_remote_register(mun_remote *remote, const mun_slice *statements, size_t n,
                             mun_registration *ret, mun_buf *ret_receipts, mun_error *err)
{
    bool batches = true;
    if (!remote->have_tree) MUN_TRY(mun_remote_checkpoint(remote, err));
    for (size_t at = 0; at < n;) {
        outcome came;
        size_t len = batches ? that_fit(remote, statements + at, n - at) : 1;
        MUN_TRY(
            register_some(remote, statements + at, len, ret + at, ret_receipts + at, &came, err));
        if (came == BATCH_TOO_LARGE) remote->batch_room = bytes_of(statements + at, len) / 2;
        if (came == BATCH_ANSWERED) {
            at += len;
        } else {
            batches = came == BATCH_TOO_LARGE && remote->batch_room > 0;
        }
    }
    return MUN_OK;
}
