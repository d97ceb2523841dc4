/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys as JWK: RFC 7517, RFC 7518 section 6 (EC, RSA), RFC 8037 (OKP). Members that are not
 * needed are ignored, as RFC 7517 section 4 says; private ones are refused. */
#include "trust/json_strict.h"
#include "trust/keyfile.h"

#include <muniment/keys.h>

typedef struct curve {
    const char *kty, *crv;
    int32_t cose_kty, cose_crv;
    uint16_t width;
} curve;

static const curve curves[] = {
    {"EC", "P-256", MUN_KTY_EC2, MUN_CRV_P256, 32},
    {"EC", "P-384", MUN_KTY_EC2, MUN_CRV_P384, 48},
    {"EC", "P-521", MUN_KTY_EC2, MUN_CRV_P521, 66},
    {"OKP", "Ed25519", MUN_KTY_OKP, MUN_CRV_ED25519, 32},
};
#define CURVES (sizeof curves / sizeof curves[0])

/* RFC 7518 table 2 and 6.4: members that only a private or symmetric key has. */
static const char *const private_members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

static uint16_t take(mun_json_object *o, const char *member, uint8_t *ret, size_t cap)
{
    mun_buf buf = mun_buf_fixed(ret, cap);
    mun_json_base64url(o, member, &buf);
    return (uint16_t)buf.len;
}

static void curve_members(mun_json_object *o, const curve *c, mun_public_key *ret)
{
    ret->kty = c->cose_kty;
    ret->crv = c->cose_crv;
    ret->x_len = take(o, "x", ret->x, sizeof ret->x);
    if (ret->x_len != c->width) mun_json_refuse(o, "x", "has not the curve's width");
    if (c->cose_kty != MUN_KTY_EC2) return;
    ret->y_len = take(o, "y", ret->y, sizeof ret->y);
    if (ret->y_len != c->width) mun_json_refuse(o, "y", "has not the curve's width");
}

static void key_members(mun_json_object *o, mun_public_key *ret)
{
    mun_slice kty = mun_json_text(o, "kty", 1, 16);
    if (mun_slice_equal(kty, MUN_LITERAL("RSA"))) {
        ret->kty = MUN_KTY_RSA;
        ret->n_len = take(o, "n", ret->n, sizeof ret->n);
        ret->e_len = take(o, "e", ret->e, sizeof ret->e);
        return;
    }
    mun_slice crv = mun_json_text(o, "crv", 1, 16);
    for (size_t i = 0; i < CURVES; i++) {
        if (!mun_slice_equal(kty, mun_slice_cstr(curves[i].kty))) continue;
        if (!mun_slice_equal(crv, mun_slice_cstr(curves[i].crv))) continue;
        curve_members(o, &curves[i], ret);
        return;
    }
    mun_json_refuse(o, "crv", "names a curve that is not supported, or kty does not fit it");
}

static mun_code public_only(const json_t *json, mun_error *err)
{
    for (size_t i = 0; i < sizeof private_members / sizeof private_members[0]; i++) {
        if (json_object_get(json, private_members[i]) == NULL) continue;
        return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET,
                        "this JWK holds a private key; give only its public members");
    }
    return MUN_OK;
}

mun_code mun_jwk_parse(mun_slice text, mun_public_key *ret, mun_buf *ret_kid, mun_error *err)
{
    MUN_JSON_AUTO json_t *json = NULL;
    MUN_TRY(mun_json_load(text, "the JWK", &json, err));
    MUN_TRY(public_only(json, err));
    mun_json_object o = mun_json_open(json, "the JWK", err);
    mun_public_key key = {0};
    key_members(&o, &key);
    if (o.code != MUN_OK) return o.code;
    MUN_TRY(mun_public_key_check(&key, err));
    if (ret_kid != NULL && mun_json_has(&o, "kid")) {
        mun_buf_put(ret_kid, mun_json_text(&o, "kid", 1, MUN_KEY_KID_MAX));
        if (o.code != MUN_OK) return o.code;
    }
    *ret = key;
    return MUN_OK;
}

static json_t *member(const uint8_t *bytes, size_t len)
{
    return mun_json_new_base64url(mun_slice_of(bytes, len));
}

static json_t *key_json(const mun_public_key *key)
{
    if (key->kty == MUN_KTY_RSA) {
        return json_pack("{s:o, s:s, s:o}", "e", member(key->e, key->e_len), "kty", "RSA", "n",
                         member(key->n, key->n_len));
    }
    for (size_t i = 0; i < CURVES; i++) {
        const curve *c = &curves[i];
        if (c->cose_kty != key->kty || c->cose_crv != key->crv) continue;
        json_t *x = member(key->x, key->x_len);
        if (key->kty == MUN_KTY_OKP) {
            return json_pack("{s:s, s:s, s:o}", "crv", c->crv, "kty", c->kty, "x", x);
        }
        return json_pack("{s:s, s:s, s:o, s:o}", "crv", c->crv, "kty", c->kty, "x", x, "y",
                         member(key->y, key->y_len));
    }
    return NULL;
}

void mun_jwk_write(const mun_public_key *key, mun_buf *ret)
{
    if (mun_json_dump(key_json(key), ret, NULL) != MUN_OK) ret->overflow = true;
    mun_buf_u8(ret, '\n');
}
