# SPDX-License-Identifier: Apache-2.0
"""Where tests find the package, the documents and the shared vectors."""
import json
import os
import sys
import unittest

REF = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(REF)
sys.path.insert(0, REF)


def example():
    with open(os.path.join(ROOT, "docs", "format", "example.json"), encoding="utf-8") as file:
        return json.load(file)


def vectors(name):
    """A file below ../shared/data: skipped if the folder is not there; a folder without the file is a failure."""
    shared = os.environ.get("MUN_SHARED") or os.path.join(os.path.dirname(ROOT), "shared")
    if not os.path.isdir(shared):
        raise unittest.SkipTest("no " + shared)
    with open(os.path.join(shared, "data", name), encoding="utf-8") as file:
        cases = json.load(file)
    if not cases:
        raise AssertionError(name + " is empty")
    return cases
