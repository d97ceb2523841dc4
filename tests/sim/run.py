#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the simulator of the log.

  run.py seeds DIR            every seed of seeds.txt (CTest, under every preset)
  run.py faults DIR [--long]  every planted fault of faults.txt must be found
  run.py cycles DIR SECONDS   new worlds; the seed follows from the clock and is printed

DIR holds the programs. Each ends with `N passed, N failed`.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
SEED_CYCLES = 400
JOBS = int(os.environ.get("MUN_JOBS", "2"))
CUT_SHORT = 3600  # seconds; no single run takes that long


def lines(name):
    text = (HERE / name).read_text().splitlines()
    return [line for line in text if line.strip() and not line.startswith("#")]


def run(program, *arguments):
    """Exit code and output; a program that is not there is an error, not a found fault."""
    command = [str(program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=CUT_SHORT, check=False)
    return done.returncode, done.stdout + done.stderr


def replay(folder, line):
    program, seed, why = line.split(" ", 2)
    code, output = run(folder / program, "--seed", seed, "--cycles", SEED_CYCLES)
    return code == 0, f"seed {seed} ({why}): {output.strip() if code else 'held'}"


def hunt(folder, line):
    name, cycles, *more = line.split()
    seed = more[more.index("seed") + 1] if "seed" in more else 1
    program, arguments = folder / f"sim_fault_{name.lower()}", []
    if name == "BLOCK_512":
        program, arguments = folder / "sim_log", ["--sector", 4096]
    began = time.monotonic()
    code, output = run(program, "--seed", seed, "--cycles", cycles, *arguments)
    took = time.monotonic() - began
    # 1: a property was broken. A trap (SIGILL, SIGTRAP) is the log's own assertion seeing it first.
    found = code == 1 and "BROKEN" in output or code in (-4, -5)
    after = re.search(r"^(\d+) cycles", output, re.M)
    what = f"found after {after.group(1)} cycles" if after and found else "NOT FOUND"
    if found and not after:
        what = "found by an assertion"
    return found, f"{name}: {what} ({took:.1f} s)" + ("" if found else "\n" + output)


def simulate(folder, job):
    program, arguments = job
    code, output = run(folder / program, *arguments)
    return code == 0, f"{program} {' '.join(map(str, arguments))}: {output.strip()}"


def together(work, folder, jobs):
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for good, text in pool.map(lambda job: work(folder, job), jobs):
            print(text, flush=True)
            passed, failed = passed + good, failed + (not good)
    return passed, failed


def main():
    what, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if what == "seeds":
        passed, failed = together(replay, folder, lines("seeds.txt"))
    elif what == "faults":
        jobs = [line for line in lines("faults.txt") if "--long" in sys.argv or "long" not in line]
        passed, failed = together(hunt, folder, jobs)
    else:
        seconds, seed = int(sys.argv[3]), int(time.time()) * 1000000
        jobs = [("sim_log", ["--seed", seed, "--seconds", seconds]),
                ("sim_log_4k", ["--seed", seed, "--seconds", seconds // 2]),
                ("sim_log_4k", ["--seed", seed, "--seconds", seconds // 2, "--sector", 512])]
        passed, failed = together(simulate, folder, jobs)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
