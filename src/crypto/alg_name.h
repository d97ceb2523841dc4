/* SPDX-License-Identifier: Apache-2.0 */
/* Names of COSE algorithms and digests, for people and for JSON. Threads: no shared state. */
#ifndef MUN_CRYPTO_ALG_NAME_H
#define MUN_CRYPTO_ALG_NAME_H

#include <muniment/crypto.h>

/* The name in the IANA registry of COSE algorithms ("ES256", "SHA-256"); NULL: none of ours. */
const char *mun_alg_name(int32_t alg);

#endif
