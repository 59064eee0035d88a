"""bench/relaying.py - messages for another host: taken in, handed to a sink
(smtp-sink of Postfix, which keeps nothing), counted there.

Postfix sends everything to the sink as its relay host. Posthouse has an alias for
each recipient that leads to another domain, and the sink as relay.host: no DNS on
either side.
"""
import json
import os
import re
import subprocess
import time

from peers import DOMAIN, READY_S, Missing, Posthouse, Postfix, free_port, need_packages, wait_for
from peers import greets
from works import POSTHOUSE, RUN_S, Load, Server, await_end, run, say, whole

ELSEWHERE = "sink.example"


class Sink:
    """Takes all, keeps nothing, counts."""

    def __init__(self, folder):
        self.port = free_port()
        self.file = os.path.join(folder, "sink")
        self.output = open(self.file, "wb")
        self.process = subprocess.Popen(["smtp-sink", "-u", "nobody", "-c", "127.0.0.1:%d" % self.port,
                                         "1000"], stdin=subprocess.DEVNULL, stdout=self.output,
                                        stderr=self.output, cwd=folder)
        wait_for("smtp-sink", lambda: greets(self.port), self.process)

    def count(self):
        """The last number it wrote whole."""
        with open(self.file, "rb") as f:
            f.seek(max(0, os.path.getsize(self.file) - 200))
            found = re.findall(rb"mesg=(\d+)\r", f.read())
        return int(found[-1]) if found else 0

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.output.close()


class PostfixRelay(Postfix):
    def start(self):
        self.sink = Sink(self.folder)
        super().start()

    def more(self):
        return ("virtual_mailbox_domains =\nvirtual_mailbox_maps =\nrelay_domains = %s\n"
                "relayhost = [127.0.0.1]:%d\nsmtp_tls_security_level = may\n"
                % (DOMAIN, self.sink.port))

    def stop(self):
        self.sink.end()
        super().stop()

    def maildirs(self):
        return []

    def make_maildirs(self):
        pass


class PosthouseRelay(Posthouse):
    def start(self):
        self.sink = Sink(self.folder)
        super().start()

    def more(self):
        return "relay.host = 127.0.0.1:%d\n" % self.sink.port

    def requests(self):
        return [{"command": "alias add", "address": "%s@%s" % (u, DOMAIN),
                 "targets": ["%s@%s" % (u, ELSEWHERE)]} for u in self.users()]

    def stop(self):
        self.sink.end()
        super().stop()


class RelayServer(Server):
    def send(self, load, watch):
        peer = self.peer
        before, wanted = peer.sink.count(), load.messages
        process = subprocess.Popen([POSTHOUSE, "bench", "smtp", *load.options(peer)], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            await_end(process, RUN_S)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            out, err = process.stdout.read(), process.stderr.read()
            if not out.startswith("{"):
                raise Missing("the generator failed: " + err.strip())
        finally:
            if process.returncode is None:
                process.kill()
                process.wait()
            process.stdout.close()
            process.stderr.close()
        last = self.arrive(before + wanted)
        got = json.loads(out)
        got["delivered"] = {"messages": peer.sink.count() - before}
        return got, usage.ru_utime + usage.ru_stime, last

    def arrive(self, wanted):
        """When the last came; or when nothing more did."""
        seen, at = self.peer.sink.count(), time.monotonic()
        while seen < wanted and time.monotonic() - at < READY_S:
            time.sleep(0.01)
            now = self.peer.sink.count()
            if now > seen:
                seen, at = now, time.monotonic()
        return at


class Relay:
    """10 KiB, 20 sessions in, connections reused; until the sink has the last."""

    peers = {"postfix": (PostfixRelay, 1500), "posthouse": (PosthouseRelay, 15000)}

    def measure(self, context):
        need_packages("postfix")
        servers = []
        try:
            for name, (peer_class, messages) in self.peers.items():
                if name in context.peers:
                    peer = peer_class(os.path.join(context.folder, name + "-relay"), 100)
                    context.live.append(peer)
                    peer.start()
                    servers.append((RelayServer(peer), messages))
            self.rounds(context, servers)
        finally:
            for server, _ in servers:
                context.stop(server.peer)

    def rounds(self, context, servers):
        for r in range(context.rounds):
            say("round %d of %d" % (r + 1, context.rounds))
            for server, messages in servers:
                n = whole(max(100, messages * context.scale), 100)
                if r == 0:
                    server.send(Load(whole(max(100, n // 5), 100), sessions=20), True)
                context.add(run(server, Load(n, sessions=20), context), r)
