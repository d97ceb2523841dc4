/* SPDX-License-Identifier: Apache-2.0 */
/* An entry as a row of the index (docs/format/index.md). */
#include "ledger/ledger_parts.h"

static mun_slice content_type_of(const mun_statement *s, mun_row_memory *memory, bool *ret_have)
{
    const mun_text_or_uint *type =
        s->is_hash_envelope ? &s->preimage_content_type : &s->content_type;
    *ret_have = type->present;
    if (!type->present || type->is_text) return type->text;
    mun_buf digits = mun_buf_fixed(memory->digits, sizeof memory->digits);
    mun_buf_decimal(&digits, type->number);
    return mun_buf_slice(&digits);
}

static mun_slice digest_of(const mun_crypto *crypto, const mun_statement *s, mun_row_memory *memory)
{
    if (s->is_hash_envelope) return s->payload;
    crypto->sha256(crypto->ctx, &s->payload, 1, memory->digest);
    return mun_slice_of(memory->digest, sizeof memory->digest);
}

void mun_row_of_statement(const mun_crypto *crypto, const mun_statement *s, mun_row_memory *memory,
                          mun_index_row *ret)
{
    *ret = (mun_index_row){
        .iss = s->iss,
        .sub = s->sub,
        .digest = digest_of(crypto, s, memory),
        .digest_alg = s->is_hash_envelope ? s->hash_alg : MUN_HASH_SHA256,
        .envelope = s->is_hash_envelope,
        .alg = s->alg,
        .have_kid = s->have_kid,
        .kid = s->kid,
        .signer = mun_slice_of(memory->signer, sizeof memory->signer),
        .have_issuer_time = s->have_iat,
        .issuer_time = s->iat,
    };
    ret->content_type = content_type_of(s, memory, &ret->have_content_type);
}

mun_code mun_row_of_entry(mun_ledger *ledger, const mun_crypto *crypto, uint64_t index,
                          uint64_t time_ms, mun_slice entry, const uint8_t leaf[MUN_HASH_SIZE],
                          mun_statement *statement, mun_row_memory *memory, mun_index_row *ret,
                          mun_error *err)
{
    MUN_TRY(mun_statement_parse(entry, statement, err));
    pthread_rwlock_rdlock(&ledger->control_lock);
    mun_code code =
        mun_admitted_under(crypto, &ledger->control.state, index, statement, memory->signer, err);
    pthread_rwlock_unlock(&ledger->control_lock);
    if (code != MUN_OK) return code;
    mun_row_of_statement(crypto, statement, memory, ret);
    ret->index = index;
    ret->leaf = mun_slice_of(leaf, MUN_HASH_SIZE);
    ret->registered_ms = time_ms;
    ret->size = entry.len;
    return MUN_OK;
}
