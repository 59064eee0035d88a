"""A lenient server keeps what programs send that know little of SMTP, and says what was
wrong with it. Bare sockets: each client is one that somebody wrote."""
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

from server import POSTHOUSE, Mock, wait_for

CLIENTS = 100
ALICE = "alice@alice.example"
HEAD = "Subject: number %d\r\nFrom: a@b.example\r\n\r\n"


class TestLenient(unittest.TestCase):
    def setUp(self):
        folder = tempfile.mkdtemp(prefix="posthouse-lenient-")
        self.addCleanup(shutil.rmtree, folder, True)
        self.host = Mock(data=folder)
        self.host.__enter__()
        self.addCleanup(self.host.__exit__, None, None, None)

    def numbers(self):
        """Of the messages that are there."""
        box = self.host.box()
        numbers = []
        for i in range(1, box.stat()[0] + 1):
            text = b"\n".join(box.retr(i)[1])
            numbers.append(int(re.search(rb"Subject: number (\d+)", text).group(1)))
        box.quit()
        return sorted(numbers)

    def expect(self, n):
        wait_for(lambda: len(self.numbers()) >= n, what="%d messages" % n)
        self.assertEqual(self.numbers(), list(range(n)))

    def departures(self):
        """Names of those in the journey of the last message."""
        told = subprocess.run([POSTHOUSE, "trace", "--data", self.host.data, "--last", "1",
                               "--json"], capture_output=True, text=True, timeout=60)
        self.assertEqual(told.returncode, 0, told.stderr)
        events = [json.loads(line) for line in told.stdout.splitlines()]
        return [event["name"] for event in events if event["e"] == "departure"]

    def test_one_line_a_reply(self):
        """Reads one line after each command, though the reply to EHLO has several; then
        exits, with replies unread: the kernel resets the connection. (TCP_NODELAY: what
        its own kernel holds back until then, and throws away, nobody can keep.)"""
        for i in range(CLIENTS):
            with socket.create_connection(self.host.smtp, timeout=60) as client, \
                    client.makefile("rb", buffering=0) as lines:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                lines.readline()
                for text in ("EHLO client.example\r\n", "MAIL FROM:<a@b.example>\r\n",
                             "RCPT TO:<%s>\r\n" % ALICE, "DATA\r\n",
                             HEAD % i + "text\r\n.\r\n", "QUIT\r\n"):
                    client.sendall(text.encode())
                    lines.readline()
        self.expect(CLIENTS)
        wait_for(lambda: "replies-unread" in self.departures(), what="the end of the session")

    def test_java(self):
        """A first program in Java, that knows of no socket option: in one process and in several,
        whose exit is their only close."""
        folder = tempfile.mkdtemp(prefix="posthouse-java-")
        self.addCleanup(shutil.rmtree, folder, True)
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "JavaSocket.java")
        subprocess.run(["javac", "-d", folder, source], check=True, timeout=120)

        def start(first, count):
            return subprocess.Popen(["java", "-XX:TieredStopAtLevel=1", "-cp", folder, "JavaSocket",
                                     self.host.smtp[0], str(self.host.smtp[1]), str(first), str(count)])
        alone = 8
        running = [start(0, CLIENTS - alone)]
        for i in range(CLIENTS - alone, CLIENTS):
            if i == CLIENTS - 1:
                self.assertEqual([process.wait(120) for process in running], [0] * len(running))
            running.append(start(i, 1))
        self.assertEqual(running[-1].wait(120), 0)
        self.expect(CLIENTS)
        wait_for(lambda: "replies-unread" in self.departures(), what="the end of the session")
        # It may be ahead of the replies that it has not read yet.
        self.assertLessEqual(set(self.departures()), {"command-early", "data-early", "replies-unread"})
        told = subprocess.run([POSTHOUSE, "trace", "--data", self.host.data, "--last", "1"],
                              capture_output=True, text=True, timeout=60).stdout
        self.assertIn("the client went and left replies unread", told)
        self.assertIn("read each reply to its last line", told)

    def test_nothing_read(self):
        """Says all at once and is gone, with a reset that overtakes nothing."""
        for i in range(CLIENTS):
            with socket.create_connection(self.host.smtp, timeout=60) as client:
                client.sendall(("HELO c\nMAIL FROM: a@b.example\nRCPT TO: %s\nDATA\n"
                                % ALICE + (HEAD % i).replace("\r", "") +
                                "x\n.\n" + "QUIT\n" * (i % 2)).encode())
        self.expect(CLIENTS)

    def test_gone_after_the_dot(self):
        """Each of its replies read but the last."""
        for i in range(CLIENTS):
            with socket.create_connection(self.host.smtp, timeout=60) as client:
                for text in (None, "HELO client.example", "MAIL FROM:<a@b.example>",
                             "RCPT TO:<%s>" % ALICE, "DATA"):
                    if text is not None:
                        client.sendall(text.encode() + b"\r\n")
                    client.recv(1000)
                client.sendall((HEAD % i + "text\r\n" + ".\r\n" * (i % 2)).encode())
        self.expect(CLIENTS)

    def test_told(self):
        """What was wrong stands in the journey, in words and in JSON."""
        with socket.create_connection(self.host.smtp, timeout=60) as client:
            client.recv(1000)
            client.sendall(("HELO\nMAIL FROM: a@b.example\nRCPT TO:<%s>\nDATA\n" %
                            ALICE + (HEAD % 0) + "text\n.\n").encode())
            said = b""
            while b"queued as" not in said:
                said += client.recv(1000)
        wait_for(lambda: "quit-missing" in self.departures(), what="the end of the session")
        self.assertEqual(self.departures(), [
            "command-line-end", "command-early", "hello-name", "path-blank", "path-brackets",
            "data-early", "data-line-end", "data-end", "quit-missing"])
        words = subprocess.run([POSTHOUSE, "trace", "--data", self.host.data, "--last", "1"],
                               capture_output=True, text=True, timeout=60).stdout
        self.assertIn("accepted here; a real server would refuse: RFC 5321 section 2.3.8, lines "
                      "of the message do not end in CR LF", words)


if __name__ == "__main__":
    unittest.main()
