/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of src/trust share: keys, a crypto table, failing with the error's sentence. */
#ifndef MUN_TESTS_TRUST_WORLD_H
#define MUN_TESTS_TRUST_WORLD_H

#include "base/buf.h"
#include "base/slice.h"
#include "support/must.h"
#include "support/new_key.h"
#include "trust/keyfile.h"

#include <muniment/keys.h>

mun_crypto *trust_crypto(void);
/* text with the first `from` replaced by `to`; fails the test when it is not there. */
void trust_replace(const char *text, const char *from, const char *to, char *ret, size_t cap);

#endif
