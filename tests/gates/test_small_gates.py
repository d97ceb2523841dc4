# SPDX-License-Identifier: Apache-2.0
"""headers, licences, format, exports, requirements."""
import subprocess

from copy_of_tree import CopyOfTree


class Headers(CopyOfTree):
    def test_untouched_copy_is_green(self):
        self.assert_green("headers")

    def test_header_that_needs_another(self):
        self.write("src/codec/bad.h", "uint8_t mun_bad(void);\n")
        self.assert_red("src/codec/bad.h does not compile alone", "headers")

    def test_header_without_guard(self):
        self.write("src/codec/bad.h", "struct mun_bad { int a; };\n")
        self.assert_red("src/codec/bad.h does not compile alone", "headers")

    def test_public_header_that_is_not_cpp(self):
        self.write("include/muniment/bad.h", "#ifndef BAD_H\n#define BAD_H\nint mun_bad(int class);\n#endif\n")
        self.assert_red(r"include/muniment/bad.h does not compile alone \(g\+\+\)", "headers")

    def test_public_header_that_uses_a_private_one(self):
        self.write("include/muniment/bad.h", '#include "base/buf.h"\n')
        self.assert_red("include/muniment/bad.h does not compile alone", "headers")


class Licences(CopyOfTree):
    def test_untouched_copy_is_green(self):
        self.assert_green("licences")

    def test_source_without_line(self):
        self.write("src/codec/bad.c", "int x;\n", licence=False)
        self.assert_red("src/codec/bad.c: no line SPDX", "licences")

    def test_script_without_suffix(self):
        self.write("tools/bad", "#!/bin/sh\ntrue\n", licence=False)
        self.assert_red("tools/bad: no line SPDX", "licences")

    def test_two_files_of_one_name(self):
        self.write("src/codec/buf.c", "")
        self.assert_red("same name as", "licences")


class Format(CopyOfTree):
    EXTRA = (".clang-format",)

    def test_crooked_file(self):
        self.write("src/codec/bad.c", "int  x ;\n")
        self.assert_red("src/codec/bad.c: . places", "format")

    def test_fix_makes_it_green(self):
        self.write("src/codec/bad.c", "int  x ;\n")
        self.assert_green("format", "--fix")
        self.assert_green("format")


class Exports(CopyOfTree):
    def setUp(self):
        super().setUp()
        self.assert_green("exports", "--update")

    def test_after_update_it_is_green(self):
        self.assert_green("exports")

    def test_new_public_function(self):
        self.write("include/muniment/bad.h", "MUN_API int *mun_new_thing(mun_code *a);\n")
        self.assert_red("mun_new_thing: in the public headers, not in", "exports")

    def test_function_taken_away(self):
        path = self.root / "include/muniment/base.h"
        path.write_text(path.read_text().replace("MUN_API void mun_buf_free", "void mun_buf_free"))
        self.assert_red("mun_buf_free: in cmake/libmuniment.map, not in the public headers", "exports")

    def library(self, text):
        source = self.write("lib.c", text)
        target = self.root / "lib.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", target, source], check=True)
        return target

    def test_library_with_a_name_too_many(self):
        self.assert_red("mun_leaked: in the library, not in", "exports",
                        self.library("void mun_leaked(void) {}\n"))

    def test_library_with_a_name_too_few(self):
        self.assert_red("mun_buf_free: in cmake/libmuniment.map, not in the library", "exports",
                        self.library("void mun_code_name(void) {}\n"))


class Requirements(CopyOfTree):
    ROOMS = ("base",)
    PAGE = "# T\n- **[TOY-1]** A toy MUST be round.\n- **[TOY-2]** A toy may roll.\n"

    def setUp(self):
        super().setUp()
        self.write("docs/format/toy.md", self.PAGE)
        self.write("tests/toy/test_toy.c", "/* [TOY-1] */\n")

    def test_covered_must_is_green(self):
        self.assert_green("requirements")

    def test_must_without_test(self):
        (self.root / "tests/toy/test_toy.c").unlink()
        self.assert_red("TOY-1 has no test", "requirements")

    def test_citation_in_code_is_no_test(self):
        (self.root / "tests/toy/test_toy.c").rename(self.root / "src/base/toy.c")
        self.assert_red("TOY-1 has no test", "requirements")

    def test_longer_number_is_another_id(self):
        self.write("tests/toy/test_toy.c", "/* [TOY-11] */\n")
        self.assert_red("TOY-1 has no test", "requirements")

    def test_defined_twice(self):
        self.write("docs/format/toys.md", self.PAGE)
        self.assert_red("TOY-1 is defined twice", "requirements")

    def test_citation_of_nothing(self):
        self.write("tests/toy/test_more.c", "/* [TOY-3] */\n")
        self.assert_red(r"cites \[TOY-3\], which no page defines", "requirements")

    def test_matrix_names_the_files(self):
        self.assertRegex(self.assert_green("requirements", "--matrix"),
                         r"TOY-1 +MUST  code: -  tests: tests/toy/test_toy.c")
