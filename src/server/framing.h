/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes a request ambiguous, and the parts of its target. Pure functions over what the HTTP
 * library shows of a request; each case of docs/SECURITY-HTTP.md that we can see is decided here.
 *
 * A mun_framing latches: give it all fields, look at `status` once. Slices are borrowed.
 * Threads: no shared state.
 */
#ifndef MUN_SERVER_FRAMING_H
#define MUN_SERVER_FRAMING_H

#include "base/buf.h"
#include "server/request.h"

#define MUN_FRAMING_FIELDS_MAX 100 /* fields in one request */

typedef struct mun_framing {
    unsigned status; /* 0: in order; 400, 414, 431 or 501: refuse and close */
    const char *why; /* a sentence */
    mun_slice fields[MUN_FIELDS];
    uint64_t length; /* Content-Length; MUN_NO_OFFSET: none */
    bool chunked;
    bool http_1_0;
    bool continues; /* Expect: 100-continue */
    size_t count;
    mun_buf *join; /* where repeated list fields are put together */
} mun_framing;

/* join: memory for list fields that came in several lines; borrowed like the rest. */
void mun_framing_begin(mun_framing *framing, mun_slice version, mun_buf *join);
/* One field line, in the order received (RFC 9110 section 5, RFC 9112 section 5). */
void mun_framing_field(mun_framing *framing, mun_slice name, mun_slice value);
/* After the last one: what only the whole head shows (RFC 9112 sections 3.2, 6.1, 6.3). */
void mun_framing_end(mun_framing *framing);
/* Refuses, unless it was refused already. */
void mun_framing_refuse(mun_framing *framing, unsigned status, const char *why);

typedef struct mun_target {
    mun_slice path;  /* from the first '/', still percent-encoded */
    mun_slice query; /* after '?', or empty */
    mun_slice host;  /* of an absolute-form target, otherwise empty */
} mun_target;

/* Origin-form or absolute-form (RFC 9112 section 3.2); every byte is one that RFC 3986 allows
 * there and every '%' is followed by two hexadecimal digits. NULL, or why not. */
const char *mun_target_split(mun_slice raw, mun_target *ret);

/*
 * RFC 9110 section 4.2.3: an unreserved character and its escape are the same. Where the path holds
 * such an escape, *path becomes the path without it, in `text`; every other escape stays. A path of
 * more than MUN_PATH_ESCAPED_MAX bytes, which none of ours is, stays as it is. False: no room.
 */
bool mun_path_normal(mun_slice *path, mun_buf *text);

#define MUN_PATH_ESCAPED_MAX 1024

/* Strict percent-decoding (RFC 3986 section 2.1). False: a bad escape, an encoded NUL, or no room
 * in ret. */
bool mun_percent_decode(mun_slice text, mun_buf *ret);

/*
 * The framing bytes before a chunk's data (RFC 9112 section 7.1): the CRLF that ends the chunk
 * before it (not before the first), the size, perhaps extensions, CRLF.
 */
bool mun_chunk_head_valid(mun_slice bytes, bool first);

#endif
