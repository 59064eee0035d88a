"""The web API of a mock: Mailpit's paths and ours, over real sockets."""
import base64
import datetime
import gzip
import hashlib
import http.client
import imaplib
import json
import os
import re
import shutil
import smtplib
import socket
import struct
import tempfile
import threading
import unittest
import urllib.parse
from email.message import EmailMessage

from server import Mock, wait_for

PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


class Api:
    def __init__(self, host, mailbox=None):
        self.host, self.headers = host, {"X-Posthouse-Mailbox": mailbox} if mailbox else {}

    def ask(self, method, path, body=None, headers=None, **query):
        """(status, {header: value}, bytes)"""
        connection = http.client.HTTPConnection(*self.host.http, timeout=60)
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        if query:
            path += "?" + urllib.parse.urlencode(query)
        connection.request(method, path, body, {**self.headers, **(headers or {})})
        answer = connection.getresponse()
        found = answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        connection.close()
        return found

    def get(self, path, **query):
        status, head, body = self.ask("GET", path, **query)
        assert status == 200, (status, body)
        return json.loads(body) if head["content-type"] == "application/json" else body

    def ok(self, method, path, body=None, **query):
        status, head, said = self.ask(method, path, body, **query)
        assert (status, head["content-type"], said) == (200, "text/plain", b"ok"), (status, head, said)

    def subjects(self, path="/api/v1/messages", **query):
        return [m["Subject"] for m in self.get(path, **query)["messages"]]

    def found(self, query, **more):
        return self.subjects("/api/v1/search", query=query, **more)

    def wait(self, query="", **more):
        return self.get("/api/posthouse/v1/wait", query=query, **more)


def send(host, message, to=("bob@example.org",), sender="alice@example.com", login=None):
    """The id that the reply to DATA says."""
    with smtplib.SMTP(*host.smtp, timeout=60) as client:
        client.ehlo("client.example")
        if login:
            client.login(login, "secret")
        client.mail(sender)
        for one in to:
            client.rcpt(one)
        code, words = client.data(message if isinstance(message, bytes) else message.as_bytes())
        assert code == 250, words
        return words.decode().split(" queued as ")[1]


def text(subject, body="Hello", **fields):
    lines = ["From: Alice <alice@example.com>", "To: Bob <bob@example.org>", "Subject: " + subject]
    lines += ["%s: %s" % (name.replace("_", "-"), value) for name, value in fields.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body + "\r\n").encode()


def rich():
    m = EmailMessage()
    m["From"], m["To"], m["Cc"] = "Alice Ünï <alice@example.com>", "Bob <bob+tagA@example.org>, carol@example.org", "dan@example.net"
    m["Subject"], m["X-Tags"], m["Reply-To"] = "Grüße", "one, two words", "r@example.com"
    m["Message-ID"], m["Date"] = "<m1@example.com>", "Tue, 01 Jul 2025 10:00:00 +0200"
    m.set_content("Hi plain")
    m.add_alternative('<p>Hi <b>l</b><img src="cid:logo1"><script>alert(1)</script></p>', subtype="html")
    m.get_payload()[1].add_related(PNG, "image", "png", cid="<logo1>", filename="l.png", disposition="attachment")
    m.add_attachment(b"\0\1binary", "application", "octet-stream", filename="é a.bin")
    return m


class Listener:
    """A client of the WebSocket."""

    def __init__(self, host, path="/api/events", name=None, **headers):
        self.socket = socket.create_connection(host.http, timeout=60)
        key = base64.b64encode(os.urandom(16)).decode()
        more = "".join("%s: %s\r\n" % row for row in headers.items())
        self.socket.sendall(("GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n%s\r\n" % (path, name or "%s:%d" % host.http, key, more)).encode())
        self.rest = b""
        while b"\r\n\r\n" not in self.rest:
            self.rest += self.socket.recv(4096)
        self.head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        self.status = int(self.head.split()[1])
        if self.status == 101:
            want = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
            assert b"\r\nSec-WebSocket-Accept: " + want in self.head, self.head

    def bytes(self, n):
        while len(self.rest) < n:
            piece = self.socket.recv(65536)
            if not piece:
                raise EOFError
            self.rest += piece
        taken, self.rest = self.rest[:n], self.rest[n:]
        return taken

    def frame(self):
        """(opcode, payload)"""
        first, second = self.bytes(2)
        assert first & 0xF0 == 0x80 and second < 128, (first, second, self.rest)
        n = second if second < 126 else struct.unpack(">H", self.bytes(2))[0] if second == 126 else struct.unpack(">Q", self.bytes(8))[0]
        return first & 15, self.bytes(n)

    def event(self, *kinds):
        """The next of these kinds, or of any."""
        while True:
            op, payload = self.frame()
            assert op == 1, (op, payload)
            event = json.loads(payload)
            if not kinds or event["Type"] in kinds:
                return event["Type"], event["Data"]

    def say(self, op, payload=b""):
        mask = os.urandom(4)
        self.socket.sendall(bytes([0x80 | op, 0x80 | len(payload)]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def close(self):
        self.socket.close()


class OneMessage(unittest.TestCase):
    """Everything that can be asked of one."""

    @classmethod
    def setUpClass(cls):
        cls.host = Mock().__enter__()
        cls.addClassCleanup(cls.host.__exit__, None, None, None)
        cls.api = Api(cls.host)
        cls.own_id = send(cls.host, rich(), ["bob+tagA@example.org", "carol@example.org", "dan@example.net", "hidden@example.com"],
                      "bounce@example.com")
        cls.summary = cls.api.wait("tag:one")

    def test_summary(self):
        m = self.summary
        self.assertEqual(m["ID"], self.own_id)
        self.assertEqual(list(m), ["ID", "MessageID", "Read", "From", "To", "Cc", "Bcc", "ReplyTo", "Subject", "Created",
                                   "Username", "Tags", "Size", "Attachments", "Snippet"])
        self.assertEqual(m["From"], {"Name": "Alice Ünï", "Address": "alice@example.com"})
        self.assertEqual(m["To"], [{"Name": "Bob", "Address": "bob+tagA@example.org"}, {"Name": "", "Address": "carol@example.org"}])
        self.assertEqual(m["Bcc"], [{"Name": "", "Address": "hidden@example.com"}])
        self.assertEqual((m["MessageID"], m["Subject"], m["Username"], m["Tags"]), ("m1@example.com", "Grüße", "", ["one", "tagA", "two words"]))
        self.assertEqual((m["Attachments"], m["Snippet"]), (2, "Hi l"))
        self.assertRegex(m["Created"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(m["Size"], len(self.api.get("/api/v1/message/%s/raw" % self.own_id)))

    def test_message(self):
        m = self.api.get("/api/v1/message/" + self.own_id)
        self.assertEqual(m["ReturnPath"], "bounce@example.com")
        self.assertEqual((m["Date"], m["Text"].strip()), ("2025-07-01T10:00:00+02:00", "Hi plain"))
        self.assertIn("cid:logo1", m["HTML"])
        self.assertEqual([(a["PartID"], a["FileName"], a["ContentType"], a["ContentID"]) for a in m["Attachments"]],
                         [("2", "é a.bin", "application/octet-stream", ""), ("1.2.2", "l.png", "image/png", "logo1")])
        self.assertEqual(m["Attachments"][1]["Checksums"]["SHA256"], hashlib.sha256(PNG).hexdigest())
        self.assertEqual(self.api.get("/api/v1/message/latest")["ID"], self.own_id)
        self.assertEqual(self.api.get("/api/v1/message/latest", query="tag:one")["ID"], self.own_id)

    def test_bytes(self):
        raw = self.api.get("/api/v1/message/%s/raw" % self.own_id)
        self.assertTrue(raw.startswith(b"Return-Path: <bounce@example.com>\r\nDelivered-To: bob+tagA@example.org\r\n"))
        status, head, body = self.api.ask("GET", "/api/v1/message/%s/raw?dl=1" % self.own_id)
        self.assertEqual((status, body), (200, raw))
        self.assertEqual(head["content-disposition"], 'attachment; filename="%s.eml"' % self.own_id)
        self.assertEqual(self.api.ask("HEAD", "/api/v1/message/%s/raw" % self.own_id)[1]["content-length"], str(len(raw)))
        status, head, body = self.api.ask("GET", "/api/v1/message/%s/part/1.2.2" % self.own_id)
        self.assertEqual((status, head["content-type"], body), (200, "image/png", PNG))
        status, head, body = self.api.ask("GET", "/api/v1/message/%s/part/2" % self.own_id)
        self.assertEqual((status, body), (200, b"\0\1binary"))
        self.assertEqual(head["content-disposition"], 'inline; filename="%C3%A9%20a.bin"')
        for part in ("1.1", "9", "x", "1.2"):
            self.assertEqual(self.api.ask("GET", "/api/v1/message/%s/part/%s" % (self.own_id, part))[0], 404, part)

    def test_thumbs(self):
        """A JPEG of 180 by 120, whatever the part is."""
        for part in ("1.2.2", "2"):
            status, head, body = self.api.ask("GET", "/api/v1/message/%s/part/%s/thumb" % (self.own_id, part))
            self.assertEqual((status, head["content-type"], body[:3]), (200, "image/jpeg", b"\xff\xd8\xff"), part)
            at = body.index(b"\xff\xc0")
            self.assertEqual(struct.unpack(">HH", body[at + 5:at + 9]), (120, 180))
        self.assertEqual(head["content-disposition"], 'filename="%C3%A9%20a.bin"')
        self.assertEqual(self.api.ask("GET", "/api/v1/message/latest/part/1.2.2/thumb")[0], 200)
        for path in ("%s/part/9" % self.own_id, "x/part/1"):
            self.assertEqual(self.api.ask("GET", "/api/v1/message/%s/thumb" % path)[0], 400, path)

    def test_headers(self):
        headers = self.api.get("/api/v1/message/%s/headers" % self.own_id)
        self.assertEqual(headers["Message-Id"], ["<m1@example.com>"])
        self.assertEqual(list(headers), sorted(headers))
        self.assertEqual(headers["X-Tags"], ["one, two words"])

    def test_views(self):
        """What a stranger wrote runs nothing and loads nothing."""
        status, head, body = self.api.ask("GET", "/view/%s.html" % self.own_id)
        self.assertEqual((status, head["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertIn(b"/api/v1/message/%s/part/1.2.2" % self.own_id.encode(), body)
        policy = head["content-security-policy"]
        self.assertIn("sandbox", policy)
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("allow-scripts", policy)
        self.assertNotIn("*", policy)
        self.assertIn("img-src *", self.api.ask("GET", "/view/%s.html?remote=1" % self.own_id)[1]["content-security-policy"])
        nonces = set()
        for _ in range(2):
            _, head, body = self.api.ask("GET", "/view/%s.html?embed=1" % self.own_id)
            nonce = re.search("script-src 'nonce-([0-9a-f]+)'", head["content-security-policy"]).group(1)
            self.assertIn(b'nonce="%s"' % nonce.encode(), body)
            nonces.add(nonce)
        self.assertEqual(len(nonces), 2)
        status, head, body = self.api.ask("GET", "/view/latest?query=tag:one")
        self.assertEqual((status, head["location"]), (302, "/view/" + self.own_id))
        self.assertEqual(self.api.ask("GET", "/view/latest?query=tag:none")[1]["location"], "/")
        status, head, body = self.api.ask("GET", "/view/latest.txt")
        self.assertEqual((status, head["content-type"], body.strip()), (200, "text/plain; charset=utf-8", b"Hi plain"))

    def test_ours(self):
        self.assertEqual(self.api.get("/api/posthouse/v1/message/%s/envelope" % self.own_id)["To"],
                         ["bob+tagA@example.org", "carol@example.org", "dan@example.net", "hidden@example.com"])
        lint = self.api.get("/api/posthouse/v1/message/%s/lint" % self.own_id)
        self.assertTrue(all(f["Clause"] and f["Remedy"] for f in lint["Findings"]))
        parts = self.api.get("/api/posthouse/v1/message/%s/parts" % self.own_id)["Parts"]
        self.assertEqual(len(parts), 7)

    def test_unknown(self):
        for path in ("", "/headers", "/raw", "/part/1", "/release"):
            for name in ("x", "1.2.3", self.own_id + "x", self.own_id + "-1-1", "%00", "..", "a" * 5000):
                self.assertEqual(self.api.ask("GET", "/api/v1/message/%s%s" % (name, path))[0], 404, (name, path))
        self.assertEqual(self.api.ask("GET", "/view/x.html")[::2], (404, b"Message not found"))
        self.assertEqual(self.api.ask("GET", "/api/v1/nothing")[::2], (404, b"File not found"))
        self.assertEqual(self.api.ask("GET", "/api/v1/message/latest?query=nothing-like-it")[::2], (404, b"Message not found"))
        self.assertEqual(self.api.ask("GET", "/api/v1/chaos")[::2], (400, b"Chaos is not enabled"))
        status, head, _ = self.api.ask("POST", "/api/v1/messages")
        self.assertEqual((status, head["allow"]), (405, "GET, HEAD, PUT, DELETE"))

    def test_about(self):
        info = self.api.get("/api/v1/info")
        self.assertEqual(info["Listen"], {})    # ports of 0: the kernel's choice
        self.assertEqual((info["Messages"], info["LatestVersion"], info["Tags"]["one"]), (1, "disabled", 1))
        self.assertIn("/api/posthouse/v1/wait", self.api.get("/api/posthouse/v1/openapi.json")["paths"])
        self.assertEqual(self.api.get("/api/v1/swagger.json")["swagger"], "2.0")
        self.assertFalse(self.api.get("/api/v1/webui")["MessageRelay"]["Enabled"])
        self.assertEqual(self.api.get("/api/posthouse/v1/mailboxes")["Mailboxes"][0]["Name"], "mock")

    def test_origins(self):
        here = "http://%s:%d" % self.host.http
        status, head, _ = self.api.ask("GET", "/api/v1/info", headers={"Origin": here})
        self.assertEqual((status, head["access-control-allow-origin"]), (200, here))
        self.assertEqual(head["access-control-allow-methods"], "GET, POST, DELETE, PUT, OPTIONS")
        for origin in ("http://evil.example", "null", "http://127.0.0.1:1"):
            for method, path in (("GET", "/api/v1/info"), ("DELETE", "/api/v1/messages"), ("GET", "/view/latest.html"),
                                 ("OPTIONS", "/api/v1/messages")):
                status, head, body = self.api.ask(method, path, headers={"Origin": origin})
                self.assertEqual((status, body), (403, b"Blocked due to CORS violation"), (origin, path))
                self.assertNotIn("access-control-allow-origin", head)
        self.assertEqual(self.api.ask("OPTIONS", "/api/v1/anything")[::2], (200, b""))
        listener = Listener(self.host, Origin="http://evil.example")
        self.assertEqual(listener.status, 403)
        listener.close()

    def test_names(self):
        """A page whose own name was made to mean our address gets nothing, with Origin or without."""
        port = self.host.http[1]
        for name in ("localhost", "a.localhost", "127.0.0.1", "[::1]", "LOCALHOST.", "127.8.8.8"):
            for value in (name, "%s:%d" % (name, port)):
                self.assertEqual(self.api.ask("GET", "/api/v1/info", headers={"Host": value})[0], 200, value)
        for name in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "", "["):
            value = "%s:%d" % (name, port)
            for method, path, more in (("GET", "/api/v1/messages", {}), ("GET", "/", {}), ("GET", "/metrics", {}),
                                       ("DELETE", "/api/v1/messages", {"Origin": "http://" + value}),
                                       ("OPTIONS", "/api/v1/messages", {}), ("GET", "/view/latest.html", {})):
                status, head, body = self.api.ask(method, path, headers={"Host": value, **more})
                self.assertEqual(status, 403, (value, path))
                self.assertIn(b"--hosts", body)
                self.assertNotIn("access-control-allow-origin", head)
            listener = Listener(self.host, name=value)
            self.assertEqual(listener.status, 403)
            listener.close()
            self.assertEqual(self.api.ask("GET", "/livez", headers={"Host": value})[0], 200)
        self.assertEqual(self.api.get("/api/v1/info")["Messages"], 1)

    def test_gzip(self):
        path = "/api/posthouse/v1/openapi.json"
        plain = self.api.ask("GET", path)
        self.assertNotIn("content-encoding", plain[1])
        for accepts, packed in (("gzip", True), ("br, *;q=0.5", True), ("gzip;q=0", False), ("deflate", False)):
            status, head, body = self.api.ask("GET", path, headers={"Accept-Encoding": accepts})
            self.assertEqual((status, head.get("content-encoding")), (200, "gzip" if packed else None), accepts)
            self.assertEqual(gzip.decompress(body) if packed else body, plain[2])
            if packed:
                self.assertEqual(head["vary"], "Accept-Encoding")
                self.assertLess(len(body), len(plain[2]) / 2)
        for path in ("/api/v1/tags", "/api/v1/message/%s/part/1.2.2" % self.own_id, "/api/v1/nothing"):
            self.assertNotIn("content-encoding", self.api.ask("GET", path, headers={"Accept-Encoding": "gzip"})[1], path)


class Guarded(unittest.TestCase):
    """Passwords, other pages, other names, and all of it below a path."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="posthouse-guard-")
        cls.addClassCleanup(cls.folder.cleanup)
        users = os.path.join(cls.folder.name, "users")
        with open(users, "w") as f:
            f.write("ann:$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW\n"
                    "sha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nmd5:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/\ndan:clear\n")
        cls.host = Mock("--ui-auth-file", users, "--hosts", "mail.example", "--webroot", "/mp",
                        "--api-cors", "http://app.example:3000", "--disable-http-compression",
                        environment={"MP_SEND_API_AUTH": "bot:secret"}).__enter__()
        cls.addClassCleanup(cls.host.__exit__, None, None, None)
        cls.api = Api(cls.host)

    def ask(self, path, who=None, method="GET", body=None, **headers):
        if who:
            headers["Authorization"] = "Basic " + base64.b64encode(who.encode()).decode()
        return self.api.ask(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})

    def test_passwords(self):
        for who in ("ann:secret", "sha:secret", "md5:secret", "dan:clear") * 2:
            self.assertEqual(self.ask("/mp/api/v1/info", who)[0], 200, who)
        for who in (None, "ann:Secret", "ann:", "ann", ":", "bob:secret", "dan:clearer", "bot:secret", "\0:x", "x" * 3000 + ":y"):
            status, head, body = self.ask("/mp/api/v1/info", who)
            self.assertEqual((status, head["www-authenticate"], body), (401, 'Basic realm="Login"', b"Unauthorized.\n"), who)
        self.assertEqual(self.ask("/mp/api/v1/info", Authorization="Basic *")[0], 401)
        self.assertEqual(self.ask("/mp/api/v1/info", Authorization="Bearer x")[0], 401)
        for path in ("/mp/", "/mp/metrics", "/mp/view/latest", "/mp/assets/app.js", "/mp/nothing"):
            self.assertEqual(self.ask(path)[0], 401, path)
        for path in ("/livez", "/readyz", "/mp/livez", "/mp/readyz"):
            self.assertEqual(self.ask(path)[0], 200, path)
        listener = Listener(self.host, path="/mp/api/events")
        self.assertEqual(listener.status, 401)
        listener.close()
        listener = Listener(self.host, path="/mp/api/events",
                            Authorization="Basic " + base64.b64encode(b"ann:secret").decode())
        self.assertEqual(listener.status, 101)
        listener.close()

    def test_many_guesses(self):
        """Of those that guess at once some are told to come later; who was known is not."""
        self.assertEqual(self.ask("/mp/api/v1/info", "ann:secret")[0], 200)
        found = []

        def guess(n):
            found.append(self.ask("/mp/api/v1/info", "ann:guess%d" % n)[0])
        threads = [threading.Thread(target=guess, args=(n,)) for n in range(40)]
        for thread in threads:
            thread.start()
        self.assertEqual(self.ask("/mp/api/v1/info", "ann:secret")[0], 200)
        for thread in threads:
            thread.join()
        self.assertLessEqual(set(found), {401, 503})
        self.assertEqual(len(found), 40)

    def test_sending(self):
        body = {"From": {"Email": "a@example.com"}, "To": [{"Email": "b@example.org"}], "Subject": "x"}
        for who in (None, "ann:secret"):
            self.assertEqual(self.ask("/mp/api/v1/send", who, "POST", body)[0], 401, who)
        self.assertEqual(self.ask("/mp/api/v1/send", "bot:secret", "POST", body)[0], 200)

    def test_pages(self):
        origin = "http://app.example:3000"
        status, head, _ = self.ask("/mp/api/v1/info", "ann:secret", Origin=origin)
        self.assertEqual((status, head["access-control-allow-origin"]), (200, origin))
        self.assertEqual(self.ask("/mp/api/v1/info", "ann:secret", Origin="http://other.example")[0], 403)
        self.assertEqual(self.ask("/mp/api/v1/messages", None, "OPTIONS", Origin=origin)[0], 200)
        self.assertEqual(self.ask("/mp/api/v1/info", "ann:secret", Host="mail.example:1")[0], 200)
        self.assertEqual(self.ask("/mp/api/v1/info", "ann:secret", Host="other.example")[0], 403)

    def test_below(self):
        status, head, _ = self.ask("/mp")
        self.assertEqual((status, head["location"]), (302, "/mp/"))
        for path in ("/", "/api/v1/info", "/mpx/api/v1/info", "/assets/app.js"):
            self.assertEqual(self.ask(path, "ann:secret")[0], 404, path)
        status, head, body = self.ask("/mp/", "ann:secret", Accept_Encoding="gzip")
        self.assertEqual((status, head.get("content-encoding")), (200, None))
        self.assertNotIn(b'="/', re.sub(rb'="/mp/[^"]*"', b"", body))
        self.assertEqual(self.ask("/mp/assets/app.js", "ann:secret")[0], 200)
        self.assertEqual(self.ask("/mp/view/latest?query=nothing", "ann:secret")[1]["location"], "/mp/")


class Binds(unittest.TestCase):
    def test_names(self):
        """Names are judged where only this host can ask: elsewhere a name is somebody's own."""
        for listens, strange in (("[::1]:0", 403), ("127.0.0.2:0", 403), ("127.0.0.1:0, [::1]:0", 403), ("0.0.0.0:0", 200)):
            with Mock("--set", "listen.http=" + listens) as host:
                there, _, port = host.ready["hosts"][0]["http"].rpartition(":")
                for name, want in (("evil.example", strange), ("mailpit:8025", strange), ("localhost", 200), ("[::1]", 200)):
                    connection = http.client.HTTPConnection(there.strip("[]").replace("0.0.0.0", "127.0.0.1"), int(port), timeout=60)
                    connection.request("GET", "/api/v1/info", headers={"Host": name})
                    self.assertEqual(connection.getresponse().status, want, (listens, name))
                    connection.close()


class AtOnce(unittest.TestCase):
    def test_sent_and_listed(self):
        """What got its 250 is there for whoever asks next, also beside others that send."""
        with Mock("--max-messages", "0") as host:
            api, stop, sent = Api(host), threading.Event(), []

            def stream():
                while not stop.is_set():
                    sent.append(send(host, text("stream")))
            threads = [threading.Thread(target=stream) for _ in range(4)]
            for n in range(200):
                name = send(host, text("number %d" % n))
                self.assertEqual(api.get("/api/v1/message/%s" % name)["Subject"], "number %d" % n)
                self.assertEqual(api.found('subject:"number %d"' % n), ["number %d" % n])
                if n == 100:
                    for thread in threads:
                        thread.start()
            stop.set()
            for thread in threads:
                thread.join()
            self.assertEqual(api.get("/api/v1/messages")["total"], 200 + len(sent))


class Many(unittest.TestCase):
    """Lists, searches, marks and deletions."""

    def setUp(self):
        self.host = Mock("--max-messages", "0").__enter__()
        self.addCleanup(self.host.__exit__, None, None, None)
        self.api = Api(self.host)
        self.ids = [send(self.host, text("number %d" % n, "body%d words" % n, X_Tags="even" if n % 2 == 0 else "odd"))
                    for n in range(10)]
        self.api.wait("subject:9")

    def test_pages(self):
        all_of_them = ["number %d" % n for n in reversed(range(10))]
        self.assertEqual(self.api.subjects(), all_of_them)
        self.assertEqual(self.api.subjects(start=3, limit=2), all_of_them[3:5])
        self.assertEqual(self.api.subjects(start=9), all_of_them[9:])
        self.assertEqual(self.api.subjects(start=99), [])
        self.assertEqual(self.api.subjects(start=3, limit=0), all_of_them)
        self.assertEqual(self.api.subjects(start="x", limit="-1"), all_of_them)
        self.assertEqual(self.api.subjects(before="2001-01-01"), [])
        self.assertEqual(self.api.subjects(before="2101-01-01"), all_of_them)
        page = self.api.get("/api/v1/messages", start=3, limit=2)
        self.assertEqual([page[k] for k in ("total", "unread", "count", "messages_count", "messages_unread", "start", "tags")],
                         [10, 10, 2, 10, 10, 3, ["even", "odd"]])

    def test_searches(self):
        for query, want in (("body3", [3]), ("subject:7", [7]), ("tag:odd -body3 -subject:9", [7, 5, 1]), ("nothing", []),
                            ('"BODY5 words"', [5]), ("from:alice to:bob@example.org subject:1", [1]), ("is:read", []),
                            ("has:attachment", []), ("larger:1k", []), ("before:2001-01-01", [])):
            self.assertEqual(self.api.found(query), ["number %d" % n for n in want], query)
        page = self.api.get("/api/v1/search", query="tag:even", start=1, limit=2)
        self.assertEqual([page[k] for k in ("total", "count", "messages_count", "start")], [10, 2, 5, 1])
        self.assertEqual(self.api.get("/api/v1/search", query="tag:even", limit=0)["messages"], [])
        for query in ("", " "):
            self.assertEqual(self.api.ask("GET", "/api/v1/search", query=query)[::2], (400, b"Error: no search query"))
        self.assertEqual(self.api.ask("GET", "/api/v1/search", query="x " * 3000)[0], 400)
        self.assertEqual(self.api.ask("DELETE", "/api/v1/search")[0], 400)

    def test_long_list(self):
        """More than are written in one turn, and several such lists at once."""
        with smtplib.SMTP(*self.host.smtp, timeout=60) as client:
            for n in range(590, -1, -1):
                client.sendmail("alice@example.com", ["bob@example.org"], text("more %d" % n))
        want = ["more %d" % n for n in range(591)] + ["number %d" % n for n in reversed(range(10))]
        self.assertEqual(self.api.get("/api/v1/messages")["total"], 601)
        found, packed = [], []

        def ask():
            found.append(self.api.subjects(limit=0))
            packed.append(self.api.ask("GET", "/api/v1/search?query=alice&limit=1000", headers={"Accept-Encoding": "gzip"}))
        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(found, [want] * 6)
        # Where many are packed at once, others go as they are.
        self.assertIn("gzip", [head.get("content-encoding") for _, head, _ in packed])
        for status, head, body in packed:
            body = gzip.decompress(body) if "content-encoding" in head else body
            self.assertEqual((status, [m["Subject"] for m in json.loads(body)["messages"]]), (200, want))
        status, head, body = self.api.ask("GET", "/metrics")
        self.assertIn(b"\nmailpit_messages 601\n", body)

    def test_long_messages(self):
        """Those that are taken apart on the pool, several at once; one goes meanwhile."""
        attached = os.urandom(600 * 1024)
        m = EmailMessage()
        m["From"], m["To"], m["Subject"] = "alice@example.com", "bob@example.org", "long"
        m.set_content("Hi long")
        m.add_attachment(attached, "application", "octet-stream", filename="a.bin")
        name = send(self.host, m)
        field = "\r\n".join(["Content-Type: text/plain; x=y"] + [" ; a%d=b" % n for n in range(60000)])
        other = send(self.host, ("From: alice@example.com\r\nSubject: field\r\n%s\r\n\r\nHi field\r\n" % field).encode())
        found = []

        def ask():
            found.append(self.api.get("/api/v1/message/" + name))
            found.append(self.api.get("/api/v1/message/" + other))
            found.append(self.api.ask("GET", "/api/v1/message/%s/part/2" % name)[2])
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for one in found:
            if isinstance(one, bytes):
                self.assertEqual(one, attached)
            elif one["ID"] == name:
                self.assertEqual(one["Attachments"][0]["Checksums"]["SHA256"], hashlib.sha256(attached).hexdigest())
            else:
                self.assertEqual((one["Subject"], one["Text"].strip()), ("field", "Hi field"))
        self.assertEqual(len(found), 12)

    def test_marks(self):
        unread = lambda: self.api.get("/api/v1/messages")["unread"]
        self.api.get("/api/v1/message/" + self.ids[0])
        self.assertEqual((unread(), self.api.found("is:read")), (9, ["number 0"]))
        self.api.ok("PUT", "/api/v1/messages", {"Read": True, "IDs": [self.ids[1], "nobody"]})
        self.assertEqual(unread(), 8)
        self.api.ok("PUT", "/api/v1/messages", {"Read": True, "Search": "tag:even"})
        self.assertEqual(unread(), 4)
        self.api.ok("PUT", "/api/v1/messages", {"Read": False})
        self.assertEqual(unread(), 10)
        self.api.ok("PUT", "/api/v1/messages", {"Read": True})
        self.assertEqual(unread(), 0)
        for body in (b"", b"{", b"[]", {"IDs": ["x"], "Search": "y"}, {"IDs": 7}):
            self.assertEqual(self.api.ask("PUT", "/api/v1/messages", body)[0], 400, body)

    def test_deletions(self):
        self.api.ok("DELETE", "/api/v1/messages", {"IDs": [self.ids[9], self.ids[0], self.ids[9], "nobody"]})
        self.assertEqual(self.api.subjects(), ["number %d" % n for n in range(8, 0, -1)])
        self.assertEqual(self.host.subjects(), ["number %d" % n for n in range(1, 9)])
        self.assertEqual(self.api.ask("GET", "/api/v1/message/" + self.ids[0])[0], 404)
        self.api.ok("DELETE", "/api/v1/search", query="tag:even")
        self.assertEqual(self.api.subjects(), ["number 7", "number 5", "number 3", "number 1"])
        self.assertEqual(self.api.ask("DELETE", "/api/v1/messages", b"{")[0], 400)
        self.assertEqual(len(self.api.subjects()), 4)
        self.api.ok("DELETE", "/api/v1/messages")
        self.assertEqual((self.api.subjects(), self.api.get("/api/v1/tags"), self.host.subjects()), ([], [], []))
        self.assertEqual(self.api.ask("GET", "/api/v1/message/latest")[::2], (404, b"Message not found"))
        send(self.host, text("again"))
        self.api.wait("again")
        self.assertEqual(self.api.subjects(), ["again"])

    def test_pop3_deletes(self):
        box = self.host.box()
        box.dele(1)
        box.quit()
        self.assertEqual(len(self.api.subjects()), 9)
        self.assertEqual(self.api.ask("GET", "/api/v1/message/%s/raw" % self.ids[0])[0], 404)

    def test_tags(self):
        self.assertEqual(self.api.get("/api/v1/tags"), ["even", "odd"])
        self.api.ok("PUT", "/api/v1/tags", {"IDs": [self.ids[0], "nobody"], "Tags": ["b", "A/x", "b", " ", "even"]})
        self.assertEqual(self.api.get("/api/v1/message/" + self.ids[0])["Tags"], ["A x", "b", "even"])
        self.assertEqual(self.api.get("/api/v1/tags"), ["A x", "b", "even", "odd"])
        self.api.ok("PUT", "/api/v1/tags/A%20x", {"Name": "new"})
        self.assertEqual(self.api.found("tag:NEW"), ["number 0"])
        for tag, body, words in (("nix", {"Name": "y"}, b"tag not found: nix"), ("odd", {"Name": "EVEN"}, b"tag already exists: "),
                                 ("odd", {"Name": "!"}, b"invalid tag name: ")):
            status, _, said = self.api.ask("PUT", "/api/v1/tags/" + tag, body)
            self.assertEqual(status, 400, said)
            self.assertTrue(said.startswith(words), said)
        self.api.ok("DELETE", "/api/v1/tags/even")
        self.assertEqual(self.api.get("/api/v1/tags"), ["b", "new", "odd"])
        self.assertEqual(self.api.ask("DELETE", "/api/v1/tags/even")[::2], (400, b"tag not found: even"))
        self.api.ok("PUT", "/api/v1/tags", {"IDs": [self.ids[0]], "Tags": []})
        self.assertEqual(self.api.get("/api/v1/tags"), ["odd"])


class Zones(unittest.TestCase):
    def test_tz(self):
        """Dates that say no zone are of tz, or else the server's own."""
        with Mock(environment={"TZ": "<+05>-5"}) as host:
            api = Api(host)
            send(host, text("it"))
            now = datetime.datetime.fromisoformat(api.wait("subject:it")["Created"].replace("Z", "+00:00"))

            def finds(hours, **more):
                """Is that the zone that is meant?"""
                there = now + datetime.timedelta(hours=hours)
                early, late = ('"%s"' % (there + datetime.timedelta(minutes=m)).strftime("%Y-%m-%d %H:%M:%S") for m in (-5, 5))
                answers = [api.found("after:%s before:%s" % between, **more) for between in ((early, late), (late, early))]
                return answers == [["it"], []]
            self.assertTrue(finds(5))
            for name in ("Nowhere/Nobody", "../../../etc/passwd", "", "x" * 65, "Europe"):
                self.assertTrue(finds(5, tz=name), name)
            self.assertFalse(finds(0))
            if not os.path.exists("/usr/share/zoneinfo/Asia/Kathmandu"):
                self.skipTest("no tzdata")
            for name, hours in (("Asia/Kathmandu", 5.75), ("UTC", 0), ("Etc/GMT+12", -12), ("Asia/Kathmandu", 5.75)):
                self.assertTrue(finds(hours, tz=name), name)
            query = 'after:"%s"' % (now + datetime.timedelta(hours=-12, minutes=-5)).strftime("%Y-%m-%d %H:%M:%S")
            self.assertEqual(api.get("/api/v1/message/latest", query=query, tz="Etc/GMT+12")["Subject"], "it")
            query = 'before:"%s"' % (now + datetime.timedelta(hours=-12, minutes=5)).strftime("%Y-%m-%d %H:%M:%S")
            self.assertEqual(api.wait(query, tz="Etc/GMT+12")["Subject"], "it")
            self.assertEqual(api.ask("GET", "/api/v1/message/latest", query=query)[0], 404)
            api.ok("DELETE", "/api/v1/search", query=query)
            self.assertEqual(api.subjects(), ["it"])
            api.ok("DELETE", "/api/v1/search", query=query, tz="Etc/GMT+12")
            self.assertEqual(api.subjects(), [])


class Sends(unittest.TestCase):
    BODY = {"From": {"Name": "Alice", "Email": "alice@example.com"}, "To": [{"Email": "bob@example.org"}],
            "Bcc": ["hidden@example.net"], "Subject": "Grüße", "Text": "Hello\n.\n", "HTML": "<b>Hello</b>", "Tags": ["x"],
            "Attachments": [{"Content": base64.b64encode(PNG).decode(), "Filename": "a.png"}], "Headers": {"X-Own": "1"}}

    def test_send(self):
        with Mock() as host:
            api = Api(host)
            name = json.loads(api.ask("POST", "/api/v1/send", self.BODY)[2])["ID"]
            m = api.get("/api/v1/message/" + name)
            self.assertEqual((m["Subject"], m["To"][0]["Address"], m["Bcc"][0]["Address"], m["Tags"]),
                             ("Grüße", "bob@example.org", "hidden@example.net", ["x"]))
            self.assertEqual((m["HTML"].strip(), m["Attachments"][0]["Checksums"]["MD5"]),
                             ("<b>Hello</b>", hashlib.md5(PNG).hexdigest()))
            self.assertEqual(m["Text"].split(), ["Hello", "."])
            self.assertEqual(api.get("/api/v1/message/%s/headers" % name)["X-Own"], ["1"])

    def test_username(self):
        """Who logged in, or Basic's user, whichever mailboxes there are."""
        who = "Bob <b@x> %41 %"
        for options in ((), ("--mailboxes", "login")):
            with Mock(*options) as host:
                api = Api(host)
                send(host, text("none"))
                send(host, text("login", X_Posthouse_Login="not this"), login=who)
                send(host, text("field", X_Posthouse_Login="nor this"))
                for user in ("ci", "ü" * 160, "x" * 321):
                    basic = {"Authorization": "Basic " + base64.b64encode((user + ":any").encode()).decode()}
                    self.assertEqual(api.ask("POST", "/api/v1/send", dict(self.BODY, Subject="basic"), headers=basic)[0], 200)
                self.assertEqual(api.ask("POST", "/api/v1/send", self.BODY, headers={**basic, "X-Posthouse-Mailbox": "m"})[0], 200)
                all_of_it = api.get("/api/v1/messages")["messages"]
                self.assertEqual([m["Username"] for m in all_of_it], ["m" if options else "", "", "ü" * 160, "ci", "", who, ""])
                self.assertEqual(api.get("/api/v1/message/" + all_of_it[5]["ID"])["Username"], who)
                self.assertEqual(api.get("/api/posthouse/v1/message/%s/envelope" % all_of_it[5]["ID"])["Login"], who)
                self.assertNotIn("X-Posthouse-Login", {f.get("Where") for f in
                                 api.get("/api/posthouse/v1/message/%s/lint" % all_of_it[5]["ID"])["Findings"]})

    def test_large(self):
        with Mock() as host:
            body = dict(self.BODY, Text="0123456789 " * 300000)
            status, _, said = Api(host).ask("POST", "/api/v1/send", body)
            self.assertEqual(status, 200, said)
            self.assertGreater(Api(host).get("/api/v1/message/latest")["Size"], 3300000)
            # As much as a message may be, in files.
            files = [base64.b64encode(os.urandom(18000000)).decode() for n in range(2)]
            body["Attachments"] = [{"Content": file, "Filename": "%d.bin" % n} for n, file in enumerate(files)]
            body["Text"], body["Subject"] = "two files", "files"
            status, _, said = Api(host).ask("POST", "/api/v1/send", body)
            self.assertEqual(status, 200, said)
            self.assertEqual(Api(host).wait("subject:files")["ID"], json.loads(said)["ID"])
            m = Api(host).get("/api/v1/message/" + json.loads(said)["ID"])
            self.assertEqual([(f["Size"], f["Checksums"]["MD5"]) for f in m["Attachments"]],
                             [(18000000, hashlib.md5(base64.b64decode(file)).hexdigest()) for file in files])
            for more in (5000000, 20000000):        # known once it is made, and from its length
                body["Attachments"].append({"Content": files[0][:more], "Filename": "more.bin"})
                status, _, said = Api(host).ask("POST", "/api/v1/send", body)
                self.assertEqual((status, json.loads(said)["Error"]), (413, "message is too large: 52428800 bytes are allowed"))

    def test_refused(self):
        with Mock("--set", "limit.message_size=100K") as host:
            for change, status, words in (
                    ({"To": [{"Email": "bad"}]}, 400, "invalid To address: bad"), ({"From": {}}, 400, "from not set"),
                    ({"To": [], "Bcc": []}, 400, "no recipients"), ({"Text": "x " * 90000}, 413, "too large: 102400 bytes"),
                    ({"Text": "x " * 300000}, 413, "too large: 102400 bytes")):
                found, head, said = Api(host).ask("POST", "/api/v1/send", dict(self.BODY, **change))
                self.assertEqual((found, head["content-type"]), (status, "application/json"), said)
                self.assertIn(words, json.loads(said)["Error"])
            for body in (b"", b"{", b"[]", b"x" * 5300000):
                self.assertEqual(Api(host).ask("POST", "/api/v1/send", body)[0], 400)
            for path, kind in (("/api/v1/send", "application/json"), ("/api/v1/messages", "text/plain"), ("/send", "text/plain")):
                with socket.create_connection(host.http, timeout=60) as client:       # told from what it says of itself
                    client.sendall(b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000000\r\n\r\n" % path.encode())
                    answer = client.makefile("rb").read()
                self.assertTrue(answer.startswith(b"HTTP/1.1 413 "), answer)
                self.assertIn(b"\r\nContent-Type: %s\r\n" % kind.encode(), answer)
                self.assertEqual(kind == "application/json", answer.endswith(b'{"Error":"message is too large: 102400 bytes are allowed"}\n'))
            self.assertEqual(Api(host).subjects(), [])

    def test_mailbox(self):
        with Mock("--mailboxes", "login") as host:
            api = Api(host, "suite-a")
            self.assertEqual(api.ask("POST", "/api/v1/send", self.BODY)[0], 200)
            self.assertEqual((api.subjects(), Api(host, "mock").subjects()), (["Grüße"], []))
            named = dict(self.BODY, Subject="named", Headers={"X-Posthouse-Mailbox": "Suite-B"})
            for one in (api, Api(host)):
                self.assertEqual(one.ask("POST", "/api/v1/send", named)[0], 200)
            self.assertEqual((api.subjects(), Api(host, "suite-b").subjects(), Api(host, "mock").subjects()),
                             (["Grüße"], ["named", "named"], []))


class Mailboxes(unittest.TestCase):
    def test_isolated(self):
        """Two runs of tests see their own mail only; without a mailbox all of it is seen."""
        with Mock("--mailboxes", "login") as host:
            for n in range(3):
                send(host, text("a%d" % n), login="suite-a")
                send(host, text("b%d" % n), login="Suite-B@Example.org")
            a, b, all_of_it = Api(host, "suite-a"), Api(host), Api(host)
            b.ask_ = b.ask
            b.ask = lambda *args, **query: b.ask_(*args, **{"mailbox": "suite-b@example.org", **query})
            all_of_it.wait("subject:b2")
            self.assertEqual(a.subjects(), ["a2", "a1", "a0"])
            self.assertEqual(b.subjects(), ["b2", "b1", "b0"])
            self.assertEqual(len(all_of_it.subjects()), 6)
            self.assertEqual(a.get("/api/v1/messages")["total"], 3)
            self.assertEqual(a.found("subject:b"), [])
            self.assertEqual(a.get("/api/v1/message/latest")["Subject"], "a2")
            self.assertEqual(a.get("/api/v1/message/latest")["Username"], "suite-a")
            self.assertEqual(a.get("/api/v1/messages")["unread"], 2)
            a.ok("PUT", "/api/v1/messages", {"Read": True})
            self.assertEqual(all_of_it.get("/api/v1/messages")["unread"], 3)
            a.ok("DELETE", "/api/v1/messages")
            self.assertEqual((a.subjects(), len(all_of_it.subjects())), ([], 3))
            b.ok("DELETE", "/api/v1/search", query="subject:b1")
            self.assertEqual(b.subjects(), ["b2", "b0"])
            self.assertEqual({m["Name"]: m["Messages"] for m in all_of_it.get("/api/posthouse/v1/mailboxes")["Mailboxes"]},
                             {"mock": 0, "suite-a": 0, "suite-b@example.org": 2})
            other = Api(host, "not-there")
            self.assertEqual(other.subjects(), [])
            other.ok("DELETE", "/api/v1/messages")
            self.assertEqual(other.ask("GET", "/api/v1/message/latest")[0], 404)
            self.assertEqual(len(all_of_it.subjects()), 2)

    def test_field(self):
        """A message may name its mailbox itself: before any login, and however large it is."""
        with Mock("--mailboxes", "login") as host:
            for login in (None, "another"):
                send(host, text("small", X_Posthouse_Mailbox="\r\n suite-a"), login=login)
                send(host, text("large", "".join("%020d\r\n" % n for n in range(50000)), X_Posthouse_Mailbox="Suite-A"),
                     login=login, to=("a@example.org", "b@example.org"))
                send(host, text("not in the header", "X-Posthouse-Mailbox: suite-a"), login=login)
            a = Api(host, "suite-a")
            self.assertEqual(a.subjects(), ["large", "small"] * 2)
            self.assertEqual([m["Username"] for m in a.get("/api/v1/messages")["messages"]], ["another"] * 2 + ["suite-a"] * 2)
            self.assertEqual({m["Name"]: m["Messages"] for m in a.get("/api/posthouse/v1/mailboxes")["Mailboxes"]},
                             {"mock": 1, "another": 1, "suite-a": 4})
            self.assertEqual(host.subjects("suite-a"), ["small", "large"] * 2)         # by POP3
            for name in ("bob@Example.org", "Ünï \t<x> \"'%", "x" * 60, "y" * 100, "z" * 900, "Bob@mock.LOCALHOST"):
                send(host, text("odd", X_Posthouse_Mailbox=name))
                self.assertEqual(Api(host).subjects(mailbox=name), ["odd"], name)
            self.assertEqual(host.subjects("bob"), ["odd"])
        with Mock() as host:
            send(host, text("one for all", X_Posthouse_Mailbox="suite-a"))
            self.assertEqual(host.subjects("mock"), ["one for all"])

    def test_waits_for_one(self):
        """For a mailbox that is not there yet."""
        with Mock("--mailboxes", "login") as host:
            found = []
            waiting = threading.Thread(target=lambda: found.append(Api(host, "later").wait("subject:it", timeout="60s")))
            waiting.start()
            wait_for(lambda: b"\nposthouse_http_connections 2\n" in Api(host).get("/metrics"), what="a waiting request")
            send(host, text("it"), login="another")
            send(host, text("it is"), login="later")
            waiting.join(60)
            self.assertEqual(found[0]["Subject"], "it is")

    def test_waits_in_vain(self):
        with Mock() as host:
            api = Api(host)
            self.assertEqual(api.ask("GET", "/api/posthouse/v1/wait", query="x", timeout="50ms")[::2], (404, b"Message not found"))
            send(host, text("x"))
            self.assertEqual(api.ask("GET", "/api/posthouse/v1/wait", query="x", timeout="0", count="2")[0], 404)
            self.assertEqual(api.wait("x", count=1, timeout="60s")["Subject"], "x")
            for count in ("", "0", "x", "-1", "4194305"):
                self.assertEqual(api.ask("GET", "/api/posthouse/v1/wait", query="x", timeout="0", count=count)[0], 400, count)
            for timeout in ("", "x", "-1", "1h", "99999999999999999999s"):
                self.assertEqual(api.ask("GET", "/api/posthouse/v1/wait", query="x", timeout=timeout)[0], 400, timeout)


class Events(unittest.TestCase):
    def test_all(self):
        with Mock() as host:
            api, listener = Api(host), Listener(host)
            self.assertEqual(listener.status, 101)
            kind, stats = listener.event()
            self.assertEqual((kind, stats["Total"], stats["Unread"]), ("stats", 0, 0))
            name = send(host, text("new", X_Tags="t"))
            kind, summary = listener.event("new")
            self.assertEqual((summary["ID"], summary["Subject"], summary["Read"], summary["Tags"]), (name, "new", False, ["t"]))
            self.assertEqual(listener.event("stats")[1]["Total"], 1)
            api.get("/api/v1/message/" + name)
            self.assertEqual(listener.event("update"), ("update", {"ID": name, "Read": True}))
            self.assertEqual(listener.event("stats")[1]["Unread"], 0)
            api.ok("PUT", "/api/v1/tags", {"IDs": [name], "Tags": ["x", "y"]})
            self.assertEqual(listener.event("update"), ("update", {"ID": name, "Tags": ["x", "y"]}))
            api.ok("DELETE", "/api/v1/tags/x")
            self.assertEqual(listener.event("prune"), ("prune", None))
            api.ok("DELETE", "/api/v1/messages", {"IDs": [name]})
            self.assertEqual(listener.event("delete"), ("delete", {"ID": name}))
            self.assertEqual(listener.event("stats")[1]["Total"], 0)
            send(host, text("again"))
            listener.event("new")
            api.ok("DELETE", "/api/v1/messages")
            self.assertEqual(listener.event("truncate", "prune", "delete"), ("truncate", None))
            send(host, text("once more"))
            listener.event("new")
            box = host.box()
            box.dele(1)
            box.quit()
            self.assertEqual(listener.event("prune", "delete"), ("prune", None))
            with smtplib.SMTP(*host.smtp, timeout=60) as client:
                client.ehlo("client.example")
                client.docmd("NONSENSE")
                client.docmd("RCPT TO:<<>")
            kind, error = listener.event("error")
            self.assertEqual((kind, error["Level"], error["Type"], error["IP"], error["Message"][:4]),
                             ("error", "error", "smtpd", "127.0.0.1", "500 "))
            self.assertEqual(listener.event("error")[1]["Message"][0], "5")
            listener.close()

    def test_many(self):
        """More than are taken apart at once, some with much to read: each is there once."""
        with Mock() as host:
            api, listener = Api(host), Listener(host)
            sent = []
            with smtplib.SMTP(*host.smtp, timeout=60) as client:
                client.ehlo("client.example")
                for i in range(100):
                    client.mail("a@example.com")
                    client.rcpt("b@example.com")
                    more = "X-A: some words here\r\n" * (20000 if i % 20 == 0 else 1)
                    words = client.data(more.encode() + text("no %d" % i, X_Tags="t%d" % (i % 7)))[1]
                    sent.append(words.decode().split(" queued as ")[1])
            listed = api.get("/api/v1/messages?limit=200")["messages"]
            self.assertEqual([m["ID"] for m in listed], sent[::-1])
            self.assertEqual([m["Subject"] for m in listed], ["no %d" % i for i in reversed(range(100))])
            told = [listener.event("new")[1] for _ in sent]
            self.assertEqual({m["ID"]: (m["Subject"], m["Tags"]) for m in told},
                             {name: ("no %d" % i, ["t%d" % (i % 7)]) for i, name in enumerate(sent)})
            listener.close()

    def test_protocol(self):
        with Mock() as host:
            listener = Listener(host)
            listener.event("stats")
            listener.say(9, b"there?")
            self.assertEqual(listener.frame(), (10, b"there?"))
            listener.say(1, b"nobody listens")
            listener.say(8, struct.pack(">H", 1000) + b"bye")
            self.assertEqual(listener.frame(), (8, struct.pack(">H", 1000)))
            self.assertRaises(EOFError, listener.bytes, 1)
            listener = Listener(host)
            listener.event("stats")
            listener.socket.sendall(b"\x81\x01x")           # not masked
            self.assertEqual(listener.frame(), (8, struct.pack(">H", 1002)))
            listener = Listener(host)
            listener.event("stats")
            listener.close()                                # without a word
            listener = Listener(host)
            listener.event("stats")
            host.stop()
            self.assertEqual(listener.frame(), (8, struct.pack(">H", 1001)))
            self.assertRaises(EOFError, listener.bytes, 1)

    def test_too_many(self):
        """Of those that wait or listen so many and no more; when they go, others may come."""
        with Mock() as host:
            api = Api(host)
            listeners = [Listener(host) for _ in range(256)]
            self.assertEqual({one.status for one in listeners}, {101})
            late = Listener(host)
            self.assertEqual(late.status, 503)
            late.close()
            waits = [http.client.HTTPConnection(*host.http, timeout=60) for _ in range(256)]
            for one in waits:
                one.request("GET", "/api/posthouse/v1/wait?query=subject:come&timeout=60s")
            wait_for(lambda: api.ask("GET", "/api/posthouse/v1/wait?timeout=1ms")[0] == 503)
            # Who goes unheard is answered all the same, and its place is free.
            for one in waits[:100]:
                one.close()
            for one in listeners:
                one.close()
            send(host, text("come"))
            for one in waits[100:]:
                self.assertEqual(one.getresponse().status, 200)
                one.close()
            self.assertEqual(api.wait("subject:come")["Subject"], "come")
            late = wait_for(lambda: self.listens(host), what="a place")
            late.close()

    def listens(self, host):
        listener = Listener(host)
        if listener.status == 101:
            return listener
        listener.close()

    def test_no_websocket(self):
        with Mock() as host:
            status, head, _ = Api(host).ask("GET", "/api/events")
            self.assertEqual((status, head["sec-websocket-version"]), (400, "13"))

    def test_who_does_not_read(self):
        """Is dropped; others hear all."""
        with Mock("--max-messages", "0") as host:
            lazy, listener = Listener(host), Listener(host)
            lazy.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for n in range(40):
                send(host, text("%d %s" % (n, "s" * 900), "x", To=", ".join("%060d@example.org" % i for i in range(300))))
                self.assertTrue(listener.event("new")[1]["Subject"].startswith("%d " % n))
            self.assertEqual(Api(host).get("/api/v1/messages")["total"], 40)


class Kept(unittest.TestCase):
    def test_data(self):
        """Over a restart, with what their envelopes said."""
        folder = tempfile.mkdtemp(prefix="posthouse-api-")
        self.addCleanup(shutil.rmtree, folder, True)
        with Mock(data=folder) as host:
            names = [send(host, text("kept %d" % n), ["bob@example.org", "x%d@example.net" % n]) for n in range(5)]
            Api(host).wait("subject:4")
        with Mock(data=folder) as host:
            api = Api(host)
            wait_for(lambda: len(api.subjects()) == 5, what="the list")
            self.assertEqual([m["ID"] for m in api.get("/api/v1/messages")["messages"]], names[::-1])
            self.assertEqual(api.found("bcc:x3@example.net"), ["kept 3"])
            send(host, text("kept 5"))
            api.wait("subject:5")
            api.ok("DELETE", "/api/v1/messages", {"IDs": names[:2]})
        with Mock(data=folder) as host:
            wait_for(lambda: len(Api(host).subjects()) == 4, what="the list")

    def test_marks(self):
        """What is read stays read, over kill -9 behind the answer, and over an orderly end."""
        folder = tempfile.mkdtemp(prefix="posthouse-api-")
        self.addCleanup(shutil.rmtree, folder, True)
        with Mock(data=folder) as host:
            names, api = [send(host, text("kept %d" % n)) for n in range(6)], Api(host)
            api.wait(count=6)
            api.ok("PUT", "/api/v1/messages", {"Read": True})
            api.ok("PUT", "/api/v1/messages", {"Read": False, "IDs": names[3:]})
            host.kill()
        with Mock(data=folder) as host:
            api = Api(host)
            self.assertEqual(api.found("is:read"), ["kept 2", "kept 1", "kept 0"])
            api.get("/api/v1/message/" + names[4])
            api.ok("DELETE", "/api/v1/messages", {"IDs": [names[2], names[5]]})
        with Mock(data=folder) as host:
            api = Api(host)
            self.assertEqual(api.found("is:read"), ["kept 4", "kept 1", "kept 0"])
            send(host, text("new"))
            api.wait("new")
            self.assertEqual(api.found("is:unread"), ["new", "kept 3"])

    def test_tags(self):
        """Those that people set stay, none as well, over kill -9 behind the answer; they go with their message."""
        folder = tempfile.mkdtemp(prefix="posthouse-api-")
        self.addCleanup(shutil.rmtree, folder, True)
        tags = lambda api: {m["Subject"]: m["Tags"] for m in api.get("/api/v1/messages")["messages"]}
        with Mock(data=folder) as host:
            names, api = [send(host, text("kept %d" % n, X_Tags="own, more")) for n in range(5)], Api(host)
            api.wait(count=5)
            api.ok("PUT", "/api/v1/tags", {"IDs": names[:2], "Tags": ["by hand", "b"]})
            api.ok("PUT", "/api/v1/tags", {"IDs": [names[2]], "Tags": []})
            host.kill()
        with Mock(data=folder) as host:
            api, hand = Api(host), ["b", "by hand"]
            self.assertEqual(tags(api), {"kept 0": hand, "kept 1": hand, "kept 2": [], "kept 3": ["more", "own"], "kept 4": ["more", "own"]})
            self.assertEqual(api.get("/api/v1/tags"), ["b", "by hand", "more", "own"])
            api.ok("PUT", "/api/v1/tags/by%20hand", {"Name": "Renamed"})
            api.ok("DELETE", "/api/v1/tags/own")
            host.kill()
        with Mock(data=folder) as host:
            api, hand = Api(host), ["b", "Renamed"]
            self.assertEqual(tags(api), {"kept 0": hand, "kept 1": hand, "kept 2": [], "kept 3": ["more"], "kept 4": ["more"]})
            self.assertEqual(api.found("tag:renamed"), ["kept 1", "kept 0"])
            api.ok("DELETE", "/api/v1/messages", {"IDs": [names[0], names[4]]})
            self.assertEqual(api.get("/api/v1/tags"), ["b", "more", "Renamed"])
        with Mock("--max-messages", "3", data=folder) as host:
            send(host, text("new"))
            api = Api(host)
            api.wait("new")
            self.assertEqual(tags(api), {"kept 2": [], "kept 3": ["more"], "new": []})
        with Mock(data=folder) as host:
            api = Api(host)
            self.assertEqual((tags(api), api.get("/api/v1/tags")), ({"kept 2": [], "kept 3": ["more"], "new": []}, ["more"]))
        wrong = [name for _, _, names in os.walk(os.path.join(folder, "account")) for name in names if name.endswith(".tags")]
        self.assertEqual(len(wrong), 1)

    def test_imap_marks(self):
        """The same \\Seen, whoever sets it; listeners hear of it."""
        with Mock() as host, imaplib.IMAP4(*host.imap) as imap:
            names, api, events = [send(host, text("number %d" % n)) for n in range(4)], Api(host), Listener(host)
            api.wait(count=4)
            imap.login("any", "any")
            imap.select()
            api.ok("PUT", "/api/v1/messages", {"Read": True, "IDs": names[:2]})
            self.assertEqual(imap.search(None, "SEEN"), ("OK", [b"1 2"]))
            while events.event("update")[1]["ID"] != names[1]:
                pass
            imap.store("4", "+FLAGS", "\\Seen")
            self.assertEqual(events.event("update")[1], {"ID": names[3], "Read": True})
            imap.store("1", "FLAGS", "(\\Flagged)")
            self.assertEqual(events.event("update")[1], {"ID": names[0], "Read": False})
            self.assertEqual(api.found("is:read"), ["number 3", "number 1"])
            events.close()

    def test_newest(self):
        with Mock("--max-messages", "5") as host:
            api = Api(host)
            for n in range(40):
                send(host, text("number %d" % n))
            api.wait('subject:"number 39"')
            self.assertEqual(api.subjects(), ["number %d" % n for n in range(39, 34, -1)])


class Bad(unittest.TestCase):
    def test_anything(self):
        """Odd queries and bodies: never a 500, and it goes on."""
        with Mock() as host:
            api = Api(host)
            send(host, b"\xff\xfe no header \x00\r\n\r\n" + bytes(range(1, 256)).replace(b"\r", b"").replace(b"\n", b""))
            send(host, b"")
            api.wait()
            for query in ('"', "-", "tag:", "from:%", "\0", "\xff", "larger:x", "after:nix", "((((", "is:", '"' * 500):
                self.assertLess(api.ask("GET", "/api/v1/search", query=query)[0], 500, query)
            for body in (b"\0", b"{}" * 1000, b"[" * 100000, b'{"IDs":[null,{}]}', b'{"IDs":"\\ud800"}', b"\xff"):
                for method, path in (("PUT", "/api/v1/messages"), ("PUT", "/api/v1/tags"), ("PUT", "/api/v1/tags/x"),
                                     ("DELETE", "/api/v1/messages")):
                    self.assertLess(api.ask(method, path, body)[0], 500, (method, path, body[:20]))
            wait_for(lambda: host.process.poll() is None, what="a server")
            self.assertEqual(api.ask("GET", "/livez")[0], 200)


if __name__ == "__main__":
    unittest.main()
