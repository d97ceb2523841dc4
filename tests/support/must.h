/* SPDX-License-Identifier: Apache-2.0 */
/*
 * must(mun_x(..., err)): a call that has to succeed. `err` names an error of the macro's own; on a
 * failure the running test fails with its rule and sentence.
 */
#ifndef MUN_TESTS_MUST_H
#define MUN_TESTS_MUST_H

#include "support/cmocka_all.h"

#include <muniment/base.h>

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
