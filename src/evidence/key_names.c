/* SPDX-License-Identifier: Apache-2.0 */
/* The names that a key has of itself [KEY-8], [KEY-9]: always made from the key and compared. */
#include "codec/radix.h"
#include "evidence/cose.h"

#define OWN_NAME_MAX 128 /* did:key of P-384: 10 + 71 characters */

static void thumbprint_uri_put(const uint8_t thumbprint[MUN_HASH_SIZE], mun_buf *ret)
{
    mun_buf_text(ret, "urn:ietf:params:oauth:ckt:sha-256:");
    mun_base64url_put(ret, mun_slice_of(thumbprint, MUN_HASH_SIZE));
}

void mun_key_thumbprint_uri(const mun_crypto *crypto, const mun_public_key *key, mun_buf *ret)
{
    uint8_t thumbprint[MUN_HASH_SIZE];
    mun_key_thumbprint(crypto, key, thumbprint);
    thumbprint_uri_put(thumbprint, ret);
}

/* Multicodec prefixes, as varints: p256-pub 0x1200, p384-pub 0x1201, ed25519-pub 0xed. */
static mun_slice multicodec(const mun_public_key *key)
{
    if (key->kty == MUN_KTY_OKP) return MUN_LITERAL("\xed\x01");
    if (key->kty == MUN_KTY_EC2 && key->crv == MUN_CRV_P256) return MUN_LITERAL("\x80\x24");
    if (key->kty == MUN_KTY_EC2 && key->crv == MUN_CRV_P384) return MUN_LITERAL("\x81\x24");
    return (mun_slice){0};
}

mun_code mun_did_key_write(const mun_public_key *key, mun_buf *ret, mun_error *err)
{
    mun_slice prefix = multicodec(key);
    if (prefix.len == 0)
        return mun_fail(err, MUN_E_UNSUPPORTED, MUN_NO_OFFSET,
                        "only P-256, P-384 and Ed25519 keys have a did:key here");
    uint8_t bytes[MUN_BASE58_BYTES_MAX];
    mun_buf buf = mun_buf_fixed(bytes, sizeof bytes);
    mun_buf_put(&buf, prefix);
    if (key->kty == MUN_KTY_EC2) mun_buf_u8(&buf, 2 + (key->y[key->y_len - 1] & 1));
    mun_buf_put(&buf, mun_slice_of(key->x, key->x_len));
    mun_buf_text(ret, "did:key:z");
    mun_base58_put(ret, mun_buf_slice(&buf));
    return MUN_OK;
}

static bool is_did_key_of(const mun_public_key *key, mun_slice name)
{
    uint8_t text[OWN_NAME_MAX];
    mun_buf buf = mun_buf_fixed(text, sizeof text);
    return mun_did_key_write(key, &buf, NULL) == MUN_OK &&
           mun_slice_equal(mun_buf_slice(&buf), name);
}

bool mun_thumbprint_owns_name(const uint8_t thumbprint[MUN_HASH_SIZE], const mun_public_key *key,
                              mun_slice name)
{
    uint8_t text[OWN_NAME_MAX];
    mun_buf buf = mun_buf_fixed(text, sizeof text);
    thumbprint_uri_put(thumbprint, &buf);
    return mun_slice_equal(mun_buf_slice(&buf), name) || is_did_key_of(key, name);
}

bool mun_key_owns_name(const mun_crypto *crypto, const mun_public_key *key, mun_slice name)
{
    uint8_t thumbprint[MUN_HASH_SIZE];
    mun_key_thumbprint(crypto, key, thumbprint);
    return mun_thumbprint_owns_name(thumbprint, key, name);
}
