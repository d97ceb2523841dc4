# SPDX-License-Identifier: Apache-2.0
from copy_of_tree import CopyOfTree


class Symbols(CopyOfTree):
    ROOMS = ("base", "merkle")

    def refuse(self, name, body, why):
        self.write(name, body + "\n")
        self.assert_red(f"{name}: .*{why}", "symbols")

    def test_untouched_copy_is_green(self):
        self.assert_green("symbols")

    def test_malloc_in_the_core(self):
        self.refuse("src/merkle/bad.c", "#include <stdlib.h>\nvoid *mun_bad(void) { return malloc(8); }",
                    "the verify core calls malloc")

    def test_printing_assertion_in_the_core(self):
        self.refuse("src/merkle/bad.c", "#include <assert.h>\nvoid mun_bad(int a) { assert(a); }",
                    "the verify core calls __assert_fail")

    def test_strlen_written_by_hand(self):
        self.refuse("src/merkle/bad.c",
                    "#include <string.h>\nunsigned long mun_bad(const char *a) { return strlen(a); }",
                    "the verify core calls strlen")

    def test_allocating_half_of_base_is_not_core(self):
        self.refuse("src/merkle/bad.c", '#include "base/buf.h"\nmun_buf mun_bad(void)\n'
                    "{ return mun_buf_growable(9); }", "the verify core calls mun_buf_growable")

    def test_open_outside_vfs(self):
        self.refuse("src/log/bad.c", "int open(const char *, int, ...);\n"
                    'int mun_bad(void) { return open("x", 0); }', "open may be called only by vfs")

    def test_clock_in_the_log(self):
        self.refuse("src/index/bad.c", "#include <time.h>\ntime_t mun_bad(void) { return time(0); }",
                    "time may be called only by")

    def test_source_that_does_not_compile_is_red(self):
        self.write("src/merkle/bad.c", "no C at all\n")
        self.assert_red("failed", "symbols")
