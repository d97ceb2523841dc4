/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/trust_text.h"

#include "trust/json_strict.h"
#include "trust/policy_document.h"

#include <muniment/keys.h>

#define TRUST_VERSION  1
#define COSE_KEY_BYTES 768

static const char *const role_names[] = {"issuer", "ledger", "witness", "tsa"};

const char *mun_role_name(mun_role role)
{
    return role_names[role];
}

bool mun_role_parse(mun_slice text, mun_role *ret)
{
    for (size_t i = 0; i < sizeof role_names / sizeof role_names[0]; i++) {
        if (!mun_slice_equal(text, mun_slice_cstr(role_names[i]))) continue;
        *ret = (mun_role)i;
        return true;
    }
    return false;
}

/* ---- Reading ----------------------------------------------------------------------------- */

/* What one entry's slices point to while it is visited. */
typedef struct entry_memory {
    uint8_t cose[COSE_KEY_BYTES];
    uint8_t kids[MUN_TRUST_KIDS_MAX][MUN_KID_MAX];
} entry_memory;

static void kids_parse(mun_json_object *o, entry_memory *memory, mun_trusted_key *ret)
{
    if (!mun_json_has(o, "kids")) return;
    const json_t *array = mun_json_array(o, "kids", 0, MUN_TRUST_KIDS_MAX);
    for (size_t i = 0; i < json_array_size(array); i++) {
        mun_buf buf = mun_buf_fixed(memory->kids[i], MUN_KID_MAX);
        mun_json_base64url_at(o, "kids", array, i, &buf);
        ret->kids[ret->kids_len++] = mun_buf_slice(&buf);
    }
}

static void key_parse(mun_json_object *o, entry_memory *memory, mun_public_key *ret)
{
    mun_buf cose = mun_buf_fixed(memory->cose, sizeof memory->cose);
    mun_json_base64url(o, "coseKey", &cose);
    if (o->code != MUN_OK) return;
    mun_slice kid;
    o->code = mun_cose_key_parse(mun_buf_slice(&cose), ret, &kid, o->err);
    if (o->code == MUN_OK) o->code = mun_public_key_check(ret, o->err);
    if (o->code != MUN_OK) o->code = mun_error_prefix(o->err, o->code, o->where);
}

static mun_code entry_parse(mun_json_object *o, entry_memory *memory, mun_trust_entry *ret)
{
    *ret = (mun_trust_entry){.key.trusted = true};
    mun_slice role = mun_json_text(o, "role", 1, 16);
    if (o->code == MUN_OK && !mun_role_parse(role, &ret->key.role)) {
        mun_json_refuse(o, "role", "is not issuer, ledger, witness or tsa");
    }
    ret->key.name = mun_json_text(o, "name", 1, MUN_NAME_MAX);
    key_parse(o, memory, &ret->key.key);
    kids_parse(o, memory, &ret->key);
    if (mun_json_has(o, "reason")) {
        ret->reason = mun_json_text(o, "reason", 0, MUN_TRUST_REASON_MAX);
    }
    mun_slice added = mun_json_text(o, "added", 1, MUN_UTC_TEXT);
    if (o->code == MUN_OK && !mun_utc_parse(added, &ret->added)) {
        mun_json_refuse(o, "added", "is not a time such as 2026-11-22T12:00:00Z");
    }
    return mun_json_close(o);
}

static mun_code version_check(const json_t *json, mun_error *err)
{
    const json_t *version = json_object_get(json, "version");
    if (json_is_integer(version) && json_integer_value(version) > TRUST_VERSION) {
        return mun_failf(err, MUN_E_VERSION, 0,
                         "the trust file has version %lld and was made by a newer version of "
                         "Muniment",
                         (long long)json_integer_value(version));
    }
    return MUN_OK;
}

mun_code mun_trust_text_parse(mun_slice text, mun_trust_visit visit, void *ctx, mun_error *err)
{
    MUN_JSON_AUTO json_t *json = NULL;
    MUN_TRY(mun_json_load(text, "the trust file", &json, err));
    MUN_TRY(version_check(json, err));
    mun_json_object o = mun_json_open(json, "the trust file", err);
    (void)mun_json_int(&o, "version", TRUST_VERSION, TRUST_VERSION);
    const json_t *array = mun_json_array(&o, "keys", 0, MUN_TRUST_ENTRIES_MAX);
    MUN_TRY(mun_json_close(&o));
    for (size_t i = 0; i < json_array_size(array); i++) {
        mun_json_object element = mun_json_open_at(&o, "keys", array, i);
        entry_memory memory;
        mun_trust_entry entry;
        MUN_TRY(entry_parse(&element, &memory, &entry));
        MUN_TRY(visit(ctx, &entry, err));
    }
    return MUN_OK;
}

/* By what counts of a key; bytes of its arrays beyond the lengths may be anything. */
static bool same_public_key(const mun_public_key *a, const mun_public_key *b)
{
    return a->kty == b->kty && a->crv == b->crv &&
           mun_slice_equal(mun_slice_of(a->x, a->x_len), mun_slice_of(b->x, b->x_len)) &&
           mun_slice_equal(mun_slice_of(a->y, a->y_len), mun_slice_of(b->y, b->y_len)) &&
           mun_slice_equal(mun_slice_of(a->n, a->n_len), mun_slice_of(b->n, b->n_len)) &&
           mun_slice_equal(mun_slice_of(a->e, a->e_len), mun_slice_of(b->e, b->e_len));
}

bool mun_trust_same_key(const mun_trusted_key *a, const mun_trusted_key *b)
{
    return a->role == b->role && mun_slice_equal(a->name, b->name) &&
           same_public_key(&a->key, &b->key);
}

/* ---- Writing ----------------------------------------------------------------------------- */

static json_t *kids_json(const mun_trusted_key *key)
{
    json_t *array = json_array();
    for (size_t i = 0; i < key->kids_len; i++) {
        if (json_array_append_new(array, mun_json_new_base64url(key->kids[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *entry_json(const mun_trust_entry *entry)
{
    uint8_t bytes[MUN_COSE_KEY_MAX];
    mun_buf cose = mun_buf_fixed(bytes, sizeof bytes);
    mun_cose_key_write(&entry->key.key, (mun_slice){0}, 0, &cose);
    char added[MUN_UTC_TEXT];
    mun_utc_text(entry->added, added);
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:s}", "role", mun_role_name(entry->key.role),
                     "name", mun_json_new_text(entry->key.name), "coseKey",
                     mun_json_new_base64url(mun_buf_slice(&cose)), "kids", kids_json(&entry->key),
                     "reason", mun_json_new_text(entry->reason), "added", added);
}

mun_code mun_trust_text_write(const mun_trust_entry *entries, size_t len, mun_buf *ret,
                              mun_error *err)
{
    json_t *array = json_array();
    for (size_t i = 0; i < len; i++) {
        if (json_array_append_new(array, entry_json(&entries[i])) == 0) continue;
        json_decref(array);
        return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET,
                        "the name or the reason is not UTF-8 text");
    }
    MUN_TRY(
        mun_json_dump(json_pack("{s:i, s:o}", "version", TRUST_VERSION, "keys", array), ret, err));
    mun_buf_u8(ret, '\n');
    return MUN_OK;
}
