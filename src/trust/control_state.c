/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/control_state.h"

#include <stdlib.h>

static mun_code refuse(mun_error *err, const char *rule, const char *sentence)
{
    return mun_fail_rule(err, MUN_E_REFUSED, rule, MUN_NO_OFFSET, sentence);
}

static bool content_type_is(const mun_statement *statement, mun_slice type)
{
    const mun_text_or_uint *given = &statement->content_type;
    return given->present && given->is_text && mun_slice_equal(given->text, type);
}

static bool kid_is(const mun_statement *statement, const uint8_t kid[MUN_HASH_SIZE])
{
    return statement->have_kid && mun_slice_equal(statement->kid, mun_slice_of(kid, MUN_HASH_SIZE));
}

/* The signature under one of the ledger's own keys, chosen by kid. crypto NULL: kid alone. */
static mun_code signature_check(const mun_crypto *crypto, const mun_statement *statement,
                                const mun_policy_key *key, mun_error *err)
{
    if (!kid_is(statement, key->kid) || statement->alg != key->alg) {
        return refuse(
            err, "signature-invalid",
            "a statement in the ledger's own name is not signed by the key that it names");
    }
    return crypto == NULL ? MUN_OK : mun_statement_check(crypto, statement, &key->key, err);
}

/* ---- Policy statements ------------------------------------------------------------------- */

/* What [POL-1] to [POL-5] ask of every policy statement, but for its signature. */
static mun_code policy_read(const mun_crypto *crypto, const mun_statement *statement,
                            mun_policy *ret, mun_error *err)
{
    if (!content_type_is(statement, MUN_LITERAL(MUN_POLICY_CONTENT_TYPE)) ||
        statement->is_hash_envelope) {
        return refuse(err, "not-a-policy", "the statement's content type is not that of a policy");
    }
    mun_policy policy;
    MUN_TRY(mun_policy_parse(crypto, statement->payload, &policy, err));
    mun_slice origin = mun_policy_origin(&policy);
    if (!mun_slice_equal(statement->iss, origin) || !mun_slice_equal(statement->sub, origin)) {
        return refuse(err, "policy-origin",
                      "the policy's origin is not the issuer and the subject of its statement");
    }
    if (!statement->have_iat || statement->iat != policy.created) {
        return refuse(err, "policy-created",
                      "the policy's time of creation is not the time of its statement");
    }
    *ret = policy;
    return MUN_OK;
}

static mun_code epoch_append(mun_control_state *state, uint64_t index, bool self_announced,
                             const mun_policy *policy, mun_error *err)
{
    if (state->epochs_len >= MUN_POLICIES_MAX) {
        return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET,
                        "the ledger has 1,024 policies already, which is the limit");
    }
    size_t bytes = (state->epochs_len + 1) * sizeof *state->epochs;
    mun_policy_epoch **epochs = realloc(state->epochs, bytes);
    if (epochs != NULL) state->epochs = epochs;
    mun_policy_epoch *epoch = epochs == NULL ? NULL : malloc(sizeof *epoch);
    if (epoch == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    *epoch = (mun_policy_epoch){.index = index, .self_announced = self_announced};
    epoch->policy = *policy;
    state->epochs[state->epochs_len++] = epoch;
    return MUN_OK;
}

const mun_policy *mun_control_policy_at(const mun_control_state *state, uint64_t at)
{
    size_t i = state->epochs_len - 1;
    while (i > 0 && state->epochs[i]->index >= at) i--;
    return &state->epochs[i]->policy;
}

/* [POL-15]: by a key in force, else by its own receipts key. */
static mun_code later_policy_check(const mun_crypto *crypto, const mun_control_state *state,
                                   const mun_statement *statement, const mun_policy *policy,
                                   bool *ret_self, mun_error *err)
{
    const mun_policy *old = mun_control_policy(state);
    if (!mun_slice_equal(mun_policy_origin(old), mun_policy_origin(policy)) ||
        old->any_issuer != policy->any_issuer) {
        return refuse(err, "policy-changes-genesis",
                      "a later policy cannot change the ledger's origin or its issuer mode");
    }
    const mun_policy_key *signer = &policy->keys.receipts;
    if (kid_is(statement, old->keys.receipts.kid)) signer = &old->keys.receipts;
    if (kid_is(statement, old->keys.checkpoints.kid)) signer = &old->keys.checkpoints;
    MUN_TRY(signature_check(crypto, statement, signer, err));
    *ret_self = signer == &policy->keys.receipts;
    return MUN_OK;
}

/* ---- Issuer statements ------------------------------------------------------------------- */

static mun_code issuer_check(const mun_control_state *state, const mun_statement *statement,
                             const mun_issuer_document *document, mun_error *err)
{
    const mun_policy *policy = mun_control_policy(state);
    if (!mun_slice_equal(document->issuer, statement->sub)) {
        return refuse(err, "issuer-subject", "the issuer named inside is not the subject");
    }
    if (!document->remove && mun_slice_equal(document->issuer, mun_policy_origin(policy))) {
        return refuse(err, "origin-reserved",
                      "the ledger's own name cannot be on its list of issuers");
    }
    return mun_issuer_set_check(state->issuers, document, err);
}

static mun_code issuer_read(const mun_crypto *crypto, const mun_crypto *verify,
                            const mun_control_state *state, const mun_statement *statement,
                            mun_issuer_document *ret, mun_error *err)
{
    const mun_policy *policy = mun_control_policy(state);
    if (policy->any_issuer) {
        return refuse(err, "issuer-mode-any",
                      "this ledger admits any issuer that declares its key, so it has no list of "
                      "issuers");
    }
    MUN_TRY(signature_check(verify, statement, &policy->keys.receipts, err));
    mun_issuer_document document;
    MUN_TRY(mun_issuer_document_parse(crypto, statement->payload, &document, err));
    mun_code code = issuer_check(state, statement, &document, err);
    if (code != MUN_OK) {
        mun_issuer_document_free(&document);
        return code;
    }
    *ret = document;
    return MUN_OK;
}

/* ---- Both -------------------------------------------------------------------------------- */

/* A statement by the ledger, read and checked: one of the two kinds. */
typedef struct own_statement {
    bool trust_signature; /* in: it was checked when the entry was appended */
    bool is_policy;
    bool self_announced;
    mun_policy policy;
    mun_issuer_document issuer;
} own_statement;

static mun_code own_read(const mun_crypto *crypto, const mun_control_state *state,
                         const mun_statement *statement, own_statement *ret, mun_error *err)
{
    const mun_crypto *verify = ret->trust_signature ? NULL : crypto;
    if (!mun_control_is_own(state, statement)) {
        return refuse(err, "issuer-not-ledger", "the statement is not by the ledger itself");
    }
    ret->is_policy = content_type_is(statement, MUN_LITERAL(MUN_POLICY_CONTENT_TYPE));
    if (ret->is_policy) {
        MUN_TRY(policy_read(crypto, statement, &ret->policy, err));
        return later_policy_check(verify, state, statement, &ret->policy, &ret->self_announced,
                                  err);
    }
    if (content_type_is(statement, MUN_LITERAL(MUN_ISSUER_CONTENT_TYPE)) &&
        !statement->is_hash_envelope) {
        return issuer_read(crypto, verify, state, statement, &ret->issuer, err);
    }
    return refuse(err, "origin-reserved",
                  "a statement by the ledger itself is neither a policy nor an issuer statement");
}

mun_code mun_control_check(const mun_crypto *crypto, const mun_control_state *state,
                           const mun_statement *statement, mun_error *err)
{
    own_statement own = {0};
    MUN_TRY(own_read(crypto, state, statement, &own, err));
    mun_issuer_document_free(&own.issuer);
    return MUN_OK;
}

static mun_code apply(const mun_crypto *crypto, mun_control_state *state, uint64_t index,
                      const mun_statement *statement, bool trust_signature, mun_error *err)
{
    own_statement own = {.trust_signature = trust_signature};
    MUN_TRY(own_read(crypto, state, statement, &own, err));
    mun_code code = own.is_policy ? epoch_append(state, index, own.self_announced, &own.policy, err)
                                  : mun_issuer_set_apply(state->issuers, index, &own.issuer, err);
    mun_issuer_document_free(&own.issuer);
    return code;
}

mun_code mun_control_apply(const mun_crypto *crypto, mun_control_state *state, uint64_t index,
                           const mun_statement *statement, mun_error *err)
{
    return apply(crypto, state, index, statement, false, err);
}

mun_code mun_control_reapply(const mun_crypto *crypto, mun_control_state *state, uint64_t index,
                             const mun_statement *statement, mun_error *err)
{
    return apply(crypto, state, index, statement, true, err);
}

static mun_code genesis_read(const mun_crypto *crypto, mun_slice genesis, mun_policy *ret,
                             mun_error *err)
{
    mun_statement statement;
    MUN_TRY(mun_statement_parse(genesis, &statement, err));
    MUN_TRY(policy_read(crypto, &statement, ret, err));
    return signature_check(crypto, &statement, &ret->keys.receipts, err);
}

mun_code mun_control_open(const mun_crypto *crypto, mun_slice genesis, mun_control_state *ret,
                          mun_error *err)
{
    mun_policy policy;
    mun_code code = genesis_read(crypto, genesis, &policy, err);
    if (code == MUN_E_VERSION) return code;
    if (code != MUN_OK) {
        if (err != NULL) err->code = MUN_E_DAMAGED;
        return mun_error_prefix(err, MUN_E_DAMAGED, "entry 0 is not the policy of a ledger");
    }
    mun_control_state state = {0};
    code = mun_issuer_set_new(&state.issuers, err);
    if (code == MUN_OK) code = epoch_append(&state, 0, false, &policy, err);
    if (code != MUN_OK) {
        mun_control_free(&state);
        return code;
    }
    *ret = state;
    return MUN_OK;
}

void mun_control_free(mun_control_state *state)
{
    if (state == NULL) return;
    for (size_t i = 0; i < state->epochs_len; i++) free(state->epochs[i]);
    free(state->epochs);
    mun_issuer_set_free(state->issuers);
    *state = (mun_control_state){0};
}

/* ---- Making ------------------------------------------------------------------------------ */

static mun_code own_sign(mun_slice origin, mun_slice sub, mun_slice content_type, int64_t iat,
                         mun_slice payload, const mun_signer *signer, mun_buf *ret, mun_error *err)
{
    mun_statement_params params = {
        .iss = origin,
        .sub = sub,
        .content_type = content_type,
        .with_iat = true,
        .iat = iat,
        .inline_payload = true,
        .payload = payload,
    };
    return mun_statement_sign(&params, signer, ret, err);
}

mun_code mun_policy_statement_sign(const mun_policy *policy, const mun_signer *signer, mun_buf *ret,
                                   mun_error *err)
{
    MUN_BUF_AUTO mun_buf json = mun_buf_growable(MUN_CONTROL_JSON_MAX);
    MUN_TRY(mun_policy_write(policy, &json, err));
    mun_slice origin = mun_policy_origin(policy);
    return own_sign(origin, origin, MUN_LITERAL(MUN_POLICY_CONTENT_TYPE), policy->created,
                    mun_buf_slice(&json), signer, ret, err);
}

mun_code mun_issuer_statement_sign(mun_slice origin, const mun_issuer_document *document,
                                   int64_t iat, const mun_signer *receipts, mun_buf *ret,
                                   mun_error *err)
{
    MUN_BUF_AUTO mun_buf json = mun_buf_growable(MUN_CONTROL_JSON_MAX);
    MUN_TRY(mun_issuer_document_write(document, &json, err));
    return own_sign(origin, document->issuer, MUN_LITERAL(MUN_ISSUER_CONTENT_TYPE), iat,
                    mun_buf_slice(&json), receipts, ret, err);
}
