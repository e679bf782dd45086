#!/usr/bin/env python3
"""Whether bash completes every command and option that the programs' own help names, and no other.

  completion.py PROGRAM COMPLETION [PROGRAM COMPLETION ...]

Walks through the help of every command and asks bash, with the completion loaded, what it would
offer there. Exit code 1 when something is missing or too much.
"""

import re
import subprocess
import sys
from pathlib import Path

OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]+|-h)(?![\w-])")
COMMAND = re.compile(r"^  ([a-z][a-z-]*)\s{2,}\S", re.M)
ASK = """
source "$1"; shift
COMP_WORDS=("$@" "")
COMP_CWORD=$#
"_$1"
printf '%s\\n' "${COMPREPLY[@]}"
"""
# What people may be offered besides: values, not options or commands.
VALUES = {"all"}


def helped(program, words):
    """The options and the commands that the help names after these words."""
    said = subprocess.run([program, *words, "--help"], check=True, capture_output=True,
                          text=True).stdout
    options, _, commands = said.partition("Subcommands:")
    listed = "\n".join(line for line in options.splitlines() if line.lstrip().startswith("-"))
    return set(OPTION.findall(listed)), set(COMMAND.findall(commands))


def completed(completion, name, words):
    said = subprocess.run(["bash", "-c", ASK, "bash", completion, name, *words], check=True,
                          capture_output=True, text=True).stdout
    return set(said.split())


def compare(program, completion, words, inherited):
    options, commands = helped(program, words)
    name = Path(program).name
    offered = completed(completion, name, words)
    wanted = options | inherited | commands
    place = " ".join([name, *words])
    findings = [f"{place}: does not complete {word}" for word in sorted(wanted - offered)]
    if words != ["sim"]:  # its words are the simulated bar's language
        findings += [f"{place}: completes {word}, which is not there"
                     for word in sorted(offered - wanted - VALUES)]
    for command in sorted(commands):
        findings += compare(program, completion, [*words, command], inherited or options)
    return findings


def main():
    arguments = sys.argv[1:]
    if not arguments or len(arguments) % 2:
        print(__doc__, file=sys.stderr)
        return 2
    findings = []
    for program, completion in zip(arguments[::2], arguments[1::2]):
        findings += compare(program, completion, [], set())
    print("\n".join(findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
