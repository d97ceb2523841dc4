/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A digest over bytes that come in pieces, for documents too large to hold (the table of
 * muniment/crypto.h wants all parts at once).
 *
 * Ownership: free with mun_digest_stream_free, which accepts NULL. Threads: one at a time.
 */
#ifndef MUN_CRYPTO_DIGEST_STREAM_H
#define MUN_CRYPTO_DIGEST_STREAM_H

#include "base/error.h"

#include <muniment/crypto.h>

typedef struct mun_digest_stream mun_digest_stream;

/* hash_alg: MUN_HASH_SHA256, _SHA384 or _SHA512. MUN_E_UNSUPPORTED, MUN_E_CRYPTO, MUN_E_MEMORY. */
MUN_MUST mun_code mun_digest_stream_new(int32_t hash_alg, mun_digest_stream **ret, mun_error *err);
void mun_digest_stream_free(mun_digest_stream *stream);
MUN_MUST mun_code mun_digest_stream_add(mun_digest_stream *stream, mun_slice bytes, mun_error *err);
/* The digest of all that was added; the stream then begins anew. */
MUN_MUST mun_code mun_digest_stream_end(mun_digest_stream *stream, uint8_t ret[MUN_DIGEST_MAX],
                                        size_t *ret_len, mun_error *err);

#endif
