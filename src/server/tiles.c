/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C2SP tlog-tiles below the ledger's base, and what an exported tree has beside its tiles
 * (docs/format/export.md), so that whoever can follow a static export can follow the service.
 *
 * A tile's bytes are a function of its name and the ledger; nothing above the durable size is ever
 * served, and a partial tile stays after the full one exists.
 */
#include "server/api.h"
#include "server/gzip.h"
#include "server/negotiate.h"
#include "server/served.h"
#include "server/tile_name.h"
#include "server/tiles_cache.h"

#include <stdio.h>

#define TYPE_OCTETS  "application/octet-stream"
#define TYPE_TEXT    "text/plain; charset=utf-8"
#define EXPORT_LINE  "muniment-export 1\n"
#define BUNDLE_MAX   ((size_t)256 * (2 + MUN_STATEMENT_MAX))
#define WIDTH_FULL   256
#define PATH_OF_TILE "/tile/"

/* ---- Tiles ----------------------------------------------------------------------------------- */

static uint64_t ledger_number(const mun_request *request)
{
    const mun_ledger_pub *pub = mun_served_identity(request->served);
    mun_slice key = {0}; /* a ledger without one has no tiles, either */
    if (pub != NULL) key = mun_slice_of(pub->checkpoints.x, pub->checkpoints.x_len);
    return mun_tile_ledger(mun_served_options_of(request->served)->directory, key);
}

/* Names never lie about immutable bytes, so the name is the validator; one for each coding. */
static void etag_set(mun_response *response, const mun_tile_name *name, uint64_t ledger, bool gzip)
{
    snprintf(response->etag, sizeof response->etag, "\"%llx-%d-%llu-%u%s\"",
             (unsigned long long)ledger, name->level, (unsigned long long)name->n, name->width,
             gzip ? "-gzip" : "");
}

static mun_code tile_read(mun_api_call *call, const mun_tile_name *name, bool gzip, mun_error *err)
{
    mun_buf *body = &call->response->body;
    MUN_BUF_AUTO mun_buf plain = mun_buf_growable(BUNDLE_MAX);
    mun_buf *to = gzip ? &plain : body;
    MUN_TRY(mun_ledger_tile(call->ledger, name->level, name->n, name->width, to, err));
    if (gzip) MUN_TRY(mun_gzip_put(mun_buf_slice(&plain), body, err));
    return mun_buf_ok(body) ? MUN_OK : mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
}

/* The path as received: no tile's name is percent-encoded. */
static bool name_take(const mun_request *request, mun_tile_name *ret)
{
    size_t skip = sizeof PATH_OF_TILE - 1;
    return mun_tile_name_take(mun_slice_of(request->path.ptr + skip, request->path.len - skip),
                              ret);
}

static mun_tile_key key_of(const mun_request *request, const mun_tile_name *name)
{
    bool gzip = name->level < 0 && mun_negotiate_gzip(request->fields[MUN_FIELD_ACCEPT_ENCODING]);
    return (mun_tile_key){
        .ledger = ledger_number(request), .n = name->n, .level = name->level, .gzip = gzip};
}

static void head_set(const mun_request *request, mun_response *response, const mun_tile_name *name,
                     const mun_tile_key *key)
{
    mun_response_ok(response, TYPE_OCTETS, mun_api_for_ever(request));
    if (key->gzip) response->content_encoding = "gzip";
    if (name->level < 0) response->vary = "Accept-Encoding";
    etag_set(response, name, key->ledger, key->gzip);
}

/* Full tiles that are kept are answered without asking the ledger or its disk. */
static bool tile_kept(const mun_request *request, mun_response *response)
{
    mun_tile_name name;
    if (!name_take(request, &name) || name.width != WIDTH_FULL) return false;
    mun_tile_key key = key_of(request, &name);
    if (!mun_tiles_cache_get(&key, &response->body)) return false;
    head_set(request, response, &name, &key);
    return true;
}

static mun_code run_tile(mun_api_call *call, mun_error *err)
{
    mun_tile_name name;
    if (!name_take(call->request, &name)) {
        return mun_fail(err, MUN_E_NOT_FOUND, MUN_NO_OFFSET,
                        "no tile has this name (C2SP tlog-tiles: tile/L/N, tile/L/N.p/W)");
    }
    mun_tile_key key = key_of(call->request, &name);
    MUN_TRY(tile_read(call, &name, key.gzip, err));
    if (name.width == WIDTH_FULL) mun_tiles_cache_put(&key, mun_buf_slice(&call->response->body));
    head_set(call->request, call->response, &name, &key);
    return MUN_OK;
}

static void tile(const mun_request *request, mun_response *response)
{
    mun_api_answer(request, response, run_tile);
}

/* ---- Checkpoint ------------------------------------------------------------------------------ */

static mun_code run_checkpoint(mun_api_call *call, mun_error *err)
{
    uint64_t size = 0;
    MUN_TRY(mun_api_checkpoint(call->ledger, &call->response->body, &size, err));
    if (call->response->body.len == 0) {
        return mun_fail(err, MUN_E_AGAIN, MUN_NO_OFFSET,
                        "this copy of the ledger has no signed checkpoint of its present size yet");
    }
    mun_response_ok(call->response, TYPE_TEXT, mun_api_for_a_moment(call->request));
    mun_response_etag(call->response);
    return MUN_OK;
}

static void checkpoint(const mun_request *request, mun_response *response)
{
    mun_api_answer(request, response, run_checkpoint);
}

/* ---- What else an exported tree has ---------------------------------------------------------- */

static void export_line(const mun_request *request, mun_response *response)
{
    mun_response_ok(response, TYPE_TEXT, mun_api_for_a_moment(request));
    response->fixed = MUN_LITERAL(EXPORT_LINE);
}

static mun_code run_ledger_pub(mun_api_call *call, mun_error *err)
{
    mun_crypto *crypto = NULL;
    MUN_TRY(mun_api_crypto_take(&crypto, err));
    mun_ledger_pub_write(crypto, mun_ledger_identity(call->ledger), &call->response->body);
    mun_api_crypto_give(crypto);
    mun_response_ok(call->response, TYPE_TEXT, mun_api_for_a_moment(call->request));
    mun_response_etag(call->response);
    return MUN_OK;
}

static void ledger_pub(const mun_request *request, mun_response *response)
{
    mun_api_answer(request, response, run_ledger_pub);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

#define READ(name_, pattern_, lane_, quick_, run_)                                                 \
    {.name = (name_),                                                                              \
     .methods = MUN_METHOD_GET,                                                                    \
     .pattern = (pattern_),                                                                        \
     .lane = (lane_),                                                                              \
     .scope = MUN_SCOPE_READ,                                                                      \
     .quick = (quick_),                                                                            \
     .run = (run_)}

const mun_route mun_routes_tiles[] = {
    READ("tile_entries", "/tile/entries/{*}", MUN_LANE_WORKER, tile_kept, tile),
    READ("tile", "/tile/{*}", MUN_LANE_WORKER, tile_kept, tile),
    READ("checkpoint", "/checkpoint", MUN_LANE_WORKER, NULL, checkpoint),
    READ("export", "/export", MUN_LANE_INLINE, NULL, export_line),
    READ("ledger_pub", "/ledger.pub", MUN_LANE_WORKER, NULL, ledger_pub),
    READ("commits", "/commits", MUN_LANE_WORKER, NULL, mun_api_commits),
    {.name = NULL},
};
