"""What a terminal shows of what a program wrote on it."""
import re

ESCAPE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")


def on_screen(said):
    """The lines that stay, with their colours: one that is written over stays as it was last."""
    lines = said.replace("\r\n", "\n").rstrip("\n").split("\n")
    return [line.rstrip("\r").rpartition("\r")[2] for line in lines]
