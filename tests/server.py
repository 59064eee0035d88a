"""tests/server.py - start Posthouse for a test, and stop it.

    with Demo() as host:
        host.smtp        # ("127.0.0.1", 40123)
        host.alice       # Account: address, password

Loopback only, on ports the server picks free; data in a folder of its own that
is removed at the end. Ended by the pid that was started.
"""
import json
import os
import poplib
import select
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import time

POSTHOUSE = os.environ["POSTHOUSE"]
ROLES = ["directory", "edge", "relay", "resolver", "router", "store"]
READY_SECONDS = 60
STOP_SECONDS = 60


class Account:
    def __init__(self, row):
        self.address = row["address"]
        self.password = row["password"]


class Demo:
    """posthouse serve --demo --json, as a context."""

    command = "serve"
    services = ("smtp", "submission", "submissions", "pop3", "pop3s", "imap", "imaps")

    def __init__(self, *options, program=POSTHOUSE, data=None, environment=None):
        self.options = options
        self.program = program
        self.environment = dict(os.environ, **(environment or {}))
        self.own_data = data is None
        self.data = data or tempfile.mkdtemp(prefix="posthouse-test-")
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        try:
            if self.process.poll() is None:
                self.stop()
        finally:
            if self.own_data:
                shutil.rmtree(self.data, ignore_errors=True)

    def start(self):
        self.errors = open(os.path.join(tempfile.gettempdir(),
                                        "%s.%d.stderr" % (os.path.basename(self.data), os.getpid())),
                           "ab")
        self.process = subprocess.Popen(
            [self.program, self.command, "--json", *self.words()],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors,
            env=self.environment, preexec_fn=self.before_exec)
        self.ready = json.loads(self.first_line())
        row = self.ready["hosts"][0]
        for service in self.services:
            address, port = row[service].rsplit(":", 1)
            setattr(self, service, (address, int(port)))
        self.learn(row)

    def words(self):
        return ["--demo", "--data", self.data, *self.options]

    def learn(self, row):
        """From the line of JSON."""
        self.name, self.domain = row["name"], row["domain"]
        self.certificate = self.ready["certificate"]
        accounts = {a["address"].split("@")[0]: Account(a) for a in row["accounts"]}
        self.alice, self.bob = accounts["alice"], accounts["bob"]

    def before_exec(self):
        """In the process that becomes the server: for limits."""

    def first_line(self):
        deadline = time.monotonic() + READY_SECONDS
        line = b""
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                self.process.kill()
                raise AssertionError("not ready in time; it said:\n" + self.said())
            byte = os.read(self.process.stdout.fileno(), 65536)
            if not byte:
                raise AssertionError("ended with %s before it was ready; it said:\n%s"
                                     % (self.process.wait(), self.said()))
            line += byte
        return line

    def said(self):
        """What it wrote to stderr."""
        with open(self.errors.name, "rb") as f:
            return f.read().decode("utf-8", "replace")

    def stop(self, signo=signal.SIGTERM, want=0):
        self.process.send_signal(signo)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("did not stop in time; it said:\n" + self.said())
        finally:
            self.process.stdout.close()
        said = self.said()
        self.errors.close()
        os.unlink(self.errors.name)
        assert status == want, "ended with %s, not %s; it said:\n%s" % (status, want, said)
        assert "Sanitizer" not in said and "runtime error" not in said, said

    def kill(self, roles=True):
        """kill -9 of the keeper and its roles; all gone when this returns. Without
        roles: the keeper only, which they must see."""
        pids = [pid for pids in self.roles().values() for pid in pids]
        self.process.kill()
        for pid in pids if roles else ():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass                    # it saw its keeper go
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()
        wait_for(lambda: not any(os.path.exists("/proc/%d" % pid) for pid in pids),
                 what="the end of all roles")

    def log(self, role):
        """The text log of a role."""
        names = [n for n in os.listdir(os.path.join(self.data, "log")) if n.startswith(role)]
        return "".join(open(os.path.join(self.data, "log", n), errors="replace").read() for n in sorted(names))

    def send(self, subject, body="one line\r\n", to="alice@alice.example"):
        """Over port 25, one connection; returns the reply to the end of data."""
        with smtplib.SMTP(*self.smtp, timeout=60) as client:
            client.ehlo("client.example")
            for code, words in (client.mail("sender@client.example"), client.rcpt(to)):
                if code != 250:
                    return code, words
            return client.data("Subject: %s\r\n\r\n%s" % (subject, body))

    def box(self, account=None):
        """A POP3 session of alice or another."""
        account = account or self.alice
        box = poplib.POP3(*self.pop3, timeout=60)
        box.user(account.address)
        box.pass_(account.password)
        return box

    def count(self, account=None):
        box = self.box(account)
        n = box.stat()[0]
        box.quit()
        return n

    def roles(self):
        """{name: [pid, ...]} of the role processes, from /proc."""
        found = {}
        for pid in os.listdir("/proc"):
            if not pid.isdigit():
                continue
            try:
                parent = open("/proc/%s/stat" % pid).read().rsplit(")", 1)[1].split()[1]
                words = open("/proc/%s/cmdline" % pid, "rb").read().split(b"\0")
            except OSError:
                continue
            if int(parent) == self.process.pid and len(words) > 3 and words[1] == b"role":
                found.setdefault(words[2].decode(), []).append(int(pid))
        return found


class Mock(Demo):
    """posthouse mock --json, in memory unless `data` is given."""

    command = "mock"
    services = ("smtp", "submissions", "pop3", "imap", "http")

    def __init__(self, *options, data=None, **more):
        super().__init__(*options, data=data or tempfile.mkdtemp(prefix="posthouse-mock-"), **more)
        self.own_data, self.in_memory = data is None, data is None

    def words(self):
        ports = [word for option in ("--smtp", "--smtps", "--pop3", "--imap", "--http") for word in (option, "127.0.0.1:0")]
        return [*ports, *([] if self.in_memory else ["--data", self.data]), *self.options]

    def learn(self, row):
        self.name, self.certificate = row["name"], self.ready["certificate"]

    def box(self, login="whoever"):
        box = poplib.POP3(*self.pop3, timeout=60)
        box.user(login)
        box.pass_("any")
        return box

    def subjects(self, login="whoever"):
        """Of what is there, the oldest first."""
        box = self.box(login)
        found = [line[9:].decode() for number in range(1, box.stat()[0] + 1)
                 for line in box.retr(number)[1] if line.startswith(b"Subject: ")]
        box.quit()
        return found


def free_ports(n=7, addresses=("127.0.0.1",)):
    """The first of n ports in a row that nobody has on these addresses, where the kernel takes
    none by itself. Tests that run at the same time look in different places."""
    first = os.getpid() * 10 % 8000
    for base in (21000 + (first + step) % 8000 for step in range(0, 8000, 10)):
        taken = []
        try:
            for address in addresses:
                for port in range(base, base + n):
                    s = socket.socket()
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    taken.append(s)
                    s.bind((address, port))
            return base
        except OSError:
            continue
        finally:
            for s in taken:
                s.close()
    raise AssertionError("no %d free ports in a row" % n)


def wait_for(condition, seconds=30, what="it"):
    """Poll until condition() is true: for what has no event to wait for."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("%s did not come true in %d s" % (what, seconds))
        select.select([], [], [], 0.02)
