/* SPDX-License-Identifier: Apache-2.0 */
/* The two halves of mun_receipt_check, which the verification procedure judges apart. Inside the
 * evidence room only. */
#ifndef MUN_EVIDENCE_RECEIPT_H
#define MUN_EVIDENCE_RECEIPT_H

#include "merkle/merkle.h"
#include <muniment/evidence.h>

/* MUN_E_INVALID: a proof is impossible [RCPT-12], or two give different roots [RCPT-15]. For
 * inclusion receipts only. */
MUN_MUST mun_code mun_receipt_fold(const mun_crypto *crypto, const mun_receipt *receipt,
                                   const mun_hash *leaf, mun_hash *ret_root, mun_error *err);

/* [RCPT-16]: MUN_OK, MUN_E_INVALID, MUN_E_UNSUPPORTED. */
MUN_MUST mun_code mun_receipt_signature(const mun_crypto *crypto, const mun_receipt *receipt,
                                        const mun_hash *root, const mun_public_key *key,
                                        mun_error *err);

#endif
