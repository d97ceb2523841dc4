/* SPDX-License-Identifier: Apache-2.0 */
/* C2SP verifier keys [CKPT-6], [CKPT-7]: name+id+base64. */
#include "base/cursor.h"
#include "base/error.h"
#include "codec/lines.h"
#include "codec/radix.h"
#include "evidence/note.h"

#define KEY_ID_DIGITS (2 * MUN_KEY_ID_LEN)

static mun_code refuse(mun_error *err, const char *rule, const char *sentence)
{
    return mun_fail_rule(err, MUN_E_MALFORMED, rule, MUN_NO_OFFSET, sentence);
}

/* Up to the next '+', which is taken too. */
static mun_slice field_take(mun_cursor *c)
{
    size_t left = mun_cursor_left(c), n = 0;
    while (n < left && c->at[n] != '+') n++;
    if (n == left) c->failed = true;
    mun_slice field = mun_cursor_take(c, n);
    mun_cursor_take(c, 1);
    return field;
}

mun_code mun_vkey_parse(const mun_crypto *crypto, mun_slice text, mun_slice *ret_name,
                        uint8_t *ret_type, mun_public_key *ret_key, mun_error *err)
{
    mun_cursor c = mun_cursor_over(text);
    mun_slice name = field_take(&c), id_text = field_take(&c);
    uint8_t blob[1 + MUN_ED25519_KEY], id[MUN_KEY_ID_LEN], hex[KEY_ID_DIGITS];
    if (!mun_cursor_ok(&c) || !mun_key_name_valid(name) ||
        !mun_base64_exact(mun_slice_of(c.at, mun_cursor_left(&c)), blob, sizeof blob))
        return refuse(err, "vkey-invalid", "this is not a verifier key (name+id+base64)");
    if (blob[0] != MUN_VKEY_LOG && blob[0] != MUN_VKEY_COSIGNER)
        return mun_fail_rule(err, MUN_E_UNSUPPORTED, "vkey-unsupported", MUN_NO_OFFSET,
                             "the verifier key is not an Ed25519 key");
    mun_public_key key = {.kty = MUN_KTY_OKP, .crv = MUN_CRV_ED25519, .x_len = MUN_ED25519_KEY};
    memcpy(key.x, blob + 1, MUN_ED25519_KEY);
    mun_note_key_id(crypto, name, blob[0], &key, id);
    mun_buf hex_buf = mun_buf_fixed(hex, sizeof hex);
    mun_buf_hex(&hex_buf, mun_slice_of(id, sizeof id));
    if (!mun_slice_equal(mun_buf_slice(&hex_buf), id_text))
        return refuse(err, "vkey-invalid", "the verifier key's id does not fit its name and key");
    *ret_name = name;
    *ret_type = blob[0];
    *ret_key = key;
    return MUN_OK;
}

void mun_vkey_write(const mun_crypto *crypto, mun_slice name, uint8_t type,
                    const mun_public_key *key, mun_buf *ret)
{
    uint8_t id[MUN_KEY_ID_LEN], blob[1 + MUN_ED25519_KEY] = {type};
    memcpy(blob + 1, key->x, MUN_ED25519_KEY);
    mun_note_key_id(crypto, name, type, key, id);
    mun_buf_put(ret, name);
    mun_buf_u8(ret, '+');
    mun_buf_hex(ret, mun_slice_of(id, sizeof id));
    mun_buf_u8(ret, '+');
    mun_base64_put(ret, mun_slice_of(blob, sizeof blob));
}
