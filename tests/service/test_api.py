# SPDX-License-Identifier: Apache-2.0
"""Drives a running service from docs/api/openapi.json: every operation and every status it declares is produced at least once, every
answer is validated against its schema, and a status, header field or member that is not declared is a failure.

Two services: one open with a single ledger at the root; one with ledgers of which one asks for tokens, one counts requests, one is
damaged and one is being written by the other service. Needs jsonschema (tests/parts.d/82-api makes the venv)."""
import json
import pathlib
import sys
import urllib.parse

import harness
import jsonschema
from harness import COSE, RECEIPT, STATEMENT, cbor

JSON, TEXT, EVENTS = "application/json", "text/plain", "text/event-stream"
PLAIN = {"date", "content-length", "content-type", "connection", "transfer-encoding"}  # HTTP's own
FILE = harness.ROOT / "docs/api/openapi.json"
UNKNOWN_DIGEST = "0123456789abcdef" * 4


class Document:
    """The OpenAPI document: operations by name, responses with their references followed."""

    def __init__(self, text):
        self.doc = json.loads(text)
        self.operations = {op["operationId"]: (path, method.upper(), op) for path, item in self.doc["paths"].items() for method, op in item.items()}
        self.seen = set()

    def follow(self, part):
        while "$ref" in part:
            at = self.doc
            for name in part["$ref"].removeprefix("#/").split("/"):
                at = at[name]
            part = at
        return part

    def response(self, operation, status):
        found = self.operations[operation][2]["responses"].get(str(status))
        return None if found is None else self.follow(found)

    def validator(self, schema):
        return jsonschema.Draft202012Validator({**schema, "components": self.doc["components"]})

    def missing(self):
        return sorted((name, int(status)) for name, (_, _, op) in self.operations.items() for status in op["responses"]
                      if (name, int(status)) not in self.seen)


class Driver:
    def __init__(self, checks, document, service, base=""):
        self.checks, self.document, self.service, self.base = checks, document, service, base

    def target(self, operation, query="", **path):
        template, method, _ = self.document.operations[operation]
        parameters = {name: urllib.parse.quote(str(value), safe="") for name, value in path.items()}
        root = "" if self.document.operations[operation][2]["tags"] == ["service"] and operation != "openapi" else self.base
        return method, root + template.format(**parameters) + query

    def ask(self, operation, wanted, query="", body=None, headers=None, **path):
        """One request, whose answer must be one that the file declares, with this status."""
        method, target = self.target(operation, query, **path)
        reply = self.service.request(method, target, body=body, headers=headers or {})
        self.judge(operation, reply, wanted, f"{operation} {target}")
        return reply

    def judge(self, operation, reply, wanted, what):
        if not self.checks.equal(reply.status, wanted, f"status of {what} ({reply.body[:200]!r})"):
            return
        declared = self.document.response(operation, reply.status)
        if not self.checks.ok(declared is not None, f"{what}: {reply.status} is not declared"):
            return
        self.document.seen.add((operation, reply.status))
        self.fields(declared, reply, what)
        self.content(declared, reply, what)

    def fields(self, declared, reply, what):
        wanted = {name.lower(): self.document.follow(header) for name, header in declared.get("headers", {}).items()}
        got = {name.lower(): value for name, value in reply.headers}
        undeclared = set(got) - set(wanted) - PLAIN
        self.checks.ok(not undeclared, f"{what}: {reply.status} has undeclared fields {sorted(undeclared)}")
        for name, header in wanted.items():
            if name not in got:
                self.checks.ok(not header["required"], f"{what}: {reply.status} lacks the field {name}")
                continue
            errors = list(self.document.validator(header["schema"]).iter_errors(got[name]))
            self.checks.ok(not errors, f"{what}: field {name}: {got[name]!r}: {[e.message for e in errors]}")

    def content(self, declared, reply, what):
        types = declared.get("content")
        if types is None:
            self.checks.ok(not reply.body, f"{what}: {reply.status} has a body")
            return
        if not self.checks.ok(reply.type in types, f"{what}: {reply.status} as {reply.header('content-type')}, declared are {list(types)}"):
            return
        schema = types[reply.type].get("schema")
        if reply.type.endswith("json"):
            errors = [f"{e.json_path}: {e.message}"[:200] for e in self.document.validator(schema).iter_errors(reply.json())]
            self.checks.ok(not errors, f"{what}: {reply.status} is not as declared: {errors}")
        elif reply.type == harness.PROBLEM_CBOR:
            problem = {str(key): value for key, value in reply.cbor().items()}
            errors = [e.message for e in self.document.validator(schema).iter_errors(problem)]
            self.checks.ok(not errors and problem["-4"] == reply.status, f"{what}: {problem}: {errors}")
        else:
            self.checks.ok(reply.body, f"{what}: an empty body")


# ---- what any operation may be answered ---------------------------------------------------------

def raw(driver, operation, wanted, *, fields=b"", body=b"", query="", **path):
    """A request that a client library would not send."""
    method, target = driver.target(operation, query, **path)
    data = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n".encode() + fields + b"\r\n" + body
    replies = harness.parse_responses(driver.service.raw(data, half_close=True))
    good = bool(replies) and isinstance(replies[0], harness.Response)
    if driver.checks.ok(good, f"{operation}: no answer to {data[:80]!r}"):
        driver.judge(operation, replies[0], wanted, f"{operation} (raw, {wanted})")


def of_transport(driver, operation, path):
    length = b"" if driver.document.operations[operation][1] == "GET" else b"Content-Length: 0\r\n"
    raw(driver, operation, 400, fields=b"Host: localhost\r\n" + length, **path)
    raw(driver, operation, 417, fields=b"Expect: the unexpected\r\n" + length, **path)
    raw(driver, operation, 414, fields=b"Connection: close\r\n" + length, query="?" + "a" * 5000, **path)
    raw(driver, operation, 431, fields=b"X-Large: " + b"a" * 20000 + b"\r\n" + length, **path)
    if length:
        raw(driver, operation, 413, fields=b"Content-Type: application/cose\r\nContent-Length: 99999999\r\n", **path)
    else:
        raw(driver, operation, 413, fields=b"Content-Length: 3\r\nConnection: close\r\n", body=b"abc", **path)


def usual(ledger):
    """For each operation a request that is good: query, path, headers, body."""
    statement = ledger["world"].statement()
    index = {"index": ledger["index"]}
    document = {"digest": ledger["digest"]}
    return {
        "registerStatement": {"body": statement, "headers": {"Content-Type": COSE}}, "receiptByLocation": {"leaf": ledger["leaf"]},
        "key": {"kid": ledger["kid"]}, "registerBatch": {"body": statement, "headers": {"Content-Type": "application/cbor-seq"}},
        "tile": {"level": 0, "tile": "000"}, "partialTile": {"level": 1, "tile": "000", "width": 1}, "bundle": {"tile": "000"},
        "partialBundle": {"tile": "000", "width": 7}, "entry": index, "entryStatement": index, "entryReceipt": index, "entryEvidence": index,
        "inclusion": index, "document": document, "documentStatement": document, "documentReceipt": document, "documentEvidence": document,
        "consistency": {"query": "?from=2"},
    }


PATHS = ("leaf", "kid", "level", "tile", "width", "index", "digest")


def path_of(case):
    return {name: value for name, value in case.items() if name in PATHS}


def events(driver, query="", headers=()):
    """The stream has no end: read until some entries have come."""
    connection = driver.service.connect()
    connection.request("GET", driver.base + "/v1/events" + query, headers=dict(headers))
    got = connection.getresponse()
    lines, found, entry = [], [], driver.document.validator({"$ref": "#/components/schemas/Entry"})
    while len(found) < 3 and got.status == 200:
        line = got.readline().decode().rstrip("\n")
        lines.append(line)
        if line.startswith("data: "):
            found.append(json.loads(line[6:]))
            driver.checks.ok(not list(entry.iter_errors(found[-1])), f"an event's data is no Entry: {line[:300]}")
            driver.checks.equal(lines[-2], f"id: {found[-1]['index']}", "id before data")
    body = b"" if got.status != 200 else "\n".join(lines).encode()
    connection.close()
    driver.judge("events", harness.Response(got.status, got.reason, got.getheaders(), body), 200, f"events{query}")
    return [e["index"] for e in found]


# ---- the parts ----------------------------------------------------------------------------------

def succeed(driver, ledger):
    """Every operation once, and If-None-Match where there is a validator."""
    cases = usual(ledger)
    for operation, (_, _, op) in driver.document.operations.items():
        if operation == "events":
            continue
        case = cases.get(operation, {})
        good = min(int(s) for s in op["responses"] if int(s) < 300)
        reply = driver.ask(operation, good, **case)
        if "304" in op["responses"]:
            again = {**case, "headers": {**case.get("headers", {}), "If-None-Match": reply.header("etag") or ""}}
            driver.ask(operation, 304, **again)
            driver.ask(operation, 412, **{**case, "headers": {**case.get("headers", {}), "If-Match": '"another"'}})
        if op["tags"] != ["scrapi"] or operation.startswith("receipt"):
            method, target = driver.target(operation, case.get("query", ""), **path_of(case))
            head = driver.service.request("HEAD", target, headers=case.get("headers", {}))
            same = ("content-type", "etag", "cache-control", "vary")
            driver.checks.equal([head.status, *(head.header(n) for n in same)], [reply.status, *(reply.header(n) for n in same)], f"HEAD {target}")
    driver.checks.equal(events(driver), [0, 1, 2], "events from the first")
    driver.checks.equal(events(driver, "?after=4"), [5, 6, 7], "events after 4")
    driver.checks.equal(events(driver, "?after=4", {"Last-Event-ID": "9"}), [10, 11, 12], "events after Last-Event-ID")


def types(driver, ledger):
    """Everything that can be had in several forms, in each of them; and in none."""
    index, digest = {"index": ledger["index"]}, {"digest": ledger["digest"]}
    for operation, offered, path in (
            ("receiptByLocation", [COSE, RECEIPT], {"leaf": ledger["leaf"]}), ("entryStatement", [STATEMENT, COSE], index),
            ("entryReceipt", [RECEIPT, COSE], index), ("entryEvidence", [COSE, STATEMENT], index), ("documentStatement", [STATEMENT, COSE], digest),
            ("documentReceipt", [RECEIPT, COSE], digest), ("documentEvidence", [COSE, STATEMENT], digest),
            ("consistency", [JSON, COSE, RECEIPT], {"query": "?from=3"})):
        driver.checks.equal(driver.ask(operation, 200, **path).type, offered[0], f"{operation} without Accept")
        for wanted in offered:
            driver.checks.equal(driver.ask(operation, 200, headers={"Accept": wanted}, **path).type, wanted, f"{operation} as {wanted}")
        tags = [driver.ask(operation, 200, headers={"Accept": t}, **path).header("etag") for t in offered]
        driver.checks.ok(tags[0] is None or len(set(tags)) == len(tags), f"{operation}: one validator for each type, {tags}")
        driver.ask(operation, 406, headers={"Accept": "text/html"}, **path)
    driver.ask("events", 406, headers={"Accept": JSON})
    driver.ask("registerStatement", 406, body=ledger["world"].statement(), headers={"Content-Type": COSE, "Accept": "text/html"})
    for operation in ("registerStatement", "registerBatch"):
        driver.ask(operation, 415, body=b"\x80", headers={"Content-Type": "text/plain"})
    gzipped = driver.ask("bundle", 200, headers={"Accept-Encoding": "gzip"}, tile="000")
    driver.checks.equal(gzipped.header("content-encoding"), "gzip", "a bundle for those who take gzip")


def not_there(driver, ledger):
    size = ledger["size"] + 100000
    for operation in ("entry", "entryStatement", "entryReceipt", "entryEvidence", "inclusion"):
        driver.ask(operation, 404, index=size)
        driver.ask(operation, 400, index="007")
        driver.ask(operation, 400, index=ledger["index"], query="?unknown=1")
    for operation in ("document", "documentStatement", "documentReceipt", "documentEvidence"):
        driver.ask(operation, 404, digest=UNKNOWN_DIGEST)
        driver.ask(operation, 404, digest=ledger["digest"], query="?iss=nobody")
        driver.ask(operation, 400, digest="abc")
    driver.ask("receiptByLocation", 404, leaf="A" * 43)
    driver.ask("receiptByLocation", 400, leaf="short")
    driver.ask("key", 404, kid="A" * 43)
    driver.ask("tile", 404, level=0, tile="999")
    driver.ask("partialTile", 404, level=5, tile="000", width=1)
    driver.ask("bundle", 404, tile="999")
    driver.ask("partialBundle", 404, tile="999", width=1)
    driver.ask("commits", 404, query=f"?size={size}")
    driver.ask("registerStatement", 400, body=b"\x80", headers={"Content-Type": COSE})
    driver.ask("registerBatch", 400, body=b"\xff", headers={"Content-Type": "application/cbor-seq"})
    driver.ask("registerBatch", 400, query="?dry-run=1", **usual(ledger)["registerBatch"])  # whoever says so must not believe it
    driver.ask("service", 400, query="?name=main")
    for query in ("?from=0", "?from=x", "", "?from=5&to=4", f"?from=1&to={size}", "?from=1&from=2"):
        driver.ask("consistency", 400, query=query)
    for query in ("?after=x", "?after=-1", "?before=1"):
        driver.ask("events", 400, query=query)
    for query in ("?limit=0", "?limit=1001", "?cursor=x", "?digest=0", "?kid=0", "?since=now", "?until=x", "?after=x", "?iss=", "?iss=a&iss=b", "?sort=iss", "?sub=%ff"):
        reply = driver.ask("findEntries", 400, query=query)
        driver.checks.ok(query[1:4] in reply.json()["detail"], f"{query}: the detail names the parameter: {reply.json()['detail']}")


def guarded(driver, ledger, tokens):
    """Without a token, with one that is not good, with one for something else, with a good one."""
    cases = usual(ledger)
    for operation, (_, _, op) in driver.document.operations.items():
        if "401" not in op["responses"]:
            continue
        case = dict(cases.get(operation, {}))
        headers = case.pop("headers", {})
        submits = operation.startswith("register")
        driver.ask(operation, 401, headers=headers, **case)
        driver.ask(operation, 401, headers={**headers, "Authorization": "Bearer mun_nonsense"}, **case)
        other = tokens["read" if submits or op["tags"] == ["service"] and operation != "openapi" else "submit"]
        driver.ask(operation, 403, headers={**headers, "Authorization": f"Bearer {other}"}, **case)
    reply = driver.ask("entry", 200, index=0, headers={"Authorization": f"Bearer {tokens['read']}"})
    driver.checks.ok(reply.header("cache-control").startswith("private"), "what a token was needed for is not for shared caches")


def limited(driver, ledger):
    """One request a second is answered: that one is in between now and then, the next one is too many."""
    cases = usual(ledger)
    for operation, (_, _, op) in driver.document.operations.items():
        if "429" in op["responses"]:
            case = cases.get(operation, {})
            method, target = driver.target(operation, case.get("query", ""), **path_of(case))
            replies = (driver.service.request(method, target, body=case.get("body"), headers=case.get("headers", {})) for _ in range(20))
            reply = next((r for r in replies if r.status == 429), None)
            if driver.checks.ok(reply is not None, f"{operation} {target}: never 429"):
                driver.judge(operation, reply, 429, f"{operation} {target}")


def failing(driver, ledger, status):
    """A ledger that cannot be opened."""
    cases = usual(ledger)
    for operation, (_, _, op) in driver.document.operations.items():
        if str(status) in op["responses"] and op["tags"] != ["service"]:
            driver.ask(operation, status, **cases.get(operation, {}))


def full(checks, document, world):
    """A disk on which no file can grow: sooner or later nothing more is registered, and everything is read."""
    control = world.path("faults")
    control.write_bytes(bytes(48))  # the words of tests/load/disk_faults.c; the fourth: no space
    ledger = world.ledger(name="small")
    env = {"LD_PRELOAD": str(harness.test_program("disk_faults.so")), "MUN_DISK_FAULTS": str(control), "MUN_DISK_FAULTS_BELOW": str(ledger)}
    with world.serve(ledger, env=env) as service, open(control, "r+b") as words:
        driver = Driver(checks, document, service)
        service.post_statement(world.statement())
        words.seek(24)
        words.write(b"\1")
        words.flush()
        until_full = (service.post_statement(world.statement(payload=bytes(60000))).status for _ in range(3000))
        if checks.ok(507 in until_full, "a registration on a full disk"):
            driver.ask("registerStatement", 507, body=world.statement(payload=bytes(60000)), headers={"Content-Type": COSE})
            driver.ask("registerBatch", 507, body=world.statement(payload=bytes(60000)), headers={"Content-Type": "application/cbor-seq"})
            driver.ask("entryReceipt", 200, index=1)


# ---- searching ----------------------------------------------------------------------------------

def search(driver, ledger):
    checks = driver.checks
    for condition, wanted in (({"iss": ledger["iss"]}, 320), ({"sub": "thing 7+8 ä"}, 1), ({"digest": ledger["digest"].upper()}, 1), ({"kid": ledger["kid_hex"]}, 320),
                              ({"content-type": "text/plain"}, 320), ({"iss": "nobody"}, 0), ({"since": "2100-01-01T00:00:00Z"}, 0), ({"until": "1990-01-01T00:00:00+01:00"}, 0),
                              ({"after": "150"}, 150), ({"after": "9000"}, 0)):
        found, query = [], urllib.parse.urlencode({**condition, "limit": 97})
        while True:
            page = driver.ask("findEntries", 200, query="?" + query).json()
            found += page["entries"]
            if page["next"] is None:
                break
            query = urllib.parse.urlencode({**condition, "limit": 50, "cursor": page["next"]})
            checks.ok(page["checkpoint"].split("\n")[1] == str(page["size"]), "size is the checkpoint's")
        indexes = [e["index"] for e in found]
        checks.ok(indexes == sorted(set(indexes)) and all(i < page["size"] for i in indexes), f"{condition}: order of {indexes[:9]}")
        checks.ok(all(i > int(condition.get("after", -1)) for i in indexes), f"{condition}: {indexes[:9]}")
        checks.ok(len(found) >= wanted if wanted else not found, f"{condition}: {len(found)} found, {wanted} wanted")
    other = driver.ask("findEntries", 200, query="?limit=1").json()["next"]
    driver.ask("findEntries", 400, query=f"?sub=other&cursor={other}")
    page = driver.ask("findEntries", 200, query=f"?cursor={other}").json()["entries"]
    checks.equal(driver.service.stop(), 0, "a restart")
    driver.service.start()
    checks.equal(driver.ask("findEntries", 200, query=f"?cursor={other}").json()["entries"], page, "a cursor of before the restart goes on where it did")
    checks.equal(page[0]["index"], 1, "which is behind the page that gave it")
    checks.equal(driver.ask("findEntries", 200, query="?limit=1").json()["entries"][0]["index"], 0, "the first entry is the genesis")


def fill(world, service):
    """Some 320 entries: enough for a full tile, a full bundle and a tile of the level above."""
    text = b"text of thing seven"
    first = world.statement("thing 7+8 ä", text)
    reply = service.post_statement(first)
    statements = [world.statement(f"thing {n}") for n in range(1000, 1319)]
    batch = service.post("/v1/batch", b"".join(statements), "application/cbor-seq")
    if reply.status != 201 or len(harness.cbor_sequence(batch.body)) != 319:
        raise AssertionError(f"registering: {reply}, {batch}")
    digest = harness.hashlib.sha256(text).hexdigest()
    entry = service.get("/v1/documents/" + digest).json()
    keys = service.get("/.well-known/scitt-keys").cbor()
    return {"world": world, "index": entry["index"], "digest": digest, "leaf": harness.base64url(harness.leaf_hash(first)), "iss": entry["iss"],
            "kid": harness.base64url(keys[0][2]), "kid_hex": entry["kid"], "size": service.get("/v1").json()["size"]}


def damage(ledger):
    """So that it cannot be opened: its journal is gone to zeros."""
    journal = next(pathlib.Path(ledger).glob("journal*"))
    journal.write_bytes(bytes(journal.stat().st_size))


def ledger_text(name, folder, more=""):
    return f'ledger "{name}" {{ directory = "{folder}" path = "/{name}" {more} }}\n'


def open_objects(part, path=""):
    """Where the document describes an object that may have members which it does not name."""
    if isinstance(part, list):
        return [found for n, item in enumerate(part) for found in open_objects(item, f"{path}/{n}")]
    if not isinstance(part, dict):
        return []
    found = [path] if (part.get("type") == "object" or "properties" in part) and part.get("additionalProperties") is not False else []
    return found + [more for name, item in part.items() for more in open_objects(item, f"{path}/{name}")]


def main():
    harness.build("muniment", "muniment-serve", "disk_faults")
    with harness.Checks() as checks, harness.World() as world:
        main_ledger = world.ledger(name="main")
        with world.serve(main_ledger) as service:
            served = service.get("/v1/openapi.json")
            checks.ok(served.body == FILE.read_bytes(), "docs/api/openapi.json is what is served")
            document = Document(served.body)
            itself = "/paths//v1/openapi.json/get/responses/200/content/application/json/schema"
            checks.equal(open_objects(document.doc), [itself], "schemas that are not closed: the document's own alone")
            driver = Driver(checks, document, service)
            ledger = fill(world, service)
            succeed(driver, ledger)
            types(driver, ledger)
            not_there(driver, ledger)
            search(driver, ledger)
            for operation in document.operations:
                of_transport(driver, operation, path_of(usual(ledger).get(operation, {})) or {})
            troubled(checks, document, world, ledger, main_ledger)
        full(checks, document, world)
        missing = document.missing()
        checks.ok(not missing, f"declared, but never produced: {missing}")


def troubled(checks, document, world, ledger, busy):
    tokens_file = world.path("tokens")
    tokens = {scope: harness.muniment("token", "new", "--tokens", tokens_file, "--name", scope, "--scope", scope, "-q").stdout.strip() for scope in ("read", "submit", "admin")}
    damaged = world.ledger(name="damaged")
    damage(damaged)
    asks = f'read = "token" submit = "token" tokens = "{tokens_file}"'
    config = world.config(
        ledger_text("guarded", world.ledger(name="guarded"), asks) + ledger_text("limited", world.ledger(name="limited"), "per-address { requests-per-second = 1 burst = 1 }")
        + ledger_text("damaged", damaged) + ledger_text("busy", busy) + f'operators {{ access = "token" tokens = "{tokens_file}" }}\n')
    with world.serve("--config", config) as service:
        guarded(Driver(checks, document, service, "/guarded"), ledger, tokens)
        limited(Driver(checks, document, service, "/limited"), ledger)
        failing(Driver(checks, document, service, "/damaged"), ledger, 500)
        failing(Driver(checks, document, service, "/busy"), ledger, 503)
        driver = Driver(checks, document, service)
        driver.ask("readyz", 503)
        driver.ask("service", 200, headers={"Authorization": f"Bearer {tokens['admin']}"})


if __name__ == "__main__":
    sys.exit(main())
