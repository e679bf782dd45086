#!/usr/bin/env python3
"""What a person sees at a board, as pictures for docs/install.md: each is the real output of the
real program, drawn as a terminal. `./dev pictures` makes them anew.

    pictures.py TAPD TAPCTL TAPD_CENTRAL BAR_FILE SCRIPTS_OF_THE_IMAGE FOLDER

tapd runs with simulated taps beside the reference server; tapd-status.txt comes from the image's
own scripts, with folders in the place of the card.
"""
import functools
import html
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is left beside the sources
import waiting
from screen import ESCAPE, on_screen

TAPD, TAPCTL, CENTRAL, BAR, SCRIPTS = (Path(word).resolve() for word in sys.argv[1:6])
OUT = Path(sys.argv[6])
CARD = "04ab7815cd6b80"
TOKEN = "a-token-of-the-venue"
PATIENCE = 120.0
wait_for = functools.partial(waiting.wait_for, patience=PATIENCE)
WIDTH, HEIGHT = 8.0, 19  # of a character
COLOURS = {"31": "#f87171", "32": "#4ade80", "33": "#fbbf24"}

CONFIG = """\
[controller]
id = "bar-1"
state_dir = "{folder}"
socket = "{folder}/tapd.sock"

[server]
url = "http://127.0.0.1:{port}"
token_file = "{folder}/token"

[[tap]]
id = 1
driver = "sim"
meter = {{ pulses_per_litre = 5600 }}

[[tap]]
id = 2
driver = "sim"
meter = {{ pulses_per_litre = 5600 }}
"""


def terminal(words, react=lambda said: None):
    """What a program writes on a terminal of its own, until it ends. `react` sees all of it so far
    and answers what a person types then."""
    pid, screen = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        os.execv(words[0], [str(word) for word in words])
    said, deadline = "", time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if select.select([screen], [], [], 0.1)[0]:
            try:
                more = os.read(screen, 65536)
            except OSError:  # it has ended
                break
            said += more.decode(errors="replace")
        if typed := react(said):
            os.write(screen, typed.encode())
    os.close(screen)
    os.waitpid(pid, 0)
    return said


def wrapped(line, width=110):
    """A line as a terminal of that width breaks it; escapes take no room."""
    rows, row, room = [], "", width
    for part in re.split(r"(\x1b\[[0-9;?]*[A-Za-z])", line):
        while not ESCAPE.fullmatch(part) and len(part) > room:
            rows.append(row + part[:room])
            row, part, room = "", part[room:], width
        row += part
        room -= 0 if ESCAPE.fullmatch(part) else len(part)
    return rows + [row]


def spans(row):
    """A row with its colours, as SVG."""
    out, colour, at = "", None, 0
    for found in [*ESCAPE.finditer(row), None]:
        text = html.escape(row[at:found.start() if found else None])
        out += f'<tspan fill="{colour}">{text}</tspan>' if colour and text else text
        if found:
            at = found.end()
            colour = COLOURS.get(found[1]) if found[2] == "m" else colour
    return out


def picture(name, title, lines):
    rows = [row for line in lines for row in wrapped(line)]
    plain = [ESCAPE.sub("", row) for row in rows]
    width = int(max(map(len, [title, *plain])) * WIDTH) + 40
    height = len(rows) * HEIGHT + 62
    drawn = "\n".join(
        f'<text x="20" y="{58 + number * HEIGHT}" xml:space="preserve">{spans(row)}</text>'
        for number, row in enumerate(rows))
    described = html.escape("\n".join(plain))
    (OUT / f"{name}.svg").write_text(f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="13" fill="#e5e7eb" \
role="img" aria-labelledby="t d">
<title id="t">{html.escape(title)}</title>
<desc id="d">{described}</desc>
<rect width="{width}" height="{height}" rx="8" fill="#111827"/>
<rect width="{width}" height="32" rx="8" fill="#374151"/>
<text x="{width / 2}" y="21" text-anchor="middle" fill="#d1d5db">{html.escape(title)}</text>
{drawn}
</svg>
""")


class Bar:
    """The venue's server, and tapd with two simulated taps."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "token").write_text(TOKEN + "\n")
        self.server = subprocess.Popen(
            [CENTRAL, "--throw-away", "--token", TOKEN, "--seed-file", BAR],
            stdout=subprocess.PIPE, text=True)
        for line in self.server.stdout:
            if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line):
                (folder / "tapd.toml").write_text(CONFIG.format(folder=folder, port=found[1]))
                break
        self.tapd = None
        self.start()

    def start(self):
        self.tapd = subprocess.Popen([TAPD, "--config", self.folder / "tapd.toml"],
                                     stderr=subprocess.DEVNULL)
        wait_for("tapd", lambda: '"server_reachable": true' in self.tapctl("--json", "status"))

    def command(self, *words):
        return [TAPCTL, "--socket", self.folder / "tapd.sock", *words]

    def tapctl(self, *words):
        return subprocess.run(self.command(*words), stdout=subprocess.PIPE, text=True, check=False,
                              stderr=subprocess.DEVNULL).stdout

    def shows(self, text):
        wait_for(text, lambda: text in self.tapctl("--json", "status"))

    def end(self):
        for one in (self.tapd, self.server):
            one.terminate()
            one.wait(timeout=PATIENCE)


def draw_status(bar):
    bar.tapctl("sim", "handle", "1", "40")
    bar.tapctl("sim", "card", "1", CARD)
    bar.shows('"state": "pouring"')
    wait_for("a glass that fills", lambda: re.search(r'"volume_ml": 1\d\d', bar.tapctl(
        "--json", "status")))
    said = terminal(bar.command("status"))
    bar.tapctl("sim", "card", "1", "none")
    bar.tapctl("sim", "handle", "1", "0")
    wait_for("the end of the pour", lambda: "pouring" not in bar.tapctl("--json", "status"))
    picture("status", "tapctl status",
            ["$ tapctl status", *(line.replace(str(bar.folder), "/var/lib/tapd")
                                  for line in on_screen(said))])


def draw_selftest(bar):
    """A person with a card, a mouth and eyes; and what systemd does after the kill."""
    done = set()

    def once(words, said):
        if words not in said or words in done:
            return False
        done.add(words)
        return True

    def person(said):
        if once("lay any card", said):
            bar.tapctl("sim", "card", "1", CARD)
        if once("take the card away", said):
            bar.tapctl("sim", "card", "1", "none")
        if once("blow through", said):
            bar.tapctl("sim", "handle", "1", "40")
        if once("   stop\r\n", said):
            bar.tapctl("sim", "handle", "1", "0")
        if once("shut at once", said):
            bar.tapd.wait(timeout=PATIENCE)
            bar.start()
            return "y\n"
        if once("did the valve open?", said) or once("is it shut now?", said):
            return "y\n"
        return ""

    picture("selftest", "tapctl selftest 1",
            ["$ tapctl selftest 1", *on_screen(terminal(bar.command("selftest", "1"), person))])


def draw_status_file(folder):
    """What a laptop shows of a card whose tapd.toml has a slip of the pen."""
    for name in ("boot", "data", "etc", "zones/Europe"):
        (folder / name).mkdir(parents=True)
    (folder / "zones/Europe/Berlin").touch()
    (folder / "serial").write_text("100000001")
    example = (SCRIPTS / "example.toml").read_text()
    (folder / "boot/tapd.toml").write_text(example.replace('active = "high"', 'active = "hihg"'))
    environment = dict(os.environ, TAPD=str(TAPD), **{
        f"TAPD_{name.upper()}": str(folder / name)
        for name in ("boot", "data", "etc", "run", "zones", "serial", "lamp", "console")})
    for script in ("tapd-board", "tapd-report"):
        subprocess.run([SCRIPTS / script], env=environment, check=True, stderr=subprocess.DEVNULL)
    text = (folder / "boot/tapd-status.txt").read_bytes().decode()
    picture("status-file", "TAPD: tapd-status.txt", on_screen(text))


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tapd-pictures-") as name:
        draw_status_file(Path(name) / "card")
        (Path(name) / "bar").mkdir()
        bar = Bar(Path(name) / "bar")
        try:
            draw_status(bar)
            draw_selftest(bar)
        finally:
            bar.end()


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
main()
