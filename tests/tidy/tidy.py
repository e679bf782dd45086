#!/usr/bin/env python3
"""The style that no compiler checks: lengths, purity of the core, clocks, money, arrows.

  tidy.py [--root DIR]     checks every source file that git knows; a line for each finding:
                           file:line: rule: what to do
  tidy.py --self-test      proves that each rule finds what it is for, and leaves good code alone

Where a rule is wrong, say so on the line or the one above:
  // tidy: allow float, because libcurl's setter takes one     (float, clock or catch)

Shell scripts are given to shellcheck, where it is installed. Exit code 1 when anything was found.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
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
    r"|\b(clock_)?nanosleep\b|\btimespec_get\b|\blocaltime(_r)?\(|\bgmtime(_r)?\("
    r"|(?<![\w.>])(::|std::)?time\((nullptr|NULL|0|&|\))|\b(::|std::)time\(|(?<![\w.>:])sleep\(")
FLOATS = re.compile(r"\b(float|double|float_t|double_t)\b|\bstd::(stod|stof|strtod)\b")
RANDOM = re.compile(
    r"\bstd::s?rand\b|(?<![\w:.>])s?rand\(|\brandom_device\b|\bgetrandom\(|\barc4random")
ALLOW = re.compile(r"// tidy: allow (\w+), because \w+")
NOT_FUNCTION = re.compile(
    r"(\} *)?(template *<[^{}]*> *)?"
    r"(namespace|class|struct|union|enum|if|for|while|switch|do|else|try|catch)\b")
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)")
EMPTY_CATCH = re.compile(r"catch \(\.\.\.\) \{\s*\}")
# Libraries that have one home each.
HOMES = {
    "curl/curl.h": {"sync/curl_transport.cpp", "daemon/api_client.cpp", "daemon/main.cpp",
                    "sync/curl_options.cpp"},
    "gpiod.hpp": {"drivers/gpio_lines.cpp", "drivers/gpiod_flow_meter.cpp",
                  "drivers/gpiod_output.cpp",
                  "tests/rig/line_probe.cpp"},
    "microhttpd.h": {"daemon/http_server.cpp"},
}


RAW_STRING = re.compile(r'R"(\w*)\(.*?\)\1"', re.S)
STRING_OR_COMMENT = re.compile(
    r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'|//[^\n]*|/\*.*?\*/', re.S)


def without_text(text):
    """The text without what stands in strings and comments, so that their words are not taken for
    code. Lines stay where they are."""
    def blank(match):
        quotes = '""' if match.group(0)[0] in 'R"' else ""
        return quotes + "\n" * match.group(0).count("\n")
    return STRING_OR_COMMENT.sub(blank, RAW_STRING.sub(blank, text))


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
        findings.add(path, len(lines), "file",
                     f"{len(lines)} lines; at most {LONGEST_FILE}: split it")
    if path.endswith(".hpp"):
        if not lines or not lines[0].startswith("//"):
            findings.add(path, 1, "header",
                         "begin with what this is, who calls it, what it promises")
        if "#pragma once" not in lines:
            findings.add(path, 1, "header", "#pragma once is missing")


def functions(code):
    """(first line, last line) of every function, lambda and test case in code without text.

    A brace after a blank opens a block, unless what stands before the blank wants a value; every
    other brace is a value. A block whose head has a parenthesis and no word of control flow is a
    function."""
    head, head_line, line, depth = "", 1, 1, 0
    blocks = []  # (kind, head_line, depth) of each brace that is open
    for index, letter in enumerate(code):
        if letter == "{":
            before = code[:index].rstrip(" \n")[-6:]
            value = not code[index - 1:index].isspace() or before[-1:] in "=,([{"
            if (value or before == "return") and before:
                blocks.append(("value", head_line, depth))
                head += letter
            else:
                called = "(" in head and not NOT_FUNCTION.match(head.lstrip())
                blocks.append(("function" if called else "block", head_line, depth))
                head, depth = "", 0
        elif letter == "}" and blocks:
            kind, began, depth = blocks.pop()
            if kind == "function":
                yield began, line
            head = head + letter if kind == "value" else ""
        elif letter == ";" and depth == 0:
            head = ""
        else:
            depth += {"(": 1, ")": -1}.get(letter, 0)
            if not head.strip():
                head, head_line = "", line
            head += letter
            if letter == ":" and head.strip() in ("public:", "private:", "protected:"):
                head = ""
        line += letter == "\n"


def check_functions(path, text, findings):
    code = without_text(re.sub(r"^#.*(\\\n.*)*", "", text, flags=re.M))
    for first, last in functions(code):
        if last - first + 1 > LONGEST_FUNCTION:
            findings.add(path, first, "function",
                         f"{last - first + 1} lines; at most {LONGEST_FUNCTION}: name its parts")


def check_words(path, text, lines, findings):
    room = path.split("/")[0]
    product = room in ARROWS and path != "drivers/clock.cpp"
    core = path.startswith("daemon/core/")
    money = room in ("storage", "sync") or core or (room == "drivers" and "/sim/" not in path)
    code = without_text(text)
    for index, (raw, line) in enumerate(zip(lines, code.split("\n"))):
        number = index + 1
        if product and CLOCKS.search(line) and not allowed(lines, index, "clock"):
            findings.add(path, number, "clock",
                         "take the time as an argument; drivers/clock.cpp reads it")
        if product and RANDOM.search(line):
            findings.add(path, number, "random", "take randomness as an argument")
        if money and FLOATS.search(line) and not allowed(lines, index, "float"):
            findings.add(path, number, "float",
                         "count in integers; no floating point near money and volume")
        if path.endswith(".hpp") and re.search(r"\busing namespace\b", line):
            findings.add(path, number, "namespace", "no using namespace in a header")
        if "NOLINT" in raw and not re.search(r"NOLINT\w*\([\w.,-]+\): \S+", raw):
            findings.add(path, number, "nolint",
                         "name the check and why it is wrong here: NOLINT(check): why")
    for match in EMPTY_CATCH.finditer(code):
        number = code.count("\n", 0, match.start()) + 1
        if not allowed(lines, number - 1, "catch"):
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
            findings.add(path, number, "include",
                         f"{name} belongs to {', '.join(sorted(HOMES[name]))}")
        inner = re.match(r'#include "(\w+)/', line)
        rooms = {*ARROWS, "tests"}
        if room in ARROWS and inner and inner.group(1) in rooms - ARROWS[room]:
            findings.add(path, number, "arrow", f"{room} may not know {inner.group(1)}")
        if core and not CORE_INCLUDES.match(line):
            findings.add(path, number, "purity",
                         "the core includes the standard library and the model only")


def check(path, text, findings):
    lines = text.split("\n")
    if lines and lines[-1] == "":
        lines.pop()
    check_shape(path, lines, findings)
    check_functions(path, text, findings)
    check_words(path, text, lines, findings)
    check_includes(path, lines, findings)


def check_plain(root, name, text, findings):
    """Documents link to files that exist; scripts keep to the columns too."""
    for number, line in enumerate(text.split("\n"), 1):
        if name.endswith(".md"):
            for target in LINK.findall(line):
                if not ((root / name).parent / target).exists():
                    findings.add(name, number, "link", f"there is no {target}")
        elif len(line) > LONGEST_LINE:
            findings.add(name, number, "line", f"{len(line)} characters; at most {LONGEST_LINE}")


def check_any(path, text, findings):
    if path.endswith((".cpp", ".hpp")):
        check(path, text, findings)
    else:
        check_plain(ROOT, path, text, findings)


def self_test():
    """Each bad text must be found by its rule, and a good one by none."""
    head = "// What this is.\n#pragma once\n"
    long_body = "  a++;\n" * 70
    bad = [
        ("line", "storage/a.cpp", "// " + "x" * 100),
        ("file", "storage/a.cpp", "int a;\n" * 401),
        ("header", "storage/a.hpp", "#pragma once\n"),
        ("header", "storage/a.hpp", "// What this is.\n"),
        ("function", "storage/a.cpp", "void long_one(int a) {\n" + long_body + "}\n"),
        ("function", "storage/a.cpp", "int A::b() const {\n" + long_body + "}\n"),
        ("function", "storage/a.cpp", "A::A(int b)\n    : b_{b}, c_(b) {\n" + long_body + "}\n"),
        ("function", "storage/a.cpp",
         "tl::expected<A, B> a(int b,\n    C c = {}) {\n" + long_body + "}\n"),
        ("function", "storage/a.cpp", "struct A {\n void b() {\n" + long_body + "  }\n};\n"),
        ("function", "storage/a.cpp",
         "void a() {\n  run([&](int b) {\n" + long_body + "  });\n}\n"),
        ("function", "tests/a.cpp",
         'TEST_CASE("a } b {") {\n  for (int i{}; i < 9; ++i) {\n' + long_body + "  }\n}\n"),
        ("clock", "sync/a.cpp", "auto t = std::chrono::steady_clock::now();"),
        ("clock", "drivers/a.cpp", "const auto t = time(nullptr);"),
        ("clock", "drivers/a.cpp", "::clock_gettime(CLOCK_BOOTTIME, &t);"),
        ("clock", "daemon/a.cpp", "  std::this_thread::sleep_for(1s);"),
        ("clock", "daemon/a.cpp", "  sleep(1);"),
        ("random", "daemon/a.cpp", "std::random_device seed;"),
        ("random", "sync/a.cpp", "const int a = rand();"),
        ("float", "storage/a.cpp", "double price;"),
        ("float", "drivers/a.cpp", "float rate;"),
        ("float", "daemon/core/a.cpp", "float volume = 1;"),
        ("float", "storage/a.cpp", "// tidy: allow float\ndouble a;"),
        ("namespace", "storage/a.hpp", head + "using namespace std;"),
        ("nolint", "storage/a.cpp", "int a;  // NOLINT"),
        ("nolint", "storage/a.cpp", "int a;  // NOLINTNEXTLINE(some-check)"),
        ("catch", "daemon/a.cpp", "} catch (...) { }"),
        ("catch", "daemon/a.cpp", "} catch (...) {\n  // never mind\n}"),
        ("include", "daemon/a.cpp", '#include "../storage/ledger.hpp"'),
        ("include", "daemon/a.cpp", "#include <gpiod.hpp>"),
        ("include", "sync/engine.cpp", "#include <curl/curl.h>"),
        ("arrow", "storage/a.cpp", '#include "sync/engine.hpp"'),
        ("arrow", "drivers/a.cpp", '#include "storage/model/money.hpp"'),
        ("arrow", "sync/a.cpp", '#include "drivers/valve.hpp"'),
        ("arrow", "sync/a.cpp", '#include "tests/support/deadline.hpp"'),
        ("purity", "daemon/core/a.cpp", "#include <sys/epoll.h>"),
        ("purity", "daemon/core/a.cpp", '#include "storage/ledger.hpp"'),
        ("todo", "daemon/a.cpp", "// TO" + "DO later"),
        ("todo", "tests/a.cpp", "// FIX" + "ME"),
        ("link", "docs/a.md", "see [the figures](no_such_file.md)"),
        ("line", "tests/a.py", "#" * 101),
    ]
    good = [
        ("storage/a.hpp", head + "int a;  // NOLINT(some-check): the C library wants it so\n"),
        ("daemon/core/a.cpp", '#include "storage/model/money.hpp"\n#include <chrono>\n'),
        ("drivers/sim/a.cpp", "double flow;\n"),
        ("drivers/clock.cpp", "::clock_gettime(CLOCK_BOOTTIME, &now);\n"),
        ("sync/curl_transport.cpp", "#include <curl/curl.h>\n"),
        ("sync/a.cpp",
         "woken.wait_until(lock, deadline);\nconst auto a = wall_time(b);\nx.time(3);\n"),
        ("storage/a.cpp",
         '// a double portion, told at run time()\nconst char* a = "double now()";\n'),
        ("storage/a.cpp", 'const char* sql = R"(\n  price double, time()\n)";\n'),
        ("storage/a.cpp", "// tidy: allow float, because a test\ndouble a;\n"),
        ("storage/a.cpp", "void short_one(int a) {\n" + "  a++;\n" * 60 + "}\n"),
        ("storage/a.cpp", ("void short_one(int a) {\n" + "  a++;\n" * 20 + "}\n") * 5),
        ("storage/a.cpp", "struct A {\n" + "  int a();\n" * 80 + "};\n"),
        ("storage/a.cpp", "namespace tapd {\nconst B b = {\n" + "  {1, f(2)},\n" * 80 + "};\n}\n"),
        ("docs/a.md", "[start](../README.md#x), [all](https://example.org/a) of it " + "x" * 90),
        ("daemon/a.cpp", "} catch (...) {\n  undo();\n  throw;\n}\n"),
    ]
    wrong = []
    for rule, path, text in bad:
        findings = Findings()
        check_any(path, text, findings)
        if not any(f": {rule}: " in line for line in findings.lines):
            wrong.append(f"{rule} did not find: {text[:60]!r}")
    for path, text in good:
        findings = Findings()
        check_any(path, text, findings)
        wrong += [f"found in what is good: {line}" for line in findings.lines]
    names = [("--help/local-fs.target", True), ("docs/-x", True), ("docs/a-b.md", False),
             ("a/b--c/d", False)]
    for name, is_bad in names:
        findings = Findings()
        check_name(name, findings)
        if bool(findings.lines) != is_bad:
            wrong.append(f"name: wrong about {name}")
    tried = len(bad) + len(good) + len(names)
    for line in wrong:
        print(line)
    print(f"tidy self-test: {tried - len(wrong)} of {tried} right")
    return 1 if wrong else 0


def git_files(root, *patterns):
    command = ["git", "-C", root, "ls-files", "-co", "--exclude-standard", "-z", *patterns]
    listing = subprocess.run(command, check=True, capture_output=True, text=True)
    names = {name for name in listing.stdout.split("\0") if name}
    return sorted(name for name in names if (root / name).exists())


def check_name(name, findings):
    """A command takes a name that begins with - for an option: `rm *` in its folder, too."""
    if name.startswith("-") or "/-" in name:
        findings.add(name, 1, "name", "begins with -: a command's option became a file")


def check_scripts(root, findings):
    """shellcheck over every file that begins like a shell script; how many those are."""
    if not shutil.which("shellcheck"):
        print("tidy: shellcheck is not installed; scripts are not checked")
        return 0
    scripts = [name for name in git_files(root) if (root / name).is_file()
               and re.match(rb"#!.*\b(ba|da|)sh\b", (root / name).read_bytes()[:64])]
    if scripts:
        command = ["shellcheck", "--external-sources", "--severity=info", "--format=gcc", *scripts]
        run = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)
        findings.lines += (run.stdout + run.stderr).splitlines()
    return len(scripts)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    root = arguments.root.resolve()
    files = git_files(root, "*.cpp", "*.hpp")
    if not files:
        print("tidy: git knows no source file here")
        return 1
    findings = Findings()
    for name in files:
        check(name, (root / name).read_text(encoding="utf-8"), findings)
    others = git_files(root, "*.md", "*.py", "*.sh", "dev", ".ci/run")
    for name in others:
        check_plain(root, name, (root / name).read_text(encoding="utf-8"), findings)
    for name in git_files(root):
        check_name(name, findings)
    scripts = check_scripts(root, findings)
    for line in findings.lines:
        print(line)
    print(f"tidy: {len(files)} sources, {len(others)} other files, {scripts} scripts given to "
          f"shellcheck, {len(findings.lines)} findings")
    return 1 if findings.lines else 0


if __name__ == "__main__":
    sys.exit(main())
