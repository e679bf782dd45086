#!/usr/bin/env python3
"""Plants known faults, one at a time, into a copy of the tree, and shows who catches each.

  mutants.py [--only NAME,...] [--again] [--seeds N] [--copy DIR]
  mutants.py --check

For each fault of table.py: the copy is changed in that one place, built, and first the simulator's
seeds run, then the rooms' tests, until somebody fails. Before that all of it runs without a fault:
who fails then catches nothing. The results are kept beside the copy, so an interrupted run goes on
where it was; --again forgets them. Exit code 1 when a fault survives.
--check only looks whether each fault has its one place in the sources as they are now.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from table import MUTANTS

ROOT = Path(__file__).resolve().parents[2]
TESTS = ["daemon", "storage", "sync", "drivers"]
LONGEST_S = 900
TOO_LONG = "too long"


def run(command, copy, log):
    environment = {**os.environ, "CCACHE_BASEDIR": str(copy), "CCACHE_NOHASHDIR": "1"}
    with log.open("ab") as out:
        try:
            done = subprocess.run(command, cwd=copy, env=environment, stdout=out,
                                  stderr=subprocess.STDOUT, timeout=LONGEST_S, check=False)
            return done.returncode
        except subprocess.TimeoutExpired:
            return TOO_LONG


def renew(copy):
    """The copy becomes the tree as it is now; what has not changed keeps its time."""
    copy.mkdir(parents=True, exist_ok=True)
    names = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT,
                           check=True, capture_output=True).stdout
    for name in filter(None, names.decode().split("\0")):
        source, target = ROOT / name, copy / name
        if not source.is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != source.read_bytes():
            shutil.copy(source, target)
    if not (copy / "build/release/build.ninja").exists():
        subprocess.run(["cmake", "--preset", "release"], cwd=copy, check=True,
                       stdout=subprocess.DEVNULL)


def why(text):
    """The simulator's rule, or the first test that failed."""
    for line in text.splitlines():
        if line.startswith("FAILED "):
            rule, seed = line.removeprefix("FAILED ").split(",")[0].split(": ")
            return f"{rule} ({seed})"
    return ""


def failed_case(text):
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if line.startswith("---") and number + 1 < len(lines) and lines[number + 1].strip():
            return lines[number + 1].strip()
    return "a test"


def caught_by(copy, log, seeds):
    ninja = ["ninja", "-C", "build/release", "-j2"]
    if run([*ninja, "tapd-sim"], copy, log) != 0:
        return "does not build"
    log.write_bytes(b"")
    status = run(["build/release/tests/simulation/tapd-sim", "--seed", "1", "--seeds", str(seeds),
                  "--no-shrink", "--first-failure"], copy, log)
    if status not in (0, TOO_LONG):
        return "sim: " + (why(log.read_text(errors="replace")) or f"exit code {status}")
    for room in TESTS:
        if run([*ninja, f"tapd_{room}_tests"], copy, log) != 0:
            return "does not build"
        log.write_bytes(b"")
        if run([f"build/release/tests/{room}/tapd_{room}_tests", "-a"], copy, log) != 0:
            return f"tests/{room}: " + failed_case(log.read_text(errors="replace"))
    # Who is only slower proves little, so the tests had their say first.
    return f"sim: not done after {LONGEST_S} s" if status == TOO_LONG else ""


def control(copy, log, seeds):
    """Nobody may fail where nothing is planted."""
    print("without a fault ...", flush=True)
    started = time.monotonic()
    if fault := caught_by(copy, log, seeds):
        raise SystemExit(f"without a fault: {fault}; see {log}")
    print(f"without a fault: nobody fails ({time.monotonic() - started:.0f} s)", flush=True)


def misplaced(text, path, old):
    """Why the fault has no place in the text; nothing when it has one."""
    found = text.count(old)
    return "" if found == 1 else f"{path}: \"{old}\" is there {found} times; mend table.py"


def plant(copy, path, old, new):
    file = copy / path
    text = file.read_text()
    if fault := misplaced(text, path, old):
        raise SystemExit(fault)
    file.write_text(text.replace(old, new))
    return file, text


def check():
    faults = [f"{name}: {fault}" for name, _, path, old, new in MUTANTS
              if (fault := misplaced((ROOT / path).read_text(), path, old))
              or (fault := "it changes nothing" if old == new else "")]
    for fault in faults:
        print(fault)
    print(f"{len(MUTANTS) - len(faults)} of {len(MUTANTS)} faults have their place")
    return 1 if faults else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="these faults, by their names in table.py")
    parser.add_argument("--again", action="store_true", help="forgets what was found before")
    parser.add_argument("--seeds", type=int, default=30, help="of the simulator, for each fault")
    parser.add_argument("--copy", type=Path,
                        default=Path(os.environ.get("TAPD_CACHE", Path.home() / ".cache/tapd"))
                        / "mutants", help="where the copy and the results are kept")
    parser.add_argument("--check", action="store_true", help="only: has each fault its place?")
    options = parser.parse_args()
    if options.check:
        return check()
    wanted = set(filter(None, options.only.split(",")))
    if unknown := wanted - {name for name, *_ in MUTANTS}:
        raise SystemExit(f"no such fault: {', '.join(sorted(unknown))}; there are "
                         + ", ".join(name for name, *_ in MUTANTS))
    copy = options.copy / "tree"
    kept = options.copy / "results.json"
    renew(copy)
    results = {}
    if kept.exists() and not options.again:
        results = json.loads(kept.read_text())
    numbered = [(number, *mutant) for number, mutant in enumerate(MUTANTS, 1)
                if (mutant[0] in wanted if wanted else mutant[0] not in results)]
    if numbered:
        control(copy, options.copy / "log", options.seeds)
    for number, name, _, path, old, new in numbered:
        file, before = plant(copy, path, old, new)
        started = time.monotonic()
        try:
            results[name] = caught_by(copy, options.copy / "log", options.seeds)
        finally:
            file.write_text(before)
        print(f"[{number}/{len(MUTANTS)}] {name}: {results[name] or 'SURVIVES'}"
              f" ({time.monotonic() - started:.0f} s)", flush=True)
        kept.write_text(json.dumps(results, indent=1))
    print("\n| fault | caught by |\n| --- | --- |")
    for name, meaning, *_ in MUTANTS:
        if name in results:
            print(f"| {meaning} | {results[name] or '**nobody**'} |")
    bad = [name for name, by in results.items() if by in ("", "does not build")]
    print(f"\n{len(results) - len(bad)} of {len(results)} are caught")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
