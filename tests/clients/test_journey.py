"""What is written down of messages: how long, how much of it, and with which words."""
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
import unittest

from server import POSTHOUSE, Demo, wait_for

DAY = 24 * 3600
MIB = 1 << 20


def line(age, fill=100):
    event = {"t": int((time.time() - age) * 1e6), "role": "edge.0", "e": "x", "fill": "y" * fill}
    return json.dumps(event, separators=(",", ":")) + "\n"


class TestJourney(unittest.TestCase):
    def setUp(self):
        self.data = tempfile.mkdtemp(prefix="posthouse-journey-")
        self.addCleanup(shutil.rmtree, self.data, True)
        self.folder = os.path.join(self.data, "journey")

    def server(self, *settings):
        return Demo("--set=edges=1", "--set=stores=1", *["--set=" + s for s in settings],
                    data=self.data)

    def make(self, name, age, size=0):
        """A file whose first event is so old; changed just as long ago."""
        os.makedirs(self.folder, exist_ok=True)
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(line(age))
            while f.tell() < size:
                f.write(line(age, 4000))
        os.utime(path, (time.time() - age, time.time() - age))

    def names(self):
        return sorted(os.listdir(self.folder))

    def size(self, older=True):
        return sum(os.path.getsize(os.path.join(self.folder, n)) for n in os.listdir(self.folder)
                   if older or n.endswith(".log"))

    def written(self):
        return "".join(open(os.path.join(self.folder, n)).read() for n in self.names())

    def test_keep(self):
        """What began before journey.keep is gone, wherever it lies; what did not is there."""
        for name, age in (("edge.0.log", 4 * DAY), ("edge.0.log.1", 5 * DAY), ("relay.log", DAY),
                          ("edge.7.log", 4 * DAY), ("edge.8.log", 2 * DAY),
                          ("store.0.log.3", 2 * DAY)):
            self.make(name, age)
        with self.server("journey.keep=3d") as host:
            self.assertEqual(host.send("hello")[0], 250)
            # A role's own file of a day is rotated: it is more than an eighth of three days.
            self.assertEqual([n for n in self.names() if n not in (
                "edge.0.log", "router.log", "store.0.log", "relay.log")],
                ["edge.8.log", "relay.log.1", "store.0.log.3"])

    def test_keep_while_it_runs(self):
        with self.server("journey.keep=8s") as host:
            self.assertEqual(host.send("hello")[0], 250)
            wait_for(lambda: '"accepted"' in self.written(), what="the event")
            wait_for(lambda: '"accepted"' not in self.written(), 60, what="its end")

    def test_keep_for_ever(self):
        self.make("edge.0.log", 4000 * DAY)
        self.make("edge.0.log.1", 5000 * DAY)
        with self.server("journey.keep=0") as host:
            self.assertEqual(host.send("hello")[0], 250)
            self.assertLessEqual({"edge.0.log", "edge.0.log.1"}, set(self.names()))

    def test_size_at_the_start(self):
        """The oldest go, also those of processes that there are no more."""
        for i in range(1, 8):
            self.make("edge.0.log.%d" % i, 100 * i, 200 * 1024)
        self.make("edge.63.log", 150, 200 * 1024)
        with self.server("journey.size=1M"):
            self.assertLessEqual(self.size(), MIB)
            self.assertEqual([n for n in self.names() if n.startswith("edge") and n != "edge.0.log"],
                             ["edge.0.log.1", "edge.0.log.2", "edge.0.log.3", "edge.63.log"])

    def test_size_while_it_runs(self):
        """A file is rotated at its part of the space, and who follows misses nothing."""
        with self.server("journey.size=1M") as host:
            follow = subprocess.Popen([POSTHOUSE, "trace", "--follow", "--json", "--data", self.data],
                                      stdout=subprocess.PIPE)
            self.addCleanup(follow.stdout.close)
            self.addCleanup(follow.wait, 60)
            self.addCleanup(follow.terminate)
            ids, said = [], b""

            def enough():
                code, words = host.send("hello")
                self.assertEqual(code, 250)
                ids.append(words.decode().rsplit(" ", 1)[1])
                return "edge.0.log.3" in self.names()
            wait_for(enough, 60, what="the third rotation")
            self.assertLessEqual(self.size(), MIB + self.size(older=False))
            while b'"id":"%s","account"' % ids[-1].encode() not in said:
                ready, _, _ = select.select([follow.stdout], [], [], 60)
                piece = os.read(follow.stdout.fileno(), 65536) if ready else b""
                self.assertTrue(piece, "the last message was not said")
                said += piece
            events = [json.loads(line) for line in said.splitlines(True) if line.endswith(b"\n")]
            accepted = [e["id"] for e in events if e["e"] == "accepted"]
            # It may have begun to follow after some of them.
            self.assertEqual(accepted, ids[-len(accepted):])
            self.assertGreater(len(accepted), len(ids) / 2)

    def test_dialogue(self):
        for setting, there in (("journey.dialogue=no", False), ("journey.dialogue=yes", True)):
            with self.subTest(setting=setting), self.server(setting) as host:
                self.assertEqual(host.send("hello")[0], 250)
                wait_for(lambda: '"durable"' in self.written(), what="the journey")
                self.assertEqual('"dialogue"' in self.written(), there)
                self.assertIn('"accepted"', self.written())

    def test_none(self):
        with self.server("journey=no") as host:
            self.assertEqual(host.send("hello")[0], 250)
            wait_for(lambda: host.count() == 1, what="the message")
            self.assertEqual(self.names(), [])


if __name__ == "__main__":
    unittest.main()
