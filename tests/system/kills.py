#!/usr/bin/env python3
"""SIGKILL of the real tapd at random moments of pours, as often as is asked for.

  kills.py TAPD_SYSTEM_TESTS [--kills N] [--seed S] [--side-by-side N] [--json]

The kills are dealt out in nights of at most 40, each in a venue of its own (PostgreSQL, the
reference server, tapd with four simulated taps) and with a seed of its own: night n has seed S + n.
Several nights run side by side, since a night mostly waits. After every kill all books are
compared. A night that fails is printed, with the command that plays it again. Exit code 1 then,
and when the kills showed too little: hardly anybody poured, or the disk was too slow to tell.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import re
import signal
import subprocess
import sys
import time

NIGHT = 40
TEST = "SIGKILL at random moments*"
LINE = re.compile(r"^night: (.*)$", re.M)
LONGEST_NIGHT = 900  # seconds
TOLD_EVERY = 400  # kills, where there is no terminal
SUMS = ["kills", "pours", "lost", "doubled", "wrong_cents", "behind_the_disk"]


def play(program, seed, kills):
    environment = dict(os.environ, TAPD_SEED=str(seed), TAPD_KILLS=str(kills))
    try:
        done = subprocess.run([program, TEST], env=environment, capture_output=True, text=True,
                              timeout=LONGEST_NIGHT, check=False)
        text, ended_well = done.stdout + done.stderr, done.returncode == 0
    except subprocess.TimeoutExpired as late:
        text, ended_well = f"no end after {LONGEST_NIGHT} s\n{late.stdout}", False
    figures = LINE.search(text)
    if not figures:
        return seed, None, text
    found = {key: int(value) for key, value in
             (pair.split("=") for pair in figures.group(1).split())}
    return seed, found, None if ended_well else text


class Sums:
    """What all nights together have shown."""

    def __init__(self, wanted):
        self.wanted, self.counted, self.failed = wanted, collections.Counter(), []
        self.furthest = self.slowest = 0

    def add(self, seed, found, trouble):
        if trouble is not None:
            self.failed.append(seed)
            print(f"seed {seed}:\n{trouble}\n"
                  f"again: ./dev crash --kills {NIGHT} --seed {seed}", flush=True)
        if found:
            self.counted.update({key: found[key] for key in SUMS})
            self.furthest = max(self.furthest, found["furthest_ul"])
            self.slowest = max(self.slowest, found["slowest_write_ms"])
        told = f"{self.counted['kills']} of {self.wanted} kills"
        if sys.stderr.isatty():
            print(f"\r  {told}", end="", file=sys.stderr)
        elif self.counted["kills"] % TOLD_EVERY == 0:
            print(told, file=sys.stderr, flush=True)

    def shows_something(self):
        """What excuses a kill is rare, and in many of them somebody poured."""
        kills = self.counted["kills"]
        return (self.counted["behind_the_disk"] <= max(2, kills // 20)
                and self.counted["pours"] >= kills // 4)

    def result(self, seed, seconds):
        return {"seed": seed, **{key: self.counted[key] for key in SUMS},
                "most_missing_after_a_kill_ml": round(self.furthest / 1000, 1),
                "slowest_write_of_the_disk_ms": self.slowest,
                "failed_nights": self.failed, "seconds": seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--side-by-side", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.kills < 1 or given.side_by_side < 1:
        parser.error("there must be at least one kill and one night at a time")

    nights = [(given.seed + night, min(NIGHT, given.kills - first))
              for night, first in enumerate(range(0, given.kills, NIGHT))]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sums, begun = Sums(given.kills), time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(given.side_by_side) as pool:
        jobs = [pool.submit(play, given.program, *night) for night in nights]
        try:
            for job in concurrent.futures.as_completed(jobs):
                sums.add(*job.result())
        except KeyboardInterrupt:
            print("\nstopped: the nights under way are not counted", file=sys.stderr)
            pool.shutdown(cancel_futures=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)

    result = sums.result(given.seed, round(time.monotonic() - begun))
    if given.json:
        print(json.dumps(result))
    else:
        for key, value in result.items():
            print(f"{key.replace('_', ' '):<32} {value if value != [] else 'none'}")
    whole = result["kills"] == given.kills and sums.shows_something()
    return 0 if whole and not sums.failed else 1


if __name__ == "__main__":
    sys.exit(main())
