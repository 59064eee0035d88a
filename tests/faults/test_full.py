"""No space: 452 4.3.1 before anything is promised; nothing acknowledged is lost,
and mail is taken again when there is space."""
import os
import signal
import subprocess
import tempfile
import unittest

from server import ROLES, Demo, wait_for

BODY = os.urandom(96 * 1024).hex()      # hardly compresses to under half
LINES = "\r\n".join(BODY[n:n + 76] for n in range(0, len(BODY), 76)) + "\r\n"
MESSAGES_MAX = 2000


class Full(unittest.TestCase):
    def fill(self, host):
        """Send until it is refused; returns how many were taken."""
        for n in range(MESSAGES_MAX):
            code, words = host.send("full-%d" % n, LINES)
            if code != 250:
                self.assertEqual(code, 452, words)
                self.assertIn(b"4.3.1", words)
                return n
        self.fail("%d messages went in and it was never full" % MESSAGES_MAX)

    def stop(self, host, signo):
        for pid in host.roles()["store"]:
            os.kill(pid, signo)

    def test_full_journal(self):
        """The stores stand still, so nothing leaves the journal."""
        with Demo("--set", "journal.size=64M", "--set", "journal.segment=4M", "--set", "edges=1") as host:
            self.stop(host, signal.SIGSTOP)
            try:
                taken = self.fill(host)
                self.assertGreater(taken, 10)
            finally:
                self.stop(host, signal.SIGCONT)
            wait_for(lambda: host.count() == taken, 60, "delivery of all that was taken")
            wait_for(lambda: host.send("again")[0] == 250, what="taking mail again")
            wait_for(lambda: host.count() == taken + 1)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to mount a small file system")
    def test_full_disk(self):
        folder = tempfile.mkdtemp(prefix="posthouse-test-")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", folder], check=True)
        try:
            with Demo("--set", "journal.segment=4M", "--set", "journal.size=512M", "--set", "edges=1",
                      data=os.path.join(folder, "data")) as host:
                os.mkdir(os.path.join(folder, "other"))
                ballast = os.path.join(folder, "other", "ballast")
                space = os.statvfs(folder)
                with open(ballast, "wb") as f:
                    f.write(bytes(max(0, space.f_bavail * space.f_frsize - (40 << 20))))
                taken = self.fill(host)
                for n in range(20):     # refused, and nothing of it is kept
                    self.assertEqual(host.send("refused-%d" % n, LINES)[0], 452)
                os.unlink(ballast)
                wait_for(lambda: host.count() == taken, 60, "delivery of all that was taken")
                wait_for(lambda: host.send("again")[0] == 250, 60, what="taking mail again")
                wait_for(lambda: host.count() == taken + 1)
                self.assertEqual(sorted(host.roles()), ROLES)
        finally:
            subprocess.run(["umount", folder], check=True)
            os.rmdir(folder)
