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

typedef struct mun_reply {
    mun_buf *out;
    bool comma; /* something stands before the next member or element */
} mun_reply;

/* '{' or '[', and the bracket that ends it. */
void mun_reply_open(mun_reply *json, char bracket);
void mun_reply_close(mun_reply *json, char bracket);
void mun_reply_key(mun_reply *json, const char *key); /* ASCII without quotes */

void mun_reply_text(mun_reply *json, mun_slice text);
void mun_reply_uint(mun_reply *json, uint64_t number);
void mun_reply_bool(mun_reply *json, bool value);
void mun_reply_null(mun_reply *json);
void mun_reply_hex(mun_reply *json, mun_slice bytes);
void mun_reply_base64(mun_reply *json, mun_slice bytes);
void mun_reply_time(mun_reply *json, uint64_t time_ms); /* RFC 3339 with milliseconds, UTC */

/* The key and its value at once. */
void mun_reply_put_text(mun_reply *json, const char *key, mun_slice text);
void mun_reply_put_cstr(mun_reply *json, const char *key, const char *text);
void mun_reply_put_uint(mun_reply *json, const char *key, uint64_t number);
void mun_reply_put_bool(mun_reply *json, const char *key, bool value);
void mun_reply_put_hex(mun_reply *json, const char *key, mun_slice bytes);
void mun_reply_put_base64(mun_reply *json, const char *key, mun_slice bytes);
void mun_reply_put_time(mun_reply *json, const char *key, uint64_t time_ms);

#endif
