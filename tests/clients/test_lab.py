"""posthouse lab, as a newcomer meets it: the journey on the screen, dig and nslookup
as from a real name server, the lecture's dialogue by hand, Ctrl-C."""
import json
import os
import poplib
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from server import POSTHOUSE, free_ports

READY_SECONDS = 60


class Lab:
    def __init__(self, *options, words=("--data", "lab")):
        self.folder = tempfile.mkdtemp(prefix="posthouse-lab-")
        self.base = free_ports(6)
        self.process = subprocess.Popen(
            [POSTHOUSE, "lab", *words, "--port-base", str(self.base), *options],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
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

    def test_bad_input(self):
        with tempfile.TemporaryDirectory() as folder:
            zone = os.path.join(folder, "zone")
            with open(zone, "w") as f:
                f.write("$ORIGIN x.example.\n$TTL 60\n@ IN SOA ns root 1 1 1 1 1\n@ IN A 1.2.3\n")
            for words, status, said in (
                    (["--zone", zone], 1, "%s:4: " % zone),
                    (["--zone", folder + "/none"], 1, folder + "/none"),
                    (["--send", "maybe"], 2, "yes or no"),
                    (["--data", "/nonexistent/lab"], 1, "/nonexistent/lab")):
                with self.subTest(words=words):
                    done = subprocess.run([POSTHOUSE, "lab", "--data", folder + "/lab", *words],
                                          capture_output=True, text=True, timeout=60)
                    self.assertEqual((done.returncode, done.stdout), (status, ""))
                    self.assertIn(said, done.stderr)
                    self.assertEqual(done.stderr.count("\n"), 1, done.stderr)


if __name__ == "__main__":
    unittest.main()
