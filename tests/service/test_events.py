# SPDX-License-Identifier: Apache-2.0
"""The stream of events: everything once and in order, from any index, across broken connections and restarts; a reader that does not
read is slow for itself alone."""
import json
import mmap
import os
import random
import struct
import sys
import threading
import time

import harness

READERS = 24
CROWD = 500
GROW = 600
LARGE = 6000  # bytes of subject: what a stalled reader is behind with must not fit into socket buffers
SEED = 20261122
DELAYED = 12  # seconds: less than a stalled reader (write-seconds) or a ping waits, more than a disk that is written to by others takes


class Reader:
    """One stream, read line by line from a raw socket."""

    def __init__(self, service, after=None, last=None, base=""):
        self.socket = service.socket(harness.HTTP_SECONDS)
        query = "" if after is None else f"?after={after}"
        field = "" if last is None else f"Last-Event-ID: {last}\r\n"
        self.socket.sendall(f"GET {base}/v1/events{query} HTTP/1.1\r\nHost: localhost\r\n{field}\r\n".encode())
        self.file = self.socket.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        while self.file.readline().strip():
            pass
        self.pending = b""

    def lines(self):
        """The text of the chunked body, line by line."""
        while True:
            size = int(self.file.readline().strip() or b"0", 16)
            if size == 0:
                return
            self.pending += self.file.read(size)
            self.file.readline()
            *whole, self.pending = self.pending.split(b"\n")
            yield from whole

    def events(self, count):
        """The next events as (id, data)."""
        found, event = [], {}
        for line in self.lines():
            if line:
                name, _, value = line.partition(b": ")
                event[name] = value
            elif b"data" in event:
                found.append((int(event[b"id"]), json.loads(event[b"data"])))
                event = {}
                if len(found) == count:
                    return found
            else:
                event = {}
        return found

    def close(self):
        self.file.close()
        self.socket.close()


def right(events, first, end):
    return [i for i, _ in events] == list(range(first, end)) and all(data["index"] == i for i, data in events)


def grow(service, world, count, subject=""):
    slowest = 0.0
    for n in range(0, count, 20):
        body = b"".join(world.statement(f"{subject}{n + i}/{random.random()}") for i in range(20))
        began = time.monotonic()
        while (reply := service.post("/v1/batch", body, "application/cbor-seq")).status == 503:
            time.sleep(float(reply.header("retry-after")))  # being opened
        slowest = max(slowest, time.monotonic() - began)
        if reply.status != 200 or len(harness.cbor_sequence(reply.body)) != 20:
            raise AssertionError(reply)
    return slowest


def size_of(service):
    return service.get("/v1").json()["size"]


def many_readers(checks, world, service):
    """Some from the beginning, some from the middle, some ahead of the ledger, while it grows."""
    start = size_of(service)
    end = start + GROW
    begin = [random.choice([None, 0, start // 2, start - 1, start + 50]) for _ in range(READERS)]
    results = [None] * READERS

    def read(n):
        first = 0 if begin[n] is None else begin[n] + 1
        reader = Reader(service, begin[n])
        results[n] = right(reader.events(end - first), first, end)
        reader.close()

    threads = [threading.Thread(target=read, args=(n,), daemon=True) for n in range(READERS)]
    for thread in threads:
        thread.start()
    grow(service, world, GROW)
    for thread in threads:
        thread.join(harness.HTTP_SECONDS)
    for n, result in enumerate(results):
        checks.ok(result, f"the reader that began after {begin[n]}: {'lacks entries or has them twice' if result is not None else 'did not get all'}")


def crowd(checks, service):
    """More streams than may be read for at once, each at a place of its own: all get on."""
    sockets = []
    for n in range(CROWD):
        sockets.append(service.socket(harness.HTTP_SECONDS))
        sockets[-1].sendall(f"GET /v1/events?after={n} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    began, good = time.monotonic(), 0
    for n, s in enumerate(sockets):
        data = b""
        while f"\nid: {n + 40}\n".encode() not in data and (part := s.recv(1 << 16)):
            data += part
        good += f"\nid: {n + 1}\n".encode() in data and f"\nid: {n + 40}\n".encode() in data
        s.close()
    checks.equal(good, CROWD, f"streams that got what comes behind their places, in {time.monotonic() - began:.1f} s")


def broken_connections(checks, service):
    """Cut after every few events; what comes next begins where it was cut."""
    end, got = size_of(service), []
    while len(got) < end:
        reader = Reader(service, after=3, last=got[-1][0]) if got else Reader(service)
        got += reader.events(min(end - len(got), random.randint(1, 97)))
        reader.close()
    checks.ok(right(got, 0, end), "a stream in pieces is the whole, once")


def stalled_reader(checks, world, service):
    start, before = size_of(service), service.memory()
    stalled = [Reader(service) for _ in range(8)]
    slowest = grow(service, world, 1200, "x" * LARGE)
    end = size_of(service)
    checks.ok(slowest < DELAYED, f"registering beside stalled readers took up to {slowest:.2f} s")
    checks.ok(service.memory() - before < 96 << 20, f"{(service.memory() - before) >> 20} MiB more for readers that do not read")
    quick = Reader(service, after=start - 1)
    checks.ok(right(quick.events(end - start), start, end), "another reader is not kept waiting")
    quick.close()
    checks.ok(right(stalled[0].events(end), 0, end), "a stalled reader gets everything in the end")
    for reader in stalled:
        reader.close()


def restarted(checks, world, service):
    reader = Reader(service, after=10)
    got = reader.events(30)
    service.kill()
    reader.close()
    service.start()
    grow(service, world, 20)
    end = size_of(service)
    reader = Reader(service, last=got[-1][0])
    got += reader.events(end - 41)
    reader.close()
    checks.ok(right(got, 11, end), "a stream goes on after a restart")


def head_alone(checks, service):
    """The head of a stream is all of the answer: a byte more would be the start of the next one."""
    got = service.raw(b"HEAD /v1/events HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    head, mark, rest = got.partition(b"\r\n\r\n")
    checks.ok(head.startswith(b"HTTP/1.1 200 ") and b"text/event-stream" in head and mark, f"HEAD of the stream: {got!r}")
    checks.ok(rest == b"" or rest.startswith(b"HTTP/1.1 200 "), f"HEAD of the stream is followed by {rest!r}")
    checks.equal(service.metric("muniment_open_event_streams"), 0.0, "HEAD begins no stream")


def leave(service):
    for _ in range(50):
        Reader(service).close()


def forgotten(checks, service):
    """Streams whose readers are gone are found by the next sign of life that cannot be sent to them."""
    gauge = "muniment_open_event_streams"
    checks.ok(harness.wait_until(lambda: service.metric(gauge) == 0, 90, 0.5), f"{service.metric(gauge)} streams of readers that have gone are still open")


def closed_meanwhile(checks, world):
    """A stream that is far behind goes on when its ledger was closed for want of room, beside requests that keep closing it."""
    first, second = world.ledger(name="first"), world.ledger(name="second")
    port = harness.free_port()
    path = world.config(f'listen "127.0.0.1:{port}" {{ }}\nlimits {{\n    open-ledgers = 1\n}}\n'
                        + "".join(f'ledger "{name}" {{\n    directory = "{ledger}"\n    path = "{base}"\n}}\n'
                                  for name, ledger, base in (("first", first, "/"), ("second", second, "/second"))))
    service = world.serve("--config", path, listen=None, wait=False)
    service.host, service.port = "127.0.0.1", port
    checks.ok(service.serving(), "two ledgers, of which one may be open")
    grow(service, world, 400, "x" * LARGE)
    end, over = size_of(service), threading.Event()
    opened = []

    def other():
        while not over.wait(0.02):
            opened.append(service.get("/second/checkpoint").status)

    asks = threading.Thread(target=other, daemon=True)
    readers = [Reader(service) for _ in range(3)]
    asks.start()
    for n, reader in enumerate(readers):
        checks.ok(right(reader.events(end), 0, end), f"reader {n} of a ledger that is closed and opened again gets everything")
        reader.close()
    over.set()
    asks.join()
    checks.ok(opened.count(200) > 0 and set(opened) <= {200, 503}, f"the other ledger beside them: {sorted(set(opened))}")
    checks.equal(service.stop(), 0, "a graceful end, then")


class HungDisk:
    """tests/load/disk_faults.c: while `set` is 1 nothing that is asked of the disk of that ledger is answered."""

    def __init__(self, world, ledger):
        path = world.path("faults")
        path.write_bytes(bytes(64))
        self.words = mmap.mmap(os.open(path, os.O_RDWR), 64)
        self.env = {"LD_PRELOAD": str(harness.test_program("disk_faults.so")), "MUN_DISK_FAULTS": str(path), "MUN_DISK_FAULTS_BELOW": str(ledger)}

    def set(self, value):
        struct.pack_into("<Q", self.words, 48, value)

    def waiting(self):
        return struct.unpack_from("<Q", self.words, 56)[0]


def register(service, world, base, count):
    body = b"".join(world.statement(f"{n}/{random.random()}") for n in range(count))
    reply = service.post(f"{base}/v1/batch", body, "application/cbor-seq")
    if reply.status != 200:
        raise AssertionError(reply)


def hung(checks, world):
    """A disk that does not answer keeps the streams of its ledger waiting, and no others; nor does a reader that does not read."""
    bad, good = world.ledger(name="bad"), world.ledger(name="good")
    disk = HungDisk(world, bad)
    with world.serve(bad, good, env=disk.env) as service:
        for base in ("/bad", "/good"):
            register(service, world, base, 300)
        size = {base: service.get(f"{base}/v1").json()["size"] for base in ("/bad", "/good")}
        news = [Reader(service, after=size["/good"] - 1, base="/good") for _ in range(12)]
        asleep = [Reader(service, after=0, base="/good") for _ in range(4)]
        disk.set(1)
        starts = [1, size["/bad"] - 20] * 6  # far back, and among the last: two places, which two of its workers wait for
        late = [Reader(service, after=start - 1, base="/bad") for start in starts]
        checks.ok(harness.wait_until(lambda: disk.waiting() > 0, harness.SOON), "somebody waits for the disk")
        slowest = 0.0
        for n in range(size["/good"], size["/good"] + 15):
            began = time.monotonic()
            register(service, world, "/good", 1)
            checks.ok(all(right(reader.events(1), n, n + 1) for reader in news), f"entry {n} of the other ledger comes to its streams")
            slowest = max(slowest, time.monotonic() - began)
        checks.ok(disk.waiting() > 0, "the disk has not answered meanwhile")
        checks.ok(slowest < DELAYED, f"an entry of another ledger came after {slowest:.2f} s")
        disk.set(0)
        for start, reader in zip(starts, late):
            checks.ok(right(reader.events(size["/bad"] - start), start, size["/bad"]), f"the stream from {start} gets everything when the disk answers again")
        for reader in news + asleep + late:
            reader.close()


def main():
    random.seed(SEED)
    harness.build("muniment", "muniment-serve", "disk_faults")
    with harness.Checks() as checks, harness.World() as world:
        with world.serve(world.ledger(name="main")) as service:
            grow(service, world, 100)
            head_alone(checks, service)
            many_readers(checks, world, service)
            crowd(checks, service)
            broken_connections(checks, service)
            restarted(checks, world, service)
            leave(service)
            stalled_reader(checks, world, service)
            forgotten(checks, service)
            checks.equal(service.stop(), 0, "a graceful end")
        closed_meanwhile(checks, world)
        hung(checks, world)


if __name__ == "__main__":
    sys.exit(main())
