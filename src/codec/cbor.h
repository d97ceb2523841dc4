/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CBOR as docs/format/cbor.md takes it: a checker that refuses everything the rules refuse, a
 * reader that hands out items with their exact byte spans, a writer that makes only the
 * deterministic encoding, and a diagnostic notation for people.
 *
 * The way to read a message: mun_cbor_check the whole of it once, then walk it with mun_cbor_take.
 * The reader is safe on unchecked bytes too, but knows nothing of duplicate keys.
 *
 * Nothing here recurses, allocates or keeps state. Items borrow from the bytes they were read from.
 */
#ifndef MUN_CODEC_CBOR_H
#define MUN_CODEC_CBOR_H

#include "base/buf.h"
#include "base/cursor.h"

#define MUN_CBOR_DEPTH_MAX 16  /* [CBOR-3] open arrays, maps and tags */
#define MUN_CBOR_PAIRS_MAX 256 /* [CBOR-8] pairs in one map */

typedef enum mun_cbor_mode {
    MUN_CBOR_CARRIED,      /* what somebody else has signed */
    MUN_CBOR_STRICT,       /* shortest heads, definite lengths */
    MUN_CBOR_DETERMINISTIC /* strict, with sorted maps: what our writer makes [CBOR-13] */
} mun_cbor_mode;

/* RFC 8949 section 3.1: the major types, in their own numbering. */
typedef enum mun_cbor_type {
    MUN_CBOR_UINT,
    MUN_CBOR_NEGATIVE,
    MUN_CBOR_BYTES,
    MUN_CBOR_TEXT,
    MUN_CBOR_ARRAY,
    MUN_CBOR_MAP,
    MUN_CBOR_TAG,
    MUN_CBOR_SIMPLE, /* simple values and floats */
    MUN_CBOR_NONE    /* no item: the reader has failed */
} mun_cbor_type;

typedef struct mun_cbor_item {
    mun_cbor_type type;
    bool indefinite;
    uint64_t value;   /* integer argument, length, count, tag number, simple value or float bits */
    mun_slice inside; /* content of a string; encoded elements of an array, map or tag */
    mun_slice whole;  /* the complete encoding, head included */
} mun_cbor_item;

/* One item, and nothing after it, by the rules of the mode. MUN_E_MALFORMED with the place. */
MUN_MUST mun_code mun_cbor_check(mun_slice bytes, mun_cbor_mode mode, mun_error *err);

/* The next complete item; type MUN_CBOR_NONE and the cursor's latch when there is none. The inside
 * of an indefinite-length string is its encoded chunks: callers that want a string must refuse
 * those [CBOR-12]; mun_cbor_is_string does. */
mun_cbor_item mun_cbor_take(mun_cursor *c);

/* Elements of an array, keys and values in turn of a map, the item behind a tag:
 * take while mun_cbor_more. */
static inline mun_cursor mun_cbor_open(const mun_cbor_item *item)
{
    return mun_cursor_over(item->inside);
}

static inline bool mun_cbor_more(const mun_cursor *c)
{
    return mun_cursor_ok(c) && mun_cursor_left(c) > 0;
}

static inline bool mun_cbor_is(const mun_cbor_item *item, mun_cbor_type type)
{
    return item->type == type;
}

/* A byte or text string of definite length. */
static inline bool mun_cbor_is_string(const mun_cbor_item *item, mun_cbor_type type)
{
    return item->type == type && !item->indefinite;
}

static inline bool mun_cbor_is_null(const mun_cbor_item *item)
{
    return item->whole.len == 1 && item->whole.ptr[0] == 0xf6;
}

/* The integer, when it is one and fits. */
bool mun_cbor_int(const mun_cbor_item *item, int64_t *ret);

/* The writer: one head, or one whole item. Maps are the caller's to sort. */
#define MUN_CBOR_HEAD_MAX 9
void mun_cbor_put_head(mun_buf *buf, mun_cbor_type type, uint64_t value);
void mun_cbor_put_int(mun_buf *buf, int64_t v);
void mun_cbor_put_bytes(mun_buf *buf, mun_slice bytes);
void mun_cbor_put_text(mun_buf *buf, mun_slice text);
void mun_cbor_put_null(mun_buf *buf);
/* Makes the bytes written since buf->len was `from` the content of a byte string. */
void mun_cbor_wrap_bytes(mun_buf *buf, size_t from);

/* Diagnostic notation (RFC 8949 section 8), indented. Byte strings that hold COSE or proof CBOR are
 * opened as << >>. MUN_E_MALFORMED when the bytes are not one carried item; MUN_E_LIMIT when ret is
 * too small. */
MUN_MUST mun_code mun_cbor_diag(mun_slice bytes, mun_buf *ret, mun_error *err);

/* For the reader and the notation only: one head. False: truncated or not well-formed. */
typedef struct mun_cbor_head {
    mun_cbor_type type;
    uint8_t info;    /* additional information, 0 to 31 */
    bool indefinite; /* 31 of a string, array or map */
    bool is_break;   /* ff */
    bool shortest;
    uint64_t value;
} mun_cbor_head;

bool mun_cbor_head_take(mun_cursor *c, mun_cbor_head *ret);

#endif
