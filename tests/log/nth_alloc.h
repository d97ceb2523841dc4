/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The n-th allocation (malloc, calloc, realloc, posix_memalign, mmap of no file) or the n-th new
 * thread is refused. For programs linked with -Wl,--wrap (tests/log/CMakeLists.txt). Any thread.
 */
#ifndef MUN_TESTS_NTH_ALLOC_H
#define MUN_TESTS_NTH_ALLOC_H

#include <stdbool.h>
#include <stdint.h>

/* The n-th one from now fails, or (for_ever) that one and all behind it. 0: none. */
void nth_alloc_plan(uint64_t n, bool for_ever);
void nth_thread_plan(uint64_t n, bool for_ever);
bool nth_alloc_struck(void); /* of either kind, since the plan was made */

/* Around the test's own allocations, of this thread. */
void nth_alloc_spare(bool spared);

#endif
