"""Clients that abuse the network, while others are served: slow-loris, one that never
reads, no line end for 100 MB, a million pipelined commands, resets at any point.
Afterwards nothing of theirs is left: no session, no descriptor, no memory."""
import os
import random
import resource
import select
import socket
import ssl
import struct
import threading
import unittest

from server import Demo, free_ports, wait_for
from traffic import Traffic, dial, in_data, open_box

MIB = 1 << 20
TIMEOUT = 10                            # the least that smtp.timeout and pop3.timeout take
WORDS = ("--set", "edges=1", "--set", "stores=1", "--set", "smtp.timeout=%ds" % TIMEOUT,
         "--set", "pop3.timeout=%ds" % TIMEOUT, "--set", "limit.fruitless=%ds" % (3 * TIMEOUT),
         "--set", "watch.silence=30s")
GROWTH_MAX = 64 * MIB                   # of a role, whatever is done to it
BOB = "bob@alice.example"
LINE = b"X" * 65536


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def peak(pid):
    with open("/proc/%d/status" % pid) as status:
        return int(next(l for l in status if l.startswith("VmHWM")).split()[1]) * 1024


def tls(host, s):
    context = ssl.create_default_context(cafile=host.certificate)
    context.check_hostname = False
    return context.wrap_socket(s)


def flood(s, piece, times):
    """Send without reading until the other side has ended it or all is out."""
    try:
        for _ in range(times):
            s.sendall(piece)
        return True
    except OSError:
        return False


class Abuse(unittest.TestCase):
    def setUp(self):
        resource.setrlimit(resource.RLIMIT_NOFILE,
                           (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        self.host = Demo("--port-base", str(free_ports()), *WORDS,
                         program=os.environ["POSTHOUSE_RELEASE"])
        self.host.__enter__()
        self.addCleanup(self.host.__exit__)
        self.assertEqual(self.host.send("first", to=BOB)[0], 250)
        self.roles = self.host.roles()
        self.edge, self.store = self.roles["edge"][0], self.roles["store"][0]
        self.before = {pid: (descriptors(pid), peak(pid)) for pid in (self.edge, self.store)}

    def others_are_served(self, name, messages=40):
        with Traffic(self.host, name, messages) as traffic:
            pass
        traffic.check(self)

    def nothing_is_left(self, growth=GROWTH_MAX):
        """All sessions of theirs have ended, and no role had to."""
        for pid, (n, bytes_before) in self.before.items():
            # A segment and its successor, packs and logs of accounts come and go.
            wait_for(lambda: descriptors(pid) <= n + 16, seconds=20 * TIMEOUT,
                     what="the end of their sessions")
            self.assertLess(peak(pid) - bytes_before, growth)
        self.assertEqual(self.host.roles(), self.roles)
        self.others_are_served("afterwards", 8)

    def drip(self, sessions, bytes_of):
        """One byte a round to each, until the server has ended all."""
        open_ones = list(sessions)
        n = 0
        poller = select.poll()
        while open_ones:
            left = []
            for s in open_ones:
                try:
                    s.setblocking(False)
                    s.send(bytes_of[n % len(bytes_of):][:1])
                    left.append(s)
                except BlockingIOError:
                    left.append(s)
                except OSError:
                    s.close()
            open_ones = left
            n += 1
            poller.poll(1000)           # as slow as slow-loris is

    def hello(self):
        """The first bytes that a TLS client sends."""
        out = ssl.MemoryBIO()
        client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out,
                                                       server_hostname="a.example")
        try:
            client.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return out.read()

    def test_slow_loris(self):
        """In a command, with commands of which nothing comes, in a body, in a handshake."""
        host = self.host
        groups = (
            ([dial(host.smtp) for _ in range(500)] + [dial(host.pop3) for _ in range(500)],
             b"NOOP" * 16),
            ([dial(host.smtp) for _ in range(250)] + [dial(host.pop3) for _ in range(250)],
             b"NOOP\r\n"),
            ([in_data(host) for _ in range(500)], b"Subject: x\r\n\r\n" + b"x\r\n" * 100),
            ([dial(host.submissions) for _ in range(250)] + [dial(host.pop3s) for _ in range(250)],
             self.hello()),
        )
        dripping = [threading.Thread(target=self.drip, args=group) for group in groups]
        for t in dripping:
            t.start()
        self.others_are_served("meanwhile")
        for t in dripping:
            t.join(30 * TIMEOUT)
            self.assertFalse(t.is_alive(), "a session goes on for ever")
        self.nothing_is_left()

    def test_commands_and_no_reading(self):
        """Replies pile up in their kernel and a little in ours, then we stop reading."""
        clients = [dial(self.host.smtp) for _ in range(50)]
        for s in clients:
            s.settimeout(2)
        threads = [threading.Thread(target=flood, args=(s, b"HELP\r\n" * 10000, 1000))
                   for s in clients]
        for t in threads:
            t.start()
        self.others_are_served("meanwhile")
        for t in threads:
            t.join()
        self.nothing_is_left()

    def fill_mailbox(self, account):
        """8 MiB that hardly compress, so no buffer on the way holds them."""
        body = "".join("%s\r\n" % os.urandom(36).hex() for _ in range(8 * MIB // 74))
        before = self.host.count(account)
        self.assertEqual(self.host.send("large", body, to=account.address)[0], 250)
        wait_for(lambda: self.host.count(account) == before + 1, seconds=60)

    def retr_and_no_reading(self, address, account, wrap=lambda s: s):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(120)
        s.connect(address)
        s = wrap(s)
        s.recv(4096)
        for line in ("USER " + account.address, "PASS " + account.password):
            s.sendall(line.encode() + b"\r\n")
            self.assertEqual(s.recv(4096)[:3], b"+OK")
        s.sendall(b"RETR 1\r\n" * 100)
        return s

    def test_retr_and_no_reading(self):
        host = self.host
        box = host.box(host.bob)
        box.dele(1)
        box.quit()
        for account in (host.alice, host.bob):
            self.fill_mailbox(account)
        held = [self.retr_and_no_reading(host.pop3, host.bob),
                self.retr_and_no_reading(host.pop3s, host.alice, lambda s: tls(host, s))]
        for n in range(5):
            self.assertEqual(host.send("meanwhile-%d" % n, to=BOB)[0], 250)
        # They hold their ends still; the mailboxes are free again.
        for account in (host.alice, host.bob):
            box = wait_for(lambda: open_box(host, account), 20 * TIMEOUT, "the mailbox")
            for n in range(1, box.stat()[0] + 1):
                box.dele(n)
            box.quit()
        self.nothing_is_left()
        for s in held:
            s.close()

    def last_reply(self, s):
        """All that comes until the server ends it."""
        got = b""
        try:
            while True:
                more = s.recv(65536)
                if not more:
                    break
                got = (got + more)[-4096:]
        except OSError:
            pass
        return got

    def test_100_mb_as_a_command(self):
        for address, refusal in ((self.host.smtp, b"500 "), (self.host.pop3, b"-ERR")):
            s = dial(address)
            self.assertTrue(s.recv(4096))
            for _ in range(100 * MIB // len(LINE)):
                s.sendall(LINE)
            s.sendall(b"\r\nNOOP\r\nQUIT\r\n")
            self.assertEqual(self.last_reply(s)[:4], refusal)
            s.close()
        self.nothing_is_left()

    def test_100_mb_as_a_line_of_a_body(self):
        """Lines have no limit of ours there, messages have."""
        s = in_data(self.host)
        for _ in range(100 * MIB // len(LINE)):
            s.sendall(LINE)
        s.sendall(b"\r\n.\r\nQUIT\r\n")
        self.assertRegex(self.last_reply(s), rb"^552 5\.3\.4 [^\r]*\r\n221 ")
        s.close()
        self.nothing_is_left()

    def test_a_million_pipelined_commands(self):
        for command in (b"NOOP\r\n", b"RSET\r\n", b"BAD\r\n"):
            s = dial(self.host.smtp)
            sending = threading.Thread(target=flood, args=(s, command * 10000, 100))
            replies = threading.Thread(target=self.last_reply, args=(s,))
            sending.start()
            replies.start()
            self.others_are_served("meanwhile " + command.decode().strip(), 8)
            sending.join()
            try:
                s.sendall(b"QUIT\r\n")
            except OSError:
                pass
            replies.join()
            s.close()
        self.nothing_is_left()

    def test_resets_at_any_point(self):
        """A dialogue, cut with a RST after each of its bytes' tenths; nothing comes of
        one that did not reach its end."""
        chance = random.Random(7)
        dialogue = (b"EHLO client.example\r\nMAIL FROM:<x@client.example>\r\n"
                    b"RCPT TO:<alice@alice.example>\r\nDATA\r\n"
                    b"Subject: cut\r\n\r\n" + b"cut\r\n" * 200000 + b".\r\n")
        for n in range(300):
            s = dial(self.host.smtp if n % 3 else self.host.submissions)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end = chance.choice((chance.randrange(200), chance.randrange(len(dialogue) - 3)))
            s.settimeout(10)
            try:
                if n % 3 == 0:
                    s.sendall(b"\x16\x03\x01\x02\x00\x01" + bytes(end % 600))
                else:
                    s.sendall(dialogue[:end])
                if n % 2 and n % 3:
                    s.recv(4096)
            except OSError:
                pass
            s.close()                   # a reset: SO_LINGER of 0
        self.others_are_served("meanwhile")
        self.nothing_is_left()
        self.assertEqual(self.host.count(), 0)


if __name__ == "__main__":
    unittest.main()
