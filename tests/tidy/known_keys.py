#!/usr/bin/env python3
"""Whether every key of the configuration that a text names ("server.token_file") is one that
configuration.md knows.

  known_keys.py CONFIGURATION.md TEXT...

Exit code 1 when one is not.
"""

import re
import sys
from pathlib import Path

SECTION = re.compile(r"^## `\[+([a-z]+)\]+`")
ROOMS = "controller|server|storage|policy|meter|valve|indicator|reader"
NAMED = re.compile(rf"(?<![\w/.-])({ROOMS})\.(?!(?:md|hpp|cpp|py)\b)([a-z_]+)(?![\w(])")


def known_keys(text):
    """"server.url"; of a tap "meter.line", and what stands in its first column as it is."""
    known, section = set(), ""
    for line in text.splitlines():
        if found := SECTION.match(line):
            section = found.group(1)
        elif line.startswith("## "):
            section = ""
        elif section and line.startswith("| `"):
            room = section
            for key in re.findall(r"`([a-z_.]+)`", line.split("|")[1]):
                # "`indicator.red`, `.green`" means indicator.green.
                if "." in key.lstrip("."):
                    room = key.split(".")[0]
                known.add(room + key if key.startswith(".") else
                          key if "." in key else f"{room}.{key}")
    return known


def main():
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    known = known_keys(Path(sys.argv[1]).read_text(encoding="utf-8"))
    unknown = 0
    for name in sys.argv[2:]:
        for number, line in enumerate(Path(name).read_text(encoding="utf-8").splitlines(), 1):
            for room, key in NAMED.findall(line):
                if f"{room}.{key}" not in known:
                    print(f"{name}:{number}: {room}.{key} is no key of the configuration")
                    unknown += 1
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
