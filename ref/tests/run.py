# SPDX-License-Identifier: Apache-2.0
"""Runs the tests and ends with the line that ./check adds up: `N passed, N failed, N skipped`."""
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)


def main():
    suite = unittest.defaultTestLoader.discover(HERE)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    bad = {case.id().split(" ")[0] for case, _ in result.failures + result.errors}
    failed, skipped = len(bad), len(result.skipped)
    print("%d passed, %d failed, %d skipped" % (max(0, result.testsRun - failed - skipped), failed, skipped))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
