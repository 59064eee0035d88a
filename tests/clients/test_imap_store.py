"""Reading and keeping mail by IMAP, with Python's imaplib and a bare socket: what several
sessions of one mailbox see, what a killed server keeps, COMPRESS."""
import imaplib
import re
import socket
import unittest
import zlib

from server import Demo

TIMEOUT = 60
MESSAGE = b"From: a@there.example\r\nSubject: %s\r\n\r\nbody of %s\r\n"


def message(name):
    return MESSAGE % (name, name)


class Pushed:
    """A session in IDLE."""

    def __init__(self, host, box="INBOX"):
        self.socket = socket.create_connection(host.imap, timeout=TIMEOUT)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        self.say("LOGIN %s %s" % (host.alice.address, host.alice.password))
        self.say("SELECT " + box)
        self.socket.sendall(b"i IDLE\r\n")
        self.until(rb"\+ idling")

    def say(self, line):
        self.socket.sendall(b"t %s\r\n" % line.encode())
        return self.until(rb"t OK")

    def until(self, pattern):
        lines = []
        while not lines or not re.match(pattern, lines[-1]):
            lines.append(self.file.readline())
            if not lines[-1]:
                raise AssertionError("closed before %r: %r" % (pattern, lines))
        return lines

    def close(self):
        self.file.close()
        self.socket.close()


class Sessions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Demo()
        cls.addClassCleanup(cls.host.__exit__)
        cls.host.__enter__()

    def open(self):
        box = imaplib.IMAP4(*self.host.imap, timeout=TIMEOUT)
        self.addCleanup(box.shutdown)
        box.login(self.host.alice.address, self.host.alice.password)
        return box

    def ok(self, answer):
        self.assertEqual(answer[0], "OK", answer)
        return answer[1]

    def make(self, name):
        """An empty mailbox, selected."""
        box = self.open()
        self.ok(box.create(name))
        self.ok(box.select(name))
        return box

    def test_append_and_fetch(self):
        box = self.make("append")
        for name in b"one", b"two":
            said = self.ok(box.append("append", r"(\Seen $Work)", None, message(name)))
            self.assertRegex(said[0], rb"\[APPENDUID \d+ \d+\]")
        self.ok(box.noop())
        data = self.ok(box.fetch("2", "(FLAGS RFC822.SIZE BODY.PEEK[])"))
        self.assertEqual(data[0][1], message(b"two"))
        self.assertIn(b"$Work", data[0][0])
        self.assertEqual(self.ok(box.search(None, "BODY", '"body of one"')), [b"1"])
        self.assertEqual(self.ok(box.search(None, "KEYWORD", "$Work")), [b"1 2"])

    def test_a_large_one(self):
        box = self.make("large")
        text = message(b"large") + b"".join(b"%064x\r\n" % (n * n * 7919) for n in range(100000))
        self.ok(box.append("large", None, None, text))
        self.ok(box.noop())
        self.assertEqual(self.ok(box.fetch("1", "(BODY.PEEK[])"))[0][1], text)

    def test_what_others_see(self):
        box = self.make("seen")
        other = Pushed(self.host, "seen")
        self.addCleanup(other.close)
        self.ok(box.append("seen", None, None, message(b"x")))
        other.until(rb"\* 1 EXISTS")
        self.ok(box.noop())
        self.ok(box.store("1", "+FLAGS", r"(\Deleted)"))
        other.until(rb"\* 1 FETCH \(.*\\Deleted")
        self.ok(box.expunge())
        other.until(rb"\* 1 EXPUNGE")
        self.host.send("by SMTP")
        inbox = Pushed(self.host)
        self.addCleanup(inbox.close)
        self.host.send("while it looks on")
        inbox.until(rb"\* \d+ EXISTS")

    def test_compressed(self):
        box = Pushed(self.host)
        self.addCleanup(box.close)
        box.socket.sendall(b"DONE\r\n")
        box.until(rb"i OK")
        box.say("COMPRESS DEFLATE")
        pack, unpack = zlib.compressobj(wbits=-15), zlib.decompressobj(wbits=-15)

        def send(words):
            box.socket.sendall(pack.compress(words) + pack.flush(zlib.Z_SYNC_FLUSH))

        send(b"c IDLE\r\n")
        said = b""
        while b"+ " not in said:
            said += unpack.decompress(box.socket.recv(4096))
        send(b"DO")                     # a line in two pieces
        self.host.send("between them")
        while b"EXISTS" not in said:
            said += unpack.decompress(box.socket.recv(4096))
        send(b"NE\r\nd LOGOUT\r\n")
        said += b"".join(unpack.decompress(piece) for piece in iter(lambda: box.socket.recv(4096), b""))
        self.assertIn(b"c OK", said)
        self.assertIn(b"d OK", said)


class Killed(unittest.TestCase):
    def test_what_was_answered_is_there(self):
        with Demo() as host:
            box = imaplib.IMAP4(*host.imap, timeout=TIMEOUT)
            box.login(host.alice.address, host.alice.password)
            box.create("kept")
            for n in range(5):
                self.assertEqual(box.append("INBOX", None, None, message(b"%d" % n))[0], "OK")
            box.select("INBOX")
            self.assertEqual(box.copy("2:3", "kept")[0], "OK")
            self.assertEqual(box.store("1", "+FLAGS.SILENT", r"(\Flagged)")[0], "OK")
            validity = box.response("UIDVALIDITY")[1]
            host.kill()
            box.shutdown()
            host.start()
            box = imaplib.IMAP4(*host.imap, timeout=TIMEOUT)
            box.login(host.alice.address, host.alice.password)
            self.assertEqual(box.select("INBOX")[1], [b"5"])
            self.assertEqual(box.response("UIDVALIDITY")[1], validity)
            self.assertEqual(box.search(None, "FLAGGED")[1], [b"1"])
            self.assertEqual(box.select("kept")[1], [b"2"])
            self.assertEqual(box.fetch("2", "(BODY.PEEK[])")[1][0][1], message(b"2"))
            box.logout()


if __name__ == "__main__":
    unittest.main()
