/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes written as hex in a test; upper or lower case, spaces allowed. Fails the test otherwise. */
#ifndef MUN_TESTS_UNHEX_H
#define MUN_TESTS_UNHEX_H

#include "support/cmocka_all.h"

static inline unsigned unhex_digit(char c)
{
    if (c >= '0' && c <= '9') return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f') return (unsigned)(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return (unsigned)(c - 'A' + 10);
    fail_msg("'%c' is no hex digit", c);
    return 0;
}

/* The bytes into ret of cap; returns how many. */
static inline size_t unhex(const char *text, uint8_t *ret, size_t cap)
{
    size_t digits = 0;
    for (; *text != '\0'; text++) {
        if (*text == ' ') continue;
        if (digits / 2 >= cap) fail_msg("the hex text is longer than %zu bytes", cap);
        unsigned digit = unhex_digit(*text);
        ret[digits / 2] = (uint8_t)(digits % 2 == 0 ? digit << 4 : ret[digits / 2] | digit);
        digits++;
    }
    if (digits % 2 != 0) fail_msg("the hex text has an odd number of digits");
    return digits / 2;
}

#endif
