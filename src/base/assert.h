/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MUN_ASSERT states what the program proves about itself. It stays on in release builds and traps;
 * it never prints, so the verify core needs nothing from outside. Never assert on input bytes or on
 * the result of a system call: those are errors, not bugs.
 */
#ifndef MUN_BASE_ASSERT_H
#define MUN_BASE_ASSERT_H

#ifdef MUN_COVERAGE /* a false assertion is a bug: no test can, or should, take that branch */
#define MUN_ASSERT(condition) ((void)sizeof(!(condition)))
#else
#define MUN_ASSERT(condition)                                                                      \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) __builtin_trap();                                   \
    } while (0)
#endif

#endif
