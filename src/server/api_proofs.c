/* SPDX-License-Identifier: Apache-2.0 */
/* Inclusion and consistency (RFC 9162 section 2.1.3 and 2.1.4) as JSON, and as COSE (RFC 9942). */
#include "server/api.h"
#include "server/negotiate.h"
#include "server/query.h"

#define PATH_NODES (MUN_PROOF_PATH_MAX + 1)

static void hashes_put(mun_reply *json, uint8_t path[][MUN_HASH_SIZE], size_t len)
{
    mun_reply_key(json, "hashes");
    mun_reply_open(json, '[');
    for (size_t i = 0; i < len; i++) {
        mun_reply_base64(json, mun_slice_of(path[i], MUN_HASH_SIZE));
    }
    mun_reply_close(json, ']');
}

static mun_code root_put(mun_api_call *call, mun_reply *json, const char *key, uint64_t size,
                         mun_error *err)
{
    uint8_t root[MUN_HASH_SIZE];
    MUN_TRY(mun_ledger_root(call->ledger, size, root, err));
    mun_reply_put_base64(json, key, mun_slice_of(root, sizeof root));
    return MUN_OK;
}

static mun_code too_large(mun_error *err, const char *name, uint64_t size)
{
    return mun_failf(err, MUN_E_USAGE, 0, "the parameter %s is larger than the tree, which is %llu",
                     name, (unsigned long long)size);
}

/* ---- Inclusion ------------------------------------------------------------------------------- */

/* RFC 9162 section 2.1.1: the leaf hash is 00 and the entry. */
static mun_code leaf_put(mun_api_call *call, mun_reply *json, uint64_t index, mun_error *err)
{
    static const uint8_t zero = 0;
    MUN_BUF_AUTO mun_buf entry = mun_buf_growable(MUN_STATEMENT_MAX);
    uint8_t leaf[MUN_HASH_SIZE];
    mun_crypto *crypto = NULL;
    MUN_TRY(mun_ledger_entry(call->ledger, index, &entry, NULL, err));
    MUN_TRY(mun_api_crypto_take(&crypto, err));
    mun_slice parts[] = {mun_slice_of(&zero, 1), mun_buf_slice(&entry)};
    crypto->sha256(crypto->ctx, parts, 2, leaf);
    mun_api_crypto_give(crypto);
    mun_reply_put_hex(json, "leaf", mun_slice_of(leaf, sizeof leaf));
    return MUN_OK;
}

static mun_code inclusion_size(mun_api_call *call, uint64_t index, uint64_t *ret, mun_error *err)
{
    static const char *const names[] = {"size", NULL};
    mun_parameters parameters;
    uint64_t now = mun_ledger_tree(call->ledger).size, size = now;
    MUN_TRY(mun_query_parse(call->request->query, names, &parameters, err));
    MUN_TRY(mun_query_number(&parameters, 0, 1, INT64_MAX, &size, err));
    if (size > now) return too_large(err, "size", now);
    if (index >= size) {
        return mun_failf(err, MUN_E_USAGE, 0,
                         "the parameter size must be above the index: entry %llu is not in a tree "
                         "of %llu",
                         (unsigned long long)index, (unsigned long long)size);
    }
    *ret = size;
    return MUN_OK;
}

static mun_code run_inclusion(mun_api_call *call, mun_error *err)
{
    uint8_t path[PATH_NODES][MUN_HASH_SIZE];
    uint64_t index = 0, size = 0;
    size_t len = 0;
    mun_reply json = {.out = &call->response->body};
    MUN_TRY(mun_api_index(call, call->request->captures[0], &index, err));
    MUN_TRY(inclusion_size(call, index, &size, err));
    MUN_TRY(mun_ledger_inclusion(call->ledger, index, size, path, &len, err));
    mun_reply_open(&json, '{');
    mun_reply_put_uint(&json, "index", index);
    mun_reply_put_uint(&json, "size", size);
    MUN_TRY(leaf_put(call, &json, index, err));
    MUN_TRY(root_put(call, &json, "root", size, err));
    hashes_put(&json, path, len);
    mun_reply_close(&json, '}');
    bool fixed = call->request->query.len > 0; /* a proof for a named size never changes */
    return mun_api_json_done(call, fixed ? mun_api_for_ever(call->request) : NULL, err);
}

void mun_api_inclusion(const mun_request *request, mun_response *response)
{
    mun_api_answer(request, response, run_inclusion);
}

/* ---- Consistency ----------------------------------------------------------------------------- */

typedef struct sizes {
    uint64_t from, to, now;
} sizes;

static mun_code sizes_read(mun_api_call *call, sizes *ret, mun_error *err)
{
    static const char *const names[] = {"from", "to", NULL};
    mun_parameters parameters;
    sizes s = {.now = mun_ledger_tree(call->ledger).size};
    s.to = s.now;
    MUN_TRY(mun_query_parse(call->request->query, names, &parameters, err));
    if (!parameters.have[0]) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "the parameter from is missing: the size to begin at");
    }
    MUN_TRY(mun_query_number(&parameters, 0, 1, INT64_MAX, &s.from, err));
    MUN_TRY(mun_query_number(&parameters, 1, 1, INT64_MAX, &s.to, err));
    if (s.to > s.now) return too_large(err, "to", s.now);
    if (s.from > s.to) return too_large(err, "from", s.to);
    *ret = s;
    return MUN_OK;
}

static mun_code consistency_json(mun_api_call *call, const sizes *s, mun_error *err)
{
    uint8_t path[PATH_NODES][MUN_HASH_SIZE];
    size_t len = 0;
    mun_reply json = {.out = &call->response->body};
    MUN_TRY(mun_ledger_consistency(call->ledger, s->from, s->to, path, &len, err));
    mun_reply_open(&json, '{');
    mun_reply_put_uint(&json, "from", s->from);
    mun_reply_put_uint(&json, "to", s->to);
    MUN_TRY(root_put(call, &json, "from_root", s->from, err));
    MUN_TRY(root_put(call, &json, "to_root", s->to, err));
    hashes_put(&json, path, len);
    mun_reply_close(&json, '}');
    return mun_api_json_done(call, NULL, err);
}

static mun_code consistency_cose(mun_api_call *call, const sizes *s, const char *type,
                                 mun_error *err)
{
    if (s->to != s->now || s->from == s->to) {
        return mun_failf(err, MUN_E_USAGE, 0,
                         "a COSE consistency receipt leads from an older tree to the present one: "
                         "give a from below %llu, and no to",
                         (unsigned long long)s->now);
    }
    MUN_TRY(mun_ledger_consistency_receipt(call->ledger, s->from, &call->response->body, err));
    mun_response_ok(call->response, type, NULL);
    return MUN_OK;
}

static mun_code run_consistency(mun_api_call *call, mun_error *err)
{
    static const char *const types[] = {MUN_TYPE_JSON, MUN_TYPE_COSE, MUN_TYPE_RECEIPT, NULL};
    sizes s;
    MUN_TRY(sizes_read(call, &s, err));
    const char *type = mun_api_type(call, types);
    if (type == NULL) return MUN_OK;
    if (strcmp(type, MUN_TYPE_JSON) == 0) return consistency_json(call, &s, err);
    return consistency_cose(call, &s, type, err);
}

void mun_api_consistency(const mun_request *request, mun_response *response)
{
    mun_api_answer(request, response, run_consistency);
}
