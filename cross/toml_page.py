#!/usr/bin/env python3
"""Writes the manual page tapd.toml(5) from docs/configuration.md, so that there is one text.

  toml_page.py docs/configuration.md > tapd.toml.5

Understands what that document uses: headings, paragraphs, tables of key, default and meaning, and
blocks of code.
"""

import re
import sys
from pathlib import Path


def roff(text):
    """One line of Markdown as roff: code is bold, a link is its text."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", text)
    text = text.replace("**", "")
    return "\\&" + text if text[:1] in ".'" else text


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def entry(line):
    """A row of a table: what it is about, its default where there is one, what it means."""
    key, *between, meaning = cells(line)
    default = between[0] if between else ""
    head = roff(key) + (f" (default: {roff(default)})" if default not in ("", "required") else "")
    if default == "required":
        head += " (required)"
    return f".TP\n{head}\n{roff(meaning)}"


def page(source):
    yield '.TH TAPD.TOML 5 "" "tapd" "File formats"'
    yield ".SH NAME\ntapd.toml \\- configuration of tapd\n.SH DESCRIPTION"
    lines = source.split("\n")
    code = False
    for number, line in enumerate(lines):
        if line.startswith("```"):
            code = not code
            yield ".PP\n.nf" if code else ".fi"
        elif code:
            yield roff(line)
        elif line.startswith("# "):
            continue
        elif line.startswith("#"):
            yield ".SH " + roff(line.lstrip("# ").replace("`", "")).upper()
        elif line.startswith("|"):
            separator = re.match(r"^\|[ |:-]+\|$", line)
            heading = number + 1 < len(lines) and re.match(r"^\|[ |:-]+\|$", lines[number + 1])
            if not separator and not heading:
                yield entry(line)
        elif line.strip():
            yield roff(line)
        else:
            yield ".PP"
    yield ".SH SEE ALSO\n.BR tapd (8),\n.BR tapctl (1)"


def main():
    if len(sys.argv) != 2:
        print("usage: toml_page.py docs/configuration.md", file=sys.stderr)
        return 2
    text = "\n".join(page(Path(sys.argv[1]).read_text(encoding="utf-8")))
    # A paragraph right after a heading or another paragraph is none.
    text = re.sub(r"(\.PP\n)+(?=\.(PP|SH|TP))", "", text)
    text = re.sub(r"(\.SH [^\n]*\n)(\.PP\n)+", r"\1", text)
    print(re.sub(r"(\.PP\n)+", ".PP\n", text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
