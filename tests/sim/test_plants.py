"""tests/sim/test_plants.py - what `posthouse sim` says: mistakes on purpose are
found, the same seed is the same world, what fails is shrunk, Ctrl-C ends it."""
import os
import re
import shlex
import signal
import subprocess
import unittest

POSTHOUSE = os.environ["POSTHOUSE_RELEASE"]
SEEDS = 1000
BEGINS = {"sync-again": 200, "unheard": 100}     # rare: not worth the minutes of the seeds before


def sim(*words):
    done = subprocess.run([POSTHOUSE, "sim"] + [str(w) for w in words], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          errors="replace")
    return done.returncode, done.stdout, done.stderr


def plants():
    status, out, _ = sim("--plant", "list")
    assert status == 0
    return [line.split()[0] for line in out.splitlines()]


class Plants(unittest.TestCase):
    def test_each_is_found(self):
        self.assertEqual(len(plants()), 13)
        for name in plants():
            with self.subTest(plant=name):
                status, _, err = sim("--plant", name, "--runs", SEEDS, "--until-failure",
                                     "--seed", BEGINS.get(name, 1), "--shrink", "no",
                                     "--jobs", 1)
                found = re.search(r"^seed (\d+) failed: (.*)$", err, re.M)
                self.assertIsNotNone(found, err[-2000:])
                self.assertEqual(status, 1)
                self.assertEqual(sim("--seed", found.group(1), "--runs", 1)[0], 0,
                                 "it fails without the mistake, too")
                print("# note: %s is found at seed %s: %s" % (name, *found.groups()))

    def test_unknown_name(self):
        status, out, err = sim("--plant", "nosuch")
        self.assertEqual((status, out, err.count("\n")), (2, "", 1))
        self.assertIn("--plant list", err)


class Runs(unittest.TestCase):
    def test_same_seed_same_hash(self):
        def trace(*words):
            return re.search(r"^trace (\w+)$", sim(*words)[1], re.M).group(1)

        first = trace("--seed", 5, "--runs", 3)
        self.assertEqual(first, trace("--seed", 5, "--runs", 3, "--jobs", 1))
        self.assertNotEqual(first, trace("--seed", 6, "--runs", 3))

    def test_bounds(self):
        # What weighs the roles at the end sends some of its own.
        calm = ("--seed", 1, "--runs", 2, "--hosts", 1, "--faults", 0, "--kinds", "none")
        sent = []
        for more in ((), ("--messages", 0)):
            status, out, _ = sim(*calm, *more)
            self.assertEqual(status, 0)
            sent.append(int(re.search(r"; (\d+) messages", out).group(1)))
        self.assertLess(sent[1], sent[0])
        for words in (("--kinds", "nosuch"), ("--hosts", 0), ("--shrink", "maybe")):
            with self.subTest(words=words):
                status, out, err = sim(*words)
                self.assertEqual((status, out, err.count("\n")), (2, "", 1))

    def test_failure_is_shrunk_and_repeats(self):
        status, _, err = sim("--plant", "counted-uidl", "--runs", SEEDS, "--until-failure")
        self.assertEqual(status, 1)
        self.assertRegex(err, r"(?m)^  shrunk, in \d+ tries, to: ")
        words = shlex.split(re.search(r"^  again: posthouse sim (.*)$", err, re.M).group(1))
        # One that counts in memory is seen with two messages and no fault at all.
        self.assertEqual(words[words.index("--hosts") + 1], "1")
        self.assertEqual(words[words.index("--faults") + 1], "0")
        self.assertLess(int(words[words.index("--messages") + 1]), 10)
        status, out, err = sim(*words)
        self.assertEqual(status, 1)
        self.assertIn("1 failed", out)

    def test_interrupt_ends_children(self):
        parent = subprocess.Popen([POSTHOUSE, "sim", "--runs", "100000", "--jobs", "2"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  start_new_session=True)
        listing = "/proc/%d/task/%d/children" % (parent.pid, parent.pid)
        children = []
        while len(children) < 2 and parent.poll() is None:
            with open(listing) as f:
                children = f.read().split()
        os.killpg(parent.pid, signal.SIGINT)    # as a terminal does
        out, _ = parent.communicate(timeout=60)
        self.assertEqual(parent.returncode, 1)
        self.assertRegex(out, r"^stopped; \d+ of 100000 runs from seed 1: 0 failed")
        for pid in children:
            self.assertFalse(os.path.exists("/proc/" + pid))
