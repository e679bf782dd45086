#!/usr/bin/env python3
"""A technician's first hour with tapd, as it really goes: writes docs/first-hour.md.

  first_hour.py DEB TAPD_CENTRAL BAR_FILE >docs/first-hour.md

Everything that stands after a $ is run, and what stands below it is what it printed. The package is
installed in a throw-away copy of this machine (an overlay in memory, in a mount namespace of its
own), beside a journald and a venue server of their own; the tap is simulated. What a service
manager does (start, restart after a kill) is done here by hand. Needs root, PostgreSQL and
systemd-journald; exit code 77: it could not be tried here.
"""

import functools
import os
import pty
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is left beside the sources
import waiting
from screen import ESCAPE, on_screen

SKIPPED = 77
PATIENCE = 60.0
wait_for = functools.partial(waiting.wait_for, patience=PATIENCE)
GUEST = "04ab7815cd6b80"  # Ann, of the seed file
PULSES_PER_LITRE = 5600
JOURNALD = "/lib/systemd/systemd-journald"
CATALOGS = "/usr/lib/systemd/catalog"
CONFIG = """\
[controller]
id = "bar-1"

[server]
url = "http://127.0.0.1:{port}"
token_file = "token"
longest_backoff_ms = 2000

[policy]
service_cards = ["04C0FFEE"]

[[tap]]
id = 1
driver = "sim"
meter = {{ {key} = 5600 }}
sim = {{ rate_ml_per_s = 60 }}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def as_shown(text):
    """What stays on a terminal, colours gone."""
    return "\n".join(ESCAPE.sub("", line).rstrip() for line in on_screen(text)).strip("\n")


class Venue:
    """PostgreSQL and the reference server, outside the copy, as a venue's are."""

    def __init__(self, folder, program, seed):
        self.command = [program, "--token", "a-token-of-the-venue", "--seed-file", seed]
        self.port = free_port()
        self.server = None
        data = folder / "data"
        programs = max(Path("/usr/lib/postgresql").glob("*/bin"))
        shutil.chown(folder, "postgres")
        port = free_port()
        subprocess.run([programs / "initdb", "--no-sync", "--auth=trust", "--encoding=UTF8",
                        "--locale=C", "--username=tapd", "-D", data], check=True, user="postgres",
                       stdout=subprocess.DEVNULL)
        self.postgres = subprocess.Popen(
            [programs / "postgres", "-D", data, "-p", str(port), "-k", folder, "-h", "127.0.0.1"],
            user="postgres", stderr=subprocess.DEVNULL)
        self.command += ["--database", f"postgresql://tapd@127.0.0.1:{port}/postgres"]
        wait_for("PostgreSQL", lambda: "ready" in self.state(data))

    @staticmethod
    def state(data):
        file = data / "postmaster.pid"
        return file.read_text() if file.exists() else ""

    def start(self):
        self.server = subprocess.Popen([*self.command, "--listen", f"127.0.0.1:{self.port}"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("the venue server", self.answers)

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        self.server.kill()
        self.server.wait()

    def end(self):
        if self.server:
            self.stop()
        self.postgres.terminate()
        self.postgres.wait()


class Board:
    """The throw-away copy of this machine, as a board with a fresh system."""

    def __init__(self, folder):
        self.tapd = None
        self.root = folder / "root"
        upper, work = folder / "upper", folder / "work"
        for one in (self.root, upper, work):
            one.mkdir()
        self.mount("-t", "overlay", "overlay", "-o",
                   f"lowerdir=/,upperdir={upper},workdir={work}", self.root)
        for name in ("proc", "dev", "sys"):
            self.mount("--rbind", f"/{name}", self.root / name)
        for name in ("run", "tmp", "var/log/journal", "var/lib/systemd/catalog"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
            self.mount("-t", "tmpfs", "none", self.root / name)
        for name in ("run/systemd/journal", "run/log/journal"):
            (self.root / name).mkdir(parents=True)
        self.journald = subprocess.Popen(["chroot", self.root, JOURNALD],
                                         stderr=subprocess.DEVNULL)
        wait_for("journald", lambda: self.path("/run/systemd/journal/stdout").exists())

    @staticmethod
    def mount(*arguments):
        subprocess.run(["mount", *arguments], check=True)

    def path(self, name):
        return self.root / name.lstrip("/")

    def command(self, words):
        return ["chroot", self.root, "sh", "-c", words]

    def run(self, words):
        return subprocess.run(self.command(words), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False,
                              stdin=subprocess.DEVNULL).stdout

    def start_tapd(self):
        """As the unit does: the user, its folders, the credential, the journal."""
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream.connect(str(self.path("/run/systemd/journal/stdout")))
        stream.sendall(b"tapd\n\n6\n1\n0\n0\n0\n")
        info = os.fstat(stream.fileno())
        self.tapd = subprocess.Popen(
            self.command("install -d -o tapd -g tapd -m 0750 /var/lib/tapd /run/tapd && "
                         "exec setpriv --reuid tapd --regid tapd --init-groups tapd"),
            stderr=stream, env={**os.environ, "JOURNAL_STREAM": f"{info.st_dev}:{info.st_ino}",
                                "CREDENTIALS_DIRECTORY": "/etc/tapd/credentials/.given"})
        wait_for("tapd", self.answers)

    def answers(self):
        if self.tapd.poll() is not None:
            sys.exit("tapd has ended:\n" +
                     self.run("journalctl --no-pager -D /run/log/journal -o cat | tail -20"))
        return "bar-1" in self.run("tapctl status")

    def revive_tapd(self):
        """What Restart=always does."""
        self.tapd.wait()
        self.start_tapd()

    def sim(self, command):
        said = self.run(f"tapctl sim {command}")
        if "done" not in said:
            sys.exit(f"sim {command}: {said}")

    def state(self):
        found = re.search(r"^tap 1\s+(\w+)", self.run("tapctl status"), re.M)
        return found.group(1) if found else ""

    def end(self):
        for child in (self.tapd, self.journald):
            if child:
                child.terminate()
                child.wait()


class Page:
    """The document: words, and commands with what they printed."""

    def __init__(self, board):
        self.board = board

    @staticmethod
    def say(words):
        print(words.strip("\n") + "\n", flush=True)

    def block(self, command, said):
        print(f"```console\n$ {command}\n{said}\n```\n", flush=True)

    def run(self, command, most_lines=None):
        lines = as_shown(self.board.run(command)).splitlines()
        if most_lines and len(lines) > most_lines:
            lines = [*lines[:most_lines], "..."]
        self.block(command, "\n".join(lines))

    def talk(self, command, steps):
        """Runs it on a terminal; each step waits for words and then does or types something."""
        ours, theirs = pty.openpty()
        child = subprocess.Popen(self.board.command(command), stdin=theirs, stdout=theirs,
                                 stderr=theirs)
        os.close(theirs)
        said, seen = "", 0

        def read():
            nonlocal said
            try:
                said += os.read(ours, 65536).decode()
                return True
            except OSError:  # the other side has gone
                return False
        for words, do in steps:
            end = time.monotonic() + PATIENCE
            while words not in said[seen:]:
                if time.monotonic() > end or not read():
                    sys.exit(f"{command}: never said \"{words}\":\n{said}")
            seen = said.index(words, seen) + len(words)
            typed = do(said) if callable(do) else do
            if typed is not None:
                os.write(ours, typed.encode() + b"\n")
        while read():
            pass
        child.wait()
        self.block(command, as_shown(said))


def install(page, board, package):
    page.say("## Install\n\nThe package brings the unit, its user, the device rules, the message "
             "catalogs, manual pages and the completion of the shell.")
    shutil.copy(package, board.path("/root"))
    board.run("apt-get install -y -qq udev")  # every board has it; a build machine may not
    page.run(f"dpkg -i /root/{Path(package).name} 2>&1 | grep -v '^(Reading'")
    board.run("journalctl --update-catalog")


def configure(page, board, venue):
    config = board.path("/etc/tapd/tapd.toml")
    # As LoadCredential= of the unit hands the file "token" over.
    given = board.path("/etc/tapd/credentials/.given")
    given.mkdir(parents=True)
    for file in (given / "tapd_token", given.parent / "token"):
        file.write_text("a-token-of-the-venue\n")
        file.chmod(0o600)
    board.run("chown -R tapd /etc/tapd/credentials")
    page.say("## Configure\n\nOne file, with the tap and the venue server. The first try has a "
             "mistake in it.")
    config.write_text(CONFIG.format(port=venue.port, key="puls_per_litre"))
    page.run("tapd --check-config")
    config.write_text(CONFIG.format(port=venue.port, key="pulses_per_litre"))
    page.run("cat /etc/tapd/tapd.toml")
    page.run("tapd --check-config")


def doctor(page, board):
    page.say("## Doctor\n\nOn a board it is `systemctl enable --now tapd` now; here the script "
             "starts it as the unit would. Then everything is looked at, and each finding that is "
             "not good ends with what to do next. (This machine is no Raspberry Pi.)")
    board.start_tapd()
    page.run("tapctl doctor")


def selftest(page, board):
    page.say("## Selftest\n\nThe line is dry, the installer stands at the tap. tapd is killed in "
             "the middle of it on purpose.")
    board.sim("handle 1 30")

    def lay(_):
        board.sim("card 1 04d00d01")  # not staff's: that would open the service menu

    def lift(_):
        board.sim("card 1 none")

    def killed(_):
        time.sleep(1)
        board.revive_tapd()
        return "y"
    page.talk("tapctl selftest 1", [
        ("1. reader: lay any card on it", lay), ("2. reader: take the card away", lift),
        ("did the valve open? [y/n]", "y"), ("is it shut now? [y/n]", "y"),
        ("did the valve shut at once, by itself? [y/n]", killed)])
    board.sim("handle 1 0")


def calibrate(page, board):
    page.say("## Calibrate\n\nThree pours into a jug. (Here the jug is the simulated meter's "
             f"truth, {PULSES_PER_LITRE} pulses per litre, read to 5 ml as a person would.)")
    board.sim("handle 1 60")

    def read_jug(said):
        pulses = int(re.findall(r"the meter gave (\d+) pulses", said)[-1])
        return str(round(pulses * 1000 / PULSES_PER_LITRE / 5) * 5)
    steps = []
    for _ in range(3):
        steps += [("press Enter: the valve opens", ""),
                  ("Enter again shuts it", lambda _: time.sleep(6) or ""),
                  ("what the jug says, in millilitres:", read_jug)]
    page.talk("tapctl calibrate 1", steps)
    board.sim("handle 1 0")


def pour(board, seconds):
    board.sim(f"card 1 {GUEST}")
    wait_for("the valve opens", lambda: board.state() in ("ready", "pouring"))
    board.sim("handle 1 60")
    time.sleep(seconds)


def lift(board):
    board.sim("card 1 none")
    wait_for("the pour is over", lambda: board.state() == "idle")
    board.sim("handle 1 0")


def first_pour(page, board):
    page.say("## The first pour\n\nA guest lays a card on. Would it pour? It does, and the venue "
             "server books it.")
    wait_for("the guests are known", lambda: "Ann" in board.run(f"tapctl explain card {GUEST}"))
    page.run(f"tapctl explain card {GUEST}")
    pour(board, 4)
    page.run("tapctl status")
    lift(board)
    wait_for("it is booked", lambda: "confirmed everything" in board.run("tapctl queue list"))
    page.run("tapctl pours")


def without_network(page, board, venue):
    page.say("## Pull the network\n\nThe venue server is gone. The next pour is allowed from the "
             "cached balance, and waits.")
    venue.stop()
    pour(board, 3)
    lift(board)
    page.run("tapctl status")
    page.run("tapctl queue list")
    page.run("tapctl owed")
    page.say("The network is back, and nobody has to do anything.")
    venue.start()
    wait_for("it is booked", lambda: "confirmed everything" in board.run("tapctl queue list"))
    page.run("tapctl queue list")
    page.run("tapctl pours")


def journal(page):
    page.say("## Read the journal\n\nEach line can be read alone; `-x` explains what it means, "
             "what may be the cause and what to do next. (On a board: `journalctl -u tapd -x`.)")
    page.run("journalctl --no-pager -D /run/log/journal -t tapd -o cat")
    page.run("journalctl --no-pager -D /run/log/journal -x -o short "
             "TAPD_MESSAGE=server_unreachable TAPD_MESSAGE=pour_ended", most_lines=40)


def go(package, central, seed):
    name = tempfile.mkdtemp(prefix="tapd-first-hour-")
    subprocess.run(["mount", "-t", "tmpfs", "none", name], check=True)
    os.chmod(name, 0o755)
    folder = Path(name)
    (folder / "venue").mkdir()
    venue, board = None, None
    try:
        venue = Venue(folder / "venue", central, seed)
        venue.start()
        board = Board(folder)
        write(Page(board), board, venue, package)
    finally:
        for one in (board, venue):
            if one:
                one.end()
        subprocess.run(["umount", "--recursive", "--lazy", name], check=False)
        os.rmdir(name)


def write(page, board, venue, package):
    page.say("# A technician's first hour\n\nWritten by `./dev first-hour` from a real run: what "
             "stands after a `$` was\ntyped, what stands below it was printed. The package went "
             "into a throw-away copy of a Debian machine, the tap is\nsimulated (`driver = "
             "\"sim\"`), the venue server is the reference server.")
    install(page, board, package)
    configure(page, board, venue)
    doctor(page, board)
    selftest(page, board)
    calibrate(page, board)
    first_pour(page, board)
    without_network(page, board, venue)
    journal(page)


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    if os.environ.get("TAPD_OWN_MOUNTS") == "1":
        go(*(os.path.abspath(argument) for argument in sys.argv[1:]))
        return
    if not Path(JOURNALD).exists() or subprocess.run(["unshare", "--mount", "true"],
                                                     capture_output=True).returncode != 0:
        print("skipped: needs systemd-journald, and root for a mount namespace", file=sys.stderr)
        sys.exit(SKIPPED)
    os.environ["TAPD_OWN_MOUNTS"] = "1"
    os.execvp("unshare", ["unshare", "--mount", sys.executable, *sys.argv])


main()
