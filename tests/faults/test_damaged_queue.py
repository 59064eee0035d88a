"""The relay's queue is damaged at rest: verify names file, place, sender and recipients;
repair saves what can be saved; the server delivers that, tells the sender of what can't be
read, and nothing is gone without a word. Beside a server under load verify finds nothing."""
import email
import os
import random
import re
import shutil
import signal
import subprocess
import unittest

from lab import Lab, Script, dialogue, inbox, message
from ripe import POSTHOUSE, QUIET, below, flip, repair, run, verify
from server import wait_for
from traffic import Sender, Traffic

N = 5
LARGE = 3                               # this one's body is in the journal's spool first
RANDOM = random.Random(1)


def text(n):
    lines = 9000 if n == LARGE else 40
    return b"".join(b"%s\r\n" % RANDOM.randbytes(30).hex().encode() for _ in range(lines)) + \
        b"this is number %d\r\n" % n


def to(n):
    return "u%d@alice.example" % n


class Damaged(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """A queue with history: each message was tried some times, and one went out."""
        cls.lab = Lab("bob.example", "alice.example", relay__retry="1s", relay__retry_max="1s")
        cls.addClassCleanup(cls.lab.end)
        cls.bob, cls.alice = cls.lab.bob, cls.lab.alice
        for n in range(N):
            cls.alice.add_account("u%d" % n)
        cls.bob.start()
        cls.texts = [text(n) for n in range(N)]
        with cls.bob.login() as client:
            for n in range(N):
                client.sendmail("bob@bob.example", [to(n)],
                                message("number %d" % n, "bob@bob.example", to(n), cls.texts[n]))
        wait_for(lambda: len(cls.bob.queue()) == N and all(row["tries"] > 2 for row in cls.bob.queue()),
                 what="some tries")
        cls.bob.stop()
        for host in (cls.bob, cls.alice):
            cls.copy(host.data, host.data + ".kept")

    @staticmethod
    def copy(of, to):
        subprocess.run(["cp", "-a", "--sparse=always", of, to], check=True)

    def setUp(self):
        for host in (self.bob, self.alice):
            shutil.rmtree(host.data)
            self.copy(host.data + ".kept", host.data)
        self.data = self.bob.data
        self.assertEqual(verify(self.data)[:2], (0, []))

    def tearDown(self):
        for host in (self.bob, self.alice):
            if host.process and host.process.poll() is None:
                host.stop()

    # ---- where things are ----

    def log(self):
        return max(below(self.data, "/queue/", ".log"), key=os.path.getsize)

    def places(self, n, log=None):
        """Of each record of a message's entry, a byte."""
        content = open(log or self.log(), "rb").read()
        return [m.start() for m in re.finditer(re.escape(to(n).encode()), content)]

    def body(self, n):
        """(pack, from, to) of a message, as `verify` finds it when it is damaged."""
        for pack in below(self.data, "/queue/pack/"):
            content = open(pack, "rb").read()
            starts = [m.start() for m in re.finditer(b"PHPE", content)] + [len(content)]
            self.assertEqual(len(starts), N + 1)
            return pack, starts[n], starts[n + 1]
        return None

    # ---- what must hold ----

    def found(self, kind, path, offset=None):
        status, findings, _sum = verify(self.data)
        name = os.path.relpath(path, self.data)
        hits = [f for f in findings if f["finding"] == kind and f["file"] == name and
                (offset is None or f["from"] <= offset < f["to"])]
        self.assertTrue(hits, findings)
        self.assertEqual(status, 1)
        return hits

    def repaired(self):
        status, out, said = repair(self.data)
        self.assertEqual((status, said), (0, ""), out)
        self.assertEqual(verify(self.data)[:2], (0, []))
        return out

    def served(self, returned=(), lost=()):
        """All arrive with every byte but those; the sender hears of `returned`."""
        self.alice.start()
        self.bob.start()
        wait_for(lambda: self.bob.queue() == [], seconds=60, what="the empty queue")
        for n in range(N):
            want = 0 if n in returned or n in lost else 1
            account = self.alice.accounts["u%d" % n]
            wait_for(lambda: len(inbox(self.alice, account)) >= want, what="message %d" % n)
            got = inbox(self.alice, account)
            self.assertEqual(len(got), want, "message %d" % n)
            for one in got:
                self.assertTrue(one.endswith(message("number %d" % n, "bob@bob.example", to(n),
                                                     self.texts[n])), one[:1000])
        wait_for(lambda: len(inbox(self.bob)) == len(returned), what="the reports")
        told = set()
        for report in inbox(self.bob):
            one = email.message_from_bytes(report).get_payload()[1].get_payload()[1]
            self.assertEqual((one["Action"], one["Status"]), ("failed", "5.3.0"))
            told.add(one["Final-Recipient"].split(";")[1].strip())
        self.assertEqual(told, {to(n) for n in returned})
        for host in (self.bob, self.alice):
            host.stop()
            self.assertEqual(verify(host.data)[:2], (0, []))

    def aside(self, ending):
        return [p for p in below(os.path.join(self.data, "aside")) if p.endswith(ending)]

    def what(self):
        return "".join(open(p).read() for p in self.aside("WHAT.txt"))

    # ---- bodies ----

    def test_body(self):
        for n in (1, LARGE):
            with self.subTest(n=n):
                self.tearDown()
                self.setUp()
                pack, start, end = self.body(n)
                flip(pack, (start + end) // 2)
                finding, = self.found("body-damaged", pack, (start + end) // 2)
                self.assertIn("from <bob@bob.example> to <%s>" % to(n), finding["what"])
                self.assertTrue(finding["message"])
                self.assertIn("1 whose text can't be read", self.repaired())
                self.assertIn("was not delivered to <%s>" % to(n), self.what())
                kept, = self.aside("-%d.eml" % start)
                self.assertIn("some may be wrong", self.what())
                if n == LARGE:
                    self.assertIn(b"Subject: number %d\r\n" % n, open(kept, "rb").read())
                self.served(returned=[n])

    def test_what_stands_before_a_body(self):
        """The header of the pack's entry, then the trace: the body is whole, and goes."""
        for place in (20, 100):
            with self.subTest(place=place):
                self.tearDown()
                self.setUp()
                pack, start, _end = self.body(2)
                flip(pack, start + place)
                self.found("body-damaged", pack, start + place)
                self.assertIn("(1 of them lose their Received lines)", self.repaired())
                self.served()

    def test_pack_is_missing(self):
        pack = self.body(0)[0]
        os.unlink(pack)
        self.found("file-missing", pack)
        self.repaired()
        self.served(returned=range(N))

    def test_pack_is_cut(self):
        pack, _start, end = self.body(N - 1)
        os.truncate(pack, end - 10)
        self.found("body-damaged", pack, end - 11)
        self.repaired()
        self.served(returned=[N - 1])

    # ---- logs ----

    def test_record(self):
        """One of many that say the same."""
        for which in (0, 1):
            with self.subTest(which=which):
                self.tearDown()
                self.setUp()
                place = self.places(2)[which]
                flip(self.log(), place)
                self.found("log-damaged", self.log(), place)
                log = os.path.basename(self.log())
                self.repaired()
                self.assertEqual(len(self.aside(log)), 1)
                self.served()

    def test_all_records_of_a_message(self):
        """For whom it was nobody knows any more: it is set aside, the others go."""
        for place in self.places(2):
            flip(self.log(), place)
        pack, start, end = self.body(2)
        finding, = self.found("message-unnamed", pack, start)
        self.assertEqual(finding["to"], end)
        self.assertIn("1 messages without an entry are set aside", self.repaired())
        kept, = self.aside(".eml")
        self.assertNotIn("some may be wrong", self.what())
        self.assertTrue(open(kept, "rb").read().endswith(
            message("number 2", "bob@bob.example", to(2), self.texts[2])))
        self.served(lost=[2])

    def test_head(self):
        log = self.log()
        flip(log, 10)
        flip(log, 2048 + 10)
        self.found("head-damaged", log, 10)
        self.assertEqual(len(self.found("message-unnamed", self.body(0)[0])), N)
        self.repaired()
        self.assertEqual(len(self.aside(".eml")), N)
        self.served(lost=range(N))

    def test_what_a_crash_leaves_is_no_finding(self):
        """A log that was just made, a pack without an entry, a batch that is cut off."""
        last = below(self.data, "/queue/", ".log")[-1]
        open(os.path.join(os.path.dirname(last), "099.log"), "wb").close()
        shutil.copy(self.body(0)[0], os.path.join(self.data, "queue", "pack", "099.pack"))
        os.truncate(last, os.path.getsize(last) - 4000)
        status, findings, total = verify(self.data)
        self.assertEqual((status, findings, total["queued"], total["notes"]), (0, [], N, 1))
        self.served()

    # ---- how it is done ----

    def hurt(self):
        """A body and all records of another message."""
        pack, start, end = self.body(1)
        flip(pack, (start + end) // 2)
        for place in self.places(2):
            flip(self.log(), place)

    def test_dry_run_changes_nothing(self):
        self.hurt()
        files = [p for p in below(self.data) if os.path.isfile(p)]
        before = {p: open(p, "rb").read() for p in files}
        self.assertEqual(verify(self.data)[0], 1)
        status, out, _said = repair(self.data, "--dry-run")
        self.assertEqual(status, 0)
        self.assertIn("would repair: queue: ", out)
        files = [p for p in below(self.data) if os.path.isfile(p)]
        self.assertEqual({p: open(p, "rb").read() for p in files}, before)

    def test_one_mailbox_is_not_the_queue(self):
        self.hurt()
        self.assertEqual(verify(self.data, "bob@bob.example")[:2], (0, []))
        status, out, _said = repair(self.data, "bob@bob.example")
        self.assertEqual(status, 0)
        self.assertNotIn("queue", out)

    def test_repair_killed_at_any_point_is_run_again(self):
        """Killed as soon as there is one file more in aside/, then finished."""
        self.hurt()
        for _ in range(6):
            want = len(below(os.path.join(self.data, "aside"))) + 2
            p = subprocess.Popen([POSTHOUSE, "repair", "--data", self.data], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=QUIET)
            while p.poll() is None and len(below(os.path.join(self.data, "aside"))) < want:
                pass
            p.kill()
            p.wait()
        self.repaired()
        self.assertTrue([p for p in self.aside(".eml") if b"Subject: number 2\r\n" in
                         open(p, "rb").read()])
        self.served(returned=[1], lost=[2])

    def test_without_repair_nothing_is_thrown_away(self):
        """A server that starts over a damaged log delivers what it can read; then verify
        still knows of the rest, and repair sets it aside."""
        for place in self.places(2):
            flip(self.log(), place)
        self.alice.start()
        self.bob.start()
        wait_for(lambda: self.bob.queue() == [], what="the empty queue")
        self.assertIn("posthouse repair", self.bob.log("relay"))
        self.bob.stop()
        self.assertTrue(self.found("log-damaged", below(self.data, "/queue/", ".log")[0]))
        self.repaired()
        self.assertTrue([p for p in self.aside(".eml") if b"Subject: number 2\r\n" in
                         open(p, "rb").read()])
        self.assertEqual(len(inbox(self.alice, self.alice.accounts["u1"])), 1)


class User(Sender):
    """Bob, over 587."""

    sender = "bob@bob.example"

    def connect(self):
        return self.host.login()


class Someone:
    address = "x@slow.example"


class Online(unittest.TestCase):
    @staticmethod
    def is_empty(host):
        """The relay may be on its way up still."""
        try:
            return host.queue() == []
        except AssertionError:
            return False

    def test_no_false_alarm_under_load(self):
        """Messages wait, are tried again and go; packs and logs come and go; the relay dies:
        verify finds nothing."""
        lab = Lab("bob.example", records="slow.example. MX 10 mx.slow.example.\nmx.slow.example. A {1}\n",
                  relay__retry="1s", relay__retry_max="1s", limit__messages_per_account="0")
        self.addCleanup(lab.end)
        lab.start()
        chance = random.Random(2)
        bodies = []
        slow = Script(lab, lab.spare[0], dialogue(
            {b"RCPT": lambda: b"450 4.2.0 later\r\n" if chance.random() < 0.6 else b"250 ok\r\n"},
            bodies=bodies))
        self.addCleanup(slow.close)
        body = "".join("%s\r\n" % chance.randbytes(32).hex() for _ in range(3000))
        looks = deaths = 0
        names = set()
        with Traffic(lab.bob, "r", 600, sessions=3, body=body, account=Someone, kind=User) as traffic:
            while any(s.is_alive() for s in traffic.senders) or deaths < 5:
                status, findings, total = verify(lab.bob.data)
                self.assertEqual((status, findings), (0, []))
                names |= set(below(lab.bob.data, "/queue/"))
                looks += 1
                if looks % 3 == 0:
                    for pid in lab.bob.roles().get("relay", []):
                        os.kill(pid, signal.SIGKILL)
                        deaths += 1
        self.assertGreater(len([n for n in names if n.endswith(".log")]), 3)
        self.assertGreater(len([n for n in names if n.endswith(".pack")]), 1)
        wait_for(lambda: lab.bob.roles().get("relay"), what="a relay")
        wait_for(lambda: self.is_empty(lab.bob), seconds=120, what="the empty queue")
        self.assertGreaterEqual(len(bodies), 600)
        self.assertEqual(verify(lab.bob.data)[:2], (0, []))
        # Damage is found beside a server, too.
        slow.close()
        with lab.bob.login() as client:
            client.sendmail("bob@bob.example", ["x@slow.example"],
                            message("hit", "bob@bob.example", "x@slow.example"))
        wait_for(lambda: len(lab.bob.queue()) == 1 and lab.bob.queue()[0]["tries"] > 0, what="a try")
        pack = below(lab.bob.data, "/queue/pack/")[-1]
        flip(pack, os.path.getsize(pack) - 5)
        status, findings, _total = verify(lab.bob.data)
        self.assertEqual((status, [f["finding"] for f in findings]), (1, ["body-damaged"]))
        status, out, said = run("repair", "--data", lab.bob.data)
        self.assertEqual((status, out), (1, ""))
        self.assertIn("stop it first", said)
        lab.bob.run("queue", "drop", "all")
        lab.stop()


if __name__ == "__main__":
    unittest.main()
