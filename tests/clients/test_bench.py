"""posthouse bench smtp against our own server and against one that misbehaves;
and posthouse demo."""
import json
import os
import poplib
import re
import signal
import socketserver
import subprocess
import tempfile
import threading
import unittest
import zlib

from server import POSTHOUSE, Demo, wait_for


def bench(*options, seconds=120):
    return subprocess.run([POSTHOUSE, "bench", "smtp", *options], capture_output=True, text=True,
                          timeout=seconds)


class Rude(socketserver.StreamRequestHandler):
    """An SMTP server that fails as it is told to, by the recipient's name."""

    def say(self, text):
        self.wfile.write(text.encode())

    def handle(self):
        try:
            self.talk()
        except OSError:
            pass

    def talk(self):
        rcpt = ""
        self.say("220 rude\r\n")
        for line in iter(self.rfile.readline, b""):
            verb = line[:4].upper()
            if verb == b"EHLO":
                self.say("250-rude\r\n250 PIPELINING\r\n")
            elif verb == b"RCPT":
                rcpt = line.decode()
                self.say("450 4.2.0 later\r\n" if "later" in rcpt else "250 ok\r\n")
            elif verb == b"DATA" and "later" in rcpt:
                self.say("503 nobody\r\n")
            elif verb == b"DATA":
                self.say("354 go\r\n")
                while self.rfile.readline() not in (b".\r\n", b""):
                    if "vanish" in rcpt:
                        return
                self.say("554 no\r\n" if "never" in rcpt else "250 ok\r\n")
            elif verb == b"QUIT":
                self.say("221 bye\r\n")
                return
            else:
                self.say("250 ok\r\n")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 100


class Bench(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Demo()
        cls.host.start()
        cls.folder = tempfile.mkdtemp(prefix="posthouse-bench-")
        cls.demo = os.path.join(cls.folder, "demo.json")
        with open(cls.demo, "w") as file:
            json.dump(cls.host.ready, file)
        cls.rude = Server(("127.0.0.1", 0), Rude)
        threading.Thread(target=cls.rude.serve_forever, daemon=True).start()
        cls.rude_address = "127.0.0.1:%d" % cls.rude.server_address[1]

    @classmethod
    def tearDownClass(cls):
        cls.rude.shutdown()
        cls.rude.server_close()
        os.unlink(cls.demo)
        os.rmdir(cls.folder)
        cls.host.__exit__()

    def box(self):
        box = poplib.POP3(*self.host.pop3, timeout=60)
        box.user(self.host.alice.address)
        box.pass_(self.host.alice.password)
        return box

    def measure(self, *options, status=0):
        run = bench("--json", *options)
        self.assertEqual(run.returncode, status, run.stdout + run.stderr)
        return json.loads(run.stdout)

    def test_all_ways(self):
        for options in ([], ["--new"], ["--tls", "starttls"], ["--tls", "tls"],
                        ["--per-message", "2"], ["--size", "1"], ["--size", "300000"]):
            with self.subTest(options=options):
                got = self.measure("--demo", self.demo, "--messages", "40", *options)
                each = 2 if "--per-message" in options else 1
                self.assertEqual(got["accepted"]["messages"], 40)
                self.assertEqual(got["delivered"]["messages"], 40 * each)
                self.assertEqual((got["failed"], got["not_sent"]), (0, 0))
                steps = [got["latency_ms"][p] for p in ("p50", "p90", "p99", "max")]
                self.assertEqual(steps, sorted(steps))
                self.assertGreater(steps[0], 0)

    def test_size_is_exact(self):
        for size in (400, 401, 402, 1000, 1001, 77777):
            box = self.box()
            before = box.stat()[0]
            box.quit()
            self.measure("--demo", self.demo, "--messages", "1", "--size", str(size),
                         "--recipients", self.host.alice.address)
            box = self.box()
            self.assertEqual(box.stat()[0], before + 1)
            lines = box.retr(before + 1)[1]
            box.dele(before + 1)
            box.quit()
            start = next(i for i, line in enumerate(lines) if line.startswith(b"Date:"))
            self.assertEqual(sum(len(line) + 2 for line in lines[start:]), size)

    def test_one_password_for_all(self):
        """--pop3-password looks into the recipients' mailboxes; --pop3-before says what is there."""
        alice, (host, port) = self.host.alice, self.host.pop3
        for number, wrong in enumerate((0, 0, 3)):
            box = self.box()
            before = box.stat()[0]
            box.quit()
            got = self.measure("--to", "%s:%d" % self.host.smtp, "--recipients", alice.address,
                               "--messages", "6", "--pop3", "%s:%d" % (host, port),
                               "--pop3-password", alice.password,
                               *(["--pop3-before", str(before - wrong)] if number else []),
                               status=1 if wrong else 0)
            # Three more than were sent: the count that was given was wrong.
            self.assertEqual(got["delivered"]["messages"], 6 + wrong)
            self.assertEqual(got["delivered"]["expected"], 6)

    def test_text_is_like_mail(self):
        """Lines as in mail, in words, of a size that is not easily packed."""
        box = self.box()
        before = box.stat()[0]
        box.quit()
        self.measure("--demo", self.demo, "--messages", "2", "--recipients",
                     self.host.alice.address)
        box = self.box()
        bodies = []
        for number in (before + 1, before + 2):
            lines = box.retr(number)[1]
            bodies.append(b"\r\n".join(lines[lines.index(b""):]))
            self.assertLessEqual(max(map(len, lines)), 998)
        box.quit()
        self.assertNotEqual(*bodies)
        for body in bodies:
            ratio = len(body) / len(zlib.compress(body, 1))
            self.assertTrue(1.5 < ratio < 4, ratio)

    def test_refused(self):
        got = self.measure("--demo", self.demo, "--messages", "9", "--recipients",
                           "%s,nobody@alice.example,x@elsewhere.example" % self.host.bob.address,
                           status=1)
        self.assertEqual((got["accepted"]["messages"], got["codes"]), (3, {"550": 6}))
        self.assertEqual(got["delivered"]["messages"], 3)
        self.assertIn("550 5.", got["first_fault"])

    def test_rude_server(self):
        got = self.measure("--to", self.rude_address, "--messages", "40", "--sessions", "4",
                           "--recipients", "a@x,later@x,never@x,vanish@x", status=1)
        self.assertEqual(got["accepted"]["messages"], 10)
        self.assertEqual(got["codes"], {"0": 10, "450": 10, "554": 10})
        self.assertEqual((got["failed"], got["delivered"]), (30, None))

    def test_nobody_there(self):
        with socketserver.TCPServer(("127.0.0.1", 0), Rude) as closed:
            port = closed.server_address[1]
        got = self.measure("--to", "127.0.0.1:%d" % port, "--recipients", "a@x", status=1)
        self.assertEqual((got["accepted"]["messages"], got["not_sent"]), (0, 1000))
        self.assertIn("Connection refused", got["first_fault"])

    def test_interrupt(self):
        with subprocess.Popen([POSTHOUSE, "bench", "smtp", "--json", "--to", self.rude_address,
                               "--recipients", "a@x", "--messages", "50000000"],
                              stdout=subprocess.PIPE, text=True) as process:
            name = "/proc/%d/status" % process.pid
            # SIGINT is bit 1 of the caught ones.
            wait_for(lambda: int(re.search(r"SigCgt:\s*(\w+)", open(name).read())[1], 16) & 2)
            process.send_signal(signal.SIGINT)
            got = json.loads(process.stdout.read())
            self.assertEqual(process.wait(60), 1)
        self.assertTrue(got["interrupted"])
        self.assertGreater(got["not_sent"], 0)

    def test_usage(self):
        for options, words in (
                ([], "--to ADDR:PORT"), (["--to", "nonsense"], "127.0.0.1:25"),
                (["--to", "127.0.0.1:1"], "whom to"),
                (["--to", "127.0.0.1:1", "--recipients", "x"], "addresses"),
                (["--to", "127.0.0.1:1", "--rcpt-template", "a@b"], "%d"),
                (["--to", "127.0.0.1:1", "--recipients", "a@b", "--per-message", "2"], "only 1"),
                (["--to", "127.0.0.1:1", "--pop3", "127.0.0.1:2"], "--pop3-login"),
                (["--to", "127.0.0.1:1", "--pop3-login", "a:b"], "--pop3"),
                (["--to", "127.0.0.1:1", "--pop3-password", "x", "--recipients", "a@b"], "--pop3 "),
                (["--to", "127.0.0.1:1", "--pop3", "127.0.0.1:2", "--pop3-login", "a:b",
                  "--pop3-password", "x", "--recipients", "a@b"], "leave out"),
                (["--sessions", "0"], "from 1"), (["--tls", "ssl"], "starttls"),
                (["--auth", "x", "--to", "127.0.0.1:1"], "USER:PASSWORD")):
            with self.subTest(options=options):
                run = bench(*options)
                self.assertEqual((run.returncode, run.stdout), (2, ""))
                self.assertIn(words, run.stderr)
                self.assertEqual(run.stderr.count("\n"), 1)
        for file, words in (("/nonexistent", "No such file"), ("/etc/passwd", "/etc/passwd")):
            run = bench("--demo", file)
            self.assertEqual(run.returncode, 1)
            self.assertIn(words, run.stderr)


class Demonstration(unittest.TestCase):
    def test_dialogues(self):
        with tempfile.TemporaryDirectory(prefix="posthouse-demo-") as folder:
            with subprocess.Popen([POSTHOUSE, "demo", "--data", os.path.join(folder, "data")],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  text=True) as process:
                text = ""
                for line in process.stdout:
                    text += line
                    if "Ctrl-C" in line:
                        break
                process.send_signal(signal.SIGINT)
                process.stdout.read()
                self.assertEqual(process.wait(60), 0)
        password = re.search(r"account +alice@\S+ +password (\S+)", text)[1]
        dialogues = text[text.index("SMTP at"):text.index("The message is on disk")]
        for line in ("  C: MAIL FROM:<bob@alice.example>", "  S: 250 2.0.0 Ok: queued as",
                     "  C: PASS ********", "  S: Delivered-To: alice@alice.example",
                     "  S: Subject: The first message"):
            self.assertIn(line, dialogues)
        self.assertNotIn(password, dialogues)
