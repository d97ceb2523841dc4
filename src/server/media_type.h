/* SPDX-License-Identifier: Apache-2.0 */
/* What a Content-Type says of the bodies that we take (RFC 9110 section 8.3). Threads: values. */
#ifndef MUN_SERVER_MEDIA_TYPE_H
#define MUN_SERVER_MEDIA_TYPE_H

#include "base/slice.h"

/* application/cose (RFC 9052 section 11.3; its cose-type, where there is one, "cose-sign1") or
 * application/scitt-statement+cose (RFC 9943 section 10). */
bool mun_media_is_statement(mun_slice content_type);

/* Exactly this type, with whatever parameters. type: lower case. */
bool mun_media_is(mun_slice content_type, const char *type);

/* Not coded: no Content-Encoding, or "identity", which clients should not send and some do (RFC
 * 9110 section 8.4). */
bool mun_media_is_plain(mun_slice content_encoding);

#endif
