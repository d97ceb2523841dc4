/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/maker.h"

#include "codec/cbor.h"
#include "codec/radix.h"
#include "support/cmocka_all.h"

void put_hex(mun_buf *buf, const char *hex)
{
    while (*hex != '\0') {
        if (*hex == ' ') {
            hex++;
            continue;
        }
        if (!mun_hex_take(mun_slice_of(hex, 2), buf)) fail_msg("not hex: %s", hex);
        hex += 2;
    }
}

mun_slice make_message(mun_buf *buf, const char *protected_map, const char *unprotected_map,
                       const char *payload, const char *signature)
{
    size_t start = buf->len;
    put_hex(buf, "d284");
    size_t from = buf->len;
    put_hex(buf, protected_map);
    mun_cbor_wrap_bytes(buf, from);
    put_hex(buf, unprotected_map);
    if (payload == NULL) {
        put_hex(buf, "5820");
        memset(mun_buf_reserve(buf, 32), 0, 32);
    } else {
        put_hex(buf, payload);
    }
    put_hex(buf, signature == NULL ? "4100" : signature);
    assert_true(mun_buf_ok(buf));
    return mun_slice_of(buf->ptr + start, buf->len - start);
}
