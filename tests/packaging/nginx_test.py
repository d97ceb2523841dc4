#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The shipped nginx configuration with the real nginx: ambiguous framings, fields, TLS, certificates,
limits, error bodies, event streams and the static tree; first before a backend that records, then
before the service itself."""
import base64
import concurrent.futures
import gzip
import hashlib
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "service"), str(pathlib.Path(__file__).parent)]
import ambiguous_requests  # noqa: E402
import framing_cases  # noqa: E402
import harness  # noqa: E402
import nginx_front  # noqa: E402
import recording_backend  # noqa: E402
from harness import merkle  # noqa: E402

HOST, SUBMIT, TILES = (nginx_front.HOSTS[n] for n in ("muniment", "muniment-mtls", "muniment-static"))
HIDDEN = f"GET /hidden HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
# Cases that nginx reads in the one safe way instead of refusing them: (number, name) -> what the backend sees first
NORMALISED = {(14, "a chunk extension ended by LF"), (18, "lines ended by LF"), (22, "a bracket in a name")}
MISDIRECTED = 24  # well framed, for a host that is not served: only that request is refused
SECRET = "Zm9yLXlvdXItZXllcy1vbmx5"
QUIET_SECONDS = 20  # the connection is closed long before: by the refusal, or because the hidden request asks for it


def exchange(front, data, host=HOST, seconds=harness.SOON, **more):
    """What comes back for these bytes on one TLS connection until the other side closes."""
    with front.connect(host, **more) as s:
        s.settimeout(seconds)
        s.sendall(data)
        return harness.read_to_end(s)


def responses(data):
    return [r for r in harness.parse_responses(data) if not isinstance(r, tuple)]


def problem_is_good(checks, answer, status, kind, what):
    """One of nginx's own refusals: its status, its type, and a body that says the same."""
    media = {"json": harness.PROBLEM_JSON, "cbor": harness.PROBLEM_CBOR}[kind]
    told = harness.Response(answer.status, "", list(answer.fields.items()), answer.body)
    checks.equal((answer.status, told.type), (status, media), what)
    try:
        title, detail = told.problem()
        checks.ok(title and detail, f"{what}: title and detail")
    except (AssertionError, ValueError, KeyError) as problem:
        checks.ok(False, f"{what}: {problem}")


def refused(number, got):
    """The first request is refused, and where its end is in doubt, the connection has ended with it."""
    if number == MISDIRECTED:
        return len(got) == 2 and got[0].status == 421
    return len(got) == 1 and got[0].status in (400, 501) and got[0].header("connection") == "close"


# ---- framing ------------------------------------------------------------------------------------

def framing(checks, front, backend):
    """Nothing ambiguous passes, and the request hidden behind a refused one is never answered."""
    for number, name, raw in ambiguous_requests.CASES:
        what = f"framing {number}, {name}"
        got = responses(exchange(front, raw.replace(b"HOST", HOST.encode()) + HIDDEN, seconds=QUIET_SECONDS))
        seen, ambiguous = backend.take()
        checks.equal(ambiguous, [], f"{what}: what the backend could misread")
        if (number, name) in NORMALISED:
            checks.equal([(s.method, s.target, s.body) for s in seen],
                         [("POST", "/entries", b"hello"), ("GET", "/hidden", b"")], f"{what}: written anew")
            checks.ok(all("x(" not in dict(s.fields) for s in seen), f"{what}: no odd name passes")
        else:
            wanted = ["/hidden"] if number == MISDIRECTED else []
            checks.equal([s.target for s in seen], wanted, f"{what}: reached the backend")
            checks.ok(refused(number, got), f"{what}: answered {got}")
            checks.ok(got and got[0].type == harness.PROBLEM_CBOR, f"{what}: a problem body")


def framing_of_others(checks, front, backend):
    """What the service itself must refuse (tests/service): nginx refuses it, or what the client is answered and what the
    backend has seen are the same requests."""
    host = HOST.encode()
    hidden = framing_cases.hidden(host).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    for case in (*framing_cases.cases(host), *framing_cases.more_cases(host)):
        what = f"framing {case.number}, {case.name}"
        got = responses(exchange(front, case.request + hidden, seconds=QUIET_SECONDS))
        seen, ambiguous = backend.take()
        passed = [r for r in got if r.status == 200]
        checks.equal(ambiguous, [], f"{what}: what the backend could misread")
        checks.equal(len(seen), len(passed), f"{what}: requests at the backend, answers to the client")


def head_limits(checks, front, backend):
    for what, raw, status in (
            ("a large field", f"GET /checkpoint HTTP/1.1\r\nHost: {HOST}\r\nX-A: {'a' * 9000}\r\n\r\n", 431),
            ("a long target", f"GET /{'a' * 9000} HTTP/1.1\r\nHost: {HOST}\r\n\r\n", 414),
            ("many fields", f"GET / HTTP/1.1\r\nHost: {HOST}\r\n" + "".join(f"X-{i}: {'a' * 1000}\r\n" for i in range(40)) + "\r\n", 431),
            ("no HTTP", "EHLO there\r\n\r\n", 400), ("HTTP/3.0", f"GET / HTTP/3.0\r\nHost: {HOST}\r\n\r\n", 505)):
        got = responses(exchange(front, raw.encode()))
        checks.equal([r.status for r in got], [status], what)
        checks.ok(got and got[0].type == harness.PROBLEM_CBOR, f"{what}: a problem body")
    checks.equal(backend.take(), ([], []), "none of them reached the backend")


# ---- fields -------------------------------------------------------------------------------------

FORGED = ("X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: gopher\r\nX-Forwarded-Host: evil.example\r\nX-Real-IP: 192.0.2.1\r\n"
          "Forwarded: for=192.0.2.1\r\nX-Client-Cert: forged\r\nX-Client-Cert-SHA256: " + "0" * 64 + "\r\nClient-Cert: :Zm9yZ2Vk:\r\n"
          "X_Client_Cert: forged\r\nX-Request-Id: mine\r\nProxy: http://evil.example\r\nTE: trailers\r\nCookie: a=b\r\n"
          "Upgrade: websocket\r\nConnection: upgrade, x-forwarded-for\r\n")


def fields(checks, front, backend):
    """What a client says of itself is not what the service is told."""
    exchange(front, f"GET /v1?a=b HTTP/1.1\r\nHost: {HOST.upper()}\r\n{FORGED}Authorization: Bearer {SECRET}\r\n\r\n".encode(), seconds=1)
    seen, ambiguous = backend.take()
    if not checks.equal((len(seen), ambiguous), (1, []), "the request reached the backend"):
        return
    got = dict(seen[0].fields)
    checks.equal(got.get("x-forwarded-for"), "127.0.0.1", "the client's address is the one that nginx sees")
    checks.equal(got.get("x-forwarded-proto"), "https", "the scheme")
    checks.equal(got.get("host"), HOST, "one Host, in its plain form")
    checks.ok(len(got.get("x-request-id", "")) == 32 and got["x-request-id"] != "mine", "the request id is nginx's")
    checks.equal(got.get("authorization"), f"Bearer {SECRET}", "a token passes")
    checks.equal(seen[0].target, "/v1?a=b", "the target passes as it came")
    allowed = {"host", "x-forwarded-for", "x-forwarded-proto", "x-request-id", "authorization"}
    checks.equal(set(got) - allowed, set(), "nothing else of the client's passes")
    for name in ("x-forwarded-for", "x-forwarded-proto", "x-request-id", "host"):
        checks.equal([n for n, _ in seen[0].fields].count(name), 1, f"{name} once")


def access_log(checks, front):
    line = '"path":"/v1/entries"'
    before = front.log().count(line)
    exchange(front, f"GET /v1/entries?iss=x&token={SECRET} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {SECRET}\r\n"
                    f"Cookie: {SECRET}\r\nConnection: close\r\n\r\n".encode())
    checks.ok(harness.wait_until(lambda: front.log().count(line) > before, harness.SOON), "the request is in the access log")
    checks.ok(SECRET not in front.log(), "no token, no query in the access log")


# ---- TLS ----------------------------------------------------------------------------------------

def tls_versions(checks, front):
    for version, good in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)):
        context = ssl.create_default_context(cafile=front.authority.cert)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        try:
            with socket.create_connection(("127.0.0.1", front.tls), 10) as raw, context.wrap_socket(raw, server_hostname=HOST) as s:
                agreed = s.version()
        except (ssl.SSLError, OSError):
            agreed = None
        checks.equal(agreed is not None, good, f"{version.name} (agreed on {agreed})")
    try:
        front.connect("other.example").close()
        checks.ok(False, "another name has no handshake")
    except ssl.SSLError:
        checks.ok(True, "another name has no handshake")


def http2(checks, front, backend):
    answer = front.curl("/entries", "--http2", "-H", "Content-Type: application/cose", "--data-binary", "hello")
    checks.equal((answer.status, answer.version), (200, "2"), "a POST by HTTP/2")
    seen, ambiguous = backend.take()
    checks.equal([(s.method, s.target, s.body) for s in seen], [("POST", "/entries", b"hello")], "and what the backend got")
    checks.equal(ambiguous, [], "nothing ambiguous")
    checks.equal(dict(seen[0].fields).get("content-length") if seen else None, "5", "with its length")
    checks.ok("strict-transport-security" in answer.fields, "HSTS")
    checks.ok("nginx/" not in answer.fields.get("server", ""), "no version of nginx is told")
    answer = front.curl("/entries", "-H", "Transfer-Encoding: chunked", "-H", "Content-Type: application/cose", "--http1.1",
                        "--data-binary", "hello")
    seen, ambiguous = backend.take()
    checks.equal(([s.body for s in seen], ambiguous), ([b"hello"], []), "a chunked body arrives whole, with a length")


def plain_port(checks, front):
    def ask(path):
        with socket.create_connection(("127.0.0.1", front.plain), 10) as s:
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
            return responses(harness.read_to_end(s))[0]
    told = ask("/v1")
    checks.equal((told.status, told.type, told.header("location")), (403, harness.PROBLEM_JSON, None), "no HTTP, and no redirect")
    checks.equal(ask("/.well-known/acme-challenge/none").status, 404, "but for certificates")
    with socket.create_connection(("127.0.0.1", front.tls), 10) as s:
        s.sendall(f"GET /v1 HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        got = responses(harness.read_to_end(s))
    checks.equal([(r.status, r.type) for r in got], [(400, harness.PROBLEM_JSON)], "HTTP on the port for HTTPS")


def certificates(checks, front, backend, authority, folder):
    """Mutual TLS: whose certificate is not from the authority is refused; a good one is handed on whole."""
    good = authority.issue("client")
    foreign = nginx_front.Authority(folder, "foreign").issue("stranger")
    problem_is_good(checks, front.curl("/entries", "--data-binary", "x", host=SUBMIT), 403, "cbor", "no certificate")
    problem_is_good(checks, front.curl("/v1", host=SUBMIT, client=foreign), 403, "json", "a foreign certificate")
    checks.equal(backend.take(), ([], []), "neither reached the backend")
    wanted = hashlib.sha256(ssl.PEM_cert_to_DER_cert(good[0].read_text())).hexdigest()
    for words in (("--http2",), ("--http1.1",), ("--tls-max", "1.2")):
        answer = front.curl("/v1", "-H", "X-Client-Cert: forged", "-H", "X-Client-Cert-SHA256: 00", *words, host=SUBMIT, client=good)
        checks.equal(answer.status, 200, f"a good certificate ({words})")
        seen, _ = backend.take()
        got = dict(seen[0].fields) if seen else {}
        pem = urllib.parse.unquote(got.get("x-client-cert", ""))
        told = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest() if pem.startswith("-----BEGIN") else None
        checks.equal(told, wanted, f"the certificate that the service is told ({words})")
        checks.ok("x-client-cert-sha256" not in got, "and no digest of the client's own")
        checks.equal([n for n, _ in (seen[0].fields if seen else [])].count("x-client-cert"), 1, "told once")
    # A name without certificates must not be a way to the name with them.
    got = responses(exchange(front, f"GET /v1 HTTP/1.1\r\nHost: {SUBMIT}\r\nConnection: close\r\n\r\n".encode(), host=HOST))
    checks.ok(got and got[0].status in (400, 403, 421), f"another name in Host than in the handshake: {got}")
    checks.equal(backend.take(), ([], []), "that did not reach the backend")


# ---- bodies, streams, errors --------------------------------------------------------------------

def body_limits(checks, front, backend, folder):
    for path, limit, kind in (("/entries", 2 << 20, "cbor"), ("/one/entries", 2 << 20, "cbor"), ("/v1/batch", 16 << 20, "json"),
                              ("/one/v1/batch", 16 << 20, "json"), ("/v1/entries", 64 << 10, "json"), ("/other", 64 << 10, "cbor")):
        file = folder / "body"
        file.write_bytes(b"\0" * limit)
        words = ("-X", "POST", "-H", "Content-Type: application/cose", "-H", "Expect:", "--data-binary", f"@{file}")
        answer = front.curl(path, *words)
        checks.equal(answer.status, 200, f"a body of {limit} bytes at {path}")
        seen, _ = backend.take()
        checks.equal([len(s.body) for s in seen], [limit], f"{path}: it arrives whole")
        file.write_bytes(b"\0" * (limit + 1))
        for extra in ((), ("-H", "Transfer-Encoding: chunked", "--http1.1")):
            problem_is_good(checks, front.curl(path, *words, *extra), 413, kind, f"a byte more at {path} {extra}")
        checks.equal(backend.take(), ([], []), f"{path}: too much never reaches the backend")


def events(checks, front, backend):
    """An event is passed on when it is written, not when the stream ends."""
    backend.events.clear()
    with front.connect() as s:
        s.settimeout(harness.SOON)
        s.sendall(f"GET /one/v1/events?after=0 HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/event-stream\r\n\r\n".encode())
        got = b""
        try:
            while b"id: 1" not in got and (part := s.recv(65536)):
                got += part
        except TimeoutError:
            pass
        checks.ok(b"id: 1" in got and b"id: 2" not in got, "the first event comes before the second is written")
        backend.events.set()
        got += harness.read_to_end(s)
    backend.events.clear()
    checks.ok(b"id: 2" in got, "and the second after it")
    checks.ok(b"text/event-stream" in got and b"gzip" not in got.lower(), "as an event stream")
    backend.take()


def not_public(checks, front, backend):
    for path in ("/metrics", "/v1/service"):
        problem_is_good(checks, front.curl(path), 404, "json", f"{path} is not for everyone")
    checks.equal(backend.take(), ([], []), "and is not asked")


def backend_away(checks, folder, authorities):
    front = nginx_front.Front(folder / "away", folder / "nobody.sock", *authorities)
    try:
        for path, kind in (("/entries/x", "cbor"), ("/one/v1/entries", "json"), ("/healthz", "json"), ("/checkpoint", "cbor")):
            answer = front.curl(path)
            problem_is_good(checks, answer, 502, kind, f"{path} without a service")
            checks.ok(answer.fields.get("retry-after", "").isdigit(), f"{path}: Retry-After")
            checks.equal(answer.fields.get("cache-control"), "no-store", f"{path}: not to be kept")
    finally:
        front.stop()


def slow_loris(front):
    """Seconds until a client that sends its head a byte at a time is cut off, and one that never says a word of it."""
    began = time.monotonic()
    with front.connect() as s:
        s.settimeout(1)
        for byte in f"GET / HTTP/1.1\r\nHost: {HOST}\r\nX-A: ".encode() + b"a" * 60:
            try:
                s.sendall(bytes([byte]))
                if not s.recv(1024):
                    break
            except TimeoutError:
                pass
            except OSError:
                break
            if time.monotonic() - began > 60:
                break
    return time.monotonic() - began


def rates(checks, front, backend):
    """Over the rate: 429; too many at once: 503; both with Retry-After and a body, never silence."""
    request = f"GET /checkpoint HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    last = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    got = responses(exchange(front, request * 2999 + last, seconds=60))
    checks.equal(len(got), 3000, "each of 3,000 requests in one go is answered")
    limited = [r for r in got if r.status == 429]
    checks.ok(limited and {r.status for r in got} == {200, 429}, f"some with 429: {len(limited)}")
    checks.ok(all(r.header("retry-after", "").isdigit() and r.type == harness.PROBLEM_CBOR for r in limited), "with Retry-After and body")
    time.sleep(2.2)
    backend.take()
    streams = [front.connect() for _ in range(18)]
    answered = []
    for s in streams:
        s.sendall(f"GET /v1/events HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        s.settimeout(harness.HTTP_SECONDS)
        answered.append(s.recv(65536))
    refused = [a for a in answered if a.startswith(b"HTTP/1.1 503")]
    checks.equal(len(refused), 2, "event streams beyond 16 of one address")
    checks.ok(all(b"Retry-After: 1" in a and b"problem+json" in a for a in refused), "are told when to come again")
    for s in streams:
        s.close()


# ---- the static tree ----------------------------------------------------------------------------

def make_tree(world, entries):
    """(folder, number of entries) of an exported ledger."""
    ledger, documents, tree = world.ledger("tiles.example/log", any_issuer=False), world.path("documents"), world.path("tree")
    key = world.key()
    documents.mkdir()
    for number in range(entries):
        (documents / f"{number}.txt").write_text(f"document {number}\n" * 20)
    harness.muniment("issuer", "add", "-l", ledger, "--issuer", "https://a.example", f"{key}.pub")
    harness.muniment("register", "-l", ledger, "--key", key, "--issuer", "https://a.example", "-r", documents)
    harness.muniment("export", ledger, tree)
    return ledger, tree


def tile_path(level, number, width):
    groups = [f"{number % 1000:03}"]
    while number := number // 1000:
        groups.insert(0, f"x{number % 1000:03}")
    return f"/tile/{level}/" + "/".join(groups) + (f".p/{width}" if width < 256 else "")


def static_tree(checks, front, tree):
    """A client that has only HTTP recomputes the root of the checkpoint from the bundles."""
    answer = front.curl("/checkpoint", host=TILES)
    checks.equal((answer.status, answer.fields.get("content-type")), (200, "text/plain; charset=utf-8"), "the checkpoint's type")
    checks.equal(answer.fields.get("cache-control"), "public, max-age=5", "and how long it may be kept")
    lines = answer.body.decode().split("\n")
    size, leaves = int(lines[1]), []
    for number in range((size + 255) // 256):
        width = min(256, size - number * 256)
        path = tile_path("entries", number, width)
        bundle = front.curl(path, host=TILES)
        checks.equal((bundle.status, bundle.fields.get("content-type")), (200, "application/octet-stream"), path)
        checks.equal(bundle.fields.get("cache-control"), "public, max-age=31536000, immutable", f"{path}: kept for ever")
        packed = front.curl(path, "-H", "Accept-Encoding: gzip", host=TILES)
        checks.equal(packed.fields.get("content-encoding"), "gzip", f"{path}: packed when asked for")
        checks.ok(packed.body[:2] == b"\x1f\x8b" and gzip.decompress(packed.body) == bundle.body, f"{path}: the same bytes")
        checks.ok(len(packed.body) < len(bundle.body) and "Accept-Encoding" in packed.fields.get("vary", ""), f"{path}: smaller; Vary")
        at, hashes = 0, []
        while at < len(bundle.body):
            length = int.from_bytes(bundle.body[at:at + 2], "big")
            hashes.append(merkle.leaf_hash(bundle.body[at + 2:at + 2 + length]))
            at += 2 + length
        tile = front.curl(tile_path(0, number, width), host=TILES)
        checks.equal(tile.body, b"".join(hashes), f"tile 0/{number} is the bundle's leaves")
        leaves += hashes
    checks.equal(len(leaves), size, "as many entries as the checkpoint says")
    checks.equal(base64.b64encode(root_of(leaves)).decode(), lines[2], "the root of the checkpoint")
    checks.equal(front.curl(tile_path(1, 0, size // 256), host=TILES).status, 200, "a tile of level 1")


def root_of(leaves):
    """RFC 9162 section 2.1.1."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\1" + root_of(leaves[:split]) + root_of(leaves[split:])).digest()


def static_refusals(checks, front, tree):
    (tree / "secret").write_text("no")
    (tree / "link").symlink_to("/etc/passwd")
    (tree / "tile" / "0" / "007").symlink_to("/etc/passwd")
    for path in ("/secret", "/link", "/tile/0/0", "/tile/0/999", "/tile/entries/000.p/0", "/tile/64/000", "/tile/0/../../etc/passwd", "/"):
        problem_is_good(checks, front.curl(path, "--path-as-is", host=TILES), 404, "cbor", f"static {path}")
    problem_is_good(checks, front.curl("/tile/0/007", host=TILES), 403, "cbor", "static: a link out of the tree")
    problem_is_good(checks, front.curl("/checkpoint", "--data-binary", "x", host=TILES), 405, "cbor", "static: a POST")
    checks.equal(front.curl("/checkpoint", "-I", host=TILES).status, 200, "static: HEAD")
    answer = front.curl("/checkpoint", host=TILES)
    again = front.curl("/checkpoint", "-H", f"If-None-Match: {answer.fields.get('etag')}", host=TILES)
    checks.equal(again.status, 304, "static: an unchanged checkpoint")
    checks.equal(front.curl("/commits", host=TILES).body, (tree / "commits").read_bytes(), "static: commits")
    checks.equal(front.curl("/ledger.pub", host=TILES).body, (tree / "ledger.pub").read_bytes(), "static: keys")


def import_back(checks, front, world, tree):
    """What came over HTTP is enough to make the ledger again."""
    copy = world.path("fetched")
    for path in (p for p in tree.rglob("*") if p.is_file() and not p.is_symlink() and p.name != "secret"):
        to = copy / path.relative_to(tree)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(front.curl(f"/{path.relative_to(tree)}", host=TILES).body)
    done = harness.muniment("import", copy, world.path("again"), check=False)
    checks.equal(done.returncode, 0, f"import of what was fetched: {done.stderr}")


# ---- the service itself -------------------------------------------------------------------------

def with_the_service(checks, world, authorities):
    if not harness.program("muniment-serve").is_file():
        checks.ok(False, "there is no muniment-serve beside muniment: the service was not tried through nginx")
        return
    ledger = world.ledger("front.example/log")
    with world.serve(ledger, listen="unix") as service:
        front = nginx_front.Front(world.path("real"), service.unix, *authorities)
        try:
            real_service(checks, front, service, world)
        finally:
            front.stop()
    real_certificates(checks, world, authorities)


def real_service(checks, front, service, world):
    statement = world.statement("deed/1", b"text")
    file = world.path("statement")
    file.write_bytes(statement)
    words = ("-H", "Content-Type: application/cose", "--data-binary", f"@{file}")
    first = front.curl("/entries", *words)
    again = front.curl("/entries", "--http1.1", *words)
    checks.equal((first.status, first.version), (201, "2"), "a registration by HTTP/2")
    checks.ok(first.body[:1] == b"\xd2" and again.status in (200, 201), "has a receipt; again: the same")
    place = urllib.parse.urlsplit(first.fields.get("location", "")).path
    checks.equal(place, harness.location_of(statement), "Location")
    checks.equal(front.curl(place).status, 200, "the receipt at its place")
    checks.equal(front.curl("/checkpoint").fields.get("content-type"), "text/plain; charset=utf-8", "the checkpoint")
    problem_is_good(checks, front.curl("/nothing/here"), 404, "cbor", "a path of nothing: the service's own words pass")
    problem_is_good(checks, front.curl("/v1/nothing"), 404, "json", "the same below /v1")
    size = front.curl("/checkpoint").body.split(b"\n")[1]
    for number, name, raw in ambiguous_requests.CASES:
        if (number, name) in NORMALISED:
            continue
        got = responses(exchange(front, raw.replace(b"HOST", HOST.encode()) + HIDDEN, seconds=QUIET_SECONDS))
        checks.ok(refused(number, got), f"service, framing {number}, {name}: {got}")
    checks.equal(front.curl("/checkpoint").body.split(b"\n")[1], size, "nothing of that was registered")
    real_events(checks, front, world)


def real_events(checks, front, world):
    file = world.path("second")
    file.write_bytes(world.statement("deed/2", b"more"))
    with front.connect() as s:
        s.settimeout(harness.SOON)
        s.sendall(f"GET /v1/events?after=1 HTTP/1.1\r\nHost: {HOST}\r\nAccept: text/event-stream\r\n\r\n".encode())
        got = s.recv(65536)
        front.curl("/entries", "-H", "Content-Type: application/cose", "--data-binary", f"@{file}")
        try:
            while b"id: 2" not in got and (part := s.recv(65536)):
                got += part
        except TimeoutError:
            pass
    checks.ok(b"text/event-stream" in got and b"id: 2" in got, f"an event through nginx as it happens: {got[-200:]}")


def real_certificates(checks, world, authorities):
    """Who may register is who holds a listed certificate: nginx checks it, the service knows it by its SHA-256."""
    known, unknown = authorities[1].issue("listed"), authorities[1].issue("unlisted")
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(known[0].read_text())).hexdigest()
    listed, where = world.path("certificates"), world.path("certificates.sock")
    listed.write_text(f"alice submit,read 2026-11-22T20:00:00Z - {digest}\n")
    listed.chmod(0o600)
    config = world.config(f'listen "unix:{where}" {{ proxy = true }}\nledger log {{\n directory = "{world.ledger("front.example/two")}"\n'
                          f' path = "/"\n submit = token\n certificates = "{listed}"\n}}\n')
    service = world.serve("--config", config, listen=None, wait=False)
    service.unix = str(where)
    front = nginx_front.Front(world.path("certified"), where, *authorities)
    try:
        checks.ok(harness.wait_until(service.ready, harness.START_SECONDS), f"a service with certificates: {service.log()[-500:]}")
        file = world.path("certified-statement")
        file.write_bytes(world.statement())
        words = ("-H", "Content-Type: application/cose", "--data-binary", f"@{file}")
        forged = ("-H", f"X-Client-Cert-SHA256: {digest}", "-H", f"X-Client-Cert: {urllib.parse.quote(known[0].read_text())}")
        checks.equal(front.curl("/entries", *words).status, 401, "no certificate: not registered")
        checks.equal(front.curl("/entries", *words, *forged).status, 401, "one that is only claimed: not registered")
        checks.equal(front.curl("/entries", *words, *forged, host=SUBMIT, client=unknown).status, 401, "another's, with a claim: not registered")
        checks.equal(front.curl("/entries", *words, host=SUBMIT, client=known).status, 201, "the listed one: registered")
        checks.equal(front.curl("/checkpoint").status, 200, "reading is open")
        checks.ok(service.logged("principal=alice"), "the log names who it was")
    finally:
        front.stop()


# ---- all ----------------------------------------------------------------------------------------

def main():
    if nginx_front.program() is None:
        print("nginx is not installed (tools/prepare check)\n0 passed, 1 failed")
        sys.exit(1)
    harness.build("muniment", *(["muniment-serve"] if (ROOT / "src/cli/main_serve.c").exists() else []))
    with harness.Checks() as checks, harness.World() as world, concurrent.futures.ThreadPoolExecutor(2) as pool:
        folder = world.folder
        done = subprocess.run([nginx_front.PACKAGED / "make-problems", "--check"], check=False)
        checks.equal(done.returncode, 0, "the problem bodies are what make-problems writes")
        authorities = nginx_front.Authority(folder, "servers"), nginx_front.Authority(folder, "clients")
        backend = recording_backend.Backend(folder / "backend.sock")
        _, tree = make_tree(world, 600)
        front = nginx_front.Front(folder / "front", backend.path, *authorities, tree=tree)
        try:
            for test in (framing, framing_of_others, head_limits, fields, http2, events, not_public):
                test(checks, front, backend)
            slow = pool.submit(slow_loris, front)
            certificates(checks, front, backend, authorities[1], folder)
            tls_versions(checks, front)
            plain_port(checks, front)
            static_tree(checks, front, tree)
            static_refusals(checks, front, tree)
            import_back(checks, front, world, tree)
            body_limits(checks, front, backend, folder)
            access_log(checks, front)
            checks.ok(slow.result() < 40, f"a slow-loris client is cut off (after {slow.result():.0f} s)")
            rates(checks, front, backend)
        finally:
            front.stop()
            backend.stop()
        backend_away(checks, folder, authorities)
        with_the_service(checks, world, authorities)
        if checks.failed and "MUN_SHOW" in os.environ:
            print(front.words()[-4000:])


if __name__ == "__main__":
    main()
