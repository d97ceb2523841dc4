/* SPDX-License-Identifier: Apache-2.0 */
/* COSE_Sign1 messages out of hexadecimal pieces, for tests that need odd ones. */
#ifndef MUN_TESTS_MAKER_H
#define MUN_TESTS_MAKER_H

#include "base/buf.h"

/* Spaces are skipped; anything else that is not hex fails the test. */
void put_hex(mun_buf *buf, const char *hex);

/* d2 84, the protected map as a byte string, the unprotected map, payload item, signature item:
 * all four in hex, payload and signature with their heads. NULL: 58 20 and 32 zeros; 41 00. */
mun_slice make_message(mun_buf *buf, const char *protected_map, const char *unprotected_map,
                       const char *payload, const char *signature);

#endif
