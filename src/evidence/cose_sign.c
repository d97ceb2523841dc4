/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes that a COSE_Sign1 signature covers (RFC 9052 section 4.4), checked and signed. */
#include "evidence/cose.h"

#define ED25519_KEY_LEN 32

typedef struct alg_row {
    int32_t alg;
    int32_t kty, crv;
    size_t signature_len; /* 0: as the modulus */
} alg_row;

/* docs/format/key.md, Algorithms. */
static const alg_row algs[] = {
    {MUN_ALG_ES256, MUN_KTY_EC2, MUN_CRV_P256, 64},
    {MUN_ALG_ESP256, MUN_KTY_EC2, MUN_CRV_P256, 64},
    {MUN_ALG_ES384, MUN_KTY_EC2, MUN_CRV_P384, 96},
    {MUN_ALG_ESP384, MUN_KTY_EC2, MUN_CRV_P384, 96},
    {MUN_ALG_ES512, MUN_KTY_EC2, MUN_CRV_P521, 132},
    {MUN_ALG_ESP512, MUN_KTY_EC2, MUN_CRV_P521, 132},
    {MUN_ALG_EDDSA, MUN_KTY_OKP, MUN_CRV_ED25519, 64},
    {MUN_ALG_ED25519, MUN_KTY_OKP, MUN_CRV_ED25519, 64},
    {MUN_ALG_PS256, MUN_KTY_RSA, 0, 0},
    {MUN_ALG_PS384, MUN_KTY_RSA, 0, 0},
    {MUN_ALG_PS512, MUN_KTY_RSA, 0, 0},
};

static const alg_row *alg_find(int32_t alg)
{
    for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
        if (algs[i].alg == alg) return &algs[i];
    return NULL;
}

bool mun_alg_supported(int32_t alg)
{
    return alg_find(alg) != NULL;
}

bool mun_alg_fits(int32_t alg, const mun_public_key *key)
{
    const alg_row *row = alg_find(alg);
    return row != NULL && key->kty == row->kty && key->crv == row->crv;
}

mun_slice mun_bytes_head(uint8_t storage[MUN_CBOR_HEAD_MAX], size_t length)
{
    mun_buf buf = mun_buf_fixed(storage, MUN_CBOR_HEAD_MAX);
    mun_cbor_put_head(&buf, MUN_CBOR_BYTES, length);
    return mun_buf_slice(&buf);
}

void mun_signed_bytes_make(mun_signed_bytes *ret, mun_slice protected_bytes, mun_slice payload)
{
    ret->parts[0] = MUN_LITERAL("\x84\x6aSignature1");
    ret->parts[1] = mun_bytes_head(ret->heads[0], protected_bytes.len);
    ret->parts[2] = protected_bytes;
    ret->parts[3] = MUN_LITERAL("\x40"); /* external_aad: empty in SCITT */
    ret->parts[4] = mun_bytes_head(ret->heads[1], payload.len);
    ret->parts[5] = payload;
}

/*
 * RFC 8032 section 5.1.3: y is below p = 2^255 - 19, and x = 0 (y is 1 or p - 1) has no sign. A y
 * without an x is left to the host's library: they all refuse that.
 */
static bool ed25519_decodes(const uint8_t key[ED25519_KEY_LEN])
{
    bool sign = key[31] >> 7 != 0;
    bool high = (key[31] & 0x7f) == 0x7f, zero = (key[31] & 0x7f) == 0;
    for (size_t i = 1; i < 31; i++) {
        high = high && key[i] == 0xff;
        zero = zero && key[i] == 0;
    }
    if (high && key[0] >= 0xed) return false;
    return !(sign && ((zero && key[0] == 1) || (high && key[0] == 0xec)));
}

mun_code mun_signature_check(const mun_crypto *crypto, int32_t alg, const mun_public_key *key,
                             const mun_slice *parts, size_t n_parts, mun_slice signature)
{
    const alg_row *row = alg_find(alg);
    if (row == NULL) return MUN_E_UNSUPPORTED;
    if (!mun_alg_fits(alg, key)) return MUN_E_INVALID;
    if (row->crv == MUN_CRV_ED25519 && !ed25519_decodes(key->x)) return MUN_E_INVALID;
    size_t length = row->signature_len != 0 ? row->signature_len : key->n_len;
    if (signature.len != length) return MUN_E_INVALID;
    return crypto->verify(crypto->ctx, alg, key, parts, n_parts, signature);
}

mun_code mun_cose_check(const mun_crypto *crypto, int32_t alg, mun_slice protected_bytes,
                        mun_slice payload, mun_slice signature, const mun_public_key *key,
                        const char *rule, mun_error *err)
{
    if (!mun_alg_supported(alg))
        return mun_fail_rule(err, MUN_E_UNSUPPORTED, "alg-unsupported", MUN_NO_OFFSET,
                             "the signature algorithm is not supported");
    if (!mun_alg_fits(alg, key))
        return mun_fail_rule(err, MUN_E_INVALID, rule, MUN_NO_OFFSET,
                             "the key is of another kind than the signature algorithm says");
    mun_signed_bytes input;
    mun_signed_bytes_make(&input, protected_bytes, payload);
    mun_code code = mun_signature_check(crypto, alg, key, input.parts, MUN_SIGNED_PARTS, signature);
    if (code == MUN_OK) return MUN_OK;
    if (code == MUN_E_INVALID)
        return mun_fail_rule(err, code, rule, MUN_NO_OFFSET, "the signature is wrong");
    return mun_fail_rule(err, code, "alg-unsupported", MUN_NO_OFFSET,
                         "the signature could not be checked on this machine");
}

mun_code mun_cose_sign(const mun_signer *signer, mun_slice protected_bytes, mun_slice payload,
                       mun_buf *ret, mun_error *err)
{
    mun_signed_bytes input;
    mun_signed_bytes_make(&input, protected_bytes, payload);
    uint8_t signature[MUN_SIGNATURE_MAX];
    size_t length = 0;
    mun_code code = signer->sign(signer->ctx, input.parts, MUN_SIGNED_PARTS, signature, &length);
    if (code != MUN_OK) return mun_fail(err, code, MUN_NO_OFFSET, "signing failed");
    mun_cbor_put_bytes(ret, mun_slice_of(signature, length));
    return MUN_OK;
}
