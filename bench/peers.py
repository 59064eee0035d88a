"""bench/peers.py - the servers that are compared: how each is started and stopped.

Each runs on loopback with a configuration, a queue and mailboxes of its own below
a temporary folder, in the foreground of a control group, with the settings for
durability that it comes with. Accounts are user1@bench.example, user2@...
"""
import contextlib
import glob
import json
import os
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

from measure import TICKS, Group, cgroups, read

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build", "release")
DOMAIN = "bench.example"
PASSWORD = "bench"
# Logging in must cost nothing here, since logins are not compared: $5$ with few rounds,
# which the server hashes anew at the first login, with as little memory as it takes.
PASSWORD_HASH = "$5$rounds=1000$abcdefgh$f2wkMh5rV2Ae335Tg9VCjZV1qLzvnPsirnr3Dxj6lxD"
MAIL_USER = 5000                        # owns the Maildirs; needs no name
READY_S, STOP_S = 60, 30


class Missing(Exception):
    """This peer cannot be run here; says why."""


def free_port():
    """One that nobody has, where neither the kernel takes one by itself nor the tests do."""
    for port in random.sample(range(29000, 32000), 1000):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Missing("no free port")


@contextlib.contextmanager
def undisturbed():
    """Ctrl-C and SIGTERM wait until what is done here is done: a process that was started, and of
    which nobody wrote down that it was, would not be ended."""
    came, before = [], {}
    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, lambda *got: came.append(got[0]))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


def wait_for(what, condition, process):
    deadline = time.monotonic() + READY_S
    while not condition():
        if process.poll() is not None:
            raise Missing("%s ended with status %s" % (what, process.returncode))
        if time.monotonic() > deadline:
            raise Missing("%s is not ready after %d s" % (what, READY_S))
        time.sleep(0.05)


def greets(port):
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as s:
            s.settimeout(5)
            return s.recv(3) == b"220"
    except OSError:
        return False


def write(path, text):
    with open(path, "w") as f:
        f.write(text)
    return path


def need_root():
    """Servers whose processes change users and end by themselves."""
    if os.geteuid() != 0:
        raise Missing("needs root")
    if not cgroups():
        raise Missing("its processes are counted by control groups (cgroup2), and none can be "
                      "made here")


def need_packages(*names):
    """Install what is missing; what would take another mail server away is not."""
    installed = subprocess.run(["dpkg-query", "-W", "-f", "${Status}\n", *names],
                               capture_output=True, text=True).stdout
    if installed.count("install ok installed") == len(names):
        return
    plan = subprocess.run(["apt-get", "-s", "install", "--no-install-recommends", *names],
                          capture_output=True, text=True)
    taken = [line.split()[1] for line in plan.stdout.splitlines() if line.startswith("Remv")]
    if taken:
        raise Missing("would remove %s, which is installed here" % " ".join(taken))
    done = subprocess.run(["sh", "-c", '. "$1"; shift; need_packages "$@"', "sh",
                           ROOT + "/packaging/debian.sh", *names], cwd=ROOT)
    if done.returncode != 0:
        raise Missing("its packages cannot be installed")


def build():
    """The release, as ./run has it."""
    done = subprocess.run(["sh", "-c", 'root=$1; . "$root/packaging/debian.sh"; '
                           'need_packages $packages_build && '
                           'build "$root/build/release" --buildtype=release -Dtests=false',
                           "sh", ROOT], cwd=ROOT)
    if done.returncode != 0:
        sys.exit("bench: there is nothing to measure")


def version(package):
    return subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package],
                          capture_output=True, text=True).stdout.strip()


class Peer:
    """name, title; port; pop3 (a port, or None); new_folders: where mail appears."""

    name = title = durable = None
    keeps_mail = True
    pop3 = None

    def __init__(self, folder, accounts):
        self.folder, self.accounts = folder, accounts
        self.port = free_port()
        self.group = Group("%s-%d" % (self.name, accounts))
        self.processes = []
        os.makedirs(folder)
        os.chmod(folder, 0o755)

    @classmethod
    def prepare(cls):
        """Install what it needs; raises Missing. Returns the version."""

    def start(self):
        raise NotImplementedError

    def run(self, *command, env=None):
        """Start a process of this server; its words go to a file in its folder."""
        with open(os.path.join(self.folder, "said"), "ab") as said, undisturbed():
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said,
                                       stderr=said, cwd=self.folder, start_new_session=True,
                                       env=env, preexec_fn=self.group.enter)
            self.group.first = self.group.first or process.pid
            self.processes.append(process)
        return process

    def stop(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                pass
        self.group.end()
        for process in self.processes:
            process.poll()
        shutil.rmtree(self.folder, ignore_errors=True)

    def said(self):
        """The last lines that its processes wrote."""
        return " / ".join(read(os.path.join(self.folder, "said")).split("\n")[-4:]).strip(" /")

    def beside_s(self):
        """CPU seconds of what runs for it and is not on its account."""
        return 0

    def roles(self):
        """Only Posthouse's processes live long enough to be told apart."""
        return {}

    def users(self):
        return ["user%d" % i for i in range(1, self.accounts + 1)]

    def new_folders(self):
        return [p + "/new" for p in self.maildirs()]

    def maildirs(self):
        return []

    def make_maildirs(self):
        for path in self.maildirs():
            for part in ("tmp", "new", "cur"):
                os.makedirs(os.path.join(path, part))
        subprocess.run(["chown", "-R", "%d:%d" % (MAIL_USER, MAIL_USER), self.folder + "/mail"],
                       check=True)


# ---- Postfix ----

POSTFIX_MAIN = """compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
meta_directory = /etc/postfix
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.{domain}
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
message_size_limit = 51200000
disable_dns_lookups = yes
smtp_host_lookup = native
virtual_mailbox_domains = {domain}
virtual_mailbox_maps = texthash:{folder}/etc/users
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:{user}
virtual_gid_maps = static:{user}
virtual_transport = {transport}
"""

# Debian's services, without those that listen elsewhere. Columns: master(5).
POSTFIX_MASTER = """127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix(Peer):
    name, title = "postfix", "Postfix (virtual, Maildir)"
    durable = "queue file: fsync before its 250; virtual(8): fsync of the file"
    transport = "virtual"

    @classmethod
    def prepare(cls):
        need_root()
        need_packages("postfix")
        return "postfix " + version("postfix")

    def start(self):
        f = self.folder
        for part in ("etc", "queue", "data", "mail"):
            os.makedirs(os.path.join(f, part))
        shutil.chown(f + "/data", "postfix")
        self.make_maildirs()
        write(f + "/etc/users", "".join("%s@%s %s/\n" % (u, DOMAIN, u) for u in self.users()))
        write(f + "/etc/main.cf", POSTFIX_MAIN.format(folder=f, domain=DOMAIN, user=MAIL_USER,
                                                      transport=self.transport) + self.more())
        write(f + "/etc/master.cf", POSTFIX_MASTER.format(port=self.port))
        master = self.run("/usr/sbin/postfix", "-c", f + "/etc", "start-fg")
        wait_for(self.title, lambda: greets(self.port), master)

    def more(self):
        """Lines of main.cf that stand last, and count."""
        return ""

    def stop(self):
        # `start-fg` is a script that waits for master, so master is asked itself. That can
        # wait for ever, when its postlogd waits for itself.
        if os.path.isdir(self.folder + "/etc"):
            try:
                subprocess.run(["/usr/sbin/postfix", "-c", self.folder + "/etc", "stop"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               timeout=STOP_S)
            except subprocess.TimeoutExpired:
                pass
        super().stop()

    def maildirs(self):
        return ["%s/mail/%s" % (self.folder, u) for u in self.users()]


# ---- Postfix and Dovecot ----

DOVECOT = """base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = lmtp
listen = 127.0.0.1
ssl = no
mail_location = maildir:~/Maildir
first_valid_uid = 1000
passdb {{
  driver = static
  args = nopassword
}}
userdb {{
  driver = static
  args = uid={user} gid={user} home={folder}/mail/%n
}}
namespace inbox {{
  inbox = yes
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
protocol lmtp {{
  auth_username_format = %Ln
}}
"""


class PostfixDovecot(Postfix):
    name, title = "postfix-dovecot", "Postfix + Dovecot (LMTP, Maildir)"
    durable = "queue file: fsync before its 250; mail_fsync = optimized"

    @classmethod
    def prepare(cls):
        postfix = super().prepare()
        need_packages("dovecot-core", "dovecot-lmtpd")
        return "%s, dovecot %s" % (postfix, version("dovecot-core"))

    def start(self):
        f = self.folder
        lmtp = free_port()
        self.transport = "lmtp:inet:127.0.0.1:%d" % lmtp
        for part in ("run", "state"):
            os.makedirs(os.path.join(f, part))
        write(f + "/dovecot.conf", DOVECOT.format(folder=f, user=MAIL_USER, port=lmtp))
        dovecot = self.run("/usr/sbin/dovecot", "-F", "-c", f + "/dovecot.conf")
        wait_for("Dovecot", lambda: greets(lmtp), dovecot)
        super().start()

    def maildirs(self):
        return ["%s/mail/%s/Maildir" % (self.folder, u) for u in self.users()]


# ---- OpenSMTPD ----

# Its paths are compiled in, and its package would take Postfix away: it runs from
# its unpacked package, in mounts that nobody else sees.
OPENSMTPD_START = """set -e
mount --make-rprivate /
mount --bind {folder}/passwd /etc/passwd
mount --bind {folder}/group /etc/group
mount --bind {folder}/resolv.conf /etc/resolv.conf
mount --bind {folder}/spool /var/spool
mount --bind {package}/usr/libexec /usr/libexec
mount -t tmpfs tmpfs /var/lib
mkdir -p /var/lib/opensmtpd/empty
exec {package}/usr/sbin/smtpd -d -f {folder}/smtpd.conf
"""

OPENSMTPD = """table users file:{folder}/users
smtp max-message-size 50M
smtp limit max-mails 1000000
listen on 127.0.0.1 port {port} hostname mx.{domain}
action "local" maildir userbase <users>
match from any for domain "{domain}" action "local"
"""


class OpenSmtpd(Peer):
    name, title = "opensmtpd", "OpenSMTPD (Maildir)"
    durable = "none before its 250; fsync of the file by mail.maildir"
    package = os.path.join(ROOT, "build", "opensmtpd")

    @classmethod
    def prepare(cls):
        need_root()
        need_packages("libevent-2.1-7", "libdb5.3", "libcrypt1", "libpam0g", "zlib1g")
        if not glob.glob(cls.package + "/opensmtpd_*.deb"):
            os.makedirs(cls.package, exist_ok=True)
            if subprocess.run(["apt-get", "-q", "download", "opensmtpd"], cwd=cls.package,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode != 0:
                raise Missing("its package cannot be downloaded")
        package = glob.glob(cls.package + "/opensmtpd_*.deb")[0]
        subprocess.run(["dpkg", "-x", package, cls.package], check=True)
        return "opensmtpd " + subprocess.run(["dpkg-deb", "-f", package, "Version"], text=True,
                                             capture_output=True).stdout.strip()

    def start(self):
        f = self.folder
        for part in ("spool/smtpd", "mail"):
            os.makedirs(os.path.join(f, part))
        os.chmod(f + "/spool/smtpd", 0o711)
        self.make_maildirs()
        write(f + "/resolv.conf", "nameserver 127.0.0.1\n")    # none there: look-ups fail at once
        shutil.copy("/etc/passwd", f + "/passwd")
        shutil.copy("/etc/group", f + "/group")
        with open(f + "/passwd", "a") as file:
            file.write("opensmtpd:x:5002:5002::/var/lib/opensmtpd/empty:/usr/sbin/nologin\n"
                       "opensmtpq:x:5003:5003::/nonexistent:/usr/sbin/nologin\n"
                       "vmail:x:%d:%d::%s/mail:/bin/sh\n" % (MAIL_USER, MAIL_USER, f))
        with open(f + "/group", "a") as file:
            file.write("opensmtpd:x:5002:\nopensmtpq:x:5003:\nvmail:x:%d:\n" % MAIL_USER)
        write(f + "/users", "".join("%s %d:%d:%s/mail/%s\n" % (u, MAIL_USER, MAIL_USER, f, u)
                                    for u in self.users()))
        write(f + "/smtpd.conf", OPENSMTPD.format(folder=f, port=self.port, domain=DOMAIN))
        script = write(f + "/start", OPENSMTPD_START.format(folder=f, package=self.package))
        smtpd = self.run("unshare", "-m", "sh", script)
        wait_for(self.title, lambda: greets(self.port), smtpd)

    def maildirs(self):
        return ["%s/mail/%s/Maildir" % (self.folder, u) for u in self.users()]


# ---- Posthouse ----

POSTHOUSE = """hostname = mx.{first}
domains = {domains}
data = {folder}/data
listen.smtp = 127.0.0.1:{port}
listen.pop3 = 127.0.0.1:{pop3}
listen.submission = none
listen.submissions = none
listen.pop3s = none
listen.imap = {imap}
listen.imaps = none
smtp.greeting_delay = 0
password.memory = 8K
"""


class Posthouse(Peer):
    name, title = "posthouse", "Posthouse"
    durable = "journal: fdatasync before the 250; mailbox: synced before it shows"
    program = os.path.join(BUILD, "posthouse")
    domains = (DOMAIN,)
    imap = "none"

    @classmethod
    def prepare(cls):
        revision = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], text=True,
                                  capture_output=True).stdout.strip()
        words = subprocess.run([cls.program, "version"], text=True, capture_output=True)
        return words.stdout.split("\n")[0].strip() + (" (%s)" % revision if revision else "")

    def start(self):
        self.pop3 = free_port()
        text = POSTHOUSE.format(folder=self.folder, first=self.domains[0], port=self.port,
                                domains=", ".join(self.domains), pop3=self.pop3, imap=self.imap)
        text += self.more()
        if os.geteuid() == 0:
            try:
                pwd.getpwnam("posthouse")
            except KeyError:
                text += "user = nobody\n"
        write(self.folder + "/posthouse.conf", text)
        keeper = self.serve()
        wait_for(self.title, lambda: greets(self.port), keeper)
        for answer in self.control(self.requests()):
            if not answer.get("ok"):
                raise Missing("cannot add an account: %s" % answer)

    def serve(self):
        return self.run(self.program, "serve", "--config", self.folder + "/posthouse.conf")

    def roles(self):
        """{role: (CPU seconds, bytes written)}, its processes together."""
        found = {}
        for pid in self.group.pids():
            words = read("/proc/%d/cmdline" % pid).split("\0")
            stat = read("/proc/%d/stat" % pid).rpartition(")")[2].split()
            io = re.search(r"^write_bytes: (\d+)", read("/proc/%d/io" % pid), re.M)
            name = words[2] if words[1:2] == ["role"] else "keeper"
            if stat:
                cpu, written = found.get(name, (0, 0))
                found[name] = (cpu + (int(stat[11]) + int(stat[12])) / TICKS,
                               written + (int(io[1]) if io else 0))
        return found

    def more(self):
        """Lines of posthouse.conf besides."""
        return ""

    def requests(self):
        return [{"command": "account add", "hash": PASSWORD_HASH,
                 "address": "%s@%s" % (u, DOMAIN)} for u in self.users()]

    def control(self, requests):
        """The answers, in order."""
        # A path of a socket is short; ours may not be.
        folder = os.open(self.folder + "/data", os.O_PATH)
        with socket.socket(socket.AF_UNIX) as s:
            try:
                s.connect("/proc/self/fd/%d/control.sock" % folder)
            finally:
                os.close(folder)
            s.settimeout(READY_S)
            lines = s.makefile("r")
            answers = []
            for request in requests:
                s.sendall((json.dumps(request) + "\n").encode())
                answers.append(json.loads(lines.readline() or "{}"))
            return answers


# ---- the floor ----

class Floor(Peer):
    name, title = "floor", "The floor (bench/floor.c)"
    durable = "fdatasync before its 250; no mailboxes"
    keeps_mail = False

    @classmethod
    def prepare(cls):
        return "bench/floor.c"

    def start(self):
        floor = self.run(os.path.join(BUILD, "floor"), str(self.port), self.folder + "/messages")
        wait_for(self.title, lambda: greets(self.port), floor)


PEERS = {c.name: c for c in (PostfixDovecot, Postfix, OpenSmtpd, Posthouse, Floor)}
