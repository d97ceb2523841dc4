/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/key_text.h"

#include <stdio.h>
#include <string.h>

/* "EC P-256", "Ed25519", "RSA 2048" */
static const char *key_kind(const mun_public_key *key, char ret[24])
{
    switch (key->crv) {
    case MUN_CRV_P256:
        if (key->kty == MUN_KTY_EC2) return "EC P-256";
        break;
    case MUN_CRV_P384:
        if (key->kty == MUN_KTY_EC2) return "EC P-384";
        break;
    case MUN_CRV_P521:
        if (key->kty == MUN_KTY_EC2) return "EC P-521";
        break;
    case MUN_CRV_ED25519: return "Ed25519";
    default: break;
    }
    snprintf(ret, 24, "RSA %u", key->n_len * 8u);
    return ret;
}

static mun_slice own_name(const mun_app *app, const mun_public_key *key, mun_buf *room)
{
    mun_key_thumbprint_uri(&app->crypto, key, room);
    return mun_buf_slice(room);
}

void mun_key_print(const mun_app *app, const mun_public_key *key)
{
    uint8_t thumbprint[MUN_HASH_SIZE], room[256];
    mun_buf name = mun_buf_fixed(room, sizeof room);
    mun_key_thumbprint(&app->crypto, key, thumbprint);
    printf("  kind        %s\n", key_kind(key, (char[24]){0}));
    printf("  thumbprint  %s\n", MUN_HEX(thumbprint, sizeof thumbprint));
    printf("  own name    %s\n", MUN_PLAIN(own_name(app, key, &name)));
}

void mun_out_key(const mun_app *app, json_t *object, const mun_public_key *key)
{
    uint8_t thumbprint[MUN_HASH_SIZE], room[256];
    mun_buf name = mun_buf_fixed(room, sizeof room);
    mun_buf jwk MUN_BUF_AUTO = mun_buf_growable(4096);
    mun_key_thumbprint(&app->crypto, key, thumbprint);
    mun_out_cstr(object, "kind", key_kind(key, (char[24]){0}));
    mun_out_hex(object, "thumbprint", mun_slice_of(thumbprint, sizeof thumbprint));
    mun_out_text(object, "own_name", own_name(app, key, &name));
    mun_jwk_write(key, &jwk);
    json_t *parsed = json_loadb((const char *)jwk.ptr, jwk.len, 0, NULL);
    if (parsed != NULL) mun_out_put(object, "jwk", parsed);
}

static bool as_identity(const mun_key_file *file, mun_ledger_pub *ret)
{
    if (file->format != MUN_KEY_FORMAT_LEDGER_PUB) return false;
    *ret = (mun_ledger_pub){.origin = {file->name, file->name_len},
                            .receipts = file->keys[0],
                            .checkpoints = file->keys[1]};
    return true;
}

void mun_key_file_print(const mun_app *app, const mun_key_file *file)
{
    mun_ledger_pub pub;
    if (as_identity(file, &pub)) {
        mun_identity_print(app, &pub);
        return;
    }
    printf("public key (%s)\n", mun_key_format_name(file->format));
    if (file->name_len > 0) {
        printf("  name        %s\n", MUN_PLAIN(mun_slice_of(file->name, file->name_len)));
    }
    if (file->kid_len > 0) printf("  kid         %s\n", MUN_HEX(file->kid, file->kid_len));
    if (file->vkey_type != 0) {
        printf("  signs       %s\n",
               file->vkey_type == MUN_VKEY_COSIGNER ? "cosignatures, as a witness" : "checkpoints");
    }
    mun_key_print(app, &file->keys[0]);
}

void mun_out_key_file(const mun_app *app, json_t *object, const mun_key_file *file)
{
    mun_ledger_pub pub;
    mun_out_cstr(object, "format", mun_key_format_name(file->format));
    if (as_identity(file, &pub)) {
        mun_out_identity(app, object, &pub);
        return;
    }
    if (file->name_len > 0) {
        mun_out_text(object, "name", mun_slice_of(file->name, file->name_len));
    }
    if (file->kid_len > 0) mun_out_hex(object, "kid", mun_slice_of(file->kid, file->kid_len));
    mun_out_key(app, object, &file->keys[0]);
}

static mun_slice vkey_of(const mun_app *app, const mun_ledger_pub *pub, mun_buf *room)
{
    mun_vkey_write(&app->crypto, pub->origin, MUN_VKEY_LOG, &pub->checkpoints, room);
    return mun_buf_slice(room);
}

static mun_slice fingerprint_of(const mun_app *app, const mun_ledger_pub *pub, mun_buf *room)
{
    mun_ledger_fingerprint(&app->crypto, pub, room);
    return mun_buf_slice(room);
}

void mun_identity_print(const mun_app *app, const mun_ledger_pub *pub)
{
    uint8_t thumbprint[MUN_HASH_SIZE], vkey_room[MUN_VKEY_MAX], words_room[256];
    mun_buf vkey = mun_buf_fixed(vkey_room, sizeof vkey_room);
    mun_buf words = mun_buf_fixed(words_room, sizeof words_room);
    mun_key_thumbprint(&app->crypto, &pub->receipts, thumbprint);
    printf("ledger %s\n", MUN_PLAIN(pub->origin));
    printf("  receipts     %s, thumbprint %s\n", key_kind(&pub->receipts, (char[24]){0}),
           MUN_HEX(thumbprint, sizeof thumbprint));
    printf("  checkpoints  %s\n", MUN_PLAIN(vkey_of(app, pub, &vkey)));
    printf("  fingerprint  %s\n", MUN_PLAIN(fingerprint_of(app, pub, &words)));
}

static json_t *key_object(const mun_app *app, const mun_public_key *key)
{
    json_t *object = json_object();
    mun_out_key(app, object, key);
    return object;
}

void mun_out_identity(const mun_app *app, json_t *object, const mun_ledger_pub *pub)
{
    uint8_t vkey_room[MUN_VKEY_MAX], words_room[256];
    mun_buf vkey = mun_buf_fixed(vkey_room, sizeof vkey_room);
    mun_buf words = mun_buf_fixed(words_room, sizeof words_room);
    mun_out_text(object, "origin", pub->origin);
    mun_out_put(object, "receipts", key_object(app, &pub->receipts));
    mun_out_put(object, "checkpoints", key_object(app, &pub->checkpoints));
    mun_out_text(object, "vkey", vkey_of(app, pub, &vkey));
    mun_out_text(object, "fingerprint", fingerprint_of(app, pub, &words));
}

bool mun_is_private_pem(mun_slice text)
{
    static const char mark[] = "PRIVATE KEY-----";
    return text.len > 0 && memmem(text.ptr, text.len, mark, sizeof mark - 1) != NULL;
}
