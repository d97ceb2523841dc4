#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs tests/gates/test_*.py and ends with the line of counts that ./check reads.

Usage: run.py [-v] [NAME...]    (unittest's names: test_floors, test_floors.Floors.test_upward...)
"""
import os
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent


def main():
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(HERE))
    names = [a for a in sys.argv[1:] if not a.startswith("-")]
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromNames(names) if names else loader.discover(str(HERE), "test_*.py")
    stream = open(1, "w", buffering=1, closefd=False)
    result = unittest.TextTestRunner(stream=stream, verbosity=2 if "-v" in sys.argv else 1).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = len(result.skipped)
    passed = result.testsRun - failed - skipped
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C.UTF-8"
    sys.exit(main())
