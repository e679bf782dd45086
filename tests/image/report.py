#!/usr/bin/env python3
"""What the board says of itself when it has started: see board.py.

    report.py TAPD TAPCTL FOLDER_OF_THE_SCRIPTS
"""
import os
import socketserver
import subprocess
import sys
import threading
import unittest

from board import CONFIG, SCRIPTS, TAPCTL, Board, full


class Answer503(socketserver.StreamRequestHandler):
    """A tapd whose control loop hangs."""

    def handle(self):
        while self.rfile.readline().strip():
            pass
        words = b'{"error":"the control loop does not answer"}'
        self.wfile.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: %d\r\n\r\n%s"
                         % (len(words), words))


class Report(Board):
    """What is said afterwards: in tapd-status.txt, on the console, and by the lamp. The commands
    that ask the running system are stand-ins that answer as it would."""

    def setUp(self):
        super().setUp()
        self.world = self.root / "world"
        for name in ("world", "lamp", "data/updates/layer-1"):
            (self.root / name).mkdir(parents=True)
        self.doctor_finds_nothing_bad()
        (self.root / "uptime").write_text("100.00 50.00\n")
        self.systemctl(0)
        self.answer("timedatectl", "echo NTPSynchronized=yes")
        self.answer("ip", "echo eth0 UP 192.168.1.20/24")
        self.answer("journalctl", "")

    def answer(self, name, script):
        file = self.world / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def systemctl(self, active):
        """What it answers when asked whether tapd runs; anything else it is told is noted."""
        self.answer("systemctl", f"""case $1 in
            is-active) exit {active} ;;
            *) echo "$*" >>{self.root}/asked ;;
            esac""")

    def doctor_finds_nothing_bad(self):
        self.answer("tapctl", "echo '9 looked at, 0 bad'")

    def doctor_is_real(self):
        """On a machine without readers and lines it finds much that is BAD."""
        (self.world / "tapctl").unlink()
        (self.world / "tapctl").symlink_to(TAPCTL)

    def tapd_is_down(self, *journal):
        self.systemctl(3)
        self.answer("journalctl", "\n".join(f"echo '{line}'" for line in journal))

    def report(self):
        places = {"TAPD_BOOT": "boot", "TAPD_RUN": "run", "TAPD_DATA": "data", "TAPD_ETC": "etc",
                  "TAPD_LAMP": "lamp", "TAPD_CONSOLE": "console", "TAPD_LAYER": "layer",
                  "TAPD_UPTIME": "uptime", "TAPD_SOCKET": "socket"}
        environment = dict(os.environ, PATH=f"{self.world}:{os.environ['PATH']}",
                           **{key: str(self.root / value) for key, value in places.items()})
        subprocess.run([SCRIPTS / "tapd-report"], env=environment, timeout=60, check=True)
        said = (self.root / "boot/tapd-status.txt").read_bytes().decode()
        self.assertNotIn("\n", said.replace("\r\n", ""), "for Windows, too")
        for line in self.text("console").splitlines():
            self.assertTrue(line.startswith("tapd: "), line)
        return said.replace("\r\n", "\n")

    def lamp(self):
        return self.text("lamp/trigger").strip()

    def test_a_board_that_is_well(self):
        self.write(CONFIG)
        self.boot()
        said = self.report()
        for words in ("tapd.toml was taken over", "tapd runs.", "Network: eth0 192.168.1.20/24"):
            self.assertIn(words, said)
            self.assertIn("tapd: " + words, self.text("console"))
        self.assertNotIn("not set", said)
        self.assertEqual(self.lamp(), "default-on")

    def test_what_is_bad_while_tapd_runs_blinks_slowly(self):
        self.write(CONFIG)
        self.boot()
        self.doctor_is_real()
        said = self.report()
        self.assertIn("tapd runs.", said)
        self.assertIn("BAD", said)
        self.assertEqual(self.lamp(), "timer")
        self.assertEqual(self.text("lamp/delay_on"), "1000\n")
        (self.world / "tapctl").unlink()
        self.doctor_finds_nothing_bad()
        self.report()
        self.assertEqual(self.lamp(), "default-on")

    def test_a_tapd_that_answers_with_an_error_is_not_well(self):
        self.write(CONFIG)
        self.boot()
        self.doctor_is_real()
        with socketserver.UnixStreamServer(str(self.root / "socket"), Answer503) as stuck:
            threading.Thread(target=stuck.serve_forever, daemon=True).start()
            said = self.report()
            stuck.shutdown()
        self.assertNotIn("tapd runs and answers", said)
        self.assertIn("BAD      tapd runs, but answers 503: the control loop does not answer", said)

    def test_nothing_is_written_while_nothing_changes(self):
        self.write(CONFIG)
        self.boot()
        self.report()
        (self.root / "boot/tapd-status.txt").write_bytes(b"as it was\r\n")
        self.assertIn("as it was", self.report())

    def test_without_network_and_time(self):
        self.write(CONFIG)
        self.boot()
        self.answer("ip", "echo 'eth0             DOWN'")  # as with the cable pulled out
        self.answer("timedatectl", "echo NTPSynchronized=no")
        said = self.report()
        self.assertIn("There is no network. The taps pour for guests they know", said)
        self.assertIn("The clock is not set yet (network?).", said)
        self.assertEqual(self.lamp(), "default-on", "the taps can be used")

    def test_without_a_configuration(self):
        self.boot()
        self.tapd_is_down()
        said = self.report()
        for words in ("Copy example.toml to tapd.toml", "every valve stays shut",
                      "tapd does not run."):
            self.assertIn(words, said)
            self.assertIn(words, self.text("console"))
        self.assertNotIn("BAD", said, "the doctor has nothing to look at")
        self.assertEqual(self.lamp(), "timer")
        self.assertEqual(self.text("lamp/delay_on"), "100\n")

    def test_with_a_broken_configuration(self):
        self.write(CONFIG.replace('"high"', '"hihg"'))
        self.boot()
        self.tapd_is_down()
        said = self.report()
        self.assertIn("tapd.toml was not taken over", said)
        self.assertIn('"hihg"', said)
        self.assertEqual(self.lamp(), "timer")

    def test_without_the_reader(self):
        self.write(CONFIG)
        self.boot()
        self.doctor_is_real()
        self.tapd_is_down("cannot run: tap 1, reader: /dev/spidev0.0 does not exist")
        said = self.report()
        for words in ("tapd does not run.\ncannot run: tap 1, reader: /dev/spidev0.0 does not",
                      "BAD      tap 1: reader /dev/spidev0.0 does not exist",
                      "next: switch SPI on"):
            self.assertIn(words, said)
        self.assertEqual(self.lamp(), "timer")
        self.assertEqual(self.text("lamp/delay_on"), "100\n")

    def test_a_full_data_partition(self):
        self.write(CONFIG)
        self.boot()
        with full(self.root / "data") as is_full:
            if not is_full:
                self.skipTest("a small file system cannot be mounted here")
            ready, _ = self.boot()
            self.tapd_is_down()
            said = self.report()
        self.assertFalse(ready)
        self.assertIn("full or read-only", said)
        self.assertIn("every valve stays shut", said)
        self.assertEqual(self.lamp(), "timer")

    def layer_is_new(self):
        self.write(CONFIG)
        self.boot()
        (self.root / "layer").write_text("layer-1\n")
        (self.root / "data/updates/current").write_text("layer-1\nlayer-0\n")

    def test_updates_with_which_tapd_runs_are_good(self):
        self.layer_is_new()
        self.report()
        self.assertTrue((self.root / "data/updates/layer-1/good").exists())

    def test_updates_with_which_tapd_does_not_run_are_given_up(self):
        self.layer_is_new()
        self.tapd_is_down()
        self.report()
        self.assertEqual(self.text("data/updates/current"), "layer-1\nlayer-0\n", "it has time")
        (self.root / "uptime").write_text("700.00 50.00\n")
        said = self.report()
        self.assertEqual(self.text("data/updates/current"), "layer-0\n")
        self.assertEqual(self.text("asked"), "reboot\n")
        self.assertIn("layer-1 was given up, tapd did not run with it", said)

    def test_updates_are_not_blamed_for_what_was_there_before(self):
        self.layer_is_new()
        (self.root / "data/updates/layer-1/good").touch()
        self.tapd_is_down()
        (self.root / "uptime").write_text("700.00 50.00\n")
        self.report()
        self.assertEqual(self.text("data/updates/current"), "layer-1\nlayer-0\n")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
