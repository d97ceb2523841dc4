# SPDX-License-Identifier: Apache-2.0
"""curl on every route of the service: each method, what comes back, its headers, negotiation, conditions, and each refusal."""
import hashlib
import json
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "service"))
import harness  # noqa: E402
from harness import COSE, PROBLEM_CBOR, PROBLEM_JSON, RECEIPT, STATEMENT  # noqa: E402

HEX = re.compile(r"^[0-9a-f]{64}$")
METHODS = ("POST", "PUT", "DELETE", "PROPFIND")


class Curl:
    def __init__(self, service, folder):
        self.service, self.folder = service, folder

    def __call__(self, method, path, *options, body=None, seconds=60, **headers):
        """One answer; options go to curl as they are."""
        head, out = self.folder / "curl.head", self.folder / "curl.body"
        for old in (head, out):
            old.unlink(missing_ok=True)
        command = ["curl", "-sS", "--path-as-is", "--max-time", str(seconds), "-D", str(head), "-o", str(out), *options]
        command += ["-I"] if method == "HEAD" else ["-X", method]
        if self.service.unix:
            command += ["--unix-socket", self.service.unix]
        for name, value in headers.items():
            command += ["-H", f"{name.replace('_', '-')}: {value}"]
        if body is not None:
            given = self.folder / "curl.given"
            given.write_bytes(body)
            command += ["--data-binary", f"@{given}"]
        where = "http://localhost" if self.service.unix else self.service.url
        done = subprocess.run([*command, where + path], capture_output=True, text=True)
        if not head.exists() or not head.stat().st_size:
            raise AssertionError(f"curl {method} {path} ended with {done.returncode}: {done.stderr}")
        answer = harness.parse_head([part for part in head.read_bytes().split(b"\r\n\r\n") if part][-1])
        answer.body = b"" if method == "HEAD" or not out.exists() else out.read_bytes()
        answer.ended = done.returncode
        return answer


class Routes:
    def __init__(self, checks, service, world, ledger, base=""):
        self.checks, self.base, self.world = checks, base, world
        self.curl = Curl(service, world.folder)
        self.identity = world.identity(ledger)
        self.statement = world.statement("curl/1", b"the document of curl")
        self.digest = hashlib.sha256(b"the document of curl").hexdigest()
        self.location = harness.location_of(self.statement)

    def get(self, path, *options, **headers):
        return self.curl("GET", self.base + path, *options, **headers)

    def prepare(self):
        """Some entries, the first of which is ours."""
        made = self.curl("POST", self.base + "/entries", body=self.statement, Content_Type=COSE)
        self.checks.equal(made.status, 201, "POST /entries")
        self.checks.ok((made.header("location") or "").endswith(self.base + self.location), f"Location {made.header('location')}")
        self.checks.ok(harness.receipt_good(made.body, harness.leaf_hash(self.statement), self.identity["receipts"]), "the receipt")
        for _ in range(9):
            self.curl("POST", self.base + "/entries", body=self.world.statement(), Content_Type=COSE)
        self.size = int(self.get("/checkpoint").text.splitlines()[1])
        self.checks.equal(self.size, 11, "size after ten registrations")

    def table(self):
        """(path, media type, body predicate) of everything that GET gives."""
        size, told = self.size, "/v1/entries/1"
        document = "/v1/documents/" + self.digest
        return [
            ("/.well-known/scitt-keys", "application/cbor", lambda r: isinstance(r.cbor(), list)),
            (self.location, COSE, self.is_receipt),
            ("/checkpoint", "text/plain", lambda r: r.text.startswith(self.identity["origin"] + "\n")),
            (f"/tile/0/000.p/{size}", "application/octet-stream", lambda r: len(r.body) == 32 * size),
            (f"/tile/entries/000.p/{size}", "application/octet-stream", lambda r: int.from_bytes(r.body[:2], "big") > 100),
            ("/ledger.pub", None, lambda r: r.body == self.identity["file"].read_bytes()),
            ("/export", None, lambda r: r.body == b"muniment-export 1\n"),
            ("/commits", "application/octet-stream", lambda r: len(r.body) > 0),
            ("/v1", "application/json", lambda r: r.json()["origin"] == self.identity["origin"] and r.json()["size"] == size),
            ("/v1/entries", "application/json", lambda r: len(r.json()["entries"]) == size and "checkpoint" in r.json()),
            (told, "application/json", lambda r: r.json()["index"] == 1 and r.json()["sub"] == "curl/1" and HEX.match(r.json()["leaf"])),
            (told + "/statement", STATEMENT, lambda r: harness.leaf_hash(r.body) == harness.leaf_hash(self.statement)),
            (told + "/receipt", RECEIPT, self.is_receipt),
            (told + "/evidence", COSE, self.is_evidence),
            (told + "/inclusion", "application/json", lambda r: True),
            (f"{told}/inclusion?size={size}", "application/json", lambda r: True),
            (document, "application/json", lambda r: r.json()["index"] == 1 and r.json()["digest"]["value"] == self.digest),
            (document + "/statement", STATEMENT, lambda r: harness.leaf_hash(r.body) == harness.leaf_hash(self.statement)),
            (document + "/receipt", RECEIPT, self.is_receipt),
            (document + "/evidence", COSE, self.is_evidence),
            (f"/v1/consistency?from=2&to={size}", "application/json", lambda r: True),
            ("/v1/issuers", "application/json", lambda r: True),
            ("/v1/openapi.json", "application/json", lambda r: r.json()["openapi"].startswith("3.1")),
        ]

    SERVICE = [("/healthz", None, lambda r: True), ("/readyz", None, lambda r: True),
               ("/metrics", "text/plain", lambda r: "# TYPE" in r.text), ("/v1/service", "application/json", lambda r: len(r.json()["ledgers"]) >= 1)]

    def is_receipt(self, reply):
        return harness.receipt_good(reply.body, harness.leaf_hash(self.statement), self.identity["receipts"])

    def is_evidence(self, reply):
        document, evidence = self.world.path("curl.txt"), self.world.path("curl.scitt")
        document.write_bytes(b"the document of curl")
        evidence.write_bytes(reply.body)
        done = harness.muniment("verify", document, "--evidence", evidence, "--ledger-key", self.identity["file"], check=False)
        return done.returncode == 3 and "not" in done.stdout  # good, and the issuer is nobody we know

    def reads(self, rows, base):
        for path, kind, good in rows:
            try:
                self.read(base + path, kind, good)
            except (AssertionError, KeyError, ValueError, TypeError) as error:
                self.checks.ok(False, f"GET {path}: {error!r}")

    def read(self, path, kind, good):
        checks = self.checks
        got = self.curl("GET", path)
        if not checks.equal(got.status, 200, f"GET {path} ({got.body[:200]})"):
            return
        checks.ok(kind is None or got.type == kind, f"{path} is {got.header('content-type')}, not {kind}")
        checks.ok(good(got), f"the body of {path}: {got.body[:300]}")
        checks.ok(got.header("x-content-type-options") == "nosniff", f"{path} may be sniffed")
        head = self.curl("HEAD", path)
        checks.equal((head.status, head.type), (200, got.type), f"HEAD {path}")
        checks.ok(head.header("content-length") in (None, str(len(got.body))) or kind == "text/plain", f"Content-Length of HEAD {path}")
        if self.base:  # the rest was looked at where one ledger is served
            return
        checks.equal(self.curl("GET", path, "-0").status, 200, f"HTTP/1.0 GET {path}")
        checks.among(self.curl("GET", path + ("&" if "?" in path else "?") + "undeclared=1").status, (200, 400), f"an undeclared parameter of {path}")
        self.other_methods(path)

    def other_methods(self, path):
        json_errors = re.search(r"^(/[^/]+)?/(v1|healthz|readyz|metrics)", path)
        for method in METHODS:
            told = self.curl(method, path)
            if self.checks.equal(told.status, 405, f"{method} {path}"):
                allowed = {m.strip() for m in (told.header("allow") or "").split(",")}
                self.checks.ok({"GET", "HEAD"} <= allowed, f"Allow of {method} {path}: {told.header('allow')}")
                self.checks.equal(told.type, PROBLEM_JSON if json_errors else PROBLEM_CBOR, f"{method} {path}")
                self.checks.ok(told.problem()[0], "a title")

    def caches(self):
        checks = self.checks
        for path, kind in ((f"/tile/0/000.p/{self.size}", "long"), ("/checkpoint", "short"), ("/v1/openapi.json", "any")):
            got = self.get(path)
            age = re.search(r"max-age=(\d+)", got.header("cache-control") or "")
            if kind == "long":
                told = got.header("cache-control")
                checks.ok(age and int(age.group(1)) >= 86400 and "immutable" in told, f"Cache-Control of {path}: {told}")
            if kind == "short":
                checks.ok((age and int(age.group(1)) <= 10) or "no-cache" in (got.header("cache-control") or ""), f"Cache-Control of {path}")
            etag = got.header("etag")
            if checks.ok(etag and re.match(r'^(W/)?"[^"]*"$', etag), f"ETag of {path}: {etag}"):
                for match in (etag, f'"x", {etag}', "*", "W/" + etag.removeprefix("W/")):
                    again = self.get(path, If_None_Match=match)
                    checks.equal((again.status, again.body), (304, b""), f"If-None-Match: {match} on {path}")
                    checks.equal(again.header("etag"), etag, "a 304 says the ETag")
                    checks.among(again.header("content-length"), (None, got.header("content-length")), f"a 304 says the length of the 200: {path}")
                checks.equal(self.get(path, If_None_Match='"other"').status, 200, f"another ETag on {path}")
                for match, status in ((etag, 200), (f'"x", {etag}', 200), ("*", 200), ('"x"', 412), ("W/" + etag, 412), ("", 200)):
                    checks.equal(self.get(path, If_Match=match).status, status, f"If-Match: {match} on {path}")
                both = self.get(path, If_Match='"x"', If_None_Match=etag)
                checks.equal((both.status, both.header("etag"), both.problem()[0]), (412, None, "Precondition Failed"), f"If-Match counts first on {path}")
        statement = self.get(self.location)
        checks.ok("no-store" in (statement.header("cache-control") or "") or statement.header("cache-control"), "a receipt says Cache-Control")

    def zips(self):
        path = f"/tile/entries/000.p/{self.size}"
        plain, zipped = self.get(path), self.get(path, "--compressed")
        self.checks.equal(zipped.header("content-encoding"), "gzip", "--compressed")
        self.checks.equal(zipped.body, plain.body, "the same after curl has unpacked it")
        self.checks.ok("accept-encoding" in (zipped.header("vary") or "").lower(), f"Vary: {zipped.header('vary')}")
        self.checks.ok(plain.header("content-encoding") is None, "nothing packed that was not asked for")
        self.checks.ok(self.get(path, Accept_Encoding="gzip;q=0").header("content-encoding") is None, "gzip;q=0")
        self.checks.equal(self.get(path, Accept_Encoding="x-gzip").header("content-encoding"), "gzip", "x-gzip is gzip")

    def spellings(self):
        """RFC 9110 section 4.2.3: an unreserved character and its escape are the same, a reserved one and its escape are not."""
        checks, bundle = self.checks, f"/tile/entries/000.p/{self.size}"
        for path in ("/checkpoint", "/.well-known/scitt-keys", self.location, bundle, "/v1/issuers"):
            escaped = "/" + "".join("%{:02{}}".format(ord(c), "xX"[i % 2]) if c not in "/" else c for i, c in enumerate(path[1:]))
            plain, same = self.get(path), self.get(escaped)
            checks.equal((same.status, same.type), (200, plain.type), f"{path} as {escaped}: {same.body[:80]}")
        checks.equal(self.get(bundle).body, self.get(bundle.replace("e", "%65")).body, "the bundle by another spelling")
        for path in ("/tile%2Fentries/000", "/%63heckpoint%2f", "/%2563heckpoint", "/%2e%2e/checkpoint", "/%2e/checkpoint"):
            checks.equal(self.get(path).status, 404, f"{path} is nobody's")

    def accepts(self):
        for path in (self.location, "/v1/entries/1/receipt"):
            for accept, kind in ((COSE, COSE), (RECEIPT, RECEIPT), (f"{COSE};q=0.1, {RECEIPT}", RECEIPT), ("application/*", None), ("*/*", None)):
                got = self.get(path, Accept=accept)
                self.checks.ok(got.status == 200 and (kind is None or got.type == kind), f"{path} with Accept: {accept}: {got.status} {got.type}")
            self.checks.equal(self.get(path, Accept="image/png").status, 406, f"{path} as a picture")
        self.checks.equal(self.get("/v1/entries/1/statement", Accept=COSE).type, COSE, "a statement as application/cose")
        proof = self.get(f"/v1/consistency?from=3&to={self.size}", Accept=COSE)
        self.checks.ok(proof.status == 200 and proof.type == COSE and proof.body[:1] == b"\xd2", f"consistency receipt: {proof}")

    def locates(self):
        got = self.get("/v1/documents/" + self.digest)
        self.checks.ok((got.header("content-location") or "").endswith("/v1/entries/1"), f"Content-Location {got.header('content-location')}")
        self.checks.ok((self.get(self.location).header("location") or "").endswith(self.location), "the receipt says its Location")

    def pages(self):
        seen, path = [], "/v1/entries?limit=4"
        while path and len(seen) < 50:
            page = self.get(path).json()
            seen += [e["index"] for e in page["entries"]]
            more = page.get("next")
            if more is None or more.startswith("/"):
                path = more and more.removeprefix(self.base)
            else:
                path = f"/v1/entries?limit=4&cursor={harness.quote(more)}"
        self.checks.equal(seen, list(range(self.size)), "all pages")
        for query, count in ((f"digest={self.digest}", 1), ("sub=curl/1", 1), ("sub=curl%2F1", 1), ("sub=nobody", 0), (f"digest={'0' * 64}", 0),
                             ("content-type=text/plain", 10), ("since=2000-01-01T00:00:00Z", 11), ("until=2000-01-01T00:00:00Z", 0),
                             (f"iss={harness.quote(harness.own_name(self.world.signer.key))}", 10)):
            got = self.get("/v1/entries?" + query)
            self.checks.equal((got.status, len(got.json().get("entries", []))), (200, count), f"/v1/entries?{query}")

    def refusals(self):
        rows = [(404, "/v1/entries/11"), (404, "/v1/entries/11/receipt"), (404, "/v1/documents/" + "0" * 64), (404, "/v1/nothing"), (404, "/nothing"),
                (404, "/v2"), (404, "/"), (404, f"/tile/0/000.p/{self.size + 1}"), (404, "/tile/0/000"), (404, "/tile/1/000"),
                (404, "/entries/" + harness.base64url(bytes(32))), (400, "/entries/x"), (400, "/v1/entries?limit=0"), (400, "/v1/entries?limit=x"),
                (400, "/v1/entries?limit=-1"), (400, "/v1/entries?cursor=garbage"), (400, "/v1/entries?digest=zz"), (400, "/v1/entries?since=yesterday"),
                (400, "/v1/consistency?from=5&to=3"), (400, "/v1/consistency?from=x&to=3"), (400, "/v1/entries?sub=%ff"), (400, "/v1/entries?sub=%4"),
                ((400, 404), "/v1/consistency?from=3&to=9999"), ((400, 404), "/v1/entries/1/inclusion?size=9999"), ((400, 404), "/v1/entries/01"),
                ((400, 404), "/v1/entries/-1"), ((400, 404), "/v1/entries/18446744073709551616"), ((400, 404), "/v1/documents/abc"),
                ((400, 404), "/tile/0/0"), ((400, 404), "/tile/00/000.p/3"), ((400, 404), "/tile/0/000.p/0"), ((400, 404), "/tile/0/000.p/256"),
                ((400, 404), "/tile/0/000.p/03"), ((400, 404), "/tile/64/000.p/1"), ((400, 404), "/tile/0/x000/000.p/3"), ((400, 404), "/tile/../checkpoint"),
                ((400, 404), "/v1/../checkpoint"), ((400, 404), "//checkpoint"), ((400, 404), "/checkpoint/"), ((400, 404), "/%2e%2e/keys/receipts.pem"),
                ((400, 404), "/keys/receipts.pem"), ((400, 404), "/checkpoint%00"), ((400, 404), "/.well-known/"), ((400, 404), "/.well-known/scitt-keys/%00")]
        for status, path in rows:
            got = self.get(path)
            wanted = status if isinstance(status, tuple) else (status,)
            self.checks.among(got.status, wanted, f"GET {path}")
            if got.status >= 400:
                self.problem(got, path)
        long = self.get("/v1/entries?sub=" + "x" * 9000)
        self.checks.among(long.status, (400, 414, 431), "a very long target")
        fields = self.get("/v1", X_Long="y" * 30000)
        self.checks.among(fields.status, (400, 431), "a very long field")

    def problem(self, got, path):
        kind = PROBLEM_JSON if re.search(r"^/(v1|healthz|readyz|metrics)(/|$|\?)", path) else PROBLEM_CBOR
        if self.checks.equal(got.type, kind, f"the problem of {path}"):
            self.checks.ok(all(isinstance(t, str) and t for t in got.problem()), f"title and detail of {path}: {got.problem()}")

    def posts(self):
        curl, checks, base = self.curl, self.checks, self.base
        fresh = [self.world.statement() for _ in range(6)]
        checks.equal(curl("POST", base + "/entries", body=fresh[0], Content_Type=COSE, Transfer_Encoding="chunked").status, 201, "a chunked body")
        checks.equal(curl("POST", base + "/entries", body=fresh[1], Content_Type=COSE, Expect="100-continue").status, 201, "Expect: 100-continue")
        checks.equal(curl("POST", base + "/entries", body=fresh[2], Content_Type=STATEMENT).status, 201, "the statement's own media type")
        checks.equal(curl("POST", base + "/entries", "-0", body=fresh[3], Content_Type=COSE).status, 201, "HTTP/1.0 with a length")
        checks.equal(curl("POST", base + "/entries", body=fresh[4], Content_Type=COSE, Accept=RECEIPT).type, RECEIPT, "Accept of a registration")
        for what, status, headers, body in (
                ("no Content-Type", 415, {"Content_Type": ""}, fresh[5]), ("JSON", 415, {"Content_Type": "application/json"}, b"{}"),
                ("gzip of it", 415, {"Content_Type": COSE, "Content_Encoding": "gzip"}, fresh[5]), ("nothing", 400, {"Content_Type": COSE}, b""),
                ("too much", 413, {"Content_Type": COSE}, bytes(3 << 20)),
                ("too much in chunks", 413, {"Content_Type": COSE, "Transfer_Encoding": "chunked"}, bytes(3 << 20)),
                ("too large an entry", (400, 413), {"Content_Type": COSE}, self.world.statement("big", bytes(70000))),
                ("a picture wanted", 406, {"Content_Type": COSE, "Accept": "image/png"}, fresh[5]),
                ("an odd expectation", (417, 400), {"Content_Type": COSE, "Expect": "miracles"}, fresh[5])):
            got = curl("POST", base + "/entries", body=body, **headers)
            if checks.among(got.status, status if isinstance(status, tuple) else (status,), f"POST of {what}"):
                self.problem(got, "/entries")
        checks.equal(curl("POST", base + "/entries", body=fresh[5], Content_Type=COSE, Content_Encoding="identity").status, 201, "Content-Encoding: identity")
        coded = curl("POST", base + "/v1/batch", body=fresh[5], Content_Type="application/cbor-seq", Content_Encoding="br")
        checks.equal((coded.status, coded.header("accept-encoding")), (415, "identity"), "a 415 for a coding says that none is taken")
        for method in ("GET", "PUT", "DELETE", "PATCH"):
            got = curl(method, base + "/entries")
            checks.ok(got.status == 405 and "POST" in (got.header("allow") or ""), f"{method} /entries: {got.status} {got.header('allow')}")
        two = curl("POST", base + "/v1/batch", body=self.statement + fresh[5], Content_Type="application/cbor-seq")
        checks.equal((two.status, two.type, len(harness.cbor_sequence(two.body))), (200, "application/cbor-seq", 2), "a batch")
        self.problem(curl("POST", base + "/v1/batch", body=b"\xff", Content_Type="application/json"), "/v1/batch")

    def stream(self, path, **headers):
        """What a stream has when it has all entries; it is cut after two seconds, on a slow machine later."""
        for seconds in (2, 20):
            got = self.curl("GET", self.base + path, "-N", seconds=seconds, **headers)
            if f"\nid: {self.size - 1}\n" in got.text and got.text.endswith("\n\n"):
                break
        return got, [int(line[3:].strip()) for line in got.text.splitlines() if line.startswith("id:")]

    def events(self):
        got, ids = self.stream("/v1/events?after=4")
        self.checks.equal((got.status, got.type), (200, "text/event-stream"), "/v1/events")
        self.checks.equal(ids, list(range(5, self.size)), "events after 4")
        data = [json.loads(line[5:]) for line in got.text.splitlines() if line.startswith("data:")]
        self.checks.equal([d.get("index") for d in data], ids, "each event's data is its entry")
        _, ids = self.stream("/v1/events?after=0", Last_Event_ID="8")
        self.checks.equal(ids[:2], [9, 10], "Last-Event-ID goes before `after`")
        self.checks.among(self.get("/v1/events?after=x").status, (400,), "events after nothing")

    def all(self):
        self.prepare()
        for part in (lambda: self.reads(self.table(), self.base), lambda: self.reads(self.SERVICE, ""), self.caches, self.zips, self.spellings, self.accepts,
                     self.locates, self.pages, self.refusals, self.events, self.posts):
            try:
                part()
            except (AssertionError, KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
                self.checks.ok(False, f"{getattr(part, '__name__', 'routes')}: {error!r}")


def main():
    with harness.Checks() as checks, harness.World() as world:
        one, two = world.ledger("curl.example/one", name="one"), world.ledger("curl.example/two", name="two")
        with world.serve(one) as service:
            Routes(checks, service, world, one).all()
        with world.serve(one, two, listen="unix") as service:
            Routes(checks, service, world, two, "/two").all()


if __name__ == "__main__":
    main()
