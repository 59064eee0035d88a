"""bench/relaying.py - messages for another host: taken in and handed on, to a sink
(smtp-sink of Postfix, which keeps nothing) or to a Posthouse that has their mailboxes.

Postfix sends everything to that host as its relay host. Posthouse has an alias for
each recipient that leads to another domain, and that host as relay.host: no DNS on
either side. The next host's CPU is nobody's: it is in no row.
"""
import json
import os
import re
import subprocess
import time

from measure import TICKS, read
from peers import DOMAIN, READY_S, Missing, Posthouse, Postfix, free_port, need_packages, wait_for
from peers import greets, undisturbed
from works import POSTHOUSE, RUN_S, Load, Server, await_end, run, say, whole

ELSEWHERE = "sink.example"


# ---- next hosts ----

class Sink:
    """Takes all, keeps nothing, counts."""

    def __init__(self, folder, port):
        self.port = port
        self.file = os.path.join(folder, "sink")
        self.output = open(self.file, "wb")
        self.process = subprocess.Popen(["smtp-sink", "-u", "nobody", "-c", "127.0.0.1:%d" % self.port,
                                         "1000"], stdin=subprocess.DEVNULL, stdout=self.output,
                                        stderr=self.output, cwd=folder)

    def start(self):
        wait_for("smtp-sink", lambda: greets(self.port), self.process)

    def count(self):
        """The last number it wrote whole."""
        with open(self.file, "rb") as f:
            f.seek(max(0, os.path.getsize(self.file) - 200))
            found = re.findall(rb"mesg=(\d+)\r", f.read())
        return int(found[-1]) if found else 0

    def cpu_s(self):
        stat = read("/proc/%d/stat" % self.process.pid).rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / TICKS if stat else 0

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.output.close()


class NextPosthouse(Posthouse):
    """Mailboxes for the recipients, as Postfix leaves them and as Posthouse's aliases do."""

    domains = (ELSEWHERE, DOMAIN)

    def __init__(self, folder, accounts, name):
        self.name = name                # of its control group
        super().__init__(folder, accounts)

    def cpu_s(self):
        return self.group.cpu_s()

    def requests(self):
        return super().requests() + [
            {"command": "alias add", "address": "%s@%s" % (u, ELSEWHERE),
             "targets": ["%s@%s" % (u, DOMAIN)]} for u in self.users()]


class HasNext:
    """Of a peer: there is a next host before it starts."""

    next = None

    def start(self):
        with undisturbed():
            self.next = self.make_next()
        self.next.start()
        super().start()

    def beside_s(self):
        return self.next.cpu_s()

    def stop(self):
        super().stop()
        if self.next:
            self.next.stop()


class ToSink(HasNext):
    def make_next(self):
        return Sink(self.folder, free_port())


class ToPosthouse(HasNext):
    def make_next(self):
        return NextPosthouse(self.folder + "-next", self.accounts, self.name + "-next")

    def start(self):
        super().start()
        self.pop3 = self.next.pop3      # where the generator looks for what arrived


# ---- those that relay ----

class Forwards(Postfix):
    def more(self):
        return ("virtual_mailbox_domains =\nvirtual_mailbox_maps =\nrelay_domains = %s\n"
                "relayhost = [127.0.0.1]:%d\nsmtp_tls_security_level = may\n"
                % (DOMAIN, self.next.port))

    def maildirs(self):
        return []

    def make_maildirs(self):
        pass


class Aliases(Posthouse):
    def more(self):
        return "relay.host = 127.0.0.1:%d\n" % self.next.port

    def requests(self):
        return [{"command": "alias add", "address": "%s@%s" % (u, DOMAIN),
                 "targets": ["%s@%s" % (u, ELSEWHERE)]} for u in self.users()]


class PostfixToSink(ToSink, Forwards):
    pass


class PostfixToPosthouse(ToPosthouse, Forwards):
    pass


class PosthouseToSink(ToSink, Aliases):
    pass


class PosthouseToPosthouse(ToPosthouse, Aliases):
    pass


class SinkServer(Server):
    """Arrivals are what the sink counts."""

    def send(self, load, watch):
        peer = self.peer
        before, wanted = peer.next.count(), load.messages
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
        got["delivered"] = {"messages": peer.next.count() - before}
        return got, usage.ru_utime + usage.ru_stime, last

    def arrive(self, wanted):
        """When the last came; or when nothing more did."""
        seen, at = self.peer.next.count(), time.monotonic()
        while seen < wanted and time.monotonic() - at < READY_S:
            time.sleep(0.01)
            now = self.peer.next.count()
            if now > seen:
                seen, at = now, time.monotonic()
        return at


class Relay:
    """10 KiB, 20 sessions in, connections reused; until the next host has the last."""

    def __init__(self, server_class, peers):
        self.server_class, self.peers = server_class, peers

    def measure(self, context):
        need_packages("postfix")
        servers = []
        try:
            for name, (peer_class, messages) in self.peers.items():
                if name in context.peers:
                    peer = peer_class(os.path.join(context.folder, name + "-relay"), 100)
                    context.live.append(peer)
                    servers.append((self.server_class(peer), messages))
                    self.begin(peer)
            self.rounds(context, servers)
        finally:
            for server, _ in servers:
                context.stop(server.peer)

    def begin(self, peer):
        try:
            peer.start()
        except Missing as e:
            raise Missing("%s; it said: %s" % (e, peer.said())) from e

    def rounds(self, context, servers):
        for r in range(context.rounds):
            say("round %d of %d" % (r + 1, context.rounds))
            for server, messages in servers:
                n = whole(max(100, messages * context.scale), 100)
                if r == 0:
                    server.send(Load(whole(max(100, n // 5), 100), sessions=20), True)
                context.add(run(server, Load(n, sessions=20), context), r)


WORKS = {
    "relay": ("10 KiB for another host, 20 sessions, connections reused",
              Relay(SinkServer, {"postfix": (PostfixToSink, 1500),
                                 "posthouse": (PosthouseToSink, 15000)})),
    "relay-on": ("the same, for a Posthouse with mailboxes",
                 Relay(Server, {"postfix": (PostfixToPosthouse, 1500),
                                "posthouse": (PosthouseToPosthouse, 15000)})),
}
