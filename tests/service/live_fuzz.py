#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bytes against the running service: valid requests of every kind, changed at random (seeded), cut, joined and repeated, sent
over raw sockets. The service must stay alive, answer nothing but well-formed HTTP, never with 500, and still work at the end.
MUN_SEED chooses the seed, MUN_LONG=1 runs ten minutes; with a sanitizer build (MUN_BIN) its findings end the process."""
import os
import random
import socket
import sys
import threading
import time

import framing_cases
import harness

SECONDS = 600 if os.environ.get("MUN_LONG") else 15
THREADS = 8  # most of the time is waiting
TOKENS = [b"\0", b"\n", b"\r", b"\r\n", b"\r\n\r\n", b" ", b"\t", b":", b"%00", b"%2e%2e/", b"%", b"?", b"&", b"#", b"/", b"//", b"..",
          b"Content-Length: 5\r\n", b"Content-Length: 99999999999999999999\r\n", b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n",
          b"Host: x\r\n", b"Connection: close\r\n", b"Connection: keep-alive, Upgrade\r\n", b"Upgrade: h2c\r\n", b"HTTP/1.0", b"HTTP/1.1", b"HTTP/9.9",
          b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"5\r\nhello\r\n", b"\xff\xfe", b"Accept-Encoding: gzip\r\n", b"Accept: */*;q=0\r\n",
          b"If-None-Match: *\r\n", b"Last-Event-ID: 18446744073709551615\r\n", b"Range: bytes=0-0\r\n", b"Cookie: a=b; c\r\n",
          b"Authorization: Bearer " + b"A" * 60 + b"\r\n", b"X-Forwarded-For: 1.2.3.4\r\n", b"a" * 5000]


def seeds(host, statement):
    """Valid requests, one of each kind."""
    def get(path, *fields):
        return b"\r\n".join([b"GET " + path + b" HTTP/1.1", b"Host: " + host, *fields]) + b"\r\n\r\n"

    length = b"Content-Length: %d" % len(statement)
    paths = [b"/checkpoint", b"/tile/0/000.p/1", b"/tile/entries/000.p/1", b"/.well-known/scitt-keys", b"/v1", b"/v1/entries?limit=2&iss=a%20b",
             b"/v1/entries/0", b"/v1/entries/0/receipt", b"/v1/consistency?from=1&to=1", b"/v1/documents/" + b"ab" * 32, b"/v1/openapi.json",
             b"/healthz", b"/metrics", b"/entries/" + b"A" * 43, b"/v1/events?after=0"]
    made = [get(p) for p in paths]
    made += [get(b"/checkpoint", b"If-None-Match: \"a\", W/\"b\"", b"Accept-Encoding: gzip, identity;q=0.5"), get(b"http://" + host + b"/v1")]
    made.append(framing_cases.post(host, length, body=statement))
    half = len(statement) // 2
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (statement[:half], statement[half:])) + b"0\r\n\r\n"
    made.append(framing_cases.post(host, b"Transfer-Encoding: chunked", body=chunked))
    made.append(framing_cases.post(host, length, body=statement, target=b"/v1/batch").replace(b"application/cose", b"application/cbor-seq"))
    made += [case.request for case in framing_cases.cases(host) + framing_cases.more_cases(host)]
    return made


def change(rng, data, corpus):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(7)
        if kind == 0 and data:
            data[at % len(data)] = rng.randrange(256)
        elif kind == 1:
            data[at:at] = rng.choice(TOKENS)
        elif kind == 2:
            del data[at:at + rng.choice((1, 2, 10, 100))]
        elif kind == 3:
            data[at:at + 1] = data[at:at + 1] * rng.choice((2, 10, 300))
        elif kind == 4:
            data = data[:at]
        elif kind == 5:
            data += rng.choice(corpus)
        else:
            other = rng.choice(corpus)
            data[at:] = other[rng.randrange(len(other)):]
    return bytes(data)


def send(service, rng, data):
    """Sends in one or several segments; what comes back within a moment."""
    answer = b""
    try:
        with service.socket(timeout=0.05) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.choice((0, 0, 0, 1, 3))))
            for begin, end in zip([0, *cuts], [*cuts, len(data)]):
                s.sendall(data[begin:end])
            if rng.random() < 0.7:
                s.shutdown(socket.SHUT_WR)
            if rng.random() < 0.9:
                answer = harness.read_to_end(s, 1 << 20)
    except OSError:
        pass
    return answer


class Run:
    """What all threads add up."""

    def __init__(self, service, corpus, until):
        self.service, self.corpus, self.until = service, corpus, until
        self.sent, self.statuses, self.wrong, self.lock = 0, {}, [], threading.Lock()

    def work(self, seed):
        rng = random.Random(seed)
        while time.monotonic() < self.until and self.service.alive():
            data = change(rng, rng.choice(self.corpus), self.corpus)
            self.judge(seed, data, send(self.service, rng, data))

    def judge(self, seed, data, answer):
        with self.lock:
            self.sent += 1
            if not answer:
                return
            good = answer.startswith(b"HTTP/1.1 ")
            status = answer[9:12] if good else b"bad"
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if not good or status == b"500":
                self.wrong.append(f"seed {seed}: {data!r:.2000} gave {answer!r:.500}")


def main():
    seed = int(os.environ.get("MUN_SEED", "20261122"))
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with harness.Checks() as checks, harness.World() as world:
        ledger = world.ledger("fuzz.example/http")
        statement = world.statement("fuzz/1", b"z" * 100)
        with world.serve(ledger) as service:
            run = Run(service, seeds(service.listen.encode(), statement), time.monotonic() + seconds)
            threads = [threading.Thread(target=run.work, args=(seed + n,)) for n in range(THREADS)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
            told = ", ".join(f"{k.decode(errors='replace')} {v}" for k, v in sorted(run.statuses.items()))
            print(f"seed {seed}: {run.sent} requests, answers {told}", flush=True)
            checks.ok(service.alive(), f"alive after {run.sent} requests (seed {seed}): {service.log()[-3000:] if not service.alive() else ''}")
            checks.ok(not run.wrong, f"{len(run.wrong)} bad answers: {run.wrong[:3]}")
            checks.ok(run.sent > 100, f"only {run.sent} requests")
            checks.ok(len(run.statuses) >= 5, f"answers of too few kinds: {run.statuses}")
            checks.equal(service.post_statement(world.statement("fuzz/2")).status, 201, "a registration at the end")
            checks.ok(harness.wait_until(lambda: service.metric("muniment_body_bytes") == 0, 30), "no body memory is left")
            checks.equal(service.stop(), 0, "a clean end")


if __name__ == "__main__":
    main()
