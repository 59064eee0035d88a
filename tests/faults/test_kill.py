"""kill -9 of any role, and of all, while 2,000 messages go in over 20 sessions:
every message that got 250 is there, once. Ten rounds."""
import os
import poplib
import signal
import smtplib
import threading
import unittest

from server import Demo, free_ports, wait_for

MESSAGES = 2000
SESSIONS = 20
ROUNDS = ["edge", "router", "store", "directory", "edge", "all", "store", "router", "keeper", "all"]
TRIES = 500


class Sender(threading.Thread):
    """One session's share. A message is tried until it gets its 250; a try whose
    reply was lost may have been taken, so it is counted."""

    def __init__(self, host, name, count, progress):
        super().__init__()
        self.host, self.prefix, self.count, self.progress = host, name, count, progress
        self.acknowledged, self.unsure, self.trouble = {}, {}, None

    def run(self):
        try:
            client = None
            for n in range(self.count):
                client = self.send("%s-%d" % (self.prefix, n), client)
            if client:
                client.close()
        except Exception as e:          # shown by the test
            self.trouble = e

    def send(self, name, client):
        data = "Subject: %s\r\n\r\nThis is %s.\r\n%s" % (name, name, "filler line\r\n" * 50)
        for _ in range(TRIES):
            handed_over = False
            try:
                if client is None:
                    client = smtplib.SMTP(*self.host.smtp, timeout=60)
                    client.ehlo("client.example")
                client.mail("sender@client.example")
                code, _words = client.rcpt("alice@alice.example")
                if code == 250:
                    handed_over = True
                    code, _words = client.data(data)
                    handed_over = False
                if code == 250:
                    self.acknowledged[name] = self.acknowledged.get(name, 0) + 1
                    self.progress.release()
                    return client
                client.rset()
            except (OSError, smtplib.SMTPException):
                if handed_over:
                    self.unsure[name] = self.unsure.get(name, 0) + 1
                if client:
                    client.close()
                client = None
                threading.Event().wait(0.05)    # a mail program, too, waits before it tries again
        raise AssertionError("%s was never taken" % name)


class Kill(unittest.TestCase):
    def box(self):
        try:
            box = poplib.POP3(*self.host.pop3, timeout=60)
            box.user(self.host.alice.address)
            box.pass_(self.host.alice.password)
            return box
        except (OSError, poplib.error_proto):
            return None

    def mailbox(self):
        """How often each subject is there, when the count has settled."""
        box = wait_for(self.box, what="a login")
        count = box.stat()[0]
        found = {}
        for n in range(1, count + 1):
            lines = box.retr(n)[1]
            name = next(l for l in lines if l.startswith(b"Subject: "))[9:].decode()
            self.assertIn(b"This is " + name.encode() + b".", lines)
            self.assertEqual(lines.count(b"filler line"), 50)
            found[name] = found.get(name, 0) + 1
            box.dele(n)
        box.quit()
        return found

    def collect(self, names):
        """Read until each of names is there: with doubles their number tells nothing."""
        found = {}

        def all_there():
            for name, count in self.mailbox().items():
                found[name] = found.get(name, 0) + count
            return names <= found.keys()
        try:
            wait_for(all_there, seconds=60, what="the last delivery")
        except AssertionError:
            pass                        # the round says which are lost
        return found

    def strike(self, victim):
        if victim in ("keeper", "all"):
            self.host.kill(roles=victim == "all")
            self.host.start()
        else:
            # After the first strike it may be between two lives.
            pids = wait_for(lambda: self.host.roles().get(victim), what="a living " + victim)
            os.kill(pids[0], signal.SIGKILL)

    def round(self, number, victim):
        progress = threading.Semaphore(0)
        senders = [Sender(self.host, "r%d-%d" % (number, n), MESSAGES // SESSIONS, progress)
                   for n in range(SESSIONS)]
        for s in senders:
            s.start()
        for _ in range(MESSAGES // 4):
            progress.acquire()
        self.strike(victim)
        for _ in range(MESSAGES // 4):
            progress.acquire()
        if victim not in ("keeper", "all"):
            self.strike(victim)
        for s in senders:
            s.join()
            if s.trouble:
                raise s.trouble
        found = self.collect({name for s in senders for name in s.acknowledged})
        for s in senders:
            for name, count in s.acknowledged.items():
                have = found.pop(name, 0)
                self.assertGreaterEqual(have, count, "%s is lost" % name)
                self.assertLessEqual(have, count + s.unsure.get(name, 0), "%s is there too often" % name)
        self.assertEqual(found, {}, "nobody sent these")

    def test_kill_nine_in_ten_rounds(self):
        port = free_ports()
        with Demo("--port-base", str(port), program=os.environ["POSTHOUSE_RELEASE"]) as self.host:
            for number, victim in enumerate(ROUNDS):
                with self.subTest(round=number, victim=victim):
                    self.round(number, victim)
