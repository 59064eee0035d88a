"""Postfix and OpenSMTPD as the other side, both ways, over STARTTLS: mail of Bob's goes to
Carol there by MX, and Carol's comes to Bob. Each runs on loopback with a configuration of its
own below a temporary folder, as bench/compare starts them; whoever can't is skipped."""
import email
import glob
import os
import re
import shutil
import smtplib
import subprocess
import sys
import tempfile
import unittest

from lab import Lab, message, send, take
from server import wait_for
from test_send_and_read import BODIES, attachment, lf

sys.path.insert(0, os.path.join(os.environ["POSTHOUSE_ROOT"], "bench"))
import peers  # noqa: E402

CAROL = "carol@there.example"
UNDELIVERED = "Undelivered mail returned to sender"

POSTFIX = """compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
meta_directory = /etc/postfix
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.there.example
mydestination =
mynetworks = 127.0.0.1/32
alias_maps =
alias_database =
message_size_limit = 51200000
disable_dns_lookups = yes
smtp_host_lookup = native
transport_maps = inline:{{ {{bob.example = smtp:[{bob[0]}]:{bob[1]}}} }}
smtp_tls_security_level = encrypt
smtp_tls_loglevel = 1
smtpd_tls_security_level = may
smtpd_tls_cert_file = {folder}/cert.pem
smtpd_tls_key_file = {folder}/key.pem
smtpd_tls_received_header = yes
smtpd_delay_reject = no
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
virtual_mailbox_domains = there.example
virtual_mailbox_maps = inline:{{ {{carol@there.example = carol/}} }}
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:{user}
virtual_gid_maps = static:{user}
virtual_transport = virtual
"""

OPENSMTPD = """pki there cert "{folder}/cert.pem"
pki there key "{folder}/key.pem"
table users file:{folder}/users
smtp max-message-size 50M
listen on {address} port {port} hostname mx.there.example tls pki there
action "local" maildir userbase <users>
action "out" relay helo "mx.there.example" host "smtp+tls://{bob[0]}:{bob[1]}" tls no-verify
match from any for domain "there.example" action "local"
match from src 127.0.0.1 for any action "out"
"""

# OpenSMTPD 6.8 keeps its private key in a process of its own: it writes the name of the key
# into what EVP_PKEY_get1_RSA() gives for the certificate, and its own RSA method reads it
# there. With OpenSSL 3 that is a copy, which the handshake does not use ("missing private
# key"), unless an engine has methods for such keys: then OpenSSL decodes them as it always
# did. That of libp11 has, and leaves keys alone that are not its own.
OPENSSL = """openssl_conf = init
[init]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
default_algorithms = PKEY_CRYPTO
"""


def certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
                    "30", "-subj",
                    "/CN=mx.there.example", "-out", folder + "/cert.pem", "-keyout",
                    folder + "/key.pem"], check=True, capture_output=True)
    os.chmod(folder + "/key.pem", 0o600)


def greets(address):
    try:
        with smtplib.SMTP(*address, timeout=5) as client:
            return client.noop()[0] == 250
    except (OSError, smtplib.SMTPException):
        return False


class There:
    """What both are: a server of there.example on one address, with Carol's Maildir."""

    def __init__(self, folder, lab):
        super().__init__(folder, 1)
        self.lab, self.address, self.port = lab, lab.spare[0], lab.port

    def users(self):
        return ["carol"]

    def fill(self, template):
        return template.format(folder=self.folder, address=self.address, port=self.port,
                               user=peers.MAIL_USER, bob=self.lab.bob.smtp)

    def ready(self, process):
        peers.wait_for(self.title, lambda: greets((self.address, self.port)), process)

    def mail(self):
        found = []
        for path in glob.glob(self.new_folders()[0] + "/*"):
            with open(path, "rb") as f:
                found.append(f.read())
        return found

    def log(self):
        text = ""
        for name in ("mail.log", "said"):
            if os.path.exists(os.path.join(self.folder, name)):
                with open(os.path.join(self.folder, name), errors="replace") as f:
                    text += f.read()
        return text

    def last_words(self):
        return self.log()[-4000:]


class Postfix(There, peers.Postfix):
    def start(self):
        f = self.folder
        for part in ("etc", "queue", "data", "mail"):
            os.makedirs(os.path.join(f, part))
        shutil.chown(f + "/data", "postfix")
        certificate(f)
        self.make_maildirs()
        peers.write(f + "/etc/main.cf", self.fill(POSTFIX))
        peers.write(f + "/etc/master.cf", peers.POSTFIX_MASTER.format(port=self.port).replace(
            "127.0.0.1:", self.address + ":"))
        self.ready(self.run("/usr/sbin/postfix", "-c", f + "/etc", "start-fg"))


class OpenSmtpd(There, peers.OpenSmtpd):
    openssl = OPENSSL

    @classmethod
    def prepare(cls):
        version = super().prepare()
        if cls.openssl:
            peers.need_packages("libengine-pkcs11-openssl")
        return version

    def start(self):
        f = self.folder
        for part in ("spool/smtpd", "mail"):
            os.makedirs(os.path.join(f, part))
        os.chmod(f + "/spool/smtpd", 0o711)
        certificate(f)
        self.make_maildirs()
        peers.write(f + "/resolv.conf", "nameserver 127.0.0.1\n")  # none there: fails at once
        user = peers.MAIL_USER
        for name, more in (
                ("passwd", "opensmtpd:x:5002:5002::/var/lib/opensmtpd/empty:/usr/sbin/nologin\n"
                           "opensmtpq:x:5003:5003::/nonexistent:/usr/sbin/nologin\n"
                           "vmail:x:%d:%d::%s/mail:/bin/sh\n" % (user, user, f)),
                ("group", "opensmtpd:x:5002:\nopensmtpq:x:5003:\nvmail:x:%d:\n" % user)):
            with open("/etc/" + name) as file:
                peers.write(os.path.join(f, name), file.read() + more)
        peers.write(f + "/users", "carol %d:%d:%s/mail/carol\n" % (user, user, f))
        peers.write(f + "/smtpd.conf", self.fill(OPENSMTPD))
        script = peers.write(f + "/start", peers.OPENSMTPD_START.format(folder=f,
                                                                        package=self.package))
        environment = dict(os.environ)
        if self.openssl:
            environment["OPENSSL_CONF"] = peers.write(f + "/openssl.cnf", self.openssl)
        self.ready(self.run("unshare", "-m", "sh", script, env=environment))


class OpenSmtpdAsItComes(OpenSmtpd):
    openssl = None


class Peer:
    """Bob's server and one of `kind`, and what goes between them."""

    @classmethod
    def setUpClass(cls):
        try:
            cls.kind.prepare()
        except peers.Missing as why:
            raise unittest.SkipTest("%s: %s" % (cls.kind.title, why))
        cls.folder = tempfile.mkdtemp(prefix="posthouse-test-")
        os.chmod(cls.folder, 0o711)
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.lab = Lab("bob.example", "alice.example", records="there MX 10 mx.there\nmx.there A {1}\n")
        cls.addClassCleanup(cls.lab.end)
        cls.lab.start()
        cls.bob = cls.lab.bob
        cls.there = cls.kind(os.path.join(cls.folder, cls.kind.name), cls.lab)
        cls.addClassCleanup(cls.there.stop)
        cls.there.start()

    @classmethod
    def tearDownClass(cls):
        cls.lab.stop()

    def arrives_there(self, subject, seconds=15):
        line = b"\nSubject: %s\n" % subject.encode()

        def look():
            return next((m for m in self.there.mail() if line in m), None)
        try:
            return wait_for(look, seconds=seconds, what=subject)
        except AssertionError as e:
            raise AssertionError("%s\n%s\n%s" % (e, self.bob.queue(), self.there.last_words()))

    def from_there(self, to, subject, body=b"one line\r\n"):
        with smtplib.SMTP(self.there.address, self.there.port, timeout=60) as client:
            client.sendmail(CAROL, [to], message(subject, CAROL, to, body))

    def arrives_here(self, subject):
        try:
            return take(self.bob, subject, seconds=15)
        except AssertionError as e:
            raise AssertionError("%s\n%s" % (e, self.there.last_words()))


class BothWays(Peer):
    """The tests."""

    def bodies(self):
        yield from BODIES.items()
        yield "attachment", attachment(10 << 20)[attachment(0).index(b"\r\n\r\n") + 4:]

    def traced(self, pattern):
        wait_for(lambda: re.search(pattern, self.bob.run("trace", "--last", "1")), what=pattern)

    def test_to_there(self):
        for kind, body in self.bodies():
            with self.subTest(kind=kind):
                subject = "to " + kind
                self.assertEqual(send(self.bob, CAROL, subject, body)[0], 250)
                got = self.arrives_there(subject)
                sent = lf(message(subject, self.bob.user.address, CAROL, body))
                self.assertTrue(got.rstrip(b"\n").endswith(sent.rstrip(b"\n")), got[:3000])
                self.assertIn(b"Received: from mail.bob.example (", got)
                self.assertRegex(got, self.over_tls)
                self.traced(r"SMTP with mx\.there\.example \[127[0-9.]*\] TLSv1\.3")
        wait_for(lambda: not self.bob.queue(), what="the empty queue")

    def test_from_there(self):
        for kind, body in self.bodies():
            with self.subTest(kind=kind):
                subject = "from " + kind
                self.from_there("bob@bob.example", subject, body)
                got = self.arrives_here(subject)
                self.assertTrue(got.startswith(b"Return-Path: <carol@there.example>\r\n"), got[:300])
                sent = message(subject, CAROL, "bob@bob.example", body)
                self.assertTrue(got.endswith(sent), got[:3000])
                self.assertRegex(got, rb"\(using TLSv1\.3 with cipher [^)]*\)\r\n.*with ESMTPS id")
                self.traced(r"encrypted from here on: TLSv1\.3, ")
        wait_for(lambda: self.said_tls in self.there.log(), what=self.said_tls)

    def test_unknown_there(self):
        """Bob hears of it in the words of the other side."""
        self.assertEqual(send(self.bob, ["nobody@there.example", CAROL], "unknown there")[0], 250)
        self.arrives_there("unknown there")
        report = email.message_from_bytes(take(self.bob, UNDELIVERED, seconds=15))
        one = report.get_payload()[1].get_payload()[1]
        self.assertEqual(one["Final-Recipient"], "rfc822; nobody@there.example")
        self.assertTrue(one["Diagnostic-Code"].startswith("smtp; 550 "), one.as_string())

    def test_unknown_here(self):
        """Carol hears of it, from her own server."""
        self.from_there("nobody@bob.example", "unknown here")
        wait_for(lambda: any(b"nobody@bob.example" in m and b"550" in m for m in self.there.mail()),
                 what="the report at Carol's: " + self.there.last_words())

    def test_report_to_there(self):
        """Carol's mail goes through an alias of Bob's to somebody who does not exist: Bob's
        server sends her the report, by MX."""
        self.bob.run("alias", "add", "gone@bob.example", "nobody@alice.example")
        self.from_there("gone@bob.example", "report to there")
        got = self.arrives_there(UNDELIVERED)
        if b"\nReturn-Path:" in b"\n" + got:        # Postfix writes one
            self.assertIn(b"\nReturn-Path: <>\n", b"\n" + got)
        report = email.message_from_bytes(got)
        one = report.get_payload()[1].get_payload()[1]
        self.assertEqual(one["Final-Recipient"], "rfc822; nobody@alice.example")
        self.assertTrue(one["Diagnostic-Code"].startswith("smtp; 550 "), one.as_string())
        wait_for(lambda: not self.bob.queue(), what="the empty queue")

    def test_many_to_there(self):
        """Over some sessions at once, each used for many."""
        with self.bob.login() as client:
            for n in range(100):
                client.sendmail("bob@bob.example", [CAROL],
                                message("many-%d." % n, "bob@bob.example", CAROL))
        wait_for(lambda: not self.bob.queue() and
                 len(self.many()) == 100, what="100 messages: " + self.there.last_words())
        for got in self.many():
            self.assertRegex(got, self.over_tls)

    def many(self):
        return [m for m in self.there.mail() if b"\nSubject: many-" in m]


class WithPostfix(BothWays, unittest.TestCase):
    kind = Postfix
    over_tls = rb"\n\t\(using TLSv1\.3 with cipher .*\n.*\n.*\n\tby mx\.there\.example \(Postfix\) "
    said_tls = "TLS connection established to 127."


class WithOpenSmtpd(BothWays, unittest.TestCase):
    kind = OpenSmtpd
    over_tls = rb"\(OpenSMTPD\) with ESMTPS id \w+ \(TLSv1\.3:"
    said_tls = "mta tls ciphers=TLSv1.3:"


class WithOpenSmtpdAsItComes(Peer, unittest.TestCase):
    """As Debian 12 has it, nobody can finish a handshake with it. It says itself that this is
    not its peer's fault: that is what `internal_error` means (RFC 8446, section 6.2). What
    Bob writes goes there in the clear (RFC 7435)."""
    kind = OpenSmtpdAsItComes

    def test_to_there(self):
        client = subprocess.run(["openssl", "s_client", "-starttls", "smtp", "-connect",
                                 "%s:%d" % (self.there.address, self.there.port)], text=True,
                                stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        if client.returncode == 0:
            self.skipTest("this one can")
        self.assertIn("alert internal error", client.stderr)
        self.assertEqual(send(self.bob, CAROL, "to there")[0], 250)
        got = self.arrives_there("to there")
        self.assertIn(b" with ESMTP ", got)
        self.assertRegex(self.bob.log("relay"), r"mx\.there\.example \[127[0-9.]*\]: TLS failed")
        wait_for(lambda: not self.bob.queue(), what="the empty queue")
