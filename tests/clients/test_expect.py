"""posthouse expect: waits for a message in a mock, and says what came instead."""
import http.server
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import unittest
import xml.etree.ElementTree as ElementTree

from server import POSTHOUSE, Mock, wait_for
from test_api import Api, send, text

PLAIN = {k: v for k, v in os.environ.items() if not k.startswith(("POSTHOUSE_URL", "http_proxy", "POSTHOUSE_AS"))}


def expect(*words, url=None, **environment):
    where = ("--url", url) if url else ()
    return subprocess.run([POSTHOUSE, "expect", *words, *where], capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL, env=dict(PLAIN, **environment))


class WithMock(unittest.TestCase):
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.host = Mock(*cls.options)
        cls.host.start()
        cls.addClassCleanup(cls.host.stop)
        cls.url = "http://%s:%d" % cls.host.http

    def setUp(self):
        Api(self.host).ok("DELETE", "/api/v1/messages")

    def expect(self, *words, **more):
        return expect(*words, url=self.url, **more)

    def start(self, *words):
        """One that waits, once it does."""
        process = subprocess.Popen([POSTHOUSE, "expect", *words, "--url", self.url], env=PLAIN, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        wait_for(lambda: b"\nposthouse_http_connections 2\n" in Api(self.host).get("/metrics"), what="one that waits")
        return process

    def said(self, done, status, *words):
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        for word in words:
            self.assertIn(word, done.stdout if status == 0 else done.stderr)
        if status != 0:
            self.assertEqual(done.stdout, "")


class Finds(WithMock):
    def test_there(self):
        ident = send(self.host, text("Your code is 123"))
        self.said(self.expect("--to", "bob@example.org", "--subject", "your CODE", "--from", "Alice", "--within", "60s"), 0,
                  "%s  alice@example.com -> bob@example.org  Your code is 123\n" % ident)
        self.said(self.expect(), 0, ident)
        self.said(expect("--within", "0", POSTHOUSE_URL=self.url + "/"), 0, ident)
        self.said(expect("--within", "0", POSTHOUSE_URL="http://127.0.0.1:9", url=self.url[7:]), 0, ident)
        self.said(expect("--within", "0", url=self.url, http_proxy="http://127.0.0.1:9"), 0, ident)

    def test_comes(self):
        send(self.host, text("another"))
        process = self.start("--subject", "it comes", "--within", "60s")
        send(self.host, text("it came"))
        ident = send(self.host, text("it comes"))
        said, wrong = process.communicate(timeout=60)
        self.assertEqual((process.returncode, wrong), (0, ""))
        self.assertTrue(said.startswith(ident + "  "), said)

    def test_comes_not(self):
        for n in range(5):
            send(self.host, text("n%d" % n))
        done = self.expect("--to", "carol@example.org", "--within", "100ms")
        self.said(done, 1, "posthouse: expect: no message came within 100ms that matches to:\"carol@example.org\"\n"
                           "The newest of the 5 that are there:\n", "  alice@example.com -> bob@example.org  n4\n")
        self.assertEqual([line.rsplit(None, 1)[1] for line in done.stderr.splitlines()[2:]], ["n4", "n3", "n2"])
        Api(self.host).ok("DELETE", "/api/v1/messages")
        self.said(self.expect("--subject", b"\xff\xc3\x1b[1m\xc3\xbc", "--within", "0"), 1, 'matches subject:"?? [1mü"\n')
        self.said(self.expect("--within", "0s"), 1, "no message came within 0s\nThere is no message at all.\n")

    def test_values(self):
        """Whatever stands in a value is looked for, and is no part of the language."""
        for subject, finds, finds_not in (
                ("a  b: -c is:unread has:attachment", ("a  b: -c is:unread has:attachment", "-c", "b:"), ("a b:", "is:read")),
                ("say \"hi\" now", ("say \"hi\" now", "\"hi\"", "\"say"), ("\"ho\"", "say hi")),
                ("*?%&#+=/\\'$(x)`", ("*?%&#+=/\\'$(x)`", "&#", "+="), ("%26", "&amp;")),
                ("Grüße, Ünï", ("grüße, ünï",), ("grube",))):
            send(self.host, text(subject))
            for value in finds:
                self.said(self.expect("--subject", value, "--within", "0"), 0)
            for value in finds_not:
                self.said(self.expect("--subject", value, "--within", "0"), 1)
        self.said(self.expect("--subject", "say", "--subject", "now", "--to", "bob", "--to", "example.org", "--query",
                              "-subject:never has:attachment", "--within", "0"), 1)
        self.said(self.expect("--subject", "say", "--subject", "now", "--to", "bob", "--query", "-subject:never"), 0)

    def test_count(self):
        send(self.host, text("one of them"))
        process = self.start("--subject", "of them", "--count", "3", "--within", "60s")
        send(self.host, text("two of them"))
        send(self.host, text("nothing"))
        send(self.host, text("three of them"))
        said, wrong = process.communicate(timeout=60)
        self.assertEqual((process.returncode, wrong), (0, ""))
        self.assertEqual([line.split("  ")[2] for line in said.splitlines()],
                         ["three of them", "two of them", "one of them"])
        self.said(self.expect("--count", "5", "--within", "0"), 1, "4 of 5 messages came within 0\n")
        self.said(self.expect("--count", "4", "--within", "60"), 0, "nothing")
        done = self.expect("--subject", "of them", "--count", "4", "--within", "50ms")
        self.said(done, 1, "3 of 4 messages came within 50ms that match subject:\"of them\"\n", "  three of them\n")

    def test_none(self):
        self.said(self.expect("--count", "0", "--subject", "code", "--within", "50ms"), 0)
        process = self.start("--count", "0", "--subject", "code", "--within", "60s")
        ident = send(self.host, text("a code"))
        self.assertIn("a message is there, and none should be that matches subject:\"code\"\n%s  " % ident,
                      process.communicate(timeout=60)[1])
        self.assertEqual(process.returncode, 1)

    def test_odd_messages(self):
        """What is shown is a line each, without what a terminal would obey."""
        send(self.host, b"Subject: =?utf-8?q?=1B]0;x=07_two=0Alines_=E2=80=AE?=\r\n" + b"To: " +
             b", ".join(b"x%d@example.org" % n for n in range(50)) + b"\r\n\r\nx\r\n")
        done = self.expect("--within", "0")
        self.said(done, 0, "- -> x0@example.org, x1@example.org, x2@example.org and 47 more  ")
        self.assertEqual(done.stdout.count("\n"), 1)
        self.assertFalse([c for c in done.stdout[:-1] if ord(c) < 32 or c == "\u202e"])
        send(self.host, text("ü" * 5000))
        self.assertIn("ü" * 90, self.expect("--within", "0").stdout)
        self.assertLess(len(self.expect("--within", "0").stdout), 300)


class Reports(WithMock):
    def junit(self, *words, status):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "report.xml")
            done = expect(*words, "--junit", path)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertEqual(os.listdir(folder), ["report.xml"])
            mask = os.umask(0)
            os.umask(mask)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o666 & ~mask)
            root = ElementTree.parse(path).getroot()
        self.assertEqual(root.tag, "testsuites")
        suite, = root
        case, = suite
        self.assertEqual((suite.get("tests"), suite.get("failures"), suite.get("errors")),
                         ("1", str(int(status == 1)), str(int(status not in (0, 1)))))
        self.assertEqual(suite.get("time"), case.get("time"))
        return case

    def test_junit(self):
        subject = "<&> \"it\" ]]> 'ü'"
        send(self.host, text(subject))
        case = self.junit("--subject", subject, "--url", self.url, status=0)
        self.assertEqual((case.get("name"), list(case)),
                         ("subject:\"<&> \" subject:\"it\" subject:\" ]]> 'ü'\"", []))
        send(self.host, b"Subject: =?utf-8?q?=EF=BF=BF=0C?=\xff<b>\r\n\r\n")
        case = self.junit("--subject", "\1\x7f<never>\ufffe", "--within", "150ms", "--url", self.url, status=1)
        failure, = case
        self.assertEqual(failure.tag, "failure")
        self.assertTrue(failure.get("message").startswith("no message came within 150ms that matches subject:"), failure.get("message"))
        self.assertIn(subject + "\n", failure.text)
        self.assertIn("<b>", failure.text)
        self.assertEqual(case.get("name"), "subject:\"\ufffd\x7f<never>\ufffd\"")
        self.assertGreaterEqual(float(case.get("time")), 0.15)
        case = self.junit("--url", "http://127.0.0.1:1", status=69)
        self.assertEqual((case.get("name"), case[0].tag), ("any message", "error"))
        self.assertIn("no answer from 127.0.0.1:1", case[0].get("message"))

    def test_not_written(self):
        send(self.host, text("x"))
        done = self.expect("--junit", "/nowhere/x.xml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write /nowhere/x.xml: No such file", done.stderr)

    def test_json(self):
        ident = send(self.host, text("ü"))
        done = self.expect("--subject", "Ü", "--json")
        said = json.loads(done.stdout)
        self.assertEqual((done.returncode, done.stdout.count("\n"), done.stderr), (0, 1, ""))
        self.assertEqual((said["ok"], said["query"], [m["ID"] for m in said["messages"]]), (True, 'subject:"Ü"', [ident]))
        done = self.expect("--subject", "y", "--json", "--within", "0")
        said = json.loads(done.stdout)
        self.assertEqual((done.returncode, said["ok"], [m["ID"] for m in said["newest"]]), (1, False, [ident]))
        self.assertIn("no message came within 0 that", said["error"])
        said = json.loads(expect("--json", url="http://127.0.0.1:1").stdout)
        self.assertEqual((said["ok"], "messages" in said), (False, False))


class OneMailbox(WithMock):
    options = ("--mailboxes", "login")

    def test_mailbox(self):
        send(self.host, text("code", X_Posthouse_Mailbox="suite-a"))
        ident = send(self.host, text("code"), login="suite b")
        self.said(self.expect("--mailbox", "suite b", "--subject", "code", "--within", "60s"), 0, ident)
        self.said(self.expect("--mailbox", "Suite-A", "--subject", "code", "--within", "0", "--count", "2"), 1, "1 of 2")
        self.said(self.expect("--mailbox", "suite-c", "--subject", "code", "--within", "0"), 1,
                  "There is no message at all in this mailbox.")
        process = self.start("--mailbox", "new & shiny", "--within", "60s")
        send(self.host, text("code"), login="suite-a")
        ident = send(self.host, text("code", X_Posthouse_Mailbox="New & shiny"))
        self.assertIn(ident, process.communicate(timeout=60)[0])


class Refuses(unittest.TestCase):
    def test_nonsense(self):
        for words, want in (
                (("--within", "soon"), "--within wants a time up to 10m: 500ms, 5s, 2m, not \"soon\""),
                (("--within", "-1"), "--within wants"), (("--within", "11m"), "--within wants"),
                (("--within", "99999999999999999999s"), "--within wants"), (("--within", ""), "--within wants"),
                (("--to", ""), "--to wants something to look for, and it is empty"), (("--subject", '" "'), "--subject wants"),
                (("--query", " "), "--query wants"), (("--subject", "x" * 9000), "too long to be looked for"),
                (("--query", "x" * 9000), "too long to be looked for"),
                (("--mailbox", ""), "--mailbox wants a name"), (("--mailbox", "x" * 321), "--mailbox wants a name"),
                (("--count", "-1"), "--count"), (("--count", "1001"), "--count"), (("--count", "x"), "--count"),
                (("--url", "ftp://x"), "--url wants an address such as http://127.0.0.1:8025, not \"ftp://x\""),
                (("--url", "file:///etc/passwd"), "--url wants"), (("--url", "http://"), "--url wants"),
                (("--url", "x" * 5000), "--url wants"), (("code",), "one word too many"), (("--form", "x"), "did you mean --from")):
            done = expect(*words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            self.assertRegex(done.stderr, "^posthouse: .{,400}\n$")
            self.assertIn(want, done.stderr)
        self.assertIn("POSTHOUSE_URL wants", expect(POSTHOUSE_URL="gopher://x").stderr)

    def test_many_terms(self):
        with Mock() as host:
            done = expect(*["--to=x"] * 60, "--query", "a b c d e f", url="http://%s:%d" % host.http)
            self.assertEqual(done.returncode, 2)
            self.assertIn("the search is too long", done.stderr)

    def test_no_mock(self):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            where = "127.0.0.1:%d" % nobody.getsockname()[1]
            done = expect("--within", "60s", url="http://user:secret@%s/" % where)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (69, 1))
            self.assertIn("no answer from %s: " % where, done.stderr)
            self.assertIn("start a mock with `%s mock`, or say where it is with --url or POSTHOUSE_URL" % POSTHOUSE, done.stderr)
            self.assertNotIn("secret", done.stderr)
        done = expect("--within", "0", url="http://nowhere.invalid:1")
        self.assertEqual(done.returncode, 69)

    def test_another_server(self):
        """What answers is no mock, or says nonsense."""
        class Answers(http.server.BaseHTTPRequestHandler):
            answer = None

            def do_GET(self):
                status, body = self.answer
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Location", "/other")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        with http.server.HTTPServer(("127.0.0.1", 0), Answers) as server:
            threading.Thread(target=server.serve_forever).start()
            try:
                for answer in ((404, b"404 page not found"), (200, b"<html>"), (200, b"[]"), (200, b"{\"ID\":1}"), (200, b"\0"),
                               (302, b""), (500, b"x"), (503, b"")):
                    Answers.answer = answer
                    done = expect("--within", "0", url="http://127.0.0.1:%d" % server.server_port)
                    self.assertEqual((done.returncode, done.stderr.count("\n")), (69, 1), answer)
            finally:
                server.shutdown()

    def test_interrupted(self):
        with Mock() as host:
            process = subprocess.Popen([POSTHOUSE, "expect", "--within", "5m", "--url", "http://%s:%d" % host.http],
                                       stderr=subprocess.DEVNULL, env=PLAIN,
                                       preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
            wait_for(lambda: b"\nposthouse_http_connections 2\n" in Api(host).get("/metrics"), what="one that waits")
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(60), -signal.SIGINT)

    def test_mock_ends(self):
        with Mock() as host:
            process = subprocess.Popen([POSTHOUSE, "expect", "--within", "5m", "--url", "http://%s:%d" % host.http],
                                       stderr=subprocess.PIPE, text=True, env=PLAIN)
            wait_for(lambda: b"\nposthouse_http_connections 2\n" in Api(host).get("/metrics"), what="one that waits")
            host.stop()
            self.assertRegex(process.communicate(timeout=60)[1], "no answer from|it ends")
            self.assertEqual(process.returncode, 69)


if __name__ == "__main__":
    unittest.main()
