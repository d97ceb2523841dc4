/* SPDX-License-Identifier: Apache-2.0 */
/* The files that hold tokens, and new ones. Their text is tokens.c's. */
#include "server/tokens.h"

#include "codec/radix.h"
#include "vfs/files.h"

#include <muniment/keys.h>
#include <stdlib.h>
#include <string.h>

static bool is_credential(const char *path)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    size_t len = folder != NULL ? strlen(folder) : 0;
    return len > 1 && strncmp(path, folder, len) == 0 && path[len] == '/' &&
           strstr(path + len, "/../") == NULL;
}

/* Looked at before it is read: what others can change says nothing about who may do what. */
mun_code mun_file_private(const char *path, unsigned forbidden, mun_error *err)
{
    mun_file_info info;
    char name[MUN_PATH_TEXT_MAX];
    MUN_TRY(mun_file_look(path, true, &info, err));
    if (info.kind == MUN_FILE_MISSING || info.kind == MUN_FILE_DIRECTORY) return MUN_OK;
    if ((info.mode & forbidden) == 0) return MUN_OK;
    if (is_credential(path)) return MUN_OK;
    bool secret = forbidden == MUN_MODE_SECRET;
    mun_path_text(name, sizeof name, path);
    return mun_failf(err, MUN_E_PERMISSION, 0, "others can %s %s (mode %04o); run chmod %s %s",
                     secret ? "read" : "change", name, info.mode, secret ? "600" : "go-w", name);
}

mun_code mun_token_list_read(const char *path, bool private_file, mun_token_list *ret,
                             mun_error *err)
{
    char name[MUN_PATH_TEXT_MAX];
    mun_buf text MUN_BUF_AUTO = mun_buf_growable(MUN_TOKENS_FILE_MAX + 1);
    MUN_TRY(mun_file_private(path, private_file ? MUN_MODE_SECRET : MUN_MODE_OURS, err));
    MUN_TRY(mun_file_read(path, MUN_TOKENS_FILE_MAX, &text, err));
    mun_code code = mun_token_list_parse(mun_buf_slice(&text), ret, err);
    if (code == MUN_OK) return MUN_OK;
    mun_path_text(name, sizeof name, path);
    return mun_error_prefix(err, code, name);
}

mun_code mun_token_make(char ret[MUN_TOKEN_CHARS + 1], uint8_t ret_hash[MUN_HASH_SIZE],
                        mun_error *err)
{
    uint8_t random[MUN_TOKEN_BYTES];
    mun_crypto crypto;
    MUN_TRY(mun_native_crypto_new(&crypto, err));
    mun_code code = mun_native_random(NULL, random, sizeof random);
    if (code == MUN_OK) {
        mun_buf text = mun_buf_fixed(ret, MUN_TOKEN_CHARS);
        mun_buf_text(&text, "mun_");
        mun_base64url_put(&text, mun_slice_of(random, sizeof random));
        ret[text.len] = '\0';
        mun_slice whole = mun_buf_slice(&text);
        crypto.sha256(crypto.ctx, &whole, 1, ret_hash);
    } else {
        code = mun_fail(err, code, MUN_NO_OFFSET, "no random numbers");
    }
    mun_cleanse(random, sizeof random);
    mun_native_crypto_free(&crypto);
    return code;
}
