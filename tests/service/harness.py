# SPDX-License-Identifier: Apache-2.0
"""What every black-box test of the service needs: the built programs, ledgers and signed statements, a running service, a small
HTTP client, raw sockets, and a counter whose last line ./check reads. Standard library only.

    import harness
    with harness.Checks() as checks, harness.World() as world:
        ledger = world.ledger("one.example/a")
        with world.serve(ledger) as service:
            reply = service.post_statement(world.statement("deed/1", b"text"))
            checks.equal(reply.status, 201, "a registration")

Which program: MUN_BIN (the file `muniment`; `muniment-serve` stands beside it), else muniment or release/muniment below
MUN_BUILD_DIR, else build/release/muniment. Parts of ./check call harness.build() first, which builds the release preset unless
MUN_BIN is set.
"""
import atexit
import base64
import contextlib
import hashlib
import http.client
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "differential"))
import material  # noqa: E402
from material import cbor, key_map, keys, merkle  # noqa: E402
from muniment_ref import receipt as reference  # noqa: E402

# Ends of waits and not measurements: a machine that is busy with other things gets by, what never comes is still found.
START_SECONDS = float(os.environ.get("MUN_START_SECONDS", "60"))  # until /healthz answers
STOP_SECONDS = 60  # until the process has ended after SIGTERM: more than drain-seconds
HTTP_SECONDS = 60  # one answer
PROBE_SECONDS = 10  # one answer of /healthz or /readyz
SOON = 30  # what is to happen by itself, and does so within moments

PORTS = (20000, 32000)  # below those that the kernel gives to clients: nobody has one by chance while its service is down

COSE = "application/cose"
RECEIPT = "application/scitt-receipt+cose"
STATEMENT = "application/scitt-statement+cose"
PROBLEM_CBOR = "application/concise-problem-details+cbor"
PROBLEM_JSON = "application/problem+json"
COUNTS = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")


# ---- programs -----------------------------------------------------------------------------------

def build_folder():
    return pathlib.Path(os.environ.get("MUN_BUILD_DIR", ROOT / "build")).resolve()


def program(name="muniment"):
    """The built program of this name."""
    if "MUN_BIN" in os.environ:
        return pathlib.Path(os.environ["MUN_BIN"]).resolve().with_name(name)
    for folder in (build_folder(), build_folder() / "release"):
        if (folder / name).is_file():
            return folder / name
    return build_folder() / "release" / name


def test_program(name):
    """A test's own program, which stands somewhere below the build folder."""
    folder = program().parent
    found = [p for p in folder.rglob(name) if p.is_file() and os.access(p, os.X_OK)]
    if not found:
        raise FileNotFoundError(f"no {name} below {folder}: build it first")
    return found[0]


def build(*targets, preset="release"):
    """Builds these targets of the preset; with MUN_BIN nothing is built. Ends the test where that fails."""
    if "MUN_BIN" in os.environ:
        return
    env = dict(os.environ, MUN_BUILD_DIR=str(build_folder()))
    if subprocess.run([ROOT / "tools" / "build", preset, *targets], env=env, check=False).returncode != 0:
        sys.exit(1)


def muniment(*arguments, check=True, timeout=120, **more):
    """Runs the command; output as text unless text=False. An unexpected end is an error with all that it said."""
    more.setdefault("text", True)
    done = subprocess.run([str(program()), *map(str, arguments)], capture_output=True, timeout=timeout, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"muniment {' '.join(map(str, arguments))} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done


def free_port():
    """A port that nobody has; nor does a client that connects while its service is started again."""
    while True:
        port = random.SystemRandom().randrange(*PORTS)
        with contextlib.suppress(OSError), socket.socket() as s:
            s.bind(("127.0.0.1", port))
            return port


def wait_until(ready, seconds, step=0.02):
    """True as soon as ready() is; False after so many seconds."""
    until = time.monotonic() + seconds
    while True:
        if ready():
            return True
        if time.monotonic() > until:
            return False
        time.sleep(step)


# ---- counting -----------------------------------------------------------------------------------

class Checks:
    """Counts; as a context it prints the closing line and ends the process with 1 where something failed."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def ok(self, good, what):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        if not good:
            print("FAIL:", what, flush=True)
        return bool(good)

    def equal(self, got, wanted, what):
        return self.ok(got == wanted, f"{what}: got {got!r:.400}, wanted {wanted!r:.400}")

    def among(self, got, wanted, what):
        return self.ok(got in wanted, f"{what}: got {got!r:.400}, wanted one of {wanted!r:.400}")

    def skip(self, what, count=1):
        self.skipped += count
        print("skipped:", what, flush=True)

    def child(self, done, what):
        """Adds the counts in the closing line of a finished subprocess; its failures are told."""
        lines = [line for line in (done.stdout or "").splitlines() if line.strip()]
        match = COUNTS.match(lines[-1].strip()) if lines else None
        for line in lines[:-1] if match else lines[-40:] + (done.stderr or "").splitlines()[-20:]:
            print(f"  {what}: {line}")
        if match is None:
            return self.ok(False, f"{what} ended with {done.returncode} and without its line of counts")
        print(f"  {what}: {match.group(0)}", flush=True)
        passed, failed, skipped = (int(n or 0) for n in match.groups())
        self.passed, self.failed, self.skipped = self.passed + passed, self.failed + failed, self.skipped + skipped
        return failed == 0 and self.ok(done.returncode == 0, f"{what} ended with {done.returncode}")

    def closing(self):
        return f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else "")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None and kind is not SystemExit:
            traceback.print_exception(kind, value, trace, file=sys.stdout)
            self.failed += 1
        print(self.closing(), flush=True)
        sys.stdout.flush()
        if self.failed or not self.passed + self.skipped:
            sys.exit(1)
        return True


# ---- answers ------------------------------------------------------------------------------------

class Response:
    def __init__(self, status, reason, headers, body):
        self.status, self.reason, self.body = status, reason, body
        self.headers = headers  # [(name, value)] as received

    def header(self, name, default=None):
        """The value; of several, joined with ', '."""
        found = [v for n, v in self.headers if n.lower() == name.lower()]
        return ", ".join(found) if found else default

    @property
    def type(self):
        """Media type without parameters, lower case."""
        return (self.header("content-type") or "").split(";")[0].strip().lower()

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)

    def cbor(self):
        return cbor.decode(self.body, strict=True)

    def problem(self):
        """(title, detail) of an RFC 9290 or RFC 9457 body; an error where it is neither."""
        if self.type == PROBLEM_CBOR:
            told = self.cbor()
            return told_text(told[-1]), told_text(told.get(-2))
        if self.type == PROBLEM_JSON:
            told = self.json()
            if told.get("status", self.status) != self.status:
                raise AssertionError(f"problem says {told['status']}, the status line {self.status}")
            return told["title"], told.get("detail")
        raise AssertionError(f"{self.status} with {self.header('content-type')!r}: not a problem body: {self.body[:200]!r}")

    def __repr__(self):
        return f"<{self.status} {self.header('content-type')} {self.body[:120]!r}>"


def told_text(value):
    """A text of RFC 9290: plain, or tag 38 around [language, text]."""
    return value.value[1] if isinstance(value, cbor.Tag) and value.number == 38 else value


def cbor_sequence(data):
    """The items of a CBOR sequence (RFC 8742), each as its bytes."""
    reader, items = cbor.Reader(data, strict=True), []
    while reader.at < len(data):
        begin = reader.at
        reader.value(0)
        items.append(data[begin:reader.at])
    return items


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def read_to_end(s, limit=64 << 20):
    """Everything until the other side closes (or resets) the connection or the socket's timeout strikes."""
    data = bytearray()
    with contextlib.suppress(OSError):
        while len(data) < limit and (part := s.recv(65536)):
            data += part
    return bytes(data)


def read_until(s, mark, limit=64 << 20):
    """What comes up to this mark and with it; None where the end or the timeout comes before it: the socket's, counted from here,
    since what comes again and again (a stream's sign of life) would begin it anew."""
    data, until = bytearray(), time.monotonic() + (s.gettimeout() or HTTP_SECONDS)
    with contextlib.suppress(OSError):
        while mark not in data and len(data) < limit and time.monotonic() < until and (part := s.recv(65536)):
            data += part
    return bytes(data) if mark in data else None


def parse_head(head):
    """Status line and fields (without the empty line) as a Response without body, or None."""
    lines = head.split(b"\r\n")
    first = lines[0].split(b" ", 2)
    if len(first) < 2 or not first[0].startswith(b"HTTP/1.") or not first[1].isdigit():
        return None
    headers = [tuple(p.strip().decode("latin-1") for p in line.split(b":", 1)) for line in lines[1:]]
    return Response(int(first[1]), b"".join(first[2:]).decode("latin-1"), headers, b"")


def parse_responses(data):
    """The responses in these bytes, as Response; what is not one ends the list as ('rest', bytes)."""
    found = []
    while data:
        head, mark, rest = data.partition(b"\r\n\r\n")
        response = parse_head(head) if mark else None
        if response is None:
            return found + [("rest", data)]
        length = response.header("content-length")
        if 100 <= response.status < 200 or response.status in (204, 304):
            data = rest
        elif length is not None:
            response.body, data = rest[:int(length)], rest[int(length):]
        elif (response.header("transfer-encoding") or "").lower() == "chunked":
            response.body, data = dechunk(rest)
        else:
            response.body, data = rest, b""
        found.append(response)
    return found


def dechunk(data):
    body = bytearray()
    while True:
        line, mark, data = data.partition(b"\r\n")
        if not mark:
            return bytes(body), b""
        size = int(line.split(b";")[0], 16)
        if size == 0:
            return bytes(body), data.partition(b"\r\n")[2]
        body += data[:size]
        data = data[size + 2:]


# ---- the service --------------------------------------------------------------------------------

RUNNING = set()


@atexit.register
def end_all():
    for process in list(RUNNING):
        if process.poll() is None:
            process.kill()
            process.wait()


class Service:
    """One `muniment serve`. listen: 'tcp', 'unix', or what to give to --listen. As a context it is stopped at the end."""

    def __init__(self, arguments, folder, listen="tcp", env=None, wrapper=(), wait=True):
        self.folder = pathlib.Path(folder)
        self.unix = None
        if listen == "tcp":
            listen = f"127.0.0.1:{free_port()}"
        elif listen == "unix":
            listen = f"unix:{self.folder / 'http.sock'}"
        if listen is not None and listen.startswith("unix:"):
            self.unix = listen[5:]
        self.listen = listen
        self.host, _, port = (listen or "127.0.0.1:8080").rpartition(":") if not self.unix else ("localhost", "", "0")
        self.port = int(port)
        self.command = [*map(str, wrapper), str(program()), "serve", *map(str, arguments)]
        if listen is not None:
            self.command += ["--listen", listen]
        self.env = dict(os.environ, **(env or {}))
        self.log_path = self.folder / "service.log"
        self.out_path = self.folder / "service.out"
        self.process = None
        self.start(wait)

    def start(self, wait=True):
        """Starts (again), and waits until it serves."""
        with open(self.log_path, "ab") as err, open(self.out_path, "ab") as out:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=self.env)
        RUNNING.add(self.process)
        return self.serving() if wait else self

    def serving(self):
        """Waits until /healthz answers and each ledger has been opened or cannot be: who asks earlier may be told to come again."""
        if not wait_until(lambda: not self.alive() or self.healthy() and self.begun(), START_SECONDS):
            self.kill()
            raise AssertionError(f"it does not serve after {START_SECONDS} s: {self.log()[-2000:]}")
        if not self.alive():
            raise AssertionError(f"{' '.join(self.command)} ended with {self.process.returncode}: {self.log()[-2000:]}")
        return self

    def healthy(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.request("GET", "/healthz", timeout=PROBE_SECONDS).status == 200
        return False

    def begun(self):
        """It has tried to open its ledgers (the first 64 of them)."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.request("GET", "/readyz", timeout=PROBE_SECONDS).json()["status"] != "starting"
        return False

    def ready(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.request("GET", "/readyz", timeout=PROBE_SECONDS).status == 200
        return False

    def settled(self, path, **more):
        """The answer to a GET when its ledger has moved: what is being opened or closed anew is answered 503 for a while."""
        found = []
        wait_until(lambda: found.append(self.get(path, **more)) or found[-1].status != 503, SOON)
        return found[-1]

    @property
    def pid(self):
        return self.process.pid

    @property
    def url(self):
        return f"http://localhost (unix:{self.unix})" if self.unix else f"http://{self.host}:{self.port}"

    def alive(self):
        return self.process.poll() is None

    def stop(self, seconds=STOP_SECONDS):
        """SIGTERM; the exit status, or None where it had to be killed."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return None
        finally:
            RUNNING.discard(self.process)

    def kill(self):
        """kill -9."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        RUNNING.discard(self.process)

    def signal(self, number=signal.SIGHUP):
        self.process.send_signal(number)

    def log(self):
        """Its lines; of a living process those that are whole. A request has its line, as its figures, a moment after its answer."""
        text = self.log_path.read_text(errors="replace")
        return text[:text.rfind("\n") + 1] if self.alive() else text

    def logged(self, *texts, seconds=SOON):
        """Whether each of these comes to stand in the log."""
        return wait_until(lambda: all(text in self.log() for text in texts), seconds)

    def output(self):
        """What it said; it greets a moment after it answers."""
        wait_until(lambda: not self.alive() or self.out_path.stat().st_size > 0, SOON)
        return self.out_path.read_text(errors="replace")

    def processor(self):
        """Seconds of processor time that it has taken, which a busy machine does not change much."""
        parts = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, field="VmRSS"):
        """Bytes, from /proc."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {field}")

    def connect(self, timeout=HTTP_SECONDS):
        """A connection that stays open: http.client's."""
        if self.unix:
            return UnixConnection(self.unix, timeout)
        return http.client.HTTPConnection(self.host.strip("[]"), self.port, timeout=timeout)

    def request(self, method, path, body=None, headers=(), timeout=HTTP_SECONDS, connection=None):
        """One request; on a connection of its own unless one is given."""
        own = connection or self.connect(timeout)
        try:
            own.request(method, path, body=body, headers=dict(headers))
            got = own.getresponse()
            return Response(got.status, got.reason, got.getheaders(), got.read())
        finally:
            if connection is None:
                own.close()

    def get(self, path, accept=None, **more):
        headers = dict(more.pop("headers", ()), **({"Accept": accept} if accept else {}))
        return self.request("GET", path, headers=headers, **more)

    def post(self, path, body, content_type=COSE, **more):
        headers = {"Content-Type": content_type, **dict(more.pop("headers", ()))}
        return self.request("POST", path, body=body, headers=headers, **more)

    def post_statement(self, statement, base="", **more):
        return self.post(base + "/entries", statement, **more)

    def socket(self, timeout=10):
        """A raw connected socket."""
        if self.unix:
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(timeout)
            s.connect(self.unix)
            return s
        return socket.create_connection((self.host.strip("[]"), self.port), timeout)

    def raw(self, data, timeout=10, half_close=False):
        """Sends these bytes at once, and returns all that comes until the service closes or nothing more comes."""
        with self.socket(timeout) as s:
            with contextlib.suppress(OSError):
                s.sendall(data)
                if half_close:
                    s.shutdown(socket.SHUT_WR)
            return read_to_end(s)

    def metric(self, name, connection=None, **labels):
        """The value of one sample of /metrics, or None; labels must be among its labels."""
        for line in self.get("/metrics", connection=connection).text.splitlines():
            if line.startswith("#") or not line.startswith(name):
                continue
            key, _, value = line.rpartition(" ")
            if key.split("{")[0] == name and all(f'{k}="{v}"' in key for k, v in labels.items()):
                return float(value)
        return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


# ---- ledgers, keys, statements ------------------------------------------------------------------

def own_name(key):
    """The thumbprint URI, which an any-issuer ledger takes as `iss`."""
    return next(iter(keys.own_names(key)))


def make_statement(signer, subject, payload, issuer=None, inline=True, content_type="text/plain", **protected):
    """A signed statement, tagged COSE_Sign1. issuer None: the key's own name, with the key in cnf."""
    claims = {1: issuer or own_name(signer.key), 2: subject}
    if issuer is None:
        claims[8] = {1: key_map(signer.key)}
    header = {1: signer.alg, 4: keys.thumbprint(signer.key), 15: claims}
    if inline:
        header[3] = content_type
    else:
        header.update({258: -16, 259: content_type})
        payload = hashlib.sha256(payload).digest()
    header.update({int(k.lstrip("_")): v for k, v in protected.items()})
    return material.sign1(signer, header, payload)


def leaf_hash(statement):
    """H(00 || entry bytes) of a tagged COSE_Sign1 (docs/format/statement.md, STMT-21 and 22)."""
    parts = cbor.decode(statement, True).value
    entry = b"\xd2\x84" + cbor.byte_string(parts[0]) + b"\xa0" + cbor.byte_string(parts[2]) + cbor.byte_string(parts[3])
    return merkle.leaf_hash(entry)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def location_of(statement):
    """The path below the ledger's base where its receipt is, for ever."""
    return "/entries/" + base64url(leaf_hash(statement))


class World:
    """A temporary folder with ledgers, keys, statements and services; all of it goes at the end."""

    def __init__(self, folder=None, keep=False):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="mun-"))
        self.keep = keep or "MUN_KEEP" in os.environ
        self.numbers = itertools.count(1)
        self.services = []
        self.signer = material.EdSigner("harness")
        self.es256 = material.EcSigner("harness es256", 1, -7)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for service in self.services:
            service.kill()
        if self.keep:
            print("kept:", self.folder)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name=None):
        """A new path in the folder."""
        return self.folder / (name or f"file-{next(self.numbers)}")

    def ledger(self, origin=None, any_issuer=True, name=None, alg=None):
        """A new ledger's directory; its last part is `name`."""
        number = next(self.numbers)
        folder = self.folder / (name or f"ledger{number}")
        muniment("init", folder, "--name", origin or f"test.example/{number}",
                 *(["--any-issuer"] if any_issuer else []), *(["--alg", alg] if alg else []))
        return folder

    def key(self, name=None, alg="es256"):
        """A key file made by `muniment key new`; its public half stands beside it as FILE.pub."""
        path = self.path(name or f"key-{next(self.numbers)}.pem")
        muniment("key", "new", path, "--alg", alg)
        return path

    def document(self, content=None):
        path = self.path()
        path.write_bytes(content if content is not None else os.urandom(64))
        return path

    def sign(self, key, content=None, issuer=None, subject=None, inline=False):
        """A statement made by `muniment sign`."""
        document, out = self.document(content), self.path()
        muniment("sign", document, "--key", key, "-o", out, *(["--issuer", issuer] if issuer else []),
                 *(["--subject", subject] if subject else []), *(["--inline"] if inline else []))
        return out.read_bytes()

    def statement(self, subject=None, payload=None, signer=None, **more):
        """A statement made here, in Python, for any-issuer ledgers; different each time unless subject and payload are given."""
        number = next(self.numbers)
        return make_statement(signer or self.signer, subject or f"subject/{number}",
                              b"payload %d" % number if payload is None else payload, **more)

    def config(self, text):
        path = self.path()
        path.write_text(text)
        return path

    def serve(self, *arguments, **more):
        """`muniment serve ARGUMENTS` (ledger directories, options)."""
        folder = self.folder / f"service{next(self.numbers)}"
        folder.mkdir()
        service = Service(arguments, folder, **more)
        self.services.append(service)
        return service

    def identity(self, ledger):
        return identity(ledger)


def identity(ledger):
    """What ledger.pub says: {'origin', 'receipts': COSE_Key bytes, 'checkpoints': vkey, 'file': path}."""
    file = pathlib.Path(ledger) / "ledger.pub"
    lines = dict(line.split(" ", 1) for line in file.read_text().splitlines()[1:])
    return {"origin": lines["origin"], "receipts": base64.b64decode(lines["receipts"]), "checkpoints": lines["checkpoints"], "file": file}


def receipt_good(receipt, leaf, receipts_key):
    """By ref/: an inclusion receipt that is good for this leaf under the ledger's COSE_Key."""
    return reference.good_for_leaf(receipt, leaf, keys.parse_cose(receipts_key))


def quote(text):
    return urllib.parse.quote(text, safe="")
