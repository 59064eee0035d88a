"""tests/clients/page_double.py - a double of the mock's API, behind the page of a real one.

What is below /api/ is answered from memory, as Mailpit's API and Posthouse's own have it;
everything else comes from a real `posthouse mock`, with its headers. So the page's tests
have 100,000 messages at once, a server that refuses, and one that goes away.

    with Double(("127.0.0.1", 8025)) as double:
        double.url, double.add(message(...)), double.break_connections()
"""
import base64
import hashlib
import http.client
import http.server
import json
import re
import socket
import struct
import sys
import threading
import urllib.parse


def message(number, *, subject=None, sender=("Alice Adams", "alice@alice.example"), to=("bob@bob.example",),
            text="Hello\r\n", html="", raw=None, sent=None, read=False, tags=(), attachments=(), inline=(), created=None,
            mailbox="", **own):
    """sent: what a client sends, without what delivery puts on top (raw). own: lint, envelope, transcript, journey: what the routes of that name answer."""
    subject = "Message %d" % number if subject is None else subject
    if raw is None:
        raw = ("From: %s <%s>\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%d@test.example>\r\n\r\n%s"
               % (*sender, ", ".join(to), subject, number, text)).encode()
    return {"ID": "M%07d" % number, "MessageID": "%d@test.example" % number, "Read": read,
            "From": {"Name": sender[0], "Address": sender[1]}, "To": [{"Name": "", "Address": a} for a in to],
            "Cc": [], "Bcc": [], "ReplyTo": [], "Subject": subject,
            "Created": created or "2026-11-%02dT%02d:%02d:00Z" % (1 + number // 1440 % 27, number // 60 % 24, number % 60),
            "Username": "", "Tags": list(tags), "Size": len(raw), "Attachments": len(attachments),
            "Snippet": " ".join(text.split())[:200],
            "_": {"text": text, "html": html, "raw": raw, "sent": sent or raw, "attachments": list(attachments), "inline": list(inline),
                  "mailbox": mailbox, "own": own}}


def part(number, name, kind, data, cid=""):
    return {"PartID": number, "FileName": name, "ContentType": kind, "ContentID": cid, "Size": len(data),
            "Checksums": {"MD5": hashlib.md5(data).hexdigest(), "SHA1": hashlib.sha1(data).hexdigest(),
                          "SHA256": hashlib.sha256(data).hexdigest()}, "_": data}


def public(row):
    return {k: v for k, v in row.items() if k != "_"}


def matches(row, query):
    """Of the search language what the tests say."""
    everything = json.dumps(public(row)).lower() + row["_"]["text"].lower()
    for word in re.findall(r'[^\s"]*"[^"]*"|\S+', query.lower()):
        want = not word.startswith(("-", "!"))
        name, colon, value = word.lstrip("-!").replace('"', "").partition(":")
        if not colon:
            found = name in everything
        elif name == "is":
            found = {"unread": not row["Read"], "read": row["Read"], "tagged": bool(row["Tags"])}[value]
        elif name == "from":
            found = value in json.dumps(row["From"]).lower()
        elif name == "subject":
            found = value in row["Subject"].lower()
        elif name == "tag":
            found = value in [t.lower() for t in row["Tags"]]
        elif name == "has":
            found = row["Attachments"] > 0
        else:
            found = word in everything
        if found != want:
            return False
    return True


class Double:
    def __init__(self, pages, messages=()):
        self.pages = pages              # where the real mock's HTTP is
        self.lock = threading.RLock()
        self.rows = list(messages)      # the newest first
        self.sockets = set()
        self.requests = []              # (method, target) of all that came
        self.broken = False             # refuses whatever comes
        self.hosts = []                 # of a lab
        self.listen = None              # what /api/v1/info tells of SMTP
        self.unread = sum(not r["Read"] for r in self.rows)
        handler = type("Handler", (Handler,), {"double": self})
        self.server = Server(("127.0.0.1", 0), handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.break_connections()

    # ---- what happens ----

    def tell(self, kind, data):
        text = json.dumps({"Type": kind, "Data": data}).encode()
        head = b"\x81" + (bytes([len(text)]) if len(text) < 126 else b"\x7e" + struct.pack(">H", len(text)))
        for s in list(self.sockets):
            try:
                s.sendall(head + text)
            except OSError:
                self.sockets.discard(s)

    def stats(self):
        with self.lock:
            self.tell("stats", {"Total": len(self.rows), "Unread": self.unread, "Version": "double"})

    def add(self, row):
        with self.lock:
            self.rows.insert(0, row)
            self.unread += not row["Read"]
            self.tell("new", public(row))
        self.stats()

    def remove(self, gone):
        with self.lock:
            self.rows.remove(gone)
            self.unread -= not gone["Read"]
            self.tell("delete", {"ID": gone["ID"]})
        self.stats()

    def break_connections(self):
        with self.lock:
            for s in list(self.sockets):
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            self.sockets.clear()

    def wait_for_listener(self, seconds=30):
        for _ in range(seconds * 50):
            if self.sockets:
                return
            threading.Event().wait(0.02)
        raise AssertionError("nobody listens to events")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        if not isinstance(sys.exc_info()[1], ConnectionError):     # a browser takes a request back
            super().handle_error(request, address)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json", more=()):
        body = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        double = self.double
        double.requests.append((self.command, self.path))
        url = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.query = dict(urllib.parse.parse_qsl(url.query))
        self.body = json.loads(body) if body else {}
        if double.broken:
            self.close_connection = True
            return
        if url.path == "/api/events":
            self.events()
        elif url.path.startswith("/api/"):
            with double.lock:
                self.api(url.path)
        elif url.path == "/view/latest":        # of ours, not of the mock whose pages these are
            self.answer(302, "", "text/plain", [("Location", "/view/" + self.double.rows[0]["ID"])])
        else:
            self.page()

    do_HEAD = do_PUT = do_DELETE = do_POST = do_GET

    def page(self):
        real = http.client.HTTPConnection(*self.double.pages, timeout=60)
        real.request(self.command, self.path, headers={k: v for k, v in self.headers.items() if k.lower() in
                                                       ("accept-encoding", "if-none-match")})
        response = real.getresponse()
        body = response.read()
        self.answer(response.status, body, response.headers.get("Content-Type", "text/plain"),
                    [(k, v) for k, v in response.headers.items() if k.lower() not in
                     ("content-type", "content-length", "connection", "date", "transfer-encoding")])
        real.close()

    # ---- events ----

    def events(self):
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        self.wfile.flush()
        with self.double.lock:
            self.double.sockets.add(self.connection)
        self.double.stats()
        self.close_connection = True
        try:
            while self.connection.recv(4096):
                pass
        except OSError:
            pass
        self.double.sockets.discard(self.connection)

    # ---- the API ----

    def api(self, path):
        method = self.command
        rows = self.double.rows
        if self.query.get("mailbox"):
            rows = [r for r in rows if r["_"]["mailbox"] == self.query["mailbox"]]
        if path == "/api/v1/messages" and method == "GET":
            self.list(rows, rows)
        elif path == "/api/v1/search":
            found = [r for r in rows if matches(r, self.query["query"])]
            self.list(rows, found) if method == "GET" else self.remove(found)
        elif path == "/api/v1/messages" and method == "PUT":
            ids, search = self.body.get("IDs"), self.body.get("Search")
            for row in rows:
                if (row["ID"] in ids) if ids else not search or matches(row, search):
                    self.read(row, self.body.get("Read", False))
            self.double.stats()
            self.answer(200, "ok", "text/plain")
        elif path == "/api/v1/messages":
            ids = self.body.get("IDs")
            self.remove([r for r in rows if not ids or r["ID"] in ids])
        elif path == "/api/v1/tags" and method == "PUT":
            for row in (r for r in rows if r["ID"] in self.body["IDs"]):
                row["Tags"] = sorted(self.body["Tags"])
                self.double.tell("update", {"ID": row["ID"], "Tags": row["Tags"]})
            self.answer(200, "ok", "text/plain")
        elif path == "/api/v1/info":
            self.answer(200, {"Version": "double", "Messages": len(rows), "Unread": 0, "Listen": self.double.listen})
        elif path == "/api/posthouse/v1/hosts":
            self.answer(200, {"Hosts": self.double.hosts})
        elif path == "/api/posthouse/v1/mailboxes":
            names = sorted({r["_"]["mailbox"] for r in self.double.rows} - {""})
            self.answer(200, {"Mailboxes": [{"Name": n, "Messages": 1, "Unread": 0} for n in names]})
        else:
            self.one(path)

    def list(self, rows, found):
        start, limit = int(self.query.get("start", 0)), int(self.query.get("limit", 50))
        items = found[start:start + limit]
        unread = [self.double.unread if r is self.double.rows else sum(not m["Read"] for m in r) for r in (rows, found)]
        self.answer(200, {"total": len(rows), "unread": unread[0], "count": len(items),
                          "messages_count": len(found), "messages_unread": unread[1],
                          "start": start, "tags": [], "messages": [public(r) for r in items]})

    def read(self, row, read):
        if row["Read"] != read:
            row["Read"] = read
            self.double.unread += -1 if read else 1
            self.double.tell("update", {"ID": row["ID"], "Read": read})

    def remove(self, gone):
        ids = {r["ID"] for r in gone}
        self.double.rows[:] = [r for r in self.double.rows if r["ID"] not in ids]
        self.double.unread -= sum(not r["Read"] for r in gone)
        for i in ids if len(ids) <= 200 else ():
            self.double.tell("delete", {"ID": i})
        if len(ids) > 200:
            self.double.tell("prune", None)
        self.double.stats()
        self.answer(200, "ok", "text/plain")

    def one(self, path):
        found = re.fullmatch(r"/api/(v1|posthouse/v1)/message/([^/]+)(?:/(.*))?", path)
        row = next((r for r in self.double.rows if found and found.group(2) in (r["ID"], "latest")), None)
        what = found.group(3) if found else None
        if row is None:
            self.answer(404, "Message not found", "text/plain")
        elif found.group(1) == "posthouse/v1":
            answer = row["_"]["own"].get(what)
            self.answer(200, answer) if answer is not None else self.answer(404, "not available here", "text/plain")
        elif what is None:
            self.read(row, True)
            self.double.stats()
            self.answer(200, {k: row[k] for k in ("ID", "MessageID", "From", "To", "Cc", "Bcc", "ReplyTo", "Subject", "Tags", "Size")}
                        | {"Date": row["Created"], "Text": row["_"]["text"], "HTML": row["_"]["html"], "ReturnPath": row["From"]["Address"],
                           "Attachments": [public(p) for p in row["_"]["attachments"]], "Inline": [public(p) for p in row["_"]["inline"]]})
        elif what == "raw":
            self.answer(200, row["_"]["raw"], "text/plain; charset=utf-8")
        else:
            piece = next((p for p in row["_"]["attachments"] + row["_"]["inline"] if what == "part/" + p["PartID"]), None)
            if piece is None:
                self.answer(404, "Part not found", "text/plain")
            else:
                self.answer(200, piece["_"], piece["ContentType"])
