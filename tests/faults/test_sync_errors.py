"""fdatasync, fsync and syncfs fail with EIO or ENOSPC in each role, once and for a
while: what got its 250 is there, once, also after a power cut that takes away all
that only a failed sync covered (DESIGN section 4, log rule 4)."""
import base64
import errno
import os
import subprocess
import unittest

from server import ROLES, Account, wait_for
from shim import ANY_SYNC, FDATASYNC, Shimmed
from traffic import Traffic

MESSAGES = 120
WORDS = ("--set", "journal.segment=4M", "--set", "edges=1", "--set", "stores=1")
# So that segments fill up.
BODY = "".join(base64.b64encode(os.urandom(57)).decode() + "\r\n" for _ in range(2000))
HASH = "{CRYPT}" + subprocess.run(["openssl", "passwd", "-6", "secret"], capture_output=True,
                                  text=True, check=True).stdout


class SyncErrors(unittest.TestCase):
    def run_fault(self, role, calls, error, times, hits, cut, body=""):
        """Traffic, the fault until it struck so often, perhaps a power cut, the rest."""
        with Shimmed(*WORDS) as host:
            with Traffic(host, "mail", MESSAGES, body=body) as traffic:
                traffic.wait(MESSAGES // 4)
                rule = host.rule(role, calls, error, times)
                wait_for(lambda: rule.hits >= hits, seconds=120, what="the fault")
                if cut:
                    host.power_cut()
                    host.start()
                rule.left = 0
            traffic.check(self, refused_may_come=cut)
            self.assertEqual(sorted(host.roles()), ROLES)
            if not cut and role != "directory":
                self.assertRegex(host.log(role), os.strerror(error))
            # A router that could make no segment waits before it tries again.
            wait_for(lambda: host.send("after")[0] == 250, seconds=60, what="taking mail again")
            wait_for(lambda: host.count() == 1, seconds=60)

    def test_edge_eio_once(self):
        self.run_fault("edge", FDATASYNC, errno.EIO, times=1, hits=1, cut=False)

    def test_edge_eio_for_a_while(self):
        self.run_fault("edge", FDATASYNC, errno.EIO, times=-1, hits=10, cut=False)

    def test_edge_eio_then_power_cut(self):
        self.run_fault("edge", FDATASYNC, errno.EIO, times=-1, hits=3, cut=True)

    def test_edge_enospc(self):
        self.run_fault("edge", FDATASYNC, errno.ENOSPC, times=3, hits=3, cut=False)

    def test_store_eio_once(self):
        self.run_fault("store", ANY_SYNC, errno.EIO, times=1, hits=1, cut=False)

    def test_store_eio_for_a_while(self):
        self.run_fault("store", ANY_SYNC, errno.EIO, times=-1, hits=3, cut=False)

    def test_store_eio_then_power_cut(self):
        self.run_fault("store", ANY_SYNC, errno.EIO, times=-1, hits=2, cut=True)

    def test_store_enospc(self):
        self.run_fault("store", ANY_SYNC, errno.ENOSPC, times=2, hits=2, cut=False)

    def test_router_eio_once(self):
        self.run_fault("router", ANY_SYNC, errno.EIO, times=1, hits=1, cut=False, body=BODY)

    def test_router_eio_for_a_while(self):
        self.run_fault("router", ANY_SYNC, errno.EIO, times=-1, hits=5, cut=False, body=BODY)

    def test_router_eio_then_power_cut(self):
        self.run_fault("router", ANY_SYNC, errno.EIO, times=-1, hits=2, cut=True, body=BODY)

    # ---- the directory: commands are refused, nothing of them is half there ----

    def account_add(self, host, name):
        return subprocess.run([os.environ["POSTHOUSE_RELEASE"], "account", "add",
                               "%s@%s" % (name, host.domain), "--hash-stdin", "--data", host.data],
                              input=HASH, capture_output=True, text=True, timeout=120)

    def directory_fault(self, calls, error, cut):
        with Shimmed(*WORDS, "--set", "password.memory=8K") as host:
            self.assertEqual(self.account_add(host, "before").returncode, 0)
            rule = host.rule("directory", calls, error)
            with Traffic(host, "mail", 40) as traffic:
                done = self.account_add(host, "meanwhile")
                self.assertEqual((done.returncode, done.stdout), (1, ""), done)
                self.assertRegex(done.stderr, r"^posthouse: [^\n]+\n$")
                # It gives up, and the keeper starts it again until its disk works.
                wait_for(lambda: rule.hits > 2, seconds=60, what="more tries")
                if cut:
                    host.power_cut()
                    host.start()
                rule.left = 0
            traffic.check(self, refused_may_come=cut)
            # Refused is refused, or it was done after all; never a half of it.
            done = self.account_add(host, "meanwhile")
            if done.returncode != 0:
                self.assertRegex(done.stderr, "exists|already")
            for name in ("before", "meanwhile"):
                address = "%s@%s" % (name, host.domain)
                self.assertEqual(host.send("to " + name, to=address)[0], 250)
                account = Account({"address": address, "password": "secret"})
                wait_for(lambda: host.count(account) == 1, seconds=60)
            self.assertEqual(sorted(host.roles()), ROLES)

    def test_directory_eio(self):
        self.directory_fault(ANY_SYNC, errno.EIO, cut=False)

    def test_directory_enospc(self):
        self.directory_fault(FDATASYNC, errno.ENOSPC, cut=False)

    def test_directory_eio_then_power_cut(self):
        self.directory_fault(ANY_SYNC, errno.EIO, cut=True)


if __name__ == "__main__":
    unittest.main()
