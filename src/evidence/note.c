/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed notes (docs/format/checkpoint.md, C2SP signed-note):
 *
 *   text, each line ending in LF
 *   LF
 *   — name base64(key id, signature) LF     one or more
 */
#include "evidence/note.h"

#include "evidence/cose.h"

#include "base/cursor.h"
#include "base/error.h"
#include "codec/lines.h"
#include "codec/radix.h"
#include "codec/utf8.h"

#define BLOB_MIN 5 /* a key id and something after it [CKPT-3] */

static mun_code refuse(mun_error *err, const char *rule, uint64_t at, const char *sentence)
{
    return mun_fail_rule(err, MUN_E_MALFORMED, rule, at, sentence);
}

mun_code mun_note_characters(mun_slice text, const char *rule, mun_error *err)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < 0x20 && text.ptr[i] != '\n')
            return refuse(err, rule, i, "the text holds a control character");
    if (!mun_utf8_valid(text))
        return refuse(err, rule, MUN_NO_OFFSET, "the text is not valid UTF-8");
    return MUN_OK;
}

/* [CKPT-1]. */
static mun_code whole_check(mun_slice bytes, mun_error *err)
{
    if (bytes.len > MUN_NOTE_MAX)
        return refuse(err, "note-too-large", MUN_NO_OFFSET, "the note is larger than 1 MiB");
    MUN_TRY(mun_note_characters(bytes, "note-invalid", err));
    if (bytes.len == 0 || bytes.ptr[bytes.len - 1] != '\n')
        return refuse(err, "note-invalid", bytes.len, "the note does not end with a line end");
    return MUN_OK;
}

/* [CKPT-2]: the text may hold empty lines, the signatures cannot. */
static mun_code split(mun_slice bytes, mun_slice *ret_text, mun_slice *ret_signatures,
                      mun_error *err)
{
    for (size_t i = bytes.len; i >= 2; i--) {
        if (bytes.ptr[i - 1] != '\n' || bytes.ptr[i - 2] != '\n') continue;
        *ret_text = mun_slice_of(bytes.ptr, i - 1);
        *ret_signatures = mun_slice_of(bytes.ptr + i, bytes.len - i);
        return MUN_OK;
    }
    return refuse(err, "note-invalid", MUN_NO_OFFSET,
                  "the note has no empty line between text and signatures");
}

/* [CKPT-3], [CKPT-4]. The first eight digits hold the key id. */
static bool signature_read(mun_slice line, mun_note_signature *ret)
{
    size_t decoded;
    uint8_t start[6];
    mun_buf start_buf = mun_buf_fixed(start, sizeof start);
    if (!mun_signature_line_split(line, &ret->name, &ret->blob)) return false;
    if (!mun_key_name_valid(ret->name)) return false;
    if (!mun_base64_valid(ret->blob, &decoded) || decoded < BLOB_MIN) return false;
    if (!mun_base64_take(mun_slice_of(ret->blob.ptr, 8), &start_buf)) return false;
    memcpy(ret->key_id, start, MUN_KEY_ID_LEN);
    return true;
}

mun_code mun_note_parse(mun_slice bytes, mun_note *ret, mun_error *err)
{
    mun_slice signatures = {0};
    mun_note note = {0};
    MUN_TRY(whole_check(bytes, err));
    MUN_TRY(split(bytes, &note.text, &signatures, err));
    mun_cursor c = mun_cursor_over(signatures);
    while (mun_cursor_left(&c) > 0) {
        size_t at = (size_t)(c.at - bytes.ptr);
        if (note.signatures_len == MUN_NOTE_SIGNATURES_MAX)
            return refuse(err, "note-signatures", at, "the note has more than 100 signatures");
        if (!signature_read(mun_line_take(&c), &note.signatures[note.signatures_len++]))
            return refuse(err, "note-signature-line", at, "this is not a signature line");
    }
    if (note.signatures_len == 0)
        return refuse(err, "note-signatures", MUN_NO_OFFSET, "the note has no signature");
    *ret = note;
    return MUN_OK;
}

bool mun_is_ed25519(const mun_public_key *key)
{
    return key->kty == MUN_KTY_OKP && key->crv == MUN_CRV_ED25519;
}

void mun_note_key_id(const mun_crypto *crypto, mun_slice name, uint8_t type,
                     const mun_public_key *key, uint8_t ret[MUN_KEY_ID_LEN])
{
    uint8_t hash[MUN_HASH_SIZE];
    const uint8_t middle[2] = {'\n', type};
    const mun_slice parts[] = {name, mun_slice_of(middle, sizeof middle),
                               mun_slice_of(key->x, MUN_ED25519_KEY)};
    crypto->sha256(crypto->ctx, parts, 3, hash);
    memcpy(ret, hash, MUN_KEY_ID_LEN);
}

bool mun_base64_exact(mun_slice text, uint8_t *ret, size_t len)
{
    mun_buf buf = mun_buf_fixed(ret, len);
    return mun_base64_take(text, &buf) && buf.len == len;
}

static const mun_note_signature *line_find(const mun_note *note, mun_slice name,
                                           const uint8_t key_id[MUN_KEY_ID_LEN])
{
    for (size_t i = 0; i < note->signatures_len; i++) {
        const mun_note_signature *line = &note->signatures[i];
        if (mun_slice_equal(line->name, name) && memcmp(line->key_id, key_id, MUN_KEY_ID_LEN) == 0)
            return line;
    }
    return NULL;
}

static mun_code ed25519_check(const mun_crypto *crypto, const mun_public_key *key,
                              const mun_slice *parts, size_t n, const uint8_t *signature,
                              mun_error *err)
{
    mun_code code = mun_signature_check(crypto, MUN_ALG_EDDSA, key, parts, n,
                                        mun_slice_of(signature, MUN_ED25519_LEN));
    if (code == MUN_OK) return MUN_OK;
    return mun_fail_rule(err, code, "note-signature", MUN_NO_OFFSET,
                         code == MUN_E_INVALID ? "a signature of the note is wrong"
                                               : "Ed25519 cannot be checked on this machine");
}

static mun_code wrong_length(mun_error *err)
{
    return mun_fail_rule(err, MUN_E_INVALID, "note-signature", MUN_NO_OFFSET,
                         "a signature of the note has the wrong length");
}

static mun_code log_line_check(const mun_crypto *crypto, const mun_note *note, mun_slice blob,
                               const mun_public_key *key, mun_error *err)
{
    uint8_t bytes[MUN_KEY_ID_LEN + MUN_ED25519_LEN];
    if (!mun_base64_exact(blob, bytes, sizeof bytes)) return wrong_length(err);
    return ed25519_check(crypto, key, &note->text, 1, bytes + MUN_KEY_ID_LEN, err);
}

static mun_code cosigner_line_check(const mun_crypto *crypto, const mun_note *note, mun_slice blob,
                                    const mun_public_key *key, uint64_t *ret_time, mun_error *err)
{
    uint8_t bytes[MUN_KEY_ID_LEN + MUN_COSIGNATURE_TIME + MUN_ED25519_LEN];
    if (!mun_base64_exact(blob, bytes, sizeof bytes)) return wrong_length(err);
    mun_cursor c = mun_cursor_over(mun_slice_of(bytes + MUN_KEY_ID_LEN, MUN_COSIGNATURE_TIME));
    uint64_t time = mun_cursor_u64(&c);
    if (time > INT64_MAX)
        return mun_fail_rule(err, MUN_E_INVALID, "note-signature", MUN_NO_OFFSET,
                             "a cosignature has an impossible time");
    uint8_t storage[MUN_COSIGNATURE_HEAD_MAX];
    const mun_slice parts[] = {mun_cosignature_head(storage, time), note->text};
    MUN_TRY(
        ed25519_check(crypto, key, parts, 2, bytes + MUN_KEY_ID_LEN + MUN_COSIGNATURE_TIME, err));
    if (ret_time != NULL) *ret_time = time;
    return MUN_OK;
}

mun_code mun_note_check(const mun_crypto *crypto, const mun_note *note, mun_slice name,
                        uint8_t type, const mun_public_key *key, uint64_t *ret_time, mun_error *err)
{
    if (!mun_is_ed25519(key))
        return mun_fail(err, MUN_E_NOT_FOUND, MUN_NO_OFFSET, "only Ed25519 keys sign notes");
    uint8_t key_id[MUN_KEY_ID_LEN];
    mun_note_key_id(crypto, name, type, key, key_id);
    const mun_note_signature *line = line_find(note, name, key_id);
    if (line == NULL)
        return mun_fail(err, MUN_E_NOT_FOUND, MUN_NO_OFFSET, "this key has not signed the note");
    if (type == MUN_VKEY_COSIGNER)
        return cosigner_line_check(crypto, note, line->blob, key, ret_time, err);
    return log_line_check(crypto, note, line->blob, key, err);
}
