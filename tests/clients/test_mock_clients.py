"""What people send with, against a mock, and its API shows what they sent; test suites side by side."""
import multiprocessing
import os
import subprocess
import types
import unittest

from server import POSTHOUSE, Mock
from test_api import PNG, Api, send, text

HERE = os.path.dirname(os.path.abspath(__file__))
JARS = ["/usr/share/java/javax.mail.jar", "/usr/share/java/javax.activation.jar"]


class Programs(unittest.TestCase):
    """Each with a mailbox of its own, since they share a mock."""

    @classmethod
    def setUpClass(cls):
        cls.host = Mock("--mailboxes", "login")
        cls.host.start()
        cls.addClassCleanup(cls.host.stop)

    def run_it(self, *words, **more):
        done = subprocess.run(words, capture_output=True, timeout=120, **more)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_javax_mail(self):
        """Sends with STARTTLS and a login, reads by POP3 with STLS."""
        java = ["java", "-cp", ":".join(JARS), os.path.join(HERE, "JavaMail.java")]
        sent = self.run_it(*java, "send", self.host.smtp[0], str(self.host.smtp[1]), "java@example.org", "any",
                           "bob@example.org", "Über Java")
        m = Api(self.host, "java@example.org").get("/api/v1/message/latest")
        self.assertEqual((m["Subject"], m["Text"].replace("\r\n", "\n")), ("Über Java", "Grüße, 挨拶\n.\n..\nFrom here on\n"))
        self.assertEqual([(a["FileName"], a["ContentType"], a["Size"]) for a in m["Attachments"]],
                         [("Bild ä.png", "image/png", 100000)])
        got = self.run_it(*java, "read", self.host.pop3[0], str(self.host.pop3[1]), "java@example.org", "any", "Über Java")
        self.assertTrue(got.endswith(sent), got[:1000])

    def test_swaks(self):
        self.run_it("swaks", "--server", "%s:%d" % self.host.smtp, "--from", "a@example.com", "--to",
                    "b@example.org,c@example.org", "--tls", "--auth", "CRAM-MD5,LOGIN,PLAIN", "--auth-user", "swaks",
                    "--auth-password", "x", "--h-Subject", "with a picture", "--attach-type", "image/png", "--attach-name",
                    "l.png", "--attach", "-", "--attach-type", "text/plain", "--attach-body", "Hello", input=PNG)
        api = Api(self.host, "swaks")
        m = api.get("/api/v1/message/latest")
        self.assertEqual((m["Subject"], m["Text"].strip(), [a["FileName"] for a in m["Attachments"]]),
                         ("with a picture", "Hello", ["l.png"]))
        self.assertEqual(api.ask("GET", "/api/v1/message/%s/part/%s" % (m["ID"], m["Attachments"][0]["PartID"]))[2], PNG)
        self.assertEqual(api.get("/api/posthouse/v1/message/latest/envelope")["To"], ["b@example.org", "c@example.org"])

    def test_by_hand(self):
        """As one types it into ncat, line by line; and the same pasted."""
        lines = ["EHLO me", "MAIL FROM:<a@example.com>", "RCPT TO:<b@example.org>", "DATA",
                 "X-Posthouse-Mailbox: hand\nSubject: by hand\n\nHello\n.", "QUIT"]
        command = ["ncat", "-C", self.host.smtp[0], str(self.host.smtp[1])]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as ncat:
            codes = []
            for line in [None, *lines]:
                if line:
                    ncat.stdin.write(line + "\n")
                    ncat.stdin.flush()
                said = ncat.stdout.readline()
                while said[3:4] == "-":
                    said = ncat.stdout.readline()
                codes.append(said[:3])
            self.assertEqual(codes, ["220", "250", "250", "250", "354", "250", "221"])
            ncat.stdin.close()              # Ctrl-D
            self.assertEqual(ncat.wait(60), 0)
        subprocess.run(command, input="\n".join(lines).encode() + b"\n", check=True, stdout=subprocess.DEVNULL, timeout=120)
        api = Api(self.host, "hand")
        self.assertEqual([m["Subject"] for m in [api.wait(count=2)]] + api.subjects(), ["by hand"] * 3)
        self.assertEqual(api.get("/api/v1/message/latest")["Text"].strip(), "Hello")


ROUNDS = 15


def suite(name, login, smtp, http):
    """One of several, at the same time: its login chooses the mailbox, or a field does."""
    host = types.SimpleNamespace(smtp=smtp, http=http)
    api = Api(host, name)
    field = {} if login else {"X_Posthouse_Mailbox": name}
    for n in range(ROUNDS):
        for one in ("first", "second"):
            send(host, text("%s, %s of %d" % (name, one, n), **field), login=name if login else None)
        want = ["%s, %s of %d" % (name, one, n) for one in ("second", "first")]
        assert api.get("/api/v1/message/latest")["Subject"] == want[0]
        assert api.subjects() == want, (api.subjects(), want)
        assert api.get("/api/v1/messages")["total"] == 2
        assert api.found("subject:of") == want
        api.ok("DELETE", "/api/v1/messages")
        assert api.subjects() == []
        assert api.ask("GET", "/api/v1/message/latest")[0] == 404
    send(host, text("the last", **field), login=name if login else None)
    done = subprocess.run([POSTHOUSE, "expect", "--subject", "last", "--count", "1", "--mailbox", name, "--url",
                           "http://%s:%d" % http], stdout=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 0


class Suites(unittest.TestCase):
    def test_side_by_side(self):
        """Each sends, asks for its latest, and deletes all that is its own, and never sees another's."""
        with Mock("--mailboxes", "login") as host:
            send(host, text("nobody's"))
            processes = [multiprocessing.Process(target=suite, args=(name, login, host.smtp, host.http))
                         for name, login in (("suite-a", True), ("suite-b", False), ("suite-c", False))]
            for process in processes:
                process.start()
            for process in processes:
                process.join(120)
            self.assertEqual([process.exitcode for process in processes], [0, 0, 0])
            self.assertEqual({m["Name"]: m["Messages"] for m in Api(host).get("/api/posthouse/v1/mailboxes")["Mailboxes"]},
                             {"mock": 1, "suite-a": 1, "suite-b": 1, "suite-c": 1})


if __name__ == "__main__":
    unittest.main()
