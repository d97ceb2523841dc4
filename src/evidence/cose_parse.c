/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the envelope:
 *
 *   d2 84  bstr protected (a map, carried CBOR)  map unprotected  bstr or nil  bstr signature
 */
#include "evidence/cose.h"

#include "base/assert.h"

#define SIGN1_ELEMENTS 4

/* A header label, small enough to keep all of a map's [CBOR-8]. */
typedef struct header_label {
    mun_cbor_type type;
    uint64_t value; /* integer argument, or the length of the text */
    const uint8_t *text;
} header_label;

typedef struct label_set {
    size_t len;
    header_label at[MUN_CBOR_PAIRS_MAX];
} label_set;

/* [STMT-5]: what the drafts used. */
static const int64_t legacy_labels[] = {391, 392, 393, -111, -222, -6800, -6801, -6802};
static const mun_labels legacy = {legacy_labels, sizeof legacy_labels / sizeof legacy_labels[0]};

mun_code mun_cose_refuse(const mun_cose_sign1 *message, const mun_cbor_item *item, const char *rule,
                         const char *sentence, mun_error *err)
{
    bool placed = item != NULL && item->whole.ptr != NULL;
    uint64_t at = placed ? (uint64_t)(item->whole.ptr - message->bytes.ptr) : 0;
    return mun_fail_rule(err, MUN_E_MALFORMED, rule, at, sentence);
}

static bool holds(const mun_labels *labels, int64_t label)
{
    for (size_t i = 0; i < labels->len; i++)
        if (labels->at[i] == label) return true;
    return false;
}

static bool label_equal(const header_label *a, const header_label *b)
{
    if (a->type != b->type || a->value != b->value) return false;
    return a->type != MUN_CBOR_TEXT || a->value == 0 ||
           memcmp(a->text, b->text, (size_t)a->value) == 0;
}

static bool listed(const label_set *list, const header_label *l)
{
    for (size_t i = 0; i < list->len; i++)
        if (label_equal(&list->at[i], l)) return true;
    return false;
}

mun_cbor_item mun_cose_find(const mun_cbor_item *map, int64_t label)
{
    mun_cursor c = mun_cbor_open(map);
    while (mun_cbor_more(&c)) {
        mun_cbor_item key = mun_cbor_take(&c), value = mun_cbor_take(&c);
        int64_t number;
        if (mun_cbor_int(&key, &number) && number == label) return value;
    }
    return (mun_cbor_item){.type = MUN_CBOR_NONE};
}

int32_t mun_cose_number(const mun_cbor_item *item)
{
    int64_t v;
    if (!mun_cbor_int(item, &v) || v < INT32_MIN || v > INT32_MAX) return 0;
    return (int32_t)v;
}

static bool is_integer(const mun_cbor_item *item)
{
    return item->type == MUN_CBOR_UINT || item->type == MUN_CBOR_NEGATIVE;
}

static header_label label_of(const mun_cbor_item *item)
{
    return (header_label){item->type, item->value, item->inside.ptr};
}

/* [STMT-3], [STMT-5] and the placement rules, for one map. */
static mun_code labels_read(const mun_cose_sign1 *m, const mun_cbor_item *map,
                            const mun_labels *forbidden, label_set *ret, mun_error *err)
{
    mun_cursor c = mun_cbor_open(map);
    ret->len = 0;
    while (mun_cbor_more(&c)) {
        mun_cbor_item key = mun_cbor_take(&c);
        mun_cbor_take(&c);
        int64_t number;
        if (key.type != MUN_CBOR_TEXT && !is_integer(&key))
            return mun_cose_refuse(m, &key, "label-invalid",
                                   "a header label is neither a number nor text", err);
        if (mun_cbor_int(&key, &number) && holds(&legacy, number))
            return mun_cose_refuse(m, &key, "label-legacy",
                                   "a header label is one of a draft from before the standard; "
                                   "have the statement made by a current program",
                                   err);
        if (mun_cbor_int(&key, &number) && holds(forbidden, number))
            return mun_cose_refuse(m, &key, "label-misplaced",
                                   "a header label stands in the wrong one of the two headers",
                                   err);
        MUN_ASSERT(ret->len < MUN_CBOR_PAIRS_MAX); /* the map was checked */
        ret->at[ret->len++] = label_of(&key);
    }
    return MUN_OK;
}

/* [STMT-4]: a label in both maps could be read in two ways. */
static mun_code overlap_check(const mun_cose_sign1 *m, const label_set *protected_labels,
                              mun_error *err)
{
    mun_cursor c = mun_cbor_open(&m->unprotected_map);
    while (mun_cbor_more(&c)) {
        mun_cbor_item key = mun_cbor_take(&c);
        mun_cbor_take(&c);
        header_label l = label_of(&key);
        if (listed(protected_labels, &l))
            return mun_cose_refuse(m, &key, "label-in-both",
                                   "a header label stands in both headers", err);
    }
    return MUN_OK;
}

/* [STMT-6], RFC 9052 section 3.1. */
static mun_code crit_check(const mun_cose_sign1 *m, const mun_cose_profile *profile,
                           const label_set *protected_labels, mun_error *err)
{
    mun_cbor_item crit = mun_cose_find(&m->protected_map, LABEL_CRIT);
    if (crit.type == MUN_CBOR_NONE) return MUN_OK;
    bool good = crit.type == MUN_CBOR_ARRAY && crit.inside.len > 0;
    mun_cursor c = mun_cbor_open(&crit);
    while (good && mun_cbor_more(&c)) {
        mun_cbor_item item = mun_cbor_take(&c);
        header_label l = label_of(&item);
        int64_t number;
        good = mun_cbor_int(&item, &number) && holds(&profile->crit_known, number) &&
               listed(protected_labels, &l);
    }
    if (good) return MUN_OK;
    return mun_cose_refuse(m, &crit, "crit-unknown",
                           "the header demands that something is understood which this program "
                           "does not know",
                           err);
}

static mun_code headers_check(const mun_cose_sign1 *m, const mun_cose_profile *profile,
                              mun_error *err)
{
    label_set labels;
    MUN_TRY(labels_read(m, &m->unprotected_map, &profile->not_unprotected, &labels, err));
    MUN_TRY(labels_read(m, &m->protected_map, &profile->not_protected, &labels, err));
    MUN_TRY(overlap_check(m, &labels, err));
    return crit_check(m, profile, &labels, err);
}

/* An error of the CBOR checker under the name of our rule, at its place in the whole message. */
static mun_code cbor_checked(mun_slice bytes, mun_cbor_mode mode, const char *rule, uint64_t base,
                             mun_error *err)
{
    mun_error inner;
    if (mun_cbor_check(bytes, mode, &inner) == MUN_OK) return MUN_OK;
    return mun_fail_rule(err, MUN_E_MALFORMED, rule, base + inner.offset, inner.text);
}

/* [STMT-1]: the shape. */
static mun_code envelope_read(const mun_cose_profile *profile, mun_cose_sign1 *m, mun_error *err)
{
    MUN_TRY(cbor_checked(m->bytes, MUN_CBOR_STRICT, profile->shape_rule, 0, err));
    mun_cursor outer = mun_cursor_over(m->bytes);
    mun_cbor_item tag = mun_cbor_take(&outer);
    mun_cursor tagged = mun_cbor_open(&tag);
    mun_cbor_item array = mun_cbor_take(&tagged);
    mun_cursor elements = mun_cbor_open(&array);
    bool shaped = tag.type == MUN_CBOR_TAG && tag.value == TAG_COSE_SIGN1 &&
                  array.type == MUN_CBOR_ARRAY && array.value == SIGN1_ELEMENTS;
    mun_cbor_item protected_item = mun_cbor_take(&elements);
    m->unprotected_map = mun_cbor_take(&elements);
    m->payload = mun_cbor_take(&elements);
    mun_cbor_item signature = mun_cbor_take(&elements);
    shaped = shaped && protected_item.type == MUN_CBOR_BYTES &&
             m->unprotected_map.type == MUN_CBOR_MAP &&
             (m->payload.type == MUN_CBOR_BYTES || mun_cbor_is_null(&m->payload)) &&
             signature.type == MUN_CBOR_BYTES;
    if (!shaped)
        return mun_fail_rule(err, MUN_E_MALFORMED, profile->shape_rule, 0, profile->shape_text);
    m->protected_bytes = protected_item.inside;
    m->signature = signature.inside;
    return MUN_OK;
}

/* [STMT-2]. */
static mun_code protected_read(mun_cose_sign1 *m, mun_error *err)
{
    uint64_t base = (uint64_t)(m->protected_bytes.ptr - m->bytes.ptr);
    MUN_TRY(cbor_checked(m->protected_bytes, MUN_CBOR_CARRIED, "protected-invalid", base, err));
    mun_cursor c = mun_cursor_over(m->protected_bytes);
    m->protected_map = mun_cbor_take(&c);
    if (m->protected_map.type == MUN_CBOR_MAP) return MUN_OK;
    return mun_fail_rule(err, MUN_E_MALFORMED, "protected-invalid", base,
                         "the protected header is not a CBOR map");
}

mun_code mun_cose_parse(mun_slice bytes, const mun_cose_profile *profile, mun_cose_sign1 *ret,
                        mun_error *err)
{
    mun_cose_sign1 m = {.bytes = bytes};
    MUN_TRY(envelope_read(profile, &m, err));
    MUN_TRY(protected_read(&m, err));
    MUN_TRY(headers_check(&m, profile, err));
    mun_cbor_item alg = mun_cose_find(&m.protected_map, LABEL_ALG);
    if (!is_integer(&alg))
        return mun_cose_refuse(&m, &m.protected_map, "alg-missing",
                               "the protected header names no signature algorithm", err);
    m.alg = mun_cose_number(&alg);
    *ret = m;
    return MUN_OK;
}

mun_code mun_cose_claims_check(const mun_cose_sign1 *message, const mun_cbor_item *claims,
                               mun_error *err)
{
    mun_cursor c = mun_cbor_open(claims);
    while (mun_cbor_more(&c)) {
        mun_cbor_item key = mun_cbor_take(&c);
        mun_cbor_take(&c);
        if (key.type != MUN_CBOR_TEXT && !is_integer(&key))
            return mun_cose_refuse(message, &key, "label-invalid",
                                   "the name of a claim is neither a number nor text", err);
    }
    return MUN_OK;
}

bool mun_cose_iat(const mun_cbor_item *claims, int64_t *ret)
{
    mun_cbor_item iat = mun_cose_find(claims, CLAIM_IAT);
    if (iat.type == MUN_CBOR_TAG && iat.value == TAG_EPOCH) {
        mun_cursor c = mun_cbor_open(&iat);
        iat = mun_cbor_take(&c);
    }
    if (iat.type != MUN_CBOR_UINT || iat.value > (uint64_t)MUN_TIME_MAX) return false;
    *ret = (int64_t)iat.value;
    return true;
}
