"""posthouse trace: the journey of a message, in words and as JSON; nothing secret and
nothing of a body in it."""
import base64
import json
import os
import re
import select
import smtplib
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from server import POSTHOUSE, Demo, wait_for

BODY = "Subject: private\r\n\r\nthe body's own words\r\nAUTH PLAIN not-a-command\r\n"


def insecure():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class TestTrace(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Demo()
        cls.host.__enter__()
        cls.addClassCleanup(cls.host.__exit__, None, None, None)

    def trace(self, *words):
        done = subprocess.run([POSTHOUSE, "trace", "--data", self.host.data, *words],
                              capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def submit(self, how="PLAIN"):
        """As bob, to alice; the id that the 250 said."""
        bob = self.host.bob
        with smtplib.SMTP(*self.host.submission, timeout=60) as client:
            client.starttls(context=insecure())
            client.ehlo("client.example")
            client.user, client.password = bob.address, bob.password
            if how == "PLAIN":
                client.auth("PLAIN", client.auth_plain)
            else:
                client.auth("LOGIN", client.auth_login)
            client.mail(bob.address)
            client.rcpt(self.host.alice.address)
            code, words = client.data(BODY)
        self.assertEqual(code, 250)
        return re.search(r"queued as (\S+)", words.decode()).group(1)

    def arrived(self, id):
        wait_for(lambda: "and that is on disk" in self.trace(id)[1], what="the end of the journey")
        return self.trace(id)[1]

    def test_words(self):
        id = self.submit()
        said = self.arrived(id)
        places = [said.index(words) for words in (
            "connects (submission)", "encrypted from here on: TLSv1.3",
            "login of %s: ok" % self.host.bob.address,
            "who is <%s>? The directory says: ok" % self.host.alice.address,
            "250: message %s from <%s>" % (id, self.host.bob.address),
            "mailbox of %s, UID " % self.host.alice.address, "and that is on disk")]
        self.assertEqual(places, sorted(places), said)
        # Read and deleted, by the mail program.
        box = self.host.box()
        n = box.stat()[0]
        box.retr(n)
        box.dele(n)
        box.quit()
        wait_for(lambda: "is deleted by POP3" in self.trace(id)[1], what="the deletion")
        self.assertIn("is read by POP3", self.trace(id)[1])

    def test_nothing_secret(self):
        bob = self.host.bob
        for how in ("PLAIN", "LOGIN"):
            with self.subTest(how=how):
                said = self.arrived(self.submit(how))
                dialogue = self.trace("--last", "1", "--dialogue")[1]
                self.assertIn("C: AUTH %s" % how, dialogue)
                self.assertIn("C: (secret)", dialogue)
                self.assertIn("C: rcpt TO:<%s>" % self.host.alice.address, dialogue)
                self.assertNotIn("C: rcpt TO", said)
        with smtplib.SMTP(*self.host.submission, timeout=60) as client:
            client.ehlo("client.example")
            client.starttls(context=ssl._create_unverified_context())
            client.ehlo("client.example")
            secret = base64.b64encode(b"\0%s\0%s" % (bob.address.encode(), bob.password.encode()))
            client.send(b" \tauth PLAIN %s\r\n" % secret)      # blanks before a verb are taken
            self.assertEqual(client.getreply()[0], 235)
        written = self.written()
        for secret in (bob.password.encode(), base64.b64encode(bob.password.encode()),
                       base64.b64encode(b"\0%s\0%s" % (bob.address.encode(), bob.password.encode())),
                       b"the body's own words", b"not-a-command", b"Subject: private"):
            self.assertNotIn(secret, written)

    def written(self):
        """All of the journeys."""
        folder = os.path.join(self.host.data, "journey")
        return b"".join(open(os.path.join(folder, name), "rb").read() for name in os.listdir(folder))

    def test_nothing_secret_of_the_rude(self):
        """Logins in one piece, too long, behind an AUTH that is refused, in no order at all."""
        bob = self.host.bob
        user, word = base64.b64encode(bob.address.encode()), base64.b64encode(bob.password.encode())
        plain = base64.b64encode(b"\0%s\0%s" % (bob.address.encode(), bob.password.encode()))
        for number, (port, lines, code) in enumerate((
                (self.host.submission, [b"AUTH LOGIN", user, word], b"235"),
                (self.host.submission, [b"AUTH PLAIN", plain], b"235"),
                (self.host.submission, [b"auth  PLAIN " + plain], b"235"),
                (self.host.submission, [b"AUTH\tPLAIN " + plain], b"500"),
                (self.host.submission, [b"AUTH NOSUCH", user, word], b"504"),
                (self.host.submission, [b"AUTH LOGIN", user, b"x" * 13000 + word], b"500"),
                (self.host.submission, [b"AUTH PLAIN " + b"x" * 13000 + plain], b"500"),
                (self.host.smtp, [b"AUTH LOGIN", user, word], b"502"))):
            with self.subTest(number=number):
                with socket.create_connection(port, timeout=60) as s:
                    replies = s.makefile("rb")
                    self.assertEqual(replies.readline()[:3], b"220")
                    s.sendall(b"EHLO rude%d.example\r\n" % number)
                    while replies.readline()[3:4] == b"-":
                        pass
                    s.sendall(b"\r\n".join(lines) + b"\r\nQUIT\r\n")
                    said = replies.read()
                self.assertIn(code, re.findall(rb"^\d+", said, re.M), said)
                wait_for(lambda: re.search(rb'"closed".*rude%d\.example' % number, self.written()),
                         what="the session's end in the journey")
        written = self.written()
        for secret in (bob.password.encode(), word, plain, user):
            self.assertNotIn(secret, written)

    def test_which(self):
        ids = [self.submit() for _ in range(3)]
        for id in ids:
            self.arrived(id)
        def heads(*words):
            return re.findall(r"^message (\S+),", self.trace(*words)[1], re.M)
        self.assertEqual(heads(), ids[-1:])
        self.assertEqual(heads("--last", "2"), ids[1:])
        self.assertEqual(heads("--to", self.host.alice.address)[-3:], ids)
        self.assertEqual(heads("--to", self.host.alice.address, "--last", "1"), ids[-1:])

    def test_json(self):
        id = self.submit()
        self.arrived(id)
        events = [json.loads(line) for line in self.trace(id, "--json")[1].splitlines()]
        kinds = [e["e"] for e in events]
        for kind in ("connection", "tls", "login", "recipient", "accepted", "filed", "durable"):
            self.assertEqual(kinds.count(kind), 1, kinds)
        self.assertEqual([e["t"] for e in events], sorted(e["t"] for e in events))

    def follow(self, *words):
        """A trace that goes on; (process, functions that read until words were said, and what is said in so many seconds)."""
        process = subprocess.Popen([POSTHOUSE, "trace", "--data", self.host.data, "--follow",
                                    *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, 60)
        self.addCleanup(process.terminate)
        said = [""]

        def hear(seconds):
            ready, _, _ = select.select([process.stdout], [], [], seconds)
            piece = os.read(process.stdout.fileno(), 65536).decode() if ready else ""
            said[0] += piece
            return piece

        def until(words):
            while words not in said[0]:
                self.assertTrue(hear(60), "%r was not said, but: %s" % (words, said[0]))
            return said[0]
        return process, until, hear

    def test_follow(self):
        """Each event once, and none missed, of messages that come all at once."""
        past = self.submit()
        self.arrived(past)
        process, until, hear = self.follow("--json")
        # It follows once it shows one of these: which ones come before that is not known, and what
        # it shows first may be the rest of such a one.
        early = [self.submit()]
        while not any('"%s"' % id in until("") for id in early):
            if select.select([process.stdout], [], [], 0.5)[0]:
                hear(0)
            else:
                early.append(self.submit())
        threads = [threading.Thread(target=lambda: ids.append(self.submit())) for _ in range(12)]
        ids = []
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(ids), 12)
        for id in ids:
            self.arrived(id)
        last = self.submit()
        until('"id":"%s","from"' % last)

        def said():
            events = [json.loads(line) for line in until("").splitlines(True)
                      if line.endswith("\n")]
            return [(e["e"], e.get("id")) for e in events if "id" in e]
        for id in ids:
            until('"id":"%s","account"' % id)
            of = [e for e, i in said() if i == id]
            self.assertEqual(sorted(of), ["accepted", "filed"])
        self.assertNotIn(past, until(""))

    def test_follow_one(self):
        id, other = self.submit(), self.submit()
        self.arrived(other)
        process, until, _ = self.follow(id)
        said = until("and that is on disk")
        self.assertEqual(len(re.findall(r"^message ", said, re.M)), 1)
        self.assertNotIn(other, said)
        box = self.host.box()
        uid = [n for n in range(1, box.stat()[0] + 1)]
        for n in uid:
            box.retr(n)
        box.quit()
        said = until("is read by POP3")
        lines = re.findall(r"^ +\+.*", said, re.M)
        self.assertEqual(len(lines), len(set(lines)), said)
        self.assertEqual(said.count("250: message"), 1)

    def test_folders(self):
        """What can't be read is said."""
        id = self.submit()
        self.arrived(id)
        with tempfile.TemporaryDirectory() as folder:
            for words, said in ((["--also", folder + "/none"], "no journeys can be read in %s/none: "
                                 "No such file" % folder),
                                (["--also", folder], "in %s/journey: No such file" % folder),
                                (["--data", folder], "in %s/journey: No such file" % folder),
                                (["--also", self.host.data] * 8, "more than 8 folders")):
                with self.subTest(words=words):
                    code, out, err = self.trace(id, *words)
                    self.assertEqual((code, out, err.count("\n")), (1, "", 1), err)
                    self.assertIn(said, err)
            os.mkdir(os.path.join(folder, "other"))
            os.mkdir(os.path.join(folder, "other", "journey"))
            # The last part of a path is the host's name, also before a slash.
            code, out, err = self.trace(id, "--data", self.host.data + "//", "--also",
                                        folder + "/other/")
            self.assertEqual((code, err), (0, ""))
            self.assertIn(" s  %s edge." % os.path.basename(self.host.data), out)

    def test_bad_input(self):
        for words, status, said in ((["nothing"], 1, "nothing is written down of message"),
                                    (["--to", "nobody@x.example"], 1, "no message to that address"),
                                    (["--last", "none"], 2, "--last"),
                                    (["a", "b"], 2, "")):
            with self.subTest(words=words):
                got, out, err = self.trace(*words)
                self.assertEqual((got, out), (status, ""))
                self.assertIn(said, err)
                self.assertEqual(err.count("\n"), 1, err)


if __name__ == "__main__":
    unittest.main()
