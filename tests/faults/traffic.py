"""tests/faults/traffic.py - mail that goes in while something is wrong, and the books
about it: what got its 250 is there once, with every byte.

    with Traffic(host, "round-1", messages=200) as traffic:
        traffic.wait(50)                # 250s so far
        ...                             # the fault
    traffic.check(self)                 # all sent, all there; takes them out
"""
import poplib
import smtplib
import socket
import threading

from server import wait_for

TRIES = 1000
FILLER = 50


class Sender(threading.Thread):
    """One session's share. A message is tried until it gets its 250; a try whose
    reply was lost may have been taken, so it is counted."""

    sender = "sender@client.example"

    def __init__(self, host, name, count, progress, body="", account=None):
        super().__init__(daemon=True)
        self.host, self.prefix, self.count, self.progress = host, name, count, progress
        self.body = body
        self.to = (account or host.alice).address
        self.acknowledged, self.unsure, self.refused, self.trouble = {}, {}, {}, None
        self.vain = 0                   # tries, so far

    def run(self):
        try:
            client = None
            for n in range(self.count):
                client = self.send("%s-%d" % (self.prefix, n), client)
            if client:
                client.close()
        except Exception as e:          # shown by the test
            self.trouble = e

    def note(self, books, key):
        books[key] = books.get(key, 0) + 1

    def connect(self):
        client = smtplib.SMTP(*self.host.smtp, timeout=120)
        client.ehlo("client.example")
        return client

    def send(self, name, client):
        data = "Subject: %s\r\n\r\nThis is %s.\r\n%s%s" % (name, name, "filler line\r\n" * FILLER,
                                                          self.body)
        for _ in range(TRIES):
            handed_over = False
            try:
                if client is None:
                    client = self.connect()
                code, _words = client.mail(self.sender)
                if code == 250:
                    code, _words = client.rcpt(self.to)
                if code == 250:
                    handed_over = True
                    code, _words = client.data(data)
                    handed_over = False
                    if code == 250:
                        self.note(self.acknowledged, name)
                        self.progress.release()
                        return client
                    self.note(self.refused, name)
                client.rset()
            except (OSError, smtplib.SMTPException):
                if handed_over:
                    self.note(self.unsure, name)
                if client:
                    client.close()
                client = None
            self.vain += 1
            threading.Event().wait(0.05)        # a mail program, too, waits before it tries again
        raise AssertionError("%s was never taken" % name)


class Traffic:
    def __init__(self, host, name, messages, sessions=4, body="", account=None, kind=Sender):
        self.host, self.account = host, account or host.alice
        self.progress = threading.Semaphore(0)
        self.senders = [kind(host, "%s.%d" % (name, n), messages // sessions, self.progress, body, account)
                        for n in range(sessions)]

    def __enter__(self):
        for s in self.senders:
            s.start()
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.join()

    def join(self):
        for s in self.senders:
            s.join()
            if s.trouble:
                raise s.trouble

    def wait(self, acknowledged):
        """Until so many more have got their 250."""
        for _ in range(acknowledged):
            if not self.progress.acquire(timeout=300):
                raise AssertionError("no message gets through")

    def vain(self):
        return sum(s.vain for s in self.senders)

    def acknowledged(self):
        return {name: n for s in self.senders for name, n in s.acknowledged.items()}

    def check(self, test, refused_may_come=False):
        """All are in the mailbox, once; takes them out. A try that was refused
        may count as one whose reply was lost: say so where a crash followed it."""
        found = collect(self.host, set(self.acknowledged()), test, self.account)
        for s in self.senders:
            for name, count in s.acknowledged.items():
                have = found.pop(name, 0)
                may = s.unsure.get(name, 0) + (s.refused.get(name, 0) if refused_may_come else 0)
                test.assertGreaterEqual(have, count, "%s is lost" % name)
                test.assertLessEqual(have, count + may, "%s is there too often" % name)
        test.assertEqual(found, {}, "nobody sent these")


def dial(address):
    return socket.create_connection(address, timeout=120)


def in_data(host):
    """A session that may send its body."""
    s = dial(host.smtp)
    for line in (b"", b"HELO client.example\r\n", b"MAIL FROM:<x@client.example>\r\n",
                 b"RCPT TO:<alice@alice.example>\r\n", b"DATA\r\n"):
        s.sendall(line)
        reply = s.recv(4096)
        assert reply[:1] in b"23", reply
    return s


def open_box(host, account):
    try:
        return host.box(account)
    except (OSError, poplib.error_proto):
        return None


def mailbox(host, test, account=None):
    """Takes all out; how often each subject was there."""
    box = wait_for(lambda: open_box(host, account), seconds=120, what="a login")
    found = {}
    for n in range(1, box.stat()[0] + 1):
        lines = box.retr(n)[1]
        name = next(l for l in lines if l.startswith(b"Subject: "))[9:].decode()
        test.assertIn(b"This is " + name.encode() + b".", lines)
        test.assertEqual(lines.count(b"filler line"), FILLER)
        found[name] = found.get(name, 0) + 1
        box.dele(n)
    try:
        box.quit()
    except poplib.error_proto as e:
        # What failed just before takes a QUIT along: all is still there, for the next look.
        if b"[SYS/TEMP]" not in e.args[0]:
            raise
        return {}
    return found


def collect(host, names, test, account=None, seconds=120):
    """Read until each of names is there: with doubles their number tells nothing."""
    found = {}

    def all_there():
        for name, count in mailbox(host, test, account).items():
            found[name] = found.get(name, 0) + count
        return names <= found.keys()
    try:
        wait_for(all_there, seconds=seconds, what="the last delivery")
    except AssertionError:
        pass                            # the caller says which are lost
    return found
