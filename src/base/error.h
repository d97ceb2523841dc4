/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making errors. A function that fails fills the caller's mun_error (which may be NULL) and returns
 * its code; a function that succeeds leaves it alone. The verify core uses mun_fail and
 * mun_fail_rule, which need no formatter; rooms above it may use mun_failf.
 */
#ifndef MUN_BASE_ERROR_H
#define MUN_BASE_ERROR_H

#include <muniment/base.h>

/* Hands a failure on to the caller: the one macro that hides control flow. */
#define MUN_TRY(call)                                                                              \
    do {                                                                                           \
        mun_code try_code_ = (call);                                                               \
        if (try_code_ != MUN_OK) return try_code_;                                                 \
    } while (0)

/* Fills err with the code, the place (or MUN_NO_OFFSET) and a sentence; returns the code. */
mun_code mun_fail(mun_error *err, mun_code code, uint64_t offset, const char *sentence);
/* A buffer that overflowed: MUN_E_MEMORY where there was no memory for it, else MUN_E_LIMIT with
 * this sentence. Only the second is what was asked for being too large. */
mun_code mun_buf_fail(const mun_buf *buf, mun_error *err, const char *too_large);

/* As mun_fail, naming the rule that was broken (docs/format). */
mun_code mun_fail_rule(mun_error *err, mun_code code, const char *rule, uint64_t offset,
                       const char *sentence);

/* As mun_fail with a printf format; keeps sys_errno (0: none), appends its text when given. */
__attribute__((format(printf, 4, 5))) mun_code mun_failf(mun_error *err, mun_code code,
                                                         int sys_errno, const char *format, ...);

/* Puts "prefix: " before the sentence of an error already made; returns its code. */
mun_code mun_error_prefix(mun_error *err, mun_code code, const char *prefix);

#if (defined(__clang_analyzer__) || defined(MUN_ANALYZER)) && !defined(MUN_DEFINES_ERRORS)
/* Static analysis sees one file at a time: tell it that making an error never gives MUN_OK. */
static inline mun_code mun_never_ok(mun_code code)
{
    if (code == MUN_OK) __builtin_unreachable();
    return code;
}
#define mun_fail(...)         mun_never_ok(mun_fail(__VA_ARGS__))
#define mun_fail_rule(...)    mun_never_ok(mun_fail_rule(__VA_ARGS__))
#define mun_failf(...)        mun_never_ok(mun_failf(__VA_ARGS__))
#define mun_error_prefix(...) mun_never_ok(mun_error_prefix(__VA_ARGS__))
#define MUN_ANALYZED
#endif

#endif
