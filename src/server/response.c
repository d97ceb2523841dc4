/* SPDX-License-Identifier: Apache-2.0 */
/* The small things that handlers do to a response. Sending it is http_answer.c's. */
#include "server/response.h"

#include "crypto/digest_stream.h"

#define ETAG_BYTES 16 /* of the digest: a validator, not a proof */

void mun_response_reset(mun_response *response)
{
    mun_buf body = response->body;
    mun_buf_clear(&body);
    *response = (mun_response){.body = body, .entry = MUN_NO_OFFSET};
}

void mun_response_ok(mun_response *response, const char *content_type, const char *cache_control)
{
    response->status = 200;
    response->content_type = content_type;
    response->cache_control = cache_control;
}

void mun_response_etag(mun_response *response)
{
    mun_slice body = response->fixed.len > 0 ? response->fixed : mun_buf_slice(&response->body);
    mun_digest_stream *stream = NULL;
    uint8_t digest[MUN_DIGEST_MAX];
    size_t len = 0;
    mun_code code = mun_digest_stream_new(MUN_HASH_SHA256, &stream, NULL);
    if (code == MUN_OK) {
        code = mun_digest_stream_add(stream, mun_slice_cstr(response->content_type), NULL);
    }
    if (code == MUN_OK) code = mun_digest_stream_add(stream, mun_slice_of("", 1), NULL);
    if (code == MUN_OK) code = mun_digest_stream_add(stream, body, NULL);
    if (code == MUN_OK) code = mun_digest_stream_end(stream, digest, &len, NULL);
    mun_digest_stream_free(stream);
    if (code != MUN_OK) return; /* without a validator: correct, and never matched */
    mun_buf etag = mun_buf_fixed(response->etag, sizeof response->etag - 1);
    mun_buf_u8(&etag, '"');
    mun_buf_hex(&etag, mun_slice_of(digest, ETAG_BYTES));
    mun_buf_u8(&etag, '"');
    response->etag[etag.len] = '\0';
}
