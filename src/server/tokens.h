/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bearer tokens and client certificates as the service keeps them: a name, scopes, two times and a
 * SHA-256. A token is `mun_` and 32 random bytes as base64url; its hash can be kept without salt,
 * because nobody can guess 256 random bits. Files, one line each (docs/SERVICE.md, "Access"):
 *
 *   NAME SCOPES CREATED EXPIRES SHA256
 *
 * Ownership: a list owns its tokens; free it with mun_token_list_free. Threads: values.
 */
#ifndef MUN_SERVER_TOKENS_H
#define MUN_SERVER_TOKENS_H

#include "base/buf.h"
#include "base/error.h"
#include "server/access.h"

#define MUN_TOKEN_BYTES 32
#define MUN_TOKEN_CHARS 47 /* "mun_" and 43 of base64url */

typedef struct mun_token {
    mun_principal principal;
    int64_t created, expires; /* seconds since 1970; expires 0: never */
    uint8_t hash[MUN_HASH_SIZE];
} mun_token;

typedef struct mun_token_list {
    mun_token *tokens;
    size_t len;
} mun_token_list;

/* In the order of the file. MUN_E_MALFORMED names the line; MUN_E_LIMIT. */
MUN_MUST mun_code mun_token_list_parse(mun_slice text, mun_token_list *ret, mun_error *err);
/* private_file: refused (MUN_E_PERMISSION) when others can read it; otherwise when others can
 * write it. The path is in the sentence of every error. */
MUN_MUST mun_code mun_token_list_read(const char *path, bool private_file, mun_token_list *ret,
                                      mun_error *err);
void mun_token_list_free(mun_token_list *list); /* accepts a zeroed one */

/* MUN_E_PERMISSION when the file has one of these permission bits. What systemd hands over as a
 * credential (systemd.exec(5): the folder is for this service alone) has the bits of its ACL. A
 * missing file, or a folder, is for whoever reads it to tell. */
MUN_MUST mun_code mun_file_private(const char *path, unsigned forbidden, mun_error *err);
#define MUN_MODE_SECRET 0077u /* nobody else reads it */
#define MUN_MODE_OURS   0022u /* nobody else changes it */

/* For look-ups: sorts by hash. */
void mun_token_list_sort(mun_token_list *list);
/* In a sorted list; the whole hash is compared in constant time. NULL: none such. */
const mun_token *mun_token_list_find(const mun_token_list *list, const uint8_t hash[MUN_HASH_SIZE]);

/* The list as a file's text, with the line that says what it is. */
void mun_token_list_put(mun_buf *ret, const mun_token_list *list);
/* "submit,read" and back. False: an unknown word, one twice, none. */
void mun_scopes_put(mun_buf *ret, unsigned scopes);
MUN_MUST bool mun_scopes_parse(mun_slice text, unsigned *ret);
/* 1..MUN_PRINCIPAL_NAME_MAX of [A-Za-z0-9._@-]. */
bool mun_principal_name_valid(mun_slice name);

/* A new one: the text that is shown once, NUL-terminated, and what is kept of it. */
MUN_MUST mun_code mun_token_make(char ret[MUN_TOKEN_CHARS + 1], uint8_t ret_hash[MUN_HASH_SIZE],
                                 mun_error *err);

#endif
