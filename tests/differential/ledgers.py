# SPDX-License-Identifier: Apache-2.0
"""Random small ledgers made by the real program, read by ref/: directories, exports, copies, adopted copies, damaged ones.

Usage: ledgers.py MUNIMENT [--ledgers N] [--seed S] [--keep DIR]
"""
import argparse
import json
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cases  # noqa: E402
from material import cbor, keys, sign1  # noqa: E402
from muniment_ref import ledger, receipt, verify  # noqa: E402

ALGS = ("es256", "es384", "ed25519")
FLIPS = 12  # bits of each ledger that are turned over, one at a time


class Outcome:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def is_true(self, good, what):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print("FAILED " + what)
        return good


class Maker:
    """One ledger, made by commands."""

    def __init__(self, program, folder, rng, world, outcome):
        self.program, self.folder, self.rng, self.world, self.outcome = program, folder, rng, world, outcome
        self.ledger, self.documents = folder / "ledger", []
        self.mode = rng.choice(("listed", "any"))
        self.keys = []
        self.serial = 0

    def run(self, *arguments, expect=0):
        done = self.command(*arguments)
        self.outcome.is_true(done.returncode == expect, "%s: %s ended with %d: %s" % (
            self.folder, " ".join(map(str, arguments[:2])), done.returncode, done.stderr[-300:]))
        return done

    def command(self, *arguments):
        return subprocess.run([self.program, *map(str, arguments)], cwd=self.folder, capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"})

    def make(self):
        rng = self.rng
        options = ["--any-issuer"] if self.mode == "any" else []
        self.run("init", self.ledger, "--name", "ledger.test/%d" % rng.randrange(1000), "--alg", rng.choice(ALGS), *options)
        for number in range(rng.randrange(1, 4)):
            path = self.folder / ("key%d.pem" % number)
            self.run("key", "new", path, "--alg", rng.choice(ALGS))
            name = None
            if self.mode == "listed":
                name = "https://issuer%d.example" % number
                self.run("issuer", "add", "-l", self.ledger, "--issuer", name, str(path) + ".pub")
            self.keys.append((path, name))

    def register(self, count, kill=False):
        """Documents under one key; with `kill` the program is ended somewhere in the middle."""
        path, name = self.rng.choice(self.keys)
        new = []
        for _ in range(count):
            self.serial += 1
            document = self.folder / ("document %d" % self.serial)
            document.write_bytes(b"%d" % self.serial * self.rng.randrange(1, 50))
            new.append(document)
        arguments = ["register", "-l", self.ledger, "--key", path, *(["--issuer", name] if name else []), *new]
        if kill:
            process = subprocess.Popen([self.program, *map(str, arguments)], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(self.rng.random() * 0.1)
            process.kill()
            process.wait()
        else:
            self.run(*arguments)
        self.documents += [one for one in new if pathlib.Path(str(one) + ".scitt").exists()]

    def register_foreign(self):
        """Statements by other makers' algorithms and header shapes, made here."""
        for issuer in self.rng.sample(self.world.issuers, 3):
            name = issuer.name
            protected = {1: issuer.signer.alg, 4: issuer.foreign_kid, 15: {1: name, 2: "foreign"}, 3: 50}
            if self.mode == "any":
                name = keys.thumbprint_uri(issuer.key)
                protected[15] = {1: name, 2: "foreign", 8: {1: cbor.decode(keys.to_cose(issuer.key), True)}}
            else:
                public = self.folder / "foreign.cose_key"
                public.write_bytes(keys.to_cose(issuer.key))
                self.run("issuer", "add", "-l", self.ledger, "--issuer=" + name.replace("\0", ""), "--kid", issuer.foreign_kid.hex(), public)
                protected[15][1] = name.replace("\0", "")
            self.serial += 1
            statement = self.folder / ("foreign%d.cose" % self.serial)
            statement.write_bytes(sign1(issuer.signer, protected, b"payload %d" % self.serial, {7: "dropped"}))
            self.run("register", "-l", self.ledger, statement)

    def check(self, folder, what, receipts=None):
        """ref/ finds nothing wrong, and the same size and root as the program."""
        result = ledger.check(str(folder), sample=None, receipts=receipts)
        self.outcome.is_true(result["ok"], "%s: %s: %s" % (self.folder, what, result["damage"]))
        return result

    def compare_status(self, folder, result):
        status = json.loads(self.run("status", "-l", folder, "--json").stdout.splitlines()[0])
        self.outcome.is_true((status["size"], status["root"]) == (result.get("size"), result.get("root")),
                             "%s: status %s, ref %s" % (self.folder, status, result))
        self.outcome.is_true(status["fingerprint"] == result.get("words"), "%s: fingerprint words" % self.folder)

    def acknowledged(self):
        """Every receipt that was handed out, for ref/ to find in the ledger."""
        for document in self.documents:
            evidence = verify.Evidence(pathlib.Path(str(document) + ".scitt").read_bytes())
            for raw in evidence.receipts:
                yield {"index": receipt.Receipt(raw).proofs[0][1], "leaf": evidence.statement.leaf().hex(), "receipt": raw.hex()}

    def compare_reports(self):
        """verify of both on a few documents."""
        path, name = self.keys[0]
        pub = keys.parse_ledger_pub((self.ledger / "ledger.pub").read_bytes())
        _, key = keys.read_key_file(pathlib.Path(str(path) + ".pub").read_bytes())
        for document in self.rng.sample(self.documents, min(5, len(self.documents))):
            evidence = pathlib.Path(str(document) + ".scitt").read_bytes()
            iss = name or keys.thumbprint_uri(key)
            trust = [verify.Trust("issuer", iss, key, (), True)] + [verify.Trust("ledger", pub.origin, one, (), True) for one in pub[1:]]
            ours = verify.least(verify.report(evidence, verify.digests([document.read_bytes()]), trust))
            done = self.command("verify", document, "--issuer-key", "%s=%s.pub" % (iss, path), "--ledger-key", self.ledger / "ledger.pub", "--json")
            theirs = json.loads(done.stdout.splitlines()[0])
            theirs = {"verdict": theirs["verdict"], "checks": [{"id": one["id"], "result": one["result"]} for one in theirs["checks"]]}
            self.outcome.is_true(theirs == ours and done.returncode == ours["verdict"], "%s: %s: C %s, ref %s" % (self.folder, document, theirs, ours))

    def copies(self):
        """Export, import, adoption with and without the old keys, and on."""
        out, copy = self.folder / "out", self.folder / "copy"
        self.run("export", self.ledger, out)
        first = self.check(out, "export")
        self.run("import", out, copy)
        self.compare_status(copy, self.check(copy, "import"))
        for name in ("offsets", "ledger.pub", "hashes/0", "hashes/1"):
            self.outcome.is_true((self.ledger / name).read_bytes() == (copy / name).read_bytes(), "%s: %s of the copy [EXP-4]" % (self.folder, name))
        self.outcome.is_true(times(self.ledger) == times(copy), "%s: registration times of the copy [EXP-4]" % self.folder)
        old = ["--old-keys", self.ledger / "keys"] if self.rng.random() < 0.5 else []
        self.run("adopt", copy, *old)
        result = self.check(copy, "adopted copy")
        vouched = not any("signed by themselves" in note for note in result.get("notes", []))
        self.outcome.is_true(vouched == bool(old), "%s: who vouches for the new keys [POL-16]" % self.folder)
        self.outcome.is_true(result.get("size") == first.get("size", 0) + 1, "%s: size after adoption" % self.folder)
        self.ledger = copy
        self.register(self.rng.randrange(1, 10))
        self.compare_status(copy, self.check(copy, "adopted copy, later", list(self.acknowledged())))

    def damage(self):
        """One bit, somewhere that counts: fsck and ref/ agree that the ledger is damaged."""
        done = self.command("fsck", self.ledger)
        if done.returncode == 4:
            self.outcome.skipped += 1
            return
        self.outcome.is_true(done.returncode == 0, "%s: fsck ended with %d: %s" % (self.folder, done.returncode, done.stderr[-300:]))
        names = ["entries/0000000000", "hashes/0", "offsets", "commits"]
        for _ in range(FLIPS):
            path = self.ledger / self.rng.choice(names)
            data = bytearray(path.read_bytes())
            full = len(data) // 4096 * 4096  # what stands in the superblock too may be mended from there
            if not full:
                continue
            bit = self.rng.randrange(8 * full)
            self.flip(path, bit)
            ours, theirs = ledger.check(str(self.ledger), sample=0), self.command("fsck", self.ledger)
            self.outcome.is_true(theirs.returncode == 6, "%s: %s bit %d: fsck ended with %d: %s" % (
                self.folder, path.name, bit, theirs.returncode, theirs.stderr[-200:]))
            # ref/ takes the last block of `commits`, always whole, from the superblock [LOG-19].
            if path.name != "commits":
                self.outcome.is_true(not ours["ok"], "%s: %s bit %d: ref finds nothing" % (self.folder, path.name, bit))
            self.flip(path, bit)

    @staticmethod
    def flip(path, bit):
        data = bytearray(path.read_bytes())
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)


def times(folder):
    """When the registration time changes, and to what. A ledger and its copy may have cut the same times into other batches."""
    data, changes = (folder / "commits").read_bytes(), []
    for block in range(0, len(data), 4096):
        for first, time_ms in struct.iter_unpack(">QQ", data[block:block + 254 * 16]):
            if time_ms and (not changes or time_ms != changes[-1][1]):
                changes.append((first, time_ms))
    return changes


def one_ledger(program, folder, rng, world, outcome):
    folder.mkdir(parents=True)
    maker = Maker(program, folder, rng, world, outcome)
    maker.make()
    for step in range(rng.randrange(1, 4)):
        maker.register(rng.choice((1, 3, 20, 300 if step == 0 else 40)), kill=rng.random() < 0.3)
        maker.check(maker.ledger, "after a step", list(maker.acknowledged()))
    maker.register_foreign()
    maker.register(2)
    maker.compare_status(maker.ledger, maker.check(maker.ledger, "at the end", list(maker.acknowledged())))
    maker.compare_reports()
    maker.copies()
    maker.damage()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--ledgers", type=int, default=12)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--keep", type=pathlib.Path, default=pathlib.Path("build/differential-ledgers"))
    arguments = parser.parse_args()
    print("seed %d, %d ledgers" % (arguments.seed, arguments.ledgers))
    outcome, world = Outcome(), cases.World(random.Random(arguments.seed))
    shutil.rmtree(arguments.keep, ignore_errors=True)
    for number in range(arguments.ledgers):
        before, folder = outcome.failed, (arguments.keep / str(number)).resolve()
        one_ledger(arguments.program.resolve(), folder, random.Random("%d %d" % (arguments.seed, number)), world, outcome)
        if outcome.failed == before:
            shutil.rmtree(folder)
    print("%d passed, %d failed, %d skipped" % (outcome.passed, outcome.failed, outcome.skipped))
    return 1 if outcome.failed else 0


if __name__ == "__main__":
    sys.exit(main())
