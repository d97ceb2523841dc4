/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/trust_world.h"

#include "support/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mun_crypto crypto;

static void crypto_end(void)
{
    mun_native_crypto_free(&crypto);
}

mun_crypto *trust_crypto(void)
{
    if (crypto.ctx == NULL) {
        must(mun_native_crypto_new(&crypto, err));
        atexit(crypto_end);
    }
    return &crypto;
}

void trust_replace(const char *text, const char *from, const char *to, char *ret, size_t cap)
{
    const char *at = strstr(text, from);
    if (at == NULL) fail_msg("\"%s\" is not in the text", from);
    int len = snprintf(ret, cap, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    assert_true(len > 0 && (size_t)len < cap);
}
