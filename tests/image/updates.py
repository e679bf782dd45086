#!/usr/bin/env python3
"""Security updates of a board, made by the image's own script from a signed mirror on the
loopback, with real apt, dpkg and overlays: this machine's root, never written, stands for the
card's. Then the initramfs' script with the layers that came of it. Needs root; exit code 77: it
cannot be tried here.

    updates.py TAPD FOLDER_OF_THE_IMAGE
"""
import contextlib
import functools
import http.server
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

TAPD = Path(sys.argv[1]).resolve()
IMAGE = Path(sys.argv[2]).resolve()
SKIPPED = 77
PACKAGE = "tapd-update-test"
os.environ.pop("TSAN_OPTIONS", None)  # names a file that is not there in the roots made here


def run(*words, **options):
    return subprocess.run(words, check=True, capture_output=True, text=True, **options).stdout


class Mirror:
    """Debian's security updates, as far as apt can tell: one package, signed with its own key."""

    def __init__(self, folder):
        self.folder = folder
        self.home = folder / "gnupg"
        self.home.mkdir(mode=0o700)
        self.gpg("--quick-gen-key", "--passphrase", "", "mirror", "ed25519", "sign")
        handler = functools.partial(Quiet, directory=folder)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        names = re.findall("^VERSION_CODENAME=(.*)$", Path("/etc/os-release").read_text(), re.M)
        self.suite = names[0] + "-security"

    def gpg(self, *words):
        return run("gpg", "--homedir", self.home, "--batch", "--yes", "--pinentry-mode", "loopback",
                   *words)

    def key(self, place):
        self.gpg("--output", place, "--export", "mirror")

    def package(self, version, script=""):
        """Two files that always say the version, so that one without the other shows."""
        tree = self.folder / f"tree-{version}"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "usr/share" / PACKAGE).mkdir(parents=True)
        for name in ("one", "other"):
            (tree / "usr/share" / PACKAGE / name).write_text(version)
        (tree / "DEBIAN/control").write_text(
            f"Package: {PACKAGE}\nVersion: {version}\nArchitecture: all\n"
            "Maintainer: nobody <nobody@localhost>\nDescription: what is updated\n")
        (tree / "DEBIAN/postinst").write_text(f"#!/bin/sh\n{script}\n")
        (tree / "DEBIAN/postinst").chmod(0o755)
        file = self.folder / f"{PACKAGE}_{version}_all.deb"
        run("dpkg-deb", "--root-owner-group", "-b", tree, file)
        shutil.rmtree(tree)
        return file

    def offer(self, version, script=""):
        file = self.package(version, script)
        index = run("dpkg-deb", "-f", file) + (
            f"Filename: {file.name}\nSize: {file.stat().st_size}\n"
            f"SHA256: {run('sha256sum', file).split()[0]}\n")
        arch = run("dpkg", "--print-architecture").strip()
        release = f"Codename: {self.suite}\nSuite: {self.suite}\nArchitectures: {arch}\n" \
                  "Components: main non-free-firmware\nDate: " + run("date", "-Ru") + "SHA256:\n"
        dists = self.folder / "dists" / self.suite
        for component, text in (("main", index), ("non-free-firmware", "")):
            place = dists / component / f"binary-{arch}"
            place.mkdir(parents=True, exist_ok=True)
            (place / "Packages").write_text(text)
            release += f" {run('sha256sum', place / 'Packages').split()[0]} {len(text)} " \
                       f"{component}/binary-{arch}/Packages\n"
        (dists / "Release").write_text(release)
        self.gpg("--output", dists / "InRelease", "--clearsign", dists / "Release")

    def end(self):
        self.server.shutdown()
        self.server.server_close()
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "all"], check=False)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


class Card(unittest.TestCase):
    """A card: a root that is not written, and a data partition."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="tapd-updates-", dir="/var/tmp"))
        cls.lower, cls.mirror = cls.folder / "lower", None
        for name in ("lower", "lower-up", "lower-work", "mirror", "look"):
            (cls.folder / name).mkdir()
        run("mount", "-t", "overlay", "-o", f"lowerdir=/,upperdir={cls.folder / 'lower-up'},"
            f"workdir={cls.folder / 'lower-work'}", "card", cls.lower)
        shutil.copy(TAPD, cls.lower / "usr/bin/tapd")
        cls.mirror = Mirror(cls.folder / "mirror")
        cls.mirror.key(cls.lower / "etc/apt/trusted.gpg.d/tapd-update-test.gpg")
        shutil.copy(cls.mirror.package("1.0"), cls.lower / "tmp/one.deb")
        run("chroot", cls.lower, "dpkg", "-i", "/tmp/one.deb")

    @classmethod
    def tearDownClass(cls):
        if cls.mirror:
            cls.mirror.end()
        run("umount", cls.lower)
        shutil.rmtree(cls.folder)

    def setUp(self):
        self.data = self.folder / "data"
        shutil.rmtree(self.data, ignore_errors=True)
        (self.data / "etc").mkdir(parents=True)
        (self.data / "etc/tapd-updates").write_text(f"updates\tsecurity\nfrom\t{self.mirror.url}\n")
        self.run_folder = self.folder / "run"
        shutil.rmtree(self.run_folder, ignore_errors=True)
        self.run_folder.mkdir()

    def begin(self, *words, **environment):
        places = {"TAPD_DATA": self.data, "TAPD_LOWER": self.lower, "TAPD_RUN": self.run_folder}
        return subprocess.Popen(
            [IMAGE / "files/tapd-update", *words], text=True, start_new_session=True,
            env=dict(os.environ, **{key: str(value) for key, value in places.items()},
                     **environment),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def update(self):
        """Until it ends; what it says."""
        said = self.begin("--now").communicate(timeout=300)[0]
        log = self.run_folder / "tapd-update.log"
        return said + (log.read_text() if log.exists() else "")

    def layers(self):
        current = self.data / "updates/current"
        return current.read_text().split() if current.exists() else []

    def version(self):
        """Of the system that the next start would have: by dpkg and by both files."""
        lower = ":".join([str(self.data / "updates" / name / "up") for name in self.layers()[:1]] +
                         [str(self.lower)])
        look = self.folder / "look"
        empty = self.folder / "run"  # an overlay without an upper layer wants two lower ones
        run("mount", "-t", "overlay", "-o", f"ro,lowerdir={lower}:{empty}", "look", look)
        try:
            found = {run("chroot", look, "dpkg-query", "-W", "-f", "${Status} ${Version}", PACKAGE)}
            for name in ("one", "other"):
                text = (look / "usr/share" / PACKAGE / name).read_text()
                found.add(f"install ok installed {text}")
            self.assertEqual(run("chroot", look, "dpkg", "--audit"), "")
        finally:
            run("umount", look)
        self.assertEqual(len(found), 1, found)
        return found.pop().split()[-1]


class Update(Card):
    """What tapd-update makes."""

    def test_nobody_asked(self):
        (self.data / "etc/tapd-updates").unlink()
        self.assertEqual(self.update(), "")
        self.assertFalse((self.data / "updates").exists())

    def test_updates_become_a_layer_and_the_root_stays_as_it_is(self):
        self.mirror.offer("2.0")
        said = self.update()
        self.assertIn(f"{PACKAGE}; in use from the next start on", said)
        self.assertEqual(self.version(), "2.0")
        self.assertEqual((self.lower / "usr/share" / PACKAGE / "one").read_text(), "1.0")
        up = self.data / "updates/layer-1/up"
        self.assertFalse((up / "usr/sbin/policy-rc.d").is_symlink())
        self.assertEqual(list((up / "var/lib/apt/lists").glob("*_*")), [])
        self.assertEqual(list((up / "var/cache/apt").glob("*.bin")), [])
        self.assertIn("there are none", self.update())
        self.assertEqual(self.layers(), ["layer-1"])
        self.mirror.offer("3.0")
        self.update()
        self.assertEqual((self.layers(), self.version()), (["layer-2", "layer-1"], "3.0"))

    def test_a_layer_that_nobody_needs_is_deleted_the_running_one_is_not(self):
        for version in ("2.0", "3.0", "4.0"):
            self.mirror.offer(version)
            self.update()
        (self.run_folder / "tapd-layer").write_text("layer-1\n")
        self.update()
        self.assertTrue((self.data / "updates/layer-1").exists(), "the board runs on it")
        (self.run_folder / "tapd-layer").write_text("layer-3\n")
        self.update()
        self.assertFalse((self.data / "updates/layer-1").exists())
        self.assertEqual(self.layers(), ["layer-3", "layer-2"])

    def test_the_board_starts_anew_when_nobody_pours_and_tapd_is_not_starting(self):
        # Starting, it may be at work on its ledger. What it is said to be, one look after another;
        # the last one ends it.
        programs = {"systemctl": f"""
            case $1 in
              is-active) sed -n 1p {self.run_folder}/states; sed -i 1d {self.run_folder}/states ;;
              reboot) echo "reboot, left: $(paste -sd ' ' {self.run_folder}/states)" ;;
            esac""", "sleep": ":", "tapctl": f"""
            echo '"state": "'$(sed -n 1p {self.run_folder}/taps)'"'
            sed -i 1d {self.run_folder}/taps"""}
        (self.folder / "programs").mkdir(exist_ok=True)
        for name, script in programs.items():
            (self.folder / "programs" / name).write_text(f"#!/bin/sh\n{script}\n")
            (self.folder / "programs" / name).chmod(0o755)
        path = f"{self.folder / 'programs'}:{os.environ['PATH']}"
        for number, (states, taps) in enumerate((
                (["activating", "deactivating", "inactive", "end"], []),
                (["activating", "failed", "end"], []),
                (["active", "active", "active", "end"], ["pouring", "settling", "idle"]))):
            (self.run_folder / "states").write_text("\n".join(states) + "\n")
            (self.run_folder / "taps").write_text("\n".join(taps) + "\n")
            self.mirror.offer(f"{number + 2}.0")
            said = self.begin(PATH=path).communicate(timeout=300)[0]
            self.assertIn("reboot, left: end\n", said, states)

    def test_what_debian_has_not_signed_is_not_installed(self):
        self.mirror.offer("2.0")
        file = self.mirror.folder / "dists" / self.mirror.suite / "InRelease"
        file.write_text(file.read_text().replace("Components: main", "Components: mine main"))
        self.assertIn("the system stays as it is", self.update())
        self.assertEqual((self.layers(), self.version()), ([], "1.0"))

    def test_no_mirror(self):
        (self.data / "etc/tapd-updates").write_text("updates\tsecurity\nfrom\thttp://127.0.0.1:9\n")
        self.assertIn("the system stays as it is", self.update())
        self.assertEqual(self.layers(), [])

    def test_updates_that_fail_or_break_tapd_are_not_used(self):
        self.mirror.offer("2.0", "exit 1")
        self.assertIn("the system stays as it is", self.update())
        self.mirror.offer("3.0", "rm /usr/bin/tapd")
        self.assertIn(f"tapd does not start with {PACKAGE}", self.update())
        self.assertEqual((self.layers(), self.version()), ([], "1.0"))
        self.assertEqual(sorted(file.name for file in (self.data / "updates").iterdir()), ["said"])

    def test_a_card_without_room(self):
        run("mount", "-t", "tmpfs", "-o", "size=8m", "tapd-test", self.data)
        try:
            (self.data / "etc").mkdir()
            (self.data / "etc/tapd-updates").write_text(
                f"updates\tsecurity\nfrom\t{self.mirror.url}\n")
            self.assertIn("not enough room on the card", self.update())
        finally:
            run("umount", self.data)

    def test_a_root_that_was_changed_by_hand_is_not_covered_by_an_old_layer(self):
        self.mirror.offer("2.0")
        self.update()
        status = self.lower / "var/lib/dpkg/status"
        before = status.read_text()
        status.write_text(before + "\n")
        try:
            self.mirror.offer("3.0")
            self.update()
            self.assertEqual((self.layers(), self.version()), (["layer-2"], "3.0"))
        finally:
            status.write_text(before)

    def test_killed_at_any_moment_it_leaves_the_system_that_was_there(self):
        dice = random.Random(20261121)
        whole, version = None, 1
        for _ in range(8):
            version += 1
            self.mirror.offer(f"{version}.0")
            before, before_layers = self.version(), self.layers()
            began = time.monotonic()
            making = self.begin("--now")
            try:
                making.communicate(timeout=None if whole is None else dice.uniform(0, whole))
            except subprocess.TimeoutExpired:
                os.killpg(making.pid, signal.SIGKILL)
                making.communicate()
            if whole is None:
                whole = time.monotonic() - began
            after = self.version()
            self.assertIn(after, (before, f"{version}.0"))
            self.assertEqual(after == before, self.layers() == before_layers)
            if after != before:
                continue
            self.update()
            self.assertEqual(self.version(), f"{version}.0", "the next run makes up for it")


class Start(Card):
    """What the initramfs makes of the layers: its own script, in a root of its own."""

    def setUp(self):
        super().setUp()
        self.image, self.loop = self.folder / "data.img", None
        self.image.unlink(missing_ok=True)
        self.image.touch()
        os.truncate(self.image, 1000 * 1024 * 1024)
        run("mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-L", "tapd-data", self.image)
        try:
            self.loop = run("losetup", "--find", "--show", self.image).strip()
        except subprocess.CalledProcessError as error:
            self.skipTest(f"no loop device: {error.stderr}")
        self.addCleanup(run, "losetup", "--detach", self.loop)
        with self.mounted():
            (self.data / "etc").mkdir()
            (self.data / "etc/tapd-updates").write_text(
                f"updates\tsecurity\nfrom\t{self.mirror.url}\n")

    @contextlib.contextmanager
    def mounted(self):
        run("mount", self.loop, self.data)
        try:
            yield
        finally:
            run("umount", self.data)

    def start(self, words="overlay=tmpfs", look=""):
        """The version that the started system has, the layer that it says it uses, and what a look
        into it (commands) says."""
        inside = self.folder / "initramfs"
        shutil.rmtree(inside, ignore_errors=True)
        for name in ("root", "up/scripts", "up/usr/local/bin", "up/card", "work"):
            (inside / name).mkdir(parents=True)
        (inside / "up/scripts/functions").write_text('panic() { echo "panic: $*"; exit 1; }\n')
        for name, script in (("blkid", f"echo {self.loop}"), ("modprobe", ":")):
            (inside / "up/usr/local/bin" / name).write_text(f"#!/bin/sh\n{script}\n")
            (inside / "up/usr/local/bin" / name).chmod(0o755)
        (inside / "cmdline").write_text(words + "\n")
        shutil.copy(IMAGE / "initramfs-overlay", inside / "up/overlay")
        apart = ("timeout", "100", "unshare", "--mount", "--propagation", "private")
        said = run(*apart, "sh", "-ec", f"""
            cd {inside}
            mount -t overlay -o lowerdir=/,upperdir=$PWD/up,workdir=$PWD/work initramfs root
            mount -t tmpfs tmpfs root/run
            mount --rbind /dev root/dev
            mount -t proc proc root/proc
            mount --bind cmdline root/proc/cmdline
            mount --bind {self.lower} root/card
            chroot root env rootmnt=/card PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
              sh /overlay
            cat root/card/usr/share/{PACKAGE}/one; echo
            cat root/run/tapd-layer || echo none
            test -s root/card/etc/machine-id
            cd root/card/etc; {look}""")
        return tuple(said.split())

    def make(self, *versions):
        with self.mounted():
            for version in versions:
                self.mirror.offer(version)
                self.update()

    def good(self, layer):
        with self.mounted():
            (self.data / "updates" / layer / "good").touch()

    def test_without_updates(self):
        self.assertEqual(self.start(), ("1.0", "none"))

    def test_a_layer_that_works_is_used_at_every_start(self):
        self.make("2.0")
        self.assertEqual(self.start(), ("2.0", "layer-1"))
        self.good("layer-1")
        for _ in range(4):
            self.assertEqual(self.start(), ("2.0", "layer-1"))
        self.assertEqual(self.start("overlay=tmpfs updates=off"), ("1.0", "none"))

    def test_one_that_does_not_come_up_is_given_up_for_the_one_before(self):
        self.make("2.0")
        self.good("layer-1")
        self.make("3.0")
        for _ in range(3):
            self.assertEqual(self.start(), ("3.0", "layer-2"))
        self.assertEqual(self.start(), ("2.0", "layer-1"))
        with self.mounted():
            self.assertIn("layer-2 was given up", (self.data / "updates/said").read_text())

    def test_the_only_one_is_given_up_for_the_card_as_it_was_flashed(self):
        self.make("2.0")
        for _ in range(3):
            self.assertEqual(self.start(), ("2.0", "layer-1"))
        for _ in range(2):
            self.assertEqual(self.start(), ("1.0", "none"))

    def test_a_layer_for_another_root_is_not_used(self):
        self.make("2.0")
        with self.mounted():
            (self.data / "updates/layer-1/base").write_text("of another system\n")
        self.assertEqual(self.start(), ("1.0", "none"))

    def test_a_root_that_is_changed_by_hand_has_the_boards_settings_and_keeps_no_secret(self):
        files = {"hostname": "bar-7", "tapd-wifi-country": "DE", "machine-id": "7" * 32,
                 "ssh/authorized_keys.d/root": "a-key", "tapd/credentials/token": "s3cret"}
        with self.mounted():
            for name, text in files.items():
                (self.data / "etc" / name).parent.mkdir(parents=True, exist_ok=True)
                (self.data / "etc" / name).write_text(text + "\n")
        here = [name for name in files if not name.startswith("tapd/")]
        said = self.start("overlay=off", f"cat {' '.join(here)}; test ! -e tapd/credentials/token")
        self.assertEqual(said, ("1.0", "none", *(files[name] for name in here)))
        for name in files:  # on the card, when the machine is off
            left = self.lower / "etc" / name
            self.assertNotIn(files[name], left.read_text() if left.exists() else "", name)
        self.assertEqual(self.start(look="cat tapd/credentials/token"), ("1.0", "none", "s3cret"))

    def test_a_card_that_takes_no_more_starts_without_a_layer(self):
        self.make("2.0")
        with self.mounted():
            (self.data / "updates/layer-1/tries").write_text("3\n")
            (self.data / "etc/machine-id").write_text("7" * 32 + "\n")
        run("blockdev", "--setro", self.loop)
        try:
            self.assertEqual(self.start(), ("1.0", "none"))
        finally:
            run("blockdev", "--setrw", self.loop)

    def test_nonsense_is_not_used(self):
        for nonsense in ("", "\n", "../../etc\n", "layer-9\n", "\0\0\0\0"):
            with self.mounted():
                (self.data / "updates").mkdir(exist_ok=True)
                (self.data / "updates/current").write_text(nonsense)
            self.assertEqual(self.start(), ("1.0", "none"), repr(nonsense))


if os.getuid() != 0 or not all(map(shutil.which, ("gpg", "dpkg-deb", "unshare"))):
    print("updates.py: needs root, gpg and dpkg-deb")
    sys.exit(SKIPPED)
if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
