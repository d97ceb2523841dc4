/* SPDX-License-Identifier: Apache-2.0 */
/* Making signature lines: checkpoints by the log, cosignatures by witnesses. */
#include "base/error.h"
#include "codec/lines.h"
#include "codec/radix.h"
#include "evidence/note.h"

/* The two lines before the text that a cosigner signs [CKPT-13]. */
mun_slice mun_cosignature_head(uint8_t storage[MUN_COSIGNATURE_HEAD_MAX], uint64_t time)
{
    mun_buf buf = mun_buf_fixed(storage, MUN_COSIGNATURE_HEAD_MAX);
    mun_buf_text(&buf, "cosignature/v1\ntime ");
    mun_buf_decimal(&buf, time);
    mun_buf_u8(&buf, '\n');
    return mun_buf_slice(&buf);
}

static void signature_line_put(mun_slice name, mun_slice blob, mun_buf *ret)
{
    mun_buf_text(ret, MUN_SIGNATURE_LINE_MARK);
    mun_buf_put(ret, name);
    mun_buf_u8(ret, ' ');
    mun_base64_put(ret, blob);
    mun_buf_u8(ret, '\n');
}

static mun_code ed25519_sign(const mun_signer *signer, const mun_slice *parts, size_t n,
                             mun_buf *blob, mun_error *err)
{
    uint8_t signature[MUN_SIGNATURE_MAX];
    size_t length = 0;
    mun_code code = signer->sign(signer->ctx, parts, n, signature, &length);
    if (code != MUN_OK) return mun_fail(err, code, MUN_NO_OFFSET, "signing failed");
    mun_buf_put(blob, mun_slice_of(signature, length));
    return MUN_OK;
}

static mun_code signer_check(const mun_signer *signer, mun_slice name, mun_error *err)
{
    if (mun_is_ed25519(&signer->key) && mun_key_name_valid(name)) return MUN_OK;
    return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET,
                    "notes are signed with an Ed25519 key under a name without space and '+'");
}

static mun_code no_room(const mun_buf *buf, mun_error *err)
{
    return mun_buf_fail(buf, err, "there is no room for the note");
}

mun_code mun_checkpoint_sign(const mun_crypto *crypto, const mun_checkpoint *checkpoint,
                             const mun_signer *signer, mun_buf *ret, mun_error *err)
{
    MUN_TRY(signer_check(signer, checkpoint->origin, err));
    size_t start = ret->len;
    mun_checkpoint_text(checkpoint, ret);
    if (!mun_buf_ok(ret)) return no_room(ret, err);
    mun_slice text = mun_slice_of(ret->ptr + start, ret->len - start);
    uint8_t bytes[MUN_KEY_ID_LEN + MUN_SIGNATURE_MAX];
    mun_buf blob = mun_buf_fixed(bytes, sizeof bytes);
    uint8_t *key_id = mun_buf_reserve(&blob, MUN_KEY_ID_LEN);
    mun_note_key_id(crypto, checkpoint->origin, MUN_VKEY_LOG, &signer->key, key_id);
    mun_code code = ed25519_sign(signer, &text, 1, &blob, err);
    if (code == MUN_OK) {
        mun_buf_u8(ret, '\n');
        signature_line_put(checkpoint->origin, mun_buf_slice(&blob), ret);
        if (!mun_buf_ok(ret)) code = no_room(ret, err);
    }
    if (code != MUN_OK) ret->len = start;
    return code;
}

mun_code mun_cosignature_sign(const mun_crypto *crypto, mun_slice note_text, mun_slice name,
                              uint64_t time, const mun_signer *signer, mun_buf *ret, mun_error *err)
{
    MUN_TRY(signer_check(signer, name, err));
    if (time > INT64_MAX)
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "the time of a cosignature is too large");
    uint8_t bytes[MUN_KEY_ID_LEN + MUN_COSIGNATURE_TIME + MUN_SIGNATURE_MAX];
    mun_buf blob = mun_buf_fixed(bytes, sizeof bytes);
    uint8_t *key_id = mun_buf_reserve(&blob, MUN_KEY_ID_LEN);
    mun_note_key_id(crypto, name, MUN_VKEY_COSIGNER, &signer->key, key_id);
    mun_buf_u64(&blob, time);
    uint8_t storage[MUN_COSIGNATURE_HEAD_MAX];
    const mun_slice parts[] = {mun_cosignature_head(storage, time), note_text};
    MUN_TRY(ed25519_sign(signer, parts, 2, &blob, err));
    size_t start = ret->len;
    signature_line_put(name, mun_buf_slice(&blob), ret);
    if (mun_buf_ok(ret)) return MUN_OK;
    ret->len = start;
    return no_room(ret, err);
}
