"""bench/mock: a quick run of it with what is there, and the bars it prints."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.environ["POSTHOUSE_ROOT"]
MOCK = os.path.join(ROOT, "bench", "mock")


class BenchMock(unittest.TestCase):
    def run_it(self, *options):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "results.json")
            done = subprocess.run([MOCK, "--quick", "--json", file, *options], capture_output=True,
                                  text=True, timeout=300, env={**os.environ, "TMPDIR": folder})
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(file) as f:
                results = json.load(f)
            self.assertEqual(os.listdir(folder), ["results.json"])
        rows = [[c.strip() for c in line.strip("|").split("|")]
                for line in done.stdout.splitlines() if line.startswith("|")]
        return results["records"], {(r[0], r[1]): r for r in rows if len(r) == 5}

    def test_posthouse(self):
        records, bars = self.run_it("--peers", "posthouse")
        seen = {(r["work"], r.get("what")): r for r in records}
        self.assertEqual(set(seen), {
            ("new", None), ("reuse", None), ("memory", None), ("search", "list"),
            ("search", "common word"), ("search", "some messages"), ("search", "no message"),
            ("events", None), ("start", None), ("size", None)})
        for work in ("new", "reuse"):
            r = seen[work, None]
            self.assertEqual((r["messages"], r["lost"]), (200, 0))
            self.assertGreater(r["accepted_per_s"], 0)
            self.assertGreater(r["cpu_ms"], 0)
        self.assertEqual(seen["search", "list"]["found"], 2000)
        self.assertEqual(seen["search", "common word"]["found"], 2000)
        self.assertTrue(0 < seen["search", "some messages"]["found"] < 1000)
        self.assertEqual(seen["search", "no message"]["found"], 0)
        self.assertEqual(seen["events", None]["messages"], 20)
        # The bars are those of the records.
        got = bars["RSS with 100 messages of 5 KB", "-"]
        self.assertEqual(got[3], "%.1f MB" % seen["memory", None]["rss_mb"])
        self.assertEqual(got[4], "**met**" if seen["memory", None]["rss_mb"] <= 20 else "not met")
        self.assertEqual(bars["5 KB, 10 sessions, connections reused", "maildev"][4],
                         "not measured")

    @unittest.skipUnless(shutil.which("smtp-sink"), "needs smtp-sink (package postfix)")
    def test_peer(self):
        records, _ = self.run_it("--peers", "smtp-sink,posthouse", "--work", "reuse")
        self.assertEqual([r["peer"] for r in records], ["smtp-sink", "posthouse"])
        self.assertEqual([r["lost"] for r in records], [0, 0])


if __name__ == "__main__":
    unittest.main()
