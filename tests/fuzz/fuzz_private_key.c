/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private key files from bytes, under the passphrase of the corpus ("corpus"). What is read signs,
 * its signature verifies, and written in the clear it is read again as the same key.
 */
#include "base/buf.h"
#include "base/slice.h"

#include <muniment/keys.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool condition)
{
    if (!condition) abort();
}

static void check_signature(const mun_signer *signer)
{
    mun_crypto crypto;
    const mun_slice part = MUN_LITERAL("message");
    uint8_t signature[MUN_SIGNATURE_MAX];
    size_t len = 0;
    need(mun_native_crypto_new(&crypto, NULL) == MUN_OK);
    need(signer->sign(signer->ctx, &part, 1, signature, &len) == MUN_OK);
    need(crypto.verify(crypto.ctx, signer->alg, &signer->key, &part, 1,
                       mun_slice_of(signature, len)) == MUN_OK);
    mun_native_crypto_free(&crypto);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mun_slice input = mun_slice_of(data, size);
    mun_private_key *key = NULL, *again = NULL;
    mun_error err;
    mun_private_key_encrypted(input);
    if (mun_private_key_from_pem(input, MUN_LITERAL("corpus"), &key, &err) != MUN_OK) return 0;
    mun_signer signer, signer_again;
    mun_private_key_signer(key, &signer);
    check_signature(&signer);
    uint8_t pem[MUN_PRIVATE_PEM_MAX];
    mun_buf buf = mun_buf_fixed(pem, sizeof pem);
    need(mun_private_key_to_pem(key, (mun_slice){0}, &buf, NULL) == MUN_OK);
    need(mun_private_key_from_pem(mun_buf_slice(&buf), (mun_slice){0}, &again, NULL) == MUN_OK);
    mun_private_key_signer(again, &signer_again);
    need(memcmp(&signer.key, &signer_again.key, sizeof signer.key) == 0);
    mun_private_key_free(key);
    mun_private_key_free(again);
    return 0;
}
