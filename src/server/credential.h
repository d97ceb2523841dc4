/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request says about who sends it: a bearer token (RFC 6750 section 2.1), or a client
 * certificate as the proxy hands it on. Only its SHA-256 is looked at further.
 *
 * Threads: any. One table of digests serves the whole process, under a lock: a table of its own for
 * each ledger would cost 44 KiB of memory each.
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

/* Makes the table of digests, the first time. MUN_E_CRYPTO, MUN_E_MEMORY. */
MUN_MUST mun_code mun_credential_prepare(mun_error *err);

/* A token counts before a certificate. Schemes other than Bearer are not ours and count as none.
 * After mun_credential_prepare. */
mun_credential_kind mun_credential_of(const mun_request *request, uint8_t ret_hash[MUN_HASH_SIZE]);

#endif
