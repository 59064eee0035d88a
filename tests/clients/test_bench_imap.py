"""posthouse bench imap against our own server, and what it says when that can't be."""
import json
import subprocess
import tempfile
import unittest

from server import POSTHOUSE, Demo

ROWS = {"select", "flags", "envelope", "envelope-again", "bodies", "search-subject", "search-body", "store", "copy", "move",
        "expunge", "append", "sessions"}


def bench(*options):
    return subprocess.run([POSTHOUSE, "bench", "imap", *options], capture_output=True, text=True, timeout=120)


class BenchImap(unittest.TestCase):
    def run_all(self, host, *options):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as line:
            json.dump(host.ready, line)
            line.flush()
            return bench("--demo", line.name, "--messages", "220", "--size", "3000", "--appends", "10", "--logins", "12",
                         "--sessions", "4", *options)

    def test_all_rows(self):
        with Demo() as host:
            done = self.run_all(host, "--json", "--pid", str(host.process.pid))
            self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
            rows = json.loads(done.stdout)["rows"]
            self.assertEqual(set(rows), ROWS)
            self.assertEqual([rows[name]["messages"] for name in ("flags", "envelope", "bodies", "store", "append")],
                             [220, 220, 220, 220, 10])
            self.assertEqual(rows["sessions"]["sessions"], 12)
            self.assertGreater(rows["bodies"]["bytes"], 220 * 3000)
            self.assertTrue(all("cpu_seconds" in row for row in rows.values()))
            # Again, over TLS, in words: the mailbox is full already.
            done = self.run_all(host, "--tls", "tls")
            self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
            self.assertIn("FETCH 1:* BODY.PEEK[]", done.stdout)
            done = self.run_all(host, "--auth", host.alice.address + ":wrong")
            self.assertEqual(done.returncode, 1)
            self.assertIn("first fault: login: NO [AUTHENTICATIONFAILED]", done.stdout)

    def test_misuse(self):
        for options, words in (((), "starts no server"), (("--to", "here"), "--to wants an address"),
                               (("--to", "127.0.0.1:1"), "--auth wants USER:PASSWORD"),
                               (("--tls", "starttls"), "--tls wants none or tls")):
            with self.subTest(options):
                done = bench(*options)
                self.assertEqual(done.returncode, 2)
                self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
