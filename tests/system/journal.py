#!/usr/bin/env python3
"""tapd beside a real systemd-journald: are the lines there with their fields, and does
journalctl -x explain them in English and in Russian?

  journal.py TAPD TAPCTL SEED_LEDGER CATALOGS

Runs in a mount namespace of its own, with empty folders over those of the machine's own journal,
which is not touched. Needs root for that; exit code 77: it could not be tried here.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is left beside the sources
from waiting import wait_for

SKIPPED = 77
JOURNALD = "/lib/systemd/systemd-journald"
CATALOGS = "/usr/lib/systemd/catalog"
CARD = "04a1b2c3"

CONFIG = """
[controller]
id = "bar-1"
state_dir = "{folder}"
socket = "{folder}/tapd.sock"
realtime_priority = 0
[[tap]]
id = 1
driver = "sim"
meter = {{ pulses_per_litre = 5600 }}
"""


def journal_stream():
    """A stream as the service manager connects it, and what JOURNAL_STREAM says of it."""
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stream.connect("/run/systemd/journal/stdout")
    stream.sendall(b"tapd\n\n6\n1\n0\n0\n0\n")
    info = os.fstat(stream.fileno())
    return stream, f"{info.st_dev}:{info.st_ino}"


def journal(*arguments, **environment):
    return subprocess.run(["journalctl", "--no-pager", "-D", "/run/log/journal", *arguments],
                          check=True, capture_output=True, text=True,
                          env={**os.environ, **environment}).stdout


def entries(message):
    lines = journal("-o", "json", f"TAPD_MESSAGE={message}").splitlines()
    return [json.loads(line) for line in lines]


class Checks:
    def __init__(self):
        self.failed = 0

    def that(self, what, good):
        print(f"{'ok  ' if good else 'FAIL'} - {what}")
        self.failed += not good


def pour(tapctl, socket_file):
    def ask(*words):
        return subprocess.run([tapctl, "--socket", socket_file, *words], capture_output=True,
                              text=True)
    wait_for("tapd answers", lambda: ask("status").returncode == 0)
    ask("sim", "card", "1", CARD)
    wait_for("the valve opens", lambda: entries("valve_opened"))
    ask("sim", "handle", "1", "100")
    wait_for("beer flows", lambda: " 0 ml of" not in ask("status").stdout)
    ask("sim", "handle", "1", "0")
    ask("sim", "card", "1", "none")
    wait_for("the pour ends", lambda: entries("pour_ended"))


def check_fields(check):
    [ended] = entries("pour_ended")
    check.that("MESSAGE says tap and receipt", ended["MESSAGE"].startswith("tap 1: card ..b2c3"))
    check.that("TAP_ID", ended["TAP_ID"] == "1")
    check.that("VOLUME_ML is what ran", int(ended["VOLUME_ML"]) > 0)
    check.that("PRICE_CENTS", int(ended["PRICE_CENTS"]) > 0)
    check.that("CLIENT_TX_ID is a UUID", len(ended["CLIENT_TX_ID"]) == 36)
    check.that("SHORT_ID is on the receipt", f"receipt {ended['SHORT_ID']}" in ended["MESSAGE"])
    check.that("CARD is masked", ended["CARD"] == "..b2c3")
    everything = journal("-o", "json", "SYSLOG_IDENTIFIER=tapd")
    check.that("the whole card is nowhere", CARD not in everything)
    check.that("REASON says what ended it", ended["REASON"] in ("card_removed", "guest_stopped"))
    check.that("PRIORITY of information", ended["PRIORITY"] == "6")
    [opened] = entries("valve_opened")
    check.that("STATE of the tap", opened["STATE"] == "ready")


def check_catalogs(check, locales):
    english = journal("-x", "TAPD_MESSAGE=pour_ended", LC_ALL="C.UTF-8")
    check.that("journalctl -x explains in English", "A pour of" in english)
    check.that("it fills in the fields", "@VOLUME_ML@" not in english)
    russian = journal("-x", "TAPD_MESSAGE=pour_ended", LC_ALL="ru_RU.UTF-8", LOCPATH=locales)
    check.that("journalctl -x explains in Russian", "Налив" in russian)
    print(english)
    print(russian)


def run(tapd, tapctl, seed_ledger, catalogs):
    for folder in ("/run/systemd", "/run/log", "/var/lib/systemd/catalog", CATALOGS):
        Path(folder).mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "none", folder], check=True)
    for folder in ("/run/systemd/journal", "/run/log/journal"):
        Path(folder).mkdir()
    for file in Path(catalogs).glob("*.catalog"):
        shutil.copy(file, CATALOGS)
    subprocess.run(["journalctl", "--update-catalog"], check=True)
    children = []
    check = Checks()
    with tempfile.TemporaryDirectory() as folder:
        try:
            locales = Path(folder, "locales")
            locales.mkdir()
            subprocess.run(["localedef", "-i", "ru_RU", "-f", "UTF-8", locales / "ru_RU.UTF-8"],
                           check=True, stdout=subprocess.DEVNULL)
            children.append(subprocess.Popen([JOURNALD], stderr=subprocess.DEVNULL))
            wait_for("journald listens", lambda: Path("/run/systemd/journal/stdout").exists())
            Path(folder, "tapd.toml").write_text(CONFIG.format(folder=folder))
            subprocess.run([seed_ledger, f"{folder}/tapd.db", "1000", f"{CARD}=5000"], check=True)
            stream, name = journal_stream()
            children.append(subprocess.Popen([tapd, "--config", f"{folder}/tapd.toml"],
                                             stderr=stream, env={**os.environ,
                                                                 "JOURNAL_STREAM": name}))
            pour(tapctl, f"{folder}/tapd.sock")
            children.pop(1).send_signal(signal.SIGTERM)
            wait_for("tapd says that it has stopped", lambda: entries("stopped"))
            check_fields(check)
            check_catalogs(check, str(locales))
        finally:
            for child in reversed(children):
                child.terminate()
                child.wait()
    sys.exit(1 if check.failed else 0)


def main():
    if os.environ.get("TAPD_OWN_MOUNTS") == "1":
        run(*sys.argv[1:])
    if not Path(JOURNALD).exists() or subprocess.run(["unshare", "--mount", "true"],
                                                     capture_output=True).returncode != 0:
        print("skipped: needs systemd-journald, and root for a mount namespace of its own")
        sys.exit(SKIPPED)
    os.environ["TAPD_OWN_MOUNTS"] = "1"
    os.execvp("unshare", ["unshare", "--mount", sys.executable, *sys.argv])


main()
