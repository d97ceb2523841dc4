# SPDX-License-Identifier: Apache-2.0
"""A copy of the tree in which a test may break a rule, and the running of a tool on it."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LICENCE = "/* SPDX-License-Identifier: Apache-2.0 */\n"


class CopyOfTree(unittest.TestCase):
    """self.root is a copy of tools/, include/, cmake/ and the rooms named in ROOMS."""

    ROOMS = ("base", "codec", "merkle")
    EXTRA = ()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for name in ("tools", "include", "cmake", *self.EXTRA, *(f"src/{room}" for room in self.ROOMS)):
            self.copy(name)

    def copy(self, name):
        source, target = ROOT / name, self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)

    def write(self, name, text, licence=True):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((LICENCE if licence else "") + text)
        return path

    def run_tool(self, *command, env=None):
        """(exit code, output); the tool is the copy's own."""
        command = [self.root / "tools" / command[0], *command[1:]]
        environment = dict(os.environ, MUN_BUILD_DIR=str(self.root / "build"), **(env or {}))
        done = subprocess.run(command, cwd=self.root, env=environment, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout

    def assert_red(self, pattern, *command, env=None):
        code, text = self.run_tool(*command, env=env)
        self.assertRegex(text, pattern)
        self.assertNotEqual(code, 0, text)

    def assert_green(self, *command, env=None):
        code, text = self.run_tool(*command, env=env)
        self.assertEqual(code, 0, text)
        return text
