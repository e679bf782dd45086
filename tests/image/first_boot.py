#!/usr/bin/env python3
"""What the board says and does with the file that a technician wrote, without a board: the image's
own script, the real tapd, and folders in the place of the card's partitions.

    first_boot.py TAPD TAPCTL FOLDER_OF_THE_SCRIPTS
"""
import contextlib
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TAPD = Path(sys.argv[1]).resolve()
TAPCTL = Path(sys.argv[2]).resolve()
SCRIPTS = Path(sys.argv[3]).resolve()

CONFIG = """\
[board]
hostname = "bar-7"
timezone = "Europe/Berlin"
token = "s3cret-of-the-venue"
wifi_name = "Bar Café"
wifi_password = "guests-may-not"
wifi_country = "DE"
ssh_key = "ssh-ed25519 AAAAC3Nza anna"

[controller]
id = "bar-7"

[server]
url = "http://127.0.0.1:9"
token_file = "token"

[[tap]]
id = 1
meter = { line = "GPIO17", pulses_per_litre = 5600 }
valve = { line = "GPIO22", active = "high" }
reader = { device = "/dev/spidev0.0" }

[[tap]]
id = 2
meter = { line = "GPIO27", pulses_per_litre = 5600 }
valve = { line = "GPIO23", active = "low" }
reader = { device = "/dev/spidev0.1" }
"""


@contextlib.contextmanager
def full(folder):
    """A file system without room over a folder; False where it cannot be had."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=3", "tapd-test", folder],
                      capture_output=True, check=False).returncode != 0:
        yield False
        return
    try:
        (folder / "full").write_bytes(b"\0" * 4096)
        yield True
    finally:
        subprocess.run(["umount", folder], check=True)


class Board(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tapd-board-")
        self.root = Path(self.folder.name)
        for name in ("boot", "data", "etc", "zones/Europe"):
            (self.root / name).mkdir(parents=True)
        (self.root / "zones/Europe/Berlin").write_text("TZif")
        self.serial("100000001")

    def tearDown(self):
        self.folder.cleanup()

    def serial(self, number):
        (self.root / "serial").write_bytes(number.encode() + b"\0")

    def write(self, text):
        (self.root / "boot/tapd.toml").write_bytes(text.encode())

    def boot(self):
        """A start of the board: whether tapd is to run, and what is said."""
        places = {"TAPD_BOOT": "boot", "TAPD_DATA": "data", "TAPD_ETC": "etc", "TAPD_RUN": "run",
                  "TAPD_SERIAL": "serial", "TAPD_ZONES": "zones"}
        environment = dict(os.environ, TAPD=str(TAPD),
                           **{key: str(self.root / value) for key, value in places.items()})
        done = subprocess.run([SCRIPTS / "tapd-board"], env=environment, timeout=60, check=False,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")
        return (self.root / "run/ready").exists(), (self.root / "run/verdict").read_text()

    def text(self, place):
        return (self.root / place).read_text()


class Card(Board):
    """What becomes of the technician's file."""

    def assert_refused(self, text, *words):
        self.write(text)
        ready, said = self.boot()
        self.assertFalse(ready, said)
        for word in (*words, "every valve stays shut"):
            self.assertIn(word, said)
        self.assertFalse((self.root / "data/etc/tapd/tapd.toml").exists())

    def test_a_good_file_is_taken_over(self):
        self.write(CONFIG)
        ready, said = self.boot()
        self.assertTrue(ready, said)
        self.assertIn("was taken over", said)
        self.assertEqual(self.text("data/etc/hostname"), "bar-7\n")
        self.assertEqual(self.text("data/etc/tapd/credentials/token"), "s3cret-of-the-venue\n")
        token = self.root / "data/etc/tapd/credentials/token"
        self.assertEqual(token.stat().st_mode & 0o777, 0o600)
        self.assertEqual(os.readlink(self.root / "etc/localtime"),
                         str(self.root / "zones/Europe/Berlin"))
        # iwd's own way to write a name with letters beyond its own.
        name = "=" + "Bar Café".encode().hex() + ".psk"
        self.assertIn("Passphrase=guests-may-not", self.text("data/iwd/" + name))
        self.assertEqual((self.root / "data/iwd" / name).stat().st_mode & 0o777, 0o600)
        self.assertIn("DHCP=yes", self.text("data/etc/systemd/network/10-board.network"))
        self.assertIn("ssh-ed25519", self.text("data/etc/ssh/authorized_keys.d/root"))

    def test_secrets_leave_the_boot_partition(self):
        self.write(CONFIG)
        self.boot()
        left = b"".join(file.read_bytes() for file in (self.root / "boot").rglob("*"))
        self.assertNotIn(b"s3cret", left)
        self.assertNotIn(b"guests-may-not", left)
        self.assertIn(b'hostname = "bar-7"', left)

    def test_the_firmware_is_told_the_valves_pins(self):
        self.write(CONFIG)
        self.boot()
        self.assertEqual(self.text("boot/valves.txt"), "gpio=22=op,dl\ngpio=23=op,dh\n")

    def test_the_second_start_changes_nothing(self):
        self.write(CONFIG)
        self.boot()
        before = self.text("boot/tapd.toml")
        ready, said = self.boot()
        self.assertTrue(ready, said)
        self.assertIn("taken over before", said)
        self.assertEqual(self.text("boot/tapd.toml"), before)

    def test_a_later_change_keeps_the_secrets(self):
        self.write(CONFIG)
        self.boot()
        self.write(self.text("boot/tapd.toml").replace('"bar-7"', '"bar-8"'))
        ready, said = self.boot()
        self.assertTrue(ready, said)
        self.assertIn("was taken over", said)
        self.assertIn('id = "bar-8"', self.text("data/etc/tapd/tapd.toml"))
        self.assertEqual(self.text("data/etc/tapd/credentials/token"), "s3cret-of-the-venue\n")

    def test_what_was_taken_out_is_gone(self):
        self.write(CONFIG)
        self.boot()
        kept = [line for line in self.text("boot/tapd.toml").splitlines(keepends=True)
                if not line.startswith(("ssh_key", "wifi_"))]
        self.write("".join(kept))
        ready, said = self.boot()
        self.assertTrue(ready, said)
        for gone in ("data/etc/ssh/authorized_keys.d/root", "etc/ssh/authorized_keys.d/root",
                     "data/etc/tapd-wifi-country"):
            self.assertFalse((self.root / gone).exists(), gone)
        self.assertEqual(list((self.root / "data/iwd").glob("*.psk")), [])
        self.assertEqual(self.text("data/etc/tapd/credentials/token"), "s3cret-of-the-venue\n")

    def test_a_quote_in_a_comment_is_not_part_of_the_value(self):
        self.write(CONFIG.replace('token = "s3cret-of-the-venue"',
                                  'token = "s3cret-of-the-venue" # not the "old" one'))
        ready, said = self.boot()
        self.assertTrue(ready, said)
        self.assertEqual(self.text("data/etc/tapd/credentials/token"), "s3cret-of-the-venue\n")

    def test_a_file_from_windows(self):
        self.write(CONFIG.replace("\n", "\r\n"))
        ready, said = self.boot()
        self.assertTrue(ready, said)
        self.assertNotIn("\r", self.text("data/etc/hostname"))
        self.assertNotIn("\r", self.text("data/etc/tapd/tapd.toml"))
        self.assertNotIn("s3cret", self.text("boot/tapd.toml"))

    def test_no_file(self):
        ready, said = self.boot()
        self.assertFalse(ready)
        self.assertIn("Copy example.toml to tapd.toml", said)

    def test_the_example_is_good_as_it_is(self):
        self.write((SCRIPTS / "example.toml").read_text().replace("Europe/Berlin", "Europe/Berlin"))
        ready, said = self.boot()
        self.assertTrue(ready, said)

    def test_a_wrong_line_is_named(self):
        # Line 22 of what the technician wrote, though the section [board] is not tapd's.
        number = CONFIG.splitlines().index('valve = { line = "GPIO22", active = "high" }') + 1
        self.assert_refused(CONFIG.replace('"high"', '"hihg"'), f"tapd.toml:{number}", "hihg")

    def test_broken_text(self):
        self.assert_refused(CONFIG.replace("[[tap]]", "[[tap"), "tapd.toml:")
        self.assert_refused("\x00\x01\x02" * 50)
        self.assert_refused(CONFIG.replace('"bar-7"\n', '”bar-7”\n'), "straight quotes")

    def test_wrong_settings_of_the_board(self):
        for old, new, words in (
                ("hostname", "hostnme", '[board] knows no "hostnme"'),
                ("Europe/Berlin", "Europe/Berln", "timezone"),
                ("Europe/Berlin", "../../etc/shadow", "timezone"),
                ("guests-may-not", "short", "wifi_password"),
                ('"DE"', '"Germany"', "wifi_country"),
                ('"Europe/Berlin"', '"Europe/Berlin"\nupdates = "weekly"', "updates"),
                ('"Europe/Berlin"', '"Europe/Berlin"\nupdates_from = "mirror"', "updates_from"),
                ("ssh-ed25519 AAAAC3Nza anna", "my key", "ssh_key"),
                ("bar-7", "bar 7", "hostname")):
            with self.subTest(new=new):
                self.assert_refused(CONFIG.replace(old, new, 1), words)

    def test_a_bad_change_leaves_the_bar_as_it_was(self):
        self.write(CONFIG)
        self.boot()
        self.write("rubbish")
        ready, said = self.boot()
        self.assertTrue(ready, said)
        self.assertIn("goes on with the configuration that it had", said)
        self.assertIn('id = "bar-7"', self.text("data/etc/tapd/tapd.toml"))

    def test_a_copied_card_is_noticed(self):
        self.write(CONFIG)
        self.boot()
        self.serial("100000002")
        ready, said = self.boot()
        self.assertFalse(ready)
        self.assertIn("belongs to board 100000001", said)
        self.write(self.text("boot/tapd.toml").replace("[board]", '[board]\nmoved = "100000002"'))
        ready, said = self.boot()
        self.assertTrue(ready, said)
        ready, said = self.boot()
        self.assertTrue(ready, said)

    def test_a_full_data_partition(self):
        self.write(CONFIG)
        with full(self.root / "data") as is_full:
            if not is_full:
                self.skipTest("a small file system cannot be mounted here")
            ready, said = self.boot()
        self.assertFalse(ready)
        self.assertIn("full or read-only", said)

    def test_security_updates_are_asked_for(self):
        self.write(CONFIG)
        self.boot()
        self.assertFalse((self.root / "data/etc/tapd-updates").exists())
        wish = 'updates = "security"\nupdates_from = "http://mirror.example/debian-security"\n'
        self.write(CONFIG.replace("[controller]", wish + "[controller]"))
        ready, said = self.boot()
        self.assertTrue(ready, said)
        self.assertEqual(self.text("data/etc/tapd-updates"),
                         "updates\tsecurity\nfrom\thttp://mirror.example/debian-security\n")
        self.write(CONFIG.replace("[controller]", 'updates = "off"\n[controller]'))
        self.boot()
        self.assertFalse((self.root / "data/etc/tapd-updates").exists())

    def test_a_fixed_address(self):
        self.write(CONFIG.replace("[controller]", 'address = "10.0.0.7/24"\ngateway = "10.0.0.1"\n'
                                  'dns = "10.0.0.1 9.9.9.9"\n[controller]'))
        ready, said = self.boot()
        self.assertTrue(ready, said)
        network = self.text("data/etc/systemd/network/10-board.network")
        self.assertIn("Address=10.0.0.7/24\nGateway=10.0.0.1\nDNS=10.0.0.1\nDNS=9.9.9.9\n", network)


class Report(Board):
    """What is said afterwards: in tapd-status.txt, on the console, and by the lamp. The commands
    that ask the running system are stand-ins that answer as it would; tapctl doctor is real."""

    def setUp(self):
        super().setUp()
        self.world = self.root / "world"
        for name in ("world", "lamp", "data/updates/layer-1"):
            (self.root / name).mkdir(parents=True)
        (self.world / "tapctl").symlink_to(TAPCTL)
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

    def tapd_is_down(self, *journal):
        self.systemctl(3)
        self.answer("journalctl", "\n".join(f"echo '{line}'" for line in journal))

    def report(self):
        places = {"TAPD_BOOT": "boot", "TAPD_RUN": "run", "TAPD_DATA": "data", "TAPD_ETC": "etc",
                  "TAPD_LAMP": "lamp", "TAPD_CONSOLE": "console", "TAPD_LAYER": "layer",
                  "TAPD_UPTIME": "uptime", "TAPD_SOCKET": "no-socket"}
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
        self.tapd_is_down("cannot run: tap 1, reader: /dev/spidev0.0 does not exist")
        said = self.report()
        for words in ("tapd does not run.\ncannot run: tap 1, reader: /dev/spidev0.0 does not",
                      "BAD      tap 1: reader /dev/spidev0.0 does not exist",
                      "next: switch SPI on"):
            self.assertIn(words, said)
        self.assertEqual(self.lamp(), "timer")

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
