# SPDX-License-Identifier: Apache-2.0
"""The commands that a page shows: lines that begin with `$ ` in the code blocks of one section."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


def blocks(page, section):
    """A list of commands for each block of the section."""
    text = (ROOT / page).read_text()
    match = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    if match is None:
        raise AssertionError(f"{page} has no section {section!r}")
    found = [[line[2:] for line in block.split("\n") if line.startswith("$ ")]
             for block in re.findall(r"^```[a-z]*\n(.*?)^```", match[1], re.M | re.S)]
    return [block for block in found if block]
