"""posthouse mock: takes mail for anybody, keeps what it says, leaves nothing behind."""
import contextlib
import json
import os
import poplib
import re
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import unittest
import urllib.request

from server import POSTHOUSE, Demo, Mock, free_ports, wait_for

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
            send(host, "it says so\r\nX-Posthouse-Mailbox: Suite-A", login="another")
            self.assertEqual(host.subjects("suite-a"), ["a1", "a2", "it says so"])
            event = wait_for(lambda: [e for e in events(host) if e["e"] == "mailbox"], what="its journey")[0]
            self.assertEqual((event["name"], event["account"]), ("Suite-A", "suite-a@mock.localhost"))


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
            wait_for(lambda: sum(map(len, journeys(host))) < 9 << 20, what="little space for journeys")
            self.assertGreater(len(journeys(host)), 8)

    def test_journey(self):
        """What happened to a message is written down, also in memory; what is older goes."""
        with Mock("--set", "journey.size=1M") as host:
            send(host, "x" * 40)
            wait_for(lambda: {e["e"] for e in events(host)} >= {"accepted", "durable"}, what="its journey")
            dialogue, = [e["dialogue"] for e in events(host) if e["e"] == "accepted"]
            self.assertIn("C: rcpt TO:<someone@elsewhere.example>", dialogue)
            first = min(e["t"] for e in events(host))

            def gone():
                for _ in range(50):
                    send(host, "another")
                return min(e["t"] for e in events(host)) > first
            wait_for(gone, what="the end of the oldest")
            self.assertLess(sum(map(len, journeys(host))), 2 << 20)

    def test_nothing_left(self):
        """All that mail, small and large, makes it open is in memory; kill -9, and nothing is on disk."""
        home = os.path.join(self.folder, "cwd")
        os.mkdir(home)
        words = [POSTHOUSE, "mock", "--smtp", "0", "--smtps", "0", "--pop3", "0", "--imap", "0", "--http", "0", "--json"]
        process = subprocess.Popen(words, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   env=dict(os.environ, TMPDIR=home))
        listens = json.loads(process.stdout.readline())["hosts"][0]
        with smtplib.SMTP(*listens["smtp"].rsplit(":", 1), timeout=60) as client:
            for size in (10, 1000000):
                client.sendmail("a@b.example", "c@d.example", "Subject: x\r\n\r\n" + "x" * 70 * (size // 70))
        box = poplib.POP3(*listens["pop3"].rsplit(":", 1), timeout=60)
        box.user("mock")
        box.pass_("any")
        self.assertEqual(box.stat()[0], 2)
        paths = []
        for fd in os.listdir("/proc/%d/fd" % process.pid):
            with contextlib.suppress(FileNotFoundError):        # closed meanwhile
                paths.append(os.readlink("/proc/%d/fd/%s" % (process.pid, fd)))
        self.assertEqual(os.listdir(home), [])
        process.kill()
        process.wait()
        box.close()
        process.stdout.close()
        self.assertEqual(os.listdir(home), [])
        # Its mailbox's log and pack, the journal's segment and the directory at least.
        self.assertGreaterEqual(len([p for p in paths if p.startswith("/memfd:posthouse")]), 4, paths)
        self.assertEqual([p for p in paths if p.startswith("/") and
                          not p.startswith(("/memfd:posthouse", "/dev/", "/proc/"))], [])

    def test_folder(self):
        data = os.path.join(self.folder, "data")
        with Mock("--mailboxes", "login", data=data) as host:
            send(host, "one")
            send(host, "two", login="suite")
            self.assertTrue(os.path.exists(host.certificate))
            done = run("mock", "--smtp", "0", "--smtps", "0", "--pop3", "0", "--imap", "0", "--http", "0", "--data", data)
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


def journeys(host):
    """The text of each file of journeys that a mock in memory has, once."""
    folder = "/proc/%d/fd" % host.process.pid
    texts = {}
    for fd in os.listdir(folder):
        path = os.path.join(folder, fd)
        with contextlib.suppress(FileNotFoundError):            # closed meanwhile
            if os.readlink(path).startswith("/memfd:"):
                with open(path, "rb") as file:
                    text = file.read() if file.read(5) == b'{"t":' else b""
                    if text:
                        texts[os.fstat(file.fileno()).st_ino] = b'{"t":' + text
    return list(texts.values())


def events(host):
    return [json.loads(line) for text in journeys(host) for line in text.splitlines() if line.endswith(b"}")]


class Options(Folder):
    def test_port_taken(self):
        with socket.socket() as taken_by:
            taken_by.bind(("127.0.0.1", 0))
            taken_by.listen()
            port = taken_by.getsockname()[1]
            for option, name in (("--smtp", "SMTP"), ("--smtps", "SMTPS"), ("--pop3", "POP3"), ("--imap", "IMAP"),
                                 ("--http", "HTTP")):
                ports = {"--smtp": "0", "--smtps": "0", "--pop3": "0", "--imap": "0", "--http": "0", option: "127.0.0.1:%d" % port}
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
                (("--max-age", "3651d"), {}, "--max-age wants a time, 3d or 12h, at most 3650d, or 0 for ever"),
                (("--max-age", "99999999999999999999s"), {}, "--max-age wants a time"),
                (("--max-messages", "4194305"), {}, "at most 4194304, or 0 for all, not \"4194305\""),
                (("--smtp", "\33[31m1025"), {}, 'not "\\x1b[31m1025"'),
                (("--mailboxes", "each"), {}, "--mailboxes wants one, or login"),
                ((), {"POSTHOUSE_SMTP": "x"}, "POSTHOUSE_SMTP wants an address"),
                ((), {"POSTHOUSE_STRICT": "maybe"}, "POSTHOUSE_STRICT wants yes or no"),
                ((), {"MP_MAX_AGE": "x"}, "MP_MAX_AGE wants a time"),
                ((), {"MP_DATABASE": "http://x"}, "MP_DATABASE wants a folder")):
            done = run("mock", *words, env=dict(os.environ, **environment))
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(want, done.stderr)
            self.assertEqual(done.stdout, "")

    def test_long(self):
        """What is longer than any value may be is named by where it stands, and is not shown whole."""
        for where in ("POSTHOUSE_DATA", "MP_DATABASE", "POSTHOUSE_SMTP", "MP_MAX_AGE", "POSTHOUSE_MAILBOXES"):
            done = run("mock", env=dict(os.environ, **{where: "x" * 100000}))
            self.assertEqual(done.returncode, 2, where)
            self.assertRegex(done.stderr, "^posthouse: mock: %s wants .*, at most 4096 bytes, not \"x+\\.\\.\\.\"\n$" % where)
        for words in (("--data", "x" * 100000), ("--set", "x" * 100000), ("x" * 100000,)):
            done = run("mock", *words)
            self.assertIn(done.returncode, (1, 2), words[0])
            self.assertRegex(done.stderr, "^posthouse: .{,300}\n$")

    def test_in_vain(self):
        """What --set would set and nobody would read."""
        data = os.path.join(self.folder, "data")
        for words, want in ((("--set", "data=" + data), "--set data does nothing without --data; name the folder"),
                            (("--set", "tls.certificate = x"), "--set tls.certificate does nothing without --data"),
                            (("--set", "relay.host=x", "--data", data), "--set relay.host does nothing in a mock"),
                            (("--set", "dns.servers=root"), "--set dns.servers does nothing in a mock")):
            done = run("mock", *words)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), (words, done.stderr))
            self.assertIn(want, done.stderr)
        self.assertFalse(os.path.exists(data))
        with Mock("--set", "journey.size=1M", data=data) as host:
            self.assertTrue(os.path.exists(os.path.join(host.data, "journey", "edge.0.log")))

    def test_together(self):
        """What options make a fault of together has no line of a file that nobody wrote."""
        for words, status, want in (
                (("--smtp", "1025", "--pop3", "1025"), 1, "listen.smtp and listen.pop3 both want 127.0.0.1:1025"),
                (("--set", "relay=yes"), 1, "on the command line: relay: a mock sends nothing; write relay = no"),
                (("--set", "mock=no"), 1, "on the command line: a mock is one; `posthouse serve` is the server")):
            done = run("mock", *words)
            self.assertEqual(done.returncode, status)
            self.assertRegex(done.stderr, "^posthouse: %s" % want)

    def test_nowhere(self):
        done = run("mock", "--smtp", "none", "--smtps", "none", "--pop3", "none", "--imap", "none", "--http", "none")
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)
        self.assertIn("it would listen nowhere", done.stderr)

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

    def test_hangup(self):
        """Ends it, but not one that nohup started."""
        for ignored in (False, True):
            def before():
                signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
            process = subprocess.Popen([POSTHOUSE, "mock", "--smtp", "0", "--smtps", "0", "--pop3", "0", "--imap", "0", "--http", "0", "--json"],
                                       stdout=subprocess.PIPE, text=True, preexec_fn=before)
            address = json.loads(process.stdout.readline())["hosts"][0]["smtp"]
            process.send_signal(signal.SIGHUP)
            if ignored:
                with smtplib.SMTP(*address.rsplit(":", 1), timeout=60) as client:
                    self.assertEqual(client.noop()[0], 250)
                self.assertIsNone(process.poll())
                process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(60), 0)
            process.stdout.close()

    def test_words(self):
        port = free_ports(1)
        process = subprocess.Popen([POSTHOUSE, "mock", "--smtp", str(port), "--smtps", "none", "--pop3", "0",
                                    "--imap", "0", "--http", "0", "--max-messages", "7", "--mailboxes", "login"], stdout=subprocess.PIPE, text=True)
        text = ""
        while "Ctrl-C" not in text:
            text += process.stdout.readline()
        with urllib.request.urlopen(re.search(r"http://127[^/]+/", text)[0] + "api/v1/info", timeout=60) as answer:
            self.assertEqual(json.load(answer)["Listen"], {"SMTP": "127.0.0.1:%d" % port})
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(60), 0)
        process.stdout.close()
        self.assertRegex(text, r"SMTP +127\.0\.0\.1:\d+ ")
        self.assertRegex(text, r"IMAP +127\.0\.0\.1:\d+ ")
        self.assertNotIn("TLS from the first byte", text)
        for words in ("in memory", "the newest 7 are kept", " send --server 127.0.0.1:", "curl pop3://",
                      "curl http://127.0.0.1:", '/1 --user mock:any\n', 'what comes without one in "mock"'):
            self.assertIn(words, text)

    def test_ends_at_once(self):
        """Sessions that wait are no reason to wait: none is given time, as it is when one asks for that."""
        for options, waits in (((), False), (("--set", "drain.timeout=1s"), True)):
            data = os.path.join(self.folder, str(waits))
            with Mock(*options, data=data) as host:
                smtp = smtplib.SMTP(*host.smtp, timeout=60)
                smtp.mail("a@b.example")
                pop3 = poplib.POP3(*host.pop3, timeout=60)
                host.stop(signal.SIGINT)
                smtp.close()
                pop3.close()
                self.assertEqual("sessions under way have 1 seconds" in host.log("keeper"), waits)


class OthersAreNone(Folder):
    def test_serve(self):
        """A server does not become a mock, and refuses what a mock takes."""
        conf = os.path.join(self.folder, "posthouse.conf")
        with open(conf, "w") as f:
            f.write("hostname = a.example\ndomains = a.example\nrelay = no\nmock = yes\ndata = %s/data\n"
                    % self.folder)
        done = run("serve", "--config", conf)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "posthouse: %s:4: mock = yes is for `posthouse mock` alone: a server would "
                         "take mail for anybody\n" % conf)
        checked = run("check", "--config", conf)
        self.assertEqual((checked.returncode, checked.stderr), (1, done.stderr))
        self.assertNotIn("ok", checked.stdout)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "data")))
        done = run("serve", "--demo", "--data", os.path.join(self.folder, "demo"), "--set", "mock=yes")
        self.assertEqual(done.returncode, 1)
        with Demo() as host, smtplib.SMTP(*host.smtp, timeout=60) as client:
            client.ehlo("client.example")
            self.assertNotIn("auth", client.esmtp_features)
            client.mail("a@b.example")
            self.assertEqual(client.rcpt("x@elsewhere.example")[0], 550)
