"""posthouse send and posthouse sendmail, as people and programs run them: what they
say, what they exit with, and what arrives in the mailbox."""
import email
import email.policy
import os
import poplib
import pty
import re
import select
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

from server import Demo, POSTHOUSE, free_ports, wait_for

UMLAUTS = "Grüße an alle: 你好, Привет und ein langer Betreff, der auf eine Zeile nicht passt"


def parse(raw):
    """With LF: Python's parser gives a text the line ends that it has."""
    return email.message_from_bytes(raw.replace(b"\r\n", b"\n"), policy=email.policy.default)


class Host(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Demo()
        cls.host.start()
        cls.scratch = tempfile.mkdtemp(prefix="posthouse-test-")
        cls.smtp = "%s:%d" % cls.host.smtp
        cls.submission = "%s:%d" % cls.host.submission
        cls.submissions = "%s:%d" % cls.host.submissions

    @classmethod
    def tearDownClass(cls):
        cls.host.__exit__()
        shutil.rmtree(cls.scratch)

    def file(self, name, data):
        path = os.path.join(self.scratch, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def empty(self, account):
        box = self.host.box(account)
        got = []
        for n in range(1, box.stat()[0] + 1):
            got.append(b"".join(line + b"\r\n" for line in box.retr(n)[1]))
            box.dele(n)
        box.quit()
        return got

    def raw(self, account=None):
        """The one message that is in the mailbox, taken out."""
        got = wait_for(lambda: self.empty(account or self.host.alice), what="the message")
        self.assertEqual(len(got), 1)
        return got[0]

    def message(self, account=None):
        return parse(self.raw(account))

    def run_it(self, words, stdin=b"", want=0, lines=0, environment=None):
        """Run; check the exit status and how many lines of complaint there are."""
        env = dict(os.environ, **(environment or {}))
        env.pop("POSTHOUSE_PASSWORD", None) if not environment else None
        done = subprocess.run([POSTHOUSE, *words], input=stdin, capture_output=True, timeout=120,
                              env=env, cwd=self.scratch, start_new_session=True)
        said = done.stderr.decode()
        self.assertEqual(done.returncode, want, (words, said, done.stdout))
        self.assertEqual(said.count("\n"), lines, said)
        self.assertTrue(all(line.startswith("posthouse: ") for line in said.splitlines()), said)
        return done.stdout.decode(), said


class Send(Host):
    def send(self, *words, to="alice@alice.example", server=None, sender="bob@alice.example",
             **options):
        words = [*words, "--to", to] if to else words
        words = [*words, "--from", sender] if sender else words
        return self.run_it(["send", "--server", server or self.smtp, *words], **options)

    def test_plain(self):
        out, _ = self.send("--subject", "plain", "--body", "Hi Alice.")
        self.assertRegex(out, r"^250 2\.0\.0 Ok: queued as \S+\n$")
        raw = self.raw()
        m = parse(raw)
        self.assertEqual(m["Subject"], "plain")
        self.assertEqual(m["From"], "bob@alice.example")
        self.assertEqual(m["To"], "alice@alice.example")
        self.assertEqual(m["MIME-Version"], "1.0")
        self.assertEqual(m.get_content_type(), "text/plain")
        self.assertEqual(m["Content-Transfer-Encoding"], "7bit")
        self.assertRegex(m["Message-ID"], r"^<[0-9a-z]{20,}@alice\.example>$")
        self.assertIsNotNone(m["Date"].datetime)
        self.assertEqual(m.get_content(), "Hi Alice.\n")
        self.assertFalse(m.defects)
        self.assertIn(b"\r\nReceived: from ", raw)
        self.assertIn(b" with ESMTPS", raw)     # STARTTLS was offered

    def test_everything(self):
        data = {"bild.png": os.urandom(100000), "Übersicht 50%.txt": "Grüße\n".encode(),
                "a\"b\\c.bin": bytes(range(256)), "empty": b"",
                "ein sehr langer Name, der in eine Zeile nicht passt, und länger ist.pdf": b"%PDF"}
        attached = []
        for name, content in data.items():
            attached += ["--attach", self.file(name, content)]
        out, _ = self.send("--to", "\"Doe, Jane\" <alice@alice.example>, Ällice <alice@alice.example>",
                           "--cc", "Bob <bob@alice.example>", "--bcc", "bob@alice.example",
                           "--subject", UMLAUTS, *attached, sender="Böb <bob@alice.example>",
                           to=None, stdin="Zeile mit Grüßen   \n.\n..\nFrom here\n".encode())
        self.assertIn("queued as", out)
        for account in (self.host.alice, self.host.bob):
            raw = self.raw(account)
            m = parse(raw)
            self.assertEqual(m["Subject"], UMLAUTS)
            self.assertEqual(str(m["From"]), "Böb <bob@alice.example>")
            self.assertEqual(m["To"].addresses[0].display_name, "Doe, Jane")
            self.assertEqual(str(m["Cc"]), "Bob <bob@alice.example>")
            self.assertIsNone(m["Bcc"])
            self.assertEqual(m.get_content_type(), "multipart/mixed")
            text, *files = m.iter_parts()
            self.assertEqual(text.get_content(), "Zeile mit Grüßen   \n.\n..\nFrom here\n")
            self.assertEqual(text["Content-Transfer-Encoding"], "quoted-printable")
            self.assertEqual({f.get_filename(): f.get_payload(decode=True) for f in files}, data)
            self.assertEqual([f.get_content_type() for f in files], [
                "image/png", "text/plain", "application/octet-stream",
                "application/octet-stream", "application/pdf"])
            self.assertEqual(files[1].get_content(), "Grüße\n")
            self.assertTrue(all(len(line) <= 200 for line in raw.split(b"\r\n")))
            self.assertFalse([p.defects for p in m.walk() if p.defects])

    def test_bcc_only(self):
        self.send("--bcc", "alice@alice.example", "--body", "x", to=None)
        m = self.message()
        self.assertIsNone(m["Bcc"])
        self.assertEqual(str(m["To"]), "undisclosed-recipients:;")
        self.assertIsNone(m["Subject"])

    def test_body_file_and_long_lines(self):
        text = "x" * 2000 + "\n" + "ü" * 500 + "\nlast line without an end"
        self.send("--body-file", self.file("text", text.encode()), "--subject", "a " * 600 + "end")
        raw = self.raw()
        m = parse(raw)
        self.assertEqual(m.get_content(), text + "\n")
        self.assertEqual(m["Subject"], "a " * 600 + "end")
        self.assertTrue(all(len(line) <= 998 for line in raw.split(b"\r\n")))

    def test_large(self):
        data = os.urandom(20 << 20)
        self.send("--attach", self.file("large.bin", data), "--body", "")
        files = list(self.message().iter_attachments())
        self.assertTrue(files[0].get_payload(decode=True) == data)

    # logins

    def login(self, *words, server=None, password=None, **options):
        password = password or self.host.bob.password
        return self.send("--login", "bob@alice.example", "--body", "x", *words, sender=None,
                         server=server or self.submission,
                         environment={"POSTHOUSE_PASSWORD": password}, **options)

    def test_login_every_way(self):
        for server, words in ((self.submission, []), (self.submissions, ["--tls", "implicit"]),
                              (self.submission, ["--tls", "required"]),
                              ("localhost:%d" % self.host.submission[1], [])):
            with self.subTest(server=server, words=words):
                self.login(*words, server=server)
                self.assertEqual(str(self.message()["From"]), "bob@alice.example")

    def test_password_file(self):
        path = self.file("password", self.host.bob.password.encode() + b"\r\nsecond line\n")
        self.send("--login", "bob@alice.example", "--password-file", path, "--body", "x",
                  server=self.submission)
        self.message()
        for data, words in ((b"", "empty"), (b"x" * 5000, "more than a password")):
            self.assertIn(words, self.send(
                "--login", "bob@alice.example", "--password-file", self.file("bad", data),
                "--body", "x", server=self.submission, want=1, lines=1)[1])

    def test_password_typed(self):
        """At a terminal, without echo."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(POSTHOUSE, ["posthouse", "send", "--server", self.submission, "--login",
                                 "bob@alice.example", "--to", "alice@alice.example",
                                 "--body", "x"])
        said = b""
        typed = False
        while True:
            self.assertTrue(select.select([terminal], [], [], 60)[0], said)
            try:
                more = os.read(terminal, 4096)
            except OSError:             # how Linux says that the other end is closed
                break
            said += more
            if b"Password: " in said and not typed:
                os.write(terminal, self.host.bob.password.encode() + b"\n")
                typed = True
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, said)
        self.assertNotIn(self.host.bob.password.encode(), said)
        self.assertIn(b"queued as", said)
        self.message()

    def test_wrong_password(self):
        out, said = self.login(password="not this one", want=1, lines=1)
        self.assertEqual(out, "")
        self.assertRegex(said, r"^posthouse: send: %s: 535 5\.7\.8 " % re.escape(self.submission))

    def test_no_password(self):
        _, said = self.send("--login", "bob", "--body", "x", want=1, lines=1)
        self.assertIn("--password-file FILE or POSTHOUSE_PASSWORD", said)

    # the dialogue

    def test_verbose(self):
        for server, words in ((self.submission, ["-v"]),
                              (self.submissions, ["--tls", "implicit", "--verbose"])):
            out, _ = self.login(*words, server=server)
            lines = out.splitlines()
            self.assertIn("  C: AUTH PLAIN ********", lines)
            self.assertIn("  S: 235 2.7.0 Authentication successful", lines)
            self.assertIn("  C: RCPT TO:<alice@alice.example>", lines)
            self.assertIn("  C: From: bob@alice.example", lines)
            self.assertIn("  C: x", lines)
            self.assertIn("  C: .", lines)
            self.assertRegex(out, r"  -- TLSv1\.3, \S+; the certificate is not judged on loopback")
            self.assertRegex(lines[-1], r"^250 .* queued as ")
            self.assertNotIn(self.host.bob.password, out)
            self.message()

    def test_verbose_shows_some_of_a_long_message(self):
        out, _ = self.send("-v", "--body", "line\n" * 1000)
        self.assertLess(out.count("  C: line\n"), 250)
        self.assertRegex(out, r"  -- \d+ more lines, and the dot that ends them\n  S: 250 ")
        self.assertIn("\n  C: QUIT\n", out)
        self.message()

    def test_verbose_as_it_happens(self):
        """A line is there before the next thing happens, and what a terminal would obey
        is not."""
        with Script([b"220 \x1b[2J\xc2\x9b hi \xc3\xa4\r\n", None, b"250 x\r\n"]) as server:
            process = subprocess.Popen(
                [POSTHOUSE, "send", "-v", "--server", server.address, "--from", "a@x", "--to", "b@x",
                 "--body", "x"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            said = b""
            while b"EHLO" not in said:
                self.assertTrue(select.select([process.stdout], [], [], 60)[0])
                said += os.read(process.stdout.fileno(), 4096)
            self.assertIn("  S: 220 ?[2J?? hi ä\n".encode(), said)
            server.go.set()
            process.communicate(timeout=60)
            self.assertEqual(process.returncode, 75)

    def test_auth_login_is_masked(self):
        """A server that offers only AUTH LOGIN: both words stay hidden."""
        with Script([b"220 x\r\n", b"250-x\r\n250 AUTH LOGIN\r\n", b"334 VXNlcm5hbWU6\r\n",
                     b"334 UGFzc3dvcmQ6\r\n", b"535 5.7.8 no\r\n"]) as server:
            out, _ = self.send("-v", "--login", "carol", "--body", "x", server=server.address, want=1,
                               lines=1, environment={"POSTHOUSE_PASSWORD": "secret"})
        self.assertIn("  C: AUTH LOGIN\n  S: 334 VXNlcm5hbWU6\n  C: ********\n"
                      "  S: 334 UGFzc3dvcmQ6\n  C: ********\n  S: 535", out)
        self.assertNotIn("Y2Fyb2w", out)
        self.assertNotIn("c2VjcmV0", out)

    # refusals

    def test_refused_recipients(self):
        out, said = self.send("--cc", "nobody@alice.example,x@elsewhere.example", "--body", "x",
                              want=3, lines=4)
        self.assertIn("queued as", out)
        self.assertIn("<nobody@alice.example> was refused: 550 5.1.1 ", said)
        self.assertIn("<x@elsewhere.example> was refused: 550 5.7.1 ", said)
        self.assertIn("whom it knows: --login USER", said)
        self.assertIn(" 1 of 3 recipients got the message: don't send it to them again\n", said)
        self.message()

    def test_all_refused(self):
        out, said = self.send("--body", "x", to="nobody@alice.example", want=1, lines=1)
        self.assertEqual(out, "")
        self.assertIn("<nobody@alice.example> was refused: 550 5.1.1 ", said)

    def test_message_refused(self):
        with Script([b"220 x\r\n", b"250 x\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n",
                     b"554-5.7.1 no\r\n554 5.7.1 spam\r\n"]) as server:
            _, said = self.send("--body", "x", server=server.address, want=1, lines=1)
        self.assertEqual(said, "posthouse: send: %s: 554 5.7.1 no 5.7.1 spam\n" % server.address)

    def test_lost_behind_the_message(self):
        with Script([b"220 x\r\n", b"250 x\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n",
                     b""]) as server:
            _, said = self.send("--body", "x", server=server.address, want=75, lines=1)
        self.assertIn("may or may not have taken the message", said)

    def test_server_down(self):
        server = "127.0.0.1:%d" % free_ports(1)
        _, said = self.send("--body", "x", server=server, want=75, lines=1)
        self.assertEqual(said, "posthouse: send: %s: can't connect: Connection refused\n" % server)

    def test_smtputf8(self):
        """The server offers it; there is no such user, which is the server's to say."""
        _, said = self.send("--body", "x", to="jörg@alice.example", want=1, lines=1)
        self.assertIn("was refused: 550 5.1.1", said)
        with Script([b"220 x\r\n", b"250 x\r\n", b"221 x\r\n"]) as server:
            _, said = self.send("--body", "x", to="jörg@alice.example", server=server.address, want=1, lines=1)
        self.assertIn("does not offer SMTPUTF8", said)

    def test_domain_of_any_script(self):
        _, said = self.send("--body", "x", to="x@bücher.example", want=1, lines=2)
        self.assertIn("<x@xn--bcher-kva.example> was refused", said)

    # certificates

    def test_certificates(self):
        ca = ["--ca", self.host.certificate]
        _, said = self.send("--body", "x", *ca, want=75, lines=1)
        self.assertIn("TLS: ", said)            # it is not for 127.0.0.1
        self.assertIn("; --ca FILE says whom to trust, --insecure trusts all\n", said)
        _, said = self.send("--body", "x", *ca, "--insecure", want=2, lines=1)
        self.assertIn("not both", said)
        _, said = self.send("--body", "x", "--ca", "/nowhere.pem", want=1, lines=1)
        self.assertIn("/nowhere.pem", said)
        self.send("--body", "x", "--insecure")
        self.message()
        self.send("--body", "x", *ca, "--tls", "none")
        self.assertNotIn(b"ESMTPS", self.raw())

    def test_good_certificate(self):
        """One that is for the address, or the name, that was typed, and is trusted."""
        certificate, key = (os.path.join(self.scratch, n) for n in ("c.pem", "k.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=x",
                        "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
                       check=True, capture_output=True)
        with Demo("--set", "tls.certificate=" + certificate, "--set", "tls.key=" + key) as host:
            for server, words in (("127.0.0.1:%d" % host.smtp[1], []),
                                  ("localhost:%d" % host.smtp[1], ["--tls", "required"])):
                out, _ = self.send("-v", "--body", "x", "--ca", certificate, *words, server=server)
                self.assertIn("; the certificate is good\n", out)
                _, said = self.send("--body", "x", "--ca", self.host.certificate, *words,
                                    server=server, want=75, lines=1)
                self.assertIn("TLS: ", said)

    def test_required_and_not_offered(self):
        with Script([b"220 x\r\n", b"250 x\r\n"]) as server:
            _, said = self.send("--body", "x", "--tls", "required", server=server.address, want=1, lines=1)
        self.assertIn("does not offer STARTTLS", said)

    # what makes no sense

    def test_injection(self):
        for option in ("--subject", "--to", "--cc", "--bcc", "--from", "--login"):
            for value in ("a@x\r\nBcc: bob@alice.example", "a@x\nX: y", "a@x\rX: y"):
                with self.subTest(option=option, value=value):
                    _, said = self.send("--body", "x", option, value, want=2, lines=1,
                                        sender=None if option == "--from" else "bob@alice.example")
                    self.assertIn(option, said)
        path = self.file("a\nBcc: bob@alice.example", b"x")
        _, said = self.send("--body", "x", "--attach", path, want=1, lines=1)
        self.assertIn("the name of an attachment holds a control character", said)
        self.assertEqual(self.empty(self.host.alice) + self.empty(self.host.bob), [])

    def test_misuse(self):
        for words, to, sender, status, want in (
                ([], "alice@alice.example", None, 2, "--from"),
                ([], None, "bob@alice.example", 2, "--to"),
                ([], "alice", "bob@alice.example", 2, "--to wants addresses"),
                ([], "a@x", "b@x, c@x", 2, "--from wants one address"),
                (["--tls", "yes"], "a@x", "b@x", 2, "--tls wants none, starttls"),
                (["--server", "nowhere"], "a@x", "b@x", 2, "127.0.0.1:25 or"),
                (["--server", "x.invalid:25"], "a@x", "b@x", 1, "x.invalid"),
                (["--body-file", "/etc/passwd"], "a@x", "b@x", 2, "not both"),
                (["--attach", "/nowhere"], "a@x", "b@x", 1, "/nowhere: No such file"),
                (["--attach", "/"], "a@x", "b@x", 1, "cannot read /: Is a directory"),
                (["--password-file", "/x"], "a@x", "b@x", 2, "--login"),
                (["--bodyy", "x"], "a@x", "b@x", 2, "did you mean --body?")):
            with self.subTest(words=words):
                _, said = self.send("--body", "x", *words, to=to, sender=sender, want=status, lines=1)
                self.assertIn(want, said)

    def test_text_must_be_utf8(self):
        _, said = self.send(stdin=b"Gr\xfc\xdfe\n", want=1, lines=1)
        self.assertIn("the text is not UTF-8; convert it with iconv", said)


class Script:
    """A server that says a given line for each one that comes; None: waits for go."""

    def __init__(self, lines):
        self.lines = lines
        self.go = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.go.set()
        self.thread.join(60)
        self.listener.close()

    def serve(self):
        self.listener.settimeout(60)
        connection, _ = self.listener.accept()
        connection.settimeout(60)
        with connection, connection.makefile("rb") as file:
            data = False
            for n, line in enumerate(self.lines):
                if line is None:
                    self.go.wait(60)
                    continue
                if n > 0:
                    while True:
                        got = file.readline()
                        if not got or not data or got == b".\r\n":
                            break
                if line == b"":
                    return
                data = line.startswith(b"354")
                try:
                    connection.sendall(line)
                except OSError:
                    return
            file.readline()


class Sendmail(Host):
    def setUp(self):
        self.environment = {"POSTHOUSE_SENDMAIL_SERVER": self.smtp}
        self.config = self.file("posthouse.conf", b"hostname = mail.alice.example\n"
                                b"domains = alice.example\n")

    def sendmail(self, *words, stdin=b"", want=0, lines=0):
        return self.run_it(["sendmail", "-C", self.config, *words], stdin, want, lines,
                           self.environment)

    def test_t(self):
        """As PHP and cron scripts call it."""
        self.sendmail("-t", "-i", "-fbob@alice.example", stdin=(
            "From: Bob <bob@alice.example>\nTo: alice\nBcc: bob@alice.example,\n alice@alice.example\n"
            "Subject: Grüße\nX-Mine: kept\n\n.\nHi.\n").encode())
        for account in (self.host.alice, self.host.bob):
            raw = self.raw(account)
            m = parse(raw)
            self.assertTrue(raw.startswith(b"Return-Path: <bob@alice.example>\r\n"))
            self.assertIsNone(m["Bcc"])
            self.assertEqual(str(m["To"]), "alice@alice.example")
            self.assertEqual(m["X-Mine"], "kept")
            self.assertIn("Subject: Grüße\r\n".encode(), raw)
            self.assertTrue(m["Date"] and m["Message-ID"])
            self.assertTrue(raw.endswith(b"\r\n\r\n.\r\nHi.\r\n"), raw)

    def test_cron(self):
        self.sendmail("-FCronDaemon", "-i", "-B8BITMIME", "-oem", "alice", stdin=(
            b"From: root (Cron Daemon)\nTo: alice\nSubject: Cron <root@h> x\n\nout\n"))
        m = self.message()
        self.assertEqual(m["From"].addresses[0].addr_spec, "root@alice.example")

    def test_no_header(self):
        self.sendmail("-F", "Grüßer", "-r", "bob", "--", "alice", stdin=b"just a line\n")
        m = self.message()
        self.assertEqual(str(m["From"]), "Grüßer <bob@alice.example>")
        self.assertEqual(m.get_payload(), "just a line\n")

    def test_lone_dot(self):
        text = b"Subject: x\n\nfirst\n.\nlast\n"
        for words, want in (([], b"first\r\n"), (["-i"], b"first\r\n.\r\nlast\r\n"),
                            (["-oi"], b"first\r\n.\r\nlast\r\n"), (["-o", "i"], b"first\r\n.\r\nlast\r\n"),
                            (["-ti"], b"first\r\n.\r\nlast\r\n"), (["-oem"], b"first\r\n")):
            with self.subTest(words=words):
                self.sendmail(*words, "-f", "bob", "alice", stdin=text)
                self.assertTrue(self.raw().endswith(b"\r\n\r\n" + want))

    def test_lone_dot_ends_it_at_once(self):
        """Somebody types: the end is there before the end of file."""
        process = subprocess.Popen([POSTHOUSE, "sendmail", "-C", self.config, "alice"],
                                   stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=dict(os.environ, **self.environment))
        process.stdin.write(b"hello\n.\n")
        process.stdin.flush()
        self.assertEqual(process.wait(60), 0)
        process.stdin.close()
        process.stderr.close()
        self.message()

    def test_crlf_and_bounces(self):
        self.sendmail("-f", "<>", "alice", stdin=b"Subject: x\r\n\r\na\r\nb")
        raw = self.raw()
        self.assertTrue(raw.startswith(b"Return-Path: <>\r\n"))
        self.assertTrue(raw.endswith(b"\r\n\r\na\r\nb\r\n"))

    def test_bare_cr(self):
        """It would get a field in past a program that looks for LF only."""
        self.sendmail("-t", stdin=b"To: alice\nSubject: a\rBcc: bob@alice.example\rX: y\n\nx\n")
        m = self.message()
        self.assertEqual(m["Subject"], "a Bcc: bob@alice.example X: y")
        self.assertIsNone(m["X"])
        self.assertEqual(self.empty(self.host.bob), [])

    def test_command_line_and_header(self):
        self.sendmail("-t", "bob@alice.example", stdin=b"To: alice@alice.example\n\nx\n")
        self.message(self.host.alice)
        self.message(self.host.bob)

    def test_exit_status(self):
        for words, stdin, status, want in (
                ([], b"", 64, "whom to?"),
                (["-t"], b"Subject: x\n\nx\n", 65, "no address in To, Cc and Bcc"),
                (["-t"], b"To: two words\n\nx\n", 65, "\"two words\""),
                (["two words"], b"", 65, "\"two words\" is no address"),
                (["-Z"], b"", 64, "unknown option -Z"),
                (["--wrong"], b"", 64, "unknown option --wrong"),
                (["-bd"], b"", 64, "posthouse serve"),
                (["-f"], b"", 64, "-f wants a value"),
                (["-f", "a, b", "alice"], b"", 64, "-f wants one address"),
                (["-F", "a\nBcc: x", "alice"], b"", 64, "-F wants a name"),
                (["nobody@alice.example"], b"x\n", 67, "was refused: 550 5.1.1"),
                (["alice", "nobody"], b"x\n", 67, "was refused: 550 5.1.1")):
            with self.subTest(words=words):
                _, said = self.sendmail(*words, stdin=stdin, want=status, lines=len(words[:2])
                                        if status == 67 else 1)
                self.assertIn(want, said)
        self.message()

    def test_status_of_replies(self):
        """Only a recipient that is not known is 67, and only what was later is 75."""
        for line, of_one, of_all in (
                ("550 5.1.1 no", 67, 69), ("550 5.1.10 no", 67, 69), ("551 not here", 67, 69),
                ("553 no name", 67, 69), ("553 5.7.1 no", 77, 77), ("550 5.7.1 no", 77, 77),
                ("554 5.7.26 no", 77, 77), ("550 no", 69, 69), ("552 5.2.2 full", 69, 69),
                ("550 4.1.1 mixed", 69, 69), ("554 no", 69, 69), ("530 5.7.0 log in", 77, 77),
                ("450 4.1.1 later", 75, 75), ("451 5.1.1 mixed", 75, 75), ("452 full", 75, 75),
                ("421 4.3.0 closing", 75, 75)):
            with self.subTest(line=line):
                hint = ("5.7." in line and "x") or ""
                with Script([b"220 x\r\n", b"250 x\r\n", b"250 ok\r\n",
                             line.encode() + b"\r\n"]) as server:
                    self.environment = {"POSTHOUSE_SENDMAIL_SERVER": server.address}
                    _, said = self.sendmail("alice", stdin=b"x\n", want=of_one, lines=1 + len(hint))
                    self.assertIn(line, said)
                    self.assertEqual("POSTHOUSE_SENDMAIL_LOGIN" in said, bool(hint))
                with Script([b"220 x\r\n", b"250 x\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n",
                             line.encode() + b"\r\n"]) as server:
                    self.environment = {"POSTHOUSE_SENDMAIL_SERVER": server.address}
                    _, said = self.sendmail("alice", stdin=b"x\n", want=of_all,
                                            lines=2 if line.startswith("530") else 1)
                    self.assertIn(line, said)

    def test_server_down(self):
        address = "127.0.0.1:%d" % free_ports(1)
        self.environment = {"POSTHOUSE_SENDMAIL_SERVER": address}
        _, said = self.sendmail("alice", stdin=b"x\n", want=75, lines=1)
        self.assertIn(address + ": can't connect", said)
        out, _ = self.sendmail("-bs", want=75, lines=1)
        self.assertTrue(out.startswith("421 4.3.2 "), out)

    def test_server_of_the_configuration(self):
        """listen.smtp, without the variable."""
        self.environment = {"HOME": "/"}
        for address in (self.smtp, "0.0.0.0:%d" % self.host.smtp[1]):
            self.config = self.file("other.conf", (
                "hostname = mail.alice.example\ndomains = alice.example\nlisten.smtp = %s\n"
                % address).encode())
            self.sendmail("alice", stdin=b"x\n")
            self.message()
        self.config = self.file("wrong.conf", b"hostnam = x\n")
        self.sendmail("alice", stdin=b"x\n", want=78, lines=2)

    def test_bs(self):
        out, _ = self.sendmail("-bs", stdin=(
            b"EHLO client.example\r\nMAIL FROM:<bob@alice.example>\r\nRCPT TO:<alice@alice.example>\r\n"
            b"DATA\r\nSubject: by bs\r\n\r\n..\r\n.\r\nQUIT\r\n"))
        self.assertRegex(out, r"(?s)^220 .*\r\n354 .*queued as .*\r\n221 ")
        self.assertTrue(self.raw().endswith(b"\r\n\r\n.\r\n"))

    def test_bs_large(self):
        """More than any buffer holds, and the client's end is the end."""
        body = b"x" * 70 + b"\r\n"
        out, _ = self.sendmail("-bs", stdin=(
            b"EHLO c.example\r\nMAIL FROM:<>\r\nRCPT TO:<alice@alice.example>\r\nDATA\r\n\r\n" +
            body * 50000 + b".\r\n"))
        self.assertIn("queued as", out)
        self.assertTrue(self.raw().endswith(body * 50000))

    def test_bs_by_hand(self):
        process = subprocess.Popen([POSTHOUSE, "sendmail", "-bs"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, env=dict(os.environ, **self.environment))
        with process.stdout, process.stdin:
            for line, want in ((None, b"220 "), (b"NOOP\r\n", b"250 "), (b"QUIT\r\n", b"221 ")):
                if line:
                    process.stdin.write(line)
                    process.stdin.flush()
                self.assertTrue(process.stdout.readline().startswith(want))
            self.assertEqual(process.wait(60), 0)

    def test_other_modes(self):
        self.assertIn("posthouse queue list", self.sendmail("-bp")[0])
        self.assertIn("posthouse alias", self.sendmail("-bi")[0])
        self.assertEqual(self.sendmail("-q")[0], "")
        self.assertEqual(self.sendmail("-q30m", "-OTimeout.queuereturn=5d")[0], "")

    def test_ignored_options(self):
        self.sendmail("-bm", "-Am", "-d0", "-em", "-G", "-h", "3", "-L", "tag", "-m", "-n", "-N", "never",
                      "-o7", "-odb", "-O", "x=y", "-pSMTP", "-Rhdrs", "-U", "-V", "id", "-X", "/dev/null",
                      "alice", stdin=b"x\n")
        self.message()

    def test_verbose(self):
        out, _ = self.sendmail("-v", "alice", stdin=b"x\n")
        self.assertIn("  C: RCPT TO:<alice@alice.example>\n", out)
        self.assertRegex(out.splitlines()[-1], "^250 .*queued as")
        self.message()

    def test_by_its_name(self):
        link = os.path.join(self.scratch, "sendmail")
        os.symlink(POSTHOUSE, link)
        done = subprocess.run([link, "-C", self.config, "-t"], input=b"To: alice\n\nx\n",
                              env=dict(os.environ, **self.environment), capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))
        self.message()

    def test_git_send_email(self):
        """A program that looks for sendmail and talks to it as it always did."""
        patch = self.file("0001-x.patch", b"From 0 Mon Sep 17 00:00:00 2001\nFrom: Bob <bob@alice.example>\n"
                          b"Subject: [PATCH] x\n\nbody\n.\n---\n")
        wrapper = self.file("wrapper", ("#!/bin/sh\nexec %s sendmail \"$@\"\n" % POSTHOUSE).encode())
        os.chmod(wrapper, 0o755)
        done = subprocess.run(
            ["git", "send-email", "--smtp-server", wrapper, "--from", "bob@alice.example", "--to",
             "alice@alice.example", "--suppress-cc=all", "--confirm=never", "--quiet", patch],
            env=dict(os.environ, HOME=self.scratch, GIT_COMMITTER_NAME="Bob",
                     GIT_COMMITTER_EMAIL="bob@alice.example", GIT_AUTHOR_NAME="Bob",
                     GIT_AUTHOR_EMAIL="bob@alice.example", **self.environment), cwd=self.scratch,
            capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(self.message()["Subject"], "[PATCH] x")

    def test_swaks(self):
        """It speaks SMTP with -bs."""
        done = subprocess.run(["swaks", "--pipe", POSTHOUSE + " sendmail -bs", "--from", "bob@alice.example",
                               "--to", "alice@alice.example", "--h-Subject", "swaks"],
                              env=dict(os.environ, **self.environment), capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(self.message()["Subject"], "swaks")

    def test_help(self):
        for words in (["help", "sendmail"], ["sendmail", "--help"]):
            self.assertIn("-bs", self.run_it(words)[0])
        rows = self.run_it(["help"])[0]
        self.assertRegex(rows, r"\n  send  ")
        self.assertRegex(rows, r"\n  sendmail  ")


if __name__ == "__main__":
    unittest.main()
