/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON read strictly: no duplicate or unknown members, no bytes after the end, types and lengths as
 * declared. Members are taken one by one; the first failure latches and is told by mun_json_close,
 * which also refuses every member that nobody took.
 *
 * Ownership: an open object borrows its json_t. Threads: values, one thread at a time.
 */
#ifndef MUN_TRUST_JSON_STRICT_H
#define MUN_TRUST_JSON_STRICT_H

#include "base/buf.h"
#include "base/error.h"

#include <jansson.h>

#define MUN_JSON_MEMBERS_MAX 16 /* members that one object may declare */
#define MUN_JSON_WHERE_MAX   96

typedef struct mun_json_object {
    const json_t *json;
    mun_error *err;
    mun_code code; /* the latch */
    size_t known_len;
    const char *known[MUN_JSON_MEMBERS_MAX];
    char where[MUN_JSON_WHERE_MAX]; /* "the policy document", "keys[1] of the policy document" */
} mun_json_object;

/* One JSON object and nothing after it. what: "the policy document". Free with json_decref. */
MUN_MUST mun_code mun_json_load(mun_slice text, const char *what, json_t **ret, mun_error *err);

static inline void mun_json_free(json_t **json)
{
    json_decref(*json);
}
#define MUN_JSON_AUTO __attribute__((cleanup(mun_json_free)))

/* Begins to read an object; err must stay valid until mun_json_close. */
mun_json_object mun_json_open(const json_t *json, const char *where, mun_error *err);
/* The i-th element of an array of objects, named "MEMBER[i] of WHERE". */
mun_json_object mun_json_open_at(const mun_json_object *outer, const char *member,
                                 const json_t *array, size_t i);

/* True when the member is there (and declares it): for optional ones. */
bool mun_json_has(mun_json_object *o, const char *member);
/* Required members. After a failure: an empty slice, 0, false, NULL. Lengths in bytes. */
mun_slice mun_json_text(mun_json_object *o, const char *member, size_t min, size_t max);
int64_t mun_json_int(mun_json_object *o, const char *member, int64_t min, int64_t max);
const json_t *mun_json_array(mun_json_object *o, const char *member, size_t min, size_t max);
/* A member, or an array's element, that is base64url text; appended to ret. */
void mun_json_base64url(mun_json_object *o, const char *member, mun_buf *ret);
void mun_json_base64url_at(mun_json_object *o, const char *member, const json_t *array, size_t i,
                           mun_buf *ret);

/* Latches a failure of the caller's own: "WHERE: member \"M\" REASON". */
void mun_json_refuse(mun_json_object *o, const char *member, const char *reason);

/* MUN_OK, or the first failure. */
MUN_MUST mun_code mun_json_close(mun_json_object *o);

/* Writing: members in the order of the calls; NULL json latches out of memory. */
json_t *mun_json_new_text(mun_slice text);
json_t *mun_json_new_base64url(mun_slice bytes);
/* The compact text of json, which is consumed (also NULL: MUN_E_MEMORY). */
MUN_MUST mun_code mun_json_dump(json_t *json, mun_buf *ret, mun_error *err);

#endif
