"""relay.host with a login and TLS that must be right: Bob's mail goes out by a provider's
submission. The provider is Carol's Posthouse, Postfix beside Dovecot, or a small server of ours that
does what is wrong in one way each."""
import base64
import glob
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

from lab import PASSWORD, Lab, Script, send, take
from server import wait_for
from test_relay_peers import POSTFIX, Postfix

sys.path.insert(0, os.path.join(os.environ["POSTHOUSE_ROOT"], "bench"))
import peers  # noqa: E402

ALICE = "alice@alice.example"
SECRETS = [PASSWORD.encode(), base64.b64encode(PASSWORD.encode())]
UNTRUSTED = "; nothing is sent to it unless it shows a certificate for its name, from an authority in relay.ca"


class Authority:
    """A CA of a test, in a folder: certificates by openssl."""

    def __init__(self, folder):
        self.folder = folder
        self.ca = self.make("ca", "-subj", "/CN=a test's authority")

    def path(self, name):
        return os.path.join(self.folder, name)

    def make(self, name, *words):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.path(name + ".key"),
                        "-out", self.path(name + ".pem"), *(words if "-days" in words else ("-days", "30")
                                                            + words)],
                       check=True, capture_output=True)
        os.chmod(self.path(name + ".key"), 0o600)
        return self.path(name + ".pem")

    def sign(self, name, host, days=30):
        """name.pem and name.key, for `host`; days < 0: it expired."""
        subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", self.path(name + ".key"),
                        "-out", self.path(name + ".csr"), "-subj", "/CN=" + host],
                       check=True, capture_output=True)
        kind = "IP" if host.replace(".", "").isdigit() else "DNS"
        with open(self.path(name + ".ext"), "w") as f:
            f.write("subjectAltName = %s:%s\n" % (kind, host))
        subprocess.run(["openssl", "x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.ca,
                        "-CAkey", self.path("ca.key"), "-CAcreateserial", "-days", str(days), "-extfile",
                        self.path(name + ".ext"), "-out", self.path(name + ".pem")],
                       check=True, capture_output=True)
        return self.path(name + ".pem")

    def context(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path(name + ".pem"), self.path(name + ".key"))
        return context


class Provider:
    """talk() for a Script: a submission server. It keeps which lines it heard in the clear and
    which under TLS, and the messages."""

    def __init__(self, context=None, implicit=False, starttls=True, auth=b"AUTH PLAIN LOGIN",
                 password=PASSWORD):
        self.context, self.implicit, self.auth = context, implicit, auth
        self.starttls = starttls and context is not None and not implicit
        self.password, self.clear, self.secret, self.bodies = password, [], [], []
        self.under_tls = []             # connections, which a Script does not know

    def __call__(self, connection):
        if self.implicit:
            connection = self.secured(connection)
        try:
            self.serve(connection)
        finally:
            connection.close()

    def secured(self, connection):
        self.under_tls.append(self.context.wrap_socket(connection, server_side=True))
        return self.under_tls[-1]

    def close(self):
        self.script.close()
        for connection in self.under_tls:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass                    # over already

    def serve(self, connection):
        lines, tls, known = connection.makefile("rb"), self.implicit, False
        connection.sendall(b"220 smart.example ESMTP\r\n")
        for line in lines:
            (self.secret if tls else self.clear).append(line)
            verb = line[:4].upper()
            if verb == b"EHLO":
                offers = [b"smart.example", b"8BITMIME", b"PIPELINING"]
                offers += [self.auth] if self.auth and (tls or not self.starttls) else []
                offers += [b"STARTTLS"] if self.starttls and not tls else []
                reply = b"".join(b"250-" + word + b"\r\n" for word in offers[:-1])
                reply += b"250 " + offers[-1] + b"\r\n"
            elif verb == b"STAR":
                connection.sendall(b"220 2.0.0 go\r\n")
                connection, tls = self.secured(connection), True
                lines = connection.makefile("rb")
                return self.go_on(connection, lines)
            elif verb == b"AUTH":
                known = self.login(connection, lines, line)
                reply = b"235 2.7.0 ok\r\n" if known else b"535 5.7.8 wrong login or password\r\n"
            elif verb == b"MAIL" and self.auth and not known:
                reply = b"530 5.7.0 log in first\r\n"
            elif verb == b"DATA":
                connection.sendall(b"354 go on\r\n")
                self.bodies.append(b"".join(iter(lines.readline, b".\r\n")))
                reply = b"250 2.0.0 taken\r\n"
            else:
                reply = b"221 bye\r\n" if verb == b"QUIT" else b"250 2.0.0 ok\r\n"
            connection.sendall(reply)
            if verb == b"QUIT":
                return None
        return None

    def go_on(self, connection, lines):
        """Under TLS: the same once more, without a greeting."""
        inner = Provider(self.context, True, False, self.auth, self.password)
        inner.secret, inner.bodies = self.secret, self.bodies

        class Silent:
            greeted = False

            def sendall(self, reply):
                if not reply.startswith(b"220 smart"):
                    connection.sendall(reply)

            def makefile(self, _):
                return lines
        inner.serve(Silent())

    def login(self, connection, lines, line):
        words = line.split()
        if words[1].upper() == b"PLAIN" and len(words) == 3:
            given = base64.b64decode(words[2])
        else:
            given = b""
            for question in (b"Username:", b"Password:"):
                connection.sendall(b"334 " + base64.b64encode(question) + b"\r\n")
                answer = lines.readline()
                self.secret.append(answer)
                given += b"\0" + base64.b64decode(answer)
        return given == b"\0bob\0" + self.password.encode()


class Smart(unittest.TestCase):
    """A lab for all tests of a class; each begins without mail."""
    domains = ["bob.example", "alice.example", "carol.example"]
    keys = {}

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="posthouse-test-")
        os.chmod(cls.folder, 0o711)
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.authority = Authority(cls.folder)
        cls.lab = Lab(*cls.domains, records="smart A {1}\nother A {1}\nmx.there A {2}\n", **cls.keys)
        cls.addClassCleanup(cls.lab.end)
        cls.prepare()
        cls.lab.start()
        cls.bob, cls.alice = cls.lab.bob, cls.lab.alice
        cls.password_file = os.path.join(cls.folder, "password")
        cls.set_password(PASSWORD)

    @classmethod
    def prepare(cls):
        """Before the servers start."""

    @classmethod
    def tearDownClass(cls):
        cls.lab.stop()

    @classmethod
    def set_password(cls, text, mode=0o600):
        with open(cls.password_file, "w") as f:
            f.write(text + "\n")
        os.chmod(cls.password_file, mode)

    def setUp(self):
        self.addCleanup(self.forget)

    def forget(self):
        self.reload(relay__host=None, relay__login=None, relay__password_file=None, relay__tls=None,
                    relay__ca=None)
        if self.bob.queue():
            self.bob.run("queue", "drop", "all")

    def reload(self, **keys):
        before = self.bob.said().count("reloaded")
        self.bob.write(**keys)
        self.bob.process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.bob.said().count("reloaded") > before,
                 what="the reload: " + self.bob.said()[-500:])

    def smart(self, host, login="bob", **keys):
        """Bob's mail goes by `host` from now on."""
        given = {"relay__host": host, "relay__ca": self.authority.ca}
        if login is not None:
            given.update(relay__login=login, relay__password_file=self.password_file)
        given.update(keys)
        self.reload(**given)

    def provider(self, *words, **keys):
        talk = Provider(*words, **keys)
        talk.script = Script(self.lab, self.lab.spare[0], talk)
        self.addCleanup(talk.close)
        return talk

    def waits(self, words):
        """One message waits, because of that."""
        def look():
            rows = self.bob.queue()
            return rows and rows[0]["state"] == "waiting" and rows[0]["tries"] >= 1 and rows[0]
        row = wait_for(look, what="one entry that waits")
        self.assertIn(words, row["reply"])
        self.assertIn(words, self.bob.run("queue", "show", row["id"]))
        return row

    def nothing_secret(self):
        """In nothing that Bob's server wrote, but the mail itself."""
        where = [self.bob.errors.name]
        for part in ("log", "journey", "queue"):
            where += glob.glob(os.path.join(self.bob.data, part, "**"), recursive=True)
        plain = base64.b64encode(b"\0bob\0" + PASSWORD.encode())
        for path in filter(os.path.isfile, where):
            with open(path, "rb") as f:
                text = f.read()
            for secret in SECRETS + [plain, plain[8:-8]]:
                self.assertNotIn(secret, text, path)


class ByPosthouse(Smart):
    """Carol's server is the provider: Bob has an account there which may send as him. The roles
    are nobody, and may not read the password's file."""
    keys = {"user": "nobody"} if os.geteuid() == 0 else {}

    @classmethod
    def prepare(cls):
        carol = cls.lab.carol
        certificate = cls.authority.sign("carol", carol.name)
        carol.write(tls__certificate=certificate, tls__key=certificate.replace(".pem", ".key"))
        carol.add_account("relay")
        carol.run("domain", "add", "bob.example")
        carol.run("alias", "add", "bob@bob.example", "relay@carol.example")

    def by_carol(self, port, **keys):
        self.smart("mail.carol.example:%d" % port, "relay@carol.example", **keys)

    def arrives(self, subject):
        self.assertEqual(send(self.bob, ALICE, subject)[0], 250)
        got = take(self.alice, subject)
        self.assertIn(b"by mail.carol.example (Posthouse) with ESMTPSA id", got)
        wait_for(lambda: self.bob.queue() == [], what="the empty queue")
        self.nothing_secret()
        return got

    def test_submission(self):
        self.by_carol(self.lab.carol.submission[1])
        self.arrives("by 587")
        said = self.bob.run("trace", "--last", "1", "--dialogue")
        self.assertIn("C: AUTH PLAIN\n", said.replace("\r", ""))
        self.assertIn("C: (secret)", said)
        self.assertIn("S: 235 ", said)
        for secret in SECRETS:
            self.assertNotIn(secret.decode(), said)

    def test_submissions(self):
        self.by_carol(self.lab.carol.submissions[1], relay__tls="implicit")
        self.arrives("by 465")

    def test_another_sender(self):
        """What Carol's server does not take from this account is returned to its sender."""
        other = self.bob.add_account("other")
        self.by_carol(self.lab.carol.submission[1])
        self.assertEqual(send(self.bob, ALICE, "not his", sender=self.bob.user.address)[0], 250)
        take(self.alice, "not his")
        with self.bob.login(other) as client:
            client.sendmail(other.address, [ALICE], "From: %s\r\nSubject: other\r\n\r\n" % other.address)
        report = take(self.bob, "Undelivered mail returned to sender", other)
        self.assertIn(b"\r\nAction: failed\r\n", report)

    def test_wrong_password(self):
        self.set_password("wrong horse")
        self.addCleanup(self.set_password, PASSWORD)
        self.by_carol(self.lab.carol.submission[1])
        for n in range(5):
            self.assertEqual(send(self.bob, ALICE, "patience %d" % n)[0], 250)
        self.waits("4.7.8 mail.carol.example [%s] does not take our login: 535 5.7.8 " %
                   self.lab.carol.address)
        wait_for(lambda: min(row["tries"] for row in self.bob.queue()) > 1, what="more tries")
        log = self.bob.log("relay")
        self.assertEqual(log.count("mail to other hosts waits: 4.7.8 "), 1, log)
        # Once a minute, whatever waits.
        self.assertLess(self.lab.carol.log("edge").count("wrong horse"), 1)
        self.set_password(PASSWORD)
        self.reload()
        for n in range(5):
            take(self.alice, "patience %d" % n)
        wait_for(lambda: self.bob.queue() == [], what="the empty queue")
        self.nothing_secret()


class Broken(Smart):
    domains = ["bob.example", "alice.example"]

    @classmethod
    def prepare(cls):
        cls.authority.sign("right", "smart.example")
        cls.authority.sign("address", cls.lab.spare[0])
        cls.authority.sign("wrong", "smart.example.org")
        cls.authority.sign("old", "smart.example", days=-1)
        cls.authority.make("own", "-subj", "/CN=smart.example", "-addext",
                           "subjectAltName = DNS:smart.example")

    def send_one(self, subject):
        self.assertEqual(send(self.bob, ALICE, subject)[0], 250)

    def host(self, name="smart.example"):
        return "%s:%d" % (name, self.lab.port)

    def nothing_heard(self, talk, clear=(b"EHLO", b"STARTTLS")):
        """Neither mail nor a login, in the clear or otherwise."""
        self.assertEqual([line for line in talk.clear if not line.startswith(clear)], [])
        self.assertEqual(talk.secret, [])
        self.assertEqual(talk.bodies, [])

    def test_right_certificate(self):
        for implicit in (False, True):
            for auth in (b"AUTH PLAIN", b"AUTH LOGIN"):
                with self.subTest(implicit=implicit, auth=auth):
                    talk = self.provider(self.authority.context("right"), implicit, auth=auth)
                    self.smart(self.host(), relay__tls="implicit" if implicit else None)
                    self.send_one("verified")
                    wait_for(lambda: len(talk.bodies) == 1, what="the message")
                    self.assertEqual([line[:4] for line in talk.clear],
                                     [] if implicit else [b"EHLO", b"STAR"])
                    wait_for(lambda: self.bob.queue() == [], what="the empty queue")
                    talk.close()
                    self.nothing_secret()

    def test_certificates(self):
        for name, why in (("wrong", "hostname mismatch"), ("own", "self-signed certificate"),
                          ("old", "certificate has expired")):
            for implicit in (False, True):
                with self.subTest(name=name, implicit=implicit):
                    talk = self.provider(self.authority.context(name), implicit)
                    self.smart(self.host(), relay__tls="implicit" if implicit else None)
                    self.send_one("not to them")
                    self.waits("4.7.5 smart.example [%s]: TLS: %s%s" % (self.lab.spare[0], why, UNTRUSTED))
                    self.nothing_heard(talk)
                    self.bob.run("queue", "drop", "all")
                    talk.close()
        self.assertIn("mail to other hosts waits: 4.7.5 ", self.bob.log("relay"))

    def test_own_certificate_is_trusted(self):
        """A self-signed certificate, when relay.ca holds it."""
        talk = self.provider(self.authority.context("own"))
        self.smart(self.host(), relay__ca=self.authority.path("own.pem"))
        self.send_one("own")
        wait_for(lambda: len(talk.bodies) == 1, what="the message")

    def test_any_certificate(self):
        """relay.tls = required is somebody's word that any will do."""
        talk = self.provider(self.authority.context("wrong"))
        self.smart(self.host(), relay__tls="required")
        self.send_one("any")
        wait_for(lambda: len(talk.bodies) == 1, what="the message")

    def test_name_of_another(self):
        """The certificate is for the name in the configuration, not for whatever leads there."""
        talk = self.provider(self.authority.context("right"))
        self.smart(self.host("other.example"))
        self.send_one("not to them")
        self.waits("4.7.5 other.example [%s]: TLS: hostname mismatch" % self.lab.spare[0])
        self.nothing_heard(talk)

    def test_stripped(self):
        """STARTTLS is not offered: who sits between would take it away just so."""
        for tls in ("auto", "verify", "required"):
            with self.subTest(tls=tls):
                talk = self.provider()
                self.smart(self.host(), relay__tls=tls)
                self.send_one("not to them")
                self.waits("4.7.4 smart.example [%s]: the server does not offer STARTTLS; nothing is "
                           "sent to it in the clear (relay.tls)" % self.lab.spare[0])
                self.nothing_heard(talk)
                self.bob.run("queue", "drop", "all")
                talk.close()

    def test_no_auth(self):
        talk = self.provider(self.authority.context("right"), auth=None)
        self.smart(self.host())
        self.send_one("not to them")
        self.waits("4.7.8 smart.example [%s] does not take our login: the server does not offer AUTH "
                   "PLAIN or LOGIN" % self.lab.spare[0])
        self.assertEqual([line[:4] for line in talk.secret], [b"EHLO"])

    def test_no_login_given(self):
        """The host wants one: the mail waits until somebody writes it down."""
        talk = self.provider(self.authority.context("right"))
        self.smart(self.host(), None)
        self.send_one("later")
        self.waits("530 5.7.0 log in first")
        self.smart(self.host())
        wait_for(lambda: len(talk.bodies) == 1, what="the message")

    def test_in_the_clear(self):
        """Only when it is said, or on loopback."""
        for host, tls in ((self.host(), "none"), (self.host(self.lab.spare[0]), None)):
            with self.subTest(host=host):
                talk = self.provider()
                self.smart(host, relay__tls=tls, relay__ca="none")
                self.send_one("in the clear")
                wait_for(lambda: len(talk.bodies) == 1, what="the message")
                self.assertIn(b"AUTH PLAIN ", talk.clear[1])
                talk.close()
        self.nothing_secret()

    def test_an_address(self):
        """relay.host may be one: the certificate must name it."""
        talk = self.provider(self.authority.context("address"))
        self.smart(self.host(self.lab.spare[0]), relay__tls="verify")
        self.send_one("to an address")
        wait_for(lambda: len(talk.bodies) == 1, what="the message")


class Checked(Smart):
    """posthouse check, serve and SIGHUP about the files."""
    domains = ["bob.example"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()

    @classmethod
    def prepare(cls):
        cls.lab.alice = None

    def check(self, want, words, **keys):
        self.bob.write(relay__host="smart.example:587", relay__login="bob",
                       relay__password_file=self.password_file, relay__ca=self.authority.ca)
        self.bob.write(**keys)
        done = subprocess.run([self.bob.program, "check", "--config", self.bob.config], text=True,
                              capture_output=True, timeout=60)
        self.assertEqual(done.returncode, want, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1 if words else 0, done.stderr)
        self.assertIn(words, done.stderr)
        self.assertNotIn(PASSWORD, done.stdout + done.stderr)

    def test_files(self):
        here = " (relay.password_file, %s:" % self.bob.config
        self.check(0, "")
        self.set_password(PASSWORD, 0o640)
        self.check(0, "")
        self.set_password(PASSWORD, 0o644)
        self.check(0, "warning: everybody on this host can read %s, the password at relay.host: chmod "
                   "600 it" % self.password_file)
        missing = os.path.join(self.folder, "missing")
        self.check(1, "cannot use %s%s" % (missing, here), relay__password_file=missing)
        self.check(1, "No such file or directory", relay__password_file=missing)
        self.check(1, "Is a directory", relay__password_file=self.folder)
        self.check(1, "No such file or directory", relay__ca=missing)
        self.check(1, ", by which the certificate of relay.host is judged: trusted certificates: there "
                   "is no \"BEGIN CERTIFICATE\" in the file", relay__ca=self.password_file)
        empty = os.path.join(self.folder, "empty")
        open(empty, "w").close()
        self.check(1, "there is no certificate in it", relay__ca=empty)
        # What judges nothing is not read.
        self.check(0, "warning: ", relay__ca=missing, relay__tls="required")
        self.check(1, "relay.login is longer than 320 bytes", relay__login="b" * 321)
        for text, words in (("", "it is empty"), ("one\ntwo", "it has more than one line"),
                            ("x" * 513, "it is too long for a password"), ("x\0y", "more than one line"),
                            ("x" * 100000, "it is too long for a password")):
            with self.subTest(text=text[:10]):
                self.set_password(text)
                self.check(1, words)
        self.set_password("x" * 512)
        self.check(0, "")
        self.set_password("with CRLF\r")
        self.check(0, "")
        self.set_password(PASSWORD)

    def test_reload(self):
        """What is wrong at a reload changes nothing; a warning is a line in the log."""
        self.smart("smart.example:%d" % self.lab.port)
        before = self.bob.said().count("stays as it was")
        os.unlink(self.password_file)
        self.bob.process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.bob.said().count("stays as it was") > before, what="the refusal")
        self.assertIn("cannot use " + self.password_file, self.bob.said())
        self.set_password(PASSWORD, 0o604)
        self.reload()
        self.assertIn("warning: everybody on this host can read " + self.password_file, self.bob.said())
        self.set_password(PASSWORD)
        # And at a start: not at all.
        self.bob.stop()
        os.unlink(self.password_file)
        said = subprocess.run([self.bob.program, "serve", "--config", self.bob.config], text=True,
                              capture_output=True, timeout=60)
        self.assertEqual(said.returncode, 1)
        self.assertIn("cannot use %s" % self.password_file, said.stderr)
        self.set_password(PASSWORD)
        self.bob.start()
        self.assertNotIn(PASSWORD, self.bob.said())


SASL = """
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {folder}/login
smtpd_tls_auth_only = yes
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
"""

DOVECOT = """base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols =
ssl = no
auth_mechanisms = {mechanisms}
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
service auth {{
  unix_listener {folder}/login {{
    mode = 0666
  }}
}}
"""


class SaslPostfix(Postfix):
    """Postfix that takes mail only from who logs in, under TLS; Dovecot knows who that is."""
    mechanisms = "plain login"

    def __init__(self, folder, lab, authority):
        super().__init__(folder, lab)
        self.authority, self.address = authority, lab.spare[1]

    @classmethod
    def prepare(cls):
        super().prepare()
        peers.need_packages("dovecot-core")

    def mail_log(self):
        with open(self.folder + "/mail.log") as f:
            return f.read()

    def start(self):
        f = self.folder
        for part in ("etc", "queue", "data", "mail", "run", "state"):
            os.makedirs(os.path.join(f, part))
        shutil.chown(f + "/data", "postfix")
        self.authority.sign("postfix", "mx.there.example")
        for end, name in ((".pem", "/cert.pem"), (".key", "/key.pem")):
            shutil.copy(self.authority.path("postfix" + end), f + name)
        self.make_maildirs()
        peers.write(f + "/users", "bob:{PLAIN}%s\n" % PASSWORD)
        peers.write(f + "/dovecot.conf", DOVECOT.format(folder=f, mechanisms=self.mechanisms))
        dovecot = self.run("/usr/sbin/dovecot", "-F", "-c", f + "/dovecot.conf")
        peers.wait_for("Dovecot", lambda: os.path.exists(f + "/login"), dovecot)
        peers.write(f + "/etc/main.cf", self.fill(POSTFIX + SASL).replace(
            "mynetworks = 127.0.0.1/32", "mynetworks = 192.0.2.1/32"))
        peers.write(f + "/etc/master.cf", peers.POSTFIX_MASTER.format(port=self.port).replace(
            "127.0.0.1:", self.address + ":"))
        self.ready(self.run("/usr/sbin/postfix", "-c", f + "/etc", "start-fg"))


class ByPostfix(Smart):
    """The commonest of providers."""
    domains = ["bob.example", "alice.example"]

    @classmethod
    def setUpClass(cls):
        try:
            SaslPostfix.prepare()
        except peers.Missing as why:
            raise unittest.SkipTest("Postfix and Dovecot: %s" % why)
        super().setUpClass()
        cls.there = SaslPostfix(os.path.join(cls.folder, "postfix"), cls.lab, cls.authority)
        cls.addClassCleanup(cls.there.stop)
        cls.there.start()

    def arrives(self, subject):
        self.assertEqual(send(self.bob, "carol@there.example", subject)[0], 250)
        line = b"\nSubject: %s\n" % subject.encode()
        return wait_for(lambda: next((m for m in self.there.mail() if line in m), None),
                        what="%s: %s %s" % (subject, self.bob.queue(), self.there.log()))

    def test_login(self):
        self.smart("mx.there.example:%d" % self.lab.port)
        got = self.arrives("by Postfix")
        self.assertIn(b"(using TLSv1.3 with cipher ", got)
        self.assertIn("sasl_method=PLAIN, sasl_username=bob\n", self.there.mail_log())
        self.nothing_secret()

    def test_wrong_password(self):
        self.set_password("wrong horse")
        self.addCleanup(self.set_password, PASSWORD)
        self.smart("mx.there.example:%d" % self.lab.port)
        self.assertEqual(send(self.bob, "carol@there.example", "patience")[0], 250)
        self.waits("4.7.8 mx.there.example [%s] does not take our login: 535 5.7.8 " % self.there.address)
        self.assertEqual(self.there.mail_log().count("authentication failed"), 1)
        self.set_password(PASSWORD)
        self.reload()
        line = b"\nSubject: patience\n"
        wait_for(lambda: any(line in m for m in self.there.mail()), what=self.there.log())

    def test_no_login(self):
        """It refuses who does not log in, for good: that is told to the sender, in its words."""
        self.smart("mx.there.example:%d" % self.lab.port, None, relay__tls="verify")
        self.assertEqual(send(self.bob, "carol@there.example", "nobody")[0], 250)
        report = take(self.bob, "Undelivered mail returned to sender")
        self.assertIn(b"Recipient address rejected: Access denied", report)


if __name__ == "__main__":
    unittest.main()
