/* SPDX-License-Identifier: Apache-2.0 */
/* Making receipts: [RCPT-1] to [RCPT-4], and consistency receipts. */
#include "evidence/cose.h"

static void claims_put(const mun_receipt_params *p, mun_buf *ret)
{
    mun_cbor_put_head(ret, MUN_CBOR_MAP, p->is_consistency ? 3 : 4);
    mun_cbor_put_int(ret, CLAIM_ISS);
    mun_cbor_put_text(ret, p->iss);
    mun_cbor_put_int(ret, CLAIM_SUB);
    mun_cbor_put_text(ret, p->sub);
    mun_cbor_put_int(ret, CLAIM_IAT);
    mun_cbor_put_int(ret, p->iat);
    if (p->is_consistency) return;
    mun_cbor_put_int(ret, MUN_CLAIM_LEAF);
    mun_cbor_put_bytes(ret, mun_slice_of(p->leaf, MUN_HASH_SIZE));
}

static void protected_put(const mun_receipt_params *p, const mun_signer *signer, mun_buf *ret)
{
    mun_cbor_put_head(ret, MUN_CBOR_MAP, 4);
    mun_cbor_put_int(ret, LABEL_ALG);
    mun_cbor_put_int(ret, signer->alg);
    mun_cbor_put_int(ret, LABEL_KID);
    mun_cbor_put_bytes(ret, mun_slice_of(signer->kid, sizeof signer->kid));
    mun_cbor_put_int(ret, LABEL_CLAIMS);
    claims_put(p, ret);
    mun_cbor_put_int(ret, LABEL_VDS);
    mun_cbor_put_int(ret, VDS_RFC9162_SHA256);
}

/* { 396: { -1 or -2: [ << [ size, index, [ node ... ] ] >> ] } } */
static void unprotected_put(const mun_receipt_params *p, mun_buf *ret)
{
    mun_cbor_put_head(ret, MUN_CBOR_MAP, 1);
    mun_cbor_put_int(ret, LABEL_VDP);
    mun_cbor_put_head(ret, MUN_CBOR_MAP, 1);
    mun_cbor_put_int(ret, p->is_consistency ? VDP_CONSISTENCY : VDP_INCLUSION);
    mun_cbor_put_head(ret, MUN_CBOR_ARRAY, 1);
    size_t from = ret->len;
    mun_cbor_put_head(ret, MUN_CBOR_ARRAY, 3);
    mun_cbor_put_head(ret, MUN_CBOR_UINT, p->size);
    mun_cbor_put_head(ret, MUN_CBOR_UINT, p->index);
    mun_cbor_put_head(ret, MUN_CBOR_ARRAY, p->path_len);
    for (size_t i = 0; i < p->path_len; i++)
        mun_cbor_put_bytes(ret, mun_slice_of(p->path + i * MUN_HASH_SIZE, MUN_HASH_SIZE));
    mun_cbor_wrap_bytes(ret, from);
}

static mun_code receipt_put(const mun_receipt_params *p, const mun_signer *signer, mun_buf *ret,
                            mun_error *err)
{
    mun_buf_text(ret, "\xd2\x84");
    size_t from = ret->len;
    protected_put(p, signer, ret);
    size_t protected_len = ret->len - from;
    mun_cbor_wrap_bytes(ret, from);
    size_t protected_end = ret->len;
    unprotected_put(p, ret);
    mun_cbor_put_null(ret);
    if (mun_buf_ok(ret)) {
        mun_slice root = mun_slice_of(p->root, MUN_HASH_SIZE);
        mun_slice protected_bytes =
            mun_slice_of(ret->ptr + protected_end - protected_len, protected_len);
        MUN_TRY(mun_cose_sign(signer, protected_bytes, root, ret, err));
    }
    if (mun_buf_ok(ret)) return MUN_OK;
    return mun_buf_fail(ret, err, "there is no room for the receipt");
}

mun_code mun_receipt_sign(const mun_receipt_params *params, const mun_signer *signer, mun_buf *ret,
                          mun_error *err)
{
    if (params->path_len > MUN_PROOF_PATH_MAX + 1 || params->iat < 0 || params->iat > MUN_TIME_MAX)
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                        "the receipt's path or time is impossible");
    size_t start = ret->len;
    mun_code code = receipt_put(params, signer, ret, err);
    if (code != MUN_OK) ret->len = start;
    return code;
}
