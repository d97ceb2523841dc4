/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/policy_document.h"

#include "codec/utf8.h"
#include "trust/json_strict.h"

#define ENTRY_RULE     "cose-sign1-empty-unprotected/1"
#define COSE_KEY_BYTES 768 /* 1024 characters of base64url */

static const int32_t all_algorithms[] = {
    MUN_ALG_ES256, MUN_ALG_EDDSA, MUN_ALG_ESP256, MUN_ALG_ED25519, MUN_ALG_ES384,  MUN_ALG_ES512,
    MUN_ALG_PS256, MUN_ALG_PS384, MUN_ALG_PS512,  MUN_ALG_ESP384,  MUN_ALG_ESP512,
};
#define ALL_ALGORITHMS (sizeof all_algorithms / sizeof all_algorithms[0])

static const char *const role_names[] = {"receipts", "checkpoints", "administrator"};

/* ---- Origin ------------------------------------------------------------------------------ */

static const char *origin_fault(mun_slice origin)
{
    if (origin.len == 0) return "it is empty";
    if (origin.len > MUN_POLICY_ORIGIN_MAX) return "it is longer than 255 bytes";
    if (!mun_utf8_valid(origin)) return "it is not UTF-8";
    if (origin.ptr[origin.len - 1] == '/') return "it ends in '/'";
    mun_cursor c = mun_cursor_over(origin);
    while (mun_cursor_left(&c) > 0) {
        if (mun_slice_starts(mun_slice_of(c.at, mun_cursor_left(&c)), MUN_LITERAL("://"))) {
            return "it holds '://': give it without a scheme such as https://";
        }
        uint32_t point = mun_utf8_take(&c);
        if (point < 0x20 || point == 0x7f) return "it holds a control character";
        if (mun_unicode_is_space(point)) return "it holds a space";
        if (point == '+') return "it holds a '+'";
    }
    return NULL;
}

mun_code mun_origin_check(mun_slice origin, mun_error *err)
{
    const char *fault = origin_fault(origin);
    if (fault == NULL) return MUN_OK;
    return mun_failf(err, MUN_E_USAGE, 0,
                     "the ledger's name is not acceptable: %s; a name is a host and a path, such "
                     "as ledger.example/deeds",
                     fault);
}

/* ---- Keys in JSON ------------------------------------------------------------------------ */

static json_t *key_json(const mun_policy_key *key)
{
    MUN_BUF_AUTO mun_buf cose = mun_buf_growable(MUN_COSE_KEY_MAX);
    mun_cose_key_write(&key->key, (mun_slice){0}, 0, &cose);
    if (cose.overflow) return NULL;
    return json_pack("{s:s, s:i, s:o, s:o}", "role", role_names[key->role], "alg", (int)key->alg,
                     "kid", mun_json_new_base64url(mun_slice_of(key->kid, MUN_HASH_SIZE)),
                     "coseKey", mun_json_new_base64url(mun_buf_slice(&cose)));
}

/* A COSE_Key that is byte for byte what [KEY-3] says. */
static mun_code cose_key_exact(mun_slice cose, mun_public_key *ret, mun_error *err)
{
    mun_slice kid;
    MUN_TRY(mun_cose_key_parse(cose, ret, &kid, err));
    uint8_t again[MUN_COSE_KEY_MAX];
    mun_buf written = mun_buf_fixed(again, sizeof again);
    mun_cose_key_write(ret, (mun_slice){0}, 0, &written);
    if (written.overflow || !mun_slice_equal(mun_buf_slice(&written), cose)) {
        return mun_fail(err, MUN_E_MALFORMED, MUN_NO_OFFSET,
                        "a COSE_Key holds more than the required members, or is not in "
                        "deterministic order");
    }
    return MUN_OK;
}

static void key_role(mun_json_object *o, mun_policy_role *ret)
{
    mun_slice text = mun_json_text(o, "role", 1, 16);
    for (size_t i = 0; i < sizeof role_names / sizeof role_names[0]; i++) {
        if (mun_slice_equal(text, mun_slice_cstr(role_names[i]))) {
            *ret = (mun_policy_role)i;
            return;
        }
    }
    mun_json_refuse(o, "role", "is not receipts, checkpoints or administrator");
}

static mun_code key_parse(const mun_crypto *crypto, mun_json_object *o, mun_policy_key *ret)
{
    uint8_t cose[COSE_KEY_BYTES], kid[MUN_HASH_SIZE], thumbprint[MUN_HASH_SIZE];
    mun_buf cose_buf = mun_buf_fixed(cose, sizeof cose), kid_buf = mun_buf_fixed(kid, sizeof kid);
    key_role(o, &ret->role);
    ret->alg = (int32_t)mun_json_int(o, "alg", MUN_ALG_ES384, MUN_ALG_ES256);
    mun_json_base64url(o, "kid", &kid_buf);
    mun_json_base64url(o, "coseKey", &cose_buf);
    MUN_TRY(mun_json_close(o));
    MUN_TRY(cose_key_exact(mun_buf_slice(&cose_buf), &ret->key, o->err));
    mun_key_thumbprint(crypto, &ret->key, thumbprint);
    if (!mun_alg_fits(ret->alg, &ret->key)) mun_json_refuse(o, "alg", "does not fit the key");
    if (!mun_slice_equal(mun_buf_slice(&kid_buf), mun_slice_of(thumbprint, sizeof thumbprint))) {
        mun_json_refuse(o, "kid", "is not the thumbprint of the key");
    }
    memcpy(ret->kid, thumbprint, sizeof ret->kid);
    return mun_json_close(o);
}

/* The array "keys": exactly one receipts key, one checkpoints key, no key twice [POL-4]. The kids
 * of all of them go to all_kids. */
static mun_code keys_parse(const mun_crypto *crypto, mun_json_object *o, mun_policy_keys *ret,
                           uint8_t all_kids[][MUN_HASH_SIZE], size_t *ret_len)
{
    const json_t *array = mun_json_array(o, "keys", 2, MUN_POLICY_KEYS_MAX);
    size_t len = json_array_size(array), of_role[3] = {0};
    for (size_t i = 0; i < len; i++) {
        mun_json_object element = mun_json_open_at(o, "keys", array, i);
        mun_policy_key key = {0};
        MUN_TRY(key_parse(crypto, &element, &key));
        for (size_t j = 0; j < i; j++) {
            if (memcmp(all_kids[j], key.kid, MUN_HASH_SIZE) == 0) {
                mun_json_refuse(o, "keys", "holds a key twice");
            }
        }
        memcpy(all_kids[i], key.kid, MUN_HASH_SIZE);
        of_role[key.role]++;
        if (key.role == MUN_POLICY_RECEIPTS) ret->receipts = key;
        if (key.role == MUN_POLICY_CHECKPOINTS) ret->checkpoints = key;
    }
    if (of_role[MUN_POLICY_RECEIPTS] != 1 || of_role[MUN_POLICY_CHECKPOINTS] != 1) {
        mun_json_refuse(o, "keys", "does not hold exactly one receipts and one checkpoints key");
    } else if (ret->checkpoints.alg != MUN_ALG_EDDSA) {
        mun_json_refuse(o, "keys", "has a checkpoints key that is not Ed25519");
    }
    *ret_len = len;
    return o->code;
}

/* ---- Policy ------------------------------------------------------------------------------ */

static void key_of_signer(const mun_signer *signer, mun_policy_role role, mun_policy_key *ret)
{
    *ret = (mun_policy_key){.role = role, .alg = signer->alg, .key = signer->key};
    memcpy(ret->kid, signer->kid, sizeof ret->kid);
}

mun_code mun_policy_init(mun_slice origin, int64_t created, bool any_issuer,
                         const mun_signer *receipts, const mun_signer *checkpoints, mun_policy *ret,
                         mun_error *err)
{
    MUN_TRY(mun_origin_check(origin, err));
    *ret = (mun_policy){
        .origin_len = origin.len,
        .created = created,
        .algorithms_len = ALL_ALGORITHMS,
        .administrators_len = 1,
        .threshold = 1,
        .any_issuer = any_issuer,
    };
    memcpy(ret->origin, origin.ptr, origin.len);
    memcpy(ret->algorithms, all_algorithms, sizeof all_algorithms);
    key_of_signer(receipts, MUN_POLICY_RECEIPTS, &ret->keys.receipts);
    key_of_signer(checkpoints, MUN_POLICY_CHECKPOINTS, &ret->keys.checkpoints);
    memcpy(ret->administrators[0], receipts->kid, MUN_HASH_SIZE);
    return MUN_OK;
}

static json_t *algorithms_json(const mun_policy *policy)
{
    json_t *array = json_array();
    for (size_t i = 0; i < policy->algorithms_len; i++) {
        if (json_array_append_new(array, json_integer(policy->algorithms[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *administrators_json(const mun_policy *policy)
{
    json_t *kids = json_array();
    for (size_t i = 0; i < policy->administrators_len; i++) {
        mun_slice kid = mun_slice_of(policy->administrators[i], MUN_HASH_SIZE);
        if (json_array_append_new(kids, mun_json_new_base64url(kid)) != 0) {
            json_decref(kids);
            return NULL;
        }
    }
    return json_pack("{s:I, s:o}", "threshold", (json_int_t)policy->threshold, "kids", kids);
}

mun_code mun_policy_write(const mun_policy *policy, mun_buf *ret, mun_error *err)
{
    char created[MUN_UTC_TEXT];
    mun_utc_text(policy->created, created);
    json_t *json = json_pack(
        "{s:i, s:o, s:s, s:s, s:o, s:[o, o], s:s, s:o}", "version", MUN_POLICY_VERSION, "origin",
        mun_json_new_text(mun_policy_origin(policy)), "created", created, "entryRule", ENTRY_RULE,
        "algorithms", algorithms_json(policy), "keys", key_json(&policy->keys.receipts),
        key_json(&policy->keys.checkpoints), "issuerMode", policy->any_issuer ? "any" : "listed",
        "administrators", administrators_json(policy));
    return mun_json_dump(json, ret, err);
}

/* Before all else: a newer version may have members that this one does not know [FMT-1]. */
static mun_code version_check(const json_t *json, const char *what, mun_error *err)
{
    const json_t *version = json_object_get(json, "version");
    if (!json_is_integer(version)) {
        return mun_failf(err, MUN_E_MALFORMED, 0, "%s has no version number", what);
    }
    json_int_t number = json_integer_value(version);
    if (number > MUN_POLICY_VERSION) {
        return mun_failf(err, MUN_E_VERSION, 0,
                         "%s has version %lld and was made by a newer version of Muniment, which "
                         "is needed to read it",
                         what, (long long)number);
    }
    if (number != MUN_POLICY_VERSION) {
        return mun_failf(err, MUN_E_MALFORMED, 0, "%s has version %lld, which never existed", what,
                         (long long)number);
    }
    return MUN_OK;
}

static void algorithms_parse(mun_json_object *o, mun_policy *ret)
{
    const json_t *array = mun_json_array(o, "algorithms", 1, ALL_ALGORITHMS);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *value = json_array_get(array, i);
        json_int_t alg = json_is_integer(value) ? json_integer_value(value) : 0;
        size_t known = 0;
        while (known < ALL_ALGORITHMS && all_algorithms[known] != alg) known++;
        if (known == ALL_ALGORITHMS) {
            mun_json_refuse(o, "algorithms", "names an algorithm that is not known");
        } else if (mun_policy_allows(ret, (int32_t)alg)) {
            mun_json_refuse(o, "algorithms", "names an algorithm twice");
        } else {
            ret->algorithms[ret->algorithms_len++] = (int32_t)alg;
        }
    }
}

static bool kid_among(const uint8_t kid[MUN_HASH_SIZE], const uint8_t (*kids)[MUN_HASH_SIZE],
                      size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (memcmp(kids[i], kid, MUN_HASH_SIZE) == 0) return true;
    }
    return false;
}

/* [POL-5] */
static mun_code administrators_parse(mun_json_object *outer, mun_policy *ret,
                                     const uint8_t (*keys)[MUN_HASH_SIZE], size_t keys_len)
{
    (void)mun_json_has(outer, "administrators");
    mun_json_object o = mun_json_open(json_object_get(outer->json, "administrators"),
                                      "administrators of the policy document", outer->err);
    ret->threshold = mun_json_int(&o, "threshold", 1, MUN_POLICY_KEYS_MAX);
    const json_t *kids = mun_json_array(&o, "kids", 1, MUN_POLICY_KEYS_MAX);
    for (size_t i = 0; i < json_array_size(kids); i++) {
        uint8_t *kid = ret->administrators[i];
        mun_buf buf = mun_buf_fixed(kid, MUN_HASH_SIZE);
        mun_json_base64url_at(&o, "kids", kids, i, &buf);
        if (o.code != MUN_OK) break;
        if (buf.len != MUN_HASH_SIZE || !kid_among(kid, keys, keys_len) ||
            kid_among(kid, ret->administrators, i)) {
            mun_json_refuse(&o, "kids", "does not name different keys of the policy");
        }
        ret->administrators_len = i + 1;
    }
    if (o.code == MUN_OK && (size_t)ret->threshold > ret->administrators_len) {
        mun_json_refuse(&o, "threshold", "is larger than the number of administrators");
    }
    return mun_json_close(&o);
}

static void origin_parse(mun_json_object *o, mun_policy *ret)
{
    mun_slice origin = mun_json_text(o, "origin", 1, MUN_POLICY_ORIGIN_MAX);
    if (origin.len == 0) return;
    if (mun_origin_check(origin, NULL) != MUN_OK) {
        mun_json_refuse(o, "origin", "is not an acceptable name of a ledger");
        return;
    }
    ret->origin_len = origin.len;
    memcpy(ret->origin, origin.ptr, origin.len);
}

static void scalars_parse(mun_json_object *o, mun_policy *ret)
{
    (void)mun_json_int(o, "version", MUN_POLICY_VERSION, MUN_POLICY_VERSION);
    origin_parse(o, ret);
    if (!mun_utc_parse(mun_json_text(o, "created", 1, MUN_UTC_TEXT), &ret->created)) {
        mun_json_refuse(o, "created", "is not a time such as 2026-11-22T12:00:00Z");
    }
    if (!mun_slice_equal(mun_json_text(o, "entryRule", 1, 64), MUN_LITERAL(ENTRY_RULE))) {
        mun_json_refuse(o, "entryRule", "is not known");
    }
    mun_slice mode = mun_json_text(o, "issuerMode", 1, 16);
    ret->any_issuer = mun_slice_equal(mode, MUN_LITERAL("any"));
    if (!ret->any_issuer && !mun_slice_equal(mode, MUN_LITERAL("listed"))) {
        mun_json_refuse(o, "issuerMode", "is neither listed nor any");
    }
}

mun_code mun_policy_parse(const mun_crypto *crypto, mun_slice text, mun_policy *ret, mun_error *err)
{
    static const char what[] = "the policy document";
    MUN_JSON_AUTO json_t *json = NULL;
    MUN_TRY(mun_json_load(text, what, &json, err));
    MUN_TRY(version_check(json, what, err));
    mun_json_object o = mun_json_open(json, what, err);
    mun_policy policy = {0};
    uint8_t kids[MUN_POLICY_KEYS_MAX][MUN_HASH_SIZE];
    size_t kids_len = 0;
    scalars_parse(&o, &policy);
    algorithms_parse(&o, &policy);
    MUN_TRY(keys_parse(crypto, &o, &policy.keys, kids, &kids_len));
    MUN_TRY(administrators_parse(&o, &policy, kids, kids_len));
    MUN_TRY(mun_json_close(&o));
    *ret = policy;
    return MUN_OK;
}

bool mun_policy_allows(const mun_policy *policy, int32_t alg)
{
    for (size_t i = 0; i < policy->algorithms_len; i++) {
        if (policy->algorithms[i] == alg) return true;
    }
    return false;
}

/* ---- Issuer statements ------------------------------------------------------------------- */

static json_t *kids_json(const mun_issuer_document *document)
{
    json_t *array = json_array();
    for (size_t i = 0; i < document->kids_len; i++) {
        if (json_array_append_new(array, mun_json_new_base64url(document->kids[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

mun_code mun_issuer_document_write(const mun_issuer_document *d, mun_buf *ret, mun_error *err)
{
    json_t *json = json_pack("{s:i, s:s, s:o}", "version", MUN_POLICY_VERSION, "action",
                             d->remove ? "remove" : "add", "issuer", mun_json_new_text(d->issuer));
    int failed = json == NULL ? -1 : 0;
    if (failed == 0 && !d->remove) {
        failed |= json_object_set_new(json, "coseKey", mun_json_new_base64url(d->cose_key));
        failed |= json_object_set_new(json, "kids", kids_json(d));
    } else if (failed == 0 && d->have_thumbprint) {
        mun_slice thumbprint = mun_slice_of(d->thumbprint, MUN_HASH_SIZE);
        failed |= json_object_set_new(json, "thumbprint", mun_json_new_base64url(thumbprint));
    }
    if (failed != 0) {
        json_decref(json);
        json = NULL;
    }
    return mun_json_dump(json, ret, err);
}

/* What was decoded since start, as a slice of the document's memory. The memory was reserved whole
 * before, so it does not move. */
static mun_slice decoded(const mun_buf *memory, size_t start)
{
    return mun_slice_of(memory->ptr + start, memory->len - start);
}

static void kids_parse(mun_json_object *o, mun_issuer_document *ret)
{
    const json_t *array = mun_json_array(o, "kids", 0, MUN_TRUST_KIDS_MAX);
    for (size_t i = 0; i < json_array_size(array) && o->code == MUN_OK; i++) {
        size_t start = ret->memory.len;
        mun_json_base64url_at(o, "kids", array, i, &ret->memory);
        mun_slice kid = decoded(&ret->memory, start);
        if (kid.len == 0 || kid.len > MUN_KEY_KID_BYTES_MAX) {
            mun_json_refuse(o, "kids", "holds a kid that has not 1 to 256 bytes");
        }
        for (size_t j = 0; j < i; j++) {
            if (mun_slice_equal(ret->kids[j], kid)) mun_json_refuse(o, "kids", "holds a kid twice");
        }
        ret->kids[ret->kids_len++] = kid;
    }
}

static void add_parse(const mun_crypto *crypto, mun_json_object *o, mun_issuer_document *ret)
{
    size_t start = ret->memory.len;
    mun_json_base64url(o, "coseKey", &ret->memory);
    ret->cose_key = decoded(&ret->memory, start);
    kids_parse(o, ret);
    if (o->code != MUN_OK) return;
    mun_public_key key;
    o->code = cose_key_exact(ret->cose_key, &key, o->err);
    if (o->code != MUN_OK) return;
    mun_key_thumbprint(crypto, &key, ret->thumbprint);
    ret->have_thumbprint = true;
}

static void remove_parse(mun_json_object *o, mun_issuer_document *ret)
{
    ret->have_thumbprint = mun_json_has(o, "thumbprint");
    if (!ret->have_thumbprint) return;
    mun_buf buf = mun_buf_fixed(ret->thumbprint, MUN_HASH_SIZE);
    mun_json_base64url(o, "thumbprint", &buf);
    if (buf.len != MUN_HASH_SIZE) mun_json_refuse(o, "thumbprint", "has not 32 bytes");
}

static mun_code issuer_members(const mun_crypto *crypto, const json_t *json, const char *what,
                               mun_issuer_document *ret, mun_error *err)
{
    mun_json_object o = mun_json_open(json, what, err);
    (void)mun_json_int(&o, "version", MUN_POLICY_VERSION, MUN_POLICY_VERSION);
    mun_slice issuer = mun_json_text(&o, "issuer", 1, MUN_NAME_MAX);
    size_t start = ret->memory.len;
    mun_buf_put(&ret->memory, issuer);
    ret->issuer = decoded(&ret->memory, start);
    mun_slice action = mun_json_text(&o, "action", 1, 16);
    ret->remove = mun_slice_equal(action, MUN_LITERAL("remove"));
    if (ret->remove) {
        remove_parse(&o, ret);
    } else if (mun_slice_equal(action, MUN_LITERAL("add"))) {
        add_parse(crypto, &o, ret);
    } else {
        mun_json_refuse(&o, "action", "is neither add nor remove");
    }
    return mun_json_close(&o);
}

mun_code mun_issuer_document_parse(const mun_crypto *crypto, mun_slice text,
                                   mun_issuer_document *ret, mun_error *err)
{
    static const char what[] = "the issuer statement";
    MUN_JSON_AUTO json_t *json = NULL;
    MUN_TRY(mun_json_load(text, what, &json, err));
    MUN_TRY(version_check(json, what, err));
    /* All that is decoded is shorter than the text; one reservation, so that slices stay put. */
    mun_issuer_document document = {.memory = mun_buf_growable(text.len + 64)};
    mun_code code = mun_buf_reserve(&document.memory, text.len + 64) != NULL
                        ? MUN_OK
                        : mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
    document.memory.len = 0;
    if (code == MUN_OK) code = issuer_members(crypto, json, what, &document, err);
    if (code != MUN_OK) {
        mun_issuer_document_free(&document);
        return code;
    }
    *ret = document;
    return MUN_OK;
}

void mun_issuer_document_free(mun_issuer_document *document)
{
    if (document != NULL) mun_buf_free(&document->memory);
}
