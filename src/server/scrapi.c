/* SPDX-License-Identifier: Apache-2.0 */
/* SCRAPI draft-11: the routes, the receipt of a location, the keys. */
#include "server/scrapi.h"

#include "codec/cbor.h"
#include "codec/radix.h"
#include "server/api.h"
#include "server/backend.h"
#include "server/negotiate.h"
#include "server/problem.h"
#include "server/route.h"
#include "server/served.h"

#include <muniment/keys.h>

_Static_assert(MUN_LOCATION_MAX <= MUN_RESPONSE_TEXT, "a location fits its field");

#define LOCATOR_LEN 43 /* unpadded base64url of 32 bytes */

/* A key set changes by an adoption or another policy, which is rare and announced. */
#define KEYS_CACHE "max-age=300"
/* A single key stands under its own thumbprint and never changes. */
#define KEY_CACHE "max-age=86400"

static const char *const offered[] = {MUN_TYPE_COSE, MUN_TYPE_RECEIPT, NULL};

/* ---- Locations ------------------------------------------------------------------------------- */

void mun_scrapi_location(const uint8_t leaf[MUN_HASH_SIZE], char ret[MUN_LOCATION_MAX])
{
    mun_buf text = mun_buf_fixed(ret, MUN_LOCATION_MAX - 1);
    mun_buf_text(&text, "/entries/");
    mun_base64url_put(&text, mun_slice_of(leaf, MUN_HASH_SIZE));
    ret[text.len] = '\0';
}

/* The last part of a location of ours: unpadded base64url of a leaf hash. */
static bool locator_take(mun_slice text, uint8_t ret_leaf[MUN_HASH_SIZE])
{
    mun_buf leaf = mun_buf_fixed(ret_leaf, MUN_HASH_SIZE);
    return text.len == LOCATOR_LEN && mun_base64url_take(text, &leaf) && leaf.len == MUN_HASH_SIZE;
}

/* Asked before the log is: what is committed between the two questions is found on the log. */
static mun_fate fate_of(const mun_request *request, const uint8_t leaf[MUN_HASH_SIZE],
                        mun_error *ret_why)
{
    const mun_backend *backend = mun_served_options_of(request->served)->backend;
    return backend == NULL ? MUN_FATE_UNKNOWN : backend->fate(backend->ctx, leaf, ret_why);
}

/* Not on the log: pending, failed, or unknown. */
static void answer_fate(const mun_request *request, mun_response *response,
                        const uint8_t leaf[MUN_HASH_SIZE], mun_fate fate, const mun_error *why)
{
    const mun_backend *backend = mun_served_options_of(request->served)->backend;
    if (fate == MUN_FATE_PENDING || fate == MUN_FATE_DONE) {
        response->status = 204;
        response->content_type = NULL;
        response->retry_after = backend->retry_seconds;
        mun_scrapi_location(leaf, response->location);
    } else if (fate == MUN_FATE_FAILED) {
        mun_problem(request, response, 404, MUN_TITLE_FAILED,
                    why->text[0] != '\0' ? why->text : mun_code_text(why->code));
    } else {
        mun_problem(request, response, 404, MUN_TITLE_NOT_FOUND,
                    "no statement with this location is registered here");
    }
}

static mun_code receipt_read(mun_ledger *ledger, const uint8_t leaf[MUN_HASH_SIZE],
                             mun_response *response, mun_error *err)
{
    MUN_TRY(mun_ledger_lookup(ledger, leaf, &response->entry, err));
    mun_code code = mun_ledger_receipt(ledger, response->entry, &response->body, err);
    if (code == MUN_E_REFUSED && mun_ledger_is_copy(ledger)) {
        return mun_fail_rule(err, code, MUN_RULE_COPY, MUN_NO_OFFSET,
                             "this ledger is a copy without keys: its receipts come from the "
                             "original");
    }
    return code;
}

/* GET of the Location: a receipt for the tree of the day. */
static void entry_get(const mun_request *request, mun_response *response)
{
    uint8_t leaf[MUN_HASH_SIZE];
    mun_ledger *ledger = NULL;
    mun_error why = {0};
    if (!locator_take(request->captures[0], leaf)) {
        mun_problem(request, response, 400, MUN_TITLE_LOCATOR,
                    "a location ends in the entry's leaf hash: 43 characters of base64url without "
                    "padding");
        return;
    }
    const char *type = mun_negotiate_type(request->fields[MUN_FIELD_ACCEPT], offered);
    if (type == NULL) {
        mun_problem(request, response, 406, MUN_TITLE_ACCEPT,
                    "a receipt can be had as application/cose or application/scitt-receipt+cose");
        return;
    }
    mun_error failed = {0};
    mun_fate fate = fate_of(request, leaf, &failed);
    mun_code code = mun_served_use(request->served, true, &ledger, &why);
    if (code == MUN_OK) {
        code = receipt_read(ledger, leaf, response, &why);
        mun_served_done(request->served, ledger, code);
        if (code == MUN_E_NOT_FOUND) {
            answer_fate(request, response, leaf, fate, &failed);
            return;
        }
    }
    if (code != MUN_OK) {
        mun_problem_error(request, response, &why);
        return;
    }
    mun_response_ok(response, type, NULL);
    response->vary = "Accept";
    mun_scrapi_location(leaf, response->location);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

/* The algorithm by which the ledger signs receipts with a key of this curve. */
static int32_t receipt_alg(const mun_public_key *key)
{
    return key->crv == MUN_CRV_P256   ? MUN_ALG_ES256
           : key->crv == MUN_CRV_P384 ? MUN_ALG_ES384
                                      : MUN_ALG_EDDSA;
}

typedef struct key_search {
    mun_crypto crypto;
    mun_slice wanted; /* a kid's 32 bytes; empty: the newest */
    mun_buf key;      /* its COSE_Key; empty: none */
} key_search;

static mun_code key_visit(void *ctx, const mun_ledger_key_epoch *epoch, mun_error *err)
{
    (void)err;
    key_search *s = ctx;
    uint8_t kid[MUN_HASH_SIZE];
    mun_key_thumbprint(&s->crypto, &epoch->receipts, kid);
    mun_slice name = mun_slice_of(kid, sizeof kid);
    if (s->wanted.len > 0 && !mun_slice_equal(s->wanted, name)) return MUN_OK;
    mun_buf_clear(&s->key);
    mun_cose_key_write(&epoch->receipts, name, receipt_alg(&epoch->receipts), &s->key);
    return MUN_OK;
}

static mun_code keys_search(mun_ledger *ledger, key_search *s, mun_error *err)
{
    MUN_TRY(mun_native_crypto_new(&s->crypto, err));
    mun_code code = mun_ledger_keys(ledger, key_visit, s, err);
    mun_native_crypto_free(&s->crypto);
    return code;
}

/* Looks through the ledger's receipt keys; false: the response says why not. */
static bool keys_read(const mun_request *request, mun_response *response, key_search *s)
{
    mun_ledger *ledger = NULL;
    mun_error why = {0};
    mun_code code = mun_served_use(request->served, true, &ledger, &why);
    if (code == MUN_OK) {
        code = keys_search(ledger, s, &why);
        mun_served_done(request->served, ledger, code);
    }
    if (code != MUN_OK) mun_problem_error(request, response, &why);
    return code == MUN_OK;
}

/* The literal for who asks: shared caches keep only what anyone may read. */
#define CACHE(request, how) (mun_api_is_public(request) ? "public, " how : "private, " how)

/* A COSE_KeySet (RFC 9052 section 7): the key that receipts are signed with now. */
static void keys_get(const mun_request *request, mun_response *response)
{
    uint8_t bytes[MUN_COSE_KEY_MAX];
    key_search s = {.key = mun_buf_fixed(bytes, sizeof bytes)};
    if (!keys_read(request, response, &s)) return;
    mun_response_ok(response, "application/cbor", CACHE(request, KEYS_CACHE));
    mun_cbor_put_head(&response->body, MUN_CBOR_ARRAY, 1);
    mun_buf_put(&response->body, mun_buf_slice(&s.key));
    mun_response_etag(response);
}

/* A kid as base64url, or its raw bytes: those are 32, their base64url has 43 characters, so no
 * spelling can mean two keys. False: neither. */
static bool kid_take(mun_slice text, uint8_t ret[MUN_HASH_SIZE])
{
    if (locator_take(text, ret)) return true;
    if (text.len != MUN_HASH_SIZE) return false;
    memcpy(ret, text.ptr, MUN_HASH_SIZE);
    return true;
}

/* One key, retired ones as well. */
static void key_get(const mun_request *request, mun_response *response)
{
    uint8_t kid[MUN_HASH_SIZE], bytes[MUN_COSE_KEY_MAX];
    key_search s = {.key = mun_buf_fixed(bytes, sizeof bytes)};
    if (kid_take(request->captures[0], kid)) {
        s.wanted = mun_slice_of(kid, sizeof kid);
        if (!keys_read(request, response, &s)) return;
    }
    if (s.key.len == 0) {
        mun_problem(request, response, 404, MUN_TITLE_NO_KEY,
                    "this ledger has never signed receipts with such a key");
        return;
    }
    mun_response_ok(response, "application/cbor", CACHE(request, KEY_CACHE));
    mun_buf_put(&response->body, mun_buf_slice(&s.key));
    mun_response_etag(response);
}

/* ---- Routes ---------------------------------------------------------------------------------- */

const mun_route mun_routes_scrapi[] = {
    {.name = "entries_post",
     .methods = MUN_METHOD_POST,
     .pattern = "/entries",
     .lane = MUN_LANE_REGISTER,
     .scope = MUN_SCOPE_SUBMIT,
     .body_max = MUN_STATEMENT_BODY_MAX},
    {.name = "entries_get",
     .methods = MUN_METHOD_GET,
     .pattern = "/entries/{}",
     .lane = MUN_LANE_WORKER,
     .scope = MUN_SCOPE_READ,
     .run = entry_get},
    {.name = "scitt_keys",
     .methods = MUN_METHOD_GET,
     .pattern = "/.well-known/scitt-keys",
     .lane = MUN_LANE_WORKER,
     .scope = MUN_SCOPE_READ,
     .run = keys_get},
    {.name = "scitt_key",
     .methods = MUN_METHOD_GET,
     .pattern = "/.well-known/scitt-keys/{}",
     .lane = MUN_LANE_WORKER,
     .scope = MUN_SCOPE_READ,
     .run = key_get},
    {.name = "batch_post",
     .methods = MUN_METHOD_POST,
     .pattern = "/v1/batch",
     .lane = MUN_LANE_WORKER,
     .scope = MUN_SCOPE_SUBMIT,
     .body_max = MUN_BATCH_BODY_MAX,
     .run = mun_batch_post},
    {0},
};
