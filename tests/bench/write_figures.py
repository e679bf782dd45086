#!/usr/bin/env python3
"""Measures, and writes docs/figures.md and the README's ten figures from what was measured.

  write_figures.py --bench PROGRAM [NAME...]   runs these benches (default: all), keeps what they
                                               say in docs/figures/NAME.json, and writes; a NAME may
                                               have options: "sync --part drain"
  write_figures.py --check                     says whether the two texts are what was measured

What stands in docs/figures/NAME.md goes above a bench's tables, docs/figures/other.md to the end:
what other commands print, and what only a person can say.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "docs" / "figures"
TITLES = {"pour": "Cut-off, card to valve", "drivers": "Reader and meter",
          "storage": "The ledger", "sync": "The queue to the server"}
# The README's: what it is called there, the bench, the figure's name, and where several are called
# so, their unit and a part of their conditions; of those left the last.
TEN = json.loads((Path(__file__).parent / "readme_figures.json").read_text())
SPREAD = re.compile(r"^(.*) (p50|p95|p99|max)$")
MARKS = ("<!-- figures: begin -->", "<!-- figures: end -->")


def first_match(file, pattern):
    found = re.search(pattern, Path(file).read_text(), re.MULTILINE)
    return found.group(1).strip() if found else "?"


def machine():
    processor = first_match("/proc/cpuinfo", r"^(?:model name|Model)\s*:\s*(.*)$")
    system = first_match("/etc/os-release", r'^PRETTY_NAME="?([^"\n]*)')
    return f"{os.cpu_count()} x {processor}; {system}, kernel {platform.release()}"


def commit():
    done = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"],
                          capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def measure(program, words):
    name = words[0]
    print(f"{' '.join(words)} ...", file=sys.stderr, flush=True)
    load = os.getloadavg()[0]
    done = subprocess.run([program, *words, "--json"], stdout=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode != 0:
        sys.exit(f"{program} {name} ended with {done.returncode}; nothing was written for it")
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if not any("value" in line for line in lines):
        sys.exit(f"{program} {name} measured nothing")
    kept = {"command": f"./dev bench {' '.join(words)}", "date": time.strftime("%Y-%m-%d"),
            "machine": machine(), "commit": commit(), "load_before": round(load, 1),
            "lines": lines}
    (KEPT / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n")


def number(value):
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{digits}f}"


def rows(figures):
    """Figures as rows; those of one spread share a row."""
    row = None
    for figure in figures:
        spread = SPREAD.match(figure["name"])
        name, which = spread.groups() if spread else (figure["name"], "")
        key = (name, figure["unit"], figure["conditions"]) if spread else None
        if row and key and row["key"] == key:
            row["values"].append(f"{which} {number(figure['value'])}")
            continue
        if row:
            yield row
        row = {"key": key, "name": name, "unit": figure["unit"], "of": figure["conditions"],
               "values": [f"{which} {number(figure['value'])}".strip()]}
    if row:
        yield row


def table(figures):
    lines = ["| what | figure | how |", "| --- | --- | --- |"]
    for row in rows(figures):
        value = f"{', '.join(row['values'])} {row['unit']}".strip()
        lines.append(f"| {row['name']} | {value} | {row['of']} |")
    return "\n".join(lines)


def words_above(name):
    """What stands in docs/figures/NAME.md, its links as docs/figures.md needs them."""
    file = KEPT / f"{name}.md"
    return [file.read_text().strip().replace("](../", "](")] if file.exists() else []


def of_bench(name, kept):
    parts = [f"## {TITLES[name]}: `{kept['command']}`",
             f"{kept['date']}, {kept['machine']}, {kept['load_before']} other processes running as"
             f" it began, {kept['commit']}."]
    parts += words_above(name)
    section, figures = "", []

    def close():
        if figures:
            parts.extend([f"### {section}"] if section else [])
            parts.append(table(figures))
        elif section:
            parts.append(section)

    for line in kept["lines"]:
        if "section" in line:
            close()
            section, figures = line["section"], []
        else:
            figures.append(line)
    close()
    return "\n\n".join(parts)


def ten(measured):
    lines = ["| what | figure | seen with |", "| --- | --- | --- |"]
    for wanted in TEN:
        kept = measured[wanted["bench"]]
        found = [line for line in kept["lines"] if line.get("name") == wanted["name"]
                 and wanted.get("unit", line["unit"]) == line["unit"]
                 and wanted.get("with", "") in line["conditions"]]
        if not found:
            sys.exit(f"readme_figures.json: {wanted['bench']} has no figure like {wanted}")
        value = f"{number(found[-1]['value'])} {found[-1]['unit']}".strip()
        lines.append(f"| {wanted['label']} | {value} | `{kept['command']}` |")
    return "\n".join(lines)


def texts():
    measured = {name: json.loads((KEPT / f"{name}.json").read_text()) for name in TITLES}
    parts = ["# Figures",
             "Written by `./dev figures`, which measures; what is said between the tables stands in"
             " `docs/figures/`. On a Raspberry Pi nothing has been measured yet."]
    parts += [of_bench(name, kept) for name, kept in measured.items()]
    parts += words_above("other")
    readme = (ROOT / "README.md").read_text()
    before, rest = readme.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    readme = f"{before}{MARKS[0]}\n{ten(measured)}\n{MARKS[1]}{after}"
    return {ROOT / "docs" / "figures.md": "\n\n".join(parts) + "\n", ROOT / "README.md": readme}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(TITLES))
    options = parser.parse_args()
    wanted = [name.split() for name in options.names] or [[name] for name in TITLES]
    for words in wanted:
        if not words or words[0] not in TITLES:
            parser.error(f"there is no bench {words}; there are {', '.join(TITLES)}")
    if options.check:
        stale = [file.name for file, text in texts().items() if file.read_text() != text]
        print("\n".join(f"{name} is not what was measured: run tests/bench/write_figures.py"
                        for name in stale) or "the figures are what was measured")
        return 1 if stale else 0
    if options.bench:
        for words in wanted:
            measure(options.bench, words)
    for file, text in texts().items():
        file.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
