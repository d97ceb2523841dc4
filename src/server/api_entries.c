/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/entries/{index} and what hangs on it. */
#include "server/api_entry.h"
#include "server/negotiate.h"
#include "server/query.h"

typedef mun_code (*give)(mun_api_call *call, uint64_t index, mun_error *err);

static mun_code run_give(mun_api_call *call, give what, mun_error *err)
{
    uint64_t index = 0;
    MUN_TRY(mun_query_none(call->request->query, err));
    MUN_TRY(mun_api_index(call, call->request->captures[0], &index, err));
    return what(call, index, err);
}

/* ---- What is given --------------------------------------------------------------------------- */

static mun_code entry_object(mun_api_call *call, uint64_t index, const mun_crypto *crypto,
                             mun_error *err)
{
    MUN_BUF_AUTO mun_buf entry = mun_buf_growable(MUN_STATEMENT_MAX);
    mun_reply json = {.out = &call->response->body};
    mun_api_entry_of of = {.request = call->request, .crypto = crypto, .index = index};
    MUN_TRY(mun_ledger_entry(call->ledger, index, &entry, &of.time_ms, err));
    return mun_api_entry_put_bytes(&json, &of, mun_buf_slice(&entry), err);
}

mun_code mun_api_give_entry(mun_api_call *call, uint64_t index, mun_error *err)
{
    mun_crypto *crypto = NULL;
    MUN_TRY(mun_api_crypto_take(&crypto, err));
    mun_code code = entry_object(call, index, crypto, err);
    mun_api_crypto_give(crypto);
    if (code != MUN_OK) return code;
    return mun_api_json_done(call, NULL, err);
}

mun_code mun_api_give_statement(mun_api_call *call, uint64_t index, mun_error *err)
{
    static const char *const types[] = {MUN_TYPE_STATEMENT, MUN_TYPE_COSE, NULL};
    const char *type = mun_api_type(call, types);
    if (type == NULL) return MUN_OK;
    MUN_TRY(mun_ledger_entry(call->ledger, index, &call->response->body, NULL, err));
    mun_response_ok(call->response, type, NULL);
    return MUN_OK;
}

mun_code mun_api_give_receipt(mun_api_call *call, uint64_t index, mun_error *err)
{
    static const char *const types[] = {MUN_TYPE_RECEIPT, MUN_TYPE_COSE, NULL};
    const char *type = mun_api_type(call, types);
    if (type == NULL) return MUN_OK;
    MUN_TRY(mun_ledger_receipt(call->ledger, index, &call->response->body, err));
    mun_response_ok(call->response, type, NULL);
    return MUN_OK;
}

mun_code mun_api_give_evidence(mun_api_call *call, uint64_t index, mun_error *err)
{
    static const char *const types[] = {MUN_TYPE_COSE, MUN_TYPE_STATEMENT, NULL};
    const char *type = mun_api_type(call, types);
    if (type == NULL) return MUN_OK;
    MUN_TRY(mun_ledger_evidence(call->ledger, index, &call->response->body, err));
    mun_response_ok(call->response, type, NULL);
    return MUN_OK;
}

/* ---- By index -------------------------------------------------------------------------------- */

/* What an index holds never changes; only under its own URL may that be said. */
static void for_ever(mun_api_call *call)
{
    if (call->response->status != 200) return;
    call->response->cache_control = mun_api_for_ever(call->request);
    mun_response_etag(call->response);
}

static mun_code run_entry(mun_api_call *call, mun_error *err)
{
    MUN_TRY(run_give(call, mun_api_give_entry, err));
    for_ever(call);
    return MUN_OK;
}

static mun_code run_statement(mun_api_call *call, mun_error *err)
{
    MUN_TRY(run_give(call, mun_api_give_statement, err));
    for_ever(call);
    return MUN_OK;
}

static mun_code run_receipt(mun_api_call *call, mun_error *err)
{
    return run_give(call, mun_api_give_receipt, err);
}

static mun_code run_evidence(mun_api_call *call, mun_error *err)
{
    return run_give(call, mun_api_give_evidence, err);
}

void mun_api_entry(const mun_request *request, mun_response *response)
{
    mun_api_answer(request, response, run_entry);
}

void mun_api_statement(const mun_request *request, mun_response *response)
{
    mun_api_answer(request, response, run_statement);
}

void mun_api_receipt(const mun_request *request, mun_response *response)
{
    mun_api_answer(request, response, run_receipt);
}

void mun_api_evidence(const mun_request *request, mun_response *response)
{
    mun_api_answer(request, response, run_evidence);
}
