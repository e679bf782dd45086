"""A board without a board, for the tests of what runs on one: the image's own scripts, the real
tapd, and folders in the place of the card's partitions. A test is called with

    TAPD TAPCTL FOLDER_OF_THE_SCRIPTS
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
        (self.root / "cmdline").write_text("root=LABEL=tapd-root ro overlay=tmpfs panic=10\n")

    def tearDown(self):
        self.folder.cleanup()

    def serial(self, number):
        (self.root / "serial").write_bytes(number.encode() + b"\0")

    def write(self, text):
        (self.root / "boot/tapd.toml").write_bytes(text.encode())

    def boot(self, program=TAPD, stderr=""):
        """A start: whether tapd is to run, and what is said. stderr: a part of its complaints."""
        places = {"TAPD_BOOT": "boot", "TAPD_DATA": "data", "TAPD_ETC": "etc", "TAPD_RUN": "run",
                  "TAPD_SERIAL": "serial", "TAPD_ZONES": "zones", "TAPD_CMDLINE": "cmdline"}
        environment = dict(os.environ, TAPD=str(program),
                           **{key: str(self.root / value) for key, value in places.items()})
        done = subprocess.run([SCRIPTS / "tapd-board"], env=environment, timeout=60, check=False,
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        if stderr:
            self.assertIn(stderr, done.stderr)
        else:
            self.assertEqual(done.stderr, "")
        return (self.root / "run/ready").exists(), (self.root / "run/verdict").read_text()

    def text(self, place):
        return (self.root / place).read_text()
