"""Few descriptors and little memory, under load: who finds no place is told so, who is
in goes on, nothing acknowledged is lost, and a role that had to end comes back."""
import os
import poplib
import resource
import socket
import subprocess
import unittest

from server import ROLES, Account, Demo, free_ports, wait_for
from traffic import Traffic, in_data

WORDS = ("--set", "edges=1", "--set", "stores=1")
MEGABYTES = 40
BODIES_MAX = 1000
FEW = 256                               # the least that the server takes
RELEASE = os.environ["POSTHOUSE_RELEASE"]
MEMORY = "/sys/fs/cgroup/memory"        # cgroups, version 1 or 2
LARGE = "".join("%s\r\n" % os.urandom(36).hex() for _ in range(8000))    # 584 KB


class Limited(Demo):
    """Started with so many descriptors, and in a cgroup if one is named."""

    def __init__(self, *options, descriptors=None, cgroup=None):
        super().__init__("--port-base", str(free_ports()), *WORDS, *options, program=RELEASE)
        self.descriptors, self.cgroup = descriptors, cgroup

    def before_exec(self):
        if self.descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors,) * 2)
        if self.cgroup:
            with open(os.path.join(self.cgroup, "cgroup.procs"), "w") as f:
                f.write("0")


class Descriptors(unittest.TestCase):
    def test_few_descriptors(self):
        with Limited(descriptors=FEW) as host:
            roles = host.roles()
            held, refused = [], []
            for _ in range(2 * FEW):    # more than there can be
                s = socket.create_connection(host.smtp, timeout=60)
                line = s.recv(4096)
                (held if line.startswith(b"220 ") else refused).append(s)
                if not line.startswith(b"220 "):
                    self.assertRegex(line, rb"^421 4\.7\.0 Too many connections")
            self.assertGreater(len(held), FEW // 2)
            self.assertGreater(len(refused), FEW // 2)
            for s in refused:
                s.close()
            for s in held[:40]:
                s.close()
            with Traffic(host, "few", 80, sessions=16) as traffic:
                pass
            traffic.check(self)
            for s in held:
                s.close()
            self.assertEqual(host.roles(), roles)

    def test_few_descriptors_and_large_bodies(self):
        """Each large body on its way takes some more."""
        with Limited(descriptors=FEW) as host:
            roles = host.roles()
            with Traffic(host, "large", 160, sessions=40, body=LARGE) as traffic:
                pass
            traffic.check(self)
            self.assertEqual(host.roles(), roles)

    def test_few_descriptors_and_mailboxes(self):
        """POP3 sessions over the store's share are refused."""
        with Limited("--set", "password.memory=8K", descriptors=FEW) as host:
            roles = host.roles()
            accounts = [self.add(host, n) for n in range(FEW // 8 * 5)]
            boxes = []
            refused = 0
            for account in accounts:
                try:
                    boxes.append(host.box(account))
                except poplib.error_proto as e:
                    self.assertRegex(str(e), "SYS/TEMP")
                    refused += 1
            self.assertGreater(len(boxes), FEW // 4)
            self.assertGreater(refused, 0)
            self.assertEqual(host.send("still")[0], 250)
            for box in boxes:
                box.quit()
            wait_for(lambda: host.count() == 1, what="the delivery")
            self.assertEqual(host.roles(), roles)

    def add(self, host, n):
        address = "box%d@%s" % (n, host.domain)
        done = subprocess.run([RELEASE, "account", "add", address, "--hash-stdin", "--data",
                               host.data], input=self.hash, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done)
        return Account({"address": address, "password": "secret"})

    @classmethod
    def setUpClass(cls):
        cls.hash = "{CRYPT}" + subprocess.run(["openssl", "passwd", "-6", "secret"],
                                              capture_output=True, text=True, check=True).stdout

    def test_too_few_descriptors(self):
        done = subprocess.run(["sh", "-c", "ulimit -n 100; exec \"$0\" serve --demo", RELEASE],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^posthouse: 100 open files are too few [^\n]*\n$")


class Memory(unittest.TestCase):
    def cgroup(self):
        """A cgroup whose memory can be limited, or the test is skipped."""
        base = MEMORY if os.path.isdir(MEMORY) else "/sys/fs/cgroup"
        folder = os.path.join(base, "posthouse-test-%d" % os.getpid())
        try:
            os.mkdir(folder)
            self.addCleanup(wait_for, lambda: self.remove(folder), what="the end of the cgroup")
            if self.limit(folder, MEGABYTES):
                return folder
        except OSError as e:
            self.skipTest("no cgroup to limit memory: %s" % e)
        self.skipTest("no cgroup that limits memory")

    def limit(self, folder, megabytes):
        for name in ("memory.limit_in_bytes", "memory.max"):
            if os.path.exists(os.path.join(folder, name)):
                with open(os.path.join(folder, name), "w") as f:
                    f.write(str(megabytes << 20))
                return True
        return False

    def remove(self, folder):
        try:
            os.rmdir(folder)
            return True
        except OSError:
            return False

    def kills(self, folder):
        for name in ("memory.oom_control", "memory.events"):
            if os.path.exists(os.path.join(folder, name)):
                rows = dict(line.split() for line in open(os.path.join(folder, name)))
                return int(rows["oom_kill"])
        return 0

    def test_little_memory(self):
        """Bodies that do not end fill it, until the kernel ends whoever holds most."""
        folder = self.cgroup()
        with Limited(cgroup=folder) as host:
            with Traffic(host, "tight", 400, sessions=20, body=LARGE[:150000]) as traffic:
                traffic.wait(50)
                held = []
                while self.kills(folder) == 0 and len(held) < BODIES_MAX:
                    try:
                        held.append(in_data(host))
                        held[-1].sendall(LARGE[:200000].encode())
                    except (OSError, AssertionError):
                        pass            # it has just been ended, or has no room now
                self.assertGreater(self.kills(folder), 0)
                for s in held:
                    s.close()
            traffic.check(self, refused_may_come=True)
            wait_for(lambda: sorted(host.roles()) == ROLES,
                     seconds=60, what="all roles")


if __name__ == "__main__":
    unittest.main()
