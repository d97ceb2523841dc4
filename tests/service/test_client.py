#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command with -l URL, against the real service and against one that fails and lies (lying_proxy.py)."""
import base64
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time

import harness
from lying_proxy import DROP, Answer, Ask, Proxy

TESTS = []
ORIGIN = "client.example/log"


def test(function):
    TESTS.append(function)
    return function


class Place:
    """A user's folder: documents, a key, a configuration of its own."""

    def __init__(self, world, url, ledger):
        self.folder = world.path()
        self.folder.mkdir()
        self.url, self.ledger, self.world = url, ledger, world
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("MUNIMENT", "XDG")) and not k.lower().endswith("_proxy")}
        self.env.update(XDG_CONFIG_HOME=str(self.folder / "config"), LC_ALL="C", NO_COLOR="1")
        self.run("key", "new", "a.pem", url=None)

    def __truediv__(self, name):
        return self.folder / name

    def run(self, *arguments, want=0, url="", env=None, seconds=120):
        url = self.url if url == "" else url
        command = [str(harness.program()), *map(str, arguments)] + (["-l", url] if url else [])
        done = subprocess.run(command, cwd=self.folder, capture_output=True, timeout=seconds, env=dict(self.env, **(env or {})))
        done.text = (done.stdout + done.stderr).decode(errors="replace")
        if "Sanitizer" in done.text or "runtime error" in done.text:
            raise AssertionError(done.text)
        if want is not None and done.returncode != want:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}, not {want}:\n{done.text}")
        return done

    def objects(self, *arguments, **more):
        return [json.loads(line) for line in self.run(*arguments, "--json", **more).stdout.splitlines()]

    def comes(self, wanted, *arguments, **more):
        """Whether these are the objects; another process sees what was acknowledged a moment later."""
        return harness.wait_until(lambda: self.objects(*arguments, **more) == wanted, harness.SOON)

    def documents(self, count, folder="docs", content="document {}"):
        (self / folder).mkdir(exist_ok=True)
        for i in range(count):
            (self / folder / f"{i}.txt").write_text(f"{self.folder.name}/{folder}/" + content.format(i))

    def size(self):
        return self.objects("status")[0]["size"]

    def trust(self):
        self.run("trust", "add", self.ledger / "ledger.pub", "-y", url=None)


def says(done, *words):
    for word in words:
        assert word.lower() in done.text.lower(), f"{word!r} is not in {done.text!r}"


def flip(data, at):
    at = at % len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


# ---- The whole way --------------------------------------------------------------------------------


@test
def one_document(p, proxy):
    (p / "contract.txt").write_text("contract")
    done = p.run("register", "contract.txt", "--key", "a.pem")
    says(done, "registered as entry", "no key of " + ORIGIN + " is trusted here")
    p.run("verify", "contract.txt", "--ledger-key", p.ledger / "ledger.pub", "--issuer-key", "a.pem.pub", url=None)
    p.run("verify", "contract.txt", "-l", p.ledger, "--issuer-key", "a.pem.pub", url=None)
    says(p.run("register", "contract.txt", "--key", "a.pem"), "on the ledger already")
    os.remove(p / "contract.txt.scitt")
    says(p.run("register", "contract.txt", "--key", "a.pem"), "on the ledger already")
    evidence = p.run("show", "contract.txt.scitt", url=None)
    says(evidence, "receipt", "tlog-proof")
    p.run("sign", "contract.txt", "--key", "a.pem", "-o", "again.cose", "-s", "another", url=None)
    says(p.run("register", "again.cose"), "registered as entry")
    says(p.run("register", "again.cose"), "on the ledger already")
    p.trust()
    (p / "second.txt").write_text("second")
    assert "trusted here" not in p.run("register", "second.txt", "--key", "a.pem").text


@test
def many_documents_in_batches(p, proxy):
    p.documents(600)
    before = p.size()
    says(p.run("register", "-r", "docs", "--key", "a.pem"), "600 files: 600 registered", "0 failed")
    assert p.size() == before + 600
    assert proxy.count("POST", "/v1/batch") == 3, proxy.count("POST", "/v1/batch")
    p.run("verify", "-r", "docs", "--ledger-key", p.ledger / "ledger.pub", "--issuer-key", "a.pem.pub", url=None)
    posts = proxy.count("POST", "/")
    says(p.run("register", "-r", "docs", "--key", "a.pem"), "0 registered, 600 on the ledger already")
    assert proxy.count("POST", "/") == posts, "documents with evidence were sent again"
    shutil.rmtree(p / "docs")
    p.documents(40)
    says(p.run("register", "-r", "docs", "--key", "a.pem", "--out", "evidence"), "0 registered, 40 on the ledger already")
    p.run("verify", "-r", "docs", "--evidence", "evidence", "-l", p.ledger, "--issuer-key", "a.pem.pub", url=None)


@test
def reading_commands(p, proxy):
    p.documents(5)
    p.run("register", "-r", "docs", "--key", "a.pem", "-t", "text/plain")
    p.trust()
    size = p.size()
    listed = p.objects("list")
    assert p.objects("list", "--check") == listed
    assert p.comes(listed, "list", "-l", p.ledger, url=None), "the ledger itself lists something else"
    found = p.objects("find", "--file", "docs/3.txt", "--check")
    assert len(found) == 1 and found[0]["subject"] == "3.txt"
    assert p.objects("find", "--subject", "3.txt", "--content-type", "text/plain") == found
    assert p.objects("find", "--digest", found[0]["digest"], "--issuer", found[0]["issuer"]) == found
    assert len(p.objects("list", "--limit", "2")) == 2
    proxy.reset()
    assert [e["index"] for e in p.objects("list", "--after", str(size - 3))] == [size - 2, size - 1]
    assert [a.path for a in proxy.asked if a.path.startswith("/v1/entries?")] == [f"/v1/entries?after={size - 3}&limit=1000"], "the service looks for it"
    p.run("find", "--subject", "nothing", want=5)
    says(p.run("find", "--content-type", "a" * 5000, want=4), "too long for a URL")
    p.run("checkpoint", "-o", "old")
    (p / "more.txt").write_text("more")
    p.run("register", "more.txt", "--key", "a.pem")
    says(p.run("checkpoint", "--since", "old"), "only grown", f"from {size} to {size + 1}")
    index = found[0]["index"]
    for form in ("cose", "evidence", "tlog-proof"):
        p.run("receipt", index, "-F", form, "-o", f"r.{form}")
        p.run("receipt", "docs/3.txt.scitt", "-F", form, "-o", f"f.{form}")
    p.run("verify", "docs/3.txt", "-e", "r.evidence", "-l", p.ledger, "--issuer-key", "a.pem.pub", url=None)
    p.run("receipt", 10 ** 9, "-o", "none", want=5)
    status = p.objects("status")[0]
    assert status["origin"] == ORIGIN and status["trusted"] is True and status["size"] == size + 1 and status["state"] == "ready"
    says(p.run("show", p.url, url=None), ORIGIN)
    says(p.run("status", p.url, url=None), ORIGIN, "yes: its checkpoint")


@test
def trust_is_never_taken_from_the_network(p, proxy):
    (p / "a.txt").write_text("a")
    p.run("register", "a.txt", "--key", "a.pem")
    asked = len(proxy.asked)
    p.run("verify", "a.txt", want=3, url=None)
    p.run("verify", "a.txt", want=3, url=None, env={"MUNIMENT_LEDGER": p.url})
    assert len(proxy.asked) == asked, "verify has fetched something that nobody asked for"
    done = p.run("verify", "a.txt", want=3)
    says(done, "ok    receipt-signature", "?     ledger")
    says(p.run("trust", "add", p.url, url=None, want=2), "yes")
    p.run("verify", "a.txt", want=3)
    says(p.run("trust", "add", p.url, "-y", url=None), "trusted as ledger", ORIGIN)
    p.run("verify", "a.txt", "--issuer-key", "a.pem.pub", url=None)
    done = p.run("verify", "a.txt", want=3)
    says(done, "ok    ledger", "?     issuer")
    other = p.world.ledger("other.example/log")
    says(p.run("list", "--ledger-key", other / "ledger.pub", want=1), "another")
    p.run("list", "--ledger-key", p.ledger / "ledger.pub")
    p.run("key", "new", "b.pem", "--alg", "ed25519", url=None)
    vkey = p.run("key", "show", "b.pem.pub", "-F", "vkey", "-n", ORIGIN, url=None).stdout
    (p / "wrong.vkey").write_bytes(vkey)
    says(p.run("checkpoint", "--ledger-key", "wrong.vkey", want=1), "trusted here")


# ---- Failing --------------------------------------------------------------------------------------


@test
def told_to_wait(p, proxy):
    (p / "a.txt").write_text("a")
    proxy.rule = lambda ask: Answer(429, {"Retry-After": "1"}) if ask.method == "POST" and proxy.count("POST", "/") < 2 else None
    begin = time.monotonic()
    done = p.run("register", "a.txt", "--key", "a.pem")
    assert time.monotonic() - begin > 1, "Retry-After was not honoured"
    says(done, "registered as", "makes us wait")
    proxy.reset()
    proxy.rule = lambda ask: Answer(503, {"Retry-After": "5000"})
    begin = time.monotonic()
    says(p.run("list", want=75), "5000 seconds")
    assert time.monotonic() - begin < 60, "it waited"


@test
def cut_connections_are_tried_again(p, proxy):
    p.documents(3)
    seen = {}

    def first_is_cut(ask):
        seen[str(ask)] = seen.get(str(ask), 0) + 1
        return DROP if seen[str(ask)] == 1 and ask.method == "POST" else None

    before = p.size()
    proxy.rule = first_is_cut
    says(p.run("register", "-r", "docs", "--key", "a.pem"), "3 registered", "0 failed")
    proxy.reset()
    assert p.size() == before + 3
    proxy.rule = lambda ask: DROP if ask.method == "POST" else None
    p.documents(2, "lost")
    begin = time.monotonic()
    done = p.run("register", "-r", "lost", "--key", "a.pem", want=75)
    # libcurl itself tries once more where a connection that was kept open is cut.
    assert 6 <= proxy.count("POST", "/") <= 12 and 1 < time.monotonic() - begin < 60, (proxy.count("POST", "/"), time.monotonic() - begin)
    says(done, "cannot ask")
    says(p.run("list", url="unix:/nowhere/socket", want=75), "cannot ask")


@test
def answers_lost_after_registering(p, proxy):
    """The service registers, the answer is lost, the client is killed or gives up: nothing is on the log twice."""
    p.documents(300)
    before = p.size()
    proxy.change = lambda ask, answer: Answer(500, {}, b"") if ask.path == "/v1/batch" else None
    p.run("register", "-r", "docs", "--key", "a.pem", want=None)
    proxy.reset()
    assert p.size() > before + 1, "the batch was not registered behind the proxy"
    bare = [f for f in (p / "docs").glob("*.scitt")]
    assert bare, "no statement was kept before it was sent"
    says(p.run("verify", "docs/" + bare[-1].name[:-6], want=3, url=None), "no receipt") if len(bare) > 1 else None
    says(p.run("register", "-r", "docs", "--key", "a.pem"), "0 failed")
    assert p.size() == before + 300, (before, p.size())
    p.run("verify", "-r", "docs", "--ledger-key", p.ledger / "ledger.pub", "--issuer-key", "a.pem.pub", url=None)


@test
def killed_and_interrupted(p, proxy):
    p.documents(900)
    before = p.size()
    command = [str(harness.program()), "register", "-r", "docs", "--key", "a.pem", "-l", p.url]
    for number, after in ((signal.SIGKILL, 1), (signal.SIGINT, 300), (signal.SIGKILL, 600)):
        process = subprocess.Popen(command, cwd=p.folder, env=p.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(list((p / "docs").glob("*.scitt"))) < after:
            time.sleep(0.01)
        process.send_signal(number)
        process.wait()
    says(p.run("register", "-r", "docs", "--key", "a.pem"), "900 files", "0 failed")
    assert p.size() == before + 900, f"{p.size() - before} entries for 900 documents"
    p.run("verify", "-r", "docs", "--ledger-key", p.ledger / "ledger.pub", "--issuer-key", "a.pem.pub", url=None)


@test
def killed_on_both_sides(p, proxy):
    p.documents(400)
    ledger = p.world.ledger("both.example/log")
    with p.world.serve(ledger) as service:
        command = [str(harness.program()), "register", "-r", "docs", "--key", "a.pem", "-l", service.url]
        for after in (1, 60, 200, 330):
            process = subprocess.Popen(command, cwd=p.folder, env=p.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None and len(list((p / "docs").glob("*.scitt"))) < after:
                time.sleep(0.005)
            service.kill()
            process.kill()
            process.wait()
            service.start()
        says(p.run("register", "-r", "docs", "--key", "a.pem", url=service.url), "400 files", "0 failed")
        subjects = [e["subject"] for e in p.objects("list", url=service.url)]
    assert len(subjects) == len(set(subjects)) == 401, f"{len(subjects)} entries about {len(set(subjects))} subjects"
    p.run("verify", "-r", "docs", "--ledger-key", ledger / "ledger.pub", "--issuer-key", "a.pem.pub", url=None)


@test
def several_runs_at_once(p, proxy):
    p.documents(200)
    before = p.size()
    command = [str(harness.program()), "register", "-r", "docs", "--key", "a.pem", "-l", p.url]
    runs = [subprocess.Popen(command, cwd=p.folder, env=p.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(3)]
    told = [(run.communicate(timeout=120)[0], run.returncode) for run in runs]
    assert all(code == 0 or "another run registers the same documents" in text for text, code in told), told
    says(p.run("register", "-r", "docs", "--key", "a.pem"), "200 files", "0 failed")
    assert p.size() == before + 200, f"{p.size() - before} entries for 200 documents"


@test
def refused_by_the_policy(p, proxy):
    closed = p.world.ledger("closed.example/log", any_issuer=False)
    with p.world.serve(closed) as service:
        p.documents(20)
        done = p.run("register", "-r", "docs", "--key", "a.pem", "--issuer", "https://nobody.example", url=service.url, want=None)
        assert done.returncode in (4, 7), done.text
        says(done, "the others were not tried")
        assert not list((p / "docs").glob("*.scitt")), "a refused statement left a file behind"
        says(p.run("list", "--check", url=service.url), "closed.example/log")


@test
def not_yet(p, proxy):
    """SCRAPI 202 and 204: the receipt is at the Location later."""
    (p / "a.txt").write_text("a")
    state = {"polls": 0}

    def later(ask, answer):
        if ask.method == "POST" and answer.status == 201:
            return Answer(202, {"Location": answer.header("Location"), "Retry-After": "1"})
        if ask.method == "GET" and ask.path.startswith("/entries/"):
            state["polls"] += 1
            return Answer(204, {"Retry-After": "1"}) if state["polls"] < 2 else None
        return None

    proxy.change = later
    says(p.run("register", "a.txt", "--key", "a.pem"), "registered as entry")
    assert state["polls"] == 2
    proxy.change = lambda ask, answer: Answer(202, {"Location": "http://evil.example/entries/x"}) if ask.method == "POST" else None
    (p / "b.txt").write_text("b")
    says(p.run("register", "b.txt", "--key", "a.pem", want=1), "not below")


@test
def not_yet_in_a_batch(p, proxy):
    """One statement of a batch is registered later: it is asked for by itself."""
    p.documents(6)
    told = harness.cbor.encode({-1: "Pending", -2: "later", -3: "/entries/x", -4: 202}) if hasattr(harness.cbor, "encode") else bytes.fromhex(
        "a4 20 6750656e64696e67 21 656c61746572 22 6a2f656e74726965732f78 23 18ca")

    def one_is_pending(ask, answer):
        if ask.path != "/v1/batch":
            return None
        items = harness.cbor_sequence(answer.body)
        return Answer(200, answer.headers, b"".join(items[:2] + [told] + items[3:]))

    proxy.change = one_is_pending
    says(p.run("register", "-r", "docs", "--key", "a.pem"), "6 files", "0 failed")
    assert proxy.count("POST", "/entries") == 2, "the first one alone, and the one that came later"


@test
def without_the_batch_form(p, proxy):
    proxy.rule = lambda ask: Answer(404) if ask.path == "/v1/batch" else None
    p.documents(5)
    says(p.run("register", "-r", "docs", "--key", "a.pem"), "5 registered", "0 failed")
    assert proxy.count("POST", "/entries") == 5


@test
def batches_that_are_too_large(p, proxy):
    """A service may take less at once than the command would send."""
    tight = {name: p.world.ledger(f"{name}.example/log", name=name) for name in ("few", "less")}
    config = p.world.config(f'limits {{ batch-bytes = 65536 }}\nledger few {{ directory = "{tight["few"]}" }}\n'
                            f'ledger less {{ directory = "{tight["less"]}" per-address {{ body-bytes = 1000 }} }}\n')
    p.documents(300)
    with p.world.serve("--config", config) as service:
        for name in tight:
            url = f"{service.url}/{name}"
            says(p.run("register", "-r", "docs", "--key", "a.pem", "--out", name, url=url), "300 files: 300 registered", "0 failed")
            assert p.objects("status", url=url)[0]["size"] == 301
            (p / "large.txt").write_bytes(b"x" * 60000)
        says(p.run("register", "large.txt", "docs/1.txt", "--inline", "--key", "a.pem", "--out", "large", url=f"{service.url}/less", want=None), "too large")


# ---- Lying ----------------------------------------------------------------------------------------


@test
def what_was_not_asked_for(p, proxy):
    p.documents(3)
    p.run("register", "-r", "docs", "--key", "a.pem")
    p.trust()
    proxy.rule = lambda ask: proxy.real(Ask(ask.number, ask.method, ask.path.replace("after=2&", ""), b"", ask.headers)) if "after=2&" in ask.path else None
    says(p.run("find", "--after", "2", want=1), "answers with entry 0", "not what was searched for")


@test
def receipts_that_do_not_hold(p, proxy):
    (p / "a.txt").write_text("a")
    proxy.change = lambda ask, answer: Answer(201, answer.headers, flip(answer.body, -10)) if ask.method == "POST" else None
    done = p.run("register", "a.txt", "--key", "a.pem", want=None)
    assert done.returncode in (1, 4), done.text
    assert not (p / "a.txt.scitt").exists(), "evidence was written although the receipt does not hold"
    assert p.run("verify", "a.txt", "-l", p.ledger, "--issuer-key", "a.pem.pub", url=None, want=None).returncode != 0
    proxy.reset()
    p.run("register", "a.txt", "--key", "a.pem")
    other = p.world.statement("somebody/else")
    receipt = proxy.service.post_statement(other).body
    (p / "b.txt").write_text("b")
    proxy.change = lambda ask, answer: Answer(201, answer.headers, receipt) if ask.method == "POST" else None
    says(p.run("register", "b.txt", "--key", "a.pem", want=1), "does not hold")
    proxy.change = lambda ask, answer: Answer(200, answer.headers, flip(answer.body, len(answer.body) // 2)) if ask.path.endswith("/evidence") else None
    assert p.run("receipt", 1, "-o", "r", want=None).returncode in (1, 4)
    proxy.change = lambda ask, answer: proxy.real(type(ask)(0, "GET", "/v1/entries/2/evidence", b"", ask.headers)) if ask.path.endswith("1/evidence") else None
    says(p.run("receipt", 1, "-o", "r", want=1), "evidence of entry 2")
    assert not (p / "r").exists()


@test
def batches_with_wrong_results(p, proxy):
    p.documents(40)
    p.run("register", "docs/0.txt", "--key", "a.pem")

    def swapped(ask, answer):
        if ask.path != "/v1/batch":
            return None
        items = harness.cbor_sequence(answer.body)
        return Answer(200, answer.headers, b"".join(items[1:] + items[:1]))

    proxy.change = swapped
    says(p.run("register", "-r", "docs", "--key", "a.pem", want=1), "does not hold")
    p.documents(40, "docs2")
    proxy.change = lambda ask, answer: Answer(200, answer.headers, b"".join(harness.cbor_sequence(answer.body)[:-1])) if ask.path == "/v1/batch" else None
    says(p.run("register", "-r", "docs2", "--key", "a.pem", want=4), "results")
    for number, garbage in enumerate((b"\xff" * 100, b"\x9f" * 5000, b"")):
        p.documents(5, f"docs{number + 3}")
        proxy.change = lambda ask, answer, g=garbage: Answer(200, answer.headers, g) if ask.path == "/v1/batch" else None
        assert p.run("register", "-r", f"docs{number + 3}", "--key", "a.pem", want=None).returncode in (1, 4)
    proxy.reset()
    for folder in ("docs", "docs2", "docs3"):
        says(p.run("register", "-r", folder, "--key", "a.pem"), "0 failed")
    p.run("verify", "-r", "docs", "-l", p.ledger, "--issuer-key", "a.pem.pub", url=None)


@test
def tiles_that_are_not_there(p, proxy):
    """Receipts are enough: what a service has no tiles for is registered to the last document, without a tlog-proof."""
    for status in (500, 403, 404):
        p.documents(4, f"without{status}")
        proxy.change = lambda ask, answer, s=status: Answer(s, {}, b"") if ask.path.startswith("/tile/") else None
        says(p.run("register", "-r", f"without{status}", "--key", "a.pem"), "4 registered", "0 failed")
        proxy.reset()
        p.run("verify", "-r", f"without{status}", "-l", p.ledger, "--issuer-key", "a.pem.pub", url=None)


@test
def lists_that_lie(p, proxy):
    p.documents(4)
    p.run("register", "-r", "docs", "--key", "a.pem")
    p.trust()

    def edited(edit):
        def change(ask, answer):
            if not ask.path.startswith("/v1/entries?"):
                return None
            page = json.loads(answer.body)
            edit(page)
            return Answer(200, answer.headers, json.dumps(page).encode())
        return change

    def another_index(page):
        page["entries"][-1]["index"] -= 1

    def another_leaf(page):
        page["entries"][-1]["leaf"] = "00" * 32

    for edit in (another_index, another_leaf):
        proxy.change = edited(edit)
        assert p.run("list", want=None).returncode == 1
    proxy.change = edited(lambda page: page["entries"].append(page["entries"][0]))
    says(p.run("find", "--file", "docs/3.txt", want=1), "out of order")
    proxy.change = edited(lambda page: page["entries"].append(dict(page["entries"][0], index=page["entries"][0]["index"] + 1)))
    says(p.run("find", "--file", "docs/0.txt", want=1), "not what was searched for")
    for edit in (lambda page: page.update(checkpoint=page["checkpoint"].replace("\n", "\n1", 1)), lambda page: page.update(checkpoint="x")):
        proxy.change = edited(edit)
        assert p.run("list", want=None).returncode in (1, 4)
    for body in (b"", b"[]", b"{}", b'{"entries":{}}', b'{"entries":[{}]}', b'{"entries":[{"index":-1}]}', b'{"entries":[null]}', b"{" * 100000,
                 b'{"entries":[{"index":1,"time":7}]}', b'{"entries":[],"next":' + b'"x' + b"y" * 5000 + b'"}'):
        proxy.change = lambda ask, answer, b=body: Answer(200, answer.headers, b) if ask.path.startswith("/v1/entries?") else None
        assert p.run("list", want=None).returncode in (1, 4), body[:60]


@test
def what_check_sees(p, proxy):
    """An entry that the service shows consistently everywhere, but that is not in the signed tree: only the proof tells."""
    p.documents(4)
    p.run("register", "-r", "docs", "--key", "a.pem")
    p.trust()
    index = p.objects("find", "--file", "docs/2.txt")[0]["index"]
    forged = p.world.statement("forged")
    parts = harness.cbor.decode(forged, True).value
    entry = b"\xd2\x84" + harness.cbor.byte_string(parts[0]) + b"\xa0" + harness.cbor.byte_string(parts[2]) + harness.cbor.byte_string(parts[3])

    def forge(ask, answer):
        if ask.path.startswith("/v1/entries?"):
            page = json.loads(answer.body)
            for e in page["entries"]:
                if e["index"] == index:
                    e["leaf"] = harness.leaf_hash(forged).hex()
            return Answer(200, answer.headers, json.dumps(page).encode())
        if ask.path.startswith("/tile/entries/"):
            out, at, n = b"", 0, int(re.search(r"/(\d+)(?:\.p/\d+)?$", ask.path).group(1)) * 256
            while at < len(answer.body):
                length = int.from_bytes(answer.body[at:at + 2], "big")
                own = answer.body[at + 2:at + 2 + length]
                own = entry if n == index else own
                out, at, n = out + len(own).to_bytes(2, "big") + own, at + 2 + length, n + 1
            return Answer(200, answer.headers, out)
        if ask.path == f"/v1/entries/{index}/statement":
            return Answer(200, answer.headers, entry)
        return None

    proxy.change = forge
    assert "forged" in p.run("list").text, "the forgery does not even work"
    says(p.run("list", "--check", want=1), "not in the tree")
    proxy.change = lambda ask, answer: Answer(200, answer.headers, flip(answer.body, 33)) if re.match(r"/tile/\d", ask.path) else None
    says(p.run("list", "--check", want=1), "not in the tree")
    proxy.change = lambda ask, answer: Answer(200, answer.headers, answer.body[:-1]) if re.match(r"/tile/\d", ask.path) else None
    says(p.run("list", "--check", want=4), "tile")
    proxy.change = lambda ask, answer: Answer(200, answer.headers, answer.body[:-1]) if ask.path.startswith("/tile/entries") else None
    assert p.run("list", "--check", want=None).returncode in (1, 4)


@test
def another_history(p, proxy):
    """A ledger of the same name and keys that lost its last entries, or went on differently: `checkpoint --since` sees it; and within
    one command, a signed checkpoint that is older than the one before, another of its size, or a larger one that does not continue it."""
    ledger, copy = p.world.ledger("fork.example/log"), p.world.path()
    p.documents(4)
    p.run("trust", "add", ledger / "ledger.pub", "-y", url=None)
    with p.world.serve(ledger) as service:
        p.run("register", "-r", "docs", "--key", "a.pem", url=service.url)
    shutil.copytree(ledger, copy)
    (copy / "keys" / "home").unlink()  # what would tell it that it is a copy

    def grow(service, count, name):
        for i in range(count):
            (p / "x.txt").write_text(f"{name}{i}")
            p.run("register", "x.txt", "--key", "a.pem", "-s", f"{name}{i}", "--out", f"{name}{i}", url=service.url)

    with p.world.serve(ledger) as service:
        grow(service, 3, "one")
        p.run("checkpoint", "-o", "new", url=service.url)
        grow(service, 1, "four")
        newer = service.get("/checkpoint").text
    new = (p / "new").read_text()
    with p.world.serve(copy) as service, Proxy(service) as second:
        older = service.get("/checkpoint").text
        assert [text.split("\n")[1] for text in (older, new)] == ["5", "8"]
        says(p.run("checkpoint", "--since", "new", url=second.url, want=1), "entries were lost")
        grow(service, 3, "two")
        says(p.run("checkpoint", "--since", "new", url=second.url, want=1), "history was changed")

        def two_a_page(first, others):
            def change(ask, answer):
                if not ask.path.startswith("/v1/entries?"):
                    return None
                told = json.loads(second.real(Ask(0, "GET", ask.path.replace("limit=1000", "limit=2"), b"", ask.headers)).body)
                text = (others if "cursor=" in ask.path else first) or told["checkpoint"]
                return Answer(200, answer.headers, json.dumps(dict(told, checkpoint=text, size=int(text.split("\n")[1]))).encode())
            second.change = change

        for text, word in ((older, "entries were lost"), (new, "two different logs")):
            two_a_page(None, text)
            says(p.run("list", url=second.url, want=1), word)
        second.reset()
        mine = service.get("/checkpoint").text
        grow(service, 1, "three")
        says(p.run("checkpoint", "--since", "new", url=second.url, want=1), "history was changed")
        two_a_page(mine, None)  # from 8 entries to 9, as it was
        p.run("list", "--check", url=second.url)
        for first, others in ((mine, newer), (new, None)):
            two_a_page(first, others)
            says(p.run("list", url=second.url, want=1), "does not begin with the 8", "history was changed")
        two_a_page(mine, None)
        pages = second.change
        second.change = lambda ask, answer: Answer(404, {}, b"") if ask.path.startswith("/tile/0/") else pages(ask, answer)
        says(p.run("list", url=second.url, want=4), "no tiles that show", "8 it signed before")
        second.reset()
        root = new.split("\n")[2]
        forged = new.replace(root, base64.b64encode(bytes(32)).decode()).encode()
        second.change = lambda ask, answer: Answer(200, answer.headers, forged) if ask.path == "/checkpoint" else None
        says(p.run("checkpoint", url=second.url, want=1), "not signed")
    proxy.change = lambda ask, answer: Answer(200, answer.headers, new.encode()) if ask.path == "/checkpoint" else None
    says(p.run("checkpoint", want=1), "of another ledger")


@test
def answers_without_end(p, proxy):
    proxy.change = lambda ask, answer: Answer(200, answer.headers, b"x" * (9 << 20)) if ask.path == "/checkpoint" else None
    says(p.run("checkpoint", want=4), "longer than")
    proxy.change = lambda ask, answer: Answer(302, {"Location": "http://evil.example/"}) if ask.path == "/checkpoint" else None
    says(p.run("checkpoint", want=2), "elsewhere", "not followed")
    proxy.change = lambda ask, answer: Answer(200, {}, b"") if ask.path == "/ledger.pub" else None
    assert p.run("list", want=None).returncode == 4
    proxy.change = lambda ask, answer: Answer(404, {}, b"") if ask.path == "/ledger.pub" else None
    says(p.run("list", want=5), "no ledger")


@test
def names_too_long_for_a_url(p, proxy):
    (p / "long.txt").write_text("long")
    before, subject = p.size(), "\u6587" * 2700
    says(p.run("register", "long.txt", "--key", "a.pem", "-s", subject), "registered as entry")
    os.remove(p / "long.txt.scitt")
    says(p.run("register", "long.txt", "--key", "a.pem", "-s", subject), "on the ledger already")
    found = p.objects("find", "--subject", subject, "--check")
    assert [e["subject"] for e in found] == [subject] and found == p.objects("find", "--subject", subject, "--limit", "1")
    assert p.objects("find", "--subject", subject, "--file", "long.txt", "--issuer", found[0]["issuer"]) == found
    p.run("find", "--subject", subject[1:], want=5)
    p.run("find", "--issuer", "x" * 8000, want=5)
    deep = p / "docs" / ("\u6587" * 80) / ("\u6587" * 80) / ("\u6587" * 80) / ("\u6587" * 80) / ("\u6587" * 80)
    deep.mkdir(parents=True)
    for i in range(20):
        (deep / f"{i}.txt").write_text(f"deep {i}")
    says(p.run("register", "-r", "docs", "--key", "a.pem"), "20 files: 20 registered")
    says(p.run("register", "-r", "docs", "--key", "a.pem", "--out", "elsewhere"), "20 files: 0 registered, 20 on the ledger already")
    assert p.size() == before + 21


@test
def statements_that_would_hide_others(p, proxy):
    """Anybody may register these on an open ledger, for ever; the lists they stand in are read all the same."""
    ledger = p.world.ledger("hidden.example/log")
    odd = [p.world.statement("a\0b"), p.world.statement(content_type="\0"), p.world.statement(content_type=""), p.world.statement(content_type=2**64 - 1),
           p.world.statement("\uffff\u202e\x7f\r\n"), p.world.statement(content_type="\x01" * 60000)]
    long = [p.world.statement(f"{n}" + "\x01" * 8100) for n in range(300)]
    with p.world.serve(ledger) as service:
        for statement in odd:
            assert service.post_statement(statement).status == 201
        reply = service.post("/v1/batch", b"".join(long), "application/cbor-seq")
        assert len(harness.cbor_sequence(reply.body)) == len(long)
        listed = p.objects("list", "--check", url=service.url)
        assert p.comes(listed, "list", url=ledger) and [e["index"] for e in listed] == list(range(307)), listed[:8]
        assert [e["index"] for e in p.objects("find", "--issuer", listed[1]["issuer"], url=service.url)] == list(range(1, 307))
        got, pages = service.get("/v1/entries?limit=1000"), 1
        while (page := got.json())["next"]:
            assert len(got.body) < 3 << 20, "a page is bounded by its bytes, too"
            got, pages = service.get("/v1/entries?limit=1000&cursor=" + page["next"]), pages + 1
        assert pages > 5 and page["entries"][-1]["index"] == 306, pages
        assert service.get("/v1/entries/4").json()["content_type"] == str(2**64 - 1), "a number that few can read is text"


# ---- Ways -----------------------------------------------------------------------------------------


@test
def urls(p, proxy):
    for url, word in (("http://log.example.org", "not encrypted"), ("http://127.0.0.1.evil.example/", "not encrypted"), ("https://user:secret@host/", "user name"),
                      ("https://", "no host"), ("https://host:0/", "port"), ("https://host:99999/", "port"), ("https://host/?q=1", "query"),
                      ("https://host/a b", "percent"), ("unix:", "name"), ("unix:/" + "x" * 200, "107"), ("http:/x", "no URL")):
        done = p.run("list", url=url, want=2)
        says(done, word)
        assert "secret" not in done.text
    says(p.run("fsck", p.url, url=None, want=2), "directory")
    says(p.run("issuer", "list", want=2), "directory")
    with p.world.serve(p.world.ledger("sock.example/a", name="one"), p.world.ledger("sock.example/b", name="two"), listen="unix") as service:
        for name, origin in (("one", "sock.example/a"), ("two", "sock.example/b")):
            assert p.objects("status", url=f"unix:{service.unix}:/{name}")[0]["origin"] == origin
        listed = p.objects("status", url=f"unix:{service.unix}")
        assert [o["type"] for o in listed] == ["served", "served"] and {o["origin"] for o in listed} == {"sock.example/a", "sock.example/b"}
        says(p.run("list", url=f"unix:{service.unix}", want=5), "/NAME")
        (p / "a.txt").write_text("a")
        p.run("register", "a.txt", "--key", "a.pem", url=f"unix:{service.unix}:/two")
        p.documents(5)
        says(p.run("register", "-r", "docs", "--key", "a.pem", url=f"unix:{service.unix}:/two"), "5 registered")


@test
def tokens_stay_in_files(p, proxy):
    (p / "token").write_text("abc.DEF-123\n")
    says(p.run("list", "--token-file", "token", want=5), "chmod 600")
    os.chmod(p / "token", 0o600)
    p.run("list", "--token-file", "token")
    assert proxy.asked[-1].headers["Authorization"] == "Bearer abc.DEF-123"
    (p / "config" / "muniment").mkdir(parents=True)
    (p / "config" / "muniment" / "config").write_text(f"token-file = {p / 'token'}\nledger = {p.url}\n")
    proxy.reset()
    p.run("list", url=None)
    assert proxy.asked and all(a.headers["Authorization"] == "Bearer abc.DEF-123" for a in proxy.asked)
    (p / "bad").write_text("two words\r\nX-Evil: 1")
    os.chmod(p / "bad", 0o600)
    done = p.run("list", "--token-file", "bad", want=None)
    assert all("X-Evil" not in a.headers for a in proxy.asked)
    (p / "bad").write_text('quote"quote')
    done = p.run("list", "--token-file", "bad", want=2)
    assert "quote" not in done.text
    proxy.rule = lambda ask: Answer(401, {"Content-Type": harness.PROBLEM_JSON}, b'{"title":"Unauthorized","status":401,"detail":"a token is needed"}')
    done = p.run("list", "--token-file", "token", want=5)
    says(done, "a token is needed", "--token-file")
    assert "abc.DEF" not in done.text


@test
def encrypted(p, proxy):
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=p.folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=ca")
    for name, san in (("server", "IP:127.0.0.1"), ("stranger", "DNS:other.example"), ("client", "DNS:client.example")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (p / "ext").write_text(f"subjectAltName={san}\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-out", f"{name}.crt", "-extfile", "ext")
    pair = lambda name: (str(p / f"{name}.crt"), str(p / f"{name}.key"))
    with Proxy(proxy.service, certificate=pair("server")) as tls:
        says(p.run("list", url=tls.url, want=3), "no trusted connection", "--ca-file")
        p.run("list", "--ca-file", "ca.crt", url=tls.url)
    with Proxy(proxy.service, certificate=pair("stranger")) as tls:
        says(p.run("list", "--ca-file", "ca.crt", url=tls.url, want=3), "no trusted connection")
    with Proxy(proxy.service, certificate=pair("server"), client_ca=str(p / "ca.crt")) as tls:
        assert p.run("list", "--ca-file", "ca.crt", url=tls.url, want=None).returncode != 0
        p.run("list", "--ca-file", "ca.crt", "--client-cert", "client.crt", "--client-key", "client.key", url=tls.url)


@test
def without_libcurl(p, proxy):
    """Everything local works; what asks a service names the package."""
    (p / "lib").mkdir()
    source = p / "none.c"
    source.write_text("void *dlopen(const char *f, int n) { (void)f; (void)n; return 0; }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", p / "none.so", source], check=True)
    env = {"LD_PRELOAD": str(p / "none.so"), "ASAN_OPTIONS": "verify_asan_link_order=0"}
    says(p.run("list", env=env, want=4), "libcurl4")
    p.run("list", "-l", p.ledger, url=None, env=env)


# ---- Measuring ------------------------------------------------------------------------------------


@test
def the_bench_measures_a_service(p, proxy):
    names = ["http_register", "http_receipts", "http_open_p99", "http_tiles", "http_latency_p50", "http_latency_p99"]
    done = p.run("bench", "--url", proxy.service.url, "--seconds", "1", "--clients", "16", "--duplicates", "10%", "--json", url=None)  # so many that chance is small
    figures = {f["name"]: f for f in map(json.loads, done.stdout.splitlines())}
    assert sorted(figures) == sorted(names), figures
    assert all(f["value"] > 0 and set(f) == {"name", "value", "unit", "conditions"} for f in figures.values())
    assert "every one verified" in figures["http_register"]["conditions"]
    repeated = float(re.search(r"(\d+) % of them repeated", figures["http_register"]["conditions"]).group(1))
    assert 5 <= repeated <= 15, figures["http_register"]
    stages = json.loads(done.stderr.decode().strip().splitlines()[-1])
    assert {"receive", "queue", "parse", "verify", "append", "sign", "reply"} <= set(stages["mean_us"]), stages
    closed = p.world.ledger("closed.example/bench", any_issuer=False)
    key = p / "a.pem"
    harness.muniment("issuer", "add", "-l", closed, "--issuer", "https://a.example", str(key) + ".pub")
    with p.world.serve(closed) as service:
        says(p.run("bench", "http_register", "--url", service.url, "--seconds", "1", url=None, want=7), "any issuer", "--key")
        p.run("bench", "http_register", "--url", service.url, "--seconds", "1", "--clients", "2", "-k", key, "-i", "https://a.example", url=None)
    with p.world.serve(p.world.ledger("peer.example/log"), listen="unix") as peer:
        done = p.run("bench", "http_receipts", "--url", f"unix:{peer.unix}", "--peer", proxy.service.url, "--seconds", "1", "--clients", "2", "--json", url=None)
        assert [json.loads(line)["name"] for line in done.stdout.splitlines()] == ["http_receipts", "http_receipts_peer"]
    says(p.run("bench", "--url", "https://host/", url=None, want=2), "does not encrypt")
    says(p.run("bench", "--url", "http://127.0.0.1:1", url=None, want=75), "connect")
    says(p.run("bench", "--url", proxy.url, "--duplicates", "200%", url=None, want=2), "duplicates")


@test
def the_bench_sees_bad_receipts(p, proxy):
    proxy.change = lambda ask, answer: Answer(201, answer.headers, flip(answer.body, -3)) if ask.method == "POST" and ask.number % 5 == 0 else None
    says(p.run("bench", "http_register", "--url", proxy.url, "--seconds", "1", "--clients", "2", url=None, want=1), "do not verify")


@test
def the_bench_starts_a_service(p, proxy):
    done = p.run("bench", "http_latency_p50", "--seconds", "1", "--json", url=None)
    assert json.loads(done.stdout.splitlines()[0])["name"] == "http_latency_p50"
    assert not [f for f in p.folder.iterdir() if f.name.startswith((".tmp", "tmp", "muniment"))], list(p.folder.iterdir())


def main():
    only = os.environ.get("MUN_CLIENT_ONLY", "")
    with harness.Checks() as checks, harness.World() as world:
        ledger = world.ledger(ORIGIN)
        with world.serve(ledger) as service, Proxy(service) as proxy:
            for function in TESTS:
                if only not in function.__name__:
                    continue
                begin = time.monotonic()
                proxy.reset()
                try:
                    function(Place(world, proxy.url, ledger), proxy)
                    checks.ok(True, function.__name__)
                except Exception as why:  # noqa: BLE001: whatever it is, this test failed
                    checks.ok(False, f"{function.__name__}: {type(why).__name__}: {why}")
                if "MUN_TIMES" in os.environ:
                    print(f"  {function.__name__} {time.monotonic() - begin:.1f} s", flush=True)
            checks.ok(service.alive(), "the service is still there")


if __name__ == "__main__":
    main()
