/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the verification procedure (docs/format/verification.md): judges that find results
 * and facts, and the writer of sentences that puts them into words. Inside the evidence room only.
 */
#ifndef MUN_EVIDENCE_VERIFY_H
#define MUN_EVIDENCE_VERIFY_H

#include "base/buf.h"
#include "merkle/merkle.h"
#include <muniment/evidence.h>

/* A good receipt, as far as other checks ask for it. */
typedef struct mun_good_receipt {
    mun_slice iss;
    mun_hash root;
    bool trusted;
    bool have_time; /* -65701 and iat are there: the time is proven for this entry [VER-13] */
    int64_t time;
} mun_good_receipt;

/* What happened, in more detail than results tell: for the sentences. */
typedef struct mun_findings {
    bool alg_unsupported;    /* of the statement; by this program or by the machine's crypto */
    bool issuer_key_known;   /* the signature is right under a key registered here */
    bool self_declared;      /* the signature is right under the key that the statement brings */
    size_t receipts_wrong;   /* signature fail */
    size_t receipts_broken;  /* inclusion fail */
    size_t receipts_unknown; /* neither good nor bad */
    size_t good_len;
    mun_good_receipt good[MUN_RECEIPTS_MAX];
    bool receipt_times; /* a readable receipt has a time, proven or not */
    size_t proofs_good, proofs_bad, proofs_unknown;
    bool have_first_cosigned;
    uint64_t first_cosigned; /* the earliest time of a trusted witness in a good proof */
    bool times_differ, issuer_late, witness_early;
} mun_findings;

typedef struct mun_verification {
    const mun_crypto *crypto;
    const mun_verify_input *input;
    const mun_statement *statement;
    mun_hash leaf;
    mun_findings found;
    mun_report *report;
} mun_verification;

static inline mun_check_result *mun_result(mun_verification *v, mun_check_id id)
{
    return &v->report->checks[id].result;
}

/* kid_fits of the format document. */
bool mun_kid_fits(const mun_crypto *crypto, const mun_trusted_key *entry, mun_slice kid);

void mun_judge_document(mun_verification *v);
void mun_judge_statement(mun_verification *v); /* statement-signature, issuer */
void mun_judge_receipts(mun_verification *v);  /* receipt-signature, inclusion, ledger */
void mun_judge_proofs(mun_verification *v);    /* cosignatures; asks whether a receipt is good */
void mun_judge_times(mun_verification *v);     /* after all others */

/* Fills all sentences and the summary. */
void mun_report_words(mun_verification *v);

/* "22 November 2026, 15:58:17 UTC" */
void mun_time_text(int64_t seconds, mun_buf *ret);

#endif
