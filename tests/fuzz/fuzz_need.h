/* SPDX-License-Identifier: Apache-2.0 */
/* What a fuzz target claims; false is a finding. */
#ifndef MUN_FUZZ_NEED_H
#define MUN_FUZZ_NEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define need(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) __builtin_trap();                                                        \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
