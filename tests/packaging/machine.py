# SPDX-License-Identifier: Apache-2.0
"""A machine with systemd as its init, booted in two seconds: this machine's own files under a layer in memory, in namespaces of
its own (mounts, processes, network, control groups, host name). What is installed, changed or broken in it is gone with it, and
nothing outside sees any of it. Needs root, systemd's programs and a kernel that allows the namespaces.

    with machine.Machine(folder) as m:
        m.boot()
        m.run("systemctl", "status", "muniment.service")
        m.power_cut()
        m.boot()
"""
import os
import pathlib
import shutil
import subprocess
import time

BOOT = pathlib.Path(__file__).with_name("boot_machine")
SYSTEMD = pathlib.Path("/lib/systemd/systemd")
BOOT_SECONDS = 180


class Refused(Exception):
    """This machine does not allow it; the reason in a sentence."""


def obedient(*words):
    """Ends with whoever started it."""
    return ["setpriv", "--pdeathsig", "KILL", *map(str, words)]


class Machine:
    def __init__(self, folder):
        """folder: an empty one; stays empty as seen from outside."""
        if os.getuid() != 0:
            raise Refused("only root makes namespaces and mounts")
        for program in (SYSTEMD, *map(shutil.which, ("unshare", "nsenter", "setpriv", "systemctl", "journalctl", "systemd-run"))):
            if program is None or not pathlib.Path(program).exists():
                raise Refused("systemd, its programs or util-linux's are not installed")
        self.folder, self.process, self.init = pathlib.Path(folder), None, None
        self.holder = subprocess.Popen(obedient("unshare", "--mount", BOOT, "hold", self.folder), stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline().strip() != "ready":
            said = self.holder.communicate()[1]
            raise Refused(f"no layer over this machine's files, or no control group: {said.strip()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.power_cut()
        if self.holder.poll() is None:
            try:
                self.holder.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                self.holder.kill()
                self.holder.communicate()

    def boot(self):
        log = open(self.folder.with_suffix(".log"), "ab")
        with log:
            self.process = subprocess.Popen(obedient("nsenter", "-t", self.holder.pid, "-m", BOOT, "boot", self.folder),
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
        until, state = time.monotonic() + BOOT_SECONDS, ""
        while time.monotonic() < until and self.process.poll() is None:
            self.init = self.init or self.child()
            state = self.run("systemctl", "is-system-running", check=False).stdout.strip() if self.init else ""
            if state in ("running", "degraded"):
                return state
            time.sleep(0.1)
        said = self.folder.with_suffix(".log").read_text(errors="replace")
        self.power_cut()
        raise Refused(f"systemd does not start in namespaces here ({state or 'at once'}): {said.strip()[-300:]}")

    def child(self):
        """systemd, as this machine numbers it; None as long as it is still the shell."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        if not children or os.readlink(f"/proc/{children[0]}/exe") != str(SYSTEMD.resolve()):
            return None
        return int(children[0])

    def power_cut(self):
        """Everything in it ends at once, unasked."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()  # unshare takes the whole namespace with it
        if self.process is not None:
            self.process.wait()
        if self.init is not None:
            while pathlib.Path(f"/proc/{self.init}").exists():
                time.sleep(0.01)
        self.process = self.init = None

    def inside(self, *words):
        """The command that runs this one in it."""
        return ["nsenter", "-t", str(self.init), "-m", "-p", "-u", "-i", "-n", "-C", "-r", "-w", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                "LC_ALL=C.UTF-8", "HOME=/root", "SYSTEMD_PAGER=", "DEBIAN_FRONTEND=noninteractive", *map(str, words)]

    def run(self, *words, check=True, **more):
        more.setdefault("timeout", 180)
        done = subprocess.run(self.inside(*words), capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, **more)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, words))} ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done

    def start(self, *words, **more):
        return subprocess.Popen(obedient(*self.inside(*words)), stdin=subprocess.DEVNULL, text=True, **more)

    def path(self, inside):
        """A file in it, as one outside reads and writes it while it runs."""
        return pathlib.Path(f"/proc/{self.init}/root") / str(inside).lstrip("/")
