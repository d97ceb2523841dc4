/* SPDX-License-Identifier: Apache-2.0 */
/* The evidence file: an entry with receipts and proofs in its unprotected header [EVID-4]. */
#include "evidence/cose.h"

static void blobs_put(int64_t label, const mun_slice *blobs, size_t len, mun_buf *ret)
{
    if (len == 0) return;
    mun_cbor_put_int(ret, label);
    mun_cbor_put_head(ret, MUN_CBOR_ARRAY, len);
    for (size_t i = 0; i < len; i++) mun_cbor_put_bytes(ret, blobs[i]);
}

mun_code mun_evidence_write(const mun_statement *statement, const mun_slice *receipts,
                            size_t receipts_len, const mun_slice *proofs, size_t proofs_len,
                            mun_buf *ret, mun_error *err)
{
    if (receipts_len > MUN_RECEIPTS_MAX || proofs_len > MUN_PROOFS_MAX)
        return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET,
                        "an evidence file holds at most 16 receipts and 16 proofs");
    size_t start = ret->len;
    mun_buf_text(ret, "\xd2\x84");
    mun_cbor_put_bytes(ret, statement->protected_bytes);
    mun_cbor_put_head(ret, MUN_CBOR_MAP, (uint64_t)(receipts_len > 0) + (uint64_t)(proofs_len > 0));
    blobs_put(LABEL_RECEIPTS, receipts, receipts_len, ret);
    blobs_put(MUN_EVIDENCE_LABEL_TLOG_PROOF, proofs, proofs_len, ret);
    mun_cbor_put_bytes(ret, statement->payload);
    mun_cbor_put_bytes(ret, statement->signature);
    if (mun_buf_ok(ret) && ret->len - start <= MUN_EVIDENCE_MAX) return MUN_OK;
    ret->len = start;
    return mun_fail_rule(err, MUN_E_LIMIT, "evidence-too-large", MUN_NO_OFFSET,
                         "the evidence file would be larger than 1 MiB");
}
