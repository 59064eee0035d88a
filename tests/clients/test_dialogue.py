"""The dialogue as one types it, and what a server must never fall for."""
import poplib
import re
import socket
import unittest

from server import Demo, wait_for


class Line:
    """A raw connection: send bytes, read replies."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, timeout=60)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def reply(self):
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                return (0, b"".join(lines))
            lines.append(line)
            if line[3:4] != b"-":
                return (int(line[:3]), b"".join(lines))

    def say(self, data):
        self.socket.sendall(data)
        return self.reply()

    def hello(self):
        self.reply()
        return self.say(b"EHLO client.example\r\n")


class Dialogue(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Demo()
        cls.host.start()

    @classmethod
    def tearDownClass(cls):
        cls.host.__exit__()

    def box(self, account=None):
        account = account or self.host.alice
        box = poplib.POP3(*self.host.pop3, timeout=60)
        box.user(account.address)
        box.pass_(account.password)
        return box

    def empty(self):
        """All messages of alice, taken out."""
        box = self.box()
        got = []
        for n in range(1, box.stat()[0] + 1):
            got.append(b"".join(l + b"\r\n" for l in box.retr(n)[1]))
            box.dele(n)
        box.quit()
        return got

    def next_message(self):
        got = wait_for(self.empty, what="the message")
        self.assertEqual(len(got), 1)
        return got[0]

    def test_the_lecture(self):
        with Line(self.host.smtp) as c:
            self.assertEqual(c.reply()[0], 220)
            self.assertEqual(c.say(b"EHLO mycompany.com\r\n")[0], 250)
            self.assertEqual(c.say(b"MAIL FROM: bob@bob.com\r\n")[0], 250)
            self.assertEqual(c.say(b"RCPT TO: alice@alice.example\r\n")[0], 250)
            code, words = c.say(b"RCPT TO: stranger@nowhere.example\r\n")
            self.assertEqual(code, 550)
            self.assertIn(b"5.7.1", words)
            code, words = c.say(b"RCPT TO: nobody@alice.example\r\n")
            self.assertEqual(code, 550)
            self.assertIn(b"5.1.1", words)
            self.assertEqual(c.say(b"DATA\r\n")[0], 354)
            code, words = c.say(b"Subject: lecture\r\n\r\nHello\r\n.\r\n")
            self.assertEqual(code, 250)
            self.assertRegex(words, rb"^250 2\.0\.0 Ok: queued as [0-9a-z.]+\r\n$")
            self.assertEqual(c.say(b"quit\r\n")[0], 221)
            self.assertEqual(c.reply(), (0, b""))
        self.assertIn(b"Return-Path: <bob@bob.com>\r\n", self.next_message())

    def test_false_ends_of_data_end_nothing(self):
        """RFC 5321 s4.1.1.4: only CRLF.CRLF ends; a bare CR or LF refuses the message."""
        ends = [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\r\n.\n", b"\n.\r",
                b"\r.\n", b"\r\n\x00.\r\n", b"\r\n.\x00\r\n", b"\r\n.\r\x00\n"]
        for end in ends:
            with self.subTest(end=end), Line(self.host.smtp) as c:
                c.hello()
                c.say(b"MAIL FROM:<bob@bob.com>\r\n")
                c.say(b"RCPT TO:<alice@alice.example>\r\n")
                c.say(b"DATA\r\n")
                c.socket.sendall(b"Subject: one\r\n\r\nx" + end +
                                 b"MAIL FROM:<evil@evil.example>\r\nRCPT TO:<alice@alice.example>\r\n"
                                 b"DATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n")
                code, words = c.reply()
                self.assertEqual(code, 550, words)
                self.assertIn(b"5.6.", words)
                self.assertEqual(c.say(b"NOOP\r\n")[0], 250)
        self.assertEqual(self.empty(), [])

    def test_wrong_commands_and_the_session_goes_on(self):
        rows = [
            (b"DATA\r\n", 503), (b"RCPT TO:<alice@alice.example>\r\n", 503), (b"XYZZY\r\n", 500),
            (b"MAIL FROM:<bob@bob.com> X=Y\r\n", 555), (b"MAIL FROM:<bob\x00@bob.com>\r\n", 501),
            (b"MAIL\r\n", 501), (b"\x80\xff\r\n", 500), (b"NOOP " + b"x" * 5000 + b"\r\n", 500),
            (b"VRFY alice\r\n", 252), (b"HELP\r\n", 214), (b"MAIL FROM:<a@b> SIZE=99999999999\r\n", 552),
        ]
        for data, want in rows:
            with self.subTest(data=data[:40]), Line(self.host.smtp) as c:
                c.hello()
                code, words = c.say(data)
                if want == 501 and code == 500:
                    code = 501          # RFC 5321 s4.2.4 allows either for what is no text
                self.assertEqual(code, want, words)
                self.assertEqual(c.say(b"NOOP\r\n")[0], 250)

    def test_programs_of_this_host_may_open_many_sessions(self):
        held = [Line(self.host.smtp) for _ in range(150)]
        self.assertEqual({c.reply()[0] for c in held}, {220})
        for c in held:
            c.__exit__()

    def test_too_many_errors_end_it(self):
        with Line(self.host.smtp) as c:
            c.hello()
            codes = [c.say(b"NONSENSE\r\n")[0] for _ in range(3)]
            self.assertEqual(codes, [500] * 3)
            for _ in range(100):
                code, _words = c.say(b"NONSENSE\r\n")
                if code != 500:
                    break
            self.assertEqual(code, 421)
            self.assertEqual(c.reply(), (0, b""))

    def test_submission_needs_a_login_and_an_own_address(self):
        import base64
        with Line(self.host.submission) as c:
            self.assertIn(b"AUTH", c.hello()[1])
            code, words = c.say(b"MAIL FROM:<bob@alice.example>\r\n")
            self.assertEqual(code, 530, words)
            plain = base64.b64encode(b"\0bob@alice.example\0" + self.host.bob.password.encode())
            wrong = base64.b64encode(b"\0bob@alice.example\0wrong")
            self.assertEqual(c.say(b"AUTH PLAIN " + wrong + b"\r\n")[0], 535)
            self.assertEqual(c.say(b"AUTH PLAIN " + plain + b"\r\n")[0], 235)
            code, words = c.say(b"MAIL FROM:<alice@alice.example>\r\n")
            self.assertEqual(code, 550)
            self.assertIn(b"5.7.1", words)
            self.assertEqual(c.say(b"MAIL FROM:<bob@alice.example>\r\n")[0], 250)
            self.assertEqual(c.say(b"RCPT TO:<alice@alice.example>\r\n")[0], 250)
            self.assertEqual(c.say(b"DATA\r\n")[0], 354)
            code, words = c.say(b"From: alice@alice.example\r\n\r\nx\r\n.\r\n")
            self.assertEqual(code, 550)
            self.assertIn(b"5.7.1", words)
            c.say(b"MAIL FROM:<bob@alice.example>\r\n")
            c.say(b"RCPT TO:<alice@alice.example>\r\n")
            c.say(b"DATA\r\n")
            code, words = c.say(b"From: bob@alice.example\r\nBcc: eve@x.example,\r\n mallory@x.example\r\n"
                                b"Subject: s\r\n\r\nx\r\n.\r\n")
            self.assertEqual(code, 250, words)
        got = self.next_message()
        self.assertNotIn(b"eve@", got)
        self.assertNotIn(b"mallory@", got)
        self.assertRegex(got, rb"\r\nDate: [A-Z][a-z][a-z], ")
        self.assertRegex(got, rb"\r\nMessage-ID: <[^>]+@[^>]+>\r\n")
        self.assertTrue(got.endswith(b"From: bob@alice.example\r\nSubject: s\r\n\r\nx\r\n"), got)

    def test_subaddress_postmaster_and_case(self):
        for rcpt in (b"<ALICE@Alice.Example>", b"<alice+lists@alice.example>"):
            with self.subTest(rcpt=rcpt), Line(self.host.smtp) as c:
                c.hello()
                c.say(b"MAIL FROM:<>\r\n")
                self.assertEqual(c.say(b"RCPT TO:" + rcpt + b"\r\n")[0], 250)
                c.say(b"DATA\r\n")
                self.assertEqual(c.say(b"Subject: x\r\n\r\n.\r\n")[0], 250)
                self.assertIn(b"Return-Path: <>\r\n", self.next_message())
        with Line(self.host.smtp) as c:
            c.hello()
            c.say(b"MAIL FROM:<>\r\n")
            self.assertEqual(c.say(b"RCPT TO:<Postmaster>\r\n")[0], 250)
            self.assertEqual(c.say(b"RCPT TO:<postmaster@alice.example>\r\n")[0], 250)

    def test_pipelined_transaction(self):
        with Line(self.host.smtp) as c:
            c.reply()
            c.socket.sendall(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<alice@alice.example>\r\n"
                             b"RCPT TO:<x@alice.example>\r\nDATA\r\n")
            self.assertEqual([c.reply()[0] for _ in range(5)], [250, 250, 250, 550, 354])
            c.socket.sendall(b"Subject: p\r\n\r\n..x\r\n.\r\nNOOP\r\nQUIT\r\n")
            self.assertEqual([c.reply()[0] for _ in range(3)], [250, 250, 221])
        self.assertTrue(self.next_message().endswith(b"Subject: p\r\n\r\n.x\r\n"))

    def test_pop3_dele_counts_at_quit_only(self):
        with Line(self.host.smtp) as c:
            c.hello()
            for n in range(2):
                c.say(b"MAIL FROM:<a@b.example>\r\n")
                c.say(b"RCPT TO:<alice@alice.example>\r\n")
                c.say(b"DATA\r\n")
                self.assertEqual(c.say(b"Subject: %d\r\n\r\n.\r\n" % n)[0], 250)

        def two():
            box = self.box()
            uidls = box.uidl()[1]
            box.quit()
            return uidls if len(uidls) == 2 else None
        before = wait_for(two)
        box = self.box()
        box.dele(1)
        box.close()                     # no QUIT: nothing is deleted
        self.assertEqual(wait_for(two), before)
        box = self.box()
        with self.assertRaises(poplib.error_proto):
            self.box()                  # one session an account
        box.dele(1)
        box.rset()
        box.dele(2)
        box.quit()
        box = self.box()
        self.assertEqual(box.uidl()[1], before[:1])
        box.dele(1)
        box.quit()

    def test_pop3_capabilities(self):
        box = poplib.POP3(*self.host.pop3, timeout=60)
        for name in ("TOP", "UIDL", "STLS", "RESP-CODES", "PIPELINING", "UTF8", "SASL", "USER"):
            self.assertIn(name, box.capa())
        box.quit()
