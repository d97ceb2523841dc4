#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The Debian packages: built from a copy of the tree, linted, installed, used the way the unit uses
them, removed and purged again. Everything from the installation on needs root and a machine where
muniment is not installed; elsewhere it counts as skipped.

The installed service runs as its own user, under systemd-socket-activate with the unit's own
ExecStart, sockets' names and notify protocol, because systemd need not be the init here.
"""
import contextlib
import os
import pathlib
import pwd
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "service"), str(pathlib.Path(__file__).parent)]
import harness  # noqa: E402
import nginx_front  # noqa: E402
import readme_commands  # noqa: E402

BUILD = harness.build_folder() / "packages"
TREE = BUILD / "muniment"
PACKAGES = ("libmuniment0", "libmuniment-dev", "muniment")
STATE = pathlib.Path("/var/lib/muniment")
CONFIG = pathlib.Path("/etc/muniment/muniment.conf")
UNITS = ("muniment.service", "muniment.socket", "muniment-local.socket", "muniment-backup@.service", "muniment-backup@.timer")
BACKUPS = pathlib.Path("/var/backups/muniment")
UNIT_FOLDER = pathlib.Path("/lib/systemd/system")
EXPOSURE_MAX = 0.5  # of systemd-analyze security; 0.2 when this was written (docs/INSTALL.md)
WATCHED = ("/etc", "/usr", "/lib/systemd", "/var/lib", "/var/backups", "/var/log", "/run")
# What apt, dpkg and other programs write by themselves
NOISE = re.compile(r"/var/lib/(apt|dpkg|systemd|private|ucf|man-db|docker|containerd)|/var/log/|/var/cache/|/etc/(ld\.so\.cache|mtab|\.pwd\.lock|"
                   r"passwd-|group-|shadow-|gshadow-)|__pycache__|/run/|/usr/share/applications/mimeinfo")
SKIPPED_PARTS = 6  # installed, units, used, sandbox, removed, purged
# A line of strace that makes, opens for writing, renames or removes a path
WRITES = re.compile(r"\b(?:openat\(AT_FDCWD, |mkdir\(|unlink\(|rename\()"
                    r"\"([^\"]+)\"(?:, [A-Z_|]*O_(?:WRONLY|RDWR|CREAT)|\)|, \")")
START_SECONDS = 60


def run(*words, check=True, **more):
    more.setdefault("timeout", 300)
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))} ended with {done.returncode}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done


# ---- building -----------------------------------------------------------------------------------

def copy_tree():
    """The tree as it stands, without what is built: as a release would hold it."""
    shutil.rmtree(TREE, ignore_errors=True)
    TREE.mkdir(parents=True)
    listed = run("git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "-z", check=False)
    if listed.returncode != 0:  # a tree without git
        shutil.copytree(ROOT, TREE, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("build", "__pycache__", ".git"))
        return
    for name in filter(None, listed.stdout.split("\0")):
        source, to = ROOT / name, TREE / name
        if source.is_symlink() or source.is_file():
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, to, follow_symlinks=False)


def build(checks):
    if "MUN_PACKAGES_BUILT" in os.environ:  # for whoever works on this test: those of the last run
        return {name: next(BUILD.glob(f"{name}_*.deb")) for name in PACKAGES}
    for old in BUILD.glob("*.*"):
        old.unlink()
    copy_tree()
    env = dict(os.environ, LC_ALL="C.UTF-8", DEB_BUILD_OPTIONS=f"parallel={os.environ.get('MUN_JOBS', os.cpu_count())} noautodbgsym")
    if "MUN_LONG" not in os.environ:
        env["DEB_BUILD_OPTIONS"] += " nolto"
    if pathlib.Path("/usr/lib/ccache/gcc").exists():
        env.update(PATH=f"/usr/lib/ccache:{env['PATH']}", CCACHE_BASEDIR=str(BUILD), CCACHE_NOHASHDIR="1")
        env.setdefault("CCACHE_DIR", str(BUILD.parent / "ccache"))  # debhelper's HOME is not there
    log = BUILD / "build.log"
    with open(log, "wb") as out:
        code = subprocess.run(["dpkg-buildpackage", "-us", "-uc", "-b", "--no-check-builddeps"] if not builddeps_known() else
                              ["dpkg-buildpackage", "-us", "-uc", "-b"], cwd=TREE, env=env, stdin=subprocess.DEVNULL, stdout=out,
                              stderr=subprocess.STDOUT, check=False).returncode
    if not checks.equal(code, 0, "dpkg-buildpackage"):
        print("\n".join(line[:300] for line in log.read_text(errors="replace").splitlines()[-25:]))
        return None
    text = log.read_text(errors="replace")
    checks.ok("dpkg-gensymbols: warning" not in text, "the symbols file fits the library")
    checks.ok(not re.search(r"dh_\w+: warning", text), "debhelper has nothing to warn of")
    packages = {name: next(BUILD.glob(f"{name}_*.deb"), None) for name in PACKAGES}
    checks.ok(all(packages.values()), f"three packages: {packages}")
    return packages


def builddeps_known():
    """False where a build dependency was built here by hand instead of installed; the build itself then tells."""
    return run("dpkg-checkbuilddeps", cwd=TREE, check=False).returncode == 0


def lint(checks):
    done = run("lintian", "--allow-root", "--no-cfg", "--fail-on", "error,warning", *BUILD.glob("*.changes"), check=False)
    checks.equal((done.returncode, done.stdout.strip()), (0, ""), f"lintian: {done.stderr[-500:]}")
    for unit in ("muniment.service", "muniment-backup@.service"):
        done = run("systemd-analyze", "security", "--offline=true", f"--threshold={int(EXPOSURE_MAX * 10)}", "--no-pager",
                   TREE / "packaging/systemd" / unit, check=False)
        level = re.search(r"exposure level for muniment\S*: ([0-9.]+)", done.stdout)
        checks.ok(done.returncode == 0 and level and float(level[1]) <= EXPOSURE_MAX, f"systemd-analyze security: {done.stdout[-200:]}{done.stderr[-200:]}")
        print(f"exposure of {unit}: {level[1] if level else '?'} of 10")


def contents(checks, packages):
    def listing(name):
        return {line.split(None, 5)[5].split(" -> ")[0].lstrip("."): line.split()[0]
                for line in run("dpkg-deb", "-c", packages[name]).stdout.splitlines()}
    programs = listing("muniment")
    for path in ("/usr/bin/muniment", "/usr/libexec/muniment/muniment-serve", "/usr/libexec/muniment/muniment-kit",
                 "/usr/share/man/man1/muniment.1.gz", "/usr/share/man/man1/muniment-serve.1.gz", "/lib/systemd/system/muniment.service",
                 "/usr/share/bash-completion/completions/muniment", "/usr/share/zsh/vendor-completions/_muniment",
                 "/usr/share/fish/vendor_completions.d/muniment.fish", "/usr/share/muniment/ref/muniment_ref/verify.py",
                 "/usr/share/muniment/format/receipt.md", "/usr/share/muniment/nginx/problems/413.cbor",
                 "/usr/share/doc/muniment/examples/muniment-mtls.conf", "/etc/muniment/muniment.conf"):
        checks.ok(path in programs, f"muniment has {path}")
    checks.ok(any(re.fullmatch(r"/usr/lib/[^/]+/libmuniment\.so\.0", p) for p in listing("libmuniment0")), "libmuniment0 has the library")
    development = listing("libmuniment-dev")
    for end in ("/include/muniment/ledger.h", "/libmuniment.a", "/libmuniment.so", "/pkgconfig/muniment.pc", "/muniment-config.cmake"):
        checks.ok(any(p.endswith(end) for p in development), f"libmuniment-dev has …{end}")
    checks.ok(not any(mode[5] == "w" or mode[8] == "w" for name in PACKAGES for mode in listing(name).values() if mode[0] != "l"),
              "nothing is writable but by root")


# ---- installing ---------------------------------------------------------------------------------

def everything():
    found = set()
    for top in WATCHED:
        for folder, folders, files in os.walk(top):
            folders[:] = [f for f in folders if not NOISE.search(f"{folder}/{f}/")]
            found.update(p for p in (f"{folder}/{f}" for f in (*folders, *files)) if not NOISE.search(p))
    return found


def apt(*words):
    env = dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C")
    # Small images leave out documentation; of these packages it is wanted
    whole = [word for path in ("doc", "man") for word in ("-o", f"Dpkg::Options::=--path-include=/usr/share/{path}/*")]
    return run("apt-get", *whole, "-qq", "-y", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0",
               "--no-install-recommends", *words, env=env, check=False)


def dpkg(*words):
    """What went wrong; empty: nothing. A lock held by another program is waited for."""
    for _ in range(60):
        done = run("dpkg", *words, env=dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C"), check=False)
        if done.returncode == 0 or "lock" not in done.stderr:
            break
        time.sleep(5)
    return "" if done.returncode == 0 else done.stdout[-1000:] + done.stderr[-1000:]


def install(checks, packages):
    done = apt("install", *packages.values())
    if not checks.equal(done.returncode, 0, f"apt-get install: {done.stdout[-1500:]}{done.stderr[-1500:]}"):
        return False
    checks.equal(run("dpkg", "-V", *PACKAGES, check=False).stdout, "", "every file is as packaged")
    owner = STATE.stat()
    checks.equal((owner.st_uid, oct(owner.st_mode & 0o7777)), (pwd.getpwnam("muniment").pw_uid, "0o750"), f"{STATE} belongs to the service")
    checks.ok(pwd.getpwnam("muniment").pw_shell.endswith("nologin"), "whose user cannot log in")
    checks.ok(not list(pathlib.Path("/etc/systemd/system").rglob("muniment*")), "nothing is enabled by the installation")
    checks.ok(run("muniment", "version").stdout.startswith("muniment"), "the command runs")
    checks.ok("muniment" in run("man", "-P", "cat", "muniment", check=False).stdout.lower() or not shutil.which("man"), "its manual page is found")
    return True


def library(checks, folder):
    """Somebody else's program, from what libmuniment-dev holds."""
    example = pathlib.Path("/usr/share/doc/libmuniment-dev/examples/first_ledger.c")
    flags = run("pkg-config", "--cflags", "--libs", "muniment").stdout.split()
    run("gcc", "-Wall", "-Werror", example, *flags, "-o", folder / "example")
    checks.equal(run(folder / "example", folder / "ledger", check=False).returncode, 0, "the example against the installed library")
    needed = run("readelf", "-d", folder / "example").stdout
    checks.ok("libmuniment.so.0" in needed, "uses the shared library")


def units(checks):
    done = run("systemd-analyze", "verify", "--man=yes", *(UNIT_FOLDER / unit for unit in UNITS), check=False)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "muniment" in line]
    checks.equal((done.returncode if ours else 0, ours), (0, []), "systemd-analyze verify")


def sites(checks, folder):
    """The nginx sites as installed, with what they include from where it was installed; only certificates are made up."""
    program = nginx_front.program()
    if program is None:
        checks.ok(False, "nginx is not installed (tools/prepare check)")
        return
    cert, key = nginx_front.Authority(folder, "site").issue("front", ["ledger.example.org"])
    for path in pathlib.Path("/usr/share/doc/muniment/examples").glob("muniment*.conf"):
        text = re.sub(r"(ssl_certificate +|ssl_client_certificate +)\S+;", rf"\g<1>{cert};", path.read_text())
        (folder / path.name).write_text(re.sub(r"(ssl_certificate_key +)\S+;", rf"\g<1>{key};", text).replace("/var/log/nginx/", f"{folder}/"))
    nginx_front.link_as_told(folder, pathlib.Path("/usr/share/muniment/nginx"), folder)
    main = folder / "nginx.conf"
    main.write_text(f"pid {folder}/nginx.pid;\nevents {{ }}\nhttp {{\n{nginx_front.temporary_paths(folder)}{nginx_front.includes(folder)}}}\n")
    done = run(program, "-t", "-q", "-c", main, "-e", folder / "nginx.log", check=False)
    checks.equal(done.returncode, 0, f"nginx -t on the installed sites: {done.stderr}")


# ---- the service as the unit runs it ------------------------------------------------------------

def directive(unit, name):
    return [line.partition("=")[2] for line in (UNIT_FOLDER / unit).read_text().splitlines() if line.startswith(f"{name}=")]


class Unit:
    """ExecStart of the installed unit, as its user, with its sockets (in a folder and on a port of ours)."""

    def __init__(self, folder, wrapper=()):
        self.folder, self.wrapper = folder, wrapper
        self.unix, self.port = folder / "http.sock", harness.free_port()
        self.log = folder / "unit.log"
        self.process = None
        self.notes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notes.bind(str(folder / "notify"))
        os.chmod(folder / "notify", 0o666)

    def command(self):
        names = ":".join(directive(unit, "FileDescriptorName")[0] for unit in ("muniment.socket", "muniment-local.socket"))
        user = directive("muniment.service", "User")[0]
        self.unix.unlink(missing_ok=True)
        return ["systemd-socket-activate", "-l", str(self.unix), "-l", f"127.0.0.1:{self.port}", f"--fdname={names}",
                "-E", f"NOTIFY_SOCKET={self.folder}/notify", "-E", "PATH=/usr/bin:/bin", *self.wrapper,
                "setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all",
                *shlex.split(directive("muniment.service", "ExecStart")[0])]

    def start(self):
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/",
                                            umask=0o077, start_new_session=True)
        harness.wait_until(lambda: self.log.read_text().count("Listening on") >= 1, START_SECONDS)
        # systemd-socket-activate starts the program with the first connection, as the unit's sockets do
        harness.wait_until(lambda: self.process.poll() is not None or self.get("/healthz")[0] == 200, START_SECONDS)
        return self.process.poll() is None and self.get("/healthz")[0] == 200

    def told(self):
        """All that the notify socket has received, as one text."""
        lines = []
        self.notes.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                lines.append(self.notes.recv(65536).decode())
        return "\n".join(lines)

    def curl(self, path, *words):
        done = run("curl", "-sS", "--max-time", "60", "-w", "\n%{http_code}", *words, f"http://127.0.0.1:{self.port}{path}", check=False)
        body, _, status = done.stdout.rpartition("\n")
        return int(status or 0), body

    get = curl

    def stop(self, how=signal.SIGTERM):
        os.kill(self.process.pid, how)
        try:
            return self.process.wait(45)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            return None

    def close(self):
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.notes.close()


def as_service(*words, **more):
    return run("setpriv", "--reuid=muniment", "--regid=muniment", "--clear-groups", *words, cwd="/", **more)


def follow_readme(checks, unit, packages):
    """The last block of README's "Run the service", command by command; only systemctl is played by the Unit."""
    for command in readme_commands.blocks("README.md", "Run the service")[-1]:
        words = shlex.split(command.replace("127.0.0.1:8080", f"127.0.0.1:{unit.port}"))
        what = f"$ {command}"
        if words[:3] == ["sudo", "apt", "install"]:
            checks.equal({w.removeprefix("./") for w in words[3:]}, {packages[n].name for n in ("libmuniment0", "muniment")}, what)
        elif words[:3] == ["sudo", "-u", "muniment"]:
            done = as_service(*words[3:], check=False)
            checks.equal(done.returncode, 0, f"{what}: {done.stdout}{done.stderr}")
        elif words[:2] == ["sudo", "systemctl"]:
            checks.equal(words[2:], ["enable", "--now", "muniment.service"], what)
            checks.ok(unit.start(), f"{what}: {unit.log.read_text()[-2000:]}")
        else:
            done = run(*words[words[0] == "sudo":], check=False)
            checks.equal(done.returncode, 0, f"{what}: {done.stdout}{done.stderr}")


def unfinished(checks):
    done = as_service("muniment", "serve", "--check", "--config", CONFIG, check=False)
    checks.ok(done.returncode != 0 and "ledger" in done.stderr, f"the configuration as installed is refused with the reason: {done.stderr}")


def use(checks, world, unit):
    if unit.process is None or not checks.equal(unit.get("/healthz")[0], 200, "the unit's ExecStart serves"):
        return
    told = []  # a moment later
    checks.ok(harness.wait_until(lambda: told.append(unit.told()) or "READY=1" in "\n".join(told).split("\n"), harness.SOON), f"and says so: {told}")
    statement = world.path("statement")
    statement.write_bytes(world.statement("deed/1", b"a document"))
    receipt = world.path("receipt")
    status, _ = unit.curl("/entries", "-H", "Content-Type: application/cose", "--data-binary", f"@{statement}", "-o", receipt)
    checks.equal(status, 201, "a registration by curl")
    checks.ok(receipt.read_bytes()[:1] == b"\xd2", "gives a receipt")
    status, _ = unit.curl("/entries", "--unix-socket", unit.unix, "-H", "Content-Type: application/cose", "--data-binary", f"@{statement}", "-o", receipt)
    checks.among(status, (200, 201), "again, through the socket for nginx")
    evidence = world.path("evidence")
    checks.equal(unit.curl("/v1/entries/1/evidence", "-o", evidence)[0], 200, "its evidence")
    shown = run("muniment", "verify", "--evidence", evidence, "--ledger-key", public_key(world), check=False)
    checks.among(shown.returncode, (0, 3), f"muniment verify: {shown.stdout}{shown.stderr}")
    metrics = unit.get("/metrics")
    checks.ok(metrics[0] == 200 and "# TYPE" in metrics[1], "metrics for Prometheus")
    backup(checks)
    reload_and_stop(checks, unit)


def backup(checks):
    """The timer's unit by hand, twice, while the service runs."""
    command = shlex.split(directive("muniment-backup@.service", "ExecStart")[0].replace("%i", "contracts"))
    for time_of in ("first", "second"):
        done = as_service(*command, check=False, umask=int(directive("muniment-backup@.service", "UMask")[0], 8))
        checks.equal(done.returncode, 0, f"the {time_of} backup: {done.stdout}{done.stderr}")
    checks.ok((BACKUPS / "contracts" / "checkpoint").exists() and not list((BACKUPS / "contracts").rglob("keys")), "which holds no keys")
    checks.equal(oct((BACKUPS / "contracts" / "checkpoint").stat().st_mode & 0o77), "0o0", "and is nobody else's to read")


def public_key(world):
    path = world.path("ledger.pub")
    shutil.copy(STATE / "contracts" / "ledger.pub", path)
    return path


def reload_and_stop(checks, unit):
    os.kill(unit.process.pid, signal.SIGHUP)
    texts = []
    checks.ok(harness.wait_until(lambda: texts.append(unit.told()) or "RELOADING=1" in (t := "\n".join(texts)) and "READY=1" in t.split("RELOADING=1")[1], harness.SOON),
              f"a reload begins and ends: {texts}")
    checks.equal(unit.get("/healthz")[0], 200, "and it still serves")
    unit.stop(signal.SIGKILL)
    checks.ok(unit.start(), f"after kill -9 it starts again: {unit.log.read_text()[-2000:]}")
    checks.equal(unit.curl("/v1/entries/1/receipt", "-o", "/dev/null")[0], 200, "and has lost nothing")
    unit.told()
    checks.equal(unit.stop(), 0, f"SIGTERM ends it in order: {unit.log.read_text()[-1000:]}")
    checks.ok("STOPPING=1" in unit.told(), "and it says so")
    checks.ok("-----BEGIN" not in unit.log.read_text(), "no key in the log")


# ---- what the sandbox would refuse --------------------------------------------------------------

def sandbox(checks, world, folder):
    """The unit's filters cannot be tried without systemd as init; what the service does is held against them instead."""
    trace = folder / "trace"
    unit = Unit(folder, ("strace", "-D", "-f", "-qq", "-o", str(trace), "-e", "signal=none"))
    try:
        if not checks.ok(unit.start(), f"the service under strace: {unit.log.read_text()[-1000:]}"):
            return
        statement = world.path("traced")
        statement.write_bytes(world.statement("deed/traced", b"traced"))
        unit.curl("/entries", "-H", "Content-Type: application/cose", "--data-binary", f"@{statement}", "-o", "/dev/null")
        for path in ("/checkpoint", "/v1/entries", "/metrics", "/readyz"):
            unit.curl(path, "-o", "/dev/null")
        os.kill(unit.process.pid, signal.SIGHUP)
        time.sleep(0.5)
        unit.stop()
    finally:
        unit.close()
    lines = trace.read_text(errors="replace").splitlines()
    begin = next((i for i, line in enumerate(lines) if 'execve("/usr/bin/muniment"' in line), 0)
    lines = lines[begin:]
    checks.ok(len(lines) > 500, f"{len(lines)} system calls were seen")
    called = {m[1] for line in lines if (m := re.match(r"\d+ +(?:<\.\.\. )?([a-z_0-9]+)(?:\(| resumed)", line))}
    checks.equal(called - allowed_calls(), set(), "system calls that the unit's filter refuses")
    checks.equal([line for line in lines if "PROT_WRITE|PROT_EXEC" in line or "PROT_READ|PROT_WRITE|PROT_EXEC" in line], [], "memory both written and run")
    families = {m[1] for line in lines if (m := re.search(r"\bsocket\((AF_\w+)", line))}
    checks.equal(families - set(directive("muniment.service", "RestrictAddressFamilies")[0].split()), set(), "address families beyond the unit's")
    written = {m[1] for line in lines if (m := WRITES.search(line))}
    checks.equal({w for w in written if not w.startswith((str(STATE), "/dev/null", "/tmp"))}, set(), "paths written outside the state directory")


def allowed_calls():
    """The names that SystemCallFilter= leaves."""
    def names(group):
        if not group.startswith("@"):
            return {group}
        found = set()
        for line in run("systemd-analyze", "syscall-filter", group).stdout.splitlines()[1:]:
            word = line.strip()
            if word and not word.startswith("#"):
                found |= names(word)
        return found
    allowed = set()
    for value in directive("muniment.service", "SystemCallFilter"):
        listed = set().union(*(names(word) for word in value.lstrip("~").split()))
        allowed = allowed - listed if value.startswith("~") else allowed | listed
    return allowed | {"exit", "exit_group", "execve", "rt_sigreturn", "arch_prctl", "restart_syscall"}


# ---- removing -----------------------------------------------------------------------------------

def remove(checks, before):
    checks.equal(dpkg("--remove", *PACKAGES), "", "removal")
    checks.ok(CONFIG.exists() and (STATE / "contracts" / "ledger.pub").exists(), "configuration and ledgers stay")
    checks.equal(dpkg("--purge", "muniment"), "", "purge")
    checks.ok((STATE / "contracts" / "ledger.pub").exists(), "the ledgers stay, even then")
    checks.equal(pwd.getpwnam("muniment").pw_name, "muniment", "and their owner with them")
    left = sorted(p for p in everything() - before if not p.startswith(str(STATE)))
    checks.equal(left, [], "nothing else is left behind")
    shown = harness.muniment if harness.program().exists() else None
    if shown:
        checks.equal(shown("fsck", "-l", STATE / "contracts", "--deep", check=False).returncode, 0, "and they are whole")


def purge_without_ledgers(checks, packages, before):
    """Where no ledger was made, the user goes as well."""
    shutil.rmtree(STATE)
    checks.equal(dpkg("--install", packages["muniment"]), "", "installed again")
    checks.equal(dpkg("--purge", "muniment"), "", "and purged")
    checks.ok(not STATE.exists() and "muniment" not in {p.pw_name for p in pwd.getpwall()}, "without ledgers neither folder nor user stays")
    checks.equal(sorted(everything() - before), [], "nothing is left behind")


def clean_up():
    """Whatever happened: the machine is as it was."""
    dpkg("--purge", *PACKAGES)
    shutil.rmtree(STATE, ignore_errors=True)
    shutil.rmtree("/etc/muniment", ignore_errors=True)
    shutil.rmtree(BACKUPS, ignore_errors=True)
    if "muniment" in {p.pw_name for p in pwd.getpwall()}:
        run("userdel", "muniment", check=False)


def why_not():
    if os.getuid() != 0:
        return "installing needs root"
    if STATE.exists() or BACKUPS.exists() or CONFIG.exists() or "muniment" in {p.pw_name for p in pwd.getpwall()}:
        return "muniment is installed on this machine, or was: it is left alone"
    return None


def main():
    with harness.Checks() as checks, harness.World() as world:
        began = time.monotonic()
        packages = build(checks)
        if packages is None:
            return
        say = lambda what: print(f"{what} after {time.monotonic() - began:.0f} s", flush=True)  # noqa: E731
        say("built")
        lint(checks)
        say("linted")
        contents(checks, packages)
        if reason := why_not():
            checks.skip(f"{reason}: installed, units, used, sandbox, removed, purged", SKIPPED_PARTS)
            return
        before = everything()
        try:
            if install(checks, packages):
                say("installed")
                in_use(checks, world, packages)
                say("used")
                remove(checks, before)
                purge_without_ledgers(checks, packages, before)
        finally:
            clean_up()
        say("removed and cleaned up")


def in_use(checks, world, packages):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mun-unit-"))
    os.chmod(folder, 0o755)
    unit = Unit(folder)
    try:
        library(checks, folder)
        units(checks)
        sites(checks, folder)
        unfinished(checks)
        follow_readme(checks, unit, packages)
        use(checks, world, unit)
        unit.close()
        shutil.rmtree(BACKUPS / "contracts")
        (folder / "traced").mkdir()
        sandbox(checks, world, folder / "traced")
    finally:
        unit.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
