"""Fair shares: floods of connections, messages, bodies, wrong recipients and guessed passwords
from some addresses, and a bystander from another network who notices nothing."""
import os
import poplib
import resource
import smtplib
import socket
import threading
import unittest

from server import Demo, wait_for

BYSTANDER = "127.200.0.1"
MESSAGES = 15
READS = 5
SECONDS = 60
BODIES = 2300


class Box(poplib.POP3):
    def __init__(self, where, address):
        self.address = address
        super().__init__(*where, timeout=SECONDS)

    def _create_socket(self, timeout):
        return socket.create_connection((self.host, self.port), timeout, (self.address, 0))


class Flood:
    """One thread an address, which calls its function again and again; ends with the block."""

    def __init__(self, addresses, act):
        self.stop = threading.Event()
        self.act = act
        self.refused = 0                # by a limit
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(a,)) for a in addresses]

    def run(self, address):
        while not self.stop.is_set():
            try:
                limited = self.act(address, self.stop)
            except (OSError, EOFError, smtplib.SMTPException, poplib.error_proto):
                continue                # a flooder takes what comes
            with self.lock:
                self.refused += limited

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for t in self.threads:
            t.join()


def connect(where, address):
    s = socket.create_connection(where, SECONDS, (address, 0))
    return s, s.makefile("rwb")


def say(f, line):
    f.write(line + b"\r\n")
    f.flush()
    reply = f.readline()
    while reply[3:4] == b"-":
        reply = f.readline()
    return reply


class FloodTest(unittest.TestCase):
    def host(self, *settings, **more):
        words = ["limit.trusted=none", "edges=1", "password.memory=1M", *settings]
        return Demo(*(w for s in words for w in ("--set", s)), **more)

    def read(self, host, address=BYSTANDER):
        box = Box(host.pop3, address)
        box.user(host.alice.address)
        box.pass_(host.alice.password)
        n = box.stat()[0]
        got = [b"\n".join(box.retr(i + 1)[1]) for i in range(n)]
        box.quit()
        return got

    def full_service(self, host, kind):
        """Sends and reads as if nobody else were there; all of it arrives, once."""
        for i in range(MESSAGES):
            with smtplib.SMTP(*host.smtp, timeout=SECONDS, source_address=(BYSTANDER, 0)) as c:
                c.ehlo("bystander.example")
                c.sendmail("by@stander.example", [host.alice.address],
                           "Subject: bystander %s %d\r\n\r\nhere\r\n" % (kind, i))
            if i % (MESSAGES // READS) == 0:
                self.read(host)

        readers = iter(range(255 * 255))         # a new one for each look: all are strangers

        def arrived():
            n = next(readers)
            text = b"\n".join(self.read(host, "127.201.%d.%d" % (n // 250, n % 250 + 1)))
            return [text.count(b"Subject: bystander %s %d\n" % (kind.encode(), i)) for i in range(MESSAGES)]

        wait_for(lambda: 0 not in arrived(), SECONDS, "all of the bystander's mail")
        self.assertEqual(arrived(), [1] * MESSAGES)

    def flood(self, host, addresses, act, kind, log, line):
        with Flood(addresses, act) as flood:
            wait_for(lambda: flood.refused > 0, SECONDS, "a limit")
            self.full_service(host, kind)
            wait_for(lambda: flood.refused > 20, SECONDS, "more refusals")
        lines = host.log(log).count(line)
        self.assertTrue(0 < lines < flood.refused, "%d lines, %d refusals" % (lines, flood.refused))

    def test_connections(self):
        with self.host("limit.sessions=120", "limit.sessions_per_address=40") as host:
            held = []

            def act(address, stop):
                s, f = connect(host.smtp, address)
                if f.readline().startswith(b"421 4.7.0 Too many "):
                    s.close()
                    return 1
                held.append((s, f))     # and keeps it
                return 0

            self.flood(host, ["127.%d.0.1" % n for n in range(1, 13)], act, "connections",
                       "edge", "turned away")
            self.assertGreater(len(held), 50)
            for s, f in held:
                s.close()

    def test_new_connections(self):
        with self.host("limit.connections_per_address=100") as host:
            def act(address, stop):
                s, f = connect(host.smtp, address)
                words = f.readline()
                s.close()
                return words.startswith(b"421 4.7.0 Too many new connections")

            self.flood(host, ["127.1.0.%d" % n for n in range(1, 5)], act, "comings",
                       "edge", "turned away")

    def test_messages(self):
        with self.host("limit.messages_per_address=60") as host:
            def act(address, stop):
                limited = 0
                s, f = connect(host.smtp, address)
                f.readline()
                say(f, b"EHLO flood.example")
                while not stop.is_set() and limited < 10:
                    say(f, b"MAIL FROM:<flood@flood.example>")
                    reply = say(f, b"RCPT TO:<%s>" % host.bob.address.encode())
                    if reply.startswith(b"450 4.7.1 too many messages"):
                        limited += 1
                        say(f, b"RSET")
                        continue
                    say(f, b"DATA")
                    say(f, b"Subject: flood\r\n\r\n" + b"x" * 5000 + b"\r\n.")
                s.close()
                return limited

            self.flood(host, ["127.1.0.1", "127.1.0.2", "127.2.0.1"], act, "messages",
                       "directory", "told to wait")

    def test_recipients(self):
        with self.host("limit.refused_per_address=50") as host:
            def act(address, stop):
                s, f = connect(host.smtp, address)
                f.readline()
                say(f, b"EHLO flood.example")
                say(f, b"MAIL FROM:<flood@flood.example>")
                for n in range(100):
                    reply = say(f, b"RCPT TO:<guess%d@%s>" % (n, host.domain.encode()))
                    if not reply.startswith(b"550"):
                        break
                s.close()
                return reply.startswith(b"450 4.7.1 too many wrong recipients")

            self.flood(host, ["127.1.0.1", "127.1.0.2", "127.2.0.1"], act, "recipients",
                       "directory", "told to wait")

    def test_unfinished_bodies(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        with self.host("limit.sessions_per_address=1000", "limit.connections_per_address=0",
                       program=os.environ["POSTHOUSE_RELEASE"]) as host:
            def begin(address):
                s, f = connect(host.smtp, address)
                f.readline()
                say(f, b"EHLO flood.example")
                reply = say(f, b"MAIL FROM:<flood@flood.example>")
                if reply.startswith(b"250"):
                    say(f, b"RCPT TO:<%s>" % host.bob.address.encode())
                    say(f, b"DATA")
                return s, f, reply

            # Too little for a file each, too much for the memory of all.
            held = [begin("127.%d.0.1" % (1 + i % 8)) for i in range(BODIES)]
            for s, f, _ in held:
                f.write(b"Subject: flood\r\n\r\n" + (b"x" * 998 + b"\r\n") * 60)
                f.flush()

            def full():
                late = begin("127.1.0.2")
                late[0].close()
                return late[2].startswith(b"452 4.3.1")

            wait_for(full, SECONDS, "memory that is full")
            self.full_service(host, "bodies")
            self.assertTrue(full())
            for s, f, _ in held:
                s.close()

    def test_guesses(self):
        with self.host("limit.auth_failures=5") as host:
            numbers = iter(range(10 ** 9))

            def act(address, stop):
                s, f = connect(host.pop3, address)
                f.readline()
                say(f, b"USER guess%d@%s" % (next(numbers), host.domain.encode()))
                reply = say(f, b"PASS secret")
                s.close()
                return reply.startswith(b"-ERR [LOGIN-DELAY]")

            self.flood(host, ["127.1.0.%d" % n for n in range(1, 41)], act, "guesses",
                       "directory", "told to wait")


if __name__ == "__main__":
    unittest.main()
