"""posthouse mock: takes mail for anybody, keeps what it says, leaves nothing behind."""
import contextlib
import os
import poplib
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import unittest
import urllib.request

from server import POSTHOUSE, Demo, Mock, wait_for

RELEASE = os.environ["POSTHOUSE_RELEASE"]         # memory is measured without sanitizers
UNTRUSTING = ssl._create_unverified_context()


def run(*words, **more):
    return subprocess.run([POSTHOUSE, *words], capture_output=True, text=True, timeout=120, **more)


def send(host, subject, to="someone@elsewhere.example", login=None, size=20):
    with smtplib.SMTP(*host.smtp, timeout=60) as client:
        client.ehlo("client.example")
        if login:
            client.login(login, "secret")
        client.sendmail("sender@client.example", to, "Subject: %s\r\n\r\n%s\r\n" % (subject, "x" * size))


class Folder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="posthouse-mock-")
        self.addCleanup(shutil.rmtree, self.folder, True)


class Takes(unittest.TestCase):
    """What clients say, and that it is there."""

    def test_anybody(self):
        with Mock() as host:
            for number, to in enumerate(("x@nowhere.example", "postmaster", "@a.example,@b.example:c@d.example",
                                         '"a b"@c.example', "x@[192.0.2.1]")):
                with smtplib.SMTP(*host.smtp, timeout=60) as client:
                    client.ehlo("client.example")
                    self.assertEqual(client.docmd("MAIL", "FROM:<>")[0], 250)
                    self.assertEqual(client.docmd("RCPT", "TO:<%s>" % to)[0], 250, to)
                    self.assertEqual(client.data("Subject: %d\r\n\r\nx\r\n" % number)[0], 250)
            self.assertEqual(host.subjects(), [str(n) for n in range(5)])

    def test_tls_and_logins(self):
        with Mock() as host:
            with smtplib.SMTP(*host.smtp, timeout=60) as client:
                client.starttls(context=UNTRUSTING)
                client.login("whoever", "whatever")
                client.sendmail("a@b.example", "c@d.example", "Subject: starttls\r\n\r\nx\r\n")
            with smtplib.SMTP_SSL(*host.submissions, timeout=60, context=UNTRUSTING) as client:
                key = client.sock.getpeercert(True)
                client.sendmail("a@b.example", "c@d.example", "Subject: tls\r\n\r\nx\r\n")
            shown = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-text"], input=key,
                                   capture_output=True, timeout=60).stdout.decode()
            self.assertIn("id-ecPublicKey", shown)
            send(host, "clear", login="another")
            self.assertEqual(host.subjects("a third"), ["starttls", "tls", "clear"])

    def test_ready(self):
        """Without the roles that it has not."""
        with Mock() as host:
            with urllib.request.urlopen("http://%s:%d/readyz" % host.http, timeout=60) as answer:
                self.assertEqual(answer.status, 200)

    def test_swaks(self):
        with Mock() as host:
            done = subprocess.run(["swaks", "--server", "%s:%d" % host.smtp, "--from", "a@b.example",
                                   "--to", "x@gmail.com,y@example.org", "--auth", "LOGIN", "--auth-user", "u",
                                   "--auth-password", "p", "--tls", "--header", "Subject: swaks"],
                                  capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(host.subjects(), ["swaks"])       # one, for both

    def test_two_suites(self):
        """Each sees its own mail and deletes it; what comes without a login is in the one."""
        with Mock("--mailboxes", "login") as host:
            for number in range(3):
                send(host, "a%d" % number, login="suite-a")
                send(host, "b%d" % number, login="suite-b@example.org")
            send(host, "nobody's")
            self.assertEqual(host.subjects("suite-a"), ["a0", "a1", "a2"])
            box = host.box("suite-a")
            box.dele(1)
            box.quit()
            self.assertEqual(host.subjects("suite-a"), ["a1", "a2"])
            self.assertEqual(host.subjects("Suite-B@Example.org"), ["b0", "b1", "b2"])
            self.assertEqual(host.subjects("new"), [])
            self.assertEqual(host.subjects("mock"), ["nobody's"])


class Keeps(Folder):
    def test_newest(self):
        with Mock("--max-messages", "5") as host:
            with smtplib.SMTP(*host.smtp, timeout=60) as client:
                for number in range(40):
                    client.sendmail("a@b.example", "c@d.example", "Subject: %d\r\n\r\nx\r\n" % number)
                    if number % 10 == 9:
                        self.assertEqual(host.subjects(), [str(n) for n in range(number - 4, number + 1)])

    def test_bounded(self):
        """20,000 messages through a number of 500: what they leave behind is bounded."""
        with Mock(program=RELEASE) as host:
            done = run("bench", "smtp", "--to", "%s:%d" % host.smtp, "--messages", "20000", "--size", "5000",
                       "--recipients", "a@b.example")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            box = host.box()
            self.assertEqual(box.stat()[0], 500)
            box.quit()
            self.assertLess(wait_for(lambda: taken(host) < 48 << 20 and taken(host), what="space"), 48 << 20)

    def test_nothing_left(self):
        """kill -9, and there is nothing on disk."""
        home = os.path.join(self.folder, "cwd")
        os.mkdir(home)
        words = [POSTHOUSE, "mock", "--smtp", "0", "--smtps", "0", "--pop3", "0", "--http", "0", "--json"]
        process = subprocess.Popen(words, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   env=dict(os.environ, TMPDIR=home))
        process.stdout.readline()
        paths = set()
        for fd in os.listdir("/proc/%d/fd" % process.pid):
            with contextlib.suppress(FileNotFoundError):        # closed meanwhile
                paths.add(os.readlink("/proc/%d/fd/%s" % (process.pid, fd)))
        process.kill()
        process.wait()
        process.stdout.close()
        self.assertEqual(os.listdir(home), [])
        self.assertEqual([p for p in paths if p.startswith("/") and
                          not p.startswith(("/memfd:posthouse", "/dev/", "/proc/"))], [])

    def test_folder(self):
        data = os.path.join(self.folder, "data")
        with Mock("--mailboxes", "login", data=data) as host:
            send(host, "one")
            send(host, "two", login="suite")
            self.assertTrue(os.path.exists(host.certificate))
            done = run("mock", "--smtp", "0", "--smtps", "0", "--pop3", "0", "--http", "0", "--data", data)
            self.assertEqual(done.returncode, 1)
            self.assertIn("already running on %s (pid %d)" % (data, host.process.pid), done.stderr)
            host.stop()
            host.start()
            send(host, "three")
            self.assertEqual(host.subjects("mock"), ["one", "three"])
            self.assertEqual(host.subjects("suite"), ["two"])
            host.kill(roles=False)
            host.start()
            self.assertEqual(host.subjects("mock"), ["one", "three"])


def taken(host):
    """Bytes of memory: of the process, and of the files that it holds."""
    folder = "/proc/%d/fd" % host.process.pid
    files = {}
    for fd in os.listdir(folder):
        path = os.path.join(folder, fd)
        with contextlib.suppress(FileNotFoundError):            # closed meanwhile
            if os.readlink(path).startswith("/memfd:"):
                found = os.stat(path)
                files[found.st_ino] = found.st_blocks * 512
    for line in open("/proc/%d/status" % host.process.pid):
        if line.startswith("VmRSS:"):
            return sum(files.values()) + int(line.split()[1]) * 1024


class Options(Folder):
    def test_port_taken(self):
        with socket.socket() as taken_by:
            taken_by.bind(("127.0.0.1", 0))
            taken_by.listen()
            port = taken_by.getsockname()[1]
            for option, name in (("--smtp", "SMTP"), ("--smtps", "SMTPS"), ("--pop3", "POP3"), ("--http", "HTTP")):
                ports = {"--smtp": "0", "--smtps": "0", "--pop3": "0", "--http": "0", option: "127.0.0.1:%d" % port}
                done = run("mock", *(word for pair in ports.items() for word in pair))
                self.assertEqual(done.returncode, 1)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertIn("is another mock running?", done.stderr)
                for words in ("127.0.0.1:%d: address already in use" % port, option + " 127.0.0.1:0",
                              "POSTHOUSE_" + name):
                    self.assertIn(words, done.stderr)

    def test_no_such_address(self):
        done = run("mock", "--smtp", "192.0.2.1:0")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"192\.0\.2\.1:0: cannot assign requested address; --smtp 127")

    def test_nonsense(self):
        for words, environment, want in (
                (("--smtp", "there"), {}, "--smtp wants an address"),
                (("--pop3", "127.0.0.1"), {}, "--pop3 wants an address"),
                (("--max-messages", "many"), {}, "--max-messages wants a number"),
                (("--max-age", "3"), {}, "--max-age wants a time"),
                (("--mailboxes", "each"), {}, "--mailboxes wants one, or login"),
                ((), {"POSTHOUSE_SMTP": "x"}, "POSTHOUSE_SMTP wants an address"),
                ((), {"POSTHOUSE_STRICT": "maybe"}, "POSTHOUSE_STRICT wants yes or no"),
                ((), {"MP_MAX_AGE": "x"}, "MP_MAX_AGE wants a time"),
                ((), {"MP_DATABASE": "http://x"}, "MP_DATABASE wants a folder")):
            done = run("mock", *words, env=dict(os.environ, **environment))
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(want, done.stderr)
            self.assertEqual(done.stdout, "")

    def test_environment(self):
        """An option goes before our name, that before Mailpit's."""
        with Mock(environment={"POSTHOUSE_MAX_MESSAGES": "2", "MP_MAX_MESSAGES": "1",
                               "MP_SMTP_BIND_ADDR": "nonsense", "MP_MAX_AGE": "1h"}) as host:
            for number in range(4):
                send(host, str(number))
            self.assertEqual(host.subjects(), ["2", "3"])
        with Mock(environment={"MP_MAX_MESSAGES": "1"}) as host:
            for number in range(4):
                send(host, str(number))
            self.assertEqual(host.subjects(), ["3"])

    def test_words(self):
        process = subprocess.Popen([POSTHOUSE, "mock", "--smtp", "0", "--smtps", "none", "--pop3", "0", "--http", "0",
                                    "--max-messages", "7"], stdout=subprocess.PIPE, text=True)
        text = ""
        while "Ctrl-C" not in text:
            text += process.stdout.readline()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 0)
        process.stdout.close()
        self.assertRegex(text, r"SMTP +127\.0\.0\.1:\d+ ")
        self.assertNotIn("TLS from the first byte", text)
        for words in ("in memory", "the newest 7 are kept", " send --server 127.0.0.1:", "curl pop3://", "curl http://127.0.0.1:"):
            self.assertIn(words, text)

    def test_ends_at_once(self):
        """Sessions that wait are no reason to wait, in memory and with a folder."""
        for data in (None, os.path.join(self.folder, "data")):
            with Mock("--set", "drain.timeout=0", data=data) as host:
                smtp = smtplib.SMTP(*host.smtp, timeout=60)
                smtp.mail("a@b.example")
                pop3 = poplib.POP3(*host.pop3, timeout=60)
                host.stop(signal.SIGINT)
                smtp.close()
                pop3.close()


class OthersAreNone(Folder):
    def test_serve(self):
        """A server does not become a mock, and refuses what a mock takes."""
        conf = os.path.join(self.folder, "posthouse.conf")
        with open(conf, "w") as f:
            f.write("hostname = a.example\ndomains = a.example\nrelay = no\nmock = yes\ndata = %s/data\n"
                    % self.folder)
        done = run("serve", "--config", conf)
        self.assertEqual(done.returncode, 1)
        self.assertIn("posthouse.conf:4", done.stderr)
        self.assertIn("`posthouse mock` alone", done.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "data")))
        done = run("serve", "--demo", "--data", os.path.join(self.folder, "demo"), "--set", "mock=yes")
        self.assertEqual(done.returncode, 1)
        with Demo() as host, smtplib.SMTP(*host.smtp, timeout=60) as client:
            client.ehlo("client.example")
            self.assertNotIn("auth", client.esmtp_features)
            client.mail("a@b.example")
            self.assertEqual(client.rcpt("x@elsewhere.example")[0], 550)
