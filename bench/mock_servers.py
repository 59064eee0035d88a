"""bench/mock_servers.py - the servers that bench/mock compares: how each is started and asked."""
import json
import os
import subprocess
import urllib.request

from measure import read
from peers import Missing, Peer, Posthouse as Server, ROOT, free_port, greets, need_packages, \
    version, wait_for

MAILDEV = "2.2.1"
# Each message is kept as it came, without being parsed: the least that a catcher can do.
KEEPER = """import sys, threading
from aiosmtpd.controller import Controller

class Keeper:
    def __init__(self):
        self.kept = []

    async def handle_DATA(self, server, session, envelope):
        self.kept.append(envelope.content)
        return "250 OK %d" % len(self.kept)

Controller(Keeper(), hostname="127.0.0.1", port=int(sys.argv[1])).start()
threading.Event().wait()
"""


class Catcher(Peer):
    """A peer; its messages are counted, or it says nothing of them."""

    def __init__(self, folder):
        os.rmdir(folder)
        super().__init__(folder, 1)

    def stored(self):
        """How many messages it has, or None."""

    def rss_mb(self):
        return self.group._sum("status", "VmRSS:", 1024) / 1e6

    def get(self, path):
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (self.http, path), timeout=60) as got:
            return json.load(got)


class Posthouse(Catcher):
    name, title = "posthouse", "posthouse mock, with its page"
    program = Server.program
    options = ("--json", "--smtp", "127.0.0.1:0", "--smtps", "none", "--pop3", "none", "--imap",
               "none", "--http", "127.0.0.1:0", "--max-messages", "0")

    prepare = Server.prepare

    def start(self):
        file = os.path.join(self.folder, "said")
        process = self.run(self.program, "mock", *self.options)
        wait_for(self.title, lambda: read(file).endswith("\n"), process)
        host = json.loads(read(file).split("\n")[0])["hosts"][0]
        self.port, self.http = (int(host[k].rpartition(":")[2]) for k in ("smtp", "http"))

    def stored(self):
        return self.get("/api/v1/messages?limit=1")["total"]


class MailDev(Catcher):
    name, title = "maildev", "maildev"
    package = os.path.join(ROOT, "build", "npm-maildev")
    program = os.path.join(package, "node_modules", "maildev", "bin", "maildev")

    @classmethod
    def prepare(cls):
        if not os.path.exists(cls.program):
            try:
                done = subprocess.run(["npm", "install", "--prefix", cls.package, "--no-save",
                                       "--no-audit", "--no-fund", "--ignore-scripts",
                                       "maildev@" + MAILDEV], capture_output=True, text=True)
            except FileNotFoundError:
                raise Missing("needs npm") from None
            if done.returncode != 0:
                raise Missing("npm: " + done.stderr.strip()[-200:])
        node = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
        return "maildev %s, node %s" % (MAILDEV, node)

    def start(self):
        self.http = free_port()
        process = self.run("node", self.program, "--smtp", str(self.port), "--ip", "127.0.0.1",
                           "--web", str(self.http), "--web-ip", "127.0.0.1", "--silent",
                           "--mail-directory", os.path.join(self.folder, "mail"))
        wait_for(self.title, lambda: greets(self.port), process)

    def stored(self):
        return len(self.get("/email"))


class AioSmtpd(Catcher):
    name, title = "aiosmtpd", "aiosmtpd, keeping in memory"

    @classmethod
    def prepare(cls):
        need_packages("python3-aiosmtpd")
        return "python3-aiosmtpd " + version("python3-aiosmtpd")

    def start(self):
        process = self.run("/usr/bin/python3", "-c", KEEPER, str(self.port))
        wait_for(self.title, lambda: greets(self.port), process)


class SmtpSink(Catcher):
    name, title = "smtp-sink", "smtp-sink, keeping nothing"

    @classmethod
    def prepare(cls):
        need_packages("postfix")
        return "postfix " + version("postfix")

    def start(self):
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        process = self.run("/usr/sbin/smtp-sink", *user, "127.0.0.1:%d" % self.port, "1000")
        wait_for(self.title, lambda: greets(self.port), process)


SERVERS = {c.name: c for c in (MailDev, AioSmtpd, SmtpSink, Posthouse)}
