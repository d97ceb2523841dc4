# SPDX-License-Identifier: Apache-2.0
from copy_of_tree import CopyOfTree


class Floors(CopyOfTree):
    def test_untouched_copy_is_green(self):
        self.assert_green("floors")

    def refuse(self, name, include, why):
        self.write(name, f"#include {include}\n")
        self.assert_red(f"{name}:2: .*{why}", "floors")

    def test_same_floor(self):
        self.refuse("src/merkle/bad.c", '"codec/cbor.h"', r"merkle \(floor 1\) may not use codec")

    def test_upward(self):
        self.write("src/ledger/admit.h", "")
        self.refuse("src/codec/bad.h", '"ledger/admit.h"', "may not use ledger")

    def test_lower_room_not_declared(self):
        self.write("src/crypto/native.h", "")
        self.refuse("src/log/bad.c", '"crypto/native.h"', "may not use crypto")

    def test_public_header_of_an_upper_room(self):
        self.refuse("src/codec/bad.c", "<muniment/ledger.h>", "may not use ledger")

    def test_public_header_without_owner(self):
        self.refuse("src/codec/bad.c", "<muniment/novel.h>", "no `public` line")

    def test_openssl_outside_crypto(self):
        self.refuse("src/evidence/bad.c", "<openssl/evp.h>", "not among the system headers of evidence")

    def test_sqlite_outside_index(self):
        self.refuse("src/ledger/bad.c", "<sqlite3.h>", "not among the system headers of ledger")

    def test_files_outside_vfs(self):
        self.refuse("src/log/bad.c", "<fcntl.h>", "not among the system headers of log")

    def test_printf_in_the_core(self):
        self.refuse("src/base/bad.c", "<stdio.h>", "not among the system headers of base")

    def test_name_not_from_src(self):
        self.refuse("src/codec/bad.c", '"cbor.h"', "names start at src/")

    def test_include_in_a_comment_does_not_count(self):
        self.write("src/codec/fine.c", "/*\n#include <stdio.h>\n*/\n")
        self.assert_green("floors")

    def test_folder_that_is_no_room(self):
        self.write("src/attic/bad.c", "")
        self.assert_red("src/attic/bad.c: belongs to no room", "floors")

    def test_edges_file_cannot_point_upward(self):
        path = self.root / "tools" / "floors.txt"
        path.write_text(path.read_text() + "room codec 1 base ledger\n")
        self.assert_red("room codec uses ledger, not on a lower floor", "floors")

    def test_edges_file_with_an_unknown_line(self):
        path = self.root / "tools" / "floors.txt"
        path.write_text(path.read_text() + "rooom codec 1 base\n")
        self.assert_red("cannot read 'rooom codec 1 base'", "floors")

    def test_nothing_to_check_is_red(self):
        for room in self.ROOMS:
            for path in (self.root / "src" / room).glob("*.[ch]"):
                path.unlink()
        for path in (self.root / "include").rglob("*.h"):
            path.unlink()
        self.assert_red("nothing was checked", "floors")
