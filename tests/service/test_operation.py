#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Running the service: health, readiness, metrics in Prometheus' format, /v1/service, the log, the service manager's protocols
(a notify socket and systemd-socket-activate), reload on SIGHUP under load, stopping."""
import contextlib
import http.client
import json
import math
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import harness


# ---- Prometheus text, strictly (exposition format 0.0.4) ----

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"^({NAME})(?:\{{(.*)\}})? (\S+)$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


def parse_labels(text):
    labels, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        if match is None or match.group(1) in labels:
            raise ValueError(f"labels {text!r}")
        labels[match.group(1)] = match.group(2)
        at = match.end()
    return labels


def family_of(name, types):
    for suffix in ("_bucket", "_sum", "_count"):
        if name.endswith(suffix) and types.get(name[:-len(suffix)]) == "histogram":
            return name[:-len(suffix)]
    return name


def parse_metrics(text):
    """{family: (type, [(name, labels, value)])}; ValueError where a line is not what the format says."""
    types, helps, families, current = {}, set(), {}, None
    if not text.endswith("\n"):
        raise ValueError("the last line has no end")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name = line.split(" ", 3)[2]
            if name in helps:
                raise ValueError(f"HELP twice: {line}")
            helps.add(name)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            if name in types or kind not in ("counter", "gauge", "histogram"):
                raise ValueError(f"TYPE: {line}")
            types[name], families[name], current = kind, (kind, []), name
        else:
            match = SAMPLE.match(line)
            if match is None:
                raise ValueError(f"no sample: {line!r}")
            name, labels, value = match.group(1), parse_labels(match.group(2) or ""), float(match.group(3))
            if family_of(name, types) != current:
                raise ValueError(f"{name} stands outside its family")
            if any((name, labels) == sample[:2] for sample in families[current][1][-64:]):
                raise ValueError(f"twice: {line}")
            families[current][1].append((name, labels, value))
    return families


def check_histogram(checks, name, samples):
    """Buckets of each series rise to +Inf, which is the count."""
    series = {}
    for sample, labels, value in samples:
        key = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
        series.setdefault(key, {}).setdefault(sample[len(name):], []).append((labels.get("le"), value))
    for key, parts in series.items():
        bounds = [math.inf if le == "+Inf" else float(le) for le, _ in parts["_bucket"]]
        counts = [value for _, value in parts["_bucket"]]
        good = bounds == sorted(set(bounds)) and bounds[-1] == math.inf and counts == sorted(counts) and counts[-1] == parts["_count"][0][1]
        good = good and len(parts["_sum"]) == len(parts["_count"]) == 1 and (counts[-1] > 0 or parts["_sum"][0][1] == 0)
        checks.ok(good, f"histogram {name}{dict(key)}: {parts}")


def value(families, family, sample=None, **labels):
    found = [v for n, have, v in families[family][1] if n == (sample or family) and all(have.get(k) == w for k, w in labels.items())]
    return found[0] if len(found) == 1 else None


def documented():
    """The names in the table of docs/SERVICE.md; one that begins with _ goes on from muniment_ledger."""
    page = (harness.ROOT / "docs/SERVICE.md").read_text().partition("## Metrics")[2].partition("## Log")[0]
    cells = [line.partition(" | ")[0] for line in page.splitlines() if line.startswith("| `")]
    names = [name for cell in cells for name in re.findall(r"`([a-z_]+)", cell)]
    return {f"muniment_ledger{name}" if name.startswith("_") else name for name in names}


def times(checks, families, most):
    """One client, one request after the other: what took longer than its whole time, or less than any machine needs, is in another unit."""
    def of(name, **labels):
        return [value(families, name, f"{name}_{what}", **labels) for what in ("count", "sum")]
    for route, count in (("entries_post", 26), ("none", 1)):
        got, seconds = of("muniment_http_request_seconds", route=route)
        checks.equal(got, count, f"requests timed of the route {route}")
        checks.ok(count * 1e-6 < seconds < most, f"{count} requests of {route} took {seconds} s of {most}")
    for stage, least in (("receive", 1e-8), ("queue", 1e-7), ("parse", 1e-6), ("verify", 2e-5), ("append", 1e-5), ("sign", 1e-5), ("reply", 1e-7)):
        got, seconds = of("muniment_stage_seconds", stage=stage)
        checks.ok(got * least < seconds < most, f"stage {stage}: {got} took {seconds} s of {most}")
    got, seconds = of("muniment_fsync_seconds")
    checks.ok(got * 1e-6 < seconds < most, f"{got} syncs took {seconds} s of {most}")


def lagging(checks, world, service):
    """The index follows the log; a moment after a registration it has not yet."""
    def behind():
        service.post("/mb/v1/batch", world.statement() + world.statement(), "application/cbor-seq")
        return service.metric("muniment_ledger_index_lag_entries", ledger="mb") > 0
    checks.ok(harness.wait_until(behind, 10), "an index that is behind is told")


def metrics(checks, world):
    a, b, began = world.ledger(name="ma"), world.ledger(name="mb"), time.monotonic()
    with world.serve(a, b) as service:
        checks.ok(harness.wait_until(service.ready, harness.SOON), "ready")
        statements = [world.statement() for _ in range(20)]
        for statement in statements + statements[:5]:
            checks.equal(service.post_statement(statement, "/ma").status, 201, "a registration")
        service.post_statement(b"\x00", "/ma")
        service.get("/nowhere")
        checks.ok(harness.wait_until(lambda: service.metric("muniment_ledger_index_lag_entries", ledger="ma") == 0, harness.SOON), "the index follows")
        for told, number in ({"status": "201"}, 25), ({"route": "none"}, 1):  # a request is counted a moment after its answer
            harness.wait_until(lambda: service.metric("muniment_http_requests_total", **told) == number, harness.SOON)
        got = service.get("/metrics")
        checks.equal(got.header("content-type"), "text/plain; version=0.0.4; charset=utf-8", "type of /metrics")
        families = parse_metrics(got.text)
        for name, (kind, samples) in families.items():
            if kind == "histogram":
                check_histogram(checks, name, samples)
            elif kind == "counter":
                checks.ok(name.endswith("_total") and all(v >= 0 for _, _, v in samples), f"counter {name}")
            else:
                checks.ok(not name.endswith("_total"), f"gauge {name}")
        expected = {"muniment_registered_total": 20, "muniment_duplicates_total": 5, "muniment_refused_total": 1}
        for name, number in expected.items():
            checks.equal(value(families, name), number, name)
        checks.equal(value(families, "muniment_http_requests_total", status="201"), 25, "requests by route and status")
        checks.equal(value(families, "muniment_http_requests_total", route="none", status="404"), 1, "what no route fits")
        for stage in ("receive", "queue", "parse", "verify", "append", "sign", "reply"):
            count = value(families, "muniment_stage_seconds", "muniment_stage_seconds_count", stage=stage)
            checks.ok(count is not None and count >= 20, f"stage {stage} was timed: {count}")
        checks.ok(value(families, "muniment_fsync_seconds", "muniment_fsync_seconds_count") > 0, "syncs were timed")
        checks.ok(value(families, "muniment_batch_statements", "muniment_batch_statements_sum") >= 20, "batches were counted")
        checks.equal(value(families, "muniment_ledger_entries", ledger="ma"), 21, "entries of a ledger")
        checks.equal(value(families, "muniment_ledger_state", ledger="mb", state="ready"), 1, "state of a ledger")
        checks.ok(value(families, "muniment_ledger_disk_free_bytes", ledger="ma") > 0, "space that is left")
        checks.ok(value(families, "process_resident_memory_bytes") > 1 << 20, "memory of the process")
        held, most = (value(families, f"muniment_index_memory_{what}") for what in ("bytes", "max_bytes"))
        checks.ok(4096 < held < most < 1 << 28, f"memory of the indexes: {held} of {most}")
        checks.ok(abs(value(families, "process_start_time_seconds") - time.time()) < 120, "start of the process")
        times(checks, families, time.monotonic() - began)
        checks.equal(sorted(documented() ^ set(families)), [], "metrics that docs/SERVICE.md does not name, or names in vain")
        lagging(checks, world, service)
        again = parse_metrics(service.get("/metrics").text)
        for name, (kind, samples) in families.items():
            if kind == "counter":
                later = {(n, tuple(sorted(labels.items()))): v for n, labels, v in again[name][1]}
                checks.ok(all(later[n, tuple(sorted(labels.items()))] >= v for n, labels, v in samples), f"counter {name} never goes back")


# ---- health ----

def damage(ledger):
    file = ledger / "format"
    file.write_bytes(bytes(b ^ 0x55 for b in file.read_bytes()[:200]) + file.read_bytes()[200:])


def health(checks, world):
    good, bad = world.ledger(name="good"), world.ledger(name="bad")
    damage(bad)
    with world.serve(good, bad) as service:
        checks.equal((service.get("/healthz").status, service.get("/healthz").json()), (200, {"status": "ok"}), "/healthz of a service with a damaged ledger")
        checks.ok(harness.wait_until(lambda: service.get("/readyz").json()["status"] != "starting", harness.SOON), "/readyz has looked at the ledgers")
        got = service.get("/readyz")
        checks.equal(got.status, 503, "/readyz with a damaged ledger")
        checks.ok(got.header("retry-after", "").isdigit(), "and Retry-After")
        told = got.json()
        checks.equal([(e["name"], e["state"]) for e in told["ledgers"]], [("bad", "damaged")], "it names the ledger and its state")
        checks.ok(told["ledgers"][0]["reason"] and str(world.folder) not in got.text, "it says why, without a path")
        checks.equal(service.post_statement(world.statement(), "/good").status, 201, "the other ledger registers")
        checks.ok(service.get("/bad/checkpoint").status >= 500, "the damaged one does not answer")
        checks.equal({e["name"]: e["state"] for e in service.get("/v1/service").json()["ledgers"]}, {"good": "ready", "bad": "damaged"}, "/v1/service")
        checks.ok("ledger=bad" in service.log(), "the log tells of it")
        for path in ("/healthz", "/readyz", "/metrics", "/v1/service"):
            checks.equal(service.request("POST", path, b"").status, 405, f"POST {path}")
            checks.ok(service.request("HEAD", path).body == b"", f"HEAD {path}")
    with world.serve(good) as service:
        checks.ok(harness.wait_until(service.ready, harness.SOON), "ready with good ledgers alone")
        checks.equal(service.get("/readyz").json(), {"ledgers": [], "status": "ready"}, "/readyz then")


def identity_damaged(checks, world):
    """What names a ledger is damaged before the start: the others are served, and it comes back with its file."""
    for what, broken, code in (("text", b"muniment-ledger 1\norigin: x\n", 500), ("empty", b"", 500), ("too large", b"#" * 5000, 503), ("a directory", None, 503)):
        good, bad = world.ledger(), world.ledger()
        file = bad / "ledger.pub"
        whole = file.read_bytes()
        file.unlink()
        file.write_bytes(broken) if broken is not None else file.mkdir()
        with world.serve(good, bad) as service:
            checks.ok(harness.wait_until(lambda: service.get("/readyz").json()["status"] != "starting", harness.SOON), f"ledger.pub, {what}: served")
            told = service.get("/readyz").json()["ledgers"]
            checks.equal([e["name"] for e in told], [bad.name], f"{what}: /readyz names it")
            checks.ok(told[0]["reason"] and str(world.folder) not in told[0]["reason"], f"{what}: and why: {told}")
            checks.equal([e["origin"] is None for e in service.get("/v1/service").json()["ledgers"]], [False, True], f"{what}: it has no name")
            checks.equal(service.post_statement(world.statement(), f"/{good.name}").status, 201, f"{what}: the other one registers")
            for path in ("checkpoint", "v1", "v1/entries", "tile/0/000.p/1", "ledger.pub", ".well-known/scitt-keys"):
                checks.ok(service.get(f"/{bad.name}/{path}").status == code, f"{what}: {path}: {service.get(f'/{bad.name}/{path}').status}")
            listed = harness.muniment("status", "-l", service.url)
            checks.ok(bad.name in listed.stdout, f"{what}: muniment status lists it: {listed.stdout}{listed.stderr}")
            file.unlink() if broken is not None else file.rmdir()
            file.write_bytes(whole)
            checks.ok(harness.wait_until(lambda: service.get(f"/{bad.name}/checkpoint").status == 200, harness.SOON), f"{what}: it comes back with its file")
            checks.equal(service.post_statement(world.statement(), f"/{bad.name}").status, 201, f"{what}: and registers")
            checks.ok(harness.wait_until(lambda: service.get("/readyz").status == 200, harness.SOON), f"{what}: all ready")


def busy(checks, world):
    """A ledger that another process writes: said, and tried again."""
    ledger = world.ledger(name="busy")
    with world.serve(ledger, listen="unix") as first:
        checks.ok(harness.wait_until(first.ready, harness.SOON), "the first service has the ledger")
        with world.serve(ledger) as second:
            checks.ok(harness.wait_until(lambda: second.get("/readyz").status == 503 and second.get("/readyz").json()["ledgers"], harness.SOON), "the second is not ready")
            checks.equal(second.post_statement(world.statement()).status, 503, "and answers 503")
            first.stop()
            checks.ok(harness.wait_until(lambda: second.post_statement(world.statement()).status == 201, harness.SOON), "when the first has gone it takes over by itself")
            checks.ok(second.ready(), "and is ready")


def who_may_look(checks, world):
    ledger, file = world.ledger(name="closed"), world.path()
    admin = harness.muniment("token", "new", "--tokens", file, "--name", "op", "--scope", "admin", "-q").stdout.strip()
    reader = harness.muniment("token", "new", "--tokens", file, "--name", "reader", "--scope", "read", "-q").stdout.strip()
    section = f'ledger closed {{ directory = "{ledger}" read = token tokens = "{file}" path = "/" }}\n'
    far = {"X-Forwarded-For": "192.0.2.1"}

    def statuses(service, headers):
        return [service.get(path, headers=headers).status for path in ("/healthz", "/readyz", "/metrics", "/v1/service")]

    def names(service, headers):
        return "ledgers" in service.get("/readyz", headers=headers).json()
    for access, near_sees, far_sees in [("auto", True, False), ("open", True, True), ("local", True, False), ("token", False, False)]:
        text = section + f'operators {{ access = {access} tokens = "{file}" }}\n'
        with world.serve("--config", world.config(text)) as service:
            checks.ok(harness.wait_until(service.ready, harness.SOON), f"{access}: /readyz is for anyone")
            for what, headers, sees in [("from here", {}, near_sees), ("through a proxy", far, far_sees)]:
                checks.equal(statuses(service, headers), [200, 200] + [200 if sees else 401] * 2, f"operators {access}, {what}")
                checks.equal(names(service, headers), sees, f"operators {access}, {what}: names in /readyz")
            checks.equal(statuses(service, dict(far, Authorization=f"Bearer {admin}")), [200] * 4, f"operators {access}, with a token")
            checks.equal(statuses(service, dict(far, Authorization=f"Bearer {reader}"))[2], 200 if far_sees else 403, f"operators {access}, with a token of another scope")


# ---- the log ----

LOGFMT = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|[^ "=]+)(?: |$)')


def parse_logfmt(line):
    fields, at = {}, 0
    while at < len(line):
        match = LOGFMT.match(line, at)
        if match is None:
            raise ValueError(f"no logfmt at {at}: {line!r}")
        text = match.group(2)
        fields[match.group(1)] = json.loads(text) if text.startswith('"') else text
        at = match.end()
    return fields


def log(checks, world):
    """One event a line, whatever a client sends; nothing of payloads."""
    payload, ledger = b"a payload that nobody may see in a log", world.ledger(name="l")
    for arguments, parse in [((), parse_logfmt), (("--json",), json.loads)]:
        with world.serve(ledger, *arguments) as service:
            service.post_statement(world.statement(payload=payload))
            service.get("/checkpoint?secret=in-a-query", headers={"X-Request-Id": "my-id_7", "Authorization": "Bearer mun_verysecret"})
            service.raw(b"GET /%0a%22%5c\xff\x01 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            service.raw(b"GET / HTTP/1.1\r\nHost: x\r\nX-Request-Id: a b\"c\\\r\nConnection: close\r\n\r\n")
            service.raw(b"G\"ET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            service.stop()
            lines = service.log().splitlines()
            events = [parse(line) for line in lines]
            checks.ok(len(events) > 5, f"every line is one event: {len(events)}")
            checks.ok(all({"time", "level", "event"} <= e.keys() for e in events), "each has time, level, event")
            requests = [e for e in events if e["event"] == "request"]
            checks.ok(any(e["id"] == "my-id_7" for e in requests), "a request's own id")
            checks.equal(len({e["id"] for e in requests}), len(requests), "ids differ")
            text = service.log()
            checks.ok(payload.decode() not in text and payload.hex() not in text, "no payload")
            checks.ok("mun_verysecret" not in text, "no token")
            checks.ok(not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text), "no control characters")


def journal(checks, world):
    """With JOURNAL_STREAM naming standard error, lines begin with a priority and have no time of their own."""
    ledger = world.ledger(name="j")
    wrapper = ("sh", "-c", 'export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2); exec "$@"', "sh")
    with world.serve(ledger, wrapper=wrapper) as service:
        service.get("/checkpoint")
        service.stop()
        lines = service.log().splitlines()
        checks.ok(lines and all(re.match(r"<[3-7]>level=", line) for line in lines), f"priorities: {lines[:2]}")
        checks.ok(any(line.startswith("<6>") and "event=request" in line for line in lines), "a request is information")
        checks.ok(any(line.startswith("<5>") and "event=started" in line for line in lines), "a start is a notice")


# ---- the service manager ----

class Notes:
    """A notify socket of our own: what the service tells its manager."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(harness.SOON)

    def take(self):
        """The next message as a dictionary; {} when none comes."""
        try:
            return dict(line.split("=", 1) for line in self.socket.recv(65536).decode().splitlines())
        except TimeoutError:
            return {}

    def until(self, key):
        for _ in range(100):
            note = self.take()
            if not note or key in note:
                return note
        return {}


def notify(checks, world):
    ledger = world.ledger(name="n")
    for where in (str(world.path("notify")), f"\0muniment-test-{os.getpid()}"):
        notes = Notes(where)
        env = {"NOTIFY_SOCKET": where.replace("\0", "@"), "WATCHDOG_USEC": "900000"}
        config = world.config(f'ledger n {{ directory = "{ledger}" path = "/" }}')
        with world.serve("--config", config, env=env) as service:
            checks.equal(notes.until("READY"), {"READY": "1", "STATUS": "Running"}, "READY=1")
            checks.equal(service.get("/healthz").status, 200, "and it answers")
            def four_beats():
                begin = time.monotonic()
                return all([notes.until("WATCHDOG") for _ in range(4)]) and time.monotonic() - begin < 2
            # Again where we were kept from looking; who beats too slowly never makes it.
            checks.ok(any(four_beats() for _ in range(5)), "WATCHDOG=1 well within the time that was asked for")
            before = time.monotonic_ns() // 1000
            service.signal()
            note = notes.until("RELOADING")
            checks.ok(before <= int(note.get("MONOTONIC_USEC", 0)) <= time.monotonic_ns() // 1000, f"RELOADING=1 with MONOTONIC_USEC: {note}")
            checks.equal(note.get("STATUS"), "Reloading", "and its words")
            checks.equal(notes.until("READY"), {"READY": "1", "STATUS": "Running"}, "READY=1 after the reload")
            good = config.read_text()
            for text, status in (("nonsense", "Running; the new configuration was refused, see the log"), (good, "Running")):
                config.write_text(text)
                service.signal()
                checks.equal(notes.until("READY"), {"READY": "1", "STATUS": status}, f"after a reload of {text!r}")
            service.signal(signal.SIGTERM)
            note = notes.until("STOPPING")
            checks.equal((note.get("STOPPING"), note.get("STATUS")), ("1", "Answering what has been asked"), "STOPPING=1")
            checks.equal(service.stop(), 0, "and it ends with 0")
        notes.socket.close()


def notified_late(checks, world):
    """A manager that is busy: its queue of notes is full when the service has one, and none is lost."""
    ledger = world.ledger(name="late")
    path = str(world.path("busy-manager"))
    manager, other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(path)
    other.setblocking(False)
    other.connect(path)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while sent < 10000:
            sent += len(other.send(b"x=1") * b".")
    with world.serve(ledger, env={"NOTIFY_SOCKET": path}) as service:
        time.sleep(0.5)
        manager.settimeout(harness.SOON)
        told = b""
        with contextlib.suppress(TimeoutError):
            while b"READY=1" not in told:
                told = manager.recv(4096)
        checks.ok(b"READY=1" in told, f"READY=1 comes through behind {sent} other notes")
        checks.equal(service.stop(), 0, "and the service works")
    manager.close()
    other.close()


def unread_log(checks, world):
    """Standard error is a pipe that nobody reads: requests are answered, and what was left out is told when somebody does."""
    ledger = world.ledger(name="unread")
    ours, theirs = os.pipe()
    with world.serve(ledger, wrapper=("sh", "-c", f'exec "$@" 2>/proc/{os.getpid()}/fd/{theirs}', "sh")) as service:
        request = b"GET /checkpoint?" + b"x" * 400 + b" HTTP/1.1\r\nHost: x\r\n\r\n"
        with service.socket(harness.HTTP_SECONDS) as client:
            answered = 0
            for _ in range(600):
                client.sendall(request * 50)
                got = b""
                while got.count(b"HTTP/1.1 ") < 50:
                    got += client.recv(65536) or b"HTTP/1.1 " * 50  # which is too many: the end
                answered += got.count(b"HTTP/1.1 ")
        checks.equal(answered, 30000, "requests are answered while nobody reads the log")
        checks.equal(service.post_statement(world.statement()).status, 201, "registrations too")
        lost = service.metric("muniment_log_lost_total")
        checks.ok(lost and lost > 0, f"lines that did not fit are counted: {lost}")
        os.set_blocking(ours, False)
        log = bytearray()

        def counts():
            with contextlib.suppress(BlockingIOError):
                while chunk := os.read(ours, 1 << 16):
                    log.extend(chunk)
            return log.count(b"route=checkpoint "), sum(map(int, re.findall(rb"event=log_lost lines=(\d+)\n", log)))
        checks.ok(harness.wait_until(lambda: counts()[1] > 0 and sum(counts()) >= 30000, harness.SOON), "and told as soon as somebody reads")
        written, missing = counts()
        checks.ok(written < 30000 <= written + missing <= 30020, f"each line was written or counted: {written} and {missing}")
        checks.equal(service.stop(), 0, "the end")
    os.close(ours)
    os.close(theirs)


def activated(checks, world):
    tool = shutil.which("systemd-socket-activate")
    if tool is None:
        return checks.skip("no systemd-socket-activate", 7)
    ledger = world.ledger(name="s")
    port, unix = harness.free_port(), str(world.path("a.sock"))
    text = f'listen "socket:far" {{ proxy = true }}\nledger s {{ directory = "{ledger}" path = "/" read = token tokens = "{world.path("none")}" }}\n'
    harness.muniment("token", "new", "--tokens", world.path("none"), "--name", "x", "--scope", "read", "-q")
    config = world.config(text)
    for socket_file in (unix,):
        wrapper = (tool, f"--listen=127.0.0.1:{port}", f"--listen={socket_file}", "--fdname=near:far")
        with world.serve("--config", config, listen=None, wrapper=wrapper, wait=False) as service:
            service.host, service.port = "127.0.0.1", port
            checks.ok(service.serving(), "a service on inherited sockets")
            checks.equal(service.get("/metrics").status, 200, "the TCP socket is no proxy's: this machine's operator")
            service.unix = socket_file
            checks.equal(service.get("/healthz").status, 200, "the second socket")
            checks.equal(service.get("/metrics", headers={"X-Forwarded-For": "192.0.2.9"}).status, 401, "it is a proxy's, by its name")
            checks.equal(service.get("/metrics").status, 401, "and what a proxy says nothing about is nobody's")
            checks.equal(service.stop(), 0, "SIGTERM ends it with 0")
            checks.ok("socket:far" in service.output() or f"unix:{socket_file}" in service.output(), "the greeting names it")
    for what, environment in [("not a socket", {"LISTEN_FDS": "1"}), ("too many", {"LISTEN_FDS": "99"})]:
        code = f"export LISTEN_PID=$$; exec {harness.program('muniment-serve')} serve {ledger} 3</dev/null"
        done = subprocess.run(["sh", "-c", code], env=dict(os.environ, **environment), capture_output=True, text=True, timeout=harness.HTTP_SECONDS)
        checks.ok(done.returncode not in (0, -6, -11) and "handed over" in done.stderr, f"{what} is refused: {done.stderr[-200:]!r}")
    with world.serve(ledger, env={"LISTEN_PID": "1", "LISTEN_FDS": "3"}) as service:
        checks.equal(service.get("/healthz").status, 200, "sockets meant for another process are left alone")


# ---- few files ----

def few_files(checks, world):
    """A process that may open few files has fewer connections and open ledgers, and nobody is left in silence."""
    names = [f"l{n}" for n in range(12)]
    ledgers = [world.ledger(name=name) for name in names]
    with world.serve(*ledgers, wrapper=("sh", "-c", 'ulimit -n 256; exec "$@"', "sh")) as service:
        checks.ok("event=few_files files=256" in service.log(), "it is said")
        for _ in range(2):
            for name in names:
                answers = [service.get(f"/{name}/checkpoint").status, service.get(f"/{name}/v1/entries").status,
                           service.post_statement(world.statement(), f"/{name}").status]
                checks.equal(answers, [200, 200, 201], f"{name} of twelve ledgers with 256 files")
        held, told = [], {}
        for _ in range(270):
            held.append(service.socket(harness.HTTP_SECONDS))
            held[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            status = held[-1].recv(4096)[9:12]
            told[status] = told.get(status, 0) + 1
        for connection in held:
            connection.close()
        checks.ok(set(told) == {b"200", b"503"} and told[b"200"] >= 64, f"of 270 connections: {told}")
        checks.ok(harness.wait_until(lambda: service.get("/l3/checkpoint").status == 200, harness.SOON), "and when they are gone it goes on")


# ---- reload ----

class Load(threading.Thread):
    """Registers one statement after the other on kept connections until told to stop; each answer must be 201."""

    def __init__(self, service, world, base):
        super().__init__()
        self.service, self.base = service, base
        self.statements = [world.statement() for _ in range(400)]
        self.good, self.wrong, self.done = 0, [], threading.Event()

    def run(self):
        connection = self.service.connect()
        for statement in self.statements:
            if self.done.is_set():
                break
            try:
                got = self.service.post_statement(statement, self.base, connection=connection)
                self.good += got.status == 201
                if got.status != 201:
                    self.wrong.append(got)
            except (OSError, http.client.HTTPException) as error:
                self.wrong.append(error)
                connection = self.service.connect()


class Asking(threading.Thread):
    """Asks again and again, and counts the statuses; told to come back is no loss, that nothing is there is one."""

    def __init__(self, ask):
        super().__init__(daemon=True)
        self.ask, self.statuses, self.done = ask, {}, threading.Event()

    def run(self):
        while not self.done.is_set():
            try:
                status = self.ask().status
            except (OSError, http.client.HTTPException) as error:
                status = repr(error)
            self.statuses[status] = self.statuses.get(status, 0) + 1

    def comes(self, status, count=0):
        """Whether there is more than `count` of this status, and one more than now."""
        count = max(count, self.statuses.get(status, 0))
        return harness.wait_until(lambda: self.statuses.get(status, 0) > count, harness.SOON)

    def end(self):
        self.done.set()
        self.join(harness.HTTP_SECONDS)
        return self.statuses


def described(service, path):
    """The origin of the ledger that is there; None in the moment of a change."""
    answer = service.get(f"/{path}/v1")
    return answer.json()["origin"] if answer.status == 200 else None


def changed(checks, world):
    """A ledger is served in another way, under requests, and two change places."""
    ledgers = {name: world.ledger(name=name) for name in ("one", "two")}

    def text(read_only, **paths):
        return "".join(f'ledger {name} {{ directory = "{folder}" path = "/{paths.get(name, name)}" {read_only if name == "one" else ""} }}\n'
                       for name, folder in ledgers.items())
    config = world.config(text(""))
    with world.serve("--config", config) as service:
        checks.ok(harness.wait_until(service.ready, harness.SOON), "ready")
        asking = [Asking(lambda: service.get("/one/checkpoint")), Asking(lambda: service.get("/one/v1/entries/0")),
                  Asking(lambda: service.post_statement(world.statement(), "/one"))]
        for thread in asking:
            thread.start()
        for n in range(6):
            config.write_text(text("read-only = true" if n % 2 == 0 else ""))
            service.signal()
            checks.ok(harness.wait_until(lambda: service.log().count("event=ledger_changed") > n, harness.SOON), f"change {n}")
            checks.ok(asking[2].comes(403 if n % 2 == 0 else 201), f"change {n} counts: {asking[2].statuses}")
        checks.ok(all(thread.comes(200, 20) for thread in asking[:2]), "they go on reading")
        first, second, third = (thread.end() for thread in asking)
        for statuses in (first, second):
            checks.ok(set(statuses) <= {200, 503} and statuses.get(200, 0) > 20, f"reading while it changes: {statuses}")
        checks.ok(set(third) <= {201, 403, 503} and third.get(201, 0) > 0 and third.get(403, 0) > 0, f"registering while it changes: {third}")
        origins = {name: service.get(f"/{name}/v1").json()["origin"] for name in ledgers}
        asking = [Asking(lambda: service.get("/one/checkpoint")), Asking(lambda: service.get("/two/v1/entries"))]
        for thread in asking:
            thread.start()
        for n in range(6):
            done = service.log().count("event=reloaded")
            config.write_text(text("", one="two", two="one") if n % 2 == 0 else text(""))
            service.signal()
            checks.ok(harness.wait_until(lambda: service.log().count("event=reloaded") > done, harness.SOON), f"exchange {n}")
            there = ("two", "one") if n % 2 == 0 else ("one", "two")
            checks.ok(harness.wait_until(lambda: [described(service, path) for path in ledgers] == [origins[name] for name in there], harness.SOON),
                      f"two change places, {n}")
        checks.ok(all(thread.comes(200, 20) for thread in asking), "they go on reading")
        for statuses in (thread.end() for thread in asking):
            checks.ok(set(statuses) <= {200, 503} and statuses.get(200, 0) > 20, f"reading while two change places: {statuses}")
        checks.ok(service.alive(), "it lives")


def ends(stream):
    """The last chunk of a stream comes, or the connection's end."""
    got = b""
    try:
        while not got.endswith(b"0\r\n\r\n"):
            if not (more := stream.recv(4096)):
                break
            got += more
        return True
    except OSError:
        return False
    finally:
        stream.close()


def reload(checks, world):
    ledgers = {name: world.ledger(name=name) for name in ("keep", "gone", "new")}
    file = world.path()
    token = harness.muniment("token", "new", "--tokens", file, "--name", "x", "--scope", "read,submit", "-q").stdout.strip()

    def text(*names, more="", limits=""):
        return limits + "".join(f'ledger {n} {{ directory = "{ledgers[n]}" {more} }}\n' for n in names)
    config = world.config(text("keep", "gone"))
    with world.serve("--config", config) as service:
        load = Load(service, world, "/keep")
        load.start()

        def reloaded(content, event, count=1):
            config.write_text(content)
            before = service.log().count(f"event={event}")
            service.signal()
            return harness.wait_until(lambda: service.log().count(f"event={event}") >= before + count, harness.SOON)

        def statuses():
            return [service.settled(f"/{n}/checkpoint").status for n in ledgers]
        checks.equal(statuses(), [200, 200, 404], "before")
        follower = service.socket(harness.SOON)  # caught up, and waits
        follower.sendall(b"GET /gone/v1/events?after=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        checks.ok(harness.read_until(follower, b"retry:"), "a follower of the one that goes")
        checks.ok(reloaded(text("keep", "new"), "reloaded"), "a reload")
        checks.ok(ends(follower), "its stream ends: whoever follows it learns that it is gone")
        checks.equal(statuses(), [200, 404, 200], "one has gone, one is new")
        checks.ok("event=ledger_added ledger=new" in service.log() and "event=ledger_removed ledger=gone" in service.log(), "both are said")
        checks.ok(reloaded(text("keep", "new") + "colour = red\n", "reload_refused"), "a bad configuration is refused")
        checks.ok("line 3" in service.log() and "colour" in service.log(), "with its line")
        checks.equal(statuses(), [200, 404, 200], "and the old one holds")
        checks.ok(reloaded(text("keep") + f'ledger x {{ directory = "{world.folder}/nothing" }}', "reload_refused"), "a ledger that is not there is refused")
        checks.equal(service.get("/new/checkpoint").status, 200, "and nothing else was changed with it")
        checks.ok(reloaded(text("keep", "new", limits="limits { workers = 3 }\n"), "reloaded") and "event=needs_restart changed=limits" in service.log(),
                  "what needs a restart says so")
        harness.wait_until(lambda: load.good > 20 or load.wrong, harness.SOON)
        load.done.set()
        load.join()
        checks.ok(load.good > 20 and not load.wrong, f"{load.good} registrations during the reloads, none lost: {load.wrong[:2]}")
        checks.ok(reloaded(text("keep", more=f'submit = token tokens = "{file}"'), "reloaded"), "other access")
        checks.equal(service.post_statement(world.statement(), "/keep").status, 401, "counts from then on")
        checks.equal(service.post_statement(world.statement(), "/keep", headers={"Authorization": f"Bearer {token}"}).status, 201, "with its tokens")
        checks.ok(reloaded(text("keep", more="per-address { requests-per-second = 1 burst = 2 }"), "reloaded"), "other limits")
        # Two at once and one a second: whoever asks as fast as he can is refused soon, be he slow.
        checks.ok(harness.wait_until(lambda: service.get("/keep/checkpoint").status == 429, harness.SOON, 0), "count from then on")
        checks.ok(reloaded(text("keep", more='path = "/moved"'), "reloaded"), "another path")
        checks.ok(harness.wait_until(lambda: service.get("/moved/checkpoint").status == 200, harness.SOON), "the ledger stands there")
        checks.equal(service.get("/keep/checkpoint").status, 404, "and no longer where it stood")
        checks.ok(service.alive(), "it lives")
    with world.serve(ledgers["keep"]) as service:
        service.signal()
        checks.ok(service.logged("event=reloaded") and service.healthy(), "SIGHUP without a configuration does no harm")
    listener = 'listen "127.0.0.1:1" {{ public = {} }}\n'
    config = world.config(listener.format("false") + text("keep"))
    with world.serve("--config", config) as service:
        for public, told in (("false", 0), ("true", 1), ("false", 1)):
            config.write_text(listener.format(public) + text("keep"))
            before = service.log().count("event=reloaded")
            service.signal()
            checks.ok(harness.wait_until(lambda: service.log().count("event=reloaded") > before, harness.SOON), f"a reload with public = {public}")
            checks.equal(service.log().count("event=needs_restart changed=listen"), told, f"public = {public} needs a restart, as it says")


# ---- the end ----

def stop_beside(checks, service, statement):
    """SIGTERM beside three connections: what a request that was there gets, what who had just connected, what who is idle; None where
    we were too late: half a second after his beginning nobody is new any more."""
    kept = service.connect()

    def come(n):
        return harness.wait_until(lambda: service.metric("muniment_open_connections", connection=kept) == n, harness.SOON, 0.002)
    with service.socket(harness.SOON) as idle, service.socket(harness.SOON) as slow:
        slow.sendall(b"POST /entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/cose\r\n" + f"Content-Length: {len(statement)}\r\n\r\n".encode())
        checks.ok(come(3), "both are there")
        stops, begun = service.log().count("event=stopping"), time.monotonic()
        with service.socket(harness.SOON) as fresh:
            checks.ok(come(4), "and a third one")
            service.signal(signal.SIGTERM)
            checks.ok(harness.wait_until(lambda: service.log().count("event=stopping") > stops, harness.SOON), "SIGTERM is heard")
            time.sleep(0.15)
            got = b""
            with contextlib.suppress(OSError):
                fresh.sendall(b"GET /checkpoint HTTP/1.1\r\nHost: x\r\n\r\n")
                got = fresh.recv(4096)
            if not got and time.monotonic() - begun > 0.5:
                return None
        answers = [b"", got, b""]
        for n, s in ((0, slow), (2, idle)):
            with contextlib.suppress(OSError):
                if n == 0:
                    s.sendall(statement)
                answers[n] = s.recv(100)
        return answers


def stopping(checks, world):
    ledger = world.ledger(name="stop")
    with world.serve(ledger) as service:
        for _ in range(10):
            answers = stop_beside(checks, service, world.statement())
            checks.equal(service.stop(), 0, "then it ends with 0")
            service.start()
            if answers is not None:
                break
        slow, fresh, idle = answers or (b"", b"", b"too late each time")
        checks.ok(fresh.startswith(b"HTTP/1.1 200") and b"connection: close" in fresh.lower(), f"who had just connected is still answered: {fresh[:80]}")
        checks.ok(slow.startswith(b"HTTP/1.1 201"), f"a request that was there is still answered: {slow}")
        checks.equal(idle, b"", "an idle connection is closed")
        service.signal(signal.SIGINT)
        checks.equal(service.process.wait(harness.STOP_SECONDS), 0, "SIGINT ends it with 0 as well")
        service.start()
        gone = service.socket()
        gone.sendall(b"GET /checkpoint HTTP/1.1\r\nHost: x\r\n\r\n" * 200)
        gone.close()
        checks.ok(service.healthy(), "a client that reads nothing ends nothing (SIGPIPE)")
        status = int(re.search(r"Max open files\s+(\d+)", open(f"/proc/{service.pid}/limits").read()).group(1))
        hard = int(re.search(r"Max open files\s+\d+\s+(\d+)", open(f"/proc/{service.pid}/limits").read()).group(1))
        checks.ok(status >= min(hard, 65536), f"descriptors are raised to {status} of {hard}")


def main():
    with harness.Checks() as checks, harness.World() as world:
        for test in (metrics, health, identity_damaged, busy, who_may_look, log, journal, unread_log, notify, notified_late, activated, few_files, reload, changed, stopping):
            test(checks, world)


if __name__ == "__main__":
    harness.build("muniment", "muniment-serve")
    main()
