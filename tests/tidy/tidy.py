#!/usr/bin/env python3
"""The style that no compiler checks: lengths, purity of the core, clocks, money, arrows.

  tidy.py [--root DIR]     checks every source file that git knows; a line for each finding
  tidy.py --self-test      proves that each rule finds what it is for

Exit code 1 when anything was found.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

LONGEST_LINE = 100
LONGEST_FUNCTION = 70
LONGEST_FILE = 400

# Which rooms a room may include (architecture, "The rooms"). Tests may include all.
ARROWS = {
    "drivers": {"drivers"},
    "storage": {"storage"},
    "sync": {"sync", "storage"},
    "daemon": {"daemon", "sync", "storage", "drivers"},
}
CORE_INCLUDES = re.compile(r'#include (<[a-z_]+>|<tl/expected\.hpp>|"storage/model/|"daemon/core/)')
CLOCKS = re.compile(
    r"::now\(\)|\bclock_gettime\b|\bgettimeofday\b|\bsleep_for\b|\bsleep_until\b|\busleep\b"
    r"|\bnanosleep\b|[^_\w.>]time\(")
FLOATS = re.compile(r"\b(float|double)\b")
ALLOW = re.compile(r"// tidy: allow (\w+), because \w+")
# Libraries that have one home each.
HOMES = {
    "curl/curl.h": {"sync/curl_transport.cpp", "daemon/api_client.cpp", "daemon/main.cpp"},
    "gpiod.hpp": {"drivers/gpio_lines.cpp", "drivers/gpiod_flow_meter.cpp",
                  "drivers/gpiod_valve.cpp", "drivers/gpiod_request.cpp",
                  "tests/rig/line_probe.cpp"},
    "microhttpd.h": {"daemon/http_server.cpp"},
}


def without_text(line):
    """The line without string literals and comments, so that words in them are not taken for code."""
    line = re.sub(r'"(\\.|[^"\\])*"', '""', line)
    return re.sub(r"//.*", "", line)


class Findings:
    def __init__(self):
        self.lines = []

    def add(self, path, number, rule, what):
        self.lines.append(f"{path}:{number}: {rule}: {what}")


def allowed(lines, index, what):
    """An allowance on the line itself or on the one above."""
    for line in lines[max(0, index - 1):index + 1]:
        found = ALLOW.search(line)
        if found and found.group(1) == what:
            return True
    return False


def check_shape(path, lines, findings):
    drawn = False  # a table drawn by hand, between clang-format off and on
    for number, line in enumerate(lines, 1):
        if "// clang-format o" in line:
            drawn = line.strip().endswith("off")
        if len(line) > LONGEST_LINE and not drawn:
            findings.add(path, number, "line", f"{len(line)} characters; at most {LONGEST_LINE}")
        if re.search(r"\b(TODO|FIXME|XXX)\b", line):
            findings.add(path, number, "todo", "finish it, or write an issue")
    if len(lines) > LONGEST_FILE:
        findings.add(path, len(lines), "file", f"{len(lines)} lines; at most {LONGEST_FILE}: split it")
    if path.endswith(".hpp"):
        if not lines or not lines[0].startswith("//"):
            findings.add(path, 1, "header", "begin with what this is, who calls it, what it promises")
        if "#pragma once" not in lines:
            findings.add(path, 1, "header", "#pragma once is missing")


def check_functions(path, lines, findings):
    """A function is taken to end at the closing brace in its own column; clang-format sees to that."""
    starts = re.compile(r"^(?P<indent> *)[\w:<>,&*~\[\]() .=\"'+-]*\)[\w &:<>,.(){}*-]*\{$")
    not_functions = re.compile(r"^ *(namespace|class|struct|enum|if|for|while|switch|do|else|try|\}|return)\b")
    for index, line in enumerate(lines):
        match = starts.match(line)
        if not match or not_functions.match(line):
            continue
        closing = match.group("indent") + "}"
        for end in range(index + 1, len(lines)):
            if lines[end].startswith(closing) and not lines[end].startswith(closing + " else"):
                length = end - index + 1
                if length > LONGEST_FUNCTION:
                    findings.add(path, index + 1, "function",
                                 f"{length} lines; at most {LONGEST_FUNCTION}: name its parts")
                break


def check_words(path, lines, findings):
    room = path.split("/")[0]
    product = room in ARROWS
    core = path.startswith("daemon/core/")
    money = room in ("storage", "sync") or core or (room == "drivers" and "/sim/" not in path)
    for index, raw in enumerate(lines):
        line, number = without_text(raw), index + 1
        if product and path != "drivers/clock.cpp" and CLOCKS.search(line):
            if not allowed(lines, index, "clock"):
                findings.add(path, number, "clock", "take the time as an argument; drivers/clock.cpp reads it")
        if product and path != "drivers/clock.cpp" and re.search(r"\b(std::rand|random_device)\b", line):
            findings.add(path, number, "random", "take randomness as an argument")
        if money and FLOATS.search(line) and not allowed(lines, index, "float"):
            findings.add(path, number, "float", "count in integers; no floating point near money and volume")
        if path.endswith(".hpp") and re.search(r"\busing namespace\b", line):
            findings.add(path, number, "namespace", "no using namespace in a header")
        if "NOLINT" in raw and not re.search(r"NOLINT\w*(\([\w.,-]+\))?:? \S+", raw):
            findings.add(path, number, "nolint", "say beside it why the check is wrong here")
        if re.search(r"catch \(\.\.\.\) \{\s*\}", line):
            findings.add(path, number, "catch", "do not swallow what you cannot name")


def check_includes(path, lines, findings):
    room = path.split("/")[0]
    core = path.startswith("daemon/core/")
    for number, line in enumerate(lines, 1):
        if not line.startswith("#include"):
            continue
        if '"../' in line:
            findings.add(path, number, "include", "write the room's name in front, not ../")
        target = re.match(r'#include [<"]([^>"]+)', line)
        name = target.group(1) if target else ""
        if name in HOMES and path not in HOMES[name]:
            findings.add(path, number, "include", f"{name} belongs to {', '.join(sorted(HOMES[name]))}")
        inner = re.match(r'#include "(\w+)/', line)
        if room in ARROWS and inner and inner.group(1) in ARROWS and inner.group(1) not in ARROWS[room]:
            findings.add(path, number, "arrow", f"{room} may not know {inner.group(1)}")
        if core and not CORE_INCLUDES.match(line):
            findings.add(path, number, "purity", "the core includes the standard library and the model only")


def check(path, text, findings):
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    check_shape(path, lines, findings)
    check_functions(path, lines, findings)
    check_words(path, lines, findings)
    check_includes(path, lines, findings)


def self_test():
    """Each bad text must be found by its rule, and a good one by none."""
    head = "// What this is.\n#pragma once\n"
    bad = [
        ("line", "storage/a.cpp", "// " + "x" * 100),
        ("file", "storage/a.cpp", "int a;\n" * 401),
        ("header", "storage/a.hpp", "#pragma once\n"),
        ("header", "storage/a.hpp", "// What this is.\n"),
        ("function", "storage/a.cpp", "void long_one(int a) {\n" + "  a++;\n" * 70 + "}\n"),
        ("function", "storage/a.cpp", "int A::b() const {\n" + "  a++;\n" * 70 + "}\n"),
        ("clock", "sync/a.cpp", "auto t = std::chrono::steady_clock::now();"),
        ("clock", "daemon/a.cpp", "  std::this_thread::sleep_for(1s);"),
        ("random", "daemon/a.cpp", "std::random_device seed;"),
        ("float", "storage/a.cpp", "double price;"),
        ("float", "daemon/core/a.cpp", "float volume = 1;"),
        ("namespace", "storage/a.hpp", head + "using namespace std;"),
        ("nolint", "storage/a.cpp", "int a;  // NOLINT"),
        ("catch", "daemon/a.cpp", "} catch (...) { }"),
        ("include", "daemon/a.cpp", '#include "../storage/ledger.hpp"'),
        ("include", "daemon/a.cpp", "#include <gpiod.hpp>"),
        ("arrow", "storage/a.cpp", '#include "sync/engine.hpp"'),
        ("arrow", "drivers/a.cpp", '#include "storage/model/money.hpp"'),
        ("purity", "daemon/core/a.cpp", "#include <sys/epoll.h>"),
        ("purity", "daemon/core/a.cpp", '#include "storage/ledger.hpp"'),
        ("todo", "daemon/a.cpp", "// TO" + "DO later"),
    ]
    good = [
        ("storage/a.hpp", head + "int a;  // NOLINT(some-check): the C library wants it so\n"),
        ("daemon/core/a.cpp", '#include "storage/model/money.hpp"\n#include <chrono>\n'),
        ("drivers/sim/a.cpp", "double flow;\n"),
        ("drivers/clock.cpp", "::clock_gettime(CLOCK_BOOTTIME, &now);\n"),
        ("storage/a.cpp", '// a double portion, told at run time()\nconst char* a = "double now()";\n'),
        ("storage/a.cpp", "// tidy: allow float, because a test\ndouble a;\n"),
        ("storage/a.cpp", "void short_one(int a) {\n" + "  a++;\n" * 60 + "}\n"),
    ]
    wrong = []
    for rule, path, text in bad:
        findings = Findings()
        check(path, text, findings)
        if not any(f": {rule}: " in line for line in findings.lines):
            wrong.append(f"{rule} did not find: {text[:60]!r}")
    for path, text in good:
        findings = Findings()
        check(path, text, findings)
        wrong += [f"found in what is good: {line}" for line in findings.lines]
    for line in wrong:
        print(line)
    print(f"tidy self-test: {len(bad) + len(good) - len(wrong)} of {len(bad) + len(good)} right")
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    listing = subprocess.run(["git", "-C", arguments.root, "ls-files", "-co", "--exclude-standard",
                              "*.cpp", "*.hpp"], check=True, capture_output=True, text=True)
    files = [name for name in listing.stdout.split("\n") if name]
    if not files:
        print("tidy: git knows no source file here")
        return 1
    findings = Findings()
    for name in files:
        path = arguments.root / name
        if path.exists():
            check(name, path.read_text(encoding="utf-8"), findings)
    for line in findings.lines:
        print(line)
    print(f"tidy: {len(files)} files, {len(findings.lines)} findings")
    return 1 if findings.lines else 0


if __name__ == "__main__":
    sys.exit(main())
