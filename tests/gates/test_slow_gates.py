# SPDX-License-Identifier: Apache-2.0
"""tidy, analyze, coverage and preset_tests: planted mistakes in a copy that holds only src/base."""
from copy_of_tree import CopyOfTree

FREED = """#include <stdlib.h>
int mun_bad(int a);
int mun_bad(int a)
{
    int *p = malloc(sizeof *p);
    if (p == NULL) return 0;
    *p = a;
    free(p);
    return *p;
}
"""
TEST = """#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/error.h"
static void test_good(void **state) { (void)state; assert_string_equal(mun_code_name(MUN_OK), "MUN_OK"); }
static void test_other(void **state) { (void)state; %s; }
int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_other)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
"""


class SlowGates(CopyOfTree):
    ROOMS = ("base",)
    EXTRA = ("CMakeLists.txt", "CMakePresets.json", ".clang-tidy", "LICENSE", "src/CMakeLists.txt",
             "tests/CMakeLists.txt")

    def plant(self, text):
        self.write("src/base/bad.c", text)
        path = self.root / "src/base/CMakeLists.txt"
        path.write_text(path.read_text().replace("SOURCES ", "SOURCES bad.c "))

    def plant_test(self, body):
        self.write("tests/base/test_toy.c", TEST % body)
        self.write("tests/base/CMakeLists.txt", "mun_test(test_toy SOURCES test_toy.c USES base)\n", licence=False)

    def test_tidy_sees_use_after_free(self):
        self.plant(FREED)
        self.assert_red("after it is freed", "tidy")

    def test_analyzer_sees_use_after_free(self):
        self.plant(FREED)
        self.assert_red("analyzer-use-after-free", "analyze")

    def test_warnings_are_errors_with_both_compilers(self):
        self.plant("int mun_bad(int a)\n{\n    return 1;\n}\n")
        self.assert_red("Werror=missing-prototypes[^$]*0 passed, 1 failed", "preset_tests", "release")
        self.assert_red("Werror,-Wmissing-prototypes[^$]*0 passed, 1 failed", "preset_tests", "dev")

    def test_each_cmocka_test_counts(self):
        self.plant_test("assert_true(1)")
        self.assertRegex(self.assert_green("preset_tests", "dev"), r"\n2 passed, 0 failed\n$")

    def test_failed_cmocka_test_counts(self):
        self.plant_test("assert_true(0)")
        self.assert_red(r"FAILED test_toy:\n(    .*\n)+1 passed, 1 failed\n$", "preset_tests", "dev")

    def test_skipped_cmocka_test_counts(self):
        self.plant_test("skip()")
        self.assertRegex(self.assert_green("preset_tests", "dev"), r"\n1 passed, 0 failed, 1 skipped\n$")

    def test_sanitizer_report_counts(self):
        self.plant_test("volatile int big = 2147483647; big = big + 1")
        self.assert_red(r"FAILED test_toy:\n(    .*\n)*    .*signed integer overflow.*\n(    .*\n)*. passed, 1 failed\n$",
                        "preset_tests", "dev")

    def test_coverage_below_the_mark(self):
        self.plant_test("assert_true(1)")
        self.assert_red(r"base .*BELOW THE MARK[^$]*0 passed, 5 failed\n$", "coverage")

    def test_coverage_above_a_mark_set_low(self):
        self.plant_test("assert_true(1)")
        self.assert_red(r"base  +lines +[0-9.]+ % of \d+ +branches +[0-9.]+ % of \d+ *\n[^$]*1 passed, 4 failed\n$",
                        "coverage", env={"MUN_MIN_LINES": "1", "MUN_MIN_BRANCHES": "1"})
