"""The web role of a real server: what monitoring asks, what a browser or a bad client sends."""
import concurrent.futures
import http.client
import os
import re
import signal
import socket
import subprocess
import threading
import unittest

from server import Demo, wait_for

LISTEN = ("--set", "listen.http=127.0.0.1:0")
STRANGERS = ("--set", "limit.trusted=none", "--set", "limit.sessions_per_address=20")


class Host(Demo):
    services = Demo.services + ("http",)


def curl(host, path, *options):
    """(status, {header: value}, body)"""
    out = subprocess.run(["curl", "-sS", "-i", "--max-time", "60", "--path-as-is", *options,
                          "http://%s:%d%s" % (*host.http, path)], capture_output=True, check=True).stdout
    head, body = out.split(b"\r\n\r\n", 1)
    while head.startswith(b"HTTP/1.1 100"):
        head, body = body.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    return int(lines[0].split()[1]), {k.lower(): v for k, v in (l.split(": ", 1) for l in lines[1:])}, body


def metrics(host):
    """{(name, labels): value}, judged by the rules of the text format 0.0.4."""
    status, head, body = curl(host, "/metrics")
    assert status == 200 and head["content-type"].startswith("text/plain; version=0.0.4"), head
    values, types, helped = {}, {}, set()
    for line in body.decode().splitlines():
        if line.startswith("# HELP "):
            name = line.split()[2]
            assert name not in helped, line
            helped.add(name)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name in helped and kind in ("gauge", "counter"), line
            assert (kind == "counter") == name.endswith("_total"), line
            types[name] = kind
        else:
            found = re.fullmatch(r'(posthouse_[a-z_]+)(\{[a-z]+="[a-z0-9.]+"\})? (\d+)', line)
            assert found, line
            assert found.group(1) in types and found.groups()[:2] not in values, line
            values[found.groups()[:2]] = int(found.group(3))
    assert body.endswith(b"\n")
    return values


def total(values, name):
    return sum(v for (n, _), v in values.items() if n == name)


def talk(host, data, end=True):
    """All that comes back for these bytes on a connection of their own."""
    with socket.create_connection(host.http, timeout=60) as s:
        try:
            s.sendall(data)
            if end:
                s.shutdown(socket.SHUT_WR)
        except OSError:
            pass                        # it has heard enough
        out = b""
        try:
            while piece := s.recv(65536):
                out += piece
        except ConnectionResetError:
            pass
        return out


class Web(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Host(*LISTEN, "--set", "edges=2")
        cls.host.start()

    @classmethod
    def tearDownClass(cls):
        cls.host.__exit__()

    def test_live_and_ready(self):
        for path in ("/livez", "/readyz"):
            status, head, body = curl(self.host, path)
            self.assertEqual((status, body), (200, b""))
            self.assertEqual(head["referrer-policy"], "no-referrer")
            self.assertIn("default-src 'self'", head["content-security-policy"])
            self.assertEqual(curl(self.host, path, "-I")[0], 200)

    def test_metrics(self):
        before = metrics(self.host)
        for i in range(3):
            self.assertEqual(self.host.send("message %d" % i, "x" * 1000 + "\r\n")[0], 250)
        wait_for(lambda: self.host.count() >= 3, what="three messages")

        def counted():
            now = metrics(self.host)
            return all(total(now, name) >= total(before, name) + 3 for name in (
                "posthouse_messages_accepted_total", "posthouse_messages_delivered_total",
                "posthouse_connections_total")) and now
        now = wait_for(counted, what="three messages in the metrics")
        self.assertGreaterEqual(total(now, "posthouse_message_accepted_bytes_total"), 3000)
        self.assertGreater(total(now, "posthouse_journal_bytes"), 0)
        self.assertEqual(total(now, "posthouse_ready"), 1)
        self.assertEqual({labels for name, labels in now if name == "posthouse_sessions"},
                         {'{role="edge.0"}', '{role="edge.1"}'})

    def test_no_such(self):
        for path, body in (("/", b"404 page not found"), ("/livez/x", b"404 page not found"),
                           ("/api/v1/nothing", b"File not found"), ("/../livez", b"404 page not found")):
            status, head, have = curl(self.host, path)
            self.assertEqual((status, head["content-type"], have), (404, "text/plain", body), path)
        status, head, body = curl(self.host, "/metrics", "-X", "DELETE")
        self.assertEqual((status, head["allow"], body), (405, "GET, HEAD", b"Method Not Allowed"))
        self.assertEqual(curl(self.host, "/%zz")[0], 400)

    def test_too_large(self):
        self.assertEqual(curl(self.host, "/" + "x" * 40000)[0], 414)
        self.assertEqual(curl(self.host, "/livez", "-H", "X: " + "x" * 40000)[0], 431)
        body = os.urandom(6 * 1024 * 1024)
        for how in ([], ["-H", "Transfer-Encoding: chunked"]):
            out = subprocess.run(["curl", "-sS", "-o", "-", "-w", "%{http_code}", "--max-time", "60",
                                  "--data-binary", "@-", *how, "http://%s:%d/livez" % self.host.http],
                                 input=body, capture_output=True)
            self.assertEqual(out.stdout[-3:], b"413", (how, out))

    def test_keep_alive(self):
        before = metrics(self.host)
        connection = http.client.HTTPConnection(*self.host.http, timeout=60)
        connection.connect()
        port = connection.sock.getsockname()[1]
        for i in range(1000):
            connection.request("GET" if i % 3 else "HEAD", "/livez" if i % 2 else "/nowhere")
            answer = connection.getresponse()
            answer.read()
            self.assertEqual(answer.status, 200 if i % 2 else 404)
            self.assertEqual(connection.sock.getsockname()[1], port)
        connection.close()
        now = metrics(self.host)
        self.assertEqual(total(now, "posthouse_http_requests_total"),
                         total(before, "posthouse_http_requests_total") + 1001)
        self.assertEqual(total(now, "posthouse_http_requests_failed_total"),
                         total(before, "posthouse_http_requests_failed_total") + 500)

    def test_pipelined(self):
        out = talk(self.host, b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n" * 500 +
                   b"GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", end=False)
        self.assertEqual(out.count(b"HTTP/1.1 200 OK\r\n"), 501)

    def test_garbage(self):
        """None is a 500, and the next is served."""
        garbage = (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"EHLO client.example\r\n", b"GET\r\n\r\n",
                   b"GET / HTTP/9.9\r\n\r\n", b"GET /livez HTTP/1.1\r\n\r\n", b"\0" * 1000,
                   b"GET /livez HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n",
                   b"POST /livez HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
                   b"GET /\r\nlivez HTTP/1.1\r\n\r\n", b"A" * 100000, b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 20000)
        # At once, since some are heard out until the deadline.
        with concurrent.futures.ThreadPoolExecutor(len(garbage)) as pool:
            for data, out in zip(garbage, pool.map(lambda data: talk(self.host, data), garbage)):
                self.assertNotIn(b" 500 ", out[:20], data[:40])
        self.assertEqual(curl(self.host, "/livez")[0], 200)

    def test_many_at_once(self):
        """Half say nothing; the others are served."""
        idle = [socket.create_connection(self.host.http, timeout=60) for _ in range(200)]
        statuses = []

        def ask():
            for _ in range(20):
                statuses.append(curl(self.host, "/livez")[0])
        threads = [threading.Thread(target=ask) for _ in range(5)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for s in idle:
            s.close()
        self.assertEqual(statuses, [200] * 100)
        wait_for(lambda: total(metrics(self.host), "posthouse_http_connections") == 1, what="their end")


class Strangers(unittest.TestCase):
    """Nobody is trusted: shares and time count."""

    def test_shares(self):
        with Host(*LISTEN, *STRANGERS, "--set", "edges=1") as host:
            held = [socket.create_connection(host.http, timeout=60) for _ in range(20)]
            for s in held:
                s.sendall(b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n")
                self.assertTrue(s.recv(1000).startswith(b"HTTP/1.1 200"))
            self.assertIn(b"HTTP/1.1 503 ", talk(host, b"", end=False))
            held.pop().close()

            def served():
                return b" 200 OK" in talk(host, b"GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                                          end=False)
            wait_for(served, what="the place of who went")
            for s in held:
                s.close()

    def test_slow(self):
        """A byte now and then does not hold a place for longer than a silence."""
        with Host(*LISTEN, "--set", "edges=1") as host:
            slow = [socket.create_connection(host.http, timeout=60) for _ in range(50)]
            for s in slow:
                s.sendall(b"GET /livez HTTP/1.1\r\nHost: h\r\nX: ")
            self.assertEqual(curl(host, "/livez")[0], 200)
            left, seconds = set(slow), 0
            while left:
                seconds += 1
                self.assertLess(seconds, 120, "%d are held still" % len(left))  # HTTP_PATIENCE_MS is 30 s
                for s in list(left):
                    try:
                        s.sendall(b"x")
                        s.setblocking(False)
                        if s.recv(1) == b"":
                            left.remove(s)
                    except BlockingIOError:
                        pass
                    except OSError:
                        left.remove(s)
                threading.Event().wait(1)       # each second a byte
            self.assertEqual(curl(host, "/livez")[0], 200)
            for s in slow:
                s.close()


class Life(unittest.TestCase):
    def test_killed(self):
        """Its connections end; who comes meanwhile waits and is served; mail goes on."""
        with Host(*LISTEN, "--set", "edges=1") as host:
            for _ in range(3):
                held = socket.create_connection(host.http, timeout=60)
                held.sendall(b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n")
                self.assertTrue(held.recv(1000).startswith(b"HTTP/1.1 200"))
                old, = host.roles()["web"]
                os.kill(old, signal.SIGKILL)
                self.assertEqual(held.recv(1000), b"")
                held.close()
                wait_for(lambda: host.roles().get("web", [old]) != [old], what="another one")
                self.assertEqual(curl(host, "/livez")[0], 200)
                self.assertEqual(host.send("still there")[0], 250)
            edge, = host.roles()["edge"]
            wait_for(lambda: curl(host, "/readyz")[0] == 200, what="ready")
            self.assertEqual(host.roles()["edge"], [edge])

    def test_others_killed(self):
        """Live all the time, and ready again when it is back."""
        with Host(*LISTEN, "--set", "edges=1", "--set", "stores=1") as host:
            store, = host.roles()["store"]
            os.kill(store, signal.SIGSTOP)
            self.assertEqual(curl(host, "/livez")[0], 200)
            os.kill(store, signal.SIGKILL)
            wait_for(lambda: host.roles().get("store", [store]) != [store], what="another store")
            wait_for(lambda: curl(host, "/readyz")[0] == 200, what="ready")

    def test_stopped(self):
        """Of a web that stands still only its own clients see something."""
        with Host(*LISTEN, "--set", "edges=1") as host:
            web, = host.roles()["web"]
            edge, = host.roles()["edge"]
            os.kill(web, signal.SIGSTOP)
            waiting = [socket.create_connection(host.http, timeout=60) for _ in range(400)]
            for s in waiting:
                s.sendall(b"GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            self.assertEqual(host.send("meanwhile")[0], 250)
            self.assertEqual(host.roles()["edge"], [edge])
            os.kill(web, signal.SIGCONT)
            for s in waiting:
                self.assertTrue(s.recv(1000).startswith(b"HTTP/1.1 200"))
                s.close()
            self.assertEqual(host.roles()["web"], [web])

    def test_without(self):
        """Nobody asked for it: it is not there."""
        with Demo("--set", "edges=1") as host:
            self.assertNotIn("web", host.roles())
            self.assertEqual(host.ready["hosts"][0]["http"], "")

    def test_drain(self):
        """An open connection does not hold up the end."""
        with Host(*LISTEN, "--set", "edges=1", "--set", "drain.timeout=30s") as host:
            with socket.create_connection(host.http, timeout=60) as s:
                s.sendall(b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n")
                s.recv(1000)
                host.stop()
                self.assertEqual(s.recv(1000), b"")
            self.assertNotIn("not through in time", host.log("keeper"))

    def test_one_process(self):
        with Host(*LISTEN, "--one-process") as host:
            self.assertEqual(curl(host, "/readyz")[0], 200)
            self.assertEqual(host.send("x")[0], 250)
            wait_for(lambda: total(metrics(host), "posthouse_messages_accepted_total") == 1, what="its count")
