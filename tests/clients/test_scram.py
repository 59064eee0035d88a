"""SCRAM-SHA-256 over SMTP, IMAP and POP3: by hand, Python's libraries, gsasl, and who has no keys."""
import base64
import hashlib
import imaplib
import poplib
import shutil
import smtplib
import socket
import ssl
import subprocess
import unittest

from scram import Scram
from server import Demo

host = None


def setUpModule():
    global host
    host = Demo()
    host.start()


def tearDownModule():
    host.__exit__()


def tls():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Line:
    """A protocol as lines: greet, AUTH, challenges."""

    def __init__(self, kind, address, secure):
        self.kind = kind
        self.socket = socket.create_connection(address, timeout=60)
        if secure:
            self.socket = tls().wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")
        self.file.readline()            # the greeting
        if kind == "smtp":
            self.say("EHLO client.example")

    def read(self):
        while True:
            line = self.file.readline().rstrip(b"\r\n").decode()
            if self.kind == "imap" and line.startswith("* ") or self.kind == "smtp" and line[3:4] == "-":
                continue
            return line

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.read()

    def challenge(self, line):
        mark = {"smtp": "334 ", "imap": "+ ", "pop3": "+ "}[self.kind]
        if not line.startswith(mark):
            raise AssertionError(line)
        return base64.b64decode(line[len(mark):])

    def auth(self, mechanism, scram, end=""):
        """Returns the reply that the exchange ends in."""
        verb = {"smtp": "AUTH", "imap": "a1 AUTHENTICATE", "pop3": "AUTH"}[self.kind]
        line = self.say("%s %s %s" % (verb, mechanism, base64.b64encode(scram.first()).decode()))
        if not line.startswith(("334 ", "+ ")):
            return line
        line = self.say(base64.b64encode(scram.final(self.challenge(line))).decode())
        if not line.startswith(("334 ", "+ ")):
            return line
        scram.verify(self.challenge(line))
        return self.say(end)

    def close(self):
        self.file.close()
        self.socket.close()


PORTS = {"smtp": ("submission", "submissions"), "imap": ("imap", "imaps"), "pop3": ("pop3", "pop3s")}
GOOD = {"smtp": "235 2.7.0", "imap": "a1 OK", "pop3": "+OK"}
WRONG = {"smtp": "535 5.7.8", "imap": "a1 NO [AUTHENTICATIONFAILED]", "pop3": "-ERR [AUTH]"}
BROKEN = {"smtp": "501 5.5.2", "imap": "a1 BAD", "pop3": "-ERR"}


class ByHand(unittest.TestCase):
    def line(self, kind, secure=False):
        line = Line(kind, getattr(host, PORTS[kind][secure]), secure)
        self.addCleanup(line.close)
        return line

    def each(self):
        for kind in PORTS:
            for secure in False, True:
                with self.subTest(kind=kind, secure=secure):
                    yield kind, secure

    def test_right(self):
        for kind, secure in self.each():
            line = self.line(kind, secure)
            reply = line.auth("SCRAM-SHA-256", Scram(host.alice.address, host.alice.password))
            self.assertTrue(reply.startswith(GOOD[kind]), reply)
            line.close()

    def test_wrong(self):
        for kind, secure in self.each():
            for user, password in (host.alice.address, "wrong"), ("nobody@alice.example", host.alice.password):
                reply = self.line(kind, secure).auth("SCRAM-SHA-256", Scram(user, password))
                self.assertTrue(reply.startswith(WRONG[kind]), reply)

    def certificate(self, line):
        """tls-server-end-point (RFC 5929 s4) of a certificate that SHA-256 signs."""
        return hashlib.sha256(line.socket.getpeercert(binary_form=True)).digest()

    def test_bound(self):
        for kind in PORTS:
            with self.subTest(kind):
                line = self.line(kind, True)
                scram = Scram(host.alice.address, host.alice.password, "p=tls-server-end-point,,", self.certificate(line))
                self.assertTrue(line.auth("SCRAM-SHA-256-PLUS", scram).startswith(GOOD[kind]))

    def test_bound_to_another(self):
        for kind in PORTS:
            with self.subTest(kind):
                scram = Scram(host.alice.address, host.alice.password, "p=tls-server-end-point,,", bytes(32))
                reply = self.line(kind, True).auth("SCRAM-SHA-256-PLUS", scram)
                self.assertTrue(reply.startswith(WRONG[kind]), reply)

    def test_downgrade(self):
        """Somebody between us took -PLUS out of the list: the client says that it could."""
        for kind in PORTS:
            with self.subTest(kind):
                scram = Scram(host.alice.address, host.alice.password, "y,,")
                self.assertTrue(self.line(kind, True).auth("SCRAM-SHA-256", scram).startswith(WRONG[kind]))
                scram = Scram(host.alice.address, host.alice.password, "y,,")
                self.assertTrue(self.line(kind).auth("SCRAM-SHA-256", scram).startswith(GOOD[kind]))

    def test_proof_is_good_once(self):
        """Another connection has another nonce."""
        scram = Scram(host.alice.address, host.alice.password)
        first = self.line("smtp")
        self.assertTrue(first.auth("SCRAM-SHA-256", scram).startswith("235"))
        again = self.line("smtp")
        line = again.say("AUTH SCRAM-SHA-256 " + base64.b64encode(scram.first()).decode())
        nonce = again.challenge(line).split(b",")[0]
        old = scram.said.split(b",")[2]
        self.assertNotEqual(nonce, old)
        self.assertEqual(again.say("Yz1iaXdzLHI9eCxwPXg=")[:9], "501 5.5.2")

    def test_last_line_is_empty(self):
        """After the server's proof comes nothing: else nobody is logged in."""
        for kind in PORTS:
            with self.subTest(kind):
                line = self.line(kind)
                reply = line.auth("SCRAM-SHA-256", Scram(host.alice.address, host.alice.password), "eA==")
                self.assertTrue(reply.startswith("421 " if kind == "smtp" else BROKEN[kind]), reply)

    def test_salt_tells_nothing(self):
        """Who is no account has a salt, too, and always the same."""
        salts = {}
        for user in (host.alice.address, "nobody@alice.example", "else@alice.example") * 2:
            scram = Scram(user, "wrong")
            self.line("pop3").auth("SCRAM-SHA-256", scram)
            salts.setdefault(user, set()).add((scram.salt, scram.iterations))
        self.assertEqual([len(one) for one in salts.values()], [1, 1, 1])
        self.assertEqual(len(set.union(*salts.values())), 3)
        self.assertEqual(len({iterations for one in salts.values() for _, iterations in one}), 1)

    def test_no_scram_without_keys(self):
        """A password that came as a hash has no keys until it was used once in the clear."""
        made = subprocess.run(["/usr/bin/openssl", "passwd", "-6", "-stdin"], input="imported\n", text=True,
                              capture_output=True, check=True).stdout
        subprocess.run([host.program, "account", "add", "import@alice.example", "--hash-stdin", "--data", host.data],
                       input=made, text=True, check=True, capture_output=True)
        who = "import@alice.example", "imported"
        self.assertTrue(self.line("pop3").auth("SCRAM-SHA-256", Scram(*who)).startswith("-ERR [AUTH]"))
        with poplib_of() as box:
            box.user(who[0])
            box.pass_(who[1])
        self.assertTrue(self.line("pop3").auth("SCRAM-SHA-256", Scram(*who)).startswith("+OK"))

    def test_new_password(self):
        """The keys of an earlier one are gone with it."""
        subprocess.run([host.program, "account", "add", "new@alice.example", "--password-stdin", "--data", host.data],
                       input="first\n", text=True, check=True, capture_output=True)
        self.assertTrue(self.line("imap").auth("SCRAM-SHA-256", Scram("new@alice.example", "first")).startswith("a1 OK"))
        subprocess.run([host.program, "account", "passwd", "new@alice.example", "--password-stdin", "--data", host.data],
                       input="second\n", text=True, check=True, capture_output=True)
        self.assertIn("[AUTHENTICATIONFAILED]", self.line("imap").auth("SCRAM-SHA-256", Scram("new@alice.example", "first")))
        self.assertTrue(self.line("imap").auth("SCRAM-SHA-256", Scram("new@alice.example", "second")).startswith("a1 OK"))


class poplib_of:
    def __enter__(self):
        self.box = poplib.POP3(*host.pop3, timeout=60)
        return self.box

    def __exit__(self, *_):
        self.box.quit()


class Libraries(unittest.TestCase):
    def test_imaplib(self):
        box = imaplib.IMAP4_SSL(*host.imaps, ssl_context=tls(), timeout=60)
        self.addCleanup(box.shutdown)
        self.assertIn("AUTH=SCRAM-SHA-256-PLUS", box.capabilities)
        scram = Scram(host.alice.address, host.alice.password)
        self.assertEqual(box.authenticate("SCRAM-SHA-256", scram.answer)[0], "OK")
        self.assertEqual(box.select("INBOX", readonly=True)[0], "OK")

    def test_smtplib(self):
        with smtplib.SMTP_SSL(*host.submissions, context=tls(), timeout=60) as client:
            client.ehlo()
            self.assertIn("SCRAM-SHA-256-PLUS", client.esmtp_features["auth"].split())
            scram = Scram(host.bob.address, host.bob.password)
            code, _ = client.auth("SCRAM-SHA-256", lambda said=None: scram.answer(said).decode(),
                                  initial_response_ok=True)
            self.assertEqual(code, 235)
            client.sendmail(host.bob.address, [host.alice.address],
                            "From: %s\r\nSubject: scram\r\n\r\nproved\r\n" % host.bob.address)


@unittest.skipUnless(shutil.which("gsasl"), "needs gsasl (package gsasl)")
class Gsasl(unittest.TestCase):
    def run_gsasl(self, kind, port, *more, password=None):
        return subprocess.run(
            ["gsasl", "--client", "--x509-ca-file=", "--" + kind, "--connect=%s:%d" % port, "--hostname=localhost", "--service=" + kind,
             "--authentication-id=" + host.alice.address, "--password=" + (password or host.alice.password), *more],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)

    def test_both(self):
        for kind, port in ("imap", host.imap), ("smtp", host.submission):
            for mechanism, more in (("SCRAM-SHA-256", ["--no-starttls"]), ("SCRAM-SHA-256-PLUS", ["--starttls"])):
                with self.subTest(kind=kind, mechanism=mechanism):
                    done = self.run_gsasl(kind, port, "--mechanism=" + mechanism, "--no-client-first", *more)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                    done = self.run_gsasl(kind, port, "--mechanism=" + mechanism, *more, password="wrong")
                    self.assertNotEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
