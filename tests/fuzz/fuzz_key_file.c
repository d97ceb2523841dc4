/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys in any form. What is read is a key that passes its check, and comes back as a JWK. */
#include "fuzz/fuzz_need.h"
#include "trust/keyfile.h"

#include "base/slice.h"

#include <muniment/keys.h>

static void check_key(const mun_public_key *key)
{
    mun_public_key again;
    mun_buf text = mun_buf_growable(4096);
    need(mun_public_key_check(key, NULL) == MUN_OK);
    mun_jwk_write(key, &text);
    need(mun_buf_ok(&text));
    need(mun_jwk_parse(mun_buf_slice(&text), &again, NULL, NULL) == MUN_OK);
    need(again.kty == key->kty && again.crv == key->crv);
    need(memcmp(again.x, key->x, key->x_len) == 0 && memcmp(again.n, key->n, key->n_len) == 0);
    mun_buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static mun_crypto crypto;
    mun_key_file file;
    mun_error err = {0};
    if (crypto.ctx == NULL) need(mun_native_crypto_new(&crypto, &err) == MUN_OK);
    if (mun_key_file_parse(&crypto, mun_slice_of(data, size), &file, &err) != MUN_OK) {
        need(err.text[0] != '\0');
        return 0;
    }
    need(file.keys_len >= 1 && file.keys_len <= MUN_KEY_FILE_KEYS);
    need(mun_key_format_name(file.format)[0] != '\0');
    for (size_t i = 0; i < file.keys_len; i++) check_key(&file.keys[i]);
    return 0;
}
