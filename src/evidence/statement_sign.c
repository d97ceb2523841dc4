/* SPDX-License-Identifier: Apache-2.0 */
/* Making signed statements: [STMT-24] to [STMT-27]. The bytes go straight into the caller's buffer,
 * and the signature is made over them there. */
#include "codec/utf8.h"
#include "evidence/cose.h"

#define DEFAULT_TYPE "application/octet-stream"

static bool is_name(mun_slice text)
{
    return text.len > 0 && text.len <= MUN_NAME_MAX && mun_utf8_valid(text);
}

static mun_code params_check(const mun_statement_params *p, mun_error *err)
{
    if (!is_name(p->iss) || !is_name(p->sub))
        return mun_fail_rule(err, MUN_E_USAGE, "claims-invalid", MUN_NO_OFFSET,
                             "issuer and subject must be UTF-8 text of 1 to 8,192 bytes");
    if (!mun_utf8_valid(p->content_type) || !mun_utf8_valid(p->location))
        return mun_fail_rule(err, MUN_E_USAGE, "content-type-invalid", MUN_NO_OFFSET,
                             "content type and location must be UTF-8 text");
    if (p->with_iat && (p->iat < 0 || p->iat > MUN_TIME_MAX))
        return mun_fail_rule(err, MUN_E_USAGE, "claims-invalid", MUN_NO_OFFSET,
                             "the time must lie between 1970 and 9999");
    if (!p->inline_payload &&
        (p->payload.len == 0 || p->payload.len != mun_digest_len(p->hash_alg)))
        return mun_fail_rule(err, MUN_E_USAGE, "digest-length", MUN_NO_OFFSET,
                             "the digest is not as long as its hash algorithm says");
    return MUN_OK;
}

static void claims_put(const mun_statement_params *p, const mun_signer *signer, mun_buf *ret)
{
    bool with_cnf = mun_thumbprint_owns_name(signer->kid, &signer->key, p->iss);
    mun_cbor_put_head(ret, MUN_CBOR_MAP, 2 + (uint64_t)p->with_iat + (uint64_t)with_cnf);
    mun_cbor_put_int(ret, CLAIM_ISS);
    mun_cbor_put_text(ret, p->iss);
    mun_cbor_put_int(ret, CLAIM_SUB);
    mun_cbor_put_text(ret, p->sub);
    if (p->with_iat) {
        mun_cbor_put_int(ret, CLAIM_IAT);
        mun_cbor_put_int(ret, p->iat);
    }
    if (with_cnf) {
        mun_cbor_put_int(ret, CLAIM_CNF);
        mun_cbor_put_head(ret, MUN_CBOR_MAP, 1);
        mun_cbor_put_int(ret, CNF_COSE_KEY);
        mun_cose_key_write(&signer->key, (mun_slice){0}, 0, ret);
    }
}

static void protected_put(const mun_statement_params *p, const mun_signer *signer, mun_buf *ret)
{
    mun_slice type = p->content_type.len > 0 ? p->content_type : MUN_LITERAL(DEFAULT_TYPE);
    uint64_t pairs = p->inline_payload ? 4 : 5 + (uint64_t)(p->location.len > 0);
    mun_cbor_put_head(ret, MUN_CBOR_MAP, pairs);
    mun_cbor_put_int(ret, LABEL_ALG);
    mun_cbor_put_int(ret, signer->alg);
    if (p->inline_payload) {
        mun_cbor_put_int(ret, LABEL_CONTENT_TYPE);
        mun_cbor_put_text(ret, type);
    }
    mun_cbor_put_int(ret, LABEL_KID);
    mun_cbor_put_bytes(ret, mun_slice_of(signer->kid, sizeof signer->kid));
    mun_cbor_put_int(ret, LABEL_CLAIMS);
    claims_put(p, signer, ret);
    if (p->inline_payload) return;
    mun_cbor_put_int(ret, LABEL_PAYLOAD_HASH);
    mun_cbor_put_int(ret, p->hash_alg);
    mun_cbor_put_int(ret, LABEL_PREIMAGE_TYPE);
    mun_cbor_put_text(ret, type);
    if (p->location.len == 0) return;
    mun_cbor_put_int(ret, LABEL_LOCATION);
    mun_cbor_put_text(ret, p->location);
}

static mun_code too_large(mun_error *err)
{
    return mun_fail_rule(err, MUN_E_LIMIT, "entry-too-large", MUN_NO_OFFSET,
                         "the statement would be larger than 65,535 bytes; sign the document's "
                         "digest (without --inline)");
}

static mun_code statement_put(const mun_statement_params *p, const mun_signer *signer, mun_buf *ret,
                              mun_error *err)
{
    size_t start = ret->len;
    mun_buf_text(ret, "\xd2\x84");
    size_t from = ret->len;
    protected_put(p, signer, ret);
    size_t protected_len = ret->len - from;
    mun_cbor_wrap_bytes(ret, from);
    size_t protected_end = ret->len;
    mun_buf_u8(ret, 0xa0);
    mun_cbor_put_bytes(ret, p->payload);
    if (!mun_buf_ok(ret)) return too_large(err);
    mun_slice protected_bytes =
        mun_slice_of(ret->ptr + protected_end - protected_len, protected_len);
    MUN_TRY(mun_cose_sign(signer, protected_bytes, p->payload, ret, err));
    if (!mun_buf_ok(ret) || ret->len - start > MUN_STATEMENT_MAX) return too_large(err);
    return MUN_OK;
}

mun_code mun_statement_sign(const mun_statement_params *params, const mun_signer *signer,
                            mun_buf *ret, mun_error *err)
{
    MUN_TRY(params_check(params, err));
    size_t start = ret->len;
    mun_code code = statement_put(params, signer, ret, err);
    if (code != MUN_OK) ret->len = start;
    return code;
}
