/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/digest_stream.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct mun_digest_stream {
    EVP_MD *md;
    EVP_MD_CTX *context;
};

static const char *name_of(int32_t hash_alg)
{
    switch (hash_alg) {
    case MUN_HASH_SHA256: return "SHA256";
    case MUN_HASH_SHA384: return "SHA384";
    case MUN_HASH_SHA512: return "SHA512";
    default: return NULL;
    }
}

static mun_code failed(mun_error *err)
{
    return mun_fail(err, MUN_E_CRYPTO, MUN_NO_OFFSET, "the cryptographic library made no digest");
}

mun_code mun_digest_stream_new(int32_t hash_alg, mun_digest_stream **ret, mun_error *err)
{
    const char *name = name_of(hash_alg);
    if (name == NULL) {
        return mun_failf(err, MUN_E_UNSUPPORTED, 0, "hash algorithm %d is not supported",
                         (int)hash_alg);
    }
    mun_digest_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) return mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "no memory for a digest");
    stream->md = EVP_MD_fetch(NULL, name, NULL);
    stream->context = EVP_MD_CTX_new();
    if (stream->md == NULL || stream->context == NULL ||
        EVP_DigestInit_ex2(stream->context, stream->md, NULL) != 1) {
        mun_digest_stream_free(stream);
        return failed(err);
    }
    *ret = stream;
    return MUN_OK;
}

void mun_digest_stream_free(mun_digest_stream *stream)
{
    if (stream == NULL) return;
    EVP_MD_CTX_free(stream->context);
    EVP_MD_free(stream->md);
    free(stream);
}

mun_code mun_digest_stream_add(mun_digest_stream *stream, mun_slice bytes, mun_error *err)
{
    if (bytes.len == 0) return MUN_OK;
    return EVP_DigestUpdate(stream->context, bytes.ptr, bytes.len) == 1 ? MUN_OK : failed(err);
}

mun_code mun_digest_stream_end(mun_digest_stream *stream, uint8_t ret[MUN_DIGEST_MAX],
                               size_t *ret_len, mun_error *err)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (EVP_DigestFinal_ex(stream->context, digest, &len) != 1 || len > MUN_DIGEST_MAX ||
        EVP_DigestInit_ex2(stream->context, stream->md, NULL) != 1) {
        return failed(err);
    }
    memcpy(ret, digest, len);
    *ret_len = len;
    return MUN_OK;
}
