# SPDX-License-Identifier: Apache-2.0
"""The service under load and under fire; what was acknowledged is held against the ledger afterwards.

    run.py [SCENARIO...]

  load    256 clients, one request in ten repeated, some clients vanish in the middle, readers beside them
  kill    the same while the process is killed (-9) every few seconds and started again
  full    the disk fills up, room is made again
  sync    fsync and fdatasync fail now and then, and what was written since the last good one is gone
  hang    the disk of one ledger does not answer; the others go on, and it does when its disk does
  tsan    a short load on the service built with ThreadSanitizer (with --tsan FOLDER of that build)

After each: fsck --deep, the C verifier over every acknowledgement (recorded_check), ref/ over a seeded sample.
"""
import argparse
import json
import mmap
import os
import pathlib
import random
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "service"))
import harness  # noqa: E402

LONG = bool(os.environ.get("MUN_LONG"))
SEED = int(os.environ.get("MUN_SEED", "20261122"))
CLIENTS = 256
SECONDS = {"load": 60, "kill": 300 if LONG else 30, "full": 20, "sync": 60 if LONG else 12, "tsan": 60 if LONG else 8}
SAMPLE = {"load": 2000, "kill": 300, "full": 100, "sync": 300, "tsan": 100}  # receipts that ref/ checks
KILL_EVERY = (1.5, 4.0)  # seconds, at random between
SOON = harness.SOON  # the end of waits for what happens by itself; what never comes is still found
FULL_DISK = 48 << 20  # bytes of the small file system
REF_WHOLE_MAX = 40000  # entries up to which ref/ reads the whole ledger, not only receipts


class Load:
    """The recording client, running."""

    def __init__(self, service, folder, tag, seconds, clients=CLIENTS, duplicates=10, vanish=1, rate=0, base=""):
        self.record = folder / f"{tag}.record"
        where = f"unix:{service.unix}" if service.unix else f"{service.host}:{service.port}"
        self.process = subprocess.Popen(
            [harness.test_program("recorded_load"), "--to", where, "--record", self.record, "--clients", str(clients), "--seconds", str(seconds),
             "--duplicates", str(duplicates), "--vanish", str(vanish), "--tag", f"{tag}-{SEED}", "--rate", str(rate), "--base", base],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        harness.RUNNING.add(self.process)

    def acknowledged(self):
        """Bytes recorded so far: grows while registrations are acknowledged."""
        return self.record.stat().st_size if self.record.exists() else 0

    def end(self, checks, what):
        out, err = self.process.communicate(timeout=400)
        harness.RUNNING.discard(self.process)
        if not checks.ok(self.process.returncode == 0 and out.startswith("{"), f"{what}: the client ended with {self.process.returncode}: {err}"):
            return {}
        told = json.loads(out)
        print(f"{what}: {out.strip()}", flush=True)
        checks.ok(told["bad"] == 0, f"{what}: {told['bad']} answers against the specification, first: {told['bad_text']}")
        checks.equal(told["without_retry_after"], 0, f"{what}: 429 or 503 without Retry-After")
        return told


class Readers:
    """Reads beside the load, and counts what does not come back as it must."""

    def __init__(self, service):
        self.service, self.over, self.wrong, self.done, self.unavailable = service, threading.Event(), [], 0, 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        paths = ["/checkpoint", "/v1", "/v1/entries/0/receipt", "/v1/entries?limit=10", "/.well-known/scitt-keys", "/readyz", "/healthz", "/metrics"]
        connection = self.service.connect()
        while not self.over.wait(0.02):
            path = paths[self.done % len(paths)]
            try:
                got = self.service.request("GET", path, connection=connection)
                self.done += 1
                if got.status in (429, 503) and path not in ("/healthz", "/metrics"):
                    self.unavailable += 1
                elif got.status != 200:
                    self.wrong.append(f"{path}: {got}")
            except (OSError, harness.http.client.HTTPException) as error:
                connection.close()
                if not self.over.is_set():
                    self.wrong.append(f"{path}: {error!r}")

    def end(self):
        self.over.set()
        self.thread.join(harness.HTTP_SECONDS)
        return self.done, self.wrong


def hold(checks, what, ledger, folder, records, sample):
    """fsck, the C verifier over everything acknowledged, ref/ over a sample. The service has ended."""
    began = time.monotonic()
    checked = harness.muniment("fsck", "-l", ledger, "--deep", check=False, timeout=600)
    checks.ok(checked.returncode == 0, f"{what}: fsck --deep ended with {checked.returncode}: {checked.stdout[-1500:]}{checked.stderr[-500:]}")
    chosen = folder / f"{what}.jsonl"
    done = subprocess.run([harness.test_program("recorded_check"), ledger, *records, "--sample", str(sample), "--seed", str(SEED), "--out", chosen],
                          capture_output=True, text=True, timeout=600)
    if checks.ok(done.stdout.startswith("{"), f"{what}: recorded_check ended with {done.returncode}: {done.stderr}"):
        told = json.loads(done.stdout)
        print(f"{what}: {done.stdout.strip()}", flush=True)
        checks.ok(done.returncode == 0 and told["wrong"] == 0, f"{what}: {told['wrong']} of {told['records']} acknowledgements do not hold: {done.stderr}")
        checks.ok(told["records"] > 0, f"{what}: nothing was acknowledged")
        second_opinion(checks, what, ledger, chosen, told["size"], min(sample, told["records"]))
    print(f"{what}: checked in {time.monotonic() - began:.0f} s", flush=True)


def second_opinion(checks, what, ledger, chosen, size, wanted):
    """ref/: each sampled receipt is good for its statement's leaf; of smaller ledgers the whole tree too."""
    key = harness.identity(ledger)["receipts"]
    good = lines = 0
    for line in chosen.read_text().splitlines():
        told, lines = json.loads(line), lines + 1
        leaf = harness.leaf_hash(bytes.fromhex(told["statement"]))
        good += leaf.hex() == told["leaf"] and harness.receipt_good(bytes.fromhex(told["receipt"]), leaf, key)
    checks.equal((good, lines), (wanted, wanted), f"{what}: receipts of the sample that ref/ finds good")
    if size <= REF_WHOLE_MAX:
        command = [sys.executable, harness.ROOT / "ref" / "verify.py", "ledger", ledger, "--receipts", chosen, "--sample", "100", "--seed", str(SEED)]
        read = subprocess.run(command, capture_output=True, text=True, timeout=600)
        checks.ok(read.returncode == 0, f"{what}: ref/ on the ledger: {read.stdout[-800:]}{read.stderr[-800:]}")


def scenario_load(checks, world):
    ledger = world.ledger("load.example/load", name="load")
    service = world.serve(ledger)
    readers = Readers(service)
    load = Load(service, world.folder, "load", SECONDS["load"])
    peak = 0
    while load.process.poll() is None:
        time.sleep(0.5)
        peak = max(peak, service.memory())
    told = load.end(checks, "load")
    read, wrong = readers.end()
    checks.ok(not wrong, f"load: reads that failed: {wrong[:3]}")
    checks.ok(read > 50, f"load: only {read} reads beside it")
    checks.ok(told.get("acknowledged", 0) > 1000, f"load: only {told.get('acknowledged')} acknowledged")
    checks.ok(told.get("repeated", 0) > told.get("acknowledged", 0) / 20, "load: repeated statements were acknowledged")
    checks.equal(told.get("connect_errors", 0) + told.get("broken_answers", 0) + told.get("timeouts", 0), 0, "load: connections that failed")
    checks.among(set(told.get("statuses", {})) - {"201", "503", "429"}, (set(),), "load: statuses")
    counted = (service.metric("muniment_registered_total") or 0) + (service.metric("muniment_duplicates_total") or 0)
    print(f"load: peak resident {peak >> 20} MiB, {read} reads beside it, counters {counted:.0f}", flush=True)
    checks.ok(peak < 320 << 20, f"load: {peak >> 20} MiB resident")
    checks.equal(service.stop(), 0, "load: a graceful end")
    hold(checks, "load", ledger, world.folder, [load.record], SAMPLE["load"])


def scenario_kill(checks, world):
    rng = random.Random(SEED)
    ledger = world.ledger("load.example/kill", name="kill")
    service = world.serve(ledger)
    load = Load(service, world.folder, "kill", SECONDS["kill"])
    kills, slowest, productive = 0, 0.0, 0
    until = time.monotonic() + SECONDS["kill"] - 2
    while time.monotonic() < until:
        before = load.acknowledged()
        time.sleep(rng.uniform(*KILL_EVERY))
        if kills % 3 != 2:  # else at any instant, in a recovery as well
            harness.wait_until(lambda: load.acknowledged() > before, SOON)
        productive += load.acknowledged() > before
        service.kill()
        kills += 1
        began = time.monotonic()
        service.start()
        slowest = max(slowest, time.monotonic() - began)
    told = load.end(checks, "kill")
    print(f"kill: {kills} times, slowest start {slowest:.2f} s", flush=True)
    checks.ok(productive >= kills * 2 // 3, f"kill: only {productive} of {kills} rounds acknowledged anything")
    checks.among(set(told.get("statuses", {})) - {"201", "503", "429"}, (set(),), "kill: statuses")
    checks.equal(service.stop(), 0, "kill: a graceful end")
    hold(checks, "kill", ledger, world.folder, [load.record], SAMPLE["kill"])


class SmallDisk:
    """A tmpfs where we are root, else the preloaded library refuses to let files grow."""

    def __init__(self, world, name):
        self.place = world.path(name)
        self.place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={FULL_DISK}", "tmpfs", self.place]
        self.mounted = "MUN_NO_MOUNT" not in os.environ and subprocess.run(command, capture_output=True).returncode == 0
        self.faults = None if self.mounted else Faults(world, self.place)
        print("full:", f"a tmpfs of {FULL_DISK >> 20} MiB" if self.mounted else "ENOSPC by a preloaded library (no right to mount)", flush=True)

    def env(self):
        return self.faults.env if self.faults else {}

    def fill(self):
        """Takes what is free, so that it is full now and not in a minute."""
        if self.faults:
            self.faults.set("no_space", 1)
            return
        with open(self.place / "ballast", "ab", buffering=0) as out:
            try:
                while True:
                    out.write(bytes(65536))
            except OSError:
                pass

    def make_room(self, more=0):
        """Takes the ballast away; more: and gives the file system so many bytes more, as an operator would."""
        if self.faults:
            self.faults.set("no_space", 0)
            return
        (self.place / "ballast").unlink(missing_ok=True)
        if more:
            subprocess.run(["mount", "-o", f"remount,size={FULL_DISK + more}", self.place], check=True)

    def end(self):
        if self.mounted:
            subprocess.run(["umount", "-l", self.place], check=False)


class Faults:
    """The control words of disk_faults.so."""

    WORDS = ("syncs", "fail_at", "failed", "no_space", "refused", "fail_every", "hangs", "waiting")

    def __init__(self, world, below):
        path = world.path("faults")
        path.write_bytes(bytes(8 * len(self.WORDS)))
        self.file = open(path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), 8 * len(self.WORDS))
        self.env = {"LD_PRELOAD": str(harness.test_program("disk_faults.so")), "MUN_DISK_FAULTS": str(path), "MUN_DISK_FAULTS_BELOW": str(below)}

    def get(self, word):
        return struct.unpack_from("<Q", self.map, 8 * self.WORDS.index(word))[0]

    def set(self, word, value):
        struct.pack_into("<Q", self.map, 8 * self.WORDS.index(word), value)


def full_answers(checks, world, service, ledger):
    """What a full disk looks like from outside."""
    told = None

    def refused():
        nonlocal told
        told = service.post_statement(world.statement())
        return told.status in (503, 507)

    if not checks.ok(harness.wait_until(refused, SOON, 0.05), f"full: a registration is refused: {told}"):
        return
    title, detail = told.problem()
    checks.ok("full" in f"{title} {detail}".lower() or "space" in f"{title} {detail}".lower(), f"full: the problem names the disk: {title}: {detail}")
    checks.ok(told.header("retry-after"), "full: Retry-After")
    ready = service.get("/readyz")
    checks.ok(ready.status == 503 and ("full" in ready.text.lower() or "space" in ready.text.lower()), f"full: /readyz says so: {ready}")
    for path, wanted in (("/healthz", (200,)), ("/checkpoint", (200,)), ("/v1/entries/1/receipt", (200,)), ("/v1/entries/1", (200,)),
                         ("/v1/entries?limit=3", (200, 503))):  # a search may say that the index cannot follow
        try:
            checks.among(service.get(path).status, wanted, f"full: GET {path} goes on")
        except OSError as error:
            checks.ok(False, f"full: GET {path}: {error!r}")


def scenario_full(checks, world):
    disk = SmallDisk(world, "small")
    try:
        ledger = disk.place / "ledger"
        harness.muniment("init", ledger, "--name", "load.example/full", "--any-issuer")
        service = world.serve(ledger, env=disk.env())
        checks.equal(service.post_statement(world.statement()).status, 201, "full: a registration before")
        load = Load(service, world.folder, "full", SECONDS["full"], clients=32, vanish=0, rate=1500)  # so that it is filled by us, not by the load
        time.sleep(3)
        disk.fill()
        full_answers(checks, world, service, ledger)
        time.sleep(1)
        full_answers(checks, world, service, ledger)
        disk.make_room()
        began, before = time.monotonic(), load.acknowledged()
        checks.ok(harness.wait_until(lambda: service.post_statement(world.statement()).status == 201, SOON, 0.1), "full: registrations go on after room was made")
        checks.ok(harness.wait_until(lambda: load.acknowledged() > before, SOON, 0.1), "full: the load goes on")
        print(f"full: going on after {time.monotonic() - began:.1f} s", flush=True)
        checks.ok(harness.wait_until(service.ready, SOON, 0.1), "full: ready again")
        disk.fill()
        time.sleep(1)
        disk.make_room(more=512 << 20)
        told = load.end(checks, "full")
        checks.among(set(told.get("statuses", {})) - {"201", "503", "507", "429"}, (set(),), "full: statuses")
        checks.equal(service.stop(), 0, "full: a graceful end")
        hold(checks, "full", ledger, world.folder, [load.record], SAMPLE["full"])
    finally:
        disk.end()


def scenario_sync(checks, world):
    rng = random.Random(SEED)
    ledger = world.ledger("load.example/sync", name="sync")
    faults = Faults(world, ledger)
    service = world.serve(ledger, env=faults.env)
    load = Load(service, world.folder, "sync", SECONDS["sync"], clients=64)
    pid, slowest = service.pid, 0.0
    checks.ok(harness.wait_until(lambda: faults.get("syncs") > 20, SOON), "sync: the library sees the syncs")
    until = time.monotonic() + SECONDS["sync"] - 3
    while time.monotonic() < until or faults.get("failed") < 2:
        time.sleep(rng.uniform(0.3, 0.9))
        faults.set("fail_at", faults.get("syncs") + rng.randint(1, 20))
        began = time.monotonic()
        # Ours as well: the load may be over by now on a slow machine.
        failed = harness.wait_until(lambda: faults.get("fail_at") == 0 or not service.post_statement(world.statement()), SOON, 0.002)
        checks.ok(failed, "sync: one failed")
        checks.ok(harness.wait_until(lambda: service.post_statement(world.statement()).status == 201, SOON, 0.05), "sync: it goes on by itself")
        slowest = max(slowest, time.monotonic() - began)
    told = load.end(checks, "sync")
    refusals = told.get("statuses", {}).get("503", 0)
    print(f"sync: {faults.get('failed')} of {faults.get('syncs')} failed, {refusals} answers of 503, going on after at most {slowest:.1f} s", flush=True)
    checks.ok(faults.get("failed") >= 2, "sync: at least two failed")
    checks.ok(refusals > 0, "sync: those who waited were told 503")
    checks.among(set(told.get("statuses", {})) - {"201", "503", "429"}, (set(),), "sync: statuses")
    checks.ok(service.pid == pid and service.alive(), "sync: the same process went on")
    checks.ok(harness.wait_until(service.ready, SOON, 0.1), "sync: ready")
    faults.set("fail_every", 1)  # a disk that stays broken
    told = service.post_statement(world.statement())
    checks.ok(told.status in (500, 503) and told.problem(), f"sync: while nothing can be synced: {told}")
    checks.ok(str(world.folder) not in str(told.problem()), "sync: the answer names no path")
    ready = service.get("/readyz")
    checks.equal(ready.status, 503, f"sync: /readyz while nothing can be synced: {ready}")
    checks.equal(service.get("/v1").status in (200, 503), True, "sync: reading while nothing can be synced")
    faults.set("fail_every", 0)
    checks.ok(harness.wait_until(lambda: service.post_statement(world.statement()).status == 201, SOON, 0.1), "sync: it goes on when the disk is well")
    checks.equal(service.stop(), 0, "sync: a graceful end")
    hold(checks, "sync", ledger, world.folder, [load.record], SAMPLE["sync"])


class Waiting:
    """Requests that a ledger whose disk hangs cannot answer, each on a thread of its own."""

    def __init__(self, service):
        self.service, self.threads, self.answers = service, [], []

    def ask(self, count, what, *arguments, **more):
        def run():
            try:
                self.answers.append((arguments[0], what(*arguments, timeout=harness.HTTP_SECONDS, **more).status))
            except (OSError, harness.http.client.HTTPException) as error:
                self.answers.append((arguments[0], repr(error)))

        self.threads += [threading.Thread(target=run, daemon=True) for _ in range(count)]
        for thread in self.threads[-count:]:
            thread.start()

    def events(self, count, path):
        """Streams: what they have sent when a ping or an entry came after the disk answered again."""
        def run():
            with self.service.socket(harness.HTTP_SECONDS) as s:
                s.sendall(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
                got = b""
                while b"event: entry" not in got and (piece := s.recv(65536)):
                    got += piece
                self.answers.append((path, 200 if b"event: entry" in got else got[:200]))

        self.threads += [threading.Thread(target=run, daemon=True) for _ in range(count)]
        for thread in self.threads[-count:]:
            thread.start()

    def end(self):
        for thread in self.threads:
            thread.join(2 * harness.HTTP_SECONDS)
        return self.answers


def scenario_hang(checks, world):
    """Everything that reaches a disk is asked of the one that does not answer, more often than there are workers."""
    bad, good = world.ledger("load.example/bad", name="bad"), world.ledger("load.example/good", name="good")
    faults = Faults(world, bad)
    service = world.serve(bad, good, env=faults.env)
    for base in ("/bad", "/good"):
        for _ in range(8):
            checks.equal(service.post_statement(world.statement(), base=base).status, 201, "hang: a registration before")
    waiting, sequence = Waiting(service), "application/cbor-seq"
    faults.set("hangs", 1)
    for path in ("/bad/tile/0/000.p/5", "/bad/tile/entries/000.p/5", "/bad/v1/entries/3", "/bad/v1/entries/3/receipt", "/metrics", "/v1/service"):
        waiting.ask(4, service.get, path)
    waiting.events(4, "/bad/v1/events?after=2")
    for _ in range(4):
        waiting.ask(1, service.post, "/bad/entries", world.statement())
        waiting.ask(1, service.post, "/bad/v1/batch", world.statement(), content_type=sequence)
    checks.ok(harness.wait_until(lambda: faults.get("waiting") >= 4, SOON), f"hang: only {faults.get('waiting')} calls wait for the disk")
    time.sleep(1)
    slowest = 0.0
    for turn in range(3):
        for what, wanted in (*((lambda path=path: service.get(path, timeout=SOON), 200) for path in (
                "/healthz", "/readyz", "/metrics", "/v1/service", "/good/tile/0/000.p/5", "/good/tile/entries/000.p/5", "/good/v1/entries/1/receipt",
                "/good/checkpoint", "/good/v1/entries?limit=2")),
                (lambda: service.post_statement(world.statement(), base="/good", timeout=SOON), 201),
                (lambda: service.post("/good/v1/batch", world.statement(), content_type=sequence, timeout=SOON), 200)):
            began = time.monotonic()
            try:
                answer = what()
                checks.equal(answer.status, wanted, f"hang: another ledger goes on: {answer}")
            except OSError as error:
                checks.ok(False, f"hang: another ledger goes on: {error!r}")
            slowest = max(slowest, time.monotonic() - began)
    faults.set("hangs", 0)
    answers = waiting.end()
    checks.equal(len(answers), len(waiting.threads), "hang: all were answered when the disk was well again")
    checks.equal([a for a in answers if a[1] not in (200, 201, 503)], [], "hang: what they were answered")
    checks.ok(sum(a == ("/bad/entries", 201) for a in answers) == 4, f"hang: registrations that waited: {answers}")
    checks.equal(service.post_statement(world.statement(), base="/bad").status, 201, "hang: a registration after")
    print(f"hang: the slowest answer of another ledger took {slowest:.2f} s", flush=True)
    checks.equal(service.stop(), 0, "hang: a graceful end")
    hang_closing(checks, world)
    hang_opening(checks, world)


def hang_opening(checks, world):
    """The disk of one ledger does not answer from the start: it is being opened, for as long as that lasts, and /readyz says so."""
    bad, good = world.ledger("load.example/slow", name="slow"), world.ledger("load.example/quick", name="quick")
    faults = Faults(world, bad)
    faults.set("hangs", 1)
    service = world.serve(bad, good, env=faults.env, wait=False)
    checks.ok(harness.wait_until(service.healthy, harness.START_SECONDS), "hang: it starts beside a disk that does not answer")
    checks.ok(harness.wait_until(lambda: faults.get("waiting") > 0, SOON), "hang: opening waits for the disk")

    def states():
        return [(row["name"], row["state"]) for row in service.get("/readyz").json()["ledgers"]]
    checks.ok(harness.wait_until(lambda: states() == [("slow", "opening")], 10), f"hang: what is being opened is not ready: {states()}")
    told = service.get("/readyz")
    checks.equal((told.status, told.json()["status"], (told.header("retry-after") or "").isdigit()), (503, "starting", True), "hang: /readyz while it starts")
    refused = service.post_statement(world.statement(), base="/slow", timeout=10)
    checks.ok(refused.status == 503 and (refused.header("retry-after") or "").isdigit(), f"hang: a registration there: {refused}")
    checks.equal(service.post_statement(world.statement(), base="/quick", timeout=10).status, 201, "hang: the other ledger registers")
    faults.set("hangs", 0)
    checks.ok(harness.wait_until(service.ready, SOON), "hang: ready when the disk is well")
    checks.equal(service.post_statement(world.statement(), base="/slow").status, 201, "hang: and it registers")
    checks.equal(service.stop(), 0, "hang: a graceful end")


def hang_closing(checks, world):
    """One ledger may be open at a time; the one whose disk hangs is to be closed to make room."""
    ledgers = {name: world.ledger(f"load.example/{name}", name=f"closing-{name}") for name in ("bad", "one", "two", "three")}
    faults = Faults(world, ledgers["bad"])
    config = world.config("limits { open-ledgers = 1 }\n" + "".join(f'ledger {name} {{ directory = "{folder}" }}\n' for name, folder in ledgers.items()))
    service = world.serve("--config", config, env=faults.env)
    checks.ok(harness.wait_until(service.ready, SOON), "hang: ready")
    checks.equal(service.post_statement(world.statement(), base="/bad").status, 201, "hang: the last one used")
    checks.ok(harness.wait_until(lambda: service.metric("muniment_open_ledgers") == 1, SOON), "hang: the others are closed")
    waiting = Waiting(service)
    faults.set("hangs", 1)
    waiting.ask(1, service.get, "/one/checkpoint")  # makes room
    checks.ok(harness.wait_until(lambda: faults.get("waiting") > 0, SOON), "hang: closing waits for the disk")
    for path in ("/two/checkpoint", "/three/checkpoint", "/two/v1", "/one/v1"):
        try:
            checks.equal(service.get(path, timeout=SOON).status, 200, f"hang: {path} while another one is being closed")
        except OSError as error:
            checks.ok(False, f"hang: {path} while another one is being closed: {error!r}")
    faults.set("hangs", 0)
    checks.equal(waiting.end(), [("/one/checkpoint", 200)], "hang: who made room")
    checks.equal(service.stop(), 0, "hang: a graceful end")


def scenario_tsan(checks, world, folder):
    checks.ok(b"__tsan_" in (folder / "muniment-serve").read_bytes(), "tsan: the program is built with it")
    ledger, other = world.ledger("load.example/tsan", name="tsan"), world.ledger("load.example/other", name="other")
    config_log = world.path("tsan.log")
    programs, os.environ["MUN_BIN"] = os.environ.get("MUN_BIN"), str(folder / "muniment")
    try:
        service = world.serve(ledger, other, env={"TSAN_OPTIONS": f"exitcode=66 halt_on_error=0 second_deadlock_stack=1 log_path={config_log}"})
    finally:
        os.environ.pop("MUN_BIN") if programs is None else os.environ.__setitem__("MUN_BIN", programs)
    load = Load(service, world.folder, "tsan", SECONDS["tsan"], clients=32, vanish=3, base="/tsan")
    until = time.monotonic() + SECONDS["tsan"]
    while time.monotonic() < until:
        for path in ("/tsan/checkpoint", "/tsan/v1", "/tsan/v1/entries?limit=20", "/tsan/v1/entries/0/receipt", "/other/v1", "/metrics",
                     "/readyz", "/v1/service", "/tsan/tile/entries/000.p/1", "/tsan/v1/issuers", "/other/checkpoint"):
            service.get(path)
        service.post_statement(world.statement(), base="/other")
        service.signal()  # reload
        time.sleep(0.1)
    told = load.end(checks, "tsan")
    checks.ok(told.get("acknowledged", 0) > 100, f"tsan: only {told.get('acknowledged')} acknowledged")
    checks.equal(service.stop(), 0, "tsan: a graceful end")
    reports = "".join(p.read_text(errors="replace") for p in config_log.parent.glob("tsan.log*"))
    checks.ok(not reports, f"tsan: {reports.count('WARNING: ThreadSanitizer')} reports: {reports[:6000]}")
    hold(checks, "tsan", ledger, world.folder, [load.record], SAMPLE["tsan"])


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("scenario", nargs="*", default=["load", "kill", "full", "sync", "hang"])
    options.add_argument("--tsan", type=pathlib.Path, help="build folder of the tsan preset")
    given = options.parse_args()
    print(f"seed {SEED}", flush=True)
    with harness.Checks() as checks:
        for name in given.scenario:
            with harness.World() as world:
                began, failed = time.monotonic(), checks.failed
                try:
                    if name == "tsan":
                        scenario_tsan(checks, world, given.tsan.resolve())
                    else:
                        {"load": scenario_load, "kill": scenario_kill, "full": scenario_full, "sync": scenario_sync, "hang": scenario_hang}[name](checks, world)
                except (AssertionError, OSError, harness.http.client.HTTPException, subprocess.TimeoutExpired) as error:
                    checks.ok(False, f"{name}: {error!r}: {''.join(s.log()[-800:] for s in world.services)}")
                world.keep = world.keep or checks.failed > failed  # to be looked at
                print(f"{name}: {time.monotonic() - began:.0f} s in all", flush=True)


if __name__ == "__main__":
    main()
