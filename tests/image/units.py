#!/usr/bin/env python3
"""What systemd is told of a board: what waits for what, and what a reload does. See board.py.

    units.py TAPD TAPCTL FOLDER_OF_THE_SCRIPTS
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from board import CONFIG, SCRIPTS, TAPD

GENERATOR = Path("/usr/lib/systemd/system-generators/systemd-fstab-generator")


def settings(text):
    """Of a unit: its keys, each with all its words or, of a command, all its lines."""
    found = {}
    for line in text.splitlines():
        if pair := re.match(r"([A-Za-z]+)=(.*)", line):
            key, value = pair.groups()
            found.setdefault(key, []).extend([value] if key.startswith("Exec") else value.split())
    return found


def unit(name, folder=SCRIPTS):
    return settings((folder / name).read_text())


class Order(unittest.TestCase):
    """The data partition comes when it comes: nothing that asks for it may be earlier."""

    def test_the_board_looks_at_its_data_once_it_is_there(self):
        board = unit("tapd-board.service")
        self.assertIn("data.mount", board["After"])
        self.assertIn("data.mount", board["Wants"])
        # Without it the board has still to say what is wrong.
        for key in ("Requires", "BindsTo", "Requisite", "RequiresMountsFor"):
            for needed in ("data.mount", "/data"):
                self.assertNotIn(needed, board.get(key, []), key)

    def test_whether_there_are_updates_is_asked_in_the_night(self):
        # A timer is looked at early in a start, and only once: the data partition is not there yet,
        # and at the first start tapd-board has not taken the wish over.
        condition = ["/data/etc/tapd-updates"]
        self.assertNotIn("ConditionPathExists", unit("tapd-update.timer"))
        self.assertEqual(unit("tapd-update.service")["ConditionPathExists"], condition)

    @unittest.skipUnless(GENERATOR.exists(), "systemd is not installed here")
    def test_no_target_waits_for_the_data_partition(self):
        # Why the line above is needed: what systemd itself makes of the card's fstab.
        fstab = re.search(r'etc/fstab" <<\'END\'\n(.*?)END\n', (SCRIPTS / "customize").read_text(),
                          re.DOTALL).group(1)
        with tempfile.TemporaryDirectory(prefix="tapd-units-") as name:
            folder = Path(name)
            (folder / "fstab").write_text(fstab)
            subprocess.run([GENERATOR, folder, folder, folder], check=False, capture_output=True,
                           env=dict(os.environ, SYSTEMD_FSTAB=str(folder / "fstab")))
            self.assertIn("/data", unit("data.mount", folder)["Where"])
            self.assertNotIn("Before", unit("data.mount", folder))


class Reload(unittest.TestCase):
    """systemctl reload tapd says whether the file was taken: a SIGHUP has no answer."""

    def commands(self):
        return unit("tapd.service", SCRIPTS.parents[2] / "systemd")["ExecReload"]

    def check(self, text):
        """Does what the unit does before anything else at a reload, with that file."""
        with tempfile.TemporaryDirectory(prefix="tapd-units-") as folder:
            file = Path(folder, "tapd.toml")
            file.write_text(text)
            words = self.commands()[0].replace("/etc/tapd/tapd.toml", str(file)).split()
            self.assertEqual(words[0], "/usr/bin/tapd")  # in the sandbox, as tapd's own user
            done = subprocess.run([TAPD, *words[1:]], capture_output=True, text=True, timeout=60,
                                  check=False)
            self.assertEqual(list(Path(folder).iterdir()), [file])
        return done

    def test_a_file_with_a_mistake_fails_the_reload(self):
        config = CONFIG[CONFIG.index("[controller]"):]
        done = self.check(config.replace('"high"', '"hihg"'))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("hihg", done.stderr)
        # The credential and the lines of the good one are not there: only the file is looked at.
        self.assertEqual(self.check(config).returncode, 0)

    def test_tapd_is_told_only_then(self):
        self.assertRegex(self.commands()[0], "--check-config$")
        self.assertEqual(self.commands()[1:], ["+/bin/kill -HUP $MAINPID"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
