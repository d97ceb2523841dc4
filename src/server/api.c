/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api.h"

#include "codec/lines.h"
#include "crypto/alg_name.h"
#include "ledger/crypto_pool.h"
#include "server/access.h"
#include "server/negotiate.h"
#include "server/problem.h"
#include "server/service.h"

#include <stdio.h>

/* ---- A call ---------------------------------------------------------------------------------- */

/* What a copy cannot sign has the title that registering there has: nobody's token is to blame. */
static mun_code blame_copy(const mun_ledger *ledger, mun_code code, mun_error *err)
{
    if (code != MUN_E_REFUSED || !mun_ledger_is_copy(ledger)) return code;
    return mun_fail_rule(err, code, MUN_RULE_COPY, MUN_NO_OFFSET,
                         "this ledger is a copy without keys: what must be signed comes from the "
                         "original");
}

void mun_api_answer(const mun_request *request, mun_response *response, mun_api_run run)
{
    mun_error err = {.offset = MUN_NO_OFFSET};
    mun_api_call call = {.request = request, .response = response};
    mun_code code = mun_served_use(request->served, true, &call.ledger, &err);
    if (code == MUN_OK) {
        code = blame_copy(call.ledger, run(&call, &err), &err);
        mun_served_done(request->served, call.ledger, code);
    }
    if (code == MUN_OK) return;
    mun_response_reset(response);
    mun_problem_error(request, response, &err);
}

static mun_crypto_pool pool;
static pthread_once_t pool_once = PTHREAD_ONCE_INIT;

static void pool_make(void)
{
    mun_crypto_pool_init(&pool);
}

mun_code mun_api_crypto_take(mun_crypto **ret, mun_error *err)
{
    (void)pthread_once(&pool_once, pool_make);
    return mun_crypto_pool_take(&pool, ret, err);
}

void mun_api_crypto_give(mun_crypto *crypto)
{
    mun_crypto_pool_give(&pool, crypto);
}

bool mun_api_is_public(const mun_request *request)
{
    return request->principal == NULL || request->principal->anyone;
}

const char *mun_api_for_ever(const mun_request *request)
{
    return mun_api_is_public(request) ? "public, max-age=31536000, immutable"
                                      : "private, max-age=31536000, immutable";
}

const char *mun_api_for_a_moment(const mun_request *request)
{
    return mun_api_is_public(request) ? "public, max-age=2" : "private, max-age=2";
}

const char *mun_api_type(mun_api_call *call, const char *const *offered)
{
    const char *type = mun_negotiate_type(call->request->fields[MUN_FIELD_ACCEPT], offered);
    if (type == NULL) {
        char detail[160];
        bool one = offered[1] == NULL;
        snprintf(detail, sizeof detail, "this can be had as %s%s%s, and Accept excludes %s",
                 offered[0], one ? "" : " or ", one ? "" : offered[1], one ? "it" : "both");
        mun_problem(call->request, call->response, 406, MUN_TITLE_ACCEPT, detail);
    }
    call->response->vary = "Accept";
    return type;
}

mun_code mun_api_index(const mun_api_call *call, mun_slice text, uint64_t *ret, mun_error *err)
{
    uint64_t index = 0;
    if (!mun_decimal_take(text, INT64_MAX, &index)) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "an index is a decimal number without leading zeros");
    }
    uint64_t size = mun_ledger_tree(call->ledger).size;
    if (index >= size) {
        return mun_failf(err, MUN_E_NOT_FOUND, 0, "the ledger has %llu entries; there is no %llu",
                         (unsigned long long)size, (unsigned long long)index);
    }
    call->response->entry = index;
    *ret = index;
    return MUN_OK;
}

mun_code mun_api_json_done(mun_api_call *call, const char *cache_control, mun_error *err)
{
    mun_buf_u8(&call->response->body, '\n');
    if (!mun_buf_ok(&call->response->body)) {
        return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "the answer takes too much room");
    }
    mun_response_ok(call->response, MUN_TYPE_JSON, cache_control);
    return MUN_OK;
}

/* ---- What answers name ----------------------------------------------------------------------- */

void mun_api_url_put(const mun_request *request, mun_buf *out, const char *path, mun_slice rest)
{
    const mun_service *service = request->service;
    const mun_served_options *options = mun_served_options_of(request->served);
    if (service != NULL && service->public_url != NULL && options->host == NULL) {
        mun_buf_text(out, service->public_url);
    }
    mun_buf_text(out, options->base);
    mun_buf_text(out, path);
    mun_buf_put(out, rest);
}

static mun_code checkpoint_size(mun_slice text, uint64_t *ret, mun_error *err)
{
    mun_note note;
    mun_checkpoint checkpoint;
    MUN_TRY(mun_note_parse(text, &note, err));
    MUN_TRY(mun_checkpoint_parse(note.text, &checkpoint, err));
    *ret = checkpoint.size;
    return MUN_OK;
}

mun_code mun_api_checkpoint(mun_ledger *ledger, mun_buf *ret_text, uint64_t *ret_size,
                            mun_error *err)
{
    mun_code code = mun_ledger_checkpoint(ledger, ret_text, err);
    if (code == MUN_OK) return checkpoint_size(mun_buf_slice(ret_text), ret_size, err);
    if (!mun_ledger_is_copy(ledger)) return code;
    mun_buf_clear(ret_text); /* no key, and no checkpoint of this size yet */
    *ret_size = mun_ledger_tree(ledger).size;
    return MUN_OK;
}

void mun_api_checkpoint_put(mun_reply *json, mun_slice text)
{
    mun_reply_key(json, "checkpoint");
    if (text.len > 0)
        mun_reply_text(json, text);
    else
        mun_reply_null(json);
}

const char *mun_api_alg_text(int32_t alg, char room[24])
{
    const char *name = mun_alg_name(alg);
    if (name != NULL) return name;
    snprintf(room, 24, "%d", (int)alg);
    return room;
}
