"""One edge process holds 5,000 idle sessions under 8 KB each, 32 KB with TLS."""
import os
import re
import socket
import ssl
import unittest

from server import Demo

SESSIONS = 5000
PLAIN_BYTES_MAX = 8 * 1024
TLS_BYTES_MAX = 32 * 1024


def memory(pid):
    """Bytes that are this process's own."""
    text = open("/proc/%d/smaps_rollup" % pid).read()
    return 1024 * sum(int(n) for n in re.findall(r"^(?:Private_Dirty|Private_Clean):\s+(\d+)", text, re.M))


class Idle(unittest.TestCase):
    def hold(self, host, connect, limit, name):
        pid, = host.roles()["edge"]
        first = [connect() for _ in range(100)]         # what every edge needs once
        before = memory(pid)
        held = [connect() for _ in range(SESSIONS)]
        each = (memory(pid) - before) / SESSIONS
        print("# note: %d idle sessions (%s): %.1f KB each" % (SESSIONS, name, each / 1024))
        self.assertLess(each, limit)
        for s in first + held:
            s.sendall(b"QUIT\r\n")
        for s in first + held:
            self.assertTrue(s.recv(4096).startswith(b"221"))
            s.close()

    def test_idle_sessions_are_small(self):
        words = ["--set", "edges=1", "--set", "limit.sessions=12000",
                 "--set", "limit.sessions_per_address=12000"]
        with Demo(*words, program=os.environ["POSTHOUSE_RELEASE"]) as host:
            def greeted(s):
                s.settimeout(60)
                self.assertTrue(s.recv(4096).startswith(b"220"))
                s.sendall(b"EHLO client.example\r\n")
                self.assertTrue(s.recv(4096).startswith(b"250"))
                return s

            def plain():
                return greeted(socket.create_connection(host.smtp, timeout=60))

            context = ssl.create_default_context(cafile=host.certificate)
            context.check_hostname = False

            def tls():
                return greeted(context.wrap_socket(socket.create_connection(host.submissions, timeout=60)))

            self.hold(host, plain, PLAIN_BYTES_MAX, "plain")
            self.hold(host, tls, TLS_BYTES_MAX, "TLS")
