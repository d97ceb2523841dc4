/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/evp_key.h"

#include "crypto/scheme.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <string.h>

#define UNCOMPRESSED_POINT 0x04 /* SEC 1 section 2.3.3 */

static EVP_PKEY *from_params(const char *type, OSSL_PARAM *params)
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    bool good = ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
                EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good ? pkey : NULL;
}

/* OpenSSL refuses a point that is not on the curve and coordinates not below the field's prime. */
static EVP_PKEY *from_point(const curve *c, const mun_public_key *key)
{
    uint8_t point[1 + 2 * MUN_KEY_COORD_MAX];
    point[0] = UNCOMPRESSED_POINT;
    memcpy(point + 1, key->x, c->width);
    memcpy(point + 1 + c->width, key->y, c->width);
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (build != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, c->name, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * c->width) ==
            1) {
        params = OSSL_PARAM_BLD_to_param(build);
    }
    if (params != NULL) pkey = from_params("EC", params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    return pkey;
}

static EVP_PKEY *from_modulus(const mun_public_key *key)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = NULL;
    BIGNUM *n = BN_bin2bn(key->n, key->n_len, NULL);
    BIGNUM *e = BN_bin2bn(key->e, key->e_len, NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (n != NULL && e != NULL && build != NULL &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1) {
        params = OSSL_PARAM_BLD_to_param(build);
    }
    if (params != NULL) pkey = from_params("RSA", params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return pkey;
}

EVP_PKEY *evp_from_public(const mun_public_key *key)
{
    if (!key_well_formed(key)) return NULL;
    switch (key->kty) {
    case MUN_KTY_EC2: return from_point(curve_find(key->kty, key->crv), key);
    case MUN_KTY_RSA: return from_modulus(key);
    default: return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->x, key->x_len);
    }
}

/* A number, padded with zeros to width bytes. */
static bool number(const EVP_PKEY *pkey, const char *name, uint8_t *ret, size_t width)
{
    BIGNUM *n = NULL;
    bool good = EVP_PKEY_get_bn_param(pkey, name, &n) == 1 &&
                BN_bn2binpad(n, ret, (int)width) == (int)width;
    BN_free(n);
    return good;
}

/* The curve by the name that OpenSSL gives it; it knows P-256 as prime256v1. */
static const curve *curve_of(const EVP_PKEY *pkey)
{
    static const int32_t crvs[] = {MUN_CRV_P256, MUN_CRV_P384, MUN_CRV_P521};
    char group[64] = "";
    if (EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) != 1) return NULL;
    int nid = OBJ_txt2nid(group);
    for (size_t i = 0; i < sizeof crvs / sizeof crvs[0]; i++) {
        const curve *c = curve_find(MUN_KTY_EC2, crvs[i]);
        if (nid != NID_undef && nid == EC_curve_nist2nid(c->name)) return c;
    }
    return NULL;
}

static bool point_to_public(const EVP_PKEY *pkey, mun_public_key *ret)
{
    const curve *c = curve_of(pkey);
    if (c == NULL) return false;
    *ret = (mun_public_key){.kty = c->kty, .crv = c->crv};
    ret->x_len = ret->y_len = (uint16_t)c->width;
    return number(pkey, OSSL_PKEY_PARAM_EC_PUB_X, ret->x, c->width) &&
           number(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, ret->y, c->width);
}

/* Length in bytes of a number of an RSA key; 0 when there is none. */
static size_t number_len(const EVP_PKEY *pkey, const char *name)
{
    BIGNUM *n = NULL;
    size_t len = EVP_PKEY_get_bn_param(pkey, name, &n) == 1 ? (size_t)BN_num_bytes(n) : 0;
    BN_free(n);
    return len;
}

static bool modulus_to_public(const EVP_PKEY *pkey, mun_public_key *ret)
{
    size_t n_len = number_len(pkey, OSSL_PKEY_PARAM_RSA_N);
    size_t e_len = number_len(pkey, OSSL_PKEY_PARAM_RSA_E);
    if (n_len > sizeof ret->n || e_len > sizeof ret->e) return false;
    *ret = (mun_public_key){.kty = MUN_KTY_RSA};
    ret->n_len = (uint16_t)n_len;
    ret->e_len = (uint16_t)e_len;
    return number(pkey, OSSL_PKEY_PARAM_RSA_N, ret->n, n_len) &&
           number(pkey, OSSL_PKEY_PARAM_RSA_E, ret->e, e_len);
}

static bool raw_to_public(const EVP_PKEY *pkey, mun_public_key *ret)
{
    *ret = (mun_public_key){.kty = MUN_KTY_OKP, .crv = MUN_CRV_ED25519};
    size_t len = sizeof ret->x;
    if (EVP_PKEY_get_raw_public_key(pkey, ret->x, &len) != 1) return false;
    ret->x_len = (uint16_t)len;
    return true;
}

bool evp_to_public(const EVP_PKEY *pkey, mun_public_key *ret)
{
    mun_public_key key;
    bool good = EVP_PKEY_is_a(pkey, "EC")        ? point_to_public(pkey, &key)
                : EVP_PKEY_is_a(pkey, "ED25519") ? raw_to_public(pkey, &key)
                : EVP_PKEY_is_a(pkey, "RSA")     ? modulus_to_public(pkey, &key)
                                                 : false;
    if (!good || !key_well_formed(&key)) return false;
    *ret = key;
    return true;
}
