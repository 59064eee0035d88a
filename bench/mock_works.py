"""bench/mock_works.py - what the servers of bench/mock are asked, and what is noted."""
import base64
import http.client
import json
import os
import shutil
import signal
import smtplib
import socket
import statistics
import subprocess
import tempfile
import time
from urllib.parse import quote

from measure import settle
from mock_servers import Posthouse
from peers import Missing

SIZE = 5 * 1024                         # of a message
# So many a round: some seconds of each.
MESSAGES = {"posthouse": 10000, "maildev": 1000, "aiosmtpd": 3000, "smtp-sink": 10000}
MEMORY = 5000
LISTED, LISTED_SIZE = 100000, 1024
# What the generator's words have: in each message, in each twentieth or so, in none.
SEARCHES = {"list": None, "common word": "bench", "some messages": "the", "no message": "zqzq"}
ASKED = 20                              # times each; the median counts
EVENTS, STARTS = 200, 20


def send(server, messages, size=SIZE, new=False):
    """The generator's JSON. All must be accepted."""
    done = subprocess.run([Posthouse.program, "bench", "smtp", "--to", "127.0.0.1:%d" % server.port,
                           "--recipients", "catch@bench.example", "--messages", str(messages),
                           "--size", str(size), "--sessions", "10", "--json",
                           *(["--new"] if new else [])], capture_output=True, text=True)
    if not done.stdout.startswith("{"):
        raise Missing("the generator failed: " + done.stderr.strip())
    return json.loads(done.stdout)


def await_stored(server, count):
    deadline = time.monotonic() + 60
    while server.stored() < count and time.monotonic() < deadline:
        time.sleep(0.005)


def rate(server, messages, new):
    """(stored/s, accepted/s, CPU ms, lost) of one run. Of Posthouse counts when the last message
    is listed; of the others, in their favour, when it is accepted."""
    before, cpu = server.stored(), server.group.cpu_s()
    at = time.monotonic()
    got = send(server, messages, new=new)
    accepted = got["accepted"]["per_second"]
    stored = accepted
    if server.name == "posthouse":
        begun = got["started_us"] / 1e6
        await_stored(server, before + messages)
        stored = messages / (time.monotonic() - (begun if begun > at - 1 else at))
    lost = messages - got["accepted"]["messages"]
    if before is not None:
        await_stored(server, before + messages)
        lost = max(lost, before + messages - server.stored())
    return stored, accepted, (server.group.cpu_s() - cpu) * 1e3 / messages, lost


def rates(context, work, new):
    servers = [context.start(name) for name in context.names]
    for r in range(context.rounds):
        for server in servers:
            n = max(50, int(MESSAGES[server.name] * context.scale))
            if r == 0:
                send(server, max(50, n // 5), new=new)
            settle(server.group, 5 * context.scale)
            stored, accepted, cpu, lost = rate(server, n, new)
            context.add(work=work, peer=server.name, round=r, messages=n, stored_per_s=stored,
                        accepted_per_s=accepted, cpu_ms=cpu, lost=lost)
    for server in servers:
        context.stop(server)


def memory(context):
    """Each from its start, with as many messages."""
    for name in context.names:
        server = context.start(name)
        begin = server.rss_mb()
        n = max(50, int(MEMORY * context.scale))
        send(server, n)
        if server.stored() is not None:
            await_stored(server, n)
        settle(server.group)
        context.add(work="memory", peer=name, messages=n, start_mb=begin, rss_mb=server.rss_mb())
        context.stop(server)


def search(context):
    server = context.start("posthouse")
    n = max(50, int(LISTED * context.scale))
    send(server, n, size=LISTED_SIZE)
    await_stored(server, n)
    client = http.client.HTTPConnection("127.0.0.1", server.http, timeout=60)
    for name, words in SEARCHES.items():
        times = []
        path = "/api/v1/messages" if words is None else "/api/v1/search?query=" + quote(words)
        for _ in range(ASKED):
            at = time.perf_counter()
            client.request("GET", path)
            got = client.getresponse().read()
            times.append((time.perf_counter() - at) * 1e3)
        context.add(work="search", peer="posthouse", what=name, messages=n,
                    found=json.loads(got)["messages_count"], ms=statistics.median(times),
                    worst_ms=max(times))
    client.close()
    context.stop(server)


class Listener:
    """Of /api/events: a WebSocket, as much of it as this takes."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(("GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: %s\r\n\r\n" % (port, key)).encode())
        self.file = self.socket.makefile("rb")
        if b" 101 " not in self.file.readline():
            raise Missing("no WebSocket")
        while self.file.readline().strip():
            pass

    def next(self):
        """The next frame's text; the server's are not masked."""
        first, length = self.file.read(2)
        if length == 126:
            length = int.from_bytes(self.file.read(2), "big")
        elif length == 127:
            length = int.from_bytes(self.file.read(8), "big")
        return self.file.read(length) if first & 0x0F == 1 else self.file.read(length) and b""

    def close(self):
        self.file.close()
        self.socket.close()


def events(context):
    """From the reply to DATA, as the client has it, to the event."""
    server = context.start("posthouse")
    listener = Listener(server.http)
    times = []
    with smtplib.SMTP("127.0.0.1", server.port, timeout=30) as client:
        for _ in range(max(20, int(EVENTS * context.scale))):
            client.sendmail("a@bench.example", ["b@bench.example"],
                            "Subject: x\r\n\r\n" + ("word " * 15 + "\r\n") * (SIZE // 77))
            at = time.perf_counter()
            while b'"Type":"new"' not in listener.next():
                pass
            times.append(max(0, time.perf_counter() - at) * 1e3)
    listener.close()
    context.stop(server)
    context.add(work="events", peer="posthouse", messages=len(times), ms=statistics.median(times),
                worst_ms=max(times))


def start(context):
    """From the fork to the line that says where it listens."""
    times = []
    for _ in range(STARTS):
        at = time.perf_counter()
        process = subprocess.Popen([Posthouse.program, "mock", *Posthouse.options],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        process.stdout.readline()
        times.append((time.perf_counter() - at) * 1e3)
        process.send_signal(signal.SIGTERM)
        process.wait()
        process.stdout.close()
    context.add(work="start", peer="posthouse", ms=statistics.median(times), worst_ms=max(times))


def size(context):
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(Posthouse.program, folder)
        subprocess.run(["strip", copy], check=True)
        context.add(work="size", peer="posthouse", mb=os.path.getsize(copy) / 1e6)


WORKS = {
    "new": lambda context: rates(context, "new", True),
    "reuse": lambda context: rates(context, "reuse", False),
    "memory": memory, "search": search, "events": events, "start": start, "size": size,
}
