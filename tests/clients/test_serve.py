"""posthouse serve and check: what they refuse, reload, restart and stop."""
import json
import os
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import unittest
import urllib.request

from server import POSTHOUSE, Demo, free_ports, wait_for

LISTENERS = ("smtp", "submission", "submissions", "pop3", "pop3s", "imap", "imaps")


def run(*words, cwd=None):
    return subprocess.run([POSTHOUSE, *words], capture_output=True, text=True, cwd=cwd,
                          timeout=120)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def opens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        return True
    except ConnectionRefusedError:
        return False


class Folder(unittest.TestCase):
    """A folder of its own for each test, with a posthouse.conf to write."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="posthouse-serve-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        os.chmod(self.folder, 0o755)
        self.conf = os.path.join(self.folder, "posthouse.conf")
        self.data = os.path.join(self.folder, "data")

    def write(self, **keys):
        """A configuration on loopback, with these keys ('__' is a dot)."""
        rows = {"hostname": "mail.alice.example", "data": self.data, "user": "none",
                "edges": 1, "stores": 1, "drain.timeout": "1s"}
        rows.update(("listen." + name, "127.0.0.1:0") for name in LISTENERS)
        rows.update((key.replace("__", "."), value) for key, value in keys.items())
        with open(self.conf, "w") as f:
            f.writelines("%s = %s\n" % row for row in rows.items() if row[1] is not None)

    def line_of(self, key):
        for number, line in enumerate(open(self.conf), 1):
            if line.startswith(key + " "):
                return number

    def make_certificate(self, name):
        """Self-signed, for mail.alice.example; returns both paths."""
        paths = [os.path.join(self.folder, name + end) for end in (".pem", ".key")]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj",
                        "/CN=mail.alice.example", "-out", paths[0], "-keyout", paths[1]],
                       check=True, capture_output=True)
        return paths

    def refused(self, *words, status=1):
        done = run(*words, cwd=self.folder)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertNotIn("Sanitizer", done.stderr)
        for line in done.stderr.splitlines():
            self.assertTrue(line.startswith("posthouse: "), done.stderr)
        return done.stderr


class Server:
    """posthouse serve --json with a configuration; stops at the end of the test."""

    def __init__(self, test, *words):
        self.errors = open(os.path.join(test.folder, "stderr"), "ab")
        self.process = subprocess.Popen([POSTHOUSE, "serve", "--json", *words],
                                        cwd=test.folder, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self.errors)
        test.addCleanup(self.end)
        line = self.process.stdout.readline()
        assert line, self.said()
        self.host = json.loads(line)["hosts"][0]

    def port(self, service):
        return int(self.host[service].rsplit(":", 1)[1])

    def said(self):
        return open(self.errors.name).read()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def stop(self, signo=signal.SIGTERM):
        self.process.send_signal(signo)
        status = self.process.wait(60)
        assert "Sanitizer" not in self.said(), self.said()
        return status

    def reload(self, word):
        """SIGHUP, and wait until it says so."""
        before = self.said().count(word)
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.said().count(word) > before, what=word + " in " + self.said())


class Refused(Folder):
    def test_no_configuration(self):
        if os.path.exists("/etc/posthouse/posthouse.conf"):
            self.skipTest("this host has a posthouse.conf")
        self.assertIn("hostname = ", self.refused("serve"))

    def test_unreadable_configuration(self):
        self.assertEqual(self.refused("serve", "--config", "no.conf"),
                         "posthouse: cannot read no.conf: No such file or directory\n")

    def test_faults_with_positions(self):
        with open(self.conf, "w") as f:
            f.write("hostnam = a.example\n\nlimit.errors = x\n")
        self.assertEqual(
            self.refused("serve"),
            'posthouse: posthouse.conf:1: unknown key "hostnam"; did you mean "hostname"?\n'
            'posthouse: posthouse.conf:3: limit.errors: "x" is not a number\n'
            'posthouse: posthouse.conf: hostname is not set; write a line '
            '"hostname = mail.example.org"\n')

    def test_usage(self):
        for words, want in ((["serve", "--demo", "--port-base", "0"], "--port-base"),
                            (["serve", "--port-base", "4000"], "--demo"),
                            (["serve", "--demo", "--config", "x"], "--config"),
                            (["serve", "--data"], "--data DIR"),
                            (["serve", "now"], '"now"'),
                            (["role", "edge", "0"], "serve"),
                            (["role", "mayor", "0"], "mayor")):
            self.assertIn(want, self.refused(*words, status=2))

    def test_busy_port(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            port = s.getsockname()[1]
            self.write(listen__smtp="127.0.0.1:%d" % port)
            self.assertEqual(
                self.refused("serve").splitlines()[-1],
                "posthouse: cannot listen on 127.0.0.1:%d (listen.smtp, posthouse.conf:%d): "
                "address already in use" % (port, self.line_of("listen.smtp")))

    def test_missing_certificate(self):
        self.write(tls__certificate="/nowhere/c.pem", tls__key="/nowhere/k.pem")
        self.assertEqual(self.refused("serve"),
                         "posthouse: cannot read /nowhere/c.pem (tls.certificate, "
                         "posthouse.conf:%d): No such file or directory\n"
                         % self.line_of("tls.certificate"))

    def test_wrong_key(self):
        (a, _), (_, b) = self.make_certificate("a"), self.make_certificate("b")
        self.write(tls__certificate=a, tls__key=b)
        said = self.refused("serve")
        self.assertEqual(said.count("\n"), 1)
        self.assertIn(a, said)

    def test_newer_data(self):
        os.mkdir(self.data)
        with open(os.path.join(self.data, "version"), "w") as f:
            f.write("2\n")
        self.write()
        self.assertEqual(self.refused("serve"),
                         "posthouse: data folder %s was written by a newer posthouse "
                         "(version 2; this one knows 1)\n" % self.data)

    def test_data_is_no_folder(self):
        open(self.data, "w").close()
        self.write()
        self.assertEqual(self.refused("serve"), "posthouse: cannot read the data folder %s: "
                         "Not a directory\n" % self.data)

    def test_damaged_seal_key(self):
        os.mkdir(self.data)
        with open(os.path.join(self.data, "seal.key"), "wb") as f:
            f.write(b"short")
        self.write()
        self.assertIn("seal.key is damaged", self.refused("serve"))

    @unittest.skipIf(os.geteuid() != 0, "only root becomes somebody else")
    def test_unknown_user(self):
        self.write(user="nobody-of-this-name")
        self.assertIn('user "nobody-of-this-name" (user, posthouse.conf:%d) does not exist'
                      % self.line_of("user"), self.refused("serve"))

    def test_second_start(self):
        self.write()
        server = Server(self)
        self.assertEqual(self.refused("serve"),
                         "posthouse: already running on %s (pid %d)\n"
                         % (self.data, server.process.pid))
        self.assertEqual(server.stop(), 0)


class Check(Folder):
    def test_ok(self):
        cert, key = self.make_certificate("a")
        self.write(tls__certificate=cert, tls__key=key)
        done = run("check", cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("posthouse.conf: ok", done.stdout)
        self.assertFalse(os.path.exists(self.data), "check changes nothing")

    def test_all_faults(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            self.write(listen__pop3="127.0.0.1:%d" % s.getsockname()[1],
                       tls__certificate="/nowhere/c.pem", tls__key="/nowhere/k.pem")
            done = run("check", cwd=self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere/c.pem", done.stderr)
        self.assertIn("address already in use", done.stderr)

    def test_running(self):
        self.write(listen__smtp="127.0.0.1:%d" % free_port())
        server = Server(self)
        done = run("check", cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("pid %d" % server.process.pid, done.stdout)
        self.assertEqual(server.stop(), 0)


class Reload(Folder):
    def test_listeners(self):
        first, second = free_port(), free_port()
        self.write(listen__smtp="127.0.0.1:%d" % first)
        server = Server(self)
        session = smtplib.SMTP("127.0.0.1", first, timeout=30)
        self.assertEqual(session.ehlo()[0], 250)
        self.write(listen__smtp="127.0.0.1:%d" % second, limit__message_size="77777")
        server.reload("reloaded")
        wait_for(lambda: opens(second), what="the new listener")
        wait_for(lambda: not opens(first), what="the end of the old one")
        self.assertEqual(session.noop()[0], 250, "a reload drops no session")
        session.quit()
        with smtplib.SMTP("127.0.0.1", second, timeout=30) as after:
            after.ehlo()
            self.assertEqual(after.esmtp_features["size"], "77777")
        self.assertEqual(server.stop(), 0)

    def test_http(self):
        """The web role comes with the first listener, and its connections end with it."""
        port = free_port()
        self.write()
        server = Server(self)
        self.assertFalse(opens(port))
        self.write(listen__http="127.0.0.1:%d" % port)
        server.reload("reloaded")
        wait_for(lambda: opens(port), what="the new listener")
        for _ in range(2):
            with urllib.request.urlopen("http://127.0.0.1:%d/livez" % port, timeout=30) as answer:
                self.assertEqual(answer.status, 200)
            server.reload("reloaded")
        self.write()
        server.reload("reloaded")
        wait_for(lambda: not opens(port), what="its end")
        self.assertEqual(server.stop(), 0)

    def test_fair_shares(self):
        """Limits hold for those who come; sessions that are there stay."""
        def greeting():
            s = socket.create_connection(("127.0.0.1", server.port("smtp")), 30)
            self.addCleanup(s.close)
            return s.recv(100)[:3]

        self.write(edges=1, limit__trusted="none", limit__sessions_per_address=2)
        server = Server(self)
        self.assertEqual([greeting() for _ in range(3)], [b"220", b"220", b"421"])
        self.write(edges=1, limit__trusted="127.0.0.1, ::1", limit__sessions_per_address=2)
        server.reload("reloaded")
        wait_for(lambda: greeting() == b"220", what="the trust")
        self.write(edges=1, limit__trusted="10.0.0.0/8", limit__sessions_per_address=3)
        server.reload("reloaded")
        wait_for(lambda: greeting() == b"421", what="the limit")
        self.assertEqual(server.stop(), 0)

    def test_certificate(self):
        cert, key = self.make_certificate("a")
        self.write(tls__certificate=cert, tls__key=key)
        server = Server(self)

        def served():
            return ssl.get_server_certificate(("127.0.0.1", server.port("submissions")))

        self.assertEqual(served(), open(cert).read())
        other, other_key = self.make_certificate("b")
        shutil.copy(other, cert)
        server.reload("the configuration stays as it was")      # half of the pair
        self.assertNotEqual(served(), open(cert).read())
        shutil.copy(other_key, key)
        server.reload("reloaded")
        wait_for(lambda: served() == open(cert).read(), what="the new certificate")
        self.assertEqual(server.stop(), 0)

    def test_faults_and_restarts(self):
        self.write(limit__message_size="77777")
        server = Server(self)
        self.write(limit__message_size="lots")
        server.reload("the configuration stays as it was")
        self.assertIn('posthouse.conf:%d: limit.message_size: "lots" is not a size'
                      % self.line_of("limit.message_size"), server.said())
        self.write(stores=2)
        server.reload("stores changed: it takes effect at the next start")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            self.write(listen__smtp="127.0.0.1:%d" % s.getsockname()[1])
            server.reload("the configuration stays as it was")
        with smtplib.SMTP("127.0.0.1", server.port("smtp"), timeout=30) as session:
            self.assertEqual(session.noop()[0], 250)
        self.assertEqual(server.stop(), 0)


class Life(Folder):
    def test_demo_twice(self):
        with Demo(data=self.data) as host:
            first = host.ready
        with Demo(data=self.data) as host:
            self.assertEqual(host.ready["hosts"][0]["accounts"], first["hosts"][0]["accounts"])
            context = ssl.create_default_context(cafile=host.certificate)
            context.check_hostname = False
            with smtplib.SMTP_SSL(*host.submissions, timeout=30, context=context) as session:
                session.login(host.alice.address, host.alice.password)

    def test_demo_again_without_accounts(self):
        """The first start ended between the passwords and the accounts."""
        with Demo() as host:
            host.stop()
            folder = os.path.join(host.data, "directory")
            for name in os.listdir(folder):
                os.unlink(os.path.join(folder, name))
            before = host.alice.password
            host.start()
            self.assertEqual(host.alice.password, before)
            self.assertEqual(host.count(), 0)
            self.assertEqual(host.count(host.bob), 0)

    def test_ready_line(self):
        base = free_ports()
        with Demo("--port-base", str(base), data=self.data) as host:
            row = host.ready["hosts"][0]
            self.assertEqual(set(row), {"name", "domain", "accounts", "http", *LISTENERS})
            self.assertEqual(row["http"], "")
            self.assertEqual([row[name] for name in LISTENERS],
                             ["127.0.0.1:%d" % (base + i) for i in range(7)])
            self.assertEqual(row["domain"], "alice.example")
            self.assertEqual([a["address"] for a in row["accounts"]],
                             ["alice@alice.example", "bob@alice.example"])
            self.assertTrue(os.path.isabs(host.certificate))

    def test_roles_return(self):
        with Demo("--set", "edges=1", "--set", "stores=2", data=self.data) as host:
            for name, count in (("edge", 1), ("store", 2), ("router", 1), ("directory", 1)):
                old = host.roles()[name]
                self.assertEqual(len(old), count)
                os.kill(old[0], signal.SIGKILL)

                def back(name=name, count=count, old=old[0]):
                    pids = host.roles().get(name, [])
                    return len(pids) == count and old not in pids
                wait_for(back, what=name + " is back")
            wait_for(lambda: self.greets(host), what="the greeting")

    def greets(self, host):
        try:
            with smtplib.SMTP(*host.smtp, timeout=30) as session:
                return session.noop()[0] == 250
        except (OSError, smtplib.SMTPException):
            return False

    def test_killed_keeper(self):
        """Its roles end by themselves, and the next start waits for them."""
        host = Demo(data=self.data)
        host.start()
        roles = [pid for pids in host.roles().values() for pid in pids]
        host.process.kill()
        host.process.wait()
        host.process.stdout.close()
        with Demo(data=self.data):
            for pid in roles:
                self.assertFalse(os.path.exists("/proc/%d" % pid) and
                                 b"role" in open("/proc/%d/cmdline" % pid, "rb").read())

    def test_signals(self):
        for signo in (signal.SIGTERM, signal.SIGINT):
            self.write()
            self.assertEqual(Server(self).stop(signo), 0)

    def test_second_signal(self):
        self.write(drain__timeout="10m", smtp__greeting_delay="0")
        server = Server(self)
        session = smtplib.SMTP("127.0.0.1", server.port("smtp"), timeout=30)
        session.mail("a@b.example")             # a transaction that holds the drain up
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: "stopping" in server.said(), what="the drain")
        self.assertIsNone(server.process.poll())
        self.assertEqual(server.stop(), 0)
        session.close()

    def test_one_process(self):
        with Demo("--one-process", data=self.data) as host:
            self.assertEqual(host.roles(), {})
            self.assertTrue(self.greets(host))

    def test_folder_is_private(self):
        with Demo(data=self.data):
            self.assertEqual(os.stat(self.data).st_mode & 0o777, 0o700)
            for name in ("seal.key", "demo.json", "tls/key.pem", "log/keeper.log"):
                self.assertEqual(os.stat(os.path.join(self.data, name)).st_mode & 0o077, 0)
