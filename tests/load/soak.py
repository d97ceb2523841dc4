# SPDX-License-Identifier: Apache-2.0
"""Mixed load for an hour (or as long as is asked), with samples of the process: does its memory stay flat?

    soak.py [--seconds 3600] [--rate 450] [--ledgers 3] [--keep FILE.csv]

Of the requests, by default a quarter register, one in ten of those again what was registered before; the others fetch receipts,
tiles, bundles, checkpoints, pages of a search, entries, consistency proofs, metrics; two event streams follow, one of them is
broken off and resumed. Afterwards the ledgers are checked and every acknowledged receipt is held against its ledger.
"""
import argparse
import json
import pathlib
import random
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "service"))
import harness  # noqa: E402
import run  # noqa: E402

CONNECTIONS = 8
SAMPLE_SECONDS = 10
WARM = 0.25  # part of the time after which memory is taken as its level, at the soonest
FULL = 0.99  # of its limit: then the indexes' cache is full, and memory has to be level
GROWTH_MAX = 0.05  # of that level, from then to the end


class Reader(threading.Thread):
    """One connection that reads what a client might, at its share of the rate."""

    def __init__(self, soak, number):
        super().__init__(daemon=True)
        self.soak, self.rng, self.counts, self.wrong = soak, random.Random(number), {}, []

    def paths(self, base, size):
        rng, index = self.rng, self.rng.randrange(max(1, size - 1))
        tile = index // 256
        width = min(256, size - tile * 256)
        name = "".join(f"x{part:03d}/" for part in ([tile // 1000] if tile >= 1000 else [])) + f"{tile % 1000:03d}"
        partial = "" if width == 256 else f".p/{width}"
        return rng.choice((f"/v1/entries/{index}/receipt", f"/v1/entries/{index}/receipt", f"/v1/entries/{index}", f"/v1/entries/{index}/evidence",
                           f"/tile/0/{name}{partial}", f"/tile/entries/{name}{partial}", "/checkpoint", f"/v1/entries?limit=20&since=2026-01-01T00:00:00Z",
                           f"/v1/entries?sub=soak{base.strip('/')}-{run.SEED}/0/{rng.randrange(50)}", f"/v1/consistency?from={index + 1}&to={size}",
                           f"/v1/entries/{index}/statement", "/v1", "/.well-known/scitt-keys", "/metrics", "/entries/" + harness.base64url(rng.randbytes(32))))

    def run(self):
        connection = self.soak.service.connect(20)
        pause = CONNECTIONS / (self.soak.rate * 0.75)
        due = time.monotonic()
        while not self.soak.over.is_set():
            base = self.rng.choice(self.soak.bases)
            path = self.paths(base, self.soak.sizes[base])
            where = path if path == "/metrics" else base + path
            try:
                got = self.soak.service.request("GET", where, connection=connection)
                self.counts[got.status] = self.counts.get(got.status, 0) + 1
                if got.status not in (200, 404) or (got.status == 404 and not path.startswith("/entries/")):
                    self.wrong.append(f"{where}: {got}")
            except (OSError, harness.http.client.HTTPException) as error:
                self.wrong.append(f"{where}: {error!r}")
                connection.close()
            due += pause
            self.soak.over.wait(max(0, due - time.monotonic()))


class Stream(threading.Thread):
    """An event stream that counts indexes; with `broken` it hangs up every few seconds and resumes."""

    def __init__(self, soak, base, broken):
        super().__init__(daemon=True)
        self.soak, self.base, self.broken, self.last, self.seen, self.gaps = soak, base, broken, -1, 0, 0

    def run(self):
        while not self.soak.over.is_set():
            try:
                self.follow()
            except OSError:
                self.soak.over.wait(0.5)

    def follow(self):
        resume = f"Last-Event-ID: {self.last}\r\n" if self.last >= 0 else ""
        with self.soak.service.socket(5) as s:
            s.sendall(f"GET {self.base}/v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{resume}\r\n".encode())
            until, rest = time.monotonic() + (7 if self.broken else 1e9), b""
            while not self.soak.over.is_set() and time.monotonic() < until:
                try:
                    part = s.recv(65536)
                except socket.timeout:
                    continue
                if not part:
                    return
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    if line.startswith(b"id:"):
                        self.note(int(line[3:]))

    def note(self, index):
        self.gaps += self.last >= 0 and index != self.last + 1
        self.last, self.seen = index, self.seen + 1


class Soak:
    def __init__(self, world, seconds, rate, ledgers):
        self.rate, self.seconds, self.over = rate, seconds, threading.Event()
        self.ledgers = [world.ledger(f"soak.example/{n}", name=f"s{n}") for n in range(ledgers)]
        self.service = world.serve(*self.ledgers)
        self.bases = [f"/s{n}" for n in range(ledgers)] if ledgers > 1 else [""]
        self.sizes = {base: 1 for base in self.bases}
        self.loads = [run.Load(self.service, world.folder, f"soak{base.strip('/')}", seconds, clients=8, vanish=1, rate=max(1, rate // 4 // ledgers), base=base)
                      for base in self.bases]
        self.readers = [Reader(self, n) for n in range(CONNECTIONS)]
        self.streams = [Stream(self, self.bases[0], False), Stream(self, self.bases[-1], True)]
        self.samples = []

    def sample(self, began):
        for base in self.bases:
            self.sizes[base] = self.service.get(base + "/v1").json()["size"]
        fds = len(list(pathlib.Path(f"/proc/{self.service.pid}/fd").iterdir()))
        threads = len(list(pathlib.Path(f"/proc/{self.service.pid}/task").iterdir()))
        row = (round(time.monotonic() - began), self.service.memory(), self.service.memory("VmHWM"), fds, threads, sum(self.sizes.values()),
               self.service.memory("RssAnon"), int(self.service.metric("muniment_index_memory_bytes")))
        self.samples.append(row)
        return row

    def go(self, keep):
        began = time.monotonic()
        for thread in self.readers + self.streams:
            thread.start()
        with open(keep, "w") as out:
            out.write("seconds,resident,peak,descriptors,threads,entries,anonymous,index\n")
            while time.monotonic() - began < self.seconds - SAMPLE_SECONDS:
                out.write(",".join(map(str, self.sample(began))) + "\n")
                out.flush()
                time.sleep(SAMPLE_SECONDS)
        self.told = [load.process.communicate(timeout=180)[0] for load in self.loads]
        self.over.set()
        for thread in self.readers + self.streams:
            thread.join(10)


def judge(checks, soak):
    rows = soak.samples
    index_max = int(soak.service.metric("muniment_index_memory_max_bytes"))
    full = next((n for n, r in enumerate(rows) if r[7] >= index_max * FULL), len(rows))
    warm = max(int(len(rows) * WARM), full)
    checks.ok(warm < len(rows) * 0.9, f"the indexes' cache was not full in time ({rows[-1][7]} of {index_max} bytes): memory can't be judged, run longer")
    level = max(r[6] for r in rows[: warm + 1])
    end = max(r[6] for r in rows[-max(1, len(rows) // 10):])
    reads = sum(sum(r.counts.values()) for r in soak.readers)
    wrong = [w for r in soak.readers for w in r.wrong]
    print(f"{len(rows)} samples; anonymous memory {level / 2**20:.1f} MiB when warm ({rows[min(warm, len(rows) - 1)][0]} s), {end / 2**20:.1f} MiB at the end; "
          f"the indexes' cache {rows[-1][7] / 2**20:.1f} of {index_max / 2**20:.0f} MiB; "
          f"resident at most {max(r[2] for r in rows) / 2**20:.1f} MiB; descriptors {rows[0][3]} to {rows[-1][3]}, at most {max(r[3] for r in rows)}; "
          f"{rows[-1][5]} entries; {reads} reads; events {[s.seen for s in soak.streams]}")
    for text in soak.told:
        told = json.loads(text)
        print(text.strip())
        checks.ok(told["bad"] == 0 and told["acknowledged"] > 0, f"registrations: {told['bad_text']}")
    checks.ok(end <= level * (1 + GROWTH_MAX) + (4 << 20), f"memory grew from {level} to {end}")
    checks.ok(max(r[7] for r in rows) <= index_max + (1 << 20), "the cache of the indexes grew beyond its limit")
    checks.ok(max(r[3] for r in rows) < rows[0][3] + 200, "descriptors grew")
    checks.ok(not wrong, f"{len(wrong)} reads went wrong: {wrong[:3]}")
    checks.ok(all(s.gaps == 0 and s.seen > 0 for s in soak.streams), f"events: gaps {[s.gaps for s in soak.streams]}, seen {[s.seen for s in soak.streams]}")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=int, default=3600)
    options.add_argument("--rate", type=int, default=450, help="requests a second, all together")
    options.add_argument("--ledgers", type=int, default=3)
    options.add_argument("--keep", default="soak.csv", help="the samples, as a table")
    given = options.parse_args()
    with harness.Checks() as checks, harness.World() as world:
        soak = Soak(world, given.seconds, given.rate, given.ledgers)
        soak.go(given.keep)
        judge(checks, soak)
        checks.equal(soak.service.stop(), 0, "a graceful end")
        for ledger, load in zip(soak.ledgers, soak.loads):
            run.hold(checks, ledger.name, ledger, world.folder, [load.record], 200)


if __name__ == "__main__":
    main()
