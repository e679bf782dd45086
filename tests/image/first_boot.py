#!/usr/bin/env python3
"""What the board says and does with the file that a technician wrote, without a board: the image's
own script, the real tapd, and folders in the place of the card's partitions.

    first_boot.py TAPD FOLDER_OF_THE_SCRIPTS
"""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TAPD = Path(sys.argv[1]).resolve()
SCRIPTS = Path(sys.argv[2]).resolve()

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
url = "https://venue.example"
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


class Card(unittest.TestCase):
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
        # The size that a small tmpfs has left: nothing.
        self.write(CONFIG)
        data = self.root / "data"
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=3", "tapd-test", data],
                          capture_output=True, check=False).returncode != 0:
            self.skipTest("a small file system cannot be mounted here")
        try:
            (data / "full").write_bytes(b"\0" * 4096)
            ready, said = self.boot()
        finally:
            subprocess.run(["umount", data], check=True)
        self.assertFalse(ready)
        self.assertIn("full or read-only", said)

    def test_a_fixed_address(self):
        self.write(CONFIG.replace("[controller]", 'address = "10.0.0.7/24"\ngateway = "10.0.0.1"\n'
                                  'dns = "10.0.0.1 9.9.9.9"\n[controller]'))
        ready, said = self.boot()
        self.assertTrue(ready, said)
        network = self.text("data/etc/systemd/network/10-board.network")
        self.assertIn("Address=10.0.0.7/24\nGateway=10.0.0.1\nDNS=10.0.0.1\nDNS=9.9.9.9\n", network)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
