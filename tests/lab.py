"""tests/lab.py - a name server and some Posthouse servers on loopback that send each other
mail: bob.example is 127.0.0.2, alice.example 127.0.0.3, and so on, with the same ports.

    with Lab("bob.example", "alice.example") as lab:
        lab.bob.submission          # ("127.0.0.2", 21001)
        lab.bob.user                # Account: bob@bob.example, password
        send(lab.bob, "alice@alice.example", "subject")
        take(lab.alice, "subject")  # waits for it
        lab.bob.queue()             # rows of `posthouse queue list --json`

The name server is authoritative for "example.", so a domain there without records does not
exist; everything else it refuses to answer. Ended by the pids that were started.
"""
import json
import os
import poplib
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import tempfile
import threading

from server import POSTHOUSE, Account, Demo, free_ports, wait_for

poplib._MAXLINE = 1 << 20               # some tests send longer lines than it likes
PASSWORD = "correct horse battery"
ZONE = """\
$ORIGIN example.
$TTL 1m
@ IN SOA ns root ( 1 1h 15m 30d 1m )
@ IN NS ns
ns IN A 127.0.0.1
"""


def address_of(n):
    """Of the n-th host that is not the lab's own: from 127.0.0.2."""
    return "127.0.0.%d" % (2 + n)


class Nameserver:
    """posthouse nameserver with one zone, "example."; records as a zone file has them."""

    def __init__(self, folder, records, program=POSTHOUSE):
        zone = os.path.join(folder, "example.zone")
        with open(zone, "w") as file:
            file.write(ZONE + records)
        self.said = os.path.join(folder, "nameserver")
        with open(self.said, "w") as out:
            self.process = subprocess.Popen(
                [program, "nameserver", "--zone", zone, "--listen", "127.0.0.1:0", "--verbose"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        found = wait_for(self.first_line, what="the name server")
        self.address = found.group(1)

    def lines(self):
        with open(self.said) as file:
            return file.read()

    def first_line(self):
        assert self.process.poll() is None, self.lines()
        return re.match(r"serving 1 zone on (127\.0\.0\.1:\d+)\n", self.lines())

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        said = self.lines()
        assert "Sanitizer" not in said and "runtime error" not in said, said


class Host(Demo):
    """One server of a lab: its configuration, its accounts, its queue."""

    def __init__(self, lab, domain, address, keys):
        super().__init__(program=lab.program, data=os.path.join(lab.folder, domain))
        self.lab, self.domain, self.address = lab, domain, address
        self.name = "mail." + domain
        self.config = os.path.join(lab.folder, domain + ".conf")
        self.keys = {
            "hostname": self.name, "domains": domain, "data": self.data, "user": "none",
            "edges": 1, "stores": 1, "drain.timeout": "10s", "smtp.greeting_delay": "0",
            "password.memory": "8K", "dns.servers": lab.nameserver.address,
            "relay.port": lab.port, "relay.retry": "2s", "relay.retry_max": "2s",
        }
        for i, service in enumerate(self.services):
            self.keys["listen." + service] = "%s:%d" % (address, lab.port + i)
        self.keys.update(keys)
        self.write()
        self.accounts = {}
        self.user = self.add_account(domain.split(".")[0])

    def write(self, **keys):
        """The configuration, with these keys from now on ('__' is a dot, None: not there)."""
        self.keys.update((key.replace("__", "."), value) for key, value in keys.items())
        with open(self.config, "w") as f:
            f.writelines("%s = %s\n" % row for row in self.keys.items() if row[1] is not None)

    def words(self):
        return ["--config", self.config]

    def learn(self, row):
        self.certificate = os.path.join(self.data, "tls", "certificate.pem")

    def run(self, *words, want=0, stdin=""):
        """A command of this host; what it says on stdout, or on stderr when it fails."""
        done = subprocess.run([self.program, *words, "--config", self.config], text=True,
                              input=stdin, capture_output=True, timeout=120)
        if done.returncode != want:
            raise AssertionError("posthouse %s: exit status %d\n%s%s" % (
                " ".join(words), done.returncode, done.stdout, done.stderr))
        return done.stdout if want == 0 else done.stderr

    def add_account(self, name):
        address = name if "@" in name else "%s@%s" % (name, self.domain)
        self.run("account", "add", address, "--password-stdin", stdin=PASSWORD + "\n")
        self.accounts[name] = Account({"address": address, "password": PASSWORD})
        return self.accounts[name]

    def queue(self, *to):
        """What waits; with addresses, only entries for one of them."""
        rows = json.loads(self.run("queue", "list", "--json"))
        return [row for row in rows if not to or set(to) & set(row["to"])]

    def show(self, row):
        return json.loads(self.run("queue", "show", row["id"], "--json"))

    def login(self, account=None):
        """A session of one of its users, over 587 with STARTTLS."""
        account = account or self.user
        client = smtplib.SMTP(*self.submission, timeout=120)
        client.starttls(context=no_check())
        client.login(account.address, account.password)
        return client

    def box(self, account=None):
        return super().box(account or self.user)


def no_check():
    """TLS without a look at who that is: certificates in a lab are self-signed."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Lab:
    """keys: of posthouse.conf, for all servers ('__' is a dot); records: more of the zone,
    where {port} is the SMTP port and {1}, {2}, ... are addresses behind the servers'."""

    def __init__(self, *domains, records="", program=POSTHOUSE, spare=20, **keys):
        self.domains, self.program = domains, program
        self.folder = tempfile.mkdtemp(prefix="posthouse-lab-")
        os.chmod(self.folder, 0o711)
        addresses = [address_of(n) for n in range(len(domains) + spare)]
        self.port = free_ports(addresses=addresses)
        self.spare = addresses[len(domains):]
        zone = "".join("%s. MX 10 mail.%s.\nmail.%s. A %s\n" % (d, d, d, a)
                       for d, a in zip(domains, addresses))
        zone += records.format(*[None] + self.spare, port=self.port)
        self.hosts, self.nameserver = [], None
        try:
            self.nameserver = self.serve_names(zone)
            for domain, address in zip(domains, addresses):
                host = Host(self, domain, address,
                            {key.replace("__", "."): value for key, value in keys.items()})
                self.hosts.append(host)
                setattr(self, domain.split(".")[0], host)
        except BaseException:
            self.end()
            raise

    def serve_names(self, zone):
        """Something like a Nameserver, with these records of "example."."""
        return Nameserver(self.folder, zone, self.program)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        try:
            for host in self.hosts:
                host.start()
        except BaseException:
            self.end()
            raise

    def stop(self):
        """All of them, orderly; the folder goes."""
        try:
            for host in self.hosts:
                if host.process and host.process.poll() is None:
                    host.stop()
            self.nameserver.stop()
        finally:
            self.end()

    def end(self):
        """Whatever still runs."""
        processes = [h.process for h in self.hosts] + [self.nameserver and self.nameserver.process]
        for process in processes:
            if process and process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def message(subject, sender, to, body=b"one line\r\n"):
    return ("From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
            "Message-ID: <%s@client.example>\r\n\r\n" % (
                sender, to, subject, re.sub(r"\W", "-", subject))).encode() + body


def send(host, to, subject, body=b"one line\r\n", sender=None):
    """A message of a host's user; returns the reply to the end of data, or what refused it."""
    sender = sender or host.user.address
    to = [to] if isinstance(to, str) else to
    with host.login() as client:
        for step in [(client.mail, sender)] + [(client.rcpt, address) for address in to] + \
                [(client.data, message(subject, sender, ", ".join(to), body))]:
            code, words = step[0](step[1])
            if code != 250:
                break
        return code, words.decode()


def inbox(host, account=None):
    """All messages of a mailbox, as bytes."""
    box = host.box(account)
    found = [b"".join(line + b"\r\n" for line in box.retr(n)[1])
             for n in range(1, box.stat()[0] + 1)]
    box.quit()
    return found


def take(host, subject, account=None, seconds=60):
    """Wait for the message with this subject, read it and delete it."""
    line = b"\r\nSubject: %s\r\n" % subject.encode()

    def look():
        box = host.box(account)
        found = None
        for n in range(1, box.stat()[0] + 1):
            if line in b"\r\n".join(box.top(n, 0)[1]) + b"\r\n":
                found = b"".join(l + b"\r\n" for l in box.retr(n)[1])
                box.dele(n)
                break
        box.quit()
        return found
    return wait_for(look, seconds=seconds, what="the message " + subject)


class Script(threading.Thread):
    """A next host that says what it is told to: talk(connection) for each connection, on a
    spare address of the lab, until close()."""

    def __init__(self, lab, address, talk):
        super().__init__(daemon=True)
        self.talk, self.connections, self.living = talk, 0, set()
        self.listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, lab.port))
        self.listener.listen(50)
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return                  # closed
            self.connections += 1
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        self.living.add(connection)
        with connection:
            try:
                connection.settimeout(60)
                self.talk(connection)
            except OSError:
                pass                    # it has heard enough
        self.living.discard(connection)

    def close(self):
        """Its connections end, too. May be called again."""
        for end in [self.listener, *self.living]:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass                    # over already
        self.listener.close()


def dialogue(replies, last=b"250 ok\r\n", banner=b"220 mx ESMTP\r\n", bodies=None):
    """talk() of a host that speaks SMTP: to a command that begins with a key of replies it
    says that (a callable is called for it), to others `last`."""
    def talk(connection):
        lines = connection.makefile("rb")

        def answer(word):
            for key, reply in replies.items():
                if word.upper().startswith(key):
                    return reply() if callable(reply) else reply
            return {b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n",
                    b"EHLO": b"250-mx\r\n250 8BITMIME\r\n"}.get(word[:4].upper(), last)

        connection.sendall(banner)
        for line in lines:
            reply = answer(line)
            connection.sendall(reply)
            if line.upper().startswith(b"QUIT"):
                return
            if line.upper().startswith(b"DATA") and reply.startswith(b"354"):
                body = b""
                for part in lines:
                    if part == b".\r\n":
                        break
                    body += part
                if bodies is not None:
                    bodies.append(body)
                connection.sendall(answer(b"."))
    return talk
