"""bench/works.py - the works: what load each server is put under, and what is noted.

Each work starts its servers, warms each, measures them in turn, round after
round, and stops them. A record is a dictionary; report.py knows the names.
"""
import json
import os
import poplib
import select
import socket
import subprocess
import sys
import time

import measure
from peers import BUILD, DOMAIN, PASSWORD, PEERS, Missing

POSTHOUSE = os.path.join(BUILD, "posthouse")
KIB = 1024
RUN_S = 300                             # the longest that one run may take
QUIET_S = 4                             # how long to wait for others to be done


def say(text):
    print(text, file=sys.stderr, flush=True)


class Load:
    """What one run of the generator sends."""

    def __init__(self, messages, size=10 * KIB, sessions=50, new=False):
        self.messages, self.size, self.sessions, self.new = messages, size, sessions, new

    def options(self, peer):
        return ["--to", "127.0.0.1:%d" % peer.port, "--rcpt-template", "user%%d@%s" % DOMAIN,
                "--users", str(peer.accounts), "--messages", str(self.messages),
                "--size", str(self.size), "--sessions", str(self.sessions), "--json",
                *(["--new"] if self.new else [])]


class Server:
    """A started peer and how many messages each of its mailboxes holds."""

    def __init__(self, peer):
        self.peer, self.sent = peer, 0

    def send(self, load, watch):
        """Run the generator. Returns (its JSON, its CPU seconds, time of the last arrival)."""
        peer = self.peer
        options = load.options(peer)
        before = self.sent // peer.accounts
        if watch and peer.pop3:
            options += ["--pop3", "127.0.0.1:%d" % peer.pop3, "--pop3-password", PASSWORD,
                        "--pop3-before", str(before)]
        arrivals = measure.Arrivals(peer.new_folders()) if peer.maildirs() else None
        process = subprocess.Popen([POSTHOUSE, "bench", "smtp", *options], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            used = wait(process, arrivals, load.messages)
            out, err = process.stdout.read(), process.stderr.read()
            if not out.startswith("{"):
                raise Missing("the generator failed: " + err.strip())
            got = json.loads(out)
            self.sent += load.messages
            if arrivals:
                got["delivered"] = {"messages": arrivals.count}
                if arrivals.overflow:
                    raise Missing("arrivals came too fast to count")
            return got, used, arrivals.last if arrivals else None
        finally:
            if process.returncode is None:
                process.kill()
                process.wait()
            process.stdout.close()
            process.stderr.close()
            if arrivals:
                arrivals.close()


def await_end(process, seconds):
    """Its status is left to be asked for. False: it lives on."""
    ended = os.pidfd_open(process.pid)
    try:
        return bool(select.select([ended], [], [], seconds)[0])
    finally:
        os.close(ended)


def wait(process, arrivals, messages):
    """Until the generator has ended and all has arrived, or nothing more comes. Returns
    the generator's CPU seconds."""
    deadline = time.monotonic() + RUN_S
    quiet_since = time.monotonic()
    if arrivals is None:
        await_end(process, RUN_S)
    while process.returncode is None or (arrivals and arrivals.count < messages):
        now = time.monotonic()
        if arrivals and arrivals.wait(0.1):
            quiet_since = now
        if process.returncode is None:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                used, quiet_since = usage.ru_utime + usage.ru_stime, now
        elif now - quiet_since > 20:
            break
        if now > deadline:
            raise Missing("not done after %d s" % RUN_S)
    return used


class Snapshot:
    def __init__(self, server, device):
        self.cpu = server.peer.group.cpu_s()
        self.written = server.peer.group.written()
        self.device, self.flushes = device.used()
        self.roles = server.peer.roles()


def run(server, load, context, watch=True):
    """One measured run: a record without work and round."""
    peer, device = server.peer, context.device
    os.sync()
    quiet = measure.wait_quiet(QUIET_S * min(context.scale, 1))
    before = Snapshot(server, device)
    busy, at, own = measure.busy_s(), time.monotonic(), sum(os.times()[:2])
    beside = peer.beside_s()
    got, generator, last = server.send(load, watch)
    wall = time.monotonic() - at
    server_cpu = peer.group.cpu_s() - before.cpu
    other = measure.busy_s() - busy - server_cpu - generator - (sum(os.times()[:2]) - own)
    other -= peer.beside_s() - beside
    measure.settle(peer.group)
    os.sync()
    after = Snapshot(server, device)
    n = load.messages
    accepted = got["accepted"]
    delivered = got["delivered"]
    if last is not None:
        seconds = last - got["started_us"] / 1e6
        delivered["per_second"] = delivered["messages"] / seconds if seconds > 0 else 0
    record = {
        "peer": peer.name, "accounts": peer.accounts, "messages": n, "size": load.size,
        "sessions": load.sessions, "new": load.new, "accepted": accepted["messages"],
        "accepted_per_s": accepted["per_second"], "p50_ms": got["latency_ms"]["p50"],
        "p99_ms": got["latency_ms"]["p99"], "fault": got["first_fault"],
        "cpu_ms": (after.cpu - before.cpu) * 1e3 / n, "generator_cpu_ms": generator * 1e3 / n,
        "written": (after.written - before.written) / n,
        "device": (after.device - before.device) / n if device.known else None,
        "flushes": (after.flushes - before.flushes) / n if device.known else None,
        "other_cpu": max(0, other) / wall / measure.CORES, "before_cpu": quiet,
        "pss_mb": peer.group.pss_mb(),
    }
    if after.roles:
        record["roles"] = {role: {"cpu_ms": (after.roles[role][0] - cpu) * 1e3 / n,
                                  "written": (after.roles[role][1] - written) / n}
                           for role, (cpu, written) in before.roles.items()
                           if role in after.roles}
    if delivered:
        record["delivered"] = delivered["messages"]
        record["delivered_per_s"] = delivered["per_second"]
    elif not peer.keeps_mail:
        record["delivered"] = record["accepted"]
        record["delivered_per_s"] = record["accepted_per_s"]
    return record


# ---- starting and stopping ----

class Servers:
    """Those of one work, as a context. context.live has all that were not stopped."""

    def __init__(self, context, wanted):
        self.context, self.wanted = context, wanted     # [(peer class, accounts)]
        self.running = []

    def __enter__(self):
        for peer_class, accounts in self.wanted:
            self.begin(peer_class, accounts)
        return self.running

    def begin(self, peer_class, accounts):
        folder = os.path.join(self.context.folder, "%s-%d" % (peer_class.name, accounts))
        peer = peer_class(folder, accounts)
        self.context.live.append(peer)
        try:
            peer.start()
            self.running.append(Server(peer))
        except Missing as e:
            words = peer.said()
            self.context.stop(peer)
            say("%s: left out: %s%s" % (peer.name, e, "; it said: " + words if words else ""))

    def __exit__(self, *_):
        for server in self.running:
            self.context.stop(server.peer)


def tell(record):
    rate = record.get("delivered_per_s", record["accepted_per_s"])
    say("  %-16s %5d accounts  %6.0f/s  CPU %6.3f ms  device %5.1f KB  flushes %5.3f  "
        "other CPU %2.0f %%%s" % (
            record["peer"], record["accounts"], rate, record["cpu_ms"],
            (record["device"] or record["written"]) / 1e3, record["flushes"] or 0,
            record["other_cpu"] * 100,
            "  INCOMPLETE: " + record["fault"] if incomplete(record) else ""))


def incomplete(record):
    return record["accepted"] != record["messages"] or \
        record.get("delivered", record["messages"]) != record["messages"]


# ---- the works ----

class Delivery:
    """All peers take the same messages; each as many as take it some seconds."""

    def __init__(self, messages, **load):
        self.messages, self.load = messages, load

    def measure(self, context):
        scale = context.scale
        wanted = [(PEERS[n], 100) for n in context.peers]
        with Servers(context, wanted) as servers:
            for r in range(context.rounds):
                say("round %d of %d" % (r + 1, context.rounds))
                for server in servers:
                    if r == 0:          # processes are forked, files have their size
                        warm = max(100, self.messages[server.peer.name] * scale // 5)
                        server.send(Load(whole(warm, 100), **self.load), True)
                    n = max(100, self.messages[server.peer.name] * scale)
                    record = run(server, Load(whole(n, 100), **self.load), context)
                    context.add(record, r)


def whole(n, accounts):
    """Each account gets as many."""
    return int(n) // accounts * accounts or accounts


class Accounts:
    """Posthouse with few and with many accounts: CPU and disk of a message."""

    counts = (10, 100, 10000)
    # Some seconds: what a checkpoint costs is shared by what comes between two.
    messages, warm = 60000, 20000

    def measure(self, context):
        wanted = [(PEERS["posthouse"], n) for n in self.counts]
        with Servers(context, wanted) as servers:
            for server in servers:
                # Each mailbox exists, each file of the journal was used before.
                server.send(Load(whole(max(self.warm * context.scale, 100),
                                       server.peer.accounts)), False)
            steady(context, servers, self.messages)


class Mailboxes:
    """Posthouse with small and with large mailboxes."""

    accounts, messages = 2, 20000
    fill = {"small": 100, "large": 100000}

    def measure(self, context):
        wanted = [(PEERS["posthouse"], self.accounts)] * len(self.fill)
        with Servers(context, self.names(wanted)) as servers:
            for server, n in zip(servers, self.fill.values()):
                n = int(max(n * context.scale, 100))
                say("filling %d mailboxes with %d messages each" % (self.accounts, n))
                server.send(Load(n * self.accounts, size=400, sessions=50), False)
                server.label = n
                # Both journals have been used alike.
                server.send(Load(whole(2000 * context.scale, self.accounts)), False)
            steady(context, servers, self.messages)

    @staticmethod
    def names(wanted):
        """A class each, so that two servers of one kind have folders of their own."""
        return [(type("Posthouse%d" % i, (c,), {"name": c.name + "-" + "ab"[i]}), n)
                for i, (c, n) in enumerate(wanted)]


def steady(context, servers, messages):
    """Rounds over servers that are warm; nobody reads meanwhile, it is checked afterwards."""
    n = max(messages * context.scale, 100)
    for r in range(context.rounds):
        say("round %d of %d" % (r + 1, context.rounds))
        for server in servers:
            load = Load(whole(n, server.peer.accounts))
            record = run(server, load, context, watch=False)
            record["peer"] = "posthouse"
            record["held"] = getattr(server, "label", None)
            record["delivered"] = load.messages - missing(server)
            context.add(record, r)


def missing(server):
    """Messages that are not in the mailboxes, as POP3 shows them; up to 50 are asked."""
    peer, lost = server.peer, 0
    users = peer.users()
    for user in users[::max(1, len(users) // 50)]:
        box = poplib.POP3("127.0.0.1", peer.pop3, timeout=60)
        box.user("%s@%s" % (user, DOMAIN))
        box.pass_(PASSWORD)
        lost += server.sent // peer.accounts - box.stat()[0]
        box.quit()
    return lost


class Memory:
    """PSS of all processes: with 200 silent sessions, and while 200 sessions send."""

    sessions = 200
    names = ("postfix-dovecot", "postfix", "opensmtpd", "posthouse")
    messages = {"postfix-dovecot": 800, "postfix": 800, "opensmtpd": 600, "posthouse": 8000}
    greeting_s = 3                      # for those whose server has no process left for them

    def measure(self, context):
        for r in range(context.rounds):
            say("round %d of %d" % (r + 1, context.rounds))
            for name in self.names:
                if name not in context.peers:
                    continue
                # Started afresh: a server keeps what it once needed.
                with Servers(context, [(PEERS[name], 100)]) as servers:
                    for server in servers:
                        context.add_memory(self.look(server, context), r)

    def look(self, server, context):
        peer = server.peer
        record = {"peer": peer.name, "accounts": peer.accounts, "sessions": self.sessions}
        record["pss_start_mb"] = peer.group.pss_mb()
        record["greeted"], record["pss_silent_mb"] = self.silent(peer)
        n = whole(max(self.messages[peer.name] * context.scale, 200), peer.accounts)
        options = Load(n, sessions=self.sessions).options(peer)
        load = subprocess.Popen([POSTHOUSE, "bench", "smtp", *options], stdout=subprocess.PIPE)
        highest = 0
        try:
            while not await_end(load, 0.2):
                highest = max(highest, peer.group.pss_mb())
            got = json.loads(load.stdout.read())
        finally:
            load.kill()
            load.wait()
            load.stdout.close()
        record["accepted"], record["messages"] = got["accepted"]["messages"], n
        record["pss_sending_mb"] = max(highest, peer.group.pss_mb())
        return record

    def silent(self, peer):
        """Open the sessions, greet; (how many were answered, PSS then)."""
        sockets = [socket.create_connection(("127.0.0.1", peer.port), 10)
                   for _ in range(self.sessions)]
        greeted = 0
        deadline = time.monotonic() + self.greeting_s
        try:
            for s in sockets:
                s.settimeout(max(0.01, deadline - time.monotonic()))
                try:
                    if s.recv(512)[:3] == b"220":
                        s.sendall(b"EHLO client.example\r\n")
                        greeted += s.recv(2048)[:3] == b"250"
                except OSError:
                    continue            # its limit of processes is reached
            return greeted, peer.group.pss_mb()
        finally:
            for s in sockets:
                s.close()


ALL_PEERS = {"postfix-dovecot": 1500, "postfix": 1500, "opensmtpd": 1000, "posthouse": 20000,
             "floor": 20000}
LARGE = {"postfix-dovecot": 800, "postfix": 1000, "opensmtpd": 800, "posthouse": 6000,
         "floor": 6000}

WORKS = {
    "new": ("10 KiB, 50 sessions, a new connection each", Delivery(ALL_PEERS, new=True)),
    "reuse": ("10 KiB, 50 sessions, connections reused", Delivery(ALL_PEERS)),
    "large": ("100 KiB, 10 sessions, connections reused",
              Delivery(LARGE, size=100 * KIB, sessions=10)),
    "accounts": ("10 KiB, 50 sessions, connections reused, 10 to 10,000 accounts", Accounts()),
    "mailboxes": ("10 KiB, 50 sessions, connections reused, mailboxes of 100 and of 100,000",
                  Mailboxes()),
    "memory": ("200 sessions, silent and sending", Memory()),
}
