/* SPDX-License-Identifier: Apache-2.0 */
/* COSE_Key: reading, writing, thumbprint. docs/format/key.md; RFC 9052 section 7, RFC 9679. */
#include "evidence/cose.h"

enum {
    KEY_KTY = 1,
    KEY_KID = 2,
    KEY_ALG = 3,
    KEY_CRV = -1, /* EC2 and OKP */
    KEY_X = -2,
    KEY_Y = -3,
    KEY_D = -4,
    KEY_RSA_N = -1,
    KEY_RSA_E = -2,
    KEY_RSA_D = -3,
};

#define RSA_MODULUS_MIN 256

static size_t coord_len(int32_t crv)
{
    switch (crv) {
    case MUN_CRV_P256: return 32;
    case MUN_CRV_P384: return 48;
    case MUN_CRV_P521: return 66;
    default: return 0;
    }
}

static mun_code refuse(mun_error *err, const char *sentence)
{
    return mun_fail_rule(err, MUN_E_MALFORMED, "key-invalid", MUN_NO_OFFSET, sentence);
}

static mun_code unsupported(mun_error *err, const char *sentence)
{
    return mun_fail_rule(err, MUN_E_UNSUPPORTED, "key-unsupported", MUN_NO_OFFSET, sentence);
}

static mun_code private_refuse(const mun_cbor_item *map, int64_t label, mun_error *err)
{
    mun_cbor_item secret = mun_cose_find(map, label);
    if (secret.type == MUN_CBOR_NONE) return MUN_OK;
    return refuse(err, "the COSE_Key holds a private key; give its public half only");
}

static mun_code member_read(const mun_cbor_item *map, int64_t label, size_t least, size_t most,
                            uint8_t *ret, uint16_t *ret_len, mun_error *err)
{
    mun_cbor_item item = mun_cose_find(map, label);
    if (!mun_cbor_is_string(&item, MUN_CBOR_BYTES) || item.inside.len < least ||
        item.inside.len > most)
        return refuse(err, "a member of the COSE_Key is missing or has the wrong length");
    memcpy(ret, item.inside.ptr, item.inside.len);
    *ret_len = (uint16_t)item.inside.len;
    return MUN_OK;
}

static mun_code ec2_read(const mun_cbor_item *map, mun_public_key *key, mun_error *err)
{
    size_t len = coord_len(key->crv);
    if (len == 0) return unsupported(err, "the curve of the COSE_Key is not supported");
    MUN_TRY(private_refuse(map, KEY_D, err));
    MUN_TRY(member_read(map, KEY_X, len, len, key->x, &key->x_len, err));
    return member_read(map, KEY_Y, len, len, key->y, &key->y_len, err);
}

static mun_code okp_read(const mun_cbor_item *map, mun_public_key *key, mun_error *err)
{
    if (key->crv != MUN_CRV_ED25519)
        return unsupported(err, "the curve of the COSE_Key is not supported");
    MUN_TRY(private_refuse(map, KEY_D, err));
    return member_read(map, KEY_X, 32, 32, key->x, &key->x_len, err);
}

static mun_code rsa_read(const mun_cbor_item *map, mun_public_key *key, mun_error *err)
{
    key->crv = 0;
    MUN_TRY(private_refuse(map, KEY_RSA_D, err));
    MUN_TRY(member_read(map, KEY_RSA_N, RSA_MODULUS_MIN, MUN_RSA_MODULUS_MAX, key->n, &key->n_len,
                        err));
    MUN_TRY(member_read(map, KEY_RSA_E, 1, sizeof key->e, key->e, &key->e_len, err));
    if (key->n[0] == 0 || key->e[0] == 0)
        return refuse(err, "a number in the COSE_Key begins with a zero byte");
    return MUN_OK;
}

mun_code mun_cose_key_read(const mun_cbor_item *map, mun_public_key *ret, mun_error *err)
{
    if (map->type != MUN_CBOR_MAP) return refuse(err, "a COSE_Key is a CBOR map");
    mun_cbor_item kty = mun_cose_find(map, KEY_KTY), crv = mun_cose_find(map, KEY_CRV);
    mun_public_key key = {.kty = mun_cose_number(&kty), .crv = mun_cose_number(&crv)};
    switch (key.kty) {
    case MUN_KTY_EC2: MUN_TRY(ec2_read(map, &key, err)); break;
    case MUN_KTY_OKP: MUN_TRY(okp_read(map, &key, err)); break;
    case MUN_KTY_RSA: MUN_TRY(rsa_read(map, &key, err)); break;
    default: return unsupported(err, "the type of the COSE_Key is missing or not supported");
    }
    *ret = key;
    return MUN_OK;
}

mun_code mun_cose_key_parse(mun_slice cbor, mun_public_key *ret, mun_slice *ret_kid, mun_error *err)
{
    MUN_TRY(mun_cbor_check(cbor, MUN_CBOR_STRICT, err));
    mun_cursor c = mun_cursor_over(cbor);
    mun_cbor_item map = mun_cbor_take(&c);
    MUN_TRY(mun_cose_key_read(&map, ret, err));
    if (ret_kid == NULL) return MUN_OK;
    mun_cbor_item kid = mun_cose_find(&map, KEY_KID);
    *ret_kid = kid.type == MUN_CBOR_BYTES ? kid.inside : (mun_slice){0};
    return MUN_OK;
}

static void put_member(mun_buf *ret, int64_t label, const uint8_t *bytes, size_t len)
{
    mun_cbor_put_int(ret, label);
    mun_cbor_put_bytes(ret, mun_slice_of(bytes, len));
}

/* 1, 2, 3, -1, -2, -3: the bytewise order of the encoded labels [CBOR-13]. */
void mun_cose_key_write(const mun_public_key *key, mun_slice kid, int32_t alg, mun_buf *ret)
{
    uint64_t required = key->kty == MUN_KTY_EC2 ? 4 : 3;
    mun_cbor_put_head(ret, MUN_CBOR_MAP, required + (kid.len > 0) + (alg != 0));
    mun_cbor_put_int(ret, KEY_KTY);
    mun_cbor_put_int(ret, key->kty);
    if (kid.len > 0) put_member(ret, KEY_KID, kid.ptr, kid.len);
    if (alg != 0) {
        mun_cbor_put_int(ret, KEY_ALG);
        mun_cbor_put_int(ret, alg);
    }
    if (key->kty == MUN_KTY_RSA) {
        put_member(ret, KEY_RSA_N, key->n, key->n_len);
        put_member(ret, KEY_RSA_E, key->e, key->e_len);
        return;
    }
    mun_cbor_put_int(ret, KEY_CRV);
    mun_cbor_put_int(ret, key->crv);
    put_member(ret, KEY_X, key->x, key->x_len);
    if (key->kty == MUN_KTY_EC2) put_member(ret, KEY_Y, key->y, key->y_len);
}

void mun_key_thumbprint(const mun_crypto *crypto, const mun_public_key *key,
                        uint8_t ret[MUN_HASH_SIZE])
{
    uint8_t bytes[MUN_COSE_KEY_MAX];
    mun_buf buf = mun_buf_fixed(bytes, sizeof bytes);
    mun_cose_key_write(key, (mun_slice){0}, 0, &buf);
    mun_slice encoded = mun_buf_slice(&buf);
    crypto->sha256(crypto->ctx, &encoded, 1, ret);
}
