# SPDX-License-Identifier: Apache-2.0
"""What make and check share: running the program, and reading a ledger's files by hand."""
import hashlib
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ARCHIVE, ENTRIES, VERDICTS, ROOTS = "golden.tar.gz", "entries.txt", "verdicts.txt", "roots.txt"
LEDGERS = ("ledger", "any", "adopted", "killed")
PASSPHRASE = {"any": ["--ledger-passphrase-file", "passphrase"]}  # those whose keys are encrypted


class Program:
    """muniment in a folder, with no configuration of the user's."""

    def __init__(self, path, folder):
        self.path, self.folder = str(pathlib.Path(path).resolve()), folder
        self.environment = dict(os.environ, XDG_CONFIG_HOME=str(folder / "no-config"), LC_ALL="C.UTF-8")
        self.environment.pop("MUNIMENT_LEDGER", None)

    def run(self, *arguments):
        return subprocess.run([self.path, *map(str, arguments)], cwd=self.folder, env=self.environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)

    def second(self, *arguments):
        """The second verifier, ref/."""
        return subprocess.run([sys.executable, str(HERE.parents[1] / "ref" / "verify.py"), *arguments], cwd=self.folder,
                              capture_output=True, text=True, timeout=300)

    def start(self, *arguments):
        return subprocess.Popen([self.path, *map(str, arguments)], cwd=self.folder, env=self.environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def must(self, *arguments):
        done = self.run(*arguments)
        if done.returncode != 0:
            raise SystemExit(f"muniment {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stderr}")
        return done.stdout

    def rows(self, ledger):
        """(index, registration time in ms, leaf hash, issuer, subject) of every entry."""
        lines = map(json.loads, self.must("list", "-l", ledger, "--json").splitlines())
        return [(r["index"], r["registered_ms"], r["leaf"], r["issuer"], r["subject"]) for r in lines]


def leaves(ledger):
    """Leaf hashes of the entries in the streams (docs/format/log.md, statement.md)."""
    ret = []
    for segment in sorted((ledger / "entries").iterdir()):
        data, at = segment.read_bytes(), 0
        while at < len(data):
            length = int.from_bytes(data[at:at + 2], "big")
            ret.append(hashlib.sha256(b"\0" + data[at + 2:at + 2 + length]).digest())
            at += 2 + length
    return ret


def root(hashes):
    """RFC 9162 section 2.1.1."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return hashlib.sha256(b"\1" + root(hashes[:split]) + root(hashes[split:])).digest()


def batches_wait(ledger):
    """Whether the journal holds a batch behind its newest superblock (docs/format/log.md)."""
    journal = (ledger / "journal").read_bytes()
    newest = max((journal[i * 36864:(i + 1) * 36864] for i in range(4)),
                 key=lambda s: (s[:8] == b"MUNSUPR1", s[24:32]))
    start, blocks = int.from_bytes(newest[32:40], "big"), int.from_bytes(newest[40:48], "big")
    at = 147456 + start % blocks * 4096
    return journal[at:at + 8] == b"MUNJRNL1" and journal[at + 24:at + 32] == newest[32:40]


def verdicts():
    """(exit code, arguments of verify) of each line that is not a comment."""
    for line in (HERE / VERDICTS).read_text().splitlines():
        if line and not line.startswith("#"):
            code, *arguments = line.split()
            yield int(code), arguments


def roots():
    """{ledger: (size, root)}"""
    lines = (HERE / ROOTS).read_text().splitlines()
    return {name: (int(size), digest) for name, size, digest in (l.split() for l in lines if not l.startswith("#"))}


def entries():
    """{ledger: rows}"""
    ret = {name: [] for name in LEDGERS}
    for line in (HERE / ENTRIES).read_text().splitlines():
        if not line.startswith("#"):
            name, index, ms, leaf, issuer, subject = line.split("\t")
            ret[name].append((int(index), int(ms), leaf, issuer, subject))
    return ret
