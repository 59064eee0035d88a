"""What users run, as they run it: swaks, msmtp, curl and smtplib send over 25,
587 with STARTTLS and 465; curl, fetchmail, getmail6 and poplib read over 110
and 995. What arrives is what was sent, byte for byte."""
import os
import poplib
import shutil
import smtplib
import ssl
import subprocess
import tempfile
import unittest

from server import Demo, wait_for

HEADER = (b"From: Bob <bob@alice.example>\r\nTo: alice@alice.example\r\n"
          b"Subject: %s\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
          b"Message-ID: <%s@client.example>\r\n")
BODIES = {
    "short": b"Hello Alice,\r\nthis is Bob.\r\n",
    "eight-bit": "Grüße, 你好, Привет\r\n".encode() + b"latin: \xe4\xf6\xfc\r\n",
    "dots": b".\r\n..\r\n.leading\r\n...\r\n. \r\nend.\r\n.\r\n",
    "empty-lines": b"\r\n" * 50,
    "one-empty-line": b"\r\n",
    "lines-of-998": (b"x" * 998 + b"\r\n") * 20,
    "no-body": b"",
}


def message(name, body):
    return HEADER % (name.encode(), name.encode()) + b"\r\n" + body


def attachment(size):
    """A message with an attachment of `size` bytes in base 64."""
    line = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0\r\n"
    lines = []
    for n in range(size // 57):
        lines.append(b"%08d" % n + line[8:])
    return (b"MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n" + b"".join(lines))


def lf(data):
    return data.replace(b"\r\n", b"\n")


def run(command, want=0, **options):
    done = subprocess.run(command, capture_output=True, timeout=120, **options)
    if done.returncode != want:
        raise AssertionError("%s: exit status %d\n%s\n%s" % (
            command[0], done.returncode, done.stdout.decode("utf-8", "replace")[-3000:],
            done.stderr.decode("utf-8", "replace")[-3000:]))
    return done.stdout


def run_getmail(folder):
    """What it brought into folder/mail. It delivers in a child, and now and then begins to wait
    only after that has ended (its Condition is told once): then it gives up, and the mail is
    both there and still on the server."""
    new = os.path.join(folder, "mail", "new")
    for _ in range(5):
        done = subprocess.run(["getmail", "--getmaildir", folder, "--rcfile", "getmailrc"], capture_output=True, timeout=120,
                              env=dict(os.environ, PATH="/usr/bin:/bin", HOME=folder))
        if b"waiting child pid" not in done.stdout + done.stderr:
            break
        for name in os.listdir(new):
            os.unlink(os.path.join(new, name))
    if done.returncode != 0:
        raise AssertionError(done)
    return [os.path.join(new, name) for name in os.listdir(new)]


class SendAndRead(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Demo()
        cls.host.start()
        cls.scratch = tempfile.TemporaryDirectory(prefix="posthouse-test-")
        os.chmod(cls.scratch.name, 0o711)       # getmail writes as nobody
        cls.tls = ssl.create_default_context(cafile=cls.host.certificate)
        cls.tls.check_hostname = False

    @classmethod
    def tearDownClass(cls):
        cls.host.__exit__()
        cls.scratch.cleanup()

    # reading

    def pop3(self, account=None):
        account = account or self.host.alice
        box = poplib.POP3(*self.host.pop3, timeout=60)
        box.user(account.address)
        box.pass_(account.password)
        return box

    def take(self, name):
        """Wait for the message with this subject, read it and delete it."""
        def look():
            box = self.pop3()
            found = None
            for n in range(1, box.stat()[0] + 1):
                top = b"\n".join(box.top(n, 0)[1])
                if b"\nSubject: %s\n" % name.encode() in top + b"\n":
                    found = b"".join(line + b"\r\n" for line in box.retr(n)[1])
                    box.dele(n)
                    break
            box.quit()
            return found
        return wait_for(look, what="the message " + name)

    def arrived(self, name, sent, got=None):
        got = got if got is not None else self.take(name)
        self.assertTrue(got.endswith(sent), "%s: sent %r... got %r..." % (name, sent[:300], got[-len(sent) - 300:][:600]))
        added = got[:len(got) - len(sent)]
        self.assertTrue(added.startswith(b"Return-Path: <bob@alice.example>\r\n"), added)
        self.assertIn(b"\r\nDelivered-To: alice@alice.example\r\n", added)
        self.assertIn(b"\r\nReceived: from ", added)

    # sending

    def file(self, name, data):
        path = os.path.join(self.scratch.name, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def smtplib_send(self, service, data):
        if service == "submissions":
            s = smtplib.SMTP_SSL(*self.host.submissions, context=self.tls, timeout=60)
        else:
            s = smtplib.SMTP(*getattr(self.host, service), timeout=60)
        if service == "submission":
            s.starttls(context=self.tls)
        if service != "smtp":
            s.login(self.host.bob.address, self.host.bob.password)
        s.sendmail("bob@alice.example", ["alice@alice.example"], data)
        s.quit()

    def test_smtplib_every_body_over_every_port(self):
        for service in ("smtp", "submission", "submissions"):
            for kind, body in BODIES.items():
                with self.subTest(service=service, kind=kind):
                    name = "smtplib-%s-%s" % (service, kind)
                    data = message(name, body)
                    self.smtplib_send(service, data)
                    self.arrived(name, data)

    def test_smtplib_no_last_crlf(self):
        data = message("no-last-crlf", b"the last line has no end")
        self.smtplib_send("smtp", data)
        self.arrived("no-last-crlf", data + b"\r\n")

    def test_attachment_of_30_mb(self):
        for service in ("smtp", "submissions"):
            with self.subTest(service=service):
                name = "attachment-" + service
                data = HEADER % (name.encode(), name.encode()) + attachment(30 << 20)
                self.smtplib_send(service, data)
                self.arrived(name, data)

    def test_curl_sends(self):
        urls = {
            "smtp": ["smtp://%s:%d" % self.host.smtp],
            "submission": ["smtp://%s:%d" % self.host.submission, "--ssl-reqd"],
            "submissions": ["smtps://%s:%d" % self.host.submissions],
        }
        for service, words in urls.items():
            for kind in ("short", "dots", "eight-bit"):
                with self.subTest(service=service, kind=kind):
                    name = "curl-%s-%s" % (service, kind)
                    data = message(name, BODIES[kind])
                    login = [] if service == "smtp" else [
                        "-k", "--user", "bob@alice.example:" + self.host.bob.password]
                    run(["curl", "-sS", "--url", *words, *login, "--mail-from", "bob@alice.example",
                         "--mail-rcpt", "alice@alice.example", "-T", self.file(name, data)])
                    self.arrived(name, data)

    def test_swaks_sends(self):
        ways = {
            "smtp": [], "submission": ["--tls"], "submissions": ["--tls-on-connect"],
        }
        for service, words in ways.items():
            with self.subTest(service=service):
                name = "swaks-" + service
                # A last line of one dot is swaks' own end of data.
                data = message(name, BODIES["dots"] + b"end\r\n")
                login = [] if service == "smtp" else [
                    "--auth", "LOGIN" if service == "submission" else "PLAIN", "--auth-user", "bob@alice.example",
                    "--auth-password", self.host.bob.password]
                run(["swaks", "--server", "%s:%d" % getattr(self.host, service), *words, *login,
                     "--from", "bob@alice.example", "--to", "alice@alice.example",
                     "--data", "@" + self.file(name, lf(data))])
                self.assertTrue(self.take(name).rstrip(b"\r\n").endswith(data.rstrip(b"\r\n")))

    def test_msmtp_sends(self):
        for service in ("smtp", "submission", "submissions"):
            with self.subTest(service=service):
                name = "msmtp-" + service
                data = message(name, BODIES["dots"])
                address, port = getattr(self.host, service)
                tls = {"smtp": ["tls off", "auth off"], "submission": ["tls on", "tls_starttls on"],
                       "submissions": ["tls on", "tls_starttls off"]}[service]
                login = [] if service == "smtp" else [
                    "tls_certcheck off", "auth plain", "user bob@alice.example",
                    "password " + self.host.bob.password]
                rc = self.file("msmtprc", "\n".join(
                    ["account default", "host " + address, "port %d" % port, "from bob@alice.example",
                     *tls, *login, ""]).encode())
                os.chmod(rc, 0o600)
                run(["msmtp", "-C", rc, "alice@alice.example"], input=lf(data))
                self.arrived(name, data)

    # other readers


    def test_curl_reads(self):
        data = message("curl-reads", BODIES["dots"])
        self.smtplib_send("smtp", data)
        wait_for(lambda: self.count() > 0)
        for words in (["pop3://%s:%d/1" % self.host.pop3], ["pop3://%s:%d/1" % self.host.pop3, "--ssl-reqd", "-k"],
                      ["pop3s://%s:%d/1" % self.host.pop3s, "-k"]):
            with self.subTest(words=words):
                got = run(["curl", "-sS", "--user", "alice@alice.example:" + self.host.alice.password, *words])
                self.assertTrue(got.endswith(data), got)
        self.take("curl-reads")

    def count(self):
        box = self.pop3()
        n = box.stat()[0]
        box.quit()
        return n

    def test_poplib_reads_over_tls(self):
        data = message("poplib-reads", BODIES["eight-bit"])
        self.smtplib_send("smtp", data)
        wait_for(lambda: self.count() > 0)
        for make in (lambda: poplib.POP3_SSL(*self.host.pop3s, context=self.tls, timeout=60), self.stls):
            box = make()
            box.user("alice@alice.example")
            box.pass_(self.host.alice.password)
            self.assertEqual(box.stat()[0], 1)
            self.assertTrue(b"".join(l + b"\r\n" for l in box.retr(1)[1]).endswith(data))
            box.quit()
        self.take("poplib-reads")

    def stls(self):
        box = poplib.POP3(*self.host.pop3, timeout=60)
        box.stls(context=self.tls)
        return box

    def test_fetchmail_reads(self):
        for service, words in (("pop3", 'sslproto ""'), ("pop3s", "ssl")):
            with self.subTest(service=service):
                name = "fetchmail-" + service
                data = message(name, BODIES["dots"])
                self.smtplib_send("smtp", data)
                wait_for(lambda: self.count() > 0)
                out = os.path.join(self.scratch.name, name + ".out")
                address, port = getattr(self.host, service)
                rc = self.file("fetchmailrc", (
                    'poll "%s" protocol pop3 port %d timeout 60 user "alice@alice.example" password "%s" %s'
                    ' no sslcertck no rewrite fetchall mda "cat >%s"\n' % (
                        address, port, self.host.alice.password, words, out)).encode())
                os.chmod(rc, 0o600)
                home = dict(os.environ, HOME=self.scratch.name, FETCHMAILHOME=self.scratch.name)
                run(["fetchmail", "--invisible", "-f", rc, "--idfile", rc + ".ids", "--pidfile", rc + ".pid"], env=home)
                got = open(out, "rb").read()
                self.assertTrue(lf(got).endswith(lf(data)), got)
                wait_for(lambda: self.count() == 0, what="fetchmail's DELE")

    def test_getmail_reads(self):
        for service, kind in (("pop3", "SimplePOP3Retriever"), ("pop3s", "SimplePOP3SSLRetriever")):
            with self.subTest(service=service):
                name = "getmail-" + service
                data = message(name, BODIES["short"])
                self.smtplib_send("smtp", data)
                wait_for(lambda: self.count() > 0)
                folder = os.path.join(self.scratch.name, name)
                for sub in ("cur", "new", "tmp"):
                    os.makedirs(os.path.join(folder, "mail", sub))
                writer = ""
                if os.geteuid() == 0:   # getmail does not write as root
                    writer = "user = nobody\n"
                    for sub in ("", "mail", "mail/cur", "mail/new", "mail/tmp"):
                        shutil.chown(os.path.join(folder, sub), "nobody")
                address, port = getattr(self.host, service)
                with open(os.path.join(folder, "getmailrc"), "w") as rc:
                    rc.write("[retriever]\ntype = %s\nserver = %s\nport = %d\nusername = alice@alice.example\n"
                             "password = %s\ntimeout = 20\n[destination]\ntype = Maildir\npath = %s/mail/\n%s"
                             "[options]\ndelete = true\nreceived = false\ndelivered_to = false\n" % (
                                 kind, address, port, self.host.alice.password, folder, writer))
                os.chmod(folder, 0o700)
                new = run_getmail(folder)
                self.assertEqual(len(new), 1)
                got = open(new[0], "rb").read()
                self.assertTrue(got.endswith(lf(data)), got)
                wait_for(lambda: self.count() == 0, what="getmail's DELE")
