# SPDX-License-Identifier: Apache-2.0
"""Runs as the unit's program and tries what a taken-over service would; prints one JSON object: what, and the errno or "done"."""
import ctypes
import errno
import json
import mmap
import os
import socket
import time

libc = ctypes.CDLL(None, use_errno=True)
found = {}


def attempt(what, action):
    try:
        action()
        found[what] = "done"
    except OSError as e:
        found[what] = errno.errorcode.get(e.errno, str(e.errno))


def call(name, *arguments):
    if getattr(libc, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)


def write(folder):
    os.close(os.open(f"{folder}/probe", os.O_CREAT | os.O_WRONLY, 0o600))


for folder in ("/srv/open", "/etc", "/run/lock", "/dev/shm", "/home", "/var/backups/muniment", "/var/lib/muniment"):
    attempt(f"write {folder}", lambda folder=folder: write(folder))
attempt("internet socket", lambda: socket.socket(socket.AF_INET))
attempt("netlink socket", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
attempt("unix socket", lambda: socket.socket(socket.AF_UNIX))
attempt("write and run", lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC))
attempt("user namespace", lambda: call("unshare", 0x10000000))
attempt("mount", lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None))
attempt("set-uid file", lambda: os.chmod("/var/lib/muniment/probe", 0o4755))
attempt("realtime", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))
attempt("ptrace", lambda: call("ptrace", 16, os.getppid(), None, None))
attempt("clock", lambda: time.clock_settime(time.CLOCK_REALTIME, time.time()))
attempt("host name", lambda: socket.sethostname("probe"))
found["kernel log"] = "present" if os.path.exists("/dev/kmsg") else "absent"
found["disk"] = "present" if any(os.path.exists(f"/dev/{name}") for name in ("sda", "vda", "mem")) else "absent"
found["other processes"] = "present" if [p for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()] else "absent"
found["root's home"] = "present" if os.access("/root", os.R_OK) and os.listdir("/root") else "absent"
with open("/proc/self/status", encoding="ascii") as status:
    lines = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
for name in ("NoNewPrivs", "Seccomp", "CapBnd", "CapEff"):
    found[name] = lines[name]
print(json.dumps(found), flush=True)
