/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys from bytes, as DER and as PEM. What is read is written back to the same DER, and is a
 * key that passes its own check: there is one form of each key.
 */
#include "base/buf.h"
#include "base/slice.h"

#include <muniment/keys.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool condition)
{
    if (!condition) abort();
}

static void check_der(mun_slice input)
{
    mun_public_key key;
    uint8_t der[MUN_PUBLIC_DER_MAX];
    if (mun_public_key_from_der(input, &key, NULL) != MUN_OK) return;
    need(mun_public_key_check(&key, NULL) == MUN_OK);
    mun_buf buf = mun_buf_fixed(der, sizeof der);
    mun_public_key_to_der(&key, &buf);
    need(mun_buf_ok(&buf) && mun_slice_equal(mun_buf_slice(&buf), input));
}

static void check_pem(mun_slice input)
{
    mun_public_key key, again;
    mun_error err;
    uint8_t pem[MUN_PUBLIC_PEM_MAX];
    if (mun_public_key_from_pem(input, &key, &err) != MUN_OK) return;
    mun_buf buf = mun_buf_fixed(pem, sizeof pem);
    mun_public_key_to_pem(&key, &buf);
    need(mun_buf_ok(&buf));
    need(mun_public_key_from_pem(mun_buf_slice(&buf), &again, NULL) == MUN_OK);
    need(memcmp(&key, &again, sizeof key) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_der(mun_slice_of(data, size));
    check_pem(mun_slice_of(data, size));
    return 0;
}
