#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The section "Run the service" of README.md, command by command as it stands there; only the port is
another one. Its last block, for the installed package, is run by packages_test.py."""
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "service"), str(pathlib.Path(__file__).parent)]
import harness  # noqa: E402
import readme_commands  # noqa: E402

WHEELS = ROOT / "tests" / "foreign" / "python" / "requirements.txt"
WAIT = "for i in $(seq 600); do curl -sf -o /dev/null http://127.0.0.1:{port}/readyz && break; sleep 0.1; done"


def python_with_wheels():
    """The folder of a Python that has what the example client needs (the one of tests/foreign), or None where it cannot be had."""
    venv, wanted = harness.build_folder() / "venv-foreign", WHEELS.read_text()
    mark = venv / "ready"
    if not mark.exists() or mark.read_text() != wanted:
        for command in ([sys.executable, "-m", "venv", "--clear", venv], [venv / "bin/pip", "install", "-q", "-r", WHEELS]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                print(done.stdout[-500:], done.stderr[-500:])
                return None
        mark.write_text(wanted)
    return venv / "bin"


def script(commands, port, client):
    """bash that says which command failed, with job control for %1."""
    lines = ["set -m", "failed=0"]
    for number, command in enumerate(commands):
        if "scitt_client" in command and not client:
            continue
        own = command.replace("127.0.0.1:8080", f"127.0.0.1:{port}")
        if own.endswith("&"):
            lines += [f"{own[:-1].strip()} >serve.log 2>&1 &", WAIT.format(port=port), f"echo RAN {number} 0"]
        else:
            lines += [own, f"echo RAN {number} $?"]
            if own.startswith("kill"):
                lines.append("wait %1 2>/dev/null")  # a person is slower than a process that is being killed
    lines.append("kill -9 %1 2>/dev/null; wait; exit 0")
    return "\n".join(lines)


def main():
    harness.build("muniment", "muniment-serve")
    with harness.Checks() as checks, harness.World() as world:
        commands = [command for block in readme_commands.blocks("README.md", "Run the service")[:-1] for command in block]
        checks.ok(len(commands) >= 12, f"the section has its commands: {len(commands)}")
        client = python_with_wheels()
        if client is None:
            checks.skip("cbor2 and cryptography cannot be had from PyPI here: the example client was not run")
        folder = world.path("readme")
        folder.mkdir()
        shutil.copy(ROOT / "examples" / "scitt_client.py", folder)
        path = ":".join(map(str, (*([client] if client else []), harness.program().parent, os.environ["PATH"])))
        done = subprocess.run(["bash", "-c", script(commands, harness.free_port(), client)], cwd=folder, capture_output=True, text=True,
                              env=dict(os.environ, PATH=path, HOME=str(folder)), timeout=300, check=False)
        ended = {int(line.split()[1]): line.split()[2] for line in done.stdout.splitlines() if line.startswith("RAN ")}
        for number, command in enumerate(commands):
            if "scitt_client" not in command or client:
                checks.equal(ended.get(number), "0", f"$ {command}")
        if checks.failed:
            print(done.stdout[-3000:], done.stderr[-3000:], (folder / "serve.log").read_text()[-2000:])
        checks.ok("valid" in done.stdout and "ledger.example.org/contracts" in done.stdout, "the document is found valid")
        checks.ok((folder / "lease.receipt").read_bytes()[:1] == b"\xd2", "curl got a receipt")
        checks.ok(not client or "receipt verified" in done.stdout, "the SCITT client verified its receipt")


if __name__ == "__main__":
    main()
