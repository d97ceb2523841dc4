/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/json_strict.h"

#include "codec/radix.h"

#include <stdio.h>
#include <stdlib.h>

mun_code mun_json_load(mun_slice text, const char *what, json_t **ret, mun_error *err)
{
    json_error_t why;
    json_t *json = json_loadb(text.ptr == NULL ? "" : (const char *)text.ptr, text.len,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (json == NULL) {
        mun_code code =
            json_error_code(&why) == json_error_out_of_memory ? MUN_E_MEMORY : MUN_E_MALFORMED;
        mun_failf(err, code, 0, "%s is not JSON as it must be: line %d, column %d: %s", what,
                  why.line, why.column, why.text);
        if (err != NULL && why.position >= 0) err->offset = (uint64_t)why.position;
        return code;
    }
    if (!json_is_object(json)) {
        json_decref(json);
        return mun_failf(err, MUN_E_MALFORMED, 0, "%s is not a JSON object", what);
    }
    *ret = json;
    return MUN_OK;
}

static void latch(mun_json_object *o, const char *member, const char *reason)
{
    if (o->code != MUN_OK) return;
    o->code =
        mun_failf(o->err, MUN_E_MALFORMED, 0, "%s: member \"%.40s\" %s", o->where, member, reason);
}

mun_json_object mun_json_open(const json_t *json, const char *where, mun_error *err)
{
    mun_json_object o = {.json = json, .err = err};
    snprintf(o.where, sizeof o.where, "%s", where);
    if (!json_is_object(json)) {
        o.code = mun_failf(err, MUN_E_MALFORMED, 0, "%s is not a JSON object", where);
    }
    return o;
}

mun_json_object mun_json_open_at(const mun_json_object *outer, const char *member,
                                 const json_t *array, size_t i)
{
    char where[MUN_JSON_WHERE_MAX];
    snprintf(where, sizeof where, "%.20s[%zu] of %.60s", member, i, outer->where);
    return mun_json_open(json_array_get(array, i), where, outer->err);
}

static void declare(mun_json_object *o, const char *member)
{
    for (size_t i = 0; i < o->known_len; i++) {
        if (strcmp(o->known[i], member) == 0) return;
    }
    if (o->known_len < MUN_JSON_MEMBERS_MAX) o->known[o->known_len++] = member;
}

static const json_t *need(mun_json_object *o, const char *member)
{
    if (o->code != MUN_OK) return NULL;
    declare(o, member);
    const json_t *value = json_object_get(o->json, member);
    if (value == NULL) latch(o, member, "is missing");
    return value;
}

bool mun_json_has(mun_json_object *o, const char *member)
{
    declare(o, member);
    return json_object_get(o->json, member) != NULL;
}

mun_slice mun_json_text(mun_json_object *o, const char *member, size_t min, size_t max)
{
    const json_t *value = need(o, member);
    if (value == NULL) return (mun_slice){0};
    if (!json_is_string(value)) {
        latch(o, member, "is not a text");
        return (mun_slice){0};
    }
    mun_slice text = mun_slice_of(json_string_value(value), json_string_length(value));
    if (text.len < min || text.len > max) {
        latch(o, member, text.len < min ? "is too short" : "is too long");
        return (mun_slice){0};
    }
    return text;
}

int64_t mun_json_int(mun_json_object *o, const char *member, int64_t min, int64_t max)
{
    const json_t *value = need(o, member);
    if (value == NULL) return 0;
    if (!json_is_integer(value)) {
        latch(o, member, "is not a whole number");
        return 0;
    }
    int64_t number = json_integer_value(value);
    if (number < min || number > max) {
        latch(o, member, "is out of range");
        return 0;
    }
    return number;
}

const json_t *mun_json_array(mun_json_object *o, const char *member, size_t min, size_t max)
{
    const json_t *value = need(o, member);
    if (value == NULL) return NULL;
    if (!json_is_array(value)) {
        latch(o, member, "is not an array");
        return NULL;
    }
    if (json_array_size(value) < min || json_array_size(value) > max) {
        latch(o, member, "has too few or too many elements");
        return NULL;
    }
    return value;
}

static void take_base64url(mun_json_object *o, const char *member, const json_t *value,
                           mun_buf *ret)
{
    if (value == NULL) return;
    mun_slice text = {0};
    if (json_is_string(value)) {
        text = mun_slice_of(json_string_value(value), json_string_length(value));
    }
    if (text.len == 0 || !mun_base64url_take(text, ret)) {
        latch(o, member, "is not base64url of an allowed length");
    }
}

void mun_json_base64url(mun_json_object *o, const char *member, mun_buf *ret)
{
    take_base64url(o, member, need(o, member), ret);
}

void mun_json_base64url_at(mun_json_object *o, const char *member, const json_t *array, size_t i,
                           mun_buf *ret)
{
    if (o->code != MUN_OK) return;
    take_base64url(o, member, json_array_get(array, i), ret);
}

void mun_json_refuse(mun_json_object *o, const char *member, const char *reason)
{
    latch(o, member, reason);
}

static bool is_known(const mun_json_object *o, const char *member)
{
    for (size_t i = 0; i < o->known_len; i++) {
        if (strcmp(o->known[i], member) == 0) return true;
    }
    return false;
}

mun_code mun_json_close(mun_json_object *o)
{
    if (o->code != MUN_OK) return o->code;
    /* jansson's iterators take a non-const object, though they change nothing. */
    json_t *json = json_incref((json_t *)(uintptr_t)o->json);
    for (void *at = json_object_iter(json); at != NULL; at = json_object_iter_next(json, at)) {
        const char *member = json_object_iter_key(at);
        if (!is_known(o, member)) latch(o, member, "is not known here");
    }
    json_decref(json);
    return o->code;
}

json_t *mun_json_new_text(mun_slice text)
{
    return json_stringn(text.ptr == NULL ? "" : (const char *)text.ptr, text.len);
}

json_t *mun_json_new_base64url(mun_slice bytes)
{
    MUN_BUF_AUTO mun_buf text = mun_buf_growable(bytes.len * 2 + 4);
    mun_base64url_put(&text, bytes);
    return text.overflow ? NULL : mun_json_new_text(mun_buf_slice(&text));
}

mun_code mun_json_dump(json_t *json, mun_buf *ret, mun_error *err)
{
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (text != NULL) mun_buf_text(ret, text);
    bool ok = text != NULL && !ret->overflow;
    free(text);
    return ok ? MUN_OK : mun_fail(err, MUN_E_MEMORY, MUN_NO_OFFSET, "out of memory");
}
