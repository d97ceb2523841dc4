/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which documents a service has by one issuer and key, as hashes of what identifies them: so that
 * thousands need not be asked about one by one. A hint only: what is in it is asked about; what is
 * not is registered.
 * Ownership: mun_known_set_free. Threads: one.
 */
#ifndef MUN_CLI_KNOWN_SET_H
#define MUN_CLI_KNOWN_SET_H

#include "base/error.h"
#include "base/slice.h"

#include <muniment/crypto.h>

#define MUN_KNOWN_MAX (1u << 20) /* documents; beyond them the service is asked one by one */

typedef struct mun_known_set {
    uint8_t (*slots)[MUN_HASH_SIZE]; /* all zero: free */
    size_t cap, len;                 /* cap: a power of two */
} mun_known_set;

void mun_known_id(const mun_crypto *crypto, mun_slice subject, mun_slice content_type,
                  mun_slice digest, uint8_t ret[MUN_HASH_SIZE]);
/* MUN_E_LIMIT: it is full. */
MUN_MUST mun_code mun_known_set_put(mun_known_set *set, const uint8_t id[MUN_HASH_SIZE],
                                    mun_error *err);
bool mun_known_set_has(const mun_known_set *set, const uint8_t id[MUN_HASH_SIZE]);
void mun_known_set_free(mun_known_set *set);

#endif
