"""posthouse send and sendmail when not all goes well: servers that take a part of the
recipients or leave no word that can be read, descriptors that are closed or full,
passwords out of pipes, terminals, configurations that are broken."""
import fcntl
import os
import pty
import select
import signal
import socket
import subprocess
import termios
import threading
import unittest

from server import POSTHOUSE
from test_send import Host, Script


class Taker:
    """A server that takes so many recipients a transaction. rcpt: a reply for an address,
    instead; ends: replies to the end of a message, in turn, then 250; b"" closes."""

    def __init__(self, most=1000, rcpt=None, ends=(), pipelining=True, too_many=b"452 4.5.3 too many"):
        self.most, self.rcpt, self.ends = most, rcpt or {}, list(ends)
        self.pipelining, self.too_many = pipelining, too_many
        self.taken = []                 # the recipients of each transaction that got 250
        self.asked = []                 # of each transaction
        self.bodies = []
        self.mails = []                 # their commands
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]

    def __enter__(self):
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.thread.join(60)
        self.listener.close()

    def serve(self):
        self.listener.settimeout(60)
        connection, _ = self.listener.accept()
        connection.settimeout(60)
        with connection, connection.makefile("rwb") as file:
            def say(line):
                file.write(line + b"\r\n")
                file.flush()
            say(b"220 x")
            for line in file:
                verb = line[:4].upper()
                if verb == b"EHLO":
                    say(b"250-x\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 " +
                        (b"PIPELINING" if self.pipelining else b"X-NONE"))
                elif verb == b"MAIL":
                    to = []
                    self.asked.append([])
                    self.mails.append(line)
                    say(b"250 ok")
                elif verb == b"RCPT":
                    address = line[9:].split(b">")[0].decode()
                    self.asked[-1].append(address)
                    reply = self.rcpt.get(address) or (b"250 ok" if len(to) < self.most else self.too_many)
                    if reply[:1] == b"2":
                        to.append(address)
                    say(reply)
                elif verb == b"DATA":
                    if not to:
                        say(b"554 no recipients")
                        continue
                    say(b"354 go")
                    body = b""
                    while not body.endswith(b"\r\n.\r\n"):
                        body += file.readline()
                    reply = self.ends.pop(0) if self.ends else b"250 taken %d" % len(self.taken)
                    if reply == b"":
                        return
                    if reply[:1] == b"2":
                        self.taken.append(to)
                        self.bodies.append(body)
                    say(reply)
                elif verb == b"QUIT":
                    say(b"221 bye")
                else:
                    say(b"250 ok")


def people(n):
    return ["p%d@alice.example" % i for i in range(n)]


class Part(Host):
    def send(self, server, to, **options):
        return self.run_it(["send", "--server", server.address, "--from", "bob@alice.example", "--body", "x",
                            "--to", ", ".join(to)], **options)

    def sendmail(self, *words, server=None, stdin=b"x\n", environment=None, **options):
        config = self.file("posthouse.conf", b"hostname = mail.alice.example\ndomains = alice.example\n")
        environment = dict(environment or {})
        environment.setdefault("POSTHOUSE_SENDMAIL_SERVER", server.address if server else self.smtp)
        return self.run_it(["sendmail", "-C", config, *words], stdin, environment=environment, **options)

    def test_too_many_recipients(self):
        """Each gets it once, however few the server takes at a time."""
        for most, pipelining, reply in ((7, True, b"452 4.5.3 too many"), (7, False, b"452 too many"),
                                        (1, True, b"552 too many"), (20, True, b"452 x")):
            with self.subTest(most=most, pipelining=pipelining):
                with Taker(most, pipelining=pipelining, too_many=reply) as server:
                    out, _ = self.send(server, people(20))
                self.assertEqual(sum(server.taken, []), people(20))
                self.assertEqual(max(len(taken) for taken in server.taken), most)
                self.assertEqual(out, "250 taken %d\n" % (len(server.taken) - 1))
                self.assertEqual(len(set(server.bodies)), 1)
                with Taker(most, pipelining=pipelining, too_many=reply) as server:
                    self.sendmail(*people(20), server=server)
                self.assertEqual(sum(server.taken, []), people(20))

    def test_a_hundred_at_a_time(self):
        with Taker() as server:
            self.send(server, people(230))
        self.assertEqual([len(taken) for taken in server.taken], [100, 100, 30])
        self.assertEqual(sum(server.taken, []), people(230))

    def test_smtputf8_in_each_transaction(self):
        """The header names all of them, also to those whose own address is ASCII."""
        with Taker(1) as server:
            self.send(server, ["jörg@alice.example", "p0@alice.example"])
        self.assertEqual(sum(server.taken, []), ["jörg@alice.example", "p0@alice.example"])
        self.assertEqual(len(server.mails), 2)
        for line in server.mails:
            self.assertIn(b" SMTPUTF8", line)

    def test_refused_beside_too_many(self):
        nobody = b"550 5.1.1 nobody"
        with Taker(2, {"p1@alice.example": nobody, "p4@alice.example": nobody}) as server:
            out, said = self.send(server, people(6), want=3, lines=3)
        self.assertEqual(server.taken, [["p0@alice.example", "p2@alice.example"],
                                        ["p3@alice.example", "p5@alice.example"]])
        self.assertIn("250 taken 1\n", out)
        self.assertEqual(said, "posthouse: send: <p1@alice.example> was refused: 550 5.1.1 nobody\n"
                         "posthouse: send: <p4@alice.example> was refused: 550 5.1.1 nobody\n"
                         "posthouse: send: 4 of 6 recipients got the message: don't send it to them again\n")

    def test_no_room_for_anybody(self):
        """452 for all is no question of how many."""
        for n in (1, 3):
            with Taker(0) as server:
                out, said = self.send(server, people(n), want=75, lines=n)
            self.assertEqual((out, server.taken, len(server.asked)), ("", [], 1))
            for who in people(n):
                self.assertIn("<%s> was refused: 452 4.5.3 too many\n" % who, said)
            with Taker(0) as server:
                self.sendmail(*people(n), server=server, want=75, lines=n)

    def test_one_is_full(self):
        """452 for one only, again and again: it ends."""
        with Taker(9, {"p1@alice.example": b"452 4.2.2 full"}) as server:
            _, said = self.send(server, people(3), want=3, lines=2)
        self.assertEqual(server.taken, [["p0@alice.example", "p2@alice.example"]])
        self.assertEqual(server.asked[1:], [["p1@alice.example"]])
        self.assertIn("<p1@alice.example> was refused: 452 4.2.2 full\n", said)
        with Taker(9, {"p1@alice.example": b"452 4.2.2 full"}) as server:
            self.sendmail(*people(3), server=server, want=69, lines=2)

    def test_later_half_refused(self):
        """The first transaction was taken: nobody may be told to send it all again."""
        for reply, words, last in (
                (b"451 4.3.0 later", "451 4.3.0 later", "does not have it"),
                (b"554 5.6.0 no", "554 5.6.0 no", "does not have it"),
                (b"421 4.3.2 going", "421 4.3.2 going", "does not have it"),
                (b"", "may or may not have taken the message: ", "may or may not have it"),
                (b"what?", "may or may not have taken the message: ", "may or may not have it")):
            for run, status in ((self.send, 3), (None, 69)):
                with self.subTest(reply=reply, status=status):
                    with Taker(2, ends=[b"250 ok", reply]) as server:
                        if run:
                            out, said = run(server, people(5), want=status, lines=5)
                            self.assertEqual(out, "")
                        else:
                            _, said = self.sendmail(*people(5), server=server, want=status, lines=5)
                    self.assertEqual(server.taken, [people(2)])
                    self.assertIn(words, said)
                    for who in people(4)[2:]:
                        self.assertIn("<%s> %s\n" % (who, last), said)
                    self.assertIn("<p4@alice.example> does not have it\n", said)
                    self.assertIn("2 of 5 recipients got the message", said)

    def test_no_word_that_can_be_read(self):
        """Behind the dot, a reply that is none leaves open what became of the message."""
        for reply in (b"what?", b"", b"25", b"354 go on", b"250-x\r\n550 y", b"999 x"):
            with self.subTest(reply=reply):
                with Taker(ends=[reply]) as server:
                    _, said = self.send(server, people(2), want=75, lines=1)
                self.assertIn("%s may or may not have taken the message: " % server.address, said)
                with Taker(ends=[reply]) as server:
                    self.sendmail(*people(1), server=server, want=75, lines=1)

    def test_no_word_before_the_dot(self):
        """Then it was not taken, whatever the server meant."""
        with Script([b"220 x\r\n", b"250 x\r\n", b"what?\r\n"]) as server:
            _, said = self.send(server, people(1), want=1, lines=1)
        self.assertEqual(said, "posthouse: send: %s: the server does not speak SMTP\n" % server.address)

    def test_does_not_greet(self):
        with Script([b""]) as server:
            _, said = self.send(server, people(1), want=75, lines=1)
        self.assertIn("the server closed the connection, and did not greet; if it is one with TLS", said)
        with Script([b""]) as server:
            _, said = self.sendmail(*people(1), server=server, want=75, lines=1)
        self.assertTrue(said.endswith(", and did not greet\n"), said)

    def test_tls_where_none_is(self):
        with Script([b"220 x\r\n"]) as server:
            _, said = self.run_it(["send", "--server", server.address, "--from", "a@x", "--to", "b@x", "--body",
                                   "x", "--tls", "implicit"], want=75, lines=1)
        self.assertIn("TLS: what came is not TLS; if the server wants no TLS from the first byte, say "
                      "--tls starttls\n", said)

    # many

    def test_over_a_thousand(self):
        many = "%d recipients; send it in several runs" % 1000
        _, said = self.run_it(["send", "--from", "a@x", "--to", ",".join(people(1001)), "--body", "x"],
                              want=2, lines=1)
        self.assertIn(many, said)
        for words, stdin, status in (
                (people(1001), b"x\n", 64), ([",".join(people(1001))], b"x\n", 64),
                ([",".join(people(600)), *people(1001)[600:]], b"x\n", 64),
                (["-t"], b"To: " + ",\n ".join(people(1001)).encode() + b"\n\nx\n", 65),
                (["-t"], b"".join(b"To: %s\n" % who.encode() for who in people(1001)) + b"\nx\n", 65)):
            _, said = self.sendmail(*words, stdin=stdin, want=status, lines=1)
            self.assertIn(many, said)
        with Taker() as server:
            self.send(server, people(1000))
        self.assertEqual(sum(server.taken, []), people(1000))

    # headers

    def test_line_that_is_no_field(self):
        _, said = self.sendmail("-t", stdin=b"To: alice\nno field\nBcc: bob\n\nx\n", want=65, lines=1)
        self.assertIn("no field, \"no field\", and recipients behind it", said)
        self.sendmail("-t", stdin=b"To: alice\nno field\nX: y\n")
        m = self.message()
        self.assertIsNone(m["X"])
        self.assertEqual(m.get_payload(), "no field\nX: y\n")
        self.sendmail("alice", stdin=b"no field\nTo: x\n\ny\n")
        self.assertEqual(self.message().get_payload(), "no field\nTo: x\n\ny\n")

    def test_resent(self):
        self.sendmail("-t", stdin=b"Resent-From: bob\nResent-Sender: eve\nResent-To: alice\nReceived: by x\n"
                      b"Resent-To: nobody\nFrom: bob\nTo: nobody\n\nx\n")
        m = self.message()
        self.assertEqual(m["Resent-Sender"], "eve@alice.example")
        self.assertEqual(m.get_all("Resent-To"), ["alice@alice.example", "nobody@alice.example"])

    def test_names(self):
        """Bytes that are no UTF-8, and an empty From, are no reason to lose a message."""
        self.sendmail("-F", b"Gr\xfc\xdfe", "-f", "bob", "alice", stdin=b"From:\nSubject: x\n\nx\n")
        m = self.message()
        self.assertEqual(str(m["From"]), "Gr??e <bob@alice.example>")
        self.assertEqual(len(m.get_all("From")), 1)

    # a login

    def password_file(self):
        return self.file("secret", self.host.bob.password.encode() + b"\n")

    def test_sendmail_logs_in(self):
        """Whom port 25 does not take mail for, an account may write to."""
        _, said = self.sendmail("x@elsewhere.example", "-fbob", want=77, lines=2)
        self.assertIn("POSTHOUSE_SENDMAIL_LOGIN", said)
        login = {"POSTHOUSE_SENDMAIL_LOGIN": "bob@alice.example",
                 "POSTHOUSE_SENDMAIL_PASSWORD_FILE": self.password_file()}
        for server in (self.submission, self.host.submission[1] and "localhost:%d" % self.host.submission[1]):
            out, _ = self.sendmail("-v", "alice", stdin=b"From: bob\n\nx\n",
                                   environment=dict(login, POSTHOUSE_SENDMAIL_SERVER=server))
            self.assertIn("  C: AUTH PLAIN ********\n", out)
            self.assertIn("  C: MAIL FROM:<bob@alice.example>", out)
            self.assertTrue(self.raw().startswith(b"Return-Path: <bob@alice.example>\r\n"))
        # Where the configuration says that submission is.
        self.config = self.file("other.conf", (
            "hostname = mail.alice.example\ndomains = alice.example\nlisten.submission = %s\n"
            % self.submission).encode())
        self.run_it(["sendmail", "-C", self.config, "alice"], b"From: bob\n\nx\n", environment=login)
        self.message()
        for change, status, want in (
                ({"POSTHOUSE_SENDMAIL_PASSWORD_FILE": "/nowhere"}, 78, "cannot read /nowhere"),
                ({"POSTHOUSE_SENDMAIL_PASSWORD_FILE": self.file("wrong", b"wrong\n")}, 77, "535 5.7.8"),
                ({"POSTHOUSE_SENDMAIL_LOGIN": ""}, 78, "POSTHOUSE_SENDMAIL_LOGIN is a login name"),
                ({"POSTHOUSE_SENDMAIL_SERVER": "nowhere"}, 78, "not \"nowhere\"")):
            with self.subTest(change=change):
                environment = dict(login, POSTHOUSE_SENDMAIL_SERVER=self.submission)
                environment.update(change)
                _, said = self.sendmail("alice", environment=environment, want=status, lines=1)
                self.assertIn(want, said)
        _, said = self.sendmail("-bs", environment=dict(login, POSTHOUSE_SENDMAIL_SERVER="localhost:25"),
                                want=78, lines=1)
        self.assertIn("-bs wants", said)

    # pipes

    def with_fifo(self, data, run):
        """A pipe that somebody writes to once it is opened."""
        path = os.path.join(self.scratch, "fifo")
        os.mkfifo(path)

        def write():
            with open(path, "wb") as f:
                f.write(data)
        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        try:
            run(path)
        finally:
            os.unlink(path)
            writer.join(60)

    def test_password_and_certificates_of_a_pipe(self):
        words = ["send", "--server", self.submission, "--login", "bob@alice.example", "--to",
                 "alice@alice.example", "--body", "x"]
        self.with_fifo(self.host.bob.password.encode() + b"\n",
                       lambda path: self.run_it([*words, "--password-file", path]))
        self.message()
        with open(self.host.certificate, "rb") as f:
            pem = f.read()
        # It is read: that it is for another name is what is wrong then.
        self.with_fifo(b"# some text\n" * 10000 + pem, lambda path: self.assertIn(
            "TLS: ", self.run_it([*words, "--password-file", self.password_file(), "--ca", path], want=75,
                                 lines=1)[1]))
        done = subprocess.run(["bash", "-c", "exec \"$0\" \"$@\" --password-file <(cat \"$SECRET\")",
                               POSTHOUSE, *words], env=dict(os.environ, SECRET=self.password_file()),
                              capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.message()

    # descriptors

    def test_closed_descriptors(self):
        """What is closed is not there for a socket to take its place."""
        for how in ("<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-", ">&- 2>&-"):
            for words in (["send", "-v", "--server", self.smtp, "--from", "bob@alice.example", "--to",
                           "alice@alice.example", "--body", "x"],
                          ["sendmail", "-v", "alice@alice.example"]):
                with self.subTest(how=how, words=words[0]):
                    done = subprocess.run(["sh", "-c", "exec \"$0\" \"$@\" " + how, POSTHOUSE, *words],
                                          input=b"x\n", capture_output=True, timeout=60,
                                          env=dict(os.environ, POSTHOUSE_SENDMAIL_SERVER=self.smtp))
                    self.assertEqual((done.returncode, done.stderr), (0, b""))
                    self.assertNotIn(b"  C: ", self.raw())

    def test_output_that_is_full(self):
        def run(words, stdin=b"x\n"):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([POSTHOUSE, *words], input=stdin, stdout=full, stderr=subprocess.PIPE,
                                      timeout=60, env=dict(os.environ, POSTHOUSE_SENDMAIL_SERVER=self.smtp))
            self.assertEqual(done.stderr, b"posthouse: cannot write to standard output: "
                             b"No space left on device\n")
            return done.returncode
        self.assertEqual(run(["version"]), 1)
        self.assertEqual(run(["help"]), 1)
        self.assertEqual(run(["sendmail", "-bp"]), 74)
        self.assertEqual(run(["send", "--server", self.smtp, "--from", "bob@alice.example", "--to",
                              "alice@alice.example", "--body", "x"]), 74)
        self.message()

    def test_output_of_sendmail_that_is_full(self):
        """The message is taken: no status may make the caller send it again."""
        with open("/dev/full", "wb") as full:
            done = subprocess.run([POSTHOUSE, "sendmail", "-v", "alice@alice.example"], input=b"x\n",
                                  stdout=full, stderr=subprocess.PIPE, timeout=60,
                                  env=dict(os.environ, POSTHOUSE_SENDMAIL_SERVER=self.smtp))
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"cannot write to standard output", done.stderr)
        self.message()

    # a terminal

    def test_interrupted_at_the_password(self):
        """The terminal is as it was, by whatever it ends."""
        for how, signo in (("\x03", signal.SIGINT), ("\x1c", signal.SIGQUIT), (None, signal.SIGTERM),
                           (None, signal.SIGHUP)):
            with self.subTest(signo=signo):
                ours, theirs = pty.openpty()

                def at_terminal():
                    os.setsid()
                    signal.signal(signo, signal.SIG_DFL)    # whatever we were started with
                    fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
                process = subprocess.Popen(
                    [POSTHOUSE, "send", "--server", self.submission, "--login", "bob@alice.example", "--to",
                     "alice@alice.example", "--body", "x"], stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=at_terminal)
                said = b""
                while b"Password: " not in said:
                    self.assertTrue(select.select([ours], [], [], 60)[0], said)
                    said += os.read(ours, 4096)
                self.assertFalse(termios.tcgetattr(theirs)[3] & termios.ECHO)
                if how:
                    os.write(ours, how.encode())
                else:
                    process.send_signal(signo)
                self.assertEqual(process.wait(60), -signo)
                self.assertTrue(termios.tcgetattr(theirs)[3] & termios.ECHO)
                os.close(ours)
                os.close(theirs)

    # the configuration of the system

    def with_etc(self, config, *words, before=""):
        """In a name space of its own, where /etc holds nothing else."""
        script = ("mount -t tmpfs none /etc && mkdir /etc/posthouse && %s "
                  "{ [ -z \"$CONFIG\" ] || printf '%%s\\n' \"$CONFIG\" >/etc/posthouse/posthouse.conf; } && "
                  "exec \"$0\" \"$@\"" % before)
        done = subprocess.run(["unshare", "--mount", "sh", "-c", script, POSTHOUSE, "sendmail", *words],
                              input=b"x\n", capture_output=True, timeout=60,
                              env=dict(os.environ, CONFIG=config, POSTHOUSE_SENDMAIL_SERVER=self.smtp))
        return done.returncode, done.stderr.decode()

    def test_broken_configuration(self):
        if subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/etc"],
                          capture_output=True).returncode != 0:
            self.skipTest("no name space of its own can be had here")
        status, said = self.with_etc("hostnam = x", "-fbob@alice.example", "alice@alice.example")
        self.assertEqual(status, 0, said)
        self.assertIn("/etc/posthouse/posthouse.conf:1: ", said)
        self.assertIn("sendmail: /etc/posthouse/posthouse.conf can't be used; the defaults stand", said)
        self.message()
        self.assertEqual(self.with_etc("", "-fbob@alice.example", "alice@alice.example"), (0, ""))
        self.message()
        self.assertEqual(self.with_etc("hostname = mail.alice.example\ndomains = alice.example", "-fbob", "alice"),
                         (0, ""))
        self.message()


if __name__ == "__main__":
    unittest.main()
