# SPDX-License-Identifier: Apache-2.0
"""Schemathesis, all its checks on, from docs/api/openapi.json against a running service. Counts one for each operation tested and
one for the run. The stream of events has no end and is driven by test_api.py instead."""
import json
import os
import re
import subprocess
import sys

import harness
import test_api

EXAMPLES = os.environ.get("MUN_SCHEMATHESIS_EXAMPLES", "200" if os.environ.get("MUN_LONG") else "15")
SEED = os.environ.get("MUN_SEED", "20261122")
SECONDS = 3000 if os.environ.get("MUN_LONG") else 600  # a minute where nothing else runs
ENDLESS = "events"

# Good by the schema, refused all the same: a cursor that was never given, a size the tree does not have yet, a from above its to.
USUAL = ["2xx", "3xx", 401, 403, 404, 409, 429, 503]
BEYOND_SCHEMA = ("findEntries", "inclusion", "consistency", "commits")


def config(ledger):
    """Values that exist, so that tests reach what is behind a 404."""
    known = {"receiptByLocation": {"leaf": ledger["leaf"]}, "key": {"kid": ledger["kid"]},
             **{name: {"digest": ledger["digest"]} for name in ("document", "documentStatement", "documentReceipt", "documentEvidence")}}
    parts = []
    for operation in (*known, *BEYOND_SCHEMA):
        parts.append(f'[[operations]]\ninclude-operation-id = "{operation}"')
        if operation in known:
            parts.append("parameters = { " + ", ".join(f"{k} = {json.dumps(v)}" for k, v in known[operation].items()) + " }")
        if operation in BEYOND_SCHEMA:
            parts.append(f"[operations.checks]\npositive_data_acceptance.expected-statuses = {json.dumps([*map(str, USUAL), '400'])}")
    return "\n".join(parts) + "\n"


def run(world, service, ledger):
    configuration, report = world.path("schemathesis.toml"), world.path("report.json")
    configuration.write_text(config(ledger))
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", configuration, "run", test_api.FILE, "--url", service.url, "--checks", "all", "--max-examples", EXAMPLES,
               "--seed", SEED, "--exclude-operation-id", ENDLESS, "--request-timeout", "60", "--suppress-health-check", "too_slow",
               "--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--no-color", "--report-json-path", report]
    env = dict(os.environ, SCHEMATHESIS_HOOKS=str(harness.ROOT / "tests/service/schemathesis_hooks.py"), MUN_WORLD=str(world.folder), PYTHONDONTWRITEBYTECODE="1")
    return subprocess.run([str(c) for c in command], cwd=world.folder, env=env, capture_output=True, text=True, timeout=SECONDS)


def main():
    harness.build("muniment", "muniment-serve")
    with harness.Checks() as checks, harness.World() as world:
        with world.serve(world.ledger(name="main")) as service:
            done = run(world, service, test_api.fill(world, service))
            said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
            tested = re.search(r"Tested: (\d+)", said)
            generated = re.search(r"(\d+) generated", said)
            print("schemathesis:", generated.group(0) if generated else "nothing generated")
            wanted = len(test_api.Document(test_api.FILE.read_bytes()).operations) - 1
            if not checks.equal(done.returncode, 0, "schemathesis") or not tested:
                print(said[-12000:])
            checks.equal(int(tested.group(1)) if tested else 0, wanted, "operations tested")
            checks.passed += int(tested.group(1)) if tested and done.returncode == 0 else 0
            checks.ok("Serialization not possible" not in said, "every body could be made")
            checks.ok(service.alive() and service.get("/readyz").status == 200, "the service is well afterwards")


if __name__ == "__main__":
    sys.exit(main())
