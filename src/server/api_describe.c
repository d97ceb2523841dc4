/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1: which ledger this is, its keys, how far it is, and where the rest stands; and
 * GET /v1/issuers: who may register. */
#include "server/api.h"
#include "server/query.h"
#include "server/service.h"

#include <muniment/keys.h>

#define NAME_ROOM 300 /* a thumbprint URI, a fingerprint in words */

/* ---- Keys ------------------------------------------------------------------------------------ */

static void pem_put(mun_reply *json, const mun_public_key *key)
{
    uint8_t room[MUN_PUBLIC_PEM_MAX];
    mun_buf pem = mun_buf_fixed(room, sizeof room);
    mun_public_key_to_pem(key, &pem);
    mun_reply_put_text(json, "pem", mun_buf_slice(&pem));
}

/* kid: our keys' is the thumbprint (design). */
static void names_put(mun_reply *json, const mun_crypto *crypto, const mun_public_key *key)
{
    uint8_t thumbprint[MUN_HASH_SIZE], room[NAME_ROOM];
    mun_buf uri = mun_buf_fixed(room, sizeof room);
    mun_key_thumbprint(crypto, key, thumbprint);
    mun_key_thumbprint_uri(crypto, key, &uri);
    mun_reply_put_hex(json, "kid", mun_slice_of(thumbprint, sizeof thumbprint));
    mun_reply_put_text(json, "thumbprint", mun_buf_slice(&uri));
}

typedef struct keys {
    mun_reply *json;
    const mun_crypto *crypto;
    const mun_ledger_pub *now;
} keys;

static bool same_key(const keys *k, const mun_public_key *a, const mun_public_key *b)
{
    uint8_t first[MUN_HASH_SIZE], second[MUN_HASH_SIZE];
    mun_key_thumbprint(k->crypto, a, first);
    mun_key_thumbprint(k->crypto, b, second);
    return memcmp(first, second, sizeof first) == 0;
}

/* C2SP: only the checkpoints' key signs notes. */
static void vkey_put(const keys *k, const mun_public_key *key, bool signs_notes)
{
    uint8_t room[MUN_VKEY_MAX];
    mun_buf vkey = mun_buf_fixed(room, sizeof room);
    mun_reply_key(k->json, "vkey");
    if (!signs_notes) {
        mun_reply_null(k->json);
        return;
    }
    mun_vkey_write(k->crypto, k->now->origin, MUN_VKEY_LOG, key, &vkey);
    mun_reply_text(k->json, mun_buf_slice(&vkey));
}

static void key_put(const keys *k, const mun_ledger_key_epoch *epoch, bool receipts)
{
    const mun_public_key *key = receipts ? &epoch->receipts : &epoch->checkpoints;
    const mun_public_key *now = receipts ? &k->now->receipts : &k->now->checkpoints;
    mun_reply_open(k->json, '{');
    mun_reply_put_cstr(k->json, "role", receipts ? "receipts" : "checkpoints");
    names_put(k->json, k->crypto, key);
    vkey_put(k, key, !receipts);
    pem_put(k->json, key);
    mun_reply_put_uint(k->json, "from", epoch->from);
    mun_reply_put_bool(k->json, "current", same_key(k, key, now));
    mun_reply_put_bool(k->json, "self_announced", epoch->self_announced);
    mun_reply_close(k->json, '}');
}

static mun_code each_epoch(void *ctx, const mun_ledger_key_epoch *epoch, mun_error *err)
{
    (void)err;
    key_put(ctx, epoch, true);
    key_put(ctx, epoch, false);
    return MUN_OK;
}

static mun_code keys_put(mun_api_call *call, mun_reply *json, const mun_crypto *crypto,
                         mun_error *err)
{
    keys k = {.json = json, .crypto = crypto, .now = mun_ledger_identity(call->ledger)};
    mun_reply_key(json, "keys");
    mun_reply_open(json, '[');
    MUN_TRY(mun_ledger_keys(call->ledger, each_epoch, &k, err));
    mun_reply_close(json, ']');
    return MUN_OK;
}

/* ---- Description ----------------------------------------------------------------------------- */

static void links_put(mun_api_call *call, mun_reply *json)
{
    static const struct {
        const char *name, *path;
    } links[] = {
        {"self", "/v1"},
        {"entries", "/v1/entries"},
        {"documents", "/v1/documents/"},
        {"consistency", "/v1/consistency"},
        {"issuers", "/v1/issuers"},
        {"events", "/v1/events"},
        {"batch", "/v1/batch"},
        {"openapi", "/v1/openapi.json"},
        {"register", "/entries"},
        {"keys", "/.well-known/scitt-keys"},
        {"checkpoint", "/checkpoint"},
        {"tiles", "/tile/"},
        {"ledger_pub", "/ledger.pub"},
    };
    mun_reply_key(json, "links");
    mun_reply_open(json, '{');
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        uint8_t room[1024];
        mun_buf url = mun_buf_fixed(room, sizeof room);
        mun_api_url_put(call->request, &url, links[i].path, (mun_slice){0});
        mun_reply_put_text(json, links[i].name, mun_buf_slice(&url));
    }
    mun_reply_close(json, '}');
}

static void identity_put(mun_api_call *call, mun_reply *json, const mun_crypto *crypto)
{
    const mun_ledger_pub *pub = mun_ledger_identity(call->ledger);
    const mun_served_options *options = mun_served_options_of(call->request->served);
    uint8_t room[NAME_ROOM];
    mun_buf words = mun_buf_fixed(room, sizeof room);
    mun_ledger_fingerprint(crypto, pub, &words);
    mun_reply_put_text(json, "origin", pub->origin);
    mun_reply_put_cstr(json, "name", options->name);
    mun_reply_put_cstr(json, "base", options->base);
    mun_reply_put_text(json, "fingerprint", mun_buf_slice(&words));
}

/* The root is that of the size shown, whatever was registered meanwhile. */
static mun_code tree_put(mun_api_call *call, mun_reply *json, mun_error *err)
{
    MUN_BUF_AUTO mun_buf checkpoint = mun_buf_growable(MUN_CHECKPOINT_TEXT_MAX);
    uint8_t root[MUN_HASH_SIZE];
    uint64_t size = 0;
    MUN_TRY(mun_api_checkpoint(call->ledger, &checkpoint, &size, err));
    MUN_TRY(mun_ledger_root(call->ledger, size, root, err));
    mun_reply_put_uint(json, "size", size);
    mun_reply_put_base64(json, "root", mun_slice_of(root, sizeof root));
    mun_api_checkpoint_put(json, mun_buf_slice(&checkpoint));
    return MUN_OK;
}

static mun_code describe(mun_api_call *call, const mun_crypto *crypto, mun_error *err)
{
    mun_reply json = {.out = &call->response->body};
    mun_served_state state = mun_served_state_get(call->request->served, NULL);
    mun_reply_open(&json, '{');
    identity_put(call, &json, crypto);
    MUN_TRY(tree_put(call, &json, err));
    mun_reply_put_bool(&json, "any_issuer", mun_ledger_any_issuer(call->ledger));
    mun_reply_put_bool(&json, "copy", mun_ledger_is_copy(call->ledger));
    mun_reply_put_cstr(&json, "state", mun_served_state_text(state));
    MUN_TRY(keys_put(call, &json, crypto, err));
    links_put(call, &json);
    mun_reply_close(&json, '}');
    return mun_api_json_done(call, NULL, err);
}

static mun_code run_describe(mun_api_call *call, mun_error *err)
{
    mun_crypto *crypto = NULL;
    MUN_TRY(mun_query_none(call->request->query, err));
    MUN_TRY(mun_api_crypto_take(&crypto, err));
    mun_code code = describe(call, crypto, err);
    mun_api_crypto_give(crypto);
    return code;
}

void mun_api_describe(const mun_request *request, mun_response *response)
{
    mun_api_answer(request, response, run_describe);
}

/* ---- Issuers --------------------------------------------------------------------------------- */

static mun_code each_issuer(void *ctx, mun_slice iss, const mun_issuer_key *key,
                            uint64_t added_index, mun_error *err)
{
    (void)err;
    const keys *k = ctx;
    mun_reply_open(k->json, '{');
    mun_reply_put_text(k->json, "iss", iss);
    names_put(k->json, k->crypto, &key->key);
    mun_reply_key(k->json, "other_kids");
    mun_reply_open(k->json, '[');
    for (size_t i = 0; i < key->kids_len; i++) mun_reply_hex(k->json, key->kids[i]);
    mun_reply_close(k->json, ']');
    pem_put(k->json, &key->key);
    mun_reply_put_uint(k->json, "added", added_index);
    mun_reply_close(k->json, '}');
    return MUN_OK;
}

static mun_code issuers(mun_api_call *call, const mun_crypto *crypto, mun_error *err)
{
    mun_reply json = {.out = &call->response->body};
    keys k = {.json = &json, .crypto = crypto};
    mun_reply_open(&json, '{');
    mun_reply_put_bool(&json, "any_issuer", mun_ledger_any_issuer(call->ledger));
    mun_reply_key(&json, "issuers");
    mun_reply_open(&json, '[');
    MUN_TRY(mun_ledger_issuers(call->ledger, each_issuer, &k, err));
    mun_reply_close(&json, ']');
    mun_reply_close(&json, '}');
    return mun_api_json_done(call, NULL, err);
}

static mun_code run_issuers(mun_api_call *call, mun_error *err)
{
    mun_crypto *crypto = NULL;
    MUN_TRY(mun_query_none(call->request->query, err));
    MUN_TRY(mun_api_crypto_take(&crypto, err));
    mun_code code = issuers(call, crypto, err);
    mun_api_crypto_give(crypto);
    return code;
}

void mun_api_issuers(const mun_request *request, mun_response *response)
{
    mun_api_answer(request, response, run_issuers);
}
