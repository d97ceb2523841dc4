#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The packages under a real systemd (machine.py): installed, started by README's commands, used, reloaded, stopped, restarted, killed, hung,
upgraded while clients ask, cut from power, removed; the sandbox tried from within; DynamicUser, credentials and every drop-in that
docs/INSTALL.md names. Where the machine does not allow such namespaces it counts as skipped.
"""
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import textwrap
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "service"), str(pathlib.Path(__file__).parent)]
import harness  # noqa: E402
import machine  # noqa: E402
import packages_test  # noqa: E402
import readme_commands  # noqa: E402

SERVICE = "muniment.service"
SOCKETS = ("muniment.socket", "muniment-local.socket")
CONFIG, STATE = "/etc/muniment/muniment.conf", "/var/lib/muniment"
LOCAL = "http://127.0.0.1:8080"
PARTS = 12  # what is counted as skipped where it cannot run
PROBE = pathlib.Path(__file__).with_name("sandbox_probe.py")
# What the probe must be refused, and with which errno
SANDBOX = {"write /srv/open": "EROFS", "write /etc": "EROFS", "write /run/lock": "EROFS", "write /var/backups/muniment": "EROFS",
           "write /home": None, "write /dev/shm": None, "write /var/lib/muniment": "done",
           "internet socket": "EAFNOSUPPORT", "netlink socket": "EAFNOSUPPORT", "unix socket": "done",
           "write and run": "EPERM", "user namespace": "EPERM", "mount": "EPERM", "set-uid file": "EPERM", "realtime": "EPERM",
           "ptrace": "EPERM", "clock": "EPERM", "host name": "EPERM", "kernel log": "absent", "disk": "absent",
           "other processes": "absent", "root's home": "absent", "NoNewPrivs": "1", "Seccomp": "2", "CapBnd": "0" * 16, "CapEff": "0" * 16}


class Trial:
    def __init__(self, m, checks, world):
        self.m, self.checks, self.world, self.sent = m, checks, world, {}

    # ---- words ----

    def systemctl(self, *words, check=True):
        done = self.m.run("systemctl", *words, check=False)
        if check and done.returncode != 0:
            said = [line["MESSAGE"] for line in self.messages() if line["PRIORITY"] < "6"][-12:]
            raise AssertionError(f"systemctl {' '.join(words)}: {done.stderr}" + "\n".join(said))
        return done

    def of(self, name, unit=SERVICE):
        return self.systemctl("show", "-P", name, unit).stdout.strip()

    def state(self, *units):
        return self.systemctl("is-active", *units, check=False).stdout.split()

    def as_service(self, *words, check=True):
        return self.m.run("setpriv", "--reuid=muniment", "--regid=muniment", "--clear-groups", *words, check=check)

    def curl(self, path, *words, url=LOCAL, seconds=60):
        done = self.m.run("curl", "-sS", "--max-time", seconds, "-w", "\n%{http_code}", *words, f"{url}{path}", check=False)
        body, _, status = done.stdout.rpartition("\n")
        return int(status or 0), body

    def messages(self, unit=SERVICE):
        """What the journal has of the unit, with all that was said until now: priority and text."""
        self.m.run("journalctl", "--sync", check=False)
        lines = self.m.run("journalctl", "-u", unit, "-o", "json", "--output-fields=MESSAGE,PRIORITY,_COMM,SYSLOG_IDENTIFIER").stdout.splitlines()
        return [json.loads(line) for line in lines]

    def dropin(self, *lines, unit=SERVICE):
        folder = self.m.path(f"/etc/systemd/system/{unit}.d")
        folder.mkdir(exist_ok=True)
        (folder / "trial.conf").write_text("\n".join(["[Service]", *lines, ""]))
        self.systemctl("daemon-reload")

    def no_dropin(self, unit=SERVICE):
        self.m.run("rm", "-rf", f"/etc/systemd/system/{unit}.d")
        self.systemctl("daemon-reload")
        self.systemctl("reset-failed", SERVICE, *SOCKETS, check=False)

    def config(self, change=None):
        """The configuration; changed by a function of its text."""
        file = self.m.path(CONFIG)
        text = file.read_text()
        if change is not None:
            file.write_text(change(text))
        return text

    # ---- what must always hold ----

    def register(self, path="/entries", url=LOCAL):
        statement = self.world.statement()
        file = self.m.path("/root/statement")
        file.write_bytes(statement)
        status, _ = self.curl(path, "-H", "Content-Type: application/cose", "--data-binary", "@/root/statement", "-o", "/root/receipt", url=url)
        if status == 201 and path == "/entries":
            self.sent[harness.base64url(harness.leaf_hash(statement))] = True
        return status

    def all_there(self, when):
        missing = [name for name in self.sent if self.curl(f"/entries/{name}", "-o", "/dev/null")[0] != 200]
        self.checks.equal(missing, [], f"{len(self.sent)} acknowledged statements are there {when}")

    def running(self, when):
        """Ready as soon as systemctl returns, without a moment's wait."""
        state, status = self.state(SERVICE, *SOCKETS), self.curl("/healthz")[0]
        return self.checks.equal((state, status), (["active"] * 3, 200), f"service and sockets {when}")


# ---- the parts ----------------------------------------------------------------------------------

def installed(t, packages):
    for name in ("libmuniment0", "muniment"):
        t.m.path("/root").joinpath(packages[name].name).write_bytes(packages[name].read_bytes())
    done = upgrade(t)
    t.checks.equal(done.returncode, 0, f"dpkg: {done.stdout[-500:]}{done.stderr[-500:]}")
    t.checks.equal(t.state(SERVICE, *SOCKETS), ["inactive"] * 3, "nothing is started by the installation")
    t.checks.equal(t.systemctl("is-enabled", SERVICE, *SOCKETS, check=False).stdout.split(), ["disabled"] * 3, "or enabled")


def upgrade(t):
    return t.m.run("sh", "-c", "dpkg --force-unsafe-io -i /root/*.deb", check=False)


def unfinished(t):
    """The configuration as installed names no ledger: said once, as an error; nothing hangs and nothing is tried for ever."""
    done = t.systemctl("start", SERVICE, check=False)
    t.checks.ok(done.returncode != 0, "a service without ledgers does not start")
    time.sleep(2.5)  # more than RestartSec
    t.checks.equal((t.state(SERVICE), t.of("NRestarts")), (["failed"], "0"), "and is not restarted")
    said = [line for line in t.messages() if "no ledger" in line["MESSAGE"]]
    t.checks.equal([line["PRIORITY"] for line in said], ["3"], "its reason is an error in the journal")
    status, _ = t.curl("/healthz", seconds=10)
    t.checks.equal(status, 0, "a client is not kept waiting")
    t.systemctl("stop", *SOCKETS)
    t.systemctl("reset-failed", SERVICE, *SOCKETS, check=False)


def follow_readme(t):
    for command in readme_commands.blocks("README.md", "Run the service")[-1]:
        words = shlex.split(command)
        if words[:3] == ["sudo", "apt", "install"]:
            continue  # packages_test.py
        if words[0] == "sudo":
            words = words[1:]
        if words[0] == "-u":
            words = ["setpriv", f"--reuid={words[1]}", f"--regid={words[1]}", "--clear-groups", *words[2:]]
        done = t.m.run(*words, check=False)
        t.checks.equal(done.returncode, 0, f"$ {command}: {done.stdout}{done.stderr}")
    t.running("after systemctl enable --now")
    t.checks.equal((t.of("StatusText"), t.of("Type")), ("Running", "notify"), "what systemctl status says")
    t.checks.equal(t.m.run("ps", "-o", "user=", "-p", t.of("MainPID")).stdout.strip(), "muniment", "whose process it is")


def used(t):
    t.checks.equal(t.register(), 201, "a registration by curl")
    t.m.run("muniment", "key", "new", "/root/alice.key")
    t.m.path("/root/lease.txt").write_text("a lease\n")
    done = t.m.run("muniment", "register", "-l", LOCAL, "--key", "/root/alice.key", "/root/lease.txt", check=False)
    t.checks.equal(done.returncode, 0, f"a registration by the command: {done.stdout}{done.stderr}")
    done = t.m.run("muniment", "verify", "/root/lease.txt", "--issuer-key", "/root/alice.key.pub", "--ledger-key", f"{STATE}/contracts/ledger.pub",
                   check=False)
    t.checks.equal(done.returncode, 0, f"its evidence: {done.stdout}{done.stderr}")
    ask = ("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket", "/run/muniment/http.sock", "http://localhost/healthz")
    for group, wanted in (("www-data", "200"), ("nogroup", "000")):
        done = t.m.run("setpriv", "--reuid=nobody", f"--regid={group}", "--clear-groups", *ask, check=False)
        t.checks.equal(done.stdout, wanted, f"nginx's socket for the group {group}")
    told = {line["PRIORITY"]: line for line in t.messages() if "event=" in line["MESSAGE"]}
    t.checks.ok({"5", "6"} <= set(told), f"priorities in the journal: {sorted(told)}")
    t.checks.ok("event=started" in told["5"]["MESSAGE"] and "event=request" in told["6"]["MESSAGE"] and "time=" not in told["6"]["MESSAGE"],
                f"of a start and a request: {told}")
    t.checks.equal(told["6"]["SYSLOG_IDENTIFIER"], "muniment", "the identifier")


def sandbox(t):
    """The unit itself with another program: what it tries, the kernel refuses."""
    unit = t.m.path(f"/lib/systemd/system/{SERVICE}").read_text()
    unit = re.sub(r"^(Type|ExecStart|ExecReload|Sockets|Requires|Wants|After|Restart\w*|NotifyAccess|Watchdog\w*|Also|WantedBy)=.*\n", "", unit, flags=re.M)
    unit = unit.replace("[Service]\n", "[Service]\nType=oneshot\nExecStart=/usr/bin/python3 -I /etc/muniment/probe.py\n")
    t.m.path("/etc/systemd/system/probe.service").write_text(unit)
    t.m.path("/etc/muniment/probe.py").write_bytes(PROBE.read_bytes())
    t.m.run("install", "-d", "-m", "777", "/srv/open")
    t.systemctl("daemon-reload")
    done = t.systemctl("start", "probe.service", check=False)
    lines = [line["MESSAGE"] for line in t.messages("probe.service")]
    found = next((json.loads(line) for line in lines if line.startswith("{")), None)
    if t.checks.ok(done.returncode == 0 and found, f"the probe in the unit's sandbox: {lines}"):
        for what, wanted in SANDBOX.items():
            if wanted is None:
                t.checks.ok(found.get(what) not in ("done", None), f"{what} in the sandbox: {found.get(what)}")
            else:
                t.checks.equal(found.get(what), wanted, f"{what} in the sandbox")
        t.checks.equal(set(found) - set(SANDBOX), set(), "all that the probe tried is judged")
    pid = t.of("MainPID")
    nets = {t.m.run("readlink", f"/proc/{p}/ns/net").stdout for p in ("1", pid)}
    t.checks.equal(len(nets), 2, "the service has a network of its own, with nothing in it")
    status = t.m.path(f"/proc/{pid}/status").read_text()
    for line in ("NoNewPrivs:\t1", "Seccomp:\t2", "CapBnd:\t" + "0" * 16, "CapEff:\t" + "0" * 16):
        t.checks.ok(line in status, f"the running service: {line!r}")
    t.m.run("rm", "/etc/systemd/system/probe.service", "/etc/muniment/probe.py", f"{STATE}/probe")
    t.systemctl("daemon-reload")


def reloaded(t):
    t.as_service("muniment", "init", f"{STATE}/second", "--name", "ledger.example.org/second", "--any-issuer")
    before, pid = t.config(), t.of("MainPID")
    t.config(lambda text: text.replace('path      = "/"', 'path      = "/first"') + f'ledger second {{ directory = "{STATE}/second" path = "/second" }}\n')
    t.systemctl("reload", SERVICE)
    t.checks.ok(harness.wait_until(lambda: t.curl("/second/checkpoint")[0] == 200, harness.SOON), "a new ledger is served after systemctl reload")
    t.config(lambda text: text + "nonsense = 1\n")
    t.checks.ok(t.systemctl("reload", SERVICE, check=False).returncode != 0, "systemctl reload fails with a configuration that is refused")
    t.checks.ok(harness.wait_until(lambda: "refused" in t.of("StatusText"), harness.SOON), f"status tells of a configuration that was refused: {t.of('StatusText')}")
    t.checks.ok(any(line["PRIORITY"] == "3" and "reload_refused" in line["MESSAGE"] for line in t.messages()), "and so does the journal, as an error")
    t.checks.equal(t.curl("/second/checkpoint")[0], 200, "what was good is served on")
    t.config(lambda _: before)
    t.systemctl("reload", SERVICE)
    t.checks.ok(harness.wait_until(lambda: t.of("StatusText") == "Running" and t.curl("/checkpoint")[0] == 200, harness.SOON), "and a good one mends it")
    t.checks.equal(t.of("MainPID"), pid, "by the same process")


def stopped(t):
    """A client in the middle of its request, and a stop that the manager would cut off sooner but for EXTEND_TIMEOUT_USEC."""
    t.dropin("TimeoutStopSec=1")
    t.systemctl("restart", SERVICE)
    statement = t.world.statement()
    t.m.path("/root/slow").write_bytes(statement)
    slow = t.m.start("python3", "-c", textwrap.dedent("""
        import socket, time
        body = open('/root/slow', 'rb').read()
        s = socket.create_connection(('127.0.0.1', 8080))
        s.sendall(b'POST /entries HTTP/1.1\\r\\nHost: x\\r\\nContent-Type: application/cose\\r\\nContent-Length: %d\\r\\n\\r\\n' % len(body) + body[:9])
        print('sent', flush=True)
        time.sleep(3)
        s.sendall(body[9:])
        print(s.recv(20).decode(), flush=True)"""), stdout=subprocess.PIPE)
    t.checks.equal(slow.stdout.readline(), "sent\n", "a client that is slow")
    time.sleep(0.5)
    began = time.monotonic()
    done = t.systemctl("stop", SERVICE)
    took = time.monotonic() - began
    said = slow.communicate(timeout=60)[0].strip()
    t.checks.equal(said, "HTTP/1.1 201 Created", f"what was asked is answered in the middle of a stop, which took {took:.1f} s: {done.stderr}")
    if "201" in said:
        t.sent[harness.base64url(harness.leaf_hash(statement))] = True
    t.checks.equal((t.state(SERVICE), t.of("Result")), (["inactive"], "success"), "and the service ends in order")
    t.no_dropin()
    t.checks.equal(t.state(*SOCKETS), ["active"] * 2, "its sockets wait")
    t.checks.equal(t.curl("/healthz")[0], 200, "and the first client starts it")
    t.running("then")
    t.all_there("after the stop")


def restarted(t):
    """As often as a nervous administrator does it, while clients ask; and without the file that it needs."""
    clients = t.m.start("sh", "-c", f"for i in $(seq 80); do curl -s -m 60 -o /dev/null -w '%{{http_code}} ' {LOCAL}/healthz; done", stdout=subprocess.PIPE)
    codes = [t.systemctl("restart", SERVICE, check=False).returncode for _ in range(7)]
    told = clients.communicate(timeout=300)[0].split()
    t.checks.equal((codes, told), ([0] * 7, ["200"] * 80), "seven restarts in a row, and what clients got")
    t.m.run("mv", CONFIG, "/root/kept.conf")
    t.checks.ok(t.systemctl("restart", SERVICE, check=False).returncode != 0, "without its configuration a start fails, and says so")
    t.m.run("mv", "/root/kept.conf", CONFIG)
    t.systemctl("start", SERVICE)
    t.running("with it, at once")


def killed(t):
    t.systemctl("reset-failed", SERVICE)  # counts restarts anew
    pid = t.of("MainPID")
    t.checks.equal(t.register(), 201, "a registration")
    os.kill(host_pid(t, pid), signal.SIGKILL)
    t.checks.equal(t.register(), 201, "kill -9: the next client waits for the new process")
    t.checks.equal((t.of("NRestarts"), t.of("MainPID") != pid), ("1", True), "systemd restarted it")
    t.all_there("after kill -9")


def host_pid(t, pid):
    """A process of the machine, as numbered here."""
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            numbers = re.search(r"^NSpid:\s+(.*)$", status.read_text(), re.M)[1].split()
        except (OSError, TypeError):
            continue
        if numbers[1:] == [pid] and os.stat(status.parent / "ns/pid").st_ino == os.stat(f"/proc/{t.m.init}/ns/pid").st_ino:
            return int(numbers[0])
    raise AssertionError(f"no process {pid}")


def hung(t):
    t.dropin("WatchdogSec=4", "RestartSec=100ms")  # it is fed twice a second: a machine may stand still for three
    t.systemctl("restart", SERVICE)
    pid = t.of("MainPID")
    time.sleep(5)
    t.checks.equal((t.of("NRestarts"), t.of("MainPID")), ("0", pid), "the watchdog is fed while the service works")
    os.kill(host_pid(t, pid), signal.SIGSTOP)
    t.checks.equal(t.curl("/healthz")[0], 200, "a process that hangs is replaced")
    t.checks.ok(any("Watchdog timeout" in line["MESSAGE"] for line in t.messages()), "by the watchdog")
    t.no_dropin()
    t.systemctl("restart", SERVICE)


def journal_hung(t):
    """journald takes 8 MiB of lines into its socket, then nobody who logs may wait for it."""
    pid = host_pid(t, t.of("MainPID", "systemd-journald.service"))
    t.dropin("StandardError=journal")  # a new stream, none of it read yet
    t.systemctl("restart", SERVICE)
    os.kill(pid, signal.SIGSTOP)
    try:
        done = t.m.run("python3", "-c", textwrap.dedent("""
            import socket
            request = b'GET /' + b'x' * 700 + b' HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'
            answers, sockets = 0, [socket.create_connection(('127.0.0.1', 8080), 60) for _ in range(4)]
            for _ in range(200):
                for s in sockets: s.sendall(request * 40)
                for s in sockets:
                    got = b''
                    while got.count(b'HTTP/1.1 404') < 40: got += s.recv(65536) or exit('closed')
                    answers += 40
            print(answers)"""), check=False)
        t.checks.equal(done.stdout.strip(), "32000", f"answers while journald does not read: {done.stderr[-300:]}")
        t.checks.equal(t.register(), 201, "and registrations")
    finally:
        os.kill(pid, signal.SIGCONT)
    t.checks.ok(harness.wait_until(lambda: any("event=log_lost" in line["MESSAGE"] for line in t.messages()), 60, 0.5),
                "how many lines are missing is in the journal")
    t.no_dropin()


def elsewhere(t):
    """The drop-ins of docs/INSTALL.md."""
    before = t.config()
    t.m.run("install", "-d", "-o", "muniment", "-g", "muniment", "/srv/ledgers")
    t.as_service("muniment", "init", "/srv/ledgers/y", "--name", "ledger.example.org/y", "--any-issuer")
    t.config(lambda text: text + 'ledger y { directory = "/srv/ledgers/y" path = "/y" }\n')
    t.dropin("ReadWritePaths=/srv/ledgers")
    t.systemctl("restart", SERVICE)
    t.checks.equal(t.register("/y/entries"), 201, "a ledger below ReadWritePaths=")
    t.config(lambda _: before.replace('listen "socket:local"', 'listen "127.0.0.1:9090"'))
    t.dropin("PrivateNetwork=no", "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6", "IPAddressAllow=localhost")
    t.systemctl("restart", SERVICE)
    t.checks.equal(t.curl("/healthz", url="http://127.0.0.1:9090")[0], 200, "an address that the service binds itself")
    t.m.path("/root/passphrase").write_text("correct horse battery staple\n")
    t.m.run("sh", "-c", "umask 077; cp /root/passphrase /tmp/p; chown muniment /tmp/p")
    t.as_service("muniment", "init", f"{STATE}/locked", "--name", "ledger.example.org/locked", "--any-issuer", "--passphrase-file", "/tmp/p")
    t.config(lambda _: before + f'ledger locked {{ directory = "{STATE}/locked" path = "/locked"\n'
             '    passphrase-file = "/run/credentials/muniment.service/locked" }\n')
    t.dropin("LoadCredential=locked:/root/passphrase")
    t.systemctl("restart", SERVICE)
    t.checks.ok(harness.wait_until(lambda: t.register("/locked/entries") == 201, harness.SOON, 0.2), "a ledger whose passphrase is a credential")
    t.config(lambda _: before)
    t.no_dropin()
    t.systemctl("restart", SERVICE)


def dynamic(t):
    """A user that exists only while the service runs: the state changes its owner both ways."""
    t.dropin("DynamicUser=yes", "User=mundyn", "Group=mundyn")
    t.systemctl("restart", SERVICE)
    uid = int(t.m.run("ps", "-o", "uid=", "-p", t.of("MainPID")).stdout)
    t.checks.ok(61184 <= uid <= 65519, f"DynamicUser= gives a number of its own: {uid}")
    t.checks.equal(t.register(), 201, "and the service registers")
    done = t.m.run("systemd-run", "-q", "--pipe", "--wait", "-p", "DynamicUser=yes", "-p", "User=mundyn", "-p", "StateDirectory=muniment",
                   "muniment", "init", f"{STATE}/made", "--name", "ledger.example.org/made", check=False)
    t.checks.equal(done.returncode, 0, f"a ledger made as that user: {done.stdout}{done.stderr}")
    t.all_there("for a dynamic user")
    t.no_dropin()
    t.systemctl("restart", SERVICE)
    t.checks.equal(t.register(), 201, "the static user again")
    owner = t.m.run("stat", "-L", "-c", "%U %a", STATE).stdout.strip()
    t.checks.equal(owner, "muniment 750", "who owns the state then")


def backed_up(t):
    for which in ("first", "second"):
        t.systemctl("start", "muniment-backup@contracts.service")
        t.checks.equal(t.of("Result", "muniment-backup@contracts.service"), "success", f"the {which} backup")
    t.checks.ok(t.m.path("/var/backups/muniment/contracts/checkpoint").exists(), "stands where it should")
    t.systemctl("enable", "--now", "muniment-backup@contracts.timer")
    t.checks.equal(t.state("muniment-backup@contracts.timer"), ["active"], "its timer runs")


def upgraded(t):
    """Clients ask all the time, each on a connection of its own: some wait, none is refused."""
    pid = t.of("MainPID")
    clients = t.m.start("python3", "-c", textwrap.dedent("""
        import os, time, urllib.request
        until = time.monotonic() + 300; counts = {}
        while time.monotonic() < until and not os.path.exists('/root/upgraded'):
            time.sleep(0.002)
            try: told = urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=60).status
            except OSError as e: told = repr(e)
            counts[told] = counts.get(told, 0) + 1
        print(counts)"""), stdout=subprocess.PIPE)
    time.sleep(0.5)
    done = upgrade(t)
    t.checks.equal(done.returncode, 0, f"dpkg: {done.stderr[-500:]}")
    time.sleep(0.5)
    t.m.path("/root/upgraded").touch()
    told = clients.communicate(timeout=120)[0]
    t.checks.ok(re.fullmatch(r"\{200: \d{2,}\}\n", told), f"what clients got during an upgrade: {told}")
    t.checks.ok(t.of("MainPID") not in ("0", pid), "the new version runs")
    t.running("after the upgrade")
    t.all_there("after the upgrade")


def power_cut(t):
    t.checks.equal(t.register(), 201, "a registration, and the power is cut")
    t.m.power_cut()
    t.m.boot()
    t.checks.ok(harness.wait_until(lambda: t.state(SERVICE) == ["active"], 60), f"the service comes with the machine: {t.messages()[-5:]}")
    t.running("after the boot")
    t.all_there("after the power cut")
    t.systemctl("stop", *SOCKETS)  # and the service with them
    done = t.as_service("muniment", "fsck", "-l", f"{STATE}/contracts", "--deep", check=False)
    t.checks.equal(done.returncode, 0, f"fsck --deep: {done.stdout}{done.stderr}")


def removed(t):
    t.systemctl("start", SERVICE)
    t.m.run("dpkg", "--remove", "muniment")
    stopped_units = (SERVICE, *SOCKETS, "muniment-backup@contracts.timer")
    t.checks.equal(t.state(*stopped_units), ["inactive"] * 4, "removal stops the service, its sockets and the timers of backups")
    t.checks.ok(not t.m.path("/run/muniment/http.sock").exists(), "and takes the socket away")
    t.m.run("dpkg", "--purge", "muniment", "libmuniment0")
    t.checks.ok(t.m.path(f"{STATE}/contracts/ledger.pub").exists(), "ledgers stay")
    left = t.m.run("sh", "-c", "find /etc /run -name '*muniment*' | grep -v -e '^/run/systemd/' -e '^/etc/muniment$'", check=False).stdout
    t.checks.equal(left, "", "no unit, link or socket is left")


# ---- all of it ----------------------------------------------------------------------------------

def packages_of_this_tree(checks):
    """Those that packages_test.py built, unless the tree has changed since."""
    tree = packages_test.TREE
    done = packages_test.run("git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "-z", check=False)
    names = [name for name in done.stdout.split("\0") if name]
    fresh = names and all((tree / n).exists() and (tree / n).read_bytes() == (ROOT / n).read_bytes() for n in names if (ROOT / n).is_file())
    if fresh and all(any(packages_test.BUILD.glob(f"{n}_*.deb")) for n in packages_test.PACKAGES):
        return {n: next(packages_test.BUILD.glob(f"{n}_*.deb")) for n in packages_test.PACKAGES}
    return packages_test.build(checks)


def run_all(m, checks, world, packages):
    t = Trial(m, checks, world)
    installed(t, packages)
    for part in (unfinished, follow_readme, used, sandbox, reloaded, stopped, restarted, killed, hung, journal_hung, elsewhere, dynamic, backed_up, upgraded,
                 power_cut, removed):
        began = time.monotonic()
        part(t)
        print(f"{part.__name__}: {time.monotonic() - began:.1f} s", flush=True)


def main():
    with harness.Checks() as checks, harness.World() as world, tempfile.TemporaryDirectory(prefix="mun-machine-") as folder:
        (pathlib.Path(folder) / "machine").mkdir()
        if reason := packages_test.why_not():  # its files would be seen through the layer
            checks.skip(f"systemd in namespaces: {reason}", PARTS)
            return
        try:
            m = machine.Machine(pathlib.Path(folder) / "machine")
        except machine.Refused as reason:
            checks.skip(f"systemd in namespaces: {reason}", PARTS)
            return
        with m:
            try:
                m.boot()
            except machine.Refused as reason:
                checks.skip(f"systemd in namespaces: {reason}", PARTS)
                return
            packages = packages_of_this_tree(checks) if "MUN_PACKAGES_BUILT" not in os.environ else packages_test.build(checks)
            if packages is not None:
                run_all(m, checks, world, packages)


if __name__ == "__main__":
    main()
