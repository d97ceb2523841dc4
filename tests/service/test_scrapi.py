#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SCRAPI draft-11 against the running service: statuses and titles, negotiation, locations across restarts and duplicates, keys by
both spellings, every refusal with a problem body; batches; ledgers that refuse (copies, locked, gone)."""
import base64
import concurrent.futures
import shutil
import subprocess
import urllib.parse

import harness
from harness import COSE, PROBLEM_CBOR, PROBLEM_JSON, RECEIPT, STATEMENT, cbor, keys

SEQUENCE = "application/cbor-seq"
UNKNOWN = harness.base64url(bytes(32))
NONE = object()


def post_raw(service, body, base="", **fields):
    """POST /entries with exactly these header fields (underscores are hyphens); NONE leaves one out."""
    headers = {"Content-Type": COSE, **{k.replace("_", "-"): v for k, v in fields.items()}}
    return service.request("POST", base + "/entries", body=body, headers={k: v for k, v in headers.items() if v is not NONE})


def refused(checks, reply, status, title, what):
    """The status, and an RFC 9290 body with this title, a detail and the same status in it."""
    if not checks.equal((reply.status, reply.type), (status, PROBLEM_CBOR), what):
        return
    told = reply.cbor()
    checks.equal((told.get(-1), told.get(-4)), (title, status), f"{what}: title")
    checks.ok(isinstance(told.get(-2), str) and len(told[-2]) > 10, f"{what}: detail {told.get(-2)!r}")
    checks.equal(cbor.encode(told), reply.body, f"{what}: the problem is deterministic CBOR")
    checks.equal(reply.header("cache-control"), "no-store", f"{what}: cache")
    if status in (429, 503, 507):
        checks.ok((reply.header("retry-after") or "").isdigit(), f"{what}: Retry-After")


# ---- registering ---------------------------------------------------------------------------------

def registering(checks, world, ledger):
    known = harness.identity(ledger)
    first, second = world.statement("deed/1"), world.statement("deed/2", signer=world.es256)
    with world.serve(ledger) as service:
        reply = service.post_statement(first)
        checks.equal((reply.status, reply.type, reply.header("location")), (201, COSE, harness.location_of(first)), "registered")
        checks.ok(harness.receipt_good(reply.body, harness.leaf_hash(first), known["receipts"]), "its receipt is good")
        again = service.post_statement(first)
        checks.equal((again.status, again.header("location")), (201, harness.location_of(first)), "the same again")
        checks.ok(harness.receipt_good(again.body, harness.leaf_hash(first), known["receipts"]), "and its receipt")
        checks.equal(service.post_statement(second).status, 201, "another")
        stripped = cbor.decode(first, True)
        unprotected = b"\xd2\x84" + cbor.byte_string(stripped.value[0]) + cbor.encode({-70000: b"dropped"}) + \
            cbor.byte_string(stripped.value[2]) + cbor.byte_string(stripped.value[3])
        reply = service.post_statement(unprotected)
        checks.equal((reply.status, reply.header("location")), (201, harness.location_of(first)), "unprotected content is dropped")
        for method in ("GET", "HEAD"):
            reply = service.request(method, harness.location_of(first))
            checks.equal((reply.status, reply.type, reply.header("location")), (200, COSE, harness.location_of(first)), f"{method} of it")
            checks.equal(reply.header("content-length") is not None and len(reply.body) > 0, method == "GET", f"{method}: body")
        reply = service.get(harness.location_of(first))
        checks.ok(harness.receipt_good(reply.body, harness.leaf_hash(first), known["receipts"]), "the receipt by its location is good")
        checks.equal(service.metric("muniment_registered_total"), 2.0, "counted: new")
        checks.equal(service.metric("muniment_duplicates_total"), 2.0, "counted: known")
    with world.serve(ledger) as service:
        reply = service.get(harness.location_of(first))
        checks.equal(reply.status, 200, "after a restart")
        checks.ok(harness.receipt_good(reply.body, harness.leaf_hash(first), known["receipts"]), "its receipt is good")
        checks.equal(service.post_statement(first).header("location"), harness.location_of(first), "the same location after a restart")


def negotiation(checks, world, service):
    statement = world.statement()
    for accept, answer in ((NONE, COSE), ("*/*", COSE), ("application/*", COSE), (COSE, COSE), (RECEIPT, RECEIPT),
                           (f"{COSE};q=0.5, {RECEIPT}", RECEIPT), (f"text/html, {COSE};q=0.1", COSE), ("Application/COSE", COSE)):
        reply = post_raw(service, statement, Accept=accept)
        checks.equal((reply.status, reply.type), (201, answer), f"POST, Accept {accept}")
        checks.equal(reply.header("vary"), "Accept", f"POST, Accept {accept}: Vary")
        got = service.get(harness.location_of(statement), accept=None if accept is NONE else accept)
        checks.equal((got.status, got.type), (200, answer), f"GET, Accept {accept}")
    for accept in ("application/json", "text/*", f"{COSE};q=0"):
        refused(checks, post_raw(service, statement, Accept=accept), 406, "Not Acceptable", f"POST, Accept {accept}")
        refused(checks, service.get(harness.location_of(statement), accept=accept), 406, "Not Acceptable", f"GET, Accept {accept}")
    for kind in (COSE, STATEMENT, COSE + '; cose-type="cose-sign1"', "APPLICATION/cose;cose-type=cose-sign1"):
        checks.equal(post_raw(service, statement, Content_Type=kind).status, 201, f"Content-Type {kind}")
    for kind in (NONE, "application/json", "application/cbor", RECEIPT, COSE + '; cose-type="cose-sign"', "x"):
        refused(checks, post_raw(service, statement, Content_Type=kind), 415, "Unsupported Media Type", f"Content-Type {kind}")
    coded = post_raw(service, statement, Content_Encoding="gzip")
    refused(checks, coded, 415, "Unsupported Media Type", "Content-Encoding")
    checks.equal(coded.header("accept-encoding"), "identity", "Accept-Encoding of the 415")


def other_payload(statement, payload):
    parts = cbor.decode(statement, True).value
    return b"\xd2\x84" + cbor.byte_string(parts[0]) + b"\xa0" + payload + cbor.byte_string(parts[3])


def refusals(checks, world, service):
    good = world.statement()
    foreign = {1: "https://stranger.example", 2: "x", 8: {1: harness.key_map(world.signer.key)}}
    cases = [
        ("no CBOR", b"hello", "Malformed request"),
        ("empty", b"", "Malformed request"),
        ("cut", good[:-1], "Malformed request"),
        ("more", good + b"\x00", "Malformed request"),
        ("not tagged", good[1:], "Malformed request"),
        ("an array", b"\x80", "Malformed request"),
        ("not shortest", b"\xd8\x12" + good[1:], "Malformed request"),
        ("nil payload", other_payload(good, b"\xf6"), "Payload Missing"),
        ("another algorithm", harness.material.sign1(Walnut(world.signer), {1: -260, 4: b"k", 15: {1: "x", 2: "y"}, 3: "a/b"}, b"p"),
         "Bad Signature Algorithm"),
        ("another payload", other_payload(good, b"\x41x"), "Rejected"),
        ("a wrong signature", good[:-1] + bytes([good[-1] ^ 1]), "Rejected"),
        ("a key that is not there", world.statement(issuer="https://stranger.example"), "Confirmation Missing"),
        ("a name that is not the key's", harness.material.sign1(world.signer, {1: -8, 3: "a/b", 4: b"k", 15: foreign}, b"p"), "Rejected"),
        ("too large for an entry", world.statement(payload=bytes(70000)), "Rejected"),
    ]
    before = service.metric("muniment_registered_total")
    for what, body, title in cases:
        reply = service.post_statement(body)
        refused(checks, reply, 400, title, what)
        checks.equal(reply.header("location"), None, f"{what}: no location")
    checks.equal(service.metric("muniment_registered_total"), before, "none of them was registered")
    checks.equal(service.post_statement(good).status, 201, "and the good one is")
    head = f"POST /entries HTTP/1.1\r\nHost: x\r\nContent-Type: {COSE}\r\nContent-Length: {3 << 20}\r\n\r\n"
    reply = harness.parse_responses(service.raw(head.encode()))[0]  # refused by its head: nothing more is read
    refused(checks, reply, 413, "Content Too Large", "a body beyond all statements")


class Walnut:
    """Signs with an algorithm that nobody here knows (-260, the draft's example)."""
    alg = -260

    def __init__(self, signer):
        self.key = signer.key

    def sign(self, message):
        return bytes(64)


def locations(checks, service, base=""):
    for path in ("x", "0", UNKNOWN + "A", UNKNOWN[:-1] + "B", UNKNOWN[:-1], UNKNOWN + "=", "%00", "..", "%2e%2e"):
        reply = service.get(f"{base}/entries/{path}")
        if path == "..":
            checks.ok(reply.status in (400, 404) and reply.type == PROBLEM_CBOR, "entries/..")
        elif path == "%00":
            refused(checks, reply, 400, "Malformed request", "a NUL in the path")
        else:
            refused(checks, reply, 400, "Invalid locator", f"location {path}")
    refused(checks, service.get(f"{base}/entries/{UNKNOWN}"), 404, "Not Found", "an unknown location")
    refused(checks, service.get(f"{base}/entries/"), 404, "Not Found", "no location")
    for path in ("/", "/nothing", "/entries/a/b", "/.well-known/scitt-key", "/v2/entries"):
        refused(checks, service.get(base + path), 404, "Not Found", path)
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        reply = service.request(method, base + "/entries")
        refused(checks, reply, 405, "Method Not Allowed", method)
        checks.equal(reply.header("allow"), "POST", f"{method}: Allow")
    reply = service.get(base + "/entries")
    refused(checks, reply, 405, "Method Not Allowed", "GET of /entries")


def key_resources(checks, service, known):
    for accept in ("application/cbor", None, "*/*", "text/html"):
        reply = service.get("/.well-known/scitt-keys", accept=accept)
        checks.equal((reply.status, reply.type), (200, "application/cbor"), f"keys, Accept {accept}")
        checks.equal(reply.body, b"\x81" + service.get(f"/.well-known/scitt-keys/{kid_text(known)}").body, "the set is that one key")
    checks.ok("max-age=" in reply.header("cache-control"), "keys may be cached")
    key = cbor.decode(reply.body, True)[0]
    parsed = keys.parse_cose(known["receipts"])
    checks.equal((key[1], key[3], key[2], key[-2]), (2, -7, keys.thumbprint(parsed), parsed.x), "kty, alg, kid, x")
    raw = service.get("/.well-known/scitt-keys/" + urllib.parse.quote(keys.thumbprint(parsed), safe=""))
    if 0 in keys.thumbprint(parsed):  # one kid in eight: no path takes a NUL
        refused(checks, raw, 400, "Malformed request", "a raw kid with a NUL")
    else:
        checks.equal(raw.body, reply.body[1:], "the key by its raw kid")
    tagged = service.request("GET", "/.well-known/scitt-keys", headers={"If-None-Match": reply.header("etag")})
    checks.equal((tagged.status, tagged.body), (304, b""), "not modified")
    for kid in ("x", UNKNOWN, "A" * 32, kid_text(known) + "=", "%FF"):
        refused(checks, service.get(f"/.well-known/scitt-keys/{kid}"), 404, "No such key", f"kid {kid}")


def kid_text(known):
    return harness.base64url(keys.thumbprint(keys.parse_cose(known["receipts"])))


# ---- batches -------------------------------------------------------------------------------------

def batches(checks, world, service, known):
    good = [world.statement() for _ in range(20)]
    bad = good[3][:-1] + bytes([good[3][-1] ^ 1])
    body = b"".join(good[:5]) + bad + b"\x01" + good[0] + b"".join(good[5:])
    reply = service.post("/v1/batch", body, SEQUENCE)
    if not checks.equal((reply.status, reply.type), (200, SEQUENCE), "a batch"):
        return
    items = harness.cbor_sequence(reply.body)
    order = good[:5] + [bad, b"\x01", good[0]] + good[5:]
    checks.equal(len(items), len(order), "one result for each")
    for n, (item, sent) in enumerate(zip(items, order)):
        if n in (5, 6):
            told = cbor.decode(item, True)
            checks.equal((told[-1], told[-4]), (("Rejected", "Malformed request")[n - 5], 400), f"result {n}")
        else:
            checks.ok(harness.receipt_good(item, harness.leaf_hash(sent), known["receipts"]), f"result {n} is its receipt")
    again = harness.cbor_sequence(service.post("/v1/batch", body, SEQUENCE).body)
    checks.ok(all(harness.receipt_good(i, harness.leaf_hash(s), known["receipts"]) for i, s in zip(again[:5], good)), "the same again")
    registered = service.metric("muniment_registered_total")
    fresh = world.statement()
    for what, bad_body, status, title in (
            ("a cut sequence", fresh + good[0][:-3], 400, "Malformed request"), ("nothing", b"", 400, "Malformed request"),
            ("no CBOR", b"\xff", 400, "Malformed request"), ("too many", b"\x01" * 8193, 413, "Content Too Large")):
        reply = service.post("/v1/batch", bad_body, SEQUENCE)
        checks.equal((reply.status, reply.type), (status, PROBLEM_JSON), what)
        checks.equal(reply.problem()[0], title, f"{what}: title")
    checks.equal(service.metric("muniment_registered_total"), registered, "of a body that does not split nothing is registered")
    checks.equal(service.post("/v1/batch", fresh, "application/cbor").status, 415, "another type")
    reply = service.post("/v1/batch", b"\x01" * 8192, SEQUENCE)
    checks.equal((reply.status, len(harness.cbor_sequence(reply.body))), (200, 8192), "as many as may be")
    alone = service.post_statement(good[19])
    checks.equal(alone.header("location"), harness.location_of(good[19]), "one of a batch, posted alone")


def batches_at_once(checks, world, service):
    """A few are served, the others are asked to come again, and counted as sent away."""
    body = world.statement() * 3000
    for _ in range(10):  # until they meet: a machine may have them come one after the other
        before = service.metric("muniment_shed_total")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda _: service.post("/v1/batch", body, SEQUENCE), range(8)))
        if later := [r for r in replies if r.status == 503]:
            break
    checks.ok(later and len(later) < 8 and all(r.status in (200, 503) for r in replies), f"eight batches at once: {[r.status for r in replies]}")
    checks.ok(all(r.type == PROBLEM_JSON and (r.header("retry-after") or "").isdigit() for r in later), "those that are sent away are told when to come")
    checks.equal(service.metric("muniment_shed_total") - before, float(len(later)), "counted: sent away")
    checks.ok(all(len(harness.cbor_sequence(r.body)) == 3000 for r in replies if r.status == 200), "those that are served get a result for each statement")


# ---- many at once, many ledgers ------------------------------------------------------------------

def together(checks, world, service, known):
    statements = [world.statement() for _ in range(60)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(service.post_statement, statements * 2))
    for statement, reply in zip(statements * 2, replies):
        good = reply.status == 201 and harness.receipt_good(reply.body, harness.leaf_hash(statement), known["receipts"])
        checks.ok(good and reply.header("location") == harness.location_of(statement), f"16 clients: {reply}")


def several(checks, world):
    one, two = world.ledger("several.example/one", name="one"), world.ledger("several.example/two", name="two")
    statement = world.statement()
    with world.serve(one, two) as service:
        for base, folder in (("/one", one), ("/two", two)):
            reply = service.post_statement(statement, base=base)
            checks.equal((reply.status, reply.header("location")), (201, base + harness.location_of(statement)), f"at {base}")
            good = harness.receipt_good(reply.body, harness.leaf_hash(statement), harness.identity(folder)["receipts"])
            checks.ok(good, f"the receipt of {base} is by its own key")
            checks.equal(service.get(reply.header("location")).status, 200, f"the location below {base}")
            locations(checks, service, base)
        refused(checks, service.post_statement(statement), 404, "Not Found", "no ledger at the root")
        refused(checks, service.post_statement(statement, base="/three"), 404, "Not Found", "no such ledger")


def not_writable(checks, world):
    """One ledger held by another process, one that is a copy, one that is gone: each says so, and the fourth is as ever."""
    statement = world.statement()
    names = ("held", "origin", "gone", "fine")
    held, origin, gone, fine = (world.ledger(f"refusing.example/{n}", name=n) for n in names)
    harness.muniment("export", origin, world.path("tree"))
    copy = world.path("copy")
    harness.muniment("import", world.path("tree"), copy)
    for path in gone.iterdir():
        if path.name != "ledger.pub":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    with world.serve(held, fine) as other:
        checks.equal(other.post_statement(statement, base="/held").status, 201, "the other process holds it")
        with world.serve(held, copy, gone) as service:
            refused(checks, service.post_statement(statement, base="/held"), 503, "Service Unavailable", "held by another")
            refused(checks, service.post_statement(statement, base="/copy"), 403, "Read-Only Copy", "a copy")
            reply = service.post_statement(statement, base="/gone")
            checks.ok(reply.status in (500, 503) and reply.type == PROBLEM_CBOR, f"gone: {reply}")
            checks.ok(b"gone" not in reply.body and str(world.folder).encode() not in reply.body, "no path is told")
            checks.equal(service.get("/copy/checkpoint").status, 200, "the copy reads")
    with world.serve(held) as service:
        checks.equal(service.post_statement(statement).status, 201, "free again")


def command_line(checks, world, service, known):
    """A statement made by the command, registered with curl as the service itself advises."""
    statement = world.sign(world.key(), b"by the command", inline=True)
    path = world.path()
    path.write_bytes(statement)
    out = subprocess.run(["curl", "-sS", "-f", "--data-binary", f"@{path}", "-H", f"Content-Type: {COSE}", service.url + "/entries"],
                         capture_output=True, timeout=harness.HTTP_SECONDS)
    checks.ok(out.returncode == 0 and harness.receipt_good(out.stdout, harness.leaf_hash(statement), known["receipts"]), "curl")
    kid = base64.urlsafe_b64decode(kid_text(known) + "=")
    checks.equal(len(kid), 32, "the kid is the thumbprint")


def main():
    harness.build("muniment", "muniment-serve")
    with harness.Checks() as checks, harness.World() as world:
        registering(checks, world, world.ledger("scrapi.example/first"))
        ledger = world.ledger("scrapi.example/second")
        known = harness.identity(ledger)
        with world.serve(ledger) as service:
            negotiation(checks, world, service)
            refusals(checks, world, service)
            locations(checks, service)
            key_resources(checks, service, known)
            batches(checks, world, service, known)
            batches_at_once(checks, world, service)
            together(checks, world, service, known)
            command_line(checks, world, service, known)
            checks.equal(service.stop(), 0, "ends in good order")
        several(checks, world)
        not_writable(checks, world)


if __name__ == "__main__":
    main()
