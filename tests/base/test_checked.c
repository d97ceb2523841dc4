/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic at its edges; assertions that stay on. */
#include "base/assert.h"
#include "base/checked.h"
#include "support/cmocka_all.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_add(void **state)
{
    (void)state;
    size_t s = 0;
    assert_true(mun_add_size(SIZE_MAX, 0, &s));
    assert_true(s == SIZE_MAX);
    assert_false(mun_add_size(SIZE_MAX, SIZE_MAX, &s));
}

static void test_assert_stays_on(void **state)
{
    (void)state;
    MUN_ASSERT(1 + 1 == 2);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGILL, SIG_DFL);
        signal(SIGTRAP, SIG_DFL);
        MUN_ASSERT(1 + 1 == 3);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
#ifndef MUN_COVERAGE
    assert_true(WIFSIGNALED(status));
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_assert_stays_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
