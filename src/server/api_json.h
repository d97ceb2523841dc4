/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes JSON (RFC 8259) straight into a response's body: no tree, no allocation of its own. Commas
 * are put by the writer; whoever calls opens and closes in pairs. Text must be UTF-8 (what comes
 * from an entry was checked when it was parsed); what is not becomes U+FFFD.
 *
 * Ownership: borrows the buffer. Overflow latches there. Threads: one at a time.
 */
#ifndef MUN_SERVER_API_JSON_H
#define MUN_SERVER_API_JSON_H

#include "base/buf.h"

#define MUN_TIME_TEXT_MAX 32 /* "2026-11-22T12:00:00.000Z" and its NUL, with room */

typedef struct mun_json {
    mun_buf *out;
    bool comma; /* something stands before the next member or element */
} mun_json;

/* '{' or '[', and the bracket that ends it. */
void mun_json_open(mun_json *json, char bracket);
void mun_json_close(mun_json *json, char bracket);
void mun_json_key(mun_json *json, const char *key); /* ASCII without quotes */

void mun_json_text(mun_json *json, mun_slice text);
void mun_json_uint(mun_json *json, uint64_t number);
void mun_json_bool(mun_json *json, bool value);
void mun_json_null(mun_json *json);
void mun_json_hex(mun_json *json, mun_slice bytes);
void mun_json_base64(mun_json *json, mun_slice bytes);
void mun_json_time(mun_json *json, uint64_t time_ms); /* RFC 3339 with milliseconds, UTC */

/* The key and its value at once. */
void mun_json_put_text(mun_json *json, const char *key, mun_slice text);
void mun_json_put_cstr(mun_json *json, const char *key, const char *text);
void mun_json_put_uint(mun_json *json, const char *key, uint64_t number);
void mun_json_put_bool(mun_json *json, const char *key, bool value);
void mun_json_put_hex(mun_json *json, const char *key, mun_slice bytes);
void mun_json_put_base64(mun_json *json, const char *key, mun_slice bytes);
void mun_json_put_time(mun_json *json, const char *key, uint64_t time_ms);

#endif
