/* SPDX-License-Identifier: Apache-2.0 */
/* A new signing key for a test, by the way that a key file takes: made, written as PEM, read. */
#ifndef MUN_TESTS_NEW_KEY_H
#define MUN_TESTS_NEW_KEY_H

#include "base/buf.h"
#include "base/slice.h"
#include "support/must.h"
#include "trust/keyfile.h"

#include <muniment/keys.h>

static inline mun_signing_key new_signing_key(int32_t alg)
{
    uint8_t bytes[MUN_PRIVATE_PEM_MAX];
    mun_buf pem = mun_buf_fixed(bytes, sizeof bytes);
    mun_private_key *key = NULL;
    mun_signing_key ret;
    must(mun_private_key_generate(alg, &key, err));
    must(mun_private_key_to_pem(key, (mun_slice){0}, &pem, err));
    mun_private_key_free(key);
    must(mun_signing_key_parse(mun_buf_slice(&pem), (mun_slice){0}, &ret, err));
    return ret;
}

#endif
