/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte says what the rest is: a file of tokens (read, written, read again: the same), or
 * one of the fields by which a client says who it is. */
#include "fuzz/fuzz_need.h"
#include "server/credential.h"
#include "server/tokens.h"

#include <stdlib.h>
#include <string.h>

static void tokens(mun_slice text)
{
    mun_token_list first, second;
    mun_error err = {0};
    if (mun_token_list_parse(text, &first, &err) != MUN_OK) {
        need(err.text[0] != '\0');
        return;
    }
    mun_buf written = mun_buf_growable(MUN_TOKENS_FILE_MAX * 2);
    mun_token_list_put(&written, &first);
    need(mun_token_list_parse(mun_buf_slice(&written), &second, &err) == MUN_OK);
    need(first.len == second.len);
    need(first.len == 0 ||
         memcmp(first.tokens, second.tokens, first.len * sizeof *first.tokens) == 0);
    mun_token_list_sort(&second);
    for (size_t i = 0; i < first.len; i++) {
        const mun_token *found = mun_token_list_find(&second, first.tokens[i].hash);
        need(found != NULL && strcmp(found->principal.name, first.tokens[i].principal.name) == 0);
    }
    mun_buf_free(&written);
    mun_token_list_free(&first);
    mun_token_list_free(&second);
}

static void field(mun_field which, mun_slice text)
{
    uint8_t hash[MUN_HASH_SIZE];
    mun_request request = {.method = MUN_METHOD_GET};
    need(mun_credential_prepare(NULL) == MUN_OK);
    request.fields[which] = text;
    mun_credential_kind kind = mun_credential_of(&request, hash);
    need(text.len > 0 || kind == MUN_CREDENTIAL_NONE);
    need(kind != MUN_CREDENTIAL_TOKEN || which == MUN_FIELD_AUTHORIZATION);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    mun_slice rest = mun_slice_of(data + 1, size - 1);
    if (data[0] == 't') tokens(rest);
    if (data[0] == 'a') field(MUN_FIELD_AUTHORIZATION, rest);
    if (data[0] == 'c') field(MUN_FIELD_X_CLIENT_CERT, rest);
    if (data[0] == 'h') field(MUN_FIELD_X_CLIENT_CERT_SHA256, rest);
    return 0;
}
