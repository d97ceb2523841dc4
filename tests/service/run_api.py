# SPDX-License-Identifier: Apache-2.0
"""The black-box tests of the reading interface, one after the other, counted together."""
import subprocess
import sys

import harness

PARTS = ("test_tiles.py", "test_events.py", "test_api.py")


def main():
    harness.build("muniment", "muniment-serve", "disk_faults")
    with harness.Checks() as checks:
        for name in PARTS:
            command = [sys.executable, "-B", str(harness.ROOT / "tests/service" / name)]
            checks.child(subprocess.run(command, cwd=harness.ROOT, capture_output=True, text=True, timeout=900), name)


if __name__ == "__main__":
    sys.exit(main())
