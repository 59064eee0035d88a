"""The running server's roles, from /proc: confined as SECURITY.md says."""
import http.client
import os
import smtplib
import socket
import ssl
import stat
import unittest

from server import Demo, wait_for

WORDS = ["--set", "edges=2", "--set", "stores=2", "--set", "relay=yes", "--set", "relay.networks=127.0.0.2",
         "--set", "relay.port=1", "--set", "listen.http=127.0.0.1:0"]
ROOTS = {"edge": "empty", "directory": "directory", "router": "journal", "store": "account",
         "relay": "queue", "resolver": "empty", "web": "empty"}
BODY = b"Subject: hello\r\n\r\n" + b"a line of text\r\n" * 65536        # over what stays in memory


def status(pid, task=None):
    """The fields of /proc/PID/status, of a thread if one is named."""
    path = "/proc/%d/task/%s/status" % (pid, task) if task else "/proc/%d/status" % pid
    return dict(line.rstrip("\n").split(":\t", 1) for line in open(path) if ":\t" in line)


def files(pid):
    """[(path, access mode, stat)] of what a process holds open and has a path."""
    found = []
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            path = os.readlink("/proc/%d/fd/%s" % (pid, fd))
            info = dict(line.split(":", 1) for line in open("/proc/%d/fdinfo/%s" % (pid, fd))
                        if line.startswith("flags:"))
            if path.startswith("/"):
                found.append((path, int(info["flags"], 8) & os.O_ACCMODE,
                              os.stat("/proc/%d/fd/%s" % (pid, fd))))
        except FileNotFoundError:
            continue                    # closed meanwhile
    return found


def can_look_inside(pid):
    """Roles are not dumpable: their root and descriptors are for CAP_SYS_PTRACE only."""
    try:
        os.readlink("/proc/%d/root" % pid)
        return True
    except PermissionError:
        return False


class Inside:
    """What is looked at; the server of one build runs for all of it."""

    @classmethod
    def setUpClass(cls):
        cls.host = Demo(*WORDS, program=os.environ[cls.program])
        cls.host.start()
        cls.data = os.path.realpath(cls.host.data)

    @classmethod
    def tearDownClass(cls):
        cls.host.__exit__()

    def roles(self):
        roles = self.host.roles()
        self.assertEqual({name: len(pids) for name, pids in roles.items()},
                         {"edge": 2, "directory": 1, "router": 1, "store": 2, "relay": 1, "resolver": 1, "web": 1})
        return [(name, pid) for name, pids in sorted(roles.items()) for pid in pids]

    def inside(self):
        roles = self.roles()
        if not can_look_inside(roles[0][1]):
            self.skipTest("only with CAP_SYS_PTRACE can one see what a role holds")
        return roles

    def busy(self):
        """A session whose message is too large for memory and has not ended."""
        with smtplib.SMTP(*self.host.smtp) as client:
            client.sendmail("sender@there.example", self.host.alice.address,
                            b"Subject: x\r\n\r\nx\r\n")
        s = socket.create_connection(self.host.smtp, timeout=60)
        self.addCleanup(s.close)
        lines = s.makefile("rb")
        self.addCleanup(lines.close)
        for line in (b"", b"HELO there.example", b"MAIL FROM:<sender@there.example>",
                     b"RCPT TO:<%s>" % self.host.alice.address.encode(), b"DATA"):
            if line:
                s.sendall(line + b"\r\n")
            self.assertIn(lines.readline()[:1], (b"2", b"3"), line)
        s.sendall(BODY)
        return s, lines

    def test_walls_of_every_thread(self):
        for name, pid in self.roles():
            for task in os.listdir("/proc/%d/task" % pid):
                fields = status(pid, task)
                where = "%s, thread %s of %d" % (name, task, pid)
                self.assertEqual(fields["Seccomp"], "2", where)
                self.assertEqual(fields["NoNewPrivs"], "1", where)
                for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
                    self.assertEqual(int(fields[kind], 16), 0, where)
                for ids in ("Uid", "Gid"):
                    self.assertNotIn("0", fields[ids].split(), where)
                if os.geteuid() == 0:
                    self.assertEqual(fields["Groups"].split(), [], where)

    def test_no_core_dumps(self):
        for pid in [pid for _, pid in self.roles()] + [self.host.process.pid]:
            line, = [l for l in open("/proc/%d/limits" % pid) if l.startswith("Max core")]
            self.assertEqual(line.split()[4:6], ["0", "0"])
            # Of a process that is not dumpable all is root's.
            self.assertEqual(os.stat("/proc/%d/maps" % pid).st_uid, 0)

    def test_roots(self):
        for name, pid in self.inside():
            want = os.path.join(self.data, ROOTS[name]) if os.geteuid() == 0 else "/"
            self.assertEqual(os.readlink("/proc/%d/root" % pid), want, name)
        self.assertEqual(os.listdir(os.path.join(self.data, "empty")), [])

    def test_files_of_edges(self):
        edges = [pid for name, pid in self.inside() if name == "edge"]
        session, lines = self.busy()
        journal = os.path.join(self.data, "journal")

        def held(*folders):
            where = [os.path.join(journal, name) for name in folders]
            return [f for pid in edges for f in files(pid) if os.path.dirname(f[0]) in where]

        wait_for(lambda: held("spool"), what="a spool file")
        self.assertTrue(held("1", "2"))
        for pid in edges:
            for path, mode, st in files(pid):
                self.check_file_of_edge(path, mode, st)
        segments = [(st.st_dev, st.st_ino) for _, _, st in held("1", "2")]
        self.assertEqual(len(segments), len(set(segments)), "one is held by two")
        session.sendall(b".\r\n")
        self.assertEqual(lines.readline()[:3], b"250")

    def check_file_of_edge(self, path, mode, st):
        self.assertFalse(stat.S_ISDIR(st.st_mode), path)
        if not path.startswith(self.data + "/"):
            self.assertIn(path.split("/")[1], ("dev", "tmp"), path)   # stdin, our stderr
            return
        name = path[len(self.data) + 1:]
        if name.startswith(("journal/", "journey/", "log/")):
            self.assertEqual(mode, os.O_WRONLY, path)
        else:
            self.assertEqual((name, mode), ("lock", os.O_RDONLY))

    def test_files_of_the_relay(self):
        """Mail that waits lies in packs of its own; a report goes into a segment that it can only
        write, whatever else of the journal there is."""
        pid, = [pid for name, pid in self.inside() if name == "relay"]
        journal = os.path.join(self.data, "journal")

        def held():
            return [f for f in files(pid) if f[0].startswith(journal + "/")]

        with smtplib.SMTP(*self.host.submission) as client:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            client.starttls(context=context)
            client.login(self.host.bob.address, self.host.bob.password)
            # Nobody listens at the first; the second is in no network that mail may go to.
            for to in ("x@[127.0.0.2]", "x@[127.0.0.9]"):
                client.sendmail(self.host.bob.address, to, b"Subject: away\r\n\r\nx\r\n")
        seen = wait_for(held, what="a segment of the relay's")
        wait_for(lambda: self.host.count(self.host.bob), what="the report")
        for path, mode, st in seen + held():
            self.assertEqual(os.path.dirname(path), os.path.join(journal, "65"))
            self.assertEqual(mode, os.O_WRONLY, path)
            self.assertTrue(stat.S_ISREG(st.st_mode), path)
        wait_for(lambda: os.listdir(os.path.join(self.data, "queue", "pack")), what="a pack")
        for path, mode, _ in files(pid):
            self.assertTrue(path.startswith(tuple(os.path.join(self.data, name) + end for name, end in (
                ("queue", ""), ("journal/65", "/"), ("journey", "/"), ("log", "/"), ("lock", "")))) or
                not path.startswith(self.data + "/"), path)

    def test_the_web(self):
        """Confined, it serves: connections that it was handed, and nothing else of the network."""
        pid, = [pid for name, pid in self.inside() if name == "web"]
        address = self.host.ready["hosts"][0]["http"]
        port = int(address.rsplit(":", 1)[1])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for path, status in (("/livez", 200), ("/metrics", 200), ("/nowhere", 404)):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            self.assertEqual(answer.status, status)
        links = [os.readlink("/proc/%d/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%d/fd" % pid)]
        held = {link[8:-1] for link in links if link.startswith("socket:[")}
        # State 0A listens; only our connection is TCP at all.
        rows = [line.split() for line in open("/proc/%d/net/tcp" % pid)][1:]
        self.assertEqual([row[3] for row in rows if row[9] in held], ["01"])
        connection.close()
        for path, mode, _ in files(pid):
            if path.startswith(self.data + "/"):
                self.assertIn(path[len(self.data) + 1:], ("lock", "log/web.log"))
                self.assertEqual(mode, os.O_RDONLY if path.endswith("lock") else os.O_WRONLY, path)

    def test_folders_of_the_others(self):
        """Nobody holds what is another role's, but what that one handed it."""
        mine = {"directory": ("directory/",), "router": ("journal/",), "resolver": (), "web": (),
                "store": ("account/", "journal/"), "relay": ("queue/", "journal/65/")}
        roles = [(name, pid) for name, pid in self.inside() if name != "edge"]
        self.busy()
        for name, pid in roles:
            for path, mode, _ in files(pid):
                if not path.startswith(self.data + "/"):
                    continue
                rest = path[len(self.data) + 1:]
                self.assertTrue((rest + "/").startswith(
                    (*mine[name], "journey/", "log/", "lock/")), (name, path))
                if rest == "lock" or (name == "store" and rest.startswith("journal/")):
                    self.assertEqual(mode, os.O_RDONLY, path)


class Sanitized(Inside, unittest.TestCase):
    program = "POSTHOUSE"


class Release(Inside, unittest.TestCase):
    program = "POSTHOUSE_RELEASE"
