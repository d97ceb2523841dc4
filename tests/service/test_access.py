#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may do what, and how much: tokens, scopes, expiry, revocation, client certificates told by a proxy, rates, concurrent
requests, body sizes; that refusal comes before the body and costs less than acceptance; that no secret reaches the log."""
import base64
import concurrent.futures
import datetime
import hashlib
import json
import os
import shutil
import subprocess
import time

import harness

READ, SUBMIT = "/checkpoint", "/entries"


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def new_token(path, name, scope, *more):
    return harness.muniment("token", "new", "--tokens", path, "--name", name, "--scope", scope, "-q", *more).stdout.strip()


def ledger_section(folder, *lines, name="a", path="/"):
    return f'ledger "{name}" {{\n directory = "{folder}"\n path = "{path}"\n' + "\n".join(lines) + "\n}\n"


def serve(world, text, **more):
    return world.serve("--config", world.config(text), **more)


# ---- tokens ----

def listed(checks, world):
    """What an operator is shown of the tokens there are: never the token, nor its hash."""
    file, ends = world.path("listed"), "2999-12-31T23:59:59Z"
    token = new_token(file, "reader", "read")
    new_token(file, "both", "submit,read", "--expires", ends)
    file.write_text(file.read_text().replace(ends, "2001-02-03T04:05:06Z"))
    new_token(file, "later", "admin", "--expires", ends)
    text = harness.muniment("token", "list", "--tokens", file).stdout
    rows = [line.split(None, 3) for line in text.splitlines()]
    checks.equal([row[:2] for row in rows], [["reader", "read"], ["both", "read,submit"], ["later", "admin"]], "names and scopes")
    checks.equal([row[3] for row in rows], ["never expires", "expired 2001-02-03T04:05:06Z", f"until {ends}"], "when they end")
    told = [json.loads(line) for line in harness.muniment("token", "list", "--tokens", file, "--json").stdout.splitlines()]
    checks.equal([(t["type"], t["name"], t["scope"], t.get("expires"), t["expired"]) for t in told],
                 [("token", "reader", "read", None, False), ("token", "both", "read,submit", "2001-02-03T04:05:06Z", True),
                  ("token", "later", "admin", ends, False)], "the same for programs")
    checks.equal([row[2] for row in rows], [t["created"] for t in told], "when they were made")
    secrets = (token, token[4:], hashlib.sha256(token.encode()).hexdigest())
    checks.ok(not any(s in text + json.dumps(told) for s in secrets), "no token and no hash is listed")
    gone = harness.muniment("token", "list", "--tokens", world.path("no-such-file"), check=False)
    checks.ok(gone.returncode == 5 and "no-such-file" in gone.stderr, f"no file: {gone.returncode}, {gone.stderr}")


def refusals(checks, service, world, tokens):
    """Status of a read and a registration for each kind of credential."""
    none, wrong = {}, bearer("mun_" + "A" * 43)
    table = [("no token", none, 401, 401), ("an unknown token", wrong, 401, 401), ("rubbish", bearer("x"), 401, 401),
             ("an empty token", {"Authorization": "Bearer "}, 401, 401), ("another scheme", {"Authorization": "Basic bXVuOm11bg=="}, 401, 401),
             ("read", bearer(tokens["read"]), 200, 403), ("submit", bearer(tokens["submit"]), 403, 201),
             ("both", bearer(tokens["both"]), 200, 201), ("admin alone", bearer(tokens["admin"]), 403, 403),
             ("lower case scheme", {"Authorization": f"bearer {tokens['both']}"}, 200, 201)]
    for what, headers, read, submit in table:
        got = service.get(READ, headers=headers)
        checks.equal(got.status, read, f"reading with {what}")
        if got.status != 200:
            checks.ok(got.problem()[0] in ("Unauthorized", "Forbidden"), f"{what}: a problem with its title")
            why = "insufficient_scope" if got.status == 403 else "invalid_token"
            sent = headers.get("Authorization", "").lower().startswith("bearer ") and what != "an empty token"  # which is none
            checks.equal(got.header("www-authenticate"), f'Bearer error="{why}"' if sent else "Bearer", f"{what}: WWW-Authenticate (RFC 6750)")
        checks.equal(service.post_statement(world.statement(), headers=headers).status, submit, f"registering with {what}")


def tokens_and_scopes(checks, world):
    file = world.path("tokens")
    tokens = {"read": new_token(file, "reader", "read"), "submit": new_token(file, "writer", "submit"),
              "both": new_token(file, "both", "read,submit"), "admin": new_token(file, "boss", "admin")}
    checks.equal(oct(file.stat().st_mode & 0o777), "0o600", "mode of the tokens file")
    kept = file.read_text()
    checks.ok(not any(t in kept or t[4:] in kept for t in tokens.values()), "the file holds no token")
    checks.ok(all(hashlib.sha256(t.encode()).hexdigest() in kept for t in tokens.values()), "the file holds SHA-256 of each")
    ledger = world.ledger()
    with serve(world, ledger_section(ledger, "read = token", "submit = token", f'tokens = "{file}"')) as service:
        refusals(checks, service, world, tokens)
        checks.equal(service.get("/healthz").status, 200, "/healthz needs nothing")
        for_own_caches(checks, service, {**tokens, "anyone": new_token(file, "anyone", "read")})
        changes(checks, service, world, file, tokens)
        log = service.log()
    secrets = list(tokens.values()) + ["QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9w"]
    checks.ok(not any(s in log or s[4:] in log or hashlib.sha256(s.encode()).hexdigest() in log for s in secrets), "no token and no hash in the log")
    checks.ok("principal=both" in log, "the principal's name stands in the log")


def for_own_caches(checks, service, tokens):
    """What a token was needed for may be kept by nobody but who asked, whatever the token is called."""
    kid = harness.base64url(service.get("/.well-known/scitt-keys", headers=bearer(tokens["both"])).cbor()[0][2])
    known = harness.wait_until(lambda: service.get(READ, headers=bearer(tokens["anyone"])).status == 200, harness.SOON)
    checks.ok(known, "a token may be called anyone")
    for path in (READ, "/tile/0/000.p/1", "/tile/entries/000.p/1", "/ledger.pub", "/commits", "/export", "/v1/entries/0",
                 "/v1/entries/0/statement", "/v1/entries/0/inclusion?size=1", "/.well-known/scitt-keys", f"/.well-known/scitt-keys/{kid}"):
        for name in ("both", "anyone"):
            got = service.get(path, headers=bearer(tokens[name]))
            told = got.header("cache-control")
            checks.ok(got.status == 200 and told.startswith("private, max-age="), f"{path} by the token {name}: {got.status}, {told}")


def write(file, text, mode):
    """In one step, as who writes a tokens file should: half of one may be a file without tokens, and count."""
    new = file.with_name(file.name + ".new")
    new.write_text(text)
    new.chmod(mode)
    new.rename(file)


def changes(checks, service, world, file, tokens):
    """Revoked, made and expired tokens count without a restart or a signal."""
    harness.muniment("token", "revoke", "reader", "--tokens", file)
    checks.ok(harness.wait_until(lambda: service.get(READ, headers=bearer(tokens["read"])).status == 401, 10), "a revoked token is refused within seconds")
    for seconds in (6, 30):  # a slow machine is not there before the first one has expired
        soon = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
        late = new_token(file, f"late{seconds}", "read", "--expires", soon)
        if counts := harness.wait_until(lambda: service.get(READ, headers=bearer(late)).status == 200, seconds):
            break
    checks.ok(counts, "a new token counts within seconds")
    checks.ok(harness.wait_until(lambda: service.get(READ, headers=bearer(late)).status == 401, seconds + harness.SOON), "an expired token is refused")
    checks.ok("expired" in service.get(READ, headers=bearer(late)).problem()[1], "and told that it has expired")
    whole = file.read_text()
    write(file, whole + "rubbish\n", 0o600)
    checks.ok(service.logged("access_refused"), "a broken file is told in the log")
    checks.equal(service.get(READ, headers=bearer(tokens["both"])).status, 200, "and what was read before holds")
    time.sleep(1.7)  # three looks at it
    checks.equal(service.log().count("access_refused"), 1, "how often that is told")
    write(file, whole.replace("both ", "gone ", 1), 0o640)
    checks.ok(service.logged("chmod 600"), "a file that others can read is refused, with advice")
    checks.equal(service.get(READ, headers=bearer(tokens["both"])).status, 200, "and what was read before still holds")
    os.chmod(file, 0o600)
    checks.ok(harness.wait_until(lambda: service.log().count("access_read") >= 3, harness.SOON), "the mended file is read")


def open_ledger(checks, world):
    """Reading is open, registering needs a token; a token that is unknown is refused even where nobody needs one."""
    file = world.path()
    token = new_token(file, "ci", "submit")
    with serve(world, ledger_section(world.ledger(), "submit = token", f'tokens = "{file}"')) as service:
        checks.equal(service.get(READ).status, 200, "reading an open ledger")
        checks.equal(service.post_statement(world.statement()).status, 401, "registering there without a token")
        checks.equal(service.post_statement(world.statement(), headers=bearer(token)).status, 201, "registering with one")
        checks.equal(service.get(READ, headers=bearer(token)).status, 200, "open scopes and the token's add up")
        checks.equal(service.get(READ, headers=bearer("mun_unknown")).status, 401, "an unknown token on an open ledger")
        checks.equal(service.get(READ, headers={"X-Client-Cert-SHA256": "00" * 32}).status, 200, "a certificate told by no proxy is not heard")


def each_its_own(checks, world):
    """Two ledgers of one process, each with tokens of its own: who may use one is nobody to the other. What one holds back the other does not."""
    files = {name: world.path() for name in ("one", "two")}
    tokens = {name: new_token(file, "same-name", "read,submit") for name, file in files.items()}
    text = "".join(ledger_section(world.ledger(), "read = token", "submit = token", f'tokens = "{file}"',
                                  "per-principal { requests-per-second = 1 burst = 4 }", "per-address { requests-per-second = 1 burst = 9 }",
                                  name=name, path=f"/{name}") for name, file in files.items())
    with serve(world, text) as service:
        for name, other in (("one", "two"), ("two", "one")):
            got = [service.get(f"/{name}{READ}", headers=bearer(tokens[name])).status, service.get(f"/{name}{READ}", headers=bearer(tokens[other])).status,
                   service.post_statement(world.statement(), f"/{name}", headers=bearer(tokens[other])).status]
            checks.equal(got, [200, 401, 401], f"{name}: its own token, the other's, registering with the other's")
        spent = [r.status for r in statuses(service, 12, bearer(tokens["one"]), f"/one{READ}")]
        checks.ok(spent.count(200) >= 3 and 429 in spent, f"one is used up, by its principal and its address: {spent}")
        checks.equal(service.get(f"/two{READ}", headers=bearer(tokens["two"])).status, 200, "the other counts for itself, of the same name and address")


# ---- client certificates, as the proxy tells them ----

def certificate(world):
    pem = world.path()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", world.path(),
                    "-out", pem, "-days", "30", "-subj", "/CN=client"], check=True, capture_output=True)
    text = pem.read_text()
    der = base64.b64decode("".join(line for line in text.splitlines() if "-----" not in line))
    return harness.quote(text), hashlib.sha256(der).hexdigest()


def certificates(checks, world):
    if shutil.which("openssl") is None:
        return checks.skip("no openssl: client certificates", 8)
    escaped, fingerprint = certificate(world)
    other, _ = certificate(world)
    file = world.path()
    file.write_text(f"client submit,read 2026-01-01T00:00:00Z - {fingerprint}\n")
    unix = world.path("proxy.sock")
    text = f'listen "unix:{unix}" {{ proxy = true }}\n' + ledger_section(world.ledger(), "read = token", "submit = token", f'certificates = "{file}"')
    with serve(world, text, listen=None, wait=False) as service:
        service.unix = str(unix)
        checks.ok(service.serving(), "a service that the configuration tells where to listen")
        near = {"X-Forwarded-For": "192.0.2.7"}
        for what, headers, status in [
                ("none", {}, 401), ("the certificate", {"X-Client-Cert": escaped}, 200), ("its SHA-256", {"X-Client-Cert-SHA256": fingerprint}, 200),
                ("upper case", {"X-Client-Cert-SHA256": fingerprint.upper()}, 200), ("another certificate", {"X-Client-Cert": other}, 401),
                ("rubbish", {"X-Client-Cert": "%zz"}, 401), ("a short hash", {"X-Client-Cert-SHA256": "ab"}, 401),
                ("no certificate inside", {"X-Client-Cert": harness.quote("-----BEGIN X-----\nAA==\n-----END X-----\n")}, 401)]:
            checks.equal(service.get(READ, headers=dict(near, **headers)).status, status, f"certificate: {what}")
        checks.ok(service.logged("from=192.0.2.7", "principal=client"), "address and name in the log")
        checks.ok(fingerprint not in service.log(), "the fingerprint is not")
        file.write_text(f"client submit,read 2026-01-01T00:00:00Z 2026-02-01T00:00:00Z {fingerprint}\n")
        late = dict(near, **{"X-Client-Cert": escaped})
        expired = harness.wait_until(lambda: b"expired" in service.get(READ, headers=late).body, 20)
        checks.ok(expired and service.get(READ, headers=late).status == 401, "a certificate whose entry has expired")
        os.chmod(file, 0o646)
        service.signal()
        checks.ok(service.logged("others can change"), "a certificates file that others can write is refused")


# ---- how much ----

def statuses(service, n, headers, path=READ):
    connection = service.connect()
    return [service.request("GET", path, headers=headers, connection=connection) for _ in range(n)]


def rates(checks, world):
    file = world.path()
    fast, slow = new_token(file, "fast", "read"), new_token(file, "slow", "read,submit")
    text = ledger_section(world.ledger(), f'tokens = "{file}"', "per-principal { requests-per-second = 5 burst = 10 body-bytes = 3000 }",
                          "per-address { requests-per-second = 1000 }")
    with serve(world, text) as service:
        begin, got = time.monotonic(), []
        while len(got) < 30 or (all(r.status == 200 for r in got) and len(got) < 11 + 5 * (time.monotonic() - begin)):  # the slow need more of them
            got += statuses(service, 30, bearer(slow))
        good, most = sum(r.status == 200 for r in got), 11 + 5 * (time.monotonic() - begin)
        checks.ok(10 <= good <= min(most, len(got) - 1), f"a burst of 10 at 5 a second lets about 10 of 30 through: {good} of {len(got)}")
        refused = [r for r in got if r.status == 429]
        checks.equal(len(refused), len(got) - good, "the others are 429")
        checks.ok(refused and refused[-1].header("retry-after", "").isdigit() and 1 <= int(refused[-1].header("retry-after")) <= 2, "Retry-After is computed")
        checks.equal(refused[-1].problem()[0], "Too Many Requests", "the title of a 429")
        checks.equal(service.get(READ, headers=bearer(fast)).status, 200, "another principal is not held back")
        checks.ok(all(r.status == 200 for r in statuses(service, 20, {})), "nor is anyone without a token")
        checks.ok(service.metric("muniment_throttled_total") >= len(refused), "throttled requests are counted")
        time.sleep(int(refused[-1].header("retry-after")))
        checks.equal(service.get(READ, headers=bearer(slow)).status, 200, "after Retry-After it goes on")
        time.sleep(2)
        big = service.post_statement(world.statement(payload=b"x" * 4000), headers=bearer(slow))
        checks.equal((big.status, big.problem()[0]), (413, "Content Too Large"), "a body over the principal's allowance")
        chunked = service.raw(b"POST /entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/cose\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
                              + f"Authorization: Bearer {slow}\r\n\r\n".encode() + b"1000\r\n" + b"x" * 4096 + b"\r\n0\r\n\r\n")
        checks.ok(chunked.startswith(b"HTTP/1.1 413"), f"the same in chunks: {chunked[:40]}")
        checks.equal(service.post_statement(world.statement(payload=b"x"), headers=bearer(slow)).status, 201, "a small one goes in")


def addresses(checks, world):
    """Behind a proxy each client has its own allowance, an IPv6 network of 64 bits one together; IPv4 in IPv6's dress is IPv4."""
    unix = world.path("addresses.sock")
    text = f'listen "unix:{unix}" {{ proxy = true }}\n' + ledger_section(world.ledger(), "per-address { requests-per-second = 1 burst = 3 }")
    with serve(world, text, listen=None, wait=False) as service:
        service.unix = str(unix)
        checks.ok(service.serving(), "the service runs")
        ended = [time.monotonic()]

        def passes(address, burst, what, n=20):
            """Of n requests the burst passes, and what a second gives since the one before them: one."""
            good = sum(r.status == 200 for r in statuses(service, n, {"X-Forwarded-For": address}))
            since, ended[0] = time.monotonic() - ended[0], time.monotonic()
            checks.ok(burst <= good <= burst + 1 + since and (good < n or since > n), f"{what}: {good} of {n} pass, {burst} at once, in {since:.1f} s")
        passes("192.0.2.1", 3, "one address")
        passes("192.0.2.2", 3, "another")
        passes("evil, 192.0.2.2", 0, "what the client itself wrote in front of the proxy's is not heard")
        passes("2001:db8::1", 3, "an IPv6 address")
        passes("2001:db8::2", 0, "its neighbour in the same /64")
        passes("2001:db8:0:1::1", 3, "another /64")
        passes("::ffff:192.0.2.3", 3, "an IPv4 address as a socket for both kinds tells it")
        passes("192.0.2.3", 0, "the same")
        passes("::ffff:192.0.2.4", 3, "its neighbour is another client")


def concurrent_requests(checks, world):
    with serve(world, ledger_section(world.ledger(), "per-address { concurrent = 2 }")) as service:
        streams = [service.socket() for _ in range(3)]
        for s in streams[:2]:
            s.sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
            checks.ok(s.recv(100).startswith(b"HTTP/1.1 200"), "a stream within the allowance")
        streams[2].sendall(b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
        checks.ok(streams[2].recv(100).startswith(b"HTTP/1.1 429"), "one more is 429")
        for s in streams:
            s.close()
        checks.ok(harness.wait_until(lambda: service.get(READ).status == 200, 60), "when the streams have ended there is room again")
    file = world.path()
    busy, other = new_token(file, "busy", "read"), new_token(file, "other", "read")
    with serve(world, ledger_section(world.ledger(), f'tokens = "{file}"', "per-principal { concurrent = 1 }")) as service, service.socket() as s:
        s.sendall(f"GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {busy}\r\n\r\n".encode())
        checks.ok(s.recv(100).startswith(b"HTTP/1.1 200"), "a stream of a principal")
        got = service.get(READ, headers=bearer(busy))
        checks.ok(got.status == 429 and got.header("retry-after", "").isdigit(), f"one more request of it is 429: {got}")
        checks.equal([service.get(READ, headers=bearer(other)).status, service.get(READ).status], [200, 200], "others are not held back by it")


def before_the_body(checks, world):
    """The answer comes although the body never does."""
    file = world.path()
    new_token(file, "x", "submit")
    with serve(world, ledger_section(world.ledger(), "submit = token", f'tokens = "{file}"')) as service:
        with service.socket(harness.SOON) as s:
            s.sendall(b"POST /entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/cose\r\nContent-Length: 60000\r\nExpect: 100-continue\r\n\r\n")
            checks.ok(s.recv(100).startswith(b"HTTP/1.1 401"), "401 instead of 100 Continue")
        with service.socket(harness.SOON) as s:
            s.sendall(b"POST /entries HTTP/1.1\r\nHost: x\r\nContent-Type: application/cose\r\nContent-Length: 1000000\r\n\r\n")
            checks.ok(s.recv(100).startswith(b"HTTP/1.1 401"), "401 before a large body")


def cost(service, bodies, headers, status):
    """Processor time of the service for each request, and whether all were answered so."""
    def client(part):
        connection = service.connect()
        return [service.post("/entries", body, headers=headers, connection=connection).status for body in part]
    begin = service.processor()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        got = [s for part in pool.map(client, [bodies[i::4] for i in range(4)]) for s in part]
    return (service.processor() - begin) / len(bodies), all(s == status for s in got)


def streams_end(checks, world):
    """A stream that is open does not outlive the token it was opened with."""
    file = world.path("tokens-of-streams")
    token = new_token(file, "follower", "read")
    ledger = world.ledger()
    with serve(world, ledger_section(ledger, "read = token", f'tokens = "{file}"')) as service:
        follower = service.socket(harness.SOON)
        follower.sendall(f"GET /v1/events?after=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        service.post_statement(world.statement())
        text = harness.read_until(follower, b"\nid: 1\n") or b""
        checks.ok(text.startswith(b"HTTP/1.1 200 "), f"the stream is open and follows: {text}")
        harness.muniment("token", "revoke", "follower", "--tokens", file)
        checks.ok(harness.wait_until(lambda: service.get(READ, headers=bearer(token)).status == 401, 10), "the token is revoked")
        service.post_statement(world.statement())
        rest = harness.read_until(follower, b"0\r\n\r\n")
        checks.ok(rest is not None and b"id: 2" not in rest, f"its stream ends without another entry: {rest and rest[:200]}")
        follower.close()


def changed_at_once(checks, world, n=16):
    """Who changes the file at the same time loses nothing of another's change; the file stays its owner's."""
    file = world.path("tokens-at-once")
    new_token(file, "gone", "read")
    if os.geteuid() == 0:
        os.chown(file, 65534, 65534)
    changes = [("new", "--name", f"n{i}", "--scope", "read") for i in range(n)] + [("revoke", "gone")]
    running = [subprocess.Popen([str(harness.program()), "token", *words, "--tokens", str(file), "-q"], stdout=subprocess.DEVNULL) for words in changes]
    checks.ok(all(p.wait() == 0 for p in running), "each of them succeeds")
    names = sorted(line.split()[0] for line in file.read_text().splitlines() if not line.startswith("#"))
    checks.equal(names, sorted(f"n{i}" for i in range(n)), "nothing is lost, and what was revoked does not come back")
    checks.equal((oct(file.stat().st_mode & 0o777), file.stat().st_uid), ("0o600", 65534 if os.geteuid() == 0 else os.geteuid()), "its mode and owner")
    link, before = world.path("tokens-link"), file.read_text()
    link.symlink_to(file)
    done = subprocess.run([str(harness.program()), "token", "revoke", "n0", "--tokens", str(link)], capture_output=True, text=True, check=False)
    checks.ok(done.returncode == 2 and "is a link" in done.stderr, f"through a link nothing is revoked that would stay: {done.stderr!r}")
    checks.ok(link.is_symlink() and file.read_text() == before, "and neither the link nor the file has changed")


def refusal_is_cheap(checks, world, n=1200):
    file = world.path()
    token = new_token(file, "x", "submit")
    text = 'log { level = warning }\n' + ledger_section(world.ledger(), "submit = token", f'tokens = "{file}"')
    with serve(world, text) as service:
        bodies = [world.statement(signer=world.es256) for _ in range(n)]
        accepted, all_accepted = cost(service, bodies, bearer(token), 201)
        refused, all_refused = cost(service, bodies, bearer("mun_" + "B" * 43), 401)
        checks.ok("event=request" not in service.log(), "level = warning keeps requests out of the log")
    checks.ok(all_accepted and all_refused, "all of them were accepted, or refused")
    checks.ok(refused < accepted / 2, f"a refusal costs {refused * 1e6:.0f} us of the processor, an acceptance {accepted * 1e6:.0f}")
    print(f"  processor time of a refusal {refused * 1e6:.0f} us, of an acceptance {accepted * 1e6:.0f} us")


def main():
    with harness.Checks() as checks, harness.World() as world:
        listed(checks, world)
        tokens_and_scopes(checks, world)
        open_ledger(checks, world)
        each_its_own(checks, world)
        certificates(checks, world)
        rates(checks, world)
        addresses(checks, world)
        concurrent_requests(checks, world)
        before_the_body(checks, world)
        streams_end(checks, world)
        changed_at_once(checks, world)
        refusal_is_cheap(checks, world)


if __name__ == "__main__":
    harness.build("muniment", "muniment-serve")
    main()
