"""Next hosts as they are out there: several MX, none, dead ones, ones that talk nonsense, too
much or nothing. Each is a small server on an address of its own."""
import email
import itertools
import os
import re
import socket
import ssl
import time
import unittest

from lab import Lab, Script, dialogue, inbox, send, take
from server import wait_for

UNDELIVERED = "Undelivered mail returned to sender"

RECORDS = """\
two MX 20 mx2.two
two MX 10 mx1.two
mx1.two A {1}
mx2.two A {2}
plain A {3}
null MX 0 .
noaddress MX 10 nowhere
loop MX 10 mail.bob
second MX 10 mx1.two
second MX 20 mail.bob
second MX 30 mx2.two
other CNAME alice
slow MX 10 mx.slow
mx.slow A {4}
many MX 10 mx1.many
many MX 20 mx2.many
mx1.many A {1}
mx1.many A {5}
mx2.many A {2}
no MX 10 mx1.no
no MX 20 mx2.many
mx1.no A {9}
mx1.no A {10}
x A {6}
must A {7}
six AAAA ::1
six A {8}
"""


class Hosts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scripts = scripts()
        cls.lab = Lab("bob.example", "alice.example", spare=11 + len(cls.scripts),
                      records=RECORDS + "".join("%s A {%d}\n" % (name, 11 + n)
                                                for n, name in enumerate(cls.scripts)),
                      relay__retry="1h", relay__retry_max="1h")
        cls.lab.start()
        cls.bob, cls.alice = cls.lab.bob, cls.lab.alice

    @classmethod
    def tearDownClass(cls):
        cls.lab.stop()

    def tearDown(self):
        if self.bob.queue():
            self.bob.run("queue", "drop", "all")

    def host(self, n, talk):
        """A server on the n-th spare address, for this test."""
        script = Script(self.lab, self.lab.spare[n - 1], talk)
        self.addCleanup(script.close)
        return script

    def waits(self, to, seconds=30):
        def look():
            rows = self.bob.queue(to)
            return rows and rows[0]["tries"] >= 1 and rows[0]["state"] == "waiting" and rows[0]
        return wait_for(look, seconds=seconds, what="a failure of " + to)

    def report(self):
        """The status of the one recipient of the next report."""
        report = email.message_from_bytes(take(self.bob, UNDELIVERED))
        about, one = report.get_payload()[1].get_payload()
        return one, report.get_payload()[0].get_payload()


class Routes(Hosts):
    def test_first_mx_is_dead(self):
        bodies = []
        self.host(2, dialogue({}, bodies=bodies))
        self.assertEqual(send(self.bob, "x@two.example", "second")[0], 250)
        wait_for(lambda: bodies, what="the message at the second")
        wait_for(lambda: not self.bob.queue(), what="its end")

    def test_first_mx_is_alive(self):
        first, second = [], []
        self.host(1, dialogue({}, bodies=first))
        self.host(2, dialogue({}, bodies=second))
        # Not what was learned of it before.
        for n in range(3):
            self.assertEqual(send(self.bob, "x@many.example", "first")[0], 250)
            wait_for(lambda: len(first) + len(second) > n, what="the message")
        self.assertEqual((len(first), len(second)), (3, 0))

    def test_first_mx_says_no(self):
        """A greeting of 554 or 421 leads on to the next, at once."""
        bodies = []
        refusing = [self.host(9, dialogue({}, banner=b"554 5.7.1 not you\r\n")),
                    self.host(10, dialogue({}, banner=b"421 4.3.2 too busy\r\n"))]
        second = self.host(2, dialogue({}, bodies=bodies))
        self.assertEqual(send(self.bob, "x@no.example", "on")[0], 250)
        wait_for(lambda: bodies, what="the message at the second")
        self.assertEqual([host.connections for host in refusing], [1, 1])

    def test_first_mx_is_grey(self):
        """450 to RCPT is an answer: the next MX is not asked."""
        for n in (1, 5):
            self.host(n, dialogue({b"RCPT": b"450 4.7.1 grey\r\n"}))
        second = self.host(2, dialogue({}))
        self.assertEqual(send(self.bob, "x@many.example", "grey")[0], 250)
        self.assertEqual(self.waits("x@many.example")["reply"], "450 4.7.1 grey")
        self.assertEqual(second.connections, 0)

    def test_no_mx(self):
        bodies = []
        self.host(3, dialogue({}, bodies=bodies))
        self.assertEqual(send(self.bob, "x@plain.example", "plain")[0], 250)
        wait_for(lambda: bodies, what="the message")
        self.assertIn(b"Subject: plain\r\n", bodies[0])

    def test_ipv6_and_ipv4(self):
        """All addresses of a host count: nobody listens at the first of these, then at both."""
        bodies, sixth = [], []
        four = self.host(8, dialogue({}, bodies=bodies))
        self.assertEqual(send(self.bob, "x@six.example", "four")[0], 250)
        wait_for(lambda: bodies, what="the message over IPv4")
        four.close()
        try:
            six = Script(self.lab, "::1", dialogue({}, bodies=sixth))
        except OSError as e:
            self.skipTest("no IPv6 here: %s" % e)
        self.addCleanup(six.close)
        self.assertEqual(send(self.bob, "x@six.example", "six")[0], 250)
        wait_for(lambda: sixth, what="the message over IPv6")
        self.assertIn(b"Subject: six\r\n", sixth[0])

    def test_domain_is_an_alias(self):
        """MX by CNAME; Alice's server knows no other.example and says so."""
        self.assertEqual(send(self.bob, "alice@other.example", "cname")[0], 250)
        one, _ = self.report()
        self.assertTrue(one["Diagnostic-Code"].startswith("smtp; 550 5.7.1 "), one.as_string())

    def test_none_for_good(self):
        for to, status, words in (
                ("x@null.example", "5.1.10", "null.example says that it takes no mail"),
                ("x@nowhere.example", "5.1.2", "there is no domain nowhere.example"),
                ("x@noaddress.example", "5.4.4", "no mail host of noaddress.example has an address"),
                ("x@loop.example", "5.4.6", "lead back to this server")):
            with self.subTest(to=to):
                self.assertEqual(send(self.bob, to, "for good")[0], 250)
                one, text = self.report()
                self.assertEqual((one["Final-Recipient"], one["Status"]), ("rfc822; " + to, status))
                self.assertIsNone(one["Diagnostic-Code"])       # nobody but us said something
                self.assertIn(words, text)
                self.assertEqual(self.bob.queue(), [])

    def test_we_are_the_second(self):
        """What stands behind us is not for us to use (RFC 5321 s5.1)."""
        behind = self.host(2, dialogue({}))
        self.assertEqual(send(self.bob, "x@second.example", "backup")[0], 250)
        self.assertIn("mx1.two.example", self.waits("x@second.example")["reply"])
        self.assertEqual(behind.connections, 0)

    def test_names_that_cannot_be_looked_up(self):
        """The name server refuses what is not its own: a fault that may pass."""
        self.assertEqual(send(self.bob, "x@elsewhere.test", "refused")[0], 250)
        row = self.waits("x@elsewhere.test", seconds=60)
        self.assertRegex(row["reply"], r"^4\.4\.3 the MX records of elsewhere\.test can't be looked up: \w")

    def test_address_literal(self):
        bodies = []
        self.host(6, dialogue({}, bodies=bodies))
        self.assertEqual(send(self.bob, "x@[%s]" % self.lab.spare[5], "literal")[0], 250)
        wait_for(lambda: bodies, what="the message")


# ---- what hosts say ----

def garbage(connection):
    connection.sendall(bytes(range(256)) * 40 + b"\r\n")
    connection.recv(100)


def endless(connection):
    connection.sendall(b"220 ")
    while True:
        connection.sendall(b"x" * 65536)


def endless_lines(connection):
    while True:
        connection.sendall(b"220-hello, hello, hello\r\n" * 1000)


def large_banner(connection):
    connection.sendall(b"220-" + b"y" * (1 << 20) + b"\r\n220 mx\r\n")
    connection.recv(100)


def closes(connection):
    pass


def resets(connection):
    connection.sendall(b"220 mx\r\n")
    connection.recv(100)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def after(word, how=closes):
    """Plays along until this command, then that."""
    def talk(connection):
        in_body = False
        connection.sendall(b"220 mx\r\n")
        for line in connection.makefile("rb"):
            if line.upper().startswith(word):
                return how(connection)
            if not in_body:
                in_body = line.upper().startswith(b"DATA")
                connection.sendall(b"354 go on\r\n" if in_body else b"250 ok\r\n")
    return talk


def scripts():
    """{domain: (talk, what queue show says of it)}"""
    return {
        "garbage": (garbage, r"^4\.5\.0 "),
        "endless": (endless, r"^4\.5\.0 "),
        "endless-lines": (endless_lines, r"^4\.5\.0 "),
        "large-banner": (large_banner, r"^4\.5\.0 "),
        "http": (dialogue({}, banner=b"HTTP/1.1 400 Bad Request\r\n"), r"^4\.5\.0 "),
        "closes": (closes, r"^4\.4\.2 closes\.example \[127\.0\.0\.\d+\]: the server closed the connection$"),
        "resets": (resets, r"^4\.4\.2 resets\.example \[.*\]: (connection lost|the server closed)"),
        "busy": (dialogue({}, banner=b"421 4.3.2 come back later\r\n"), r"^421 4\.3\.2 come back later$"),
        "unfriendly": (dialogue({}, banner=b"554 5.7.1 go away\r\n"), r"^554 5\.7\.1 go away$"),
        "354-greets": (dialogue({}, banner=b"354 go on\r\n"), r"^354 go on$"),
        "999-greets": (dialogue({}, banner=b"999 what\r\n"), r"^4\.5\.0 "),
        "354-to-mail": (dialogue({b"MAIL": b"354 go on\r\n"}), r"^4\.5\.0 "),
        "250-to-data": (dialogue({b"DATA": b"250 ok\r\n"}), r"^4\.5\.0 "),
        "220-to-rcpt": (dialogue({b"RCPT": b"150 hm\r\n"}), r"^4\.5\.0 "),
        "no-ehlo": (dialogue({b"EHLO": b"500 what\r\n", b"HELO": b"421 4.3.0 no\r\n"}), r"^421 4\.3\.0 no$"),
        "grey": (dialogue({b"RCPT": b"450 4.7.1 greylisted, try later\r\n"}), r"^450 4\.7\.1 greylisted, try later$"),
        "grey-mail": (dialogue({b"MAIL": b"451 4.3.0 sender check failed\r\n"}), r"^451 4\.3\.0 sender check failed$"),
        "grey-data": (dialogue({b"DATA": b"452 4.3.1 disk full\r\n"}), r"^452 4\.3\.1 disk full$"),
        "grey-dot": (dialogue({b".": b"451-4.3.0 scanner\r\n451 4.3.0 is away\r\n"}),
                     r"^451 4\.3\.0 scanner 4\.3\.0 is away$"),
        "old-too-many": (dialogue({b"RCPT": b"552 too many recipients\r\n"}), r"^552 too many recipients$"),
        "binary-words": (dialogue({b"RCPT": b"450 \xc3\xbc\x1b[31m\\ \x00\r\n"}), r"^450 \\xc3\\xbc\\x1b\[31m"),
        "long-words": (dialogue({b"RCPT": b"450 4.2.1 " + b"w" * 490 + b"\r\n"}), r"^450 4\.2\.1 w{100,}"),
        "gone-at-mail": (after(b"MAIL"), r"^4\.4\.2 gone-at-mail\.example \[.*\]: the server closed the connection$"),
        "gone-at-rcpt": (after(b"RCPT"), r"^4\.4\.2 "),
        "gone-at-data": (after(b"DATA"), r"^4\.4\.2 "),
        "gone-in-body": (after(b"SUBJECT"), r"^4\.4\.2 "),
        "gone-at-dot": (after(b"."), r"^4\.4\.2 "),
        "garbage-at-dot": (after(b".", garbage), r"^4\.5\.0 "),
        "endless-at-rcpt": (after(b"RCPT", endless), r"^4\.5\.0 "),
    }


class Nonsense(Hosts):
    def test_temporary_with_its_words(self):
        """All at once; and mail between those that behave goes on meanwhile."""
        hosts = {name: self.host(11 + n, talk)
                 for n, (name, (talk, _)) in enumerate(self.scripts.items())}
        with self.bob.login() as client:
            for name in self.scripts:
                client.sendmail("bob@bob.example", ["x@%s.example" % name],
                                "Subject: %s\r\n\r\nwords\r\n" % name)
        self.assertEqual(send(self.bob, "alice@alice.example", "meanwhile")[0], 250)
        take(self.alice, "meanwhile", seconds=10)
        for name, (_, want) in self.scripts.items():
            with self.subTest(host=name):
                row = self.waits("x@%s.example" % name, 30)
                shown = self.bob.show(row)["to"][0]
                self.assertEqual(shown["state"], "waiting")
                self.assertRegex(shown["reply"], want)
                self.assertIn(shown["reply"], self.bob.run("queue", "show", row["id"]))
                self.assertGreater(row["next"] - time.time(), 2000)
                self.assertGreaterEqual(hosts[name].connections, 1)
        self.assertEqual(inbox(self.bob), [], "nothing of this is for good")

    def test_silence(self):
        """A host that says nothing holds nobody else up, and not the stop of the server."""
        quiet = self.host(4, lambda connection: connection.recv(100))
        self.assertEqual(send(self.bob, "x@slow.example", "silence")[0], 250)
        wait_for(lambda: quiet.connections == 1, what="a connection")
        self.assertEqual(send(self.bob, "alice@alice.example", "others")[0], 250)
        take(self.alice, "others", seconds=5)
        self.assertEqual(self.bob.queue("x@slow.example")[0]["state"], "ready")
        self.bob.stop()
        quiet.close()
        bodies = []
        self.host(4, dialogue({}, bodies=bodies))
        self.bob.start()
        if self.bob.queue():
            self.bob.run("queue", "retry", "all")
        wait_for(lambda: bodies, what="the message")

    def test_for_good(self):
        answers = itertools.chain([b"550 5.1.1 no such user\r\n", b"250 ok\r\n"], itertools.repeat(b"250 ok\r\n"))
        bodies = []
        self.host(4, dialogue({b"RCPT": lambda: next(answers)}, bodies=bodies))
        self.assertEqual(send(self.bob, ["a@slow.example", "b@slow.example"], "for good")[0], 250)
        wait_for(lambda: bodies, what="the message")
        one, text = self.report()
        self.assertEqual(one["Final-Recipient"], "rfc822; a@slow.example")
        self.assertEqual(one["Diagnostic-Code"], "smtp; 550 5.1.1 no such user")
        self.assertNotIn("b@slow.example", text)
        wait_for(lambda: not self.bob.queue(), what="the empty queue")

    def test_refused_as_a_whole(self):
        self.host(4, dialogue({b".": b"554 5.6.0 no such words here\r\n"}))
        self.assertEqual(send(self.bob, ["a@slow.example", "b@slow.example"], "whole")[0], 250)
        report = email.message_from_bytes(take(self.bob, UNDELIVERED))
        status = report.get_payload()[1].get_payload()
        self.assertEqual([one["Diagnostic-Code"] for one in status[1:]],
                         ["smtp; 554 5.6.0 no such words here"] * 2)
        wait_for(lambda: not self.bob.queue(), what="the empty queue")
        self.assertEqual(inbox(self.bob), [])

    def test_tls_that_fails(self):
        """STARTTLS that leads nowhere: the message goes in the clear (RFC 7435)."""
        bodies = []
        host = self.host(4, dialogue({b"EHLO": b"250-mx\r\n250 STARTTLS\r\n",
                                      b"STARTTLS": b"220 go\r\n500 but no\r\n"}, bodies=bodies))
        self.assertEqual(send(self.bob, "x@slow.example", "clear")[0], 250)
        wait_for(lambda: bodies, what="the message")
        self.assertGreaterEqual(host.connections, 2)
        self.assertRegex(self.bob.log("relay"), r"mx\.slow\.example \[127\.0\.0\.\d+\]: TLS failed")

    def test_busy_behind_tls(self):
        """Its TLS works; that it has no time is no reason to speak in the clear."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.bob.certificate, os.path.join(self.bob.data, "tls", "key.pem"))
        heard, able, bodies = [], [], []

        def talk(connection):
            connection.sendall(b"220 mx ESMTP\r\n")
            for reply in (b"250-mx\r\n250 STARTTLS\r\n", b"220 go\r\n"):
                heard.append(connection.recv(1000).split()[0])
                connection.sendall(reply)
            with context.wrap_socket(connection, server_side=True) as s:
                host.living.add(s)
                if not able:
                    s.recv(1000)
                    s.sendall(b"421 4.3.2 busy\r\n")
                    return
                dialogue({}, banner=b"", bodies=bodies)(s)

        host = self.host(4, talk)
        self.assertEqual(send(self.bob, "x@slow.example", "busy")[0], 250)
        self.assertEqual(self.waits("x@slow.example")["reply"], "421 4.3.2 busy")
        able.append(True)
        self.bob.run("queue", "retry", "all")
        wait_for(lambda: bodies, what="the message")
        self.assertEqual(set(heard), {b"EHLO", b"STARTTLS"})

    def test_tls_that_fails_and_must_not(self):
        """A host that wants TLS and can't do it now: that may pass, and is tried again."""
        able, bodies = [], []
        host = self.host(7, dialogue({
            b"EHLO": lambda: b"250 mx\r\n" if able else b"250-mx\r\n250 STARTTLS\r\n",
            b"STARTTLS": b"220 go\r\n500 but no\r\n",
            b"MAIL": lambda: b"250 ok\r\n" if able else b"530 5.7.0 Must issue STARTTLS\r\n"},
            bodies=bodies))
        self.assertEqual(send(self.bob, "x@must.example", "must")[0], 250)
        row = self.waits("x@must.example")
        self.assertEqual(row["reply"], "530 5.7.0 Must issue STARTTLS")
        self.assertEqual(host.connections, 2)
        self.bob.run("queue", "retry", row["id"])
        wait_for(lambda: host.connections >= 4, what="TLS, and then the clear")
        wait_for(lambda: self.waits("x@must.example")["tries"] == 2, what="the second failure")
        able.append(True)
        self.bob.run("queue", "retry", row["id"])
        wait_for(lambda: bodies, what="the message")
        wait_for(lambda: not self.bob.queue(), what="its end")
        self.assertEqual(inbox(self.bob), [])

    def test_many_to_one(self):
        """No more sessions than relay.sessions_per_host, and each is used again."""
        bodies = []
        host = self.host(4, dialogue({}, bodies=bodies))
        with self.bob.login() as client:
            for n in range(60):
                client.sendmail("bob@bob.example", ["x@slow.example"], "Subject: %d\r\n\r\nx\r\n" % n)
        wait_for(lambda: len(bodies) == 60, what="all of them")
        self.assertEqual({re.search(rb"\nSubject: (\d+)", b)[1] for b in bodies},
                         {b"%d" % n for n in range(60)})
        self.assertLessEqual(host.connections, 20)
