/* SPDX-License-Identifier: Apache-2.0 */
#include "server/api_entry.h"

#include "codec/radix.h"
#include "server/service.h"

/* RFC 7493 section 2.2: larger numbers are read by few as they are. CoAP's end at 65,535, but a
 * statement may have any, and one that readers choke on would hide all that stands beside it. */
#define NUMBER_MAX ((UINT64_C(1) << 53) - 1)

static void number_put(mun_reply *json, uint64_t number)
{
    uint8_t room[24];
    mun_buf text = mun_buf_fixed(room, sizeof room);
    if (number <= NUMBER_MAX) {
        mun_reply_uint(json, number);
        return;
    }
    mun_buf_decimal(&text, number);
    mun_reply_text(json, mun_buf_slice(&text));
}

static void content_type_put(mun_reply *json, const mun_statement *s)
{
    const mun_text_or_uint *type =
        s->is_hash_envelope ? &s->preimage_content_type : &s->content_type;
    mun_reply_key(json, "content_type");
    if (!type->present)
        mun_reply_null(json);
    else if (type->is_text)
        mun_reply_text(json, type->text);
    else
        number_put(json, type->number);
}

/* As in the index: the envelope's digest, or SHA-256 of a payload that is the document itself. */
static void digest_put(mun_reply *json, const mun_crypto *crypto, const mun_statement *s)
{
    char room[24];
    uint8_t digest[MUN_HASH_SIZE];
    mun_slice value = s->payload;
    mun_reply_key(json, "digest");
    if (!s->is_hash_envelope) {
        crypto->sha256(crypto->ctx, &s->payload, 1, digest);
        value = mun_slice_of(digest, sizeof digest);
    }
    if (value.len > MUN_DIGEST_MAX) {
        mun_reply_null(json);
        return;
    }
    mun_reply_open(json, '{');
    mun_reply_put_cstr(json, "alg",
                       mun_api_alg_text(s->is_hash_envelope ? s->hash_alg : MUN_HASH_SHA256, room));
    mun_reply_put_hex(json, "value", value);
    mun_reply_close(json, '}');
}

static void signer_put(mun_reply *json, const mun_statement *s)
{
    char room[24];
    mun_reply_put_cstr(json, "alg", mun_api_alg_text(s->alg, room));
    mun_reply_key(json, "kid");
    if (s->have_kid)
        mun_reply_hex(json, s->kid);
    else
        mun_reply_null(json);
    mun_reply_key(json, "signed");
    if (s->have_iat)
        mun_reply_time(json, (uint64_t)s->iat * 1000);
    else
        mun_reply_null(json);
}

/* design: location is "/entries/" and the base64url of the leaf hash. */
static void leaf_put(mun_reply *json, const mun_api_entry_of *of)
{
    uint8_t leaf[MUN_HASH_SIZE];
    uint8_t text[64], url[1024];
    mun_buf name = mun_buf_fixed(text, sizeof text), location = mun_buf_fixed(url, sizeof url);
    mun_statement_leaf(of->crypto, of->statement, leaf);
    mun_base64url_put(&name, mun_slice_of(leaf, sizeof leaf));
    mun_api_url_put(of->request, &location, "/entries/", mun_buf_slice(&name));
    mun_reply_put_hex(json, "leaf", mun_slice_of(leaf, sizeof leaf));
    mun_reply_put_text(json, "location", mun_buf_slice(&location));
}

void mun_api_entry_put(mun_reply *json, const mun_api_entry_of *of)
{
    const mun_statement *s = of->statement;
    mun_reply_open(json, '{');
    mun_reply_put_uint(json, "index", of->index);
    mun_reply_put_time(json, "time", of->time_ms);
    mun_reply_put_text(json, "iss", s->iss);
    mun_reply_put_text(json, "sub", s->sub);
    content_type_put(json, s);
    digest_put(json, of->crypto, s);
    mun_reply_put_bool(json, "inline", !s->is_hash_envelope);
    signer_put(json, s);
    mun_reply_put_uint(json, "bytes", s->bytes.len);
    leaf_put(json, of);
    mun_reply_close(json, '}');
}

mun_code mun_api_entry_put_bytes(mun_reply *json, mun_api_entry_of *of, mun_slice entry,
                                 mun_error *err)
{
    mun_statement statement;
    MUN_TRY(mun_statement_parse(entry, &statement, err));
    of->statement = &statement;
    mun_api_entry_put(json, of);
    of->statement = NULL;
    return MUN_OK;
}
