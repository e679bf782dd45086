#!/usr/bin/env python3
"""What becomes of a tapd.toml as editors on Windows save it: see board.py.

    windows.py TAPD TAPCTL FOLDER_OF_THE_SCRIPTS
"""
import codecs
import sys
import unittest

from board import CONFIG, Board


class Windows(Board):
    def write_bytes(self, content):
        (self.root / "boot/tapd.toml").write_bytes(content)

    def assert_taken(self):
        ready, said = self.boot()
        self.assertTrue(ready, said)
        self.assertEqual(self.text("data/etc/hostname"), "bar-7\n")
        self.assertNotIn("s3cret", self.text("boot/tapd.toml"))
        self.assertNotIn("guests-may-not", self.text("boot/tapd.toml"))

    def test_line_ends(self):
        self.write(CONFIG.replace("\n", "\r\n"))
        self.assert_taken()
        self.assertNotIn("\r", self.text("data/etc/tapd/tapd.toml"))

    def test_a_mark_before_the_first_letter(self):
        self.write_bytes(codecs.BOM_UTF8 + CONFIG.replace("\n", "\r\n").encode())
        self.assert_taken()
        # A line of tapd's own part that is wrong is still the line that the editor shows.
        number = CONFIG.splitlines().index('valve = { line = "GPIO22", active = "high" }') + 1
        self.write_bytes(codecs.BOM_UTF8 + CONFIG.replace('"high"', '"hihg"').encode())
        self.assertIn(f"tapd.toml:{number}: tap 1.valve.active", self.boot()[1])

    def test_two_bytes_a_letter(self):
        for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"),
                               (codecs.BOM_UTF16_BE, "utf-16-be")):
            with self.subTest(encoding=encoding):
                self.write_bytes(mark + CONFIG.encode(encoding))
                ready, said = self.boot()
                self.assertFalse(ready, said)
                self.assertIn("save it as UTF-8", said)
                self.assertNotIn("[board] knows no", said)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
