#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Copies of a ledger as an operator makes them: backups of a running service, interrupted at every change of the disk; restores; a
standby that follows over HTTP, is served meanwhile and takes over; a directory copied by hand; adoption and hand-over killed in the
middle; a thousand ledgers in one process, one of them damaged."""
import contextlib
import functools
import http.server
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import threading
import time

import harness
from harness import muniment

LONG = "MUN_LONG" in os.environ
SEED = int(os.environ.get("MUN_SEED", "20261122"))
STEPS_MAX = 400  # changes of the disk in one command: a guard
MANY = 1000
MANY_SECONDS = 10
MANY_BYTES = 1 << 30


# ---- what several tests need --------------------------------------------------------------------

def size_of(ledger):
    return json.loads(muniment("status", ledger, "--json").stdout)["size"]


def register(world, ledger, count=1, check=True):
    """Statements by the command; the last one's result."""
    done = None
    for _ in range(count):
        path = world.path()
        path.write_bytes(world.statement())
        done = muniment("register", "-l", ledger, path, "-q", check=check)
    return done


def register_many(world, ledger, count):
    folder = world.path(f"many{next(world.numbers)}")
    folder.mkdir()
    for n in range(count):
        (folder / f"{n}.cose").write_bytes(world.statement())
    muniment("register", "-l", ledger, "-q", *sorted(folder.iterdir()))


def leaves(ledger):
    rows = map(json.loads, muniment("list", "-l", ledger, "--json").stdout.splitlines())
    return [(r["index"], r["leaf"], r["registered_ms"]) for r in rows]


def sound(checks, ledger, what, refused=""):
    done = muniment("fsck", ledger, "--deep", check=False)
    checks.ok(done.returncode == 0, f"{what}: fsck --deep: {done.stdout}{done.stderr}")
    if refused:
        checks.ok(refused not in done.stdout + done.stderr, f"{what}: fsck says {refused!r}: {done.stdout}{done.stderr}")


def policies(ledger):
    """How many statements the ledger has made about itself."""
    origin = harness.identity(ledger)["origin"]
    rows = map(json.loads, muniment("list", "-l", ledger, "--json").stdout.splitlines())
    return sum(r["issuer"] == origin for r in rows)


def twin(ledger, to):
    """A copy that takes itself for the original: somebody removed keys/home on purpose."""
    subprocess.run(["cp", "-a", ledger, to], check=True)
    with contextlib.suppress(FileNotFoundError):
        (to / "keys" / "home").unlink()
    return to


def die_at(n, *arguments):
    """The command, killed directly before its n-th change of the disk; True: it was."""
    env = dict(os.environ, LD_PRELOAD=str(harness.program().parent / "tests/copies/die_at.so"), MUN_DIE_AT=str(n))
    done = subprocess.run([str(harness.program()), *map(str, arguments)], env=env, capture_output=True, text=True, timeout=120)
    if done.returncode not in (0, -signal.SIGKILL):
        raise AssertionError(f"{arguments} with MUN_DIE_AT={n} ended with {done.returncode}: {done.stderr}")
    return done.returncode == -signal.SIGKILL


def each_crash(make, command, after, stride):
    """Kills `command` at 1, 1 + stride, ... until it ends by itself; the number of crashes."""
    crashes, n = 0, 1 if LONG else random.Random(SEED).randrange(1, stride + 1)
    while n < STEPS_MAX:
        place = make()
        killed = die_at(n, *command(place))
        after(place, n, killed)
        if not killed:
            return crashes
        crashes, n = crashes + 1, n + (1 if LONG else stride)
    raise AssertionError(f"still going on after {STEPS_MAX} changes of the disk")


@contextlib.contextmanager
def web_server(folder):
    """The tree as any web server serves it."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


# ---- backups ------------------------------------------------------------------------------------

def backup_under_load(checks, world):
    """Backups of a service that registers meanwhile: each is whole, each holds the one before it."""
    ledger, out = world.ledger(), world.path("backup")
    register_many(world, ledger, 300)
    statements, stop, sent = [world.statement() for _ in range(2000)], threading.Event(), []
    with world.serve(ledger) as service:
        def load():
            connection = service.connect()
            for statement in statements:
                if stop.is_set():
                    break
                reply = service.post_statement(statement, connection=connection)
                sent.append((reply.status, harness.leaf_hash(statement).hex()))

        thread = threading.Thread(target=load)
        thread.start()
        sizes, restored = [], []
        for n in range(4):
            seen = len(sent)
            checks.ok(harness.wait_until(lambda: len(sent) > seen, harness.SOON), "registrations go on")
            told = json.loads(muniment("backup", ledger, out, "--json").stdout)
            sizes.append(told["size"])
            checks.equal(told["size_before"], sizes[n - 1] if n else 0, "what the backup held before")
            restored.append(world.path(f"restored{n}"))
            muniment("restore", out, restored[n])
        stop.set()
        thread.join()
        size = 1 + 300 + len(sent)  # another process sees what was acknowledged a moment later
        checks.ok(harness.wait_until(lambda: json.loads(muniment("backup", ledger, out, "--json").stdout)["size"] == size, harness.SOON),
                  "the last backup has all that was acknowledged")
    checks.ok(sizes == sorted(sizes) and sizes[-1] > sizes[0], f"the backups grow: {sizes}")
    checks.ok(all(status == 201 for status, _ in sent), f"the service answered {set(s for s, _ in sent)}")
    last = world.path("last")
    fingerprint = json.loads(muniment("show", ledger / "ledger.pub", "--json").stdout)["fingerprint"]
    told = muniment("restore", out, last).stdout
    checks.ok(fingerprint in told and "restored" in told, f"a restore says whose ledger that is: {told}")
    told = json.loads(muniment("import", out, world.path("imported"), "--json").stdout)
    checks.equal((told["type"], told.get("fingerprint")), ("imported", fingerprint), "so does an import")
    rows = leaves(ledger)
    checks.equal(leaves(last), rows, "the last restore holds what the ledger holds, with its times")
    checks.ok({leaf for _, leaf in sent} <= {leaf for _, leaf, _ in rows}, "everything acknowledged is in the backup")
    for n, place in enumerate(restored):
        checks.equal(leaves(place), rows[:sizes[n]], f"restore {n} is a prefix")
    sound(checks, last, "the last restore")
    refused = register(world, last, check=False)
    checks.ok(refused.returncode == 7 and "adopt" in refused.stderr, f"a restored ledger only reads: {refused}")


def backup_interrupted(checks, world):
    """Killed before any change of the disk: the earlier backup stays good, the next run finishes it."""
    ledger, first = world.ledger(), world.path("first")
    register_many(world, ledger, 290)
    muniment("backup", ledger, first)
    before = size_of(ledger)
    register_many(world, ledger, 280)
    numbers = iter(range(10000))

    def make():
        out = world.path(f"out{next(numbers)}")
        shutil.copytree(first, out)
        return out

    def after(out, n, killed):
        place = world.path(f"{out.name}-restored")
        muniment("restore", out, place)
        checks.among(size_of(place), (before, before + 280) if killed else (before + 280,), f"restored after a crash at {n}")
        muniment("backup", ledger, out)
        shutil.rmtree(place)
        muniment("restore", out, place)
        checks.equal(size_of(place), before + 280, f"backed up again after a crash at {n}")
        shutil.rmtree(place)
        shutil.rmtree(out)

    crashes = each_crash(make, lambda out: ("backup", ledger, out), after, 5)
    checks.ok(crashes >= 6, f"only {crashes} crashes")
    for n in (2, 5, 9, 20):  # a first run: there is no backup yet, and none is invented
        out = world.path(f"new{n}")
        if not checks.ok(die_at(n, "backup", ledger, out), f"a first run that ends before change {n}"):
            continue
        done = muniment("restore", out, world.path(f"none{n}"), check=False)
        checks.ok(done.returncode != 0 and not world.path(f"none{n}").exists(), f"half a backup was restored: {done}")
        muniment("backup", ledger, out)
        muniment("restore", out, world.path(f"whole{n}"))


# ---- copies by hand -----------------------------------------------------------------------------

def copied_directory(checks, world):
    """cp -a, tar and rsync-like copies notice; the original and a renamed one go on; adopt helps the owner of a new disk."""
    ledger = world.ledger("copied.example/ledger")
    register(world, ledger, 3)
    copy, tar = world.path("copy"), world.path("tar")
    subprocess.run(["cp", "-a", ledger, copy], check=True)
    tar.mkdir()
    subprocess.run(f"tar -C '{ledger}' -cf - . | tar -C '{tar}' -xf -", shell=True, check=True)
    for place in (copy, tar):
        done = register(world, place, check=False)
        checks.equal(done.returncode, 7, f"registering in a copied directory: {done.stderr}")
        checks.ok("copy" in done.stderr and "muniment adopt" in done.stderr, f"it says what to do: {done.stderr}")
        done = muniment("receipt", 1, "-l", place, "-o", world.path(), check=False)
        checks.equal(done.returncode, 7, f"a receipt by a copied directory: {done.stderr}")
        checks.equal(json.loads(muniment("status", place, "--json").stdout)["copy"], True, "status calls it a copy")
        muniment("verify", "--help")
    with world.serve(copy) as service:
        statement = world.statement()
        checks.equal(service.post_statement(statement).status, 403, "the service does not register in a copied directory")
        checks.equal(service.get("/v1/entries/1/receipt").status, 403, "the service signs no receipt in a copied directory")
        checks.equal(service.get("/v1/entries/1").status, 200, "it reads there")
        about = service.get("/v1/entries/1").json()
        for path, accept in ((about["location"], None), ("/v1/entries/1/receipt", None), ("/v1/entries/1/evidence", None),
                             (f"/v1/documents/{about['digest']['value']}/receipt", None), ("/v1/consistency?from=1", harness.COSE)):
            told = service.get(path, accept=accept)
            checks.equal((told.status, told.problem()[0]), (403, "Read-Only Copy"), f"{path} is what the copy cannot sign")
    moved = world.path("moved")
    ledger.rename(moved)
    register(world, moved)
    muniment("adopt", copy)
    register(world, copy)
    sound(checks, copy, "the adopted copy", refused="vouched")
    checks.equal(policies(copy), 2, "one new policy, under the keys that came along")


# ---- standby ------------------------------------------------------------------------------------

def standby_over_http(checks, world):
    """It follows a service, is served itself, and reads only."""
    ledger, standby = world.ledger("standby.example/ledger"), world.path("standby")
    register_many(world, ledger, 260)
    with world.serve(ledger) as service:
        follower = subprocess.Popen([str(harness.program()), "standby", str(standby), "--from", service.url, "--interval", "1", "--json"],
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        harness.RUNNING.add(follower)
        checks.equal(json.loads(follower.stdout.readline())["size"], 261, "the standby has all there is")
        with world.serve(standby) as second:
            replies = [service.post_statement(world.statement()) for _ in range(40)]
            checks.ok(all(r.status == 201 for r in replies), "the original registers")
            seen = harness.wait_until(lambda: second.get("/checkpoint").text.split("\n")[1] == "301", harness.HTTP_SECONDS)
            checks.ok(seen, f"the served standby grows: {second.get('/checkpoint').text}")
            checks.equal(second.get("/checkpoint").body, service.get("/checkpoint").body, "the same checkpoint")
            checks.equal(second.get("/tile/entries/001.p/45").body, service.get("/tile/entries/001.p/45").body, "the same bundle")
            checks.equal(second.post_statement(world.statement()).status, 403, "a standby does not register")
            checks.equal(second.get("/v1/entries/5/receipt").status, 403, "a standby signs no receipt")
            service.kill()
            checks.ok(harness.wait_until(lambda: second.get("/v1/entries/299").status == 200, harness.SOON), "it answers when the original is gone")
            service.start()
            checks.equal(service.post_statement(world.statement()).status, 201, "the original is back")
            seen = harness.wait_until(lambda: second.get("/checkpoint").text.split("\n")[1] == "302", harness.HTTP_SECONDS)
            checks.ok(seen, "the standby goes on following")
        checks.ok("cannot" in muniment("adopt", standby, check=False).stderr or size_of(standby) == 302, "no adoption while it follows")
        follower.send_signal(signal.SIGKILL)
        follower.wait()
        harness.RUNNING.discard(follower)
        for _ in range(3):  # killed anywhere while it takes entries, it goes on
            register_over(service, world, 60)
            process = subprocess.Popen([str(harness.program()), "standby", str(standby), "--from", service.url, "--once"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(random.Random(SEED).uniform(0.01, 0.05))
            process.kill()
            process.wait()
        muniment("standby", standby, "--from", service.url, "--once")
        trusts(checks, world, service, ledger)
    checks.equal(leaves(standby), leaves(ledger), "the standby holds what the ledger holds, with its times")
    sound(checks, standby, "the standby")


def trusts(checks, world, service, ledger):
    """A new standby begins with a ledger of the keys that are trusted, and with no other."""
    stranger, fresh = world.ledger("standby.example/ledger"), world.path("fresh-standby")
    once = ("standby", fresh, "--from", service.url, "--once", "--ledger-key")
    done = muniment(*once, stranger / "ledger.pub", check=False)
    checks.ok(done.returncode != 0 and "not among those trusted" in done.stderr, f"another ledger's key: {done.stderr}")
    checks.ok(not fresh.exists(), "nothing was begun")
    size = service.get("/v1").json()["size"]
    for new in (size, 0):
        done = muniment(*once, ledger / "ledger.pub")
        checks.ok(done.stdout.endswith(f": {size} entries, {new} of them new\n"), f"it says what is new: {done.stdout}")
    checks.equal(size_of(fresh), size, "with its own key it is taken")


def register_over(service, world, count):
    for _ in range(count):
        if service.post_statement(world.statement()).status != 201:
            raise AssertionError("the service does not register")


def standby_takes_over(checks, world):
    """Promotion by a hand-over, each step killed anywhere; the static tree is the source."""
    ledger, out, standby = world.ledger("handover.example/ledger"), world.path("tree"), world.path("successor")
    register(world, ledger, 5)
    muniment("backup", ledger, out)
    with web_server(out) as url:
        muniment("standby", standby, "--from", url, "--once")
    muniment("adopt", standby, "--prepare")
    early = muniment("adopt", standby, check=False)
    checks.ok(early.returncode == 7 and "handover" in early.stderr, f"it waits for the hand-over: {early.stderr}")
    numbers = iter(range(10000))

    def after(place, n, killed):
        again = muniment("handover", place, standby / "ledger.pub.new", check=False)
        checks.ok(again.returncode == 0, f"handed over after a crash at {n}: {again.stderr}")
        checks.ok(register(world, place, check=False).returncode != 0, f"the original registers nothing more ({n})")
        sound(checks, place, f"the original after a crash at {n}")
        checks.equal(policies(place), 2, f"one policy more ({n})")

    def make():
        return twin(ledger, world.path(f"original{next(numbers)}"))

    crashes = each_crash(make, lambda place: ("handover", place, standby / "ledger.pub.new"), after, 4)
    checks.ok(crashes >= 5, f"only {crashes} crashes")
    muniment("handover", ledger, standby / "ledger.pub.new")
    muniment("backup", ledger, out)
    with web_server(out) as url:
        muniment("standby", standby, "--from", url, "--once")
    muniment("adopt", standby)
    register(world, standby, 2)
    checks.equal(leaves(standby)[:6], leaves(ledger)[:6], "the same history")
    checks.equal(size_of(standby), size_of(ledger) + 2, "which goes on at the successor")
    sound(checks, standby, "the successor", refused="vouched")


def adoption_killed(checks, world):
    """adopt, killed before any change of the disk: nothing is registered before it is done, nothing is announced twice."""
    ledger, out, base = world.ledger("adopted.example/ledger"), world.path("adopt-tree"), world.path("adopt-base")
    register(world, ledger, 3)
    muniment("backup", ledger, out)
    muniment("restore", out, base)
    numbers = iter(range(10000))

    def make():
        place = world.path(f"adopting{next(numbers)}")
        subprocess.run(["cp", "-a", base, place], check=True)
        return place

    def command(place):
        return "adopt", place, "--old-keys", ledger / "keys"

    def after(place, n, killed):
        if (place / "copy").exists():
            done = register(world, place, check=False)
            checks.ok(done.returncode != 0, f"registered in the middle of an adoption ({n})")
            again = muniment(*command(place), check=False)
            checks.ok(again.returncode == 0, f"adopted after a crash at {n}: {again.stderr}")
        done = register(world, place, check=False)
        checks.ok(done.returncode == 0, f"registers after a crash at {n}: {done.stderr}")
        sound(checks, place, f"adopted after a crash at {n}", refused="vouched")
        checks.equal(policies(place), 2, f"one announcement after a crash at {n}")
        shutil.rmtree(place)

    crashes = each_crash(make, command, after, 3)
    checks.ok(crashes >= 8, f"only {crashes} crashes")


def two_histories(checks, world):
    """A ledger that signs two histories: the standby keeps both checkpoints, and what it held."""
    ledger, standby = world.ledger("fork.example/ledger"), world.path("fork-standby")
    register(world, ledger, 4)
    other = twin(ledger, world.path("fork-twin"))
    register(world, ledger, 3)
    register(world, other, 5)
    with world.serve(ledger) as service:
        muniment("standby", standby, "--from", service.url, "--once")
    held = leaves(standby)
    with world.serve(other) as service:
        done = muniment("standby", standby, "--from", service.url, "--once", check=False)
        theirs = service.get("/checkpoint").text
    checks.equal(done.returncode, 1, f"a fork is an error: {done.stderr}")
    checks.ok("TWO HISTORIES" in done.stderr, f"a loud one: {done.stderr}")
    kept = "".join(p.read_text() for p in standby.glob("fork-*.txt"))
    checks.ok(theirs in kept and (standby / "checkpoint").read_text() in kept, f"both checkpoints are kept: {kept}")
    checks.equal(leaves(standby), held, "nothing was taken")
    sound(checks, standby, "the standby")


# ---- a thousand ledgers -------------------------------------------------------------------------

def make_many(world, count):
    """{name: (size, leaf)} of ledgers with three entries each beside the policy."""
    folder = world.path("thousand")
    folder.mkdir()
    program = harness.test_program("make_ledgers")
    env = dict(os.environ, LD_PRELOAD=str(program.parent / "die_at.so"), MUN_NO_SYNC="1")
    halves = [subprocess.Popen([str(program), str(folder), name, str(count // 2), "3"], stdout=subprocess.PIPE, text=True, env=env)
              for name in ("a", "b")]
    lines = [line.split() for half in halves for line in half.communicate()[0].splitlines()]
    if any(half.returncode for half in halves):
        raise AssertionError("make_ledgers failed")
    return folder, {name: (int(size), leaf) for name, size, leaf in lines}


def answers(checks, service, ledgers, damaged):
    """Every ledger in turn, over one connection: its receipt for its last entry. Seconds it took."""
    connection, begun, wrong = service.connect(), time.monotonic(), []
    for name, (size, leaf) in ledgers.items():
        location = "/entries/" + harness.base64url(bytes.fromhex(leaf))
        reply = service.settled(f"/{name}{location}", connection=connection)
        if reply.status != (500 if name == damaged else 200):
            wrong.append((name, reply))
    checks.ok(not wrong, f"{len(wrong)} ledgers answered otherwise: {wrong[:3]}")
    return time.monotonic() - begun


def many_ledgers(checks, world):
    """All answer in turn within seconds and a gigabyte; a damaged one touches no other."""
    folder, ledgers = make_many(world, MANY)
    checks.equal(len(ledgers), MANY, "ledgers made")
    damaged = "a0123"
    with open(folder / damaged / "journal", "r+b") as journal:
        journal.write(bytes(147456))  # all four superblocks; less is mended at opening
    with world.serve(*(folder / name for name in ledgers)) as service:
        checks.equal(len(service.get("/v1/service").json()["ledgers"]), MANY, "all are told")
        begun = service.processor()
        seconds = answers(checks, service, ledgers, damaged)
        computed = service.processor() - begun
        resident = service.memory()
        handles = len(os.listdir(f"/proc/{service.pid}/fd"))
        print(f"{MANY} ledgers: {seconds:.1f} s, of them {computed:.1f} s of the processor, {resident >> 20} MiB, {handles} handles")
        # Who waits for each ledger (MUN_SERVED_WAIT_MS) takes more than the 60 s that a busy machine has, who computes more than the 10.
        checks.ok(seconds <= 6 * MANY_SECONDS, f"all in turn took {seconds:.1f} s")
        checks.ok(computed <= MANY_SECONDS, f"all in turn took {computed:.1f} s of the processor")
        checks.ok(resident < MANY_BYTES, f"{resident >> 20} MiB are resident")
        name, (size, _) = next(iter(ledgers.items()))
        reply = service.post_statement(world.statement(), base=f"/{name}")
        checks.equal(reply.status, 201, f"one of them registers: {reply}")
        checks.equal(service.get(f"/{name}/checkpoint").text.split("\n")[1], str(size + 1), "and has grown")
        states = {row["name"]: row["state"] for row in service.get("/v1/service").json()["ledgers"]}
        checks.equal([n for n, state in states.items() if state == "damaged"], [damaged], "one is damaged, and it is said which")
    shutil.rmtree(folder)


TESTS = [backup_under_load, backup_interrupted, copied_directory, standby_over_http, standby_takes_over, adoption_killed, two_histories,
         many_ledgers]


def main():
    wanted = sys.argv[1:]
    with harness.Checks() as checks, harness.World() as world:
        for test in TESTS:
            if wanted and test.__name__ not in wanted:
                continue
            begun = time.monotonic()
            test(checks, world)
            print(f"{test.__name__}: {time.monotonic() - begun:.1f} s", flush=True)


if __name__ == "__main__":
    main()
