"""bench/deferred.py - many messages that wait for hosts that are dead: what they cost the
relay in memory, a start in time, and mail for a host that lives in speed.

A name server of ours has a domain for each host. Each is an address of loopback
where nobody listens, so that a connection is refused at once; the host that lives
is smtp-sink. Two servers, one with the messages and one without, are started in
turn, round after round: they are never up at the same time, since each message is
tried again every five minutes, the wait that others get only at first.
"""
import os
import re
import signal
import subprocess
import time

from measure import read, settle
from peers import DOMAIN, READY_S, STOP_S, Missing, Posthouse, free_port, greets, need_packages
from peers import undisturbed, wait_for, write
from relaying import SinkServer, ToSink
from works import Load, run, say, whole

HOSTS, MESSAGES = 1000, 100000
LIVING = 100                            # recipients at the host that lives
SENT = 15000                            # to them, in one run
# So long memory must not have become less, since a role gives back what it does not need at
# the second of its looks, 5 s apart (MALLOC_TRIM_MS), at the latest; and at the most.
STILL_S, REST_S = 12, 60
ZONE = """$ORIGIN example.
$TTL 1d
@ IN SOA ns root ( 1 1h 15m 30d 1m )
@ IN NS ns
ns IN A 127.0.0.1
alive MX 10 mx.alive
mx.alive A 127.0.0.1
"""
CONFIG = """dns.servers = %s
relay.port = %d
relay.retry = 5m
relay.retry_max = 5m
relay.warn = 0
"""


class Nameserver:
    def __init__(self, folder, program):
        self.said = os.path.join(folder, "nameserver")
        zone = write(os.path.join(folder, "example.zone"), ZONE + "".join(
            "d%d MX 10 mx.d%d\nmx.d%d A 127.1.%d.%d\n" % (i, i, i, i // 250, i % 250 + 1)
            for i in range(1, HOSTS + 1)))
        with open(self.said, "w") as out:
            self.process = subprocess.Popen(
                [program, "nameserver", "--zone", zone, "--listen", "127.0.0.1:0"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def start(self):
        """Its address."""
        wait_for("posthouse nameserver", self.address, self.process)
        return self.address()

    def address(self):
        found = re.match(r"serving 1 zone on (\S+)\n", read(self.said))
        return found and found[1]

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Deferring(ToSink, Posthouse):
    """user1, user2, ... are at the host that lives; dead1, dead2, ... each at a host of its
    own that does not."""

    names = servers = None

    def __init__(self, folder, name):
        self.name = name
        super().__init__(folder, LIVING)

    def start(self):
        with undisturbed():
            self.names = Nameserver(self.folder, self.program)
        self.servers = self.names.start()
        super().start()

    def stop(self):
        super().stop()
        if self.names:
            self.names.stop()

    def more(self):
        return CONFIG % (self.servers, self.next.port)

    def requests(self):
        targets = {u: "alive" for u in self.users()}
        targets.update(("dead%d" % i, "d%d" % i) for i in range(1, HOSTS + 1))
        return [{"command": "alias add", "address": "%s@%s" % (name, DOMAIN),
                 "targets": ["%s@%s.example" % (name, to)]} for name, to in targets.items()]

    def halt(self):
        """The processes end; files stay."""
        keeper = self.processes[-1]
        keeper.send_signal(signal.SIGTERM)
        try:
            keeper.wait(STOP_S * 2)
        except subprocess.TimeoutExpired:
            raise Missing("it does not end")
        self.group.first = None

    def start_again(self):
        """Seconds until it greets, and until the relay has read its queue."""
        began = time.monotonic()
        keeper = self.serve()
        greeted = loaded = None
        while greeted is None or loaded is None:
            if keeper.poll() is not None or time.monotonic() > began + READY_S:
                raise Missing("it does not start again: " + self.said())
            if greeted is None and greets(self.port):
                greeted = time.monotonic() - began
            if loaded is None and self.queue_page() is not None:
                loaded = time.monotonic() - began
            time.sleep(0.005)
        return greeted, loaded

    def queue_page(self, after=None):
        """What `queue list` says, or None: nobody can say that yet."""
        request = {"command": "queue list", **({"after": after} if after else {})}
        try:
            answer = self.control([request])[0]
        except (OSError, ValueError):
            return None
        return answer if answer.get("ok") else None

    def waiting(self):
        """How many messages wait after an attempt."""
        n, page = 0, self.queue_page()
        while page:
            n += sum(row["tries"] > 0 for row in page["rows"])
            page = self.queue_page(page["more"]) if "more" in page else None
        return n

    def relay_bytes(self):
        """Memory that only the relay has."""
        for pid in self.group.pids():
            if read("/proc/%d/cmdline" % pid).split("\0")[1:3] == ["role", "relay"]:
                return 1024 * sum(map(int, re.findall(
                    r"^Private_\w+:\s+(\d+)", read("/proc/%d/smaps_rollup" % pid), re.M)))
        raise Missing("it has no relay")


class DeadLoad(Load):
    def options(self, peer):
        options = super().options(peer)
        options[options.index("--rcpt-template") + 1] = "dead%%d@%s" % DOMAIN
        options[options.index("--users") + 1] = str(HOSTS)
        return options


def at_rest(measure, still_s):
    """What measure() says when it has not become less for so long, or after REST_S."""
    began = since = now = time.monotonic()
    least = value = measure()
    while now < min(since + still_s, began + REST_S):
        time.sleep(0.2)
        now, value = time.monotonic(), measure()
        if value < least:
            least, since = value, now
    return value


class Deferred:
    """What is measured of each server in each round: a start, memory, a run."""

    def measure(self, context):
        need_packages("postfix")        # smtp-sink
        servers = []
        try:
            for name in ("posthouse-none", "posthouse-many"):
                if "posthouse" not in context.peers:
                    continue
                peer = Deferring(os.path.join(context.folder, name), name)
                context.live.append(peer)
                servers.append(SinkServer(peer))
                peer.start()
                server = servers[-1]
                server.deferred = 0
                self.warm(server, context)
                if name == "posthouse-many":
                    server.before = self.rest(peer, context)
                    self.fill(server, context)
                peer.halt()
            self.rounds(context, servers)
        finally:
            for server in servers:
                context.stop(server.peer)

    def warm(self, server, context):
        server.send(Load(self.many(context) // 5 // LIVING * LIVING or LIVING, sessions=20), True)

    @staticmethod
    def many(context):
        return whole(max(SENT * context.scale, LIVING), LIVING)

    def fill(self, server, context):
        peer, n = server.peer, whole(max(MESSAGES * context.scale, HOSTS), HOSTS)
        say("%d messages to %d dead hosts" % (n, HOSTS))
        generator = subprocess.run([peer.program, "bench", "smtp", *DeadLoad(
            n, sessions=20).options(peer)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if generator.returncode != 0:
            raise Missing("the generator failed: " + generator.stderr.decode().strip())
        deadline = time.monotonic() + 2 * READY_S
        while peer.waiting() < n:
            if time.monotonic() > deadline:
                raise Missing("%d of %d messages wait" % (peer.waiting(), n))
            time.sleep(1)
        server.deferred = n
        server.grown = self.rest(peer, context) - server.before

    @staticmethod
    def rest(peer, context):
        """The relay's memory, when what it does not need has gone back to the system: it has
        not become less for some seconds."""
        settle(peer.group, 5)
        return at_rest(peer.relay_bytes, STILL_S * min(context.scale, 1))

    def rounds(self, context, servers):
        for r in range(context.rounds):
            say("round %d of %d" % (r + 1, context.rounds))
            bare = 0
            for server in servers:
                peer = server.peer
                greeted, loaded = peer.start_again()
                memory = self.rest(peer, context)
                self.warm(server, context)
                record = run(server, Load(self.many(context), sessions=20), context)
                record.update(peer="posthouse", deferred=server.deferred, greeted_s=greeted,
                              loaded_s=loaded, relay_mb=memory / 1e6)
                if server.deferred:
                    record["each_bytes"] = server.grown / server.deferred
                    record["each_again_bytes"] = (memory - bare) / server.deferred
                bare = memory
                context.add(record, r)
                say("  %d deferred: greets after %.2f s, queue read after %.2f s, relay %.1f MB"
                    % (server.deferred, greeted, loaded, memory / 1e6))
                peer.halt()


WORKS = {"deferred": ("messages for 1,000 dead hosts, and 10 KiB for one that lives", Deferred())}
