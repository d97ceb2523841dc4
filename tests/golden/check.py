#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""This build against the golden files [FMT-2]: everything that was written before is read as it was
meant, and what a newer version wrote is refused in words that say so [FMT-1].

Usage: check.py MUNIMENT
"""
import pathlib
import shutil
import sys
import tarfile
import tempfile

from golden import ARCHIVE, HERE, LEDGERS, PASSPHRASE, Program, batches_wait, entries, leaves, root, roots, verdicts

passed = failed = 0


def expect(right, what, detail=""):
    global passed, failed
    passed, failed = passed + bool(right), failed + (not right)
    if not right:
        print(f"FAILED: {what} {detail}".rstrip())
    return right


def exits(code, what, done):
    return expect(done.returncode == code, what, f"gave {done.returncode}, not {code}: {done.stdout}{done.stderr}")


def check_verdicts(run):
    for code, arguments in verdicts():
        exits(code, f"verify {' '.join(arguments)}", run.run("verify", *arguments))


def check_second_opinion(run):
    """ref/ reads the same: ledgers and export as they are, and what its verify takes of the verdicts."""
    for name in (*LEDGERS, "export"):
        exits(0, f"ref: {name}", run.second("ledger", name))
    for code, arguments in verdicts():
        if not {"-l", "--trust"} & set(arguments) and all("=" in a for a in after(arguments, "--issuer-key")):
            if "--evidence" not in arguments:
                arguments += ["--evidence", arguments[0] + ".scitt"]
            exits(code, f"ref: verify {' '.join(arguments)}", run.second("verify", *arguments))


def after(arguments, option):
    return [value for name, value in zip(arguments, arguments[1:]) if name == option]


def check_ledger(run, name):
    size, digest = roots()[name]
    ledger = run.folder / name
    waited = batches_wait(ledger)
    expect(waited == (name == "killed"), f"{name}: batches wait in its journal: {waited}")
    exits(0, f"{name}: fsck before anything else", run.run("fsck", name))
    expect(run.rows(name) == entries()[name], f"{name}: its entries are those listed")
    hashes = leaves(ledger)
    expect([h.hex() for h in hashes] == [r[2] for r in entries()[name]], f"{name}: leaf hashes of the files")
    expect((len(hashes), root(hashes).hex()) == (size, digest), f"{name}: size and root")
    status = run.must("status", "-l", name, "--json")
    expect(f'"size":{size},"root":"{digest}"' in status, f"{name}: status says size and root", status)
    done = run.run("fsck", name, "--deep")
    exits(0, f"{name}: fsck --deep", done)


def check_checkpoint(run):
    """The same tree gives the same bytes, and the log grew from the kept one."""
    now = run.must("checkpoint", "-l", "ledger")
    expect(now == (run.folder / "checkpoint").read_text(), "the checkpoint is the one kept", now)
    exits(0, "checkpoint --since", run.run("checkpoint", "-l", "ledger", "--since", "checkpoint"))
    for path in sorted((run.folder / "receipts").iterdir()):
        exits(0, f"show {path.name}", run.run("show", path))


def check_rebuild(run):
    """What is derived comes back with the same bytes."""
    shutil.copytree(run.folder / "ledger", run.folder / "rebuilt")
    derived = ["offsets", *(f"hashes/{n}" for n in range(5))]
    for name in [*derived, "index.sqlite", "control", "published", "checkpoint"]:
        (run.folder / "rebuilt" / name).unlink()
    exits(0, "rebuild", run.run("rebuild", "rebuilt"))
    for name in derived:
        same = (run.folder / "rebuilt" / name).read_bytes() == (run.folder / "ledger" / name).read_bytes()
        expect(same, f"rebuild gives {name} as it was")
    expect(run.rows("rebuilt") == entries()["ledger"], "the rebuilt ledger has the entries listed")


def check_export(run):
    exits(0, "import of the export", run.run("import", "export", "imported"))
    expect(run.rows("imported") == entries()["ledger"], "the imported ledger has the entries listed")
    run.must("export", "ledger", "export-now")
    for path in sorted(p for p in (run.folder / "export").rglob("*") if p.is_file()):
        name = path.relative_to(run.folder / "export")
        now = run.folder / "export-now" / name
        expect(now.is_file() and now.read_bytes() == path.read_bytes(), f"export gives {name} as it was")


def check_writing(run):
    """The old ledgers go on: a known statement has its old index, a new one gets the next."""
    alice = ["--key", "keys/alice", "--issuer", "https://alice.example"]
    done = run.run("register", "-l", "ledger", *alice, "-r", "papers", "--out", "again", "-t", "text/plain", "--json")
    exits(0, "registering the papers again", done)
    expect('"registered":0,' in done.stdout, "they are all known", done.stdout[-200:])
    exits(0, "the statement again", run.run("register", "-l", "ledger", "empty.bin.cose"))
    expect(len(run.rows("ledger")) == roots()["ledger"][0], "nothing was added")
    for name, how in (("ledger", alice), ("killed", alice), ("adopted", ["--key", "keys/stranger"]),
                      ("any", ["--key", "keys/stranger", *PASSPHRASE["any"]])):
        document = run.folder / f"new-{name}.txt"
        document.write_text(f"Something new for {name}.\n")
        exits(0, f"{name}: something new", run.run("register", "-l", name, *how, document.name))
        expect(len(run.rows(name)) == roots()[name][0] + 1, f"{name}: it got the next index")
        exits(0, f"{name}: fsck --deep afterwards", run.run("fsck", name, "--deep"))
    exits(0, "checkpoint --since the kept one", run.run("checkpoint", "-l", "ledger", "--since", "checkpoint"))


def check_killed(run):
    """What was acknowledged before the kill has its evidence, and it holds."""
    for path in sorted((run.folder / "killed-evidence").rglob("*.scitt")):
        document = run.folder / "many" / path.name.removesuffix(".scitt")
        exits(0, f"killed: {path.name}", run.run("verify", document, "--evidence", path, "-l", "killed"))


def newer(run, what, *command):
    done = run.run(*command)
    expect(done.returncode == 5 and "newer" in done.stderr, f"{what}: refused as newer",
           f"{done.returncode} {done.stderr}")


def check_newer(run):
    (run.folder / "any" / "format").write_text("muniment-log 2\n")
    for command in (["status"], ["list"], ["fsck"], ["rebuild"], ["checkpoint", *PASSPHRASE["any"]],
                    ["receipt", "0", *PASSPHRASE["any"]],
                    ["register", "--key", "keys/stranger", *PASSPHRASE["any"], "deed.txt"]):
        where = ["any"] if command[0] in ("fsck", "rebuild", "status") else ["-l", "any"]
        newer(run, f"format 2: {command[0]}", *command, *where)
    text = (run.folder / "killed" / "ledger.pub").read_text()
    first = text.splitlines()[0]
    (run.folder / "killed" / "ledger.pub").write_text(text.replace(first, first[:-1] + "2", 1))
    newer(run, "ledger.pub 2", "status", "-l", "killed")
    (run.folder / "export" / "export").write_text("muniment-export 2\n")
    newer(run, "export 2", "import", "export", "from-newer")


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__.strip())
    folder = pathlib.Path(tempfile.mkdtemp())
    run = Program(sys.argv[1], folder)
    try:
        with tarfile.open(HERE / ARCHIVE) as archive:
            archive.extractall(folder)
        check_verdicts(run)
        check_second_opinion(run)
        for name in LEDGERS:
            check_ledger(run, name)
        check_killed(run)
        check_checkpoint(run)
        check_rebuild(run)
        check_export(run)
        check_writing(run)
        check_newer(run)
    finally:
        shutil.rmtree(folder)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or passed < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
