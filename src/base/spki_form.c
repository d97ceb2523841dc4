/* SPDX-License-Identifier: Apache-2.0 */
#include "base/spki_form.h"

#include "base/buf.h"

typedef struct spki_form {
    int32_t kty, crv;
    uint16_t width;
    bool has_y;
    mun_slice prefix;
} spki_form;

static const spki_form forms[] = {
    {MUN_KTY_EC2, MUN_CRV_P256, 32, true,
     MUN_LITERAL("\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce"
                 "\x3d\x03\x01\x07\x03\x42\x00\x04")},
    {MUN_KTY_EC2, MUN_CRV_P384, 48, true,
     MUN_LITERAL("\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00"
                 "\x22\x03\x62\x00\x04")},
    {MUN_KTY_EC2, MUN_CRV_P521, 66, true,
     MUN_LITERAL("\x30\x81\x9b\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04"
                 "\x00\x23\x03\x81\x86\x00\x04")},
    {MUN_KTY_OKP, MUN_CRV_ED25519, 32, false,
     MUN_LITERAL("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00")},
};

#define FORMS (sizeof forms / sizeof forms[0])

bool mun_spki_form_read(mun_slice der, mun_public_key *ret)
{
    for (size_t i = 0; i < FORMS; i++) {
        const spki_form *form = &forms[i];
        size_t len = form->prefix.len + (size_t)form->width * (form->has_y ? 2 : 1);
        if (der.len != len || !mun_slice_starts(der, form->prefix)) continue;
        const uint8_t *x = der.ptr + form->prefix.len;
        *ret = (mun_public_key){.kty = form->kty, .crv = form->crv, .x_len = form->width};
        memcpy(ret->x, x, form->width);
        if (!form->has_y) return true;
        ret->y_len = form->width;
        memcpy(ret->y, x + form->width, form->width);
        return true;
    }
    return false;
}

bool mun_spki_form_write(const mun_public_key *key, mun_buf *ret)
{
    for (size_t i = 0; i < FORMS; i++) {
        if (forms[i].kty != key->kty || forms[i].crv != key->crv) continue;
        mun_buf_put(ret, forms[i].prefix);
        mun_buf_put(ret, mun_slice_of(key->x, key->x_len));
        if (forms[i].has_y) mun_buf_put(ret, mun_slice_of(key->y, key->y_len));
        return true;
    }
    return false;
}
