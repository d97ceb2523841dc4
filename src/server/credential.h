/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request says about who sends it: a bearer token (RFC 6750 section 2.1), or a client
 * certificate as the proxy hands it on. Only its SHA-256 is looked at further.
 *
 * Threads: no shared state; a crypto table belongs to one thread at a time.
 */
#ifndef MUN_SERVER_CREDENTIAL_H
#define MUN_SERVER_CREDENTIAL_H

#include "server/request.h"

typedef enum mun_credential_kind {
    MUN_CREDENTIAL_NONE,
    MUN_CREDENTIAL_TOKEN,
    MUN_CREDENTIAL_CERTIFICATE,
    MUN_CREDENTIAL_BAD /* there is one, and it cannot be read */
} mun_credential_kind;

/* A token counts before a certificate. Schemes other than Bearer are not ours and count as none. */
mun_credential_kind mun_credential_of(const mun_crypto *crypto, const mun_request *request,
                                      uint8_t ret_hash[MUN_HASH_SIZE]);

#endif
