#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`muniment serve` from the command line and from a configuration file: what is served where, what is refused and how that is
said, --check. The language of the file is tested in tests/server/test_config.c."""
import json
import os
import shlex
import subprocess

import harness


def ended(*arguments, timeout=harness.HTTP_SECONDS, **more):
    """A service that ends by itself: (status, everything it said)."""
    done = subprocess.run([str(harness.program()), "serve", *map(str, arguments)], capture_output=True, text=True, timeout=timeout, **more)
    return done.returncode, done.stdout + done.stderr


def refused(checks, what, expected, *arguments, status=None):
    got, said = ended(*arguments)
    checks.ok(got not in (0, -6, -11) and (status is None or got == status), f"{what}: ends with {status or 'an error'}: {got}")
    checks.ok(expected in said, f"{what}: says {expected!r}: {said[-400:]!r}")
    checks.ok(len(said.splitlines()) <= 2, f"{what}: in one sentence: {said!r:.300}")


def without_file(checks, world):
    one, two = world.ledger("x.example/one", name="one"), world.ledger("x.example/two", name="two")
    with world.serve(one) as service:
        checks.equal(service.get("/checkpoint").text.split("\n")[0], "x.example/one", "one ledger stands at the root")
        out = service.output()
        checks.ok(f"one  {service.url}/" in out, f"its URL is printed: {out!r}")
        command = next(line for line in out.splitlines() if line.startswith("Try: "))[5:]
        tried = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=harness.HTTP_SECONDS)
        checks.ok(tried.stdout.startswith("x.example/one\n"), f"the command that is printed works: {command}")
        checks.equal(service.stop(), 0, "SIGTERM ends it with 0")
    with world.serve(one, two, listen="unix") as service:
        checks.equal([service.get(f"/{name}/checkpoint").text.split("\n")[0] for name in ("one", "two")], ["x.example/one", "x.example/two"],
                     "two ledgers stand under their names")
        checks.equal(service.get("/checkpoint").status, 404, "and nothing at the root")
        command = next(line for line in service.output().splitlines() if line.startswith("Try: "))[5:]
        tried = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=harness.HTTP_SECONDS)
        checks.ok(tried.stdout.startswith("x.example/one\n"), f"the command that is printed works: {command}")
        checks.equal(oct(os.stat(service.unix).st_mode & 0o777), "0o660", "mode of the socket")
        checks.equal(service.stop(), 0, "SIGTERM ends it with 0")
        checks.ok(not os.path.exists(service.unix), "the socket's file is gone")
        service.start()
        checks.equal(service.get("/healthz").status, 200, "it starts again where it was")
        service.kill()
        service.start()
        checks.equal(service.get("/healthz").status, 200, "and over the socket that a killed one left")
    again = world.folder / "other"
    again.mkdir()
    clash = world.ledger("x.example/three", name="other/one")
    refused(checks, "two of one name", "would both be called one", one, clash, status=2)
    refused(checks, "no ledger there", "ledger.pub", world.folder / "nothing", "--listen", "127.0.0.1:0")
    refused(checks, "no ledger said", "which ledgers?", status=2)
    refused(checks, "a public address", "--public", one, "--listen", "0.0.0.0:0", status=2)
    refused(checks, "no address", "cannot listen on", one, "--listen", "here", status=2)
    refused(checks, "a file and directories", "either directories or --config", one, "--config", "/dev/null", status=2)
    with world.serve(one) as service:
        refused(checks, "an address in use", "cannot bind", two, "--listen", service.listen)


def file_errors(checks, world):
    ledger = world.ledger(name="good")
    section = f'ledger "good" {{ directory = "{ledger}" }}\n'
    for what, text, expected in [
            ("unknown option", section + "colour = red\n", "line 2"), ("a repeated option", section + "limits {\nqueue = 1\nqueue = 2 }", "line 4"),
            ("a missing brace", section + "limits {\n", "line 2: this section is never closed"), ("the environment", section + 'public-url = "${HOME}"', "line 2"),
            ("a bad number", section + "limits { workers = 0 }", "line 2: workers is 0"), ("a twin", section + section, "line 2")]:
        path = world.config(text)
        refused(checks, what, expected, "--config", path, "--check")
        refused(checks, f"{what}, by its name", path.name, "--config", path)
    refused(checks, "no such file", "no-such-file", "--config", world.path("no-such-file"), "--check")
    tokens = world.path()
    tokens.write_text("")
    tokens.chmod(0o644)
    path = world.config(f'ledger "good" {{ directory = "{ledger}" submit = token tokens = "{tokens}" }}')
    refused(checks, "a tokens file for everyone", "chmod 600", "--config", path, "--check")
    secret = world.config(f'ledger "good" {{ directory = "{ledger}" passphrase-file = "{tokens}" }}')
    for more in (("--check",), ("--listen", "127.0.0.1:0")):
        refused(checks, "a passphrase for everyone", "others can read", "--config", secret, *more)
    secret.chmod(0o666)
    refused(checks, "a configuration that anyone can change", "others can change", "--config", secret, "--check")
    tokens.chmod(0o600)
    tokens.write_text("nonsense\n")
    refused(checks, "a bad tokens file", "line 1", "--config", path, "--check")


def snapshot(folder):
    return sorted((str(p), p.stat().st_mtime_ns, p.stat().st_size) for p in folder.rglob("*"))


def check(checks, world):
    a, b = world.ledger(name="check-a"), world.ledger(name="check-b")
    path = world.config(f'listen "127.0.0.1:1" {{ }}\nledger a {{ directory = "{a}" }}\nledger b {{ directory = "{b}" }}\n')
    before = snapshot(a)
    status, said = ended("--config", path, "--check")
    checks.equal((status, said), (0, "The configuration is good: 2 ledgers.\n"), "--check of what is good")
    checks.equal(snapshot(a), before, "--check writes nothing")
    checks.equal(ended("--config", path, "--check", "--json"), (0, '{"type":"checked","ledgers":2}\n'), "--check in JSON")
    with world.serve(a, b, "--json") as service:
        told = [json.loads(line) for line in service.output().splitlines()]
        checks.equal(told, [{"type": "serving", "name": p.name, "url": f"{service.url}/{p.name}/"} for p in (a, b)], "the greeting in JSON")
    checks.equal(ended(a, b, "--check")[0], 0, "--check of directories")
    entries = b / "entries" / "0000000000"
    entries.write_bytes(bytes(x ^ 0x55 for x in entries.read_bytes()))
    refused(checks, "a damaged ledger", "ledger b", "--config", path, "--check")
    for listen, expected in (("x", "cannot listen on"), ("0.0.0.0:1", "not a loopback address"), ("unix:/" + "a" * 108, "1 to 107 bytes")):
        text = f'listen "{listen}" {{ }}\nledger a {{ directory = "{a}" }}'
        refused(checks, f"a bad listener, {listen:.9}", expected, "--config", world.config(text), "--check")
    public = world.config(f'listen "0.0.0.0:1" {{ public = true }}\nlisten "socket:x" {{ }}\nledger a {{ directory = "{a}" }}')
    checks.equal(ended("--config", public, "--check")[0], 0, "--check of a public address that is meant")
    refused(checks, "a folder as configuration", "Is a directory", "--config", world.folder, "--check")
    twice(checks, world, a)
    keys(checks, world)


def twice(checks, world, ledger):
    """One directory under two names of its own."""
    link = world.folder / "link"
    link.symlink_to(ledger)
    for other in (link, f"{ledger}/", f"{ledger}/../{ledger.name}"):
        path = world.config(f'ledger a {{ directory = "{ledger}" }}\nledger b {{ directory = "{other}" }}')
        for more in (("--check",), ("--listen", "127.0.0.1:0")):
            refused(checks, f"one directory twice, {more[0]}", "a and b are the same directory", "--config", path, *more, status=2)


def keys(checks, world):
    """That a ledger can be read says nothing about whether it can sign."""
    right, wrong, ledger = world.path(), world.path(), world.folder / "encrypted"
    for path, text in ((right, "right"), (wrong, "wrong")):
        path.write_text(text)
        path.chmod(0o600)
    harness.muniment("init", ledger, "--name", "x.example/e", "--any-issuer", "--passphrase-file", right)
    section = f'ledger e {{ directory = "{ledger}" %s }}'
    refused(checks, "a wrong passphrase", "the passphrase does not open", "--config", world.config(section % f'passphrase-file = "{wrong}"'), "--check")
    refused(checks, "no passphrase", "receipts.pem", "--config", world.config(section % ""), "--check")
    for said in (f'passphrase-file = "{right}"', "read-only = true"):
        checks.equal(ended("--config", world.config(section % said), "--check"), (0, "The configuration is good: 1 ledger.\n"), f"--check with {said:.12}")


def full_file(checks, world):
    """Everything at once: a host of its own, a path, read-only, a passphrase, JSON logs, limits."""
    host, path, locked = world.ledger("x.example/h"), world.ledger("x.example/p"), world.folder / "locked"
    secret = world.path()
    secret.write_text("correct horse\n")
    secret.chmod(0o600)
    harness.muniment("init", locked, "--name", "x.example/l", "--any-issuer", "--passphrase-file", secret)
    text = (f'log {{ format = json }}\nlimits {{ drain-seconds = 5 queue = 16 workers = 2 open-ledgers = 2 }}\n'
            f'public-url = "https://ledger.example"\n'
            f'ledger h {{ directory = "{host}" host = h.example }}\nledger p {{ directory = "{path}" path = "/paper" read-only = true }}\n'
            f'ledger locked {{ directory = "{locked}" passphrase-file = "{secret}" }}\n')
    with world.serve("--config", world.config(text)) as service:
        checks.ok(harness.wait_until(service.ready, harness.SOON), "ready when every ledger has been opened")
        checks.equal(service.get("/checkpoint", headers={"Host": "h.example"}).text.split("\n")[0], "x.example/h", "a ledger by its host")
        checks.equal(service.get("/paper/checkpoint").text.split("\n")[0], "x.example/p", "a ledger by its path")
        checks.equal(service.get("/checkpoint").status, 404, "another host has no ledger at the root")
        own_host(checks, world, service)
        got = service.post_statement(world.statement(), "/locked")
        checks.equal((got.status, got.body[:200] if got.status != 201 else b""), (201, b""), "a ledger with a passphrase signs")
        checks.ok(got.header("location", "").startswith("https://ledger.example/locked/entries/"), f"public-url is in Location: {got.header('location')}")
        checks.among(service.post_statement(world.statement(), "/paper").status, (403, 405, 503), "a read-only ledger registers nothing")
        checks.ok(harness.wait_until(lambda: any(entry["event"] == "request" and entry["status"] == 201 for entry in map(json.loads, service.log().splitlines())),
                                     harness.SOON), "the log is JSON")
        names = {entry["name"]: entry for entry in service.get("/v1/service").json()["ledgers"]}
        checks.equal((names["h"]["host"], names["p"]["base"], names["p"]["read_only"]), ("h.example", "/paper", True), "/v1/service tells them apart")
        checks.ok("correct horse" not in service.log(), "no passphrase in the log")


def own_host(checks, world, service):
    """public-url is not where a ledger with a host of its own is: what names places there is relative, and the greeting tells the host."""
    statement, there = world.statement(), {"Host": "h.example"}
    got = service.post_statement(statement, headers=there)
    checks.equal((got.status, got.header("location")), (201, harness.location_of(statement)), "a location on the ledger's own host")
    entry = service.get("/v1/entries/1", headers=there).json()
    checks.equal(entry["location"], got.header("location"), "the same in its entry")
    about = service.get("/v1/documents/" + entry["digest"]["value"], headers=there)
    checks.equal(about.header("content-location"), "/v1/entries/1", "Content-Location there")
    checks.equal(service.get(got.header("location"), headers=there).status, 200, "the location is there")
    told = service.output()
    checks.ok("h  https://h.example/\n" in told and "p  https://ledger.example/paper/\n" in told, f"the greeting tells where each is: {told}")
    words = shlex.split(told.partition("Try: ")[2].splitlines()[0])
    done = subprocess.run([*words, "-sS", "-f"], capture_output=True, text=True, timeout=harness.HTTP_SECONDS)
    checks.ok(done.stdout.startswith("x.example/h\n"), f"the command to try works: {words}: {done.stdout}{done.stderr}")


def issuers_of_a_served_ledger(checks, world):
    """As docs/SERVICE.md has it: the service lets go of the ledger for as long as it only reads."""
    ledger, key = world.folder / "listed", world.path()
    harness.muniment("init", ledger, "--name", "x.example/listed")
    harness.muniment("key", "new", key)
    section = f'ledger a {{ directory = "{ledger}" path = "/" %s }}'
    path = world.config(section % "")
    add = ("issuer", "add", "-l", ledger, "--issuer", "https://new.example", f"{key}.pub")
    with world.serve("--config", path) as service:
        done = harness.muniment(*add, check=False)
        checks.ok(done.returncode == 75 and "-l URL" in done.stderr and "only reads" in done.stderr, f"busy, and what to do: {done.stderr!r}")
        for said in ("read-only = true", ""):
            path.write_text(section % said)
            before = service.log().count("event=reloaded")
            service.signal()
            checks.ok(harness.wait_until(lambda: service.log().count("event=reloaded") > before, harness.SOON), "reloaded")
            checks.equal(service.settled("/checkpoint").status, 200, "it reads throughout")
            if said:
                checks.ok(harness.wait_until(lambda: harness.muniment(*add, check=False).returncode == 0, harness.SOON), "the service lets go of it")
        document = world.path()
        document.write_text("lease")
        done = harness.muniment("register", "-l", service.url, "--key", key, "--issuer", "https://new.example", document, check=False)
        checks.equal(done.returncode, 0, f"and takes it again: who is new on the list registers: {done.stderr}")


def main():
    with harness.Checks() as checks, harness.World() as world:
        without_file(checks, world)
        file_errors(checks, world)
        check(checks, world)
        full_file(checks, world)
        issuers_of_a_served_ledger(checks, world)


if __name__ == "__main__":
    harness.build("muniment", "muniment-serve")
    main()
