/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/keyfile.h"

#include "vfs/files.h"

#include <muniment/keys.h>
#include <stdio.h>

#define OTHERS 077 /* permission bits of group and others */

const char *mun_key_format_name(mun_key_format format)
{
    static const char *const names[] = {"PEM", "COSE_Key", "JWK", "vkey", "ledger.pub"};
    return names[format];
}

/* ---- Public keys ------------------------------------------------------------------------- */

static mun_code set_name(mun_key_file *ret, mun_slice name, mun_error *err)
{
    if (name.len > sizeof ret->name) {
        return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "the name in the key file is too long");
    }
    if (name.len > 0) memcpy(ret->name, name.ptr, name.len);
    ret->name_len = name.len;
    return MUN_OK;
}

static mun_code parse_ledger_pub(const mun_crypto *crypto, mun_slice bytes, mun_key_file *ret,
                                 mun_error *err)
{
    mun_ledger_pub pub;
    MUN_TRY(mun_ledger_pub_parse(crypto, bytes, &pub, err));
    ret->format = MUN_KEY_FORMAT_LEDGER_PUB;
    ret->keys_len = 2;
    ret->keys[0] = pub.receipts;
    ret->keys[1] = pub.checkpoints;
    return set_name(ret, pub.origin, err);
}

static mun_code parse_pem(const mun_crypto *crypto, mun_slice bytes, mun_key_file *ret,
                          mun_error *err)
{
    (void)crypto;
    ret->format = MUN_KEY_FORMAT_PEM;
    ret->keys_len = 1;
    return mun_public_key_from_pem(bytes, &ret->keys[0], err);
}

static mun_code parse_jwk(const mun_crypto *crypto, mun_slice bytes, mun_key_file *ret,
                          mun_error *err)
{
    (void)crypto;
    mun_buf kid = mun_buf_fixed(ret->kid, sizeof ret->kid);
    ret->format = MUN_KEY_FORMAT_JWK;
    ret->keys_len = 1;
    MUN_TRY(mun_jwk_parse(bytes, &ret->keys[0], &kid, err));
    ret->kid_len = kid.len;
    return MUN_OK;
}

static mun_code parse_cose(const mun_crypto *crypto, mun_slice bytes, mun_key_file *ret,
                           mun_error *err)
{
    (void)crypto;
    mun_slice kid;
    ret->format = MUN_KEY_FORMAT_COSE;
    ret->keys_len = 1;
    MUN_TRY(mun_cose_key_parse(bytes, &ret->keys[0], &kid, err));
    if (kid.len > sizeof ret->kid) {
        return mun_fail(err, MUN_E_LIMIT, MUN_NO_OFFSET, "the key id in the COSE_Key is too long");
    }
    if (kid.len > 0) memcpy(ret->kid, kid.ptr, kid.len);
    ret->kid_len = kid.len;
    return MUN_OK;
}

/* One line; the newline that an editor leaves behind is taken off. */
static mun_code parse_vkey(const mun_crypto *crypto, mun_slice bytes, mun_key_file *ret,
                           mun_error *err)
{
    mun_slice name;
    while (bytes.len > 0 &&
           (bytes.ptr[bytes.len - 1] == '\n' || bytes.ptr[bytes.len - 1] == '\r')) {
        bytes.len--;
    }
    ret->format = MUN_KEY_FORMAT_VKEY;
    ret->keys_len = 1;
    MUN_TRY(mun_vkey_parse(crypto, bytes, &name, &ret->vkey_type, &ret->keys[0], err));
    return set_name(ret, name, err);
}

typedef mun_code (*parser)(const mun_crypto *, mun_slice, mun_key_file *, mun_error *);

/* By content: the forms share no beginning, but for a vkey, which is known by its two '+'. */
static parser parser_of(mun_slice bytes)
{
    size_t at = 0;
    while (at < bytes.len && memchr(" \t\r\n", bytes.ptr[at], 4) != NULL) at++;
    mun_slice text = mun_slice_of(bytes.ptr + at, bytes.len - at);
    if (mun_slice_starts(bytes, MUN_LITERAL("muniment-ledger/"))) return parse_ledger_pub;
    if (bytes.len > 0 && bytes.ptr[0] >> 5 == 5) return parse_cose; /* CBOR major type map */
    if (text.len > 0 && text.ptr[0] == '{') return parse_jwk;
    if (memmem(bytes.ptr, bytes.len, "-----BEGIN ", 11) != NULL) return parse_pem;
    const uint8_t *plus = text.len > 0 ? memchr(text.ptr, '+', text.len) : NULL;
    if (plus == NULL) return NULL;
    size_t left = text.len - (size_t)(plus + 1 - text.ptr);
    return left > 9 && plus[9] == '+' ? parse_vkey : NULL;
}

mun_code mun_key_file_parse(const mun_crypto *crypto, mun_slice bytes, mun_key_file *ret,
                            mun_error *err)
{
    parser parse = bytes.len == 0 ? NULL : parser_of(bytes);
    if (bytes.len == 0) return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET, "the file is empty");
    if (parse == NULL) {
        return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET,
                        "this is no public key: it is neither PEM, COSE_Key, JWK, a verifier key "
                        "(vkey) nor ledger.pub");
    }
    mun_key_file file = {0};
    MUN_TRY(parse(crypto, bytes, &file, err));
    /* A point that is not on its curve verifies nothing: better said now than at every use. */
    for (size_t i = 0; i < file.keys_len; i++) {
        MUN_TRY(mun_public_key_check(&file.keys[i], err));
    }
    *ret = file;
    return MUN_OK;
}

static mun_code prefix_path(mun_error *err, mun_code code, const char *path)
{
    char text[MUN_PATH_TEXT_MAX];
    mun_path_text(text, sizeof text, path);
    return mun_error_prefix(err, code, text);
}

mun_code mun_key_file_read(const mun_crypto *crypto, const char *path, mun_key_file *ret,
                           mun_error *err)
{
    MUN_BUF_AUTO mun_buf bytes = mun_buf_growable(MUN_KEY_FILE_MAX);
    MUN_TRY(mun_file_read(path, MUN_KEY_FILE_MAX, &bytes, err));
    mun_code code = mun_key_file_parse(crypto, mun_buf_slice(&bytes), ret, err);
    return code == MUN_OK ? MUN_OK : prefix_path(err, code, path);
}

/* ---- Private keys ------------------------------------------------------------------------ */

/* The thumbprint needs a digest; a table for this one call keeps the caller from bringing one. */
static mun_code signer_name(mun_signer *signer, mun_error *err)
{
    mun_crypto crypto;
    MUN_TRY(mun_native_crypto_new(&crypto, err));
    mun_key_thumbprint(&crypto, &signer->key, signer->kid);
    mun_native_crypto_free(&crypto);
    return MUN_OK;
}

static mun_code signing_key_of(mun_private_key *key, mun_signing_key *ret, mun_error *err)
{
    mun_signing_key signing = {.handle = key};
    mun_private_key_signer(key, &signing.signer);
    mun_code code = signer_name(&signing.signer, err);
    if (code != MUN_OK) {
        mun_private_key_free(key);
        return code;
    }
    *ret = signing;
    return MUN_OK;
}

mun_code mun_signing_key_parse(mun_slice pem, mun_slice passphrase, mun_signing_key *ret,
                               mun_error *err)
{
    mun_private_key *key = NULL;
    MUN_TRY(mun_private_key_from_pem(pem, passphrase, &key, err));
    return signing_key_of(key, ret, err);
}

/* A key that others can read may be in their hands already. */
static mun_code private_check(const char *path, mun_error *err)
{
    mun_file_info info;
    MUN_TRY(mun_file_look(path, true, &info, err));
    if (info.kind != MUN_FILE_REGULAR || (info.mode & OTHERS) == 0) return MUN_OK;
    char text[MUN_PATH_TEXT_MAX];
    mun_path_text(text, sizeof text, path);
    return mun_failf(err, MUN_E_PERMISSION, 0,
                     "the private key %s can be read by other users (mode %03o); if nobody has "
                     "copied it, run: chmod 600 '%s'",
                     text, info.mode & 0777, text);
}

mun_code mun_signing_key_read(const char *path, mun_slice passphrase, mun_signing_key *ret,
                              mun_error *err)
{
    if (strcmp(path, "-") != 0) MUN_TRY(private_check(path, err));
    /* Fixed memory, so that growing leaves no copies of the secret behind. */
    uint8_t bytes[MUN_KEY_FILE_MAX];
    mun_buf pem = mun_buf_fixed(bytes, sizeof bytes);
    mun_code code = mun_file_read(path, sizeof bytes, &pem, err);
    if (code == MUN_OK) {
        code = mun_signing_key_parse(mun_buf_slice(&pem), passphrase, ret, err);
        if (code != MUN_OK) code = prefix_path(err, code, path);
    }
    mun_cleanse(bytes, pem.len);
    return code;
}

void mun_signing_key_free(mun_signing_key *key)
{
    if (key == NULL) return;
    mun_private_key_free(key->handle);
    *key = (mun_signing_key){0};
}

static mun_code write_private(const char *path, const mun_private_key *key, mun_slice passphrase,
                              mun_error *err)
{
    uint8_t bytes[MUN_PRIVATE_PEM_MAX];
    mun_buf pem = mun_buf_fixed(bytes, sizeof bytes);
    mun_code code = mun_private_key_to_pem(key, passphrase, &pem, err);
    if (code == MUN_OK) code = mun_file_write(path, mun_buf_slice(&pem), MUN_WRITE_SECRET, err);
    mun_cleanse(bytes, sizeof bytes);
    return code;
}

static mun_code write_pair(const char *path, mun_private_key *key, mun_slice passphrase,
                           mun_public_key *ret, mun_error *err)
{
    char public_path[MUN_PATH_BYTES_MAX];
    if ((size_t)snprintf(public_path, sizeof public_path, "%s.pub", path) >= sizeof public_path) {
        return mun_fail(err, MUN_E_USAGE, MUN_NO_OFFSET, "the path is too long");
    }
    mun_signer signer;
    mun_private_key_signer(key, &signer);
    uint8_t bytes[MUN_PUBLIC_PEM_MAX];
    mun_buf pem = mun_buf_fixed(bytes, sizeof bytes);
    mun_public_key_to_pem(&signer.key, &pem);
    MUN_TRY(write_private(path, key, passphrase, err));
    mun_code code = mun_file_write(public_path, mun_buf_slice(&pem), 0, err);
    if (code != MUN_OK) {
        mun_code removed = mun_file_remove(path, NULL); /* the first failure is the one to tell */
        (void)removed;
        return code;
    }
    *ret = signer.key;
    return MUN_OK;
}

mun_code mun_key_files_make(const char *path, int32_t alg, mun_slice passphrase,
                            mun_public_key *ret, mun_error *err)
{
    mun_private_key *key = NULL;
    MUN_TRY(mun_private_key_generate(alg, &key, err));
    mun_code code = write_pair(path, key, passphrase, ret, err);
    mun_private_key_free(key);
    return code;
}
