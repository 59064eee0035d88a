"""The page of a mock, in Chromium driven by playwright-core: what somebody in front of it sees.

The page always comes from a real `posthouse mock`. The API is page_double.py's where a case needs what a
mock can't do at once, and the mock's own for the rest. With POSTHOUSE_PAGE_CASES="live views" only those run.
One browser and one mock serve all cases: each has a context of its own, and begins with an empty mock.
"""
import gzip
import http.client
import http.server
import json
import os
import select
import smtplib
import subprocess
import threading
import unittest

import page_samples as samples
from page_double import Double, message
from server import Mock, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
WEB = os.path.join(ROOT, "web")
PACKAGES = {"playwright-core": "1.65.1", "axe-core": "4.14.1"}
FOLDER = os.path.join(ROOT, "build", "npm")
CASE_SECONDS = 240


def version(name):
    try:
        with open(os.path.join(FOLDER, "node_modules", name, "package.json")) as f:
            return json.load(f)["version"]
    except FileNotFoundError:
        return None


def modules():
    """Where playwright-core and axe-core are; npm brings them, without a browser."""
    if any(version(name) != wanted for name, wanted in PACKAGES.items()):
        os.makedirs(FOLDER, exist_ok=True)
        subprocess.run(["npm", "install", "--prefix", FOLDER, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts",
                        *("%s@%s" % p for p in PACKAGES.items())], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return FOLDER


class Elsewhere:
    """A server of others: remembers who asks it for what."""

    def __init__(self):
        self.paths, self.cookies = [], []
        self.connections = 0
        self.came = threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                with outer.came:
                    outer.paths.append(self.path)
                    outer.cookies += [self.headers["Cookie"]] if self.headers["Cookie"] else []
                    outer.came.notify_all()
                body, kind = ((b"body{}", "text/css") if self.path.endswith(".css") else
                              (samples.LOGO, "image/png") if self.path.endswith(".png") else (b"there", "text/html"))
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def process_request(self, *what):
                outer.connections += 1
                super().process_request(*what)

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        # Another site than the page's, so that a cookie of the page's host is not its own.
        self.url = "http://localhost:%d" % self.server.server_address[1]

    def seen(self):
        return [p for p in self.paths if p != "/favicon.ico"]

    def wait(self, path):
        with self.came:
            if not self.came.wait_for(lambda: path in self.paths, 60):
                raise AssertionError("nobody asked for " + path)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


browser = mock = None


def setUpModule():
    global browser, mock
    browser = Driver()
    unittest.addModuleCleanup(browser.close)
    mock = Mock()
    mock.start()
    unittest.addModuleCleanup(mock.__exit__)


class Driver:
    """page_driver.mjs, and the lines from and to it."""

    def __init__(self):
        self.process = subprocess.Popen(["node", os.path.join(HERE, "page_driver.mjs"), modules()], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.rest = b""
        self.hear()

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()

    def hear(self):
        while b"\n" not in self.rest:
            if not select.select([self.process.stdout], [], [], CASE_SECONDS)[0]:
                self.process.kill()
                raise AssertionError("the browser says nothing")
            piece = os.read(self.process.stdout.fileno(), 1 << 16)
            if not piece:
                raise AssertionError("the driver is gone: %s" % self.process.wait())
            self.rest += piece
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def tell(self, what):
        self.process.stdin.write(json.dumps(what).encode() + b"\n")
        self.process.stdin.flush()


class Browser(unittest.TestCase):
    def run_case(self, name, calls, **more):
        browser.tell({"name": name, **more})
        while True:
            said = browser.hear()
            if "call" in said:
                browser.tell({"value": getattr(calls, said["call"])(*said["args"])})
            elif "failed" in said:
                self.fail(said["failed"] + "\n" + "\n".join(said["trouble"]))
            else:
                return

    def wanted(self, name):
        if name not in os.environ.get("POSTHOUSE_PAGE_CASES", name).split():
            self.skipTest("another case was asked for")


class Page(Browser):
    """The API is the double's."""

    def drive(self, name, rows, other=None, **more):
        self.wanted(name)
        with Double(mock.http, rows) as double:
            self.run_case(name, Calls(double, other), url=double.url, n=len(rows), **more)

    def test_live(self):
        self.drive("live", [])

    def test_reconnect(self):
        self.drive("reconnect", samples.many(30))

    def test_refused(self):
        self.drive("refused", samples.many(30))

    def test_search(self):
        rows = samples.many(60)
        for row in rows:
            row["Read"] = row["Read"] and "Invoice" not in row["Subject"]
        want = sum("Invoice" in r["Subject"] for r in rows)
        self.drive("search", rows, want=want)

    def test_mailboxes(self):
        rows = [message(2, mailbox="second"), message(1, mailbox="first")]
        self.drive("mailboxes", rows, names=["first", "second"])

    def test_hosts(self):
        self.wanted("hosts")
        with Double(mock.http, samples.many(3)) as double:
            double.hosts = [{"Name": "bob.example", "URL": "http://127.0.0.9:1/", "Here": False},
                            {"Name": "alice.example", "URL": double.url + "/", "Here": True}]
            self.run_case("hosts", Calls(double, None), url=double.url, n=3)

    def test_views(self):
        self.drive("views", [samples.rich(31), *samples.many(30)], id="M0000031")

    def test_unavailable(self):
        self.drive("unavailable", samples.many(5), id="M0000005")

    def test_hostile(self):
        elsewhere = Elsewhere()
        try:
            rows = samples.many(3)
            with Double(mock.http) as here:        # its address is in the message; another double shows it
                rows.insert(0, samples.hostile(4, here.url, elsewhere.url))
                self.drive("hostile", rows, elsewhere, id="M0000004", elsewhere=elsewhere.url)
        finally:
            elsewhere.close()

    def test_many(self):
        self.drive("many", self.very_many()[-100000:], count="100,000, 25,000 unread")

    def test_more_than_pixels(self):
        self.drive("more_than_pixels", self.very_many(), count="120,000, 30,000 unread")

    @classmethod
    def very_many(cls):
        """Made once: more rows than a browser lays out. Nobody changes one of them."""
        cls.rows = getattr(cls, "rows", None) or samples.many(120000)
        return cls.rows

    def test_selecting(self):
        self.drive("selecting", samples.many(40))

    def test_keyboard(self):
        rows = samples.many(39)
        self.drive("keyboard", [*rows, samples.rich(40)], id="M0000040")

    def test_dark(self):
        self.drive("dark", [samples.rich(31), *samples.many(30)], id="M0000031",
                   axe=os.path.join(FOLDER, "node_modules", "axe-core", "axe.min.js"))

    def test_phone(self):
        self.drive("phone", [samples.rich(31), *samples.many(30)], id="M0000031")

    def test_labels(self):
        self.drive("labels", [samples.rich(31), *samples.many(30)], id="M0000031")

    def test_explained(self):
        self.drive("explained", [])

    def test_mime(self):
        broken = ("Content-Type: multipart/mixed; boundary=b\r\n\r\nbefore\r\n--b\r\n\r\none\r\n--bb\r\n--b\r\n"
                  "Content-Type: multipart/alternative; boundary=c\r\n\r\nx\r\n--b \r\nContent-Type: multipart/mixed\r\n\r\nx\r\n")
        deep = "".join("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(80)) + "\r\nx"
        self.drive("mime", [], broken=broken, deep=deep)

    def test_policy(self):
        files = [os.path.join(WEB, n) for n in sorted(os.listdir(WEB)) if n.endswith((".js", ".html")) and not n.startswith("frame")]
        self.drive("policy", [], files=files)


class Calls:
    """What a case may ask for."""

    def __init__(self, double, elsewhere):
        self.double, self.elsewhere = double, elsewhere
        self.next = 900000

    def add(self, row):
        self.next += 1
        self.double.add(message(self.next, created="2026-11-28T10:00:00Z", **row))

    def refuse(self, on):
        self.double.broken = on
        if on:
            self.double.break_connections()

    def remove(self, subject):
        self.double.remove(next(r for r in self.double.rows if r["Subject"] == subject))

    def subjects(self):
        return [r["Subject"] for r in self.double.rows]

    def asked(self):
        return [path for _, path in self.double.requests]

    def seen(self):
        return self.elsewhere.seen()

    def cookies(self):
        return self.elsewhere.cookies

    def connections(self):
        return self.elsewhere.connections

    def waitSeen(self, path):
        self.elsewhere.wait(path)


class RealCalls:
    """The same of a mock."""

    def __init__(self, mock, elsewhere=None):
        self.mock, self.elsewhere = mock, elsewhere

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(*self.mock.http, timeout=60)
        connection.request(method, path, body and json.dumps(body))
        response = connection.getresponse()
        said = response.read()
        connection.close()
        return json.loads(said) if response.status == 200 and said[:1] == b"{" else None

    def send(self, rows):
        """The oldest first, so the last of them."""
        with smtplib.SMTP(*self.mock.smtp, timeout=60) as client:
            client.ehlo("client.example")
            for row in reversed(rows):
                client.sendmail("bounce@alice.example", ["bob@bob.example", "hidden@bob.example"], row["_"]["sent"])
        wait_for(lambda: len(self.subjects()) == len(rows), what="all messages")

    def add(self, row):
        n = len(self.subjects())
        with smtplib.SMTP(*self.mock.smtp, timeout=60) as client:
            client.sendmail("alice@alice.example", ["bob@bob.example"], message(n, **row)["_"]["sent"])

    def messages(self):
        return self.ask("GET", "/api/v1/messages?limit=0")["messages"]

    def subjects(self):
        return [m["Subject"] for m in self.messages()]

    def remove(self, subject):
        gone = next(m for m in self.messages() if m["Subject"] == subject)
        self.ask("DELETE", "/api/v1/messages", {"IDs": [gone["ID"]]})

    def tags(self, message):
        return self.ask("GET", "/api/v1/message/" + message)["Tags"]

    def asked(self):
        return []

    def seen(self):
        return self.elsewhere.seen()

    def cookies(self):
        return self.elsewhere.cookies

    def connections(self):
        return self.elsewhere.connections

    def waitSeen(self, path):
        self.elsewhere.wait(path)


class Real(Browser):
    """The API is the mock's own."""

    def drive(self, name, rows, other=None, show=None, **more):
        self.wanted(name)
        calls = RealCalls(mock, other)
        calls.ask("DELETE", "/api/v1/messages")
        wait_for(lambda: calls.subjects() == [], what="an empty mock")
        calls.send(rows)
        if show is not None:
            more["id"] = next(m["ID"] for m in calls.messages() if m["Subject"] == show["Subject"])
        self.run_case(name, calls, url="http://%s:%d" % mock.http, n=len(rows), **more)

    def test_live(self):
        self.drive("live", [])

    def test_search(self):
        rows = samples.many(60)
        self.drive("search", rows, want=sum("Invoice" in r["Subject"] for r in rows))

    def test_every_view(self):
        row = samples.rich(31)
        self.drive("every_view", [row, *samples.many(5)], show=row)

    def test_tags(self):
        row = samples.rich(31)
        self.drive("tags", [row], show=row)

    def test_hostile(self):
        elsewhere = Elsewhere()
        try:
            row = samples.hostile(4, "http://127.0.0.1:9", elsewhere.url)
            self.drive("hostile", [row, *samples.many(3)], elsewhere, row, elsewhere=elsewhere.url)
        finally:
            elsewhere.close()

    def test_selecting(self):
        self.drive("selecting", samples.many(40))

    def test_keyboard(self):
        row = samples.rich(40)
        self.drive("keyboard", [*samples.many(39), row], show=row)

    def test_phone(self):
        row = samples.rich(31)
        self.drive("phone", [row, *samples.many(30)], show=row)

    def test_labels(self):
        row = samples.rich(31)
        self.drive("labels", [row, *samples.many(30)], show=row)


class Files(unittest.TestCase):
    """The page's files as the binary serves them."""

    def get(self, path, method="GET", **headers):
        connection = http.client.HTTPConnection(*mock.http, timeout=60)
        connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, response.headers, body

    def test_files(self):
        names = [n for n in os.listdir(WEB) if not n.endswith((".py", ".build"))]
        self.assertGreater(len(names), 20)
        for name in names:
            with open(os.path.join(WEB, name), "rb") as f:
                want = f.read()
            status, head, body = self.get("/assets/" + name)
            self.assertEqual((status, body), (200, want), name)
            self.assertIsNone(head["Content-Encoding"])
            status, packed, body = self.get("/assets/" + name, Accept_Encoding="gzip, br")
            self.assertEqual((status, packed["Content-Encoding"], packed["Vary"]), (200, "gzip", "Accept-Encoding"))
            self.assertEqual(gzip.decompress(body), want, name)
            self.assertEqual(packed["ETag"], head["ETag"])
            status, same, body = self.get("/assets/" + name, If_None_Match=head["ETag"])
            self.assertEqual((status, body, same["ETag"]), (304, b"", head["ETag"]))
            self.assertEqual(self.get("/assets/" + name, If_None_Match='"x"')[0], 200)
            status, head, body = self.get("/assets/" + name, "HEAD")
            self.assertEqual((status, int(head["Content-Length"]), body), (200, len(want), b""))

    def test_addresses(self):
        _, _, page = self.get("/assets/index.html")
        for path in ("/", "/search", "/search?q=x", "/view/4711"):
            status, head, body = self.get(path)
            self.assertEqual((status, body), (200, page), path)
            self.assertIn("default-src 'none'", head["Content-Security-Policy"])
        for path in ("/assets/", "/assets/nothing.js", "/assets/embed.py", "/assets/../app.js", "/assets/%2e%2e", "/view/", "/view", "/search/x"):
            self.assertEqual(self.get(path)[0], 404, path)
        self.assertEqual(self.get("/assets/app.js", "POST")[0], 405)
