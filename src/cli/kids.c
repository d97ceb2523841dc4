/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/kids.h"

#include "cli/speak.h"
#include "codec/radix.h"

#include <string.h>

static mun_code add(mun_kids *kids, mun_slice kid, mun_error *err)
{
    for (size_t i = 0; i < kids->len; i++) {
        if (mun_slice_equal(kids->kids[i], kid)) return MUN_OK;
    }
    if (kids->len == MUN_TRUST_KIDS_MAX) {
        return mun_failf(err, MUN_E_USAGE, 0, "a key can have %d names besides its thumbprint",
                         MUN_TRUST_KIDS_MAX);
    }
    memcpy(kids->bytes[kids->len], kid.ptr, kid.len);
    kids->kids[kids->len] = mun_slice_of(kids->bytes[kids->len], kid.len);
    kids->len++;
    return MUN_OK;
}

mun_code mun_kids_read(const mun_app *app, mun_slice own, mun_kids *ret, mun_error *err)
{
    const char *value;
    ret->len = 0;
    for (size_t i = 0; (value = mun_args_nth(&app->args, MUN_OPT_KID, i)) != NULL; i++) {
        uint8_t room[MUN_KID_MAX];
        mun_buf kid = mun_buf_fixed(room, sizeof room);
        if (!mun_hex_take(mun_slice_cstr(value), &kid) || kid.len == 0) {
            return mun_failf(err, MUN_E_USAGE, 0, "--kid %s is not 1 to %d bytes in hexadecimal",
                             MUN_PLAIN_PATH(value), MUN_KID_MAX);
        }
        MUN_TRY(add(ret, mun_buf_slice(&kid), err));
    }
    return own.len > 0 ? add(ret, own, err) : MUN_OK;
}
