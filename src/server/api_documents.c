/* SPDX-License-Identifier: Apache-2.0 */
/* /v1/documents/{digest}: the newest entry about a document, by the digest it has. */
#include "server/api.h"
#include "server/query.h"

#include <stdio.h>

typedef mun_code (*give)(mun_api_call *call, uint64_t index, mun_error *err);

typedef struct newest {
    bool found;
    uint64_t index;
} newest;

static mun_code each_found(void *ctx, const mun_found *found, mun_error *err)
{
    (void)err;
    newest *n = ctx;
    n->found = true;
    n->index = found->index;
    return MUN_OK;
}

static mun_code newest_about(mun_api_call *call, uint64_t *ret, mun_error *err)
{
    static const char *const names[] = {"iss", NULL};
    uint8_t digest[MUN_DIGEST_MAX];
    size_t len = 0;
    mun_parameters parameters;
    mun_query query = {.newest = true};
    newest n = {0};
    MUN_TRY(mun_query_parse(call->request->query, names, &parameters, err));
    MUN_TRY(mun_query_text(&parameters, 0, &query.iss, err));
    if (!mun_digest_take(call->request->captures[0], digest, &len)) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "a document's digest has 64, 96 or 128 hexadecimal digits");
    }
    query.digest = mun_slice_of(digest, len);
    MUN_TRY(mun_ledger_find(call->ledger, &query, each_found, &n, err));
    if (!n.found) {
        return mun_fail(err, MUN_E_NOT_FOUND, MUN_NO_OFFSET,
                        "nothing on this ledger is about a document with this digest");
    }
    call->response->entry = *ret = n.index;
    return MUN_OK;
}

/* RFC 9110 section 8.7: what was sent is what stands under the entry's own URL. */
static mun_code answer(mun_api_call *call, give what, const char *part, mun_error *err)
{
    uint64_t index = 0;
    MUN_TRY(newest_about(call, &index, err));
    MUN_TRY(what(call, index, err));
    if (call->response->status != 200) return MUN_OK;
    snprintf(call->response->content_location, sizeof call->response->content_location,
             "/v1/entries/%llu%s", (unsigned long long)index, part);
    return MUN_OK;
}

static mun_code run_entry(mun_api_call *call, mun_error *err)
{
    return answer(call, mun_api_give_entry, "", err);
}

static mun_code run_statement(mun_api_call *call, mun_error *err)
{
    return answer(call, mun_api_give_statement, "/statement", err);
}

static mun_code run_receipt(mun_api_call *call, mun_error *err)
{
    return answer(call, mun_api_give_receipt, "/receipt", err);
}

static mun_code run_evidence(mun_api_call *call, mun_error *err)
{
    return answer(call, mun_api_give_evidence, "/evidence", err);
}

void mun_api_document(const mun_request *request, mun_response *response)
{
    mun_api_answer(request, response, run_entry);
}

void mun_api_document_statement(const mun_request *request, mun_response *response)
{
    mun_api_answer(request, response, run_statement);
}

void mun_api_document_receipt(const mun_request *request, mun_response *response)
{
    mun_api_answer(request, response, run_receipt);
}

void mun_api_document_evidence(const mun_request *request, mun_response *response)
{
    mun_api_answer(request, response, run_evidence);
}
