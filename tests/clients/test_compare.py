"""bench/compare: a quick run of it against the floor, with what Posthouse needs installed."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

from server import wait_for

COMPARE = os.path.join(os.environ["POSTHOUSE_ROOT"], "bench", "compare")


def left_behind(folder):
    """Folders, and processes whose work is below them."""
    found = os.listdir(folder)
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink("/proc/%s/cwd" % pid).startswith(folder):
                found.append(pid)
        except OSError:
            pass
    return found


class Compare(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="posthouse-compare-test-")
        self.addCleanup(self.folder.cleanup)
        os.chmod(self.folder.name, 0o755)
        self.data = os.path.join(self.folder.name, "data")
        os.mkdir(self.data)

    def command(self, *options):
        return [COMPARE, "--quick", "--peers", "posthouse,floor", "--folder", self.data, *options]

    def test_quick(self):
        file = os.path.join(self.folder.name, "results.json")
        done = subprocess.run(self.command("--work", "new", "reuse", "memory", "--json", file),
                              capture_output=True, text=True, timeout=600)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(file) as f:
            records = json.load(f)["records"]
        seen = {(r["work"], r["peer"]): r for r in records}
        self.assertEqual(set(seen), {("new", "posthouse"), ("new", "floor"), ("reuse", "posthouse"),
                                     ("reuse", "floor"), ("memory", "posthouse")})
        for r in records:
            self.assertEqual(r["accepted"], r["messages"])
            if r["work"] != "memory":
                self.assertEqual(r["delivered"], r["messages"])
                self.assertGreater(r["cpu_ms"], 0)
        self.assertEqual(seen["memory", "posthouse"]["greeted"], 200)
        # The tables have what the records have.
        rows = [[c.strip() for c in line.strip("|").split("|")]
                for line in done.stdout.splitlines() if line.startswith("|")]
        bars = {(r[0], r[1]): r for r in rows if len(r) == 5}
        got = bars["10 KiB, 50 sessions, a new connection each", "the floor"]
        ratio = seen["new", "posthouse"]["delivered_per_s"] / seen["new", "floor"]["delivered_per_s"]
        self.assertEqual(got[3], "%.0f %%" % (ratio * 100))
        self.assertEqual(got[4], "**met**" if ratio >= 0.6 else "not met")
        self.assertEqual(bars["100 KiB, 10 sessions", "Postfix + Dovecot"][4], "not measured")
        floors = [r for r in rows if r[0].startswith("The floor")]
        self.assertEqual(len(floors), 2)
        self.assertRegex(floors[0][4], r"^\d+\.\d{3}$")
        self.assertEqual(left_behind(self.data), [])
        again = subprocess.run([COMPARE, "--report", "--json", file], capture_output=True, text=True)
        self.assertEqual((again.returncode, again.stdout), (0, done.stdout))

    @unittest.skipUnless(shutil.which("smtp-sink"), "needs smtp-sink (package postfix)")
    def test_other_hosts(self):
        file = os.path.join(self.folder.name, "results.json")
        done = subprocess.run(self.command("--work", "relay,relay-on,deferred", "--json", file),
                              capture_output=True, text=True, timeout=600)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(file) as f:
            records = json.load(f)["records"]
        self.assertEqual([(r["work"], r["peer"], r.get("deferred")) for r in records],
                         [("relay", "posthouse", None), ("relay-on", "posthouse", None),
                          ("deferred", "posthouse", 0), ("deferred", "posthouse", 1000)])
        for r in records:
            self.assertEqual((r["accepted"], r["delivered"]), (r["messages"], r["messages"]))
        rows = [[c.strip() for c in line.strip("|").split("|")]
                for line in done.stdout.splitlines() if line.startswith("|")]
        bars = {r[0]: r for r in rows if len(r) == 5}
        start = bars["start with 1,000 deferred messages, queue read"]
        self.assertEqual(start[3:], ["%.2f s" % records[3]["loaded_s"],
                                     "**met**" if records[3]["loaded_s"] < 2 else "not met"])
        for words, key in (("", "each_bytes"), (", after a restart", "each_again_bytes")):
            got = bars["the relay's memory for each of 1,000 deferred messages" + words]
            self.assertEqual(got[3], "%.0f bytes" % records[3][key])
        ratio = records[3]["delivered_per_s"] / records[2]["delivered_per_s"]
        self.assertEqual(bars["10 KiB for a living host, with 1,000 deferred messages"][3],
                         "%+.0f %%" % ((ratio - 1) * 100))
        self.assertEqual(bars["10 KiB for another Posthouse, 20 sessions"][4], "not measured")
        self.assertIn("### 10 KiB for another host (Posthouse), 20 sessions", done.stdout)
        self.assertEqual(left_behind(self.data), [])

    def test_rest(self):
        """Memory is at rest when it has not become less for a while, or never is."""
        sys.path.insert(0, os.path.dirname(COMPARE))
        self.addCleanup(sys.path.remove, os.path.dirname(COMPARE))
        import deferred
        now = [0.0]
        clock = mock.Mock(monotonic=lambda: now[0], sleep=lambda s: now.__setitem__(0, now[0] + s))
        for name, memory, want, after in (
                ("still", lambda: 7, 7, 5),
                ("falls late", lambda: 9 if now[0] < 4.5 else 3, 3, 9.5),
                ("rises", lambda: 5 + int(now[0]), 10, 5),
                ("falls in steps", lambda: max(20 - int(now[0] / 3), 10), 10, 35),
                ("falls for ever", lambda: 1000 - now[0], 940, 60)):
            now[0] = 0.0
            with self.subTest(name), mock.patch.object(deferred, "time", clock):
                self.assertAlmostEqual(deferred.at_rest(memory, 5), want, delta=0.5)
                self.assertAlmostEqual(now[0], after, delta=0.5)

    def test_interrupted(self):
        # Longer than anybody waits: a quick one may be over before it hears of it.
        command = [w for w in self.command("--work", "new", "--rounds", "1000") if w != "--quick"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as process:
            # Its servers have started.
            wait_for(lambda: any(re.fullmatch(r"\d+", name) for name in left_behind(self.data)),
                     seconds=120)
            process.send_signal(signal.SIGINT)
            said = process.stderr.read()
            self.assertEqual(process.wait(60), 1)
        self.assertIn("interrupted", said)
        self.assertNotIn("Traceback", said)
        self.assertEqual(left_behind(self.data), [])

    def test_usage(self):
        for options, words in (
                (["--peers", "sendmail"], 'no peer "sendmail"'), (["--work", "all"], 'no work "all"'),
                (["--rounds", "0"], "from 1"), (["--report"], "--json"),
                (["--folder", "/nonexistent"], "no such folder")):
            done = subprocess.run([COMPARE, *options], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(words, done.stderr)
        done = subprocess.run([COMPARE, "--report", "--json", os.path.join(self.data, "none")],
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("no results", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)


if __name__ == "__main__":
    unittest.main()
