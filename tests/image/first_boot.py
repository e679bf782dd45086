#!/usr/bin/env python3
"""What the board says and does with the file that a technician wrote: see board.py.

    first_boot.py TAPD TAPCTL FOLDER_OF_THE_SCRIPTS
"""
import os
import subprocess
import sys
import unittest

from board import CONFIG, SCRIPTS, TAPD, Board, full


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

    def test_the_radio_is_told_its_country(self):
        self.write(CONFIG)
        self.boot()
        for place in ("data/etc/iwd/main.conf", "etc/iwd/main.conf"):
            self.assertEqual(self.text(place), "[General]\nCountry=DE\n")
            self.assertEqual((self.root / place).stat().st_mode & 0o777, 0o644)

    def test_no_secret_is_left_where_everybody_reads(self):
        # After a start that went well, one that was refused, and one in another board.
        refused = CONFIG.replace("bar-7", "bar 7", 1)
        for text, serial in ((CONFIG, "100000001"), (refused, "100000001"), (CONFIG, "100000002")):
            self.serial(serial)
            self.write(text)
            self.boot()
            for file in (self.root / "run").rglob("*"):
                left = file.read_bytes() if file.is_file() else b""
                self.assertNotIn(b"s3cret", left, file)
                self.assertNotIn(b"guests-may-not", left, file)

    def test_secrets_are_roots_alone_while_they_are_looked_at(self):
        # tapd is asked while the settings lie there.
        spy = self.root / "spy"
        spy.write_text(f'#!/bin/sh\nstat -c %a {self.root}/run/board >>{self.root}/modes\n'
                       f'exec {TAPD} "$@"\n')
        spy.chmod(0o755)
        self.write(CONFIG)
        self.boot(program=spy)
        self.assertEqual(set(self.text("modes").split()), {"600"})

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
                     "data/etc/tapd-wifi-country", "data/etc/iwd/main.conf",
                     "etc/iwd/main.conf"):
            self.assertFalse((self.root / gone).exists(), gone)
        self.assertEqual(list((self.root / "data/iwd").glob("*.psk")), [])
        self.assertEqual(self.text("data/etc/tapd/credentials/token"), "s3cret-of-the-venue\n")

    def test_a_board_whose_name_and_time_zone_were_taken_out_has_the_images(self):
        self.write(CONFIG)
        self.boot()
        kept = [line for line in self.text("boot/tapd.toml").splitlines(keepends=True)
                if not line.startswith(("timezone", "hostname"))]
        self.write("".join(kept))
        for _ in range(2):  # and so has it at the start after that
            ready, said = self.boot()
            self.assertTrue(ready, said)
            self.assertEqual(os.readlink(self.root / "etc/localtime"),
                             str(self.root / "zones/Etc/UTC"))
            for folder in ("data/etc", "etc"):
                self.assertEqual(self.text(folder + "/timezone"), "Etc/UTC\n")
                self.assertEqual(self.text(folder + "/hostname"), "tapd\n")

    def test_a_quote_in_a_comment_is_not_part_of_the_value(self):
        self.write(CONFIG.replace('token = "s3cret-of-the-venue"',
                                  'token = "s3cret-of-the-venue" # not the "old" one'))
        ready, said = self.boot()
        self.assertTrue(ready, said)
        self.assertEqual(self.text("data/etc/tapd/credentials/token"), "s3cret-of-the-venue\n")

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
                ('timezone = "Europe/Berlin"', 'updates = "security"', "timezone: is missing"),
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

    def edit_on_the_board(self, old, new):
        """As somebody does over SSH."""
        kept = self.root / "data/etc/tapd/tapd.toml"
        kept.write_text(kept.read_text().replace(old, new))

    def test_what_was_edited_on_the_board_is_checked_at_the_next_start(self):
        self.write(CONFIG)
        self.boot()
        self.edit_on_the_board('"high"', '"hihg"')
        ready, said = self.boot()
        self.assertFalse(ready, said)
        for words in ("data/etc/tapd/tapd.toml) is not good", "hihg", "every valve stays shut"):
            self.assertIn(words, said)
        self.write("rubbish")
        ready, said = self.boot()
        self.assertFalse(ready, said)
        self.assertNotIn("goes on", said)
        self.write(CONFIG)
        ready, said = self.boot()
        self.assertTrue(ready, said)

    def test_the_firmware_follows_what_was_edited_on_the_board(self):
        self.write(CONFIG)
        self.boot()
        self.edit_on_the_board("GPIO22", "GPIO24")
        self.boot()
        self.assertEqual(self.text("boot/valves.txt"), "gpio=24=op,dl\ngpio=23=op,dh\n")
        (self.root / "boot/tapd.toml").unlink()
        self.edit_on_the_board("GPIO24", "GPIO5")
        ready, said = self.boot()
        self.assertTrue(ready, said)
        self.assertEqual(self.text("boot/valves.txt"), "gpio=5=op,dl\ngpio=23=op,dh\n")

    def test_what_was_edited_on_the_board_is_not_lost(self):
        self.write(CONFIG)
        self.boot()
        self.edit_on_the_board('"GPIO23"', '"GPIO24"')
        edited = self.text("data/etc/tapd/tapd.toml")
        old_note = self.text("data/taken")
        self.write(self.text("boot/tapd.toml") + "# the same, with a remark\n")
        ready, said = self.boot()
        self.assertTrue(ready, said)
        self.assertIn("GPIO23", self.text("data/etc/tapd/tapd.toml"))
        for folder in ("data/etc/tapd", "etc/tapd"):
            self.assertEqual(self.text(folder + "/tapd.toml.replaced"), edited)
        self.assertIn("data/etc/tapd/tapd.toml.replaced", said)
        # The power went before it was noted that the file was taken over.
        (self.root / "data/taken").write_text(old_note)
        ready, said = self.boot()
        self.assertTrue(ready, said)
        self.assertEqual(self.text("data/etc/tapd/tapd.toml.replaced"), edited)
        # There is nothing new to keep when the next one comes.
        self.write(self.text("boot/tapd.toml") + "# and another remark\n")
        ready, said = self.boot()
        self.assertIn("was taken over", said)
        self.assertNotIn("replaced", said)
        self.assertEqual(self.text("data/etc/tapd/tapd.toml.replaced"), edited)

    def test_what_was_edited_here_as_on_the_board_replaces_nothing(self):
        self.write(CONFIG)
        self.boot()
        self.edit_on_the_board('"GPIO23"', '"GPIO24"')
        self.write(self.text("boot/tapd.toml").replace('"GPIO23"', '"GPIO24"'))
        ready, said = self.boot()
        self.assertTrue(ready, said)
        self.assertIn("was taken over", said)
        self.assertNotIn("replaced", said)
        self.assertFalse((self.root / "data/etc/tapd/tapd.toml.replaced").exists())

    def test_without_room_to_keep_what_was_edited_nothing_is_replaced(self):
        self.write(CONFIG)
        self.boot()
        self.edit_on_the_board('"GPIO23"', '"GPIO24"')
        (self.root / "data/etc/tapd/tapd.toml.replaced.new").mkdir()  # as good as no room
        self.write(self.text("boot/tapd.toml") + "# the same, with a remark\n")
        ready, said = self.boot(stderr="tapd.toml.replaced.new")
        self.assertTrue(ready, said)
        self.assertIn("could not be taken over", said)
        self.assertIn("GPIO24", self.text("data/etc/tapd/tapd.toml"))

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

    def maintain(self):
        """As with overlay=off in cmdline.txt: /etc is the card's own."""
        (self.root / "cmdline").write_text("root=LABEL=tapd-root ro overlay=off panic=10\n")
        return self.boot()

    def test_nothing_is_sold_while_the_system_itself_is_changed(self):
        self.write(CONFIG)
        self.boot()
        # tapd would read this one, whatever was checked on the data partition.
        (self.root / "etc/tapd/tapd.toml").write_text("# the package's example\n")
        ready, said = self.maintain()
        self.assertFalse(ready, said)
        for words in ("maintenance", "overlay=tmpfs", "every valve stays shut"):
            self.assertIn(words, said)
        # Nor is a new file taken over: it would be written to the card's own /etc.
        self.write(CONFIG.replace("s3cret", "n3w"))
        self.assertFalse(self.maintain()[0])
        self.assertNotIn("n3w", self.text("data/etc/tapd/credentials/token"))
        (self.root / "cmdline").write_text("ro overlay=tmpfs\n")
        self.assertTrue(self.boot()[0])

    def test_the_firmwares_partition_can_be_written_by_a_kernel_that_is_installed(self):
        boot = self.root / "boot"
        mount = ["mount", "-t", "tmpfs", "-o", "ro", "tapd-test", boot]
        if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            self.skipTest("nothing can be mounted here")
        try:
            self.assertFalse(os.access(boot, os.W_OK))
            self.maintain()
            (boot / "vmlinuz").write_text("a new one\n")
        finally:
            subprocess.run(["umount", boot], check=True)

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

    def test_an_address_that_networkd_would_pass_over(self):
        good = 'address = "10.0.0.7/24"\ngateway = "10.0.0.1"\ndns = "10.0.0.1 9.9.9.9"\n'
        for old, new, words in (
                ("10.0.0.7/24", "192.168.1.300/24", "address: like"),
                ("10.0.0.7/24", "192.168.1.30/99", "address: like"),
                ("10.0.0.7/24", "192.168.1.30/0", "address: like"),
                ("10.0.0.7/24", "192.168.1.030/24", "address: like"),
                ("10.0.0.7/24", "192.168.1.30", "address: like"),
                ('gateway = "10.0.0.1"', 'gateway = "192.168.1,1"', "gateway: like"),
                ('gateway = "10.0.0.1"', 'gateway = "10.0.0.256"', "gateway: like"),
                ('gateway = "10.0.0.1"\n', "", "gateway is missing"),
                ("10.0.0.1 9.9.9.9", "192.168.1.1, 8.8.8.8", "dns: like"),
                ("10.0.0.1 9.9.9.9", "9.9.9.9 9.9.9", "dns: like"),
                ("10.0.0.1 9.9.9.9", "*", "dns: like")):
            with self.subTest(new=new):
                wrong = good.replace(old, new)
                self.assert_refused(CONFIG.replace("[controller]", wrong + "[controller]"), words)
        good = good.replace("10.0.0.1 9.9.9.9", "192.0.2.53 2620:fe::9").replace("7/24", "199/32")
        self.write(CONFIG.replace("[controller]", good + "[controller]"))
        ready, said = self.boot()
        self.assertTrue(ready, said)

    def test_a_password_is_written_as_iwd_reads_it(self):
        # Its files know \s \t \r \n \\ (iwd.network(5)), and a blank before a value is passed over.
        for password, written in (("back\\slash\\now", "back\\\\slash\\\\now"),
                                  (" a blank before ", "\\sa blank before "),
                                  ("per%cent$HOME`", "per%cent$HOME`")):
            with self.subTest(password=password):
                self.write(CONFIG.replace("guests-may-not", password))
                ready, said = self.boot()
                self.assertTrue(ready, said)
                (file,) = (self.root / "data/iwd").glob("*.psk")
                self.assertEqual(file.read_text(), f"[Security]\nPassphrase={written}\n")

    def test_a_password_that_no_radio_takes(self):
        for password in ("Müllerstraße 7", "short", "x" * 64, "with\ta tab"):
            with self.subTest(password=password):
                self.assert_refused(CONFIG.replace("guests-may-not", password), "wifi_password: 8")

    def test_an_escape_is_no_new_line(self):
        wrong = CONFIG.replace('hostname = "bar-7"', r'hostname = "bar\n7"')
        self.assert_refused(wrong, "hostname")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
