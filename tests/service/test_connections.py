#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Connections that behave badly: too many, too slow, gone, idle, one after the other. None may delay the others, none may
leave anything behind. MUN_LONG=1: 15,000 idle connections and a million one after the other."""
import contextlib
import os
import resource
import select
import signal
import socket
import sys
import threading
import time

import harness

LONG = bool(os.environ.get("MUN_LONG"))
IDLE = 15000 if LONG else 2000
ONE_AFTER_THE_OTHER = 1000000 if LONG else 3000
IDLE_BYTES = 40 << 10  # what one idle connection may cost us at most
ONE_AFTER_BYTES = 24 << 20  # what may be kept after them: the caches of the registrations beside
SANITIZED = b"__asan_init" in harness.program("muniment-serve").read_bytes()  # such memory figures mean nothing
QUICK = 4.0  # seconds: an answer that is not delayed, on a machine that does other things too
AT_ONCE = 300  # more than twice the 128 events that a thread of the library takes at a time
HOLD = 7  # seconds for which slow ones may be slow: an answer that waits for them is not quick
LATE = 20  # seconds: an end that comes after a few of them, and not by a longer limit


def config(world, ledger, listen, **limits):
    text = "".join(f"    {name.replace('_', '-')} = {value}\n" for name, value in limits.items())
    return world.config(f'listen "{listen}" {{ }}\nlimits {{\n{text}}}\nledger "deeds" {{\n    directory = "{ledger}"\n    path = "/"\n}}\n')


@contextlib.contextmanager
def served(world, ledger, **limits):
    port = harness.free_port()
    listen = f"127.0.0.1:{port}"
    path = config(world, ledger, listen, **limits)
    service = world.serve("--config", path, listen=None, wait=False)
    service.host, service.port = "127.0.0.1", port
    try:
        yield service.serving()
    finally:
        service.stop()


def head(service, method="GET", path="/checkpoint", *fields):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {service.host}:{service.port}", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def first(data):
    got = harness.parse_responses(data)
    return got[0] if got and isinstance(got[0], harness.Response) else None


def open_connections(service):
    return service.metric("muniment_open_connections")


def quick(checks, service, what):
    begun = time.monotonic()
    status = service.get("/checkpoint").status
    taken = time.monotonic() - begun
    checks.equal(status, 200, what)
    checks.ok(taken < QUICK, f"{what}: took {taken:.2f} s")


def hold(checks, service, count, what):
    """So many connections that were answered and stay; those of the start take their places for a moment longer."""
    held = []

    def one_more():
        s = service.socket(harness.HTTP_SECONDS)
        with contextlib.suppress(OSError):
            s.sendall(head(service))
            if b" 200 " in s.recv(4096)[:20]:
                held.append(s)
                return True
        s.close()
        return False
    for i in range(count):
        checks.ok(harness.wait_until(one_more, harness.SOON), f"connection {i} of {what}")
    return held


def too_many(checks, world, ledger):
    """Beyond the limit: 503 with Retry-After and the end, and room again when others leave."""
    with served(world, ledger, connections=20) as service:
        held = hold(checks, service, 20, "the allowed ones")
        for attempt in ("that asks", "that says nothing"):
            with service.socket(harness.HTTP_SECONDS) as s:
                if attempt == "that asks":
                    with contextlib.suppress(OSError):
                        s.sendall(head(service))
                got = first(harness.read_to_end(s))
            if checks.ok(got is not None, f"one too many {attempt} is answered"):
                checks.equal(got.status, 503, f"one too many {attempt}")
                checks.ok(int(got.header("retry-after", "0")) >= 1, "Retry-After")
                checks.equal(got.problem()[0], "Service Unavailable", "its title")
        for s in held:
            s.close()
        checks.ok(harness.wait_until(service.healthy, harness.SOON), "room again")
        checks.ok(service.metric("muniment_connections_refused_total") >= 2, "refusals are counted")


def too_many_of_one_address(checks, world, ledger):
    with served(world, ledger, connections_per_address=5) as service:
        held = hold(checks, service, 5, "an address")
        with service.socket(harness.HTTP_SECONDS) as s:
            got = first(harness.read_to_end(s))
        checks.equal(got and got.status, 503, "the sixth connection of an address")
        other = socket.create_connection(("127.0.0.1", service.port), harness.HTTP_SECONDS, source_address=("127.0.0.9", 0))
        with other as s:
            s.sendall(head(service, "GET", "/checkpoint", "Connection: close"))
            got = first(harness.read_to_end(s))
        checks.equal(got and got.status, 200, "another address meanwhile")
        for s in held:
            s.close()


def dribble(s, data, gap, until, begun):
    """Sends byte by byte; the seconds since it begun until the other side ended it, or None."""
    at = 0
    while time.monotonic() - begun < until:
        readable = select.select([s], [], [], gap)[0]
        try:
            if readable and not s.recv(4096, socket.MSG_PEEK):
                return time.monotonic() - begun
            if readable:  # an answer: what we wait for is the end
                s.recv(4096)
                continue
            s.sendall(data[at:at + 1])
        except OSError:
            return time.monotonic() - begun
        at = (at + 1) % len(data)
    return None


def slow(checks, world, ledger):
    """Slow-loris in the request line, the fields and the body, each byte resetting a naive timeout; others are served."""
    with served(world, ledger, head_seconds=HOLD, body_seconds=HOLD, idle_seconds=120) as service:
        ends = {}

        def attack(name, begin, rest):
            begun = time.monotonic()
            with service.socket() as s:
                s.sendall(begin)
                ends[name] = dribble(s, rest, 0.2, 60, begun)

        def silent():
            with service.socket(harness.HTTP_SECONDS) as s:
                s.sendall(post + b"x")
                ends["silent"] = first(harness.read_to_end(s))

        def pausing():
            with service.socket(harness.HTTP_SECONDS) as s:
                s.sendall(head(service, "GET", "/checkpoint"))
                s.recv(4096)
                time.sleep(HOLD + 0.5)
                s.sendall(head(service, "GET", "/checkpoint", "Connection: close"))
                ends["pausing"] = harness.read_to_end(s)

        fields = head(service)[:-2]
        post = head(service, "POST", "/entries", "Content-Type: application/cose", "Content-Length: 1000")
        attacks = (("request line", b"GET /", b"a"), ("fields", fields, b"X-A: b\r\n"), ("body", post, b"x"), ("after a request", head(service) + b"GET /", b"a"))
        threads = [*(threading.Thread(target=attack, args=a) for a in attacks), threading.Thread(target=silent), threading.Thread(target=pausing)]
        for t in threads:
            t.start()
        time.sleep(1)
        quick(checks, service, "an answer while others are slow")
        for t in threads:
            t.join()
        for name, _, _ in attacks:
            taken = ends.get(name)
            checks.ok(taken is not None and HOLD - 1 < taken < HOLD + LATE, f"slow {name}: ended after {taken} s, {HOLD} wanted")
        told = ends.get("silent")
        checks.equal(told and told.status, 408, "a body that does not come is told")
        checks.ok(b" 200 " in ends.get("pausing", b"")[:20], "a pause between requests is allowed")


def idle(checks, world, ledger):
    with served(world, ledger, idle_seconds=2) as service:
        begun = time.monotonic()
        with service.socket(harness.HTTP_SECONDS) as silent, service.socket(harness.HTTP_SECONDS) as once:
            once.sendall(head(service))
            once.recv(4096)
            checks.equal((silent.recv(1), once.recv(1)), (b"", b""), "idle connections are closed")
            checks.ok(1 < time.monotonic() - begun < LATE, f"after {time.monotonic() - begun:.1f} s")


def vanish(checks, world, ledger):
    """Clients that leave at every point of a request."""
    with world.serve(ledger) as service:
        statement = world.statement("vanish/1", b"y" * 500)
        post = head(service, "POST", "/entries", "Content-Type: application/cose", f"Content-Length: {len(statement)}") + statement
        before = service.memory()
        for n in range(0, len(post), 7):
            with service.socket() as s:
                s.sendall(post[:n])
                if n % 2:  # a reset instead of an end
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        for n in range(40):  # the whole request, and gone before the answer
            with service.socket() as s:
                s.sendall(post)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        quick(checks, service, "an answer after clients vanished")
        checks.ok(harness.wait_until(lambda: open_connections(service) <= 1, harness.SOON), f"{open_connections(service)} connections left")
        checks.ok(harness.wait_until(lambda: service.metric("muniment_body_bytes") == 0, harness.SOON), "body memory given back")
        checks.ok(harness.wait_until(lambda: service.metric("muniment_client_gone_total") >= 1, harness.SOON), "they are counted")
        checks.equal(service.post_statement(statement).status, 201, "the statement is registered, by them or now")
        checks.ok(SANITIZED or service.memory() - before < 32 << 20, f"memory grew from {before} to {service.memory()}")
        checks.equal(service.stop(), 0, "a clean end")


def refused_bodies(checks, world, ledger):
    """A refusal answers early and spares the connection where the body is small."""
    with world.serve(ledger) as service:
        connection = service.connect()
        for _ in range(3):
            got = service.request("POST", "/nowhere", body=b"x" * 1000, connection=connection)
            checks.equal(got.status, 404, "a refusal with a small body")
        sock = connection.sock
        checks.equal(service.request("GET", "/checkpoint", connection=connection).status, 200, "then, on the same connection")
        checks.ok(sock is connection.sock, "it was the same connection")
        connection.close()
        huge = head(service, "POST", "/entries", "Content-Type: application/cose", "Content-Length: 99999999999")
        got = first(service.raw(huge + b"x" * 100))
        checks.equal(got and got.status, 413, "a declared length beyond the limit")
        checks.ok(got.problem()[0] == "Content Too Large", "its title")
        got = first(service.raw(head(service, "POST", "/entries", "Expect: 100-continue", "Content-Length: 99999999999")))
        checks.equal(got and got.status, 413, "instead of 100 Continue")
        got = first(service.raw(head(service, "POST", "/entries", "Expect: 200-ok", "Content-Length: 5")))
        checks.equal(got and got.status, 417, "another expectation")
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        got = first(service.raw(head(service, "POST", "/entries", "Content-Type: application/cose", "Transfer-Encoding: chunked") + chunk * 40))
        checks.equal(got and got.status, 413, "chunks beyond the limit")
        for path, size, wanted in (("/entries", 8 << 20, 413), ("/nowhere", 8 << 20, 404), ("/v1/batch", 20 << 20, 413)):
            got = service.post(path, b"x" * size, "application/cose" if path == "/entries" else "application/cbor-seq")
            checks.equal(got.status, wanted, f"{size} bytes to {path}: the client, still sending, sees the answer")
        got = service.request("GET", "/checkpoint", body=b"abc")
        checks.equal(got.status, 413, "a body where none is taken")
        checks.ok(harness.wait_until(lambda: service.metric("muniment_body_bytes") == 0, harness.SOON), "body memory given back")


def bodies_together(checks, world, ledger):
    """Bodies that are on their way share 128 MiB: who would take more, declared or in chunks, is told to come again."""
    size, fields = 16 << 20, ("Content-Type: application/cbor-seq", "Content-Length: %d" % (16 << 20))
    with world.serve(ledger) as service:
        held = [service.socket() for _ in range(8)]
        for s in held:
            s.sendall(head(service, "POST", "/v1/batch", *fields) + bytes(size - 1))
        full = len(held) * (size - 1)
        checks.ok(harness.wait_until(lambda: service.metric("muniment_body_bytes") == full, harness.SOON), f"{service.metric('muniment_body_bytes')} bytes of {full}")
        sent_away = service.metric("muniment_shed_total")
        chunk = b"10000\r\n" + bytes(65536) + b"\r\n"
        for what, request in (("its length", head(service, "POST", "/v1/batch", *fields)),
                              ("chunks", head(service, "POST", "/v1/batch", fields[0], "Transfer-Encoding: chunked") + chunk)):
            got = first(service.raw(request))
            if checks.equal(got and got.status, 503, f"one body more, by {what}"):
                checks.ok((got.header("retry-after") or "").isdigit() and got.problem()[0], f"by {what}: Retry-After and a title")
        checks.equal(service.metric("muniment_shed_total") - sent_away, 2.0, "counted: sent away")
        quick(checks, service, "what has no body goes on")
        for s in held:
            s.close()
        checks.ok(harness.wait_until(lambda: service.metric("muniment_body_bytes") == 0, harness.SOON), "body memory given back")
        checks.equal(service.post_statement(world.statement()).status, 201, "and there is room again")


def too_many_streams(checks, world, ledger):
    """1,024 streams may be open; one more is told so, and has its place when another one ends."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with world.serve(ledger) as service:
        request, held = head(service, "GET", "/v1/events?after=0"), [service.socket() for _ in range(1024)]
        for s in held:
            s.sendall(request)
        checks.equal(sum(b" 200 " in s.recv(4096)[:20] for s in held), 1024, "streams that begin")
        with service.socket() as s:
            s.sendall(request)
            got = first(s.recv(4096))
        if checks.equal(got and got.status, 503, "one stream more"):
            checks.ok((got.header("retry-after") or "").isdigit() and got.problem()[0] == "Service Unavailable", f"Retry-After and a title: {got.headers}")
        quick(checks, service, "an answer beside so many streams")
        for s in held:
            s.close()

        def begins():
            service.post_statement(world.statement())  # who is gone is found when there is something to send to him
            with service.socket() as again:
                again.sendall(request)
                return b" 200 " in again.recv(4096)[:20]
        checks.ok(harness.wait_until(begins, harness.SOON, 0.2), "room again when they have ended")


def readers_that_do_not_read(checks, world, ledger):
    """Large answers that nobody takes stay in memory until their readers are cut off, so together they have a limit; small ones go
    on. Idle connections may stay for longer than that."""
    with served(world, ledger, write_seconds=10, idle_seconds=600) as service:
        for _ in range(2):
            service.post("/v1/batch", b"".join(world.statement(payload=bytes(24000)) for n in range(130)), "application/cbor-seq")
        bundle = service.get("/tile/entries/000")
        checks.ok(len(bundle.body) > 4 << 20, f"a bundle of {len(bundle.body)} bytes")
        before, readers = service.memory(), [service.socket() for _ in range(60)]
        for s in readers:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.sendall(b"GET /tile/entries/000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            s.settimeout(harness.HTTP_SECONDS)
        kinds = [s.recv(13)[9:12] for s in readers]
        grown = service.memory() - before
        checks.ok(kinds.count(b"503") > 10 and kinds.count(b"200") > 10, f"some are answered, the others told to try again: {kinds}")
        checks.ok(SANITIZED or grown < 300 << 20, f"{grown >> 20} MiB for readers that do not read")
        quick(checks, service, "beside readers that do not read")
        begun, slowest = time.monotonic(), 0.0
        stay = 1 + kinds.count(b"503")  # and the one that asks
        left = open_connections(service)
        checks.ok(left > stay, f"{left} connections, {stay} of them of readers that were told to try again")
        while left > stay and time.monotonic() - begun < 60:
            asked = time.monotonic()
            left = open_connections(service)
            slowest = max(slowest, time.monotonic() - asked)
            time.sleep(0.1)
        taken = time.monotonic() - begun
        checks.ok(left <= stay, f"{left} connections left after {taken:.1f} s, where those that take nothing should be cut off and {stay} stay")
        checks.ok(slowest < QUICK, f"others waited up to {slowest:.2f} s meanwhile")
        checks.equal(service.get("/tile/entries/000").status, 200, "and there is room again, although they are still there")
        for s in readers:
            s.close()
        with service.socket() as s:
            s.sendall(head(service, "GET", "/tile/entries/000"))
            left = len(bundle.body)
            while left > 0 and (part := s.recv(1 << 20)):
                left -= len(part)
            time.sleep(12)
            s.sendall(head(service, "GET", "/checkpoint", "Connection: close"))
            checks.ok(b" 200 " in harness.read_to_end(s)[:4096], "who took such an answer may be idle for longer")


def methods_and_conditions(checks, world, ledger):
    with world.serve(ledger) as service:
        got = service.get("/checkpoint")
        tag = got.header("etag")
        checks.ok(tag and got.header("date") and got.header("x-content-type-options") == "nosniff", f"fields {got.headers}")
        same = service.get("/checkpoint", headers={"If-None-Match": f'"no", W/{tag}'})
        checks.equal((same.status, same.body, same.header("etag")), (304, b"", tag), "If-None-Match")
        checks.equal(service.get("/checkpoint", headers={"If-None-Match": '"other"'}).status, 200, "another tag")
        bare = service.request("HEAD", "/checkpoint")
        checks.equal((bare.status, bare.body, bare.header("content-length")), (200, b"", str(len(got.body))), "HEAD")
        for method in ("DELETE", "PUT", "OPTIONS", "PATCH", "FOO"):
            wrong = service.request(method, "/checkpoint")
            checks.equal((wrong.status, wrong.problem()[0]), (405, "Method Not Allowed"), method)
            checks.ok("GET" in wrong.header("allow", ""), f"Allow: {wrong.header('allow')}")
        checks.equal(service.get("/v1/nothing").type, "application/problem+json", "404 below /v1")
        checks.equal(service.get("/v1/entries?sub=%4").type, "application/problem+json", "a bad escape below /v1")
        checks.equal(service.get("/nothing").type, "application/concise-problem-details+cbor", "404 elsewhere")
        checks.equal(service.get("/checkpoint", headers={"X-Request-Id": "abc-1_2"}).header("x-request-id"), "abc-1_2", "a request's id")
        checks.ok(service.get("/checkpoint", headers={"X-Request-Id": "a b"}).header("x-request-id") != "a b", "not any id")
        posted = service.post_statement(world.statement())
        checks.ok(posted.header("location", "").startswith(("/entries/", "http")), f"Location {posted.header('location')}")


def events(checks, world, ledger):
    """Streams wait without a thread, wake when the ledger grows, and end with the service."""
    with world.serve(ledger) as service:
        streams = [service.socket() for _ in range(30)]
        for s in streams:
            s.sendall(head(service, "GET", "/v1/events", "Accept: text/event-stream"))
            s.settimeout(harness.HTTP_SECONDS)
        checks.ok(all(b" 200 " in s.recv(4096)[:20] for s in streams), "streams begin")
        checks.ok(harness.wait_until(lambda: service.metric("muniment_open_event_streams") == 30, harness.SOON), "they are counted")
        quick(checks, service, "an answer beside streams")
        begun = time.monotonic()
        posted = service.post_statement(world.statement("stream/new"))
        checks.equal(posted.status, 201, "a registration beside streams")
        for s in streams:
            data = b""
            with contextlib.suppress(OSError):
                while b"stream/new" not in data and (part := s.recv(65536)):
                    data += part
            if not checks.ok(b"stream/new" in data, f"the event comes: {data[-200:]!r}"):
                break
        checks.ok(time.monotonic() - begun < QUICK, f"events came after {time.monotonic() - begun:.1f} s")
        for s in streams[:20]:
            s.close()
        begun = time.monotonic()
        checks.equal(service.stop(), 0, "stop with open streams")
        checks.ok(time.monotonic() - begun < LATE, f"the end took {time.monotonic() - begun:.1f} s")
        checks.ok(streams[-1].recv(1 << 20) is not None, "the stream ends")


def many_idle(checks, world, ledger):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    wanted = min(IDLE, hard - 200)
    if wanted < IDLE:
        checks.skip(f"only {wanted} idle connections: {hard} files at most")
    with world.serve(ledger) as service:
        before, held = service.memory(), []
        for n in range(wanted):
            s = socket.socket()
            s.bind((f"127.0.0.{2 + n // 5000}", 0))
            s.connect((service.host, service.port))
            held.append(s)
            if n % 2:
                s.sendall(head(service))
        for s in held[1::2]:
            checks.passed += bool(s.recv(4096))
        checks.ok(harness.wait_until(lambda: open_connections(service) >= wanted, harness.SOON), f"{open_connections(service)} of {wanted} are open")
        quick(checks, service, f"an answer beside {wanted} idle connections")
        checks.equal(service.post_statement(world.statement()).status, 201, "a registration beside them")
        each = (service.memory() - before) / wanted
        print(f"{wanted} idle connections: {each / 1024:.1f} KiB each, {service.memory() >> 20} MiB in all", flush=True)
        checks.ok(SANITIZED or each < IDLE_BYTES, f"an idle connection costs {each:.0f} bytes")
        for s in held:
            s.close()
        checks.ok(harness.wait_until(lambda: open_connections(service) <= 1, harness.SOON), "they are gone")


def registering(world, service, over, took):
    """Registrations one after the other on one connection until `over`: the seconds that each took, or the answer that was wrong."""
    connection = service.connect()
    while not over.wait(0.02):
        began = time.monotonic()
        answer = service.post_statement(world.statement(), connection=connection)
        took.append(time.monotonic() - began if answer.status == 201 else answer)
    connection.close()


def one_after_the_other(checks, world, ledger):
    with world.serve(ledger) as service:
        service.post_statement(world.statement())
        service.get("/v1/entries?limit=1")  # the index is open from here on
        before, files = service.memory(), len(os.listdir(f"/proc/{service.pid}/fd"))
        request, good = head(service, "GET", "/checkpoint", "Connection: close"), 0
        over, took = threading.Event(), []
        beside = threading.Thread(target=registering, args=(world, service, over, took))
        beside.start()
        for _ in range(ONE_AFTER_THE_OTHER):
            with service.socket() as s:
                s.sendall(request)
                good += harness.read_to_end(s).startswith(b"HTTP/1.1 200")
        over.set()
        beside.join()
        wrong = [t for t in took if not isinstance(t, float)]
        checks.equal(good, ONE_AFTER_THE_OTHER, "connections one after the other")
        # Nine in ten: one may meet a disk that is busy with what others write.
        checks.ok(took and not wrong and sorted(took)[len(took) * 9 // 10] < QUICK, f"registrations beside them: {wrong[:2] or max(took, default=None)}")
        if not wrong:
            print(f"{good} connections one after the other; beside them {len(took)} registrations, p50 {sorted(took)[len(took) // 2] * 1e3:.1f} ms, "
                  f"longest {max(took, default=0) * 1e3:.1f} ms; {(service.memory() - before) / 1024:.0f} KiB more", flush=True)
        checks.ok(SANITIZED or service.memory() - before < ONE_AFTER_BYTES, f"memory grew from {before} to {service.memory()}")
        def opened():
            return len(os.listdir(f"/proc/{service.pid}/fd"))
        checks.ok(harness.wait_until(lambda: opened() <= files + 2, harness.SOON), f"{opened()} files open, {files} before")


def at_once(service, sockets, request):
    """Requests that are all there when the service looks; how many were answered with 200."""
    service.signal(signal.SIGSTOP)
    for s in sockets:
        s.sendall(request)
    service.signal(signal.SIGCONT)
    good, until = 0, time.monotonic() + harness.SOON
    for s in sockets:
        s.settimeout(max(until - time.monotonic(), 0.01))
        with contextlib.suppress(OSError):
            good += s.recv(65536).startswith(b"HTTP/1.1 200")
    return good


def all_at_once(checks, world, ledger):
    """Any number of requests in the same instant: a library that looks at 128 events at a time once waited for the next one when there
    were 128 exactly. Two threads share the connections, so one of them has 128 at some time while their number grows one by one."""
    with world.serve(ledger) as service:
        held = [service.socket() for _ in range(AT_ONCE)]
        for s in held:
            s.sendall(head(service))
        checks.equal(sum(s.recv(65536).startswith(b"HTTP/1.1 200") for s in held), AT_ONCE, "each connection is good")
        for n in range(120, AT_ONCE + 1):
            good = at_once(service, held[:n], head(service, "GET", "/healthz"))
            checks.passed += good == n
            if good != n:
                checks.ok(False, f"{good} of {n} requests at once were answered")
                break
        for s in held:
            s.close()


def drain(checks, world, ledger):
    """A stop lets requests end and closes idle connections at once."""
    with world.serve(ledger) as service:
        kept = service.connect()
        with service.socket(harness.HTTP_SECONDS) as lazy, service.socket(harness.HTTP_SECONDS) as half:
            lazy.sendall(head(service))
            lazy.recv(4096)
            statement = world.statement("drain/1")
            post = head(service, "POST", "/entries", "Content-Type: application/cose", f"Content-Length: {len(statement)}") + statement
            half.sendall(post[:-10])
            there = harness.wait_until(lambda: service.metric("muniment_open_connections", connection=kept) == 3, harness.SOON)
            checks.ok(there, "the service has them")
            service.process.terminate()
            checks.equal(lazy.recv(1), b"", "an idle connection is closed by a stop")

            def refuses():
                with contextlib.suppress(OSError):
                    service.socket(timeout=2).close()
                    return False
                return True
            checks.ok(harness.wait_until(refuses, 3), "no new connections")
            half.sendall(post[-10:])
            got = first(harness.read_to_end(half))
            checks.equal(got and got.status, 201, "a request that was on its way is served")
            checks.equal(got and got.header("connection"), "close", "and its connection ended")
        checks.equal(service.stop(), 0, "the end")
    drain_ends(checks, world, ledger)


def drain_ends(checks, world, ledger):
    """Who never takes his answer is waited for drain-seconds, and no longer."""
    with served(world, ledger, drain_seconds=2) as service:
        for _ in range(2):
            service.post("/v1/batch", b"".join(world.statement(payload=bytes(24000)) for n in range(130)), "application/cbor-seq")
        with service.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.sendall(head(service, "GET", "/tile/entries/000"))
            checks.ok(b" 200 " in s.recv(20), "an answer that is not read on")
            begun = time.monotonic()
            checks.equal(service.stop(), 0, "a stop beside it")
            taken = time.monotonic() - begun
        checks.ok(1.5 < taken < 25, f"a stop with drain-seconds = 2 took {taken:.1f} s")


def main():
    with harness.Checks() as checks, harness.World() as world:
        for scenario in (too_many, too_many_of_one_address, slow, idle, vanish, refused_bodies, bodies_together, too_many_streams, readers_that_do_not_read, methods_and_conditions,
                         events, many_idle, one_after_the_other, all_at_once, drain):
            if len(sys.argv) > 1 and scenario.__name__ not in sys.argv[1:]:
                continue
            begun = time.monotonic()
            scenario(checks, world, world.ledger(name=scenario.__name__))
            print(f"{scenario.__name__}: {time.monotonic() - begun:.1f} s", flush=True)


if __name__ == "__main__":
    main()
