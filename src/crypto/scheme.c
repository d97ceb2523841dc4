/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/scheme.h"

static const scheme schemes[] = {
    {MUN_ALG_ES256, MUN_KTY_EC2, MUN_CRV_P256, HASH_SHA256, 64},
    {MUN_ALG_ESP256, MUN_KTY_EC2, MUN_CRV_P256, HASH_SHA256, 64},
    {MUN_ALG_ES384, MUN_KTY_EC2, MUN_CRV_P384, HASH_SHA384, 96},
    {MUN_ALG_ESP384, MUN_KTY_EC2, MUN_CRV_P384, HASH_SHA384, 96},
    {MUN_ALG_ES512, MUN_KTY_EC2, MUN_CRV_P521, HASH_SHA512, 132},
    {MUN_ALG_ESP512, MUN_KTY_EC2, MUN_CRV_P521, HASH_SHA512, 132},
    {MUN_ALG_EDDSA, MUN_KTY_OKP, MUN_CRV_ED25519, HASH_NONE, 64},
    {MUN_ALG_ED25519, MUN_KTY_OKP, MUN_CRV_ED25519, HASH_NONE, 64},
    {MUN_ALG_PS256, MUN_KTY_RSA, 0, HASH_SHA256, 0},
    {MUN_ALG_PS384, MUN_KTY_RSA, 0, HASH_SHA384, 0},
    {MUN_ALG_PS512, MUN_KTY_RSA, 0, HASH_SHA512, 0},
};

static const curve curves[] = {
    {MUN_KTY_EC2, MUN_CRV_P256, "P-256", 32},
    {MUN_KTY_EC2, MUN_CRV_P384, "P-384", 48},
    {MUN_KTY_EC2, MUN_CRV_P521, "P-521", 66},
    {MUN_KTY_OKP, MUN_CRV_ED25519, "ED25519", 32},
};

const scheme *scheme_find(int32_t alg)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (schemes[i].alg == alg) return &schemes[i];
    }
    return NULL;
}

bool scheme_fits(const scheme *s, const mun_public_key *key)
{
    return key->kty == s->kty && (s->kty == MUN_KTY_RSA || key->crv == s->crv);
}

const curve *curve_find(int32_t kty, int32_t crv)
{
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        if (curves[i].kty == kty && curves[i].crv == crv) return &curves[i];
    }
    return NULL;
}

static bool rsa_well_formed(const mun_public_key *key)
{
    return key->n_len >= RSA_MODULUS_MIN && key->n_len <= MUN_RSA_MODULUS_MAX && key->n[0] != 0 &&
           key->e_len >= 1 && key->e_len <= sizeof key->e && key->e[0] != 0;
}

bool key_well_formed(const mun_public_key *key)
{
    if (key->kty == MUN_KTY_RSA) return rsa_well_formed(key);
    const curve *c = curve_find(key->kty, key->crv);
    if (c == NULL || key->x_len != c->width) return false;
    return key->kty == MUN_KTY_OKP || key->y_len == c->width;
}
