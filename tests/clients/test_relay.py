"""Mail from Bob's server to Alice's, as their users send and read it: swaks, msmtp, curl,
smtplib and javax.mail hand over to Bob's port 587; poplib, curl and fetchmail read at Alice's. What arrives
is what was sent, byte for byte, and came over TLS."""
import email
import os
import re
import smtplib
import tempfile
import unittest

from lab import Lab, dialogue, inbox, message, no_check, send, take, Script
from server import wait_for
from test_send_and_read import BODIES, attachment, lf, run

ALICE = "alice@alice.example"


class Relay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # No SMTPUTF8 at this one.
        cls.lab = Lab("bob.example", "alice.example", records="old MX 10 mx.old\nmx.old A {1}\n")
        cls.lab.alice.joerg = cls.lab.alice.add_account("jörg")
        cls.lab.start()
        cls.scratch = tempfile.TemporaryDirectory(prefix="posthouse-test-")

    @classmethod
    def tearDownClass(cls):
        try:
            cls.lab.stop()
        finally:
            cls.scratch.cleanup()

    def setUp(self):
        self.bob, self.alice = self.lab.bob, self.lab.alice

    def file(self, name, data):
        path = os.path.join(self.scratch.name, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def arrived(self, name, sent, got=None):
        got = got if got is not None else take(self.alice, name)
        self.assertTrue(got.endswith(sent), "%s: sent %r... got %r..." % (
            name, sent[:300], got[-len(sent) - 300:][:600]))
        added = got[:len(got) - len(sent)]
        self.assertTrue(added.startswith(b"Return-Path: <bob@bob.example>\r\n"
                                         b"Delivered-To: alice@alice.example\r\n"), added)
        hops = re.findall(rb"^Received: from (\S+)[^)]*\)\r\n\t\(using TLS[^)]*\)\r\n\tby (\S+) "
                          rb"\(Posthouse\) with (\S+) id", added, re.M)
        self.assertEqual([hop[1:] for hop in hops], [(b"mail.alice.example", b"ESMTPS"),
                                                     (b"mail.bob.example", b"ESMTPSA")], added)
        self.assertEqual(hops[0][0], b"mail.bob.example")


class Programs(Relay):
    # sending

    def test_smtplib_every_body(self):
        for kind, body in BODIES.items():
            with self.subTest(kind=kind):
                name = "smtplib-" + kind
                data = message(name, "bob@bob.example", ALICE, body)
                self.assertEqual(send(self.bob, ALICE, name, body)[0], 250)
                self.arrived(name, data)

    def test_attachment_of_10_mb(self):
        name = "attachment"
        body = attachment(10 << 20)
        with self.bob.login() as client:
            data = message(name, "bob@bob.example", ALICE, b"")[:-2] + body
            client.sendmail("bob@bob.example", [ALICE], data)
        self.arrived(name, data)

    def test_long_lines(self):
        """Longer than RFC 5322 has them: nobody cuts them."""
        body = b"".join(b"." * n + b"x" * 3000 * n + b"\r\n" for n in range(1, 8))
        self.assertEqual(send(self.bob, ALICE, "long", body)[0], 250)
        self.arrived("long", message("long", "bob@bob.example", ALICE, body))

    def test_eight_bit_of_10_mb(self):
        """Every byte but CR, LF and NUL, in every place of a line; a body by descriptor."""
        name = "eight-bit"
        line = bytes(b for b in range(1, 256) if b not in b"\r\n.")
        body = b"".join(line[n % 252:] + line[:n % 252] + b"\r\n" for n in range((10 << 20) // 254))
        self.assertEqual(send(self.bob, ALICE, name, body)[0], 250)
        self.arrived(name, message(name, "bob@bob.example", ALICE, body))

    def test_swaks_sends(self):
        name = "swaks"
        # A last line of one dot is swaks' own end of data.
        data = message(name, "bob@bob.example", ALICE, BODIES["dots"] + b"end\r\n")
        said = run(["swaks", "--server", "%s:%d" % self.bob.submission, "--tls", "--auth", "LOGIN",
                    "--auth-user", "bob@bob.example", "--auth-password", self.bob.user.password,
                    "--from", "bob@bob.example", "--to", ALICE, "--data",
                    "@" + self.file(name, lf(data))])
        self.assertIn(b"queued as", said)
        # swaks ends the last line once more.
        self.arrived(name, data, take(self.alice, name).rstrip(b"\r\n") + b"\r\n")

    def test_msmtp_sends(self):
        data = message("msmtp", "bob@bob.example", ALICE, BODIES["dots"] + BODIES["eight-bit"])
        rc = self.file("msmtprc", "\n".join(
            ["account default", "host " + self.bob.submission[0],
             "port %d" % self.bob.submission[1], "from bob@bob.example", "tls on",
             "tls_starttls on", "tls_certcheck off", "auth plain", "user bob@bob.example",
             "password " + self.bob.user.password, ""]).encode())
        os.chmod(rc, 0o600)
        run(["msmtp", "-C", rc, ALICE], input=lf(data))
        self.arrived("msmtp", data)

    def test_curl_sends_and_reads(self):
        for kind in ("short", "dots", "eight-bit", "lines-of-998"):
            with self.subTest(kind=kind):
                name = "curl-" + kind
                data = message(name, "bob@bob.example", ALICE, BODIES[kind])
                run(["curl", "-sS", "--url", "smtp://%s:%d" % self.bob.submission, "--ssl-reqd", "-k",
                     "--user", "bob@bob.example:" + self.bob.user.password, "--mail-from",
                     "bob@bob.example", "--mail-rcpt", ALICE, "-T", self.file(name, data)])
                wait_for(lambda: self.alice.count() == 1, what=name)
                got = run(["curl", "-sS", "--user", ALICE + ":" + self.alice.user.password,
                           "pop3://%s:%d/1" % self.alice.pop3, "--ssl-reqd", "-k"])
                self.arrived(name, data, got)
                take(self.alice, name)

    def java(self, *words):
        program = os.path.join(os.path.dirname(__file__), "JavaMail.java")
        jars = ["/usr/share/java/javax.mail.jar", "/usr/share/java/javax.activation.jar"]
        return run(["java", "-cp", ":".join(jars), program, *words])

    def test_javax_mail_sends_and_reads(self):
        name = "javax.mail"
        data = self.java("send", self.bob.submission[0], str(self.bob.submission[1]),
                         "bob@bob.example", self.bob.user.password, ALICE, name)
        self.assertIn("Grüße, 挨拶", email.message_from_bytes(
            data).get_payload()[0].get_payload(decode=True).decode())
        wait_for(lambda: self.alice.count() == 1, what=name)
        got = self.java("read", self.alice.pop3[0], str(self.alice.pop3[1]), ALICE,
                        self.alice.user.password, name)
        self.arrived(name, data, got)
        take(self.alice, name)

    # reading

    def test_fetchmail_reads(self):
        name = "fetchmail"
        self.assertEqual(send(self.bob, ALICE, name, BODIES["dots"])[0], 250)
        wait_for(lambda: self.alice.count() > 0)
        out = os.path.join(self.scratch.name, name + ".out")
        rc = self.file("fetchmailrc", (
            'poll "%s" protocol pop3 port %d timeout 60 user "%s" password "%s" ssl'
            ' no sslcertck no rewrite fetchall mda "cat >%s"\n' % (
                *self.alice.pop3s, ALICE, self.alice.user.password, out)).encode())
        os.chmod(rc, 0o600)
        home = dict(os.environ, HOME=self.scratch.name, FETCHMAILHOME=self.scratch.name)
        run(["fetchmail", "--invisible", "-f", rc, "--idfile", rc + ".ids", "--pidfile",
             rc + ".pid"], env=home)
        got = open(out, "rb").read()
        self.assertTrue(lf(got).endswith(lf(message(name, "bob@bob.example", ALICE,
                                                    BODIES["dots"]))), got)
        wait_for(lambda: self.alice.count() == 0, what="fetchmail's DELE")

    def test_answer(self):
        """Alice answers, and both have what the other wrote."""
        self.assertEqual(send(self.bob, ALICE, "question")[0], 250)
        take(self.alice, "question")
        self.assertEqual(send(self.alice, "bob@bob.example", "answer")[0], 250)
        got = take(self.bob, "answer")
        self.assertTrue(got.endswith(message("answer", ALICE, "bob@bob.example")), got)


class Recipients(Relay):
    def test_here_and_there(self):
        """One message, for a user of each."""
        self.assertEqual(send(self.bob, [ALICE, "bob@bob.example"], "both")[0], 250)
        take(self.alice, "both")
        take(self.bob, "both")

    def test_one_of_two_is_unknown(self):
        """One delivery, and one report that has the other side's words."""
        self.assertEqual(send(self.bob, ["nobody@alice.example", ALICE], "half")[0], 250)
        take(self.alice, "half")
        report = email.message_from_bytes(take(self.bob, "Undelivered mail returned to sender"))
        self.assertEqual(report["Return-Path"], "<>")
        self.assertEqual(report["Auto-Submitted"], "auto-replied")
        self.assertEqual(report.get_content_type(), "multipart/report")
        self.assertEqual(report.get_param("report-type"), "delivery-status")
        text, status, header = report.get_payload()
        self.assertIn("<nobody@alice.example>", text.get_payload())
        self.assertEqual(status.get_content_type(), "message/delivery-status")
        about, one = status.get_payload()       # one recipient, not two
        self.assertEqual(about["Reporting-MTA"], "dns; mail.bob.example")
        self.assertEqual(one["Final-Recipient"], "rfc822; nobody@alice.example")
        self.assertEqual(one["Action"], "failed")
        self.assertEqual(one["Status"], "5.1.1")
        self.assertRegex(one["Diagnostic-Code"], r"^smtp; 550 5\.1\.1 ")
        self.assertIn(one["Diagnostic-Code"][6:], " ".join(text.get_payload().split()))
        self.assertEqual(header.get_content_type(), "text/rfc822-headers")
        self.assertIn("\nSubject: half\n", header.get_payload().replace("\r\n", "\n"))
        self.assertEqual([inbox(self.alice), inbox(self.bob), self.bob.queue()], [[], [], []])

    def test_alias_forwards(self):
        """Mail from outside, over port 25, to an alias that leads to another host."""
        self.bob.run("alias", "add", "friends@bob.example", ALICE, "bob@bob.example")
        code, words = self.bob.send("forwarded", to="friends@bob.example")
        self.assertEqual(code, 250, words)
        got = take(self.alice, "forwarded")
        self.assertTrue(got.startswith(b"Return-Path: <sender@client.example>\r\n"), got)
        take(self.bob, "forwarded")

    def test_no_open_relay(self):
        with smtplib.SMTP(*self.bob.smtp, timeout=60) as client:
            client.ehlo("client.example")
            for sender in ("stranger@client.example", "bob@bob.example", ""):
                self.assertEqual(client.mail(sender)[0], 250)
                code, words = client.rcpt(ALICE)
                self.assertEqual((code, words[:6]), (550, b"5.7.1 "), sender)
                client.rset()
            self.assertEqual(client.mail("stranger@client.example")[0], 250)
            for to in ("alice%alice.example@bob.example", "@bob.example:" + ALICE,
                       "alice@[127.0.0.3]"):
                code, words = client.rcpt(to)
                self.assertEqual(code, 550, (to, words))

    def test_sender_must_be_ours(self):
        """Bob can't send as Alice, to wherever."""
        self.assertIn(send(self.bob, ALICE, "forged", sender=ALICE)[0], (550, 553))

    def test_smtputf8(self):
        joerg = "jörg@alice.example"
        body = "Grüße\r\n".encode()
        with self.bob.login() as client:
            client.ehlo("client.example")
            self.assertTrue(client.has_extn("smtputf8"))
            self.assertEqual(client.docmd("MAIL FROM:<bob@bob.example> BODY=8BITMIME SMTPUTF8")[0], 250)
            client.command_encoding = "utf-8"
            self.assertEqual(client.docmd("RCPT TO:<%s>" % joerg)[0], 250)
            self.assertEqual(client.docmd("RCPT TO:<%s>" % "jörg@old.example")[0], 250)
            data = message("für dich", "bob@bob.example", joerg, body)
            mx = Script(self.lab, self.lab.spare[0], dialogue({}))
            try:
                self.assertEqual(client.data(data)[0], 250)
                got = take(self.alice, "für dich", self.alice.joerg)
                self.assertTrue(got.endswith(data), got)
                report = take(self.bob, "Undelivered mail returned to sender")
            finally:
                mx.close()
        report = email.message_from_bytes(report)
        self.assertEqual(report["Content-Transfer-Encoding"], "8bit")
        part = report.get_payload()[1]
        self.assertEqual((part.get_content_type(), part["Content-Transfer-Encoding"]),
                         ("message/global-delivery-status", "8bit"))
        one = part.as_bytes().split(b"\n\n")[2]
        self.assertIn("Final-Recipient: utf-8; jörg@old.example\n".encode(), one)
        self.assertIn(b"Action: failed\nStatus: 5.6.7\n", one)
