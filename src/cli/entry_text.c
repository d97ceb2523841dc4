/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/entry_text.h"

#include <stdio.h>
#include <string.h>

bool mun_statement_digest(const mun_app *app, const mun_statement *statement,
                          uint8_t ret[MUN_DIGEST_MAX], size_t *ret_len)
{
    if (!statement->is_hash_envelope) {
        app->crypto.sha256(app->crypto.ctx, &statement->payload, 1, ret);
        *ret_len = MUN_HASH_SIZE;
        return true;
    }
    if (statement->payload.len > MUN_DIGEST_MAX) return false;
    memcpy(ret, statement->payload.ptr, statement->payload.len);
    *ret_len = statement->payload.len;
    return true;
}

static void put_type(json_t *object, const char *name, const mun_text_or_uint *type)
{
    if (!type->present) return;
    if (type->is_text) mun_out_text(object, name, type->text);
    if (!type->is_text) mun_out_uint(object, name, type->number);
}

void mun_out_statement(const mun_app *app, json_t *object, const mun_statement *s)
{
    uint8_t digest[MUN_DIGEST_MAX];
    size_t digest_len;
    char alg[24];
    mun_out_text(object, "issuer", s->iss);
    mun_out_text(object, "subject", s->sub);
    put_type(object, "content_type",
             s->is_hash_envelope ? &s->preimage_content_type : &s->content_type);
    if (mun_statement_digest(app, s, digest, &digest_len)) {
        int32_t hash = s->is_hash_envelope ? s->hash_alg : MUN_HASH_SHA256;
        mun_out_cstr(object, "digest_alg", mun_alg_text(hash, alg));
        mun_out_hex(object, "digest", mun_slice_of(digest, digest_len));
    }
    mun_out_bool(object, "inline", !s->is_hash_envelope);
    if (s->location.len > 0) mun_out_text(object, "location", s->location);
    if (s->have_iat && s->iat >= 0) mun_out_time(object, "signed", (uint64_t)s->iat * 1000);
    mun_out_cstr(object, "alg", mun_alg_text(s->alg, alg));
    if (s->have_kid) mun_out_hex(object, "kid", s->kid);
}

static void print_json(mun_app *app, const mun_found *found, const uint8_t leaf[MUN_HASH_SIZE])
{
    json_t *object = mun_out_new("entry");
    mun_out_uint(object, "index", found->index);
    mun_out_time(object, "registered", found->time_ms);
    mun_out_uint(object, "registered_ms", found->time_ms);
    mun_out_hex(object, "leaf", mun_slice_of(leaf, MUN_HASH_SIZE));
    mun_out_uint(object, "size", found->entry.len);
    mun_out_statement(app, object, found->statement);
    mun_out_print(app, object);
}

void mun_entry_print(mun_app *app, const mun_found *found)
{
    uint8_t leaf[MUN_HASH_SIZE];
    char time[MUN_TIME_TEXT];
    if (app->json) {
        mun_statement_leaf(&app->crypto, found->statement, leaf);
        print_json(app, found, leaf);
        return;
    }
    printf("%8llu  %s  %s  %s\n", (unsigned long long)found->index,
           mun_moment_text(found->time_ms, time), MUN_PLAIN(found->statement->iss),
           MUN_PLAIN(found->statement->sub));
}
