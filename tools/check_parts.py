#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the parts of ./check and adds up what they counted: in order, one after the other, but those
that say `# Beside others` (they take no more than one core, and much of that to wait) as many at a
time as there are cores, when the first of them is due.

A part is an executable tests/parts.d/NN-name whose last line is `N passed, N failed[, N skipped]`.
It runs in the root of the repository with MUN_BUILD_DIR (the folder `build`), MUN_JOBS (cores) and,
in the night's version, MUN_LONG=1. A part that ends with an error, without its line, or with
nothing counted is a failure of its own. Its output goes to build/check/NN-name.log.
"""
import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
COUNTS = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")
SLOWEST = 8  # parts named at the end
PART_LIMIT = {False: 25 * 60, True: 8 * 3600}  # seconds, by --long
TAIL = 40  # lines of a failed part's output that are shown
BESIDE = re.compile(r"^# Beside others\b", re.M)
HEAD = 4096  # bytes of a part among which that line stands
running = set()  # processes to stop when we are stopped


class Result:
    def __init__(self, name, passed, failed, skipped, seconds, note=""):
        self.name, self.seconds, self.note = name, seconds, note
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def line(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def find_parts(folder, wanted):
    parts = sorted(p for p in folder.iterdir() if p.is_file() and os.access(p, os.X_OK))
    if not wanted:
        return parts
    chosen = [p for p in parts if any(w in (p.name, p.name.split("-", 1)[-1]) for w in wanted)]
    known = {n for p in parts for n in (p.name, p.name.split("-", 1)[-1])}
    if unknown := [w for w in wanted if w not in known]:
        sys.exit(f"./check: no part named {', '.join(unknown)}; ./check --list shows them")
    return chosen


def judge(name, text, code, seconds):
    """What one part counted, with its exit code held against it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    match = COUNTS.match(lines[-1]) if lines else None
    if match is None:
        return Result(name, 0, 1, 0, seconds, f"ended with {code} and without its line of counts")
    passed, failed, skipped = (int(n or 0) for n in match.groups())
    if code != 0 and failed == 0:
        return Result(name, passed, 1, skipped, seconds, f"ended with {code} and no failure counted")
    if passed + failed + skipped == 0:
        return Result(name, 0, 1, 0, seconds, "counted nothing")
    return Result(name, passed, failed, skipped, seconds)


def run_part(path, build, long, limit):
    log = build / "check" / f"{path.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    env = dict(os.environ, MUN_BUILD_DIR=str(build), MUN_JOBS=str(os.cpu_count() or 1))
    if long:
        env["MUN_LONG"] = "1"
    began = time.monotonic()
    with open(log, "wb") as out:
        process = subprocess.Popen([path], cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        running.add(process)
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = f"no end after {limit} s"
            stop(process)
        running.discard(process)
    text = log.read_text(errors="replace")
    return judge(path.name, text, code, time.monotonic() - began), text, log


def stop(process):
    with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def bundles(parts):
    """What runs at one time: lists of parts, in the order in which they are due."""
    beside = [p for p in parts if BESIDE.search(p.read_bytes()[:HEAD].decode(errors="replace"))]
    for part in parts:
        if part not in beside:
            yield [part]
        elif part == beside[0]:
            yield beside


def run_parts(parts, run):
    """Results as they come."""
    for bundle in bundles(parts):
        pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1)
        if sys.stdout.isatty():
            print(f"{', '.join(p.name for p in bundle)} ..."[:os.get_terminal_size().columns - 1], end="\r", flush=True)
        try:
            for done in concurrent.futures.as_completed([pool.submit(run, part) for part in bundle]):
                yield done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(running):
                stop(process)
            raise
        pool.shutdown()


def show(result, text, log):
    print(f"{result.name:<24} {result.line():<42} {result.seconds:6.0f} s", flush=True)
    if result.failed:
        for line in text.splitlines()[-TAIL:]:
            print(f"    | {line}")
        print(f"    {result.note or 'see above'}; all of it: {os.path.relpath(log, ROOT)}", flush=True)


def sum_up(results, seconds):
    total = Result("", sum(r.passed for r in results), sum(r.failed for r in results),
                   sum(r.skipped for r in results), seconds)
    if len(results) > 1:
        slowest = sorted(results, key=lambda r: -r.seconds)[:SLOWEST]
        print("slowest: " + ", ".join(f"{r.name} {r.seconds:.0f} s" for r in slowest))
        print(f"in all: {seconds / 60:.1f} minutes")
    for result in results:
        if result.failed:
            print(f"failed: {result.name}")
    print(total.line())
    return 0 if total.failed == 0 and total.passed > 0 else 1


def main():
    options = argparse.ArgumentParser(prog="./check", description="Runs every test there is.")
    options.add_argument("--long", action="store_true", help="the night's version")
    options.add_argument("--list", action="store_true", help="name the parts and stop")
    options.add_argument("part", nargs="*", help="only these (with or without their number)")
    options.add_argument("--parts", default=ROOT / "tests" / "parts.d", help=argparse.SUPPRESS)
    given = options.parse_args()
    parts = find_parts(pathlib.Path(given.parts), given.part)
    if given.list:
        print("\n".join(p.name for p in parts))
        return 0
    build = pathlib.Path(os.environ.get("MUN_BUILD_DIR", ROOT / "build")).resolve()
    began, results = time.monotonic(), []
    each = run_parts(parts, lambda path: run_part(path, build, given.long, PART_LIMIT[given.long]))
    with contextlib.closing(each):
        for result, text, log in each:
            show(result, text, log)
            results.append(result)
    return sum_up(results, time.monotonic() - began)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("./check: stopped")
