/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of a private key; shared by making and signing (private_key.c) and files
 * (pkcs8_read.c, pkcs8_write.c). */
#ifndef MUN_CRYPTO_PRIVATE_KEY_H
#define MUN_CRYPTO_PRIVATE_KEY_H

#include "base/error.h"
#include "crypto/native.h"

#include <muniment/keys.h>

#define PKCS8_LABEL_CLEAR     "PRIVATE KEY"
#define PKCS8_LABEL_ENCRYPTED "ENCRYPTED PRIVATE KEY"

struct mun_private_key {
    const scheme *scheme;
    EVP_PKEY *pkey;
    mun_public_key public_key;
    hash_set hashes;
};

/* Takes pkey over, also when it fails: MUN_E_UNSUPPORTED, MUN_E_MALFORMED, MUN_E_MEMORY. */
mun_code private_key_wrap(EVP_PKEY *pkey, mun_private_key **ret, mun_error *err);

/* MUN_E_USAGE: it is empty. MUN_E_LIMIT: it is too long. */
mun_code private_key_passphrase(mun_slice passphrase, mun_error *err);

#endif
