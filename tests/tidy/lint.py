#!/usr/bin/env python3
"""clang-tidy over our files, two at a time, remembering which ones were clean.

  lint.py --build DIR [--jobs N] [REGEX]     REGEX: only the files whose path matches

DIR holds compile_commands.json. A file is looked at again when it, a header of ours that it
reaches, its command, .clang-tidy or clang-tidy itself has changed. What is remembered lies in
${TAPD_CACHE:-~/.cache/tapd}/lint, so that another clone finds it too; only clean files are. The
headers of the system are not watched: remove that folder after an upgrade of a library.

Ends with how many files were looked at and how many have findings. Exit code 1 for findings, 2 when
nothing could be looked at.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIDY = "clang-tidy-19"
INCLUDE = re.compile(rb'^#include "([^"]+)"', re.M)
NOISE = re.compile(
    r"^(\d+ warnings? (and \d+ errors? )?generated|Suppressed \d+ warnings|Use -header-filter)")


def reached(path, seen):
    """The file and every file of ours that it includes, directly or not."""
    if path in seen:
        return
    content = path.read_bytes()
    seen[path] = content
    for name in INCLUDE.findall(content):
        target = ROOT / name.decode()
        if not target.exists():
            target = path.parent / name.decode()
        if target.exists():
            reached(target, seen)


def key_of(path, command, common):
    """What the verdict on a file depends on, without where this clone or its build folder lies."""
    digest = hashlib.sha256(common)
    digest.update(command.encode())
    seen = {}
    reached(path, seen)
    for member in sorted(seen):
        digest.update(os.path.relpath(member, ROOT).encode() + b"\0" + seen[member] + b"\0")
    return digest.hexdigest()


def commands_of(build):
    """path -> compile command, for files of ours, with the folders' places taken out."""
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    commands = {}
    for entry in entries:
        path = Path(entry["file"]).resolve()
        if path.is_relative_to(ROOT) and not path.is_relative_to(build) and path.exists():
            command = entry["command"].replace(str(build), "BUILD").replace(str(ROOT), "ROOT")
            commands[path] = command
    return commands


def look_at(path, build):
    """Runs clang-tidy on one file: (clean, what it said)."""
    run = subprocess.run([TIDY, "-p", str(build), "--quiet", str(path)], cwd=ROOT, check=False,
                         stdin=subprocess.DEVNULL, capture_output=True, text=True)
    said = [line for line in (run.stdout + run.stderr).splitlines() if not NOISE.match(line)]
    return run.returncode == 0, "\n".join(said).replace(str(ROOT) + "/", "")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("regex", nargs="?", default="")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    if not shutil.which(TIDY):
        print(f"lint: {TIDY} is not installed; cross/setup.sh installs it")
        return 2
    if not (build / "compile_commands.json").exists():
        print(f"lint: {build} is not configured; ./dev build configures it")
        return 2
    version = subprocess.run([TIDY, "--version"], check=True, capture_output=True).stdout
    common = version + (ROOT / ".clang-tidy").read_bytes()
    cache = Path(os.environ.get("TAPD_CACHE") or Path.home() / ".cache/tapd") / "lint"
    cache.mkdir(parents=True, exist_ok=True)
    commands = {path: command for path, command in sorted(commands_of(build).items())
                if re.search(arguments.regex, str(path.relative_to(ROOT)))}
    if not commands:
        print("lint: no file of ours matches")
        return 2
    keys = {path: key_of(path, command, common) for path, command in commands.items()}
    due = [path for path in commands if not (cache / keys[path]).exists()]
    print(f"lint: {len(commands)} files, {len(commands) - len(due)} known to be clean", flush=True)
    start, found, done = time.monotonic(), 0, 0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for path, (clean, said) in zip(due, pool.map(lambda path: look_at(path, build), due)):
            done += 1
            name = path.relative_to(ROOT)
            print(f"[{done}/{len(due)}] {name}{'' if clean else ': findings'}", flush=True)
            if clean:
                (cache / keys[path]).touch()
            else:
                found += 1
                print(said, flush=True)
    seconds = time.monotonic() - start
    print(f"lint: {len(due)} files looked at in {seconds:.0f} s, {found} with findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
