# SPDX-License-Identifier: Apache-2.0
"""Foreign parts against the running service: Go's sumdb/tlog and note, veraison/go-cose with transparency-dev/merkle, npm @transmute/cose,
Python's cbor2, cryptography and prometheus_client, and curl on every route. What cannot be had here (no Go, no Node, no registry) is skipped and said.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "service"), str(HERE.parent / "load")]
import harness  # noqa: E402
import run as load  # noqa: E402
from curl_routes import Routes  # noqa: E402

GO_LEAST, NODE_LEAST = (1, 25), 20
LOAD_SECONDS = 5


def output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def go_program(checks, package, name):
    """Builds a program of the module; None where there is no Go or its modules cannot be had."""
    version = output("go", "env", "GOVERSION").strip().removeprefix("go").split(".")
    if len(version) < 2 or tuple(map(int, version[:2])) < GO_LEAST:
        return checks.skip(f"Go {'.'.join(map(str, GO_LEAST))} or newer is needed (found: {'.'.join(version) or 'none'})")
    program = harness.build_folder() / name
    made = subprocess.run(["go", "build", "-trimpath", "-o", program, package], cwd=HERE / "go", capture_output=True, text=True, timeout=300)
    if made.returncode != 0 and any(word in made.stderr for word in ("dial tcp", "proxy", "no such host", "timeout")):
        return checks.skip(f"the Go modules cannot be had here: {made.stderr.strip()[-200:]}")
    return program if checks.ok(made.returncode == 0, f"go build {package}: {made.stderr}") else None


def node_modules(checks):
    """The folder with the pinned package; None where there is no Node or no registry."""
    version = output("node", "--version").strip().lstrip("v").split(".")[0]
    if not version.isdigit() or int(version) < NODE_LEAST:
        return checks.skip(f"Node {NODE_LEAST} or newer is needed (found: {version or 'none'})")
    folder = harness.build_folder() / "foreign-npm"
    lock = (HERE / "npm" / "package-lock.json").read_bytes()
    if not (folder / "ready").exists() or (folder / "package-lock.json").read_bytes() != lock:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "npm" / name, folder)
        made = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True, timeout=300)
        if made.returncode != 0:
            return checks.skip(f"@transmute/cose cannot be had here: {made.stderr.strip()[-200:]}")
        (folder / "ready").touch()
    return folder / "node_modules"


def python_program(checks):
    """A Python with the pinned packages; None where PyPI cannot be had."""
    wanted = (HERE / "python" / "requirements.txt").read_text()
    folder = harness.build_folder() / "venv-foreign"
    mark = folder / "ready"
    if not mark.exists() or mark.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        made = subprocess.run([sys.executable, "-m", "venv", folder], capture_output=True, text=True)
        if made.returncode == 0:
            made = subprocess.run([folder / "bin" / "pip", "install", "-q", "-r", HERE / "python" / "requirements.txt"], capture_output=True, text=True)
        if made.returncode != 0:
            return checks.skip(f"the Python packages cannot be had here: {made.stderr.strip()[-200:]}")
        mark.write_text(wanted)
    return folder / "bin" / "python"


def audits(checks, world, service, ledger):
    """Go reads while others write."""
    program = go_program(checks, ".", "foreign-go")
    if program is None:
        return
    identity = world.identity(ledger)
    command = [program, "-url", service.url, "-vkey", identity["checkpoints"], "-origin", identity["origin"], "-seed", str(load.SEED)]
    writer = load.Load(service, world.folder, "foreign", LOAD_SECONDS, clients=16)
    time.sleep(0.5)
    while_written = subprocess.run([*command, "-seconds", str(LOAD_SECONDS - 1)], capture_output=True, text=True, timeout=120)
    told = writer.end(checks, "foreign load")
    checks.child(while_written, "Go, while the log grows")
    checks.ok(told.get("acknowledged", 0) > 500, "a log written under load")
    checks.child(subprocess.run([*command, "-seconds", "0", "-all"], capture_output=True, text=True, timeout=120), "Go, the whole log")


def go_client(checks, service):
    program = go_program(checks, "./cose", "foreign-go-cose")
    if program is not None:
        checks.child(subprocess.run([program, "-url", service.url], capture_output=True, text=True, timeout=120), "Go go-cose and merkle")


def npm_client(checks, world, service):
    modules = node_modules(checks)
    if modules is None:
        return
    key = world.key(alg="es256")
    jwk = json.loads(harness.muniment("key", "show", str(key) + ".pub", "--format", "jwk").stdout)
    statement, public = world.path("npm.cose"), world.path("npm.jwk")
    statement.write_bytes(world.sign(key, b"a document that npm reads", inline=True, subject="npm/ours"))
    public.write_text(json.dumps(jwk))
    done = subprocess.run(["node", HERE / "npm" / "client.cjs", service.url, statement, public], capture_output=True, text=True, timeout=120,
                          env=dict(os.environ, FOREIGN_MODULES=str(modules)))
    checks.child(done, "npm @transmute/cose")


def python_client(checks, service):
    program = python_program(checks)
    if program is not None:
        done = subprocess.run([program, HERE / "python" / "client.py", service.url, service.url + "/metrics"], capture_output=True, text=True, timeout=120)
        checks.child(done, "Python cbor2 and cryptography")


def curl(checks, world):
    if not output("curl", "--version"):
        checks.skip("curl is not here")
        return
    one, two = world.ledger("curl.example/one", name="one"), world.ledger("curl.example/two", name="two")
    with world.serve(one) as service:
        Routes(checks, service, world, one).all()
    with world.serve(one, two, listen="unix") as service:
        Routes(checks, service, world, two, "/two").all()


def main():
    with harness.Checks() as checks, harness.World() as world:
        ledger = world.ledger("foreign.example/log", name="foreign")
        with world.serve(ledger) as service:
            audits(checks, world, service, ledger)
            go_client(checks, service)
            npm_client(checks, world, service)
            python_client(checks, service)
        curl(checks, world)


if __name__ == "__main__":
    main()
