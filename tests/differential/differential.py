# SPDX-License-Identifier: Apache-2.0
"""Compares the C verifier with ref/, check by check, on evidence with damage and on random small ledgers.

Usage: differential.py VERIFY_BATCH [--mutants N] [--ledgers N] [--seed S] [--keep DIR]
Every request on which the two differ is written to DIR, and counts as a failure. So does an answer that a right
ledger must not get, and a run whose damage did not reach every result of every check.
"""
import argparse
import collections
import json
import pathlib
import random
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cases  # noqa: E402
import rules  # noqa: E402
import vectors  # noqa: E402
from muniment_ref import batch  # noqa: E402

SHOWN = 20
MEMBERS = ("verdict", "checks", "ok", "leaf", "kind", "root", "origin", "size", "index", "thumbprint", "uri", "did", "key", "words")
# Every result that a check can have.
REACHABLE = {
    "document": "pass fail unchecked", "statement-signature": "pass fail unchecked", "issuer": "pass unchecked",
    "receipt-signature": "pass fail unchecked warning absent", "inclusion": "pass fail unchecked warning absent",
    "ledger": "pass unchecked absent", "cosignatures": "pass fail unchecked warning absent", "times": "pass unchecked warning absent",
}


def requests(rng, mutants, ledgers):
    """(part, request, answer that it must have or None)"""
    for request, expected in vectors.requests():
        yield "vectors", request, expected
    for request in rules.requests():
        yield "rules", request, None
    world = cases.World(rng)
    plain = [cases.Scenario(rng, world, plain=True) for _ in range(60)]
    for request, expected in cases.ledger_requests(rng, world, plain, ledgers):
        yield "ledgers", request, expected
    scenarios = [cases.Scenario(rng, world) for _ in range(max(50, mutants // 8))]
    pool = [one.evidence() for one in scenarios]
    for number in range(mutants):
        one = scenarios[number % len(scenarios)]
        raw, kind = cases.mutant(rng, pool[number % len(scenarios)], pool)
        document = one.given_document()
        yield "mutants: " + kind, {"evidence": raw.hex(), "document": None if document is None else document.hex(), "keys": one.trust}, None
    few = max(20, mutants // 10)
    for part, source in (("cbor", cases.cbor_requests(rng, 4 * few)), ("keys", cases.key_requests(rng, world, few)),
                         ("names", cases.name_requests(rng, world, few)), ("parts", cases.part_requests(rng, scenarios, few)),
                         ("signatures", cases.signature_requests(rng, world, few))):
        for request in source:
            yield part, request, None


def compared(answer):
    return {name: answer[name] for name in MEMBERS if name in answer} if "error" not in answer else answer


class Counts:
    def __init__(self, keep):
        self.passed = self.failed = self.skipped = 0
        self.by_part = collections.Counter()
        self.results = collections.Counter()
        self.verdicts = collections.Counter()
        self.keep = keep

    def fail(self, line):
        self.failed += 1
        if self.failed <= SHOWN:
            print("FAILED " + line)

    def compare(self, number, part, request, expected, theirs, ours):
        self.by_part[part.partition(":")[0]] += 1
        if theirs.get("unsupported"):
            self.skipped += 1
            return
        if "verdict" in ours:
            self.verdicts[ours["verdict"]] += part.startswith("mutants")
            self.results.update((check["id"], check["result"]) for check in ours.get("checks", []))
        if compared(theirs) != compared(ours) or "error" in ours:
            path = self.keep / ("differs-%d.json" % number)
            path.write_text(json.dumps({"part": part, "request": request, "c": theirs, "ref": ours}))
            self.fail("%s (%s): C %s, ref %s" % (path, part, difference(theirs, ours), difference(ours, theirs)))
        elif expected is not None and any(ours.get(name) != value for name, value in expected.items()):
            self.fail("%s: both give %s, not %s" % (part, json.dumps(ours), json.dumps(expected)))
        else:
            self.passed += 1

    def reached(self):
        """Whether the damage bites: every result of every check was seen, and not all is malformed."""
        for check, results in REACHABLE.items():
            for result in results.split():
                if self.results[check, result]:
                    self.passed += 1
                else:
                    self.fail("no input gave %s = %s" % (check, result))
        total = sum(self.verdicts.values())
        for verdict in (0, 1, 3, 4):
            if self.verdicts[verdict] * 20 >= total:
                self.passed += 1
            else:
                self.fail("only %d of %d mutants gave the verdict %d" % (self.verdicts[verdict], total, verdict))


def difference(one, other):
    """The members in which one differs from the other, short."""
    if "checks" in one and "checks" in other:
        pairs = zip(one["checks"], other["checks"])
        return json.dumps({a["id"]: a["result"] for a, b in pairs if a != b} or {"verdict": one.get("verdict")})
    return json.dumps(one)[:200]


def run_c(program, lines, keep):
    """The answers of the C program, which reads a file and so never waits."""
    path = keep / "requests.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with open(path, "rb") as source:
        done = subprocess.run([program], stdin=source, stdout=subprocess.PIPE, check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode != 0 or len(answers) != len(lines):
        print("FAILED %s ended with %d after %d of %d answers" % (program, done.returncode, len(answers), len(lines)))
    return answers, done.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--mutants", type=int, default=10000)
    parser.add_argument("--ledgers", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--keep", type=pathlib.Path, default=pathlib.Path("build/differential"))
    arguments = parser.parse_args()
    arguments.keep.mkdir(parents=True, exist_ok=True)
    for old in arguments.keep.glob("differs-*.json"):
        old.unlink()
    print("seed %d, %d mutants, %d ledgers" % (arguments.seed, arguments.mutants, arguments.ledgers))
    started = time.monotonic()
    asked = list(requests(random.Random(arguments.seed), arguments.mutants, arguments.ledgers))
    lines = [json.dumps(request, ensure_ascii=False) for _, request, _ in asked]
    print("%d requests made in %.1f s" % (len(asked), time.monotonic() - started))
    started = time.monotonic()
    answers, code = run_c(arguments.program, lines, arguments.keep)
    print("C: %.1f s" % (time.monotonic() - started))
    counts, started = Counts(arguments.keep), time.monotonic()
    for number, ((part, request, expected), line, theirs) in enumerate(zip(asked, lines, answers)):
        counts.compare(number, part, request, expected, theirs, batch.answer(line))
    print("ref: %.1f s" % (time.monotonic() - started))
    counts.failed += len(asked) - len(answers) + (code != 0)
    counts.reached()
    print(", ".join("%s %d" % one for one in sorted(counts.by_part.items())))
    print("verdicts of mutants: " + ", ".join("%d: %d" % one for one in sorted(counts.verdicts.items())))
    for check in REACHABLE:
        print("%-20s %s" % (check, ", ".join("%s %d" % (result, n) for (id_, result), n in sorted(counts.results.items()) if id_ == check)))
    print("%d passed, %d failed, %d skipped" % (counts.passed, counts.failed, counts.skipped))
    return 1 if counts.failed else 0


if __name__ == "__main__":
    sys.exit(main())
