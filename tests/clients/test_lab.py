"""posthouse lab, as a newcomer meets it: the journey on the screen, dig and nslookup
as from a real name server, the lecture's dialogue by hand, Ctrl-C."""
import json
import os
import poplib
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from server import POSTHOUSE, free_ports, wait_for

READY_SECONDS = 60


class Lab:
    def __init__(self, *options, words=("--data", "lab"), stdin=subprocess.DEVNULL):
        self.folder = tempfile.mkdtemp(prefix="posthouse-lab-")
        self.base = free_ports(9)
        self.process = subprocess.Popen(
            [POSTHOUSE, "lab", *words, "--port-base", str(self.base), *options],
            cwd=self.folder, stdin=stdin, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, bufsize=1)
        self.said = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
        shutil.rmtree(self.folder)

    def end(self):
        """As Ctrl-C does it; the status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.process.stdout.close()
            self.process.stderr.close()
            if self.process.stdin is not None:
                self.process.stdin.close()

    def until(self, words, seconds=READY_SECONDS):
        """Read what it says until `words` are there."""
        end = time.monotonic() + seconds
        while words not in self.said:
            left = end - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
            piece = os.read(self.process.stdout.fileno(), 65536).decode() if ready else ""
            if not piece:
                raise AssertionError("%r was not said, but: %s%s" % (
                    words, self.said, "" if ready else " (too slow)"))
            self.said += piece
        return self.said

    def after(self, words, begin):
        """What it says from `begin` (said before, or soon) to `words`."""
        self.until(begin)
        rest = self.said[self.said.index(begin):]
        while words not in rest:
            self.said, before = "", self.said
            self.until("\n")
            self.said = before + self.said
            rest = self.said[self.said.index(begin):]
        return rest

    def folder_of(self, name):
        return os.path.join(self.folder, "lab", name)

    def pid(self, name):
        """Of that host's server."""
        with open(os.path.join(self.folder_of(name), "lock")) as f:
            return int(f.read())

    def send(self, to, subject="hello"):
        """As the advice says it: by Bob's server."""
        line = re.search(r"^  (POSTHOUSE_PASSWORD=.*\n.*)", self.said, re.M).group(1)
        line = line.replace("--to alice@alice.example", "--to '%s'" % to)
        line = line.replace("--subject hello", "--subject '%s'" % subject)
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60,
                              cwd=self.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout


def dig(port, *words):
    return subprocess.run(["dig", "@127.0.0.1", "-p", str(port), *words], capture_output=True,
                          text=True, timeout=60).stdout


def dialogue(address, lines, after_data):
    """The lecture's way: a line, its reply, the next. Replies' codes."""
    codes = []
    with socket.create_connection(address, timeout=30) as s:
        f = s.makefile("rwb")

        def reply():
            while True:
                line = f.readline().decode()
                if line[3:4] != "-":
                    codes.append(int(line[:3]))
                    return

        reply()
        for line in lines:
            f.write(line.encode() + b"\r\n")
            f.flush()
            reply()
            if line.upper() == "DATA" and codes[-1] == 354:
                f.write(after_data.encode())
                f.flush()
                reply()
    return codes


def get(address, path, method="GET"):
    """(status, body)"""
    request = urllib.request.Request("http://%s%s" % (address, path), method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def ask(address, path):
    status, body = get(address, path)
    assert status == 200, (status, body)
    return json.loads(body)


class TestPage(unittest.TestCase):
    def test_both(self):
        """A page of each host, one journey over both."""
        with Lab() as lab:
            said = lab.until("Ctrl-C stops the lab.")
            bob, alice = ("127.0.0.%d:%d" % (n, lab.base + 6) for n in (2, 3))
            for address in (alice, bob):
                self.assertIn("http://%s/" % address, said)
                status, page = get(address, "/")
                self.assertEqual(status, 200)
                self.assertIn(b'id="hosts"', page)
                hosts = ask(address, "/api/posthouse/v1/hosts")["Hosts"]
                self.assertEqual({h["Name"]: h["URL"] for h in hosts},
                                 {"bob.example": "http://%s/" % bob, "alice.example": "http://%s/" % alice})
                self.assertEqual([h["URL"] for h in hosts if h["Here"]], ["http://%s/" % address])
            message, = ask(alice, "/api/v1/messages")["messages"]
            self.assertEqual(message["Subject"], "A first message")
            self.assertEqual(ask(bob, "/api/v1/messages")["messages"], [])
            # Its walls keep zone files from it; it is none the worse for it.
            self.assertEqual(ask(alice, "/api/v1/search?query=after:2020-01-01&tz=Asia/Kathmandu")["messages_count"], 1)
            self.assertEqual(ask(alice, "/api/posthouse/v1/mailboxes")["Mailboxes"],
                             [{"Name": "alice", "Messages": 1, "Unread": 1}])
            path = "/api/posthouse/v1/message/%s/" % message["ID"]
            events = ask(alice, path + "journey")["Events"]
            at = [(e["Host"], e["What"]) for e in events]
            order = [at.index(step) for step in (
                ("bob.example", "connection"), ("bob.example", "login"), ("bob.example", "accepted"),
                ("bob.example", "looked-up"), ("alice.example", "connection"), ("alice.example", "accepted"),
                ("bob.example", "sent"), ("alice.example", "filed"), ("alice.example", "durable"))]
            self.assertEqual(order, sorted(order), at)
            done = subprocess.run([POSTHOUSE, "trace", "--data", lab.folder_of("alice"), "--also",
                                   lab.folder_of("bob"), message["ID"]], capture_output=True, text=True, timeout=60)
            self.assertIn("login of bob@bob.example: ok", done.stdout)
            self.assertIn("mailbox of alice@alice.example, UID 1", done.stdout)
            lines = [(line["From"], line["Text"]) for line in ask(alice, path + "transcript")["Lines"]]
            self.assertIn(("client", "EHLO mail.bob.example"), lines)
            self.assertIn(("server", "250 2.0.0 Ok: queued as " + message["ID"]), lines)
            # Nothing is deleted or sent there; POP3 deletes, and the page follows.
            for method, where in (("DELETE", "/api/v1/messages"), ("DELETE", "/api/v1/search?query=x"),
                                  ("POST", "/api/v1/send")):
                status, words = get(alice, where, method)
                self.assertEqual(status, 403)
                self.assertIn(b"POP3", words)
            self.assertEqual(ask(alice, "/api/v1/messages")["total"], 1)
            account, password = re.search(r"--user (\S+?):(\S+)$", said, re.M).groups()
            box = poplib.POP3("127.0.0.3", lab.base + 3, timeout=30)
            box.user(account)
            box.pass_(password)
            box.dele(1)
            box.quit()
            wait_for(lambda: ask(alice, "/api/v1/messages")["total"] == 0, what="the deletion")

    def test_only_a_lab(self):
        """A server that somebody writes a configuration for shows no mail; nor a lab to others."""
        with tempfile.TemporaryDirectory() as folder:
            for words, said in ((["--demo"], "lab = yes is for `posthouse lab` alone"),
                                (["--demo", "--demo-host=bob", "--set=listen.http=0.0.0.0:0"],
                                 "only on loopback")):
                done = subprocess.run([POSTHOUSE, "serve", *words, "--data", folder + "/data", "--set=lab=yes"],
                                      capture_output=True, text=True, timeout=60)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(said, done.stderr)


class TestLab(unittest.TestCase):
    def test_journey_names_and_dialogue(self):
        with Lab() as lab:
            said = lab.until("Ctrl-C stops the lab.")
            # Hop by hop, with the dialogue, the names, and where it came to lie.
            for words in ("connects (submission)", "login of bob@bob.example: ok",
                          "C: RCPT TO:<alice@alice.example>", "DNS: MX of alice.example? found: "
                          "10 mail.alice.example.", "connects (smtp)", "delivered to "
                          "<alice@alice.example>: mail.alice.example[127.0.0.3]",
                          "mailbox of alice@alice.example, UID 1", "and that is on disk"):
                self.assertIn(words, said)
            self.assertNotIn("AUTH PLAIN A", said)
            # One journey over both hosts, whole before the advice.
            self.assertEqual(re.findall(r"^The journey of message", said, re.M),
                             ["The journey of message"])
            self.assertLess(said.index("and that is on disk"), said.index("Now you."))
            # Each line once, and the hop's lines before its outcome.
            lines = re.findall(r"^ +\+.*", said, re.M)
            self.assertEqual(len(lines), len(set(lines)))
            self.assertLess(said.index("connects (smtp)"), said.index("delivered to <alice"))
            dns, smtp = lab.base + 5, ("127.0.0.3", lab.base)
            self.assertIn("10 mail.alice.example.", dig(dns, "-t", "MX", "alice.example"))
            anything = dig(dns, "-t", "ANY", "bob.example", "+tcp")
            for type in ("SOA", "NS", "MX", "TXT", "A"):
                self.assertRegex(anything, r"bob\.example\.\s+\d+\s+IN\s+%s\s" % type)
            self.assertIn("mail.alice.example.", dig(dns, "-x", "127.0.0.3"))
            self.assertIn("NXDOMAIN", dig(dns, "nowhere.alice.example"))
            looked = subprocess.run(["nslookup", "-port=%d" % dns, "-type=mx", "alice.example",
                                     "127.0.0.1"], capture_output=True, text=True, timeout=60)
            self.assertIn("mail exchanger = 10 mail.alice.example.", looked.stdout)
            # The lecture's dialogue; a stranger's mail is not relayed.
            body = "Subject: by hand\r\n\r\nHi Alice.\r\n.\r\n"
            codes = dialogue(smtp, ["EHLO mycompany.com", "MAIL FROM: bob@bob.com",
                                    "RCPT TO: alice@alice.example", "DATA", "quit"], body)
            self.assertEqual(codes, [220, 250, 250, 250, 354, 250, 221])
            codes = dialogue(smtp, ["EHLO mycompany.com", "MAIL FROM: bob@bob.com",
                                    "RCPT TO: stranger@elsewhere.example", "quit"], "")
            self.assertEqual(codes, [220, 250, 250, 550, 221])
            # New messages show up.
            lab.until("from <bob@bob.com>")
            self.assertEqual(lab.end(), 0)

    def test_server_that_ends(self):
        """As the advice says: stop Alice's server, send, see why it waits, start it again."""
        with Lab(stdin=subprocess.PIPE) as lab:
            said = lab.until("Ctrl-C stops the lab.")
            kill, = re.findall(r"^  (kill \d+)$", said, re.M)
            queue, = re.findall(r"^  (\S+ queue list .*)$", said, re.M)
            self.assertEqual(kill, "kill %d" % lab.pid("alice"))
            subprocess.run(["sh", "-c", kill], check=True)
            lab.until("Alice's server has ended (exit status 0)")
            lab.send("alice@alice.example", "while she is away")

            def waits():
                out = subprocess.run(["sh", "-c", queue], capture_output=True, text=True,
                                     timeout=60).stdout
                return out if "refused" in out.lower() else None
            self.assertIn("alice.example", wait_for(waits, what="the reason in the queue"))
            lab.until("not yet delivered to <alice@alice.example>")
            lab.process.stdin.write("\n")
            lab.process.stdin.flush()
            said = lab.until("Alice's server is up again")
            lab.until("queue retry all --data")
            retry = re.findall(r"^  (\S+ queue retry all .*)$", lab.after("bob\n", "is up again"),
                               re.M)[0]
            # It may be under way by itself just now.
            subprocess.run(["sh", "-c", retry], capture_output=True, timeout=60)
            lab.after("and that is on disk", "is up again")
            self.assertEqual(lab.process.poll(), None)
            # Again, by a signal; the other one.
            os.kill(lab.pid("bob"), signal.SIGKILL)
            lab.until("Bob's server has ended (signal 9)")
            lab.process.send_signal(signal.SIGUSR1)
            lab.until("Bob's server is up again")
            self.assertEqual(lab.end(), 0)

    def test_nothing_leaves(self):
        """Names that are not the lab's are not there; addresses outside get no connection."""
        zone = tempfile.NamedTemporaryFile("w", suffix=".zone")
        self.addCleanup(zone.close)
        zone.write("$ORIGIN outside.example.\n$TTL 60\n@ IN SOA ns root 1 1 1 1 1\n"
                   "@ IN MX 10 mail\nmail IN A 192.0.2.1\n")
        zone.flush()
        with Lab("--zone", zone.name, stdin=subprocess.PIPE) as lab:
            lab.until("Ctrl-C stops the lab.")
            self.assertIn("192.0.2.1", dig(lab.base + 5, "mail.outside.example"))
            self.assertIn("NXDOMAIN", dig(lab.base + 5, "gmail.com", "MX"))
            for to, why in (("x@gmail.com", "there is no domain gmail.com"),
                            ("x@outside.example", "sends no mail to mail.outside.example["
                             "192.0.2.1]"),
                            ("x@[192.0.2.7]", "sends no mail to 192.0.2.7[192.0.2.7]")):
                with self.subTest(to=to):
                    lab.send(to)
                    said = lab.after(why, "refused for good for <%s>" % to)
                    self.assertIn(why, said)
            self.assertIn("DNS: gmail.com. MX? NXDOMAIN", lab.said)
            self.assertEqual(lab.end(), 0)

    def test_two_in_one_folder(self):
        with Lab("--json", "--send", "no") as lab:
            lab.until("\n")
            with open(lab.folder_of("bob.log"), "w") as f:
                f.write("what the first one wrote\n")
            other = subprocess.run([POSTHOUSE, "lab", "--data", "lab/", "--port-base",
                                    str(free_ports(9))], capture_output=True, text=True,
                                   timeout=60, cwd=lab.folder)
            self.assertEqual((other.returncode, other.stdout), (1, ""))
            self.assertIn("another lab runs in", other.stderr)
            self.assertIn("(process %d)" % lab.process.pid, other.stderr)
            with open(lab.folder_of("bob.log")) as f:
                self.assertEqual(f.read(), "what the first one wrote\n")
            self.assertEqual(lab.end(), 0)

    def test_ports_that_are_taken(self):
        base = free_ports(9, ("127.0.0.1", "127.0.0.3"))
        with socket.socket() as s, tempfile.TemporaryDirectory() as folder:
            # Connections of an earlier lab there may not be forgotten yet.
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("127.0.0.3", base + 3))
            s.listen()
            done = subprocess.run([POSTHOUSE, "lab", "--data", folder + "/lab", "--port-base",
                                   str(base)], capture_output=True, text=True, timeout=60)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("127.0.0.3:%d" % (base + 3), done.stderr)
            self.assertIn("--port-base N takes other ports", done.stderr)

    def test_slow_reader(self):
        """Nobody reads what it says: it serves all the same, and ends."""
        with Lab() as lab:
            lab.until("Ctrl-C stops the lab.")
            # More questions than the pipe and what waits have room for.
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(60)
                s.connect(("127.0.0.1", lab.base + 5))
                name = b"".join(b"\x3f" + b"x" * 63 for _ in range(3)) + b"\x07example\0"
                for i in range(8000):
                    s.send(b"%c%c\1\0\0\1\0\0\0\0\0\0" % (i >> 8, i & 255) + name +
                           b"\0\x0f\0\1")
                    self.assertEqual(s.recv(600)[:2], bytes((i >> 8, i & 255)))
            lab.until("lines were left out: nobody read them)")
            self.assertEqual(lab.end(), 0)

    def test_typed_as_it_was(self):
        environment = dict(os.environ, POSTHOUSE_AS="../x/run")
        with tempfile.TemporaryDirectory() as folder:
            process = subprocess.Popen(
                [POSTHOUSE, "lab", "--send", "no", "--data", folder + "/lab", "--port-base",
                 str(free_ports(9))], env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, text=True)
            said = ""
            while "Ctrl-C stops" not in said:
                line = process.stdout.readline()
                self.assertTrue(line, said)
                said += line
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(60), 0)
            process.stdout.close()
            for words in ("../x/run send --server", "../x/run trace --data",
                          "../x/run queue list --data"):
                self.assertIn(words, said)
            self.assertNotIn("posthouse send", said)

    def test_json(self):
        with Lab("--json", "--send", "no") as lab:
            line = json.loads(lab.until("\n"))
            self.assertEqual([h["domain"] for h in line["hosts"]], ["bob.example", "alice.example"])
            self.assertEqual(line["dns"], "127.0.0.1:%d" % (lab.base + 5))
            alice = line["hosts"][1]
            self.assertTrue(os.path.exists(alice["certificate"]))
            host, port = alice["pop3"].split(":")
            box = poplib.POP3(host, int(port), timeout=30)
            account, = alice["accounts"]
            box.user(account["address"])
            box.pass_(account["password"])
            self.assertEqual(box.stat()[0], 0)
            box.quit()
            # A second one on the same ports: a clear line.
            other = subprocess.run([POSTHOUSE, "lab", "--data", lab.folder + "/other", "--port-base",
                                    str(lab.base)], capture_output=True, text=True, timeout=60)
            self.assertEqual((other.returncode, other.stdout), (1, ""))
            self.assertIn("does another lab run?", other.stderr)
            self.assertEqual(lab.end(), 0)

    def test_again_in_the_same_folder(self):
        with Lab("--json", "--send", "no") as lab:
            first = json.loads(lab.until("\n"))
            lab.process.send_signal(signal.SIGTERM)
            self.assertEqual(lab.process.wait(60), 0)
            again = subprocess.Popen(lab.process.args, cwd=lab.folder,
                                     stdout=subprocess.PIPE, text=True)
            second = json.loads(again.stdout.readline())
            again.send_signal(signal.SIGINT)
            self.assertEqual(again.wait(60), 0)
            again.stdout.close()
            self.assertEqual([h["accounts"] for h in first["hosts"]],
                             [h["accounts"] for h in second["hosts"]])

    def test_first_run(self):
        """Nothing is there yet, nothing is said about where."""
        with Lab("--json", "--send", "no", words=()) as lab:
            self.assertEqual(len(json.loads(lab.until("\n"))["hosts"]), 2)
            self.assertEqual(os.listdir(lab.folder), ["posthouse.lab"])
            self.assertEqual(lab.end(), 0)

    @unittest.skipIf(os.geteuid() != 0, "wants root")
    def test_folder_of_another_user(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chown(folder, 12345, -1)
            done = subprocess.run([POSTHOUSE, "lab", "--data", folder], capture_output=True,
                                  text=True, timeout=60)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("belongs to another user (12345)", done.stderr)
            self.assertEqual(os.listdir(folder), [])

    def test_bad_input(self):
        with tempfile.TemporaryDirectory() as folder:
            zone = os.path.join(folder, "zone")
            with open(zone, "w") as f:
                f.write("$ORIGIN x.example.\n$TTL 60\n@ IN SOA ns root 1 1 1 1 1\n@ IN A 1.2.3\n")
            os.mkdir(os.path.join(folder, "long" + "x" * 200))
            for words, status, said in (
                    (["--zone", zone], 1, "%s:4: " % zone),
                    (["--zone", folder + "/none"], 1, folder + "/none"),
                    (["--send", "maybe"], 2, "yes or no"),
                    (["--data", "/nonexistent/lab"], 1, "/nonexistent/lab"),
                    (["--data", zone], 1, "is a file, no folder"),
                    (["--data", "/proc/self"], 1, "cannot write in the folder"),
                    (["--data", folder + "/long" + "x" * 200 + "/" + "y" * 240], 1, "too long")):
                with self.subTest(words=words):
                    done = subprocess.run([POSTHOUSE, "lab", "--data", folder + "/lab", *words],
                                          capture_output=True, text=True, timeout=60)
                    self.assertEqual((done.returncode, done.stdout), (status, ""))
                    self.assertIn(said, done.stderr)
                    self.assertEqual(done.stderr.count("\n"), 1, done.stderr)


if __name__ == "__main__":
    unittest.main()
