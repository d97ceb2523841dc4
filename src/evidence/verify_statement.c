/* SPDX-License-Identifier: Apache-2.0 */
/* Checks 1 to 3: document, statement-signature, issuer [VER-5], [VER-6], [VER-7]. */
#include "base/slice.h"
#include "evidence/verify.h"

bool mun_kid_fits(const mun_crypto *crypto, const mun_trusted_key *entry, mun_slice kid)
{
    for (size_t i = 0; i < entry->kids_len && i < MUN_TRUST_KIDS_MAX; i++)
        if (mun_slice_equal(entry->kids[i], kid)) return true;
    uint8_t thumbprint[MUN_HASH_SIZE];
    mun_key_thumbprint(crypto, &entry->key, thumbprint);
    return mun_slice_equal(mun_slice_of(thumbprint, sizeof thumbprint), kid);
}

static bool document_matches(const mun_verification *v)
{
    mun_slice digest = v->input->document_digest;
    if (v->statement->is_hash_envelope) return mun_slice_equal(digest, v->statement->payload);
    uint8_t own[MUN_HASH_SIZE];
    v->crypto->sha256(v->crypto->ctx, &v->statement->payload, 1, own);
    return mun_slice_equal(digest, mun_slice_of(own, sizeof own));
}

void mun_judge_document(mun_verification *v)
{
    mun_check_result *result = mun_result(v, MUN_CHECK_DOCUMENT);
    if (!v->input->have_document || mun_statement_document_hash(v->statement) == 0)
        *result = MUN_RESULT_UNCHECKED;
    else
        *result = document_matches(v) ? MUN_RESULT_PASS : MUN_RESULT_FAIL;
}

/* T and V of the procedure, without keeping the sets. */
typedef struct tally {
    bool any;     /* T is not empty */
    bool good;    /* V is not empty */
    bool trusted; /* one of V is trusted */
} tally;

static tally issuer_keys_try(mun_verification *v)
{
    const mun_statement *s = v->statement;
    tally t = {0};
    for (size_t i = 0; i < v->input->keys_len; i++) {
        const mun_trusted_key *entry = &v->input->keys[i];
        if (entry->role != MUN_ROLE_ISSUER || !mun_slice_equal(entry->name, s->iss)) continue;
        if (s->have_kid && !mun_kid_fits(v->crypto, entry, s->kid)) continue;
        t.any = true;
        mun_code code = mun_statement_check(v->crypto, s, &entry->key, NULL);
        if (code == MUN_OK) t.good = true;
        if (code == MUN_OK && entry->trusted) t.trusted = true;
        if (code != MUN_OK && code != MUN_E_INVALID) v->found.alg_unsupported = true;
    }
    return t;
}

static mun_check_result self_declared_try(mun_verification *v)
{
    mun_public_key key;
    if (mun_statement_self_key(v->crypto, v->statement, &key, NULL) != MUN_OK)
        return MUN_RESULT_UNCHECKED;
    mun_code code = mun_statement_check(v->crypto, v->statement, &key, NULL);
    v->found.self_declared = code == MUN_OK;
    if (code != MUN_OK && code != MUN_E_INVALID) {
        v->found.alg_unsupported = true;
        return MUN_RESULT_UNCHECKED;
    }
    return code == MUN_OK ? MUN_RESULT_PASS : MUN_RESULT_FAIL;
}

void mun_judge_statement(mun_verification *v)
{
    mun_check_result *signature = mun_result(v, MUN_CHECK_STATEMENT_SIGNATURE);
    mun_check_result *issuer = mun_result(v, MUN_CHECK_ISSUER);
    *signature = *issuer = MUN_RESULT_UNCHECKED;
    v->found.alg_unsupported = !mun_alg_supported(v->statement->alg);
    if (v->found.alg_unsupported) return;
    tally t = issuer_keys_try(v);
    v->found.issuer_key_known = t.good;
    if (t.good) {
        *signature = MUN_RESULT_PASS;
        if (t.trusted) *issuer = MUN_RESULT_PASS;
    } else if (v->found.alg_unsupported) {
        return; /* this machine cannot check it: that contradicts nothing */
    } else if (v->statement->have_kid && t.any) {
        *signature = MUN_RESULT_FAIL;
    } else {
        *signature = self_declared_try(v);
    }
}
