# SPDX-License-Identifier: Apache-2.0
"""./check adds up honestly and cannot be made green by a part that lies or does nothing."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from copy_of_tree import ROOT


class CheckParts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "parts").mkdir()

    def part(self, name, script):
        path = self.folder / "parts" / name
        path.write_text("#!/bin/sh\n" + script + "\n")
        path.chmod(0o755)

    def check(self, *arguments):
        """(exit code, last line, everything)"""
        done = subprocess.run([sys.executable, ROOT / "tools/check_parts.py", "--parts", self.folder / "parts",
                               *arguments], env=dict(os.environ, MUN_BUILD_DIR=str(self.folder)), text=True,
                              capture_output=True, check=False)
        return done.returncode, (done.stdout.splitlines() or [""])[-1], done.stdout + done.stderr

    def expect(self, code, line):
        self.assertEqual(self.check()[:2], (code, line))

    def test_sum(self):
        self.part("10-a", "echo 3 passed, 0 failed")
        self.part("20-b", "echo noise; echo 4 passed, 0 failed, 2 skipped")
        self.expect(0, "7 passed, 0 failed, 2 skipped")

    def test_failures_make_it_red(self):
        self.part("10-a", "echo 3 passed, 0 failed")
        self.part("20-b", "echo 4 passed, 2 failed; exit 1")
        self.expect(1, "7 passed, 2 failed")

    def test_failures_counted_make_it_red_whatever_the_exit_code(self):
        self.part("10-a", "echo 3 passed, 1 failed")
        self.expect(1, "3 passed, 1 failed")

    def test_bad_end_without_a_counted_failure(self):
        self.part("10-a", "echo 3 passed, 0 failed; exit 3")
        self.expect(1, "3 passed, 1 failed")

    def test_killed(self):
        self.part("10-a", "echo 3 passed, 0 failed; kill -9 $$")
        self.expect(1, "3 passed, 1 failed")

    def test_no_line(self):
        self.part("10-a", "echo all is well")
        self.expect(1, "0 passed, 1 failed")

    def test_line_not_at_the_end(self):
        self.part("10-a", "echo 3 passed, 0 failed; echo and then it went on")
        self.expect(1, "0 passed, 1 failed")

    def test_counting_nothing(self):
        self.part("10-a", "echo 0 passed, 0 failed")
        self.expect(1, "0 passed, 1 failed")

    def test_only_skipped_is_not_green(self):
        self.part("10-a", "echo 0 passed, 0 failed, 5 skipped")
        self.expect(1, "0 passed, 0 failed, 5 skipped")

    def test_no_parts_at_all(self):
        self.expect(1, "0 passed, 0 failed")

    def test_the_plain_line_stands_once(self):
        self.part("10-a", "echo 1 passed, 0 failed")
        self.part("20-b", "echo 1 passed, 1 failed")
        text = self.check()[2]
        plain = [line for line in text.splitlines() if line[:1].isdigit() and line.endswith("failed")]
        self.assertEqual(plain, ["2 passed, 1 failed"])

    def test_chosen_parts(self):
        self.part("10-a", "echo 1 passed, 0 failed")
        self.part("20-b", "echo 1 passed, 1 failed")
        self.assertEqual(self.check("a")[:2], (0, "1 passed, 0 failed"))

    def test_unknown_part(self):
        self.part("10-a", "echo 1 passed, 0 failed")
        code, _, text = self.check("z")
        self.assertEqual((code, "no part named z" in text), (1, True))

    def test_long_is_told_to_the_parts(self):
        self.part("10-a", 'echo "${MUN_LONG:-0} passed, 0 failed"')
        self.assertEqual(self.check("--long")[1], "1 passed, 0 failed")

    def test_no_input_is_given(self):
        self.part("10-a", 'cat; echo "1 passed, 0 failed"')
        self.expect(0, "1 passed, 0 failed")

    def test_some_run_beside_each_other_and_none_beside_the_others(self):
        """Each writes when it begins and ends; the two that may wait for each other."""
        wait = "until [ -e {0} ]; do sleep 0.01; done; "
        log = self.folder / "order"
        for name, words, does in (("10-a", "", ""), ("20-b", "# Beside others: waits", wait.format(self.folder / "c")),
                                  ("30-alone", "", ""), ("40-c", "# Beside others", f"touch {self.folder / 'c'}; ")):
            self.part(name, f"{words}\necho {name} >>{log}; {does}echo {name} >>{log}; echo 1 passed, 0 failed")
        if (os.cpu_count() or 1) < 2:
            self.skipTest("one core: nothing runs beside anything")
        self.expect(0, "4 passed, 0 failed")
        order = log.read_text().split()
        self.assertEqual((order[:2], order[6:]), (["10-a"] * 2, ["30-alone"] * 2))
        self.assertEqual(sorted(order[2:6]), ["20-b"] * 2 + ["40-c"] * 2)

    def test_a_failure_beside_others_counts(self):
        self.part("10-a", "# Beside others\necho 3 passed, 1 failed; exit 1")
        self.part("20-b", "# Beside others\necho 4 passed, 0 failed")
        self.expect(1, "7 passed, 1 failed")
