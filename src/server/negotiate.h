/* SPDX-License-Identifier: Apache-2.0 */
/* Content negotiation by RFC 9110 sections 12.5.1 (Accept) and 12.5.3 (Accept-Encoding). Threads:
 * values. */
#ifndef MUN_SERVER_NEGOTIATE_H
#define MUN_SERVER_NEGOTIATE_H

#include "base/slice.h"

#define MUN_TYPE_COSE      "application/cose"
#define MUN_TYPE_STATEMENT "application/scitt-statement+cose"
#define MUN_TYPE_RECEIPT   "application/scitt-receipt+cose"
#define MUN_TYPE_JSON      "application/json"
#define MUN_TYPE_EVENTS    "text/event-stream"

/*
 * The best of the offered types (lower case, ended by NULL; earlier ones win among equals) under an
 * Accept field; an empty field accepts all. NULL: none of them. A field that cannot be read counts
 * as not sent, since refusing would help nobody.
 */
const char *mun_negotiate_type(mun_slice accept, const char *const *offered);

/* Whether gzip may be sent: named, or "*", with a weight above 0. */
bool mun_negotiate_gzip(mun_slice accept_encoding);

#endif
