#!/usr/bin/env python3
"""Whether the manual pages name every option and command that the programs' own help names.

  man_pages.py PROGRAM PAGE [PROGRAM PAGE ...]

Exit code 1 when one is missing.
"""

import re
import subprocess
import sys
from pathlib import Path

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
COMMAND = re.compile(r"^  ([a-z][a-z-]*)\s{2,}\S", re.M)


def words_of(program):
    """What the help of the program names: its options, and its commands where it has some."""
    said = subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout
    commands = said.partition("Subcommands:")[2]
    return set(OPTION.findall(said)) | set(COMMAND.findall(commands))


def main():
    missing = 0
    arguments = sys.argv[1:]
    if not arguments or len(arguments) % 2:
        print(__doc__, file=sys.stderr)
        return 2
    for program, page in zip(arguments[::2], arguments[1::2]):
        text = Path(page).read_text(encoding="utf-8").replace("\\-", "-")
        for word in sorted(words_of(program)):
            if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text):
                print(f"{page}: does not name {word}")
                missing += 1
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
