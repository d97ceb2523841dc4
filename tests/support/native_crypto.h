/* SPDX-License-Identifier: Apache-2.0 */
/* One crypto table for a test program: `crypto`, made and freed by these two as group fixtures. */
#ifndef MUN_TESTS_NATIVE_CRYPTO_H
#define MUN_TESTS_NATIVE_CRYPTO_H

#include <muniment/keys.h>

static mun_crypto crypto;

static int crypto_set_up(void **state)
{
    (void)state;
    return mun_native_crypto_new(&crypto, NULL) == MUN_OK ? 0 : -1;
}

static int crypto_tear_down(void **state)
{
    (void)state;
    mun_native_crypto_free(&crypto);
    return 0;
}

#endif
