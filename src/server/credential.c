/* SPDX-License-Identifier: Apache-2.0 */
#include "server/credential.h"

#include "base/assert.h"
#include "base/buf.h"
#include "codec/radix.h"
#include "crypto/pem.h"
#include "server/ascii.h"
#include "server/framing.h"
#include "server/service_limits.h"

#include <muniment/keys.h>
#include <pthread.h>

#define PEM_MAX 8192 /* a certificate with its whole chain of names; nginx sends the leaf alone */

static pthread_mutex_t digest_lock = PTHREAD_MUTEX_INITIALIZER;
static mun_crypto digests; /* under the lock */
static bool digests_ready; /* the same; set once */

mun_code mun_credential_prepare(mun_error *err)
{
    pthread_mutex_lock(&digest_lock);
    mun_code code = digests_ready ? MUN_OK : mun_native_crypto_new(&digests, err);
    digests_ready = code == MUN_OK;
    pthread_mutex_unlock(&digest_lock);
    return code;
}

static void sha256(mun_slice bytes, uint8_t ret[MUN_HASH_SIZE])
{
    pthread_mutex_lock(&digest_lock);
    MUN_ASSERT(digests_ready);
    digests.sha256(digests.ctx, &bytes, 1, ret);
    pthread_mutex_unlock(&digest_lock);
}

/* What follows "Bearer" and spaces; the scheme's case does not matter (RFC 9110 section 11.1). */
static bool bearer_take(mun_slice field, mun_slice *ret)
{
    const mun_slice scheme = MUN_LITERAL("bearer");
    size_t n = scheme.len;
    if (!mun_ascii_starts(field, scheme)) return false;
    if (field.len == n || !mun_ascii_space(field.ptr[n])) return false;
    while (n < field.len && mun_ascii_space(field.ptr[n])) n++;
    *ret = mun_slice_of(field.ptr + n, field.len - n);
    return true;
}

static mun_credential_kind certificate_hash(mun_slice escaped, uint8_t ret[MUN_HASH_SIZE])
{
    uint8_t room[PEM_MAX];
    mun_buf pem = mun_buf_fixed(room, sizeof room);
    pem_block block PEM_BLOCK_AUTO = {0};
    if (!mun_percent_decode(escaped, &pem)) return MUN_CREDENTIAL_BAD;
    if (pem_read(mun_buf_slice(&pem), &block, NULL) != MUN_OK) return MUN_CREDENTIAL_BAD;
    if (strcmp(block.label, "CERTIFICATE") != 0) return MUN_CREDENTIAL_BAD;
    sha256(mun_slice_of(block.der, block.len), ret);
    return MUN_CREDENTIAL_CERTIFICATE;
}

mun_credential_kind mun_credential_of(const mun_request *request, uint8_t ret_hash[MUN_HASH_SIZE])
{
    mun_slice token;
    mun_slice certificate = request->fields[MUN_FIELD_X_CLIENT_CERT];
    mun_slice fingerprint = request->fields[MUN_FIELD_X_CLIENT_CERT_SHA256];
    if (bearer_take(request->fields[MUN_FIELD_AUTHORIZATION], &token)) {
        if (token.len == 0 || token.len > MUN_CREDENTIAL_MAX) return MUN_CREDENTIAL_BAD;
        sha256(token, ret_hash);
        return MUN_CREDENTIAL_TOKEN;
    }
    if (certificate.len > 0) return certificate_hash(certificate, ret_hash);
    if (fingerprint.len == 0) return MUN_CREDENTIAL_NONE;
    mun_buf hash = mun_buf_fixed(ret_hash, MUN_HASH_SIZE);
    bool good = mun_hex_take(fingerprint, &hash) && hash.len == MUN_HASH_SIZE;
    return good ? MUN_CREDENTIAL_CERTIFICATE : MUN_CREDENTIAL_BAD;
}
