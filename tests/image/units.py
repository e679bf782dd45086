#!/usr/bin/env python3
"""What systemd is told of a board: what waits for what, and what a reload does. See board.py.

    units.py TAPD TAPCTL FOLDER_OF_THE_SCRIPTS
"""
import os
import re
import shlex
import shutil
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


def written_by_customize(place):
    """The here-document that becomes that file of the image."""
    text = (SCRIPTS / "customize").read_text()
    return re.search(re.escape(place) + r'" <<\'END\'\n(.*?)^END\n', text, re.M | re.S).group(1)


class HostKey(unittest.TestCase):
    """Who is in the cellar with a laptop and a key must get in, whenever the power went before."""

    def test_ssh_asks_for_the_key_that_is_made_for_it(self):
        before = settings(written_by_customize("ssh.service.d/board.conf"))["ExecStartPre"]
        self.assertEqual(before[1], "/usr/libexec/tapd-hostkey")
        self.assertIn("HostKey /data/etc/ssh/ssh_host_ed25519_key\n",
                      written_by_customize("sshd_config.d/tapd.conf"))

    def make(self, folder):
        subprocess.run([SCRIPTS / "tapd-hostkey"], check=True, timeout=60, text=True,
                       stdin=subprocess.DEVNULL, env=dict(os.environ, TAPD_DATA=str(folder)))
        key = folder / "etc/ssh/ssh_host_ed25519_key"
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)
        public = subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", key], check=True,
                                capture_output=True, text=True).stdout
        self.assertTrue(public.startswith("ssh-ed25519 "), public)
        return public

    @unittest.skipUnless(shutil.which("ssh-keygen"), "OpenSSH is not installed here")
    def test_what_a_power_cut_left_of_a_key_is_replaced_and_a_good_one_stays(self):
        with tempfile.TemporaryDirectory(prefix="tapd-units-") as name:
            folder = Path(name)
            good = self.make(folder)
            self.assertEqual(self.make(folder), good)
            for file in (folder / "etc/ssh").iterdir():  # names without content
                file.write_bytes(b"")
                (file.parent / (file.name + ".new")).write_bytes(b"")
            again = self.make(folder)
            self.assertNotEqual(again, good)
            self.assertEqual(self.make(folder), again)


class Night(unittest.TestCase):
    def conditions(self):
        conditions = unit("tapd-update.service")["ExecCondition"]
        self.assertEqual(len(conditions), 2)
        return [shlex.split(condition.replace("%%", "%")) for condition in conditions]

    def test_no_update_begins_while_nothing_has_told_the_time(self):
        with tempfile.TemporaryDirectory(prefix="tapd-units-") as folder:
            asked = Path(folder, "timedatectl")
            for answer, code in (("yes", 0), ("no", 1), ("", 1)):
                asked.write_text('#!/bin/sh\n[ "$*" = "show -p NTPSynchronized --value" ] && '
                                 f"echo {answer}\n")
                asked.chmod(0o755)
                done = subprocess.run(self.conditions()[0], check=False, timeout=60, env={
                    "PATH": f"{folder}:{os.environ['PATH']}"})
                self.assertEqual(done.returncode, code, answer)

    def test_no_update_begins_by_day(self):
        # Without a clock of its own a board is at the time it was switched off until the network
        # comes: the clock passes 04:30 in one jump then, and the timer is due at opening time.
        words = self.conditions()[1]
        with tempfile.TemporaryDirectory(prefix="tapd-units-") as folder:
            for hour in range(24):
                date = Path(folder, "date")
                date.write_text(f'#!/bin/sh\n[ "$*" = +%H ] && echo {hour:02}\n')
                date.chmod(0o755)
                done = subprocess.run(words, check=False, timeout=60, env={
                    "PATH": f"{folder}:{os.environ['PATH']}"})
                self.assertEqual(done.returncode, 0 if hour in (4, 5) else 1, hour)


class Lamp(unittest.TestCase):
    def test_the_kernel_knows_the_ways_to_blink(self):
        # In Debian's kernel they are modules, and a name written to `trigger` loads none.
        triggers = re.findall(r"echo ([a-z-]+) >\"\$lamp/trigger",
                              (SCRIPTS / "tapd-report").read_text())
        loaded = written_by_customize("etc/modules-load.d/tapd.conf").split()
        self.assertEqual(sorted(loaded), sorted("ledtrig-" + name for name in triggers))


class Serial(unittest.TestCase):
    def test_no_pin_of_the_header_is_driven_by_a_console(self):
        # GPIO14 would idle high from the firmware on: a valve there is open while the Pi starts.
        text = (SCRIPTS / "customize").read_text()
        consoles, = re.findall('CONSOLES="([^"]*)"', text)
        self.assertEqual(consoles, "tty0")
        self.assertIn("enable_uart=0\n",
                      written_by_customize("etc/default/raspi-firmware-custom"))


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
