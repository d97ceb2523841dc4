/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of src/trust share: keys, a crypto table, failing with the error's sentence. */
#ifndef MUN_TESTS_TRUST_WORLD_H
#define MUN_TESTS_TRUST_WORLD_H

#include "base/buf.h"
#include "base/slice.h"
#include "trust/keyfile.h"

#include <muniment/keys.h>

mun_crypto *trust_crypto(void);
mun_signing_key trust_key(int32_t alg);
/* text with the first `from` replaced by `to`; fails the test when it is not there. */
void trust_replace(const char *text, const char *from, const char *to, char *ret, size_t cap);

#define must(call)                                                                                 \
    do {                                                                                           \
        mun_error must_err_ = {0};                                                                 \
        __attribute__((unused)) mun_error *err = &must_err_;                                       \
        mun_code must_code_ = (call);                                                              \
        if (must_code_ != MUN_OK)                                                                  \
            fail_msg("%s: %s %s: %s", #call, mun_code_name(must_code_), must_err_.rule,            \
                     must_err_.text);                                                              \
    } while (0)

#endif
