/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a ledger has said about itself on its own log, replayed: policy, signing keys, issuers; and
 * the admission rules of docs/format/policy.md, which follow from it. Deterministic: the same
 * entries give the same answers, whoever replays them.
 *
 * Ownership: the state owns all it holds. Threads: readers share; mun_control_apply needs it alone.
 */
#ifndef MUN_TRUST_CONTROL_STATE_H
#define MUN_TRUST_CONTROL_STATE_H

#include "trust/issuer_set.h"

#define MUN_POLICIES_MAX 1024 /* policy statements in the life of one ledger */

/* A policy and where it stands: in force for entries above that index [POL-14]. */
typedef struct mun_policy_epoch {
    uint64_t index;
    bool self_announced; /* signed by nothing that was in force before [POL-16] */
    mun_policy policy;
} mun_policy_epoch;

typedef struct mun_control_state {
    mun_policy_epoch **epochs; /* oldest first; the first is entry 0's; at least one */
    size_t epochs_len;
    mun_issuer_set *issuers;
} mun_control_state;

/* From entry 0: [POL-1] to [POL-5]. MUN_E_DAMAGED: it is no genesis. Free with mun_control_free. */
MUN_MUST mun_code mun_control_open(const mun_crypto *crypto, mun_slice genesis,
                                   mun_control_state *ret, mun_error *err);
void mun_control_free(mun_control_state *state); /* accepts a zeroed one */

/* The policy in force for the next entry, and for the entry at index `at`. */
static inline const mun_policy *mun_control_policy(const mun_control_state *state)
{
    return &state->epochs[state->epochs_len - 1]->policy;
}
const mun_policy *mun_control_policy_at(const mun_control_state *state, uint64_t at);

/* True for an entry by the ledger itself. */
static inline bool mun_control_is_own(const mun_control_state *state,
                                      const mun_statement *statement)
{
    return mun_slice_equal(statement->iss, mun_policy_origin(&state->epochs[0]->policy));
}

/*
 * The statement by the ledger itself that stands at index (above all before). Checks it [POL-6],
 * [POL-10], [POL-12], [POL-15] and applies it. MUN_E_REFUSED with the rule; on failure the state is
 * unchanged.
 */
MUN_MUST mun_code mun_control_apply(const mun_crypto *crypto, mun_control_state *state,
                                    uint64_t index, const mun_statement *statement, mun_error *err);
/* As mun_control_apply for an entry whose signature was checked when it was appended: a ledger
 * with very many issuers opens ten times as fast. */
MUN_MUST mun_code mun_control_reapply(const mun_crypto *crypto, mun_control_state *state,
                                      uint64_t index, const mun_statement *statement,
                                      mun_error *err);
/* The same checks without applying. */
MUN_MUST mun_code mun_control_check(const mun_crypto *crypto, const mun_control_state *state,
                                    const mun_statement *statement, mun_error *err);

/*
 * Admission [POL-11] of a statement by somebody else as the entry at index `at` (MUN_INDEX_NOW: the
 * next one). MUN_E_REFUSED with the rule's name; MUN_E_MALFORMED, MUN_E_UNSUPPORTED.
 * ret_signer: thumbprint of the key under which it is admitted.
 */
MUN_MUST mun_code mun_admit(const mun_crypto *crypto, const mun_control_state *state, uint64_t at,
                            const mun_statement *statement, uint8_t ret_signer[MUN_HASH_SIZE],
                            mun_error *err);
/* The key under which an entry was admitted, without checking a signature where only one key can
 * have been it. For entries that stand on the log at index `at`. */
MUN_MUST mun_code mun_admitted_under(const mun_crypto *crypto, const mun_control_state *state,
                                     uint64_t at, const mun_statement *statement,
                                     uint8_t ret_signer[MUN_HASH_SIZE], mun_error *err);

/* What a ledger says itself: a policy (entry 0, or a later one), an issuer statement. The iat of a
 * policy statement is the policy's `created`. */
MUN_MUST mun_code mun_policy_statement_sign(const mun_policy *policy, const mun_signer *signer,
                                            mun_buf *ret, mun_error *err);
MUN_MUST mun_code mun_issuer_statement_sign(mun_slice origin, const mun_issuer_document *document,
                                            int64_t iat, const mun_signer *receipts, mun_buf *ret,
                                            mun_error *err);

#endif
