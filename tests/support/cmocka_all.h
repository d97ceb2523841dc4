/* SPDX-License-Identifier: Apache-2.0 */
/* cmocka.h wants these headers before it; every test program includes this one line instead. */
#ifndef MUN_TESTS_CMOCKA_ALL_H
#define MUN_TESTS_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
